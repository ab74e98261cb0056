// Package scan is the one loop behind every daily scan: the milestones that
// fall due on a day become touches, clinic by clinic, each in its own morning.
//
// Tick finds the clinics whose morning has come and puts one message for each
// into a queue; Handle takes such a message and scans the clinic. A checkpoint
// a scenario says how far the scan has come, so that a repeat plans nothing,
// and a missed day is made up for by the next.
package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Scanner is one of the daily scans.
type Scanner struct {
	// Set names the scan: scenario.ScanSleeping and its like. It runs the
	// scenarios whose trigger says so.
	Set       string
	Store     *store.Store
	Catalogue scenario.Catalogue
	Queue     Queue
	Clock     func() time.Time
	Log       *slog.Logger
	// Workers is how many patients are looked at at once; 0 is one after another.
	Workers int
}

// Queue carries the clinics to be scanned from Tick to Handle, at least once
// and in any order.
type Queue interface {
	Enqueue(ctx context.Context, bodies ...string) error
}

// Item is the body of a message: a clinic to be scanned up to a day.
type Item struct{ Scan *Order }

// Order says which clinic is to be scanned by which scan, and up to which of its days.
type Order struct {
	Clinic string
	Set    string
	Day    dental.Date
}

// pageOfClinics is how many clinics are looked at, and queued, at a time.
const pageOfClinics = 200

// Tick queues every clinic whose morning has come by the scheduled time and that
// has not been scanned on that day of its own. What a clinic's message could not
// get done is queued again by the next tick. One clinic's failure stops no
// other; the errors come back joined.
func (s *Scanner) Tick(ctx context.Context, scheduled time.Time) error {
	queued := 0
	err := s.clinics(ctx, func(page []dental.Clinic) error {
		behind, failed := s.behind(ctx, page)
		var bodies []string
		for _, b := range behind {
			day := b.clinic.Today(scheduled)
			if !b.scanned.Before(day) || scheduled.Before(b.clinic.Morning(day)) {
				continue
			}
			body, err := json.Marshal(Item{&Order{b.clinic.ID, s.Set, day}})
			failed = errors.Join(failed, err)
			bodies = append(bodies, string(body))
		}
		if len(bodies) > 0 {
			if err := s.Queue.Enqueue(ctx, bodies...); err != nil {
				return errors.Join(failed, fmt.Errorf("scan: queue %d clinics; the next tick queues what is missing: %w", len(bodies), err))
			}
		}
		queued += len(bodies)
		return failed
	})
	if queued > 0 || err != nil {
		s.Log.InfoContext(ctx, "clinics queued for their scan", "scan", s.Set, "scheduled", scheduled, "clinics", queued)
	}
	return err
}

// Next is the earliest time from now on at which Tick would find a clinic, and
// whether there is one that has anything to scan at all.
func (s *Scanner) Next(ctx context.Context, now time.Time) (at time.Time, any bool, err error) {
	err = s.clinics(ctx, func(page []dental.Clinic) error {
		behind, err := s.behind(ctx, page)
		for _, b := range behind {
			day := b.clinic.Today(now)
			if !b.scanned.Before(day) {
				day = b.scanned.AddDays(1)
			}
			if t := b.clinic.Morning(day); !any || t.Before(at) {
				at, any = t, true
			}
		}
		return err
	})
	return at, any, err
}

// clinics hands all the clinics to fn, page by page. Errors are gathered, and
// stop nothing but what they are about.
func (s *Scanner) clinics(ctx context.Context, fn func([]dental.Clinic) error) error {
	var failed []error
	for cursor := ""; ; {
		page, next, err := s.Store.Clinics(ctx, pageOfClinics, cursor)
		if err != nil {
			failed = append(failed, fmt.Errorf("scan: list the clinics: %w", err))
		}
		if err := fn(page); err != nil {
			failed = append(failed, err)
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return errors.Join(failed...)
		}
	}
}

// position is how far a clinic has been scanned: the day up to which all the
// scenarios of the set were, zero for never.
type position struct {
	clinic  *dental.Clinic
	scanned dental.Date
}

// behind gives the positions of those clinics of a page that have a scenario of
// the set switched on. A checkpoint that cannot be read counts as never, so that
// the clinic's own scan comes upon it.
func (s *Scanner) behind(ctx context.Context, page []dental.Clinic) ([]position, error) {
	var asked []store.Checkpoint
	var of []int // index of the clinic in the answer, by checkpoint asked for
	var out []position
	for i := range page {
		on := s.scenarios(&page[i])
		if len(on) == 0 {
			continue
		}
		for _, sc := range on {
			asked, of = append(asked, store.Checkpoint{Clinic: page[i].ID, Scenario: sc.Name}), append(of, len(out))
		}
		out = append(out, position{clinic: &page[i]})
	}
	read, err := s.Store.Begin().Checkpoints(ctx, asked...)
	if err != nil {
		err = fmt.Errorf("scan: read how far the clinics were scanned: %w", err)
	}
	if len(read) < len(asked) {
		return nil, err
	}
	first := map[int]bool{}
	for i, c := range read {
		if p := &out[of[i]]; !first[of[i]] || c.Day.Before(p.scanned) {
			p.scanned, first[of[i]] = c.Day, true
		}
	}
	return out, err
}

// scenarios are those of the set that a clinic runs.
func (s *Scanner) scenarios(cl *dental.Clinic) []*scenario.Scenario {
	var out []*scenario.Scenario
	for i := range s.Catalogue {
		if sc := &s.Catalogue[i]; sc.On.Scan() == s.Set && cl.Scenario(sc.Name).On {
			out = append(out, sc)
		}
	}
	return out
}

// Handle scans the clinic that a queue's message names. An error asks for it again.
func (s *Scanner) Handle(ctx context.Context, body string) error {
	var it Item
	if err := json.Unmarshal([]byte(body), &it); err != nil || it.Scan == nil || it.Scan.Set != s.Set || it.Scan.Day.IsZero() {
		return dental.Errorf(dental.Invalid, "", "scan: %.80q names no clinic for the scan of %s", body, s.Set)
	}
	if err := s.Clinic(ctx, it.Scan.Clinic, it.Scan.Day); err != nil {
		return fmt.Errorf("scan: %s of %s on %s: %w", s.Set, it.Scan.Clinic, it.Scan.Day, err)
	}
	return nil
}
