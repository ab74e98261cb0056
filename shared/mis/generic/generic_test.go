package generic_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
)

// decode wants the document to be taken.
func decode(t rapid.TB, raw []byte) intake.Event {
	t.Helper()
	e, err := generic.Decode("demo", "msg_1", raw)
	if err != nil {
		t.Fatalf("%s\nis refused: %v", raw, err)
	}
	return e
}

// refusal wants the document to be refused in the promised form.
func refusal(t rapid.TB, raw []byte) *dental.Error {
	t.Helper()
	e, err := generic.Decode("demo", "msg_1", raw)
	if err == nil {
		t.Fatalf("%.500s\nis taken", raw)
	}
	bad, ok := err.(*dental.Error)
	if !ok || bad.Kind != dental.Invalid || bad.Message == "" {
		t.Fatalf("%.500s\nis refused by %T: %v", raw, err, err)
	}
	if bad.Field == "" && !strings.HasPrefix(bad.Message, "the document ") {
		t.Fatalf("%.500s\nis refused without naming a field or the document: %v", raw, err)
	}
	if !reflect.DeepEqual(e, intake.Event{}) {
		t.Fatalf("%.500s\nis refused, and yet gave %+v", raw, e)
	}
	return bad
}

func at(day, hour, minute, second int) time.Time {
	return time.Date(2026, 5, day, hour, minute, second, 0, time.UTC)
}

func TestEveryTypeIsReadInFull(t *testing.T) {
	irina := dental.Doctor{ID: "D-3", Name: "Ирина Соколова", PhotoURL: "https://clinic.example/irina.jpg"}
	for _, want := range []intake.Event{
		{Type: intake.PatientUpdated, At: at(22, 6, 0, 0), Card: &intake.Card{
			Patient: dental.Patient{Clinic: "demo", ID: "P-77", FamilyName: "Петрова", GivenName: "Анна", MiddleName: "Сергеевна",
				BirthDate: dental.Date{Year: 1985, Month: 3, Day: 14}, Sex: "female", Language: "ru", Status: dental.Archived,
				DoctorID: "D-3", GuardianID: "P-70", Preferred: dental.WhatsApp, Source: dental.Source{Version: 7},
				Consents: []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: true,
					At: time.Date(2025, 1, 1, 7, 0, 0, 0, time.UTC), Source: "paper", Text: "v1"}}},
			Number: "8 (916) 000-00-01", Mail: "P77@Example.com"}},
		{Type: intake.PatientDeleted, At: at(22, 9, 0, 0), Gone: &intake.Deletion{ID: "P-77", Version: 9}},
		{Type: intake.AppointmentBooked, At: at(20, 9, 0, 0), Appointment: &dental.Appointment{
			Clinic: "demo", Patient: "P-77", ID: "A-501", Start: at(22, 12, 0, 0), End: at(22, 12, 30, 0), Doctor: irina,
			Services: []dental.ServiceType{{Code: "A16.07.051", Name: "Гигиена", Kind: dental.Hygiene}},
			Status:   dental.Booked, Source: dental.Source{Version: 2}}},
		{Type: intake.VisitCompleted, At: at(22, 12, 40, 0), Visit: &dental.Visit{
			Clinic: "demo", Patient: "P-77", ID: "V-1001", AppointmentID: "A-501", FinishedAt: at(22, 12, 35, 0), Doctor: irina,
			Procedures: []dental.Procedure{{Code: "A16.07.051", Name: "Профессиональная гигиена", Kind: dental.Hygiene, Tooth: "16", Minutes: 30}},
			Diagnoses:  []dental.Coded{{Code: "K03.6", Name: "Отложения на зубах"}},
			Receipt:    dental.Money{Minor: 540000, Currency: "RUB"}, Complex: true, Recommendations: "Не есть 2 часа.\nЩётка мягкая.",
			NextStep:   dental.ServiceType{Code: "B01", Name: "Контроль", Kind: dental.Therapy},
			ReturnDate: dental.Date{Year: 2026, Month: 11, Day: 22}, Source: dental.Source{Version: 3}}},
		{Type: intake.PlanUpdated, At: at(22, 13, 0, 0), Plan: &dental.Plan{
			Clinic: "demo", Patient: "P-77", ID: "L-12", PresentedAt: at(22, 12, 35, 0), Source: dental.Source{Version: 2},
			Stages: []dental.Stage{{ID: "1", Name: "Имплантация", Kind: dental.Implant, Status: dental.StageDone,
				Price: dental.Money{Minor: 4500050, Currency: "RUB"}, DoneAt: at(22, 12, 35, 0).Add(250 * time.Millisecond)}}}},
		{Type: intake.PaymentReceived, At: at(22, 12, 45, 0), Payment: &dental.Payment{
			Clinic: "demo", Patient: "P-77", ID: "F-9", VisitID: "V-1001", Amount: dental.Money{Minor: 540000, Currency: "RUB"},
			At: at(22, 12, 44, 10), Kind: dental.Refund, Source: dental.Source{Version: 1}}},
	} {
		t.Run(string(want.Type), func(t *testing.T) {
			got := decode(t, []byte(sample(want.Type)))
			sum := sha256.Sum256([]byte(sample(want.Type)))
			want.Clinic, want.ID, want.Body = "demo", "msg_1", hex.EncodeToString(sum[:])
			if source := sourceOf(&got); source != nil {
				if len(source.Body) != 64 || source.Body == got.Body {
					t.Errorf("the object's hash is %q, the body's %q", source.Body, got.Body)
				}
				source.Body = ""
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %s\nwant %s", show(got), show(want))
			}
		})
	}
}

