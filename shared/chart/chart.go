// Package chart draws small charts of figures: lines and bars over time, a
// funnel, intervals. A chart is laid out once, as a Drawing, and written down as
// SVG for a page or as PNG for mail programs, which show no SVG. What is drawn
// is said in words besides: a title, a sentence, and the table of its figures.
//
// Charts are plain on purpose, after Tufte and the practice of public
// statistics: no third dimension, no gradient, values written where there is
// room for them, a scale that begins at nought wherever lengths are compared.
package chart

import (
	"math"
	"strconv"
)

// Size is the room that a chart is laid out in, in units of which letters take
// twelve: the pixels of a narrow phone for a page, those of a letter in mail.
type Size struct{ Width, Height float64 }

// The two sizes in use. A page's chart is as wide as the narrowest phone shows
// without making its letters smaller.
var (
	Page   = Size{340, 190}
	Letter = Size{512, 200}
)

// Value is one figure.
type Value struct {
	N float64
	// Shown is the figure as it is written for people. "" is a figure that nobody
	// knows: a gap, not nought.
	Shown string
}

// Known reports whether there is a figure at all.
func (v Value) Known() bool { return v.Shown != "" && !math.IsNaN(v.N) && !math.IsInf(v.N, 0) }

// Series is a row of figures of one kind.
type Series struct {
	Name   string
	Values []Value
}

// Goal is a level to reach, drawn across.
type Goal struct {
	N    float64
	Name string // "" is no goal
}

// Words are what a chart says to those who do not see it.
type Words struct {
	Title string
	// Text is the chart in a sentence: what there is to see in it.
	Text string
	// Column heads the first column of the table behind.
	Column string
}

// Table is the figures behind a chart.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
}

// Over is what charts over time have in common.
type Over struct {
	Words
	At     []string // the periods, in order, as they are written under the axis
	Series []Series // one, or two to be compared
	Goal   Goal
	// Tick writes a figure of the scale.
	Tick func(n float64) string
	// Apart: what stands under the axis are kinds and no periods, so that none can
	// be told from its neighbours and each is written.
	Apart bool
	// Whole: there are no halves of what is counted.
	Whole bool
}

// Table lists the periods, a row each.
func (o Over) Table() Table {
	t := Table{Caption: o.Title, Head: []string{o.Column}}
	for _, s := range o.Series {
		t.Head = append(t.Head, s.Name)
	}
	for i, at := range o.At {
		row := []string{at}
		for _, s := range o.Series {
			row = append(row, shown(s, i))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// unknown stands in a table where there is no figure.
const unknown = "–"

func shown(s Series, i int) string {
	if i >= len(s.Values) || !s.Values[i].Known() {
		return unknown
	}
	return s.Values[i].Shown
}

// Line is figures over time of which the level matters: a share, an average.
type Line struct{ Over }

// Bars are figures over time of which the size matters: a number, a sum.
type Bars struct{ Over }

// Row is one row of a Funnel: how many came that far.
type Row struct {
	Name  string
	Value Value
	// Note is what else is said of it: the share of the row before.
	Note string
}

// Funnel is how many are left after each of some steps.
type Funnel struct {
	Words
	Count string // heads the column of figures
	Share string // heads the column of notes
	Rows  []Row
}

// Table lists the steps.
func (f Funnel) Table() Table {
	t := Table{Caption: f.Title, Head: []string{f.Column, f.Count, f.Share}}
	for _, r := range f.Rows {
		t.Rows = append(t.Rows, []string{r.Name, shown(Series{Values: []Value{r.Value}}, 0), r.Note})
	}
	return t
}

// Range is one row of Intervals: an estimate and the bounds that it lies in.
// Without an estimate the Note says why there is none.
type Range struct {
	Name           string
	Low, At, High  float64
	Known          bool
	Shown, Between string // the estimate, and its bounds, as they are written
	Note           string
}

// Intervals are estimates, each with how sure it is, against nought.
type Intervals struct {
	Words
	Estimate, Bounds string // head the columns
	Tick             func(n float64) string
	Rows             []Range
}

// Table lists the estimates.
func (v Intervals) Table() Table {
	t := Table{Caption: v.Title, Head: []string{v.Column, v.Estimate, v.Bounds}}
	for _, r := range v.Rows {
		row := []string{r.Name, r.Shown, r.Between}
		if !r.Known {
			row = []string{r.Name, unknown, r.Note}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Ticks are round numbers from one at or below least to one at or above most, in
// steps of 1, 2, 2.5 or 5 times a power of ten, with about as many steps as
// wished (Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990). whole
// allows none between whole numbers. There are always two at least.
func Ticks(least, most float64, steps int, whole bool) []float64 {
	if !(least < most) { // the same, the wrong way round, or no numbers
		least, most = math.Min(math.Min(least, most), 0), math.Max(math.Max(least, most), 0)
	}
	if !(least < most) || math.IsInf(most-least, 0) {
		least, most = 0, 1
	}
	rough := (most - least) / float64(max(steps, 1))
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, nice := range []float64{1, 2, 2.5, 5} {
		if nice*power >= rough*(1-1e-9) {
			step = nice * power
			break
		}
	}
	if whole {
		step = math.Max(1, math.Ceil(step))
	}
	var out []float64
	first, last := math.Floor(least/step+1e-9), math.Ceil(most/step-1e-9)
	for i := first; i <= last; i++ {
		// Through its shortest spelling, so that three times 0.1 is 0.3.
		n, _ := strconv.ParseFloat(strconv.FormatFloat(i*step, 'g', 12, 64), 64)
		out = append(out, n)
	}
	if len(out) == 1 { // what is to be shown is less than a step can tell from it
		out = append(out, out[0]+step)
	}
	return out
}
