package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

func deletion(version int64) intake.Event {
	return intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P-1", Version: version}}
}

// personal are words that only stand in what is known of P-1.
var personal = []string{"Анастасия", "Гагарина", "9160000077", "nastya", "1991-07-21", "Очень больно", "Кариес", "Полоскать содой", "76543.21"}

// lived is a stage on which P-1 has a long history, with her mother on the same phone.
func lived(t *testing.T) (*stagetest.Stage, *watched) {
	t.Helper()
	s, w := stage(t)
	s.Patient("P-1", func(c *intake.Card) {
		c.GivenName, c.FamilyName, c.Number, c.Mail = "Анастасия", "Гагарина", "+79160000077", "nastya@example.com"
		c.BirthDate = dental.Date{Year: 1991, Month: 7, Day: 21}
	})
	s.Patient("P-2", func(c *intake.Card) {
		c.GivenName, c.FamilyName, c.Number = "Мария", "Иванова", "+79160000077"
	})
	s.Visit("V-2", "P-2", s.Now().Add(-time.Hour))
	for n := range 30 {
		s.Visit(fmt.Sprint("V-old-", n), "P-1", s.Now().AddDate(0, -1, -10*n), func(v *dental.Visit) { v.Diagnoses = []dental.Coded{{Code: "K02", Name: "Кариес"}} })
	}
	s.Visit("V-1", "P-1", s.Now().Add(-time.Hour), func(v *dental.Visit) { v.Recommendations, v.Receipt.Minor = "Полоскать содой", 7654321 })
	plan := planEvent(1, "L-1", s.Now(), dental.StageDone, dental.StagePlanned)
	plan.Plan.Stages[1].Price = dental.Money{Minor: 7654321, Currency: "RUB"}
	s.Tell(plan)
	s.Tell(paymentEvent(1, "F-1", 7654321, dental.Paid))
	s.Appointment(intake.AppointmentBooked, "A-1", "P-1", s.Local("2026-03-20 12:00"))
	s.ToLocal("2026-03-11 13:00")
	form, err := reply.ParseAnswer("bad", "2", "Очень больно")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Answer(t.Context(), s.Token("P-1", dental.SurveyLink), form, s.Now()); err != nil {
		t.Fatal(err)
	}
	return s, w
}

// text is one item as the table holds it.
func text(it table.Item) string {
	return fmt.Sprintf("%s %s %s %v", it.Key, it.Index1, it.Index2, it.Attr)
}

func TestAnErasedPatientIsGoneFromTheTableWithinTheHour(t *testing.T) {
	s, w := lived(t)
	for _, word := range personal {
		if !slices.ContainsFunc(w.items(t), func(it table.Item) bool { return strings.Contains(text(it), word) }) {
			t.Fatalf("%q was never stored: the test looks for nothing", word)
		}
	}
	survey := s.Token("P-1", dental.SurveyLink)
	sent := len(s.Sent())
	s.Tell(deletion(9))

	if card := s.Card("P-1"); !card.Patient.Erased || card.Patient.FamilyName != "" || card.Patient.Phone != "" || len(card.Patient.Consents) > 0 {
		t.Errorf("at once the head is %+v", card.Patient)
	}
	if _, err := s.Desk.Survey(t.Context(), survey, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the survey's link still opens: %v", err)
	}
	s.To(s.Now().Add(time.Hour))

	var left []string
	for _, it := range w.items(t) {
		line := text(it)
		for _, word := range personal {
			shared := word == "9160000077" && strings.HasPrefix(it.Key.PK, "P#demo#P-2")
			if strings.Contains(line, word) && !shared {
				t.Errorf("%q is left in %s", word, line)
			}
		}
		if strings.HasPrefix(it.Key.PK, "P#demo#P-1") {
			left = append(left, it.Key.String())
		}
		if strings.HasPrefix(it.Key.PK, "N#") && strings.Contains(line, "P-1") {
			t.Errorf("a contact still knows the patient: %s", line)
		}
		if strings.HasPrefix(it.Key.PK, "L#") && strings.Contains(line, "P-1") {
			t.Errorf("a link is left: %s", line)
		}
	}
	if !slices.Equal(left, []string{"P#demo#P-1 / 0"}) {
		t.Errorf("of the patient are left %v", left)
	}
	for _, m := range s.Sent()[sent:] {
		if m.Touch.Patient == "P-1" {
			t.Errorf("%s/%s was sent after the deletion", m.Touch.Scenario, m.Touch.Step)
		}
	}
	mother := s.Card("P-2")
	if mother.Patient.FamilyName != "Иванова" || len(mother.Visits) != 1 || len(mother.Touches) == 0 {
		t.Error("the erasure touched the mother on the same phone")
	}
	contacts, err := s.Store.Begin().Contacts(t.Context(), &s.Clinic, "+79160000077")
	if err != nil || !slices.Equal(contacts["+79160000077"].Members, []dental.Member{{Clinic: "demo", Patient: "P-2"}}) {
		t.Errorf("the phone is shared by %v, error %v", contacts["+79160000077"].Members, err)
	}
}

