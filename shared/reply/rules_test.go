package reply_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// start is a Tuesday.
var start = time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600))

// surveyed is a stage on which P has been asked, and the survey's token.
func surveyed(t *testing.T, change ...func(*dental.Clinic)) (*stagetest.Stage, string) {
	s := stagetest.New(t, start, change...)
	s.Patient("P")
	s.Visit("V", "P", start)
	s.To(start.Add(25 * time.Hour))
	return s, s.Token("P", dental.SurveyLink)
}

func answer(t *testing.T, s *stagetest.Stage, token, rating, nps, comment string) reply.Survey {
	t.Helper()
	form, err := reply.ParseAnswer(rating, nps, comment)
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Desk.Answer(t.Context(), token, form, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func at(s *stagetest.Stage, t time.Time) string {
	return t.In(s.Clinic.Location()).Format("2006-01-02 15:04")
}

func TestAnAnswerOpensTheTaskThatItsMoodAsksFor(t *testing.T) {
	tests := []struct {
		name, rating, nps string
		task              dental.TaskKind
		due, escalates    string
		maps              bool
	}{
		{"a good thumb is happy", "good", "", "", "", "", true},
		{"a good thumb with a 7 is happy", "good", "7", "", "", "", true},
		{"a good thumb with a 6 is unhappy", "good", "6", dental.ComplaintTask, "2026-03-11 13:00", "2026-03-11 16:00", false},
		{"a bad thumb is unhappy", "bad", "", dental.ComplaintTask, "2026-03-11 13:00", "2026-03-11 16:00", false},
		{"a bad thumb with a 10 is unhappy", "bad", "10", dental.ComplaintTask, "2026-03-11 13:00", "2026-03-11 16:00", false},
		{"a bare 0 is unhappy", "", "0", dental.ComplaintTask, "2026-03-11 13:00", "2026-03-11 16:00", false},
		{"a bare 9 is happy", "", "9", "", "", "", true},
		{"a bare 8 is no verdict", "", "8", "", "", "", false},
		{"a fair thumb asks for feedback within a working day", "fair", "", dental.FeedbackTask, "2026-03-12 20:00", "", false},
		{"a fair thumb with a 3 is unhappy", "fair", "3", dental.ComplaintTask, "2026-03-11 13:00", "2026-03-11 16:00", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, token := surveyed(t)
			page := answer(t, s, token, tt.rating, tt.nps, "Ждала час")
			if (len(page.Maps) > 0) != tt.maps {
				t.Errorf("maps shown: %v", page.Maps)
			}
			tasks := s.Card("P").Tasks
			if tt.task == "" {
				if len(tasks) > 0 {
					t.Errorf("tasks: %+v", tasks)
				}
				return
			}
			if len(tasks) != 1 || tasks[0].Kind != tt.task || tasks[0].Note != "Ждала час" || at(s, tasks[0].Due) != tt.due {
				t.Fatalf("tasks: %+v", tasks)
			}
			if tt.escalates != "" && (at(s, tasks[0].Escalates) != tt.escalates || tasks[0].State(tasks[0].Escalates) != "escalated") {
				t.Errorf("escalates %s", at(s, tasks[0].Escalates))
			}
		})
	}
}

func TestDeadlinesOfComplaintsCountWorkingHours(t *testing.T) {
	s, token := surveyed(t)
	s.Set(s.Local("2026-03-14 19:30")) // Saturday, half an hour before closing; Sunday is closed
	answer(t, s, token, "bad", "", "")
	task := s.Tasks("P", dental.ComplaintTask)[0]
	if at(s, task.Due) != "2026-03-16 09:30" || at(s, task.Escalates) != "2026-03-16 12:30" {
		t.Errorf("due %s, escalates %s", at(s, task.Due), at(s, task.Escalates))
	}
}

func TestAnAnswerCanBeChangedForSevenDaysAndAChangeForTheWorseOpensTheTask(t *testing.T) {
	s, token := surveyed(t)
	answer(t, s, token, "good", "9", "")
	s.Set(s.Now().Add(6 * 24 * time.Hour))
	answer(t, s, token, "bad", "", "Разболелось")
	if tasks := s.Tasks("P", dental.ComplaintTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, "стала плохой") && !strings.Contains(tasks[0].Reason, "измен") {
		t.Errorf("tasks after a change for the worse: %+v", tasks)
	}
	s.Set(s.Now().Add(2 * 24 * time.Hour))
	form, _ := reply.ParseAnswer("good", "", "")
	if _, err := s.Desk.Answer(t.Context(), token, form, s.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("a change after eight days: %v", err)
	}
	if a := s.Card("P").Answers[0]; a.Rating != dental.Bad || a.NPS != 9 || a.Changes != 2 {
		t.Errorf("the answer is %+v", a)
	}
}

func TestASecondBadAnswerJoinsTheComplaintThatIsOpen(t *testing.T) {
	s, token := surveyed(t)
	answer(t, s, token, "bad", "", "Больно")
	answer(t, s, token, "", "2", "") // the second step of the same answer
	if task := s.Tasks("P", dental.ComplaintTask)[0]; task.Times != 1 {
		t.Errorf("adding a score to an answer made it come up %d times", task.Times)
	}
	s.Set(start.Add(48 * time.Hour))
	s.Visit("V2", "P", s.Now(), func(v *dental.Visit) { v.Complex = true })
	s.To(s.Now().Add(26 * time.Hour))
	answer(t, s, s.Token("P", dental.SurveyLink), "bad", "", "Опять больно")
	tasks := s.Tasks("P", dental.ComplaintTask)
	if len(tasks) != 1 || tasks[0].Times != 2 || tasks[0].Note != "Больно\n\nОпять больно" {
		t.Errorf("complaints: %+v", tasks)
	}
}

func TestTheSameAnswerAgainChangesNothing(t *testing.T) {
	s, token := surveyed(t)
	answer(t, s, token, "bad", "3", "Ждала")
	before := s.Card("P")
	s.Set(s.Now().Add(time.Hour))
	answer(t, s, token, "bad", "3", "Ждала")
	after := s.Card("P")
	if before.Patient.Changes != after.Patient.Changes || !before.Answers[0].At.Equal(after.Answers[0].At) || after.Answers[0].Changes != 1 {
		t.Errorf("before %+v, after %+v", before.Answers[0], after.Answers[0])
	}
}

func TestAHappyPatientIsAskedForAReviewADayLaterUnlessALinkWasFollowed(t *testing.T) {
	everyone := func(c *dental.Clinic) {
		c.Maps = append(c.Maps, dental.Map{Name: "Google", URL: "https://maps.example.com/g", Ask: dental.AskEveryone})
	}
	tests := []struct {
		name   string
		clinic func(*dental.Clinic)
		rating string
		follow bool
		change string // a later answer
		asked  bool
	}{
		{"happy, no link pressed", nil, "good", false, "", true},
		{"happy, link pressed", nil, "good", true, "", false},
		{"happy, then unhappy", nil, "good", false, "bad", false},
		{"neutral, where every map asks the happy alone", nil, "fair", false, "", false},
		{"neutral, where a map asks everyone", everyone, "fair", false, "", true},
		{"unhappy, where a map asks everyone: the complaint comes first", everyone, "bad", false, "", false},
		{"happy, and the clinic has no map", func(c *dental.Clinic) { c.Maps = nil }, "good", false, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var change []func(*dental.Clinic)
			if tt.clinic != nil {
				change = append(change, tt.clinic)
			}
			s, token := surveyed(t, change...)
			page := answer(t, s, token, tt.rating, "", "")
			if tt.follow {
				url, err := s.Desk.FollowMap(t.Context(), token, page.Maps[0].Name, s.Now())
				if err != nil || url != page.Maps[0].URL {
					t.Fatalf("followed to %q, %v", url, err)
				}
			}
			s.To(s.Now().Add(12 * time.Hour))
			if tt.change != "" {
				answer(t, s, token, tt.change, "", "")
			}
			s.To(s.Now().Add(3 * 24 * time.Hour))
			asked := s.SentAs("review", "ask")
			if (len(asked) == 1) != tt.asked {
				t.Fatalf("asked %d times; the touches are %+v", len(asked), s.Card("P").Touches)
			}
			if touch := s.Card("P").Touch("review", "ask", "2026-03-10"); tt.follow && (touch == nil || touch.State != dental.TouchCancelled || touch.Reason != "map-followed") {
				t.Errorf("after the link was pressed the touch is %+v", touch)
			}
			if tt.asked && at(s, asked[0].At) != "2026-03-12 12:00" {
				t.Errorf("asked at %s", at(s, asked[0].At))
			}
		})
	}
}

