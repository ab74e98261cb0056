// Package tabletest holds what every engine of the table must do: the suite Run,
// the comparison Differential with the reference engine over a map, and a wrapper
// that lets things go wrong. Tests of packages above the table use the reference
// engine, the wrapper and the clock too.
package tabletest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// Factory opens an empty table whose clock is now, and closes it when t ends.
type Factory func(t *testing.T, now func() time.Time) table.Table

// start is where the suite's clock begins: far in the future, since a service
// that removes expired items goes by its own clock.
var start = time.Date(2040, 5, 17, 9, 30, 0, 0, time.UTC)

// Run holds an engine to the port. Each behaviour gets a table of its own.
func Run(t *testing.T, open Factory) {
	for _, group := range []struct {
		name       string
		behaviours []behaviour
	}{
		{"a write", writing},
		{"an item", storing},
		{"a get", getting},
		{"a query", querying},
		{"an index", indexing},
		{"an expiry", expiring},
		{"a limit", limiting},
		{"many callers", racing},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, b := range group.behaviours {
				t.Run(b.says, func(t *testing.T) {
					clock := NewClock(start)
					b.shows(&setting{T: t, Table: open(t, clock.Now), clock: clock, ctx: t.Context()})
				})
			}
		})
	}
}

// behaviour is one sentence about the port and its proof.
type behaviour struct {
	says  string
	shows func(s *setting)
}

// setting is an empty table with its clock. Its methods fail the test when the
// table does.
type setting struct {
	*testing.T
	table.Table
	clock *Clock
	ctx   context.Context
}

func at(pk, sk string) table.Key { return table.Key{PK: pk, SK: sk} }

// item is a small item with one attribute that tells it apart.
func item(pk, sk, says string) table.Item {
	return table.Item{Key: at(pk, sk), Attr: map[string]any{"says": says}}
}

func (s *setting) write(ops ...table.Op) {
	s.Helper()
	if err := s.Write(s.ctx, ops...); err != nil {
		s.Fatalf("write: %v", err)
	}
}

// put stores items under no condition.
func (s *setting) put(items ...table.Item) {
	s.Helper()
	for _, item := range items {
		s.write(table.Put(item, table.None))
	}
}

// refused asserts that a write fails with this kind.
func (s *setting) refused(kind error, ops ...table.Op) {
	s.Helper()
	s.is(s.Write(s.ctx, ops...), kind)
}

func (s *setting) is(err, kind error) {
	s.Helper()
	if !errors.Is(err, kind) {
		s.Fatalf("the error is %v, want one that is %q", err, kind)
	}
	for _, other := range []error{table.ErrConflict, table.ErrContention, table.ErrAmbiguous, table.ErrInvalid} {
		if other != kind && errors.Is(err, other) {
			s.Fatalf("the error %v is also %q", err, other)
		}
	}
}

func (s *setting) read(key table.Key) table.Item {
	s.Helper()
	items, err := s.Get(s.ctx, key)
	if err != nil {
		s.Fatalf("get %s: %v", key, err)
	}
	if len(items) != 1 {
		s.Fatalf("get of one key returned %d items", len(items))
	}
	if !items[0].Exists() && !reflect.DeepEqual(items[0], table.Item{}) {
		s.Fatalf("an item without a version is not the zero item: %+v", items[0])
	}
	return items[0]
}

// stored asserts that the item stands there with this attribute.
func (s *setting) stored(key table.Key, says string) table.Item {
	s.Helper()
	found := s.read(key)
	if !found.Exists() || found.Key != key || found.Attr["says"] != says {
		s.Fatalf("%s holds %+v, want one that says %q", key, found, says)
	}
	return found
}

func (s *setting) absent(keys ...table.Key) {
	s.Helper()
	for _, key := range keys {
		if found := s.read(key); found.Exists() {
			s.Fatalf("%s holds %+v, want nothing", key, found)
		}
	}
}

// walk reads all pages.
func (s *setting) walk(q table.Query) []table.Item {
	s.Helper()
	items, _ := s.pages(q)
	return items
}

func (s *setting) pages(q table.Query) (items []table.Item, pages int) {
	s.Helper()
	items, pages, err := readAll(s.ctx, s.Table, q)
	if err != nil {
		s.Fatal(err)
	}
	return items, pages
}

// readAll walks a query to its end.
func readAll(ctx context.Context, t table.Table, q table.Query) (items []table.Item, pages int, err error) {
	const enough = 10_000
	for pages = 1; pages < enough; pages++ {
		page, err := t.Query(ctx, q)
		if err != nil {
			return nil, pages, fmt.Errorf("page %d of %+v: %w", pages, q, err)
		}
		if len(page.Items) > q.PageSize() {
			return nil, pages, fmt.Errorf("page %d of %+v holds %d items", pages, q, len(page.Items))
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, pages, nil
		}
		if page.Next == q.Cursor {
			return nil, pages, fmt.Errorf("page %d of %+v leads to itself", pages, q)
		}
		q.Cursor = page.Next
	}
	return nil, pages, fmt.Errorf("%+v has no end", q)
}

// sortKeys are the sort keys of the items' own keys.
func sortKeys(items []table.Item) []string {
	keys := []string{}
	for _, item := range items {
		keys = append(keys, item.Key.SK)
	}
	return keys
}

// lists asserts which items a query walks over, by their own sort keys.
func (s *setting) lists(q table.Query, want ...string) {
	s.Helper()
	if want == nil {
		want = []string{}
	}
	s.shows(q, fmt.Sprintf("%q", want), func(items []table.Item) bool {
		return reflect.DeepEqual(sortKeys(items), want)
	})
}

// indexLag is how long an index may take to show what was written.
const indexLag = 10 * time.Second

// shows asserts what a query walks over. An index is given time to follow.
func (s *setting) shows(q table.Query, want string, is func([]table.Item) bool) {
	s.Helper()
	for deadline := time.Now().Add(indexLag); ; time.Sleep(50 * time.Millisecond) {
		items := s.walk(q)
		if is(items) {
			return
		}
		if q.Index == table.Main || time.Now().After(deadline) {
			s.Fatalf("%+v lists %q, want %s", q, sortKeys(items), want)
		}
	}
}
