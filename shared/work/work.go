// Package work does the jobs that outlive a request: every kind of store.Job but
// imports, which package load does, fetches and answers, which pull does, and
// trials, which outreach does. A job has a due key, so it comes back until it is
// done, and each run may be the second one.
package work

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Worker does jobs.
type Worker struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Photos    Photos
	// Portray makes a portrait, a small JPEG, of a photo. Its error says what is wrong with the photo.
	Portray func(photo []byte) (jpeg []byte, err error)
	CRM     CRM // nil: no clinic has one
	// Settler takes what staff have heard of a message whose fate nobody knew.
	Settler Settler
	// Foresee is what rehearsals ask.
	Foresee Foresee
	Clock   func() time.Time
	Log     *slog.Logger
}

// steps bounds the writes of one run; what is left comes back with the due key.
const steps = 200

// settleLimit is how many touches and tasks one step of a settle job writes.
const settleLimit = 20

// Handle does the job that a queue's message names. An error asks for it again.
func (w *Worker) Handle(ctx context.Context, body string) error {
	var it struct{ Job *struct{ Clinic, ID string } }
	if err := json.Unmarshal([]byte(body), &it); err != nil || it.Job == nil {
		return dental.Errorf(dental.Invalid, "", "work: %.80q names no job", body)
	}
	for range steps {
		done := false
		err := store.Retry(ctx, func(ctx context.Context) (err error) {
			done, err = w.step(ctx, it.Job.Clinic, it.Job.ID)
			return err
		})
		if err != nil {
			return fmt.Errorf("work: job %s of %s: %w", it.Job.ID, it.Job.Clinic, err)
		}
		if done || ctx.Err() != nil {
			break
		}
	}
	return nil
}

// step does one write of a job and reports whether the job is done.
func (w *Worker) step(ctx context.Context, clinic, id string) (done bool, err error) {
	tx := w.Store.Begin()
	job, err := tx.Job(ctx, clinic, id)
	if err != nil || job.ID == "" || !job.Done.IsZero() {
		return true, err
	}
	switch job.Kind {
	case store.EraseJob:
		return w.ofPatient(ctx, tx, job, w.erase)
	case store.SettleJob:
		return w.ofPatient(ctx, tx, job, w.settleCard)
	case store.ReviveJob:
		return w.ofPatient(ctx, tx, job, w.revive)
	case store.HoldJob:
		return w.ofClinic(ctx, tx, job, w.hold)
	case store.ReleaseJob:
		return w.ofClinic(ctx, tx, job, w.release)
	case store.BacklogJob:
		return w.ofClinic(ctx, tx, job, w.backlog)
	case store.PortraitJob:
		return w.portrait(ctx, tx, job)
	case store.CRMJob:
		return w.crm(ctx, tx, job)
	case store.RewardJob:
		return w.reward(ctx, tx, job)
	case store.LeadJob:
		return w.lead(ctx, tx, job)
	case store.PressJob:
		return w.press(ctx, job)
	case store.TallyJob:
		return w.tally(ctx, tx, job)
	case store.FiguresJob:
		return w.figures(ctx, tx, job)
	case store.TotalJob:
		return w.total(ctx, tx, job)
	case store.BaselineJob:
		return w.baseline(ctx, tx, job)
	case store.RehearseJob:
		return w.rehearse(ctx, tx, job)
	case store.AuditJob:
		return w.audit(ctx, tx, job)
	case store.SortJob:
		return w.sort(ctx, tx, job)
	}
	return false, dental.Errorf(dental.Invalid, "", "there is no job of kind %q", job.Kind)
}

// ofPatient does one step of a job on a patient's card. Such a job stays as it
// is while anything is left: what is stored says how far it has come.
func (w *Worker) ofPatient(ctx context.Context, tx *store.Tx, job store.Job,
	do func(context.Context, *store.Tx, *dental.Card, store.Job) (left bool, err error)) (done bool, err error) {
	card, err := tx.Card(ctx, job.Clinic, job.Patient)
	if err != nil {
		return false, err
	}
	left, err := do(ctx, tx, card, job)
	if err != nil {
		return false, err
	}
	if !left {
		job.Done = w.Clock()
		tx.Put(job)
	}
	return !left, tx.Commit(ctx)
}

// ofClinic does one step of a job that needs the clinic alone. The step finds the
// job marked as done, and unmarks it where it is to come back later.
func (w *Worker) ofClinic(ctx context.Context, tx *store.Tx, job store.Job,
	do func(context.Context, *store.Tx, *dental.Clinic, *store.Job) (left bool, err error)) (done bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	job.Done = w.Clock()
	left, err := do(ctx, tx, cl, &job)
	if err != nil {
		return false, err
	}
	if left {
		job.Done, job.Wake = time.Time{}, w.Clock() // a run that ends before the job comes back at once
	}
	tx.Put(job)
	return !left, tx.Commit(ctx)
}

