package sqns_test

import (
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/sqns"
)

func FuzzRead(f *testing.F) {
	f.Add(visitHook())
	f.Add(visitHook(`"attendance":0`, `"attendance":1`))
	f.Add(visitHook(`"type":"update"`, `"type":"delete"`))
	f.Add(`{"object":"client","type":"create","orgId":1234,"client":{"id":"я","name":"Ким","phone":79160000001,"birthDate":"00.00.0000"}}`)
	f.Add(`{"object":"visit","type":"delete","orgId":"1234","visit":{"id":1}}`)
	f.Add(`{"object":"visit","orgId":"1234","visit":[]}`)
	f.Add(`{"object":"service","orgId":"1234"}`)
	f.Fuzz(func(t *testing.T, body string) {
		delivery := intake.Delivery{Body: []byte(body), At: received}
		heard, err := sqns.Read(clinic(), account(), delivery)
		if err != nil {
			if dental.KindOf(err) != dental.Invalid || len(heard.Objects) > 0 {
				t.Fatalf("it is refused as %v with %v", err, heard)
			}
			return
		}
		again, _ := sqns.Read(clinic(), account(), delivery)
		if !reflect.DeepEqual(heard, again) {
			t.Fatal("read twice, it says two things")
		}
		if (heard.Silent == "") != (len(heard.Objects) > 0) {
			t.Fatalf("it says nothing, and not why: %+v", heard)
		}
		for _, o := range heard.Objects {
			if o.System != "" && (o.System != dental.SQNS || o.ID == "" || len(o.ID) > 200 || o.Body == "" || o.Gone && len(o.Facts) > 0) {
				t.Fatalf("an object without what names it: %+v", o)
			}
			for _, e := range o.Facts {
				if !dental.ValidID(e.PatientID()) || e.PatientID() != o.Patient() {
					t.Fatalf("a fact of nobody: %+v", e)
				}
				switch {
				case e.Card != nil:
					bounded(t, e.Card.FamilyName, e.Card.GivenName, e.Card.MiddleName, e.Card.Number, e.Card.Mail)
				case e.Appointment != nil:
					inTime(t, e.Appointment.Start)
					for _, s := range e.Appointment.Services {
						bounded(t, s.Name)
					}
					if len(e.Appointment.Services) > 100 || !dental.ValidID(e.Appointment.ID) {
						t.Fatalf("got %+v", e.Appointment)
					}
				case e.Visit != nil:
					inTime(t, e.Visit.FinishedAt)
					if e.Visit.Receipt.Minor < 0 || !e.Visit.Receipt.IsZero() && e.Visit.Receipt.Currency != "RUB" || !dental.ValidID(e.Visit.ID) {
						t.Fatalf("got %+v", e.Visit)
					}
				default:
					t.Fatalf("a fact of nothing: %+v", e)
				}
			}
		}
	})
}

func bounded(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 400 {
			t.Fatalf("%d characters are kept", len(s))
		}
	}
}

func inTime(t *testing.T, at time.Time) {
	t.Helper()
	if at.Year() < 1989 || at.Year() > 2101 {
		t.Fatalf("%s is no time of a clinic", at)
	}
}
