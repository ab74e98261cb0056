// Package report tells a clinic's people what the product has done for them, by
// e-mail and on a page: once a week what came back and what to do now, and, when
// the MIS has fallen silent, that nothing is heard of it any more.
//
// Tick finds the clinics that are to be told something and puts one message for
// each into a queue; Handle takes such a message, makes the notice, keeps it, and
// sends the letters. A letter is claimed in a write before the provider is
// called, as a touch is, so that nobody gets it twice; a lost answer is unknown
// and not tried again.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Reporter tells the clinics' people.
type Reporter struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Figures   Figures
	Queue     Queue
	Mail      Mail
	// Base is the URL under which the desk stands, as "https://rp.example".
	Base string
	// Clock tells the time, and NewID a fresh random attempt id.
	Clock func() time.Time
	NewID func() string
	Log   *slog.Logger
}

// Queue carries what is to be told from Tick to Handle, at least once and in any order.
type Queue interface {
	Enqueue(ctx context.Context, bodies ...string) error
}

// Mail hands a letter to one address, once, and never repeats a call by itself.
// It returns a *Refusal when it is proven that the letter did not leave; after
// any other error nobody knows.
type Mail func(ctx context.Context, l Letter) error

// Refusal is proof that a letter did not leave.
type Refusal struct {
	Code string
	// Later: it would be taken later.
	Later bool
	Err   error
}

func (r *Refusal) Error() string { return "report: the letter was refused (" + r.Code + ")" }

func (r *Refusal) Unwrap() error { return r.Err }

// Letter is one letter on its way to one person.
type Letter struct {
	Clinic, Kind, Anchor string // of the notice
	Person               string // the Staff.Key
	Attempt              string
	To                   string
	Locale               string
	Sender               string // the clinic's name
	Subject, Text, HTML  string
	Chart                []byte // PNG, which HTML names as cid:chart; nil without one
	Links                []string
}

// Format keeps the address and the figures out of every verb.
func (l Letter) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "letter of %s/%s/%s", l.Clinic, l.Kind, l.Anchor)
}

// LogValue keeps the address and the figures out of logs.
func (l Letter) LogValue() slog.Value {
	return slog.StringValue("letter of " + l.Clinic + "/" + l.Kind + "/" + l.Anchor)
}

// Item is the body of a message: something to be told.
type Item struct{ Notice *Order }

// Order names a notice.
type Order struct{ Clinic, Kind, Anchor string }

// nine is when the week's report leaves at the earliest.
const nine dental.TimeOfDay = 9 * 60

// Monday is the first day of a date's week.
func Monday(d dental.Date) dental.Date { return d.AddDays(-(int(d.Weekday()) + 6) % 7) }

// Morning is when a clinic is told of the week before the one that begins on the
// Monday: nine o'clock of its first open day, or when it opens if that is later;
// any is false when it is closed all week. A clinic without opening hours works always.
func Morning(cl *dental.Clinic, monday dental.Date) (at time.Time, any bool) {
	for i := range 7 {
		day := monday.AddDays(i)
		span, open := cl.OpenOn(day)
		if len(cl.Opening) == 0 {
			span, open = dental.Span{}, true
		}
		if open {
			return day.At(max(nine, span.From), cl.Location()), true
		}
	}
	return time.Time{}, false
}

// due is what a clinic is to be told next, and when; it may have been long ago.
type due struct {
	Order
	at time.Time
}

// week is the report that is due, or will be first. A week that has passed
// without anybody being told is not told of later: the next one's report
// compares itself with it.
func week(cl *dental.Clinic, now time.Time) []due {
	var out []due
	for i := range 3 {
		monday := Monday(cl.Today(now)).AddDays(7 * i)
		if at, any := Morning(cl, monday); any {
			out = append(out, due{Order{cl.ID, store.WeekNotice, monday.AddDays(-7).String()}, at})
		}
	}
	return out
}

// silence is the notice of an MIS that has fallen silent, or will have.
func silence(cl *dental.Clinic) due {
	return due{Order{cl.ID, store.SilenceNotice, cl.HeardAt.UTC().Format(time.RFC3339)}, cl.SilentAt()}
}

// pageOfClinics is how many clinics are looked at, and queued, at a time.
const pageOfClinics = 200

// Tick queues what every clinic is to be told by the scheduled time and has not
// been. What a message could not get done is queued again by the next tick. One
// clinic's failure stops no other; the errors come back joined.
func (r *Reporter) Tick(ctx context.Context, scheduled time.Time) error {
	queued := 0
	err := r.each(ctx, scheduled, func(all []due) error {
		var bodies []string
		var failed error
		for _, d := range all {
			if d.at.After(scheduled) {
				continue
			}
			body, err := json.Marshal(Item{&d.Order})
			failed = errors.Join(failed, err)
			bodies = append(bodies, string(body))
		}
		if len(bodies) == 0 {
			return failed
		}
		if err := r.Queue.Enqueue(ctx, bodies...); err != nil {
			return errors.Join(failed, fmt.Errorf("report: queue %d notices; the next tick queues what is missing: %w", len(bodies), err))
		}
		queued += len(bodies)
		return failed
	})
	if queued > 0 || err != nil {
		r.Log.InfoContext(ctx, "notices queued", "scheduled", scheduled, "notices", queued)
	}
	return err
}

