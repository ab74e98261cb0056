package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The steps of a dialogue, as a server sees them.
const (
	connecting = "connecting"
	greeted    = "EHLO"
	securing   = "STARTTLS"
	greeted2   = "EHLO over TLS"
	signingIn  = "AUTH"
	sender     = "MAIL"
	recipient  = "RCPT"
	beginning  = "DATA"
	letterHalf = "half of the letter"
	ending     = "."
	leaving    = "QUIT"
)

// What a server may do at a step in the place of an answer.
const (
	hangsUp = "hangs up"
	resets  = "resets the connection"
	stalls  = "says nothing more"
	babbles = "answers in no words of SMTP"
)

var faults = []string{hangsUp, resets, stalls, babbles}

// server is a mail server on loopback. It does its work as RFC 5321 says, and
// at the steps of its script what the script says: one of the faults, or an answer.
type server struct {
	t      *testing.T
	l      net.Listener
	tls    *tls.Config
	roots  *x509.CertPool
	secure bool // TLS from the first byte
	// offers are the extensions; those of a server with TLS begin with STARTTLS.
	offers []string
	script map[string]string

	stalled  chan struct{} // closed when it says nothing more
	left     chan struct{} // to be closed when nobody waits for it any more
	sessions sync.WaitGroup
	mu       sync.Mutex
	calls    int
	said     []string // every command, of all connections
	letters  []string // every letter that was ended, as it came
}

