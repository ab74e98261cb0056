package dental

import (
	"errors"
	"fmt"
)

// ErrorKind says what a caller can do about an error; the edges translate it
// into a status.
type ErrorKind string

// The kinds of error that cross package borders.
const (
	Invalid     ErrorKind = "invalid"     // the input is wrong and stays wrong
	NotFound    ErrorKind = "not_found"   // there is no such thing, or not any more
	Conflict    ErrorKind = "conflict"    // it contradicts what is already stored
	Unavailable ErrorKind = "unavailable" // try again later; nothing is lost
)

// Error is an error with a kind and a message that a stranger may read.
type Error struct {
	Kind    ErrorKind
	Field   string // path of the bad field, as "data.receipt.total"; may be empty
	Message string
	Err     error // the cause, for the log only
}

// Errorf makes an Error without a cause.
func Errorf(kind ErrorKind, field, format string, args ...any) *Error {
	return &Error{Kind: kind, Field: field, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of the first Error in the chain, else "".
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// MessageOf is what a stranger may read of an error, "" of one that is none of ours.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

// ValidID reports whether a name can be an id: 1 to 64 of [A-Za-z0-9._:-].
func ValidID(s string) bool {
	for i := range len(s) {
		b := s[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '.' || b == '_' || b == ':' || b == '-') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}
