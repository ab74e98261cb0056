package outreach_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// quiet is a stage on which only the scenarios named are on.
func quiet(t *testing.T, at string, names ...string) *stagetest.Stage {
	t.Helper()
	start, err := time.ParseInLocation("2006-01-02 15:04", at, time.FixedZone("MSK", 3*3600))
	if err != nil {
		t.Fatal(err)
	}
	return stagetest.New(t, start, func(c *dental.Clinic) {
		for name, s := range c.Scenarios {
			s.On = slices.Contains(names, name)
			c.Scenarios[name] = s
		}
	})
}

func ofKind(kind dental.ProcedureKind) func(*dental.Visit) {
	return func(v *dental.Visit) {
		v.Procedures = []dental.Procedure{{Name: string(kind), Kind: kind, Minutes: 40}}
	}
}

func returning(t *testing.T, date string) func(*dental.Visit) {
	d, err := dental.ParseDate(date)
	if err != nil {
		t.Fatal(err)
	}
	return func(v *dental.Visit) { v.ReturnDate = d }
}

// fate is the state of a patient's one touch of a step and why, "" when there is none.
func fate(s *stagetest.Stage, patient, scenario, step string) string {
	for _, t := range s.Card(patient).Touches {
		if t.Scenario == scenario && t.Step == step {
			return strings.TrimSpace(string(t.State) + " " + t.Reason)
		}
	}
	return ""
}

func TestWhileARecallIsOpenTheOtherJourneysAreSilent(t *testing.T) {
	// Seen on 18 June 2026, to come back by 18 June 2027: sleeping-6 waits for the end of the journey, sleeping-12 falls into it.
	s := quiet(t, "2026-06-18 12:00", "recall", "sleeping-6", "sleeping-12")
	s.Patient("P")
	s.Visit("V", "P", s.Now(), ofKind(dental.Prosthetics))
	s.ToLocal("2027-07-20 12:00")
	if got := fate(s, "P", "sleeping-12", "offer"); got != "skipped in-recall" {
		t.Errorf("sleeping-12 is %q", got)
	}
	sent := s.SentAs("sleeping-6", "offer")
	if len(sent) != 1 || at(s, sent[0].At) != "2027-07-18 11:30" { // 30 days after the return date
		t.Errorf("sleeping-6 left %d times: %v", len(sent), sent)
	}
}

func TestAnAnniversaryNearTheReturnDateIsThatRecallsVariant(t *testing.T) {
	for _, tt := range []struct {
		name, back string
		check      int
	}{
		{"on the day", "2027-06-18", 0},
		{"45 days after it", "2027-08-02", 0},
		{"46 days after it", "2027-08-03", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "recall", "implant-year")
			s.Patient("P", func(c *intake.Card) { c.Number = "" })
			s.Visit("V", "P", s.Now(), ofKind(dental.Implant), returning(t, tt.back))
			s.ToLocal("2027-07-20 12:00")
			if n := len(s.SentAs("implant-year", "check")); n != tt.check {
				t.Errorf("%d checks left, want %d", n, tt.check)
			}
			first := s.SentAs("recall", "first")
			if len(first) != 1 || !strings.Contains(first[0].HTML, "мплант") {
				t.Errorf("%d recalls, or not of the implant", len(first))
			}
		})
	}
}

func TestAHouseholdGetsOneCareOrAdvertisingMessageAWeekAndTwoAdvertisementsAMonth(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6")
	for _, id := range []string{"A", "B", "C"} { // one phone
		s.Patient(id, func(c *intake.Card) { c.Mail = "" })
		s.Visit("V"+id, id, s.Local("2025-12-18 12:00"))
	}
	s.ToLocal("2026-07-30 12:00")
	sent := s.SentAs("sleeping-6", "offer")
	if len(sent) != 2 || at(s, sent[0].At) != "2026-06-18 11:30" || at(s, sent[1].At) != "2026-06-25 11:30" {
		t.Fatalf("%d left, at %s and %s", len(sent), at(s, sent[0].At), at(s, sent[len(sent)-1].At))
	}
	capped := 0
	for _, id := range []string{"A", "B", "C"} {
		if fate(s, id, "sleeping-6", "offer") == "skipped capped" {
			capped++
		}
	}
	if capped != 1 {
		t.Errorf("%d were given up as capped, want 1", capped)
	}
}

