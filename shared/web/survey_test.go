package web_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

func TestBeforeAnAnswerTheSurveyAsksOneQuestionThatOneTapAnswers(t *testing.T) {
	s := newSurgery(t, nil)
	page := s.get(s.survey()).want(http.StatusOK).
		reads("h1", "Как вы оцениваете приём?").
		reads("title", "Оценка приёма — Улыбка").
		has(1, "form[method=post]").
		has(3, "form button[name=answer]").
		has(0, "input[name=nps]").has(0, "textarea").has(0, "button[name=map]").
		says("Визит 21 мая, врач Ирина Соколова.")
	for i, want := range []struct{ value, face, word string }{{"good", "👍", "Хорошо"}, {"fair", "😐", "Средне"}, {"bad", "👎", "Плохо"}} {
		button := page.all("form button[name=answer]")[i]
		if got := attr(button, "value"); got != want.value {
			t.Errorf("button %d answers %q, want %q", i, got, want.value)
		}
		page.reads("button[value="+want.value+"] [aria-hidden=true]", want.face)
		page.reads("button[value="+want.value+"] span:not([aria-hidden])", want.word)
	}
}

func TestTheSurveyShowsTheDoctorsAdviceAndWhatComesNext(t *testing.T) {
	s := newSurgery(t, nil)
	page := s.get(s.survey()).reads(".advice", "Два дня без крепкого чая и кофе. Щётка мягкая, дважды в день.").
		says("Следующий шаг: Контроль.").says("Ждём вас 24 мая.") // an appointment comes before the return date
	if body := page.Body.String(); !strings.Contains(body, "кофе.\nЩётка") {
		t.Error("the advice has lost its lines")
	}
	s = newSurgery(t, func(s *surgery) { s.Next.ID = "" })
	s.get(s.survey()).says("Следующий осмотр — 21 ноября.")
	s = newSurgery(t, func(s *surgery) { s.Next.ID, s.Visit.Day.Month = "", time.September })
	s.get(s.survey()).says("Следующий осмотр — 21 марта 2027.")
}

func TestOnTheDayItselfTheAdviceComesFirst(t *testing.T) {
	s := newSurgery(t, func(s *surgery) {
		s.Visit.Day, s.Visit.FinishedAt = dental.DateOf(friday), friday.Add(-time.Hour)
	})
	path := s.survey()
	page := s.get(path).reads("h1", "Спасибо за визит!").has(3, "button[name=answer]")
	words := page.words()
	if strings.Index(words, "Советы врача") > strings.Index(words, "Как вы оцениваете") {
		t.Errorf("the question comes before the advice: %s", words)
	}
	s.clock.Advance(24 * time.Hour)
	s.get(path).reads("h1", "Как вы оцениваете приём?")
}

func TestOneTapAnswersAndThePageThanksByMood(t *testing.T) {
	for _, c := range []struct {
		name, answer, heading, says string
		maps                        int
		task                        dental.TaskKind
	}{
		{"good is happy and gets the maps", "good", "Спасибо! Рады, что всё хорошо", "Отзыв на картах", 2, ""},
		{"fair is told of the next working day", "fair", "Спасибо за честный ответ", "свяжется с вами не позже чем завтра.", 0, dental.FeedbackTask},
		{"bad is told of the working hour", "bad", "Нам жаль, что приём вас расстроил", "свяжется с вами сегодня, до 17:45, чтобы", 0, dental.ComplaintTask},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSurgery(t, nil)
			path := s.survey()
			s.does(path, "answer", c.answer).want(http.StatusOK).
				reads("h1", c.heading).says(c.says).
				has(c.maps, "button[name=map]").
				has(1, "button[aria-current=true]").has(1, "button[aria-current][value="+c.answer+"]").
				has(11, "input[type=radio][name=nps]").has(0, "input[checked]").has(1, "textarea[name=comment][maxlength='2000']").
				has(0, "[role=status]")
			card := s.card()
			if a := card.Answer(s.Visit.Day); a == nil || a.Rating != dental.Rating(c.answer) {
				t.Errorf("stored is %v", a)
			}
			if c.task != "" && (len(card.Tasks) != 1 || card.Tasks[0].Kind != c.task) {
				t.Errorf("the tasks are %v, want one %s", card.Tasks, c.task)
			}
		})
	}
}

