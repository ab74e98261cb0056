package scan_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/scan"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// set lays settings over the clinic's, as its owner does.
func set(s *stagetest.Stage, patch string) {
	s.T.Helper()
	keeper := &settings.Keeper{Store: s.Store, Rand: rand.NewChaCha8([32]byte{7})}
	_, cl, err := keeper.Put(s.T.Context(), s.Clinic.ID, []byte(patch), s.Now())
	if err != nil {
		s.T.Fatal(err)
	}
	s.Clinic = *cl
}

// worth is a visit's receipt in roubles.
func worth(roubles int64) func(*dental.Visit) {
	return func(v *dental.Visit) { v.Receipt = dental.Money{Minor: roubles * 100, Currency: "RUB"} }
}

// asleep sets a stage with patients who were last seen nine months ago, the
// later the more they are worth, and sleeping-6 off.
func asleep(t *testing.T, patients int) (*stagetest.Stage, []string) {
	s := stagetest.New(t, start, only(nil))
	var out []string
	for i := range patients {
		out = append(out, seen(s, i, on(t, "2025-06-01").AddDays(i%20), worth(int64(1000+10*i))))
	}
	return s, out
}

// takenUp lists whose backlog touch was taken up on which day.
func takenUp(s *stagetest.Stage, patients []string) map[string][]string {
	out := map[string][]string{}
	for _, p := range patients {
		for _, t := range s.Card(p).Touches {
			if !t.TakenUp.IsZero() {
				day := s.Clinic.Today(t.TakenUp).String()
				out[day] = append(out[day], p)
			}
		}
	}
	return out
}

const fourADay = `{"scenarios": {"sleeping-6": {"on": true, "release": "auto", "backlogPerDay": 4}}}`

func TestTheBacklogOfAScenarioSwitchedOnFlowsAtItsRateTheHighestValueFirst(t *testing.T) {
	s, patients := asleep(t, 22)
	s.ToLocal("2026-03-10 15:00")
	set(s, fourADay)
	s.ToLocal("2026-03-18 20:00")
	got := takenUp(s, patients)
	slices.Reverse(patients)
	for i, day := range []string{"2026-03-11", "2026-03-12", "2026-03-13", "2026-03-14", "2026-03-15", "2026-03-16"} {
		want := slices.Sorted(slices.Values(patients[4*i : min(4*i+4, 22)]))
		if !slices.Equal(got[day], want) {
			t.Errorf("on %s %v are taken up, want %v", day, got[day], want)
		}
	}
	if len(got) != 6 || len(s.SentAs("sleeping-6", "offer")) != 22 {
		t.Errorf("taken up are %v, and %d messages left", got, len(s.SentAs("sleeping-6", "offer")))
	}
}

