package tabletest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// invalid asserts that the write is refused as invalid.
func (s *setting) invalid(what string, ops ...table.Op) {
	s.Helper()
	if err := s.Write(s.ctx, ops...); !errors.Is(err, table.ErrInvalid) {
		s.Errorf("%s: the error is %v", what, err)
	}
}

func fullOps(n int) []table.Op {
	var ops []table.Op
	for i := range n {
		ops = append(ops, table.Put(item("p", fmt.Sprintf("%02d", i), "x"), table.Absent))
	}
	return ops
}

// sized is an item of exactly that many bytes.
func sized(sk string, bytes int) table.Item {
	i := table.Item{Key: at("p", sk), Attr: map[string]any{"fill": ""}}
	i.Attr["fill"] = strings.Repeat("x", bytes-table.Size(i))
	return i
}

// nested is a value inside that many lists.
func nested(depth int) any {
	var v any = "inside"
	for range depth {
		v = []any{v}
	}
	return v
}

var limiting = []behaviour{
	{"of a write is 25 operations", func(s *setting) {
		s.write(fullOps(table.MaxWrite)...)
		s.lists(table.Query{PK: "p", Limit: 1, Reverse: true, From: "24"}, "24")
		more := fullOps(table.MaxWrite + 1)
		for i := range more {
			more[i].Cond = table.None
			more[i].Item.Attr["says"] = "second"
		}
		s.invalid("26 operations", more...)
		s.stored(at("p", "00"), "x")
		s.absent(at("p", "25"))
	}},
	{"of a get is a hundred keys", func(s *setting) {
		keys := make([]table.Key, table.MaxGet+1)
		for i := range keys {
			keys[i] = at("p", "a")
		}
		if _, err := s.Get(s.ctx, keys[1:]...); err != nil {
			s.Errorf("a hundred keys: %v", err)
		}
		if _, err := s.Get(s.ctx, keys...); !errors.Is(err, table.ErrInvalid) {
			s.Errorf("101 keys: the error is %v", err)
		}
	}},
	{"of each part of a key is 1,024 bytes", func(s *setting) {
		long := strings.Repeat("я", table.MaxKeyBytes/2)
		at := table.Key{PK: long, SK: long}
		s.put(table.Item{Key: at, Index1: at, Index2: at, Attr: map[string]any{"says": "long"}})
		s.stored(at, "long")
		for _, index := range []table.Index{table.Main, table.GSI1, table.GSI2} {
			s.lists(table.Query{Index: index, PK: long, From: long, To: long}, long)
		}
	}},
	{"keeps out keys that are empty, too long, not UTF-8 or above all keys", func(s *setting) {
		for what, part := range map[string]string{
			"an empty part":      "",
			"a part too long":    strings.Repeat("x", table.MaxKeyBytes+1),
			"a part not UTF-8":   "a\xff",
			"a part above all":   "a\U0010FFFF",
			"half a character":   "\xd1",
			"a lone surrogate":   "\xed\xa0\x80",
			"an overlong zero":   "\xc0\x80",
			"beyond the charset": "\xf4\x90\x80\x80",
		} {
			for _, key := range []table.Key{at(part, "a"), at("p", part)} {
				s.invalid(what+" in a put", table.Put(table.Item{Key: key}, table.None))
				s.invalid(what+" in a delete", table.Delete(key, table.None))
				s.invalid(what+" in a check", table.Check(key, table.Absent))
				s.invalid(what+" behind a good one", table.Put(item("p", "good", "x"), table.None), table.Put(table.Item{Key: key}, table.None))
				if _, err := s.Get(s.ctx, at("p", "good"), key); !errors.Is(err, table.ErrInvalid) {
					s.Errorf("%s in a get: the error is %v", what, err)
				}
				s.invalid(what+" in an index", table.Put(table.Item{Key: at("p", "good"), Index1: key}, table.None))
				s.invalid(what+" in an index", table.Put(table.Item{Key: at("p", "good"), Index2: key}, table.None))
			}
			if _, err := s.Query(s.ctx, table.Query{PK: part}); !errors.Is(err, table.ErrInvalid) {
				s.Errorf("%s in a query: the error is %v", what, err)
			}
		}
		s.absent(at("p", "good"))
	}},
	{"of an item is 400 KB, keys and names included", func(s *setting) {
		// Services differ in what they call a KB, so the last bytes below the
		// port's limit are left to the engines' own tests.
		s.put(sized("full", 400_000))
		if got := s.read(at("p", "full")); table.Size(got) != 400_000 {
			s.Errorf("read %d bytes", table.Size(got))
		}
		s.invalid("a byte more than any takes", table.Put(sized("over", table.MaxItem+1), table.None))
		s.absent(at("p", "over"))
	}},
	{"of all items of a write is 4 MB", func(s *setting) {
		var ops []table.Op
		for n := range 10 {
			ops = append(ops, table.Put(sized(fmt.Sprint(n), table.MaxWritten/10), table.None))
		}
		s.write(ops...)
		if got := len(s.walk(table.Query{PK: "p"})); got != 10 {
			s.Errorf("%d items were stored", got)
		}
		s.invalid("a little more", append(ops, table.Put(item("p", "more", "x"), table.None))...)
		s.absent(at("p", "more"))
	}},
	{"keeps out attributes of other types, bad text and reserved names", func(s *setting) {
		for what, attr := range map[string]map[string]any{
			"an int":               {"a": 1},
			"a float":              {"a": 1.5},
			"nil":                  {"a": nil},
			"a time":               {"a": time.Time{}},
			"a list of strings":    {"a": []string{"b"}},
			"a map of strings":     {"a": map[string]string{"b": "c"}},
			"an int in a list":     {"a": []any{"b", 1}},
			"nil in a map":         {"a": map[string]any{"b": nil}},
			"text that is not":     {"a": "\xff"},
			"such text in a list":  {"a": []any{"\xff"}},
			"an empty name":        {"": "a"},
			"an empty inner name":  {"a": map[string]any{"": "b"}},
			"a name that is not":   {"\xff": "a"},
			"an endless name":      {strings.Repeat("x", table.MaxName+1): "a"},
			"31 lists":             {"a": nested(table.MaxDepth + 1)},
			"the partition key":    {"pk": "a"},
			"the sort key":         {"sk": "a"},
			"the version":          {"v": int64(1)},
			"the write id":         {"w": "a"},
			"the expiry":           {"expires": int64(1)},
			"the key of an index":  {"g1p": "a"},
			"the order of GSI1":    {"g1s": "a"},
			"the other index":      {"g2p": "a"},
			"the order of GSI2":    {"g2s": "a"},
			"one bad among others": {"a": "b", "c": int32(1), "d": true},
		} {
			s.invalid(what, table.Put(table.Item{Key: at("p", "a"), Attr: attr}, table.None))
		}
		s.absent(at("p", "a"))
		s.put(table.Item{Key: at("p", "a"), Attr: map[string]any{
			"in": map[string]any{"pk": "free inside", "v": int64(1)}, "deep": nested(table.MaxDepth),
			strings.Repeat("n", table.MaxName): true,
		}})
		if got := s.read(at("p", "a")); len(got.Attr) != 3 {
			s.Errorf("read %+v", got)
		}
	}},
	{"keeps out operations that mean nothing", func(s *setting) {
		s.invalid("a check of nothing", table.Check(at("p", "a"), table.None))
		s.invalid("an unknown kind", table.Op{Kind: 9, Item: item("p", "a", "x")})
		s.invalid("a negative version", table.Put(item("p", "a", "x"), table.Version(-1)))
		s.invalid("a version of 2^53", table.Put(item("p", "a", "x"), table.Version(1<<53)))
		s.invalid("the same key twice", table.Put(item("p", "a", "x"), table.None), table.Check(at("p", "a"), table.Absent))
		s.invalid("an expiry before 1970", table.Put(until("a", time.Unix(-1, 0)), table.None))
		s.invalid("an expiry after 9999", table.Put(until("a", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), table.None))
		s.absent(at("p", "a"))
	}},
	{"of a query keeps out what no engine can answer", func(s *setting) {
		for what, q := range map[string]table.Query{
			"a negative limit":     {PK: "p", Limit: -1},
			"a limit too great":    {PK: "p", Limit: table.MaxLimit + 1},
			"an unknown index":     {PK: "p", Index: 3},
			"a negative index":     {PK: "p", Index: -1},
			"a From that is not":   {PK: "p", From: "\xff"},
			"a To that is too big": {PK: "p", To: strings.Repeat("x", table.MaxKeyBytes+1)},
		} {
			if _, err := s.Query(s.ctx, q); !errors.Is(err, table.ErrInvalid) {
				s.Errorf("%s: the error is %v", what, err)
			}
		}
	}},
}
