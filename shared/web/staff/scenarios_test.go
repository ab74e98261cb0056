package staff

import (
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/store"
)

// sends posts a form as somebody of the clinic, given as name, value, name, value.
func (h *house) sends(path string, role dental.Role, pairs ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		form.Add(pair[0], pair[1])
	}
	r := httptest.NewRequest(http.MethodPost, "/desk/demo"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(who, person(role))
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

// shows opens a page.
func (h *house) shows(path string, role dental.Role) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/desk/demo"+path, nil)
	r.Header.Set(who, person(role))
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

// set reads the clinic.
func (h *house) set() *dental.Clinic {
	h.t.Helper()
	cl, err := h.stage.Store.Begin().Clinic(h.t.Context(), "demo")
	if err != nil {
		h.t.Fatal(err)
	}
	return cl
}

// logged lists the actions of the audit log, newest first, with their details.
func (h *house) logged() []string {
	h.t.Helper()
	entries, _, err := h.stage.Store.Log(h.t.Context(), "demo", h.stage.Now().UTC().Format("2006-01"), 50, "")
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Key == "" {
			h.t.Errorf("%s names nobody but by what they are called", e.Action)
		}
		out = append(out, e.Action+": "+e.Detail)
	}
	return out
}

func (h *house) holds(w *httptest.ResponseRecorder, code int, words ...string) {
	h.t.Helper()
	if w.Code != code {
		h.t.Errorf("answered %d, want %d: %.300s", w.Code, code, w.Body)
	}
	for _, word := range words {
		if !strings.Contains(w.Body.String(), word) {
			h.t.Errorf("the page does not say %q", word)
		}
	}
}

func TestAScenarioIsSwitchedOnFromTodayOrWithItsBacklogAndOffAgain(t *testing.T) {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) { cl.Scenarios["sleeping-6"] = dental.ScenarioSettings{} })
	h.holds(h.shows("/scenarios/sleeping-6", dental.Manager), http.StatusOK, "Не были 6 месяцев", "через 6 месяцев после последнего визита, в 11:30", "С кого начать")

	h.holds(h.sends("/scenarios/sleeping-6", dental.Manager, "do", "on", "from", "backlog", "backlogPerDay", "1001"), http.StatusUnprocessableEntity, "нужно целое число от 0 до 1000")
	if h.set().Scenario("sleeping-6").On {
		t.Fatal("what was refused is on")
	}
	h.holds(h.sends("/scenarios/sleeping-6", dental.Manager, "do", "on", "from", "backlog", "backlogPerDay", "15"), http.StatusSeeOther)
	if s := h.set().Scenario("sleeping-6"); !s.On || s.BacklogPerDay != 15 || s.Since != h.set().Today(h.stage.Now()) {
		t.Errorf("it is %+v", s)
	}
	if job, err := h.stage.Store.Begin().Job(t.Context(), "demo", "backlog.sleeping-6."+h.set().Today(h.stage.Now()).String()); err != nil || job.ID == "" {
		t.Errorf("nobody looks for the backlog: %v", err)
	}
	h.holds(h.sends("/scenarios/sleeping-6", dental.Manager, "do", "off"), http.StatusSeeOther)
	if h.set().Scenario("sleeping-6").On {
		t.Error("it is still on")
	}
	h.holds(h.sends("/scenarios/sleeping-6", dental.Manager, "do", "on", "from", "today", "backlogPerDay", "15"), http.StatusSeeOther)
	if s := h.set().Scenario("sleeping-6"); !s.On || s.BacklogPerDay != 0 {
		t.Errorf("from today it is %+v", s)
	}
	want := []string{"scenario-on: Не были 6 месяцев", "scenario-off: Не были 6 месяцев", "scenario-on: Не были 6 месяцев. Сценарий включён. Накопившихся — не больше 15 в день."}
	if got := h.logged(); !sameOf(got, want) {
		t.Errorf("the log has %q", got)
	}
}

