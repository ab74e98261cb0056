package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/returnpoint/returnpoint/shared/signin"
)

// issuer is another issuer than the built-in one: it has a confidential client,
// and says of people whatever a test lets it say.
type issuer struct {
	url    string
	key    *ecdsa.PrivateKey
	claims map[string]any // over those that are right
	signs  *ecdsa.PrivateKey
	bare   bool // the answer has no ID token
	nonce  string
	basic  [2]string // the client and its secret, as the last call gave them
}

func newIssuer(t *testing.T, url string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{url: url, key: key, signs: key, claims: map[string]any{}}
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	var answer any
	switch strings.TrimPrefix(r.URL.String(), i.url) {
	case "/.well-known/openid-configuration":
		answer = map[string]any{"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/jwks",
			"id_token_signing_alg_values_supported": []string{"ES256"}}
	case "/jwks":
		answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}}
	case "/token":
		i.basic[0], i.basic[1], _ = r.BasicAuth()
		token := map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": i.sign()}
		if i.bare {
			delete(token, "id_token")
		}
		answer = token
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
	return w.Result(), nil
}

func (i *issuer) sign() string {
	claims := map[string]any{"iss": i.url, "aud": "desk", "sub": "1", "nonce": i.nonce, "iat": start.Unix(), "exp": start.Add(5 * time.Minute).Unix(),
		"email": " Olga@Example.com", "email_verified": true, "name": "Ольга  \n Ветрова"}
	for name, value := range i.claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	raw, _ := json.Marshal(claims)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.signs, KeyID: "1"}}, nil)
	if err != nil {
		return err.Error()
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		return err.Error()
	}
	out, _ := signed.CompactSerialize()
	return out
}

func TestWhatAnIssuerSaysOfAPersonIsTakenOnlyWhenItHolds(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*issuer)
		status int
		want   string // of the desk's page, or of the one that says what was wrong
	}{
		"a verified address, however it is spelled": {func(*issuer) {}, http.StatusOK, keyOf(olga) + "|Ольга Ветрова"},
		"verified in words":                         {func(i *issuer) { i.claims["email_verified"] = "true" }, http.StatusOK, keyOf(olga)},
		"a person without a name":                   {func(i *issuer) { i.claims["name"] = nil }, http.StatusOK, keyOf(olga) + "|"},
		"a very long name":                          {func(i *issuer) { i.claims["name"] = strings.Repeat("Ы", 500) }, http.StatusOK, keyOf(olga) + "|" + strings.Repeat("Ы", 60)},
		"an address that is not verified":           {func(i *issuer) { i.claims["email_verified"] = false }, http.StatusForbidden, "not confirmed"},
		"one of which that is not said":             {func(i *issuer) { i.claims["email_verified"] = nil }, http.StatusForbidden, "not confirmed"},
		"one of which it is said strangely":         {func(i *issuer) { i.claims["email_verified"] = 1 }, http.StatusForbidden, "not confirmed"},
		"no address":                                {func(i *issuer) { i.claims["email"] = nil }, http.StatusForbidden, "not confirmed"},
		"another flow's nonce":                      {func(i *issuer) { i.nonce = "other" }, http.StatusServiceUnavailable, "does not work"},
		"no nonce":                                  {func(i *issuer) { i.claims["nonce"] = nil }, http.StatusServiceUnavailable, "does not work"},
		"another client's token":                    {func(i *issuer) { i.claims["aud"] = "elsewhere" }, http.StatusServiceUnavailable, "does not work"},
		"another issuer's token":                    {func(i *issuer) { i.claims["iss"] = "https://elsewhere.example" }, http.StatusServiceUnavailable, "does not work"},
		"a token that is over":                      {func(i *issuer) { i.claims["exp"] = start.Add(-time.Minute).Unix() }, http.StatusServiceUnavailable, "does not work"},
		"a token of another key":                    {func(i *issuer) { i.signs = other }, http.StatusServiceUnavailable, "does not work"},
		"no token":                                  {func(i *issuer) { i.bare = true }, http.StatusServiceUnavailable, "does not work"},
	} {
		t.Run(name, func(t *testing.T) {
			is := newIssuer(t, "https://issuer.example/pool")
			s := newStreet(t, secure, func(o *signin.Options) {
				o.Issuer, o.ClientSecret, o.Client = is.url, "client-secret", &http.Client{Transport: is}
			})
			s.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
				if r.URL.Host != "rp.example" {
					return http.ErrUseLastResponse
				}
				return nil
			}
			u, err := url.Parse(s.get(signin.In).Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			is.nonce = u.Query().Get("nonce")
			c.change(is)
			answer := s.get(signin.Callback + "?code=abc&state=" + u.Query().Get("state"))
			if answer.StatusCode != c.status || !strings.Contains(s.body, c.want) {
				t.Errorf("answered %d: %s", answer.StatusCode, s.body)
			}
			if is.basic != [2]string{"desk", "client-secret"} {
				t.Errorf("the client shows itself as %q", is.basic)
			}
			if signedIn := s.get("/desk").StatusCode == http.StatusOK; signedIn != (c.status == http.StatusOK) {
				t.Errorf("somebody is signed in: %v", signedIn)
			}
		})
	}
}

func TestAFlowIsOverAfterAQuarterOfAnHourWhateverTheIssuerStillTakes(t *testing.T) {
	for wait, want := range map[time.Duration]int{15*time.Minute - time.Second: http.StatusOK, 15 * time.Minute: http.StatusBadRequest} {
		is := newIssuer(t, "https://issuer.example/pool")
		is.claims["exp"] = start.Add(time.Hour).Unix()
		s := newStreet(t, secure, func(o *signin.Options) { o.Issuer, o.Client = is.url, &http.Client{Transport: is} })
		follow := s.browser.CheckRedirect
		s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		u, err := url.Parse(s.get(signin.In).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		s.browser.CheckRedirect = follow
		is.nonce = u.Query().Get("nonce")
		s.clock.Advance(wait)
		if answer := s.get(signin.Callback + "?code=abc&state=" + u.Query().Get("state")); answer.StatusCode != want {
			t.Errorf("after %v it is answered %d", wait, answer.StatusCode)
		}
	}
}
