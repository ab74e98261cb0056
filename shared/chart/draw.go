package chart

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Drawing is a chart laid out, ready to be written down.
type Drawing struct {
	words  Words
	size   Size
	shapes []shape
}

// paint says what a shape is for; the page's style sheet and the palette of the
// picture give it a colour. What differs by paint differs by form too.
type paint int

const (
	ink  paint = iota // letters and figures
	soft              // the axis and its letters
	grid              // lines to read a value off
	main              // the figures themselves
	side              // those that they are compared with
	goal              // the level to reach
)

// shape is one of the fields below.
type shape struct {
	paint  paint
	points []point // a line from one to the next
	dashed bool
	width  float64
	box    *box
	dot    *dot
	text   *text
}

type (
	point struct{ x, y float64 }
	box   struct{ x, y, w, h float64 }
	dot   struct{ x, y, r float64 }
	text  struct {
		x, y   float64
		anchor anchor
		s      string
		size   float64
		strong bool
	}
)

// anchor is which end of a text stands at its x.
type anchor int

const (
	start anchor = iota
	middle
	end
)

const (
	letter = 12.0 // the height of letters
	small  = 11.0
	wide   = 0.62 // of the height: how wide a letter is, about
)

// room is how wide a text is, about: who shows a page chooses the font.
func room(s string, size float64) float64 { return wide * size * float64(utf8.RuneCountInString(s)) }

func (d *Drawing) line(p paint, width float64, dashed bool, points ...point) {
	d.shapes = append(d.shapes, shape{paint: p, points: points, width: width, dashed: dashed})
}

func (d *Drawing) box(p paint, b box) {
	if b.w > 0 && b.h > 0 {
		d.shapes = append(d.shapes, shape{paint: p, box: &b})
	}
}

func (d *Drawing) dot(p paint, c dot) { d.shapes = append(d.shapes, shape{paint: p, dot: &c}) }

func (d *Drawing) text(p paint, t text) {
	if t.size == 0 {
		t.size = letter
	}
	if t.s != "" {
		d.shapes = append(d.shapes, shape{paint: p, text: &t})
	}
}

// layer is what lies over what: areas, lines, points, letters.
func (s shape) layer() int {
	switch {
	case s.box != nil && s.paint == grid:
		return 0
	case s.points != nil && (s.paint == grid || s.paint == soft):
		return 1
	case s.box != nil:
		return 2
	case s.points != nil:
		return 3
	case s.dot != nil:
		return 4
	}
	return 5
}

// layered is the shapes from the lowest to the uppermost.
func (d Drawing) layered() []shape {
	return slices.SortedStableFunc(slices.Values(d.shapes), func(a, b shape) int { return a.layer() - b.layer() })
}

// plot is the inside of a chart over time, with its scale.
type plot struct {
	*Drawing
	left, top, right, bottom float64
	least, most              float64
	count                    int
}

func (p plot) y(n float64) float64 {
	return p.bottom - (n-p.least)/(p.most-p.least)*(p.bottom-p.top)
}

// x is the middle of the place of the i-th period.
func (p plot) x(i int) float64 {
	return p.left + (float64(i)+0.5)/float64(max(p.count, 1))*(p.right-p.left)
}

func (p plot) step() float64 { return (p.right - p.left) / float64(max(p.count, 1)) }

