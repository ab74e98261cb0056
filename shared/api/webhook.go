package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
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
	const path = "/v1/clinics/{clinic}/events"
	mux.Handle("POST "+path, h)
	mux.HandleFunc(path, notAllowed(http.MethodPost, "events are posted"))
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
	raw, err := body(w, r, maxBody)
	if err != nil {
		return "", err
	}
	cl, err := clinicOf(r, h.Clinic, errNoClinic)
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

// refuse answers an error.
func (h *Webhook) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	if errors.Is(err, errTooLarge) {
		fail(w, http.StatusRequestEntityTooLarge, "too_large", "an event has at most 256 KB", "")
		return
	}
	refuse(r.Context(), w, h.Log.With("clinic", r.PathValue("clinic"), "id", id), "event", "the event may not be stored, send it again later", err)
}

// Accepted is the answer to an event that is stored with all that follows from
// it. The same delivery again gets the same answer.
type Accepted struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}
