package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

func message() outreach.Message {
	return outreach.Message{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: "P-1", Scenario: "appointment", Step: "reminder", Anchor: "A-501@20260524T090000Z"},
		Attempt: "V1StGXR8_Z5jdHi6B-myTQ", Channel: dental.Mail, To: "anna@example.com", Class: dental.Service, Locale: "ru",
		Subject: "Вас ждёт доктор Ирина", Text: "Ждём вас в воскресенье\n.\nдо встречи", HTML: `<p>Ждём вас в <b>воскресенье</b></p><img src="cid:doctor">`,
		Unsubscribe: "https://rp.example.com/u/AAAAAAAAAAAAAAAA", Sender: "Клиника «Милан»",
		Photo: append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte("portrait"), 20_000)...),
	}
}

// verdict is what Send proved.
type verdict string

const (
	taken     verdict = "taken"
	unknown   verdict = "unknown"
	refusedIt verdict = "refused"
)

func judge(id string, err error) (verdict, *outreach.Refusal) {
	var r *outreach.Refusal
	switch {
	case err == nil && id != "":
		return taken, nil
	case id != "":
		return "an id and an error", nil
	case errors.As(err, &r):
		return refusedIt, r
	}
	return unknown, nil
}

func TestAServerThatTakesTheLetterIsHandedItOnce(t *testing.T) {
	t.Parallel()
	for way, want := range map[TLS][]string{
		Implicit: {"EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"},
		StartTLS: {"EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"},
		NoTLS:    {"EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"},
	} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			s := serve(t, way, nil)
			id, err := s.channel(way).Send(t.Context(), message())
			s.wait()
			if id != "V1StGXR8_Z5jdHi6B-myTQ@example.com" || err != nil {
				t.Fatalf("id %q, %v", id, err)
			}
			if !slices.Equal(s.verbs(), want) || len(s.letters) != 1 || s.calls != 1 {
				t.Errorf("the server heard %q and got %d letters in %d calls", s.verbs(), len(s.letters), s.calls)
			}
			for _, command := range s.said {
				if strings.HasPrefix(command, "MAIL") && command != "MAIL FROM:<clinic@example.com> BODY=8BITMIME" ||
					strings.HasPrefix(command, "RCPT") && command != "RCPT TO:<anna@example.com>" ||
					strings.HasPrefix(command, "EHLO") && command != "EHLO [127.0.0.1]" {
					t.Errorf("the server heard %q", command)
				}
			}
		})
	}
}

func TestSeveralLettersLeaveAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, StartTLS, nil)
	c := s.channel(StartTLS)
	const n = 8
	errs := make(chan error, n)
	for i := range n {
		go func() {
			m := message()
			m.Attempt = fmt.Sprintf("a%d", i)
			_, err := c.Send(t.Context(), m)
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s.wait()
	if len(s.letters) != n {
		t.Errorf("%d letters arrived", len(s.letters))
	}
}

// TestWhatAFaultProves breaks the dialogue at each of its steps in each way.
func TestWhatAFaultProves(t *testing.T) {
	t.Parallel()
	for _, step := range []string{connecting, greeted, securing, greeted2, signingIn, sender, recipient, beginning, letterHalf, ending, leaving} {
		for _, fault := range faults {
			if step == letterHalf && fault == babbles {
				continue // nothing is answered in the middle of a letter
			}
			t.Run("at "+step+" the server "+fault, func(t *testing.T) {
				t.Parallel()
				s := serve(t, StartTLS, map[string]string{step: fault})
				c := s.channel(StartTLS)
				if step == letterHalf {
					c.narrow()
				}
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				if c.quitTime = 100 * time.Millisecond; step != leaving {
					go func() {
						select {
						case <-s.stalled:
							giveUp()
						case <-ctx.Done():
						}
					}()
				}
				id, err := c.Send(ctx, message())
				close(s.left)
				got, r := judge(id, err)
				s.wait()

				want, letters := refusedIt, 0
				switch step {
				case ending:
					want, letters = unknown, 1
				case leaving:
					want, letters = taken, 1
				}
				if got != want {
					t.Errorf("the letter is %s (%v), want %s", got, err, want)
				}
				if fault == stalls && step != leaving && !errors.Is(err, context.Canceled) {
					t.Errorf("the reason is %v", err)
				}
				if r != nil && (r.Code != wire.NotSentCode || !r.Later || r.BadAddress) {
					t.Errorf("it is refused as %+v", r)
				}
				if s.calls != 1 || len(s.letters) != letters || strings.Count(strings.Join(s.verbs(), " "), "DATA") > 1 {
					t.Errorf("%d calls, %d letters, the server heard %q", s.calls, len(s.letters), s.verbs())
				}
			})
		}
	}
}

func TestWhatAnAnswerProves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		step, answer string
		want         outreach.Refusal
	}{
		{connecting, "421 4.7.0 too many", outreach.Refusal{Code: "421 4.7.0", Later: true}},
		{connecting, "554 5.7.1 you are listed", outreach.Refusal{Code: "554 5.7.1"}},
		{securing, "454 4.7.0 no certificate", outreach.Refusal{Code: "454 4.7.0", Later: true}},
		{signingIn, "535 5.7.8 wrong password", outreach.Refusal{Code: "535 5.7.8"}},
		{signingIn, "454 4.7.0 ask again", outreach.Refusal{Code: "454 4.7.0", Later: true}},
		{sender, "452 4.3.1 no room", outreach.Refusal{Code: "452 4.3.1", Later: true}},
		{sender, "550 5.1.1 no such sender", outreach.Refusal{Code: "550 5.1.1"}},
		{recipient, "450 4.2.0 greylisted", outreach.Refusal{Code: "450 4.2.0", Later: true}},
		{recipient, "450 4.1.1 cannot look it up now", outreach.Refusal{Code: "450 4.1.1", Later: true}},
		{recipient, "451-one line\r\n451 and another", outreach.Refusal{Code: "451", Later: true}},
		{recipient, "421 4.3.2 closing", outreach.Refusal{Code: "421 4.3.2", Later: true}},
		{recipient, "550 5.1.1 <anna@example.com>: no such user", outreach.Refusal{Code: "550 5.1.1", BadAddress: true}},
		{recipient, "550-5.1.1 no such user\r\n550 5.1.1 see https://mail.example.com/5.1.1", outreach.Refusal{Code: "550 5.1.1", BadAddress: true}},
		{recipient, "550 5.1.2 no such domain", outreach.Refusal{Code: "550 5.1.2", BadAddress: true}},
		{recipient, "501 5.1.3 that is no address", outreach.Refusal{Code: "501 5.1.3", BadAddress: true}},
		{recipient, "550 5.1.6 moved", outreach.Refusal{Code: "550 5.1.6", BadAddress: true}},
		{recipient, "556 5.1.10 takes no mail", outreach.Refusal{Code: "556 5.1.10", BadAddress: true}},
		{recipient, "556 takes no mail", outreach.Refusal{Code: "556", BadAddress: true}},
		{recipient, "550 5.2.1 closed", outreach.Refusal{Code: "550 5.2.1", BadAddress: true}},
		{recipient, "552 5.2.2 full", outreach.Refusal{Code: "552 5.2.2"}},
		{recipient, "550 5.7.1 no relaying", outreach.Refusal{Code: "550 5.7.1"}},
		{recipient, "550 5.1.11 is no code of an address", outreach.Refusal{Code: "550 5.1.11"}},
		{recipient, "550 relay not permitted", outreach.Refusal{Code: "550"}},
		{recipient, "550 4.1.1 contradicts itself", outreach.Refusal{Code: "550"}},
		{recipient, "553 sorry (#5.1.1)", outreach.Refusal{Code: "553"}},
		{recipient, "354 out of turn", outreach.Refusal{Code: wire.NotSentCode, Later: true}},
		{beginning, "451 4.3.0 not now", outreach.Refusal{Code: "451 4.3.0", Later: true}},
		{beginning, "554 5.5.1 no valid recipients", outreach.Refusal{Code: "554 5.5.1"}},
		{beginning, "250 out of turn", outreach.Refusal{Code: wire.NotSentCode, Later: true}},
		{ending, "451 4.7.1 try later", outreach.Refusal{Code: "451 4.7.1", Later: true}},
		{ending, "421 4.3.2 closing", outreach.Refusal{Code: "421 4.3.2", Later: true}},
		{ending, "552 5.3.4 too big", outreach.Refusal{Code: "552 5.3.4"}},
		{ending, "554 5.7.1 looks like spam", outreach.Refusal{Code: "554 5.7.1"}},
		{ending, "550 5.1.1 no such user", outreach.Refusal{Code: "550 5.1.1", BadAddress: true}},
	} {
		t.Run("at "+tt.step+" "+tt.answer, func(t *testing.T) {
			t.Parallel()
			s := serve(t, StartTLS, map[string]string{tt.step: tt.answer})
			id, err := s.channel(StartTLS).Send(t.Context(), message())
			got, r := judge(id, err)
			s.wait()
			if got != refusedIt {
				t.Fatalf("the letter is %s: %v", got, err)
			}
			r.Err = nil
			if *r != tt.want {
				t.Errorf("it is refused as %+v, want %+v", *r, tt.want)
			}
			if strings.Contains(err.Error(), "anna@example.com") {
				t.Errorf("the address is in the error: %v", err)
			}
			if s.calls != 1 || len(s.letters) > 1 || len(s.letters) == 1 && tt.step != ending {
				t.Errorf("%d calls, %d letters", s.calls, len(s.letters))
			}
		})
	}
	for answer, want := range map[string]verdict{
		"250 ok":                     taken,
		"250-ok\r\n250 and thanks":   taken,
		"251 2.1.5 taken further on": taken,
		"354 go on":                  unknown,
		"354 hello anna@example.com": unknown,
		"120 wait":                   unknown,
		"999 what":                   unknown,
		"25":                         unknown,
	} {
		t.Run("to the end of the letter "+answer, func(t *testing.T) {
			t.Parallel()
			s := serve(t, StartTLS, map[string]string{ending: answer})
			id, err := s.channel(StartTLS).Send(t.Context(), message())
			if got, _ := judge(id, err); got != want {
				t.Errorf("the letter is %s (%v), want %s", got, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "anna@example.com") {
				t.Errorf("the address is in the error: %v", err)
			}
		})
	}
}