func TestABirthdayIsExemptFromTheWeeklyCapButKeepsThreeDaysFromAnotherAdvertisement(t *testing.T) {
	for day, want := range map[string]string{"06-20": "skipped near-advertisement", "06-21": "skipped near-advertisement", "06-22": "sent"} {
		s := quiet(t, "2026-06-17 12:00", "sleeping-6", "birthday")
		born, _ := dental.ParseDate("1985-" + day)
		s.Patient("P", func(c *intake.Card) { c.BirthDate = born })
		s.Settings(func(c *dental.Clinic) { c.Gifts = []dental.Gift{{ID: "g", Name: "Набор"}} })
		s.Visit("V", "P", s.Local("2025-12-18 10:00"))
		s.ToLocal("2026-06-18 12:00")
		s.ToLocal("2026-06-25 12:00")
		if got := fate(s, "P", "birthday", "greeting"); got != want {
			t.Errorf("on %s the greeting is %q, want %q", day, got, want)
		}
	}
}

func TestAGreetingGoesWithoutItsGiftToWhomNoOfferMayGo(t *testing.T) {
	tests := []struct {
		name   string
		card   func(*intake.Card)
		clinic func(*dental.Clinic)
		class  dental.Class
	}{
		{"who wants offers gets the gift", func(*intake.Card) {}, func(*dental.Clinic) {}, dental.Advertising},
		{"who agreed to none", func(c *intake.Card) { c.Consents = nil }, func(*dental.Clinic) {}, dental.Service},
		{"a child", func(c *intake.Card) { c.BirthDate.Year = 2015 }, func(*dental.Clinic) {}, dental.Service},
		{"on a holiday", func(*intake.Card) {}, func(c *dental.Clinic) { c.Holidays = []dental.Date{{Year: 2026, Month: 6, Day: 20}} }, dental.Service},
		{"of a clinic without gifts", func(*intake.Card) {}, func(c *dental.Clinic) { c.Gifts = nil }, dental.Service},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-19 12:00", "birthday")
			s.Settings(func(c *dental.Clinic) {
				c.Gifts = []dental.Gift{{ID: "g", Name: "Набор"}}
				tt.clinic(c)
			})
			s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 6, Day: 20} }, tt.card)
			s.ToLocal("2026-06-21 12:00")
			sent := s.SentAs("birthday", "greeting")
			if len(sent) != 1 || at(s, sent[0].At) != "2026-06-20 10:00" {
				t.Fatalf("it left: %v; the touch is %s", sent, fate(s, "P", "birthday", "greeting"))
			}
			gift := strings.Contains(sent[0].Text, "/g/")
			if sent[0].Class != tt.class || gift != (tt.class == dental.Advertising) || s.Touch("P", "birthday", "greeting").Class != tt.class {
				t.Errorf("as %s: %s", sent[0].Class, sent[0].Text)
			}
		})
	}
}

func TestADoubtfulBirthdayIsNotGreeted(t *testing.T) {
	for _, born := range []string{"1900-01-01", "1915-06-20", "1970-01-01"} {
		d, _ := dental.ParseDate(born)
		s := quiet(t, "2026-01-01 08:00", "birthday")
		s.Set(d.AddMonths(12*(2026-d.Year)).At(7*60, s.Clinic.Location()))
		s.Patient("P", func(c *intake.Card) { c.BirthDate = d })
		s.To(s.Now().Add(26 * time.Hour))
		if got := fate(s, "P", "birthday", "greeting"); got != "skipped doubtful-birthday" {
			t.Errorf("born on %s: %q", born, got)
		}
	}
}

