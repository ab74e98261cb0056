package pull

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// job does a job of this package's kinds.
func (p *Puller) job(ctx context.Context, clinic, id string) error {
	tx := p.Store.Begin()
	job, err := tx.Job(ctx, clinic, id)
	if err != nil || job.ID == "" || !job.Done.IsZero() || job.Tries == 0 || job.Cursor == strconv.Itoa(job.Tries) {
		return err // it is done, or was put off since this message was queued
	}
	switch job.Kind {
	case store.FetchJob:
		return p.fetch(ctx, tx, job)
	case store.AnswerJob:
		return p.answer(ctx, tx, job)
	}
	return dental.Errorf(dental.Invalid, "", "there is no job of kind %q here", job.Kind)
}

// What a system that does not give an object is given: the pause before the
// next try, which doubles up to longest, and when nobody tries any more.
const (
	pause   = time.Minute
	givenUp = 3 * 24 * time.Hour
)

// fetch reads one object and takes it in, or asks for all that has changed where
// the job names none. The job is done unless it was left anew meanwhile, as the
// version that it is written under says: then what was read may be too old.
func (p *Puller) fetch(ctx context.Context, tx *store.Tx, job store.Job) error {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return err
	}
	now := p.Clock()
	job.Done = now
	switch account := cl.Accounts[job.System]; {
	case !p.reaches(job.System, account) && held(job, now):
		p.again(ctx, &job, errUnreached, now)
	case !p.reaches(job.System, account): // it can not be asked; what it tells is all there is
	case job.Object == "":
		when := soon
		if job.Step == store.Mended {
			when = anyway
		}
		if err := p.pull(ctx, job.Clinic, job.System, when); err != nil {
			return err
		}
	default:
		known, err := tx.Pulled(ctx, dental.Pulled{Clinic: job.Clinic, System: job.System})
		if err != nil {
			return err
		}
		if c := known[0]; c.Tries > 0 && c.Mend && c.Next.After(now) {
			putOff(&job, c.Next) // to ask is in vain until the account is mended
			break
		}
		objects, err := p.Systems[job.System].Fetch(ctx, cl, account, intake.Ref{Kind: job.Object, ID: job.Subject}, now)
		if ctx.Err() != nil {
			return ctx.Err() // our own time is over, which says nothing of the system
		}
		var outcomes []intake.Outcome
		switch mend := errors.Is(err, ErrAccount); {
		case err == nil:
			if outcomes, err = p.Learn(ctx, cl, intake.How{}, now, objects...); err != nil {
				return err
			}
			for _, o := range objects {
				if o.Again.After(now) {
					job.Made, job.Step = o.Again, store.Held
					putOff(&job, o.Again)
				}
			}
		case !mend && dental.KindOf(err) == dental.Invalid && !held(job, now): // the system does not show it
			objects, outcomes = []intake.Object{{Kind: job.Object, ID: job.Subject}}, []intake.Outcome{{Err: err}}
		default:
			p.again(ctx, &job, err, now)
			if mend {
				if err := p.fails(ctx, known[0], account, err, now); err != nil {
					return err
				}
			}
		}
		if refused := p.refused(ctx, job.Clinic, job.System, objects, outcomes); refused.n > 0 {
			if known[0].RefusedAt.Before(known[0].At) {
				known[0].Refused = 0 // those were of an earlier pull than the last
			}
			refused.onto(&known[0], now)
			tx.Put(known[0])
		}
	}
	tx.Put(job)
	if err := tx.Commit(ctx); err != nil && !errors.Is(err, table.ErrConflict) {
		return fmt.Errorf("end the job: %w", err)
	}
	return nil
}

// errUnreached is that of an account which lacks what its system is asked with.
var errUnreached = dental.Errorf(dental.Invalid, "", "the account cannot be asked")

// held reports whether a job is to read what was held back, for which nobody
// would ask again: no answer ends it before its time.
func held(job store.Job, now time.Time) bool {
	return job.Step == store.Held && now.Sub(job.Made) < givenUp
}

// putOff leaves a job for later. What its present dispatch has queued is done with.
func putOff(job *store.Job, to time.Time) {
	job.Done, job.Wake, job.Cursor = time.Time{}, to, strconv.Itoa(job.Tries)
}

// again puts the job off that a system did not answer, or gives it up.
func (p *Puller) again(ctx context.Context, job *store.Job, why error, now time.Time) {
	log := p.Log.With("clinic", job.Clinic, "system", job.System, "kind", job.Object, "id", job.Subject, "error", why)
	if now.Sub(job.Made) >= givenUp {
		log.ErrorContext(ctx, "an object was given up that its system never gave")
		return
	}
	log.WarnContext(ctx, "an object could not be read")
	wait := min(pause<<min(job.Tries, 12), longest)
	if dental.KindOf(why) == dental.Invalid {
		wait = longest
	}
	if told, is := errors.AsType[*Later](why); is {
		wait = min(max(wait, told.After), furthest)
	}
	putOff(job, now.Add(wait))
}

// until is how long after a claim nobody knows what became of the call, if its
// answer was not recorded: longer than the function runs.
const until = 10 * time.Minute

// mostTries is how often an answer is offered that the system provably did not take.
const mostTries = 6

