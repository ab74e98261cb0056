package yclients_test

import (
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
)

// FuzzRead holds whatever is taken to what the rest of the product relies on:
// ids of its shape, times and texts within bounds, money of the clinic's
// currency, one patient an object, and the same for the same bytes.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		recordWith(``), recordWith(`attendance=1; services=[{"title":"A16.07.051 Гигиена","cost":"5400.00","amount":2}]`), recordWith(`client=[]; staff=[]; deleted=1`),
		hooked("client", "update", `{"id":31,"name":"Ромашкина Вера Павловна","phone":79160000001,"birth_date":"1980-03-04","sms_not":1,"last_change_date":"2026-03-09T12:00:00+0300"}`),
		hooked("finances_operation", "create", `{"id":31,"date":"2026-03-10 11:00:00","amount":"-1000.5","client":{"id":7},"expense":{"id":5},"record_id":31}`),
		hooked("record", "delete", `[]`), `[` + hooked("client", "create", `{"id":31}`) + `,` + hooked("goods_operations_sale", "create", `{}`) + `]`,
		hooked("record", "update", `{"id":31,"client":{"id":7},"services":{"1":{"title":"x"}},"datetime":1773126000}`),
	} {
		f.Add([]byte(seed))
	}
	cl, own := clinic(), account("")
	cl.Locate()
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := intake.Delivery{Body: raw, At: noon}
		got, err := yclients.Read(cl, own, d)
		again, errAgain := yclients.Read(cl, own, d)
		if !reflect.DeepEqual(got, again) || (err == nil) != (errAgain == nil) {
			t.Fatalf("read twice, it says %+v and %+v", got, again)
		}
		if err != nil {
			if dental.KindOf(err) != dental.Invalid || !utf8.ValidString(err.Error()) || !reflect.DeepEqual(got, intake.Heard{}) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		if len(got.Objects) == 0 && len(got.Fetch) == 0 && !got.Gap && got.Silent == "" {
			t.Fatal("it says nothing, and not why")
		}
		for _, ref := range got.Fetch {
			if ref.Kind == "" || !dental.ValidID(ref.ID) {
				t.Fatalf("it names %+v", ref)
			}
		}
		for _, o := range got.Objects {
			valid(t, o)
		}
	})
}

func valid(t *testing.T, o intake.Object) {
	if o.System != "" && (o.System != dental.YClients || o.Kind == "" || !dental.ValidID(o.ID) || o.Version < 0 || o.Body == "") || o.Gone && len(o.Facts) > 0 {
		t.Fatalf("an object is %+v", o)
	}
	short := func(what string, texts ...string) {
		for _, s := range texts {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 300 {
				t.Fatalf("%s is %q", what, s)
			}
		}
	}
	within := func(what string, at time.Time) {
		if at.Year() < 1989 || at.Year() > 2200 {
			t.Fatalf("%s is at %v", what, at)
		}
	}
	money := func(m dental.Money) {
		if m.Minor < 0 || !m.IsZero() && m.Currency != "RUB" {
			t.Fatalf("an amount is %+v", m)
		}
	}
	for _, e := range o.Facts {
		if e.PatientID() != o.Patient() || !dental.ValidID(e.PatientID()) {
			t.Fatalf("the patient is %q", e.PatientID())
		}
		switch {
		case e.Card != nil:
			short("the card", e.Card.FamilyName, e.Card.GivenName, e.Card.MiddleName, e.Card.Number, e.Card.Mail, e.Card.Sex)
			for _, c := range e.Card.Consents {
				if c.At.After(noon) || c.Granted {
					t.Fatalf("a consent is %+v", c)
				}
			}
		case e.Appointment != nil:
			a := e.Appointment
			short("the appointment", a.Doctor.ID, a.Doctor.Name)
			within("the appointment", a.Start)
			if !dental.ValidID(a.ID) || !a.End.IsZero() && !a.End.After(a.Start) || len(a.Services) > 50 {
				t.Fatalf("the appointment is %+v", a)
			}
			for _, s := range a.Services {
				short("a service", s.Code, s.Name)
			}
		case e.Visit != nil:
			within("the visit", e.Visit.FinishedAt)
			money(e.Visit.Receipt)
			if !dental.ValidID(e.Visit.ID) || e.Visit.FinishedAt.After(noon.Add(24*time.Hour)) {
				t.Fatalf("the visit is %+v", e.Visit)
			}
		case e.Payment != nil:
			within("the payment", e.Payment.At)
			money(e.Payment.Amount)
			if e.Payment.Amount.Minor == 0 || e.Payment.VisitID != "" && !dental.ValidID(e.Payment.VisitID) {
				t.Fatalf("the payment is %+v", e.Payment)
			}
		default:
			t.Fatalf("a fact is %+v", e)
		}
	}
}
