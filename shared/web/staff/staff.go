// Package staff is the edge that a clinic's staff meet: the desk's pages under
// /desk, in the clinic's language, usable with the keyboard and without
// JavaScript, with nothing loaded from elsewhere.
//
// Each request is judged by the table of routes: who signs in has a post in the
// clinic that the path names, of the role that the route asks for. A clinic in
// which one has no post looks like one that does not exist. GET and HEAD change
// nothing; a POST acts and leads back by 303.
package staff

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/report"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/status"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

// Pages serves the desk.
type Pages struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Clock     func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
	// Who is signed in, by the keyed hash of the address (store.StaffKey) and the
	// name to show; ok is false for nobody.
	Who func(r *http.Request) (person Person, ok bool)
	// Settings keeps the clinics' settings.
	Settings *settings.Keeper
	// Base is the URL under which everything stands, for what others are told.
	Base string
	// Operator is the address of who may make clinics, "" of nobody.
	Operator dental.Email
	// Invite makes the one-time link by which a person chooses a password, or again
	// another one, the same link for the same press; "" for who needs none. nil where
	// people sign up by themselves.
	Invite func(address, name, press string, again bool) (link string, err error)
	// Erase takes a patient out of the state as the MIS's own deletion does, with the
	// entry of the audit log in the same write.
	Erase func(ctx context.Context, cl *dental.Clinic, patient string, entry dental.LogEntry, now time.Time) error
	// Weeks works out what the weekly report is made of.
	Weeks report.Figures
	// Imports takes files in; nil where there is no place for them. Uploads is the
	// origin that a browser sends large files to, "" where it is this host.
	Imports Imports
	Uploads string
	// SignIn is the path that signs a person in and leads back to ?to=, and
	// SignOut the one that a POST to ends the session.
	SignIn, SignOut string
}

// Person is who a session belongs to.
type Person struct {
	Key  string
	Name string
}

// Routes adds the desk to a mux.
func (p *Pages) Routes(mux *http.ServeMux) {
	mux.HandleFunc("/desk", p.door)
	mux.HandleFunc(newPath, p.newClinic)
	for name, a := range assets() { // one by one: a variable here would meet that of the clinic
		mux.HandleFunc(assetFolder+name, a.serve)
	}
	mux.HandleFunc("/desk/{rest...}", func(w http.ResponseWriter, r *http.Request) { p.refuse(w, r, missing()) })
	for _, rt := range p.routes() {
		mux.HandleFunc(rt.path, func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, rt) })
	}
}

// route is one path of a clinic's desk: who may use it, and how.
type route struct {
	path string
	// get answers GET and HEAD, post a POST; nil where there is none.
	get, post handler
	// least is the role that may read, and act the one that may press; "" is least.
	least, act dental.Role
	// upload is the most bytes of a form that may have a file in it, of the field
	// "file"; 0 takes none.
	upload int64
}

// methods lists what a route answers.
func (rt route) methods() string {
	switch {
	case rt.post == nil:
		return "GET, HEAD"
	case rt.get == nil:
		return "POST"
	}
	return "GET, HEAD, POST"
}

// request is one request of somebody who may make it.
type request struct {
	*http.Request
	now    time.Time
	clinic *dental.Clinic
	me     dental.Staff
	locale locale.Locale
	form   url.Values // of a POST
	file   []byte     // that came with it, where the route takes one
}

// handler answers a request, or returns the error that refuse answers.
type handler func(w http.ResponseWriter, r request) error

// missing is the error of what does not exist, or not for this person.
func missing() error { return dental.Errorf(dental.NotFound, "", "there is no such page") }

// refusal is an answer that no kind of error stands for: its status.
type refusal int

func (s refusal) Error() string { return "staff: " + http.StatusText(int(s)) }

func (p *Pages) serve(w http.ResponseWriter, r *http.Request, rt route) {
	guard(w.Header())
	err := p.admit(w, r, rt)
	if err != nil {
		p.refuse(w, r, err)
	}
}

