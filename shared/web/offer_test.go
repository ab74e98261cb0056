package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// offered is a surgery whose patient, last seen on 21 May, has nothing booked.
func offered(t *testing.T, change func(*surgery)) *surgery {
	t.Helper()
	return newSurgery(t, func(s *surgery) {
		s.Next = dental.Appointment{}
		for _, name := range scenario.Shipped().Names() {
			s.Clinic.Scenarios[name] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto}
		}
		if change != nil {
			change(s)
		}
	})
}

// recall is the link of a recall's first message.
func (s *surgery) recall() string {
	return s.offer("recall", "first", s.Visit.Day.AddMonths(6).String())
}

// sleeping is the link of an advertisement that has just left.
func (s *surgery) sleeping() string {
	s.t.Helper()
	anchor := s.Visit.Day.String()
	s.leaves(dental.Touch{Scenario: "sleeping-6", Step: "offer", Anchor: anchor, Class: dental.Advertising})
	return s.offer("sleeping-6", "offer", anchor)
}

func (s *surgery) offer(name, step, anchor string) string {
	return s.grant(dental.Link{Purpose: dental.OfferLink, Subject: dental.OfferSubject(name, step, anchor), Expires: s.clock.Now().AddDate(0, 0, 60)})
}

// leaves puts a touch whose message has left now.
func (s *surgery) leaves(touch dental.Touch) {
	s.t.Helper()
	now := s.clock.Now()
	touch.Clinic, touch.Patient, touch.State, touch.SentAt, touch.EndedAt, touch.EndedOn = clinicID, patientID, dental.Sent, now, now, dental.DateOf(now)
	touch.Attempts = []dental.Attempt{{ID: "a", Channel: dental.SMS, At: now, Outcome: dental.Accepted}}
	s.write(touch)
}

