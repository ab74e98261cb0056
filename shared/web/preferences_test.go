package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// boxes lists the fields of the ticked boxes.
func boxes(page *answer) []string {
	var out []string
	for _, b := range page.all("input[type=checkbox][checked]") {
		out = append(out, attr(b, "name"))
	}
	return out
}

func TestPreferencesShowWhatHoldsByClassAndChannel(t *testing.T) {
	s := newSurgery(t, func(s *surgery) {
		s.Patient.Consents = []dental.Consent{
			{Class: dental.Care, Channel: dental.SMS, Granted: false, At: friday.AddDate(0, 0, -1)},
			{Class: dental.Advertising, Channel: dental.Mail, Granted: true, At: friday.AddDate(0, 0, -1)},
		}
	})
	page := s.get(s.preferences()).want(http.StatusOK).reads("h1", "Что вам присылать?").has(8, "input[type=checkbox][value=on]").
		has(4, "fieldset > legend").has(8, "fieldset label input")
	var legends []string
	for _, l := range page.all("legend") {
		legends = append(legends, textOf(l))
	}
	if want := []string{"Напоминания о записи", "После визита", "Забота о здоровье", "Предложения"}; !slices.Equal(legends, want) {
		t.Errorf("the classes are %q", legends)
	}
	want := []string{"reminders.sms", "reminders.email", "service.sms", "service.email", "care.email", "advertising.email"}
	if got := boxes(page); !slices.Equal(got, want) {
		t.Errorf("ticked are %q, want %q", got, want)
	}
	s = newSurgery(t, func(s *surgery) { s.Patient.Email = "" })
	s.get(s.preferences()).has(4, "input[type=checkbox]").saysNot("По почте")
	s = newSurgery(t, func(s *surgery) { s.Patient.Email, s.Patient.Phone = "", "" })
	s.get(s.preferences()).has(8, "input[type=checkbox]").says("Сейчас у нас нет ни номера, ни почты").has(0, "[name=not-me]")
}

func TestChoicesAreSavedWithTheWordingAndSaidToBeSaved(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.preferences()
	s.get(path).has(0, "[role=status]")
	s.clock.Advance(time.Minute)
	page := s.does(path, "save", "on", "reminders.sms", "on", "service.email", "on", "advertising.email", "on").
		reads("[role=status]", "Сохранено. Спасибо!")
	if got, want := boxes(page), []string{"reminders.sms", "service.email", "advertising.email"}; !slices.Equal(got, want) {
		t.Errorf("ticked are %q, want %q", got, want)
	}
	c, ok := s.card().Patient.Consent(dental.Advertising, dental.Mail)
	if !ok || !c.Granted || c.Source != "page" || c.Text != reply.Wording || !c.At.Equal(s.clock.Now()) {
		t.Errorf("the consent is %+v", c)
	}
	s.get(path).has(0, "[role=status]")
}

func TestTheFormSaysWhichBoxesItHad(t *testing.T) {
	s := newSurgery(t, func(s *surgery) { s.Patient.Email = "" })
	path := s.grant(dental.Link{Purpose: dental.PreferencesLink, Subject: "care/phone"})
	page := s.get(path)
	shown := page.all("input[type=hidden][name=shown]")
	if want := "reminders.sms service.sms care.sms advertising.sms"; len(shown) != 1 || attr(shown[0], "value") != want {
		t.Fatalf("shown is %v", shown)
	}
	s.Patient = s.card().Patient
	s.Patient.Email = "aglaida@example.com" // comes while the form is being filled in
	s.put()
	s.does(path, "save", "on", "shown", attr(shown[0], "value"), "service.sms", "on")
	if got, want := boxes(s.get(path)), []string{"reminders.email", "service.sms", "service.email", "care.email"}; !slices.Equal(got, want) {
		t.Errorf("ticked are %q, want %q", got, want)
	}
	// A form that does not say stands for all there is.
	if got, want := boxes(s.does(path, "save", "on", "service.sms", "on")), []string{"service.sms"}; !slices.Equal(got, want) {
		t.Errorf("ticked are %q, want %q", got, want)
	}
}

func TestAFormOfNothingTickedRefusesAll(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.preferences()
	if got := boxes(s.does(path, "save", "on")); len(got) != 0 {
		t.Errorf("ticked are %q", got)
	}
}

