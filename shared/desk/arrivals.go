package desk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Arrivals is one page of who comes on a day, ready to show.
type Arrivals struct {
	Day     dental.Date
	Heading string
	Rows    []Arrival
	// Cursor is of the following page, "" for none.
	Cursor string
}

// Arrival is one appointment of the day.
type Arrival struct {
	Appointment dental.Appointment
	Time, Who   string
	Doctor      string
	Service     string // what it was booked for, "" where the MIS has not said
	State       string // whether it was confirmed, or has taken place
	// Asks is what the reception is to do about the patient, on the first of the
	// patient's appointments of the day; nothing on a day that has passed.
	Asks []Duty
	// Gains is what is open to the patient, each with until when.
	Gains []string
}

// Duty is one thing to do about whoever comes.
type Duty struct {
	// Kind is one of the duties below.
	Kind string
	// Text says it, and Phrase how to say it to the patient, "" where that needs no words.
	Text, Phrase string
}

// The duties of the reception.
const (
	MindComplaint = "complaint" // an open complaint, or a disputed case
	AskNumber     = "number"    // no number by which the patient can be reached
	TakeConsent   = "consent"   // nobody has asked yet whether offers are welcome
	ProposeDate   = "date"      // nobody has agreed on the next visit
)

// arrivalsShown is how many appointments a page has.
const arrivalsShown = 30

// Arrivals reads who comes on a day by the time of the appointments, from a
// cursor on, "" for the beginning. What an index shows is checked by the cards.
func (s *Reception) Arrivals(ctx context.Context, cl *dental.Clinic, day dental.Date, cursor string, now time.Time) (Arrivals, error) {
	k := lookAt(s.Store, s.Catalogue, cl, now)
	out := Arrivals{Day: day}
	all, next, err := s.Store.Appointments(ctx, cl.ID, day, arrivalsShown, cursor)
	if err != nil {
		return out, fmt.Errorf("desk: read who comes on %s: %w", day, err)
	}
	out.Cursor = next
	var ids []string
	for _, a := range all {
		ids = append(ids, a.Patient)
	}
	people, err := k.people(ctx, ids)
	if err != nil {
		return out, fmt.Errorf("desk: read the patients who come on %s: %w", day, err)
	}
	asked := map[string]bool{}
	for _, shown := range all {
		p := people[shown.Patient]
		a := p.card.Appointment(shown.ID)
		if _, gone := p.card.Patient.Gone(); gone || a == nil || !a.Standing() || k.clinic.Today(a.Start) != day {
			continue
		}
		row := k.arrival(*a, p)
		if !asked[a.Patient] && !day.Before(k.today) {
			asked[a.Patient] = true
			row.Asks, row.Gains = k.duties(*a, p, day), k.gains(p.card)
		}
		out.Rows = append(out.Rows, row)
	}
	slices.SortStableFunc(out.Rows, func(a, b Arrival) int {
		if c := a.Appointment.Start.Compare(b.Appointment.Start); c != 0 {
			return c
		}
		return strings.Compare(a.Doctor, b.Doctor)
	})
	out.Heading = k.text("desk.arrivals.heading", "date", k.locale.Relative(day, k.today), "n", strconv.Itoa(len(out.Rows)))
	if len(out.Rows) == 0 {
		out.Heading = k.text("desk.arrivals.none", "date", k.locale.Relative(day, k.today))
	}
	return out, nil
}

// arrival tells one appointment.
func (k look) arrival(a dental.Appointment, p *person) Arrival {
	row := Arrival{Appointment: a, Time: k.clock(a.Start), Who: k.who(p.card.Patient), Doctor: a.Doctor.Name}
	var services []string
	for _, s := range a.Services {
		name := s.Name
		if name == "" && s.Kind != "" {
			name = k.text("procedure." + string(s.Kind))
		}
		services = append(services, name)
	}
	row.Service = strings.Join(services, ", ")
	switch answer := a.Answered(); {
	case p.card.Attended(a.ID):
		row.State = "attended"
	case answer != "":
		row.State = answer
	default:
		row.State = "silent"
	}
	row.State = k.text("desk.arrivals.state." + row.State)
	return row
}

// duties lists what the reception is to do about whoever comes.
func (k look) duties(a dental.Appointment, p *person, day dental.Date) []Duty {
	var out []Duty
	add := func(kind, key, phrase string) {
		d := Duty{Kind: kind, Text: k.text("desk.arrivals.ask." + key)}
		if phrase != "" {
			d.Phrase = k.text("desk.arrivals.say." + phrase)
		}
		out = append(out, d)
	}
	open := func(kind dental.TaskKind) bool {
		return slices.ContainsFunc(p.card.Tasks, func(t dental.Task) bool { return t.Kind == kind && t.Open() })
	}
	switch {
	case open(dental.ComplaintTask):
		add(MindComplaint, "complaint", "")
	case p.card.Patient.Disputed:
		add(MindComplaint, "disputed", "")
	}
	switch why := p.elsewhere(); {
	case why != "":
		out = append(out, Duty{Kind: AskNumber, Text: k.text("desk.arrivals.ask.number.elsewhere", "reason", k.locale.Reason(why)), Phrase: k.text("desk.arrivals.say.number")})
	case p.spoken().Phone == "":
		add(AskNumber, "number", "number")
	case open(dental.ContactTask):
		add(AskNumber, "contact", "number")
	}
	if k.undecided(p) {
		add(TakeConsent, "consent", "consent")
	}
	if months, needed := k.nextVisit(a, p.card, day); needed {
		out = append(out, Duty{Kind: ProposeDate, Text: k.text("desk.arrivals.ask.date"), Phrase: k.text("desk.arrivals.say.date", "n", strconv.Itoa(months))})
	}
	return out
}

// undecided reports whether nobody has said yet if offers are welcome: a word
// for it or against it, on any channel, is not asked for again.
func (k look) undecided(p *person) bool {
	if p.card.Patient.Minor(k.today) {
		return false // a child gets no advertising
	}
	for _, c := range p.card.Patient.Consents {
		if c.Class == dental.Advertising {
			return false
		}
	}
	for _, c := range p.contacts {
		if _, refused := c.Refused(dental.Advertising); refused {
			return false
		}
	}
	return true
}

// nextVisit reports whether the patient would leave without a next date, and
// in how many months it would be due: no later appointment, and neither the
// doctor nor the desk has named a date to come back by since.
func (k look) nextVisit(a dental.Appointment, card *dental.Card, day dental.Date) (months int, needed bool) {
	overnight := day.AddDays(1).At(0, k.clinic.Location()).Add(-time.Nanosecond)
	if card.NextAppointment(overnight) != nil || card.Patient.ReturnOn.After(day) {
		return 0, false
	}
	visit := dental.Visit{FinishedAt: a.End}
	for _, s := range a.Services {
		visit.Procedures = append(visit.Procedures, dental.Procedure{Kind: s.Kind})
	}
	for _, v := range card.VisitsOn(day) {
		if v.ReturnDate.After(day) {
			return 0, false
		}
		visit = v
	}
	// A month is told by the days nearest to it.
	const monthDays = 30
	return max((scenario.ReturnDate(k.clinic, visit).DaysSince(day)+monthDays/2)/monthDays, 1), true
}
