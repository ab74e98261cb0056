package message

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// Rule names what a text must not do.
type Rule string

// The rules. Advertising and Secrecy follow the law, the others the product's tone.
const (
	// AdvertisingRule: a service or care text speaks of a price, discount, gift, bonus or free
	// service, which makes it advertising (38-FZ art. 3 and 18).
	AdvertisingRule Rule = "advertising"
	// SecrecyRule: a text that shows on a locked screen names a diagnosis, tooth, stage or
	// implant (323-FZ art. 13).
	SecrecyRule Rule = "secrecy"
	// GenderRule: a form that fits only men or only women, where nobody's sex is known.
	GenderRule Rule = "gender"
	// PressureRule: it hurries, threatens or shouts.
	PressureRule Rule = "pressure"
	// FamiliarRule: it says "ты".
	FamiliarRule Rule = "familiar"
)

// Rules lists the rules.
func Rules() []Rule {
	return []Rule{AdvertisingRule, SecrecyRule, GenderRule, PressureRule, FamiliarRule}
}

// Finding is one word of a text that breaks a rule.
type Finding struct {
	Rule     Rule
	Word     string // as it stands in the text
	Position int    // of its first character, counted from 1
}

// Explain says in words what is wrong and why.
func (f Finding) Explain(l locale.Locale) string {
	return l.Text("check."+string(f.Rule), map[string]string{"word": f.Word})
}

// Check looks for words that a text of the class may not have on the channel,
// in the order in which they stand. It takes the source of a template, since no
// placeholder is called by such a word, and just as well a finished text or a
// value that goes into one. It knows words and not meanings: no finding is no proof,
// and a finding in a text that means something else asks for another word.
// Secrecy holds for SMS and WhatsApp, which show on a locked screen, and for
// the subject of an e-mail if it is checked as an SMS.
func Check(l locale.Locale, class dental.Class, channel dental.Channel, source string) []Finding {
	var out []Finding
	tokens := tokenise(source)
	for i, t := range tokens {
		for _, rule := range Rules() {
			if !applies(rule, class, channel) {
				continue
			}
			if n := breaks(rule, l, tokens, i); n > 0 {
				out = append(out, Finding{Rule: rule, Word: joined(tokens[i : i+n]), Position: t.at})
			}
		}
	}
	return out
}

// breaks is the number of tokens from i on that together break the rule.
func breaks(rule Rule, l locale.Locale, tokens []token, i int) int {
	t := tokens[i]
	if t.mark {
		// A currency sign, a percentage, or exclamation marks in a row.
		if strings.HasPrefix(t.text, "!") == (rule == PressureRule) && (rule == PressureRule || rule == AdvertisingRule) {
			return 1
		}
		return 0
	}
	if n := match(vocabulary(l)[rule], tokens[i:]); n > 0 {
		return n
	}
	if rule == AdvertisingRule && roubles(tokens[:i+1]) ||
		rule == SecrecyRule && icd(t.text) ||
		rule == GenderRule && l == locale.Russian && gendered(tokens[i:]) ||
		rule == PressureRule && shouted(t.text) {
		return 1
	}
	return 0
}

func applies(rule Rule, class dental.Class, channel dental.Channel) bool {
	switch rule {
	case AdvertisingRule:
		return class != dental.Advertising
	case SecrecyRule:
		return channel == dental.SMS || channel == dental.WhatsApp
	}
	return true
}

// Warning is the sentence that a text of the class must carry, "" for none, to
// be given to Template.Append so that its length counts, or to a Letter. For
// advertising of medical services 38-FZ art. 24(7) asks that it warn of
// contraindications and of the need to get a specialist's advice, on 5 % of the
// advertisement's space at least. It prescribes what is said and not the words,
// so these are the shortest that say all of it: an SMS of an advertisement has
// 134 characters, 40 of which are the link.
func Warning(l locale.Locale, class dental.Class) string {
	if class != dental.Advertising {
		return ""
	}
	return l.Text("warning.advertising", nil)
}

