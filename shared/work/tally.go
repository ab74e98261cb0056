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
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	left, err := w.bringTallies(ctx, tx, cl, job.Patient)
	if err != nil {
		return false, err
	}
	if !left {
		job.Done = w.Clock()
		tx.Put(job)
	}
	return !left, tx.Commit(ctx)
}

// bringTallies puts what of a patient's tallies differs from the card, as many
// as fit beside a job, and reports whether any is left.
func (w *Worker) bringTallies(ctx context.Context, tx *store.Tx, cl *dental.Clinic, patient string) (left bool, err error) {
	card, err := tx.Card(ctx, cl.ID, patient)
	if err != nil {
		return false, err
	}
	tallied, err := tx.Tallied(ctx, cl.ID, patient)
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
	changed := false
	for _, name := range slices.Sorted(maps.Keys(days)) {
		sums, hash := wanted[days[name]], ""
		if len(sums) > 0 {
			hash = sums.Hash()
		}
		if hash == tallied.Days[name] {
			continue
		}
		if tx.Size() > table.MaxWrite-4 { // a tally, its total's job, the list of days, the caller's job
			left = true
			break
		}
		changed = true
		t := store.Tally{Clinic: cl.ID, Day: days[name], Patient: patient, Sums: sums}
		if hash == "" {
			tx.Remove(t)
			delete(tallied.Days, name)
		} else {
			tx.Put(t)
			tallied.Days[name] = hash
		}
		tx.Put(store.Job{Clinic: cl.ID, ID: "total." + name, Kind: store.TotalJob, Day: days[name], Wake: w.addUp(cl, days[name]), Made: w.Clock()})
	}
	switch {
	case changed && len(tallied.Days) == 0:
		tx.Remove(tallied)
	case changed:
		tx.Put(tallied)
	}
	return left, nil
}

// addUp is when a day's changed tallies are added up: at the next minute, so that
// those of many patients are added up once. What a visit changes is for the most
// part days on which something will lapse unless the patient comes again, so a
// day that lies ahead waits for the night, and for that before a forecast looks at it.
func (w *Worker) addUp(cl *dental.Clinic, day dental.Date) time.Time {
	now := w.Clock()
	today := cl.Today(now)
	if !day.After(today) {
		return now.Truncate(time.Minute).Add(time.Minute)
	}
	first := day.AddDays(-measure.Foreseen - 1)
	if !first.After(today) {
		first = today.AddDays(1)
	}
	return first.At(night, cl.Location())
}

// night is when a clinic's coming days are added up: 03:10.
const night = 3*60 + 10

// addUpMonth is when the days of a changed day's month are: nobody asks for a
// month before it is over by two days.
func (w *Worker) addUpMonth(cl *dental.Clinic, day dental.Date) time.Time {
	now := w.Clock()
	if over := (dental.Date{Year: day.Year, Month: day.Month, Day: 1}).AddMonths(1); !cl.Today(now).After(over) {
		return over.At(night, cl.Location())
	}
	return now.Truncate(time.Minute).Add(time.Minute)
}

// total adds a day's tallies up and leaves the month to another job; or it adds
// up a month's days, and its year's months. What it will write it reads before
// what it adds up: who changes a part in between has written the job anew, and
// then nothing is written here.
func (w *Worker) total(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	if job.Step == ofMonth {
		err = w.totalMonth(ctx, tx, job.Clinic, job.Day)
	} else {
		err = w.totalDay(ctx, tx, job)
	}
	if err != nil {
		return false, err
	}
	job.Done = w.Clock()
	tx.Put(job)
	return true, tx.Commit(ctx)
}

// ofMonth is the Step of a TotalJob about the month of its day.
const ofMonth = "month"

func (w *Worker) totalDay(ctx context.Context, tx *store.Tx, job store.Job) error {
	clinic, day := job.Clinic, job.Day
	cl, err := tx.Clinic(ctx, clinic)
	if err != nil {
		return err
	}
	was, err := tx.Totals(ctx, clinic, day.String())
	if err != nil {
		return err
	}
	tallies, err := w.Store.Tallies(ctx, clinic, day)
	if err != nil {
		return err
	}
	sum := measure.Sums{}
	for _, t := range tallies {
		sum.Plus(t.Sums)
	}
	if w.putTotal(tx, was[0], sum) {
		tx.Put(store.Job{Clinic: clinic, ID: "total." + day.String()[:7], Kind: store.TotalJob, Step: ofMonth, Day: day,
			Wake: w.addUpMonth(cl, day), Made: w.Clock()})
	}
	return nil
}

