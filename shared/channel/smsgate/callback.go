package smsgate

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// ErrForged: a callback is not signed with the account's secret.
var ErrForged = errors.New("smsgate: the callback is not signed by the gateway")

// Callback is what one call of the gateway's says.
type Callback struct {
	// Reports has one report or none. A report carries no touch: its ProviderID
	// is the MessageID of the attempt.
	Reports []outreach.Report
	// Inbound has one message or none.
	Inbound []Inbound
	// Note says why there is neither, for the log; it holds nothing of a person.
	Note string
}

// Inbound is an SMS to the clinic's number. It masks itself where it is printed
// or logged.
type Inbound struct {
	From dental.Phone
	Text string
	// ID is made of all that tells one message from another, so that it is equal
	// when the gateway repeats itself.
	ID string
	At time.Time
}

// Format keeps the number and the text out of every verb.
func (i Inbound) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, i.masked()) }

// LogValue keeps the number and the text out of logs.
func (i Inbound) LogValue() slog.Value { return slog.StringValue(i.masked()) }

func (i Inbound) masked() string {
	return fmt.Sprintf("message %s from %v, %d characters", i.ID, i.From, utf8.RuneCountInString(i.Text))
}

// Parse reads one call of the gateway's to the handler of an account, which
// tells the status of a message or brings an incoming one: form is the body of
// the POST, or the query of the GET; the account is the one whose address was
// called; received is when it came.
//
// A status that proves nothing, and one that is not documented, is no error: it
// gives a Note. ErrForged is a call without a true signature; what is no call
// of the gateway's, or is cut short, is an error of the kind dental.Invalid.
// Errors and notes hold no number and no text.
//
// The signature covers id, phone and status of a report, and phone, text and
// recipient of a message. The error and the time that come with them are under
// the protection of TLS alone.
//
// https://smsc.ru/api/http/miscellaneous/callback/
func Parse(form []byte, a dental.Account, received time.Time) (Callback, error) {
	fields, err := url.ParseQuery(string(form))
	if err != nil {
		return Callback{}, &dental.Error{Kind: dental.Invalid, Message: "smsgate: a callback is not a form", Err: err}
	}
	for _, name := range []string{"id", "phone", "status", "err", "ts", "mes", "to"} {
		if len(fields[name]) > 1 {
			return Callback{}, dental.Errorf(dental.Invalid, name, "smsgate: stands in a callback twice")
		}
	}
	secret := a.Secrets[secretCallback]
	switch {
	case fields.Has("mes"):
		if !signed(fields, secret, "phone", "mes", "to") {
			return Callback{}, ErrForged
		}
		return inbound(fields, received)
	case fields.Has("status"):
		if !signed(fields, secret, "id", "phone", "status") {
			return Callback{}, ErrForged
		}
		return report(fields, received)
	case fields.Has("waitcall"):
		// A patient has rung the number that another service of the clinic's
		// waits at. Nothing follows from it, so it needs no proof.
		return Callback{Note: "a call that confirms a number, which is not asked for here"}, nil
	}
	return Callback{}, dental.Errorf(dental.Invalid, "", "smsgate: a callback is neither a status nor a message")
}

// signed reports whether the callback carries the digest of the fields and the
// secret, joined by colons. A crc32, which the gateway offers too, is no proof:
// whoever has seen one makes the next without the secret.
//
// In a GET the digest may stand beside what the handler's own address has under
// the same name, so that one true digest among several is enough. An md5 counts
// only where there is no sha1.
func signed(fields url.Values, secret dental.Secret, names ...string) bool {
	if secret == "" {
		return false
	}
	var text strings.Builder
	for _, name := range names {
		text.WriteString(fields.Get(name) + ":")
	}
	text.WriteString(string(secret))
	given, want := fields["sha1"], ""
	if len(given) > 0 {
		sum := sha1.Sum([]byte(text.String()))
		want = hex.EncodeToString(sum[:])
	} else {
		sum := md5.Sum([]byte(text.String()))
		given, want = fields["md5"], hex.EncodeToString(sum[:])
	}
	for _, digest := range given {
		if subtle.ConstantTimeCompare([]byte(strings.ToLower(digest)), []byte(want)) == 1 {
			return true
		}
	}
	return false
}

