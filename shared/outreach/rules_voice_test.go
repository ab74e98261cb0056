package outreach_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// set lays settings over the clinic's, as its owner does.
func set(s *stagetest.Stage, patch string) {
	s.T.Helper()
	keeper := &settings.Keeper{Store: s.Store, Rand: rand.NewChaCha8([32]byte{7})}
	_, cl, err := keeper.Put(s.T.Context(), s.Clinic.ID, []byte(patch), s.Now())
	if err != nil {
		s.T.Fatal(err)
	}
	s.Clinic = *cl
}

// release presses the button of a day's batch of sleeping-6; one that is closed, or of which
// staff were never told, is left so.
func release(s *stagetest.Stage, day dental.Date) {
	s.T.Helper()
	presses := &desk.Presses{Store: s.Store, Catalogue: s.Catalogue}
	ref := desk.Ref{Clinic: s.Clinic.ID, Kind: dental.ReleaseTask, Anchor: dental.BatchAnchor("sleeping-6", day)}
	form := desk.Form{ID: fmt.Sprint("release.", s.Now().Unix()), Outcome: dental.PressReleased}
	if err := presses.Press(s.T.Context(), ref, dental.Staff{Name: "Мария", Role: dental.Manager}, form, s.Now()); err != nil && dental.KindOf(err) != dental.Conflict && dental.KindOf(err) != dental.NotFound {
		s.T.Fatal(err)
	}
}

// treats tells a treatment plan as it stands now.
func treats(s *stagetest.Stage, patient, id string, presented time.Time, stages ...dental.Stage) {
	s.T.Helper()
	s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: s.Clinic.ID, Patient: patient, ID: id, PresentedAt: presented, Stages: stages,
		Source: dental.Source{Version: s.Now().UnixMilli(), Body: fmt.Sprint(id, len(s.Sent()), stages)}}})
}

func toDo(kind dental.ProcedureKind) dental.Stage {
	return dental.Stage{ID: "1", Name: "Следующий этап", Kind: kind, Status: dental.StagePlanned}
}

// responds answers the last offer that a patient was sent.
func responds(s *stagetest.Stage, patient string, action dental.OfferAction) {
	s.T.Helper()
	if err := s.Desk.Respond(s.T.Context(), s.Token(patient, dental.OfferLink), reply.ResponseForm{Action: action}, s.Now()); err != nil {
		s.T.Fatal(err)
	}
}

// times lists when a patient got the messages of a step.
func times(s *stagetest.Stage, patient, scenario, step string) []string {
	var out []string
	for _, m := range s.SentAs(scenario, step) {
		if m.Touch.Patient == patient {
			out = append(out, at(s, m.At))
		}
	}
	return out
}

