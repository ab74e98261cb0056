package message

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestThePartsOfATextAreThoseOfTheStandard(t *testing.T) {
	for _, c := range []struct {
		name     string
		text     string
		parts    int
		encoding Encoding
	}{
		{"nothing takes no SMS", "", 0, GSM7},
		{"a short English text takes one", "See you on Thursday", 1, GSM7},
		{"160 septets fit alone", strings.Repeat("a", 160), 1, GSM7},
		{"161 take two", strings.Repeat("a", 161), 2, GSM7},
		{"306 fill two", strings.Repeat("a", 306), 2, GSM7},
		{"307 take three", strings.Repeat("a", 307), 3, GSM7},
		{"a euro sign is two septets", strings.Repeat("a", 158) + "€", 1, GSM7},
		{"and may be one too many", strings.Repeat("a", 159) + "€", 2, GSM7},
		{"80 brackets fit alone", strings.Repeat("[", 80), 1, GSM7},
		{"81 brackets take two", strings.Repeat("[", 81), 2, GSM7},
		// 153 is odd: 76 brackets fill 152 septets, the 77th moves on.
		{"152 brackets fill two parts of 76", strings.Repeat("[", 152), 2, GSM7},
		{"the 153rd is not cut in two", strings.Repeat("[", 153), 3, GSM7},
		{"an escape that would straddle the parts moves to the next", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 151), 2, GSM7},
		{"and may push the end into a third", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3, GSM7},
		{"a line end is in the alphabet", "a\nb", 1, GSM7},
		{"a tab is not", "a\tb", 1, UCS2},
		{"a small ç is not, only the capital", "ç", 1, UCS2},
		{"the capital is", "Ç", 1, GSM7},
		{"Greek capitals that differ from Latin ones are in it", "ΔΦΓΛΩΠΨΣΘΞ", 1, GSM7},
		{"a backtick is not", "`", 1, UCS2},
		{"a curly apostrophe is not", "don’t", 1, UCS2},
		{"a short Russian text takes one", "Ждём вас", 1, UCS2},
		{"70 units fit alone", strings.Repeat("ж", 70), 1, UCS2},
		{"71 take two", strings.Repeat("ж", 71), 2, UCS2},
		{"134 fill two", strings.Repeat("ж", 134), 2, UCS2},
		{"135 take three", strings.Repeat("ж", 135), 3, UCS2},
		{"an emoji is two units", strings.Repeat("ж", 68) + "👍", 1, UCS2},
		{"and may be one too many", strings.Repeat("ж", 69) + "👍", 2, UCS2},
		{"35 emoji fit alone", strings.Repeat("👍", 35), 1, UCS2},
		{"66 emoji fill two parts of 33", strings.Repeat("👍", 66), 2, UCS2},
		{"the 67th is not cut in two", strings.Repeat("👍", 67), 3, UCS2},
		{"a pair that would straddle the parts moves to the next", strings.Repeat("ж", 66) + "👍" + strings.Repeat("ж", 65), 2, UCS2},
		{"and may push the end into a third", strings.Repeat("ж", 66) + "👍" + strings.Repeat("ж", 66), 3, UCS2},
		{"characters of the extension are one unit in UCS2", strings.Repeat("[", 69) + "ж", 1, UCS2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if parts, encoding := Parts(c.text); parts != c.parts || encoding != c.encoding {
				t.Errorf("%d parts of %s, want %d of %s", parts, encoding, c.parts, c.encoding)
			}
		})
	}
}

func TestTheAlphabetIsComplete(t *testing.T) {
	// 128 codes less the escape, and ten characters of the extension.
	if n := utf8.RuneCountInString(gsmBasic); n != 127 {
		t.Errorf("the alphabet has %d characters, want 127", n)
	}
	if n := utf8.RuneCountInString(gsmExtended); n != 10 {
		t.Errorf("the extension has %d characters, want 10", n)
	}
	seen := map[rune]bool{}
	for _, r := range gsmBasic + gsmExtended {
		if seen[r] {
			t.Errorf("%q stands twice", r)
		}
		seen[r] = true
	}
}

// cut splits a text as a sender does: it encodes the whole, cuts after as many
// units as fit and steps back where the cut falls inside a character.
func cut(text string) int {
	var encoded []uint16
	inside := func(u uint16) bool { return u == 0x1b }
	alone, part := 160, 153
	for _, r := range text {
		switch septets(r) {
		case 2:
			encoded = append(encoded, 0x1b)
			fallthrough
		case 1:
			encoded = append(encoded, 1)
		default:
			encoded = utf16.Encode([]rune(text))
			inside = func(u uint16) bool { return u >= 0xd800 && u < 0xdc00 }
			alone, part = 70, 67
		}
		if alone == 70 {
			break
		}
	}
	if len(encoded) == 0 {
		return 0
	}
	if len(encoded) <= alone {
		return 1
	}
	n := 0
	for len(encoded) > 0 {
		end := min(part, len(encoded))
		if end < len(encoded) && inside(encoded[end-1]) {
			end--
		}
		encoded = encoded[end:]
		n++
	}
	return n
}

func TestCountingAgreesWithCutting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"ab€", "a[é", "жa", "ж👍", "👍", "a€ж👍"}).Draw(t, "alphabet")
		text := rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), 0, 700, -1).Draw(t, "text")
		if parts, _ := Parts(text); parts != cut(text) {
			t.Fatalf("%d parts, cutting gives %d", parts, cut(text))
		}
	})
}

func TestOneMoreCharacterNeverTakesFewerParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 400, -1).Draw(t, "text")
		more := text + string(rapid.Rune().Draw(t, "character"))
		before, _ := Parts(text)
		if after, _ := Parts(more); after < before {
			t.Fatalf("%d parts became %d", before, after)
		}
	})
}

func BenchmarkParts(b *testing.B) {
	text := strings.Repeat("Вас ждёт доктор. See you. ", 10)
	for b.Loop() {
		Parts(text)
	}
}