func TestAReviewIsAskedForOnceInTwelveMonths(t *testing.T) {
	s, token := surveyed(t)
	answer(t, s, token, "good", "", "")
	s.To(start.Add(4 * 24 * time.Hour))
	for _, days := range []int{200, 400} {
		s.Set(start.AddDate(0, 0, days))
		s.Visit("V"+s.Now().Format("0102"), "P", s.Now())
		s.To(s.Now().Add(25 * time.Hour))
		answer(t, s, s.Token("P", dental.SurveyLink), "good", "", "")
		s.To(s.Now().Add(4 * 24 * time.Hour))
	}
	if n := len(s.SentAs("review", "ask")); n != 2 {
		t.Errorf("asked %d times over 400 days, want 2: not again after 200", n)
	}
}

func TestAWordOnAnAppointment(t *testing.T) {
	tests := []struct {
		action   reply.Action
		callback bool
		reason   string
	}{
		{reply.Confirm, false, ""},
		{reply.Reschedule, true, "перенести"},
		{reply.Cancel, true, "отменить"},
		{reply.Callback, true, "перезвонить"},
	}
	for _, tt := range tests {
		t.Run(string(tt.action), func(t *testing.T) {
			s := stagetest.New(t, start)
			s.Patient("P")
			visit := s.Local("2026-03-19 14:30")
			s.Appointment(intake.AppointmentBooked, "A", "P", visit)
			s.To(visit.Add(-47 * time.Hour))
			token := s.Token("P", dental.AppointmentLink)
			if page, err := s.Desk.Appointment(t.Context(), token, s.Now()); err != nil || !page.Open || page.Action != "" {
				t.Fatalf("the page before: %+v, %v", page, err)
			}
			for range 2 { // a press may be repeated
				page, err := s.Desk.Act(t.Context(), token, tt.action, s.Now())
				if err != nil || page.Action != tt.action {
					t.Fatalf("the page after: %+v, %v", page, err)
				}
			}
			s.To(visit.Add(-time.Minute))
			if a := s.Card("P").Appointment("A"); !a.Standing() || a.Answered() != string(tt.action) {
				t.Errorf("only the MIS changes the appointment itself: %+v", a)
			}
			if n := len(s.Tasks("P", dental.ConfirmTask)); n != 0 {
				t.Errorf("%d confirm tasks although the patient has answered", n)
			}
			tasks := s.Tasks("P", dental.CallbackTask)
			if (len(tasks) == 1) != tt.callback || tt.callback && !strings.Contains(tasks[0].Reason, tt.reason) {
				t.Errorf("callbacks: %+v", tasks)
			}
			s.Set(visit)
			if page, err := s.Desk.Appointment(t.Context(), token, s.Now()); err != nil || page.Open {
				t.Errorf("from the start on the page says that its time has passed, and takes nothing: open %v, %v", page.Open, err)
			}
			if _, err := s.Desk.Act(t.Context(), token, tt.action, s.Now()); dental.KindOf(err) != dental.Conflict {
				t.Errorf("a word after the start: %v", err)
			}
			s.Set(visit.AddDate(0, 0, 8))
			if _, err := s.Desk.Appointment(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
				t.Errorf("the link a week after the appointment: %v", err)
			}
		})
	}
}

