package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// nobody cannot be anybody's: Russia has no numbers that begin with 000.
const nobody = "+70000000001"

func message() outreach.Message {
	return outreach.Message{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: "P-77", Scenario: "appointment", Step: "reminder", Anchor: "A-501@20260524T090000Z"},
		Attempt: "a1.xyz", Channel: dental.WhatsApp, To: nobody, Class: dental.Service, Locale: "ru",
		Text: "Анна, 24 мая в 12:00 вас ждёт доктор Ирина", Account: account(),
	}
}

// impatience is the time-out of the tests' calls.
const impatience = 250 * time.Millisecond

func open(t *testing.T, endpoint string) *Channel {
	t.Helper()
	calls := wire.NewClient(wire.Options{Timeout: impatience})
	t.Cleanup(calls.CloseIdleConnections)
	ch, err := New(calls, Options{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func TestAMessageIsATemplateWithTheTextAsItsParameter(t *testing.T) {
	c := newCloud(t)
	id, err := open(t, c.URL).Send(t.Context(), message())
	if err != nil {
		t.Fatal(err)
	}
	got := c.last(t)
	want := cloudMessage{wamid: got.wamid, to: nobody, callback: "rp1/demo/P-77/appointment/reminder/A-501@20260524T090000Z/a1.xyz",
		name: "visit_service", language: "ru", text: message().Text}
	if got != want || id != ID(got.wamid) || c.count() != 1 {
		t.Errorf("got %+v under %q in %d requests, want %+v", got, id, c.count(), want)
	}
}

func TestEachClassAndLanguageHasItsTemplate(t *testing.T) {
	for _, k := range []struct {
		class              dental.Class
		locale, name, code string
	}{
		{dental.Service, "ru", "visit_service", "ru"},
		{dental.Service, "en", "visit_service", "en_US"},
		{dental.Care, "ru", "visit_care", "ru"},
		{dental.Advertising, "ru", "visit_offer", "ru"},
	} {
		c, m := newCloud(t), message()
		m.Class, m.Locale = k.class, k.locale
		if _, err := open(t, c.URL).Send(t.Context(), m); err != nil {
			t.Errorf("%s in %s: %v", k.class, k.locale, err)
			continue
		}
		if got := c.last(t); got.name != k.name || got.language != k.code {
			t.Errorf("%s in %s leaves as %s in %s", k.class, k.locale, got.name, got.language)
		}
	}
}

func TestALanguageWithoutAnApprovedTemplateIsRefused(t *testing.T) {
	c, m := newCloud(t), message()
	m.Class, m.Locale = dental.Care, "en"
	_, err := open(t, c.URL).Send(t.Context(), m)
	if r := refusal(t, err); r.Code != "132001" || r.BadAddress || r.Later {
		t.Errorf("got %+v", r)
	}
}

func TestAMessageThatIsHeldForItsTemplatesQualityIsAccepted(t *testing.T) {
	c := newCloud(t)
	c.held = true
	if id, err := open(t, c.URL).Send(t.Context(), message()); err != nil || id != ID(c.last(t).wamid) {
		t.Errorf("id %q, error %v", id, err)
	}
}

func TestANumberThatIsNotOnWhatsAppStaysGoodForSMS(t *testing.T) {
	c := newCloud(t)
	c.absent = map[string]bool{nobody: true}
	_, err := open(t, c.URL).Send(t.Context(), message())
	if r := refusal(t, err); r.Code != "131026" || r.BadAddress || r.Later || errors.Is(err, outreach.ErrNotSent) {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestATextIsMadeFitForATemplate(t *testing.T) {
	for text, want := range map[string]string{
		"Анна,\nвас ждут":            "Анна, вас ждут",
		"Анна,\r\n\r\nвас\tждут":     "Анна, вас ждут",
		"Анна,      вас ждут":        "Анна, вас ждут",
		"Анна,\u2028вас\vждут\u0085": "Анна, вас ждут",
		"  Анна, вас ждут\n":         "Анна, вас ждут",
		"24\u00a0мая, 10\u202f000 ₽": "24\u00a0мая, 10\u202f000 ₽",
		"24\u00a0\u00a0\u00a0мая":    "24 мая",
		"Анна\x00, вас\xff ждут":     "Анна , вас ждут",
		"\n\t ":                      "",
	} {
		if got := parameter(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune(" \n\r\t\u00a0\u2029.")), rapid.Rune())).Draw(t, "text")
		got := parameter(text)
		if strings.ContainsAny(got, "\n\r\t\v\f\u0085\u2028\u2029") || strings.Contains(got, "  ") {
			t.Fatalf("%q became %q", text, got)
		}
		if parameter(got) != got {
			t.Fatalf("%q is not fit after all", got)
		}
		if bare(got) != bare(text) {
			t.Fatalf("%q lost more than space: %q", text, got)
		}
	})
}

// bare is a text without space and control characters.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Z, r) || unicode.Is(unicode.Cc, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

func TestATextWithLinesIsTakenByTheAPI(t *testing.T) {
	c, m := newCloud(t), message()
	m.Text = "Анна,\n\tвас ждут:\n\n\nhttps://rp.example.com/c/0123456789abcdef"
	if _, err := open(t, c.URL).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := c.last(t).text; got != "Анна, вас ждут: https://rp.example.com/c/0123456789abcdef" {
		t.Errorf("it arrived as %q", got)
	}
}

func TestATextThatIsTooLongWithItsTemplateIsRefused(t *testing.T) {
	c, m := newCloud(t), message()
	m.Text = strings.Repeat("я", 1024)
	_, err := open(t, c.URL).Send(t.Context(), m)
	if r := refusal(t, err); r.Code != "132005" {
		t.Errorf("got %+v", r)
	}
}

func TestWhatTheAPICouldNotTakeIsRefusedUnsent(t *testing.T) {
	c := newCloud(t)
	ch := open(t, c.URL)
	change := func(f func(*outreach.Message)) outreach.Message {
		m := message()
		f(&m)
		return m
	}
	number := func(to string) outreach.Message { return change(func(m *outreach.Message) { m.To = to }) }
	for name, k := range map[string]struct {
		m          outreach.Message
		code       string
		badAddress bool
	}{
		"no number":            {number(""), "invalid-number", true},
		"a number without +":   {number("70000000001"), "invalid-number", true},
		"a number with spaces": {number("+7 000 0000001"), "invalid-number", true},
		"an e-mail address":    {number("anna@example.com"), "invalid-number", true},
		"no text":              {change(func(m *outreach.Message) { m.Text = "" }), "empty-text", false},
		"a blank text":         {change(func(m *outreach.Message) { m.Text = " \n" }), "empty-text", false},
		"a text too long":      {change(func(m *outreach.Message) { m.Text = strings.Repeat("я", 1025) }), "text-too-long", false},
		"no account":           {change(func(m *outreach.Message) { m.Account = dental.Account{} }), "no-account", false},
		"no class":             {change(func(m *outreach.Message) { m.Class = "" }), "no-template", false},
		"a class of no texts":  {change(func(m *outreach.Message) { m.Class = dental.Reminders }), "no-template", false},
		"no language":          {change(func(m *outreach.Message) { m.Locale = "" }), "no-template", false},
		"no attempt":           {change(func(m *outreach.Message) { m.Attempt = "" }), "invalid-callback", false},
		"a touch too long":     {change(func(m *outreach.Message) { m.Touch.Anchor = strings.Repeat("я", 100) }), "invalid-callback", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ch.Send(t.Context(), k.m)
			r := refusal(t, err)
			if r.Code != k.code || r.BadAddress != k.badAddress || r.Later || !errors.Is(err, outreach.ErrNotSent) {
				t.Errorf("got %+v, %v", r, err)
			}
			silent(t, err)
		})
	}
	if n := c.count(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// refusal is the refusal inside of an error.
func refusal(t *testing.T, err error) *outreach.Refusal {
	t.Helper()
	var r *outreach.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("it is no refusal: %v", err)
	}
	return r
}

// silent holds that an error says nothing of the text, the number and the access.
func silent(t *testing.T, err error) {
	t.Helper()
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Error("refused", "error", err)
	for _, said := range []string{err.Error(), fmt.Sprintf("%+v", err), logged.String()} {
		for _, secret := range []string{cloudToken, cloudSecret, cloudVerify, cloudNumber, nobody[1:], nobody[2:], "Анна", "Ирина", "wamid"} {
			if strings.Contains(said, secret) {
				t.Errorf("%q is in %q", secret, said)
			}
		}
	}
}

func TestNothingIsProvenAndNothingRepeatedWhen(t *testing.T) {
	quote := nobody + " " + message().Text + " " + cloudToken
	for name, spoil := range map[string]http.HandlerFunc{
		"the answer is lost":        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"the connection is reset":   reset,
		"the answer comes too late": late,
		"the answer is cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}]`)
		},
		"the API fails inside":                    func(w http.ResponseWriter, _ *http.Request) { graphError(w, 131000, quote) },
		"the API is unavailable":                  func(w http.ResponseWriter, _ *http.Request) { graphError(w, 2, quote) },
		"it fails inside with a code of the list": func(w http.ResponseWriter, _ *http.Request) { answerError(w, 500, "131026", quote) },
		"it accepts with a code of the list":      func(w http.ResponseWriter, _ *http.Request) { answerError(w, 200, "131026", quote) },
		"it refuses by a code that says nothing":  func(w http.ResponseWriter, _ *http.Request) { answerError(w, 400, "131000", quote) },
		"it refuses by a code that is not listed": func(w http.ResponseWriter, _ *http.Request) { answerError(w, 400, "131999", quote) },
		"it refuses by a word":                    func(w http.ResponseWriter, _ *http.Request) { answerError(w, 400, `"Bad"`, quote) },
		"it refuses by a fraction":                func(w http.ResponseWriter, _ *http.Request) { answerError(w, 400, `131026.5`, quote) },
		"it refuses without a code":               func(w http.ResponseWriter, _ *http.Request) { answerError(w, 400, "null", quote) },
		"it refuses without an error":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); _, _ = io.WriteString(w, `{}`) },
		"it refuses without a word":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
		"somebody else answers": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>"+quote, http.StatusForbidden)
		},
		"the answer sends elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) },
		"the answer has no id":       func(w http.ResponseWriter, _ *http.Request) { accept(w, nobody, "", "accepted") },
		"the answer has no message":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"messages":[]}`) },
		"the answer is an error with an id": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}],"error":{"code":131026}}`)
		},
		"the answer has no end": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}],"x":"`+strings.Repeat("x", maxAnswer))
		},
	} {
		for _, again := range []bool{false, true} {
			on := " (new connection)"
			if again {
				on = " (connection used before)"
			}
			t.Run(name+on, func(t *testing.T) {
				c, want := newCloud(t), 1
				ch := open(t, c.URL)
				if again {
					if _, err := ch.Send(t.Context(), message()); err != nil {
						t.Fatalf("the message before: %v", err)
					}
					want = 2
				}
				c.mu.Lock()
				c.spoil = spoil
				c.mu.Unlock()
				id, err := ch.Send(t.Context(), message())
				if err == nil || id != "" {
					t.Fatalf("the message counts as accepted under %q", id)
				}
				if r := new(outreach.Refusal); errors.As(err, &r) {
					t.Errorf("it counts as refused: %v", err)
				}
				if n := c.count(); n != want {
					t.Errorf("%d requests arrived, want %d", n, want)
				}
				silent(t, err)
			})
		}
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func late(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(10 * impatience):
	}
}

