package staff

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
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

// style and script are the one style sheet and the one script. They stand in
// each page, and each page works without the script.
var (
	style  = sync.OnceValue(func() string { return design.Sheet(file("style.css")) })
	script = sync.OnceValue(func() string { return file("desk.js") })
	policy = sync.OnceValue(func() string { return design.Policy([]string{style()}, []string{script()}) })
)

// bare is the shell of a page outside of any clinic.
type bare struct {
	locale locale.Locale
	Title  string
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
	SignOut string
	Places  []place
	Said    string // what the last press did, or ""
	Problem string // what was wrong with the form that was sent, or ""
}

// place is one entry of the navigation.
type place struct {
	Path, Name string
	Here       bool
}

// shell makes the shell of a page; here is the path of its place below the clinic's desk.
func (p *Pages) shell(r request, here, title string) shell {
	s := shell{bare: bare{locale: r.locale, Title: r.locale.Text(title, nil)}, Clinic: r.clinic, Me: r.me, Home: r.home(), SignOut: p.SignOut}
	for _, pl := range places() {
		if r.me.Role.May(pl.least) {
			s.Places = append(s.Places, place{s.Home + pl.path, r.locale.Text("desk.place."+pl.name, nil), pl.path == here})
		}
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
		{"/log", "log", dental.Manager},
	}
}

// Lang is the page's language as HTML has it.
func (b bare) Lang() string { return b.locale.String() }

// Style and Script are our own files and therefore trusted.
func (b bare) Style() template.CSS { return template.CSS(style()) }
func (b bare) Script() template.JS { return template.JS(script()) }

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
}

func (p *Pages) choose(w http.ResponseWriter, r *http.Request, posts []dental.Staff) {
	p.render(w, r, http.StatusOK, "choose", chosen{p.bare(r, "desk.choose.title"), posts, p.SignOut})
}

// render writes a page. Nothing is written until all of it is made.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, code int, name string, page any) {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, name, page); err != nil {
		p.Log.ErrorContext(r.Context(), "page not made", "route", r.Pattern, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the reader has gone if this fails
}