// sourceOf is where the noun keeps its source, nil for a deletion.
func sourceOf(e *intake.Event) *dental.Source {
	switch {
	case e.Card != nil:
		return &e.Card.Source
	case e.Appointment != nil:
		return &e.Appointment.Source
	case e.Visit != nil:
		return &e.Visit.Source
	case e.Plan != nil:
		return &e.Plan.Source
	case e.Payment != nil:
		return &e.Payment.Source
	}
	return nil
}

// show writes an event with its noun.
func show(e intake.Event) string {
	noun := ""
	switch {
	case e.Card != nil: // a card masks itself
		type bare struct {
			Family, Given, Middle, Sex, Language, Doctor, Guardian, Number, Mail string
			Born                                                                 dental.Date
			Status                                                               dental.PatientStatus
			Preferred                                                            dental.Channel
			Consents                                                             []dental.Consent
			Source                                                               dental.Source
		}
		c := e.Card
		noun = fmt.Sprintf("%s/%s %+v", c.Clinic, c.ID, bare{c.FamilyName, c.GivenName, c.MiddleName, c.Sex, c.Language, c.DoctorID, c.GuardianID,
			c.Number, c.Mail, c.BirthDate, c.Status, c.Preferred, c.Consents, c.Source})
	case e.Gone != nil:
		noun = fmt.Sprintf("%+v", *e.Gone)
	case e.Appointment != nil:
		noun = fmt.Sprintf("%+v", *e.Appointment)
	case e.Visit != nil:
		noun = fmt.Sprintf("%+v", *e.Visit)
	case e.Plan != nil:
		noun = fmt.Sprintf("%+v", *e.Plan)
	case e.Payment != nil:
		noun = fmt.Sprintf("%+v", *e.Payment)
	}
	return fmt.Sprintf("%+v %s", e, noun)
}

