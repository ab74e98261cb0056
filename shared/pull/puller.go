package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Puller asks clinics' systems of record, by their accounts.
type Puller struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	// Systems are by the name of the account. One that is a Confirmer too is told
	// what patients answer.
	Systems map[string]System
	// Opens reports whether an account has what its system's API asks for. One that
	// has not is no fault: its webhooks are all that is heard of it.
	Opens func(system string, account dental.Account) bool
	Learn Learn
	Queue Queue
	Clock func() time.Time
	Log   *slog.Logger
}

// Queue carries what is to be pulled from Tick to Handle, at least once and in any order.
type Queue interface {
	Enqueue(ctx context.Context, bodies ...string) error
}

// Item is the body of a message: a clinic's system to be asked what has
// changed, or a job of this package's kinds.
type Item struct {
	Pull *Order  `json:",omitempty"`
	Job  *JobRef `json:",omitempty"`
}

// Order says which system of which clinic is to be asked.
type Order struct{ Clinic, System string }

// JobRef names a job.
type JobRef struct{ Clinic, ID string }

// Every is how long after it was asked a system is asked again, and the least
// that one that does not answer is left alone; each failure doubles that, up to
// longest. One whose account has to be mended first is asked as rarely at once;
// what mends it takes Next back. furthest bounds what a system itself may ask for.
const (
	Every    = 15 * time.Minute
	longest  = 6 * time.Hour
	furthest = 24 * time.Hour
)

// pageOfClinics is how many clinics are looked at, and queued, at a time.
const pageOfClinics = 200

// Tick queues every system whose time to be asked has come. What could not be
// asked is queued again by a later tick. One clinic's failure stops no other;
// the errors come back joined.
func (p *Puller) Tick(ctx context.Context, scheduled time.Time) error {
	return p.connections(ctx, func(page []dental.Pulled) error {
		var bodies []string
		var failed []error
		for _, c := range page {
			if c.Next.After(scheduled) {
				continue
			}
			body, err := json.Marshal(Item{Pull: &Order{c.Clinic, c.System}})
			failed, bodies = append(failed, err), append(bodies, string(body))
		}
		if len(bodies) > 0 {
			if err := p.Queue.Enqueue(ctx, bodies...); err != nil {
				failed = append(failed, fmt.Errorf("pull: queue %d systems; the next tick queues what is missing: %w", len(bodies), err))
			}
			p.Log.InfoContext(ctx, "systems of record queued", "scheduled", scheduled, "systems", len(bodies))
		}
		return errors.Join(failed...)
	})
}

// Next is the earliest time from now on at which Tick would find a system, and
// whether there is one at all.
func (p *Puller) Next(ctx context.Context, now time.Time) (at time.Time, any bool, err error) {
	err = p.connections(ctx, func(page []dental.Pulled) error {
		for _, c := range page {
			next := c.Next
			if next.Before(now) {
				next = now
			}
			if !any || next.Before(at) {
				at, any = next, true
			}
		}
		return nil
	})
	return at, any, err
}

// connections hands fn, page by page, how every clinic stands with the systems
// that it has an account with and that can be asked.
func (p *Puller) connections(ctx context.Context, fn func([]dental.Pulled) error) error {
	if len(p.Systems) == 0 {
		return nil
	}
	var failed []error
	for cursor := ""; ; {
		clinics, next, err := p.Store.Clinics(ctx, pageOfClinics, cursor)
		if err != nil {
			failed = append(failed, fmt.Errorf("pull: list the clinics: %w", err))
		}
		var asked []dental.Pulled
		for _, cl := range clinics {
			for _, system := range slices.Sorted(maps.Keys(cl.Accounts)) {
				if p.reaches(system, cl.Accounts[system]) {
					asked = append(asked, dental.Pulled{Clinic: cl.ID, System: system})
				}
			}
		}
		for some := range slices.Chunk(asked, table.MaxGet) {
			known, err := p.Store.Begin().Pulled(ctx, some...)
			if err == nil {
				err = fn(known)
			}
			failed = append(failed, err)
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return errors.Join(failed...)
		}
	}
}

