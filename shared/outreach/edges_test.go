package outreach_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// lostOnce answers one write as ambiguous although it happened.
type lostOnce struct {
	table.Table
	armed bool
}

func (l *lostOnce) Write(ctx context.Context, ops ...table.Op) error {
	err := l.Table.Write(ctx, ops...)
	if err == nil && l.armed {
		l.armed = false
		return fmt.Errorf("lost: %w", table.ErrAmbiguous)
	}
	return err
}

func TestOneStopWhoseAnswerIsLostIsOneStop(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	lossy := stagetest.Join(s, &lostOnce{Table: s.Table, armed: true})
	refused, err := lossy.Desk.Stop(t.Context(), &s.Clinic, "+79160000001", s.Now().String(), s.Now())
	if err != nil || len(refused) != 2 {
		t.Errorf("one STOP refused %v, %v", refused, err)
	}
	s.Visit("V", "P", start)
	s.To(start.Add(time.Hour))
	if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
		t.Errorf("after one STOP %d thanks left, want 1: %+v", n, s.Touch("P", "after-visit", "thanks").Reason)
	}
}

func TestAConsentFromTheFutureIsRefusedSinceNoRefusalCouldWinOverIt(t *testing.T) {
	s := stagetest.New(t, start)
	card := intake.Card{Patient: dental.Patient{ID: "P", Consents: []dental.Consent{{Class: dental.Care, Channel: dental.SMS, Granted: true, At: s.Now().Add(time.Hour)}}}}
	err := s.TryTell(intake.Event{Type: intake.PatientUpdated, Card: &card})
	if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "data.consents[0].at") {
		t.Errorf("a consent of an hour ahead: %v", err)
	}
}

func family(s *stagetest.Stage) {
	s.Patient("MOM", func(c *intake.Card) { c.GivenName = "Ольга" })
	s.Patient("KID", func(c *intake.Card) {
		c.GivenName, c.Number, c.Mail, c.GuardianID = "Пётр", "", "", "MOM"
		c.BirthDate, c.Consents = dental.Date{Year: 2016, Month: 5, Day: 1}, nil
	})
}

func TestAGuardianIsRemindedOnceOfOwnAndChildsAppointments(t *testing.T) {
	s := stagetest.New(t, start)
	family(s)
	s.Appointment(intake.AppointmentBooked, "A-MOM", "MOM", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-KID", "KID", s.Local("2026-03-19 11:00"))
	s.ToLocal("2026-03-18 20:00")
	for _, m := range s.SentAs("appointment", "reminder") {
		t.Logf("%s %s %q", m.Touch.Patient, m.To, m.Text)
	}
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders to one phone for one day", n)
	}
}

func TestNotMeOnAChildsMessageEndsTheChildsMessagesToThatAddress(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) { c.Channels = []dental.Channel{dental.Mail} })
	family(s)
	s.Visit("V", "KID", start)
	s.To(start.Add(time.Minute))
	if err := s.Desk.NotMe(t.Context(), s.Token("KID", dental.PreferencesLink), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.To(start.Add(26 * time.Hour))
	if n := len(s.SentAs("after-visit", "survey")); n != 0 {
		t.Errorf("the survey left to an address whose holder said: not me")
	}
}

func TestAGuardiansRefusalOnThePageCounts(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) { c.Channels = []dental.Channel{dental.Mail} })
	family(s)
	s.Visit("V", "KID", start)
	s.To(start.Add(time.Minute))
	page, err := s.Desk.Choose(t.Context(), s.Token("KID", dental.PreferencesLink), nil, func(string) bool { return false }, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("choices %v", page.Choices)
	s.To(start.Add(26 * time.Hour))
	if n := len(s.SentAs("after-visit", "survey")); n != 0 {
		t.Errorf("the survey left after the guardian refused everything on the page")
	}
}

