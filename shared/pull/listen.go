package pull

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Listener takes what systems of record tell by themselves.
type Listener struct {
	Store *store.Store
	// Learn takes objects in: intake.Intake.Learn.
	Learn Learn
}

// Learn takes objects in, in their order, and says what became of each.
type Learn func(ctx context.Context, cl *dental.Clinic, how intake.How, now time.Time, objects ...intake.Object) ([]intake.Outcome, error)

// settle is how long what was named waits before it is read: a change of one
// thing is told several times over within seconds, and read once.
const settle = 5 * time.Second

// faint is how long after a delivery the connection is not noted to have been
// heard again: its item is not written with each one.
const faint = 10 * time.Minute

// Take takes in what a delivery says, and leaves to jobs what it only names.
// The outcomes are those of its objects. The error is that not all of it could
// be done just now; all of it may be said again.
func (l *Listener) Take(ctx context.Context, cl *dental.Clinic, system string, heard intake.Heard, now time.Time) ([]intake.Outcome, error) {
	out, failed := l.Learn(ctx, cl, intake.How{}, now, heard.Objects...)
	// What is named is left even when the rest failed: most vendors say it once.
	asked := heard.Fetch
	if heard.Gap {
		asked = append([]intake.Ref{{}}, asked...)
	}
	for _, ref := range asked {
		failed = errors.Join(failed, leave(ctx, l.Store, cl.ID, system, ref, "", now, now.Add(settle)))
	}
	failed = errors.Join(failed, later(ctx, l.Store, cl.ID, heard.Objects))
	err := l.note(ctx, cl.ID, system, func(p *dental.Pulled) bool {
		if now.Sub(p.Heard) < faint {
			return false
		}
		p.Heard = now
		return true
	})
	return out, errors.Join(failed, err)
}

// Unread notes for staff that a delivery could not be read, with what was wrong
// with it: most vendors do not send it again.
func (l *Listener) Unread(ctx context.Context, cl *dental.Clinic, system, why string, now time.Time) error {
	return l.note(ctx, cl.ID, system, func(p *dental.Pulled) bool {
		if p.Unread == why && now.Sub(p.UnreadAt) < faint {
			return false
		}
		p.Unread, p.UnreadAt = why, now
		return true
	})
}

// note changes what is known of a connection, where change says that it has.
func (l *Listener) note(ctx context.Context, clinic, system string, change func(*dental.Pulled) bool) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		known, err := tx.Pulled(ctx, dental.Pulled{Clinic: clinic, System: system})
		if err != nil || !change(&known[0]) {
			return err
		}
		tx.Put(known[0])
		return tx.Commit(ctx)
	})
}

// later leaves the reading again of those objects that ask for it.
func later(ctx context.Context, st *store.Store, clinic string, objects []intake.Object) (failed error) {
	for _, o := range objects {
		if !o.Again.IsZero() {
			failed = errors.Join(failed, leave(ctx, st, clinic, o.System, intake.Ref{Kind: o.Kind, ID: o.ID}, store.Held, o.Again, o.Again))
		}
	}
	return failed
}

// leave leaves the reading of an object to a job, that of all that has changed
// for a ref without a kind. One that is left already for no later, and not begun,
// is enough; one that may have begun is left anew, so that what it has read too
// early is read again. Nothing that is left for sooner waits any longer for it.
func leave(ctx context.Context, st *store.Store, clinic, system string, ref intake.Ref, step string, made, wake time.Time) error {
	err := store.Retry(ctx, func(ctx context.Context) error {
		tx := st.Begin()
		job, err := tx.Job(ctx, clinic, fetchID(system, ref))
		if err != nil {
			return err
		}
		next := store.Job{Clinic: clinic, ID: fetchID(system, ref), Kind: store.FetchJob, System: system, Object: ref.Kind, Subject: ref.ID,
			Step: step, Wake: wake, Made: made}
		if left := job.ID != "" && job.Done.IsZero(); left && !job.Wake.After(wake) {
			if job.Tries == 0 {
				return nil
			}
			next.Wake, next.Made = job.Wake, job.Made
		}
		tx.Put(next)
		return tx.Commit(ctx)
	})
	if err != nil {
		return fmt.Errorf("pull: leave the reading of %s to a job: %w", system, err)
	}
	return nil
}

// fetchID is the id of the job that reads an object.
func fetchID(system string, ref intake.Ref) string {
	sum := sha256.Sum256([]byte(ref.Kind + "\x00" + ref.ID))
	return "fetch." + system + "." + base64.RawURLEncoding.EncodeToString(sum[:15])
}
