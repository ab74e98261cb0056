package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// pages walks pages of a size to the end.
func pages[T any](t *testing.T, read func(limit int, cursor string) ([]T, string, error)) (out []T) {
	t.Helper()
	for cursor := ""; ; {
		some, next, err := read(2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) > 2 {
			t.Fatalf("a page of two has %d", len(some))
		}
		out = append(out, some...)
		if cursor = next; cursor == "" {
			return out
		}
	}
}

// names are what a list calls its elements.
func names[T any](list []T, name func(T) string) []string {
	var out []string
	for _, v := range list {
		out = append(out, name(v))
	}
	return out
}

func wantNames(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are %q, want %q", what, got, want)
	}
}

func TestAPersonIsFoundByTheAddressHoweverItIsCasedAndHasAPostInEachClinic(t *testing.T) {
	everywhere(t, func(h house) {
		key := h.StaffKey("Vera@Example.com")
		if key != h.StaffKey("vera@example.com") || key == h.StaffKey("vera@example.org") {
			h.Error("the key does not follow the address alone")
		}
		for _, s := range []dental.Staff{{Clinic: "north", Key: key, Role: dental.Owner}, {Clinic: "c", Key: key, Role: dental.Manager}, {Clinic: "c", Key: h.StaffKey("a@example.com"), Role: dental.Administrator}} {
			tx := h.Begin()
			if was, err := tx.Staff(h.Context(), s.Clinic, s.Key); err != nil || was.Key != "" {
				h.Fatalf("before there is %+v: %v", was, err)
			}
			tx.Put(s)
			if err := tx.Commit(h.Context()); err != nil {
				h.Fatal(err)
			}
		}
		posts, err := h.Posts(h.Context(), key)
		if err != nil {
			h.Fatal(err)
		}
		wantNames(h.T, "the posts", names(posts, func(s dental.Staff) string { return s.Clinic + " " + string(s.Role) }), "c manager", "north owner")
		staff, err := h.StaffOf(h.Context(), "c")
		if err != nil {
			h.Fatal(err)
		}
		wantNames(h.T, "the clinic's staff", names(staff, func(s dental.Staff) string { return string(s.Role) }), "administrator", "manager")
	})
}

func TestTheLogOfAMonthIsReadNewestFirstPageByPage(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		for i := range 5 {
			tx.Put(dental.LogEntry{Clinic: "c", ID: fmt.Sprint("e", i), At: noon.Add(time.Duration(i) * time.Hour)})
		}
		tx.Put(dental.LogEntry{Clinic: "c", ID: "of June", At: noon.AddDate(0, 1, 0)})
		tx.Put(dental.LogEntry{Clinic: "d", ID: "of another", At: noon})
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		got := pages(h.T, func(limit int, cursor string) ([]dental.LogEntry, string, error) {
			return h.Log(h.Context(), "c", "2026-05", limit, cursor)
		})
		wantNames(h.T, "the entries", names(got, func(e dental.LogEntry) string { return e.ID }), "e4", "e3", "e2", "e1", "e0")
	})
}

func TestTasksAreReadByTheDayTheyAreShownOnAndTheDayTheyWereClosedOn(t *testing.T) {
	everywhere(t, func(h house) {
		day := parse(h.T, "2026-05-22")
		h.step(func(tx *store.Tx, _ *dental.Card) {
			for i := -2; i <= 2; i++ {
				tx.Put(dental.Task{Clinic: "c", Patient: "p", Kind: dental.CallTask, Anchor: fmt.Sprint("open", i), ShowDay: day.AddDays(i)})
				tx.Put(dental.Task{Clinic: "c", Patient: "p", Kind: dental.CallTask, Anchor: fmt.Sprint("closed", i), ShowDay: day, ClosedAt: noon, ClosedOn: day.AddDays(i)})
			}
			tx.Put(dental.Visit{Clinic: "c", Patient: "p", ID: "V", Day: day}) // of the ledger, and no task
		})
		anchor := func(t dental.Task) string { return t.Anchor }
		got := pages(h.T, func(limit int, cursor string) ([]dental.Task, string, error) {
			return h.TasksUpTo(h.Context(), "c", day, limit, cursor)
		})
		wantNames(h.T, "the tasks of the day", names(got, anchor), "open-2", "open-1", "open0")
		got = pages(h.T, func(limit int, cursor string) ([]dental.Task, string, error) {
			return h.ClosedTasks(h.Context(), "c", day, limit, cursor)
		})
		wantNames(h.T, "the closed ones", names(got, anchor), "closed0")
	})
}

