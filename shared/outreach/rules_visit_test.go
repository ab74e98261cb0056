package outreach_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func TestWhatAVisitToldLateStillBrings(t *testing.T) {
	tests := []struct {
		days, hours              int
		thanks, survey, followUp string
		recall                   string // the second message, due a week after the visit
	}{
		{0, 12, "sent", "sent", "sent", "sent"},
		{0, 13, "skipped late-event", "sent", "sent", "sent"},
		{2, 20, "skipped late-event", "sent", "sent", "sent"},
		{3, 1, "skipped late-event", "skipped late-event", "skipped late-event", "sent"},
		{7, 0, "skipped late-event", "skipped late-event", "skipped late-event", "sent"},
		{8, 0, "skipped late-event", "skipped late-event", "skipped late-event", "sent"},
		{12, 0, "", "", "skipped late-event", "sent"},
		{40, 0, "", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("by %d days and %d hours", tt.days, tt.hours), func(t *testing.T) {
			s := quiet(t, "2026-06-01 11:00", "after-visit", "complex-visit", "recall")
			s.Patient("P")
			finished := s.Now()
			s.To(finished.Add(time.Duration(24*tt.days+tt.hours) * time.Hour))
			s.Visit("V", "P", finished, func(v *dental.Visit) { v.Complex, v.ReturnDate = true, dental.Date{Year: 2026, Month: 6, Day: 30} })
			s.ToLocal("2026-09-01 12:00")
			for step, want := range map[string]string{"after-visit/thanks": tt.thanks, "after-visit/survey": tt.survey, "complex-visit/follow-up": tt.followUp, "recall/second": tt.recall} {
				scenario, name, _ := strings.Cut(step, "/")
				if got := fate(s, "P", scenario, name); got != want {
					t.Errorf("%s is %q, want %q", step, got, want)
				}
			}
		})
	}
}

func TestAVisitMovedToAnotherDayByACorrectionKeepsItsDayAndPlansNothingNew(t *testing.T) {
	s := quiet(t, "2026-06-01 11:00", "after-visit", "complex-visit", "sleeping-6")
	s.Patient("P")
	s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.Complex = true })
	s.ToLocal("2026-06-01 20:00")
	s.Visit("V", "P", s.Local("2026-06-02 15:00"), func(v *dental.Visit) { v.Complex = true }) // it was the next day
	s.ToLocal("2026-12-20 12:00")
	want(t, "what left", left(s, "P"), "after-visit/thanks sms 2026-06-01 11:00", "after-visit/survey sms 2026-06-03 15:00", "complex-visit/follow-up sms 2026-06-05 15:00",
		"sleeping-6/offer sms 2026-12-02 11:30")
}

func TestTheDoctorsOwnWordsStandOnThePageAndInTheSMSOnlyWhereTheClinicSays(t *testing.T) {
	const words = "Не есть два часа и не курить сегодня"
	for _, listed := range []bool{false, true} {
		s := quiet(t, "2026-06-01 11:00", "after-visit")
		if listed {
			set(s, fmt.Sprintf(`{"advice": [%q]}`, words))
		}
		s.Patient("P")
		s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.Recommendations = words })
		s.ToLocal("2026-06-01 12:00")
		sent := s.SentAs("after-visit", "thanks")
		if len(sent) != 1 || strings.Contains(sent[0].Text, words) != listed || (len(sent[0].Links) > 0) == listed {
			t.Fatalf("on the list: %t, it left as %q with the links %v", listed, sent[0].Text, sent[0].Links)
		}
		s.ToLocal("2026-06-02 13:00")
		page, err := s.Desk.Survey(t.Context(), s.Token("P", dental.SurveyLink), s.Now())
		if err != nil || len(page.Recommendations) != 1 || page.Recommendations[0] != words {
			t.Errorf("on the list: %t, the page says %q, %v", listed, page.Recommendations, err)
		}
	}
}

