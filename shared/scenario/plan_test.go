package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/dental/zonetest"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// scene is a clinic, one patient's card and the time, in words.
type scene struct {
	testing.TB
	clinic dental.Clinic
	card   dental.Card
	now    time.Time
}

func newScene(t testing.TB, now string) *scene {
	s := &scene{TB: t, clinic: stagetest.Clinic()}
	s.card.Patient = dental.Patient{Clinic: s.clinic.ID, ID: "P", BirthDate: on(t, "1985-03-14"), Status: dental.Active}
	s.now = s.at(now)
	return s
}

func (s *scene) at(when string) time.Time { s.Helper(); return local(s, s.clinic.Location(), when) }

func (s *scene) said(t time.Time) string {
	return t.In(s.clinic.Location()).Format("2006-01-02 15:04")
}

// visit is a visit that finished and was heard of.
func (s *scene) visit(id, finished, heard string, change ...func(*dental.Visit)) {
	s.Helper()
	v := dental.Visit{Clinic: s.clinic.ID, Patient: "P", ID: id, FinishedAt: s.at(finished), AcceptedAt: s.at(heard), Procedures: done(dental.Hygiene)}
	v.Day = s.clinic.Today(v.FinishedAt)
	for _, c := range change {
		c(&v)
	}
	s.card.Visits = append(s.card.Visits, v)
}

func (s *scene) appointment(id, start, booked string, status dental.AppointmentStatus, change ...func(*dental.Appointment)) {
	s.Helper()
	a := dental.Appointment{Clinic: s.clinic.ID, Patient: "P", ID: id, Start: s.at(start), End: s.at(start).Add(30 * time.Minute), BookedAt: s.at(booked), ChangedAt: s.at(booked), Status: status}
	for _, c := range change {
		c(&a)
	}
	s.card.Appointments = append(s.card.Appointments, a)
}

func (s *scene) answer(day, at string, rating dental.Rating, nps int) {
	s.Helper()
	s.card.Answers = append(s.card.Answers, dental.Answer{Clinic: s.clinic.ID, Patient: "P", Day: on(s, day), Rating: rating, NPS: nps, At: s.at(at), FirstAt: s.at(at), Changes: 1})
}

func (s *scene) touch(sc, step, anchor string, state dental.TouchState, change ...func(*dental.Touch)) *dental.Touch {
	t := dental.Touch{Clinic: s.clinic.ID, Patient: "P", Scenario: sc, Step: step, Anchor: anchor, State: state, Class: dental.Service}
	for _, c := range change {
		c(&t)
	}
	s.card.Touches = append(s.card.Touches, t)
	return &s.card.Touches[len(s.card.Touches)-1]
}

// wanted lists what the facts of a subject ask for: "step due until deadline".
func (s *scene) wanted(on scenario.Trigger, id string) []string {
	var out []string
	for _, w := range scenario.Shipped().Plan(&s.clinic, &s.card, scenario.Subject{On: on, ID: id}) {
		line := w.Touch.Step + " " + s.said(w.Touch.Due) + " until " + s.said(w.Touch.Deadline)
		if w.TooLate {
			line += ", too late"
		}
		out = append(out, line)
	}
	return out
}

