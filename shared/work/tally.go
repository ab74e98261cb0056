package work

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// tally brings what a patient adds to each day's figures in line with the card,
// a write's worth of days at a time, and leaves the days' totals to jobs.
func (w *Worker) tally(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	card, err := tx.Card(ctx, job.Clinic, job.Patient)
	if err != nil {
		return false, err
	}
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	tallied, err := tx.Tallied(ctx, job.Clinic, job.Patient)
	if err != nil {
		return false, err
	}
	if tallied.Days == nil {
		tallied.Days = map[string]string{}
	}
	wanted, days := measure.Tallies(cl, card), map[string]dental.Date{}
	for day := range wanted {
		days[day.String()] = day
	}
	for name := range tallied.Days {
		if days[name], err = dental.ParseDate(name); err != nil {
			return false, dental.Errorf(dental.Invalid, "day", "the tallies of a patient name the day %q", name)
		}
	}
	left, changed := false, false
	for _, name := range slices.Sorted(maps.Keys(days)) {
		sums, hash := wanted[days[name]], ""
		if len(sums) > 0 {
			hash = sums.Hash()
		}
		if hash == tallied.Days[name] {
			continue
		}
		if tx.Size() > table.MaxWrite-4 { // a tally, its total's job, the list of days, this job
			left = true
			break
		}
		changed = true
		t := store.Tally{Clinic: job.Clinic, Day: days[name], Patient: job.Patient, Sums: sums}
		if hash == "" {
			tx.Remove(t)
			delete(tallied.Days, name)
		} else {
			tx.Put(t)
			tallied.Days[name] = hash
		}
		tx.Put(store.Job{Clinic: job.Clinic, ID: "total." + name, Kind: store.TotalJob, Day: days[name],
			Wake: w.Clock().Truncate(time.Minute).Add(time.Minute), Made: w.Clock()})
	}
	switch {
	case changed && len(tallied.Days) == 0:
		tx.Remove(tallied)
	case changed:
		tx.Put(tallied)
	}
	if !left {
		job.Done = w.Clock()
		tx.Put(job)
	}
	return !left, tx.Commit(ctx)
}

// total adds a day's tallies up, and the days of its month.
func (w *Worker) total(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	tallies, err := w.Store.Tallies(ctx, job.Clinic, job.Day)
	if err != nil {
		return false, err
	}
	first := dental.Date{Year: job.Day.Year, Month: job.Day.Month, Day: 1}
	periods := []string{first.String()[:7]}
	for d := first; d.Month == first.Month; d = d.AddDays(1) {
		periods = append(periods, d.String())
	}
	totals, err := tx.Totals(ctx, job.Clinic, periods...)
	if err != nil {
		return false, err
	}
	month, sum := measure.Sums{}, measure.Sums{}
	for _, t := range tallies {
		sum.Plus(t.Sums)
	}
	for i, t := range totals[1:] {
		if t.Period == job.Day.String() {
			totals[1+i].Sums, totals[1+i].At = sum, w.Clock()
			tx.Put(totals[1+i])
			t.Sums = sum
		}
		month.Plus(t.Sums)
	}
	totals[0].Sums, totals[0].At = month, w.Clock()
	tx.Put(totals[0])
	job.Done = w.Clock()
	tx.Put(job)
	return true, tx.Commit(ctx)
}
