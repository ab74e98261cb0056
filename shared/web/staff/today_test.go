package staff_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

func TestARowSaysWhomToCallWhyAndWhatToSay(t *testing.T) {
	s := oneCall(t)
	at := s.list()
	for selector, want := range map[string]string{
		"#heading": "1 дело на сегодня, примерно 5 минут",
		".rows h3": "Петрова Борис, 40 лет",
		"a.call":   "Позвонить: +7 916 000-01-01",
	} {
		if got := at.text(selector); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	if got := attribute(at.all("a.call")[0], "href"); got != "tel:+79160000101" {
		t.Errorf("the call leads to %q", got)
	}
	if got := attribute(at.all(".rows h3 a")[0], "href"); got != "/desk/demo/patients/P1" {
		t.Errorf("the name leads to %q", got)
	}
	if says := at.text(".script"); !strings.HasPrefix(says, "Здравствуйте, Борис! Это «Клиника Исток».") || !strings.Contains(says, "Удобно ") {
		t.Errorf("the script is %q", says)
	}
	if says := at.text(".badge.right"); says != "можно предлагать" {
		t.Errorf("the badge of consent is %q", says)
	}
}

func TestAPatientsOwnWordsStayWords(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	const evil = `<script>alert(1)</script> & "x"`
	id := s.comes(1)
	s.Patient(id, func(c *intake.Card) { c.Number, c.GivenName = "+79160000101", evil })
	s.opens(id, dental.Task{Kind: dental.ComplaintTask, Anchor: "a", Reason: evil, Note: evil})
	at := s.list()
	if n := len(at.all("script")); n != 1 || strings.Contains(at.body, "<script>alert") {
		t.Errorf("the page has %d scripts:\n%s", n, at.body)
	}
	if got := at.text(".message"); !strings.HasSuffix(got, evil) {
		t.Errorf("the note is %q", got)
	}
}

func TestTheNextPageAndTheWayBackAreLinks(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	for n := range 20 {
		s.opens(s.comes(n), dental.Task{Kind: dental.WakeTask, Anchor: "a", Reason: "Пора."})
	}
	seen := map[string]bool{}
	at, pages := s.list(), 1
	for ; ; pages++ {
		if len(at.body) > 30<<10 {
			t.Errorf("page %d has %d bytes", pages, len(at.body))
		}
		for _, a := range at.all(".rows h3 a") {
			seen[attribute(a, "href")] = true
		}
		next := at.all(`.pages a[rel=next]`)
		if len(next) == 0 {
			break
		}
		at = s.serve(http.MethodGet, attribute(next[0], "href"), nil)
	}
	if len(seen) != 20 || pages != 3 {
		t.Errorf("%d pages show %d patients", pages, len(seen))
	}
	first := at.all(".pages a")
	if len(first) != 1 || attribute(first[0], "href") != "/desk/demo" {
		t.Errorf("the last page has no way back: %q", at.text(".pages"))
	}
	for _, from := range []string{"900", "-1", "x"} {
		if at = s.serve(http.MethodGet, "/desk/demo?from="+from, nil); at.code != http.StatusOK || len(at.all(".rows h3")) == 0 {
			t.Errorf("from=%s shows nothing (%d)", from, at.code)
		}
	}
}

func TestThePageKnowsWhereToAskWhetherItHasChanged(t *testing.T) {
	s := oneCall(t)
	note := s.list().all("[data-watch]")[0]
	if attribute(note, "data-version") == "" {
		t.Fatal("the page has no version")
	}
	ask := func() string { return s.serve(http.MethodGet, attribute(note, "data-watch"), nil).text("body") }
	if got := ask(); got != attribute(note, "data-version") {
		t.Errorf("the version is %q and the page's %q", got, attribute(note, "data-version"))
	}
	s.press(s.list().row(dental.CallTask)[0])
	if got := ask(); got == attribute(note, "data-version") {
		t.Error("a press does not change the version")
	}
	hidden := false
	for _, a := range note.Attr {
		hidden = hidden || a.Key == "hidden"
	}
	if !hidden {
		t.Error("without a change the page says that it has changed")
	}
}

func TestASearchLeadsStraightToTheOneItFinds(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	s.comes(1)
	s.comes(2)
	s.Patient("Q", func(c *intake.Card) { c.Number, c.GivenName = "+79030000102", "Ольга" })
	if at := s.serve(http.MethodGet, "/desk/demo/search?digits=0101", nil); !strings.HasPrefix(at.path, "/desk/demo/patients/P1") {
		t.Errorf("one alone leads to %s (%d)", at.path, at.code)
	}
	at := s.serve(http.MethodGet, "/desk/demo/search?digits=0102", nil)
	if at.code != http.StatusOK || len(at.all(".rows h3 a")) != 2 || at.text("h2") != "Нашлось пациентов: 2" {
		t.Errorf("two give %d: %q, %q", at.code, at.text("h2"), at.text(".rows"))
	}
	if at = s.serve(http.MethodGet, "/desk/demo/search?digits=9999", nil); at.code != http.StatusOK || at.text("h2") != "Никого не нашлось, проверьте цифры" {
		t.Errorf("none gives %d: %q", at.code, at.text("h2"))
	}
	if at = s.serve(http.MethodGet, "/desk/demo/search?digits=%3Cb%3E", nil); at.code != http.StatusBadRequest || at.text("[role=alert]") != "Введите последние четыре цифры номера." ||
		strings.Contains(at.body, "<b>") {
		t.Errorf("a wrong search gives %d: %q", at.code, at.text("[role=alert]"))
	}
	if box := s.list().all(`form[role=search] input#digits`); len(box) != 1 {
		t.Errorf("the list has %d boxes to search in", len(box))
	}
}

func TestArrivalsShowTheDayAndLeadToTheConsentCode(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	s.Patient("P", func(c *intake.Card) { c.Consents = nil })
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-06-16 15:00"))
	at := s.serve(http.MethodGet, "/desk/demo/arrivals", nil)
	if at.code != http.StatusOK || at.text(".rows time") != "15:00" || at.text("h2") == "" {
		t.Fatalf("the day answers %d: %q", at.code, at.text("main"))
	}
	ask := at.all(".rows li li a")
	if len(ask) != 1 {
		t.Fatalf("nobody is asked for consent: %q", at.text(".rows"))
	}
	page := s.serve(http.MethodGet, attribute(ask[0], "href"), nil)
	if len(page.all("svg")) != 0 || len(page.all("main form")) != 1 {
		t.Fatalf("before the press the page has %d codes", len(page.all("svg")))
	}
	made := s.serve(http.MethodPost, attribute(page.all("main form")[0], "action"), url.Values{})
	if made.code != http.StatusOK || len(made.all("svg.qr")) != 1 {
		t.Fatalf("the press answers %d with %d codes", made.code, len(made.all("svg")))
	}
	path := strings.TrimPrefix(attribute(made.all("main p.small a")[0], "href"), "https://rp.example")
	if _, err := s.Desk.Preferences(t.Context(), strings.TrimPrefix(path, "/u/"), s.Now()); err != nil {
		t.Errorf("the code's link %s opens nothing: %v", path, err)
	}
	log, _, err := s.Store.Log(t.Context(), "demo", "2026-06", 10, "")
	if err != nil || len(log) != 1 || log[0].Action != "consent-link" || log[0].Patient != "P" || log[0].By != "administrator" {
		t.Errorf("the log has %+v, %v", log, err)
	}
	if tomorrow := s.serve(http.MethodGet, "/desk/demo/arrivals?day=2026-06-17", nil); !strings.HasPrefix(tomorrow.text("h2"), "Записей завтра нет.") {
		t.Errorf("an empty day is headed %q", tomorrow.text("h2"))
	}
	if wrong := s.serve(http.MethodGet, "/desk/demo/arrivals?cursor=zzz", nil); wrong.code != http.StatusBadRequest {
		t.Errorf("a place of no page is answered %d", wrong.code)
	}
	if wrong := s.serve(http.MethodGet, "/desk/demo/arrivals?day=soon", nil); wrong.code != http.StatusBadRequest {
		t.Errorf("a day that is none answers %d", wrong.code)
	}
	if unknown := s.serve(http.MethodGet, "/desk/demo/arrivals/nobody/consent", nil); unknown.code != http.StatusNotFound {
		t.Errorf("a patient that is none answers %d", unknown.code)
	}
}

func TestABatchIsReadAndReleasedByRowAndAsAWhole(t *testing.T) {
	s := newShift(t, "2026-06-16 10:00")
	s.Settings(func(c *dental.Clinic) {
		for name := range c.Scenarios {
			c.Scenarios[name] = dental.ScenarioSettings{}
		}
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseStaff}
	})
	for n := range 3 {
		id := fmt.Sprint("S", n)
		s.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+791600002%02d", n) })
		s.Visit("V"+id, id, s.Now().AddDate(0, -6, 0))
	}
	s.Scan(s.Clinic.Today(s.Now()))
	s.Tick()
	s.Tick()
	link := s.list().all(`.rows a[href*="/batches/"]`)
	if len(link) != 1 {
		t.Fatalf("the list leads to no batch: %q", s.list().text(".rows"))
	}
	path := attribute(link[0], "href")
	page := s.serve(http.MethodGet, path, nil)
	if page.code != http.StatusOK || len(page.all(".message")) != 3 || len(page.body) > 30<<10 {
		t.Fatalf("the batch answers %d with %d messages in %d bytes", page.code, len(page.all(".message")), len(page.body))
	}
	act := func(page *pressedPage, value string) *pressedPage {
		t.Helper()
		for _, b := range page.buttons() {
			if b.value == value {
				return s.press(b)
			}
		}
		t.Fatalf("the page offers no %q", value)
		return nil
	}
	page = act(page, "one")
	if page.code != http.StatusOK || len(page.all(".message")) != 2 {
		t.Fatalf("after one was released the page answers %d with %d messages", page.code, len(page.all(".message")))
	}
	page = act(page, "out")
	if page.code != http.StatusOK || len(page.all(".message")) != 1 {
		t.Fatalf("after one was taken out the page answers %d with %d messages", page.code, len(page.all(".message")))
	}
	act(page, "release")
	s.To(s.Now().Add(3 * time.Hour))
	if sent := s.SentAs("sleeping-6", "offer"); len(sent) != 2 {
		t.Errorf("%d offers have left, want 2", len(sent))
	}
	if gone := s.serve(http.MethodGet, path, nil); gone.code != http.StatusNotFound {
		t.Errorf("the batch that has left answers %d", gone.code)
	}
	for _, wrong := range []string{"/desk/demo/batches/no-such/2026-06-16", "/desk/demo/batches/recall/today"} {
		if at := s.serve(http.MethodGet, wrong, nil); at.code != http.StatusNotFound {
			t.Errorf("%s answers %d", wrong, at.code)
		}
	}
}
