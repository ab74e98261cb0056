package staff

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// send sends a form as somebody, given as name, value, name, value.
func (h *house) send(path, address string, pairs ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(who, address)
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

// post is somebody's post at a clinic.
func (h *house) post(clinic, address string) dental.Staff {
	h.t.Helper()
	s := h.stage.Store
	post, err := s.Begin().Staff(h.t.Context(), clinic, s.StaffKey(address))
	if err != nil {
		h.t.Fatal(err)
	}
	return post
}

// ofForm is the value of a hidden field.
func ofForm(t *testing.T, page, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no field %s in %s", name, page)
	}
	return m[1]
}

func TestAnOwnerAddsAColleagueOnThePageAndHandsOverTheLink(t *testing.T) {
	h := newHouse(t)
	list, _ := h.ask(http.MethodGet, "/desk/demo/staff", person(dental.Owner))
	for _, address := range []string{person(dental.Owner), person(dental.Manager), person(dental.Administrator)} {
		if !strings.Contains(list.Body.String(), address) {
			t.Errorf("the list lacks %s", address)
		}
	}
	if strings.Contains(list.Body.String(), foreigner) || strings.Contains(list.Body.String(), "<Клёнова>") {
		t.Error("the list shows a stranger, or a name as markup")
	}
	form := []string{"press", ofForm(t, list.Body.String(), "press"), "email", "New@Example.com", "name", "Павел <b>", "role", "manager", "report", "on"}
	w := h.send("/desk/demo/staff", person(dental.Owner), form...)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "https://rp.example/oidc/password?token=for-new@example.com") || !strings.Contains(w.Body.String(), "Павел &lt;b&gt;") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if post := h.post("demo", "new@example.com"); post.Role != dental.Manager || !post.Report || post.Email != "new@example.com" {
		t.Errorf("the post is %v", post)
	}
	again, _ := h.ask(http.MethodGet, "/desk/demo/staff", person(dental.Owner))
	if strings.Contains(again.Body.String(), "token=") {
		t.Error("the link is shown a second time")
	}
	if w, _ := h.ask(http.MethodGet, "/desk/demo", "new@example.com"); w.Code != http.StatusOK {
		t.Errorf("the colleague's desk answers %d", w.Code)
	}
}

func TestAnOwnerIsGivenNoLinkForWhoWorksAtAnotherOwnersClinic(t *testing.T) {
	h := newHouse(t)
	asked := 0
	made := h.pages.Invite
	h.pages.Invite = func(address, name, press string, again bool) (string, error) {
		asked++
		return made(address, name, press, again)
	}
	if w := h.send("/desk/demo/staff", person(dental.Owner), "press", "p1", "email", "new@example.com", "name", "Павел", "role", "manager"); !strings.Contains(w.Body.String(), "token=") {
		t.Fatalf("who first has a post is given no link: %d %s", w.Code, w.Body)
	}
	w := h.send("/desk/other/staff", foreigner, "press", "p2", "email", "new@example.com", "name", "Павел", "role", "administrator")
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "token=") || asked != 1 || !strings.Contains(w.Body.String(), "уже выдана: Павел") {
		t.Errorf("another clinic's owner is answered %d %s", w.Code, w.Body)
	}
	if h.post("other", "new@example.com").Role != dental.Administrator {
		t.Error("the colleague has no post there")
	}
}

func TestADoublePressAddsAColleagueOnceAndShowsTheLinkBothTimes(t *testing.T) {
	h := newHouse(t)
	form := []string{"press", "p1", "email", "new@example.com", "name", "Павел", "role", "manager"}
	for range 2 {
		w := h.send("/desk/demo/staff", person(dental.Owner), form...)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "token=for-new@example.com") {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		h.stage.Set(h.stage.Now().Add(2 * time.Second))
	}
	if got := h.logged(); len(got) != 1 {
		t.Errorf("the log has %q", got)
	}
}

