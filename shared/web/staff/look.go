package staff

import (
	"net/http"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

func (p *Pages) lookRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/look", get: p.look, post: p.setLook, least: dental.Owner, upload: portrait.MaxSource + maxBody},
		{path: "/desk/{clinic}/logo", get: p.logo, least: dental.Administrator},
	}
}

// lookPage is where an owner sets the clinic's colour and logo. A colour in the
// query is tried on: the page is drawn in it, and nothing is kept.
type lookPage struct {
	shell
	Color  string // "#rrggbb", of the field, which cannot be empty
	Own    bool   // the clinic has a colour of its own
	Trying bool   // the page is in a colour that is not kept
}

// firstColor is where the field of a clinic without a colour begins: the shared one.
const firstColor = "#0b5cab"

func (p *Pages) look(w http.ResponseWriter, r request) error {
	page := lookPage{shell: p.shell(r, "/settings", "desk.look.title"), Color: r.clinic.Color}
	if tried := r.URL.Query().Get("color"); r.URL.Query().Has("own") && tried != r.clinic.Color && design.Brand(tried) != "" {
		page.Color, page.Trying, page.colours = tried, true, design.Brand(tried)
	}
	if page.Own = page.Color != ""; !page.Own {
		page.Color = firstColor
	}
	p.render(w, r.Request, http.StatusOK, "look", page)
	return nil
}

func (p *Pages) setLook(w http.ResponseWriter, r request) error {
	color := ""
	if r.form.Has("own") {
		color = r.form.Get("color")
	}
	var logo *dental.Logo
	switch {
	case r.file != nil:
		small, kind, err := portrait.Logo(r.file)
		if err != nil {
			page := lookPage{shell: p.shell(r, "/settings", "desk.look.title"), Color: color, Own: color != ""}
			page.Problem = page.T("desk.look.unreadable")
			if design.Brand(color) == "" {
				page.Color = firstColor
			}
			p.render(w, r.Request, http.StatusUnprocessableEntity, "look", page)
			return nil
		}
		logo = &dental.Logo{Kind: kind, Image: small}
	case r.form.Has("none"):
		logo = &dental.Logo{}
	}
	entry := dental.LogEntry{Clinic: r.clinic.ID, ID: p.draw(), At: r.now, By: r.me.Name, Key: r.me.Key, Role: r.me.Role, Action: "look"}
	if err := p.Settings.PressLook(r.Context(), color, logo, entry, r.now); err != nil {
		return err
	}
	query := map[string][]string{}
	p.said(w, r, query, r.locale.Text("desk.look.saved", nil))
	return back(w, r, "/look", query)
}

// logo serves the clinic's picture to its staff.
func (p *Pages) logo(w http.ResponseWriter, r request) error {
	logo, err := p.Store.Begin().Logo(r.Context(), r.clinic.ID)
	if err != nil {
		return err
	}
	if len(logo.Image) == 0 {
		return missing()
	}
	w.Header().Set("Cache-Control", "private, max-age=86400")
	w.Header().Set("Content-Type", logo.Kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(logo.Image)))
	_, _ = w.Write(logo.Image) // the reader has gone if this fails
	return nil
}
