package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

var (
	errSlow   = errors.New("the mail server was too slow to be handed the message")
	errSilent = errors.New("the mail server did not answer for the message in time")
	errAbroad = errors.New("without TLS mail goes to this machine alone, and the name leads to another")
)

// maxSaid is how much of a server's answer is worth a log's line.
const maxSaid = 300

// hand gives one letter to the server: nil when the server took it, a
// *outreach.Refusal when it is proven that it did not, any other error when
// nobody knows. It transmits the letter at most once.
func (c *Channel) hand(ctx context.Context, to string, letter []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.callTime, errSilent)
	defer cancel()
	talk, cancelTalk := context.WithTimeoutCause(ctx, c.talkTime, errSlow)
	defer cancelTalk()

	line, err := c.dial(talk, "tcp", c.address())
	if err != nil {
		return refusal(talk, "reach the server", fmt.Errorf("%w: %w", outreach.ErrNotSent, err))
	}
	// go-mail watches no context, and leaves the line open on some errors.
	hangUp := func() { _ = line.Close() }
	defer hangUp()
	keep := context.AfterFunc(talk, hangUp)
	defer keep()

	session, err := c.open(talk, line)
	if err != nil {
		return refusal(talk, "open the session", err)
	}
	if err := session.Mail("<" + c.settings.From + ">"); err != nil {
		c.quit(session, hangUp)
		return refusal(talk, "name the sender", err)
	}
	if err := session.Rcpt("<" + to + ">"); err != nil {
		c.quit(session, hangUp)
		return ofAddress(refusal(talk, "name the recipient", err))
	}
	data, err := session.Data()
	if err != nil {
		c.quit(session, hangUp)
		return ofAddress(refusal(talk, "begin the message", err))
	}
	// The whole letter is flushed first, so that a failure to transmit it is one
	// before its end. There is no QUIT after such a failure: textproto would first
	// write the "." of the message left open, and the server take half a letter.
	if _, err = data.Write(letter); err == nil {
		err = session.Text.W.Flush()
	}
	if err == nil && !keep() {
		err = context.Cause(talk)
	}
	if err != nil {
		return refusal(talk, "transmit the message", err)
	}
	defer context.AfterFunc(ctx, hangUp)()

	err = data.Close() // the "."; from here on only an answer proves anything
	switch said := answer(err); {
	case err == nil || said != nil && said.Code/100 == 2: // the first digit is enough (RFC 5321, 4.2)
		c.quit(session, hangUp)
		return nil
	case said != nil && (said.Code/100 == 4 || said.Code/100 == 5):
		c.quit(session, hangUp)
		return ofAddress(refusal(ctx, "end the message", err))
	}
	return fmt.Errorf("wait for the answer to the message: %w", reason(ctx, err))
}

// open greets the server, and secures the line and signs in as the settings say.
func (c *Channel) open(ctx context.Context, line net.Conn) (*smtp.Client, error) {
	options := []gomail.Option{
		gomail.WithTimeout(c.talkTime + c.callTime), // the contexts are earlier
		gomail.WithHELO(literal(line.LocalAddr())),
		// Asked for SMTPUTF8, a server may hand the mail on to none that lacks it; no address here needs it.
		gomail.WithoutSMTPUTF8(),
		gomail.WithTLSPolicy(gomail.NoTLS),
		gomail.WithTLSConfig(c.tls.Clone()),
	}
	// Over a secured line the plain mechanisms are as safe as any, and work with
	// every server's accounts. The others are for servers that have no plain one.
	mechanisms := []gomail.SMTPAuthType{gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5}
	switch c.settings.TLS {
	case Implicit:
		secured := tls.Client(line, c.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", outreach.ErrNotSent, err)
		}
		line = secured
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case NoTLS:
		if at, ok := line.RemoteAddr().(*net.TCPAddr); ok && !at.IP.IsLoopback() {
			return nil, fmt.Errorf("%w: %w", outreach.ErrNotSent, errAbroad)
		}
		// The password does not leave this machine.
		mechanisms[0], mechanisms[1] = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
	}
	if c.settings.User != "" {
		options = append(options, gomail.WithOpportunisticSMTPAuth(mechanisms...),
			gomail.WithUsername(c.settings.User), gomail.WithPassword(c.settings.Password))
	}
	options = append(options, gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return line, nil }))
	// A client of its own for each message: go-mail's remembers what the last server offered.
	client, err := gomail.NewClient(c.settings.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up the client: %w", err)
	}
	return client.DialToSMTPClientWithContext(ctx)
}

