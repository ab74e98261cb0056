package staff

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/chart"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/report"
)

func (p *Pages) reportRoutes() []route {
	return []route{{path: "/desk/{clinic}/report", get: p.weekly, least: dental.Manager}}
}

// reportPage is a week's report: as it was sent, or as it stands now.
type reportPage struct {
	shell
	report.Week
	When    string // as of when, or when it was sent
	SVG     template.HTML
	Table   chart.Table
	Weeks   []place
	Present bool // the week is not over
	Readers string
	Letters []letterLine
}

// letterLine is what became of one person's letter.
type letterLine struct{ Name, State, Tone string }

// mostWeeks is how many past weeks are offered.
const mostWeeks = 12

// weekly shows a week's report, last week's unless the query names another.
func (p *Pages) weekly(w http.ResponseWriter, r request) error {
	present := report.Monday(r.clinic.Today(r.now))
	monday := present.AddDays(-7)
	if asked := r.URL.Query().Get("week"); asked != "" {
		d, err := dental.ParseDate(asked)
		if err != nil || d != report.Monday(d) || d.After(present) {
			return missing()
		}
		monday = d
	}
	page := reportPage{shell: p.shell(r, "/report", "desk.report.page.title"), Present: monday == present}
	told, kept, err := report.Past(r.Context(), p.Store, r.clinic.ID, monday)
	if err != nil {
		return err
	}
	staff, err := p.Store.StaffOf(r.Context(), r.clinic.ID)
	if err != nil {
		return err
	}
	if kept {
		page.Week, page.When = told.Week, page.at("desk.report.page.told", told.At)
		for _, key := range slices.Sorted(maps.Keys(told.Letters)) {
			page.Letters = append(page.Letters, page.letter(staff, key, told.Letters[key].State))
		}
	} else {
		reporter := &report.Reporter{Store: p.Store, Catalogue: p.Catalogue, Figures: p.Weeks, Clock: func() time.Time { return r.now }}
		if page.Week, err = reporter.Week(r.Context(), r.clinic, monday); err != nil {
			return err
		}
		page.When = page.at("desk.report.page.asof", r.now)
	}
	var readers []string
	for _, s := range staff {
		if s.Report {
			readers = append(readers, s.Name)
		}
	}
	page.Readers = page.T("desk.report.page.nobody")
	if len(readers) > 0 {
		page.Readers = page.T("desk.report.page.to", "list", page.locale.Join(readers))
	}
	page.shell.Title = page.Week.Title
	bars := page.Chart(page.locale)
	page.SVG, page.Table = bars.Draw(chart.Page).SVG("c-weeks"), bars.Table()
	return p.offer(w, r, page, present)
}

// offer adds the weeks that can be looked at, and shows the page.
func (p *Pages) offer(w http.ResponseWriter, r request, page reportPage, present dental.Date) error {
	mondays, err := report.Mondays(r.Context(), p.Store, r.clinic.ID, mostWeeks)
	if err != nil {
		return err
	}
	all := append([]dental.Date{present, present.AddDays(-7)}, mondays...)
	slices.SortFunc(all, func(a, b dental.Date) int { return strings.Compare(b.String(), a.String()) })
	for _, monday := range slices.Compact(all) {
		last := monday.AddDays(6)
		name := fmt.Sprintf("%d.%02d–%d.%02d", monday.Day, int(monday.Month), last.Day, int(last.Month))
		switch monday {
		case present:
			name = page.T("desk.report.page.this")
		case present.AddDays(-7):
			name = page.T("desk.report.page.last")
		}
		page.Weeks = append(page.Weeks, place{page.Home + "/report?week=" + monday.String(), name, monday == page.Monday})
	}
	p.render(w, r.Request, http.StatusOK, "report", page)
	return nil
}

// at is a sentence about an instant on the clinic's clock.
func (s shell) at(key string, at time.Time) string {
	local := at.In(s.Clinic.Location())
	return s.T(key, "date", s.locale.DayWeekday(dental.DateOf(local)), "time", s.locale.Time(dental.TimeOfDayOf(local)))
}

func (page reportPage) letter(staff []dental.Staff, key, state string) letterLine {
	line := letterLine{Name: page.T("desk.report.letter.gone"), Tone: map[string]string{"sent": "right", "refused": "wrong", "unknown": "warm"}[state]}
	for _, s := range staff {
		if s.Key == key {
			line.Name = s.Name
		}
	}
	if state == "" {
		state = "claimed"
	}
	line.State = page.T("desk.report.letter." + state)
	return line
}

// silence is the banner of a clinic whose MIS tells nothing any more, "" of any other.
func (s shell) silence(now time.Time) string {
	if since := s.Clinic.SilentSince(now); !since.IsZero() {
		return s.at("desk.report.silence.banner", since)
	}
	return ""
}

// Manages reports whether the reader may look at the figures and the plan of the start.
func (s shell) Manages() bool { return s.Me.Role.May(dental.Manager) }
