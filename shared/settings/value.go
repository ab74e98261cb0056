package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// value is one JSON value of a patch and where it stands. Whatever is wrong
// with it is added to the patch's faults, and reading goes on.
type value struct {
	path string
	raw  json.RawMessage
	bad  *faults
}

func (v value) fault(code string, values ...string) { v.bad.add(v.path, code, values...) }

func (v value) isNull() bool { return string(v.raw) == "null" }

// read takes the value as a T, or faults it.
func read[T any](v value) (x T, ok bool) {
	err := strictjson.Decode(v.raw, maxPatch, &x)
	if err == nil {
		return x, true
	}
	bad, is := errors.AsType[*strictjson.Error](err)
	if !is {
		v.fault("unreadable")
		return x, false
	}
	path := v.path
	if bad.Field != "" && path != "" && !strings.HasPrefix(bad.Field, "[") {
		path += "."
	}
	v.bad.add(path+bad.Field, "json", "reason", bad.Message)
	return x, false
}

func (v value) string() (string, bool) { return read[string](v) }

// list takes the value as a list of least to most elements.
func (v value) list(least, most int) []value {
	raw, ok := read[[]json.RawMessage](v)
	if !ok {
		return nil
	}
	switch {
	case len(raw) < least:
		v.fault("empty")
	case len(raw) > most:
		v.fault("many", "n", strconv.Itoa(most))
		return nil
	}
	out := make([]value, len(raw))
	for i, r := range raw {
		out[i] = value{path: fmt.Sprintf("%s[%d]", v.path, i), raw: r, bad: v.bad}
	}
	return out
}

// object takes the value as an object.
func (v value) object() map[string]value {
	raw, _ := read[map[string]json.RawMessage](v)
	out := make(map[string]value, len(raw))
	for name, r := range raw {
		out[name] = value{path: join(v.path, name), raw: r, bad: v.bad}
	}
	return out
}

// fields hands each field of an object to take, in the order of their names.
// take reports whether it knows the name; a required one must be there.
func (v value) fields(take func(name string, v value) bool, required ...string) {
	before := len(*v.bad)
	all := v.object()
	if len(*v.bad) > before {
		return
	}
	for _, name := range required {
		if _, ok := all[name]; !ok {
			v.bad.add(join(v.path, name), "missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !take(name, all[name]) {
			all[name].fault("unknown")
		}
	}
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// join adds a name to a path; what is no plain word is quoted and cut.
func join(path, name string) string {
	if !word.MatchString(name) {
		if len(name) > 64 {
			name = strings.ToValidUTF8(name[:64], "") + "…"
		}
		return path + "[" + strconv.Quote(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// faults collects what is wrong with a patch.
type faults []Fault

// Fault is what is wrong with one setting.
type Fault struct {
	// Path is the setting's place in the patch, as "scenarios.recall.offsets.first"
	// or "gifts[2].name".
	Path   string
	code   string
	values map[string]string
	// said is the fault in words already, by the locale; nil for one of the texts.
	said func(locale.Locale) string
}

// Explain says the fault in words, without its place.
func (f Fault) Explain(l locale.Locale) string {
	if f.said != nil {
		return f.said(l)
	}
	return l.Text("desk.settings.fault."+f.code, f.values)
}

// Refusal is the error of a patch that is not taken: all its faults, one at least.
type Refusal struct{ Faults []Fault }

// Error names the faults.
func (r *Refusal) Error() string { return r.error().Error() }

// Unwrap is the *dental.Error of kind Invalid that a stranger may read: the path
// is its Field when there is a single fault, and stands in its Message else.
func (r *Refusal) Unwrap() error { return r.error() }

func (r *Refusal) error() *dental.Error {
	lines := make([]string, len(r.Faults))
	for i, f := range r.Faults {
		lines[i] = f.Explain(locale.English)
		if len(r.Faults) == 1 {
			return dental.Errorf(dental.Invalid, f.Path, "%s", lines[i])
		}
		lines[i] = strings.TrimSpace(f.Path + " " + lines[i])
	}
	return dental.Errorf(dental.Invalid, "", "%s", strings.Join(lines, "; "))
}

// add keeps the first reason about a place: the others follow from it. values
// are those of the reason's text, name by name.
func (f *faults) add(path, code string, values ...string) {
	named := map[string]string{}
	for pair := range slices.Chunk(values, 2) {
		named[pair[0]] = pair[1]
	}
	f.join(Fault{Path: path, code: code, values: named})
}

func (f *faults) join(found Fault) {
	if !slices.ContainsFunc(*f, func(x Fault) bool { return x.Path == found.Path }) {
		*f = append(*f, found)
	}
}

// err is nothing, or one error that names them all.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &Refusal{Faults: f}
}
