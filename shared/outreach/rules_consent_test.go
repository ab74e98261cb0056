package outreach_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// leavesOf plays what becomes due of each class, and lists the classes of what
// left: thanks after a visit, the plan's next stage two weeks later, an offer,
// and the reminder of an appointment.
func leavesOf(s *stagetest.Stage) (out []dental.Class) {
	s.T.Helper()
	begin := s.Now()
	s.Visit("OLD", "P", begin.AddDate(0, -6, 1), func(v *dental.Visit) { v.ReturnDate = dental.Date{Year: 2020, Month: 1, Day: 1} })
	treats(s, "P", "L", begin.AddDate(0, 0, -13), toDo(dental.Therapy))
	s.To(begin.AddDate(0, 0, 12))
	s.Appointment(intake.AppointmentBooked, "A", "P", begin.AddDate(0, 0, 20))
	s.To(begin.AddDate(0, 0, 20).Add(time.Hour))
	s.Visit("NEW", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID = "A" })
	s.To(s.Now().Add(time.Minute))
	for _, x := range []struct {
		class          dental.Class
		scenario, step string
	}{
		{dental.Service, "after-visit", "thanks"}, {dental.Care, "plan", "next-stage"}, {dental.Advertising, "sleeping-6", "offer"}, {dental.Reminders, "appointment", "reminder"},
	} {
		if len(times(s, "P", x.scenario, x.step)) > 0 {
			out = append(out, x.class)
		}
	}
	return out
}

func agreed(granted bool, classes ...dental.Class) func(*intake.Card) {
	return func(c *intake.Card) {
		c.Consents = nil
		for _, class := range classes {
			for _, ch := range []dental.Channel{dental.SMS, dental.Mail} {
				c.Consents = append(c.Consents, dental.Consent{Class: class, Channel: ch, Granted: granted, At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Source: "paper"})
			}
		}
	}
}

func TestWhatMayBeWrittenFollowsFromWhatWasRecorded(t *testing.T) {
	const service, care, advertising, reminders = dental.Service, dental.Care, dental.Advertising, dental.Reminders
	tests := []struct {
		name   string
		clinic dental.CareConsent
		card   func(*intake.Card)
		then   func(*stagetest.Stage)
		leaves []dental.Class
	}{
		{"nothing recorded: service and care", dental.Presumed, agreed(true), nil, []dental.Class{service, care, reminders}},
		{"nothing recorded, where the clinic asks for care first: service", dental.Explicit, agreed(true), nil, []dental.Class{service, reminders}},
		{"care recorded, where the clinic asks for it", dental.Explicit, agreed(true, care), nil, []dental.Class{service, care, reminders}},
		{"advertising recorded", dental.Presumed, agreed(true, advertising), nil, []dental.Class{service, care, advertising, reminders}},
		{"everything refused: the reminder of an own appointment", dental.Presumed, agreed(false, service, care, advertising), nil, []dental.Class{reminders}},
		{"everything refused, and reminders too", dental.Presumed, agreed(false, service, care, advertising, reminders), nil, nil},
		{"one STOP: service", dental.Presumed, agreed(true, service, care, advertising), func(s *stagetest.Stage) { stops(s, 1) }, []dental.Class{service, reminders}},
		{"two STOPs: nothing", dental.Presumed, agreed(true, service, care, advertising), func(s *stagetest.Stage) { stops(s, 2) }, nil},
		{"a consent newer than a STOP", dental.Presumed, agreed(true, advertising), func(s *stagetest.Stage) {
			stops(s, 1)
			s.Set(s.Now().Add(time.Hour))
			s.Patient("P", func(c *intake.Card) {
				agreed(true, care, advertising)(c)
				for i := range c.Consents {
					c.Consents[i].At = s.Now()
				}
			})
		}, []dental.Class{service, care, advertising, reminders}},
		{"the same consent told again after a STOP is no newer one", dental.Presumed, agreed(true, care, advertising), func(s *stagetest.Stage) {
			stops(s, 1)
			s.Set(s.Now().Add(time.Hour))
			s.Patient("P", agreed(true, care, advertising))
		}, []dental.Class{service, reminders}},
		{"an older refusal told after a newer consent", dental.Presumed, agreed(true, care, advertising), func(s *stagetest.Stage) {
			s.Set(s.Now().Add(time.Hour))
			s.Patient("P", func(c *intake.Card) {
				agreed(false, care, advertising)(c)
				for i := range c.Consents {
					c.Consents[i].At = c.Consents[i].At.AddDate(-1, 0, 0)
				}
			})
		}, []dental.Class{service, care, advertising, reminders}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "after-visit", "plan", "sleeping-6", "appointment")
			s.Settings(func(c *dental.Clinic) { c.CareConsent, c.CapPerWeek = tt.clinic, 7 })
			s.Patient("P", tt.card)
			if tt.then != nil {
				tt.then(s)
			}
			if got := leavesOf(s); fmt.Sprint(got) != fmt.Sprint(tt.leaves) {
				t.Errorf("left are %v, want %v", got, tt.leaves)
			}
		})
	}
}

