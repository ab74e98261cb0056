package tabletest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// values has every type and the awkward values of each.
func values() map[string]any {
	return map[string]any{
		"text":        "Здравствуйте, Анна! 👋",
		"empty text":  "",
		"odd text":    "\x00\x01\t\r\n\"\\/<>&\u2028\u2029\ufeff\ufffd\U0010FFFF",
		"zero":        int64(0),
		"small":       int64(-1),
		"smallest":    int64(math.MinInt64),
		"greatest":    int64(math.MaxInt64),
		"above 2^53":  int64(1<<53 + 1),
		"yes":         true,
		"no":          false,
		"bytes":       []byte{0, 255, 254, 'a'},
		"empty bytes": []byte{},
		"list":        []any{"a", int64(1), true, []byte{1}, []any{}, map[string]any{"b": "c"}},
		"empty list":  []any{},
		"map":         map[string]any{"a": "b", "n": int64(-7), "in": map[string]any{"deep": []any{false}}},
		"empty map":   map[string]any{},
		"имя":         "a name that is not ASCII",
		"a.b#c:d[0]":  "a name that looks like an expression",
		"PK":          "a reserved name in other letters is free",
		"size":        "a word of some query language",
	}
}

// oddKeys are key parts in byte order, which is not the order of UTF-16.
var oddKeys = []string{
	"\x00", "\x00\x00", "\x00\x01", "\x01", "\t", " ", "!", "#", "%", "A", "A\x00", "A\x00B", "A\x01", "Aa", "B", "a", "a#1", "a#10", "a#2", "~", "\x7f",
	"\u0080", "ßx", "é", "Я", "я", "\u2028", "日本", "\ue000", "\ufeff", "\ufffd", "\uffff", "\U00010000", "😀", "\U0010fffe",
}

var storing = []behaviour{
	{"of every type of value is read as it was written", func(s *setting) {
		written := table.Item{
			Key: at("p", "a"), Index1: at("g1", "x"), Index2: at("g2", "y"),
			Expires: start.Add(time.Hour), Attr: values(),
		}
		s.put(written)
		read := s.read(written.Key)
		written.Version = read.Version
		if !reflect.DeepEqual(read, written) {
			s.Errorf("written %#v\nread    %#v", written, read)
		}
		for _, q := range []table.Query{{PK: "p"}, {Index: table.GSI1, PK: "g1"}, {Index: table.GSI2, PK: "g2"}} {
			s.shows(q, "the item as it was read", func(items []table.Item) bool {
				return len(items) == 1 && reflect.DeepEqual(items[0], read)
			})
		}
	}},
	{"that was read and is written again unchanged stays the same", func(s *setting) {
		s.put(table.Item{Key: at("p", "a"), Index1: at("g1", "x"), Expires: start.Add(time.Hour), Attr: values()})
		first := s.read(at("p", "a"))
		s.write(table.Put(first, table.Version(first.Version)))
		second := s.read(at("p", "a"))
		first.Version++
		if !reflect.DeepEqual(first, second) {
			s.Errorf("first  %#v\nsecond %#v", first, second)
		}
	}},
	{"without attributes exists and has an empty map", func(s *setting) {
		s.put(table.Item{Key: at("p", "a")})
		if read := s.read(at("p", "a")); !read.Exists() || read.Attr == nil || len(read.Attr) != 0 {
			s.Errorf("read %#v", read)
		}
	}},
	{"with nil bytes, lists and maps has empty ones", func(s *setting) {
		s.put(table.Item{Key: at("p", "a"), Attr: map[string]any{
			"bytes": []byte(nil), "list": []any(nil), "map": map[string]any(nil),
		}})
		want := map[string]any{"bytes": []byte{}, "list": []any{}, "map": map[string]any{}}
		if got := s.read(at("p", "a")).Attr; !reflect.DeepEqual(got, want) {
			s.Errorf("read %#v", got)
		}
	}},
	{"is the table's own: what the caller changes later is not stored", func(s *setting) {
		written := table.Item{Key: at("p", "a"), Attr: values()}
		s.put(written)
		spoil := func(attr map[string]any) {
			attr["new"] = "x"
			attr["bytes"].([]byte)[0] = 9
			attr["list"].([]any)[0] = "spoilt"
			attr["map"].(map[string]any)["a"] = "spoilt"
		}
		spoil(written.Attr)
		first := s.read(written.Key)
		if !reflect.DeepEqual(first.Attr, values()) {
			s.Fatalf("the caller's map was kept: %#v", first.Attr)
		}
		spoil(first.Attr)
		fromQuery := s.walk(table.Query{PK: "p"})[0]
		if !reflect.DeepEqual(fromQuery.Attr, values()) {
			s.Fatalf("the reader's map was kept: %#v", fromQuery.Attr)
		}
		spoil(fromQuery.Attr)
		if again := s.read(written.Key); !reflect.DeepEqual(again.Attr, values()) {
			s.Fatalf("the map of a query was kept: %#v", again.Attr)
		}
	}},
	{"is told apart by every byte of its key", func(s *setting) {
		for _, pk := range oddKeys {
			s.put(item(pk, "a", "pk "+pk), item("a", pk, "sk "+pk))
		}
		s.put(item("ab", "c", "left"), item("a", "bc", "right"))
		for _, pk := range oddKeys {
			if pk != "a" {
				s.stored(at(pk, "a"), "pk "+pk)
			}
			s.stored(at("a", pk), "sk "+pk)
		}
		s.stored(at("ab", "c"), "left")
		s.stored(at("a", "bc"), "right")
	}},
}