func TestAPlanFinishedMeanwhileIsAskedAboutAlthoughASurveyHasLeftLately(t *testing.T) {
	for _, finished := range []bool{false, true} {
		s := quiet(t, "2026-06-01 11:00", "after-visit")
		s.Patient("P")
		s.Visit("V0", "P", s.Now().AddDate(-1, 0, 0))
		s.Visit("V", "P", s.Now())
		first := dental.Stage{ID: "1", Kind: dental.Therapy, Status: dental.StageDone, DoneAt: s.Now()}
		treats(s, "P", "L", s.Now().AddDate(0, 0, -30), first, dental.Stage{ID: "2", Kind: dental.Therapy, Status: dental.StagePlanned})
		s.ToLocal("2026-06-20 11:00")
		s.Visit("W", "P", s.Now())
		s.ToLocal("2026-06-20 20:00") // the MIS closes the stage in the evening
		if finished {
			treats(s, "P", "L", s.Now().AddDate(0, 0, -50), first, dental.Stage{ID: "2", Kind: dental.Therapy, Status: dental.StageDone, DoneAt: s.Local("2026-06-20 11:00")})
		}
		s.ToLocal("2026-06-25 11:00")
		expected := []string{"2026-06-02 11:00"}
		if finished {
			expected = append(expected, "2026-06-21 11:00")
		}
		want(t, fmt.Sprintf("finished: %t, surveys", finished), times(s, "P", "after-visit", "survey"), expected...)
	}
}

func TestAReviewIsAskedForWhoeverIsShownAMapAndOnceOnly(t *testing.T) {
	// Two happy visits a month and a half apart, and no link followed.
	s := quiet(t, "2026-06-01 11:00", "after-visit", "review")
	s.Patient("P")
	for _, day := range []string{"2026-06-01 11:00", "2026-07-15 11:00", "2027-07-20 11:00"} {
		s.ToLocal(day)
		s.Visit("V"+day[:10], "P", s.Now())
		s.To(s.Now().Add(25 * time.Hour))
		answerSurvey(t, s, "P", dental.Good)
		s.To(s.Now().Add(72 * time.Hour))
	}
	want(t, "requests", times(s, "P", "review", "ask"), "2026-06-03 12:00", "2027-07-22 12:00")
	if touch := s.Card("P").Touch("review", "ask", "2026-07-15"); touch == nil || touch.Reason != "map-asked" {
		t.Errorf("the second is %+v", touch)
	}
}

func TestTheReminderIsOnTimeToTheHour(t *testing.T) {
	tests := []struct {
		name, booked, at string
		left             string // "" is never
		confirm          string
	}{
		{"booked two days ahead to the minute", "2026-06-10 14:30", "2026-06-12 14:30", "2026-06-10 14:30", "2026-06-11 10:00"},
		{"booked a minute later", "2026-06-10 14:31", "2026-06-12 14:30", "2026-06-11 14:30", "2026-06-11 18:30"},
		{"booked a day ahead to the minute", "2026-06-11 14:30", "2026-06-12 14:30", "2026-06-11 16:30", "2026-06-11 20:30"},
		{"booked a minute later than that", "2026-06-11 14:31", "2026-06-12 14:30", "", ""},
		{"of nine in the morning leaves at nine", "2026-06-01 12:00", "2026-06-12 09:00", "2026-06-10 09:00", "2026-06-11 10:00"},
		{"of a minute to nine leaves the evening before", "2026-06-01 12:00", "2026-06-12 08:59", "2026-06-09 20:00", "2026-06-11 10:00"},
		{"of half past nine in the evening leaves that evening", "2026-06-01 12:00", "2026-06-12 21:30", "2026-06-10 20:00", "2026-06-11 10:00"},
		{"after a week of holidays asks on the last working day before them, or four hours after itself", "2026-06-01 12:00", "2026-06-22 12:00", "2026-06-20 12:00", "2026-06-20 16:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 09:00", "appointment")
			s.Settings(func(c *dental.Clinic) {
				for d := 15; d < 22; d++ {
					c.Holidays = append(c.Holidays, dental.Date{Year: 2026, Month: 6, Day: d})
				}
			})
			s.Patient("P")
			s.ToLocal(tt.booked)
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local(tt.at))
			s.To(s.Local(tt.at).Add(-time.Minute))
			list := func(one string) (out []string) {
				if one != "" {
					out = append(out, one)
				}
				return out
			}
			want(t, "reminders", times(s, "P", "appointment", "reminder"), list(tt.left)...)
			var tasks []string
			for _, k := range s.Tasks("P", dental.ConfirmTask) {
				tasks = append(tasks, at(s, k.OpenedAt))
			}
			want(t, "tasks", tasks, list(tt.confirm)...)
		})
	}
}