// sameOf reports whether two lists have the same lines: those of one instant stand in no order.
func sameOf(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func TestTheSettingsOfAScenarioHaveBoundsAndSayWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	form := func(change ...string) []string {
		return append([]string{"do", "settings", "release", "staff", "backlogPerDay", "5", "holdout", "10", "steps.offer", "on", "offsets.offer", "-3",
			"benefit", "discount", "benefit.percent", "15"}, change...)
	}
	h.holds(h.sends("/scenarios/sleeping-6", dental.Manager, form()...), http.StatusSeeOther)
	s := h.set().Scenario("sleeping-6")
	if s.Release != dental.ReleaseStaff || s.BacklogPerDay != 5 || s.HoldoutPercent != 10 || s.Offsets["offer"] != -3 || s.Benefit != (dental.Benefit{Kind: dental.Discount, Percent: 15}) {
		t.Errorf("it is %+v", s)
	}
	for name, bad := range map[string]struct{ field, value, says string }{
		"too many held out":    {"holdout", "51", "нужно целое число от 0 до 50"},
		"a step moved too far": {"offsets.offer", "61", "нужно целое число от -60 до 60"},
		"words for a number":   {"holdout", "много", "нужно целое число от 0 до 50"},
		"no percent":           {"benefit.percent", "", "нужно целое число от 1 до 50"},
	} {
		t.Run(name, func(t *testing.T) {
			pairs := form()
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == bad.field {
					pairs[i+1] = bad.value
				}
			}
			w := h.sends("/scenarios/sleeping-6", dental.Manager, pairs...)
			h.holds(w, http.StatusUnprocessableEntity, bad.says, `value="`+bad.value+`"`)
			if got := h.set().Scenario("sleeping-6"); got.HoldoutPercent != 10 || got.Offsets["offer"] != -3 {
				t.Errorf("it is %+v", got)
			}
		})
	}
}

func TestARehearsalShowsItsProgressThenWhoWhenAndWhatAndCanBeDownloadedHarmlessly(t *testing.T) {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) {
		cl.PartPrice = dental.Money{Minor: 450, Currency: "RUB"}
		for _, name := range []string{"sleeping-6", "recall", "season"} {
			cl.Scenarios[name] = dental.ScenarioSettings{Release: dental.ReleaseAuto}
		}
	})
	for i := range 60 {
		id := fmt.Sprintf("P-%02d", i)
		h.stage.Patient(id, func(c *intake.Card) {
			c.Number, c.FamilyName = fmt.Sprintf("+7916000%04d", i), `=HYPERLINK("https://evil.example")`
			if i > 0 {
				c.FamilyName = fmt.Sprintf("Петрова %d", i)
			}
		})
		h.stage.Visit("V-"+id, id, h.stage.Now().AddDate(0, -5, -15))
	}
	const at = "/scenarios/sleeping-6/rehearsal"
	h.holds(h.shows(at, dental.Manager), http.StatusOK, "Провести репетицию")
	h.holds(h.sends(at, dental.Manager, "do", "start", "from", "backlog", "backlogPerDay", "нет"), http.StatusUnprocessableEntity, "нужно целое число от 0 до 1000")
	h.holds(h.sends(at, dental.Manager, "do", "start", "from", "today"), http.StatusSeeOther)
	running := h.shows(at, dental.Manager)
	h.holds(running, http.StatusOK, "Репетиция начинается", "Прервать")
	if running.Header().Get("Refresh") == "" {
		t.Error("the page of a running rehearsal does not reload")
	}
	h.stage.Tick()
	sentBefore := len(h.stage.Sent())
	done := h.shows(at, dental.Manager)
	h.holds(done, http.StatusOK, "Петрова", "скидка 10", "Кому не напишет и почему", "<p class=\"figure\">60</p>", "540")
	if done.Header().Get("Refresh") != "" || len(h.stage.Sent()) != sentBefore {
		t.Error("a rehearsal that is done goes on")
	}
	if n := strings.Count(done.Body.String(), "<tr><th scope=\"row\"><a"); n != 50 {
		t.Errorf("the first page has %d rows", n)
	}
	h.holds(h.shows(at+"?page=1", dental.Manager), http.StatusOK, "Петрова")
	h.holds(h.shows(at+"?page=2", dental.Manager), http.StatusNotFound)

	list := h.sends(at+"/list", dental.Manager, "file", "0")
	if got := list.Header().Get("Content-Disposition"); list.Code != http.StatusOK || !strings.HasPrefix(got, "attachment") {
		t.Fatalf("the list is answered %d, %q", list.Code, got)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(list.Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 61 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("a spreadsheet runs the cell %q", cell)
			}
		}
	}
	if got := h.logged(); !slices.Contains(got, "rehearsal-csv: Не были 6 месяцев") || !slices.Contains(got, "rehearsal: Не были 6 месяцев") {
		t.Errorf("the log has %q", got)
	}
}

