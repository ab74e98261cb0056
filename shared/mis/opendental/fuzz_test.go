package opendental_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/opendental"
)

func FuzzRead(f *testing.F) {
	for table, row := range map[string]string{"Patient": patientRow, "Appointment": appointmentRow, "ProcedureLog": procedureRow, "Payment": paymentRow} {
		f.Add(table, []byte("["+row+"]"))
		f.Add("", []byte(row))
	}
	f.Add("AppointmentDeleted", []byte(`[{"AptNum": 18, "HistApptAction": "Deleted", "HistDateTStamp": "0001-01-01 00:00:00"}]`))
	f.Add("Appointment", []byte(`[{"AptNum": 18, "AptNum": 19}]`))
	f.Add("ProcedureLog", []byte(`[{"ProcNum":1,"PatNum":1,"ProcStatus":"C","procCode":"D1","ProcFee":99999999999,"UnitQty":1e9,"ProcDate":"9999-12-31"}]`))
	cl := clinic()
	f.Fuzz(func(t *testing.T, table string, body []byte) {
		d := event(table, string(body))
		d.Query = map[string][]string{"type": {table}}
		heard, err := opendental.Read(cl, account(), d)
		if err != nil {
			if dental.KindOf(err) != dental.Invalid {
				t.Fatalf("the error is of the kind %q: %v", dental.KindOf(err), err)
			}
			return
		}
		for _, o := range heard.Objects {
			if o.System != dental.OpenDental || o.Kind == "" || o.ID == "" || len(o.ID) > 200 || o.Body == "" || o.Version < 0 {
				t.Fatalf("an object is not whole: %+v", o)
			}
			if o.Gone && len(o.Facts) > 0 {
				t.Fatal("what is gone says something")
			}
			for _, fact := range o.Facts {
				if !dental.ValidID(fact.PatientID()) || fact.PatientID() != o.Patient() {
					t.Fatalf("a fact is of %q, its object of %q", fact.PatientID(), o.Patient())
				}
				switch {
				case fact.Card != nil:
					name(t, fact.Card.FamilyName, fact.Card.GivenName, fact.Card.MiddleName, fact.Card.Number, fact.Card.Mail)
				case fact.Appointment != nil:
					plausible(t, fact.Appointment.Start)
					if !fact.Appointment.End.IsZero() && fact.Appointment.End.Sub(fact.Appointment.Start) > 24*time.Hour {
						t.Fatal("it lasts longer than a day")
					}
				case fact.Visit != nil:
					plausible(t, fact.Visit.FinishedAt)
					positive(t, fact.Visit.Receipt)
				case fact.Payment != nil:
					plausible(t, fact.Payment.At)
					positive(t, fact.Payment.Amount)
				case fact.Piece != nil:
					positive(t, fact.Piece.Amount)
					name(t, fact.Piece.Procedure.Name, fact.Piece.Procedure.Code)
				}
			}
		}
		again, err := opendental.Read(cl, account(), d)
		if err != nil || !bytes.Equal(raw(t, heard), raw(t, again)) {
			t.Fatalf("read again it is another: %v", err)
		}
	})
}

func raw(t *testing.T, of any) []byte {
	out, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func name(t *testing.T, texts ...string) {
	for _, s := range texts {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 320 || bytes.ContainsAny([]byte(s), "\x00\r\n") {
			t.Fatalf("%q is no line", s)
		}
	}
}

func plausible(t *testing.T, at time.Time) {
	if y := at.UTC().Year(); y < 1899 || y > 2101 {
		t.Fatalf("it is at %v", at)
	}
}

func positive(t *testing.T, m dental.Money) {
	if m.Minor < 0 || m.Minor > 1e15 || m.Minor > 0 != (m.Currency == "USD") {
		t.Fatalf("an amount is %+v", m)
	}
}
