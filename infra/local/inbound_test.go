package main

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// writes lets a patient's phone write an SMS.
func (s *stack) writes(from, text string) {
	s.t.Helper()
	s.send("POST", "/_local/inbound", object{"from": from, "text": text}, http.StatusOK)
}

func TestAPatientAnswersByTheirOwnPhone(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "appointment.booked", appointment("A1", "P1", "2026-03-20T12:00:00+03:00", 1))
	s.to("2026-03-18T13:00:00+03:00")
	if got := s.messages("P1", "appointment", "reminder"); len(got) != 1 || got[0].Channel != "sms" {
		t.Fatalf("the reminder is %+v", got)
	}
	s.writes("+79000000001", "Да, приду!")
	s.to("2026-03-19T12:00:00+03:00")
	if got := s.tasks("demo", "P1", ""); len(got) != 0 {
		t.Errorf("although it is confirmed staff are asked %+v", got)
	}
	s.writes("+79000000001", "Где вы находитесь?")
	if got := s.tasks("demo", "P1", "callback"); len(got) != 1 || got[0].Note != "Где вы находитесь?" {
		t.Errorf("a question makes %+v", got)
	}

	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("25h")
	s.writes("+79000000001", "👎 ждали час")
	if got := s.tasks("demo", "P1", "complaint"); len(got) != 1 || got[0].Note != "👎 ждали час" {
		t.Errorf("a thumb down makes %+v", got)
	}
	before := s.digest()
	s.writes("+79000000777", "да")
	if s.digest() != before {
		t.Error("a message of nobody's number has changed something")
	}
}

func TestStopFromAPhoneEndsAdvertisingAndLeavesReminders(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "appointment.booked", appointment("A1", "P1", "2026-03-20T12:00:00+03:00", 1))
	s.event("demo", "appointment.booked", appointment("A2", "P1", "2026-03-24T12:00:00+03:00", 1))
	stop := func(id string) {
		t.Helper()
		for range 2 { // as a topic may bring it
			s.send("POST", "/_local/inbound", object{"from": "+79000000001", "text": "СТОП", "id": id}, http.StatusOK)
		}
	}
	stop("in-1")
	s.to("2026-03-18T13:00:00+03:00")
	if got := s.messages("P1", "appointment", "reminder"); len(got) != 1 {
		t.Errorf("after one STOP the reminders are %+v", got)
	}
	stop("in-2")
	s.to("2026-03-23T13:00:00+03:00")
	if got := s.messages("P1", "appointment", "reminder"); len(got) != 1 {
		t.Errorf("after the second STOP the reminders are %+v", got)
	}
	if got := s.touches("demo", "P1", "appointment", "reminder"); len(got) != 2 || got[1].Reason != "opted-out" {
		t.Errorf("the touches are %+v", got)
	}
}

func TestThePhonesPageWritesBack(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	mailed := card("P2", 2)
	delete(mailed, "phone")
	s.event("demo", "patient.updated", mailed)
	for _, p := range []string{"P1", "P2"} {
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	s.advance("1m")
	page := s.do("GET", "/_local/messages", http.Header{"Accept": {"text/html"}}, nil).body
	if strings.Count(page, `action="/_local/inbound"`) != 1 || !strings.Contains(page, `value="&#43;79000000001"`) {
		t.Errorf("the page has no place to write back from the one phone: %s", page)
	}
	a := s.form("/_local/inbound", "from", "+79000000001", "text", "спасибо вам")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/_local/messages?to=%2B79000000001" {
		t.Errorf("answered %d %v", a.status, a.header)
	}
	if got := s.tasks("demo", "P1", "callback"); len(got) != 1 || got[0].Note != "спасибо вам" {
		t.Errorf("the tasks are %+v", got)
	}
}

func TestAnInboundMessageThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for _, body := range []any{object{}, object{"from": "79000000001", "text": "да"}, object{"from": "anna@example.com", "text": "да"},
		"да"} {
		s.send("POST", "/_local/inbound", body, http.StatusBadRequest)
	}
	if a := s.form("/_local/inbound", "from", "", "text", "да"); a.status != http.StatusBadRequest {
		t.Errorf("a form without a number is answered %d", a.status)
	}
	a := s.do("POST", "/_local/inbound", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("from=%zz"))
	if a.status != http.StatusBadRequest {
		t.Errorf("a form that is none is answered %d", a.status)
	}
}

func TestAnAnswerNamesTheMessage(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	var given, made struct{ ID string }
	a := s.send("POST", "/_local/inbound", object{"from": "+79000000001", "text": "да", "id": "in-7"}, http.StatusOK)
	b := s.send("POST", "/_local/inbound", object{"from": "+79000000001", "text": "да"}, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &given); err != nil || given.ID != "in-7" {
		t.Errorf("answered %s", a.body)
	}
	if err := json.Unmarshal([]byte(b.body), &made); err != nil || !strings.HasPrefix(made.ID, "in-") || len(made.ID) < 20 {
		t.Errorf("answered %s", b.body)
	}
}

func TestACallbackOfAClinicsOwnGatewaySettlesItsMessage(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	tx := s.m.store.Begin()
	cl, err := tx.Clinic(t.Context(), demo)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "callbackcallbackcallback"
	cl.Accounts = map[string]dental.Account{dental.SMSGate: {Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret", "callbackSecret": secret}}}
	tx.Put(*cl)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.event("demo", "patient.updated", card("P1", 1))
	message := func(text, key string) answer {
		sum := sha1.Sum([]byte("79000000001:" + text + ":79000000099:" + key))
		return s.form("/v1/reports/smsgate/demo/path-secret", "phone", "79000000001", "mes", text, "to", "79000000099", "id", "1", "sha1", hex.EncodeToString(sum[:]))
	}
	for _, tt := range []struct {
		a    answer
		want int
	}{
		{message("позвоните мне", secret), http.StatusOK},
		{message("позвоните мне", secret), http.StatusOK},
		{message("позвоните мне", "another"), http.StatusUnauthorized},
		{s.form("/v1/reports/smsgate/demo/another", "phone", "79000000001"), http.StatusNotFound},
		{s.do("GET", "/v1/reports/smsgate/demo/path-secret", nil, nil), http.StatusForbidden},
		{s.do("PUT", "/v1/reports/smsgate/demo/path-secret", nil, nil), http.StatusMethodNotAllowed},
	} {
		if tt.a.status != tt.want || tt.want >= 400 && !json.Valid([]byte(tt.a.body)) {
			t.Errorf("answered %d %s, want %d", tt.a.status, tt.a.body, tt.want)
		}
	}
	if got := s.tasks("demo", "P1", "callback"); len(got) != 1 || got[0].Note != "позвоните мне" {
		t.Errorf("the tasks are %s", fmt.Sprint(got))
	}
}
