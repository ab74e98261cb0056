// Package embedded is the engine of the table for one machine: one file, kept
// by go.etcd.io/bbolt, durable before a Write returns.
//
// One goroutine writes. It takes all writes that wait, applies them one after
// another to one bbolt transaction, each against what the ones before it left,
// and syncs once for all of them; so a disk that syncs a thousand times a
// second still takes ten thousand writes. Reads see the last synced state and
// never wait for a writer.
//
// The file survives kill -9 and a loss of power: bbolt writes new pages beside
// the old, syncs, then changes over.
package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/returnpoint/returnpoint/shared/table"
)

var _ table.Table = (*Engine)(nil)

// Engine is a table in one file. Make it with Open.
type Engine struct {
	db  *bbolt.DB
	now func() time.Time
	ids *table.WriteIDs

	queue   queue
	stopped chan struct{} // closed when the writing goroutine has ended
}

// The buckets of the file. The stored keys are described at joinKey.
const (
	bucketMeta   = "meta"
	bucketItems  = "items"  // item key -> item
	bucketGSI1   = "gsi1"   // index key -> nothing; the item is read by its key
	bucketGSI2   = "gsi2"   // likewise
	bucketExpiry = "expiry" // seconds, item key -> nothing
)

// metaFormat names the layout of the file; formatNow is the only one there is.
const (
	metaFormat = "format"
	formatNow  = "returnpoint table 1"
)

const (
	// lockWait is how long Open waits for another process to let the file go.
	lockWait = time.Second
	// mapped is the address space taken at the start, so that a growing file
	// is mapped anew, which waits for all readers, only above this size.
	mapped = 1 << 30
	// pageBytes ends a page of a query, like DynamoDB's 1 MB.
	pageBytes = 1 << 20
	// examined bounds the entries one page looks at, since expired ones are
	// passed over.
	examined = 4 * table.MaxLimit
	// listed is the size from which on the list of free pages is written with
	// each commit, since looking for them would take long.
	listed = 256 << 20
	// chunk is how many items Each holds at a time.
	chunk = 200
)

// Open opens the table in the file at path, or makes it; the folder must be
// there. The file is readable by its owner only and held by one process at a
// time. The clock decides what is expired; write ids and first versions are
// drawn from rand, which is crypto/rand.Reader outside of tests.
func Open(path string, now func() time.Time, rand io.Reader) (*Engine, error) {
	options := *bbolt.DefaultOptions
	options.Timeout = lockWait
	options.FreelistType = bbolt.FreelistMapType
	// Of a small file the list of free pages is rebuilt when it is opened,
	// instead of being written with every commit.
	options.NoFreelistSync = true
	options.InitialMmapSize = mapped
	db, err := bbolt.Open(path, 0o600, &options)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("embedded: open %s: another process holds it: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("embedded: open %s: %w", path, err)
	}
	if err := db.Update(prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: prepare %s: %w", path, err), db.Close())
	}
	e := &Engine{
		db:      db,
		now:     now,
		ids:     table.NewWriteIDs(rand),
		queue:   queue{wake: make(chan struct{}, 1)},
		stopped: make(chan struct{}),
	}
	go e.writeUntilClosed()
	return e, nil
}

// prepare makes the buckets of a new file and refuses one of another layout.
func prepare(tx *bbolt.Tx) error {
	for _, name := range []string{bucketMeta, bucketItems, bucketGSI1, bucketGSI2, bucketExpiry} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	meta := tx.Bucket([]byte(bucketMeta))
	switch format := meta.Get([]byte(metaFormat)); {
	case format == nil:
		return meta.Put([]byte(metaFormat), []byte(formatNow))
	case string(format) != formatNow:
		return fmt.Errorf("the file is of the format %q, this program reads %q", format, formatNow)
	}
	return nil
}

// Close finishes the writes that wait and closes the file. Calls that come
// later fail and write nothing.
func (e *Engine) Close() error {
	e.queue.close()
	<-e.stopped
	if err := e.db.Close(); err != nil {
		return fmt.Errorf("embedded: close: %w", err)
	}
	return nil
}

// Get implements table.Table.
func (e *Engine) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("embedded: get: %w", err)
	}
	if err := table.ValidateKeys(keys); err != nil {
		return nil, fmt.Errorf("embedded: get: %w", err)
	}
	items := make([]table.Item, len(keys))
	now := e.now()
	err := e.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(bucketItems))
		for i, key := range keys {
			stored := bucket.Get(itemKey(key))
			if stored == nil {
				continue
			}
			item, err := decodeItem(key, stored)
			if err != nil {
				return err
			}
			if !item.ExpiredAt(now) {
				items[i] = item
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("embedded: get: %w", err)
	}
	return items, nil
}

// Query implements table.Table. On an index it is consistent too, which
// callers must not rely on.
func (e *Engine) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, fmt.Errorf("embedded: query: %w", err)
	}
	if err := q.Validate(); err != nil {
		return table.Page{}, fmt.Errorf("embedded: query: %w", err)
	}
	after, more, err := q.Start()
	if err != nil {
		return table.Page{}, fmt.Errorf("embedded: query: %w", err)
	}
	if q.EmptyRange() {
		return table.Page{}, nil
	}
	w := walk{span: spanOf(q.PK, q.From, q.To), reverse: q.Reverse}
	if more {
		w.after = joinKey(q.PK, after.SK)
		if q.Index != table.Main {
			w.after = indexKey(table.Key{PK: q.PK, SK: after.SK}, after.Key)
		}
	}
	var page table.Page
	err = e.db.View(func(tx *bbolt.Tx) (err error) {
		page, err = e.page(tx, q, w)
		return err
	})
	if err != nil {
		return table.Page{}, fmt.Errorf("embedded: query: %w", err)
	}
	return page, nil
}

