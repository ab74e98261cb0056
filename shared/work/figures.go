package work

import (
	"context"
	"fmt"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// patientsTallied is how many patients one step of figures looks at.
const patientsTallied = 40

// figures brings the tallies of some patients in line with their cards. Whoever
// has nothing new costs one read. It keeps its place in the job: the month of
// their last visit, and the cursor in it. It takes no walk, which counts the base
// first, as nobody waits to hear of how many it is, and whose place is kept
// beside the job: whoever puts the job anew, as each step of an import does, has
// it begin anew in the same write.
func (w *Worker) figures(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	months := monthsOf(cl.Today(job.Made))
	at := slices.Index(months, job.Step)
	if at < 0 { // it begins
		at, job.Cursor = 0, ""
	}
	for looked, pages := 0, 0; at < len(months) && looked < patientsTallied && pages < monthsAStep; pages++ {
		patients, next, err := w.Store.PatientsOf(ctx, job.Clinic, months[at], patientsTallied-looked, job.Cursor)
		if err != nil {
			return false, err
		}
		if err := w.tallyAll(ctx, cl, patients); err != nil {
			return false, err
		}
		looked += len(patients)
		if job.Cursor = next; next == "" {
			at++
		}
	}
	job.Wake = w.Clock() // a run that ends before the job comes back at once
	if done = at == len(months); done {
		job.Done = job.Wake
	} else {
		job.Step = months[at]
	}
	tx.Put(job)
	return done, tx.Commit(ctx)
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
