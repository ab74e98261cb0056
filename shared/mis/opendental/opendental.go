// Package opendental reads what Open Dental tells of its database, asks its API
// for the rest, and writes a patient's answer about an appointment back.
//
// The facts are those of the vendor's public documentation:
//
//	https://www.opendental.com/site/apievents.html          what is sent, and how a row looks
//	https://www.opendental.com/site/apisubscriptions.html   how it is ordered
//	https://www.opendental.com/site/apiimplementation.html  pages, types, answers, the pace
//	https://www.opendental.com/site/apiappointments.html    and apipatients, apiprocedurelogs, apipayments
//
// # What comes by itself, and what is asked for
//
// A subscription to a table sends an array of its rows whenever some have
// changed, and again until it was taken, for three days back at most. Open Dental
// can watch the tables Appointment and Patient, and tells of appointments that
// are gone as AppointmentDeleted. It cannot watch procedures and payments: those
// the Client asks for. Read knows their rows as well, so that nothing here has to
// change on the day they can be subscribed to.
//
// # What becomes of a row
//
//   - a patient is a card, whose guarantor is its guardian (of a minor; an adult's
//     treatment is told to nobody else). Wishes not to be texted are kept as
//     refusals. "Inactive", "Archived" and "Deleted" are archived. "NonPatient"
//     is active: it is how the parent who pays for a child stands in the base;
//   - an appointment that is "Scheduled" (or "ASAP", of old versions) is booked, or
//     confirmed when the name of its confirmation says so. "Complete" is a visit
//     too. "UnschedList" is cancelled. "Broken" does not say whether somebody did
//     not come or called: it is missed when it was broken after it had begun, and
//     cancelled when before. "Planned" has no time yet and is none, as the notes;
//   - a procedure that is complete ("C") is a piece of its appointment's visit:
//     what was done, and its fee times its quantity less its discount. One without
//     an appointment, as conversions from other programs leave them, is a visit of
//     its own. The codes D9986 and D9987, a missed and a cancelled appointment, and
//     group notes are no procedures;
//   - a treatment-planned procedure ("TP") is a plan of one stage, and stays one,
//     done, when it is completed on a later day. Plans of Open Dental are lists
//     over procedures that change with every row, so that a plan is not one
//     object; of several open plans the engine follows the latest up, and so a
//     patient is written to once, not once a procedure;
//   - a payment is a payment, a negative one a refund. Open Dental ties money to
//     procedures and to the family, not to a visit, and says nothing of a payment
//     that was deleted; a visit's receipt is therefore the sum of its fees.
//
// # Order
//
// A row's version is its DateTStamp (SecDateTEdit of a payment), to the second, in
// the clinic's zone as all times of Open Dental. In the hour that is repeated when
// summer time ends, an earlier state can outdo a later one until the row changes
// again. A deletion, after which nothing changes, is as late as its receipt.
//
// # Not proven against a running Open Dental
//
// Which columns a row of AppointmentDeleted has is not documented. It is taken for
// gone by the table's name in the header Event-Type (since version 22.4.35), or in
// the parameter "type" of the subscription's address; its number is in AptNum, as
// in the table of the history. That the names of confirmations begin as in
// confirmedNames is the shipped default of a list that each office edits.
package opendental

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

var _ intake.Reader = Read

// Largest is what one delivery may have: 1000 rows of less than 1.5 KB each, and
// as much again.
const Largest = 4 << 20

// atOnce is how many rows of a delivery are taken in, or asked for, one by one: as
// many as a function that answers it has the time for. For more the office is asked
// for all that has changed, but for what is gone, of which no list tells.
const atOnce = 200

// The tables that are understood, as Event-Type and the kinds of objects name them.
const (
	patients     = "patient"
	appointments = "appointment"
	deleted      = "appointmentdeleted"
	procedures   = "procedurelog"
	payments     = "payment"
)

// Read reads an event of the database. Each bears the customer's key in its header
// Authorization, which is compared where the account has it. Of several rows one
// that cannot be read takes no other with it: the office is asked for it, or for all
// that has changed.
func Read(cl *dental.Clinic, account dental.Account, d intake.Delivery) (intake.Heard, error) {
	if key := string(account.Secrets[CustomerSecret]); key != "" && subtle.ConstantTimeCompare([]byte(d.Header.Get("Authorization")), []byte(key)) != 1 {
		return intake.Heard{}, dental.Errorf(dental.Invalid, "Authorization", "the event does not bear the customer's key")
	}
	table, known := watched(d)
	if !known {
		return intake.Heard{Silent: "other"}, nil
	}
	rows, err := split(d.Body)
	if err != nil {
		return intake.Heard{}, err
	}
	office := newOffice(cl, account, d.At)
	var heard intake.Heard
	var wrong []error
	for i, raw := range rows {
		o, err := office.read(table, raw)
		if err != nil {
			wrong = append(wrong, within(i, err))
			if ref := nameOf(raw).ref(table); ref.ID != "" && single(ref.Kind) != "" && len(heard.Fetch) < atOnce {
				heard.Fetch = append(heard.Fetch, ref)
			} else {
				heard.Gap = true
			}
			continue
		}
		switch {
		case o.Kind == "":
		case len(heard.Objects) < atOnce || o.Gone:
			heard.Objects = append(heard.Objects, o)
		default:
			heard.Gap = true
		}
	}
	if len(rows) > 0 && len(wrong) == len(rows) {
		return intake.Heard{}, wrong[0]
	}
	if len(heard.Objects) == 0 && len(wrong) == 0 {
		heard.Silent = "other"
	}
	return heard, nil
}

// watched is the table whose rows a delivery has, "" where it does not say; known
// is false when they do not matter here.
func watched(d intake.Delivery) (table string, known bool) {
	kind, name, said := strings.Cut(d.Header.Get("Event-Type"), ":")
	if said && !strings.EqualFold(strings.TrimSpace(kind), "WatchTable") {
		return "", false // what somebody does at the screen
	}
	name = strings.ToLower(strings.TrimSpace(name))
	if !said {
		// Before version 22.4.35. The address of a subscription may say it.
		name = strings.ToLower(d.Query.Get("type"))
	}
	switch name {
	case "", patients, appointments, deleted, procedures, payments:
		return name, true
	}
	return "", false
}

// split is the rows of an array of them, or one row.
func split(body []byte) (rows []json.RawMessage, err error) {
	if one := json.RawMessage(nil); bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		err, rows = told.Decode(body, Largest, &one), []json.RawMessage{one}
	} else {
		err = told.Decode(body, Largest, &rows)
	}
	return rows, err
}

// text is a value of a row. Open Dental writes numbers as numbers in one place
// and as strings in the next, and booleans as strings.
type text = told.Text
