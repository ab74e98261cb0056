package staff_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
	"github.com/returnpoint/returnpoint/shared/web/staff"
)

// cabinet is a stage with the cards' pages over it, and one person of each role.
type cabinet struct {
	*stagetest.Stage
	mux   *http.ServeMux
	log   *bytes.Buffer
	table *tabletest.Counted
}

func newCabinet(t testing.TB) *cabinet {
	t.Helper()
	first := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600)), func(c *dental.Clinic) {
		c.ClubVisits, c.Gifts = 3, []dental.Gift{{ID: "brush", Name: "Набор <для> ухода"}}
	})
	c := &cabinet{mux: http.NewServeMux(), log: &bytes.Buffer{}, table: &tabletest.Counted{Table: first.Table}}
	c.Stage = stagetest.Join(first, c.table)
	tx := c.Store.Begin()
	for _, role := range dental.Roles() {
		for _, clinic := range []string{"demo"} {
			if _, err := tx.Staff(t.Context(), clinic, string(role)); err != nil {
				t.Fatal(err)
			}
			tx.Put(dental.Staff{Clinic: clinic, Key: string(role), Name: "Ольга <Крылова>", Role: role})
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := &staff.Pages{Store: c.Store, Catalogue: c.Catalogue, Clock: c.Now, Rand: rand.Reader, SignIn: "/sign-in", SignOut: "/sign-out",
		Log: slog.New(slog.NewTextHandler(c.log, nil)), Erase: c.Erase,
		Who: func(r *http.Request) (staff.Person, bool) {
			key := r.Header.Get("X-Test-Person")
			return staff.Person{Key: key, Name: key}, key != ""
		}}
	pages.Routes(c.mux)
	return c
}

// page is an answer with its document.
type page struct {
	*httptest.ResponseRecorder
	t   testing.TB
	doc *html.Node
}

func (c *cabinet) answer(r *http.Request, who dental.Role) page {
	c.T.Helper()
	r.Header.Set("X-Test-Person", string(who))
	p := page{httptest.NewRecorder(), c.T, nil}
	c.mux.ServeHTTP(p.ResponseRecorder, r)
	doc, err := html.Parse(bytes.NewReader(p.Body.Bytes()))
	if err != nil {
		c.T.Fatal(err)
	}
	p.doc = doc
	return p
}

func (c *cabinet) get(path string, who dental.Role) page {
	c.T.Helper()
	return c.answer(httptest.NewRequest(http.MethodGet, path, nil), who)
}

// post sends a form, given as name, value, name, value.
func (c *cabinet) post(path string, who dental.Role, pairs ...string) page {
	c.T.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		form.Add(pair[0], pair[1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.answer(r, who)
}

// follow opens what a POST leads to, as a browser would.
func (c *cabinet) follow(p page, who dental.Role) page {
	c.T.Helper()
	if p.Code != http.StatusSeeOther {
		c.T.Fatalf("the press was answered %d: %s", p.Code, p.all(".note"))
	}
	r := httptest.NewRequest(http.MethodGet, p.Header().Get("Location"), nil)
	for _, cookie := range p.Result().Cookies() {
		r.AddCookie(cookie)
	}
	return c.answer(r, who)
}

func (p page) nodes(selector string) []*html.Node {
	p.t.Helper()
	s, err := cascadia.ParseGroup(selector)
	if err != nil {
		p.t.Fatal(err)
	}
	return cascadia.QueryAll(p.doc, s)
}

// all are the words of each node that the selector finds, in one string.
func (p page) all(selector string) string {
	p.t.Helper()
	var out []string
	for _, n := range p.nodes(selector) {
		out = append(out, words(n))
	}
	return strings.Join(out, " | ")
}

func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var out strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		out.WriteString(words(c))
	}
	return out.String()
}

const hostile = `<script>alert(1)</script><b onclick="x">"'&` + "\u202e"

func TestWhatPeopleWroteIsShownAsTheyWroteItAndDoesNothing(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P", func(card *intake.Card) { card.FamilyName, card.GivenName = hostile, "Анна" })
	c.Visit("V", "P", c.Now().Add(-26*time.Hour), func(v *dental.Visit) {
		v.Recommendations, v.Doctor.Name, v.Procedures[0].Name = hostile+"1", hostile+"2", hostile+"3"
	})
	tx := c.Store.Begin()
	if _, err := tx.Card(t.Context(), "demo", "P"); err != nil {
		t.Fatal(err)
	}
	tx.Put(dental.Answer{Clinic: "demo", Patient: "P", Day: dental.Date{Year: 2026, Month: 3, Day: 9}, Rating: dental.Bad, NPS: -1, Comment: hostile + "4", At: c.Now(), FirstAt: c.Now(), Changes: 1})
	tx.Put(dental.Referral{Clinic: "demo", Patient: "P", Contact: "h", Name: hostile + "5", At: c.Now()})
	tx.Put(dental.GiftChoice{Clinic: "demo", Patient: "P", Scenario: "birthday", Anchor: "2026", Name: hostile + "6", Code: `"><i>`, ChosenAt: c.Now(), Until: dental.Date{Year: 2026, Month: 4, Day: 1}})
	tx.Put(dental.Task{Clinic: "demo", Patient: "P", Kind: dental.CallbackTask, Anchor: "x", Reason: hostile + "7", Note: hostile + "8", OpenedAt: c.Now()})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/desk/demo/patients/P", "/desk/demo/patients/P/more", "/desk/demo/log"} {
		p := c.get(path, dental.Owner)
		if p.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, p.Code, c.log)
		}
		if n := len(p.nodes("main script, main b, main i, main [onclick], main [style]")); n > 0 {
			t.Errorf("%s: what a patient wrote has become %d elements", path, n)
		}
	}
	p := c.get("/desk/demo/patients/P", dental.Administrator)
	if got := p.all("h1"); got != hostile+" Анна" {
		t.Errorf("the title is %q", got)
	}
	timeline := p.all("ol.timeline")
	for n, where := range map[string]string{"1": timeline, "2": timeline, "3": timeline, "4": p.all("ol.timeline blockquote"), "5": timeline, "6": timeline, "7": p.all("section.card li"), "8": p.all("ol.timeline blockquote")} {
		if !strings.Contains(where, hostile+n) {
			t.Errorf("word %s is not shown as it was written", n)
		}
	}
	if got := p.nodes(`form[action$="/gift"] input[name="code"]`); len(got) != 1 || got[0].Attr[2].Val != `"><i>` {
		t.Errorf("the gift's code is in %d forms", len(got))
	}
}