func TestWherePeopleSignUpByThemselvesNoLinkIsMade(t *testing.T) {
	h := newHouse(t)
	h.pages.Invite = nil
	list, _ := h.ask(http.MethodGet, "/desk/demo/staff", person(dental.Owner))
	if !strings.Contains(list.Body.String(), "https://rp.example/desk") {
		t.Error("the page does not say where a colleague signs up")
	}
	w := h.send("/desk/demo/staff", person(dental.Owner), "press", "p1", "email", "new@example.com", "name", "Павел", "role", "owner")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/desk/demo/staff?") || strings.Contains(w.Header().Get("Location"), "new@") {
		t.Errorf("answered %d, leading to %q", w.Code, w.Header().Get("Location"))
	}
	key := h.stage.Store.StaffKey("new@example.com")
	if w := h.send("/desk/demo/staff/"+key, person(dental.Owner), "press", "p2", "do", "link"); w.Code != http.StatusNotFound {
		t.Errorf("a link is asked for, and the answer is %d", w.Code)
	}
}

func TestAFormThatIsNotWholeIsShownAgainWithWhatWasTyped(t *testing.T) {
	h := newHouse(t)
	w := h.send("/desk/demo/staff", person(dental.Owner), "press", "p1", "email", "no address", "name", "Павел", "role", "manager")
	if page := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(page, `role="alert"`) || !strings.Contains(page, `value="no address"`) ||
		!strings.Contains(page, `value="Павел"`) || !strings.Contains(page, `value="manager" checked`) {
		t.Errorf("answered %d %s", w.Code, page)
	}
}

func TestAnOwnerChangesAColleagueOnTheirPage(t *testing.T) {
	h := newHouse(t)
	path := "/desk/demo/staff/" + h.stage.Store.StaffKey(person(dental.Manager))
	page, _ := h.ask(http.MethodGet, path, person(dental.Owner))
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), person(dental.Manager)) || !strings.Contains(page.Body.String(), `value="manager" checked`) {
		t.Fatalf("answered %d %s", page.Code, page.Body)
	}
	if w := h.send(path, person(dental.Owner), "press", "p1", "do", "change", "name", "Павел Лугов", "role", "administrator"); w.Code != http.StatusSeeOther {
		t.Errorf("the change is answered %d %s", w.Code, w.Body)
	}
	if post := h.post("demo", person(dental.Manager)); post.Role != dental.Administrator || post.Name != "Павел Лугов" {
		t.Errorf("the post is %v of %q", post, post.Name)
	}
	if w := h.send(path, person(dental.Owner), "press", "p2", "do", "link"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "token=for-"+person(dental.Manager)) {
		t.Errorf("the link is answered %d %s", w.Code, w.Body)
	}
	if w := h.send(path, person(dental.Owner), "press", "p3", "do", "remove"); w.Code != http.StatusUnprocessableEntity || h.post("demo", person(dental.Manager)).Role == "" {
		t.Errorf("a removal that nobody is sure of is answered %d", w.Code)
	}
	if w := h.send(path, person(dental.Owner), "press", "p4", "do", "remove", "sure", "on"); w.Code != http.StatusSeeOther || h.post("demo", person(dental.Manager)).Role != "" {
		t.Errorf("the removal is answered %d", w.Code)
	}
	if w := h.send(path, person(dental.Owner), "press", "p5", "do", "change"); w.Code != http.StatusNotFound {
		t.Errorf("who is gone is changed with %d", w.Code)
	}
	if w := h.send("/desk/demo/staff/"+h.stage.Store.StaffKey(person(dental.Owner)), person(dental.Owner), "press", "p6", "do", "steal"); w.Code != http.StatusBadRequest {
		t.Errorf("an act that is none is answered %d", w.Code)
	}
}

