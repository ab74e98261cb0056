package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// post makes one call through the client and reads the answer to its end.
func post(ctx context.Context, c *Client, url string) (*Call, error) {
	ctx, call := Begin(ctx)
	return call, send(ctx, c, url)
}

func send(ctx context.Context, c *Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("text=hello"))
	if err != nil {
		return err
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

// tcp serves every connection of a listener on loopback with serve.
func tcp(t *testing.T, serve func(*net.TCPConn)) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	stop = sync.OnceFunc(func() { l.Close(); wg.Wait() })
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// closedPort is an address that nobody listens at.
func closedPort(t *testing.T) string {
	t.Helper()
	addr, stop := tcp(t, func(*net.TCPConn) {})
	stop()
	return addr
}

func TestNothingWasSentWhenTheConnectionWasNeverMade(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = silent()
	untrusted.StartTLS()
	defer untrusted.Close()
	hangsUp, _ := tcp(t, func(c *net.TCPConn) {})
	mute, _ := tcp(t, func(c *net.TCPConn) {
		// Longer than the call, and no longer: net/http goes on shaking hands for
		// whoever comes next.
		_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		_, _ = io.Copy(io.Discard, c)
	})

	for name, url := range map[string]string{
		"nobody listens":                          "http://" + closedPort(t),
		"the name does not exist":                 "http://provider.invalid",
		"the certificate is not trusted":          untrusted.URL,
		"the provider hangs up in the handshake":  "https://" + hangsUp,
		"the handshake outlives the call":         "https://" + mute,
		"the scheme is none that the client has":  "gopher://127.0.0.1",
		"the port is none that the machine knows": "http://127.0.0.1:99999",
	} {
		t.Run(name, func(t *testing.T) {
			call, err := post(t.Context(), NewClient(Options{Timeout: time.Second}), url)
			if err == nil {
				t.Fatal("the call succeeded")
			}
			if !call.NotSent() {
				t.Errorf("after %q the call counts as sent", err)
			}
		})
	}

	t.Run("the call was cancelled before it started", func(t *testing.T) {
		var requests atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
		defer srv.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		call, err := post(ctx, NewClient(Options{}), srv.URL)
		if err == nil || !call.NotSent() || requests.Load() != 0 {
			t.Errorf("error %v, not sent %v, %d requests arrived", err, call.NotSent(), requests.Load())
		}
	})
}

func TestARequestThatMayHaveArrivedCountsAsSent(t *testing.T) {
	// Each server answers the first request of a connection and then spoils the
	// second, so that "again" is the same story on a connection used before.
	spoil := map[string]func(*net.TCPConn){
		"the answer is lost":             func(c *net.TCPConn) { c.Close() },
		"the connection is reset":        func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },
		"the answer is cut short":        func(c *net.TCPConn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") },
		"the answer's body is cut short": func(c *net.TCPConn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab") },
		"no answer comes in time":        func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) },
	}
	for name, spoil := range spoil {
		for _, used := range []bool{false, true} {
			where := " on a new connection"
			if used {
				where = " on a connection used before"
			}
			t.Run(name+where, func(t *testing.T) {
				var requests atomic.Int32
				addr, _ := tcp(t, func(c *net.TCPConn) {
					in := bufio.NewReader(c)
					for {
						r, err := http.ReadRequest(in)
						if err != nil {
							return
						}
						_, _ = io.Copy(io.Discard, r.Body)
						n := requests.Add(1)
						if used && n == 1 {
							_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
							continue
						}
						spoil(c)
						return
					}
				})
				want := int32(1)
				client := NewClient(Options{Timeout: time.Second})
				if used {
					want = 2
					if call, err := post(t.Context(), client, "http://"+addr); err != nil || call.NotSent() {
						t.Fatalf("the first call: %v, not sent %v", err, call.NotSent())
					}
				}
				call, err := post(t.Context(), client, "http://"+addr)
				if err == nil {
					t.Fatal("the call succeeded")
				}
				if call.NotSent() {
					t.Errorf("after %q the call counts as not sent", err)
				}
				if n := requests.Load(); n != want {
					t.Errorf("%d requests arrived, want %d", n, want)
				}
			})
		}
	}
}

func TestTheHandshakeIsNoPartOfTheRequest(t *testing.T) {
	var requests atomic.Int32
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
	}))
	srv.Config.ErrorLog = silent()
	defer srv.Close()
	client := NewClient(Options{TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig})

	call, err := post(t.Context(), client, srv.URL)
	if err != nil || call.NotSent() {
		t.Fatalf("a call over TLS: %v, not sent %v", err, call.NotSent())
	}
	call, err = post(t.Context(), client, srv.URL)
	if err == nil || call.NotSent() {
		t.Errorf("a lost answer over TLS: %v, not sent %v", err, call.NotSent())
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests arrived, want 2", n)
	}
}

