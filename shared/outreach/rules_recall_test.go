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

func TestTheRecallComesAMonthTwoWeeksAndAWeekBeforeTheDate(t *testing.T) {
	tests := []struct {
		name, visit, back     string
		first, second, called string
	}{
		{"of a month's end", "2026-09-30 12:00", "2027-03-31", "2027-02-28 11:00", "2027-03-17 11:00", "2027-03-24 10:00"},
		{"of a month's end in a leap year", "2027-09-30 12:00", "2028-03-31", "2028-02-29 11:00", "2028-03-17 11:00", "2028-03-24 10:00"},
		{"of 29 February", "2027-08-29 12:00", "2028-02-29", "2028-01-29 11:00", "2028-02-15 11:00", "2028-02-22 10:00"},
		{"whose call falls on a Sunday is made on Monday", "2026-06-18 12:00", "2026-12-20", "2026-11-20 11:00", "2026-12-06 11:00", "2026-12-14 09:00"},
		{"of the interval of what was done, cut to the month's end", "2026-08-31 12:00", "", "2027-01-28 11:00", "2027-02-14 11:00", "2027-02-22 09:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, tt.visit, "recall")
			s.Patient("P")
			s.Visit("V", "P", s.Now(), func(v *dental.Visit) {
				if tt.back != "" {
					returning(t, tt.back)(v)
				}
			})
			s.To(s.Now().AddDate(0, 9, 0))
			want(t, "first", times(s, "P", "recall", "first"), tt.first)
			want(t, "second", times(s, "P", "recall", "second"), tt.second)
			if tasks := s.Tasks("P", dental.CallTask); len(tasks) != 1 || at(s, tasks[0].OpenedAt) != tt.called {
				t.Errorf("the calls: %+v", tasks)
			}
		})
	}
}

func TestEveryZoneHasItsOwnMorning(t *testing.T) {
	for _, zone := range []string{"Pacific/Auckland", "Pacific/Kiritimati", "America/Los_Angeles", "Pacific/Pago_Pago", "Asia/Kolkata", "Europe/Moscow"} {
		t.Run(zone, func(t *testing.T) {
			s := quiet(t, "2026-04-06 12:00", "recall", "birthday", "sleeping-6")
			s.Settings(func(c *dental.Clinic) { c.TimeZone, c.Gifts = zone, []dental.Gift{{ID: "g", Name: "Набор"}} })
			s.Set(s.Local("2026-04-06 15:00"))
			s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1984, Month: 2, Day: 29} })
			s.Visit("V", "P", s.Now(), returning(t, "2026-10-06")) // most clocks change between
			s.ToLocal("2027-03-01 12:00")
			want(t, "what left", left(s, "P"), "recall/first sms 2026-09-06 11:00", "recall/second sms 2026-09-22 11:00",
				"sleeping-6/offer sms 2026-11-05 11:30", "birthday/greeting sms 2027-02-28 10:00")
			if tasks := s.Tasks("P", dental.CallTask); len(tasks) != 1 || at(s, tasks[0].OpenedAt) != "2026-09-29 10:00" {
				t.Errorf("the calls: %+v", tasks)
			}
		})
	}
}

func TestTheOffsetFromTheReturnDateWinsOverMonthsAfterTheVisit(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "recall")
	s.Patient("P")
	s.Visit("V", "P", s.Now(), returning(t, "2027-06-18")) // a year, although hygiene has half of one
	s.ToLocal("2027-07-01 12:00")
	want(t, "first", times(s, "P", "recall", "first"), "2027-05-18 11:00")
}

func TestAStepThatWouldComeTooSoonSaysSo(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "recall")
	s.Patient("P")
	s.Visit("V", "P", s.Now(), returning(t, "2026-07-03"))
	s.ToLocal("2026-07-20 12:00")
	if got := fate(s, "P", "recall", "second"); got != "skipped too-soon" {
		t.Errorf("the second message, a day after the visit, is %q", got)
	}
}

