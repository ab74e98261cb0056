package staff

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/store"
)

// quiet gives the clinic a quiet base: ten patients asleep, and one that is not.
func (h *house) quiet() {
	h.t.Helper()
	for i := range 11 {
		id := fmt.Sprintf("Q-%02d", i)
		h.stage.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+791600001%02d", i) })
		at := h.stage.Now().AddDate(0, -8, 0)
		if i == 10 {
			at = h.stage.Now().AddDate(0, -1, 0)
		}
		h.stage.Visit("V-"+id, id, at, func(v *dental.Visit) { v.Receipt = dental.Money{Minor: 500000, Currency: "RUB"} })
	}
}

// counts lets the audit and the rehearsals go on to their end.
func (h *house) worksOff(jobs ...string) {
	h.t.Helper()
	for _, id := range jobs {
		body, _ := json.Marshal(map[string]any{"Job": map[string]string{"Clinic": "demo", "ID": id}})
		for range 30 {
			if err := h.stage.Worker.Handle(h.t.Context(), string(body)); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

func TestTheAuditIsCountedByAPressAndReadAsAPageAndAsATable(t *testing.T) {
	h := newHouse(t)
	h.quiet()
	if page := h.gets("/desk/demo/audit"); !strings.Contains(page, "ещё не посчитана") || strings.Contains(page, "group-seen") {
		t.Error("before the first audit the page shows figures")
	}
	if w, _ := h.ask(http.MethodGet, "/desk/demo/audit/csv", person(dental.Manager)); w.Code != http.StatusNotFound {
		t.Errorf("a table of nothing is answered %d", w.Code)
	}
	if w := h.sendsForm("/desk/demo/audit", nil); w.Code != http.StatusSeeOther {
		t.Fatalf("the press is answered %d", w.Code)
	}
	w, _ := h.ask(http.MethodGet, "/desk/demo/audit", person(dental.Manager))
	if w.Header().Get("Refresh") == "" || !strings.Contains(w.Body.String(), "Считаем") {
		t.Errorf("the page of an audit under way does not come again: %v", w.Header())
	}
	h.worksOff(store.AuditID)
	page := h.gets("/desk/demo/audit")
	// 10 asleep, each with a number: 10 × 5 % × 5,000 and 10 × 15 % × 5,000.
	for _, wanted := range []string{"По состоянию на 10 марта 2026", "Примерно от 2\u00a0500\u00a0₽ до 7\u00a0500\u00a0₽", "10 × 5\u00a0% × 5\u00a0000\u00a0₽ = 2\u00a0500\u00a0₽", "предположение", "<svg", `href="/desk/demo/audit/csv"`} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	if len(page) > 200_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	sheet, _ := h.ask(http.MethodGet, "/desk/demo/audit/csv", person(dental.Manager))
	text, marked := strings.CutPrefix(sheet.Body.String(), "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || !marked {
		t.Fatalf("%v, marked %v", err, marked)
	}
	for _, wanted := range [][]string{{"Ни на что не записаны", "Спящие", "10", "83,3"}, {"Сколько денег может вернуться", "Нижняя граница", "2500,00", ""}, {"Чеки", "Медианный чек", "5000,00", ""}} {
		if !slices.ContainsFunc(rows, func(row []string) bool { return slices.Equal(row, wanted) }) {
			t.Errorf("the table has no row %q", wanted)
		}
	}
	if acts := h.acts(); !slices.Equal(acts, []string{"audit"}) {
		t.Errorf("the log has %q", acts)
	}
}

func TestTheAuditTellsWhoCanBeReachedFromWhoMayBeInvited(t *testing.T) {
	h := newHouse(t)
	h.quiet()
	h.stage.Patient("Q-00", func(c *intake.Card) {
		c.Number, c.Consents = "+79160000100", nil
		for _, ch := range []dental.Channel{dental.SMS, dental.Mail} {
			c.Consents = append(c.Consents, dental.Consent{Class: dental.Advertising, Channel: ch, At: h.stage.Now(), Source: "paper"})
		}
	})
	_ = h.sendsForm("/desk/demo/audit", nil)
	h.worksOff(store.AuditID)
	page := h.gets("/desk/demo/audit")
	for _, wanted := range []string{
		`Спящие, до кого дойдёт SMS или письмо</th><td class="number">10</td><td class="number">100,0`,
		`Из них с согласием на рекламу</th><td class="number">9</td><td class="number">90,0`,
		"Нижняя граница: спящие, до кого дойдёт SMS или письмо,", "Согласие на рекламу есть у 9 из них", "разрешено</th>",
		"Без записи, были от 6 до 12 месяцев назад", "Без записи, визитов не было", "Чеков в рублях", "Неначатые планы", "Из них остановились",
	} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	for _, caption := range []string{"6 мес.", "6–12", "12–18", "18+", "не были"} {
		if _, svg, _ := strings.Cut(page, "<svg"); !strings.Contains(svg[:strings.Index(svg, "</svg>")], caption+"</text>") {
			t.Errorf("no column is captioned %q", caption)
		}
	}
	for _, gone := range []string{"можно писать", "можно написать", "Не начатые", "не начатых", "Чеков, RUB"} {
		if strings.Contains(page, gone) {
			t.Errorf("the page says %q", gone)
		}
	}
}

func TestTheShareThatComesBackCanBeSupposedOtherwise(t *testing.T) {
	h := newHouse(t)
	h.quiet()
	_ = h.sendsForm("/desk/demo/audit", nil)
	h.worksOff(store.AuditID)
	page := h.gets("/desk/demo/audit?least=7%2C5&most=50")
	for _, wanted := range []string{"Примерно от 3\u00a0800\u00a0₽ до 25\u00a0000\u00a0₽", "= 3\u00a0750\u00a0₽", "ваше предположение", `href="/desk/demo/audit/csv?least=7%2C5&amp;most=50"`, `value="7,5"`} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the page has no %q", wanted)
		}
	}
	for _, wrong := range []string{"least=50&most=5", "least=-1&most=5", "least=a&most=5", "least=5&most=101", "least=5", "least=0.05&most=5"} {
		w, _ := h.ask(http.MethodGet, "/desk/demo/audit?"+wrong, person(dental.Manager))
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `aria-invalid="true"`) || !strings.Contains(w.Body.String(), "от 0 до 100") {
			t.Errorf("%s is answered %d", wrong, w.Code)
		}
	}
}