func (w *Worker) totalMonth(ctx context.Context, tx *store.Tx, clinic string, day dental.Date) error {
	month, year := day.String()[:7], day.String()[:4]
	was, err := tx.Totals(ctx, clinic, month, year)
	if err != nil {
		return err
	}
	var parts []string
	first := dental.Date{Year: day.Year, Month: day.Month, Day: 1}
	for d := first; d.Month == first.Month; d = d.AddDays(1) {
		parts = append(parts, d.String())
	}
	days := len(parts)
	for m := time.January; m <= time.December; m++ {
		if m != day.Month {
			parts = append(parts, dental.Date{Year: day.Year, Month: m, Day: 1}.String()[:7])
		}
	}
	totals, err := tx.Totals(ctx, clinic, parts...)
	if err != nil {
		return err
	}
	sum := measure.Sums{}
	for _, t := range totals[:days] {
		sum.Plus(t.Sums)
	}
	if !w.putTotal(tx, was[0], sum) {
		return nil // and the year is as it was
	}
	sum = maps.Clone(sum)
	for _, t := range totals[days:] {
		sum.Plus(t.Sums)
	}
	w.putTotal(tx, was[1], sum)
	return nil
}

// putTotal writes a total if it has changed.
func (w *Worker) putTotal(tx *store.Tx, t store.Total, sum measure.Sums) (changed bool) {
	if maps.Equal(t.Sums, sum) {
		return false
	}
	t.Sums, t.At = sum, w.Clock()
	tx.Put(t)
	return true
}

// addedUp is how often a baseline looks whether all has been added up that was
// told before, and baselineBy when it is frozen all the same, after it was asked for.
const (
	addedUp    = 10 * time.Minute
	baselineBy = 24 * time.Hour
)

// baseline freezes the year before the clinic's first scenario was switched on,
// once, when nothing waits to be added up. History that is told later leaves it
// as it is: it says what was known.
func (w *Worker) baseline(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	stands, err := tx.Totals(ctx, job.Clinic, store.Baseline)
	if err != nil {
		return false, err
	}
	if stands[0].At.IsZero() && !cl.StartedAt.IsZero() {
		if now := w.Clock(); now.Before(job.Made.Add(baselineBy)) {
			adding, err := w.adding(ctx, job.Clinic, now)
			if err != nil {
				return false, err
			}
			if adding {
				job.Wake = now.Add(addedUp)
				tx.Put(job)
				return true, tx.Commit(ctx)
			}
		}
		span := measure.YearTo(cl.Today(cl.StartedAt).AddDays(-1))
		today := cl.Today(w.Clock())
		year, err := w.added(ctx, job.Clinic, span, today)
		if err != nil {
			return false, err
		}
		years, err := w.Store.Years(ctx, job.Clinic)
		if err != nil {
			return false, err
		}
		all := span // a month is part of no year before it is over, so there may be none
		if len(years) > 0 {
			first, err := dental.ParseDate(years[0].Period + "-01-01")
			if err != nil {
				return false, dental.Errorf(dental.Invalid, "period", "a year of the totals is called %q", years[0].Period)
			}
			if first.Before(all.From) {
				all.From = first
			}
		}
		ever, err := w.added(ctx, job.Clinic, all, today)
		if err != nil {
			return false, err
		}
		tx.Put(store.Total{Clinic: job.Clinic, Period: store.Baseline, Sums: measure.Freeze(year, ever), At: cl.StartedAt})
	}
	job.Done = w.Clock()
	tx.Put(job)
	return true, tx.Commit(ctx)
}

// pagesOfDue bounds how far one look goes into a shard of what is due: who finds
// more is in the middle of somebody's import, and looks again.
const pagesOfDue = 10

// adding reports whether tallies or totals of a clinic are due, or queued and not done.
func (w *Worker) adding(ctx context.Context, clinic string, now time.Time) (bool, error) {
	for shard := range store.Shards {
		cursor := ""
		for page := 0; ; page++ {
			due, next, err := w.Store.Due(ctx, shard, now.Add(store.TallyAgain), table.MaxLimit, cursor)
			if err != nil {
				return false, err
			}
			for _, d := range due {
				if j := d.Job; j != nil && j.Clinic == clinic && j.Adds() && (j.Tries > 0 || !j.Wake.After(now.Add(time.Minute))) {
					return true, nil
				}
			}
			if cursor = next; cursor == "" {
				break
			}
			if page == pagesOfDue {
				return true, nil
			}
		}
	}
	return false, nil
}

// added is the sum of a span's totals.
func (w *Worker) added(ctx context.Context, clinic string, span measure.Span, today dental.Date) (measure.Sums, error) {
	totals, err := w.Store.Begin().Totals(ctx, clinic, span.Periods(today)...)
	if err != nil {
		return nil, err
	}
	out := measure.Sums{}
	for _, t := range totals {
		out.Plus(t.Sums)
	}
	return out, nil
}
