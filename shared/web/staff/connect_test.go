package staff

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/mis/bitrix24"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/opendental"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
	"github.com/returnpoint/returnpoint/shared/mis/sqns"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
)

// posts sends a form of the connections' pages as somebody.
func (h *house) posts(path, address string, pairs ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/desk/demo"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(who, address)
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

func (h *house) account() dental.Account {
	h.t.Helper()
	cl, err := h.stage.Store.Begin().Clinic(h.t.Context(), "demo")
	if err != nil {
		h.t.Fatal(err)
	}
	return cl.Accounts[dental.YClients]
}

// withSystems judges accounts of YCLIENTS as its package does, in short.
func withSystems(t *testing.T) *house {
	h := newHouse(t)
	h.pages.Settings.Providers = map[string]func(dental.Account) error{dental.YClients: func(a dental.Account) error {
		if a.Settings["company"] == "" {
			return dental.Errorf(dental.Invalid, "settings.company", "is missing")
		}
		return nil
	}}
	return h
}

var pasted = regexp.MustCompile(`https://rp\.example/v1/clinics/demo/events/yclients/([A-Za-z0-9_-]{32})`)

func TestAnOwnerConnectsASystemAndGetsTheAddressToPasteByAPress(t *testing.T) {
	h := withSystems(t)
	owner := person(dental.Owner)
	if w, _ := h.ask(http.MethodGet, "/desk/demo/connect", owner); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "YCLIENTS") || !strings.Contains(w.Body.String(), `href="/desk/demo/settings/webhook"`) {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	w := h.posts("/connect/yclients", owner, "do", "save", "accounts.yclients.settings.company", "")
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "не заполнено") || len(h.account().Secrets) != 0 {
		t.Fatalf("without a company: %d", w.Code)
	}
	w = h.posts("/connect/yclients", owner, "do", "save", "accounts.yclients.settings.company", "4564", "accounts.yclients.secrets.user", "usertoken1")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	secret := string(h.account().Secrets[dental.CallbackSecret])
	if h.account().Settings["company"] != "4564" || h.account().Secrets["user"] != "usertoken1" || len(secret) != 32 {
		t.Fatalf("kept is %+v", h.account())
	}
	page, _ := h.ask(http.MethodGet, "/desk/demo/connect/yclients", owner)
	if body := page.Body.String(); strings.Contains(body, secret) || strings.Contains(body, "usertoken1") || !strings.Contains(body, "Пока ничего не приходило") {
		t.Errorf("the page shows a secret, or not how it stands:\n%s", body)
	}
	shown := pasted.FindStringSubmatch(html.UnescapeString(h.posts("/connect/yclients", owner, "do", "show").Body.String()))
	if shown == nil || shown[1] != secret {
		t.Fatalf("shown is %q", shown)
	}
	renewed := pasted.FindStringSubmatch(h.posts("/connect/yclients", owner, "do", "renew", "press", "press-1").Body.String())
	again := pasted.FindStringSubmatch(h.posts("/connect/yclients", owner, "do", "renew", "press", "press-1").Body.String())
	if renewed == nil || again == nil || renewed[1] == secret || renewed[1] != again[1] {
		t.Fatalf("renewed is %q, then %q", renewed, again)
	}
	// What is saved later keeps the secrets that nobody is shown.
	h.posts("/connect/yclients", owner, "do", "save", "accounts.yclients.settings.company", "4565")
	if a := h.account(); a.Settings["company"] != "4565" || a.Secrets["user"] != "usertoken1" || string(a.Secrets[dental.CallbackSecret]) != renewed[1] {
		t.Errorf("kept is %+v", a)
	}
	if w := h.posts("/connect/yclients", owner, "do", "close", "sure", "on"); w.Code != http.StatusSeeOther || len(h.account().Secrets) != 0 {
		t.Errorf("closed with %d, kept is %+v", w.Code, h.account())
	}
	log, _, err := h.stage.Store.Log(t.Context(), "demo", h.stage.Now().UTC().Format("2006-01"), 20, "")
	if err != nil || len(log) != 4 { // saved twice, renewed once, closed
		t.Errorf("%d lines in the log, %v", len(log), err)
	}
}