func TestABirthdayIsNeverGreetedLate(t *testing.T) {
	s := quiet(t, "2026-06-19 12:00", "birthday")
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 6, Day: 20} })
	s.Set(s.Local("2026-06-21 12:00")) // nothing ran on the day
	s.To(s.Now().Add(24 * time.Hour))
	if n := len(s.SentAs("birthday", "greeting")); n != 0 {
		t.Errorf("%d greetings left a day late", n)
	}
}

func TestNothingIsAdvertisedNorCalledOnAHoliday(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6", "recall")
	s.Settings(func(c *dental.Clinic) {
		c.Holidays = []dental.Date{{Year: 2026, Month: 6, Day: 18}, {Year: 2026, Month: 6, Day: 19}}
	})
	s.Patient("P")
	s.Visit("V", "P", s.Local("2025-12-18 12:00"), returning(t, "2026-01-10"))
	s.Patient("Q", func(c *intake.Card) { c.Number = "+79160000002" })
	s.Visit("W", "Q", s.Local("2026-05-20 12:00"), returning(t, "2026-06-25"))
	s.ToLocal("2026-06-25 12:00")
	if sent := s.SentAs("sleeping-6", "offer"); len(sent) != 1 || at(s, sent[0].At) != "2026-06-20 09:00" {
		t.Errorf("the offer left: %v", sent)
	}
	if tasks := s.Tasks("Q", dental.CallTask); len(tasks) != 1 || at(s, tasks[0].OpenedAt) != "2026-06-20 09:00" {
		t.Errorf("the calls: %+v", tasks)
	}
}

func TestWhatAnIntervalLeavesRoomFor(t *testing.T) {
	tests := []struct {
		name, back           string
		first, second, calls int
	}{
		{"more than two months", "2026-08-19", 1, 1, 1},
		{"two months: only the second", "2026-08-18", 0, 1, 1},
		{"fifteen days: the second would come a day after the visit", "2026-07-03", 0, 0, 1},
		{"fourteen days: only the call, and that too soon", "2026-07-02", 0, 0, 0},
		{"sixteen days", "2026-07-04", 0, 0, 1},
		{"twenty-two days", "2026-07-10", 0, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-18 12:00", "recall")
			s.Patient("P")
			s.Visit("V", "P", s.Now(), returning(t, tt.back))
			s.ToLocal("2026-09-01 12:00")
			if f, n, c := len(s.SentAs("recall", "first")), len(s.SentAs("recall", "second")), len(s.Tasks("P", dental.CallTask)); f != tt.first || n != tt.second || c != tt.calls {
				t.Errorf("%d first, %d second, %d calls", f, n, c)
			}
		})
	}
}

func TestADoctorWhoHasLeftIsYourDoctorAndStaffAreToNameAnother(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "recall")
	s.Settings(func(c *dental.Clinic) { c.FormerDoctors = []string{"D-3"} })
	s.Patient("P")
	s.Visit("V", "P", s.Now())
	s.ToLocal("2026-11-20 12:00")
	sent := s.SentAs("recall", "first")
	if len(sent) != 1 || strings.Contains(sent[0].Text, "Соколова") || !strings.Contains(sent[0].Text, "ваш врач") {
		t.Fatalf("the recall: %v", sent)
	}
	if tasks := s.Tasks("P", dental.RebookTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "Ирина Соколова") {
		t.Errorf("the staff's tasks: %+v", tasks)
	}
}

func TestAComplaintSilencesOffersAndTheDisputedDoctorAndLeavesTheReminder(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "after-visit", "recall", "season", "appointment")
	s.Patient("P")
	s.Visit("V", "P", s.Now(), returning(t, "2026-10-20"))
	s.ToLocal("2026-06-20 12:00")
	answerSurvey(t, s, "P", dental.Bad)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-07-20 12:00"))
	s.ToLocal("2026-07-19 12:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders of an own appointment", n)
	}
	s.Appointment(intake.AppointmentCancelled, "A", "P", s.Local("2026-07-20 12:00"))
	s.ToLocal("2026-10-30 12:00")
	if got := fate(s, "P", "recall", "first"); got != "skipped complaint-open" {
		t.Errorf("the recall that names the disputed doctor is %q", got)
	}
	if n := len(s.Tasks("P", dental.CallTask)); n != 1 {
		t.Errorf("%d call tasks", n)
	}
}