func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestWhatAVisitAsksFor(t *testing.T) {
	tests := []struct {
		name string
		tell func(s *scene)
		want []string
	}{
		{"thanks at once and a survey a day later", func(s *scene) { s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05") },
			[]string{"thanks 2026-03-10 11:05 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"the later visit of the day counts", func(s *scene) {
			s.visit("V1", "2026-03-10 11:00", "2026-03-10 11:05")
			s.visit("V2", "2026-03-10 15:00", "2026-03-10 15:05")
		}, []string{"thanks 2026-03-10 15:00 until 2026-03-11 15:00", "survey 2026-03-11 15:00 until 2026-03-13 15:00"}},
		{"the order in which they were told does not", func(s *scene) {
			s.visit("V2", "2026-03-10 15:00", "2026-03-10 15:05")
			s.visit("V1", "2026-03-10 11:00", "2026-03-10 15:10")
		}, []string{"thanks 2026-03-10 15:05 until 2026-03-11 15:00", "survey 2026-03-11 15:00 until 2026-03-13 15:00"}},
		{"another appointment of the day is waited for, two hours past its end", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05", func(v *dental.Visit) { v.AppointmentID = "A" })
			s.appointment("A", "2026-03-10 10:30", "2026-03-01 10:00", dental.Booked)
			s.appointment("B", "2026-03-10 17:00", "2026-03-01 10:00", dental.Booked)
		}, []string{"thanks 2026-03-10 19:30 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"an appointment that goes on beside the visit is waited for", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05", func(v *dental.Visit) { v.AppointmentID = "A" })
			s.appointment("B", "2026-03-10 10:45", "2026-03-01 10:00", dental.Booked)
		}, []string{"thanks 2026-03-10 13:15 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"the appointment that a visit without a number came out of is not", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
			s.appointment("A", "2026-03-10 10:45", "2026-03-01 10:00", dental.Booked)
		}, []string{"thanks 2026-03-10 11:05 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"an appointment of another day is not waited for", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
			s.appointment("B", "2026-03-11 09:00", "2026-03-01 10:00", dental.Booked)
		}, []string{"thanks 2026-03-10 11:05 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"nor is one that was cancelled, missed or attended", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05", func(v *dental.Visit) { v.AppointmentID = "C" })
			s.appointment("A", "2026-03-10 17:00", "2026-03-01 10:00", dental.Cancelled)
			s.appointment("B", "2026-03-10 17:00", "2026-03-01 10:00", dental.Missed)
			s.appointment("C", "2026-03-10 17:00", "2026-03-01 10:00", dental.Booked)
		}, []string{"thanks 2026-03-10 11:05 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"no thanks when it is heard of more than twelve hours after", func(s *scene) { s.visit("V", "2026-03-10 11:00", "2026-03-10 23:01") },
			[]string{"thanks 2026-03-10 23:01 until 2026-03-11 11:00, too late", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"thanks when it is heard of twelve hours after", func(s *scene) { s.visit("V", "2026-03-10 11:00", "2026-03-10 23:00") },
			[]string{"thanks 2026-03-10 23:00 until 2026-03-11 11:00", "survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"nothing when a late sync brings it after 72 hours", func(s *scene) { s.visit("V", "2026-03-10 11:00", "2026-03-13 11:01") },
			[]string{"thanks 2026-03-13 11:01 until 2026-03-11 11:00, too late", "survey 2026-03-13 11:01 until 2026-03-13 11:00, too late"}},
		{"a correction to another time keeps the day that its touches hang on", func(s *scene) {
			s.visit("V", "2026-03-11 11:00", "2026-03-10 11:05", func(v *dental.Visit) { v.Day = on(s, "2026-03-10") })
		}, []string{"thanks 2026-03-11 11:00 until 2026-03-12 11:00", "survey 2026-03-12 11:00 until 2026-03-14 11:00"}},
		{"nothing that the clinic has switched off", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
			s.clinic.Scenarios["after-visit"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"thanks": false}}
		}, []string{"survey 2026-03-11 11:00 until 2026-03-13 11:00"}},
		{"nothing of a scenario that is off", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
			delete(s.clinic.Scenarios, "after-visit")
		}, nil},
		{"nothing without a visit", func(*scene) {}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-10 12:00")
			tt.tell(s)
			same(t, "wanted", s.wanted(scenario.OnVisitDay, "2026-03-10"), tt.want...)
		})
	}
}

