// Package signin is the edge by which a clinic's staff sign in: OpenID Connect's
// authorization code flow with PKCE, state and nonce, against any issuer, and a
// session in an encrypted cookie. The server keeps nothing: what a flow has to
// remember until its callback is in a cookie of its own.
//
// A session says who somebody is and nothing of what they may do: posts are read
// from the store at each request, so whoever loses one is without it at once.
package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The paths that the package answers.
const (
	In       = "/desk/sign-in"
	Callback = "/desk/callback"
	Out      = "/desk/sign-out"
	After    = "/desk/signed-out" // where the issuer leads back to once its session has ended
)

// Life is how long a session lasts from the sign-in, however much it is used: a
// working day and no longer, since a reception's computer is everybody's.
const Life = 12 * time.Hour

// flowLife is how long somebody may take on the issuer's pages.
const flowLife = 15 * time.Minute

// callTime bounds what an issuer may take to answer.
const callTime = 10 * time.Second

// Options are what a door is made of.
type Options struct {
	// Base is the URL under which the desk stands, https, or http on the machine
	// itself: the issuer knows Base + Callback and Base + After.
	Base string
	// Issuer is the issuer's identifier, under which its discovery document stands.
	// It is asked for at the first sign-in.
	Issuer string
	// ClientID and ClientSecret are the desk's at the issuer; a public client has no secret.
	ClientID, ClientSecret string
	// EndSession is the URL that ends the issuer's own session and leads back to
	// After, "" where signing out of the desk is enough.
	EndSession string
	// Keys encrypt the cookies, 32 bytes each at least. The first one encrypts, all
	// of them decrypt: a new key is put first, and the old one goes a day later.
	Keys [][]byte
	// Client calls the issuer.
	Client *http.Client
	// Key is the keyed hash that an address is known by (store.StaffKey).
	Key   func(address string) string
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger
}

// Door signs people in and out, and knows them afterwards.
type Door struct {
	Options
	jar jar

	mu       sync.Mutex
	provider *oidc.Provider // once the issuer has answered
}

// Person is who a session belongs to.
type Person struct {
	Key  string // the keyed hash of the address
	Name string // as the issuer has it, "" where it has none
}

// New makes a door. Errors are Invalid and name all that is wrong.
func New(o Options) (*Door, error) {
	var faults []error
	fault := func(wrong bool, field, message string) {
		if wrong {
			faults = append(faults, dental.Errorf(dental.Invalid, field, "%s", message))
		}
	}
	base, err := url.Parse(o.Base)
	safe := err == nil && base.Host != "" && (base.Scheme == "https" || base.Scheme == "http" && loopback(base.Host))
	fault(!safe || strings.HasSuffix(o.Base, "/"), "base", "must be the https URL under which the desk stands, without a slash at its end")
	issuer, err := url.Parse(o.Issuer)
	fault(err != nil || issuer.Host == "", "issuer", "must be the URL of an OpenID Connect issuer")
	fault(o.ClientID == "", "client", "must be the desk's client id at the issuer")
	end, err := url.Parse(o.EndSession)
	fault(o.EndSession != "" && (err != nil || end.Scheme != "https" || end.Host == ""), "endSession", "must be the https URL that ends the issuer's session, or nothing")
	fault(len(o.Keys) == 0, "keys", "must be one key at least")
	for _, key := range o.Keys {
		fault(len(key) < minKey, "keys", fmt.Sprintf("must have %d bytes at least", minKey))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("signin: make a door: %w", err)
	}
	d := &Door{Options: o, jar: newJar(base, o.Keys)}
	return d, nil
}

// Routes adds the paths to a mux.
func (d *Door) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+In, d.signIn)
	mux.HandleFunc("GET "+Callback, d.callback)
	mux.HandleFunc("POST "+Out, d.signOut)
	mux.HandleFunc("GET "+After, func(w http.ResponseWriter, r *http.Request) { d.show(w, r, http.StatusOK, "out") })
}