func TestAnOldLinkCannotConfirmAMovedAppointment(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	visit := s.Local("2026-03-19 14:30")
	s.Appointment(intake.AppointmentBooked, "A", "P", visit)
	s.To(visit.Add(-47 * time.Hour))
	token := s.Token("P", dental.AppointmentLink)
	s.Appointment(intake.AppointmentMoved, "A", "P", visit.Add(24*time.Hour))
	page, err := s.Desk.Appointment(t.Context(), token, s.Now())
	if err != nil || page.Open || !page.Moved {
		t.Errorf("the page: %+v, %v", page, err)
	}
	if _, err := s.Desk.Act(t.Context(), token, reply.Confirm, s.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("confirming by the old link: %v", err)
	}
	if a := s.Card("P").Appointment("A"); a.Answered() != "" {
		t.Errorf("the moved appointment is answered %q", a.Answered())
	}
}

func TestACallbackClosesItselfWhenTheMISMovesTheAppointment(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	visit := s.Local("2026-03-19 14:30")
	s.Appointment(intake.AppointmentBooked, "A", "P", visit)
	s.To(visit.Add(-47 * time.Hour))
	if _, err := s.Desk.Act(t.Context(), s.Token("P", dental.AppointmentLink), reply.Reschedule, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Appointment(intake.AppointmentMoved, "A", "P", visit.Add(24*time.Hour))
	task := s.Card("P").Task(dental.CallbackTask, dental.AppointmentAnchor(dental.Appointment{ID: "A", Start: visit}))
	if task == nil || task.Open() || task.Outcome != "rescheduled" {
		t.Errorf("the callback: %+v", task)
	}
}

func TestChoicesOnThePreferencesPage(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Consents = nil; c.Preferred = dental.Mail })
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	token := s.Token("P", dental.PreferencesLink)
	page, err := s.Desk.Preferences(t.Context(), token, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	granted := map[string]bool{}
	for _, c := range page.Choices {
		granted[c.Field()] = c.Granted
	}
	for field, want := range map[string]bool{"service.sms": true, "care.email": true, "advertising.sms": false, "advertising.email": false, "reminders.sms": true} {
		if granted[field] != want {
			t.Errorf("before any choice %s is %t", field, granted[field])
		}
	}
	keep := map[string]bool{"reminders.sms": true, "reminders.email": true, "service.sms": true, "advertising.email": true}
	page, err = s.Desk.Choose(t.Context(), token, nil, func(f string) bool { return keep[f] }, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Choices {
		if c.Granted != keep[c.Field()] {
			t.Errorf("after the choice %s is %t", c.Field(), c.Granted)
		}
	}
	consent, ok := s.Card("P").Patient.Consent(dental.Advertising, dental.Mail)
	if !ok || !consent.Granted || consent.Source != "page" || consent.Text != reply.Wording || !consent.At.Equal(s.Now()) {
		t.Errorf("the consent is kept without its proof: %+v", consent)
	}
	s.To(start.Add(25 * time.Hour))
	if sent := s.SentAs("after-visit", "survey"); len(sent) != 1 || sent[0].Channel != dental.SMS {
		t.Errorf("with e-mail refused for service the survey left as %+v", sent)
	}
}

func TestOneClickRefusesTheClassOfItsMessageForTheAddressAndAnyNumberIsOne(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Preferred = dental.Mail })
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	token := s.Token("P", dental.PreferencesLink)
	for range 3 {
		if err := s.Desk.OneClick(t.Context(), token, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	s.To(start.Add(25 * time.Hour))
	if sent := s.SentAs("after-visit", "survey"); len(sent) != 1 || sent[0].Channel != dental.SMS {
		t.Errorf("after one click on an e-mail the survey left as %+v, want by SMS", sent)
	}
}

func TestNotMeEndsWhatThisPatientSendsToThatAddressUntilTheMISBringsAnother(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Number = "" })
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	if err := s.Desk.NotMe(t.Context(), s.Token("P", dental.PreferencesLink), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.To(start.Add(25 * time.Hour))
	if touch := s.Touch("P", "after-visit", "survey"); touch.State != dental.Skipped || touch.Reason != "not-me" {
		t.Errorf("the survey is %s (%s)", touch.State, touch.Reason)
	}
	if len(s.Tasks("P", dental.ContactTask)) != 1 {
		t.Error("staff are not asked for the right address")
	}
	s.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "", "anna@example.com" })
	if n := len(s.Tasks("P", dental.ContactTask)); n != 0 {
		t.Errorf("%d contact tasks after the MIS brought another address", n)
	}
	s.Visit("V2", "P", s.Now())
	s.To(s.Now().Add(time.Minute))
	if n := len(s.SentAs("after-visit", "thanks")); n != 2 {
		t.Errorf("%d thanks, want one to each address", n)
	}
}

