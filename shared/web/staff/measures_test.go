package staff

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"html"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/report"
	"github.com/returnpoint/returnpoint/shared/store"
)

// follows opens the page that a press led to, as the browser that pressed does.
func (h *house) follows(w *httptest.ResponseRecorder, role dental.Role) *httptest.ResponseRecorder {
	h.t.Helper()
	if w.Code != http.StatusSeeOther {
		h.t.Fatalf("the press is answered %d: %.300s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil)
	r.Header.Set(who, person(role))
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	out := httptest.NewRecorder()
	h.mux.ServeHTTP(out, r)
	return out
}

// uploads sends a file as somebody of the clinic.
func (h *house) uploads(path string, role dental.Role, file string) *httptest.ResponseRecorder {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "table.csv")
	if err == nil {
		_, err = part.Write([]byte(file))
	}
	if err != nil || form.Close() != nil {
		h.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/desk/demo"+path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set(who, person(role))
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

// counts puts the sums of a period where those of patients would be added up.
func (h *house) counts(period string, sums map[string]int64) {
	h.t.Helper()
	tx := h.stage.Store.Begin()
	totals, err := tx.Totals(h.t.Context(), "demo", period)
	if err != nil {
		h.t.Fatal(err)
	}
	totals[0].Sums, totals[0].At = sums, h.stage.Now()
	tx.Put(totals[0])
	if err := tx.Commit(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// busy is a clinic with figures: all of them on its last days.
func busy(t *testing.T) *house {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) { cl.MarginPermille, cl.StartedAt = 400, h.stage.Now().AddDate(0, 0, -31) })
	sums := map[string]int64{"visits": 20, "repeat": 7, "revenue": 100_000_00, "revenue/new": 60_000_00, "paid": 20, "patients": 13, "regulars": 5, "year/patients": 13, "year/regulars": 5,
		"nps/promoters": 6, "nps/passives": 1, "nps/detractors": 1, "rating/good": 7, "rating/bad": 1,
		"touch/recall/first/planned": 40, "touch/recall/first/sent": 30, "touch/recall/first/delivered": 28, "touch/recall/first/came": 4, "skipped/recall/no-consent": 10,
		"back": 4, "back/recall": 4, "back-revenue": 20_000_00, "back-revenue/recall": 20_000_00, "cost/messages": 135_00, "cost/messages/recall": 135_00,
		"doctor/D-1/visits": 20, "doctor/D-1/points": 8, "doctor/D-1/called/Ирина Соколова": 20, "doctor/D-1/no-date": 12, "why/expensive": 3, "plan": 4, "plan/completed": 1}
	for _, period := range []string{"2026-03-09", "2026-03", "2026"} {
		h.counts(period, sums)
	}
	return h
}

func TestEveryPageOfFiguresHasItsWordsInBothLanguagesAndIsLight(t *testing.T) {
	h := busy(t)
	for _, language := range []string{"ru", "en"} {
		h.stage.Settings(func(cl *dental.Clinic) { cl.Language = language })
		for _, tab := range measuresTabs() {
			for _, by := range periods() {
				w := h.shows("/measures"+tab+"?by="+string(by), dental.Manager)
				if w.Code != http.StatusOK {
					t.Errorf("%s by %s is answered %d", tab, by, w.Code)
				}
				lacksWords(t, tab, w)
			}
		}
		for _, path := range []string{"/report", "/report?week=2026-03-09", "/start"} {
			lacksWords(t, path, h.shows(path, dental.Manager))
		}
	}
}

func lacksWords(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, raw := range []string{"desk.measures.", "desk.report.", "desk.start.", "desk.refusal."} {
		if at := strings.Index(w.Body.String(), raw); at >= 0 {
			t.Errorf("%s has no words for %.60q", name, w.Body.String()[at:])
		}
	}
	if w.Body.Len() > 30<<10 {
		t.Errorf("%s weighs %d bytes", name, w.Body.Len())
	}
}

func TestAPeriodThatCannotBeChosenIsRefused(t *testing.T) {
	h := busy(t)
	h.holds(h.shows("/measures?by=decade", dental.Manager), http.StatusBadRequest)
}

func TestTheOverviewShowsTheGoalAndTheFactorsOfLTV(t *testing.T) {
	h := busy(t)
	h.holds(h.shows("/measures", dental.Manager), http.StatusOK,
		"35\u00a0%", "Цель 35\u00a0% достигнута.", "5\u00a0000\u00a0₽ средний чек × 1,54 визита на пациента × 40\u00a0% маржи", "3\u00a0077\u00a0₽", // 100,000 × 0.4 ÷ 13
		"Вернулись по приглашениям", "Никого не оставляют без сообщений", "<p class=\"figure\">63</p>", "aria-labelledby=\"c-share-t c-share-d\"")
}

func TestALiftIsShownOnlyWhenThereAreDataEnough(t *testing.T) {
	h := busy(t)
	arms := map[string]int64{"lift/recall/treated": 100, "lift/recall/treated/came": 40, "lift/recall/left-alone": 20, "lift/recall/left-alone/came": 2}
	h.counts("2026-01", arms)
	h.holds(h.shows("/measures/scenarios", dental.Manager), http.StatusOK, "данных пока мало", "40 из 100", "2 из 20")
	arms["lift/recall/left-alone"], arms["lift/recall/left-alone/came"] = 60, 6
	h.counts("2026-01", arms)
	// 40 % against 10 %: Newcombe's interval is 16.1 to 41.4 points.
	w := h.shows("/measures/scenarios", dental.Manager)
	h.holds(w, http.StatusOK, "+30 п. п.", "от 16,", "до 41,")
	if strings.Contains(w.Body.String(), "данных пока мало") {
		t.Error("it says that there are too few")
	}
	h.holds(h.shows("/measures", dental.Manager), http.StatusOK, "Благодаря системе — около 3 (от 2 до 4)") // 75 % of 4, from 40 to 104
}

func TestTheFunnelOfOneScenarioIsShownAlone(t *testing.T) {
	h := busy(t)
	h.holds(h.shows("/measures/scenarios?scenario=recall", dental.Manager), http.StatusOK, "Путь от сообщения до оплаты: Приглашение на контроль", "Запланировано: 40; пришли: 4.", "нет согласия")
	w := h.shows("/measures/scenarios?scenario=birthday", dental.Manager)
	h.holds(w, http.StatusOK, "Запланировано: 0; пришли: 0.")
}

func TestDoctorsAreShownWithTheirMistakes(t *testing.T) {
	h := busy(t)
	h.holds(h.shows("/measures/doctors", dental.Manager), http.StatusOK, "Ирина Соколова", "40\u00a0%", "60\u00a0%", "«Приходите, если что»")
}

func TestTheTableIsReadByASpreadsheet(t *testing.T) {
	h := busy(t)
	w := h.shows("/measures/table.csv", dental.Manager)
	body, marked := strings.CutPrefix(w.Body.String(), "\ufeff")
	table := csv.NewReader(strings.NewReader(body))
	table.Comma = ';'
	rows, err := table.ReadAll()
	if !marked {
		t.Error("nothing tells that it is UTF-8")
	}
	if err != nil || len(rows) != 14 || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Fatalf("%d rows as %s, %v", len(rows), w.Header().Get("Content-Type"), err)
	}
	last := map[string]string{}
	for i, name := range rows[0] {
		last[name] = rows[13][i]
	}
	for name, want := range map[string]string{"С": "2026-03-01", "Визиты": "20", "Повторные визиты, %": "35,00", "Выручка": "100000,00", "LTV за 12 месяцев": "3076,92", "Готовность рекомендовать (NPS)": "62,5", "Вернулись": "4", "Выручка вернувшихся": "20000,00"} {
		if last[name] != want {
			t.Errorf("%s is %q, want %q", name, last[name], want)
		}
	}
	h.stage.Settings(func(cl *dental.Clinic) { cl.Language = "en" })
	h.holds(h.shows("/measures/table.csv", dental.Manager), http.StatusOK, "From,To,Visits,", "100000.00")
}

func TestCostsAreEnteredByHandOnceAndTakenBack(t *testing.T) {
	h := busy(t)
	form := []string{"id", "press-1", "kind", "acquisition", "amount", "12 400,50", "from", "2026-03-01", "to", "2026-03-31", "note", "Листовки"}
	for range 2 { // the form is sent twice
		h.holds(h.follows(h.sends("/measures/costs", dental.Manager, form...), dental.Manager), http.StatusOK, "Расход внесён.", "12\u00a0400,50\u00a0₽", "Листовки")
	}
	costs, err := h.stage.Store.Costs(t.Context(), "demo")
	if err != nil || len(costs) != 1 || costs[0].Amount.Minor != 12_400_50 || costs[0].Kind != dental.Acquisition || costs[0].By == "" {
		t.Fatalf("kept are %+v, %v", costs, err)
	}
	// 12,400.50 over 31 days: ten days by the 10th, 4,000.16, and 13 new patients.
	h.holds(h.shows("/measures/money", dental.Manager), http.StatusOK, "308\u00a0₽")
	for what, change := range map[string][]string{"no amount": {"amount", "много"}, "no day": {"from", ""}, "an end before its beginning": {"to", "2026-02-01"}, "no kind": {"kind", "bribe"}} {
		wrong := slices.Clone(form)
		wrong[1] = "press-2"
		wrong[slices.Index(wrong, change[0])+1] = change[1]
		if w := h.follows(h.sends("/measures/costs", dental.Manager, wrong...), dental.Manager); !strings.Contains(w.Body.String(), `role="alert"`) {
			t.Errorf("%s is taken", what)
		}
	}
	h.holds(h.follows(h.sends("/measures/costs/remove", dental.Manager, "id", costs[0].ID, "from", "2026-03-01"), dental.Manager), http.StatusOK, "Расход убран.")
	if costs, err := h.stage.Store.Costs(t.Context(), "demo"); err != nil || len(costs) != 0 {
		t.Errorf("kept are %+v, %v", costs, err)
	}
	if log := h.logged(); len(log) != 2 || !strings.HasPrefix(log[0], "cost-") || !strings.HasPrefix(log[1], "cost-") {
		t.Errorf("logged are %q", log)
	}
}

func TestRatingsAreNotedByHandAndDrawn(t *testing.T) {
	h := busy(t)
	for on, rating := range map[string]string{"2026-03-02": "4,6", "2026-03-09": "4.8"} {
		h.holds(h.follows(h.sends("/measures/ratings", dental.Manager, "id", on, "map", "Яндекс Карты", "on", on, "rating", rating, "reviews", "120"), dental.Manager), http.StatusOK, "Рейтинг записан.")
	}
	h.holds(h.shows("/measures/reviews", dental.Manager), http.StatusOK, "Рейтинг: Яндекс Карты", "Сейчас 4,8, отзывов: 120.", "Рейтинг: 4,6 (2.03.26) → 4,8 (9.03.26).")
	h.holds(h.follows(h.sends("/measures/ratings", dental.Manager, "id", "x", "map", "Яндекс Карты", "on", "2026-03-09", "rating", "12", "reviews", "120"), dental.Manager), http.StatusOK, `role="alert"`)
	h.holds(h.follows(h.sends("/measures/ratings/remove", dental.Manager, "map", "Яндекс Карты", "on", "2026-03-09"), dental.Manager), http.StatusOK, "Запись убрана.", "Сейчас 4,6")
}

func TestATableOfCostsGoesInAndItsBadLinesAreNamed(t *testing.T) {
	h := busy(t)
	w := h.uploads("/measures/costs/file", dental.Manager, "вид;сумма;с;по;примечание\nпривлечение;1000;2026-03-01;2026-03-31;реклама\nпривлечение;много;2026-03-01;2026-03-31;\n")
	h.holds(h.follows(w, dental.Manager), http.StatusOK, "Строк принято: 1 из 2.", "Строка 3:", `role="alert"`, "1\u00a0000\u00a0₽")
	w = h.uploads("/measures/ratings/file", dental.Manager, "map;date;rating;reviews\nЯндекс Карты;2026-03-08;4.7;99\n")
	h.holds(h.follows(w, dental.Manager), http.StatusOK, "Строк принято: 1 из 1.", "4,7")
	h.holds(h.follows(h.uploads("/measures/costs/file", dental.Manager, "\x00"), dental.Manager), http.StatusOK, `role="alert"`)
}

func TestDecisionsOfAReviewAreKeptLoggedAndListed(t *testing.T) {
	h := busy(t)
	h.holds(h.shows("/measures", dental.Manager), http.StatusOK, "Через 30 дней", "Обзор — 8 апреля 2026.")
	w := h.sends("/measures/decisions", dental.Manager, "days", "30", "decisions", " Врачи называют дату.\nКлуб — с мая. ")
	h.holds(h.follows(w, dental.Manager), http.StatusOK, "Решения записаны.", "Врачи называют дату.\nКлуб — с мая.</blockquote>", "10 марта 2026")
	h.holds(h.sends("/measures/decisions", dental.Manager, "days", "60", "decisions", "рано"), http.StatusBadRequest)
	h.holds(h.sends("/measures/decisions", dental.Manager, "days", "31", "decisions", "нет такого"), http.StatusBadRequest)
	h.holds(h.follows(h.sends("/measures/decisions", dental.Manager, "days", "30", "decisions", " "), dental.Manager), http.StatusOK, `role="alert"`)
	kept, err := h.stage.Store.Reviews(t.Context(), "demo")
	if err != nil || len(kept) != 1 || kept[0].Decisions != "Врачи называют дату.\nКлуб — с мая." {
		t.Errorf("kept are %+v, %v", kept, err)
	}
	if log := h.logged(); len(log) != 1 || !strings.HasPrefix(log[0], "review: Врачи называют дату.") {
		t.Errorf("logged are %q", log)
	}
	h.stage.Set(h.stage.Now().AddDate(0, 0, 30)) // the next review lists what was decided at the first
	h.holds(h.shows("/measures", dental.Manager), http.StatusOK, "Через 60 дней", "Врачи называют дату.")
}

func TestDecisionsThatSomebodyElseWroteMeanwhileAreNotWrittenOver(t *testing.T) {
	h := busy(t)
	shown := shownOf(h.shows("/measures", dental.Manager).Body.String())
	h.sends("/measures/decisions", dental.Owner, "days", "30", "seen", shown, "decisions", "Клуб — с мая.")
	w := h.sends("/measures/decisions", dental.Manager, "days", "30", "seen", shown, "decisions", "Врачи называют дату.")
	h.holds(w, http.StatusConflict, `role="alert"`, "Клуб — с мая.</blockquote>", "Врачи называют дату.</textarea>")
	if kept, err := h.stage.Store.Reviews(t.Context(), "demo"); err != nil || len(kept) != 1 || kept[0].Decisions != "Клуб — с мая." {
		t.Errorf("kept are %+v, %v", kept, err)
	}
	h.sends("/measures/decisions", dental.Manager, "days", "30", "seen", shownOf(w.Body.String()), "decisions", "Клуб — с мая. Врачи называют дату.")
	if kept, err := h.stage.Store.Reviews(t.Context(), "demo"); err != nil || len(kept) != 1 || kept[0].Decisions != "Клуб — с мая. Врачи называют дату." {
		t.Errorf("after both were read, kept are %+v, %v", kept, err)
	}
}

// shownOf is what the first form of a page says that it has shown.
func shownOf(page string) string {
	_, rest, _ := strings.Cut(page, `name="seen" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(value)
}

func TestAFileOfCostsMayBeAsLongAsItIsSaidToBe(t *testing.T) {
	h := busy(t)
	line := "привлечение;1000;2026-03-01;2026-03-31;реклама\n"
	file := "вид;сумма;с;по;примечание\n" + line
	file += strings.Repeat("\n", desk.MostFile-len(file))
	h.holds(h.follows(h.uploads("/measures/costs/file", dental.Manager, file), dental.Manager), http.StatusOK, "Строк принято: 1 из 1.")
}

func TestTheReportIsThatOfLastWeekUnlessAnotherIsAskedFor(t *testing.T) {
	h := busy(t)
	h.holds(h.shows("/report", dental.Manager), http.StatusOK, "Неделя с 2 по 8 марта 2026", "никто не вернулся")
	h.holds(h.shows("/report?week=2026-03-09", dental.Manager), http.StatusOK, "Неделя с 9 по 15 марта 2026", "Эта неделя идёт", "вернулись 4 пациента: 20\u00a0000\u00a0₽.", "Отчёт за неделю пока никому не отправляют.")
	for _, week := range []string{"2026-03-10", "2026-03-16", "x", "2020-01-06"} {
		h.holds(h.shows("/report?week="+week, dental.Manager), http.StatusNotFound)
	}
}

func TestAReportThatWasSentIsShownAsItWas(t *testing.T) {
	h := busy(t)
	h.employReader()
	sent := 0
	reporter := &report.Reporter{Store: h.stage.Store, Catalogue: h.stage.Catalogue, Figures: h.pages.Weeks, Base: "https://rp.example", Clock: h.stage.Now, NewID: func() string { return "a-1" }, Log: h.pages.Log,
		Mail: func(context.Context, report.Letter) error { sent++; return nil }}
	order, err := json.Marshal(report.Item{Notice: &report.Order{Clinic: "demo", Kind: store.WeekNotice, Anchor: "2026-03-02"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := reporter.Handle(t.Context(), string(order)); err != nil || sent != 1 {
		t.Fatalf("%d letters, %v", sent, err)
	}
	h.counts("2026-03-03", map[string]int64{"visits": 3, "back": 3, "back-revenue": 1}) // a correction of later
	h.holds(h.shows("/report", dental.Manager), http.StatusOK, "никто не вернулся", "Отправлен во вторник, 10 марта", "Каждую неделю отчёт получают: Анна &lt;Клёнова&gt;.", "отправлено")
}

// employReader has the manager get the weekly report.
func (h *house) employReader() {
	h.t.Helper()
	tx := h.stage.Store.Begin()
	post, err := tx.Staff(h.t.Context(), "demo", h.stage.Store.StaffKey(person(dental.Manager)))
	if err != nil {
		h.t.Fatal(err)
	}
	post.Report = true
	tx.Put(post)
	if err := tx.Commit(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func TestTheFirstStepsTickThemselvesAndThoseThatNothingShowsArePressed(t *testing.T) {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) { cl.HeardAt, cl.Scenarios, cl.Address = time.Time{}, nil, "" })
	plan := func() map[string]report.StepState {
		h.t.Helper()
		s, err := report.FirstDays(t.Context(), h.stage.Store, h.set(), h.stage.Now())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]report.StepState{}
		for _, day := range s.Days {
			for _, step := range day.Steps {
				out[step.Name] = step.State
			}
		}
		if len(s.Days) != 7 || len(out) != s.All {
			t.Errorf("%d days with %d steps, of which %d have a name of their own", len(s.Days), s.All, len(out))
		}
		return out
	}
	before := plan()
	for name, want := range map[string]report.StepState{"mis": report.StepOpen, "settings": report.StepOpen, "sender": report.StepOpen, "staff": report.StepDone, "recall": report.StepOpen, "maps": report.StepDone,
		"script": report.StepOpen, "scenario": report.StepOpen, "delivered": report.StepOpen, "costs": report.StepOpen, "ratings": report.StepOpen, "report": report.StepOpen, "review": report.StepWaiting} {
		if before[name] != want {
			t.Errorf("%s is %q at first, want %q", name, before[name], want)
		}
	}
	h.holds(h.shows("/start", dental.Manager), http.StatusOK, "Следующий шаг: Программа клиники передаёт события", "Не хватает: адрес, маржа и цена части SMS.", "Это делает владелец клиники.")

	for _, step := range report.Pressable() {
		h.holds(h.sends("/start", dental.Manager, "step", step, "done", "yes"), http.StatusSeeOther)
	}
	if now := plan(); now["sender"] != report.StepWaiting || now["recall"] != report.StepDone || now["script"] != report.StepDone {
		t.Errorf("pressed, they are %v", now)
	}
	h.holds(h.shows("/start", dental.Manager), http.StatusOK, "Заявка подана 10 марта, ждём одобрения.")
	h.holds(h.sends("/start", dental.Manager, "step", "recall", "done", "no"), http.StatusSeeOther)
	if now := plan(); now["recall"] != report.StepOpen {
		t.Errorf("taken back, it is %v", now["recall"])
	}
	h.holds(h.sends("/start", dental.Manager, "step", "mis", "done", "yes"), http.StatusBadRequest)
	if log := h.logged(); len(log) != 4 {
		t.Errorf("logged are %q", log)
	}

	h.stage.Settings(func(cl *dental.Clinic) {
		cl.HeardAt, cl.Address, cl.MarginPermille, cl.PartPrice = h.stage.Now(), "ул. Примерная, 1", 400, dental.Money{Minor: 450, Currency: "RUB"}
		cl.Scenarios, cl.StartedAt = map[string]dental.ScenarioSettings{"recall": {On: true}}, h.stage.Now().AddDate(0, 0, -30)
	})
	h.counts("2026-03-10", map[string]int64{"touch/recall/first/sent": 1, "touch/recall/first/delivered": 1})
	h.employReader()
	h.sends("/measures/costs", dental.Manager, "id", "c", "kind", "retention", "amount", "1", "from", "2026-03-01", "to", "2026-03-01")
	h.sends("/measures/ratings", dental.Manager, "id", "r", "map", "Яндекс Карты", "on", "2026-03-09", "rating", "5", "reviews", "1")
	if now := plan(); now["review"] != report.StepOpen {
		t.Errorf("the day to look back has come and nothing is decided, and the step is %q", now["review"])
	}
	h.sends("/measures/decisions", dental.Manager, "days", "30", "decisions", "Клуб — с мая.")
	for name, state := range plan() {
		if want := report.StepDone; name != "recall" && state != want {
			t.Errorf("in the end %s is %q", name, state)
		}
	}
}

func TestASilentSystemIsToldOfOnEveryPage(t *testing.T) {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) { cl.HeardAt = h.stage.Now().Add(-47 * time.Hour) }) // Sunday was closed
	if w := h.shows("", dental.Administrator); strings.Contains(w.Body.String(), "молчит") {
		t.Error("it is taken for silent too early")
	}
	h.stage.Settings(func(cl *dental.Clinic) { cl.HeardAt = h.stage.Now().AddDate(0, 0, -4) })
	for _, path := range []string{"", "/arrivals"} {
		h.holds(h.shows(path, dental.Administrator), http.StatusOK, "Программа клиники (МИС) молчит: последние сведения пришли в пятницу, 6 марта")
	}
	h.holds(h.shows("/start", dental.Manager), http.StatusOK, "С 6 марта событий нет.")
}

func TestEveryActionOfThesePagesHasWordsInTheLog(t *testing.T) {
	for _, l := range locale.All() {
		for _, action := range []string{"review", "first-step", "first-step-undone"} {
			if !l.Has("desk.log." + action) {
				t.Errorf("%v has no words for %s", l, action)
			}
		}
	}
}

func TestThePlanOfTheFirstDaysIsLinkedFromTheListInTheFirstMonth(t *testing.T) {
	h := newHouse(t)
	const link = `href="/desk/demo/start"`
	for name, tt := range map[string]struct {
		started time.Time
		role    dental.Role
		linked  bool
	}{
		"nothing is on yet":        {time.Time{}, dental.Manager, true},
		"a week after the start":   {h.stage.Now().AddDate(0, 0, -7), dental.Manager, true},
		"a month after the start":  {h.stage.Now().AddDate(0, 0, -30), dental.Manager, false},
		"an administrator may not": {time.Time{}, dental.Administrator, false},
	} {
		h.stage.Settings(func(cl *dental.Clinic) { cl.StartedAt = tt.started })
		if w := h.shows("", tt.role); strings.Contains(w.Body.String(), link) != tt.linked {
			t.Errorf("%s: it is linked: %v", name, !tt.linked)
		}
	}
}

func TestWhatLooksBackOverMonthsIsNotHeldAgainstTheStartTooEarly(t *testing.T) {
	h := busy(t)
	h.baseline(map[string]int64{"visits": 100, "repeat": 20, "revenue": 500_000_00}, map[string]int64{"patients": 90, "year/patients": 80, "year/regulars": 10, "revenue": 500_000_00})
	early := func() int {
		w := h.shows("/measures", dental.Manager)
		h.holds(w, http.StatusOK, "С начала работы")
		return strings.Count(w.Body.String(), ">рано судить<")
	}
	for days, want := range map[int]int{31: 3, 200: 2, 370: 0} { // LTV and repeat patients ask for a year, new patients for half of one
		h.stage.Settings(func(cl *dental.Clinic) { cl.StartedAt = h.stage.Now().AddDate(0, 0, -days) })
		if got := early(); got != want {
			t.Errorf("%d days after the start %d figures are too early, want %d", days, got, want)
		}
	}
}

// baseline keeps the year before the start as the first scenario's switch does.
func (h *house) baseline(sums, ever map[string]int64) {
	h.t.Helper()
	h.counts(store.Baseline, measure.Freeze(sums, ever))
}