func TestReadingACardWritesNothingAndIsNamedInTheOperatorsLogByIDsAlone(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P")
	c.Visit("V", "P", c.Now().Add(-time.Hour))
	before := c.table.Writes.Load()
	c.log.Reset()
	for _, path := range []string{"/desk/demo/patients/P", "/desk/demo/patients/P?kind=words&from=7", "/desk/demo/patients/P/more", "/desk/demo/log"} {
		if p := c.get(path, dental.Owner); p.Code != http.StatusOK {
			t.Errorf("%s: %d", path, p.Code)
		}
	}
	if n := c.table.Writes.Load() - before; n != 0 {
		t.Errorf("%d writes", n)
	}
	log := c.log.String()
	if n := strings.Count(log, "card read"); n != 3 || !strings.Contains(log, "patient=P") || !strings.Contains(log, "by=owner") {
		t.Errorf("the log says it %d times: %s", n, log)
	}
	for _, person := range []string{"Петрова", "9160000001", "example.com", "Ольга"} {
		if strings.Contains(log, person) {
			t.Errorf("the log names %s", person)
		}
	}
}

func TestEachActOfACardIsForTheRoleThatMayAndForNobodyElse(t *testing.T) {
	acts := map[string]dental.Role{"grant": dental.Administrator, "spend": dental.Administrator, "free-hygiene": dental.Administrator, "gift": dental.Administrator,
		"consent": dental.Administrator, "exclude": dental.Administrator, "include": dental.Administrator, "dispute": dental.Administrator, "settle": dental.Manager,
		"deceased": dental.Administrator, "living": dental.Administrator, "export": dental.Manager, "erase": dental.Owner}
	c := newCabinet(t)
	c.Patient("P")
	for act, least := range acts {
		for _, role := range append(dental.Roles(), "nobody") {
			p := c.post("/desk/demo/patients/P/"+act, role)
			want := role.May(least)
			switch {
			case role == "nobody" && p.Code != http.StatusNotFound:
				t.Errorf("%s by a stranger: %d", act, p.Code)
			case role != "nobody" && want == (p.Code == http.StatusForbidden):
				t.Errorf("%s by %s: %d", act, role, p.Code)
			}
			if got := c.get("/desk/demo/patients/P/"+act, dental.Owner).Code; got != http.StatusMethodNotAllowed {
				t.Errorf("a GET of %s: %d", act, got)
			}
		}
	}
	for _, path := range []string{"/desk/demo/patients/P", "/desk/other/patients/P", "/desk/demo/patients/X"} {
		if got := c.get(path, "nobody").Code; got != http.StatusNotFound {
			t.Errorf("%s to a stranger: %d", path, got)
		}
	}
	if got := c.get("/desk/demo/patients/X", dental.Owner).Code; got != http.StatusNotFound {
		t.Errorf("a patient nobody knows: %d", got)
	}
	if got := c.get("/desk/demo/log", dental.Administrator).Code; got != http.StatusForbidden {
		t.Errorf("the log to an administrator: %d", got)
	}
}