func TestAnyAnswerIsReadWithoutProvingTooMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := &textproto.Error{Code: rapid.IntRange(0, 999).Draw(t, "code"), Msg: rapid.StringMatching(`([245]\.[0-9]{1,3}\.[0-9]{1,4})?[ x]?.*`).Draw(t, "text")}
		r := ofAddress(refusal(t.Context(), "name the recipient", fmt.Errorf("go-mail: %w", said)))
		class := said.Code / 100
		if r.BadAddress && (class != 5 || r.Later) || class == 5 && r.Later || class != 5 && !r.Later {
			t.Fatalf("%v became %+v", said, r)
		}
		if r.BadAddress != (class == 5 && (said.Code == noMail || strings.HasPrefix(r.Code[3:], " 5.") && addressCodes[r.Code[4:]])) {
			t.Fatalf("%v became %+v", said, r)
		}
		if len(r.Code) > 16 || strings.ContainsAny(r.Error(), "\r\n") {
			t.Fatalf("%v became %q", said, r.Error())
		}
	})
}

func TestNobodyAtTheOtherEndProvesThatNothingWasSent(t *testing.T) {
	t.Parallel()
	s := serve(t, NoTLS, nil)
	s.wait()
	_, err := s.channel(NoTLS).Send(t.Context(), message())
	if got, r := judge("", err); got != refusedIt || r.Code != wire.NotSentCode || !r.Later || r.BadAddress || !errors.Is(err, outreach.ErrNotSent) {
		t.Errorf("%s: %v", got, err)
	}
}

