package signin_test

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/oidc"
	"github.com/returnpoint/returnpoint/shared/signin"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// street is a desk's door with the issuer beside it, and a browser before both.
type street struct {
	t       *testing.T
	clock   *tabletest.Clock
	options signin.Options
	door    *signin.Door
	mux     *http.ServeMux
	browser *http.Client
	// seen are the answers that the browser got, by their paths.
	seen map[string]*http.Response
	body string // of the last one
}

const (
	secure = "https://rp.example"
	plain  = "http://127.0.0.1:8080"
	olga   = "olga@example.com"
)

// keyOf is a keyed hash of an address that a test can read.
func keyOf(address string) string { return "key of " + strings.ToLower(address) }

func key(letter string) []byte { return []byte(strings.Repeat(letter, 32)) }

// newStreet opens the door against the built-in provider, at which Olga can sign in.
func newStreet(t *testing.T, base string, change ...func(*signin.Options)) *street {
	t.Helper()
	s := &street{t: t, clock: tabletest.NewClock(start)}
	issuer, err := oidc.Open(oidc.Options{Issuer: base + "/oidc", ClientID: "desk", Callback: base + signin.Callback, Home: base + "/desk", Dir: t.TempDir(),
		Demo: []oidc.Person{{Address: olga, Name: "Ольга Ветрова"}}, Near: func(*http.Request) bool { return true }, Clock: s.clock.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	s.options = signin.Options{Base: base, Issuer: base + "/oidc", ClientID: "desk", Keys: [][]byte{key("a")}, Client: issuer.Client(), Key: keyOf,
		Clock: s.clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&s.options)
	}
	s.open()
	s.mux.Handle("/oidc/", issuer)
	return s
}

// open makes the door anew, for a browser that has its cookies still.
func (s *street) open() {
	s.t.Helper()
	var err error
	if s.door, err = signin.New(s.options); err != nil {
		s.t.Fatal(err)
	}
	s.mux = http.NewServeMux()
	s.door.Routes(s.mux)
	s.mux.HandleFunc("/desk/", func(w http.ResponseWriter, r *http.Request) { s.desk(w, r) })
	s.mux.HandleFunc("/desk", func(w http.ResponseWriter, r *http.Request) { s.desk(w, r) })
	if s.browser == nil {
		s.forget()
	}
}

// forget gives the browser an empty jar.
func (s *street) forget() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar, Transport: s, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Path == "/stop" || len(via) > 9 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	s.seen = map[string]*http.Response{}
}

// desk says who is there.
func (s *street) desk(w http.ResponseWriter, r *http.Request) {
	p, ok := s.door.Who(r)
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(w, p.Key+"|"+p.Name)
}

// RoundTrip is the browser's network, at whose end the door stands.
func (s *street) RoundTrip(r *http.Request) (*http.Response, error) {
	own := r.Clone(r.Context())
	own.RequestURI, own.Host, own.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "127.0.0.1:1234"
	if own.Body == nil {
		own.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, own)
	answer := w.Result()
	answer.Request = r
	s.seen[r.URL.Path] = answer
	return answer, nil
}

func (s *street) get(to string) *http.Response {
	s.t.Helper()
	return s.read(s.browser.Get(s.options.Base + to))
}

func (s *street) read(answer *http.Response, err error) *http.Response {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.body = string(raw)
	return answer
}

// form opens the issuer's form by way of the desk, and returns its URL.
func (s *street) form(to string) string {
	s.t.Helper()
	answer := s.get(signin.In + "?to=" + url.QueryEscape(to))
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/oidc/authorize" {
		s.t.Fatalf("the sign-in ends at %s with %d: %s", answer.Request.URL, answer.StatusCode, s.body)
	}
	return answer.Request.URL.String()
}

// press sends the issuer's form as Olga.
func (s *street) press(form string) *http.Response {
	s.t.Helper()
	return s.read(s.browser.PostForm(form, url.Values{"person": {olga}}))
}

