package staff

import "net/http"

// today shows the day's list.
func (p *Pages) today(w http.ResponseWriter, r request) error {
	p.render(w, r.Request, http.StatusOK, "today", struct{ shell }{p.shell(r, "", "desk.today.title")})
	return nil
}
