package generic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/intake"
)

// The samples give every field of the format a value that says something.
const (
	visitSample = `{"type": "visit.completed", "timestamp": "2026-05-22T15:40:00+03:00",
		"data": {"id": "V-1001", "patientId": "P-77", "appointmentId": "A-501", "finishedAt": "2026-05-22T15:35:00+03:00",
		"doctor": {"id": "D-3", "name": "Ирина Соколова", "photoUrl": "https://clinic.example/irina.jpg"},
		"procedures": [{"code": "A16.07.051", "name": "Профессиональная гигиена", "kind": "hygiene", "tooth": "16", "minutes": 30}],
		"diagnoses": [{"code": "K03.6", "name": "Отложения на зубах"}],
		"receipt": {"total": "5400.00", "currency": "RUB"}, "complex": true,
		"recommendations": "Не есть 2 часа.\nЩётка мягкая.", "nextStep": {"code": "B01", "name": "Контроль", "kind": "therapy"},
		"returnDate": "2026-11-22", "version": 3}}`
	patientSample = `{"type": "patient.updated", "timestamp": "2026-05-22T09:00:00+03:00",
		"data": {"id": "P-77", "familyName": "Петрова", "givenName": "Анна", "middleName": "Сергеевна",
		"phone": "8 (916) 000-00-01", "email": "P77@Example.com", "birthDate": "1985-03-14", "sex": "female", "language": "ru",
		"status": "archived", "doctorId": "D-3", "guardianId": "P-70",
		"consents": [{"class": "advertising", "channel": "sms", "granted": true, "at": "2025-01-01T10:00:00+03:00", "source": "paper", "text": "v1"}],
		"preferredChannel": "whatsapp", "version": 7}}`
	deletionSample    = `{"type": "patient.deleted", "timestamp": "2026-05-22T09:00:00Z", "data": {"id": "P-77", "version": 9}}`
	appointmentSample = `{"type": "appointment.booked", "timestamp": "2026-05-20T12:00:00+03:00",
		"data": {"id": "A-501", "patientId": "P-77", "start": "2026-05-22T15:00:00+03:00", "end": "2026-05-22T15:30:00+03:00",
		"doctor": {"id": "D-3", "name": "Ирина Соколова", "photoUrl": "https://clinic.example/irina.jpg"},
		"services": [{"code": "A16.07.051", "name": "Гигиена", "kind": "hygiene"}], "version": 2}}`
	planSample = `{"type": "plan.updated", "timestamp": "2026-05-22T16:00:00+03:00",
		"data": {"id": "L-12", "patientId": "P-77", "presentedAt": "2026-05-22T15:35:00+03:00",
		"stages": [{"id": "1", "name": "Имплантация", "kind": "implant", "status": "done",
		"price": {"total": "45000.5", "currency": "RUB"}, "doneAt": "2026-05-22T15:35:00.25+03:00"}], "version": 2}}`
	paymentSample = `{"type": "payment.received", "timestamp": "2026-05-22T15:45:00+03:00",
		"data": {"id": "F-9", "patientId": "P-77", "visitId": "V-1001", "amount": {"total": "5400.00", "currency": "RUB"},
		"at": "2026-05-22T15:44:10+03:00", "kind": "refund", "version": 1}}`
)

// sample is the sample of a type.
func sample(of intake.Type) string {
	switch of {
	case intake.PatientUpdated:
		return patientSample
	case intake.PatientDeleted:
		return deletionSample
	case intake.VisitCompleted:
		return visitSample
	case intake.PlanUpdated:
		return planSample
	case intake.PaymentReceived:
		return paymentSample
	}
	return strings.Replace(appointmentSample, "appointment.booked", string(of), 1)
}

// class says how the value of a field is read.
type class string

const (
	anID      class = "id"
	aLine     class = "line"
	aText     class = "text"
	aContact  class = "contact"
	aTime     class = "time"
	aDate     class = "date"
	aVersion  class = "version"
	aMinute   class = "minutes"
	aBool     class = "true or false"
	aLink     class = "link"
	aLanguage class = "language"
	anEnum    class = "enum"
	aTotal    class = "total"
	aCurrency class = "currency"
	anObject  class = "object"
	aList     class = "list"
	anElement class = "element" // of a list
)