func TestARehearsalIsStoppedByAPress(t *testing.T) {
	h := newHouse(t)
	const at = "/scenarios/birthday/rehearsal"
	h.holds(h.sends(at, dental.Manager, "do", "start"), http.StatusSeeOther)
	h.holds(h.sends(at, dental.Manager, "do", "cancel"), http.StatusSeeOther)
	h.stage.Tick()
	h.holds(h.shows(at, dental.Manager), http.StatusOK, "Репетиция прервана.")
	job, err := h.stage.Store.Begin().Job(t.Context(), "demo", store.RehearsalID("birthday"))
	if err != nil || job.Done.IsZero() {
		t.Errorf("%+v, %v", job, err)
	}
	if pages, err := h.stage.Store.Results(t.Context(), "demo", job.ID); err != nil || len(pages) > 0 {
		t.Errorf("a stopped rehearsal has found %d pages, %v", len(pages), err)
	}
}

const ownSMS = "[{given}, ]осмотр {minutes}, лучше до {until}: {link}[ {clinicPhone}]"

// ownText is a text that may be saved, changed by pairs of field and value.
func ownText(do string, change ...string) []string {
	form := map[string]string{"text": "first/ru", "sms": ownSMS, "subject": "Пора на осмотр", "heading": "Пора на осмотр", "paragraphs": "Осмотр займёт {minutes}.\r\n\r\nПриходите до {until}.", "button": "Записаться", "do": do}
	for pair := range slices.Chunk(change, 2) {
		form[pair[0]] = pair[1]
	}
	var out []string
	for name, value := range form {
		out = append(out, name, value)
	}
	return out
}

func TestAnOwnTextIsSavedSentAndTakenBackByOnePress(t *testing.T) {
	h := newHouse(t)
	const at = "/scenarios/recall/texts"
	h.holds(h.shows(at+"?text=first/ru", dental.Manager), http.StatusOK, "готовый текст", "Вид сообщения: о здоровье", "{until}")
	h.holds(h.sends(at, dental.Manager, ownText("save")...), http.StatusSeeOther)
	got := h.set().Scenario("recall").Texts["first/ru"]
	if got.SMS != ownSMS || len(got.Paragraphs) != 2 || got.Paragraphs[1] != "Приходите до {until}." {
		t.Fatalf("it is %+v", got)
	}
	h.holds(h.shows(at+"?text=first/ru", dental.Manager), http.StatusOK, "собственный текст", "осмотр 30 минут, лучше до 22")
	h.holds(h.sends(at, dental.Manager, ownText("shipped")...), http.StatusSeeOther)
	if texts := h.set().Scenario("recall").Texts; len(texts) != 0 {
		t.Errorf("it has %v", texts)
	}
	if got := h.logged(); len(got) != 2 || !strings.HasPrefix(got[0], "text-") {
		t.Errorf("the log has %q", got)
	}
}