func TestThoseWhoNeedItNoMoreDoNotCount(t *testing.T) {
	s, patients := asleep(t, 8)
	set(s, fourADay)
	s.ToLocal("2026-03-10 20:00")
	// Archived past intake, so that their touches still wait.
	for _, p := range patients[4:7] {
		tx := s.Store.Begin()
		card, err := tx.Card(t.Context(), "demo", p)
		card.Patient.Status = dental.Archived
		tx.Put(card.Patient)
		if err = errors.Join(err, tx.Commit(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	s.ToLocal("2026-03-11 20:00")
	if got, want := takenUp(s, patients)["2026-03-11"], []string{patients[1], patients[2], patients[3], patients[7]}; !slices.Equal(got, want) {
		t.Errorf("taken up are %v, want %v", got, want)
	}
	for _, p := range patients[4:7] {
		if touch := s.Touch(p, "sleeping-6", "offer"); touch.State != dental.TouchCancelled || touch.Reason != "archived" {
			t.Errorf("%s: %s %s", p, touch.State, touch.Reason)
		}
	}
}

// TestTheLotOfABacklogIsDrawnAtEachOnesTurn: so that those left alone are
// watched over the same days as those who are written to, and not over days
// past, in which by the choice of them nobody came.
func TestTheLotOfABacklogIsDrawnAtEachOnesTurn(t *testing.T) {
	s, patients := asleep(t, 22)
	s.ToLocal("2026-03-10 15:00")
	set(s, strings.Replace(fourADay, `"on"`, `"holdout": 50, "on"`, 1))
	s.ToLocal("2026-03-10 20:00")
	for _, p := range patients {
		if touch := s.Touch(p, "sleeping-6", "offer"); touch.State != dental.Held {
			t.Errorf("before its turn that of %s is %s (%s)", p, touch.State, touch.Reason)
		}
	}
	s.ToLocal("2026-03-18 20:00")
	left := map[dental.Date]int{}
	alone := 0
	for _, p := range patients {
		touch := s.Touch(p, "sleeping-6", "offer")
		turn := s.Clinic.Today(touch.TakenUp)
		switch {
		case s.Clinic.Today(touch.Due) != turn || turn.Before(on(t, "2026-03-11")):
			t.Errorf("%s was taken up on %s and fell due on %s", p, turn, touch.Due)
		case touch.State == dental.Sent:
			left[turn]++
		case touch.Reason == "holdout" && touch.EndedOn == turn && !touch.Backlog:
			alone++
		default:
			t.Errorf("%s: %s, %s", p, touch.State, touch.Reason)
		}
	}
	if alone < 5 || alone > 17 || left[on(t, "2026-03-11")] != 4 {
		t.Errorf("%d of 22 are left alone, and of the others there left %v", alone, left)
	}
}

// waiting sets a stage on the morning of 11 March with a backlog of ten and four a day.
func waiting(t *testing.T) (*stagetest.Stage, []string) {
	s, patients := asleep(t, 10)
	set(s, fourADay)
	s.Set(s.Local("2026-03-10 09:01"))
	if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Drain()
	if page, _, err := s.Store.Backlog(t.Context(), "demo", "sleeping-6", 100, ""); err != nil || len(page) != 10 {
		t.Fatalf("%d wait: %v", len(page), err)
	}
	s.Set(s.Local("2026-03-11 06:00"))
	return s, patients
}

// crashing does every write, and from a given one on answers as a table that is gone.
type crashing struct {
	table.Table
	writes, after int
	mute          bool // the last write is done, and its answer is lost
}

func (c *crashing) Write(ctx context.Context, ops ...table.Op) error {
	c.writes++
	switch {
	case c.writes < c.after:
		return c.Table.Write(ctx, ops...)
	case c.writes == c.after && c.mute:
		return errors.Join(c.Table.Write(ctx, ops...), errBroken)
	}
	return errBroken
}

func TestNeitherACrashNorARepeatNorASecondRunExceedsTheDaysShare(t *testing.T) {
	crashes := 0
	for _, mute := range []bool{false, true} {
		for after := 1; ; after++ {
			first, patients := waiting(t)
			c := &crashing{Table: first.Table, after: after, mute: mute}
			s := stagetest.Join(first, c)
			_ = of(s, scenario.ScanSleeping).Clinic(t.Context(), "demo", on(t, "2026-03-11"))
			if n := len(takenUp(first, patients)["2026-03-11"]); n > 4 {
				t.Fatalf("after a crash at the write %d there are %d", after, n)
			}
			first.Scan(on(t, "2026-03-11"))
			first.Scan(on(t, "2026-03-11"))
			if n := len(takenUp(first, patients)["2026-03-11"]); n != 4 {
				t.Fatalf("after a crash at the write %d and a repeat %d were taken up, want 4", after, n)
			}
			if c.writes < after {
				break
			}
			crashes++
		}
	}
	if crashes < 8 {
		t.Errorf("only %d crashes were tried", crashes)
	}

	s, patients := waiting(t)
	done := make(chan error)
	for range 4 {
		go func() { done <- of(s, scenario.ScanSleeping).Clinic(t.Context(), "demo", on(t, "2026-03-11")) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := len(takenUp(s, patients)["2026-03-11"]); n != 4 {
		t.Errorf("four runs at once took up %d", n)
	}
}

func TestALateMessageLeavesTheBacklogToTheDayThatHasBegun(t *testing.T) {
	s, patients := waiting(t)
	s.Set(s.Local("2026-03-12 05:00"))
	s.Scan(on(t, "2026-03-11"))
	if got := takenUp(s, patients); len(got) != 0 {
		t.Errorf("a message of yesterday took up %v", got)
	}
	s.Set(s.Local("2026-03-12 06:00"))
	s.Scan(on(t, "2026-03-12"))
	if got := takenUp(s, patients); len(got["2026-03-12"]) != 4 || len(got) != 1 {
		t.Errorf("today's took up %v", got)
	}
}

func TestTheShareFollowsTheSettings(t *testing.T) {
	s, patients := waiting(t)
	for _, tt := range []struct {
		day, patch string
		want       int
	}{
		{"2026-03-11", `{"scenarios": {"sleeping-6": {"backlogPerDay": 1}}}`, 1},
		{"2026-03-12", `{"scenarios": {"sleeping-6": {"backlogPerDay": 0}}}`, 0},
		{"2026-03-13", `{"scenarios": {"sleeping-6": {"on": false}}}`, 0},
		{"2026-03-14", `{"scenarios": {"sleeping-6": {"on": true, "backlogPerDay": 6}}}`, 6},
	} {
		set(s, tt.patch)
		s.Set(on(t, tt.day).At(6*60, s.Clinic.Location()))
		s.Scan(on(t, tt.day))
		if got := len(takenUp(s, patients)[tt.day]); got != tt.want {
			t.Errorf("on %s %d were taken up, want %d", tt.day, got, tt.want)
		}
	}
}

func TestWhatIsTakenUpWaitsForAPersonWhereTheClinicWantsOne(t *testing.T) {
	s, patients := waiting(t)
	set(s, `{"scenarios": {"sleeping-6": {"release": "staff"}}}`)
	s.ToLocal("2026-03-11 20:00")
	held, _, err := s.Store.Held(t.Context(), "demo", on(t, "2026-03-11"), "sleeping-6", 100, "")
	if err != nil || len(held) != 4 || len(s.Sent()) != 0 || len(takenUp(s, patients)["2026-03-11"]) != 4 {
		t.Errorf("%d wait for release, %d left: %v", len(held), len(s.Sent()), err)
	}
	tasks, _, err := s.Store.OpenTasks(t.Context(), "demo", 10, "")
	if err != nil || len(tasks) != 1 || tasks[0].Kind != dental.ReleaseTask {
		t.Errorf("staff are told %v: %v", tasks, err)
	}
}

// stale shows of each partition of an index what stood in it at first.
type stale struct {
	table.Table
	pages map[string]table.Page
}

func (s *stale) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if q.Index != table.GSI1 {
		return s.Table.Query(ctx, q)
	}
	if page, seen := s.pages[q.PK]; seen {
		return page, nil
	}
	page, err := s.Table.Query(ctx, q)
	s.pages[q.PK] = page
	return page, err
}

func TestAnIndexThatIsBehindTakesNothingUpTwice(t *testing.T) {
	first, patients := waiting(t)
	set(first, `{"scenarios": {"sleeping-6": {"release": "staff"}}}`)
	s := stagetest.Join(first, &stale{Table: first.Table, pages: map[string]table.Page{}})
	for i, want := range []int{4, 4, 2, 0} {
		day := on(t, "2026-03-11").AddDays(i)
		s.Set(day.At(6*60, s.Clinic.Location()))
		s.Scan(day)
		if got := takenUp(first, patients)[day.String()]; len(got) != want {
			t.Errorf("on %s %v were taken up, want %d", day, got, want)
		}
	}
	if got := takenUp(first, patients); len(got) != 3 {
		t.Errorf("taken up are %v", got)
	}
}

func TestOnceTheDaysShareIsSpentNobodyIsReadForIt(t *testing.T) {
	first, _ := waiting(t)
	cards := &cardsRead{Table: first.Table}
	s := stagetest.Join(first, cards)
	s.Scan(on(t, "2026-03-11"))
	if want := []string{"P009", "P008", "P007", "P006", "P005"}; !slices.Equal(cards.of, want) {
		t.Errorf("the cards of %v were read, want %v", cards.of, want)
	}
}

func TestADayLooksAtNoMoreThanAThousandOfABacklog(t *testing.T) {
	s := stagetest.New(t, start, only(func(s *dental.ScenarioSettings) { s.BacklogPerDay = 2 }, "sleeping-6"))
	for i := range 1010 { // of visits that are not there
		tx := s.Store.Begin()
		p := fmt.Sprintf("P%04d", i)
		if _, err := tx.Card(t.Context(), "demo", p); err != nil {
			t.Fatal(err)
		}
		tx.Put(dental.Patient{Clinic: "demo", ID: p})
		tx.Put(dental.Touch{Clinic: "demo", Patient: p, Scenario: "sleeping-6", Step: "offer", Anchor: "2025-06-01", Class: dental.Advertising, State: dental.Held, Backlog: true})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{10, 0} {
		day := s.Clinic.Today(s.Now())
		s.Scan(day)
		if page, _, err := s.Store.Backlog(t.Context(), "demo", "sleeping-6", 1000, ""); err != nil || len(page) != want {
			t.Errorf("on %s %d are left, want %d: %v", day, len(page), want, err)
		}
		s.Set(s.Now().AddDate(0, 0, 1))
	}
}

func TestATouchThatFailsStaysInTheBacklogAndStopsNoOther(t *testing.T) {
	first, patients := waiting(t)
	b := &broken{Table: first.Table, query: func(q table.Query) error {
		if q.Index == table.Main && strings.HasSuffix(q.PK, patients[9]) {
			return errBroken
		}
		return nil
	}}
	s := stagetest.Join(first, b)
	s.Scan(on(t, "2026-03-11"))
	if got, want := takenUp(first, patients)["2026-03-11"], patients[5:9]; !slices.Equal(got, want) {
		t.Errorf("taken up are %v, want %v", got, want)
	}
	first.Set(s.Local("2026-03-12 06:00"))
	first.Scan(on(t, "2026-03-12"))
	if got, want := takenUp(first, patients)["2026-03-12"], []string{patients[2], patients[3], patients[4], patients[9]}; !slices.Equal(got, want) {
		t.Errorf("on the next day taken up are %v, want %v", got, want)
	}
}

// TestNothingLetsAnAvalancheGo plays what may happen to a clinic in any order,
// on a table that fails in every way: imports, scenarios switched on and off,
// news of patients, scans that repeat, run late or miss days. Whatever is not
// held then either fell due in the days that are made up for, or was taken up
// out of a backlog, at most so many a day as the clinic said.
func TestNothingLetsAnAvalancheGo(t *testing.T) {
	synctest.Test(t, avalanches) // so that nobody waits for the pauses between tries
}

func avalanches(t *testing.T) {
	planned, flowed := 0, 0
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 1))
		first := stagetest.New(t, start, only(nil, "sleeping-6", "sleeping-12", "sleeping-18", "implant-year"))
		faulty := tabletest.NewFaulty(first.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{
			tabletest.LostBefore: 0.02, tabletest.LostAfter: 0.02, tabletest.LostLate: 0.02, tabletest.Contended: 0.02, tabletest.FailedRead: 0.01, tabletest.StaleIndex: 0.05}})
		s := stagetest.Join(first, faulty)
		names := []string{"sleeping-6", "sleeping-12", "sleeping-18", "implant-year"}
		rate := map[string]int{}
		var patients []string
		first.Set(s.Now())
		offOn := map[string][]dental.Date{} // the days on which a scenario was switched on
		for range 40 {
			switch r.IntN(6) {
			case 0: // an import
				for range 1 + r.IntN(6) {
					day := first.Clinic.Today(first.Now()).AddDays(-r.IntN(900) - 1)
					if r.IntN(2) == 0 { // about whom something opens in these days
						day = first.Clinic.Today(first.Now()).AddMonths(-6 * (1 + r.IntN(3))).AddDays(15 - r.IntN(30))
					}
					patients = append(patients, seen(first, len(patients), day, worth(int64(r.IntN(9000))), func(v *dental.Visit) {
						if r.IntN(3) == 0 {
							v.Procedures = []dental.Procedure{{Kind: dental.Implant}}
						}
					}))
				}
			case 1: // the owner's hand
				name := names[r.IntN(len(names))]
				on := r.IntN(4) > 0
				if on {
					rate[name] = r.IntN(4)
				}
				was := first.Clinic.Scenario(name).On
				set(first, fmt.Sprintf(`{"scenarios": {%q: {"on": %v, "backlogPerDay": %d}}}`, name, on, rate[name]))
				if on && !was {
					offOn[name] = append(offOn[name], first.Clinic.Today(first.Now()))
				}
			case 2: // news of a patient
				if len(patients) > 0 {
					n := r.IntN(len(patients))
					first.Patient(patients[n], func(c *intake.Card) {
						c.Number = fmt.Sprintf("+7916000%04d", n)
						c.Patient.GivenName = fmt.Sprint("Анна ", r.IntN(1000))
						c.Patient.BirthDate = dental.Date{Year: 1984, Month: 2, Day: 29}
					})
				}
			case 3: // days without a scan
				first.Set(first.Now().Add(time.Duration(r.IntN(5*24)) * time.Hour))
			}
			s.Set(first.Now())
			// The jobs of a switch-on, and of patients left to one.
			if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err == nil {
				for _, body := range s.Queued() {
					if strings.HasPrefix(body, `{"Job"`) {
						_ = s.Worker.Handle(t.Context(), body)
					}
				}
			}
			for range 1 + r.IntN(2) {
				for _, x := range []*scan.Scanner{of(s, scenario.ScanSleeping), of(s, scenario.ScanOccasions)} {
					_ = x.Clinic(t.Context(), "demo", s.Clinic.Today(s.Now()).AddDays(-r.IntN(2)))
				}
			}
			first.Set(first.Now().Add(time.Duration(r.IntN(26)) * time.Hour))
		}
		faulty.Heal()

		taken := map[string]int{}
		for _, p := range patients {
			card := first.Card(p)
			for _, touch := range card.Touches {
				sc := first.Catalogue.Find(touch.Scenario)
				if touch.Backlog || !touch.State.Open() || !sc.On.Scanned() {
					continue
				}
				planned++
				if !touch.TakenUp.IsZero() {
					flowed++
					taken[touch.Scenario+" "+first.Clinic.Today(touch.TakenUp).String()]++
					continue
				}
				visit := on(t, touch.Anchor)
				opened := visit.AddMonths(sc.Step(touch.Step).When[0].After.Months)
				at := first.Clinic.Today(touch.PlannedAt)
				if opened.After(at) || at.DaysSince(opened) > 31 {
					t.Errorf("seed %d: %s/%s of %s opened on %s and was planned on %s", seed, touch.Scenario, touch.Step, p, opened, at)
				}
				var since dental.Date
				for _, d := range offOn[touch.Scenario] {
					if !d.After(at) {
						since = d
					}
				}
				if opened.Before(since) {
					t.Errorf("seed %d: %s/%s of %s opened on %s, before it was switched on on %s, and was planned on %s", seed, touch.Scenario, touch.Step, p, opened, since, at)
				}
			}
		}
		for day, n := range taken {
			if n > 3 {
				t.Errorf("seed %d: %d were taken up of %s", seed, n, day)
			}
		}
	}
	if planned < 150 || flowed < 50 {
		t.Errorf("only %d touches were planned and %d flowed", planned, flowed)
	}
	t.Logf("%d touches were planned, %d of them out of a backlog", planned, flowed)
}
