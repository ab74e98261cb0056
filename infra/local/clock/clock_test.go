package clock_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/infra/local/clock"
)

// wall is a machine's clock that the test moves.
type wall struct{ at time.Time }

func (w *wall) now() time.Time { return w.at }

var (
	real  = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
)

func open(t *testing.T, path string, w *wall, at time.Time) *clock.Clock {
	t.Helper()
	c, err := clock.Open(path, w.now, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFreshClockStartsWhereItIsToldAndTicks(t *testing.T) {
	w := &wall{real}
	c := open(t, filepath.Join(t.TempDir(), "c"), w, start)
	if got := c.Now(); !got.Equal(start) {
		t.Fatalf("it shows %v", got)
	}
	w.at = w.at.Add(90 * time.Second)
	if got := c.Now(); !got.Equal(start.Add(90 * time.Second)) {
		t.Fatalf("90 seconds later it shows %v", got)
	}
}

func TestWithoutAStartItShowsRealTime(t *testing.T) {
	w := &wall{real}
	if got := open(t, filepath.Join(t.TempDir(), "c"), w, time.Time{}).Now(); !got.Equal(real) {
		t.Fatalf("it shows %v", got)
	}
}

func TestAHeldClockStandsStillAndTicksOnFromThere(t *testing.T) {
	w := &wall{real}
	c := open(t, filepath.Join(t.TempDir(), "c"), w, start)
	must(t, c.Hold(start.Add(time.Hour)))
	w.at = w.at.Add(10 * time.Minute)
	if got := c.Now(); !got.Equal(start.Add(time.Hour)) {
		t.Fatalf("held, it shows %v", got)
	}
	must(t, c.Release())
	w.at = w.at.Add(time.Second)
	if got := c.Now(); !got.Equal(start.Add(time.Hour + time.Second)) {
		t.Fatalf("a second after its release it shows %v", got)
	}
}

func TestHoldingAtAPastInstantHoldsItWhereItStands(t *testing.T) {
	w := &wall{real}
	c := open(t, filepath.Join(t.TempDir(), "c"), w, start)
	must(t, c.Hold(start.Add(-time.Hour)))
	if got := c.Now(); !got.Equal(start) {
		t.Fatalf("it shows %v", got)
	}
}

func TestAClockGoesOnFromItsOffsetAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	w := &wall{real}
	c := open(t, path, w, start)
	must(t, c.Hold(start.AddDate(0, 1, 0)))
	must(t, c.Release())
	must(t, c.Close())
	w.at = w.at.Add(time.Hour)
	if got := open(t, path, w, start.AddDate(5, 0, 0)).Now(); !got.Equal(start.AddDate(0, 1, 0).Add(time.Hour)) {
		t.Fatalf("an hour of real time later it shows %v", got)
	}
}

// Whatever happens to it, and killed at any point, the clock shows no time
// that is before one it has shown.
func TestAClockNeverGoesBack(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		path := filepath.Join(dir, strconv.Itoa(n))
		w := &wall{real}
		c := open(t, path, w, start)
		latest := c.Now()
		look := func() {
			now := c.Now()
			if now.Before(latest) {
				r.Fatalf("it went back from %v to %v", latest, now)
			}
			latest = now
		}
		for range rapid.IntRange(1, 8).Draw(r, "events") {
			switch by := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(r, "by")); rapid.IntRange(0, 6).Draw(r, "event") {
			case 0: // real time passes
				w.at = w.at.Add(by)
			case 1: // the machine's clock is put back
				w.at = w.at.Add(-by)
			case 2:
				must(t, c.Hold(latest.Add(by)))
			case 3:
				must(t, c.Hold(latest.Add(-by)))
			case 4:
				must(t, c.Release())
			case 5: // a restart
				must(t, c.Close())
				c = open(t, path, w, time.Time{})
			case 6: // kill -9 while a step is run
				must(t, c.Hold(latest))
				c = open(t, path, w, time.Time{})
			}
			look()
		}
	})
}
