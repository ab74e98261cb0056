package measure_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
)

func terms() measure.Terms { return measure.TermsOf(clinic()) }

func TestWhatAPatientIsWorthIsReceiptTimesVisitsTimesMargin(t *testing.T) {
	year := measure.Sums{"visits": 7, "revenue": 1000001, "paid": 5, "repeat": 4, "revenue/new": 400000, "patients": 3}
	ever := measure.Sums{"patients": 10, "regulars": 4, "revenue": 3000000, "year/patients": 3, "year/regulars": 2}
	f := measure.Of(terms(), measure.Span{}, year, ever, year, nil)
	money := func(minor int64) dental.Money { return dental.Money{Minor: minor, Currency: "RUB"} }
	for name, pair := range map[string][2]any{
		"average receipt":          {f.Average, money(142857)}, // 1000001 / 7 = 142857.29
		"of those that were paid":  {f.AveragePaid, money(200000)},
		"LTV of the year":          {f.LTVYear, money(133333)}, // 1000001 × 0.4 / 3 = 133333.47
		"LTV of a life":            {f.LTVLife, money(120000)},
		"from the base":            {f.FromBase, money(600001)},
		"from new patients":        {f.FromNew, money(400000)},
		"repeat visits":            {f.RepeatVisits, measure.Share{Of: 4, All: 7}},
		"repeat patients":          {f.RepeatPatients, measure.Share{Of: 4, All: 10}},
		"repeat patients, a year":  {f.YearRepeatPatients, measure.Share{Of: 2, All: 3}},
		"without the twelve month": {measure.Of(terms(), measure.Span{}, year, ever, nil, nil).LTVYear, dental.Money{}},
		"of a clinic without any":  {measure.Of(terms(), measure.Span{}, measure.Sums{}, measure.Sums{}, measure.Sums{}, nil).LTVLife, dental.Money{}},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	for revenue, average := range map[int64]int64{1000004: 142858, -1000004: -142858, 10: 1, 11: 2, 3: 0, 4: 1} { // 142857.7, 1.4, 1.6, 0.4, 0.6
		if got := measure.Of(terms(), measure.Span{}, measure.Sums{"visits": 7, "revenue": revenue}, nil, nil, nil).Average; got != money(average) {
			t.Errorf("a seventh of %d is %v", revenue, got)
		}
	}
	if percent, ok := f.RepeatVisits.Percent(); !ok || math.Abs(percent-57.142857) > 1e-6 {
		t.Errorf("the share of repeat visits is %g, %v", percent, ok)
	}
	if _, ok := (measure.Share{}).Percent(); ok {
		t.Error("nothing has a share")
	}
}

func TestROMIIsMarginLessCostByCostAndSparesWhatNewPatientsCost(t *testing.T) {
	span := measure.Span{From: on(t, "2026-05-01"), To: on(t, "2026-05-31")}
	costs := []dental.Cost{{Kind: dental.Retention, Amount: roubles(3100), From: on(t, "2026-05-01"), To: on(t, "2026-05-31")},
		{Kind: dental.Acquisition, Amount: roubles(6200), From: on(t, "2026-05-16"), To: on(t, "2026-06-15")}}
	sums := measure.Sums{"back": 4, "back-revenue": 5000000, "cost/messages": 90000, "cost/gifts": 50000, "cost/bonuses": 50000, "patients": 8,
		"brings/recall": 6, "cost/messages/after-visit": 100, "back/recall": 4, "back-revenue/recall": 5000000, "cost/messages/recall": 90000, "touch/recall/first/planned": 9, "touch/recall/first/sent": 6, "touch/recall/first/failed": 1,
		"touch/recall/second/planned": 2, "skipped/recall/capped": 2, "skipped/recall/no-consent": 2, "skipped/club/capped": 1}
	f := measure.Of(terms(), span, sums, sums, nil, costs)
	if f.Cost.Total != roubles(5000) || f.Cost.Retention != roubles(3100) || f.Cost.Acquisition != roubles(3200) {
		t.Errorf("the cost is %+v", f.Cost)
	}
	if f.Cost.PerReturned != roubles(1250) || f.Cost.PerNew != roubles(400) {
		t.Errorf("one who returned cost %v, one who was new %v", f.Cost.PerReturned, f.Cost.PerNew)
	}
	if r := f.Cost.ROMI; !r.Known || math.Abs(r.Ratio-3) > 1e-12 { // 20,000 of margin for 5,000
		t.Errorf("ROMI is %+v", r)
	}
	if r := measure.Of(terms(), span, measure.Sums{}, measure.Sums{}, nil, nil).Cost.ROMI; r.Known {
		t.Errorf("without a cost it is %+v", r)
	}
	recall := f.Scenarios[slices.IndexFunc(f.Scenarios, func(s measure.Scenario) bool { return s.Name == "recall" })]
	if recall.Sum.Planned != 11 || recall.Sum.Sent != 6 || recall.Sum.Skipped != 4 || recall.Steps[0].Skipped != 2 || recall.Steps[1].Skipped != 2 || recall.Back != 4 {
		t.Errorf("the recall is %+v", recall)
	}
	if math.Abs(recall.ROMI.Ratio-(20000.-900)/900) > 1e-9 {
		t.Errorf("its ROMI is %+v", recall.ROMI)
	}
	if after := f.Scenarios[0]; after.Name != "after-visit" || after.ROMI.Known {
		t.Errorf("who was thanked is no return: %+v", after)
	}
	if fmt.Sprint(f.Skipped) != "[{capped 3} {no-consent 2}]" || fmt.Sprint(recall.Skipped) != "[{capped 2} {no-consent 2}]" {
		t.Errorf("skipped were %v, by the recall %v", f.Skipped, recall.Skipped)
	}
}

func TestACostIsSpreadOverItsDaysAndNoneOfItIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := dental.Date{Year: 2026, Month: 1, Day: 1}
		c := dental.Cost{Amount: dental.Money{Minor: rapid.Int64Range(1, 1e12).Draw(t, "amount"), Currency: "RUB"}, From: first}
		c.To = first.AddDays(rapid.IntRange(0, 400).Draw(t, "days"))
		cut := first.AddDays(rapid.IntRange(-10, 410).Draw(t, "cut"))
		before, after := measure.Span{From: first.AddDays(-20), To: cut}, measure.Span{From: cut.AddDays(1), To: first.AddDays(500)}
		if sum := measure.Portion(c, before) + measure.Portion(c, after); sum != c.Amount.Minor {
			t.Fatalf("of %d there are %d", c.Amount.Minor, sum)
		}
		day := measure.Portion(c, measure.Span{From: cut, To: cut})
		even := float64(c.Amount.Minor) / float64(measure.Span{From: c.From, To: c.To}.Days())
		if in := !cut.Before(c.From) && !cut.After(c.To); in && math.Abs(float64(day)-even) >= 1 || !in && day != 0 {
			t.Fatalf("on %s it is %d, evenly %g", cut, day, even)
		}
	})
}

