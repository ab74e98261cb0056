// Package app composes each function out of use cases and edges, over ports:
// one constructor a Lambda. It imports no adapter; a main.go names its adapters
// and hands them in, so that a function links only the clients it uses, and one
// machine runs the very same compositions.
package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/scan"
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

// Told is how systems of record tell the product what has changed: as signed
// events of its own, and each in its own words, by the name of the clinic's
// account with it.
type Told struct {
	Events  Decoder
	Sources map[string]intake.Dialect
}

// Webhook takes what MISs tell. Reads: clinic, event, card, contacts, origins,
// twins, connections, jobs. Writes: event, facts, milestones, touches, tasks,
// contacts, origins, twins, connections, jobs, the clinic (when it was last heard).
func Webhook(d Deps, told Told, phones intake.Phones) http.Handler {
	in := &intake.Intake{Store: d.Store, Catalogue: d.Catalogue, Phones: phones, Log: d.Log}
	clinic := func(ctx context.Context, id string) (*dental.Clinic, error) { return d.Store.Begin().Clinic(ctx, id) }
	listener := &pull.Listener{Store: d.Store, Learn: in.Learn}
	mux := http.NewServeMux()
	events := &api.Webhook{Decode: told.Events, Accept: in.Accept, Clock: d.Clock, Log: d.Log, Clinic: clinic}
	events.Routes(mux)
	sources := &api.Sources{Readers: told.Sources, Take: listener.Take, Unread: listener.Unread, Clock: d.Clock, Log: d.Log, Clinic: clinic}
	sources.Routes(mux)
	return mux
}

// Systems are the ways to systems of record, by the name of the clinic's account.
type Systems struct {
	Clients map[string]pull.System
	// Opens reports whether an account has what its system's API asks for.
	Opens func(system string, account dental.Account) bool
}

// Pull asks systems of record what has changed, reads what they have only named,
// and tells those that can be told what patients answer. Its Tick queues whom it is time to ask, its Handle
// does what a message asks for. Reads: list of clinics, connections, jobs,
// origins, cards, contacts, twins. Writes: facts, milestones, touches, tasks,
// contacts, origins, twins, connections, jobs, the clinic (when it was last heard).
func Pull(d Deps, systems Systems, orders pull.Queue, phones intake.Phones) *pull.Puller {
	in := &intake.Intake{Store: d.Store, Catalogue: d.Catalogue, Phones: phones, Log: d.Log}
	return &pull.Puller{Store: d.Store, Catalogue: d.Catalogue, Systems: systems.Clients, Opens: systems.Opens, Learn: in.Learn, Queue: orders, Clock: d.Clock, Log: d.Log}
}

