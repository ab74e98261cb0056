package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/strictjson"
)

const limit = 1 << 20

type event struct {
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"`
	Data data      `json:"data"`
}

type data struct {
	ID         string         `json:"id"`
	Version    int64          `json:"version"`
	Share      float64        `json:"share"`
	Complex    bool           `json:"complex"`
	Procedures []procedure    `json:"procedures"`
	Born       date           `json:"born"`
	Pair       [2]int         `json:"pair"`
	Photo      []byte         `json:"photo"`
	Counts     map[string]int `json:"counts"`
	Doctor     *doctor        `json:"doctor"`
	Small      int8           `json:"small"`
	Raw        json.RawMessage
}

type procedure struct {
	Kind string `json:"kind"`
}

type doctor struct {
	Name string `json:"name"`
}

// date reads itself and says in words what it wants.
type date struct{ year int }

func (d *date) UnmarshalText(b []byte) error {
	year, err := strconv.Atoi(string(b))
	if err != nil {
		return errors.New("must be a year")
	}
	d.year = year
	return nil
}

func TestDecodeTakesWhatTheContractDescribes(t *testing.T) {
	var got event
	raw := ` {"type":"visit.completed","timestamp":"2026-05-22T15:40:00+03:00","added later":[{"x":null}],
	"data":{"id":"V-1","version":3,"share":0.5,"complex":true,"procedures":[{"kind":"hygiene","tooth":"11"}],
	"born":"1990","pair":[1,2],"photo":"AAE=","counts":{"a":1,"A":2},"doctor":{"name":"Ирина \ud83d\ude00"},"small":-128,"Raw":{"k":[1]}}}
`
	if err := strictjson.Decode([]byte(raw), limit, &got); err != nil {
		t.Fatal(err)
	}
	if !got.At.Equal(time.Date(2026, 5, 22, 12, 40, 0, 0, time.UTC)) {
		t.Errorf("timestamp %v", got.At)
	}
	got.At = time.Time{}
	want := event{Type: "visit.completed", Data: data{ID: "V-1", Version: 3, Share: 0.5, Complex: true,
		Procedures: []procedure{{Kind: "hygiene"}}, Born: date{1990}, Pair: [2]int{1, 2}, Photo: []byte{0, 1},
		Counts: map[string]int{"a": 1, "A": 2}, Doctor: &doctor{Name: "Ирина 😀"}, Small: -128, Raw: json.RawMessage(`{"k":[1]}`)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeRefusesAndNamesTheField(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		kind      strictjson.Kind
		field     string
		says      string
	}{
		{"an empty body", ``, strictjson.NotJSON, "", "is empty"},
		{"a body of white space", " \r\n\t", strictjson.NotJSON, "", "is empty"},
		{"a word", `hello`, strictjson.NotJSON, "", "not valid JSON at byte 1"},
		{"a byte order mark", "\ufeff{}", strictjson.NotJSON, "", "not valid JSON at byte 1"},
		{"two documents", `{} {}`, strictjson.NotJSON, "", "followed by more after its end at byte 2 of 5"},
		{"a second document of one letter", `{}x`, strictjson.NotJSON, "", "followed by more"},
		{"a stray bracket after the end", `{}]`, strictjson.NotJSON, "", "followed by more"},
		{"a zero byte after the end", "{}\x00", strictjson.NotJSON, "", "followed by more"},
		{"a bad byte after the end", "{}\xff", strictjson.NotJSON, "", "followed by more"},
		{"an unfinished object", `{"data":{"id":"V`, strictjson.NotJSON, "data.id", "ends too early"},
		{"a comma too many", `{"type":"x",}`, strictjson.NotJSON, "", "not valid JSON at byte 12"},
		{"a comment", `{/**/"type":"x"}`, strictjson.NotJSON, "", "not valid JSON at byte 2"},
		{"single quotes", `{'type':"x"}`, strictjson.NotJSON, "", "not valid JSON at byte 2"},
		{"NaN", `{"data":{"share":NaN}}`, strictjson.NotJSON, "data.share", "not valid JSON at byte 18"},
		{"a leading zero", `{"data":{"version":01}}`, strictjson.NotJSON, "data", "not valid JSON at byte 21"},
		{"a control character in a string", "{\"type\":\"a\nb\"}", strictjson.NotJSON, "type", "not valid JSON"},
		{"an unknown escape", `{"type":"\x41"}`, strictjson.NotJSON, "type", "not valid JSON"},

		{"the same key twice", `{"type":"a","type":"b"}`, strictjson.DuplicateKey, "type", "given twice"},
		{"the same key twice by an escape", `{"type":"a","t\u0079pe":"b"}`, strictjson.DuplicateKey, "type", "given twice"},
		{"the same unknown key twice", `{"data":{"x":[0,{"y":1,"y":1}]}}`, strictjson.DuplicateKey, "data.x[1].y", "given twice"},
		{"the same key twice among elements of all sorts", `{"x":[{"0":1},[true,{"y":1,"y":1}]]}`, strictjson.DuplicateKey, "x[1][1].y", "given twice"},
		{"the same key twice behind a list of the same level", `{"a":[[1]],"b":{"0":{"y":1,"y":1}}}`, strictjson.DuplicateKey, `b["0"].y`, "given twice"},
		{"the same key twice where a type reads itself", `{"data":{"Raw":{"y":1,"y":1}}}`, strictjson.DuplicateKey, "data.Raw.y", "given twice"},

		{"a bad byte in a value", "{\"data\":{\"id\":\"P\xff\"}}", strictjson.BadUTF8, "data.id", "not valid UTF-8 at byte 17"},
		{"a bad byte in a key", "{\"da\xffta\":1}", strictjson.BadUTF8, "", "not valid UTF-8 at byte 5"},
		{"an overlong slash", "{\"type\":\"\xc0\xaf\"}", strictjson.BadUTF8, "type", "not valid UTF-8"},
		{"a surrogate in bytes", "{\"type\":\"\xed\xa0\x80\"}", strictjson.BadUTF8, "type", "not valid UTF-8"},
		{"the first half of a pair", `{"type":"\ud83d"}`, strictjson.BadUTF8, "type", "half of a surrogate pair at byte 10"},
		{"the second half of a pair", `{"type":"\uDE00"}`, strictjson.BadUTF8, "type", "half of a surrogate pair"},
		{"two first halves", `{"type":"\ud83d\ud83d"}`, strictjson.BadUTF8, "type", "half of a surrogate pair"},
		{"half a pair in an unknown key", `{"\ud83d":1}`, strictjson.BadUTF8, "", "half of a surrogate pair"},

		{"a document that is null", `null`, strictjson.WrongValue, "", "must not be null"},
		{"a document that is an array", `[]`, strictjson.WrongValue, "", "must be an object"},
		{"a document that is a string", `"x"`, strictjson.WrongValue, "", "must be an object"},
		{"a number for a string", `{"data":{"procedures":[{},{},{"kind":5}]}}`, strictjson.WrongValue, "data.procedures[2].kind", "must be a string"},
		{"a string for a list", `{"data":{"procedures":"x"}}`, strictjson.WrongValue, "data.procedures", "must be a list"},
		{"a list for an object", `{"data":[]}`, strictjson.WrongValue, "data", "must be an object"},
		{"a string for an object behind a pointer", `{"data":{"doctor":"x"}}`, strictjson.WrongValue, "data.doctor", "must be an object"},
		{"a string for a whole number", `{"data":{"version":"3"}}`, strictjson.WrongValue, "data.version", "must be a whole number"},
		{"a fraction for a whole number", `{"data":{"version":3.0}}`, strictjson.WrongValue, "data.version", "must be a whole number"},
		{"a whole number out of range", `{"data":{"small":128}}`, strictjson.WrongValue, "data.small", "out of range"},
		{"a number out of range", `{"data":{"share":1e999}}`, strictjson.WrongValue, "data.share", "out of range"},
		{"a string for a number", `{"data":{"share":"1"}}`, strictjson.WrongValue, "data.share", "must be a number"},
		{"a number for a yes or no", `{"data":{"complex":1}}`, strictjson.WrongValue, "data.complex", "must be true or false"},
		{"a list of the wrong length", `{"data":{"pair":[1]}}`, strictjson.WrongValue, "data.pair", "must be a list of 2"},
		{"text that is not base64", `{"data":{"photo":"%"}}`, strictjson.WrongValue, "data.photo", "must be a string of base64"},
		{"a time without offset", `{"timestamp":"2026-05-22T15:40:00"}`, strictjson.WrongValue, "timestamp", "must be a time with offset"},
		{"a number for a time", `{"timestamp":1}`, strictjson.WrongValue, "timestamp", "must be a time with offset"},
		{"what a type that reads itself refuses", `{"data":{"born":"x"}}`, strictjson.WrongValue, "data.born", "must be a year"},
		{"a number for a type that reads text", `{"data":{"born":1990}}`, strictjson.WrongValue, "data.born", "must be a string"},
		{"a bad value under a name that is a number", `{"data":{"counts":{"2":"x"}}}`, strictjson.WrongValue, `data.counts["2"]`, "must be a whole number"},
		{"a bad value under an odd name", `{"data":{"counts":{"a/b~ c":"x"}}}`, strictjson.WrongValue, `data.counts["a/b~ c"]`, "must be a whole number"},
		{"a bad value under an endless name", `{"data":{"counts":{"` + strings.Repeat("я", 100) + `":"x"}}}`, strictjson.WrongValue, `data.counts["` + strings.Repeat("я", 32) + `…"]`, "must be a whole number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := strictjson.Decode([]byte(tt.raw), limit, new(event))
			e, ok := errors.AsType[*strictjson.Error](err)
			if !ok {
				t.Fatalf("error %v, want an *Error", err)
			}
			if e.Kind != tt.kind || e.Field != tt.field || !strings.Contains(e.Message, tt.says) {
				t.Errorf("got  %s %q: %s\nwant %s %q: …%s…", e.Kind, e.Field, e.Message, tt.kind, tt.field, tt.says)
			}
		})
	}
}

func TestNamesAreMatchedLetterForLetter(t *testing.T) {
	var got data
	if err := strictjson.Decode([]byte(`{"ID":"shadow","Id":"shadow","id":"V-1","ıd":"x","VERSION":9}`), limit, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "V-1" || got.Version != 0 {
		t.Errorf("id %q, version %d; a name that differs by case was taken for the field", got.ID, got.Version)
	}
}

func TestNullIsTheSameAsAbsent(t *testing.T) {
	var got event
	if err := strictjson.Decode([]byte(`{"type":null,"timestamp":null,"data":{"id":null,"procedures":null,"doctor":null,"counts":null,"born":null}}`), limit, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, event{}) {
		t.Errorf("got %+v, want nothing set", got)
	}
}

func TestDepthIsBoundedWhereverItIs(t *testing.T) {
	nest := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for _, tt := range []struct {
		name, raw string
		ok        bool
	}{
		{"32 arrays", nest("[", "1", "]", 32), true},
		{"33 arrays", nest("[", "1", "]", 33), false},
		{"32 objects", nest(`{"a":`, "1", "}", 32), true},
		{"33 objects", nest(`{"a":`, "1", "}", 33), false},
		{"33 of which the last is empty", nest("[", "{}", "]", 32), false},
		{"many side by side", "[" + strings.Repeat("[[]],", 5000) + "[]]", true},
		{"5000 unfinished", strings.Repeat("[", 5000), false},
		{"a million unfinished", strings.Repeat(`{"a":`, 200_000), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var into any
			err := strictjson.Decode([]byte(tt.raw), limit, &into)
			if tt.ok && err != nil {
				t.Fatalf("refused: %v", err)
			}
			if e, _ := errors.AsType[*strictjson.Error](err); !tt.ok && (e == nil || e.Kind != strictjson.TooDeep) {
				t.Fatalf("error %v, want too_deep", err)
			}
		})
	}
}

func TestSizeIsWhatTheCallerAllows(t *testing.T) {
	raw := []byte(`{"type":"x"}`)
	if err := strictjson.Decode(raw, len(raw), new(event)); err != nil {
		t.Errorf("a document of exactly the limit: %v", err)
	}
	err := strictjson.Decode(raw, len(raw)-1, new(event))
	if e, _ := errors.AsType[*strictjson.Error](err); e == nil || e.Kind != strictjson.TooLarge {
		t.Errorf("a document over the limit: %v", err)
	}
}

func TestAWrongTargetIsNotTheSendersFault(t *testing.T) {
	for name, into := range map[string]any{
		"no pointer":                event{},
		"a nil pointer":             (*event)(nil),
		"a field no JSON can fill":  new(struct{ Type chan int }),
		"an interface with methods": new(struct{ Type error }),
	} {
		t.Run(name, func(t *testing.T) {
			err := strictjson.Decode([]byte(`{"Type":1}`), limit, into)
			if err == nil {
				t.Fatal("no error")
			}
			if _, ok := errors.AsType[*strictjson.Error](err); ok {
				t.Errorf("the sender is blamed: %v", err)
			}
		})
	}
}

func TestAnErrorDoesNotRepeatTheValue(t *testing.T) {
	for _, raw := range []string{`{"data":{"version":"Sokolova"}}`, `{"data":"Sokolova"}`, `{"timestamp":"Sokolova"}`, `{"data":{"born":"Sokolova"}}`, `{"type":"Sokolova\ud800"}`} {
		err := strictjson.Decode([]byte(raw), limit, new(event))
		if err == nil || strings.Contains(err.Error(), "Sokolova") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// valid draws any document within the rules, together with white space and
// escapes as a sender may write them.
func valid(t *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t"})
	kinds := 6
	if depth <= 1 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")
	case 1:
		return rapid.SampledFrom([]string{"0", "-0", "12", "-3.25", "1e3", "2E-7", "9007199254740993", "123456789012345678901234567890"}).Draw(t, "number")
	case 2, 3:
		return text(t)
	case 4:
		var b strings.Builder
		for i := range rapid.IntRange(0, 3).Draw(t, "elements") {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(space.Draw(t, "space") + valid(t, depth-1) + space.Draw(t, "space"))
		}
		return "[" + b.String() + "]"
	default:
		var b strings.Builder
		seen := map[string]bool{}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			key := text(t)
			var name string
			if err := json.Unmarshal([]byte(key), &name); err != nil {
				t.Fatalf("the generator wrote a bad key %s: %v", key, err)
			}
			if seen[name] {
				continue
			}
			if len(seen) > 0 {
				b.WriteByte(',')
			}
			seen[name] = true
			b.WriteString(space.Draw(t, "space") + key + space.Draw(t, "space") + ":" + valid(t, depth-1))
		}
		return "{" + b.String() + "}"
	}
}

func text(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "B", "id", "ID", "я", "😀", "/", `\/`, `\"`, `\\`, `\n`, `\u0000`, `\u0430`, `\ud83d\ude00`, "\u2028", "K"}), 0, 4).Draw(t, "text")
	return `"` + strings.Join(parts, "") + `"`
}

