package wire

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Pace holds the calls of one process to what a provider takes, each host by
// itself. It counts as providers do, in a bucket that leaks: some calls may go
// at once, and then one each interval. It is safe for concurrent use.
type Pace struct {
	interval time.Duration
	burst    int
	clock    func() time.Time
	sleep    func(context.Context, time.Duration) error

	mu sync.Mutex
	// empty is when a host's bucket will have run empty.
	empty map[string]time.Time
}

// NewPace makes a Pace of one call an interval, and burst of them at once after
// a rest. clock is the real one, whatever clock the rest goes by. sleep returns
// after the time, or with an error when the context ends first: Sleep.
func NewPace(interval time.Duration, burst int, clock func() time.Time, sleep func(context.Context, time.Duration) error) *Pace {
	return &Pace{interval: interval, burst: burst, clock: clock, sleep: sleep, empty: map[string]time.Time{}}
}

// Wait returns when one more call may go to the host. It fails at once, and
// keeps no place, when the context would end first.
func (p *Pace) Wait(ctx context.Context, host string) error {
	wait, err := p.reserve(ctx, host)
	if err != nil || wait <= 0 {
		return err
	}
	return p.sleep(ctx, wait)
}

func (p *Pace) reserve(ctx context.Context, host string) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	empty := p.empty[host]
	if empty.Before(now) {
		empty = now
	}
	wait := empty.Sub(now) - p.most()
	if err := inTime(ctx, now, wait); err != nil {
		return 0, err
	}
	p.empty[host] = empty.Add(p.interval)
	return wait, nil
}

// most is how far ahead a bucket may be filled by a call that need not wait.
func (p *Pace) most() time.Duration { return time.Duration(p.burst-1) * p.interval }

// Exceeded is told when the host says that there were too many calls: the bucket
// is fuller than what was sent from here.
func (p *Pace) Exceeded(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if full := p.clock().Add(p.most()); full.After(p.empty[host]) {
		p.empty[host] = full
	}
}

// Pause sleeps, or fails at once when the context would end first.
func (p *Pace) Pause(ctx context.Context, d time.Duration) error {
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
