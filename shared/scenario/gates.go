package scenario

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// gate is one predicate a catalogue may name.
type gate struct {
	// final gates look at facts that end the touch for good: they cancel an
	// open touch as soon as the fact arrives, and skip it at the claim.
	final bool
	// count and within say which parameters the predicate takes.
	count, within bool
	// shut returns the reason why the touch must not leave, or "".
	shut func(s Scene, g Gate) string
}

// Scene is what a gate sees.
type Scene struct {
	Clinic *dental.Clinic
	Card   *dental.Card
	Want   Want
	Now    time.Time
}

// gates are the predicates by name.
//
//	answered       the patient has answered: about the day, or the appointment
//	booked         another appointment stands in the future
//	map-followed   the patient has followed a link to a map from this day's answer
//	asked          another survey left {within} ago or less (not for the first visit, a plan's last stage, a complex visit)
//	visit-soon     the next appointment is {within} away or less (not for a complex visit)
//	plan-visits    a plan is open and had {count} visit days {within} (not for a complex visit)
//	missed         {count} appointments were missed {within}: by phone only
//	no-map         no map of the clinic asks patients of this mood
//	map-asked      a request for a review left {within} ago or less
//	combined       a reminder of another appointment of the patient speaks of this one too, and that one stands unanswered
//	minor          the patient is under 18
var gates = map[string]gate{
	"answered": {final: true, shut: func(s Scene, _ Gate) string {
		if a := s.appointment(); a != nil && a.Answered() != "" || s.answer() != nil {
			return "answered"
		}
		return ""
	}},
	"booked": {final: true, shut: func(s Scene, _ Gate) string {
		if s.Card.NextAppointment(s.Now) != nil {
			return "booked"
		}
		return ""
	}},
	"map-followed": {final: true, shut: func(s Scene, _ Gate) string {
		if a := s.answer(); a != nil && len(a.Maps) > 0 {
			return "map-followed"
		}
		return ""
	}},
	"asked": {within: true, shut: func(s Scene, g Gate) string {
		if s.complex() || s.firstVisit() || s.lastStage() {
			return ""
		}
		for _, t := range s.Card.Touches {
			if t.Scenario == s.Want.Touch.Scenario && t.Step == s.Want.Touch.Step && t.Anchor != s.Want.Touch.Anchor && s.since(left(t), g.Within) {
				return "asked-recently"
			}
		}
		return ""
	}},
	"visit-soon": {within: true, shut: func(s Scene, g Gate) string {
		next := s.Card.NextAppointment(s.Now)
		if !s.complex() && next != nil && !next.Start.After(g.Within.AddTo(s.Now, s.Clinic.Location())) {
			return "visit-soon"
		}
		return ""
	}},
	"plan-visits": {count: true, within: true, shut: func(s Scene, g Gate) string {
		if s.complex() || s.lastStage() || !slices.ContainsFunc(s.Card.Plans, dental.Plan.Open) {
			return ""
		}
		days := 0
		for _, d := range s.Card.VisitDays(s.Clinic.Location()) {
			if s.since(d.At(0, s.Clinic.Location()), g.Within) {
				days++
			}
		}
		if days >= g.Count {
			return "plan-visits"
		}
		return ""
	}},
	"missed": {count: true, within: true, shut: func(s Scene, g Gate) string {
		n := 0
		for _, a := range s.Card.Appointments {
			if a.Status == dental.Missed && s.since(a.Start, g.Within) {
				n++
			}
		}
		if n >= g.Count {
			return "phone-only"
		}
		return ""
	}},
	"no-map": {shut: func(s Scene, _ Gate) string {
		if a := s.answer(); a == nil || len(MapsFor(s.Clinic, a.Mood())) == 0 {
			return "no-map"
		}
		return ""
	}},
	"map-asked": {within: true, shut: func(s Scene, g Gate) string {
		for _, t := range s.Card.Touches {
			if t.Scenario == s.Want.Touch.Scenario && t.Step == s.Want.Touch.Step && t.Anchor != s.Want.Touch.Anchor && s.since(left(t), g.Within) {
				return "map-asked"
			}
		}
		for _, a := range s.Card.Answers {
			if len(a.Maps) > 0 && s.since(a.At, g.Within) {
				return "map-asked"
			}
		}
		return ""
	}},
	"combined": {shut: func(s Scene, _ Gate) string {
		mine := s.Want.Touch
		for _, t := range s.Card.Touches {
			of := s.Card.Appointment(dental.AppointmentOf(t.Anchor))
			left := t.State == dental.Sent || t.State == dental.Claimed || t.State == dental.Unknown
			if left && t.Scenario == mine.Scenario && t.Anchor != mine.Anchor && slices.Contains(t.Together, dental.About(mine.Patient, mine.Anchor)) &&
				of != nil && dental.AppointmentAnchor(*of) == t.Anchor && of.Standing() && of.Answered() == "" {
				return dental.Combined
			}
		}
		return ""
	}},
	"minor": {shut: func(s Scene, _ Gate) string {
		if s.Card.Patient.Minor(s.Clinic.Today(s.Now)) {
			return "minor"
		}
		return ""
	}},
}

