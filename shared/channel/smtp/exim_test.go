//go:build smtpserver

package smtp

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// exim is a running Exim with mailboxes of its own: a mail server as clinics have.
type exim struct {
	t           *testing.T
	dir         string
	plain, tls  int // ports: with STARTTLS, and with TLS from the first byte
	authorities *x509.CertPool
	log         *bytes.Buffer
}

// configuration takes letters to anybody at example.com but a few, from anyone
// on loopback, and lets users of TLS sign in.
var configuration = template.Must(template.New("exim").Parse(`
exim_path = {{.Exim}}
spool_directory = {{.Dir}}/spool
log_file_path = {{.Dir}}/log/%slog
# What its parts need that it starts by itself, where the libraries are not the system's.
keep_environment = LD_LIBRARY_PATH : LD_PRELOAD : ^NSS_WRAPPER_
primary_hostname = mail.example.com
local_interfaces = 127.0.0.1
daemon_smtp_ports = {{.Plain}} : {{.TLS}}
tls_on_connect_ports = {{.TLS}}
tls_advertise_hosts = *
tls_certificate = {{.Dir}}/certificate.pem
tls_privatekey = {{.Dir}}/key.pem
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
host_lookup =
message_size_limit = 1M
smtp_accept_max = 100
domainlist own = example.com
acl_smtp_rcpt = recipient
acl_smtp_data = letter

begin acl

recipient:
  deny  local_parts = nobody
        message = 550 5.1.1 <$local_part@$domain>: there is no such mailbox
  deny  local_parts = full
        message = 552 5.2.2 the mailbox is full
  defer local_parts = greylisted
        message = 451 4.7.1 come again in a while
  require domains = +own
        message = relay not permitted
  accept

letter:
  deny  condition = ${if match{$rh_subject:}{lottery}}
        message = 5.7.1 we think that this is spam
  accept condition = ${if match{$rh_subject:}{slow}}
        delay = 20s
  accept

begin routers

all:
  driver = accept
  transport = maildir

begin transports

maildir:
  driver = appendfile
  directory = {{.Dir}}/mail
  maildir_format
  envelope_to_add
  return_path_add
  user = {{.UID}}
  group = {{.GID}}

begin authenticators

plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{"{{eq{$auth2}{clinic}}{eq{$auth3}{pass word}}}"}}}
  server_set_id = $auth2
`))

// startExim starts the Exim that EXIM names, for the one test.
func startExim(t *testing.T) *exim {
	t.Helper()
	program := os.Getenv("EXIM")
	if program == "" {
		t.Fatal("EXIM names no Exim; infra/check/run smtp brings one")
	}
	e := &exim{t: t, dir: t.TempDir(), plain: freePort(t), tls: freePort(t), authorities: x509.NewCertPool(), log: &bytes.Buffer{}}
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	e.authorities.AddCert(certified.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(certified.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var conf bytes.Buffer
	if err := configuration.Execute(&conf, map[string]any{"Exim": program, "Dir": e.dir, "Plain": e.plain, "TLS": e.tls, "UID": os.Getuid(), "GID": os.Getgid()}); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"exim.conf":       conf.Bytes(),
		"certificate.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}),
		"key.pem":         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(e.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"spool", "log", "mail"} {
		if err := os.Mkdir(filepath.Join(e.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	daemon := exec.Command(program, "-C", filepath.Join(e.dir, "exim.conf"), "-bdf")
	daemon.Stdout, daemon.Stderr = e.log, e.log
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := daemon.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-daemon.Process.Pid, syscall.SIGTERM)
		<-ended
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(e.dir, "log", "*"))
			for _, path := range logs {
				content, _ := os.ReadFile(path)
				t.Logf("the end of Exim's %s:\n%s", filepath.Base(path), content[max(0, len(content)-4000):])
			}
		}
	})
	for _, port := range []int{e.plain, e.tls} {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				_ = conn.Close()
				break
			}
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("Exim ended at once, %v: %s", err, e.log)
			default:
				if time.Now().After(deadline) {
					t.Fatalf("Exim does not listen: %v", err)
				}
			}
		}
	}
	return e
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// settings lead to the server.
func (e *exim) settings(way TLS) Settings {
	s := Settings{Host: "127.0.0.1", Port: e.plain, TLS: way, From: "clinic@example.com", User: "clinic", Password: "pass word", Roots: e.authorities}
	switch way {
	case Implicit:
		s.Port = e.tls
	case NoTLS:
		s.User, s.Password = "", ""
	}
	return s
}

