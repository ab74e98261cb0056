package wording

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Person is whom a sample of a text is written for.
type Person string

// The people.
const (
	Ordinary  Person = "ordinary"   // with everything on the card, and names of usual length
	LongNamed Person = "long-named" // of the longest names there are
	Nameless  Person = "nameless"   // of whom little is known
)

// People lists them.
func People() []Person { return []Person{Ordinary, LongNamed, Nameless} }

// FarLink is where the pages of a long domain stand: the length that a text has to have room for.
const FarLink = "https://returnpoint.example"

// Sample is what the text is given for an imagined patient of the clinic whose
// pages stand under base.
func (s Subject) Sample(cl *dental.Clinic, who Person, base string) message.Values {
	l := s.Locale
	date, until, minutes := dental.Date{Year: 2026, Month: 3, Day: 12}, dental.Date{Year: 2026, Month: 11, Day: 22}, 30
	v := message.Values{message.ClinicName: cl.Name, message.ClinicPhone: string(cl.Phone), message.Address: cl.Address,
		message.Given: "Екатерина", message.Doctor: "Ирина Соколова", message.Next: "контрольный осмотр", message.List: "Анна 10:00, Пётр 11:30"}
	if l == locale.English {
		v[message.Given], v[message.Doctor], v[message.Next], v[message.List] = "Catherine", "Irene Falconer", "check-up", "Ann 10:00 AM, Peter 11:30 AM"
	}
	v[message.Advice] = s.Step.Advice[l.String()][string(dental.Hygiene)]
	switch who {
	case LongNamed:
		date, until, minutes = dental.Date{Year: 2026, Month: 9, Day: 27}, dental.Date{Year: 2026, Month: 9, Day: 22}, 90
		v[message.Given], v[message.Doctor], v[message.Next] = "Александра-Вероника", "Преображенская-Константинова Александра-Вероника", "консультация и составление плана лечения"
		var times []string // a reminder of several long names has the times alone
		for _, at := range []dental.TimeOfDay{9*60 + 30, 10 * 60, 10*60 + 30, 11 * 60, 12*60 + 30} {
			times = append(times, l.Time(at))
		}
		v[message.List] = l.Join(times)
		for _, advice := range s.Step.Advice[l.String()] {
			if utf8.RuneCountInString(advice) > utf8.RuneCountInString(v[message.Advice]) {
				v[message.Advice] = advice
			}
		}
	case Nameless:
		for _, p := range []message.Placeholder{message.Given, message.Doctor, message.Next, message.Advice} {
			v[p] = ""
		}
	}
	v[message.Day], v[message.Date], v[message.Time] = l.Day(date), l.DayWeekday(date), l.Time(14*60+30)
	v[message.Until], v[message.Minutes] = l.Day(until), l.Minutes(minutes)
	v[message.Benefit] = cmp.Or(l.Benefit(cl.Scenario(s.Scenario.Name).Benefit), l.Benefit(s.Scenario.Benefit))
	if s.Step.Link == dental.ReferralLink {
		v[message.Benefit] = l.Referral(cl.Referral)
	}
	switch {
	case !s.leads():
	case s.Step.Link == scenario.BookingLink:
		v[message.Link] = cl.BookingURL
	default:
		v[message.Link] = base + "/" + string(s.Step.Link) + "/AbCdEfGhIjKlMnOp"
	}
	always, sometimes := s.Places()
	for p := range v {
		if !slices.Contains(always, p) && !slices.Contains(sometimes, p) {
			delete(v, p)
		}
	}
	return v
}