func TestOnlyWhatIsRequiredIsEnough(t *testing.T) {
	const stamp = `"timestamp": "2026-05-22T15:40:00+03:00"`
	for _, c := range []struct {
		typ  intake.Type
		data string
		want intake.Event
	}{
		{intake.PatientUpdated, `{"id": "P"}`, intake.Event{Card: &intake.Card{Patient: dental.Patient{Clinic: "demo", ID: "P", Status: dental.Active}}}},
		{intake.PatientDeleted, `{"id": "P"}`, intake.Event{Gone: &intake.Deletion{ID: "P"}}},
		{intake.AppointmentCancelled, `{"id": "A", "patientId": "P", "start": "2026-05-22T12:00:00Z"}`,
			intake.Event{Appointment: &dental.Appointment{Clinic: "demo", Patient: "P", ID: "A", Start: at(22, 12, 0, 0), Status: dental.Cancelled}}},
		{intake.VisitCompleted, `{"id": "V", "patientId": "P", "finishedAt": "2026-05-22T12:00:00Z"}`,
			intake.Event{Visit: &dental.Visit{Clinic: "demo", Patient: "P", ID: "V", FinishedAt: at(22, 12, 0, 0)}}},
		{intake.PlanUpdated, `{"id": "L", "patientId": "P", "presentedAt": "2026-05-22T12:00:00Z"}`,
			intake.Event{Plan: &dental.Plan{Clinic: "demo", Patient: "P", ID: "L", PresentedAt: at(22, 12, 0, 0)}}},
		{intake.PaymentReceived, `{"id": "F", "patientId": "P", "amount": {"total": "0", "currency": "RUB"}, "at": "2026-05-22T12:00:00Z", "kind": "payment"}`,
			intake.Event{Payment: &dental.Payment{Clinic: "demo", Patient: "P", ID: "F", Amount: dental.Money{Currency: "RUB"}, At: at(22, 12, 0, 0), Kind: dental.Paid}}},
	} {
		t.Run(string(c.typ), func(t *testing.T) {
			got := decode(t, []byte(fmt.Sprintf(`{"type": %q, %s, "data": %s}`, c.typ, stamp, c.data)))
			got.Clinic, got.ID, got.Body = "", "", ""
			if source := sourceOf(&got); source != nil {
				source.Body = ""
			}
			c.want.Type, c.want.At = c.typ, at(22, 12, 40, 0)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %s\nwant %s", show(got), show(c.want))
			}
		})
	}
}

func TestAnAppointmentsStatusFollowsFromTheType(t *testing.T) {
	for typ, want := range map[intake.Type]dental.AppointmentStatus{
		intake.AppointmentBooked:    dental.Booked,
		intake.AppointmentMoved:     dental.Booked,
		intake.AppointmentConfirmed: dental.Confirmed,
		intake.AppointmentCancelled: dental.Cancelled,
		intake.AppointmentMissed:    dental.Missed,
	} {
		if got := decode(t, []byte(sample(typ))).Appointment.Status; got != want {
			t.Errorf("%s gives %q, want %q", typ, got, want)
		}
	}
}

func TestTheTablesKnowEveryFieldOfTheSamples(t *testing.T) {
	for _, typ := range intake.Types() {
		known := map[string]bool{}
		for _, f := range fields() {
			if slices.Contains(f.types, typ) {
				known[f.path] = true
			}
		}
		for _, path := range paths(parse(t, sample(typ)), "") {
			if !known[path] {
				t.Errorf("%s: no test knows the field %s", typ, path)
			}
			delete(known, path)
		}
		for path := range known {
			t.Errorf("%s: the sample lacks %s", typ, path)
		}
	}
}

// eachField runs over the fields of every type that pick chooses.
func eachField(t *testing.T, pick func(field) bool, run func(t *testing.T, raw string, f field)) {
	for _, f := range fields() {
		if !pick(f) {
			continue
		}
		for _, typ := range f.types {
			t.Run(fmt.Sprintf("%s %s", typ, f.path), func(t *testing.T) { run(t, sample(typ), f) })
		}
	}
}

// nothings are the spellings of a field that is not there.
func nothings(c class) []string {
	switch c {
	case aVersion, aMinute, aBool, anObject, aList:
		return []string{absent, "null"}
	}
	return []string{absent, "null", `""`}
}

func TestARequiredFieldIsMissedByName(t *testing.T) {
	eachField(t, func(f field) bool { return f.required }, func(t *testing.T, raw string, f field) {
		for _, nothing := range nothings(f.class) {
			doc := set(t, raw, f.path, nothing)
			if got := refusal(t, doc); got.Field != f.path || got.Message != "is missing" {
				t.Errorf("%s: %v", nothing, got)
			}
			schemaRefuses(t, doc)
		}
	})
}

func TestAnOptionalFieldMayBeNothing(t *testing.T) {
	eachField(t, func(f field) bool { return !f.required && f.class != anElement }, func(t *testing.T, raw string, f field) {
		var without intake.Event
		for _, nothing := range nothings(f.class) {
			doc := set(t, raw, f.path, nothing)
			got := decode(t, doc)
			schemaTakes(t, doc)
			if full := decode(t, []byte(raw)); reflect.DeepEqual(unhashed(got), unhashed(full)) {
				t.Errorf("%s changes nothing", nothing)
			}
			if nothing == absent {
				without = got
			}
			if !reflect.DeepEqual(unhashed(got), unhashed(without)) {
				t.Errorf("%s gives  %s\nabsent gives %s", nothing, show(got), show(without))
			}
			if source, other := sourceOf(&got), sourceOf(&without); nothing == "null" && source != nil && source.Body != other.Body {
				t.Error("the object with null is another object than the one without the field")
			}
		}
	})
}

