package wire

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
)

// Call is one call of a provider: at most one request, of which it is known
// whether a byte has left.
type Call struct {
	mu sync.Mutex
	// carrier is the connection that the first byte left on, nil while none has.
	carrier *conn
	// over forbids a first byte.
	over bool
}

type callKey struct{}

// Begin starts a call: what Client.Do is given with the context, or with one
// derived from it, belongs to it.
func Begin(ctx context.Context) (context.Context, *Call) {
	c := &Call{}
	return context.WithValue(ctx, callKey{}, c), c
}

// NotSent reports whether it is certain that no byte of the request has left,
// and keeps it so: afterwards the call cannot send any more.
func (c *Call) NotSent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	return c.carrier == nil
}

func (c *Call) sent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carrier != nil
}

// begin asks for leave to write on a connection. first is true when nothing of
// the call was written before. net/http repeats some requests by itself on
// another connection; the call has one carrier, so none is written twice.
func (c *Call) begin(by *conn) (first bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.carrier == by:
		return false, nil
	case c.carrier != nil:
		return false, errAgain
	case c.over:
		return false, errOver
	}
	c.carrier = by
	return true, nil
}

// undo takes back the first write, of which the kernel took nothing.
func (c *Call) undo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carrier = nil
}

// conn is a connection that asks the call it was given to before it writes.
type conn struct {
	net.Conn
	call atomic.Pointer[Call]
}

// give tells the connection whose request it carries from now on. Under TLS the
// records count, not what is in them: a record that left in part cannot be read,
// and counts as sent all the same.
func give(nc net.Conn, call *Call) {
	for {
		switch c := nc.(type) {
		case *conn:
			c.call.Store(call)
			return
		case *tls.Conn:
			nc = c.NetConn()
		default:
			// A connection that this package did not make may write unseen.
			_, _ = call.begin(&conn{Conn: nc})
			return
		}
	}
}

func (c *conn) Write(p []byte) (int, error) {
	call := c.call.Load()
	if call == nil {
		return c.Conn.Write(p)
	}
	first, err := call.begin(c)
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if first && n == 0 && err != nil {
		call.undo()
	}
	return n, err
}
