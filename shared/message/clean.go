package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidthJoiner holds emoji together.
const zeroWidthJoiner = '\u200d'

// clean makes a value fit to stand in a text. Anybody may have written it: a
// patient's name comes from a form that a stranger can fill with somebody
// else's phone, so that the clinic would text that stranger's words. Whatever
// it is, it cannot become a placeholder, since it is put in after the text was
// read; it has no control or invisible characters, and its white space is one
// space. Names and other people's words open no page; a given name that does
// not look like one is no name. What the clinic has set itself (its name,
// which may well be "dent.example", address, offers) keeps its dots.
func clean(p Placeholder, value string) string {
	value = visible(value)
	switch p {
	case Given:
		return givenName(value)
	case Doctor, Next, List, Advice:
		return singleSpaced(unlinked(value))
	case Link:
		return webAddress(value)
	}
	return value
}

// visible keeps what a reader sees, on one line, with single spaces.
func visible(s string) string {
	var before rune
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			r = narrowed(r)
		} else if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) {
			if r != zeroWidthJoiner || !unicode.In(before, unicode.So, unicode.Sk, unicode.Variation_Selector) {
				return -1
			}
		}
		before = r
		return r
	}, s)
	return strings.Trim(singleSpaced(s), spaces)
}

// narrowed is the space that stands for white space: itself where it must not
// break, else the plain one.
func narrowed(r rune) rune {
	if strings.ContainsRune(spaces, r) {
		return r
	}
	return ' '
}

// singleSpaced makes one plain space of every run of spaces; a no-break space
// on its own stays.
func singleSpaced(s string) string {
	var b strings.Builder
	var pending rune
	for _, r := range s {
		switch {
		case !strings.ContainsRune(spaces, r):
			if pending != 0 {
				b.WriteRune(pending)
			}
			b.WriteRune(r)
			pending = 0
		case pending == 0:
			pending = r
		default:
			pending = ' '
		}
	}
	if pending != 0 {
		b.WriteRune(pending)
	}
	return b.String()
}

// longestName is the longest given name in characters that a greeting takes.
const longestName = 40

// givenName is the name if it can be one: two letters or more in at most four
// words of letters, hyphens and apostrophes. What a card has instead of a name
// ("Иван 2", "Анна (дочь)", "А.", "www.evil.example") would read badly in a
// greeting or worse, so it is none. Names written all in capitals or all
// without are set as names are.
func givenName(s string) string {
	letters := 0
	for _, r := range s {
		switch {
		case unicode.IsLetter(r):
			letters++
		case !unicode.Is(unicode.M, r) && !strings.ContainsRune(" -'’ʼ", r):
			return ""
		}
	}
	first, _ := utf8.DecodeRuneInString(s)
	if letters < 2 || !unicode.IsLetter(first) || utf8.RuneCountInString(s) > longestName || strings.Count(s, " ") > 3 {
		return ""
	}
	if s != strings.ToUpper(s) && s != strings.ToLower(s) {
		return s
	}
	before := ' '
	return strings.Map(func(r rune) rune {
		start := before == ' ' || before == '-'
		before = r
		if start {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// dots are what a browser takes for the dots of a host name (IDNA, UTS 46) and
// what looks like one.
const dots = ".。．｡․"

// unlinked breaks whatever a phone would make a link of: a scheme loses its
// slashes, and a dot inside a word is followed by a space. Initials ("И.А.")
// and numbers ("2.5", "12.03.2026") stay whole.
func unlinked(s string) string {
	runes := []rune(strings.ReplaceAll(s, "://", " "))
	var b strings.Builder
	for i, r := range runes {
		if !strings.ContainsRune(dots, r) {
			b.WriteRune(r)
			continue
		}
		b.WriteByte('.')
		if linking(runes, i) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// linking reports whether the dot at i could be one of a host name: no top
// level domain is one letter long or begins with a digit, and an address of
// numbers has three dots.
func linking(runes []rune, i int) bool {
	if i == 0 || i+1 == len(runes) || !wordly(runes[i-1]) || !wordly(runes[i+1]) {
		return false
	}
	if unicode.IsDigit(runes[i+1]) {
		return numericDots(runes, i) > 2
	}
	return i+2 < len(runes) && wordly(runes[i+2])
}

func wordly(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || r == '-' || r == '_'
}

// numericDots counts the dots in the run of digits and dots around i.
func numericDots(runes []rune, i int) int {
	numeric := func(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune(dots, r) }
	from, to, n := i, i, 0
	for from > 0 && numeric(runes[from-1]) {
		from--
	}
	for to+1 < len(runes) && numeric(runes[to+1]) {
		to++
	}
	for _, r := range runes[from : to+1] {
		if strings.ContainsRune(dots, r) {
			n++
		}
	}
	return n
}

// webAddress is an absolute address of printable ASCII, else "".
func webAddress(s string) string {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return ""
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return ""
		}
	}
	return s
}
