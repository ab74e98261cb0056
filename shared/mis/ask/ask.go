// Package ask asks a vendor's API one question, in one request that is never
// repeated, and gives its answer.
package ask

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// Question is one request.
type Question struct {
	// Vendor is what the sentences of errors begin with: "1Denta", "the FHIR server".
	Vendor string
	Method string
	// Address may name a patient, and no error repeats it.
	Address string
	// Secret is one that stands in the address, "" for none. It is blotted out of
	// whatever else an error may repeat.
	Secret string
	Header map[string]string // beside User-Agent
	Body   []byte            // nil for none
	// Most is how many bytes an answer may have.
	Most int64
}

// Answer is what was said, whatever the status is.
type Answer struct {
	Status int // 0 when there was no answer
	// Body is cut one byte above Most, so that who reads it sees that it is too long.
	Body []byte
	// After is for how long the vendor wants to be left alone (Retry-After), a day
	// at most; 0 when it does not say.
	After time.Duration
}

// Later is the error with what the answer says of when to come again, a
// *pull.Later, or the error itself when it says nothing.
func (a Answer) Later(err error) error {
	if a.After == 0 {
		return err
	}
	return &pull.Later{After: a.After, Err: err}
}

// Do asks. Its errors are dental.Unavailable. One of a request of which no byte
// has left is NotWritten; with one of an answer whose body was lost comes the
// answer's status.
func Do(ctx context.Context, calls *wire.Client, q Question) (Answer, error) {
	var body io.Reader
	if q.Body != nil {
		body = bytes.NewReader(q.Body)
	}
	ctx, call := wire.Begin(ctx)
	r, err := http.NewRequestWithContext(ctx, q.Method, q.Address, body)
	if err != nil {
		return Answer{}, NotWritten(Unavailable(q.Vendor+" could not be called", q.plain(err)))
	}
	for name, value := range q.Header {
		r.Header.Set(name, value)
	}
	r.Header.Set("User-Agent", "return-point/1")
	resp, err := calls.Do(r)
	if err != nil {
		if err = Unavailable(q.Vendor+" does not answer", q.plain(err)); call.NotSent() {
			return Answer{}, NotWritten(err)
		}
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := Answer{Status: resp.StatusCode}
	if seconds, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && seconds > 0 {
		a.After = time.Duration(min(seconds, 24*60*60)) * time.Second
	}
	if a.Body, err = io.ReadAll(io.LimitReader(resp.Body, q.Most+1)); err != nil {
		return a, Unavailable(q.Vendor+"'s answer was lost", q.plain(err))
	}
	return a, nil
}

// plain is an error of net/http without the address of the call in it.
func (q Question) plain(err error) error {
	if about, ok := errors.AsType[*url.Error](err); ok {
		err = about.Err
	}
	if q.Secret != "" && strings.Contains(err.Error(), q.Secret) {
		return errors.New(strings.ReplaceAll(err.Error(), q.Secret, "***"))
	}
	return err
}

// Unavailable is an error that is better later. cause may be nil.
func Unavailable(message string, cause error) error {
	return &dental.Error{Kind: dental.Unavailable, Message: message, Err: cause}
}

// Invalid is an error of an account that has to be mended, pull.ErrAccount, in the
// field, "" when it is none of its fields or nobody knows which.
func Invalid(field, message string, cause error) error {
	return Account(&dental.Error{Kind: dental.Invalid, Field: field, Message: message, Err: cause})
}

// Refused is an error of what was asked for, which the vendor does not show or
// change however often it is asked. cause may be nil.
func Refused(message string, cause error) error {
	return &dental.Error{Kind: dental.Invalid, Message: message, Err: cause}
}

// Account is the error with the proof in it that the account has to be mended,
// pull.ErrAccount; nil for nil.
func Account(err error) error { return marked(err, pull.ErrAccount) }

// NotWritten is the error with the proof in it that nothing was written,
// pull.ErrNotWritten; nil for nil.
func NotWritten(err error) error { return marked(err, pull.ErrNotWritten) }

func marked(err, proof error) error {
	if err == nil {
		return nil
	}
	return &proven{err, proof}
}

type proven struct{ err, proof error }

func (p *proven) Error() string   { return p.err.Error() }
func (p *proven) Unwrap() []error { return []error{p.err, p.proof} }
