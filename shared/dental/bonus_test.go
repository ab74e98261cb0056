package dental_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// ledger is a ledger to be filled, in the days of 2026.
type ledger []dental.Bonus

func on(day int) dental.Date { return dental.Date{Year: 2026, Month: 1, Day: 1}.AddDays(day) }

func (l *ledger) add(day int, minor int64, until dental.Date, of string) string {
	source := fmt.Sprintf("b%03d", len(*l))
	*l = append(*l, dental.Bonus{Source: source, Amount: dental.Money{Minor: minor, Currency: "RUB"}, On: on(day),
		At: on(day).At(12*60, time.UTC).Add(time.Duration(len(*l)) * time.Second), Until: until, Of: of})
	return source
}

func TestWhatAPurseHoldsOnADay(t *testing.T) {
	never := dental.Date{}
	tests := []struct {
		name    string
		happens func(l *ledger)
		day     int
		balance int64
		lots    string // what is left of each, by the order in which it goes
	}{
		{"nothing where nothing was earned", func(*ledger) {}, 5, 0, ""},
		{"what was earned", func(l *ledger) { l.add(1, 500, on(30), "") }, 5, 500, "500"},
		{"nothing yet on the day before", func(l *ledger) { l.add(6, 500, on(30), "") }, 5, 0, ""},
		{"what was earned, on its last day", func(l *ledger) { l.add(1, 500, on(30), "") }, 30, 500, "500"},
		{"nothing of it on the day after", func(l *ledger) { l.add(1, 500, on(30), "") }, 31, 0, ""},
		{"for ever what has no last day", func(l *ledger) { l.add(1, 500, never, "") }, 5000, 500, "500"},
		{"what is left of a spending, which takes what ends first", func(l *ledger) {
			l.add(1, 500, on(90), "")
			l.add(2, 300, on(30), "")
			l.add(3, -400, never, "")
		}, 5, 400, "400"},
		{"what never ends after what does", func(l *ledger) {
			l.add(1, 500, never, "")
			l.add(2, 300, on(30), "")
			l.add(3, -100, never, "")
		}, 5, 700, "200 500"},
		{"what had ended when something was spent is not spent", func(l *ledger) {
			l.add(1, 300, on(10), "")
			l.add(2, 500, on(90), "")
			l.add(11, -200, never, "")
		}, 11, 300, "300"},
		{"what is taken back is taken from what it was", func(l *ledger) {
			l.add(1, 300, on(30), "")
			second := l.add(2, 500, on(90), "")
			l.add(3, -500, never, second)
		}, 5, 300, "300"},
		{"less than nothing when what is taken back was spent", func(l *ledger) {
			source := l.add(1, 500, on(30), "")
			l.add(2, -400, never, "")
			l.add(3, -500, never, source)
		}, 5, -400, ""},
		{"what pays that back first", func(l *ledger) {
			source := l.add(1, 500, on(30), "")
			l.add(2, -400, never, "")
			l.add(3, -500, never, source)
			l.add(4, 700, on(90), "")
		}, 5, 300, "300"},
		{"nothing taken back of what had ended", func(l *ledger) {
			source := l.add(1, 500, on(10), "")
			l.add(2, 200, on(90), "")
			l.add(20, -500, never, source)
		}, 20, 200, "200"},
		{"no money for a free hygiene", func(l *ledger) {
			l.add(1, 500, on(30), "")
			*l = append(*l, dental.Bonus{Kind: dental.BonusFreeHygiene, On: on(2), At: on(2).At(0, time.UTC)})
		}, 5, 500, "500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l ledger
			tt.happens(&l)
			purse := dental.PurseOn(l, on(tt.day))
			lots := ""
			for i, lot := range purse.Lots {
				lots += []string{"", " "}[min(i, 1)] + fmt.Sprint(lot.Left.Minor)
			}
			if purse.Balance.Minor != tt.balance || lots != tt.lots || tt.balance != 0 && purse.Balance.Currency != "RUB" {
				t.Errorf("it is %+v", purse)
			}
		})
	}
}

