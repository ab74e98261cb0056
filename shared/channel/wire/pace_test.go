package wire

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pacer is a Pace of two calls a second after a burst of ten, on a clock that is
// moved on by sleeping.
type pacer struct {
	*Pace
	at    time.Time
	slept time.Duration
}

func newPacer() *pacer {
	p := &pacer{at: time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)}
	p.Pace = NewPace(time.Second/2, 10, func() time.Time { return p.at }, func(ctx context.Context, d time.Duration) error {
		p.at, p.slept = p.at.Add(d), p.slept+d
		return ctx.Err()
	})
	return p
}

func TestAHostIsCalledTwiceASecondAfterAShortBurst(t *testing.T) {
	p := newPacer()
	wait := func(host string) time.Duration {
		t.Helper()
		before := p.slept
		if err := p.Wait(t.Context(), host); err != nil {
			t.Fatal(err)
		}
		return p.slept - before
	}
	for i := range 10 {
		if got := wait("a"); got != 0 {
			t.Errorf("call %d of the burst waits %v", i+1, got)
		}
	}
	for i := range 5 {
		if got := wait("a"); got != time.Second/2 {
			t.Errorf("call %d after the burst waits %v", i+1, got)
		}
	}
	if got := wait("b"); got != 0 {
		t.Errorf("another host's call waits %v", got)
	}
	p.at = p.at.Add(2 * time.Second)
	for i := range 5 {
		if got, want := wait("a"), time.Duration(i/4)*time.Second/2; got != want {
			t.Errorf("call %d after two seconds' rest waits %v, want %v", i+1, got, want)
		}
	}
	p.Exceeded("b")
	if got := wait("b"); got != 0 {
		t.Errorf("the first call after the host's complaint waits %v besides its pause", got)
	}
	if got := wait("b"); got != time.Second/2 {
		t.Errorf("the second call after the host's complaint waits %v", got)
	}
}

func TestWhoHasNoTimeToWaitKeepsNoPlace(t *testing.T) {
	p := newPacer()
	for range 10 {
		_ = p.Wait(t.Context(), "a")
	}
	ctx := deadline{t.Context(), p.at.Add(400 * time.Millisecond)}
	for range 3 {
		if p.Wait(ctx, "a") == nil {
			t.Fatal("it waited")
		}
	}
	if _ = p.Wait(t.Context(), "a"); p.slept != time.Second/2 {
		t.Errorf("the next one waits %v", p.slept)
	}
}

// deadline is a context that would end by another clock.
type deadline struct {
	context.Context
	at time.Time
}

func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

func TestManyCallersSharePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := NewPace(time.Second/2, 10, time.Now, Sleep)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := p.Wait(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := time.Since(start); got != 20*time.Second {
			t.Errorf("50 calls took %v, want 40 of them half a second each", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		if err := Sleep(ctx, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended sleep gives %v", err)
		}
	})
}