func TestBonusesAreGrantedAndSpentOnTheCard(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P")
	path := "/desk/demo/patients/P"
	p := c.get(path, dental.Administrator)
	if n := len(p.nodes(`form[action$="/spend"]`)); n != 0 {
		t.Error("there is nothing to spend, and a form for it")
	}
	press := p.nodes(`form[action$="/grant"] input[name="press"]`)[0].Attr[2].Val
	for range 2 { // pressed twice
		p = c.post(path+"/grant", dental.Administrator, "press", press, "amount", "1 500,50", "reason", "За ожидание")
	}
	p = c.follow(p, dental.Administrator)
	if got := p.all("[role=status]"); got != "Бонусы начислены." {
		t.Errorf("it says %q", got)
	}
	if got := strings.ReplaceAll(p.all("#gains ~ p strong"), "\u00a0", " "); got != "Бонусов: 1 500,50 ₽" {
		t.Errorf("the card has %q", got)
	}
	if got := p.all("ol.timeline"); !strings.Contains(got, "За ожидание") || !strings.Contains(got, "Ольга <Крылова>") {
		t.Errorf("the timeline says %q", got)
	}
	p = c.post(path+"/spend", dental.Administrator, "pay", "2000", "for", "Гигиена")
	if got := strings.ReplaceAll(p.all("[role=alert]"), "\u00a0", " "); p.Code != http.StatusConflict || !strings.HasPrefix(got, "Осталось только 1 500,50 ₽, до ") {
		t.Errorf("spending too much: %d %q", p.Code, got)
	}
	if got := p.nodes(`details[open] input[name="for"][value="Гигиена"]`); len(got) != 1 {
		t.Error("the form has forgotten what was typed")
	}
	for _, amount := range []string{"", "много", "-5", "0", "1.234"} {
		if p := c.post(path+"/grant", dental.Administrator, "amount", amount, "reason", "x"); p.Code != http.StatusBadRequest || p.all("[role=alert]") != "Укажите сумму больше нуля, например 500." {
			t.Errorf("%q: %d %q", amount, p.Code, p.all("[role=alert]"))
		}
	}
}

