package fhir_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
)

// hold checks what holds of every object, whatever it was read from.
func hold(t *testing.T, objects []intake.Object) {
	t.Helper()
	short := func(texts ...string) {
		for _, s := range texts {
			if utf8.RuneCountInString(s) > 200 || !utf8.ValidString(s) {
				t.Errorf("%q is no short text", s)
			}
		}
	}
	in := func(times ...time.Time) {
		for _, at := range times {
			if !at.IsZero() && (at.Year() < 1900 || at.Year() > 2100) {
				t.Errorf("%v is no time", at)
			}
		}
	}
	money := func(m dental.Money) {
		if m.Minor < 0 || !m.IsZero() && len(m.Currency) != 3 {
			t.Errorf("%v is no amount", m)
		}
	}
	for _, o := range objects {
		if o.System != dental.FHIR || !slices.Contains(fhir.Types(), o.Kind) || o.ID == "" || len(o.ID) > 200 || !utf8.ValidString(o.ID) || o.Version < 0 || o.Body == "" {
			t.Errorf("%+v is no object", o)
		}
		if o.Gone && len(o.Facts) > 0 {
			t.Errorf("%+v is gone and has facts", o)
		}
		in(o.At)
		for _, f := range o.Facts {
			if !dental.ValidID(f.PatientID()) || f.PatientID() != o.Patient() {
				t.Errorf("%+v is of %q", o, f.PatientID())
			}
			switch {
			case f.Card != nil:
				short(f.Card.FamilyName, f.Card.GivenName, f.Card.MiddleName, f.Card.Number, f.Card.Mail)
			case f.Appointment != nil:
				a := f.Appointment
				in(a.Start, a.End)
				short(a.Doctor.Name)
				if !dental.ValidID(a.ID) || a.Start.IsZero() || a.Status == "" || len(a.Services) > 50 || a.Doctor.ID != "" && !dental.ValidID(a.Doctor.ID) {
					t.Errorf("%+v is no appointment", a)
				}
			case f.Visit != nil:
				v := f.Visit
				in(v.FinishedAt)
				short(v.Doctor.Name)
				if !dental.ValidID(v.ID) || v.FinishedAt.IsZero() || v.AppointmentID != "" && !dental.ValidID(v.AppointmentID) {
					t.Errorf("%+v is no visit", v)
				}
			case f.Piece != nil:
				p := f.Piece
				short(p.Procedure.Name, p.Procedure.Code, p.Diagnosis.Name, p.Diagnosis.Code)
				money(p.Amount)
				if !dental.ValidID(p.ID) || !dental.ValidID(p.Visit) || p.Procedure == (dental.Procedure{}) && p.Diagnosis == (dental.Coded{}) && p.Amount.IsZero() {
					t.Errorf("%+v is no piece", p)
				}
			case f.Payment != nil:
				in(f.Payment.At)
				money(f.Payment.Amount)
				if !dental.ValidID(f.Payment.ID) || f.Payment.At.IsZero() || f.Payment.Amount.IsZero() {
					t.Errorf("%+v is no payment", f.Payment)
				}
			case f.Plan != nil:
				if len(f.Plan.Stages) == 0 || len(f.Plan.Stages) > 50 || f.Plan.PresentedAt.IsZero() {
					t.Errorf("%+v is no plan", f.Plan)
				}
				in(f.Plan.PresentedAt)
				seen := map[string]bool{}
				for _, s := range f.Plan.Stages {
					in(s.DoneAt)
					short(s.Name)
					if seen[s.ID] || !dental.ValidID(s.ID) || s.Name == "" {
						t.Errorf("%+v is no stage", s)
					}
					seen[s.ID] = true
				}
			default:
				t.Errorf("%+v has an empty fact", o)
			}
		}
	}
}

