package sqns_test

import (
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
	"github.com/returnpoint/returnpoint/shared/mis/sqns"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// status answers with a status and a body that quotes what no error may.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"message":"no, %s"}`, r.Header.Get("Authorization"))
	}
}

func lost(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func secretless(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "eyJ") {
		t.Errorf("the token stands in %q", err)
	}
}

func TestTheAnswersOfTheAPISayWhoseTurnItIs(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	for says, c := range map[string]struct {
		answer http.HandlerFunc
		kind   dental.ErrorKind
		later  time.Duration
	}{
		"a token that was taken back":    {status(401), dental.Invalid, 0},
		"a token without the right":      {status(403), dental.Invalid, 0},
		"another address":                {status(301, "Location", "https://example.com"), dental.Invalid, 0},
		"too much, by its own status":    {status(444), dental.Unavailable, 0},
		"too much, and for how long":     {status(429, "Retry-After", "1800"), dental.Unavailable, 30 * time.Minute},
		"a failure inside":               {status(500), dental.Unavailable, 0},
		"a gateway's failure":            {status(503), dental.Unavailable, 0},
		"a question that it refuses":     {status(422), dental.Unavailable, 0},
		"an answer that is lost":         {lost, dental.Unavailable, 0},
		"an answer that is none":         {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, dental.Unavailable, 0},
		"an answer that is of two parts": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[]} {}`) }, dental.Unavailable, 0},
		"a list that is none":            {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":7}`) }, dental.Unavailable, 0},
	} {
		t.Run(says, func(t *testing.T) {
			s.Answer(c.answer)
			_, err := client.Changed(t.Context(), clinic(), a, "", now)
			if dental.KindOf(err) != c.kind {
				t.Errorf("got %v", err)
			}
			if told, is := errors.AsType[*pull.Later](err); is != (c.later > 0) || is && told.After != c.later {
				t.Errorf("it wants to be left alone: %v", err)
			}
			secretless(t, err)
		})
	}
	t.Run("an account without a token", func(t *testing.T) {
		without := account()
		delete(without.Secrets, sqns.TokenSecret)
		if _, err := client.Changed(t.Context(), clinic(), without, "", now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an account of another's address is not called", func(t *testing.T) {
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
		defer other.Close()
		of := account()
		of.Settings[sqns.URLSetting] = other.URL
		if _, err := client.Changed(t.Context(), clinic(), of, "", now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPatientsAnswerIsWrittenBackInOneCall(t *testing.T) {
	s, client, a := start(t)
	for action, want := range map[string]string{"confirm": `{"status":"confirmed"}`, "cancel": `{"status":"cancel"}`} {
		s.Answer(func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); string(body) != want {
				t.Errorf("%s says %s", action, body)
			}
			fmt.Fprint(w, `{"status":"success"}`)
		})
		err := client.Confirm(t.Context(), clinic(), a, dental.Appointment{ID: "102"}, action)
		if asked := s.Asked(); err != nil || len(asked) != 1 || asked[0] != "PUT /api/v2/visit/102/status" {
			t.Errorf("%s: %v by %q", action, err, asked)
		}
	}
}

func TestOnlyWhatIsProvenCountsAsNotWritten(t *testing.T) {
	s, client, a := start(t)
	for says, c := range map[string]struct {
		answer http.HandlerFunc
		proven bool
		kind   dental.ErrorKind
	}{
		"a bad token":                    {status(401), true, dental.Invalid},
		"no right":                       {status(403), true, dental.Invalid},
		"no such visit":                  {status(404), true, dental.Invalid},
		"a visit that has begun":         {status(422), true, dental.Invalid},
		"a bad question":                 {status(400), true, dental.Invalid},
		"too many calls":                 {status(444), true, dental.Unavailable},
		"too many calls, the usual way":  {status(429), true, dental.Unavailable},
		"a failure inside":               {status(500), false, dental.Unavailable},
		"a gateway that waited too long": {status(504), false, dental.Unavailable},
		"a conflict":                     {status(409), false, dental.Unavailable},
		"another address":                {status(307, "Location", "/elsewhere"), false, dental.Invalid},
		"a lost answer":                  {lost, false, dental.Unavailable},
	} {
		t.Run(says, func(t *testing.T) {
			s.Answer(c.answer)
			err := client.Confirm(t.Context(), clinic(), a, dental.Appointment{ID: "102"}, "confirm")
			if n := len(s.Asked()); err == nil || errors.Is(err, pull.ErrNotWritten) != c.proven || dental.KindOf(err) != c.kind || n != 1 {
				t.Errorf("got %v after %d calls", err, n)
			}
			secretless(t, err)
		})
	}
	t.Run("a late answer", func(t *testing.T) {
		release := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-release
		}))
		defer slow.Close()
		defer close(release)
		of := account()
		of.Settings[sqns.URLSetting] = slow.URL
		impatient := sqns.New(wire.NewClient(wire.Options{Timeout: time.Second}), strings.TrimPrefix(slow.URL, "http://"))
		if err := impatient.Confirm(t.Context(), clinic(), of, dental.Appointment{ID: "102"}, "confirm"); err == nil || errors.Is(err, pull.ErrNotWritten) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		const nobody = "127.0.0.1:1" // a port that no test is given
		of := account()
		of.Settings[sqns.URLSetting] = "http://" + nobody
		lonely := sqns.New(wire.NewClient(wire.Options{}), nobody)
		if err := lonely.Confirm(t.Context(), clinic(), of, dental.Appointment{ID: "102"}, "confirm"); !errors.Is(err, pull.ErrNotWritten) || dental.KindOf(err) != dental.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	for says, c := range map[string]struct{ id, action string }{
		"a visit that is not of 1Denta": {"h:abc", "confirm"},
		"a path in the place of an id":  {"../client/5", "confirm"},
		"an action that it has not":     {"102", "reschedule"},
	} {
		t.Run(says, func(t *testing.T) {
			s.Answer(nil)
			err := client.Confirm(t.Context(), clinic(), a, dental.Appointment{ID: c.id}, c.action)
			if asked := s.Asked(); !errors.Is(err, pull.ErrNotWritten) || dental.KindOf(err) != dental.Invalid || len(asked) != 0 {
				t.Errorf("got %v after %q", err, asked)
			}
		})
	}
}