func TestWhatHasBeenMeasuredTakesThePlaceOfAnAssumption(t *testing.T) {
	h := newHouse(t)
	h.quiet()
	_ = h.sendsForm("/desk/demo/audit", nil)
	h.worksOff(store.AuditID)
	tx, day := h.stage.Store.Begin(), h.stage.Clinic.Today(h.stage.Now()).AddDays(-1).String()
	totals, err := tx.Totals(t.Context(), "demo", day)
	if err != nil {
		t.Fatal(err)
	}
	totals[0].Sums = map[string]int64{"touch/sleeping-6/offer/sent": 200, "touch/sleeping-6/offer/came": 20, "touch/recall/first/sent": 999}
	for name := range totals[0].Sums { // the steps are the catalogue's
		if sc := h.stage.Catalogue.Find(strings.Split(name, "/")[1]); sc.Name == "sleeping-6" {
			totals[0].Sums["touch/sleeping-6/"+sc.Steps[0].Name+"/sent"] = 200
			totals[0].Sums["touch/sleeping-6/"+sc.Steps[0].Name+"/came"] = 20
		}
	}
	tx.Put(totals[0])
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := h.gets("/desk/demo/audit")
	if !strings.Contains(page, "измерена у вас: за год из 200 получивших приглашение пришли 20") || strings.Contains(page, `badge warm">предположение`) {
		t.Error("what was measured is not reckoned with")
	}
}

func TestTheAuditShowsWhatSwitchingTheScenariosOnWouldDo(t *testing.T) {
	h := newHouse(t)
	h.stage.Settings(func(cl *dental.Clinic) {
		for _, name := range []string{"sleeping-6", "sleeping-12"} {
			cl.Scenarios[name] = dental.ScenarioSettings{Release: dental.ReleaseAuto}
		}
	})
	h.quiet()
	_ = h.sendsForm("/desk/demo/audit", nil)
	h.worksOff(store.AuditID)
	if page := h.gets("/desk/demo/audit"); strings.Count(page, "ещё не прогоняли") != 2 {
		t.Errorf("two scenarios are off, and %d are said not to be rehearsed", strings.Count(page, "ещё не прогоняли"))
	}
	if w := h.sendsForm("/desk/demo/audit/rehearsals", url.Values{}); w.Code != http.StatusSeeOther {
		t.Fatalf("the press is answered %d", w.Code)
	}
	w, _ := h.ask(http.MethodGet, "/desk/demo/audit", person(dental.Manager))
	if w.Header().Get("Refresh") == "" {
		t.Error("the page does not come again while the rehearsals are under way")
	}
	h.worksOff(store.RehearsalID("sleeping-6"), store.RehearsalID("sleeping-12"))
	page := h.gets("/desk/demo/audit")
	if !strings.Contains(page, "10 пациентов: 10 сообщений") || !strings.Contains(page, `href="/desk/demo/scenarios/sleeping-6/rehearsal"`) || strings.Contains(page, "ещё не прогоняли") {
		t.Error("what the rehearsals found is not shown")
	}
	if n := len(h.stage.Sent()); n != 0 {
		t.Errorf("%d messages have left", n)
	}
	if acts := h.acts(); !slices.Equal(acts, []string{"audit", "rehearsal-all"}) {
		t.Errorf("the log has %q", acts)
	}
}

func TestAnEarlierAuditStandsWhileTheBaseIsCountedAnew(t *testing.T) {
	h := newHouse(t)
	h.quiet()
	_ = h.sendsForm("/desk/demo/audit", nil)
	h.worksOff(store.AuditID)
	h.stage.Set(h.stage.Now().Add(24 * time.Hour))
	_ = h.sendsForm("/desk/demo/audit", nil)
	if page := h.gets("/desk/demo/audit"); !strings.Contains(page, "По состоянию на 10 марта 2026") || !strings.Contains(page, "ниже прежний") {
		t.Error("the earlier audit is gone")
	}
	h.worksOff(store.AuditID)
	if page := h.gets("/desk/demo/audit"); !strings.Contains(page, "По состоянию на 11 марта 2026") {
		t.Error("the new audit is not shown")
	}
}