func TestAChildsMessageWaitsForTheGuardiansCard(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("KID", func(c *intake.Card) {
		c.GivenName, c.Number, c.Mail, c.GuardianID = "Пётр", "", "", "MOM"
		c.BirthDate, c.Consents = dental.Date{Year: 2016, Month: 5, Day: 1}, nil
	})
	s.Visit("V", "KID", start)
	s.To(start.Add(2 * time.Minute))
	s.Patient("MOM")
	s.To(start.Add(5 * time.Hour))
	if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
		t.Errorf("thanks: %+v; contact tasks %d", s.Touch("KID", "after-visit", "thanks"), len(s.Tasks("KID", dental.ContactTask)))
	}
}

func TestNothingGoesToAChildsOwnPhone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mother func(*stagetest.Stage)
	}{
		{"guardian erased", func(s *stagetest.Stage) {
			s.Patient("MOM", func(c *intake.Card) { c.Number = "+79160000002" })
			s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "MOM", Version: 9}})
		}},
		{"guardian's card not come yet", func(*stagetest.Stage) {}},
		{"guardian archived", func(s *stagetest.Stage) {
			s.Patient("MOM", func(c *intake.Card) { c.Number, c.Status = "+79160000002", dental.Archived })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start)
			tt.mother(s)
			s.Patient("KID", func(c *intake.Card) {
				c.GivenName, c.Number, c.Mail, c.GuardianID = "Пётр", "+79160000003", "", "MOM"
				c.BirthDate = dental.Date{Year: 2016, Month: 5, Day: 1}
			})
			s.Visit("V", "KID", start)
			s.To(start.Add(2 * time.Minute))
			for _, m := range s.Sent() {
				t.Errorf("left to the child's own %s", string(m.To))
			}
		})
	}
}

func TestOnThe18thBirthdayItStopsUntilThereIsAnOwnPhone(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("MOM", func(c *intake.Card) { c.GivenName = "Ольга" })
	s.Patient("KID", func(c *intake.Card) {
		c.GivenName, c.Mail, c.GuardianID = "Пётр", "", "MOM" // the mother's phone stands in the card
		c.BirthDate = dental.Date{Year: 2008, Month: 3, Day: 10}
	})
	s.Visit("V", "KID", start)
	s.To(start.Add(2 * time.Minute))
	for _, m := range s.Sent() {
		t.Errorf("an adult's %q left to the mother's phone", m.Text)
	}
}

