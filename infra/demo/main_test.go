package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/infra/demo/practice"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/signature"
)

// launch builds and starts the real program over a fresh folder.
func launch(t *testing.T) (base string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "local")
	if out, err := exec.Command("go", "build", "-o", program, "../local").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "PORT=0", "LOCAL_DIR="+filepath.Join(dir, "state"), "LOCAL_NOW=2026-03-10T08:30:00+03:00", "TEMPLATE=../../template.yaml")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var said []byte
	for buffer := make([]byte, 1<<12); ; {
		n, err := out.Read(buffer)
		said = append(said, buffer[:n]...)
		if m := regexp.MustCompile(`webhook +(http://127\.0\.0\.1:[0-9]+)/`).FindSubmatch(said); m != nil {
			return string(m[1])
		}
		if err != nil {
			t.Fatalf("it did not start: %v: %s", err, said)
		}
	}
}

func TestADemoPrintsWhatCameOfIt(t *testing.T) {
	base := launch(t)
	var out, errs bytes.Buffer
	if err := run(context.Background(), []string{"-url", base, "-days", "21", "-patients", "60"}, "", &out, &errs); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`10 March 2026 to 31 March 2026, clinic demo`,
		`visit\.completed +[0-9]+`,
		`unknown +0`,
		`SCENARIO +step +messages +SMS parts +what patients did +staff's tasks +came back +visits +revenue, RUB`,
		`after-visit +[1-9][0-9]* +[1-9]`,
		`  thanks +[1-9]`,
		`  survey +[1-9][0-9]* +[0-9]+ +.*good [1-9]`,
		`  reminder +[1-9][0-9]* +[0-9]+ +confirm [1-9]`,
		`recall +[1-9]`,
		`birthday +[1-9]`,
		`all +[1-9][0-9]* +[1-9][0-9]* +.* [1-9][0-9]*\.00`,
		`21 days of 60 patients in [0-9.]+ s \(looking`,
	} {
		if !regexp.MustCompile(line).MatchString(out.String()) {
			t.Errorf("no line %s in:\n%s", line, out.String())
		}
	}
	if m := regexp.MustCompile(`Figures agree: ([0-9]+) of ([0-9]+), .* ([0-9]+) late`).FindStringSubmatch(out.String()); m == nil || m[1] != m[2] || len(m[1]) < 3 || m[3] != "10" {
		t.Errorf("the two reckonings: %q in:\n%s", m, out.String())
	}
	if errs.Len() > 0 {
		t.Errorf("where no terminal is, it shows progress: %q", errs.String())
	}
	// A second run goes on where the clock stands, with the same patients.
	out.Reset()
	if err := run(context.Background(), []string{"-url", base, "-days", "2", "-patients", "60"}, "", &out, &errs); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"2 April 2026 to 4 April 2026", "not held against another reckoning"} {
		if strings.Contains(out.String(), words) {
			continue
		}
		t.Errorf("the second run:\n%s", out.String())
	}
}

