package message

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Placeholder is the name of a value in a text.
type Placeholder string

// The placeholders. Their values come ready for the reader: the caller says
// them in the patient's language with package locale.
const (
	Given       Placeholder = "given"       // the patient's given name: "Анна"
	Doctor      Placeholder = "doctor"      // who treats: "Ирина Соколова"
	ClinicName  Placeholder = "clinic"      // the clinic's name
	ClinicPhone Placeholder = "clinicPhone" // the clinic's phone: "+7 495 000-00-00"
	Address     Placeholder = "address"     // where the clinic is
	Link        Placeholder = "link"        // the patient's page, an absolute http or https URL
	Day         Placeholder = "day"         // "12 марта"
	Date        Placeholder = "date"        // "в четверг, 12 марта"
	Time        Placeholder = "time"        // "14:30"
	Minutes     Placeholder = "minutes"     // how long it takes: "30 минут"
	Next        Placeholder = "next"        // the name of the next step
	List        Placeholder = "list"        // several appointments in one reminder
	Advice      Placeholder = "advice"      // a recommendation after a visit
	Benefit     Placeholder = "benefit"     // what the clinic offers
	Until       Placeholder = "until"       // the last day of an offer, or the day to come back by: "12 апреля"
	MapName     Placeholder = "map"         // the name of a map with reviews: "Яндекс Карты"
)

// Placeholders lists every placeholder that a text may have.
func Placeholders() []Placeholder {
	return []Placeholder{Given, Doctor, ClinicName, ClinicPhone, Address, Link, Day, Date, Time, Minutes, Next, List,
		Advice, Benefit, Until, MapName}
}

// Template is a compiled text. The zero Template is an empty one. It is a value
// that nothing changes, safe to share.
type Template struct {
	source   string
	segments []segment
}

// segment is a stretch of a text: an optional group, or what stands between groups.
type segment struct {
	optional bool
	nodes    []node
	source   string // of a group, without its brackets
}

// node is a literal, or a place for a value.
type node struct {
	literal string
	value   Placeholder // "" for a literal
}

// Compile reads a text. Its error is an *Unreadable, of kind dental.Invalid, and
// names every fault with the position of its character, counted from 1.
func Compile(source string) (Template, error) {
	c := compiler{source: source, rest: source, at: 1}
	c.run()
	if len(c.slips) > 0 {
		return Template{}, &Unreadable{c.slips}
	}
	return Template{source: source, segments: c.segments}, nil
}

// Unreadable is the error of a text that does not compile.
type Unreadable struct{ Slips []Slip }

// Slip is one place at which a text does not read.
type Slip struct {
	Code string // one of the constants
	At   int    // position of the character, counted from 1
	Word string // what stands there, where that is not told by the code
}

// The codes of slips.
const (
	SlipEmpty     = "empty"      // there is no text
	SlipOpen      = "open"       // [ is not closed
	SlipBrace     = "brace"      // { is not closed
	SlipLostBrace = "lost-brace" // } closes nothing
	SlipLost      = "lost"       // ] closes nothing
	SlipNested    = "nested"     // [ inside a group
	SlipUnknown   = "unknown"    // there is no such {word}
	SlipBare      = "bare"       // a group without a placeholder
	SlipEncoding  = "encoding"   // a byte that is not UTF-8
	SlipInvisible = "invisible"  // an invisible character, word
)

// Error names every slip.
func (u *Unreadable) Error() string { return u.Unwrap().Error() }

// Unwrap is the error that a stranger may read.
func (u *Unreadable) Unwrap() error {
	lines := make([]string, len(u.Slips))
	for i, s := range u.Slips {
		lines[i] = fmt.Sprintf("character %d: %s", s.At, s.what())
	}
	return dental.Errorf(dental.Invalid, "", "the text does not read: %s", strings.Join(lines, "; "))
}

// what says a slip in the words of whoever writes a catalogue.
func (s Slip) what() string {
	switch s.Code {
	case SlipEmpty:
		return "it is empty"
	case SlipOpen:
		return "[ is not closed"
	case SlipBrace:
		return "{ is not closed"
	case SlipLostBrace:
		return "} closes nothing; write }} for the brace itself"
	case SlipLost:
		return "] closes nothing; write ]] for the bracket itself"
	case SlipNested:
		return "[ inside a group; groups do not nest"
	case SlipUnknown:
		return fmt.Sprintf("there is no {%s}; there are %s", s.Word, known())
	case SlipBare:
		return "a group without a placeholder would never vanish"
	case SlipEncoding:
		return "a byte that is not UTF-8"
	}
	return "an invisible character, " + s.Word
}

type compiler struct {
	source string
	rest   string
	at     int // position of the first character of rest
	slips  []Slip

	segments []segment
	nodes    []node          // of the segment being read
	literal  strings.Builder // the end of it
	opened   int             // position of the group's bracket, 0 outside
	depth    int             // of brackets inside the group, each of which is a fault
	group    strings.Builder // the group's source
}