func TestClinicsOfOneOwnerHaveOneLastVisit(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6")
	s.Settings(func(c *dental.Clinic) { c.Group = "g" })
	other := stagetest.Join(s, s.Table)
	other.Clinic.ID = "second"
	other.Settings(func(*dental.Clinic) {})
	s.Patient("P")
	s.Visit("V", "P", s.Local("2025-12-18 12:00"))
	other.Set(s.Now())
	other.Patient("X") // the same name, birth date and phone
	other.Visit("W", "X", s.Local("2026-05-01 12:00"))
	s.ToLocal("2026-06-20 12:00")
	if got := fate(s, "P", "sleeping-6", "offer"); got != "skipped visited-elsewhere" {
		t.Errorf("the offer is %q", got)
	}
}

func TestWhoMayNotBeWrittenToIsOnTheListOfWhomToWake(t *testing.T) {
	s := quiet(t, "2026-06-17 12:00", "sleeping-6")
	s.Patient("P", func(c *intake.Card) { c.Consents = nil })
	s.Visit("V", "P", s.Local("2025-12-18 12:00"))
	s.Patient("Q", func(c *intake.Card) { c.Number, c.Mail = "", "" })
	s.Visit("W", "Q", s.Local("2025-12-18 12:00"))
	s.ToLocal("2026-06-20 12:00")
	if tasks := s.Tasks("P", dental.WakeTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "18 декабря 2025") {
		t.Errorf("whom to wake: %+v", tasks)
	}
	if n, m := len(s.Tasks("Q", dental.WakeTask)), len(s.Tasks("Q", dental.ContactTask)); n != 0 || m != 1 {
		t.Errorf("who has no number is to be woken %d times, and asked for a number %d times", n, m)
	}
}

// at is a time on the clinic's clock.
func at(s *stagetest.Stage, t time.Time) string {
	return t.In(s.Clinic.Location()).Format("2006-01-02 15:04")
}

func answerSurvey(t *testing.T, s *stagetest.Stage, patient string, rating dental.Rating) {
	t.Helper()
	if _, err := s.Desk.Answer(t.Context(), s.Token(patient, dental.SurveyLink), reply.AnswerForm{Rating: rating, NPS: -1}, s.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestACallToWhoHasNoPhoneBeginsWithFindingANumber(t *testing.T) {
	for mail, letters := range map[string]int{"anna@example.com": 2, "": 0} {
		s := quiet(t, "2026-06-18 12:00", "recall")
		s.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "", mail })
		s.Visit("V", "P", s.Now())
		s.ToLocal("2026-12-20 12:00")
		if tasks := s.Tasks("P", dental.CallTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "телефона в карте нет") {
			t.Errorf("with the e-mail %q: %+v", mail, tasks)
		}
		if n := len(s.SentAs("recall", "first")) + len(s.SentAs("recall", "second")); n != letters {
			t.Errorf("with the e-mail %q %d letters left, want %d", mail, n, letters)
		}
	}
}

func TestAllAppointmentsOfADayAreOneReminder(t *testing.T) {
	s := quiet(t, "2026-06-01 12:00", "appointment")
	s.Patient("P")
	for i := range 6 {
		s.Appointment(intake.AppointmentBooked, fmt.Sprint("A", i), "P", s.Local(fmt.Sprintf("2026-06-25 1%d:00", i)))
	}
	s.ToLocal("2026-06-25 09:00")
	sent := s.SentAs("appointment", "reminder")
	if len(sent) != 1 || !strings.Contains(sent[0].Text, "15:00") || sent[0].Parts > 2 {
		t.Fatalf("%d reminders: %v", len(sent), sent[0].Text)
	}
	if _, err := s.Desk.Act(t.Context(), s.Token("P", dental.AppointmentLink), reply.Callback, s.Local("2026-06-25 09:00")); err != nil {
		t.Errorf("one press for all: %v", err)
	}
}

