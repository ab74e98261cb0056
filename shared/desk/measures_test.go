package desk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// yearOfVisits is a stage on Sunday, 22 November 2026, on which one patient came on
// the 5th of each month of the last fourteen, for 1,000 roubles and one more each time.
func yearOfVisits(t *testing.T) *stagetest.Stage {
	t.Helper()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s := stagetest.New(t, now, func(c *dental.Clinic) { c.MarginPermille = 500 })
	s.Patient("P-1")
	for i := range 14 {
		at := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC).AddDate(0, -i, 0)
		s.Visit(fmt.Sprint("V-", i), "P-1", at, func(v *dental.Visit) { v.Receipt = dental.Money{Minor: 100000 + int64(13-i)*100, Currency: "RUB"} })
	}
	s.To(now.Add(48 * time.Hour))
	return s
}

func picture(t *testing.T, s *stagetest.Stage, by desk.Step) desk.Picture {
	t.Helper()
	p, err := (&desk.Measures{Store: s.Store}).Picture(t.Context(), s.Clinic.ID, by, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPictureIsASeriesOfPeriodsOfWhichTheLastIsToDate(t *testing.T) {
	s := yearOfVisits(t)
	for by, want := range map[desk.Step]struct {
		periods             int
		first, last, lastTo string
		visits              [2]int64 // of the first and the last
	}{
		desk.ByDay:     {14, "2026-11-11", "2026-11-24", "2026-11-24", [2]int64{0, 0}},
		desk.ByWeek:    {13, "2026-08-31", "2026-11-23", "2026-11-24", [2]int64{1, 0}},
		desk.ByMonth:   {13, "2025-11-01", "2026-11-01", "2026-11-24", [2]int64{1, 1}},
		desk.ByQuarter: {8, "2025-01-01", "2026-10-01", "2026-11-24", [2]int64{0, 2}},
		desk.ByYear:    {3, "2023-11-25", "2025-11-25", "2026-11-24", [2]int64{0, 12}},
		desk.ForLife:   {1, "2025-01-01", "2025-01-01", "2026-11-24", [2]int64{14, 14}},
	} {
		t.Run(string(by), func(t *testing.T) {
			p := picture(t, s, by)
			if len(p.Series) != want.periods {
				t.Fatalf("there are %d periods", len(p.Series))
			}
			first, last := p.Series[0], p.Series[len(p.Series)-1]
			if first.From.String() != want.first || last.From.String() != want.last || last.To.String() != want.lastTo {
				t.Errorf("they go from %s to %s–%s", first.From, last.From, last.To)
			}
			if first.Visits != want.visits[0] || last.Visits != want.visits[1] {
				t.Errorf("the first has %d visits, the last %d", first.Visits, last.Visits)
			}
			for i, f := range p.Series[1:] {
				if before := p.Series[i]; before.To.AddDays(1) != f.From {
					t.Errorf("%s follows %s", f.From, before.To)
				}
			}
			// The last twelve of 1,000 to 1,013 roubles: 1,002 to 1,013, half of it margin.
			if want := (dental.Money{Minor: (12*100000 + (2+13)*6*100) / 2, Currency: "RUB"}); last.LTVYear != want || last.Patients != 1 || last.YearRepeatPatients != (measure.Share{Of: 1, All: 1}) {
				t.Errorf("LTV of the year is %v, want %v, of %d patients", last.LTVYear, want, last.Patients)
			}
			if want := (dental.Money{Minor: (14*100000 + 13*7*100) / 2, Currency: "RUB"}); last.LTVLife != want {
				t.Errorf("LTV of a life is %v, want %v", last.LTVLife, want)
			}
		})
	}
	if _, err := (&desk.Measures{Store: s.Store}).Picture(t.Context(), s.Clinic.ID, "decade", s.Now()); dental.KindOf(err) != dental.Invalid {
		t.Errorf("by decade: %v", err)
	}
}

func TestQuartersTellWhetherAPatientIsWorthMore(t *testing.T) {
	p := picture(t, yearOfVisits(t), desk.ByDay)
	if len(p.Quarters) != 8 {
		t.Fatalf("there are %d", len(p.Quarters))
	}
	for i, f := range p.Quarters[5:] { // from the second quarter of 2026 on, each year is dearer
		if f.LTVYear.Minor <= p.Quarters[4+i].LTVYear.Minor {
			t.Errorf("%s: %v after %v", f.From, f.LTVYear, p.Quarters[4+i].LTVYear)
		}
	}
	if !p.Quarters[0].LTVYear.IsZero() {
		t.Errorf("with nobody there it is %v", p.Quarters[0].LTVYear)
	}
}

func TestFiguresOfAnyDaysAreThoseOfTheDays(t *testing.T) {
	s := yearOfVisits(t)
	between := func(from, to string) (measure.Figures, error) {
		return (&desk.Measures{Store: s.Store}).Between(t.Context(), s.Clinic.ID, measure.Span{From: dayOf(t, from), To: dayOf(t, to)}, s.Now())
	}
	for _, tt := range []struct {
		from, to string
		visits   int64
	}{{"2026-05-05", "2026-05-05", 1}, {"2026-05-06", "2026-06-04", 0}, {"2025-10-01", "2026-10-31", 13}, {"2000-01-01", "2030-01-01", 14}, {"2026-02-05", "2026-04-05", 3}} {
		if f, err := between(tt.from, tt.to); err != nil || f.Visits != tt.visits {
			t.Errorf("%s to %s: %d visits, want %d (%v)", tt.from, tt.to, f.Visits, tt.visits, err)
		}
	}
	if _, err := between("2026-05-05", "2026-05-04"); dental.KindOf(err) != dental.Invalid {
		t.Errorf("days that end before they begin: %v", err)
	}
}

func TestTheBaselineIsShownBesideWhatCameAfter(t *testing.T) {
	s := yearOfVisits(t)
	if p := picture(t, s, desk.ByMonth); p.Base != nil {
		t.Errorf("before anything was switched on there is %+v", p.Base)
	}
	s.Settings(func(c *dental.Clinic) { c.StartedAt = s.Now() })
	began := s.Now()
	s.To(s.Now().Add(3 * time.Hour))
	s.Visit("V-late", "P-1", s.Now().AddDate(0, -3, 0))
	s.To(s.Now().Add(24 * time.Hour))
	p := picture(t, s, desk.ByMonth)
	if p.Base == nil || !p.BaseAt.Equal(began) {
		t.Fatalf("it is %+v of %s", p.Base, p.BaseAt)
	}
	if b := p.Base; b.Visits != 12 || b.To.String() != "2026-11-23" || b.From.String() != "2025-11-24" || b.LTVYear.Minor != (12*100000+(2+13)*6*100)/2 || b.Patients != 1 {
		t.Errorf("it is of %s to %s: %d visits, LTV %v, %d patients", b.From, b.To, b.Visits, b.LTVYear, b.Patients)
	}
}

// TestAPictureIsReadForWhatItShows: the same number of reads for many patients
// as for one.
func TestAPictureIsReadForWhatItShows(t *testing.T) {
	one := yearOfVisits(t)
	many := yearOfVisits(t)
	for i := range 40 {
		p := fmt.Sprint("P-", i+2)
		many.Patient(p, func(c *intake.Card) { c.Number = fmt.Sprintf("+791600010%02d", i) })
		many.Visit("V-"+p, p, many.Now().AddDate(0, -i%12, 0))
	}
	many.To(many.Now().Add(48 * time.Hour))
	one.To(many.Now())
	cost := func(s *stagetest.Stage) (reads int) {
		counted := &counting{Table: s.Table}
		joined := stagetest.Join(s, counted)
		p, err := (&desk.Measures{Store: joined.Store}).Picture(t.Context(), s.Clinic.ID, desk.ByMonth, s.Now())
		if err != nil || p.Series[12].Patients == 0 {
			t.Fatal(p.Series[12].Patients, err)
		}
		return counted.items
	}
	if a, b := cost(one), cost(many); a != b || a > 200 {
		t.Errorf("for one patient it reads %d items, for 41 patients %d", a, b)
	}
}

func dayOf(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// counting counts the items that are read.
type counting struct {
	table.Table
	items int
}

func (c *counting) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	c.items += len(keys)
	return c.Table.Get(ctx, keys...)
}

func (c *counting) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := c.Table.Query(ctx, q)
	c.items += len(page.Items)
	return page, err
}