func TestItIsProvenThatNothingWasSentWhen(t *testing.T) {
	c := newCloud(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	secure := httptest.NewUnstartedServer(c)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, k := range map[string]struct {
		ctx      context.Context
		endpoint string
	}{
		"nobody listens":                  {t.Context(), gone.URL},
		"the name does not exist":         {t.Context(), "https://provider.invalid"},
		"the certificate is not trusted":  {t.Context(), secure.URL},
		"the other side speaks no TLS":    {t.Context(), "https" + strings.TrimPrefix(c.URL, "http")},
		"it was cancelled before it went": {cancelled, c.URL},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, k.endpoint).Send(k.ctx, message())
			r := refusal(t, err)
			if !errors.Is(err, outreach.ErrNotSent) || r.Code != wire.NotSentCode || r.BadAddress || !r.Later {
				t.Errorf("got %+v, %v", r, err)
			}
			silent(t, err)
		})
	}
	if n := c.count(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// What the reference says of each code, in its order, kept apart from the list
// under test. The codes of other interfaces are left out.
func TestEachDocumentedCodeProvesWhatTheReferenceSays(t *testing.T) {
	const refused, later, nothing = "refused", "refused for now", "nothing"
	want := map[int]string{
		// Authorization errors
		0: refused, 10: refused, 190: refused, 200: refused, 299: refused,
		3: nothing, // by a status 500
		// Integrity errors
		368: refused, 130497: refused, 131031: refused,
		// Throttling errors
		4: later, 80007: later, 130429: later, 131048: refused, 131056: later, 131064: refused,
		133016: nothing, // of registration
		// Other errors
		1: nothing, 2: nothing, 33: refused, 100: refused, 130403: refused, 130472: refused, 131000: nothing, 131005: refused,
		131008: refused, 131009: refused, 131016: nothing, 131021: refused, 131026: refused, 131030: refused, 131037: refused,
		131042: refused, 131045: refused, 131047: refused, 131049: refused, 131050: refused, 131051: refused,
		131052: nothing, 131053: nothing, // of media
		131057: later, 131063: refused, 132000: refused, 132001: refused, 132005: refused, 132007: refused, 132012: refused,
		132015: refused, 132016: refused, 132018: refused, 132068: refused, 132069: refused,
		133000: nothing, 133004: nothing, 133005: nothing, 133006: nothing, 133008: nothing, 133009: nothing, 133010: refused,
		133015: nothing, 134011: refused, 135000: nothing,
		// In no list
		104: refused, 99: nothing, 199: nothing, 300: nothing, 131999: nothing, 2494055: nothing,
	}
	for _, code := range slices.Sorted(maps.Keys(want)) {
		t.Run(strconv.Itoa(code)+" proves "+want[code], func(t *testing.T) {
			c := newCloud(t)
			c.refuse = code
			if code == 0 { // 0 is no order to refuse
				c.spoil = func(w http.ResponseWriter, _ *http.Request) { graphError(w, 0, "") }
			}
			_, err := open(t, c.URL).Send(t.Context(), message())
			silent(t, err)
			var r *outreach.Refusal
			got := nothing
			if errors.As(err, &r) {
				if got = refused; r.Later {
					got = later
				}
				if r.Code != strconv.Itoa(code) || r.BadAddress || errors.Is(err, outreach.ErrNotSent) {
					t.Errorf("got %+v", r)
				}
			}
			if got != want[code] || c.count() != 1 {
				t.Errorf("it proves %s in %d requests: %v", got, c.count(), err)
			}
		})
	}
	t.Run("every code of the list is among these", func(t *testing.T) {
		for code := range refusals {
			n, err := strconv.Atoi(code)
			if _, told := want[n]; err != nil || !told {
				t.Errorf("the list has %q", code)
			}
		}
	})
}

func TestARefusalCarriesTheTraceThatMetaAsksFor(t *testing.T) {
	c := newCloud(t)
	c.refuse = 131042
	_, err := open(t, c.URL).Send(t.Context(), message())
	if err == nil || !strings.Contains(err.Error(), "131042") || !strings.Contains(err.Error(), "Az8or2yhqkZfEZ-_4Qn_Bam") {
		t.Errorf("got %v", err)
	}
	c.spoil = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"error":{"code":131042,"fbtrace_id":%q}}`, nobody+" Анна")
	}
	_, err = open(t, c.URL).Send(t.Context(), message())
	silent(t, err)
}

func TestTheAccessIsTheClinicsOwn(t *testing.T) {
	c, m := newCloud(t), message()
	m.Account.Secrets[Token] = "another"
	_, err := open(t, c.URL).Send(t.Context(), m)
	if r := refusal(t, err); r.Code != "190" || r.Later {
		t.Errorf("got %+v", r)
	}
	m = message()
	m.Account.Settings[PhoneNumberID] = "555000555000556"
	_, err = open(t, c.URL).Send(t.Context(), m)
	if r := refusal(t, err); r.Code != "33" {
		t.Errorf("got %+v", r)
	}
}

func TestAnAccountIsToldAllThatItLacksAtOnce(t *testing.T) {
	if err := Validate(account()); err != nil {
		t.Errorf("a whole account: %v", err)
	}
	all := []string{"settings.phoneNumberId", "settings.template.service", "settings.template.care", "settings.template.advertising",
		"settings.verifyToken", "secrets.token", "secrets.callback", "secrets.appSecret"}
	err := Validate(dental.Account{})
	if dental.KindOf(err) != dental.Invalid {
		t.Fatalf("an empty account: %v", err)
	}
	for _, field := range all {
		if !strings.Contains(err.Error(), field+": is missing") {
			t.Errorf("%s is not told of: %v", field, err)
		}
	}
	if n := strings.Count(err.Error(), "is missing"); n != len(all) {
		t.Errorf("%d things are missing, want %d", n, len(all))
	}
}

func TestWhatIsWrongInAnAccountIsNamedAndNotQuoted(t *testing.T) {
	for field, values := range map[string][]string{
		"settings.phoneNumberId":        {nobody, "1 000 000", cloudToken, "1/../2", "12"},
		"settings.template.service":     {"Visit", "visit-service", "визит", "visit service", strings.Repeat("a", 513)},
		"settings.template.care":        {cloudToken},
		"settings.template.advertising": {"a/b"},
		"settings.language.ru":          {"RU", "ru-RU", "русский"},
		"settings.language.en":          {"English", "en-US"},
		"settings.verifyToken":          {"two words", "слово"},
		"secrets.token":                 {"two words", cloudToken + "\n", "токен"},
		"secrets.callback":              {"short", "with space in it 123", "тайнатайнатайна1"},
		"secrets.appSecret":             {" ", "тайна"},
	} {
		for _, value := range values {
			a := account()
			kind, name, _ := strings.Cut(field, ".")
			if kind == "settings" {
				a.Settings[name] = value
			} else {
				a.Secrets[name] = dental.Secret(value)
			}
			err := Validate(a)
			if dental.KindOf(err) != dental.Invalid || !strings.HasPrefix(err.Error(), field+": is not ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s as %q: %v", field, value, err)
				continue
			}
			if value != " " && strings.Contains(err.Error(), value) {
				t.Errorf("%s: the value is in %v", field, err)
			}
		}
	}
}

func TestASettingThatIsSpelledWronglyIsNamed(t *testing.T) {
	a := account()
	a.Settings["template.servise"], a.Settings["languge.en"], a.Secrets["appsecret"] = "visit_service", "en_US", cloudSecret
	err := Validate(a)
	want := "settings.languge.en: is no setting of WhatsApp\nsettings.template.servise: is no setting of WhatsApp\nsecrets.appsecret: is no secret of WhatsApp"
	if dental.KindOf(err) != dental.Invalid || fmt.Sprint(err) != want {
		t.Errorf("got %v", err)
	}
}

func TestOnlyASafeEndpointIsTaken(t *testing.T) {
	calls := wire.NewClient(wire.Options{})
	for _, o := range []Options{
		{}, {Endpoint: "https://graph.facebook.com/"}, {Endpoint: "https://gateway.example.com/meta"}, {Version: "v26.0"},
		{Endpoint: "http://127.0.0.1:8080"}, {Endpoint: "http://[::1]:8080"}, {Endpoint: "http://localhost:8080"},
	} {
		if _, err := New(calls, o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []Options{
		{Endpoint: "http://graph.facebook.com"}, {Endpoint: "graph.facebook.com"}, {Endpoint: "https://"}, {Endpoint: "ftp://example.com"},
		{Endpoint: "https://user:pass@example.com"}, {Endpoint: "https://example.com?x=1"}, {Endpoint: "https://example.com#x"},
		{Endpoint: "http://127.0.0.1.example.com"}, {Endpoint: "http://10.0.0.1"},
		{Version: "25.0"}, {Version: "v25"}, {Version: "v25.0/x"}, {Version: "latest"},
	} {
		if _, err := New(calls, o); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	_, err := New(calls, Options{Endpoint: "x", Version: "y"})
	if err == nil || !strings.Contains(err.Error(), "Endpoint") || !strings.Contains(err.Error(), "Version") {
		t.Errorf("got %v", err)
	}
	for _, endpoint := range []string{"", "https://graph.facebook.com", "https://graph.facebook.com/"} {
		if ch, err := New(calls, Options{Endpoint: endpoint}); err != nil || ch.base != "https://graph.facebook.com/v25.0/" {
			t.Errorf("%q is not Meta's own: %v", endpoint, err)
		}
	}
}

func TestATouchComesBackFromItsCallbackData(t *testing.T) {
	id := rapid.StringMatching(`[A-Za-z0-9._:-]{1,64}`)
	anchor := rapid.OneOf(id, rapid.StringMatching(`[A-Za-z0-9._:-]{1,64}@2[0-9]{7}T[0-9]{6}Z`))
	rapid.Check(t, func(t *rapid.T) {
		touch := outreach.TouchRef{Clinic: id.Draw(t, "clinic"), Patient: id.Draw(t, "patient"), Scenario: id.Draw(t, "scenario"),
			Step: id.Draw(t, "step"), Anchor: anchor.Draw(t, "anchor")}
		attempt := id.Draw(t, "attempt")
		data, err := callbackData(touch, attempt)
		if err != nil || len(data) > maxCallback {
			t.Fatalf("%d characters, error %v", len(data), err)
		}
		if back, a := parseCallback(data); back != touch || a != attempt {
			t.Fatalf("%q came back as %+v %q", data, back, a)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringOfN(rapid.Rune(), 1, 8, -1)
		touch := outreach.TouchRef{Clinic: part.Draw(t, "clinic"), Patient: part.Draw(t, "patient"), Scenario: part.Draw(t, "scenario"),
			Step: part.Draw(t, "step"), Anchor: part.Draw(t, "anchor")}
		data, err := callbackData(touch, "a/1")
		if err != nil {
			return // too long
		}
		if back, a := parseCallback(data); back != touch || a != "a/1" {
			t.Fatalf("%q came back as %+v %q", data, back, a)
		}
	})
}

func TestCallbackDataOfOthersIsNoTouch(t *testing.T) {
	ours, err := callbackData(message().Touch, "a 1")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{
		"", "rp1", "campaign-7", "rp1/demo", strings.TrimPrefix(ours, "rp1/"), ours + "/x", strings.Replace(ours, "rp1", "rp2", 1),
		strings.Replace(ours, "P-77", "", 1), strings.Replace(ours, "P-77", "%", 1), strings.Replace(ours, "P-77", "%50-77", 1),
		strings.Replace(ours, "%20", "+", 1) + "%2", `{"touch":1}`,
	} {
		if touch, attempt := parseCallback(data); touch != (outreach.TouchRef{}) || attempt != "" {
			t.Errorf("%q is read as %+v %q", data, touch, attempt)
		}
	}
}

func TestAnIDHoldsNothingOfTheNumber(t *testing.T) {
	id := wamid(nobody, 1)
	if got := ID(id); len(got) != 22 || got == ID(wamid(nobody, 2)) || got != ID(id) {
		t.Errorf("got %q", got)
	}
}

func TestAnInboundMessageKeepsItsTextToItself(t *testing.T) {
	in := Inbound{From: nobody, Text: "Анна", ID: "i-1", At: time.Unix(1779447660, 0).UTC()}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("in", "message", in, "all", []Inbound{in})
	for _, said := range []string{fmt.Sprint(in), fmt.Sprintf("%+v %#v %s %q", in, in, in, []Inbound{in})} {
		if strings.Contains(said, "Анна") || strings.Contains(said, nobody) || !strings.Contains(said, "i-1") {
			t.Errorf("it is printed as %q", said)
		}
	}
	if said := logged.String(); strings.Contains(said, nobody) {
		t.Errorf("it is logged as %s", said)
	}
	if _, err := json.Marshal(in); err == nil {
		t.Error("the number goes into JSON")
	}
}
