package table

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Position is a place in the order of a Query: the sort key in what is queried
// and the item's own key, which on Main repeats the query's PK and the sort key.
type Position struct {
	SK  string
	Key Key
}

// NextAfter makes the opaque text that Page.Next holds. It names a position and
// no state of an engine, so it outlives restarts and the item it was made at.
func (q Query) NextAfter(p Position) string {
	b := binary.BigEndian.AppendUint32(nil, q.fingerprint())
	b = appendString(b, p.SK)
	if q.Index != Main {
		b = appendString(b, p.Key.PK)
		b = appendString(b, p.Key.SK)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Start is the position behind which the page begins; more is false when the
// query begins at its edge. A Cursor that this query cannot have been given is
// an ErrInvalid: cursors come back from outside, and must not lead elsewhere.
func (q Query) Start() (p Position, more bool, err error) {
	if q.Cursor == "" {
		return Position{}, false, nil
	}
	bad := func(what string) (Position, bool, error) {
		return Position{}, false, fmt.Errorf("%w: the cursor %s", ErrInvalid, what)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) < 4 {
		return bad("is not one of this table")
	}
	if binary.BigEndian.Uint32(b) != q.fingerprint() {
		return bad("belongs to another query")
	}
	b = b[4:]
	fields := []*string{&p.SK, &p.Key.PK, &p.Key.SK}
	if q.Index == Main {
		fields = fields[:1]
	}
	for _, field := range fields {
		n, width := binary.Uvarint(b)
		if width <= 0 || n > uint64(len(b)-width) {
			return bad("is cut short")
		}
		*field, b = string(b[width:width+int(n)]), b[width+int(n):]
		if err := validatePart(*field); err != nil {
			return bad("holds no key")
		}
	}
	if len(b) != 0 {
		return bad("is too long")
	}
	if p.SK < q.From || q.To != "" && p.SK > q.To {
		return bad("lies outside the bounds of the query")
	}
	if q.Index == Main {
		p.Key = Key{PK: q.PK, SK: p.SK}
	}
	return p, true, nil
}

// fingerprint tells cursors of different queries apart. It guards against
// mistakes; a forged cursor gains nothing, since the PK is always the query's.
func (q Query) fingerprint() uint32 {
	b := []byte{byte(q.Index), 0}
	if q.Reverse {
		b[1] = 1
	}
	return crc32.ChecksumIEEE(append(b, q.PK...))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
