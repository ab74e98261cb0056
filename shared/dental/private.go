package dental

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Phone is a number in E.164 ("+79160000001"). It masks itself wherever it is
// printed or logged; string(p) is the number.
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
	return string(e[:1]) + "***" + string(e[at:])
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