func TestADoctorIsCalledAsMostOfTheVisitsSay(t *testing.T) {
	sums := measure.Sums{"doctor/D-1/visits": 5, "doctor/D-1/revenue": 500, "doctor/D-1/points": 3, "doctor/D-1/called/Соколова": 2, "doctor/D-1/called/Ирина Соколова": 3, "doctor/D-1/no-date": 1,
		"doctor/D-1/due": 4, "doctor/D-1/back": 2, "doctor/D-1/nps/promoters": 3, "doctor/D-1/nps/detractors": 1, "doctor/D-2/due": 1}
	f := measure.Of(terms(), measure.Span{}, sums, sums, nil, nil)
	if len(f.Doctors) != 1 {
		t.Errorf("who has seen nobody in these days is among %+v", f.Doctors)
	}
	d := f.Doctors[0]
	if d.ID != "D-1" || d.Name != "Ирина Соколова" || d.Visits != 5 || d.Compliance != (measure.Share{Of: 3, All: 5}) || d.Return != (measure.Share{Of: 2, All: 4}) || d.NPS != (measure.NPS{Score: 50, Answers: 4}) {
		t.Errorf("the doctor is %+v", d)
	}
	if len(d.Mistakes) != 2 || d.Mistakes[measure.NoDate] != (measure.Share{Of: 1, All: 5}) || d.Mistakes[measure.IfNeeded] != (measure.Share{All: 5}) {
		t.Errorf("the mistakes are %v", d.Mistakes)
	}
}

