package scenario_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// shut is why a step of a subject must not leave at the scene's time; its being
// over for good is told too.
func (s *scene) shut(on scenario.Trigger, id, step string) (shut, over string) {
	s.Helper()
	for _, w := range scenario.Shipped().Plan(&s.clinic, &s.card, scenario.Subject{On: on, ID: id}) {
		if w.Touch.Step == step {
			return scenario.Shipped().Shut(&s.clinic, &s.card, w, s.now), scenario.Shipped().Over(&s.clinic, &s.card, w, s.now)
		}
	}
	s.Fatalf("the facts do not ask for %s", step)
	return "", ""
}

func TestWhatHoldsASurveyBack(t *testing.T) {
	earlier := func(sent string, change ...func(*dental.Touch)) func(s *scene) {
		return func(s *scene) {
			s.visit("V0", "2026-02-08 11:00", "2026-02-08 11:05")
			s.touch("after-visit", "survey", "2026-02-08", dental.Sent, append([]func(*dental.Touch){func(t *dental.Touch) { t.SentAt = s.at(sent) }}, change...)...)
		}
	}
	plan := func(statuses ...dental.StageStatus) func(s *scene) {
		return func(s *scene) {
			p := dental.Plan{ID: "L", PresentedAt: s.at("2026-02-01 12:00")}
			for _, status := range statuses {
				p.Stages = append(p.Stages, dental.Stage{Status: status, DoneAt: s.at("2026-03-10 11:00")})
			}
			s.card.Plans = append(s.card.Plans, p)
		}
	}
	booked := func(start string) func(s *scene) {
		return func(s *scene) { s.appointment("N", start, "2026-03-01 12:00", dental.Booked) }
	}
	complicated := func(s *scene) { s.card.Visits[0].Complex = true }
	tests := []struct {
		name string
		tell []func(s *scene)
		want string
		over bool
	}{
		{"nothing", nil, "", false},
		{"an answer given on the page already", []func(*scene){func(s *scene) { s.answer("2026-03-10", "2026-03-10 20:00", dental.Good, -1) }}, "answered", true},
		{"not an answer about another day", []func(*scene){func(s *scene) { s.answer("2026-03-09", "2026-03-10 20:00", dental.Good, -1) }}, "", false},
		{"another survey 30 days ago to the minute", []func(*scene){earlier("2026-02-09 11:00")}, "asked-recently", false},
		{"not another survey more than 30 days ago", []func(*scene){earlier("2026-02-09 10:59")}, "", false},
		{"another survey of unknown fate", []func(*scene){earlier("2026-02-09 11:00", func(t *dental.Touch) {
			t.State, t.SentAt, t.Attempts = dental.Unknown, time.Time{}, []dental.Attempt{{At: t.SentAt}}
		})}, "asked-recently", false},
		{"not another survey that did not leave", []func(*scene){earlier("2026-02-09 11:00", func(t *dental.Touch) { t.State, t.SentAt = dental.Skipped, time.Time{} })}, "", false},
		{"not after a complex visit, whatever was asked", []func(*scene){earlier("2026-03-01 11:00"), complicated}, "", false},
		{"not after the first visit, whatever was asked", []func(*scene){earlier("2026-03-01 11:00"), func(s *scene) { s.card.Visits = s.card.Visits[:1] }}, "", false},
		{"not after a plan's last stage, whatever was asked", []func(*scene){earlier("2026-03-01 11:00"), plan(dental.StageDone, dental.StageDone)}, "", false},
		{"another survey after a stage that was not the last", []func(*scene){earlier("2026-03-01 11:00"), plan(dental.StageDone, dental.StagePlanned)}, "asked-recently", false},
		{"an appointment in 72 hours to the minute", []func(*scene){booked("2026-03-14 11:00")}, "visit-soon", false},
		{"not an appointment in more than 72 hours", []func(*scene){booked("2026-03-14 11:01")}, "", false},
		{"not an appointment soon after a complex visit", []func(*scene){booked("2026-03-12 11:00"), complicated}, "", false},
		{"two visits in 14 days under an open plan", []func(*scene){func(s *scene) { s.visit("V0", "2026-03-02 11:00", "2026-03-02 11:05") }, plan(dental.StageDone, dental.StagePlanned)}, "plan-visits", false},
		{"not two visits of one day", []func(*scene){func(s *scene) { s.visit("V0", "2026-03-10 09:00", "2026-03-10 09:05") }, plan(dental.StageDone, dental.StagePlanned)}, "", false},
		{"not two visits further apart", []func(*scene){func(s *scene) { s.visit("V0", "2026-02-24 11:00", "2026-02-24 11:05") }, plan(dental.StageDone, dental.StagePlanned)}, "", false},
		{"not two visits without a plan", []func(*scene){func(s *scene) { s.visit("V0", "2026-03-02 11:00", "2026-03-02 11:05") }}, "", false},
		{"not a complex visit under an open plan", []func(*scene){func(s *scene) { s.visit("V0", "2026-03-02 11:00", "2026-03-02 11:05") }, plan(dental.StageDone, dental.StagePlanned), complicated}, "", false},
		{"not an open complaint: a survey is no review", []func(*scene){func(s *scene) { s.card.Tasks = []dental.Task{{Kind: dental.ComplaintTask}} }}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-11 11:00")
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
			for _, tell := range tt.tell {
				tell(s)
			}
			if shut, over := s.shut(scenario.OnVisitDay, "2026-03-10", "survey"); shut != tt.want || (over != "") != tt.over {
				t.Errorf("it is %q, for good: %q; want %q", shut, over, tt.want)
			}
		})
	}
}