func TestAServerThatIsNotWhoItShouldBeHearsNoPassword(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		served TLS
		change func(*server, *Settings)
	}{
		"its certificate comes from a stranger, from the first byte": {Implicit, func(s *server, to *Settings) { to.Roots = nil }},
		"its certificate comes from a stranger":                      {StartTLS, func(s *server, to *Settings) { to.Roots = nil }},
		"its certificate bears another name":                         {StartTLS, func(s *server, to *Settings) { to.Host = "localhost" }},
		"it offers no TLS":                                           {NoTLS, func(s *server, to *Settings) { to.TLS = StartTLS }},
		"it speaks before TLS":                                       {NoTLS, func(s *server, to *Settings) { to.TLS = Implicit }},
		"it has no accounts":                                         {StartTLS, func(s *server, _ *Settings) { s.offers = []string{securing} }},
		"it has accounts of another kind":                            {StartTLS, func(s *server, _ *Settings) { s.offers = []string{securing, "AUTH GSSAPI"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.served, nil)
			settings := s.settings(tt.served)
			tt.change(s, &settings)
			c := channel(t, settings)
			c.talkTime = time.Second // a server that waits for TLS to end and a client that waits for it to begin
			_, err := c.Send(t.Context(), message())
			s.wait()
			if got, r := judge("", err); got != refusedIt || !r.Later || r.BadAddress {
				t.Errorf("%s: %v", got, err)
			}
			for _, verb := range s.verbs() {
				if verb == "AUTH" || verb == "MAIL" {
					t.Errorf("the server heard %q", s.said)
				}
			}
		})
	}
}

func TestAServerOfEachKindOfAccountIsSignedInTo(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"LOGIN", "PLAIN"} {
		for _, way := range []TLS{Implicit, StartTLS, NoTLS} {
			s := serve(t, way, nil)
			s.offers = s.offers[:len(s.offers)-1]
			s.offers = append(s.offers, "AUTH "+mechanism)
			_, err := s.channel(way).Send(t.Context(), message())
			s.wait()
			if err != nil || !strings.Contains(strings.Join(s.said, "\n"), "AUTH "+mechanism) {
				t.Errorf("%s, %s: %v; the server heard %q", mechanism, way, err, s.said)
			}
		}
	}
	// Every address of this machine is as good as the first.
	s := serve(t, NoTLS, nil)
	settings := s.settings(NoTLS)
	settings.Host = "127.0.0.2"
	c := channel(t, settings)
	dial := c.dial
	c.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, s.l.Addr().String())
	}
	if _, err := c.Send(t.Context(), message()); err != nil {
		t.Errorf("at another address: %v", err)
	}
	s = serve(t, NoTLS, nil)
	settings = s.settings(NoTLS)
	settings.User, settings.Password = "", ""
	if _, err := channel(t, settings).Send(t.Context(), message()); err != nil || slices.Contains(s.verbs(), "AUTH") {
		t.Errorf("without an account: %v", err)
	}
}

// abroad is a connection to another machine.
type abroad struct{ net.Conn }

func (abroad) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func TestWithoutTLSNothingIsSaidToAnotherMachine(t *testing.T) {
	t.Parallel()
	s := serve(t, NoTLS, nil)
	c := s.channel(NoTLS)
	dial := c.dial
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return abroad{conn}, err
	}
	_, err := c.Send(t.Context(), message())
	s.wait()
	if got, _ := judge("", err); got != refusedIt || !errors.Is(err, errAbroad) || len(s.said) != 0 {
		t.Errorf("%s: %v; the server heard %q", got, err, s.said)
	}
}

func TestACallThatWasGivenUpBeforeItBeganIsNotBegun(t *testing.T) {
	t.Parallel()
	s := serve(t, StartTLS, nil)
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	_, err := s.channel(StartTLS).Send(ctx, message())
	s.wait()
	if got, _ := judge("", err); got != refusedIt || !errors.Is(err, outreach.ErrNotSent) || len(s.said) != 0 {
		t.Errorf("%s: %v", got, err)
	}
}

// reading is a connection that tells what it has just written.
type reading struct {
	net.Conn
	wrote  func(string)
	closed chan struct{}
	once   sync.Once
}

func (r *reading) Write(p []byte) (int, error) {
	n, err := r.Conn.Write(p)
	r.wrote(string(p[:n]))
	return n, err
}

func (r *reading) Close() error {
	r.once.Do(func() { close(r.closed) })
	return r.Conn.Close()
}