// serve starts a server for one way to secure the connection.
func serve(t *testing.T, way TLS, script map[string]string) *server {
	t.Helper()
	// httptest has a certificate for 127.0.0.1.
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	s := &server{t: t, tls: &tls.Config{Certificates: certified.TLS.Certificates}, roots: x509.NewCertPool(), script: script, stalled: make(chan struct{}), left: make(chan struct{}),
		secure: way == Implicit, offers: []string{"SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH CRAM-MD5 LOGIN PLAIN"}}
	s.roots.AddCert(certified.Certificate())
	if way == StartTLS {
		s.offers = slices.Insert(s.offers, 0, securing)
	}
	var err error
	if s.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.sessions.Go(func() {
		for {
			conn, err := s.l.Accept()
			if err != nil {
				return
			}
			s.sessions.Go(func() { s.session(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(s.wait)
	return s
}

// settings lead to the server.
func (s *server) settings(way TLS) Settings {
	return Settings{Host: "127.0.0.1", Port: s.l.Addr().(*net.TCPAddr).Port, TLS: way, From: "clinic@example.com",
		User: "clinic", Password: "pass word", Roots: s.roots}
}

// channel is one to the server.
func (s *server) channel(way TLS) *Channel {
	s.t.Helper()
	return channel(s.t, s.settings(way))
}

func channel(t *testing.T, settings Settings) *Channel {
	t.Helper()
	c, err := New(settings, func() time.Time { return time.Date(2026, 5, 22, 15, 40, 0, 0, time.FixedZone("MSK", 3*60*60)) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wait waits until the server has seen the end of every connection.
func (s *server) wait() {
	_ = s.l.Close()
	s.sessions.Wait()
}

// session serves one connection to its end.
func (s *server) session(line *net.TCPConn) {
	defer func() { _ = line.Close() }()
	if _, ok := s.script[letterHalf]; ok {
		_ = line.SetReadBuffer(16 << 10) // what it has not read cannot be under way either
	}
	_ = line.SetDeadline(time.Now().Add(20 * time.Second)) // no test hangs for a fault of its own
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	var conn net.Conn = line
	if s.secure {
		secured := tls.Server(line, s.tls)
		if secured.Handshake() != nil {
			return
		}
		conn = secured
	}
	text := textproto.NewConn(conn)
	overTLS := s.secure
	// answer gives the answer of the script, or the usual one; false: the session is over.
	answer := func(step, usual string) bool {
		scripted, ok := s.script[step]
		if !ok {
			return text.PrintfLine("%s", usual) == nil
		}
		switch scripted {
		case resets:
			_ = line.SetLinger(0)
			return false
		case hangsUp:
			return false
		case stalls:
			close(s.stalled)
			<-s.left
			return false
		case babbles:
			return text.PrintfLine("good evening") == nil
		}
		return text.PrintfLine("%s", scripted) == nil && !strings.HasPrefix(scripted, "421")
	}
	if !answer(connecting, "220 mail.example.com ESMTP") {
		return
	}
	for {
		command, err := text.ReadLine()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.said = append(s.said, command)
		s.mu.Unlock()
		verb, rest, _ := strings.Cut(command, " ")
		ok := true
		switch verb {
		case "EHLO", "HELO":
			step, lines := greeted, []string{"250-mail.example.com"}
			if overTLS {
				step = greeted2
			}
			if verb == "EHLO" {
				for _, o := range s.offers {
					if o != securing || !overTLS {
						lines = append(lines, "250-"+o)
					}
				}
			}
			lines[len(lines)-1] = strings.Replace(lines[len(lines)-1], "250-", "250 ", 1)
			ok = answer(step, strings.Join(lines, "\r\n"))
		case securing:
			if ok = answer(securing, "220 go ahead"); ok && s.script[securing] == "" {
				secured := tls.Server(line, s.tls)
				if secured.Handshake() != nil {
					return
				}
				conn, text, overTLS = secured, textproto.NewConn(secured), true
			}
		case "AUTH":
			usual := "535 5.7.8 no"
			if s.signIn(text, rest) {
				usual = "235 2.7.0 welcome"
			}
			ok = answer(signingIn, usual)
		case "DATA":
			if ok = answer(beginning, "354 go on"); !ok || s.script[beginning] != "" {
				break
			}
			if _, ok := s.script[letterHalf]; ok {
				_, _ = io.ReadFull(text.R, make([]byte, 2_000))
				if answer(letterHalf, ""); s.script[letterHalf] != stalls {
					return
				}
				// Then it takes whatever was sent all the same.
			}
			letter, err := readLetter(text.R)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.letters = append(s.letters, letter)
			s.mu.Unlock()
			ok = answer(ending, "250 2.0.0 taken as 1xV492")
		case "QUIT":
			answer(leaving, "221 bye")
			return
		case "MAIL", "RCPT":
			ok = answer(verb, "250 2.1.0 ok")
		default:
			ok = answer(verb, "502 5.5.1 what?")
		}
		if !ok {
			return
		}
	}
}

// signIn takes the name and password of settings, by PLAIN or LOGIN.
func (s *server) signIn(text *textproto.Conn, how string) bool {
	mechanism, first, _ := strings.Cut(how, " ")
	if mechanism == "LOGIN" {
		var got []string
		for _, prompt := range []string{"Username:", "Password:"} {
			_ = text.PrintfLine("334 %s", base64.StdEncoding.EncodeToString([]byte(prompt)))
			line, _ := text.ReadLine()
			value, _ := base64.StdEncoding.DecodeString(line)
			got = append(got, string(value))
		}
		return slices.Equal(got, []string{"clinic", "pass word"})
	}
	value, err := base64.StdEncoding.DecodeString(first)
	return mechanism == "PLAIN" && err == nil && string(value) == "\x00clinic\x00pass word"
}

// readLetter reads up to the line that is a "." alone, byte by byte as it came
// but for the dots that were put before others.
func readLetter(r *bufio.Reader) (string, error) {
	var letter strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return letter.String(), nil
		}
		letter.WriteString(strings.TrimPrefix(line, "."))
	}
}

// verbs are the commands without what followed them.
func (s *server) verbs() (verbs []string) {
	for _, command := range s.said {
		verb, _, _ := strings.Cut(command, " ")
		verbs = append(verbs, verb)
	}
	return verbs
}

// narrow makes the channel's connections take little before their reader does.
func (c *Channel) narrow() {
	dial := c.dial
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
		}
		return conn, err
	}
}
