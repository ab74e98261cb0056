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

func TestWhoIsBookedOnTheDayOrAtSendingIsNoSleeper(t *testing.T) {
	tests := []struct {
		name    string
		happens func(*stagetest.Stage)
		want    string
	}{
		{"booked since before the day", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-10 12:00"))
		}, ""},
		{"booked on the morning of the day", func(s *stagetest.Stage) {
			s.ToLocal("2026-06-18 10:00")
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-10 12:00"))
		}, "cancelled booked"},
		{"booked for an hour that has passed, and of which the MIS says nothing", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-06-18 09:00"))
		}, ""},
		{"missed that morning", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-06-18 09:00"))
			s.ToLocal("2026-06-18 10:00")
			s.Appointment(intake.AppointmentMissed, "A", "P", s.Local("2026-06-18 09:00"))
		}, "sent"},
		{"cancelled three days after the day", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-10 12:00"))
			s.ToLocal("2026-06-21 10:00")
			s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-10 12:00"))
		}, "sent"},
		{"cancelled seven days after the day", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-10 12:00"))
			s.ToLocal("2026-06-25 10:00")
			s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-10 12:00"))
		}, "sent"},
		{"cancelled eight days after the day", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-10 12:00"))
			s.ToLocal("2026-06-26 10:00")
			s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-10 12:00"))
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-16 12:00", "sleeping-6")
			s.Patient("P")
			s.Visit("V", "P", s.Local("2025-12-18 12:00"))
			tt.happens(s)
			s.ToLocal("2026-07-09 12:00")
			if got := fate(s, "P", "sleeping-6", "offer"); got != tt.want {
				t.Errorf("the offer is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnImportBeforeAndAfterAScenarioIsSwitchedOn(t *testing.T) {
	// Half a year since on 11, 10, 9, 3 and 2 June and on 1 March.
	for _, backlog := range []int{0, 10} {
		for _, importedFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d a day, imported first: %t", backlog, importedFirst), func(t *testing.T) {
				s := quiet(t, "2026-06-10 12:00")
				on := func() {
					set(s, fmt.Sprintf(`{"scenarios": {"sleeping-6": {"on": true, "release": "auto", "backlogPerDay": %d}}}`, backlog))
				}
				if !importedFirst {
					on()
				}
				for i, seen := range []string{"2025-12-11", "2025-12-10", "2025-12-09", "2025-12-03", "2025-12-02", "2025-09-01"} {
					id := fmt.Sprint("P", i)
					s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprint("+7916000010", i), "" })
					s.Visit("V"+id, id, s.Local(seen+" 12:00"))
				}
				if importedFirst {
					on()
				}
				s.ToLocal("2026-06-30 12:00")
				for i, day := range []string{"2026-06-11 11:30", "2026-06-10 12:00"} {
					want(t, fmt.Sprint("P", i), times(s, fmt.Sprint("P", i), "sleeping-6", "offer"), day)
				}
				for i := 2; i < 6; i++ {
					got := times(s, fmt.Sprint("P", i), "sleeping-6", "offer")
					if backlog == 0 && len(got) > 0 || backlog > 0 && (len(got) != 1 || got[0] > "2026-06-11 09:00") {
						t.Errorf("P%d, whose day had passed: %v", i, got)
					}
				}
			})
		}
	}
}

func TestAScenarioThatWasOffForAWhileBeginsAnew(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "sleeping-6")
	for i, seen := range []string{"2025-12-03", "2025-12-06", "2025-12-12"} {
		id := fmt.Sprint("P", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprint("+7916000010", i), "" })
		s.Visit("V"+id, id, s.Local(seen+" 12:00"))
	}
	s.ToLocal("2026-06-06 10:00")
	set(s, `{"scenarios": {"sleeping-6": {"on": false}}}`) // an hour and a half before the second leaves
	s.ToLocal("2026-06-10 12:00")
	if got := fate(s, "P1", "sleeping-6", "offer"); got != "cancelled scenario-off" {
		t.Errorf("what was due while it was off is %q", got)
	}
	set(s, `{"scenarios": {"sleeping-6": {"on": true}}}`)
	s.ToLocal("2026-06-30 12:00")
	for i, day := range []string{"2026-06-03 11:30", "", "2026-06-12 11:30"} {
		got := times(s, fmt.Sprint("P", i), "sleeping-6", "offer")
		if strings.Join(got, " ") != day {
			t.Errorf("P%d: %v, want %q", i, got, day)
		}
	}
}

