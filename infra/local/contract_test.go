package main

import (
	"encoding/json"

	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAVisitIsThankedForWithinAMinuteAndAskedAboutAfterADay(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	patients := []string{"P1", "P2", "P3"}
	for i, p := range patients {
		s.event("demo", "patient.updated", card(p, i))
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	s.advance("1m")
	for _, p := range patients {
		thanks := s.messages(p, "after-visit", "thanks")
		if len(thanks) != 1 || !strings.Contains(thanks[0].Text, "Анна") {
			t.Fatalf("%s was thanked by %+v", p, thanks)
		}
	}
	s.advance("24h")
	for _, p := range patients {
		asked := s.messages(p, "after-visit", "survey")
		if len(asked) != 1 {
			t.Fatalf("%s was asked by %+v", p, asked)
		}
		if wait := asked[0].At.Sub(s.messages(p, "after-visit", "thanks")[0].At); wait < 23*time.Hour || wait > 25*time.Hour {
			t.Errorf("%s was asked %v after the thanks", p, wait)
		}
	}
	page := func(p string) string { return s.messages(p, "after-visit", "survey")[0].link(t, "s") }

	if a := s.form(page("P1"), "answer", "good"); a.status != http.StatusSeeOther {
		t.Fatalf("a good answer: %d", a.status)
	}
	if a := s.do("GET", page("P1"), nil, nil); !strings.Contains(a.body, "Яндекс Карты") || !strings.Contains(a.body, "2ГИС") {
		t.Errorf("a good answer leads to no map: %s", a.body)
	}
	if a := s.form(page("P2"), "answer", "bad", "comment", "Ждала час"); a.status != http.StatusSeeOther {
		t.Fatalf("a bad answer: %d", a.status)
	}
	if a := s.do("GET", page("P2"), nil, nil); strings.Contains(a.body, "Яндекс Карты") {
		t.Errorf("a bad answer leads to a map")
	}
	complaints := s.tasks("demo", "P2", "complaint")
	if len(complaints) != 1 || complaints[0].Note != "Ждала час" || complaints[0].State != "open" {
		t.Fatalf("a bad answer makes %+v", complaints)
	}
	if all := s.tasks("demo", "", ""); len(all) != 1 {
		t.Errorf("the tasks are %+v", all)
	}
	s.advance("5h")
	if complaints = s.tasks("demo", "P2", "complaint"); complaints[0].State != "escalated" {
		t.Errorf("a complaint that nobody took for five hours is %s", complaints[0].State)
	}
}

func TestTheSameEventAHundredTimesAtOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	d := s.sign("demo", "visit.completed", visit("V1", "P1", s.now()))
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if a, err := s.try("POST", d.path, d.header.Clone(), d.body); err == nil && a.status == http.StatusAccepted {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if accepted.Load() != 100 {
		t.Fatalf("%d of 100 were accepted", accepted.Load())
	}
	s.advance("2d")
	for _, step := range []string{"thanks", "survey"} {
		if got := s.messages("P1", "after-visit", step); len(got) != 1 {
			t.Errorf("%d messages of %s", len(got), step)
		}
	}
}

func TestOpeningEveryLinkTenThousandTimesChangesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	mailed := card("P2", 2)
	delete(mailed, "phone")
	s.event("demo", "patient.updated", mailed)
	s.event("demo", "appointment.booked", appointment("A1", "P1", "2026-03-12T15:00:00+03:00", 1))
	for _, p := range []string{"P1", "P2"} {
		v := visit("V"+p, p, s.now())
		v["recommendations"] = "Щадящая диета три дня"
		s.event("demo", "visit.completed", v)
	}
	s.to("2026-03-11T12:00:00+03:00")

	paths := map[string]bool{}
	for _, m := range s.messages("", "", "") {
		for _, l := range m.Links {
			paths[(&sent{Links: []string{l}}).path()] = true
		}
		if m.Channel == "email" {
			// The way out of e-mail stands in its footer, not among the links to act on.
			_, after, found := strings.Cut(m.Text, "/u/")
			if !found {
				t.Fatalf("an e-mail without a way out: %s", m.Text)
			}
			paths["/u/"+strings.Fields(after)[0]] = true
		}
	}
	var purposes []string
	var urls []string
	for p := range paths {
		purposes, urls = append(purposes, strings.Split(p, "/")[1]), append(urls, p)
		if strings.HasPrefix(p, "/c/") {
			urls = append(urls, p+"/visit.ics")
		}
	}
	for _, purpose := range []string{"s", "c", "u"} {
		if !strings.Contains(strings.Join(purposes, " "), purpose) {
			t.Fatalf("there is no link of /%s/ among %v", purpose, urls)
		}
	}

	before, served := s.digest(), s.m.handler()
	var next, bad atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for n := next.Add(1); n <= 10_000; n = next.Add(1) {
				method := http.MethodGet
				if n%3 == 0 {
					method = http.MethodHead
				}
				w := httptest.NewRecorder()
				served.ServeHTTP(w, httptest.NewRequest(method, s.base+urls[int(n)%len(urls)], nil))
				if w.Code != http.StatusOK {
					bad.Add(1)
				}
			}
		})
	}
	all.Wait()
	if bad.Load() > 0 {
		t.Errorf("%d of 10,000 were not answered by 200", bad.Load())
	}
	if after := s.digest(); after != before {
		t.Errorf("opening links changed the table from %+v to %+v", before, after)
	}
}

