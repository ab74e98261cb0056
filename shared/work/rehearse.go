package work

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Foresee says what would happen to a patient under the terms of a rehearsal,
// and writes nothing. A touch of the backlog is taken up at takenUp.
type Foresee func(ctx context.Context, cl *dental.Clinic, r dental.Rehearsal, patient string, takenUp time.Time) (dental.Forecast, error)

const (
	patientsAStep = 50                 // looked at in one step of a rehearsal
	foreseenAPage = 50                 // rows of a page of its result
	sortedAPage   = 200                // rows that are placed in one step, and the rest of a patient's
	pagesAWrite   = 16                 // of those that are sorted or removed: what a step adds has room beside them
	rehearsalKept = 3 * 24 * time.Hour // then its results are gone
	rehearsedDays = 30
)

// rehearsal is how far a rehearsal has come, and what it has found: the page
// RehearsalSum of its results.
type rehearsal struct {
	dental.Rehearsal
	walk
	// Found is how many pages of found rows there are, Sorted in how many they
	// stand by their value, and Placed how many of these have been given their
	// days. Merged: Sorted is known.
	Found, Sorted, Placed int
	Merged                bool
	// Rank is how many of the backlog have had their turn.
	Rank int
}

// rehearse takes one step of a rehearsal: it counts the base, or looks at some
// patients, or puts some of what was found in order. Each step is one write of
// the job's own items and of nothing else.
func (w *Worker) rehearse(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	if w.Foresee == nil {
		return false, dental.Errorf(dental.Invalid, "", "nobody here foresees anything")
	}
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	var r rehearsal
	if err := resume(ctx, tx, job, store.RehearsalSum, &r); err != nil {
		return false, err
	}
	switch {
	case r.At.IsZero() || r.Run != job.Anchor:
		if tx, err = w.clear(ctx, job, store.RehearsalSum); err == nil {
			r, err = w.beginRehearsal(cl, job)
		}
	case !r.over(r.From):
		var counted int
		counted, err = r.step(ctx, w.Store, cl, r.From, patientsAStep, func(patients []string) error { return w.look(ctx, tx, cl, job, &r, patients) })
		r.Patients += counted
	case !r.Merged:
		tx, err = w.merge(ctx, job, &r)
	default:
		tx, err = w.order(ctx, tx, cl, job, &r)
	}
	if err != nil {
		return false, err
	}
	now := w.Clock()
	if err := keep(tx, job, store.RehearsalSum, r, rehearsalKept); err != nil {
		return false, err
	}
	job.Wake = now // a run that ends before the job comes back at once
	if r.Done {
		job.Done = now
	}
	tx.Put(job)
	return r.Done, tx.Commit(ctx)
}

// parts changes so many pages, a write's worth at once, and each time only while
// the run is still the job's present one and goes on. The last write is left to
// the step.
func (w *Worker) parts(ctx context.Context, job store.Job, pages int, change func(tx *store.Tx, page int) error) (*store.Tx, error) {
	for first := 0; ; first += pagesAWrite {
		tx := w.Store.Begin()
		now, err := tx.Job(ctx, job.Clinic, job.ID)
		if err != nil {
			return nil, err
		}
		if now.Anchor != job.Anchor || !now.Done.IsZero() {
			return nil, fmt.Errorf("work: the rehearsal of %s was broken off: %w", job.Scenario, table.ErrConflict)
		}
		for page := first; page < min(first+pagesAWrite, pages); page++ {
			if err := change(tx, page); err != nil {
				return nil, err
			}
		}
		if first+pagesAWrite >= pages {
			return tx, nil
		}
		tx.Put(now)
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
	}
}

// clear removes the pages of the results from one on, of whichever run they are.
func (w *Worker) clear(ctx context.Context, job store.Job, from int) (*store.Tx, error) {
	pages, err := w.Store.Results(ctx, job.Clinic, job.ID)
	if err != nil {
		return nil, err
	}
	pages = slices.DeleteFunc(pages, func(p store.Result) bool { return p.N < from })
	return w.parts(ctx, job, len(pages), func(tx *store.Tx, i int) error {
		tx.Remove(pages[i])
		return nil
	})
}

