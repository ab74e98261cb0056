package message

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Values are what stands in a text's places, by placeholder. They may come
// from anybody: see clean.
type Values map[Placeholder]string

// Rendered is a text ready to be sent.
type Rendered struct {
	Text     string
	Parts    int // SMS that it takes; see Parts
	Encoding Encoding
	// Dropped are the groups left out for want of room, as they were written, in the order they went.
	Dropped []string
	// Missing are the values without which the text has a hole: outside groups and empty.
	Missing []Placeholder
	// Over: the text takes more parts than the limit, whatever is left out.
	Over bool
}

// Render puts the values into the text. A limit is the number of SMS parts that
// the text may take and says that it goes by SMS; 0 is none. Under a limit,
// typographic characters become plain ones if that lets the text travel in the
// GSM alphabet; then, as long as it is too long, groups are left out: first
// those with the clinic's name, then those with its phone, then the others,
// each time the last one first. Nothing is ever cut short.
func (t Template) Render(values Values, limit int) Rendered {
	cleaned := Values{}
	for p, value := range values {
		cleaned[p] = clean(p, value)
	}
	out := Rendered{Missing: t.missing(cleaned)}
	absent := make([]bool, len(t.segments))
	for i, s := range t.segments {
		absent[i] = s.optional && slices.ContainsFunc(s.nodes, func(n node) bool {
			return n.value != "" && cleaned[n.value] == ""
		})
	}
	optional := t.dropOrder(absent)
	for {
		out.Text = t.compose(cleaned, absent)
		if limit > 0 {
			out.Text = thrifty(out.Text)
		}
		out.Parts, out.Encoding = Parts(out.Text)
		out.Over = limit > 0 && out.Parts > limit
		if !out.Over || len(optional) == 0 {
			return out
		}
		absent[optional[0]] = true
		out.Dropped = append(out.Dropped, t.segments[optional[0]].source)
		optional = optional[1:]
	}
}

func (t Template) missing(values Values) []Placeholder {
	var out []Placeholder
	for _, p := range Placeholders() {
		if values[p] == "" && t.Requires(p) {
			out = append(out, p)
		}
	}
	return out
}

// dropOrder lists the groups that are there, the most dispensable first.
func (t Template) dropOrder(absent []bool) []int {
	rank := func(i int) int {
		switch s := t.segments[i]; {
		case s.uses(ClinicName):
			return 0
		case s.uses(ClinicPhone):
			return 1
		}
		return 2
	}
	var out []int
	for i := len(t.segments) - 1; i >= 0; i-- {
		if t.segments[i].optional && !absent[i] {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return rank(a) - rank(b) })
	return out
}

func (t Template) compose(values Values, absent []bool) string {
	var line line
	for i, s := range t.segments {
		if absent[i] {
			line.hole()
			continue
		}
		for _, n := range s.nodes {
			switch {
			case n.value == "":
				line.literal(n.literal)
			case values[n.value] == "":
				line.hole()
			default:
				line.value(values[n.value], n.value == Link)
			}
		}
	}
	return line.end()
}

// line is a text under construction. It closes the gaps that vanished pieces
// leave; it may trim what the text's author wrote and never touches a value.
type line struct {
	text  string
	fixed int  // the text up to here ends in a value
	gap   bool // something vanished at the end of the text
	asIs  bool // the text begins with a link, which takes no capital
}

// The marks that a gap has to do with.
const (
	spaces   = " \u00a0\u202f"
	stops    = ".!?…"            // end a sentence
	promises = ",;:—–-" + spaces // promise that something follows
	tight    = ",;:.!?…)»”"      // stand close to the word before
	openers  = "(«“"             // stand close to the word after
	closers  = ")»”"             // and close the openers, in their order
	leading  = promises + stops + closers
)

func (l *line) hole() { l.gap = true }

func (l *line) value(v string, link bool) {
	if strings.Trim(l.text, spaces) == "" {
		l.asIs = link
	}
	if l.gap {
		l.closeUp(v, !link)
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
	for i := range []rune(openers) {
		opener, closer := string([]rune(openers)[i]), string([]rune(closers)[i])
		if strings.HasSuffix(l.text, opener) && len(l.text) > l.fixed && strings.HasPrefix(rest, closer) {
			l.text = strings.TrimSuffix(l.text, opener)
			after, more := l.meet(strings.TrimPrefix(rest, closer))
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

// closeUp adds what stands after a gap, with or without the space before it.
func (l *line) closeUp(s string, words bool) {
	rest := strings.TrimLeft(s, spaces)
	space := len(rest) < len(s) || endsIn(l.text, spaces)
	l.trim(spaces)
	first, _ := utf8.DecodeRuneInString(rest)
	if l.text == "" || strings.ContainsRune(tight, first) || endsIn(l.text, openers) {
		space = false
	}
	if space {
		if words && endsIn(l.text, ".!?") {
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
