package smsgate

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// nobody cannot be anybody's: Russia has no numbers that begin with 000.
const nobody = "+70000000001"

const callbackSecret = "callbackSecretExample"

func account() dental.Account {
	return dental.Account{
		Settings: map[string]string{"sender": "Milan"},
		Secrets:  map[string]dental.Secret{"apiKey": "api-key-example", "callbackSecret": callbackSecret, "callback": "path-secret-example"},
	}
}

func signedBy(secret dental.Secret) dental.Account {
	a := account()
	a.Secrets["callbackSecret"] = secret
	return a
}

func byLogin() dental.Account {
	a := account()
	a.Settings["login"], a.Secrets["password"] = "milan", "password-example"
	delete(a.Secrets, "apiKey")
	return a
}

func message() outreach.Message {
	return outreach.Message{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: "P-1", Scenario: "recall", Step: "first", Anchor: "2026-11-22"},
		Attempt: "a1", Channel: dental.SMS, To: nobody, Class: dental.Care, Locale: "ru",
		Text: "Анна, вас ждёт доктор Ирина", Account: account(),
	}
}

// kept is a message that the gateway has taken.
type kept struct {
	id, phone, text, sender string
	status                  int
}

// gateway behaves as SMSC.ru documents itself, so far as one text to one number
// goes. It serves one account and knows one IP address.
type gateway struct {
	mu      sync.Mutex
	now     time.Time
	money   int // in texts
	noRoute []string
	charset string // of its callbacks
	digest  string // "sha1", "md5" or none
	secret  string
	form    url.Values // of the last request
	also    url.Values // put into every request, for parameters that Send gets right
	kept    []kept
	latest  map[string]time.Time // of identical requests
	errors  int                  // in a row
	blocked time.Time
}

func newGateway() *gateway {
	return &gateway{
		now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), money: 1000,
		charset: "utf-8", digest: "sha1", secret: callbackSecret, latest: map[string]time.Time{},
	}
}

// listen serves the gateway on loopback.
func (g *gateway) listen(t testing.TB) *Channel {
	t.Helper()
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return channel(t, srv.URL+"/sys/send.php")
}

// channel calls an endpoint of a test. It waits long, because a slow machine
// proves nothing: what must not last is ended by the test.
func channel(t testing.TB, endpoint string) *Channel {
	t.Helper()
	calls := wire.NewClient(wire.Options{Timeout: time.Minute})
	t.Cleanup(calls.CloseIdleConnections)
	return New(calls, Options{Endpoint: endpoint})
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	form, bad := url.ParseQuery(string(raw))
	if r.URL.Path != "/sys/send.php" || r.Method != http.MethodPost || r.URL.RawQuery != "" || err != nil || bad != nil ||
		r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		http.NotFound(w, r)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	fmt.Fprint(w, g.answer(form))
}

var (
	givenID   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)
	givenTime = regexp.MustCompile(`^[0-9]{10}$`)
	number    = regexp.MustCompile(`^\+?7[0-9]{10}$`)
	senders   = []string{"Milan"}
)

// answer is the answer in the form fmt=1; other forms are words.
func (g *gateway) answer(form url.Values) string {
	for name, values := range g.also {
		form[name] = values
	}
	g.form = form
	id, code := g.take(form)
	if form.Get("fmt") != "1" {
		return fmt.Sprintf("OK - 1 SMS, ID - %s", id)
	}
	switch code {
	case 0:
		g.errors = 0
		return id + ",1"
	case 3, 6, 7, 8:
		return fmt.Sprintf("%s,-%d", id, code)
	case 2:
		if g.errors++; g.errors == 5 {
			g.blocked = g.now.Add(10 * time.Minute)
		}
	}
	return fmt.Sprintf("0,-%d", code)
}

// identical is what two identical requests have in common.
func identical(phone, text, sender string) string {
	return strings.Join([]string{phone, text, sender}, "\n")
}

// take takes a message, or gives the code of why not.
func (g *gateway) take(form url.Values) (id string, code int) {
	request := identical(form.Get("phones"), form.Get("mes"), form.Get("sender"))
	id = form.Get("id")
	if id == "" {
		id = strconv.Itoa(len(g.kept) + 1)
	}
	switch {
	case g.now.Before(g.blocked):
		return id, 4
	case form.Get("apikey") != "api-key-example" && (form.Get("login") != "milan" || form.Get("psw") != "password-example"):
		return id, 2
	case form.Get("phones") == "" || form.Get("mes") == "" || !givenID.MatchString(id) || form.Get("charset") != "utf-8":
		return id, 1
	case form.Has("time") && !givenTime.MatchString(form.Get("time")):
		return id, 5
	case g.now.Before(g.latest[request].Add(time.Minute)):
		return id, 9
	}
	g.latest[request] = g.now
	switch {
	case !number.MatchString(form.Get("phones")):
		return id, 7
	case !slices.Contains(senders, form.Get("sender")) || strings.Contains(form.Get("mes"), "казино"):
		return id, 6
	case slices.Contains(g.noRoute, form.Get("phones")):
		return id, 8
	case g.money == 0:
		return id, 3
	}
	g.money--
	g.kept = append(g.kept, kept{id: id, phone: strings.TrimPrefix(form.Get("phones"), "+"), text: form.Get("mes"), sender: form.Get("sender"), status: -1})
	return id, 0
}

// status is the status of a message: of the latter of two with one id.
func (g *gateway) status(id string) (kept, bool) {
	for _, k := range slices.Backward(g.kept) {
		if k.id == id {
			return k, true
		}
	}
	return kept{}, false
}

// reports is the call of the handler about a message.
func (g *gateway) reports(k kept, status, err int) []byte {
	form := url.Values{
		"id": {k.id}, "phone": {k.phone}, "status": {strconv.Itoa(status)}, "type": {"0"}, "cnt": {"1"},
		"time": {g.now.In(time.FixedZone("MSK", 3*60*60)).Format("02.01.2006 15:04:05")}, "ts": {strconv.FormatInt(g.now.Unix(), 10)},
	}
	if err != 0 {
		form.Set("err", strconv.Itoa(err))
	}
	return g.sign(form, "id", "phone", "status")
}

// brings is the call of the handler with an incoming message.
func (g *gateway) brings(phone, text string) []byte {
	if g.charset == "windows-1251" {
		text = cp1251(text)
	}
	form := url.Values{"phone": {phone}, "mes": {text}, "to": {"70000000099"}, "ts": {strconv.FormatInt(g.now.Unix(), 10)}}
	return g.sign(form, "phone", "mes", "to")
}

func (g *gateway) sign(form url.Values, names ...string) []byte {
	text := ""
	for _, name := range names {
		text += form.Get(name) + ":"
	}
	switch g.digest {
	case "sha1":
		sum := sha1.Sum([]byte(text + g.secret))
		form.Set("sha1", hex.EncodeToString(sum[:]))
	case "md5":
		sum := md5.Sum([]byte(text + g.secret))
		form.Set("md5", hex.EncodeToString(sum[:]))
	}
	return []byte(form.Encode())
}

// cp1251 writes Russian letters and ASCII in windows-1251.
func cp1251(text string) string {
	var b []byte
	for _, c := range text {
		switch {
		case c < 0x80:
			b = append(b, byte(c))
		case c == 'Ё':
			b = append(b, 0xA8)
		case c == 'ё':
			b = append(b, 0xB8)
		case 'А' <= c && c <= 'я':
			b = append(b, byte(c-'А')+0xC0)
		}
	}
	return string(b)
}
