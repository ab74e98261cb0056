package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// SignatureHeader is the header that Verify takes.
const SignatureHeader = "X-Hub-Signature-256"

// Verify reports whether the header is Meta's signature of exactly these bytes:
// "sha256=" and the HMAC-SHA256 by the app's secret in hexadecimal digits.
// Without a secret nothing is signed.
//
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started
func Verify(body []byte, header string, secret dental.Secret) bool {
	encoded, ok := strings.CutPrefix(header, "sha256=")
	if !ok || secret == "" {
		return false
	}
	given, err := hex.DecodeString(encoded)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// challenge is a number in all that Meta documents.
var challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// Challenge answers the GET by which Meta makes sure of the webhook's URL: the
// body of the answer, as text/plain, if the query brings the account's
// verifyToken, and false for a 403.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
func Challenge(query url.Values, token string) (string, bool) {
	one := func(name string) string {
		if v := query["hub."+name]; len(v) == 1 {
			return v[0]
		}
		return ""
	}
	// Hashed, so that the time of the comparison does not tell the length.
	given, want := sha256.Sum256([]byte(one("verify_token"))), sha256.Sum256([]byte(token))
	knows := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	answer := one("challenge")
	if token == "" || !knows || one("mode") != "subscribe" || !challenge.MatchString(answer) {
		return "", false
	}
	return answer, true
}

// Inbound is what somebody wrote to the clinic's number, or the label of the
// button that they pressed under a message of ours.
type Inbound struct {
	From dental.Phone
	Text string // as it was written: untrusted, up to 4096 characters
	ID   string // see the function ID; the same message taken twice has the same
	At   time.Time
}

// Format keeps the text out of every verb.
func (i Inbound) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "WhatsApp message %s of %s", i.ID, i.From)
}

// LogValue keeps the text out of logs.
func (i Inbound) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

// Parse reads the body of a webhook, which may bring up to 1000 updates in
// several entries and changes. The statuses sent, delivered, read and failed
// become reports, and texts and pressed buttons become Inbound. The rest is
// passed over: other fields, types and statuses, and messages without a phone
// number, whose senders go by a username. Meta repeats what is not answered by
// 200 for 7 days, and promises no order.
//
// A report has the touch when callbackData wrote the status's; whoever settles
// it still has to ask whether that clinic is the one whose secret has signed.
//
// Updates that lack what their type needs are passed over as well, and told of
// by an Invalid that quotes nothing; whatever else there was is returned beside
// it. Only a body that is no webhook of Meta's gives the error alone.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
func Parse(raw []byte) (reports []outreach.Report, inbound []Inbound, err error) {
	var d struct {
		Object string            `json:"object"`
		Entry  []json.RawMessage `json:"entry"`
	}
	if json.Unmarshal(raw, &d) != nil || d.Object == "" {
		return nil, nil, dental.Errorf(dental.Invalid, "", "whatsapp: the body is not a webhook of Meta's")
	}
	if d.Object != "whatsapp_business_account" {
		return nil, nil, nil
	}
	var p parser
	for i, entry := range d.Entry {
		p.entry(fmt.Sprintf("entry[%d]", i), entry)
	}
	if p.unread > 0 {
		err = dental.Errorf(dental.Invalid, p.first, "whatsapp: is not as its type asks; %d such updates were passed over", p.unread)
	}
	return p.reports, p.inbound, err
}

// parser gathers what it can read and counts what it cannot.
type parser struct {
	reports []outreach.Report
	inbound []Inbound
	unread  int
	first   string // where the first unread stands
}

// decode reads one part of the body. The decoder's own errors quote numbers, so
// only the place is kept.
func (p *parser) decode(where string, raw json.RawMessage, into any) bool {
	if json.Unmarshal(raw, into) != nil {
		p.pass(where)
		return false
	}
	return true
}

func (p *parser) pass(where string) {
	if p.unread++; p.unread == 1 {
		p.first = where
	}
}

