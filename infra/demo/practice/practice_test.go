package practice_test

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/demo/practice"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
)

var begin = time.Date(2026, 3, 10, 5, 30, 0, 0, time.UTC)

func moscow(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// lives lets a practice live beside a simple product: it reminds of every
// appointment at once, asks after every visit, sends each known patient all that
// there is once a year, and makes a task of every wish.
func lives(t *testing.T, seed uint64, patients, days int) []practice.Happening {
	t.Helper()
	p := practice.New(practice.Options{Seed: seed, Patients: patients, Start: begin, Days: days, Loc: moscow(t)})
	var all []practice.Happening
	n := 0
	show := func(patient, scenario, step string, class dental.Class, purpose string) {
		n++
		p.Show(practice.Message{ID: fmt.Sprint("m", n), Patient: patient, Scenario: scenario, Step: step, Class: string(class), Channel: "sms",
			Links: []string{fmt.Sprintf("https://rp.example/%s/%d", purpose, n)}})
	}
	hand := func(patient, kind, scenario string) {
		n++
		p.Hand(practice.Task{ID: fmt.Sprint("k", n), Kind: kind, Patient: patient, Scenario: scenario})
	}
	var known []string
	day := dental.DateOf(begin)
	for {
		h, ok := p.Next()
		if !ok {
			return all
		}
		all = append(all, h)
		if len(all) > 200_000 {
			t.Fatal("it does not end")
		}
		switch e, a := h.Event, h.Act; {
		case e != nil && e.Card != nil && !slices.Contains(known, e.Card.ID):
			known = append(known, e.Card.ID)
		case e != nil && e.Appointment != nil && e.Appointment.Standing():
			show(e.Appointment.Patient, "appointment", "reminder", dental.Service, "c")
		case e != nil && e.Visit != nil && !e.Visit.FinishedAt.Before(begin):
			show(e.Visit.Patient, "after-visit", "survey", dental.Service, "s")
		case a != nil && slices.Contains([]string{"book", "callback", "cancel", "reschedule"}, a.What):
			hand(a.Patient, "callback", a.Scenario)
		case a != nil && a.What == "friend left a phone":
			hand(a.Patient, "lead", a.Scenario)
		case h.Phones && dental.DateOf(h.At) != day:
			day = dental.DateOf(h.At)
			for i, id := range known {
				switch (day.DaysSince(dental.DateOf(begin)) + i) % 180 {
				case 10:
					show(id, "recall", "first", dental.Care, "o")
				case 40:
					show(id, "birthday", "greeting", dental.Advertising, "g")
				case 70:
					show(id, "referral", "invite", dental.Advertising, "r")
				case 100:
					show(id, "sleeping-6", "offer", dental.Advertising, "o")
				}
			}
		}
	}
}

func TestTheSameSeedLivesTheSameLife(t *testing.T) {
	first, second, other := lives(t, 1, 60, 20), lives(t, 1, 60, 20), lives(t, 2, 60, 20)
	if !reflect.DeepEqual(first, second) {
		t.Error("two lives of one seed differ")
	}
	if reflect.DeepEqual(first, other) {
		t.Error("another seed lives the same life")
	}
}

func TestAYearIsToldInOrderAndAsTheFormatAsks(t *testing.T) {
	loc := moscow(t)
	told := map[string]int64{} // versions by object
	ids, cards, events := map[string]bool{}, map[string]bool{}, map[intake.Type]int{}
	var before time.Time
	for _, h := range lives(t, 1, 200, 365) {
		if h.At.Before(before) {
			t.Fatalf("%v comes after %v", h.At, before)
		}
		before = h.At
		e := h.Event
		if e == nil {
			continue
		}
		events[e.Type]++
		if ids[e.ID] {
			t.Errorf("the delivery %s is told twice", e.ID)
		}
		ids[e.ID] = true
		sent := *e
		sent.Clinic = "demo"
		if _, err := generic.Encode(sent); err != nil {
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
		case e.Gone != nil:
			object, version = "patient "+e.Gone.ID, e.Gone.Version
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
		if events[kind] == 0 {
			t.Errorf("a year has no %s: %v", kind, events)
		}
	}
	if events[intake.VisitCompleted] < 400 || events[intake.AppointmentBooked] < 200 {
		t.Errorf("a year of two hundred patients is %v", events)
	}
}

func TestPeopleDoByDayWhatTheMessageAsksFor(t *testing.T) {
	loc := moscow(t)
	acts := map[string]int{}
	cards := map[string]bool{}
	for _, h := range lives(t, 1, 200, 365) {
		if h.Event != nil && h.Event.Card != nil {
			cards[h.Event.Card.ID] = true
		}
		a := h.Act
		if a == nil {
			continue
		}
		acts[a.Scenario+": "+a.What]++
		if hour := h.At.In(loc).Hour(); hour < 8 {
			t.Errorf("somebody answers at %v", h.At.In(loc))
		}
		if !cards[a.Patient] {
			t.Errorf("an act of %s, of whom nothing was told", a.Patient)
		}
		switch {
		case a.From != "":
			if !strings.HasPrefix(a.From, "+7") || strings.Trim(a.From, "+0123456789") != "" || a.Text == "" {
				t.Errorf("an SMS from %s: %q", a.From, a.Text)
			}
		case !strings.HasPrefix(a.Link, "https://"):
			t.Errorf("an act that leads nowhere: %+v", a)
		case a.Pick != "" && a.Form == nil:
			t.Errorf("something is picked, and nothing posted: %+v", a)
		}
	}
	for _, what := range []string{"after-visit: good", "after-visit: bad", "after-visit: fair", "after-visit: map followed",
		"appointment: confirm", "appointment: confirm by SMS", "appointment: reschedule", "appointment: cancel",
		"recall: book", "recall: callback", "recall: later", "recall: looked", "sleeping-6: book", "sleeping-6: never",
		"birthday: gift chosen", "referral: link passed on", "referral: friend left a phone", "sleeping-6: STOP"} {
		if acts[what] == 0 {
			t.Errorf("nobody did %q: %v", what, acts)
		}
	}
	if acts["after-visit: good"] < 3*acts["after-visit: bad"] {
		t.Errorf("people are unhappier than people are: %v", acts)
	}
}

// population gives the cards as they stand when all are told, and the last
// visit of each from before the beginning.
func population(t *testing.T) (cards map[string]*intake.Card, last map[string]time.Time) {
	t.Helper()
	cards, last = map[string]*intake.Card{}, map[string]time.Time{}
	for _, h := range lives(t, 3, 200, 365) {
		switch e := h.Event; {
		case e != nil && e.Card != nil && cards[e.Card.ID] == nil:
			cards[e.Card.ID] = e.Card
		case e != nil && e.Visit != nil && e.Visit.FinishedAt.Before(begin):
			last[e.Visit.Patient] = e.Visit.FinishedAt
		}
	}
	return cards, last
}

func TestAmongThePatientsAreAllWhomTheProductKnowsHowToTreat(t *testing.T) {
	cards, last := population(t)
	today := dental.DateOf(begin)
	phones := map[string]int{}
	for _, c := range cards {
		phones[c.Number]++
	}
	count := map[string]int{}
	for _, c := range cards {
		age := c.BirthDate.AgeOn(today)
		for what, is := range map[string]bool{
			"a child with a guardian":            age < 18 && c.GuardianID != "",
			"one who shares a phone":             c.Number != "" && phones[c.Number] > 1,
			"one with e-mail alone":              c.Number == "" && c.Mail != "",
			"one with a landline":                strings.HasPrefix(c.Number, "+7 495") && !strings.Contains(c.Number, "доб."),
			"one who was never asked":            len(c.Consents) == 0,
			"one who wants no offers":            slices.ContainsFunc(c.Consents, func(x dental.Consent) bool { return x.Class == dental.Advertising && !x.Granted }),
			"one born on 29 February":            c.BirthDate.Month == time.February && c.BirthDate.Day == 29,
			"one never seen before":              last[c.ID].IsZero(),
			"one seen within five months":        last[c.ID].After(begin.AddDate(0, -5, 0)),
			"one last seen 6 to 12 months ago":   last[c.ID].Before(begin.AddDate(0, -6, 0)) && last[c.ID].After(begin.AddDate(0, -12, 0)),
			"one last seen 12 to 30 months ago":  !last[c.ID].IsZero() && last[c.ID].Before(begin.AddDate(-1, 0, 0)),
			"one last seen longer ago than that": !last[c.ID].IsZero() && last[c.ID].Before(begin.AddDate(0, -31, 0)),
		} {
			if is {
				count[what]++
			}
		}
		if g := cards[c.GuardianID]; c.GuardianID != "" && (g == nil || g.BirthDate.AgeOn(today) < 18) {
			t.Errorf("%s answers for %s", c.GuardianID, c.ID)
		}
	}
	for what, least := range map[string]int{"a child with a guardian": 10, "one who shares a phone": 20, "one with e-mail alone": 2, "one with a landline": 1,
		"one who was never asked": 3, "one who wants no offers": 20, "one born on 29 February": 1, "one never seen before": 15,
		"one seen within five months": 40, "one last seen 6 to 12 months ago": 10, "one last seen 12 to 30 months ago": 25} {
		if count[what] < least {
			t.Errorf("%d times %s, of %d patients", count[what], what, len(cards))
		}
	}
	if n := count["one last seen longer ago than that"]; n > 0 {
		t.Errorf("%d were last seen more than 30 months ago", n)
	}
}

func TestAnAppointmentThatIsMovedOrCancelledIsNotKept(t *testing.T) {
	ended := map[string]string{}
	for _, h := range lives(t, 1, 200, 120) {
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

func TestNothingIsToldOfAPatientWhoHasGone(t *testing.T) {
	gone := map[string]string{}
	for _, h := range lives(t, 2, 200, 365) {
		e := h.Event
		if e == nil {
			continue
		}
		if was := gone[e.PatientID()]; was != "" {
			t.Errorf("%s of %s, who is %s", e.Type, e.PatientID(), was)
		}
		switch {
		case e.Gone != nil:
			gone[e.Gone.ID] = "erased"
		case e.Card != nil && e.Card.Status != "" && e.Card.Status != dental.Active:
			gone[e.Card.ID] = string(e.Card.Status)
		}
	}
	if len(gone) == 0 {
		t.Error("nobody has gone")
	}
}

func TestAFriendWhoLeftAPhoneBecomesAPatientWithThatPhone(t *testing.T) {
	left := map[string]url.Values{}
	friends := 0
	for _, h := range lives(t, 1, 200, 365) {
		if a := h.Act; a != nil && a.What == "friend left a phone" {
			left[a.Form.Get("phone")] = a.Form
			if a.Form.Get("name") == "" || a.Form.Get("consent") != "on" {
				t.Errorf("a friend posts %v", a.Form)
			}
		}
		if e := h.Event; e != nil && e.Card != nil {
			if form := left[e.Card.Number]; form != nil {
				friends++
				if form.Get("name") != e.Card.GivenName {
					t.Errorf("%s left a phone, and the card says %s", form.Get("name"), e.Card.GivenName)
				}
			}
		}
	}
	if friends == 0 {
		t.Errorf("of %d friends who left a phone nobody became a patient", len(left))
	}
}

func TestATaskThatStaysOnTheListIsWorkedOffOnce(t *testing.T) {
	p := practice.New(practice.Options{Seed: 1, Patients: 40, Start: begin, Days: 6, Loc: moscow(t)})
	told := map[string]int{}
	for {
		h, ok := p.Next()
		if !ok {
			break
		}
		if h.Event != nil && h.Event.Card != nil {
			told[h.Event.Card.ID]++
		}
		if h.Desk {
			for id := range told {
				p.Hand(practice.Task{ID: "contact-" + id, Kind: "contact", Patient: id})
			}
		}
	}
	// At a dozen looks the same task is on the list. Worked off each time, it would
	// mend every card again and again; worked off once it mends about a third.
	again := 0
	for _, n := range told {
		again += n - 1
	}
	if again < 5 || again > len(told)*2/3 {
		t.Errorf("%d cards were told %d times again", len(told), again)
	}
}