// token is a word, or a mark that matters.
type token struct {
	text   string
	folded string // lower case, ё as е
	at     int
	mark   bool
	before string // what stands between it and the word before it
}

// tokenise splits a text into words and the marks that matter.
func tokenise(source string) []token {
	var out []token
	var word, gap strings.Builder
	start := 0
	flush := func() {
		if word.Len() > 0 {
			out = append(out, token{text: word.String(), folded: fold(word.String()), at: start, before: gap.String()})
			word.Reset()
			gap.Reset()
		}
	}
	runes := []rune(source)
	for i := 0; i < len(runes); i++ {
		r, n := runes[i], 1
		if unicode.In(r, unicode.L, unicode.M, unicode.N) {
			if word.Len() == 0 {
				start = i + 1
			}
			word.WriteRune(r)
			continue
		}
		flush()
		for r == '!' && i+n < len(runes) && runes[i+n] == '!' {
			n++
		}
		if r == '%' || unicode.Is(unicode.Sc, r) || r == '!' && n > 1 {
			out = append(out, token{text: string(runes[i : i+n]), at: i + 1, mark: true})
		}
		gap.WriteString(string(runes[i : i+n]))
		i += n - 1
	}
	flush()
	return out
}

func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ё", "е") }

func joined(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 {
			b.WriteString(t.before)
		}
		b.WriteString(t.text)
	}
	return b.String()
}

// match is the number of words that the first fitting pattern takes at the
// beginning of tokens, 0 if none fits. A pattern is words; one that ends in *
// fits every word that begins with it.
func match(patterns []string, tokens []token) int {
	for _, pattern := range patterns {
		words := strings.Fields(pattern)
		if len(words) > len(tokens) {
			continue
		}
		fits := true
		for i, w := range words {
			stem, prefix := strings.CutSuffix(w, "*")
			t := tokens[i]
			if fits = !t.mark && (prefix && strings.HasPrefix(t.folded, stem) || t.folded == stem); !fits {
				break
			}
		}
		if fits {
			return len(words)
		}
	}
	return 0
}

// roubles reports whether the last word is the "р." of "500 р.".
func roubles(tokens []token) bool {
	last := len(tokens) - 1
	return last > 0 && tokens[last].folded == "р" && strings.Trim(tokens[last-1].text, "0123456789") == "" && !tokens[last-1].mark
}

// icd reports whether the word is a code of ICD-10 down to its point: a letter,
// Latin or the Cyrillic К that stands for it, and two digits.
func icd(word string) bool {
	runes := []rune(word)
	return len(runes) == 3 && (runes[0] >= 'A' && runes[0] <= 'Z' || runes[0] == 'К') &&
		unicode.IsDigit(runes[1]) && unicode.IsDigit(runes[2])
}

// shouted reports whether a word of five letters or more is all capitals;
// shorter ones are abbreviations.
func shouted(word string) bool {
	return utf8.RuneCountInString(word) >= 5 && word == strings.ToUpper(word) && word != strings.ToLower(word) &&
		strings.IndexFunc(word, unicode.IsDigit) < 0
}

// gendered reports whether the first word is a Russian verb in the past tense
// of the singular ("ждал", "рекомендовала", "записался"), which tells the sex
// of whom it speaks, or a form with both genders ("записал(а)", "рад/а").
func gendered(tokens []token) bool {
	word := tokens[0].folded
	if len(tokens) > 1 && !tokens[1].mark {
		next := tokens[1]
		switch next.before {
		case "(", "(-", "/", "/-":
			if slices.Contains(genderEndings, next.folded) {
				return true
			}
		}
	}
	if slices.Contains(notVerbs, word) || slices.Contains(notVerbs, strings.TrimSuffix(word, "а")) {
		return false
	}
	for _, ending := range []string{"лся", "лась", "л", "ла"} {
		stem, found := strings.CutSuffix(word, ending)
		if found && utf8.RuneCountInString(stem) >= 2 && endsIn(stem, "аиеоуыя") {
			return true
		}
	}
	return false
}