func TestOnePressAnswersForAllThatAReminderSpokeOfWhateverTheFamily(t *testing.T) {
	for name, of := range map[string][]string{"one patient": {"A", "A", "A", "A", "A", "A", "A"}, "two": {"A", "A", "A", "B", "B", "B", "B"}, "four": {"A", "B", "C", "D"}, "more than fit": {"A", "B", "C", "D", "E", "A", "B"}} {
		t.Run(name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "appointment")
			s.Settings(func(c *dental.Clinic) {
				c.Accounts = map[string]dental.Account{dental.Bitrix24: {Secrets: map[string]dental.Secret{"webhook": "s"}}}
			})
			for i, id := range of {
				s.Patient(id, func(c *intake.Card) { c.Mail = "" })
				s.Appointment(intake.AppointmentBooked, fmt.Sprint("X", i), id, s.Local(fmt.Sprintf("2026-06-25 1%d:00", i)))
			}
			s.ToLocal("2026-06-25 09:00")
			for _, m := range s.SentAs("appointment", "reminder") {
				token := ""
				for _, l := range m.Links {
					if _, found, ok := strings.Cut(l, "/c/"); ok {
						token = found
					}
				}
				if _, err := s.Desk.Act(t.Context(), token, reply.Callback, s.Now()); err != nil {
					t.Errorf("%s: %v", m.Text, err)
				}
			}
			asked := 0
			for _, id := range []string{"A", "B", "C", "D", "E"} {
				asked += len(s.Tasks(id, dental.CallbackTask))
			}
			if asked != len(of) {
				t.Errorf("staff are to call about %d appointments of %d", asked, len(of))
			}
		})
	}
}

func TestACorrectedReturnDateInvitesNobodyTwice(t *testing.T) {
	for back, want := range map[string]int{"2026-12-20": 1, "2027-06-18": 2} { // a few days later, or another date altogether
		s := quiet(t, "2026-06-18 12:00", "recall")
		s.Patient("P")
		s.Visit("V", "P", s.Now(), returning(t, "2026-12-18"))
		s.ToLocal("2026-11-20 12:00")
		s.Visit("V", "P", s.Local("2026-06-18 12:00"), returning(t, back))
		s.ToLocal("2027-06-25 12:00")
		if n := len(s.SentAs("recall", "first")); n != want {
			t.Errorf("corrected to %s: %d first invitations, want %d", back, n, want)
		}
		if n := len(s.SentAs("recall", "second")); n != 1 {
			t.Errorf("corrected to %s: %d second invitations", back, n)
		}
	}
}

func TestAVisitOfWhichNobodySaidWhatWasDoneIsFollowedAllTheSame(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "recall", "sleeping-12")
	s.Patient("P")
	s.Visit("V", "P", s.Now(), func(v *dental.Visit) { v.Procedures = nil })
	s.ToLocal("2027-07-01 12:00")
	for step, scenario := range map[string]string{"first": "recall", "second": "recall", "offer": "sleeping-12"} {
		if sent := s.SentAs(scenario, step); len(sent) != 1 || !strings.Contains(sent[0].Text, "30 минут") {
			t.Errorf("%s/%s left %d times, or without its length", scenario, step, len(sent))
		}
	}
}

