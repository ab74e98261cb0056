package work_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// folded is what the cards of patients add to each day, one after another.
func folded(s *stagetest.Stage, patients ...string) map[dental.Date]measure.Sums {
	s.T.Helper()
	out := map[dental.Date]measure.Sums{}
	for _, p := range patients {
		for day, sums := range measure.Tallies(&s.Clinic, s.Card(p)) {
			if out[day] == nil {
				out[day] = measure.Sums{}
			}
			out[day].Plus(sums)
		}
	}
	return out
}

// total reads the total of a period.
func total(s *stagetest.Stage, period string) measure.Sums {
	s.T.Helper()
	totals, err := s.Store.Begin().Totals(s.T.Context(), s.Clinic.ID, period)
	if err != nil {
		s.T.Fatal(err)
	}
	return totals[0].Sums
}

// agree holds the stored sums to the cards: each day's tallies, the totals of
// the days that have come or are looked ahead at, of months and years that are over.
func agree(s *stagetest.Stage, patients ...string) {
	s.T.Helper()
	want, today := folded(s, patients...), s.Clinic.Today(s.Now())
	first, last := today.AddMonths(-36), today.AddMonths(36)
	added := map[string]measure.Sums{}
	for day := range want {
		if day.Before(first) || day.After(last) {
			s.T.Fatalf("%s lies outside the days that are looked at", day)
		}
	}
	for day := first; !day.After(last); day = day.AddDays(1) {
		tallies, err := s.Store.Tallies(s.T.Context(), s.Clinic.ID, day)
		if err != nil {
			s.T.Fatal(err)
		}
		got := measure.Sums{}
		for _, t := range tallies {
			got.Plus(t.Sums)
		}
		if !maps.Equal(got, want[day]) {
			s.T.Errorf("the tallies of %s are\n%v, of the cards\n%v", day, got, want[day])
		}
		if !day.After(today.AddDays(measure.Foreseen)) {
			if got := total(s, day.String()); !maps.Equal(got, want[day]) {
				s.T.Errorf("the total of %s is\n%v, of the cards\n%v", day, got, want[day])
			}
		}
		for _, period := range []string{day.String()[:7], day.String()[:4]} {
			if added[period] == nil {
				added[period] = measure.Sums{}
			}
			added[period].Plus(want[day])
		}
	}
	whole := measure.Span{From: dental.Date{Year: first.Year + 1, Month: 1, Day: 1}, To: last}.Periods(today)
	for period, sums := range added {
		if slices.Contains(whole, period) || period[:4] == today.String()[:4] && len(period) == len("2026-05") && period < today.AddDays(-35).String()[:7] {
			if got := total(s, period); !maps.Equal(got, sums) {
				s.T.Errorf("the total of %s is\n%v, of the cards\n%v", period, got, sums)
			}
		}
	}
}

// quiet goes on to the second night from now, when all is added up.
func quiet(s *stagetest.Stage) {
	s.T.Helper()
	s.To(s.Clinic.Today(s.Now()).AddDays(2).At(4*60, s.Clinic.Location()))
}

