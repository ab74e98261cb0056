package outreach

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Message is one rendered text on its way to one address.
type Message struct {
	// Touch is the touch's whole name, as TouchRef.String writes it: providers
	// that can carry a tag carry it, so that their reports find the touch.
	Touch   TouchRef
	Attempt string // id of the claim
	Channel dental.Channel
	To      string // E.164 or an e-mail address
	Class   dental.Class
	Locale  string // "ru" or "en"
	Subject string // e-mail only
	Text    string // the SMS, or the plain part
	HTML    string // the HTML part, e-mail only
	// Unsubscribe is the URL of the RFC 8058 one-click POST, e-mail only.
	Unsubscribe string
	// Sender is the clinic's name for the "From" of an e-mail.
	Sender string
	// Account is the clinic's own access to the provider, where the provider takes one.
	Account dental.Account
	// Photo is the doctor's portrait, JPEG, which HTML names as cid:doctor; nil without one.
	Photo []byte
	// Chart is a picture of figures, PNG, which HTML names as cid:chart; nil without one.
	Chart []byte
	// For one machine's outbox and for measuring:
	Links []string
	Parts int
}

// Format keeps the text and the address out of every verb.
func (m Message) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "message of %s by %s", m.Touch, m.Channel)
}

// LogValue keeps the text and the address out of logs.
func (m Message) LogValue() slog.Value {
	return slog.StringValue("message of " + m.Touch.String() + " by " + string(m.Channel))
}

// TouchRef names a touch where an id alone would not find it.
type TouchRef struct {
	Clinic, Patient, Scenario, Step, Anchor string
}

// Channel hands messages to one provider. It never repeats a call by itself.
//
// Send returns the provider's id for an accepted message; a *Refusal when it is
// proven that the provider did not accept it: a refusal parsed from the
// provider's documented list, or a failure before the first byte of the request
// left (ErrNotSent inside). Any other error means that nobody knows.
type Channel interface {
	Send(ctx context.Context, m Message) (providerID string, err error)
}

// Namer is a Channel whose provider takes the message's id from us, so that its
// reports find the touch although the answer to the call was lost.
type Namer interface {
	// MessageID is the id of the message of an attempt, the same each time.
	MessageID(attempt string) string
}

// Refusal is proof that a message was not accepted.
type Refusal struct {
	Code string // the provider's own code
	// BadAddress: this address will never work; it is suppressed.
	BadAddress bool
	// Later: the provider would take it later (throttled, before any effect).
	Later bool
	Err   error
}

func (r *Refusal) Error() string {
	if r.Err == nil {
		return fmt.Sprintf("outreach: refused by the provider (%s)", r.Code)
	}
	return fmt.Sprintf("outreach: refused by the provider (%s): %v", r.Code, r.Err)
}

func (r *Refusal) Unwrap() error { return r.Err }

// ErrNotSent: the request never left this machine.
var ErrNotSent = errors.New("no byte of the request was sent")

// Queue carries work from the dispatcher to a worker, at least once and in any order.
type Queue interface {
	// Enqueue hands over bodies of at most 100 KB each, any number of them. On
	// an error some may have been taken and some not; all may be handed over again.
	Enqueue(ctx context.Context, bodies ...string) error
}