func TestTheTextSpeaksOfTheServiceToComeAndOfItsDoctor(t *testing.T) {
	s := quiet(t, "2026-03-10 12:00", "recall")
	s.Patient("P", func(c *intake.Card) { c.Number = "" })
	hygienist := by("D-9", "Мария Белова")
	s.Visit("V", "P", s.Now(), hygienist, func(v *dental.Visit) { v.Procedures[0].Minutes = 50 })
	s.ToLocal("2026-06-18 12:00")
	s.Visit("W", "P", s.Now(), ofKind(dental.Therapy), func(v *dental.Visit) { v.NextStep = dental.ServiceType{Name: "Гигиена", Kind: dental.Hygiene} })
	s.ToLocal("2026-11-20 12:00")
	sent := s.SentAs("recall", "first")
	if len(sent) != 1 || !strings.Contains(sent[0].Text, "Мария Белова") || !strings.Contains(sent[0].Text, "50") {
		t.Fatalf("after a filling, with a hygiene to come: %v", sent[0].Text)
	}
	if page, err := s.Desk.Offer(t.Context(), s.Token("P", dental.OfferLink), s.Now()); err != nil || page.Doctor.ID != "D-9" || page.Minutes != 50 {
		t.Errorf("the page names %+v for %d minutes, %v", page.Doctor, page.Minutes, err)
	}
}

// TestABookingThatIsCancelledAgainAtAnyPointOfARecall plays a booking and its
// cancellation on every day of the journey.
func TestABookingThatIsCancelledAgainAtAnyPointOfARecall(t *testing.T) {
	played := 0
	for booked := 0; booked <= 36; booked += 3 { // days after 16 November, two before the first message
		for _, after := range []int{1, 6, 13, 27} {
			s := quiet(t, "2026-11-10 12:00", "recall")
			s.Patient("P")
			s.Visit("V", "P", s.Local("2026-06-18 12:00"))
			begin := s.Local("2026-11-16 10:30")
			s.To(begin.AddDate(0, 0, booked))
			start := s.Local("2027-03-20 12:00")
			before := len(s.Sent())
			s.Appointment(intake.AppointmentBooked, "A", "P", start)
			s.To(s.Now().AddDate(0, 0, after))
			if n := len(s.Sent()) - before; n > 0 || len(s.Tasks("P", dental.CallTask)) > 0 {
				t.Errorf("booked on day %d, %d messages left and %d calls are open %d days later", booked, n, len(s.Tasks("P", dental.CallTask)), after)
			}
			s.Appointment(intake.AppointmentCancelled, "A", "P", start)
			cancelled := s.Now()
			s.ToLocal("2027-01-10 12:00")
			played++

			for _, touch := range s.Card("P").Touches {
				if !touch.State.Final() || touch.State != dental.Sent && touch.Reason == "" {
					t.Errorf("booked on day %d, cancelled %d days later: %s is %s (%s)", booked, after, touch.Step, touch.State, touch.Reason)
				}
			}
			// What falls due after the cancellation comes as if nothing had happened.
			first, second, call := s.Local("2026-11-18 11:00"), s.Local("2026-12-04 11:00"), s.Local("2026-12-11 10:00")
			for step, due := range map[string]time.Time{"first": first, "second": second} {
				got := times(s, "P", "recall", step)
				if len(got) > 1 {
					t.Errorf("booked on day %d, cancelled %d days later: %s left %v", booked, after, step, got)
				}
				if due.After(cancelled) && (len(got) != 1 || got[0] < at(s, due)) {
					t.Errorf("booked on day %d, cancelled %d days later: %s left %v", booked, after, step, got)
				}
			}
			if calls := len(s.Tasks("P", dental.CallTask)); calls > 1 || call.After(cancelled) && calls != 1 {
				t.Errorf("booked on day %d, cancelled %d days later: %d calls", booked, after, calls)
			}
		}
	}
	if played < 50 {
		t.Errorf("only %d were played", played)
	}
}

func TestALaterThenABookingThenItsCancellation(t *testing.T) {
	for _, tt := range []struct {
		name             string
		booked, dropped  string
		again            string // when the second invitation leaves
		cancelledMeaning string
	}{
		{"before the second invitation is due", "2026-11-25 12:00", "2026-12-01 12:00", "2026-12-20 11:00", ""},
		{"over the day on which it is due", "2026-12-15 12:00", "2026-12-22 12:00", "2026-12-22 12:00", ""},
		{"until it is too late for it", "2026-12-15 12:00", "2027-01-02 12:00", "", "cancelled booked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "recall")
			s.Patient("P")
			s.Visit("V", "P", s.Now())
			s.ToLocal("2026-11-20 12:00")
			responds(s, "P", dental.LaterOffer)
			s.ToLocal(tt.booked)
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2027-02-10 12:00"))
			if got := fate(s, "P", "recall", "again"); got != "cancelled booked" {
				t.Errorf("after the booking the second invitation is %q", got)
			}
			s.ToLocal(tt.dropped)
			s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2027-02-10 12:00"))
			s.ToLocal("2027-03-10 12:00")
			if tt.again == "" {
				want(t, "the second invitation", times(s, "P", "recall", "again"))
			} else {
				want(t, "the second invitation", times(s, "P", "recall", "again"), tt.again)
			}
			if tt.cancelledMeaning != "" && fate(s, "P", "recall", "again") != tt.cancelledMeaning {
				t.Errorf("the second invitation is %q", fate(s, "P", "recall", "again"))
			}
			if n := len(s.SentAs("recall", "second")) + len(s.Tasks("P", dental.CallTask)); n > 0 {
				t.Errorf("%d of what the later had put an end to came all the same", n)
			}
		})
	}
}

