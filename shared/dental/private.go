package dental

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Phone is a number in E.164 ("+79160000001"). It masks itself in every verb
// that vet lets through and in slog, and JSON refuses it; string(p) is the number.
type Phone string

// Email is an e-mail address, lower case. It masks itself like a Phone.
type Email string

// Secret is a text that must never be printed: a signing secret, a key.
type Secret string

func (p Phone) masked() string {
	if len(p) < 5 {
		return strings.Repeat("*", len(p))
	}
	return string(p[:2]) + strings.Repeat("*", len(p)-4) + string(p[len(p)-2:])
}

func (e Email) masked() string {
	at := strings.LastIndexByte(string(e), '@')
	if at < 1 {
		return strings.Repeat("*", len(e))
	}
	_, first := utf8.DecodeRuneInString(string(e))
	return string(e[:first]) + "***" + string(e[at:])
}

func (s Secret) masked() string {
	if s == "" {
		return ""
	}
	return "***"
}

// Format masks the number in every verb.
func (p Phone) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.masked()) }

// Format masks the address in every verb.
func (e Email) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.masked()) }

// Format masks the secret in every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.masked()) }

// LogValue masks the number in logs.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.masked()) }

// LogValue masks the address in logs.
func (e Email) LogValue() slog.Value { return slog.StringValue(e.masked()) }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.masked()) }

// JSON goes to logs as it goes to other systems, and reads back what it wrote.
// A mask would be stored as a number one day, so these refuse: whoever means to
// write the value says string(p).

// MarshalJSON refuses a number.
func (p Phone) MarshalJSON() ([]byte, error) { return refuse(string(p), "phone number") }

// MarshalJSON refuses an address.
func (e Email) MarshalJSON() ([]byte, error) { return refuse(string(e), "e-mail address") }

// MarshalJSON refuses a secret.
func (s Secret) MarshalJSON() ([]byte, error) { return refuse(string(s), "secret") }

func refuse(value, what string) ([]byte, error) {
	if value == "" {
		return []byte(`""`), nil
	}
	return nil, Errorf(Invalid, "", "a %s goes into JSON only as a string made on purpose", what)
}