// TestTheTotalsAreWhatTheCardsAddUpTo: after a year of a few patients' lives, in
// which things are told late, twice and out of order, put right, given back and
// erased, over a table that loses and delays what the jobs write.
func TestTheTotalsAreWhatTheCardsAddUpTo(t *testing.T) {
	happened := map[tabletest.Fault]int{}
	for seed := range uint64(3) {
		s := stagetest.New(t, start, func(c *dental.Clinic) { c.PartPrice = rub(4) })
		faulty := tabletest.NewFaulty(s.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{
			tabletest.LostBefore: .04, tabletest.LostAfter: .06, tabletest.LostLate: .06, tabletest.Contended: .04}})
		s.Worker.Store = stagetest.Join(s, faulty).Store
		r := rand.New(rand.NewPCG(seed, 7))
		patients := []string{"P-0", "P-1", "P-2", "P-3", "P-4"}
		for i, p := range patients {
			s.Patient(p, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916000000%d", i) })
		}
		var told []intake.Event // by which things are told again
		tell := func(ev intake.Event) {
			ev.ID, ev.At = fmt.Sprint("e", len(told)), s.Now()
			told = append(told, ev)
			s.Tell(ev)
		}
		var visits []dental.Visit
		for n := range 45 {
			p := patients[r.IntN(len(patients))]
			switch r.IntN(8) {
			case 0, 1, 2: // a visit, at times of long ago
				at := s.Now().Add(-time.Hour)
				if r.IntN(4) == 0 {
					at = at.AddDate(0, -r.IntN(14), -r.IntN(28))
				}
				v := dental.Visit{Clinic: "demo", Patient: p, ID: fmt.Sprint("V-", n), FinishedAt: at, Receipt: rub(r.Int64N(9000)), Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"},
					Procedures: []dental.Procedure{{Name: "Гигиена", Kind: dental.Hygiene, Minutes: 30}}, Source: dental.Source{Version: 1, Body: "1"}}
				visits = append(visits, v)
				tell(intake.Event{Type: intake.VisitCompleted, Visit: &v})
			case 3: // put right, on another day
				if len(visits) > 0 {
					v := visits[r.IntN(len(visits))]
					v.Receipt, v.FinishedAt, v.Source = rub(r.Int64N(9000)), v.FinishedAt.AddDate(0, 0, -r.IntN(3)), dental.Source{Version: int64(n + 2), Body: fmt.Sprint(n)}
					tell(intake.Event{Type: intake.VisitCompleted, Visit: &v})
				}
			case 4: // given back
				if len(visits) > 0 {
					v := visits[r.IntN(len(visits))]
					tell(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{Clinic: "demo", Patient: v.Patient, ID: fmt.Sprint("F-", n), VisitID: v.ID, Amount: rub(100), At: s.Now(),
						Kind: dental.Refund, Source: dental.Source{Version: 1, Body: "1"}}})
				}
			case 5:
				s.Appointment(intake.AppointmentBooked, fmt.Sprint("A-", n), p, s.Now().Add(time.Duration(24+r.IntN(500))*time.Hour))
			case 6:
				tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: "demo", Patient: p, ID: "L-" + p, PresentedAt: s.Now(), Source: dental.Source{Version: int64(n), Body: fmt.Sprint(n)},
					Stages: []dental.Stage{{ID: "1", Kind: dental.Implant, Status: dental.StagePlanned, Price: rub(42000)}}}})
			case 7: // the same again
				if len(told) > 0 {
					s.Tell(told[r.IntN(len(told))])
				}
			}
			s.To(s.Now().Add(time.Duration(r.IntN(240)) * time.Hour))
		}
		quiet(s)
		agree(s, patients...)
		s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P-1", Version: s.Now().UnixMilli()}})
		quiet(s)
		agree(s, "P-0", "P-2", "P-3", "P-4") // as if the other had never been
		faulty.Heal()
		for f, n := range faulty.Happened() {
			happened[f] += n
		}
	}
	for _, f := range []tabletest.Fault{tabletest.LostBefore, tabletest.LostAfter, tabletest.LostLate, tabletest.Contended} {
		if happened[f] == 0 {
			t.Errorf("%s never happened: the test tries less than it says", f)
		}
	}
}

func TestWhatAWriteChangesIsAddedUpWithinAnHour(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P-1")
	s.Visit("V-1", "P-1", s.Now())
	day := s.Clinic.Today(s.Now()).String()
	if got := total(s, day); len(got) != 0 {
		t.Errorf("it is added up at once, with the next write an hour later for nothing: %v", got)
	}
	s.To(s.Now().Add(time.Hour))
	if got := total(s, day); got["visits"] != 1 || got["revenue"] != 540000 {
		t.Errorf("after an hour the day is %v", got)
	}
	s.Visit("V-1", "P-1", s.Now().Add(-time.Hour), func(v *dental.Visit) { v.Receipt = rub(100) })
	s.To(s.Now().Add(time.Hour))
	if got := total(s, day); got["visits"] != 1 || got["revenue"] != 10000 {
		t.Errorf("an hour after the correction the day is %v", got)
	}
}

func TestOneJobOfAPatientGathersWhatIsToldInHalfAnHour(t *testing.T) {
	s := stagetest.New(t, start.Add(time.Minute))
	s.Patient("P-1")
	for i := range 5 {
		s.Visit(fmt.Sprint("V-", i), "P-1", s.Now().AddDate(0, -i, 0))
	}
	jobs := 0
	for shard := range store.Shards {
		due, _, err := s.Store.Due(t.Context(), shard, s.Now().Add(time.Hour), 1000, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			if d.Job != nil && d.Job.Kind == store.TallyJob {
				jobs++
				if !d.Job.Wake.After(s.Now()) || d.Job.Wake.After(s.Now().Add(30*time.Minute)) {
					t.Errorf("it is due at %s, want within half an hour of %s", d.Job.Wake, s.Now())
				}
			}
		}
	}
	if jobs != 1 {
		t.Errorf("there are %d jobs", jobs)
	}
}