func TestOfABacklogEachPatientHasOneSegmentTheLastThatPassed(t *testing.T) {
	tests := []struct{ seen, got string }{
		{"2025-12-19", "sleeping-6"},
		{"2025-07-01", "sleeping-6"},
		{"2025-06-18", "sleeping-12"}, // a year to the day
		{"2025-06-17", "sleeping-12"},
		{"2024-12-18", "sleeping-18"},
		{"2024-12-17", "sleeping-18"},
		{"2023-06-25", "sleeping-18"}, // three years less a week
		{"2023-06-17", ""},
		{"2015-01-01", ""},
	}
	s := quiet(t, "2026-06-18 12:00")
	for i, tt := range tests {
		id := fmt.Sprint("P", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprint("+7916000010", i), "" })
		s.Visit("V"+id, id, s.Local(tt.seen+" 12:00"))
	}
	set(s, `{"scenarios": {"sleeping-6": {"on": true, "release": "auto", "backlogPerDay": 9}, "sleeping-12": {"on": true, "release": "auto", "backlogPerDay": 9},
		"sleeping-18": {"on": true, "release": "auto", "backlogPerDay": 9}}}`)
	s.ToLocal("2026-06-20 12:00")
	for i, tt := range tests {
		got := ""
		for _, m := range s.Sent() {
			if m.Touch.Patient == fmt.Sprint("P", i) {
				got += m.Touch.Scenario
			}
		}
		if got != tt.got {
			t.Errorf("last seen on %s, got %q, want %q", tt.seen, got, tt.got)
		}
		tasks := s.Tasks(fmt.Sprint("P", i), dental.WakeTask)
		if staff := len(tasks) == 1; staff != (tt.got == "") {
			t.Errorf("last seen on %s, the staff's list has %d rows", tt.seen, len(tasks))
		}
	}
}

func TestWhoseTurnComesAfterTheNextSegmentHasPassedGetsThatAlone(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00")
	const patients = 6
	for i := range patients { // a year since on the 20th
		id := fmt.Sprint("P", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprint("+7916000010", i), "" })
		s.Visit("V"+id, id, s.Local("2025-06-21 12:00"), func(v *dental.Visit) { v.Receipt.Minor += int64(i) })
	}
	set(s, `{"scenarios": {"sleeping-6": {"on": true, "release": "auto", "backlogPerDay": 1}, "sleeping-12": {"on": true, "release": "auto"}}}`)
	s.ToLocal("2026-08-18 12:00")
	outranked := 0
	for i := range patients {
		id := fmt.Sprint("P", i)
		if six, year := len(times(s, id, "sleeping-6", "offer")), len(times(s, id, "sleeping-12", "offer")); six+year != 1 || six == 1 && i < patients-2 {
			t.Errorf("%s got %d of sleeping-6 and %d of sleeping-12", id, six, year)
		}
		if fate(s, id, "sleeping-6", "offer") == "cancelled outranked" {
			outranked++
		}
	}
	if outranked != patients-2 { // two were taken up on the 19th and 20th
		t.Errorf("of %d was said that they have come to another segment", outranked)
	}
}

