package table_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/table"
)

var noon = time.Date(2040, 5, 17, 12, 0, 0, 0, time.UTC)

func item(sk string, attr map[string]any) table.Item {
	return table.Item{Key: table.Key{PK: "p", SK: sk}, Attr: attr}
}

// The suite in tabletest holds every engine to the limits; here it is that each
// refusal says what is wrong with which operation.
func TestValidateSaysWhatIsWrong(t *testing.T) {
	good := table.Put(item("good", map[string]any{"a": "b"}), table.None)
	if err := table.Validate([]table.Op{good}); err != nil {
		t.Fatal(err)
	}
	for want, op := range map[string]table.Op{
		"operation 2: the partition key is empty":                                   table.Delete(table.Key{SK: "a"}, table.None),
		"operation 2: the sort key takes 1025 bytes, at most 1024 are possible":     table.Delete(table.Key{PK: "p", SK: strings.Repeat("x", 1025)}, table.None),
		"operation 2: index 2: the sort key is empty":                               table.Put(table.Item{Key: table.Key{PK: "p", SK: "a"}, Index2: table.Key{PK: "g"}}, table.None),
		"operation 2: a check without a condition checks nothing":                   table.Check(table.Key{PK: "p", SK: "a"}, table.None),
		"operation 2: -1 is not a version that an item can have":                    table.Delete(table.Key{PK: "p", SK: "a"}, table.Version(-1)),
		`operation 2: the attribute name "v" is the engine's own`:                   table.Put(item("a", map[string]any{"v": "x"}), table.None),
		`operation 2: attribute "a" is a float64; a value is a string, int64, bool`: table.Put(item("a", map[string]any{"a": 1.5}), table.None),
		`operation 2: attribute "in" is a <nil>; a value is`:                        table.Put(item("a", map[string]any{"a": map[string]any{"in": nil}}), table.None),
		`the text of attribute "a" is not UTF-8; bytes are stored as []byte`:        table.Put(item("a", map[string]any{"a": "\xff"}), table.None),
		"operations 1 and 2 are on the same key":                                    table.Delete(good.Item.Key, table.None),
		"operation 2: the item takes 409601 bytes, at most 409600 are possible":     table.Put(sized(table.MaxItem+1), table.None),
		"operation 2: the expiry lies outside the years 1970 to 9999":               table.Put(table.Item{Key: table.Key{PK: "p", SK: "a"}, Expires: time.Unix(0, 0)}, table.None),
	} {
		err := table.Validate([]table.Op{good, op})
		if !errors.Is(err, table.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func sized(bytes int) table.Item {
	i := item("sized", map[string]any{"fill": ""})
	i.Attr["fill"] = strings.Repeat("x", bytes-table.Size(i))
	return i
}

func TestValidateTakesWhatIsJustWithinTheLimits(t *testing.T) {
	for what, op := range map[string]table.Op{
		"the largest item":   table.Put(sized(table.MaxItem), table.None),
		"the last second":    table.Put(table.Item{Key: table.Key{PK: "p", SK: "a"}, Expires: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, table.None),
		"the first second":   table.Put(table.Item{Key: table.Key{PK: "p", SK: "a"}, Expires: time.Unix(1, 0)}, table.None),
		"the last version":   table.Check(table.Key{PK: "p", SK: "a"}, table.Version(1<<53-1)),
		"the last character": table.Delete(table.Key{PK: "p", SK: "\U0010FFFE"}, table.None),
	} {
		if err := table.Validate([]table.Op{op}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSizeCountsAsDynamoDBDoes(t *testing.T) {
	// The key "p", "s" with its names, v with 9 bytes, w with 32.
	const bare = 2 + 1 + 2 + 1 + 1 + 9 + 1 + 32
	if got := table.Size(item("s", nil)); got != bare {
		t.Fatalf("a bare item takes %d bytes, want %d", got, bare)
	}
	for _, c := range []struct {
		what  string
		value any
		want  int
	}{
		{"text by its UTF-8", "яя", 4},
		{"empty text", "", 0},
		{"bytes", []byte{1, 2, 3}, 3},
		{"a truth", true, 1},
		{"zero", int64(0), 2},
		{"two digits", int64(42), 2},
		{"three digits", int64(420), 3},
		{"a sign", int64(-42), 3},
		{"the greatest number", int64(1<<63 - 1), 11},
		{"the least number", int64(-1 << 63), 12},
		{"an empty list", []any{}, 3},
		{"a list", []any{"ab", true}, 3 + 1 + 2 + 1 + 1},
		{"an empty map", map[string]any{}, 3},
		{"a map", map[string]any{"ab": "c"}, 3 + 1 + 2 + 1},
		{"a map in a list", []any{map[string]any{"a": int64(7)}}, 3 + 1 + 3 + 1 + 1 + 2},
	} {
		if got := table.Size(item("s", map[string]any{"name": c.value})) - bare - len("name"); got != c.want {
			t.Errorf("%s takes %d bytes, want %d", c.what, got, c.want)
		}
	}
	full := item("s", nil)
	full.Expires, full.Index1, full.Index2 = noon, table.Key{PK: "ab", SK: "c"}, table.Key{PK: "d", SK: "e"}
	if got, want := table.Size(full), bare+len("expires")+6+(3+2+3+1)+(3+1+3+1); got != want {
		t.Errorf("with expiry and indexes it takes %d bytes, want %d", got, want)
	}
}

func TestPrefixTakesInExactlyTheKeysThatBeginWithIt(t *testing.T) {
	key := rapid.Custom(func(rt *rapid.T) string {
		text := rapid.StringOf(rapid.SampledFrom([]rune{0, 'a', 'b', 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10FFFE})).Draw(rt, "text")
		// Near the length where no room is left for an upper bound, too.
		if room := table.MaxKeyBytes - len(text); rapid.Bool().Draw(rt, "long") && room > 0 {
			text = strings.Repeat("L", room-rapid.IntRange(0, min(6, room)).Draw(rt, "less")) + text
		}
		return text
	}).Filter(func(s string) bool { return s != "" && len(s) <= table.MaxKeyBytes })
	rapid.Check(t, func(rt *rapid.T) {
		whole := key.Draw(rt, "key")
		prefix := rapid.OneOf(key, rapid.Custom(func(rt *rapid.T) string {
			cut := rapid.IntRange(0, len(whole)).Draw(rt, "cut")
			for cut < len(whole) && !utf8.RuneStart(whole[cut]) {
				cut++
			}
			return whole[:cut]
		})).Draw(rt, "prefix")
		from, to := table.Prefix(prefix)
		if len(to) > table.MaxKeyBytes {
			rt.Fatalf("the bound of %q takes %d bytes", prefix, len(to))
		}
		if got, want := whole >= from && (to == "" || whole <= to), strings.HasPrefix(whole, prefix); got != want {
			rt.Fatalf("%q under the prefix %q: %v", whole, prefix, got)
		}
	})
}

func TestPrefixLeavesRoomForTheLongestKeys(t *testing.T) {
	// The greatest text of each length in bytes.
	greatest := []string{"", "\u007F", "\u07FF", "\uFFFF", "\U0010FFFE", "\U0010FFFE\u007F"}
	for room, rest := range greatest {
		prefix := strings.Repeat("x", table.MaxKeyBytes-room)
		from, to := table.Prefix(prefix)
		if key := prefix + rest; len(key) != table.MaxKeyBytes || key < from || key > to {
			t.Errorf("with room for %d bytes the bound is below %q", room, rest)
		}
		if behind := prefix[:len(prefix)-1] + "y"; behind <= to {
			t.Errorf("with room for %d bytes the bound takes in what does not begin so", room)
		}
	}
}

func TestACursor(t *testing.T) {
	part := rapid.StringN(1, 20, -1).Filter(func(s string) bool { return !strings.Contains(s, "\U0010FFFF") })
	query := rapid.Custom(func(rt *rapid.T) table.Query {
		return table.Query{
			Index: table.Index(rapid.IntRange(0, 2).Draw(rt, "index")), PK: part.Draw(rt, "pk"),
			Reverse: rapid.Bool().Draw(rt, "reverse"), Limit: rapid.IntRange(0, 9).Draw(rt, "limit"),
		}
	})
	t.Run("leads back to its position, whatever the limit", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			q := query.Draw(rt, "query")
			p := table.Position{SK: part.Draw(rt, "sk"), Key: table.Key{PK: part.Draw(rt, "own pk"), SK: part.Draw(rt, "own sk")}}
			if q.Index == table.Main {
				p.Key = table.Key{PK: q.PK, SK: p.SK}
			}
			q.Cursor = q.NextAfter(p)
			q.Limit = 7
			if got, more, err := q.Start(); got != p || !more || err != nil {
				rt.Fatalf("%+v became %+v, %v, %v", p, got, more, err)
			}
		})
	})
	t.Run("that is empty begins at the edge", func(t *testing.T) {
		if p, more, err := (table.Query{PK: "p"}).Start(); p != (table.Position{}) || more || err != nil {
			t.Errorf("%+v, %v, %v", p, more, err)
		}
	})
	t.Run("is refused when a byte of it is spoilt or missing", func(t *testing.T) {
		for _, q := range []table.Query{{PK: "p"}, {Index: table.GSI2, PK: "p"}} {
			whole := q.NextAfter(table.Position{SK: "sk", Key: table.Key{PK: "own", SK: "sk"}})
			for n := range whole {
				q.Cursor = whole[:n]
				if _, more, err := q.Start(); more || n > 0 && !errors.Is(err, table.ErrInvalid) {
					t.Errorf("the first %d of %d characters: %v", n, len(whole), err)
				}
			}
			q.Cursor = whole + "AA"
			if _, _, err := q.Start(); !errors.Is(err, table.ErrInvalid) {
				t.Errorf("with more behind it: %v", err)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	q := table.Query{Index: table.GSI1, PK: "p"}
	f.Add(q.NextAfter(table.Position{SK: "a", Key: table.Key{PK: "b", SK: "c"}}))
	f.Fuzz(func(t *testing.T, cursor string) {
		q.Cursor = cursor
		p, more, err := q.Start()
		if err == nil && more && q.NextAfter(p) != cursor {
			t.Errorf("%q leads to %+v, whose cursor is another", cursor, p)
		}
		if err != nil && !errors.Is(err, table.ErrInvalid) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAnItemExpiresAtItsSecond(t *testing.T) {
	i := table.Item{Expires: noon.Add(500 * time.Millisecond)} // kept as noon
	for at, want := range map[time.Time]bool{
		noon.Add(-time.Nanosecond): false,
		noon:                       true,
		noon.Add(time.Hour):        true,
	} {
		if got := i.ExpiredAt(at); got != want {
			t.Errorf("at %v: %v", at, got)
		}
	}
	if (table.Item{}).ExpiredAt(noon) {
		t.Error("an item without expiry has expired")
	}
}

func TestACloneSharesNothing(t *testing.T) {
	original := item("a", map[string]any{
		"bytes": []byte{1}, "list": []any{[]byte{1}, map[string]any{"in": []any{"x"}}}, "nil": []byte(nil), "map": map[string]any(nil),
	})
	original.Expires = noon.Add(time.Millisecond).In(time.FixedZone("east", 3600))
	clone := original.Clone()
	original.Attr["bytes"].([]byte)[0] = 2
	original.Attr["list"].([]any)[0].([]byte)[0] = 2
	original.Attr["list"].([]any)[1].(map[string]any)["in"].([]any)[0] = "y"
	original.Attr["new"] = true
	want := item("a", map[string]any{
		"bytes": []byte{1}, "list": []any{[]byte{1}, map[string]any{"in": []any{"x"}}}, "nil": []byte{}, "map": map[string]any{},
	})
	want.Expires = noon
	if !reflect.DeepEqual(clone, want) {
		t.Errorf("the clone is %#v", clone)
	}
	if clone := (table.Item{}).Clone(); clone.Attr == nil {
		t.Error("the clone of an item without attributes has no map")
	}
}

func TestAWriteID(t *testing.T) {
	t.Run("draws first versions from 1 to 2^52 and counts on under Version", func(t *testing.T) {
		for _, id := range []table.WriteID{{}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
			for _, cond := range []table.Cond{table.None, table.Absent} {
				if v := id.Version(cond); v < 1 || v > 1<<52 {
					t.Errorf("%s draws %d", id, v)
				}
			}
			if v := id.Version(table.Version(7)); v != 8 {
				t.Errorf("%d follows 7", v)
			}
		}
	})
	t.Run("is drawn whole and fits a request token", func(t *testing.T) {
		ids := table.NewWriteIDs(rand.NewChaCha8([32]byte{1}))
		seen := map[table.WriteID]bool{}
		for range 100 {
			id, err := ids.Next()
			if err != nil || seen[id] || len(id.String()) != 32 {
				t.Fatalf("%s, %v", id, err)
			}
			seen[id] = true
		}
	})
	t.Run("cannot be drawn without randomness", func(t *testing.T) {
		if _, err := table.NewWriteIDs(bytes.NewReader([]byte{1, 2})).Next(); err == nil {
			t.Error("it was")
		}
	})
}

func TestAConditionHolds(t *testing.T) {
	for _, c := range []struct {
		cond                table.Cond
		says                string
		absent, seven, nine bool
	}{
		{table.None, "none", true, true, true},
		{table.Absent, "absent", true, false, false},
		{table.Version(0), "absent", true, false, false},
		{table.Version(7), "version = 7", false, true, false},
	} {
		if c.cond.Holds(0) != c.absent || c.cond.Holds(7) != c.seven || c.cond.Holds(9) != c.nine || c.cond.String() != c.says {
			t.Errorf("%s holds of absent, 7, 9: %v, %v, %v", c.cond, c.cond.Holds(0), c.cond.Holds(7), c.cond.Holds(9))
		}
	}
}