func TestSeveralAppointmentsOfADayAreOneReminderThatSaysAllThatAnSMSHasTo(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "appointment")
	s.Patient("P")
	for _, hour := range []string{"10:00", "12:30", "16:00"} {
		s.Appointment(intake.AppointmentBooked, "A"+hour[:2], "P", s.Local("2026-06-10 "+hour))
	}
	s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-06-11 10:00"))
	s.ToLocal("2026-06-10 09:30")
	want(t, "reminders", times(s, "P", "appointment", "reminder"), "2026-06-08 10:00", "2026-06-09 10:00")
	for _, part := range []string{"10 июня", "10:00", "12:30", "16:00", "+74950000000"} {
		if text := s.SentAs("appointment", "reminder")[0].Text; !strings.Contains(text, part) {
			t.Errorf("%q does not say %s", text, part)
		}
	}
	// One is moved away: it is reminded of by itself.
	s.Appointment(intake.AppointmentMoved, "A16", "P", s.Local("2026-06-15 16:00"))
	s.ToLocal("2026-06-14 12:00")
	want(t, "reminders", times(s, "P", "appointment", "reminder"), "2026-06-08 10:00", "2026-06-09 10:00", "2026-06-13 16:00")
}

func TestTheLettersOfABookingAndOfTheDayAreForTheClinicToSwitchOn(t *testing.T) {
	for _, on := range []bool{false, true} {
		s := quiet(t, "2026-06-01 12:00", "appointment")
		if on {
			set(s, `{"scenarios": {"appointment": {"steps": {"booked": true, "today": true}}}}`)
		}
		s.Patient("P")
		s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-06-10 15:00"))
		s.ToLocal("2026-06-10 14:30")
		expected := []string{"appointment/reminder sms 2026-06-08 15:00"}
		if on {
			expected = []string{"appointment/booked sms 2026-06-01 12:00", expected[0], "appointment/today sms 2026-06-10 12:00"}
		}
		want(t, fmt.Sprintf("switched on: %t, what left", on), left(s, "P"), expected...)
	}
}

