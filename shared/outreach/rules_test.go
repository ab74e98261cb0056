package outreach_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// start is a Tuesday.
var start = time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600))

func local(s *stagetest.Stage, t time.Time) string {
	return t.In(s.Clinic.Location()).Format("2006-01-02 15:04")
}

// left lists what a patient got as "scenario/step channel time".
func left(s *stagetest.Stage, patient string) []string {
	var out []string
	for _, m := range s.Sent() {
		if m.Touch.Patient == patient {
			out = append(out, m.Touch.Scenario+"/"+m.Touch.Step+" "+string(m.Channel)+" "+local(s, m.At))
		}
	}
	return out
}

func want(t *testing.T, what string, got []string, expected ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(expected, "\n") {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(expected, "\n  "))
	}
}

func TestAFinishedVisitBringsThanksAtOnceAndASurveyADayLater(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", s.Now())
	s.To(start.Add(48 * time.Hour))
	want(t, "what left", left(s, "P"), "after-visit/thanks sms 2026-03-10 11:00", "after-visit/survey sms 2026-03-11 11:00")
	for _, m := range s.Sent() {
		if !strings.HasPrefix(m.Text, "Анна, ") || m.Parts > 2 || m.To != "+79160000001" {
			t.Errorf("to %s in %d parts: %q", m.To, m.Parts, m.Text)
		}
	}
}

func TestThanks(t *testing.T) {
	tests := []struct {
		name            string
		finished, heard string
		left            string // "" is never
		advice          bool
		reason          string
	}{
		{"leave on acceptance in the sending hours", "2026-03-10 11:00", "2026-03-10 11:05", "2026-03-10 11:05", true, ""},
		{"leave in the late evening when hard upon the visit", "2026-03-10 20:40", "2026-03-10 21:10", "2026-03-10 21:10", true, ""},
		{"wait for the morning, without advice for today, when the visit is an hour past", "2026-03-10 20:00", "2026-03-10 21:10", "2026-03-11 09:00", false, ""},
		{"wait for the morning after ten in the evening", "2026-03-10 21:50", "2026-03-10 22:05", "2026-03-11 09:00", false, ""},
		{"wait for nine o'clock of the same day, with advice", "2026-03-10 07:30", "2026-03-10 07:31", "2026-03-10 09:00", true, ""},
		{"still leave twelve hours after the end", "2026-03-10 08:00", "2026-03-10 20:00", "2026-03-10 20:00", true, ""},
		{"do not leave when the MIS tells later than twelve hours after the end", "2026-03-10 08:00", "2026-03-10 20:01", "", false, "late-event"},
		{"are not claimed in the last six minutes of the sending hours", "2026-03-10 18:00", "2026-03-10 20:55", "2026-03-11 09:00", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start.AddDate(0, 0, -1))
			s.Patient("P")
			s.ToLocal(tt.heard)
			s.Visit("V", "P", s.Local(tt.finished))
			s.To(s.Now().Add(30 * time.Hour))
			got := s.SentAs("after-visit", "thanks")
			if tt.left == "" {
				if touch := s.Touch("P", "after-visit", "thanks"); len(got) > 0 || touch.State != dental.Skipped || touch.Reason != tt.reason {
					t.Fatalf("%d left; the touch is %s (%s)", len(got), touch.State, touch.Reason)
				}
				return
			}
			if len(got) != 1 || local(s, got[0].At) != tt.left {
				t.Fatalf("left: %v, want %s", left(s, "P"), tt.left)
			}
			if has := strings.Contains(got[0].Text, "Два часа"); has != tt.advice {
				t.Errorf("advice for today: %t in %q", has, got[0].Text)
			}
		})
	}
}