func TestWhoIsTakenUpAndBooksAndDropsItIsStillInvited(t *testing.T) {
	for _, how := range []string{"auto", "staff"} {
		t.Run(how, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00")
			s.Patient("P")
			s.Visit("V", "P", s.Local("2025-09-20 12:00"))
			set(s, `{"scenarios": {"sleeping-6": {"on": true, "release": "`+how+`", "backlogPerDay": 1}}}`)
			s.ToLocal("2026-06-19 08:00")
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-20 12:00"))
			if got := fate(s, "P", "sleeping-6", "offer"); got != "cancelled booked" {
				t.Errorf("after the booking it is %q", got)
			}
			s.ToLocal("2026-06-22 15:00")
			s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-20 12:00"))
			left := "2026-06-22 15:00"
			if how == "staff" {
				s.ToLocal("2026-06-22 15:01") // staff are told of the batch again
				release(s, s.Clinic.Today(s.Now()))
				left = "2026-06-22 15:02"
			}
			s.ToLocal("2026-06-30 15:00")
			want(t, "offers", times(s, "P", "sleeping-6", "offer"), left)
		})
	}
}

func TestABatchFollowsWhatBecomesOfItsTouches(t *testing.T) {
	rows := func(s *stagetest.Stage) string {
		tasks, _, err := s.Store.OpenTasks(t.Context(), "demo", 10, "")
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, k := range tasks {
			if k.Kind == dental.ReleaseTask {
				out = append(out, k.Anchor+": "+k.Reason)
			}
		}
		return strings.Join(out, "; ")
	}
	staff := func(t *testing.T) *stagetest.Stage {
		s := quiet(t, "2026-06-17 12:00", "sleeping-6", "recall")
		set(s, `{"scenarios": {"sleeping-6": {"release": "staff"}, "recall": {"on": false}}}`)
		s.Patient("P")
		s.Visit("V", "P", s.Local("2025-12-18 12:00"))
		s.ToLocal("2026-06-18 12:00")
		return s
	}
	t.Run("a booking empties it, its cancellation fills that day's, and one press lets it go", func(t *testing.T) {
		s := staff(t)
		if got := rows(s); !strings.Contains(got, "2026-06-18.sleeping-6") {
			t.Fatalf("the staff's list: %q", got)
		}
		s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-20 12:00"))
		s.To(s.Now().Add(time.Minute))
		if got := rows(s); got != "" {
			t.Errorf("of an empty batch the staff's list says %q", got)
		}
		s.ToLocal("2026-06-20 12:00")
		s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-20 12:00"))
		s.To(s.Now().Add(time.Minute))
		if got := rows(s); !strings.Contains(got, "2026-06-20.sleeping-6") || strings.Contains(got, "2026-06-18") {
			t.Errorf("the staff's list: %q", got)
		}
		release(s, dental.Date{Year: 2026, Month: 6, Day: 18}) // the old row, which a browser may still show
		s.ToLocal("2026-06-20 14:00")
		want(t, "offers", times(s, "P", "sleeping-6", "offer"))
		release(s, dental.Date{Year: 2026, Month: 6, Day: 20})
		s.ToLocal("2026-06-30 12:00")
		want(t, "offers", times(s, "P", "sleeping-6", "offer"), "2026-06-20 14:01") // a press can be taken back for a while
	})
	t.Run("a booking after the release, and its cancellation, ask for a release again", func(t *testing.T) {
		s := staff(t)
		set(s, `{"holidays": ["2026-06-18"]}`) // so that what is released waits for a day
		release(s, dental.Date{Year: 2026, Month: 6, Day: 18})
		s.ToLocal("2026-06-18 14:00")
		s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-20 12:00"))
		s.ToLocal("2026-06-19 12:00")
		s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-20 12:00"))
		s.ToLocal("2026-06-19 13:00")
		if got := fate(s, "P", "sleeping-6", "offer"); got != "held" {
			t.Errorf("it is %q", got)
		}
		s.ToLocal("2026-06-30 12:00")
		if got := fate(s, "P", "sleeping-6", "offer"); got != "skipped not-released" || len(s.Sent()) > 0 {
			t.Errorf("released by nobody it is %q", got)
		}
	})
	t.Run("a later time brings it into that day's", func(t *testing.T) {
		s := quiet(t, "2026-06-18 12:00", "sleeping-6", "recall")
		set(s, `{"scenarios": {"sleeping-6": {"release": "staff"}}}`)
		s.Patient("P")
		s.Visit("V", "P", s.Now(), returning(t, "2026-12-18"))
		s.ToLocal("2026-12-20 12:00")
		if day := s.Touch("P", "sleeping-6", "offer").HeldOn; day.String() != "2027-01-17" {
			t.Fatalf("it belongs to the batch of %s", day)
		}
		s.Visit("V", "P", s.Local("2026-06-18 12:00"), returning(t, "2027-02-18")) // the doctor has changed it
		s.To(s.Now().Add(time.Minute))
		if got := rows(s); !strings.Contains(got, "2027-03-20.sleeping-6") || strings.Contains(got, "2027-01-17") {
			t.Errorf("the staff's list: %q", got)
		}
		s.ToLocal("2027-03-20 10:00")
		release(s, dental.Date{Year: 2027, Month: 3, Day: 20})
		s.ToLocal("2027-03-25 10:00")
		want(t, "offers", times(s, "P", "sleeping-6", "offer"), "2027-03-20 11:30")
	})
}