// closes settles a patient's complaint, as staff do.
func closes(s *stagetest.Stage, patient string) {
	s.T.Helper()
	tasks := s.Tasks(patient, dental.ComplaintTask)
	if len(tasks) != 1 {
		s.T.Fatalf("%d complaints are open", len(tasks))
	}
	tx := s.Store.Begin()
	if _, err := tx.Card(s.T.Context(), s.Clinic.ID, patient); err != nil {
		s.T.Fatal(err)
	}
	tasks[0].Close(&s.Clinic, "settled", s.Now())
	tx.Put(tasks[0])
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

func by(id, name string) func(*dental.Visit) {
	return func(v *dental.Visit) { v.Doctor = dental.Doctor{ID: id, Name: name} }
}

func TestOfAPatientsMessagesTheOneThatMattersMoreLeavesFirst(t *testing.T) {
	// On 18 June a recall is due at eleven and the plan's next stage at noon.
	s := quiet(t, "2026-06-04 10:00", "recall", "plan")
	s.Patient("P")
	treats(s, "P", "L", s.Now(), toDo(dental.Therapy))
	s.Visit("V", "P", s.Local("2026-04-18 12:00"), returning(t, "2026-07-18"))
	s.ToLocal("2026-06-18 11:30")
	if touch := s.Touch("P", "recall", "first"); touch.State != dental.Planned || touch.Reason != "outranked" {
		t.Errorf("half an hour after its time the recall is %s (%s)", touch.State, touch.Reason)
	}
	s.ToLocal("2026-07-01 12:00")
	want(t, "what left", left(s, "P"), "plan/next-stage sms 2026-06-18 12:00", "recall/first sms 2026-06-25 12:00")
}

func TestARecallIsOpenFromItsFirstMessageUntilThirtyDaysAfterTheDate(t *testing.T) {
	tests := []struct {
		name   string
		offset int // of the first message
		visit  string
		want   string
	}{
		{"an anniversary the day before the first message leaves", -40, "2026-08-31", "sent"},
		{"an anniversary on the day of the first message, which the clinic has moved, does not", -40, "2026-09-01", "skipped in-recall"},
		{"an anniversary at the usual day of a first message that comes later leaves", 0, "2026-09-01", "sent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-08-31 09:00", "recall", "orthodontics-6m")
			set(s, fmt.Sprintf(`{"scenarios": {"recall": {"offsets": {"first": %d}}}}`, tt.offset))
			s.Patient("P", func(c *intake.Card) { c.Number = "+79160000001" })
			s.ToLocal(tt.visit + " 12:00")
			// The check is due half a year later, the return date is 70 days after it.
			day := s.Clinic.Today(s.Now())
			s.Visit("V", "P", s.Now(), ofKind(dental.Orthodontics), func(v *dental.Visit) { v.ReturnDate = dental.Date{Year: 2027, Month: 5, Day: 10} })
			s.To(day.AddMonths(6).AddDays(2).At(12*60, s.Clinic.Location()))
			if got := fate(s, "P", "orthodontics-6m", "check"); got != tt.want {
				t.Errorf("the check is %q, want %q", got, tt.want)
			}
		})
	}

	// Seen a year before, to come back around the day on which sleeping-12 falls: 18 June 2027.
	for back, want := range map[string]string{
		"2027-07-19": "skipped return-ahead", // the first message comes the day after
		"2027-07-18": "skipped in-recall",    // it came this morning
		"2027-06-19": "skipped in-recall",
		"2027-06-18": "skipped in-recall",
		"2027-05-20": "skipped in-recall", // the 29th day after the date
		"2027-05-19": "sent",              // the thirtieth: the journey is over
	} {
		s := quiet(t, "2026-06-18 12:00", "recall", "sleeping-12")
		s.Patient("P")
		s.Visit("V", "P", s.Now(), returning(t, back))
		s.ToLocal("2027-06-30 12:00")
		if got := fate(s, "P", "sleeping-12", "offer"); got != want {
			t.Errorf("to come back on %s, sleeping-12 is %q, want %q", back, got, want)
		}
	}
}

func TestSleepingSixWaitsForTheEndOfTheRecallAndLeavesOnce(t *testing.T) {
	tests := []struct {
		name, back string
		recall     bool
		answers    dental.OfferAction // to the first message
		leaves     string
	}{
		{"thirty days after a return date of six months", "2026-12-18", true, "", "2027-01-17 11:30"},
		{"at six months when the journey is over before", "2026-11-10", true, "", "2026-12-18 11:30"},
		{"on the return date where there is no recall", "2027-01-15", false, "", "2027-01-15 11:30"},
		{"on the return date after a never", "2027-01-15", true, dental.NeverOffer, "2027-01-15 11:30"},
		{"thirty days after a date that is a year away", "2027-06-18", true, "", "2027-07-18 11:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "recall", "sleeping-6")
			if !tt.recall {
				set(s, `{"scenarios": {"recall": {"on": false}}}`)
			}
			s.Patient("P")
			s.Visit("V", "P", s.Now(), returning(t, tt.back))
			if tt.answers != "" {
				s.ToLocal("2026-12-15 12:00")
				responds(s, "P", tt.answers)
			}
			s.ToLocal("2027-12-01 12:00")
			want(t, "sleeping-6", times(s, "P", "sleeping-6", "offer"), tt.leaves)
		})
	}
}

