// Package phone reads phone numbers as people and practice systems spell them
// and says in one word why one cannot be used. It alone knows the numbering
// plans of the world, which come from Google's libphonenumber.
package phone

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Number is a valid number. It masks itself wherever it is printed or logged.
type Number struct {
	E164 dental.Phone
	// Region is the ISO 3166-1 alpha-2 code of the country whose plan the number
	// belongs to: +7 is shared by "RU" and "KZ".
	Region string
	// Mobile reports whether an SMS can arrive. It is false for a landline, and
	// true where the plan keeps mobile and fixed numbers in one range (US, CA).
	Mobile bool
}

// Issue is why a number cannot be used: the word that stands in
// dental.Patient.PhoneIssue, and the error of Parse.
type Issue string

// The issues.
const (
	// Empty: there is nothing, or only punctuation such as a dash.
	Empty Issue = "empty"
	// Malformed: no number of any country, a number with words around it, or a
	// filler such as +7 999 999-99-99.
	Malformed Issue = "malformed"
	// Extension: a number behind a switchboard.
	Extension Issue = "extension"
	// Several: more than one number, and nobody knows which to use.
	Several Issue = "several"
	// TollFree: a line that no patient owns, be it toll-free, premium rate,
	// shared cost, a company's access number, a pager or a voice mail box.
	TollFree Issue = "toll-free"
)

// Error says the issue in words that hold nothing of the number.
func (i Issue) Error() string {
	switch i {
	case Empty:
		return "there is no phone number"
	case Extension:
		return "the phone number has an extension"
	case Several:
		return "there are several phone numbers in one field"
	case TollFree:
		return "the phone number is a service line"
	}
	return "this is not a phone number"
}

// maxLength bounds, in bytes, what Parse looks at: nothing longer is one field
// of a card.
const maxLength = 200

// The words that stand beside numbers in cards, lower case. Any other word may
// say whose number it is ("мама"), which makes it a matter for people.
var (
	label = regexp.MustCompile(`^(?:телефон|тел|т|мобильный|моб|сотовый|сот|phone|tel|mobile|mob|cell)[.:\s]*`)
	note  = regexp.MustCompile(`[\s(,]+(?:мобильный|моб|сотовый|сот|mobile|mob|cell)\.?\)?$`)
	// inner is a number, a word or sign for "then dial", and what to dial.
	inner = regexp.MustCompile(`(?s)^(.*[0-9])[\s,;.()]*(?:добавочный|доб|внутренний|внутр|вн|extension|extn|ext|[xх#])[\s.:=№#]*[0-9]{1,8}\)?$`)
	// pause is one number and, after a comma, what is dialled on with.
	pause = regexp.MustCompile(`^[^,;/|\\\n]*,\s*[0-9]{1,5}$`)
	// between separates numbers; a plus after a digit begins another one, too.
	between = regexp.MustCompile(`[,;/|\\\n]|\s(?:и|или|and|or)\s`)
	another = regexp.MustCompile(`([0-9][^0-9+]*)\+`)
)

// Parse reads a number in any spelling: with or without +, the trunk prefix,
// brackets, dashes and spaces of every kind. country (ISO 3166-1 alpha-2) is
// whose plan a number without a country code follows. Foreign numbers are valid
// and carry their region; without + they are known by the international
// prefix, or by being a whole mobile number of their country and none of this
// one. The error is an Issue.
func Parse(raw, country string) (Number, error) {
	if len(raw) > maxLength {
		return Number{}, Malformed
	}
	s := tidy(raw)
	if !hasDigit(s) {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
			return Number{}, Malformed
		}
		return Number{}, Empty
	}
	s = note.ReplaceAllString(label.ReplaceAllString(s, ""), "")
	if m := inner.FindStringSubmatch(s); m != nil {
		if _, ok := readOne(m[1], country); ok {
			return Number{}, Extension
		}
	}
	found, issue := read(s, country)
	switch {
	case issue != "":
		return Number{}, issue
	case found.service:
		return Number{}, TollFree
	}
	return found.Number, nil
}

