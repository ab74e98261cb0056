package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/signature"
)

// stack is a running machine and a client of its outward contract.
type stack struct {
	t    *testing.T
	m    *machine // nil when it is another process
	base string
	stop func() // waits until it has stopped

	mu  sync.Mutex
	ids int
}

// started is when most tests begin: a Tuesday morning on which the clinic is
// open and may write.
const started = "2026-03-10T11:00:00+03:00"

// environment is that of a machine over a folder, with what a test changes in it.
func environment(dir string, extra ...string) func(string) (string, bool) {
	env := map[string]string{"LOCAL_DIR": dir, "LOCAL_NOW": started, "PORT": "0", "TEMPLATE": "../../template.yaml"}
	for i := 0; i < len(extra); i += 2 {
		env[extra[i]] = extra[i+1]
	}
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

// start runs a machine over a folder until the test ends or stops it.
func start(t *testing.T, dir string, extra ...string) *stack {
	t.Helper()
	return startWith(t, dir, nil, extra...)
}

// startWith is start with an outbox that keeps to rules.
func startWith(t *testing.T, dir string, rules func(outreach.Message) error, extra ...string) *stack {
	t.Helper()
	return startPlanned(t, dir, func(p *plan) { p.rules = rules }, extra...)
}

// startPlanned is start with a plan that was changed.
func startPlanned(t *testing.T, dir string, change func(*plan), extra ...string) *stack {
	t.Helper()
	p, err := prepare(environment(dir, extra...))
	if err != nil {
		t.Fatal(err)
	}
	change(&p)
	l, err := listen(p.port)
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	m, err := open(p, base, slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.serve(ctx, l) }()
	s := &stack{t: t, m: m, base: base}
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("it stopped with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("it did not stop within ten seconds")
		}
	})
	t.Cleanup(s.stop)
	return s
}

// testLog shows what a machine logs where a test fails.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}

