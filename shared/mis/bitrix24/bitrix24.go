// Package bitrix24 hears of the contacts and deals of a clinic's Bitrix24, and
// reads them. It is for a clinic that keeps its patients there: contacts are the
// patients, deals their appointments and visits.
//
// The facts are those of the vendor's public documentation:
//
//	https://apidocs.bitrix24.com/api-reference/events/index.html
//	https://apidocs.bitrix24.com/api-reference/crm/deals/events/on-crm-deal-update.html
//	https://apidocs.bitrix24.com/api-reference/crm/deals/index.html
//	https://apidocs.bitrix24.com/api-reference/crm/contacts/index.html
//
// # An event only names
//
// A portal sends a form with the event's name, the id of what has changed and the
// token of the handler, and nothing of what it is like now, so that a storm of
// changes comes to one reading. An event is told once; Changed finds what was lost.
// The token is compared in constant time with the account's secret "application".
//
// # Own writes
//
// What the product itself writes there (package crm/bitrix24) are to-dos and tasks.
// Their events are left alone, and of contacts and deals it changes none: a to-do
// on a card may stir the card, and is then read as the same card as before.
//
// # What becomes of what is read
//
//   - a contact is a patient's card; one that was deleted is archived. Its id has
//     "b24" before it: a clinic may have another system of record, whose ids are
//     other people's. The same person in both is proposed as a twin by phone and
//     birth date;
//   - a deal with a time in the field of the setting "startField" is an appointment
//     of its first contact. One that was won took place: it is a visit too, and its
//     sum the receipt, once it is over, an hour after its time: a deal may be won
//     when it is paid for. Until then it is an appointment, and is read again. One
//     that was lost is cancelled. Stages of the settings say it more exactly: which
//     of them mean confirmed, came, missed, lost;
//   - a deal that was won and has no time is a visit of when it came to that stage,
//     or was closed;
//   - what was done are the deal's products, else its title;
//   - a deal without a contact, in another pipeline than the setting "category",
//     or in progress without a time, says nothing.
//
// # What it cannot tell
//
// Doctors, diagnoses, treatment plans and payments: a deal has a manager and a sum.
//
// # Not proven against a running portal
//
// That a deal has MOVED_TIME in crm.deal.get on every edition; without it the day
// of CLOSEDATE is taken.
package bitrix24

import (
	"crypto/subtle"
	"net/url"
	"regexp"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

var _ intake.Reader = Read

const (
	// Largest is how many bytes an event may have: it has some fifteen short fields.
	Largest = 64 << 10
	// last is the version of what was deleted: no state comes after it.
	last = 1<<53 - 1

	contacts = "contact"
	deals    = "deal"
)

// number is the form of an id.
var number = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)

// Read reads an event. It says which object is to be read, or that one is gone.
func Read(cl *dental.Clinic, account dental.Account, d intake.Delivery) (intake.Heard, error) {
	form, err := url.ParseQuery(string(d.Body))
	if err != nil {
		return intake.Heard{}, dental.Errorf(dental.Invalid, "", "the event is not a form")
	}
	for _, name := range []string{"event", tokenField, idField} {
		if len(form[name]) > 1 {
			return intake.Heard{}, dental.Errorf(dental.Invalid, name, "stands in the event twice")
		}
	}
	token := string(account.Secrets[ApplicationSecret])
	if token == "" || subtle.ConstantTimeCompare([]byte(form.Get(tokenField)), []byte(token)) != 1 {
		return intake.Heard{}, dental.Errorf(dental.Invalid, tokenField, "the event does not bear the handler's token")
	}
	name := strings.ToUpper(form.Get("event"))
	if name == "" {
		return intake.Heard{}, dental.Errorf(dental.Invalid, "event", "the event has no name")
	}
	kind, gone, own := about(name)
	switch {
	case own:
		return intake.Heard{Silent: "own"}, nil
	case kind == "":
		return intake.Heard{Silent: "other"}, nil
	}
	id := form.Get(idField)
	if !number.MatchString(id) {
		return intake.Heard{}, dental.Errorf(dental.Invalid, idField, "the event names no object")
	}
	if gone {
		return intake.Heard{Objects: []intake.Object{removed(cl, intake.Ref{Kind: kind, ID: id})}}, nil
	}
	return intake.Heard{Fetch: []intake.Ref{{Kind: kind, ID: id}}}, nil
}

const (
	tokenField = "auth[application_token]"
	idField    = "data[FIELDS][ID]"
)

// about says which kind of object an event is about, "" for one that does not
// matter here; own of the kinds that the product itself writes.
func about(event string) (kind string, gone, own bool) {
	switch event {
	case "ONCRMCONTACTADD", "ONCRMCONTACTUPDATE":
		return contacts, false, false
	case "ONCRMCONTACTDELETE":
		return contacts, true, false
	case "ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALMOVETOCATEGORY":
		return deals, false, false
	case "ONCRMDEALDELETE":
		return deals, true, false
	}
	return "", false, strings.HasPrefix(event, "ONTASK") || strings.HasPrefix(event, "ONCRMACTIVITY")
}

// removed is an object that is no more there. A card is archived: nothing is sent
// any more, and who it was stays known.
func removed(cl *dental.Clinic, ref intake.Ref) intake.Object {
	o := intake.Object{System: dental.Bitrix24, Kind: ref.Kind, ID: ref.ID, Version: last, Body: told.Body("gone"), Gone: true}
	if ref.Kind == contacts {
		o.Gone = false
		o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &intake.Card{Says: intake.Known,
			Patient: dental.Patient{Clinic: cl.ID, ID: told.Patient(dental.Bitrix24, ref.ID), Status: dental.Archived}}}}
	}
	return o
}

// prefix is before the ids of appointments and visits.
const prefix = "b24"