func TestWhatHoldsAReviewBack(t *testing.T) {
	everyone := func(s *scene) {
		s.clinic.Maps = append(s.clinic.Maps, dental.Map{Name: "Google", URL: "https://maps.example.com/g", Ask: dental.AskEveryone})
	}
	complaint := func(closed string) func(s *scene) {
		return func(s *scene) {
			k := dental.Task{Kind: dental.ComplaintTask, Anchor: "2026-02-01"}
			if closed != "" {
				k.ClosedAt = s.at(closed)
			}
			s.card.Tasks = append(s.card.Tasks, k)
		}
	}
	tests := []struct {
		name   string
		rating dental.Rating
		tell   []func(s *scene)
		want   string
		over   bool
	}{
		{"nothing from somebody happy", dental.Good, nil, "", false},
		{"a map that was opened from this answer's page", dental.Good, []func(*scene){func(s *scene) { s.card.Answers[0].Maps = []string{"Яндекс Карты"} }}, "map-followed", true},
		{"a map that was opened a year ago", dental.Good, []func(*scene){func(s *scene) {
			s.answer("2025-03-12", "2025-03-12 18:00", dental.Good, -1)
			s.card.Answers[1].Maps = []string{"Яндекс Карты"}
		}}, "map-asked", false},
		{"not a map that was opened longer ago", dental.Good, []func(*scene){func(s *scene) {
			s.answer("2025-03-12", "2025-03-12 17:59", dental.Good, -1)
			s.card.Answers[1].Maps = []string{"Яндекс Карты"}
		}}, "", false},
		{"a request a year ago", dental.Good, []func(*scene){func(s *scene) {
			s.touch("review", "ask", "2025-03-10", dental.Sent, func(t *dental.Touch) { t.SentAt = s.at("2025-03-12 18:00") })
		}}, "map-asked", false},
		{"not a request longer ago", dental.Good, []func(*scene){func(s *scene) {
			s.touch("review", "ask", "2025-03-10", dental.Sent, func(t *dental.Touch) { t.SentAt = s.at("2025-03-12 17:59") })
		}}, "", false},
		{"a clinic without maps", dental.Good, []func(*scene){func(s *scene) { s.clinic.Maps = nil }}, "no-map", false},
		{"maps that ask the happy, of somebody who is not", dental.Fair, nil, "no-map", false},
		{"not a map that asks everyone", dental.Fair, []func(*scene){everyone}, "", false},
		{"the patient's age", dental.Good, []func(*scene){func(s *scene) { s.card.Patient.BirthDate = on(s, "2008-03-13") }}, "minor", false},
		{"not the patient's age from the 18th birthday on", dental.Good, []func(*scene){func(s *scene) { s.card.Patient.BirthDate = on(s, "2008-03-12") }}, "", false},
		{"an open complaint", dental.Good, []func(*scene){complaint("")}, "complaint-open", false},
		{"a complaint that was closed less than 30 days ago", dental.Good, []func(*scene){complaint("2026-02-10 18:01")}, "complaint-open", false},
		{"not a complaint that was closed 30 days ago", dental.Good, []func(*scene){complaint("2026-02-10 18:00")}, "", false},
		{"not another task", dental.Good, []func(*scene){func(s *scene) { s.card.Tasks = []dental.Task{{Kind: dental.FeedbackTask}} }}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-12 18:00")
			s.answer("2026-03-10", "2026-03-11 18:00", tt.rating, -1)
			for _, tell := range tt.tell {
				tell(s)
			}
			if shut, over := s.shut(scenario.OnAnswer, "2026-03-10", "ask"); shut != tt.want || (over != "") != tt.over {
				t.Errorf("it is %q, for good: %q; want %q", shut, over, tt.want)
			}
		})
	}
}

