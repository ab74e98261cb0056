package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/web/design"
)

//go:embed pages
var files embed.FS

// templates are parsed once, at the first page; what was compiled in and does
// not parse panics, and the tests let none out.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "pages/*.html"))
})

// style is the one style sheet. It stands in each page: a second request costs
// a slow phone more than its 2 KB compressed.
var style = sync.OnceValue(func() string {
	b, err := files.ReadFile("pages/style.css")
	if err != nil {
		panic("web: read the style sheet: " + err.Error())
	}
	return design.Sheet(string(b))
})

// styled is the source of the style sheet, as a policy has it.
var styled = sync.OnceValue(func() design.Source { return design.Inline(style()) })

// policy is the Content-Security-Policy of an answer whose page has, beside the
// style sheet, the clinic's own colours and one script, or "" for either.
func policy(colours, script string) string {
	return design.Policy([]design.Source{styled(), design.Inline(colours)}, []design.Source{design.Inline(script)})
}

// shell is what every page has around its content. The clinic's part is empty
// where no link has been opened.
type shell struct {
	locale  locale.Locale
	colours string // the style sheet of the clinic's own, or ""
	Title   string
	Clinic  string
	Logo    string // path of the clinic's picture, or ""
	Address string
	Phone   string // as people write it
	Dial    string // as a phone takes it
	Problem string // what was wrong with the form that was sent
	// Preferences is the path of the page on which messages are chosen, or "".
	Preferences string
}

// bare is the shell of a page that knows no clinic.
func bare(l locale.Locale, title string) shell {
	return shell{locale: l, Title: l.Text(title, nil)}
}

// around is the shell of a page behind a link.
func around(pg reply.Page, title string) shell {
	s := bare(pg.Locale, title)
	s.Logo = logoOf(pg)
	s.Clinic, s.Address = pg.Clinic.Name, pg.Clinic.Address
	s.Dial, s.Phone = string(pg.Clinic.Phone), spaced(string(pg.Clinic.Phone))
	s.Preferences, s.colours = pg.Preferences, design.Brand(pg.Clinic.Color)
	return s
}

// Lang is the page's language as HTML has it.
func (s shell) Lang() string { return s.locale.String() }

// Style is the style sheet, our own file and therefore trusted.
func (s shell) Style() template.CSS { return template.CSS(style()) }

// Colours are made by design alone, and therefore trusted.
func (s shell) Colours() template.CSS { return template.CSS(s.colours) }

// own is what stands in this page beside the style sheet.
func (s shell) own() (colours, script string) { return s.colours, "" }

// T is the catalogue's text with values given as name, value, name, value.
func (s shell) T(key string, pairs ...string) string {
	values := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		values[pair[0]] = pair[1]
	}
	return s.locale.Text(key, values)
}

// wrong says what is wrong with a form, by the field that the error names.
func (s shell) wrong(err error) string {
	key := "page.wrong."
	var known *dental.Error
	if errors.As(err, &known) {
		if known.Kind == dental.Conflict {
			key += "late."
		}
		key += known.Field
	}
	if !s.locale.Has(key) {
		return s.T("page.wrong.form")
	}
	return s.T(key)
}

// notice is a page that says one thing.
type notice struct {
	shell
	Said []string // keys of its paragraphs
	Link string   // a button under them, or ""
	Name string   // of the link
	Back string   // the page it came from, or ""
}

// render writes a page. Nothing is written until all of it is made.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, code int, name string, page any) {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, name, page); err != nil {
		p.Log.ErrorContext(r.Context(), "page not made", "route", r.Pattern, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if p, ok := page.(interface {
		own() (colours, script string)
	}); ok {
		w.Header().Set("Content-Security-Policy", policy(p.own()))
	}
	send(w, code, "text/html; charset=utf-8", b.Bytes())
}

func send(w http.ResponseWriter, code int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // the reader has gone if this fails
}

// spoken is the language that the browser asks for in Accept-Language (RFC
// 9110, 12.5.4): the product's own of the highest weight.
func spoken(r *http.Request) locale.Locale {
	type wish struct {
		tag    string
		weight float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // what cannot be read weighs nothing
		}
		if weight > 0 {
			wishes = append(wishes, wish{strings.TrimSpace(tag), weight})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	var tags []string
	for _, w := range wishes {
		tags = append(tags, w.tag)
	}
	return locale.For(tags...)
}

// spaced writes a Russian number as people read it, "+7 495 000-00-00", and
// any other as it is.
func spaced(phone string) string {
	if len(phone) != 12 || !strings.HasPrefix(phone, "+7") {
		return phone
	}
	return phone[:2] + " " + phone[2:5] + " " + phone[5:8] + "-" + phone[8:10] + "-" + phone[10:]
}

// day is a date, with its year where that is not the present one.
func day(pg reply.Page, d dental.Date, now time.Time) string {
	if d.Year != pg.Clinic.Today(now).Year {
		return pg.Locale.DayYear(d)
	}
	return pg.Locale.Day(d)
}

// within says until when staff will have been in touch: "сегодня, до 16:45" as
// date and time. The minute is rounded up to a quarter of an hour, which people
// can keep in mind; ok is false once that time has passed.
func within(pg reply.Page, due, now time.Time) (date, clock string, ok bool) {
	const quarter = 15 * time.Minute
	if up := due.Truncate(quarter); up.Before(due) {
		due = up.Add(quarter)
	}
	local := due.In(pg.Clinic.Location())
	return pg.Locale.Relative(dental.DateOf(local), pg.Clinic.Today(now)), pg.Locale.Time(dental.TimeOfDayOf(local)), now.Before(due)
}

// quoted is the clinic's name for a Russian text, which puts it into quotation
// marks: its own become the inner ones.
func quoted(pg reply.Page) string {
	if pg.Locale != locale.Russian {
		return pg.Clinic.Name
	}
	return strings.NewReplacer("«", "„", "»", "“").Replace(pg.Clinic.Name)
}
