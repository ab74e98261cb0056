package tabletest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/table"
)

// Differential does the same random operations on the reference engine and on
// each engine here, and compares every answer: the kind of the error, the items,
// and what the pages of a query add up to. Versions are compared by what they
// followed, since each engine draws the first ones for itself.
func Differential(t *testing.T, engines map[string]Factory) {
	clock := NewClock(start)
	contest := &contest{clock: clock}
	add := func(name string, engine table.Table) {
		contest.names = append(contest.names, name)
		contest.tables = append(contest.tables, engine)
	}
	add("reference", NewReference(clock.Now, rand.NewChaCha8([32]byte{1})))
	for _, name := range slices.Sorted(maps.Keys(engines)) {
		add(name, engines[name](t, clock.Now))
	}
	// The tables live on from one check to the next, so each check keeps to
	// partitions of its own.
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		contest.T = rt
		contest.ctx = t.Context()
		contest.scope = fmt.Sprintf("%d/", round)
		contest.versions = map[table.Key][][]int64{}
		rt.Repeat(map[string]func(*rapid.T){
			"write":            contest.write,
			"write once more":  contest.write, // twice as likely as the rest
			"write nonsense":   contest.writeNonsense,
			"get":              contest.get,
			"query":            contest.query,
			"let time go by":   contest.wait,
			"query the past":   contest.queryNonsense,
			"replace as read":  contest.replace,
			"delete what is":   contest.deleteRead,
			"guard with check": contest.guard,
		})
	})
}

// contest is one run over all tables; the first is the reference.
type contest struct {
	*rapid.T
	ctx    context.Context
	clock  *Clock
	names  []string
	tables []table.Table

	scope string
	// versions are the ones that each key has had, oldest first, and of each
	// the number it is in every table.
	versions map[table.Key][][]int64
}

var (
	partitions = []string{"p", "p\x00", "пациент"}
	places     = []string{"a", "a\x00", "b#1", "b#10", "b#2", "ь", "\uffff", "😀"}
	seconds    = rapid.IntRange(-5, 120)
)

func (c *contest) key(rt *rapid.T) table.Key {
	return table.Key{
		PK: c.scope + rapid.SampledFrom(partitions).Draw(rt, "pk"),
		SK: rapid.SampledFrom(places).Draw(rt, "sk"),
	}
}

func (c *contest) indexKey(rt *rapid.T, index string) table.Key {
	if rapid.Bool().Draw(rt, "out of "+index) {
		return table.Key{}
	}
	return c.key(rt)
}

// value draws what an attribute can hold, nested now and then.
func value() *rapid.Generator[any] {
	plain := rapid.OneOf(
		rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Bool().AsAny(),
		rapid.SliceOfN(rapid.Byte(), 0, 20).AsAny(),
	)
	nest := func(inner *rapid.Generator[any]) *rapid.Generator[any] {
		return rapid.OneOf(inner, rapid.SliceOfN(inner, 0, 3).AsAny(), rapid.MapOfN(name, inner, 0, 3).AsAny())
	}
	return nest(nest(plain))
}

var name = rapid.OneOf(rapid.SampledFrom([]string{"a", "name", "имя", "PK", "size"}), rapid.StringN(1, 8, 32))

func (c *contest) item(rt *rapid.T, key table.Key) table.Item {
	item := table.Item{Key: key, Index1: c.indexKey(rt, "GSI1"), Index2: c.indexKey(rt, "GSI2")}
	if rapid.IntRange(0, 3).Draw(rt, "expires") == 0 {
		item.Expires = c.clock.Now().Add(time.Duration(seconds.Draw(rt, "in seconds")) * time.Second)
	}
	item.Attr = rapid.MapOfN(name.Filter(func(s string) bool { return !table.ReservedAttr(s) }), value(), 0, 4).Draw(rt, "attributes")
	return item
}

// condition is a precondition that means the same in every table.
type condition struct {
	what table.Cond
	// versions are the numbers of one version in every table, nil otherwise.
	versions []int64
}

func (c condition) in(which int) table.Cond {
	if c.versions != nil {
		return table.Version(c.versions[which])
	}
	return c.what
}

func (c *contest) condition(rt *rapid.T, key table.Key) condition {
	had := c.versions[key]
	switch n := rapid.IntRange(0, 5).Draw(rt, "condition"); {
	case n == 0:
		return condition{what: table.None}
	case n == 1:
		return condition{what: table.Absent}
	case len(had) == 0:
		return condition{what: rapid.SampledFrom([]table.Cond{table.Absent, table.Version(77)}).Draw(rt, "of a new key")}
	case n == 2:
		return condition{versions: rapid.SampledFrom(had).Draw(rt, "a version it had")}
	}
	return condition{versions: had[len(had)-1]}
}

// operation is an Op whose condition is still to be said in each table's numbers.
type operation struct {
	op   table.Op
	cond condition
}

