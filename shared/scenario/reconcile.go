package scenario

import (
	"cmp"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// recent is how far back a fact may lie and still be planned when it arrives;
// what is older is backlog.
const recent = 7 * 24 * time.Hour

// Reconcile compares what the facts ask for with what is stored, for the given
// subjects and for every subject that has an open touch, and returns the
// touches to write: new ones, ones with another time, and cancelled ones. The
// card's own Touches are left as they are.
func (c Catalogue) Reconcile(cl *dental.Clinic, card *dental.Card, now time.Time, changed ...Subject) []dental.Touch {
	var out []dental.Touch
	var subjects []Subject
	add := func(s Subject) {
		if !slices.Contains(subjects, s) {
			subjects = append(subjects, s)
		}
	}
	for _, s := range changed {
		add(s)
	}
	for _, t := range card.Touches {
		if s, ok := c.SubjectOf(t); ok && t.State.Open() {
			add(s)
		}
	}
	gone, isGone := card.Patient.Gone()
	for _, s := range subjects {
		var wanted []Want
		if !isGone {
			wanted = c.Plan(cl, card, s)
		}
		for _, w := range wanted {
			if t, write := c.settle(cl, card, w, now); write {
				out = append(out, t)
			}
		}
		for _, t := range card.Touches {
			if of, ok := c.SubjectOf(t); !ok || of != s || !t.State.Open() || contains(wanted, t) {
				continue
			}
			reason := gone
			if !isGone {
				reason = c.unwanted(cl, card, t)
			}
			out = append(out, End(cl, t, dental.TouchCancelled, reason, now))
		}
	}
	return out
}

// settle brings one wanted touch and its stored self together.
func (c Catalogue) settle(cl *dental.Clinic, card *dental.Card, w Want, now time.Time) (dental.Touch, bool) {
	stored := card.Touch(w.Touch.Scenario, w.Touch.Step, w.Touch.Anchor)
	over := c.Over(cl, card, w, now)
	if stored == nil || replannable(*stored, w) {
		switch {
		case over != "" || now.After(w.Touch.Deadline.Add(recent)):
			return dental.Touch{}, false
		case w.TooLate:
			t := w.Touch
			t.State, t.PlannedAt = dental.Planned, now
			return End(cl, t, dental.Skipped, dental.LateEvent, now), true
		case now.After(w.Touch.Deadline):
			return dental.Touch{}, false
		}
		t := w.Touch
		t.State, t.PlannedAt, t.Wake = dental.Planned, now, wake(cl, w, now)
		return t, true
	}
	if !stored.State.Open() {
		return dental.Touch{}, false
	}
	t := *stored
	if over != "" {
		return End(cl, t, dental.TouchCancelled, over, now), true
	}
	if t.Due.Equal(w.Touch.Due) && t.Deadline.Equal(w.Touch.Deadline) {
		return dental.Touch{}, false
	}
	t.Due, t.Deadline, t.Wake = w.Touch.Due, w.Touch.Deadline, wake(cl, w, now)
	if t.State == dental.Queued {
		t.State = dental.Planned
	}
	return t, true
}

// replannable reports whether a touch that ended without a claim may be planned
// anew: its fact has come back, or a fresher one has come.
func replannable(t dental.Touch, w Want) bool {
	return t.State == dental.TouchCancelled && len(t.Attempts) == 0 ||
		t.State == dental.Skipped && t.Reason == dental.LateEvent && !w.TooLate
}

// wake is when the machine first looks at a touch: when it may leave.
func wake(cl *dental.Clinic, w Want, now time.Time) time.Time {
	return Leave(cl, w, latest(w.Touch.Due, now))
}

// Leave is the first instant from t on at which the hours let the touch go.
func Leave(cl *dental.Clinic, w Want, t time.Time) time.Time {
	if w.Touch.Kind != "" {
		return t
	}
	hours := cadence.HoursOf(cl)
	if e := w.Step.Evening; !e.Within.IsZero() && !t.After(e.Within.AddTo(w.Base, hours.Loc)) {
		late := hours
		late.To, _ = dental.ParseTimeOfDay(e.Until)
		if late.Open(t) {
			return t
		}
	}
	return hours.Next(t)
}

// End closes a touch in a state that the machine has the right to give it; the
// state machine is asked where a caller could be wrong.
func End(cl *dental.Clinic, t dental.Touch, state dental.TouchState, reason string, now time.Time) dental.Touch {
	t.State, t.Reason, t.EndedAt, t.EndedOn = state, reason, now, cl.Today(now)
	return t
}

func contains(wanted []Want, t dental.Touch) bool {
	return slices.ContainsFunc(wanted, func(w Want) bool {
		return w.Touch.Scenario == t.Scenario && w.Touch.Step == t.Step && w.Touch.Anchor == t.Anchor
	})
}

// unwanted says why the facts ask for a touch no longer.
func (c Catalogue) unwanted(cl *dental.Clinic, card *dental.Card, t dental.Touch) string {
	sc := c.Find(t.Scenario)
	switch {
	case sc == nil || !cl.Scenario(t.Scenario).On:
		return "scenario-off"
	case sc.Step(t.Step) == nil || !sc.Step(t.Step).on(cl.Scenario(t.Scenario)):
		return "step-off"
	}
	switch sc.On {
	case OnAppointment:
		a := card.Appointment(dental.AppointmentOf(t.Anchor))
		return cmp.Or(lost(card, a, t.Anchor), "booked")
	case OnAnswer:
		return "answer-changed"
	}
	return "attended"
}

// Unwanted says why the facts ask for a stored touch no longer; call it when WantOf finds none.
func (c Catalogue) Unwanted(cl *dental.Clinic, card *dental.Card, t dental.Touch) string {
	if gone, isGone := card.Patient.Gone(); isGone {
		return gone
	}
	return c.unwanted(cl, card, t)
}

// Recent lists the subjects of a card that may still ask for a touch: what lies
// ahead, and what happened within the last days.
func Recent(cl *dental.Clinic, card *dental.Card, now time.Time) []Subject {
	var out []Subject
	add := func(s Subject) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	since := now.Add(-2 * recent)
	for _, a := range card.Appointments {
		if a.Start.After(since) || a.ChangedAt.After(since) {
			add(Subject{OnAppointment, a.ID})
		}
	}
	for _, v := range card.Visits {
		if v.FinishedAt.After(since) {
			add(Subject{OnVisitDay, v.Day.String()})
		}
	}
	for _, a := range card.Answers {
		if a.At.After(since) {
			add(Subject{OnAnswer, a.Day.String()})
		}
	}
	return out
}