func TestAnAnniversaryIsARecallsVariantOnlyWhereThereIsARecall(t *testing.T) {
	near := func(kind dental.ProcedureKind, back string) func(*stagetest.Stage) {
		return func(s *stagetest.Stage) { s.Visit("V", "P", s.Now(), ofKind(kind), returning(t, back)) }
	}
	tests := []struct {
		name, scenario string
		happens        func(*stagetest.Stage)
		check          int
	}{
		{"45 days before the return date", "implant-year", near(dental.Implant, "2027-08-02"), 0},
		{"46 days before it", "implant-year", near(dental.Implant, "2027-08-03"), 1},
		{"45 days after it", "implant-year", near(dental.Implant, "2027-05-04"), 0},
		{"46 days after it", "implant-year", near(dental.Implant, "2027-05-03"), 1},
		{"half a year after orthodontics, on the date", "orthodontics-6m", near(dental.Orthodontics, "2026-12-18"), 0},
		{"half a year after orthodontics, 46 days before the date", "orthodontics-6m", near(dental.Orthodontics, "2027-02-02"), 1},
		{"on the date, where the clinic runs no recall", "implant-year", func(s *stagetest.Stage) {
			set(s, `{"scenarios": {"recall": {"on": false}}}`)
			near(dental.Implant, "2027-06-18")(s)
		}, 1},
		{"on the date, after a never to the recall, which ends nothing else", "implant-year", func(s *stagetest.Stage) {
			s.Visit("V", "P", s.Now(), ofKind(dental.Implant), returning(t, "2026-12-18"))
			s.ToLocal("2026-11-20 12:00")
			responds(s, "P", dental.NeverOffer)
			s.ToLocal("2026-12-10 12:00")
			s.Visit("W", "P", s.Now(), returning(t, "2027-06-18"))
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "recall", tt.scenario)
			s.Patient("P")
			tt.happens(s)
			s.ToLocal("2027-09-20 12:00")
			if n := len(s.SentAs(tt.scenario, "check")); n != tt.check {
				t.Errorf("%d checks left, want %d: %s", n, tt.check, fate(s, "P", tt.scenario, "check"))
			}
		})
	}
}

func TestTheCapCountsWhatMayHaveArrivedAndNothingTwice(t *testing.T) {
	to := func(patient string, fails func(dental.Channel) error) func(outreach.Message) error {
		return func(m outreach.Message) error {
			if m.Touch.Patient == patient {
				return fails(m.Channel)
			}
			return nil
		}
	}
	refused := &outreach.Refusal{Code: "no"}
	tests := []struct {
		name     string
		provider func(outreach.Message) error
		first    dental.TouchState // of the household's first offer
		second   string            // when the household's second one leaves
	}{
		{"what was accepted counts", nil, dental.Sent, "2026-06-25 11:30"},
		{"what nobody knows the fate of counts", to("A", func(dental.Channel) error { return errors.New("the answer is lost") }), dental.Unknown, "2026-06-25 11:30"},
		{"what was refused on every channel does not", to("A", func(dental.Channel) error { return refused }), dental.Failed, "2026-06-19 11:30"},
		{"what was refused on one channel and accepted on the other counts", to("A", func(ch dental.Channel) error {
			if ch == dental.SMS {
				return refused
			}
			return nil
		}), dental.Sent, "2026-06-25 11:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-17 12:00", "sleeping-6")
			s.Provider = tt.provider
			for id, seen := range map[string]string{"A": "2025-12-18 12:00", "B": "2025-12-19 12:00"} { // one phone
				s.Patient(id)
				s.Visit("V"+id, id, s.Local(seen))
			}
			s.ToLocal("2026-07-30 12:00")
			if got := s.Touch("A", "sleeping-6", "offer").State; got != tt.first {
				t.Errorf("the first is %s", got)
			}
			want(t, "the second", times(s, "B", "sleeping-6", "offer"), tt.second)
		})
	}
	t.Run("what went over two channels counts once", func(t *testing.T) {
		s := quiet(t, "2026-06-17 12:00", "sleeping-6")
		s.Settings(func(c *dental.Clinic) { c.CapPerWeek = 2 })
		for id, seen := range map[string]string{"A": "2025-12-18 12:00", "B": "2025-12-19 12:00"} {
			s.Patient(id)
			s.Visit("V"+id, id, s.Local(seen))
		}
		s.ToLocal("2026-06-18 12:00")
		m := s.Sent()[0]
		if _, err := s.Settler.Settle(t.Context(), outreach.Report{Touch: m.Touch, Attempt: m.Attempt, Kind: outreach.ReportUndelivered, Code: "x", At: s.Now()}); err != nil {
			t.Fatal(err)
		}
		s.ToLocal("2026-07-30 12:00")
		want(t, "A", left(s, "A"), "sleeping-6/offer sms 2026-06-18 11:30", "sleeping-6/offer email 2026-06-18 12:00")
		want(t, "B", left(s, "B"), "sleeping-6/offer sms 2026-06-19 11:30")
	})
	t.Run("what was cancelled does not", func(t *testing.T) {
		s := quiet(t, "2026-06-17 12:00", "sleeping-6")
		for id, seen := range map[string]string{"A": "2025-12-18 12:00", "B": "2025-12-19 12:00"} {
			s.Patient(id)
			s.Visit("V"+id, id, s.Local(seen))
		}
		s.ToLocal("2026-06-18 10:00")
		s.Appointment(intake.AppointmentBooked, "X", "A", s.Local("2026-07-18 10:00"))
		s.ToLocal("2026-07-30 12:00")
		if got := fate(s, "A", "sleeping-6", "offer"); got != "cancelled booked" {
			t.Errorf("the first is %s", got)
		}
		want(t, "the second", times(s, "B", "sleeping-6", "offer"), "2026-06-19 11:30")
	})
}

