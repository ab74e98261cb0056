package measure

import (
	"maps"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Lift is what a scenario changes, by comparison with those left alone.
type Lift struct {
	Scenario  string // "" for all together
	Treated   Arm
	LeftAlone Arm
	// Enough: there are data enough to speak of the rest.
	Enough bool
	// Points is the difference of the shares who came, in percentage points, with its 95 % interval.
	Points, Low, High float64
	// Caused is the share of the treated arm's returns that would not have
	// happened otherwise, with its interval: 0 to 1, below 0 where it does harm.
	Caused, CausedLow, CausedHigh float64
	// Extra is what one treated occasion brought more than one left alone.
	Extra dental.Money
}

// Arm is one side of the comparison.
type Arm struct {
	Came    Share // of the occasions whose 90 days are over
	Revenue dental.Money
}

// What is enough to compare: occasions in each arm, and of both together who
// came and who did not.
const (
	enoughInArm   = 30
	enoughOfBoth  = 5
	allTogether   = ""
	liftedTreated = "treated"
	liftedAlone   = "left-alone"
)

// Compare works out each scenario's lift, by name, and before them that of all
// together, of the sums of months. A month in which nobody was left alone by a
// scenario says nothing about it.
func Compare(terms Terms, months ...Sums) []Lift {
	out := map[string]*Lift{}
	for _, sums := range months {
		for name, alone := range sums {
			p := strings.Split(name, "/")
			if len(p) != 3 || p[0] != "lift" || p[2] != liftedAlone || alone == 0 {
				continue
			}
			for _, scenario := range []string{allTogether, p[1]} {
				l := entry(out, scenario, Lift{Scenario: scenario})
				l.Treated.plus(terms, sums, p[1], liftedTreated)
				l.LeftAlone.plus(terms, sums, p[1], liftedAlone)
			}
		}
	}
	var lifts []Lift
	for _, name := range slices.Sorted(maps.Keys(out)) {
		l := out[name]
		l.judge(terms)
		lifts = append(lifts, *l)
	}
	return lifts
}

func (a *Arm) plus(terms Terms, sums Sums, scenario, arm string) {
	a.Came.All += sums[join("lift", scenario, arm)]
	a.Came.Of += sums[join("lift", scenario, arm, "came")]
	a.Revenue = dental.Money{Minor: a.Revenue.Minor + sums[join("lift", scenario, arm, "revenue")], Currency: terms.Currency}
}

func (l *Lift) judge(terms Terms) {
	t, a := l.Treated.Came, l.LeftAlone.Came
	came := t.Of + a.Of
	l.Enough = t.All >= enoughInArm && a.All >= enoughInArm && came >= enoughOfBoth && t.All+a.All-came >= enoughOfBoth
	if t.All == 0 || a.All == 0 {
		return
	}
	diff, low, high := Newcombe(t.Of, t.All, a.Of, a.All)
	l.Points, l.Low, l.High = 100*diff, 100*low, 100*high
	if t.Of > 0 {
		p := float64(t.Of) / float64(t.All)
		l.Caused, l.CausedLow, l.CausedHigh = diff/p, low/p, min(high/p, 1)
	}
	extra := ratio(l.Treated.Revenue.Minor, 1, t.All) - ratio(l.LeftAlone.Revenue.Minor, 1, a.All)
	l.Extra = dental.Money{Minor: extra, Currency: terms.Currency}
}

// Forecast is what the days to come are likely to bring of what is already due.
// It is an estimate: how often such things came true in the last twelve months,
// at the average receipt of these, with the 95 % intervals of the two shares.
type Forecast struct {
	Days int
	// Booked appointments stand in these days, and Returns are return points in
	// them of patients who have nothing booked.
	Booked, Returns int64
	// KeptShare and ReturnShare are how often such were kept, and Average the receipt.
	KeptShare, ReturnShare Share
	Average                dental.Money
	// Visits and Revenue are what is to be expected.
	Visits             float64
	Revenue, Low, High dental.Money
	// Stages are what the open stages of all plans are worth, which have no day,
	// and Likely what is usually done of them.
	Stages, Likely dental.Money
	// Known is false where nothing has come true yet to reckon with.
	Known bool
}

// Foresee works the forecast out of the sums of the days to come, of the twelve
// months to date and of all days to date.
func Foresee(terms Terms, days int, coming, year, ever Sums) Forecast {
	f := Forecast{Days: days, Booked: coming["ahead/booked"], Returns: coming["ahead/returns"],
		KeptShare:   Share{year["appointments/kept"], year["appointments/kept"] + year["appointments/missed"]},
		ReturnShare: Share{year["points/back"], year["points"]}, Average: terms.each(year["revenue"], year["visits"]),
		Stages: dental.Money{Minor: ever["stages/planned"] + ever["stages/booked"], Currency: terms.Currency}}
	if all := ever["plan/value"]; all > 0 {
		f.Likely = dental.Money{Minor: ratio(f.Stages.Minor, ever["plan/done-value"], all), Currency: terms.Currency}
	}
	if f.Average.IsZero() || f.KeptShare.All == 0 && f.Booked > 0 || f.ReturnShare.All == 0 && f.Returns > 0 {
		return f
	}
	f.Known = true
	keptLow, keptHigh := Wilson(f.KeptShare.Of, f.KeptShare.All)
	backLow, backHigh := Wilson(f.ReturnShare.Of, f.ReturnShare.All)
	kept, _ := f.KeptShare.Percent()
	back, _ := f.ReturnShare.Percent()
	visits := func(kept, back float64) float64 { return kept*float64(f.Booked) + back*float64(f.Returns) }
	worth := func(visits float64) dental.Money {
		return dental.Money{Minor: int64(visits*float64(f.Average.Minor) + 0.5), Currency: terms.Currency}
	}
	f.Visits = visits(kept/100, back/100)
	f.Revenue, f.Low, f.High = worth(f.Visits), worth(visits(keptLow, backLow)), worth(visits(keptHigh, backHigh))
	return f
}
