package locale

import (
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// noBreakSpace keeps a number and its unit on one line.
const noBreakSpace = "\u00a0"

// Plural picks the form of a noun that stands beside n: one, few, many in
// Russian ("визит", "визита", "визитов"), one, other in English, by CLDR's
// rules for whole numbers. A form that was not given is the last one that was.
func (l Locale) Plural(n int, forms ...string) string {
	if len(forms) == 0 {
		return ""
	}
	if n < 0 {
		n = -n
	}
	return forms[min(l.language().form(max(n, 0)), len(forms)-1)]
}

// Minutes is a length of time in words: "30 минут", "1 час 20 минут"; "1 hour
// 20 minutes". In Russian it is the accusative, which "занимает" takes ("21
// минуту"). Zero and less is "", no length known.
func (l Locale) Minutes(n int) string {
	if n <= 0 {
		return ""
	}
	g := l.language()
	var words []string
	if h := n / 60; h > 0 {
		words = append(words, strconv.Itoa(h), l.Plural(h, g.hours...))
	}
	if m := n % 60; m > 0 {
		words = append(words, strconv.Itoa(m), l.Plural(m, g.minutes...))
	}
	return strings.Join(words, " ")
}

// Money is an amount for people: "5 400 ₽", "5 400,50 ₽" with no-break spaces
// in Russian; "$5,400" and "RUB 5,400.50" in English. The fraction is left out
// when it is nothing. A currency without a sign of its own is written by its
// code. The zero Money is "".
func (l Locale) Money(m dental.Money) string {
	if m.IsZero() {
		return ""
	}
	g := l.language()
	amount, negative := strings.CutPrefix(m.Decimal(), "-")
	whole, fraction, _ := strings.Cut(amount, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + g.group + whole[i:]
	}
	if strings.Trim(fraction, "0") != "" {
		whole += g.point + fraction
	}
	symbol, known := g.symbols[m.Currency]
	if !known {
		symbol = m.Currency
	}
	text := g.money(whole, symbol, !known)
	if negative {
		text = "−" + text
	}
	return text
}

// Join lists items as a sentence does: "a", "a и b", "a, b и c". Empty items
// are passed over.
func (l Locale) Join(items []string) string {
	var kept []string
	for _, item := range items {
		if item != "" {
			kept = append(kept, item)
		}
	}
	if len(kept) < 2 {
		return strings.Join(kept, "")
	}
	last := len(kept) - 1
	return strings.Join(kept[:last], ", ") + " " + l.language().and + " " + kept[last]
}
