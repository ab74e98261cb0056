package told

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestAValueIsOneHoweverItIsSpelled(t *testing.T) {
	for raw, want := range map[string]Text{`"5"`: "5", `5`: "5", `" a "`: "a", `null`: "", `[]`: "", `[ ]`: "", `{}`: "", `{ }`: "", `true`: "true", `1.50`: "1.50", `""`: ""} {
		var got Text
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{`{"a":1}`, `[1]`, `[[]]`} {
		var got Text
		if json.Unmarshal([]byte(raw), &got) == nil {
			t.Errorf("%s is taken for %q", raw, got)
		}
	}
}

func TestAWholeNumberMayBeWrittenAsAFraction(t *testing.T) {
	for in, want := range map[Text]int64{"2": 2, "-1": -1, "1.0": 1, "0": 0} {
		if got, ok := in.Whole(); !ok || got != want {
			t.Errorf("%q is %d, %v", in, got, ok)
		}
	}
	for _, in := range []Text{"", "1.5", "a", "true", "99999999999999999999"} {
		if got, ok := in.Whole(); ok {
			t.Errorf("%q is taken for %d", in, got)
		}
	}
}

func TestNothingIsSaidInManyWays(t *testing.T) {
	type inner struct {
		N Text `json:"n"`
	}
	for _, raw := range []string{`null`, `""`, `false`, `[]`, `{}`, `{ }`, `0`} {
		if !Empty([]byte(raw)) {
			t.Errorf("%s is something", raw)
		}
		var o Object[inner]
		if err := json.Unmarshal([]byte(raw), &o); err != nil || o.Set {
			t.Errorf("%s is an object: %v", raw, err)
		}
		var l List[inner]
		if err := json.Unmarshal([]byte(raw), &l); err != nil || len(l) != 0 {
			t.Errorf("%s is a list of %d: %v", raw, len(l), err)
		}
	}
	var o Object[inner]
	if err := json.Unmarshal([]byte(`{"n":3}`), &o); err != nil || !o.Set || o.Value.N != "3" {
		t.Errorf("got %+v, %v", o, err)
	}
	var l List[inner]
	if err := json.Unmarshal([]byte(`{"10":{"n":2},"9":{"n":1}}`), &l); err != nil || len(l) != 2 || l[0].N != "1" || l[1].N != "2" {
		t.Errorf("a list with gaps is %+v, %v", l, err)
	}
	for _, raw := range []string{`"x"`, `7`, `{"a":{"n":1}}`} {
		if json.Unmarshal([]byte(raw), &l) == nil {
			t.Errorf("%s is taken for a list", raw)
		}
	}
	for _, raw := range []string{`"x"`, `7`, `[1]`} {
		if json.Unmarshal([]byte(raw), &o) == nil {
			t.Errorf("%s is taken for an object", raw)
		}
	}
}

func TestWhatIsWrongIsSaidWithItsPlaceAndWithoutTheValue(t *testing.T) {
	var doc struct {
		Visit Object[struct {
			Services List[struct {
				Name Text `json:"name"`
			}] `json:"services"`
		}] `json:"visit"`
	}
	err := Decode([]byte(`{"visit":{"services":[{"name":{"secret":"Ромашкина"}}]}}`), 1000, &doc)
	if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "visit") || !strings.Contains(err.Error(), "services") || strings.Contains(err.Error(), "Ромашкина") {
		t.Errorf("got %v", err)
	}
	if err := Decode([]byte(`{"visit":1,"visit":2}`), 1000, &doc); dental.KindOf(err) != dental.Invalid {
		t.Errorf("a key given twice: %v", err)
	}
}

