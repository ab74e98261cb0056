package work

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// pageOfHeld is how many touches of a batch one step lets go or ends, and
// mostTold the highest number that the task says.
const (
	pageOfHeld = 50
	mostTold   = 1000
)

// hold tells staff of a batch that waits for their release, and ends what is
// left of it when its third day is over.
func (w *Worker) hold(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job *store.Job) (left bool, err error) {
	over := job.Day.AddDays(dental.HeldDays).At(0, cl.Location())
	if !w.Clock().Before(over) {
		return w.expire(ctx, tx, cl, *job)
	}
	job.Done, job.Wake = time.Time{}, over
	return false, w.announce(ctx, tx, cl, *job)
}

// announce brings the task about a batch in line with how many wait in it.
func (w *Worker) announce(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job) error {
	now := w.Clock()
	task, err := tx.Task(ctx, cl.ID, dental.ReleaseTask, dental.BatchAnchor(job.Scenario, job.Day))
	if err != nil {
		return err
	}
	release, err := tx.Job(ctx, cl.ID, journey.Release(cl.ID, job.Scenario, job.Day, now).ID)
	if err != nil || release.ID != "" && release.Done.IsZero() {
		return err // it is being let go: its row does not come back
	}
	n, err := w.count(ctx, cl.ID, job)
	if err != nil {
		return err
	}
	switch known := task.Kind != ""; {
	case n > 0:
		if !known || !task.Open() {
			opened := now
			if known {
				opened = task.OpenedAt
			}
			task = dental.Task{Clinic: cl.ID, Kind: dental.ReleaseTask, Anchor: dental.BatchAnchor(job.Scenario, job.Day), Scenario: job.Scenario,
				OpenedAt: opened, ShowDay: job.Day, Due: job.Day.At(cl.SendFrom, cl.Location()), Times: 1}
		}
		l := locale.For(cl.Language)
		task.Reason = l.Text("task.release", map[string]string{"day": l.Day(job.Day), "scenario": w.Catalogue.Called(job.Scenario, l.String()), "n": strconv.Itoa(n)})
		tx.Put(task)
	case known && task.Open():
		task.Close(cl, "empty", now)
		tx.Put(task)
	}
	return nil
}

// notReleased is why a batch ended that nobody let go.
const notReleased = "not-released"

// expire ends a batch that was not let go in time.
func (w *Worker) expire(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job) (left bool, err error) {
	now := w.Clock()
	return w.empty(ctx, tx, cl, job, notReleased, func(t *dental.Touch) error {
		if err := t.To(dental.Skipped, notReleased); err != nil {
			return err
		}
		*t = scenario.End(cl, *t, dental.Skipped, notReleased, now)
		return nil
	})
}

// release lets a batch go, which a person has looked at.
func (w *Worker) release(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job *store.Job) (left bool, err error) {
	now := w.Clock()
	return w.empty(ctx, tx, cl, *job, "released", func(t *dental.Touch) error {
		t.Wake = now // the sender knows the hours
		return t.To(dental.Planned, "")
	})
}

// empty changes the touches of a batch, so that none waits in it any more, and
// then closes the task about it.
func (w *Worker) empty(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job, outcome string, change func(*dental.Touch) error) (left bool, err error) {
	left, err = w.each(ctx, cl.ID, job, change)
	if left || err != nil {
		return left, err
	}
	task, err := tx.Task(ctx, cl.ID, dental.ReleaseTask, dental.BatchAnchor(job.Scenario, job.Day))
	if err == nil && task.Kind != "" && task.Open() {
		task.Close(cl, outcome, w.Clock())
		tx.Put(task)
	}
	return false, err
}

// each changes the touches of a batch, each in a write of its own, up to the end
// of the first page of which any was there to be changed, and reports whether
// there was one: then there may be more. What fails stops no other.
func (w *Worker) each(ctx context.Context, clinic string, job store.Job, change func(*dental.Touch) error) (left bool, err error) {
	var failed []error
	for cursor := ""; ; {
		waiting, next, err := w.Store.Held(ctx, clinic, job.Day, job.Scenario, pageOfHeld, cursor)
		if err != nil {
			if !errors.Is(err, store.ErrUnreadable) {
				return false, err
			}
			w.Log.ErrorContext(ctx, "touches that cannot be read stay in the batch", "clinic", clinic, "scenario", job.Scenario, "day", job.Day, "err", err)
		}
		for _, held := range waiting {
			moved, err := w.move(ctx, held, job, change)
			if left = left || moved; err != nil {
				failed = append(failed, fmt.Errorf("work: %s/%s of %s: %w", held.Touch.Scenario, held.Touch.Step, held.Touch.Patient, err))
			}
		}
		if cursor = next; left || cursor == "" || ctx.Err() != nil {
			break
		}
	}
	if left {
		return true, nil // the next step comes upon what has failed
	}
	return false, errors.Join(failed...)
}