// settleCard brings a patient's touches and tasks in line with the facts.
func (w *Worker) settleCard(ctx context.Context, tx *store.Tx, card *dental.Card, job store.Job) (left bool, err error) {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return false, err
	}
	now := w.Clock()
	course := journey.Course{Tx: tx, Catalogue: w.Catalogue, Clinic: cl, Card: card, Now: now, Quiet: job.Step == journey.Quiet}
	return course.Settle(journey.Options{Subjects: scenario.Recent(cl, card, now), First: job.Day, Limit: settleLimit, Awaken: true}), nil
}

// revive plans a touch again that was left to another, which failed.
func (w *Worker) revive(_ context.Context, tx *store.Tx, card *dental.Card, job store.Job) (left bool, err error) {
	if t := card.Touch(job.Scenario, job.Step, job.Anchor); t != nil && t.Reason == dental.Combined && t.To(dental.Planned, "") == nil {
		t.Wake, t.EndedAt, t.EndedOn = w.Clock(), time.Time{}, dental.Date{}
		tx.Put(*t)
	}
	return false, nil
}

// erase takes an erased patient out of what others know, one thing after another
// and some of it a step, and then deletes the card, by which the rest was found.
func (w *Worker) erase(ctx context.Context, tx *store.Tx, card *dental.Card, _ store.Job) (left bool, err error) {
	for _, from := range []func(context.Context, *store.Tx, *dental.Card) (put bool, err error){
		w.unlink, unlinkFriend, w.unlog, w.unrehearse, w.untwin,
	} {
		if put, err := from(ctx, tx, card); put || err != nil {
			return put, err
		}
	}
	return tx.Erase(card), nil
}

// unlinkPages takes an erased patient's appointments off the pages that a
// relative's reminder leads to.
func unlinkPages(ctx context.Context, tx *store.Tx, hashes []string, about func(string) bool) error {
	for _, hash := range hashes {
		l, err := tx.LinkByHash(ctx, hash)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(l.Also, about) {
			l.Also = slices.DeleteFunc(l.Also, about)
			tx.Put(l)
		}
	}
	return nil
}

// actsAStep bounds what one step of an erasure takes out of the audit log.
const actsAStep = 20

// unlog leaves of what staff have done about an erased patient who did what and
// when, and the id: nothing of what it was about. It puts a few at a time and
// reports whether it put any.
func (w *Worker) unlog(ctx context.Context, tx *store.Tx, card *dental.Card) (put bool, err error) {
	for cursor := ""; ; {
		acts, next, err := w.Store.Acts(ctx, card.Patient.Clinic, card.Patient.ID, table.MaxLimit, cursor)
		if err != nil {
			return false, err
		}
		steps := 0
		for _, e := range acts {
			if (e.Detail != "" || e.Subject != "") && steps < actsAStep {
				e.Detail, e.Subject = "", ""
				tx.Put(e)
				steps++
			}
		}
		if cursor = next; steps > 0 || next == "" {
			return steps > 0, nil
		}
	}
}

// contactsAStep bounds what one step of an erasure takes off others' items.
const contactsAStep = 4

// unlink takes an erased patient out of what others know: the contacts that
// its messages went to, and the reminders of relatives that spoke of it. It
// puts a few at a time and reports whether it put any.
func (w *Worker) unlink(ctx context.Context, tx *store.Tx, card *dental.Card) (put bool, err error) {
	me := dental.Member{Clinic: card.Patient.Clinic, Patient: card.Patient.ID}
	var keys []string
	for _, t := range card.Touches {
		for _, a := range t.Attempts {
			for _, key := range []string{a.Address, a.Household} {
				if key != "" && !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
		}
	}
	steps := 0
	for _, key := range keys {
		contact, err := tx.ContactByKey(ctx, key)
		if err != nil {
			return false, err
		}
		for _, m := range contact.Members {
			if m == me || m.Clinic != me.Clinic {
				continue
			}
			relative, err := tx.Card(ctx, m.Clinic, m.Patient)
			if err != nil {
				return false, err
			}
			for _, t := range relative.Touches {
				about := func(s string) bool { return strings.HasPrefix(s, dental.About(me.Patient, "")) }
				if slices.ContainsFunc(t.Together, about) && steps < contactsAStep {
					t.Together = slices.DeleteFunc(slices.Clone(t.Together), about)
					tx.Put(t)
					if err := unlinkPages(ctx, tx, t.Links, about); err != nil {
						return false, err
					}
					steps++
				}
			}
		}
		known := contact.Forgotten(me)
		if known && steps < contactsAStep {
			tx.Put(*contact)
			steps++
		}
	}
	return steps > 0, nil
}
