package locale

import "testing"

func TestFiguresAreWrittenAsTheLanguageWritesThem(t *testing.T) {
	for _, tt := range []struct{ name, got, want string }{
		{"a Russian number", Russian.Number(12400), "12\u00a0400"},
		{"an English number", English.Number(-1234567), "−1,234,567"},
		{"nought", Russian.Number(0), "0"},
		{"three digits", English.Number(999), "999"},
		{"a Russian fraction", Russian.Decimal(4.75, 1), "4,8"},
		{"no noughts at the end", Russian.Decimal(4.0, 2), "4"},
		{"nothing below nought", English.Decimal(-0.04, 1), "0"},
		{"thousands with a fraction", English.Decimal(-1234.5, 1), "−1,234.5"},
		{"a Russian share", Russian.Percent(36.44), "36,4\u00a0%"},
		{"an English share", English.Percent(36), "36%"},
		{"what has grown", Russian.Signed(3, "3"), "+3"},
		{"what has shrunk", Russian.Signed(-3, "−3"), "−3"},
		{"what has stayed", Russian.Signed(0, "0"), "0"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
