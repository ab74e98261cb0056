package store

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/table"
)

var update = flag.Bool("update", false, "write the golden files anew")

// nouns is everything that has a place in the table.
func nouns() []any {
	return []any{dental.Clinic{}, dental.Patient{}, dental.Appointment{}, dental.Visit{}, dental.Plan{}, dental.Payment{}, dental.Answer{},
		dental.Milestone{}, dental.Touch{}, dental.Task{}, dental.Contact{}, dental.Link{}, dental.Portrait{}, dental.Logo{}, dental.Response{},
		dental.GiftChoice{}, dental.Bonus{}, dental.Referral{}, Checkpoint{}, Event{}, ProviderID{}, Job{},
		Result{}, Tally{}, Tallied{}, Total{}, dental.PhoneEnding{}, dental.Staff{}, dental.LogEntry{}, dental.Cost{}, dental.MapRating{}, Notice{},
		dental.Review{}, dental.FirstSteps{}, dental.Piece{}, dental.Origin{}, dental.Import{}, dental.Twin{}, dental.Pulled{}}
}

func name(noun any) string { return attribute(reflect.TypeOf(noun).Name()) }

func TestEveryNounThatHasAPlaceIsTried(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "place.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSwitchStmt); ok {
			cases = len(s.Body.List) - 1 // the default
		}
		return true
	})
	if cases != len(nouns()) {
		t.Errorf("%d nouns have a place and %d are tried", cases, len(nouns()))
	}
	tx := (&Store{}).Begin()
	if _, _, err := tx.place(dental.Money{}); err == nil {
		t.Error("a sum of money has a place")
	}
}

// fill gives every field a value of its own, which follows from its name, so that
// a new field changes one line of a golden file.
func fill(v reflect.Value, path string) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(path))
	n := int(h.Sum32() % 1000)
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour)))
		return
	case dental.Date:
		v.Set(reflect.ValueOf(dental.Date{Year: 2026, Month: 1, Day: 1}.AddDays(n)))
		return
	case dental.Money:
		v.Set(reflect.ValueOf(dental.Money{Minor: int64(n), Currency: "RUB"}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("a " + path)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8:
		v.SetUint(uint64(n % 256))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path)
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e, path)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key of "+path).Convert(v.Type().Key()), e)
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			fill(v.Field(i), strings.TrimPrefix(path+"/"+v.Type().Field(i).Name, "/"))
		}
	}
}

func filled(noun any) any {
	v := reflect.New(reflect.TypeOf(noun)).Elem()
	fill(v, "")
	return v.Interface()
}

// golden compares with testdata/name.golden.json, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("what is stored of it has changed, and so would every item stored before. If that is meant: go test ./shared/store -update\ngot  %s\nwant %s", got, want)
	}
}

func TestWhatIsStoredOfANounNeverChangesUnnoticed(t *testing.T) {
	for _, noun := range nouns() {
		t.Run(name(noun), func(t *testing.T) {
			tx := (&Store{}).Begin()
			item, _, _ := tx.place(filled(noun)) // that it was not read does not matter here
			form := struct {
				Key, Index1, Index2 table.Key
				Expires             *time.Time `json:",omitempty"`
				Attr                map[string]any
			}{Key: item.Key, Index1: item.Index1, Index2: item.Index2, Attr: item.Attr}
			if !item.Expires.IsZero() {
				form.Expires = &item.Expires
			}
			got, err := json.MarshalIndent(form, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name(noun), append(got, '\n'))
		})
	}
	files, err := filepath.Glob("testdata/*.golden.json")
	if err != nil || len(files) != len(nouns()) {
		t.Errorf("%d golden files for %d nouns (%v)", len(files), len(nouns()), err)
	}
}

func TestNoTwoFieldsOfANounShareAnAttributeAndNoneTakesTheEngines(t *testing.T) {
	for _, noun := range nouns() {
		var names func(reflect.Type) []string
		names = func(of reflect.Type) []string {
			var out []string
			for f := range of.Fields() {
				if f.Anonymous {
					out = append(out, names(f.Type)...)
				} else {
					out = append(out, attribute(f.Name))
				}
			}
			return out
		}
		all := names(reflect.TypeOf(noun))
		slices.Sort(all)
		if len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("%s: %v", name(noun), all)
		}
		for _, a := range all {
			if table.ReservedAttr(a) && !(a == "expires" && name(noun) == "link") { // a link's expiry is its item's
				t.Errorf("%s: the engine keeps the attribute %q for itself", name(noun), a)
			}
		}
	}
}

