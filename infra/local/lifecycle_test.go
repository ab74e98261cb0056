package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

func TestEverythingGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	before := s.now()
	secret := s.secret("demo")
	s.stop()

	s = start(t, dir, "LOCAL_NOW", "2030-01-01T00:00:00Z")
	if moved := s.now().Sub(before); moved < 0 || moved > time.Minute {
		t.Errorf("over a restart the clock moved by %v", moved)
	}
	if again := s.secret("demo"); again.Reveal() != secret.Reveal() {
		t.Error("the demo clinic has another secret")
	}
	s.advance("1m")
	s.advance("1d")
	page := s.messages("P1", "after-visit", "survey")[0].link(t, "s")
	s.stop()

	s = start(t, dir)
	if a := s.form(page, "answer", "good"); a.status != http.StatusSeeOther {
		t.Errorf("a link sent before the restart: %d", a.status)
	}
	for _, step := range []string{"thanks", "survey"} {
		if got := s.messages("P1", "after-visit", step); len(got) != 1 {
			t.Errorf("%d messages of %s", len(got), step)
		}
	}
}

func TestAMoveOfTheClockIsOnTheDiskBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	s.to("2026-05-01T12:00:00+03:00")
	state, err := os.ReadFile(filepath.Join(dir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
	// As after kill -9: nothing was written once the move had been answered.
	if err := os.WriteFile(filepath.Join(dir, "clock"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	if now := s.now(); now.Before(time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)) || now.After(time.Date(2026, 5, 1, 9, 1, 0, 0, time.UTC)) {
		t.Errorf("the clock shows %v", now)
	}
}

func TestEachStepOfAnAdvanceIsRunAtItsOwnTimeAndInOrder(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for i := range 6 {
		p := fmt.Sprintf("P%d", i)
		s.event("demo", "patient.updated", card(p, i))
		s.event("demo", "appointment.booked", appointment("A"+p, p, time.Date(2026, 3, 30-2*i, 10, 7, 0, 0, time.UTC).Format(time.RFC3339), 1))
	}
	s.event("demo", "visit.completed", visit("V0", "P0", s.now()))
	s.to("2026-04-10T12:00:00+03:00")
	all := s.messages("", "", "")
	for i := 1; i < len(all); i++ {
		if all[i].At.Before(all[i-1].At) {
			t.Errorf("%s/%s left at %v, after what left at %v", all[i].Scenario, all[i].Step, all[i].At, all[i-1].At)
		}
	}
	for i := range 6 {
		want := time.Date(2026, 3, 28-2*i, 10, 7, 0, 0, time.UTC)
		if got := s.messages(fmt.Sprintf("P%d", i), "appointment", "reminder"); len(got) != 1 || !got[0].At.Equal(want) {
			t.Errorf("P%d is reminded by %+v, and not at %v", i, got, want)
		}
	}
}

func TestWhatIsDueBetweenTwoTimesOfTheScheduleLeavesByTheEndOfAnAdvance(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "appointment.booked", appointment("A1", "P1", "2026-03-20T15:00:20+03:00", 1))
	s.to("2026-03-18T15:00:40+03:00") // the reminder is due at 15:00:20, the schedule's next time is 15:01
	if got := s.messages("P1", "appointment", "reminder"); len(got) != 1 {
		t.Fatalf("the reminders are %+v", got)
	}
}

func TestRequestsAreServedWhileTheClockMoves(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for i := range 40 {
		s.event("demo", "patient.updated", card(fmt.Sprintf("P%d", i), i))
		s.event("demo", "visit.completed", visit(fmt.Sprintf("V%d", i), fmt.Sprintf("P%d", i), s.now()))
	}
	moved := make(chan time.Time)
	go func() {
		s.advance("30d")
		moved <- s.now()
	}()
	served, last := 0, s.now()
	for {
		select {
		case end := <-moved:
			if served == 0 {
				t.Error("nothing was served while the clock moved")
			}
			if end.Before(last) {
				t.Errorf("the clock went back from %v to %v", last, end)
			}
			return
		default:
		}
		if a, err := s.try("GET", "/s/AAAAAAAAAAAAAAAA", nil, nil); err != nil || a.status != http.StatusNotFound {
			t.Fatalf("a page: %+v, %v", a.status, err)
		}
		if now := s.now(); now.Before(last) {
			t.Errorf("the clock went back from %v to %v", last, now)
		} else {
			last = now
		}
		served++
	}
}

// TestAYearOverManyPatientsIsQuick has the processor for itself: it is held to a time.
func TestAYearOverManyPatientsIsQuick(t *testing.T) {
	s := start(t, t.TempDir())
	for i := range 30 {
		p := fmt.Sprintf("P%d", i)
		s.event("demo", "patient.updated", card(p, i))
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	began := time.Now()
	s.advance("365d")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a year took %v", took)
	}
	if got := s.messages("", "after-visit", "survey"); len(got) != 30 {
		t.Errorf("%d were asked", len(got))
	}
}

func TestAnAnswerThatIsLostIsMadeUpForByTheReceipt(t *testing.T) {
	t.Parallel()
	s := startWith(t, t.TempDir(), func(outreach.Message) error { return fmt.Errorf("reset: %w", errLost) })
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("1h")
	if got := s.touches("demo", "P1", "after-visit", "thanks"); len(got) != 1 || got[0].State != "sent" {
		t.Errorf("the touches are %+v", got)
	}
	if got := s.messages("P1", "after-visit", "thanks"); len(got) != 1 {
		t.Errorf("%d messages left", len(got))
	}
}

// The machine ends after the outbox has taken a message and before anybody
// noted it; what the outbox has tells the next one that it was sent.
func TestAMessageThatLeftJustBeforeACrashIsSettledAfterTheRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var s *stack
	crash := make(chan struct{})
	var once sync.Once
	s = startWith(t, dir, func(outreach.Message) error {
		once.Do(func() {
			s.m.stop() // no step goes on, so that no receipt is read
			close(crash)
		})
		return errLost
	})
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	a, err := s.try("POST", "/_local/clock", http.Header{"Content-Type": {"application/json"}}, []byte(`{"advance":"1m"}`))
	if err != nil || a.status != http.StatusServiceUnavailable {
		t.Fatalf("a move of the clock that was stopped: %+v, %v", a, err)
	}
	<-crash
	if got := s.touches("demo", "P1", "after-visit", "thanks"); len(got) != 1 || got[0].State != "claimed" {
		t.Fatalf("at the crash the touches are %+v", got)
	}
	s.stop()

	s = start(t, dir)
	s.advance("1m")
	if got := s.touches("demo", "P1", "after-visit", "thanks"); len(got) != 1 || got[0].State != "sent" {
		t.Errorf("after the restart the touches are %+v", got)
	}
	s.advance("1h")
	if got := s.messages("P1", "after-visit", "thanks"); len(got) != 1 {
		t.Errorf("%d messages left", len(got))
	}
	if got := s.tasks("demo", "P1", "unknown"); len(got) != 0 {
		t.Errorf("staff are asked about %+v", got)
	}
}

