// Package sesevent reads what Amazon SES says later about an e-mail, and writes
// the tags by which it says of which touch. It links no client, so that a
// function that only listens does not pay for one.
package sesevent

import (
	"fmt"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Tag is one message tag of SES.
type Tag struct{ Name, Value string }

// The names of the tags, in the order of Tags.
const (
	tagClinic   = "touch-clinic"
	tagPatient  = "touch-patient"
	tagScenario = "touch-scenario"
	tagStep     = "touch-step"
	tagAnchor   = "touch-anchor"
	tagAttempt  = "touch-attempt"
)

// maxValue is the most characters that SES takes as the value of a tag.
const maxValue = 256

// Tags are the message tags that carry the touch and its attempt. The parts are
// six tags so that each fits: an id may have 64 characters, and SES takes 256 of
// A-Z a-z 0-9 _ - for a value. An error is dental.Invalid and names the part
// that does not fit.
func Tags(touch outreach.TouchRef, attempt string) ([]Tag, error) {
	tags := []Tag{
		{tagClinic, touch.Clinic}, {tagPatient, touch.Patient}, {tagScenario, touch.Scenario},
		{tagStep, touch.Step}, {tagAnchor, touch.Anchor}, {tagAttempt, attempt},
	}
	for i, t := range tags {
		if tags[i].Value = escape(t.Value); len(tags[i].Value) > maxValue {
			return nil, dental.Errorf(dental.Invalid, t.Name, "does not fit into a tag: %d characters of %d", len(tags[i].Value), maxValue)
		}
	}
	return tags, nil
}

// ParseTags reads the tags of an event back. Mail of others has none, which is
// the zero TouchRef and no error; some of the tags, or a value that Tags does
// not write, is an error of the kind dental.Invalid.
func ParseTags(tags map[string][]string) (touch outreach.TouchRef, attempt string, err error) {
	parts := []struct {
		name string
		into *string
	}{
		{tagClinic, &touch.Clinic}, {tagPatient, &touch.Patient}, {tagScenario, &touch.Scenario},
		{tagStep, &touch.Step}, {tagAnchor, &touch.Anchor}, {tagAttempt, &attempt},
	}
	found := 0
	for _, p := range parts {
		values := tags[p.name]
		if len(values) == 0 {
			continue
		}
		found++
		value, ok := unescape(values[0])
		if len(values) > 1 || !ok {
			return outreach.TouchRef{}, "", dental.Errorf(dental.Invalid, "mail.tags."+p.name, "is not what was written there")
		}
		*p.into = value
	}
	if found != 0 && found != len(parts) {
		return outreach.TouchRef{}, "", dental.Errorf(dental.Invalid, "mail.tags", "%d of the %d tags of a touch are there", found, len(parts))
	}
	return touch, attempt, nil
}

// nothing is the escaped empty string, because SES takes no empty value.
const nothing = "_"

// escape writes any string in A-Z a-z 0-9 - _: a byte beside the first four
// kinds becomes _ and two hexadecimal digits, so that ids stay readable in the
// provider's console.
func escape(s string) string {
	if s == "" {
		return nothing
	}
	var b strings.Builder
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "_%02X", s[i])
		}
	}
	return b.String()
}

// unescape takes back what escape has written, and nothing else.
func unescape(s string) (string, bool) {
	if s == nothing {
		return "", true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '_' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), s != "" && escape(b.String()) == s
}

const hex = "0123456789ABCDEF"

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}
