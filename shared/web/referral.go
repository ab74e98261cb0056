package web

import (
	"net/http"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
)

// referralPage is what a patient's friend sees: the clinic, what a first visit
// brings, and where to leave a number. It says the same to everybody.
type referralPage struct {
	shell
	Heading string
	Sent    bool // a number was left: we call
	Reward  string
	Until   string
	Warning string
	Consent string
	About   string // of the consent
	// What was written before, when something in it has to be mended.
	Name, Number string
	Agreed       bool
}

func (p *Pages) referral(w http.ResponseWriter, r request) error {
	return p.showReferral(w, r, reply.LeadForm{}, nil)
}

// sentMark is the query of the page that says thank you.
const sentMark = "sent"

func (p *Pages) showReferral(w http.ResponseWriter, r request, form reply.LeadForm, wrong error) error {
	got, err := p.Desk.Referral(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	page := lookAtReferral(got)
	page.Name, page.Number, page.Agreed = form.Name, form.Phone, form.Consent
	page.Sent = wrong == nil && r.URL.Query().Has(sentMark)
	code := http.StatusOK
	if wrong != nil {
		code, page.Problem = status.Of(wrong), page.wrong(wrong)
	}
	p.render(w, r.Request, code, "referral", page)
	return nil
}

// recommend takes a friend's name and phone.
func (p *Pages) recommend(phones reply.Phones) handler {
	return func(w http.ResponseWriter, r request) error {
		form := reply.LeadForm{Name: r.form.Get("name"), Phone: r.form.Get("phone"), Consent: r.form.Get("consent") == on}
		err := only(r.form, "name", "phone", "consent")
		if err == nil && r.form.Has("consent") {
			err = ticked(r.form, "consent")
		}
		if err == nil {
			err = p.Desk.Recommend(r.Context(), r.token, form, phones, r.now)
		}
		if err != nil {
			return again(err, func() error { return p.showReferral(w, r, form, err) })
		}
		return back(w, r, sentMark)
	}
}

func lookAtReferral(got reply.Referral) referralPage {
	page := referralPage{shell: around(got.Page, "page.referral.title")}
	days := strconv.Itoa(got.Days)
	page.Heading = page.T("page.referral.heading", "clinic", quoted(got.Page))
	if !got.Terms.Reward.IsZero() {
		who := got.Terms.Who
		if who == "" {
			who = "both"
		}
		page.Reward = page.T("page.referral.reward."+who, "amount", got.Locale.Money(got.Terms.Reward))
		page.Until = page.T("page.referral.until", "n", days)
	}
	page.Warning = page.T("warning.advertising")
	page.Consent = page.T("page.referral.consent", "clinic", quoted(got.Page))
	page.About = page.T("page.referral.consent.about", "n", days)
	return page
}