func TestWhatIsGraveIsNotDoneByOnePressAlone(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P")
	path := "/desk/demo/patients/P/"
	p := c.get(path+"more", dental.Owner)
	for _, act := range []string{"exclude", "dispute", "deceased", "erase"} {
		if n := len(p.nodes(fmt.Sprintf(`details form[action$="/%s"] input[type=checkbox][name=sure][required]`, act))); n != 1 {
			t.Errorf("the form of %s asks %d times whether one is sure", act, n)
		}
		if p := c.post(path+act, dental.Owner, "typed", "0001"); p.Code != http.StatusBadRequest || !strings.Contains(p.all("[role=alert]"), "галочку") {
			t.Errorf("%s without being sure: %d %q", act, p.Code, p.all("[role=alert]"))
		}
	}
	if h := c.Card("P").Patient; h.Excluded || h.Disputed || h.Status == dental.Deceased || h.Erased {
		t.Errorf("something was done: %+v", h.Status)
	}
	for act, says := range map[string]string{"exclude": "исключён", "dispute": "Спорный случай отмечен", "deceased": "Смерть пациента отмечена"} {
		p := c.follow(c.post(path+act, dental.Owner, "sure", "on"), dental.Owner)
		if got := p.all("[role=status]"); !strings.Contains(got, says) {
			t.Errorf("%s says %q", act, got)
		}
	}
	p = c.get(path+"more", dental.Administrator)
	for act, n := range map[string]int{"exclude": 0, "include": 1, "dispute": 0, "settle": 0, "deceased": 0, "living": 1, "erase": 0, "export": 0} {
		if got := len(p.nodes(fmt.Sprintf(`form[action$="/%s"]`, act))); got != n {
			t.Errorf("an administrator has %d forms of %s, want %d", got, act, n)
		}
	}
}

func TestAnOwnerErasesACardByTypingItsLastDigits(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P")
	path := "/desk/demo/patients/P/"
	if p := c.post(path+"erase", dental.Owner, "sure", "on", "typed", "9999"); p.Code != http.StatusBadRequest || !strings.Contains(p.all("[role=alert]"), "ничего не удалено") {
		t.Fatalf("with other digits: %d %q", p.Code, p.all("[role=alert]"))
	}
	p := c.follow(c.post(path+"erase", dental.Owner, "sure", "on", "typed", "0001"), dental.Owner)
	if got := p.all("[role=status]"); !strings.Contains(got, "удаляются") {
		t.Errorf("it says %q", got)
	}
	if got := p.all("tbody tr"); !strings.Contains(got, "Удалены данные пациента") || strings.Contains(got, "Петрова") || len(p.nodes("tbody a")) > 0 {
		t.Errorf("the log says %q", got)
	}
	if got := c.get("/desk/demo/patients/P", dental.Owner).Code; got != http.StatusNotFound {
		t.Errorf("the card: %d", got)
	}
}

func TestAnExportIsAFileAndALineOfTheLog(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P:1")
	p := c.post("/desk/demo/patients/P:1/export", dental.Manager)
	if p.Code != http.StatusOK || p.Header().Get("Content-Disposition") != `attachment; filename="patient-P_1.json"` || p.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", p.Code, p.Header())
	}
	var file struct {
		Form    string
		Patient struct{ FamilyName, Phone string }
	}
	if err := json.Unmarshal(p.Body.Bytes(), &file); err != nil || file.Form != "return-point-patient/1" || file.Patient.Phone != "+79160000001" || file.Patient.FamilyName != "Петрова" {
		t.Errorf("the file is %+v, %v", file, err)
	}
	if got := c.get("/desk/demo/log", dental.Manager).all("tbody tr"); !strings.Contains(got, "Выгружены данные пациента") || !strings.Contains(got, "управляющий") {
		t.Errorf("the log says %q", got)
	}
}

