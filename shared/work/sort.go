package work

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/nomenclature"
	"github.com/returnpoint/returnpoint/shared/store"
)

const (
	sortedAStep   = 100 // patients
	resortedAtOne = 12  // nouns of a card in one write, beside its head and its milestones
	unsortedAPage = 50
	mostUnsorted  = 800 // different ones, so that they stay on one item while they are counted
	longestSaid   = 100 // letters that are kept of a name
	sortingKept   = 400 * 24 * time.Hour
)

// sorting is how far a sorting has come: the page SortRun of its results.
type sorting struct {
	dental.Sorting
	Counted int               `json:"counted,omitempty"` // of how many months
	Months  []string          `json:"months,omitempty"`
	Month   int               `json:"month,omitempty"`
	Cursor  string            `json:"cursor,omitempty"`
	Found   []dental.Unsorted `json:"found,omitempty"` // in the order in which they were met
}

// sort takes one step of bringing kinds in line with the clinic's table: it counts
// the patients, or sorts the procedures of some of them. Each card is a write of
// its own, which a second look finds done; the step's own write comes after.
func (w *Worker) sort(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	stored, err := tx.Result(ctx, job.Clinic, job.ID, store.SortRun)
	if err != nil {
		return false, err
	}
	var s sorting
	if len(stored.Body) > 0 {
		if err := json.Unmarshal(stored.Body, &s); err != nil {
			return false, fmt.Errorf("work: read how far a sorting has come: %w", err)
		}
	}
	if s.Run != job.Anchor {
		s = sorting{Sorting: dental.Sorting{Run: job.Anchor, At: job.Made}}
	}
	all := monthsSince(cl.Today(job.Made), firstYearOfVisit)
	switch {
	case s.Counted < len(all):
		some := all[s.Counted:min(s.Counted+monthsAStep, len(all))]
		months, patients, failed := w.inhabited(ctx, cl.ID, some)
		s.Months, s.Patients, s.Counted, err = append(s.Months, months...), s.Patients+patients, s.Counted+len(some), failed
	case s.Month < len(s.Months):
		err = w.sortSome(ctx, cl, &s)
	}
	if err != nil {
		return false, err
	}
	keep := func(page int, of any) error {
		body, err := json.Marshal(of)
		if err != nil {
			return fmt.Errorf("work: write a sorting: %w", err)
		}
		tx.Put(store.Result{Clinic: job.Clinic, Job: job.ID, N: page, Body: body, Until: job.Made.Add(sortingKept)})
		return nil
	}
	now := w.Clock()
	job.Wake = now // a run that ends before the job comes back at once
	if s.Done = s.Counted >= len(all) && s.Month >= len(s.Months); s.Done {
		job.Done = now
		slices.SortStableFunc(s.Found, func(a, b dental.Unsorted) int {
			return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Code, b.Code))
		})
		s.Names = len(s.Found)
		for page := range slices.Chunk(s.Found, unsortedAPage) {
			if err := keep(store.SortRows+s.Pages, page); err != nil {
				return false, err
			}
			s.Pages++
		}
		if err := keep(store.SortSum, s.Sorting); err != nil {
			return false, err
		}
		s = sorting{Sorting: s.Sorting, Counted: s.Counted}
	}
	if err := keep(store.SortRun, s); err != nil {
		return false, err
	}
	tx.Put(job)
	return s.Done, tx.Commit(ctx)
}

// sortSome sorts what is on the cards of some patients of the month that the walk
// has come to.
func (w *Worker) sortSome(ctx context.Context, cl *dental.Clinic, s *sorting) error {
	patients, next, err := w.Store.PatientsOf(ctx, cl.ID, s.Months[s.Month], sortedAStep, s.Cursor)
	if err != nil {
		return err
	}
	unknown, failed := make([][]dental.Unsorted, len(patients)), make([]error, len(patients))
	var wait sync.WaitGroup
	places := make(chan struct{}, lookingAtOnce)
	for i, patient := range patients {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			unknown[i], failed[i] = w.sortCard(ctx, cl, patient)
		})
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	at := map[string]int{}
	for i, u := range s.Found {
		at[u.Code+"\x00"+strings.ToLower(u.Name)] = i
	}
	for _, u := range slices.Concat(unknown...) {
		s.Unknown += u.N
		key := u.Code + "\x00" + strings.ToLower(u.Name)
		if i, met := at[key]; met {
			s.Found[i].N += u.N
		} else if len(s.Found) < mostUnsorted {
			at[key] = len(s.Found)
			s.Found = append(s.Found, u)
		}
	}
	s.Looked += len(patients)
	if s.Cursor = next; next == "" {
		s.Month++
	}
	return nil
}