func TestSeveralVisitsOfADayAreOneAndWaitForTheLast(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A2", "P", s.Local("2026-03-10 15:00"))
	s.Visit("V1", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID = "A1" })
	s.ToLocal("2026-03-10 15:40")
	if n := len(s.SentAs("after-visit", "thanks")); n != 0 {
		t.Fatalf("%d thanks left while another appointment of the day stands", n)
	}
	s.Visit("V2", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID = "A2" })
	s.To(s.Now().Add(30 * time.Hour))
	want(t, "what left", left(s, "P"), "after-visit/thanks sms 2026-03-10 15:40", "after-visit/survey sms 2026-03-11 15:40")
}

func TestThanksDoNotWaitForAnAppointmentThatIsCancelled(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A2", "P", s.Local("2026-03-10 15:00"))
	s.Visit("V1", "P", s.Now())
	s.ToLocal("2026-03-10 12:00")
	s.Appointment(intake.AppointmentCancelled, "A2", "P", s.Local("2026-03-10 15:00"))
	s.ToLocal("2026-03-10 12:30")
	want(t, "what left", left(s, "P"), "after-visit/thanks sms 2026-03-10 12:00")
}

func TestASurvey(t *testing.T) {
	earlier := func(s *stagetest.Stage) { // a visit ten days before, surveyed
		s.Set(s.Local("2026-02-28 12:00"))
		s.Patient("P")
		s.Visit("V0", "P", s.Now())
		s.ToLocal("2026-03-02 12:00")
	}
	tests := []struct {
		name   string
		before func(*stagetest.Stage)
		visit  func(*dental.Visit)
		reason string // "" means that it leaves
	}{
		{"is asked after the first visit", func(s *stagetest.Stage) { s.Patient("P") }, nil, ""},
		{"is asked once in 30 days", earlier, nil, "asked-recently"},
		{"is asked after a complex visit whatever was asked before", earlier, func(v *dental.Visit) { v.Complex = true }, ""},
		{"is asked after the last stage of a plan", func(s *stagetest.Stage) {
			earlier(s)
			s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: "demo", Patient: "P", ID: "L", Source: dental.Source{Version: 1, Body: "x"},
				Stages: []dental.Stage{{ID: "1", Status: dental.StageDone, DoneAt: start}}}})
		}, nil, ""},
		{"is not asked when the next appointment is within 72 hours", func(s *stagetest.Stage) {
			s.Patient("P")
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-13 18:00"))
		}, nil, "visit-soon"},
		{"is not asked when a plan is open and had two visits in 14 days", func(s *stagetest.Stage) {
			s.Settings(func(c *dental.Clinic) {
				c.Scenarios["after-visit"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"survey": false}}
			})
			earlier(s)
			s.Settings(func(c *dental.Clinic) { c.Scenarios["after-visit"] = dental.ScenarioSettings{On: true} })
			s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: "demo", Patient: "P", ID: "L", Source: dental.Source{Version: 1, Body: "x"},
				Stages: []dental.Stage{{ID: "1", Status: dental.StagePlanned}}}})
		}, nil, "plan-visits"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start.AddDate(0, 0, -30))
			tt.before(s)
			s.To(start)
			n := len(s.SentAs("after-visit", "survey"))
			s.Visit("V", "P", start, func(v *dental.Visit) {
				if tt.visit != nil {
					tt.visit(v)
				}
			})
			s.To(start.Add(25 * time.Hour))
			touch := s.Card("P").Touch("after-visit", "survey", "2026-03-10")
			if touch == nil {
				t.Fatal("there is no survey touch")
			}
			if left := len(s.SentAs("after-visit", "survey")) > n; left != (tt.reason == "") || touch.Reason != tt.reason {
				t.Errorf("left: %t, the touch is %s (%s), want reason %q", left, touch.State, touch.Reason, tt.reason)
			}
		})
	}
}

