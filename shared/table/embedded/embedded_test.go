package embedded_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	seeded "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var noon = time.Date(2040, 5, 17, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func open(t testing.TB, path string, now func() time.Time, random io.Reader) *embedded.Engine {
	t.Helper()
	e, err := embedded.Open(path, now, random)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

func TestTheEngineKeepsToThePort(t *testing.T) {
	tabletest.Run(t, func(t *testing.T, now func() time.Time) table.Table {
		return open(t, filepath.Join(t.TempDir(), "table.db"), now, rand.Reader)
	})
}

func entry(pk, sk, says string) table.Item {
	return table.Item{Key: table.Key{PK: pk, SK: sk}, Index1: table.Key{PK: "g", SK: sk}, Attr: map[string]any{"says": says}}
}

func put(t testing.TB, e *embedded.Engine, items ...table.Item) {
	t.Helper()
	for _, item := range items {
		if err := e.Write(context.Background(), table.Put(item, table.None)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	ctx := context.Background()
	e := open(t, path, atNoon, rand.Reader)
	put(t, e, entry("p", "a", "1"), entry("p", "b", "2"), entry("p", "c", "3"))
	before, err := e.Get(ctx, table.Key{PK: "p", SK: "b"})
	if err != nil {
		t.Fatal(err)
	}
	queries := []table.Query{{PK: "p", Limit: 1}, {Index: table.GSI1, PK: "g", Limit: 1}, {PK: "p", Limit: 1, Reverse: true}}
	cursors := make([]string, len(queries))
	for i, q := range queries {
		page, err := e.Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		cursors[i] = page.Next
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e = open(t, path, atNoon, rand.Reader)
	t.Run("items are as they were, with their versions", func(t *testing.T) {
		after, err := e.Get(ctx, table.Key{PK: "p", SK: "b"})
		if err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%+v became %+v, %v", before, after, err)
		}
		if err := e.Write(ctx, table.Check(before[0].Key, table.Version(before[0].Version))); err != nil {
			t.Error(err)
		}
	})
	t.Run("a query goes on from the cursor it had", func(t *testing.T) {
		for i, q := range queries {
			q.Cursor = cursors[i]
			page, err := e.Query(ctx, q)
			if err != nil || len(page.Items) != 1 || page.Items[0].Key.SK != "b" {
				t.Errorf("%+v returns %+v, %v", q, page.Items, err)
			}
		}
	})
}

func TestAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	open(t, path, atNoon, rand.Reader)
	t.Run("is its owner's alone", func(t *testing.T) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
	t.Run("is open once at a time", func(t *testing.T) {
		if second, err := embedded.Open(path, atNoon, rand.Reader); err == nil {
			t.Error("it is open twice")
			second.Close()
		} else if !strings.Contains(err.Error(), "another process holds it") {
			t.Error(err)
		}
	})
	t.Run("is not made in a folder that is not there", func(t *testing.T) {
		if _, err := embedded.Open(filepath.Join(path, "none", "table.db"), atNoon, rand.Reader); err == nil {
			t.Error("it was")
		}
	})
}

func TestAClosedTableTakesNoWrites(t *testing.T) {
	e, err := embedded.Open(filepath.Join(t.TempDir(), "table.db"), atNoon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan error)
	for n := range 20 {
		go func() {
			for {
				if err := e.Write(context.Background(), table.Put(entry("p", fmt.Sprint(n), "x"), table.None)); err != nil {
					answers <- err
					return
				}
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := <-answers; errors.Is(err, table.ErrAmbiguous) || !strings.Contains(err.Error(), "closed") {
			t.Errorf("the error is %v", err)
		}
	}
	if _, err := e.Get(context.Background(), table.Key{PK: "p", SK: "0"}); err == nil {
		t.Error("a closed table is read")
	}
}

// kept by the child process of TestWhatWasAcknowledgedSurvivesKill9.
const childFile = "RETURNPOINT_TEST_TABLE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		writeUntilKilled(path)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes pairs of items from eight callers and says which are done.
func writeUntilKilled(path string) {
	e, err := embedded.Open(path, atNoon, rand.Reader)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	done := make(chan int)
	for caller := range 8 {
		go func() {
			for n := caller; ; n += 8 {
				left, right := pair(n)
				if err := e.Write(context.Background(), table.Put(left, table.Absent), table.Put(right, table.Absent)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				done <- n
			}
		}()
	}
	for n := range done {
		fmt.Println(n)
	}
}

func pair(n int) (left, right table.Item) {
	sk := fmt.Sprintf("%08d", n)
	return entry("left", sk, strings.Repeat("x", n%3000)), entry("right", sk, "x")
}

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childFile+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []int
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break // the last line may be cut short
		}
		if acknowledged = append(acknowledged, n); len(acknowledged) == 500 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // killed, which is an error
	if len(acknowledged) < 500 {
		t.Fatalf("only %d writes were acknowledged", len(acknowledged))
	}

	e := open(t, path, atNoon, rand.Reader)
	found := map[string]map[string]bool{"left": {}, "right": {}}
	if err := e.Each("", func(item table.Item) error {
		found[item.Key.PK][item.Key.SK] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, n := range acknowledged {
		if left, right := pair(n); !found["left"][left.Key.SK] || !found["right"][right.Key.SK] {
			t.Errorf("write %d was acknowledged and is not there", n)
		}
	}
	if !reflect.DeepEqual(found["left"], found["right"]) {
		t.Errorf("there are halves of writes: %d left, %d right", len(found["left"]), len(found["right"]))
	}
	put(t, e, entry("p", "after", "x"))
}

func digest(t *testing.T, e *embedded.Engine) (int, string) {
	t.Helper()
	items, sum, err := e.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return items, sum
}

func TestADigest(t *testing.T) {
	now := noon
	fresh := func(t *testing.T) *embedded.Engine {
		now = noon
		e := open(t, filepath.Join(t.TempDir(), "table.db"), func() time.Time { return now }, seeded.NewChaCha8([32]byte{9}))
		put(t, e, entry("p", "a", "1"), entry("p", "b", "2"))
		return e
	}
	reference := fresh(t)
	items, sum := digest(t, reference)
	if items != 2 || len(sum) != 64 {
		t.Fatalf("%d items, %q", items, sum)
	}
	t.Run("is equal after the same writes", func(t *testing.T) {
		if n, again := digest(t, fresh(t)); n != items || again != sum {
			t.Errorf("%d items, %s, want %s", n, again, sum)
		}
	})
	t.Run("does not see write ids", func(t *testing.T) {
		one, two := fresh(t), fresh(t)
		// Two more writes that leave nothing shift what is drawn after them.
		put(t, two, entry("p", "c", "x"))
		if err := two.Write(context.Background(), table.Delete(table.Key{PK: "p", SK: "c"}, table.None)); err != nil {
			t.Fatal(err)
		}
		for _, e := range []*embedded.Engine{one, two} {
			read, err := e.Get(context.Background(), table.Key{PK: "p", SK: "a"})
			if err != nil {
				t.Fatal(err)
			}
			read[0].Attr["says"] = "changed"
			if err := e.Write(context.Background(), table.Put(read[0], table.Version(read[0].Version))); err != nil {
				t.Fatal(err)
			}
		}
		_, first := digest(t, one)
		_, second := digest(t, two)
		if first != second || first == sum {
			t.Errorf("%s and %s, at first %s", first, second, sum)
		}
	})
	t.Run("changes with whatever changes", func(t *testing.T) {
		seen := map[string]string{sum: "nothing"}
		for what, change := range map[string]func(e *embedded.Engine){
			"an attribute": func(e *embedded.Engine) { put(t, e, entry("p", "a", "3")) },
			"an index key": func(e *embedded.Engine) {
				moved := entry("p", "a", "1")
				moved.Index1.SK = "z"
				put(t, e, moved)
			},
			"an expiry": func(e *embedded.Engine) {
				mortal := entry("p", "a", "1")
				mortal.Expires = noon.Add(time.Hour)
				put(t, e, mortal)
			},
			"a version":    func(e *embedded.Engine) { put(t, e, entry("p", "a", "1")) },
			"another item": func(e *embedded.Engine) { put(t, e, entry("p", "c", "1")) },
			"a lesser item": func(e *embedded.Engine) {
				_ = e.Write(context.Background(), table.Delete(table.Key{PK: "p", SK: "b"}, table.None))
			},
		} {
			e := fresh(t)
			change(e)
			_, now := digest(t, e)
			if other, twice := seen[now]; twice {
				t.Errorf("%s and %s have the same digest", what, other)
			}
			seen[now] = what
		}
	})
	t.Run("leaves out what has expired", func(t *testing.T) {
		e := fresh(t)
		mortal := entry("p", "c", "1")
		mortal.Expires = noon.Add(time.Hour)
		put(t, e, mortal)
		if n, _ := digest(t, e); n != 3 {
			t.Errorf("%d items", n)
		}
		now = noon.Add(time.Hour)
		if n, after := digest(t, e); n != 2 || after != sum {
			t.Errorf("%d items, %s, want %s", n, after, sum)
		}
	})
}

func TestEach(t *testing.T) {
	now := noon
	e := open(t, filepath.Join(t.TempDir(), "table.db"), func() time.Time { return now }, rand.Reader)
	var want []string
	for n := range 450 {
		item := entry(fmt.Sprintf("P#%d", n%3), fmt.Sprintf("%03d", n), "x")
		put(t, e, item)
	}
	for pk := range 3 {
		for n := pk; n < 450; n += 3 {
			want = append(want, fmt.Sprintf("P#%d / %03d", pk, n))
		}
	}
	mortal := entry("P#1", "mortal", "x")
	mortal.Expires = noon.Add(time.Minute)
	put(t, e, entry("O", "before", "x"), entry("Q", "behind", "x"), mortal)
	now = noon.Add(time.Hour)

	names := func(prefix string) (got []string) {
		t.Helper()
		if err := e.Each(prefix, func(item table.Item) error {
			got = append(got, item.Key.String())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	t.Run("gives every live item under the prefix, in order", func(t *testing.T) {
		if got := names("P#"); !reflect.DeepEqual(got, want) {
			t.Errorf("got %d items %q", len(got), got)
		}
		if got := names("P#1"); !reflect.DeepEqual(got, want[150:300]) {
			t.Errorf("got %d items %q", len(got), got)
		}
		if got := names(""); len(got) != 452 {
			t.Errorf("got %d items", len(got))
		}
		if got := names("none"); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("lets its caller write", func(t *testing.T) {
		if err := e.Each("P#", func(item table.Item) error {
			item.Attr["says"] = "seen"
			return e.Write(context.Background(), table.Put(item, table.Version(item.Version)))
		}); err != nil {
			t.Fatal(err)
		}
		if err := e.Each("P#", func(item table.Item) error {
			if item.Attr["says"] != "seen" {
				return fmt.Errorf("%s was passed over", item.Key)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("stops at its caller's error and passes it on", func(t *testing.T) {
		enough, n := errors.New("enough"), 0
		if err := e.Each("", func(table.Item) error {
			if n++; n == 5 {
				return enough
			}
			return nil
		}); err != enough || n != 5 {
			t.Errorf("%v after %d items", err, n)
		}
	})
}
