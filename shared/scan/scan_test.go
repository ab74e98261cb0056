package scan_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/scan"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// start is a Tuesday's nine o'clock in Moscow.
var start = time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC)

func on(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// only switches on the scenarios named, as change says, and no others.
func only(change func(*dental.ScenarioSettings), names ...string) func(*dental.Clinic) {
	return func(cl *dental.Clinic) {
		for name := range cl.Scenarios {
			cl.Scenarios[name] = dental.ScenarioSettings{Release: dental.ReleaseAuto}
		}
		for _, name := range names {
			s := dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto}
			if change != nil {
				change(&s)
			}
			cl.Scenarios[name] = s
		}
	}
}

// seen makes a patient of their own phone who was last seen on a day at noon.
func seen(s *stagetest.Stage, n int, day dental.Date, change ...func(*dental.Visit)) (patient string) {
	s.T.Helper()
	patient = fmt.Sprintf("P%03d", n)
	s.Patient(patient, func(c *intake.Card) {
		c.Number = fmt.Sprintf("+7916000%04d", n)
		c.Patient.BirthDate = dental.Date{Year: 1984, Month: 2, Day: 29}
	})
	s.Visit("V"+patient, patient, day.At(12*60, s.Clinic.Location()), change...)
	return patient
}

// openings are the touches of a scenario by patient, with the state of each.
func states(s *stagetest.Stage, scenario string, patients ...string) map[string]dental.TouchState {
	out := map[string]dental.TouchState{}
	for _, p := range patients {
		for _, t := range s.Card(p).Touches {
			if t.Scenario == scenario {
				out[p+" "+t.Step] = t.State
			}
		}
	}
	return out
}

func checkpoint(s *stagetest.Stage, name string) store.Checkpoint {
	s.T.Helper()
	c, err := s.Store.Begin().Checkpoint(s.T.Context(), s.Clinic.ID, name)
	if err != nil {
		s.T.Fatal(err)
	}
	return c
}

// of is the stage's scanner of a set.
func of(s *stagetest.Stage, set string) *scan.Scanner {
	return s.Scans[slices.IndexFunc(s.Scans, func(x *scan.Scanner) bool { return x.Set == set })]
}

// orders are what stands in the queue.
func orders(s *stagetest.Stage) []scan.Order {
	s.T.Helper()
	var out []scan.Order
	for _, body := range s.Queued() {
		var it scan.Item
		if err := json.Unmarshal([]byte(body), &it); err != nil || it.Scan == nil {
			s.T.Fatalf("%s is no order: %v", body, err)
		}
		out = append(out, *it.Scan)
	}
	return out
}

// places are clinics of many zones, by the zone; some send from an odd hour.
var places = map[string]dental.TimeOfDay{
	"Asia/Kamchatka": 9 * 60, "Europe/Kaliningrad": 9 * 60, "Pacific/Chatham": 9 * 60, "Pacific/Kiritimati": 9 * 60, "Pacific/Pago_Pago": 9 * 60,
	"Asia/Kathmandu": 5*60 + 30, "America/Santiago": 0, "Australia/Lord_Howe": 2 * 60, "America/New_York": 2*60 + 30,
}

// around sets the stage among clinics of all the places, all but its own.
func around(s *stagetest.Stage) {
	for _, zone := range slices.Sorted(maps.Keys(places)) {
		cl := stagetest.Clinic()
		only(nil, "sleeping-6")(&cl)
		cl.ID, cl.TimeZone, cl.SendFrom = strings.ReplaceAll(zone, "/", "."), zone, places[zone]
		own := s.Clinic
		s.Clinic = cl
		s.Settings(func(*dental.Clinic) {})
		s.Clinic = own
	}
}

