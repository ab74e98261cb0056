package staff

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

func (p *Pages) logRoutes() []route {
	return []route{{path: "/desk/{clinic}/log", get: p.auditLog, least: dental.Manager}}
}

// logPage is one page of the audit log of a month.
type logPage struct {
	shell
	Month    string // "май 2026"
	Lines    []desk.LogLine
	Previous string // the path of the month before
	Next     string // and of the one after, "" after the present one
	Newest   string
	Earlier  string
}

func (p *Pages) auditLog(w http.ResponseWriter, r request) error {
	query := r.URL.Query()
	present := desk.MonthOf(r.now)
	month, cursor := cmp.Or(query.Get("month"), present), query.Get("after")
	lines, next, err := desk.Log(r.Context(), p.Store, p.Catalogue, r.clinic, month, cursor, r.locale, r.now)
	if err != nil {
		return err
	}
	first, err := dental.ParseDate(month + "-01")
	if err != nil {
		return dental.Errorf(dental.Invalid, "month", "must be a month of the form YYYY-MM")
	}
	at := func(month, cursor string) string {
		q := url.Values{"month": {month}}
		if cursor != "" {
			q.Set("after", cursor)
		}
		return r.home() + "/log?" + q.Encode()
	}
	page := logPage{shell: p.shell(r, "/log", "desk.log.title"), Month: r.locale.Month(first), Lines: lines, Previous: at(first.AddMonths(-1).String()[:7], "")}
	if month < present {
		page.Next = at(first.AddMonths(1).String()[:7], "")
	}
	if cursor != "" {
		page.Newest = at(month, "")
	}
	if next != "" {
		page.Earlier = at(month, next)
	}
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "log", page)
	return nil
}
