package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/dental/zonetest"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// The dates that everything is tried with: eleven years with three 29th of February.
var (
	firstDate = dental.Date{Year: 2024, Month: 1, Day: 1}
	lastDate  = dental.Date{Year: 2034, Month: 12, Day: 31}
)

// each calls fn for every date from one to another, both included.
func each(from, to dental.Date, fn func(dental.Date)) {
	for d := from; !d.After(to); d = d.AddDays(1) {
		fn(d)
	}
}

// looked is every look-up that the scans of a scenario do for the steps named,
// by the date that it takes in: the days of the scans, in order. It runs all the
// scans there can be about firstDate to lastDate.
func looked(t testing.TB, cl *dental.Clinic, name string, steps ...string) map[dental.Date][]dental.Date {
	t.Helper()
	sc := *scenario.Shipped().Find(name)
	sc.Steps = slices.DeleteFunc(slices.Clone(sc.Steps), func(s scenario.Step) bool { return !slices.Contains(steps, s.Name) })
	if len(sc.Steps) != len(steps) {
		t.Fatalf("%s has not all the steps %q", name, steps)
	}
	out := map[dental.Date][]dental.Date{}
	each(firstDate.AddMonths(-24), lastDate.AddMonths(24), func(day dental.Date) {
		for _, l := range sc.Falling(cl, day) {
			if l.First.Month != l.Last.Month || l.First.Year != l.Last.Year || l.Last.Day < l.First.Day {
				t.Fatalf("%s on %s looks from %s to %s, which is no stretch of a month", name, day, l.First, l.Last)
			}
			for d := l.First; d.Day <= l.Last.Day && d.Month == l.First.Month; d = d.AddDays(1) {
				out[d] = append(out[d], day)
			}
		}
	})
	return out
}

func inWords(days []dental.Date) string {
	var out []string
	for _, d := range days {
		out = append(out, d.String())
	}
	return "[" + strings.Join(out, " ") + "]"
}

// lastSeen is a card of one finished visit at three in the afternoon.
func lastSeen(cl *dental.Clinic, day dental.Date, kinds ...dental.ProcedureKind) *dental.Card {
	card := &dental.Card{Patient: dental.Patient{Clinic: cl.ID, ID: "P", BirthDate: dental.Date{Year: 1985, Month: 3, Day: 14}, Status: dental.Active}}
	card.Visits = []dental.Visit{{Clinic: cl.ID, Patient: "P", ID: "V", FinishedAt: day.At(15*60, cl.Location()), Day: day, Procedures: done(kinds...)}}
	card.Milestones = scenario.Milestones(cl, card)
	return card
}

// alone is the catalogue of one shipped scenario.
func alone(name string) scenario.Catalogue {
	return scenario.Catalogue{*scenario.Shipped().Find(name)}
}

// opens are the days on which the steps of scenarios open for a subject, by step.
func opens(of scenario.Catalogue, cl *dental.Clinic, card *dental.Card, s scenario.Subject) map[string]dental.Date {
	out := map[string]dental.Date{}
	for _, w := range of.Plan(cl, card, s) {
		out[w.Touch.Step] = w.Opens
	}
	return out
}

func TestEveryLastVisitMeetsItsScanOfSixTwelveAndEighteenMonthsOnceAndOnlyOnce(t *testing.T) {
	cl := stagetest.Clinic()
	dates, planned := 0, 0
	for name, months := range map[string]int{"sleeping-6": 6, "sleeping-12": 12, "sleeping-18": 18} {
		met, sleeping := looked(t, &cl, name, "offer"), alone(name)
		each(firstDate, lastDate, func(visit dental.Date) {
			dates++
			want := []dental.Date{visit.AddMonths(months)}
			if !slices.Equal(met[visit], want) {
				t.Fatalf("%s looks for the visit of %s on %s, want %s", name, visit, inWords(met[visit]), inWords(want))
			}
			// What the facts say about the visit is the same day, tried where months end and now and then.
			if visit.AddDays(3).Month == visit.Month && visit.Day%9 != 0 {
				return
			}
			planned++
			if got := opens(sleeping, &cl, lastSeen(&cl, visit, dental.Hygiene), scenario.Subject{On: scenario.OnLastVisit, ID: visit.String()})["offer"]; got != want[0] {
				t.Fatalf("%s opens on %s for the visit of %s, want %s", name, got, visit, want[0])
			}
		})
	}
	t.Logf("%d dates and months were looked up, and %d planned", dates, planned)
}

