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
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// value is one JSON value of a patch and where it stands. Whatever is wrong
// with it is added to the patch's faults, and reading goes on.
type value struct {
	path string
	raw  json.RawMessage
	bad  *faults
}

func (v value) fault(format string, args ...any) { v.bad.add(v.path, format, args...) }

func (v value) isNull() bool { return string(v.raw) == "null" }

// read takes the value as a T, or faults it.
func read[T any](v value) (x T, ok bool) {
	err := strictjson.Decode(v.raw, maxPatch, &x)
	if err == nil {
		return x, true
	}
	bad, is := errors.AsType[*strictjson.Error](err)
	if !is {
		v.fault("cannot be read")
		return x, false
	}
	path := v.path
	if bad.Field != "" && path != "" && !strings.HasPrefix(bad.Field, "[") {
		path += "."
	}
	v.bad.add(path+bad.Field, "%s", bad.Message)
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
		v.fault("must not be empty")
	case len(raw) > most:
		v.fault("must not have more than %d elements", most)
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
			v.bad.add(join(v.path, name), "is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !take(name, all[name]) {
			all[name].fault("is not known")
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
type faults []fault

type fault struct{ path, reason string }

// add keeps the first reason about a place: the others follow from it.
func (f *faults) add(path, format string, args ...any) {
	if !slices.ContainsFunc(*f, func(x fault) bool { return x.path == path }) {
		*f = append(*f, fault{path, fmt.Sprintf(format, args...)})
	}
}

// err is nothing, or one error that names them all.
func (f faults) err() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return dental.Errorf(dental.Invalid, f[0].path, "%s", f[0].reason)
	}
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = strings.TrimSpace(x.path + " " + x.reason)
	}
	return dental.Errorf(dental.Invalid, "", "%s", strings.Join(lines, "; "))
}
