package settings

import (
	"context"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Found makes a clinic of settings laid over New, with its first owner and the
// line of the log in the same write, and returns the secret that its MIS signs
// with. An id that a clinic has is a Conflict, and nothing is changed; Errors of
// the patch are those of Apply.
func (s *Keeper) Found(ctx context.Context, patch []byte, owner dental.Staff, entry dental.LogEntry) (*dental.Clinic, dental.Secret, error) {
	if !dental.ValidID(owner.Clinic) {
		return nil, "", dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	secret, err := s.draw()
	if err != nil {
		return nil, "", err
	}
	cl, err := Apply(New(owner.Clinic), patch)
	if err == nil {
		err = s.accounts(cl)
	}
	if err != nil {
		return nil, "", err
	}
	cl.Secrets = []dental.WebhookSecret{{Secret: secret}}
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		stored, err := tx.Clinic(ctx, cl.ID)
		switch {
		case err == nil && signsWith(stored, secret):
			return nil // an earlier try whose answer was lost
		case err == nil:
			return dental.Errorf(dental.Conflict, "id", "there is a clinic %q already", cl.ID)
		case dental.KindOf(err) != dental.NotFound:
			return err
		}
		if _, err := tx.Staff(ctx, cl.ID, owner.Key); err != nil {
			return err
		}
		tx.Put(cl)
		tx.Put(owner)
		tx.Put(entry)
		return tx.Commit(ctx)
	})
	if err != nil {
		return nil, "", err
	}
	return &cl, secret, nil
}