// seeds are resources of every type.
func seeds() []string {
	return []string{
		`{"resourceType":"Patient","id":"p","name":[{"family":"Ким","given":["Вера"]}],"telecom":[{"system":"phone","value":"+79160000001"}],"birthDate":"1985-02-28","link":[{"type":"replaced-by"}]}`,
		`{"resourceType":"Appointment","id":"a","status":"booked","start":"2026-06-01T10:00:00+03:00","participant":[{"actor":{"reference":"Patient/p"}},{"actor":{"reference":"Practitioner/d","display":"Ирина"}}]}`,
		`{"resourceType":"Encounter","id":"e","status":"finished","period":{"end":"2026-05-20T10:00:00Z"},"subject":{"reference":"urn:uuid:p"},"type":[{"coding":[{"code":"B01.065.007"}]}]}`,
		`{"resourceType":"Procedure","id":"1","status":"completed","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"code":{"text":"Пломба","coding":[{"code":"А16.07.002"}]},"bodySite":[{"coding":[{"code":"46"}]}]}`,
		`{"resourceType":"Condition","id":"1","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"K02.1"}]}}`,
		`{"resourceType":"Invoice","id":"i","status":"issued","subject":{"reference":"Patient/p"},"totalNet":{"value":40.5},"contained":[{"resourceType":"ChargeItem","id":"c","context":{"reference":"Encounter/e"}}],"lineItem":[{"chargeItemReference":{"reference":"#c"}}]}`,
		`{"resourceType":"PaymentNotice","id":"n","status":"active","created":"2026-05-20","amount":{"value":-1e2},"extension":[{"url":"x","valueReference":{"reference":"Patient/p"}}],"request":{"reference":"Encounter/e"}}`,
		`{"resourceType":"CarePlan","id":"c","status":"active","title":"Dental","created":"2026-05-01","subject":{"reference":"Patient/p"},"activity":[{"detail":{"status":"completed","code":{"text":"A"},"scheduledString":"2026-05-02"}}]}`,
		`{"resourceType":"Location","id":"l"}`,
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
		f.Add([]byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:p","resource":` + s + `,"request":{"method":"POST","url":"X"}}]}`))
	}
	f.Add([]byte(status("event-notification", since(3)+","+event(1, "Encounter/1")+","+event(3, "Patient/2"), ended+","+dropped)))
	f.Add([]byte(status("handshake", since(3), "")))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"SubscriptionStatus","type":"heartbeat"}}]}`))
	f.Add([]byte(" "))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := intake.Delivery{Header: http.Header{}, Body: body, At: now}
		h, err := fhir.Read(clinic(), dental.Account{}, d)
		again, errAgain := fhir.Read(clinic(), dental.Account{}, d)
		if !reflect.DeepEqual(h, again) || (err == nil) != (errAgain == nil) {
			t.Fatalf("it is read in two ways:\n%+v %v\n%+v %v", h, err, again, errAgain)
		}
		if err != nil {
			if dental.KindOf(err) != dental.Invalid {
				t.Fatalf("the error is of the kind %q: %v", dental.KindOf(err), err)
			}
			return
		}
		hold(t, h.Objects)
		for _, r := range h.Fetch {
			if !slices.Contains(fhir.Types(), r.Kind) || r.ID == "" {
				t.Errorf("%+v is to be asked for", r)
			}
		}
		if h.Silent == "" && len(h.Objects) == 0 && len(h.Fetch) == 0 && !h.Gap {
			t.Error("it says nothing, and not why")
		}
	})
}

// through reads a file to its end, and again from each record on.
func through(t *testing.T, f load.Format, content []byte) {
	file := memory(content)
	ends := func(err error) {
		var fault *load.Fault
		if errors.As(err, &fault) && !slices.Contains(fhir.Codes(), fault.Code) || fault == nil && !errors.Is(err, io.EOF) {
			t.Fatalf("it ends with %v", err)
		}
	}
	all, err := records(t, f, file, "", clinic())
	ends(err)
	for i, r := range all {
		if r.Line < 1 || i > 0 && r.Line <= all[i-1].Line || r.Read > file.Size() {
			t.Fatalf("record %d is %d, after %d bytes of %d", i, r.Line, r.Read, file.Size())
		}
		if r.Fault != nil {
			if !slices.Contains(fhir.Codes(), r.Fault.Code) || len(r.Objects) > 0 {
				t.Fatalf("record %d has the fault %+v and %d objects", i, r.Fault, len(r.Objects))
			}
			continue
		}
		hold(t, r.Objects)
		for _, o := range r.Objects {
			if o.Patient() != r.Objects[0].Patient() {
				t.Fatalf("record %d is of several patients", i)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	at := all[len(all)/2]
	rest, errRest := records(t, f, file, at.Place, clinic())
	if want := all[len(all)/2+1:]; len(rest) != len(want) || len(rest) > 0 && !reflect.DeepEqual(rest, want) {
		t.Fatalf("after %q there are %d records, and there were %d", at.Place, len(rest), len(want))
	}
	ends(errRest)
	if _, err := f.Scan(context.Background(), file, "x", load.Options{Clinic: clinic(), Now: now}); err == nil {
		t.Fatal("a place that is none is taken")
	}
}

func FuzzBundle(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
		f.Add([]byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + s + `},{"resource":` + s + `}],"link":[]}`))
	}
	f.Add([]byte(`{"entry":[null,1,"]",{"a":[}}],"resourceType":"Bundle"}`))
	f.Add([]byte(packed(f, bundleOf(3))))
	f.Fuzz(func(t *testing.T, content []byte) { through(t, fhir.BundleFormat{}, content) })
}

func FuzzNDJSON(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s + "\n"))
	}
	f.Add([]byte("{\"resourceType\":\"Patient\",\"id\":\"p\"}\r\n\n{\n{}"))
	f.Add([]byte(packed(f, linesOf(3))))
	f.Fuzz(func(t *testing.T, content []byte) { through(t, fhir.NDJSONFormat{}, content) })
}