func TestValidDocumentsDecodeAsEncodingJSONDecodesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(valid(t, 5))
		var got, want any
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatalf("the generator wrote %s: %v", raw, err)
		}
		err := strictjson.Decode(raw, limit, &got)
		if string(raw) == "null" {
			if err == nil {
				t.Fatal("null was taken")
			}
			return
		}
		if err != nil {
			t.Fatalf("%s was refused: %v", raw, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\ngot  %#v\nwant %#v", raw, got, want)
		}
	})
}

func TestValidEventsDecodeAsEncodingJSONDecodesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		member := func(name string, value any) string {
			b, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			return strconv.Quote(name) + ":" + string(b)
		}
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abЯ😀\"\\/ \n\u2028<")), 0, 5, -1)
		members := []string{
			member("id", word.Draw(t, "id")), member("version", rapid.Int64().Draw(t, "version")),
			member("share", rapid.Float64Range(-1e300, 1e300).Draw(t, "share")), member("complex", rapid.Bool().Draw(t, "complex")),
			member("procedures", []procedure{{word.Draw(t, "kind")}, {}}), member("pair", [2]int{rapid.Int().Draw(t, "pair"), 1}),
			member("photo", rapid.SliceOf(rapid.Byte()).Draw(t, "photo")), member("counts", rapid.MapOfN(word, rapid.Int(), 0, 3).Draw(t, "counts")),
			member("doctor", &doctor{word.Draw(t, "name")}), member("small", rapid.Int8().Draw(t, "small")),
			member("born", strconv.Itoa(rapid.IntRange(1900, 2026).Draw(t, "born"))), member("unknown", word.Draw(t, "unknown")),
		}
		members = rapid.Permutation(members).Draw(t, "order")[:rapid.IntRange(0, len(members)).Draw(t, "count")]
		raw := []byte(`{"type":"x","timestamp":"2026-05-22T15:40:00.25+03:00","data":{` + strings.Join(members, ",") + `}}`)
		var got, want event
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatalf("the generator wrote %s: %v", raw, err)
		}
		if err := strictjson.Decode(raw, limit, &got); err != nil {
			t.Fatalf("%s was refused: %v", raw, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\ngot  %+v\nwant %+v", raw, got, want)
		}
	})
}

