package lambdaio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func TestTheTimeTheScheduleMeantDecides(t *testing.T) {
	local, err := lambdaio.SchedulePayload(time.Date(2026, 5, 22, 9, 15, 0, 0, time.FixedZone("MSK", 3*3600)))
	if err != nil {
		t.Fatal(err)
	}
	for name, event := range map[string][]byte{
		"from EventBridge Scheduler":   []byte(`{"time": "2026-05-22T06:15:00Z"}`),
		"with an offset":               []byte(`{"time": "2026-05-22T09:15:00+03:00"}`),
		"with other fields beside it":  []byte(`{"time": "2026-05-22T06:15:00Z", "attempt": "2"}`),
		"from a rule of EventBridge":   fixture(t, "scheduled-event.json"),
		"from one machine's own clock": local,
	} {
		t.Run(name, func(t *testing.T) {
			var got time.Time
			answer, err := lambdaio.Schedule(quiet, func(_ context.Context, scheduled time.Time) error {
				got = scheduled
				return nil
			}).Invoke(t.Context(), event)
			if err != nil || string(answer) != "null" {
				t.Fatalf("answer %s, error %v", answer, err)
			}
			if want := time.Date(2026, 5, 22, 6, 15, 0, 0, time.UTC); got != want {
				t.Errorf("scheduled %v, want %v", got, want)
			}
		})
	}
}

func TestWithoutATimeNothingRuns(t *testing.T) {
	for _, tt := range []struct{ name, event, says string }{
		{"no time", `{}`, `has no "time"`},
		{"a null time", `{"time":null}`, `has no "time"`},
		{"an empty time", `{"time":""}`, "not RFC 3339"},
		{"a date", `{"time":"2026-05-22"}`, "not RFC 3339"},
		{"a time without offset", `{"time":"2026-05-22T06:15:00"}`, "not RFC 3339"},
		{"a number", `{"time":1779430500}`, "read the event"},
		{"a keyword that was not filled in", `{"time":"<aws.scheduler.scheduled-time>"}`, "did not fill in"},
		{"an event of another service", string(fixture(t, "ses-eventbridge.json")), `"Email Bounced" is not an event of a schedule`},
		{"no JSON", `now`, "read the event"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := lambdaio.Schedule(quiet, func(context.Context, time.Time) error {
				t.Error("it ran")
				return nil
			}).Invoke(t.Context(), []byte(tt.event))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want …%s…", err, tt.says)
			}
		})
	}
}

func TestAFailedRunIsReportedSoThatItIsTriedAgain(t *testing.T) {
	away := errors.New("the table is away")
	for name, run := range map[string]func() error{"an error": func() error { return away }, "a panic": func() error { panic("oh") }} {
		t.Run(name, func(t *testing.T) {
			answer, err := lambdaio.Schedule(quiet, func(context.Context, time.Time) error { return run() }).Invoke(t.Context(), []byte(`{"time":"2026-05-22T06:15:00Z"}`))
			if err == nil || answer != nil {
				t.Errorf("answer %s, error %v", answer, err)
			}
			if name == "an error" && !errors.Is(err, away) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}