func TestTheOnlyOwnerIsToldWhyTheyStay(t *testing.T) {
	h := newHouse(t)
	path := "/desk/demo/staff/" + h.stage.Store.StaffKey(person(dental.Owner))
	for _, form := range [][]string{{"do", "remove", "sure", "on"}, {"do", "change", "name", "А", "role", "manager"}} {
		w := h.send(path, person(dental.Owner), append(form, "press", "p1")...)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "единственный владелец") || h.post("demo", person(dental.Owner)).Role != dental.Owner {
			t.Errorf("%v is answered %d %s", form, w.Code, w.Body)
		}
	}
	h.employ("demo", "second@example.com", dental.Owner)
	w := h.send(path, person(dental.Owner), "do", "remove", "sure", "on", "press", "p2")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk" {
		t.Errorf("one of two leaves with %d, to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestAColleagueOfAnotherClinicIsNotFound(t *testing.T) {
	h := newHouse(t)
	path := "/desk/demo/staff/" + h.stage.Store.StaffKey(foreigner)
	if w, _ := h.ask(http.MethodGet, path, person(dental.Owner)); w.Code != http.StatusNotFound {
		t.Errorf("the page answers %d", w.Code)
	}
	if w := h.send(path, person(dental.Owner), "press", "p1", "do", "remove", "sure", "on"); w.Code != http.StatusNotFound || h.post("other", foreigner).Role != dental.Owner {
		t.Errorf("the removal answers %d", w.Code)
	}
}

const operator = "operator@example.com"

func newForms(change ...string) []string {
	form := map[string]string{"press": "p1", "id": "rodnik-2", "name": "Родник <2>", "timeZone": "Asia/Yekaterinburg", "language": "ru", "owner": "Марина Озерова"}
	for i := 0; i < len(change); i += 2 {
		form[change[i]] = change[i+1]
	}
	var pairs []string
	for name, value := range form {
		pairs = append(pairs, name, value)
	}
	return pairs
}

func TestTheOperatorMakesAClinicAndOwnsIt(t *testing.T) {
	h := newHouse(t)
	if w, _ := h.ask(http.MethodGet, "/desk", operator); !strings.Contains(w.Body.String(), `href="/desk/new"`) {
		t.Errorf("the door does not lead there: %s", w.Body)
	}
	if w, written := h.ask(http.MethodGet, "/desk/new", operator); w.Code != http.StatusOK || written != 0 {
		t.Fatalf("the page answers %d, with %d writes", w.Code, written)
	}
	w := h.send("/desk/new", operator, newForms()...)
	cl, err := h.stage.Store.Begin().Clinic(t.Context(), "rodnik-2")
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("answered %d %s, %v", w.Code, w.Body, err)
	}
	secret, err := h.pages.Settings.Secret(t.Context(), "rodnik-2", h.stage.Now())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(w.Body.String(), "<2>") {
		t.Error("the clinic's name is markup")
	}
	for _, shown := range []string{string(secret), "https://rp.example/v1/clinics/rodnik-2/events", "Родник <2>", `href="/desk/rodnik-2"`} {
		if !strings.Contains(html.UnescapeString(w.Body.String()), shown) {
			t.Errorf("the page does not show %q", shown)
		}
	}
	if cl.Name != "Родник <2>" || cl.TimeZone != "Asia/Yekaterinburg" || !cl.Scenario("appointment").On || cl.Scenario("birthday").On {
		t.Errorf("the clinic is %+v", cl)
	}
	if post := h.post("rodnik-2", operator); post.Role != dental.Owner || post.Name != "Марина Озерова" || post.Email != operator {
		t.Errorf("the post is %v of %q", post, post.Name)
	}
	log, _, err := h.stage.Store.Log(t.Context(), "rodnik-2", "2026-03", 10, "")
	if err != nil || len(log) != 1 || log[0].Action != "clinic.new" || log[0].Key != h.stage.Store.StaffKey(operator) {
		t.Errorf("the log is %+v, %v", log, err)
	}
	if w, _ := h.ask(http.MethodGet, "/desk/rodnik-2", operator); w.Code != http.StatusOK {
		t.Errorf("its desk answers %d", w.Code)
	}
	again := h.send("/desk/new", operator, newForms("press", "p2")...)
	if again.Code != http.StatusUnprocessableEntity || strings.Contains(again.Body.String(), "whsec_") {
		t.Errorf("the second time it answers %d %s", again.Code, again.Body)
	}
}

