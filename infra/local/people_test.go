package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// browser is one with cookies of its own, which follows where it is led.
type browser struct {
	t *testing.T
	*http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar}}
}

// read returns where it ended, the status, and the page.
func (b *browser) read(answer *http.Response, err error) (at *url.URL, status int, page string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.Request.URL, answer.StatusCode, string(raw)
}

func (b *browser) open(address string) (*url.URL, int, string) {
	b.t.Helper()
	return b.read(b.Get(address))
}

func (b *browser) send(address string, pairs ...string) (*url.URL, int, string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.read(b.PostForm(address, form))
}

// signIn opens a page of the desk, and signs in where that leads.
func (b *browser) signIn(address string, pairs ...string) (*url.URL, int, string) {
	b.t.Helper()
	at, status, page := b.open(address)
	if at.Path != issuerPath+"/authorize" || status != http.StatusOK {
		b.t.Fatalf("%s leads to %s (%d): %.300s", address, at, status, page)
	}
	return b.send(at.String(), pairs...)
}

// greeting is what the program prints when it has started.
func (s *stack) greeting() string {
	s.t.Helper()
	var out bytes.Buffer
	if err := s.m.greet(&out, s.base); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

func TestTheThreeOfTheDemoSignInAsThePrintedLinesSay(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	said := s.greeting()
	if !strings.Contains(said, s.base+"/desk\n") || !strings.Contains(said, "password demo") {
		t.Errorf("it prints\n%s", said)
	}
	for address, settings := range map[string]int{"administrator@example.com": http.StatusForbidden, "manager@example.com": http.StatusForbidden, "owner@example.com": http.StatusOK} {
		if !strings.Contains(said, address) {
			t.Errorf("%s is not printed", address)
		}
		b := newBrowser(t)
		if at, status, page := b.signIn(s.base+"/desk", "person", address); at.Path != "/desk/demo" || status != http.StatusOK || !strings.Contains(page, "Клиника Исток") {
			t.Errorf("%s ends at %s (%d)", address, at, status)
		}
		if _, status, _ := b.open(s.base + "/desk/demo/staff"); status != settings {
			t.Errorf("to %s the staff's page answers %d", address, status)
		}
		if at, status, _ := newBrowser(t).signIn(s.base+"/desk/demo/log", "email", address, "password", "demo"); at.Path != "/desk/demo/log" || status == http.StatusNotFound {
			t.Errorf("with the password %s ends at %s (%d)", address, at, status)
		}
	}
	s.m.turn.Lock() // so that nothing else happens meanwhile
	defer s.m.turn.Unlock()
	before := s.digest()
	newBrowser(t).signIn(s.base+"/desk", "person", "owner@example.com")
	if after := s.digest(); after != before {
		t.Error("signing in has changed the table")
	}
}

func TestASessionOutlivesARestartAndEndsWithItsTwelveHours(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	b := newBrowser(t)
	at, _, _ := b.signIn(s.base+"/desk", "person", "owner@example.com")
	cookies := b.Jar.Cookies(at)
	if len(cookies) != 1 {
		t.Fatalf("the browser keeps %v", cookies)
	}
	s.stop()
	s = start(t, dir)
	asks := func() int {
		cookie := *cookies[0]
		cookie.Name = "desk-" + strings.TrimPrefix(s.base, "http://127.0.0.1:") + "-session" // as if the port were the same
		return s.do(http.MethodGet, "/desk/demo", http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}, nil).status
	}
	if status := asks(); status != http.StatusOK {
		t.Errorf("after a restart the desk answers %d", status)
	}
	s.advance("12h")
	if status := asks(); status != http.StatusSeeOther {
		t.Errorf("twelve hours later it answers %d", status)
	}
}

var printed = regexp.MustCompile(`sign-in   (\S+), password (\S+)`)

func TestForRealUseTheOwnerHasAPasswordThatIsPrintedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, "LOCAL_ONLY", "0", "OPERATOR", "Marina@Clinic.example")
	said := printed.FindStringSubmatch(s.greeting())
	if said == nil || said[1] != "marina@clinic.example" || len(said[2]) < 24 {
		t.Fatalf("it prints %q", said)
	}
	if again := s.greeting(); strings.Contains(again, "password") {
		t.Errorf("it prints again\n%s", again)
	}
	b := newBrowser(t)
	if at, status, _ := b.signIn(s.base+"/desk", "email", said[1], "password", said[2]); at.Path != "/desk/demo" || status != http.StatusOK {
		t.Errorf("the owner ends at %s (%d)", at, status)
	}
	if _, status, _ := b.open(s.base + "/desk/new"); status != http.StatusOK {
		t.Errorf("the page of new clinics answers %d", status)
	}
	for _, form := range [][]string{{"person", "owner@example.com"}, {"email", "owner@example.com", "password", "demo"}, {"email", said[1], "password", "demo"}} {
		if at, status, page := newBrowser(t).signIn(s.base+"/desk", form...); status != http.StatusForbidden || strings.Contains(page, "administrator@example.com") {
			t.Errorf("%v ends at %s (%d)", form, at, status)
		}
	}
}

