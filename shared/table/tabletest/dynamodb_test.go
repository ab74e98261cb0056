//go:build dynamodb

// These tests speak to a server over the wire. It is any that is compatible
// with DynamoDB and named by the environment variable DYNAMODB_ENDPOINT; each
// test makes tables with names of its own and removes none.

package tabletest_test

import (
	"context"
	crypto "crypto/rand"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/dynamo"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// oneByOne sends one request at a time. A stand-in for DynamoDB may not isolate
// transactions that overlap (moto does not), and what is tested here is the
// engine. DYNAMODB_CONCURRENT=1 takes it away for servers that do.
type oneByOne struct {
	mu     sync.Mutex
	client http.Client
}

func (o *oneByOne) Do(r *http.Request) (*http.Response, error) {
	if os.Getenv("DYNAMODB_CONCURRENT") == "" {
		o.mu.Lock()
		defer o.mu.Unlock()
	}
	return o.client.Do(r)
}

// endpoint is where the server is. Without one the test fails: a suite that
// skips itself proves nothing.
func endpoint(t *testing.T) string {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Fatal("DYNAMODB_ENDPOINT is not set: start a DynamoDB-compatible server and name it, such as http://127.0.0.1:5000")
	}
	return endpoint
}

// openServer makes a table on the server.
func openServer(t *testing.T, now func() time.Time) table.Table {
	t.Helper()
	client := dynamo.NewClient(aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(endpoint(t)),
		HTTPClient:   &oneByOne{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	name := "returnpoint-test-" + crypto.Text()
	if err := dynamo.CreateTable(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	return dynamo.New(client, name, now, crypto.Reader)
}

func TestTheDynamoEngineKeepsToThePortOnAServer(t *testing.T) {
	endpoint(t)
	tabletest.Run(t, openServer)
}

func TestAllEnginesAnswerAlikeWithTheServer(t *testing.T) {
	endpoint(t)
	tabletest.Differential(t, map[string]tabletest.Factory{
		"embedded": openEmbedded,
		"dynamo":   openServer,
	})
}
