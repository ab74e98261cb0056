// Package app composes each function out of use cases and edges, over ports:
// one constructor a Lambda. It imports no adapter; a main.go names its adapters
// and hands them in, so that a function links only the clients it uses, and one
// machine runs the very same compositions.
package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/web"
	"github.com/returnpoint/returnpoint/shared/work"
)

// Deps is what every function is composed of.
type Deps struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Clock     func() time.Time
	Rand      io.Reader // crypto/rand.Reader outside tests
	Log       *slog.Logger
}

// Decoder reads one delivery of an MIS.
type Decoder func(clinic, deliveryID string, raw []byte) (intake.Event, error)

// Webhook takes an MIS's events. Reads: clinic, event, card, contacts. Writes:
// event, facts, milestones, touches, tasks, contacts, jobs.
func Webhook(d Deps, decode Decoder, phones intake.Phones) http.Handler {
	in := &intake.Intake{Store: d.Store, Catalogue: d.Catalogue, Phones: phones, Log: d.Log}
	h := &api.Webhook{Decode: decode, Accept: in.Accept, Clock: d.Clock, Log: d.Log,
		Clinic: func(ctx context.Context, id string) (*dental.Clinic, error) { return d.Store.Begin().Clinic(ctx, id) }}
	mux := http.NewServeMux()
	h.Routes(mux)
	return mux
}

// Survey serves the survey page. Reads: link, clinic, card. Writes: answer,
// head, tasks, touches.
func Survey(d Deps) http.Handler {
	return d.page(func(mux *http.ServeMux, p *web.Pages) { p.Survey(mux) })
}

// Confirm serves the appointment page. Reads: link, clinic, cards. Writes:
// appointments, heads, tasks, touches.
func Confirm(d Deps) http.Handler {
	return d.page(func(mux *http.ServeMux, p *web.Pages) { p.Confirm(mux) })
}

// Unsubscribe serves the preferences page and RFC 8058's one click. Reads:
// link, clinic, card, contacts. Writes: head, contact, tasks.
func Unsubscribe(d Deps) http.Handler {
	return d.page(func(mux *http.ServeMux, p *web.Pages) { p.Unsubscribe(mux) })
}

func (d Deps) page(routes func(*http.ServeMux, *web.Pages)) http.Handler {
	mux := http.NewServeMux()
	routes(mux, &web.Pages{Desk: &reply.Desk{Store: d.Store, Catalogue: d.Catalogue, Log: d.Log}, Clock: d.Clock, Log: d.Log})
	return mux
}

// Dispatch hands what is due at the scheduled time to the queues. Reads: due
// index. Writes: due keys, lapsed claims with their tasks.
func Dispatch(d Deps, touches, jobs outreach.Queue) func(ctx context.Context, scheduled time.Time) error {
	dispatcher := &outreach.Dispatcher{Store: d.Store, Catalogue: d.Catalogue, Touches: touches, Jobs: jobs, Log: d.Log}
	return dispatcher.Dispatch
}

// Send claims the touch that a queue's message names and hands it to its
// channel. base is the URL under which patients' pages stand. Reads: clinic,
// card, contacts. Writes: touch, contacts, links, provider ids, tasks.
func Send(d Deps, channels map[dental.Channel]outreach.Channel, base string) func(ctx context.Context, body string) error {
	sender := &outreach.Sender{Store: d.Store, Catalogue: d.Catalogue, Channels: channels, Base: base, Clock: d.Clock, NewID: d.attemptID, Log: d.Log}
	return sender.Handle
}

// attemptID draws 128 random bits, base64url.
func (d Deps) attemptID() string {
	b := make([]byte, 16)
	if _, err := io.ReadFull(d.Rand, b); err != nil {
		panic(fmt.Sprintf("app: no randomness: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Parser reads a provider's event into reports; none for what does not matter.
type Parser func(raw []byte) ([]outreach.Report, error)

// Delivery takes what providers report later. Reads: provider id, clinic, card,
// contacts. Writes: touch, contacts, tasks.
func Delivery(d Deps, parse Parser) func(ctx context.Context, raw []byte) error {
	settler := &outreach.Settler{Store: d.Store, Catalogue: d.Catalogue, Clock: d.Clock}
	return func(ctx context.Context, raw []byte) error {
		reports, err := parse(raw)
		if err != nil {
			return fmt.Errorf("app: read a provider's event: %w", err)
		}
		for _, r := range reports {
			found, err := settler.Settle(ctx, r)
			if err != nil {
				return fmt.Errorf("app: settle a report: %w", err)
			}
			d.Log.InfoContext(ctx, "report settled", "touch", r.Touch, "kind", r.Kind, "code", r.Code, "found", found)
		}
		return nil
	}
}

// Work does the jobs that a queue's messages name. Reads: job, clinic, card.
// Writes: whatever the job is about.
func Work(d Deps) func(ctx context.Context, body string) error {
	worker := &work.Worker{Store: d.Store, Catalogue: d.Catalogue, Clock: d.Clock, Log: d.Log}
	return worker.Handle
}
