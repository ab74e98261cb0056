package work

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/nomenclature"
	"github.com/returnpoint/returnpoint/shared/store"
)

const (
	sortedAStep    = 100 // patients
	resortedAtOnce = 12  // nouns of a card in one write, beside its head and its milestones
	unsortedAPage  = 50
	mostUnsorted   = 800 // different ones, so that they stay on one item while they are counted
	longestSaid    = 100 // letters that are kept of a name
	sortingKept    = 400 * 24 * time.Hour
)

// sorting is how far a sorting has come: the page SortRun of its results.
type sorting struct {
	dental.Sorting
	walk
	Found []dental.Unsorted `json:"found,omitempty"` // in the order in which they were met
}

// sort takes one step of bringing kinds in line with the clinic's table: it counts
// the patients, or sorts the procedures of some of them. Each card is a write of
// its own, which a second look finds done; the step's own write comes after.
func (w *Worker) sort(ctx context.Context, tx *store.Tx, job store.Job) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	var s sorting
	if err := resume(ctx, tx, job, store.SortRun, &s); err != nil {
		return false, err
	}
	if s.Run != job.Anchor {
		s = sorting{Sorting: dental.Sorting{Run: job.Anchor, At: job.Made}}
	}
	today := cl.Today(job.Made)
	counted, err := s.step(ctx, w.Store, cl, today, sortedAStep, func(patients []string) error { return w.sortSome(ctx, cl, &s, patients) })
	if err != nil {
		return false, err
	}
	s.Patients += counted
	now := w.Clock()
	job.Wake = now // a run that ends before the job comes back at once
	if s.Done = s.over(today); s.Done {
		job.Done = now
		slices.SortStableFunc(s.Found, func(a, b dental.Unsorted) int {
			return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Code, b.Code))
		})
		s.Names = len(s.Found)
		for page := range slices.Chunk(s.Found, unsortedAPage) {
			if err := keep(tx, job, store.SortRows+s.Pages, page, sortingKept); err != nil {
				return false, err
			}
			s.Pages++
		}
		if err := keep(tx, job, store.SortSum, s.Sorting, sortingKept); err != nil {
			return false, err
		}
		s = sorting{Sorting: s.Sorting, walk: walk{Counted: s.Counted}}
	}
	if err := keep(tx, job, store.SortRun, s, sortingKept); err != nil {
		return false, err
	}
	tx.Put(job)
	return s.Done, tx.Commit(ctx)
}

// sortSome sorts what is on the cards of some patients.
func (w *Worker) sortSome(ctx context.Context, cl *dental.Clinic, s *sorting, patients []string) error {
	unknown, err := each(patients, func(patient string) ([]dental.Unsorted, error) { return w.sortCard(ctx, cl, patient) })
	if err != nil {
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
			unknown, left = c.unknown, c.put >= resortedAtOnce
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
		counted := c.unknown
		for j := range v.Own.Procedures { // in whose place its pieces stand
			p := &v.Own.Procedures[j]
			changed = c.kind(p.Sorted, p.Code, p.Name, &p.Kind) || changed
		}
		c.unknown = counted
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
	if c.put >= resortedAtOnce {
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
