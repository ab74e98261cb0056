// Package web is the edge that speaks HTML: the pages behind patients' links,
// read on a phone, in the patient's language, without JavaScript and without
// anything loaded from elsewhere.
//
// GET and HEAD change nothing, ever: mail software and messengers open links by
// themselves. A POST acts and leads back to its page by 303, so that reloading
// repeats nothing. The token in the path is all the authority there is: it is
// never logged, the pages send no Referer, and unknown, expired and malformed
// links are answered by the same bytes.
package web

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

// Pages serves patients' pages. Each method adds the routes of one function.
type Pages struct {
	Desk  *reply.Desk
	Clock func() time.Time
	Log   *slog.Logger
	// Base is the URL under which the pages stand, for a link that a patient
	// sends on; "" leaves it to the path.
	Base string
}

// Survey adds /s/{token}: a rating of the visit, the doctor's advice, the next step.
func (p *Pages) Survey(mux *http.ServeMux) {
	p.page(mux, dental.SurveyLink, p.survey, p.answer)
}

// Confirm adds /c/{token}, the appointment, and below it its calendar file and
// the doctor's picture.
func (p *Pages) Confirm(mux *http.ServeMux) {
	p.page(mux, dental.AppointmentLink, p.appointment, p.act)
	p.handle(mux, "/c/{token}/"+calendarFile, p.calendar, nil)
	p.handle(mux, "/c/{token}/"+portraitFile, p.portrait(dental.AppointmentLink), nil)
}

// Unsubscribe adds /u/{token}: what the patient wants to receive, and RFC 8058's one click.
func (p *Pages) Unsubscribe(mux *http.ServeMux) {
	p.page(mux, dental.PreferencesLink, p.preferences, p.choose)
}

// Referral adds /r/{code}: where a friend, to whom a patient has recommended the
// clinic, leaves a number to be called.
func (p *Pages) Referral(mux *http.ServeMux, phones reply.Phones) {
	p.page(mux, dental.ReferralLink, p.referral, p.recommend(phones))
}

// Links adds /o/{token}, an offer, with the doctor's picture below it,
// /g/{token}, a gift to choose, and /club/{token}, the club of regular patients.
func (p *Pages) Links(mux *http.ServeMux) {
	p.page(mux, dental.OfferLink, p.offer, p.respond)
	p.handle(mux, "/o/{token}/"+portraitFile, p.portrait(dental.OfferLink), nil)
	p.page(mux, dental.GiftLink, p.gift, p.chooseGift)
	p.page(mux, dental.ClubLink, p.club, nil)
}

// page serves the links of one purpose, and the clinic's logo below each; what
// else is below them is gone.
func (p *Pages) page(mux *http.ServeMux, of dental.Purpose, get, post handler) {
	link, nowhere := "/"+string(of)+"/{token}", handler(nil)
	if of == dental.ReferralLink {
		link = "/r/{code}"
	}
	if post != nil {
		nowhere = gone
	}
	p.handle(mux, link, get, post)
	p.handle(mux, link+"/"+logoFile, p.logo(of), nil)
	p.handle(mux, "/"+string(of)+"/{rest...}", gone, nowhere)
}

// request is one request behind a link.
type request struct {
	*http.Request
	token string // the last part of the link: of one message, or a patient's code for life
	now   time.Time
	form  url.Values // of a POST
}

// tokenOf is the token of a link, or a patient's code for life.
func tokenOf(r *http.Request) string { return cmp.Or(r.PathValue("token"), r.PathValue("code")) }

// handler answers a request, or returns the error that refuse answers.
type handler func(w http.ResponseWriter, r request) error

// gone is the answer to what cannot be a link.
func gone(http.ResponseWriter, request) error {
	return dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
}

// handle serves one path; post is nil where nothing can be sent.
func (p *Pages) handle(mux *http.ServeMux, pattern string, get, post handler) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		var err error
		switch {
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			err = get(w, request{Request: r, token: tokenOf(r), now: p.Clock()})
		case r.Method == http.MethodPost && post != nil:
			err = p.post(w, r, post)
		default:
			err = refusal(http.StatusMethodNotAllowed)
			w.Header().Set("Allow", "GET, HEAD")
			if post != nil {
				w.Header().Set("Allow", "GET, HEAD, POST")
			}
		}
		if err != nil {
			p.refuse(w, r, err)
		}
	})
}

