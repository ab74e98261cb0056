package staff

import (
	"net/http"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

func (p *Pages) searchRoutes() []route {
	return []route{{path: "/desk/{clinic}/search", get: p.search, least: dental.Administrator}}
}

func (p *Pages) reception() *desk.Reception {
	return &desk.Reception{Store: p.Store, Catalogue: p.Catalogue}
}

// searchPage is who has a number that ends with four digits.
type searchPage struct {
	shell
	Digits  string
	Heading string // how many there are, "" before the first search
	More    bool   // than the page shows
	Found   []foundRow
}

// foundRow is one patient with the path of the card.
type foundRow struct {
	desk.Found
	Card string
}

// search finds patients by the end of their number. One alone is led to at once.
func (p *Pages) search(w http.ResponseWriter, r request) error {
	page := searchPage{shell: p.shell(r, "", "desk.search.title"), Digits: r.URL.Query().Get("digits")}
	code := http.StatusOK
	if page.Digits != "" {
		found, more, err := p.reception().Search(r.Context(), r.clinic, page.Digits, r.now)
		switch {
		case dental.KindOf(err) == dental.Invalid:
			page.Problem, code = page.T("desk.search.wrong"), http.StatusBadRequest
		case err != nil:
			return err
		case len(found) == 1 && !more:
			http.Redirect(w, r.Request, cardPath(r, found[0].Patient), http.StatusSeeOther)
			return nil
		case len(found) == 0 && !more:
			page.Heading = page.T("desk.search.none")
		default:
			page.More, page.Heading = more, page.T("desk.search.found", "n", strconv.Itoa(len(found)))
		}
		for _, f := range found {
			page.Found = append(page.Found, foundRow{f, cardPath(r, f.Patient)})
		}
	}
	p.render(w, r.Request, code, "found", page)
	return nil
}
