package store

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// The nouns are written down attribute by attribute, so that the console shows
// them as they are: a field FamilyName is the attribute familyName, a time is
// RFC 3339 in UTC, a type with a text form is that text, and a zero value is no
// attribute. The goldens of codec_test hold the names: renaming a field of a
// noun renames what is stored.

// encode turns a struct into attributes; absent attributes are zero fields.
func encode(v any) map[string]any {
	out := map[string]any{}
	encodeFields(reflect.ValueOf(v), out)
	return out
}

func encodeFields(v reflect.Value, out map[string]any) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue // found again, and not stored
		}
		if f.Anonymous {
			encodeFields(v.Field(i), out)
			continue
		}
		if !v.Field(i).IsZero() {
			out[attribute(f.Name)] = encodeValue(v.Field(i))
		}
	}
}

// attribute lowers the capitals that a field's name begins with: ID is id, URL
// is url, FamilyName is familyName, NotMe is notMe.
func attribute(field string) string { return string(appendAttribute(nil, field)) }

// appendAttribute is attribute without a string of its own: a name is asked for
// with each field of all that is read.
func appendAttribute(name []byte, field string) []byte {
	from := len(name)
	name = append(name, field...)
	for i := from; i < len(name); i++ {
		if !isUpper(name[i]) || i > from && i+1 < len(name) && isLower(name[i+1]) {
			break
		}
		name[i] += 'a' - 'A'
	}
	return name
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func encodeValue(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case encoding.TextMarshaler:
		b, err := x.MarshalText()
		if err != nil {
			panic("store: a noun that cannot be written as text: " + err.Error())
		}
		return string(b)
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int64:
		return v.Int()
	case reflect.Bool:
		return v.Bool()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = encodeValue(v.Index(i))
		}
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			out[k.String()] = encodeValue(v.MapIndex(k))
		}
		return out
	case reflect.Struct:
		out := map[string]any{}
		encodeFields(v, out)
		return out
	}
	panic(fmt.Sprintf("store: a field of type %s has no stored form", v.Type()))
}

// decode fills the struct that into points to. Attributes it does not know
// are left alone; one of the wrong shape is an error that names it.
func decode(attr map[string]any, into any) error {
	return decodeFields(attr, reflect.ValueOf(into).Elem())
}

func decodeFields(attr map[string]any, v reflect.Value) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if f.Anonymous {
			if err := decodeFields(attr, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		stored, ok := attr[attribute(f.Name)]
		if !ok {
			continue
		}
		if err := decodeValue(stored, v.Field(i)); err != nil {
			return fmt.Errorf("attribute %s: %w", attribute(f.Name), err)
		}
	}
	return nil
}

func decodeValue(stored any, v reflect.Value) error {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		s, _ := stored.(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return fmt.Errorf("%v is not a time", stored)
		}
		*x = t
		return nil
	case encoding.TextUnmarshaler:
		s, ok := stored.(string)
		if !ok {
			return fmt.Errorf("%v is not a text", stored)
		}
		return x.UnmarshalText([]byte(s))
	}
	mismatch := func() error { return fmt.Errorf("a stored %T is not a %s", stored, v.Type()) }
	switch v.Kind() {
	case reflect.String:
		s, ok := stored.(string)
		if !ok {
			return mismatch()
		}
		v.SetString(s)
	case reflect.Int, reflect.Int64:
		n, ok := stored.(int64)
		if !ok {
			return mismatch()
		}
		v.SetInt(n)
	case reflect.Bool:
		b, ok := stored.(bool)
		if !ok {
			return mismatch()
		}
		v.SetBool(b)
	case reflect.Slice:
		if b, ok := stored.([]byte); ok && v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(b)
			return nil
		}
		list, ok := stored.([]any)
		if !ok {
			return mismatch()
		}
		out := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i := range list {
			if err := decodeValue(list[i], out.Index(i)); err != nil {
				return err
			}
		}
		v.Set(out)
	case reflect.Map:
		m, ok := stored.(map[string]any)
		if !ok {
			return mismatch()
		}
		out := reflect.MakeMapWithSize(v.Type(), len(m))
		for k, s := range m {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := decodeValue(s, e); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			out.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), e)
		}
		v.Set(out)
	case reflect.Struct:
		m, ok := stored.(map[string]any)
		if !ok {
			return mismatch()
		}
		return decodeFields(m, v)
	default:
		return mismatch()
	}
	return nil
}

// overlay writes a noun over what was read of it, so that attributes which newer
// code has added stay: those of the item, of structs and maps inside it, and of
// the elements of lists that have not changed.
func overlay(read map[string]any, v any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, read)
	overlayFields(out, reflect.ValueOf(v))
	return out
}

func overlayFields(out map[string]any, v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		f, name := t.Field(i), attribute(t.Field(i).Name)
		switch {
		case !f.IsExported():
		case f.Anonymous:
			overlayFields(out, v.Field(i))
		case v.Field(i).IsZero():
			delete(out, name)
		default:
			out[name] = overlayValue(out[name], v.Field(i))
		}
	}
}

func overlayValue(read any, v reflect.Value) any {
	written := encodeValue(v)
	switch was := read.(type) {
	case map[string]any:
		switch out, isMap := written.(map[string]any); {
		case isMap && v.Kind() == reflect.Struct:
			return overlay(was, v.Interface())
		case isMap:
			for _, k := range v.MapKeys() {
				out[k.String()] = overlayValue(was[k.String()], v.MapIndex(k))
			}
		}
	case []any:
		if out, isList := written.([]any); isList {
			keepElements(was, out, v.Type().Elem())
		}
	}
	return written
}

// keepElements puts each element that was read in the place of the written one
// that says the same, as far as this code knows. Elements keep their order when
// others come and go.
func keepElements(read, written []any, of reflect.Type) {
	known := make([]any, len(read))
	for i := range read {
		v := reflect.New(of).Elem()
		if decodeValue(read[i], v) == nil {
			known[i] = encodeValue(v)
		}
	}
	next := 0
	for i := range written {
		if n := slices.IndexFunc(known[next:], func(k any) bool { return reflect.DeepEqual(k, written[i]) }); n >= 0 {
			written[i] = read[next+n]
			next += n + 1
		}
	}
}