// household is some patients of one phone, each of whom is to get a message on 18 June.
func household(t *testing.T, scenario string, patients ...string) *stagetest.Stage {
	s := quiet(t, "2026-06-17 12:00", scenario)
	for i, id := range patients {
		s.Patient(id, func(c *intake.Card) { c.Mail = "" })
		switch scenario {
		case "plan":
			treats(s, id, "L"+id, s.Local("2026-06-04 12:00").Add(time.Duration(i)), toDo(dental.Therapy))
		case "sleeping-6":
			s.Visit("V"+id, id, s.Local("2025-12-18 12:00"))
		}
	}
	return s
}

func TestWhatTheCapPutsOffWaitsTenDaysOrFourteenAndIsThenGivenUp(t *testing.T) {
	count := func(s *stagetest.Stage, scenario, step string, patients ...string) (sent []string, capped int) {
		for _, id := range patients {
			sent = append(sent, times(s, id, scenario, step)...)
			if fate(s, id, scenario, step) == "skipped capped" {
				capped++
			}
		}
		slices.Sort(sent)
		return sent, capped
	}
	t.Run("care", func(t *testing.T) {
		s := household(t, "plan", "A", "B", "C")
		s.ToLocal("2026-07-30 12:00")
		sent, capped := count(s, "plan", "next-stage", "A", "B", "C")
		want(t, "care", sent, "2026-06-18 12:00", "2026-06-25 12:00")
		if capped != 1 {
			t.Errorf("%d were given up", capped)
		}
	})
	t.Run("care, to the tenth day and no further", func(t *testing.T) {
		for last, want := range map[int]string{21: "sent", 22: "skipped capped"} {
			s := household(t, "plan", "A")
			set(s, `{"scenarios": {"birthday": {"on": true}}, "gifts": [{"id": "g", "name": "Набор"}]}`)
			// Greetings, which the week does not hold back, leave no room for a week each.
			for id, day := range map[string]int{"E": 17, "F": last} {
				s.Patient(id, func(c *intake.Card) { c.Mail, c.BirthDate = "", dental.Date{Year: 1980, Month: 6, Day: day} })
			}
			s.ToLocal("2026-07-30 12:00")
			if got := fate(s, "A", "plan", "next-stage"); got != want || len(s.SentAs("birthday", "greeting")) != 2 {
				t.Errorf("after greetings on the 17th and %dth, it is %q, want %q", last, got, want)
			}
		}
	})
	t.Run("advertising, on the fourteenth day itself", func(t *testing.T) {
		s := quiet(t, "2026-06-01 12:00", "sleeping-6")
		for id, seen := range map[string]string{"A": "2025-12-04 12:00", "B": "2025-12-11 12:00", "C": "2025-12-20 12:00", "D": "2025-12-19 12:00"} {
			s.Patient(id, func(c *intake.Card) { c.Mail = "" })
			s.Visit("V"+id, id, s.Local(seen))
		}
		s.ToLocal("2026-07-30 12:00")
		// Two in thirty days, on the 4th and 11th: the next is free on 4 July, the
		// fourteenth day of C, and D, who would have waited for fifteen, is given up.
		sent, capped := count(s, "sleeping-6", "offer", "A", "B", "C", "D")
		want(t, "offers", sent, "2026-06-04 11:30", "2026-06-11 11:30", "2026-07-04 11:30")
		if capped != 1 || fate(s, "D", "sleeping-6", "offer") != "skipped capped" {
			t.Errorf("%d were given up; D is %s", capped, fate(s, "D", "sleeping-6", "offer"))
		}
	})
	t.Run("a second invitation a week behind the plan", func(t *testing.T) {
		s := quiet(t, "2026-06-01 12:00", "recall", "plan")
		s.Patient("P")
		s.Visit("V", "P", s.Local("2026-04-18 12:00"), returning(t, "2026-07-10"))
		s.ToLocal("2026-06-11 12:00")
		treats(s, "P", "L", s.Now(), toDo(dental.Therapy)) // its message is due on the 25th at noon
		s.ToLocal("2026-07-20 12:00")
		// The second is due on 26 June; the first day that is free is 2 July, six days later.
		want(t, "what left", left(s, "P"), "recall/first sms 2026-06-10 11:00", "plan/next-stage sms 2026-06-25 12:00", "recall/second sms 2026-07-02 12:00")
	})
}

func TestABirthdayIsUnderTheSecondLimitOfTheCapAndNeverLate(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "sleeping-6", "birthday")
	s.Settings(func(c *dental.Clinic) { c.Gifts = []dental.Gift{{ID: "g", Name: "Набор"}} })
	for id, seen := range map[string]string{"A": "2025-12-04 12:00", "B": "2025-12-11 12:00"} {
		s.Patient(id, func(c *intake.Card) { c.BirthDate = dental.Date{} })
		s.Visit("V"+id, id, s.Local(seen))
	}
	for id, born := range map[string]dental.Date{"C": {Year: 1980, Month: 7, Day: 3}, "D": {Year: 1981, Month: 7, Day: 5}} {
		s.Patient(id, func(c *intake.Card) { c.BirthDate = born })
	}
	s.ToLocal("2026-07-20 12:00")
	// Offers left on 4 and 11 June: a third advertisement of the phone is free on 4 July at half past eleven.
	if got := fate(s, "C", "birthday", "greeting"); got != "skipped capped" {
		t.Errorf("the greeting of 3 July is %q", got)
	}
	want(t, "the greeting of 5 July", times(s, "D", "birthday", "greeting"), "2026-07-05 10:00")
}

func TestAnAdultsTreatmentIsNeverToldToAnother(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "appointment")
	s.Patient("A", func(c *intake.Card) { c.GivenName, c.Number, c.Mail = "Анна", "", "home@example.com" })
	s.Patient("B", func(c *intake.Card) { c.GivenName, c.Number, c.Mail = "Борис", "", "home@example.com" })
	for i, id := range []string{"A", "B"} {
		s.Appointment(intake.AppointmentBooked, "X"+id, id, s.Local(fmt.Sprintf("2026-06-10 1%d:00", i)), func(a *dental.Appointment) {
			a.Doctor = dental.Doctor{ID: "D" + id, Name: "Врач-" + id}
			a.Services = []dental.ServiceType{{Name: "Имплантация-" + id, Kind: dental.Implant}}
		})
	}
	s.ToLocal("2026-06-10 09:00")
	sent := s.SentAs("appointment", "reminder")
	if len(sent) != 1 {
		t.Fatalf("%d reminders", len(sent))
	}
	all := sent[0].Subject + sent[0].Text + sent[0].HTML
	if !strings.Contains(all, "Борис") || strings.Contains(all, "Имплантация") || strings.Contains(all, "Врач-B") {
		t.Errorf("the household is told: %s", sent[0].Text)
	}
}