func TestWhatAnAppointmentAsksFor(t *testing.T) {
	all := func(s *scene) {
		s.clinic.Scenarios["appointment"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"booked": true, "today": true}}
	}
	tests := []struct {
		name string
		tell func(s *scene)
		want []string
	}{
		{"a reminder two days before, and a task to confirm the day before", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked) },
			[]string{"reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 10:00 until 2026-03-19 14:30"}},
		{"a word on the booking and one on the day where the clinic wants them", func(s *scene) {
			all(s)
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
		}, []string{"booked 2026-03-02 12:00 until 2026-03-03 12:00", "reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 10:00 until 2026-03-19 14:30", "today 2026-03-19 11:30 until 2026-03-19 13:30"}},
		{"a word on the day of an early hour comes the evening before", func(s *scene) {
			all(s)
			s.appointment("A", "2026-03-19 10:00", "2026-03-02 12:00", dental.Booked)
		}, []string{"booked 2026-03-02 12:00 until 2026-03-03 12:00", "reminder 2026-03-17 10:00 until 2026-03-19 07:00", "confirm 2026-03-18 10:00 until 2026-03-19 10:00", "today 2026-03-18 20:00 until 2026-03-19 09:00"}},
		{"a booking at a day's notice to the minute is reminded of two hours later", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-18 14:30", dental.Booked) },
			[]string{"reminder 2026-03-18 16:30 until 2026-03-19 11:30", "confirm 2026-03-18 20:30 until 2026-03-19 14:30"}},
		{"a booking at less than a day's notice is not reminded of, nor confirmed", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-18 14:31", dental.Booked) }, nil},
		{"a booking after the reminder's time is reminded of a day before", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-17 14:31", dental.Booked) },
			[]string{"reminder 2026-03-18 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 18:30 until 2026-03-19 14:30"}},
		{"a booking at the reminder's time is reminded of at once", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-17 14:30", dental.Booked) },
			[]string{"reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 10:00 until 2026-03-19 14:30"}},
		{"a booking in the night before last of an early hour is reminded of in the morning", func(s *scene) { s.appointment("A", "2026-03-19 08:00", "2026-03-17 23:00", dental.Booked) },
			[]string{"reminder 2026-03-18 09:00 until 2026-03-19 05:00", "confirm 2026-03-18 13:00 until 2026-03-19 08:00"}},
		{"a task to confirm follows the reminder that is to be planned again", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-17 14:31", dental.Booked)
			s.touch("appointment", "reminder", "A@20260319T113000Z", dental.TouchCancelled, func(t *dental.Touch) { t.EndedAt, t.Reason = s.at("2026-03-17 15:00"), "rescheduled" })
		}, []string{"reminder 2026-03-18 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 18:30 until 2026-03-19 14:30"}},
		{"a task to confirm does not wait for a reminder that was withdrawn for good", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-17 14:31", dental.Booked)
			s.touch("appointment", "reminder", "A@20260319T113000Z", dental.TouchCancelled, func(t *dental.Touch) { t.Attempts = []dental.Attempt{{ID: "a"}} })
		}, []string{"reminder 2026-03-18 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 10:00 until 2026-03-19 14:30"}},
		{"one that the MIS has confirmed asks for the same, and gates say no", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Confirmed) },
			[]string{"reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 10:00 until 2026-03-19 14:30"}},
		{"a task to confirm waits four hours for the answer to a late reminder", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.touch("appointment", "reminder", "A@20260319T113000Z", dental.Sent, func(t *dental.Touch) { t.SentAt = s.at("2026-03-18 09:00") })
		}, []string{"reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 13:00 until 2026-03-19 14:30"}},
		{"a task to confirm comes at once when the reminder failed", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.touch("appointment", "reminder", "A@20260319T113000Z", dental.Failed, func(t *dental.Touch) { t.EndedAt = s.at("2026-03-17 14:31") })
		}, []string{"reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-17 14:31 until 2026-03-19 14:30"}},
		{"a task to confirm comes in its time when the reminder was refused by the patient", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.touch("appointment", "reminder", "A@20260319T113000Z", dental.Skipped, func(t *dental.Touch) { t.EndedAt, t.Reason = s.at("2026-03-17 14:31"), "no-consent" })
		}, []string{"reminder 2026-03-17 14:30 until 2026-03-19 11:30", "confirm 2026-03-18 10:00 until 2026-03-19 14:30"}},
		{"a task to confirm without a reminder comes in its time", func(s *scene) {
			s.clinic.Scenarios["appointment"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"reminder": false}}
			s.appointment("A", "2026-03-19 14:30", "2026-03-18 12:00", dental.Booked)
		}, []string{"confirm 2026-03-18 10:00 until 2026-03-19 14:30"}},
		{"a miss asks for a kind word and a task two hours after", func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Missed) },
			[]string{"missed 2026-03-19 16:30 until 2026-03-21 14:30", "rebook 2026-03-19 16:30 until 2026-03-26 14:30"}},
		{"a cancellation asks for them three days after it", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Cancelled, func(a *dental.Appointment) { a.ChangedAt = s.at("2026-03-16 18:00") })
		}, []string{"missed 2026-03-19 18:00 until 2026-03-23 18:00", "rebook 2026-03-19 18:00 until 2026-03-30 18:00"}},
		{"a move that is told as a cancellation and another appointment asks for nothing", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Cancelled, func(a *dental.Appointment) { a.ChangedAt, a.MovedTo = s.at("2026-03-16 18:00"), "B" })
			s.appointment("B", "2026-03-17 14:30", "2026-03-16 18:00", dental.Missed)
		}, nil},
		{"a visit asks for nothing more", func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.visit("V", "2026-03-19 15:00", "2026-03-19 15:05", func(v *dental.Visit) { v.AppointmentID = "A" })
		}, nil},
		{"nothing is asked for of an appointment that nobody knows", func(*scene) {}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-10 12:00")
			tt.tell(s)
			same(t, "wanted", s.wanted(scenario.OnAppointment, "A"), tt.want...)
		})
	}
}