// Import takes existing bases in from files: requests begins an import and tells
// how one stands, and the loader's Tick takes what lies in the watched folders,
// its Handle works on the import that a message names. Reads: clinic, import, job,
// event, card, contacts, origins, twins, files. Writes: import, job, event, facts,
// milestones, touches, tasks, contacts, origins, twins, files.
func Import(d Deps, files load.Files, formats map[string]load.Format, queue load.Queue, phones intake.Phones) (loader *load.Loader, requests http.Handler) {
	phones = load.Once(phones)
	in := &intake.Intake{Store: d.Store, Catalogue: d.Catalogue, Phones: phones, Log: d.Log}
	loader = &load.Loader{Store: d.Store, Files: files, Formats: formats, Learn: in.Learn, Phones: phones, Queue: queue, Clock: d.Clock, Rand: d.Rand, Leaves: lambdaio.Leaves, Log: d.Log}
	mux := http.NewServeMux()
	h := &api.Imports{Loader: loader, Clock: d.Clock, Log: d.Log,
		Clinic: func(ctx context.Context, id string) (*dental.Clinic, error) { return d.Store.Begin().Clinic(ctx, id) }}
	h.Routes(mux)
	return loader, mux
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

// Links serves the pages behind offers, gifts and the club. base is the URL under
// which patients' pages stand, for the link that a patient sends to friends.
// Reads: links, clinic, card, portrait. Writes: response, gift, head, tasks,
// touches, jobs.
func Links(d Deps, base string) http.Handler {
	return d.page(func(mux *http.ServeMux, p *web.Pages) {
		p.Base = base
		p.Links(mux)
	})
}

// Referral serves the page on which a patient's friend leaves a number; phones
// reads it. Reads: link, clinic, card, contact; of a known phone heads and
// another card. Writes: recommendation, contact, head, tasks, touches, jobs.
func Referral(d Deps, phones reply.Phones) http.Handler {
	return d.page(func(mux *http.ServeMux, p *web.Pages) { p.Referral(mux, phones) })
}

func (d Deps) page(routes func(*http.ServeMux, *web.Pages)) http.Handler {
	mux := http.NewServeMux()
	routes(mux, &web.Pages{Desk: &reply.Desk{Store: d.Store, Catalogue: d.Catalogue, Log: d.Log}, Clock: d.Clock, Log: d.Log})
	return mux
}

// keysAtOnce is how many due keys dispatch moves at a time: a busy minute of many
// clinics is then some round trips long, and not as many as there are keys.
const keysAtOnce = 16

// Queues are where what is due is worked off.
type Queues struct{ Touches, Jobs, Imports, Pulls outreach.Queue }

// Dispatch hands what is due at the scheduled time to the queues. Reads: due
// index. Writes: due keys, lapsed claims with their tasks.
func Dispatch(d Deps, to Queues) func(ctx context.Context, scheduled time.Time) error {
	dispatcher := &outreach.Dispatcher{Store: d.Store, Catalogue: d.Catalogue, Touches: to.Touches, Jobs: to.Jobs, Workers: keysAtOnce, Log: d.Log,
		Others: map[string]outreach.Queue{store.ImportJob: to.Imports, store.FetchJob: to.Pulls, store.AnswerJob: to.Pulls}}
	return dispatcher.Dispatch
}

// patientsAtOnce is how many patients a scan looks at at once: what one small
// function keeps busy.
const patientsAtOnce = 4

// ScanSleeping finds those whose last visit is as long ago as a scenario waits:
// its Tick queues the clinics whose morning has come, its Handle scans the one
// that a message names. Reads: list of clinics, checkpoints, calendar, backlog,
// cards. Writes: touches, tasks, checkpoints, jobs.
func ScanSleeping(d Deps, clinics scan.Queue) *scan.Scanner {
	return d.scan(scenario.ScanSleeping, clinics)
}

// ScanBirthdays finds those whose birthday it is, as ScanSleeping does those
// who have not been for long.
func ScanBirthdays(d Deps, clinics scan.Queue) *scan.Scanner {
	return d.scan(scenario.ScanBirthdays, clinics)
}

// ScanOccasions finds those whose return date, unfinished plan, anniversary or
// season has come, as ScanSleeping does those who have not been for long.
func ScanOccasions(d Deps, clinics scan.Queue) *scan.Scanner {
	return d.scan(scenario.ScanOccasions, clinics)
}

func (d Deps) scan(set string, clinics scan.Queue) *scan.Scanner {
	return &scan.Scanner{Set: set, Store: d.Store, Catalogue: d.Catalogue, Queue: clinics, Clock: d.Clock, Log: d.Log, Workers: patientsAtOnce}
}

// Send claims the touch that a queue's message names and hands it to its
// channel: a provider of the clinic's own account, by the account's name, or the
// deployment's. base is the URL under which patients' pages stand. Reads: clinic,
// card, contacts, trials. Writes: touch, contacts, links, provider ids, tasks, trials.
func Send(d Deps, channels map[dental.Channel]outreach.Channel, providers map[string]outreach.Channel, base string) func(ctx context.Context, body string) error {
	sender := &outreach.Sender{Store: d.Store, Catalogue: d.Catalogue, Channels: channels, Providers: providers, Base: base, Clock: d.Clock, NewID: d.AttemptID, Log: d.Log}
	return sender.Handle
}

// AttemptID draws 128 random bits, base64url.
func (d Deps) AttemptID() string {
	b := make([]byte, 16)
	if _, err := io.ReadFull(d.Rand, b); err != nil {
		panic(fmt.Sprintf("app: no randomness: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Parser reads a provider's event into reports; none for what does not matter.
type Parser func(raw []byte) ([]outreach.Report, error)

// Listener reads a provider's event into what somebody wrote.
type Listener func(raw []byte) ([]reply.Message, error)

// Sources are what tells the product of messages that have left, and of what
// patients write.
type Sources struct {
	// Each refuses, as dental.Invalid, what is not of its provider's shape, and no
	// two shapes are alike.
	Reports []Parser
	Words   []Listener
	// Callbacks are of the providers that clinics have accounts of their own with.
	Callbacks map[string]api.Provider
}

// Delivery takes what providers report later and what patients write: events as
// their platform brings them, and callbacks over HTTP. at is when the platform
// took the event. Reads: provider id, event, clinic, card, contacts, link, list
// of clinics. Writes: touch, contacts, provider id, event, tasks, appointments,
// answer, head, jobs.
func Delivery(d Deps, from Sources) (take func(ctx context.Context, at time.Time, raw []byte) error, callbacks http.Handler) {
	t := taker{d, &outreach.Settler{Store: d.Store, Catalogue: d.Catalogue, Clock: d.Clock}, &reply.Desk{Store: d.Store, Catalogue: d.Catalogue, Log: d.Log}}
	mux := http.NewServeMux()
	h := &api.Reports{Providers: from.Callbacks, Settle: t.settleFor, Clock: d.Clock, Log: d.Log,
		Clinic: func(ctx context.Context, id string) (*dental.Clinic, error) { return d.Store.Begin().Clinic(ctx, id) },
		Hear: func(ctx context.Context, cl *dental.Clinic, m reply.Message, now time.Time) error {
			_, err := t.desk.Inbound(ctx, cl, m, now)
			return err
		}}
	h.Routes(mux)
	return func(ctx context.Context, at time.Time, raw []byte) error { return t.take(ctx, from, at, raw) }, mux
}

// taker settles reports and passes on what patients write.
type taker struct {
	Deps
	settler *outreach.Settler
	desk    *reply.Desk
}

// take reads an event by the one source whose shape it has.
func (t taker) take(ctx context.Context, from Sources, at time.Time, raw []byte) error {
	var foreign []error
	for _, read := range from.Reports {
		reports, err := read(raw)
		if err != nil {
			foreign = append(foreign, err)
			continue
		}
		for _, r := range reports {
			if err := t.settle(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
	for _, read := range from.Words {
		messages, err := read(raw)
		if err != nil {
			foreign = append(foreign, err)
			continue
		}
		for _, m := range messages {
			if m.At.IsZero() {
				m.At = at
			}
			if _, err := t.desk.Hear(ctx, m, t.Clock()); err != nil {
				return fmt.Errorf("app: take a message: %w", err)
			}
		}
		return nil
	}
	return fmt.Errorf("app: an event of no source: %w", errors.Join(foreign...))
}

func (t taker) settle(ctx context.Context, r outreach.Report) error {
	found, err := t.settler.Settle(ctx, r)
	if err != nil {
		return fmt.Errorf("app: settle a report: %w", err)
	}
	t.Log.InfoContext(ctx, "report settled", "touch", r.Touch, "kind", r.Kind, "code", r.Code, "found", found)
	return nil
}

// settleFor settles a report that came over a clinic's callback, if it is about
// a touch of that clinic or of another one of its owner, who may have one
// account for all: whoever knows one clinic's secret settles nothing of others'.
func (t taker) settleFor(ctx context.Context, cl *dental.Clinic, r outreach.Report) error {
	tx := t.Store.Begin()
	if r.Touch == (outreach.TouchRef{}) {
		id, err := tx.ProviderID(ctx, dental.Channel(r.Channel), r.ProviderID)
		if err != nil {
			return fmt.Errorf("app: find the touch of a report: %w", err)
		}
		r.Touch = outreach.TouchRef{Clinic: id.Clinic, Patient: id.Patient, Scenario: id.Scenario, Step: id.Step, Anchor: id.Anchor}
		r.Attempt = id.Attempt
	}
	if r.Touch.Clinic == "" {
		t.Log.InfoContext(ctx, "report of nothing known", "clinic", cl.ID, "kind", r.Kind, "code", r.Code)
		return nil
	}
	if r.Touch.Clinic != cl.ID {
		of, err := tx.Clinic(ctx, r.Touch.Clinic)
		if err != nil && dental.KindOf(err) != dental.NotFound {
			return fmt.Errorf("app: find the clinic of a report: %w", err)
		}
		if err != nil || of.Owner() != cl.Owner() {
			t.Log.WarnContext(ctx, "report of another owner's touch passed over", "clinic", cl.ID, "touch", r.Touch)
			return nil
		}
	}
	return t.settle(ctx, r)
}

// Work does the jobs that a queue's messages name; photos gets those of doctors,
// and portray makes portraits of them; crm is where clinics that have one are told of their tasks;
// base is the URL under which patients' pages stand, for rehearsals to know how long a text is.
// Reads: job, clinic, cards, contacts, portrait. Writes: whatever the job is about.
func Work(d Deps, photos work.Photos, portray func(photo []byte) (jpeg []byte, err error), crm work.CRM, base string) func(ctx context.Context, body string) error {
	settler := &outreach.Settler{Store: d.Store, Catalogue: d.Catalogue, Clock: d.Clock}
	forecaster := &outreach.Forecaster{Store: d.Store, Catalogue: d.Catalogue, Base: base}
	worker := &work.Worker{Store: d.Store, Catalogue: d.Catalogue, Photos: photos, Portray: portray, CRM: crm, Settler: settler, Foresee: forecaster.Foresee, Clock: d.Clock, Log: d.Log}
	return worker.Handle
}
