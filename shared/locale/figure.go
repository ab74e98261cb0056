package locale

import (
	"math"
	"strconv"
	"strings"
)

// Number is a whole number with its thousands apart: "12 400", "12,400".
func (l Locale) Number(n int64) string { return l.Decimal(float64(n), 0) }

// Decimal is a number with at most so many places after the point, and no
// noughts at their end: "4,8", "12 400"; "4.8", "12,400".
func (l Locale) Decimal(x float64, places int) string {
	s := strconv.FormatFloat(math.Abs(x), 'f', places, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	fraction = strings.TrimRight(fraction, "0")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + l.language().group + whole[i:]
	}
	if fraction != "" {
		whole += l.language().point + fraction
	}
	if x < 0 && strings.Trim(s, "0.") != "" {
		whole = "−" + whole
	}
	return whole
}

// Percent is a share in percent, to a tenth: "36,4 %" with a no-break space, "36.4%".
func (l Locale) Percent(x float64) string {
	if l == Russian {
		return l.Decimal(x, 1) + noBreakSpace + "%"
	}
	return l.Decimal(x, 1) + "%"
}

// Signed puts a plus before a text of something above nought, so that it is
// read as a change: "+3"; of nothing it is "0" or whatever the text is.
func (l Locale) Signed(x float64, text string) string {
	if x > 0 {
		return "+" + text
	}
	return text
}
