package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// counting is a machine whose audit takes a few questions.
func counting(t *testing.T, table [][]string) (*httptest.Server, *[]string) {
	asked, left := []string{}, 3
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		left--
		_ = json.NewEncoder(w).Encode(map[string]any{"running": left > 0, "progress": "считаем", "table": table})
	}))
	t.Cleanup(s.Close)
	return s, &asked
}

func TestTheAuditIsBegunWaitedForShownAndWrittenDown(t *testing.T) {
	s, asked := counting(t, [][]string{{"Раздел", "Показатель", "Значение", "Доля, %"}, {"По состоянию на 10 марта", "", "", ""},
		{"База", "Карт всего", "12", ""}, {"База", "Активных", "9", "75,0"}, {"Деньги", "=Формула", "", ""}})
	var out bytes.Buffer
	to := filepath.Join(t.TempDir(), "a.csv")
	if err := run(t.Context(), &out, s.URL, "demo", to, 10, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if (*asked)[0] != "POST /_local/audit?backlog=10&clinic=demo" || len(*asked) != 4 {
		t.Errorf("asked %q", *asked)
	}
	if said := out.String(); strings.Count(said, "считаем") != 1 || !strings.Contains(said, "\nБаза\n") || !strings.Contains(said, "  Активных                9    75,0 %\n") || !strings.Contains(said, "  =Формула\n") {
		t.Errorf("it prints\n%s", said)
	}
	raw, err := os.ReadFile(to)
	if err != nil || !strings.HasPrefix(string(raw), "\ufeffРаздел;Показатель;Значение;Доля, %\r\n") || !strings.Contains(string(raw), "Деньги;'=Формула;;\r\n") {
		t.Errorf("%q %v", raw, err)
	}
}

func TestAMachineThatRefusesIsQuoted(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":{"message":"there is no clinic"}}`, http.StatusNotFound)
	}))
	defer s.Close()
	if err := run(t.Context(), new(bytes.Buffer), s.URL, "nowhere", "", 0, time.Millisecond); err == nil || !strings.Contains(err.Error(), "404") || !strings.Contains(err.Error(), "there is no clinic") {
		t.Errorf("%v", err)
	}
	s.Close()
	if err := run(t.Context(), new(bytes.Buffer), s.URL, "demo", "", 0, time.Millisecond); err == nil || !strings.Contains(err.Error(), "is make run up?") {
		t.Errorf("%v", err)
	}
}
