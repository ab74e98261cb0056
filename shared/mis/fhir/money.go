package fhir

import (
	"cmp"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

type (
	// https://hl7.org/fhir/R4/invoice.html
	invoice struct {
		Status   string    `json:"status"`
		Subject  reference `json:"subject"`
		LineItem []struct {
			ChargeItem reference `json:"chargeItemReference"`
		} `json:"lineItem"`
		TotalNet   money `json:"totalNet"`
		TotalGross money `json:"totalGross"`
	}
	// https://hl7.org/fhir/R4/paymentnotice.html
	paymentNotice struct {
		Status  string    `json:"status"`
		Request reference `json:"request"`
		Created string    `json:"created"`
		Date    string    `json:"paymentDate"`
		Amount  money     `json:"amount"`
	}
	// https://hl7.org/fhir/R4/paymentreconciliation.html
	paymentReconciliation struct {
		Status  string    `json:"status"`
		Request reference `json:"request"`
		Created string    `json:"created"`
		Date    string    `json:"paymentDate"`
		Amount  money     `json:"paymentAmount"`
	}
)

// An R4 resource about money does not say which visit it is of: Invoice has a
// patient and no encounter, PaymentNotice and PaymentReconciliation have neither.
// belongs finds both in what the resource itself holds, so that nothing else
// needs to be read: an extension whose value is a reference to a Patient or an
// Encounter, whatever its URL; what the money is for, where that is one of the
// two; and the contained ChargeItem, Claim, Invoice or Account that it is for.
// Money for several encounters is of none.
func (r *reading) belongs(subject reference, of ...reference) (who, visit string, p *problem) {
	var visits []string
	note := func(patientIs, encounterIs reference) {
		if cmp.Or(subject.Reference, subject.Identifier.Value) == "" {
			subject = patientIs
		}
		if t := r.resolve(encounterIs, "Encounter"); t.id != "" {
			visits = append(visits, told.ID("", t.id))
		}
	}
	for _, e := range r.head.Extension {
		note(r.only(e.ValueReference, "Patient"), r.only(e.ValueReference, "Encounter"))
	}
	for _, ref := range of {
		note(r.only(ref, "Patient"), r.only(ref, "Encounter"))
		note(r.contained(ref.Reference).owner())
	}
	if who, p = r.patient("subject", subject); p != nil {
		return "", "", p
	}
	for _, v := range visits {
		if visit == "" || visit == v {
			visit = v
			continue
		}
		return who, "", nil
	}
	return who, visit, nil
}

// only is the reference where it says by itself that it leads to the type, else the zero one.
func (r *reading) only(ref reference, kind string) reference {
	if r.resolve(ref, kind).kind == kind {
		return ref
	}
	return reference{}
}

// owner is whose a contained resource is, and of which encounter.
func (i inner) owner() (patientIs, encounterIs reference) {
	switch i.kind {
	case "ChargeItem", "Claim", "Invoice":
		var w struct {
			Subject reference `json:"subject"`
			Patient reference `json:"patient"`
			Context reference `json:"context"` // a ChargeItem's
		}
		if decode(i.raw, &w) == nil {
			return cmp.Or(w.Subject, w.Patient), w.Context
		}
	case "Account":
		var w struct {
			Subject []reference `json:"subject"`
		}
		if decode(i.raw, &w) == nil && len(w.Subject) > 0 {
			return w.Subject[0], reference{}
		}
	}
	return reference{}, reference{}
}

// invoice reads what a visit cost: a receipt once it is issued. One that names
// no visit is a receipt of nothing, and no payment either: it says what is owed.
func (r *reading) invoice() (content, *problem) {
	var w invoice
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	switch w.Status {
	case inError:
		return withdrawn, nil
	case "issued", "balanced":
	default:
		return content{}, nil
	}
	var items []reference
	for _, item := range w.LineItem {
		items = append(items, item.ChargeItem)
	}
	who, visit, p := r.belongs(w.Subject, items...)
	switch {
	case p != nil:
		return content{}, p
	case visit == "":
		return content{}, r.unusable("lineItem.chargeItemReference", "fhir-receipt")
	}
	total := w.TotalGross
	if len(total.Value) == 0 {
		total = w.TotalNet
	}
	sum, back, ok := total.amount(r.clinic.Currency)
	if !ok || back {
		return content{}, r.unusable("totalGross", "fhir-amount")
	}
	return pieced(dental.Piece{Clinic: r.clinic.ID, Patient: who, Visit: visit, ID: told.ID("invoice", r.id), Amount: sum}), nil
}

func (r *reading) notice() (content, *problem) {
	var w paymentNotice
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	return r.payment("notice", w.Status, w.Request, w.Date, w.Created, "amount", w.Amount)
}

func (r *reading) reconciliation() (content, *problem) {
	var w paymentReconciliation
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	return r.payment("reconciliation", w.Status, w.Request, w.Date, w.Created, "paymentAmount", w.Amount)
}

// payment is money that has come, or with a negative amount gone back.
func (r *reading) payment(prefix, status string, request reference, date, created, field string, sum money) (content, *problem) {
	switch status {
	case inError:
		return withdrawn, nil
	case "active":
	default:
		return content{}, nil
	}
	who, visit, p := r.belongs(reference{}, request)
	if p != nil {
		p.Column = r.head.ResourceType + ".request"
		return content{}, p
	}
	at, ok := instant(cmp.Or(created, date), r.clinic.Location())
	if date != "" && (len(created) < len(date) || len(date) > len("2006-01-02")) {
		at, ok = instant(date, r.clinic.Location())
	}
	if !ok {
		return content{}, r.unusable("paymentDate", "fhir-time")
	}
	f := dental.Payment{Clinic: r.clinic.ID, Patient: who, VisitID: visit, ID: told.ID(prefix, r.id), At: at, Kind: dental.Paid}
	back := false
	if f.Amount, back, ok = sum.amount(r.clinic.Currency); !ok {
		return content{}, r.unusable(field, "fhir-amount")
	}
	if back {
		f.Kind = dental.Refund
	}
	return content{facts: []intake.Event{{Type: intake.PaymentReceived, Payment: &f}}}, nil
}
