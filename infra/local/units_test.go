package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/template"
	"github.com/returnpoint/returnpoint/shared/channel/outbox"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

// errLost as the outbox's rule keeps a message and loses the answer.
var errLost = fmt.Errorf("the line broke: %w", outbox.ErrAnswerLost)

func TestARouteIsFoundAsByAnHTTPAPI(t *testing.T) {
	var functions []*function
	for name, paths := range map[string][]template.Route{
		"survey":  {{Method: "ANY", Path: "/s/{token}"}},
		"help":    {{Method: "GET", Path: "/s/help"}},
		"confirm": {{Method: "GET", Path: "/c/{token}"}, {Method: "ANY", Path: "/c/{token}/visit.ics"}},
		"poster":  {{Method: "POST", Path: "/s/{token}"}},
		"desk":    {{Method: "GET", Path: "/desk/{proxy+}"}},
	} {
		functions = append(functions, &function{Function: template.Function{Name: name, Routes: paths}})
	}
	all := newRoutes(functions)
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/s/abc", "survey"},
		{"POST", "/s/abc", "poster"},
		{"HEAD", "/s/abc", "survey"},
		{"GET", "/s/help", "help"},
		{"GET", "/c/abc", "confirm"},
		{"HEAD", "/c/abc", ""},
		{"POST", "/c/abc", ""},
		{"GET", "/c/abc/visit.ics", "confirm"},
		{"GET", "/c/abc/other", ""},
		{"GET", "/s/", ""},
		{"GET", "/s", ""},
		{"GET", "/s/a%2Fb", "survey"},
		{"GET", "/s/a/b", ""},
		{"GET", "/desk/", ""},
		{"GET", "/desk/today", "desk"},
		{"GET", "/desk/a/b/c", "desk"},
		{"GET", "", ""},
	} {
		got := ""
		if f := all.find(tt.method, tt.path); f != nil {
			got = f.Name
		}
		if got != tt.want {
			t.Errorf("%s %s leads to %q, not to %q", tt.method, tt.path, got, tt.want)
		}
	}
}

func TestTheTemplateAndWhatIsComposedHereAreTheSameFunctions(t *testing.T) {
	here := []lambda{{name: "survey", kind: byRequest}, {name: "send", kind: byQueue}, {name: "lost", kind: byQueue}, {name: "idle", kind: byQueue}}
	there := []template.Function{
		{Name: "survey", Routes: []template.Route{{Method: "GET", Path: "/s/{token}"}}},
		{Name: "send", Schedules: []template.Schedule{{}}},
		{Name: "teleport", Reports: true},
		{Name: "idle"},
	}
	_, err := match(here, there)
	if err == nil {
		t.Fatal("they are taken")
	}
	for _, part := range []string{"function teleport", "function lost", "function send is composed for [a queue]", "function idle is composed for [a queue]"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	twice := append(there[:1:1], template.Function{Name: "send", Queue: &template.Queue{}}, template.Function{Name: "survey2", Routes: there[0].Routes})
	_, err = match([]lambda{here[0], here[1], {name: "survey2", kind: byRequest}}, twice)
	if err == nil || !strings.Contains(err.Error(), "GET /s/{token} leads to survey and to survey2") {
		t.Errorf("one route twice: %v", err)
	}
	both := []lambda{{name: "delivery", kind: byRequest, also: byReport}}
	for _, there := range []template.Function{
		{Name: "delivery", Reports: true},
		{Name: "delivery", Routes: []template.Route{{Method: "POST", Path: "/v1/reports/{provider}"}}},
	} {
		if _, err := match(both, []template.Function{there}); err == nil || !strings.Contains(err.Error(), "composed for [HTTP requests reports of providers]") {
			t.Errorf("of two ways one: %v", err)
		}
	}
	if _, err := match(both, []template.Function{{Name: "delivery", Reports: true, Routes: []template.Route{{Method: "POST", Path: "/v1/reports/{provider}"}}}}); err != nil {
		t.Errorf("of two ways two: %v", err)
	}
	if got, err := match(here[:1], there[:1]); err != nil || len(got) != 1 {
		t.Errorf("what fits: %v, %v", got, err)
	}
}

func TestRequestsFromOtherMachinesAreKeptOut(t *testing.T) {
	served := loopbackOnly(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for address, want := range map[string]int{"127.0.0.1:5000": 200, "[::1]:5000": 200, "[::ffff:127.0.0.1]:5000": 200, "192.0.2.7:5000": 403, "": 403} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8080/_local/clock", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("from %q: %d, want %d", address, w.Code, want)
		}
	}
}

