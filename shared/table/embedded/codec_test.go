package embedded

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/table"
)

// attribute draws a value of any type, nested up to three deep.
func attribute() *rapid.Generator[any] {
	plain := rapid.OneOf(
		rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Bool().AsAny(), rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.SampledFrom([]any{"", int64(math.MinInt64), int64(math.MaxInt64), int64(0), []byte{}, []any{}, map[string]any{}}),
	)
	nest := func(inner *rapid.Generator[any]) *rapid.Generator[any] {
		return rapid.OneOf(inner, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny())
	}
	return nest(nest(nest(plain)))
}

func drawItem(rt *rapid.T) table.Item {
	key := rapid.Custom(func(rt *rapid.T) table.Key {
		return table.Key{PK: rapid.String().Draw(rt, "pk"), SK: rapid.String().Draw(rt, "sk")}
	})
	item := table.Item{
		Key: key.Draw(rt, "key"), Index1: key.Draw(rt, "index 1"), Index2: key.Draw(rt, "index 2"),
		Attr: rapid.MapOf(rapid.String(), attribute()).Draw(rt, "attributes"),
	}
	if rapid.Bool().Draw(rt, "expires") {
		item.Expires = time.Unix(rapid.Int64Range(1, 1<<37).Draw(rt, "seconds"), 0).UTC()
	}
	return item
}

func TestAnItemIsDecodedAsItWasEncoded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		item := drawItem(rt)
		item.Version = rapid.Int64Range(1, 1<<53).Draw(rt, "version")
		stored := encodeItem(item, table.WriteID{1, 2, 3}, item.Version)
		decoded, err := decodeItem(item.Key, stored)
		if err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(decoded, item.Clone()) {
			rt.Fatalf("encoded %#v\ndecoded %#v", item, decoded)
		}
	})
}

func TestEqualItemsHaveEqualBytesButForTheWriteID(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		item := drawItem(rt)
		one := encodeItem(item, table.WriteID{1}, 7)
		two := encodeItem(item.Clone(), table.WriteID{2}, 7)
		if !bytes.Equal(one[bodyStart:], two[bodyStart:]) || bytes.Equal(one, two) {
			rt.Fatalf("%x\n%x", one, two)
		}
	})
}

func TestADamagedItemIsAnErrorAtEveryByte(t *testing.T) {
	item := table.Item{
		Key: table.Key{PK: "p", SK: "s"}, Index1: table.Key{PK: "g", SK: "1"}, Expires: time.Unix(1e9, 0),
		Attr: map[string]any{"a": "text", "b": []any{int64(7), true, []byte{1}}, "c": map[string]any{"d": false}},
	}
	whole := encodeItem(item, table.WriteID{}, 1)
	for n := range whole {
		if got, err := decodeItem(item.Key, whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are decoded as %+v", n, len(whole), got)
		}
	}
	if _, err := decodeItem(item.Key, append(slices.Clone(whole), 0)); err == nil {
		t.Error("a byte too many is no error")
	}
	spoilt := slices.Clone(whole)
	spoilt[0] = itemFormat + 1
	if _, err := decodeItem(item.Key, spoilt); err == nil {
		t.Error("another format is no error")
	}
}

func FuzzDecodeItem(f *testing.F) {
	f.Add(encodeItem(table.Item{Attr: map[string]any{
		"a": "text", "b": []any{int64(-7), true, []byte{1}}, "c": map[string]any{"d": false},
	}}, table.WriteID{}, 1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stored []byte) {
		item, err := decodeItem(table.Key{PK: "p", SK: "s"}, stored)
		if err != nil {
			return
		}
		// What is decoded is stored again and stays what it is.
		again, err := decodeItem(item.Key, encodeItem(item, table.WriteID{}, item.Version))
		if err != nil || !reflect.DeepEqual(item, again) {
			t.Errorf("%#v became %#v, %v", item, again, err)
		}
	})
}

// part draws parts of keys in which the bytes of the escape are frequent.
var part = rapid.OneOf(
	rapid.StringOf(rapid.SampledFrom([]rune{0, 1, 2, 'a', 'b', 0xff, 'я', 0x10FFFE})),
	rapid.String(),
)

func TestStoredKeysHaveTheOrderOfTheirParts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "parts")
		one := rapid.SliceOfN(part, n, n).Draw(rt, "one")
		two := rapid.SliceOfN(part, n, n).Draw(rt, "two")
		if got, want := bytes.Compare(joinKey(one...), joinKey(two...)), slices.Compare(one, two); got != want {
			rt.Fatalf("%q and %q compare as %d, want %d", one, two, got, want)
		}
		if got, err := splitKey(joinKey(one...), n); err != nil || !slices.Equal(got, one) {
			rt.Fatalf("%q is split into %q, %v", one, got, err)
		}
	})
}

func TestASpanHoldsWhatLiesBetweenItsBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pk, from, to := part.Draw(rt, "pk"), part.Draw(rt, "from"), part.Draw(rt, "to")
		inPK := rapid.OneOf(rapid.Just(pk), part).Draw(rt, "partition")
		sk := rapid.OneOf(part, rapid.Just(from), rapid.Just(to), rapid.Just(to+"\x00"), rapid.Just(from+"a")).Draw(rt, "sk")
		want := inPK == pk && sk >= from && (to == "" || sk <= to)
		for _, more := range [][]string{nil, {"own", "key"}} {
			key := joinKey(append([]string{inPK, sk}, more...)...)
			if got := spanOf(pk, from, to).holds(key); got != want {
				rt.Fatalf("%q from %q to %q holds %q %q: %v", pk, from, to, inPK, sk, got)
			}
		}
	})
}

func TestAKeyThatIsNoneIsAnError(t *testing.T) {
	good := joinKey("a\x00", "b")
	for _, key := range [][]byte{nil, {0}, {'a'}, {'a', 0}, {'a', 0, 3}, good[:len(good)-1], append(slices.Clone(good), 'c'), append(slices.Clone(good), 0, 1)} {
		if parts, err := splitKey(key, 2); err == nil {
			t.Errorf("%x is split into %q", key, parts)
		}
	}
}