func (c *compiler) run() {
	for c.rest != "" {
		c.step()
	}
	if c.opened > 0 {
		c.slip(c.opened, SlipOpen, "")
	}
	c.close(false)
	if strings.TrimSpace(c.source) == "" {
		c.slip(1, SlipEmpty, "")
	}
}

func (c *compiler) step() {
	at := c.at
	for _, bracket := range []string{"{", "}", "[", "]"} {
		if strings.HasPrefix(c.rest, bracket+bracket) {
			c.take(2)
			c.literal.WriteString(bracket)
			return
		}
	}
	switch r, size := utf8.DecodeRuneInString(c.rest); {
	case r == '{':
		c.placeholder()
	case r == '}':
		c.take(1)
		c.slip(at, SlipLostBrace, "")
	case r == '[':
		c.open()
	case r == ']':
		c.shut()
	case r == utf8.RuneError && size == 1:
		c.take(1)
		c.slip(at, SlipEncoding, "")
	case unicode.IsSpace(r):
		c.take(1)
		c.literal.WriteRune(narrowed(r))
	case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != zeroWidthJoiner:
		c.take(1)
		c.slip(at, SlipInvisible, fmt.Sprintf("U+%04X", r))
	default:
		c.literal.WriteString(c.take(1))
	}
}

// take moves on by n characters and gives them.
func (c *compiler) take(n int) string {
	size := 0
	for range n {
		_, s := utf8.DecodeRuneInString(c.rest[size:])
		size += s
	}
	taken := c.rest[:size]
	c.rest, c.at = c.rest[size:], c.at+n
	if c.opened > 0 {
		c.group.WriteString(taken)
	}
	return taken
}

func (c *compiler) slip(at int, code, word string) {
	c.slips = append(c.slips, Slip{Code: code, At: at, Word: word})
}

func (c *compiler) placeholder() {
	at := c.at
	c.take(1)
	end := strings.IndexAny(c.rest, "{}[]")
	if end < 0 || c.rest[end] != '}' {
		c.slip(at, SlipBrace, "")
		return
	}
	name := Placeholder(c.rest[:end])
	c.take(utf8.RuneCountInString(string(name)) + 1)
	if !slices.Contains(Placeholders(), name) {
		c.slip(at, SlipUnknown, string(name))
		return
	}
	c.endLiteral()
	c.nodes = append(c.nodes, node{value: name})
}

func known() string {
	var names []string
	for _, p := range Placeholders() {
		names = append(names, "{"+string(p)+"}")
	}
	return strings.Join(names, " ")
}

func (c *compiler) open() {
	at := c.at
	if c.opened > 0 {
		c.take(1)
		c.depth++
		c.slip(at, SlipNested, "")
		return
	}
	c.take(1)
	c.close(false)
	c.opened = at
}

func (c *compiler) shut() {
	at := c.at
	switch {
	case c.opened == 0:
		c.take(1)
		c.slip(at, SlipLost, "")
	case c.depth > 0:
		c.take(1)
		c.depth--
	default:
		opened := c.opened
		c.opened = 0
		c.take(1)
		c.endLiteral()
		if !slices.ContainsFunc(c.nodes, func(n node) bool { return n.value != "" }) {
			c.slip(opened, SlipBare, "")
		}
		c.close(true)
	}
}

func (c *compiler) endLiteral() {
	if c.literal.Len() > 0 {
		c.nodes = append(c.nodes, node{literal: singleSpaced(c.literal.String())})
		c.literal.Reset()
	}
}

// close ends the segment being read.
func (c *compiler) close(optional bool) {
	c.endLiteral()
	if len(c.nodes) > 0 {
		c.segments = append(c.segments, segment{optional: optional, nodes: c.nodes, source: c.group.String()})
	}
	c.nodes = nil
	c.group.Reset()
}

// String is the text as it was written.
func (t Template) String() string { return t.source }

// Append is the text with a sentence after it that never vanishes, as the
// warning that an advertisement must carry. The sentence is taken literally;
// "" changes nothing.
func (t Template) Append(sentence string) Template {
	sentence = visible(sentence)
	if sentence == "" {
		return t
	}
	doubled := strings.NewReplacer("{", "{{", "}", "}}", "[", "[[", "]", "]]").Replace(sentence)
	return Template{
		source:   strings.TrimLeft(t.source+" "+doubled, " "),
		segments: append(slices.Clone(t.segments), segment{nodes: []node{{literal: " " + sentence}}}),
	}
}

// Uses reports whether the text has a place for the value, in a group or not.
func (t Template) Uses(p Placeholder) bool {
	return slices.ContainsFunc(t.segments, func(s segment) bool { return s.uses(p) })
}

// Requires reports whether the text has a place for the value outside groups:
// rendered without it, the text has a hole.
func (t Template) Requires(p Placeholder) bool {
	return slices.ContainsFunc(t.segments, func(s segment) bool { return !s.optional && s.uses(p) })
}

func (s segment) uses(p Placeholder) bool {
	return slices.ContainsFunc(s.nodes, func(n node) bool { return n.value == p })
}