// frame lays out the scale, the periods and the goal.
func (o Over) frame(size Size) plot {
	d := &Drawing{words: o.Words, size: size}
	least, most := 0.0, 0.0
	if o.Goal.Name != "" {
		most = o.Goal.N
	}
	for _, s := range o.Series {
		for _, v := range s.Values {
			if v.Known() {
				least, most = math.Min(least, v.N), math.Max(most, v.N)
			}
		}
	}
	ticks := Ticks(least, most, 4, o.Whole)
	labels, gutter := make([]string, len(ticks)), 0.0
	for i, n := range ticks {
		labels[i] = o.tick(n)
		gutter = math.Max(gutter, room(labels[i], small))
	}
	p := plot{Drawing: d, left: gutter + 8, top: letter + 8, right: size.Width - 4, bottom: size.Height - letter - 10,
		least: ticks[0], most: ticks[len(ticks)-1], count: len(o.At)}
	if len(o.Series) > 1 || o.Goal.Name != "" {
		p.top += letter + 6
		p.legend(o)
	}
	for i, n := range ticks {
		paint := grid
		if n == 0 {
			paint = soft
		}
		d.line(paint, 1, false, point{p.left, p.y(n)}, point{p.right, p.y(n)})
		d.text(soft, text{x: p.left - 6, y: p.y(n) + small*0.35, anchor: end, s: labels[i], size: small})
	}
	p.periods(o.At, o.Apart)
	if o.Goal.Name != "" {
		d.line(goal, 1.5, true, point{p.left, p.y(o.Goal.N)}, point{p.right, p.y(o.Goal.N)})
	}
	return p
}

