// Package whatsapp hands messages to Meta's WhatsApp Business Cloud API, and
// reads what Meta says later in its webhooks.
//
// What a business says first must be a template that Meta has approved, so a
// message is one of the clinic's templates with the rendered text as its only
// parameter. The API has no idempotency key: a message is handed over in one
// request and no more, by wire's client. The touch and its attempt travel in
// biz_opaque_callback_data and come back with every status, so that a report
// finds its attempt although the answer to the request was lost.
//
// A clinic has its own number, templates and bill with Meta. Its access is a
// dental.Account; Validate says what stands in one.
package whatsapp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Options are what a deployment may set otherwise; the zero value is Meta's own.
type Options struct {
	// Endpoint is where the Graph API stands: https, or http on loopback.
	// "" is https://graph.facebook.com.
	Endpoint string
	// Version of the Graph API, as "v25.0", which "" means.
	Version string
}

const (
	defaultEndpoint = "https://graph.facebook.com"
	defaultVersion  = "v25.0"
)

// Channel is the WhatsApp channel over the Cloud API, for all clinics.
type Channel struct {
	calls *wire.Client
	base  string
}

var _ outreach.Channel = (*Channel)(nil)

var (
	e164    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	version = regexp.MustCompile(`^v[1-9][0-9]{0,2}\.[0-9]$`)
	trace   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// New makes the channel.
func New(calls *wire.Client, o Options) (*Channel, error) {
	if o.Endpoint == "" {
		o.Endpoint = defaultEndpoint
	}
	if o.Version == "" {
		o.Version = defaultVersion
	}
	var wrong []error
	if !safe(o.Endpoint) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, "Endpoint", "%q is no https URL of a host", o.Endpoint))
	}
	if !version.MatchString(o.Version) {
		wrong = append(wrong, dental.Errorf(dental.Invalid, "Version", "%q is no version of the Graph API", o.Version))
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("whatsapp: options: %w", errors.Join(wrong...))
	}
	return &Channel{calls: calls, base: strings.TrimRight(o.Endpoint, "/") + "/" + o.Version + "/"}, nil
}

// safe reports whether the clinics' tokens may be sent to the endpoint.
func safe(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// maxAnswer is far more than the API answers.
const maxAnswer = 64 << 10

// Send hands the message over; see outreach.Channel for its errors, which hold
// nothing of the text, the number or the access. The id is the one that the
// reports of Parse have: see ID.
func (c *Channel) Send(ctx context.Context, m outreach.Message) (string, error) {
	body, err := request(m)
	if err != nil {
		return "", fmt.Errorf("whatsapp: %w", err)
	}
	ctx, call := wire.Begin(ctx)
	status, answer, err := c.post(ctx, m.Account, body)
	if err != nil {
		return "", fmt.Errorf("whatsapp: send: %w", wire.Verdict(call, err, nil, m.To))
	}
	id, err := read(status, answer)
	if err != nil {
		return "", fmt.Errorf("whatsapp: send: %w", err)
	}
	return id, nil
}

func (c *Channel) post(ctx context.Context, a dental.Account, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+a.Settings[PhoneNumberID]+"/messages", bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make the request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+string(a.Secrets[Token]))
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.calls.Do(r)
	if err != nil {
		// Without the URL, which names the clinic's number.
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer (status %d): %w", resp.StatusCode, err)
	}
	return resp.StatusCode, answer, nil
}

// template is the body of POST /{version}/{phone number id}/messages:
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/utility-templates/utility-templates
// The address has its plus sign, without which the API would put the country
// code of the sender before it:
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
type template struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	To            string `json:"to"`
	Type          string `json:"type"`
	Callback      string `json:"biz_opaque_callback_data"`
	Template      struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
		Components []component `json:"components"`
	} `json:"template"`
}

type component struct {
	Type       string     `json:"type"`
	Parameters []textPart `json:"parameters"`
}

type textPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// maxBody is the most characters of a template's body, its parameters filled in:
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
const maxBody = 1024

