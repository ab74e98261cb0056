// Package sqns reads what 1Denta tells (the dental edition of SQNS, which is sold
// as Arnica and Clinica too), asks its CRM Exchange API what has changed, and
// writes a patient's answer about an appointment back.
//
// # What comes by itself
//
// A webhook is one JSON document:
//
//	{"object": "visit", "type": "update", "orgId": "1234", "visit": {…}}
//	{"object": "client", "type": "create", "orgId": "1234", "client": {…}}
//
// type is create, update or delete. Services and goods are told as well, and do
// not matter here. There is no signature: the address's secret proves the sender,
// and orgId must be the account's. Each is sent once, whether it arrives or not,
// and in no order.
//
// # What becomes of it
//
//   - a client is a card. One that is deleted is archived: nothing is sent to it
//     any more, and its history stays;
//   - a visit is an appointment at its datetime. attendance says how it stands: -1
//     cancelled, 0 booked, 2 confirmed, 1 the client came, which is a visit too.
//     Nothing says that somebody did not come: clinics cancel such a visit or leave
//     it as it was. One that is deleted is gone for good;
//   - the client inside a visit fills what the card does not have, and no more;
//   - totalCost is the visit's receipt, in the clinic's currency: it has goods,
//     subscriptions and certificates in it as the client's cheque does. Payments
//     themselves are not told.
//
// 1Denta sets "came" when the patient is at the reception, and says neither how
// long a visit takes nor when it was over. It is taken to be over an hour after its
// start (and on the same day): else the patient would be thanked in the chair. One
// that is set so ahead of its day is an appointment, and is read again.
//
// Times have no offset and are the clinic's. One that does not exist on the day on
// which clocks are put forward, or that occurs twice when they are put back, is
// what time.Date makes of it: right by one of the two offsets.
//
// # Order
//
// A visit's version is its update_date, to the second. When two states have the
// same one, the later receipt wins; the reconciler reads all that has changed in
// the last hour again and so ends such a tie. A client has no time of change:
// there the later receipt wins, and all cards are read anew once a day.
//
// # Sources, and what is not proven
//
// The vendor's description is the Swagger document at
// https://crmexchange.1denta.ru/docs/swagger (version 2.1.0); it and the answers of
// the vendor's support are retold, with examples, in public integrations, by which
// the names here were checked. From there are: the webhook's shape, attendance and
// its four values, PUT /api/v2/visit/{id}/status with {"status": "new", "confirmed",
// "showedUp" or "cancel"}, modificate as "changed in the last N minutes" up to 1440,
// 15 requests a second and 900 a minute with status 444 above that, and 401 for a
// token that was taken back.
//
// Not proven against a running account: what a webhook of the type delete has
// inside (its id is enough here); whether update_date moves with every change;
// whether modificate and the dates of the same question narrow each other (the
// dates are asked wide); whether the list has deleted clients; and whether
// "deleted" of a visit can be taken back, which here it cannot.
package sqns

import (
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

var _ intake.Reader = Read

// Largest bounds one delivery, in bytes: a visit with a hundred services is some 20 KB.
const Largest = 1 << 20

// The kinds of objects, as the webhook's "object" names them.
const (
	kindVisit  = "visit"
	kindClient = "client"
)

// hook is a webhook's document.
type hook struct {
	Object told.Text            `json:"object"`
	Type   told.Text            `json:"type"`
	Org    told.Text            `json:"orgId"`
	Visit  told.Object[visit]   `json:"visit"`
	Client told.Object[patient] `json:"client"`
}

// Read reads a webhook.
func Read(cl *dental.Clinic, account dental.Account, d intake.Delivery) (intake.Heard, error) {
	var h hook
	if err := told.Decode(d.Body, Largest, &h); err != nil {
		return intake.Heard{}, err
	}
	if h.Org == "" || string(h.Org) != account.Settings[OrgSetting] {
		return intake.Heard{}, dental.Errorf(dental.Invalid, "orgId", "is not the organisation of the clinic's account")
	}
	deleted := strings.EqualFold(string(h.Type), "delete")
	r := reader{clinic: cl, received: d.At}
	switch strings.ToLower(string(h.Object)) {
	case kindVisit:
		if !h.Visit.Set {
			return intake.Heard{}, dental.Errorf(dental.Invalid, "visit", "is missing")
		}
		h.Visit.Value.gone = deleted
		objects, err := r.visit(h.Visit.Value)
		return intake.Heard{Objects: objects}, told.Under("visit", err)
	case kindClient:
		if !h.Client.Set {
			return intake.Heard{}, dental.Errorf(dental.Invalid, "client", "is missing")
		}
		h.Client.Value.gone = deleted
		objects, err := r.client(h.Client.Value)
		return intake.Heard{Objects: objects}, told.Under("client", err)
	}
	return intake.Heard{Silent: "other"}, nil
}
