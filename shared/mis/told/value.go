package told

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// Decode reads the one document of raw, of at most limit bytes. What is wrong
// with it is dental.Invalid, with the field and without the value.
func Decode(raw []byte, limit int, into any) error {
	err := strictjson.Decode(raw, limit, into)
	if err == nil {
		return nil
	}
	if bad, ok := errors.AsType[*strictjson.Error](err); ok {
		message := bad.Message
		if bad.Field == "" {
			message = "the document " + message
		}
		return &dental.Error{Kind: dental.Invalid, Field: bad.Field, Message: message}
	}
	return &dental.Error{Kind: dental.Invalid, Message: "the document cannot be read", Err: err}
}

// Under puts the place of a part of a document before the field that an error in
// it names. What is no dental.Error stays as it is.
func Under(place string, err error) error {
	bad, ok := errors.AsType[*dental.Error](err)
	if !ok {
		return err
	}
	out := *bad
	out.Field = strings.TrimSuffix(place+"."+bad.Field, ".")
	return &out
}

// Text is a single value that a vendor writes now as a string, now as a number,
// now as a boolean: without the spaces around it, "" for null.
type Text string

// UnmarshalJSON takes anything but an object or a list. An empty one is what PHP
// makes of nothing, and is nothing.
func (t *Text) UnmarshalJSON(raw []byte) error {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) > 0 && raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return errors.New("must be a string")
		}
		*t = Text(strings.TrimSpace(s))
	case string(raw) == "null" || hollow(raw):
		*t = ""
	case len(raw) > 0 && (raw[0] == '{' || raw[0] == '['):
		return errors.New("must be a string or a number")
	default:
		*t = Text(raw)
	}
	return nil
}

// Whole is the value as a whole number; ok is false where it is none, as "" is.
// "2.0" is 2.
func (t Text) Whole() (n int64, ok bool) {
	whole, frac, _ := strings.Cut(string(t), ".")
	if strings.Trim(frac, "0") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	return n, err == nil
}

// ID is the value as the id of something: "" where it is null, false or 0,
// which is how vendors say that there is none.
func (t Text) ID() string {
	switch s := string(t); s {
	case "0", "false", "null":
		return ""
	default:
		return s
	}
}

// True reports whether the value is yes: true, 1, "true", "yes".
func (t Text) True() bool {
	switch strings.ToLower(string(t)) {
	case "true", "1", "yes":
		return true
	}
	return false
}

// hollow reports a list or an object without anything in it.
func hollow(raw []byte) bool {
	return len(raw) >= 2 && (raw[0] == '[' || raw[0] == '{') && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

// Empty reports whether a value is one of those that vendors write for none:
// null, "", false, 0, an empty list or object; or nothing at all.
func Empty(raw []byte) bool {
	switch raw = bytes.TrimSpace(raw); string(raw) {
	case "", "null", `""`, "false", "0":
		return true
	}
	return hollow(raw)
}

// Object is an object that may be absent, as Empty says.
type Object[T any] struct {
	Value T
	Set   bool
}

// UnmarshalJSON reads the object.
func (o *Object[T]) UnmarshalJSON(raw []byte) error {
	*o = Object[T]{}
	if Empty(raw) {
		return nil
	}
	if raw = bytes.TrimSpace(raw); raw[0] != '{' {
		return errors.New("must be an object")
	}
	o.Set = true
	return within(strictjson.Decode(raw, len(raw), &o.Value))
}

// List is a list that may be absent, or be an object whose keys are its places,
// as PHP writes a list with gaps.
type List[T any] []T

// UnmarshalJSON reads the list.
func (l *List[T]) UnmarshalJSON(raw []byte) error {
	*l = nil
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) > 0 && raw[0] == '[':
		var out []T
		err := strictjson.Decode(raw, len(raw), &out)
		*l = out
		return within(err)
	case len(raw) > 0 && raw[0] == '{':
		var gappy map[string]T
		if err := strictjson.Decode(raw, len(raw), &gappy); err != nil {
			return within(err)
		}
		keys := make([]int, 0, len(gappy))
		for k := range gappy {
			n, err := strconv.Atoi(k)
			if err != nil || strconv.Itoa(n) != k {
				return errors.New("must be a list")
			}
			keys = append(keys, n)
		}
		slices.Sort(keys)
		for _, k := range keys {
			*l = append(*l, gappy[strconv.Itoa(k)])
		}
		return nil
	}
	if Empty(raw) {
		return nil
	}
	return errors.New("must be a list")
}

// within says of a value inside what was wrong with it, in one sentence part.
func within(err error) error {
	bad, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return err
	}
	if bad.Field == "" {
		return errors.New(bad.Message)
	}
	return errors.New("has " + bad.Field + ", which " + bad.Message)
}

// Line is a name or a title: one line without control characters and the mark of
// a letter that was lost, of at most most characters.
func Line[S ~string](text S, most int) string {
	s := strings.Join(strings.FieldsFunc(string(text), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
	}), " ")
	if r := []rune(s); len(r) > most {
		s = strings.TrimSpace(string(r[:most]))
	}
	return s
}

// Name takes a whole name apart, as Russian documents write it: family name,
// given name, and the rest.
func Name(whole string) (family, given, middle string) {
	parts := strings.Fields(whole)
	switch len(parts) {
	case 0:
		return "", "", ""
	case 1:
		return parts[0], "", ""
	}
	return parts[0], parts[1], strings.Join(parts[2:], " ")
}

// Day reads a date as DD.MM.YYYY or YYYY-MM-DD, with or without a time behind
// it: it is the one that is written, whatever it is then in another zone. What is
// no date of a real calendar, as 00.00.0000, is none.
func Day[S ~string](date S) dental.Date {
	s, _, _ := strings.Cut(strings.Replace(string(date), "T", " ", 1), " ")
	for _, layout := range []string{"02.01.2006", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1900 && t.Year() <= 2100 {
			return dental.DateOf(t)
		}
	}
	return dental.Date{}
}

// Money reads an amount as vendors write it, "402.00", "402,5" or 402, in the
// currency. No amount is no money.
func Money(amount, currency string) (dental.Money, error) {
	amount = dental.Typed(amount)
	if amount == "" || currency == "" {
		return dental.Money{}, nil
	}
	if whole, frac, point := strings.Cut(amount, "."); point {
		if frac = strings.TrimRight(frac, "0"); frac == "" {
			amount = whole
		} else {
			amount = whole + "." + frac
		}
	}
	m, err := dental.ParseMoney(amount, currency)
	if err != nil {
		return dental.Money{}, errors.New("must be an amount of money") // the parser's error repeats it
	}
	return m, nil
}