// beginRehearsal is a rehearsal of which nothing is known yet.
func (w *Worker) beginRehearsal(cl *dental.Clinic, job store.Job) (rehearsal, error) {
	today := cl.Today(job.Made)
	r := rehearsal{Rehearsal: dental.Rehearsal{Scenario: job.Scenario, Run: job.Anchor, From: today, To: today.AddDays(rehearsedDays - 1), At: job.Made,
		Days: map[string]dental.RehearsedDay{}, Channels: map[dental.Channel]int{}, Reasons: map[string]int{}}}
	if _, err := fmt.Sscanf(job.Step, "%d", &r.Backlog); err != nil {
		return r, dental.Errorf(dental.Invalid, "step", "a rehearsal's %q is no number of a backlog", job.Step)
	}
	if sc := w.Catalogue.Find(job.Scenario); sc != nil && cl.Scenario(job.Scenario).Release != dental.ReleaseAuto {
		for _, st := range sc.Steps {
			r.Held = r.Held || st.Class == dental.Advertising && st.Task == ""
		}
	}
	return r, nil
}

// look looks at some patients.
func (w *Worker) look(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job, r *rehearsal, patients []string) error {
	forecasts, err := each(patients, func(patient string) (dental.Forecast, error) { return w.Foresee(ctx, cl, r.Rehearsal, patient, r.At) })
	if err != nil {
		return err
	}
	var found []dental.Foreseen
	for _, f := range forecasts {
		if len(f.Foreseen) == 0 {
			r.Reasons[f.Reason]++
		}
		for _, row := range f.Foreseen {
			found = append(found, row.Unsaid())
		}
	}
	r.Looked += len(patients)
	r.Rows += len(found)
	if len(found) > 0 {
		if err := keep(tx, job, store.RehearsalFound+r.Found, found, rehearsalKept); err != nil {
			return err
		}
		r.Found++
	}
	return nil
}

// merge puts what was found in the order of what is at stake, a patient's
// together and on one page.
func (w *Worker) merge(ctx context.Context, job store.Job, r *rehearsal) (*store.Tx, error) {
	rows, err := w.found(ctx, job)
	if err != nil {
		return nil, err
	}
	var pages [][]dental.Foreseen
	for len(rows) > 0 {
		n := min(sortedAPage, len(rows))
		for n < len(rows) && rows[n].Patient == rows[n-1].Patient {
			n++
		}
		pages, rows = append(pages, rows[:n]), rows[n:]
	}
	r.Merged, r.Sorted, r.Rows = true, len(pages), 0
	return w.parts(ctx, job, len(pages), func(tx *store.Tx, i int) error {
		return keep(tx, job, store.RehearsalSorted+i, pages[i], rehearsalKept)
	})
}

// order takes the next page of those that are sorted, and gives those of the
// backlog their days: so many a day, the highest value first. Who is gone
// meanwhile is passed over.
func (w *Worker) order(ctx context.Context, tx *store.Tx, cl *dental.Clinic, job store.Job, r *rehearsal) (*store.Tx, error) {
	page, err := tx.Result(ctx, job.Clinic, job.ID, store.RehearsalSorted+r.Placed)
	if err != nil {
		return nil, err
	}
	rows, err := foreseen(page)
	if err != nil {
		return nil, err
	}
	gone, err := w.gone(ctx, cl, rows)
	if err != nil {
		return nil, err
	}
	var kept []dental.Foreseen
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Patient == rows[0].Patient {
			n++
		}
		var of []dental.Foreseen
		reason := gone[rows[0].Patient]
		if reason == "" {
			if of, reason, err = w.place(ctx, cl, r, rows[:n]); err != nil {
				return nil, err
			}
		}
		switch {
		case len(of) > 0:
			r.Reached++
		case reason == "":
			r.Waiting++
		default:
			r.Reasons[reason]++
		}
		kept, rows = append(kept, of...), rows[n:]
	}
	r.Placed++
	if r.Done = r.Placed >= r.Sorted; r.Done {
		if tx, err = w.clear(ctx, job, store.RehearsalFound); err != nil {
			return nil, err
		}
	}
	for page := range slices.Chunk(kept, foreseenAPage) {
		if err := keep(tx, job, store.RehearsalRows+r.Pages, page, rehearsalKept); err != nil {
			return nil, err
		}
		r.Pages++
	}
	for _, row := range kept {
		r.add(cl, row)
	}
	return tx, nil
}

// gone says of the patients of some rows who is gone, and why.
func (w *Worker) gone(ctx context.Context, cl *dental.Clinic, rows []dental.Foreseen) (map[string]string, error) {
	out := map[string]string{}
	var members []dental.Member
	for _, row := range rows {
		if _, known := out[row.Patient]; !known {
			out[row.Patient] = ""
			members = append(members, dental.Member{Clinic: cl.ID, Patient: row.Patient})
		}
	}
	heads, err := w.Store.Begin().Heads(ctx, members...)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		out[m.Patient], _ = heads[i].Gone()
	}
	return out, nil
}