func TestTheTaskToConfirmComesOnTheLastWorkingDay(t *testing.T) {
	for _, tt := range []struct{ name, start, want string }{
		{"a Monday's on Saturday", "2026-03-23 14:30", "2026-03-21 18:30"}, // four hours after the reminder
		{"a Tuesday's on Monday", "2026-03-24 14:30", "2026-03-23 10:00"},
		{"after holidays before them", "2026-03-27 14:30", "2026-03-25 18:30"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-10 12:00")
			s.clinic.Holidays = []dental.Date{on(t, "2026-03-26")}
			s.appointment("A", tt.start, "2026-03-02 12:00", dental.Booked)
			for _, w := range s.wanted(scenario.OnAppointment, "A") {
				if due, isConfirm := strings.CutPrefix(w, "confirm "); isConfirm && !strings.HasPrefix(due, tt.want) {
					t.Errorf("it comes %s, want %s", due, tt.want)
				}
			}
		})
	}
}

func TestWhatAnAnswerAsksFor(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rating dental.Rating
		nps    int
		want   []string
	}{
		{"a good thumb", dental.Good, -1, []string{"ask 2026-03-12 18:00 until 2026-03-16 18:00"}},
		{"a good thumb with a 7", dental.Good, 7, []string{"ask 2026-03-12 18:00 until 2026-03-16 18:00"}},
		{"a bare 10", "", 10, []string{"ask 2026-03-12 18:00 until 2026-03-16 18:00"}},
		{"a fair thumb, for maps that ask everyone", dental.Fair, -1, []string{"ask 2026-03-12 18:00 until 2026-03-16 18:00"}},
		{"a bad thumb", dental.Bad, -1, nil},
		{"a good thumb with a 6", dental.Good, 6, nil},
		{"words alone", "", -1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-12 12:00")
			s.answer("2026-03-10", "2026-03-11 18:00", tt.rating, tt.nps)
			same(t, "wanted", s.wanted(scenario.OnAnswer, "2026-03-10"), tt.want...)
		})
	}
}

