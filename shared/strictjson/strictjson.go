// Package strictjson decodes JSON that strangers send. It takes exactly what
// the outward contract promises to take: one document of valid UTF-8, at most
// MaxDepth deep, no key twice in one object, field names matched letter for
// letter. Unknown fields are allowed, since the contract grows by adding them.
//
// Every refusal is an *Error that names the field and says in words what is
// wrong with it, without repeating the value, which may be personal data.
//
// The grammar and the mapping to Go are those of encoding/json/v2, taken from
// its mirror github.com/go-json-experiment/json until the standard library
// offers that package without an experiment.
package strictjson

import (
	"bytes"
	"encoding"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how many objects and arrays may stand inside one another, the
// outermost counted.
const MaxDepth = 32

// maxName bounds, in bytes, what an error repeats of one name of the sender.
const maxName = 64

// Kind says what was wrong with a document. The values are fit to stand in an
// answer to the sender.
type Kind string

// The kinds of refusal.
const (
	TooLarge     Kind = "too_large"     // longer than the caller allows
	NotJSON      Kind = "not_json"      // not exactly one JSON document
	BadUTF8      Kind = "bad_utf8"      // a byte that is not UTF-8, or half of a surrogate pair
	DuplicateKey Kind = "duplicate_key" // a key twice in one object
	TooDeep      Kind = "too_deep"      // deeper than MaxDepth
	WrongValue   Kind = "wrong_value"   // JSON, but not what the field holds
)

// Error is a refusal of a document.
type Error struct {
	Kind Kind
	// Field is where in the document, as data.procedures[2].kind; "" is the
	// document itself. A name that is not a plain word stands quoted in
	// brackets, cut to 64 bytes: data["a b"].
	Field string
	// Message is one sentence part that follows the field: "must be a string".
	Message string
}

func (e *Error) Error() string {
	if e.Field == "" {
		return "strictjson: the document " + e.Message
	}
	return "strictjson: " + e.Field + " " + e.Message
}

// Decode stores the one document of raw, of at most limit bytes, in the value
// that into points to. null makes a field its zero value, as if it were absent;
// a document that is itself null is refused.
//
// What the sender did wrong is an *Error; a value that no document could be
// stored in is any other error. A type that reads itself (encoding.TextUnmarshaler,
// json.Unmarshaler) gives the Message by the text of its error, so that text
// must be fit for strangers. The value may be half filled when an error is
// returned.
//
// Differences from encoding/json that callers meet: names are not folded, null
// resets, an array of Go must have as many elements as the document's, and a
// time.Duration cannot be decoded.
func Decode(raw []byte, limit int, into any) error {
	if len(raw) > limit {
		return &Error{Kind: TooLarge, Message: fmt.Sprintf("is %d bytes, and at most %d are taken", len(raw), limit)}
	}
	if err := check(raw); err != nil {
		return err
	}
	err := json.Unmarshal(raw, into)
	if err == nil {
		return nil
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("strictjson: decode into %T: %w", into, err)
	}
	message := explain(semantic)
	if message == "" {
		return fmt.Errorf("strictjson: %T cannot hold a document: %w", into, err)
	}
	return &Error{Kind: WrongValue, Field: field(raw, semantic.JSONPointer), Message: message}
}

// check reads the whole document before any of it is stored, so that types
// which read themselves never see what the contract refuses.
func check(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	for first := true; ; first = false {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && first:
			return &Error{Kind: NotJSON, Message: "is empty"}
		case err != nil:
			return refuse(raw, err)
		case first && token.Kind() == jsontext.KindNull:
			return &Error{Kind: WrongValue, Message: "must not be null"}
		case d.StackDepth() > MaxDepth:
			return &Error{Kind: TooDeep, Field: field(raw, d.StackPointer()),
				Message: fmt.Sprintf("is deeper than %d objects and arrays", MaxDepth)}
		case d.StackDepth() == 0:
			return checkEnd(d, raw)
		}
	}
}

func checkEnd(d *jsontext.Decoder, raw []byte) error {
	end := d.InputOffset()
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return &Error{Kind: NotJSON, Message: fmt.Sprintf("is followed by more after its end at byte %d of %d", end, len(raw))}
	}
	return nil
}

