package web

import (
	"net/http"
	"time"

	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
)

// giftPage is the choice of a gift in one of its states: open, chosen, redeemed,
// and with nothing to choose from.
type giftPage struct {
	shell
	Heading string
	Said    string
	Name    string // of the gift chosen
	Code    string // of a gift that can be redeemed
	Ask     string // over further gifts
	Gifts   []actionButton
	Urge    bool // the phone is the way on
	Warning bool
}

func (p *Pages) gift(w http.ResponseWriter, r request) error { return p.showGift(w, r, nil) }

func (p *Pages) showGift(w http.ResponseWriter, r request, wrong error) error {
	g, err := p.Desk.Gift(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	page := lookAtGift(g, r.now)
	code := http.StatusOK
	if wrong != nil {
		code, page.Problem = status.Of(wrong), page.wrong(wrong)
	}
	p.render(w, r.Request, code, "gift", page)
	return nil
}

func (p *Pages) chooseGift(w http.ResponseWriter, r request) error {
	err := only(r.form, "gift")
	if err == nil {
		err = p.Desk.ChooseGift(r.Context(), r.token, r.form.Get("gift"), r.now)
	}
	if err != nil {
		return again(err, func() error { return p.showGift(w, r, err) })
	}
	return back(w, r, "")
}

func lookAtGift(g reply.Gift, now time.Time) giftPage {
	page := giftPage{shell: around(g.Page, "page.gift.title"), Heading: "page.gift.heading", Warning: true}
	until := day(g.Page, g.Until, now)
	page.Said = page.T("page.gift.text", "day", until)
	chosen := ""
	switch {
	case !g.Open():
		page.Heading, page.Said = "page.gift.redeemed", page.T("page.gift.redeemed.text", "day", day(g.Page, g.Choice.RedeemedOn, now))
		page.Name, page.Warning = g.Choice.Name, false
	case g.Choice != nil:
		chosen, page.Ask = g.Choice.Gift, page.T("page.gift.other")
		page.Heading, page.Said = "page.gift.chosen", page.T("page.gift.chosen.text", "day", until)
		page.Name, page.Code = g.Choice.Name, g.Choice.Code
	case len(g.Gifts) == 0:
		page.Heading, page.Said, page.Urge = "page.gift.none.heading", page.T("page.gift.none.text", "day", until), true
	}
	page.Heading = page.T(page.Heading)
	for _, other := range g.Gifts {
		if g.Open() && other.ID != chosen {
			page.Gifts = append(page.Gifts, actionButton{Value: other.ID, Word: other.Name, Main: g.Choice == nil})
		}
	}
	return page
}