func TestEachClinicIsScannedOnceADayInItsOwnMorning(t *testing.T) {
	for _, tt := range []struct{ from, to string }{
		{"2026-03-07", "2026-03-10"}, // New York leaps over half past two, Chatham and Santiago are in summer
		{"2026-04-03", "2026-04-06"}, // the south goes back
		{"2026-09-05", "2026-09-07"}, // Santiago leaps over midnight
		{"2026-12-30", "2027-01-02"}, // and the year ends over the date line
	} {
		t.Run("from "+tt.from, func(t *testing.T) {
			s := stagetest.New(t, on(t, tt.from).At(0, time.UTC), only(nil))
			around(s)
			sleeping := of(s, scenario.ScanSleeping)
			got := map[string][]string{}
			for end := on(t, tt.to).At(0, time.UTC); s.Now().Before(end); s.Set(s.Now().Add(15 * time.Minute)) {
				if err := sleeping.Tick(t.Context(), s.Now()); err != nil {
					t.Fatal(err)
				}
				for _, o := range orders(s) {
					got[o.Clinic] = append(got[o.Clinic], s.Now().Format("2006-01-02 15:04")+" for "+o.Day.String())
					if err := sleeping.Clinic(t.Context(), o.Clinic, o.Day); err != nil {
						t.Fatal(err)
					}
				}
			}
			for zone, from := range places {
				loc, err := time.LoadLocation(zone)
				if err != nil {
					t.Fatal(err)
				}
				var want []string
				for at := on(t, tt.from).At(0, time.UTC); at.Before(s.Now()); at = at.Add(15 * time.Minute) {
					// By the clock on the wall alone: the first quarter of an hour of a day that shows six, or an earlier start.
					day, clock := dental.DateOf(at.In(loc)), dental.TimeOfDayOf(at.In(loc))
					line := at.Format("2006-01-02 15:04") + " for " + day.String()
					if last := len(want) - 1; clock >= min(6*60, from) && (last < 0 || !strings.HasSuffix(want[last], day.String())) {
						want = append(want, line)
					}
				}
				if id := strings.ReplaceAll(zone, "/", "."); !slices.Equal(got[id], want) {
					t.Errorf("%s is scanned at\n  %s\nwant\n  %s", zone, strings.Join(got[id], "\n  "), strings.Join(want, "\n  "))
				}
			}
		})
	}
}

func TestWhatNextSaysIsWhenATickFindsSomething(t *testing.T) {
	s := stagetest.New(t, on(t, "2026-04-02").At(0, time.UTC), only(nil, "birthday"))
	around(s)
	for _, set := range []string{scenario.ScanSleeping, scenario.ScanBirthdays} {
		sleeping, found := of(s, set), 0
		s.Set(on(t, "2026-04-02").At(0, time.UTC))
		next, any, err := sleeping.Next(t.Context(), s.Now())
		if err != nil || !any {
			t.Fatal(any, err)
		}
		for end := on(t, "2026-04-08").At(0, time.UTC); s.Now().Before(end); s.Set(s.Now().Add(15 * time.Minute)) {
			if err := sleeping.Tick(t.Context(), s.Now()); err != nil {
				t.Fatal(err)
			}
			queued := orders(s)
			if due := !next.After(s.Now()); due != (len(queued) > 0) {
				t.Fatalf("at %s it is said to be due at %s, and %d clinics are queued", s.Now(), next, len(queued))
			}
			for _, o := range queued {
				found++
				if err := sleeping.Clinic(t.Context(), o.Clinic, o.Day); err != nil {
					t.Fatal(err)
				}
			}
			if next, any, err = sleeping.Next(t.Context(), s.Now()); err != nil || !any || !next.After(s.Now()) {
				t.Fatalf("after the scans of %s it is said to be due at %s, %v, %v", s.Now(), next, any, err)
			}
		}
		if found < 5 {
			t.Errorf("%s: %d clinics were found", set, found)
		}
	}
	if _, any, err := of(s, scenario.ScanOccasions).Next(t.Context(), s.Now()); err != nil || any {
		t.Errorf("a scan that no clinic runs is due: %v, %v", any, err)
	}
}

func TestTheScheduledTimeDecidesTheDayAndNotTheClock(t *testing.T) {
	s := stagetest.New(t, start, only(nil, "sleeping-6"))
	sleeping := of(s, scenario.ScanSleeping)
	if err := sleeping.Tick(t.Context(), s.Local("2026-03-09 23:45")); err != nil {
		t.Fatal(err)
	}
	if got, want := orders(s), (scan.Order{Clinic: "demo", Set: "sleeping", Day: on(t, "2026-03-09")}); len(got) != 1 || got[0] != want {
		t.Errorf("queued %v, want %v", got, want)
	}
	if err := sleeping.Tick(t.Context(), s.Local("2026-03-10 05:45")); err != nil {
		t.Fatal(err)
	}
	if got := orders(s); len(got) != 0 {
		t.Errorf("before the morning %v is queued", got)
	}
	if err := sleeping.Clinic(t.Context(), "demo", on(t, "2026-03-11")); dental.KindOf(err) != dental.Unavailable {
		t.Errorf("a day that has not begun there is scanned: %v", err)
	}
	if c := checkpoint(s, "sleeping-6"); !c.Day.IsZero() {
		t.Errorf("and marked: %v", c)
	}
}