// readOnly fails every write.
type readOnly struct{ table.Table }

func (r readOnly) Write(context.Context, ...table.Op) error {
	panic("a page was looked at and something was written")
}

func TestLookingAtAPageWritesNothing(t *testing.T) {
	s, survey := surveyed(t)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 14:30"))
	s.ToLocal("2026-03-17 15:00")
	confirm := s.Token("P", dental.AppointmentLink)
	locked := stagetest.Join(s, readOnly{s.Table})
	if _, err := locked.Desk.Survey(t.Context(), survey, s.Now()); err != nil {
		t.Error(err)
	}
	if _, err := locked.Desk.Appointment(t.Context(), confirm, s.Now()); err != nil {
		t.Error(err)
	}
}

func TestLinksOfErasedPatientsAndForgedTokensOpenNothing(t *testing.T) {
	s, token := surveyed(t)
	if _, err := s.Desk.Appointment(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a survey's token opens an appointment: %v", err)
	}
	for _, bad := range []string{"", "AAAAAAAAAAAAAAAA", token[:15], token + "x", "../../../etc/pas", strings.Repeat("я", 8)} {
		if _, err := s.Desk.Survey(t.Context(), bad, s.Now()); dental.KindOf(err) != dental.NotFound {
			t.Errorf("%q: %v", bad, err)
		}
	}
	s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P", Version: 1}})
	if _, err := s.Desk.Survey(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the link of an erased patient: %v", err)
	}
}
