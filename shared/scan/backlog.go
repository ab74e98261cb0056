package scan

import (
	"context"
	"errors"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// most bounds how many touches of a backlog one day looks at, with those that
// nobody needs any more or that fail.
const most = 1000

// pageOfBacklog is how many of them are read at a time.
const pageOfBacklog = 100

// outcome is what became of one touch of a backlog.
type outcome int

const (
	passed outcome = iota // it waits no longer, or cannot be taken up now
	taken
	full // the day has had its share
)

// flow takes up the day's share of a scenario's backlog, the highest value
// first. Each touch is let go in one write with the count of the day, so that
// neither a crash nor a repeat nor a second run beside it exceeds the share. On
// another day than its own, a scan leaves the backlog alone, for two shares
// would meet; so it does while the clinic is paused, where they would gather.
func (s *Scanner) flow(ctx context.Context, cl *dental.Clinic, sc *scenario.Scenario, day dental.Date) error {
	if cl.Paused || cl.Scenario(sc.Name).BacklogPerDay <= 0 || day != cl.Today(s.Clock()) {
		return nil
	}
	seen, n := 0, 0
	for cursor := ""; ; {
		page, next, err := s.Store.Backlog(ctx, cl.ID, sc.Name, pageOfBacklog, cursor)
		if err != nil {
			if !errors.Is(err, store.ErrUnreadable) {
				return err
			}
			s.Log.ErrorContext(ctx, "touches that cannot be read stay in the backlog", "clinic", cl.ID, "scenario", sc.Name, "err", err)
		}
		for _, w := range page {
			what, err := s.takeUp(ctx, cl, w.Touch, day)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				s.Log.ErrorContext(ctx, "a touch stays in the backlog", "clinic", cl.ID, "scenario", sc.Name, "patient", w.Touch.Patient, "err", err)
			case what == taken:
				n++
			}
			if seen++; what == full || seen == most {
				next = ""
				break
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if n > 0 {
		s.Log.InfoContext(ctx, "taken up out of the backlog", "clinic", cl.ID, "scenario", sc.Name, "day", day, "touches", n)
	}
	return nil
}

// takeUp lets one touch of the backlog go, if the facts still ask for it and
// the day's share is not spent.
func (s *Scanner) takeUp(ctx context.Context, cl *dental.Clinic, shown dental.Touch, day dental.Date) (what outcome, err error) {
	defer recovered(&err)
	err = store.Retry(ctx, func(ctx context.Context) error {
		what = passed
		course, err := s.course(ctx, cl, shown.Patient)
		if err != nil {
			return err
		}
		stored := course.Card.Touch(shown.Scenario, shown.Step, shown.Anchor)
		if stored == nil || stored.State != dental.Held || !stored.Backlog {
			return nil // the index was behind
		}
		count, err := course.Tx.Checkpoint(ctx, cl.ID, shown.Scenario)
		if err != nil {
			return err
		}
		if count.FlowDay != day {
			count.FlowDay, count.Flowed = day, 0
		}
		if count.Flowed >= cl.Scenario(shown.Scenario).BacklogPerDay {
			what = full
			return nil
		}
		t, ok := s.Catalogue.TakeUp(cl, course.Card, *stored, course.Now)
		course.Tx.Put(t)
		if ok {
			what = taken
			count.Flowed++
			course.Tx.Put(count)
		}
		if t.State == dental.Held {
			course.Hold(t)
		}
		return commit(ctx, course)
	})
	return what, err
}