func TestAConsentIsRecordedFromPaperAndItsProofShown(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P", func(card *intake.Card) { card.Consents = nil })
	path := "/desk/demo/patients/P/"
	if form := c.get(path+"more", dental.Administrator).nodes("#wording[value='']"); len(form) != 1 {
		t.Error("the number of the form is there before anybody has typed it")
	}
	p := c.post(path+"consent", dental.Administrator, "granted", "yes", "class", "advertising", "wording", "бланк 7")
	if p.Code != http.StatusBadRequest || !strings.Contains(p.all("[role=alert]"), "способах связи") || len(p.nodes("details[open] input[value=advertising][checked]")) != 1 {
		t.Errorf("without a channel: %d %q", p.Code, p.all("[role=alert]"))
	}
	p = c.follow(c.post(path+"consent", dental.Administrator, "granted", "yes", "class", "advertising", "channel", "sms", "on", "2026-03-10", "wording", "бланк 7"), dental.Administrator)
	if got := p.all("[role=status]"); got != "Решение пациента записано." {
		t.Errorf("it says %q", got)
	}
	row := ""
	for _, n := range p.nodes("tbody tr") {
		if strings.HasPrefix(words(n), "реклама, SMS") {
			row = words(n)
		}
	}
	if row != "реклама, SMSда10 марта, на бумаге, форма бланк 7, записано: Ольга <Крылова>" {
		t.Errorf("the proof is %q", row)
	}
}

func TestALongLifeIsShownPageByPageAndAPageStaysSmall(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P")
	for n := range 90 {
		c.Visit(fmt.Sprint("V", n), "P", c.Now().AddDate(0, 0, -10*n-1), func(v *dental.Visit) {
			v.Recommendations = strings.Repeat("Полоскать содой. ", 3+n%5)
		})
	}
	seen, path := 0, "/desk/demo/patients/P?kind=visits"
	for pages := 0; path != ""; pages++ {
		if pages > 20 {
			t.Fatal("the pages have no end")
		}
		p := c.get(path, dental.Administrator)
		if p.Body.Len() > 30<<10 {
			t.Errorf("%s has %d bytes", path, p.Body.Len())
		}
		items := p.nodes("h3 + ol.timeline:last-of-type > li")
		if len(items) == 0 || len(items) > 60 {
			t.Fatalf("%s shows %d entries", path, len(items))
		}
		for _, n := range items {
			if strings.Contains(words(n), "Визит, врач") {
				seen++
			}
		}
		path = ""
		for _, a := range p.nodes(`nav.pages a[rel="next"]`) {
			path = a.Attr[0].Val
		}
	}
	if seen != 90 {
		t.Errorf("%d of 90 visits were shown", seen)
	}
	for _, query := range []string{"?from=100000", "?from=-5", "?from=x", "?kind=nothing", "?kind=%3Cb%3E"} {
		if got := c.get("/desk/demo/patients/P"+query, dental.Administrator).Code; got != http.StatusOK {
			t.Errorf("%s: %d", query, got)
		}
	}
}

func TestTheLogIsReadMonthByMonth(t *testing.T) {
	c := newCabinet(t)
	c.Patient("P")
	for n := range 53 {
		c.Set(c.Now().Add(time.Minute))
		if p := c.post("/desk/demo/patients/P/grant", dental.Owner, "amount", fmt.Sprint(n+1), "reason", "x"); p.Code != http.StatusSeeOther {
			t.Fatal(p.Code)
		}
	}
	p := c.get("/desk/demo/log", dental.Owner)
	if n := len(p.nodes("tbody tr")); n != 50 {
		t.Fatalf("the first page has %d lines", n)
	}
	if got := words(p.nodes("tbody tr")[0]); !strings.Contains(got, "53\u00a0₽") {
		t.Errorf("the newest line is %q", got)
	}
	earlier := p.nodes("nav.pages:last-of-type a")
	if p = c.get(earlier[len(earlier)-1].Attr[0].Val, dental.Owner); len(p.nodes("tbody tr")) != 3 {
		t.Errorf("the second page has %d lines", len(p.nodes("tbody tr")))
	}
	p = c.get("/desk/demo/log?month=2026-02", dental.Owner)
	if len(p.nodes("table")) != 0 || !strings.Contains(p.all("main"), "февраль 2026") || !strings.Contains(p.all("main"), "записей нет") {
		t.Errorf("another month: %q", p.all("main"))
	}
	for _, query := range []string{"month=2026", "month=x", "month=2026-02&after=x"} {
		if got := c.get("/desk/demo/log?"+query, dental.Owner).Code; got != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got)
		}
	}
}
