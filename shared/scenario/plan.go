package scenario

import (
	"cmp"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// Subject is one fact that touches hang on: a day or an appointment's id.
type Subject struct {
	On Trigger
	ID string
}

// SubjectOf is what a touch hangs on.
func (c Catalogue) SubjectOf(t dental.Touch) (Subject, bool) {
	s := c.Find(t.Scenario)
	if s == nil {
		return Subject{}, false
	}
	id := t.Anchor
	if s.On == OnAppointment {
		id = dental.AppointmentOf(t.Anchor)
	}
	return Subject{On: s.On, ID: id}, true
}

// Want is a touch that the facts ask for.
type Want struct {
	Touch    dental.Touch // as it would be planned
	Scenario *Scenario
	Step     *Step
	When     When
	Variant  string
	// Opens is the day on which a scan finds the touch; zero for what is planned
	// as soon as its fact is known.
	Opens dental.Date
	// Base is the time that the touch's When counts from.
	Base time.Time
	// TooLate: the fact came so late that the touch is only recorded, as skipped.
	TooLate bool
}

// moment is a subject as the card has it now.
type moment struct {
	anchor string
	state  string
	times  map[string]time.Time
	heard  time.Time   // when we first learned of it; zero: it does not matter
	hold   time.Time   // nothing leaves before
	last   dental.Date // the last visit's day
	kind   string      // what it is about, where texts differ by that
	booked time.Time   // when the appointment's present time was agreed on
}

// Plan lists the touches that the facts of a subject ask for. It is a pure
// function of the facts: the same facts give the same due times whenever they
// are looked at.
func (c Catalogue) Plan(cl *dental.Clinic, card *dental.Card, subject Subject) []Want {
	m, ok := look(cl, card, subject)
	if !ok {
		return nil
	}
	var out []Want
	for i := range c {
		sc := &c[i]
		if sc.On != subject.On || !cl.Scenario(sc.Name).On {
			continue
		}
		for j := range sc.Steps {
			if step := &sc.Steps[j]; step.On(cl.Scenario(sc.Name)) {
				if w, ok := c.want(cl, card, sc, step, m, out); ok {
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// WantOf is the want behind a stored touch, if the facts still ask for it.
func (c Catalogue) WantOf(cl *dental.Clinic, card *dental.Card, t dental.Touch) (Want, bool) {
	subject, ok := c.SubjectOf(t)
	if !ok {
		return Want{}, false
	}
	for _, w := range c.Plan(cl, card, subject) {
		if w.Touch.ID() == t.ID() {
			return w, true
		}
	}
	return Want{}, false
}

// look reads a subject off the card.
func look(cl *dental.Clinic, card *dental.Card, s Subject) (moment, bool) {
	switch s.On {
	case OnVisitDay:
		day, err := dental.ParseDate(s.ID)
		visits := card.VisitsOn(day)
		if err != nil || len(visits) == 0 {
			return moment{}, false
		}
		m := moment{anchor: s.ID, times: map[string]time.Time{"end": visits[len(visits)-1].FinishedAt}}
		m.heard = slices.MinFunc(visits, func(a, b dental.Visit) int { return a.AcceptedAt.Compare(b.AcceptedAt) }).AcceptedAt
		m.hold = stillToday(cl, card, day, visits[len(visits)-1].FinishedAt)
		if k := card.Task(dental.ComplaintTask, s.ID); k != nil && k.Outcome == dental.PressClosed && !k.Open() {
			m.times["settled"] = k.ClosedAt
		}
		return m, true
	case OnAppointment:
		a := card.Appointment(s.ID)
		if a == nil || card.Attended(a.ID) || madeUp(card, a) || moved(a) {
			return moment{}, false
		}
		m := moment{anchor: dental.AppointmentAnchor(*a), booked: a.BookedAt,
			times: map[string]time.Time{"start": a.Start, "booked": a.BookedAt, "change": a.ChangedAt}}
		switch a.Status {
		case dental.Missed:
			m.state = "missed"
		case dental.Cancelled:
			m.state = "cancelled"
		default:
			m.state = "standing"
		}
		return m, true
	case OnAnswer:
		day, err := dental.ParseDate(s.ID)
		a := card.Answer(day)
		if err != nil || a == nil {
			return moment{}, false
		}
		return moment{anchor: s.ID, state: cmp.Or(string(a.Mood()), "unrated"), times: map[string]time.Time{"answer": a.At}}, true
	case OnClub:
		return membership(cl, card, s)
	}
	if s.On.Scanned() {
		return dated(cl, card, s)
	}
	return moment{}, false
}

// madeUp reports whether the patient has come after all since an appointment
// was missed or cancelled, without one or by another.
func madeUp(card *dental.Card, a *dental.Appointment) bool {
	switch a.Status {
	case dental.Missed:
		return visitedSince(card, a.Start)
	case dental.Cancelled:
		return visitedSince(card, a.ChangedAt)
	}
	return false
}

// moved reports whether an appointment was cancelled only because another, of
// which it is known by itself, took its place.
func moved(a *dental.Appointment) bool { return a.Status == dental.Cancelled && a.MovedTo != "" }

// membership is what a visit day changed in the club.
func membership(cl *dental.Clinic, card *dental.Card, s Subject) (moment, bool) {
	day, err := dental.ParseDate(s.ID)
	visits := card.VisitsOn(day)
	if err != nil || len(visits) == 0 {
		return moment{}, false
	}
	club := dental.ClubOf(cl, card)
	m := moment{anchor: s.ID, times: map[string]time.Time{"end": visits[len(visits)-1].FinishedAt}}
	switch today := cl.Today(visits[len(visits)-1].FinishedAt); {
	case today == club.JoinedOn:
		m.state = "joined"
	case slices.Contains(club.EarnedOn, today):
		m.state = "earned"
	default:
		return moment{}, false
	}
	return m, true
}

// settling is how long after its end an appointment without a word from the
// MIS is still taken to be going on.
const settling = 2 * time.Hour

// stillToday is until when the thanks for a day wait: the end of the last
// appointment of the day that still stands and was not over with the visit.
func stillToday(cl *dental.Clinic, card *dental.Card, day dental.Date, finished time.Time) time.Time {
	var until time.Time
	// A visit that names no appointment may have come out of one that began before its end.
	unlinked := slices.ContainsFunc(card.VisitsOn(day), func(v dental.Visit) bool { return v.AppointmentID == "" })
	for _, a := range card.Appointments {
		begun := a.Start.Before(finished)
		over := begun && (unlinked || !a.End.After(finished))
		if !a.Standing() || card.Attended(a.ID) || over || cl.Today(a.Start) != day {
			continue
		}
		end := a.End
		if end.Before(a.Start) {
			end = a.Start
		}
		if end = end.Add(settling); end.After(until) {
			until = end
		}
	}
	return until
}

// want is the touch that a step asks for; before are those of the steps before it.
func (c Catalogue) want(cl *dental.Clinic, card *dental.Card, sc *Scenario, step *Step, m moment, before []Want) (Want, bool) {
	i := slices.IndexFunc(step.When, func(w When) bool { return w.For == "" || w.For == m.state })
	if i < 0 {
		return Want{}, false
	}
	when, loc := step.When[i], cl.Location()
	when.After.Days += cl.Scenario(sc.Name).Offsets[step.Name]
	base, ok := m.base(cl, when, sc.On)
	if !ok {
		return Want{}, false
	}
	due, ok := when.due(cl, base, m)
	if !ok {
		return Want{}, false
	}
	w := Want{Scenario: sc, Step: step, When: when, Variant: when.Variant, Base: base, Touch: dental.Touch{
		Clinic: cl.ID, Patient: card.Patient.ID, Scenario: sc.Name, Step: step.Name, Anchor: m.anchor,
		Class: step.Class, Kind: step.Task, Priority: min(sc.Rank, 9), Value: card.Stake(),
		Deadline: when.Deadline.AddTo(base, loc),
	}}
	if sc.On.Scanned() && (when.From == "" || when.From == sc.On.first()) {
		w.Opens = cl.Today(when.After.AddTo(base, loc))
		w.Touch.Deadline = when.Deadline.AddTo(when.After.AddTo(base, loc), loc) // from its own day on
	}
	due = latest(due, m.heard, m.hold)
	if when.AfterRecall {
		held := c.afterRecall(cl, card, due)
		w.Touch.Deadline = w.Touch.Deadline.Add(held.Sub(due))
		due = held
	}
	if stored := card.Touch(sc.Name, step.Name, m.anchor); stored != nil && stored.TakenUp.After(due) {
		w.Touch.Deadline = w.Touch.Deadline.Add(stored.TakenUp.Sub(due))
		due = stored.TakenUp
	}
	if f := when.Follows; f.Step != "" {
		due = follow(due, preceding(card.Touch(sc.Name, f.Step, m.anchor), before, sc.Name, f.Step), f.By, loc)
	}
	w.Touch.Due = due
	if _, ok := step.Texts[m.kind+"/"+cl.Language]; ok && w.Variant == "" {
		w.Variant = m.kind
	}
	w.TooLate = !step.Fresh.IsZero() && m.heard.After(step.Fresh.AddTo(base, loc))
	return w, concerns(Scene{Clinic: cl, Card: card, Want: w, Catalogue: c}, m, sc.Audience, step.Only)
}

// afterRecall is the time itself, or the first day at that time of day on which
// the return date lies no longer ahead and no recall is open.
func (c Catalogue) afterRecall(cl *dental.Clinic, card *dental.Card, due time.Time) time.Time {
	point := milestone(card, dental.ReturnPoint, "")
	if point == nil || point.Date.IsZero() {
		return due
	}
	over := point.Date
	if _, to, any := c.Recall(cl, card); any {
		over = to
	}
	return latest(due, over.AtTimeOf(due, cl.Location()))
}

// due is the time of the step by the facts alone, moved into the sending hours.
func (w When) due(cl *dental.Clinic, base time.Time, m moment) (time.Time, bool) {
	hours, loc := cadence.HoursOf(cl), cl.Location()
	fit := func(t time.Time) time.Time {
		if w.Hours == "earlier" {
			return hours.EveningBefore(t)
		}
		return t // later is for the moment of sending, which knows the evening rule
	}
	raw := w.After.AddTo(base, loc)
	if w.WorkingDayBefore {
		raw = cl.WorkingDayBefore(cl.Today(base)).AtTimeOf(raw, loc)
	}
	if w.At != "" {
		at, _ := dental.ParseTimeOfDay(w.At) // the catalogue's check let only good ones in
		raw = dental.DateOf(raw.In(loc)).At(at, loc)
	}
	due := fit(raw)
	if w.Late != (Late{}) && m.booked.After(negate(w.Late.Least).AddTo(base, loc)) {
		return time.Time{}, false
	}
	if w.Late.After.IsZero() || !m.booked.After(due) {
		return due, true
	}
	raw = latest(w.Late.After.AddTo(m.booked, loc), negate(w.Late.Before).AddTo(base, loc))
	if due = fit(raw); due.Before(m.booked) {
		due = hours.Next(raw)
	}
	return due, true
}

func negate(s Span) Span { return Span{Months: -s.Months, Days: -s.Days, Exact: -s.Exact} }

// preceding is the touch of the step that another follows: as it left or ended,
// else as it is wanted now, stored already or not.
func preceding(stored *dental.Touch, wanted []Want, scenario, step string) *dental.Touch {
	i := slices.IndexFunc(wanted, func(w Want) bool { return w.Touch.Scenario == scenario && w.Touch.Step == step })
	if i < 0 || stored != nil && !stored.State.Open() && !replannable(*stored, wanted[i]) {
		return stored
	}
	t := wanted[i].Touch
	t.State = dental.Planned
	return &t
}

// follow keeps the distance from another step of the same anchor: from when it
// left, or is due; if it cannot be delivered, at once.
func follow(due time.Time, before *dental.Touch, by Span, loc *time.Location) time.Time {
	switch {
	case before == nil:
		return due
	case before.State == dental.Failed || before.State == dental.Skipped && Undeliverable(before.Reason):
		return before.EndedAt
	case !before.SentAt.IsZero():
		return latest(due, by.AddTo(before.SentAt, loc))
	case before.State.Open() || before.State == dental.Claimed:
		return latest(due, by.AddTo(before.Due, loc))
	}
	return due
}

// takenUp is the want as it is when it is taken up only now, its day long past.
func (w Want) takenUp(now time.Time) Want {
	if now.After(w.Touch.Due) {
		w.Touch.Deadline = w.Touch.Deadline.Add(now.Sub(w.Touch.Due))
		w.Touch.Due = now
	}
	w.Touch.TakenUp = now
	return w
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

// Undeliverable reports whether a reason for skipping means that no message can reach the person.
func Undeliverable(reason string) bool {
	switch reason {
	case "no-address", "not-me", "suppressed", "landline", "foreign-phone", "shared-phone", "all-channels-failed", "no-guardian",
		"phone-malformed", "phone-extension", "phone-several", "phone-toll-free":
		return true
	}
	return false
}
