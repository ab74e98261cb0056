package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"sync"

	"github.com/returnpoint/returnpoint/shared/chart"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
)

//go:embed letter.html
var letterSource string

// layout is parsed once and panics if what was compiled in does not parse. It
// loads nothing from anywhere: its one picture comes with the letter.
var layout = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("letter").Parse(letterSource))
})

// sheet is what the layout shows.
type sheet struct {
	Week
	locale        locale.Locale
	Clinic        string
	Chart         bool
	Width, Height int
	Buttons       []button
	Desk          string // URL of the page that shows the same
}

type button struct{ Text, Button, URL string }

func (s sheet) Lang() string { return s.locale.String() }

// T is the catalogue's text, with at most one value.
func (s sheet) T(key string) string { return s.locale.Text("desk.report."+key, nil) }

// letter writes the week down for mail programs: HTML with the chart as a
// picture inside of the letter, and the same as plain text.
func (w Week) letter(cl *dental.Clinic, base string) (Letter, error) {
	l := locale.For(cl.Language)
	home := base + "/desk/" + url.PathEscape(cl.ID)
	s := sheet{Week: w, locale: l, Clinic: cl.Name, Desk: home + "/report?week=" + w.Monday.String()}
	links := []string{s.Desk}
	for _, a := range w.Todo {
		s.Buttons, links = append(s.Buttons, button{a.Text, a.Button, home + a.Path}), append(links, home+a.Path)
	}
	var picture []byte
	if len(w.Bars) > 0 {
		var err error
		if picture, err = w.Chart(l).Draw(chart.Letter).PNG(); err != nil {
			return Letter{}, fmt.Errorf("draw the chart: %w", err)
		}
		s.Chart, s.Width, s.Height = true, int(chart.Letter.Width), int(chart.Letter.Height)
	}
	var b strings.Builder
	if err := layout().Execute(&b, s); err != nil {
		return Letter{}, fmt.Errorf("lay out the letter: %w", err)
	}
	return Letter{Subject: l.Text("desk.report.subject", map[string]string{"clinic": cl.Name, "n": w.Title}), HTML: b.String(), Text: s.plain(), Chart: picture, Links: links}, nil
}

// plain is the letter for those who read no HTML.
func (s sheet) plain() string {
	blocks := []string{s.Title, s.First}
	add := func(lines ...string) {
		if text := strings.Join(lines, "\n"); text != "" {
			blocks = append(blocks, text)
		}
	}
	add(s.Honest)
	var rows []string
	for _, r := range s.Rows {
		row := r.Name + ": " + r.Now
		beside := map[string]string{"amount": r.Before, "n": r.Change}
		switch {
		case r.Before != "" && r.Change != "":
			row += " " + s.locale.Text("desk.report.beside.change", beside)
		case r.Before != "":
			row += " " + s.locale.Text("desk.report.beside", beside)
		}
		if r.Goal != "" {
			row += ", " + r.Goal
		}
		rows = append(rows, row)
	}
	add(rows...)
	add(s.Seen)
	if len(s.Buttons) > 0 {
		add(s.T(s.Headed()))
		for i, b := range s.Buttons {
			add(fmt.Sprintf("%d. %s", i+1, b.Text), b.URL)
		}
	}
	if len(s.Undone) > 0 {
		add(append([]string{s.T("undone")}, s.Undone...)...)
	}
	add(s.T("open")+":", s.Desk)
	return strings.Join(blocks, "\n\n") + "\n"
}

// silenceLetter says that the MIS tells nothing any more.
func silenceLetter(cl *dental.Clinic, base string) (Letter, error) {
	l := locale.For(cl.Language)
	local := cl.HeardAt.In(cl.Location())
	values := map[string]string{"clinic": cl.Name, "date": l.DayWeekday(dental.DateOf(local)), "time": l.Time(dental.TimeOfDayOf(local))}
	home := base + "/desk/" + url.PathEscape(cl.ID)
	w := Week{Title: l.Text("desk.report.silence.title", nil), First: l.Text("desk.report.silence.first", values), Honest: l.Text("desk.report.silence.means", nil)}
	s := sheet{Week: w, locale: l, Clinic: cl.Name, Desk: home,
		Buttons: []button{{l.Text("desk.report.silence.do", nil), l.Text("desk.report.silence.button", nil), home + "/start"}}}
	var b strings.Builder
	if err := layout().Execute(&b, s); err != nil {
		return Letter{}, fmt.Errorf("lay out the letter: %w", err)
	}
	return Letter{Subject: l.Text("desk.report.silence.subject", values), HTML: b.String(), Text: s.plain(), Links: []string{home + "/start", home}}, nil
}
