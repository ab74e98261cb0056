package tabletest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

var _ table.Table = (*Reference)(nil)

// Reference is the port said in the shortest code: a map. Other engines are
// compared with it, and simulations run on it, since it does nothing on its own:
// the same calls, clock and randomness give the same answers.
//
// Where the port leaves an engine free, it is as awkward as DynamoDB: a page
// counts expired items, and a full one has a Next although nothing may follow.
type Reference struct {
	now func() time.Time
	ids *table.WriteIDs

	mu    sync.Mutex
	items map[table.Key]table.Item
	// members are the keys in each partition of Main, GSI1 and GSI2.
	members [3]map[string]map[table.Key]bool
}

// NewReference makes an empty table. Write ids are drawn from rand, one for
// every Write that is valid and not empty.
func NewReference(now func() time.Time, rand io.Reader) *Reference {
	r := &Reference{now: now, ids: table.NewWriteIDs(rand), items: map[table.Key]table.Item{}}
	for i := range r.members {
		r.members[i] = map[string]map[table.Key]bool{}
	}
	return r
}

// Get implements table.Table.
func (r *Reference) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reference table: get: %w", err)
	}
	if err := table.ValidateKeys(keys); err != nil {
		return nil, fmt.Errorf("reference table: get: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	found := make([]table.Item, len(keys))
	for i, key := range keys {
		if item := r.items[key]; item.Exists() && !item.ExpiredAt(now) {
			found[i] = item.Clone()
		}
	}
	return found, nil
}

// Query implements table.Table.
func (r *Reference) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, fmt.Errorf("reference table: query: %w", err)
	}
	if err := q.Validate(); err != nil {
		return table.Page{}, fmt.Errorf("reference table: query: %w", err)
	}
	after, more, err := q.Start()
	if err != nil {
		return table.Page{}, fmt.Errorf("reference table: query: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()

	var places []table.Position
	for key := range r.members[q.Index][q.PK] {
		p := table.Position{SK: indexKeys(r.items[key])[q.Index].SK, Key: key}
		if p.SK < q.From || q.To != "" && p.SK > q.To {
			continue
		}
		if more && !behind(p, after, q.Reverse) {
			continue
		}
		places = append(places, p)
	}
	slices.SortFunc(places, inOrder)
	if q.Reverse {
		slices.Reverse(places)
	}

	var page table.Page
	now := r.now()
	for n, p := range places {
		if item := r.items[p.Key]; !item.ExpiredAt(now) {
			page.Items = append(page.Items, item.Clone())
		}
		if n+1 == q.PageSize() {
			page.Next = q.NextAfter(p)
			break
		}
	}
	return page, nil
}

// Write implements table.Table. It never returns ErrContention or ErrAmbiguous.
func (r *Reference) Write(ctx context.Context, ops ...table.Op) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reference table: write: %w", err)
	}
	if err := table.Validate(ops); err != nil {
		return fmt.Errorf("reference table: write: %w", err)
	}
	if len(ops) == 0 {
		return nil
	}
	id, err := r.ids.Next()
	if err != nil {
		return fmt.Errorf("reference table: write: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for _, op := range ops {
		version := r.items[op.Item.Key].Version
		if r.items[op.Item.Key].ExpiredAt(now) {
			version = 0
		}
		if !op.Cond.Holds(version) {
			return fmt.Errorf("reference table: write: %s asks for %s: %w", op.Item.Key, op.Cond, table.ErrConflict)
		}
	}
	for _, op := range ops {
		switch op.Kind {
		case table.OpPut:
			r.remove(op.Item.Key)
			item := op.Item.Clone()
			item.Version = id.Version(op.Cond)
			r.add(item)
		case table.OpDelete:
			r.remove(op.Item.Key)
		}
	}
	return nil
}

func (r *Reference) add(item table.Item) {
	r.items[item.Key] = item
	for i, at := range indexKeys(item) {
		if at == (table.Key{}) {
			continue
		}
		if r.members[i][at.PK] == nil {
			r.members[i][at.PK] = map[table.Key]bool{}
		}
		r.members[i][at.PK][item.Key] = true
	}
}

func (r *Reference) remove(key table.Key) {
	for i, at := range indexKeys(r.items[key]) {
		delete(r.members[i][at.PK], key)
		if len(r.members[i][at.PK]) == 0 {
			delete(r.members[i], at.PK)
		}
	}
	delete(r.items, key)
}

// indexKeys are where the item stands in Main, GSI1 and GSI2.
func indexKeys(item table.Item) [3]table.Key {
	return [3]table.Key{item.Key, item.Index1, item.Index2}
}

// inOrder compares by sort key and, in an index, then by the items' own keys.
func inOrder(a, b table.Position) int {
	return cmp.Or(cmp.Compare(a.SK, b.SK), cmp.Compare(a.Key.PK, b.Key.PK), cmp.Compare(a.Key.SK, b.Key.SK))
}

func behind(p, after table.Position, reverse bool) bool {
	if reverse {
		return inOrder(p, after) < 0
	}
	return inOrder(p, after) > 0
}
