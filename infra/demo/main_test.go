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
	if err := run(context.Background(), []string{"-url", base, "-days", "9", "-patients", "25"}, "", &out, &errs); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`10 March 2026 to 19 March 2026, clinic demo`,
		`visit\.completed +[0-9]+`,
		`after-visit +thanks +sms +[1-9][0-9]* +[1-9]`,
		`after-visit +survey +sms +[1-9]`,
		`appointment +reminder +sms +[1-9]`,
		`unknown +0`,
		`survey: good +[1-9]`,
		`appointment: confirm +[1-9]`,
	} {
		if !regexp.MustCompile(line).MatchString(out.String()) {
			t.Errorf("no line %s in:\n%s", line, out.String())
		}
	}
	if errs.Len() > 0 {
		t.Errorf("where no terminal is, it shows progress: %q", errs.String())
	}
	// A second run goes on where the clock stands, with the same patients.
	out.Reset()
	if err := run(context.Background(), []string{"-url", base, "-days", "2", "-patients", "25"}, "", &out, &errs); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "19 March 2026 to 21 March 2026") {
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
	b := &box{ctx: context.Background(), base: l.URL, clinic: "demo", client: l.Client(), secret: secret, now: server.now}
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

func TestAPageThatIsClosedIsCountedAndNoError(t *testing.T) {
	var posted []string
	l := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/s/gone":
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			posted = append(posted, string(body))
			if r.URL.Path == "/s/late" {
				w.WriteHeader(http.StatusConflict)
				return
			}
			if r.URL.Path == "/s/broken" {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusSeeOther)
		default:
			_, _ = fmt.Fprint(w, `<button name="map" value="Карты &amp; места">`)
		}
	}))
	defer l.Close()
	b := &box{ctx: context.Background(), base: l.URL, client: l.Client()}
	for _, tt := range []struct {
		act     practice.Act
		outcome string
		posts   string
		fails   bool
	}{
		{practice.Act{Link: "https://rp.example/s/gone", Form: map[string][]string{"answer": {"good"}}}, " (too late: the link is closed)", "", false},
		{practice.Act{Link: "https://rp.example/s/late", Form: map[string][]string{"answer": {"good"}}}, " (too late)", "answer=good", false},
		{practice.Act{Link: "https://rp.example/s/open"}, "", "", false},
		{practice.Act{Link: "https://rp.example/s/open", Map: true}, "", "map=%D0%9A%D0%B0%D1%80%D1%82%D1%8B+%26+%D0%BC%D0%B5%D1%81%D1%82%D0%B0", false},
		{practice.Act{Link: "https://rp.example/s/broken", Form: map[string][]string{"answer": {"bad"}}}, "", "answer=bad", true},
	} {
		posted = nil
		outcome, err := b.act(tt.act)
		if (err != nil) != tt.fails || outcome != tt.outcome || strings.Join(posted, "") != tt.posts {
			t.Errorf("%s: %q, %v, posted %q", tt.act.Link, outcome, err, posted)
		}
	}
}
