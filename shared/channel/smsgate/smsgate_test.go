package smsgate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

func TestTheGatewayIsAskedToSendTheTextToTheNumber(t *testing.T) {
	g := newGateway()
	id, err := g.listen(t).Send(t.Context(), message())
	if err != nil || id != MessageID("a1") {
		t.Fatalf("id %q, error %v", id, err)
	}
	want := kept{id: MessageID("a1"), phone: "70000000001", text: message().Text, sender: "Milan", status: -1}
	if len(g.kept) != 1 || g.kept[0] != want {
		t.Errorf("the gateway has %+v, want %+v", g.kept, want)
	}
	for field, want := range map[string]string{
		"phones": nobody, "mes": message().Text, "id": MessageID("a1"), "sender": "Milan",
		"charset": "utf-8", "fmt": "1", "translit": "0", "tinyurl": "0", "apikey": "api-key-example",
	} {
		if got := g.form[field]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
		delete(g.form, field)
	}
	if len(g.form) != 0 {
		t.Errorf("nobody has asked for %v", slices.Collect(maps.Keys(g.form)))
	}
}

func TestAnAccountWithoutAKeySignsInByItsLogin(t *testing.T) {
	g := newGateway()
	m := message()
	m.Account = byLogin()
	if _, err := g.listen(t).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if g.form.Get("login") != "milan" || g.form.Get("psw") != "password-example" || g.form.Has("apikey") {
		t.Errorf("the form has the fields %v", slices.Sorted(maps.Keys(g.form)))
	}
}

func TestThePublicGatewayIsCalledOverTLSUnlessATestSaysOtherwise(t *testing.T) {
	if c := New(wire.NewClient(wire.Options{}), Options{}); c.endpoint != "https://smsc.ru/sys/send.php" {
		t.Errorf("it calls %s", c.endpoint)
	}
}

// asRefusal asserts that an error is a refusal that the gateway has said.
func asRefusal(t *testing.T, err error) *outreach.Refusal {
	t.Helper()
	var r *outreach.Refusal
	if !errors.As(err, &r) || errors.Is(err, outreach.ErrNotSent) {
		t.Fatalf("got %v", err)
	}
	return r
}

func TestEachDocumentedCodeIsARefusalWithItsMeaning(t *testing.T) {
	seen := map[string]bool{}
	for name, c := range map[string]struct {
		provoke func(*gateway, *outreach.Message)
		want    outreach.Refusal
	}{
		"a parameter is wrong": {
			func(g *gateway, _ *outreach.Message) { g.also = url.Values{"charset": {"latin1"}} }, outreach.Refusal{Code: "1"}},
		"the key is wrong": {
			func(_ *gateway, m *outreach.Message) { m.Account.Secrets["apiKey"] = "another" }, outreach.Refusal{Code: "2"}},
		"the money is spent": {
			func(g *gateway, _ *outreach.Message) { g.money = 0 }, outreach.Refusal{Code: "3"}},
		"the IP address is blocked for errors": {
			func(g *gateway, _ *outreach.Message) { g.blocked = g.now.Add(time.Minute) }, outreach.Refusal{Code: "4", Later: true}},
		"the date is wrong": {
			func(g *gateway, _ *outreach.Message) { g.also = url.Values{"time": {"tomorrow"}} }, outreach.Refusal{Code: "5"}},
		"the text is forbidden": {
			func(_ *gateway, m *outreach.Message) { m.Text = "казино" }, outreach.Refusal{Code: "6"}},
		"the sender is not registered": {
			func(_ *gateway, m *outreach.Message) { m.Account.Settings["sender"] = "Other" }, outreach.Refusal{Code: "6"}},
		"the number is none": {
			func(_ *gateway, m *outreach.Message) { m.To = "+7000000000" }, outreach.Refusal{Code: "7", BadAddress: true}},
		"there is no way to the number": {
			func(g *gateway, m *outreach.Message) { g.noRoute = []string{m.To} }, outreach.Refusal{Code: "8"}},
		"the same was asked within a minute": {
			func(g *gateway, m *outreach.Message) {
				g.latest[identical(m.To, m.Text, "Milan")] = g.now.Add(-59 * time.Second)
			}, outreach.Refusal{Code: "9", Later: true}},
	} {
		t.Run(name, func(t *testing.T) {
			seen[c.want.Code] = true
			g, m := newGateway(), message()
			c.provoke(g, &m)
			_, err := g.listen(t).Send(t.Context(), m)
			if r := asRefusal(t, err); r.Code != c.want.Code || r.BadAddress != c.want.BadAddress || r.Later != c.want.Later {
				t.Errorf("got %+v, want %+v", r, c.want)
			}
			if len(g.kept) != 0 {
				t.Errorf("the gateway has kept %d", len(g.kept))
			}
		})
	}
	for code := range 9 {
		if code := strconv.Itoa(code + 1); !seen[code] {
			t.Errorf("the documented code %s was never provoked", code)
		}
	}
	if len(refusals) != 9 {
		t.Errorf("the gateway documents 9 codes, and the list has %d", len(refusals))
	}
}