func TestWithoutAMachineItSaysWhatToDo(t *testing.T) {
	var out bytes.Buffer
	err := run(context.Background(), []string{"-url", "http://127.0.0.1:1"}, "", &out, &out)
	if err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("got %v", err)
	}
	for _, args := range [][]string{{"-days", "0"}, {"-patients", "0"}, {"-days", "x"}} {
		if err := run(context.Background(), args, "", io.Discard, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

// busy is a webhook that takes each event at its second try.
type busy struct {
	t      *testing.T
	secret signature.Secret

	mu    sync.Mutex
	now   time.Time
	tries map[string][]string // bodies by delivery
}

func (b *busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(time.Second)
	switch r.URL.Path {
	case "/_local/clock":
		_ = json.NewEncoder(w).Encode(map[string]time.Time{"now": b.now})
	case "/v1/clinics/demo/events":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.t.Error(err)
		}
		id, err := signature.Verify(r.Header, body, []signature.Secret{b.secret}, b.now)
		if err != nil {
			b.t.Errorf("%v: %s", err, signature.Reason(err))
		}
		b.tries[id] = append(b.tries[id], string(body))
		if len(b.tries[id]) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	default:
		b.t.Errorf("%s %s", r.Method, r.URL)
	}
}

func TestAnEventIsPostedAgainAfterTheTimeThatWasAskedFor(t *testing.T) {
	secret, err := signature.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := &busy{t: t, secret: secret, now: time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC), tries: map[string][]string{}}
	l := httptest.NewServer(server)
	defer l.Close()
	b := newBox(context.Background(), l.URL, "demo")
	b.secret, b.now = secret, server.now
	began := time.Now()
	waited, err := b.post(intake.Event{ID: "e1", Type: intake.PatientDeleted, At: b.now, Gone: &intake.Deletion{ID: "P1", Version: 1}})
	if err != nil || waited != 1 {
		t.Fatalf("waited %d times, %v", waited, err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("it was posted again after %v", took)
	}
	if tries := server.tries["e1"]; len(tries) != 2 || tries[0] != tries[1] {
		t.Errorf("it was posted as %q", tries)
	}
	// What the format does not take is not posted at all.
	if _, err := b.post(intake.Event{ID: "e2", Type: intake.VisitCompleted, At: b.now, Visit: &dental.Visit{ID: "V1"}}); err == nil || len(server.tries["e2"]) > 0 {
		t.Errorf("a visit of nobody: %v", err)
	}
}

func TestWhatPatientsDoReachesItsPage(t *testing.T) {
	var posted []string
	l := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/s/gone":
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			posted = append(posted, string(body))
			switch r.URL.Path {
			case "/s/late":
				w.WriteHeader(http.StatusConflict)
			case "/s/broken":
				w.WriteHeader(http.StatusInternalServerError)
			case "/_local/inbound":
				_, _ = fmt.Fprint(w, `{"id":"in-1"}`)
			default:
				w.WriteHeader(http.StatusSeeOther)
			}
		default:
			_, _ = fmt.Fprint(w, `<button name="map" value="2ГИС"><button name="map" value="Карты &amp; места">`)
		}
	}))
	defer l.Close()
	b := newBox(context.Background(), l.URL, "demo")
	good, empty := map[string][]string{"answer": {"good"}}, func() map[string][]string { return map[string][]string{} }
	for name, tt := range map[string]struct {
		act   practice.Act
		late  string
		posts string
		fails bool
	}{
		"a page that is closed is counted, and no error": {practice.Act{Link: "https://rp.example/s/gone", Form: good}, closed, "", false},
		"so is an answer that comes too late":            {practice.Act{Link: "https://rp.example/s/late", Form: good}, past, "answer=good", false},
		"looking posts nothing":                          {practice.Act{Link: "https://rp.example/s/open"}, "", "", false},
		"one of what the page offers is picked":          {practice.Act{Link: "https://rp.example/s/open", Form: empty(), Pick: "map", Nth: 3}, "", "map=%D0%9A%D0%B0%D1%80%D1%82%D1%8B+%26+%D0%BC%D0%B5%D1%81%D1%82%D0%B0", false},
		"what the page does not offer is not posted":     {practice.Act{Link: "https://rp.example/s/open", Form: empty(), Pick: "gift"}, absent, "", false},
		"an SMS is written":                              {practice.Act{From: "+79000000001", Text: "СТОП"}, "", `{"from":"+79000000001","text":"СТОП"}`, false},
		"a page that breaks is an error":                 {practice.Act{Link: "https://rp.example/s/broken", Form: good}, "", "answer=good", true},
	} {
		posted = nil
		late, err := b.act(tt.act)
		if (err != nil) != tt.fails || late != tt.late || strings.Join(posted, "") != tt.posts {
			t.Errorf("%s: %q, %v, posted %q", name, late, err, posted)
		}
	}
}