// signIn signs Olga in.
func (s *street) signIn(to string) *http.Response {
	s.t.Helper()
	return s.press(s.form(to))
}

// cookies are what the browser would send to the desk.
func (s *street) cookies() map[string]string {
	u, err := url.Parse(s.options.Base + "/desk")
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range s.browser.Jar.Cookies(u) {
		out[c.Name] = c.Value
	}
	return out
}

func TestWhoeverSignsInIsKnownAndBackWhereTheyWere(t *testing.T) {
	for name, c := range map[string]struct{ base, cookie string }{
		"over https":             {secure, "__Host-desk-session"},
		"on the machine itself":  {plain, "desk-8080-session"},
		"on it, by another name": {"http://localhost:8080", "desk-8080-session"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreet(t, c.base)
			if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusUnauthorized {
				t.Fatalf("nobody is taken for somebody: %d", answer.StatusCode)
			}
			answer := s.signIn("/desk/demo/cards?q=4567")
			if answer.Request.URL.String() != c.base+"/desk/demo/cards?q=4567" || s.body != keyOf(olga)+"|Ольга Ветрова" {
				t.Errorf("the way ends at %s: %q", answer.Request.URL, s.body)
			}
			for path, answer := range s.seen {
				for _, set := range answer.Cookies() {
					if !set.HttpOnly || set.SameSite != http.SameSiteLaxMode || set.Path != "/" || set.Domain != "" || set.Secure != (c.base == secure) {
						t.Errorf("%s sets %v", path, set)
					}
					if set.MaxAge > int(signin.Life.Seconds()) || strings.Contains(set.Value, olga) {
						t.Errorf("%s sets %v", path, set)
					}
				}
			}
			left := s.cookies()
			if len(left) != 1 || left[c.cookie] == "" {
				t.Errorf("the browser keeps %v", left)
			}
			if header := s.seen[signin.Callback].Header; header.Get("Cache-Control") != "no-store" || header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("the callback, whose address has a code, is answered with %v", header)
			}
		})
	}
}

func TestTheWayToTheIssuerBearsAllThatTheFlowAsksFor(t *testing.T) {
	s := newStreet(t, secure)
	first, second := s.form("/desk"), s.form("/desk")
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{"response_type": "code", "client_id": "desk", "redirect_uri": secure + "/desk/callback", "scope": "openid email profile", "code_challenge_method": "S256"} {
		if q.Get(name) != want {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	other, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) != 43 || q.Get(name) == other.Query().Get(name) {
			t.Errorf("%s is %q, and the next time %q", name, q.Get(name), other.Query().Get(name))
		}
	}
}

func TestASessionLastsTwelveHoursHoweverMuchItIsUsed(t *testing.T) {
	s := newStreet(t, secure)
	s.signIn("/desk")
	for range 11 {
		s.clock.Advance(time.Hour)
		if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusOK {
			t.Fatalf("at %v it is over", s.clock.Now())
		}
	}
	s.clock.Advance(time.Hour - time.Second)
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusOK {
		t.Error("a second before its end it is over")
	}
	s.clock.Advance(time.Second)
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusUnauthorized {
		t.Error("it has no end")
	}
}

func TestAKeyIsReplacedWithoutSigningAnybodyOut(t *testing.T) {
	s := newStreet(t, secure)
	s.signIn("/desk")
	old := s.cookies()
	s.options.Keys = [][]byte{key("b"), key("a")}
	s.open()
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusOK {
		t.Error("the new key beside it, the old session is not read")
	}
	s.options.Keys = [][]byte{key("b")}
	s.open()
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusUnauthorized {
		t.Error("a key that was taken away still opens sessions")
	}
	s = newStreet(t, secure, func(o *signin.Options) { o.Keys = [][]byte{key("b"), key("a")} })
	s.signIn("/desk")
	if fresh := s.cookies(); fresh["__Host-desk-session"] == old["__Host-desk-session"] {
		t.Fatal("the sessions are one")
	}
	s.options.Keys = [][]byte{key("b")}
	s.open()
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusOK {
		t.Error("the first key is not the one that encrypts")
	}
}

func TestACookieOfAnotherPurposeIsNoSession(t *testing.T) {
	s := newStreet(t, secure)
	s.form("/desk")
	for name, value := range s.cookies() {
		r := httptest.NewRequest(http.MethodGet, secure+"/desk", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-desk-session", Value: value})
		if who, ok := s.door.Who(r); ok {
			t.Errorf("%s signs in %+v", name, who)
		}
	}
	for _, value := range []string{"", "x", "..", "a.b.c.d.e", strings.Repeat("x", 5000), "eyJhbGciOiJub25lIn0...."} {
		r := httptest.NewRequest(http.MethodGet, secure+"/desk", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-desk-session", Value: value})
		if who, ok := s.door.Who(r); ok {
			t.Errorf("%.20q signs in %+v", value, who)
		}
	}
}

func TestSigningInLeadsToTheDeskAndNowhereElse(t *testing.T) {
	for to, want := range map[string]string{
		"":                                    "/desk",
		"/desk":                               "/desk",
		"/desk/demo":                          "/desk/demo",
		"/desk/demo?day=2026-03-10":           "/desk/demo?day=2026-03-10",
		"/desk/demo/patients/%D0%90-1":        "/desk/demo/patients/%D0%90-1",
		"/":                                   "/desk",
		"/deskside":                           "/desk",
		"/s/AAAAAAAAAAAAAAAA":                 "/desk",
		"https://elsewhere.example":           "/desk",
		"https://elsewhere.example/desk/demo": "/desk",
		"//elsewhere.example/desk/demo":       "/desk",
		"///elsewhere.example/desk":           "/desk",
		"/\\elsewhere.example/desk":           "/desk",
		"/desk/\\elsewhere.example":           "/desk",
		"/desk/../s/AAAA":                     "/desk",
		"/desk/demo/../../oidc":               "/desk",
		"/desk//elsewhere.example":            "/desk",
		"javascript:alert(1)":                 "/desk",
		"desk/demo":                           "/desk",
		"/desk/demo\r\nSet-Cookie: a=b":       "/desk",
		"/desk/sign-in?to=/desk":              "/desk",
		"/desk/callback?code=x":               "/desk",
		"/desk/sign-out":                      "/desk",
		"/desk/" + strings.Repeat("a", 600):   "/desk",
	} {
		s := newStreet(t, secure)
		answer := s.signIn(to)
		if got := strings.TrimPrefix(answer.Request.URL.String(), secure); got != want || answer.StatusCode != http.StatusOK {
			t.Errorf("?to=%.60q leads to %q, want %q", to, got, want)
		}
	}
}

func TestSeveralWindowsSignInAtOnce(t *testing.T) {
	s := newStreet(t, secure)
	first, second, third := s.form("/desk/one"), s.form("/desk/two"), s.form("/desk/three")
	for form, want := range map[string]string{second: "/desk/two", first: "/desk/one", third: "/desk/three"} {
		if answer := s.press(form); answer.Request.URL.Path != want || answer.StatusCode != http.StatusOK {
			t.Errorf("the window ends at %s with %d", answer.Request.URL, answer.StatusCode)
		}
	}
}

func TestWindowsThatAreNeverFinishedDoNotFillTheBrowser(t *testing.T) {
	s := newStreet(t, secure)
	for range 40 {
		s.form("/desk")
	}
	size := 0
	for name, value := range s.cookies() {
		size += len(name) + len(value)
	}
	if size == 0 || size > 6000 {
		t.Errorf("the cookies have %d bytes", size)
	}
	if answer := s.signIn("/desk/demo"); answer.StatusCode != http.StatusOK {
		t.Errorf("after all of them the sign-in is answered %d", answer.StatusCode)
	}
}

func TestTheCallbackTakesNothingButTheEndOfItsOwnFlow(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *street, q url.Values)
		status int
		says   string
	}{
		"another state":                   {func(_ *street, q url.Values) { q.Set("state", strings.Repeat("A", 43)) }, http.StatusBadRequest, "not finished"},
		"no state":                        {func(_ *street, q url.Values) { q.Del("state") }, http.StatusBadRequest, "not finished"},
		"a state that is none":            {func(_ *street, q url.Values) { q.Set("state", "../../etc/passwd") }, http.StatusBadRequest, "not finished"},
		"a state with the same beginning": {func(_ *street, q url.Values) { q.Set("state", q.Get("state")[:42]+"_") }, http.StatusBadRequest, "not finished"},
		"another browser":                 {func(s *street, _ url.Values) { s.forget() }, http.StatusBadRequest, "not finished"},
		"too late":                        {func(s *street, _ url.Values) { s.clock.Advance(15 * time.Minute) }, http.StatusBadRequest, "not finished"},
		"another issuer":                  {func(_ *street, q url.Values) { q.Set("iss", "https://elsewhere.example") }, http.StatusBadRequest, "not finished"},
		"a code that is none":             {func(_ *street, q url.Values) { q.Set("code", "guessed") }, http.StatusBadRequest, "not finished"},
		"no code":                         {func(_ *street, q url.Values) { q.Del("code") }, http.StatusBadRequest, "not finished"},
		"a person who did not agree":      {func(_ *street, q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, http.StatusForbidden, "cancelled"},
		"an issuer in trouble":            {func(_ *street, q url.Values) { q.Del("code"); q.Set("error", "server_error") }, http.StatusServiceUnavailable, "does not work"},
		"an issuer that says strange <b>": {func(_ *street, q url.Values) { q.Set("error", "<b>strange</b>") }, http.StatusServiceUnavailable, "does not work"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreet(t, secure)
			back := s.back(s.form("/desk/demo"))
			u, err := url.Parse(back)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			c.change(s, q)
			answer := s.get(signin.Callback + "?" + q.Encode())
			if answer.StatusCode != c.status || !strings.Contains(s.body, c.says) || strings.Contains(s.body, "strange") {
				t.Errorf("answered %d: %s", answer.StatusCode, s.body)
			}
			if !strings.Contains(s.body, `href="/desk/sign-in"`) {
				t.Error("the page leads to no other try")
			}
			if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusUnauthorized {
				t.Error("somebody is signed in")
			}
		})
	}
}