func TestATextThatWouldDoHarmIsNotSavedAndThePageSaysWhatAndWhere(t *testing.T) {
	for name, bad := range map[string]struct{ field, value, says string }{
		"an offer in a care text":        {"sms", "Скидка 10% на осмотр до {until}: {link}", "делают текст рекламой"},
		"the clinic's offer by its name": {"sms", "{benefit} до {until}: {link}", "текст становится рекламой"},
		"medical secrecy":                {"sms", "[{given}, ]пора проверить имплантат до {until}: {link}", "врачебная тайна"},
		"an unknown place":               {"sms", "{имя}, осмотр до {until}: {link}", "подстановки «{имя}» нет"},
		"a place that may be empty":      {"sms", "{given}, осмотр до {until}: {link}", "возьмите эту часть в квадратные скобки"},
		"no link":                        {"sms", "Пора на осмотр до {until}", "не хватает {link}"},
		"an open bracket":                {"sms", "[{given}, осмотр до {until}: {link}", "квадратная скобка не закрыта"},
		"too long for two SMS":           {"sms", strings.Repeat("Очень длинный текст. ", 8) + "до {until}: {link}", "место есть для двух"},
		"a gendered word":                {"heading", "Доктор вас ждал", "только мужчинам или только женщинам"},
		"no paragraph":                   {"paragraphs", " ", "нужен хотя бы один абзац"},
		"a secret in the subject":        {"subject", "Пора проверить имплантат", "врачебная тайна"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			w := h.sends("/scenarios/recall/texts", dental.Manager, ownText("save", bad.field, bad.value)...)
			h.holds(w, http.StatusUnprocessableEntity, bad.says, `id="`+bad.field+`-wrong"`)
			if len(h.set().Scenario("recall").Texts) != 0 {
				t.Error("it is saved")
			}
		})
	}
}

func TestAPreviewShowsPartsPriceAndLetterAndKeepsNothing(t *testing.T) {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) { cl.PartPrice = dental.Money{Minor: 450, Currency: "RUB"} })
	h.table.Writes.Store(0)
	w := h.sends("/scenarios/sleeping-6/texts", dental.Manager, "do", "preview", "text", "offer/ru", "who", "ordinary",
		"sms", "[{given}, ]чистка, {benefit} до {until}: {link}", "subject", "Чистка: {benefit}", "heading", "Давно не виделись", "paragraphs", "Для вас — {benefit}.", "button", "Выбрать время")
	h.holds(w, http.StatusOK, "скидка 10", "2 части (UCS-2)", "9", "Есть противопоказания", "согласился на рекламу", "Для вас — скидка")
	if n := h.table.Writes.Load(); n != 0 {
		t.Errorf("a preview has written %d times", n)
	}
}

func TestAMemberOfStaffSendsATextToTheirOwnAddressTenTimesADayAtMost(t *testing.T) {
	h := newHouse(t)
	const at = "/scenarios/recall/texts"
	try := func(press string, change ...string) *httptest.ResponseRecorder {
		return h.sends(at, dental.Manager, ownText("try", append(change, "press", press)...)...)
	}
	h.holds(h.shows(at, dental.Manager), http.StatusOK, "manager@example.com", `name="press"`)
	for range 2 { // a double press is one message
		h.holds(try("p0", "to", "+79160000009"), http.StatusOK, "Письмо в пути")
	}
	h.stage.Tick()
	sent := h.stage.Sent()
	if len(sent) != 1 {
		t.Fatalf("%d left: %v", len(sent), sent)
	}
	if m := sent[0]; m.Channel != dental.Mail || m.To != "manager@example.com" || m.Subject != "Пора на осмотр" || !strings.Contains(m.HTML, "Приходите до") ||
		!strings.Contains(m.Text, "В SMS и мессенджерах: Екатерина, осмотр 30 минут, лучше до") {
		t.Errorf("to %s by %s: %s, %s", m.To, m.Channel, m.Subject, m.Text)
	}
	h.holds(h.shows(at, dental.Manager), http.StatusOK, "провайдер принял сообщение", "9 попыток")
	for i := range 9 {
		h.holds(try(fmt.Sprint("p", i+1)), http.StatusOK)
	}
	h.holds(try("p10"), http.StatusUnprocessableEntity, "попытки закончились")
	h.stage.Tick()
	if n := len(h.stage.Sent()); n != 10 {
		t.Errorf("%d left", n)
	}
	for _, line := range h.logged() {
		if strings.Contains(line, "manager@") {
			t.Errorf("the log tells the whole address: %s", line)
		}
	}
	h.stage.Set(h.stage.Now().AddDate(0, 0, 1))
	h.holds(try("p11"), http.StatusOK, "Письмо в пути")
}