// coin is one kopeck of an earning.
type coin struct {
	source string
	until  dental.Date
}

// coins plays a ledger kopeck by kopeck: what there is on a day, by earning, and
// what is owed.
func coins(l ledger, day dental.Date) (left map[string]int64, owed int64) {
	var purse []coin
	good := func(c coin, on dental.Date) bool { return c.until.IsZero() || !c.until.Before(on) }
	entries := slices.SortedFunc(slices.Values(l), func(a, b dental.Bonus) int { return a.At.Compare(b.At) })
	for _, e := range entries {
		if e.On.After(day) {
			break
		}
		for range max(e.Amount.Minor, 0) {
			if owed > 0 {
				owed--
			} else {
				purse = append(purse, coin{e.Source, e.Until})
			}
		}
		for range max(-e.Amount.Minor, 0) {
			best := -1
			for i, c := range purse {
				own := e.Of != "" && c.source == e.Of
				if !own && !good(c, e.On) {
					continue
				}
				if best < 0 || sooner(c, purse[best], e.Of) {
					best = i
				}
			}
			if best < 0 {
				owed++
			} else {
				purse = slices.Delete(purse, best, best+1)
			}
		}
	}
	left = map[string]int64{}
	for _, c := range purse {
		if good(c, day) {
			left[c.source]++
		}
	}
	return left, owed
}

// sooner reports whether a coin goes before another: of the earning that is
// taken back first, then of what ends first.
func sooner(a, b coin, of string) bool {
	rank := func(c coin) string {
		switch {
		case of != "" && c.source == of:
			return ""
		case c.until.IsZero():
			return "9999"
		}
		return c.until.String()
	}
	return cmp.Compare(rank(a), rank(b)) < 0
}

func TestAPurseIsWhatCoinsCountedOneByOneAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l ledger
		day := 0
		var earned []string
		for range rapid.IntRange(0, 12).Draw(t, "entries") {
			day += rapid.IntRange(0, 8).Draw(t, "days on")
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0, 1:
				until := dental.Date{}
				if rapid.Bool().Draw(t, "ends") {
					until = on(day + rapid.IntRange(0, 30).Draw(t, "lasts"))
				}
				earned = append(earned, l.add(day, int64(rapid.IntRange(1, 20).Draw(t, "earned")), until, ""))
			case 2:
				l.add(day, -int64(rapid.IntRange(1, 25).Draw(t, "spent")), dental.Date{}, "")
			case 3:
				if len(earned) > 0 {
					l.add(day, -int64(rapid.IntRange(1, 20).Draw(t, "taken back")), dental.Date{}, rapid.SampledFrom(earned).Draw(t, "of"))
				}
			}
		}
		at := on(rapid.IntRange(0, day+35).Draw(t, "day"))
		left, owed := coins(l, at)
		purse := dental.PurseOn(rapid.Permutation(l).Draw(t, "in any order"), at)
		sum := -owed
		for source, n := range left {
			sum += n
			if !slices.ContainsFunc(purse.Lots, func(lot dental.Lot) bool { return lot.Source == source && lot.Left.Minor == n }) {
				t.Fatalf("of %s %d are left; the purse is %+v", source, n, purse)
			}
		}
		if len(purse.Lots) != len(left) || purse.Balance.Minor != sum {
			t.Fatalf("there are %v, %d owed; the purse is %+v", left, owed, purse)
		}
		for i := 1; i < len(purse.Lots); i++ {
			a, b := purse.Lots[i-1].Until, purse.Lots[i].Until
			if a.IsZero() && !b.IsZero() || !b.IsZero() && b.Before(a) {
				t.Fatalf("what ends on %s stands before what ends on %s", a, b)
			}
		}
	})
}
