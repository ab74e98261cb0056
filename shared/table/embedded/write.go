package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/returnpoint/returnpoint/shared/table"
)

const (
	// batchWrites and batchBytes bound one bbolt transaction, and with it the
	// wait of the last write in it.
	batchWrites = 512
	batchBytes  = 8 << 20
	// sweepItems is how many expired items one transaction removes on the side.
	sweepItems = 64
)

var errClosed = errors.New("the table is closed")

// request is one Write on its way to the writing goroutine.
type request struct {
	ops  []change
	size int        // bytes of all stored items
	done chan error // has room for the one answer
	// taken is set once, by the writing goroutine that begins with the request
	// or by a caller that gives it up before that.
	taken atomic.Bool
}

// change is one operation, ready to be stored.
type change struct {
	table.Op
	key    []byte // of bucketItems
	stored []byte // the item of a put
}

// Write implements table.Table. A context that ends while the write waits takes
// it back; once it is being committed, which takes one sync of the disk, Write
// stays for the answer, so a cancelled context is never ambiguous here.
func (e *Engine) Write(ctx context.Context, ops ...table.Op) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("embedded: write: %w", err)
	}
	if err := table.Validate(ops); err != nil {
		return fmt.Errorf("embedded: write: %w", err)
	}
	if len(ops) == 0 {
		return nil
	}
	r, err := e.request(ops)
	if err != nil {
		return fmt.Errorf("embedded: write: %w", err)
	}
	if err := e.queue.add(r); err != nil {
		return fmt.Errorf("embedded: write: %w", err)
	}
	select {
	case err = <-r.done:
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return fmt.Errorf("embedded: write: %w", ctx.Err())
		}
		err = <-r.done
	}
	if err != nil {
		return fmt.Errorf("embedded: write: %w", err)
	}
	return nil
}

// request encodes the operations, here and not in the one writing goroutine.
// It can, because a condition tells the version that will be stored.
func (e *Engine) request(ops []table.Op) (*request, error) {
	id, err := e.ids.Next()
	if err != nil {
		return nil, err
	}
	r := &request{ops: make([]change, len(ops)), done: make(chan error, 1)}
	for i, op := range ops {
		c := change{Op: op, key: itemKey(op.Item.Key)}
		if op.Kind == table.OpPut {
			c.stored = encodeItem(op.Item, id, id.Version(op.Cond))
			r.size += len(c.stored)
		}
		r.ops[i] = c
	}
	return r, nil
}

// queue holds the writes that wait.
type queue struct {
	wake chan struct{} // has room for one; filled when there is something to see

	mu      sync.Mutex
	waiting []*request
	closed  bool
	broken  error // why no more can be written
}

func (q *queue) add(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	if q.broken != nil {
		return q.broken
	}
	q.waiting = append(q.waiting, r)
	q.ring()
	return nil
}

func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ring()
}

// fail ends the taking of writes and fails the ones that wait.
func (q *queue) fail(why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = why
	for _, r := range q.waiting {
		r.done <- why
	}
	q.waiting = nil
}

// take removes the next batch; closed tells that nothing comes after what waits.
func (q *queue) take() (batch []*request, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, n := 0, 0
	for n < len(q.waiting) && n < batchWrites && size < batchBytes {
		size += q.waiting[n].size
		n++
	}
	batch = q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch, q.closed
}

func (e *Engine) writeUntilClosed() {
	defer close(e.stopped)
	for {
		// The callers that the last commit answered are about to write again:
		// let them queue up, or every other batch holds one of them alone.
		runtime.Gosched()
		batch, closed := e.queue.take()
		switch {
		case len(batch) > 0:
			e.commit(batch)
		case closed:
			return
		default:
			<-e.queue.wake
		}
	}
}

// commit applies the batch to one transaction, syncs it, and answers every
// request.
func (e *Engine) commit(batch []*request) {
	tx, err := e.db.Begin(true)
	if err != nil {
		answerAll(batch, fmt.Errorf("begin a transaction: %w", err))
		return
	}
	e.db.NoFreelistSync = tx.Size() < listed
	answers := make([]answer, len(batch))
	changed, err := applyAll(newWriter(tx, e.now()), batch, answers)
	if err != nil || !changed {
		// Given up before anything reached the file.
		err = errors.Join(err, tx.Rollback())
	} else if err = tx.Commit(); err != nil {
		// Whether the disk has it is not known, and a second sync may report
		// success for pages that the first one lost. Only opening the file
		// again tells, so nothing more is written until then.
		err = fmt.Errorf("commit: %w", err)
		e.queue.fail(fmt.Errorf("the table takes no more writes until it is opened again: %w", err))
		for i := range answers {
			if answers[i].wrote {
				answers[i].err = table.ErrAmbiguous
			} else {
				// Judged by what the batch did before it, which may be lost;
				// this write itself changed nothing.
				answers[i].err = table.ErrContention
			}
			answers[i].err = fmt.Errorf("%w: %w", answers[i].err, err)
		}
		err = nil
	}
	if err != nil {
		answerAll(batch, err)
		return
	}
	for i, r := range batch {
		r.done <- answers[i].err
	}
}

func answerAll(batch []*request, err error) {
	for _, r := range batch {
		r.done <- err
	}
}