func TestATextThatMayNotLeaveForPatientsDoesNotLeaveForStaffEither(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*house)
		form   []string
		code   int
		says   string
	}{
		"one that could not be saved":    {nil, ownText("try", "press", "p", "sms", "Скидка 10% на осмотр до {until}: {link}"), http.StatusUnprocessableEntity, "Письмо не отправлено"},
		"any of a clinic that is paused": {func(h *house) { h.stage.Settings(func(cl *dental.Clinic) { cl.Paused = true }) }, ownText("try", "press", "p"), http.StatusUnprocessableEntity, "приостановлена"},
		"one whose press has no name":    {nil, ownText("try"), http.StatusUnprocessableEntity, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if c.before != nil {
				c.before(h)
			}
			h.holds(h.sends("/scenarios/recall/texts", dental.Manager, c.form...), c.code, c.says)
			h.stage.Tick()
			if n := len(h.stage.Sent()) + len(h.logged()); n != 0 {
				t.Errorf("%d messages and entries", n)
			}
		})
	}
}

func TestAPageOfSettingsKeepsWhatIsTypedAndSaysWhatIsWrongAtItsField(t *testing.T) {
	h := newHouse(t)
	for name, tt := range map[string]struct {
		group string
		form  []string
		kept  func(*dental.Clinic) bool
	}{
		"the clinic": {"clinic", []string{"name", "Клиника Родник", "phone", "+7 495 000-00-01", "address", "", "bookingUrl", "", "language", "ru", "timeZone", "Europe/Samara", "country", "RU"},
			func(c *dental.Clinic) bool {
				return c.Name == "Клиника Родник" && c.Phone == "+74950000001" && c.TimeZone == "Europe/Samara"
			}},
		"hours": {"hours", []string{"sendFrom", "10:00", "sendTo", "20:00", "callsPerDay", "25", "opening.mon.from", "09:00", "opening.mon.to", "18:00", "holidays", "2027-01-01\r\n2027-01-02"},
			func(c *dental.Clinic) bool {
				return c.SendFrom == 600 && c.CallsPerDay == 25 && len(c.Opening) == 1 && c.Opening["mon"].To == 18*60 && len(c.Holidays) == 2
			}},
		"messages": {"messages", []string{"channels[0]", "email", "channels[1]", "sms", "channels[2]", "", "capPerWeek", "2", "careConsent", "explicit"},
			func(c *dental.Clinic) bool {
				return slices.Equal(c.Channels, []dental.Channel{dental.Mail, dental.SMS}) && c.CapPerWeek == 2 && c.CareConsent == dental.Explicit
			}},
		"money": {"money", []string{"margin", "37,5", "partPrice", "4,50", "currency", "RUB", "bonusDays", "180"},
			func(c *dental.Clinic) bool {
				return c.MarginPermille == 375 && c.PartPrice.Minor == 450 && c.BonusDays == 180
			}},
		"maps": {"maps", []string{"maps[0].name", "2ГИС", "maps[0].url", "https://2gis.example.com/1", "maps[0].ask", "happy", "maps[1].name", "", "maps[1].url", "", "maps[1].ask", "happy"},
			func(c *dental.Clinic) bool { return len(c.Maps) == 1 && c.Maps[0].Name == "2ГИС" }},
		"gifts": {"gifts", []string{"gifts[0].id", "", "gifts[0].name", "Щётка", "gifts[0].cost", "450", "gifts[1].id", "", "gifts[1].name", "Нить", "gifts[1].cost", ""},
			func(c *dental.Clinic) bool {
				return len(c.Gifts) == 2 && c.Gifts[0].ID != c.Gifts[1].ID && c.Gifts[0].Cost.Minor == 45000
			}},
		"the club": {"club", []string{"referral.reward", "700", "referral.who", "friend", "club.visits", "4"},
			func(c *dental.Clinic) bool {
				return c.Referral.Reward.Minor == 70000 && c.Referral.Who == "friend" && c.ClubVisits == 4
			}},
		"intervals": {"recall", []string{"recallMonths.hygiene", "4", "recallMonths.implant", ""},
			func(c *dental.Clinic) bool { return len(c.RecallMonths) == 1 && c.RecallMonths["hygiene"] == 4 }},
		"advice": {"advice", []string{"advice", "Не есть 2 часа\r\n\r\nБез горячего", "formerDoctors", "D-9"},
			func(c *dental.Clinic) bool {
				return slices.Equal(c.Advice, []string{"Не есть 2 часа", "Без горячего"}) && slices.Equal(c.FormerDoctors, []string{"D-9"})
			}},
	} {
		t.Run(name, func(t *testing.T) {
			h.holds(h.shows("/settings/"+tt.group, dental.Owner), http.StatusOK)
			h.holds(h.sends("/settings/"+tt.group, dental.Owner, tt.form...), http.StatusSeeOther)
			if !tt.kept(h.set()) {
				t.Errorf("the clinic is %+v", h.set())
			}
		})
	}
	w := h.sends("/settings/hours", dental.Owner, "sendFrom", "20:00", "sendTo", "19:00", "callsPerDay", "-1", "opening.mon.from", "18:00", "opening.mon.to", "09:00", "holidays", "завтра")
	h.holds(w, http.StatusUnprocessableEntity, "хотя бы на час позже", "нужно целое число от 0 до 500", "конец должен быть позже начала", "нужна дата вида", "завтра")
	if n := strings.Count(w.Body.String(), `aria-invalid="true"`); n != 5 {
		t.Errorf("%d fields are marked", n)
	}
	if h.set().SendFrom != 600 {
		t.Error("a part of a refused form is kept")
	}
	h.holds(h.sends("/settings/money", dental.Owner, "margin", "сорок", "partPrice", "4,50", "currency", "RUB", "bonusDays", "180"), http.StatusUnprocessableEntity, "нужно число от 0 до 100")
}

