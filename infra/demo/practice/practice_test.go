package practice_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/demo/practice"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
)

func moscow(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// lives lets a practice live, with every patient reminded two days before an
// appointment and asked a day after a visit, as the product does.
func lives(t *testing.T, seed uint64, days int) []practice.Happening {
	t.Helper()
	p := practice.New(practice.Options{Seed: seed, Patients: 60, Start: time.Date(2026, 3, 10, 5, 30, 0, 0, time.UTC), Days: days, Loc: moscow(t)})
	var all []practice.Happening
	for {
		h, ok := p.Next()
		if !ok {
			return all
		}
		all = append(all, h)
		if len(all) > 100_000 {
			t.Fatal("it does not end")
		}
		if e := h.Event; e != nil && e.Appointment != nil && e.Appointment.Standing() {
			p.Show(practice.Message{Patient: e.Appointment.Patient, Scenario: "appointment", Step: "reminder", Channel: "sms", Links: []string{"https://rp.example/c/" + e.Appointment.ID}})
		}
		if e := h.Event; e != nil && e.Visit != nil {
			p.Show(practice.Message{Patient: e.Visit.Patient, Scenario: "after-visit", Step: "survey", Channel: "sms", Links: []string{"https://rp.example/s/" + e.Visit.ID}})
		}
	}
}

func TestTheSameSeedLivesTheSameLife(t *testing.T) {
	first, second, other := lives(t, 1, 10), lives(t, 1, 10), lives(t, 2, 10)
	if !reflect.DeepEqual(first, second) {
		t.Error("two lives of one seed differ")
	}
	if reflect.DeepEqual(first, other) {
		t.Error("another seed lives the same life")
	}
}

func TestAMonthIsToldInOrderAndAsTheFormatAsks(t *testing.T) {
	loc := moscow(t)
	told := map[string]int64{} // versions by object
	ids, cards, events := map[string]bool{}, map[string]bool{}, map[intake.Type]int{}
	acts := map[string]int{}
	var before time.Time
	for _, h := range lives(t, 1, 30) {
		if h.At.Before(before) {
			t.Fatalf("%v comes after %v", h.At, before)
		}
		before = h.At
		if h.Act != nil {
			acts[h.Act.What]++
			if !cards[h.Act.Patient] || !strings.HasPrefix(h.Act.Link, "https://") {
				t.Errorf("%+v", h.Act)
			}
			if hour := h.At.In(loc).Hour(); hour < 8 {
				t.Errorf("somebody answers at %v", h.At.In(loc))
			}
		}
		e := h.Event
		if e == nil {
			continue
		}
		events[e.Type]++
		if ids[e.ID] {
			t.Errorf("the delivery %s is told twice", e.ID)
		}
		ids[e.ID] = true
		told2 := *e
		told2.Clinic = "demo"
		if _, err := generic.Encode(told2); err != nil {
			t.Fatalf("%s: %v", e.Type, err)
		}
		object, version := "", int64(0)
		switch {
		case e.Card != nil:
			cards[e.Card.ID] = true
			object, version = "patient "+e.Card.ID, e.Card.Version
			if g := e.Card.GuardianID; g != "" && !cards[g] {
				t.Errorf("%s is told of before the guardian %s", e.Card.ID, g)
			}
		case e.Appointment != nil:
			object, version = "appointment "+e.Appointment.ID, e.Appointment.Version
			start := e.Appointment.Start.In(loc)
			if start.Weekday() == time.Sunday || start.Hour() < 9 || start.Hour() > 19 {
				t.Errorf("an appointment at %v", start)
			}
			if (e.Type == intake.AppointmentBooked || e.Type == intake.AppointmentMoved) && !e.Appointment.Start.After(h.At) {
				t.Errorf("%s at %v for %v", e.Type, h.At, start)
			}
		case e.Visit != nil:
			object, version = "visit "+e.Visit.ID, e.Visit.Version
			if e.Visit.FinishedAt.After(h.At) {
				t.Errorf("a visit that finishes at %v is told at %v", e.Visit.FinishedAt, h.At)
			}
		case e.Plan != nil:
			object, version = "plan "+e.Plan.ID, e.Plan.Version
		case e.Payment != nil:
			object, version = "payment "+e.Payment.ID, e.Payment.Version
		}
		if !cards[e.PatientID()] {
			t.Errorf("%s of %s, whose card was not told", e.Type, e.PatientID())
		}
		if last, seen := told[object]; seen && version <= last {
			t.Errorf("%s is told as version %d after %d", object, version, last)
		}
		told[object] = version
	}
	for _, kind := range intake.Types() {
		if kind != intake.PatientDeleted && events[kind] == 0 {
			t.Errorf("a month has no %s: %v", kind, events)
		}
	}
	if events[intake.VisitCompleted] < 80 || events[intake.AppointmentBooked] < 80 {
		t.Errorf("a month of sixty patients is %v", events)
	}
	for _, what := range []string{"survey: good", "survey: bad", "survey: fair", "appointment: confirm", "appointment: reschedule"} {
		if acts[what] == 0 {
			t.Errorf("nobody did %q: %v", what, acts)
		}
	}
	if acts["survey: good"] < 3*acts["survey: bad"] {
		t.Errorf("people are unhappier than people are: %v", acts)
	}
}

func TestSomeShareAPhoneAndSomeHaveNoGoodOne(t *testing.T) {
	phones, adults := map[string]int{}, map[string]bool{}
	mute, mailOnly, children := 0, 0, 0
	start := dental.Date{Year: 2026, Month: time.March, Day: 10}
	for _, h := range lives(t, 3, 5) {
		if h.Event == nil || h.Event.Card == nil {
			continue
		}
		c := h.Event.Card
		phones[c.Number]++
		switch age := c.BirthDate.AgeOn(start); {
		case age < 18:
			children++
			if !adults[c.GuardianID] {
				t.Errorf("nobody answers for %s", c.ID)
			}
		default:
			adults[c.ID] = true
		}
		if strings.Contains(c.Number, "доб.") {
			mute++
		}
		if c.Number == "" && c.Mail != "" {
			mailOnly++
		}
	}
	shared := 0
	for number, n := range phones {
		if number != "" && n > 1 {
			shared++
		}
	}
	if shared == 0 || children == 0 || mute+mailOnly == 0 {
		t.Errorf("%d phones are shared, %d children, %d without a good number, %d with an address alone", shared, children, mute, mailOnly)
	}
}

func TestAnAppointmentThatIsMovedOrCancelledIsNotKept(t *testing.T) {
	ended := map[string]string{}
	for _, h := range lives(t, 1, 30) {
		if h.Event == nil {
			continue
		}
		switch e := h.Event; {
		case e.Appointment != nil:
			if was := ended[e.Appointment.ID]; was != "" {
				t.Errorf("%s is %s after it was %s", e.Appointment.ID, e.Type, was)
			}
			if !e.Appointment.Standing() {
				ended[e.Appointment.ID] = string(e.Type)
			}
		case e.Visit != nil && e.Visit.AppointmentID != "" && e.Visit.Version == 1:
			if was := ended[e.Visit.AppointmentID]; was != "" {
				t.Errorf("%s was kept after it was %s", e.Visit.AppointmentID, was)
			}
			ended[e.Visit.AppointmentID] = fmt.Sprint("kept by ", e.Visit.ID)
		}
	}
	if len(ended) < 50 {
		t.Errorf("only %d appointments came to an end", len(ended))
	}
}
