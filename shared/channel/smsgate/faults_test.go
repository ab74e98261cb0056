package smsgate

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// nobodyListens is a port of ours that no other test can be given meanwhile.
const nobodyListens = "http://127.0.0.1:1"

// line serves each connection of a listener on loopback with serve.
func line(t *testing.T, serve func(*net.TCPConn)) (addr string) {
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
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// asked reads one request to its end and gives the gateway's answer to it.
func asked(g *gateway, in *bufio.Reader) (answer string, err error) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answer(form), nil
}

func assertUnknown(t *testing.T, id string, err error) {
	t.Helper()
	if id != "" || err == nil {
		t.Fatalf("it counts as accepted under %q, error %v", id, err)
	}
	if r := new(outreach.Refusal); errors.As(err, &r) {
		t.Fatalf("it counts as refused: %v", err)
	}
	assertNothingPrivate(t, "the error", err.Error())
}

func TestNothingIsProvenAndNothingRepeatedWhenTheAnswerIsSpoiled(t *testing.T) {
	answer := func(c *net.TCPConn, status, body string) {
		fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
	spoil := map[string]func(c *net.TCPConn, body string, giveUp func()){
		"the connection is closed": func(c *net.TCPConn, _ string, _ func()) {},
		"the connection is reset":  func(c *net.TCPConn, _ string, _ func()) { _ = c.SetLinger(0) },
		"the caller gives up waiting": func(c *net.TCPConn, _ string, giveUp func()) {
			giveUp()
			_, _ = io.Copy(io.Discard, c)
		},
		"the answer stops in its first line": func(c *net.TCPConn, _ string, _ func()) { _, _ = io.WriteString(c, "HTTP/1.1 20") },
		"the answer stops in its header":     func(c *net.TCPConn, _ string, _ func()) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") },
		"the answer stops before its body": func(c *net.TCPConn, body string, _ func()) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
		},
		"the answer stops in its body": func(c *net.TCPConn, body string, _ func()) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)-1])
		},
		"the answer stops in a chunk": func(c *net.TCPConn, body string, _ func()) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body)
		},
		"the answer is no HTTP":  func(c *net.TCPConn, _ string, _ func()) { _, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n") },
		"the answer is empty":    func(c *net.TCPConn, _ string, _ func()) { answer(c, "200 OK", "") },
		"the answer is in words": func(c *net.TCPConn, _ string, _ func()) { answer(c, "200 OK", "ERROR = 2 (authorise error)") },
		"the answer is a page":   func(c *net.TCPConn, body string, _ func()) { answer(c, "200 OK", "<html>"+body+"</html>") },
		"the answer has no end": func(c *net.TCPConn, body string, _ func()) {
			answer(c, "200 OK", body+strings.Repeat("\n", maxAnswer)+"x")
		},
		"the answer is about another message":  func(c *net.TCPConn, _ string, _ func()) { answer(c, "200 OK", "rp-another,-7") },
		"the code is none that is documented":  func(c *net.TCPConn, _ string, _ func()) { answer(c, "200 OK", "0,-10") },
		"the gateway fails inside":             func(c *net.TCPConn, body string, _ func()) { answer(c, "500 Internal Server Error", body) },
		"the gateway refuses and fails inside": func(c *net.TCPConn, _ string, _ func()) { answer(c, "500 Internal Server Error", "0,-2") },
		"a proxy answers for the gateway":      func(c *net.TCPConn, _ string, _ func()) { answer(c, "502 Bad Gateway", "0,-9") },
		"the gateway is unavailable":           func(c *net.TCPConn, _ string, _ func()) { answer(c, "503 Service Unavailable", "0,-4") },
		"a code comes with another status":     func(c *net.TCPConn, _ string, _ func()) { answer(c, "403 Forbidden", "0,-2") },
		"the answer says to ask less":          func(c *net.TCPConn, _ string, _ func()) { answer(c, "429 Too Many Requests", "") },
		"the answer sends elsewhere": func(c *net.TCPConn, _ string, _ func()) {
			_, _ = io.WriteString(c, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
		},
		"the answer is accepted, but not whole": func(c *net.TCPConn, body string, _ func()) { answer(c, "206 Partial Content", body) },
	}
	for name, spoil := range spoil {
		for _, used := range []bool{false, true} {
			on := " (new connection)"
			if used {
				on = " (connection used before)"
			}
			t.Run(name+on, func(t *testing.T) {
				g := newGateway()
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				var requests atomic.Int32
				addr := line(t, func(c *net.TCPConn) {
					for in := bufio.NewReader(c); ; {
						body, err := asked(g, in)
						if err != nil {
							return
						}
						if requests.Add(1) == 1 && used {
							answer(c, "200 OK", body)
							continue
						}
						spoil(c, body, giveUp)
						return
					}
				})
				ch := channel(t, "http://"+addr+"/sys/send.php")
				want := int32(1)
				if used {
					want = 2
					before := message()
					before.Attempt, before.Text = "a0", "another text"
					if _, err := ch.Send(t.Context(), before); err != nil {
						t.Fatalf("the message before: %v", err)
					}
				}
				id, err := ch.Send(ctx, message())
				assertUnknown(t, id, err)
				if n := requests.Load(); n != want {
					t.Errorf("%d requests arrived, want %d", n, want)
				}
				// Whatever became of the answer, the gateway may have the message, and
				// says so under a name that is known.
				g.mu.Lock()
				defer g.mu.Unlock()
				k, ok := g.status(MessageID("a1"))
				if !ok {
					t.Fatal("the gateway has no message under the name of the attempt")
				}
				told, err := Parse(g.reports(k, 1, 0), account(), g.now)
				if err != nil || len(told.Reports) != 1 || told.Reports[0].ProviderID != MessageID("a1") {
					t.Errorf("the report is %+v, error %v", told, err)
				}
			})
		}
	}
}