func TestAnAnswerProvesWhatItSaysAndNoMore(t *testing.T) {
	ours := MessageID("a1")
	for body, want := range map[string]string{
		ours + ",1":                    ours,
		ours + ",2\n":                  ours,
		ours + ",12\r\n":               ours,
		"123456,1":                     "123456", // the gateway's own numbering
		"0,-2":                         "refused 2",
		ours + ",-7":                   "refused 7",
		ours + ",-2\n":                 "refused 2",
		"123456,-7":                    "nothing", // about another message
		"0,1":                          "nothing",
		ours + ",0":                    "nothing",
		ours + ",-0":                   "nothing",
		"0,-0":                         "nothing",
		"0,-10":                        "nothing", // not in the list
		"0,-07":                        "nothing",
		"0,--7":                        "nothing",
		"0, -7":                        "nothing",
		"0,7,":                         "nothing",
		ours + ",1,3.5":                "nothing",
		ours:                           "nothing",
		"":                             "nothing",
		",":                            "nothing",
		",1":                           "nothing",
		"OK - 1 SMS":                   "nothing",
		"ERROR = 2 (x)":                "nothing",
		`{"error_code":2}`:             "nothing",
		"<html>0,-2":                   "nothing",
		"0,-2</html>":                  "nothing",
		"0,-2\n0,-2":                   "nothing",
		strings.Repeat("9", 41) + ",1": "nothing",
	} {
		id, err := read(http.StatusOK, body, ours)
		var r *outreach.Refusal
		got := id
		switch {
		case errors.As(err, &r):
			got = "refused " + r.Code
		case err != nil:
			got = "nothing"
		}
		if got != want {
			t.Errorf("%q proves %s, want %s", body, got, want)
		}
	}
	for _, status := range []int{201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 502, 503, 504} {
		for _, body := range []string{ours + ",1", "0,-2"} {
			id, err := read(status, body, ours)
			if r := new(outreach.Refusal); id != "" || err == nil || errors.As(err, &r) {
				t.Errorf("status %d with %q: id %q, error %v", status, body, id, err)
			}
		}
	}
}

func TestAMessageHasOneNameThatTheGatewayTakes(t *testing.T) {
	own := regexp.MustCompile(`^rp-[0-9a-f]{32}$`)
	rapid.Check(t, func(t *rapid.T) {
		one, two := rapid.String().Draw(t, "one"), rapid.String().Draw(t, "two")
		id := MessageID(one)
		if !own.MatchString(id) || !givenID.MatchString(id) || id != MessageID(one) {
			t.Fatalf("%q is named %q", one, id)
		}
		if one != two && id == MessageID(two) {
			t.Fatalf("%q and %q are both named %q", one, two, id)
		}
	})
}

func TestTheGatewayKeepsARepeatSoThatOnlyWeCanPreventIt(t *testing.T) {
	g := newGateway()
	ch := g.listen(t)
	if _, err := ch.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	_, err := ch.Send(t.Context(), message())
	if r := asRefusal(t, err); r.Code != "9" || !r.Later || len(g.kept) != 1 {
		t.Errorf("within a minute: %+v, %d kept", r, len(g.kept))
	}
	g.now = g.now.Add(time.Minute)
	if _, err := ch.Send(t.Context(), message()); err != nil || len(g.kept) != 2 {
		t.Errorf("after a minute: error %v, %d kept", err, len(g.kept))
	}
	g.kept[0].status = 1
	if k, ok := g.status(MessageID("a1")); !ok || k.status != -1 {
		t.Errorf("the status is %d of the former", k.status)
	}
}

