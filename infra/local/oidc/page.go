package oidc

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"sync"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

//go:embed pages.html
var pageSource string

//go:embed pages.css
var pageStyle string

// What was compiled in and does not parse panics, and the tests let none out.
var (
	pages  = sync.OnceValue(func() *template.Template { return template.Must(template.New("pages").Parse(pageSource)) })
	style  = sync.OnceValue(func() string { return design.Sheet(pageStyle) })
	policy = sync.OnceValue(func() string { return design.Policy([]design.Source{design.Inline(style())}, nil) })
)

// page is what every page has.
type page struct {
	locale  locale.Locale
	Title   string
	Text    string
	Problem string
	// Action is where the form goes.
	Action  string
	Address string // as it was typed, or the one a link is for
	People  []Person
	Least   int // letters of a password
}

// Lang is the page's language as HTML has it.
func (p page) Lang() string { return p.locale.String() }

// Style is our own file and therefore trusted.
func (page) Style() template.CSS { return template.CSS(style()) }

// T is a text of the provider's pages.
func (p page) T(key string) string { return p.locale.Text("desk.oidc."+key, nil) }

func (p *Provider) render(w http.ResponseWriter, code int, name string, v page) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the reader has gone if this fails
}

// showForm shows the form to sign in with.
func (p *Provider) showForm(w http.ResponseWriter, r *http.Request, code int, problem string) {
	l := speaks(r)
	v := page{locale: l, Title: l.Text("desk.oidc.title", nil), Action: r.URL.RequestURI()}
	if problem != "" {
		v.Problem = l.Text("desk.oidc."+problem, nil)
	}
	if p.Near(r) {
		v.People = p.Demo
	}
	p.render(w, code, "form", v)
}

// showWords shows a page of words alone.
func (p *Provider) showWords(w http.ResponseWriter, r *http.Request, code int, what string) {
	l := speaks(r)
	p.render(w, code, "words", page{locale: l, Title: l.Text("desk.oidc."+what+".title", nil), Text: l.Text("desk.oidc."+what+".text", nil)})
}

// least is how many letters a password has at least, and most how many.
const (
	least = 10
	most  = 200
)

func (p *Provider) passwordPage(w http.ResponseWriter, r *http.Request) {
	p.showPassword(w, r, http.StatusOK, "")
}

func (p *Provider) showPassword(w http.ResponseWriter, r *http.Request, code int, problem string) {
	a, ok := p.invited(r.URL.Query().Get("token"))
	if !ok {
		p.showWords(w, r, http.StatusNotFound, "used")
		return
	}
	l := speaks(r)
	v := page{locale: l, Title: l.Text("desk.oidc.choose", nil), Action: r.URL.RequestURI(), Address: a.Address, Least: least}
	if problem != "" {
		v.Problem = l.Text("desk.oidc."+problem, nil)
	}
	p.render(w, code, "password", v)
}

func (p *Provider) setPassword(w http.ResponseWriter, r *http.Request) {
	form, ok := p.form(w, r)
	if !ok {
		return
	}
	token, password := r.URL.Query().Get("token"), form.Get("password")
	if _, ok := p.invited(token); !ok {
		p.showWords(w, r, http.StatusNotFound, "used")
		return
	}
	switch n := utf8.RuneCountInString(password); {
	case n < least || n > most:
		p.showPassword(w, r, http.StatusUnprocessableEntity, "short")
		return
	case password != form.Get("again"):
		p.showPassword(w, r, http.StatusUnprocessableEntity, "differ")
		return
	}
	if !p.people.enter() {
		w.Header().Set("Retry-After", busyFor)
		p.showPassword(w, r, http.StatusServiceUnavailable, "busy")
		return
	}
	defer p.people.leave()
	done, err := p.choose(token, password)
	switch {
	case err != nil:
		p.showWords(w, r, http.StatusInternalServerError, "broken")
	case !done:
		p.showWords(w, r, http.StatusNotFound, "used")
	default:
		http.Redirect(w, r, p.Home, http.StatusSeeOther)
	}
}

// guard sets the headers that every answer has. The page's own URL is sent to
// the machine itself alone: it is what tells its form from another site's.
func guard(h http.Header) {
	design.Guard(h, policy(), "same-origin")
}
