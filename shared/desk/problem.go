package desk

import (
	"errors"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// problem is a refusal with a text of the catalogue that tells staff of it; the
// error's own message is that text in English.
type problem struct {
	err    *dental.Error
	key    string
	values func(locale.Locale) map[string]string
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// refuse makes a problem. values may be nil.
func refuse(kind dental.ErrorKind, field, key string, values func(locale.Locale) map[string]string) error {
	p := &problem{key: key, values: values}
	p.err = dental.Errorf(kind, field, "%s", p.in(locale.English))
	return p
}

func (p *problem) in(l locale.Locale) string {
	var values map[string]string
	if p.values != nil {
		values = p.values(l)
	}
	return l.Text(p.key, values)
}

// InWords is what staff read of an error of the desk: what was wrong with what
// they sent, or what has changed meanwhile; "" of an error that is not theirs.
func InWords(l locale.Locale, err error) string {
	if own := (*problem)(nil); errors.As(err, &own) {
		return own.in(l)
	}
	switch dental.KindOf(err) {
	case dental.Invalid:
		return l.Text("desk.wrong.invalid", nil)
	case dental.NotFound:
		return l.Text("desk.wrong.missing", nil)
	case dental.Conflict:
		return l.Text("desk.wrong.changed", nil)
	}
	return ""
}