func TestTheCallComesWhenBothTextsHadNoChannel(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "recall")
	s.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "+491700000001", "" })
	s.Visit("V", "P", s.Now())
	s.ToLocal("2026-12-20 12:00")
	for _, step := range []string{"first", "second"} {
		if got := fate(s, "P", "recall", step); got != "skipped foreign-phone" {
			t.Errorf("%s is %q", step, got)
		}
	}
	if tasks := s.Tasks("P", dental.CallTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "номер другой страны") {
		t.Errorf("the calls: %+v", tasks)
	}
}

func TestANewerVisitReplacesTheReturnDateUnlessItIsAnInterimStageOfALaterOne(t *testing.T) {
	tests := []struct {
		name    string
		happens func(*stagetest.Stage)
		first   []string
	}{
		{"a newer visit with a nearer date", func(s *stagetest.Stage) { s.Visit("W", "P", s.Now(), returning(t, "2026-12-01")) }, []string{"2026-11-01 11:00"}},
		{"a newer visit with a later date", func(s *stagetest.Stage) { s.Visit("W", "P", s.Now(), returning(t, "2027-03-01")) }, []string{"2027-02-01 11:00"}},
		{"an interim stage with a nearer date", func(s *stagetest.Stage) {
			treats(s, "P", "L", s.Now().AddDate(0, 0, -10), dental.Stage{ID: "0", Status: dental.StageDone, DoneAt: s.Now()}, toDo(dental.Therapy))
			s.Visit("W", "P", s.Now(), returning(t, "2026-09-01"))
		}, []string{"2026-12-18 11:00"}},
		{"an interim stage with a later date", func(s *stagetest.Stage) {
			treats(s, "P", "L", s.Now().AddDate(0, 0, -10), dental.Stage{ID: "0", Status: dental.StageDone, DoneAt: s.Now()}, toDo(dental.Therapy))
			s.Visit("W", "P", s.Now(), returning(t, "2027-03-01"))
		}, []string{"2027-02-01 11:00"}},
		{"a stage of a plan that is finished meanwhile", func(s *stagetest.Stage) {
			treats(s, "P", "L", s.Now().AddDate(0, 0, -10), dental.Stage{ID: "0", Status: dental.StageDone, DoneAt: s.Now()}, toDo(dental.Therapy))
			s.Visit("W", "P", s.Now(), returning(t, "2026-12-01"))
			s.To(s.Now().Add(24 * time.Hour))
			treats(s, "P", "L", s.Now().AddDate(0, 0, -11), dental.Stage{ID: "0", Status: dental.StageDone, DoneAt: s.Now().Add(-24 * time.Hour)})
		}, []string{"2026-11-01 11:00"}},
		{"a visit that turns out not to have set a date", func(s *stagetest.Stage) {
			s.Visit("V", "P", s.Local("2026-06-18 12:00")) // half a year after a hygiene
		}, []string{"2026-11-18 11:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "recall")
			s.Patient("P")
			s.Visit("V", "P", s.Now(), returning(t, "2027-01-18"))
			s.ToLocal("2026-07-20 12:00")
			tt.happens(s)
			s.ToLocal("2027-04-01 12:00")
			want(t, "first", times(s, "P", "recall", "first"), tt.first...)
		})
	}
}