func TestASecretIsEnteredNeverShownAndKeptWhenItsFieldStaysEmpty(t *testing.T) {
	h := newHouse(t)
	var seen dental.Account
	h.pages.Settings.Providers = map[string]func(dental.Account) error{dental.Bitrix24: func(a dental.Account) error {
		if seen = a; a.Settings["portal"] == "wrong" {
			return fmt.Errorf("the account: %w", dental.Errorf(dental.Invalid, "settings.portal", "is no portal: %s", a.Secrets["webhook"]))
		}
		return nil
	}}
	const at, secret = "/settings/accounts", "abcdefgh12345678"
	h.holds(h.sends(at, dental.Owner, "accounts.bitrix24.settings.portal", "wrong", "accounts.bitrix24.settings.user", "1", "accounts.bitrix24.secrets.webhook", secret), http.StatusUnprocessableEntity, "Здесь должен быть адрес вида clinic.bitrix24.ru")
	h.holds(h.sends(at, dental.Owner, "accounts.bitrix24.settings.portal", "clinic.bitrix24.ru", "accounts.bitrix24.settings.user", "1", "accounts.bitrix24.secrets.webhook", secret), http.StatusSeeOther)
	shown := h.shows(at, dental.Owner)
	h.holds(shown, http.StatusOK, "clinic.bitrix24.ru", "Уже введён")
	if strings.Contains(shown.Body.String(), secret) {
		t.Error("the page shows the secret")
	}
	h.holds(h.sends(at, dental.Owner, "accounts.bitrix24.settings.portal", "north.bitrix24.ru", "accounts.bitrix24.settings.user", "1", "accounts.bitrix24.secrets.webhook", ""), http.StatusSeeOther)
	if string(seen.Secrets["webhook"]) != secret || seen.Settings["portal"] != "north.bitrix24.ru" {
		t.Error("the secret is lost, or the setting is")
	}
	h.holds(h.sends(at, dental.Owner, "accounts.bitrix24.close", "on"), http.StatusSeeOther)
	if len(h.set().Accounts) != 0 {
		t.Error("the account is still there")
	}
	for _, line := range h.logged() {
		if strings.Contains(line, secret) {
			t.Errorf("the log has the secret: %s", line)
		}
	}
}