// back sends the issuer's form and returns where it would lead, not going there.
func (s *street) back(form string) string {
	s.t.Helper()
	follow := s.browser.CheckRedirect
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { s.browser.CheckRedirect = follow }()
	answer := s.press(form)
	to := answer.Header.Get("Location")
	if !strings.HasPrefix(to, s.options.Base+signin.Callback+"?") {
		s.t.Fatalf("the issuer leads to %q (%d)", to, answer.StatusCode)
	}
	return to
}

func TestACallbackThatIsOpenedAgainLeadsOnAndSignsNobodyInAnew(t *testing.T) {
	s := newStreet(t, secure)
	back := strings.TrimPrefix(s.back(s.form("/desk/demo")), secure)
	if answer := s.get(back); answer.Request.URL.Path != "/desk/demo" {
		t.Fatalf("the first time leads to %s", answer.Request.URL)
	}
	if answer := s.get(back); answer.Request.URL.Path != "/desk" || answer.StatusCode != http.StatusOK {
		t.Errorf("the second time leads to %s", answer.Request.URL)
	}
	s.forget()
	if answer := s.get(back); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("in another browser it is answered %d", answer.StatusCode)
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	s := newStreet(t, secure)
	s.signIn("/desk")
	if answer := s.get(signin.Out); answer.StatusCode == http.StatusOK && answer.Request.URL.Path == signin.After {
		t.Error("a GET signs out")
	}
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusOK {
		t.Fatal("a GET has signed out")
	}
	foreign, err := http.NewRequest(http.MethodPost, secure+signin.Out, nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer := s.read(s.browser.Do(foreign)); answer.StatusCode != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", answer.StatusCode)
	}
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusOK {
		t.Fatal("another site has signed out")
	}
	answer := s.read(s.browser.PostForm(secure+signin.Out, nil))
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != signin.After || !strings.Contains(s.body, "signed out") {
		t.Errorf("it ends at %s with %d: %s", answer.Request.URL, answer.StatusCode, s.body)
	}
	if answer := s.get("/desk/demo"); answer.StatusCode != http.StatusUnauthorized || len(s.cookies()) != 0 {
		t.Errorf("afterwards the desk answers %d, and the browser keeps %v", answer.StatusCode, s.cookies())
	}
}

