// Package smsgate hands text messages to SMSC.ru, an HTTP gateway to the
// operators of Russia, under the clinic's own account, and reads what the
// gateway reports later.
//
// # The account
//
// dental.Account holds what the clinic has in its cabinet at smsc.ru:
//
//	Settings["sender"]         name shown as the sender, registered with the operators:
//	                           up to 11 Latin letters, digits and signs, or up to 15 digits
//	Secrets["apiKey"]          key of the API; without one, both of
//	Settings["login"]          the login and
//	Secrets["password"]        its password
//	Secrets["callback"]        part of the path of its callbacks: dental.CallbackSecret
//	Secrets["callbackSecret"]  string that the gateway signs its reports with, 16 or more
//	                           Latin letters and digits
//
// The handler of statuses and incoming messages is set in the cabinet too: an
// address that belongs to this clinic alone, with charset=utf-8 and sha1 (or
// md5) among its parameters, without fmt, and with callbackSecret as the secret.
//
// # At most once
//
// One message is one request and no more (package wire). A message is named by
// its attempt (MessageID), so that a report tells the attempt even when the
// answer was lost. The name does not protect from a second copy: the gateway
// says that an id need not be unique, keeps both messages, and tells the status
// of the latter. It only refuses an identical request within one minute.
//
// # Sources
//
// Parameters, answers and codes of the request:
//
//	https://smsc.ru/api/http/send/sms/
//	https://smsc.ru/api/http/send/sms/sms_answer/
//
// Statuses, their errors and the handler:
//
//	https://smsc.ru/api/http/status_messages/statuses/ (in English: smscentre.com, same path)
//	https://smscentre.com/api/smpp/errors
//	https://smsc.ru/api/http/miscellaneous/callback/
package smsgate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// The keys of an account.
const (
	settingLogin   = "login"
	settingSender  = "sender"
	secretPassword = "password"
	secretKey      = "apiKey"
	secretCallback = "callbackSecret"
)

// endpoint is fixed: an address in a clinic's settings would be a way to have
// its patients' numbers sent anywhere.
const endpoint = "https://smsc.ru/sys/send.php"

// Options are for tests; the zero value is right for the public gateway.
type Options struct {
	// Endpoint is called in the place of the gateway's.
	Endpoint string
}

// Channel is the SMS channel over the gateway. The account comes with each
// message, so that one Channel serves every clinic. It is safe for concurrent use.
type Channel struct {
	calls    *wire.Client
	endpoint string
}

var _ outreach.Channel = (*Channel)(nil)

// New makes the channel.
func New(calls *wire.Client, o Options) *Channel {
	c := &Channel{calls: calls, endpoint: endpoint}
	if o.Endpoint != "" {
		c.endpoint = o.Endpoint
	}
	return c
}

var (
	e164         = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	senderName   = regexp.MustCompile(`^[!-~]([ -~]{0,9}[!-~])?$`)
	senderNumber = regexp.MustCompile(`^[0-9]{1,15}$`)
	secretString = regexp.MustCompile(`^[A-Za-z0-9]{16,}$`)
)

// Validate says what an account lacks, everything at once: errors of the kind
// dental.Invalid, each with its field, and none with a secret in its text.
func Validate(a dental.Account) error {
	var wrong dental.Wrongs
	if a.Secrets[secretKey] == "" {
		if a.Settings[settingLogin] == "" {
			wrong.Add("settings.login", "is missing; the secret %s takes the place of login and password", secretKey)
		}
		if a.Secrets[secretPassword] == "" {
			wrong.Add("secrets.password", "is missing; the secret %s takes the place of login and password", secretKey)
		}
	}
	switch s := a.Settings[settingSender]; {
	case s == "":
		wrong.Add("settings.sender", "is missing")
	case !senderName.MatchString(s) && !senderNumber.MatchString(s):
		wrong.Add("settings.sender", "%q is neither up to 11 Latin letters, digits and signs nor up to 15 digits", s)
	}
	switch s := string(a.Secrets[secretCallback]); {
	case s == "":
		wrong.Add("secrets.callbackSecret", "is missing")
	case !secretString.MatchString(s):
		wrong.Add("secrets.callbackSecret", "is not 16 or more Latin letters and digits")
	}
	wrong.Callback(a, "the path of the callbacks")
	wrong.Strangers(a, "this gateway", []string{settingLogin, settingSender}, []string{secretPassword, secretKey, secretCallback, dental.CallbackSecret})
	return wrong.Err("smsgate: account")
}