func TestWhoIsAskedAfterAComplaintReadsTheQuestionAndAnswersItAnew(t *testing.T) {
	s := newSurgery(t, nil)
	path, day := s.survey(), s.Visit.Day
	s.does(path, "answer", "bad")
	s.clock.Advance(24 * time.Hour)
	tx := s.store.Begin()
	if _, err := tx.Card(t.Context(), clinicID, patientID); err != nil {
		t.Fatal(err)
	}
	tx.Put(dental.Touch{Clinic: clinicID, Patient: patientID, Scenario: "after-visit", Step: "settled", Anchor: day.String(),
		Class: dental.Service, State: dental.Sent, SentAt: s.clock.Now()})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.get(path).reads("h1", "Удалось ли нам всё исправить?").has(3, "button[name=answer]").has(0, "button[aria-current]").has(0, "textarea").saysNot("Нам жаль")
	s.clock.Advance(time.Hour)
	s.does(path, "answer", "bad").reads("h1", "Нам жаль, что исправить не удалось")
	s.does(path, "answer", "good").reads("h1", "Спасибо! Рады, что всё хорошо")
}

// What the page promises is what the task binds staff to, whenever the answer comes.
func TestThePageNeverPromisesMoreThanTheTaskAsks(t *testing.T) {
	for hours := range 7 * 24 {
		s := newSurgery(t, func(s *surgery) { s.clock.Advance(time.Duration(hours)*time.Hour + 7*time.Minute) })
		path := s.grant(dental.Link{Purpose: dental.SurveyLink, Subject: s.Visit.Day.String(), Expires: friday.AddDate(0, 1, 0)})
		page := s.does(path, "answer", "bad")
		tasks := s.card().Tasks
		if len(tasks) != 1 {
			t.Fatalf("the tasks are %v", tasks)
		}
		due := tasks[0].Due.In(moscow)
		by := due.Add(14 * time.Minute).Truncate(15 * time.Minute)
		if by.Before(due) || by.Hour() < 9 || by.Hour() > 20 {
			t.Fatalf("the task is due at %v: this test cannot judge it", due)
		}
		when := locale.Russian.Relative(dental.DateOf(by), dental.DateOf(s.clock.Now().In(moscow)))
		page.says(fmt.Sprintf("свяжется с вами %s, до %s, чтобы", when, by.Format("15:04")))
	}
}

func TestOnceTheDeadlineIsPastThePageSaysWhatToDo(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.does(path, "answer", "bad").has(1, "a.button[href='tel:+74950000000']")
	s.clock.Advance(65*time.Minute - time.Second)
	s.get(path).says("сегодня, до 17:45")
	s.clock.Advance(time.Second)
	s.get(path).saysNot("17:45").says("Если с вами ещё не связались, позвоните")

	s = newSurgery(t, nil)
	path = s.survey()
	s.does(path, "answer", "fair")
	s.clock.Advance(48 * time.Hour)
	s.get(path).says("Если с вами ещё не связались, позвоните")
}

