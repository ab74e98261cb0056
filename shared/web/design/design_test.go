package design

import (
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// luminanceOf and ratio are WCAG 2.2's "relative luminance" and "contrast
// ratio", written once more so that the package is not judged by itself.
func luminanceOf(t interface{ Fatalf(string, ...any) }, colour string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		t.Fatalf("%q is no colour", colour)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func ratio(t interface{ Fatalf(string, ...any) }, a, b string) float64 {
	x, y := luminanceOf(t, a), luminanceOf(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// pair is two colours that stand on each other: least is 4.5 for text (1.4.3)
// and 3 for the edges of what can be pressed, and for focus (1.4.11).
type pair struct {
	front, back string
	least       float64
}

func pairs() []pair {
	out := []pair{
		{"on-brand", "brand", 4.5}, {"on-wrong", "wrong", 4.5}, {"brand", "brand-tint", 4.5},
		{"right", "right-tint", 4.5}, {"wrong", "wrong-tint", 4.5}, {"warm", "warm-tint", 4.5}, {"paper", "right", 4.5},
		{"ink", "brand-tint", 4.5}, {"ink", "right-tint", 4.5}, {"ink", "wrong-tint", 4.5}, {"ink", "warm-tint", 4.5}, {"soft", "brand-tint", 4.5},
	}
	for _, ground := range []string{"ground", "paper", "shade"} {
		for _, words := range []string{"ink", "soft", "brand", "right", "wrong", "warm"} {
			out = append(out, pair{words, ground, 4.5})
		}
		out = append(out, pair{"edge", ground, 3})
	}
	return out
}

// ornaments carry nothing that has to be seen.
func ornaments() []string { return []string{"line"} }

// variables are the colours of both schemes.
func variables(css string) (day, night map[string]string) {
	first, second, _ := strings.Cut(css, "@media")
	read := func(css string) map[string]string {
		out := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): ?(#[0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
			out[m[1]] = m[2]
		}
		return out
	}
	return read(first), read(second)
}

func TestColoursAreFarEnoughApartByDayAndNight(t *testing.T) {
	day, night := variables(tokens)
	if len(day) < 15 || len(day) != len(night) {
		t.Fatalf("by day %d colours, by night %d", len(day), len(night))
	}
	for scheme, colours := range map[string]map[string]string{"day": day, "night": night} {
		for _, p := range pairs() {
			if got := ratio(t, colours[p.front], colours[p.back]); got < p.least {
				t.Errorf("%s: %s on %s has %.2f, wants %.1f", scheme, p.front, p.back, got, p.least)
			}
		}
		for name := range colours {
			if !slices.ContainsFunc(pairs(), func(p pair) bool { return p.front == name || p.back == name }) && !slices.Contains(ornaments(), name) {
				t.Errorf("%s: nobody has looked at %s", scheme, name)
			}
		}
	}
	if got := ratio(t, "#000000", "#ffffff"); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white has %v", got)
	}
}

func TestAClinicsColoursCanBeReadWhateverItsColourIs(t *testing.T) {
	check := func(t interface {
		Fatalf(string, ...any)
		Errorf(string, ...any)
	}, color string) {
		sharedDay, sharedNight := variables(tokens)
		ownDay, ownNight := variables(Brand(color))
		for scheme, both := range map[string][2]map[string]string{"day": {sharedDay, ownDay}, "night": {sharedNight, ownNight}} {
			for name, c := range both[1] {
				both[0][name] = c
			}
			if len(both[1]) < 3 {
				t.Fatalf("%s: %s gives %v", color, scheme, both[1])
			}
			for _, p := range pairs() {
				if got := ratio(t, both[0][p.front], both[0][p.back]); got < p.least {
					t.Errorf("%s, %s: %s %s on %s %s has %.2f, wants %.1f", color, scheme, p.front, both[0][p.front], p.back, both[0][p.back], got, p.least)
				}
			}
		}
	}
	for _, color := range []string{"#000000", "#ffffff", "#ffff00", "#00ff00", "#ff0000", "#0000ff", "#ff00ff", "#00ffff", "#808080", "#0b5cab", "#7f1d4f", "#ffb6c1"} {
		t.Run(color, func(t *testing.T) { check(t, color) })
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, colour{rapid.Float64Range(0, 1).Draw(t, "r"), rapid.Float64Range(0, 1).Draw(t, "g"), rapid.Float64Range(0, 1).Draw(t, "b")}.String())
	})
}

func TestAColourThatCanBeReadAlreadyStaysAsItIs(t *testing.T) {
	day, _ := variables(Brand("#7f1d4f"))
	if day["brand"] != "#7f1d4f" || day["on-brand"] != "#ffffff" {
		t.Errorf("the colours are %v", day)
	}
	yellow, _ := variables(Brand("#ffd400"))
	if got := yellow["brand"]; got == "#ffd400" {
		t.Error("yellow words stand on white")
	}
	if !strings.Contains(Brand("#FFD400"), "--clinic:#ffd400;") {
		t.Errorf("the ornament is not of the clinic's own colour: %s", Brand("#FFD400"))
	}
}

func TestAHueStaysTheClinicsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own := lch{rapid.Float64Range(0.2, 0.9).Draw(t, "lightness"), 0.08, rapid.Float64Range(-3, 3).Draw(t, "hue")}.colour()
		day, night := variables(Brand(own.String()))
		for scheme, brand := range map[string]string{"day": day["brand"], "night": night["brand"]} {
			c, _ := parse(brand)
			if v := c.lch(); v.c > 0.03 && math.Abs(math.Remainder(v.h-own.lch().h, 2*math.Pi)) > 0.2 {
				t.Errorf("%s: %v has become %s: the hue %.2f is %.2f", scheme, own, brand, own.lch().h, v.h)
			}
		}
	})
}

func TestWhatIsNoColourGivesNoStyle(t *testing.T) {
	for _, color := range []string{"", "red", "#fff", "#12345g", "#1234567", "0b5cab0", "#}</sty", "#+12345"} {
		if got := Brand(color); got != "" {
			t.Errorf("%q gives %q", color, got)
		}
	}
}

func TestAPolicyLetsRunWhatItNamesAndNothingElse(t *testing.T) {
	const rest = "; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	for _, c := range []struct {
		name            string
		styles, scripts []Source
		want            string
	}{
		{"nothing", nil, nil, "default-src 'none'" + rest},
		{"an empty style is none", []Source{Inline("")}, []Source{""}, "default-src 'none'" + rest},
		{"a style by its hash", []Source{Inline("a{}")}, nil, "default-src 'none'; style-src 'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='" + rest},
		{"this host's, and its scripts may ask this host", []Source{Self, Inline("")}, []Source{Self}, "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'" + rest},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Policy(c.styles, c.scripts); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSqueezingAStyleSheetChangesNoRule(t *testing.T) {
	in := "/* why:\n  a; b { } */\na,\nb > c :is(d) {\n  color: red;\n  margin: 0 auto;\n}\n@media (min-width: 40rem) {\n  e :focus { f: g; }\n}\n"
	if got, want := squeeze(in), "a,b > c :is(d){color:red;margin:0 auto}@media (min-width:40rem){e :focus{f:g}}"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, name := range []string{"tokens.css", "../pages/style.css", "../staff/pages/style.css"} {
		css, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range regexp.MustCompile(`"[^"\n]*"`).FindAllString(string(comment.ReplaceAll(css, nil)), -1) {
			if squeeze("a "+text) != "a "+text {
				t.Errorf("%s: %s would be squeezed", name, text)
			}
		}
	}
}