func TestTheReminderKeepsTheLocalTimeOverAnyChangeOfClocks(t *testing.T) {
	tried := 0
	from, to := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, loc := range zonetest.Zones(t) {
		s := newScene(t, "2026-03-10 12:00")
		s.clinic.TimeZone = loc.String()
		for _, change := range zonetest.Changes(loc, from, to) {
			for days := range 4 { // the change lies before, between and after
				date := dental.DateOf(change).AddDays(days)
				for _, at := range []dental.TimeOfDay{9 * 60, 14*60 + 30, 20*60 + 54} {
					start := date.At(at, loc)
					s.card.Appointments = []dental.Appointment{{Clinic: "demo", Patient: "P", ID: "A", Start: start, BookedAt: start.Add(-30 * day), Status: dental.Booked}}
					w := scenario.Shipped().Plan(&s.clinic, &s.card, scenario.Subject{On: scenario.OnAppointment, ID: "A"})
					due := w[0].Touch.Due.In(loc)
					if w[0].Touch.Step != "reminder" || dental.DateOf(due) != date.AddDays(-2) || dental.TimeOfDayOf(due) != at {
						t.Fatalf("%s: of %s it is due %s", loc, start, due)
					}
					tried++
				}
			}
		}
	}
	if tried < 5000 {
		t.Errorf("%d reminders were tried", tried)
	}
}

func TestMessagesLeaveInTheHoursButForThanksHardUponTheVisit(t *testing.T) {
	s := newScene(t, "2026-03-10 12:00")
	s.visit("V", "2026-03-10 20:40", "2026-03-10 20:45")
	wants := scenario.Shipped().Plan(&s.clinic, &s.card, scenario.Subject{On: scenario.OnVisitDay, ID: "2026-03-10"})
	thanks, survey := wants[0], wants[1]
	task := survey
	task.Touch.Kind = dental.CallTask
	for _, tt := range []struct {
		name     string
		want     scenario.Want
		at, left string
	}{
		{"thanks within the hour after the visit", thanks, "2026-03-10 21:40", "2026-03-10 21:40"},
		{"thanks an hour and a minute after", thanks, "2026-03-10 21:41", "2026-03-11 09:00"},
		{"a survey in the late evening", survey, "2026-03-10 21:10", "2026-03-11 09:00"},
		{"a survey in the hours", survey, "2026-03-11 12:00", "2026-03-11 12:00"},
		{"a task at any hour", task, "2026-03-11 03:00", "2026-03-11 03:00"},
	} {
		if got := s.said(scenario.Leave(&s.clinic, tt.want, s.at(tt.at))); got != tt.left {
			t.Errorf("%s leaves %s, want %s", tt.name, got, tt.left)
		}
	}
	late := newScene(t, "2026-03-10 12:00")
	late.visit("V", "2026-03-10 21:30", "2026-03-10 21:35")
	w := scenario.Shipped().Plan(&late.clinic, &late.card, scenario.Subject{On: scenario.OnVisitDay, ID: "2026-03-10"})[0]
	for at, left := range map[string]string{"2026-03-10 21:54": "2026-03-10 21:54", "2026-03-10 21:55": "2026-03-11 09:00", "2026-03-10 22:10": "2026-03-11 09:00"} {
		if got := late.said(scenario.Leave(&late.clinic, w, late.at(at))); got != left {
			t.Errorf("thanks at %s leave %s, want %s", at, got, left)
		}
	}
}

// responded is a card with a hygiene of 10 March and an answer to its recall.
func responded(action dental.OfferAction) func(s *scene) {
	return func(s *scene) {
		s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
		s.card.Responses = []dental.Response{{Scenario: "recall", Anchor: "2026-09-10", Action: action, FirstAt: s.at("2026-08-11 12:00")}}
	}
}