func TestEveryAnniversaryAndEveryPauseOfATreatmentIsMetOnceAStep(t *testing.T) {
	cl := stagetest.Clinic()
	for _, of := range []struct {
		name, step string
		moved      func(dental.Date) dental.Date
	}{
		{"implant-year", "check", func(d dental.Date) dental.Date { return d.AddMonths(12) }},
		{"orthodontics-6m", "check", func(d dental.Date) dental.Date { return d.AddMonths(6) }},
		{"plan", "next-stage", func(d dental.Date) dental.Date { return d.AddDays(14) }},
		{"plan", "plan", func(d dental.Date) dental.Date { return d.AddDays(21) }},
	} {
		met := looked(t, &cl, of.name, of.step)
		each(firstDate, lastDate, func(d dental.Date) {
			if want := []dental.Date{of.moved(d)}; !slices.Equal(met[d], want) {
				t.Fatalf("%s/%s looks for %s on %s, want %s", of.name, of.step, d, inWords(met[d]), inWords(want))
			}
		})
	}
}

func TestEveryReturnDateMeetsItsStepsAMonthTwoWeeksAndAWeekBefore(t *testing.T) {
	cl := stagetest.Clinic()
	met := looked(t, &cl, "recall", "first", "second", "call")
	steps := func(back dental.Date) map[string]dental.Date {
		return map[string]dental.Date{"first": back.AddMonths(-1), "second": back.AddDays(-14), "call": back.AddDays(-7)}
	}
	each(firstDate, lastDate, func(back dental.Date) {
		s := steps(back)
		if want := []dental.Date{s["first"], s["second"], s["call"]}; !slices.Equal(met[back], want) {
			t.Fatalf("the return date %s is looked up on %s, want %s", back, inWords(met[back]), inWords(want))
		}
	})

	tried, recall := 0, alone("recall")
	each(firstDate, lastDate, func(visit dental.Date) {
		// Where months end, and one other day of each.
		if visit.AddDays(1).Month == visit.Month && visit.Day != int(visit.Month)+8 {
			return
		}
		card := lastSeen(&cl, visit, dental.Hygiene)
		for months := 1; months <= 24; months++ {
			tried++
			back := visit.AddMonths(months)
			card.Visits[0].ReturnDate = back
			card.Milestones = scenario.Milestones(&cl, card)
			got := opens(recall, &cl, card, scenario.Subject{On: scenario.OnReturnDate, ID: back.String()})
			want := steps(back)
			if months <= 2 {
				delete(want, "first")
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("a visit of %s to come back after %d months opens on %v, want %v", visit, months, got, want)
			}
		}
	})
	t.Logf("%d visits with an interval were planned", tried)
}

