package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Sources serves /v1/clinics/{clinic}/events/{source}/{secret}: what systems of
// record tell in their own words. They do not sign, or each in its own way, and
// most of them say a thing once, so that the secret in the path stands for the
// signature, and nothing that can be taken is refused because of what cannot.
type Sources struct {
	// Clinic reads a clinic's settings; an unknown one is dental.NotFound.
	Clinic func(ctx context.Context, id string) (*dental.Clinic, error)
	// Readers are by the name of the clinic's account.
	Readers map[string]intake.Dialect
	// Take takes in what a delivery says. The outcomes are those of its objects.
	Take func(ctx context.Context, cl *dental.Clinic, source string, heard intake.Heard, now time.Time) ([]intake.Outcome, error)
	// Unread notes for staff why a delivery could not be read, or part of it not taken.
	Unread func(ctx context.Context, cl *dental.Clinic, source, why string, now time.Time) error
	Clock  func() time.Time
	Log    *slog.Logger

	rates rates
}

// Routes adds the handler to a mux. GET and HEAD, by which some vendors make
// sure of an address before they use it, are answered without effect, and by the
// same rule: who does not know the secret learns nothing.
func (h *Sources) Routes(mux *http.ServeMux) {
	const path = "/v1/clinics/{clinic}/events/{source}/{secret}"
	mux.HandleFunc("POST "+path, h.post)
	mux.HandleFunc("GET "+path, h.get)
	mux.HandleFunc(path, notAllowed("GET, HEAD, POST", "deliveries are posted"))
}

func (h *Sources) get(w http.ResponseWriter, r *http.Request) {
	if _, err := h.teller(r, h.Clock()); err != nil {
		h.refuse(w, r, err)
		return
	}
	plain(w, "")
}

func (h *Sources) post(w http.ResponseWriter, r *http.Request) {
	answered, err := h.take(w, r)
	switch {
	case err != nil:
		h.refuse(w, r, err)
	case answered.raw != nil:
		raw(w, answered.raw)
	default:
		answer(w, http.StatusOK, answered.Taken)
	}
}

// Taken is the answer to a delivery: how many objects it told of, and which of
// them were refused. It is 200, which is what vendors look for.
type Taken struct {
	Status  string    `json:"status"`
	Objects int       `json:"objects"`
	Refused []Refused `json:"refused,omitempty"`
	// Silent says why a delivery told nothing.
	Silent string `json:"silent,omitempty"`
}

