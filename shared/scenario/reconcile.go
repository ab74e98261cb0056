package scenario

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
)

// recent is how far back a fact may lie and still be planned when it arrives;
// what is older is backlog.
const recent = 7 * 24 * time.Hour

// caughtUp is how many days a scan, or the news of a fact, may come after the
// day of a touch and still plan it; what is older is backlog.
const caughtUp = 7

// Reconcile compares what the facts ask for with what is stored, for the given
// subjects and for every subject that has an open touch, and returns the
// touches to write: new ones, ones with another time, and cancelled ones. The
// card's own Touches are left as they are.
func (c Catalogue) Reconcile(cl *dental.Clinic, card *dental.Card, now time.Time, changed ...Subject) []dental.Touch {
	return c.CatchUp(cl, card, now, dental.Date{}, changed...)
}

// CatchUp is Reconcile for a scan that makes up for missed days: what opened
// on the first of them or later is no backlog, however many they were. The zero
// date is no more than Reconcile makes up for.
func (c Catalogue) CatchUp(cl *dental.Clinic, card *dental.Card, now time.Time, first dental.Date, changed ...Subject) []dental.Touch {
	if known := cl.Today(now).AddDays(-caughtUp); first.IsZero() || known.Before(first) {
		first = known
	}
	if in := card.Patient.BroughtIn; !in.IsZero() {
		day := cl.Today(in)
		if in.After(cl.Morning(day)) { // what opens on a day is found in its morning, and the day's is over
			day = day.AddDays(1)
		}
		if first.Before(day) {
			first = day
		}
	}
	return c.bring(cl, card, now, first, changed...)
}

// Quietly is CatchUp for facts of the past that have only now come to be known,
// as an import's: of what had opened by today nothing is planned, but as backlog
// where its scenario has one, nor anything about a visit, nor what would be due by now.
func (c Catalogue) Quietly(cl *dental.Clinic, card *dental.Card, now time.Time, _ dental.Date, changed ...Subject) []dental.Touch {
	ahead := slices.DeleteFunc(slices.Clone(changed), func(s Subject) bool {
		a := card.Appointment(s.ID)
		return s.On == OnVisitDay || s.On == OnClub || s.On == OnAppointment && a != nil && !a.Start.After(now)
	})
	var out []dental.Touch
	for _, t := range c.bring(cl, card, now, cl.Today(now).AddDays(1), ahead...) {
		fresh := card.Touch(t.Scenario, t.Step, t.Anchor) == nil
		if fresh && (t.State == dental.Planned || t.State == dental.Held && !t.Backlog) && !t.Due.After(now) || fresh && t.State.Final() {
			continue
		}
		out = append(out, t)
	}
	return out
}