func TestWhatOneChannelRefusesTakesTheNextWithinTheSameAdvance(t *testing.T) {
	t.Parallel()
	s := startWith(t, t.TempDir(), func(m outreach.Message) error {
		if m.Channel == dental.SMS {
			return &outreach.Refusal{Code: "no-such-number", BadAddress: true}
		}
		return nil
	})
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.advance("1m")
	if got := s.messages("P1", "after-visit", "thanks"); len(got) != 1 || got[0].Channel != "email" {
		t.Errorf("the messages are %+v", got)
	}
	// So it is too when it is refused after the last time of the schedule.
	s.event("demo", "patient.updated", card("P2", 2))
	s.event("demo", "appointment.booked", appointment("A2", "P2", "2026-03-20T15:00:20+03:00", 1))
	s.to("2026-03-18T15:00:40+03:00")
	if got := s.messages("P2", "appointment", "reminder"); len(got) != 1 || got[0].Channel != "email" {
		t.Errorf("the reminders are %+v", got)
	}
}

func TestItStopsInTheMidstOfAnAdvanceAndFinishesItsRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var sends atomic.Int64
	s := startWith(t, dir, func(outreach.Message) error {
		sends.Add(1)
		time.Sleep(20 * time.Millisecond)
		return nil
	})
	for i := range 30 {
		p := fmt.Sprintf("P%d", i)
		s.event("demo", "patient.updated", card(p, i))
		s.event("demo", "visit.completed", visit("V"+p, p, s.now()))
	}
	got := make(chan answer, 1)
	go func() {
		a, _ := s.try("POST", "/_local/clock", http.Header{"Content-Type": {"application/json"}}, []byte(`{"advance":"60d"}`))
		got <- a
	}()
	for sends.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if a := <-got; a.status != http.StatusServiceUnavailable {
		t.Errorf("the advance that was stopped: %d %s", a.status, a.body)
	}
	s = start(t, dir)
	s.advance("2h") // what stood in a queue comes back by its due key
	for i := range 30 {
		if got := s.messages(fmt.Sprintf("P%d", i), "after-visit", "thanks"); len(got) != 1 {
			t.Errorf("P%d has %d messages of thanks", i, len(got))
		}
	}
}

func TestAStartThatCannotBeNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	held := t.TempDir()
	start(t, held)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(odd, []byte("Resources: {A: {Type: 'AWS::Serverless::Function', Properties: {CodeUri: functions/teleport/}}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	bereft := t.TempDir()
	start(t, bereft).stop()
	if err := os.Remove(filepath.Join(bereft, "keys.json")); err != nil {
		t.Fatal(err)
	}
	spoilt := t.TempDir()
	if err := os.WriteFile(filepath.Join(spoilt, "keys.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ env, says []string }{
		"settings":                  {[]string{"PORT", "http", "LOCAL_NOW", "today", "LOCAL_ONLY", "yes", "LOG", "loud", "BASE_URL", "rp.example"}, []string{"PORT=http", "LOCAL_NOW=today", "LOCAL_ONLY=yes", "LOG=loud", "BASE_URL=rp.example"}},
		"settings and the template": {[]string{"PORT", "-1", "TEMPLATE", odd}, []string{"PORT=-1", "function teleport", "function send"}},
		"no template":               {[]string{"TEMPLATE", "nowhere.yaml"}, []string{"nowhere.yaml", "set TEMPLATE"}},
		"the port is taken":         {[]string{"PORT", port}, []string{"PORT=" + port, "another program"}},
		"the folder is held":        {[]string{"LOCAL_DIR", held}, []string{"LOCAL_DIR=" + held, "another process holds it"}},
		"both":                      {[]string{"LOCAL_DIR", held, "PORT", port}, []string{"another process holds it", "another program"}},
		"the folder is a file":      {[]string{"LOCAL_DIR", file}, []string{"LOCAL_DIR=" + file, "not a directory"}},
		"the keys are gone":         {[]string{"LOCAL_DIR", bereft}, []string{"keys.json is gone"}},
		"the keys are spoilt":       {[]string{"LOCAL_DIR", spoilt}, []string{"keys.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(context.Background(), environment(t.TempDir(), tt.env...), &out, &out)
			if err == nil {
				t.Fatal("it ran")
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			if out.Len() > 0 {
				t.Errorf("it printed %s", out.String())
			}
		})
	}
}

func TestTheKeysAreMadeOnceAndForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	first, err := openKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := openKeys(path)
	if err != nil || !bytes.Equal(first.Contact, second.Contact) || !bytes.Equal(first.Link, second.Link) {
		t.Fatalf("opened again the keys differ (%v)", err)
	}
	if bytes.Equal(first.Contact, first.Link) || len(first.Link) < 32 {
		t.Error("the keys are not two of 32 bytes")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v (%v)", info.Mode(), err)
	}
}

// program builds the real binary, once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "returnpoint-local-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "local")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); built.Load() && err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// built tells whether there is a binary to clean up.
var built atomic.Bool

// command is the real binary over a folder, run where the repository is not.
func command(t *testing.T, dir string, extra ...string) *exec.Cmd {
	t.Helper()
	built.Store(true)
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	template, err := filepath.Abs("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), append([]string{"PORT=0", "LOCAL_DIR=" + dir, "LOCAL_NOW=" + started, "TEMPLATE=" + template}, extra...)...)
	return cmd
}

// launch starts the real binary and waits until it greets.
func launch(t *testing.T, dir string, extra ...string) (s *stack, cmd *exec.Cmd, printed *output) {
	t.Helper()
	cmd, printed = command(t, dir, extra...), &output{found: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = printed, printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	select {
	case base := <-printed.found:
		return &stack{t: t, base: base}, cmd, printed
	case <-time.After(20 * time.Second):
		t.Fatalf("it did not start; it said: %s", printed)
		return nil, nil, nil
	}
}

// output keeps what a program prints, and finds its URL.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	found chan string
	once  sync.Once
}

var webhookLine = regexp.MustCompile(`webhook +(http://127\.0\.0\.1:[0-9]+)/v1/clinics/demo/events`)

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if m := webhookLine.FindSubmatch(o.text.Bytes()); m != nil {
		o.once.Do(func() { o.found <- string(m[1]) })
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestTheProgramGreetsServesAndEndsWellAtSIGTERM(t *testing.T) {
	t.Parallel()
	s, cmd, printed := launch(t, t.TempDir())
	if text := printed.String(); !strings.Contains(text, s.secret("demo").Reveal()) || !strings.Contains(text, "/_local/messages") {
		t.Errorf("it greets by: %s", text)
	}
	s.event("demo", "patient.updated", card("P1", 1))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v; it said: %s", err, printed)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

func TestASecondProgramOverTheSameFolderSaysSoAndEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	launch(t, dir)
	cmd := command(t, dir)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "another process holds it") {
		t.Errorf("it ended with %v and said: %s", err, out)
	}
}
