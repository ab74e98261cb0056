package scenario_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/dental/zonetest"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

const hour, day = time.Hour, 24 * time.Hour

func moscow(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// local reads an instant on a clock, "2026-03-10 11:00".
func local(t testing.TB, loc *time.Location, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestASpanCountsMonthsAndDaysOnTheCalendarAndTheRestExactly(t *testing.T) {
	tests := []struct {
		name, zone, from string
		span             scenario.Span
		want             string
	}{
		{"a day in a week that clocks are set is the same time of day", "Europe/Berlin", "2026-03-28 14:30", scenario.Span{Days: 1}, "2026-03-29 14:30"},
		{"24 hours in that week are not", "Europe/Berlin", "2026-03-28 14:30", scenario.Span{Exact: day}, "2026-03-29 15:30"},
		{"two days back over the change are the same time of day", "America/New_York", "2026-03-09 14:30", scenario.Span{Days: -2}, "2026-03-07 14:30"},
		{"a month from the 31st is the month's last day", "Europe/Moscow", "2026-01-31 10:00", scenario.Span{Months: 1}, "2026-02-28 10:00"},
		{"a month back from the 31st is the month's last day", "Europe/Moscow", "2026-03-31 10:00", scenario.Span{Months: -1}, "2026-02-28 10:00"},
		{"twelve months from 29 February are 28 February", "Europe/Moscow", "2024-02-29 10:00", scenario.Span{Months: 12}, "2025-02-28 10:00"},
		{"months come before days, and days before hours", "Europe/Moscow", "2026-01-30 23:00", scenario.Span{Months: 1, Days: 1, Exact: 2 * hour}, "2026-03-02 01:00"},
		{"a time that clocks leap over is the end of the gap", "Europe/Berlin", "2026-03-28 02:30", scenario.Span{Days: 1}, "2026-03-29 03:00"},
		{"nothing is nothing", "Europe/Moscow", "2026-01-31 23:00", scenario.Span{}, "2026-01-31 23:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.span.AddTo(local(t, loc, tt.from).UTC(), loc); !got.Equal(local(t, loc, tt.want)) {
				t.Errorf("it is %s, want %s", got.In(loc), tt.want)
			}
			if (tt.span == scenario.Span{}) != tt.span.IsZero() {
				t.Errorf("%+v is zero: %t", tt.span, tt.span.IsZero())
			}
		})
	}
}

func TestALaterInstantAndALongerSpanAreNeverEarlier(t *testing.T) {
	zones := zonetest.Zones(t)
	rapid.Check(t, func(t *rapid.T) {
		loc := zones[rapid.IntRange(0, len(zones)-1).Draw(t, "zone")]
		at := time.Unix(rapid.Int64Range(1262304000, 2082758400).Draw(t, "second"), 0)
		span := scenario.Span{Months: rapid.IntRange(-24, 24).Draw(t, "months"), Days: rapid.IntRange(-60, 60).Draw(t, "days"), Exact: time.Duration(rapid.IntRange(-5000, 5000).Draw(t, "minutes")) * time.Minute}
		sum := span.AddTo(at, loc)
		later := at.Add(time.Duration(rapid.IntRange(0, 40*24*60).Draw(t, "later")) * time.Minute)
		// On the day that clocks are set back, an hour is passed twice and either pass becomes the first.
		if got := span.AddTo(later, loc); got.Before(sum.Add(-3*hour)) || got.Before(sum) && dental.DateOf(later.In(loc)) != dental.DateOf(at.In(loc)) {
			t.Fatalf("%s and %+v is %s, %s and it is %s", at, span, sum, later, got)
		}
		longer := span
		longer.Days += rapid.IntRange(1, 40).Draw(t, "days more")
		if got := longer.AddTo(at, loc); !got.After(sum) && sum.Sub(got) > 0 {
			t.Fatalf("%s and %+v is %s, and %+v is %s", at, span, sum, longer, got)
		}
	})
}
