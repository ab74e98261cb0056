package main

import (
	"context"
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
	here := []lambda{{name: "survey", kind: byRequest}, {name: "send", kind: byQueue}, {name: "lost", kind: byQueue}}
	there := []template.Function{
		{Name: "survey", Routes: []template.Route{{Method: "GET", Path: "/s/{token}"}}},
		{Name: "send", Schedules: []template.Schedule{{}}},
		{Name: "teleport", Reports: true},
	}
	_, err := match(here, there)
	if err == nil {
		t.Fatal("they are taken")
	}
	for _, part := range []string{"function teleport", "function lost", "function send is composed for a queue"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	twice := append(there[:1:1], template.Function{Name: "send", Queue: &template.Queue{}}, template.Function{Name: "survey2", Routes: there[0].Routes})
	_, err = match([]lambda{here[0], here[1], {name: "survey2", kind: byRequest}}, twice)
	if err == nil || !strings.Contains(err.Error(), "GET /s/{token} leads to survey and to survey2") {
		t.Errorf("one route twice: %v", err)
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
	s, err := readSettings(func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if s.port != 8080 || s.dir != ".local" || !s.start.IsZero() || !s.console || s.template != "template.yaml" || s.base != "" {
		t.Errorf("got %+v", s)
	}
	s, err = readSettings(environment("d", "BASE_URL", "https://rp.example/", "LOCAL_ONLY", "0"))
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

// A receipt that nobody can take does not hold up those behind it for ever.
func TestReceiptsThatAlwaysFailAreGivenUp(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	broken := true
	for _, f := range s.m.functions {
		if f.Reports {
			working := f.composed
			s.m.turn.Lock()
			f.composed = handlerFunc(func(payload []byte) ([]byte, error) {
				if broken && strings.Contains(string(payload), `outbox-m1-`) {
					return nil, errors.New("no")
				}
				return working.Invoke(s.m.work, payload)
			})
			s.m.turn.Unlock()
		}
	}
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
