// Package api is the edge that speaks JSON: it takes an MIS's webhooks and files and
// what providers report, verifies and reads them, and answers by the contract's
// table. openapi.yaml describes the whole HTTP surface; tests hold the handlers to it.
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
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/status"
)

// What all that is asked here has in common: whose it is, how much of it is read,
// and how it is answered and refused.

var (
	errTooLarge = errors.New("api: the body is too large")
	errNoClinic = dental.Errorf(dental.NotFound, "", "there is no such clinic")
)

// tooMany is how long a clinic over its rate is to wait.
type tooMany time.Duration

func (t tooMany) Error() string { return "api: over the clinic's rate" }

// body reads a body of so many bytes at the most; a longer one is errTooLarge.
func body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Message: "the body could not be read", Err: err}
	}
	return raw, nil
}

var clinicID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// clinicOf finds whom the path names; nobody is the error where there is none.
// What can be nobody's id is not looked up: the table has no key for it.
func clinicOf(r *http.Request, read func(context.Context, string) (*dental.Clinic, error), nobody error) (*dental.Clinic, error) {
	id := r.PathValue("clinic")
	if !clinicID.MatchString(id) {
		return nil, nobody
	}
	cl, err := read(r.Context(), id)
	if dental.KindOf(err) == dental.NotFound {
		return nil, nobody
	}
	return cl, err
}

// verify proves that a request is signed by one of the clinic's secrets.
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

// notAllowed refuses other methods here, so that the refusal is JSON like all others.
func notAllowed(allow, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", message, "")
	}
}

// head writes what stands before every answer.
func head(w http.ResponseWriter, kind string, code int) {
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
}

func answer(w http.ResponseWriter, code int, body any) {
	head(w, "application/json", code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone if this fails
}

// plain answers in plain words.
func plain(w http.ResponseWriter, words string) {
	head(w, "text/plain", http.StatusOK)
	_, _ = io.Copy(w, strings.NewReader(words)) // the client has gone if this fails
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

// refuse answers an error that any request may meet: strangers learn what they
// may, the log the rest. what names the request in the log; again is what a sender
// reads who is to send it again.
func refuse(ctx context.Context, w http.ResponseWriter, log *slog.Logger, what, again string, err error) {
	var wait tooMany
	known, ours := errors.AsType[*dental.Error](err)
	switch {
	case errors.Is(err, signature.ErrUnsigned):
		log.WarnContext(ctx, "unsigned "+what+" refused", "reason", signature.Reason(err))
		fail(w, http.StatusUnauthorized, "unsigned", "the request is not signed by the clinic's secret", "")
	case errors.As(err, &wait):
		log.WarnContext(ctx, what+" over the clinic's rate refused")
		w.Header().Set("Retry-After", strconv.Itoa(seconds(time.Duration(wait))))
		fail(w, http.StatusTooManyRequests, "too_many", "over the clinic's rate, try again later", "")
	case ours && known.Kind == dental.Unavailable:
		log.ErrorContext(ctx, what+" not taken", "error", err)
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, string(known.Kind), again, "")
	case ours:
		// Messages of this kind repeat nothing of the body.
		log.InfoContext(ctx, what+" refused", "kind", known.Kind, "field", known.Field, "message", known.Message)
		fail(w, status.Of(err), string(known.Kind), known.Message, known.Field)
	default:
		log.ErrorContext(ctx, what+" failed", "error", err)
		fail(w, http.StatusInternalServerError, "internal", "something went wrong on our side, try again later", "")
	}
}

// seconds rounds up: who waits that long is let through.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
