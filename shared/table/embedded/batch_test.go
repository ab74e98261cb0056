package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/returnpoint/returnpoint/shared/table"
)

var noon = time.Date(2040, 5, 17, 12, 0, 0, 0, time.UTC)

// desk is an engine seen from inside.
type desk struct {
	*testing.T
	*Engine
	path string
	now  time.Time
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, path: filepath.Join(t.TempDir(), "table.db"), now: noon}
	e, err := Open(d.path, func() time.Time { return d.now }, rand.NewChaCha8([32]byte{3}))
	if err != nil {
		t.Fatal(err)
	}
	d.Engine = e
	t.Cleanup(func() {
		if err := d.Engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func entry(sk, says string) table.Item {
	return table.Item{Key: table.Key{PK: "p", SK: sk}, Attr: map[string]any{"says": says}}
}

// together commits several writes as one batch and returns their answers.
func (d *desk) together(writes ...[]table.Op) []error {
	d.Helper()
	batch := make([]*request, len(writes))
	for i, ops := range writes {
		r, err := d.request(ops)
		if err != nil {
			d.Fatal(err)
		}
		batch[i] = r
	}
	d.commit(batch)
	answers := make([]error, len(writes))
	for i, r := range batch {
		answers[i] = <-r.done
	}
	return answers
}

// holdUp takes the one writing transaction of the file, until the function it
// returns is called, and lets the writing goroutine wait for it with one write.
func (d *desk) holdUp() (letGo func()) {
	d.Helper()
	tx, err := d.db.Begin(true)
	if err != nil {
		d.Fatal(err)
	}
	letGo = sync.OnceFunc(func() {
		if err := tx.Rollback(); err != nil {
			d.Error(err)
		}
	})
	d.Cleanup(letGo)
	r, err := d.request([]table.Op{table.Put(entry("held up", "x"), table.None)})
	if err != nil {
		d.Fatal(err)
	}
	if err := d.queue.add(r); err != nil {
		d.Fatal(err)
	}
	d.waiting(0)
	return letGo
}

// waiting returns when so many writes wait.
func (d *desk) waiting(n int) {
	d.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		d.queue.mu.Lock()
		got := len(d.queue.waiting)
		d.queue.mu.Unlock()
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			d.Fatalf("%d writes wait, want %d", got, n)
		}
	}
}

func (d *desk) says(sk string) any {
	d.Helper()
	items, err := d.Get(context.Background(), table.Key{PK: "p", SK: sk})
	if err != nil {
		d.Fatal(err)
	}
	return items[0].Attr["says"]
}

func (d *desk) put(items ...table.Item) {
	d.Helper()
	for _, item := range items {
		if err := d.Write(context.Background(), table.Put(item, table.None)); err != nil {
			d.Fatal(err)
		}
	}
}

// transactions is the number of bbolt transactions the file has seen.
func (d *desk) transactions() (n int) {
	if err := d.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		d.Fatal(err)
	}
	return n
}

// entriesIn counts the keys of a bucket.
func (d *desk) entriesIn(bucket string) (n int) {
	if err := d.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(_, _ []byte) error { n++; return nil })
	}); err != nil {
		d.Fatal(err)
	}
	return n
}