// bring brings the touches of some subjects in line with the facts; what opened before first is backlog.
func (c Catalogue) bring(cl *dental.Clinic, card *dental.Card, now time.Time, first dental.Date, changed ...Subject) []dental.Touch {
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
		quiet := (s.On == OnVisitDay || s.On == OnClub) && card.QuietDay(s.ID)
		for _, w := range wanted {
			if quiet && card.Touch(w.Touch.Scenario, w.Touch.Step, w.Touch.Anchor) == nil {
				continue
			}
			if t, write := c.settle(cl, card, w, now, first); write {
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
func (c Catalogue) settle(cl *dental.Clinic, card *dental.Card, w Want, now time.Time, first dental.Date) (dental.Touch, bool) {
	stored := card.Touch(w.Touch.Scenario, w.Touch.Step, w.Touch.Anchor)
	over := c.Over(cl, card, w, now)
	if stored == nil || replannable(*stored, w) {
		if over != "" {
			return dental.Touch{}, false
		}
		return c.open(cl, card, stored, w, now, first)
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
	t.Due, t.Deadline, t.Reason = w.Touch.Due, w.Touch.Deadline, ""
	t.Wake = wake(cl, w, now)
	switch {
	case t.State == dental.Queued:
		t.State = dental.Planned
	case t.State == dental.Held && !t.Backlog:
		t.HeldOn = cl.Today(t.Wake) // of another day's batch now
	}
	return t, true
}

// open plans a wanted touch that is not there yet, if its time has come for
// planning: what opened before the first of the days caught up is backlog.
func (c Catalogue) open(cl *dental.Clinic, card *dental.Card, stored *dental.Touch, w Want, now time.Time, first dental.Date) (dental.Touch, bool) {
	today, settings := cl.Today(now), cl.Scenario(w.Touch.Scenario)
	backlog := false
	if !w.Opens.IsZero() {
		missed := (stored == nil || stored.Backlog) && (w.Opens.Before(first) || w.Opens.Before(settings.Since)) // what was planned in its time comes back with its fact
		switch {
		case w.Opens.After(today):
			return dental.Touch{}, false // its scan will find it
		case missed && (settings.BacklogPerDay == 0 || c.outgrown(cl, card, w, today) != ""):
			return dental.Touch{}, false
		}
		backlog = missed
	}
	t := w.Touch
	t.State, t.PlannedAt = dental.Planned, now
	if stored != nil {
		t.TakenUp = stored.TakenUp // its times count from there
	}
	switch late := now.After(t.Deadline); {
	case backlog:
		t.State, t.Backlog = dental.Held, true
	case now.After(t.Deadline.Add(recent)):
		return dental.Touch{}, false
	case w.TooLate:
		return End(cl, t, dental.Skipped, dental.LateEvent, now), true
	case late:
		return dental.Touch{}, false
	}
	switch {
	case backlog: // its lot is drawn at its turn
	case c.HeldOut(cl, card, t):
		return End(cl, t, dental.Skipped, "holdout", now), true
	default:
		c.start(cl, &t, w, now)
	}
	return t, true
}

// start lets an open touch go its way: to a person's release where the clinic
// wants one, else to its time.
func (c Catalogue) start(cl *dental.Clinic, t *dental.Touch, w Want, now time.Time) {
	t.Wake = wake(cl, w, now)
	if t.Class == dental.Advertising && t.Kind == "" && cl.Scenario(t.Scenario).Release != dental.ReleaseAuto {
		t.State, t.HeldOn = dental.Held, cl.Today(t.Wake)
	}
}

// outgrown says why a touch whose day has passed is no longer to be taken up, or
// "": its day lies further back than its step's backlog goes, or that of another
// scenario of its family has passed since. A patient has one place in a family,
// the last that was passed.
func (c Catalogue) outgrown(cl *dental.Clinic, card *dental.Card, w Want, today dental.Date) string {
	if w.Step.Backlog.IsZero() || w.Opens.Before(back(today, w.Step.Backlog)) {
		return "deadline"
	}
	subject, _ := c.SubjectOf(w.Touch)
	for _, other := range c.Plan(cl, card, subject) {
		kin := other.Scenario.Name != w.Scenario.Name && c.family(other.Scenario.Name) == c.family(w.Scenario.Name)
		if kin && other.Opens.After(w.Opens) && !other.Opens.After(today) {
			return "outranked"
		}
	}
	return ""
}

// TakeUp lets a touch of the backlog go. The touch that comes back is to be
// written; ok is false when the facts ask for it no longer, or others have come
// into its place, and it is cancelled, and when it is held out. That is drawn
// only now, so that those left alone are watched from the same time on as those
// who are written to.
func (c Catalogue) TakeUp(cl *dental.Clinic, card *dental.Card, t dental.Touch, now time.Time) (taken dental.Touch, ok bool) {
	w, wanted := c.WantOf(cl, card, t)
	reason := ""
	if !wanted {
		reason = c.Unwanted(cl, card, t)
	} else if gone, isGone := card.Patient.Gone(); isGone {
		reason = gone
	} else {
		reason = cmp.Or(c.Over(cl, card, w, now), c.outgrown(cl, card, w, cl.Today(now)))
	}
	if reason != "" {
		return End(cl, t, dental.TouchCancelled, reason, now), false
	}
	w = w.takenUp(now)
	t.Due, t.Deadline, t.TakenUp, t.Backlog, t.State = w.Touch.Due, w.Touch.Deadline, now, false, dental.Planned
	if c.HeldOut(cl, card, t) {
		return End(cl, t, dental.Skipped, "holdout", now), false
	}
	c.start(cl, &t, w, now)
	return t, true
}

// HeldOut reports whether the patient is left alone by the touch's scenario for
// measuring what it does: by a hash that never changes, so that a greater share
// takes in all of a smaller one. Nobody is held out of a service message.
func (c Catalogue) HeldOut(cl *dental.Clinic, card *dental.Card, t dental.Touch) bool {
	percent := cl.Scenario(t.Scenario).HoldoutPercent
	s := c.Find(t.Scenario)
	if percent <= 0 || s == nil || s.Critical || t.Class == dental.Service {
		return false
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"holdout", cl.Owner(), card.Patient.ID, c.family(t.Scenario)}, "\x00")))
	return binary.BigEndian.Uint64(sum[:8])%100 < uint64(percent)
}

// replannable reports whether a touch that ended without a claim may be planned
// anew: its fact has come back, or a fresher one has come.
func replannable(t dental.Touch, w Want) bool {
	return t.State == dental.TouchCancelled && len(t.Attempts) == 0 ||
		t.State == dental.Skipped && t.Reason == dental.LateEvent && !w.TooLate
}

// wake is when the machine first looks at a touch: when it may leave, or when
// it is too late if that comes first.
func wake(cl *dental.Clinic, w Want, now time.Time) time.Time {
	at, over := Leave(cl, w, latest(w.Touch.Due, now)), w.Touch.Deadline.Add(time.Second)
	if at.After(over) {
		return latest(now, over)
	}
	return at
}

// Leave is the first instant from t on at which the hours let the touch go.
func Leave(cl *dental.Clinic, w Want, t time.Time) time.Time {
	hours := cadence.HoursOf(cl)
	switch {
	case w.Touch.Kind != "" && w.Touch.Class != dental.Service:
		return cl.AddWorking(t, 0) // to be done by phone, when there is somebody to do it
	case w.Touch.Kind != "":
		return t
	case w.Touch.Class == dental.Advertising && !w.Step.Plain: // which goes that day without its offer
		t = cadence.AfterHolidays(cl, t)
	}
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
	case sc.Step(t.Step) == nil || !sc.Step(t.Step).On(cl.Scenario(t.Scenario)):
		return "step-off"
	}
	switch sc.On {
	case OnAppointment:
		a := card.Appointment(dental.AppointmentOf(t.Anchor))
		if a != nil && madeUp(card, a) {
			return "attended"
		}
		return cmp.Or(lost(card, a, t.Anchor), "booked")
	case OnAnswer:
		return "answer-changed"
	case OnVisitDay:
		day, err := dental.ParseDate(t.Anchor)
		switch {
		case err != nil || len(card.VisitsOn(day)) == 0:
		case sc.Step(t.Step).AsksAgain():
			return "complaint-open" // it has been opened again
		case card.Answer(day) != nil:
			return "answer-changed" // the day is still there, the patient's opinion of it is not
		default:
			return "visit-changed"
		}
	case OnClub:
		return "visit-changed"
	case OnPlan:
		if slices.ContainsFunc(card.Plans, func(p dental.Plan) bool {
			return p.Open() && dental.PlanAnchor(p.ID, cl.Today(p.LastActivity())) == t.Anchor
		}) {
			return "outranked" // by another plan, of later activity
		}
		return "stage-done"
	case OnBirthday:
		return "birthday-changed"
	case OnLastImplant, OnLastOrthodontics:
		if m := milestone(card, sc.On.milestone(), ""); m != nil && m.Date.String() == t.Anchor {
			return "recall-variant"
		}
	case OnReturnDate:
		point, r := milestone(card, dental.ReturnPoint, ""), card.Response(t.Scenario, t.Anchor)
		if point != nil && point.Date.String() == t.Anchor && r != nil {
			switch r.Action {
			case dental.LaterOffer:
				return "later"
			case dental.NeverOffer:
				return "never"
			}
			return "answered"
		}
		if m := milestone(card, dental.LastVisit, ""); m != nil && m.Date.Before(cl.Today(t.PlannedAt)) {
			return "superseded"
		}
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
	for _, s := range Calendar(card, cl.Today(now)) {
		add(s)
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
			add(Subject{OnClub, v.Day.String()})
		}
	}
	for _, a := range card.Answers {
		if a.At.After(since) {
			add(Subject{OnAnswer, a.Day.String()})
		}
	}
	return out
}