func TestWhatHoldsAReminderAndItsTaskBack(t *testing.T) {
	const anchor = "A@20260319T113000Z"
	together := func(state dental.TouchState, change ...func(*scene)) func(s *scene) {
		return func(s *scene) {
			s.appointment("B", "2026-03-19 10:00", "2026-03-02 12:00", dental.Booked)
			s.touch("appointment", "reminder", dental.AppointmentAnchor(s.card.Appointments[1]), state, func(t *dental.Touch) {
				t.Together = []string{dental.About("P", t.Anchor), dental.About("P", anchor)}
			})
			for _, c := range change {
				c(s)
			}
		}
	}
	tests := []struct {
		name, step string
		tell       func(s *scene)
		want       string
		over       bool
	}{
		{"nothing", "reminder", func(*scene) {}, "", false},
		{"a yes to this time", "reminder", func(s *scene) {
			s.card.Appointments[0].Reply, s.card.Appointments[0].ReplyFor = "confirm", s.card.Appointments[0].Start
		}, "answered", true},
		{"a wish for another time", "confirm", func(s *scene) {
			s.card.Appointments[0].Reply, s.card.Appointments[0].ReplyFor = "reschedule", s.card.Appointments[0].Start
		}, "answered", true},
		{"not a yes to the time before a move", "reminder", func(s *scene) {
			s.card.Appointments[0].Reply, s.card.Appointments[0].ReplyFor = "confirm", s.card.Appointments[0].Start.Add(-day)
		}, "", false},
		{"the MIS's own yes", "confirm", func(s *scene) { s.card.Appointments[0].Status = dental.Confirmed }, "answered", true},
		{"a task about an appointment that another's reminder speaks of", "confirm", together(dental.Sent), "combined", false},
		{"a task about one that another's reminder may have spoken of", "confirm", together(dental.Unknown), "combined", false},
		{"not a task when that reminder has not left", "confirm", together(dental.Planned), "", false},
		{"not a task when that other appointment is answered for itself", "confirm", together(dental.Sent, func(s *scene) { s.card.Appointments[1].Status = dental.Confirmed }), "", false},
		{"not a task when that other appointment is no more", "confirm", together(dental.Sent, func(s *scene) { s.card.Appointments[1].Status = dental.Cancelled }), "", false},
		{"not a task when that other appointment was moved", "confirm", together(dental.Sent, func(s *scene) { s.card.Appointments[1].Start = s.card.Appointments[1].Start.Add(day) }), "", false},
		{"not a complaint: the reminder stays", "reminder", func(s *scene) { s.card.Tasks = []dental.Task{{Kind: dental.ComplaintTask}} }, "", false},
		{"not the patient's age: the guardian gets it", "reminder", func(s *scene) { s.card.Patient.BirthDate = on(s, "2015-01-01") }, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-18 12:00")
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			tt.tell(s)
			if shut, over := s.shut(scenario.OnAppointment, "A", tt.step); shut != tt.want || (over != "") != tt.over {
				t.Errorf("it is %q, for good: %q; want %q", shut, over, tt.want)
			}
		})
	}
}