// sortCard brings one card in line with the table, in as many writes as it takes,
// and lists what is on it that the table does not know.
func (w *Worker) sortCard(ctx context.Context, cl *dental.Clinic, patient string) (unknown []dental.Unsorted, err error) {
	for left := true; left; {
		err := store.Retry(ctx, func(ctx context.Context) error {
			tx := w.Store.Begin()
			card, err := tx.Card(ctx, cl.ID, patient)
			if err != nil {
				return err
			}
			c := &resorting{rules: cl.Kinds, tx: tx}
			if !card.Patient.Erased {
				c.card(card)
			}
			unknown, left = c.unknown, c.put >= resortedAtOne
			if c.put == 0 {
				return nil
			}
			journey.Course{Tx: tx, Catalogue: w.Catalogue, Clinic: cl, Card: card, Now: w.Clock()}.Dates()
			card.Patient.Changes++
			tx.Put(card.Patient)
			return tx.Commit(ctx)
		})
		if err != nil {
			return nil, fmt.Errorf("work: sort the procedures of a card: %w", err)
		}
	}
	return unknown, nil
}

// resorting sorts one card's procedures anew.
type resorting struct {
	rules   []dental.KindRule
	tx      *store.Tx
	put     int
	unknown []dental.Unsorted
}

// card sorts what the clinic's table has sorted before, and puts the nouns of
// which anything became another kind, until they fill a write.
func (c *resorting) card(card *dental.Card) {
	for i := range card.Visits {
		v := &card.Visits[i]
		changed := c.service(&v.NextStep)
		for j := range v.Procedures {
			p := &v.Procedures[j]
			changed = c.kind(p.Sorted, p.Code, p.Name, &p.Kind) || changed
		}
		if changed && c.room() {
			c.tx.Put(*v)
		}
	}
	for i := range card.Pieces {
		// What is not known is counted with its visit.
		p, counted := &card.Pieces[i], c.unknown
		if c.kind(p.Procedure.Sorted, p.Procedure.Code, p.Procedure.Name, &p.Procedure.Kind) && c.room() {
			c.tx.Put(*p)
		}
		c.unknown = counted
	}
	for i := range card.Appointments {
		a, changed := &card.Appointments[i], false
		for j := range a.Services {
			changed = c.service(&a.Services[j]) || changed
		}
		if changed && c.room() {
			c.tx.Put(*a)
		}
	}
	for i := range card.Plans {
		p, changed := &card.Plans[i], false
		for j := range p.Stages {
			s := &p.Stages[j]
			changed = c.kind(s.Sorted, s.Code, s.Name, &s.Kind) || changed
		}
		if changed && c.room() {
			c.tx.Put(*p)
		}
	}
}

// room reports whether one more noun goes into the write.
func (c *resorting) room() bool {
	if c.put >= resortedAtOne {
		return false
	}
	c.put++
	return true
}

func (c *resorting) service(s *dental.ServiceType) bool {
	return c.kind(s.Sorted, s.Code, s.Name, &s.Kind)
}

// kind sorts one procedure, and reports whether it is of another kind now.
func (c *resorting) kind(sorted bool, code, name string, kind *dental.ProcedureKind) (changed bool) {
	if !sorted {
		return false
	}
	is, known := nomenclature.Sort(c.rules, code, name)
	if !known {
		if utf8.RuneCountInString(name) > longestSaid {
			name = string([]rune(name)[:longestSaid])
		}
		c.unknown = append(c.unknown, dental.Unsorted{Code: code, Name: name, N: 1})
	}
	changed = *kind != is
	*kind = is
	return changed
}
