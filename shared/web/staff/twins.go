package staff

import (
	"net/http"
	"net/url"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

func (p *Pages) twinRoutes() []route {
	return []route{{path: "/desk/{clinic}/twins", get: p.twinsPage, post: p.pressTwins, least: dental.Administrator}}
}

func (p *Pages) twins() *desk.Twins {
	return &desk.Twins{Store: p.Store, Catalogue: p.Catalogue, Rand: p.Rand}
}

// twinsPage is the open proposals that two cards are of one person.
type twinsPage struct {
	shell
	Pairs []desk.TwinPair
	Left  string // how many there are beside those shown
	Press func() string
}

func (p *Pages) twinsPage(w http.ResponseWriter, r request) error {
	pairs, all, err := p.twins().Open(r.Context(), r.clinic, r.locale, r.now)
	if err != nil {
		return err
	}
	page := twinsPage{shell: p.shell(r, "/twins", "desk.twins.title"), Pairs: pairs, Press: p.draw}
	page.Said, page.Problem = r.noticed()
	if more := all - len(pairs); more > 0 {
		page.Left = page.T("desk.twins.left", "n", page.locale.Number(int64(more)))
	}
	p.render(w, r.Request, http.StatusOK, "twins", page)
	return nil
}

// pressTwins takes a verdict on a pair.
func (p *Pages) pressTwins(w http.ResponseWriter, r request) error {
	a, b, query := r.form.Get("a"), r.form.Get("b"), url.Values{}
	var err error
	said := "desk.twins.said.two"
	if r.form.Get("verdict") == desk.TwoPeople {
		err = p.twins().Two(r.Context(), r.pressed(), a, b, r.now)
	} else {
		said = "desk.twins.said.one"
		err = p.twins().One(r.Context(), r.pressed(), a, b, r.form.Get("drop"), r.now)
	}
	if err != nil {
		says := desk.InWords(r.locale, err)
		if says == "" {
			return err
		}
		p.wronged(w, r, query, says)
		return back(w, r, "/twins", query)
	}
	p.said(w, r, query, r.locale.Text(said, nil))
	return back(w, r, "/twins", query)
}
