// Package oidc is the identity provider of one machine: a small OpenID Connect
// issuer that the desk meets through the same client as any other. It knows one
// client, the desk, and one way to sign in, the authorization code flow with
// PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207); its ID tokens are signed
// with ES256. It has no session of its own: whoever signs in says who they are.
//
// People are those of people.json, with hashed passwords that they choose on a
// page behind a one-time link, and, where one machine shows itself off, those of
// the demonstration, who need none. An address counts as verified because
// somebody who runs the machine, or owns a clinic on it, has named it: a machine
// is one owner's.
package oidc

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/returnpoint/returnpoint/shared/locale"
)

// Password is that of the demonstration's people.
const Password = "demo"

// Options are what a provider is made of.
type Options struct {
	// Issuer is the provider's URL, without a slash at its end. Its path is where
	// the provider is served.
	Issuer string
	// ClientID is the one client's, and Callback the one URL that it is led back to.
	ClientID, Callback string
	// Home is where a person goes on to who has chosen a password.
	Home string
	// Dir is the folder of people.json and issuer.json.
	Dir string
	// Demo are people who sign in by a press, or by Password, from this machine
	// itself alone; none outside of a demonstration.
	Demo []Person
	// Near reports whether a request comes from this machine itself.
	Near  func(*http.Request) bool
	Clock func() time.Time
	Rand  io.Reader
	// Iterations is how slow the hash of a password is made; 0 is the constant.
	Iterations int
}

// Person is somebody who can sign in.
type Person struct {
	Address string
	Name    string
}

// Provider is the identity provider. It is safe for concurrent use.
type Provider struct {
	Options
	mux    *http.ServeMux
	key    *ecdsa.PrivateKey
	keyID  string
	people *people

	mu    sync.Mutex
	codes map[string]grant // by the code
	tries map[string]tries // by the address of the person
	from  map[string]tries // by the address of the machine that they came from
}

// Open reads the files of a folder, or makes them.
func Open(o Options) (*Provider, error) {
	p := &Provider{Options: o, codes: map[string]grant{}, tries: map[string]tries{}, from: map[string]tries{}}
	var err error
	if p.key, p.keyID, err = openKey(o.Dir, o.Rand); err != nil {
		return nil, fmt.Errorf("oidc: open the signing key: %w", err)
	}
	if p.people, err = openPeople(o.Dir, o.Rand, cmp.Or(o.Iterations, Iterations)); err != nil {
		return nil, fmt.Errorf("oidc: open the people: %w", err)
	}
	u, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("oidc: read the issuer: %w", err)
	}
	p.mux = http.NewServeMux()
	p.mux.HandleFunc("GET "+u.Path+"/.well-known/openid-configuration", p.discovery)
	p.mux.HandleFunc("GET "+u.Path+"/jwks", p.jwks)
	p.mux.HandleFunc("GET "+u.Path+"/authorize", p.authorize)
	p.mux.HandleFunc("POST "+u.Path+"/authorize", p.signIn)
	p.mux.HandleFunc("POST "+u.Path+"/token", p.token)
	p.mux.HandleFunc("GET "+u.Path+"/password", p.passwordPage)
	p.mux.HandleFunc("POST "+u.Path+"/password", p.setPassword)
	return p, nil
}

func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	p.mux.ServeHTTP(w, r)
}

// discovery is the document that says where everything is (OpenID Connect Discovery 1.0).
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, map[string]any{
		"issuer":                                         p.Issuer,
		"authorization_endpoint":                         p.Issuer + "/authorize",
		"token_endpoint":                                 p.Issuer + "/token",
		"jwks_uri":                                       p.Issuer + "/jwks",
		"response_types_supported":                       []string{"code"},
		"grant_types_supported":                          []string{"authorization_code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{string(jose.ES256)},
		"scopes_supported":                               []string{"openid", "email", "profile"},
		"claims_supported":                               []string{"sub", "email", "email_verified", "name", "auth_time"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"none"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.keyID, Algorithm: string(jose.ES256), Use: "sig"}}})
}

// authorize shows the form to sign in with.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if p.admit(w, r) {
		p.showForm(w, r, http.StatusOK, "")
	}
}