func (m *sent) path() string {
	_, rest, _ := strings.Cut(m.Links[0], "://")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}

func TestAnAppointmentIsRemindedOfConfirmedMovedAndCancelled(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	reminders := func() []sent { return s.messages("P1", "appointment", "reminder") }

	// Booked for Friday; reminded on Wednesday at the same time of day.
	s.event("demo", "appointment.booked", appointment("A1", "P1", "2026-03-13T15:00:00+03:00", 1))
	s.to("2026-03-11T14:59:00+03:00")
	if got := reminders(); len(got) != 0 {
		t.Fatalf("reminded too early: %+v", got)
	}
	s.to("2026-03-11T15:00:00+03:00")
	got := reminders()
	if len(got) != 1 || got[0].At.Format(time.RFC3339) != "2026-03-11T15:00:00+03:00" {
		t.Fatalf("two days before the reminders are %+v", got)
	}
	first := got[0].link(t, "c")
	if a := s.form(first, "action", "confirm"); a.status != http.StatusSeeOther {
		t.Fatalf("a confirmation: %d %s", a.status, a.body)
	}
	s.to("2026-03-12T12:00:00+03:00")
	if got := s.tasks("demo", "P1", "confirm"); len(got) != 0 {
		t.Errorf("staff are asked to confirm what is confirmed: %+v", got)
	}

	// Moved to the Friday after: reminded anew, and what was confirmed is void.
	s.event("demo", "appointment.moved", appointment("A1", "P1", "2026-03-20T11:30:00+03:00", 2))
	if a := s.form(first, "action", "confirm"); a.status == http.StatusSeeOther {
		t.Errorf("the page of the time that was moved takes a confirmation")
	}
	// Moved away and back before its reminder: reminded once, at the time it stands at.
	s.event("demo", "appointment.moved", appointment("A1", "P1", "2026-03-23T10:00:00+03:00", 3))
	s.event("demo", "appointment.moved", appointment("A1", "P1", "2026-03-20T11:30:00+03:00", 4))
	s.to("2026-03-18T11:30:00+03:00")
	if got = reminders(); len(got) != 2 || !strings.Contains(got[1].Text, "20 марта") || !strings.Contains(got[1].Text, "11:30") {
		t.Fatalf("moved there and back, the reminders are %+v", got)
	}
	// Nobody confirms: staff are to call on the working day before, at ten.
	s.to("2026-03-19T09:59:00+03:00")
	if got := s.tasks("demo", "P1", "confirm"); len(got) != 0 {
		t.Errorf("staff are asked too early: %+v", got)
	}
	s.to("2026-03-19T10:00:00+03:00")
	if got := s.tasks("demo", "P1", "confirm"); len(got) != 1 {
		t.Fatalf("staff are asked to confirm by %+v", got)
	}

	// Cancelled: the task goes, and three days later another time is offered.
	s.event("demo", "appointment.cancelled", appointment("A1", "P1", "2026-03-20T11:30:00+03:00", 5))
	if got := s.tasks("demo", "P1", "confirm"); len(got) != 0 {
		t.Errorf("the task outlives the appointment: %+v", got)
	}
	s.to("2026-03-22T12:00:00+03:00")
	if got := s.messages("P1", "appointment", "missed"); len(got) != 1 {
		t.Errorf("three days after it was cancelled another time is offered by %+v", got)
	}
	if got := s.tasks("demo", "P1", "rebook"); len(got) != 1 {
		t.Errorf("three days after it was cancelled staff have %+v", got)
	}
	// Booked again: nothing is left to rebook, and it is reminded of like any other.
	s.event("demo", "appointment.booked", appointment("A2", "P1", "2026-03-27T16:00:00+03:00", 1))
	if got := s.tasks("demo", "P1", "rebook"); len(got) != 0 {
		t.Errorf("the task outlives the new booking: %+v", got)
	}
	s.to("2026-03-28T12:00:00+03:00")
	if got := reminders(); len(got) != 3 {
		t.Errorf("the reminders are %+v", got)
	}
}

