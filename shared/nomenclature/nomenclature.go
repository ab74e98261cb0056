// Package nomenclature says of what kind a procedure is, by its code or its name,
// where the system of record does not.
//
// What is asked, in this order; the first that answers counts:
//
//  1. the clinic's own rules, in the clinic's order, each by the beginning of the
//     code or by a part of the name;
//  2. the product's codes (codes.go), the longest beginning that fits: those of the
//     Russian nomenclature of medical services and of the American CDT. A clinic's
//     own code around one of them ("ОРД-А16.07.047.001", "А 06.07.012") does not
//     hide it, nor do Cyrillic letters that look like Latin ones;
//  3. the product's words (words.go), in their order, from the particular to the
//     general: "чистка имплантатов" is hygiene before it is an implant.
//
// A code says more than a name, because people shorten names.
package nomenclature

import (
	"regexp"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Sort says of what kind the procedure is: by the clinic's own rules, else by
// the product's. known is false, and the kind other, where no rule fits.
func Sort(rules []dental.KindRule, code, name string) (kind dental.ProcedureKind, known bool) {
	code, name = plain(code), strings.ToLower(strings.TrimSpace(name))
	for _, r := range rules {
		if own(plain(r.Code), code, strings.HasPrefix) || own(said(r.Name), said(name), strings.Contains) {
			return r.Kind, true
		}
	}
	if kind, known := byCode(code); known {
		return kind, true
	}
	if kind, known := byCode(plain(leading(name))); known {
		return kind, true
	}
	return byWords(name)
}

// own reports whether a clinic's rule has what a procedure has: all of it after
// dental.WholeRule, else as its part.
func own(rule, has string, part func(s, part string) bool) bool {
	if whole, ok := strings.CutPrefix(rule, dental.WholeRule); ok {
		return whole != "" && has == whole
	}
	return rule != "" && part(has, rule)
}

// said is a name as it is compared.
func said(name string) string { return yo.Replace(strings.ToLower(strings.TrimSpace(name))) }

var (
	// alike are the Cyrillic letters that codes are typed with in the place of Latin ones.
	alike = strings.NewReplacer("А", "A", "В", "B", "С", "C", "Е", "E", "О", "O", "Х", "X", " ", "", "\u00a0", "")
	yo    = strings.NewReplacer("ё", "е")

	// service is a code of the nomenclature of order 804n, somewhere in a clinic's own.
	service = regexp.MustCompile(`[AB][0-9]{2}\.[0-9]{2,3}(\.[0-9]{3})*`)
	// american is a code of the CDT, which is nothing but one.
	american = regexp.MustCompile(`^D[0-9]{4}$`)
	// spelled is a code that stands before a name, "В 01.065.007 Приём".
	spelled = regexp.MustCompile(`^([авab]\s?[0-9]{2}\.[0-9]{2,3}\.[0-9.]+|d[0-9]{4})(\s|$)`)
)

// plain is a code as the tables have it.
func plain(code string) string { return alike.Replace(strings.ToUpper(strings.TrimSpace(code))) }

// leading is the code that stands before a name, "" where none does.
func leading(name string) string { return strings.TrimSpace(spelled.FindString(name)) }

// byCode looks for the longest beginning of a code that is known.
func byCode(code string) (dental.ProcedureKind, bool) {
	table := serviceKinds
	switch {
	case american.MatchString(code):
		table = americanKinds
	default:
		code = service.FindString(code)
	}
	for ; len(code) > 1; code = code[:len(code)-1] {
		if kind, known := table[code]; known {
			return kind, true
		}
	}
	return dental.OtherKind, false
}

// byWords looks for the first of the words' rules that fits a name in small letters.
func byWords(name string) (dental.ProcedureKind, bool) {
	text := spaced(name)
	if text == "" {
		return dental.OtherKind, false
	}
	for _, w := range wordings {
		if w.fits(text) {
			return w.kind, true
		}
	}
	return dental.OtherKind, false
}

// spaced is a name as the words are looked for in: letters and digits alone, one
// space before each word and one after the last.
func spaced(name string) string {
	fields := strings.FieldsFunc(yo.Replace(name), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'а' && r <= 'я' || r >= '0' && r <= '9')
	})
	if len(fields) == 0 {
		return ""
	}
	return " " + strings.Join(fields, " ") + " "
}

// wording is one rule of words: a name fits when it has one of some, one of also
// where there are any, and none of not. A word is looked for at the beginning of
// words; with a space at its end it is a whole one, with ^ before it the name
// begins with it.
type wording struct {
	kind            dental.ProcedureKind
	some, also, not []string
}

func (w wording) fits(text string) bool {
	return has(text, w.some) && (len(w.also) == 0 || has(text, w.also)) && !has(text, w.not)
}

func has(text string, words []string) bool {
	for _, w := range words {
		if first, anchored := strings.CutPrefix(w, "^"); anchored {
			if strings.HasPrefix(text[1:], first) {
				return true
			}
		} else if begins(text, w) {
			return true
		}
	}
	return false
}

// begins reports whether a word of the text, before which there is a space, begins so.
func begins(text, word string) bool {
	for from := 1; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		if from += i; text[from-1] == ' ' {
			return true
		}
		from++
	}
}
