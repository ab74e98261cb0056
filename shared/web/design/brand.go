package design

import (
	"fmt"
	"regexp"
	"strings"
)

// readable is the least contrast of words to their ground (WCAG 2.2, 1.4.3).
const readable = 4.5

// scheme is what a clinic's colour has to be read on, by day or by night.
type scheme struct {
	grounds []colour
	// toward is the lightness that the colour goes to until it can be read.
	toward float64
	// tint is the ground of what belongs to the clinic, words the ink on its buttons.
	tint, words lch
}

// Brand is the style sheet of a clinic's own colour, "#rrggbb", to stand after
// the shared one; "" for what is no colour. The colour itself is only for
// ornament (--clinic). What is read is of its hue, as dark by day and as light by
// night as it takes to have a contrast of 4.5 and more to everything that it stands
// on or that stands on it, whatever the colour is.
func Brand(color string) string {
	own, ok := parse(color)
	if !ok {
		return ""
	}
	day, night := derive(own, true), derive(own, false)
	return ":root{--clinic:" + own.String() + ";" + day + "}@media(prefers-color-scheme:dark){:root{" + night + "}}"
}

func derive(own colour, day bool) string {
	v := own.lch()
	s := scheme{toward: 0, tint: lch{0.95, min(v.c, 0.03), v.h}, words: lch{1, 0, 0}}
	css, night, _ := strings.Cut(tokens, "@media")
	if !day {
		s.toward, s.tint, s.words = 1, lch{0.31, min(v.c, 0.05), v.h}, lch{0.24, min(v.c, 0.05), v.h}
		css = night
	}
	for _, name := range []string{"ground", "paper", "shade"} {
		c, ok := parse(regexp.MustCompile(`--` + name + `: (#[0-9a-f]{6});`).FindStringSubmatch(css)[1])
		if !ok {
			panic("design: the shared variables have no --" + name)
		}
		s.grounds = append(s.grounds, c)
	}
	tint, words := s.tint.colour(), s.words.colour()
	const steps = 200
	brand := own
	for i := 0; ; i++ {
		if s.legible(brand, tint, words) || i > steps {
			break
		}
		brand = lch{v.l + (s.toward-v.l)*float64(i)/steps, v.c, v.h}.colour()
	}
	return fmt.Sprintf("--brand:%v;--on-brand:%v;--brand-tint:%v", brand, words, tint)
}

// legible reports whether the colour can be read on all its grounds, and the words on it.
func (s scheme) legible(brand, tint, words colour) bool {
	for _, ground := range append([]colour{tint, words}, s.grounds...) {
		if contrast(brand, ground) < readable {
			return false
		}
	}
	return true
}