// GateNames lists the predicates, and which parameters each takes.
func GateNames() map[string]struct{ Count, Within bool } {
	out := map[string]struct{ Count, Within bool }{}
	for name, g := range gates {
		out[name] = struct{ Count, Within bool }{g.count, g.within}
	}
	return out
}

// Over gives the reason why a wanted touch has come to its end for good by
// what has happened since, or "".
func (c Catalogue) Over(cl *dental.Clinic, card *dental.Card, w Want, now time.Time) string {
	return shut(Scene{cl, card, w, now}, func(g gate) bool { return g.final })
}

// Shut gives the reason why a wanted touch must not leave now, or "".
func (c Catalogue) Shut(cl *dental.Clinic, card *dental.Card, w Want, now time.Time) string {
	if reason := disputed(card, w.Touch, now); reason != "" {
		return reason
	}
	return shut(Scene{cl, card, w, now}, func(gate) bool { return true })
}

func shut(s Scene, which func(gate) bool) string {
	for _, g := range s.Want.Step.Unless {
		if def := gates[g.Name]; which(def) {
			if reason := def.shut(s, g); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// peace is how long after a complaint was closed the patient is left in peace.
const peace = 30 * 24 * time.Hour

// disputed holds back what a patient with a complaint must not get.
func disputed(card *dental.Card, t dental.Touch, now time.Time) string {
	if t.Class != dental.Advertising && t.Scenario != "review" && t.Scenario != "referral" {
		return ""
	}
	for _, k := range card.Tasks {
		if k.Kind == dental.ComplaintTask && (k.Open() || now.Sub(k.ClosedAt) < peace) {
			return "complaint-open"
		}
	}
	return ""
}

// MapsFor lists the maps whose link a patient of this mood is shown.
func MapsFor(cl *dental.Clinic, mood dental.Mood) []dental.Map {
	var out []dental.Map
	for _, m := range cl.Maps {
		if m.Ask == dental.AskEveryone && mood != dental.Unrated || mood == dental.Happy {
			out = append(out, m)
		}
	}
	return out
}

// left is when a message left, or may have left.
func left(t dental.Touch) time.Time {
	if last := t.Last(); t.SentAt.IsZero() && last != nil && (t.State == dental.Claimed || t.State == dental.Unknown) {
		return last.At
	}
	return t.SentAt
}

// since reports whether t lies at most a span before now.
func (s Scene) since(t time.Time, within Span) bool {
	return !t.IsZero() && !t.Before(negate(within).AddTo(s.Now, s.Clinic.Location())) && !t.After(s.Now)
}

func (s Scene) day() dental.Date {
	day, _ := dental.ParseDate(s.Want.Touch.Anchor)
	return day
}

func (s Scene) answer() *dental.Answer { return s.Card.Answer(s.day()) }

func (s Scene) appointment() *dental.Appointment {
	return s.Card.Appointment(dental.AppointmentOf(s.Want.Touch.Anchor))
}

func (s Scene) complex() bool {
	return slices.ContainsFunc(s.Card.VisitsOn(s.day()), func(v dental.Visit) bool { return v.Complex })
}

func (s Scene) firstVisit() bool {
	return !slices.ContainsFunc(s.Card.Visits, func(v dental.Visit) bool { return v.Day.Before(s.day()) })
}

// lastStage reports whether a plan was finished on the day.
func (s Scene) lastStage() bool {
	return slices.ContainsFunc(s.Card.Plans, func(p dental.Plan) bool {
		return !p.Open() && slices.ContainsFunc(p.Stages, func(st dental.Stage) bool {
			return st.Status == dental.StageDone && s.Clinic.Today(st.DoneAt) == s.day()
		})
	})
}
