// Package locale says things the way a language says them: plurals, dates,
// times, money, durations, and the catalogue of fixed texts that staff and
// patients read. It is pure; the day and the numbers come in as arguments.
//
// A language is one file of this package (russian.go) and one folder of texts/.
// Its catalogue is JSON because that is parsed without a further module, and
// once, at the first text asked for: a function that shows no text pays nothing,
// and one that shows none of the desk's pays nothing for those.
package locale

import "strings"

// Locale is a language that the product speaks. The zero Locale is English.
type Locale uint8

// The languages.
const (
	English Locale = iota
	Russian
)

// language is what differs between locales. Arrays of months start with
// January, of weekdays with Sunday, as package time counts.
type language struct {
	tag       string     // BCP 47, and the name of the catalogue's file
	months    [12]string // as they stand alone
	dayMonths [12]string // as they stand beside a day
	weekdays  [7]string
	onWeekday [7]string // with the preposition that the day takes
	day       func(day int, month string) string
	yearAfter string // between a day and its year
	clock     func(hour, minute int) string
	today     string
	tomorrow  string
	and       string

	forms   int             // how many forms a counted noun has
	form    func(n int) int // which of them stands beside a non-negative n
	hours   []string
	minutes []string

	group   string            // between thousands
	point   string            // between whole and fraction
	symbols map[string]string // of currencies; others are written by their code
	money   func(amount, symbol string, isCode bool) string
	free    []string // how words begin that say that something costs nothing

	common, desk func() map[string]string // the two halves of the catalogue
}

func (l Locale) language() *language {
	if l == Russian {
		return &russian
	}
	return &english
}

// All lists the locales.
func All() []Locale { return []Locale{English, Russian} }

// For picks the first of the wished languages that the product speaks, and
// English when it speaks none: For(patient.Language, clinic.Language). A tag
// is BCP 47 ("ru", "ru-RU", "EN"); "" is no wish.
func For(tags ...string) Locale {
	for _, tag := range tags {
		primary, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
		for _, l := range All() {
			if strings.EqualFold(primary, l.language().tag) {
				return l
			}
		}
	}
	return English
}

// String is the locale's BCP 47 tag: "ru", "en". It is what HTML's lang takes.
func (l Locale) String() string { return l.language().tag }
