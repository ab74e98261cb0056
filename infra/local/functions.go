package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/functions/delivery/callbacks"
	"github.com/returnpoint/returnpoint/functions/import/formats"
	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/infra/local/template"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/app/team"
	"github.com/returnpoint/returnpoint/shared/channel/sms/inbound"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/scan"
	"github.com/returnpoint/returnpoint/shared/work"
)

// kind is how a function is called.
type kind string

const (
	byRequest  kind = "HTTP requests"
	bySchedule kind = "a schedule"
	byQueue    kind = "a queue"
	byReport   kind = "reports of providers"
)

// lambda is one function of the product, composed as its main.go composes it
// but over the adapters of one machine.
type lambda struct {
	name string
	kind kind
	// also is a second way to call it and third a third one, "" for none.
	also    kind
	third   kind
	handler func(parts) lambdaio.Handler
	// due, of a function with a schedule, is the earliest time at which it would
	// find something to do; nil: it is run at each of its times.
	due func(parts, context.Context) (at time.Time, any bool, err error)
	// lasts: what due says holds until the function has run or a clinic's settings change.
	lasts bool
}

// parts is what the functions are composed of.
type parts struct {
	app.Deps
	queues    app.Queues
	clinics   map[string]scan.Queue // of those who work off what they have queued themselves, by their functions
	channels  map[dental.Channel]outreach.Channel
	providers map[string]outreach.Channel
	photos    work.Photos
	crm       work.CRM
	systems   app.Systems
	files     load.Files
	base      string
	desk      http.Handler
}

// What a message of a queue is given, as in functions/send, functions/work, functions/report, functions/scan-*, functions/pull and functions/import.
const (
	sendNeed   = 55 * time.Second
	workNeed   = 30 * time.Second
	reportNeed = 100 * time.Second
	scanNeed   = 60 * time.Second
	pullNeed   = 60 * time.Second
	importNeed = 60 * time.Second
)

// The embedded engine writes what waits for it as one commit, whose price is the
// disk's: the more lines wait, the more share it, up to what the memory bears.
const (
	importWorkers = 384
	importChunk   = 4000
)

// lambdas are all functions.
func lambdas() []lambda {
	page := func(name string, compose func(app.Deps) lambdaio.Handler) lambda {
		return lambda{name: name, kind: byRequest, handler: func(p parts) lambdaio.Handler { return compose(p.Deps) }}
	}
	return []lambda{
		page("webhook", func(d app.Deps) lambdaio.Handler {
			return lambdaio.HTTP(d.Log, app.Webhook(d, app.Told{Events: generic.Decode, Sources: systems.Readers()}, phone.Read))
		}),
		page("survey", func(d app.Deps) lambdaio.Handler { return lambdaio.HTTP(d.Log, app.Survey(d)) }),
		page("confirm", func(d app.Deps) lambdaio.Handler { return lambdaio.HTTP(d.Log, app.Confirm(d)) }),
		page("unsubscribe", func(d app.Deps) lambdaio.Handler { return lambdaio.HTTP(d.Log, app.Unsubscribe(d)) }),
		page("referral", func(d app.Deps) lambdaio.Handler { return lambdaio.HTTP(d.Log, app.Referral(d, phone.Read)) }),
		{name: "desk", kind: byRequest, handler: func(p parts) lambdaio.Handler { return lambdaio.HTTP(p.Log, p.desk) }},
		{name: "links", kind: byRequest, handler: func(p parts) lambdaio.Handler { return lambdaio.HTTP(p.Log, app.Links(p.Deps, p.base)) }},
		{
			name: "dispatch", kind: bySchedule,
			handler: func(p parts) lambdaio.Handler {
				return lambdaio.Schedule(p.Log, app.Dispatch(p.Deps, p.queues))
			},
			due: func(p parts, ctx context.Context) (time.Time, bool, error) { return p.Store.NextDue(ctx) },
		},
		scans("scan-sleeping", app.ScanSleeping), scans("scan-birthdays", app.ScanBirthdays), scans("scan-occasions", app.ScanOccasions),
		{
			name: "report", kind: bySchedule, also: byQueue, lasts: true,
			handler: func(p parts) lambdaio.Handler {
				r := team.Report(p.Deps, p.channels[dental.Mail], p.clinics["report"], p.base)
				return lambdaio.FanOut(lambdaio.Schedule(p.Log, r.Tick),
					lambdaio.Queue(p.Log, reportNeed, func(ctx context.Context, m lambdaio.Message) error { return r.Handle(ctx, m.Body) }))
			},
			due: func(p parts, ctx context.Context) (time.Time, bool, error) {
				return team.Report(p.Deps, p.channels[dental.Mail], p.clinics["report"], p.base).Next(ctx, p.Clock())
			},
		},
		{
			name: "pull", kind: bySchedule, also: byQueue,
			handler: func(p parts) lambdaio.Handler {
				puller := app.Pull(p.Deps, p.systems, p.queues.Pulls, phone.Read)
				return lambdaio.FanOut(lambdaio.Schedule(p.Log, puller.Tick),
					lambdaio.Queue(p.Log, pullNeed, func(ctx context.Context, m lambdaio.Message) error { return puller.Handle(ctx, m.Body) }))
			},
			due: func(p parts, ctx context.Context) (time.Time, bool, error) {
				return app.Pull(p.Deps, p.systems, p.queues.Pulls, phone.Read).Next(ctx, p.Clock())
			},
		},
		{
			name: "import", kind: byRequest, also: bySchedule, third: byQueue,
			handler: func(p parts) lambdaio.Handler {
				loader, requests := app.Import(p.Deps, p.files, formats.All(), p.queues.Imports, phone.Read)
				loader.Workers, loader.Chunk = importWorkers, importChunk
				return lambdaio.Either(lambdaio.HTTP(p.Log, requests), lambdaio.FanOut(lambdaio.Schedule(p.Log, loader.Tick),
					lambdaio.Queue(p.Log, importNeed, func(ctx context.Context, m lambdaio.Message) error { return loader.Handle(ctx, m.Body) })))
			},
			// What lies in a watched folder is due at once; its schedule says when that is looked at.
			due: func(p parts, ctx context.Context) (time.Time, bool, error) {
				loader, _ := app.Import(p.Deps, p.files, nil, nil, phone.Read)
				waiting, err := loader.Waiting(ctx)
				return p.Clock(), waiting, err
			},
		},
		{name: "send", kind: byQueue, handler: func(p parts) lambdaio.Handler {
			send := app.Send(p.Deps, p.channels, p.providers, p.base)
			return lambdaio.Queue(p.Log, sendNeed, func(ctx context.Context, m lambdaio.Message) error { return send(ctx, m.Body) })
		}},
		{name: "work", kind: byQueue, handler: func(p parts) lambdaio.Handler {
			work := app.Work(p.Deps, p.photos, portrait.Make, p.crm, p.base)
			return lambdaio.Queue(p.Log, workNeed, func(ctx context.Context, m lambdaio.Message) error { return work(ctx, m.Body) })
		}},
		{name: "delivery", kind: byRequest, also: byReport, handler: func(p parts) lambdaio.Handler {
			take, calls := app.Delivery(p.Deps, app.Sources{Reports: []app.Parser{parseReceipts}, Words: []app.Listener{inbound.Parse}, Callbacks: callbacks.Providers()})
			return lambdaio.Either(lambdaio.HTTP(p.Log, calls),
				lambdaio.Events(p.Log, func(ctx context.Context, e lambdaio.Event) error { return take(ctx, e.Time, e.Body) }))
		}},
	}
}

