package work

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Settler settles a touch of which nobody knew whether it had left.
type Settler interface {
	// Heard takes what the patient has told staff. A touch that is settled already stays as it is.
	Heard(ctx context.Context, t dental.Touch, arrived bool) error
}

// tries is how many calls that nobody answers are made about one thing.
const tries = 3

// look is the Cursor of the job that looks, some time after a press, whether the
// MIS knows what staff have said.
const look = "look"

// said is a press on its way into effect.
type said struct {
	w      *Worker
	tx     *store.Tx
	clinic *dental.Clinic
	card   *dental.Card // nil for a task about nobody
	task   dental.Task  // as the step changes it
	press  dental.Press
	now    time.Time
	// then are the patient's journeys at the instant of the press: what a patient
	// has said counts from there.
	then journey.Course
	// subjects are the facts that change; fact says whether any does.
	subjects []scenario.Subject
	fact     bool
}

// press lets what staff have pressed take effect, once, when it can no longer
// be taken back: the task says what is to be done, and forgets it in the same
// write. A task that has closed itself meanwhile stays closed as it was; what
// the patient has said holds all the same.
func (w *Worker) press(ctx context.Context, job store.Job) (done bool, err error) {
	s, job, err := w.said(ctx, job)
	switch {
	case err != nil:
		return false, err
	case job.ID == "" || !job.Done.IsZero():
		return true, nil
	}
	ready := s.press.At.Add(dental.UndoFor)
	switch job.Done = s.now; {
	case s.task.Kind == "" || s.card != nil && s.card.Patient.Erased:
	case job.Cursor == look:
		s.look()
	case s.press.ID == "":
	case s.now.Before(ready):
		job.Done, job.Wake = time.Time{}, ready
	default:
		if retry, err := s.settle(ctx); err != nil || retry {
			return false, err
		}
		if err := s.effect(ctx); err != nil {
			return false, err
		}
		s.close()
	}
	s.tx.Put(job)
	return true, s.tx.Commit(ctx)
}

// said reads what a job is about.
func (w *Worker) said(ctx context.Context, job store.Job) (*said, store.Job, error) {
	s := &said{w: w, tx: w.Store.Begin(), now: w.Clock()}
	job, err := s.tx.Job(ctx, job.Clinic, job.ID)
	if err != nil || job.ID == "" {
		return nil, job, err
	}
	if s.clinic, err = s.tx.Clinic(ctx, job.Clinic); err != nil {
		return nil, job, err
	}
	kind := dental.TaskKind(job.Step)
	if job.Patient == "" {
		s.task, err = s.tx.Task(ctx, job.Clinic, kind, job.Anchor)
	} else if s.card, err = s.tx.Card(ctx, job.Clinic, job.Patient); err == nil {
		if t := s.card.Task(kind, job.Anchor); t != nil {
			s.task = *t
		}
	}
	s.press = s.task.Pressed
	s.then = journey.Course{Tx: s.tx, Catalogue: w.Catalogue, Clinic: s.clinic, Card: s.card, Now: cmp.Or(s.press.At, s.now)}
	return s, job, err
}

// settle hands on what staff have heard of a message. It is a write of its own,
// so the step is done again after it.
func (s *said) settle(ctx context.Context) (again bool, err error) {
	if s.press.Outcome != dental.PressArrived && s.press.Outcome != dental.PressNotArrived {
		return false, nil
	}
	i := slices.IndexFunc(s.card.Touches, func(t dental.Touch) bool { return t.ID() == s.task.Anchor })
	if i < 0 || s.card.Touches[i].State != dental.Unknown {
		return false, nil
	}
	return true, s.w.Settler.Heard(ctx, s.card.Touches[i], s.press.Outcome == dental.PressArrived)
}

// effect is what a press changes beside closing its task.
func (s *said) effect(ctx context.Context) error {
	switch p := s.press; p.Outcome {
	case dental.PressBooked:
		s.respond(dental.BookOffer)
		s.later(thirdDay(s.clinic, p.At))
	case dental.PressRefused:
		s.respond(dental.RefusalReason(p.Cause).Action())
	case dental.PressLater:
		s.respond(dental.LaterOffer)
		s.comesBack(p.On)
	case dental.PressAgreed:
		s.agree(p.On)
	case dental.PressNoAnswer:
		s.unanswered()
	case dental.PressWrongNumber:
		return s.wrongNumber(ctx)
	case dental.PressNever:
		s.then.Silence("call", p.By)
		s.fact = true
	case dental.PressConfirmed:
		s.reply("confirm")
	case dental.PressMove:
		s.reply("reschedule")
		s.later(s.clinic.AddWorking(p.At, lookAfter))
	case dental.PressCancel:
		s.reply("cancel")
		s.later(s.clinic.AddWorking(p.At, lookAfter))
	case dental.PressReleased:
		s.release()
	}
	return nil
}