func TestAnAppointmentThatCameToNothingGetsAKindWordAndATask(t *testing.T) {
	miss := func(id, start string) func(*stagetest.Stage) {
		return func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, id, "P", s.Local(start))
			s.To(s.Local(start).Add(30 * time.Minute))
			s.Appointment(intake.AppointmentMissed, id, "P", s.Local(start))
		}
	}
	cancel := func(id, start, when string) func(*stagetest.Stage) {
		return func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, id, "P", s.Local(start))
			s.ToLocal(when)
			s.Appointment(intake.AppointmentCancelled, id, "P", s.Local(start))
		}
	}
	later := func(s *stagetest.Stage) { s.ToLocal("2027-06-01 12:00") }
	tests := []struct {
		name    string
		happens []func(*stagetest.Stage)
		words   []string
		tasks   []string // when they were opened
		open    int
	}{
		{"a miss", []func(*stagetest.Stage){miss("A", "2026-06-10 15:00")}, []string{"2026-06-10 17:00"}, []string{"2026-06-10 17:00"}, 1},
		{"a miss of the evening, told at once", []func(*stagetest.Stage){miss("A", "2026-06-10 19:30")}, []string{"2026-06-11 09:00"}, []string{"2026-06-10 21:30"}, 1},
		{"a miss, and another time booked within two hours", []func(*stagetest.Stage){miss("A", "2026-06-10 15:00"), func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-06-20 15:00"))
		}}, nil, nil, 0},
		{"a cancellation", []func(*stagetest.Stage){cancel("A", "2026-06-10 15:00", "2026-06-03 13:00")}, []string{"2026-06-06 13:00"}, []string{"2026-06-06 13:00"}, 1},
		{"a cancellation, and another time booked within three days", []func(*stagetest.Stage){cancel("A", "2026-06-10 15:00", "2026-06-03 13:00"), func(s *stagetest.Stage) {
			s.ToLocal("2026-06-06 12:00")
			s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-06-20 15:00"))
		}}, nil, nil, 0},
		{"a cancellation, and another time booked after the task", []func(*stagetest.Stage){cancel("A", "2026-06-10 15:00", "2026-06-03 13:00"), func(s *stagetest.Stage) {
			s.ToLocal("2026-06-06 14:00")
			s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-06-20 15:00"))
		}}, []string{"2026-06-06 13:00"}, []string{"2026-06-06 13:00"}, 0},
		{"a cancellation of one who came by another appointment meanwhile", []func(*stagetest.Stage){cancel("A", "2026-06-10 15:00", "2026-06-03 13:00"), func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "B", "P", s.Local("2026-06-05 15:00"))
			s.ToLocal("2026-06-05 16:00")
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID = "B" })
		}}, nil, nil, 0},
		{"a miss of one who came in the afternoon, and whose visit names no appointment", []func(*stagetest.Stage){miss("A", "2026-06-10 10:00"), func(s *stagetest.Stage) {
			s.ToLocal("2026-06-10 11:30")
			s.Visit("V", "P", s.Now())
		}}, nil, nil, 0},
		{"one who comes after the task was opened", []func(*stagetest.Stage){miss("A", "2026-06-10 10:00"), func(s *stagetest.Stage) {
			s.ToLocal("2026-06-10 16:00")
			s.Visit("V", "P", s.Now())
		}}, []string{"2026-06-10 12:00"}, []string{"2026-06-10 12:00"}, 0},
		{"a second miss within the year: by phone only", []func(*stagetest.Stage){miss("A", "2026-06-10 15:00"), later, miss("B", "2027-06-09 15:00")},
			[]string{"2026-06-10 17:00"}, []string{"2026-06-10 17:00", "2027-06-09 17:00"}, 1},
		{"a second miss after a year", []func(*stagetest.Stage){miss("A", "2026-06-10 15:00"), later, miss("B", "2027-06-11 15:00")},
			[]string{"2026-06-10 17:00", "2027-06-11 17:00"}, []string{"2026-06-10 17:00", "2027-06-11 17:00"}, 1},
		{"a miss told three days late: no word any more, but the task", []func(*stagetest.Stage){func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-06-10 15:00"))
			s.ToLocal("2026-06-13 15:00")
			s.Appointment(intake.AppointmentMissed, "A", "P", s.Local("2026-06-10 15:00"))
		}}, nil, []string{"2026-06-13 15:00"}, 1},
		{"a miss told eight days late", []func(*stagetest.Stage){func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-06-10 15:00"))
			s.ToLocal("2026-06-18 15:00")
			s.Appointment(intake.AppointmentMissed, "A", "P", s.Local("2026-06-10 15:00"))
		}}, nil, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "appointment")
			s.Patient("P")
			for _, happens := range tt.happens {
				happens(s)
			}
			s.To(s.Now().AddDate(0, 0, 12))
			want(t, "words", times(s, "P", "appointment", "missed"), tt.words...)
			var opened []string
			for _, k := range s.Card("P").Tasks {
				if k.Kind == dental.RebookTask {
					opened = append(opened, at(s, k.OpenedAt))
				}
			}
			want(t, "tasks", opened, tt.tasks...)
			if n := len(s.Tasks("P", dental.RebookTask)); n != tt.open {
				t.Errorf("%d are open, want %d", n, tt.open)
			}
		})
	}
}
