package renovatio_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

func account() dental.Account {
	return dental.Account{Settings: map[string]string{}, Secrets: map[string]dental.Secret{renovatio.KeySecret: "0f1e2d3c4b5a69788796a5b4c3d2e1f0", dental.CallbackSecret: "0123456789abcdef"}}
}

var received = time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)

func document(event, data string) string { return fmt.Sprintf(`{"event":%q,"data":%s}`, event, data) }

func read(t *testing.T, body string) intake.Heard {
	t.Helper()
	heard, err := renovatio.Read(clinic(), account(), intake.Delivery{Body: []byte(body), At: received})
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return heard
}

const example = `{"id":17,"time_start":"12.03.2026 12:30","time_end":"12.03.2026 13:15","clinic_id":1,"clinic":"Клиника","doctor_id":4,"doctor":"Смирнова Анна",
"patient_id":5,"patient_name":"Ромашкина Вера Павловна","patient_birth_date":"12.05.2000","patient_gender":"Ж","patient_phone":"+79160000001","patient_email":"vera@example.com",
"date_created":"01.03.2026 10:00","date_updated":"10.03.2026 14:35","status":"upcoming","status_id":1,"confirm_status":0,"source":"site","moved_to":0,"moved_from":0,
"is_telemedicine":false,"services":[{"title":"Профессиональная гигиена","price":"5400.00","count":1}]}`

// with is the example with some of its fields written otherwise.
func with(replace ...string) string {
	s := example
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(s, replace[i]) {
			panic("the example has no " + replace[i])
		}
		s = strings.Replace(s, replace[i], replace[i+1], 1)
	}
	return s
}

// said is what a delivery comes to, in words.
func said(h intake.Heard) string {
	if h.Silent != "" {
		return "silent: " + h.Silent
	}
	var out []string
	for _, o := range h.Objects {
		name := o.Kind + " " + o.ID
		if o.System == "" {
			name = "in passing"
		}
		if o.Gone {
			name += " gone"
		}
		for _, f := range o.Facts {
			switch {
			case f.Card != nil:
				name += fmt.Sprintf("; card %s %q %s/%s/%s %s %s %s %s %s", f.Card.ID, f.Card.Says, f.Card.FamilyName, f.Card.GivenName, f.Card.MiddleName,
					f.Card.Number, f.Card.Mail, f.Card.BirthDate, f.Card.Sex, f.Card.Status)
			case f.Appointment != nil:
				end := "?"
				if !f.Appointment.End.IsZero() {
					end = f.Appointment.End.Format("15:04")
				}
				name += fmt.Sprintf("; %s %s of %s at %s-%s by %s for %v", f.Appointment.Status, f.Appointment.ID, f.Appointment.Patient, f.Appointment.Start.Format("02 15:04"), end, f.Appointment.Doctor.Name, f.Appointment.Services)
				if f.Appointment.MovedTo != "" {
					name += " moved to " + f.Appointment.MovedTo
				}
			case f.Visit != nil:
				name += fmt.Sprintf("; visit %s over %s for %s: %d", f.Visit.ID, f.Visit.FinishedAt.Format("15:04"), f.Visit.Receipt, len(f.Visit.Procedures))
			}
		}
		out = append(out, name)
	}
	for _, ref := range h.Fetch {
		out = append(out, "read "+ref.Kind+" "+ref.ID)
	}
	return strings.Join(out, " | ")
}

const (
	hint   = `in passing; card rn.5 "hint" Ромашкина/Вера/Павловна +79160000001 vera@example.com 2000-05-12 female  | `
	booked = `appointment 17; booked 17 of rn.5 at 12 12:30-13:15 by Смирнова Анна for [{ Профессиональная гигиена  false}]`
	came   = `; visit 17 over 13:15 for 5400.00 RUB: 1`
)

func as(status string) string { return hint + strings.Replace(booked, "booked", status, 1) }

func TestAnAppointmentIsOneHoweverItIsTold(t *testing.T) {
	form := func(event, data string) string { return url.Values{"event": {event}, "data": {data}}.Encode() }
	for says, body := range map[string]string{
		"a document":                        document("create_appointment", example),
		"a document with a list":            document("update_appointment", "["+example+"]"),
		"a document with a string":          document("create_appointment", fmt.Sprintf("%q", strings.ReplaceAll(example, "\n", ""))),
		"a form":                            form("create_appointment", example),
		"a form with a list":                form("update_appointment", "["+example+"]"),
		"another case":                      document("Create_Appointment", example),
		"a verb that nobody has documented": document("finish_appointment", example),
		"spaces before it":                  "\n " + document("create_appointment", example),
	} {
		t.Run(says, func(t *testing.T) {
			if got := said(read(t, body)); got != hint+booked {
				t.Errorf("got  %s\nwant %s", got, hint+booked)
			}
		})
	}
}