// answer is what became of one request before the commit.
type answer struct {
	wrote bool
	err   error // why this one was not done; the others are
}

// applyAll fills in the answers and sweeps. Its own error means that the
// transaction is spoilt.
func applyAll(w *writer, batch []*request, answers []answer) (changed bool, err error) {
	for i, r := range batch {
		if !r.taken.CompareAndSwap(false, true) {
			continue // given up by its caller
		}
		before, refused := w.check(r.ops)
		if refused != nil {
			answers[i].err = refused
			continue
		}
		if answers[i].wrote, err = w.change(r.ops, before); err != nil {
			return false, err
		}
		changed = changed || answers[i].wrote
	}
	if changed {
		if err := w.sweep(sweepItems); err != nil {
			return false, fmt.Errorf("remove expired items: %w", err)
		}
	}
	return changed, nil
}

// writer changes items and indexes together within one transaction.
type writer struct {
	items, expiry *bbolt.Bucket
	indexes       [2]*bbolt.Bucket
	now           time.Time
}

func newWriter(tx *bbolt.Tx, now time.Time) *writer {
	return &writer{
		items:  tx.Bucket([]byte(bucketItems)),
		expiry: tx.Bucket([]byte(bucketExpiry)),
		indexes: [2]*bbolt.Bucket{
			tx.Bucket([]byte(indexBuckets[0])),
			tx.Bucket([]byte(indexBuckets[1])),
		},
		now: now,
	}
}

// check judges all conditions and returns the items as they are stored, expired
// ones too, without their attributes.
func (w *writer) check(ops []change) (before []table.Item, err error) {
	before = make([]table.Item, len(ops))
	for i, op := range ops {
		if before[i], err = w.head(op.key, op.Item.Key); err != nil {
			return nil, err
		}
		version := before[i].Version
		if before[i].ExpiredAt(w.now) {
			version = 0
		}
		if !op.Cond.Holds(version) {
			return nil, fmt.Errorf("operation %d of %d on %s asks for %s: %w", i+1, len(ops), op.Item.Key, op.Cond, table.ErrConflict)
		}
	}
	return before, nil
}

// change does the operations, whose conditions hold.
func (w *writer) change(ops []change, before []table.Item) (wrote bool, err error) {
	for i, op := range ops {
		switch {
		case op.Kind == table.OpPut:
			err = w.put(op, before[i])
		case op.Kind == table.OpDelete && before[i].Exists():
			err = w.remove(op.key, before[i])
		default:
			continue
		}
		if err != nil {
			return false, fmt.Errorf("change the item %s: %w", op.Item.Key, err)
		}
		wrote = true
	}
	return wrote, nil
}

func (w *writer) head(stored []byte, key table.Key) (table.Item, error) {
	value := w.items.Get(stored)
	if value == nil {
		return table.Item{}, nil
	}
	item, d := decodeHead(key, value)
	if d.err != nil {
		return table.Item{}, fmt.Errorf("decode the item %s: %w", key, d.err)
	}
	return item, nil
}

func (w *writer) put(op change, before table.Item) error {
	if err := w.items.Put(op.key, op.stored); err != nil {
		return err
	}
	return w.reindex(before, op.Item)
}

func (w *writer) remove(stored []byte, before table.Item) error {
	if err := w.items.Delete(stored); err != nil {
		return err
	}
	return w.reindex(before, table.Item{})
}

// reindex moves the entries of one item, absent before or after as the zero Item.
func (w *writer) reindex(before, after table.Item) error {
	was, is := entries(before), entries(after)
	for i, bucket := range [...]*bbolt.Bucket{w.indexes[0], w.indexes[1], w.expiry} {
		if bytes.Equal(was[i], is[i]) {
			continue
		}
		if was[i] != nil {
			if err := bucket.Delete(was[i]); err != nil {
				return err
			}
		}
		if is[i] != nil {
			if err := bucket.Put(is[i], nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// entries are the stored keys of an item in GSI1, GSI2 and the expiry bucket;
// nil where it has none.
func entries(item table.Item) (keys [3][]byte) {
	for i, index := range [...]table.Key{item.Index1, item.Index2} {
		if index != (table.Key{}) {
			keys[i] = indexKey(index, item.Key)
		}
	}
	if seconds := expirySeconds(item); seconds != 0 {
		keys[2] = expiryKey(seconds, item.Key)
	}
	return keys
}

// sweep removes up to limit expired items, the longest expired first.
func (w *writer) sweep(limit int) error {
	var due [][]byte
	cursor := w.expiry.Cursor()
	for key, _ := cursor.First(); key != nil && len(due) < limit; key, _ = cursor.Next() {
		if len(key) < 8 || int64(binary.BigEndian.Uint64(key)) > w.now.Unix() {
			break
		}
		due = append(due, bytes.Clone(key[8:]))
	}
	for _, stored := range due {
		parts, err := splitKey(stored, 2)
		if err != nil {
			return err
		}
		item, err := w.head(stored, table.Key{PK: parts[0], SK: parts[1]})
		if err != nil {
			continue // a damaged item is reported to whoever asks for it, not to this writer
		}
		if err := w.remove(stored, item); err != nil {
			return err
		}
	}
	return nil
}