// unhashed is the event without what depends on the spelling of its document.
func unhashed(e intake.Event) intake.Event {
	e.Body = ""
	switch {
	case e.Card != nil:
		c := *e.Card
		c.Body, e.Card = "", &c
	case e.Appointment != nil:
		a := *e.Appointment
		a.Body, e.Appointment = "", &a
	case e.Visit != nil:
		v := *e.Visit
		v.Body, e.Visit = "", &v
	case e.Plan != nil:
		p := *e.Plan
		p.Body, e.Plan = "", &p
	case e.Payment != nil:
		p := *e.Payment
		p.Body, e.Payment = "", &p
	}
	return e
}

func TestABadValueIsNamedAndNotRepeated(t *testing.T) {
	every := func(field) bool { return true }
	eachField(t, every, func(t *testing.T, raw string, f field) {
		values := bad(f.class)
		if len(values) == 0 {
			t.Fatalf("no bad value of the class %q", f.class)
		}
		if f.class == anElement {
			values = append(values, "null")
		}
		for _, value := range values {
			doc := set(t, raw, f.path, value)
			got := refusal(t, doc)
			if got.Field != f.path {
				t.Errorf("%.60s is said to be wrong in %q: %v", value, got.Field, got)
			}
			if text := strings.Trim(value, `"`); len(text) > 6 && strings.Contains(got.Error(), text) {
				t.Errorf("%.60s is repeated: %v", value, got)
			}
			schemaRefuses(t, doc)
		}
	})
}

func TestAGoodValueIsTaken(t *testing.T) {
	listed := func(f field) bool { return good(f.class) != nil }
	eachField(t, listed, func(t *testing.T, raw string, f field) {
		for _, value := range good(f.class) {
			doc := set(t, raw, f.path, value)
			decode(t, doc)
			schemaTakes(t, doc)
		}
	})
}

func TestEveryWordOfAFieldIsTaken(t *testing.T) {
	kinds := "hygiene implant orthodontics therapy surgery prosthetics periodontics diagnostics other"
	words := map[string]string{
		"type":                     "appointment.booked appointment.moved appointment.confirmed appointment.cancelled appointment.missed",
		"data.sex":                 "female male other unknown",
		"data.status":              "active archived moved deceased",
		"data.preferredChannel":    "sms email whatsapp",
		"data.consents[0].class":   "service care advertising",
		"data.consents[0].channel": "sms email whatsapp",
		"data.services[0].kind":    kinds,
		"data.procedures[0].kind":  kinds,
		"data.nextStep.kind":       kinds,
		"data.stages[0].kind":      kinds,
		"data.stages[0].status":    "planned booked done cancelled",
		"data.kind":                "payment refund",
	}
	eachField(t, func(f field) bool { return f.class == anEnum }, func(t *testing.T, raw string, f field) {
		if f.path == "type" {
			raw = appointmentSample
		}
		known := strings.Fields(words[f.path])
		if len(known) == 0 {
			t.Fatal("no words are known")
		}
		for _, word := range known {
			doc := set(t, raw, f.path, fmt.Sprintf("%q", word))
			decode(t, doc)
			schemaTakes(t, doc)
		}
		if got := refusal(t, set(t, raw, f.path, `"other word"`)); f.path != "type" && got.Message != "must be one of "+strings.Join(known, ", ") {
			t.Errorf("the refusal does not list the words: %v", got)
		}
	})
}

func TestAListHasAtMostAHundredElements(t *testing.T) {
	eachField(t, func(f field) bool { return f.class == aList }, func(t *testing.T, raw string, f field) {
		list := func(n int) []byte {
			elements := make([]string, n)
			for i := range elements {
				elements[i] = "{}"
				switch f.path {
				case "data.consents":
					elements[i] = `{"class":"care","channel":"sms","granted":true,"at":"2026-05-22T12:00:00Z"}`
				case "data.stages":
					elements[i] = fmt.Sprintf(`{"id":"%d","status":"planned"}`, i)
				}
			}
			return set(t, raw, f.path, "["+strings.Join(elements, ",")+"]")
		}
		decode(t, list(100))
		schemaTakes(t, list(100))
		if got := refusal(t, list(101)); got.Field != f.path {
			t.Errorf("101 elements: %v", got)
		}
		schemaRefuses(t, list(101))
	})
}

func TestADocumentThatIsNotOneEventIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, c := range []struct{ name, raw, field string }{
		{"nothing", "", ""},
		{"words", "hello", ""},
		{"null", "null", ""},
		{"a list", "[]", ""},
		{"a string", `"patient.updated"`, ""},
		{"two documents", deletionSample + deletionSample, ""},
		{"an unfinished document", deletionSample[:len(deletionSample)-2], "data"},
		{"bytes that are not UTF-8", strings.Replace(deletionSample, "P-77", "P-\xff", 1), "data.id"},
		{"half of a surrogate pair", strings.Replace(patientSample, "Анна", `\ud83d`, 1), "data.givenName"},
		{"a type given twice", `{"type":"patient.deleted",` + deletionSample[1:], "type"},
		{"an id given twice", strings.Replace(deletionSample, `"version"`, `"id": "P-78", "version"`, 1), "data.id"},
		{"depth in a field that nobody reads", strings.Replace(deletionSample, `"version"`, `"x": `+deep+`, "version"`, 1), "data.x" + strings.Repeat(".a", 30)},
		{"256 KB and a byte", deletionSample + strings.Repeat(" ", generic.MaxBytes+1-len(deletionSample)), ""},
		{"an unknown type", strings.Replace(deletionSample, "patient.deleted", "patient.exploded", 1), "type"},
		{"a name in capitals", strings.Replace(deletionSample, `"type"`, `"Type"`, 1), "type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := refusal(t, []byte(c.raw)); got.Field != c.field {
				t.Errorf("refused in %q, want %q: %v", got.Field, c.field, got)
			}
		})
	}
}

func TestWhatTheSchemaCannotSayIsRefusedByName(t *testing.T) {
	twin := `[{"id": "1", "status": "done"}, {"id": "2", "status": "planned"}, {"id": "1", "status": "planned"}]`
	for _, c := range []struct {
		name, raw, path, value, field string
	}{
		{"an end before the start", appointmentSample, "data.end", `"2026-05-22T11:59:59Z"`, "data.end"},
		{"a stage's id given twice", planSample, "data.stages", twin, "data.stages[2].id"},
		{"a time of 1999 in UTC", visitSample, "data.finishedAt", `"2000-01-01T00:00:00+03:00"`, "data.finishedAt"},
		{"a time of 2101 in UTC", visitSample, "timestamp", `"2100-12-31T23:00:00-03:00"`, "timestamp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := set(t, c.raw, c.path, c.value)
			schemaTakes(t, doc)
			got := refusal(t, doc)
			if got.Field != c.field {
				t.Errorf("refused in %q, want %q", got.Field, c.field)
			}
			if !beyondSchema(got) {
				t.Errorf("the properties do not know this refusal: %v", got)
			}
		})
	}
}

