package main

import (
	"bytes"
	"log/slog"
	"net"
	"net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// mailServer takes one letter on loopback, and gives it back as it came.
func mailServer(t *testing.T) (port string, letter <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		text := textproto.NewConn(conn)
		_ = text.PrintfLine("220 mail.example.com")
		for {
			command, err := text.ReadLine()
			if err != nil {
				return
			}
			if command == "DATA" {
				_ = text.PrintfLine("354 go on")
				letter, _ := text.ReadDotBytes()
				taken <- string(letter)
			}
			_ = text.PrintfLine("250 ok")
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), taken
}

// forReal is the environment of a machine that writes to real people, with what a
// test changes in it.
func forReal(dir string, extra ...string) func(string) (string, bool) {
	return environment(dir, append([]string{"LOCAL_NOW", "", "LOCAL_ONLY", "0", "SMTP_HOST", "127.0.0.1", "SMTP_TLS", "none", "MAIL_FROM", "clinic@example.com"}, extra...)...)
}

func opened(t *testing.T, lookup func(string) (string, bool)) (*machine, error) {
	t.Helper()
	p, err := prepare(lookup)
	if err != nil {
		t.Fatal(err)
	}
	m, err := open(p, "http://127.0.0.1", slog.New(slog.NewTextHandler(testLog{t}, nil)))
	if err == nil {
		t.Cleanup(func() {
			if err := m.close(); err != nil {
				t.Error(err)
			}
		})
	}
	return m, err
}

func TestEMailLeavesByTheServerOfTheSettings(t *testing.T) {
	t.Parallel()
	port, taken := mailServer(t)
	m, err := opened(t, forReal(t.TempDir(), "SMTP_PORT", port))
	if err != nil {
		t.Fatal(err)
	}
	id, err := m.parts.channels[dental.Mail].Send(t.Context(), outreach.Message{Attempt: "a.1", To: "anna@example.com", Subject: "Hello", Text: "We are expecting you"})
	if id != "a.1@example.com" || err != nil {
		t.Fatalf("id %q, %v", id, err)
	}
	letter, err := mail.ReadMessage(strings.NewReader(<-taken))
	if err != nil {
		t.Fatal(err)
	}
	if at, err := letter.Header.Date(); err != nil || time.Since(at).Abs() > time.Minute || letter.Header.Get("From") != "<clinic@example.com>" {
		t.Errorf("it is from %s of %v, %v", letter.Header.Get("From"), at, err)
	}
	if kept, err := m.outbox.Messages(); err != nil || len(kept) != 0 {
		t.Errorf("the outbox has %v, %v", kept, err)
	}
	if _, err := m.parts.channels[dental.SMS].Send(t.Context(), outreach.Message{Attempt: "a.2", To: "+79000000000", Text: "Hello"}); err != nil {
		t.Error(err)
	}
	if kept, err := m.outbox.Messages(); err != nil || len(kept) != 1 {
		t.Errorf("an SMS is not in the outbox: %v, %v", kept, err)
	}
	var said bytes.Buffer
	if err := m.greet(&said, "http://127.0.0.1"); err != nil || !strings.Contains(said.String(), "leaves for real, by the mail server 127.0.0.1:"+port+" (none)") {
		t.Errorf("it says %s, %v", &said, err)
	}
}

func TestEMailStaysInTheOutboxWithoutAServer(t *testing.T) {
	t.Parallel()
	m, err := opened(t, environment(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.parts.channels[dental.Mail].Send(t.Context(), outreach.Message{Attempt: "a.1", To: "anna@example.com", Subject: "Hello", Text: "Hello"}); err != nil {
		t.Fatal(err)
	}
	if kept, err := m.outbox.Messages(); err != nil || len(kept) != 1 {
		t.Errorf("the outbox has %v, %v", kept, err)
	}
}

func TestNobodyMailsRealPeopleByAccident(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lookup func(string) (string, bool)
		want   string
	}{
		"while the product is tried out":      {forReal("d", "LOCAL_ONLY", ""), "SMTP_HOST=127.0.0.1: e-mail leaves for real only where LOCAL_ONLY=0"},
		"by a clock of another time":          {forReal("d", "LOCAL_NOW", started), "SMTP_HOST=127.0.0.1: e-mail leaves for real only by a real clock"},
		"from nobody":                         {forReal("d", "MAIL_FROM", ""), "From: "},
		"in the clear, over the network":      {forReal("d", "SMTP_HOST", "mail.example.com"), "TLS: "},
		"at a port that is none":              {forReal("d", "SMTP_PORT", "smtp"), "SMTP_PORT=smtp: must be a port, 1 to 65535"},
		"at no port":                          {forReal("d", "SMTP_PORT", "0"), "SMTP_PORT=0: must be a port, 1 to 65535"},
		"by an account without a password":    {forReal("d", "SMTP_USER", "clinic"), "Password: "},
		"by settings of a server and no name": {forReal("d", "SMTP_HOST", "", "SMTP_PASSWORD", "secret"), "SMTP_PASSWORD is set and SMTP_HOST is not"},
	} {
		_, err := prepare(tt.lookup)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	t.Run("from a folder whose clock was moved", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := start(t, dir)
		s.advance("1d")
		s.stop()
		_, err := opened(t, forReal(dir))
		if err == nil || !strings.Contains(err.Error(), "LOCAL_DIR="+dir) || !strings.Contains(err.Error(), "its clock was moved and shows 2026-03-11T") {
			t.Errorf("it opens: %v", err)
		}
	})
}
