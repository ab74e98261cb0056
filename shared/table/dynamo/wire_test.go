package dynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/returnpoint/returnpoint/shared/table"
)

// wire answers the requests of the real client, below everything the SDK adds.
type wire struct {
	answer func(operation string) (*http.Response, error)
	sent   []request
	last   io.Reader // the body of the last request, as net/http holds it
}

type request struct{ operation, body string }

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.last = r.Body
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	// The order of names in the client's JSON is random; here it is not.
	var content any
	if err := json.Unmarshal(body, &content); err != nil {
		return nil, err
	}
	if body, err = json.Marshal(content); err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.sent = append(w.sent, request{operation, string(body)})
	return w.answer(operation)
}

// bodies are the requests of that operation.
func (w *wire) bodies(operation string) (bodies []string) {
	for _, r := range w.sent {
		if r.operation == operation {
			bodies = append(bodies, r.body)
		}
	}
	return bodies
}

func reply(status int, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:       io.NopCloser(bytes.NewBufferString(body)),
	}, nil
}

func refusal(status int, kind, rest string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return reply(status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"m"%s}`, kind, rest))
	}
}

func config(w *wire) aws.Config {
	return aws.Config{
		Region: "eu-central-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
		HTTPClient: w,
	}
}

func TestAnswersOnTheWire(t *testing.T) {
	for _, c := range []struct {
		says   string
		answer func() (*http.Response, error)
		want   error
		one    int // how often one put under no condition is sent
		many   int // how often a transaction with a version is sent
	}{
		{"a success", func() (*http.Response, error) { return reply(200, `{}`) }, nil, 1, 1},
		{"a failed condition", refusal(400, "ConditionalCheckFailedException", ""), table.ErrConflict, 1, 1},
		{
			"a transaction cancelled for a condition beside contention",
			refusal(400, "TransactionCanceledException", `,"CancellationReasons":[{"Code":"TransactionConflict","Message":"m"},{"Code":"ConditionalCheckFailed","Message":"m"}]`),
			table.ErrConflict, 1, 1,
		},
		{
			"a transaction cancelled for contention",
			refusal(400, "TransactionCanceledException", `,"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict","Message":"m"}]`),
			table.ErrContention, attempts, attempts,
		},
		{
			"a transaction cancelled for load",
			refusal(400, "TransactionCanceledException", `,"CancellationReasons":[{"Code":"ThrottlingError","Message":"m"},{"Code":"ProvisionedThroughputExceeded"}]`),
			table.ErrContention, attempts, attempts,
		},
		{
			"a transaction cancelled as not valid",
			refusal(400, "TransactionCanceledException", `,"CancellationReasons":[{"Code":"ValidationError","Message":"m"},{"Code":"TransactionConflict"}]`),
			table.ErrInvalid, 1, 1,
		},
		{"contention", refusal(400, "TransactionConflictException", ""), table.ErrContention, attempts, attempts},
		{"a transaction in progress", refusal(400, "TransactionInProgressException", ""), table.ErrContention, attempts, attempts},
		{"throttling", refusal(400, "ThrottlingException", ""), table.ErrContention, attempts, attempts},
		{"spent throughput", refusal(400, "ProvisionedThroughputExceededException", ""), table.ErrContention, attempts, attempts},
		{"a spent account", refusal(400, "RequestLimitExceeded", ""), table.ErrContention, attempts, attempts},
		{"a request that is not valid", refusal(400, "ValidationException", ""), table.ErrInvalid, 1, 1},
		{"no permission", refusal(400, "AccessDeniedException", ""), errNoKind, 1, 1},
		{"no such table", refusal(400, "ResourceNotFoundException", ""), errNoKind, 1, 1},
		{"a failure inside the service", refusal(500, "InternalServerError", ""), table.ErrAmbiguous, 1, attempts},
		{"a service that is not available", refusal(503, "ServiceUnavailable", ""), table.ErrAmbiguous, 1, attempts},
		{"a page of a proxy", func() (*http.Response, error) { return reply(502, "<html>Bad Gateway</html>") }, table.ErrAmbiguous, 1, attempts},
		{"a success cut short", func() (*http.Response, error) { return reply(200, `{"Attr`) }, table.ErrAmbiguous, 1, attempts},
		{"a broken connection", func() (*http.Response, error) { return nil, errReset }, table.ErrAmbiguous, 1, attempts},
		{"no connection", func() (*http.Response, error) { return nil, errDial }, errNoKind, attempts, attempts},
	} {
		for _, clients := range []struct {
			name string
			of   func(aws.Config) *dynamodb.Client
		}{
			{"the engine's client", NewClient},
			{"a client that would repeat by itself", func(cfg aws.Config) *dynamodb.Client { return dynamodb.NewFromConfig(cfg) }},
		} {
			for _, write := range []struct {
				name, operation string
				ops             []table.Op
				sent            int
			}{
				{"one put", "PutItem", []table.Op{table.Put(item("a", "x"), table.None)}, c.one},
				{"several operations", "TransactWriteItems", []table.Op{table.Put(item("a", "x"), table.Version(7)), table.Check(at("b"), table.Absent)}, c.many},
			} {
				t.Run(c.says+" to "+write.name+" of "+clients.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := &wire{answer: func(operation string) (*http.Response, error) {
							switch operation {
							case "GetItem":
								return reply(200, `{}`)
							case "BatchGetItem":
								return reply(200, `{"Responses":{"test":[]},"UnprocessedKeys":{}}`)
							}
							return c.answer()
						}}
						err := New(clients.of(config(w)), "test", func() time.Time { return noon }, seeded(1)).Write(t.Context(), write.ops...)
						if !isOf(err, c.want) {
							t.Errorf("the error is %v, want %v", err, c.want)
						}
						bodies := w.bodies(write.operation)
						if len(bodies) != write.sent {
							t.Errorf("sent %d times, want %d", len(bodies), write.sent)
						}
						if len(slices.Compact(bodies)) != 1 {
							t.Errorf("the repetitions are not the same request: %q", bodies)
						}
					})
				})
			}
		}
	}
}