func TestNothingIsDisconnectedByOnePress(t *testing.T) {
	h := withSystems(t)
	owner := person(dental.Owner)
	h.posts("/connect/yclients", owner, "do", "save", "accounts.yclients.settings.company", "4564")
	page, _ := h.ask(http.MethodGet, "/desk/demo/connect/yclients", owner)
	if body := page.Body.String(); !strings.Contains(body, "Адрес перестанет работать сразу") || !strings.Contains(body, `<input type="checkbox" name="sure" required>`) {
		t.Errorf("nobody says what disconnecting does, or asks whether one is sure:\n%s", body)
	}
	w := h.posts("/connect/yclients", owner, "do", "close")
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "role=\"alert\"") || len(h.account().Secrets) == 0 {
		t.Errorf("a press alone is answered %d, kept is %+v", w.Code, h.account())
	}
}

func TestAWrongFieldSaysWhatIsExpectedInIt(t *testing.T) {
	h := newHouse(t)
	h.pages.Settings.Providers = map[string]func(dental.Account) error{dental.YClients: yclients.Validate, dental.SQNS: sqns.Validate, dental.FHIR: func(a dental.Account) error { return fhir.Validate(a) },
		dental.Bitrix24: func(a dental.Account) error { return bitrix24.Validate(a) }, dental.Renovatio: renovatio.Validate,
		dental.OpenDental: func(a dental.Account) error { return opendental.Validate(a) }}
	for system, c := range map[string]struct{ field, typed, says string }{
		dental.YClients:   {"settings.company", "branch", "Здесь должно быть число, например 12345"},
		dental.SQNS:       {"settings.url", "http://crm", "Адрес должен начинаться с https://"},
		dental.FHIR:       {"settings.since", "yesterday", "Здесь должна быть дата вида 2024-01-01"},
		dental.Bitrix24:   {"settings.portal", "портал", "Здесь должен быть адрес вида clinic.bitrix24.ru"},
		dental.Renovatio:  {"secrets.key", "short", "Ключ состоит из латинских букв и цифр, от 16 знаков"},
		dental.OpenDental: {"settings.doctors", "Анна", "Здесь должны быть пары"},
	} {
		w := h.posts("/connect/"+system, person(dental.Owner), "do", "save", "accounts."+system+"."+c.field, c.typed)
		if body := html.UnescapeString(w.Body.String()); w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, c.says) || strings.Contains(body, "другое значение") {
			t.Errorf("%s, %s of %q: %d, and the page does not say %q:\n%s", system, c.field, c.typed, w.Code, c.says, body)
		}
	}
}

// Each field that a system's package may refuse has a sentence of its own, in
// each language; so nobody is left with "another value".
func TestEachFieldOfEachSystemHasAWordForWhatIsWrongInIt(t *testing.T) {
	for _, l := range locale.All() {
		for _, system := range dental.Systems() {
			form := systemForm(system)
			for _, key := range slices.Concat(form.settings, form.secrets) {
				if text := "desk.connect." + system + "." + key; !l.Has(text) || !l.Has(text+".wrong") {
					t.Errorf("%v: %s has no label, or nothing to say when it is wrong", l, text)
				}
			}
		}
	}
}

func TestTheStepsOfASystemAreThoseThatTheClinicTakesItself(t *testing.T) {
	h := newHouse(t)
	for system, steps := range map[string][]string{
		dental.SQNS:       {"/api/v2/auth", "/api/v2/hook_settings", "PATCH", "support@sqns.ru"},
		dental.OpenDental: {"Appointment, AppointmentDeleted", "Patient"},
	} {
		w, _ := h.ask(http.MethodGet, "/desk/demo/connect/"+system, person(dental.Manager))
		for _, step := range steps {
			if !strings.Contains(html.UnescapeString(w.Body.String()), step) {
				t.Errorf("%s: no step names %q", system, step)
			}
		}
	}
}