// reaches reports whether a clinic's system can be asked at all.
func (p *Puller) reaches(system string, account dental.Account) bool {
	_, known := p.Systems[system]
	return known && p.Opens(system, account)
}

// Handle does what a queue's message asks for. An error asks for it again.
func (p *Puller) Handle(ctx context.Context, body string) error {
	var it Item
	if err := json.Unmarshal([]byte(body), &it); err != nil || (it.Pull == nil) == (it.Job == nil) {
		return dental.Errorf(dental.Invalid, "", "pull: %.80q names nothing to pull", body)
	}
	if it.Pull != nil {
		if err := p.pull(ctx, it.Pull.Clinic, it.Pull.System, inTime); err != nil {
			return fmt.Errorf("pull: %s of %s: %w", it.Pull.System, it.Pull.Clinic, err)
		}
		return nil
	}
	if err := p.job(ctx, it.Job.Clinic, it.Job.ID); err != nil {
		return fmt.Errorf("pull: job %s of %s: %w", it.Job.ID, it.Job.Clinic, err)
	}
	return nil
}

// reserve is the time before the deadline in which no further page is begun, since
// the slowest system takes up to a minute for one: what is left is asked for by the
// next message.
const reserve = 65 * time.Second

// urgency says whether a system is asked before its time.
type urgency int

const (
	inTime urgency = iota // it is not: another message was first
	soon                  // it is, unless it is left alone because it failed
	anyway                // it is
)

// pull asks a system, page by page, what has changed since it was last asked.
// The cursor moves once a page has been taken in, so that a page whose run ends
// is asked for again. A first pull brings an existing base and is quiet, as an
// import is, until its last page.
func (p *Puller) pull(ctx context.Context, clinic, system string, when urgency) error {
	cl, err := p.Store.Begin().Clinic(ctx, clinic)
	if err != nil {
		return err
	}
	account := cl.Accounts[system]
	if !p.reaches(system, account) {
		return nil // closed since
	}
	for pages := 0; ; pages++ {
		at := p.Clock()
		read, err := p.Store.Begin().Pulled(ctx, dental.Pulled{Clinic: clinic, System: system})
		if err != nil {
			return err
		}
		c := read[0]
		if wait := pages == 0 && c.Next.After(at); wait && (when == inTime || when == soon && c.Tries > 0) {
			return nil
		}
		page, err := p.Systems[system].Changed(ctx, cl, account, c.Cursor, at)
		if ctx.Err() != nil {
			return ctx.Err() // our own time is over, which says nothing of the system
		}
		if err == nil && page.More && page.Cursor == c.Cursor {
			err = dental.Errorf(dental.Unavailable, "", "the system has more to tell and gives no way to it")
		}
		if err != nil {
			return p.fails(ctx, c, account, err, at)
		}
		quiet := c.At.IsZero()
		outcomes, err := p.Learn(ctx, cl, intake.How{Quiet: quiet}, at, page.Objects...)
		if err != nil {
			return err
		}
		if err := later(ctx, p.Store, clinic, page.Objects); err != nil {
			return err
		}
		if quiet && slices.ContainsFunc(outcomes, func(o intake.Outcome) bool { return o.News }) {
			if err := p.figures(ctx, clinic, at); err != nil {
				return err
			}
		}
		refused := p.refused(ctx, clinic, system, page.Objects, outcomes)
		so := c // how many this pull's pages before had
		if !c.RefusedAt.After(c.At) {
			so.Refused = 0
		}
		refused.onto(&so, at)
		ours, err := p.note(ctx, c, account, page.Cursor, func(c *dental.Pulled) {
			c.Cursor, c.Next, c.Tries = page.Cursor, at, 0
			if refused.n > 0 {
				c.Refused, c.RefusedKind, c.RefusedID, c.RefusedAt = so.Refused, so.RefusedKind, so.RefusedID, so.RefusedAt
			}
			c.Problem, c.Failing, c.Mend = "", time.Time{}, false
			if !page.More {
				c.At, c.Next = at, at.Add(Every)
			}
		})
		if err != nil {
			return err
		}
		p.Log.InfoContext(ctx, "pulled", "clinic", clinic, "system", system, "objects", len(page.Objects), "refused", refused.n, "more", page.More)
		if !page.More || !ours { // or another run is ahead of this one
			return nil
		}
		if deadline, has := ctx.Deadline(); has && deadline.Sub(p.Clock()) < reserve {
			if err := p.Queue.Enqueue(ctx, order(clinic, system)); err != nil {
				return fmt.Errorf("queue the rest: %w", err)
			}
			return nil
		}
	}
}

