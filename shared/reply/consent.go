package reply

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// consentLife is how long a link made at the reception opens: what is agreed to
// on its page can be taken back there.
const consentLife = 365 * 24 * time.Hour

// ConsentLink makes the link by which a patient at the reception, or a child's
// guardian, chooses what to receive on a phone of their own, and returns its
// path, "/u/…". It works for a patient without any address too. The same link is
// made each time, and nothing is written while it has half of its life left.
// note, if any, goes into the same write.
//
// An unknown or erased patient is NotFound, a child whose card names no adult a
// Conflict.
func (d *Desk) ConsentLink(ctx context.Context, clinic, patient string, now time.Time, note ...any) (path string, err error) {
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := d.Store.Begin()
		l, old, token, err := d.consentLink(ctx, tx, clinic, patient, now)
		path = "/" + string(l.Purpose) + "/" + token
		if err != nil || old.Expires.After(now.Add(consentLife/2)) {
			return err
		}
		l.Touch = old.Touch
		tx.Put(l)
		for _, n := range note {
			tx.Put(n)
		}
		return tx.Commit(ctx)
	})
	return path, err
}

// ConsentPath is the path of the link that ConsentLink has made, "" while there
// is none. It writes nothing; its errors are those of ConsentLink.
func (d *Desk) ConsentPath(ctx context.Context, clinic, patient string, now time.Time) (string, error) {
	l, old, token, err := d.consentLink(ctx, d.Store.Begin(), clinic, patient, now)
	if err != nil || !old.Expires.After(now) {
		return "", err
	}
	return "/" + string(l.Purpose) + "/" + token, nil
}

// consentLink is the link of the reception as it is to be, and as it is stored.
func (d *Desk) consentLink(ctx context.Context, tx *store.Tx, clinic, patient string, now time.Time) (l, old dental.Link, token string, err error) {
	cl, err := tx.Clinic(ctx, clinic)
	if err != nil {
		return l, old, "", err
	}
	p, err := chooser(ctx, tx, cl, patient, now)
	if err != nil {
		return l, old, "", err
	}
	// The same subject as a mailing's own link has: one page of one patient.
	l = dental.Link{Purpose: dental.PreferencesLink, Clinic: clinic, Patient: p.ID, Subject: string(dental.Advertising) + "/", Expires: now.Add(consentLife)}
	if address := p.Household(); address != "" {
		l.Subject += d.Store.ContactKey(cl, address)
	}
	token = d.Store.Token(l)
	l.Hash = store.TokenHash(token)
	old, err = tx.LinkByHash(ctx, l.Hash)
	return l, old, token, err
}

// chooser is whoever consents for a patient: the patient, or a child's guardian.
func chooser(ctx context.Context, tx *store.Tx, cl *dental.Clinic, patient string, now time.Time) (dental.Patient, error) {
	p, err := headOf(ctx, tx, cl, patient)
	if err != nil || !p.Minor(cl.Today(now)) {
		return p, err
	}
	if p.GuardianID == "" {
		return p, dental.Errorf(dental.Conflict, "patient", "is under 18, and the card names no adult to consent")
	}
	return headOf(ctx, tx, cl, p.GuardianID)
}

func headOf(ctx context.Context, tx *store.Tx, cl *dental.Clinic, patient string) (dental.Patient, error) {
	heads, err := tx.Heads(ctx, dental.Member{Clinic: cl.ID, Patient: patient})
	if err != nil {
		return dental.Patient{}, err
	}
	if heads[0].ID == "" || heads[0].Erased {
		return dental.Patient{}, dental.Errorf(dental.NotFound, "patient", "there is no such patient")
	}
	return heads[0], nil
}