// move changes one touch of a batch. The index shows it as it may have been: one
// that has changed since is read again, and left alone when it waits no longer.
func (w *Worker) move(ctx context.Context, shown store.Waiting, job store.Job, change func(*dental.Touch) error) (moved bool, err error) {
	t, tx := shown.Touch, shown.Tx()
	err = store.Retry(ctx, func(ctx context.Context) error {
		if tx == nil {
			tx = w.Store.Begin()
			card, err := tx.Card(ctx, t.Clinic, t.Patient)
			if err != nil {
				return err
			}
			stored := card.Touch(t.Scenario, t.Step, t.Anchor)
			if stored == nil || stored.State != dental.Held || stored.Backlog || stored.HeldOn != job.Day {
				return nil
			}
			t = *stored
		}
		if change(&t) != nil {
			return nil
		}
		tx.Put(t)
		err := tx.Commit(ctx)
		moved, tx = err == nil, nil
		return err
	})
	return moved, err
}

// count is how many touches of a batch wait, up to mostTold.
func (w *Worker) count(ctx context.Context, clinic string, job store.Job) (n int, err error) {
	for cursor := ""; ; {
		waiting, next, err := w.Store.Held(ctx, clinic, job.Day, job.Scenario, table.MaxLimit, cursor)
		if err != nil && !errors.Is(err, store.ErrUnreadable) {
			return 0, err
		}
		if n += len(waiting); next == "" || n >= mostTold {
			return min(n, mostTold), nil
		}
		cursor = next
	}
}

// backlog walks, one day of the calendar a step, over those whose day had
// passed when a scenario was switched on, and leaves each to its turn.
// job.Cursor is the next day to look at.
func (w *Worker) backlog(ctx context.Context, _ *store.Tx, cl *dental.Clinic, job *store.Job) (left bool, err error) {
	sc := w.Catalogue.Find(job.Scenario)
	if sc == nil || !cl.Scenario(job.Scenario).On || cl.Scenario(job.Scenario).BacklogPerDay == 0 {
		return false, nil
	}
	kind, from, to, any := sc.Missed(cl, cl.Today(w.Clock()))
	if !any {
		return false, nil
	}
	day := from
	if job.Cursor != "" {
		if day, err = dental.ParseDate(job.Cursor); err != nil {
			return false, dental.Errorf(dental.Invalid, "cursor", "the cursor %q of a backlog job is no date", job.Cursor)
		}
	}
	err = w.Store.MilestonesOn(ctx, cl.ID, kind, day, day, func(m dental.Milestone) error {
		err := w.settle(ctx, cl, m.Patient, scenario.Lookup{Kind: kind, On: sc.On}.Subject(m))
		if err == nil || ctx.Err() != nil {
			return err
		}
		w.Log.ErrorContext(ctx, "a patient failed and is left to a job", "clinic", cl.ID, "scenario", sc.Name, "patient", m.Patient, "err", err)
		return w.leave(ctx, cl.ID, m.Patient)
	})
	if errors.Is(err, store.ErrUnreadable) {
		w.Log.ErrorContext(ctx, "milestones that cannot be read are passed over", "clinic", cl.ID, "scenario", sc.Name, "day", day, "err", err)
	} else if err != nil {
		return false, fmt.Errorf("work: the backlog of %s on %s: %w", sc.Name, day, err)
	}
	job.Cursor = day.AddDays(1).String()
	return !day.AddDays(1).After(to), nil
}

// settle brings one patient in line with the facts.
func (w *Worker) settle(ctx context.Context, cl *dental.Clinic, patient string, subject scenario.Subject) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := w.Store.Begin()
		card, err := tx.Card(ctx, cl.ID, patient)
		if err != nil || !card.Known() {
			return err
		}
		course := journey.Course{Tx: tx, Catalogue: w.Catalogue, Clinic: cl, Card: card, Now: w.Clock()}
		if course.Settle(journey.Options{Subjects: []scenario.Subject{subject}, Limit: settleLimit}) {
			course.Defer()
		}
		if tx.Size() == 0 {
			return nil
		}
		tx.Check(card.Patient)
		return tx.Commit(ctx)
	})
}

// leave hands a patient over to a job of their own, which comes back until it is done.
func (w *Worker) leave(ctx context.Context, clinic, patient string) error {
	now := w.Clock()
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := w.Store.Begin()
		tx.Put(store.Job{Clinic: clinic, ID: "backlog.of." + patient, Kind: store.SettleJob, Patient: patient, Wake: now, Made: now})
		return tx.Commit(ctx)
	})
}