func TestAComparisonIsMadeOfTheMonthsInWhichSomebodyWasLeftAlone(t *testing.T) {
	month := func(treated, came, alone, cameAlone int64) measure.Sums {
		return measure.Sums{"lift/recall/treated": treated, "lift/recall/treated/came": came, "lift/recall/treated/revenue": came * 1000,
			"lift/recall/left-alone": alone, "lift/recall/left-alone/came": cameAlone, "lift/recall/left-alone/revenue": cameAlone * 1000}
	}
	lifts := measure.Compare(terms(), month(40, 32, 50, 30), month(30, 24, 30, 18), month(1000, 0, 0, 0))
	if len(lifts) != 2 || lifts[0].Scenario != "" || lifts[1].Scenario != "recall" {
		t.Fatalf("they are %+v", lifts)
	}
	l := lifts[1] // the paper's 56 of 70 and 48 of 80
	if l.Treated.Came != (measure.Share{Of: 56, All: 70}) || l.LeftAlone.Came != (measure.Share{Of: 48, All: 80}) || !l.Enough {
		t.Errorf("the arms are %+v", l)
	}
	for name, pair := range map[string][2]float64{"points": {l.Points, 20}, "low": {l.Low, 5.24}, "high": {l.High, 33.39}, "caused": {l.Caused, 0.25}, "caused low": {l.CausedLow, 0.0655}, "caused high": {l.CausedHigh, 0.4174}} {
		if math.Abs(pair[0]-pair[1]) > 0.01 || name[0] == 'c' && math.Abs(pair[0]-pair[1]) > 0.0001 {
			t.Errorf("%s is %g, want %g", name, pair[0], pair[1])
		}
	}
	if l.Extra.Minor != 200 {
		t.Errorf("one treated brought %v more", l.Extra)
	}
	if l0 := lifts[0]; l0.Treated != l.Treated || l0.LeftAlone != l.LeftAlone {
		t.Errorf("all together are %+v", l0)
	}
}

func TestThereIsNotEnoughDataUntilThereIs(t *testing.T) {
	for _, tt := range []struct {
		treated, came, alone, cameAlone int64
		enough                          bool
	}{{30, 5, 30, 0, true}, {29, 5, 30, 5, false}, {30, 5, 29, 5, false}, {30, 4, 30, 0, false}, {30, 30, 30, 26, false}, {30, 30, 30, 25, true}} {
		lifts := measure.Compare(terms(), measure.Sums{"lift/s/treated": tt.treated, "lift/s/treated/came": tt.came, "lift/s/left-alone": tt.alone, "lift/s/left-alone/came": tt.cameAlone})
		if lifts[1].Enough != tt.enough {
			t.Errorf("%+v: enough %v", tt, lifts[1].Enough)
		}
	}
	if lifts := measure.Compare(terms(), measure.Sums{"lift/s/treated": 500, "lift/s/treated/came": 100}); len(lifts) != 0 {
		t.Errorf("with nobody left alone there is %+v", lifts)
	}
}