func TestWhatTheGatewayCouldNotTakeIsRefusedUnsent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	defer srv.Close()
	ch := channel(t, srv.URL)
	for name, c := range map[string]struct {
		change     func(*outreach.Message)
		code       string
		badAddress bool
	}{
		"no number":                {func(m *outreach.Message) { m.To = "" }, "invalid-number", true},
		"a number without a plus":  {func(m *outreach.Message) { m.To = "70000000001" }, "invalid-number", true},
		"two numbers":              {func(m *outreach.Message) { m.To += "," + nobody }, "invalid-number", true},
		"a number with a text":     {func(m *outreach.Message) { m.To += ":text" }, "invalid-number", true},
		"an e-mail address":        {func(m *outreach.Message) { m.To = "anna@example.com" }, "invalid-number", true},
		"no text":                  {func(m *outreach.Message) { m.Text = "" }, "empty-text", false},
		"a text that would ring":   {func(m *outreach.Message) { m.Text = "__CALL__ Анна" }, "command-in-text", false},
		"a text that would be cut": {func(m *outreach.Message) { m.Text = "Анна\n~~~\nвас ждёт доктор" }, "command-in-text", false},
		"no attempt":               {func(m *outreach.Message) { m.Attempt = "" }, "no-attempt", false},
		"no account":               {func(m *outreach.Message) { m.Account = dental.Account{} }, "no-account", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := message()
			c.change(&m)
			_, err := ch.Send(t.Context(), m)
			var r *outreach.Refusal
			if !errors.As(err, &r) || !errors.Is(err, outreach.ErrNotSent) {
				t.Fatalf("got %v", err)
			}
			if r.Code != c.code || r.BadAddress != c.badAddress || r.Later {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("but underlines and tildes are no command by themselves", func(t *testing.T) {
		for _, text := range []string{"Анна __ вас ждёт", "код A__B__", "в 9:00 ~~~ 10:00"} {
			if commands(text) {
				t.Errorf("%q counts as a command", text)
			}
		}
	})
}

func TestWrongAccountsAreNamedAllAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		account dental.Account
		fields  []string
	}{
		"with a key":   {account(), nil},
		"with a login": {byLogin(), nil},
		"with nothing": {dental.Account{}, []string{"settings.login", "secrets.password", "settings.sender", "secrets.callbackSecret", "secrets.callback"}},
		"with a login alone": {dental.Account{
			Settings: map[string]string{"login": "milan", "sender": "Milan"}, Secrets: map[string]dental.Secret{"callbackSecret": callbackSecret, "callback": "path-secret-example"},
		}, []string{"secrets.password"}},
		"with a password alone": {dental.Account{
			Settings: map[string]string{"sender": "Milan"}, Secrets: map[string]dental.Secret{"password": "p", "callbackSecret": callbackSecret, "callback": "path-secret-example"},
		}, []string{"settings.login"}},
		"with wrong values": {dental.Account{
			Settings: map[string]string{"sender": "Милан"}, Secrets: map[string]dental.Secret{"apiKey": "k", "callbackSecret": "short", "callback": "with space"},
		}, []string{"settings.sender", "secrets.callbackSecret", "secrets.callback"}},
		"with keys of nothing": {dental.Account{
			Settings: map[string]string{"sender": "Milan", "host": "example.com"},
			Secrets:  map[string]dental.Secret{"apiKey": "k", "apikey": "k", "callbackSecret": callbackSecret, "callback": "path-secret-example"},
		}, []string{"settings.host", "secrets.apikey"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(c.account)
			if (err == nil) != (c.fields == nil) || err != nil && dental.KindOf(err) != dental.Invalid {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				return
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.fields) {
				t.Errorf("it names %d things: %v", len(lines), err)
			}
			for _, field := range c.fields {
				if !strings.Contains(err.Error(), field+": ") {
					t.Errorf("%s is not named: %v", field, err)
				}
			}
		})
	}
	for sender, good := range map[string]bool{
		"Milan": true, "M": true, "Dent24": true, "Dent Clinic": true, "Dent-24_A.B": true, "79000000001": true, "123456789012345": true,
		"DentClinic12": false, " Milan": false, "Milan ": false, "Милан": false, "1234567890123456": false, "Mi\nlan": false,
	} {
		a := account()
		a.Settings["sender"] = sender
		if err := Validate(a); (err == nil) != good {
			t.Errorf("the sender %q: %v", sender, err)
		}
	}
}

