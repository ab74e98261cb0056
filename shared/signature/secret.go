package signature

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	prefix = "whsec_"
	mask   = prefix + "***"

	minKey, maxKey = 24, 64 // bytes, as the specification recommends
	newKey         = 32     // bytes, as many as the digest has
)

// Secret is a key shared with one sender. It shows itself as "whsec_***" in
// every verb of fmt, in slog, in JSON and in text encodings; only Reveal gives
// it away. The zero Secret signs and verifies nothing. Two secrets do not compare
// by ==, which would not take constant time.
type Secret struct {
	// A function, because fmt prints the unexported fields of a struct around
	// a Secret without asking Format, and follows pointers too: of a function
	// it finds but the address.
	key func() []byte
}

// NewSecret draws a secret of 32 bytes from random, which is crypto/rand.Reader
// outside tests.
func NewSecret(random io.Reader) (Secret, error) {
	key := make([]byte, newKey)
	if _, err := io.ReadFull(random, key); err != nil {
		return Secret{}, fmt.Errorf("signature: draw a secret: %w", err)
	}
	return Secret{func() []byte { return key }}, nil
}

// ParseSecret reads "whsec_" and the standard base64 of 24 to 64 bytes. Its
// error never repeats the text.
func ParseSecret(s string) (Secret, error) {
	encoded, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return Secret{}, errors.New(`signature: a secret begins with "` + prefix + `"`)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	// The decoder skips line ends and loose last bits; two spellings of one
	// secret would not compare equal where it is stored.
	if err != nil || base64.StdEncoding.EncodeToString(key) != encoded {
		return Secret{}, errors.New("signature: a secret is standard base64 with padding after its prefix")
	}
	if len(key) < minKey || len(key) > maxKey {
		return Secret{}, fmt.Errorf("signature: a secret is %d to %d bytes, not %d", minKey, maxKey, len(key))
	}
	return Secret{func() []byte { return key }}, nil
}

// Reveal returns the secret as ParseSecret reads it, to store it or to show it
// to the clinic it belongs to; "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.key == nil {
		return ""
	}
	return prefix + base64.StdEncoding.EncodeToString(s.key())
}

func (s Secret) webhook() (*standardwebhooks.Webhook, error) {
	if s.key == nil {
		return nil, errors.New("a secret is empty")
	}
	return standardwebhooks.NewWebhookRaw(s.key())
}

// Format masks the secret in every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText masks the secret in JSON and in every encoding of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
