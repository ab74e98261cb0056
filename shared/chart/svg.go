package chart

import (
	"html/template"
	"strconv"
	"strings"
)

// SVG writes the drawing as an element to stand in a page, with its title and
// its sentence for those who do not see it. id names it in the page. It has no
// style of its own: everything has the colour of the text around it, unless the
// page's style sheet says otherwise of the classes axis, grid, column, other,
// curve, second, point, goal and band.
func (d Drawing) SVG(id string) template.HTML {
	var b strings.Builder
	esc := template.HTMLEscapeString
	b.WriteString(`<svg class="chart" role="img" viewBox="0 0 ` + num(d.size.Width) + ` ` + num(d.size.Height) + `" aria-labelledby="` + esc(id) + `-t ` + esc(id) + `-d">`)
	b.WriteString(`<title id="` + esc(id) + `-t">` + esc(d.words.Title) + `</title><desc id="` + esc(id) + `-d">` + esc(d.words.Text) + `</desc>`)
	// Shapes of one look that follow one another are one element: a page is to be small.
	for shapes := d.layered(); len(shapes) > 0; {
		open, shut := look(shapes[0])
		b.WriteString(open)
		n := 0
		for n < len(shapes) {
			if other, _ := look(shapes[n]); other != open {
				break
			}
			outline(&b, shapes[n])
			n++
		}
		b.WriteString(shut)
		shapes = shapes[n:]
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // every text in it is escaped above and in outline
}

// look is what the element of a shape begins and ends with.
func look(s shape) (open, shut string) {
	fill := func(class, strength string) (string, string) {
		return `<path class="` + class + `" fill="currentColor" fill-opacity="` + strength + `" d="`, `"/>`
	}
	switch {
	case s.text != nil:
		open = `<g fill="currentColor" font-size="` + num(s.text.size) + `"`
		switch s.text.anchor {
		case middle:
			open += ` text-anchor="middle"`
		case end:
			open += ` text-anchor="end"`
		}
		if s.text.strong {
			open += ` font-weight="600"`
		}
		return open + ">", "</g>"
	case s.box != nil && s.paint == grid:
		return fill("band", ".15")
	case s.box != nil && s.paint == side:
		return fill("other", ".5")
	case s.box != nil:
		return fill("column", "1")
	case s.dot != nil && s.paint == side:
		return fill("other", ".6")
	case s.dot != nil:
		return fill("point", "1")
	}
	class, strength := "curve", "1"
	switch s.paint {
	case grid:
		class, strength = "grid", ".2"
	case soft:
		class, strength = "axis", ".7"
	case side:
		class, strength = "second", ".6"
	case goal:
		class, strength = "goal", ".8"
	}
	open = `<path class="` + class + `" fill="none" stroke="currentColor" stroke-opacity="` + strength + `" stroke-width="` + num(s.width) + `"`
	if s.dashed {
		open += ` stroke-dasharray="5 4"`
	}
	return open + ` d="`, `"/>`
}

// outline writes a shape into the element of its look.
func outline(b *strings.Builder, s shape) {
	switch {
	case s.text != nil:
		b.WriteString(`<text x="` + num(s.text.x) + `" y="` + num(s.text.y) + `">` + template.HTMLEscapeString(s.text.s) + `</text>`)
	case s.box != nil:
		b.WriteString("M" + num(s.box.x) + " " + num(s.box.y) + "h" + num(s.box.w) + "v" + num(s.box.h) + "h" + num(-s.box.w) + "z")
	case s.dot != nil:
		r, turn := num(s.dot.r), num(2*s.dot.r)
		b.WriteString("M" + num(s.dot.x-s.dot.r) + " " + num(s.dot.y) + "a" + r + " " + r + " 0 1 0 " + turn + " 0a" + r + " " + r + " 0 1 0 -" + turn + " 0z")
	default:
		for i, p := range s.points {
			move := "L"
			if i == 0 {
				move = "M"
			}
			b.WriteString(move + num(p.x) + " " + num(p.y))
		}
	}
}

// num is a coordinate, to a tenth.
func num(n float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
}