// ends reports whether the press closes its task.
func (s *said) ends() bool {
	switch s.press.Outcome {
	case dental.PressTaken, dental.PressCalled, dental.PressLater:
		return false
	case dental.PressNoAnswer:
		return s.task.Tries >= tries
	case dental.PressAgreed:
		return s.task.ShowDay == s.shown() // else the row comes back when the date is near
	case dental.PressClosed:
		return !s.saidMore()
	}
	return true
}

// shown is the day on which the task was to be shown when it was pressed.
func (s *said) shown() dental.Date {
	if s.card == nil {
		return s.task.ShowDay
	}
	return s.card.Task(s.task.Kind, s.task.Anchor).ShowDay
}

// close writes the task as the press leaves it, and all that follows.
func (s *said) close() {
	t, p := &s.task, s.press
	if t.Open() {
		switch p.Outcome {
		case dental.PressTaken, dental.PressCalled, dental.PressClosed:
			s.taken()
		}
		if s.ends() {
			t.By, t.Cause = p.By, p.Cause
			if p.Outcome == dental.PressClosed {
				t.Decision, t.Content = p.Note, p.Content
				s.subjects = append(s.subjects, scenario.Subject{On: scenario.OnVisitDay, ID: t.Anchor})
				s.fact = true
			}
			t.Close(s.clinic, p.Outcome, p.At)
		}
	} else if t.By == "" && t.Outcome == p.Outcome {
		t.By = p.By // what was heard has settled a touch, and that the task
	}
	t.Pressed = dental.Press{}
	if s.card == nil {
		s.tx.Put(*t)
		return
	}
	now := s.then
	now.Now = s.now
	*s.card.Task(t.Kind, t.Anchor) = *t
	now.Put(*t)
	if !s.fact {
		return
	}
	s.card.Patient.Changes++
	s.tx.Put(s.card.Patient)
	if now.Settle(journey.Options{Subjects: s.subjects, Limit: settleWithPress}) {
		now.Defer()
	}
}

// settleWithPress is how many further touches and tasks a press settles by
// itself: a write has room for no more beside its own items.
const settleWithPress = 5

// taken notes who sees to a complaint, and when the patient was spoken to.
func (s *said) taken() {
	t, p := &s.task, s.press
	if t.TakenAt.IsZero() {
		t.TakenAt, t.TakenBy = p.At, p.By
	}
	if p.Outcome != dental.PressTaken && t.CalledAt.IsZero() {
		t.CalledAt = p.At
	}
}

// saidMore reports whether the patient has complained again since a complaint
// was called settled: then it is not.
func (s *said) saidMore() bool {
	return slices.ContainsFunc(s.card.Answers, func(a dental.Answer) bool { return a.Mood() == dental.Unhappy && a.At.After(s.press.At) })
}

// respond records what the patient has said to the offer behind the task, as an
// answer on its page is.
func (s *said) respond(action dental.OfferAction) {
	sc, anchor, ok := s.w.Catalogue.OfferBehind(s.task)
	if !ok {
		return
	}
	r := dental.Response{Scenario: sc.Name, Anchor: anchor, Action: action, By: s.press.By}
	if s.press.Outcome == dental.PressRefused {
		r.Cause = s.press.Cause
	}
	if s.then.Respond(r) {
		s.subjects = append(s.subjects, scenario.Subject{On: sc.On, ID: anchor})
		s.fact = true
	}
}

// comesBack shows the task on another day.
func (s *said) comesBack(day dental.Date) {
	if s.task.Open() {
		s.task.ShowDay = day
		s.task.Due = s.clinic.AddWorking(day.At(0, s.clinic.Location()), time.Hour)
	}
}

// before is how many days before a date the row comes back of whom no recall invites.
const before = 7

// agree fixes the date to come back by. Whom the clinic's recall does not invite,
// staff call again when the date is near.
func (s *said) agree(on dental.Date) {
	s.then.Agree(on)
	s.fact = true
	s.subjects = append(s.subjects, scenario.Calendar(s.card, s.clinic.Today(s.now))...)
	if _, _, invited := s.w.Catalogue.Recall(s.clinic, s.card); !invited {
		s.comesBack(latest(on.AddDays(-before), s.clinic.Today(s.now).AddDays(1)))
	}
}

func latest(a, b dental.Date) dental.Date {
	if a.After(b) {
		return a
	}
	return b
}