func (c *contest) operation(rt *rapid.T, key table.Key) operation {
	cond := c.condition(rt, key)
	switch rapid.IntRange(0, 4).Draw(rt, "operation") {
	case 0:
		return operation{table.Delete(key, table.None), cond}
	case 1:
		if cond.what == table.None && cond.versions == nil {
			cond.what = table.Absent
		}
		return operation{table.Check(key, table.Absent), cond}
	}
	return operation{table.Put(c.item(rt, key), table.None), cond}
}

func (c *contest) keys(rt *rapid.T, most int) (keys []table.Key) {
	for range rapid.IntRange(1, most).Draw(rt, "keys") {
		if key := c.key(rt); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (c *contest) write(rt *rapid.T) {
	var operations []operation
	for _, key := range c.keys(rt, 5) {
		operations = append(operations, c.operation(rt, key))
	}
	c.do(rt, operations)
}

// replace puts an item back under the version it was read with, as most callers do.
func (c *contest) replace(rt *rapid.T) {
	key := c.key(rt)
	if had := c.versions[key]; len(had) > 0 {
		c.do(rt, []operation{{table.Put(c.item(rt, key), table.None), condition{versions: had[len(had)-1]}}})
	}
}

func (c *contest) deleteRead(rt *rapid.T) {
	key := c.key(rt)
	if had := c.versions[key]; len(had) > 0 {
		c.do(rt, []operation{{table.Delete(key, table.None), condition{versions: had[len(had)-1]}}})
	}
}

// guard puts one item while another is checked.
func (c *contest) guard(rt *rapid.T) {
	keys := c.keys(rt, 6)
	if len(keys) < 2 || len(c.versions[keys[0]]) == 0 {
		rt.Skip("nothing to guard")
	}
	had := c.versions[keys[0]]
	c.do(rt, []operation{
		{table.Check(keys[0], table.Absent), condition{versions: had[len(had)-1]}},
		{table.Put(c.item(rt, keys[1]), table.None), condition{what: table.None}},
	})
}

func (c *contest) writeNonsense(rt *rapid.T) {
	key := c.key(rt)
	good := operation{table.Put(c.item(rt, key), table.None), condition{}}
	bad := rapid.SampledFrom([]table.Op{
		table.Check(c.key(rt), table.None),
		table.Put(table.Item{Key: table.Key{PK: key.PK}}, table.None),
		table.Put(table.Item{Key: key, Attr: map[string]any{"v": int64(1)}}, table.None),
		table.Put(table.Item{Key: c.key(rt), Attr: map[string]any{"a": 1.5}}, table.None),
		table.Put(table.Item{Key: c.key(rt), Index2: table.Key{SK: "half"}}, table.None),
		table.Delete(table.Key{PK: "\xff", SK: "a"}, table.None),
		table.Delete(key, table.None), // the same key again
	}).Draw(rt, "nonsense")
	c.do(rt, []operation{good, {bad, condition{what: bad.Cond}}})
}

// do writes to all tables, compares the errors and then the items.
func (c *contest) do(rt *rapid.T, operations []operation) {
	errs := make([]error, len(c.tables))
	for i, engine := range c.tables {
		ops := make([]table.Op, len(operations))
		for n, o := range operations {
			ops[n] = o.op
			ops[n].Cond = o.cond.in(i)
		}
		errs[i] = engine.Write(c.ctx, ops...)
	}
	c.agree(rt, errs)
	if errors.Is(errs[0], table.ErrInvalid) {
		return
	}
	var keys []table.Key
	for _, o := range operations {
		keys = append(keys, o.op.Item.Key)
	}
	c.compare(rt, "after the write", c.read(rt, keys))
}

func (c *contest) get(rt *rapid.T) {
	keys := c.keys(rt, 20)
	keys = append(keys, keys[0])
	c.compare(rt, "in a get", c.read(rt, keys))
}

// read gets the keys from all tables.
func (c *contest) read(rt *rapid.T, keys []table.Key) [][]table.Item {
	items := make([][]table.Item, len(c.tables))
	errs := make([]error, len(c.tables))
	for i, engine := range c.tables {
		items[i], errs[i] = engine.Get(c.ctx, keys...)
	}
	c.agree(rt, errs)
	return items
}

// drawQuery is a query of one of the partitions in use.
func (c *contest) drawQuery(rt *rapid.T) table.Query {
	bound := rapid.OneOf(rapid.Just(""), rapid.SampledFrom(places))
	q := table.Query{
		Index:   rapid.SampledFrom([]table.Index{table.Main, table.GSI1, table.GSI2}).Draw(rt, "index"),
		PK:      c.scope + rapid.SampledFrom(partitions).Draw(rt, "pk"),
		From:    bound.Draw(rt, "from"),
		To:      bound.Draw(rt, "to"),
		Limit:   rapid.IntRange(0, 5).Draw(rt, "limit"),
		Reverse: rapid.Bool().Draw(rt, "reverse"),
	}
	if rapid.IntRange(0, 3).Draw(rt, "by prefix") == 0 {
		q.From, q.To = table.Prefix(rapid.SampledFrom([]string{"", "a", "b#", "b#1", "ь"}).Draw(rt, "prefix"))
	}
	return q
}

func (c *contest) query(rt *rapid.T) {
	q := c.drawQuery(rt)
	for deadline := time.Now().Add(indexLag); ; time.Sleep(50 * time.Millisecond) {
		items := make([][]table.Item, len(c.tables))
		errs := make([]error, len(c.tables))
		for i, engine := range c.tables {
			items[i], _, errs[i] = readAll(c.ctx, engine, q)
			if q.Index != table.Main {
				c.inIndexOrder(rt, c.names[i], q, items[i])
			}
		}
		c.agree(rt, errs)
		difference := c.difference(items)
		if difference == "" {
			return
		}
		if q.Index == table.Main || time.Now().After(deadline) {
			rt.Fatalf("%+v: %s", q, difference)
		}
	}
}

// inIndexOrder checks the order by sort key and then puts items that share one
// in the order of their own keys, which the port leaves open.
func (c *contest) inIndexOrder(rt *rapid.T, name string, q table.Query, items []table.Item) {
	place := func(item table.Item) string { return indexKeys(item)[q.Index].SK }
	order := func(a, b table.Item) int {
		if q.Reverse {
			a, b = b, a
		}
		return strings.Compare(place(a), place(b))
	}
	if !slices.IsSortedFunc(items, order) {
		rt.Fatalf("%s: %+v is out of order: %v", name, q, items)
	}
	slices.SortFunc(items, func(a, b table.Item) int {
		if n := order(a, b); n != 0 {
			return n
		}
		return inOrder(table.Position{Key: a.Key}, table.Position{Key: b.Key})
	})
}

func (c *contest) queryNonsense(rt *rapid.T) {
	q := c.drawQuery(rt)
	rapid.SampledFrom([]func(){
		func() { q.Cursor = "past" },
		func() { q.PK = "" },
		func() { q.Limit = -1 },
		func() { q.Index = 7 },
		func() { q.From, q.To = "b", "\xff" },
	}).Draw(rt, "nonsense")()
	errs := make([]error, len(c.tables))
	for i, engine := range c.tables {
		_, errs[i] = engine.Query(c.ctx, q)
	}
	c.agree(rt, errs)
}

func (c *contest) wait(rt *rapid.T) {
	c.clock.Advance(time.Duration(rapid.IntRange(0, 40_000).Draw(rt, "milliseconds")) * time.Millisecond)
}

// agree asserts that all errors are of the kind of the first.
func (c *contest) agree(rt *rapid.T, errs []error) {
	for i, err := range errs {
		if kindOf(err) != kindOf(errs[0]) {
			rt.Fatalf("%s says %v, %s says %v", c.names[0], errs[0], c.names[i], err)
		}
	}
}

func kindOf(err error) string {
	if err == nil {
		return "none"
	}
	for _, kind := range []error{table.ErrConflict, table.ErrContention, table.ErrAmbiguous, table.ErrInvalid} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "other"
}

func (c *contest) compare(rt *rapid.T, when string, items [][]table.Item) {
	c.learn(items)
	if difference := c.difference(items); difference != "" {
		rt.Fatalf("%s: %s", when, difference)
	}
}

// learn notes versions that the reference has not had before, with what they
// are in the other tables.
func (c *contest) learn(items [][]table.Item) {
	for n, item := range items[0] {
		if !item.Exists() || c.ordinal(0, item) >= 0 {
			continue
		}
		numbers := make([]int64, len(c.tables))
		for i := range c.tables {
			if n < len(items[i]) {
				numbers[i] = items[i][n].Version
			}
		}
		c.versions[item.Key] = append(c.versions[item.Key], numbers)
	}
}

// ordinal is which of its versions an item of that table has, -1 for a new one.
func (c *contest) ordinal(which int, item table.Item) int {
	return slices.IndexFunc(c.versions[item.Key], func(numbers []int64) bool { return numbers[which] == item.Version })
}

// difference says how the items of the tables differ from the reference's.
func (c *contest) difference(items [][]table.Item) string {
	for i, found := range items {
		if len(found) != len(items[0]) {
			return fmt.Sprintf("%s has %d items %v, %s has %d items %v", c.names[0], len(items[0]), items[0], c.names[i], len(found), found)
		}
		for n, item := range found {
			want := items[0][n]
			if item.Exists() && want.Exists() && c.ordinal(i, item) != c.ordinal(0, want) {
				return fmt.Sprintf("%s has version %d of %s, its number %d; %s has its number %d", c.names[i], item.Version, item.Key, c.ordinal(i, item), c.names[0], c.ordinal(0, want))
			}
			if item.Exists() == want.Exists() {
				item.Version = want.Version
			}
			if !reflect.DeepEqual(item, want) {
				return fmt.Sprintf("%s has %#v, %s has %#v", c.names[0], want, c.names[i], item)
			}
		}
	}
	return ""
}