// statuses are what the documented codes of status prove; "" is nothing.
//
// https://smsc.ru/api/http/status_messages/statuses/
var statuses = map[int]outreach.ReportKind{
	-3: "",                         // not found
	-2: "",                         // stopped, for a while
	-1: outreach.ReportAccepted,    // waits to be sent
	0:  outreach.ReportAccepted,    // handed to the operator
	1:  outreach.ReportDelivered,   // delivered
	2:  outreach.ReportDelivered,   // read
	3:  outreach.ReportUndelivered, // expired: the phone was off, or full
	4:  outreach.ReportDelivered,   // its link was pressed
	20: outreach.ReportUndelivered, // cannot be delivered
	22: outreach.ReportBadAddress,  // no number
	23: outreach.ReportUndelivered, // forbidden: a copy, too many, a black list, spam
	24: outreach.ReportUndelivered, // too little money
	// Said of numbers that take no SMS and of operators without a route alike,
	// so it is not held against the number.
	25: outreach.ReportUndelivered,
}

// The errors beside a status that change what it proves.
//
// https://smscentre.com/api/smpp/errors
const (
	errNone      = 0
	errNoPerson  = 1   // the subscriber does not exist
	errTestMode  = 200 // the account only plays at sending
	errNoStatus  = 245 // the operator has told nothing for a day, so that nobody knows
	errNotNumber = 249 // wrong format of the number
)

// messageID is how the gateway lets a message be named.
var messageID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

func report(fields url.Values, received time.Time) (Callback, error) {
	id := fields.Get("id")
	if !messageID.MatchString(id) {
		return Callback{}, dental.Errorf(dental.Invalid, "id", "smsgate: is not the id of a message")
	}
	status, err := strconv.Atoi(fields.Get("status"))
	kind, documented := statuses[status]
	if err != nil || !documented {
		return Callback{Note: fmt.Sprintf("the status %.20q of message %s is none that the gateway documents", fields.Get("status"), id)}, nil
	}
	cause := errNone
	if told := fields.Get("err"); told != "" {
		if cause, err = strconv.Atoi(told); err != nil {
			return Callback{}, dental.Errorf(dental.Invalid, "err", "smsgate: is not a number")
		}
	}
	code := strconv.Itoa(status)
	if cause != errNone {
		code += "/" + strconv.Itoa(cause)
	}
	switch {
	case cause == errTestMode:
		kind = outreach.ReportUndelivered
	case cause == errNoStatus && kind == outreach.ReportUndelivered:
		kind = ""
	case status == 20 && (cause == errNoPerson || cause == errNotNumber):
		kind = outreach.ReportBadAddress
	}
	if kind == "" {
		return Callback{Note: fmt.Sprintf("the status %s of message %s proves nothing", code, id)}, nil
	}
	return Callback{Reports: []outreach.Report{{
		Channel: string(dental.SMS), ProviderID: id, Kind: kind, Code: code, At: at(fields, received),
	}}}, nil
}

func inbound(fields url.Values, received time.Time) (Callback, error) {
	from := "+" + strings.TrimPrefix(fields.Get("phone"), "+")
	if !e164.MatchString(from) {
		return Callback{Note: "a message that is not from a phone number"}, nil
	}
	same := sha256.New()
	for _, name := range []string{"id", "sms_id", "phone", "to", "time", "ts", "mes"} {
		fmt.Fprintf(same, "%q", fields.Get(name))
	}
	return Callback{Inbound: []Inbound{{
		From: dental.Phone(from), Text: text(fields.Get("mes")), ID: "in-" + hex.EncodeToString(same.Sum(nil)[:16]), At: at(fields, received),
	}}}, nil
}

// A status is told within the day or so that operators try for, and again when
// the handler did not answer.
const (
	oldest = 30 * 24 * time.Hour
	ahead  = 5 * time.Minute // of our clock
)

// at is the Unix time of a callback; the field time beside it is in the zone of
// the cabinet, which is not known here. A ts that is none, or that cannot be
// true, gives the time of receipt.
func at(fields url.Values, received time.Time) time.Time {
	if seconds, err := strconv.ParseInt(fields.Get("ts"), 10, 64); err == nil {
		if t := time.Unix(seconds, 0).UTC(); t.After(received.Add(-oldest)) && t.Before(received.Add(ahead)) {
			return t
		}
	}
	return received.UTC()
}

// text reads a message in UTF-8, or in windows-1251, the default of a handler
// whose address names no charset: a "СТОП" must not be lost for that. Of
// windows-1251 the Russian letters are known.
func text(raw string) string {
	if utf8.ValidString(raw) {
		return raw
	}
	var b strings.Builder
	for _, c := range []byte(raw) {
		switch {
		case c < utf8.RuneSelf:
			b.WriteByte(c)
		case c >= 0xC0:
			b.WriteRune('А' + rune(c-0xC0))
		case c == 0xA8:
			b.WriteRune('Ё')
		case c == 0xB8:
			b.WriteRune('ё')
		default:
			b.WriteRune(utf8.RuneError)
		}
	}
	return b.String()
}
