package oidc_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	provider "github.com/returnpoint/returnpoint/infra/local/oidc"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

const (
	issuer   = "https://rp.example/oidc"
	callback = "https://rp.example/desk/callback"
	olga     = "olga@example.com"
	verifier = "a verifier that a client has drawn and kept to itself"
)

// box is a machine's provider.
type box struct {
	t     *testing.T
	clock *tabletest.Clock
	dir   string
	near  bool
	demo  []provider.Person
	work  int // iterations of a password's hash
	*provider.Provider
}

func newBox(t *testing.T, demo ...provider.Person) *box {
	t.Helper()
	b := &box{t: t, clock: tabletest.NewClock(time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)), dir: t.TempDir(), near: true, demo: demo, work: 1000}
	b.open()
	return b
}

// open opens the provider as a start of the machine does.
func (b *box) open() {
	b.t.Helper()
	var err error
	b.Provider, err = provider.Open(provider.Options{Issuer: issuer, ClientID: "desk", Callback: callback, Home: "https://rp.example/desk", Dir: b.dir, Demo: b.demo,
		Near: func(*http.Request) bool { return b.near }, Clock: b.clock.Now, Rand: rand.Reader, Iterations: b.work})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) ask(method, target string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// request is what the desk asks for.
func request() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{"response_type": {"code"}, "client_id": {"desk"}, "redirect_uri": {callback}, "scope": {"openid email profile"}, "state": {"st"}, "nonce": {"no"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

func authorize(q url.Values) string { return issuer + "/authorize?" + q.Encode() }

// signIn sends the form, and returns the code or what the page says.
func (b *box) signIn(pairs ...string) (code, says string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	w := b.ask(http.MethodPost, authorize(request()), form)
	if w.Code != http.StatusSeeOther {
		return "", w.Body.String()
	}
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), callback+"?") || u.Query().Get("state") != "st" || u.Query().Get("iss") != issuer {
		b.t.Fatalf("it leads to %v", u)
	}
	return u.Query().Get("code"), u.Query().Get("error")
}

// redeem exchanges a code, with what a test changes in the call.
func (b *box) redeem(code string, pairs ...string) (id, problem string) {
	b.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"desk"}, "redirect_uri": {callback}, "code": {code}, "code_verifier": {verifier}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	w := b.ask(http.MethodPost, issuer+"/token", form)
	var answer struct {
		ID    string `json:"id_token"`
		Error string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Header().Get("Cache-Control") != "no-store" || (w.Code == http.StatusOK) != (answer.Error == "") {
		b.t.Fatalf("the token endpoint answers %d %v %s", w.Code, w.Header(), w.Body)
	}
	return answer.ID, answer.Error
}

func TestAClientThatKnowsOnlyTheIssuerVerifiesItsTokens(t *testing.T) {
	b := newBox(t, provider.Person{Address: olga, Name: "Ольга Ветрова"})
	code, _ := b.signIn("person", olga)
	raw, problem := b.redeem(code)
	if problem != "" {
		t.Fatal(problem)
	}
	ctx := oidc.ClientContext(t.Context(), b.Client())
	p, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.Verifier(&oidc.Config{ClientID: "desk", Now: b.clock.Now}).Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email, Name string
		Verified    bool `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.Email != olga || claims.Name != "Ольга Ветрова" || !claims.Verified || id.Nonce != "no" || id.Subject == "" || strings.Contains(id.Subject, "olga") {
		t.Errorf("the token says %+v, nonce %q, subject %q", claims, id.Nonce, id.Subject)
	}
	if life := id.Expiry.Sub(b.clock.Now()); life <= 0 || life > 10*time.Minute {
		t.Errorf("the token lives for %v", life)
	}
	if _, err := p.Verifier(&oidc.Config{ClientID: "other", Now: b.clock.Now}).Verify(ctx, raw); err == nil {
		t.Error("another client takes the token")
	}
	b.open() // the key is kept
	if _, err := p.Verifier(&oidc.Config{ClientID: "desk", Now: b.clock.Now}).Verify(oidc.ClientContext(t.Context(), b.Client()), raw); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestACodeIsTakenOnceFromItsOwnClientInTime(t *testing.T) {
	for name, c := range map[string]struct {
		pairs []string
		wait  time.Duration
		want  string
	}{
		"in order":               {nil, 59 * time.Second, ""},
		"too late":               {nil, time.Minute, "invalid_grant"},
		"another verifier":       {[]string{"code_verifier", "guessed"}, 0, "invalid_grant"},
		"no verifier":            {[]string{"code_verifier", ""}, 0, "invalid_grant"},
		"another place":          {[]string{"redirect_uri", "https://elsewhere.example"}, 0, "invalid_grant"},
		"another code":           {[]string{"code", "guessed"}, 0, "invalid_grant"},
		"another client":         {[]string{"client_id", "other"}, 0, "invalid_client"},
		"another kind of grant":  {[]string{"grant_type", "password"}, 0, "unsupported_grant_type"},
		"a grant without a kind": {[]string{"grant_type", ""}, 0, "unsupported_grant_type"},
	} {
		b := newBox(t, provider.Person{Address: olga})
		code, _ := b.signIn("person", olga)
		b.clock.Advance(c.wait)
		id, problem := b.redeem(code, c.pairs...)
		if problem != c.want || (id != "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", name, problem, c.want)
		}
		if again, problem := b.redeem(code); c.want != "invalid_client" && c.want != "unsupported_grant_type" && c.want != "" && name != "another code" && problem == "" {
			t.Errorf("%s: the next try gets %q", name, again)
		}
		if c.want == "" {
			if _, problem := b.redeem(code); problem != "invalid_grant" {
				t.Errorf("a second time: %q", problem)
			}
		}
	}
}

func TestARequestOfAStrangerLeadsNowhere(t *testing.T) {
	b := newBox(t, provider.Person{Address: olga})
	for name, c := range map[string]struct{ name, value, error string }{
		"another client":       {"client_id", "other", ""},
		"another place":        {"redirect_uri", "https://elsewhere.example/", ""},
		"a longer place":       {"redirect_uri", callback + "/more", ""},
		"no place":             {"redirect_uri", "", ""},
		"a token at once":      {"response_type", "id_token", "unsupported_response_type"},
		"no OpenID":            {"scope", "email", "invalid_scope"},
		"no proof":             {"code_challenge", "", "invalid_request"},
		"a proof in the clear": {"code_challenge_method", "plain", "invalid_request"},
	} {
		q := request()
		q.Set(c.name, c.value)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := b.ask(method, authorize(q), url.Values{"person": {olga}})
			to := w.Header().Get("Location")
			if c.error == "" && (w.Code != http.StatusBadRequest || to != "") {
				t.Errorf("%s by %s is answered %d, leading to %q", name, method, w.Code, to)
			}
			if c.error != "" && (w.Code != http.StatusSeeOther || !strings.HasPrefix(to, callback+"?") || !strings.Contains(to, "error="+c.error) || !strings.Contains(to, "state=st") || strings.Contains(to, "code=")) {
				t.Errorf("%s by %s is answered %d, leading to %q", name, method, w.Code, to)
			}
		}
	}
}

func TestThePeopleOfTheDemonstrationSignInFromTheMachineItselfAlone(t *testing.T) {
	b := newBox(t, provider.Person{Address: olga, Name: "Ольга <Ветрова>"})
	if w := b.ask(http.MethodGet, authorize(request()), nil); !strings.Contains(w.Body.String(), `value="`+olga+`"`) || !strings.Contains(w.Body.String(), "Ольга &lt;Ветрова&gt;") {
		t.Errorf("the form does not offer her: %s", w.Body)
	}
	for name, pairs := range map[string][]string{"by a press": {"person", olga}, "by the password": {"email", "OLGA@example.com ", "password", provider.Password}} {
		if code, says := b.signIn(pairs...); code == "" {
			t.Errorf("%s she does not get in: %s", name, says)
		}
		b.near = false
		if code, _ := b.signIn(pairs...); code != "" {
			t.Errorf("%s she gets in from elsewhere", name)
		}
		b.near = true
	}
	if code, _ := b.signIn("email", olga, "password", "other"); code != "" {
		t.Error("she gets in by another password")
	}
	b.near = false
	if w := b.ask(http.MethodGet, authorize(request()), nil); strings.Contains(w.Body.String(), olga) {
		t.Error("she is shown to others")
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		real := newBox(t)
		if w := real.ask(method, authorize(request()), url.Values{"person": {olga}}); w.Code == http.StatusSeeOther || strings.Contains(w.Body.String(), olga) {
			t.Errorf("for real use there is a demonstration: %d %s", w.Code, w.Body)
		}
	}
}

func TestAPersonChoosesAPasswordByALinkOnce(t *testing.T) {
	b := newBox(t)
	link, err := b.Invite("Olga@example.com", "Ольга", "press-1", false)
	if err != nil || !strings.HasPrefix(link, issuer+"/password?token=") {
		t.Fatalf("the link is %q, %v", link, err)
	}
	if code, _ := b.signIn("email", olga, "password", ""); code != "" {
		t.Error("before she has a password she gets in without one")
	}
	b.open() // the link outlives a restart
	if w := b.ask(http.MethodGet, link, nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), olga) {
		t.Fatalf("the link opens %d %s", w.Code, w.Body)
	}
	for says, form := range map[string]url.Values{
		"from ten":  {"password": {"short"}, "again": {"short"}},
		"to two":    {"password": {strings.Repeat("a", 201)}, "again": {strings.Repeat("a", 201)}},
		"differ":    {"password": {"three plain words"}, "again": {"three plain word"}},
		"once more": {"password": {"three plain words"}},
	} {
		if w := b.ask(http.MethodPost, link, form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%v is answered %d %s", form, w.Code, w.Body)
		}
	}
	good := url.Values{"password": {"three plain words"}, "again": {"three plain words"}}
	if w := b.ask(http.MethodPost, link, good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); w.Code != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", w.Code)
	}
	if w := b.ask(http.MethodPost, link, good); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://rp.example/desk" {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if w := b.ask(method, link, good); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), olga) {
			t.Errorf("the second time %s opens %d %s", method, w.Code, w.Body)
		}
	}
	b.open()
	if code, says := b.signIn("email", "OLGA@example.com", "password", "three plain words"); code == "" {
		t.Errorf("after a restart she does not get in: %s", says)
	}
	if again, err := b.Invite(olga, "Ольга", "press-2", false); again != "" || err != nil {
		t.Errorf("who has a password gets the link %q, %v", again, err)
	}
	again, err := b.Invite(olga, "Ольга", "press-3", true)
	if err != nil || again == "" || again == link {
		t.Fatalf("who has forgotten it gets the link %q, %v", again, err)
	}
	if code, _ := b.signIn("email", olga, "password", "three plain words"); code == "" {
		t.Error("the old password ends before another is chosen")
	}
	b.clock.Advance(7 * 24 * time.Hour)
	if w := b.ask(http.MethodGet, again, nil); w.Code != http.StatusNotFound {
		t.Errorf("a week later the link opens %d", w.Code)
	}
}

func TestALinkThatWaitsIsGivenAgainToItsOwnPressAlone(t *testing.T) {
	b := newBox(t)
	invite := func(press string, again bool) string {
		t.Helper()
		link, err := b.Invite(olga, "Ольга", press, again)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	first := invite("one", false)
	if got := invite("one", false); got != first {
		t.Errorf("the same press is given %q, and %q before", got, first)
	}
	if got := invite("another", false); got != "" {
		t.Errorf("another press is given %q while the first link waits", got)
	}
	if w := b.ask(http.MethodGet, first, nil); w.Code != http.StatusOK {
		t.Errorf("then the first link opens %d", w.Code)
	}
	second := invite("another", true)
	if w := b.ask(http.MethodGet, first, nil); second == "" || w.Code != http.StatusNotFound {
		t.Errorf("with the link %q the one that was lost opens %d", second, w.Code)
	}
	words := url.Values{"password": {"three plain words"}, "again": {"three plain words"}}
	if w := b.ask(http.MethodPost, second, words); w.Code != http.StatusSeeOther {
		t.Fatalf("the password is answered %d", w.Code)
	}
	if got := invite("another", true); got != "" {
		t.Errorf("a link that was used is given anew: %q", got)
	}
	if w := b.ask(http.MethodGet, second, nil); w.Code != http.StatusNotFound {
		t.Errorf("a link that was used opens %d", w.Code)
	}
}

func TestNoPasswordAndNoLinkIsOnTheDisk(t *testing.T) {
	b := newBox(t)
	password, err := b.Ensure("owner@example.com", "Владелец")
	if err != nil || len(password) < 24 {
		t.Fatalf("the password is %q, %v", password, err)
	}
	link, err := b.Invite(olga, "Ольга", "press-1", false)
	if err != nil {
		t.Fatal(err)
	}
	token := link[strings.IndexByte(link, '=')+1:]
	err = filepath.WalkDir(b.dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(name)
		if strings.Contains(string(raw), password) || strings.Contains(string(raw), token) || info.Mode().Perm() != 0o600 {
			t.Errorf("%s, of mode %v, holds a secret as it is or is for others to read", entry.Name(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := b.signIn("email", "owner@example.com", "password", password); code == "" {
		t.Error("the password does not fit")
	}
	b.open()
	if again, err := b.Ensure("owner@example.com", "Владелец"); again != "" || err != nil {
		t.Errorf("the next start tells the password %q, %v", again, err)
	}
	if code, _ := b.signIn("email", "owner@example.com", "password", password); code == "" {
		t.Error("after a restart the password does not fit")
	}
}

func TestPasswordsAreNotTriedForLong(t *testing.T) {
	b := newBox(t)
	password, err := b.Ensure("owner@example.com", "Владелец")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, says := b.signIn("email", "owner@example.com", "password", "wrong"); !strings.Contains(says, "does not fit") {
			t.Fatalf("it says %s", says)
		}
	}
	if code, says := b.signIn("email", "Owner@example.com", "password", password); code != "" || !strings.Contains(says, "Too many") {
		t.Errorf("the eleventh try gets in: %s", says)
	}
	b.clock.Advance(15 * time.Minute)
	if code, says := b.signIn("email", "owner@example.com", "password", password); code == "" {
		t.Errorf("a quarter of an hour later she does not get in: %s", says)
	}
}

// tries sends the form from a machine's address.
func (b *box) tries(from, address, password string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.ask(http.MethodPost, authorize(request()), url.Values{"email": {address}, "password": {password}}, func(r *http.Request) { r.RemoteAddr = from })
}

func TestAFloodOfAddressesLocksNobodyOut(t *testing.T) {
	b := newBox(t)
	b.work = 1
	b.open()
	password, err := b.Ensure("owner@example.com", "Владелец")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10_050 {
		b.tries("127.0.0.1:1000", fmt.Sprintf("a%d@example.com", i), "wrong")
	}
	if w := b.tries("127.0.0.1:1000", "owner@example.com", password); w.Code != http.StatusSeeOther {
		t.Errorf("after it the owner is answered %d %s", w.Code, w.Body)
	}
}

func TestTriesFromOneMachineAreCountedWhateverTheAddressesAre(t *testing.T) {
	for name, c := range map[string]struct {
		from, same, other string
		counted           bool
	}{
		"by its address":            {"203.0.113.9:1000", "203.0.113.9:2000", "203.0.113.10:1000", true},
		"by its network":            {"[2001:db8::1]:1000", "[2001:db8::2]:1000", "[2001:db8:0:1::1]:1000", true},
		"not behind our own proxy":  {"127.0.0.1:1000", "127.0.0.1:1001", "[::1]:1000", false},
		"not where nothing is told": {"", "", "@", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			password, err := b.Ensure("owner@example.com", "Владелец")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				b.tries(c.from, fmt.Sprintf("a%d@example.com", i), "wrong")
			}
			if w := b.tries(c.same, "owner@example.com", password); (w.Code == http.StatusForbidden) != c.counted || c.counted != strings.Contains(w.Body.String(), "Too many") {
				t.Errorf("from there the next is answered %d", w.Code)
			}
			if w := b.tries(c.other, "owner@example.com", password); w.Code != http.StatusSeeOther {
				t.Errorf("from elsewhere it is answered %d", w.Code)
			}
			b.clock.Advance(15 * time.Minute)
			if w := b.tries(c.same, "owner@example.com", password); w.Code != http.StatusSeeOther {
				t.Errorf("a quarter of an hour later it is answered %d", w.Code)
			}
		})
	}
}

func TestWhoFindsTooManyWaitingIsToldToTryAgainAndIsNotCounted(t *testing.T) {
	b := newBox(t)
	b.work = 1_000_000 // so slow that all the others come meanwhile
	b.open()
	codes := make([]int, 40)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			w := b.tries("203.0.113.9:1000", olga, "wrong")
			if codes[i] = w.Code; w.Code == http.StatusServiceUnavailable && (w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "at once")) {
				t.Errorf("it is answered %v %s", w.Header(), w.Body)
			}
		})
	}
	all.Wait()
	busy := 0
	for _, code := range codes {
		if code == http.StatusServiceUnavailable {
			busy++
		}
	}
	if busy < len(codes)-9 { // 8 places, and one more should somebody be served before the last comes
		t.Errorf("%d of %d were told so: %v", busy, len(codes), codes)
	}
	if w := b.tries("203.0.113.9:1000", olga, "wrong"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "does not fit") {
		t.Errorf("the ninth password is answered %d %s", w.Code, w.Body)
	}
}

func TestSigningInIsRefusedToAnotherSitesForm(t *testing.T) {
	b := newBox(t, provider.Person{Address: olga})
	w := b.ask(http.MethodPost, authorize(request()), url.Values{"person": {olga}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	if w.Code != http.StatusForbidden || w.Header().Get("Location") != "" {
		t.Errorf("answered %d, leading to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestWhoeverCancelsIsLedBack(t *testing.T) {
	if code, problem := newBox(t).signIn("cancel", "1"); code != "" || problem != "access_denied" {
		t.Errorf("it ends with the code %q and the error %q", code, problem)
	}
}

func TestTheClientOfTheProcessReachesTheProviderAlone(t *testing.T) {
	b := newBox(t)
	answer, err := b.Client().Get(issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	var document struct {
		Issuer     string
		Challenges []string `json:"code_challenge_methods_supported"`
	}
	if err != nil || json.Unmarshal(raw, &document) != nil || document.Issuer != issuer || len(document.Challenges) != 1 || document.Challenges[0] != "S256" {
		t.Errorf("the document is %s, %v", raw, err)
	}
	for _, elsewhere := range []string{"https://elsewhere.example/", issuer + ".elsewhere.example/jwks", "https://rp.example/desk"} {
		if answer, err := b.Client().Get(elsewhere); err == nil {
			_ = answer.Body.Close()
			t.Errorf("it reaches %s", elsewhere)
		}
	}
}

func TestFilesThatThisProgramDidNotWriteAreRefused(t *testing.T) {
	for _, name := range []string{"issuer.json", "people.json"} {
		for _, content := range []string{"", "x", "{}", `{"kty":"oct","k":"AAAA"}`} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := provider.Open(provider.Options{Issuer: issuer, Dir: dir, Clock: time.Now, Rand: rand.Reader}); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s of %q gives %v", name, content, err)
			}
		}
	}
}