func TestATransactionBearsTheWriteIDAsItsToken(t *testing.T) {
	w := &wire{answer: func(string) (*http.Response, error) { return reply(200, `{}`) }}
	engine := New(NewClient(config(w)), "test", func() time.Time { return noon }, seeded(1))
	if err := engine.Write(t.Context(), table.Put(item("a", "x"), table.None), table.Put(item("b", "x"), table.None)); err != nil {
		t.Fatal(err)
	}
	var sent struct {
		ClientRequestToken string
		TransactItems      []struct {
			Put struct{ Item map[string]struct{ S string } }
		}
	}
	if err := json.Unmarshal([]byte(w.bodies("TransactWriteItems")[0]), &sent); err != nil {
		t.Fatal(err)
	}
	for _, item := range sent.TransactItems {
		if id := item.Put.Item["w"].S; id == "" || id != sent.ClientRequestToken {
			t.Errorf("the item bears %q and the transaction %q", id, sent.ClientRequestToken)
		}
	}
}

// TestAnAnswerIsNotLostToALateLookAtTheRequest does what net/http does on a busy
// machine: it looks for the end of the request after the answer has come.
func TestAnAnswerIsNotLostToALateLookAtTheRequest(t *testing.T) {
	w := &wire{answer: func(string) (*http.Response, error) { return reply(200, `{}`) }}
	engine := New(NewClient(config(w)), "test", func() time.Time { return noon }, seeded(1))
	for what, call := range map[string]func() error{
		"a put":    func() error { return engine.Write(t.Context(), table.Put(item("a", "x"), table.None)) },
		"a delete": func() error { return engine.Write(t.Context(), table.Delete(at("a"), table.None)) },
		"several": func() error {
			return engine.Write(t.Context(), table.Put(item("a", "x"), table.None), table.Delete(at("b"), table.None))
		},
		"a get":    func() error { _, err := engine.Get(t.Context(), at("a")); return err },
		"two gets": func() error { _, err := engine.Get(t.Context(), at("a"), at("b")); return err },
		"a query":  func() error { _, err := engine.Query(t.Context(), table.Query{PK: "p"}); return err },
	} {
		if err := call(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := io.Copy(io.Discard, w.last); err != nil {
			t.Errorf("%s: a late look at the request fails with %v", what, err)
		}
	}
}
