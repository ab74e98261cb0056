package bitrix24_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24/bitrix24test"
	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestAnErrorSaysWhetherToWaitOrToMend(t *testing.T) {
	for _, c := range []struct {
		said bitrix24test.Refusal
		kind dental.ErrorKind
		says string
	}{
		{bitrix24test.Refusal{Status: 503, Code: "QUERY_LIMIT_EXCEEDED"}, dental.Unavailable, "no more calls"},
		{bitrix24test.Refusal{Status: 429, Code: "OPERATION_TIME_LIMIT"}, dental.Unavailable, "for a while"},
		{bitrix24test.Refusal{Status: 500, Code: "INTERNAL_SERVER_ERROR"}, dental.Unavailable, "failed inside"},
		{bitrix24test.Refusal{Status: 500, Code: "ERROR_UNEXPECTED_ANSWER"}, dental.Unavailable, "failed inside"},
		{bitrix24test.Refusal{Status: 502, Code: "SOMETHING_NEW"}, dental.Unavailable, "failed inside"},
		{bitrix24test.Refusal{Status: 429, Code: ""}, dental.Unavailable, "failed inside"},
		{bitrix24test.Refusal{Status: 401, Code: "NO_AUTH_FOUND"}, dental.Invalid, "no such webhook"},
		{bitrix24test.Refusal{Status: 401, Code: "INVALID_CREDENTIALS"}, dental.Invalid, "no such webhook"},
		{bitrix24test.Refusal{Status: 401, Code: "expired_token"}, dental.Invalid, "expired"},
		{bitrix24test.Refusal{Status: 401, Code: "insufficient_scope"}, dental.Invalid, "allowed too little"},
		{bitrix24test.Refusal{Status: 404, Code: "ERROR_METHOD_NOT_FOUND"}, dental.Invalid, "allowed too little"},
		{bitrix24test.Refusal{Status: 401, Code: "user_access_error"}, dental.Invalid, "no access"},
		{bitrix24test.Refusal{Status: 401, Code: "OVERLOAD_LIMIT"}, dental.Invalid, "ask its support"},
		{bitrix24test.Refusal{Status: 403, Code: "PORTAL_DELETED"}, dental.Invalid, "closed"},
		{bitrix24test.Refusal{Status: 401, Code: "ACCESS_DENIED"}, dental.Invalid, "plan"},
		{bitrix24test.Refusal{Status: 403, Code: "ACCESS_DENIED"}, dental.Invalid, "too few rights"},
		{bitrix24test.Refusal{Status: 400, Code: "ERROR_CORE"}, dental.Invalid, "responsible user"},
		{bitrix24test.Refusal{Status: 400, Code: ""}, dental.Invalid, "responsible user"},
		{bitrix24test.Refusal{Status: 200, Code: "ERROR_CORE"}, dental.Invalid, "responsible user"},
		{bitrix24test.Refusal{Status: 302}, dental.Invalid, "another address"},
	} {
		t.Run(fmt.Sprint(c.said.Status, " ", c.said.Code), func(t *testing.T) {
			d := newDesk(t)
			d.portal.Refuse = c.said
			d.portal.Refuse.Description = "of " + string(d.who.Phone) + ", " + d.who.GivenName + ", " + d.title + " by " + bitrix24test.Code
			err := d.tell()
			d.check(err, c.kind, c.says)
			if c.said.Status != 302 && (!strings.Contains(err.Error(), c.said.Code) || !strings.Contains(err.Error(), fmt.Sprint(c.said.Status))) {
				t.Errorf("%q does not say what the portal said", err)
			}
		})
	}
}

// check holds an error to its kind and message, and to what it must not say.
func (d *desk) check(err error, kind dental.ErrorKind, says string) {
	d.t.Helper()
	var told *dental.Error
	if !errors.As(err, &told) || told.Kind != kind || !strings.Contains(told.Message, says) {
		d.t.Errorf("got %v, want the kind %s and the message %q", err, kind, says)
		return
	}
	text := fmt.Sprintf("%v %+v %q", err, err, err)
	for _, hidden := range []string{bitrix24test.Code, string(d.who.Phone), "9990000001", d.who.FamilyName, d.who.GivenName, d.title} {
		if strings.Contains(text, hidden) {
			d.t.Errorf("%q says %q", text, hidden)
		}
	}
}

func TestAWebhookIsToldWhatItLacks(t *testing.T) {
	for scope, lists := range map[string]string{"crm": "tasks.task.list", "task": "crm.activity.list"} {
		d := newDesk(t)
		d.portal.Scopes = []string{scope}
		err := d.tell()
		d.check(err, dental.Invalid, "it needs CRM (crm) and tasks (task)")
		if err == nil || !strings.Contains(err.Error(), lists) {
			t.Errorf("with %s alone: %v", scope, err)
		}
	}
	d := newDesk(t)
	d.account.Secrets[bitrix24.WebhookSecret] = "anotherc0de"
	d.check(d.tell(), dental.Invalid, "no such webhook")
	d.account.Settings[bitrix24.PortalSetting] = ""
	d.check(d.tell(), dental.Invalid, "the portal's address is missing")
	d = newDesk(t)
	d.account.Settings[bitrix24.ResponsibleSetting] = "99"
	d.check(d.tell(), dental.Invalid, "responsible user")
}

