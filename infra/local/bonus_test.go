package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// bonuses are the balances that GET /_local/patients shows.
func (s *stack) bonuses() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	a := s.do("GET", "/_local/patients?clinic=demo", nil, nil)
	for line := range strings.Lines(a.body) {
		var p struct{ ID, Bonuses string }
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		out[p.ID] = p.Bonuses
	}
	return out
}

func (s *stack) wantBonuses(p1, p2 string) {
	s.t.Helper()
	if got := s.bonuses(); got["P1"] != p1 || got["P2"] != p2 {
		s.t.Errorf("the balances are %v, want %s and %s", got, p1, p2)
	}
}

// TestAFriendIsRecommendedAndBothAreRewarded goes the whole way through the
// outward contract: from a happy answer to the bonuses that are spent.
func TestAFriendIsRecommendedAndBothAreRewarded(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.to("2026-03-11T12:00:00+03:00")
	surveys := s.messages("P1", "after-visit", "survey")
	if len(surveys) != 1 {
		t.Fatalf("the surveys are %+v", surveys)
	}
	if a := s.form(surveys[0].link(t, "s"), "answer", "good"); a.status != http.StatusSeeOther {
		t.Fatalf("the answer: %d %s", a.status, a.body)
	}
	s.to("2026-03-14T13:00:00+03:00")
	invited := s.messages("P1", "referral", "invite")
	if len(invited) != 1 {
		t.Fatalf("the invitations are %+v", invited)
	}
	code := invited[0].link(t, "r")
	if a := s.do("GET", code, nil, nil); a.status != http.StatusOK || !strings.Contains(a.body, "500") || strings.Contains(a.body, "Анна") {
		t.Fatalf("the page: %d %s", a.status, a.body)
	}
	before := s.digest()
	if a := s.form(code, "name", "Пётр", "phone", "8 900 000-00-02"); a.status != http.StatusBadRequest || s.digest() != before {
		t.Errorf("without consent: %d", a.status)
	}
	for range 2 {
		if a := s.form(code, "name", "Пётр", "phone", "8 900 000-00-02", "consent", "on"); a.status != http.StatusSeeOther || a.header.Get("Location") != code+"?sent" {
			t.Fatalf("the form: %d %v %s", a.status, a.header, a.body)
		}
	}
	leads := s.tasks("demo", "P1", "lead")
	if len(leads) != 1 || !strings.Contains(leads[0].Reason, "Пётр") || !strings.Contains(leads[0].Note, "+79000000002") || leads[0].Due.Sub(s.now()) > time.Hour {
		t.Fatalf("the tasks are %+v", leads)
	}

	s.advance("1h")
	s.event("demo", "patient.updated", card("P2", 2))
	s.advance("2m")
	if leads := s.tasks("demo", "P1", "lead"); len(leads) > 0 {
		t.Errorf("with the friend's card the task is still there: %+v", leads)
	}
	s.wantBonuses("0.00", "0.00")
	s.advance("24h")
	s.event("demo", "visit.completed", visit("V2", "P2", s.now()))
	s.advance("2m")
	s.wantBonuses("500.00", "500.00")

	do := func(patient string, body object, want int) answer {
		t.Helper()
		return s.send("POST", "/_local/bonus?clinic=demo&patient="+patient, body, want)
	}
	if a := do("P2", object{"do": "spend", "amount": "200.00", "reason": "Гигиена", "id": "form-1"}, 200); !strings.Contains(a.body, `{"balance":{"total":"300.00","currency":"RUB"},"lots":[{"left":"300.00","until":"2027-03-15"}],"freeHygienes":0,"gift":null}`) {
		t.Errorf("spending is answered %s", a.body)
	}
	do("P2", object{"do": "spend", "amount": "200.00", "id": "form-1"}, 200)
	do("P1", object{"do": "grant", "amount": "50.50", "reason": "За ожидание", "by": "olga"}, 200)
	s.wantBonuses("550.50", "300.00")
	if a := do("P2", object{"do": "spend", "amount": "300.01"}, 409); !strings.Contains(a.body, "left until") || !strings.Contains(a.body, `"field":"amount"`) {
		t.Errorf("too much is answered %s", a.body)
	}
	do("P2", object{"do": "free-hygiene"}, 409)
	do("P2", object{"do": "gift", "code": "AAAA-AAAA"}, 404)
	do("P2", object{"do": "dance"}, 400)
	do("P2", object{"do": "grant", "amount": "50"}, 400)
	do("P2", object{"do": "grant", "amount": "a lot", "reason": "x"}, 400)
	do("P9", object{"do": "grant", "amount": "50", "reason": "x"}, 404)
	s.send("POST", "/_local/bonus?clinic=nowhere&patient=P1", object{"do": "free-hygiene"}, 404)

	s.event("demo", "payment.received", object{"id": "F1", "patientId": "P2", "visitId": "V2", "kind": "refund",
		"amount": object{"total": "5400.00", "currency": "RUB"}, "at": s.now().Format(time.RFC3339)})
	s.advance("2m")
	s.wantBonuses("50.50", "-200.00")
}