var client = &http.Client{
	Timeout:       2 * time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; path may be a link of any host and is asked of this one.
func (s *stack) do(method, path string, header http.Header, body []byte) answer {
	s.t.Helper()
	a, err := s.try(method, path, header, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *stack) try(method, path string, header http.Header, body []byte) (answer, error) {
	if u, err := url.Parse(path); err == nil && u.IsAbs() {
		path = u.RequestURI()
	}
	r, err := http.NewRequest(method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if header != nil {
		r.Header = header
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(content)}, err
}

// get reads JSON.
func (s *stack) get(path string, into any) {
	s.t.Helper()
	a := s.do("GET", path, http.Header{"Accept": {"application/json"}}, nil)
	if a.status != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		s.t.Fatalf("GET %s: %v in %.200s", path, err, a.body)
	}
}

// send sends JSON and wants the status.
func (s *stack) send(method, path string, body any, want int) answer {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.do(method, path, http.Header{"Content-Type": {"application/json"}}, raw)
	if a.status != want {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, want)
	}
	return a
}

// form posts a page's form, as a browser does.
func (s *stack) form(path string, pairs ...string) answer {
	s.t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return s.do("POST", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(values.Encode()))
}

// now is what the clock shows.
func (s *stack) now() time.Time {
	s.t.Helper()
	var c struct{ Now time.Time }
	s.get("/_local/clock", &c)
	return c.Now
}

// advance moves the clock on by a stretch.
func (s *stack) advance(by string) {
	s.t.Helper()
	s.send("POST", "/_local/clock", map[string]string{"advance": by}, http.StatusOK)
}

// to moves the clock on to an instant.
func (s *stack) to(at string) {
	s.t.Helper()
	s.send("POST", "/_local/clock", map[string]string{"now": at}, http.StatusOK)
}

func (s *stack) secret(clinic string) signature.Secret {
	s.t.Helper()
	a := s.send("POST", "/_local/webhook-secret?clinic="+clinic, nil, http.StatusOK)
	var got struct{ Secret string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		s.t.Fatal(err)
	}
	secret, err := signature.ParseSecret(got.Secret)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// object is JSON under way.
type object map[string]any

// delivery is a signed request of a clinic's system.
type delivery struct {
	path   string
	header http.Header
	body   []byte
}

// sign writes and signs an event of a clinic now.
func (s *stack) sign(clinic, kind string, data object) delivery {
	s.t.Helper()
	now := s.now()
	if _, ok := data["version"]; !ok {
		data["version"] = 1
	}
	body, err := json.Marshal(object{"type": kind, "timestamp": now.Format(time.RFC3339), "data": data})
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.ids++
	id := fmt.Sprintf("msg_%s_%d", strings.ReplaceAll(kind, ".", "_"), s.ids)
	s.mu.Unlock()
	header, err := signature.Sign(id, now, body, s.secret(clinic))
	if err != nil {
		s.t.Fatal(err)
	}
	header.Set("Content-Type", "application/json")
	return delivery{"/v1/clinics/" + clinic + "/events", header, body}
}

func (s *stack) post(d delivery) answer {
	s.t.Helper()
	return s.do("POST", d.path, d.header.Clone(), d.body)
}

// event posts an event and wants it accepted.
func (s *stack) event(clinic, kind string, data object) {
	s.t.Helper()
	if a := s.post(s.sign(clinic, kind, data)); a.status != http.StatusAccepted {
		s.t.Fatalf("%s: %d %s", kind, a.status, a.body)
	}
}

// sent is a message of GET /_local/messages.
type sent struct {
	ID, Touch, Clinic, Patient, Scenario, Step, Channel, To, Class, Subject, Text string
	Parts                                                                         int
	Links                                                                         []string
	At                                                                            time.Time
}

// messages lists a patient's messages of a scenario's step, the oldest first.
func (s *stack) messages(patient, scenario, step string) []sent {
	s.t.Helper()
	var all, out []sent
	s.get("/_local/messages", &all)
	for i := len(all) - 1; i >= 0; i-- {
		if m := all[i]; cmp.Or(patient, m.Patient) == m.Patient && cmp.Or(scenario, m.Scenario) == m.Scenario && cmp.Or(step, m.Step) == m.Step {
			out = append(out, m)
		}
	}
	return out
}

// link is the first of a message's links with this purpose.
func (m sent) link(t *testing.T, purpose string) string {
	t.Helper()
	for _, l := range m.Links {
		if u, err := url.Parse(l); err == nil && strings.HasPrefix(u.Path, "/"+purpose+"/") {
			return u.Path
		}
	}
	t.Fatalf("no link of /%s/ in %+v", purpose, m)
	return ""
}

// shownTouch is a touch of GET /_local/touches.
type shownTouch struct {
	ID, Patient, Scenario, Step, State, Reason, Why, Channel string
	Due, SentAt                                              time.Time
}

func (s *stack) touches(clinic, patient, scenario, step string) (out []shownTouch) {
	s.t.Helper()
	var all []shownTouch
	s.get("/_local/touches?clinic="+clinic+"&patient="+patient, &all)
	for _, t := range all {
		if cmp.Or(scenario, t.Scenario) == t.Scenario && cmp.Or(step, t.Step) == t.Step {
			out = append(out, t)
		}
	}
	return out
}

// shownTask is a task of GET /_local/tasks.
type shownTask struct {
	ID, Kind, Patient, Reason, Note, Scenario, State string
	Due                                              time.Time
}

func (s *stack) tasks(clinic, patient, kind string) (out []shownTask) {
	s.t.Helper()
	var all []shownTask
	s.get("/_local/tasks?clinic="+clinic, &all)
	for _, t := range all {
		if cmp.Or(patient, t.Patient) == t.Patient && cmp.Or(kind, t.Kind) == t.Kind {
			out = append(out, t)
		}
	}
	return out
}

func (s *stack) digest() (d struct {
	Items  int
	SHA256 string
}) {
	s.t.Helper()
	s.get("/_local/table-digest", &d)
	return d
}

// card is a patient who agrees to everything, with a number that no operator gives out.
func card(id string, n int) object {
	var consents []object
	for _, class := range []string{"service", "care", "advertising"} {
		for _, channel := range []string{"sms", "email"} {
			consents = append(consents, object{"class": class, "channel": channel, "granted": true, "at": "2025-01-01T10:00:00+03:00", "source": "paper", "text": "v1"})
		}
	}
	return object{"id": id, "familyName": "Петрова", "givenName": "Анна", "phone": fmt.Sprintf("+7900000%04d", n),
		"email": strings.ToLower(id) + "@example.com", "birthDate": "1985-03-14", "sex": "female", "language": "ru", "consents": consents}
}

// visit is a finished visit.
func visit(id, patient string, finished time.Time) object {
	return object{"id": id, "patientId": patient, "finishedAt": finished.Format(time.RFC3339), "doctor": object{"id": "D-3", "name": "Ирина Соколова"},
		"procedures": []object{{"code": "A16.07.051", "name": "Профессиональная гигиена", "kind": "hygiene", "minutes": 30}},
		"receipt":    object{"total": "5400.00", "currency": "RUB"}}
}

// appointment is a booking of half an hour.
func appointment(id, patient, at string, version int) object {
	begin, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return object{"id": id, "patientId": patient, "start": at, "end": begin.Add(30 * time.Minute).Format(time.RFC3339),
		"doctor": object{"id": "D-3", "name": "Ирина Соколова"}, "services": []object{{"name": "Гигиена", "kind": "hygiene"}}, "version": version}
}