func TestAConnectionCarriesOneCallAtATimeThoughTheServerOffersMore(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	client := NewClient(Options{TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig})
	ctx, _ := Begin(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "HTTP/1.1" || err != nil {
		t.Errorf("the client speaks %q, %v", got, err)
	}
}

func TestConnectToAProxyIsNoPartOfTheRequest(t *testing.T) {
	backend := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	backend.Config.ErrorLog = silent()
	defer backend.Close()
	refuse := atomic.Bool{}
	proxy, _ := tcp(t, func(c *net.TCPConn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil || r.Method != http.MethodConnect {
			return
		}
		if refuse.Load() {
			_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
			return
		}
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			return
		}
		defer to.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(to, c); to.Close() }()
		_, _ = io.Copy(c, to)
	})
	through := func() *Client {
		client := NewClient(Options{TLS: backend.Client().Transport.(*http.Transport).TLSClientConfig, Timeout: 2 * time.Second})
		client.http.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy})
		return client
	}
	refuse.Store(true)
	if call, err := post(t.Context(), through(), backend.URL); err == nil || !call.NotSent() {
		t.Errorf("a proxy that cannot connect: %v, not sent %v", err, call.NotSent())
	}
	refuse.Store(false)
	client := through()
	defer client.CloseIdleConnections()
	if call, err := post(t.Context(), client, backend.URL); err != nil || call.NotSent() {
		t.Errorf("a call through a proxy: %v, not sent %v", err, call.NotSent())
	}
}

func TestADeadConnectionOfThePoolIsReplacedBeforeAnythingIsSent(t *testing.T) {
	over := make(chan struct{})
	addr, stop := tcp(t, func(c *net.TCPConn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			<-over
			_ = c.SetLinger(0) // reset, so that the next write takes nothing
		}
	})
	client := NewClient(Options{})
	if _, err := post(t.Context(), client, "http://"+addr); err != nil {
		t.Fatal(err)
	}
	close(over)
	stop() // the provider is gone, and the connection with it
	call, err := post(t.Context(), client, "http://"+addr)
	if err == nil || !call.NotSent() {
		t.Errorf("error %v, not sent %v", err, call.NotSent())
	}
}

func TestAConnectionThatWasIdleForLongIsNotTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := NewClient(Options{})
		dials := 0
		transport := client.http.Transport.(*http.Transport)
		transport.Proxy = nil
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			dials++
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				for in := bufio.NewReader(theirs); ; {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
			return &conn{Conn: ours}, nil
		}
		for _, c := range []struct {
			idle  time.Duration
			dials int
		}{{0, 1}, {4 * time.Second, 1}, {6 * time.Second, 2}} {
			time.Sleep(c.idle)
			if _, err := post(t.Context(), client, "http://provider.invalid"); err != nil {
				t.Fatal(err)
			}
			if dials != c.dials {
				t.Errorf("after %v idle it is connection %d, want %d", c.idle, dials, c.dials)
			}
		}
		client.CloseIdleConnections()
	})
}

func TestACallMakesOneRequest(t *testing.T) {
	var requests atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1); r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		}
	}))
	defer srv.Close()
	client := NewClient(Options{})

	t.Run("a second one is refused", func(t *testing.T) {
		requests.Store(0)
		ctx, _ := Begin(t.Context())
		if err := send(ctx, client, srv.URL); err != nil {
			t.Fatal(err)
		}
		if err := send(ctx, client, srv.URL); !errors.Is(err, errAgain) {
			t.Errorf("the second request: %v", err)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests arrived", n)
		}
	})
	t.Run("a redirect is not followed", func(t *testing.T) {
		requests.Store(0)
		if _, err := post(t.Context(), client, srv.URL+"/elsewhere"); err != nil {
			t.Fatal(err)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests arrived", n)
		}
	})
	t.Run("one that could not be sent may be tried again", func(t *testing.T) {
		requests.Store(0)
		ctx, call := Begin(t.Context())
		if err := send(ctx, client, "http://"+closedPort(t)); err == nil {
			t.Fatal("a closed port answered")
		}
		if err := send(ctx, client, srv.URL); err != nil || requests.Load() != 1 || call.NotSent() {
			t.Errorf("the second try: %v, %d requests, not sent %v", err, requests.Load(), call.NotSent())
		}
	})
	t.Run("a request of no call is refused", func(t *testing.T) {
		requests.Store(0)
		if err := send(t.Context(), client, srv.URL); !errors.Is(err, errNoCall) || requests.Load() != 0 {
			t.Errorf("error %v, %d requests", err, requests.Load())
		}
	})
	t.Run("net/http cannot repeat it on another connection", func(t *testing.T) {
		// With this header net/http takes a POST for one that may be repeated
		// when a used connection breaks.
		var seen atomic.Int32
		addr, _ := tcp(t, func(c *net.TCPConn) {
			in := bufio.NewReader(c)
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				if seen.Add(1) != 1 {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		})
		client := NewClient(Options{})
		if _, err := post(t.Context(), client, "http://"+addr); err != nil {
			t.Fatal(err)
		}
		ctx, call := Begin(t.Context())
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr, strings.NewReader("text=hello"))
		r.Header.Set("Idempotency-Key", "1")
		if _, err := client.Do(r); err == nil || call.NotSent() {
			t.Errorf("error %v, not sent %v", err, call.NotSent())
		}
		if n := seen.Load(); n != 2 {
			t.Errorf("%d requests arrived, want 2", n)
		}
	})
}

