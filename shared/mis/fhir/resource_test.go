package fhir_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
)

var now = time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)

// said puts what a record says in words: its object, then each fact.
func said(r load.Record) string {
	if r.Fault != nil {
		return strings.Join(strings.Fields("refused: "+r.Fault.Column+" "+r.Fault.Code), " ")
	}
	if len(r.Objects) == 0 {
		return "nothing"
	}
	var lines []string
	for _, o := range r.Objects {
		words := fmt.Sprintf("%s %s", o.Kind, o.ID)
		if o.Version != 0 {
			words += fmt.Sprintf(" v%d", o.Version)
		}
		if o.Gone {
			words += " gone"
		}
		for _, f := range o.Facts {
			words += "; " + fact(f)
		}
		lines = append(lines, words)
	}
	return strings.Join(lines, "\n")
}

func fact(f intake.Event) string {
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }
	switch {
	case f.Card != nil:
		c := f.Card
		return fmt.Sprintf("card %s: %s|%s|%s %s %s born %s %s %s %s", c.ID, c.FamilyName, c.GivenName, c.MiddleName, c.Number, c.Mail, c.BirthDate, c.Sex, c.Language, c.Status)
	case f.Appointment != nil:
		a := f.Appointment
		until := ""
		if !a.End.IsZero() {
			until = " to " + at(a.End)
		}
		return fmt.Sprintf("appointment %s of %s at %s%s: %s with %s %q for %v", a.ID, a.Patient, at(a.Start), until, a.Status, a.Doctor.ID, a.Doctor.Name, a.Services)
	case f.Visit != nil:
		v := f.Visit
		return fmt.Sprintf("visit %s of %s at %s from %q with %s %q did %v", v.ID, v.Patient, at(v.FinishedAt), v.AppointmentID, v.Doctor.ID, v.Doctor.Name, v.Procedures)
	case f.Piece != nil:
		p := f.Piece
		return fmt.Sprintf("piece %s of %s, visit %s: %v %v %v", p.ID, p.Patient, p.Visit, p.Procedure, p.Diagnosis, p.Amount)
	case f.Payment != nil:
		p := f.Payment
		return fmt.Sprintf("%s %s of %s for visit %q: %v at %s", p.Kind, p.ID, p.Patient, p.VisitID, p.Amount, at(p.At))
	case f.Plan != nil:
		words := fmt.Sprintf("plan %s of %s since %s:", f.Plan.ID, f.Plan.Patient, at(f.Plan.PresentedAt))
		for _, s := range f.Plan.Stages {
			words += fmt.Sprintf(" [%s %s %s", s.ID, s.Name, s.Status)
			if !s.DoneAt.IsZero() {
				words += " " + at(s.DoneAt)
			}
			words += "]"
		}
		return words
	}
	return "?"
}

