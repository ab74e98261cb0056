package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// The catalogues, the files of texts/ru and texts/en, map keys to texts. What
// staff read on the desk's pages begins with "desk." and stands in files of that
// name, one for each part of the desk; everything else is in common.json:
//
//	reason.<code>     why a message did not leave; lower case, no full stop, so
//	                  that it can stand after a colon
//	task.<kind>[.<variant>]  what staff are asked to do, in whole sentences
//	kind.<kind>       a task kind's short name
//	answer.…          a patient's answer, to fill {answer} with
//	benefit.…         what a patient gets for coming, to fill {benefit} with
//	bonus.<kind>      what an entry of a ledger of bonuses is for
//	channel.<name>, class.<name>, state.<name>, procedure.<kind>
//	part.<name>       a part of the day, to fill {wish} with
//	mail.…, warning.… what the product adds to a message by itself
//	check.<rule>      what is wrong with a {word} of a text
//	page.…            the words of patients' pages
//	desk.<part>.…     the words of the desk's pages
//
// In a text {name} stands for a value and {n|визит|визита|визитов} for the form
// of a noun that the whole number in value n asks for, the forms being those
// of Plural. Both catalogues have the same keys and, key by key, the same
// values, named from the one list in texts_test.go. A test holds all of it, so
// adding a text is adding a line to each file.

// Text is the catalogue's text for a key with the values in the places named
// after them. A value is never read as a text itself, so a name with braces in
// it stays what it is. A value that is missing is left out. An unknown key is
// its own text, so that what a newer version wrote is still told.
func (l Locale) Text(key string, values map[string]string) string {
	text, ok := l.lookUp(key)
	if !ok {
		return key
	}
	var b strings.Builder
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			break
		}
		inside, after, _ := strings.Cut(rest, "}")
		name, forms, counted := strings.Cut(inside, "|")
		if counted {
			b.WriteString(l.counted(values[name], strings.Split(forms, "|")))
		} else {
			b.WriteString(values[name])
		}
		text = after
	}
	return b.String()
}

// counted is the form of a noun beside a number in digits; beside anything
// else it is the last one, which stands beside an unknown many.
func (l Locale) counted(number string, forms []string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return forms[len(forms)-1]
	}
	return l.Plural(n, forms...)
}

// Has reports whether the catalogue has a text for the key.
func (l Locale) Has(key string) bool {
	_, ok := l.lookUp(key)
	return ok
}

// Keys lists the catalogue's keys in order.
func (l Locale) Keys() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, half := range []map[string]string{l.language().common(), l.language().desk()} {
			for key := range half {
				if !yield(key) {
					return
				}
			}
		}
	})
}

// Placeholders lists, once each and in order, the values that the text of a
// key asks for, so that a caller's test can hold that it gives them all.
func (l Locale) Placeholders(key string) []string {
	text, _ := l.lookUp(key)
	var names []string
	for {
		_, rest, found := strings.Cut(text, "{")
		if !found {
			slices.Sort(names)
			return slices.Compact(names)
		}
		inside, after, _ := strings.Cut(rest, "}")
		name, _, _ := strings.Cut(inside, "|")
		names = append(names, name)
		text = after
	}
}

// Reason is why a message did not leave, in words that staff understand. A
// code that the catalogue does not know is shown as it is.
func (l Locale) Reason(code string) string {
	if key := "reason." + code; l.Has(key) {
		return l.Text(key, nil)
	}
	return code
}

// lookUp finds a text in the half of the catalogue that its key belongs to.
func (l Locale) lookUp(key string) (string, bool) {
	half := l.language().common
	if strings.HasPrefix(key, "desk.") {
		half = l.language().desk
	}
	text, ok := half()[key]
	return text, ok
}

//go:embed texts
var texts embed.FS

// mustParse reads the files that a pattern names into one catalogue. It panics
// because a catalogue that does not parse was compiled in: the tests never let it out.
func mustParse(pattern string) map[string]string {
	names, err := fs.Glob(texts, pattern)
	if err != nil {
		panic("locale: " + err.Error())
	}
	all := map[string]string{}
	for _, name := range names {
		source, err := texts.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(source, &all)
		}
		if err != nil {
			panic(fmt.Sprintf("locale: read the catalogue %s: %v", name, err))
		}
	}
	return all
}