// answer tells a system what a patient has said of an appointment, in one call
// at most: the claim is written before the call, and only the proof that the
// call changed nothing takes it back. A claim that is met again is left alone
// until its call can be over, and then staff are asked to look.
func (p *Puller) answer(ctx context.Context, tx *store.Tx, job store.Job) error {
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return err
	}
	now := p.Clock()
	if !job.Claimed.IsZero() && now.Before(job.Claimed.Add(until)) {
		return nil // the call is under way, or was a moment ago
	}
	card, err := tx.Card(ctx, job.Clinic, job.Patient)
	if err != nil {
		return err
	}
	if job.Subject == "" {
		all := answered(card, job)
		if len(all) != 1 {
			return p.each(ctx, tx, job, all, now)
		}
		job.Subject = all[0]
	}
	account := cl.Accounts[job.System]
	confirmer, can := p.Systems[job.System].(Confirmer)
	a := card.Appointment(job.Subject)
	switch {
	case !can || !p.reaches(job.System, account) || card.Patient.Erased || a == nil || !stands(*a, job, now):
		return p.end(ctx, tx, job, now) // there is nobody to tell, or nothing any more
	case !job.Claimed.IsZero():
		return p.unsure(ctx, tx, cl, card, *a, job, "unknown", now)
	}
	job.Claimed, job.Wake = now, now.Add(until)
	tx.Put(job)
	if err := tx.Commit(ctx); err != nil {
		if errors.Is(err, table.ErrConflict) {
			return nil // another delivery has claimed it
		}
		return fmt.Errorf("claim the answer: %w", err) // if it was written all the same, nobody calls
	}
	err = confirmer.Confirm(ctx, cl, account, *a, job.Step)
	// What became of the call is written even when the function's time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	return store.Retry(ctx, func(ctx context.Context) error { return p.record(ctx, job, err) })
}

// answered are the appointments of a system that a patient's press was about.
func answered(card *dental.Card, job store.Job) (ids []string) {
	for _, a := range card.Appointments {
		if a.System == job.System && a.Reply == job.Step && a.ReplyAt.Equal(job.Made) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// each leaves every one of several appointments to a job of its own, since one
// call is made for each: once, for the job that leaves them ends in the same write.
func (p *Puller) each(ctx context.Context, tx *store.Tx, job store.Job, appointments []string, now time.Time) error {
	for _, id := range appointments[:min(len(appointments), table.MaxWrite-1)] {
		own := job
		own.ID, own.Subject, own.Wake, own.Tries = job.ID+"."+id, id, now, 0
		tx.Put(own)
	}
	return p.end(ctx, tx, job, now)
}

// recordTime bounds the recording of a call's outcome.
const recordTime = 5 * time.Second

// record writes what became of the call of a claimed job.
func (p *Puller) record(ctx context.Context, claimed store.Job, said error) error {
	tx, now := p.Store.Begin(), p.Clock()
	job, err := tx.Job(ctx, claimed.Clinic, claimed.ID)
	if err != nil || !job.Done.IsZero() || !job.Claimed.Equal(claimed.Claimed) {
		return err // an earlier try of this very record was written after all
	}
	log := p.Log.With("clinic", job.Clinic, "system", job.System, "appointment", job.Subject, "action", job.Step)
	if said == nil {
		log.InfoContext(ctx, "an answer was written back")
		return p.end(ctx, tx, job, now)
	}
	log.WarnContext(ctx, "an answer was not written back, or nobody knows", "error", said)
	outcome := "unknown"
	if errors.Is(said, ErrNotWritten) {
		outcome = "refused"
		kind := dental.KindOf(said) // of these two a person has to see to
		if kind != dental.Invalid && kind != dental.Conflict && job.Tries < mostTries {
			job.Claimed = time.Time{}
			putOff(&job, now.Add(pause<<job.Tries))
			tx.Put(job)
			return tx.Commit(ctx)
		}
	}
	cl, err := tx.Clinic(ctx, job.Clinic)
	if err != nil {
		return err
	}
	card, err := tx.Card(ctx, job.Clinic, job.Patient)
	if err != nil {
		return err
	}
	if a := card.Appointment(job.Subject); a != nil && !card.Patient.Erased && stands(*a, job, now) {
		return p.unsure(ctx, tx, cl, card, *a, job, outcome, now)
	}
	return p.end(ctx, tx, job, now)
}

// stands reports whether what a job is to tell is still news: it is the
// patient's last word on the time as it stands, and the system has not said the
// same meanwhile.
func stands(a dental.Appointment, job store.Job, now time.Time) bool {
	last := a.Reply == job.Step && a.ReplyFor.Equal(a.Start) && a.ReplyAt.Equal(job.Made)
	known := job.Step == "confirm" && a.Status == dental.Confirmed
	return last && a.Standing() && !known && now.Before(a.Start)
}

func (p *Puller) end(ctx context.Context, tx *store.Tx, job store.Job, now time.Time) error {
	job.Done = now
	tx.Put(job)
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("end the job: %w", err)
	}
	return nil
}

// unsure ends a job whose answer the system may not know, and asks staff to see
// to it there: once, in the same write.
func (p *Puller) unsure(ctx context.Context, tx *store.Tx, cl *dental.Clinic, card *dental.Card, a dental.Appointment, job store.Job, outcome string, now time.Time) error {
	l, start := locale.For(cl.Language), a.Start.In(cl.Location())
	journey.Course{Tx: tx, Catalogue: p.Catalogue, Clinic: cl, Card: card, Now: now}.Open(dental.Task{Kind: dental.CallbackTask,
		// The anchor is not the appointment's own: a confirmed one settles that by itself.
		Anchor: "answer." + dental.AppointmentAnchor(a), Scenario: "appointment", Due: cl.AddWorking(now, time.Hour),
		Reason: l.Text("task.callback.answer."+job.Step+"."+outcome, map[string]string{"date": l.DayWeekday(dental.DateOf(start)), "time": l.Time(dental.TimeOfDayOf(start))})})
	return p.end(ctx, tx, job, now)
}