func TestTheOperatorAloneSaysWhichGroupAClinicIsFoundedIn(t *testing.T) {
	h := newHouse(t)
	for id, group := range map[string]string{"rodnik-2": "istok", "rodnik-3": ""} {
		if w := h.send("/desk/new", operator, newForms("id", id, "group", group)...); w.Code != http.StatusOK {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if cl, err := h.stage.Store.Begin().Clinic(t.Context(), id); err != nil || cl.Group != group {
			t.Errorf("the clinic is in %q, want %q: %v", cl.Group, group, err)
		}
	}
}

func TestAClinicIsNotMadeOfABadForm(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string][]string{
		"the id of another":        {"id", "demo"},
		"no id":                    {"id", ""},
		"capitals":                 {"id", "Rodnik"},
		"a path":                   {"id", "../demo"},
		"a word of our addresses":  {"id", "new"},
		"another one":              {"id", "sign-in"},
		"and another":              {"id", "callback"},
		"no name":                  {"name", " "},
		"no owner":                 {"owner", ""},
		"a group of two words":     {"group", "a b"},
		"a zone that is none":      {"timeZone", "Mars/Olympus"},
		"a language that is none":  {"language", "tlh"},
		"a press that has no sign": {"press", ""},
	} {
		before := h.table.Writes.Load()
		w := h.send("/desk/new", operator, newForms(change...)...)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `role="alert"`) || strings.Contains(w.Body.String(), "whsec_") || h.table.Writes.Load() != before {
			t.Errorf("%s is answered %d %s", name, w.Code, w.Body)
		}
	}
	if post := h.post("demo", operator); post.Role != "" {
		t.Errorf("the operator has taken over another's clinic: %v", post)
	}
}

func TestThePageOfNewClinicsIsThereForTheOperatorAlone(t *testing.T) {
	h := newHouse(t)
	nothing, _ := h.ask(http.MethodGet, "/desk/nowhere", nobodys)
	for _, address := range []string{person(dental.Owner), foreigner, nobodys} {
		if w, _ := h.ask(http.MethodGet, "/desk/new", address); !same(w, nothing) {
			t.Errorf("%s is answered %d %s", address, w.Code, w.Body)
		}
		if w := h.send("/desk/new", address, newForms()...); w.Code != http.StatusNotFound {
			t.Errorf("the form of %s is answered %d", address, w.Code)
		}
	}
	if w, _ := h.ask(http.MethodGet, "/desk/new", ""); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk/sign-in?to=%2Fdesk%2Fnew" {
		t.Errorf("nobody is answered %d", w.Code)
	}
	if w := h.send("/desk/new", "", newForms()...); w.Code != http.StatusForbidden {
		t.Errorf("nobody's form is answered %d", w.Code)
	}
	if w, written := h.ask(http.MethodPost, "/desk/new", operator, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); w.Code != http.StatusForbidden || written != 0 {
		t.Errorf("another site's form is answered %d", w.Code)
	}
	h.pages.Operator = ""
	if w, _ := h.ask(http.MethodGet, "/desk/new", operator); !same(w, nothing) {
		t.Errorf("where nobody operates it is answered %d", w.Code)
	}
	if _, err := h.stage.Store.Begin().Clinic(t.Context(), "rodnik-2"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a clinic was made: %v", err)
	}
}

func TestALinkThatCannotBeMadeIsNoSilentSuccess(t *testing.T) {
	h := newHouse(t)
	h.pages.Invite = func(string, string, string, bool) (string, error) { return "", errors.New("the disk is full") }
	w := h.send("/desk/demo/staff", person(dental.Owner), "press", "p1", "email", "new@example.com", "name", "Павел", "role", "manager")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