func TestAScoreAndWordsAreSavedAndShownAsTheyStand(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.does(path, "answer", "good")
	page := s.does(path, "nps", "9", "comment", "Спасибо, Ирина!\nПриду ещё.").
		reads("[role=status]", "Сохранено. Спасибо!").
		has(1, "input[name=nps][value='9'][checked]").has(1, "input[checked]").
		reads("textarea", "Спасибо, Ирина! Приду ещё.")
	if !strings.Contains(page.Body.String(), "Ирина!\nПриду") {
		t.Error("the words have lost their lines")
	}
	s.get(path).has(0, "[role=status]").has(1, "input[value='9'][checked]")
	s.does(path, "nps", "0", "comment", "Передумала").
		reads("h1", "Нам жаль, что приём вас расстроил").has(1, "input[checked][value='0']").reads("textarea", "Передумала")
	if a := s.card().Answer(s.Visit.Day); a.NPS != 0 || a.Rating != dental.Good || a.Changes != 3 {
		t.Errorf("stored is %+v", a)
	}
}

func TestAnAnswerWithoutAVerdictStillAsksForTheThumb(t *testing.T) {
	s := newSurgery(t, nil)
	s.does(s.survey(), "nps", "8").reads("h1", "Спасибо за ответ").has(3, "button[name=answer]").has(0, "[aria-current]").
		says("Как вы оцениваете приём?").saysNot("Ваша оценка")
}

// multipartForm is the page's own form of words as a browser sends it.
func multipartForm(path string, pairs ...string) *http.Request {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = w.WriteField(pairs[i], pairs[i+1])
	}
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

func TestTheLongestTextOfAnyScriptIsTaken(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	if got := attr(s.does(path, "answer", "good").all("form:has(textarea)")[0], "enctype"); got != "multipart/form-data" {
		t.Fatalf("the form of words is sent as %q", got)
	}
	words := strings.Repeat("გ", 2000) // three bytes each, nine in the other encoding
	s.send(multipartForm(path, "nps", "10", "comment", words)).want(http.StatusSeeOther)
	if got := s.card().Answer(s.Visit.Day).Comment; got != words {
		t.Errorf("stored are %d bytes of %d", len(got), len(words))
	}
}

func TestAnAnswerCanBeChangedForSevenDaysAndIsReadOnlyAfterwards(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.does(path, "answer", "good", "nps", "9", "comment", "Всё понравилось")
	s.clock.Advance(7*24*time.Hour - time.Second)
	s.get(path).has(3, "button[name=answer]").says("Оценку можно изменить в течение 7 дней")
	s.clock.Advance(time.Second)
	s.get(path).want(http.StatusOK).
		reads("h1", "Спасибо! Рады, что всё хорошо").reads(".given", "👍 Хорошо").says("9 из 10").reads("blockquote", "Всё понравилось").
		has(0, "button[name=answer]").has(0, "textarea").has(0, "input").
		has(2, "button[name=map]"). // a map may still be followed
		says("изменить его уже нельзя")

	before := s.table.writes
	s.post(path, "answer", "bad").want(http.StatusConflict).
		reads("[role=alert]", "Ответ уже нельзя изменить: прошло больше 7 дней.").reads(".given", "👍 Хорошо")
	if s.table.writes != before || s.card().Answer(s.Visit.Day).Rating != dental.Good {
		t.Error("a late answer was written")
	}
}

func TestAMapIsNotedAndOpenedByAPageThatLeadsOn(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.does(path, "answer", "good")
	page := s.post(path, "map", "2ГИС").want(http.StatusOK).
		reads("h1", "Открываем карту").reads("a.button", "2ГИС").has(1, "a.button[href='https://2gis.example.com/firm/1']").has(1, "a[href='"+path+"']")
	if got := page.Header().Get("Refresh"); got != "0; url=https://2gis.example.com/firm/1" {
		t.Errorf("Refresh is %q", got)
	}
	if got := s.card().Answer(s.Visit.Day).Maps; len(got) != 1 || got[0] != "2ГИС" {
		t.Errorf("followed are %q", got)
	}
	before := s.table.writes
	s.post(path, "map", "2ГИС").want(http.StatusOK)
	if s.table.writes != before {
		t.Error("following again was written again")
	}
}

