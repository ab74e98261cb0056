//go:build kill9

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
)

// kills is how often the program is killed, and seed what decides when.
const (
	kills = 60
	seed  = 20260310
)

// told is an event that a clinic's system has to tell, and whether it was accepted.
type told struct {
	kind, patient string
	body          []byte
	accepted      bool
}

// TestNothingAcceptedIsLostOrSentTwiceByKill9 kills the real program under load
// again and again. A clinic's system that gets no answer posts the event again,
// under its own id. In the end each accepted visit was thanked for exactly once,
// or its thanks is unknown and staff are asked about it; and of those there are
// no more than claims that stood open when the program was killed.
func TestNothingAcceptedIsLostOrSentTwiceByKill9(t *testing.T) {
	dir := t.TempDir()
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	var pending []*told // in the order they happened
	var all []*told
	patients, openClaims, repeats := 0, 0, 0
	lastShown := time.Time{}

	for cycle := range kills {
		if cycle%4 == 0 {
			killWhileItStarts(t, dir, time.Duration(random.IntN(60))*time.Millisecond)
		}
		s, cmd, printed := launch(t, dir, "LOG=error")
		now := s.now()
		if now.Before(lastShown) {
			t.Fatalf("cycle %d: the clock went back from %v to %v", cycle, lastShown, now)
		}
		secret := s.secret("demo")
		for range 8 {
			p := fmt.Sprintf("P%d", patients)
			patients++
			for _, e := range []*told{
				{kind: "patient.updated", patient: p, body: bodyOf(t, "patient.updated", card(p, patients), now)},
				{kind: "visit.completed", patient: p, body: bodyOf(t, "visit.completed", visit("V"+p, p, now), now)},
			} {
				pending, all = append(pending, e), append(all, e)
			}
		}
		repeats += len(pending) - 16

		var load sync.WaitGroup
		work := make(chan *told)
		dead := make(chan struct{})
		for range 6 {
			load.Go(func() {
				for e := range work {
					e.accepted = deliver(s, secret, e)
				}
			})
		}
		load.Go(func() { // the clock is moved on meanwhile, so that there is something to kill
			for {
				select {
				case <-dead:
					return
				default:
				}
				if _, err := s.try("POST", "/_local/clock", http.Header{"Content-Type": {"application/json"}}, []byte(`{"advance":"1m"}`)); err != nil {
					return
				}
			}
		})
		killed := time.AfterFunc(time.Duration(30+random.IntN(250))*time.Millisecond, func() {
			_ = cmd.Process.Kill()
			close(dead)
		})
		for _, e := range pending {
			select {
			case work <- e:
				continue
			case <-dead:
			}
			break
		}
		close(work)
		<-dead
		killed.Stop()
		_ = cmd.Wait()
		load.Wait()
		if text := printed.String(); cmd.ProcessState.Exited() {
			t.Fatalf("cycle %d: it ended by itself: %s", cycle, text)
		}
		left := pending[:0]
		for _, e := range pending {
			if !e.accepted {
				left = append(left, e)
			}
		}
		pending = left
		openClaims += claims(t, dir)
		lastShown = now
	}

	s, _, _ := launch(t, dir, "LOG=error")
	secret := s.secret("demo")
	for _, e := range pending {
		if e.accepted = deliver(s, secret, e); !e.accepted {
			t.Fatalf("%s of %s is not accepted in the end", e.kind, e.patient)
		}
	}
	s.advance("36h") // past every time-out, the next morning's hours and each requeueing

	thanks, touches := map[string]int{}, map[string]int{}
	for _, m := range outboxOf(t, dir) {
		if touches[m.Touch]++; touches[m.Touch] > 1 {
			t.Errorf("%s/%s left for %s twice", m.Scenario, m.Step, m.Patient)
		}
		if m.Scenario == "after-visit" && m.Step == "thanks" {
			thanks[m.Patient]++
		}
	}
	unknown := 0
	var shown []shownTouch
	s.get("/_local/touches?clinic=demo", &shown)
	asked := map[string]bool{}
	for _, task := range s.tasks("demo", "", "unknown") {
		asked[task.Patient] = true
	}
	for _, touch := range shown {
		switch touch.State {
		case "sent", "skipped", "cancelled", "planned":
		case "unknown":
			unknown++
			if !asked[touch.Patient] {
				t.Errorf("%s/%s of %s is unknown, and staff are not asked about it", touch.Scenario, touch.Step, touch.Patient)
			}
			if touches[touch.ID] > 0 {
				t.Errorf("%s/%s of %s is unknown, although the outbox has told that it has it", touch.Scenario, touch.Step, touch.Patient)
			}
		default:
			t.Errorf("%s/%s of %s ended as %s (%s)", touch.Scenario, touch.Step, touch.Patient, touch.State, touch.Reason)
		}
		if touch.Scenario == "after-visit" && touch.Step == "thanks" && (touch.State == "unknown") == (thanks[touch.Patient] == 1) {
			t.Errorf("the thanks of %s left %d times, and its touch is %s (%s)", touch.Patient, thanks[touch.Patient], touch.State, touch.Reason)
		}
	}
	if len(shown) < patients {
		t.Errorf("%d patients have %d touches", patients, len(shown))
	}
	if unknown > openClaims {
		t.Errorf("%d messages are unknown, and %d claims stood open at the kills", unknown, openClaims)
	}
	t.Logf("%d kills, %d events, %d posted again, %d messages, %d claims open at a kill, %d unknown", kills, len(all), repeats, len(touches), openClaims, unknown)
}

// killWhileItStarts gives the program no time to get ready.
func killWhileItStarts(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	cmd := command(t, dir, "LOG=error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func bodyOf(t *testing.T, kind string, data object, at time.Time) []byte {
	t.Helper()
	data["version"] = 1
	body, err := json.Marshal(object{"type": kind, "timestamp": at.Format(time.RFC3339), "data": data})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// deliver delivers an event under the id that it always has.
func deliver(s *stack, secret signature.Secret, e *told) bool {
	var clock struct{ Now time.Time }
	a, err := s.try("GET", "/_local/clock", nil, nil)
	if err != nil || json.Unmarshal([]byte(a.body), &clock) != nil {
		return false
	}
	header, err := signature.Sign("msg_"+e.kind[:5]+"_"+e.patient, clock.Now, e.body, secret)
	if err != nil {
		return false
	}
	a, err = s.try("POST", "/v1/clinics/demo/events", header, e.body)
	return err == nil && a.status == http.StatusAccepted
}

// claims counts, in the folder of a program that was killed, the touches that
// were claimed and not answered for.
func claims(t *testing.T, dir string) (open int) {
	t.Helper()
	engine, err := embedded.Open(filepath.Join(dir, "table.db"), time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	keys, err := openKeys(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	state, err := store.New(engine, keys, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for shard := range store.Shards {
		for cursor := ""; ; {
			due, next, err := state.Due(context.Background(), shard, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 500, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range due {
				if d.Touch != nil && d.Touch.State == dental.Claimed {
					open++
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return open
}

// outboxOf reads the outbox's file itself.
func outboxOf(t *testing.T, dir string) (out []sent) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "outbox.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m sent
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}
