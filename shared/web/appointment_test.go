package web_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// also puts a further appointment of a patient, who may be another one.
func (s *surgery) also(a dental.Appointment) {
	s.t.Helper()
	ctx := context.Background()
	tx := s.store.Begin()
	card, err := tx.Card(ctx, clinicID, a.Patient)
	if err != nil {
		s.t.Fatal(err)
	}
	if !card.Known() {
		tx.Put(dental.Patient{Clinic: clinicID, ID: a.Patient, GivenName: "Тарас", Phone: s.Patient.Phone, Status: dental.Active})
	}
	tx.Put(a)
	if err := tx.Commit(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// becomes changes the appointment as the MIS would tell it.
func (s *surgery) becomes(change func(*dental.Appointment)) {
	s.t.Helper()
	ctx := context.Background()
	tx := s.store.Begin()
	card, err := tx.Card(ctx, clinicID, patientID)
	if err != nil {
		s.t.Fatal(err)
	}
	a := card.Appointment(s.Next.ID)
	change(a)
	tx.Put(*a)
	if err := tx.Commit(ctx); err != nil {
		s.t.Fatal(err)
	}
}

func TestTheAppointmentTellsWhenWhereAndWithWhom(t *testing.T) {
	s := newSurgery(t, nil)
	page := s.get(s.appointment()).want(http.StatusOK).
		reads("h1", "Ждём вас на приём").reads("title", "Запись на приём — Улыбка").
		reads(".visit .day", "воскресенье, 24 мая").reads("time", "14:30").has(1, "time[datetime='2026-05-24T14:30:00+03:00']").
		says("Врач: Ирина Соколова").says("Москва, улица Примерная, 5").
		reads("footer a[href='tel:+74950000000']", "+7 495 000-00-00").
		has(0, ".mark").has(0, ".soon")
	var offered []string
	for _, b := range page.all("form[method=post] button[name=action]") {
		offered = append(offered, attr(b, "value")+" "+textOf(b))
	}
	if want := []string{"confirm Да, всё в силе", "reschedule Перенести", "cancel Отменить", "callback Перезвоните мне"}; !slices.Equal(offered, want) {
		t.Errorf("offered are %q", offered)
	}
	s.clock.Advance(24 * time.Hour)
	s.get(s.appointment()).reads(".soon", "завтра")
}

func TestTheAppointmentSpeaksThePatientsLanguage(t *testing.T) {
	s := newSurgery(t, func(s *surgery) { s.Patient.Language = "en" })
	s.get(s.appointment()).has(1, "html[lang=en]").reads(".day", "Sunday, May 24").reads("time", "2:30 PM").
		reads("button[value=confirm]", "Yes, I will come")
}

func TestWhatIsSaidOfAnAppointmentIsStoredAndShown(t *testing.T) {
	for _, c := range []struct{ action, heading, says, task string }{
		{"confirm", "Спасибо, ждём вас!", "Приём подтверждён.", ""},
		{"reschedule", "Перенесём приём", "Администратор позвонит сегодня, до 17:45, и предложит другое время. До звонка запись остаётся за вами.", "callback"},
		{"cancel", "Приняли просьбу об отмене", "Администратор позвонит сегодня, до 17:45, и снимет запись.", "callback"},
		{"callback", "Мы перезвоним", "Администратор позвонит сегодня, до 17:45. Запись остаётся за вами.", "callback"},
	} {
		t.Run(c.action, func(t *testing.T) {
			s := newSurgery(t, nil)
			path := s.appointment()
			s.does(path, "action", c.action).want(http.StatusOK).reads("h1", c.heading).says(c.says).
				has(3, "button[name=action]").has(0, "button[value="+c.action+"]").has(1, "a[href$='visit.ics']")
			card := s.card()
			if a := card.Appointment("A-501"); a.Reply != c.action || !a.Standing() {
				t.Errorf("stored is %q, %s", a.Reply, a.Status)
			}
			if c.task == "" && len(card.Tasks) > 0 || c.task != "" && (len(card.Tasks) != 1 || string(card.Tasks[0].Kind) != c.task) {
				t.Errorf("the tasks are %v, want %q", card.Tasks, c.task)
			}
			if c.task != "" {
				s.clock.Advance(65 * time.Minute)
				s.get(path).saysNot("17:45").says("Если мы ещё не дозвонились, позвоните нам")
			}
		})
	}
}

func TestTheAnswerCanBeChangedUntilTheStart(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.appointment()
	s.does(path, "action", "cancel").says("Передумали?")
	s.clock.Advance(s.Next.Start.Sub(friday) - time.Second)
	s.does(path, "action", "confirm").reads("h1", "Спасибо, ждём вас!").says("Планы изменились?").reads(".soon", "сегодня")
	s.clock.Advance(time.Second)
	s.get(path).want(http.StatusNotFound)
	s.post(path, "action", "cancel").want(http.StatusNotFound)
	if got := s.card().Appointment("A-501").Reply; got != "confirm" {
		t.Errorf("stored is %q", got)
	}
}

func TestAConfirmationFromTheMISCounts(t *testing.T) {
	s := newSurgery(t, func(s *surgery) { s.Next.Status = dental.Confirmed })
	s.get(s.appointment()).reads("h1", "Спасибо, ждём вас!").has(0, "button[value=confirm]").has(3, "button[name=action]")
}

func TestAMovedAppointmentShowsItsNewTimeAndNoForm(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.appointment()
	s.does(path, "action", "confirm")
	s.becomes(func(a *dental.Appointment) { a.Start, a.End = a.Start.Add(50*time.Hour), a.End.Add(50*time.Hour) })
	s.get(path).want(http.StatusOK).reads("h1", "Время приёма изменилось").reads(".mark", "новое время").
		reads(".day", "вторник, 26 мая").reads("time", "16:30").
		has(0, "form").has(1, "a.button[href='tel:+74950000000']").has(1, "a[href$='visit.ics']").
		saysNot("подтверждён").saysNot("14:30")
	s.post(path, "action", "cancel").want(http.StatusConflict).
		reads("[role=alert]", "Запись за это время изменилась. Посмотрите, как она стоит сейчас.").reads("time", "16:30").has(0, "form")
	if got := s.card().Tasks; len(got) != 0 {
		t.Errorf("the tasks are %v", got)
	}
}

func TestWhoComesLateIsToldSoKindlyAndWhomToCall(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.appointment()
	s.becomes(func(a *dental.Appointment) { a.Start = a.Start.Add(-24 * time.Hour) })
	s.clock.Advance(24 * time.Hour)
	s.get(path).want(http.StatusOK).reads("h1", "Время приёма уже прошло").has(1, "a.button[href='tel:+74950000000']").
		has(0, "form").has(0, ".visit").has(0, "a[href$='visit.ics']").saysNot("Соколова")
	s.post(path, "action", "confirm").want(http.StatusConflict).reads("h1", "Время приёма уже прошло").has(0, "form")
	s.get(path + "/visit.ics").want(http.StatusNotFound)
	if got := s.card().Tasks; len(got) != 0 {
		t.Errorf("the tasks are %v", got)
	}
}

func TestWhoseOfSeveralAppointmentsIsWhoseIsSaidToWhoAsks(t *testing.T) {
	s, path := family(t)
	s.get(path).has(1, "button[name=whose]").saysNot("Аглаида").saysNot("Тарас")
	s.get(path + "?whose=on").saysNot("Аглаида").saysNot("Тарас")
	asked := s.post(path, "whose", "on").want(http.StatusOK).has(2, ".name").says("Аглаида").says("Тарас").has(0, "button[name=whose]").has(4, "button[name=action]").
		saysNot("Непоказуева")
	if words := asked.words(); strings.Index(words, "Аглаида") > strings.Index(words, "14:30") || strings.Index(words, "Тарас") < strings.Index(words, "14:30") {
		t.Errorf("the names stand with each other's times: %s", words)
	}
	s.post(path, "whose", "yes").want(http.StatusBadRequest)
	s.post(path, "whose", "on", "action", "confirm").want(http.StatusBadRequest)
	if a := s.card().Appointment("A-501"); a.Reply != "" {
		t.Errorf("the question was taken for the answer %q", a.Reply)
	}
	one := newSurgery(t, nil)
	one.get(one.appointment()).has(0, "button[name=whose]")
}

func TestACancelledAppointmentSaysSoAndHasNoFileAndNoForm(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.appointment()
	s.clock.Advance(24 * time.Hour)
	s.get(path).reads(".soon", "завтра")
	s.becomes(func(a *dental.Appointment) { a.Status = dental.Cancelled })
	s.get(path).want(http.StatusOK).reads("h1", "Запись отменена").reads(".mark", "отменено").has(1, ".struck").has(0, ".soon").
		has(0, "form").has(0, "a[href$='visit.ics']").has(1, "a.button[href^='tel:']")
	s.get(path+"/visit.ics").want(http.StatusNotFound).reads("h1", "Эта ссылка не открывается")
	s.post(path, "action", "confirm").want(http.StatusConflict)
}

func TestAVisitThatAlreadyTookPlaceIsNoMoreAskedAbout(t *testing.T) {
	s := newSurgery(t, func(s *surgery) { s.Visit.AppointmentID = "A-501" })
	s.get(s.appointment()).want(http.StatusOK).has(0, "form").says("Если что-то изменится, позвоните нам.")
}

// family is a reminder of two appointments of one day, of two patients on one phone.
func family(t *testing.T) (*surgery, string) {
	s := newSurgery(t, nil)
	other := s.Next
	other.Patient, other.ID, other.Start, other.End, other.Doctor.Name = "P-78", "A-777", other.Start.Add(time.Hour), other.End.Add(time.Hour), "Пётр Ковалёв"
	s.also(other)
	path := s.grant(dental.Link{Purpose: dental.AppointmentLink, Subject: dental.AppointmentAnchor(s.Next),
		Also: []string{"P-78/" + dental.AppointmentAnchor(other)}, Expires: s.Next.Start})
	return s, path
}

func TestOneReminderOfSeveralAppointmentsIsOneAnswer(t *testing.T) {
	s, path := family(t)
	page := s.get(path).has(2, ".visit").has(4, "button[name=action]").has(0, ".mark").
		says("14:30").says("15:30").says("Ирина Соколова").says("Пётр Ковалёв").saysNot("Аглаида").saysNot("Тарас")
	if words := page.words(); strings.Index(words, "14:30") > strings.Index(words, "15:30") {
		t.Error("the later one comes first")
	}
	s.does(path, "action", "confirm").reads("h1", "Спасибо, ждём вас!")
	other, err := s.store.Begin().Card(context.Background(), clinicID, "P-78")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := s.card().Appointment("A-501").Reply, other.Appointment("A-777").Reply; a != "confirm" || b != "confirm" {
		t.Errorf("stored are %q and %q", a, b)
	}
}

func TestWhereOneOfSeveralWasMovedTheRestCanStillBeAnswered(t *testing.T) {
	s, path := family(t)
	s.becomes(func(a *dental.Appointment) { a.Start, a.End = a.Start.Add(24*time.Hour), a.End.Add(24*time.Hour) })
	s.get(path).has(2, ".visit").reads(".mark", "новое время").says("Ответ ниже их не касается.").has(4, "button[name=action]")
	s.does(path, "action", "cancel")
	if got := s.card().Appointment("A-501").Reply; got != "" {
		t.Errorf("the moved one was answered %q", got)
	}
}

func TestAnActionThatIsNoneIsRefused(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.appointment()
	writes := s.table.writes
	for body, alert := range map[string]string{
		"":                             "Выберите одну из кнопок.",
		"action=":                      "Выберите одну из кнопок.",
		"action=delete":                "Выберите одну из кнопок.",
		"action=Confirm":               "Выберите одну из кнопок.",
		"action=confirm&action=cancel": "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
		"action=confirm&answer=good":   "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
	} {
		s.send(formRequest(path, body)).want(http.StatusBadRequest).reads("[role=alert]", alert).has(4, "button[name=action]")
	}
	if s.table.writes != writes {
		t.Error("something was written")
	}
}
