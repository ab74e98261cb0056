package fhir

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// The data types of R4 that resources are made of, as far as they are read.
// https://hl7.org/fhir/R4/datatypes.html
type (
	coding struct {
		System       string `json:"system"`
		Code         string `json:"code"`
		Display      string `json:"display"`
		UserSelected bool   `json:"userSelected"`
	}
	concept struct {
		Coding []coding `json:"coding"`
		Text   string   `json:"text"`
	}
	identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	reference struct {
		Reference  string     `json:"reference"`
		Type       string     `json:"type"`
		Identifier identifier `json:"identifier"`
		Display    string     `json:"display"`
	}
	period struct {
		Start string `json:"start"`
		End   string `json:"end"`
	}
	money struct {
		Value    json.RawMessage `json:"value"`
		Currency string          `json:"currency"`
	}
	extension struct {
		URL            string    `json:"url"`
		ValueReference reference `json:"valueReference"`
	}
	meta struct {
		VersionID   string   `json:"versionId"`
		LastUpdated string   `json:"lastUpdated"`
		Tag         []coding `json:"tag"`
	}
)

// first and last bound the years that a time or a date may lie in.
const first, last = 1900, 2100

// instant reads a dateTime or instant: to the second, to the minute, or a bare
// day, which is its noon. A time without an offset, which the standard forbids
// and some write, is of the clinic's zone. A year or a month alone is no time.
func instant(s string, zone *time.Location) (time.Time, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) == len(time.DateOnly) {
		d, err := dental.ParseDate(s)
		if err != nil {
			return time.Time{}, false
		}
		return bounded(d.At(12*60, zone))
	}
	if len(s) > 18 && s[16:19] == ":60" { // a leap second
		s = s[:16] + ":59" + s[19:]
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return bounded(t)
		}
	}
	return time.Time{}, false
}

func bounded(t time.Time) (time.Time, bool) {
	t = t.UTC()
	return t, t.Year() >= first && t.Year() <= last
}

// day reads a whole date; the zero Date stands for one that is not, as a year
// alone, and for one that no person alive has.
func day(s string) dental.Date {
	d, err := dental.ParseDate(strings.TrimSpace(s))
	if err != nil || d.Year < first || d.Year > last {
		return dental.Date{}
	}
	return d
}

// longest bounds a name, in characters.
const longest = 200

// line is a text as one line: without control characters, trimmed, cut.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > longest {
		s = strings.TrimSpace(string([]rune(s)[:longest]))
	}
	return s
}

// coded picks the one coding that fits best and the name that goes with it. A
// concept of which neither is said is the zero Coded.
func (c concept) coded(fits func(coding) bool) dental.Coded {
	var best coding
	rank := -1
	for _, x := range c.Coding {
		r := 0
		switch {
		case x.Code == "" && x.Display == "":
			continue
		case fits(x):
			r = 2
		case x.UserSelected:
			r = 1
		}
		if r > rank {
			best, rank = x, r
		}
	}
	out := dental.Coded{Code: code(best.Code), Name: line(c.Text)}
	for i := 0; out.Name == "" && i <= len(c.Coding); i++ {
		if out.Name = line(best.Display); i < len(c.Coding) && out.Name == "" {
			out.Name = line(c.Coding[i].Display)
		}
	}
	return out
}

var (
	// Order 804n of the Russian ministry of health: "A16.07.051.001", its letter
	// written in Cyrillic by many; and the American Dental Association's CDT: "D1110".
	ours = regexp.MustCompile(`^([ABАВ][0-9]{2}\.[0-9]{2,3}(\.[0-9]{1,4}){0,3}|D[0-9]{4})$`)
	icd  = regexp.MustCompile(`^[A-Z][0-9]{2}(\.[0-9A-Z]{1,4})?$`)
	// A tooth by ISO 3950 (FDI), permanent or deciduous.
	fdi = regexp.MustCompile(`^([1-4][1-8]|[5-8][1-5])$`)
)

// code is a code as one writes it: the Cyrillic letters of the nomenclature
// look like the Latin ones and are not.
func code(s string) string {
	s = line(s)
	if ours.MatchString(s) {
		s = strings.NewReplacer("А", "A", "В", "B").Replace(s)
	}
	return s
}

func ofNomenclature(c coding) bool { return ours.MatchString(strings.TrimSpace(c.Code)) }

// The Russian edition of ICD-10 in the register of reference data of the ministry of health.
const russianICD = "1.2.643.5.1.13.13.11.1005"

func ofICD(c coding) bool {
	system := strings.ToLower(c.System)
	named := strings.Contains(system, "icd-10") || strings.HasSuffix(system, russianICD)
	return named || system == "" && icd.MatchString(strings.TrimSpace(c.Code))
}

// amount reads a Money, rounded to what its currency has. Without a currency it
// is of the clinic's. A negative one is money given back.
func (m money) amount(currency string) (_ dental.Money, back, ok bool) {
	s := strings.Trim(string(m.Value), `"`)
	if len(s) > 32 {
		return dental.Money{}, false, false
	}
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f > 1e12 || f < -1e12 {
			return dental.Money{}, false, false
		}
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	value, ok := new(big.Rat).SetString(s)
	if !ok || strings.ContainsAny(s, "/_xX") {
		return dental.Money{}, false, false
	}
	back = value.Sign() < 0
	value.Abs(value)
	if m.Currency != "" {
		currency = m.Currency
	}
	for _, digits := range []int{4, 3, 2, 0} { // as many as the currency takes
		if out, err := dental.ParseMoney(value.FloatString(digits), currency); err == nil {
			return out, back, true
		}
	}
	return dental.Money{}, false, false
}