// TestTheEndOfALetterLeavesAlone looks at the moment that everything hangs on.
func TestTheEndOfALetterLeavesAlone(t *testing.T) {
	t.Parallel()
	letter := message()
	letter.Photo, letter.HTML = nil, "" // it fits into every buffer
	send := func(t *testing.T, wrote func(r *reading, p string, giveUp func())) (verdict, *server, error) {
		s := serve(t, NoTLS, nil)
		c := s.channel(NoTLS)
		ctx, giveUp := context.WithCancel(t.Context())
		defer giveUp()
		dial := c.dial
		c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			r := &reading{Conn: conn, closed: make(chan struct{})}
			r.wrote = func(p string) { wrote(r, p, giveUp) }
			return r, err
		}
		id, err := c.Send(ctx, letter)
		s.wait()
		got, _ := judge(id, err)
		return got, s, err
	}
	t.Run("after all that came before it", func(t *testing.T) {
		t.Parallel()
		var last []string
		got, _, err := send(t, func(_ *reading, p string, _ func()) { last = append(last, p) })
		if n := len(last); got != taken || n < 3 || !strings.HasSuffix(last[n-3], "\r\n") || last[n-2] != ".\r\n" || last[n-1] != "QUIT\r\n" {
			t.Errorf("%v; it ends in %q", err, last)
		}
	})
	t.Run("or not at all, when the line breaks just before", func(t *testing.T) {
		t.Parallel()
		got, s, err := send(t, func(r *reading, p string, _ func()) {
			if strings.HasPrefix(p, "DATA") {
				_ = r.Conn.(*net.TCPConn).CloseWrite()
			}
		})
		if got != refusedIt || len(s.letters) != 0 {
			t.Errorf("%s: %v", got, err)
		}
	})
	t.Run("or not at all, when the call is given up just before", func(t *testing.T) {
		t.Parallel()
		got, s, err := send(t, func(r *reading, p string, giveUp func()) {
			if strings.Contains(p, "Message-ID") {
				giveUp()
				<-r.closed
			}
		})
		if got != refusedIt || !errors.Is(err, context.Canceled) || len(s.letters) != 0 {
			t.Errorf("%s: %v", got, err)
		}
	})
}

func TestTheTimesOfACall(t *testing.T) {
	for name, tt := range map[string]struct {
		pauses map[string]time.Duration
		want   verdict
		took   time.Duration
	}{
		"a slow server is waited for":                             {map[string]time.Duration{"MAIL": 3 * time.Second, "DATA": 4 * time.Second, ".": 12 * time.Second}, taken, 19 * time.Second},
		"a dialogue that is too slow in all is given up, unended": {map[string]time.Duration{"EHLO": 3 * time.Second, "MAIL": 3 * time.Second, "DATA": 3 * time.Second}, refusedIt, 8 * time.Second},
		"the answer to the letter is waited for the longest":      {map[string]time.Duration{"MAIL": 3 * time.Second, ".": 30 * time.Second}, unknown, 20 * time.Second},
		"a server that takes no leave is left after a second":     {map[string]time.Duration{"QUIT": time.Minute}, taken, time.Second},
		"a refusal is not kept waiting by a server that lingers":  {map[string]time.Duration{"RCPT": time.Second, "QUIT": time.Minute}, refusedIt, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := channel(t, Settings{Host: "localhost", TLS: NoTLS, From: "clinic@example.com"})
				ours, theirs := net.Pipe()
				c.dial = func(context.Context, string, string) (net.Conn, error) { return ours, nil }
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					defer theirs.Close()
					text := textproto.NewConn(theirs)
					_ = text.PrintfLine("220 hello")
					answers := map[string]string{"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken", "EHLO": "250 hello", "QUIT": "221 bye"}
					if strings.HasPrefix(name, "a refusal") {
						answers["RCPT"] = "550 5.7.1 no"
					}
					for {
						line, err := text.ReadLine()
						if err != nil {
							return
						}
						verb, _, _ := strings.Cut(line, " ")
						if answer, ok := answers[verb]; ok {
							time.Sleep(tt.pauses[verb])
							_ = text.PrintfLine("%s", answer)
						}
					}
				}()
				began := time.Now()
				got, _ := judge(c.Send(t.Context(), message()))
				if took := time.Since(began); got != tt.want || took != tt.took {
					t.Errorf("after %v the letter is %s; want %s after %v", took, got, tt.want, tt.took)
				}
				<-gone
			})
		})
	}
}