func (o Over) tick(n float64) string {
	if o.Tick == nil {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return o.Tick(n)
}

// periods writes as many of the periods as there is room for, the last one always,
// or all of them.
func (p plot) periods(at []string, all bool) {
	widest := 0.0
	for _, s := range at {
		widest = math.Max(widest, room(s, small))
	}
	every := 1
	if !all {
		every = max(1, int(math.Ceil((widest+10)/p.step())))
	}
	for i := len(at) - 1; i >= 0; i -= every {
		x, half := p.x(i), room(at[i], small)/2
		p.text(soft, text{x: math.Min(math.Max(x, half+2), p.size.Width-half-2), y: p.bottom + small + 5, anchor: middle, s: at[i], size: small})
	}
}

// legend names the rows of figures and the goal, each beside its own form.
func (p plot) legend(o Over) {
	x, y := 4.0, letter
	name := func(paint paint, dashed bool, s string) {
		p.line(paint, 2.5, dashed, point{x, y - letter*0.35}, point{x + 20, y - letter*0.35})
		p.text(ink, text{x: x + 25, y: y, s: s})
		x += 25 + room(s, letter) + 14
	}
	if len(o.Series) > 1 {
		for i, s := range o.Series {
			name(rows(i), i > 0, s.Name)
		}
	}
	if o.Goal.Name != "" {
		name(goal, true, o.Goal.Name)
	}
}

// rows is the paint of the i-th row of figures.
func rows(i int) paint {
	if i == 0 {
		return main
	}
	return side
}

// Draw lays the lines out; a figure that nobody knows is a gap.
func (l Line) Draw(size Size) Drawing {
	p := l.frame(size)
	for i := len(l.Series) - 1; i >= 0; i-- { // the first one lies on top
		s := l.Series[i]
		var piece []point
		flush := func() {
			if len(piece) > 1 {
				p.line(rows(i), 2, i > 0, piece...)
			}
			piece = nil
		}
		last := -1
		for k, v := range s.Values[:min(len(s.Values), len(l.At))] {
			if !v.Known() {
				flush()
				continue
			}
			piece, last = append(piece, point{p.x(k), p.y(v.N)}), k
			p.dot(rows(i), dot{x: p.x(k), y: p.y(v.N), r: 2.5})
		}
		flush()
		if last >= 0 && i == 0 {
			at := p.y(s.Values[last].N)
			if last > 0 && s.Values[last-1].Known() && s.Values[last-1].N > s.Values[last].N && at+letter+10 < p.bottom {
				at += letter + 16 // below: the line comes down from above
			}
			p.value(p.x(last), at, s.Values[last].Shown)
		}
	}
	return *p.Drawing
}

// value writes a figure above its place, inside of the picture.
func (p plot) value(x, y float64, s string) {
	half := room(s, letter) / 2
	p.text(ink, text{x: math.Min(math.Max(x, half+2), p.size.Width-half-2), y: y - 7, anchor: middle, s: s, strong: true})
}

// Draw lays the bars out side by side; those of the first row carry their
// figures where they fit.
func (b Bars) Draw(size Size) Drawing {
	p := b.frame(size)
	each := p.step() * 0.7 / float64(max(len(b.Series), 1))
	fits := true
	for _, s := range b.Series {
		for _, v := range s.Values {
			fits = fits && len(b.Series) == 1 && room(v.Shown, letter) < p.step()-2
		}
	}
	for i, s := range b.Series {
		for k, v := range s.Values[:min(len(s.Values), len(b.At))] {
			if !v.Known() {
				continue
			}
			x := p.x(k) + (float64(i)-float64(len(b.Series))/2)*each
			y, zero := p.y(v.N), p.y(0)
			p.box(rows(i), box{x + 1, math.Min(y, zero), math.Max(each-2, 1), math.Abs(zero - y)})
			if fits || len(b.Series) == 1 && k == len(b.At)-1 {
				p.value(p.x(k), math.Min(y, zero)+3, v.Shown)
			}
		}
	}
	return *p.Drawing
}

// rowHeight is that of a row of a chart whose rows have names.
const rowHeight = 40.0

// Draw lays the steps out below one another; the height follows from them.
func (f Funnel) Draw(size Size) Drawing {
	size.Height = rowHeight*float64(len(f.Rows)) + 4
	d := Drawing{words: f.Words, size: size}
	most := 0.0
	for _, r := range f.Rows {
		if r.Value.Known() {
			most = math.Max(most, r.Value.N)
		}
	}
	for i, r := range f.Rows {
		y := rowHeight * float64(i)
		figure := unknown
		if r.Value.Known() {
			figure = r.Value.Shown
			if r.Note != "" {
				figure += " · " + r.Note
			}
		}
		d.text(ink, text{x: 2, y: y + letter + 2, s: r.Name})
		d.text(ink, text{x: size.Width - 2, y: y + letter + 2, anchor: end, s: figure, strong: true})
		d.box(grid, box{2, y + letter + 8, size.Width - 4, 10})
		if r.Value.Known() && most > 0 {
			d.box(main, box{2, y + letter + 8, math.Max((size.Width-4)*r.Value.N/most, 0), 10})
		}
	}
	return d
}

// Draw lays the estimates out below one another, each with its bounds, against
// nought; the height follows from them.
func (v Intervals) Draw(size Size) Drawing {
	size.Height = rowHeight*float64(len(v.Rows)) + small + 12
	d := Drawing{words: v.Words, size: size}
	least, most := 0.0, 0.0
	for _, r := range v.Rows {
		if r.Known {
			least, most = math.Min(least, r.Low), math.Max(most, r.High)
		}
	}
	ticks := Ticks(least, most, 4, false)
	from, to := ticks[0], ticks[len(ticks)-1]
	left, right, bottom := 22.0, size.Width-22, size.Height-small-8
	x := func(n float64) float64 { return left + (n-from)/(to-from)*(right-left) }
	for _, n := range ticks {
		paint, width := grid, 1.0
		if n == 0 {
			paint, width = soft, 1.5
		}
		d.line(paint, width, false, point{x(n), 2}, point{x(n), bottom})
		label := strconv.FormatFloat(n, 'f', -1, 64)
		if v.Tick != nil {
			label = v.Tick(n)
		}
		d.text(soft, text{x: x(n), y: bottom + small + 3, anchor: middle, s: label, size: small})
	}
	for i, r := range v.Rows {
		y := rowHeight * float64(i)
		d.text(ink, text{x: 2, y: y + letter + 2, s: r.Name})
		if !r.Known {
			d.text(soft, text{x: size.Width - 2, y: y + letter + 2, anchor: end, s: r.Note, size: small})
			continue
		}
		d.text(ink, text{x: size.Width - 2, y: y + letter + 2, anchor: end, s: r.Shown, strong: true})
		middleOf := y + letter + 13
		d.line(main, 2, false, point{x(r.Low), middleOf}, point{x(r.High), middleOf})
		for _, n := range []float64{r.Low, r.High} {
			d.line(main, 2, false, point{x(n), middleOf - 5}, point{x(n), middleOf + 5})
		}
		d.dot(main, dot{x: x(r.At), y: middleOf, r: 4})
	}
	return d
}
