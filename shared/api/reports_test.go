package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// callback is the handler for the clinic "demo", whose providers tell what the
// body of a call says, in words of the test.
type callback struct {
	*api.Reports
	settled []string
	heard   []string
	log     bytes.Buffer
	mux     *http.ServeMux
	fails   map[string]error // of settling or hearing, by the word
	clinic  error            // of reading the clinic
}

func newCallback() *callback {
	c := &callback{fails: map[string]error{}, mux: http.NewServeMux()}
	account := dental.Account{Settings: map[string]string{"token": "t"}, Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret", "sign": "s"}}
	demo := &dental.Clinic{ID: "demo", Accounts: map[string]dental.Account{"whatsapp": account, "smsgate": account, "bitrix24": account}}
	bare := &dental.Clinic{ID: "bare", Accounts: map[string]dental.Account{"whatsapp": {}}}
	c.Reports = &api.Reports{
		Clinic: func(_ context.Context, id string) (*dental.Clinic, error) {
			switch {
			case c.clinic != nil:
				return nil, c.clinic
			case id == demo.ID:
				return demo, nil
			case id == bare.ID:
				return bare, nil
			}
			return nil, dental.Errorf(dental.NotFound, "", "there is no clinic %q", id)
		},
		Providers: map[string]api.Provider{
			"whatsapp": {Read: read, Challenge: func(a dental.Account, q url.Values) (string, bool) {
				return q.Get("hub.challenge"), q.Get("hub.verify_token") == a.Settings["token"]
			}},
			"smsgate": {Read: read},
		},
		Settle: func(_ context.Context, cl *dental.Clinic, r outreach.Report) error {
			if err := c.fails[r.Code]; err != nil {
				return err
			}
			c.settled = append(c.settled, cl.ID+" "+r.Code)
			return nil
		},
		Hear: func(_ context.Context, cl *dental.Clinic, m reply.Message, now time.Time) error {
			if err := c.fails[m.Text]; err != nil {
				return err
			}
			c.heard = append(c.heard, cl.ID+" "+m.Text)
			return nil
		},
		Clock: func() time.Time { return start },
		Log:   slog.New(slog.NewJSONHandler(&c.log, nil)),
	}
	c.Routes(c.mux)
	return c
}

// read takes lines as "report x" and "message x".
func read(a dental.Account, in api.Callback) (told api.Told, err error) {
	if in.Header.Get("Sign") != string(a.Secrets["sign"]) {
		return told, fmt.Errorf("read: %w", api.ErrForged)
	}
	if !in.At.Equal(start) {
		return told, errors.New("the callback came at another time")
	}
	for line := range strings.Lines(string(in.Body)) {
		kind, word, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "report":
			told.Reports = append(told.Reports, outreach.Report{Code: word})
		case "message":
			told.Messages = append(told.Messages, reply.Message{ID: word, Text: word})
		case "note":
			told.Note = word
		case "break":
			return told, errors.New("broken")
		default:
			return told, dental.Errorf(dental.Invalid, "", "neither a report nor a message")
		}
	}
	return told, nil
}

const mine = "/v1/reports/whatsapp/demo/path-secret"

func posted(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sign", "s")
	return r
}

func TestACallbackIsAnsweredAsTheDocumentSays(t *testing.T) {
	doc := document(t)
	unavailable := dental.Errorf(dental.Unavailable, "", "not now")
	forged := posted(mine, "report a")
	forged.Header.Set("Sign", "other")
	for _, row := range []struct {
		name   string
		r      *http.Request
		status int
		set    func(*callback)
	}{
		{"a report", posted(mine, "report a"), 200, nil},
		{"of another provider", posted("/v1/reports/smsgate/demo/path-secret", "report a"), 200, nil},
		{"nothing that matters", posted(mine, "note none"), 200, nil},
		{"what cannot be read", posted(mine, "hello"), 400, nil},
		{"what is not signed", forged, 401, nil},
		{"another secret", posted("/v1/reports/whatsapp/demo/path-secre", "report a"), 404, nil},
		{"a secret with more to it", posted("/v1/reports/whatsapp/demo/path-secret1", "report a"), 404, nil},
		{"no such clinic", posted("/v1/reports/whatsapp/other/path-secret", "report a"), 404, nil},
		{"what can be no clinic", posted("/v1/reports/whatsapp/%C3%A9/path-secret", "report a"), 404, nil},
		{"no such provider", posted("/v1/reports/telegram/demo/path-secret", "report a"), 404, nil},
		{"an account with somebody who does not call", posted("/v1/reports/bitrix24/demo/path-secret", "report a"), 404, nil},
		{"a clinic without an account", posted("/v1/reports/smsgate/bare/path-secret", "report a"), 404, nil},
		{"a body of any length", posted(mine, strings.Repeat("x", 3<<20+1)), 413, nil},
		{"a body that may be as long", posted(mine, strings.Repeat("x", 3<<20)), 400, nil},
		{"what breaks the reader", posted(mine, "break"), 500, nil},
		{"no table", posted(mine, "report a"), 503, func(c *callback) { c.clinic = unavailable }},
		{"a report that is not settled", posted(mine, "report a"), 503, func(c *callback) { c.fails["a"] = unavailable }},
		{"a report that is not settled for no known reason", posted(mine, "report a"), 503, func(c *callback) { c.fails["a"] = errors.New("oh") }},
		{"a message that cannot be taken, ever", posted(mine, "message a"), 200, func(c *callback) { c.fails["a"] = dental.Errorf(dental.Invalid, "", "no id") }},

		{"the challenge", httptest.NewRequest(http.MethodGet, mine+"?hub.mode=subscribe&hub.verify_token=t&hub.challenge=42", nil), 200, nil},
		{"the challenge, looked at", httptest.NewRequest(http.MethodHead, mine+"?hub.mode=subscribe&hub.verify_token=t&hub.challenge=42", nil), 200, nil},
		{"a challenge with another token", httptest.NewRequest(http.MethodGet, mine+"?hub.verify_token=x&hub.challenge=42", nil), 403, nil},
		{"a challenge of a provider that has none", httptest.NewRequest(http.MethodGet, "/v1/reports/smsgate/demo/path-secret?hub.verify_token=t", nil), 403, nil},
		{"a challenge with another secret", httptest.NewRequest(http.MethodGet, "/v1/reports/whatsapp/demo/x?hub.verify_token=t&hub.challenge=42", nil), 404, nil},
		{"a challenge without a table", httptest.NewRequest(http.MethodGet, mine+"?hub.verify_token=t", nil), 503, func(c *callback) { c.clinic = unavailable }},
		{"a challenge of a clinic that cannot be read", httptest.NewRequest(http.MethodGet, mine+"?hub.verify_token=t", nil), 500, func(c *callback) { c.clinic = errors.New("oh") }},
		{"another method", httptest.NewRequest(http.MethodPut, mine, nil), 405, nil},
	} {
		c := newCallback()
		if row.set != nil {
			row.set(c)
		}
		w := doc.Serve(t, c.mux, row.r)
		if w.Code != row.status {
			t.Errorf("%s is answered %d %s, want %d", row.name, w.Code, w.Body, row.status)
		}
		if w.Code != http.StatusOK && len(c.settled)+len(c.heard) > 0 {
			t.Errorf("%s: settled are %q, heard %q", row.name, c.settled, c.heard)
		}
		if strings.Contains(c.log.String(), "path-secre") {
			t.Errorf("%s: the secret is in the log: %s", row.name, &c.log)
		}
	}
	if unseen := doc.Unseen("/v1/reports/{provider}/{clinic}/{secret}"); len(unseen) > 0 {
		t.Errorf("the document promises what was never answered: %v", unseen)
	}
}

func TestABodyThatEndsEarlyIsNone(t *testing.T) {
	c, r, w := newCallback(), posted(mine, ""), httptest.NewRecorder()
	r.Body = io.NopCloser(failing{})
	if c.mux.ServeHTTP(w, r); w.Code != http.StatusBadRequest || len(c.settled) > 0 {
		t.Errorf("answered %d", w.Code)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTheChallengeIsGivenBackAsItIs(t *testing.T) {
	w := httptest.NewRecorder()
	newCallback().mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, mine+"?hub.verify_token=t&hub.challenge=%3Cb%3E", nil))
	if w.Body.String() != "<b>" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answered %q %v", w.Body, w.Header())
	}
}

// TestAStrangerLearnsNothing holds that what is wrong with a path cannot be told from the answer.
func TestAStrangerLearnsNothing(t *testing.T) {
	var first string
	for _, path := range []string{"/v1/reports/whatsapp/demo/x", "/v1/reports/whatsapp/other/path-secret", "/v1/reports/telegram/demo/path-secret",
		"/v1/reports/whatsapp/bare/path-secret", "/v1/reports/smsgate/bare/x"} {
		w := httptest.NewRecorder()
		newCallback().mux.ServeHTTP(w, posted(path, "report a"))
		if first == "" {
			first = w.Body.String()
		}
		if w.Code != http.StatusNotFound || w.Body.String() != first {
			t.Errorf("%s is answered %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAnAccountWithoutASecretHasNoCallback(t *testing.T) {
	c := newCallback()
	for _, path := range []string{"/v1/reports/whatsapp/bare/", "/v1/reports/whatsapp/bare/%00", "/v1/reports/whatsapp/bare/x"} {
		w := httptest.NewRecorder()
		c.mux.ServeHTTP(w, posted(path, "report a"))
		if w.Code != http.StatusNotFound || len(c.settled) > 0 {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestAPartOfACallbackThatFailsStopsNoOther(t *testing.T) {
	c := newCallback()
	c.fails["b"], c.fails["x"] = errors.New("oh"), dental.Errorf(dental.Unavailable, "", "not now")
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, posted(mine, "report a\nreport b\nmessage x\nreport c\nmessage y\n"))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" {
		t.Errorf("answered %d %v", w.Code, w.Header())
	}
	if !slices.Equal(c.settled, []string{"demo a", "demo c"}) || !slices.Equal(c.heard, []string{"demo y"}) {
		t.Errorf("settled %q, heard %q", c.settled, c.heard)
	}
	if log := c.log.String(); !strings.Contains(log, "settle a report: oh") || !strings.Contains(log, "not now") || !strings.Contains(log, `"failed":2`) {
		t.Errorf("the log has %s", log)
	}
}

func TestWhatAProviderPassedOverIsInTheLog(t *testing.T) {
	c := newCallback()
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, posted(mine, "report a\nnote two\n"))
	if w.Code != http.StatusOK || !strings.Contains(c.log.String(), `"note":"two"`) || len(c.settled) != 1 {
		t.Errorf("answered %d, the log has %s", w.Code, &c.log)
	}
}