func TestACorrectedVisitPlansNothingNew(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", start)
	s.To(start.Add(48 * time.Hour))
	s.Visit("V", "P", start.AddDate(0, 0, 1), func(v *dental.Visit) { v.Receipt.Minor = 1 })
	s.To(start.Add(120 * time.Hour))
	want(t, "what left", left(s, "P"), "after-visit/thanks sms 2026-03-10 11:00", "after-visit/survey sms 2026-03-11 11:00")
	if v := s.Card("P").Visits[0]; v.Receipt.Minor != 1 || v.Day.String() != "2026-03-10" {
		t.Errorf("the correction is not stored: %+v", v)
	}
}

func TestTouchesOfAStrangerWaitForTheCardAndSaySoWhenItNeverComes(t *testing.T) {
	s := stagetest.New(t, start)
	s.Visit("V", "P", start)
	s.To(start.Add(5 * time.Hour))
	if n := len(s.Sent()); n != 0 {
		t.Fatalf("%d messages left to nobody", n)
	}
	s.Patient("P")
	s.To(start.Add(5*time.Hour + time.Minute))
	want(t, "what left when the card came", left(s, "P"), "after-visit/thanks sms 2026-03-10 16:00")

	s.Visit("V", "Q", start.Add(5*time.Hour))
	s.To(start.AddDate(0, 0, 5))
	if touch := s.Touch("Q", "after-visit", "thanks"); touch.State != dental.Skipped || touch.Reason != "no-card" {
		t.Errorf("thanks to a patient whose card never came: %s (%s)", touch.State, touch.Reason)
	}
	if len(s.Tasks("Q", dental.ContactTask)) != 1 {
		t.Error("staff have no task about the missing card")
	}
}

func TestAMessageThatCannotLeaveSaysWhyAndStaffAreAskedWhereTheyCanMendIt(t *testing.T) {
	tests := []struct {
		name    string
		card    func(*intake.Card)
		reason  string
		channel dental.Channel // when it leaves
		task    bool
	}{
		{"no phone and no e-mail", func(c *intake.Card) { c.Number, c.Mail = "", "" }, "no-address", "", true},
		{"a malformed phone and no e-mail", func(c *intake.Card) { c.Number, c.Mail = "123", "" }, "phone-malformed", "", true},
		{"a malformed phone, but an e-mail", func(c *intake.Card) { c.Number = "123" }, "", dental.Mail, false},
		{"a foreign phone and no e-mail", func(c *intake.Card) { c.Number, c.Mail = "+491700000001", "" }, "foreign-phone", "", true},
		{"service messages refused", func(c *intake.Card) {
			for i := range c.Consents {
				c.Consents[i].Granted = false
			}
		}, "no-consent", "", false},
		{"an archived card", func(c *intake.Card) { c.Status = dental.Archived }, "", "", false},
		{"e-mail preferred", func(c *intake.Card) { c.Preferred = dental.Mail }, "", dental.Mail, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start)
			s.Patient("P", tt.card)
			s.Visit("V", "P", start)
			s.To(start.Add(time.Hour))
			sent := s.SentAs("after-visit", "thanks")
			if tt.channel != "" {
				if len(sent) != 1 || sent[0].Channel != tt.channel {
					t.Fatalf("left: %v, want one by %s", left(s, "P"), tt.channel)
				}
			} else if len(sent) > 0 {
				t.Fatalf("left: %v", left(s, "P"))
			}
			if touch := s.Card("P").Touch("after-visit", "thanks", "2026-03-10"); tt.reason != "" && (touch == nil || touch.State != dental.Skipped || touch.Reason != tt.reason) {
				t.Errorf("the touch is %+v, want skipped %s", touch, tt.reason)
			}
			if has := len(s.Tasks("P", dental.ContactTask)) == 1; has != tt.task {
				t.Errorf("a task for staff: %t, want %t", has, tt.task)
			}
		})
	}
}