func TestSigningOutEndsTheIssuersSessionToo(t *testing.T) {
	const end = "https://issuer.example/logout?client_id=desk&logout_uri=https://rp.example/desk/signed-out"
	s := newStreet(t, secure, func(o *signin.Options) { o.EndSession = end })
	s.signIn("/desk")
	answer := s.read(s.browser.PostForm(secure+signin.Out, nil))
	// A redirect of a form would be held to form-action 'self', and go nowhere.
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Refresh") != "0; url="+end || answer.Header.Get("Location") != "" {
		t.Errorf("answered %d with %v", answer.StatusCode, answer.Header)
	}
	if len(s.cookies()) != 0 {
		t.Errorf("the browser keeps %v", s.cookies())
	}
}

func TestAnIssuerThatDoesNotAnswerIsAskedAgainNextTime(t *testing.T) {
	s := newStreet(t, secure)
	there := s.options.Client
	s.options.Client = &http.Client{Transport: broken{}}
	s.open()
	if answer := s.get(signin.In); answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(s.body, "does not work") || strings.Contains(s.body, "no route") {
		t.Errorf("answered %d: %s", answer.StatusCode, s.body)
	}
	s.options.Client.Transport = there.Transport
	if answer := s.get(signin.In); answer.StatusCode == http.StatusServiceUnavailable {
		t.Error("it is not asked again")
	}
}

type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestABrowserOfTheMachineIsLedToTheNameThatItsCookiesAreOf(t *testing.T) {
	s := newStreet(t, plain)
	for host, want := range map[string]string{
		"localhost:8080": plain + "/desk/sign-in?to=%2Fdesk%2Fdemo", "[::1]:8080": plain + "/desk/sign-in?to=%2Fdesk%2Fdemo",
		"127.0.0.1:8080": plain + "/oidc/authorize", "proxy.example": plain + "/oidc/authorize",
	} {
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://"+host+signin.In+"?to=/desk/demo", nil))
		if to := w.Header().Get("Location"); !strings.HasPrefix(to, want) {
			t.Errorf("%s is led to %q", host, to)
		}
	}
}

func TestADoorIsNotMadeOfBadSettings(t *testing.T) {
	good := newStreet(t, secure).options
	for name, c := range map[string]struct {
		change func(*signin.Options)
		says   string
	}{
		"no URL":                 {func(o *signin.Options) { o.Base = "" }, "https URL"},
		"http over the network":  {func(o *signin.Options) { o.Base = "http://rp.example" }, "https URL"},
		"a slash too many":       {func(o *signin.Options) { o.Base = "https://rp.example/" }, "https URL"},
		"no issuer":              {func(o *signin.Options) { o.Issuer = "" }, "issuer"},
		"no client":              {func(o *signin.Options) { o.ClientID = "" }, "client id"},
		"no key":                 {func(o *signin.Options) { o.Keys = nil }, "one key"},
		"a short key":            {func(o *signin.Options) { o.Keys = [][]byte{key("a"), []byte("hunter2")} }, "32 bytes"},
		"a script after the end": {func(o *signin.Options) { o.EndSession = "javascript:alert(1)" }, "https URL"},
	} {
		o := good
		c.change(&o)
		_, err := signin.New(o)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s gives %v", name, err)
		}
	}
	everything := signin.Options{}
	if _, err := signin.New(everything); err == nil || strings.Count(err.Error(), "must be") != 4 {
		t.Errorf("nothing set gives %v", err)
	}
}