func TestAChildIsWrittenToThroughTheGuardianAloneAndNeverCourted(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "after-visit", "review", "referral", "sleeping-6", "birthday", "club", "recall", "season")
	s.Settings(func(c *dental.Clinic) { c.Gifts = []dental.Gift{{ID: "g", Name: "Набор"}} })
	s.Patient("MOM", func(c *intake.Card) { c.GivenName, c.BirthDate = "Ольга", dental.Date{} })
	s.Patient("KID", func(c *intake.Card) {
		c.GivenName, c.Number, c.GuardianID = "Пётр", "+79160000002", "MOM"
		c.BirthDate = dental.Date{Year: 2015, Month: 8, Day: 20}
	})
	for i := range 3 {
		s.Visit(fmt.Sprint("V", i), "KID", s.Now())
		s.To(s.Now().Add(25 * time.Hour))
		if i == 0 {
			answerSurvey(t, s, "KID", dental.Good)
		}
		s.To(s.Now().AddDate(0, 0, 20))
	}
	s.ToLocal("2027-06-01 12:00")
	seen := map[string]int{}
	for _, m := range s.Sent() {
		seen[m.Touch.Scenario]++
		if string(m.To) != "+79160000001" || m.Class == dental.Advertising {
			t.Errorf("%s/%s left as %s to %s", m.Touch.Scenario, m.Touch.Step, m.Class, m.To)
		}
	}
	for scenario, least := range map[string]int{"after-visit": 3, "recall": 2, "birthday": 1} {
		if seen[scenario] < least {
			t.Errorf("%d messages of %s reached the guardian, want %d at least", seen[scenario], scenario, least)
		}
	}
	for _, scenario := range []string{"review", "referral", "sleeping-6", "club", "season"} {
		if seen[scenario] > 0 {
			t.Errorf("a child got %d messages of %s", seen[scenario], scenario)
		}
	}
	if got := fate(s, "KID", "sleeping-6", "offer"); got != "skipped minor" {
		t.Errorf("sleeping-6 of a child is %q", got)
	}
}

func TestOfAChildTheGuardiansConsentsCount(t *testing.T) {
	all := func(granted bool, at time.Time) (out []dental.Consent) {
		for _, class := range dental.Classes() {
			for _, ch := range []dental.Channel{dental.SMS, dental.Mail} {
				out = append(out, dental.Consent{Class: class, Channel: ch, Granted: granted, At: at, Source: "paper"})
			}
		}
		return out
	}
	for _, tt := range []struct {
		name          string
		mother, child bool
		leaves        int
	}{
		{"a guardian who refuses", false, true, 0},
		{"a guardian who agrees for a child whose card refuses", true, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "recall")
			s.Patient("MOM", func(c *intake.Card) { c.Consents = all(tt.mother, s.Now()) })
			s.Patient("KID", func(c *intake.Card) {
				c.Number, c.Mail, c.GuardianID, c.Consents = "", "", "MOM", all(tt.child, s.Now())
				c.BirthDate = dental.Date{Year: 2015, Month: 8, Day: 20}
			})
			s.Visit("V", "KID", s.Now())
			s.ToLocal("2026-11-10 12:00")
			if n := len(s.SentAs("recall", "first")); n != tt.leaves {
				t.Errorf("%d left, want %d: %s", n, tt.leaves, fate(s, "KID", "recall", "first"))
			}
		})
	}
}

func TestWhoComesOfAgeBetweenPlanningAndSendingIsWrittenToAsAnAdult(t *testing.T) {
	for _, tt := range []struct {
		name, number string
		want         string
		to           string
	}{
		{"with an own phone", "+79160000002", "sent", "+79160000002"},
		{"with the guardian's phone in the card", "+79160000001", "skipped no-address", ""},
		{"without a phone", "", "skipped no-address", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "appointment")
			s.Patient("MOM")
			s.Patient("KID", func(c *intake.Card) {
				c.GivenName, c.Number, c.Mail, c.GuardianID = "Пётр", tt.number, "", "MOM"
				c.BirthDate = dental.Date{Year: 2008, Month: 11, Day: 1}
			})
			// Of age on the day of the second reminder, and not on that of the first.
			s.Appointment(intake.AppointmentBooked, "A", "KID", s.Local("2026-11-02 12:00"))
			s.Appointment(intake.AppointmentBooked, "B", "KID", s.Local("2026-11-03 12:00"))
			s.ToLocal("2026-11-01 13:00")
			reminders := map[string]string{}
			for _, m := range s.SentAs("appointment", "reminder") {
				reminders[at(s, m.At)] = string(m.To)
			}
			if reminders["2026-10-31 12:00"] != "+79160000001" || reminders["2026-11-01 12:00"] != tt.to {
				t.Errorf("reminders left to %v", reminders)
			}
			b := s.Card("KID").Appointment("B")
			if touch := s.Card("KID").Touch("appointment", "reminder", dental.AppointmentAnchor(*b)); strings.TrimSpace(string(touch.State)+" "+touch.Reason) != tt.want {
				t.Errorf("the second reminder is %s (%s), want %q", touch.State, touch.Reason, tt.want)
			}
		})
	}
}