// TestTheBaselineIsTheYearBeforeTheFirstScenarioAndStaysAsItWas: what was told
// before counts, what is told later of the time before does not.
func TestTheBaselineIsTheYearBeforeTheFirstScenarioAndStaysAsItWas(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P-1")
	s.Visit("V-0", "P-1", s.Now().AddDate(-2, 0, 0)) // before the year
	s.Visit("V-1", "P-1", s.Now().AddDate(0, -11, 0))
	s.Visit("V-2", "P-1", s.Now().AddDate(0, 0, -1))
	s.Visit("V-3", "P-1", s.Now()) // of the day itself
	s.Settings(func(c *dental.Clinic) { c.StartedAt = s.Now() })
	s.To(s.Now().Add(3 * time.Hour))
	year, ever := measure.Thaw(total(s, store.Baseline))
	if year["visits"] != 2 || year["revenue"] != 2*540000 || ever["visits"] != 3 || ever["patients"] != 1 || ever["year/regulars"] != 1 {
		t.Fatalf("the baseline is of the year %v, and of all before %v", year, ever)
	}
	frozen := total(s, store.Baseline)
	s.Visit("V-4", "P-1", s.Now().AddDate(0, -6, 0)) // an import, say
	s.Settings(func(c *dental.Clinic) { c.StartedAt = time.Time{} })
	s.Settings(func(c *dental.Clinic) { c.StartedAt = s.Now() })
	s.To(s.Now().Add(24 * time.Hour))
	if got := total(s, store.Baseline); !maps.Equal(got, frozen) {
		t.Errorf("it is %v now", got)
	}
}

func TestTheBaselineKnowsWhoCameThoughAllIsOfThisMonth(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P-1")
	s.Visit("V-1", "P-1", s.Now().AddDate(0, 0, -3))
	s.Visit("V-2", "P-1", s.Now().AddDate(0, 0, -1))
	s.Settings(func(c *dental.Clinic) { c.StartedAt = s.Now() })
	s.To(s.Now().Add(3 * time.Hour))
	if years, err := s.Store.Years(t.Context(), s.Clinic.ID); err != nil || len(years) != 0 {
		t.Fatalf("a year is added up before its first month is over: %v, %v", years, err)
	}
	if year, ever := measure.Thaw(total(s, store.Baseline)); year["visits"] != 2 || ever["visits"] != 2 || ever["patients"] != 1 {
		t.Errorf("the baseline is of the year %v, and of all before %v", year, ever)
	}
}

// onlyBaseline queues what is due and does no more of it than the baseline: the
// workers have not come to the rest yet.
func onlyBaseline(s *stagetest.Stage, at time.Time) {
	s.T.Helper()
	s.Set(at)
	if err := s.Dispatch.Dispatch(s.T.Context(), at); err != nil {
		s.T.Fatal(err)
	}
	for _, body := range s.Queued() {
		if strings.Contains(body, `"`+store.BaselineJob+`"`) {
			if err := s.Work(s.T.Context(), body); err != nil {
				s.T.Fatal(err)
			}
		}
	}
}

func TestTheBaselineWaitsForWhatIsStillBeingAddedUpButNoLongerThanADay(t *testing.T) {
	frozen := func(s *stagetest.Stage) bool {
		totals, err := s.Store.Begin().Totals(t.Context(), s.Clinic.ID, store.Baseline)
		if err != nil {
			t.Fatal(err)
		}
		return !totals[0].At.IsZero()
	}
	begun := func() *stagetest.Stage {
		s := stagetest.New(t, start)
		s.Patient("P-1")
		s.Visit("V-1", "P-1", s.Now().AddDate(0, -11, 0))
		s.Settings(func(c *dental.Clinic) { c.StartedAt = s.Now() })
		for after := time.Duration(0); after < 23*time.Hour; after += 20 * time.Minute {
			if onlyBaseline(s, start.Add(after)); frozen(s) {
				t.Fatalf("after %s it is frozen with %v", after, total(s, store.Baseline))
			}
		}
		return s
	}
	t.Run("frozen when it is done", func(t *testing.T) {
		s := begun()
		s.To(s.Now().Add(2 * time.Hour))
		if got := total(s, store.Baseline); got["visits"] != 1 {
			t.Errorf("the baseline is %v", got)
		}
	})
	t.Run("frozen after a day though it is not", func(t *testing.T) {
		s := begun()
		onlyBaseline(s, start.Add(27*time.Hour))
		if !frozen(s) {
			t.Error("it waits on")
		}
	})
}