// FuzzDecode holds Decode to rules written a second time, over the decoder of
// the standard library: whatever the bytes, both agree whether they are taken,
// and on what they hold.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"type":"visit.completed","data":{"id":"V-1","procedures":[{"kind":"hygiene"}]}}`, `{"a":1,"a":2}`,
		`"\ud83d\ude00"`, `"\ud83d"`, `"\\ud83d"`, "\"\xff\"", `[[[[1]]]]`, `{} {}`, `null`, ` 1e400 `, `{"A":1,"a":2}`,
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("[", 33) + strings.Repeat("]", 33)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got any
		err := strictjson.Decode(raw, limit, &got)
		want, broken := secondOpinion(raw)
		if (err == nil) != (broken == nil) {
			t.Fatalf("%q: Decode says %v, the second opinion %v", raw, err, broken)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", raw, got, want)
		}
		e, ok := errors.AsType[*strictjson.Error](err)
		if err != nil && (!ok || e.Message == "" || !utf8.ValidString(e.Error())) {
			t.Fatalf("%q: an error unfit to show: %q", raw, err)
		}
		// A number in a field that an event does not have may be of any size.
		var typed event
		if typedErr := strictjson.Decode(raw, limit, &typed); err != nil && e.Kind != strictjson.WrongValue && typedErr == nil {
			t.Fatalf("%q is refused as anything (%v) and taken as an event", raw, err)
		}
	})
}

