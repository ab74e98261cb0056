package lambdaio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func TestABatchFromSQSArrivesMessageByMessage(t *testing.T) {
	var got []lambdaio.Message
	answer, err := lambdaio.Queue(quiet, time.Second, func(_ context.Context, m lambdaio.Message) error {
		got = append(got, m)
		return nil
	}).Invoke(t.Context(), fixture(t, "sqs-batch.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(answer) != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s", answer)
	}
	if len(got) != 2 || got[0].ID != "059f36b4-87a3-44ab-83d2-661975830a7d" || got[0].Body != "first" || got[1].Body != "second" {
		t.Fatalf("messages %+v", got)
	}
	if want := map[string]string{"kind": "touch", "attempt": "2"}; !maps.Equal(got[0].Attributes, want) || got[1].Attributes != nil {
		t.Errorf("attributes %v and %v", got[0].Attributes, got[1].Attributes)
	}
}

func TestExactlyTheFailingMessagesComeAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9-]{1,8}`), 1, 10, rapid.ID).Draw(t, "ids")
		fates := map[string]string{}
		var batch []lambdaio.Message
		for _, id := range ids {
			fates[id] = rapid.SampledFrom([]string{"fine", "fails", "panics"}).Draw(t, "fate")
			batch = append(batch, lambdaio.Message{ID: id, Body: "body of " + id, Attributes: map[string]string{"for": id}})
		}
		payload, err := lambdaio.QueuePayload(batch...)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		answer, err := lambdaio.Invoke(t.Context(), lambdaio.Queue(quiet, time.Second, func(_ context.Context, m lambdaio.Message) error {
			seen = append(seen, m.ID)
			if m.Body != "body of "+m.ID || m.Attributes["for"] != m.ID {
				t.Errorf("message %+v", m)
			}
			switch fates[m.ID] {
			case "fails":
				return errors.New("no")
			case "panics":
				panic(m.ID)
			}
			return nil
		}), payload, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		failed, err := lambdaio.QueueFailures(answer, batch)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return fates[id] == "fine" })
		if !slices.Equal(failed, want) || !slices.Equal(seen, ids) {
			t.Fatalf("failed %q, want %q; seen %q of %q", failed, want, seen, ids)
		}
	})
}

func TestAFailureAndAPanicAreLoggedWithTheirMessage(t *testing.T) {
	var out bytes.Buffer
	payload, err := lambdaio.QueuePayload(lambdaio.Message{ID: "one"}, lambdaio.Message{ID: "two"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = lambdaio.Queue(lambdaio.Logger(&out, slog.LevelInfo), 0, func(_ context.Context, m lambdaio.Message) error {
		if m.ID == "two" {
			panic("a nil map")
		}
		return errors.New("the provider is away")
	}).Invoke(lambdaio.WithRequestID(t.Context(), "req-7"), payload)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), &out)
	}
	for i, wants := range [][]string{
		{`"message":"one"`, "the provider is away", "req-7"},
		{`"message":"two"`, "a nil map", "queue_test.go", "req-7"},
		{`"message":"two"`, "described in the log"},
	} {
		for _, want := range wants {
			if !strings.Contains(lines[i], want) {
				t.Errorf("line %d lacks %s: %s", i, want, lines[i])
			}
		}
	}
}

func TestMessagesThatWouldNotBeDoneInTimeAreNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batch []lambdaio.Message
		for i := range 10 {
			batch = append(batch, lambdaio.Message{ID: fmt.Sprint("m", i)})
		}
		payload, err := lambdaio.QueuePayload(batch...)
		if err != nil {
			t.Fatal(err)
		}
		var done []string
		start := time.Now()
		answer, err := lambdaio.Invoke(t.Context(), lambdaio.Queue(quiet, 15*time.Second, func(ctx context.Context, m lambdaio.Message) error {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) < 15*time.Second {
				t.Errorf("%s was begun with less than its time left", m.ID)
			}
			time.Sleep(10 * time.Second)
			done = append(done, m.ID)
			return nil
		}), payload, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		failed, err := lambdaio.QueueFailures(answer, batch)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(done, []string{"m0", "m1", "m2", "m3", "m4"}) || !slices.Equal(failed, []string{"m5", "m6", "m7", "m8", "m9"}) {
			t.Errorf("done %q, left %q", done, failed)
		}
		if took := time.Since(start); took != 50*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestAMessageThatUsesUpTheTimeLeavesTheRestAndTheAnswerStillComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batch := []lambdaio.Message{{ID: "slow"}, {ID: "next"}}
		payload, err := lambdaio.QueuePayload(batch...)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := lambdaio.Invoke(t.Context(), lambdaio.Queue(quiet, 0, func(ctx context.Context, m lambdaio.Message) error {
			if m.ID == "next" {
				t.Error("a message was begun after the time was up")
			}
			<-ctx.Done()
			return ctx.Err()
		}), payload, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if failed, err := lambdaio.QueueFailures(answer, batch); err != nil || !slices.Equal(failed, []string{"slow", "next"}) {
			t.Errorf("left %q, error %v", failed, err)
		}
	})
}

func TestWhatIsNoBatchComesAgainAsAWhole(t *testing.T) {
	for name, event := range map[string]string{
		"an empty object":        `{}`,
		"an empty batch":         `{"Records":[]}`,
		"no JSON":                `hello`,
		"a request":              string(fixture(t, "http-api-request.json")),
		"records of a topic":     string(fixture(t, "ses-sns.json")),
		"a message without id":   `{"Records":[{"messageId":"a","eventSource":"aws:sqs"},{"body":"b","eventSource":"aws:sqs"}]}`,
		"a message of elsewhere": `{"Records":[{"messageId":"a","eventSource":"aws:kinesis"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := lambdaio.Queue(quiet, 0, func(context.Context, lambdaio.Message) error {
				t.Error("a message was handled")
				return nil
			}).Invoke(t.Context(), []byte(event))
			if err == nil {
				t.Errorf("answer %s without error", answer)
			}
		})
	}
}

func TestAnAnswerIsReadAsThePollerReadsIt(t *testing.T) {
	batch := []lambdaio.Message{{ID: "a"}, {ID: "b"}}
	for _, tt := range []struct {
		name, answer string
		left         []string
		fails        bool
	}{
		{"no failures", `{"batchItemFailures":[]}`, []string{}, false},
		{"a null list", `{"batchItemFailures":null}`, []string{}, false},
		{"an empty object", `{}`, []string{}, false},
		{"null", `null`, []string{}, false},
		{"one failure", `{"batchItemFailures":[{"itemIdentifier":"b"}]}`, []string{"b"}, false},
		{"an id of elsewhere", `{"batchItemFailures":[{"itemIdentifier":"c"}]}`, []string{"a", "b"}, true},
		{"an empty id", `{"batchItemFailures":[{"itemIdentifier":""}]}`, []string{"a", "b"}, true},
		{"an id under another name", `{"batchItemFailures":[{"messageId":"b"}]}`, []string{"a", "b"}, true},
		{"no JSON", ``, []string{"a", "b"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			left, err := lambdaio.QueueFailures([]byte(tt.answer), batch)
			if !slices.Equal(left, tt.left) || (err != nil) != tt.fails {
				t.Errorf("left %q, error %v", left, err)
			}
		})
	}
}