func TestABatchOfWrites(t *testing.T) {
	t.Run("is judged write by write, each by what the ones before it left", func(t *testing.T) {
		d := openDesk(t)
		answers := d.together(
			[]table.Op{table.Put(entry("a", "first"), table.Absent)},
			[]table.Op{table.Put(entry("a", "second"), table.Absent)},
			[]table.Op{table.Delete(table.Key{PK: "p", SK: "a"}, table.None)},
			[]table.Op{table.Put(entry("a", "fourth"), table.Absent), table.Put(entry("b", "fourth"), table.None)},
			[]table.Op{table.Put(entry("b", "fifth"), table.None), table.Check(table.Key{PK: "p", SK: "a"}, table.Absent)},
		)
		for i, conflict := range []bool{false, true, false, false, true} {
			if errors.Is(answers[i], table.ErrConflict) != conflict || !conflict && answers[i] != nil {
				t.Errorf("write %d: %v", i+1, answers[i])
			}
		}
		if d.says("a") != "fourth" || d.says("b") != "fourth" {
			t.Errorf("left are %v and %v", d.says("a"), d.says("b"))
		}
	})
	t.Run("is one transaction", func(t *testing.T) {
		d := openDesk(t)
		before := d.transactions()
		for _, err := range d.together(
			[]table.Op{table.Put(entry("a", "x"), table.None)},
			[]table.Op{table.Put(entry("b", "x"), table.None)},
			[]table.Op{table.Put(entry("c", "x"), table.None)},
		) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := d.transactions() - before; got != 1 {
			t.Errorf("%d transactions", got)
		}
	})
	t.Run("that changes nothing syncs nothing", func(t *testing.T) {
		d := openDesk(t)
		d.put(entry("a", "x"))
		before := d.transactions()
		answers := d.together(
			[]table.Op{table.Put(entry("a", "y"), table.Absent)},
			[]table.Op{table.Check(table.Key{PK: "p", SK: "b"}, table.Absent)},
			[]table.Op{table.Delete(table.Key{PK: "p", SK: "b"}, table.None)},
		)
		if !errors.Is(answers[0], table.ErrConflict) || answers[1] != nil || answers[2] != nil {
			t.Errorf("answered %v", answers)
		}
		if got := d.transactions() - before; got != 0 {
			t.Errorf("%d transactions", got)
		}
	})
	t.Run("gathers all that wait", func(t *testing.T) {
		d := openDesk(t)
		before := d.transactions()
		letGo := d.holdUp()
		var wg sync.WaitGroup
		const callers = 100
		for n := range callers {
			wg.Go(func() {
				if err := d.Write(context.Background(), table.Put(entry(fmt.Sprint(n), "x"), table.None)); err != nil {
					t.Error(err)
				}
			})
		}
		d.waiting(callers)
		letGo()
		wg.Wait()
		if got := d.transactions() - before; got != 2 {
			t.Errorf("%d transactions for %d writes", got, callers)
		}
		if got := d.entriesIn(bucketItems); got != callers+1 {
			t.Errorf("%d items", got)
		}
	})
	t.Run("is bounded by the number and by the bytes of its writes", func(t *testing.T) {
		var q queue
		q.wake = make(chan struct{}, 1)
		for range batchWrites + 1 {
			if err := q.add(&request{size: 1}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := q.add(&request{size: batchBytes}); err != nil {
				t.Fatal(err)
			}
		}
		var sizes []int
		for range 5 {
			batch, _ := q.take()
			sizes = append(sizes, len(batch))
		}
		if got := fmt.Sprint(sizes); got != "[512 2 1 1 0]" {
			t.Errorf("the batches hold %s writes", got)
		}
	})
}

func TestAWriteWhoseContextEndsWhileItWaitsIsNotDone(t *testing.T) {
	d := openDesk(t)
	letGo := d.holdUp()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := d.Write(ctx, table.Put(entry("a", "x"), table.None))
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, table.ErrAmbiguous) {
		t.Errorf("the error is %v", err)
	}
	letGo()
	d.put(entry("b", "behind it"))
	if got := d.says("a"); got != nil {
		t.Errorf("it was done all the same: %v", got)
	}
}