func TestABacklogsTurnThatComesWhileTheClinicIsPausedSaysSo(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00")
	s.Patient("P")
	s.Visit("V", "P", s.Local("2025-09-20 12:00"))
	set(s, `{"scenarios": {"sleeping-6": {"on": true, "release": "auto", "backlogPerDay": 1}}}`)
	s.ToLocal("2026-06-19 08:00") // taken up, to leave at nine
	set(s, `{"paused": true}`)
	s.ToLocal("2026-07-01 12:00")
	if touch := s.Touch("P", "sleeping-6", "offer"); touch.State != dental.Planned || touch.Reason != "paused" {
		t.Errorf("in the pause it is %s (%s)", touch.State, touch.Reason)
	}
	s.ToLocal("2026-07-20 12:00")
	if got := fate(s, "P", "sleeping-6", "offer"); got != "skipped paused" || len(s.Sent()) > 0 {
		t.Errorf("after a pause longer than the message is worth it is %q", got)
	}
}

func TestWhoWasSeenOnceInAnEmergencyGetsNoAdvertisingForSixtyDays(t *testing.T) {
	gift := func(s *stagetest.Stage) { set(s, `{"gifts": [{"id": "g", "name": "Набор"}]}`) }
	tests := []struct {
		name    string
		birth   dental.Date // the visit is on 18 June 2026, ending at noon
		happens func(*stagetest.Stage)
		class   dental.Class
	}{
		{"59 days after it", dental.Date{Year: 1980, Month: 8, Day: 16}, nil, dental.Service},
		{"at ten of the sixtieth day, two hours short", dental.Date{Year: 1980, Month: 8, Day: 17}, nil, dental.Service},
		{"61 days after it", dental.Date{Year: 1980, Month: 8, Day: 18}, nil, dental.Advertising},
		{"with another visit of that day", dental.Date{Year: 1980, Month: 7, Day: 18}, func(s *stagetest.Stage) {
			s.Visit("W", "P", s.Now().Add(-time.Hour), ofKind(dental.Therapy))
		}, dental.Service},
		{"with a visit of another day it is no emergency alone", dental.Date{Year: 1980, Month: 7, Day: 18}, func(s *stagetest.Stage) {
			s.Visit("W", "P", s.Now().AddDate(0, 0, -3), ofKind(dental.Therapy))
		}, dental.Advertising},
		{"with a hygiene", dental.Date{Year: 1980, Month: 7, Day: 18}, func(s *stagetest.Stage) {
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) {
				v.Procedures = []dental.Procedure{{Kind: dental.Surgery}, {Kind: dental.Hygiene}}
			})
		}, dental.Advertising},
		{"with a plan", dental.Date{Year: 1980, Month: 7, Day: 18}, func(s *stagetest.Stage) { treats(s, "P", "L", s.Now(), toDo(dental.Therapy)) }, dental.Advertising},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "birthday")
			gift(s)
			s.Patient("P", func(c *intake.Card) { c.BirthDate = tt.birth })
			s.Visit("V", "P", s.Now(), ofKind(dental.Surgery))
			s.Set(s.Now().Add(time.Second))
			if tt.happens != nil {
				tt.happens(s)
			}
			s.ToLocal("2026-08-19 12:00")
			sent := s.SentAs("birthday", "greeting")
			if len(sent) != 1 || sent[0].Class != tt.class {
				t.Errorf("the greeting: %v, want it as %s", sent, tt.class)
			}
		})
	}
}