func TestLeniencies(t *testing.T) {
	card := func(path, value string) *intake.Card { return decode(t, set(t, patientSample, path, value)).Card }
	visit := func(path, value string) *dental.Visit { return decode(t, set(t, visitSample, path, value)).Visit }
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"an appointment may end as it starts", decode(t, set(t, appointmentSample, "data.end", `"2026-05-22T15:00:00+03:00"`)).Appointment.End, at(22, 12, 0, 0)},
		{"a 256 KB document is taken", decode(t, []byte(deletionSample+strings.Repeat(" ", generic.MaxBytes-len(deletionSample)))).Gone.ID, "P-77"},
		{"names are trimmed", card("data.givenName", `"  Анна Мария \u00a0"`).GivenName, "Анна Мария"},
		{"a phone number of words is the receiver's matter", card("data.phone", `" спросить\nмаму "`).Number, "спросить\nмаму"},
		{"an unreadable e-mail address is the receiver's matter", card("data.email", `"нет"`).Mail, "нет"},
		{"a sex that the grammar does not know is none", card("data.sex", `"unknown"`).Sex, ""},
		{"a language tag is its language", card("data.language", `"EN-gb"`).Language, "en"},
		{"a language without texts is none", card("data.language", `"kk"`).Language, ""},
		{"a card without a status is active", card("data.status", absent).Status, dental.Active},
		{"a patient is nobody's own guardian", card("data.guardianId", `"P-77"`).GuardianID, ""},
		{"of two decisions the newer counts", card("data.consents", `[
			{"class": "care", "channel": "sms", "granted": false, "at": "2026-01-02T00:00:00Z"},
			{"class": "care", "channel": "sms", "granted": true, "at": "2026-01-01T00:00:00Z"}]`).Consents,
			[]dental.Consent{{Class: dental.Care, Channel: dental.SMS, At: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}}},
		{"a procedure without a kind is left to the clinic's table", visit("data.procedures[0].kind", absent).Procedures[0].Kind, dental.ProcedureKind("")},
		{"an empty procedure is other", visit("data.procedures", "[{}]").Procedures, []dental.Procedure{{Kind: dental.OtherKind}}},
		{"a next step without a kind is left to it, too", visit("data.nextStep", `{"name": "Контроль"}`).NextStep, dental.ServiceType{Name: "Контроль"}},
		{"an empty next step is none", visit("data.nextStep", "{}").NextStep, dental.ServiceType{}},
		{"a whole number may be written as a float", visit("data.version", "30.0e-1").Version, int64(3)},
		{"a receipt of nothing is a receipt", visit("data.receipt", `{"total": "0.00", "currency": "RUB"}`).Receipt, dental.Money{Currency: "RUB"}},
		{"yen have no hundredths", visit("data.receipt", `{"total": "5400", "currency": "JPY"}`).Receipt, dental.Money{Minor: 5400, Currency: "JPY"}},
		{"unknown fields are allowed", visit("data.room", `{"number": 4}`).ID, "V-1001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !reflect.DeepEqual(c.got, c.want) {
				t.Errorf("got %+v, want %+v", c.got, c.want)
			}
		})
	}
}

func TestTheSameObjectHasTheSameHash(t *testing.T) {
	hash := func(raw string) string {
		e := decode(t, []byte(raw))
		return sourceOf(&e).Body
	}
	event := func(typ, timestamp, data string) string {
		return fmt.Sprintf(`{"type": %q, "timestamp": %q, "data": %s}`, typ, timestamp, data)
	}
	const (
		noon  = "2026-05-22T12:00:00Z"
		plain = `{"id":"A","patientId":"P","start":"2026-05-22T12:00:00Z","doctor":{"id":"D","name":"Ира"}}`
	)
	first := hash(event("appointment.booked", noon, plain))
	for _, c := range []struct {
		name, raw string
		same      bool
	}{
		{"told later", event("appointment.booked", "2026-05-23T12:00:00Z", plain), true},
		{"with its keys in another order, spaced and escaped", event("appointment.booked", noon,
			`{ "doctor": {"name": "\u0418ра", "id": "D"}, "patientId": "P", "start": "2026-05-22T12:00:00Z",`+"\n"+`"id": "A" }`), true},
		{"with nulls", event("appointment.booked", noon, strings.Replace(plain, `{"id":"D"`, `{"photoUrl":null,"id":"D"`, 1)), true},
		{"told as moved, which is booked", event("appointment.moved", noon, plain), true},
		{"told as confirmed", event("appointment.confirmed", noon, plain), false},
		{"told as missed", event("appointment.missed", noon, plain), false},
		{"with another doctor", event("appointment.booked", noon, strings.Replace(plain, `"D"`, `"E"`, 1)), false},
		{"with a field that is not read", event("appointment.booked", noon, strings.Replace(plain, `{"id":"A"`, `{"room":4,"id":"A"`, 1)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hash(c.raw); (got == first) != c.same {
				t.Errorf("the same hash: %v, want %v", got == first, c.same)
			}
		})
	}
	long := strings.Replace(plain, `{"id":"A"`, `{"n":9007199254740993,"id":"A"`, 1)
	if hash(event("appointment.booked", noon, long)) == hash(event("appointment.booked", noon, strings.Replace(long, "993", "992", 1))) {
		t.Error("two long numbers that differ in the last digit are taken for one")
	}
}
