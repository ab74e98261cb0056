package desk

import (
	"context"
	"errors"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Batches shows what waits for a person, and lets go single messages of it. A whole
// batch is let go by a press on the task about it (Presses).
type Batches struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
}

// Held names one message of a batch.
type Held struct {
	Patient  string
	Scenario string
	Step     string
	Anchor   string
}

// One lets one message of a batch go by itself, or takes it out: then it is
// skipped "withheld". A message that waits no longer is a Conflict.
func (b *Batches) One(ctx context.Context, me dental.Staff, h Held, id string, out bool, now time.Time) error {
	if !dental.ValidID(id) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	lost := false
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := b.Store.Begin()
		cl, err := tx.Clinic(ctx, me.Clinic)
		if err != nil {
			return err
		}
		card, err := tx.Card(ctx, me.Clinic, h.Patient)
		if err != nil {
			return err
		}
		stored := card.Touch(h.Scenario, h.Step, h.Anchor)
		if stored == nil || card.Patient.Erased {
			return refuse(dental.NotFound, "message", "desk.wrong.missing", nil)
		}
		t, action := *stored, "release-one"
		if t.State != dental.Held || t.Backlog {
			if lost {
				return nil // an earlier try has done it
			}
			return refuse(dental.Conflict, "message", "desk.wrong.not-held", nil)
		}
		if out {
			action = "withhold"
			if err := t.To(dental.Skipped, "withheld"); err != nil {
				return err
			}
			t = scenario.End(cl, t, dental.Skipped, "withheld", now)
		} else {
			if err := t.To(dental.Planned, ""); err != nil {
				return err
			}
			t.Wake = now // the sender knows the hours
		}
		tx.Put(t)
		journey.Course{Tx: tx, Catalogue: b.Catalogue, Clinic: cl, Card: card, Now: now}.Hold(*stored) // the batch is counted anew
		tx.Put(dental.LogEntry{Clinic: cl.ID, ID: id, At: now, By: me.Name, Key: me.Key, Role: me.Role, Action: action, Patient: h.Patient, Subject: t.ID(), Detail: h.Scenario})
		err = tx.Commit(ctx)
		lost = lost || errors.Is(err, table.ErrAmbiguous)
		return err
	})
}