func TestATaskToConfirmEndsWithTheAppointmentsStartThoughTheMISSaysNothing(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
	s.ToLocal("2026-03-19 14:29")
	if n := len(s.Tasks("P", dental.ConfirmTask)); n != 1 {
		t.Fatalf("%d confirm tasks a minute before", n)
	}
	s.ToLocal("2026-03-19 14:31")
	task := s.Card("P").Task(dental.ConfirmTask, dental.AppointmentAnchor(*s.Card("P").Appointment("A")))
	if task.Open() || task.Outcome != "appointment-over" {
		t.Errorf("a minute after the start the task is %+v", task)
	}
}

func TestStaffAreNotToldThatAReminderWasUndeliveredWhichAnotherSpokeOf(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("A")
	s.Patient("B")
	s.Appointment(intake.AppointmentBooked, "A-A", "A", s.Local("2026-03-19 10:30"))
	s.Appointment(intake.AppointmentBooked, "A-B", "B", s.Local("2026-03-19 11:30"))
	s.ToLocal("2026-03-18 12:00")
	for _, id := range []string{"A", "B"} {
		if tasks := s.Tasks(id, dental.ConfirmTask); len(tasks) != 1 || strings.Contains(tasks[0].Reason, "не дошло") {
			t.Errorf("the task about %s: %+v", id, tasks)
		}
	}
}

func TestANumberThatStandsInTooManyCardsIsNobodys(t *testing.T) {
	s := stagetest.New(t, start)
	for i := range 14 {
		s.Patient(fmt.Sprintf("P%02d", i), func(c *intake.Card) { c.Mail = "" })
	}
	s.Visit("V", "P00", start)
	s.To(start.Add(time.Minute))
	if touch := s.Touch("P00", "after-visit", "thanks"); touch.State != dental.Skipped || touch.Reason != "shared-phone" || len(s.Tasks("P00", dental.ContactTask)) != 1 {
		t.Errorf("the touch is %s (%s)", touch.State, touch.Reason)
	}
}

func TestTheReminder(t *testing.T) {
	tests := []struct {
		name         string
		booked, at   string
		left         string // "" is never
		confirmTask  string // when it is opened, "" is never
		unreachable  bool
		confirmEarly bool
	}{
		{"leaves two days before at the same local time", "2026-03-02 12:00", "2026-03-19 14:30", "2026-03-17 14:30", "2026-03-18 10:00", false, false},
		{"of an early hour leaves the evening before", "2026-03-02 12:00", "2026-03-19 08:00", "2026-03-16 20:00", "2026-03-18 10:00", false, false},
		{"booked late leaves a day before", "2026-03-18 10:00", "2026-03-19 14:30", "2026-03-18 14:30", "2026-03-18 18:30", false, false},
		{"booked 25 hours ahead leaves two hours after the booking", "2026-03-18 13:30", "2026-03-19 14:30", "2026-03-18 15:30", "2026-03-18 19:30", false, false},
		{"booked less than a day ahead does not leave, and nobody is asked to call", "2026-03-18 15:00", "2026-03-19 14:30", "", "", false, false},
		{"booked in the night for the morning after next leaves at nine", "2026-03-17 23:00", "2026-03-19 08:00", "2026-03-18 09:00", "2026-03-18 13:00", false, false},
		{"of a Monday asks staff to call on Saturday", "2026-03-02 12:00", "2026-03-23 14:30", "2026-03-21 14:30", "2026-03-21 18:30", false, false},
		{"of a Tuesday after a Sunday asks staff on Monday", "2026-03-02 12:00", "2026-03-24 14:30", "2026-03-22 14:30", "2026-03-23 10:00", false, false},
		{"that cannot be delivered asks staff to call at once", "2026-03-02 12:00", "2026-03-19 14:30", "", "2026-03-17 14:30", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start.AddDate(0, 0, -10))
			s.Patient("P", func(c *intake.Card) {
				if tt.unreachable {
					c.Number, c.Mail = "", ""
				}
			})
			s.ToLocal(tt.booked)
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local(tt.at))
			s.To(s.Local(tt.at).Add(-time.Minute))
			var got []string
			for _, m := range s.SentAs("appointment", "reminder") {
				got = append(got, local(s, m.At))
			}
			if tt.left == "" {
				want(t, "reminders", got)
			} else {
				want(t, "reminders", got, tt.left)
			}
			got = nil
			for _, task := range s.Tasks("P", dental.ConfirmTask) {
				got = append(got, local(s, task.OpenedAt))
			}
			if tt.confirmTask == "" {
				want(t, "confirm tasks", got)
			} else {
				want(t, "confirm tasks", got, tt.confirmTask)
			}
		})
	}
}

