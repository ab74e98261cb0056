package report

import (
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/chart"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

// Week is what a clinic's people are told of a week: words ready to be read, as
// they were on the day they were told. A correction that the MIS sends later
// changes the measures, not what was said.
type Week struct {
	Monday dental.Date // the first day of the week that it is about
	At     time.Time   // as of when
	Title  string
	// First is the line that matters, and Honest what is to be known of it.
	First  string
	Honest string
	Rows   []Row
	Bars   []Bar // of weeks, the last one last
	// Seen is what the chart shows, in a sentence.
	Seen   string
	Todo   []Act
	Undone []string
}

// Headed is the text, below desk.report, that heads what is to be done: it says how much that is.
func (w Week) Headed() string {
	if n := len(w.Todo); n > 0 {
		return "todo." + strconv.Itoa(n)
	}
	return "todo"
}

// Row is one figure of the week beside that of the week before.
type Row struct {
	Name, Now, Before, Change string
	Goal                      string // how it stands to its goal, "" without one
	// Tone is "right" or "wrong" for a change that is good or bad, "" for neither.
	Tone string
}

// Bar is one week of the chart.
type Bar struct {
	Label, Shown string
	N            int64
}

// Act is one thing to do, and where.
type Act struct {
	Rule         string // its name
	Text, Button string
	Path         string // below the clinic's desk
}

// Chart is the weeks' returned patients.
func (w Week) Chart(l locale.Locale) chart.Bars {
	b := chart.Bars{Over: chart.Over{Words: chart.Words{Title: l.Text("desk.report.chart", nil), Text: w.Seen, Column: l.Text("desk.report.week", nil)}, Whole: true}}
	s := chart.Series{Name: l.Text("desk.report.returned", nil)}
	for _, bar := range w.Bars {
		b.At, s.Values = append(b.At, bar.Label), append(s.Values, chart.Value{N: float64(bar.N), Shown: bar.Shown})
	}
	b.Series = []chart.Series{s}
	return b
}
