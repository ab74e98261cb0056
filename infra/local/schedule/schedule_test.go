package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/schedule"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestNextGivesTheTimesOfAScheduleInOrder(t *testing.T) {
	for _, tt := range []struct {
		name, expression, zone, after string
		want                          []string
	}{
		{"every minute, on the minute", "rate(1 minute)", "UTC", "2026-03-10T08:00:00Z", []string{"2026-03-10T08:01:00Z", "2026-03-10T08:02:00Z"}},
		{"the next minute from within one", "rate(1 minute)", "UTC", "2026-03-10T08:00:59.9Z", []string{"2026-03-10T08:01:00Z"}},
		{"quarters of an hour", "rate(15 minutes)", "UTC", "2026-03-10T08:14:59Z", []string{"2026-03-10T08:15:00Z", "2026-03-10T08:30:00Z"}},
		{"hours", "rate(2 hours)", "UTC", "2026-03-10T08:00:00Z", []string{"2026-03-10T10:00:00Z"}},
		{"days", "rate(1 day)", "UTC", "2026-03-10T08:00:00Z", []string{"2026-03-11T00:00:00Z"}},
		{"a time of day in a zone", "cron(0 9 * * ? *)", "Europe/Moscow", "2026-03-10T08:00:00Z", []string{"2026-03-11T06:00:00Z", "2026-03-12T06:00:00Z"}},
		{"working days", "cron(30 6 ? * MON-FRI *)", "UTC", "2026-03-06T06:30:00Z", []string{"2026-03-09T06:30:00Z"}},
		{"weekdays by number, Sunday being 1", "cron(0 0 ? * 1 *)", "UTC", "2026-03-10T08:00:00Z", []string{"2026-03-15T00:00:00Z"}},
		{"a list and a step", "cron(0/20 8,20 ? * * *)", "UTC", "2026-03-10T08:20:00Z", []string{"2026-03-10T08:40:00Z", "2026-03-10T20:00:00Z"}},
		{"a step over all", "cron(*/30 * ? * * *)", "UTC", "2026-03-10T08:00:00Z", []string{"2026-03-10T08:30:00Z", "2026-03-10T09:00:00Z"}},
		{"the last day of February in leap years", "cron(0 9 29 FEB ? *)", "UTC", "2026-03-10T08:00:00Z", []string{"2028-02-29T09:00:00Z"}},
		{"one year", "cron(0 9 1 1 ? 2027)", "UTC", "2026-03-10T08:00:00Z", []string{"2027-01-01T09:00:00Z", ""}},
		{"a time that the change to summer time leaves out", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-30T00:30:00Z"}},
		{"a time that comes twice in autumn", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := schedule.Parse(tt.expression, zone(t, tt.zone))
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				at = e.Next(at)
				got := ""
				if !at.IsZero() {
					got = at.Format(time.RFC3339)
				}
				if got != want {
					t.Fatalf("the next time is %s, not %s", got, want)
				}
			}
		})
	}
}

func TestWhatCannotBeKeptToIsRefusedWithTheReason(t *testing.T) {
	for expression, reason := range map[string]string{
		"":                       "neither",
		"at(2026-03-10T09:00)":   "neither",
		"rate(1 minute":          "neither",
		"rate(0 minutes)":        "whole number",
		"rate(1.5 hours)":        "whole number",
		"rate(1 month)":          "whole number",
		"cron(0 9 * * ?)":        "six fields",
		"cron(0 9 * * * *)":      "just one",
		"cron(0 9 ? * ? *)":      "just one",
		"cron(60 9 * * ? *)":     "minutes",
		"cron(0 9 L * ? *)":      "L, W and #",
		"cron(0 9 ? * 6#3 *)":    "L, W and #",
		"cron(0 18-9 * * ? *)":   "ends before",
		"cron(0/0 9 * * ? *)":    "not a step",
		"cron(0 9 * FOO ? *)":    "month",
		"cron(? 9 * * ? *)":      "minutes",
		"cron(0 9 * * ? 1969-1)": "year",
	} {
		if _, err := schedule.Parse(expression, time.UTC); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: the error is %v; it lacks %q", expression, err, reason)
		}
	}
}
