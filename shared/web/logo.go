package web

import (
	"net/http"
	"net/url"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// logoFile is the name of the clinic's picture under each of its pages.
const logoFile = "logo"

// logoOf is the path of the clinic's logo under its page, "" without one.
func logoOf(pg reply.Page) string {
	if pg.Clinic.Logo == "" {
		return ""
	}
	return pg.Path + "/" + logoFile + "?v=" + url.QueryEscape(pg.Clinic.Logo)
}

// logo serves it out of our own table. It may stay in the phone that looked at the page.
func (p *Pages) logo(of dental.Purpose) handler {
	return func(w http.ResponseWriter, r request) error {
		logo, err := p.Desk.Logo(r.Context(), of, r.token, r.now)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "private, max-age=86400")
		send(w, http.StatusOK, logo.Kind, logo.Image)
		return nil
	}
}