func TestAReminderToOnePhoneDoesNotSpeakOfWhoeverIsNotThere(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("A", func(c *intake.Card) { c.GivenName, c.Mail = "Анна", "" })
	s.Patient("B", func(c *intake.Card) { c.GivenName, c.Preferred = "Борис", dental.Mail })
	s.Visit("V", "B", start)
	s.To(start.Add(time.Minute))
	// B refuses reminders and all on the page.
	if _, err := s.Desk.Choose(t.Context(), s.Token("B", dental.PreferencesLink), nil, func(string) bool { return false }, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Appointment(intake.AppointmentBooked, "A-A", "A", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-B", "B", s.Local("2026-03-19 12:00"))
	s.ToLocal("2026-03-18 20:00")
	for _, m := range s.SentAs("appointment", "reminder") {
		if strings.Contains(m.Text, "Борис") {
			t.Errorf("refused reminders, and yet: %q", m.Text)
		}
	}
}

func TestNotMeKeepsThePatientOutOfTheFamilysReminder(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) { c.Channels = []dental.Channel{dental.Mail} })
	same := func(name string) func(*intake.Card) {
		return func(c *intake.Card) { c.GivenName, c.Number, c.Mail = name, "", "one@example.com" }
	}
	s.Patient("A", same("Анна"))
	s.Patient("B", same("Борис")) // a typing error: the address is Anna's
	s.Visit("V", "B", start)
	s.To(start.Add(time.Minute))
	if err := s.Desk.NotMe(t.Context(), s.Token("B", dental.PreferencesLink), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Appointment(intake.AppointmentBooked, "A-A", "A", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-B", "B", s.Local("2026-03-19 12:00"))
	s.ToLocal("2026-03-18 20:00")
	for _, m := range s.SentAs("appointment", "reminder") {
		if strings.Contains(m.Text, "Борис") {
			t.Errorf("not me, and yet: %q", m.Text)
		}
	}
}

func TestAnAppointmentSpokenOfInAReminderThatNeverArrivesIsNotLost(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("A", func(c *intake.Card) { c.GivenName, c.Mail = "Анна", "" })
	s.Patient("B", func(c *intake.Card) { c.GivenName, c.Mail = "Борис", "" })
	s.Appointment(intake.AppointmentBooked, "A-A", "A", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-B", "B", s.Local("2026-03-19 12:00"))
	s.ToLocal("2026-03-17 13:00")
	m := s.SentAs("appointment", "reminder")
	if len(m) != 1 {
		t.Fatal(len(m))
	}
	if _, err := s.Settler.Settle(t.Context(), outreach.Report{Touch: m[0].Touch, Attempt: m[0].Attempt, Channel: "sms", Kind: outreach.ReportUndelivered, Code: "x", At: s.Now()}); err != nil {
		t.Fatal(err)
	}
	s.ToLocal("2026-03-19 09:00")
	for _, p := range []string{"A", "B"} {
		if n := len(s.Tasks(p, dental.ConfirmTask)); n != 1 {
			t.Errorf("%s: %d confirm tasks; reminder %+v", p, n, s.Touch(p, "appointment", "reminder").State)
		}
	}
}

func TestAnUnansweredAppointmentOfTheFamilyIsAskedAbout(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("A", func(c *intake.Card) { c.GivenName, c.Mail = "Анна", "" })
	s.Patient("B", func(c *intake.Card) { c.GivenName, c.Mail = "Борис", "" })
	s.Appointment(intake.AppointmentBooked, "A-A", "A", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-B", "B", s.Local("2026-03-19 12:00"))
	s.ToLocal("2026-03-17 13:00")
	s.Appointment(intake.AppointmentConfirmed, "A-A", "A", s.Local("2026-03-19 10:00"))
	s.ToLocal("2026-03-19 09:00")
	if n := len(s.Tasks("B", dental.ConfirmTask)); n != 1 {
		t.Errorf("B has confirmed nothing and has %d confirm tasks; touch %+v", n, s.Touch("B", "appointment", "confirm").Reason)
	}
}

func TestThanksDoNotDependOnTheOrderInWhichTheDaysVisitsArrive(t *testing.T) {
	for _, order := range [][]string{{"late", "fresh"}, {"fresh", "late"}} {
		s := stagetest.New(t, start.Add(10*time.Hour)) // 21:00
		s.Patient("P")
		for _, v := range order {
			at := s.Local("2026-03-10 08:00")
			if v == "fresh" {
				at = s.Local("2026-03-10 20:40")
			}
			s.Visit(v, "P", at)
		}
		s.To(start.Add(11 * time.Hour))
		if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
			t.Errorf("%v: %d thanks (%s)", order, n, s.Touch("P", "after-visit", "thanks").Reason)
		}
	}
}

func TestThanksWaitForAnAppointmentThatTheFirstVisitOverran(t *testing.T) {
	s := stagetest.New(t, start.Add(-24*time.Hour))
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A1", "P", s.Local("2026-03-10 10:00"))
	s.Appointment(intake.AppointmentBooked, "A2", "P", s.Local("2026-03-10 10:30"))
	s.ToLocal("2026-03-10 10:35")
	s.Visit("V1", "P", s.Now(), func(v *dental.Visit) { v.AppointmentID = "A1" })
	s.ToLocal("2026-03-10 11:05")
	if n := len(s.SentAs("after-visit", "thanks")); n != 0 {
		t.Errorf("thanks left while another appointment of the day still stands")
	}
}

func TestACardThatComesBackKeepsItsAppointmentsReminder(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 10:00"))
	s.To(start.Add(time.Hour))
	s.Patient("P", func(c *intake.Card) { c.Status = dental.Archived })
	s.To(start.Add(2 * time.Hour))
	s.Patient("P") // it was a mistake
	s.ToLocal("2026-03-18 20:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders (%+v)", n, s.Touch("P", "appointment", "reminder").Reason)
	}
}

func TestTheSecondStepOfASecondBadAnswerJoinsToo(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", start)
	s.To(start.Add(25 * time.Hour))
	say := func(rating, nps, words string) {
		form, _ := reply.ParseAnswer(rating, nps, words)
		if _, err := s.Desk.Answer(t.Context(), s.Token("P", dental.SurveyLink), form, s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	say("bad", "", "Больно")
	s.Set(start.Add(48 * time.Hour))
	s.Visit("V2", "P", s.Now(), func(v *dental.Visit) { v.Complex = true })
	s.To(s.Now().Add(26 * time.Hour))
	say("bad", "", "")           // the thumb
	say("", "2", "Опять больно") // the page's second step
	if tasks := s.Tasks("P", dental.ComplaintTask); len(tasks) != 1 || tasks[0].Times != 2 || !strings.Contains(tasks[0].Note, "Опять") {
		t.Errorf("%d complaints: %+v", len(tasks), tasks)
	}
}

func TestAnAnswerCanBeGivenAsOftenAsItIsOpen(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", start)
	s.To(start.Add(25 * time.Hour))
	first := s.Token("P", dental.SurveyLink)
	form, _ := reply.ParseAnswer("bad", "", "")
	if _, err := s.Desk.Answer(t.Context(), first, form, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Set(start.Add(48 * time.Hour))
	s.Visit("V2", "P", s.Now(), func(v *dental.Visit) { v.Complex = true })
	s.To(s.Now().Add(26 * time.Hour))
	token := s.Token("P", dental.SurveyLink)
	for i := range 240 {
		rating := "good"
		if i%2 == 0 {
			rating = "bad"
		}
		form, _ := reply.ParseAnswer(rating, "", strings.Repeat("ж", 1990)+fmt.Sprint(i))
		if _, err := s.Desk.Answer(t.Context(), token, form, s.Now()); err != nil {
			t.Fatalf("press %d: %v", i, err)
		}
	}
}

func TestOneClickOnAServiceEmailLeavesTheReminderOfAnOwnAppointment(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Number = "" })
	s.Visit("V", "P", start)
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-19 10:00"))
	s.To(start.Add(time.Minute))
	if err := s.Desk.OneClick(t.Context(), s.Token("P", dental.PreferencesLink), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.ToLocal("2026-03-18 20:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("reminder: %s", s.Touch("P", "appointment", "reminder").Reason)
	}
}

func TestTheCeilingHoldsForTheAddressUsed(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) { c.Channels = []dental.Channel{dental.Mail} })
	for i := range 4 {
		id := fmt.Sprintf("P%d", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprintf("+7916000010%d", i), "one@example.com" })
		s.Visit("V"+id, id, start)
	}
	s.To(start.Add(3 * time.Hour))
	if n := len(s.Sent()); n > 2 {
		t.Errorf("%d service messages to one address in a day, want 2", n)
	}
}

// bystander acts before the n-th write.
type bystander struct {
	table.Table
	at     int
	action func()
	inside bool
}

func (i *bystander) Write(ctx context.Context, ops ...table.Op) error {
	if !i.inside && i.action != nil {
		i.at--
		if i.at == 0 {
			i.inside = true
			i.action()
			i.inside = false
		}
	}
	return i.Table.Write(ctx, ops...)
}

func TestNothingIsSkippedForAReasonThatAnAcknowledgedEventHasTakenAway(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Number, c.Mail = "", "" })
	s.Visit("V", "P", start)
	in := &bystander{Table: s.Table, at: 1, action: func() { s.Set(s.Now().Add(time.Second)); s.Patient("P") }}
	other := stagetest.Join(s, in)
	other.Set(s.Now())
	ref := outreach.RefOf(s.Touch("P", "after-visit", "thanks"))
	if err := other.Sender.Send(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	touch := s.Touch("P", "after-visit", "thanks")
	if touch.State == dental.Skipped {
		t.Errorf("skipped %s, although the phone was acknowledged before", touch.Reason)
	}
	if n := len(s.Tasks("P", dental.ContactTask)); n != 0 {
		t.Errorf("%d tasks ask for an address that is there", n)
	}
}