func TestNoLaterEventRevivesADeletedPatient(t *testing.T) {
	for name, erased := range map[string]func(*stagetest.Stage){
		"before the job has run": func(*stagetest.Stage) {},
		"after the job has run":  func(s *stagetest.Stage) { s.To(s.Now().Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, w := stage(t)
			for _, ev := range history() {
				s.Tell(ev)
			}
			s.Tell(deletion(4))
			erased(s)
			for n, ev := range append(history(), deletion(3), deletion(400)) {
				for _, src := range sources(&ev) {
					src.Version, src.Body = src.Version+100, fmt.Sprint("later ", n)
				}
				s.Tell(ev)
			}
			s.To(s.Now().Add(time.Hour))
			card := s.Card("P-1")
			if !card.Patient.Erased || card.Patient.GivenName != "" || len(card.Visits)+len(card.Appointments)+len(card.Plans)+len(card.Payments)+len(card.Touches)+len(card.Milestones) > 0 {
				t.Errorf("the card is %+v with %d visits, %d appointments, %d touches", card.Patient, len(card.Visits), len(card.Appointments), len(card.Touches))
			}
			for _, it := range w.items(t) {
				if strings.Contains(text(it), "Сидорова") {
					t.Errorf("the name stands in %s", text(it))
				}
			}
		})
	}
}

// sources are the sources of what an event tells; the event's objects are its own from then on.
func sources(ev *intake.Event) []*dental.Source {
	switch {
	case ev.Card != nil:
		c := *ev.Card
		ev.Card = &c
		return []*dental.Source{&c.Source}
	case ev.Appointment != nil:
		a := *ev.Appointment
		ev.Appointment = &a
		return []*dental.Source{&a.Source}
	case ev.Visit != nil:
		v := *ev.Visit
		ev.Visit = &v
		return []*dental.Source{&v.Source}
	case ev.Plan != nil:
		p := *ev.Plan
		ev.Plan = &p
		return []*dental.Source{&p.Source}
	case ev.Payment != nil:
		p := *ev.Payment
		ev.Payment = &p
		return []*dental.Source{&p.Source}
	}
	return nil
}

func TestWhereverTheDeletionStandsAmongTheEventsNothingIsLeft(test *testing.T) {
	all := history()
	rapid.Check(test, func(t *rapid.T) {
		s, w := stage(test)
		order := rapid.Permutation(all).Draw(t, "order")
		at := rapid.IntRange(0, len(order)).Draw(t, "deleted before")
		jobAt := rapid.IntRange(at, len(order)).Draw(t, "job before")
		for n := range len(order) + 1 {
			if n == at {
				s.Tell(deletion(1))
			}
			if n == jobAt {
				s.To(s.Now().Add(time.Minute))
			}
			if n < len(order) {
				s.Tell(order[n])
			}
		}
		s.To(s.Now().Add(time.Hour))
		for _, it := range w.items(test) {
			if strings.HasPrefix(it.Key.PK, "P#demo#P-1") && it.Key.SK != "0" {
				t.Errorf("left: %s", text(it))
			}
			for _, word := range []string{"Анна", "Петрова", "Сидорова", "916000000", "anna@"} {
				if strings.Contains(text(it), word) {
					t.Errorf("%q is left in %s", word, text(it))
				}
			}
		}
		if !s.Card("P-1").Patient.Erased {
			t.Error("the tombstone is gone")
		}
	})
}

func TestAStrangerCanBeDeletedAheadOfBeingHeardOf(t *testing.T) {
	s, _ := stage(t)
	s.Tell(deletion(0))
	s.Tell(cardEvent(1, nil))
	if p := s.Card("P-1").Patient; !p.Erased || p.GivenName != "" {
		t.Errorf("the head is %+v", p)
	}
}