func TestAnAppointmentsOddValues(t *testing.T) {
	for _, c := range []struct {
		says    string
		replace []string
		want    string
	}{
		{"completed", []string{`"upcoming"`, `"completed"`}, hint + booked + came},
		{"completed by its number", []string{`"status":"upcoming","status_id":1`, `"status_id":"4"`}, hint + booked + came},
		{"refused", []string{`"upcoming"`, `"refused"`}, as("cancelled")},
		{"refused by its number", []string{`"status":"upcoming","status_id":1`, `"status":null,"status_id":5`}, as("cancelled")},
		{"confirmed", []string{`"confirm_status":0`, `"confirm_status":1`}, as("confirmed")},
		{"confirmed, as a string", []string{`"confirm_status":0`, `"confirm_status":"1"`}, as("confirmed")},
		{"confirm_status true", []string{`"confirm_status":0`, `"confirm_status":true`}, as("confirmed")},
		{"confirm_status of another meaning", []string{`"confirm_status":0`, `"confirm_status":2`}, as("booked")},
		{"a status of the clinic's own", []string{`"upcoming"`, `"in_progress"`}, as("booked")},
		{"ids as strings", []string{`"id":17`, `"id":"17"`, `"patient_id":5`, `"patient_id":"5"`, `"doctor_id":4`, `"doctor_id":"4"`}, hint + booked},
		{"its id under its other name", []string{`"id":17`, `"appointment_id":17`}, hint + booked},
		{"moved_to null", []string{`"moved_to":0`, `"moved_to":null`}, hint + booked},
		{"moved_to false and moved_from empty", []string{`"moved_to":0,"moved_from":0`, `"moved_to":false,"moved_from":""`}, hint + booked},
		{"moved_to an empty list", []string{`"moved_to":0`, `"moved_to":[]`}, hint + booked},
		{"no end", []string{`"12.03.2026 13:15"`, `null`}, hint + strings.Replace(booked, "13:15", "?", 1)},
		{"an end before the start", []string{`12.03.2026 13:15`, `12.03.2026 11:15`}, hint + strings.Replace(booked, "13:15", "?", 1)},
		{"completed without an end", []string{`"12.03.2026 13:15"`, `""`, `"upcoming"`, `"completed"`}, hint + strings.Replace(booked, "13:15", "?", 1) + strings.Replace(came, "13:15", "13:30", 1)},
		{"seconds in its times", []string{`12.03.2026 12:30`, `12.03.2026 12:30:00`}, hint + booked},
		{"no doctor", []string{`"doctor_id":4,"doctor":"Смирнова Анна"`, `"doctor_id":null,"doctor":null`}, hint + strings.Replace(booked, "Смирнова Анна", "", 1)},
		{"services null", []string{`[{"title":"Профессиональная гигиена","price":"5400.00","count":1}]`, `null`, `"upcoming"`, `"completed"`}, hint + strings.Replace(booked, "{ Профессиональная гигиена  false}", "", 1) + `; visit 17 over 13:15 for 0.00 : 0`},
		{"services with gaps in their places", []string{`[{"title":"Профессиональная гигиена","price":"5400.00","count":1}]`, `{"2":{"title":"Профессиональная гигиена","price":5400,"count":null}}`, `"upcoming"`, `"completed"`}, hint + booked + came},
		{"a service twice", []string{`"count":1`, `"count":"2"`, `"upcoming"`, `"completed"`}, hint + booked + `; visit 17 over 13:15 for 10800.00 RUB: 1`},
		{"two services", []string{`"count":1}`, `"count":1},{"title":"Снимок","price":600}`, `"upcoming"`, `"completed"`}, hint + strings.Replace(booked, "false}", "false} { Снимок  false}", 1) + `; visit 17 over 13:15 for 6000.00 RUB: 2`},
		{"a service with its code", []string{`{"title"`, `{"code":"A16.07.051","title"`}, hint + strings.Replace(booked, "{ Проф", "{A16.07.051 Проф", 1)},
		{"a price null", []string{`"5400.00"`, `null`, `"upcoming"`, `"completed"`}, hint + booked + `; visit 17 over 13:15 for 0.00 : 1`},
		{"a price of nothing", []string{`"5400.00"`, `0`, `"upcoming"`, `"completed"`}, hint + booked + `; visit 17 over 13:15 for 0.00 RUB: 1`},
		{"no patient's data", []string{`"patient_name":"Ромашкина Вера Павловна"`, `"patient_name":null`, `"+79160000001"`, `null`}, booked},
		{"deleted", []string{`"clinic_id":1`, `"is_deleted":1`}, `appointment 17 gone`},
		{"deleted as a string", []string{`"clinic_id":1`, `"is_deleted":"1"`}, `appointment 17 gone`},
		{"not deleted", []string{`"clinic_id":1`, `"is_deleted":0`}, hint + booked},
	} {
		t.Run(c.says, func(t *testing.T) {
			if got := said(read(t, document("update_appointment", "["+with(c.replace...)+"]"))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAMoveIsAnEndThatNamesWhatCameInItsPlace(t *testing.T) {
	ended := said(read(t, document("cancel_appointment", with(`"moved_to":0`, `"moved_to":18`))))
	if want := as("cancelled") + " moved to 18 | read appointment 18"; ended != want {
		t.Errorf("got  %s\nwant %s", ended, want)
	}
	begun := said(read(t, document("create_appointment", with(`"id":17`, `"id":18`, `"moved_from":0`, `"moved_from":"17"`))))
	if want := strings.ReplaceAll(hint+booked, " 17", " 18") + " | read appointment 17"; begun != want {
		t.Errorf("got  %s\nwant %s", begun, want)
	}
	later := said(read(t, document("update_appointment", "["+with(`"id":17`, `"id":18`, `"moved_from":0`, `"moved_from":17`)+"]")))
	if strings.Contains(later, "read") {
		t.Errorf("a later change reads the old one again: %s", later)
	}
	completed := said(read(t, document("update_appointment", with(`"moved_to":0`, `"moved_to":18`, `"upcoming"`, `"completed"`))))
	if strings.Contains(completed, "visit") {
		t.Errorf("what was moved has taken place: %s", completed)
	}
}

func TestTheVerbSaysWhatTheDataMayNot(t *testing.T) {
	for event, want := range map[string]string{
		"cancel_appointment": as("cancelled"),
		"refuse_appointment": as("cancelled"),
		"delete_appointment": "appointment 17 gone",
		"remove_appointment": "appointment 17 gone",
	} {
		if got := said(read(t, document(event, example))); got != want {
			t.Errorf("%s is %s", event, got)
		}
	}
	if got := said(read(t, document("delete_appointment", `{"id":17}`))); got != "appointment 17 gone" {
		t.Error(got)
	}
}

func TestWhatSaysTooLittleIsReadFromTheAPI(t *testing.T) {
	for says, c := range map[string]struct{ body, want string }{
		"no time of change":          {document("update_appointment", "["+with(`"date_updated":"10.03.2026 14:35",`, ``)+"]"), "read appointment 17"},
		"a time of change that is 0": {document("update_appointment", "["+with(`10.03.2026 14:35`, `00.00.0000 00:00`)+"]"), "read appointment 17"},
		"no start":                   {document("update_appointment", "["+with(`"12.03.2026 12:30"`, `null`)+"]"), "read appointment 17"},
		"nobody":                     {document("update_appointment", "["+with(`"patient_id":5`, `"patient_id":0`)+"]"), "read appointment 17"},
		"its number alone":           {document("cancel_appointment", `{"appointment_id":17}`), "read appointment 17"},
		"one twice":                  {document("update_appointment", `[{"id":17},{"id":"17"},{"id":18}]`), "read appointment 17 | read appointment 18"},
		"a move by numbers alone":    {document("cancel_appointment", `{"id":17,"moved_to":18}`), "read appointment 18 | read appointment 17"},
		"a patient's number":         {document("update_patient", `{"patient_id":5}`), "read patient 5"},
		"a patient without a change": {document("update_patient", `{"patient_id":5,"last_name":"Ким"}`), "read patient 5"},
	} {
		t.Run(says, func(t *testing.T) {
			if got := said(read(t, c.body)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAPatientIsACard(t *testing.T) {
	const card = `{"patient_id":5,"number":12,"last_name":"Ромашкина","first_name":"Вера","third_name":"Павловна","birth_date":"12.05.2000","gender":"женский","mobile":"+79160000001","phone":"+74950000001",
"email":"vera@example.com","date_updated":"10.03.2026","time_updated":"14:35","address":[],"is_deleted":false}`
	const whole = `patient 5; card rn.5 "some" Ромашкина/Вера/Павловна +79160000001 vera@example.com 2000-05-12 female `
	for _, c := range []struct{ says, event, from, to, want string }{
		{"new", "create_patient", "", "", whole},
		{"changed, in a list", "update_patient", card, "[" + card + "]", whole},
		{"its id under its other name", "update_patient", `"patient_id"`, `"id"`, whole},
		{"the time of change in one field", "update_patient", `"10.03.2026","time_updated":"14:35"`, `"10.03.2026 14:35","time_updated":null`, whole},
		{"the day of change alone", "update_patient", `,"time_updated":"14:35"`, ``, whole},
		{"the mobile null: the other phone", "update_patient", `"+79160000001"`, `null`, strings.Replace(whole, "+79160000001", "+74950000001", 1)},
		{"a gender as a number", "update_patient", `"женский"`, `1`, strings.Replace(whole, "female", "", 1)},
		{"a man", "update_patient", `"женский"`, `"М"`, strings.Replace(whole, "female", "male", 1)},
		{"born on no day", "update_patient", `"12.05.2000"`, `"00.00.0000"`, strings.Replace(whole, "2000-05-12", "", 1)},
		{"deleted", "delete_patient", "", "", whole + "archived"},
		{"deleted, by the card", "update_patient", `"is_deleted":false`, `"is_deleted":"1"`, whole + "archived"},
	} {
		t.Run(c.says, func(t *testing.T) {
			if got := said(read(t, document(c.event, strings.Replace(card, c.from, c.to, 1)))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestStatesAreOrderedByTheTimeOfTheirChange(t *testing.T) {
	version := func(body string) int64 { h := read(t, body); return h.Objects[len(h.Objects)-1].Version }
	first := version(document("create_appointment", example))
	if first != time.Date(2026, 3, 10, 11, 35, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("the version is %d", first)
	}
	if later := version(document("create_appointment", with("14:35", "14:36"))); later <= first {
		t.Errorf("a minute later it is %d", later)
	}
	if gone := version(document("delete_appointment", example)); gone <= first {
		t.Errorf("a deletion is %d", gone)
	}
	const card = `{"patient_id":5,"last_name":"Ким","date_updated":"10.03.2026","time_updated":"14:35"}`
	if gone := version(document("delete_patient", card)); version(document("update_patient", card)) != first || gone <= first {
		t.Errorf("a patient's deletion is %d", gone)
	}
}

func TestATimeThatClocksSkipOrRepeatIsWhatTheCalendarMakesOfIt(t *testing.T) {
	cl := clinic()
	cl.TimeZone = "Europe/Berlin"
	for in, want := range map[string]time.Time{
		"29.03.2026 02:30": time.Date(2026, 3, 29, 2, 30, 0, 0, cl.Location()),  // there is none
		"25.10.2026 02:30": time.Date(2026, 10, 25, 2, 30, 0, 0, cl.Location()), // there are two
	} {
		heard, err := renovatio.Read(cl, account(), intake.Delivery{Body: []byte(document("create_appointment", with("12.03.2026 12:30", in))), At: received})
		if err != nil {
			t.Fatal(err)
		}
		if got := heard.Objects[1].Facts[0].Appointment.Start; !got.Equal(want) {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestWhatDoesNotMatterIsPassedOver(t *testing.T) {
	for _, body := range []string{
		document("lab_ready", `{"id":1}`), document("create_invoice", `{"id":1}`), document("appointment", example), document("create_appointment_document", example),
		"event=lab_ready", "event=create_payment&data=что+угодно",
	} {
		if got := said(read(t, body)); got != "silent: other" {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestWhatCannotBeOneOfItsIsRefusedWithoutAPersonsData(t *testing.T) {
	for says, body := range map[string]string{
		"nothing":                    ``,
		"spaces":                     ` `,
		"no event":                   `{"data":{}}`,
		"an event that is an object": `{"event":{},"data":{}}`,
		"a form without an event":    `data=%7B%7D`,
		"a form that is none":        `event=create_appointment&data=%zz`,
		"a field of the form twice":  `event=create_appointment&event=cancel_appointment&data=%7B%22id%22%3A1%7D`,
		"no data":                    `{"event":"create_appointment"}`,
		"a form without data":        `event=create_appointment`,
		"data null":                  document("create_appointment", `null`),
		"data that is a number":      document("create_appointment", `7`),
		"data that is a word":        document("create_appointment", `"Ромашкина"`),
		"an empty list":              document("update_appointment", `[]`),
		"a list of words":            document("update_appointment", `["Ромашкина"]`),
		"too many":                   document("update_appointment", "["+strings.Repeat(`{"id":1},`, 500)+`{"id":1}]`),
		"no number":                  document("create_appointment", with(`"id":17`, `"id":0`)),
		"a number without an end":    document("create_appointment", with(`"id":17`, `"id":"`+strings.Repeat("1", 300)+`"`)),
		"a patient without a number": document("create_patient", `{"last_name":"Ромашкина"}`),
		"a key twice":                document("create_appointment", `{"id":1,"id":2}`),
		"a key twice, in the string": document("create_appointment", `"{\"id\":1,\"id\":2}"`),
		"a price in words":           document("create_appointment", with(`"5400.00"`, `"Ромашкина"`)),
		"a price below nothing":      document("create_appointment", with(`"5400.00"`, `-1`)),
		"a name that is an object":   document("create_appointment", with(`"Ромашкина Вера Павловна"`, `{"x":"Ромашкина"}`)),
		"services that are a word":   document("create_appointment", with(`[{"title":"Профессиональная гигиена","price":"5400.00","count":1}]`, `"Ромашкина"`)),
		"several that are none":      document("update_appointment", `[{"id":""},{"id":0}]`),
	} {
		t.Run(says, func(t *testing.T) {
			heard, err := renovatio.Read(clinic(), account(), intake.Delivery{Body: []byte(body), At: received})
			if dental.KindOf(err) != dental.Invalid || len(heard.Objects)+len(heard.Fetch) > 0 {
				t.Fatalf("got %v and %v", heard, err)
			}
			if strings.Contains(err.Error(), "Ромашкина") || strings.Contains(err.Error(), "7916") {
				t.Errorf("the error repeats the document: %v", err)
			}
		})
	}
	_, err := renovatio.Read(clinic(), account(), intake.Delivery{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`[]`), At: received})
	if dental.KindOf(err) != dental.Invalid {
		t.Errorf("a list that says it is JSON: %v", err)
	}
}

func TestAnAccountIsReadAtOnce(t *testing.T) {
	if err := renovatio.Validate(account()); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for _, url := range []string{"https://mis.clinic.ru:3010", "https://app.rnova.org/api/public/", "https://MIS.clinic.ru"} {
		a := account()
		a.Settings[renovatio.URLSetting] = url
		if err := renovatio.Validate(a); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	err := renovatio.Validate(dental.Account{Settings: map[string]string{renovatio.URLSetting: "http://localhost", "clinic": "1"},
		Secrets: map[string]dental.Secret{renovatio.KeySecret: "short", dental.CallbackSecret: "short", "password": "hunter2hunter2"}})
	for _, field := range []string{"settings.url", "settings.clinic", "secrets.key", "secrets.callback", "secrets.password"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
	if dental.KindOf(err) != dental.Invalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	for _, url := range []string{"http://app.rnova.org", "https://127.0.0.1", "https://169.254.169.254/latest", "https://10.0.0.1:3010", "https://[::1]", "https://mis", "https://mis.local", "https://metadata.google.internal",
		"https://u:p@clinic.ru", "https://clinic.ru/x", "https://clinic.ru?x=1", "ftp://clinic.ru", "https://mis.example.com", "https://mis.home", "https://127.1", "https://"} {
		a := account()
		a.Settings[renovatio.URLSetting] = url
		if renovatio.Validate(a) == nil {
			t.Errorf("%s is taken for a server", url)
		}
	}
}

func TestAVisitThatIsMarkedAheadOfItsDayIsHeldBack(t *testing.T) {
	zone := clinic().Location()
	mistest.Held(t, time.Date(2026, 3, 12, 13, 15, 0, 0, zone), time.Date(2026, 3, 12, 0, 0, 0, 0, zone), func(at time.Time) intake.Object {
		heard, err := renovatio.Read(clinic(), account(), intake.Delivery{Body: []byte(document("update_appointment", with(`"upcoming"`, `"completed"`))), At: at})
		if err != nil {
			t.Fatal(err)
		}
		return heard.Objects[len(heard.Objects)-1]
	})
}
