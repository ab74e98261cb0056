package staff

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
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
	if w := h.posts("/connect/yclients", owner, "do", "close"); w.Code != http.StatusSeeOther || len(h.account().Secrets) != 0 {
		t.Errorf("closed with %d, kept is %+v", w.Code, h.account())
	}
	log, _, err := h.stage.Store.Log(t.Context(), "demo", h.stage.Now().UTC().Format("2006-01"), 20, "")
	if err != nil || len(log) != 4 { // saved twice, renewed once, closed
		t.Errorf("%d lines in the log, %v", len(log), err)
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