func stops(s *stagetest.Stage, n int) {
	s.T.Helper()
	for i := range n {
		if _, err := s.Desk.Stop(s.T.Context(), &s.Clinic, "+79160000001", fmt.Sprint("in-", i), s.Now()); err != nil {
			s.T.Fatal(err)
		}
	}
}

func TestAStopFromAPhoneIsForEveryChannelAndEverybodyOfThatNumber(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6")
	s.Patient("P", func(c *intake.Card) { c.Preferred = dental.Mail })
	s.Patient("Q", func(c *intake.Card) { c.GivenName = "Борис" })
	s.Patient("R", func(c *intake.Card) { c.Number = "+79160000002" })
	for _, id := range []string{"P", "Q", "R"} {
		s.Visit("V"+id, id, s.Local("2025-12-18 12:00"))
	}
	stops(s, 1)
	s.ToLocal("2026-06-30 12:00")
	for id, want := range map[string]string{"P": "skipped opted-out", "Q": "skipped opted-out", "R": "sent"} {
		if got := fate(s, id, "sleeping-6", "offer"); got != want {
			t.Errorf("the offer to %s is %q, want %q", id, got, want)
		}
	}
	for _, id := range []string{"P", "Q"} {
		if n := len(s.Tasks(id, dental.WakeTask)); n > 0 {
			t.Errorf("staff are asked to call %s, whose number said STOP", id)
		}
	}
}

func TestAStopBetweenTheClaimAndItsAnswerStopsTheNextChannel(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6")
	s.Patient("P")
	s.Visit("V", "P", s.Local("2025-12-18 12:00"))
	s.Provider = func(m outreach.Message) error {
		stops(s, 1) // while the provider is being called
		return &outreach.Refusal{Code: "no"}
	}
	s.ToLocal("2026-06-30 12:00")
	if touch := s.Touch("P", "sleeping-6", "offer"); len(touch.Attempts) != 1 || touch.State != dental.Skipped || touch.Reason != "opted-out" {
		t.Errorf("after %d attempts the touch is %s (%s)", len(touch.Attempts), touch.State, touch.Reason)
	}
}

func TestOneOfAFamilyRefusesAndTheOthersAreWrittenTo(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6", "appointment")
	s.Settings(func(c *dental.Clinic) { c.CapPerWeek = 7 })
	s.Patient("A", func(c *intake.Card) { c.GivenName = "Анна" })
	s.Patient("B", agreed(false, dental.Service, dental.Care, dental.Advertising, dental.Reminders), func(c *intake.Card) { c.GivenName = "Борис" })
	for _, id := range []string{"A", "B"} {
		s.Visit("V"+id, id, s.Local("2025-12-18 12:00"))
	}
	s.ToLocal("2026-06-20 12:00")
	for id, want := range map[string]string{"A": "sent", "B": "skipped no-consent"} {
		if got := fate(s, id, "sleeping-6", "offer"); got != want {
			t.Errorf("the offer to %s is %q, want %q", id, got, want)
		}
	}
	for i, id := range []string{"A", "B"} {
		s.Appointment(intake.AppointmentBooked, "X"+id, id, s.Local(fmt.Sprintf("2026-07-01 1%d:00", i)))
	}
	s.ToLocal("2026-07-01 09:00")
	if sent := s.SentAs("appointment", "reminder"); len(sent) != 1 || sent[0].Touch.Patient != "A" {
		t.Errorf("reminders: %v", sent)
	}
	if got := fate(s, "B", "appointment", "reminder"); got != "skipped no-consent" {
		t.Errorf("the reminder of who refused them is %q", got)
	}
}
