// Package wire is what lies under the clients of the providers that a message
// is handed to: an HTTP client that writes one request a call, whatever the
// client above it would like to repeat, and that can prove of a failed call
// that no byte of its request left this machine.
//
// The proof is made where bytes leave: every connection is wrapped, learns from
// net/http which call it was given to, and asks that call before it writes.
// What is written before a call has its connection, a TLS handshake or the
// CONNECT to a proxy, is no part of the request. Once a call has been asked
// whether it was sent, and was not, no connection will write for it any more,
// so that the answer cannot become wrong after it was given.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"time"

	"github.com/returnpoint/returnpoint/shared/outside"
)

// Options are what a Client can be made with. The zero value is right for a
// provider on the public network.
type Options struct {
	// TLS is cloned; nil trusts the roots of the system.
	TLS *tls.Config
	// Timeout bounds a whole call, the body of its answer included, beside the
	// deadline of its context; 0 is 15 seconds. A message claimed before a STOP
	// can arrive this much later.
	Timeout time.Duration
	// Outside refuses to call any address that is not of the public network
	// (package outside), whatever name has led to it: for calls to servers that
	// others name, from a machine that has neighbours. No proxy is used then.
	Outside bool
}

const (
	defaultTimeout = 15 * time.Second
	// connectTimeout is short beside the call's: a call that cannot connect is
	// proven not sent and can be made again.
	connectTimeout = 4 * time.Second
	// idleTimeout is below that of any provider, because a call on a connection
	// that the provider is just closing is lost without need. net/http measures
	// it by the wall clock, so that it holds across the freezing of a Lambda too.
	idleTimeout = 5 * time.Second
)

// Client is an HTTP client for calls that must not be repeated. Its Do fits the
// HTTPClient of the AWS clients' options. It is safe for concurrent use.
type Client struct{ http *http.Client }

// NewClient makes a client with its own pool of connections.
func NewClient(o Options) *Client {
	timeout := o.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	dialer, proxy := &net.Dialer{Timeout: connectTimeout}, http.ProxyFromEnvironment
	if o.Outside {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return outside.Judge(address) }
		proxy = nil // it would look names up by itself
	}
	// HTTP/1 alone: it gives a connection to one call at a time, and an HTTP/2
	// transport repeats requests that the server says it refused.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &Client{http: &http.Client{
		Timeout: timeout,
		// A redirect would be a second request.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Protocols:           &protocols,
			Proxy:               proxy,
			TLSClientConfig:     config,
			TLSHandshakeTimeout: connectTimeout,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     idleTimeout,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &conn{Conn: c}, nil
			},
		},
	}}
}

var (
	errNoCall = errors.New("wire: the request belongs to no call")
	errAgain  = errors.New("wire: the request of this call was already sent")
	errOver   = errors.New("wire: the call is over")
)

// Do sends the request of the call that its context carries (see Begin). A
// request without a call, and a second one of the same call, is an error and
// is not sent; a second one after a proven failure to send the first is.
//
// The body's own WriteTo is hidden from net/http: smithy-go's (v1.28.8,
// transport/http/internal/io/safe.go) reports io.EOF when the SDK has closed
// the body on the answer's header, and net/http would drop the connection with
// the answer in it.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	call, _ := r.Context().Value(callKey{}).(*Call)
	if call == nil {
		return nil, errNoCall
	}
	if call.sent() {
		return nil, errAgain
	}
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { give(info.Conn, call) },
	})
	r = r.WithContext(ctx)
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.http.Do(r)
}

// CloseIdleConnections closes the connections that no call is using.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }
