package wire

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/returnpoint/returnpoint/shared/outreach"
)

func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// answered is the error of an AWS client for an answer.
func answered(status int, code, text string) error {
	return fmt.Errorf("operation error: %w", &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: text},
	})
}

// sentCall is a call whose request has left.
func sentCall(t *testing.T) *Call {
	_, call := Begin(t.Context())
	c := &conn{Conn: halfPipe{}}
	give(c, call)
	_, _ = c.Write([]byte("P"))
	return call
}

func TestOnlyAListedCodeWithAStatus4xxProvesARefusal(t *testing.T) {
	list := Refusals{"Bad": {}, "Gone": {BadAddress: true}, "Busy": {Later: true}}
	for name, c := range map[string]struct {
		err  error
		want *outreach.Refusal
	}{
		"a listed code":                   {answered(400, "Bad", ""), &outreach.Refusal{Code: "Bad"}},
		"a listed code for the address":   {answered(400, "Gone", ""), &outreach.Refusal{Code: "Gone", BadAddress: true}},
		"a listed code for later":         {answered(429, "Busy", ""), &outreach.Refusal{Code: "Busy", Later: true}},
		"a listed code with a status 500": {answered(500, "Bad", ""), nil},
		"a listed code with a status 200": {answered(200, "Bad", ""), nil},
		"an unlisted code":                {answered(400, "Other", ""), nil},
		"a code of another case":          {answered(400, "bad", ""), nil},
		"no code":                         {answered(400, "", ""), nil},
		"no answer":                       {errors.New("connection reset"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := Verdict(sentCall(t), c.err, list, "")
			var r *outreach.Refusal
			if c.want == nil {
				if errors.As(err, &r) {
					t.Fatalf("it is a refusal: %v", err)
				}
				if !errors.Is(err, c.err) {
					t.Errorf("the cause is lost: %v", err)
				}
				return
			}
			if !errors.As(err, &r) || errors.Is(err, outreach.ErrNotSent) {
				t.Fatalf("got %v", err)
			}
			if r.Code != c.want.Code || r.BadAddress != c.want.BadAddress || r.Later != c.want.Later {
				t.Errorf("got %+v, want %+v", r, c.want)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

func TestACallThatWasNotSentIsARefusalForLater(t *testing.T) {
	_, call := Begin(t.Context())
	cause := errors.New("no route")
	err := Verdict(call, cause, nil, "")
	var r *outreach.Refusal
	if !errors.As(err, &r) || !r.Later || r.BadAddress || r.Code != NotSentCode {
		t.Fatalf("got %+v", err)
	}
	if !errors.Is(err, outreach.ErrNotSent) || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestTheAddressIsInNoText(t *testing.T) {
	const to = "+70000000001"
	for name, err := range map[string]error{
		"a refusal":          Verdict(sentCall(t), answered(400, "Bad", to+" is not valid"), Refusals{"Bad": {}}, to),
		"an unknown outcome": Verdict(sentCall(t), answered(500, "Bad", to+" is not valid"), nil, to),
	} {
		if text := err.Error(); strings.Contains(text, to) || !strings.Contains(text, "is not valid") {
			t.Errorf("%s reads %q", name, text)
		}
	}
}
