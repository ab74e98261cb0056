package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

const (
	monthsAStep      = 120  // whose patients are counted
	lookingAtOnce    = 4    // patients
	firstYearOfVisit = 1900 // nobody has an earlier last visit, whatever the base that was brought in
)

// walk is how far a job has come over a clinic's base. It goes from the latest
// month to the earliest: who comes to the clinic while it lasts may be moved
// behind it and be missed. Over a base that stands still it meets each patient once.
type walk struct {
	// Counted is of how many months, the latest first, the patients are counted;
	// Months are those of them in which patients had their last visit, Month the one
	// that is walked, Cursor the place in it.
	Counted int      `json:"counted,omitempty"`
	Months  []string `json:"months,omitempty"`
	Month   int      `json:"month,omitempty"`
	Cursor  string   `json:"cursor,omitempty"`
}

// over reports whether a walk that a job of today makes has come to its end.
func (k *walk) over(today dental.Date) bool {
	return k.Counted >= len(monthsOf(today)) && k.Month >= len(k.Months)
}

// step counts the patients of some months, or has some patients seen, atMost at
// once. It gives how many were counted.
func (k *walk) step(ctx context.Context, st *store.Store, cl *dental.Clinic, today dental.Date, atMost int, see func(patients []string) error) (counted int, err error) {
	if all := monthsOf(today); k.Counted < len(all) {
		some := all[k.Counted:min(k.Counted+monthsAStep, len(all))]
		for _, month := range some {
			n, err := inhabitants(ctx, st, cl.ID, month)
			if err != nil {
				return 0, err
			}
			if n > 0 {
				k.Months, counted = append(k.Months, month), counted+n
			}
		}
		k.Counted += len(some)
		return counted, nil
	}
	if k.Month >= len(k.Months) {
		return 0, nil
	}
	patients, next, err := st.PatientsOf(ctx, cl.ID, k.Months[k.Month], atMost, k.Cursor)
	if err != nil {
		return 0, err
	}
	if err := see(patients); err != nil {
		return 0, err
	}
	if k.Cursor = next; next == "" {
		k.Month++
	}
	return 0, nil
}

// monthsOf lists the months in which a last visit may lie, the latest first, and
// then that of those without any visit.
func monthsOf(today dental.Date) (months []string) {
	for d := (dental.Date{Year: today.Year, Month: today.Month, Day: 1}).AddMonths(1); d.Year >= firstYearOfVisit; d = d.AddMonths(-1) {
		months = append(months, d.String()[:7])
	}
	return append(months, store.NoVisit)
}

// inhabitants counts the patients whose last visit was in a month.
func inhabitants(ctx context.Context, st *store.Store, clinic, month string) (n int, err error) {
	for cursor := ""; ; {
		some, next, err := st.PatientsOf(ctx, clinic, month, table.MaxLimit, cursor)
		if err != nil {
			return 0, err
		}
		n += len(some)
		if cursor = next; cursor == "" {
			return n, nil
		}
	}
}

// each does something for each patient, a few at once, and answers in their order.
func each[T any](patients []string, do func(patient string) (T, error)) ([]T, error) {
	out, failed := make([]T, len(patients)), make([]error, len(patients))
	var wait sync.WaitGroup
	places := make(chan struct{}, lookingAtOnce)
	for i, patient := range patients {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			out[i], failed[i] = do(patient)
		})
	}
	wait.Wait()
	return out, errors.Join(failed...)
}

// resume reads how far a job has come from a page of its results. It leaves into
// as it is where there is none.
func resume(ctx context.Context, tx *store.Tx, job store.Job, page int, into any) error {
	stored, err := tx.Result(ctx, job.Clinic, job.ID, page)
	if err != nil || len(stored.Body) == 0 {
		return err
	}
	if err := json.Unmarshal(stored.Body, into); err != nil {
		return fmt.Errorf("work: read how far %s has come: %w", job.ID, err)
	}
	return nil
}

// keep puts a page of a job's results, which is gone after the time.
func keep(tx *store.Tx, job store.Job, page int, of any, kept time.Duration) error {
	body, err := json.Marshal(of)
	if err != nil {
		return fmt.Errorf("work: write a page of %s: %w", job.ID, err)
	}
	tx.Put(store.Result{Clinic: job.Clinic, Job: job.ID, N: page, Body: body, Until: job.Made.Add(kept)})
	return nil
}
