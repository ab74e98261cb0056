package measure

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

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
// future. An erased patient's card adds nothing. Days are the clinic's.
func Tallies(cl *dental.Clinic, card *dental.Card) map[dental.Date]Sums {
	t := &tally{clinic: cl, card: card, sums: map[dental.Date]Sums{}}
	if card.Patient.Erased {
		return t.sums
	}
	t.read()
	t.visits()
	t.retention()
	t.doctors()
	t.plans()
	t.answers()
	t.ahead()
	t.touches()
	t.spent()
	t.refusals()
	for day, sums := range t.sums {
		if len(sums) == 0 {
			delete(t.sums, day)
		}
	}
	return t.sums
}

// tally is one card on its way into sums.
type tally struct {
	clinic *dental.Clinic
	card   *dental.Card
	sums   map[dental.Date]Sums
	days   []day // in order
}

// day is a day with completed visits: what the measures call a visit.
type day struct {
	dental.Date
	visits []dental.Visit // the earliest finish first
	net    int64          // what it brought
}

// read gathers the days with visits.
func (t *tally) read() {
	loc := t.clinic.Location()
	for _, on := range t.card.VisitDays(loc) {
		d := day{Date: on, net: t.card.Net(on, loc).Minor}
		for _, v := range t.card.Visits {
			if t.clinic.Today(v.FinishedAt) == on {
				d.visits = append(d.visits, v)
			}
		}
		slices.SortFunc(d.visits, func(a, b dental.Visit) int {
			if n := a.FinishedAt.Compare(b.FinishedAt); n != 0 {
				return n
			}
			return strings.Compare(a.ID, b.ID)
		})
		t.days = append(t.days, d)
	}
}

// add adds to an amount of a day. An amount without a day is nobody's.
func (t *tally) add(on dental.Date, n int64, name ...string) {
	if on.IsZero() || n == 0 {
		return
	}
	if t.sums[on] == nil {
		t.sums[on] = Sums{}
	}
	t.sums[on].Add(join(name...), n)
}

// during adds one to a stock from a day on, and takes it away on another.
func (t *tally) during(from, until dental.Date, name ...string) {
	if !until.IsZero() && !from.Before(until) {
		return
	}
	t.add(from, 1, name...)
	t.add(until, -1, name...)
}

// join is the name of an amount: its parts, none of which has a slash, as ids
// and the names of scenarios have none. A name of people's writing is made so.
func join(parts ...string) string { return strings.Join(parts, "/") }

// lapse is the first day on which a day lies n months or more back: t counts d
// as within n months while t less n months is before d.
func lapse(d dental.Date, n int) dental.Date {
	at := d.AddMonths(n)
	for at.AddMonths(-n).Before(d) {
		at = at.AddDays(1)
	}
	return at
}

// next is the day of the visit after the i-th, or none.
func (t *tally) next(i int) dental.Date {
	if i+1 < len(t.days) {
		return t.days[i+1].Date
	}
	return dental.Date{}
}

// by reports whether a day, where there is one, is not after another.
func by(d, last dental.Date) bool { return !d.IsZero() && !d.After(last) }

// cameBetween reports whether there was a visit from one day to another, both included.
func (t *tally) cameBetween(from, to dental.Date) bool {
	return slices.ContainsFunc(t.days, func(d day) bool { return !d.Before(from) && !d.After(to) })
}
