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
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
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
			if dental.KindOf(err) != c.kind || errors.Is(err, pull.ErrAccount) != (c.kind == dental.Invalid) {
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
		if _, err := client.Changed(t.Context(), clinic(), without, "", now); dental.KindOf(err) != dental.Invalid || !errors.Is(err, pull.ErrAccount) {
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

// seen is visit 102 of the office as its patient has answered for it.
func seen() dental.Appointment {
	o := office()
	return dental.Appointment{ID: "102", Patient: "sq.3", Start: o.Records[2].Start}
}

// writes answers what looks by the API, over the office as it is, and what writes by h.
func (s *server) writes(h http.HandlerFunc) {
	s.Answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			s.serve(w, r)
			return
		}
		h(w, r)
	})
}

func TestAPatientsAnswerIsWrittenBackInOneCallAfterALook(t *testing.T) {
	s, client, a := start(t)
	s.over(office())
	for action, want := range map[string]string{"confirm": `{"status":"confirmed"}`, "cancel": `{"status":"cancel"}`} {
		s.writes(func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); string(body) != want {
				t.Errorf("%s says %s", action, body)
			}
			fmt.Fprint(w, `{"status":"success"}`)
		})
		err := client.Confirm(t.Context(), clinic(), a, seen(), action)
		if asked := s.Asked(); err != nil || strings.Join(asked, ", ") != "GET /api/v2/visit/102, PUT /api/v2/visit/102/status" {
			t.Errorf("%s: %v by %q", action, err, asked)
		}
	}
}

func TestAVisitThatHasChangedIsLeftToStaff(t *testing.T) {
	s, client, a := start(t)
	for says, c := range map[string]struct {
		change func(o *mistest.Office, x *mistest.Record)
		action string
		says   string // "" where 1Denta says the same already
	}{
		"moved":                         {func(_ *mistest.Office, x *mistest.Record) { x.Start = x.Start.Add(time.Hour) }, "cancel", "moved"},
		"given to another client":       {func(o *mistest.Office, x *mistest.Record) { x.Patient = o.Patients[4] }, "cancel", "another patient"},
		"come of":                       {func(_ *mistest.Office, x *mistest.Record) { x.Status = mistest.Came }, "confirm", "taken place"},
		"cancelled, and then confirmed": {func(_ *mistest.Office, x *mistest.Record) { x.Status = mistest.Cancelled }, "confirm", "cancelled"},
		"deleted, and then confirmed":   {func(_ *mistest.Office, x *mistest.Record) { x.Deleted = true }, "confirm", "deleted"},
		"confirmed by staff meanwhile":  {func(_ *mistest.Office, x *mistest.Record) { x.Status = mistest.Confirmed }, "confirm", ""},
		"cancelled by staff meanwhile":  {func(_ *mistest.Office, x *mistest.Record) { x.Status = mistest.Cancelled }, "cancel", ""},
		"deleted by staff meanwhile":    {func(_ *mistest.Office, x *mistest.Record) { x.Deleted = true }, "cancel", ""},
	} {
		t.Run(says, func(t *testing.T) {
			o := office()
			c.change(o, o.Records[2])
			s.over(o)
			s.Answer(nil)
			err := client.Confirm(t.Context(), clinic(), a, seen(), c.action)
			if asked := s.Asked(); strings.Join(asked, ", ") != "GET /api/v2/visit/102" {
				t.Errorf("it was asked %q", asked)
			}
			if left := errors.Is(err, pull.ErrNotWritten) && dental.KindOf(err) == dental.Conflict; left != (c.says != "") || !left && err != nil || !strings.Contains(dental.MessageOf(err), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, action := range []string{"confirm", "cancel"} {
		t.Run("not there: 1Denta's word on the change counts, "+action, func(t *testing.T) {
			o := office()
			o.Records[2].ID = 999
			s.over(o)
			s.Answer(nil)
			err := client.Confirm(t.Context(), clinic(), a, seen(), action)
			if asked := s.Asked(); strings.Join(asked, ", ") != "GET /api/v2/visit/102, PUT /api/v2/visit/102/status" || !errors.Is(err, pull.ErrNotWritten) || dental.KindOf(err) != dental.Invalid {
				t.Errorf("got %v by %q", err, asked)
			}
		})
	}
	for says, answer := range map[string]http.HandlerFunc{"a failure inside": status(500), "an answer that is lost": lost, "no right": status(403),
		"an answer that is none": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "a visit without a time": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":102,"client":3}`) }} {
		t.Run("it cannot be looked at: "+says, func(t *testing.T) {
			s.Answer(answer)
			err := client.Confirm(t.Context(), clinic(), a, seen(), "cancel")
			if n := len(s.Asked()); !errors.Is(err, pull.ErrNotWritten) || n != 1 {
				t.Errorf("got %v after %d calls", err, n)
			}
		})
	}
}

func TestOnlyWhatIsProvenCountsAsNotWritten(t *testing.T) {
	s, client, a := start(t)
	s.over(office())
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
			s.writes(c.answer)
			err := client.Confirm(t.Context(), clinic(), a, seen(), "confirm")
			if n := len(s.Asked()); err == nil || errors.Is(err, pull.ErrNotWritten) != c.proven || dental.KindOf(err) != c.kind || n != 2 {
				t.Errorf("got %v after %d calls", err, n)
			}
			secretless(t, err)
		})
	}
	t.Run("a late answer", func(t *testing.T) {
		release := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				s.serve(w, r)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			<-release
		}))
		defer slow.Close()
		defer close(release)
		of := account()
		of.Settings[sqns.URLSetting] = slow.URL
		impatient := sqns.New(wire.NewClient(wire.Options{Timeout: time.Second}), strings.TrimPrefix(slow.URL, "http://"))
		if err := impatient.Confirm(t.Context(), clinic(), of, seen(), "confirm"); err == nil || errors.Is(err, pull.ErrNotWritten) {
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

func TestTheTimeForWhich1DentaWantsToBeLeftAloneIsKept(t *testing.T) {
	s, client, a := start(t)
	mistest.Obeys(t, `{"message":"too many"}`, s.Answer, func() error {
		_, err := client.Changed(t.Context(), clinic(), a, "", office().Now)
		return err
	})
}