// admit judges a request to sign in. One of another client, or that leads
// elsewhere, is answered here and goes nowhere; what else is wrong the client is told.
func (p *Provider) admit(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	if q.Get("client_id") != p.ClientID || q.Get("redirect_uri") != p.Callback {
		p.showWords(w, r, http.StatusBadRequest, "stranger")
		return false
	}
	problem := ""
	switch {
	case q.Get("response_type") != "code":
		problem = "unsupported_response_type"
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		problem = "invalid_scope"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		problem = "invalid_request"
	}
	if problem != "" {
		p.lead(w, r, "error", problem)
		return false
	}
	return true
}

// lead leads back to the client with one value.
func (p *Provider) lead(w http.ResponseWriter, r *http.Request, name, value string) {
	back := url.Values{name: {value}, "iss": {p.Issuer}}
	if state := r.URL.Query().Get("state"); state != "" {
		back.Set("state", state)
	}
	http.Redirect(w, r, p.Callback+"?"+back.Encode(), http.StatusSeeOther)
}

// grant is what a code stands for.
type grant struct {
	person           Person
	nonce, challenge string
	at, until        time.Time
}

const (
	codeLife  = time.Minute
	tokenLife = 5 * time.Minute
	// mostCodes is more than are ever out at once.
	mostCodes = 1000
)

// signIn takes the form.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	if !p.admit(w, r) {
		return
	}
	form, ok := p.form(w, r)
	if !ok {
		return
	}
	if form.Has("cancel") {
		p.lead(w, r, "error", "access_denied")
		return
	}
	person, problem := p.who(r, form)
	if problem != "" {
		code := http.StatusForbidden
		if problem == "busy" {
			code = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", busyFor)
		}
		p.showForm(w, r, code, problem)
		return
	}
	q, now := r.URL.Query(), p.Clock()
	code := p.draw()
	p.mu.Lock()
	for c, g := range p.codes {
		if !now.Before(g.until) || len(p.codes) >= mostCodes {
			delete(p.codes, c)
		}
	}
	p.codes[code] = grant{person: person, nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), at: now, until: now.Add(codeLife)}
	p.mu.Unlock()
	p.lead(w, r, "code", code)
}

// who is the person that a form speaks of, or what is wrong with it.
func (p *Provider) who(r *http.Request, form url.Values) (who Person, problem string) {
	near := p.Near(r)
	if pressed := form.Get("person"); pressed != "" {
		if i := p.demo(pressed); i >= 0 && near {
			return p.Demo[i], ""
		}
		return who, "wrong"
	}
	address := fold(form.Get("email"))
	if i := p.demo(address); i >= 0 && near && form.Get("password") == Password {
		return p.Demo[i], ""
	}
	if !p.people.enter() { // before the try is counted: it was none
		return who, "busy"
	}
	defer p.people.leave()
	if !p.mayTry(address, r.RemoteAddr) {
		return who, "often"
	}
	who, ok := p.people.check(address, form.Get("password"))
	if !ok {
		return who, "wrong"
	}
	p.succeeded(address)
	return who, ""
}

func (p *Provider) demo(address string) int {
	return slices.IndexFunc(p.Demo, func(d Person) bool { return d.Address == fold(address) })
}

// tries are the passwords that were tried for one address, or from one.
type tries struct {
	n     int
	since time.Time
}

const (
	mostTries = 10
	tryWindow = 15 * time.Minute
	// mostFrom is more than a clinic's people, behind one address, sign in with.
	mostFrom = 100
	// mostTried bounds the addresses that are kept count of.
	mostTried = 10_000
)

// mayTry counts a try, and refuses the ones after too many for an address of a
// person, or from one of a machine. Whoever comes through a proxy on this machine
// is counted by the former alone.
func (p *Provider) mayTry(address, remote string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Clock()
	if far := network(remote); far != "" && count(p.from, far, now) > mostFrom {
		return false // and the person's own count stays as it is
	}
	return count(p.tries, address, now) <= mostTries
}

