package yclients

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
)

// The API takes 200 requests a minute or 5 a second from one address, of all
// clinics and of the clinic's other programs together.
const (
	interval = 300 * time.Millisecond
	burst    = 3
)

// NewPace makes what holds the calls of one process to what the API takes. Its
// clock and its sleep are those of wire.NewPace.
func NewPace(clock func() time.Time, sleep func(context.Context, time.Duration) error) *wire.Pace {
	return wire.NewPace(interval, burst, clock, sleep)
}
