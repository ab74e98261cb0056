package signin

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// purpose is what a cookie is for. Each has keys of its own, so that the cookie
// of one is nothing in the place of the other's.
type purpose string

const (
	forSession purpose = "session"
	forFlow    purpose = "flow"
)

const (
	minKey = 32
	// maxFlows is how many windows of one browser may be at the issuer at once.
	maxFlows = 6
	// maxCookie is longer than any cookie that was put.
	maxCookie = 4096
)

// jar keeps values in a browser: encrypted by the first key (JWE, dir with
// A256GCM), bound to their purpose, and read by nobody else.
type jar struct {
	prefix string // of the cookies' names
	secure bool
	keys   map[purpose][][]byte
}

// newJar names the cookies after the desk's URL. Over https the name's prefix
// makes the browser refuse one that a neighbouring domain would slip in; the
// machine's own cookies are shared by all its ports, so the port is in the name.
func newJar(base *url.URL, keys [][]byte) jar {
	j := jar{prefix: "desk-" + base.Port(), keys: map[purpose][][]byte{}}
	if base.Scheme == "https" {
		j.prefix, j.secure = "__Host-desk", true
	}
	for _, p := range []purpose{forSession, forFlow} {
		for _, key := range keys {
			derived, err := hkdf.Key(sha256.New, key, nil, "return point desk "+string(p), minKey)
			if err != nil {
				panic("signin: derive a key: " + err.Error()) // only of a length that no hash gives
			}
			j.keys[p] = append(j.keys[p], derived)
		}
	}
	return j
}

func (j jar) session() string { return j.prefix + "-session" }

// flow is the name of the cookie of the flow with a state, "" for what is no state.
func (j jar) flow(state string) string {
	if len(state) != 43 || strings.Trim(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return ""
	}
	return j.prefix + "-flow-" + state[:8]
}

// flows are the names of the flows' cookies of a browser.
func (j jar) flows(r *http.Request) (names []string) {
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, j.prefix+"-flow-") {
			names = append(names, c.Name)
		}
	}
	return names
}

// put sets a cookie.
func (j jar) put(w http.ResponseWriter, p purpose, name string, v any, life time.Duration) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("signin: write a cookie: %w", err)
	}
	seal, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: j.keys[p][0]}, nil)
	if err != nil {
		return fmt.Errorf("signin: encrypt a cookie: %w", err)
	}
	sealed, err := seal.Encrypt(raw)
	if err != nil {
		return fmt.Errorf("signin: encrypt a cookie: %w", err)
	}
	value, err := sealed.CompactSerialize()
	if err != nil {
		return fmt.Errorf("signin: write a cookie: %w", err)
	}
	j.set(w, name, value, int(life.Seconds()))
	return nil
}

// open reads a cookie; false of none, and of one that this jar has not put for
// the purpose.
func (j jar) open(r *http.Request, p purpose, name string, into any) bool {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > maxCookie {
		return false
	}
	sealed, err := jose.ParseEncryptedCompact(c.Value, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return false
	}
	for _, key := range j.keys[p] {
		if raw, err := sealed.Decrypt(key); err == nil {
			return json.Unmarshal(raw, into) == nil
		}
	}
	return false
}

// drop takes a cookie back.
func (j jar) drop(w http.ResponseWriter, name string) { j.set(w, name, "", -1) }

func (j jar) set(w http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