// unanswered counts a call that nobody answered: the row comes back on the next
// working day, then three days later. What has to be known before an appointment
// is asked once more while it still can be.
func (s *said) unanswered() {
	t, p := &s.task, s.press
	if !t.Open() {
		return
	}
	t.Tries, t.TriedAt = t.Tries+1, p.At
	if t.Tries >= tries {
		return
	}
	today, days := s.clinic.Today(p.At), 1
	if t.Tries > 1 {
		days = 3
	}
	day := s.clinic.WorkingDayFrom(today.AddDays(days))
	if a := s.appointment(); a != nil && !day.Before(s.clinic.Today(a.Start)) {
		t.Due = s.clinic.AddWorking(p.At, lookAfter)
		return
	}
	s.comesBack(day)
}

// wrongNumber keeps the patient from the number that was called: the own, or
// that of a child's guardian.
func (s *said) wrongNumber(ctx context.Context) error {
	owner, course := s.card, s.then
	if p := s.card.Patient; p.GuardianID != "" && p.Minor(s.clinic.Today(s.now)) {
		guardian, err := s.tx.Card(ctx, s.clinic.ID, p.GuardianID)
		if err != nil {
			return err
		}
		if guardian.Known() && !guardian.Patient.Erased {
			owner, course.Card = guardian, guardian
		}
	}
	phone := string(owner.Patient.Phone)
	if phone == "" {
		return nil
	}
	contacts, err := s.tx.Contacts(ctx, s.clinic, phone)
	if err != nil || !course.Disown(contacts[phone].Key) {
		return err
	}
	if owner == s.card {
		s.fact = true
		return nil
	}
	owner.Patient.Changes++
	s.tx.Put(owner.Patient)
	return nil
}

// appointment is the one that the task is about, or nil.
func (s *said) appointment() *dental.Appointment {
	if s.card == nil {
		return nil
	}
	return s.card.Appointment(dental.AppointmentOf(s.task.Anchor))
}

// reply records what the patient has said of the appointment that the task is
// about, while it stands as it stood.
func (s *said) reply(action string) {
	if a := s.appointment(); a != nil && dental.AppointmentAnchor(*a) == s.task.Anchor {
		s.then.Reply(a, action)
		s.subjects = append(s.subjects, scenario.Subject{On: scenario.OnAppointment, ID: a.ID})
		s.fact = true
	}
}

// release lets the batch go that the task is about.
func (s *said) release() {
	if day, scenario, ok := dental.BatchOf(s.task.Anchor); ok {
		s.tx.Put(journey.Release(s.clinic.ID, scenario, day, s.now))
	}
}

// lookAfter is the working time after which the MIS is to know of a change.
const lookAfter = 2 * time.Hour

// thirdDay is the morning after two working days have passed since an instant.
func thirdDay(cl *dental.Clinic, at time.Time) time.Time {
	day := cl.Today(at)
	for range 3 {
		day = cl.WorkingDayFrom(day.AddDays(1))
	}
	return day.At(0, cl.Location())
}

// later leaves the job that looks whether the MIS knows by then.
func (s *said) later(at time.Time) {
	s.tx.Put(store.Job{Clinic: s.clinic.ID, ID: "look." + s.task.ID(), Kind: store.PressJob, Patient: s.task.Patient, Step: string(s.task.Kind),
		Anchor: s.task.Anchor, Cursor: look, Wake: at, Made: s.now})
}

// look opens the row again that was closed by a word of which the MIS knows nothing.
func (s *said) look() {
	t, key := s.task, ""
	if t.Open() || s.card == nil {
		return
	}
	again := dental.Task{Kind: t.Kind, Anchor: t.Anchor, Scenario: t.Scenario, Note: t.Note, Due: s.clinic.AddWorking(s.now, time.Hour)}
	switch a := s.appointment(); t.Outcome {
	case dental.PressBooked:
		if key = "task.callback.said.booked"; s.card.NextAppointment(t.ClosedAt) != nil || s.visitedSince(t) || s.friendCame(t) {
			return
		}
	case dental.PressMove, dental.PressCancel:
		if key = "task.callback.said." + t.Outcome; a == nil || dental.AppointmentAnchor(*a) != t.Anchor || !a.Standing() || !s.now.Before(a.Start) || s.card.Attended(a.ID) {
			return
		}
		again.Kind = dental.CallbackTask // what is confirmed is settled; this is not
	default:
		return
	}
	l := locale.For(s.clinic.Language)
	again.Reason = l.Text(key, map[string]string{"day": l.Day(t.ClosedOn)})
	s.then.Open(again)
}

func (s *said) visitedSince(t dental.Task) bool {
	return slices.ContainsFunc(s.card.Visits, func(v dental.Visit) bool { return v.FinishedAt.After(t.ClosedAt) })
}

// friendCame reports whether the friend of a lead has a card by now.
func (s *said) friendCame(t dental.Task) bool {
	r := s.card.Referral(t.Anchor)
	return t.Kind == dental.LeadTask && (r == nil || r.Friend != "")
}
