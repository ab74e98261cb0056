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
	"regexp"
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

// Routes adds the handler to a mux. Other methods are refused here, so that
// the refusal is JSON like all others.
func (h *Webhook) Routes(mux *http.ServeMux) {
	const path = "/v1/clinics/{clinic}/events"
	mux.Handle("POST "+path, h)
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", http.MethodPost)
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "events are posted", "")
	})
}

func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := h.event(w, r)
	if err != nil {
		h.refuse(w, r, id, err)
		return
	}
	answer(w, http.StatusAccepted, Accepted{ID: id, Status: "accepted"})
}

// event takes one delivery as far as it goes, and returns its id once that is
// proven. The order of the checks is the order in which a sender meets them:
// too large, no such clinic, not signed, too many, not an event, not new.
func (h *Webhook) event(w http.ResponseWriter, r *http.Request) (id string, err error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return "", errTooLarge
		}
		return "", &dental.Error{Kind: dental.Invalid, Message: "the body could not be read", Err: err}
	}
	cl, err := h.clinic(r)
	if err != nil {
		return "", err
	}
	now := h.Clock()
	if id, err = verify(r.Header, raw, cl, now); err != nil {
		return "", err
	}
	if wait, ok := h.rates.allow(cl, now); !ok {
		return id, tooMany(wait)
	}
	ev, err := h.Decode(cl.ID, id, raw)
	if err != nil {
		return id, err
	}
	repeat, err := h.Accept(r.Context(), cl, ev, now)
	if err == nil {
		h.Log.InfoContext(r.Context(), "event accepted", "clinic", cl.ID, "id", id, "type", ev.Type, "repeat", repeat)
	}
	return id, err
}

var clinicID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// clinic finds whom the path names. What can be nobody's id is not looked up:
// the table has no key for it.
func (h *Webhook) clinic(r *http.Request) (*dental.Clinic, error) {
	id := r.PathValue("clinic")
	if !clinicID.MatchString(id) {
		return nil, errNoClinic
	}
	cl, err := h.Clinic(r.Context(), id)
	if dental.KindOf(err) == dental.NotFound {
		return nil, errNoClinic
	}
	return cl, err
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

var (
	errTooLarge = errors.New("api: the body is over 256 KB")
	errNoClinic = dental.Errorf(dental.NotFound, "", "there is no such clinic")
)

// tooMany is how long a clinic over its rate is to wait.
type tooMany time.Duration

func (t tooMany) Error() string { return "api: over the clinic's rate" }

// refuse answers an error: strangers learn what they may, the log the rest.
func (h *Webhook) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	log := h.Log.With("clinic", r.PathValue("clinic"), "id", id)
	var wait tooMany
	var known *dental.Error
	switch {
	case errors.Is(err, errTooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "too_large", "an event has at most 256 KB", "")
	case errors.Is(err, signature.ErrUnsigned):
		log.WarnContext(r.Context(), "unsigned event refused", "reason", signature.Reason(err))
		fail(w, http.StatusUnauthorized, "unsigned", "the request is not signed by the clinic's secret", "")
	case errors.As(err, &wait):
		log.WarnContext(r.Context(), "event over the clinic's rate refused")
		w.Header().Set("Retry-After", strconv.Itoa(seconds(time.Duration(wait))))
		fail(w, http.StatusTooManyRequests, "too_many", "over the clinic's rate, try again later", "")
	case errors.As(err, &known) && known.Kind == dental.Unavailable:
		log.ErrorContext(r.Context(), "event not stored", "error", err)
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, string(known.Kind), "the event may not be stored, send it again later", "")
	case errors.As(err, &known):
		// Messages of this kind repeat nothing of the body.
		log.InfoContext(r.Context(), "event refused", "kind", known.Kind, "field", known.Field, "message", known.Message)
		fail(w, status.Of(err), string(known.Kind), known.Message, known.Field)
	default:
		log.ErrorContext(r.Context(), "event failed", "error", err)
		fail(w, http.StatusInternalServerError, "internal", "something went wrong on our side, try again later", "")
	}
}

// seconds rounds up: who waits that long is let through.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone if this fails
}

// Accepted is the answer to an event that is stored with all that follows from
// it. The same delivery again gets the same answer.
type Accepted struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// Problem is the body of every refusal. Field is the path of what is wrong in
// the body, as "data.receipt.total", or the name of a header.
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
