package ask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// put asks a server, by an address with a secret and a patient's number in it.
func put(ctx context.Context, t *testing.T, server string) (ask.Answer, error) {
	t.Helper()
	calls := wire.NewClient(wire.Options{})
	t.Cleanup(calls.CloseIdleConnections)
	a, err := ask.Do(ctx, calls, ask.Question{Vendor: "Acme", Method: http.MethodPut, Address: server + "/c0de/?phone=79160000001", Secret: "c0de",
		Header: map[string]string{"Accept": "application/json"}, Body: []byte("body"), Most: 10})
	if err != nil && (dental.KindOf(err) != dental.Unavailable || strings.Contains(err.Error(), "c0de") || strings.Contains(err.Error(), "7916")) {
		t.Errorf("the error is %q: %v", dental.KindOf(err), err)
	}
	return a, err
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAQuestionIsAskedAsItIsWritten(t *testing.T) {
	a, err := put(t.Context(), t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPut || r.RequestURI != "/c0de/?phone=79160000001" || string(body) != "body" || r.Header.Get("Accept") != "application/json" || r.UserAgent() != "return-point/1" {
			t.Errorf("it asks %s %s %q, %v", r.Method, r.RequestURI, body, r.Header)
		}
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "0123456789")
	}))
	if err != nil || a.Status != http.StatusTeapot || string(a.Body) != "0123456789" || a.After != 90*time.Second {
		t.Errorf("the answer is %+v, %v", a, err)
	}
}

func TestOfALongAnswerOneByteTooManyIsRead(t *testing.T) {
	a, err := put(t.Context(), t, serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1000)) }))
	if err != nil || len(a.Body) != 11 {
		t.Errorf("%d bytes, %v", len(a.Body), err)
	}
}

func TestTheVendorSaysForHowLongItWantsToBeLeftAlone(t *testing.T) {
	why := errors.New("too many")
	for says, want := range map[string]time.Duration{"": 0, "soon": 0, "0": 0, "-5": 0, "120": 2 * time.Minute, "9999999": 24 * time.Hour} {
		a, _ := put(t.Context(), t, serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", says) }))
		err := a.Later(why)
		if told, is := errors.AsType[*pull.Later](err); !errors.Is(err, why) || is != (want > 0) || is && told.After != want {
			t.Errorf("%q is %v", says, err)
		}
	}
}

func TestWhatWasNotSentIsNotWritten(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx    context.Context
		server string
		proven bool
		says   string
		status int
	}{
		"nobody there":      {t.Context(), "http://127.0.0.1:1", true, "Acme does not answer", 0},
		"no time":           {ended, "http://127.0.0.1:1", true, "Acme does not answer", 0},
		"no address":        {t.Context(), "http://127.0.0.1:port", true, "Acme could not be called", 0},
		"a lost answer":     {t.Context(), serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), false, "Acme does not answer", 0},
		"an address for it": {t.Context(), serve(t, func(w http.ResponseWriter, r *http.Request) { again(w, "http://%zz/c0de/") }), false, "Acme does not answer", 0},
		"half an answer": {t.Context(), serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "half")
		}), false, "Acme's answer was lost", http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := put(c.ctx, t, c.server)
			if err == nil || errors.Is(err, pull.ErrNotWritten) != c.proven || dental.MessageOf(err) != c.says || a.Status != c.status {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
	if ask.NotWritten(nil) != nil {
		t.Error("no error is one")
	}
}

// again answers with another address, which net/http repeats when it cannot read it.
func again(w http.ResponseWriter, address string) {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusFound)
}
