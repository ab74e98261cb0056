package yclients

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The API takes 200 requests a minute or 5 a second from one address, of all
// clinics and of the clinic's other programs together.
const (
	interval = 300 * time.Millisecond
	burst    = 3
)

// Pace holds the calls of one process to what the API takes, each host by
// itself. It is safe for concurrent use.
type Pace struct {
	clock func() time.Time
	sleep func(context.Context, time.Duration) error

	mu sync.Mutex
	// free is when a host's calls so far will have been paid for.
	free map[string]time.Time
}

// NewPace makes a Pace by the real clock, whatever clock the rest goes by.
// sleep returns after the time, or with an error when the context ends first.
func NewPace(clock func() time.Time, sleep func(context.Context, time.Duration) error) *Pace {
	return &Pace{clock: clock, sleep: sleep, free: map[string]time.Time{}}
}

var errTooLate = errors.New("the wait would be longer than the time that is left")

// wait returns when one more call may go to the host. It fails at once, and
// keeps no place, when the context would end first.
func (p *Pace) wait(ctx context.Context, host string) error {
	pause, err := p.reserve(ctx, host)
	if err != nil || pause <= 0 {
		return err
	}
	return p.sleep(ctx, pause)
}

func (p *Pace) reserve(ctx context.Context, host string) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := p.clock()
	free := p.free[host]
	if free.Before(now) {
		free = now
	}
	pause := free.Sub(now) - (burst-1)*interval
	if end, limited := ctx.Deadline(); limited && pause > 0 && end.Sub(now) < pause {
		return 0, errTooLate
	}
	p.free[host] = free.Add(interval)
	return pause, nil
}