func TestAStoredTouchFindsItsWantOrTheReasonWhyItHasNone(t *testing.T) {
	anchor := "A@20260319T113000Z"
	tests := []struct {
		name                   string
		scenario, step, anchor string
		tell                   func(s *scene)
		want                   string // "" is wanted
	}{
		{"one that the facts ask for", "appointment", "reminder", anchor, func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked) }, ""},
		{"one of an appointment that was moved", "appointment", "reminder", anchor, func(s *scene) { s.appointment("A", "2026-03-20 14:30", "2026-03-02 12:00", dental.Booked) }, "rescheduled"},
		{"one of an appointment that was cancelled", "appointment", "reminder", anchor, func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Cancelled) }, "appointment-cancelled"},
		{"one of an appointment that was moved to another", "appointment", "reminder", anchor, func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Cancelled, func(a *dental.Appointment) { a.MovedTo = "B" })
		}, "rescheduled"},
		{"one of an appointment that was missed", "appointment", "reminder", anchor, func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Missed) }, "appointment-missed"},
		{"one of an appointment that was attended", "appointment", "reminder", anchor, func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.visit("V", "2026-03-19 15:00", "2026-03-19 15:05", func(v *dental.Visit) { v.AppointmentID = "A" })
		}, "attended"},
		{"one of an appointment that nobody knows", "appointment", "reminder", anchor, func(*scene) {}, "appointment-cancelled"},
		{"a word about a miss that was none", "appointment", "missed", anchor, func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked) }, "booked"},
		{"a review when the answer has changed", "review", "ask", "2026-03-10", func(s *scene) { s.answer("2026-03-10", "2026-03-11 18:00", dental.Bad, -1) }, "answer-changed"},
		{"one of a scenario that was switched off", "appointment", "reminder", anchor, func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.clinic.Scenarios["appointment"] = dental.ScenarioSettings{}
		}, "scenario-off"},
		{"one of a step that was switched off", "appointment", "reminder", anchor, func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.clinic.Scenarios["appointment"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"reminder": false}}
		}, "step-off"},
		{"one of a step that the catalogue has no more", "appointment", "farewell", anchor, func(s *scene) { s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked) }, "step-off"},
		{"one of a scenario that the catalogue has no more", "farewell", "ask", anchor, func(*scene) {}, "scenario-off"},
		{"one of a patient who is gone", "appointment", "missed", anchor, func(s *scene) { s.card.Patient.Status = dental.Moved }, "moved"},
		{"a word about a miss of one who came that afternoon", "appointment", "missed", anchor, func(s *scene) {
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Missed)
			s.visit("V", "2026-03-19 17:00", "2026-03-19 17:05")
		}, "attended"},
		{"an invitation of friends by one who was happy no more", "referral", "invite", "2026-03-10", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
			s.answer("2026-03-10", "2026-03-11 18:00", dental.Bad, -1)
		}, "answer-changed"},
		{"a follow-up of a visit that turns out to have been an easy one", "complex-visit", "follow-up", "2026-03-10", func(s *scene) {
			s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
		}, "visit-changed"},
		{"one of the plan that another one has overtaken", "plan", "next-stage", "L:2026-03-01", func(s *scene) {
			planned := []dental.Stage{{Status: dental.StagePlanned}}
			s.card.Plans = []dental.Plan{{ID: "L", PresentedAt: s.at("2026-03-01 12:00"), Stages: planned}, {ID: "M", PresentedAt: s.at("2026-03-05 12:00"), Stages: planned}}
		}, "outranked"},
		{"one of a plan that has moved on", "plan", "next-stage", "L:2026-03-01", func(s *scene) {
			s.card.Plans = []dental.Plan{{ID: "L", PresentedAt: s.at("2026-03-01 12:00"), Stages: []dental.Stage{{Status: dental.StageDone, DoneAt: s.at("2026-03-09 12:00")}, {Status: dental.StagePlanned}}}}
		}, "stage-done"},
		{"an anniversary that a recall speaks of", "implant-year", "check", "2025-03-20", func(s *scene) {
			s.visit("V", "2025-03-20 11:00", "2025-03-20 11:05", func(v *dental.Visit) { v.Procedures = done(dental.Implant) })
		}, "recall-variant"},
		{"a first invitation after a later", "recall", "first", "2026-09-10", responded(dental.LaterOffer), "later"},
		{"a second invitation after a booking wish that took the later's place", "recall", "again", "2026-09-10", responded(dental.BookOffer), "answered"},
		{"a second invitation after a never that took the later's place", "recall", "again", "2026-09-10", responded(dental.NeverOffer), "never"},
		{"an invitation to a date that has moved", "recall", "first", "2026-08-10", responded(dental.LaterOffer), "attended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, "2026-03-18 12:00")
			tt.tell(s)
			s.card.Milestones = scenario.Milestones(&s.clinic, &s.card)
			touch := dental.Touch{Clinic: "demo", Patient: "P", Scenario: tt.scenario, Step: tt.step, Anchor: tt.anchor}
			w, ok := scenario.Shipped().WantOf(&s.clinic, &s.card, touch)
			if ok != (tt.want == "") || ok && w.Touch.ID() != touch.ID() {
				t.Fatalf("wanted: %t, %+v", ok, w.Touch)
			}
			if !ok {
				if got := scenario.Shipped().Unwanted(&s.clinic, &s.card, touch); got != tt.want {
					t.Errorf("it has none because of %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func TestNamesStandInTheArbitersOrderOfJourneys(t *testing.T) {
	names := scenario.Shipped().Names()
	place := func(name string) int { return slices.Index(names, name) }
	order := []string{"appointment", "complex-visit", "plan", "recall", "birthday", "sleeping-6", "sleeping-12", "sleeping-18", "season", "referral"}
	if slices.ContainsFunc(order, func(n string) bool { return place(n) < 0 }) || !slices.IsSortedFunc(order, func(a, b string) int { return place(a) - place(b) }) {
		t.Errorf("the order is %v", names)
	}
	rank := func(name string) int { return scenario.Shipped().Find(name).Rank }
	if rank("recall") != rank("implant-year") || rank("recall") != rank("orthodontics-6m") {
		t.Error("a recall and the anniversaries are not of one rank")
	}
	if scenario.Shipped().Step("appointment", "reminder") == nil || scenario.Shipped().Step("appointment", "x") != nil || scenario.Shipped().Step("x", "reminder") != nil {
		t.Error("steps are not found")
	}
}

func TestWhatMattersMoreLeavesFirst(t *testing.T) {
	s := newScene(t, "2026-03-10 12:00")
	s.visit("V", "2026-03-10 11:00", "2026-03-10 11:05")
	last := -1
	for _, name := range scenario.Shipped().Names() {
		s.clinic.Scenarios[name] = dental.ScenarioSettings{On: true}
		step := scenario.Step{Name: "x", Class: dental.Service, When: []scenario.When{{Deadline: scenario.Span{Days: 1}}}}
		w := scenario.Catalogue{{Name: name, Rank: scenario.Shipped().Find(name).Rank, On: scenario.OnVisitDay, Steps: []scenario.Step{step}}}.Plan(&s.clinic, &s.card, scenario.Subject{On: scenario.OnVisitDay, ID: "2026-03-10"})
		if p := w[0].Touch.Priority; p < last || p > 9 { // one digit of the due key
			t.Errorf("%s has the priority %d after %d", name, p, last)
		} else {
			last = p
		}
	}
	if last != 9 {
		t.Errorf("the last has the priority %d", last)
	}
}

func TestATextIsOfItsVariantAndLanguageOrOfTheLanguageAlone(t *testing.T) {
	reminder := scenario.Shipped().Step("appointment", "reminder")
	if reminder.Text("several", "ru").SMS == reminder.Text("", "ru").SMS || reminder.Text("unheard-of", "ru").SMS != reminder.Text("", "ru").SMS {
		t.Error("the variant is not what counts")
	}
	if reminder.Text("", "en").SMS == reminder.Text("", "ru").SMS {
		t.Error("the language is not what counts")
	}
	if scenario.Shipped().Step("appointment", "confirm").Follows() != "reminder" || reminder.Follows() != "" {
		t.Error("a step does not say whom it follows")
	}
}