func TestExpiredItemsAreRemovedInSmallSteps(t *testing.T) {
	d := openDesk(t)
	const many = 3*sweepItems - 10
	for n := range many {
		old := entry(fmt.Sprintf("old%03d", n), "x")
		old.Index1, old.Index2 = table.Key{PK: "g", SK: "1"}, table.Key{PK: "h", SK: "1"}
		old.Expires = noon.Add(time.Duration(1+n) * time.Second)
		d.put(old)
	}
	d.put(entry("kept", "x"))
	d.now = noon.Add(time.Hour)
	// Another life of an item that has expired is swept by its new expiry alone.
	again := entry("old000", "again")
	again.Expires = noon.Add(2 * time.Hour)
	left := many
	for n := range 4 {
		if n == 0 {
			d.put(again)
			left--
		} else {
			d.put(entry("written", fmt.Sprint(n)))
		}
		left = max(left-sweepItems, 0)
		want := left + 1
		if got := d.entriesIn(bucketExpiry); got != want {
			t.Errorf("after write %d there are %d expiries, want %d", n+1, got, want)
		}
	}
	if items := d.entriesIn(bucketItems); items != 3 {
		t.Errorf("%d items are left, want the one kept, the one written and the one made again", items)
	}
	if one, two := d.entriesIn(bucketGSI1), d.entriesIn(bucketGSI2); one != 0 || two != 0 {
		t.Errorf("%d and %d entries are left in the indexes", one, two)
	}
	if d.says("old000") != "again" || d.says("kept") != "x" {
		t.Error("an item that lives was removed")
	}
}

func TestAPageIsBounded(t *testing.T) {
	t.Run("by its bytes", func(t *testing.T) {
		d := openDesk(t)
		for n := range 6 {
			big := entry(fmt.Sprint(n), "x")
			big.Attr["fill"] = strings.Repeat("x", 300_000)
			d.put(big)
		}
		page, err := d.Query(context.Background(), table.Query{PK: "p"})
		if err != nil || len(page.Items) != 4 || page.Next == "" {
			t.Errorf("%d items lead to %q, %v", len(page.Items), page.Next, err)
		}
	})
	t.Run("by the expired items it passes over", func(t *testing.T) {
		d := openDesk(t)
		var writes [][]table.Op
		for n := range examined + 1 {
			old := entry(fmt.Sprintf("%05d", n), "x")
			old.Expires = noon.Add(time.Minute)
			writes = append(writes, []table.Op{table.Put(old, table.None)})
		}
		for _, err := range d.together(append(writes, []table.Op{table.Put(entry("last", "x"), table.None)})...) {
			if err != nil {
				t.Fatal(err)
			}
		}
		d.now = noon.Add(time.Hour)
		q := table.Query{PK: "p"}
		page, err := d.Query(context.Background(), q)
		if err != nil || len(page.Items) != 0 || page.Next == "" {
			t.Fatalf("%d items lead to %q, %v", len(page.Items), page.Next, err)
		}
		q.Cursor = page.Next
		page, err = d.Query(context.Background(), q)
		if err != nil || len(page.Items) != 1 || page.Next != "" {
			t.Errorf("%d items lead to %q, %v", len(page.Items), page.Next, err)
		}
	})
}

func TestAnItemLeavesNoEntryBehind(t *testing.T) {
	d := openDesk(t)
	full := entry("a", "x")
	full.Index1, full.Index2, full.Expires = table.Key{PK: "g", SK: "1"}, table.Key{PK: "h", SK: "1"}, noon.Add(time.Hour)
	count := func() string {
		return fmt.Sprint(d.entriesIn(bucketItems), d.entriesIn(bucketGSI1), d.entriesIn(bucketGSI2), d.entriesIn(bucketExpiry))
	}
	d.put(full)
	if got := count(); got != "1 1 1 1" {
		t.Errorf("put: %s", got)
	}
	moved := full
	moved.Index1.SK, moved.Index2.PK, moved.Expires = "2", "i", noon.Add(2*time.Hour)
	d.put(moved)
	if got := count(); got != "1 1 1 1" {
		t.Errorf("moved: %s", got)
	}
	d.put(entry("a", "bare"))
	if got := count(); got != "1 0 0 0" {
		t.Errorf("bare: %s", got)
	}
	d.put(full)
	if err := d.Write(context.Background(), table.Delete(full.Key, table.None)); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != "0 0 0 0" {
		t.Errorf("deleted: %s", got)
	}
}