// recorder remembers every key put.
type recorder struct {
	table.Table
	keys map[table.Key]bool
}

func (r *recorder) Write(ctx context.Context, ops ...table.Op) error {
	for _, o := range ops {
		if o.Kind == table.OpPut {
			r.keys[o.Item.Key] = true
		}
	}
	return r.Table.Write(ctx, ops...)
}

func TestErasureLeavesNothing(t *testing.T) {
	base := stagetest.New(t, start)
	rec := &recorder{base.Table, map[table.Key]bool{}}
	s := stagetest.Join(base, rec)
	s.Patient("ERASED", func(c *intake.Card) { c.GivenName = "Борис" })
	s.Patient("OTHER", func(c *intake.Card) { c.GivenName = "Анна" })
	s.Visit("V", "ERASED", start)
	s.Appointment(intake.AppointmentBooked, "A-1", "OTHER", s.Local("2026-03-14 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-2", "ERASED", s.Local("2026-03-14 12:00"))
	s.ToLocal("2026-03-12 13:00")
	s.Patient("ERASED", func(c *intake.Card) { c.GivenName, c.Number = "Борис", "+79160000077" })
	s.Set(s.Now().Add(time.Minute))
	s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "ERASED", Version: 1 << 50}})
	s.To(s.Now().Add(2 * time.Hour))
	for key := range rec.keys {
		items, err := s.Table.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if items[0].Exists() && (strings.Contains(fmt.Sprintf("%v", items[0].Attr), "ERASED") || strings.Contains(key.String(), "ERASED")) {
			if !strings.HasPrefix(key.PK, "P#demo#ERASED") && !strings.HasPrefix(key.PK, "J#") {
				t.Errorf("left: %s", key)
			}
		}
	}
}

