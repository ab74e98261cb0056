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

// heldDays is how many days a batch waits for a person; then it is not sent any more.
const heldDays = 3

// pageOfHeld is how many touches of a batch one step lets go or ends, and
// mostTold the highest number that the task says.
const (
	pageOfHeld = 50
	mostTold   = 1000
)

// hold tells staff of a batch that waits for their release, and ends what is
// left of it when its third day is over. It reports whether the job has
// anything to do now; again is when it wants to run next, zero for never.
func (w *Worker) hold(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job) (left bool, again time.Time, err error) {
	now := w.Clock()
	over := job.Day.AddDays(heldDays).At(0, cl.Location())
	task, err := tx.Task(ctx, cl.ID, dental.ReleaseTask, dental.BatchAnchor(job.Scenario, job.Day))
	if err != nil {
		return false, time.Time{}, err
	}
	if !now.Before(over) {
		left, err := w.each(ctx, cl.ID, job, func(t *dental.Touch) error {
			if err := t.To(dental.Skipped, "not-released"); err != nil {
				return err
			}
			*t = scenario.End(cl, *t, dental.Skipped, "not-released", now)
			return nil
		})
		if !left && err == nil && task.Open() && task.Kind != "" {
			task.Close(cl, "not-released", now)
			tx.Put(task)
		}
		return left, time.Time{}, err
	}
	n, err := w.count(ctx, cl.ID, job)
	if err != nil {
		return false, time.Time{}, err
	}
	l := locale.For(cl.Language)
	told := dental.Task{Clinic: cl.ID, Kind: dental.ReleaseTask, Anchor: dental.BatchAnchor(job.Scenario, job.Day), Scenario: job.Scenario,
		OpenedAt: now, ShowDay: job.Day, Due: job.Day.At(cl.SendFrom, cl.Location()), Times: 1,
		Reason: l.Text("task.release", map[string]string{"day": l.Day(job.Day), "scenario": w.Catalogue.Called(job.Scenario, l.String()), "n": strconv.Itoa(n)})}
	if task.Kind != "" {
		told.OpenedAt = task.OpenedAt
	}
	if n > 0 {
		tx.Put(told)
	} else if task.Kind != "" && task.Open() {
		task.Close(cl, "empty", now)
		tx.Put(task)
	}
	return false, over, nil
}

// release lets a batch go, which a person has looked at.
func (w *Worker) release(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job) (left bool, err error) {
	now := w.Clock()
	left, err = w.each(ctx, cl.ID, job, func(t *dental.Touch) error {
		t.Wake = now // the sender knows the hours
		return t.To(dental.Planned, "")
	})
	if left || err != nil {
		return left, err
	}
	task, err := tx.Task(ctx, cl.ID, dental.ReleaseTask, dental.BatchAnchor(job.Scenario, job.Day))
	if err == nil && task.Kind != "" && task.Open() {
		task.Close(cl, "released", now)
		tx.Put(task)
	}
	return false, err
}

// each changes one page of a batch's touches, each in a write of its own, and
// reports whether there may be more. One that has changed since the index
// showed it is left alone.
func (w *Worker) each(ctx context.Context, clinic string, job store.Job, change func(*dental.Touch) error) (left bool, err error) {
	waiting, _, err := w.Store.Held(ctx, clinic, job.Day, job.Scenario, pageOfHeld, "")
	if err != nil {
		return false, err
	}
	moved := 0
	for _, held := range waiting {
		t, tx := held.Touch, held.Tx()
		if err := change(&t); err != nil {
			continue // the index was behind
		}
		tx.Put(t)
		switch err := tx.Commit(ctx); {
		case errors.Is(err, table.ErrConflict):
		case err != nil:
			return false, err
		default:
			moved++
		}
	}
	return moved > 0, nil
}

// count is how many touches of a batch wait.
func (w *Worker) count(ctx context.Context, clinic string, job store.Job) (n int, err error) {
	for cursor := ""; ; {
		waiting, next, err := w.Store.Held(ctx, clinic, job.Day, job.Scenario, table.MaxLimit, cursor)
		if n += len(waiting); err != nil || next == "" || n >= mostTold {
			return min(n, mostTold), err
		}
		cursor = next
	}
}

// backlog walks, one day of the calendar a step, over those whose day had
// passed when a scenario was switched on, and leaves each to its turn.
// job.Cursor is the next day to look at.
func (w *Worker) backlog(ctx context.Context, cl *dental.Clinic, job *store.Job) (left bool, err error) {
	sc := w.Catalogue.Find(job.Scenario)
	if sc == nil || !cl.Scenario(job.Scenario).On || cl.Scenario(job.Scenario).BacklogPerDay == 0 {
		return false, nil
	}
	kind, from, to, any := sc.Missed(cl.Today(w.Clock()))
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
		return w.settle(ctx, cl, m.Patient, scenario.Lookup{Kind: kind, On: sc.On}.Subject(m))
	})
	if err != nil {
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
		course.Settle(journey.Options{Subjects: []scenario.Subject{subject}, Limit: settleLimit})
		if tx.Size() == 0 {
			return nil
		}
		tx.Check(card.Patient)
		return tx.Commit(ctx)
	})
}
