package lambdaio_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

// logged packs lines as a CloudWatch Logs subscription does.
func logged(t testing.TB, kind string, lines ...string) []byte {
	t.Helper()
	data := map[string]any{"messageType": kind, "owner": "000000000000", "logGroup": "sns/eu-central-1/000000000000/DirectPublishToPhoneNumber",
		"logStream": "s", "subscriptionFilters": []string{"delivery"}}
	var events []map[string]any
	for i, line := range lines {
		events = append(events, map[string]any{"id": fmt.Sprint("e", i), "timestamp": time.Date(2026, 5, 22, 12, 40, i, 0, time.UTC).UnixMilli(), "message": line})
	}
	data["logEvents"] = events
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(z).Encode(data), z.Close()); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"awslogs":{"data":%q}}`, base64.StdEncoding.EncodeToString(packed.Bytes()))
}

func TestReportsArriveOneByOneWhicheverWayTheyCome(t *testing.T) {
	noon := time.Date(2026, 5, 22, 12, 40, 0, 0, time.UTC)
	own := lambdaio.Event{ID: "out-1", Source: "local", Type: "Email Delivered", Time: noon, Body: json.RawMessage(`{"a":"<&я>"}`)}
	ownPayload, err := lambdaio.EventPayload(own)
	if err != nil {
		t.Fatal(err)
	}
	var bridged struct{ Detail json.RawMessage }
	if err := json.Unmarshal(fixture(t, "ses-eventbridge.json"), &bridged); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		event []byte
		want  []lambdaio.Event
	}{
		{"by EventBridge", fixture(t, "ses-eventbridge.json"), []lambdaio.Event{{ID: "12345678-1234-1234-1234-1234567890ab", Source: "aws.ses", Type: "Email Bounced", Time: noon, Body: bridged.Detail}}},
		{"by a topic", fixture(t, "ses-sns.json"), []lambdaio.Event{{ID: "95df01b4-ee98-5cb9-9903-4c221d41eb5e", Source: "arn:aws:sns:eu-central-1:000000000000:mail", Time: noon.Add(123 * time.Millisecond),
			Body: json.RawMessage(`{"eventType":"Delivery","mail":{"messageId":"0107018f"}}`)}}},
		{"by a log", logged(t, "DATA_MESSAGE", `{"status":"SUCCESS"}`, `{"status":"FAILURE"}`), []lambdaio.Event{
			{ID: "e0", Source: "sns/eu-central-1/000000000000/DirectPublishToPhoneNumber", Time: noon, Body: json.RawMessage(`{"status":"SUCCESS"}`)},
			{ID: "e1", Source: "sns/eu-central-1/000000000000/DirectPublishToPhoneNumber", Time: noon.Add(time.Second), Body: json.RawMessage(`{"status":"FAILURE"}`)}}},
		{"by a log that only asks whether anybody is there", logged(t, "CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health"), nil},
		{"by one machine's outbox", ownPayload, []lambdaio.Event{own}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []lambdaio.Event
			answer, err := lambdaio.Events(quiet, func(_ context.Context, e lambdaio.Event) error {
				got = append(got, e)
				return nil
			}).Invoke(t.Context(), tt.event)
			if err != nil || string(answer) != "null" {
				t.Fatalf("answer %s, error %v", answer, err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestAReportThatFailsStopsNoOtherAndTheEventComesAgain(t *testing.T) {
	gone := errors.New("no such touch")
	var seen []string
	_, err := lambdaio.Events(quiet, func(_ context.Context, e lambdaio.Event) error {
		seen = append(seen, e.ID)
		switch e.ID {
		case "e0":
			return gone
		case "e1":
			panic("oh")
		}
		return nil
	}).Invoke(t.Context(), logged(t, "DATA_MESSAGE", "{}", "{}", "{}"))
	if !errors.Is(err, gone) || !strings.Contains(err.Error(), "report e0") || !strings.Contains(err.Error(), "report e1") || strings.Contains(err.Error(), "report e2") {
		t.Errorf("error %v", err)
	}
	if fmt.Sprint(seen) != "[e0 e1 e2]" {
		t.Errorf("seen %v", seen)
	}
}

func TestReportsBeyondTheDeadlineComeAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	_, err := lambdaio.Events(quiet, func(context.Context, lambdaio.Event) error {
		seen++
		cancel()
		return nil
	}).Invoke(ctx, logged(t, "DATA_MESSAGE", "{}", "{}"))
	if seen != 1 || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "report e1") {
		t.Errorf("seen %d, error %v", seen, err)
	}
}

// cutShort takes the end off what is packed.
func cutShort(t *testing.T, payload []byte) []byte {
	t.Helper()
	var event struct{ AWSLogs struct{ Data string } }
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(event.AWSLogs.Data)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"awslogs":{"data":%q}}`, base64.StdEncoding.EncodeToString(packed[:len(packed)-12]))
}

func TestALogThatIsPackedToBurstIsNotUnpackedToItsEnd(t *testing.T) {
	// About 50 KB packed are 48 MB of a line.
	payload := logged(t, "DATA_MESSAGE", strings.Repeat("x", 48<<20))
	if len(payload) > 150<<10 {
		t.Fatalf("the payload has %d bytes", len(payload))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := lambdaio.Events(quiet, func(context.Context, lambdaio.Event) error {
		t.Error("a report was handled")
		return nil
	}).Invoke(t.Context(), payload)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "more than 16777216 bytes") {
		t.Errorf("the error is %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 96<<20 {
		t.Errorf("it took %d MB", took>>20)
	}
}

func TestWhatIsNoReportIsAnError(t *testing.T) {
	for name, event := range map[string][]byte{
		"an empty object":           []byte(`{}`),
		"no JSON":                   []byte(`hello`),
		"a batch of a queue":        fixture(t, "sqs-batch.json"),
		"a request":                 fixture(t, "http-api-request.json"),
		"a log line that is prose":  logged(t, "DATA_MESSAGE", `{}`, "Task timed out"),
		"a message that is prose":   []byte(strings.Replace(string(fixture(t, "ses-sns.json")), `"{\"eventType\":\"Delivery\",\"mail\":{\"messageId\":\"0107018f\"}}"`, `"Successfully validated SNS topic"`, 1)),
		"a log that is not packed":  []byte(`{"awslogs":{"data":"e30="}}`),
		"a log in no base64":        []byte(`{"awslogs":{"data":"<>"}}`),
		"a log cut short":           cutShort(t, logged(t, "DATA_MESSAGE", "{}")),
		"a record of elsewhere":     []byte(strings.Replace(string(fixture(t, "ses-sns.json")), "aws:sns", "aws:s3", 1)),
		"an event without a detail": []byte(`{"source":"aws.ses","detail-type":"Email Sent"}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lambdaio.Events(quiet, func(context.Context, lambdaio.Event) error {
				t.Error("a report was handled")
				return nil
			}).Invoke(t.Context(), event)
			if err == nil {
				t.Error("no error")
			}
		})
	}
}
