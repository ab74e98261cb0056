package measure

import (
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The five mistakes that cost a clinic its patients, each as a visit shows it.
// They are counted once a doctor and day.
const (
	// NotAsked: nobody asked the patient for an opinion, from 30 days before the
	// visit, since one is asked once in that time, to three days after it.
	NotAsked = "not-asked"
	// NoDate: the patient left without a date to come back by: neither the MIS nor
	// the desk gave one that day, and no further appointment was agreed on within a day.
	NoDate = "no-date"
	// NoControl: a date was given, and until it neither a message nor a call came,
	// nor did the patient.
	NoControl = "no-control"
	// IfNeeded: "come if needed": no date, no next step, no plan and no word of advice.
	IfNeeded = "if-needed"
	// NoLoyalty: at the third visit or a later one of an adult, and for 30 days
	// after it, neither the club nor a recommendation nor a bonus was spoken of.
	NoLoyalty = "no-loyalty"
)

// Mistakes lists them in the order in which they are told.
func Mistakes() []string { return []string{NotAsked, NoDate, NoControl, IfNeeded, NoLoyalty} }

// What the mistakes are detected by. These are the catalogue's names.
const (
	survey   = "survey"
	club     = "club"
	referral = "referral"
)

const (
	askedOnce    = 30 // days in which one survey is enough
	askedBy      = 3  // days after the visit until which it may come
	rewardedBy   = 30 // days after the visit until which a bonus or the club may come
	regularSince = 2  // visits before the one at which a patient is a regular
	agreedWithin = 24 * time.Hour
)

// doctors counts for each doctor of a day what is theirs.
func (t *tally) doctors() {
	for i, d := range t.days {
		for _, id := range doctorsOf(d) {
			t.doctor(i, d, id)
		}
	}
}

func doctorsOf(d day) []string {
	var out []string
	for _, v := range d.visits {
		if v.Doctor.ID != "" && !slices.Contains(out, v.Doctor.ID) {
			out = append(out, v.Doctor.ID)
		}
	}
	return out
}

func (t *tally) doctor(i int, d day, id string) {
	mine := day{Date: d.Date}
	name, brought := "", int64(0)
	for _, v := range d.visits {
		if v.Doctor.ID == id {
			mine.visits = append(mine.visits, v)
			name = v.Doctor.Name
			brought += t.net(v)
		}
	}
	t.add(d.Date, 1, "doctor", id, "visits")
	t.add(d.Date, brought, "doctor", id, "revenue")
	if name != "" {
		t.add(d.Date, 1, "doctor", id, "called", word(name))
	}
	given, agreed := t.leftWith(mine)
	dated := !given.IsZero() || agreed != nil
	if dated {
		t.add(d.Date, 1, "doctor", id, "dated")
	}
	reason := t.reason(mine, agreed)
	if dated && reason {
		t.add(d.Date, 1, "doctor", id, "points")
	}
	closes := point(mine).AddDays(pointLasts + 1)
	t.add(closes, 1, "doctor", id, "due")
	if n := t.next(i); !n.IsZero() && n.Before(closes) {
		t.add(closes, 1, "doctor", id, "back")
	}
	if a := t.answerOn(mine); a != nil {
		_, score := a.OfVisit()
		if group := npsGroup(score); group != "" {
			t.add(d.Date, 1, "doctor", id, "nps", group)
		}
	}

	if !dated {
		t.add(d.Date, 1, "doctor", id, NoDate)
		if advised := slices.ContainsFunc(mine.visits, func(v dental.Visit) bool { return v.Recommendations != "" }); !advised && !reason {
			t.add(d.Date, 1, "doctor", id, IfNeeded)
		}
	}
	t.add(d.AddDays(askedBy+1), 1, "doctor", id, "asked-of")
	if !t.asked(d.AddDays(-askedOnce), d.AddDays(askedBy)) {
		t.add(d.AddDays(askedBy+1), 1, "doctor", id, NotAsked)
	}
	if !given.IsZero() {
		t.add(given.AddDays(1), 1, "doctor", id, "given")
		if !t.cameBetween(d.AddDays(1), given) && !t.spokenTo(d.Date, given) {
			t.add(given.AddDays(1), 1, "doctor", id, NoControl)
		}
	}
	if i >= regularSince && !t.card.Patient.Minor(d.Date) {
		t.add(d.AddDays(rewardedBy+1), 1, "doctor", id, "regulars")
		if !t.rewarded(d.AddDays(rewardedBy)) {
			t.add(d.AddDays(rewardedBy+1), 1, "doctor", id, NoLoyalty)
		}
	}
}

// net is what one visit brought, as dental.Card.Net counts a day.
func (t *tally) net(v dental.Visit) int64 {
	sum := v.Receipt.Minor
	for _, p := range t.card.Payments {
		switch {
		case p.VisitID != v.ID:
		case p.Kind == dental.Refund:
			sum -= p.Amount.Minor
		case v.Receipt.IsZero():
			sum += p.Amount.Minor
		}
	}
	return sum
}

// leftWith is what date a day left its patient with: the one that the MIS or the
// desk gave, the appointment that was agreed on within a day of it. Of the dates
// that the desk has agreed on with a patient the last alone is known.
func (t *tally) leftWith(d day) (given dental.Date, agreed *dental.Appointment) {
	for _, v := range d.visits {
		if v.ReturnDate.After(d.Date) && (given.IsZero() || v.ReturnDate.Before(given)) {
			given = v.ReturnDate
		}
		if p := t.card.Patient; given.IsZero() && p.ReturnOn.After(d.Date) && t.clinic.Today(p.ReturnAgreed) == d.Date {
			given = p.ReturnOn
		}
		for i := range t.card.Appointments {
			a := &t.card.Appointments[i]
			if a.Start.After(v.FinishedAt) && t.clinic.Today(a.Start).After(d.Date) && !a.BookedAt.After(v.FinishedAt.Add(agreedWithin)) {
				agreed = a
			}
		}
	}
	return given, agreed
}

// reason reports whether the patient left knowing what for: a next step, the
// service of the appointment, a stage of a plan.
func (t *tally) reason(d day, agreed *dental.Appointment) bool {
	return agreed != nil && len(agreed.Services) > 0 ||
		slices.ContainsFunc(d.visits, func(v dental.Visit) bool { return v.NextStep != dental.ServiceType{} }) ||
		slices.ContainsFunc(t.card.Plans, func(p dental.Plan) bool { return p.Open() && !t.clinic.Today(p.PresentedAt).After(d.Date) })
}

// answerOn is what the patient said of the visits of a day, or nil.
func (t *tally) answerOn(d day) *dental.Answer {
	for _, v := range d.visits {
		if a := t.card.Answer(v.Day); a != nil {
			return a
		}
	}
	return nil
}

// asked reports whether the patient was asked for an opinion, or gave one.
func (t *tally) asked(from, to dental.Date) bool {
	return slices.ContainsFunc(t.card.Touches, func(x dental.Touch) bool {
		return x.Step == survey && left(x) && t.within(x.SentAt, from, to)
	}) || slices.ContainsFunc(t.card.Answers, func(a dental.Answer) bool { return t.within(a.FirstAt, from, to) })
}

// spokenTo reports whether a word came of a date, or of an appointment, by message or call.
func (t *tally) spokenTo(after, to dental.Date) bool {
	return slices.ContainsFunc(t.card.Touches, func(x dental.Touch) bool {
		about := x.Class == dental.Care || dental.AppointmentOf(x.Anchor) != ""
		return about && left(x) && t.within(x.SentAt, after.AddDays(1), to)
	})
}

// rewarded reports whether loyalty was spoken of, ever until the day.
func (t *tally) rewarded(to dental.Date) bool {
	return slices.ContainsFunc(t.card.Touches, func(x dental.Touch) bool {
		return (x.Scenario == club || x.Scenario == referral) && left(x) && !t.clinic.Today(x.SentAt).After(to)
	}) || slices.ContainsFunc(t.card.Bonuses, func(b dental.Bonus) bool { return !b.On.After(to) })
}

// left reports whether a touch has left, as a message or as a task of staff.
func left(x dental.Touch) bool { return x.State == dental.Sent }

func (t *tally) within(at time.Time, from, to dental.Date) bool {
	on := t.clinic.Today(at)
	return !at.IsZero() && !on.Before(from) && !on.After(to)
}

// word is people's writing as a part of a name.
func word(s string) string { return strings.ReplaceAll(s, "/", "|") }