// private is what may stand in no error and in no log.
var private = []string{nobody, nobody[1:], "%2B7", "api-key-example", "password-example", callbackSecret, "Анна", "доктор"}

func assertNothingPrivate(t *testing.T, what, text string) {
	t.Helper()
	for _, p := range private {
		if strings.Contains(text, p) {
			t.Errorf("%s holds %q: %s", what, p, text)
		}
	}
}

func TestNothingPrivateIsInAnErrorOrALog(t *testing.T) {
	quotes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "0,-7 (%s %s %s %s)", r.PostForm.Get("phones"), r.PostForm.Get("mes"), r.PostForm.Get("apikey"), r.PostForm.Get("psw"))
	}))
	defer quotes.Close()
	echo := line(t, func(c *net.TCPConn) {
		if _, err := asked(newGateway(), bufio.NewReader(c)); err == nil {
			fmt.Fprintf(c, "phones=%%2B70000000001&phones=%s&phones=%s\r\n\r\n", nobody, nobody[1:])
		}
	})
	broken := dental.Account{
		Settings: map[string]string{"login": "milan", "sender": "Милан"},
		Secrets:  map[string]dental.Secret{"password": "password-example", "callbackSecret": "api-key-example"},
	}
	for name, c := range map[string]struct {
		endpoint string
		account  dental.Account
	}{
		"an answer that quotes":     {quotes.URL, account()},
		"an answer that is an echo": {"http://" + echo, account()},
		"a lost connection":         {nobodyListens, byLogin()},
		"a wrong endpoint":          {"http://%zz", account()},
		"a wrong account":           {quotes.URL, broken},
	} {
		t.Run(name, func(t *testing.T) {
			m := message()
			m.Account = c.account
			_, err := channel(t, c.endpoint).Send(t.Context(), m)
			if err == nil {
				t.Fatal("it was sent")
			}
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Warn("failed", "error", err, "message", m)
			assertNothingPrivate(t, "the error", err.Error())
			assertNothingPrivate(t, "the error in full", fmt.Sprintf("%+v", err))
			assertNothingPrivate(t, "the log", log.String())
		})
	}
}

func FuzzAnswer(f *testing.F) {
	ours := MessageID("a1")
	for _, body := range []string{ours + ",1", ours + ",-7", "0,-2", "0,-10", "12,1\n", "<html>", "", "0,1", ours + ",-0"} {
		f.Add(200, body)
	}
	f.Add(500, "0,-2")
	accepted := regexp.MustCompile(`^[A-Za-z0-9._-]{1,40},[1-9][0-9]*[\r\n]*$`)
	refused := regexp.MustCompile(`^(0|` + regexp.QuoteMeta(ours) + `),-[1-9][\r\n]*$`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		id, err := read(status, body, ours)
		var r *outreach.Refusal
		switch {
		case err == nil:
			if status != 200 || !accepted.MatchString(body) || !strings.HasPrefix(body, id+",") || id == "0" {
				t.Fatalf("%d %q counts as accepted under %q", status, body, id)
			}
		case errors.As(err, &r):
			if status != 200 || !refused.MatchString(body) || id != "" {
				t.Fatalf("%d %q counts as refused by %q", status, body, r.Code)
			}
		case id != "":
			t.Fatalf("%d %q gives an id with an error", status, body)
		case len(body) > 12 && strings.Contains(err.Error(), body):
			t.Fatalf("the error quotes the answer: %v", err)
		}
	})
}