// refuse turns what the reader of the grammar says into an *Error.
func refuse(raw []byte, err error) error {
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return fmt.Errorf("strictjson: read the document: %w", err)
	}
	e := &Error{Kind: NotJSON, Field: field(raw, syntactic.JSONPointer)}
	rest := raw[min(max(syntactic.ByteOffset, 0), int64(len(raw))):]
	r, size := utf8.DecodeRune(rest)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		e.Kind, e.Message = DuplicateKey, "is given twice in one object"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = "is not finished: the JSON ends too early"
	case r == utf8.RuneError && size == 1:
		e.Kind, e.Message = BadUTF8, fmt.Sprintf("is not valid UTF-8 at byte %d", syntactic.ByteOffset+1)
	case isSurrogate(rest):
		e.Kind, e.Message = BadUTF8, fmt.Sprintf("has half of a surrogate pair at byte %d", syntactic.ByteOffset+1)
	default:
		e.Message = fmt.Sprintf("is not valid JSON at byte %d: %v", syntactic.ByteOffset+1, syntactic.Err)
	}
	return e
}

// isSurrogate reports whether b begins with an escape of half of a pair.
func isSurrogate(b []byte) bool {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return err == nil && n >= 0xD800 && n <= 0xDFFF
}

// explain says what a field must be, or "" when not the document but the Go
// type is at fault.
func explain(e *json.SemanticError) string {
	t := e.GoType
	if t == nil || e.JSONKind == jsontext.KindInvalid {
		return ""
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Time]() {
		return "must be a time with offset as RFC 3339 has it, as in 2026-05-22T15:40:00+03:00"
	}
	if readsItself(t) {
		if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) && e.JSONKind != jsontext.KindString {
			return "must be a string"
		}
		if e.Err == nil {
			return "is not what this field holds"
		}
		return e.Err.Error()
	}
	switch t.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if errors.Is(e.Err, strconv.ErrRange) {
			return "is a number out of range"
		}
		return "must be a whole number"
	case reflect.Float32, reflect.Float64:
		if errors.Is(e.Err, strconv.ErrRange) {
			return "is a number out of range"
		}
		return "must be a number"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "must be a string of base64"
		}
		if t.Kind() == reflect.Array {
			return fmt.Sprintf("must be a list of %d", t.Len())
		}
		return "must be a list"
	case reflect.Struct, reflect.Map:
		if e.JSONKind == jsontext.KindBeginObject {
			return "" // an object came: the struct's own declaration is wrong
		}
		return "must be an object"
	}
	return ""
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) ||
		p.Implements(reflect.TypeFor[stdjson.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[json.UnmarshalerFrom]())
}

// field writes a pointer as people write it. A pointer does not say whether
// "2" is an index or a name, so the document is read down to the place; where
// the document is broken there, the rest is taken for names.
func field(raw []byte, p jsontext.Pointer) string {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	var path []byte
	for name := range p.Tokens() {
		if isArray := descend(d, name); isArray {
			path = append(append(append(path, '['), name...), ']')
			continue
		}
		if isWord(name) {
			if len(path) > 0 {
				path = append(path, '.')
			}
			path = append(path, name...)
			continue
		}
		if len(name) > maxName {
			name = strings.ToValidUTF8(name[:maxName], "") + "…"
		}
		path = append(strconv.AppendQuote(append(path, '['), name), ']')
	}
	return string(path)
}

// descend moves d into the container that comes next and up to the element
// called name, and reports whether the container is an array.
func descend(d *jsontext.Decoder, name string) (isArray bool) {
	open, err := d.ReadToken()
	if err != nil {
		return false
	}
	switch open.Kind() {
	case jsontext.KindBeginArray:
		index, err := strconv.Atoi(name)
		for i := 0; err == nil && i < index; i++ {
			err = d.SkipValue()
		}
		return true
	case jsontext.KindBeginObject:
		for d.PeekKind() == jsontext.KindString {
			if key, err := d.ReadToken(); err != nil || key.String() == name {
				return false
			}
			if err := d.SkipValue(); err != nil {
				return false
			}
		}
	}
	return false
}

// isWord reports whether name can stand in a path without quotes.
func isWord(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') && (i == 0 || c != '-') {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}