func (p *Pages) post(w http.ResponseWriter, r *http.Request, post handler) error {
	form, err := fields(w, r)
	if err != nil {
		return err
	}
	if !oneClick(form) && foreign(r) {
		return refusal(http.StatusForbidden)
	}
	return post(w, request{Request: r, token: tokenOf(r), now: p.Clock(), form: form})
}

// guard sets the headers that every answer has. The page is private (no-store,
// noindex), loads nothing but the picture below it, is framed by nobody and tells
// nobody its address.
func guard(h http.Header) {
	design.Guard(h, policy("", ""), "no-referrer")
}

// maxBody is the most bytes a form may have.
const maxBody = 16 << 10

// fields reads a form from the body alone, in either of HTML's two encodings:
// whatever a mailing's tracker has added to the query is no field.
func fields(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body := http.MaxBytesReader(w, r.Body, maxBody)
	unreadable := func(err error) error {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return refusal(http.StatusRequestEntityTooLarge)
		}
		return &dental.Error{Kind: dental.Invalid, Field: "form", Message: "the form cannot be read", Err: err}
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, unreadable(err)
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		raw, err := io.ReadAll(body)
		if err != nil {
			return nil, unreadable(err)
		}
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, unreadable(err)
		}
		return form, nil
	case "multipart/form-data":
		form, err := multipart.NewReader(body, params["boundary"]).ReadForm(maxBody)
		if err != nil {
			return nil, unreadable(err)
		}
		defer func() { _ = form.RemoveAll() }() // a body of this size leaves no file
		if len(form.File) > 0 {
			return nil, unreadable(errors.New("a file was sent"))
		}
		return form.Value, nil
	}
	return nil, unreadable(errors.New("not a form"))
}

// only refuses a form with fields that the page has not, or with one twice.
func only(form url.Values, names ...string) error {
	for name, values := range form {
		if !slices.Contains(names, name) || len(values) != 1 {
			return dental.Errorf(dental.Invalid, "form", "the form is not the page's own")
		}
	}
	return nil
}

// foreign reports whether a browser says that another site's page sent the
// request. That would gain nothing, for no cookie comes with it; refusing is
// cheap. Programs without an Origin pass.
func foreign(r *http.Request) bool {
	if r.Header.Get("Origin") == "null" {
		// This is how browsers name the origin of our own pages, whose
		// Referrer-Policy is no-referrer. Newer ones add Sec-Fetch-Site, which
		// is then all that counts.
		r = r.Clone(r.Context())
		r.Header.Del("Origin")
	}
	return http.NewCrossOriginProtection().Check(r) != nil
}

// refusal is an answer that no kind of error stands for: its status.
type refusal int

func (s refusal) Error() string { return "web: " + strings.ToLower(http.StatusText(int(s))) }

// refuse answers an error with a page in the browser's language: the link's
// own language would tell that there is such a link.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	code := status.Of(err)
	var own refusal
	if errors.As(err, &own) {
		code = int(own)
	}
	if code >= http.StatusInternalServerError {
		p.Log.ErrorContext(r.Context(), "page failed", "route", r.Pattern, "error", err)
	}
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	key := "page.status." + statusText(code)
	p.render(w, r, code, "notice", notice{shell: bare(spoken(r), key+".heading"), Said: []string{key + ".text"}})
}

// statusText names the page.status texts of a status.
func statusText(code int) string {
	switch code {
	case http.StatusBadRequest, http.StatusConflict:
		return "bad"
	case http.StatusForbidden:
		return "foreign"
	case http.StatusNotFound:
		return "gone"
	case http.StatusMethodNotAllowed:
		return "method"
	case http.StatusRequestEntityTooLarge:
		return "large"
	case http.StatusServiceUnavailable:
		return "busy"
	}
	return "broken"
}

// again shows a page with what was wrong with its form, where that is the
// patient's to mend; any other error is refused.
func again(err error, show func() error) error {
	if kind := dental.KindOf(err); kind == dental.Invalid || kind == dental.Conflict {
		return show()
	}
	return err
}

// back leads from a POST to its page; mark is what the page is to say, or "".
func back(w http.ResponseWriter, r request, mark string) error {
	to := r.URL.EscapedPath()
	if mark != "" {
		to += "?" + mark
	}
	http.Redirect(w, r.Request, to, http.StatusSeeOther)
	return nil
}
