package scan

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

const (
	// farthest is how many days before the one asked for are made up for at
	// most: what falls due stays worth saying for less.
	farthest = 31
	// unknown is how far back the first scan of a scenario looks that nobody
	// knows the beginning of: as far as the news of a fact plans by itself.
	unknown = 7
	// limit is how many touches and tasks of one patient a step writes.
	limit = 20
)

// Clinic scans a clinic up to a day of its calendar: for each scenario of the
// set every day that has not been scanned yet, in order, then the backlog's
// share of the day. A scenario that fails stops no other; its checkpoint stays
// behind, so that it is scanned again.
func (s *Scanner) Clinic(ctx context.Context, clinic string, day dental.Date) error {
	cl, err := s.Store.Begin().Clinic(ctx, clinic)
	if err != nil {
		return err
	}
	if today := cl.Today(s.Clock()); day.After(today) {
		return dental.Errorf(dental.Unavailable, "", "it is %s there: the day has not begun", today)
	}
	var failed []error
	var done []string
	for _, sc := range s.scenarios(cl) {
		if err := s.scenario(ctx, cl, sc, day); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", sc.Name, err))
			continue
		}
		done = append(done, sc.Name)
	}
	if err := s.mark(ctx, cl, day, done...); err != nil {
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// scenario scans a clinic for one scenario. The last day's checkpoint is the
// caller's, who sets those of all the scenarios at once.
func (s *Scanner) scenario(ctx context.Context, cl *dental.Clinic, sc *scenario.Scenario, day dental.Date) error {
	scanned, err := s.Store.Begin().Checkpoint(ctx, cl.ID, sc.Name)
	if err != nil {
		return err
	}
	patients := 0
	first := from(scanned.Day, cl.Scenario(sc.Name).Since, day)
	for d := first; !d.After(day); d = d.AddDays(1) {
		n, err := s.day(ctx, cl, sc, d)
		if patients += n; err != nil {
			return fmt.Errorf("scan %s: %w", d, err)
		}
		if d == day {
			if err := s.flow(ctx, cl, sc, d); err != nil {
				return fmt.Errorf("take up the backlog: %w", err)
			}
		} else if err := s.mark(ctx, cl, d, sc.Name); err != nil {
			return err
		}
	}
	if patients > 0 {
		s.Log.InfoContext(ctx, "scanned", "clinic", cl.ID, "scenario", sc.Name, "first", first, "last", day, "patients", patients)
	}
	return nil
}

// from is the first day to scan: the one after the last that was, but neither
// before the scenario was switched on nor too long ago.
func from(scanned, since, day dental.Date) dental.Date {
	first := scanned.AddDays(1)
	if scanned.IsZero() {
		first = day.AddDays(-unknown)
		if !since.IsZero() {
			first = since
		}
	}
	for _, bound := range []dental.Date{since, day.AddDays(-farthest)} {
		if first.Before(bound) {
			first = bound
		}
	}
	return first
}

// day plans what a scenario's milestones have fall due on one day, and says for
// how many patients it looked. A patient who fails is left to a job; an error
// is that of a patient who could not even be left to one, or of the calendar.
func (s *Scanner) day(ctx context.Context, cl *dental.Clinic, sc *scenario.Scenario, day dental.Date) (patients int, err error) {
	found := map[string][]scenario.Subject{}
	var order []string
	for _, l := range sc.Falling(cl, day) {
		err := s.Store.MilestonesOn(ctx, cl.ID, l.Kind, l.First, l.Last, func(m dental.Milestone) error {
			if found[m.Patient] == nil {
				order = append(order, m.Patient)
			}
			found[m.Patient] = append(found[m.Patient], l.Subject(m))
			return nil
		})
		if errors.Is(err, store.ErrUnreadable) {
			s.Log.ErrorContext(ctx, "milestones that cannot be read are passed over", "clinic", cl.ID, "scenario", sc.Name, "day", day, "err", err)
		} else if err != nil {
			return 0, err
		}
	}
	return len(order), s.each(ctx, order, func(patient string) error {
		err := s.patient(ctx, cl, patient, day, found[patient])
		if err == nil || ctx.Err() != nil {
			return err
		}
		s.Log.ErrorContext(ctx, "a patient failed and is left to a job", "clinic", cl.ID, "scenario", sc.Name, "day", day, "patient", patient, "err", err)
		if left := s.leave(ctx, cl.ID, patient, day); left != nil {
			return fmt.Errorf("leave %s to a job: %w", patient, errors.Join(left, err))
		}
		return nil
	})
}

// each runs fn for every patient, Workers of them at once, and joins the errors.
func (s *Scanner) each(ctx context.Context, patients []string, fn func(patient string) error) error {
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	places := make(chan struct{}, max(1, s.Workers))
	for _, patient := range patients {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wait.Go(func() {
			defer func() { <-places }()
			if err := fn(patient); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	wait.Wait()
	return errors.Join(append(failed, ctx.Err())...)
}

// patient brings one patient's touches in line with the facts, in a step of its own.
func (s *Scanner) patient(ctx context.Context, cl *dental.Clinic, patient string, day dental.Date, subjects []scenario.Subject) (err error) {
	defer recovered(&err)
	return store.Retry(ctx, func(ctx context.Context) error {
		course, err := s.course(ctx, cl, patient)
		if err != nil {
			return err
		}
		if course.Settle(journey.Options{Subjects: subjects, First: day, Limit: limit}) {
			course.Defer()
		}
		return commit(ctx, course)
	})
}

// course reads a patient's card for a step.
func (s *Scanner) course(ctx context.Context, cl *dental.Clinic, patient string) (journey.Course, error) {
	tx := s.Store.Begin()
	card, err := tx.Card(ctx, cl.ID, patient)
	return journey.Course{Tx: tx, Catalogue: s.Catalogue, Clinic: cl, Card: card, Now: s.Clock()}, err
}

// commit writes what a step has put, unless a fact has changed since it read the card.
func commit(ctx context.Context, c journey.Course) error {
	if c.Tx.Size() > 0 && c.Card.Known() {
		c.Tx.Check(c.Card.Patient)
	}
	return c.Tx.Commit(ctx)
}

// recovered makes an error of a panic, which one patient's facts may cause and
// which must not stop the others.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("scan: panic: %v\n%s", v, debug.Stack())
	}
}

// leave hands a patient over to a job, which comes back until it is done.
func (s *Scanner) leave(ctx context.Context, clinic, patient string, day dental.Date) error {
	now := s.Clock()
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		tx.Put(store.Job{Clinic: clinic, ID: fmt.Sprintf("scan.%s.%s.%s", s.Set, patient, day), Kind: store.SettleJob, Patient: patient, Day: day, Wake: now, Made: now})
		return tx.Commit(ctx)
	})
}

// mark moves the checkpoints of scenarios on to a day, in one write.
func (s *Scanner) mark(ctx context.Context, cl *dental.Clinic, day dental.Date, scenarios ...string) error {
	var asked []store.Checkpoint
	for _, name := range scenarios {
		asked = append(asked, store.Checkpoint{Clinic: cl.ID, Scenario: name})
	}
	for some := range slices.Chunk(asked, table.MaxWrite) {
		err := store.Retry(ctx, func(ctx context.Context) error {
			tx := s.Store.Begin()
			stored, err := tx.Checkpoints(ctx, some...)
			if err != nil {
				return err
			}
			for _, c := range stored {
				if c.Day.Before(day) {
					c.Day = day
					tx.Put(c)
				}
			}
			return tx.Commit(ctx)
		})
		if err != nil {
			return fmt.Errorf("set the checkpoints: %w", err)
		}
	}
	return nil
}
