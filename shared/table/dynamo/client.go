package dynamo

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// NewClient is a client for New and CreateTable, so that a composition root
// need not import the DynamoDB package. The endpoint of a compatible service
// goes into cfg.BaseEndpoint.
func NewClient(cfg aws.Config) *dynamodb.Client { return dynamodb.NewFromConfig(cfg) }

// asOwn makes a call of any client the engine's own: sent once, and with its
// answer kept.
func asOwn(o *dynamodb.Options) {
	o.Retryer = aws.NopRetryer{}
	o.HTTPClient = keepAnswer{o.HTTPClient}
}

// keepAnswer works around a race in the SDK that loses answers. The SDK closes
// the body of a request as soon as the header of the answer is there. When
// net/http looks only then whether the body has more to send, as it does on a
// busy machine, smithy-go's WriteTo reports io.EOF as a failure (v1.28.8,
// transport/http/internal/io/safe.go), and net/http drops the connection with
// the answer in it. Its Read reports the same as the plain end, so this hides
// the WriteTo.
type keepAnswer struct{ client dynamodb.HTTPClient }

func (k keepAnswer) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return k.client.Do(r)
}