func TestAFileThatCannotBeWritten(t *testing.T) {
	big := func(sk string) []table.Op {
		item := entry(sk, "x")
		item.Attr["fill"] = strings.Repeat("x", 300_000)
		return []table.Op{table.Put(item, table.None)}
	}
	d := openDesk(t)
	d.put(entry("before", "x"))
	d.db.MaxSize = 1 // the next growth of the file fails
	var answers []error
	for range 100 {
		answers = d.together(
			[]table.Op{table.Put(entry("small", "x"), table.None)}, big("big 1"), big("big 2"), big("big 3"),
			[]table.Op{table.Put(entry("before", "y"), table.Absent)},
			[]table.Op{table.Check(table.Key{PK: "p", SK: "before"}, table.Version(1))},
			[]table.Op{table.Check(table.Key{PK: "p", SK: "none"}, table.Absent)},
		)
		if answers[0] != nil {
			break
		}
	}
	for i, want := range []error{
		table.ErrAmbiguous, table.ErrAmbiguous, table.ErrAmbiguous, table.ErrAmbiguous,
		table.ErrContention, table.ErrContention, table.ErrContention,
	} {
		if !errors.Is(answers[i], want) {
			t.Errorf("write %d of the batch says %v, want %v", i+1, answers[i], want)
		}
	}

	err := d.Write(context.Background(), table.Put(entry("later", "x"), table.None))
	if err == nil || errors.Is(err, table.ErrAmbiguous) {
		t.Errorf("a later write says %v, want that nothing is written any more", err)
	}
	if got := d.says("before"); got != "x" {
		t.Errorf("what was there reads as %v", got)
	}

	if err := d.Engine.Close(); err != nil {
		t.Fatal(err)
	}
	if d.Engine, err = Open(d.path, func() time.Time { return d.now }, rand.NewChaCha8([32]byte{4})); err != nil {
		t.Fatal(err)
	}
	d.put(entry("later", "x"))
	if d.says("before") != "x" || d.says("later") != "x" {
		t.Error("the file opened again does not hold what it should")
	}
}

func TestADamagedItem(t *testing.T) {
	d := openDesk(t)
	bad := entry("bad", "x")
	bad.Index1, bad.Expires = table.Key{PK: "g", SK: "1"}, noon.Add(time.Minute)
	d.put(bad, entry("good", "x"))
	if err := d.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketItems)).Put(itemKey(bad.Key), []byte("damage"))
	}); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for what, read := range map[string]func() error{
		"a get":             func() error { _, err := d.Get(ctx, bad.Key); return err },
		"a query":           func() error { _, err := d.Query(ctx, table.Query{PK: "p"}); return err },
		"a query of GSI1":   func() error { _, err := d.Query(ctx, table.Query{Index: table.GSI1, PK: "g"}); return err },
		"a write to it":     func() error { return d.Write(ctx, table.Put(bad, table.None)) },
		"a digest":          func() error { _, _, err := d.Digest(); return err },
		"a reading of each": func() error { return d.Each("", func(table.Item) error { return nil }) },
	} {
		if err := read(); !errors.Is(err, errDamaged) {
			t.Errorf("%s says %v", what, err)
		}
	}
	if d.now = noon.Add(time.Hour); d.says("good") != "x" {
		t.Error("another item cannot be read")
	}
	d.put(entry("good", "y")) // and sweeps
	if d.says("good") != "y" {
		t.Error("another item cannot be written")
	}
}

func TestAFileOfAnotherFormatIsRefused(t *testing.T) {
	d := openDesk(t)
	if err := d.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaFormat), []byte("returnpoint table 2"))
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Engine.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := Open(d.path, time.Now, rand.NewChaCha8([32]byte{}))
	if err == nil || !strings.Contains(err.Error(), "returnpoint table 2") {
		t.Errorf("the error is %v", err)
		e.Close()
	}
}
