package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Checkpoint reads how far a scenario's scan has come; the zero Day is "never".
func (tx *Tx) Checkpoint(ctx context.Context, clinic, scenario string) (Checkpoint, error) {
	items, err := tx.get(ctx, checkpointKey(clinic, scenario))
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{Clinic: clinic, Scenario: scenario}
	if err := decode(items[0].Attr, &c); err != nil {
		return c, fmt.Errorf("store: checkpoint of %s/%s: %w", clinic, scenario, err)
	}
	return c, nil
}

// Checkpoints reads those asked for by their clinics and scenarios, any number
// of them, in their order. With an error there may be an answer all the same:
// where an item cannot be decoded its Day is zero, which is "never".
func (tx *Tx) Checkpoints(ctx context.Context, asked ...Checkpoint) ([]Checkpoint, error) {
	out := make([]Checkpoint, 0, len(asked))
	var unread []error
	for some := range slices.Chunk(asked, table.MaxGet) {
		keys := make([]table.Key, len(some))
		for i, c := range some {
			keys[i] = checkpointKey(c.Clinic, c.Scenario)
		}
		items, err := tx.get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, it := range items {
			c := Checkpoint{Clinic: some[i].Clinic, Scenario: some[i].Scenario}
			if err := decode(it.Attr, &c); err != nil {
				unread = append(unread, unreadable(it.Key, err))
				c = Checkpoint{Clinic: some[i].Clinic, Scenario: some[i].Scenario}
			}
			out = append(out, c)
		}
	}
	return out, errors.Join(unread...)
}

// ErrUnreadable is the error about items that are there and cannot be decoded:
// a listing gives the others all the same.
var ErrUnreadable = errors.New("a stored item cannot be decoded")

func unreadable(key table.Key, err error) error {
	return fmt.Errorf("store: %s: %w: %w", key, ErrUnreadable, err)
}

// MilestonesOn lists a clinic's milestones of a kind from the first to the last
// of two dates of one month, both included, and hands each to fn until that
// returns an error. Of birthdays the year does not matter. What the index shows
// may be behind the facts. An ErrUnreadable comes after all the others were handed over.
func (s *Store) MilestonesOn(ctx context.Context, clinic string, kind dental.MilestoneKind, first, last dental.Date, fn func(dental.Milestone) error) error {
	month := first.String()[:7]
	if kind == dental.Birthday {
		month = month[5:]
	}
	// The day stands first in the sort key, and "~" is above the "#" that follows it.
	q := table.Query{Index: table.GSI2, PK: milestonesPK(clinic, kind, month), From: fmt.Sprintf("%02d#", first.Day),
		To: fmt.Sprintf("%02d~", last.Day), Limit: table.MaxLimit}
	var unread []error
	for {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return readError("read the calendar", err)
		}
		for _, it := range page.Items {
			var m dental.Milestone
			if err := decode(it.Attr, &m); err != nil {
				unread = append(unread, unreadable(it.Key, err))
				continue
			}
			if err := fn(m); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return errors.Join(unread...)
		}
		q.Cursor = page.Next
	}
}

// Waiting is a held touch as an index showed it, which may be behind.
type Waiting struct {
	Touch dental.Touch
	tx    *Tx
}

// Tx is a step that has read the touch as the index showed it: a write in it
// conflicts when the index was behind.
func (w Waiting) Tx() *Tx { return w.tx }

// Held lists the touches of a day's batch of a scenario ("" for all) that wait
// for a person, highest value first inside a scenario, one page.
func (s *Store) Held(ctx context.Context, clinic string, day dental.Date, scenario string, limit int, cursor string) ([]Waiting, string, error) {
	q := table.Query{Index: table.GSI1, PK: heldPK(clinic, day), Limit: limit, Cursor: cursor}
	if scenario != "" {
		q.From, q.To = table.Prefix(esc(scenario) + "#")
	}
	return s.waiting(ctx, q)
}

// Backlog lists the touches of a scenario that wait for their turn, highest value first, one page.
func (s *Store) Backlog(ctx context.Context, clinic, scenario string, limit int, cursor string) ([]Waiting, string, error) {
	return s.waiting(ctx, table.Query{Index: table.GSI1, PK: backlogPK(clinic, scenario), Limit: limit, Cursor: cursor})
}

func (s *Store) waiting(ctx context.Context, q table.Query) ([]Waiting, string, error) {
	page, err := s.table.Query(ctx, q)
	if err != nil {
		return nil, "", readError("read what waits", err)
	}
	var out []Waiting
	var unread []error
	for _, it := range page.Items {
		w := Waiting{tx: s.Begin()}
		w.tx.read[it.Key] = it
		if err := decode(it.Attr, &w.Touch); err != nil {
			unread = append(unread, unreadable(it.Key, err))
			continue
		}
		out = append(out, w)
	}
	return out, page.Next, errors.Join(unread...)
}

// Task reads a clinic's task that is about no patient, such as a batch to
// release; the zero Task is one that does not exist.
func (tx *Tx) Task(ctx context.Context, clinic string, kind dental.TaskKind, anchor string) (dental.Task, error) {
	items, err := tx.get(ctx, taskKey(clinic, "", kind, anchor))
	if err != nil {
		return dental.Task{}, err
	}
	var t dental.Task
	if err := decode(items[0].Attr, &t); err != nil {
		return t, fmt.Errorf("store: task %s of %s: %w", kind, clinic, err)
	}
	return t, nil
}
