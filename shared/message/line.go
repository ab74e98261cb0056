package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is a text under construction. It closes the gaps that vanished pieces
// leave; it may trim what the text's author wrote and never touches a value.
type line struct {
	text  string
	fixed int  // the text up to here ends in a value
	gap   bool // something vanished at the end of the text
	asIs  bool // the text begins with a value that keeps its first letter small
}

// The marks that a gap has to do with.
const (
	spaces   = " \u00a0\u202f"
	stops    = ".!?…"            // end a sentence
	promises = ",;:—–-" + spaces // promise that something follows
	tight    = ",;:.!?…)»”"      // stand close to the word before
	openers  = "(«“"             // stand close to the word after
	leading  = promises + stops + ")»”"
)

// pairs enclose something, and vanish when nothing is left in them.
var pairs = [][2]string{{"(", ")"}, {"«", "»"}, {"“", "”"}}

func (l *line) hole() { l.gap = true }

func (l *line) value(v string, asIs bool) {
	if strings.Trim(l.text, spaces) == "" {
		l.asIs = asIs
	}
	if l.gap {
		l.closeUp(v, !asIs)
	} else {
		l.text += v
	}
	l.fixed, l.gap = len(l.text), false
}

func (l *line) literal(s string) {
	if !l.gap {
		if l.fixed == len(l.text) && endsIn(l.text, stops) && strings.HasPrefix(s, ".") {
			s = s[1:] // "Соколова И. А." at the end of a sentence
		}
		l.text += s
		return
	}
	s, spaced := l.meet(s)
	if strings.Trim(s, spaces) == "" {
		if spaced && l.text != "" && !endsIn(l.text, spaces) {
			l.text += " "
		}
		return // the gap goes on
	}
	if spaced {
		s = " " + s
	}
	l.closeUp(s, true)
	l.gap = false
}

// meet trims the marks that a gap has left without a purpose, on both its
// sides, and tells whether a space stood at it.
func (l *line) meet(s string) (rest string, spaced bool) {
	before := len(l.text)
	l.trim(spaces)
	rest = strings.TrimLeft(s, spaces)
	spaced = len(l.text) < before || len(rest) < len(s)
	for _, pair := range pairs {
		inside, opened := strings.CutSuffix(l.text[l.fixed:], pair[0])
		after, closed := strings.CutPrefix(rest, pair[1])
		if opened && closed {
			l.text = l.text[:l.fixed] + inside
			after, more := l.meet(after)
			return after, spaced || more
		}
	}
	switch first, _ := utf8.DecodeRuneInString(rest); {
	case rest == "":
	case l.text == "":
		rest = strings.TrimLeft(rest, leading)
	case strings.ContainsRune(stops, first):
		if l.trim(promises); l.text == "" || endsIn(l.text, stops) {
			rest = strings.TrimLeft(rest, leading)
			spaced = true
		}
	case first == ',':
		if endsIn(l.text, promises+stops+openers) {
			rest = strings.TrimLeft(rest, ","+spaces)
			spaced = spaced || !endsIn(l.text, openers)
		}
	case first == ';' || first == ':':
		l.trim(promises)
	case strings.ContainsRune("—–-", first):
		if endsIn(l.text, "—–-") {
			rest = strings.TrimLeft(rest, "—–-"+spaces)
			spaced = true
		}
	}
	return rest, spaced
}

// closeUp adds what stands after a gap, with or without the space before it,
// and with a capital at the beginning of a sentence unless it is to stay as it is.
func (l *line) closeUp(s string, capitals bool) {
	rest := strings.TrimLeft(s, spaces)
	space := len(rest) < len(s) || endsIn(l.text, spaces)
	l.trim(spaces)
	first, _ := utf8.DecodeRuneInString(rest)
	if l.text == "" || strings.ContainsRune(tight, first) || endsIn(l.text, openers) {
		space = false
	}
	if space {
		if capitals && endsIn(l.text, ".!?") {
			rest = capital(rest)
		}
		l.text += " "
	}
	l.text += rest
}

// trim takes marks off the end of the text as far as its last value.
func (l *line) trim(marks string) {
	l.text = l.text[:l.fixed] + strings.TrimRight(l.text[l.fixed:], marks)
}

func (l *line) end() string {
	if l.gap {
		l.trim(promises + openers)
	}
	text := strings.Trim(singleSpaced(l.text), spaces)
	if l.asIs {
		return text
	}
	return capital(text)
}

func endsIn(s, marks string) bool {
	last, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && strings.ContainsRune(marks, last)
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if !unicode.IsLower(first) {
		return s
	}
	return string(unicode.ToTitle(first)) + s[size:]
}