// place gives one patient's rows their days, and leaves out what does not come
// within those looked at: reason says why nothing is left, "" of a turn that comes later.
func (w *Worker) place(ctx context.Context, cl *dental.Clinic, r *rehearsal, rows []dental.Foreseen) (kept []dental.Foreseen, reason string, err error) {
	for _, row := range rows {
		if !row.Backlog {
			kept = append(kept, row)
			continue
		}
		day := r.From.AddDays(r.Rank / max(r.Backlog, 1))
		r.Rank++
		if day.After(r.LastOn) {
			r.LastOn = day
		}
		switch {
		case day.After(r.To):
			continue
		case day == r.From:
			kept = append(kept, row)
			continue
		}
		f, err := w.Foresee(ctx, cl, r.Rehearsal, row.Patient, cl.Morning(day))
		if err != nil {
			return nil, "", err
		}
		i := slices.IndexFunc(f.Foreseen, func(x dental.Foreseen) bool { return x.Backlog && x.Step == row.Step && x.Anchor == row.Anchor })
		if i < 0 {
			reason = cmp.Or(f.Reason, "not-yet")
			continue
		}
		kept = append(kept, f.Foreseen[i].Unsaid())
	}
	return kept, reason, nil
}

// add counts one row.
func (r *rehearsal) add(cl *dental.Clinic, row dental.Foreseen) {
	r.Rows++
	name := cl.Today(row.At).String()
	day := r.Days[name]
	if row.Task != "" {
		r.Tasks++
		day.Tasks++
	} else {
		r.Messages++
		day.Messages++
		r.Parts += row.Parts
		day.Parts += row.Parts
		r.Channels[row.Channel]++
		r.Cost.Minor += row.Price.Minor
		r.Cost.Currency = cmp.Or(r.Cost.Currency, row.Price.Currency)
	}
	r.Days[name] = day
}

// found reads all that was found, the highest value first, a patient's together.
func (w *Worker) found(ctx context.Context, job store.Job) ([]dental.Foreseen, error) {
	pages, err := w.Store.Results(ctx, job.Clinic, job.ID)
	if err != nil {
		return nil, err
	}
	var out []dental.Foreseen
	for _, p := range pages {
		if p.N < store.RehearsalFound || p.N >= store.RehearsalSorted {
			continue
		}
		rows, err := foreseen(p)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	slices.SortStableFunc(out, func(a, b dental.Foreseen) int {
		return cmp.Or(cmp.Compare(b.Value.Minor, a.Value.Minor), strings.Compare(a.Patient, b.Patient), a.At.Compare(b.At))
	})
	return out, nil
}

// foreseen reads the rows of a page; one that is not there has none.
func foreseen(p store.Result) (rows []dental.Foreseen, err error) {
	if len(p.Body) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(p.Body, &rows); err != nil {
		return nil, fmt.Errorf("work: read page %d of a rehearsal: %w", p.N, err)
	}
	return rows, nil
}

// unrehearse takes an erased patient out of what rehearsals have found, a page
// a step, and reports whether it put any. A rehearsal that is under way, and may
// have read the page before, does its step again.
func (w *Worker) unrehearse(ctx context.Context, tx *store.Tx, card *dental.Card) (put bool, err error) {
	erased := card.Patient
	for _, name := range w.Catalogue.Names() {
		job, err := tx.Job(ctx, erased.Clinic, store.RehearsalID(name))
		if err != nil {
			return false, err
		}
		pages, err := w.Store.Results(ctx, erased.Clinic, store.RehearsalID(name))
		if err != nil {
			return false, err
		}
		for _, p := range pages {
			if p.N == store.RehearsalSum {
				continue
			}
			rows, err := foreseen(p)
			if err != nil {
				return false, err
			}
			left := slices.DeleteFunc(slices.Clone(rows), func(f dental.Foreseen) bool { return f.Patient == erased.ID })
			if len(left) == len(rows) {
				continue
			}
			if p.Body, err = json.Marshal(left); err != nil {
				return false, fmt.Errorf("work: write a page of a rehearsal: %w", err)
			}
			tx.Put(p)
			if job.ID != "" && job.Done.IsZero() {
				tx.Put(job)
			}
			return true, nil
		}
	}
	return false, nil
}
