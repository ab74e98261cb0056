// Package work does the jobs that outlive a request: the rest of an erasure,
// and the rest of what one event changed. A job has a due key, so it comes
// back until it is done, and each run may be the second one.
package work

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Worker does jobs.
type Worker struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Clock     func() time.Time
	Log       *slog.Logger
}

// steps bounds the writes of one run; what is left comes back with the due key.
const steps = 200

// settleLimit is how many touches and tasks one step of a settle job writes.
const settleLimit = 20

// Handle does the job that a queue's message names. An error asks for it again.
func (w *Worker) Handle(ctx context.Context, body string) error {
	var it struct{ Job *struct{ Clinic, ID string } }
	if err := json.Unmarshal([]byte(body), &it); err != nil || it.Job == nil {
		return dental.Errorf(dental.Invalid, "", "work: %.80q names no job", body)
	}
	for range steps {
		done := false
		err := store.Retry(ctx, func(ctx context.Context) (err error) {
			done, err = w.step(ctx, it.Job.Clinic, it.Job.ID)
			return err
		})
		if err != nil {
			return fmt.Errorf("work: job %s of %s: %w", it.Job.ID, it.Job.Clinic, err)
		}
		if done || ctx.Err() != nil {
			break
		}
	}
	return nil
}

// step does one write of a job and reports whether the job is done.
func (w *Worker) step(ctx context.Context, clinic, id string) (done bool, err error) {
	tx := w.Store.Begin()
	job, err := tx.Job(ctx, clinic, id)
	if err != nil || job.ID == "" || !job.Done.IsZero() {
		return true, err
	}
	card, err := tx.Card(ctx, clinic, job.Patient)
	if err != nil {
		return false, err
	}
	left := false
	switch job.Kind {
	case store.EraseJob:
		left = tx.Erase(card)
	case store.SettleJob:
		cl, err := tx.Clinic(ctx, clinic)
		if err != nil {
			return false, err
		}
		course := journey.Course{Tx: tx, Catalogue: w.Catalogue, Clinic: cl, Card: card, Now: w.Clock()}
		course.Settle(journey.Options{Limit: settleLimit, Awaken: true})
	default:
		return false, dental.Errorf(dental.Invalid, "", "there is no job of kind %q", job.Kind)
	}
	if !left {
		job.Done = w.Clock()
		tx.Put(job)
	}
	return !left, tx.Commit(ctx)
}