func TestWrongSettingsAreAllNamedAtOnce(t *testing.T) {
	fine := Settings{Host: "mail.example.com", TLS: StartTLS, User: "clinic", Password: "secret", From: "clinic@example.com"}
	for name, tt := range map[string]struct {
		change func(*Settings)
		fields []string
	}{
		"nothing":                           {func(s *Settings) { *s = Settings{} }, []string{"Host: ", "TLS: ", "From: "}},
		"a port in the host":                {func(s *Settings) { s.Host = "mail.example.com:587" }, []string{"Host: "}},
		"a URL for a host":                  {func(s *Settings) { s.Host = "smtp://mail.example.com" }, []string{"Host: "}},
		"a port out of range":               {func(s *Settings) { s.Port = 65536 }, []string{"Port: "}},
		"a negative port":                   {func(s *Settings) { s.Port = -1 }, []string{"Port: "}},
		"an unknown way":                    {func(s *Settings) { s.TLS = "ssl" }, []string{"TLS: "}},
		"no TLS to another machine":         {func(s *Settings) { s.TLS = NoTLS }, []string{"TLS: "}},
		"no TLS to another address":         {func(s *Settings) { s.TLS, s.Host = NoTLS, "192.0.2.1" }, []string{"TLS: "}},
		"a password of nobody":              {func(s *Settings) { s.User = "" }, []string{"User: "}},
		"a user without a password":         {func(s *Settings) { s.Password = "" }, []string{"Password: "}},
		"a password of two lines":           {func(s *Settings) { s.Password = "secret\r\nQUIT" }, []string{"Password: "}},
		"a name in the address":             {func(s *Settings) { s.From = "Clinic <clinic@example.com>" }, []string{"From: "}},
		"two addresses":                     {func(s *Settings) { s.From = "clinic@example.com, other@example.com" }, []string{"From: "}},
		"an address of a language's domain": {func(s *Settings) { s.From = "clinic@клиника.example" }, []string{"From: "}},
		"all of it":                         {func(s *Settings) { *s = Settings{Host: "a b", Port: -1, TLS: "x", Password: "secret\n", From: "x"} }, []string{"Host: ", "Port: ", "TLS: ", "User: ", "Password: ", "From: "}},
	} {
		s := fine
		tt.change(&s)
		_, err := New(s, time.Now)
		if dental.KindOf(err) != dental.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, field := range []string{"Host: ", "Port: ", "TLS: ", "User: ", "Password: ", "From: "} {
			if strings.Contains(err.Error(), field) != slices.Contains(tt.fields, field) {
				t.Errorf("%s: wanted the fields %q, got %v", name, tt.fields, err)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in the error: %v", name, err)
		}
	}
	for address, s := range map[string]Settings{
		"mail.example.com:587": fine,
		"mail.example.com:465": {Host: "mail.example.com", TLS: Implicit, From: "clinic@example.com"},
		"[::1]:25":             {Host: "::1", TLS: NoTLS, From: "clinic@example.com"},
		"127.0.0.1:2525":       {Host: "127.0.0.1", Port: 2525, TLS: NoTLS, From: "clinic@example.com"},
		"localhost:25":         {Host: "localhost", TLS: NoTLS, From: "clinic@example.com"},
	} {
		if c := channel(t, s); c.address() != address {
			t.Errorf("%v is called at %s, want %s", s, c.address(), address)
		}
	}
}

func TestSettingsDoNotShowThePassword(t *testing.T) {
	s := Settings{Host: "mail.example.com", TLS: StartTLS, User: "clinic", Password: "secret", From: "clinic@example.com"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("it runs", "mail", s)
	for _, shown := range []string{fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%s", s), log.String()} {
		if strings.Contains(shown, "secret") || !strings.Contains(shown, "mail.example.com:587 (starttls)") {
			t.Errorf("they show %q", shown)
		}
	}
}
