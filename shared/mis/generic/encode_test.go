package generic_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
)

// draw makes values as the format holds them.
type draw struct{ *rapid.T }

func (d draw) id(name string) string {
	return rapid.StringMatching(`[A-Za-z0-9._:-]{1,64}`).Draw(d.T, name)
}

func (d draw) maybeID(name string) string {
	return rapid.StringMatching(`[A-Za-z0-9._:-]{0,64}`).Draw(d.T, name)
}

func (d draw) line(name string) string {
	return strings.TrimSpace(rapid.StringOfN(rapid.RuneFrom([]rune(`Анна "<\&> Oé😀'-/`+"\u2028")), 0, 200, -1).Draw(d.T, name))
}

func (d draw) text(name string) string {
	return strings.TrimSpace(rapid.StringOfN(rapid.RuneFrom([]rune("Не есть два часа.\n\r\t\"<&>\\")), 0, 300, -1).Draw(d.T, name))
}

func (d draw) time(name string) time.Time {
	first := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	last := time.Date(2100, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	nanos := rapid.SampledFrom([]int64{0, 0, 1, 250_000_000, 999_999_999}).Draw(d.T, name+" fraction")
	return time.Unix(rapid.Int64Range(first, last).Draw(d.T, name), nanos).UTC()
}

func (d draw) maybeTime(name string) time.Time {
	if d.bool("has " + name) {
		return d.time(name)
	}
	return time.Time{}
}

func (d draw) date(name string) dental.Date {
	if !d.bool("has " + name) {
		return dental.Date{}
	}
	return dental.Date{Year: 1900, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 200*365).Draw(d.T, name))
}

func (d draw) bool(name string) bool { return rapid.Bool().Draw(d.T, name) }

func (d draw) money(name string) dental.Money {
	return dental.Money{Minor: rapid.Int64Range(0, 99_999_999_999_999).Draw(d.T, name),
		Currency: rapid.SampledFrom([]string{"RUB", "KZT", "KWD"}).Draw(d.T, name+" currency")}
}

func (d draw) maybeMoney(name string) dental.Money {
	if d.bool("has " + name) {
		return d.money(name)
	}
	return dental.Money{}
}

func (d draw) version() dental.Source {
	return dental.Source{Version: rapid.Int64Range(0, 1<<53-1).Draw(d.T, "version")}
}

func (d draw) doctor() dental.Doctor {
	return dental.Doctor{ID: d.maybeID("doctor"), Name: d.line("doctor's name"),
		PhotoURL: rapid.SampledFrom([]string{"", "https://clinic.example/фото.jpg?a=1&b=2"}).Draw(d.T, "photo")}
}

func (d draw) kind() dental.ProcedureKind { return pick(d, "kind", dental.ProcedureKinds()...) }

func (d draw) service() dental.ServiceType {
	return dental.ServiceType{Code: d.line("code"), Name: d.line("name"), Kind: d.kind()}
}

func pick[T any](d draw, name string, from ...T) T { return rapid.SampledFrom(from).Draw(d.T, name) }

func several[T any](d draw, name string, one func(i int) T) []T {
	var out []T
	for i := range rapid.IntRange(0, 3).Draw(d.T, name) {
		out = append(out, one(i))
	}
	return out
}

func (d draw) event() intake.Event {
	e := intake.Event{Clinic: "demo", ID: "msg_1", Type: pick(d, "type", intake.Types()...), At: d.time("timestamp")}
	switch e.Type {
	case intake.PatientUpdated:
		e.Card = &intake.Card{Number: d.text("phone"), Mail: d.line("email"), Patient: dental.Patient{
			Clinic: "demo", ID: d.id("id"), FamilyName: d.line("family name"), GivenName: d.line("given name"), MiddleName: d.line("middle name"),
			BirthDate: d.date("birth date"), Sex: pick(d, "sex", "", "female", "male"), Language: pick(d, "language", "", "ru", "en"),
			Status:   pick(d, "status", dental.Active, dental.Archived, dental.Moved, dental.Deceased),
			DoctorID: d.maybeID("doctor"), Preferred: pick(d, "channel", append(dental.Channels(), "")...), Source: d.version()}}
		if guardian := d.maybeID("guardian"); guardian != e.Card.ID {
			e.Card.GuardianID = guardian
		}
		for range rapid.IntRange(0, 4).Draw(d.T, "consents") {
			e.Card.Record(dental.Consent{Class: pick(d, "class", dental.Classes()...), Channel: pick(d, "channel", dental.Channels()...),
				Granted: d.bool("granted"), At: d.time("given"), Source: d.line("source"), Text: d.text("wording")})
		}
	case intake.PatientDeleted:
		e.Gone = &intake.Deletion{ID: d.id("id"), Version: d.version().Version}
	case intake.VisitCompleted:
		e.Visit = &dental.Visit{Clinic: "demo", Patient: d.id("patient"), ID: d.id("id"), AppointmentID: d.maybeID("appointment"),
			FinishedAt: d.time("finished"), Doctor: d.doctor(), Receipt: d.maybeMoney("receipt"), Complex: d.bool("complex"),
			Recommendations: d.text("recommendations"), ReturnDate: d.date("return date"), Source: d.version(),
			Procedures: several(d, "procedures", func(int) dental.Procedure {
				return dental.Procedure{Code: d.line("code"), Name: d.line("name"), Kind: d.kind(), Tooth: d.line("tooth"),
					Minutes: rapid.IntRange(0, 1440).Draw(d.T, "minutes")}
			}),
			Diagnoses: several(d, "diagnoses", func(int) dental.Coded { return dental.Coded{Code: d.line("code"), Name: d.line("name")} })}
		if d.bool("has a next step") {
			e.Visit.NextStep = d.service()
		}
	case intake.PlanUpdated:
		e.Plan = &dental.Plan{Clinic: "demo", Patient: d.id("patient"), ID: d.id("id"), PresentedAt: d.time("presented"), Source: d.version(),
			Stages: several(d, "stages", func(i int) dental.Stage {
				return dental.Stage{ID: string(rune('a' + i)), Name: d.line("name"), Kind: d.kind(), Price: d.maybeMoney("price"), DoneAt: d.maybeTime("done"),
					Status: pick(d, "status", dental.StagePlanned, dental.StageBooked, dental.StageDone, dental.StageCancelled)}
			})}
	case intake.PaymentReceived:
		e.Payment = &dental.Payment{Clinic: "demo", Patient: d.id("patient"), ID: d.id("id"), VisitID: d.maybeID("visit"),
			Amount: d.money("amount"), At: d.time("paid"), Kind: pick(d, "kind", dental.Paid, dental.Refund), Source: d.version()}
	default:
		e.Appointment = &dental.Appointment{Clinic: "demo", Patient: d.id("patient"), ID: d.id("id"), Start: d.time("start"),
			Doctor: d.doctor(), Services: several(d, "services", func(int) dental.ServiceType { return d.service() }),
			Status: statusOf(e.Type), Source: d.version()}
		if end := d.maybeTime("end"); !end.Before(e.Appointment.Start) {
			e.Appointment.End = end
		}
	}
	return e
}

