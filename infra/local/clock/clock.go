// Package clock is the clock of one machine: real time plus an offset that can
// be moved on. It ticks, unless it is held while a step of an advance is run,
// and it never goes back: not over a restart, not after kill -9, and not when
// the machine's own clock is put back. (When that clock is put back and the
// process killed together, what has ticked since the last move may repeat.)
package clock

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/latest"
)

// Clock tells the time. It is safe for concurrent use.
type Clock struct {
	wall func() time.Time

	mu     sync.Mutex
	file   *latest.File
	offset time.Duration
	held   time.Time // zero while it ticks
	shown  time.Time // the latest time that anybody was told
}

// state is what the file keeps: the offset, and a time that was reached, which
// the clock does not fall behind.
type state struct {
	Offset time.Duration `json:"offsetNanoseconds"`
	Now    time.Time     `json:"now"`
}

// Open opens the clock whose offset is kept in the file at path. Without a file
// it starts at start, or at real time when that is zero.
func Open(path string, wall func() time.Time, start time.Time) (*Clock, error) {
	var s state
	file, found, err := latest.Open(path, func(line []byte) error {
		s = state{}
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		if s.Now.IsZero() {
			return errors.New("there is no time in it")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	c := &Clock{wall: wall, file: file, offset: s.Offset, shown: s.Now}
	real := c.real()
	if !found && !start.IsZero() {
		c.offset = start.Sub(real)
	}
	if behind := s.Now.Sub(real.Add(c.offset)); found && behind > 0 {
		c.offset += behind
	}
	if err := c.keep(c.now(), c.file.Put); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return c, nil
}

// real is the machine's time by its wall clock, which goes on while the machine sleeps.
func (c *Clock) real() time.Time { return c.wall().Round(0).UTC() }

// Now tells the time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	t := c.held
	if t.IsZero() {
		t = c.real().Add(c.offset)
	}
	if t.After(c.shown) {
		c.shown = t
	}
	return c.shown
}

// Hold moves the clock on to the instant, or leaves it where it stands when it
// is past that, and stops it there. The move outlives the process from now on,
// and a loss of power from the next Release on: an advance has thousands of
// steps, and is worth one wait for the disk.
func (c *Clock) Hold(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); at.Before(now) {
		at = now
	}
	at = at.Round(0).UTC()
	if at.Equal(c.held) {
		return nil
	}
	if err := c.keep(at, c.file.Note); err != nil {
		return err
	}
	c.held = at
	return nil
}

// Release lets a held clock tick on from where it stands, once that is on the disk.
func (c *Clock) Release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held.IsZero() {
		return nil
	}
	at := c.now()
	c.offset, c.held = at.Sub(c.real()), time.Time{}
	return c.keep(at, c.file.Put)
}

// keep writes down, by put, that the clock shows at now.
func (c *Clock) keep(at time.Time, put func(line []byte) error) error {
	line, err := json.Marshal(state{Offset: at.Sub(c.real()), Now: at})
	if err == nil {
		err = put(line)
	}
	if err != nil {
		return fmt.Errorf("clock: keep the time: %w", err)
	}
	return nil
}

// Close writes down where the clock stands and closes its file. The clock goes
// on telling the time.
func (c *Clock) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.keep(c.now(), c.file.Put), c.file.Close())
}