// field is one field of the format, by its path in the samples of its types.
type field struct {
	types    []intake.Type
	path     string
	class    class
	required bool
}

var appointments = []intake.Type{intake.AppointmentBooked, intake.AppointmentMoved, intake.AppointmentConfirmed,
	intake.AppointmentCancelled, intake.AppointmentMissed}

// fields lists every field of the format; a test holds the list to the samples.
func fields() []field {
	var out []field
	add := func(types []intake.Type, path string, c class, required bool) {
		out = append(out, field{types, path, c, required})
	}
	all := intake.Types()
	add(all, "type", anEnum, true)
	add(all, "timestamp", aTime, true)
	add(all, "data", anObject, true)
	add(all, "data.id", anID, true)
	add(all, "data.version", aVersion, false)

	patient := []intake.Type{intake.PatientUpdated}
	for _, name := range []string{"familyName", "givenName", "middleName"} {
		add(patient, "data."+name, aLine, false)
	}
	add(patient, "data.phone", aContact, false)
	add(patient, "data.email", aContact, false)
	add(patient, "data.birthDate", aDate, false)
	add(patient, "data.sex", anEnum, false)
	add(patient, "data.language", aLanguage, false)
	add(patient, "data.status", anEnum, false)
	add(patient, "data.doctorId", anID, false)
	add(patient, "data.guardianId", anID, false)
	add(patient, "data.preferredChannel", anEnum, false)
	add(patient, "data.consents", aList, false)
	add(patient, "data.consents[0]", anElement, false)
	add(patient, "data.consents[0].class", anEnum, true)
	add(patient, "data.consents[0].channel", anEnum, true)
	add(patient, "data.consents[0].granted", aBool, true)
	add(patient, "data.consents[0].at", aTime, true)
	add(patient, "data.consents[0].source", aLine, false)
	add(patient, "data.consents[0].text", aText, false)

	visit := []intake.Type{intake.VisitCompleted}
	plan := []intake.Type{intake.PlanUpdated}
	payment := []intake.Type{intake.PaymentReceived}
	for _, types := range [][]intake.Type{appointments, visit, plan, payment} {
		add(types, "data.patientId", anID, true)
	}
	for _, types := range [][]intake.Type{appointments, visit} {
		add(types, "data.doctor", anObject, false)
		add(types, "data.doctor.id", anID, false)
		add(types, "data.doctor.name", aLine, false)
		add(types, "data.doctor.photoUrl", aLink, false)
	}
	service := func(types []intake.Type, at string) {
		add(types, at+".code", aLine, false)
		add(types, at+".name", aLine, false)
		add(types, at+".kind", anEnum, false)
	}
	price := func(types []intake.Type, at string, required bool) {
		add(types, at, anObject, required)
		add(types, at+".total", aTotal, true)
		add(types, at+".currency", aCurrency, true)
	}
	add(appointments, "data.start", aTime, true)
	add(appointments, "data.end", aTime, false)
	add(appointments, "data.services", aList, false)
	add(appointments, "data.services[0]", anElement, false)
	service(appointments, "data.services[0]")

	add(visit, "data.appointmentId", anID, false)
	add(visit, "data.finishedAt", aTime, true)
	add(visit, "data.procedures", aList, false)
	add(visit, "data.procedures[0]", anElement, false)
	service(visit, "data.procedures[0]")
	add(visit, "data.procedures[0].tooth", aLine, false)
	add(visit, "data.procedures[0].minutes", aMinute, false)
	add(visit, "data.diagnoses", aList, false)
	add(visit, "data.diagnoses[0]", anElement, false)
	add(visit, "data.diagnoses[0].code", aLine, false)
	add(visit, "data.diagnoses[0].name", aLine, false)
	price(visit, "data.receipt", false)
	add(visit, "data.complex", aBool, false)
	add(visit, "data.recommendations", aText, false)
	add(visit, "data.nextStep", anObject, false)
	service(visit, "data.nextStep")
	add(visit, "data.returnDate", aDate, false)

	add(plan, "data.presentedAt", aTime, true)
	add(plan, "data.stages", aList, false)
	add(plan, "data.stages[0]", anElement, false)
	add(plan, "data.stages[0].id", anID, true)
	add(plan, "data.stages[0].name", aLine, false)
	add(plan, "data.stages[0].kind", anEnum, false)
	add(plan, "data.stages[0].status", anEnum, true)
	price(plan, "data.stages[0].price", false)
	add(plan, "data.stages[0].doneAt", aTime, false)

	add(payment, "data.visitId", anID, false)
	price(payment, "data.amount", true)
	add(payment, "data.at", aTime, true)
	add(payment, "data.kind", anEnum, true)
	return out
}