// arrived waits until so many letters have come for an address, and gives all that have.
func (e *exim) arrived(to string, wanted int) (letters []string) {
	e.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		letters = nil
		paths, err := filepath.Glob(filepath.Join(e.dir, "mail", "new", "*"))
		if err != nil {
			e.t.Fatal(err)
		}
		for _, path := range paths {
			letter, err := os.ReadFile(path)
			if err != nil {
				e.t.Fatal(err)
			}
			if h, _, _ := read(e.t, string(letter)); h.Get("Envelope-To") == to {
				letters = append(letters, string(letter))
			}
		}
		if len(letters) >= wanted {
			return letters
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("%d letters have come for %s, and not %d", len(letters), to, wanted)
		}
	}
}

func TestEximDeliversALetterAsItWasWritten(t *testing.T) {
	e := startExim(t)
	for way, protocol := range map[TLS]string{Implicit: "esmtpsa", StartTLS: "esmtpsa", NoTLS: "esmtp "} {
		t.Run(string(way), func(t *testing.T) {
			m := message()
			m.To = string(way) + "@example.com"
			id, err := channel(t, e.settings(way)).Send(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			// A maildir has the ends of lines of its system.
			h, shape, parts := read(t, e.arrived(m.To, 1)[0])
			if shape != "multipart/related(multipart/alternative(text/plain text/html) image/jpeg)" {
				t.Fatalf("its shape is %s", shape)
			}
			if got := parts[0].content; strings.ReplaceAll(got, "\r\n", "\n") != m.Text {
				t.Errorf("the text is %q", got)
			}
			if got := parts[1].content; got != m.HTML {
				t.Errorf("the HTML is %q", got)
			}
			if got := parts[2]; got.content != string(m.Photo) || got.id != "<doctor>" || !strings.HasPrefix(got.kind, "image/jpeg;") {
				t.Errorf("the photo is %s, %s, of %d bytes", got.id, got.kind, len(got.content))
			}
			if got := subject(t, h); got != m.Subject {
				t.Errorf("the subject is %q", got)
			}
			for field, want := range map[string]string{
				"Message-ID":            "<" + id + ">",
				"Return-Path":           "<clinic@example.com>",
				"To":                    "<" + m.To + ">",
				"List-Unsubscribe":      "<https://rp.example.com/u/AAAAAAAAAAAAAAAA>",
				"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			} {
				if !slices.Equal(h[textproto.CanonicalMIMEHeaderKey(field)], []string{want}) {
					t.Errorf("%s is %q, want %q", field, h[textproto.CanonicalMIMEHeaderKey(field)], want)
				}
			}
			if from, err := h.AddressList("From"); err != nil || from[0].Name != m.Sender {
				t.Errorf("it is from %v, %v", from, err)
			}
			if got := h.Get("Received"); !strings.Contains(got, "with "+protocol) {
				t.Errorf("it came over another way than %s: %s", protocol, got)
			}
		})
	}
}

func TestWhatEximRefusesIsARefusalAndDoesNotArrive(t *testing.T) {
	e := startExim(t)
	for name, tt := range map[string]struct {
		change func(*outreach.Message, *Settings)
		want   outreach.Refusal
	}{
		"an unknown recipient":          {func(m *outreach.Message, _ *Settings) { m.To = "nobody@example.com" }, outreach.Refusal{Code: "550 5.1.1", BadAddress: true}},
		"a full mailbox":                {func(m *outreach.Message, _ *Settings) { m.To = "full@example.com" }, outreach.Refusal{Code: "552 5.2.2"}},
		"a recipient for a later time":  {func(m *outreach.Message, _ *Settings) { m.To = "greylisted@example.com" }, outreach.Refusal{Code: "451 4.7.1", Later: true}},
		"a recipient of another server": {func(m *outreach.Message, _ *Settings) { m.To = "anna@elsewhere.example" }, outreach.Refusal{Code: "550"}},
		"spam":                          {func(m *outreach.Message, _ *Settings) { m.Subject = "the lottery" }, outreach.Refusal{Code: "550 5.7.1"}},
		"a letter that is too big":      {func(m *outreach.Message, _ *Settings) { m.Photo = bytes.Repeat(m.Photo, 10) }, outreach.Refusal{Code: "552"}},
		"a wrong password":              {func(_ *outreach.Message, s *Settings) { s.Password = "pass" }, outreach.Refusal{Code: "535"}},
		"an unknown authority":          {func(_ *outreach.Message, s *Settings) { s.Roots = nil }, outreach.Refusal{Code: wire.NotSentCode, Later: true}},
		"a port without a greeting":     {func(_ *outreach.Message, s *Settings) { s.Port = e.tls }, outreach.Refusal{Code: wire.NotSentCode, Later: true}},
	} {
		t.Run(name, func(t *testing.T) {
			m, s := message(), e.settings(StartTLS)
			tt.change(&m, &s)
			c := channel(t, s)
			c.talkTime = 5 * time.Second
			got, r := judge(c.Send(t.Context(), m))
			if got != refusedIt {
				t.Fatalf("it is %s", got)
			}
			if r.Err = nil; *r != tt.want {
				t.Errorf("it is refused as %+v, want %+v", *r, tt.want)
			}
		})
	}
	for _, where := range []string{"mail/new", "spool/input"} {
		if found, err := filepath.Glob(filepath.Join(e.dir, where, "*")); err != nil || len(found) != 0 {
			t.Errorf("Exim has taken %q, %v", found, err)
		}
	}
}

func TestWhatEximDoesNotAnswerForIsUnknown(t *testing.T) {
	e := startExim(t)
	m := message()
	m.Subject = "a slow one"
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	go func() {
		for received := false; !received && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
			spooled, _ := filepath.Glob(filepath.Join(e.dir, "spool", "input", "*-D"))
			received = len(spooled) > 0
		}
		giveUp()
	}()
	id, err := channel(t, e.settings(StartTLS)).Send(ctx, m)
	if got, _ := judge(id, err); got != unknown {
		t.Errorf("it is %s: %v", got, err)
	}
}

func TestEachOfManyLettersArrivesOnce(t *testing.T) {
	e := startExim(t)
	c := channel(t, e.settings(StartTLS))
	const n = 16 // as many as may wait at Exim's door at once
	type sent struct {
		id  string
		err error
	}
	all := make(chan sent)
	for i := range n {
		go func() {
			m := message()
			m.Attempt, m.Photo = fmt.Sprintf("attempt-%d", i), nil
			id, err := c.Send(t.Context(), m)
			all <- sent{id, err}
		}()
	}
	want := map[string]int{}
	for range n {
		s := <-all
		if s.err != nil {
			t.Error(s.err)
			continue
		}
		want["<"+s.id+">"]++
	}
	for _, letter := range e.arrived("anna@example.com", len(want)) {
		h, _, _ := read(t, letter)
		want[h.Get("Message-ID")]--
	}
	for id, left := range want {
		if left != 0 {
			t.Errorf("of %s one more was accepted than arrived: %d", id, left)
		}
	}
}
