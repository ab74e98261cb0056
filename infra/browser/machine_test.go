//go:build browser

package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/signature"
)

// The clinic that is walked: what has happened in it is the demo's, and is the
// same in every run.
const (
	clinic   = "demo"
	started  = "2026-03-10T08:30:00+03:00"
	days     = "45"
	patients = "120"
)

// root is the checkout.
const root = "../.."

// machine is the real program, with a short life of the demo clinic in it.
type machine struct {
	t    testing.TB
	base string
}

// start builds the program and the demo, and runs the one under the other.
func start(t testing.TB) *machine {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./infra/local", "./infra/demo")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the program cannot be built: %v\n%s", err, out)
	}
	var said output
	local := exec.Command(filepath.Join(dir, "local"))
	local.Dir, local.Stdout, local.Stderr = root, &said, &said
	local.Env = append(os.Environ(), "PORT=0", "LOCAL_DIR="+filepath.Join(dir, "state"), "LOCAL_NOW="+started, "LOCAL_ONLY=1", "BASE_URL=", "LOG=error")
	if err := local.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = local.Process.Signal(syscall.SIGTERM) // it has ended by itself if this fails
		if err := local.Wait(); err != nil {
			t.Errorf("the program ended: %v", err)
		}
		if strings.Contains(said.String(), "level=") {
			t.Errorf("the program complained:\n%s", &said)
		}
	})
	m := &machine{t: t}
	address := regexp.MustCompile(`webhook +(http://[0-9.:]+)/`)
	for deadline := time.Now().Add(20 * time.Second); m.base == ""; time.Sleep(50 * time.Millisecond) {
		if found := address.FindStringSubmatch(said.String()); found != nil {
			m.base = found[1]
		} else if time.Now().After(deadline) {
			t.Fatalf("the program did not start:\n%s", &said)
		}
	}
	// Of these a batch waits for its release.
	m.send(http.MethodPut, "/_local/clinics/"+clinic, `{"scenarios": {"referral": {"release": "staff"}, "sleeping-6": {"release": "staff"}, "sleeping-12": {"release": "staff"}}}`)
	demo := exec.Command(filepath.Join(dir, "demo"), "-url", m.base, "-days", days, "-patients", patients)
	if out, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("the demo: %v\n%s", err, out)
	}
	m.book("P-901", "P-902")
	// Then nobody at the desk does anything for a day: there is a list to work off.
	m.send(http.MethodPost, "/_local/clock", `{"advance": "20h"}`)
	return m
}

// book has the MIS tell of newcomers who are to come tomorrow, so that there are
// appointments to confirm whatever the demo's patients do.
func (m *machine) book(newcomers ...string) {
	m.t.Helper()
	var clock struct{ Now time.Time }
	m.read("/_local/clock", &clock)
	var given struct{ Secret string }
	m.ask(http.MethodPost, "/_local/webhook-secret?clinic="+clinic, http.Header{}, "", &given)
	secret, err := signature.ParseSecret(given.Secret)
	if err != nil {
		m.t.Fatal(err)
	}
	for n, id := range newcomers {
		now, start := clock.Now.Format(time.RFC3339), clock.Now.Truncate(time.Hour).Add(time.Duration(34+n)*time.Hour).Format(time.RFC3339)
		for event, data := range map[string]string{
			"patient.updated":    fmt.Sprintf(`{"id": %q, "givenName": "Вера", "phone": "+7900000%04d"}`, id, 901+n),
			"appointment.booked": fmt.Sprintf(`{"id": "A-%s", "patientId": %q, "start": %q}`, id, id, start),
		} {
			body := fmt.Sprintf(`{"type": %q, "timestamp": %q, "data": %s}`, event, now, data)
			header, err := signature.Sign(strings.ReplaceAll(event, ".", "-")+"-"+id, clock.Now, []byte(body), secret)
			if err != nil {
				m.t.Fatal(err)
			}
			header.Set("Content-Type", "application/json")
			m.ask(http.MethodPost, "/v1/clinics/"+clinic+"/events", header, body, nil)
		}
	}
}

// send puts JSON to the machine's own paths.
func (m *machine) send(method, path, body string) {
	m.t.Helper()
	m.ask(method, path, http.Header{"Content-Type": {"application/json"}}, body, nil)
}

// ask makes a request, wants it answered well, and reads the answer into what is not nil.
func (m *machine) ask(method, path string, header http.Header, body string, into any) {
	m.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, m.base+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		m.t.Fatalf("%s %s: %s %s, %v", method, path, answer.Status, said, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(said, into); err != nil {
		m.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// output is what a program says, readable while it goes on.
type output struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}

// message is what has reached a patient.
type message struct {
	Scenario, Step, Channel string
	Links                   []string
}

func (m *machine) messages() (out []message) {
	m.t.Helper()
	m.read("/_local/messages", &out)
	return out
}

// read gets JSON from the machine's own paths.
func (m *machine) read(path string, into any) {
	m.t.Helper()
	m.ask(http.MethodGet, path, http.Header{"Accept": {"application/json"}}, "", into)
}

// get is a page as it stands, without a browser.
func (m *machine) get(url string) (status int, page string, err error) {
	answer, err := http.Get(url)
	if err != nil {
		return 0, "", fmt.Errorf("get a page: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(raw), err
}