// scans is a daily scan, which works off the clinics that it has queued itself.
func scans(name string, compose func(app.Deps, scan.Queue) *scan.Scanner) lambda {
	of := func(p parts) *scan.Scanner { return compose(p.Deps, p.clinics[name]) }
	return lambda{
		name: name, kind: bySchedule, also: byQueue,
		handler: func(p parts) lambdaio.Handler {
			s := of(p)
			return lambdaio.FanOut(lambdaio.Schedule(p.Log, s.Tick),
				lambdaio.Queue(p.Log, scanNeed, func(ctx context.Context, m lambdaio.Message) error { return s.Handle(ctx, m.Body) }))
		},
		due:   func(p parts, ctx context.Context) (time.Time, bool, error) { return of(p).Next(ctx, p.Clock()) },
		lasts: true,
	}
}

// parseReceipts reads the body of an event that carries the outbox's receipts.
func parseReceipts(raw []byte) (reports []outreach.Report, err error) {
	return reports, json.Unmarshal(raw, &reports)
}

// function is a function with what the template says of it, and its handler
// once there are parts to compose it of.
type function struct {
	lambda
	template.Function
	composed lambdaio.Handler
}

// match brings the functions of the template and those composed here together.
// One error names everything that is in one place only, or called otherwise.
func match(here []lambda, there []template.Function) ([]*function, error) {
	var out []*function
	var faults []error
	taken := map[template.Route]string{}
	for _, t := range there {
		var own *lambda
		for i := range here {
			if here[i].name == t.Name {
				own = &here[i]
			}
		}
		if own == nil {
			faults = append(faults, fmt.Errorf("the template has the function %s, and infra/local does not compose it", t.Name))
			continue
		}
		if called := callers(t); !slices.Equal(called, own.kinds()) {
			faults = append(faults, fmt.Errorf("the function %s is composed for %v, and the template calls it by %v", t.Name, own.kinds(), called))
		}
		for _, r := range t.Routes {
			if other, twice := taken[r]; twice {
				faults = append(faults, fmt.Errorf("the route %s leads to %s and to %s", r, other, t.Name))
			}
			taken[r] = t.Name
		}
		out = append(out, &function{lambda: *own, Function: t})
	}
	for _, l := range here {
		found := false
		for _, t := range there {
			found = found || t.Name == l.name
		}
		if !found {
			faults = append(faults, fmt.Errorf("infra/local composes the function %s, and the template does not have it", l.name))
		}
	}
	return out, errors.Join(faults...)
}

func (l lambda) kinds() []kind {
	return slices.DeleteFunc([]kind{l.kind, l.also, l.third}, func(k kind) bool { return k == "" })
}

// callers are the ways in which the template calls a function, in the order of
// their constants.
func callers(t template.Function) []kind {
	var out []kind
	if len(t.Routes) > 0 {
		out = append(out, byRequest)
	}
	if len(t.Schedules) > 0 {
		out = append(out, bySchedule)
	}
	if t.Queue != nil {
		out = append(out, byQueue)
	}
	if t.Reports {
		out = append(out, byReport)
	}
	return out
}