func TestADaysStandingAppointmentsComeByTheirStart(t *testing.T) {
	everywhere(t, func(h house) {
		day := parse(h.T, "2026-05-22")
		h.step(func(tx *store.Tx, _ *dental.Card) {
			for id, a := range map[string]dental.Appointment{"late": {Start: noon.Add(3 * time.Hour), Status: dental.Booked, On: day}, "early": {Start: noon, Status: dental.Confirmed, On: day},
				"off": {Start: noon, Status: dental.Cancelled, On: day}, "tomorrow": {Start: noon.Add(24 * time.Hour), Status: dental.Booked, On: day.AddDays(1)}, "noon": {Start: noon.Add(time.Hour), Status: dental.Booked, On: day}} {
				a.Clinic, a.Patient, a.ID = "c", "p", id
				tx.Put(a)
			}
		})
		got := pages(h.T, func(limit int, cursor string) ([]dental.Appointment, string, error) {
			return h.Appointments(h.Context(), "c", day, limit, cursor)
		})
		wantNames(h.T, "the appointments", names(got, func(a dental.Appointment) string { return a.ID }), "early", "noon", "late")
	})
}

func TestAPatientIsFoundByTheLastFourDigitsOfTheNumber(t *testing.T) {
	everywhere(t, func(h house) {
		for p, digits := range map[string]string{"a": "0007", "b": "0007", "d": "0008"} {
			tx := h.Begin()
			if _, err := tx.Card(h.Context(), "c", p); err != nil {
				h.Fatal(err)
			}
			tx.Put(dental.PhoneEnding{Clinic: "c", Patient: p, Digits: digits})
			if err := tx.Commit(h.Context()); err != nil {
				h.Fatal(err)
			}
		}
		got := pages(h.T, func(limit int, cursor string) ([]dental.PhoneEnding, string, error) {
			return h.ByEnding(h.Context(), "c", "0007", limit, cursor)
		})
		wantNames(h.T, "they", names(got, func(e dental.PhoneEnding) string { return e.Patient }), "a", "b")
	})
}

func TestCostsRatingsAndAJobsResultsComeInTheirOrder(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		tx.Put(dental.Cost{Clinic: "c", ID: "b", From: parse(h.T, "2026-02-01")})
		tx.Put(dental.Cost{Clinic: "c", ID: "a", From: parse(h.T, "2026-02-01")})
		tx.Put(dental.Cost{Clinic: "c", ID: "c", From: parse(h.T, "2026-01-01")})
		tx.Put(dental.MapRating{Clinic: "c", Map: "Яндекс", On: parse(h.T, "2026-02-01")})
		tx.Put(dental.MapRating{Clinic: "c", Map: "2GIS", On: parse(h.T, "2026-03-01")})
		tx.Put(dental.MapRating{Clinic: "c", Map: "2GIS", On: parse(h.T, "2026-01-01")})
		for _, n := range []int{10, 2, 0} {
			tx.Put(store.Result{Clinic: "c", Job: "j", N: n, Body: []byte{byte(n)}, Until: noon.Add(time.Hour)})
		}
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		costs, err := h.Costs(h.Context(), "c")
		if err != nil {
			h.Fatal(err)
		}
		wantNames(h.T, "the costs", names(costs, func(c dental.Cost) string { return c.ID }), "c", "a", "b")
		ratings, err := h.Ratings(h.Context(), "c")
		if err != nil {
			h.Fatal(err)
		}
		wantNames(h.T, "the ratings", names(ratings, func(r dental.MapRating) string { return r.Map + " " + r.On.String() }), "Яндекс 2026-02-01", "2GIS 2026-01-01", "2GIS 2026-03-01")
		results := func() []store.Result {
			list, err := h.Results(h.Context(), "c", "j")
			if err != nil {
				h.Fatal(err)
			}
			return list
		}
		wantNames(h.T, "the results", names(results(), func(r store.Result) string { return fmt.Sprint(r.N, r.Body) }), "0 [0]", "2 [2]", "10 [10]")
		h.clock.Advance(2 * time.Hour)
		if got := results(); len(got) != 0 {
			h.Errorf("after their time there are %v", got)
		}
	})
}

