package table

import (
	"slices"
	"time"
)

// Size is the number of bytes the item takes in DynamoDB, counted by the rules
// of docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
// with everything an engine adds to it. Where the rules say "approximately" (a
// number takes about a byte for two digits) it counts the upper end.
func Size(item Item) int {
	const version, writeID, expires = 9, 32, 6 // a number below 2^53, 32 hex digits, 10 digits of seconds
	size := len(AttrPK) + len(item.Key.PK) + len(AttrSK) + len(item.Key.SK) +
		len(AttrVersion) + version + len(AttrWriteID) + writeID
	if !item.Expires.IsZero() {
		size += len(AttrExpires) + expires
	}
	if item.Index1 != (Key{}) {
		size += len(AttrIndex1P) + len(item.Index1.PK) + len(AttrIndex1S) + len(item.Index1.SK)
	}
	if item.Index2 != (Key{}) {
		size += len(AttrIndex2P) + len(item.Index2.PK) + len(AttrIndex2S) + len(item.Index2.SK)
	}
	for name, value := range item.Attr {
		size += len(name) + sizeOf(value)
	}
	return size
}

func sizeOf(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	case int64:
		size := 1
		if v < 0 {
			size++
		}
		digits := 1
		for v /= 10; v != 0; v /= 10 {
			digits++
		}
		return size + (digits+1)/2
	case []any:
		size := 3
		for _, element := range v {
			size += 1 + sizeOf(element)
		}
		return size
	case map[string]any:
		size := 3
		for name, element := range v {
			size += 1 + len(name) + sizeOf(element)
		}
		return size
	}
	return 1 // bool
}

// ExpiredAt reports whether the item has stopped existing at that time.
func (i Item) ExpiredAt(now time.Time) bool {
	return !i.Expires.IsZero() && i.Expires.Unix() <= now.Unix()
}

// Clone is the item as an engine keeps it and gives it out: nothing in it is
// shared with i, the expiry is whole seconds of UTC, and the map, a list or
// bytes that were nil are empty.
func (i Item) Clone() Item {
	if !i.Expires.IsZero() {
		i.Expires = time.Unix(i.Expires.Unix(), 0).UTC()
	}
	i.Attr = cloneMap(i.Attr)
	return i
}

func cloneMap(m map[string]any) map[string]any {
	c := make(map[string]any, len(m))
	for name, value := range m {
		c[name] = cloneValue(value)
	}
	return c
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case []byte:
		return append([]byte{}, v...)
	case []any:
		c := slices.Grow([]any{}, len(v))
		for _, element := range v {
			c = append(c, cloneValue(element))
		}
		return c
	case map[string]any:
		return cloneMap(v)
	}
	return value
}
