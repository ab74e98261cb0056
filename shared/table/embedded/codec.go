package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// The stored form of an item, without its key:
//
//	format   1 byte, itemFormat
//	write id 16 bytes
//	version, expiry (seconds, 0 is never)      uvarint each
//	index 1 and 2, partition and sort key      4 strings, "" is not indexed
//	attributes                                 a map
//
// A string or bytes is its length as a uvarint and then itself. A value is one
// byte of kind and what follows from it; an integer is a zigzag varint, a list
// its length and its values, a map its length and its names and values in byte
// order of the names. So equal items have equal bytes, and all that the engine
// needs to keep its indexes lies in front, before the attributes.
const (
	itemFormat = 1
	bodyStart  = 1 + len(table.WriteID{})

	kindString = 's'
	kindInt    = 'i'
	kindTrue   = 't'
	kindFalse  = 'f'
	kindBytes  = 'b'
	kindList   = 'l'
	kindMap    = 'm'
)

var errDamaged = errors.New("the stored item is damaged")

// encodeItem expects an item that table.Validate accepts.
func encodeItem(item table.Item, id table.WriteID, version int64) []byte {
	b := make([]byte, 0, table.Size(item)+64)
	b = append(b, itemFormat)
	b = append(b, id[:]...)
	b = binary.AppendUvarint(b, uint64(version))
	b = binary.AppendUvarint(b, uint64(expirySeconds(item)))
	for _, part := range []string{item.Index1.PK, item.Index1.SK, item.Index2.PK, item.Index2.SK} {
		b = appendString(b, part)
	}
	return appendMap(b, item.Attr)
}

// expirySeconds is the expiry since 1970, 0 for never.
func expirySeconds(item table.Item) int64 {
	if item.Expires.IsZero() {
		return 0
	}
	return item.Expires.Unix()
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendMap(b []byte, m map[string]any) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b = appendString(b, name)
		b = appendValue(b, m[name])
	}
	return b
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendString(append(b, kindString), v)
	case int64:
		return binary.AppendVarint(append(b, kindInt), v)
	case bool:
		if v {
			return append(b, kindTrue)
		}
		return append(b, kindFalse)
	case []byte:
		return appendString(append(b, kindBytes), string(v))
	case []any:
		b = binary.AppendUvarint(append(b, kindList), uint64(len(v)))
		for _, element := range v {
			b = appendValue(b, element)
		}
		return b
	case map[string]any:
		return appendMap(append(b, kindMap), v)
	}
	panic(fmt.Sprintf("embedded: a value of type %T passed validation", value))
}

// decodeItem gives back what encodeItem took, in the form of table.Item.Clone.
func decodeItem(key table.Key, stored []byte) (table.Item, error) {
	item, d := decodeHead(key, stored)
	d.whole = string(d.rest)
	item.Attr = d.mapping(0)
	if d.err == nil && len(d.rest) != 0 {
		d.err = errDamaged
	}
	if d.err != nil {
		return table.Item{}, fmt.Errorf("decode the item %s: %w", key, d.err)
	}
	return item, nil
}

// decodeHead reads everything but the attributes, which the decoder it returns
// stands before.
func decodeHead(key table.Key, stored []byte) (table.Item, *decoder) {
	if len(stored) < bodyStart || stored[0] != itemFormat {
		return table.Item{}, &decoder{err: errDamaged}
	}
	d := &decoder{rest: stored[bodyStart:]}
	item := table.Item{Key: key, Version: int64(d.uvarint())}
	if seconds := d.uvarint(); seconds != 0 {
		item.Expires = time.Unix(int64(seconds), 0).UTC()
	}
	item.Index1 = table.Key{PK: d.text(), SK: d.text()}
	item.Index2 = table.Key{PK: d.text(), SK: d.text()}
	if item.Version < 1 {
		d.err = errDamaged
	}
	return item, d
}

// decoder reads from rest; after the first error everything it reads is zero.
type decoder struct {
	rest []byte
	// whole is a copy of what rest ends, that the texts are cut out of: an item has
	// a hundred of them and is copied once. "" makes each text a copy of its own.
	whole string
	err   error
}

func (d *decoder) uvarint() uint64 {
	v, width := binary.Uvarint(d.rest)
	d.advance(width)
	return v
}

func (d *decoder) varint() int64 {
	v, width := binary.Varint(d.rest)
	d.advance(width)
	return v
}

// advance takes the width that encoding/binary reports, which is not positive
// for a number that is cut short or too great.
func (d *decoder) advance(width int) {
	if width <= 0 {
		d.fail()
		return
	}
	d.rest = d.rest[width:]
}

func (d *decoder) fail() {
	d.err = errDamaged
	d.rest = nil
}

// bytes shares its memory with the stored item.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) text() string {
	b := d.bytes()
	if d.whole == "" || d.err != nil {
		return string(b)
	}
	end := len(d.whole) - len(d.rest)
	return d.whole[end-len(b) : end]
}

func (d *decoder) mapping(depth int) map[string]any {
	n := d.uvarint()
	m := make(map[string]any, min(n, uint64(len(d.rest)))) // of a damaged item n may be anything
	for ; n > 0 && d.err == nil; n-- {
		name := d.text()
		m[name] = d.value(depth)
	}
	return m
}

func (d *decoder) value(depth int) any {
	if len(d.rest) == 0 || depth > table.MaxDepth {
		d.fail()
		return nil
	}
	kind := d.rest[0]
	d.rest = d.rest[1:]
	switch kind {
	case kindString:
		return d.text()
	case kindInt:
		return d.varint()
	case kindTrue, kindFalse:
		return kind == kindTrue
	case kindBytes:
		return append([]byte{}, d.bytes()...)
	case kindList:
		list := []any{}
		for n := d.uvarint(); n > 0 && d.err == nil; n-- {
			list = append(list, d.value(depth+1))
		}
		return list
	case kindMap:
		return d.mapping(depth + 1)
	}
	d.fail()
	return nil
}
