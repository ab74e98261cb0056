package generic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// compile reads the published schema; place is a fragment of it, "" the event.
func compile(place string) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(generic.Schema))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:returnpoint:event", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("urn:returnpoint:event" + place)
}

var eventSchema = sync.OnceValue(func() *jsonschema.Schema { return compile("") })

func validate(t rapid.TB, raw []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return eventSchema().Validate(doc)
}

func schemaTakes(t rapid.TB, raw []byte) {
	t.Helper()
	if err := validate(t, raw); err != nil {
		t.Errorf("the schema refuses %.500s: %v", raw, err)
	}
}

func schemaRefuses(t rapid.TB, raw []byte) {
	t.Helper()
	if validate(t, raw) == nil {
		t.Errorf("the schema takes %.500s", raw)
	}
}

// beyondSchema reports whether a well-formed document was refused for one of
// the rules that the package's documentation adds to the schema.
func beyondSchema(e *dental.Error) bool {
	return e.Field == "data.end" && strings.Contains(e.Message, "before the start") ||
		strings.HasPrefix(e.Field, "data.stages[") && strings.Contains(e.Message, "must differ from the id") ||
		strings.Contains(e.Message, "of the years 2000 to 2100")
}

// agree holds the schema and the decoder to each other over a well-formed document.
func agree(t rapid.TB, raw []byte) {
	t.Helper()
	_, err := generic.Decode("demo", "msg_1", raw)
	bySchema := validate(t, raw)
	switch {
	case err == nil && bySchema != nil:
		t.Fatalf("%s\nis taken by the decoder and not by the schema: %v", raw, bySchema)
	case err != nil && bySchema == nil && !beyondSchema(err.(*dental.Error)):
		t.Fatalf("%s\nis taken by the schema and not by the decoder: %v", raw, err)
	}
}

func TestTheExamplesOfTheSchemaAreEvents(t *testing.T) {
	schema := parse(t, string(generic.Schema)).(map[string]any)
	examples := schema["examples"].([]any)
	if len(examples) < 6 {
		t.Errorf("only %d examples", len(examples))
	}
	for i, example := range examples {
		t.Run(fmt.Sprintf("example %d", i), func(t *testing.T) {
			raw := spell(t, example)
			decode(t, raw)
			schemaTakes(t, raw)
		})
	}
}

func TestTheSamplesAreEventsBySchema(t *testing.T) {
	for _, typ := range intake.Types() {
		schemaTakes(t, []byte(sample(typ)))
	}
}

// The schema repeats the currencies that have no hundredths. It is asked about
// all 17,576 codes, since a new one may be added to the decoder alone.
func TestTheSchemaKnowsTheDigitsOfEveryCurrency(t *testing.T) {
	money := compile("#/$defs/money")
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, a := range letters {
		for _, b := range letters {
			for _, c := range letters {
				code := string([]rune{a, b, c})
				for _, total := range []string{"1", "1.0", "1.00", "1.000", "1.0000", "1.00000"} {
					_, err := dental.ParseMoney(total, code)
					bySchema := money.Validate(map[string]any{"total": total, "currency": code})
					if (err == nil) != (bySchema == nil) {
						t.Errorf("%s %s: the decoder says %v, the schema %v", total, code, err, bySchema)
					}
				}
			}
		}
	}
}

// strange are values that are at home in some other field, or in none.
var strange = []string{`null`, `true`, `false`, `0`, `-0.0`, `1.0`, `1.5`, `-1`, `1440`, `1441`, `9007199254740991`, `9007199254740992`, `1e15`, `1e16`, `25e-2`,
	`""`, `" "`, `"x"`, `"\u00a0"`, `"\u0000"`, `"a\nb"`, `"\u0085"`, `"\u2028"`, `"😀"`, `"active"`, `"hygiene"`, `"sms"`, `"done"`, `"RUB"`, `"JPY"`, `"KWD"`,
	`"1.5"`, `"1.505"`, `"100"`, `"2026-05-22"`, `"2026-02-29"`, `"2024-02-29"`, `"1900-01-01"`, `"2026-05-22T12:10:00Z"`, `"2024-02-29T23:59:59.999+14:00"`,
	`"2026-02-29T12:00:00Z"`, `"2000-01-01T00:00:00+14:00"`, `"2026-12-31T23:59:60Z"`, `"https://clinic.example/a"`, `"patient.deleted"`,
	`"visit.completed"`, `[]`, `{}`, `[null]`, `[{}]`, `["x"]`, `{"id":"x"}`, `{"total":"1","currency":"RUB"}`}