func TestAFreshSigningSecretIsShownOnceAndTheOneBeforeGoesOnForADay(t *testing.T) {
	h := newHouse(t)
	h.holds(h.shows("/settings/webhook", dental.Owner), http.StatusOK, "https://rp.example/v1/clinics/demo/events", "Выпустить новый секрет")
	before := h.set().Secrets
	press := ofForm(t, h.shows("/settings/webhook", dental.Owner).Body.String(), "press")
	fresh := h.sends("/settings/webhook", dental.Owner, "press", press)
	h.holds(fresh, http.StatusOK, "whsec_", "Скопируйте секрет сейчас")
	after := h.set().Secrets
	if len(after) != len(before)+1 || !strings.Contains(html.UnescapeString(fresh.Body.String()), string(after[len(after)-1].Secret)) {
		t.Error("the page does not show the fresh secret")
	}
	if again := h.sends("/settings/webhook", dental.Owner, "press", press); !strings.Contains(html.UnescapeString(again.Body.String()), string(after[len(after)-1].Secret)) ||
		len(h.set().Secrets) != len(after) {
		t.Error("a reload of the page makes another secret")
	}
	h.holds(h.sends("/settings/webhook", dental.Owner), http.StatusBadRequest)
	if strings.Contains(h.shows("/settings/webhook", dental.Owner).Body.String(), "whsec_") {
		t.Error("it is shown again")
	}
	if got := h.logged(); len(got) != 1 || !strings.HasPrefix(got[0], "secret-rotated") || strings.Contains(got[0], "whsec_") {
		t.Errorf("the log has %q", got)
	}
}

func TestAnOwnerDoesNotPutTheirClinicIntoAGroup(t *testing.T) {
	h := newHouse(t)
	if strings.Contains(h.shows("/settings/clinic", dental.Owner).Body.String(), `name="group"`) {
		t.Error("the form asks for a group")
	}
	whole := []string{"name", "Клиника Родник", "phone", "+74950000001", "address", "", "bookingUrl", "", "language", "ru", "timeZone", "Europe/Samara", "country", "RU"}
	for _, group := range []string{"istok", ""} {
		h.holds(h.sends("/settings/clinic", dental.Owner, append(slices.Clone(whole), "group", group)...), http.StatusUnprocessableEntity, "группу задаёт тот, кто создаёт клиники")
		if cl := h.set(); cl.Group != "" || cl.Name == "Клиника Родник" {
			t.Errorf("the clinic is now %q, of the group %q", cl.Name, cl.Group)
		}
	}
	if _, _, err := h.pages.Settings.Put(t.Context(), "other", []byte(`{"group": "istok"}`), h.stage.Now()); err != nil {
		t.Fatal(err)
	}
	w, _ := h.ask(http.MethodGet, "/desk/other/settings/clinic", foreigner)
	h.holds(w, http.StatusOK, "Группа клиник: <b>istok</b>")
	if strings.Contains(w.Body.String(), `name="group"`) {
		t.Error("the form of a clinic in a group asks for it")
	}
}

func TestTheUsualIntervalsAreToldBesideTheEmptyFields(t *testing.T) {
	h := newHouse(t)
	h.holds(h.shows("/settings/recall", dental.Owner), http.StatusOK, "Если оставить пустым: 6 месяцев.", "Если оставить пустым: 12 месяцев.", "Если оставить пустым: 3 месяца.")
	h.holds(h.shows("/start", dental.Owner), http.StatusOK, `href="/desk/demo/settings/recall"`)
}

func TestAPageThatRefusesSpeaksAsTheDeskItBelongsTo(t *testing.T) {
	h := newHouse(t)
	english := func(r *http.Request) { r.Header.Set("Accept-Language", "en") }
	for name, tt := range map[string]struct {
		path, who, lang string
	}{
		"a page that is not there":            {"/desk/demo/nowhere", person(dental.Owner), "ru"},
		"a patient who is not there":          {"/desk/demo/patients/P-404", person(dental.Owner), "ru"},
		"a page that is for others":           {"/desk/demo/settings", person(dental.Administrator), "ru"},
		"a clinic of others is none":          {"/desk/demo/settings", foreigner, "en"},
		"a clinic that is not there":          {"/desk/none/settings", person(dental.Owner), "en"},
		"whoever is not signed in is no post": {"/desk/demo/nowhere", "", "en"},
	} {
		w, _ := h.ask(http.MethodGet, tt.path, tt.who, english)
		if w.Code != http.StatusSeeOther && !strings.Contains(w.Body.String(), `<html lang="`+tt.lang+`"`) {
			t.Errorf("%s is answered %d: %.120s", name, w.Code, w.Body)
		}
	}
}