var getting = []behaviour{
	{"answers in the order asked, absent as zero, repeated as often as asked", func(s *setting) {
		s.put(item("p", "a", "1"), item("p", "b", "2"), item("q", "a", "3"))
		items, err := s.Get(s.ctx, at("q", "a"), at("p", "none"), at("p", "b"), at("p", "a"), at("q", "a"), at("none", "a"), at("p", "none"))
		if err != nil {
			s.Fatal(err)
		}
		var got []any
		for _, found := range items {
			if !found.Exists() {
				if !reflect.DeepEqual(found, table.Item{}) {
					s.Errorf("an absent item is %+v", found)
				}
				got = append(got, "-")
				continue
			}
			got = append(got, found.Attr["says"])
		}
		if want := []any{"3", "-", "2", "1", "3", "-", "-"}; !reflect.DeepEqual(got, want) {
			s.Errorf("got %v, want %v", got, want)
		}
	}},
	{"gives each repetition an item of its own", func(s *setting) {
		s.put(item("p", "a", "1"))
		items, err := s.Get(s.ctx, at("p", "a"), at("p", "a"))
		if err != nil {
			s.Fatal(err)
		}
		items[0].Attr["says"] = "spoilt"
		if items[1].Attr["says"] != "1" {
			s.Error("the two share a map")
		}
	}},
	{"of no keys is empty", func(s *setting) {
		if items, err := s.Get(s.ctx); err != nil || len(items) != 0 {
			s.Errorf("%v, %v", items, err)
		}
	}},
	{"of a hundred keys finds them all, large ones too", func(s *setting) {
		var keys []table.Key
		for n := range table.MaxGet {
			filled := item("p", fmt.Sprintf("%03d", n), fmt.Sprint(n))
			filled.Attr["fill"] = strings.Repeat("x", 20_000)
			s.put(filled)
			keys = append(keys, filled.Key)
		}
		slices.Reverse(keys)
		items, err := s.Get(s.ctx, keys...)
		if err != nil {
			s.Fatal(err)
		}
		for i, found := range items {
			if found.Key != keys[i] {
				s.Fatalf("place %d holds %s, want %s", i, found.Key, keys[i])
			}
		}
	}},
	{"sees every write that has returned", func(s *setting) {
		for n := range 20 {
			s.put(item("p", "a", fmt.Sprint(n)))
			s.stored(at("p", "a"), fmt.Sprint(n))
		}
	}},
}