// bad lists values that no field of a class takes, as JSON.
func bad(c class) []string {
	long := func(r string, n int) string { return strconv.Quote(strings.Repeat(r, n)) }
	switch c {
	case anID:
		return []string{`7`, `true`, `{}`, `[]`, `"a b"`, `"a/b"`, `"П-77"`, `"a\n"`, long("x", 65)}
	case aLine:
		return []string{`7`, `false`, `{}`, `["a"]`, `"a\nb"`, `"a\tb"`, `"\u0000"`, `"a\u009fb"`, `"\u007f"`, long("я", 201)}
	case aText:
		return []string{`7`, `{}`, `"a\u0007b"`, `"\u0000"`, `"\u0085"`, long("я", 4001)}
	case aContact:
		return []string{`79160000001`, `["8 916 000-00-01"]`, `"\u0000"`, long("1", 321)}
	case aTime:
		return []string{`1779453300`, `"2026-06-01"`, `"2026-06-01T15:40:00"`, `"2026-05-22 15:40:00Z"`, `"2026-02-30T10:00:00Z"`,
			`"2026-05-22T24:00:00Z"`, `"2026-05-22T15:40:60Z"`, `"2026-12-31T23:59:60Z"`, `"2026-05-22T15:40Z"`, `"2026-05-22T15:40:00,5Z"`, `"2026-05-22T5:40:00Z"`,
			`"2026-05-22T15:40:00+0300"`, `"2026-05-22T15:40:00+24:00"`, `"2026-05-22T15:40:00+03:60"`, `"2026-05-22T15:40:00.Z"`, `"2026-05-22T15:40:00.1234567890Z"`,
			`"1999-12-31T12:00:00Z"`, `"1999-12-31T22:00:00-03:00"`, `"2101-01-01T02:00:00+03:00"`, `"2101-01-01T12:00:00Z"`, `" 2026-05-22T15:40:00Z"`, `"22.05.2026 15:40"`}
	case aDate:
		return []string{`19850314`, `"31.02.1990"`, `"1990-02-30"`, `"1990-2-3"`, `"1899-12-31"`, `"2101-01-01"`, `"0000-00-00"`, `"1985-03-14T00:00:00Z"`, `"today"`}
	case aVersion:
		return []string{`-1`, `1.5`, `"3"`, `9007199254740992`, `1e30`, `1e-1`, `true`, `[]`}
	case aMinute:
		return []string{`-1`, `1441`, `30.5`, `"30"`, `{}`}
	case aBool:
		return []string{`"true"`, `1`, `0`, `{}`}
	case aLink:
		return []string{`7`, `"javascript:alert(1)"`, `"//clinic.example/a.jpg"`, `"photo.jpg"`, `"https://"`, `"https:///a"`, `"ftp://clinic.example/a"`,
			`"https://clinic.example/a b"`, `"https://u:p@clinic.example/a"`, `"https://clinic.example/\"onerror"`, `"https://clinic.example/\n"`,
			strconv.Quote("https://clinic.example/" + strings.Repeat("a", 2000))}
	case aLanguage:
		return []string{`7`, `"русский"`, `"r"`, `"ru_RU"`, `"ru-"`, `"english"`}
	case anEnum:
		return []string{`7`, `"something"`, `"Hygiene"`, `" sms"`, `{}`, `["sms"]`, `true`}
	case aTotal:
		return []string{`5400`, `5400.00`, `"12,5x"`, `"-1"`, `"+1"`, `"1."`, `".5"`, `"1.005"`, `"1e3"`, `" 1"`, `"1234567890123"`, `{}`}
	case aCurrency:
		return []string{`643`, `"rub"`, `"RU"`, `"RUBL"`, `"₽"`, `"RUB "`, `{}`}
	case anObject, anElement:
		return []string{`7`, `"text"`, `[]`, `true`}
	case aList:
		return []string{`7`, `"text"`, `{}`, `true`}
	}
	return nil
}

