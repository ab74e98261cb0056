package signin

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"sync"

	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

// What was compiled in and does not parse panics, and the tests let none out.
var (
	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageSource)) })
	style        = sync.OnceValue(func() string { return design.Sheet(pageStyle) })
	policy       = sync.OnceValue(func() string { return design.Policy([]design.Source{design.Inline(style())}, nil) })
)

// page says how a sign-in has ended, and leads to another one.
type page struct {
	Lang, Title, Text, Again string
	In                       string
	Wrong                    bool
}

// Style is our own file and therefore trusted.
func (page) Style() template.CSS { return template.CSS(style()) }

// show writes the page of an ending: desk.signin.<how>.title and .text.
func (d *Door) show(w http.ResponseWriter, r *http.Request, code int, how string) {
	l := locale.For(r.Header.Get("Accept-Language"))
	text := func(key string) string { return l.Text("desk.signin."+key, nil) }
	var b bytes.Buffer
	err := pageTemplate().Execute(&b, page{Lang: l.String(), Title: text(how + ".title"), Text: text(how + ".text"), Again: text("again"), In: In, Wrong: code >= 400})
	if err != nil {
		d.Log.ErrorContext(r.Context(), "page not made", "route", r.Pattern, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the reader has gone if this fails
}

// guard sets the headers that every answer has.
func guard(h http.Header) {
	design.Guard(h, policy(), "no-referrer")
}
