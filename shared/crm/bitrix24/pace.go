package bitrix24

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
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

// NewPace makes what holds the calls of one process to what portals take. Its
// clock and its sleep are those of wire.NewPace.
func NewPace(clock func() time.Time, sleep func(context.Context, time.Duration) error) *wire.Pace {
	return wire.NewPace(interval, burst, clock, sleep)
}
