package outreach_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// presses leaves a press on a task of the patient's that has no job yet, or
// takes it back where the outcome is "".
func presses(s *stagetest.Stage, patient, outcome string) {
	s.T.Helper()
	tx := s.Store.Begin()
	if _, err := tx.Card(s.T.Context(), "demo", patient); err != nil {
		s.T.Fatal(err)
	}
	task := dental.Task{Clinic: "demo", Patient: patient, Kind: dental.CallbackTask, Anchor: "call", OpenedAt: s.Now(), ShowDay: s.Clinic.Today(s.Now()), Due: s.Now().Add(time.Hour)}
	if outcome != "" {
		task.Pressed = dental.Press{ID: "1", Outcome: outcome, By: "Ольга", At: s.Now()}
	}
	tx.Put(task)
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

func child(c *intake.Card) {
	c.Number, c.Mail, c.GuardianID, c.BirthDate = "", "", "M", dental.Date{Year: 2016, Month: 4, Day: 1}
}

func TestNothingLeavesWhileAPressThatForbidsItCanStillBeTakenBack(t *testing.T) {
	for name, tt := range map[string]struct {
		on, outcome string
		waits       bool
	}{
		"no contact any more with the patient":        {"P", dental.PressNever, true},
		"a wrong number, the patient's":               {"P", dental.PressWrongNumber, true},
		"no contact any more with the child":          {"KID", dental.PressNever, true},
		"no contact any more with the guardian":       {"M", dental.PressNever, true},
		"a wrong number, the guardian's":              {"M", dental.PressWrongNumber, true},
		"that it was talked over keeps nothing back":  {"P", dental.PressTalked, false},
		"what is pressed of another patient, neither": {"OTHER", dental.PressNever, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := stagetest.New(t, start)
			s.Patient("M", func(c *intake.Card) { c.Number = "+79160000002" })
			s.Patient("OTHER", func(c *intake.Card) { c.Number = "+79160000003" })
			about := map[bool]string{true: "KID", false: "P"}[tt.on == "KID" || tt.on == "M"]
			if about == "KID" {
				s.Patient(about, child)
			} else {
				s.Patient(about)
			}
			presses(s, tt.on, tt.outcome)
			s.Visit("V", about, s.Now())
			s.To(start.Add(10 * time.Minute))
			if n := len(left(s, about)); (n == 0) != tt.waits {
				t.Fatalf("%d messages left", n)
			}
			if touch := s.Touch(about, "after-visit", "thanks"); tt.waits && (touch.State != dental.Planned || len(touch.Attempts) > 0 || touch.Wake.Sub(s.Now()) > time.Minute) {
				t.Errorf("it is %s until %s", touch.State, touch.Wake)
			}
			if !tt.waits {
				return
			}
			presses(s, tt.on, "")
			s.To(start.Add(12 * time.Minute))
			if n := len(left(s, about)); n != 1 {
				t.Errorf("once it is taken back %d messages have left", n)
			}
		})
	}
}
