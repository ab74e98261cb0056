// Package email hands e-mail to Amazon SES, API v2.
//
// SendEmail has no idempotency token, so a message is handed over in one
// request and no more: the SDK's retryer is off and the client under it is
// wire's. The touch travels in message tags, and comes back in the events that
// package sesevent reads.
package email

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/returnpoint/returnpoint/shared/channel/email/sesevent"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Settings are what the account has set up in SES.
type Settings struct {
	// From is the verified address to send from, without a name: each message
	// brings its clinic's.
	From string
	// ConfigurationSet publishes the events of the messages. Without one nothing
	// is ever heard of bounces and complaints.
	ConfigurationSet string
}

// Channel is the e-mail channel over Amazon SES.
type Channel struct {
	ses      *sesv2.Client
	settings Settings
}

var _ outreach.Channel = (*Channel)(nil)

// configurationSet is how SES lets a configuration set be named.
var configurationSet = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// New makes the channel. Region, credentials and endpoint come from cfg; its
// HTTP client and its retryer are not used.
func New(cfg aws.Config, calls *wire.Client, s Settings) (*Channel, error) {
	var wrong []error
	if !bareAddress(s.From) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, "From", "%q is not an e-mail address", s.From))
	}
	if !configurationSet.MatchString(s.ConfigurationSet) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, "ConfigurationSet", "%q is not the name of a configuration set", s.ConfigurationSet))
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("email: settings: %w", errors.Join(wrong...))
	}
	client := sesv2.NewFromConfig(cfg, func(o *sesv2.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = calls
	})
	return &Channel{ses: client, settings: s}, nil
}

// refusals are the errors that the API reference documents for SendEmail and for
// all actions and that are told before anything was accepted.
// InternalServiceErrorException, InternalFailure, ServiceUnavailable and the
// two that speak of a request cut short prove nothing and are not here.
//
// MessageRejected is not held against the address: SES says it of every address
// while the account is in the sandbox, and of a sender that is not verified.
//
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
var refusals = wire.Refusals{
	rejected:                             {},
	"AccountSuspendedException":          {},
	"BadRequestException":                {},
	"MailFromDomainNotVerifiedException": {},
	"NotFoundException":                  {},
	"SendingPausedException":             {},
	"ValidationError":                    {},
	"ValidationException":                {},

	"AccessDenied":                   {},
	"AccessDeniedException":          {},
	"NotAuthorized":                  {},
	"OptInRequired":                  {},
	"UnrecognizedClientException":    {},
	"InvalidClientTokenId":           {},
	"MissingAuthenticationToken":     {},
	"IncompleteSignature":            {},
	"InvalidSignatureException":      {},
	"SignatureDoesNotMatch":          {},
	"UnknownOperationException":      {},
	"MalformedHttpRequestException":  {},
	"RequestEntityTooLargeException": {},

	// Rate and daily quota.
	"TooManyRequestsException": {Later: true},
	"LimitExceededException":   {Later: true},
	"Throttling":               {Later: true},
	"ThrottlingException":      {Later: true},
	"RequestExpired":           {Later: true},
	"ExpiredToken":             {Later: true},
	"ExpiredTokenException":    {Later: true},
}

const rejected = "MessageRejected"

// suppressed are the words by which a refusal says that the address is on a
// suppression list. SES itself accepts such a message and lets it bounce; the
// services compatible with it refuse, as SES once did.
var suppressed = []string{"Address blacklisted", "suppression list"}

// Send hands the message over; see outreach.Channel for its errors.
func (c *Channel) Send(ctx context.Context, m outreach.Message) (string, error) {
	in, err := c.input(m)
	if err != nil {
		return "", fmt.Errorf("email: %w", err)
	}
	ctx, call := wire.Begin(ctx)
	out, err := c.ses.SendEmail(ctx, in)
	if err != nil {
		err = wire.Verdict(call, err, refusals, m.To)
		var r *outreach.Refusal
		if errors.As(err, &r) && r.Code == rejected {
			r.BadAddress = containsAny(r.Error(), suppressed)
		}
		return "", fmt.Errorf("email: send: %w", err)
	}
	id := aws.ToString(out.MessageId)
	if id == "" {
		return "", errors.New("email: send: the answer has no message id")
	}
	return id, nil
}

func (c *Channel) input(m outreach.Message) (*sesv2.SendEmailInput, error) {
	if !bareAddress(m.To) {
		return nil, wire.Unsendable("invalid-address", "the address is none that SES takes", wire.Meaning{BadAddress: true})
	}
	if m.Subject == "" || m.Text == "" {
		return nil, wire.Unsendable("empty-text", "there is no subject or no plain part", wire.Meaning{})
	}
	headers, err := unsubscribe(m.Unsubscribe)
	if err != nil {
		return nil, err
	}
	tags, err := sesevent.Tags(m.Touch, m.Attempt)
	if err != nil {
		return nil, wire.Unsendable("invalid-tag", err.Error(), wire.Meaning{})
	}
	emailTags := make([]types.MessageTag, len(tags))
	for i, t := range tags {
		emailTags[i] = types.MessageTag{Name: aws.String(t.Name), Value: aws.String(t.Value)}
	}
	body := &types.Body{Text: utf8Content(m.Text)}
	if m.HTML != "" {
		body.Html = utf8Content(m.HTML)
	}
	return &sesv2.SendEmailInput{
		FromEmailAddress:     aws.String(from(m.Sender, c.settings.From)),
		Destination:          &types.Destination{ToAddresses: []string{m.To}},
		ConfigurationSetName: aws.String(c.settings.ConfigurationSet),
		EmailTags:            emailTags,
		Content: &types.EmailContent{Simple: &types.Message{
			// A subject is one line, whatever white space a template left in it.
			Subject:     utf8Content(strings.Join(strings.Fields(m.Subject), " ")),
			Body:        body,
			Headers:     headers,
			Attachments: pictures(m),
		}},
	}, nil
}

// photo and chart are how the HTML part names what is in the letter: cid:doctor, cid:chart.
const (
	photo = "doctor"
	chart = "chart"
)

// pictures are those inside of the message; none without any. SES lays such a
// message out as multipart/related.
func pictures(m outreach.Message) (all []types.Attachment) {
	add := func(name, ending, kind string, content []byte) {
		if len(content) == 0 {
			return
		}
		all = append(all, types.Attachment{
			FileName:    aws.String(name + ending),
			ContentType: aws.String(kind), ContentId: aws.String(name),
			ContentDisposition: types.AttachmentContentDispositionInline,
			// Without it SES writes the bytes as they are, which no mail server has to carry.
			ContentTransferEncoding: types.AttachmentContentTransferEncodingBase64,
			RawContent:              content,
		})
	}
	add(photo, ".jpg", "image/jpeg", m.Photo)
	add(chart, ".png", "image/png", m.Chart)
	return all
}

func utf8Content(s string) *types.Content {
	return &types.Content{Data: aws.String(s), Charset: aws.String("UTF-8")}
}

// maxHeader is the most characters that SES takes as the value of a header.
const maxHeader = 995

// unsubscribe are the headers of RFC 8058, in its order; none without a URL.
func unsubscribe(link string) ([]types.MessageHeader, error) {
	if link == "" {
		return nil, nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(link) > maxHeader-2 || strings.ContainsFunc(link, notInURL) {
		return nil, wire.Unsendable("invalid-unsubscribe", "the link to unsubscribe is no https URL for a header", wire.Meaning{})
	}
	header := func(name, value string) types.MessageHeader {
		return types.MessageHeader{Name: aws.String(name), Value: aws.String(value)}
	}
	return []types.MessageHeader{
		header("List-Unsubscribe", "<"+link+">"),
		header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
	}, nil
}

func notInURL(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' || r == ',' }

// maxFrom is the most characters that SES takes as a From, the encoded name
// included. It refuses longer ones, and its reference does not say so.
const maxFrom = 320

// from is "name <address>" with the name encoded as RFC 2047 asks, and cut short
// where it does not fit.
func from(name, address string) string {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" {
		return address
	}
	encoded := encode(name)
	for len(encoded)+len(address)+3 > maxFrom {
		_, last := utf8.DecodeLastRuneInString(name)
		name = strings.TrimRight(name[:len(name)-last], " ")
		if name == "" {
			return address
		}
		encoded = encode(name)
	}
	return encoded + " <" + address + ">"
}

// encode writes a name for a header: in base64, which takes half of what the
// other encoding does for Cyrillic, or quoted.
func encode(name string) string {
	if e := mime.BEncoding.Encode("utf-8", name); e != name {
		return e
	}
	// ASCII: net/mail knows what has to be quoted. It writes "name <@>".
	return strings.TrimSuffix((&mail.Address{Name: name, Address: "@"}).String(), " <@>")
}

// bareAddress reports whether s is an ASCII address and nothing else. SES takes
// no other in the local part, and domains only as Punycode.
func bareAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && len(s) <= 254 && !strings.ContainsFunc(s, notInURL) && !strings.ContainsRune(s, '"')
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
