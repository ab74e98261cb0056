package outreach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// What became of a trial, the Cursor of its job.
const (
	trialSent      = "sent"
	trialRefused   = "refused"
	trialLost      = "lost"
	trialNoChannel = "no-channel"
)

// trialPatient stands for the patient of a trial in what a provider is told.
const trialPatient = "trial"

// Try hands a message that staff send to themselves to its channel, once: its
// job is done before the call. That of a paused clinic waits.
func (s *Sender) Try(ctx context.Context, ref JobRef) error {
	var job store.Job
	var trial dental.Trial
	var cl *dental.Clinic
	claimed := false
	err := store.Retry(ctx, func(ctx context.Context) (err error) {
		tx := s.Store.Begin()
		if job, err = tx.Job(ctx, ref.Clinic, ref.ID); err != nil || job.ID == "" || job.Kind != store.TrialJob || !job.Done.IsZero() {
			return err
		}
		if cl, err = tx.Clinic(ctx, ref.Clinic); err != nil {
			return err
		}
		if cl.Paused {
			job.Wake = s.Clock().Add(patience)
			tx.Put(job)
			return tx.Commit(ctx)
		}
		page, err := tx.Result(ctx, ref.Clinic, ref.ID, 0)
		if err != nil {
			return err
		}
		if len(page.Body) > 0 {
			if err := json.Unmarshal(page.Body, &trial); err != nil {
				return fmt.Errorf("outreach: read a trial: %w", err)
			}
		}
		// An answer that was lost makes this a claim that nobody holds: then it does not leave.
		job.Done, job.Cursor = s.Clock(), trialLost
		tx.Put(job)
		err = tx.Commit(ctx)
		claimed = err == nil && trial.To != ""
		return err
	})
	if err != nil || !claimed {
		return err
	}
	return s.noteTrial(ctx, ref, s.try(ctx, cl, job, trial))
}

// try calls the channel and says what came of it.
func (s *Sender) try(ctx context.Context, cl *dental.Clinic, job store.Job, t dental.Trial) string {
	channel, ok := s.channel(cl, t.Channel)
	if !ok {
		return trialNoChannel
	}
	calling, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	_, err := channel.Send(calling, Message{
		Touch: TouchRef{job.Clinic, trialPatient, job.Scenario, job.Step, job.ID}, Attempt: s.NewID(), Channel: t.Channel, To: t.To, Class: t.Class,
		Locale: t.Locale, Subject: t.Subject, Text: t.Text, HTML: t.HTML, Sender: cl.Name, Parts: t.Parts, Account: cl.Accounts[account(t.Channel)],
		Unsubscribe: "",
	})
	var refusal *Refusal
	switch {
	case err == nil:
		return trialSent
	case errors.As(err, &refusal):
		s.Log.WarnContext(ctx, "the provider refused a trial", "clinic", job.Clinic, "channel", t.Channel, "error", err)
		return trialRefused
	}
	s.Log.WarnContext(ctx, "the provider's answer to a trial is lost", "clinic", job.Clinic, "channel", t.Channel, "error", err)
	return trialLost
}

// noteTrial keeps what became of a trial for whoever waits for it.
func (s *Sender) noteTrial(ctx context.Context, ref JobRef, outcome string) error {
	if outcome == trialLost {
		return nil
	}
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		job, err := tx.Job(ctx, ref.Clinic, ref.ID)
		if err != nil || job.ID == "" || job.Cursor == outcome {
			return err
		}
		job.Cursor = outcome
		tx.Put(job)
		return tx.Commit(ctx)
	})
}
