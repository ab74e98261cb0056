package staff

import (
	"encoding/csv"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/chart"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

func (p *Pages) auditRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/audit", get: p.audit, post: p.pressAudit, least: dental.Manager},
		{path: "/desk/{clinic}/audit/csv", get: p.auditCSV, least: dental.Manager},
		{path: "/desk/{clinic}/audit/rehearsals", post: p.rehearseAll, least: dental.Manager},
	}
}

func (p *Pages) audits() *desk.Audits { return &desk.Audits{Store: p.Store, Catalogue: p.Catalogue} }

// auditPage is the audit of the quiet base.
type auditPage struct {
	shell
	desk.AuditView
	Seen       string // the chart in a sentence
	SVG        template.HTML
	Scenarios  []desk.Ahead
	Rehearsing bool
	CSV        string // the path of the table, with the assumption that the page shows
	Assume     desk.Assumption
	Wrong      string
}

// Matrix lists the consents as they are counted.
func (v auditPage) Matrix() []consentRow {
	var out []consentRow
	for _, c := range v.Found.Consents {
		n := v.locale.Number
		out = append(out, consentRow{What: v.T("desk.audit.consent", "class", v.T("class."+string(c.Class)), "channel", v.T("channel."+string(c.Channel))),
			Granted: n(c.Granted), Refused: n(c.Refused), Silent: n(c.Silent), Allowed: n(c.Allowed(v.Clinic.CareConsent))})
	}
	return out
}

type consentRow struct{ What, Granted, Refused, Silent, Allowed string }

func (p *Pages) audit(w http.ResponseWriter, r request) error {
	page, code := auditPage{shell: p.shell(r, "/audit", "desk.audit.title"), Assume: assumed(r)}, http.StatusOK
	page.Said, page.Problem = r.noticed()
	var err error
	page.AuditView, err = p.audits().View(r.Context(), r.clinic, page.Assume, r.locale, r.now)
	if dental.KindOf(err) == dental.Invalid {
		page.Wrong, code = desk.InWords(r.locale, err), http.StatusUnprocessableEntity
		page.AuditView, err = p.audits().View(r.Context(), r.clinic, desk.Assumption{}, r.locale, r.now)
	} else if page.Assume == (desk.Assumption{}) {
		page.Assume = desk.Assumption{Least: page.Stake.From, Most: page.Stake.To}
	}
	if err != nil {
		return err
	}
	if page.Scenarios, err = p.scenarios().Ahead(r.Context(), r.clinic, r.locale); err != nil {
		return err
	}
	for _, s := range page.Scenarios {
		page.Rehearsing = page.Rehearsing || s.Running
	}
	page.CSV = page.Home + "/audit/csv"
	if r.URL.RawQuery != "" && page.Wrong == "" {
		page.CSV += "?" + url.Values{"least": {page.Assume.Least}, "most": {page.Assume.Most}}.Encode()
	}
	page.draw()
	if page.Running || page.Rehearsing {
		w.Header().Set("Refresh", reloads+"; url="+page.Home+"/audit")
	}
	p.render(w, r.Request, code, "audit", page)
	return nil
}

// assumed is the assumption that the address names.
func assumed(r request) desk.Assumption {
	q := r.URL.Query()
	return desk.Assumption{Least: q.Get("least"), Most: q.Get("most")}
}

// draw draws how long ago the patients were seen.
func (v *auditPage) draw() {
	if !v.Done {
		return
	}
	over := chart.Over{Words: chart.Words{Title: v.T("desk.audit.group.seen"), Column: v.T("desk.audit.figure")}, Whole: true, Apart: true,
		Tick: func(n float64) string { return v.locale.Number(int64(n)) }, Series: []chart.Series{{Name: v.T("desk.audit.seen.patients")}}}
	var list []string
	for _, s := range v.Found.Segments {
		shown := v.locale.Number(s.Patients)
		over.At = append(over.At, v.T("desk.audit.seen."+s.Name+".short"))
		over.Series[0].Values = append(over.Series[0].Values, chart.Value{N: float64(s.Patients), Shown: shown})
		list = append(list, v.T("desk.audit.seen.chart.of", "what", v.T("desk.audit.seen."+s.Name), "n", shown))
	}
	v.Seen = v.T("desk.audit.seen.chart", "list", strings.Join(list, "; "))
	over.Text = v.Seen
	v.SVG = chart.Bars{Over: over}.Draw(chart.Page).SVG("c-seen")
}

// pressAudit begins an audit.
func (p *Pages) pressAudit(w http.ResponseWriter, r request) error {
	if err := p.audits().Begin(r.Context(), r.clinic, p.act(r, "", "", ""), r.now); err != nil {
		return err
	}
	query := url.Values{}
	p.said(w, r, query, r.locale.Text("desk.audit.started", nil))
	return back(w, r, "/audit", query)
}

// rehearseAll begins the rehearsals of what is off.
func (p *Pages) rehearseAll(w http.ResponseWriter, r request) error {
	n, err := p.scenarios().RehearseAll(r.Context(), r.clinic, usualBacklog, p.act(r, "", "", ""), r.now)
	if err != nil {
		return err
	}
	query, said := url.Values{}, r.locale.Text("desk.audit.scenarios.all-on", nil)
	if n > 0 {
		said = r.locale.Text("desk.audit.scenarios.started", map[string]string{"n": strconv.Itoa(n)})
	}
	p.said(w, r, query, said)
	return back(w, r, "/audit", query)
}

// auditCSV hands the audit out as a table, in which nobody is named.
func (p *Pages) auditCSV(w http.ResponseWriter, r request) error {
	view, err := p.audits().View(r.Context(), r.clinic, assumed(r), r.locale, r.now)
	if err != nil {
		return err
	}
	if !view.Done {
		return missing()
	}
	ahead, err := p.scenarios().Ahead(r.Context(), r.clinic, r.locale)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="audit.csv"`)
	_, _ = w.Write([]byte("\ufeff")) // by which spreadsheets know UTF-8
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	for _, row := range view.Table(r.locale, ahead) {
		for i := range row {
			row[i] = harmless(row[i])
		}
		_ = out.Write(row) // the reader has gone if this fails
	}
	out.Flush()
	return nil
}
