// Package signature signs webhooks and verifies them as Standard Webhooks
// describes (https://www.standardwebhooks.com), strictly.
//
// The HMAC is computed and compared by the project's own Go library. That
// library is lenient about what it signs: it reads "+1772000000" and
// "01772000000" as the same time, takes a secret of any length, and joins id,
// time and body with dots without asking whether the id holds one, so that the
// signature of ("m2", body "123.…") also fits ("m2.123", body "…"). This package
// refuses all of it before the library sees the request, so that one signature
// fits exactly one request.
package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The headers of a signed request.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a request may lie from the receiver's, in
// both directions, inclusive, counted in whole seconds as the header is.
const Tolerance = 5 * time.Minute

const (
	maxID = 64
	// maxSignatures bounds the header in bytes: some eighty signatures.
	maxSignatures = 4096
	maxDigits     = 11 // Unix seconds until the year 5138
)

// ErrUnsigned is the one answer to every request that is not proved to come
// from a holder of the secret. Its text, and that of every error that Verify
// returns, is the same whatever was wrong; Reason has the difference, for the
// log only.
var ErrUnsigned = errors.New("signature: the request is not signed")

// refusal is ErrUnsigned with its reason kept out of its text.
type refusal struct{ reason string }

func (r *refusal) Error() string        { return ErrUnsigned.Error() }
func (r *refusal) Is(target error) bool { return target == ErrUnsigned }

// LogValue lets a log show the reason; no answer to a sender goes through slog.
func (r *refusal) LogValue() slog.Value {
	return slog.StringValue(ErrUnsigned.Error() + ": " + r.reason)
}

// Reason says why Verify refused, or "" when err is no refusal of Verify. It is
// for the receiver's log: it holds nothing of the secret or the body, and it
// would help whoever forges.
func Reason(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	return ""
}

// Verify returns the webhook's id when the request carries a v1 signature by
// one of the secrets over that id, its time and exactly these bytes, and its
// time is within Tolerance of now. Any other request is ErrUnsigned.
//
// Several secrets are tried, so that one can be replaced while both sides still
// hold the other; several signatures may stand in the header, separated by
// spaces, and those of other versions or of another form are passed over. Each
// header may be there once only. An id is 1 to 64 of A-Z a-z 0-9 _ : and -; it
// has no dot, since dots join what is signed.
func Verify(header http.Header, body []byte, secrets []Secret, now time.Time) (id string, err error) {
	id, err = single(header, HeaderID)
	if err != nil {
		return "", err
	}
	if err := checkID(id); err != nil {
		return "", &refusal{"webhook-id " + err.Error()}
	}
	timestamp, err := single(header, HeaderTimestamp)
	if err != nil {
		return "", err
	}
	if err := checkTime(timestamp, now); err != nil {
		return "", &refusal{"webhook-timestamp " + err.Error()}
	}
	signatures, err := single(header, HeaderSignature)
	if err != nil {
		return "", err
	}
	if signatures, err = wellFormed(signatures); err != nil {
		return "", &refusal{"webhook-signature " + err.Error()}
	}
	if len(secrets) == 0 {
		return "", &refusal{"there is no secret to verify with"}
	}

	clean := http.Header{}
	clean.Set(standardwebhooks.HeaderWebhookID, id)
	clean.Set(standardwebhooks.HeaderWebhookTimestamp, timestamp)
	clean.Set(standardwebhooks.HeaderWebhookSignature, signatures)
	for _, secret := range secrets {
		webhook, err := secret.webhook()
		if err != nil {
			continue
		}
		// The time was held against the caller's clock above; the library
		// would take the machine's.
		if webhook.VerifyIgnoringTimestamp(body, clean) == nil {
			return id, nil
		}
	}
	return "", &refusal{"no signature by any secret fits"}
}

// Sign returns the three headers of a webhook: its id, its time at in whole
// seconds, and one signature a secret. It refuses an id or a time that Verify
// would refuse whatever the secret.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) (http.Header, error) {
	if err := checkID(id); err != nil {
		return nil, fmt.Errorf("signature: the id %w", err)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	if err := checkTime(timestamp, at); err != nil {
		return nil, fmt.Errorf("signature: the time %w", err)
	}
	if len(secrets) == 0 {
		return nil, errors.New("signature: there is no secret to sign with")
	}
	var signatures []string
	for _, secret := range secrets {
		webhook, err := secret.webhook()
		if err != nil {
			return nil, fmt.Errorf("signature: sign: %w", err)
		}
		signed, err := webhook.Sign(id, at, body)
		if err != nil {
			return nil, fmt.Errorf("signature: sign: %w", err)
		}
		signatures = append(signatures, signed)
	}
	header := http.Header{}
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, strings.Join(signatures, " "))
	return header, nil
}

// single returns the value of a header that is there exactly once. A gateway
// that joins repeated headers by commas is caught by the checks of each value.
func single(header http.Header, name string) (string, error) {
	switch values := header.Values(name); {
	case len(values) == 0 || values[0] == "":
		return "", &refusal{strings.ToLower(name) + " is missing"}
	case len(values) > 1:
		return "", &refusal{strings.ToLower(name) + " is there more than once"}
	default:
		return values[0], nil
	}
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("is not 1 to %d characters long", maxID)
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == ':', c == '-':
		default:
			return errors.New("has a character other than A-Z a-z 0-9 _ : -")
		}
	}
	return nil
}

// checkTime accepts one spelling of a time only, since the library signs the
// number and not its spelling.
func checkTime(timestamp string, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || len(timestamp) > maxDigits || timestamp[0] < '1' {
		return errors.New("is not Unix seconds in plain digits")
	}
	// Compared in seconds: so long a number would overflow a time.Duration.
	const tolerance = int64(Tolerance / time.Second)
	switch age := now.Unix() - seconds; {
	case age > tolerance:
		return fmt.Errorf("is %d seconds old", age)
	case age < -tolerance:
		return fmt.Errorf("is %d seconds ahead", -age)
	}
	return nil
}

// wellFormed keeps the entries that have the form of a v1 signature: the
// library would read "v1,<signature>,more" as if nothing followed.
func wellFormed(header string) (string, error) {
	if len(header) > maxSignatures {
		return "", fmt.Errorf("is longer than %d bytes", maxSignatures)
	}
	var kept []string
	for entry := range strings.SplitSeq(header, " ") {
		encoded, ok := strings.CutPrefix(entry, "v1,")
		if ok && len(encoded) == base64.StdEncoding.EncodedLen(sha256.Size) && !strings.Contains(encoded, ",") {
			kept = append(kept, entry)
		}
	}
	if len(kept) == 0 {
		return "", errors.New("holds no v1 signature")
	}
	return strings.Join(kept, " "), nil
}