// session is what a session's cookie holds.
type session struct {
	Key    string `json:"key"`
	Name   string `json:"name,omitempty"`
	Issued int64  `json:"iat"` // Unix seconds
	Until  int64  `json:"exp"`
}

// Who is signed in; ok is false for nobody.
func (d *Door) Who(r *http.Request) (p Person, ok bool) {
	var s session
	if !d.jar.open(r, forSession, d.jar.session(), &s) || s.Key == "" || d.over(s.Until) {
		return Person{}, false
	}
	return Person{Key: s.Key, Name: s.Name}, true
}

// over reports whether an instant is past. A clock that was put back by more
// than a session's life ends it too.
func (d *Door) over(until int64) bool {
	left := time.Unix(until, 0).Sub(d.Clock())
	return left <= 0 || left > Life
}

// flow is what is remembered between the sign-in and its callback.
type flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	To       string `json:"to"`
	Until    int64  `json:"exp"`
}

// signIn leads to the issuer.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	to := local(r.URL.Query().Get("to"))
	if other := d.otherName(r); other != "" {
		http.Redirect(w, r, other+In+"?to="+url.QueryEscape(to), http.StatusSeeOther)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	config, _, err := d.issuer(ctx)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	f := flow{State: d.draw(), Nonce: d.draw(), Verifier: d.draw(), To: to, Until: d.Clock().Add(flowLife).Unix()}
	// Each of several windows at the issuer has a flow of its own; of too many, none goes on.
	if open := d.jar.flows(r); len(open) >= maxFlows {
		for _, name := range open {
			d.jar.drop(w, name)
		}
	}
	if err := d.jar.put(w, forFlow, d.jar.flow(f.State), f, flowLife); err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
}

// callback is where the issuer leads back to.
func (d *Door) callback(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	q := r.URL.Query()
	var f flow
	name := d.jar.flow(q.Get("state"))
	known := name != "" && d.jar.open(r, forFlow, name, &f) && subtle.ConstantTimeCompare([]byte(f.State), []byte(q.Get("state"))) == 1
	if !known || d.over(f.Until) || q.Has("iss") && q.Get("iss") != d.Issuer { // RFC 9207
		if _, signedIn := d.Who(r); signedIn {
			http.Redirect(w, r, "/desk", http.StatusSeeOther) // the callback's page was opened again
			return
		}
		d.show(w, r, http.StatusBadRequest, "expired")
		return
	}
	d.jar.drop(w, name)
	switch problem := q.Get("error"); problem {
	case "":
	case "access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required":
		d.show(w, r, http.StatusForbidden, "refused")
		return
	default:
		d.fail(w, r, fmt.Errorf("signin: the issuer says %q: %.200q", problem, q.Get("error_description")))
		return
	}
	claims, err := d.redeem(r.Context(), q.Get("code"), f)
	var answer *oauth2.RetrieveError
	switch {
	case errors.As(err, &answer) && answer.ErrorCode == "invalid_grant":
		d.show(w, r, http.StatusBadRequest, "expired")
		return
	case err != nil:
		d.fail(w, r, err)
		return
	case !bool(claims.Verified) || !strings.Contains(claims.Email, "@"):
		d.show(w, r, http.StatusForbidden, "unverified")
		return
	}
	now := d.Clock()
	s := session{Key: d.Key(strings.TrimSpace(claims.Email)), Name: short(claims.Name), Issued: now.Unix(), Until: now.Add(Life).Unix()}
	if err := d.jar.put(w, forSession, d.jar.session(), s, Life); err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, f.To, http.StatusSeeOther)
}

// signOut ends the session, and the issuer's too where it has a page for it. The
// way there is the answer's Refresh and no redirect: a browser holds the redirect
// of a form to the policy that forms stay on this host.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	if http.NewCrossOriginProtection().Check(r) != nil {
		d.show(w, r, http.StatusForbidden, "expired")
		return
	}
	d.jar.drop(w, d.jar.session())
	if d.EndSession == "" {
		http.Redirect(w, r, After, http.StatusSeeOther)
		return
	}
	w.Header().Set("Refresh", "0; url="+d.EndSession)
	d.show(w, r, http.StatusOK, "out")
}

