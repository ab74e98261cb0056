package mistest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// Calls is what the fake of a vendor's API was asked, and what answers in the
// API's place. The fake's server and the test use it at once: when an answer is
// lost, nothing else puts the one before the other. The zero value is ready.
type Calls struct {
	asked   Notes
	mu      sync.Mutex
	instead http.HandlerFunc
}

// Heard notes a call, and says what answers it in the API's place: nil where
// the API itself does.
func (c *Calls) Heard(call string) (instead http.HandlerFunc) {
	c.asked.Note(call)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.instead
}

// Asked is what was asked, in its order.
func (c *Calls) Asked() []string { return c.asked.All() }

// Forget forgets what was asked.
func (c *Calls) Forget() { c.asked.Forget() }

// Answer has h answer in the API's place from now on, or the API itself where it
// is nil, and forgets what was asked.
func (c *Calls) Answer(h http.HandlerFunc) {
	c.mu.Lock()
	c.instead = h
	c.mu.Unlock()
	c.Forget()
}

// Notes are lines that one goroutine writes and another reads. The zero value is
// ready.
type Notes struct {
	mu    sync.Mutex
	lines []string
}

// Note adds a line.
func (n *Notes) Note(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// All is a copy of the lines.
func (n *Notes) All() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// Forget begins anew.
func (n *Notes) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = nil
}

// pages is how many of them a round has at most: the first of cards and a book that
// are asked for week by week has about four hundred.
const pages = 500

// Round asks what has changed until there is no more, and returns what came and
// the cursor of the next round.
func Round(ctx context.Context, api pull.System, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) ([]intake.Object, string, error) {
	var all []intake.Object
	for range pages {
		page, err := api.Changed(ctx, cl, account, cursor, now)
		if err != nil {
			return nil, "", err
		}
		all, cursor = append(all, page.Objects...), page.Cursor
		if !page.More {
			return all, cursor, nil
		}
	}
	return nil, "", errors.New("the asking has no end")
}
