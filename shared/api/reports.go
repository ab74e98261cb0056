package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// maxCallback is the most bytes a callback may have: what the largest of the
// providers, Meta, gives at once.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
const maxCallback = 3 << 20

// ErrForged says that a callback is not signed by its provider.
var ErrForged = errors.New("api: the callback is not signed by its provider")

// Provider is how the callbacks of one provider are read.
type Provider struct {
	// Read proves and reads a callback by the clinic's account with the provider.
	// ErrForged is one of somebody else; what can never be read is dental.Invalid.
	Read func(dental.Account, Callback) (Told, error)
	// Challenge answers the GET by which some providers make sure of the address;
	// false is none of theirs. Nil where the provider does not ask.
	Challenge func(dental.Account, url.Values) (answer string, ok bool)
}

// Callback is a provider's call as it came.
type Callback struct {
	Header http.Header
	Body   []byte
	At     time.Time
}

// Told is what a provider tells.
type Told struct {
	Reports  []outreach.Report // what became of messages
	Messages []reply.Message   // what patients wrote
	// Note says what was passed over, for the log; it holds nothing of a person.
	Note string
}

// Reports serves /v1/reports/{provider}/{clinic}/{secret}: what the providers
// that a clinic has an account of its own with report later. Each of their calls
// may come again, and is answered 200 only when all of it is settled.
type Reports struct {
	// Clinic reads a clinic's settings; an unknown one is dental.NotFound.
	Clinic func(ctx context.Context, id string) (*dental.Clinic, error)
	// Providers are by the name of the clinic's account.
	Providers map[string]Provider
	// Settle applies a report to a touch of the clinic; one about nothing known is no error.
	Settle func(context.Context, *dental.Clinic, outreach.Report) error
	// Hear takes what was written to the clinic's number.
	Hear  func(context.Context, *dental.Clinic, reply.Message, time.Time) error
	Clock func() time.Time
	Log   *slog.Logger
}

// Routes adds the handler to a mux.
func (h *Reports) Routes(mux *http.ServeMux) {
	const path = "/v1/reports/{provider}/{clinic}/{secret}"
	mux.HandleFunc("POST "+path, h.post)
	mux.HandleFunc("GET "+path, h.get)
	mux.HandleFunc(path, notAllowed("GET, HEAD, POST", "callbacks are posted"))
}

// get answers a provider's challenge and changes nothing.
func (h *Reports) get(w http.ResponseWriter, r *http.Request) {
	caller, err := h.caller(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if caller.Challenge != nil {
		if said, ok := caller.Challenge(caller.account, r.URL.Query()); ok {
			plain(w, said)
			return
		}
	}
	h.refuse(w, r, errNoChallenge)
}

func (h *Reports) post(w http.ResponseWriter, r *http.Request) {
	if err := h.take(w, r); err != nil {
		h.refuse(w, r, err)
		return
	}
	plain(w, "ok")
}

// take settles all that one callback tells. A part that fails stops no other,
// and then the provider is to send all of it again; one that will always fail
// is passed over.
func (h *Reports) take(w http.ResponseWriter, r *http.Request) error {
	raw, err := body(w, r, maxCallback)
	if err != nil {
		return err
	}
	caller, err := h.caller(r)
	if err != nil {
		return err
	}
	ctx, log, now := r.Context(), h.log(r), h.Clock()
	told, err := caller.Read(caller.account, Callback{Header: r.Header, Body: raw, At: now})
	if err != nil {
		return err
	}
	if told.Note != "" {
		log.WarnContext(ctx, "part of a callback passed over", "note", told.Note)
	}
	var failed []error
	note := func(what string, err error) {
		switch {
		case dental.KindOf(err) == dental.Invalid:
			log.WarnContext(ctx, "part of a callback passed over", "part", what, "error", err)
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", what, err))
		}
	}
	for _, report := range told.Reports {
		note("settle a report", h.Settle(ctx, caller.clinic, report))
	}
	for _, m := range told.Messages {
		note("take a message", h.Hear(ctx, caller.clinic, m, now))
	}
	log.InfoContext(ctx, "callback taken", "reports", len(told.Reports), "messages", len(told.Messages), "failed", len(failed))
	if len(failed) > 0 {
		return &dental.Error{Kind: dental.Unavailable, Message: "not all of the callback is settled", Err: errors.Join(failed...)}
	}
	return nil
}

var (
	// errNoCallback is whatever is wrong with the path: a stranger does not learn
	// which clinics there are, nor with whom they have accounts.
	errNoCallback  = dental.Errorf(dental.NotFound, "", "there is no such callback")
	errNoChallenge = errors.New("api: this is no challenge of the provider's")
)

// caller is who a path says is calling.
type caller struct {
	Provider
	clinic  *dental.Clinic
	account dental.Account
}

// caller reads whose callback the path names, and proves the secret in it.
func (h *Reports) caller(r *http.Request) (caller, error) {
	name := r.PathValue("provider")
	provider, known := h.Providers[name]
	if !known {
		return caller{}, errNoCallback
	}
	cl, err := clinicOf(r, h.Clinic, errNoCallback)
	if err != nil {
		return caller{}, err
	}
	account := cl.Accounts[name]
	if !same(account.Secrets[dental.CallbackSecret], r.PathValue("secret")) {
		return caller{}, errNoCallback
	}
	return caller{provider, cl, account}, nil
}

// same compares in a time that tells nothing, not even the lengths. Where no
// secret is set none is right.
func same(want dental.Secret, given string) bool {
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}

// log names the callback by its path, but for the secret.
func (h *Reports) log(r *http.Request) *slog.Logger {
	return h.Log.With("provider", r.PathValue("provider"), "clinic", r.PathValue("clinic"))
}

func (h *Reports) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ctx, log := r.Context(), h.log(r)
	switch {
	case errors.Is(err, errTooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "too_large", "a callback has at most 3 MB", "")
	case errors.Is(err, ErrForged):
		log.WarnContext(ctx, "callback refused that its provider has not signed")
		fail(w, http.StatusUnauthorized, "unsigned", "the callback is not signed by its provider", "")
	case errors.Is(err, errNoChallenge):
		log.WarnContext(ctx, "challenge refused")
		fail(w, http.StatusForbidden, "forbidden", "this is no challenge of the provider's", "")
	case errors.Is(err, errNoCallback):
		log.WarnContext(ctx, "callback of nobody refused")
		fail(w, http.StatusNotFound, string(dental.NotFound), errNoCallback.Message, "")
	case dental.KindOf(err) == dental.Invalid:
		log.WarnContext(ctx, "callback refused that cannot be read", "error", err)
		fail(w, http.StatusBadRequest, string(dental.Invalid), "this is no callback of the provider's", "")
	default:
		refuse(ctx, w, log, "callback", "it may not be settled, send it again later", err)
	}
}
