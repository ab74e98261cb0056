package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/audit"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

const (
	auditedAStep = 200                  // patients
	monthsAStep  = 120                  // whose patients are counted
	auditKept    = 400 * 24 * time.Hour // then its results are gone
)

// auditing is how far an audit has come: the page AuditRun of its results.
type auditing struct {
	audit.Audit
	// Counted is of how many months, the latest first, the patients are counted;
	// Months are those of them in which patients had their last visit, Month the one
	// that is walked, Cursor the place in it.
	Counted int      `json:"counted,omitempty"`
	Months  []string `json:"months,omitempty"`
	Month   int      `json:"month,omitempty"`
	Cursor  string   `json:"cursor,omitempty"`
}

// audit takes one step of an audit: it counts the patients, or reads some of
// their cards, each once. A step is one write, of the job's own items alone, so
// that one whose answer was lost is not taken twice. The walk goes from the
// latest month to the earliest: who comes to the clinic while it lasts may be
// moved behind it and be missed. Over a base that stands still each patient is
// counted once.
func (w *Worker) audit(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	stored, err := tx.Result(ctx, job.Clinic, job.ID, store.AuditRun)
	if err != nil {
		return false, err
	}
	var a auditing
	if len(stored.Body) > 0 {
		if err := json.Unmarshal(stored.Body, &a); err != nil {
			return false, fmt.Errorf("work: read how far an audit has come: %w", err)
		}
	}
	if a.Run != job.Anchor {
		a = auditing{Audit: audit.Audit{Run: job.Anchor, On: job.Day, At: job.Made}}
	}
	all := monthsSince(cl.Today(job.Made), firstYearOfVisit)
	switch {
	case a.Counted < len(all):
		some := all[a.Counted:min(a.Counted+monthsAStep, len(all))]
		months, patients, failed := w.inhabited(ctx, cl.ID, some)
		a.Months, a.Patients, a.Counted, err = append(a.Months, months...), a.Patients+patients, a.Counted+len(some), failed
	case a.Month < len(a.Months):
		err = w.countSome(ctx, cl, &a)
	}
	if err != nil {
		return false, err
	}
	keep := func(page int, of any) error {
		body, err := json.Marshal(of)
		if err != nil {
			return fmt.Errorf("work: write an audit: %w", err)
		}
		tx.Put(store.Result{Clinic: job.Clinic, Job: job.ID, N: page, Body: body, Until: job.Made.Add(auditKept)})
		return nil
	}
	now := w.Clock()
	job.Wake = now // a run that ends before the job comes back at once
	if a.Done = a.Counted >= len(all) && a.Month >= len(a.Months); a.Done {
		job.Done = now
		if err := keep(store.AuditFound, a.Audit); err != nil {
			return false, err
		}
		a = auditing{Audit: audit.Audit{Run: a.Run, On: a.On, At: a.At, Patients: a.Patients, Looked: a.Looked, Done: true}, Counted: a.Counted}
	}
	if err := keep(store.AuditRun, a); err != nil {
		return false, err
	}
	tx.Put(job)
	return a.Done, tx.Commit(ctx)
}

// countSome adds some patients of the month that the walk has come to.
func (w *Worker) countSome(ctx context.Context, cl *dental.Clinic, a *auditing) error {
	patients, next, err := w.Store.PatientsOf(ctx, cl.ID, a.Months[a.Month], auditedAStep, a.Cursor)
	if err != nil {
		return err
	}
	parts, failed := make([]audit.Part, len(patients)), make([]error, len(patients))
	var wait sync.WaitGroup
	places := make(chan struct{}, lookingAtOnce)
	for i, patient := range patients {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			card, err := w.Store.Begin().Card(ctx, cl.ID, patient)
			if failed[i] = err; err == nil {
				parts[i] = audit.Of(cl, card, a.On)
			}
		})
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	for _, p := range parts {
		a.Plus(p)
	}
	a.Looked += len(patients)
	if a.Cursor = next; next == "" {
		a.Month++
	}
	return nil
}