func TestAFieldsAttributeBeginsSmall(t *testing.T) {
	for field, want := range map[string]string{"ID": "id", "FamilyName": "familyName", "NPS": "nps", "PhotoURL": "photoURL", "BookingURL": "bookingURL",
		"NotMe": "notMe", "URL": "url", "AppointmentID": "appointmentID", "A": "a", "NPSScore": "npsScore"} {
		if got := attribute(field); got != want {
			t.Errorf("%s is stored as %s, want %s", field, got, want)
		}
	}
}

// draw fills a value at random, with nothing in about a third of the places.
func draw(t *rapid.T, v reflect.Value) {
	if rapid.IntRange(0, 2).Draw(t, "nothing") == 0 {
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		at := time.Unix(rapid.Int64Range(-1e9, 5e9).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		v.Set(reflect.ValueOf(at.UTC()))
		return
	case dental.Date:
		v.Set(reflect.ValueOf(dental.Date{Year: 1900, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 80000).Draw(t, "day"))))
		return
	case dental.TimeOfDay:
		v.SetInt(rapid.Int64Range(0, 24*60).Draw(t, "minutes"))
		return
	case dental.Money:
		v.Set(reflect.ValueOf(dental.Money{Minor: rapid.Int64Range(-1e11, 1e11).Draw(t, "minor"), Currency: rapid.SampledFrom([]string{"RUB", "JPY", "KWD"}).Draw(t, "currency")}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "byte")))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, "elements")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			e := reflect.New(v.Type().Elem()).Elem()
			draw(t, e)
			v.SetMapIndex(reflect.ValueOf(rapid.StringN(1, 20, -1).Draw(t, "key")).Convert(v.Type().Key()), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			draw(t, v.Field(i))
		}
	}
}

func drawn(t *rapid.T, noun any) any {
	v := reflect.New(reflect.TypeOf(noun)).Elem()
	draw(t, v)
	return v.Interface()
}

// read is a noun decoded from attributes.
func read(t interface{ Fatalf(string, ...any) }, attr map[string]any, noun any) any {
	v := reflect.New(reflect.TypeOf(noun))
	if err := decode(attr, v.Interface()); err != nil {
		t.Fatalf("decode: %v", err)
	}
	return v.Elem().Interface()
}

func TestEveryNounComesBackAsItWasPut(t *testing.T) {
	for _, noun := range nouns() {
		t.Run(name(noun), func(t *testing.T) {
			if attr := encode(noun); len(attr) != 0 {
				t.Errorf("nothing at all is stored as %v", attr)
			}
			if got := read(t, map[string]any{}, noun); !reflect.DeepEqual(got, noun) {
				t.Errorf("nothing at all comes back as %#v", got)
			}
			all := filled(noun)
			if got := read(t, encode(all), noun); !reflect.DeepEqual(got, all) {
				t.Errorf("with every field set it comes back as\n%#v, not\n%#v", got, all)
			}
			rapid.Check(t, func(t *rapid.T) {
				v := drawn(t, noun)
				attr := encode(v)
				if err := table.Validate([]table.Op{table.Put(table.Item{Key: table.Key{PK: "p", SK: "s"}, Attr: without(attr, "expires")}, table.None)}); err != nil {
					t.Fatalf("no engine takes %v: %v", attr, err)
				}
				if got := read(t, attr, noun); !reflect.DeepEqual(got, v) {
					t.Fatalf("it comes back as\n%#v, not\n%#v", got, v)
				}
			})
		})
	}
}

func without(attr map[string]any, name string) map[string]any {
	attr = maps.Clone(attr)
	delete(attr, name)
	return attr
}

func TestTimesComeBackInUTCWhateverTheirZone(t *testing.T) {
	at := time.Date(2026, 3, 10, 14, 30, 0, 123456789, time.FixedZone("MSK", 3*3600))
	attr := encode(dental.Appointment{Start: at})
	if attr["start"] != "2026-03-10T11:30:00.123456789Z" {
		t.Errorf("it is stored as %v", attr["start"])
	}
	if got := read(t, attr, dental.Appointment{}).(dental.Appointment).Start; !got.Equal(at) {
		t.Errorf("it comes back as %s", got)
	}
}

func TestAnAttributeOfAnotherShapeIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name string
		attr map[string]any
		into any
		want string
	}{
		{"a text for a number", map[string]any{"changes": "7"}, &dental.Patient{}, "attribute changes"},
		{"a number for a text", map[string]any{"familyName": int64(7)}, &dental.Patient{}, "attribute familyName"},
		{"a text for a yes", map[string]any{"stub": "true"}, &dental.Patient{}, "attribute stub"},
		{"a text for a list", map[string]any{"consents": "x"}, &dental.Patient{}, "attribute consents"},
		{"a text for a struct", map[string]any{"doctor": "x"}, &dental.Visit{}, "attribute doctor"},
		{"a text for a map", map[string]any{"opening": "x"}, &dental.Clinic{}, "attribute opening"},
		{"no time", map[string]any{"start": "yesterday"}, &dental.Appointment{}, "attribute start"},
		{"a number for a time", map[string]any{"start": int64(7)}, &dental.Appointment{}, "attribute start"},
		{"no date", map[string]any{"birthDate": "1985-02-30"}, &dental.Patient{}, "attribute birthDate"},
		{"a number for a date", map[string]any{"birthDate": int64(7)}, &dental.Patient{}, "attribute birthDate"},
		{"no money", map[string]any{"receipt": "5400.00"}, &dental.Visit{}, "attribute receipt"},
		{"one inside a list", map[string]any{"consents": []any{map[string]any{"at": "x"}}}, &dental.Patient{}, "attribute consents: attribute at"},
		{"one inside a map", map[string]any{"opening": map[string]any{"mon": map[string]any{"from": "25:00"}}}, &dental.Clinic{}, "attribute opening: mon: attribute from"},
	} {
		if err := decode(tt.attr, tt.into); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want it to name %q", tt.name, err, tt.want)
		}
	}
}

func TestWhatNewerCodeHasAddedStaysWhenOlderCodeWrites(t *testing.T) {
	for _, noun := range nouns() {
		t.Run("of a "+name(noun), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				stored := encode(drawn(t, noun))
				stored["addedLater"] = "kept"
				v := drawn(t, noun)
				got := overlay(stored, v)
				if got["addedLater"] != "kept" {
					t.Fatalf("%v put over %v is %v", v, stored, got)
				}
				if back := read(t, got, noun); !reflect.DeepEqual(back, v) {
					t.Fatalf("it comes back as\n%#v, not\n%#v", back, v)
				}
			})
		})
	}
	added := func(fields ...any) map[string]any {
		out := map[string]any{"addedLater": "kept"}
		for i := 0; i < len(fields); i += 2 {
			out[fields[i].(string)] = fields[i+1]
		}
		return out
	}
	tests := []struct {
		name         string
		stored, want map[string]any
		put          any
	}{
		{"inside a struct", added("doctor", added("id", "D-3")), added("doctor", added("id", "D-4"), "id", "V"), dental.Visit{ID: "V", Doctor: dental.Doctor{ID: "D-4"}}},
		{"but not of a struct that is taken away", added("doctor", added("id", "D-3")), added("id", "V"), dental.Visit{ID: "V"}},
		{"inside a map", map[string]any{"scenarios": map[string]any{"recall": added("release", "auto"), "gone": added("on", true)}},
			map[string]any{"scenarios": map[string]any{"recall": added("on", true), "new": map[string]any{"on": true}}},
			dental.Clinic{Scenarios: map[string]dental.ScenarioSettings{"recall": {On: true}, "new": {On: true}}}},
		{"inside the elements of a list that have not changed", map[string]any{"attempts": []any{added("id", "a"), added("id", "b", "outcome", "lost"), added("id", "c")}},
			map[string]any{"attempts": []any{added("id", "a"), map[string]any{"id": "b", "outcome": "accepted"}, added("id", "c"), map[string]any{"id": "d"}}},
			dental.Touch{Attempts: []dental.Attempt{{ID: "a"}, {ID: "b", Outcome: dental.Accepted}, {ID: "c"}, {ID: "d"}}}},
		{"inside the elements of a list that others have left", map[string]any{"recent": []any{added("touch", "a"), added("touch", "b"), added("touch", "c")}},
			map[string]any{"recent": []any{added("touch", "b"), added("touch", "c"), map[string]any{"touch": "d"}}},
			dental.Contact{Recent: []dental.Recent{{Touch: "b"}, {Touch: "c"}, {Touch: "d"}}}},
		{"inside one of two elements that say the same", map[string]any{"stages": []any{added("id", "a"), map[string]any{"id": "a"}}},
			map[string]any{"stages": []any{added("id", "a"), map[string]any{"id": "a"}}},
			dental.Plan{Stages: []dental.Stage{{ID: "a"}, {ID: "a"}}}},
		{"nowhere in a list of a shape that this code does not read", map[string]any{"stages": []any{"a", int64(1)}},
			map[string]any{"stages": []any{map[string]any{"id": "a"}}}, dental.Plan{Stages: []dental.Stage{{ID: "a"}}}},
		{"in an attribute that has become a text since", map[string]any{"doctor": "Ирина"}, map[string]any{"doctor": map[string]any{"id": "D"}}, dental.Visit{Doctor: dental.Doctor{ID: "D"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprint(tt.stored)
			if got := overlay(tt.stored, tt.put); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("it is\n%v, want\n%v", got, tt.want)
			}
			if fmt.Sprint(tt.stored) != before {
				t.Errorf("what was read has become %v", tt.stored)
			}
		})
	}
}
