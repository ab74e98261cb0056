package runtimetest_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/lambdaio/runtimetest"
)

func TestABinaryRunsAsOnLambda(t *testing.T) {
	bootstrap, err := runtimetest.Build(t.Context(), t.TempDir(), "./testdata/function")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)
	request, err := lambdaio.HTTPPayload(httptest.NewRequest("GET", "/s/abc", nil), now)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := lambdaio.SchedulePayload(now)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("RETURNPOINT_LEAK", "from the tests")

	for _, tt := range []struct {
		name, mode string
		event      []byte
		timeout    time.Duration
		fails      string // what Invoke says, "" when it should not
		check      func(*testing.T, runtimetest.Result)
	}{
		{name: "it answers a request and waits for the next", mode: "http", event: request, check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "the answer", string(r.Answer), `"statusCode":200`, "GET /s/abc within true")
			contains(t, "standard output", r.Stdout, `"message":"serving"`, `"requestId":"8476a536`)
			if r.ExitCode != -1 {
				t.Errorf("exit code %d of a process that was waiting", r.ExitCode)
			}
		}},
		{name: "a panic of a handler is a 500 and the process stays", mode: "panic", event: request, check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "the answer", string(r.Answer), `"statusCode":500`)
			contains(t, "standard output", r.Stdout, "the handler gave up", "main.main")
			if r.ExitCode != -1 {
				t.Errorf("exit code %d", r.ExitCode)
			}
		}},
		{name: "a failure is reported", mode: "fails", event: schedule, check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "the failure", string(r.Failure), "the table is away")
			if r.Answer != nil || r.ExitCode != -1 {
				t.Errorf("answer %q, exit code %d", r.Answer, r.ExitCode)
			}
		}},
		{name: "only the given environment reaches it", mode: "environment", event: schedule, check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "the environment", string(r.Failure), "MODE=environment", "AWS_LAMBDA_FUNCTION_NAME=function", "AWS_REGION=us-test-1")
			if strings.Contains(string(r.Failure), "RETURNPOINT_LEAK") || strings.Contains(string(r.Failure), "HOME=") {
				t.Errorf("the environment of the tests leaked: %s", r.Failure)
			}
		}},
		{name: "a process that ends at once shows its code and its words", mode: "unheard of", check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "standard error", r.Stderr, "MODE is not set to anything known")
			if r.ExitCode != 1 || r.Answer != nil || r.Failure != nil {
				t.Errorf("exit code %d, answer %q, failure %q", r.ExitCode, r.Answer, r.Failure)
			}
		}},
		{name: "a failed start is reported", mode: "fails to start", check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "the failure", string(r.InitFailure), "no table")
			if r.ExitCode != 3 {
				t.Errorf("exit code %d", r.ExitCode)
			}
		}},
		{name: "a panic that nobody recovered ends the process", mode: "raw panic", event: schedule, check: func(t *testing.T, r runtimetest.Result) {
			contains(t, "the failure", string(r.Failure), "nobody recovered this")
			if r.ExitCode != 1 {
				t.Errorf("exit code %d", r.ExitCode)
			}
		}},
		{name: "an answer too long for Lambda is refused", mode: "too long", event: schedule, fails: "longer than 6291456 bytes", check: func(t *testing.T, r runtimetest.Result) {
			if r.Answer != nil {
				t.Errorf("%d bytes were taken", len(r.Answer))
			}
		}},
		{name: "a function that hangs is stopped", mode: "hangs", event: schedule, timeout: 500 * time.Millisecond, fails: "neither answered nor ended within 500ms"},
		{name: "asking again without an answer breaks the protocol", mode: "asks twice", fails: "before it had answered"},
		{name: "answering another invocation breaks the protocol", mode: "answers another", fails: `answered the invocation "another"`},
		{name: "answering twice breaks the protocol", mode: "answers twice", fails: "answered one event twice"},
		{name: "calling another path breaks the protocol", mode: "calls elsewhere", fails: "not of the Runtime API"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			function := runtimetest.Function{Bootstrap: bootstrap, Env: []string{"MODE=" + tt.mode, "AWS_REGION=us-test-1"}, Timeout: tt.timeout}
			result, err := function.Invoke(t.Context(), tt.event)
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("error %v, want …%s…\nstderr: %s", err, tt.fails, result.Stderr)
			}
			if tt.check != nil {
				tt.check(t, result)
			}
		})
	}
}

func TestWhatCannotBeRunIsAnError(t *testing.T) {
	if _, err := (runtimetest.Function{Bootstrap: t.TempDir() + "/absent"}).Invoke(t.Context(), nil); err == nil {
		t.Error("an absent binary ran")
	}
	if _, err := runtimetest.Build(t.Context(), t.TempDir(), "./testdata/absent"); err == nil {
		t.Error("an absent package was built")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (runtimetest.Function{Bootstrap: "/bin/true"}).Invoke(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("within an ended context: %v", err)
	}
}

func contains(t *testing.T, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q: %s", what, want, bytes.TrimSpace([]byte(got)))
		}
	}
}