// mutate changes one place of a document: another value, a value from
// elsewhere, one field less, one element more, one character more.
func mutate(t *rapid.T, tree any) {
	type place struct {
		set   func(v any)
		drop  func()
		value any
	}
	var places []place
	var walk func(v any)
	walk = func(v any) {
		switch container := v.(type) {
		case map[string]any:
			names := make([]string, 0, len(container))
			for name := range container {
				names = append(names, name)
			}
			slices.Sort(names) // so that a failure can be drawn again
			for _, name := range names {
				places = append(places, place{
					set:   func(v any) { container[name] = v },
					drop:  func() { delete(container, name) },
					value: container[name],
				})
				walk(container[name])
			}
		case []any:
			for i := range container {
				places = append(places, place{set: func(v any) { container[i] = v }, drop: func() { container[i] = nil }, value: container[i]})
				walk(container[i])
			}
		}
	}
	walk(tree)
	if len(places) == 0 {
		return
	}
	at := rapid.SampledFrom(places).Draw(t, "place")
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0, 1:
		at.set(parse(t, rapid.SampledFrom(strange).Draw(t, "strange")))
	case 2:
		copied := spell(t, rapid.SampledFrom(places).Draw(t, "from").value) // it may be what the place stands in
		at.set(parse(t, string(copied)))
	case 3:
		at.drop()
	case 4:
		if list, ok := at.value.([]any); ok && len(list) > 0 {
			n := rapid.SampledFrom([]int{1, 2, 99, 100}).Draw(t, "more")
			at.set(slices.Concat(list, slices.Repeat(list[:1], n)))
		}
	case 5:
		if text, ok := at.value.(string); ok {
			cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
			more := rapid.SampledFrom([]string{"", " ", "0", "9", ".", ":", "-", "Z", "a", "/", "\t", "\n", "\x7f", "я", strings.Repeat("я", 200), strings.Repeat("a", 65)}).Draw(t, "more")
			at.set(strings.ToValidUTF8(text[:cut]+more+text[cut:], "?"))
		}
	}
}

func TestTheSchemaAndTheDecoderAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := parse(t, sample(rapid.SampledFrom(intake.Types()).Draw(t, "type")))
		for range rapid.IntRange(1, 3).Draw(t, "mutations") {
			mutate(t, tree)
			tree = parse(t, string(spell(t, tree))) // a longer list repeats one and the same element
		}
		agree(t, spell(t, tree))
	})
}

// hugeExponent finds numbers that the validator, unlike the decoder, would write out in full.
var hugeExponent = regexp.MustCompile(`[0-9][eE][+-]?[0-9]{4,}`)

func FuzzDecode(f *testing.F) {
	for _, typ := range intake.Types() {
		f.Add([]byte(sample(typ)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var document json.RawMessage
		if strictjson.Decode(raw, generic.MaxBytes, &document) != nil {
			refusal(t, raw)
			return
		}
		if !hugeExponent.Match(raw) {
			agree(t, raw)
		}
		e, err := generic.Decode("demo", "msg_1", raw)
		if err != nil {
			refusal(t, raw)
			return
		}
		again, err := generic.Encode(e)
		if err != nil {
			if len(raw) > generic.MaxBytes/4 {
				return // it may be longer in our spelling
			}
			t.Fatalf("%s\nis taken and cannot be written: %v", raw, err)
		}
		if got := decode(t, again); !reflect.DeepEqual(unhashed(got), unhashed(e)) {
			t.Fatalf("%s\nis written as %s", raw, again)
		}
	})
}