// good lists values that every optional or required field of a class takes.
func good(c class) []string {
	long := func(r string, n int) string { return strconv.Quote(strings.Repeat(r, n)) }
	switch c {
	case anID:
		return []string{`"x"`, `"A.b_c:d-9"`, long("x", 64)}
	case aLine:
		return []string{`"  Анна-Мария  "`, `"\u00a0"`, `"O'Neil <b>"`, long("я", 200), long("😀", 200)}
	case aText:
		return []string{`"a\r\n\tb"`, long("я", 4000)}
	case aContact:
		return []string{`"нет"`, `"8 916 000-00-01\n8 916 000-00-02"`, long("1", 320)}
	case aTime: // none before the start of the sample appointment, none after its end
		return []string{`"2026-05-22T15:05:00+03:00"`, `"2026-05-22T12:05:00Z"`, `"2026-05-22t12:05:00z"`, `"2026-05-22T12:05:00.123456789Z"`,
			`"2026-05-22T12:05:00-00:00"`, `"2026-05-23T11:50:00+23:45"`}
	case aDate:
		return []string{`"1900-01-01"`, `"2100-12-31"`, `"2024-02-29"`}
	case aVersion:
		return []string{`0`, `-0`, `3.0`, `3e0`, `30E-1`, `0.3e+1`, `0e999`, `9007199254740991`}
	case aMinute:
		return []string{`0`, `1440`, `1.44e3`}
	case aBool:
		return []string{`true`, `false`}
	case aLink:
		return []string{`"http://clinic.example"`, `"https://клиника.example/фото?a=1#b"`, `"https://clinic.example:8443/a%20b"`}
	case aLanguage:
		return []string{`"en-GB"`, `"kk"`, `"RU"`, `"zh-Hans-CN"`}
	case aTotal:
		return []string{`"0"`, `"5400"`, `"5400.5"`, `"0007.50"`, `"999999999999.99"`}
	case aCurrency:
		return []string{`"KZT"`, `"USD"`}
	}
	return nil
}

// parse reads a document as encoding/json does, numbers as they are spelled.
func parse(t rapid.TB, raw string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return tree
}

func spell(t rapid.TB, tree any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(tree); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var step = regexp.MustCompile(`[^.\[\]]+`)

// set gives the document another value at the path: JSON, or absent.
func set(t rapid.TB, raw, path, value string) []byte {
	t.Helper()
	tree := parse(t, raw)
	steps := step.FindAllString(path, -1)
	at := tree
	for _, name := range steps[:len(steps)-1] {
		switch container := at.(type) {
		case map[string]any:
			at = container[name]
		case []any:
			i, _ := strconv.Atoi(name)
			at = container[i]
		}
	}
	last := steps[len(steps)-1]
	switch container := at.(type) {
	case map[string]any:
		if value == absent {
			delete(container, last)
		} else {
			container[last] = parse(t, value)
		}
	case []any:
		i, _ := strconv.Atoi(last)
		container[i] = parse(t, value)
	default:
		t.Fatalf("no %s in %s", path, raw)
	}
	return spell(t, tree)
}

const absent = "absent"

// paths lists the paths of all fields and elements of a document.
func paths(tree any, at string) []string {
	var out []string
	switch v := tree.(type) {
	case map[string]any:
		for name, member := range v {
			path := strings.TrimPrefix(at+"."+name, ".")
			out = append(append(out, path), paths(member, path)...)
		}
	case []any:
		for i, element := range v {
			path := fmt.Sprintf("%s[%d]", at, i)
			out = append(append(out, path), paths(element, path)...)
		}
	}
	return out
}