func (p *parser) entry(where string, raw json.RawMessage) {
	var e struct {
		Changes []json.RawMessage `json:"changes"`
	}
	if !p.decode(where, raw, &e) {
		return
	}
	for i, raw := range e.Changes {
		where := fmt.Sprintf("%s.changes[%d]", where, i)
		var c struct {
			Field string          `json:"field"`
			Value json.RawMessage `json:"value"`
		}
		if !p.decode(where, raw, &c) || c.Field != "messages" {
			continue
		}
		var v struct {
			Statuses []json.RawMessage `json:"statuses"`
			Messages []json.RawMessage `json:"messages"`
		}
		if len(c.Value) == 0 {
			p.pass(where)
			continue
		}
		if !p.decode(where+".value", c.Value, &v) {
			continue
		}
		for i, raw := range v.Statuses {
			p.status(fmt.Sprintf("%s.value.statuses[%d]", where, i), raw)
		}
		for i, raw := range v.Messages {
			p.message(fmt.Sprintf("%s.value.messages[%d]", where, i), raw)
		}
	}
}

// kinds are what the statuses prove. Read stands for delivered, too: "In some
// cases ... the 'delivered' webhook is not sent because it's implied". Failed is
// "failure to send or deliver", whatever the code beside it.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
var kinds = map[string]outreach.ReportKind{
	"sent":      outreach.ReportAccepted,
	"delivered": outreach.ReportDelivered,
	"read":      outreach.ReportDelivered,
	"failed":    outreach.ReportUndelivered,
}

func (p *parser) status(where string, raw json.RawMessage) {
	var name struct {
		Status string `json:"status"`
	}
	if !p.decode(where, raw, &name) || kinds[name.Status] == "" {
		return
	}
	var s struct {
		ID        string          `json:"id"`
		Timestamp digits          `json:"timestamp"`
		Callback  json.RawMessage `json:"biz_opaque_callback_data"`
		Errors    json.RawMessage `json:"errors"`
	}
	if !p.decode(where, raw, &s) {
		return
	}
	at, dated := s.Timestamp.time()
	if s.ID == "" || !dated {
		p.pass(where)
		return
	}
	r := outreach.Report{Channel: string(dental.WhatsApp), ProviderID: ID(s.ID), Kind: kinds[name.Status], Code: name.Status, At: at}
	if r.Kind == outreach.ReportUndelivered {
		r.Code = code(s.Errors, r.Code)
	}
	var callback string
	if len(s.Callback) > 0 && json.Unmarshal(s.Callback, &callback) == nil {
		r.Touch, r.Attempt = parseCallback(callback)
	}
	p.reports = append(p.reports, r)
}

// code is the first code of a status's errors, or else the given word.
func code(raw json.RawMessage, word string) string {
	var list []struct {
		Code digits `json:"code"`
	}
	if len(raw) > 0 && json.Unmarshal(raw, &list) == nil && len(list) > 0 && list[0].Code != "" {
		return string(list[0].Code)
	}
	return word
}

// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/text
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/button
func (p *parser) message(where string, raw json.RawMessage) {
	var name struct {
		Type string `json:"type"`
		// From is empty or absent when the sender goes by a username:
		// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
		From string `json:"from"`
	}
	if !p.decode(where, raw, &name) || name.Type != "text" && name.Type != "button" || name.From == "" {
		return
	}
	var m struct {
		ID        string `json:"id"`
		Timestamp digits `json:"timestamp"`
		Text      struct {
			Body string `json:"body"`
		} `json:"text"`
		Button struct {
			Text    string `json:"text"`
			Payload string `json:"payload"`
		} `json:"button"`
	}
	if !p.decode(where, raw, &m) {
		return
	}
	text := m.Text.Body
	if name.Type == "button" {
		if text = m.Button.Text; text == "" {
			text = m.Button.Payload
		}
	}
	// The documents write the number without the plus sign and with it.
	from := "+" + strings.TrimPrefix(name.From, "+")
	at, dated := m.Timestamp.time()
	if m.ID == "" || text == "" || !dated || !e164.MatchString(from) {
		p.pass(where)
		return
	}
	p.inbound = append(p.inbound, Inbound{From: dental.Phone(from), Text: text, ID: ID(m.ID), At: at})
}

// time reads Unix seconds, of the years up to 5138.
func (d digits) time() (time.Time, bool) {
	seconds, err := strconv.ParseInt(string(d), 10, 64)
	if err != nil || seconds < 1 || len(d) > 11 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}