// tidy brings the many signs for one thing to one sign: spaces, dashes, plus.
// Marks without a width, which come with copied text, and quotes, by which
// tables keep a number from being calculated with, are left out.
func tidy(raw string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r), strings.ContainsRune("'\"`’", r):
			return -1
		case unicode.Is(unicode.Pd, r), r == '−':
			return '-'
		case r == '＋':
			return '+'
		}
		return unicode.ToLower(r)
	}, strings.TrimSpace(raw)))
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// line is a number that exists in some plan; service marks those of TollFree.
type line struct {
	Number
	service bool
}

// read finds the one number in s, or says why there is not exactly one.
func read(s, country string) (line, Issue) {
	parts := slices.DeleteFunc(between.Split(another.ReplaceAllString(s, "$1;+"), -1),
		func(part string) bool { return !hasDigit(part) })
	var found []line // each once, however often it is spelled
	unread := 0
	for _, part := range parts {
		l, ok := readOne(part, country)
		switch {
		case !ok:
			unread++
		case !slices.Contains(found, l):
			found = append(found, l)
		}
	}
	_, first := readOne(parts[0], country)
	switch {
	case len(found) == 1 && unread == 0:
		return found[0], ""
	case len(found) > 1, len(parts) == 1 && twoBySpace(s, country):
		return line{}, Several
	case first && pause.MatchString(s):
		return line{}, Extension
	case first:
		return line{}, Several
	}
	// The signs may have been punctuation inside one number: "030/123456".
	if l, ok := readOne(strings.Join(parts, " "), country); ok {
		return l, ""
	}
	return line{}, Malformed
}

// twoBySpace reports whether two numbers stand in s with only a space between.
func twoBySpace(s, country string) bool {
	for i, r := range s {
		if r != ' ' {
			continue
		}
		_, left := readOne(s[:i], country)
		if _, right := readOne(s[i:], country); left && right {
			return true
		}
	}
	return false
}

// readOne reads one number with nothing but punctuation around and in it.
func readOne(s, country string) (line, bool) {
	plus := false
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && !plus && b.Len() == 0:
			plus = true
		case !strings.ContainsRune(" -.()", r):
			return line{}, false
		}
	}
	digits := b.String()
	if plus {
		// "+8 916…" is the trunk prefix after a plus by mistake: no country has +89.
		if len(digits) == 11 && strings.HasPrefix(digits, "89") && phonenumbers.GetCountryCodeForRegion(country) == 7 {
			digits = "7" + digits[1:]
		}
		return find("+"+digits, country)
	}
	if l, ok := find(digits, country); ok {
		return l, true
	}
	if abroad, ok := strings.CutPrefix(digits, "00"); ok {
		return find("+"+abroad, country)
	}
	// Many systems store digits alone. A number of this country with a digit too
	// many often looks like a foreign landline, hardly ever like a mobile.
	if len(digits) >= 11 {
		l, ok := find("+"+digits, country)
		return l, ok && l.Mobile
	}
	return line{}, false
}

// find looks a number up in the plans of the world.
func find(s, country string) (line, bool) {
	n, err := phonenumbers.Parse(s, country)
	if err != nil || !phonenumbers.IsValidNumber(n) || filler(phonenumbers.GetNationalSignificantNumber(n)) {
		return line{}, false
	}
	l := line{Number: Number{
		E164:   dental.Phone(phonenumbers.Format(n, phonenumbers.E164)),
		Region: phonenumbers.GetRegionCodeForNumber(n),
	}}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		l.Mobile = true
	case phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST,
		phonenumbers.UAN, phonenumbers.PAGER, phonenumbers.VOICEMAIL:
		l.service = true
	}
	if l.Region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		l.service = true // +800 and its like belong to no country
	}
	return l, true
}

// filler reports whether a number is one digit over and over. Such a number may
// exist, but in a card it fills a required field, and all who bear it would
// pass for one household.
func filler(national string) bool {
	return strings.Count(national, national[:1]) == len(national)
}
