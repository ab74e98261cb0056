package opendental_test

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/opendental"
)

func TestARowOfADeliveryThatCannotBeReadTakesNoOtherWithIt(t *testing.T) {
	for name, c := range map[string]struct {
		table, bad string
		fetch      []intake.Ref
		gap        bool
	}{
		"one of nobody is asked for by its number":            {"Appointment", with(appointmentRow, "AptNum", "19", "PatNum", "0"), []intake.Ref{{Kind: "appointment", ID: "19"}}, false},
		"one of another shape is, too":                        {"Appointment", `{"AptNum": 19, "PatNum": 48, "ProcDescript": {"a": 1}}`, []intake.Ref{{Kind: "appointment", ID: "19"}}, false},
		"one of a table that the delivery does not name, too": {"", `{"AptNum": 19, "PatNum": 0, "AptStatus": "Scheduled"}`, []intake.Ref{{Kind: "appointment", ID: "19"}}, false},
		"a patient is, too":                                   {"Patient", `{"PatNum": "19", "LName": ["Larkspur"]}`, []intake.Ref{{Kind: "patient", ID: "19"}}, false},
		"for one without a number all that has changed is":    {"Appointment", `{"PatNum": 48, "AptStatus": "Scheduled"}`, nil, true},
		"for one that is no row at all, too":                  {"Appointment", `"?"`, nil, true},
		"for a payment, which has no address, too":            {"Payment", with(paymentRow, "PayNum", "19", "PatNum", "0"), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			good := map[string]string{"": appointmentRow, "Appointment": appointmentRow, "Patient": patientRow, "Payment": paymentRow}[c.table]
			d := event(c.table, "["+c.bad+","+good+"]")
			if c.table == "" {
				d.Header.Del("Event-Type")
			}
			heard, err := opendental.Read(clinic(), account(), d)
			if err != nil || len(heard.Objects) != 1 || len(heard.Objects[0].Facts) == 0 {
				t.Fatalf("got %+v, %v", heard, err)
			}
			if !reflect.DeepEqual(heard.Fetch, c.fetch) || heard.Gap != c.gap || heard.Silent != "" {
				t.Errorf("it asks for %v, for all %v, and is silent: %q", heard.Fetch, heard.Gap, heard.Silent)
			}
		})
	}
}

func TestARowOfAListThatCannotBeReadIsRefusedByItsNameAndStopsNoOther(t *testing.T) {
	a := start(t)
	a.add("/patients/Simple", 1, with(patientRow, "PatNum", "1", "LName", `{"x": 1}`))
	a.add("/patients/Simple", 2, with(patientRow, "PatNum", "2"))
	a.add("/appointments", 18, with(appointmentRow, "PatNum", "0"))
	a.add("/payments", 5, paymentRow)
	c, good := a.client(t), map[string]bool{}
	objects, cursor, err := mistest.Round(t.Context(), c, clinic(), a.account(), "", now())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.System != dental.OpenDental || (o.Unreadable == nil) != (o.Patient() != "") {
			t.Errorf("got %+v", o)
		}
		good[o.Kind+" "+o.ID] = o.Unreadable == nil
	}
	want := map[string]bool{"patient 1": false, "patient 2": true, "appointment 18": false, "payment 56734": true}
	if !reflect.DeepEqual(good, want) {
		t.Errorf("there came %v, want %v", good, want)
	}
	a.Forget()
	_, err = c.Changed(t.Context(), clinic(), a.account(), cursor, now())
	if asked := a.Asked(); err != nil || asked[0] != "GET /patients/Simple?DateTStamp=2026-08-01+11%3A59%3A00" {
		t.Errorf("the next time it is asked %v, %v", asked, err)
	}
}

func TestARowThatDoesNotSayHowAPatientStandsChangesNothingOfThat(t *testing.T) {
	mistest.Keeps(t, clinic(), now(), only(t, "Patient", `{"PatNum": 48, "LName": "Larkspur", "FName": "Jane", "DateTStamp": "2026-04-21 11:46:19"}`))
}