func TestAMapIsShownToWhomItsOwnerAllows(t *testing.T) {
	everyone := func(s *surgery) { s.Clinic.Maps[1].Ask = dental.AskEveryone }
	s := newSurgery(t, everyone)
	path := s.survey()
	s.post(path, "map", "2ГИС").want(http.StatusBadRequest).reads("[role=alert]", "Такой карты здесь нет. Выберите из списка.")
	s.does(path, "answer", "bad").has(1, "button[name=map]").reads("button[name=map]", "2ГИС")
	s.post(path, "map", "Яндекс Карты").want(http.StatusBadRequest).has(1, "button[name=map]")
	if got := s.card().Answer(s.Visit.Day).Maps; len(got) != 0 {
		t.Errorf("followed are %q", got)
	}
	s = newSurgery(t, func(s *surgery) { s.Patient.BirthDate = dental.Date{Year: 2015, Month: 1, Day: 1} })
	s.does(s.survey(), "answer", "good").has(0, "button[name=map]")
}

func TestAMapLeadsNowhereButToTheWeb(t *testing.T) {
	for _, c := range []struct{ url, refresh string }{
		{"javascript:alert(1)", ""},
		{"data:text/html,x", ""},
		{"//maps.example.com/1", ""},
		{"maps.example.com/1", ""},
		{"https:///1", ""},
		{"https://maps.example.com/\r\nSet-Cookie: a=b", ""},
		{"https://maps.example.com/поиск?text=клиника Улыбка", "0; url=https://maps.example.com/%D0%BF%D0%BE%D0%B8%D1%81%D0%BA?text=%D0%BA%D0%BB%D0%B8%D0%BD%D0%B8%D0%BA%D0%B0%20%D0%A3%D0%BB%D1%8B%D0%B1%D0%BA%D0%B0"},
		{"https://maps.example.com/?a=1;b='2,3", "0; url=https://maps.example.com/?a=1;b='2,3"},
		{"http://maps.example.com", "0; url=http://maps.example.com"},
	} {
		s := newSurgery(t, func(s *surgery) { s.Clinic.Maps = []dental.Map{{Name: "Карта", URL: c.url, Ask: dental.AskHappy}} })
		path := s.survey()
		page := s.does(path, "answer", "good")
		a := s.post(path, "map", "Карта")
		if got := a.Header().Get("Refresh"); got != c.refresh {
			t.Errorf("%q leads to %q, want %q", c.url, got, c.refresh)
		}
		if c.refresh == "" {
			page.has(0, "button[name=map]")
			a.want(http.StatusBadRequest)
			if got := s.card().Answer(s.Visit.Day).Maps; len(got) != 0 {
				t.Errorf("%q was noted as followed", c.url)
			}
		}
	}
}

func TestAFormThatCannotBeReadIsShownWhatIsWrongAndChangesNothing(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.does(path, "answer", "good", "comment", "Было хорошо")
	writes := s.table.writes
	for _, c := range []struct {
		name, body, alert string
	}{
		{"a word that is no answer", "answer=great", "Выберите оценку или напишите несколько слов."},
		{"an answer in capitals", "answer=GOOD", "Выберите оценку или напишите несколько слов."},
		{"nothing at all", "", "Выберите оценку или напишите несколько слов."},
		{"empty fields", "answer=&nps=&comment=+", "Выберите оценку или напишите несколько слов."},
		{"a score over ten", "nps=11", "Выберите число от 0 до 10."},
		{"a score below nothing", "nps=-1", "Выберите число от 0 до 10."},
		{"a score with a zero before it", "nps=07", "Выберите число от 0 до 10."},
		{"a score in words", "nps=nine", "Выберите число от 0 до 10."},
		{"an answer twice", "answer=good&answer=bad", "Не получилось прочитать форму. Попробуйте ещё раз на этой странице."},
		{"a field of another page", "answer=bad&action=cancel", "Не получилось прочитать форму. Попробуйте ещё раз на этой странице."},
		{"a map beside an answer", "map=2%D0%93%D0%98%D0%A1&answer=bad", "Не получилось прочитать форму. Попробуйте ещё раз на этой странице."},
		{"an unknown map", "map=x", "Такой карты здесь нет. Выберите из списка."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			s.send(formRequest(path, c.body)).want(http.StatusBadRequest).reads("[role=alert]", c.alert).
				has(1, "button[aria-current][value=good]").reads("textarea", "Было хорошо")
		})
	}
	s.t = t
	if s.table.writes != writes {
		t.Error("something was written")
	}
	s.send(formRequest("/s/AAAAAAAAAAAAAAAA", "answer=great")).want(http.StatusNotFound)
}

