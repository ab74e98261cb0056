package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/web/qr"
)

// clubPage is a patient's own page of the club.
type clubPage struct {
	shell
	Heading string
	Since   string
	Free    string // a free hygiene is there to be used, or ""
	Left    string // how far it is to the next one
	Count   string // "2 из 3"
	Marks   []bool // one a visit that counts, true for those that have been
	Balance string
	Lots    []string

	Path    string // of the patient's link for friends, "" without one
	Whole   string // all of it, as it is sent on
	Invite  string // what is said with it
	Ways    []way  // to send it by a link alone
	Code    template.HTML
	Reward  string
	Friends []string
}

// way is an app that a link opens with the invitation written already.
type way struct {
	Name string
	URL  template.URL
}

// script lets the phone's own menu send the link on, or copies it; without it the
// page has the ways.
var script = sync.OnceValue(func() string {
	b, err := files.ReadFile("pages/share.js")
	if err != nil {
		panic("web: read the script: " + err.Error())
	}
	return string(b)
})

// Script is our own file and therefore trusted.
func (page clubPage) Script() template.JS { return template.JS(script()) }

func (page clubPage) own() (colours, own string) {
	if page.Path == "" {
		return page.colours, ""
	}
	return page.colours, script()
}

// mostMarks is how many visits are drawn one by one.
const mostMarks = 12

func (p *Pages) club(w http.ResponseWriter, r request) error {
	c, err := p.Desk.Club(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	page := lookAtClub(c, r.now)
	if c.Referral != "" {
		page.Path = "/" + string(dental.ReferralLink) + "/" + c.Referral
		page.Whole = strings.TrimSuffix(p.Base, "/") + page.Path
		if page.Code, err = qr.SVG(page.Whole, page.T("page.club.friends.qr")); err != nil {
			return fmt.Errorf("web: draw a link: %w", err)
		}
		page.share(c)
	}
	p.render(w, r.Request, http.StatusOK, "club", page)
	return nil
}

// share writes the invitation: of whom it comes from there is nothing in it but
// the code, which says nothing.
func (page *clubPage) share(c reply.Club) {
	page.Invite = page.T("page.club.friends.invite", "clinic", quoted(c.Page))
	text := page.Invite + " " + page.Whole
	page.Ways = []way{
		{page.T("page.channel.sms"), template.URL("sms:?&body=" + url.PathEscape(text))}, // ?& is what both iOS and Android take
		{"WhatsApp", template.URL("https://wa.me/?text=" + url.QueryEscape(text))},
		{"Telegram", template.URL("https://t.me/share/url?url=" + url.QueryEscape(page.Whole) + "&text=" + url.QueryEscape(page.Invite))},
	}
}

func lookAtClub(c reply.Club, now time.Time) clubPage {
	page := clubPage{shell: around(c.Page, "page.club.title")}
	page.Heading, page.Since = page.T("page.club.heading", "clinic", quoted(c.Page)), page.T("page.club.not-yet")
	if s := c.Standing; !s.JoinedOn.IsZero() {
		page.Since = page.T("page.club.since", "day", c.Locale.DayYear(s.JoinedOn))
		page.Count = page.T("page.club.count", "n", strconv.Itoa(s.Towards()), "every", strconv.Itoa(s.Every))
		page.Left = page.T("page.club.left", "n", strconv.Itoa(s.Every-s.Towards()))
		switch free := s.Free(); {
		case free == 1:
			page.Free = page.T("page.club.free.one")
		case free > 1:
			page.Free = page.T("page.club.free.several", "n", strconv.Itoa(free))
		}
		for i := range s.Every {
			if s.Every <= mostMarks {
				page.Marks = append(page.Marks, i < s.Towards())
			}
		}
	}
	page.Balance = c.Locale.Money(c.Purse.Balance)
	for _, lot := range c.Purse.Lots {
		if lot.Until.IsZero() && len(c.Purse.Lots) == 1 {
			break // the balance says it all
		}
		key := "page.club.lot"
		kind, _, _ := strings.Cut(lot.Source, ".") // what it was earned by
		switch {
		case lot.Until.IsZero():
			key = "page.club.lot.forever"
		case c.Locale.Has(key + "." + kind):
			key += "." + kind
		}
		page.Lots = append(page.Lots, page.T(key, "amount", c.Locale.Money(lot.Left), "day", day(c.Page, lot.Until, now)))
	}
	if reward := c.Locale.Referral(c.Clinic.Referral); reward != "" {
		page.Reward = page.T("page.club.friends.reward", "benefit", reward)
	}
	for _, state := range []string{"lead", "card", "rewarded", "reversed"} {
		if n := c.Friends[state]; n > 0 {
			page.Friends = append(page.Friends, page.T("page.club.friends."+state, "n", strconv.Itoa(n)))
		}
	}
	return page
}