func TestAComplaintSilencesForThirtyDaysAfterItIsClosed(t *testing.T) {
	// The complaint is closed on 1 July at noon; the peace is over on 31 July at noon.
	for seen, want := range map[string]string{"2025-12-18": "skipped complaint-open", "2026-01-30": "skipped complaint-open", "2026-01-31": "skipped complaint-open", "2026-02-01": "sent"} {
		s := quiet(t, "2026-06-10 12:00", "after-visit", "sleeping-6")
		s.Patient("P")
		s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.Complex = true })
		s.ToLocal("2026-06-11 13:00")
		answerSurvey(t, s, "P", dental.Bad)
		// It turns out that the MIS had the day wrong: the visit was long ago.
		s.Visit("V", "P", s.Local(seen+" 12:00"))
		s.ToLocal("2026-06-20 12:00")
		if seen == "2025-12-18" {
			if got := fate(s, "P", "sleeping-6", "offer"); got != want {
				t.Errorf("while it is open the offer is %q", got)
			}
			continue
		}
		s.ToLocal("2026-07-01 12:00")
		closes(s, "P")
		s.ToLocal("2026-08-20 12:00")
		if got := fate(s, "P", "sleeping-6", "offer"); got != want {
			t.Errorf("seen on %s, the offer is %q, want %q", seen, got, want)
		}
	}
}

func TestACareTextNamesNoneOfTheDoctorsWhomAComplaintIsAbout(t *testing.T) {
	tests := []struct {
		name   string
		doctor string // of the visit that the plan's message speaks of
		want   string
	}{
		{"the doctor of the first bad answer", "D-1", "skipped complaint-open"},
		{"the doctor of a second one, which joined the complaint", "D-2", "skipped complaint-open"},
		{"another doctor", "D-3", "sent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "after-visit", "plan")
			s.Patient("P")
			for i, id := range []string{"D-1", "D-2"} {
				s.ToLocal(fmt.Sprintf("2026-06-0%d 12:00", 1+4*i))
				s.Visit("V"+id, "P", s.Now(), by(id, "Врач "+id), func(v *dental.Visit) { v.Complex = true })
				s.To(s.Now().Add(25 * time.Hour))
				answerSurvey(t, s, "P", dental.Bad)
			}
			if n := len(s.Tasks("P", dental.ComplaintTask)); n != 1 {
				t.Fatalf("%d complaints", n)
			}
			s.ToLocal("2026-06-10 12:00")
			s.Visit("W", "P", s.Now(), by(tt.doctor, "Врач "+tt.doctor), ofKind(dental.Diagnostics))
			treats(s, "P", "L", s.Now(), toDo(dental.Therapy))
			s.ToLocal("2026-07-10 12:00")
			if got := fate(s, "P", "plan", "next-stage"); got != tt.want {
				t.Errorf("the message is %q, want %q", got, tt.want)
			}
			if n := len(s.Tasks("P", dental.PlanTask)); n != 1 {
				t.Errorf("%d calls about the plan", n)
			}
		})
	}
}

func TestWhoeverComplainsIsGreetedWithoutAGiftAndAskedForNeitherReviewNorFriends(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "after-visit", "review", "referral", "birthday")
	s.Settings(func(c *dental.Clinic) {
		c.Gifts = []dental.Gift{{ID: "g", Name: "Набор"}}
		c.Maps = []dental.Map{{Name: "Google", URL: "https://maps.example.com/g", Ask: dental.AskEveryone}}
	})
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 6, Day: 20} })
	s.Visit("V", "P", s.Now())
	s.ToLocal("2026-06-02 13:00")
	answerSurvey(t, s, "P", dental.Bad)
	s.ToLocal("2026-06-04 12:00")
	s.Visit("W", "P", s.Now(), func(v *dental.Visit) { v.Complex = true }) // a second visit recommends, if nobody rates it badly
	s.ToLocal("2026-06-25 12:00")
	if sent := s.SentAs("birthday", "greeting"); len(sent) != 1 || sent[0].Class != dental.Service {
		t.Errorf("the greeting: %v, %s", sent, fate(s, "P", "birthday", "greeting"))
	}
	if n, m := len(s.SentAs("review", "ask")), len(s.SentAs("referral", "invite")); n+m > 0 {
		t.Errorf("%d asked for a review, %d for friends", n, m)
	}
	if got := fate(s, "P", "referral", "invite"); got != "skipped complaint-open" {
		t.Errorf("the invitation is %q", got)
	}
}

