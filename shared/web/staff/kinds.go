package staff

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

func (p *Pages) kindRoutes() []route {
	return []route{{path: "/desk/{clinic}/kinds", get: p.kindsPage, post: p.pressKinds, least: dental.Manager}}
}

func (p *Pages) kinds() *desk.Kinds { return &desk.Kinds{Store: p.Store} }

// kindsPage is the table by which procedures are sorted.
type kindsPage struct {
	shell
	desk.KindsView
	Previous, Next string // the paths of the pages beside this one, "" for none
}

func (p *Pages) kindsPage(w http.ResponseWriter, r request) error {
	n, _ := strconv.Atoi(r.URL.Query().Get("page")) // anything else is the first
	view, err := p.kinds().View(r.Context(), r.clinic, n, r.locale)
	if err != nil {
		return err
	}
	page := kindsPage{shell: p.shell(r, "/kinds", "desk.kinds.title"), KindsView: view}
	page.Said, page.Problem = r.noticed()
	at := func(n int) string { return page.Home + "/kinds?page=" + strconv.Itoa(n) }
	if n > 0 {
		page.Previous = at(n - 1)
	}
	if n+1 < view.Pages {
		page.Next = at(n + 1)
	}
	if page.Running {
		w.Header().Set("Refresh", reloads+"; url="+at(n))
	}
	p.render(w, r.Request, http.StatusOK, "kinds", page)
	return nil
}

// pressKinds adds a rule, takes one away, moves one up, or has all sorted anew.
func (p *Pages) pressKinds(w http.ResponseWriter, r request) error {
	rule := desk.KindRule(r.form.Get("by"), r.form.Get("of"), r.form.Get("kind"))
	entry, said := p.act(r, "", "", ""), "desk.kinds.saved"
	var err error
	switch r.form.Get("do") {
	case "add":
		err = p.kinds().Add(r.Context(), rule, entry, r.now)
	case "remove":
		err = p.kinds().Remove(r.Context(), rule, entry, r.now)
	case "up":
		err = p.kinds().Raise(r.Context(), rule, entry, r.now)
	case "sort":
		said, err = "desk.kinds.started", p.kinds().Sort(r.Context(), entry, r.now)
	default:
		return dental.Errorf(dental.Invalid, "do", "is no press of this page")
	}
	query := url.Values{}
	if err != nil {
		says := desk.InWords(r.locale, err)
		if says == "" {
			return err
		}
		p.wronged(w, r, query, says)
		return back(w, r, "/kinds", query)
	}
	p.said(w, r, query, r.locale.Text(said, nil))
	return back(w, r, "/kinds", query)
}