// Next is the earliest time at which Tick would find something, and whether there is any.
func (r *Reporter) Next(ctx context.Context, now time.Time) (at time.Time, any bool, err error) {
	err = r.each(ctx, now, func(all []due) error {
		for _, d := range all {
			if !any || d.at.Before(at) {
				at, any = d.at, true
			}
		}
		return nil
	})
	return at, any, err
}

// each hands on, page of clinics by page, what is still to be told.
func (r *Reporter) each(ctx context.Context, now time.Time, fn func([]due) error) error {
	var failed []error
	for cursor := ""; ; {
		page, next, err := r.Store.Clinics(ctx, pageOfClinics, cursor)
		if err != nil {
			failed = append(failed, fmt.Errorf("report: list the clinics: %w", err))
		}
		open, err := r.untold(ctx, page, now)
		if err != nil {
			failed = append(failed, fmt.Errorf("report: read what the clinics were told: %w", err))
		}
		if err := fn(open); err != nil {
			failed = append(failed, err)
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return errors.Join(failed...)
		}
	}
}

// untold is what the clinics of a page are still to be told: of each the first
// report that is not done, and its silence. A clinic whose MIS has never told
// anything has nothing to report.
func (r *Reporter) untold(ctx context.Context, page []dental.Clinic, now time.Time) ([]due, error) {
	var all []due
	var asked []store.Notice
	for i := range page {
		cl := &page[i]
		if cl.HeardAt.IsZero() {
			continue
		}
		for _, d := range append(week(cl, now), silence(cl)) {
			all, asked = append(all, d), append(asked, store.Notice{Clinic: d.Clinic, Kind: d.Kind, Anchor: d.Anchor})
		}
	}
	told, err := r.Store.Begin().Notices(ctx, asked...)
	if err != nil {
		return nil, err
	}
	var out []due
	first := map[Order]bool{} // of a clinic's reports
	for i, n := range told {
		d := all[i]
		if !n.Done.IsZero() || first[Order{Clinic: d.Clinic, Kind: d.Kind}] {
			continue
		}
		if !n.At.IsZero() {
			d.at = waits(n, d.at)
		}
		first[Order{Clinic: d.Clinic, Kind: d.Kind}] = true
		out = append(out, d)
	}
	return out, nil
}

// waits is when there is something more to do for a notice that was made.
func waits(n store.Notice, at time.Time) time.Time {
	var first time.Time
	for _, l := range n.Letters {
		if l.Open() && (first.IsZero() || l.Until.Before(first)) {
			first = l.Until
		}
	}
	if first.After(at) {
		return first
	}
	return at
}

// Handle makes and sends the notice that a queue's message names. An error asks for it again.
func (r *Reporter) Handle(ctx context.Context, body string) error {
	var it Item
	if err := json.Unmarshal([]byte(body), &it); err != nil || it.Notice == nil {
		return dental.Errorf(dental.Invalid, "", "report: %.80q names no notice", body)
	}
	o := *it.Notice
	cl, err := r.Store.Begin().Clinic(ctx, o.Clinic)
	if err != nil {
		return fmt.Errorf("report: read the clinic of a notice: %w", err)
	}
	t, err := r.topic(ctx, cl, o)
	if err == nil && t != nil {
		err = r.tell(ctx, cl, o, *t)
	}
	if err != nil {
		return fmt.Errorf("report: %s %s of %s: %w", o.Kind, o.Anchor, o.Clinic, err)
	}
	return nil
}

// topic is what a notice of some kind says, and to whom.
type topic struct {
	// make works out what is told; it is kept.
	make func(ctx context.Context) (body []byte, err error)
	// to reports whether a member of staff is told.
	to func(dental.Staff) bool
	// write writes what was made down as a letter, but for whom it is for.
	write func(body []byte) (Letter, error)
}

// topic finds out what an order is about; nil is nothing any more.
func (r *Reporter) topic(ctx context.Context, cl *dental.Clinic, o Order) (*topic, error) {
	switch o.Kind {
	case store.WeekNotice:
		monday, err := dental.ParseDate(o.Anchor)
		if err != nil || monday != Monday(monday) {
			return nil, dental.Errorf(dental.Invalid, "", "%q is no Monday", o.Anchor)
		}
		return &topic{
			make: func(ctx context.Context) ([]byte, error) {
				w, err := r.Week(ctx, cl, monday)
				if err != nil {
					return nil, err
				}
				return json.Marshal(w)
			},
			to: func(s dental.Staff) bool { return s.Report },
			write: func(body []byte) (Letter, error) {
				var w Week
				if err := json.Unmarshal(body, &w); err != nil {
					return Letter{}, fmt.Errorf("read the report that was kept: %w", err)
				}
				return w.letter(cl, r.Base)
			},
		}, nil
	case store.SilenceNotice:
		if cl.HeardAt.UTC().Format(time.RFC3339) != o.Anchor || cl.SilentSince(r.Clock()).IsZero() {
			return nil, nil // it has told something since
		}
		return &topic{
			make: func(context.Context) ([]byte, error) {
				// The metric filter of the template looks for this line.
				r.Log.WarnContext(ctx, "the MIS is silent", "clinic", cl.ID, "since", cl.HeardAt)
				return []byte("{}"), nil
			},
			to:    func(s dental.Staff) bool { return s.Role == dental.Owner },
			write: func([]byte) (Letter, error) { return silenceLetter(cl, r.Base) },
		}, nil
	}
	return nil, dental.Errorf(dental.Invalid, "", "there is no notice of the kind %q", o.Kind)
}
