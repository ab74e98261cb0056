package tabletest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var noon = time.Date(2040, 5, 17, 12, 0, 0, 0, time.UTC)

func entry(sk, says string) table.Item {
	return table.Item{Key: table.Key{PK: "p", SK: sk}, Index1: table.Key{PK: "g", SK: sk}, Attr: map[string]any{"says": says}}
}

// always is a table on which one fault befalls every call it can, over a
// reference engine that can be looked at.
func always(fault tabletest.Fault) (faulty *tabletest.Faulty, inner table.Table) {
	inner = tabletest.NewReference(tabletest.NewClock(noon).Now, seeded(1))
	return tabletest.NewFaulty(inner, tabletest.Plan{Chance: map[tabletest.Fault]float64{fault: 1}}), inner
}

func exists(t *testing.T, from table.Table, sk string) bool {
	t.Helper()
	items, err := from.Get(context.Background(), table.Key{PK: "p", SK: sk})
	if err != nil {
		t.Fatal(err)
	}
	return items[0].Exists()
}

func TestAFault(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		fault   tabletest.Fault
		want    error
		written bool
	}{
		{tabletest.LostBefore, table.ErrAmbiguous, false},
		{tabletest.LostAfter, table.ErrAmbiguous, true},
		{tabletest.Contended, table.ErrContention, false},
	} {
		t.Run(string(c.fault)+" does what it says", func(t *testing.T) {
			faulty, inner := always(c.fault)
			if err := faulty.Write(ctx, table.Put(entry("a", "x"), table.None)); !errors.Is(err, c.want) {
				t.Errorf("the error is %v", err)
			}
			faulty.Heal()
			if got := exists(t, inner, "a"); got != c.written {
				t.Errorf("written: %v", got)
			}
			if got := faulty.Happened()[c.fault]; got != 1 {
				t.Errorf("it happened %d times", got)
			}
			if err := faulty.Write(ctx, table.Put(entry("b", "x"), table.Absent)); err != nil {
				t.Errorf("a healed table fails: %v", err)
			}
		})
	}
	t.Run("that delays a write lets it arrive within a few calls, as it was when it was sent", func(t *testing.T) {
		faulty, inner := always(tabletest.LostLate)
		item := entry("a", "x")
		if err := faulty.Write(ctx, table.Put(item, table.None)); !errors.Is(err, table.ErrAmbiguous) {
			t.Errorf("the error is %v", err)
		}
		item.Attr["says"] = "changed by the caller"
		if exists(t, inner, "a") {
			t.Error("it arrived at once")
		}
		calls := 0
		for ; !exists(t, inner, "a") && calls < 20; calls++ {
			if _, err := faulty.Get(ctx, table.Key{PK: "p", SK: "none"}); err != nil {
				t.Fatal(err)
			}
		}
		if calls > 9 {
			t.Errorf("it took %d calls", calls)
		}
		items, err := inner.Get(ctx, table.Key{PK: "p", SK: "a"})
		if err != nil || items[0].Attr["says"] != "x" {
			t.Errorf("%+v, %v", items, err)
		}
	})
	t.Run("that delays a write ends with healing, which lets it arrive", func(t *testing.T) {
		faulty, inner := always(tabletest.LostLate)
		_ = faulty.Write(ctx, table.Put(entry("a", "x"), table.None))
		faulty.Heal()
		if !exists(t, inner, "a") {
			t.Error("it never arrives")
		}
	})
	t.Run("that delays a write leaves its conditions to the moment it arrives", func(t *testing.T) {
		faulty, inner := always(tabletest.LostLate)
		_ = faulty.Write(ctx, table.Put(entry("a", "late"), table.Absent))
		if err := inner.Write(ctx, table.Put(entry("a", "first"), table.Absent)); err != nil {
			t.Fatal(err)
		}
		faulty.Heal()
		items, err := inner.Get(ctx, table.Key{PK: "p", SK: "a"})
		if err != nil || items[0].Attr["says"] != "first" {
			t.Errorf("%+v, %v", items, err)
		}
	})
	t.Run("that fails reads is an error of no kind", func(t *testing.T) {
		faulty, _ := always(tabletest.FailedRead)
		_, getErr := faulty.Get(ctx, table.Key{PK: "p", SK: "a"})
		_, queryErr := faulty.Query(ctx, table.Query{PK: "p"})
		for _, err := range []error{getErr, queryErr} {
			if err == nil || errors.Is(err, table.ErrContention) || errors.Is(err, table.ErrInvalid) {
				t.Errorf("the error is %v", err)
			}
		}
	})
	t.Run("that makes an index stale shows it as it was, and the table as it is", func(t *testing.T) {
		inner := tabletest.NewReference(tabletest.NewClock(noon).Now, seeded(1))
		faulty := tabletest.NewFaulty(inner, tabletest.Plan{Seed: 3, Chance: map[tabletest.Fault]float64{tabletest.StaleIndex: 0.5}})
		list := func(q table.Query) string {
			t.Helper()
			page, err := faulty.Query(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range page.Items {
				got = append(got, item.Key.SK)
			}
			return fmt.Sprint(got)
		}
		for _, sk := range []string{"a", "b", "c"} {
			if err := inner.Write(ctx, table.Put(entry(sk, "x"), table.None)); err != nil {
				t.Fatal(err)
			}
		}
		q := table.Query{Index: table.GSI1, PK: "g"}
		for faulty.Happened()[tabletest.StaleIndex] < 1 || list(q) != "[a b c]" {
			list(q)
		}
		if err := inner.Write(ctx, table.Delete(table.Key{PK: "p", SK: "b"}, table.None), table.Put(entry("d", "x"), table.None)); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for range 40 {
			seen[list(q)] = true
			if got := list(table.Query{PK: "p"}); got != "[a c d]" {
				t.Errorf("the table lists %s", got)
			}
		}
		// A truthful answer is what later stale ones repeat, so the old one shows
		// only if the first answer after the write was stale; the seed sees to it.
		if want := []string{"[a b c]", "[a c d]"}; !slices.Equal(slices.Sorted(maps.Keys(seen)), want) {
			t.Errorf("the index listed %v", seen)
		}
	})
	t.Run("of a stale index keeps to the bounds, the direction and the limit of the query", func(t *testing.T) {
		inner := tabletest.NewReference(tabletest.NewClock(noon).Now, seeded(1))
		faulty := tabletest.NewFaulty(inner, tabletest.Plan{Seed: 3, Chance: map[tabletest.Fault]float64{tabletest.StaleIndex: 0.5}})
		for _, sk := range []string{"a", "b", "c", "d", "e"} {
			if err := inner.Write(ctx, table.Put(entry(sk, "x"), table.None)); err != nil {
				t.Fatal(err)
			}
		}
		// After a truthful look at everything, stale pages are cut from that.
		whole := table.Query{Index: table.GSI1, PK: "g"}
		for page := (table.Page{}); len(page.Items) != 5; {
			var err error
			if page, err = faulty.Query(ctx, whole); err != nil {
				t.Fatal(err)
			}
		}
		for before := faulty.Happened()[tabletest.StaleIndex]; faulty.Happened()[tabletest.StaleIndex] == before; {
			page, err := faulty.Query(ctx, table.Query{Index: table.GSI1, PK: "g", From: "b", To: "d", Limit: 2, Reverse: true})
			if err != nil || len(page.Items) != 2 || page.Items[0].Key.SK != "d" || page.Items[1].Key.SK != "c" {
				t.Fatalf("%+v, %v", page, err)
			}
		}
	})
	t.Run("never changes what is invalid or cancelled", func(t *testing.T) {
		faulty, _ := always(tabletest.LostBefore)
		if err := faulty.Write(ctx, table.Check(table.Key{PK: "p", SK: "a"}, table.None)); !errors.Is(err, table.ErrInvalid) {
			t.Errorf("the error is %v", err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := faulty.Write(ended, table.Put(entry("a", "x"), table.None)); !errors.Is(err, context.Canceled) || errors.Is(err, table.ErrAmbiguous) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAPlanRepeatsItself(t *testing.T) {
	all := map[tabletest.Fault]float64{
		tabletest.LostBefore: 0.1, tabletest.LostAfter: 0.1, tabletest.LostLate: 0.1, tabletest.Contended: 0.1,
		tabletest.FailedRead: 0.1, tabletest.StaleIndex: 0.2,
	}
	run := func(seed uint64) (story string, happened map[tabletest.Fault]int) {
		faulty := tabletest.NewFaulty(tabletest.NewReference(tabletest.NewClock(noon).Now, seeded(1)), tabletest.Plan{Seed: seed, Chance: all})
		ctx := context.Background()
		for n := range 300 {
			err := faulty.Write(ctx, table.Put(entry(fmt.Sprint(n%7), fmt.Sprint(n)), table.None))
			items, getErr := faulty.Get(ctx, table.Key{PK: "p", SK: fmt.Sprint(n % 5)})
			page, queryErr := faulty.Query(ctx, table.Query{Index: table.GSI1, PK: "g"})
			story += fmt.Sprint(err, items, getErr, page, queryErr, "\n")
		}
		return story, faulty.Happened()
	}
	first, happened := run(1)
	again, _ := run(1)
	other, _ := run(2)
	if first != again {
		t.Error("the same seed has two stories")
	}
	if first == other {
		t.Error("two seeds have the same story")
	}
	for fault := range all {
		if happened[fault] == 0 {
			t.Errorf("%s never happened", fault)
		}
	}
}

func TestWithoutFaultsAFaultyTableKeepsToThePort(t *testing.T) {
	tabletest.Run(t, func(_ *testing.T, now func() time.Time) table.Table {
		return tabletest.NewFaulty(tabletest.NewReference(now, seeded(1)), tabletest.Plan{})
	})
}
