package staff

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/scenario/wording"
)

func (p *Pages) textRoutes() []route {
	return []route{{path: "/desk/{clinic}/scenarios/{scenario}/texts", get: p.text, post: p.pressText, least: dental.Manager}}
}

func (p *Pages) texts() *desk.Texts {
	return &desk.Texts{Store: p.Store, Catalogue: p.Catalogue, Base: p.Base}
}

// textPage is the editor of one text.
type textPage struct {
	shell
	desk.TextView
	Title      string
	Path       string // of the scenario
	Paragraphs string
	To         string // where a trial goes
	Press      string // of the trial: the same one twice is one message
	faulty
	Labels []textFault // every fault with the name of its part
}

// Called is the text by its scenario and its place there, for the log.
func (v textPage) Called() string {
	for _, c := range v.Choices {
		if c.Here {
			return v.TextView.Title + ": " + c.Name
		}
	}
	return v.TextView.Title
}

// TextLang is the language of the text, as HTML has it.
func (v textPage) TextLang() string { return v.Key[strings.LastIndexByte(v.Key, '/')+1:] }

type textFault struct{ Part, Field, Says string }

func (p *Pages) text(w http.ResponseWriter, r request) error {
	query := r.URL.Query()
	page, err := p.textPage(r, query.Get("text"), nil, wording.Person(query.Get("who")))
	if err != nil {
		return err
	}
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "text", page)
	return nil
}

func (p *Pages) textPage(r request, key string, given *dental.Text, who wording.Person) (textPage, error) {
	name := r.PathValue("scenario")
	view, err := p.texts().Text(r.Context(), r.clinic, name, key, given, who, r.locale, r.now)
	if err != nil {
		return textPage{}, err
	}
	page := textPage{shell: p.shell(r, "/scenarios", "desk.texts.title"), TextView: view, Path: scenarioPath(r, name), To: string(r.me.Email), Press: p.draw(),
		Paragraphs: strings.Join(view.Text.Paragraphs, "\n\n"), faulty: faulty{}}
	page.Title = r.locale.Text("desk.texts.of", map[string]string{"scenario": view.Title})
	for _, f := range view.Faults {
		page.blame(r, f.Part, f.Says)
	}
	return page, nil
}

// blame notes a fault at its part.
func (v *textPage) blame(r request, part, says string) {
	v.faulty[part] = append(v.faulty[part], says)
	v.Labels = append(v.Labels, textFault{r.locale.Text("desk.texts.part."+part, nil), part, says})
}

// typed is the text of a form. Paragraphs stand apart by an empty line.
func typed(form url.Values) dental.Text {
	line := func(name string) string { return strings.Join(strings.Fields(form.Get(name)), " ") }
	t := dental.Text{SMS: line(wording.SMS), Subject: line(wording.MailTitle), Heading: line(wording.Heading), Button: line(wording.Button)}
	for _, p := range strings.Split(strings.ReplaceAll(form.Get(wording.Paragraphs), "\r\n", "\n"), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			t.Paragraphs = append(t.Paragraphs, p)
		}
	}
	return t
}

// pressText shows a text as it is being written, keeps it, takes it back, or
// sends it to whoever writes it.
func (p *Pages) pressText(w http.ResponseWriter, r request) error {
	name, key, t, l := r.PathValue("scenario"), r.form.Get("text"), typed(r.form), r.locale
	page, err := p.textPage(r, key, &t, wording.Person(r.form.Get("who")))
	if err != nil {
		return err
	}
	query := url.Values{"text": {key}}
	to := "/scenarios/" + url.PathEscape(name) + "/texts"
	var change any
	entry, said := p.act(r, "text-changed", name+" "+key, page.Called()), l.Text("desk.texts.saved", nil)
	switch r.form.Get("do") {
	case "save":
		change = map[string]any{"sms": t.SMS, "subject": t.Subject, "heading": t.Heading, "paragraphs": append([]string{}, t.Paragraphs...), "button": t.Button}
	case "shipped":
		entry.Action, said = "text-shipped", l.Text("desk.texts.restored", nil)
	case "try":
		entry.ID = r.form.Get("press")
		err := p.texts().Try(r.Context(), r.clinic, name, key, t, r.me, entry, r.now)
		switch dental.KindOf(err) {
		case "":
			if err != nil {
				return err
			}
			if page, err = p.textPage(r, key, &t, wording.Person(r.form.Get("who"))); err != nil {
				return err
			}
			page.Said = l.Text("desk.texts.test.sent", nil) // what is being written stays on the page
			p.render(w, r.Request, http.StatusOK, "text", page)
		case dental.Invalid, dental.Conflict:
			page.Problem = desk.InWords(l, err)
			p.render(w, r.Request, http.StatusUnprocessableEntity, "text", page)
		default:
			return err
		}
		return nil
	default:
		p.render(w, r.Request, http.StatusOK, "text", page)
		return nil
	}
	patch, err := json.Marshal(map[string]any{"scenarios": map[string]any{name: map[string]any{"texts": map[string]any{key: change}}}})
	if err != nil {
		return err
	}
	if _, err := p.Settings.Press(r.Context(), patch, entry, r.now); err != nil {
		wrong, _, ours := faults(l, err, "scenarios."+name+".texts["+quoted(key)+"].", func(string) bool { return true })
		if !ours {
			return err
		}
		for _, part := range []string{wording.SMS, wording.MailTitle, wording.Heading, wording.Paragraphs, wording.Button} {
			if len(page.faulty[part]) == 0 { // what the words themselves have wrong is told already
				for field, says := range wrong {
					if field == part || strings.HasPrefix(field, part+"[") {
						page.blame(r, part, strings.Join(says, "; "))
					}
				}
			}
		}
		for field, says := range wrong {
			if strings.HasPrefix(field, "scenarios") {
				page.Labels = append(page.Labels, textFault{"", "", strings.Join(says, "; ")})
			}
		}
		page.Problem = l.Text("desk.texts.wrong", nil)
		p.render(w, r.Request, http.StatusUnprocessableEntity, "text", page)
		return nil
	}
	p.said(w, r, query, said)
	return back(w, r, to, query)
}

func quoted(s string) string { return `"` + s + `"` }