func TestAReminderKeepsTheLocalTimeOverAChangeOfTheClocks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ from, start, remind string }{
		"to summer time": {"2026-03-20T10:00:00+01:00", "2026-03-30T15:00:00+02:00", "2026-03-28T15:00:00+01:00"},
		"to winter time": {"2026-10-15T10:00:00+02:00", "2026-10-26T15:00:00+01:00", "2026-10-24T15:00:00+02:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), "LOCAL_NOW", tt.from)
			s.send("PUT", "/_local/clinics/berlin", object{"name": "Praxis", "timeZone": "Europe/Berlin", "language": "en"}, http.StatusCreated)
			who := card("P1", 1)
			who["language"] = "en"
			s.event("berlin", "patient.updated", who)
			// Booked, cancelled and booked again, it is reminded of once.
			s.event("berlin", "appointment.booked", appointment("A1", "P1", tt.start, 1))
			s.event("berlin", "appointment.cancelled", appointment("A1", "P1", tt.start, 2))
			s.event("berlin", "appointment.booked", appointment("A1", "P1", tt.start, 3))
			s.to(tt.start)
			got := s.messages("P1", "appointment", "reminder")
			if len(got) != 1 || got[0].At.Format(time.RFC3339) != tt.remind {
				t.Fatalf("reminded by %+v, and wanted at %s", got, tt.remind)
			}
			if !strings.Contains(got[0].Text, "3:00") && !strings.Contains(got[0].Text, "15:00") {
				t.Errorf("it names another time: %s", got[0].Text)
			}
		})
	}
}

func TestPatientsAreShownWithWhatTheyBrought(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P2", 2))
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	payment := func(id, of, kind, total string) object {
		return object{"id": id, "patientId": "P1", "visitId": of, "kind": kind, "amount": object{"total": total, "currency": "RUB"}, "at": s.now().Format(time.RFC3339)}
	}
	// The receipt counts, less its refund; what was paid for it only informs.
	s.event("demo", "payment.received", payment("F1", "V1", "payment", "5400.00"))
	s.event("demo", "payment.received", payment("F2", "V1", "refund", "400.00"))
	// Without a receipt the payments count.
	unbilled := visit("V2", "P1", s.now().Add(-48*time.Hour))
	delete(unbilled, "receipt")
	s.event("demo", "visit.completed", unbilled)
	s.event("demo", "payment.received", payment("F3", "V2", "payment", "1000.50"))
	s.event("demo", "payment.received", payment("F4", "V2", "refund", "0.50"))
	// A payment for no visit brings nothing yet.
	s.event("demo", "payment.received", payment("F5", "", "payment", "700.00"))
	s.event("demo", "appointment.booked", appointment("A1", "P1", "2026-04-13T15:00:00+03:00", 1))

	a := s.do("GET", "/_local/patients?clinic=demo", nil, nil)
	lines := strings.Split(strings.TrimSpace(a.body), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), a.body)
	}
	want := []string{
		`{"id":"P1","phone":"+79000000001","birthDate":"1985-03-14","visits":2,"lastVisit":"2026-03-10","appointments":1,"plans":0,"revenue":{"total":"6000.00","currency":"RUB"},"bonuses":"0.00"}`,
		`{"id":"P2","phone":"+79000000002","birthDate":"1985-03-14","visits":0,"lastVisit":null,"appointments":0,"plans":0,"revenue":{"total":"0.00","currency":"RUB"},"bonuses":"0.00"}`,
	}
	for i, line := range lines {
		if line != want[i] {
			t.Errorf("line %d\ngot  %s\nwant %s", i+1, line, want[i])
		}
	}
	// An erased patient is not shown.
	s.event("demo", "patient.deleted", object{"id": "P2", "version": 2})
	if a := s.do("GET", "/_local/patients?clinic=demo", nil, nil); strings.Contains(a.body, "P2") {
		t.Errorf("an erased patient is shown: %s", a.body)
	}
	s.advance("1h")
	if a := s.do("GET", "/_local/touches?clinic=demo&patient=P2", nil, nil); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("an hour after an erasure touches are left: %s", a.body)
	}
}

