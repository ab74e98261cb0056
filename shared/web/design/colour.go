package design

import (
	"fmt"
	"math"
	"strconv"
)

// colour is one of sRGB, each part from 0 to 1, gamma and all.
type colour struct{ r, g, b float64 }

// parse reads "#rrggbb".
func parse(hex string) (colour, bool) {
	if len(hex) != 7 || hex[0] != '#' {
		return colour{}, false
	}
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		return colour{}, false
	}
	part := func(shift int) float64 { return float64(n>>shift&0xff) / 255 }
	return colour{part(16), part(8), part(0)}, true
}

func (c colour) String() string {
	part := func(v float64) int { return int(math.Round(min(max(v, 0), 1) * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", part(c.r), part(c.g), part(c.b))
}

// seen is the colour as a screen shows it, to whole parts of 255: what it is
// judged by is what is written.
func (c colour) seen() colour {
	s, _ := parse(c.String())
	return s
}

// linear and gamma are sRGB's transfer functions (IEC 61966-2-1).
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func gamma(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// contrast is WCAG 2.2's contrast ratio, from 1 to 21.
func contrast(a, b colour) float64 {
	luminance := func(c colour) float64 {
		c = c.seen()
		return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// lch is a colour by its lightness from 0 to 1, its chroma and its hue in
// radians, in OKLCH (Björn Ottosson, 2020; CSS Color 4, section 9.2): at one
// lightness all hues look equally light.
type lch struct{ l, c, h float64 }

func (c colour) lch() lch {
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	x := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	y := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return lch{0.2104542553*l + 0.7936177850*m - 0.0040720468*s, math.Hypot(x, y), math.Atan2(y, x)}
}

// colour is what a screen can show of it: of what is too bright for one, a
// greyer colour of the same lightness and hue.
func (v lch) colour() colour {
	least, most := 0.0, v.c
	out, fits := v.raw()
	if fits {
		return out.seen()
	}
	const steps = 20 // each halves what is left: far below one part of 255
	for range steps {
		v.c = (least + most) / 2
		if _, fits = v.raw(); fits {
			least = v.c
		} else {
			most = v.c
		}
	}
	v.c = least
	out, _ = v.raw()
	return out.seen()
}

func (v lch) raw() (c colour, fits bool) {
	x, y := v.c*math.Cos(v.h), v.c*math.Sin(v.h)
	cube := func(v float64) float64 { return v * v * v }
	l := cube(v.l + 0.3963377774*x + 0.2158037573*y)
	m := cube(v.l - 0.1055613458*x - 0.0638541728*y)
	s := cube(v.l - 0.0894841775*x - 1.2914855480*y)
	c = colour{
		gamma(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		gamma(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		gamma(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
	}
	const slack = 1e-4
	in := func(v float64) bool { return v > -slack && v < 1+slack }
	return c, in(c.r) && in(c.g) && in(c.b)
}
