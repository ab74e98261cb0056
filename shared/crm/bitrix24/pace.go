package bitrix24

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A portal counts requests in a leaky bucket that loses 2 a second and, on most
// plans, turns requests away above 50. It counts all that come from one address
// together, so that the burst here leaves room for the clinic's other programs
// and for other processes of this one.
// https://apidocs.bitrix24.com/limits.html
const (
	interval = time.Second / 2
	burst    = 10
)

// Pace holds the calls of one process to what portals take, each portal by
// itself. It is safe for concurrent use.
type Pace struct {
	clock func() time.Time
	sleep func(context.Context, time.Duration) error

	mu sync.Mutex
	// empty is when a portal's bucket will have run empty.
	empty map[string]time.Time
}

// NewPace makes a Pace by the real clock, whatever clock the rest goes by. sleep
// returns after the time, or with an error when the context ends first: Sleep.
func NewPace(clock func() time.Time, sleep func(context.Context, time.Duration) error) *Pace {
	return &Pace{clock: clock, sleep: sleep, empty: map[string]time.Time{}}
}

// Wait returns when one more request may go to the portal. It fails at once,
// and keeps no place, when the context would end first.
func (p *Pace) Wait(ctx context.Context, portal string) error {
	wait, err := p.reserve(ctx, portal)
	if err != nil || wait <= 0 {
		return err
	}
	return p.sleep(ctx, wait)
}

func (p *Pace) reserve(ctx context.Context, portal string) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	empty := p.empty[portal]
	if empty.Before(now) {
		empty = now
	}
	wait := empty.Sub(now) - (burst-1)*interval
	if err := inTime(ctx, now, wait); err != nil {
		return 0, err
	}
	p.empty[portal] = empty.Add(interval)
	return wait, nil
}

// Exceeded is told when the portal says that there were too many requests: the
// bucket is fuller than what was sent from here.
func (p *Pace) Exceeded(portal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if full := p.clock().Add((burst - 1) * interval); full.After(p.empty[portal]) {
		p.empty[portal] = full
	}
}

// pause sleeps, or fails at once when the context would end first.
func (p *Pace) pause(ctx context.Context, d time.Duration) error {
	if err := inTime(ctx, p.clock(), d); err != nil {
		return err
	}
	return p.sleep(ctx, d)
}

var errTooLate = errors.New("the wait would be longer than the time that is left")

func inTime(ctx context.Context, now time.Time, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if end, limited := ctx.Deadline(); limited && wait > 0 && end.Sub(now) < wait {
		return errTooLate
	}
	return nil
}

// Sleep is the sleep of NewPace by the machine's own clock.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
