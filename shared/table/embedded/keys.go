package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/table"
)

// A stored key is its parts one after another, each closed by the bytes 00 01;
// a zero byte inside a part becomes 00 FF. That keeps the byte order of the
// parts, first part first, whatever bytes they hold:
//
//	items    pk, sk
//	gsi1/2   index pk, index sk, pk, sk
//	expiry   8 bytes of seconds, then pk, sk
func joinKey(parts ...string) []byte {
	n := 0
	for _, part := range parts {
		n += len(part) + 2
	}
	b := make([]byte, 0, n)
	for _, part := range parts {
		b = append(appendEscaped(b, part), 0, 1)
	}
	return b
}

func appendEscaped(b []byte, part string) []byte {
	for i := range len(part) {
		b = append(b, part[i])
		if part[i] == 0 {
			b = append(b, 0xFF)
		}
	}
	return b
}

// splitKey is the inverse of joinKey for a key of n parts.
func splitKey(key []byte, n int) ([]string, error) {
	parts := make([]string, 0, n)
	var part []byte
	for i := 0; i < len(key); i++ {
		if key[i] != 0 {
			part = append(part, key[i])
			continue
		}
		if i++; i == len(key) {
			break
		}
		switch key[i] {
		case 0xFF:
			part = append(part, 0)
		case 1:
			parts = append(parts, string(part))
			part = part[:0]
		default:
			return nil, fmt.Errorf("the stored key %x is damaged", key)
		}
	}
	if len(parts) != n || len(part) != 0 {
		return nil, fmt.Errorf("the stored key %x is damaged", key)
	}
	return parts, nil
}

func itemKey(key table.Key) []byte { return joinKey(key.PK, key.SK) }

func indexKey(index, key table.Key) []byte {
	return joinKey(index.PK, index.SK, key.PK, key.SK)
}

func expiryKey(seconds int64, key table.Key) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(seconds)), itemKey(key)...)
}

// span is the stored keys k with low <= k < high.
type span struct{ low, high []byte }

// spanOf is the part of a bucket that a query looks at.
func spanOf(pk, from, to string) span {
	partition := joinKey(pk)
	// Behind the closing 00 01 of the last part, and before anything greater:
	// a longer part goes on with at least 00 FF.
	behind := func(b []byte) []byte { return append(bytes.Clone(b), 0, 2) }
	s := span{low: appendEscaped(bytes.Clone(partition), from)}
	if to == "" {
		s.high = behind(partition[:len(partition)-2])
	} else {
		s.high = behind(appendEscaped(bytes.Clone(partition), to))
	}
	return s
}

func (s span) holds(key []byte) bool {
	return bytes.Compare(key, s.low) >= 0 && bytes.Compare(key, s.high) < 0
}
