package intake_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// start is a Tuesday, 11:00 in Moscow.
var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// of is the source of an object of a version; the body is what makes it
// different from others of the version.
func of(version int64, body string) dental.Source { return dental.Source{Version: version, Body: body} }

func consent(class dental.Class, granted bool, at time.Time) dental.Consent {
	return dental.Consent{Class: class, Channel: dental.SMS, Granted: granted, At: at, Source: "paper"}
}

func cardEvent(version int64, change func(*intake.Card)) intake.Event {
	c := intake.Card{Number: "+79160000001", Mail: "anna@example.com", Patient: dental.Patient{ID: "P-1", GivenName: "Анна", FamilyName: "Петрова",
		BirthDate: dental.Date{Year: 1985, Month: 3, Day: 14}, Status: dental.Active, Source: of(version, fmt.Sprint("card ", version))}}
	if change != nil {
		change(&c)
	}
	return intake.Event{Type: intake.PatientUpdated, Card: &c}
}

func appointmentEvent(typ intake.Type, version int64, id string, start time.Time, status dental.AppointmentStatus) intake.Event {
	return intake.Event{Type: typ, Appointment: &dental.Appointment{Clinic: "demo", Patient: "P-1", ID: id, Start: start, End: start.Add(30 * time.Minute),
		Status: status, Source: of(version, fmt.Sprint(typ, version))}}
}

func visitEvent(version int64, id string, finished time.Time, receipt int64, kinds ...dental.ProcedureKind) intake.Event {
	v := dental.Visit{Clinic: "demo", Patient: "P-1", ID: id, FinishedAt: finished, Receipt: dental.Money{Minor: receipt, Currency: "RUB"},
		Source: of(version, fmt.Sprint("visit ", id, version))}
	for _, k := range kinds {
		v.Procedures = append(v.Procedures, dental.Procedure{Kind: k})
	}
	return intake.Event{Type: intake.VisitCompleted, Visit: &v}
}

func planEvent(version int64, id string, presented time.Time, stages ...dental.StageStatus) intake.Event {
	p := dental.Plan{Clinic: "demo", Patient: "P-1", ID: id, PresentedAt: presented, Source: of(version, fmt.Sprint("plan ", id, version))}
	for i, s := range stages {
		stage := dental.Stage{ID: fmt.Sprint(i), Status: s}
		if s == dental.StageDone {
			stage.DoneAt = presented.Add(24 * time.Hour)
		}
		p.Stages = append(p.Stages, stage)
	}
	return intake.Event{Type: intake.PlanUpdated, Plan: &p}
}

func paymentEvent(version int64, id string, minor int64, kind dental.PaymentKind) intake.Event {
	return intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{Clinic: "demo", Patient: "P-1", ID: id, VisitID: "V-1", At: start,
		Amount: dental.Money{Minor: minor, Currency: "RUB"}, Kind: kind, Source: of(version, fmt.Sprint("payment ", id, version))}}
}

// history is what a sender has to say of one patient, in the order it happened.
func history() []intake.Event {
	day := 24 * time.Hour
	at := func(ev intake.Event, at time.Time) intake.Event { ev.At = at; return ev }
	return []intake.Event{
		at(cardEvent(1, func(c *intake.Card) {
			c.Consents = []dental.Consent{consent(dental.Advertising, true, start.Add(-300*day)), consent(dental.Care, true, start.Add(-300*day))}
		}), start.Add(-300*day)),
		at(visitEvent(1, "V-0", start.Add(-200*day), 100000, dental.Implant), start.Add(-200*day)),
		at(planEvent(1, "L-1", start.Add(-200*day), dental.StageDone, dental.StagePlanned), start.Add(-200*day)),
		at(cardEvent(2, func(c *intake.Card) {
			c.Number, c.FamilyName = "+79160000002", "Сидорова"
			c.Consents = []dental.Consent{consent(dental.Advertising, false, start.Add(-100*day))}
		}), start.Add(-100*day)),
		at(appointmentEvent(intake.AppointmentBooked, 1, "A-1", start.Add(9*day), dental.Booked), start.Add(-5*day)),
		at(appointmentEvent(intake.AppointmentMoved, 2, "A-1", start.Add(12*day), dental.Booked), start.Add(-4*day)),
		at(appointmentEvent(intake.AppointmentBooked, 1, "A-2", start.Add(-26*time.Hour), dental.Booked), start.Add(-3*day)),
		at(appointmentEvent(intake.AppointmentMissed, 2, "A-2", start.Add(-26*time.Hour), dental.Missed), start.Add(-1*day)),
		at(appointmentEvent(intake.AppointmentBooked, 1, "A-3", start.Add(40*time.Hour), dental.Booked), start.Add(-5*day)),
		at(appointmentEvent(intake.AppointmentMoved, 2, "A-3", start.Add(40*time.Hour), dental.Booked), start.Add(-2*time.Hour)), // to another doctor
		at(appointmentEvent(intake.AppointmentMissed, 3, "A-2", start.Add(-26*time.Hour), dental.Missed), start.Add(-2*time.Hour)),
		at(visitEvent(1, "V-1", start.Add(-time.Hour), 540000, dental.Hygiene), start.Add(-time.Hour)),
		at(visitEvent(1, "V-9", start.Add(-time.Hour), 0, dental.Diagnostics), start.Add(-time.Hour)), // at the same time
		at(paymentEvent(1, "F-1", 540000, dental.Paid), start.Add(-50*time.Minute)),
		at(visitEvent(2, "V-1", start.Add(-time.Hour), 440000, dental.Hygiene, dental.Periodontics), start.Add(-40*time.Minute)),
		at(paymentEvent(2, "F-1", 440000, dental.Paid), start.Add(-40*time.Minute)),
		at(planEvent(2, "L-1", start.Add(-200*day), dental.StageDone, dental.StageDone), start.Add(-30*time.Minute)),
		at(cardEvent(3, func(c *intake.Card) {
			c.Number, c.Mail, c.FamilyName = "+79160000003", "", "Сидорова"
		}), start.Add(-20*time.Minute)),
	}
}

