package outreach

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
	"github.com/returnpoint/returnpoint/shared/table"
)

// Dispatcher hands what is due to the queues.
type Dispatcher struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Touches   Queue
	Jobs      Queue
	Log       *slog.Logger
}

// pageOfDue is how many due entries are read, and queued, at a time.
const pageOfDue = 200

// enqueueTimeout bounds the handing over of one page.
const enqueueTimeout = 10 * time.Second

// Dispatch queues every touch and job due at now. The due key of each moves on
// in the write that precedes its queueing, so that what is queued is not queued
// again the next minute, and what was lost on the way comes back by itself. One
// entry's failure stops no other; the errors come back joined.
func (d *Dispatcher) Dispatch(ctx context.Context, now time.Time) error {
	var failed []error
	for shard := range store.Shards {
		cursor := ""
		for {
			due, next, err := d.Store.Due(ctx, shard, now, pageOfDue, cursor)
			if err != nil {
				failed = append(failed, fmt.Errorf("outreach: shard %d: %w", shard, err))
			}
			if err := d.page(ctx, due, now); err != nil {
				failed = append(failed, err)
			}
			if cursor = next; cursor == "" || ctx.Err() != nil {
				break
			}
		}
	}
	return errors.Join(failed...)
}

func (d *Dispatcher) page(ctx context.Context, due []store.Due, now time.Time) error {
	var failed []error
	var touches, jobs []string
	for _, entry := range due {
		var body string
		var err error
		switch {
		case entry.Job != nil:
			switch body, err = d.job(ctx, entry, now); {
			case body == "":
			case entry.Job.Kind == store.TrialJob: // it needs the channels, which the sender has
				touches = append(touches, body)
			default:
				jobs = append(jobs, body)
			}
		case entry.Touch.State == dental.Claimed:
			settler := &Settler{Store: d.Store, Catalogue: d.Catalogue, Clock: func() time.Time { return now }}
			err = settler.lapse(ctx, RefOf(*entry.Touch))
		default:
			if body, err = d.touch(ctx, entry, now); body != "" {
				touches = append(touches, body)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if err := enqueue(ctx, d.Touches, touches); err != nil {
		failed = append(failed, err)
	}
	if err := enqueue(ctx, d.Jobs, jobs); err != nil {
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func enqueue(ctx context.Context, q Queue, bodies []string) error {
	if len(bodies) == 0 {
		return nil
	}
	// The due keys have moved, so what is not queued now waits: the function's
	// deadline is no reason to leave it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTimeout)
	defer cancel()
	if err := q.Enqueue(ctx, bodies...); err != nil {
		return fmt.Errorf("outreach: queue %d items; what is missing comes back in %s: %w", len(bodies), requeueAfter, err)
	}
	return nil
}

// touch moves a due touch's key and returns its body for the queue; nothing
// if the index was behind and somebody else has it.
func (d *Dispatcher) touch(ctx context.Context, entry store.Due, now time.Time) (string, error) {
	t, tx := *entry.Touch, entry.Tx()
	if err := t.To(dental.Queued, t.Reason); err != nil {
		return "", nil
	}
	t.Wake = now.Add(requeueAfter)
	tx.Put(t)
	ref := RefOf(t)
	return d.moved(ctx, tx, Item{Touch: &ref})
}

func (d *Dispatcher) job(ctx context.Context, entry store.Due, now time.Time) (string, error) {
	j, tx := *entry.Job, entry.Tx()
	j.Wake = now.Add(requeueAfter)
	j.Tries++
	tx.Put(j)
	return d.moved(ctx, tx, Item{Job: &JobRef{j.Clinic, j.ID}})
}

func (d *Dispatcher) moved(ctx context.Context, tx *store.Tx, it Item) (string, error) {
	err := tx.Commit(ctx)
	if errors.Is(err, table.ErrConflict) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("outreach: move a due key: %w", err)
	}
	body, err := json.Marshal(it)
	return string(body), err
}
