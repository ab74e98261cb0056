// Package yclients reads what YCLIENTS tells, and Altegio, which is the same
// system abroad under another API host: the webhooks of a company, the lists of
// its REST API, and, with a user's token, writes a patient's answer back.
//
// # What is known, and from where
//
// The fields, endpoints and limits are those of the vendor's public description
// of its REST API (developers.yclients.com; developer.alteg.io for Altegio):
//
//   - GET /records/{company} with changed_after, with_deleted, page, count; GET
//     and DELETE /record/{company}/{id}; PUT /visits/{visit}/{record}, which asks
//     for a comment and the attendance and takes services;
//   - GET /clients/{company} with changed_after, which the vendor calls outdated
//     in favour of POST /company/{company}/clients/search, which cannot ask for
//     what has changed; GET /client/{company}/{id};
//   - GET /transactions/{company} by the operations' dates, whose answer has no
//     total; GET /finance_transactions/{company}/{id};
//   - attendance 2 confirmed, 1 came, 0 waited for, -1 did not come; lengths in
//     seconds; last_change_date in whole seconds; a client without a birth date
//     has that of 1970-01-01; sex_id 1 male, 2 female; sms_not 1 kept out of
//     mailings; expense 5 is services rendered, and sold_item_type "service",
//     "goods_transaction", "loyalty_abonement", "loyalty_certificate" or null;
//   - 200 requests a minute or 5 a second from one address.
//
// A service's cost is the whole sum of its line: its amount and its discount
// are in it already, and cost_to_pay, where it stands, is what of it is to be
// paid. Both are of the vendor's own examples.
//
// Unproven: the zone that changed_after is read in, so that a day is asked for
// again; the order of its lists and that it holds while they are read, so that
// pages overlap; what a webhook of a deletion carries, so that any or no data will do;
// whether goods already in a visit survive a PUT without them, so that a visit
// with goods is left to staff.
//
// # What follows from what
//
// A record is an appointment, and a visit too once the patient came; one that says
// so ahead of its day is read again. Its date is
// the wall clock of the clinic: the offset of datetime may be another's. A record
// without a client comes to nothing. The client inside of a record is a hint of
// who it is; the card itself is the client's own. A deleted client is archived:
// erasure stays a deliberate act. An operation is a payment where it is for
// services, and one with an amount below zero is a refund; its visit has the id
// of its record, since the vendor's own visits join several records.
//
// The vendor signs nothing and repeats nothing: the secret in the path says
// whose a webhook is, and what is lost is found by asking (Client). A deleted
// payment whose webhook was lost stays: no list tells of it.
package yclients

import (
	"bytes"
	stdjson "encoding/json"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// The kinds of object that say something here, as webhooks name them.
const (
	recordKind    = "record"
	clientKind    = "client"
	operationKind = "finances_operation"
)

const (
	// Largest bounds one delivery, in bytes.
	Largest = 1 << 20
	// most bounds the hooks in one.
	most = 500
)

// hook is one message of a webhook. Its status is what was done, not how things are.
type hook struct {
	Company  text               `json:"company_id"`
	Resource text               `json:"resource"`
	ID       text               `json:"resource_id"`
	Status   text               `json:"status"`
	Data     stdjson.RawMessage `json:"data"`
}

// Read reads a delivery of one hook or an array of them. A company other than
// the account's is refused: the path's secret says whose the delivery is, and
// its body never does. Of several hooks one that cannot be read takes no other
// with it: the system is asked for it, or for all that has changed.
func Read(cl *dental.Clinic, account dental.Account, d intake.Delivery) (intake.Heard, error) {
	hooks, err := split(d.Body)
	if err != nil {
		return intake.Heard{}, err
	}
	r := reader{clinic: cl, at: d.At}
	var heard intake.Heard
	var wrong []error
	read := 0
	for _, raw := range hooks {
		var h hook
		if err := told.Decode(raw, len(raw), &h); err != nil {
			wrong = append(wrong, err)
			continue
		}
		if string(h.Company) != account.Settings[CompanySetting] || h.Company == "" {
			wrong = append(wrong, dental.Errorf(dental.Invalid, "company_id", "the webhook is of another company than the one of the connection's settings"))
			continue
		}
		objects, ref, err := r.hook(h)
		switch {
		case err != nil:
			wrong = append(wrong, err)
			if id, ok := number(h.ID); ok && tells(string(h.Resource)) {
				heard.Fetch = append(heard.Fetch, intake.Ref{Kind: string(h.Resource), ID: id})
			} else {
				heard.Gap = true
			}
			continue
		case ref != intake.Ref{}:
			heard.Fetch = append(heard.Fetch, ref)
		}
		heard.Objects = append(heard.Objects, objects...)
		read++
	}
	if read == 0 && len(wrong) > 0 {
		return intake.Heard{}, wrong[0]
	}
	if len(heard.Objects) == 0 && len(heard.Fetch) == 0 && !heard.Gap {
		heard.Silent = "other"
	}
	return heard, nil
}

// split is the hooks of a delivery.
func split(body []byte) ([]stdjson.RawMessage, error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '[' {
		var one stdjson.RawMessage
		if err := told.Decode(body, Largest, &one); err != nil {
			return nil, err
		}
		return []stdjson.RawMessage{one}, nil
	}
	var hooks []stdjson.RawMessage
	if err := told.Decode(body, Largest, &hooks); err != nil {
		return nil, err
	}
	if len(hooks) > most {
		return nil, dental.Errorf(dental.Invalid, "", "the delivery has %d hooks, and at most %d are taken", len(hooks), most)
	}
	return hooks, nil
}

func tells(resource string) bool {
	return slices.Contains([]string{recordKind, clientKind, operationKind}, resource)
}

// hook is what one hook says, or the object that it names without saying how it is.
func (r reader) hook(h hook) ([]intake.Object, intake.Ref, error) {
	resource := string(h.Resource)
	switch {
	case resource == "":
		return nil, intake.Ref{}, dental.Errorf(dental.Invalid, "resource", "is missing")
	case !tells(resource):
		return nil, intake.Ref{}, nil
	}
	var gone bool
	switch h.Status {
	case "create", "update":
	case "delete":
		gone = true
	default:
		return nil, intake.Ref{}, dental.Errorf(dental.Invalid, "status", "is none of create, update and delete")
	}
	if told.Empty(h.Data) {
		id, ok := number(h.ID)
		switch {
		case !ok:
			return nil, intake.Ref{}, dental.Errorf(dental.Invalid, "resource_id", "is not a number")
		case gone:
			return []intake.Object{r.gone(resource, id, time.Time{})}, intake.Ref{}, nil
		}
		return nil, intake.Ref{Kind: resource, ID: id}, nil
	}
	objects, err := r.object(resource, h.Data, h.ID, gone)
	return objects, intake.Ref{}, err
}

// object reads the data of a hook, or of a row of the REST API, whose objects are the same.
func (r reader) object(kind string, data []byte, id text, gone bool) ([]intake.Object, error) {
	switch kind {
	case recordKind:
		var x record
		if err := told.Decode(data, len(data), &x); err != nil {
			return nil, told.Under("data", err)
		}
		return r.record(x, id, gone)
	case clientKind:
		var x client
		if err := told.Decode(data, len(data), &x); err != nil {
			return nil, told.Under("data", err)
		}
		return r.client(x, id, gone)
	}
	var x operation
	if err := told.Decode(data, len(data), &x); err != nil {
		return nil, told.Under("data", err)
	}
	return r.operation(x, id, gone)
}
