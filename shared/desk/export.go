package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// ExportForm names the shape of an export. It changes with the shape.
const ExportForm = "return-point-patient/1"

// Export is everything held about a patient as one JSON object, and leaves its
// line in the audit log in the same press:
//
//	{"form": "return-point-patient/1", "at": RFC 3339, "clinic": the clinic's name,
//	 "patient": {…}, "appointments": […], "visits": […], "plans": […], "payments": […],
//	 "answers": […], "responses": […], "gifts": […], "bonuses": […], "referrals": […],
//	 "milestones": […], "touches": […], "tasks": […], "contacts": […], "acts": […]}
//
// The fields of each are those of the noun of package dental, in lower camel
// case, those that say nothing left out: a field that is added there is in the
// export too. Times are RFC 3339 in UTC, dates YYYY-MM-DD, money
// {"amount": "5400.00", "currency": "RUB"}. Contacts are what was refused for,
// and sent to, the patient's own addresses; acts what staff did.
//
// Left out is what is about somebody else or says nothing to a reader: of a
// recommended friend all but how it stands, of an address others who share it,
// the hashes that stand for addresses and links, what orders the MIS's versions.
func (c *Cards) Export(ctx context.Context, p Press, now time.Time) ([]byte, error) {
	r, err := c.Read(ctx, p.Clinic, p.Patient)
	if err != nil {
		return nil, err
	}
	file, err := export(r, now)
	if err != nil {
		return nil, fmt.Errorf("desk: export a patient: %w", err)
	}
	err = perform(ctx, c.Store, c.Catalogue, c.Rand, p, now, func(d *deed) error {
		d.log.Action = PatientExported
		d.tx.Put(d.log)
		return nil
	})
	return file, err
}

// export is the file of a record.
func export(r Record, now time.Time) ([]byte, error) {
	out := object{{"form", ExportForm}, {"at", now.UTC().Format(time.RFC3339)}, {"clinic", r.Clinic.Name}}
	card := reflect.ValueOf(*r.Card)
	for i := range card.NumField() {
		if f := card.Type().Field(i); f.Name != "Ending" { // the last digits of the phone
			out = append(out, field{camel(f.Name), plain(card.Field(i))})
		}
	}
	var contacts []any
	me := dental.Member{Clinic: r.Clinic.ID, Patient: r.Card.Patient.ID}
	for _, contact := range r.Contacts {
		own := contact.Recent[:0:0]
		for _, sent := range contact.Recent {
			if (dental.Member{Clinic: sent.Clinic, Patient: sent.Patient}) == me {
				own = append(own, sent)
			}
		}
		contact.Recent = own
		contacts = append(contacts, plain(reflect.ValueOf(contact)))
	}
	out = append(out, field{"contacts", contacts}, field{"acts", plain(reflect.ValueOf(r.Acts))})
	raw, err := json.MarshalIndent(out, "", "  ")
	return append(raw, '\n'), err
}

// withheld are the fields that an export leaves out, by type and name.
func withheld(of, name string) bool {
	if name == "Clinic" || name == "Patient" {
		return true // said once, at the top
	}
	switch of + "." + name {
	case "Patient.Source", "Appointment.Source", "Visit.Source", "Plan.Source", "Payment.Source",
		"Patient.NotMe", "Patient.Invitation", "Touch.Links", "Touch.Together", "Attempt.Address", "Attempt.Household",
		"Referral.Contact", "Referral.Name", "Referral.Phone", "Referral.Friend", "Referral.Consent",
		"Contact.Key", "Contact.Members", "Contact.Lead",
		"LogEntry.Key", "Task.CallingKey", // of staff
		"Bonus.Source", "Bonus.Of": // name a recommendation by the friend's address
		return true
	}
	return false
}

// object is a JSON object whose fields keep their order.
type object []field

type field struct {
	name  string
	value any
}

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, fmt.Errorf("desk: a field's name: %w", err)
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("desk: field %s: %w", f.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain is a noun as JSON has it.
func plain(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case dental.Money:
		return object{{"amount", x.Decimal()}, {"currency", x.Currency}}
	case dental.Date:
		return x.String()
	case dental.Task:
		if x.Kind == dental.LeadTask { // which says who the friend is, and the number
			x.Reason, x.Note = "", ""
			v = reflect.ValueOf(x)
		}
	}
	switch v.Kind() {
	case reflect.String:
		return v.String() // a phone and an address too: on purpose
	case reflect.Struct:
		out := object{}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() && !withheld(v.Type().Name(), f.Name) {
				out = append(out, field{camel(f.Name), plain(v.Field(i))})
			}
		}
		return out
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = plain(v.Index(i))
		}
		return out
	}
	return v.Interface() // numbers and truth
}

// camel is a field's name as JSON has it: "givenName", "id", "visitId", "photoUrl".
func camel(name string) string {
	r := []rune(name)
	for i := range r {
		inside := i > 0 && unicode.IsUpper([]rune(name)[i-1])
		last := i+1 == len(r) || unicode.IsUpper([]rune(name)[i+1])
		if i == 0 || inside && last {
			r[i] = unicode.ToLower(r[i])
		}
	}
	return string(r)
}