func TestPeopleOfTheDemonstrationDoNotSignInWhereItsFolderIsUsedForReal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir).stop()
	s := start(t, dir, "LOCAL_ONLY", "0")
	if _, status, page := newBrowser(t).signIn(s.base+"/desk", "email", "owner@example.com", "password", "demo"); status != http.StatusForbidden {
		t.Errorf("answered %d %s", status, page)
	}
}

func TestAnOwnerAddsAColleagueWhoChoosesAPasswordAndIsRemoved(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "LOCAL_ONLY", "0")
	said := printed.FindStringSubmatch(s.greeting())
	owner, olga := newBrowser(t), newBrowser(t)
	owner.signIn(s.base+"/desk/demo/staff", "email", said[1], "password", said[2])
	_, _, page := owner.send(s.base+"/desk/demo/staff", "press", "p1", "email", "olga@clinic.example", "name", "Ольга Ветрова", "role", "administrator")
	link := regexp.MustCompile(`http://[^"]*/password\?token=[\w-]+`).FindString(page)
	if link == "" {
		t.Fatalf("the page has no link: %s", page)
	}
	if _, status, page := olga.send(link, "password", "три простых слова", "again", "три простых слова"); status != http.StatusOK || !strings.Contains(page, `type="password"`) {
		t.Errorf("the link ends with %d %s", status, page)
	}
	if at, status, _ := olga.signIn(s.base+"/desk", "email", "Olga@clinic.example", "password", "три простых слова"); at.Path != "/desk/demo" || status != http.StatusOK {
		t.Errorf("she ends at %s (%d)", at, status)
	}
	key := s.m.store.StaffKey("olga@clinic.example")
	if _, status, page := owner.send(s.base+"/desk/demo/staff/"+key, "press", "p2", "do", "remove", "sure", "on"); status != http.StatusOK {
		t.Errorf("the removal is answered %d %s", status, page)
	}
	if _, status, _ := olga.open(s.base + "/desk/demo"); status != http.StatusNotFound {
		t.Errorf("removed, she is answered %d", status)
	}
}

func TestTheOperatorsNewClinicTakesEventsByWhatThePageShows(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	b := newBrowser(t)
	b.signIn(s.base+"/desk/new", "person", "owner@example.com")
	_, status, page := b.send(s.base+"/desk/new", "press", "p1", "id", "rodnik", "name", "Клиника Родник", "timeZone", "Europe/Moscow", "language", "ru", "owner", "Марина Озерова")
	if status != http.StatusOK || !strings.Contains(page, s.base+"/v1/clinics/rodnik/events") {
		t.Fatalf("answered %d %s", status, page)
	}
	s.event("rodnik", "patient.updated", card("P1", 1))
	if at, status, _ := b.open(s.base + "/desk"); at.Path != "/desk" || status != http.StatusOK {
		t.Errorf("with two clinics the door leads to %s (%d)", at, status)
	}
}

func TestAnotherMachineBehindAProxyIsNotOfferedTheDemonstration(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	at, _, _ := newBrowser(t).open(s.base + "/desk")
	for name, header := range map[string]http.Header{
		"a proxy's":       {"X-Forwarded-For": {"198.51.100.7"}},
		"another name's":  nil,
		"the machine own": {},
	} {
		r, err := http.NewRequest(http.MethodGet, at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Header = header.Clone(); header == nil {
			r.Host = "rp.example"
			r.Header = http.Header{}
		}
		_, _, page := newBrowser(t).read(client.Do(r))
		if offered := strings.Contains(page, "owner@example.com"); offered != (name == "the machine own") {
			t.Errorf("%s request is offered the people: %v", name, offered)
		}
	}
}

func TestTheFilesOfSignInAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, "LOCAL_ONLY", "0")
	s.greeting()
	for _, name := range []string{"session.key", "issuer.json", "people.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestTheDemoClinicHasItsThreePosts(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	all, err := s.m.store.StaffOf(t.Context(), demo)
	if err != nil || len(all) != 3 {
		t.Fatalf("there are %d, %v", len(all), err)
	}
	roles := map[dental.Role]bool{}
	for _, m := range all {
		roles[m.Role] = true
		if !strings.HasSuffix(string(m.Email), "@example.com") || m.Name == "" || m.Since.IsZero() {
			t.Errorf("%v of %q", m, m.Name)
		}
	}
	if len(roles) != 3 {
		t.Errorf("the roles are %v", roles)
	}
}
