package web

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFoldedLinesAreShortWholeAndUnfoldToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := text(rapid.StringOfN(rapid.RuneFrom([]rune("aaaяё👍;\\")), 0, 400, -1).Draw(t, "value"))
		var c contentLines
		c.add("SUMMARY", value)
		file := c.String()
		if !strings.HasSuffix(file, "\r\n") {
			t.Fatalf("%q does not end", file)
		}
		for i, line := range strings.Split(strings.TrimSuffix(file, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line %d is %d octets: %q", i, len(line), line)
			}
			if i > 0 && !strings.HasPrefix(line, " ") {
				t.Errorf("line %d is not folded: %q", i, line)
			}
		}
		if got := strings.TrimSuffix(strings.ReplaceAll(file, "\r\n ", ""), "\r\n"); got != "SUMMARY:"+value {
			t.Errorf("unfolds to %q, want %q", got, "SUMMARY:"+value)
		}
	})
}

func TestALineIsAsLongAsItMayBe(t *testing.T) {
	var c contentLines
	c.add("N", strings.Repeat("a", 73+74+74+1))
	if got, want := c.String(), "N:"+strings.Repeat("a", 73)+"\r\n "+strings.Repeat("a", 74)+"\r\n "+strings.Repeat("a", 74)+"\r\n a\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestTextOfACalendarIsEscapedAndCanBeReadBack(t *testing.T) {
	for in, want := range map[string]string{
		`a,b;c\d`:              `a\,b\;c\\d`,
		"two\nlines":           `two\nlines`,
		"two\r\nlines":         `two\nlines`,
		"a\tb\x00\x7fc":        "abc",
		"END:VEVENT\r\nX:1":    `END:VEVENT\nX:1`,
		"Улыбка: «зубы» \xff!": "Улыбка: «зубы» !",
	} {
		if got := text(in); got != want {
			t.Errorf("%q is written %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringOf(rapid.RuneFrom([]rune("ab ,;\\\nnёN👍"))).Draw(t, "in")
		back := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\,`, ",", `\;`, ";").Replace(text(in))
		if back != in {
			t.Errorf("%q reads back as %q", in, back)
		}
	})
}