// write puts nouns of the patient's card.
func (s *surgery) write(nouns ...any) {
	s.t.Helper()
	tx := s.store.Begin()
	if _, err := tx.Card(s.t.Context(), clinicID, patientID); err != nil {
		s.t.Fatal(err)
	}
	for _, noun := range nouns {
		tx.Put(noun)
	}
	if err := tx.Commit(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// offeredActions lists the buttons of an offer as "value word".
func offeredActions(page *answer) []string {
	var out []string
	for _, b := range page.all("form[method=post] button[name=action]") {
		out = append(out, attr(b, "value")+" "+textOf(b))
	}
	return out
}

func TestARecallSaysWhoWaitsWhyHowLongAndUntilWhen(t *testing.T) {
	s := offered(t, nil)
	page := s.get(s.recall()).want(http.StatusOK).reads("h1", "Пора на профилактику").reads(".who", "Вас ждёт Ирина Соколова.").
		says("Налёт копится незаметно").says("Визит займёт 30 минут.").says("Прийти лучше до 21 ноября.").
		saysNot("скидка").saysNot("противопоказания").has(0, "img").has(1, "footer a[href='tel:+74950000000']")
	want := []string{"book Записаться", "callback Перезвоните мне", "later Напомните позже", "never Больше не приглашайте"}
	if got := offeredActions(page); !slices.Equal(got, want) {
		t.Errorf("offered are %q", got)
	}
	var days, parts []string
	for _, n := range page.all("input[name=weekday]") {
		days = append(days, attr(n, "value"))
	}
	for _, n := range page.all("input[name=part]") {
		parts = append(parts, attr(n, "value"))
	}
	if want := []string{"", "mon", "tue", "wed", "thu", "fri", "sat"}; !slices.Equal(days, want) { // closed on Sundays
		t.Errorf("the days are %q", days)
	}
	if want := []string{"", "morning", "day", "evening"}; !slices.Equal(parts, want) {
		t.Errorf("the parts are %q", parts)
	}
	page.has(1, "input[name=weekday][value=''][checked]").has(1, "input[name=part][value=''][checked]").has(2, "fieldset > legend")
}

func TestWhatTellsOfATreatmentIsShownToWhoAsks(t *testing.T) {
	s := offered(t, func(s *surgery) {
		s.Visit.Procedures, s.Visit.NextStep = []dental.Procedure{{Name: "Имплантация", Kind: dental.Implant}}, dental.ServiceType{}
	})
	s.get(s.recall()).reads("h1", "Пора на контрольный осмотр").has(1, "details:not([open]) > summary").reads("details > p", "Имплантат служит долго, когда его и десну вокруг вовремя проверяют: мелочь, замеченную сразу, поправить легко.")
	s = offered(t, nil)
	s.get(s.sleeping()).has(0, "details").says("что замечено рано, лечится быстро и просто")
}

func TestAnAdvertisementSaysItsBenefitAndItsWarningWhileItHolds(t *testing.T) {
	s := offered(t, nil)
	path := s.sleeping()
	s.get(path).reads("h1", "Давно не виделись").says("Для вас скидка 10 %, до 21 июня.").says("Есть противопоказания, нужен совет врача.")
	s.clock.Advance(31 * 24 * time.Hour)
	s.get(path).says("Предложение действовало до 21 июня. Записаться можно и сейчас.").saysNot("скидка").saysNot("противопоказания").has(1, "button[value=book]")
}

func TestThePictureOfTheDoctorIsOurOwnCopy(t *testing.T) {
	s := offered(t, func(s *surgery) { s.Visit.Doctor.PhotoURL = "https://clinic.example/irina.jpg" })
	s.paint("D-3", picture)
	path := s.recall()
	s.get(path).has(1, "img.doctor[src='"+path+"/doctor.jpg'][alt='']")
	if got := s.get(path + "/doctor.jpg").want(http.StatusOK).Header().Get("Content-Type"); got != "image/jpeg" {
		t.Errorf("the picture is %s", got)
	}
}

func TestEveryInvitationOfTheCatalogueHasWordsOfItsOwn(t *testing.T) {
	found := 0
	for _, l := range locale.All() {
		for _, sc := range scenario.Shipped() {
			for _, step := range sc.Steps {
				if step.Link != dental.OfferLink {
					continue
				}
				found++
				if !slices.ContainsFunc([]string{sc.Name, sc.Family, sc.Name + "." + step.Name}, func(name string) bool { return l.Has("page.offer.about." + name + ".heading") }) {
					t.Errorf("%v: there are no words about %s/%s", l, sc.Name, step.Name)
				}
			}
		}
		for _, key := range l.Keys() {
			if head, is := strings.CutSuffix(key, ".heading"); is && strings.HasPrefix(key, "page.offer.about.") && !l.Has(head+".why") {
				t.Errorf("%v: %s does not say why", l, head)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d invitations were looked at", found)
	}
}

func TestTheWordsFollowWhatThePatientIsToComeFor(t *testing.T) {
	visit := func(kind dental.ProcedureKind) func(*surgery) {
		return func(s *surgery) {
			s.Visit.Procedures, s.Visit.NextStep = []dental.Procedure{{Kind: kind}}, dental.ServiceType{}
		}
	}
	for _, c := range []struct {
		name, heading string
		link          func(*surgery) string
		change        func(*surgery)
	}{
		{"a recall to hygiene", "Пора на профилактику", (*surgery).recall, visit(dental.Hygiene)},
		{"a recall after periodontics", "Пора на контрольный визит", (*surgery).recall, visit(dental.Periodontics)},
		{"a recall after something else", "Пора на осмотр", (*surgery).recall, visit(dental.OtherKind)},
		{"an offer after hygiene", "Давно не виделись", (*surgery).sleeping, visit(dental.Hygiene)},
		{"an offer after orthodontics", "Посмотрим, всё ли держится", (*surgery).sleeping, visit(dental.Orthodontics)},
		{"an offer of the season", "Осенний осмотр", func(s *surgery) string { return s.offer("season", "autumn", "2026") }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := offered(t, c.change)
			s.get(c.link(s)).want(http.StatusOK).reads("h1", c.heading)
		})
	}
}

func TestAScenarioThatTheWordsDoNotKnowInvitesAllTheSame(t *testing.T) {
	own := scenario.Catalogue{scenario.Scenario{Name: "whitening", On: scenario.OnLastVisit, Steps: []scenario.Step{{Name: "offer", Class: dental.Advertising, Link: dental.OfferLink}}}}
	s := offered(t, nil)
	s.serve(own)
	s.get(s.offer("whitening", "offer", "2026-05-21")).want(http.StatusOK).reads("h1", "Ждём вас в клинике").has(1, "button[value=book]")
}

func TestWhatIsSaidOfAnOfferIsStoredAndShownAndCanBeChanged(t *testing.T) {
	for _, c := range []struct{ action, heading, says, past string }{
		{"book", "Спасибо, подберём время", "Администратор позвонит сегодня, до 17:45, и предложит время.", "Если мы ещё не дозвонились, позвоните нам"},
		{"callback", "Мы перезвоним", "Администратор позвонит сегодня, до 17:45.", "Если мы ещё не дозвонились, позвоните нам."},
		{"later", "Хорошо, вернёмся к этому позже", "Напомним ещё раз ближе к 21 июня.", "Напомним ещё раз ближе к 21 июня."},
		{"never", "Хорошо, больше не приглашаем", "Приглашений этого вида больше не будет.", "Приглашений этого вида больше не будет."},
	} {
		t.Run(c.action, func(t *testing.T) {
			s := offered(t, nil)
			path := s.recall()
			page := s.does(path, "action", c.action).want(http.StatusOK).reads("h1", c.heading).says(c.says).
				says("Ответ можно изменить до 21 июля.").reads("section.offer h2", "Пора на профилактику").says("Передумали?")
			if c.action != "book" {
				page.has(0, "button[value="+c.action+"]")
			}
			page.has(1, "button[value=book]")
			if r := s.card().Response("recall", "2026-11-21"); r == nil || string(r.Action) != c.action {
				t.Fatalf("stored is %+v", r)
			}
			writes := s.table.writes
			s.does(path, "action", c.action)
			if s.table.writes != writes {
				t.Error("the same again was written again")
			}
			s.clock.Advance(2 * time.Hour)
			s.get(path).says(c.past).saysNot("17:45")
			other := map[string]string{"book": "never"}[c.action]
			if other == "" {
				other = "book"
			}
			s.does(path, "action", other)
			if r := s.card().Response("recall", "2026-11-21"); string(r.Action) != other {
				t.Errorf("changed to %+v", r)
			}
		})
	}
}

func TestAWishIsShownAndCanBeChanged(t *testing.T) {
	s := offered(t, nil)
	path := s.recall()
	page := s.does(path, "action", "book", "weekday", "fri", "part", "evening").says("Ваше пожелание: пятница, вечер.").
		has(1, "input[name=weekday][value=fri][checked]").has(1, "input[name=part][value=evening][checked]").reads("button[value=book]", "Изменить время")
	if words := page.words(); strings.Contains(words, "Аглаида") {
		t.Error("the page knows the patient by name")
	}
	s.does(path, "action", "book", "weekday", "", "part", "").saysNot("Ваше пожелание")
}

func TestTheClinicsOwnBookingPageIsTheFirstWay(t *testing.T) {
	s := offered(t, func(s *surgery) { s.Clinic.BookingURL = "https://запись.example.com/?clinic=1&from=rp" })
	path := s.recall()
	page := s.get(path)
	if got, want := offeredActions(page)[:2], []string{"book Выбрать время онлайн", "book Записаться"}; !slices.Equal(got, want) {
		t.Errorf("the first ways are %q", got)
	}
	page.has(1, "form input[type=hidden][name=online][value=on]").reads("button.main", "Выбрать время онлайн").says("Или подберём время для вас")
	a := s.post(path, "online", "on", "action", "book").want(http.StatusOK).reads("h1", "Открываем запись").has(1, "a[href='"+path+"']")
	to := "https://%D0%B7%D0%B0%D0%BF%D0%B8%D1%81%D1%8C.example.com/?clinic=1&from=rp"
	if got := a.Header().Get("Refresh"); got != "0; url="+to {
		t.Errorf("it leads to %q", got)
	}
	if r := s.card().Response("recall", "2026-11-21"); r == nil || r.Action != dental.BookOffer {
		t.Errorf("stored is %+v", r)
	}
	s.get(path).says("Если время на сайте ещё не выбрано, администратор позвонит сегодня, до 17:45")
	s.does(path, "action", "callback")
}

func TestAnAddressThatIsNoneIsNotLedTo(t *testing.T) {
	for _, bad := range []string{"javascript:alert(1)", "ftp://booking.example.com/", "booking", "//booking.example.com"} {
		s := offered(t, func(s *surgery) { s.Clinic.BookingURL = bad })
		path := s.recall()
		s.get(path).has(0, "[name=online]")
		a := s.post(path, "online", "on", "action", "book").want(http.StatusBadRequest).reads("[role=alert]", "Записи онлайн сейчас нет. Выберите день или попросите перезвонить.")
		if a.Header().Get("Refresh") != "" || len(s.card().Responses) != 0 {
			t.Errorf("%q was led to", bad)
		}
	}
}

func TestAnOfferToWhoIsBookedShowsTheAppointment(t *testing.T) {
	s := offered(t, nil)
	path := s.recall()
	s.does(path, "action", "book")
	s.write(dental.Appointment{Clinic: clinicID, Patient: patientID, ID: "A-9", Start: friday.AddDate(0, 0, 3), Status: dental.Booked})
	page := s.get(path).reads("h1", "Вы уже записаны").says("Ждём вас в понедельник, 25 мая, в 16:40.").saysNot("Администратор").has(0, "[name=weekday]")
	if got, want := offeredActions(page), []string{"callback Перезвоните мне", "never Больше не приглашайте"}; !slices.Equal(got, want) {
		t.Errorf("offered are %q", got)
	}
	s.post(path, "action", "later").want(http.StatusConflict).reads("[role=alert]", "С тех пор всё изменилось: запись уже есть, или визит состоялся. Посмотрите, как сейчас.").reads("h1", "Вы уже записаны")
	s.does(path, "action", "never").reads("h1", "Вы уже записаны").says("Приглашений этого вида больше не будет.").has(0, "button[value=never]")
	s.does(path, "action", "callback").says("Администратор позвонит сегодня, до 17:45.")
}

func TestAnOfferThatIsOverSaysSo(t *testing.T) {
	s := offered(t, nil)
	path := s.sleeping()
	s.clock.Advance(24 * time.Hour)
	s.write(dental.Visit{Clinic: clinicID, Patient: patientID, ID: "V-2", FinishedAt: s.clock.Now(), Day: dental.DateOf(s.clock.Now())})
	s.clock.Advance(time.Hour)
	s.get(path).reads("h1", "Спасибо за визит!").has(0, "[name=weekday]").has(0, ".who").saysNot("скидка").has(1, "a.button[href^='tel:']").has(2, "button[name=action]")
	s.get(s.offer("recall", "first", "2027-01-01")).reads("h1", "Это приглашение устарело")
}

func TestAnAnswerToAnOfferThatIsNoneIsRefused(t *testing.T) {
	s := offered(t, nil)
	path := s.recall()
	writes := s.table.writes
	for body, alert := range map[string]string{
		"":                                   "Выберите одну из кнопок.",
		"action=sleep":                       "Выберите одну из кнопок.",
		"action=Book":                        "Выберите одну из кнопок.",
		"weekday=fri":                        "Выберите одну из кнопок.",
		"action=book&weekday=sun":            "В этот день клиника не работает. Выберите другой.",
		"action=book&part=night":             "В это время клиника не работает. Выберите другое.",
		"action=book&online=on":              "Записи онлайн сейчас нет. Выберите день или попросите перезвонить.",
		"action=book&online=yes":             "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
		"action=book&action=never":           "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
		"action=book&answer=good":            "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
		"action=book&weekday=fri&weekday=":   "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
		"action=book&weekday=%3Cscript%3E":   "В этот день клиника не работает. Выберите другой.",
		"List-Unsubscribe=One-Click&action=": "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.",
	} {
		s.send(formRequest(path, body)).want(http.StatusBadRequest).reads("[role=alert]", alert).has(1, "button[value=later]")
	}
	if s.table.writes != writes {
		t.Error("something was written")
	}
}

func TestWhatTheClinicAndItsSystemSayIsNoMarkup(t *testing.T) {
	const bad = `<script>alert(1)</script>"'>&{page.call}`
	s := offered(t, func(s *surgery) {
		s.Clinic.Name, s.Clinic.Address, s.Visit.Doctor.Name = bad, bad, bad
		s.Clinic.Gifts = []dental.Gift{{ID: "x", Name: bad}}
		s.Clinic.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Benefit: dental.Benefit{Kind: dental.GiftService, Name: bad}}
	})
	s.write(dental.Plan{Clinic: clinicID, Patient: patientID, ID: "L", PresentedAt: friday.AddDate(0, 0, -14), Stages: []dental.Stage{{ID: "1", Name: bad, Status: dental.StagePlanned}}})
	for name, path := range map[string]string{"an offer": s.sleeping(), "a plan": s.offer("plan", "next-stage", "L:2026-05-08"), "a gift": s.gift(), "the club": s.club()} {
		page := s.get(path).want(http.StatusOK).has(0, "script").says("alert(1)")
		if strings.Contains(body(page), "<script>") {
			t.Errorf("%s has the markup", name)
		}
	}
	s.does(s.gift(), "gift", "x").has(0, "script").says(bad)
}
