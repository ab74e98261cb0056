// Package pull asks systems of record what has changed, where they do not say
// it all by themselves or say it only once; reads again the objects that they
// have only named; and writes a patient's answer about an appointment back.
package pull

import (
	"context"
	"errors"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// System is the API of a system of record. Errors are dental.Unavailable when
// later is better. dental.Invalid of Changed, and ErrAccount of both, are of an
// account that has to be mended.
type System interface {
	// Changed brings one page of what has changed since the cursor, "" the first
	// time. A page may bring again what was brought before.
	Changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (Page, error)
	// Fetch reads one object. One that is no more there comes back as Gone, one
	// that is there and cannot be read as Unreadable. An error dental.Invalid
	// without ErrAccount is of this object alone: the system does not show it.
	Fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error)
}

// Page is some of what has changed.
type Page struct {
	Objects []intake.Object
	// Cursor is where the next question begins; More: it is worth asking at once.
	Cursor string
	More   bool
}

// Confirmer writes what a patient has said of an appointment, "confirm" or
// "cancel", back to the system of record. An error that is ErrNotWritten proves
// that nothing was changed there; after any other nobody knows, and it is not
// tried again.
type Confirmer interface {
	Confirm(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) error
}

// ErrAccount is in the error of a system that has proof that the account has to be
// mended before anything can be asked with it.
var ErrAccount = errors.New("the account has to be mended")

// ErrNotWritten is in the error of a Confirmer that has proof of having changed nothing.
var ErrNotWritten = errors.New("nothing was written")

// Later is in the error of a system that says itself for how long it wants to
// be left alone.
type Later struct {
	After time.Duration
	Err   error // why
}

func (l *Later) Error() string { return "left alone for " + l.After.String() + ": " + l.Err.Error() }

func (l *Later) Unwrap() error { return l.Err }