func TestAnAppointmentRemindedConfirmedMovedMovedBackCancelledAndBookedAgain(t *testing.T) {
	for _, zone := range []string{"Europe/Moscow", "Europe/Berlin", "America/New_York"} {
		t.Run("in "+zone, func(t *testing.T) {
			s := stagetest.New(t, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), func(c *dental.Clinic) { c.TimeZone = zone })
			// Berlin moves its clocks on 29 March, New York on 8 March.
			first, second := s.Local("2026-03-30 14:30"), s.Local("2026-04-02 10:00")
			if zone == "America/New_York" {
				first, second = s.Local("2026-03-09 14:30"), s.Local("2026-03-12 10:00")
			}
			reminded := func(a time.Time) string {
				return local(s, dental.DateOf(a).AddDays(-2).At(dental.TimeOfDayOf(a), a.Location()))
			}
			s.Patient("P")
			s.Appointment(intake.AppointmentBooked, "A", "P", first)
			s.To(first.Add(-47 * time.Hour))
			want(t, "reminded of the first time", left(s, "P"), "appointment/reminder sms "+reminded(first))
			if _, err := s.Desk.Act(t.Context(), s.Token("P", dental.AppointmentLink), reply.Confirm, s.Now()); err != nil {
				t.Fatal(err)
			}
			s.To(first.Add(-30 * time.Hour))
			s.Appointment(intake.AppointmentMoved, "A", "P", second)
			if a := s.Card("P").Appointment("A"); a.Answered() != "" {
				t.Errorf("the confirmation of the old time still stands: %q", a.Answered())
			}
			s.To(second.Add(-40 * time.Hour))
			want(t, "reminded of the second time", left(s, "P"), "appointment/reminder sms "+reminded(first), "appointment/reminder sms "+reminded(second))

			back := first.AddDate(0, 0, 14)
			s.Appointment(intake.AppointmentMoved, "A", "P", back)
			s.To(s.Now().Add(time.Hour))
			s.Appointment(intake.AppointmentMoved, "A", "P", second.AddDate(0, 0, 14))
			s.To(s.Now().Add(time.Hour))
			s.Appointment(intake.AppointmentMoved, "A", "P", back) // there and back before anything left
			s.To(back.Add(-46 * time.Hour))
			if n := len(s.SentAs("appointment", "reminder")); n != 3 {
				t.Fatalf("%d reminders, want one more for the time moved back to", n)
			}
			s.Appointment(intake.AppointmentCancelled, "A", "P", back)
			s.To(back.Add(-30 * time.Hour))
			if n := len(s.Tasks("P", dental.ConfirmTask)); n != 0 {
				t.Errorf("%d confirm tasks for a cancelled appointment", n)
			}
			s.Appointment(intake.AppointmentBooked, "B", "P", back.AddDate(0, 0, 7))
			s.To(back.AddDate(0, 0, 7).Add(-time.Hour))
			got := s.SentAs("appointment", "reminder")
			if len(got) != 4 || local(s, got[3].At) != reminded(back.AddDate(0, 0, 7)) {
				t.Errorf("reminders: %v", left(s, "P"))
			}
			if n := len(s.SentAs("appointment", "missed")); n != 0 {
				t.Errorf("%d words about a lost appointment although another was booked", n)
			}
		})
	}
}