// facts is everything the events say of the patient, as the card and the
// contacts have it, and which touches stand; without what the receiver adds
// about when it heard of it.
func facts(s *stagetest.Stage) string {
	c := s.Card("P-1")
	c.Patient.Changes = 0
	slices.SortFunc(c.Patient.Consents, func(a, b dental.Consent) int { return cmp.Compare(a.Class, b.Class) })
	for i := range c.Visits {
		c.Visits[i].AcceptedAt = time.Time{}
	}
	phone, mail := string(c.Patient.Phone), string(c.Patient.Email)
	c.Patient.Phone, c.Patient.Email = "", "" // which JSON refuses
	out := []any{phone, mail, c.Patient, c.Appointments, c.Visits, c.Plans, c.Payments, c.Milestones}
	contacts, err := s.Store.Begin().Contacts(s.T.Context(), &s.Clinic, "+79160000001", "+79160000002", "+79160000003", "anna@example.com")
	if err != nil {
		s.T.Fatal(err)
	}
	for _, address := range []string{"+79160000001", "+79160000002", "+79160000003", "anna@example.com"} {
		out = append(out, address, append([]dental.Member{}, contacts[address].Members...))
	}
	slices.SortFunc(c.Touches, func(a, b dental.Touch) int { return cmp.Compare(a.ID(), b.ID()) })
	for _, t := range c.Touches {
		if t.State.Open() {
			out = append(out, fmt.Sprint(t.Scenario, "/", t.Step, " ", t.Anchor, " due ", t.Due.Format(time.RFC3339)))
		}
	}
	lines := make([]string, len(out))
	for i, x := range out {
		b, err := json.Marshal(x)
		if err != nil {
			s.T.Fatal(err)
		}
		lines[i] = string(b)
	}
	return strings.Join(lines, "\n")
}

func TestTheOrderAndTheRepeatsOfEventsDoNotMatter(test *testing.T) {
	all := history()
	rapid.Check(test, func(t *rapid.T) {
		picked := rapid.SliceOfNDistinct(rapid.IntRange(0, len(all)-1), 1, len(all), rapid.ID[int]).Draw(t, "events")
		inOrder := stagetest.New(test, start)
		for _, i := range slices.Sorted(slices.Values(picked)) {
			inOrder.Tell(all[i])
		}
		want := facts(inOrder)

		shuffled := stagetest.New(test, start)
		repeats := rapid.SliceOfN(rapid.SampledFrom(picked), 0, 5).Draw(t, "repeats")
		order := rapid.Permutation(append(slices.Clone(picked), repeats...)).Draw(t, "order")
		for n, i := range order {
			ev := all[i]
			if rapid.Bool().Draw(t, "under its own id") {
				ev.ID = fmt.Sprint("delivery-", i) // a repeat of it is a repeat of the delivery
			} else {
				ev.ID = fmt.Sprint("again-", n)
			}
			shuffled.Tell(ev)
		}
		if got := facts(shuffled); got != want {
			t.Fatalf("in order:\n%s\nin the order %v:\n%s", want, order, got)
		}
	})
}
