package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestAnOfferAGiftAndConsentOverTheOutwardContract(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "LOCAL_NOW", "2026-03-10T12:00:00+03:00")
	s.send("PUT", "/_local/clinics/demo", object{"gifts": []object{{"id": "brush", "name": "Ирригатор", "cost": object{"total": "2500.00", "currency": "RUB"}}}}, http.StatusOK)
	born := card("P1", 1)
	born["birthDate"] = "1985-04-02"
	s.event("demo", "patient.updated", born)
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	unchanged := func(path string) answer {
		t.Helper()
		before := s.digest()
		var a answer
		for _, method := range []string{"GET", "HEAD", "GET"} {
			if a = s.do(method, path, nil, nil); a.status != http.StatusOK {
				t.Fatalf("%s %s: %d", method, path, a.status)
			}
		}
		if s.digest() != before {
			t.Errorf("looking at %s has changed something", path)
		}
		return a
	}

	s.to("2026-04-02T12:00:00+03:00")
	gift := s.messages("P1", "birthday", "greeting")[0].link(t, "g")
	unchanged(gift)
	if a := s.form(gift, "gift", "brush"); a.status != http.StatusSeeOther {
		t.Fatalf("choosing the gift: %d %s", a.status, a.body)
	}
	code := regexp.MustCompile(`[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}`).FindString(unchanged(gift).body)
	if tasks := s.tasks("demo", "P1", "call"); code == "" || len(tasks) != 1 || !strings.Contains(tasks[0].Reason, code) {
		t.Errorf("the code %q and the tasks %+v", code, tasks)
	}

	s.to("2026-08-10T12:00:00+03:00")
	offer := s.messages("P1", "recall", "first")[0].link(t, "o")
	unchanged(offer)
	if a := s.form(offer, "action", "book", "weekday", "fri", "part", "evening"); a.status != http.StatusSeeOther {
		t.Fatalf("answering the offer: %d %s", a.status, a.body)
	}
	unchanged(offer)
	if tasks := s.tasks("demo", "P1", "callback"); len(tasks) != 1 || !strings.Contains(tasks[0].Note, "пятница, вечер") {
		t.Errorf("the tasks are %+v", tasks)
	}

	s.event("demo", "patient.updated", object{"id": "P2", "givenName": "Олег", "status": "active"}) // no address at all
	consent := s.do("GET", "/_local/consent?clinic=demo&patient=P2", nil, nil)
	path := regexp.MustCompile(`/u/[A-Za-z0-9_-]{16}`).FindString(consent.body)
	if consent.status != http.StatusOK || path == "" || !strings.Contains(consent.body, `<svg class="qr"`) {
		t.Fatalf("the page for the reception: %d %s", consent.status, consent.body)
	}
	before := s.digest()
	if again := s.do("GET", "/_local/consent?clinic=demo&patient=P2", nil, nil); again.body != consent.body || s.digest() != before {
		t.Error("asked for again, the page is another one, or something was written")
	}
	unchanged(path)
	if a := s.form(path, "save", "on", "shown", "reminders.sms advertising.sms", "reminders.sms", "on", "advertising.sms", "on"); a.status != http.StatusSeeOther {
		t.Errorf("consenting: %d %s", a.status, a.body)
	}
	for query, status := range map[string]int{"clinic=demo": http.StatusBadRequest, "patient=P2": http.StatusBadRequest, "clinic=demo&patient=P9": http.StatusNotFound, "clinic=x&patient=P2": http.StatusNotFound} {
		if a := s.do("GET", "/_local/consent?"+query, nil, nil); a.status != status {
			t.Errorf("%s: %d, want %d", query, a.status, status)
		}
	}
}