func TestAnAnswerCutAnywhereProvesNothing(t *testing.T) {
	for _, body := range []string{MessageID("a1") + ",1", MessageID("a1") + ",-7", "0,-2"} {
		whole := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		for cut := range len(whole) {
			addr := line(t, func(c *net.TCPConn) {
				if _, err := asked(newGateway(), bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, whole[:cut])
				}
			})
			id, err := channel(t, "http://"+addr+"/").Send(t.Context(), message())
			assertUnknown(t, id, err)
		}
	}
}

func TestARequestThatLeftInPartIsUnknown(t *testing.T) {
	// More than the kernels take between them, so that the request stands half
	// way when the other side hangs up.
	m := message()
	m.Text = strings.Repeat("a", 6<<20)
	addr := line(t, func(c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 1000))
		_ = c.SetLinger(0)
	})
	id, err := channel(t, "http://"+addr+"/").Send(t.Context(), m)
	if id != "" || err == nil {
		t.Fatalf("id %q, error %v", id, err)
	}
	if r := new(outreach.Refusal); errors.As(err, &r) {
		t.Errorf("it counts as refused: %v", err)
	}
}

func TestItIsProvenThatNothingWasSent(t *testing.T) {
	var requests atomic.Int32
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	plain := httptest.NewServer(count)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(count)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	hangsUp := line(t, func(*net.TCPConn) {})
	impatient, giveUp := context.WithCancel(t.Context())
	mute := line(t, func(c *net.TCPConn) {
		giveUp()
		// net/http goes on shaking hands for whoever comes next.
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = io.Copy(io.Discard, c)
	})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx      context.Context
		endpoint string
	}{
		"nobody listens":                          {t.Context(), nobodyListens},
		"the name does not exist":                 {t.Context(), "http://provider.invalid"},
		"the certificate is not trusted":          {t.Context(), secure.URL},
		"the other side speaks no TLS":            {t.Context(), "https" + plain.URL[len("http"):]},
		"the other side hangs up in the greeting": {t.Context(), "https://" + hangsUp},
		"the caller gives up in the greeting":     {impatient, "https://" + mute},
		"the address is none":                     {t.Context(), "http://%zz"},
		"the caller had gone before":              {cancelled, plain.URL},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := channel(t, c.endpoint).Send(c.ctx, message())
			var r *outreach.Refusal
			if id != "" || !errors.As(err, &r) || !errors.Is(err, outreach.ErrNotSent) {
				t.Fatalf("id %q, error %v", id, err)
			}
			if r.Code != wire.NotSentCode || r.BadAddress || !r.Later {
				t.Errorf("got %+v", r)
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestTheGatewayIsCalledOverTLS(t *testing.T) {
	g := newGateway()
	srv := httptest.NewTLSServer(g)
	defer srv.Close()
	trust := srv.Client().Transport.(*http.Transport).TLSClientConfig
	calls := wire.NewClient(wire.Options{TLS: &tls.Config{RootCAs: trust.RootCAs}})
	defer calls.CloseIdleConnections()
	if id, err := New(calls, Options{Endpoint: srv.URL + "/sys/send.php"}).Send(t.Context(), message()); err != nil || id != MessageID("a1") {
		t.Errorf("id %q, error %v", id, err)
	}
}

func TestManyMessagesAtOnceAreOneRequestEach(t *testing.T) {
	g := newGateway()
	ch := g.listen(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			m := message()
			m.Attempt, m.Text = fmt.Sprintf("a%d", i), fmt.Sprintf("text %d", i)
			if id, err := ch.Send(t.Context(), m); err != nil || id != MessageID(m.Attempt) {
				t.Errorf("id %q, error %v", id, err)
			}
		})
	}
	wg.Wait()
	if len(g.kept) != 40 {
		t.Errorf("the gateway has %d messages", len(g.kept))
	}
}