// MessageID is the id that the message of an attempt has at the gateway, known
// before the call: 35 of the at most 40 Latin letters, digits and -._ that it
// allows, the letters small, in case somebody on the way folds them. It begins
// with a letter because digits alone would be a number of its own numbering.
func MessageID(attempt string) string {
	sum := sha256.Sum256([]byte(attempt))
	return "rp-" + hex.EncodeToString(sum[:16])
}

// prefix is how a text asks to be sent by other means: __CALL__ makes it a call.
var prefix = regexp.MustCompile(`^\s*__[A-Za-z]+__`)

// commands reports whether the gateway would take a part of the text for a
// command: a prefix, or a line that begins with tildes, after which stands what
// is not sent but kept, as a comment or a parameter.
//
// https://smsc.ru/api/http/send/ (prefixes, comments)
func commands(text string) bool {
	return prefix.MatchString(text) || strings.HasPrefix(text, "~~~") || strings.Contains(text, "\n~~~")
}

// Send hands the text to the gateway; see outreach.Channel for its errors.
func (c *Channel) Send(ctx context.Context, m outreach.Message) (string, error) {
	if r := unsendable(m); r != nil {
		return "", fmt.Errorf("smsgate: %w", r)
	}
	id := MessageID(m.Attempt)
	ctx, call := wire.Begin(ctx)
	status, body, err := c.post(ctx, request(m, id))
	if err != nil {
		// net/http quotes an answer that it cannot read; the number may stand there
		// without its plus.
		return "", fmt.Errorf("smsgate: send: %w", wire.Verdict(call, err, nil, m.To[1:]))
	}
	accepted, err := read(status, body, id)
	if err != nil {
		return "", fmt.Errorf("smsgate: send: %w", err)
	}
	return accepted, nil
}

// unsendable is the refusal of what the gateway could not take or would take
// for something else, nil for a message that it can be asked to send.
func unsendable(m outreach.Message) *outreach.Refusal {
	if err := Validate(m.Account); err != nil {
		return wire.Unsendable("no-account", err.Error(), wire.Meaning{})
	}
	switch {
	case !e164.MatchString(m.To):
		return wire.Unsendable("invalid-number", "the number is not in E.164", wire.Meaning{BadAddress: true})
	case m.Text == "":
		return wire.Unsendable("empty-text", "there is no text", wire.Meaning{})
	case commands(m.Text):
		return wire.Unsendable("command-in-text", "the gateway would take a part of the text for a command", wire.Meaning{})
	case m.Attempt == "":
		return wire.Unsendable("no-attempt", "there is no attempt to name the message by", wire.Meaning{})
	}
	return nil
}

// request is the form that asks for one message.
func request(m outreach.Message, id string) url.Values {
	form := url.Values{
		// With its plus a number is taken as it is; without, the gateway corrects
		// what looks like a slip, and may write to somebody else.
		"phones": {m.To},
		"mes":    {m.Text},
		"id":     {id},
		"sender": {m.Account.Settings[settingSender]},
		// The default is windows-1251.
		"charset": {"utf-8"},
		// id,count or id,-code: the one form of an answer that holds no words.
		"fmt": {"1"},
		// Else a setting in the cabinet may rewrite the letters, or replace the
		// link by one of the gateway's own that counts who has pressed it.
		"translit": {"0"},
		"tinyurl":  {"0"},
	}
	if key := m.Account.Secrets[secretKey]; key != "" {
		form.Set("apikey", string(key))
	} else {
		form.Set("login", m.Account.Settings[settingLogin])
		form.Set("psw", string(m.Account.Secrets[secretPassword]))
	}
	return form
}

// maxAnswer is far more than an answer has.
const maxAnswer = 4 << 10

// post makes the one request. The form travels in the body: an address stands
// in logs and in the errors of net/http.
func (c *Channel) post(ctx context.Context, form url.Values) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", fmt.Errorf("make the request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.calls.Do(r)
	if err != nil {
		return 0, "", fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, "", fmt.Errorf("the answer broke off: %w", err)
	}
	if len(raw) > maxAnswer {
		return 0, "", errors.New("the answer does not end where an answer does")
	}
	return resp.StatusCode, string(raw), nil
}

// MessageID is the package's MessageID: the gateway takes its messages' ids from us.
func (*Channel) MessageID(attempt string) string { return MessageID(attempt) }

var _ outreach.Namer = (*Channel)(nil)