// fill puts items with these sort keys into partition p, out of order.
func (s *setting) fill(sortKeys ...string) {
	s.Helper()
	for n := range sortKeys {
		s.put(item("p", sortKeys[(n*13+3)%len(sortKeys)], "x"))
	}
	for _, sk := range sortKeys {
		s.stored(at("p", sk), "x")
	}
}

func reversed(keys []string) []string {
	keys = slices.Clone(keys)
	slices.Reverse(keys)
	return keys
}

var querying = []behaviour{
	{"of an empty partition is empty", func(s *setting) {
		s.put(item("p", "a", "x"))
		s.lists(table.Query{PK: "q"})
		s.lists(table.Query{PK: "p", From: "b"})
		s.lists(table.Query{Index: table.GSI1, PK: "p"})
	}},
	{"returns one partition in byte order, and backwards in reverse", func(s *setting) {
		s.fill(oddKeys...)
		for _, neighbour := range []string{"o", "p\x00", "pa", "q"} {
			s.put(item(neighbour, "a", "not of p"))
		}
		s.lists(table.Query{PK: "p"}, oddKeys...)
		s.lists(table.Query{PK: "p", Reverse: true}, reversed(oddKeys)...)
	}},
	{"is bounded by From and To, both inclusive", func(s *setting) {
		s.fill("a", "b", "ba", "c", "d")
		for _, q := range []struct {
			from, to string
			want     []string
		}{
			{"", "", []string{"a", "b", "ba", "c", "d"}},
			{"b", "", []string{"b", "ba", "c", "d"}},
			{"", "b", []string{"a", "b"}},
			{"b", "c", []string{"b", "ba", "c"}},
			{"b", "b", []string{"b"}},
			{"aa", "bb", []string{"b", "ba"}},
			{"bb", "bc", nil},
			{"c", "b", nil},
			{"e", "", nil},
			{"", "A", nil},
			{"a", "\U0010FFFF", []string{"a", "b", "ba", "c", "d"}},
		} {
			s.lists(table.Query{PK: "p", From: q.from, To: q.to}, q.want...)
			s.lists(table.Query{PK: "p", From: q.from, To: q.to, Limit: 1, Reverse: true}, reversed(q.want)...)
		}
	}},
	{"with the bounds of a prefix returns what begins with it", func(s *setting) {
		long := strings.Repeat("L", table.MaxKeyBytes)
		keys := []string{"A", "A#", "A#1", "A#1\x00", "A#1я", "A#1\uffff", "A#1😀", "A#2", "B", long[:1022], long[:1023], long}
		s.fill(keys...)
		for _, prefix := range []string{"", "A", "A#", "A#1", "A#1я", "B", "C", "L", long[:1020], long[:1021], long[:1022], long[:1023], long} {
			from, to := table.Prefix(prefix)
			var want []string
			for _, key := range keys {
				if strings.HasPrefix(key, prefix) {
					want = append(want, key)
				}
			}
			s.lists(table.Query{PK: "p", From: from, To: to}, want...)
		}
	}},
	{"walks page by page over each item once, in both directions", func(s *setting) {
		s.fill(oddKeys...)
		middle := oddKeys[slices.Index(oddKeys, "A") : slices.Index(oddKeys, "Я")+1]
		for _, limit := range []int{1, 2, 3, len(oddKeys) - 1, len(oddKeys), len(oddKeys) + 1, table.MaxLimit} {
			s.lists(table.Query{PK: "p", Limit: limit}, oddKeys...)
			s.lists(table.Query{PK: "p", Limit: limit, Reverse: true}, reversed(oddKeys)...)
			s.lists(table.Query{PK: "p", Limit: limit, From: "A", To: "Я"}, middle...)
		}
		if _, pages := s.pages(table.Query{PK: "p", Limit: 5}); pages < len(oddKeys)/5 {
			s.Errorf("%d pages of 5 items cannot hold %d", pages, len(oddKeys))
		}
	}},
	{"without a limit has pages of at most a hundred", func(s *setting) {
		var keys []string
		for n := range 103 {
			keys = append(keys, fmt.Sprintf("%03d", n))
		}
		s.fill(keys...)
		page, err := s.Query(s.ctx, table.Query{PK: "p"})
		if err != nil {
			s.Fatal(err)
		}
		if len(page.Items) != 100 || page.Next == "" {
			s.Errorf("the first page holds %d items and leads to %q", len(page.Items), page.Next)
		}
		s.lists(table.Query{PK: "p"}, keys...)
	}},
	{"of more than fits into one answer still returns everything", func(s *setting) {
		var keys []string
		for n := range 9 {
			big := item("p", fmt.Sprint(n), "x")
			big.Attr["fill"] = strings.Repeat("x", 300_000)
			s.put(big)
			keys = append(keys, big.Key.SK)
		}
		s.lists(table.Query{PK: "p"}, keys...)
		s.lists(table.Query{PK: "p", Reverse: true}, reversed(keys)...)
	}},
	{"goes on from its cursor although the item there is gone and others came", func(s *setting) {
		s.fill("b", "d", "f", "h")
		q := table.Query{PK: "p", Limit: 2}
		page, err := s.Query(s.ctx, q)
		if err != nil {
			s.Fatal(err)
		}
		if got := sortKeys(page.Items); !reflect.DeepEqual(got, []string{"b", "d"}) {
			s.Fatalf("the first page is %q", got)
		}
		s.write(table.Delete(at("p", "d"), table.None))
		s.put(item("p", "a", "x"), item("p", "c", "x"), item("p", "e", "x"), item("p", "g", "x"))
		q.Cursor = page.Next
		s.lists(q, "e", "f", "g", "h")
		q.Limit = 3
		s.lists(q, "e", "f", "g", "h")
	}},
	{"sees every write that has returned", func(s *setting) {
		for n := range 10 {
			s.put(item("p", fmt.Sprint(n), "x"))
			if got := len(s.walk(table.Query{PK: "p"})); got != n+1 {
				s.Fatalf("%d items after %d puts", got, n+1)
			}
		}
	}},
	{"refuses a cursor that it did not give", func(s *setting) {
		s.fill("a", "b", "c")
		good := table.Query{PK: "p", Limit: 1, To: "b"}
		page, err := s.Query(s.ctx, good)
		if err != nil || page.Next == "" {
			s.Fatalf("%+v, %v", page, err)
		}
		for name, spoil := range map[string]func(q *table.Query){
			"garbage":           func(q *table.Query) { q.Cursor = "not a cursor" },
			"one cut short":     func(q *table.Query) { q.Cursor = q.Cursor[:len(q.Cursor)-2] },
			"another partition": func(q *table.Query) { q.PK = "q" },
			"another index":     func(q *table.Query) { q.Index = table.GSI1 },
			"another direction": func(q *table.Query) { q.Reverse = true },
			"other bounds":      func(q *table.Query) { q.From = "b" },
		} {
			q := good
			q.Cursor = page.Next
			spoil(&q)
			if _, err := s.Query(s.ctx, q); !errors.Is(err, table.ErrInvalid) {
				s.Errorf("%s: the error is %v", name, err)
			}
		}
	}},
}