func TestATouchThatDoesNotLeaveIsShownWithItsReason(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	mute := card("P1", 1)
	delete(mute, "email")
	mute["phone"] = "555 доб. 12"
	s.event("demo", "patient.updated", mute)
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("5m")
	got := s.touches("demo", "P1", "after-visit", "thanks")
	if len(got) != 1 || got[0].State != "skipped" || !strings.HasPrefix(got[0].Reason, "phone-") || got[0].Why == "" || got[0].Why == got[0].Reason || !got[0].SentAt.IsZero() {
		t.Fatalf("the touches are %+v", got)
	}
	if tasks := s.tasks("demo", "P1", "contact"); len(tasks) != 1 {
		t.Errorf("staff are asked for an address by %+v", tasks)
	}
	var all []shownTouch
	s.get("/_local/touches?clinic=demo", &all)
	for i := 1; i < len(all); i++ {
		if all[i].Due.Before(all[i-1].Due) {
			t.Errorf("the touches are not in the order of their times: %+v", all)
		}
	}
}

func TestClinicsAreMadeAndChangedBySettings(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.send("PUT", "/_local/clinics/second", object{"name": "Вторая"}, http.StatusCreated)
	s.send("PUT", "/_local/clinics/second", object{"timeZone": "Asia/Vladivostok"}, http.StatusOK)
	everything := object{}
	for _, name := range []string{"after-visit", "complex-visit", "appointment", "recall", "plan", "sleeping-6", "sleeping-12", "sleeping-18", "birthday",
		"implant-year", "orthodontics-6m", "season", "referral", "club", "review"} {
		everything[name] = object{"on": false, "release": "auto", "holdout": 0, "backlogPerDay": 0}
	}
	s.send("PUT", "/_local/clinics/second", object{"scenarios": everything}, http.StatusOK)

	// What was set before stays: no scenario is on now, so nobody is written to.
	s.event("second", "patient.updated", card("P1", 1))
	s.event("second", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("1d")
	if got := s.messages("", "", ""); len(got) != 0 {
		t.Errorf("with every scenario off there are %+v", got)
	}
	a := s.send("PUT", "/_local/clinics/second", object{"sendFrom": "25:00", "margin": 7, "colour": "red"}, http.StatusBadRequest)
	for _, name := range []string{"sendFrom", "margin", "colour"} {
		if !strings.Contains(a.body, name) {
			t.Errorf("the answer does not name %s: %s", name, a.body)
		}
	}
	s.send("PUT", "/_local/clinics/third", object{"margin": 7}, http.StatusBadRequest)
	s.send("POST", "/_local/webhook-secret?clinic=third", nil, http.StatusNotFound)
	for _, path := range []string{"/_local/touches?clinic=third", "/_local/tasks?clinic=third", "/_local/patients?clinic=third", "/_local/measures?clinic=third"} {
		if a := s.do("GET", path, nil, nil); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := s.do("GET", "/_local/tasks", nil, nil); a.status != http.StatusBadRequest {
		t.Errorf("tasks of no clinic: %d", a.status)
	}
}

func TestASecretIsRotatedWithAnOverlap(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	old := s.sign("demo", "patient.updated", card("P1", 1))
	before := s.secret("demo")
	if again := s.secret("demo"); again.Reveal() != before.Reveal() {
		t.Fatal("asking for the secret changed it")
	}
	s.send("POST", "/_local/webhook-secret?clinic=demo&rotate=1", nil, http.StatusOK)
	if after := s.secret("demo"); after.Reveal() == before.Reveal() {
		t.Fatal("the secret was not rotated")
	}
	if a := s.post(old); a.status != http.StatusAccepted {
		t.Errorf("an event under way when the secret was rotated: %d", a.status)
	}
	s.event("demo", "patient.updated", card("P2", 2))
}

func TestThePhonesShowEachConversationWithItsLinks(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	wicked := card("P1", 1)
	wicked["givenName"] = "<script>alert(1)</script>"
	s.event("demo", "patient.updated", wicked)
	mailed := card("P2", 2)
	delete(mailed, "phone")
	s.event("demo", "patient.updated", mailed)
	for _, p := range []string{"P1", "P2"} {
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	if a := s.form("/_local/clock", "advance", "2d"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/_local/messages" {
		t.Fatalf("a button that moves the clock: %d %v", a.status, a.header)
	}
	a := s.do("GET", "/_local/messages", http.Header{"Accept": {"text/html"}}, nil)
	link := s.messages("P1", "after-visit", "survey")[0].link(t, "s")
	for _, part := range []string{"+79000000001", "p2@example.com", `<a href="` + link + `" target="_blank"`, "after-visit/survey", "Thu 12 Mar 2026"} {
		if !strings.Contains(html.UnescapeString(a.body), part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if strings.Contains(a.body, "<script") {
		t.Error("a name becomes a script")
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("the policy is %q", csp)
	}
	_, rest, found := strings.Cut(a.body, `src="/_local/messages/`)
	if !found {
		t.Fatal("the page shows no letter")
	}
	id, _, _ := strings.Cut(rest, "/")
	letter := s.do("GET", "/_local/messages/"+id+"/letter", nil, nil)
	if letter.status != http.StatusOK || !strings.Contains(letter.body, "<html") || !strings.HasPrefix(letter.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the letter: %d %v %.200s", letter.status, letter.header, letter.body)
	}
	if a := s.do("GET", "/_local/messages/m99/letter", nil, nil); a.status != http.StatusNotFound {
		t.Errorf("a letter that is not there: %d", a.status)
	}
	var alone []sent
	s.get("/_local/messages?to=p2@example.com", &alone)
	for _, m := range alone {
		if m.To != "p2@example.com" {
			t.Errorf("one conversation alone shows %s", m.To)
		}
	}
	if len(alone) == 0 {
		t.Error("one conversation alone shows nothing")
	}
	var later []sent
	s.get("/_local/messages?after=m1", &later)
	if all := s.messages("", "", ""); len(later) != len(all)-1 || later[len(later)-1].ID != "m2" {
		t.Errorf("after the first of %d messages come %+v", len(all), later)
	}
}

func TestWhatIsNoRouteIsNotFoundAsByTheGateway(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for _, tt := range []struct{ method, path string }{
		{"GET", "/"}, {"GET", "/v1/clinics/demo/events"}, {"GET", "/s/"}, {"GET", "/s/a/b"}, {"GET", "//s/a"}, {"GET", "/_local"},
	} {
		if a := s.do(tt.method, tt.path, nil, nil); a.status != http.StatusNotFound || a.body != `{"message":"Not Found"}` {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, a.status, a.body)
		}
	}
	if a := s.do("GET", "/s/AAAAAAAAAAAAAAAA", nil, nil); a.status != http.StatusNotFound || !strings.Contains(a.body, "<html") {
		t.Errorf("an unknown link: %d %.80s", a.status, a.body)
	}
	if a := s.do("POST", "/v1/clinics/demo/events", nil, make([]byte, 7<<20)); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than Lambda takes: %d", a.status)
	}
}

func TestWithoutTheConsoleItsPathsAreNotThere(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "LOCAL_ONLY", "0")
	for _, tt := range []struct{ method, path string }{
		{"GET", "/_local/messages"}, {"GET", "/_local/clock"}, {"POST", "/_local/clock"}, {"POST", "/_local/webhook-secret?clinic=demo"},
		{"PUT", "/_local/clinics/x"}, {"GET", "/_local/patients?clinic=demo"}, {"GET", "/_local/table-digest"}, {"GET", "/_local/touches?clinic=demo"}, {"GET", "/_local/tasks?clinic=demo"}, {"GET", "/_local/measures?clinic=demo"},
		{"GET", "/_local/consent?clinic=demo&patient=P1"}, {"POST", "/_local/bonus?clinic=demo&patient=P1"},
	} {
		if a := s.do(tt.method, tt.path, nil, []byte(`{"advance":"1h"}`)); a.status != http.StatusNotFound {
			t.Errorf("%s %s: %d", tt.method, tt.path, a.status)
		}
	}
	if a := s.do("POST", "/v1/clinics/demo/events", nil, []byte("{}")); a.status != http.StatusUnauthorized {
		t.Errorf("the webhook: %d", a.status)
	}
}

func TestStrangersDoNotGetToTheConsole(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ask := func(change func(*http.Request)) int {
		t.Helper()
		r, err := http.NewRequest("POST", s.base+"/_local/webhook-secret?clinic=demo", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"this machine's own program":          {func(*http.Request) {}, 200},
		"by the name localhost":               {func(r *http.Request) { r.Host = "localhost:8080" }, 200},
		"by the address of IPv6":              {func(r *http.Request) { r.Host = "[::1]:8080" }, 200},
		"a name that leads here":              {func(r *http.Request) { r.Host = "evil.example" }, 403},
		"a name that looks like an address":   {func(r *http.Request) { r.Host = "127.0.0.1.evil.example:8080" }, 403},
		"another address of this machine":     {func(r *http.Request) { r.Host = "192.0.2.1" }, 403},
		"a page of another site":              {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"a page of another site, old browser": {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"its own page":                        {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 200},
	} {
		if got := ask(tt.change); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestEveryAnswerOfTheConsoleIsJSONWithItsReason(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for body, field := range map[string]string{
		`{}`: "",
		`[]`: "",
		`{"advance":"1h","now":"2027-01-01T00:00:00Z"}`: "",
		`{"advance":"soon"}`:                            "advance",
		`{"advance":"-1h"}`:                             "advance",
		`{"advance":"99999d"}`:                          "advance",
		`{"now":"2026-03-10T10:59:00+03:00"}`:           "now",
		`{"now":"tomorrow"}`:                            "now",
		`{"now":"2099-01-01T00:00:00Z"}`:                "now",
	} {
		a := s.do("POST", "/_local/clock", http.Header{"Content-Type": {"application/json"}}, []byte(body))
		var p struct {
			Error struct{ Code, Message, Field string }
		}
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != http.StatusBadRequest || p.Error.Field != field || p.Error.Message == "" || p.Error.Code != "invalid" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if got := s.now(); got.Format(time.RFC3339)[:16] != "2026-03-10T11:00" {
		t.Errorf("a refused move has moved the clock to %v", got)
	}
	for i, by := range []string{"90m", "1d", "1d12h", "0s"} {
		before := s.now()
		s.advance(by)
		want := []time.Duration{90 * time.Minute, 24 * time.Hour, 36 * time.Hour, 0}[i]
		if moved := s.now().Sub(before); moved < want || moved > want+10*time.Second {
			t.Errorf("%s moved the clock by %v", by, moved)
		}
	}
	s.to(s.now().Format(time.RFC3339)) // the very second that is shown is no move back
}

func TestTheClockTakesWhatCurlSends(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for _, called := range []string{"application/x-www-form-urlencoded", "application/json", ""} {
		if a := s.do("POST", "/_local/clock", http.Header{"Content-Type": {called}}, []byte(`{"advance": "1h"}`)); a.status != http.StatusOK {
			t.Errorf("JSON called %q: %d %s", called, a.status, a.body)
		}
	}
}

func TestTheConsoleIsNotForWhatAProxyHandsOn(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via"} {
		if a := s.do("POST", "/_local/webhook-secret?clinic=demo", http.Header{name: {"203.0.113.9"}}, nil); a.status != http.StatusForbidden {
			t.Errorf("with %s: %d %s", name, a.status, a.body)
		}
	}
}

func TestTwoAdvancesAtOnceAreBothMade(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	before := s.now()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { s.do("POST", "/_local/clock", nil, []byte(`{"advance": "24h"}`)) })
	}
	both.Wait()
	if moved := s.now().Sub(before); moved < 48*time.Hour {
		t.Errorf("two days of advance moved the clock by %s", moved)
	}
}