func TestThePlanIsSpokenOfOnceAStageAndCalledAboutAWeekLater(t *testing.T) {
	done := func(id string, at time.Time) dental.Stage {
		return dental.Stage{ID: id, Name: "Этап " + id, Kind: dental.Therapy, Status: dental.StageDone, DoneAt: at}
	}
	tests := []struct {
		name    string
		happens func(*stagetest.Stage)
		texts   []string
		tasks   []string // when they were opened
		open    int
	}{
		{"of one who will think", func(*stagetest.Stage) {}, []string{"2026-06-15 12:00"}, []string{"2026-06-22 10:00"}, 1},
		{"of a stage done later, from there", func(s *stagetest.Stage) {
			s.ToLocal("2026-06-09 15:00")
			treats(s, "P", "L", s.Local("2026-06-01 12:00"), done("0", s.Now()), toDo(dental.Therapy))
		}, []string{"2026-06-23 12:00"}, []string{"2026-06-30 10:00"}, 1},
		{"again after the next stage", func(s *stagetest.Stage) {
			s.ToLocal("2026-06-25 15:00")
			treats(s, "P", "L", s.Local("2026-06-01 12:00"), done("0", s.Now()), toDo(dental.Therapy))
		}, []string{"2026-06-15 12:00", "2026-07-09 12:00"}, []string{"2026-06-22 10:00", "2026-07-16 10:00"}, 1},
		{"not of one that is booked in the MIS", func(s *stagetest.Stage) {
			stage := toDo(dental.Therapy)
			stage.Status = dental.StageBooked
			treats(s, "P", "L", s.Local("2026-06-01 12:00"), stage)
		}, nil, nil, 0},
		{"of one whose stage is booked no longer", func(s *stagetest.Stage) {
			stage := toDo(dental.Therapy)
			stage.Status = dental.StageBooked
			treats(s, "P", "L", s.Local("2026-06-01 12:00"), stage)
			s.ToLocal("2026-06-18 15:00")
			treats(s, "P", "L", s.Local("2026-06-01 12:00"), toDo(dental.Therapy))
		}, []string{"2026-06-18 15:00"}, []string{"2026-06-22 10:00"}, 1},
		{"not of one with an appointment", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-09-01 12:00"))
		}, nil, nil, 0},
		{"not of one that is finished meanwhile, and its call is settled", func(s *stagetest.Stage) {
			s.ToLocal("2026-06-23 15:00")
			treats(s, "P", "L", s.Local("2026-06-01 12:00"), done("1", s.Now()))
		}, []string{"2026-06-15 12:00"}, []string{"2026-06-22 10:00"}, 0},
		{"the call comes whether or not the text left", func(s *stagetest.Stage) {
			s.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "+491700000001", "" })
		}, nil, []string{"2026-06-22 10:00"}, 1},
		{"of two plans the one with the latest activity, and the other when that is done", func(s *stagetest.Stage) {
			s.ToLocal("2026-06-10 15:00")
			treats(s, "P", "M", s.Now(), toDo(dental.Implant))
			s.ToLocal("2026-06-16 15:00")
			if got := fate(s, "P", "plan", "next-stage"); got != "cancelled outranked" && got != "" {
				t.Errorf("the earlier plan's message is %q", got)
			}
			treats(s, "P", "M", s.Local("2026-06-10 15:00"), done("1", s.Now()))
		}, []string{"2026-06-16 15:00"}, []string{"2026-06-22 10:00"}, 1},
		{"of two plans the one that is added, though the first has been spoken of", func(s *stagetest.Stage) {
			s.ToLocal("2026-06-20 15:00")
			treats(s, "P", "M", s.Now(), toDo(dental.Implant))
		}, []string{"2026-06-15 12:00", "2026-07-04 12:00"}, []string{"2026-07-11 10:00"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "plan")
			s.Patient("P")
			treats(s, "P", "L", s.Now(), toDo(dental.Therapy))
			s.Set(s.Now().Add(time.Hour))
			tt.happens(s)
			s.ToLocal("2026-08-20 12:00")
			want(t, "texts", times(s, "P", "plan", "next-stage"), tt.texts...)
			var opened []string
			for _, k := range s.Card("P").Tasks {
				if k.Kind == dental.PlanTask {
					opened = append(opened, at(s, k.OpenedAt))
				}
			}
			want(t, "calls", opened, tt.tasks...)
			if n := len(s.Tasks("P", dental.PlanTask)); n != tt.open {
				t.Errorf("%d calls are open, want %d", n, tt.open)
			}
		})
	}
}

func TestTwoPlansOfEqualActivityHaveOneVoice(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "plan")
	s.Patient("P")
	presented := s.Now()
	for i := range 3 {
		treats(s, "P", fmt.Sprint("L", i), presented, toDo(dental.Therapy))
	}
	s.ToLocal("2026-08-20 12:00")
	if n, m := len(s.SentAs("plan", "next-stage")), len(s.Tasks("P", dental.PlanTask)); n != 1 || m != 1 {
		t.Errorf("%d messages and %d calls", n, m)
	}
}