func TestATextIsCutAtTheLinksItHolds(t *testing.T) {
	const s, c = "http://127.0.0.1:8080/s/abc", "https://rp.example/c/abcd"
	got := linked("Оцените: "+s+" или "+c+".", []string{c, s, "https://rp.example/c/abc"})
	want := []piece{{"Оцените: ", ""}, {s, "/s/abc"}, {" или ", ""}, {c, c}, {".", ""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if got := linked("без ссылок", nil); !reflect.DeepEqual(got, []piece{{"без ссылок", ""}}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheSettingsHaveDefaults(t *testing.T) {
	s, err := readOptions(func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if s.port != 8080 || s.dir != ".local" || !s.start.IsZero() || !s.console || s.template != "template.yaml" || s.base != "" {
		t.Errorf("got %+v", s)
	}
	s, err = readOptions(environment("d", "BASE_URL", "https://rp.example/", "LOCAL_ONLY", "0"))
	if err != nil || s.base != "https://rp.example" || s.console || !s.start.Equal(time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestPatientsLinksBeginWithTheURLOfTheBox(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "BASE_URL", "https://rp.example")
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("25h")
	got := s.messages("P1", "after-visit", "survey")
	if len(got) != 1 || !strings.HasPrefix(got[0].Links[0], "https://rp.example/s/") {
		t.Errorf("the messages are %+v", got)
	}
}

// replace puts another handler in the place of a function's own, which it is given.
func (s *stack) replace(name string, with func(own lambdaio.Handler) handlerFunc) {
	s.t.Helper()
	s.m.turn.Lock()
	defer s.m.turn.Unlock()
	for _, f := range s.m.functions {
		if f.Name == name {
			f.composed = with(f.composed)
			return
		}
	}
	s.t.Fatalf("there is no function %s", name)
}

func TestAMessageThatFailsIsWorkedOnAgainAndTheRestOfItsBatchIsNot(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	given, failedOnce := map[string]int{}, ""
	s.replace("send", func(own lambdaio.Handler) handlerFunc {
		return func(payload []byte) ([]byte, error) {
			var batch struct {
				Records []struct{ MessageID, Body string }
			}
			if err := json.Unmarshal(payload, &batch); err != nil {
				return nil, err
			}
			for _, m := range batch.Records {
				given[m.MessageID]++
			}
			answer, err := own.Invoke(s.m.work, payload)
			if failedOnce == "" && len(batch.Records) > 1 {
				failedOnce = batch.Records[0].MessageID
				return []byte(`{"batchItemFailures":[{"itemIdentifier":"` + failedOnce + `"}]}`), nil
			}
			return answer, err
		}
	})
	for i := range 4 {
		p := fmt.Sprintf("P%d", i)
		s.event("demo", "patient.updated", card(p, i))
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	s.advance("1m")
	if failedOnce == "" || given[failedOnce] < 2 {
		t.Fatalf("the message %q was given %v times", failedOnce, given)
	}
	if got := s.messages("", "after-visit", "thanks"); len(got) != 4 {
		t.Errorf("%d of 4 left", len(got))
	}
}

func TestAMessageThatAlwaysFailsIsSetAsideAndComesBackByItsDueKey(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	broken := true
	s.replace("send", func(own lambdaio.Handler) handlerFunc {
		return func(payload []byte) ([]byte, error) {
			if broken {
				panic("out of order")
			}
			return own.Invoke(s.m.work, payload)
		}
	})
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("1m")
	dead := 0
	for _, c := range s.m.carriers {
		dead += len(c.queue.Dead())
	}
	if dead != 1 || len(s.messages("P1", "", "")) != 0 {
		t.Fatalf("%d messages were set aside", dead)
	}
	broken = false
	s.advance("20m")
	if got := s.messages("P1", "after-visit", "thanks"); len(got) != 1 {
		t.Errorf("%d messages of thanks", len(got))
	}
}

func TestAFunctionThatFailsIsAnsweredForAsByTheGateway(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for name, tt := range map[string]struct {
		does func() ([]byte, error)
		want int
	}{
		"an error":              {func() ([]byte, error) { return nil, errors.New("no") }, http.StatusInternalServerError},
		"a panic":               {func() ([]byte, error) { panic("no") }, http.StatusInternalServerError},
		"an answer of no shape": {func() ([]byte, error) { return []byte(`{"statusCode":"well"}`), nil }, http.StatusInternalServerError},
		"no end":                {func() ([]byte, error) { return nil, context.DeadlineExceeded }, http.StatusServiceUnavailable},
	} {
		s.replace("survey", func(lambdaio.Handler) handlerFunc {
			return func([]byte) ([]byte, error) { return tt.does() }
		})
		if a := s.do("GET", "/s/AAAAAAAAAAAAAAAA", nil, nil); a.status != tt.want || !strings.HasPrefix(a.body, `{"message":`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// A receipt that nobody can take does not hold up those behind it for ever.
func TestReceiptsThatAlwaysFailAreGivenUp(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.replace("delivery", func(own lambdaio.Handler) handlerFunc {
		return func(payload []byte) ([]byte, error) {
			if strings.Contains(string(payload), `"outbox-m1-`) {
				return nil, errors.New("no")
			}
			return own.Invoke(s.m.work, payload)
		}
	})
	for i := range 2 {
		p := fmt.Sprintf("P%d", i)
		s.event("demo", "patient.updated", card(p, i))
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	s.advance("1m")
	for range mostTries {
		s.advance("0s")
	}
	if s.m.receipts.position != 2 {
		t.Errorf("the receipts were read up to %d of 2", s.m.receipts.position)
	}
}

type handlerFunc func(payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(_ context.Context, payload []byte) ([]byte, error) { return f(payload) }