// admit lets a request through to its route's handler.
func (p *Pages) admit(w http.ResponseWriter, r *http.Request, rt route) error {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	do, least := rt.get, rt.least
	switch {
	case !read && r.Method == http.MethodPost:
		do = rt.post
		if rt.act != "" {
			least = rt.act
		}
	case !read:
		do = nil
	}
	person, ok := p.Who(r)
	if !ok {
		if read {
			p.toSignIn(w, r)
			return nil
		}
		return refusal(http.StatusForbidden)
	}
	cl, me, err := p.post(r.Context(), r.PathValue("clinic"), person)
	if err != nil {
		return err
	}
	switch {
	case do == nil:
		w.Header().Set("Allow", rt.methods())
		return refusal(http.StatusMethodNotAllowed)
	case !me.Role.May(least):
		return refusal(http.StatusForbidden)
	}
	req := request{Request: r, now: p.Clock(), clinic: cl, me: me, locale: locale.For(cl.Language)}
	if !read {
		if http.NewCrossOriginProtection().Check(r) != nil {
			return refusal(http.StatusForbidden)
		}
		if rt.upload > 0 {
			req.form, req.file, err = uploaded(w, r, rt.upload)
		} else {
			req.form, err = fields(w, r)
		}
		if err != nil {
			return err
		}
	}
	return do(w, req)
}

// toSignIn leads to the sign-in, which leads back.
func (p *Pages) toSignIn(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, p.SignIn+"?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
}

// post finds the person's post in a clinic. A clinic without one does not exist for them.
func (p *Pages) post(ctx context.Context, clinic string, person Person) (*dental.Clinic, dental.Staff, error) {
	tx := p.Store.Begin()
	me, err := tx.Staff(ctx, clinic, person.Key)
	if err != nil {
		return nil, me, err
	}
	if me.Role == "" {
		return nil, me, missing()
	}
	cl, err := tx.Clinic(ctx, clinic)
	return cl, me, err
}

// door leads a person to the desk of their clinic, or lets them choose one.
func (p *Pages) door(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	person, ok := p.Who(r)
	if !ok {
		p.toSignIn(w, r)
		return
	}
	posts, err := p.Store.Posts(r.Context(), person.Key)
	switch {
	case err != nil:
		p.refuse(w, r, err)
	case len(posts) == 1:
		http.Redirect(w, r, "/desk/"+url.PathEscape(posts[0].Clinic), http.StatusSeeOther)
	default:
		p.choose(w, r, person, posts)
	}
}

// maxBody is the most bytes a form may have.
const maxBody = 256 << 10

// fields reads a form from the body alone.
func fields(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, dental.Errorf(dental.Invalid, "form", "the body is no form")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, refusal(http.StatusRequestEntityTooLarge)
	}
	if err != nil {
		return nil, dental.Errorf(dental.Invalid, "form", "the form cannot be read")
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, dental.Errorf(dental.Invalid, "form", "the form cannot be read")
	}
	return form, nil
}

// guard sets the headers that every answer has.
func guard(h http.Header) {
	design.Guard(h, policy(""), "same-origin")
}

// refuse answers an error with a page that tells nothing of what there is.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	guard(w.Header())
	code := status.Of(err)
	var own refusal
	if errors.As(err, &own) {
		code = int(own)
	}
	if code >= http.StatusInternalServerError {
		p.Log.ErrorContext(r.Context(), "page failed", "route", r.Pattern, "error", err)
	}
	p.render(w, r, code, "refused", refused{bare: p.bareAt(r, "desk.refused.title"), Code: code})
}

// bareAt is the shell of a page that refuses: in the language of the clinic that
// the path names where the person has a post in it, as all its pages are, and
// else in the browser's.
func (p *Pages) bareAt(r *http.Request, title string) bare {
	clinic := r.PathValue("clinic")
	if clinic == "" { // of a path that no route has
		clinic, _, _ = strings.Cut(r.PathValue("rest"), "/")
	}
	if person, ok := p.Who(r); ok && clinic != "" {
		if cl, _, err := p.post(r.Context(), clinic, person); err == nil {
			l := locale.For(cl.Language)
			return bare{locale: l, Title: l.Text(title, nil)}
		}
	}
	return p.bare(r, title)
}

// back leads from a POST to a page of the clinic's desk: "" is the list.
func back(w http.ResponseWriter, r request, path string, query url.Values) error {
	to := r.home() + path
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	http.Redirect(w, r.Request, to, http.StatusSeeOther)
	return nil
}

// home is the path of the clinic's desk.
func (r request) home() string { return "/desk/" + url.PathEscape(r.clinic.ID) }
