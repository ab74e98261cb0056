// Package wiretest is the suite of the channels over wire: whatever happens to
// a call, the provider sees at most one request, and the error says no more
// than is proven.
package wiretest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Provider is how one provider's API looks from the inside, and the channel
// that calls it.
type Provider struct {
	// Open makes the channel under test.
	Open func(aws.Config, *wire.Client) (outreach.Channel, error)
	// Message is one that the channel can send.
	Message outreach.Message
	// Accept answers that the message was accepted, under the id.
	Accept func(w http.ResponseWriter, id string)
	// Refuse answers with an error of the API.
	Refuse func(w http.ResponseWriter, status int, code, message string)
	// Refusals is the channel's own list.
	Refusals wire.Refusals
}

// Config is a configuration that asks for everything that repeats a request.
func Config(endpoint string) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", SessionToken: "example"}, nil
		}),
		RetryMode:        aws.RetryModeAdaptive,
		RetryMaxAttempts: 5,
		HTTPClient:       http.DefaultClient,
	}
}

// impatience is the time-out of a call whose answer comes too late.
const impatience = time.Second

// Run runs the suite.
func Run(t *testing.T, p Provider) {
	t.Run("an accepted message is one request and has the provider's id", func(t *testing.T) {
		var requests atomic.Int32
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) { requests.Add(1); p.Accept(w, "id-1") })
		id, err := p.send(t, Config(srv.URL))
		if id != "id-1" || err != nil || requests.Load() != 1 {
			t.Errorf("id %q, error %v, %d requests", id, err, requests.Load())
		}
	})
	t.Run("nothing is proven and nothing repeated when", p.unknown)
	t.Run("it is proven that nothing was sent when", p.notSent)
	t.Run("a documented refusal proves that the message was not accepted", p.refused)
}

// tooLate is the one case in which the client's time runs out.
const tooLate = "the answer comes too late"

func (p Provider) unknown(t *testing.T) {
	someListed := ""
	for code := range p.Refusals {
		someListed = code
	}
	for name, spoil := range map[string]http.HandlerFunc{
		"the answer is lost":                        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"the connection is reset":                   reset,
		tooLate:                                     late,
		"the provider fails inside":                 func(w http.ResponseWriter, _ *http.Request) { p.Refuse(w, 500, "InternalError", "") },
		"the provider is unavailable":               func(w http.ResponseWriter, _ *http.Request) { p.Refuse(w, 503, "ServiceUnavailable", "") },
		"it fails inside with a code of the list":   func(w http.ResponseWriter, _ *http.Request) { p.Refuse(w, 500, someListed, "") },
		"it refuses with a code that is not listed": func(w http.ResponseWriter, _ *http.Request) { p.Refuse(w, 400, "SomethingNew", "") },
		"somebody else answers": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>pay here</html>", http.StatusForbidden)
		},
		"the answer sends elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) },
		"the answer has no id":       func(w http.ResponseWriter, _ *http.Request) { p.Accept(w, "") },
	} {
		for _, again := range []bool{false, true} {
			on := " (new connection)"
			if again {
				on = " (connection used before)"
			}
			t.Run(name+on, func(t *testing.T) {
				var requests atomic.Int32
				spoiled := int32(1)
				if again {
					spoiled = 2
				}
				srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if requests.Add(1) < spoiled {
						p.Accept(w, "id-0")
						return
					}
					spoil(w, r)
				})
				patience := time.Duration(0) // the client's own
				if name == tooLate {
					patience = impatience
				}
				ch := p.open(t, Config(srv.URL), patience)
				if again {
					if _, err := ch.Send(t.Context(), p.Message); err != nil {
						t.Fatalf("the message before: %v", err)
					}
				}
				_, err := ch.Send(t.Context(), p.Message)
				if err == nil {
					t.Fatal("the message counts as accepted")
				}
				if r := new(outreach.Refusal); errors.As(err, &r) {
					t.Errorf("it counts as refused: %v", err)
				}
				if n := requests.Load(); n != spoiled {
					t.Errorf("%d requests arrived, want %d", n, spoiled)
				}
			})
		}
	}
}

func (p Provider) notSent(t *testing.T) {
	var requests atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { requests.Add(1); p.Accept(w, "id-1") })
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { requests.Add(1); p.Accept(w, "id-1") }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	keyless := Config(srv.URL)
	keyless.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no credentials")
	})
	nowhere := Config(srv.URL)
	nowhere.BaseEndpoint, nowhere.Region = nil, ""

	for name, c := range map[string]struct {
		ctx context.Context
		cfg aws.Config
	}{
		"nobody listens":                  {t.Context(), Config(gone.URL)},
		"the name does not exist":         {t.Context(), Config("http://provider.invalid")},
		"the certificate is not trusted":  {t.Context(), Config(secure.URL)},
		"there are no credentials":        {t.Context(), keyless},
		"there is no endpoint":            {t.Context(), nowhere},
		"it was cancelled before it went": {cancelled, Config(srv.URL)},
		"the other side speaks no TLS":    {t.Context(), Config("https" + srv.URL[len("http"):])},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.open(t, c.cfg, 0).Send(c.ctx, p.Message)
			var r *outreach.Refusal
			if !errors.As(err, &r) || !errors.Is(err, outreach.ErrNotSent) {
				t.Fatalf("got %v", err)
			}
			if r.BadAddress || !r.Later {
				t.Errorf("got %+v", r)
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func (p Provider) refused(t *testing.T) {
	for code, meaning := range p.Refusals {
		t.Run(code, func(t *testing.T) {
			var requests atomic.Int32
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				p.Refuse(w, 400, code, "not for "+p.Message.To)
			})
			_, err := p.send(t, Config(srv.URL))
			var r *outreach.Refusal
			if !errors.As(err, &r) || errors.Is(err, outreach.ErrNotSent) {
				t.Fatalf("got %v", err)
			}
			if r.Code != code || r.BadAddress != meaning.BadAddress || r.Later != meaning.Later {
				t.Errorf("got %+v, want %+v", r, meaning)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests arrived", n)
			}
		})
	}
}

func (p Provider) open(t *testing.T, cfg aws.Config, timeout time.Duration) outreach.Channel {
	t.Helper()
	calls := wire.NewClient(wire.Options{Timeout: timeout})
	t.Cleanup(calls.CloseIdleConnections)
	ch, err := p.Open(cfg, calls)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func (p Provider) send(t *testing.T, cfg aws.Config) (string, error) {
	t.Helper()
	return p.open(t, cfg, 0).Send(t.Context(), p.Message)
}

// serve is a server on loopback that reads each request to its end first, so
// that whatever the handler does, the request has arrived.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, bufio.NewReader(r.Body))
		h(w, r)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

func reset(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func late(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(10 * impatience):
	}
}