func TestAnOfferMayNameNeitherADisputedDoctorNorOneWhoHasLeft(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "after-visit", "plan")
	set(s, `{"formerDoctors": ["D-3"]}`)
	s.Patient("P")
	s.Visit("V", "P", s.Now())
	treats(s, "P", "L", s.Now(), toDo(dental.Therapy))
	s.ToLocal("2026-06-02 13:00")
	answerSurvey(t, s, "P", dental.Bad)
	s.ToLocal("2026-06-20 12:00")
	// "Your doctor" is the one whom the complaint is about, though the text does not say the name.
	if got := fate(s, "P", "plan", "next-stage"); got != "skipped complaint-open" {
		t.Errorf("the message is %q", got)
	}
}

// second is another clinic over the same table.
func second(s *stagetest.Stage, group string) *stagetest.Stage {
	other := stagetest.Join(s, s.Table)
	other.Clinic.ID, other.Clinic.Group = "second", group
	other.Settings(func(*dental.Clinic) {})
	other.Set(s.Now())
	return other
}

func TestClinicsOfOneOwnerShareTheCapTheOptOutAndTheLastVisitAndOthersNothing(t *testing.T) {
	for _, group := range []string{"g", ""} {
		shared := group != ""
		t.Run(fmt.Sprintf("one owner: %t", shared), func(t *testing.T) {
			s := quiet(t, "2026-06-17 12:00", "sleeping-6")
			s.Settings(func(c *dental.Clinic) { c.Group = group })
			other := second(s, group)

			// The cap: two patients of one phone, one in each clinic.
			s.Patient("P")
			s.Visit("V", "P", s.Local("2025-12-18 12:00"))
			other.Patient("X", func(c *intake.Card) { c.GivenName = "Борис" })
			other.Visit("W", "X", s.Local("2025-12-18 12:00"))
			// The opt-out: a STOP to the first clinic, and a patient of that phone in the other.
			other.Patient("Y", func(c *intake.Card) { c.Number, c.Mail = "+79160000003", "" })
			other.Visit("U", "Y", s.Local("2025-12-18 12:00"))
			s.Patient("Z", func(c *intake.Card) { c.Number, c.Mail = "+79160000003", "" })
			if _, err := s.Desk.Stop(t.Context(), &s.Clinic, "+79160000003", "in-1", s.Now()); err != nil {
				t.Fatal(err)
			}
			// A booking in the other clinic, of the same person.
			s.Patient("Q", func(c *intake.Card) { c.Number, c.Mail = "+79160000004", "" })
			s.Visit("T", "Q", s.Local("2025-12-18 12:00"))
			other.Patient("R", func(c *intake.Card) { c.Number, c.Mail = "+79160000004", "" })
			other.Appointment(intake.AppointmentBooked, "A", "R", s.Local("2026-07-20 12:00"))

			for _, to := range []string{"2026-06-18 20:00", "2026-07-10 12:00"} {
				s.ToLocal(to)
				if to == "2026-06-18 20:00" {
					if n := len(s.SentAs("sleeping-6", "offer")); (n == 1) != shared && n != 4 {
						t.Errorf("%d offers left on the first day", n)
					}
				}
			}
			wants := map[string]string{"Y": "sent", "Q": "sent"}
			if shared {
				wants = map[string]string{"Y": "skipped opted-out", "Q": "skipped booked"}
			}
			if got := fate(other, "Y", "sleeping-6", "offer"); got != wants["Y"] {
				t.Errorf("after a STOP to the other clinic the offer is %q, want %q", got, wants["Y"])
			}
			if got := fate(s, "Q", "sleeping-6", "offer"); got != wants["Q"] {
				t.Errorf("with a booking in the other clinic the offer is %q, want %q", got, wants["Q"])
			}
			days := append(times(s, "P", "sleeping-6", "offer"), times(s, "X", "sleeping-6", "offer")...)
			slices.Sort(days)
			if shared {
				want(t, "to the one phone", days, "2026-06-18 11:30", "2026-06-25 11:30")
			} else {
				want(t, "to the one phone", days, "2026-06-18 11:30", "2026-06-18 11:30")
			}
		})
	}
}