// claims are what of an ID token is read.
type claims struct {
	Email    string `json:"email"`
	Verified yes    `json:"email_verified"`
	Name     string `json:"name"`
}

// yes is true, or "true", as some issuers write it of those who come from another one.
type yes bool

// UnmarshalJSON takes anything else for no.
func (y *yes) UnmarshalJSON(raw []byte) error {
	*y = string(raw) == "true" || string(raw) == `"true"`
	return nil
}

// redeem exchanges a code for who it stands for.
func (d *Door) redeem(ctx context.Context, code string, f flow) (c claims, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	config, verifier, err := d.issuer(ctx)
	if err != nil {
		return c, err
	}
	token, err := config.Exchange(oidc.ClientContext(ctx, d.Client), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return c, fmt.Errorf("signin: exchange the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return c, errors.New("signin: the issuer gave no ID token")
	}
	id, err := verifier.Verify(oidc.ClientContext(ctx, d.Client), raw)
	if err != nil {
		return c, fmt.Errorf("signin: verify the ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return c, errors.New("signin: the ID token is of another flow")
	}
	if err := id.Claims(&c); err != nil {
		return c, fmt.Errorf("signin: read the ID token: %w", err)
	}
	return c, nil
}

// issuer asks for the issuer's discovery document until it has been answered once.
func (d *Door) issuer(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.provider == nil {
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, d.Client), d.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("signin: discover the issuer: %w", err)
		}
		d.provider = p
	}
	endpoint := d.provider.Endpoint()
	// Said, so that the client does not find out by trying: a code is taken once.
	if endpoint.AuthStyle = oauth2.AuthStyleInParams; d.ClientSecret != "" {
		endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	config := &oauth2.Config{ClientID: d.ClientID, ClientSecret: d.ClientSecret, Endpoint: endpoint,
		RedirectURL: d.Base + Callback, Scopes: []string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeProfile}}
	return config, d.provider.Verifier(&oidc.Config{ClientID: d.ClientID, Now: d.Clock}), nil
}

// fail shows that the issuer cannot be reached, and says why in the log.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	d.Log.ErrorContext(r.Context(), "sign-in failed", "route", r.Pattern, "error", err)
	d.show(w, r, http.StatusServiceUnavailable, "unreachable")
}

// draw is 256 random bits, base64url.
func (d *Door) draw() string {
	b := make([]byte, 32)
	if _, err := io.ReadFull(d.Rand, b); err != nil {
		panic(fmt.Sprintf("signin: no randomness: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// otherName is the desk's own URL, when a browser of this machine has come by
// another of the machine's names: its cookies would not be found again under this one.
func (d *Door) otherName(r *http.Request) string {
	base, err := url.Parse(d.Base)
	if err != nil || !loopback(base.Host) || !loopback(r.Host) || strings.EqualFold(base.Host, r.Host) {
		return ""
	}
	return d.Base
}

// loopback reports whether a host, with or without a port, is the machine itself.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// maxTo is how long a path to come back to may be; it travels in a cookie.
const maxTo = 512

// local is a path of the desk, "/desk" in the place of anything else: whatever
// leads away, and the paths of the sign-in itself.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || len(to) > maxTo || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(to, "\\\x00") ||
		u.Path != "/desk" && !strings.HasPrefix(u.Path, "/desk/") || path.Clean(u.Path) != u.Path {
		return "/desk"
	}
	switch u.Path {
	case In, Callback, Out, After:
		return "/desk"
	}
	return u.RequestURI()
}

// maxName is how many bytes of a name a session keeps.
const maxName = 120

func short(name string) string {
	name = strings.Join(strings.Fields(strings.ToValidUTF8(name, "")), " ")
	for len(name) > maxName {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	return name
}
