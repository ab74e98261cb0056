package table

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
)

// WriteID is the random id of one Write: every item that the write puts is
// stored with it. An engine that lost the answer reads the items back and knows
// its own work by it, and new items draw their first version from it.
type WriteID [16]byte

// String is 32 hex digits, which also fits DynamoDB's ClientRequestToken.
func (id WriteID) String() string { return hex.EncodeToString(id[:]) }

// Version is the version an item gets that this write puts under the condition:
// the next one under Version, else a random one from 1 to 2^52, which leaves
// room to count on below 2^53, where every JSON reader is still exact.
func (id WriteID) Version(c Cond) int64 {
	if v, is := c.IsVersion(); is {
		return v + 1
	}
	return int64(binary.BigEndian.Uint64(id[:8])>>12) + 1
}

// Holds reports whether the condition is true of a stored item with that
// version; 0 is no item or an expired one.
func (c Cond) Holds(version int64) bool {
	switch {
	case c.IsAbsent():
		return version == 0
	case c.IsNone():
		return true
	}
	return version != 0 && version == c.version
}

// WriteIDs draws write ids. It is safe for concurrent use.
type WriteIDs struct {
	mu   sync.Mutex
	rand io.Reader
}

// NewWriteIDs draws from rand: crypto/rand.Reader, or a seeded reader in tests.
func NewWriteIDs(rand io.Reader) *WriteIDs { return &WriteIDs{rand: rand} }

// Next draws one id. It fails only when the source of randomness does.
func (d *WriteIDs) Next() (WriteID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var id WriteID
	if _, err := io.ReadFull(d.rand, id[:]); err != nil {
		return WriteID{}, fmt.Errorf("table: draw a write id: %w", err)
	}
	return id, nil
}