func TestEveryBirthdayIsMetOnceAYear(t *testing.T) {
	cl := stagetest.Clinic()
	met := map[string][]dental.Date{} // by month and day, which is all that the index has
	birthday := alone("birthday")
	sc := &birthday[0]
	each(firstDate, lastDate, func(day dental.Date) {
		for _, l := range sc.Falling(&cl, day) {
			for d := l.First.Day; d <= l.Last.Day; d++ {
				key := fmt.Sprintf("%02d-%02d", l.First.Month, d)
				met[key] = append(met[key], day)
				if got := l.Subject(dental.Milestone{Kind: dental.Birthday, Date: dental.Date{Year: 1984, Month: l.First.Month, Day: d}}); got != (scenario.Subject{On: scenario.OnBirthday, ID: fmt.Sprint(day.Year)}) {
					t.Errorf("on %s a birthday is the subject %v", day, got)
				}
			}
		}
	})
	each(dental.Date{Year: 1984, Month: 1, Day: 1}, dental.Date{Year: 1984, Month: 12, Day: 31}, func(born dental.Date) {
		card := &dental.Card{Patient: dental.Patient{Clinic: cl.ID, ID: "P", BirthDate: born, Status: dental.Active}}
		card.Milestones = scenario.Milestones(&cl, card)
		var want []dental.Date
		for year := firstDate.Year; year <= lastDate.Year; year++ {
			day := born.AddMonths(12 * (year - born.Year)) // 29 February is kept on the 28th
			want = append(want, day)
			if got := opens(birthday, &cl, card, scenario.Subject{On: scenario.OnBirthday, ID: fmt.Sprint(year)})["greeting"]; got != day {
				t.Fatalf("who was born on %s is greeted on %s, want %s", born, got, day)
			}
		}
		if got := met[born.String()[5:]]; !slices.Equal(got, want) {
			t.Fatalf("who was born on %s is looked for on %s, want %s", born, inWords(got), inWords(want))
		}
	})
}

// seasons is the shipped season with another beginning and length.
func seasons(from string, over int) *scenario.Scenario {
	sc := *scenario.Shipped().Find("season")
	sc.Steps = slices.Clone(sc.Steps[:1])
	sc.Steps[0].When = []scenario.When{sc.Steps[0].When[0]}
	sc.Steps[0].When[0].Season = scenario.Season{From: from, Over: over}
	return &sc
}

// seasonal holds a season of one year to its rule: who was last seen from four
// to eighteen months before its first day has one day of it, a working day, and
// who was not has none.
func seasonal(t rapid.TB, cl *dental.Clinic, sc *scenario.Scenario, year, every int) (dates int) {
	catalogue := scenario.Catalogue{*sc}
	met, days := map[dental.Date][]dental.Date{}, map[dental.Date]bool{}
	anchor := fmt.Sprint(year)
	each(dental.Date{Year: year, Month: 1, Day: 1}, dental.Date{Year: year + 1, Month: 12, Day: 31}, func(day dental.Date) {
		for _, l := range sc.Falling(cl, day) {
			if l.Subject(dental.Milestone{Kind: dental.LastVisit, Date: l.First}).ID != anchor {
				continue
			}
			days[day] = true
			if _, open := cl.OpenOn(day); !open {
				t.Fatalf("%s is a day of the season, and the clinic does not work on it", day)
			}
			for d := l.First; d.Day <= l.Last.Day && d.Month == l.First.Month; d = d.AddDays(1) {
				met[d] = append(met[d], day)
			}
		}
	})
	over := sc.Steps[0].When[0].Season.Over
	if len(days) != over {
		t.Fatalf("the season of %d has %d days, want %d", year, len(days), over)
	}
	var begin dental.Date
	for d := range days {
		if begin.IsZero() || d.Before(begin) {
			begin = d
		}
	}
	from, to := begin.AddMonths(-18), begin.AddMonths(-4)
	n := 0
	each(from.AddDays(-40), to.AddDays(40), func(visit dental.Date) {
		if n++; n%every != 0 {
			return
		}
		dates++
		var got dental.Date
		for _, w := range catalogue.Plan(cl, lastSeen(cl, visit, dental.Hygiene), scenario.Subject{On: scenario.OnSeason, ID: anchor}) {
			got = w.Opens
		}
		inside := !visit.Before(from) && !visit.After(to)
		switch {
		case inside && (len(met[visit]) != 1 || met[visit][0] != got):
			t.Fatalf("the visit of %s is looked for on %s in the season of %d, and is asked for on %s", visit, inWords(met[visit]), year, got)
		case !inside && !got.IsZero():
			t.Fatalf("the visit of %s, outside %s to %s, has the day %s in the season of %d", visit, from, to, got, year)
		}
	})
	return dates
}

