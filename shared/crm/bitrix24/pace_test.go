package bitrix24_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24/bitrix24test"
	"github.com/returnpoint/returnpoint/shared/dental"
)

var silent = log.New(io.Discard, "", 0)

func TestAPortalIsCalledTwiceASecondAfterAShortBurst(t *testing.T) {
	c := newClock()
	p := bitrix24.NewPace(c.now, c.sleep)
	wait := func(portal string) time.Duration {
		t.Helper()
		before := c.slept
		if err := p.Wait(t.Context(), portal); err != nil {
			t.Fatal(err)
		}
		return c.slept - before
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
		t.Errorf("another portal's call waits %v", got)
	}
	c.at = c.at.Add(2 * time.Second)
	for i := range 5 {
		if got, want := wait("a"), time.Duration(i/4)*time.Second/2; got != want {
			t.Errorf("call %d after two seconds' rest waits %v, want %v", i+1, got, want)
		}
	}
	p.Exceeded("b")
	if got := wait("b"); got != 0 {
		t.Errorf("the first call after the portal's complaint waits %v besides its pause", got)
	}
	if got := wait("b"); got != time.Second/2 {
		t.Errorf("the second call after the portal's complaint waits %v", got)
	}
}

func TestWhoHasNoTimeToWaitKeepsNoPlace(t *testing.T) {
	c := newClock()
	p := bitrix24.NewPace(c.now, c.sleep)
	for range 10 {
		_ = p.Wait(t.Context(), "a")
	}
	ctx := deadline{t.Context(), c.now().Add(400 * time.Millisecond)}
	for range 3 {
		if p.Wait(ctx, "a") == nil {
			t.Fatal("it waited")
		}
	}
	if _ = p.Wait(t.Context(), "a"); c.slept != time.Second/2 {
		t.Errorf("the next one waits %v", c.slept)
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
		p := bitrix24.NewPace(time.Now, bitrix24.Sleep)
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
		if err := bitrix24.Sleep(ctx, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended sleep gives %v", err)
		}
	})
}

func TestAPortalNeverHasToTurnACallAway(t *testing.T) {
	d := newDesk(t)
	for i := range 60 {
		d.task.Anchor, d.ref = fmt.Sprint(i), ""
		d.must()
	}
	if n := d.portal.TurnedAway(); n != 0 || len(d.portal.Items()) != 60 {
		t.Errorf("%d calls were turned away, %d tasks are there", n, len(d.portal.Items()))
	}
	if d.clock.slept < 100*time.Second || d.clock.slept > 120*time.Second {
		t.Errorf("240 calls took %v", d.clock.slept)
	}
}

func TestACallTurnedAwayIsMadeAgainAfterAPause(t *testing.T) {
	d := newDesk(t)
	// Another program of the clinic's fills the portal's counter.
	left := 3
	d.portal.Fault = func(string) bitrix24test.Fault {
		if left--; left >= 0 {
			return bitrix24test.Limited
		}
		return bitrix24test.None
	}
	d.must()
	d.only()
	if d.clock.slept < 7*time.Second || d.clock.slept > 10*time.Second {
		t.Errorf("it paused %v, want 1, 2 and 4 seconds and its turns", d.clock.slept)
	}

	t.Run("and those after it go slowly", func(t *testing.T) {
		d := newDesk(t)
		d.failOnce(1, bitrix24test.Limited)
		d.who.Phone = "" // three calls, and the one turned away
		d.must()
		before := d.clock.slept
		d.task.Anchor, d.ref = "another", ""
		d.must()
		if got := d.clock.slept - before; before != time.Second || got != 3*time.Second/2 {
			t.Errorf("after a pause of %v three more calls wait %v, want half a second each", before, got)
		}
	})
	t.Run("and not for ever", func(t *testing.T) {
		d := newDesk(t)
		d.portal.Fault = func(string) bitrix24test.Fault { return bitrix24test.Limited }
		if err := d.tell(); dental.KindOf(err) != dental.Unavailable {
			t.Fatalf("got %v", err)
		}
		if calls := d.portal.Calls(); len(calls) != 4 {
			t.Errorf("it called %q", calls)
		}
	})
	t.Run("and not when there is no time", func(t *testing.T) {
		d := newDesk(t)
		d.portal.Fault = func(string) bitrix24test.Fault { return bitrix24test.Limited }
		d.clock.at = time.Now() // by which the transport may go, too
		ctx := deadline{t.Context(), d.clock.now().Add(900 * time.Millisecond)}
		_, err := d.crm.Tell(ctx, d.account, d.task, d.who, d.title, "")
		d.check(err, dental.Unavailable, "no more calls")
		if calls := d.portal.Calls(); len(calls) != 1 || d.clock.slept != 0 {
			t.Errorf("it called %q and slept %v", calls, d.clock.slept)
		}
	})
	t.Run("by the portal's own counter", func(t *testing.T) {
		d := newDesk(t)
		for range 50 {
			d.portal.Burden()
		}
		d.must()
		if d.only(); d.portal.TurnedAway() == 0 {
			t.Error("the portal's counter was not full")
		}
	})
}
