package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
)

// preferencesPage is what a patient wants to receive, class by class.
type preferencesPage struct {
	shell
	Saved     bool
	Classes   []choiceRow
	Shown     string // the fields of all boxes, as the form sends them back
	NoAddress bool   // there is none yet to send anything to
}

type choiceRow struct {
	Name, About string
	Boxes       []choiceBox
}

type choiceBox struct {
	Field, Word string
	Ticked      bool
}

// The fields of the page that are no choices. A form of nothing but unticked
// boxes would be empty; savedField tells it from a POST that says nothing.
// shownField lists the boxes that the form had, apart by spaces: a browser leaves
// out those that are not ticked, and the card may have got another address since.
const (
	savedField    = "save"
	shownField    = "shown"
	notMeField    = "not-me"
	oneClickField = "List-Unsubscribe"
	on            = "on"
)

// oneClick reports whether mail software sent the form: RFC 8058, section 3.1.
func oneClick(form url.Values) bool { return form.Get(oneClickField) == "One-Click" }

func (p *Pages) preferences(w http.ResponseWriter, r request) error {
	return p.showPreferences(w, r, nil)
}

func (p *Pages) showPreferences(w http.ResponseWriter, r request, wrong error) error {
	got, err := p.Desk.Preferences(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if wrong == nil && query.Has(notMeField) {
		p.render(w, r.Request, http.StatusOK, "notice", notice{shell: around(got.Page, "page.not-me.done"), Said: []string{"page.not-me.done.text"}})
		return nil
	}
	page := lookAtPreferences(got)
	page.Saved = wrong == nil && query.Has("saved")
	code := http.StatusOK
	if wrong != nil {
		code, page.Problem = status.Of(wrong), page.wrong(wrong)
	}
	p.render(w, r.Request, code, "preferences", page)
	return nil
}

// choose takes the page's own form, "not me", or mail software's one click.
func (p *Pages) choose(w http.ResponseWriter, r request) error {
	var err error
	switch {
	case oneClick(r.form):
		return p.oneClick(w, r)
	case r.form.Has(notMeField):
		err = p.notMe(w, r)
	default:
		err = p.save(w, r)
	}
	if err != nil {
		return again(err, func() error { return p.showPreferences(w, r, err) })
	}
	return nil
}

// oneClick answers mail software, which follows no redirect and asks no
// question (RFC 8058, section 3.2).
func (p *Pages) oneClick(w http.ResponseWriter, r request) error {
	if err := p.Desk.OneClick(r.Context(), r.token, r.now); err != nil {
		return err
	}
	p.render(w, r.Request, http.StatusOK, "notice", notice{shell: bare(spoken(r.Request), "page.one-click"), Said: []string{"page.one-click.text"}})
	return nil
}

func (p *Pages) notMe(w http.ResponseWriter, r request) error {
	if err := only(r.form, notMeField); err != nil {
		return err
	}
	if err := ticked(r.form, notMeField); err != nil {
		return err
	}
	if err := p.Desk.NotMe(r.Context(), r.token, r.now); err != nil {
		return err
	}
	return back(w, r, notMeField)
}

func (p *Pages) save(w http.ResponseWriter, r request) error {
	var boxes []string
	for _, class := range classes() {
		for _, ch := range dental.Channels() {
			boxes = append(boxes, reply.Choice{Class: class, Channel: ch}.Field())
		}
	}
	if err := only(r.form, append([]string{savedField, shownField}, boxes...)...); err != nil {
		return err
	}
	if err := ticked(r.form, savedField); err != nil {
		return err
	}
	var shown []string // nil, for all, in a form that does not say
	if r.form.Has(shownField) {
		shown = strings.Fields(r.form.Get(shownField))
	}
	for name := range r.form {
		if name == shownField {
			continue
		}
		if err := ticked(r.form, name); err != nil {
			return err
		}
	}
	for _, field := range shown {
		if !slices.Contains(boxes, field) {
			return dental.Errorf(dental.Invalid, "form", "%s names a box that no page has", shownField)
		}
	}
	if _, err := p.Desk.Choose(r.Context(), r.token, shown, r.form.Has, r.now); err != nil {
		return err
	}
	return back(w, r, "saved")
}

// ticked refuses a box with another value than a browser sends.
func ticked(form url.Values, name string) error {
	if form.Get(name) != on {
		return dental.Errorf(dental.Invalid, "form", "%s is on, or left out", name)
	}
	return nil
}

// classes lists what can be chosen, what is needed most first.
func classes() []dental.Class { return append([]dental.Class{dental.Reminders}, dental.Classes()...) }

func lookAtPreferences(got reply.Preferences) preferencesPage {
	page := preferencesPage{shell: around(got.Page, "page.preferences.title"), NoAddress: got.NoAddress}
	var fields []string
	for _, c := range got.Choices {
		fields = append(fields, c.Field())
	}
	page.Shown = strings.Join(fields, " ")
	for _, class := range classes() {
		row := choiceRow{Name: page.T("page.preferences." + string(class)), About: page.T("page.preferences."+string(class)+".about", "clinic", quoted(got.Page))}
		for _, c := range got.Choices {
			if c.Class == class {
				row.Boxes = append(row.Boxes, choiceBox{Field: c.Field(), Word: page.T("page.channel." + string(c.Channel)), Ticked: c.Granted})
			}
		}
		page.Classes = append(page.Classes, row)
	}
	page.Classes = slices.DeleteFunc(page.Classes, func(row choiceRow) bool { return len(row.Boxes) == 0 })
	return page
}