func TestASeasonComesOnceAYear(t *testing.T) {
	s := quiet(t, "2026-08-01 12:00", "season")
	s.Patient("P")
	s.Visit("V", "P", s.Local("2026-05-02 12:00"), returning(t, "2026-06-02"))
	s.Patient("LATE", func(c *intake.Card) { c.Number = "+79160000002" })
	s.Visit("W", "LATE", s.Local("2026-05-20 12:00"), returning(t, "2026-06-20")) // under four months before 15 September
	s.ToLocal("2026-09-16 12:30")
	s.Visit("V", "P", s.Local("2026-05-14 12:00"), returning(t, "2026-06-02")) // a correction gives it a day later in the season
	s.ToLocal("2028-01-01 12:00")
	want(t, "offers", times(s, "P", "season", "autumn"), "2026-09-15 12:00", "2027-09-20 12:00")
	for _, day := range times(s, "LATE", "season", "autumn") {
		if strings.HasPrefix(day, "2026") {
			t.Errorf("who was seen in May got the season's offer on %s", day)
		}
	}
}

func TestABirthdayIsKeptAtTenOrWhenSendingBeginsOnTheDayItself(t *testing.T) {
	tests := []struct {
		name, from, to string
		told           string // when the card comes
		want           string
		reason         string
	}{
		{"at ten", "09:00", "21:00", "2026-06-10 12:00", "2026-06-20 10:00", ""},
		{"where sending begins later", "11:30", "21:00", "2026-06-10 12:00", "2026-06-20 11:30", ""},
		{"where sending is over by ten", "07:00", "09:00", "2026-06-10 12:00", "", "skipped deadline"},
		{"of one whose card comes that afternoon", "09:00", "21:00", "2026-06-20 15:00", "2026-06-20 15:00", ""},
		{"of one whose card comes in the last minutes of the day's sending", "09:00", "21:00", "2026-06-20 20:57", "", "skipped deadline"},
		{"of one whose card comes a minute after midnight", "09:00", "21:00", "2026-06-21 00:01", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-10 12:00", "birthday")
			set(s, fmt.Sprintf(`{"sendFrom": %q, "sendTo": %q}`, tt.from, tt.to))
			s.ToLocal(tt.told)
			s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 6, Day: 20} })
			s.ToLocal("2026-06-25 12:00")
			if got := strings.Join(times(s, "P", "birthday", "greeting"), " "); got != tt.want {
				t.Errorf("it left at %q, want %q", got, tt.want)
			}
			if got := fate(s, "P", "birthday", "greeting"); tt.want == "" && got != tt.reason {
				t.Errorf("it is %q, want %q", got, tt.reason)
			}
		})
	}
}