func TestEveryLastVisitInTheWindowHasOneDayOfTheSeason(t *testing.T) {
	cl := stagetest.Clinic()
	dates := 0
	for year := firstDate.Year; year <= lastDate.Year; year++ {
		dates += seasonal(t, &cl, seasons("09-15", 10), year, 1)
	}
	t.Logf("%d last visits were planned", dates)
}

func TestASeasonOfAnyLengthInAnyWorkingWeekHasADayForEverybody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cl := stagetest.Clinic()
		cl.Opening = dental.Opening{}
		for _, day := range rapid.SliceOfNDistinct(rapid.SampledFrom(dental.Weekdays()), 1, 7, rapid.ID[string]).Draw(t, "working days") {
			cl.Opening[day] = dental.Span{From: 9 * 60, To: 18 * 60}
		}
		year := rapid.IntRange(2024, 2034).Draw(t, "year")
		begin := dental.Date{Year: year, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 364).Draw(t, "begins on day"))
		for range rapid.IntRange(0, 5).Draw(t, "holidays") {
			cl.Holidays = append(cl.Holidays, begin.AddDays(rapid.IntRange(0, 40).Draw(t, "holiday")))
		}
		// As many as a clinic that works one day a week still has within the search.
		over := rapid.IntRange(1, 12).Draw(t, "over")
		seasonal(t, &cl, seasons(begin.String()[5:], over), year, 7)
	})
}

func TestAClinicsOffsetsMoveTheScanWithTheStep(t *testing.T) {
	newYear := *seasons("01-05", 10)
	newYear.Name = "new-year"
	shipped := append(scenario.Shipped(), newYear)
	rapid.Check(t, func(t *rapid.T) {
		cl := stagetest.Clinic()
		of := rapid.SampledFrom([]struct {
			scenario, step string
			kind           dental.ProcedureKind
		}{
			{"sleeping-6", "offer", dental.Hygiene}, {"sleeping-18", "offer", dental.Hygiene}, {"implant-year", "check", dental.Implant}, {"recall", "first", dental.Hygiene},
			{"recall", "call", dental.Hygiene}, {"birthday", "greeting", dental.Hygiene}, {"season", "autumn", dental.Hygiene}, {"new-year", "autumn", dental.Hygiene},
		}).Draw(t, "step")
		cl.Scenarios["new-year"] = dental.ScenarioSettings{On: true}
		settings := cl.Scenarios[of.scenario]
		settings.Offsets = map[string]int{of.step: rapid.IntRange(-45, 45).Draw(t, "offset")}
		cl.Scenarios[of.scenario] = settings
		if of.scenario != "recall" { // which else speaks of an anniversary
			cl.Scenarios["recall"] = dental.ScenarioSettings{}
		}
		sc := *shipped.Find(of.scenario)
		sc.Steps = []scenario.Step{*sc.Step(of.step)}
		catalogue := scenario.Catalogue{sc}

		visit := firstDate.AddDays(rapid.IntRange(0, lastDate.DaysSince(firstDate)).Draw(t, "visit"))
		card := lastSeen(&cl, visit, of.kind)
		card.Patient.BirthDate = dental.Date{Year: 1984, Month: visit.Month, Day: visit.Day}
		card.Milestones = scenario.Milestones(&cl, card)
		met := map[scenario.Subject][]dental.Date{}
		// Over two years and a half there are two birthdays at least, and two seasons.
		each(visit.AddDays(-60), visit.AddMonths(30), func(day dental.Date) {
			for _, l := range sc.Falling(&cl, day) {
				for _, m := range card.Milestones {
					at := m.Date
					if m.Kind == dental.Birthday {
						at.Year = l.First.Year
					}
					if m.Kind == l.Kind && at.Year == l.First.Year && at.Month == l.First.Month && at.Day >= l.First.Day && at.Day <= l.Last.Day {
						met[l.Subject(m)] = append(met[l.Subject(m)], day)
					}
				}
			}
		})
		wanted := 0
		for year := range 4 {
			for _, s := range scenario.Calendar(card, visit.AddMonths(12*year)) {
				for _, w := range catalogue.Plan(&cl, card, s) {
					if w.Opens.Before(visit.AddDays(-60)) || w.Opens.After(visit.AddMonths(30)) {
						continue
					}
					if wanted++; len(met[s]) != 1 || met[s][0] != w.Opens {
						t.Fatalf("%v opens on %s, and is met on %s", s, w.Opens, inWords(met[s]))
					}
				}
			}
		}
		if wanted == 0 && sc.On != scenario.OnSeason {
			t.Fatalf("nothing of a visit of %s was met", visit)
		}
	})
}