// request is the body for a message, or a refusal of one that the API could not take.
func request(m outreach.Message) ([]byte, error) {
	if !e164.MatchString(m.To) {
		return nil, wire.Unsendable("invalid-number", "the number is not in E.164", wire.Meaning{BadAddress: true})
	}
	if err := Validate(m.Account); err != nil {
		return nil, wire.Unsendable("no-account", strings.ReplaceAll(err.Error(), "\n", "; "), wire.Meaning{})
	}
	name, language := m.Account.Settings[templateOf(m.Class)], languageOf(m.Account, m.Locale)
	if name == "" || !languageCode.MatchString(language) {
		return nil, wire.Unsendable("no-template", fmt.Sprintf("there is no template for class %q in language %q", m.Class, m.Locale), wire.Meaning{})
	}
	text := parameter(m.Text)
	if text == "" {
		return nil, wire.Unsendable("empty-text", "there is no text", wire.Meaning{})
	}
	// A text is not cut: its link and its warning stand at the end.
	if n := utf8.RuneCountInString(text); n > maxBody {
		return nil, wire.Unsendable("text-too-long", fmt.Sprintf("the text has %d characters of %d", n, maxBody), wire.Meaning{})
	}
	callback, err := callbackData(m.Touch, m.Attempt)
	if err != nil {
		return nil, wire.Unsendable("invalid-callback", err.Error(), wire.Meaning{})
	}
	t := template{Product: "whatsapp", RecipientType: "individual", To: m.To, Type: "template", Callback: callback}
	t.Template.Name, t.Template.Language.Code = name, language
	t.Template.Components = []component{{Type: "body", Parameters: []textPart{{Type: "text", Text: text}}}}
	body, err := json.Marshal(t)
	if err != nil {
		return nil, wire.Unsendable("invalid-request", "the request cannot be written", wire.Meaning{})
	}
	return body, nil
}

var (
	blanks = regexp.MustCompile(`[\s\p{Z}\p{Cc}]+`)
	// glue are the spaces that keep a number and its word on one line.
	glue = map[string]bool{"\u00a0": true, "\u202f": true}
)

// parameter makes a text fit for a template: "Param text cannot have new-line/tab
// characters or more than 4 consecutive spaces", says the API.
// https://developers.facebook.com/docs/whatsapp/message-templates/creation
func parameter(text string) string {
	text = blanks.ReplaceAllStringFunc(strings.ToValidUTF8(text, ""), func(run string) string {
		if glue[run] {
			return run
		}
		return " "
	})
	return strings.TrimSpace(text)
}

// read says what an answer proves: that the message was accepted, under an id;
// that it was refused, by a code of the list; or, with any other error, nothing.
// Of Meta's own words only the code and the trace are kept, because the rest
// quotes what it was given.
func read(status int, answer []byte) (string, error) {
	var a struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
		Error *struct {
			Code  digits `json:"code"`
			Trace string `json:"fbtrace_id"`
		} `json:"error"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return "", fmt.Errorf("the answer with status %d is not one of the API", status)
	}
	switch {
	case a.Error == nil && status/100 == 2 && len(a.Messages) > 0 && a.Messages[0].ID != "":
		// Also one that is held to see how readers like the template: if it is
		// dropped, a webhook says so.
		// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-pacing
		return ID(a.Messages[0].ID), nil
	case a.Error == nil:
		return "", fmt.Errorf("the answer with status %d has neither an id nor an error", status)
	}
	said := fmt.Errorf("the API answered with status %d and code %q", status, a.Error.Code)
	if trace.MatchString(a.Error.Trace) {
		said = fmt.Errorf("%w, trace %s", said, a.Error.Trace)
	}
	meaning, listed := meaningOf(a.Error.Code)
	// A provider that failed inside can have accepted first, whatever code it gives.
	if !listed || status/100 != 4 {
		return "", said
	}
	return "", &outreach.Refusal{Code: string(a.Error.Code), BadAddress: meaning.BadAddress, Later: meaning.Later, Err: said}
}

// digits is a number without sign, which Meta's documents write as a JSON
// number in one place and as a text in another; "" is none.
type digits string

// UnmarshalJSON takes 131026 and "131026".
func (d *digits) UnmarshalJSON(raw []byte) error {
	s := string(raw)
	if len(s) > 1 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	if len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return errors.New("is not a number")
	}
	*d = digits(s)
	return nil
}

// ID is the name under which a message of Meta's is known here: the first 128
// bits of SHA-256 of its wamid, base64url. The wamid itself is the reader's
// phone number and a random part in base64, and would keep the number where
// only its keyed hash may stay.
func ID(wamid string) string {
	sum := sha256.Sum256([]byte(wamid))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
