// Package team composes the functions that a clinic's people meet, the desk and
// the report, as app does the others. They stand apart because they alone need
// pages of staff, sign-in and charts: a function links what its composition's
// package imports, and those of the patients start without it.
package team

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/signin"
	"github.com/returnpoint/returnpoint/shared/web/staff"
)

// Front is how a clinic's staff come to the desk.
type Front struct {
	// Base is the URL under which the desk, the patients' pages and the webhooks stand.
	Base string
	// Issuer is the OpenID Connect issuer, ClientID and ClientSecret the desk's there,
	// and EndSession the URL that ends its session, "" for none (see signin.Options).
	Issuer, ClientID, ClientSecret, EndSession string
	// Keys encrypt the sessions' cookies; the first one encrypts.
	Keys [][]byte
	// Client calls the issuer.
	Client *http.Client
	// Operator is the address of who may make clinics, "" of nobody.
	Operator string
	// Invite makes the one-time link by which a person chooses a password, or another
	// one, the same link for the same press; "" for who needs none. nil where people
	// sign up with the issuer by themselves.
	Invite func(address, name, press string, again bool) (link string, err error)
	// Accounts judge the accounts that a clinic may have with providers, by their names.
	Accounts map[string]func(dental.Account) error
	// Files is where files are kept that bases are imported from, nil where there is
	// no such place; Formats reads them, by their media types, and Imports is the
	// queue of the function that takes them in. Uploads is the origin to which a
	// browser sends a large file, "" where it is Base's own.
	Files   load.Files
	Formats map[string]load.Format
	Imports load.Queue
	Uploads string
}

// Desk serves the staff's pages and their sign-in. Reads: posts, clinic, lists
// and calendars, cards, totals, jobs, imports, twins, files, log. Writes: whatever
// staff press, each with its line in the log.
func Desk(d app.Deps, f Front) (http.Handler, error) {
	door, err := signin.New(signin.Options{Base: f.Base, Issuer: f.Issuer, ClientID: f.ClientID, ClientSecret: f.ClientSecret, EndSession: f.EndSession,
		Keys: f.Keys, Client: f.Client, Key: d.Store.StaffKey, Clock: d.Clock, Rand: d.Rand, Log: d.Log})
	if err != nil {
		return nil, fmt.Errorf("team: compose the desk: %w", err)
	}
	pages := &staff.Pages{Store: d.Store, Catalogue: d.Catalogue, Clock: d.Clock, Rand: d.Rand, Log: d.Log,
		Settings: &settings.Keeper{Store: d.Store, Rand: d.Rand, Providers: f.Accounts}, Base: f.Base, Operator: dental.Email(f.Operator), Invite: f.Invite,
		Erase:  erase(d),
		Weeks:  weeks(d),
		SignIn: signin.In, SignOut: signin.Out,
		Who: func(r *http.Request) (staff.Person, bool) {
			p, ok := door.Who(r)
			return staff.Person(p), ok
		}}
	if f.Files != nil { // it begins imports and shows them; another function takes them in
		pages.Imports = &load.Loader{Store: d.Store, Files: f.Files, Formats: f.Formats, Queue: f.Imports, Clock: d.Clock, Log: d.Log}
		pages.Uploads = f.Uploads
	}
	mux := http.NewServeMux()
	door.Routes(mux)
	pages.Routes(mux)
	return mux, nil
}

// erase takes a patient out as a deletion of the MIS does: an event that staff
// have made, single by the id of their press.
func erase(d app.Deps) func(ctx context.Context, cl *dental.Clinic, patient string, entry dental.LogEntry, now time.Time) error {
	in := &intake.Intake{Store: d.Store, Catalogue: d.Catalogue, Log: d.Log}
	return func(ctx context.Context, cl *dental.Clinic, patient string, entry dental.LogEntry, now time.Time) error {
		_, err := in.Accept(ctx, cl, intake.Event{Clinic: cl.ID, ID: "desk." + entry.ID, Body: patient, Type: intake.PatientDeleted, At: now,
			Gone: &intake.Deletion{ID: patient, Log: entry}}, now)
		if err != nil {
			return fmt.Errorf("team: erase a patient: %w", err)
		}
		return nil
	}
}
