// Package api is the edge that speaks JSON: it takes an MIS's webhooks,
// verifies and reads them, and answers by the contract's table. openapi.yaml
// describes the whole HTTP surface; tests hold the handlers to it.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/status"
)

// maxBody is the most bytes an event may have.
const maxBody = 256 << 10

// Webhook serves POST /v1/clinics/{clinic}/events.
type Webhook struct {
	// Clinic reads a clinic's settings; an unknown one is dental.NotFound.
	Clinic func(ctx context.Context, id string) (*dental.Clinic, error)
	// Decode reads a body of the product's own event format.
	Decode func(clinic, deliveryID string, raw []byte) (intake.Event, error)
	// Accept stores an event with all that follows from it.
	Accept func(ctx context.Context, cl *dental.Clinic, ev intake.Event, now time.Time) (repeat bool, err error)
	Clock  func() time.Time
	Log    *slog.Logger

	rates rates
}

// Routes adds the handler to a mux.
func (h *Webhook) Routes(mux *http.ServeMux) {
	mux.Handle("POST /v1/clinics/{clinic}/events", h)
}

func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := h.event(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	answer(w, http.StatusAccepted, map[string]string{"id": id, "status": "accepted"})
}

// event takes one delivery as far as it goes, and returns its id.
func (h *Webhook) event(r *http.Request) (id string, err error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return "", &dental.Error{Kind: dental.Invalid, Message: "the body could not be read", Err: err}
	}
	if len(raw) > maxBody {
		return "", errTooLarge
	}
	cl, err := h.Clinic(r.Context(), r.PathValue("clinic"))
	if err != nil {
		return "", err
	}
	now := h.Clock()
	if id, err = verify(r.Header, raw, cl, now); err != nil {
		return "", err
	}
	if wait, ok := h.rates.allow(cl, now); !ok {
		return "", tooMany(wait)
	}
	ev, err := h.Decode(cl.ID, id, raw)
	if err != nil {
		return "", err
	}
	repeat, err := h.Accept(r.Context(), cl, ev, now)
	if err == nil {
		h.Log.InfoContext(r.Context(), "event accepted", "clinic", cl.ID, "id", id, "type", ev.Type, "repeat", repeat)
	}
	return id, err
}

func verify(header http.Header, raw []byte, cl *dental.Clinic, now time.Time) (id string, err error) {
	var secrets []signature.Secret
	for _, s := range cl.ActiveSecrets(now) {
		secret, err := signature.ParseSecret(string(s))
		if err != nil {
			return "", err
		}
		secrets = append(secrets, secret)
	}
	return signature.Verify(header, raw, secrets, now)
}

var errTooLarge = errors.New("api: the body is over 256 KB")

// tooMany is how long a clinic over its rate is to wait.
type tooMany time.Duration

func (t tooMany) Error() string { return "api: over the clinic's rate" }

// refuse answers an error: strangers learn what they may, the log the rest.
func (h *Webhook) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var wait tooMany
	var known *dental.Error
	switch {
	case errors.Is(err, errTooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "too_large", "an event has at most 256 KB", "")
	case errors.Is(err, signature.ErrUnsigned):
		h.Log.WarnContext(r.Context(), "unsigned event refused", "clinic", r.PathValue("clinic"), "reason", signature.Reason(err))
		fail(w, http.StatusUnauthorized, "unsigned", "the request is not signed by the clinic's secret", "")
	case errors.As(err, &wait):
		w.Header().Set("Retry-After", strconv.Itoa(int(time.Duration(wait)/time.Second)+1))
		fail(w, http.StatusTooManyRequests, "too_many", "over the clinic's rate, try again later", "")
	case errors.As(err, &known):
		code := status.Of(err)
		if code == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
			h.Log.ErrorContext(r.Context(), "event not stored", "clinic", r.PathValue("clinic"), "error", err)
		}
		fail(w, code, string(known.Kind), known.Message, known.Field)
	default:
		h.Log.ErrorContext(r.Context(), "event failed", "clinic", r.PathValue("clinic"), "error", err)
		fail(w, http.StatusInternalServerError, "internal", "something went wrong on our side, try again later", "")
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone if this fails
}

// Problem is the body of every refusal.
type Problem struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Field   string `json:"field,omitempty"`
	} `json:"error"`
}

func fail(w http.ResponseWriter, code int, kind, message, field string) {
	var p Problem
	p.Error.Code, p.Error.Message, p.Error.Field = kind, message, field
	answer(w, code, p)
}

// rates keeps a token bucket a clinic, in this process: a burst is bounded
// where it arrives, and the gateway bounds the whole.
type rates struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// burst is how many seconds' worth of events may come at once.
const burst = 10

// allow takes a token, or says how long until there is one.
func (r *rates) allow(cl *dental.Clinic, now time.Time) (wait time.Duration, ok bool) {
	per := cl.EventsPerSecond
	if per <= 0 {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buckets == nil {
		r.buckets = map[string]*rate.Limiter{}
	}
	b := r.buckets[cl.ID]
	if b == nil || b.Limit() != rate.Limit(per) {
		b = rate.NewLimiter(rate.Limit(per), per*burst)
		r.buckets[cl.ID] = b
	}
	reserve := b.ReserveN(now, 1)
	if wait = reserve.DelayFrom(now); wait > 0 {
		reserve.CancelAt(now)
		return wait, false
	}
	return 0, true
}
