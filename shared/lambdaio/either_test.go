package lambdaio_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func TestAFunctionThatIsCalledInTwoWaysTellsThemApart(t *testing.T) {
	called := ""
	gone := errors.New("no such touch")
	h := lambdaio.Either(
		lambdaio.HTTP(quiet, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			called = "request"
			w.WriteHeader(http.StatusTeapot)
		})),
		lambdaio.Events(quiet, func(_ context.Context, e lambdaio.Event) error {
			called = "event"
			if e.ID == "e1" {
				return gone
			}
			return nil
		}))
	for _, tt := range []struct {
		name    string
		payload []byte
		want    string
		fails   bool
	}{
		{"a request", fixture(t, "http-api-request.json"), "request", false},
		{"an event of EventBridge", fixture(t, "ses-eventbridge.json"), "event", false},
		{"a record of a topic", fixture(t, "ses-sns.json"), "event", false},
		{"a line of a log", logged(t, "DATA_MESSAGE", "{}"), "event", false},
		{"a line that fails", logged(t, "DATA_MESSAGE", "{}", "{}"), "event", true},
		{"a log that speaks of requests", logged(t, "DATA_MESSAGE", `{"requestContext":{"http":{"method":"GET"}}}`), "event", false},
		{"a batch of a queue", fixture(t, "sqs-batch.json"), "", true},
		{"a request of another format", []byte(`{"requestContext":{"httpMethod":"GET"}}`), "", true},
		{"no JSON", []byte("hello"), "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called = ""
			answer, err := h.Invoke(t.Context(), tt.payload)
			if called != tt.want || (err != nil) != tt.fails || !tt.fails && len(answer) == 0 {
				t.Errorf("called %q, answered %s, error %v", called, answer, err)
			}
		})
	}
}
