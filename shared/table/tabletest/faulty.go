package tabletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/returnpoint/returnpoint/shared/table"
)

var _ table.Table = (*Faulty)(nil)

// Fault is something that goes wrong between a caller and a table.
type Fault string

// The faults. Those of a Write answer with the error a real engine gives then;
// a failed read has an error of no kind.
const (
	// LostBefore answers ErrAmbiguous; the write never happens.
	LostBefore Fault = "write lost on the way there"
	// LostAfter answers ErrAmbiguous although the write was done or refused.
	LostAfter Fault = "answer lost on the way back"
	// LostLate answers ErrAmbiguous; the write arrives a few calls later, when
	// its conditions may or may not hold.
	LostLate Fault = "write delayed"
	// Contended answers ErrContention; the write never happens.
	Contended Fault = "contention"
	// FailedRead fails a Get or a Query.
	FailedRead Fault = "read failed"
	// StaleIndex answers the first page of a query on GSI1 or GSI2 from what
	// the last truthful one of the same partition returned.
	StaleIndex Fault = "index stale"
)

var (
	writeFaults = []Fault{LostBefore, LostAfter, LostLate, Contended}
	getFaults   = []Fault{FailedRead}
	indexFaults = []Fault{FailedRead, StaleIndex}
)

// Plan says how often what goes wrong. The same plan over the same calls, made
// one at a time, always does the same.
type Plan struct {
	Seed uint64
	// Chance of each fault in one call that it can befall, 0 to 1.
	Chance map[Fault]float64
}

// Faulty is a table with faults in front of it.
type Faulty struct {
	inner table.Table

	mu       sync.Mutex
	chance   map[Fault]float64
	rand     *rand.Rand
	happened map[Fault]int
	late     []lateWrite
	seen     map[partition][]table.Item
}

type lateWrite struct {
	calls int // to go until it arrives
	ops   []table.Op
}

type partition struct {
	index table.Index
	pk    string
}

// NewFaulty puts the faults of the plan in front of a table.
func NewFaulty(inner table.Table, plan Plan) *Faulty {
	return &Faulty{
		inner:    inner,
		chance:   maps.Clone(plan.Chance),
		rand:     rand.New(rand.NewPCG(plan.Seed, 0)),
		happened: map[Fault]int{},
		seen:     map[partition][]table.Item{},
	}
}

// Happened counts the faults so far. A test that leans on one asserts that it
// happened.
func (f *Faulty) Happened() map[Fault]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.happened)
}

// Heal lets the delayed writes arrive and ends all faults.
func (f *Faulty) Heal() {
	f.mu.Lock()
	late := f.late
	f.late, f.chance = nil, nil
	f.mu.Unlock()
	for _, w := range late {
		f.arrive(w)
	}
}

// Get implements table.Table.
func (f *Faulty) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if f.next(getFaults) == FailedRead {
		return nil, fmt.Errorf("faulty table: get: %w", errRead)
	}
	items, err := f.inner.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("faulty table: get: %w", err)
	}
	return items, nil
}

// Query implements table.Table.
func (f *Faulty) Query(ctx context.Context, q table.Query) (table.Page, error) {
	possible := getFaults
	if q.Index != table.Main && q.Cursor == "" {
		possible = indexFaults
	}
	switch f.next(possible) {
	case FailedRead:
		return table.Page{}, fmt.Errorf("faulty table: query: %w", errRead)
	case StaleIndex:
		return f.stale(q), nil
	}
	page, err := f.inner.Query(ctx, q)
	if err != nil {
		return table.Page{}, fmt.Errorf("faulty table: query: %w", err)
	}
	if q.Index != table.Main && q.Cursor == "" {
		f.remember(q, page)
	}
	return page, nil
}

// Write implements table.Table.
func (f *Faulty) Write(ctx context.Context, ops ...table.Op) error {
	// A call that breaks the port's rules fails the same way with faults or
	// without; so does one whose context has already ended.
	if err := cmp.Or(ctx.Err(), table.Validate(ops)); err != nil {
		return fmt.Errorf("faulty table: write: %w", err)
	}
	switch fault := f.next(writeFaults); fault {
	case LostLate:
		f.delay(ops)
		fallthrough
	case LostBefore:
		return fmt.Errorf("faulty table: write: %s: %w", fault, table.ErrAmbiguous)
	case LostAfter:
		err := f.inner.Write(ctx, ops...)
		return fmt.Errorf("faulty table: write: %s: %w (in truth: %v)", fault, table.ErrAmbiguous, err)
	case Contended:
		return fmt.Errorf("faulty table: write: %w", table.ErrContention)
	}
	if err := f.inner.Write(ctx, ops...); err != nil {
		return fmt.Errorf("faulty table: write: %w", err)
	}
	return nil
}

var errRead = errors.New("the read failed, as planned")

// next lets delayed writes arrive whose time has come, and draws the fault of
// one call, "" for none.
func (f *Faulty) next(possible []Fault) (fault Fault) {
	f.mu.Lock()
	var due []lateWrite
	f.late = slices.DeleteFunc(f.late, func(w lateWrite) bool {
		if w.calls > 0 {
			return false
		}
		due = append(due, w)
		return true
	})
	for i := range f.late {
		f.late[i].calls--
	}
	drawn := f.rand.Float64()
	for _, candidate := range possible {
		if drawn -= f.chance[candidate]; drawn < 0 {
			fault = candidate
			f.happened[fault]++
			break
		}
	}
	f.mu.Unlock()
	for _, w := range due {
		f.arrive(w)
	}
	return fault
}

func (f *Faulty) delay(ops []table.Op) {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Item = ops[i].Item.Clone()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = append(f.late, lateWrite{calls: f.rand.IntN(8), ops: ops})
}

// arrive does a delayed write. Nobody waits for its answer.
func (f *Faulty) arrive(w lateWrite) {
	_ = f.inner.Write(context.Background(), w.ops...)
}

func (f *Faulty) remember(q table.Query, page table.Page) {
	items := make([]table.Item, len(page.Items))
	for i, item := range page.Items {
		items[i] = item.Clone()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[partition{q.Index, q.PK}] = items
}

func (f *Faulty) stale(q table.Query) table.Page {
	f.mu.Lock()
	defer f.mu.Unlock()
	sortKey := func(item table.Item) string { return indexKeys(item)[q.Index].SK }
	var page table.Page
	for _, item := range f.seen[partition{q.Index, q.PK}] {
		if sk := sortKey(item); sk >= q.From && (q.To == "" || sk <= q.To) {
			page.Items = append(page.Items, item.Clone())
		}
	}
	slices.SortStableFunc(page.Items, func(a, b table.Item) int {
		if q.Reverse {
			a, b = b, a
		}
		return cmp.Compare(sortKey(a), sortKey(b))
	})
	page.Items = page.Items[:min(len(page.Items), q.PageSize())]
	return page
}
