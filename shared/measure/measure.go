// Package measure says what a clinic's facts amount to. A patient's card adds
// sums to single days (Tallies); sums of days, months and patients are added up
// by whoever keeps them; and what owners look at is worked out from sums alone.
// So a figure costs what it shows, and a corrected card corrects every figure.
package measure

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Sums are amounts by name: counts, and money in its minor unit. What is absent is 0.
type Sums map[string]int64

// Add adds n to an amount.
func (s Sums) Add(name string, n int64) {
	if s[name] += n; s[name] == 0 {
		delete(s, name)
	}
}

// Plus adds all of another's amounts.
func (s Sums) Plus(o Sums) {
	for name, n := range o {
		s.Add(name, n)
	}
}

// Hash tells sums apart.
func (s Sums) Hash() string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(s)) {
		_, _ = fmt.Fprintf(h, "%s=%d\n", name, s[name])
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Tallies is what a card adds to the sums of each day, which may lie in the
// future. An erased patient's card adds nothing.
func Tallies(cl *dental.Clinic, card *dental.Card) map[dental.Date]Sums {
	out := map[dental.Date]Sums{}
	if card.Patient.Erased {
		return out
	}
	on := func(day dental.Date) Sums {
		if out[day] == nil {
			out[day] = Sums{}
		}
		return out[day]
	}
	loc := cl.Location()
	for _, day := range card.VisitDays(loc) {
		on(day).Add("visits", 1)
		on(day).Add("revenue", card.Net(day, loc).Minor)
	}
	return out
}
