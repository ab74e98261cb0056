package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
)

// offerPage is an offer in one of its states: open, answered, and no more to be
// taken up because the patient has booked or come.
type offerPage struct {
	shell
	Heading string
	Said    []string // what was answered, or why there is nothing to answer
	Picture string   // path of the doctor's, or ""
	About   string   // the heading over why, where Heading says something else
	Doctor  string
	Why     string
	Next    string   // the step of treatment that comes next, or ""
	Private bool     // why and what next speak of a treatment: they are shown to whoever asks
	Facts   []string // how long, until when, with what benefit
	Warning bool     // a medical advertisement has to say that there are contraindications

	Online string       // the word on the button that leads to the clinic's own booking page, or ""
	Book   string       // the word on the button of the wishes, "" where nothing can be booked
	Ask    string       // over the wishes
	Days   []wishOption // the weekdays, "any" first
	Parts  []wishOption
	Other  string // over the other answers
	Others []actionButton
	Change string // until when the answer can be changed
	Urge   bool   // the phone is the way on
}

type wishOption struct {
	Value, Word string
	Chosen      bool
}

func (p *Pages) offer(w http.ResponseWriter, r request) error { return p.showOffer(w, r, nil) }

func (p *Pages) showOffer(w http.ResponseWriter, r request, wrong error) error {
	o, err := p.Desk.Offer(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	page := lookAtOffer(o, r.now)
	if o.Portrait {
		page.Picture = r.URL.EscapedPath() + "/" + portraitFile
	}
	code := http.StatusOK
	if wrong != nil {
		code, page.Problem = status.Of(wrong), page.wrong(wrong)
	}
	p.render(w, r.Request, code, "offer", page)
	return nil
}

// respond takes an answer, and leads on to the clinic's booking page where that
// was asked for.
func (p *Pages) respond(w http.ResponseWriter, r request) error {
	err := p.takeResponse(w, r)
	if err != nil {
		return again(err, func() error { return p.showOffer(w, r, err) })
	}
	return nil
}

// onlineField of a form asks for the clinic's own booking page.
const onlineField = "online"

func (p *Pages) takeResponse(w http.ResponseWriter, r request) error {
	if err := only(r.form, "action", "weekday", "part", onlineField); err != nil {
		return err
	}
	form := reply.ResponseForm{Action: dental.OfferAction(r.form.Get("action")), Weekday: r.form.Get("weekday"), Part: r.form.Get("part"),
		Online: r.form.Has(onlineField)}
	if !form.Online {
		if err := p.Desk.Respond(r.Context(), r.token, form, r.now); err != nil {
			return err
		}
		return back(w, r, "")
	}
	if err := ticked(r.form, onlineField); err != nil {
		return err
	}
	o, err := p.Desk.Offer(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	to, ok := webAddress(o.Clinic.BookingURL)
	if !ok {
		return dental.Errorf(dental.Invalid, onlineField, "there is no booking page")
	}
	if err := p.Desk.Respond(r.Context(), r.token, form, r.now); err != nil {
		return err
	}
	p.leadOn(w, r, to, notice{shell: around(o.Page, "page.offer.online.heading"), Said: []string{"page.offer.online.text"}, Name: o.Locale.Text("page.offer.online", nil)})
	return nil
}

func lookAtOffer(o reply.Offer, now time.Time) offerPage {
	page := offerPage{shell: around(o.Page, "page.offer.title")}
	page.describe(o, now)
	action := o.Answered()
	switch {
	case o.Next != nil:
		local := o.Next.Start.In(o.Clinic.Location())
		page.About, page.Heading = page.Heading, page.T("page.offer.booked.heading")
		page.Said = []string{page.T("page.offer.booked.text", "date", o.Locale.Relative(dental.DateOf(local), o.Clinic.Today(now)), "time", o.Locale.Time(dental.TimeOfDayOf(local)))}
	case o.Over != "":
		page.About, page.Why, page.Next, page.Facts, page.Doctor, page.Warning = "", "", "", nil, "", false
		page.Heading, page.Said = page.T("page.offer."+o.Over+".heading"), []string{page.T("page.offer." + o.Over + ".text")}
		page.Urge = true
	default:
		page.wishes(o, action)
		if action != "" {
			page.About, page.Heading = page.Heading, page.T("page.offer.said."+string(action))
		}
	}
	if action != "" && (o.Bookable() || action == dental.CallbackOffer || action == dental.NeverOffer) {
		page.Said = append(page.Said, page.answered(o, action, now)...)
		page.Change = page.T("page.offer.change", "day", day(o.Page, o.Clinic.Today(o.Link.Expires.Add(-time.Second)), now))
	}
	page.Other = page.T("page.offer.not-now")
	if action != "" {
		page.Other = page.T("page.offer.not-now.answered")
	}
	for _, other := range []dental.OfferAction{dental.CallbackOffer, dental.LaterOffer, dental.NeverOffer} {
		if other != action && (other != dental.LaterOffer || o.Bookable() && o.Scenario.InvitesAgain()) {
			page.Others = append(page.Others, actionButton{Value: string(other), Word: page.T("page.offer." + string(other)), Quiet: other == dental.NeverOffer})
		}
	}
	return page
}

// describe says what the patient is invited to: who waits, why, how long, with
// what benefit and until when.
func (page *offerPage) describe(o reply.Offer, now time.Time) {
	key := about(o)
	page.Heading, page.Why = page.T(key+".heading"), page.T(key+".why")
	if name := o.Doctor.Name; name != "" {
		if o.Left {
			name = page.T("doctor.yours")
		}
		page.Doctor = page.T("page.offer.doctor", "doctor", name)
	}
	fact := func(key string, pairs ...string) { page.Facts = append(page.Facts, page.T(key, pairs...)) }
	if o.Stage != "" {
		page.Next = page.T("page.offer.next", "next", o.Stage)
	}
	page.Private = page.Next != "" || !slices.Contains(discreet(), strings.TrimPrefix(key, aboutPrefix))
	if minutes := o.Locale.Minutes(o.Minutes); minutes != "" {
		fact("page.offer.minutes", "minutes", minutes)
	}
	if o.ComeBy.After(o.Clinic.Today(now)) {
		fact("page.offer.come-by", "day", day(o.Page, o.ComeBy, now))
	}
	benefit := o.Locale.Benefit(o.Benefit)
	switch {
	case benefit == "":
	case o.Expired(now):
		fact("page.offer.benefit.over", "day", day(o.Page, o.Until, now))
	default:
		fact("page.offer.benefit", "benefit", benefit, "day", day(o.Page, o.Until, now))
		page.Warning = true
	}
}

// aboutPrefix is what the keys of the page's words about a scenario begin with.
const aboutPrefix = "page.offer.about."

// discreet are the words that tell no treatment to whoever opens a link that was sent on.
func discreet() []string {
	return []string{"recall", "recall.hygiene", "plan", "sleeping", "season.autumn", "any"}
}

// about is the key of the page's words about a scenario: of the scenario's own
// kind or step, of the scenario, of its family's kind, of its family, or of any.
func about(o reply.Offer) string {
	names := []string{o.Scenario.Name}
	if o.Scenario.Family != "" {
		names = append(names, o.Scenario.Family)
	}
	for _, name := range names {
		for _, key := range []string{name + "." + string(o.Kind), name + "." + o.Step.Name, name} {
			if key = aboutPrefix + key; o.Locale.Has(key + ".heading") {
				return key
			}
		}
	}
	return aboutPrefix + "any"
}

// wishes fills in the ways to a time: the clinic's own booking page, and a day
// and a part of it for staff to find a time in.
func (page *offerPage) wishes(o reply.Offer, action dental.OfferAction) {
	var weekday, part string
	page.Book, page.Ask = page.T("page.offer.book"), page.T("page.offer.ask")
	if action == dental.BookOffer {
		weekday, part = o.Response.Weekday, o.Response.Part
		page.Book = page.T("page.offer.book.again")
	}
	if _, ok := webAddress(o.Clinic.BookingURL); ok {
		page.Online, page.Ask = page.T("page.offer.online"), page.T("page.offer.ask.staff")
	}
	options := func(key, chosen string, values []string) (out []wishOption) {
		for _, v := range append([]string{""}, values...) {
			word := v
			if v == "" {
				word = "any"
			}
			out = append(out, wishOption{v, page.T(key + word), v == chosen})
		}
		return out
	}
	page.Days, page.Parts = options("page.offer.weekday.", weekday, o.Weekdays), options("page.offer.part.", part, o.Parts)
}

// answered is what the clinic says to an answer: to a wish, until when it calls.
func (page *offerPage) answered(o reply.Offer, action dental.OfferAction, now time.Time) []string {
	key := "page.offer.said." + string(action)
	switch action {
	case dental.LaterOffer:
		if !o.Again.IsZero() {
			return []string{page.T(key+".again", "day", day(o.Page, o.Clinic.Today(o.Again), now))}
		}
		return []string{page.T(key + ".text")}
	case dental.NeverOffer:
		return []string{page.T(key + ".text")}
	}
	date, clock, ok := within(o.Page, o.Calling, now)
	said := page.T(key + ".past")
	switch {
	case ok && action == dental.BookOffer && page.Online != "":
		said = page.T(key+".online", "date", date, "time", clock)
	case ok:
		said = page.T(key+".soon", "date", date, "time", clock)
	}
	if wish := reply.Wish(o.Locale, o.Response.Weekday, o.Response.Part); wish != "" {
		return []string{said, page.T("page.offer.said.wish", "wish", wish)}
	}
	return []string{said}
}
