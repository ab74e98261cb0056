package lambdaio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func TestAFunctionTellsItsScheduleFromItsQueue(t *testing.T) {
	called := ""
	var fails error
	h := lambdaio.FanOut(
		lambdaio.Schedule(quiet, func(context.Context, time.Time) error {
			called = "schedule"
			return fails
		}),
		lambdaio.Queue(quiet, time.Second, func(context.Context, lambdaio.Message) error {
			called = "queue"
			return fails
		}))
	own, err := lambdaio.SchedulePayload(time.Date(2026, 5, 22, 12, 45, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := lambdaio.QueuePayload(lambdaio.Message{ID: "1", Body: `{"time": "2026-05-22T12:45:00Z"}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		payload []byte
		want    string
		answer  string // "" is an error
		fails   error
	}{
		{"the scheduler's event", own, "schedule", "null", nil},
		{"the event of a rule", fixture(t, "scheduled-event.json"), "schedule", "null", nil},
		{"a run that fails", own, "schedule", "", errors.New("no table")},
		{"a batch", fixture(t, "sqs-batch.json"), "queue", `{"batchItemFailures":[]}`, nil},
		{"a batch whose message has a time", batch, "queue", `{"batchItemFailures":[]}`, nil},
		{"a message that fails", batch, "queue", `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, errors.New("no table")},
		{"a batch of nothing", []byte(`{"Records":[]}`), "", "", nil},
		{"records of another service", fixture(t, "ses-sns.json"), "", "", nil},
		{"a request", fixture(t, "http-api-request.json"), "", "", nil},
		{"no JSON", []byte("hello"), "", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called, fails = "", tt.fails
			answer, err := h.Invoke(t.Context(), tt.payload)
			if called != tt.want || string(answer) != tt.answer || (err != nil) != (tt.answer == "") {
				t.Errorf("called %q, answered %s, error %v", called, answer, err)
			}
		})
	}
}