// count counts a try and returns how many there were of its window. Where there
// is no room for another address, the count that began first is forgotten: a
// flood of addresses locks nobody out.
func count(of map[string]tries, address string, now time.Time) int {
	t, known := of[address]
	if !known && len(of) >= mostTried {
		oldest := ""
		for a, other := range of {
			if oldest == "" || other.since.Before(of[oldest].since) {
				oldest = a
			}
		}
		delete(of, oldest)
	}
	if now.Sub(t.since) >= tryWindow {
		t = tries{since: now}
	}
	t.n++
	of[address] = t
	return t.n
}

// network is whose tries are counted together: an IPv4 address, or the /64 of an
// IPv6 one, which is one customer's. "" is this machine itself, or nothing known.
func network(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil || at.Addr().Unmap().IsLoopback() {
		return ""
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

func (p *Provider) succeeded(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tries, address)
}

// token exchanges a code for an ID token, once (RFC 6749, 4.1.3).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	form, ok := p.form(w, r)
	if !ok {
		return
	}
	refuse := func(problem string) { respond(w, http.StatusBadRequest, map[string]string{"error": problem}) }
	switch {
	case form.Get("grant_type") != "authorization_code":
		refuse("unsupported_grant_type")
		return
	case form.Get("client_id") != p.ClientID:
		refuse("invalid_client")
		return
	}
	p.mu.Lock()
	g, known := p.codes[form.Get("code")]
	delete(p.codes, form.Get("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(sum[:])
	now := p.Clock()
	if !known || !now.Before(g.until) || form.Get("redirect_uri") != p.Callback || subtle.ConstantTimeCompare([]byte(proof), []byte(g.challenge)) != 1 {
		refuse("invalid_grant")
		return
	}
	id, err := p.sign(g, now)
	if err != nil {
		respond(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	// Nothing is behind the access token; the answer must have one.
	respond(w, http.StatusOK, map[string]any{"access_token": p.draw(), "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()), "id_token": id})
}

// sign writes an ID token.
func (p *Provider) sign(g grant, now time.Time) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.keyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("oidc: make a signer: %w", err)
	}
	subject := sha256.Sum256([]byte(p.keyID + "\x00" + g.person.Address))
	raw, err := json.Marshal(map[string]any{
		"iss": p.Issuer, "aud": p.ClientID, "sub": base64.RawURLEncoding.EncodeToString(subject[:16]), "nonce": g.nonce,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(), "auth_time": g.at.Unix(),
		"email": g.person.Address, "email_verified": true, "name": g.person.Name,
	})
	if err != nil {
		return "", fmt.Errorf("oidc: write an ID token: %w", err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		return "", fmt.Errorf("oidc: sign an ID token: %w", err)
	}
	return signed.CompactSerialize()
}

// maxForm is the most bytes that a form may have.
const maxForm = 16 << 10

// form reads a form from the body alone; what another site sends is refused.
func (p *Provider) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if http.NewCrossOriginProtection().Check(r) != nil {
		p.showWords(w, r, http.StatusForbidden, "stranger")
		return nil, false
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		p.showWords(w, r, http.StatusBadRequest, "stranger")
		return nil, false
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		p.showWords(w, r, http.StatusBadRequest, "stranger")
		return nil, false
	}
	return form, true
}

// draw is 256 random bits, base64url.
func (p *Provider) draw() string { return draw(p.Rand) }

func draw(rand io.Reader) string {
	b := make([]byte, 32)
	if _, err := io.ReadFull(rand, b); err != nil {
		panic(fmt.Sprintf("oidc: no randomness: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func respond(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone if this fails
}

func speaks(r *http.Request) locale.Locale { return locale.For(r.Header.Get("Accept-Language")) }

// Client calls the provider without a network between: a machine behind a
// reverse proxy need not find its own public name.
func (p *Provider) Client() *http.Client {
	return &http.Client{Transport: inside{p}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// inside carries requests to a provider of the same process.
type inside struct{ p *Provider }

func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.String(), i.p.Issuer+"/") {
		return nil, fmt.Errorf("oidc: %s is not of this provider", r.URL.Host)
	}
	own := r.Clone(r.Context())
	if own.Body == nil {
		own.Body = http.NoBody
	}
	own.RequestURI, own.Host = r.URL.RequestURI(), r.URL.Host
	w := &kept{header: http.Header{}}
	i.p.ServeHTTP(w, own)
	_ = own.Body.Close() // a transport closes it, and nothing hangs on it
	return w.response(r), nil
}
