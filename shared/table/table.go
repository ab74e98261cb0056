// Package table is the port to the one table that holds all state: three
// methods, and only what every DynamoDB-compatible service offers. There is no
// count, no increment and no scan, so that a caller cannot write something
// that costs more than what it touches.
//
// Engines live in table/dynamo (Amazon DynamoDB and compatible services) and
// table/embedded (bbolt, for one machine). The suite every engine passes, and
// a reference engine over a map, live in table/tabletest.
package table

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Table is a store of items with two sparse secondary indexes.
//
// All methods are safe for concurrent use. A cancelled context ends them with
// the context's error; for Write that error is Ambiguous unless it is certain
// that nothing was written.
type Table interface {
	// Get reads at most MaxGet items consistently. The answer has one element
	// a key, in the order asked; an absent or expired item is the zero Item
	// (Version 0). The same key may be asked for twice. Each item is current;
	// together they are not a snapshot, so a write may fall between two of them.
	Get(ctx context.Context, keys ...Key) ([]Item, error)

	// Query reads one page of one partition in byte order of the sort key.
	// On Main it is consistent. On an index it is a hint: what it returns may
	// be stale or gone and is read again, or written with a Version
	// precondition, before anything is done about it.
	Query(ctx context.Context, q Query) (Page, error)

	// Write applies at most MaxWrite operations on distinct keys, all or
	// nothing. It returns ErrConflict when a precondition is false,
	// ErrContention when nothing was written because others were writing and
	// the engine's own retries were spent, ErrAmbiguous when the outcome is
	// not known, and ErrInvalid for what no engine may accept. An error of no
	// kind means that the store refused the call or could not be reached, and
	// that nothing was written. No operations are no work and no error.
	Write(ctx context.Context, ops ...Op) error
}

// The limits of the port; the engines enforce all of them alike.
const (
	MaxGet      = 100        // keys a Get
	MaxWrite    = 25         // operations a Write
	MaxKeyBytes = 1024       // bytes of each part of a key
	MaxItem     = 400 * 1024 // bytes of an item, as Size counts them
	MaxWritten  = 4_000_000  // bytes of all the items that one Write puts
	MaxName     = 1024       // bytes of the name of an attribute
	MaxDepth    = 30         // lists and maps inside each other
	MaxLimit    = 1000       // items a page of a Query
)

// Key names one item. Both parts are non-empty UTF-8 of at most MaxKeyBytes
// and do not hold U+10FFFF, which Prefix needs above every key.
type Key struct{ PK, SK string }

func (k Key) String() string { return k.PK + " / " + k.SK }

// Item is one stored item.
type Item struct {
	Key Key
	// Version changes with every put: a Version precondition names the one
	// that was read. Engines set it; callers never do. 0 means absent. A put
	// under Version(n) stores n+1. One under Absent or None starts anew from a
	// random number, so that an item deleted and made again never bears a
	// version that somebody still holds.
	Version int64
	// Index1 and Index2 place the item in GSI1 and GSI2; a zero key keeps it
	// out of that index.
	Index1, Index2 Key
	// Expires is when the item stops existing, cut to the second; the zero time
	// is never. From that instant on, by the engine's clock, it reads as absent.
	Expires time.Time
	// Attr holds the payload: string, int64, bool, []byte, []any and
	// map[string]any of those. Strings are UTF-8. Names are non-empty;
	// ReservedAttr lists the ones an engine keeps for itself. What was read is
	// the reader's own to change, and an item that exists has a map here.
	Attr map[string]any
}

// Exists reports whether the item was there.
func (i Item) Exists() bool { return i.Version != 0 }

// Index chooses what a Query reads.
type Index int

// Main is the table itself; GSI1 holds work to do, GSI2 the calendar and the ledger.
const (
	Main Index = iota
	GSI1
	GSI2
)

// Query asks for one page of the items of one partition.
type Query struct {
	Index Index
	PK    string
	// From and To bound the sort key, both inclusive; "" leaves a side open.
	// Prefix makes the pair that takes in everything under a prefix. A From
	// above To is an empty range.
	From, To string
	// Limit is the most items a page may hold, 1 to MaxLimit; 0 is 100. A page
	// may hold fewer although more follow.
	Limit int
	// Cursor is "" or the Next of the page before, with the same other fields
	// (the Limit may change). It stays good when items come and go, the one it
	// was made at too, and over a restart. One of another query is ErrInvalid.
	Cursor  string
	Reverse bool
}

// Page is one page of a Query. Next is "" at the end; a page may be empty and
// still have a Next, and a Next may have nothing behind it. Items that share a
// sort key in an index come in an order of the engine's own, each of them once:
// DynamoDB promises no more, so a sort key that must order says so in full.
type Page struct {
	Items []Item
	Next  string
}

// Op is one operation of a Write; make it with Put, Delete or Check.
type Op struct {
	Kind OpKind
	// Item is the whole new item of a put. Of a delete and a check only its
	// Key counts.
	Item Item
	Cond Cond
}

// OpKind says what an Op does.
type OpKind int

// An operation replaces the item, removes it, or only checks its condition.
const (
	OpPut OpKind = iota
	OpDelete
	OpCheck
)

// Cond is a precondition on the item as it is stored before the write.
type Cond struct {
	kind    int8
	version int64
}

// None holds always. Absent holds when there is no item or an expired one.
var (
	None   = Cond{}
	Absent = Cond{kind: 1}
)

// Version holds when the stored item exists and bears this version. Version(0)
// is Absent, so that a condition can be made from whatever was read.
func Version(v int64) Cond {
	if v == 0 {
		return Absent
	}
	return Cond{kind: 2, version: v}
}

// IsNone, IsAbsent and IsVersion take a condition apart, for engines.
func (c Cond) IsNone() bool             { return c.kind == 0 }
func (c Cond) IsAbsent() bool           { return c.kind == 1 }
func (c Cond) IsVersion() (int64, bool) { return c.version, c.kind == 2 }

func (c Cond) String() string {
	switch c.kind {
	case 0:
		return "none"
	case 1:
		return "absent"
	}
	return fmt.Sprintf("version = %d", c.version)
}

// Put replaces the whole item if the condition holds. The store decodes an
// item, changes what it knows and puts the rest back as it was read, so that
// old code can run beside new.
func Put(item Item, cond Cond) Op { return Op{Kind: OpPut, Item: item, Cond: cond} }

// Delete removes the item if the condition holds; an absent one is no error.
func Delete(key Key, cond Cond) Op { return Op{Kind: OpDelete, Item: Item{Key: key}, Cond: cond} }

// Check holds the write to a condition on an item that it does not change.
func Check(key Key, cond Cond) Op { return Op{Kind: OpCheck, Item: Item{Key: key}, Cond: cond} }

// The errors of the port; test for them with errors.Is.
var (
	// ErrConflict: a precondition was false and nothing was written. Read
	// again and decide again.
	ErrConflict = errors.New("a precondition does not hold")
	// ErrContention: nothing was written; the same call may be tried again later.
	ErrContention = errors.New("too many writers at once")
	// ErrAmbiguous: the write may have happened or not, and a request still on
	// its way may yet happen. Read to find out; a Version precondition on what
	// was read keeps a late arrival from doing harm.
	ErrAmbiguous = errors.New("the outcome of the write is not known")
	// ErrInvalid: the call breaks a limit of the port; nothing was written.
	ErrInvalid = errors.New("not a valid call of the table")
)
