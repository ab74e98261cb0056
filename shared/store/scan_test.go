package store_test

import (
	"slices"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

func TestTheCalendarGivesWhatLiesInAStretchOfAMonthAndNothingElse(t *testing.T) {
	everywhere(t, func(h house) {
		for id, date := range map[string]string{"A": "2026-02-27", "B": "2026-02-28", "C": "2026-03-01", "D": "2026-03-09", "E": "2026-03-10", "F": "2026-03-31", "G": "2025-03-05"} {
			h.put(id, dental.Milestone{Clinic: "c", Patient: id, Kind: dental.LastVisit, Date: parse(h.T, date)},
				dental.Milestone{Clinic: "c", Patient: id, Kind: dental.Birthday, Date: parse(h.T, "19"+date[2:])})
		}
		on := func(kind dental.MilestoneKind, first, last string) []string {
			var out []string
			err := h.MilestonesOn(h.Context(), "c", kind, parse(h.T, first), parse(h.T, last), func(m dental.Milestone) error {
				out = append(out, m.Patient)
				return nil
			})
			if err != nil {
				h.Fatal(err)
			}
			slices.Sort(out)
			return out
		}
		for _, tt := range []struct {
			kind        dental.MilestoneKind
			first, last string
			want        []string
		}{
			{dental.LastVisit, "2026-02-28", "2026-02-28", []string{"B"}},
			{dental.LastVisit, "2026-03-01", "2026-03-09", []string{"C", "D"}},
			{dental.LastVisit, "2026-03-10", "2026-03-31", []string{"E", "F"}},
			{dental.LastVisit, "2026-04-01", "2026-04-30", nil},
			{dental.Birthday, "2026-03-01", "2026-03-09", []string{"C", "D", "G"}}, // of whatever year
			{dental.LastImplant, "2026-03-01", "2026-03-31", nil},
		} {
			if got := on(tt.kind, tt.first, tt.last); !slices.Equal(got, tt.want) {
				h.Errorf("%s from %s to %s: %v, want %v", tt.kind, tt.first, tt.last, got, tt.want)
			}
		}
	})
}

func TestWhatWaitsIsListedByItsBatchAndTheHighestValueFirst(t *testing.T) {
	everywhere(t, func(h house) {
		touch := func(id, scenario, on string, value int64, backlog bool) dental.Touch {
			v := dental.Touch{Clinic: "c", Patient: id, Scenario: scenario, Step: "offer", Anchor: "x", State: dental.Held, Value: dental.Money{Minor: value, Currency: "RUB"}, Backlog: backlog}
			if on != "" {
				v.HeldOn = parse(h.T, on)
			}
			return v
		}
		for _, v := range []dental.Touch{touch("low", "season", "2026-09-15", 100, false), touch("high", "season", "2026-09-15", 900, false), touch("other", "sleeping-6", "2026-09-15", 500, false),
			touch("tomorrow", "season", "2026-09-16", 500, false), touch("late", "season", "", 700, true), touch("later", "season", "", 200, true)} {
			h.put(v.Patient, v)
		}
		names := func(list []store.Waiting, _ string, err error) []string {
			if err != nil {
				h.Fatal(err)
			}
			var out []string
			for _, w := range list {
				out = append(out, w.Touch.Patient)
			}
			return out
		}
		if got := names(h.Held(h.Context(), "c", parse(h.T, "2026-09-15"), "season", 10, "")); !slices.Equal(got, []string{"high", "low"}) {
			h.Errorf("the batch is %v", got)
		}
		if got := names(h.Held(h.Context(), "c", parse(h.T, "2026-09-15"), "", 10, "")); !slices.Equal(got, []string{"high", "low", "other"}) {
			h.Errorf("the day's batches are %v", got)
		}
		if got := names(h.Backlog(h.Context(), "c", "season", 1, "")); !slices.Equal(got, []string{"late"}) {
			h.Errorf("the backlog's first is %v", got)
		}
	})
}

func TestACheckpointAndAClinicsOwnTaskAreFoundAgain(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		if c, err := tx.Checkpoint(h.Context(), "c", "season"); err != nil || !c.Day.IsZero() || c.Scenario != "season" {
			h.Fatalf("before the first scan: %+v, %v", c, err)
		}
		if k, err := tx.Task(h.Context(), "c", dental.ReleaseTask, "2026-09-15.season"); err != nil || k.Kind != "" {
			h.Fatalf("before the first batch: %+v, %v", k, err)
		}
		tx.Put(store.Checkpoint{Clinic: "c", Scenario: "season", Day: parse(h.T, "2026-09-15")})
		tx.Put(dental.Task{Clinic: "c", Kind: dental.ReleaseTask, Anchor: "2026-09-15.season", ShowDay: parse(h.T, "2026-09-15")})
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		all, err := h.Begin().Checkpoints(h.Context(), store.Checkpoint{Clinic: "c", Scenario: "birthday"}, store.Checkpoint{Clinic: "c", Scenario: "season"})
		if err != nil || len(all) != 2 || !all[0].Day.IsZero() || all[1].Day != parse(h.T, "2026-09-15") {
			h.Errorf("%+v, %v", all, err)
		}
		if tasks, _, err := h.OpenTasks(h.Context(), "c", 10, ""); err != nil || len(tasks) != 1 || tasks[0].Kind != dental.ReleaseTask {
			h.Errorf("the staff's list: %+v, %v", tasks, err)
		}
	})
}