// indexed is an item in partition g of GSI1, and of GSI2 under the same sort key.
func indexed(pk, sk, indexSK string) table.Item {
	i := item(pk, sk, indexSK)
	i.Index1, i.Index2 = at("g", indexSK), at("h", indexSK)
	return i
}

var (
	first  = table.Query{Index: table.GSI1, PK: "g"}
	second = table.Query{Index: table.GSI2, PK: "h"}
)

var indexing = []behaviour{
	{"holds only the items that have its key", func(s *setting) {
		one, two, both, none := item("p", "one", "x"), item("p", "two", "x"), item("p", "both", "x"), item("p", "none", "x")
		one.Index1, two.Index2 = at("g", "1"), at("h", "2")
		both.Index1, both.Index2 = at("g", "3"), at("h", "1")
		s.put(one, two, both, none)
		s.lists(first, "one", "both")
		s.lists(second, "both", "two")
		s.lists(table.Query{Index: table.GSI1, PK: "h"})
		s.lists(table.Query{Index: table.GSI2, PK: "g"})
		s.lists(table.Query{PK: "p"}, "both", "none", "one", "two")
	}},
	{"brings items of different partitions into the order of its own sort key", func(s *setting) {
		want := []string{}
		for n, sk := range oddKeys {
			own := fmt.Sprintf("%02d", len(oddKeys)-n)
			s.put(indexed(fmt.Sprint("p", n%3), own, sk))
			want = append(want, own)
		}
		for _, q := range []table.Query{first, second} {
			for _, limit := range []int{0, 1, 4} {
				q.Limit = limit
				q.Reverse = false
				s.lists(q, want...)
				q.Reverse = true
				s.lists(q, reversed(want)...)
			}
		}
	}},
	{"is bounded by From and To, both inclusive", func(s *setting) {
		s.put(indexed("p", "1", "a"), indexed("p", "2", "b"), indexed("p", "3", "c"), indexed("p", "4", "d"))
		s.lists(table.Query{Index: table.GSI1, PK: "g", From: "b", To: "c"}, "2", "3")
		s.lists(table.Query{Index: table.GSI1, PK: "g", From: "c"}, "3", "4")
		s.lists(table.Query{Index: table.GSI2, PK: "h", To: "b", Reverse: true}, "2", "1")
		s.lists(table.Query{Index: table.GSI2, PK: "h", From: "c", To: "b"})
	}},
	{"moves an item when its index key changes", func(s *setting) {
		s.put(indexed("p", "1", "a"), indexed("p", "2", "b"))
		moved := indexed("p", "1", "c")
		moved.Index2 = at("elsewhere", "c")
		s.put(moved)
		s.lists(first, "2", "1")
		s.lists(second, "2")
		s.lists(table.Query{Index: table.GSI2, PK: "elsewhere"}, "1")
	}},
	{"returns the item as it is now", func(s *setting) {
		s.put(indexed("p", "1", "a"))
		changed := indexed("p", "1", "a")
		changed.Attr["says"] = "changed"
		s.put(changed)
		read := s.read(at("p", "1"))
		s.shows(first, "the item with its change", func(items []table.Item) bool {
			return len(items) == 1 && reflect.DeepEqual(items[0], read)
		})
	}},
	{"drops an item that loses its index key or is deleted", func(s *setting) {
		s.put(indexed("p", "1", "a"), indexed("p", "2", "b"), indexed("p", "3", "c"))
		s.put(item("p", "1", "x"))
		s.write(table.Delete(at("p", "2"), table.None))
		s.lists(first, "3")
		s.lists(second, "3")
	}},
	{"returns items that share a sort key each once, page by page", func(s *setting) {
		var want []string
		for n := range 12 {
			own := fmt.Sprintf("%02d", n)
			s.put(indexed(fmt.Sprint("p", n%2), own, fmt.Sprint("t", n/6)))
			want = append(want, own)
		}
		for _, reverse := range []bool{false, true} {
			for _, limit := range []int{0, 1, 5, 6, 7} {
				q := first
				q.Limit, q.Reverse = limit, reverse
				early, late := want[:6], want[6:]
				if reverse {
					early, late = late, early
				}
				s.shows(q, fmt.Sprintf("%q and then %q, each in any order", early, late), func(items []table.Item) bool {
					got := sortKeys(items)
					return len(got) == 12 &&
						reflect.DeepEqual(slices.Sorted(slices.Values(got[:6])), early) &&
						reflect.DeepEqual(slices.Sorted(slices.Values(got[6:])), late)
				})
			}
		}
	}},
	{"goes on from its cursor although the item there has moved away", func(s *setting) {
		s.put(indexed("p", "1", "a"), indexed("p", "2", "b"), indexed("p", "3", "c"))
		s.lists(first, "1", "2", "3")
		q := first
		q.Limit = 2
		page, err := s.Query(s.ctx, q)
		if err != nil || !reflect.DeepEqual(sortKeys(page.Items), []string{"1", "2"}) {
			s.Fatalf("%+v, %v", page, err)
		}
		s.put(indexed("p", "2", "d"), item("p", "1", "x"))
		q.Cursor = page.Next
		s.lists(q, "3", "2")
	}},
}
