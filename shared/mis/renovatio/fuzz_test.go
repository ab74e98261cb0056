package renovatio_test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
)

func FuzzRead(f *testing.F) {
	f.Add("", document("create_appointment", example))
	f.Add("application/json", document("update_appointment", "["+with(`"upcoming"`, `"completed"`)+"]"))
	f.Add("application/x-www-form-urlencoded", url.Values{"event": {"cancel_appointment"}, "data": {with(`"moved_to":0`, `"moved_to":18`)}}.Encode())
	f.Add("", document("delete_appointment", `{"appointment_id":"17"}`))
	f.Add("", document("update_patient", `{"patient_id":5,"last_name":"Ким","date_updated":"10.03.2026","is_deleted":1}`))
	f.Add("", document("create_appointment", `"{\"id\":1}"`))
	f.Add("application/x-www-form-urlencoded", "event=lab_ready")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		delivery := intake.Delivery{Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body), At: received}
		heard, err := renovatio.Read(clinic(), account(), delivery)
		if err != nil {
			if dental.KindOf(err) != dental.Invalid || len(heard.Objects)+len(heard.Fetch) > 0 {
				t.Fatalf("it is refused as %v with %v", err, heard)
			}
			return
		}
		again, _ := renovatio.Read(clinic(), account(), delivery)
		if !reflect.DeepEqual(heard, again) {
			t.Fatal("read twice, it says two things")
		}
		if (heard.Silent == "") != (len(heard.Objects)+len(heard.Fetch) > 0) {
			t.Fatalf("it says nothing, and not why: %+v", heard)
		}
		if len(heard.Objects) > 1000 || len(heard.Fetch) > 1500 {
			t.Fatalf("%d objects and %d refs", len(heard.Objects), len(heard.Fetch))
		}
		for _, ref := range heard.Fetch {
			if ref.Kind != "appointment" && ref.Kind != "patient" || ref.ID == "" || len(ref.ID) > 200 {
				t.Fatalf("it names %+v", ref)
			}
		}
		for _, o := range heard.Objects {
			if o.System != "" && (o.System != dental.Renovatio || o.ID == "" || len(o.ID) > 200 || o.Body == "" || o.Version <= 0 || o.Gone && len(o.Facts) > 0) {
				t.Fatalf("an object without what names and orders it: %+v", o)
			}
			for _, e := range o.Facts {
				if !dental.ValidID(e.PatientID()) || e.PatientID() != o.Patient() {
					t.Fatalf("a fact of nobody: %+v", e)
				}
				switch {
				case e.Card != nil:
					bounded(t, e.Card.FamilyName, e.Card.GivenName, e.Card.MiddleName, e.Card.Number, e.Card.Mail)
				case e.Appointment != nil:
					a := e.Appointment
					inTime(t, a.Start)
					bounded(t, a.Doctor.Name)
					for _, s := range a.Services {
						bounded(t, s.Name, s.Code)
					}
					if len(a.Services) > 100 || !dental.ValidID(a.ID) || a.MovedTo != "" && (a.Status != dental.Cancelled || !dental.ValidID(a.MovedTo)) || !a.End.IsZero() && !a.End.After(a.Start) {
						t.Fatalf("got %+v", a)
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