func TestTheNextChannelIsTriedWhenOneIsThrottledForAnHour(t *testing.T) {
	s := stagetest.New(t, start)
	s.Provider = func(m outreach.Message) error {
		if m.Channel == dental.SMS {
			return &outreach.Refusal{Code: "Throttling", Later: true}
		}
		return nil
	}
	s.Patient("P")
	s.Visit("V", "P", start)
	s.To(start.Add(20 * time.Hour))
	if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
		touch := s.Touch("P", "after-visit", "thanks")
		t.Errorf("%s (%s) after %d attempts, e-mail tried: %t", touch.State, touch.Reason, len(touch.Attempts), touch.Tried(dental.Mail))
	}
}

func TestALateReportAsksNothingAboutAnArchivedPatient(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Mail = "" })
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	s.Patient("P", func(c *intake.Card) { c.Status = dental.Deceased })
	m := s.Sent()[0]
	s.Set(start.Add(26 * time.Hour))
	if _, err := s.Settler.Settle(t.Context(), outreach.Report{Touch: m.Touch, Attempt: m.Attempt, Kind: outreach.ReportBadAddress, Code: "x", At: s.Now()}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Tasks("P", dental.ContactTask)); n != 0 {
		t.Errorf("%d tasks ask for the address of the dead", n)
	}
}

func TestALongLifeSettlesWhollyWhenItsCardIsArchived(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	for i := range 300 {
		s.Visit(fmt.Sprintf("V%d", i), "P", start.AddDate(0, 0, -20-i))
	}
	for i := range 60 {
		s.Appointment(intake.AppointmentBooked, fmt.Sprintf("A%d", i), "P", start.AddDate(0, 0, 20+i))
	}
	s.Visit("V", "P", start)
	s.Set(start.Add(time.Second))
	s.Patient("P", func(c *intake.Card) { c.Status = dental.Archived })
	s.To(start.Add(time.Hour))
	open := 0
	for _, x := range s.Card("P").Touches {
		if x.State.Open() {
			open++
		}
	}
	if open > 0 {
		t.Errorf("%d touches are still open an hour after the card was archived", open)
	}
}
