package wire

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/returnpoint/returnpoint/shared/outreach"
)

// NotSentCode is the Code of a Refusal that no provider has said.
const NotSentCode = "not-sent"

// Meaning is what a code proves beside the refusal itself.
type Meaning struct{ BadAddress, Later bool }

// Refusals lists the codes by which a provider's documentation says that it did
// not accept a request. A code that is not in the list proves nothing.
type Refusals map[string]Meaning

// Verdict turns the error of an AWS client into what is proven by it: a
// *outreach.Refusal around outreach.ErrNotSent when no byte of the call's
// request has left, a *outreach.Refusal with the provider's code when the
// answer has a status 4xx and a code of the list, and else the error itself,
// which proves nothing. The call is over afterwards.
//
// Providers quote the address they were given. The texts of the errors are for
// logs, so the address is blotted out of them.
func Verdict(call *Call, err error, list Refusals, address string) error {
	err = blotted{err, address}
	if call.NotSent() {
		return &outreach.Refusal{Code: NotSentCode, Later: true, Err: fmt.Errorf("%w: %w", outreach.ErrNotSent, err)}
	}
	var answer *smithyhttp.ResponseError
	var said smithy.APIError
	if !errors.As(err, &answer) || !errors.As(err, &said) {
		return err
	}
	// A provider that failed inside can have accepted first, whatever code it gives.
	if s := answer.HTTPStatusCode(); s < 400 || s > 499 {
		return err
	}
	meaning, listed := list[said.ErrorCode()]
	if !listed {
		return err
	}
	return &outreach.Refusal{Code: said.ErrorCode(), BadAddress: meaning.BadAddress, Later: meaning.Later, Err: err}
}

// Unsendable refuses a message that no provider could take, before anything is
// sent. The reason is for the log and must not quote the message.
func Unsendable(code, reason string, m Meaning) *outreach.Refusal {
	return &outreach.Refusal{
		Code: code, BadAddress: m.BadAddress, Later: m.Later,
		Err: fmt.Errorf("%s: %w", reason, outreach.ErrNotSent),
	}
}

// blotted is an error without an address in its text.
type blotted struct {
	err     error
	address string
}

func (b blotted) Error() string {
	if b.address == "" {
		return b.err.Error()
	}
	return strings.ReplaceAll(b.err.Error(), b.address, "***")
}

func (b blotted) Unwrap() error { return b.err }
