// Package smtp hands e-mail to a mail server over SMTP: the e-mail channel of
// one machine.
//
// SMTP has no idempotency token either, so a message is transmitted once and no
// more, on a connection of its own. What a failure proves hangs on one moment,
// the "." that ends the message: a server may take the mail only after it (RFC
// 5321, 4.1.1.4 and 4.1.1.10), so whatever fails before is proof that it did
// not. After it only the server's answer proves anything.
//
// go-mail composes the letter and opens the session (EHLO, STARTTLS, AUTH). Its
// Client.Send is not used: it asks for a RSET after an accepted message and
// calls the message failed when that fails, and it cannot tell whether the "."
// has left.
package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// TLS is how the connection to the server is secured.
type TLS string

// The ways to secure a connection, and the ports they are usually found on.
const (
	Implicit TLS = "implicit" // TLS from the first byte; port 465
	StartTLS TLS = "starttls" // STARTTLS, without which nothing else is said; port 587
	NoTLS    TLS = "none"     // in the clear, to a server of this machine alone; port 25
)

// Settings are how the mail server is reached, and what it lets us send as.
type Settings struct {
	Host string // a host's name, which its certificate must bear, or an IP address
	Port int    // 0 is the usual one of TLS
	TLS  TLS
	// User and Password are both given or both empty.
	User, Password string
	// From is the address to send from, without a name: each message brings its clinic's.
	From string
	// Roots are the authorities that the server's certificate may come from; nil
	// trusts those of the system.
	Roots *x509.CertPool
}

// Format keeps the password out of every verb.
func (s Settings) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "mail server %s:%d (%s)", s.Host, s.port(), s.TLS)
}

// LogValue keeps the password out of logs.
func (s Settings) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }

// port is the port to call; 0 where TLS names no way.
func (s Settings) port() int {
	if s.Port != 0 {
		return s.Port
	}
	return map[TLS]int{Implicit: 465, StartTLS: 587, NoTLS: 25}[s.TLS]
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

// check names everything that is wrong.
func (s Settings) check() error {
	var wrong []error
	judge := func(field string, ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, dental.Errorf(dental.Invalid, field, format, args...))
		}
	}
	_, notIP := netip.ParseAddr(s.Host)
	named := hostName.MatchString(s.Host) || notIP == nil
	judge("Host", named, "%q is not the name or the IP address of a mail server", s.Host)
	judge("Port", s.Port >= 0 && s.Port <= 65535, "%d is not a port, 1 to 65535", s.Port)
	judge("TLS", s.TLS == Implicit || s.TLS == StartTLS || s.TLS == NoTLS, "%q is not %s, %s or %s", s.TLS, Implicit, StartTLS, NoTLS)
	judge("TLS", s.TLS != NoTLS || !named || ownName(s.Host), "%q is not this machine: without TLS everybody on the way could read the patients' mail", s.Host)
	judge("User", s.User != "" || s.Password == "", "there is a password and no user")
	judge("Password", s.User == "" || s.Password != "", "there is a user and no password")
	// A zero byte is what AUTH PLAIN parts them by.
	judge("Password", !strings.ContainsAny(s.User+s.Password, "\x00\r\n"), "user and password must be one line each")
	judge("From", bareAddress(s.From), "%q is not an e-mail address", s.From)
	if len(wrong) > 0 {
		return fmt.Errorf("smtp: settings: %w", errors.Join(wrong...))
	}
	return nil
}

// ownName reports whether the host is this machine, by its name or address.
func ownName(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// The times of a call.
const (
	// talkTime bounds all that comes before the end of the message. A server too
	// slow for it has proven that it took nothing, and is asked again later.
	talkTime = 8 * time.Second
	// callTime bounds the whole call, beside the deadline of its context. What it
	// leaves for the answer to the message is long, because a message whose answer
	// did not come is a task for a person. A message claimed before a STOP can
	// arrive this much later.
	callTime = 20 * time.Second
	// connectTimeout is that of one address of the server.
	connectTimeout = 4 * time.Second
	// quitTime is how long the server's good-bye is waited for. What it says changes nothing.
	quitTime = time.Second
)

// Channel is the e-mail channel over one mail server. It is safe for concurrent use.
type Channel struct {
	settings Settings
	tls      *tls.Config
	now      func() time.Time
	dial     func(ctx context.Context, network, address string) (net.Conn, error)

	talkTime, callTime, quitTime time.Duration
}

var _ outreach.Channel = (*Channel)(nil)

// New makes the channel; now is the clock that letters are dated by. One error
// names everything that is wrong with the settings. Nothing is sent yet.
func New(s Settings, now func() time.Time) (*Channel, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &Channel{
		settings: s,
		tls:      &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
		now:      now,
		dial:     (&net.Dialer{Timeout: connectTimeout}).DialContext,
		talkTime: talkTime, callTime: callTime, quitTime: quitTime,
	}, nil
}

// address is where the server listens.
func (c *Channel) address() string {
	return net.JoinHostPort(c.settings.Host, strconv.Itoa(c.settings.port()))
}

// Send hands the message over; see outreach.Channel for its errors. The id is
// the letter's Message-ID without its brackets: it holds the attempt's id, and a
// bounce quotes it.
func (c *Channel) Send(ctx context.Context, m outreach.Message) (string, error) {
	id, raw, err := c.letter(m)
	if err != nil {
		return "", fmt.Errorf("smtp: write the letter: %w", err)
	}
	if err := c.hand(ctx, m.To, raw); err != nil {
		return "", fmt.Errorf("smtp: %w", err)
	}
	return id, nil
}