func TestTalliesAndTotalsAreReadAsTheyWereWritten(t *testing.T) {
	everywhere(t, func(h house) {
		day := parse(h.T, "2026-05-22")
		h.step(func(tx *store.Tx, _ *dental.Card) {
			tallied, err := tx.Tallied(h.Context(), "c", "p")
			if err != nil || len(tallied.Days) != 0 {
				h.Fatalf("before there is %+v: %v", tallied, err)
			}
			tallied.Days = map[string]string{day.String(): "hash"}
			tx.Put(tallied)
			tx.Put(store.Tally{Clinic: "c", Day: day, Patient: "p", Sums: map[string]int64{"visits": 1}})
			tx.Put(store.Tally{Clinic: "c", Day: day, Patient: "q", Sums: map[string]int64{"visits": 2}})
			tx.Put(store.Tally{Clinic: "c", Day: day.AddDays(1), Patient: "p", Sums: map[string]int64{"visits": 4}})
		})
		h.step(func(tx *store.Tx, _ *dental.Card) {
			tallied, err := tx.Tallied(h.Context(), "c", "p")
			if err != nil || tallied.Days[day.String()] != "hash" {
				h.Fatalf("the days are %+v: %v", tallied, err)
			}
			tx.Remove(tallied)
		})
		tallies, err := h.Tallies(h.Context(), "c", day)
		if err != nil {
			h.Fatal(err)
		}
		wantNames(h.T, "the tallies", names(tallies, func(t store.Tally) string { return fmt.Sprint(t.Patient, t.Sums["visits"]) }), "p1", "q2")

		periods := []string{store.Baseline, "2025", "2026", "2026-05"}
		for i := range 120 { // more than one read holds
			periods = append(periods, day.AddDays(i).String())
		}
		tx := h.Begin()
		totals, err := tx.Totals(h.Context(), "c", periods...)
		if err != nil || len(totals) != len(periods) {
			h.Fatalf("%d totals: %v", len(totals), err)
		}
		for i, at := range []int{0, 2, 1, 3, 123} {
			if totals[at].Period != periods[at] || len(totals[at].Sums) != 0 {
				h.Errorf("before, %d is %+v", at, totals[at])
			}
			totals[at].Sums = map[string]int64{"visits": int64(i + 1)}
			tx.Put(totals[at])
		}
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		totals, err = h.Begin().Totals(h.Context(), "c", "2026-05", store.Baseline, periods[123], "2024")
		if err != nil {
			h.Fatal(err)
		}
		if got := names(totals, func(t store.Total) string { return fmt.Sprint(t.Period, " ", t.Sums["visits"]) }); !reflect.DeepEqual(got, []string{"2026-05 4", "base 1", periods[123] + " 5", "2024 0"}) {
			h.Errorf("the totals are %q", got)
		}
		years, err := h.Years(h.Context(), "c")
		if err != nil {
			h.Fatal(err)
		}
		wantNames(h.T, "the years", names(years, func(t store.Total) string { return t.Period }), "2025", "2026")
	})
}

func TestACursorThatIsNoneIsTheAskersFault(t *testing.T) {
	everywhere(t, func(h house) {
		_, _, err := h.Appointments(h.Context(), "c", parse(h.T, "2026-05-22"), 10, "zzz")
		if dental.KindOf(err) != dental.Invalid {
			h.T.Errorf("it gives %v, want Invalid", err)
		}
	})
}
