// Package fetch gets a doctor's photo from where an MIS says it is.
//
// The URL was written by somebody else, and the machine that follows it stands
// inside somebody's network. So only HTTPS to public addresses is spoken, at
// port 443, and an address is judged where it is dialled: after the name was
// looked up, at every redirect, whatever the name said a moment ago. A proxy of
// the environment is not used, for it would look names up by itself.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outside"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/work"
)

// The bounds of one fetch, all its redirects together.
const (
	timeout      = 10 * time.Second
	maxRedirects = 3
	maxHeader    = 64 << 10
)

// Options are what a Client can be made with. The zero value is right outside of tests.
type Options struct {
	// TLS is cloned; nil trusts the roots of the system.
	TLS *tls.Config
	// Trusted are addresses that are called although they are not public: those
	// of a test's own servers.
	Trusted []netip.AddrPort
}

// Client fetches photos. It keeps no connection, and is safe for concurrent use.
type Client struct {
	http   *http.Client
	dialer *net.Dialer
}

var _ work.Photos = (*Client)(nil)

// New makes a client.
func New(o Options) *Client {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	trusted := slices.Clone(o.Trusted)
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error { return judge(address, trusted) }}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &Client{dialer: dialer, http: &http.Client{
		Timeout: timeout,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return refuse(dental.Invalid, "the server leads on more than three times")
			}
			r.Header.Del("Referer") // the address before is nobody else's business
			return permitted(r.URL)
		},
		Transport: &http.Transport{
			Protocols:              &protocols,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        config,
			DisableKeepAlives:      true,
			DisableCompression:     true, // what is fetched is as large as what is counted
			MaxResponseHeaderBytes: maxHeader,
		},
	}}
}

// Fetch gets the photo at an https URL: at most portrait.MaxSource bytes that
// the server calls an image, within ten seconds. An error is dental.Unavailable
// where trying again may help, else dental.Invalid. It never holds the URL,
// nor what the server said: either may hold more than logs should.
func (c *Client) Fetch(ctx context.Context, from string) ([]byte, error) {
	u, err := url.Parse(from)
	if err != nil {
		return nil, refuse(dental.Invalid, "the address is no URL")
	}
	if err := permitted(u); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, refuse(dental.Invalid, "the address is no URL")
	}
	r.Header.Set("Accept", "image/jpeg, image/png, image/webp, image/gif")
	r.Header.Set("User-Agent", "returnpoint (photo of a doctor)")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, told(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := acceptable(answer); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, portrait.MaxSource+1))
	switch {
	case err != nil:
		return nil, told(err)
	case len(raw) > portrait.MaxSource:
		return nil, tooLarge()
	}
	return raw, nil
}

// acceptable judges an answer by its head.
func acceptable(answer *http.Response) error {
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		return refuse(dental.Unavailable, "the server answered %d", code)
	case code != http.StatusOK:
		return refuse(dental.Invalid, "the server answered %d", code)
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "image/") {
		return refuse(dental.Invalid, "the server does not say that it is an image")
	}
	if answer.ContentLength > portrait.MaxSource {
		return tooLarge()
	}
	return nil
}

func tooLarge() error {
	return refuse(dental.Invalid, "the photo has more than %d bytes", portrait.MaxSource)
}

// permitted judges a URL before its name is looked up.
func permitted(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return refuse(dental.Invalid, "the address is not https")
	case u.User != nil:
		return refuse(dental.Invalid, "the address holds a user's name")
	case !outside.Name(u.Hostname()):
		return refuse(dental.Invalid, "no public server has that name")
	}
	return nil
}

// judge is asked with the very address that is about to be connected to.
func judge(address string, trusted []netip.AddrPort) error {
	to, err := netip.ParseAddrPort(address)
	if err == nil && slices.Contains(trusted, netip.AddrPortFrom(to.Addr().Unmap(), to.Port())) {
		return nil
	}
	if err := outside.Judge(address); err != nil {
		return refuse(dental.KindOf(err), "%s", dental.MessageOf(err))
	}
	if to.Port() != 443 {
		return refuse(dental.Invalid, "the port is not 443")
	}
	return nil
}

func refuse(kind dental.ErrorKind, format string, args ...any) error {
	return dental.Errorf(kind, "", "fetch: "+format, args...)
}

// told says what went wrong in words of our own, for those of net/http hold the URL.
func told(err error) error {
	var own *dental.Error
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled):
		return refuse(dental.Unavailable, "it was called off")
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return refuse(dental.Unavailable, "the server's name is not known")
	case errors.As(err, &lookup):
		return refuse(dental.Unavailable, "the server's name could not be looked up")
	case errors.As(err, &network) && network.Timeout():
		return refuse(dental.Unavailable, "the server did not answer in time")
	case errors.As(err, &certificate):
		return refuse(dental.Unavailable, "the server's certificate is not valid")
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return refuse(dental.Unavailable, "the server cannot be reached")
	}
	return refuse(dental.Unavailable, "the server's answer cannot be read")
}