func TestWhoIsHeldOutGetsNothingOfTheFamilyButWhatTreatmentNeeds(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6", "sleeping-12", "recall", "plan", "implant-year", "birthday", "after-visit", "appointment", "season")
	for name := range s.Clinic.Scenarios {
		x := s.Clinic.Scenarios[name]
		x.HoldoutPercent = 100
		s.Clinic.Scenarios[name] = x
	}
	s.Settings(func(c *dental.Clinic) {
		c.Gifts, c.CapPerWeek = []dental.Gift{{ID: "g", Name: "Набор"}}, 7
	})
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 7, Day: 20} })
	s.Visit("OLD", "P", s.Local("2025-06-20 12:00"), ofKind(dental.Implant), returning(t, "2025-08-20"))
	s.Visit("V", "P", s.Local("2025-12-18 12:00"), returning(t, "2026-02-18"))
	treats(s, "P", "L", s.Local("2026-06-10 12:00"), toDo(dental.Therapy))
	s.ToLocal("2026-07-25 12:00")
	for step, want := range map[string]string{"sleeping-6/offer": "skipped holdout", "birthday/greeting": "skipped holdout", "plan/next-stage": "sent", "implant-year/check": "sent"} {
		scenario, name, _ := strings.Cut(step, "/")
		if got := fate(s, "P", scenario, name); got != want {
			t.Errorf("%s is %q, want %q", step, got, want)
		}
	}
	s.Visit("W", "P", s.Now())
	s.ToLocal("2026-09-30 12:00")
	if n, m := len(s.SentAs("after-visit", "thanks")), len(s.SentAs("after-visit", "survey")); n != 1 || m != 1 {
		t.Errorf("%d thanks and %d surveys: nobody is held out of service", n, m)
	}
}

func TestAnOfferTellsTheLengthOfWhatItOffersOnThePageToo(t *testing.T) {
	took := func(kind dental.ProcedureKind, minutes int) func(*dental.Visit) {
		return func(v *dental.Visit) {
			v.Procedures = []dental.Procedure{{Name: "x", Kind: kind, Minutes: minutes}}
			v.ReturnDate = dental.Date{Year: 2026, Month: 3, Day: 1}
		}
	}
	for _, tt := range []struct {
		name    string
		happens func(*stagetest.Stage)
		sms     string
		minutes int
	}{
		{"a filling of 40 minutes", func(s *stagetest.Stage) { s.Visit("V", "P", s.Now(), took(dental.Therapy, 40)) }, "чистка 30 минут", 30},
		{"an implant of an hour and a half", func(s *stagetest.Stage) { s.Visit("V", "P", s.Now(), took(dental.Implant, 90)) }, "чистка 30 минут", 30},
		{"a hygiene that took longer", func(s *stagetest.Stage) { s.Visit("V", "P", s.Now(), took(dental.Hygiene, 50)) }, "чистка 50 минут", 50},
		{"an implant and another planned", func(s *stagetest.Stage) {
			s.Visit("V", "P", s.Now(), took(dental.Implant, 90))
			s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: s.Clinic.ID, Patient: "P", ID: "L", PresentedAt: s.Now(),
				Stages: []dental.Stage{{ID: "1", Kind: dental.Implant, Status: dental.StagePlanned}}, Source: dental.Source{Version: 1, Body: "x"}}})
		}, "30 минут: ", 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-01-19 12:00", "sleeping-6")
			s.Patient("P", func(c *intake.Card) { c.Mail = "" })
			tt.happens(s)
			s.ToLocal("2026-09-01 12:00")
			sent := s.SentAs("sleeping-6", "offer")
			if len(sent) != 1 || !strings.Contains(sent[0].Text, tt.sms) {
				t.Fatalf("sent are %v", sent)
			}
			if page, err := s.Desk.Offer(t.Context(), s.Token("P", dental.OfferLink), s.Now()); err != nil || page.Minutes != tt.minutes {
				t.Errorf("the page tells %d minutes, %v", page.Minutes, err)
			}
		})
	}
}

func TestWhoHadAnImplantIsRecalledToAnExaminationAndNotToAnotherOne(t *testing.T) {
	s := quiet(t, "2026-01-19 12:00", "recall")
	s.Patient("P", func(c *intake.Card) { c.Mail = "" })
	s.Visit("V", "P", s.Now(), func(v *dental.Visit) {
		v.Procedures = []dental.Procedure{{Name: "x", Kind: dental.Implant, Minutes: 90}}
	})
	s.ToLocal("2026-12-25 12:00")
	if len(s.SentAs("recall", "first")) != 1 {
		t.Fatal("nobody was invited")
	}
	if page, err := s.Desk.Offer(t.Context(), s.Token("P", dental.OfferLink), s.Now()); err != nil || page.Minutes != 30 {
		t.Errorf("the page tells %d minutes, %v", page.Minutes, err)
	}
}