func (e *Engine) page(tx *bbolt.Tx, q table.Query, w walk) (table.Page, error) {
	items := tx.Bucket([]byte(bucketItems))
	walked, parts := items, 2
	if q.Index != table.Main {
		walked, parts = tx.Bucket([]byte(indexBuckets[q.Index-table.GSI1])), 4
	}
	var (
		page table.Page
		last table.Position
		seen int
		size int
		now  = e.now()
	)
	cursor := walked.Cursor()
	for key, stored := w.first(cursor); key != nil; key, stored = w.next(cursor) {
		if len(page.Items) == q.PageSize() || size >= pageBytes || seen == examined {
			page.Next = q.NextAfter(last)
			break
		}
		names, err := splitKey(key, parts)
		if err != nil {
			return table.Page{}, err
		}
		own := table.Key{PK: names[parts-2], SK: names[parts-1]}
		last = table.Position{SK: names[1], Key: own}
		seen++
		if q.Index != table.Main {
			stored = items.Get(itemKey(own))
		}
		item, err := decodeItem(own, stored)
		if err != nil {
			return table.Page{}, err
		}
		if item.ExpiredAt(now) {
			continue
		}
		size += len(key) + len(stored)
		page.Items = append(page.Items, item)
	}
	return page, nil
}

// indexBuckets are the buckets of GSI1 and GSI2, in that order.
var indexBuckets = [2]string{bucketGSI1, bucketGSI2}

// walk goes over the keys of a span in either direction, from behind a key.
type walk struct {
	span
	after   []byte // nil begins at the edge
	reverse bool
}

func (w walk) first(c *bbolt.Cursor) (key, value []byte) {
	if !w.reverse {
		if w.after == nil {
			return w.inside(c.Seek(w.low))
		}
		key, value = c.Seek(w.after)
		if string(key) == string(w.after) {
			key, value = c.Next()
		}
		return w.inside(key, value)
	}
	edge := w.after
	if edge == nil {
		edge = w.high
	}
	if key, _ := c.Seek(edge); key == nil {
		return w.inside(c.Last())
	}
	return w.inside(c.Prev())
}

func (w walk) next(c *bbolt.Cursor) (key, value []byte) {
	if w.reverse {
		return w.inside(c.Prev())
	}
	return w.inside(c.Next())
}

func (w walk) inside(key, value []byte) ([]byte, []byte) {
	if key == nil || !w.holds(key) {
		return nil, nil
	}
	return key, value
}

// Each calls fn with every live item whose partition key begins with the
// prefix, in order of partition and sort key, until fn returns an error, which
// it passes on. It is for tools at the machine and no part of the port: it costs
// the size of what it reads. It holds no snapshot, so fn may write.
func (e *Engine) Each(prefix string, fn func(table.Item) error) error {
	from := appendEscaped([]byte{}, prefix)
	for from != nil {
		var items []table.Item
		err := e.db.View(func(tx *bbolt.Tx) (err error) {
			items, from, err = e.readOn(tx, from, prefix)
			return err
		})
		if err != nil {
			return fmt.Errorf("embedded: read all items: %w", err)
		}
		for _, item := range items {
			if err := fn(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// readOn reads up to chunk live items from a stored key on, and the key to go
// on from, which is nil at the end.
func (e *Engine) readOn(tx *bbolt.Tx, from []byte, prefix string) (items []table.Item, next []byte, err error) {
	now := e.now()
	cursor := tx.Bucket([]byte(bucketItems)).Cursor()
	for key, stored := cursor.Seek(from); key != nil; key, stored = cursor.Next() {
		names, err := splitKey(key, 2)
		if err != nil {
			return nil, nil, err
		}
		if !strings.HasPrefix(names[0], prefix) {
			break
		}
		if len(items) == chunk {
			return items, append([]byte{}, key...), nil
		}
		item, err := decodeItem(table.Key{PK: names[0], SK: names[1]}, stored)
		if err != nil {
			return nil, nil, err
		}
		if !item.ExpiredAt(now) {
			items = append(items, item)
		}
	}
	return items, nil, nil
}

// Digest is the number of live items and a SHA-256, in hex, over their keys,
// versions, expiries, index keys and attributes in key order. Write ids are left
// out, so tables that went through the same states have the same digest. It
// reads one snapshot from end to end.
func (e *Engine) Digest() (items int, sum string, err error) {
	hash := sha256.New()
	now := e.now()
	err = e.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketItems)).ForEach(func(key, stored []byte) error {
			head, d := decodeHead(table.Key{}, stored)
			if d.err != nil {
				return d.err
			}
			if head.ExpiredAt(now) {
				return nil
			}
			items++
			for _, part := range [][]byte{key, stored[bodyStart:]} {
				hash.Write(binary.AppendUvarint(nil, uint64(len(part))))
				hash.Write(part)
			}
			return nil
		})
	})
	if err != nil {
		return 0, "", fmt.Errorf("embedded: digest: %w", err)
	}
	return items, hex.EncodeToString(hash.Sum(nil)), nil
}