// literal is how a client without a name of its own introduces itself (RFC 5321, 4.1.3).
func literal(own net.Addr) string {
	at, ok := own.(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case at.IP.To4() == nil:
		return "[IPv6:" + at.IP.String() + "]"
	}
	return "[" + at.IP.String() + "]"
}

// quit takes leave, in a moment and whatever the server says to it.
func (c *Channel) quit(session *smtp.Client, hangUp func()) {
	defer time.AfterFunc(c.quitTime, hangUp).Stop()
	_ = session.Quit()
}

// refusal is the proof that the letter was not taken: the server's answer where
// it gave one, else the failure of the line before the end of the message.
func refusal(ctx context.Context, doing string, err error) *outreach.Refusal {
	said := answer(err)
	if said == nil || said.Code/100 != 4 && said.Code/100 != 5 {
		// Unlike a "no", what broke or made no sense may go better another time.
		return &outreach.Refusal{Code: wire.NotSentCode, Later: true, Err: fmt.Errorf("%s: %w", doing, reason(ctx, err))}
	}
	code := strings.TrimSpace(strconv.Itoa(said.Code) + " " + enhanced(said))
	return &outreach.Refusal{Code: code, Later: said.Code/100 == 4, Err: fmt.Errorf("%s: %w", doing, reason(ctx, err))}
}

// addressCodes say, for good, that the address is wrong and will not come right
// (RFC 3463, 3.2 and 3.3; RFC 7505 for the last). 5.1.0 and 5.1.4 leave it open,
// 5.1.7 and 5.1.8 are about the sender, 5.2.2 is a full mailbox.
var addressCodes = map[string]bool{
	"5.1.1":  true, // no such mailbox
	"5.1.2":  true, // no such domain
	"5.1.3":  true, // no address at all
	"5.1.6":  true, // moved, nobody knows where
	"5.2.1":  true, // the mailbox is closed
	"5.1.10": true, // the domain takes no mail
}

// noMail is "domain does not accept mail" (RFC 7504). It needs no enhanced code.
// 550, 551 and 553 without one prove nothing of the address: servers say them of
// senders and of relaying as well.
const noMail = 556

// ofAddress is a refusal of what was said about the recipient.
func ofAddress(r *outreach.Refusal) *outreach.Refusal {
	if said := answer(r.Err); said != nil {
		r.BadAddress = addressCodes[enhanced(said)] || said.Code == noMail
	}
	return r
}

// answer is the server's answer that the error is made of, nil if it is none.
func answer(err error) *textproto.Error {
	var said *textproto.Error
	if !errors.As(err, &said) {
		return nil
	}
	return said
}

var enhancedCode = regexp.MustCompile(`^([245])\.\d{1,3}\.\d{1,3}(?:\s|$)`)

// enhanced is the enhanced status code that an answer begins with (RFC 2034), ""
// without one and where it contradicts the answer.
func enhanced(said *textproto.Error) string {
	m := enhancedCode.FindStringSubmatch(said.Msg)
	if m == nil || m[1] != strconv.Itoa(said.Code/100) {
		return ""
	}
	return strings.TrimSpace(m[0])
}

// reason is the error in words for the log: what the server answered, or why we
// closed the line, if we did.
func reason(ctx context.Context, err error) error {
	if said := answer(err); said != nil {
		return blotted{said}
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

var addressLike = regexp.MustCompile(`[^\s<>()",:;]+@[^\s<>()",:;]+`)

// blotted is a server's answer without addresses in its text, which is for logs.
type blotted struct{ said *textproto.Error }

func (b blotted) Error() string {
	return "the server answered " + strconv.Itoa(b.said.Code) + " " + addressLike.ReplaceAllString(oneLine(b.said.Msg, maxSaid), "***")
}

func (b blotted) Unwrap() error { return b.said }
