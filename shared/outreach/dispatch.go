package outreach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	// Others take the jobs of a kind that a function of its own does.
	Others map[string]Queue
	// Workers is how many due keys are moved at a time; 0 is one.
	Workers int
	Log     *slog.Logger
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
	bodies, failed := make([]string, len(due)), make([]error, len(due))
	var wait sync.WaitGroup
	places := make(chan struct{}, max(1, d.Workers))
	for i, entry := range due {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			bodies[i], failed[i] = d.entry(ctx, entry, now)
		})
	}
	wait.Wait()
	to := map[Queue][]string{}
	for i, body := range bodies {
		if body != "" {
			q := d.queue(due[i].Job)
			to[q] = append(to[q], body)
		}
	}
	for q, some := range to {
		failed = append(failed, enqueue(ctx, q, some))
	}
	return errors.Join(failed...)
}

// queue is where a touch, which is no job, or a job is worked off.
func (d *Dispatcher) queue(job *store.Job) Queue {
	if job == nil || job.Kind == store.TrialJob { // a trial needs the channels, which the sender has
		return d.Touches
	}
	if q, has := d.Others[job.Kind]; has {
		return q
	}
	return d.Jobs
}

// entry moves the due key of one entry and returns its body for the queue, ""
// for what is not to be queued.
func (d *Dispatcher) entry(ctx context.Context, entry store.Due, now time.Time) (string, error) {
	switch {
	case entry.Job != nil:
		return d.job(ctx, entry, now)
	case entry.Touch.State == dental.Claimed:
		settler := &Settler{Store: d.Store, Catalogue: d.Catalogue, Clock: func() time.Time { return now }}
		return "", settler.lapse(ctx, RefOf(*entry.Touch))
	}
	return d.touch(ctx, entry, now)
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
	if j.Adds() {
		j.Wake = now.Add(store.TallyAgain)
	}
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