func TestTheForecastIsWhatIsDueByWhatUsuallyComesTrue(t *testing.T) {
	year := measure.Sums{"visits": 100, "revenue": 50000000, "appointments/kept": 90, "appointments/missed": 10, "points": 50, "points/back": 20}
	ever := measure.Sums{"stages/planned": 6000000, "stages/booked": 4000000, "plan/value": 40000000, "plan/done-value": 10000000}
	f := measure.Foresee(terms(), 30, measure.Sums{"ahead/booked": 20, "ahead/returns": 10}, year, ever)
	if !f.Known || math.Abs(f.Visits-22) > 1e-9 || f.Revenue != roubles(110000) || f.Stages != roubles(100000) || f.Likely != roubles(25000) {
		t.Errorf("it is %+v", f)
	}
	// The ends are Wilson's of 90 of 100 (82.56 % to 94.48 %) and 20 of 50 (27.61 % to 53.82 %).
	for name, pair := range map[string][2]float64{"low": {float64(f.Low.Minor), (20*0.8256 + 10*0.2761) * 500000}, "high": {float64(f.High.Minor), (20*0.9448 + 10*0.5382) * 500000}} {
		if math.Abs(pair[0]-pair[1]) > 1500 {
			t.Errorf("the %s end is %g, want about %g", name, pair[0], pair[1])
		}
	}
	if f := measure.Foresee(terms(), 30, measure.Sums{"ahead/returns": 10}, measure.Sums{}, ever); f.Known {
		t.Errorf("with nothing to reckon with it is %+v", f)
	}
}

func TestASpanIsMadeOfTheFewestTotalsThatHaveSettled(t *testing.T) {
	for _, tt := range []struct {
		from, to, today, want string
	}{
		{"2026-05-30", "2026-06-02", "2026-07-20", "[2026-05-30 2026-05-31 2026-06-01 2026-06-02]"},
		{"2026-05-31", "2026-07-01", "2026-07-20", "[2026-05-31 2026-06 2026-07-01]"},
		{"2024-12-31", "2026-02-01", "2026-07-20", "[2024-12-31 2025 2026-01 2026-02-01]"},
		{"2026-06-30", "2026-06-30", "2026-07-20", "[2026-06-30]"},
		{"2026-07-01", "2026-06-30", "2026-07-20", "[]"},
		{"2025-12-01", "2026-01-31", "2026-07-20", "[2025-12 2026-01]"},
	} {
		if got := fmt.Sprint(measure.Span{From: on(t, tt.from), To: on(t, tt.to)}.Periods(on(t, tt.today))); got != tt.want {
			t.Errorf("%s to %s is %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
	june := measure.Span{From: on(t, "2026-06-01"), To: on(t, "2026-06-30")}
	for today, days := range map[string]int{"2026-06-30": 30, "2026-07-02": 30, "2026-07-03": 1} {
		if got := len(june.Periods(on(t, today))); got != days {
			t.Errorf("on %s June is of %d totals, want %d", today, got, days)
		}
	}
}

func TestTheTotalsOfASpanMakeUpEachOfItsDaysOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := dental.Date{Year: 2023, Month: 11, Day: 20}
		s := measure.Span{From: first.AddDays(rapid.IntRange(0, 800).Draw(t, "from"))}
		s.To = s.From.AddDays(rapid.IntRange(0, 900).Draw(t, "days"))
		today := first.AddDays(rapid.IntRange(0, 1800).Draw(t, "today"))
		covered := map[string]int{} // by year, month or day
		for _, p := range s.Periods(today) {
			covered[p]++
		}
		n := 0
		for d := s.From; !d.After(s.To); d = d.AddDays(1) {
			name := d.String()
			if n++; covered[name]+covered[name[:7]]+covered[name[:4]] != 1 {
				t.Fatalf("%s is in %d of %v", d, covered[name]+covered[name[:7]]+covered[name[:4]], s.Periods(today))
			}
		}
		if n != s.Days() {
			t.Fatalf("%d days, and it says %d", n, s.Days())
		}
	})
}

func TestWhatWasFrozenThawsAsItWas(t *testing.T) {
	year, ever := measure.Sums{"visits": 3, "revenue": 5}, measure.Sums{"visits": 9, "patients": 2}
	gotYear, gotEver := measure.Thaw(measure.Freeze(year, ever))
	if fmt.Sprint(gotYear, gotEver) != fmt.Sprint(year, ever) {
		t.Errorf("%v and %v came back as %v and %v", year, ever, gotYear, gotEver)
	}
}