func statusOf(t intake.Type) dental.AppointmentStatus {
	switch t {
	case intake.AppointmentConfirmed:
		return dental.Confirmed
	case intake.AppointmentCancelled:
		return dental.Cancelled
	case intake.AppointmentMissed:
		return dental.Missed
	}
	return dental.Booked
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw{t}.event()
		raw, err := generic.Encode(want)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", show(want), err)
		}
		got := decode(t, raw)
		if !reflect.DeepEqual(unhashed(got), want) {
			t.Fatalf("%s\nreads as %s\nand was   %s", raw, show(got), show(want))
		}
		again, err := generic.Encode(got)
		if err != nil || string(again) != string(raw) {
			t.Fatalf("written again, %s\nis %s, %v", raw, again, err)
		}
		schemaTakes(t, raw)
	})
}

func TestTheZoneOfATimeDoesNotShow(t *testing.T) {
	e := decode(t, []byte(paymentSample))
	want, err := generic.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := *e.Payment
	elsewhere.At = elsewhere.At.In(time.FixedZone("", 2*3600+30*60+17)) // Moscow's offset of 1916, which RFC 3339 cannot write
	e.At, e.Payment = e.At.In(time.FixedZone("", -7*3600)), &elsewhere
	got, err := generic.Encode(e)
	if err != nil || string(got) != string(want) {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestAReadPhoneAndEmailAreWrittenToo(t *testing.T) {
	e := intake.Event{Type: intake.PatientUpdated, At: at(22, 9, 0, 0), Card: &intake.Card{Patient: dental.Patient{ID: "P", Phone: "+79160000001", Email: "p@example.com"}}}
	raw, err := generic.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, raw).Card; got.Number != "+79160000001" || got.Mail != "p@example.com" {
		t.Errorf("%s reads as %q, %q", raw, got.Number, got.Mail)
	}
}

func TestAnEventThatCannotBeReadIsNotWritten(t *testing.T) {
	change := func(raw string, by func(e *intake.Event)) intake.Event {
		e := decode(t, []byte(raw))
		by(&e)
		return e
	}
	for _, c := range []struct {
		name  string
		event intake.Event
		field string
	}{
		{"nothing", intake.Event{}, "data"},
		{"a type without its noun", intake.Event{Type: intake.PlanUpdated, At: at(1, 0, 0, 0)}, "data"},
		{"another type's noun", change(visitSample, func(e *intake.Event) { e.Type = intake.PlanUpdated }), "data"},
		{"an unknown type", change(visitSample, func(e *intake.Event) { e.Type = "visit.begun" }), "data"},
		{"two nouns", change(visitSample, func(e *intake.Event) { e.Gone = &intake.Deletion{ID: "P"} }), "data"},
		{"a status that is not the type's", change(appointmentSample, func(e *intake.Event) { e.Appointment.Status = dental.Missed }), "data"},
		{"no time", change(visitSample, func(e *intake.Event) { e.At = time.Time{} }), "timestamp"},
		{"a year before the format's", change(visitSample, func(e *intake.Event) { e.Visit.FinishedAt = at(1, 0, 0, 0).AddDate(-50, 0, 0) }), "data.finishedAt"},
		{"a bad id", change(visitSample, func(e *intake.Event) { e.Visit.Patient = "Иванов" }), "data.patientId"},
		{"an unknown kind", change(visitSample, func(e *intake.Event) { e.Visit.Procedures[0].Kind = "magic" }), "data.procedures[0].kind"},
		{"minus minutes", change(visitSample, func(e *intake.Event) { e.Visit.Procedures[0].Minutes = -1 }), "data.procedures[0].minutes"},
		{"minus money", change(paymentSample, func(e *intake.Event) { e.Payment.Amount.Minor = -1 }), "data.amount.total"},
		{"an end before the start", change(appointmentSample, func(e *intake.Event) { e.Appointment.End = e.Appointment.Start.Add(-time.Second) }), "data.end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := generic.Encode(c.event)
			bad, ok := errors.AsType[*dental.Error](err)
			if raw != nil || !ok || bad.Kind != dental.Invalid || bad.Field != c.field {
				t.Errorf("got %s and %v, want a refusal of %s", raw, err, c.field)
			}
		})
	}
}