func TestAStepThatIsOffIsNotLookedFor(t *testing.T) {
	cl := stagetest.Clinic()
	for _, name := range []string{"sleeping-6", "birthday", "implant-year"} {
		settings, sc := cl.Scenarios[name], scenario.Shipped().Find(name)
		settings.Steps = map[string]bool{sc.Steps[0].Name: false}
		cl.Scenarios[name] = settings
		if got := sc.Falling(&cl, dental.Date{Year: 2026, Month: 5, Day: 22}); len(got) != 0 {
			t.Errorf("%s without its step looks for %v", name, got)
		}
	}
}

func TestTheTriggersThatAreScannedBelongToOneScanEach(t *testing.T) {
	sets := map[string][]string{}
	for _, sc := range scenario.Shipped() {
		if (sc.On.Scan() != "") != sc.On.Scanned() {
			t.Errorf("%s is scanned: %v, by %q", sc.On, sc.On.Scanned(), sc.On.Scan())
		}
		sets[sc.On.Scan()] = append(sets[sc.On.Scan()], sc.Name)
	}
	same(t, "sleeping", sets[scenario.ScanSleeping], "sleeping-12", "sleeping-18", "sleeping-6")
	same(t, "birthdays", sets[scenario.ScanBirthdays], "birthday")
	same(t, "occasions", sets[scenario.ScanOccasions], "implant-year", "orthodontics-6m", "plan", "recall", "season")
	if len(sets) != 4 {
		t.Errorf("the scans are %v", sets)
	}
}

// timekeeping is what clocks of a zone show around each of its changes: two
// zones with the same one are the same to a clinic.
func timekeeping(loc *time.Location, changes []time.Time) string {
	var b strings.Builder
	for _, c := range changes {
		_, offset := c.In(loc).Zone()
		fmt.Fprint(&b, c.Unix(), offset, " ")
	}
	return b.String()
}