func TestMoneyIsReadAsItIsWritten(t *testing.T) {
	for in, minor := range map[string]int64{"402.00": 40200, "402": 40200, "402,5": 40250, "1 200.50": 120050, "0": 0, "100.500": 10050, "12.000000": 1200} {
		if got, err := Money(in, "RUB"); err != nil || got != (dental.Money{Minor: minor, Currency: "RUB"}) {
			t.Errorf("%q is %v, %v", in, got, err)
		}
	}
	if got, err := Money("", "RUB"); err != nil || !got.IsZero() {
		t.Errorf("no amount is %v, %v", got, err)
	}
	for _, in := range []string{"-1", "1.005", "1e3", "NaN", "много"} {
		if got, err := Money(in, "RUB"); err == nil || strings.Contains(err.Error(), in) {
			t.Errorf("%q is %v, %v", in, got, err)
		}
	}
}

func TestDatesThatAreNoneAreNone(t *testing.T) {
	for in, want := range map[string]string{"12.05.2000": "2000-05-12", "2000-05-12": "2000-05-12", "12.05.2000 10:00": "2000-05-12", "2000-05-12T00:00:00Z": "2000-05-12"} {
		if got := Day(in); got.String() != want {
			t.Errorf("%q is %v", in, got)
		}
	}
	for _, in := range []string{"", "00.00.0000", "0000-00-00", "31.02.2000", "12.05.00", "01.01.1850", "никогда"} {
		if got := Day(in); got != (dental.Date{}) {
			t.Errorf("%q is %v", in, got)
		}
	}
}

func TestALineIsOneLineAndNotEndless(t *testing.T) {
	if got := Line(" a\nb\x00c\t d ", 10); got != "a b c d" {
		t.Errorf("got %q", got)
	}
	if got := Line(strings.Repeat("ё", 300), 200); len([]rune(got)) != 200 {
		t.Errorf("%d characters", len([]rune(got)))
	}
}

func TestTheDocumentIsNamedWhereNoFieldIs(t *testing.T) {
	for raw, want := range map[string][2]string{
		``: {"", "the document is empty"}, `null`: {"", "the document must not be null"},
		`{"n":{"a":1}}`: {"n", "must be a string or a number"},
	} {
		var into struct {
			N Text `json:"n"`
		}
		bad, ok := errors.AsType[*dental.Error](Decode([]byte(raw), 100, &into))
		if !ok || bad.Kind != dental.Invalid || bad.Field != want[0] || bad.Message != want[1] {
			t.Errorf("%q gives %+v", raw, bad)
		}
	}
}

func TestAnErrorIsUnderItsPlaceHoweverItIsWrapped(t *testing.T) {
	cause := errors.New("the cause")
	field := &dental.Error{Kind: dental.Invalid, Field: "date", Message: "is no date", Err: cause}
	for _, err := range []error{field, fmt.Errorf("the third row: %w", field)} {
		bad, ok := errors.AsType[*dental.Error](Under("data", err))
		if !ok || bad.Kind != dental.Invalid || bad.Field != "data.date" || bad.Message != "is no date" || !errors.Is(bad, cause) {
			t.Errorf("%v gives %+v", err, bad)
		}
	}
	if bad, ok := errors.AsType[*dental.Error](Under("data", dental.Errorf(dental.Conflict, "", "is no object"))); !ok || bad.Field != "data" || bad.Kind != dental.Conflict {
		t.Errorf("the whole of it is %+v", bad)
	}
	if field.Field != "date" || Under("data", cause) != cause || Under("data", nil) != nil {
		t.Error("what is not its own was changed")
	}
}

func TestALineHasNothingInItThatCannotBeRead(t *testing.T) {
	for in, want := range map[Text]string{
		" Анна\u00a0 Петрова\n": "Анна Петрова", "Ан\x00на": "Ан на", "Пет\ufffdова": "Пет ова", "Пет\xffова": "Пет ова", "\u0085\ufffd": "",
		"Александрам Анна": "Александрам", "Александрагригорьевна": "Александрагр",
	} {
		if got := Line(in, 12); got != want {
			t.Errorf("%q is the line %q", in, got)
		}
	}
}
