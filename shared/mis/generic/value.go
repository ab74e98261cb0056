package generic

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The types of single values. Each reads itself, so that a bad value is found
// where it stands; an empty string is no value. Their errors follow the field's
// name and do not repeat the value.
type (
	id       string // 1 to 64 letters, digits or . _ : -
	line     string // a name or code, trimmed
	text     string // several lines, trimmed
	contact  string // a phone number or e-mail address as it is spelled, trimmed
	link     string // http or https URL
	language string // "ru", "en" or "" for every other language
	instant  time.Time
	day      dental.Date
	whole    int64 // 0 to maxWhole
	minutes  int64 // 0 to a day's
)

// Bounds, in characters where nothing else is said.
const (
	maxLine    = 200
	maxText    = 4000
	maxContact = 320
	maxLink    = 2000
	minDay     = 1900 // years
	minInstant = 2000
	maxYear    = 2100
	maxWhole   = 1<<53 - 1 // what every JSON reader keeps exact
	maxItems   = 100
	maxMinutes = 24 * 60
)

// These patterns stand in event.schema.json, too.
var (
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	linePattern     = regexp.MustCompile(`^[^\x00-\x1f\x7f-\x9f]*$`)
	textPattern     = regexp.MustCompile(`^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$`)
	linkPattern     = regexp.MustCompile("^https?://[^\\x00-\\x20\\x7f\"<>\\\\^`{|}/?#@]+([/?#][^\\x00-\\x20\\x7f\"<>\\\\^`{|}]*)?$")
	languagePattern = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)
	instantPattern  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)
)

func (v *id) UnmarshalText(b []byte) error {
	if len(b) > 0 && !idPattern.Match(b) {
		return errors.New("must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	*v = id(b)
	return nil
}

func (v *line) UnmarshalText(b []byte) error {
	return readString(v, b, maxLine, linePattern, "must not contain control characters or line breaks")
}

func (v *text) UnmarshalText(b []byte) error {
	return readString(v, b, maxText, textPattern, "must not contain control characters other than tabs and line breaks")
}

func (v *contact) UnmarshalText(b []byte) error {
	return readString(v, b, maxContact, textPattern, "must not contain control characters other than tabs and line breaks")
}

func readString[T ~string](v *T, b []byte, most int, pattern *regexp.Regexp, otherwise string) error {
	if utf8.RuneCount(b) > most {
		return fmt.Errorf("must not be longer than %d characters", most)
	}
	if !pattern.Match(b) {
		return errors.New(otherwise)
	}
	*v = T(strings.TrimSpace(string(b)))
	return nil
}

func (v *link) UnmarshalText(b []byte) error {
	if len(b) > 0 && (utf8.RuneCount(b) > maxLink || !linkPattern.Match(b)) {
		return fmt.Errorf("must be an http or https URL of at most %d characters", maxLink)
	}
	*v = link(b)
	return nil
}

func (v *language) UnmarshalText(b []byte) error {
	if len(b) > 0 && !languagePattern.Match(b) {
		return errors.New(`must be a language tag, as in "ru" or "en-GB"`)
	}
	primary, _, _ := strings.Cut(strings.ToLower(string(b)), "-")
	*v = ""
	if primary == "ru" || primary == "en" {
		*v = language(primary)
	}
	return nil
}

func (v *instant) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*v = instant{}
		return nil
	}
	if !instantPattern.Match(b) {
		return errors.New("must be a time with offset as RFC 3339 has it, as in 2026-05-22T15:40:00+03:00")
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(string(b)))
	if err != nil {
		return errors.New("must be a time that the calendar has")
	}
	for _, year := range []int{t.Year(), t.UTC().Year()} {
		if year < minInstant || year > maxYear {
			return errors.New("must be a time of the years 2000 to 2100")
		}
	}
	*v = instant(t.UTC())
	return nil
}

func (v instant) MarshalText() ([]byte, error) {
	return []byte(time.Time(v).Format(time.RFC3339Nano)), nil
}

func (v instant) IsZero() bool { return time.Time(v).IsZero() }

func (v *day) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*v = day{}
		return nil
	}
	d, err := dental.ParseDate(string(b))
	if err != nil {
		return errors.New("must be a date that the calendar has, written YYYY-MM-DD")
	}
	if d.Year < minDay || d.Year > maxYear {
		return errors.New("must be a date of the years 1900 to 2100")
	}
	*v = day(d)
	return nil
}

func (v day) MarshalText() ([]byte, error) { return dental.Date(v).MarshalText() }

func (v day) IsZero() bool { return dental.Date(v).IsZero() }

func (v *whole) UnmarshalJSON(b []byte) error { return readWhole(v, b, maxWhole) }

func (v *minutes) UnmarshalJSON(b []byte) error { return readWhole(v, b, maxMinutes) }

// readWhole reads 3, and 3.0 or 3e0 as well: what is stored as a float
// somewhere on the way arrives so.
func readWhole[T ~int64](v *T, b []byte, most int64) error {
	if string(b) == "null" {
		*v = 0
		return nil
	}
	n, ok := integer(string(b))
	if !ok || n > most {
		return fmt.Errorf("must be a whole number from 0 to %d", most)
	}
	*v = T(n)
	return nil
}

// integer reads a JSON number of at most 16 digits exactly, without the work that an exponent of
// nine digits would make for big.Rat.
func integer(s string) (int64, bool) {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return 0, false
	}
	mantissa, exponent, scaled := strings.Cut(strings.ToLower(s), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	units, fraction, _ := strings.Cut(mantissa, ".")
	significant := strings.TrimLeft(units+fraction, "0")
	digits := strings.TrimRight(significant, "0")
	if digits == "" {
		return 0, true
	}
	zeros := len(significant) - len(digits) - len(fraction)
	if scaled {
		shift, err := strconv.Atoi(exponent)
		if err != nil {
			return 0, false // so far out that its sign does not matter
		}
		zeros += shift
	}
	if negative || zeros < 0 || len(digits)+zeros > len("9007199254740991") {
		return 0, false
	}
	n, err := strconv.ParseInt(digits+strings.Repeat("0", zeros), 10, 64)
	return n, err == nil
}