// Refused is an object that was not taken, by its place among those of the
// delivery, from 0, and why.
type Refused struct {
	Object  int    `json:"object"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

// told is the answer to a delivery, raw when its vendor expects words of its own.
type told struct {
	Taken
	raw []byte
}

// teller is who a path says is telling.
type teller struct {
	clinic  *dental.Clinic
	account dental.Account
	source  string
	read    intake.Reader
}

// errNoSource is whatever is wrong with the path: a stranger does not learn
// which clinics there are, nor which systems they have.
var errNoSource = dental.Errorf(dental.NotFound, "", "there is no such address")

// teller reads who is telling by the path, and proves the secret in it.
func (h *Sources) teller(r *http.Request, now time.Time) (teller, error) {
	name := r.PathValue("source")
	cl, err := clinicOf(r, h.Clinic, errNoSource)
	if err != nil {
		return teller{}, err
	}
	proven := false
	for _, s := range cl.PathSecrets(name, now) {
		proven = same(s, r.PathValue("secret")) || proven
	}
	dialect, known := h.Readers[name]
	if !known || !proven {
		return teller{}, errNoSource
	}
	return teller{cl, cl.Accounts[name], name, dialect.Read}, nil
}

// take takes one delivery. What is wrong with it for good is noted for staff,
// since its vendor will not say it again, or would say it for ever.
func (h *Sources) take(w http.ResponseWriter, r *http.Request) (told, error) {
	body, err := body(w, r, h.largest(r))
	if errors.Is(err, errTooLarge) {
		return told{}, h.tooLarge(r)
	}
	if err != nil {
		return told{}, err
	}
	ctx, now := r.Context(), h.Clock()
	from, err := h.teller(r, now)
	if err != nil {
		return told{}, err
	}
	if wait, ok := h.rates.allow(from.clinic, now); !ok {
		return told{}, h.passedOver(ctx, from, "more came at once than the clinic's rate allows", tooMany(wait), now)
	}
	heard, err := from.hear(intake.Delivery{Header: r.Header, Query: r.URL.Query(), Body: body, At: now})
	if err != nil {
		if dental.KindOf(err) == dental.Invalid {
			h.unread(ctx, from, err, now)
		}
		return told{}, err
	}
	outcomes, err := h.Take(ctx, from.clinic, from.source, heard, now)
	if err != nil {
		return told{}, err
	}
	out := told{Taken{Status: "accepted", Objects: len(heard.Objects), Silent: heard.Silent}, heard.Answer}
	var first error
	for i, o := range outcomes {
		if o.Err == nil {
			continue
		}
		if first == nil {
			first = o.Err
		}
		out.Refused = append(out.Refused, Refused{i, string(dental.KindOf(o.Err)), dental.MessageOf(o.Err), fieldOf(o.Err)})
	}
	if first != nil {
		h.unread(ctx, from, first, now)
	}
	h.log(r).InfoContext(ctx, "delivery taken", "objects", out.Objects, "refused", len(out.Refused), "named", len(heard.Fetch), "gap", heard.Gap, "silent", heard.Silent)
	if first != nil && len(out.Refused) == out.Objects && len(heard.Fetch) == 0 {
		return told{}, first // nothing of it was taken
	}
	return out, nil
}

// largest is how many bytes a delivery may have: of nobody's system none.
func (h *Sources) largest(r *http.Request) int64 { return h.Readers[r.PathValue("source")].Largest }

// tooLarge refuses a delivery that is too large, if it is of a clinic's own system.
func (h *Sources) tooLarge(r *http.Request) error {
	now := h.Clock()
	from, err := h.teller(r, now)
	if err != nil {
		return err
	}
	return h.passedOver(r.Context(), from, fmt.Sprintf("the body is over %d KB", h.largest(r)>>10), errTooLarge, now)
}

// passedOver refuses with refusal a delivery that nobody has read. Why is noted
// for staff, and what it would have told is asked for, where that can be asked.
// However many there are, they are noted and asked for once in a while.
func (h *Sources) passedOver(ctx context.Context, from teller, why string, refusal error, now time.Time) error {
	h.unread(ctx, from, dental.Errorf(dental.Invalid, "", "%s", why), now)
	if _, err := h.Take(ctx, from.clinic, from.source, intake.Heard{Gap: true}, now); err != nil {
		return err
	}
	return refusal
}

// hear reads a delivery. A reader that panics has met what it cannot read.
func (t teller) hear(d intake.Delivery) (heard intake.Heard, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &dental.Error{Kind: dental.Invalid, Message: "the body is not of the system's shape", Err: fmt.Errorf("a panic: %v\n%s", v, debug.Stack())}
		}
	}()
	return t.read(t.clinic, t.account, d)
}

// unread notes for staff what was wrong. That it could not be noted is no reason
// to have the delivery again.
func (h *Sources) unread(ctx context.Context, from teller, why error, now time.Time) {
	log := h.Log.With("clinic", from.clinic.ID, "source", from.source)
	log.WarnContext(ctx, "not all of a delivery could be read or taken", "error", why)
	message := dental.MessageOf(why)
	if field := fieldOf(why); field != "" {
		message = field + ": " + message
	}
	if err := h.Unread(ctx, from.clinic, from.source, message, now); err != nil {
		log.ErrorContext(ctx, "what could not be read is not noted for staff", "error", err)
	}
}

// fieldOf is the path of what is wrong, "" where an error names none.
func fieldOf(err error) string {
	if known, is := errors.AsType[*dental.Error](err); is {
		return known.Field
	}
	return ""
}

// log names a delivery by its path, but for the secret.
func (h *Sources) log(r *http.Request) *slog.Logger {
	return h.Log.With("clinic", r.PathValue("clinic"), "source", r.PathValue("source"))
}

func (h *Sources) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ctx, log := r.Context(), h.log(r)
	switch {
	case errors.Is(err, errTooLarge):
		log.WarnContext(ctx, "delivery refused that is too large")
		fail(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("a delivery has at most %d KB", h.largest(r)>>10), "")
	case errors.Is(err, errNoSource):
		// The path as it was asked for, but for what may be somebody's secret.
		log.WarnContext(ctx, "delivery of nobody refused", "path", "/v1/clinics/"+r.PathValue("clinic")+"/events/"+r.PathValue("source")+"/…")
		fail(w, http.StatusNotFound, string(dental.NotFound), errNoSource.Message, "")
	default:
		refuse(ctx, w, log, "delivery", "not all of it may be taken, send it again later", err)
	}
}

// raw answers in a vendor's own words.
func raw(w http.ResponseWriter, words []byte) {
	kind := "text/plain"
	if len(words) > 0 && (words[0] == '{' || words[0] == '[') {
		kind = "application/json"
	}
	head(w, kind, http.StatusOK)
	_, _ = w.Write(words) // the client has gone if this fails
}