func secondOpinion(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	if value == nil {
		return nil, errors.New("null")
	}
	if err := unpaired(raw); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return value, walk(d, 0)
}

func walk(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth++; depth > 32 {
		return errors.New("too deep")
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			if seen[key.(string)] {
				return fmt.Errorf("%q twice", key)
			}
			seen[key.(string)] = true
		}
		if err := walk(d, depth); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// unpaired finds an escaped surrogate without its other half in valid JSON.
func unpaired(raw []byte) error {
	escape := func(i int) rune {
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		return rune(n)
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		switch r := escape(i); {
		case 0xD800 <= r && r < 0xDC00 && 0xDC00 <= escape(i+6) && escape(i+6) < 0xE000:
			i += 11
		case 0xD800 <= r && r < 0xE000:
			return errors.New("half of a pair")
		default:
			i++
		}
	}
	return nil
}

func BenchmarkDecode(b *testing.B) {
	item := `{"kind":"hygiene","name":"Профессиональная гигиена","code":"A16.07.051"},`
	raw := []byte(`{"type":"visit.completed","timestamp":"2026-05-22T15:40:00+03:00","data":{"procedures":[` + strings.Repeat(item, 200) + `{}]}}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if err := strictjson.Decode(raw, limit, new(event)); err != nil {
			b.Fatal(err)
		}
	}
}