func TestAPostThatIsNotThePagesRefusesNothing(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.preferences()
	writes := s.table.writes
	for _, body := range []string{"", "advertising.sms=on", "save=off", "save=on&save=on", "save=on&advertising.sms=yes", "save=on&advertising.fax=on", "save=on&advertising=on",
		"save=on&shown=advertising.fax", "save=on&shown=advertising.sms&shown=care.sms", "save=on&shown=on%0Acare",
		"not-me=yes", "not-me=", "not-me=on&save=on", "List-Unsubscribe=one-click", "List-Unsubscribe="} {
		s.send(formRequest(path, body)).want(http.StatusBadRequest).reads("[role=alert]", "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.")
	}
	if s.table.writes != writes {
		t.Error("something was written")
	}
}

func TestOneClickOfMailSoftwareUnsubscribesAtOnce(t *testing.T) {
	for _, form := range []string{"urlencoded", "multipart"} {
		t.Run(form, func(t *testing.T) {
			s := newSurgery(t, nil)
			path := s.preferences()
			s.does(path, "save", "on", "care.email", "on", "advertising.email", "on", "care.sms", "on", "service.sms", "on", "service.email", "on")
			s.clock.Advance(time.Hour)
			r := formRequest(path, "List-Unsubscribe=One-Click")
			if form == "multipart" {
				r = multipartForm(path, "List-Unsubscribe", "One-Click")
			}
			a := s.send(r).want(http.StatusOK).reads("h1", "Готово, вы отписаны").has(0, "form").has(0, "a")
			if a.Header().Get("Location") != "" || a.Header().Get("Refresh") != "" {
				t.Error("it leads on")
			}
			contact, err := s.store.Begin().ContactByKey(context.Background(), s.store.ContactKey(&s.Clinic, string(s.Patient.Email)))
			if err != nil {
				t.Fatal(err)
			}
			for class, want := range map[dental.Class]bool{dental.Care: true, dental.Advertising: true, dental.Service: false} {
				if _, refused := contact.Refused(class); refused != want {
					t.Errorf("%s refused: %v", class, refused)
				}
			}
			if got, want := boxes(s.get(path)), []string{"service.sms", "service.email", "care.sms"}; !slices.Equal(got, want) {
				t.Errorf("ticked are %q, want %q", got, want)
			}
			writes := s.table.writes
			s.send(formRequest(path, "List-Unsubscribe=One-Click&extra=1")).want(http.StatusOK)
			if s.table.writes != writes {
				t.Error("the second one was written too")
			}
		})
	}
}

func TestOneClickNeedsNoOriginAndMindsNone(t *testing.T) {
	s := newSurgery(t, nil)
	for site, origin := range map[string]string{"": "", "cross-site": "https://mail.example"} {
		r := formRequest(s.preferences(), "List-Unsubscribe=One-Click")
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
			r.Header.Set("Origin", origin)
		}
		s.send(r).want(http.StatusOK)
	}
	// On other pages the words open no door.
	r := formRequest(s.survey(), "answer=bad&List-Unsubscribe=One-Click")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if s.send(r).Code == http.StatusSeeOther || len(s.card().Answers) != 0 {
		t.Error("a foreign answer was taken")
	}
}

func TestNotMeEndsTheMessagesAndAsksStaffForTheRightContact(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.preferences()
	s.does(path, "not-me", "on").want(http.StatusOK).reads("h1", "Спасибо, больше не потревожим").has(0, "form")
	card := s.card()
	if key := s.store.ContactKey(&s.Clinic, string(s.Patient.Email)); !slices.Equal(card.Patient.NotMe, []string{key}) {
		t.Errorf("suppressed are %q", card.Patient.NotMe)
	}
	if len(card.Tasks) != 1 || card.Tasks[0].Kind != dental.ContactTask {
		t.Errorf("the tasks are %v", card.Tasks)
	}
	writes := s.table.writes
	s.does(path, "not-me", "on")
	if s.table.writes != writes {
		t.Error("saying it again was written again")
	}
}

// The words beside the boxes are what a patient consents to, and each consent
// keeps their version. Whoever changes them gives reply.Wording a new value and
// adds a line here; an old line stays, it is the proof of what was agreed to.
func TestTheWordingOfConsentHasItsVersion(t *testing.T) {
	versions := map[string]string{
		"page-2026-11":   "adbea1d3b5b18993",
		"page-2026-11-2": "00c923a699109482",
	}
	var words []string
	for _, l := range locale.All() {
		for _, class := range append([]dental.Class{dental.Reminders}, dental.Classes()...) {
			key := "page.preferences." + string(class)
			words = append(words, l.Text(key, nil), l.Text(key+".about", nil))
		}
		words = append(words, l.Text("page.preferences.lead", nil))
	}
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	if got := hex.EncodeToString(sum[:8]); got != versions[reply.Wording] {
		t.Errorf("the words of %s have the sum %s, want %s", reply.Wording, got, versions[reply.Wording])
	}
}