func TestInEveryZoneATouchOpensOnItsDayAndLeavesInTheClinicsHours(t *testing.T) {
	from, to := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2034, 12, 31, 0, 0, 0, 0, time.UTC)
	zones := zonetest.All(t)
	seen := map[string]bool{}
	distinct, changes, mornings := 0, 0, 0
	catalogue := scenario.Catalogue{*scenario.Shipped().Find("sleeping-12")}
	hours := [][2]dental.TimeOfDay{{9 * 60, 21 * 60}, {0, 3 * 60}, {2 * 60, 4 * 60}, {21 * 60, 24 * 60}}
	for i, loc := range zones {
		at := zonetest.Changes(loc, from, to)
		key := timekeeping(loc, at)
		if seen[key] {
			continue
		}
		seen[key] = true
		distinct++
		cl := stagetest.Clinic()
		cl.TimeZone = loc.String()
		for j, change := range at {
			changes++
			span := hours[(i+j)%len(hours)]
			cl.SendFrom, cl.SendTo = span[0], span[1]
			for d := -1; d <= 1; d++ {
				day := dental.DateOf(change.In(loc)).AddDays(d)
				visit, _, any := day.ReachedBy(12)
				if !any {
					t.Fatalf("no day is taken to %s by twelve months", day)
				}
				mornings++
				card := lastSeen(&cl, visit, dental.Hygiene)
				morning := day.At(min(6*60, cl.SendFrom), loc)
				if got := cl.Today(morning); got != day {
					t.Fatalf("%s: the morning of %s falls on %s", loc, day, got)
				}
				touches := catalogue.Reconcile(&cl, card, morning, scenario.Subject{On: scenario.OnLastVisit, ID: visit.String()})
				if len(touches) != 1 {
					t.Fatalf("%s: the scan of %s plans %d touches for the visit of %s, want one", loc, day, len(touches), visit)
				}
				touch := touches[0]
				if clock := touch.Due.In(loc).Format("15:04"); dental.DateOf(touch.Due.In(loc)) != day || clock != "11:30" {
					t.Errorf("%s: what opens on %s is due on %s", loc, day, touch.Due.In(loc))
				}
				if !cadence.HoursOf(&cl).Open(touch.Wake) || touch.Wake.Before(touch.Due) || touch.Wake.After(touch.Due.AddDate(0, 0, 2)) {
					t.Errorf("%s: what is due at %s leaves at %s, and the hours are %s to %s", loc, touch.Due.In(loc), touch.Wake.In(loc), cl.SendFrom, cl.SendTo)
				}
			}
		}
	}
	t.Logf("%d zones of the IANA database, which keep time in %d ways from %d to %d, with %d changes of offset: %d mornings were planned", len(zones), distinct, from.Year(), to.Year(), changes, mornings)
	if len(zones) < 590 || distinct < 60 || changes < 600 {
		t.Error("the sample is too small")
	}
}

func TestNothingLeavesOutsideTheHoursHoweverLateItsScanCame(t *testing.T) {
	zones := zonetest.Zones(t)
	rapid.Check(t, func(t *rapid.T) {
		cl := stagetest.Clinic()
		loc := zones[rapid.IntRange(0, len(zones)-1).Draw(t, "zone")]
		cl.TimeZone = loc.String()
		cl.SendFrom = dental.TimeOfDay(rapid.IntRange(0, 23*60).Draw(t, "from"))
		cl.SendTo = dental.TimeOfDay(rapid.IntRange(int(cl.SendFrom)+30, 24*60).Draw(t, "to"))
		around := zonetest.Changes(loc, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2034, 1, 1, 0, 0, 0, 0, time.UTC))
		day := dental.DateOf(around[rapid.IntRange(0, len(around)-1).Draw(t, "change")].In(loc)).AddDays(rapid.IntRange(-2, 2).Draw(t, "days from it"))
		months := rapid.SampledFrom([]int{6, 12, 18}).Draw(t, "months")
		visit := day.AddMonths(-months)
		day = visit.AddMonths(months)
		card := lastSeen(&cl, visit, rapid.SampledFrom(dental.ProcedureKinds()).Draw(t, "kind"))
		card.Patient.BirthDate = dental.Date{Year: 1984, Month: day.Month, Day: day.Day}
		card.Milestones = scenario.Milestones(&cl, card)
		now := day.At(0, loc).Add(time.Duration(rapid.IntRange(0, 6*24*60).Draw(t, "minutes late")) * time.Minute)
		planned := 0
		for _, touch := range scenario.Shipped().Reconcile(&cl, card, now, scenario.Calendar(card, day)...) {
			if touch.Kind != "" || !touch.State.Open() {
				continue
			}
			planned++
			ends := touch.Wake.After(touch.Deadline) // there is no hour left for it
			if !ends && !cadence.HoursOf(&cl).Open(touch.Wake) || touch.Wake.Before(now) {
				t.Fatalf("%s/%s leaves at %s, and the hours are %s to %s", touch.Scenario, touch.Step, touch.Wake.In(loc), cl.SendFrom, cl.SendTo)
			}
		}
		if planned == 0 && now.Sub(day.At(0, loc)) < 20*time.Hour {
			t.Fatal("nothing was planned")
		}
	})
}
