package lambdaio

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// ErrTooLarge is a request longer than Lambda would be given; the gateway
// answers it by 413 itself.
var ErrTooLarge = errors.New("lambdaio: the request is longer than Lambda takes")

// Panic is a panic that a Handler let through, as Invoke returns it.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("lambdaio: the handler panicked: %v", p.Value) }

// Invoke runs a handler once as Lambda would: within timeout, and without being
// brought down by a panic, which is returned as a *Panic. An answer that comes
// after timeout is an error, since Lambda would have stopped the function; a
// handler that ignores its context is waited for.
//
// On Lambda an invocation goes on when the client that caused it hangs up, so
// ctx is best one that ends with the process and not with a request.
func Invoke(ctx context.Context, h Handler, payload []byte, timeout time.Duration) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			answer, err = nil, &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	answer, err = h.Invoke(ctx, payload)
	if late := ctx.Err(); errors.Is(late, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lambdaio: invoke within %v: %w", timeout, errors.Join(late, err))
	}
	return answer, err
}

// HTTPPayload writes the event that an HTTP API with the stage $default would
// make of r at now. The body goes as text when API Gateway would send it so and
// it is UTF-8, else as base64. Beyond MaxPayload it is ErrTooLarge.
//
// Unlike the gateway it hands the path over as it was written, still escaped;
// HTTP says what that means.
func HTTPPayload(r *http.Request, now time.Time) ([]byte, error) {
	var body []byte
	if r.Body != nil {
		var err error
		// One byte over the limit is enough to be refused below.
		if body, err = io.ReadAll(io.LimitReader(r.Body, MaxPayload+1)); err != nil {
			return nil, fmt.Errorf("lambdaio: read the request: %w", err)
		}
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	domain, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain = r.Host
	}
	prefix, _, _ := strings.Cut(domain, ".")
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default",
		RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{}, Body: string(body),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "000000000000", Stage: "$default", RequestID: requestID(r.Context()), APIID: "local",
			DomainName: domain, DomainPrefix: prefix, Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: r.URL.EscapedPath(), Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent()},
		},
	}
	for name, values := range r.Header {
		event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for _, line := range r.Header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				event.Cookies = append(event.Cookies, cookie)
			}
		}
	}
	delete(event.Headers, "cookie")
	event.Headers["host"] = r.Host
	event.Headers["content-length"] = fmt.Sprint(len(body))
	event.Headers["x-forwarded-proto"] = "http"
	if r.TLS != nil {
		event.Headers["x-forwarded-proto"] = "https"
	}
	// As the gateway does: what the client claims comes first, and the last
	// address is the one that was seen.
	event.Headers["x-forwarded-for"] = strings.TrimPrefix(event.Headers["x-forwarded-for"]+", "+source, ", ")
	for name, values := range r.URL.Query() {
		if event.QueryStringParameters == nil {
			event.QueryStringParameters = map[string]string{}
		}
		event.QueryStringParameters[name] = strings.Join(values, ",")
	}
	if !isText(r.Header.Get("Content-Type")) || !utf8.Valid(body) {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), len(body) > 0
	}
	payload, err := encode(event)
	if err == nil && len(payload) > MaxPayload {
		return nil, ErrTooLarge
	}
	return payload, err
}

// isText names the types that an HTTP API hands over as they are.
func isText(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch kind {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// WriteHTTPResponse sends an answer of HTTP to the client as the gateway would.
// An answer that the gateway would not understand is an error before anything
// is written; the gateway makes it a 500.
func WriteHTTPResponse(w http.ResponseWriter, answer []byte) error {
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(answer, &out); err != nil {
		return fmt.Errorf("lambdaio: read the answer: %w", err)
	}
	if out.StatusCode < 200 || out.StatusCode > 999 {
		return fmt.Errorf("lambdaio: the answer has the status %d", out.StatusCode)
	}
	body := []byte(out.Body)
	if out.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
			return fmt.Errorf("lambdaio: decode the answer: %w", err)
		}
	}
	for name, value := range out.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range out.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(out.StatusCode)
	if len(body) > 0 {
		if _, err := w.Write(body); err != nil {
			return fmt.Errorf("lambdaio: send the answer: %w", err)
		}
	}
	return nil
}

// QueuePayload writes the batch that SQS would deliver, for Queue.
func QueuePayload(messages ...Message) ([]byte, error) {
	event := events.SQSEvent{Records: []events.SQSMessage{}}
	for _, m := range messages {
		record := events.SQSMessage{MessageId: m.ID, Body: m.Body, EventSource: "aws:sqs"}
		for name, value := range m.Attributes {
			if record.MessageAttributes == nil {
				record.MessageAttributes = map[string]events.SQSMessageAttribute{}
			}
			record.MessageAttributes[name] = events.SQSMessageAttribute{StringValue: &value, DataType: "String"}
		}
		event.Records = append(event.Records, record)
	}
	return encode(event)
}

// QueueFailures reads which messages of a batch the answer of Queue leaves in
// the queue, as the poller of Lambda reads it: an answer that names a message
// that was not in the batch, or that cannot be read, leaves all of them, and
// the error says why. After an error of Invoke all of them stay too.
func QueueFailures(answer []byte, batch []Message) (ids []string, err error) {
	inBatch := map[string]bool{}
	for _, m := range batch {
		inBatch[m.ID] = true
		ids = append(ids, m.ID)
	}
	var out events.SQSEventResponse
	if err := json.Unmarshal(answer, &out); err != nil {
		return ids, fmt.Errorf("lambdaio: read the answer to a batch: %w", err)
	}
	failed := []string{}
	for _, failure := range out.BatchItemFailures {
		if !inBatch[failure.ItemIdentifier] {
			return ids, fmt.Errorf("lambdaio: the answer to a batch names the message %q, which was not in it", failure.ItemIdentifier)
		}
		failed = append(failed, failure.ItemIdentifier)
	}
	return failed, nil
}

// SchedulePayload writes what EventBridge Scheduler would send for the time
// that a schedule meant, for Schedule.
func SchedulePayload(scheduled time.Time) ([]byte, error) {
	return encode(map[string]string{"time": scheduled.UTC().Format(time.RFC3339)})
}

// EventPayload writes e as EventBridge would send it, for Events.
func EventPayload(e Event) ([]byte, error) {
	return encode(events.EventBridgeEvent{Version: "0", ID: e.ID, DetailType: e.Type, Source: e.Source, AccountID: "000000000000", Time: e.Time.UTC(), Region: "local", Resources: []string{}, Detail: e.Body})
}
