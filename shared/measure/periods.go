package measure

import (
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// settles is how many days after a month's end its total may be relied on: it is
// added up in the night after that, by then with all that was told before.
const settles = 2

// Periods are the fewest years ("2026"), months ("2026-05") and days
// ("2026-05-22") that make up a span, in order; of months and years those alone
// that have settled by today.
func (s Span) Periods(today dental.Date) []string {
	var out []string
	whole := func(end dental.Date) bool { return !end.After(s.To) && end.AddDays(settles).Before(today) }
	for d := s.From; !d.After(s.To); {
		switch year, month := (dental.Date{Year: d.Year, Month: 12, Day: 31}), monthEnd(d); {
		case d.Month == 1 && d.Day == 1 && whole(year):
			out, d = append(out, d.String()[:4]), year.AddDays(1)
		case d.Day == 1 && whole(month):
			out, d = append(out, d.String()[:7]), month.AddDays(1)
		default:
			out, d = append(out, d.String()), d.AddDays(1)
		}
	}
	return out
}

// monthEnd is the last day of a day's month.
func monthEnd(d dental.Date) dental.Date {
	return dental.Date{Year: d.Year, Month: d.Month, Day: 1}.AddMonths(1).AddDays(-1)
}

// Foreseen is how many days ahead the sums of coming days are kept up to date.
const Foreseen = 90

// YearTo is the twelve months to a day: the days that count as within a year of it.
func YearTo(day dental.Date) Span { return Span{day.AddMonths(-year).AddDays(1), day} }

// frozen marks a name of the sums of all days before, in a baseline.
const frozen = "ever:"

// Freeze makes one of the sums of a year and of all days to its end.
func Freeze(year, ever Sums) Sums {
	out := Sums{}
	out.Plus(year)
	for name, n := range ever {
		out.Add(frozen+name, n)
	}
	return out
}

// Thaw takes what Freeze made apart.
func Thaw(both Sums) (year, ever Sums) {
	year, ever = Sums{}, Sums{}
	for name, n := range both {
		if before, is := strings.CutPrefix(name, frozen); is {
			ever[before] = n
		} else {
			year[name] = n
		}
	}
	return year, ever
}