// records reads a file whole.
func records(t *testing.T, f load.Format, file load.File, place string, cl *dental.Clinic) ([]load.Record, error) {
	t.Helper()
	s, err := f.Scan(context.Background(), file, place, load.Options{Clinic: cl, Now: now})
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	var out []load.Record
	for {
		r, err := s.Next(context.Background())
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
}

// oneLine is what a single resource says.
func oneLine(t *testing.T, resource string, cl *dental.Clinic) string {
	t.Helper()
	out, _ := records(t, fhir.NDJSONFormat{}, memory(strings.Join(strings.Fields(resource), " ")), "", cl)
	if len(out) != 1 {
		t.Fatalf("it gives %d records", len(out))
	}
	return said(out[0])
}

type saying struct{ name, resource, want string }

func try(t *testing.T, cases []saying) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := oneLine(t, c.resource, clinic()); got != c.want {
				t.Errorf("it says\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func patientWith(fields string) string {
	return `{"resourceType":"Patient","id":"p","name":[{"family":"Ким","given":["Вера"]}],` + fields + `}`
}

func TestAPatientIsACard(t *testing.T) {
	const kim = "Patient p; card fh.p: Ким|Вера|   born  "
	try(t, []saying{
		{"with all that a card has", `{"resourceType":"Patient","id":"p","meta":{"versionId":"3","lastUpdated":"2026-05-22T15:40:00.123+03:00"},"active":true,
			"name":[{"use":"official","family":"Ромашкина","given":["Вера","Павловна"]}],"gender":"female","birthDate":"1985-02-28",
			"telecom":[{"system":"phone","value":"+79160000001","use":"mobile"},{"system":"email","value":"vera@example.com"}],
			"communication":[{"language":{"coding":[{"code":"ru-RU"}]},"preferred":true}],"deceasedBoolean":false}`,
			"Patient p v1779453600123; card fh.p: Ромашкина|Вера|Павловна +79160000001 vera@example.com born 1985-02-28 female ru active"},
		{"by the official name before the usual one and never by an old one", `{"resourceType":"Patient","id":"p","name":[{"use":"old","family":"Былая"},{"use":"maiden","family":"Девичья"},
			{"use":"usual","given":["Верочка"]},{"use":"official","family":"Ким","given":["Вера"]}]}`, kim + "  "},
		{"by a name whose time has not ended", `{"resourceType":"Patient","id":"p","name":[{"use":"official","family":"Былая","period":{"end":"2020-01-01"}},{"use":"usual","family":"Ким","given":["Вера"]}]}`, kim + "  "},
		{"by the text of a name without parts", `{"resourceType":"Patient","id":"p","name":[{"text":"Ким Вера"}]}`, "Patient p; card fh.p: Ким Вера||   born    "},
		{"of nobody's name", `{"resourceType":"Patient","id":"p","name":[{"use":"anonymous","family":"X"}]}`, "Patient p; card fh.p: ||   born    "},
		{"of given names that are null", `{"resourceType":"Patient","id":"p","name":[{"family":"Ким","given":[null,"Вера"]}]}`, kim + "  "},
		{"reached on the mobile first, then by rank, never on an old number", patientWith(`"telecom":[{"system":"phone","value":"1","use":"old"},{"system":"phone","value":"2","use":"home","rank":1},
			{"system":"phone","value":"3","use":"mobile","rank":2},{"system":"phone","value":"tel:+4","use":"mobile","rank":1},{"system":"fax","value":"5"}]`), strings.Replace(kim, "Вера|  ", "Вера| +4 ", 1) + "  "},
		{"reached at home where there is no mobile", patientWith(`"telecom":[{"system":"phone","value":"","use":"mobile"},{"system":"phone","value":"2","use":"home"}]`), strings.Replace(kim, "Вера|  ", "Вера| 2 ", 1) + "  "},
		{"born in some year", patientWith(`"birthDate":"1985"`), kim + "  "},
		{"born in some month", patientWith(`"birthDate":"1985-02"`), kim + "  "},
		{"born on no day", patientWith(`"birthDate":"1985-02-30"`), kim + "  "},
		{"born before anyone alive", patientWith(`"birthDate":"1802-02-03"`), kim + "  "},
		{"of another gender", patientWith(`"gender":"other"`), kim + "  "},
		{"who speaks what there are no texts in", patientWith(`"communication":[{"language":{"coding":[{"code":"tt"}]}}]`), kim + "  "},
		{"whose preferred language is not the first", patientWith(`"communication":[{"language":{"coding":[{"code":"tt"}]}},{"language":{"coding":[{"code":"en-US"}]},"preferred":true}]`), kim + " en "},
		{"who has died at some time", patientWith(`"deceasedDateTime":"2020"`), kim + "  deceased"},
		{"who has died, the server knows no more", patientWith(`"deceasedBoolean":true,"active":false`), kim + "  deceased"},
		{"active", patientWith(`"active":true`), kim + "  active"},
		{"not active any more", patientWith(`"active":false`), kim + "  archived"},
		{"merged into another", patientWith(`"active":true,"link":[{"type":"replaced-by","other":{"reference":"Patient/q"}}]`), kim + "  archived"},
		{"that another was merged into", patientWith(`"active":true,"link":[{"type":"replaces","other":{"reference":"Patient/q"}}]`), kim + "  active"},
		{"whose id is long and strange", `{"resourceType":"Patient","id":"карта № 1"}`, "Patient карта № 1; card fh.h:PsO9epZB2cPyABV_D9Ui: ||   born    "},
	})
}

func TestAnAppointmentIsOneFromTheTimeItIsAgreedOn(t *testing.T) {
	with := func(status, rest string) string {
		return `{"resourceType":"Appointment","id":"a","status":"` + status + `","start":"2026-06-01T10:00:00+03:00","end":"2026-06-01T10:30:00+03:00",
			"participant":[{"actor":{"reference":"Practitioner/d","display":"Ирина Соколова"},"status":"accepted"},{"actor":{"reference":"Patient/p"},"status":"needs-action"}]` + rest + `}`
	}
	is := func(status, services string) string {
		return `Appointment a; appointment a of fh.p at 2026-06-01T07:00:00 to 2026-06-01T07:30:00: ` + status + ` with d "Ирина Соколова" for ` + services
	}
	var cases []saying
	for status, want := range map[string]string{"booked": is("booked", "[]"), "arrived": is("confirmed", "[]"), "checked-in": is("confirmed", "[]"), "fulfilled": is("confirmed", "[]"),
		"cancelled": is("cancelled", "[]"), "noshow": is("missed", "[]"),
		"proposed": "Appointment a", "pending": "Appointment a", "waitlist": "Appointment a", "entered-in-error": "Appointment a gone"} {
		cases = append(cases, saying{"that is " + status, with(status, ""), want})
	}
	participants := func(list string) string {
		return `{"resourceType":"Appointment","id":"a","status":"booked","start":"2026-06-01T10:00:00+03:00","minutesDuration":30,"participant":[` + list + `]}`
	}
	try(t, append(cases, []saying{
		{"for a service", with("booked", `,"serviceType":[{"coding":[{"system":"x","code":"57"},{"code":"А16.07.051"}],"text":"Гигиена"}],"reasonCode":[{"text":"боль"}]`), is("booked", "[{A16.07.051 Гигиена  false}]")},
		{"for a reason where no service is said", with("booked", `,"reasonCode":[{"text":"Болит зуб"}]`), is("booked", "[{ Болит зуб  false}]")},
		{"without a start", `{"resourceType":"Appointment","id":"a","status":"booked","participant":[{"actor":{"reference":"Patient/p"}}]}`, "refused: Appointment.start fhir-time"},
		{"on a day without a time", `{"resourceType":"Appointment","id":"a","status":"booked","start":"2026-06-01","participant":[{"actor":{"reference":"Patient/p"}}]}`, "refused: Appointment.start fhir-time"},
		{"without a patient", participants(`{"actor":{"reference":"Practitioner/d"}}`), "refused: Appointment.participant fhir-patient"},
		{"whose patient has declined", participants(`{"actor":{"reference":"Patient/p"},"status":"declined"}`), "refused: Appointment.participant fhir-patient"},
		{"whose patient is named by urn alone", participants(`{"type":[{"coding":[{"code":"PPRF"}]}],"actor":{"reference":"urn:uuid:d"}},{"actor":{"reference":"urn:uuid:p"}}`),
			`Appointment a; appointment a of fh.p at 2026-06-01T07:00:00 to 2026-06-01T07:30:00: booked with d "" for []`},
		{"whose participants are all named by urn alone", participants(`{"actor":{"reference":"urn:uuid:d"}},{"actor":{"reference":"urn:uuid:p"}}`), "refused: Appointment.participant.actor fhir-actor"},
		{"whose participants are named by urn with their types", participants(`{"actor":{"reference":"urn:uuid:d","type":"Practitioner"}},{"actor":{"reference":"urn:uuid:p","type":"Patient"}}`),
			`Appointment a; appointment a of fh.p at 2026-06-01T07:00:00 to 2026-06-01T07:30:00: booked with d "" for []`},
		{"in a room", participants(`{"actor":{"reference":"Location/1"}},{"actor":{"display":"Кабинет 2"}},{"actor":{"reference":"Patient/p"}}`),
			`Appointment a; appointment a of fh.p at 2026-06-01T07:00:00 to 2026-06-01T07:30:00: booked with  "" for []`},
	}...))
}

func TestAnEncounterIsAVisitOnceItIsFinished(t *testing.T) {
	with := func(status, rest string) string {
		return `{"resourceType":"Encounter","id":"e","status":"` + status + `","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}` + rest + `}`
	}
	const ended = `,"period":{"start":"2026-05-20T10:00:00+03:00","end":"2026-05-20T10:40:00+03:00"}`
	is := func(at, rest string) string { return "Encounter e; visit e of fh.p at " + at + rest }
	var cases []saying
	for _, status := range []string{"planned", "arrived", "triaged", "in-progress", "onleave", "cancelled", "unknown"} {
		cases = append(cases, saying{"that is " + status, with(status, ended), "Encounter e"})
	}
	try(t, append(cases, []saying{
		{"that is finished", with("finished", ended), is("2026-05-20T07:40:00", ` from "" with  "" did []`)},
		{"made in error", with("entered-in-error", ended), "Encounter e gone"},
		{"whose end is not said", with("finished", `,"period":{"start":"2026-05-20T10:00:00+03:00"}`), is("2026-05-20T07:00:00", ` from "" with  "" did []`)},
		{"that ended on a day", with("finished", `,"period":{"end":"2026-05-20"}`), is("2026-05-20T09:00:00", ` from "" with  "" did []`)},
		{"that ended in a month", with("finished", `,"period":{"end":"2026-05"}`), "refused: Encounter.period fhir-time"},
		{"that ended in a leap second", with("finished", `,"period":{"end":"2016-12-31T23:59:60Z"}`), is("2016-12-31T23:59:59", ` from "" with  "" did []`)},
		{"that ended at a time without a zone", with("finished", `,"period":{"end":"2026-05-20T10:40:00"}`), is("2026-05-20T07:40:00", ` from "" with  "" did []`)},
		{"that ended at a time without seconds", with("finished", `,"period":{"end":"2026-05-20T10:40Z"}`), is("2026-05-20T10:40:00", ` from "" with  "" did []`)},
		{"that ended in the year 1", with("finished", `,"period":{"end":"0001-01-01T00:00:00Z"}`), "refused: Encounter.period fhir-time"},
		{"without a time", with("finished", ""), "refused: Encounter.period fhir-time"},
		{"of an appointment, with who performs it", with("finished", ended+`,"appointment":[{"reference":"Appointment/a"}],"participant":[{"individual":{"reference":"RelatedPerson/m"}},
			{"individual":{"reference":"Practitioner/n","display":"Медсестра"}},{"type":[{"coding":[{"code":"PPRF"}]}],"individual":{"reference":"Practitioner/d","display":"Ирина Соколова"}}]`),
			is("2026-05-20T07:40:00", ` from "a" with d "Ирина Соколова" did []`)},
		{"whose type is of the nomenclature", with("finished", ended+`,"type":[{"coding":[{"code":"B01.065.007"}],"text":"Приём стоматолога"},{"text":"Визит"}]`),
			is("2026-05-20T07:40:00", ` from "" with  "" did [{B01.065.007 Приём стоматолога   0 false}]`)},
		{"of a group", `{"resourceType":"Encounter","id":"e","status":"finished","subject":{"reference":"Group/g"}` + ended + `}`, "refused: Encounter.subject fhir-reference"},
		{"of nobody", `{"resourceType":"Encounter","id":"e","status":"finished"` + ended + `}`, "refused: Encounter.subject fhir-patient"},
		{"with an extension that changes its meaning", with("finished", ended+`,"modifierExtension":[{"url":"https://example.com/not"}]`), "refused: Encounter.modifierExtension fhir-modifier"},
		{"of which a part was left out", with("finished", ended+`,"meta":{"tag":[{"code":"SUBSETTED"}]}`), "refused: Encounter.meta.tag fhir-partial"},
	}...))
}

func TestProceduresAndConditionsArePiecesOfTheirVisit(t *testing.T) {
	procedure := func(status, rest string) string {
		return `{"resourceType":"Procedure","id":"1","status":"` + status + `","subject":{"reference":"Patient/p"}` + rest + `}`
	}
	condition := func(rest string) string {
		return `{"resourceType":"Condition","id":"1","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}` + rest + `}`
	}
	const of, code = `,"encounter":{"reference":"Encounter/e"}`, `,"code":{"text":"Пломба","coding":[{"system":"http://snomed.info/sct","code":"4721000"},{"code":"A16.07.002"}]}`
	var cases []saying
	for _, status := range []string{"preparation", "in-progress", "not-done", "on-hold", "stopped", "unknown"} {
		cases = append(cases, saying{"a procedure that is " + status, procedure(status, of+code), "Procedure 1"})
	}
	try(t, append(cases, []saying{
		{"a procedure that is completed", procedure("completed", of+code), "Procedure 1; piece procedure.1 of fh.p, visit e: {A16.07.002 Пломба   0 false} { } 0.00 "},
		{"a procedure made in error", procedure("entered-in-error", of+code), "Procedure 1 gone"},
		{"a procedure on a tooth, and how long it took", procedure("completed", of+code+`,"performedPeriod":{"start":"2026-05-20T10:00:00Z","end":"2026-05-20T10:25:00Z"},
			"bodySite":[{"text":"полость рта"},{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/ex-tooth","code":"46"}]}]`), "Procedure 1; piece procedure.1 of fh.p, visit e: {A16.07.002 Пломба  46 25 false} { } 0.00 "},
		{"a procedure on the lung", procedure("completed", of+code+`,"bodySite":[{"coding":[{"code":"39607008"}]}]`), "Procedure 1; piece procedure.1 of fh.p, visit e: {A16.07.002 Пломба   0 false} { } 0.00 "},
		{"a procedure without a code of the nomenclature", procedure("completed", of+`,"code":{"coding":[{"code":"1","display":"One"},{"code":"2","display":"Two","userSelected":true}]}`), "Procedure 1; piece procedure.1 of fh.p, visit e: {2 Two   0 false} { } 0.00 "},
		{"a procedure of the American nomenclature", procedure("completed", of+`,"code":{"coding":[{"system":"http://www.ada.org/cdt","code":"D1110"}],"text":"Prophylaxis"}`), "Procedure 1; piece procedure.1 of fh.p, visit e: {D1110 Prophylaxis   0 false} { } 0.00 "},
		{"a procedure of no visit", procedure("completed", code), "refused: Procedure.encounter fhir-encounter"},
		{"a procedure without a name", procedure("completed", of), "refused: Procedure.code fhir-code"},
		{"a diagnosis by ICD-10 before others", condition(`,"code":{"coding":[{"system":"http://snomed.info/sct","code":"80967001","display":"Dental caries"},{"system":"http://hl7.org/fhir/sid/icd-10","code":"K02.1","display":"Кариес дентина"}]}`),
			"Condition 1; piece condition.1 of fh.p, visit e: {    0 false} {K02.1 Кариес дентина} 0.00 "},
		{"a diagnosis by the Russian register's ICD-10", condition(`,"code":{"coding":[{"code":"x","system":"y"},{"system":"urn:oid:1.2.643.5.1.13.13.11.1005","code":"K04.0"}],"text":"Пульпит"}`),
			"Condition 1; piece condition.1 of fh.p, visit e: {    0 false} {K04.0 Пульпит} 0.00 "},
		{"a diagnosis that was refuted", condition(`,"code":{"text":"Кариес"},"verificationStatus":{"coding":[{"code":"refuted"}]}`), "Condition 1"},
		{"a diagnosis made in error", condition(`,"code":{"text":"Кариес"},"verificationStatus":{"coding":[{"code":"entered-in-error"}]}`), "Condition 1 gone"},
	}...))
}

func TestMoneyIsOfAVisitOrAPatientWhereTheResourceItselfSaysSo(t *testing.T) {
	invoice := func(status, rest string) string {
		return `{"resourceType":"Invoice","id":"i","status":"` + status + `","subject":{"reference":"Patient/p"},"totalNet":{"value":40,"currency":"RUB"}` + rest + `}`
	}
	const visit = `,"extension":[{"url":"https://example.com/visit","valueReference":{"reference":"Encounter/e"}}]`
	const items = `,"contained":[{"resourceType":"ChargeItem","id":"c","subject":{"reference":"Patient/p"},"context":{"reference":"Encounter/e"}}],"lineItem":[{"chargeItemReference":{"reference":"#c"}}]`
	notice := func(amount, rest string) string {
		return `{"resourceType":"PaymentNotice","id":"n","status":"active","created":"2026-05-20T10:00:00+03:00","paymentDate":"2026-05-20","amount":` + amount + rest + `}`
	}
	const payer = `,"extension":[{"url":"https://example.com/payer","valueReference":{"reference":"Patient/p"}}]`
	receipt := func(sum string) string {
		return "Invoice i; piece invoice.i of fh.p, visit e: {    0 false} { } " + sum
	}
	paid := func(kind, visit, sum string) string {
		return "PaymentNotice n; " + kind + ` notice.n of fh.p for visit "` + visit + `": ` + sum + " at 2026-05-20T07:00:00"
	}
	try(t, []saying{
		{"an invoice that names its visit by an extension", invoice("issued", visit), receipt("40.00 RUB")},
		{"an invoice that contains what it charges for", invoice("balanced", items), receipt("40.00 RUB")},
		{"an invoice with its tax", invoice("issued", visit+`,"totalGross":{"value":48.105}`), receipt("48.11 RUB")},
		{"an invoice that is a draft", invoice("draft", visit), "Invoice i"},
		{"an invoice that was cancelled", invoice("cancelled", visit), "Invoice i"},
		{"an invoice made in error", invoice("entered-in-error", visit), "Invoice i gone"},
		{"an invoice of no visit", invoice("issued", ""), "refused: Invoice.lineItem.chargeItemReference fhir-receipt"},
		{"an invoice of two visits", invoice("issued", `,"extension":[{"url":"a","valueReference":{"reference":"Encounter/e"}},{"url":"a","valueReference":{"reference":"Encounter/f"}}]`), "refused: Invoice.lineItem.chargeItemReference fhir-receipt"},
		{"an invoice of a number as text", invoice("issued", visit+`,"totalGross":{"value":"48.10"}`), receipt("48.10 RUB")},
		{"an invoice with an exponent", invoice("issued", visit+`,"totalGross":{"value":4.8e1}`), receipt("48.00 RUB")},
		{"an invoice with a huge exponent", invoice("issued", visit+`,"totalGross":{"value":1e999999}`), "refused: Invoice.totalGross fhir-amount"},
		{"an invoice below nought", invoice("issued", visit+`,"totalGross":{"value":-1}`), "refused: Invoice.totalGross fhir-amount"},
		{"an invoice in no currency", invoice("issued", visit+`,"totalGross":{"value":1,"currency":"рубли"}`), "refused: Invoice.totalGross fhir-amount"},
		{"a payment of a patient", notice(`{"value":100.5}`, payer), paid("payment", "", "100.50 RUB")},
		{"a payment for a visit", notice(`{"value":100}`, payer+`,"request":{"reference":"Encounter/e"}`), paid("payment", "e", "100.00 RUB")},
		{"money given back", notice(`{"value":-100}`, payer), paid("refund", "", "100.00 RUB")},
		{"a payment for a claim that it contains", notice(`{"value":100}`, `,"contained":[{"resourceType":"Claim","id":"c","patient":{"reference":"Patient/p"}}],"request":{"reference":"#c"}`), paid("payment", "", "100.00 RUB")},
		{"a payment to an account that it contains", notice(`{"value":100}`, `,"contained":[{"resourceType":"Account","id":"c","subject":[{"reference":"Patient/p"}]}],"request":{"reference":"#c"}`), paid("payment", "", "100.00 RUB")},
		{"a payment of nobody", notice(`{"value":100}`, `,"request":{"reference":"Claim/c"}`), "refused: PaymentNotice.request fhir-patient"},
		{"a reconciliation of a patient's", `{"resourceType":"PaymentReconciliation","id":"r","status":"active","created":"2026-05-20","paymentDate":"2026-05-20","paymentAmount":{"value":5}` + payer + `}`,
			`PaymentReconciliation r; payment reconciliation.r of fh.p for visit "": 5.00 RUB at 2026-05-20T09:00:00`},
		{"a claim", `{"resourceType":"Claim","id":"c","status":"active","patient":{"reference":"Patient/p"},"total":{"value":125}}`, "nothing"},
	})
}

func TestACarePlanIsATreatmentPlanWhereItIsAboutTeeth(t *testing.T) {
	plan := func(status, rest string) string {
		return `{"resourceType":"CarePlan","id":"c","status":"` + status + `","intent":"plan","subject":{"reference":"Patient/p"},"created":"2026-05-01T10:00:00+03:00"` + rest + `}`
	}
	activity := func(status string) string {
		return `{"detail":{"status":"` + status + `","code":{"text":"` + status + `"}}}`
	}
	var all []string
	for _, s := range []string{"not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped", "unknown", "entered-in-error"} {
		all = append(all, activity(s))
	}
	teeth, everything := `,"title":"Dental treatment"`, `,"activity":[`+strings.Join(all, ",")+`]`
	const head = "CarePlan c; plan c of fh.p since 2026-05-01T07:00:00:"
	try(t, []saying{
		{"with stages of every state", plan("active", teeth+everything), head + " [1 not-started planned] [2 scheduled booked] [3 in-progress planned] [4 on-hold booked] [5 completed done] [6 cancelled cancelled] [7 stopped cancelled] [8 unknown planned]"},
		{"that was revoked", plan("revoked", teeth+everything), head + " [1 not-started cancelled] [2 scheduled cancelled] [3 in-progress cancelled] [4 on-hold cancelled] [5 completed done] [6 cancelled cancelled] [7 stopped cancelled] [8 unknown cancelled]"},
		{"that was put on hold", plan("on-hold", teeth+`,"activity":[`+activity("not-started")+`]`), head + " [1 not-started booked]"},
		{"whose stage was done at some time", plan("active", teeth+`,"activity":[{"id":"x","detail":{"status":"completed","code":{"text":"A"},"scheduledPeriod":{"start":"2026-05-02","end":"2026-05-03T10:00:00Z"}}}]`), head + " [x A done 2026-05-03T10:00:00]"},
		{"whose stage must not be done", plan("active", teeth+`,"activity":[{"detail":{"status":"completed","doNotPerform":true,"code":{"text":"A"}}},`+activity("scheduled")+`]`), head + " [2 scheduled booked]"},
		{"whose stages stand elsewhere", plan("active", teeth+`,"activity":[{"reference":{"reference":"ServiceRequest/1"}}]`), "refused: CarePlan.activity fhir-stages"},
		{"by a code of the nomenclature", plan("active", `,"activity":[{"detail":{"status":"scheduled","code":{"coding":[{"code":"A16.07.054"}],"text":"Имплантация"}}}]`), head + " [1 Имплантация booked]"},
		{"by a Russian word", plan("active", `,"category":[{"text":"Стоматологический план"}],"activity":[`+activity("scheduled")+`]`), head + " [1 scheduled booked]"},
		{"of an accidental fall", plan("active", `,"title":"Accidental fall of a student"`+everything), "CarePlan c"},
		{"of diabetes", plan("active", `,"title":"Diabetes self management plan"`+everything), "CarePlan c"},
		{"that is a draft", plan("draft", teeth+everything), "CarePlan c"},
		{"made in error", plan("entered-in-error", teeth+everything), "CarePlan c gone"},
	})
	t.Run("or where the account says that each is", func(t *testing.T) {
		cl := clinic()
		cl.Accounts = map[string]dental.Account{dental.FHIR: {Settings: map[string]string{fhir.PlansSetting: "all"}}}
		if got := oneLine(t, plan("active", `,"title":"Diabetes","activity":[`+activity("scheduled")+`]`), cl); got != head+" [1 scheduled booked]" {
			t.Error(got)
		}
	})
}

func TestAReferenceIsFollowedWithoutLookingAnythingUp(t *testing.T) {
	visit := func(subject, doctor string) string {
		return `{"resourceType":"Encounter","id":"e","status":"finished","period":{"end":"2026-05-20T10:00:00Z"},"contained":[{"resourceType":"Patient","id":"in"},
			{"resourceType":"Practitioner","id":"doc","identifier":[{"system":"s","value":"7"}],"name":[{"family":"Соколова","given":["Ирина"]}]}],
			"subject":` + subject + `,"participant":[{"individual":` + doctor + `}]}`
	}
	is := func(patient, doctor, name string) string {
		return "Encounter e; visit e of fh." + patient + ` at 2026-05-20T10:00:00 from "" with ` + doctor + ` "` + name + `" did []`
	}
	const d = `{"reference":"Practitioner/d"}`
	try(t, []saying{
		{"a relative one", visit(`{"reference":"Patient/p"}`, d), is("p", "d", "")},
		{"one of a version", visit(`{"reference":"Patient/p/_history/3"}`, d), is("p", "d", "")},
		{"an absolute one", visit(`{"reference":"https://fhir.example.com/r4/Patient/p"}`, d), is("p", "d", "")},
		{"one by urn", visit(`{"reference":"urn:uuid:34a17aef-dd20-4eda-bf6c-f121e454616d"}`, d), is("34a17aef-dd20-4eda-bf6c-f121e454616d", "d", "")},
		{"a patient by number", visit(`{"identifier":{"system":"s","value":"1"}}`, d), "refused: Encounter.subject fhir-identifier"},
		{"a patient by a search", visit(`{"reference":"Patient?identifier=s|1"}`, d), "refused: Encounter.subject fhir-identifier"},
		{"a patient within", visit(`{"reference":"#in"}`, d), "refused: Encounter.subject fhir-contained"},
		{"no reference at all", visit(`{"reference":"somebody"}`, d), "refused: Encounter.subject fhir-reference"},
		{"a doctor's role", visit(`{"reference":"Patient/p"}`, `{"reference":"PractitionerRole/r","display":"Ирина Соколова"}`), is("p", "role.r", "Ирина Соколова")},
		{"a doctor by a search", visit(`{"reference":"Patient/p"}`, `{"reference":"Practitioner?identifier=npi|7","display":"Dr Who"}`), is("p", "n.h:pZ8KUMUK7OwyPMFzJbvo", "Dr Who")},
		{"a doctor by number", visit(`{"reference":"Patient/p"}`, `{"identifier":{"system":"npi","value":"7"},"display":"Dr Who"}`), is("p", "n.h:pZ8KUMUK7OwyPMFzJbvo", "Dr Who")},
		{"a doctor within", visit(`{"reference":"Patient/p"}`, `{"reference":"#doc"}`), is("p", "n.h:ArB3IE4dzrAEvVmMhLt0", "Ирина Соколова")},
		{"a doctor by name alone", visit(`{"reference":"Patient/p"}`, `{"display":"Ирина Соколова"}`), is("p", "", "Ирина Соколова")},
	})
}

func TestAVersionIsTheTimeOfTheLastChangeElseTheServersCount(t *testing.T) {
	for meta, want := range map[string]string{
		`{"lastUpdated":"2026-05-22T12:40:00.5Z","versionId":"9"}`: " v1779453600500",
		`{"versionId":"9"}`:                      " v9",
		`{"versionId":"a9"}`:                     "",
		`{"lastUpdated":"1960-01-01T00:00:00Z"}`: "",
		`{}`:                                     "",
	} {
		if got := oneLine(t, `{"resourceType":"Encounter","id":"e","status":"planned","meta":`+meta+`}`, clinic()); got != "Encounter e"+want {
			t.Errorf("%s gives %q, want %q", meta, got, want)
		}
	}
}
