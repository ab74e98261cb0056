package bitrix24_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/crm/bitrix24/bitrix24test"
	"github.com/returnpoint/returnpoint/shared/dental"
)

var silent = log.New(io.Discard, "", 0)

// deadline is a context that would end by another clock.
type deadline struct {
	context.Context
	at time.Time
}

func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

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