func TestWhatHoldsAWordAboutAMissBack(t *testing.T) {
	tests := []struct {
		name, step string
		tell       func(s *scene)
		want       string
		over       bool
	}{
		{"nothing", "missed", func(*scene) {}, "", false},
		{"a new appointment", "missed", func(s *scene) { s.appointment("N", "2026-03-25 12:00", "2026-03-19 16:00", dental.Booked) }, "booked", true},
		{"a new appointment, of the task too", "rebook", func(s *scene) { s.appointment("N", "2026-03-25 12:00", "2026-03-19 16:00", dental.Booked) }, "booked", true},
		{"not a new appointment that was cancelled", "missed", func(s *scene) { s.appointment("N", "2026-03-25 12:00", "2026-03-19 16:00", dental.Cancelled) }, "", false},
		{"a second miss in twelve months: by phone only", "missed", func(s *scene) { s.appointment("M", "2025-03-19 16:30", "2025-03-01 12:00", dental.Missed) }, "phone-only", false},
		{"not a second miss before that", "missed", func(s *scene) { s.appointment("M", "2025-03-19 16:29", "2025-03-01 12:00", dental.Missed) }, "", false},
		{"a second miss leaves the task", "rebook", func(s *scene) { s.appointment("M", "2025-06-19 16:30", "2025-03-01 12:00", dental.Missed) }, "", false},
		{"not a cancellation beside it", "missed", func(s *scene) { s.appointment("M", "2025-06-19 16:30", "2025-03-01 12:00", dental.Cancelled) }, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-19 16:30")
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Missed)
			tt.tell(s)
			if shut, over := s.shut(scenario.OnAppointment, "A", tt.step); shut != tt.want || (over != "") != tt.over {
				t.Errorf("it is %q, for good: %q; want %q", shut, over, tt.want)
			}
		})
	}
}

func TestAComplaintHoldsBackEverythingThatAdvertises(t *testing.T) {
	s := newScene(t, "2026-03-12 18:00")
	s.card.Tasks = []dental.Task{{Kind: dental.ComplaintTask}}
	step := &scenario.Step{Name: "x"}
	for _, tt := range []struct {
		touch dental.Touch
		want  string
	}{
		{dental.Touch{Scenario: "birthday", Class: dental.Advertising}, "complaint-open"},
		{dental.Touch{Scenario: "referral", Class: dental.Advertising}, "complaint-open"},
		{dental.Touch{Scenario: "review", Class: dental.Service}, "complaint-open"},
		{dental.Touch{Scenario: "recall", Class: dental.Care}, ""},
		{dental.Touch{Scenario: "appointment", Class: dental.Service}, ""},
	} {
		if got := scenario.Shipped().Shut(&s.clinic, &s.card, scenario.Want{Touch: tt.touch, Step: step}, s.now); got != tt.want {
			t.Errorf("%s of class %s: %q, want %q", tt.touch.Scenario, tt.touch.Class, got, tt.want)
		}
	}
}

func TestWhichMapsAreShownToWhom(t *testing.T) {
	cl := stagetest.Clinic()
	cl.Maps = []dental.Map{{Name: "happy", Ask: dental.AskHappy}, {Name: "everyone", Ask: dental.AskEveryone}}
	for mood, want := range map[dental.Mood]int{dental.Happy: 2, dental.Neutral: 1, dental.Unhappy: 1, dental.Unrated: 0} {
		if got := scenario.MapsFor(&cl, mood); len(got) != want || want == 1 && got[0].Name != "everyone" {
			t.Errorf("to the %s: %v", mood, got)
		}
	}
}