// brokenPipe takes nothing.
type brokenPipe struct{ net.Conn }

func (brokenPipe) Write([]byte) (int, error) { return 0, net.ErrClosed }

// halfPipe takes one byte and breaks.
type halfPipe struct{ net.Conn }

func (halfPipe) Write([]byte) (int, error) { return 1, net.ErrClosed }

func TestTheProofIsMadeAtTheConnection(t *testing.T) {
	t.Run("a write of which nothing was taken leaves the call unsent", func(t *testing.T) {
		_, call := Begin(t.Context())
		c := &conn{Conn: brokenPipe{}}
		give(c, call)
		if _, err := c.Write([]byte("POST")); err == nil || !call.NotSent() {
			t.Errorf("error %v, not sent %v", err, call.NotSent())
		}
	})
	t.Run("a write of which one byte was taken sends it", func(t *testing.T) {
		_, call := Begin(t.Context())
		c := &conn{Conn: halfPipe{}}
		give(c, call)
		if _, err := c.Write([]byte("POST")); err == nil || call.NotSent() {
			t.Errorf("error %v, not sent %v", err, call.NotSent())
		}
	})
	t.Run("a failure after the first byte does not unsend it", func(t *testing.T) {
		_, call := Begin(t.Context())
		c := &conn{Conn: halfPipe{}}
		give(c, call)
		_, _ = c.Write([]byte("POST"))
		c.Conn = brokenPipe{}
		_, _ = c.Write([]byte("more"))
		if call.NotSent() {
			t.Error("the call counts as not sent")
		}
	})
	t.Run("once proven unsent a call cannot be sent any more", func(t *testing.T) {
		_, call := Begin(t.Context())
		c := &conn{Conn: halfPipe{}}
		give(c, call)
		if !call.NotSent() {
			t.Fatal("the call counts as sent")
		}
		if n, err := c.Write([]byte("POST")); n != 0 || !errors.Is(err, errOver) {
			t.Errorf("%d bytes left after the proof: %v", n, err)
		}
	})
	t.Run("a connection carries the call it was given to last", func(t *testing.T) {
		_, old := Begin(t.Context())
		_, next := Begin(t.Context())
		c := &conn{Conn: halfPipe{}}
		give(c, old)
		give(c, next)
		_, _ = c.Write([]byte("POST"))
		if !old.NotSent() || next.NotSent() {
			t.Errorf("old not sent %v, next not sent %v", old.NotSent(), next.NotSent())
		}
	})
	t.Run("what is under TLS is found", func(t *testing.T) {
		_, call := Begin(t.Context())
		c := &conn{Conn: halfPipe{}}
		give(tls.Client(c, &tls.Config{}), call)
		if c.call.Load() != call {
			t.Error("the connection under TLS was not given to the call")
		}
	})
	t.Run("a connection of unknown make counts as written", func(t *testing.T) {
		_, call := Begin(t.Context())
		give(halfPipe{}, call)
		if call.NotSent() {
			t.Error("the call counts as not sent")
		}
	})
	t.Run("of a write and a question at once one comes first", func(t *testing.T) {
		for range 200 {
			_, call := Begin(t.Context())
			c := &conn{Conn: halfPipe{}}
			give(c, call)
			var n int
			done := make(chan struct{})
			go func() { n, _ = c.Write([]byte("P")); close(done) }()
			unsent := call.NotSent()
			<-done
			if unsent != (n == 0) {
				t.Fatalf("not sent %v, but %d bytes left", unsent, n)
			}
		}
	})
}

// TestAnAddressOfAClinicsLeadsToThePublicNetworkAlone: whatever name an account
// gives, it is the address behind it that is judged.
func TestAnAddressOfAClinicsLeadsToThePublicNetworkAlone(t *testing.T) {
	var arrived atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	defer inside.Close()
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	t.Setenv("HTTP_PROXY", inside.URL) // which would look the name up by itself
	public := NewClient(Options{Outside: true})
	for name, host := range map[string]string{"an address of ours": "127.0.0.1", "a name that leads to it": "localhost", "in another spelling": "[::ffff:127.0.0.1]"} {
		call, err := post(t.Context(), public, "http://"+host+port)
		if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "not a public one") || !call.NotSent() || arrived.Load() != 0 {
			t.Errorf("%s: %d arrived, %v", name, arrived.Load(), err)
		}
	}
	if public.http.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy looks names up by itself")
	}
	if _, err := post(t.Context(), NewClient(Options{}), inside.URL); err != nil || arrived.Load() != 1 {
		t.Errorf("a client that may call in the clinic's own network: %v", err)
	}
}