func TestAnAnswerThatIsNoneIsAFailureToBeTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   dental.ErrorKind
		says   string
	}{
		"an empty answer":              {write(200, ""), dental.Unavailable, "cannot be read"},
		"a page":                       {write(200, "<html>"), dental.Unavailable, "cannot be read"},
		"a page of the gateway's":      {write(502, "<html>"), dental.Unavailable, "cannot be read"},
		"an answer without a result":   {write(200, `{"time": {}}`), dental.Unavailable, "cannot be read"},
		"a result of another kind":     {write(200, `{"result": "x"}`), dental.Unavailable, "cannot be read"},
		"an id that is none":           {write(200, `{"result": [{"ID": "x"}]}`), dental.Unavailable, "cannot be read"},
		"a bad status with a result":   {write(500, `{"result": []}`), dental.Unavailable, "cannot be read"},
		"an endless answer":            {write(200, `{"result": [`+strings.Repeat(" ", 2<<20)+`]}`), dental.Unavailable, "too long"},
		"nothing at the address":       {write(404, "<html>"), dental.Invalid, "no Bitrix24"},
		"somebody else at the address": {write(403, "<html>"), dental.Invalid, "no Bitrix24"},
		"half an answer":               {half, dental.Unavailable, "lost"},
		"no answer":                    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, dental.Unavailable, "does not answer"},
		"an answer too late":           {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, dental.Unavailable, "does not answer"},
		"an error with a number":       {write(400, `{"error": 100, "error_description": ["x"]}`), dental.Invalid, "responsible user"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				c.answer(w, r)
			}))
			srv.Config.ErrorLog = silent
			srv.Start()
			t.Cleanup(srv.Close)
			d.at(strings.TrimPrefix(srv.URL, "http://"))
			d.check(d.tell(), c.kind, c.says)
		})
	}
	t.Run("a closed port", func(t *testing.T) {
		d := newDesk(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		d.at(l.Addr().String())
		d.check(d.tell(), dental.Unavailable, "does not answer")
	})
}

// at moves the desk to another host.
func (d *desk) at(host string) {
	calls := wire.NewClient(wire.Options{Timeout: 200 * time.Millisecond})
	d.t.Cleanup(calls.CloseIdleConnections)
	d.account.Settings[bitrix24.PortalSetting] = host
	d.crm = bitrix24.New(calls, bitrix24.NewPace(d.clock.now, d.clock.sleep), host)
}

func TestListsOfPHPAreReadWhateverTheirShape(t *testing.T) {
	for name, list := range map[string]string{
		"a list": `[9, 4]`, "a list of strings": `["9", "4"]`, "an object with gaps": `{"1": 9, "3": "4"}`, "a list with a repeat": `[9, 4, 9]`,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			var body string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch raw, _ := io.ReadAll(r.Body); {
				case strings.HasSuffix(r.URL.Path, "findbycomm"):
					write(200, `{"result": {"CONTACT": `+list+`}}`)(w, r)
				case strings.HasSuffix(r.URL.Path, "todo.add"):
					body = string(raw)
					write(200, `{"result": {"id": "12"}}`)(w, r)
				default:
					write(200, `{"result": []}`)(w, r)
				}
			}))
			t.Cleanup(srv.Close)
			d.at(strings.TrimPrefix(srv.URL, "http://"))
			d.must()
			if !strings.Contains(body, `"ownerId":4`) || !strings.Contains(d.ref, "/todo/12/") {
				t.Errorf("it was made by %s under %q", body, d.ref)
			}
		})
	}
}

func TestAnAnswerThatConfirmsNothingIsNoSuccess(t *testing.T) {
	for name, c := range map[string]struct {
		method, answer, says string
		closed               bool
	}{
		"a task not completed":     {"tasks.task.complete", `{"time": {}}`, "cannot be read", true},
		"a to-do without a number": {"crm.activity.todo.add", `{"result": {}}`, "no number", false},
		"a to-do that is null":     {"crm.activity.todo.add", `{"result": null}`, "no number", false},
		"a to-do not closed":       {"crm.activity.update", `{"result": false}`, "did not close", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if strings.HasPrefix(c.method, "crm.") {
				d.contact("Алёна", "Крылова", "+79990000001")
			}
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, c.method) {
					write(200, c.answer)(w, r)
					return
				}
				d.portal.ServeHTTP(w, r)
			}))
			t.Cleanup(front.Close)
			d.must()
			if !c.closed {
				d.reopen()
			} else {
				d.close()
			}
			d.at(strings.TrimPrefix(front.URL, "http://"))
			d.check(d.tell(), dental.Unavailable, c.says)
		})
	}
}

func TestACallGivenUpSaysSo(t *testing.T) {
	d := newDesk(t)
	ctx, cancel := context.WithCancel(context.Background())
	d.portal.Between = func(string) { cancel() }
	_, err := d.crm.Tell(ctx, d.account, d.task, d.who, d.title, "")
	d.check(err, dental.Unavailable, "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestNothingIsCalledForSomebodyWhoHasLeft(t *testing.T) {
	d := newDesk(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := d.crm.Tell(ctx, d.account, d.task, d.who, d.title, "")
	d.check(err, dental.Unavailable, "no time")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is lost: %v", err)
	}
	if calls := d.portal.Calls(); len(calls) != 0 {
		t.Errorf("it called %q", calls)
	}
}

func write(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"result": [`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