func TestEveryKindOfMilestoneIsPlannedOnItsDay(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Patient.BirthDate = on(t, "1985-06-01") })
	s.Patient("Q", func(c *intake.Card) { c.Number, c.Patient.BirthDate = "+79160000002", on(t, "1984-02-29") })
	s.Visit("V", "P", s.Local("2026-03-10 08:00"), func(v *dental.Visit) { v.ReturnDate = on(t, "2027-09-10") })
	s.Visit("W", "Q", s.Local("2026-03-10 08:00"), func(v *dental.Visit) {
		v.Procedures, v.ReturnDate = []dental.Procedure{{Kind: dental.Implant}, {Kind: dental.Orthodontics}}, on(t, "2028-03-10")
	})
	s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: "demo", Patient: "P", ID: "L", PresentedAt: s.Local("2026-03-10 08:00"),
		Stages: []dental.Stage{{ID: "1", Name: "A", Status: dental.StagePlanned}}, Source: dental.Source{Version: 1, Body: "l"}}})
	want := map[string]string{
		"P plan/next-stage": "2026-03-24", "P plan/plan": "2026-03-31", "P birthday/greeting": "2026-06-01", "P sleeping-6/offer": "2026-09-10", "Q orthodontics-6m/check": "2026-09-10",
		"Q sleeping-6/offer": "2026-09-10", "Q birthday/greeting": "2027-02-28", "P season/autumn": "2026-09-18", "Q season/autumn": "2026-09-18",
		"Q implant-year/check": "2027-03-10", "P sleeping-12/offer": "2027-03-10", "Q sleeping-12/offer": "2027-03-10",
	}
	got := map[string]string{}
	for day := on(t, "2026-03-11"); !day.After(on(t, "2027-03-12")); day = day.AddDays(1) {
		s.Set(day.At(6*60, s.Clinic.Location()))
		s.Scan(day)
		for _, p := range []string{"P", "Q"} {
			for _, touch := range s.Card(p).Touches {
				if sc := s.Catalogue.Find(touch.Scenario); sc.On.Scanned() && got[p+" "+touch.Scenario+"/"+touch.Step] == "" {
					got[p+" "+touch.Scenario+"/"+touch.Step] = day.String()
				}
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("planned are\n  %v\nwant\n  %v", got, want)
	}
}

func TestARepeatPlansNothingAndWritesNothing(t *testing.T) {
	first := stagetest.New(t, start, only(nil, "sleeping-6", "birthday", "recall"))
	calls := &tabletest.Counted{Table: first.Table}
	s := stagetest.Join(first, calls)
	p := seen(s, 1, on(t, "2025-09-11"))
	s.ToLocal("2026-03-11 06:00")
	if got := states(s, "sleeping-6", p); len(got) != 1 {
		t.Fatalf("planned is %v", got)
	}
	before := s.Card(p).Touches
	calls.Writes.Store(0)
	for range 3 {
		s.Scan(on(t, "2026-03-11"))
		s.Scan(on(t, "2026-03-10"))
		s.Set(s.Now().Add(15 * time.Minute))
		for _, scan := range s.Scans {
			if err := scan.Tick(t.Context(), s.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, n := orders(s), calls.Writes.Load(); n != 0 || len(got) != 0 {
		t.Errorf("repeats wrote %d times and queued %v", n, got)
	}
	// Neither does a scan that has lost its checkpoint.
	tx := s.Store.Begin()
	c, err := tx.Checkpoint(t.Context(), "demo", "sleeping-6")
	if err != nil {
		t.Fatal(err)
	}
	c.Day = on(t, "2026-03-01")
	tx.Put(c)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Scan(on(t, "2026-03-11"))
	if after := s.Card(p).Touches; fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the second scan made of\n%v\nthis:\n%v", before, after)
	}
}

func TestMissedDaysAreMadeUpForAsLongAsTheirMessagesAreWorthIt(t *testing.T) {
	s := stagetest.New(t, start, only(nil, "sleeping-12", "birthday"))
	s.Scan(on(t, "2026-03-10"))
	var patients []string
	want := map[string]dental.TouchState{}
	for i := range 24 { // a year passes on each of the next days
		day := on(t, "2026-03-11").AddDays(i)
		first, _, any := day.ReachedBy(12)
		if !any {
			continue
		}
		p := seen(s, i, first)
		patients = append(patients, p)
		if deadline := s.Catalogue.Step("sleeping-12", "offer").When[0].Deadline.AddTo(day.At(0, s.Clinic.Location()), s.Clinic.Location()); deadline.After(s.Local("2026-04-03 06:00")) {
			want[p+" offer"] = dental.Planned
		}
	}
	s.Patient("B", func(c *intake.Card) { c.Number, c.Patient.BirthDate = "+79169999999", on(t, "1985-04-02") })
	s.Set(s.Local("2026-04-03 06:00"))
	s.Scan(on(t, "2026-04-03"))
	if got := states(s, "sleeping-12", patients...); !maps.Equal(got, want) || len(want) < 10 || len(want) == len(patients) {
		t.Errorf("after three weeks without a scan planned are\n  %v\nwant\n  %v", got, want)
	}
	if got := states(s, "birthday", "B"); len(got) != 0 {
		t.Errorf("yesterday's birthday is %v", got)
	}
	if c := checkpoint(s, "sleeping-12"); c.Day != on(t, "2026-04-03") {
		t.Errorf("the checkpoint is %s", c.Day)
	}
}

func TestNoMoreThanAMonthIsMadeUpFor(t *testing.T) {
	s := stagetest.New(t, start, only(nil, "implant-year"))
	s.Scan(on(t, "2026-03-10"))
	calls := &reads{Table: s.Table}
	other := stagetest.Join(s, calls)
	other.Set(s.Local("2027-03-10 06:00"))
	other.Scan(on(t, "2027-03-10"))
	if calls.milestones != 32 {
		t.Errorf("a scan after a year looked at %d days", calls.milestones)
	}
}

// reads counts the look-ups of milestones.
type reads struct {
	table.Table
	milestones int
}

func (r *reads) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if q.Index == table.GSI2 {
		r.milestones++
	}
	return r.Table.Query(ctx, q)
}

func TestOnlyWhatFallsDueIsRead(t *testing.T) {
	first := stagetest.New(t, start, only(nil, "sleeping-6"))
	for i := range 60 {
		seen(first, i, on(t, "2025-09-01").AddDays(i))
	}
	first.Scan(on(t, "2026-03-10"))
	cards := &cardsRead{Table: first.Table}
	s := stagetest.Join(first, cards)
	s.Set(s.Local("2026-03-12 06:00"))
	s.Scan(on(t, "2026-03-12"))
	if want := []string{"P010", "P011"}; !slices.Equal(cards.of, want) {
		t.Errorf("the cards of %v were read, want %v", cards.of, want)
	}
}

// cardsRead lists whose cards are read.
type cardsRead struct {
	table.Table
	of []string
}

func (c *cardsRead) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if q.Index == table.Main {
		c.of = append(c.of, q.PK[strings.LastIndex(q.PK, "#")+1:])
	}
	return c.Table.Query(ctx, q)
}

func TestAScenarioIsScannedFromTheDayItWasSwitchedOn(t *testing.T) {
	for _, tt := range []struct {
		name      string
		since     string
		scanned   string
		wantFirst string
	}{
		{"today", "2026-03-20", "", "2026-03-20"},
		{"some days ago, and not scanned since", "2026-03-08", "", "2026-03-08"},
		{"again after it was off", "2026-03-18", "2026-03-01", "2026-03-18"},
		{"long ago", "2025-03-01", "2026-03-15", "2026-03-16"},
		{"nobody knows when", "", "", "2026-03-13"},
		{"nobody knows when, and it has been scanned", "", "2026-03-10", "2026-03-11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start.AddDate(0, 0, -40), only(nil, "sleeping-6"))
			for i := range 22 {
				seen(s, i, on(t, "2025-09-01").AddDays(i)) // six months pass from 1 to 22 March
			}
			if tt.scanned != "" {
				s.Set(on(t, tt.scanned).At(6*60, s.Clinic.Location()))
				tx := s.Store.Begin()
				c, err := tx.Checkpoint(t.Context(), "demo", "sleeping-6")
				c.Day = on(t, tt.scanned)
				tx.Put(c)
				if err = errors.Join(err, tx.Commit(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			s.Settings(func(cl *dental.Clinic) {
				settings := cl.Scenarios["sleeping-6"]
				settings.BacklogPerDay = 1 // what opened before is not even left to its turn
				if tt.since != "" {
					settings.Since = on(t, tt.since)
				}
				cl.Scenarios["sleeping-6"] = settings
			})
			s.Set(s.Local("2026-03-20 06:00"))
			s.Scan(on(t, "2026-03-20"))
			var got []string
			for i := range 22 {
				if day := on(t, "2026-03-01").AddDays(i); len(states(s, "sleeping-6", fmt.Sprintf("P%03d", i))) > 0 {
					got = append(got, day.String())
				}
			}
			if len(got) == 0 || got[0] != cmp.Or(tt.wantFirst) || got[len(got)-1] != "2026-03-20" {
				t.Errorf("planned are %v, want from %s to 2026-03-20", got, tt.wantFirst)
			}
		})
	}
}

func TestWhoIsHeldOutIsWrittenDownAndNothingLeaves(t *testing.T) {
	half := func(s *dental.ScenarioSettings) { s.HoldoutPercent = 50 }
	s := stagetest.New(t, start, only(half, "sleeping-12"))
	s.Scan(on(t, "2026-03-10"))
	var patients []string
	for i := range 40 {
		patients = append(patients, seen(s, i, on(t, "2025-03-11")))
	}
	s.ToLocal("2026-03-11 20:00")
	held := 0
	for _, p := range patients {
		touch := s.Touch(p, "sleeping-12", "offer")
		switch {
		case touch.State == dental.Skipped && touch.Reason == "holdout" && touch.EndedOn == on(t, "2026-03-11"):
			held++
		case touch.State != dental.Sent:
			t.Errorf("%s: %s, %s", p, touch.State, touch.Reason)
		}
	}
	if held < 10 || held > 30 || len(s.Sent()) != 40-held {
		t.Errorf("of 40 patients %d are held out and %d were written to", held, len(s.Sent()))
	}
}

// broken is a table in which some things go wrong.
type broken struct {
	table.Table
	query func(table.Query) error
	write func([]table.Op) error
	// written is told of what was written.
	written func([]table.Op)
}

func (b *broken) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if b.query != nil {
		if err := b.query(q); err != nil {
			return table.Page{}, err
		}
	}
	return b.Table.Query(ctx, q)
}

func (b *broken) Write(ctx context.Context, ops ...table.Op) error {
	if b.write != nil {
		if err := b.write(ops); err != nil {
			return err
		}
	}
	err := b.Table.Write(ctx, ops...)
	if err == nil && b.written != nil {
		b.written(ops)
	}
	return err
}

var errBroken = errors.New("out of order")

// poisoned sets a stage with three patients due on 11 March, the second of whom
// goes wrong as is said.
func poisoned(t *testing.T, query func(table.Query) error) (*stagetest.Stage, *broken) {
	t.Helper()
	first := stagetest.New(t, start, only(nil, "sleeping-6"))
	first.Scan(on(t, "2026-03-10"))
	for i := range 3 {
		seen(first, i, on(t, "2025-09-11"))
	}
	b := &broken{Table: first.Table, query: query}
	s := stagetest.Join(first, b)
	s.Set(s.Local("2026-03-11 06:00"))
	return s, b
}

func ofSecond(q table.Query) bool {
	return q.Index == table.Main && strings.HasSuffix(q.PK, "P001")
}

func TestOnePatientsFailureStopsNoOtherAndComesBackByAJob(t *testing.T) {
	unread := func(q table.Query) error {
		if ofSecond(q) {
			return errBroken
		}
		return nil
	}
	for _, tt := range []struct {
		name, day string
		query     func(table.Query) error
	}{
		{"a card that cannot be read", "2026-03-11", unread},
		{"a card that cannot be read, by a scan that makes up for days", "2026-03-21", unread},
		{"a card that breaks the code", "2026-03-11", func(q table.Query) error {
			if ofSecond(q) {
				panic("facts that nobody thought of")
			}
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, b := poisoned(t, tt.query)
			s.Set(on(t, tt.day).At(6*60, s.Clinic.Location()))
			if err := of(s, scenario.ScanSleeping).Clinic(t.Context(), "demo", on(t, tt.day)); err != nil {
				t.Fatal(err)
			}
			b.query = nil
			if got, want := states(s, "sleeping-6", "P000", "P001", "P002"), map[string]dental.TouchState{"P000 offer": dental.Planned, "P002 offer": dental.Planned}; !maps.Equal(got, want) {
				t.Errorf("planned are %v, want %v", got, want)
			}
			if c := checkpoint(s, "sleeping-6"); c.Day != on(t, tt.day) {
				t.Errorf("the checkpoint is %s", c.Day)
			}
			s.Set(s.Now().Add(time.Minute))
			if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
				t.Fatal(err)
			}
			s.Drain()
			if got := states(s, "sleeping-6", "P001"); got["P001 offer"] != dental.Planned {
				t.Errorf("after the job there is %v", got)
			}
		})
	}
}

func TestADayOnWhichAPatientWasLostIsScannedAgain(t *testing.T) {
	s, b := poisoned(t, func(q table.Query) error {
		if ofSecond(q) {
			return errBroken
		}
		return nil
	})
	b.write = func(ops []table.Op) error {
		if _, job := ops[0].Item.Attr["kind"]; job && ops[0].Item.Attr["kind"] == store.SettleJob {
			return errBroken
		}
		return nil
	}
	sleeping := of(s, scenario.ScanSleeping)
	if err := sleeping.Tick(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	message := s.Queued()[0]
	if err := sleeping.Handle(t.Context(), message); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "P001") {
		t.Errorf("the message was done: %v", err)
	}
	if c := checkpoint(s, "sleeping-6"); c.Day != on(t, "2026-03-10") {
		t.Errorf("the checkpoint is %s", c.Day)
	}
	if got := states(s, "sleeping-6", "P000", "P002"); len(got) != 2 {
		t.Errorf("the others are %v", got)
	}
	b.query, b.write = nil, nil
	if err := sleeping.Handle(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	if got := states(s, "sleeping-6", "P000", "P001", "P002"); len(got) != 3 || checkpoint(s, "sleeping-6").Day != on(t, "2026-03-11") {
		t.Errorf("planned are %v", got)
	}
}

func TestAScanThatIsStoppedLeavesNobodyToAJobAndSetsNoCheckpoint(t *testing.T) {
	for name, hook := range map[string]func(b *broken, stop func()){
		"while it reads a card": func(b *broken, stop func()) {
			b.query = func(q table.Query) error {
				if ofSecond(q) {
					stop()
				}
				return nil
			}
		},
		"between two patients": func(b *broken, stop func()) { b.written = func([]table.Op) { stop() } },
	} {
		t.Run(name, func(t *testing.T) {
			s, b := poisoned(t, nil)
			ctx, stop := context.WithCancel(t.Context())
			hook(b, stop)
			if err := of(s, scenario.ScanSleeping).Clinic(ctx, "demo", on(t, "2026-03-11")); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "job") {
				t.Errorf("a scan that was stopped says %v", err)
			}
			if c := checkpoint(s, "sleeping-6"); c.Day != on(t, "2026-03-10") {
				t.Errorf("the checkpoint is %s", c.Day)
			}
			if got := states(s, "sleeping-6", "P000", "P001", "P002"); len(got) != 1 {
				t.Errorf("planned are %v", got)
			}
			for shard := range store.Shards {
				due, _, err := s.Store.Due(t.Context(), shard, s.Now().Add(time.Minute), 100, "")
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range due {
					if d.Job == nil || d.Job.Kind != store.TallyJob { // the figures of what was told before
						t.Errorf("something is due: %v", d)
					}
				}
			}
		})
	}
}

func TestAFactThatComesWhileAPatientIsLookedAtIsNotOverlooked(t *testing.T) {
	s, b := poisoned(t, nil)
	told := false
	b.write = func(ops []table.Op) error {
		if !told && strings.HasSuffix(ops[0].Item.Key.PK, "P000") {
			told = true
			s.Tell(intake.Event{ID: "a visit", Type: intake.VisitCompleted, Visit: &dental.Visit{Clinic: "demo", Patient: "P000", ID: "V",
				FinishedAt: s.Now().Add(-time.Minute), Source: dental.Source{Version: 1, Body: "v"}}})
		}
		return nil
	}
	s.Scan(on(t, "2026-03-11"))
	if got := states(s, "sleeping-6", "P000", "P001", "P002"); !told || len(got) != 2 || got["P000 offer"] != "" {
		t.Errorf("planned are %v", got)
	}
}

func TestWhatIsTooMuchForOneStepIsLeftToAJob(t *testing.T) {
	s, _ := poisoned(t, nil)
	tx := s.Store.Begin()
	if _, err := tx.Card(t.Context(), "demo", "P000"); err != nil {
		t.Fatal(err)
	}
	for i := range 24 { // touches of visits that are not there
		tx.Put(dental.Touch{Clinic: "demo", Patient: "P000", Scenario: "sleeping-6", Step: "offer", Anchor: on(t, "2024-01-01").AddDays(i).String(),
			Class: dental.Advertising, State: dental.Planned, Wake: s.Now().AddDate(1, 0, 0)})
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Scan(on(t, "2026-03-11"))
	left := func() (n int) {
		for _, touch := range s.Card("P000").Touches {
			if touch.Anchor < "2025" && touch.State == dental.Planned {
				n++
			}
		}
		return n
	}
	if n := left(); n == 0 || n == 24 {
		t.Errorf("after the scan %d of 24 are left", n)
	}
	s.ToLocal("2026-03-11 06:02")
	if n := left(); n != 0 {
		t.Errorf("after the job %d are left", n)
	}
}

func TestAScenarioSwitchedOnInTheAfternoonIsScannedOnTheSameDay(t *testing.T) {
	s := stagetest.New(t, start, only(nil, "sleeping-6"))
	sleeping := of(s, scenario.ScanSleeping)
	s.Scan(on(t, "2026-03-10"))
	p := seen(s, 1, on(t, "2025-03-10"))
	s.Set(s.Local("2026-03-10 15:00"))
	s.Settings(func(cl *dental.Clinic) {
		cl.Scenarios["sleeping-12"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, Since: on(t, "2026-03-10")}
	})
	if at, any, err := sleeping.Next(t.Context(), s.Now()); err != nil || !any || at.After(s.Now()) {
		t.Errorf("it is said to be due at %s: %v, %v", at, any, err)
	}
	if err := sleeping.Tick(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Drain()
	if got := states(s, "sleeping-12", p); got[p+" offer"] != dental.Planned {
		t.Errorf("planned is %v", got)
	}
}

func TestOneScenariosFailureStopsNoOther(t *testing.T) {
	first := stagetest.New(t, start, only(nil, "recall", "implant-year", "plan"))
	b := &broken{Table: first.Table, query: func(q table.Query) error {
		if strings.Contains(q.PK, string(dental.LastImplant)) {
			return errBroken
		}
		return nil
	}}
	s := stagetest.Join(first, b)
	if err := of(s, scenario.ScanOccasions).Clinic(t.Context(), "demo", on(t, "2026-03-10")); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "implant-year") {
		t.Errorf("it says %v", err)
	}
	for name, want := range map[string]dental.Date{"recall": on(t, "2026-03-10"), "plan": on(t, "2026-03-10"), "implant-year": {}} {
		if got := checkpoint(s, name).Day; got != want {
			t.Errorf("%s is scanned up to %q, want %q", name, got, want)
		}
	}
}

// spoil writes something into an item that no noun has there.
func spoil(t *testing.T, tb table.Table, pk, sk string, index2 table.Key, attr string) {
	t.Helper()
	if err := tb.Write(t.Context(), table.Put(table.Item{Key: table.Key{PK: pk, SK: sk}, Index2: index2, Attr: map[string]any{attr: int64(7)}}, table.None)); err != nil {
		t.Fatal(err)
	}
}

func TestOneClinicsFailureStopsNoOther(t *testing.T) {
	s := stagetest.New(t, on(t, "2026-03-11").At(7*60, time.UTC), only(nil))
	around(s)
	sleeping := of(s, scenario.ScanSleeping)
	spoil(t, s.Table, "C#Asia.Kamchatka", "C", table.Key{PK: "CLINICS", SK: "Asia/Kamchatka#Asia.Kamchatka"}, "name")
	spoil(t, s.Table, "C#Europe.Kaliningrad", "SCAN#sleeping-6", table.Key{}, "day")
	err := sleeping.Tick(t.Context(), s.Now())
	if !errors.Is(err, store.ErrUnreadable) || !strings.Contains(err.Error(), "Kamchatka") || !strings.Contains(err.Error(), "Kaliningrad") {
		t.Errorf("it says %v", err)
	}
	queued := orders(s)
	if len(queued) != len(places)-1 {
		t.Errorf("queued are %v", queued)
	}
	for _, o := range queued {
		err := sleeping.Clinic(t.Context(), o.Clinic, o.Day)
		if bad := o.Clinic == "Europe.Kaliningrad"; bad != (err != nil) {
			t.Errorf("%s: %v", o.Clinic, err)
		}
	}
	if err := sleeping.Clinic(t.Context(), "nobody", on(t, "2026-03-10")); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a clinic that is not there: %v", err)
	}
}

func TestAMilestoneThatCannotBeReadStopsNoOther(t *testing.T) {
	s, _ := poisoned(t, nil)
	spoil(t, s.Table, "P#demo#P001", "M#last-visit", table.Key{PK: "MS#demo#last-visit#2025-09", SK: "11#P001"}, "patient")
	if err := of(s, scenario.ScanSleeping).Clinic(t.Context(), "demo", on(t, "2026-03-11")); err != nil {
		t.Fatal(err)
	}
	if got := states(s, "sleeping-6", "P000", "P002"); len(got) != 2 || checkpoint(s, "sleeping-6").Day != on(t, "2026-03-11") {
		t.Errorf("the others are %v", got)
	}
}

// refusing is a queue that takes nothing.
type refusing struct{}

func (refusing) Enqueue(context.Context, ...string) error { return errBroken }

func TestClinicsThatCouldNotBeQueuedAreQueuedByTheNextTick(t *testing.T) {
	s := stagetest.New(t, on(t, "2026-03-11").At(7*60, time.UTC), only(nil))
	around(s)
	sleeping := *of(s, scenario.ScanSleeping)
	good := sleeping.Queue
	sleeping.Queue = refusing{}
	if err := sleeping.Tick(t.Context(), s.Now()); !errors.Is(err, errBroken) {
		t.Errorf("it says %v", err)
	}
	sleeping.Queue = good
	if err := sleeping.Tick(t.Context(), s.Now().Add(15*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := orders(s); len(got) != len(places) {
		t.Errorf("queued are %v", got)
	}
}

func TestAMessageThatIsNoneOfTheScansIsRefused(t *testing.T) {
	s := stagetest.New(t, start)
	for _, body := range []string{``, `{}`, `{"Job":{"Clinic":"demo","ID":"x"}}`, `{"Scan":{"Clinic":"demo","Set":"birthdays","Day":"2026-03-10"}}`,
		`{"Scan":{"Clinic":"demo","Set":"sleeping"}}`, `{"Scan":{"Clinic":"demo","Set":"sleeping","Day":"2026-02-30"}}`} {
		if err := of(s, scenario.ScanSleeping).Handle(t.Context(), body); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%s: %v", body, err)
		}
	}
	if err := of(s, scenario.ScanSleeping).Handle(t.Context(), `{"Scan":{"Clinic":"demo","Set":"sleeping","Day":"2026-03-10"}}`); err != nil {
		t.Error(err)
	}
}

func TestManyPatientsAreLookedAtAtOnce(t *testing.T) {
	s := stagetest.New(t, start, only(func(set *dental.ScenarioSettings) { set.Release = dental.ReleaseStaff }, "sleeping-6"))
	s.Scan(on(t, "2026-03-10"))
	var patients []string
	for i := range 60 {
		patients = append(patients, seen(s, i, on(t, "2025-09-11")))
	}
	s.Set(s.Local("2026-03-11 06:00"))
	many := *of(s, scenario.ScanSleeping)
	many.Workers, many.Log = 8, slog.New(slog.DiscardHandler)
	if err := many.Clinic(t.Context(), "demo", on(t, "2026-03-11")); err != nil {
		t.Fatal(err)
	}
	if got := states(s, "sleeping-6", patients...); len(got) != 60 {
		t.Errorf("%d are planned", len(got))
	}
}

func TestANewScenarioIsScannedByItsTriggerAlone(t *testing.T) {
	s := stagetest.New(t, start, only(nil, "sleeping-6"))
	again := *scenario.Shipped().Find("sleeping-6")
	again.Name = "nine-months"
	again.Steps = slices.Clone(again.Steps)
	again.Steps[0].When = []scenario.When{{After: scenario.Span{Months: 9}, Deadline: scenario.Span{Days: 14}}}
	sleeping := *of(s, scenario.ScanSleeping)
	sleeping.Catalogue = append(slices.Clone(sleeping.Catalogue), again)
	s.Settings(func(cl *dental.Clinic) {
		cl.Scenarios["nine-months"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto}
	})
	p := seen(s, 1, on(t, "2025-06-10"))
	if err := sleeping.Clinic(t.Context(), "demo", on(t, "2026-03-10")); err != nil {
		t.Fatal(err)
	}
	if got := states(s, "nine-months", p); got[p+" offer"] != dental.Planned {
		t.Errorf("planned is %v", got)
	}
}
