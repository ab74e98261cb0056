package staff

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

//go:embed pages
var files embed.FS

// templates are parsed once, at the first page; what was compiled in and does
// not parse panics, and the tests let none out.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "pages/*.html"))
})

func file(name string) string {
	b, err := files.ReadFile("pages/" + name)
	if err != nil {
		panic("staff: read " + name + ": " + err.Error())
	}
	return string(b)
}

// policy is the Content-Security-Policy of a page with the clinic's own colours
// as its one style that stands in it; all else comes from assets.
func policy(own string) string {
	return design.Policy([]design.Source{design.Self, design.Inline(own)}, []design.Source{design.Self})
}

// bare is the shell of a page outside of any clinic.
type bare struct {
	locale  locale.Locale
	colours string // the style sheet of the clinic's own, or ""
	Title   string
}

func (p *Pages) bare(r *http.Request, title string) bare {
	l := locale.For(r.Header.Get("Accept-Language"))
	return bare{locale: l, Title: l.Text(title, nil)}
}

// shell is what every page of a clinic's desk has around its content.
type shell struct {
	bare
	Clinic  *dental.Clinic
	Me      dental.Staff
	Home    string // the path of the clinic's desk
	Logo    string // the path of its picture, or ""
	SignOut string
	Places  []place
	Said    string // what the last press did, or ""
	Problem string // what was wrong with the form that was sent, or ""
	Silence string // since when the MIS tells nothing, or ""
}

// place is one entry of the navigation.
type place struct {
	Path, Name string
	Here       bool
}

// shell makes the shell of a page; here is the path of its place below the clinic's desk.
func (p *Pages) shell(r request, here, title string) shell {
	s := shell{bare: bare{locale: r.locale, Title: r.locale.Text(title, nil), colours: design.Brand(r.clinic.Color)}, Clinic: r.clinic, Me: r.me, Home: r.home(), SignOut: p.SignOut}
	if r.clinic.Logo != "" {
		s.Logo = s.Home + "/logo?v=" + url.QueryEscape(r.clinic.Logo)
	}
	s.Said, s.Problem = r.noticed()
	s.Silence = s.silence(r.now)
	for _, pl := range places() {
		if r.me.Role.May(pl.least) {
			s.Places = append(s.Places, place{s.Home + pl.path, r.locale.Text("desk.place."+pl.name, nil), pl.path == here})
		}
	}
	if s.Manages() && (here == "/start" || starting(r.clinic, r.now)) {
		s.Places = append(s.Places, place{s.Home + "/start", r.locale.Text("desk.start.place", nil), here == "/start"})
	}
	return s
}

// places are the entries of the navigation, in their order.
func places() []struct {
	path, name string
	least      dental.Role
} {
	return []struct {
		path, name string
		least      dental.Role
	}{
		{"", "today", dental.Administrator},
		{"/arrivals", "arrivals", dental.Administrator},
		{"/scenarios", "scenarios", dental.Manager},
		{"/measures", "measures", dental.Manager},
		{"/report", "report", dental.Manager},
		{"/settings", "settings", dental.Owner},
		{"/staff", "staff", dental.Owner},
		{"/log", "log", dental.Manager},
	}
}

// Lang is the page's language as HTML has it.
func (b bare) Lang() string { return b.locale.String() }

// Sheet and Script are the paths of the style sheet and of the script.
func (b bare) Sheet() string  { return assets()["style.css"].path }
func (b bare) Script() string { return assets()["desk.js"].path }

// Colours are made by design alone, and therefore trusted.
func (b bare) Colours() template.CSS { return template.CSS(b.colours) }

// own is the style that stands in the page.
func (b bare) own() string { return b.colours }

// T is the catalogue's text with values given as name, value, name, value.
func (b bare) T(key string, pairs ...string) string {
	values := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		values[pair[0]] = pair[1]
	}
	return b.locale.Text(key, values)
}

// refused is the page of an error.
type refused struct {
	bare
	Code int
}

// chosen is the page on which a person of several clinics, or of none, chooses one.
type chosen struct {
	bare
	Posts   []dental.Staff
	SignOut string
	// New is the path where the operator makes a clinic, "" for others.
	New string
}

func (p *Pages) choose(w http.ResponseWriter, r *http.Request, person Person, posts []dental.Staff) {
	c := chosen{bare: p.bare(r, "desk.choose.title"), Posts: posts, SignOut: p.SignOut}
	if p.operates(person) {
		c.New = newPath
	}
	p.render(w, r, http.StatusOK, "choose", c)
}

// render writes a page. Nothing is written until all of it is made.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, code int, name string, page any) {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, name, page); err != nil {
		p.Log.ErrorContext(r.Context(), "page not made", "route", r.Pattern, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if styled, ok := page.(interface{ own() string }); ok {
		w.Header().Set("Content-Security-Policy", policy(styled.own()))
	}
	if sends, ok := page.(interface{ reaches() string }); ok && sends.reaches() != "" {
		w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "connect-src 'self'", "connect-src 'self' "+sends.reaches(), 1))
	}
	body := b.Bytes()
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") { // a list of many forms shrinks to a seventh
		w.Header().Set("Content-Encoding", "gzip")
		body = pack(b.String())
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // the reader has gone if this fails
}