func TestThePagesOnConnectingNameThePlaceTheFieldsAndTheSignAsTheDeskDoes(t *testing.T) {
	for name, d := range map[string]struct {
		system string
		locale locale.Locale
	}{
		"yclients": {dental.YClients, locale.Russian}, "1denta": {dental.SQNS, locale.Russian}, "renovatio": {dental.Renovatio, locale.Russian},
		"bitrix24": {dental.Bitrix24, locale.Russian}, "fhir": {dental.FHIR, locale.English}, "opendental": {dental.OpenDental, locale.English},
	} {
		raw, err := os.ReadFile("../../../docs/connect/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		page := strings.Join(strings.Fields(string(raw)), " ")
		sign, _, _ := strings.Cut(d.locale.Text("desk.connect.heard", map[string]string{"day": "", "time": ""}), ":")
		for _, want := range []string{" → " + d.locale.Text("desk.connect.title", nil) + " → ", sign, d.locale.Text("desk.connect.show", nil)} {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
		form := systemForm(d.system)
		for _, key := range slices.Concat(form.settings, form.secrets) {
			if label := d.locale.Text("desk.connect."+d.system+"."+key, nil); !strings.Contains(page, label) {
				t.Errorf("%s does not name the field %q", name, label)
			}
			if strings.Contains(page, "| `"+key+"` |") {
				t.Errorf("%s calls a field %q, as nobody sees it", name, key)
			}
		}
	}
}

func TestTheThreePlacesOfConnectionsAreToldApart(t *testing.T) {
	h := newHouse(t)
	w, _ := h.ask(http.MethodGet, "/desk/demo/settings", person(dental.Owner))
	page := w.Body.String()
	for _, want := range []string{">Свои SMS, WhatsApp и CRM<", ">Программа клиники (МИС)<", ">Своя программа<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the settings have no %q", want)
		}
	}
	if page := h.gets("/desk/demo/connect"); !strings.Contains(page, "медицинск") || !strings.Contains(page, "Подходит и для Altegio.") {
		t.Error("what an MIS is, or whom YCLIENTS is for, is not said")
	}
}

func TestAManagerSeesHowItStandsAndChangesNothing(t *testing.T) {
	h := withSystems(t)
	h.posts("/connect/yclients", person(dental.Owner), "do", "save", "accounts.yclients.settings.company", "4564")
	w, _ := h.ask(http.MethodGet, "/desk/demo/connect/yclients", person(dental.Manager))
	if body := w.Body.String(); w.Code != http.StatusOK || strings.Contains(body, `action="/desk/demo/connect`) || !strings.Contains(body, "Как подключить") {
		t.Errorf("answered %d %s", w.Code, body)
	}
	for _, do := range []string{"show", "renew", "save", "close"} {
		if w := h.posts("/connect/yclients", person(dental.Manager), "do", do, "press", "p"); w.Code != http.StatusForbidden {
			t.Errorf("%s is answered %d", do, w.Code)
		}
	}
}

func TestWhatIsWrongWithAConnectionIsSaidInWords(t *testing.T) {
	h := withSystems(t)
	h.posts("/connect/yclients", person(dental.Owner), "do", "save", "accounts.yclients.settings.company", "4564")
	tx := h.stage.Store.Begin()
	known, err := tx.Pulled(t.Context(), dental.Pulled{Clinic: "demo", System: dental.YClients})
	if err != nil {
		t.Fatal(err)
	}
	known[0].Heard, known[0].At, known[0].Failing, known[0].Problem, known[0].Mend = h.stage.Now(), h.stage.Now(), h.stage.Now(), "the tokens are not accepted", true
	known[0].Unread, known[0].UnreadAt = "data.id: <is> missing", h.stage.Now()
	known[0].Refused, known[0].RefusedKind, known[0].RefusedID, known[0].RefusedAt = 3, "record", "<70>", h.stage.Now()
	tx.Put(known[0])
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w, _ := h.ask(http.MethodGet, "/desk/demo/connect/yclients", person(dental.Manager))
	for _, want := range []string{"Последнее сообщение от программы: 10 марта, 11:00", "спросили её сами: 10 марта, 11:00", "не принимает наши запросы", "не удалось прочитать", "data.id: &lt;is&gt; missing",
		"Из того, что прочитано 10 марта, 11:00, не удалось принять: 3.", "the first that was refused: record &lt;70&gt;"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not say %q:\n%s", want, w.Body)
		}
	}
	if w, _ := h.ask(http.MethodGet, "/desk/demo/connect/telepathy", person(dental.Owner)); w.Code != http.StatusNotFound {
		t.Errorf("a system that there is not is answered %d", w.Code)
	}
	if w := h.posts("/connect/yclients", person(dental.Owner), "do", "dance"); w.Code != http.StatusBadRequest {
		t.Errorf("a press that there is not is answered %d", w.Code)
	}
}
