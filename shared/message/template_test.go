package message

import (
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func compile(t testing.TB, source string) Template {
	t.Helper()
	tmpl, err := Compile(source)
	if err != nil {
		t.Fatalf("%q: %v", source, err)
	}
	return tmpl
}

func TestEveryFaultOfATextIsNamedAtItsCharacter(t *testing.T) {
	for _, c := range []struct {
		source string
		faults []string
	}{
		{"", []string{"character 1: it is empty"}},
		{" \n ", []string{"character 1: it is empty"}},
		{"Ждём {вас}", []string{"character 6: there is no {вас}; there are {given} {doctor}"}},
		{"{}", []string{"character 1: there is no {}"}},
		{"{ given }", []string{"character 1: there is no { given }"}},
		{"{Given}", []string{"character 1: there is no {Given}"}},
		{"Ждём {given", []string{"character 6: { is not closed"}},
		{"{given [{doctor}]", []string{"character 1: { is not closed"}},
		{"{{given}", []string{"character 8: } closes nothing"}},
		{"ёж [{given}", []string{"character 4: [ is not closed"}},
		{"ёж {given}]", []string{"character 11: ] closes nothing"}},
		{"[]ёж", []string{"character 1: a group without a placeholder"}},
		{"[ёж]", []string{"character 1: a group without a placeholder"}},
		{"[{given}[{doctor}]]", []string{"character 9: [ inside a group", "character 1: [ is not closed"}},
		{"[{given} [{doctor} ] ]", []string{"character 10: [ inside a group"}},
		{"ёж\x00", []string{"character 3: an invisible character, U+0000"}},
		{"ё\u200bж", []string{"character 2: an invisible character, U+200B"}},
		{"ё\u202eж", []string{"character 2: an invisible character, U+202E"}},
		{"ё\xffж", []string{"character 2: a byte that is not UTF-8"}},
		{"{one} ] {two}", []string{"character 1: there is no {one}", "character 7: ] closes nothing", "character 9: there is no {two}"}},
	} {
		_, err := Compile(c.source)
		if err == nil {
			t.Errorf("%q has no fault", c.source)
			continue
		}
		if dental.KindOf(err) != dental.Invalid {
			t.Errorf("%q: the error is %q, not invalid", c.source, dental.KindOf(err))
		}
		if got := strings.Count(err.Error(), "character "); got != len(c.faults) {
			t.Errorf("%q has %d faults, want %d: %v", c.source, got, len(c.faults), err)
		}
		for _, want := range c.faults {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v does not say %q", c.source, err, want)
			}
		}
	}
}

func TestTheErrorOfAnUnknownPlaceholderListsTheKnownOnes(t *testing.T) {
	_, err := Compile("{docter}")
	for _, p := range Placeholders() {
		if !strings.Contains(err.Error(), "{"+string(p)+"}") {
			t.Errorf("%v does not name {%s}", err, p)
		}
	}
}

func TestDoubledBracesAndBracketsAreThemselves(t *testing.T) {
	for source, want := range map[string]string{
		"{{given}}":           "{given}",
		"[[{given}[[]] и}}":   "[Анна[] и}",
		"[[[{given}, ]ждём]]": "[Анна, ждём]",
		"{{{given}}}":         "{Анна}",
	} {
		if got := compile(t, source).Render(Values{Given: "Анна"}, 0).Text; got != want {
			t.Errorf("%q gives %q, want %q", source, got, want)
		}
	}
}

func TestEveryPlaceholderIsFilled(t *testing.T) {
	for _, p := range Placeholders() {
		value := "Значение"
		if p == Link {
			value = "https://x.example/s/AbCd"
		}
		got := compile(t, "Вот {"+string(p)+"} тут").Render(Values{p: value}, 0)
		if want := "Вот " + value + " тут"; got.Text != want || len(got.Missing) > 0 {
			t.Errorf("{%s} gives %q, want %q (missing %q)", p, got.Text, want, got.Missing)
		}
	}
}

func TestWhiteSpaceOfATextIsOneSpace(t *testing.T) {
	tmpl := compile(t, "\n  Ждём\tвас\u00a0 и\r\n  {date}   в\u00a0{time} \u00a0 !\n")
	got := tmpl.Render(Values{Date: "в среду, 6 мая", Time: "14:30"}, 0).Text
	if want := "Ждём вас и в среду, 6 мая в\u00a014:30 !"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATextKnowsWhatItUsesAndWhatItRequires(t *testing.T) {
	tmpl := compile(t, "[{given}, ]ждём {date}[: {link}]")
	for p, want := range map[Placeholder][2]bool{
		Given: {true, false}, Date: {true, true}, Link: {true, false}, Doctor: {false, false},
	} {
		if got := [2]bool{tmpl.Uses(p), tmpl.Requires(p)}; got != want {
			t.Errorf("{%s}: uses, requires = %v, want %v", p, got, want)
		}
	}
	if got := tmpl.String(); got != "[{given}, ]ждём {date}[: {link}]" {
		t.Errorf("its source is %q", got)
	}
	if got := tmpl.Render(Values{Given: "Анна"}, 0); !slices.Equal(got.Missing, []Placeholder{Date}) {
		t.Errorf("missing %q, want the date alone", got.Missing)
	}
}

func TestTextsAppendedToTheSameOneDoNotMix(t *testing.T) {
	base := compile(t, "Один[ {given}] два")
	first, second := base.Append("Первый."), base.Append("Второй.")
	for want, tmpl := range map[string]Template{"Один два Первый.": first, "Один два Второй.": second, "Один два": base} {
		if got := tmpl.Render(nil, 0).Text; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheZeroTemplateIsEmpty(t *testing.T) {
	if got := (Template{}).Render(Values{Given: "Анна"}, 1); got.Text != "" || got.Parts != 0 || got.Over {
		t.Errorf("got %+v", got)
	}
}

func TestAnAppendedSentenceNeverVanishes(t *testing.T) {
	base := compile(t, "Ждём вас[, {given}].")
	tmpl := base.Append("Есть {противопоказания} [1].")
	if got := tmpl.Render(nil, 1); got.Text != "Ждём вас. Есть {противопоказания} [1]." {
		t.Errorf("got %q", got.Text)
	}
	if got := base.Render(nil, 0).Text; got != "Ждём вас." {
		t.Errorf("the text it was appended to became %q", got)
	}
	again := compile(t, tmpl.String())
	if a, b := again.Render(nil, 0), tmpl.Render(nil, 0); a.Text != b.Text {
		t.Errorf("its source gives %q, it gives %q", a.Text, b.Text)
	}
	if got := base.Append(" \n").String(); got != base.String() {
		t.Errorf("appending nothing gives %q", got)
	}
}