func TestARowIsReadWithTheSpacesThatItIsWrittenWith(t *testing.T) {
	bare := only(t, "Patient", `{"PatNum": 48, "LName": "Larkspur", "FName": "Mary Jane", "PatStatus": "Archived", "Birthdate": "1980-03-01", "DateTStamp": "2026-04-21 11:46:19"}`)
	for _, row := range []string{
		`{"PatNum": " 48 ", "LName": " Larkspur", "FName": "Mary\u00a0 Jane", "PatStatus": " Archived ", "Birthdate": " 1980-03-01 00:00:00", "DateTStamp": "2026-04-21 11:46:19 "}`,
		`{"PatNum": 48, "LName": "Larkspur", "FName": "Mary\tJane ", "MiddleI": [], "PatStatus": "Archived", "Birthdate": "1980-03-01T00:00:00", "DateTStamp": "2026-04-21T11:46:19"}`,
	} {
		if o := only(t, "Patient", row); !reflect.DeepEqual(o, bare) {
			t.Errorf("%s is\n%+v, want\n%+v", row, o, bare)
		}
	}
}

func TestARowThatIsKnownAndCannotBeReadAnyMoreIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ says, column, value string }{
		"of nobody":        {"PatNum: ", "PatNum", `0`},
		"of another shape": {"ProcDescript: ", "ProcDescript", `["PerEx"]`},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			mistest.Unread(t, clinic(), a.account(), a.client(t), now(), intake.Ref{Kind: "appointment", ID: "18"}, c.says, func(whole bool) {
				row := appointmentRow
				if !whole {
					row = with(appointmentRow, c.column, c.value, "DateTStamp", `"2026-05-04 08:00:00"`)
				}
				a.Answer(func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/api/v1/appointments/18":
						_, _ = w.Write([]byte(row))
					case "/api/v1/appointments":
						_, _ = w.Write([]byte("[" + row + "]"))
					default:
						_, _ = w.Write([]byte("[]"))
					}
				})
			})
		})
	}
}

func TestAProcedureWhoseFeeIsNoValueIsRefusedByItsName(t *testing.T) {
	a := start(t)
	a.add("/procedurelogs", 20, with(procedureRow, "ProcFee", `{"sum": 130}`))
	objects, _, err := mistest.Round(t.Context(), a.client(t), clinic(), a.account(), "", now())
	if err != nil || len(objects) != 1 || objects[0].Kind != "procedurelog" || objects[0].ID != "20" || dental.KindOf(objects[0].Unreadable) != dental.Invalid {
		t.Errorf("got %+v, %v", objects, err)
	}
}

func TestOfAStormAsManyRowsAreTakenAtOnceAsThereIsTimeForAndTheRestIsAskedFor(t *testing.T) {
	var rows []string
	for n := 1; n <= 1000; n++ {
		rows = append(rows, with(appointmentRow, "AptNum", strconv.Itoa(n)))
	}
	heard := read(t, "Appointment", "["+strings.Join(rows[:200], ",")+"]")
	if len(heard.Objects) != 200 || heard.Gap {
		t.Errorf("of 200 rows there are %d objects, and the rest is asked for: %v", len(heard.Objects), heard.Gap)
	}
	heard = read(t, "Appointment", "["+strings.Join(rows, ",")+"]")
	if len(heard.Objects) != 200 || !heard.Gap || heard.Objects[199].ID != "200" {
		t.Errorf("of 1000 rows there are %d objects, and the rest is asked for: %v", len(heard.Objects), heard.Gap)
	}
	for i := range rows {
		rows[i] = with(appointmentRow, "AptNum", strconv.Itoa(i+1), "PatNum", "0")
	}
	heard = read(t, "Appointment", "["+appointmentRow+","+strings.Join(rows, ",")+"]")
	if len(heard.Fetch) != 200 || !heard.Gap {
		t.Errorf("of 1000 rows that cannot be read %d are asked for, and the rest is: %v", len(heard.Fetch), heard.Gap)
	}
	heard = read(t, "AppointmentDeleted", "["+strings.Join(rows, ",")+"]")
	if len(heard.Objects) != 1000 || heard.Gap {
		t.Errorf("of 1000 that are gone there are %d objects", len(heard.Objects))
	}
}