const hostile = `</textarea><script>alert(1)</script><img src=x onerror=alert(2)>"'>{{.}}`

func TestWordsOfPatientsAndClinicsStayWords(t *testing.T) {
	s := newSurgery(t, func(s *surgery) {
		s.Clinic.Name, s.Clinic.Address = "Клиника "+hostile, "Адрес "+hostile
		s.Clinic.Phone = dental.Phone(`+7"><script>`)
		s.Clinic.Maps[0].Name = "Карта " + hostile
		s.Clinic.Maps[0].URL = `https://maps.example.com/"><script>alert(1)</script>`
		s.Visit.Doctor.Name, s.Visit.Recommendations, s.Visit.NextStep.Name = "Врач "+hostile, "Совет "+hostile, "Шаг "+hostile
		s.Next.Doctor.Name = "Врач " + hostile
	})
	survey := s.survey()
	pages := []*answer{s.get(survey), s.does(survey, "answer", "good", "comment", "Слова "+hostile), s.post(survey, "map", s.Clinic.Maps[0].Name).want(http.StatusOK),
		s.get(s.appointment()), s.get(s.preferences()), s.get(s.preferences() + "?not-me")}
	s.clock.Advance(8 * 24 * time.Hour)
	pages = append(pages, s.get(survey))
	for i, page := range pages {
		page.want(http.StatusOK).has(0, "script").has(0, "img").has(0, "[onerror]").says("Клиника " + hostile).says("Адрес " + hostile)
		if i == 1 {
			page.reads("textarea", "Слова "+hostile).reads(".advice", "Совет "+hostile).says("Шаг " + hostile)
		}
	}
	pages[6].reads("blockquote", "Слова "+hostile)
	if got := pages[2].Header().Get("Refresh"); strings.ContainsAny(got, `"<>`) {
		t.Errorf("Refresh is %q", got)
	}
}

func TestAFaceOfTheLetterIsPickedAndStillToBeSent(t *testing.T) {
	s := newSurgery(t, nil)
	path := s.survey()
	s.get(path).has(0, ".picked").has(3, "button[name=answer]")
	s.get(path+"?answer=fair").want(http.StatusOK).has(1, ".thumb.picked[value=fair]").has(1, ".button.main[name=answer][value=fair]").has(0, "[aria-current]")
	if s.card().Answers != nil {
		t.Error("a link that was opened has given an answer")
	}
	s.get(path+"?answer=splendid").has(0, ".picked").has(3, "button[name=answer]")
	s.does(path, "answer", "good")
	s.get(path+"?answer=bad").has(0, ".picked").has(1, ".thumb[aria-current][value=good]")
}

func TestWhatWasDoneAndWhatComesNextIsShownToWhoAsks(t *testing.T) {
	s := newSurgery(t, nil)
	page := s.get(s.survey())
	page.has(2, "details:not([open])").reads("details .advice", "Два дня без крепкого чая и кофе. Щётка мягкая, дважды в день.")
	for _, n := range page.all(".advice") {
		for n = n.Parent; n.Data != "details"; n = n.Parent {
			if n.Data == "main" {
				t.Fatal("the doctor's advice stands open")
			}
		}
	}
}