// figures leaves the job that brings the quiet first pages to the figures: while
// more of them come it waits.
func (p *Puller) figures(ctx context.Context, clinic string, at time.Time) error {
	tx := p.Store.Begin()
	tx.Put(store.Figures(clinic, at, Every))
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("leave the figures of a first pull: %w", err)
	}
	return nil
}

// note changes what is known of a connection that was read as c and asked from
// there, unless another run has moved its cursor meanwhile, elsewhere than to, or
// the account leads elsewhere by now than the one that it was asked with.
func (p *Puller) note(ctx context.Context, c dental.Pulled, asked dental.Account, to string, change func(*dental.Pulled)) (ours bool, err error) {
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := p.Store.Begin()
		known, err := tx.Pulled(ctx, dental.Pulled{Clinic: c.Clinic, System: c.System})
		if err != nil {
			return err
		}
		// After what is known, which is written together with an account that leads elsewhere.
		cl, err := tx.Clinic(ctx, c.Clinic)
		if err != nil {
			return err
		}
		ours = (known[0].Cursor == c.Cursor || known[0].Cursor == to) && dental.SameBase(c.System, asked, cl.Accounts[c.System])
		if !ours {
			return nil
		}
		change(&known[0])
		tx.Put(known[0])
		return tx.Commit(ctx)
	})
	if err != nil {
		return false, fmt.Errorf("note how far it was asked: %w", err)
	}
	return ours, nil
}

func order(clinic, system string) string {
	body, err := json.Marshal(Item{Pull: &Order{clinic, system}})
	if err != nil {
		panic("pull: two strings without a JSON form: " + err.Error())
	}
	return string(body)
}

// refusals are objects that could not be taken in: how many, and the first one's names.
type refusals struct {
	n        int
	kind, id string
}

// onto adds them to what is known of a connection.
func (r refusals) onto(c *dental.Pulled, at time.Time) {
	if r.n == 0 {
		return
	}
	if c.Refused == 0 {
		c.RefusedKind, c.RefusedID = r.kind, r.id
	}
	c.Refused, c.RefusedAt = c.Refused+r.n, at
}

// refused logs which of the objects could not be taken in, by their names alone.
func (p *Puller) refused(ctx context.Context, clinic, system string, objects []intake.Object, outcomes []intake.Outcome) (r refusals) {
	for i, o := range outcomes {
		if o.Err == nil {
			continue
		}
		if r.n++; r.n == 1 {
			r.kind, r.id = objects[i].Kind, objects[i].ID
		}
		p.Log.WarnContext(ctx, "an object was refused", "clinic", clinic, "system", system, "kind", objects[i].Kind, "id", objects[i].ID, "error", o.Err)
	}
	return r
}

// fails notes that a system could not be asked, for staff to see, and when it
// is asked again. It is no error of ours: a later tick asks.
func (p *Puller) fails(ctx context.Context, c dental.Pulled, asked dental.Account, why error, at time.Time) error {
	_, err := p.note(ctx, c, asked, c.Cursor, func(c *dental.Pulled) {
		c.Problem, c.Mend = dental.MessageOf(why), dental.KindOf(why) == dental.Invalid
		if c.Problem == "" {
			c.Problem = "the system could not be asked"
		}
		if c.Failing.IsZero() {
			c.Failing = at
		}
		pause := min(Every<<min(c.Tries, 10), longest)
		if c.Mend {
			pause = longest
		}
		if told, is := errors.AsType[*Later](why); is {
			pause = min(max(pause, told.After), furthest)
		}
		c.Tries++
		c.Next = at.Add(pause)
	})
	p.Log.WarnContext(ctx, "a system of record could not be asked", "clinic", c.Clinic, "system", c.System, "error", why)
	return err
}
