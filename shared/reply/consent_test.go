package reply_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// consents makes the link of the reception and returns its token.
func consents(t *testing.T, s *stagetest.Stage, patient string) string {
	t.Helper()
	path, err := s.Desk.ConsentLink(t.Context(), "demo", patient, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	token, ok := strings.CutPrefix(path, "/u/")
	if !ok {
		t.Fatalf("the link leads to %q", path)
	}
	return token
}

func only(fields ...string) func(string) bool {
	return func(field string) bool { return slices.Contains(fields, field) }
}

func TestConsentIsTakenAtTheReceptionAndKeptWithItsWording(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Consents = nil })
	token := consents(t, s, "P")
	if _, err := s.Desk.Choose(t.Context(), token, nil, only("reminders.sms", "service.sms", "care.sms", "advertising.sms"), s.Now()); err != nil {
		t.Fatal(err)
	}
	c, ok := s.Card("P").Patient.Consent(dental.Advertising, dental.SMS)
	if !ok || !c.Granted || c.Text != reply.Wording || c.Source != "page" || !c.At.Equal(s.Now()) {
		t.Errorf("the consent is %+v", c)
	}
	if again := consents(t, s, "P"); again != token {
		t.Error("the same patient has another link the second time")
	}
}

func TestConsentOfAPatientWithoutAnyAddressHoldsOnceThereIsOne(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Number, c.Mail, c.Consents = "", "", nil })
	token := consents(t, s, "P")
	page, err := s.Desk.Preferences(t.Context(), token, s.Now())
	if err != nil || !page.NoAddress || len(page.Choices) != 8 {
		t.Fatalf("the page has %d choices, %v", len(page.Choices), err)
	}
	if page, err = s.Desk.Choose(t.Context(), token, nil, only("service.sms", "care.sms", "advertising.sms"), s.Now()); err != nil || len(page.Choices) != 8 {
		t.Fatalf("the choice: %+v, %v", page.Choices, err)
	}
	for _, c := range page.Choices {
		if want := c.Channel == dental.SMS && c.Class != dental.Reminders; c.Granted != want {
			t.Errorf("%s is %t", c.Field(), c.Granted)
		}
	}
	// Nobody's address was meant, so nobody's is refused.
	if err := s.Desk.NotMe(t.Context(), token, s.Now()); err != nil || len(s.Card("P").Patient.NotMe) != 0 || len(s.Card("P").Tasks) != 0 {
		t.Errorf("not me: %v, %v", s.Card("P").Patient.NotMe, err)
	}
	if err := s.Desk.OneClick(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("one click: %v", err)
	}
	s.Set(s.Now().Add(time.Hour))
	s.Patient("P", func(c *intake.Card) { c.Mail, c.Consents = "", nil })
	if c, ok := s.Card("P").Patient.Consent(dental.Advertising, dental.SMS); !ok || !c.Granted {
		t.Errorf("with the phone there, the consent is %+v", c)
	}
}

func TestAGuardianConsentsForAChild(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("MUM")
	s.Patient("KID", func(c *intake.Card) {
		c.BirthDate, c.GuardianID = dental.Date{Year: 2015, Month: 1, Day: 1}, "MUM"
	})
	s.Patient("ALONE", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 2015, Month: 1, Day: 1} })
	if kid, mum := consents(t, s, "KID"), consents(t, s, "MUM"); kid != mum {
		t.Error("the child's link is not the guardian's")
	}
	for patient, kind := range map[string]dental.ErrorKind{"ALONE": dental.Conflict, "NOBODY": dental.NotFound} {
		if _, err := s.Desk.ConsentLink(t.Context(), "demo", patient, s.Now()); dental.KindOf(err) != kind {
			t.Errorf("a link for %s: %v", patient, err)
		}
	}
	if _, err := s.Desk.ConsentLink(t.Context(), "elsewhere", "MUM", s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a link of a clinic that there is not: %v", err)
	}
	s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "MUM", Version: 1}})
	for _, patient := range []string{"MUM", "KID"} {
		if _, err := s.Desk.ConsentLink(t.Context(), "demo", patient, s.Now()); dental.KindOf(err) != dental.NotFound {
			t.Errorf("a link for %s after the erasure: %v", patient, err)
		}
	}
}

func TestALinkOfTheReceptionLivesAYearAndShortensNoOther(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	token := consents(t, s, "P")
	locked := stagetest.Join(s, readOnly{s.Table}).Desk
	if _, err := locked.ConsentLink(t.Context(), "demo", "P", s.Now().Add(time.Hour)); err != nil { // writes nothing
		t.Error(err)
	}
	opens := func() error { _, err := s.Desk.Preferences(t.Context(), token, s.Now()); return err }
	s.Set(start.Add(365*24*time.Hour - time.Second))
	if err := opens(); err != nil {
		t.Errorf("within the year: %v", err)
	}
	s.Set(start.Add(365 * 24 * time.Hour))
	if err := opens(); dental.KindOf(err) != dental.NotFound {
		t.Errorf("after a year: %v", err)
	}
	long := grant(t, s, dental.Link{Purpose: dental.PreferencesLink, Patient: "P", Touch: "mailing",
		Subject: "advertising/" + s.Store.ContactKey(&s.Clinic, "+79160000001"), Expires: s.Now().AddDate(2, 0, 0)})
	if consents(t, s, "P") != long {
		t.Fatal("a mailing's link is another one: this test looks at nothing")
	}
	s.Set(s.Now().AddDate(0, 11, 0))
	if err := opens(); err != nil {
		t.Errorf("the mailing's link eleven months later: %v", err)
	}
}

func TestOfAChoiceThatTheFormDidNotShowNothingIsSaid(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Mail, c.Consents = "", nil })
	token := consents(t, s, "P")
	page, err := s.Desk.Preferences(t.Context(), token, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, c := range page.Choices {
		shown = append(shown, c.Field())
	}
	s.Set(s.Now().Add(time.Minute))
	s.Patient("P", func(c *intake.Card) { c.Consents = nil }) // an e-mail comes while the form is being filled in
	if _, err := s.Desk.Choose(t.Context(), token, shown, only("reminders.sms"), s.Now()); err != nil {
		t.Fatal(err)
	}
	p := s.Card("P").Patient
	if c, ok := p.Consent(dental.Service, dental.SMS); !ok || c.Granted {
		t.Errorf("service by SMS was not refused: %+v", c)
	}
	if c, ok := p.Consent(dental.Service, dental.Mail); ok {
		t.Errorf("service by e-mail was refused unseen: %+v", c)
	}
}