func TestAPauseKeepsTheBacklog(t *testing.T) {
	s := quiet(t, "2026-06-18 12:00", "sleeping-6")
	s.Settings(func(c *dental.Clinic) {
		c.Paused = true
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, BacklogPerDay: 2}
	})
	for i := range 12 {
		id := fmt.Sprint("P", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprintf("+791600001%02d", i), "" })
		s.Visit("V"+id, id, s.Local("2025-10-20 12:00"))
	}
	s.ToLocal("2026-06-25 12:00")
	s.Settings(func(c *dental.Clinic) { c.Paused = false })
	s.ToLocal("2026-06-25 18:00")
	if n := len(s.Sent()); n > 2 {
		t.Errorf("%d offers left within six hours after the pause, of 2 a day", n)
	}
	s.ToLocal("2026-06-27 18:00")
	if n := len(s.Sent()); n < 4 {
		t.Errorf("%d offers in all two days later", n)
	}
}

func TestOneOfferOfAFamilyStandsAloneForSixtyDays(t *testing.T) {
	// Eleven months and ten days after the visit the backlog brings the offer of the six months; that of the twelve would come three weeks later.
	s := quiet(t, "2026-05-28 12:00", "sleeping-6", "sleeping-12")
	s.Settings(func(c *dental.Clinic) {
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, BacklogPerDay: 5}
	})
	s.Patient("P")
	s.Visit("V", "P", s.Local("2025-06-18 12:00"))
	s.ToLocal("2026-07-20 12:00")
	if n := len(s.SentAs("sleeping-6", "offer")); n != 1 {
		t.Fatalf("%d offers left out of the backlog", n)
	}
	if got := fate(s, "P", "sleeping-12", "offer"); got != "skipped offered-lately" {
		t.Errorf("the next of the family is %q", got)
	}
}

func TestABirthdayIsGreetedThoughADayIsFullOfServiceMessages(t *testing.T) {
	s := quiet(t, "2026-06-19 10:30", "birthday", "after-visit")
	for i, id := range []string{"A", "B", "C"} { // one phone
		s.Patient(id, func(c *intake.Card) {
			c.Mail, c.Consents = "", nil
			c.BirthDate = dental.Date{Year: 1985, Month: 6, Day: 20 + i/2}
		})
		s.Visit("V"+id, id, s.Now())
	}
	s.ToLocal("2026-06-20 12:00")
	if n := len(s.SentAs("birthday", "greeting")); n != 2 {
		t.Errorf("%d of two were greeted", n)
	}
}

func TestOnAPhoneThatOthersReadNoAdviceTellsWhatWasDone(t *testing.T) {
	for others, told := range map[int]bool{0: true, 1: false} {
		s := quiet(t, "2026-06-19 10:30", "after-visit")
		s.Patient("P")
		for range others {
			s.Patient("Q", func(c *intake.Card) { c.GivenName = "Иван" })
		}
		s.Visit("V", "P", s.Now(), ofKind(dental.Surgery))
		s.To(s.Now().Add(time.Minute))
		if sent := s.SentAs("after-visit", "thanks"); len(sent) != 1 || strings.Contains(sent[0].Text, "спорта") != told {
			t.Errorf("with %d others: %v", others, sent[0].Text)
		}
	}
}

func TestEachPageOfAMessageLeadsToWhereItsReaderChooses(t *testing.T) {
	s := quiet(t, "2026-06-19 10:30", "after-visit")
	s.Patient("M")
	s.Patient("C", func(c *intake.Card) {
		c.BirthDate, c.GuardianID, c.Number, c.Mail = dental.Date{Year: 2017, Month: 6, Day: 1}, "M", "", ""
	})
	s.Visit("V", "C", s.Now())
	s.To(s.Now().Add(25 * time.Hour))
	page, err := s.Desk.Survey(t.Context(), s.Token("C", dental.SurveyLink), s.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, token, ok := strings.Cut(page.Preferences, "/u/")
	if !ok {
		t.Fatalf("the page leads to %q", page.Preferences)
	}
	own, err := s.Desk.Preferences(t.Context(), token, s.Now())
	if err != nil || own.Link.Patient != "M" {
		t.Errorf("it is the choice of %q: %v", own.Link.Patient, err)
	}
}
