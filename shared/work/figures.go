package work

import (
	"context"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// patientsTallied is how many patients one step of figures looks at.
const patientsTallied = 40

// figures brings the tallies of some patients in line with their cards, and
// keeps its place: the month of their last visit, and the cursor in it. Whoever
// has nothing new costs one read.
func (w *Worker) figures(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	if job.Step == "" {
		job.Step = (dental.Date{Year: cl.Today(job.Made).Year, Month: cl.Today(job.Made).Month, Day: 1}).AddMonths(1).String()[:7]
	}
	job.Wake = w.Clock() // a run that ends before the job comes back at once
	for looked, months := 0, 0; job.Step != "" && looked < patientsTallied && months < monthsAStep; months++ {
		patients, next, err := w.Store.PatientsOf(ctx, job.Clinic, job.Step, patientsTallied-looked, job.Cursor)
		if err != nil {
			return false, err
		}
		if err := w.tallyAll(ctx, cl, patients); err != nil {
			return false, err
		}
		looked += len(patients)
		if job.Cursor = next; next == "" {
			if job.Step, err = monthBefore(job.Step); err != nil {
				return false, err
			}
		}
	}
	if done = job.Step == ""; done {
		job.Done = w.Clock()
	}
	tx.Put(job)
	return done, tx.Commit(ctx)
}

// monthBefore is the month that a walk over the base comes to next: after the
// first one in which anybody can have been, those who never were; then "".
func monthBefore(month string) (string, error) {
	if month == store.NoVisit {
		return "", nil
	}
	d, err := dental.ParseDate(month + "-01")
	if err != nil {
		return "", dental.Errorf(dental.Invalid, "step", "a walk over the base has come to the month %q", month)
	}
	if d = d.AddMonths(-1); d.Year < firstYearOfVisit {
		return store.NoVisit, nil
	}
	return d.String()[:7], nil
}

// tallyAll brings patients' tallies in line, some at once.
func (w *Worker) tallyAll(ctx context.Context, cl *dental.Clinic, patients []string) error {
	if _, err := each(patients, func(patient string) (struct{}, error) { return struct{}{}, w.tallyOf(ctx, cl, patient) }); err != nil {
		return fmt.Errorf("work: tally the base: %w", err)
	}
	return nil
}

// tallyOf brings one patient's tallies in line.
func (w *Worker) tallyOf(ctx context.Context, cl *dental.Clinic, patient string) error {
	for left := true; left; {
		err := store.Retry(ctx, func(ctx context.Context) (err error) {
			tx := w.Store.Begin()
			if left, err = w.bringTallies(ctx, tx, cl, patient); err != nil || tx.Size() == 0 {
				return err
			}
			if tx.Size() > table.MaxWrite {
				return dental.Errorf(dental.Invalid, "", "work: the tallies of a patient do not fit into a write")
			}
			return tx.Commit(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
