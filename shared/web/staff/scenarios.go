package staff

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/settings"
)

func (p *Pages) scenarioRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/scenarios", get: p.allScenarios, least: dental.Manager},
		{path: "/desk/{clinic}/scenarios/{scenario}", get: p.scenario, post: p.pressScenario, least: dental.Manager},
		{path: "/desk/{clinic}/scenarios/{scenario}/rehearsal", get: p.rehearsal, post: p.pressRehearsal, least: dental.Manager},
		{path: "/desk/{clinic}/scenarios/{scenario}/rehearsal/list", post: p.rehearsalList, least: dental.Manager},
	}
}

func (p *Pages) scenarios() *desk.Scenarios {
	return &desk.Scenarios{Store: p.Store, Catalogue: p.Catalogue, Foresee: p.forecaster().Foresee}
}

// act is the entry of the audit log for one press on this page.
func (p *Pages) act(r request, action, subject, detail string) dental.LogEntry {
	return dental.LogEntry{Clinic: r.clinic.ID, ID: p.draw(), At: r.now, By: r.me.Name, Key: r.me.Key, Role: r.me.Role, Action: action, Subject: subject, Detail: detail}
}

// faulty is what is wrong with the fields of a form, by their names.
type faulty map[string][]string

// Wrong is what is wrong with a field, "" for nothing.
func (f faulty) Wrong(field string) string { return strings.Join(f[field], "; ") }

// faults sorts what the settings refuse by the fields of a form: the path below
// the prefix names the field. What belongs to none is told by the form itself.
func faults(l locale.Locale, err error, prefix string, known func(field string) bool) (f faulty, rest []string, ok bool) {
	var refused *settings.Refusal
	if !errors.As(err, &refused) {
		return nil, nil, false
	}
	f = faulty{}
	for _, fault := range refused.Faults {
		field := strings.TrimPrefix(fault.Path, prefix)
		if known(field) {
			f[field] = append(f[field], fault.Explain(l))
		} else {
			rest = append(rest, strings.TrimSpace(field+" "+fault.Explain(l)))
		}
	}
	return f, rest, true
}

// allScenariosPage lists all scenarios.
type allScenariosPage struct {
	shell
	Scenarios []desk.ScenarioLine
}

func (p *Pages) allScenarios(w http.ResponseWriter, r request) error {
	list, err := p.scenarios().List(r.Context(), r.clinic, r.locale, r.now)
	if err != nil {
		return err
	}
	page := allScenariosPage{p.shell(r, "/scenarios", "desk.scenarios.title"), list}
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "scenarios", page)
	return nil
}

// scenarioPage is one scenario: what it does, its switch and its settings.
type scenarioPage struct {
	shell
	faulty
	desk.ScenarioView
	Title string
	Path  string
	// Sent is the form that was not taken; its fields stand as they were sent.
	Sent     url.Values
	Benefits []string
}

// Field is what a field holds: as it was sent, else as it is set.
func (v scenarioPage) Field(name, set string) string {
	if v.Sent != nil {
		return v.Sent.Get(name)
	}
	return set
}

// Is reports whether a choice or a box is what a field holds.
func (v scenarioPage) Is(name, value, set string) bool { return v.Field(name, set) == value }

// Ticked reports whether a box is ticked.
func (v scenarioPage) Ticked(name string, set bool) bool {
	if v.Sent != nil {
		return v.Sent.Has(name)
	}
	return set
}

// Percent is the discount of the benefit as it is typed.
func (v scenarioPage) Percent() string {
	if v.Set.Benefit.Percent == 0 {
		return ""
	}
	return strconv.Itoa(v.Set.Benefit.Percent)
}

// Amount is the bonuses of the benefit as they are typed.
func (v scenarioPage) Amount() string {
	if v.Set.Benefit.Amount.IsZero() {
		return ""
	}
	return v.Set.Benefit.Amount.Decimal()
}

func (p *Pages) scenario(w http.ResponseWriter, r request) error {
	page, err := p.scenarioPage(r)
	if err != nil {
		return err
	}
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "scenario", page)
	return nil
}

func (p *Pages) scenarioPage(r request) (scenarioPage, error) {
	view, err := p.scenarios().One(r.Context(), r.clinic, r.PathValue("scenario"), r.locale, r.now)
	if err != nil {
		return scenarioPage{}, err
	}
	page := scenarioPage{shell: p.shell(r, "/scenarios", "desk.scenarios.title"), ScenarioView: view,
		Benefits: []string{string(dental.Discount), string(dental.BonusAmount), string(dental.GiftService), string(dental.FreeService)}}
	page.Title, page.Path = view.Title, scenarioPath(r, view.Name)
	return page, nil
}

func scenarioPath(r request, name string) string {
	return r.home() + "/scenarios/" + url.PathEscape(name)
}

// number is what was typed as JSON: a number where it is one, else the text,
// which the settings then refuse with their own words.
func number(typed string) any {
	typed = strings.TrimSpace(strings.ReplaceAll(typed, "−", "-"))
	if n, err := strconv.Atoi(typed); err == nil {
		return n
	}
	return typed
}

// pressScenario switches a scenario on or off, or changes its settings.
func (p *Pages) pressScenario(w http.ResponseWriter, r request) error {
	page, err := p.scenarioPage(r)
	if err != nil {
		return err
	}
	l, name := r.locale, page.Name
	change, entry, said := map[string]any{}, p.act(r, "", name, page.Title), ""
	switch r.form.Get("do") {
	case "on":
		entry.Action, said = "scenario-on", l.Text("desk.scenarios.switched.on", nil)
		change["on"], change["backlogPerDay"] = true, 0
		if r.form.Get("from") == "backlog" {
			change["backlogPerDay"] = number(r.form.Get("backlogPerDay"))
			n := map[string]string{"n": r.form.Get("backlogPerDay")}
			said = l.Text("desk.scenarios.switched.on.backlog", n)
			entry.Detail += ". " + said
		}
	case "off":
		entry.Action, said = "scenario-off", l.Text("desk.scenarios.switched.off", nil)
		change["on"] = false
	case "settings":
		entry.Action, said = "scenario-settings", l.Text("desk.scenarios.settings.saved", nil)
		scenarioSettings(page, r.form, change)
	default:
		return dental.Errorf(dental.Invalid, "do", "is no press of this page")
	}
	patch, err := json.Marshal(map[string]any{"scenarios": map[string]any{name: change}})
	if err != nil {
		return err
	}
	if _, err = p.Settings.Press(r.Context(), patch, entry, r.now); err != nil {
		var rest []string
		var ours bool
		if page.faulty, rest, ours = faults(l, err, "scenarios."+name+".", func(string) bool { return true }); !ours {
			return err
		}
		page.Sent, page.Problem = r.form, strings.Join(append([]string{l.Text("desk.scenarios.wrong", nil)}, rest...), " ")
		p.render(w, r.Request, http.StatusUnprocessableEntity, "scenario", page)
		return nil
	}
	query := url.Values{}
	p.said(w, r, query, said)
	return back(w, r, "/scenarios/"+url.PathEscape(name), query)
}

// scenarioSettings reads the form of a scenario's settings.
func scenarioSettings(page scenarioPage, form url.Values, change map[string]any) {
	if page.Release {
		change["release"] = form.Get("release")
	}
	if page.Backlog && page.On {
		change["backlogPerDay"] = number(form.Get("backlogPerDay"))
	}
	if page.Holdout {
		change["holdout"] = number(form.Get("holdout"))
	}
	steps, offsets := map[string]any{}, map[string]any{}
	for _, st := range page.Steps {
		steps[st.Name] = form.Has("steps." + st.Name)
		offsets[st.Name] = number(form.Get("offsets." + st.Name))
		if form.Get("offsets."+st.Name) == "" {
			offsets[st.Name] = nil
		}
	}
	change["steps"], change["offsets"] = steps, offsets
	if !page.Offers {
		return
	}
	kind := form.Get("benefit")
	benefit := map[string]any{"kind": kind}
	switch dental.BenefitKind(kind) {
	case "":
		change["benefit"] = nil
		return
	case dental.Discount:
		benefit["percent"] = number(form.Get("benefit.percent"))
	case dental.BonusAmount:
		benefit["amount"] = dental.Typed(form.Get("benefit.amount"))
	default:
		benefit["name"] = form.Get("benefit.name")
	}
	change["benefit"] = benefit
}

// rehearsalPage is a scenario's rehearsal: how far it is, or what it has found.
type rehearsalPage struct {
	shell
	desk.RehearsalView
	Title    string
	Path     string // of the scenario
	Backlog  int
	Can      bool // there is a backlog to take up
	Wrong    string
	Previous string // the path of a page, "" for none
	Next     string
	Lists    []int // the files of the list
}

// reloads is after how many seconds a page that waits for a job is loaded again.
const reloads = "3"

func (p *Pages) rehearsal(w http.ResponseWriter, r request) error {
	n, _ := strconv.Atoi(r.URL.Query().Get("page")) // anything else is the first
	page, err := p.rehearsalPage(r, n)
	if err != nil {
		return err
	}
	page.Said, page.Problem = r.noticed()
	if page.Running {
		w.Header().Set("Refresh", reloads+"; url="+page.Path+"/rehearsal")
	}
	p.render(w, r.Request, http.StatusOK, "rehearsal", page)
	return nil
}

func (p *Pages) rehearsalPage(r request, n int) (rehearsalPage, error) {
	name := r.PathValue("scenario")
	view, err := p.scenarios().Rehearsal(r.Context(), r.clinic, name, n, r.locale)
	if err != nil {
		return rehearsalPage{}, err
	}
	one, err := p.scenarios().One(r.Context(), r.clinic, name, r.locale, r.now)
	if err != nil {
		return rehearsalPage{}, err
	}
	page := rehearsalPage{shell: p.shell(r, "/scenarios", "desk.scenarios.rehearsal"), RehearsalView: view, Path: scenarioPath(r, name), Can: one.Backlog}
	page.Title = r.locale.Text("desk.scenarios.rehearsal.of", map[string]string{"scenario": view.Title})
	if page.Backlog = view.Sum.Backlog; page.Backlog == 0 {
		page.Backlog = usualBacklog
	}
	at := func(n int) string { return page.Path + "/rehearsal?page=" + strconv.Itoa(n) }
	if n > 0 {
		page.Previous = at(n - 1)
	}
	if n+1 < view.Pages {
		page.Next = at(n + 1)
	}
	for i := range view.Files {
		page.Lists = append(page.Lists, i)
	}
	return page, nil
}

// usualBacklog is how many of a backlog a day are proposed.
const usualBacklog = 10

// pressRehearsal begins a rehearsal, or stops it.
func (p *Pages) pressRehearsal(w http.ResponseWriter, r request) error {
	name, query := r.PathValue("scenario"), url.Values{}
	var err error
	key := "desk.scenarios.rehearsal.started"
	if r.form.Get("do") == "cancel" {
		key = "desk.scenarios.rehearsal.cancelled"
		err = p.scenarios().CancelRehearsal(r.Context(), r.clinic, name, p.act(r, "", "", ""), r.now)
	} else {
		backlog := 0
		if r.form.Get("from") == "backlog" {
			n, bad := strconv.Atoi(strings.TrimSpace(r.form.Get("backlogPerDay")))
			if backlog = n; bad != nil {
				backlog = -1 // which is refused in words
			}
		}
		err = p.scenarios().Rehearse(r.Context(), r.clinic, name, backlog, p.act(r, "", "", ""), r.now)
	}
	if dental.KindOf(err) == dental.Invalid {
		page, failed := p.rehearsalPage(r, 0)
		if failed != nil {
			return failed
		}
		page.Wrong, page.Problem = desk.InWords(r.locale, err), r.locale.Text("desk.scenarios.wrong", nil)
		p.render(w, r.Request, http.StatusUnprocessableEntity, "rehearsal", page)
		return nil
	}
	if err != nil {
		return err
	}
	p.said(w, r, query, r.locale.Text(key, nil))
	return back(w, r, "/scenarios/"+url.PathEscape(name)+"/rehearsal", query)
}

// rehearsalList hands out the list of what would happen. It is a POST, because
// what leaves the desk with patients' names stands in the log.
func (p *Pages) rehearsalList(w http.ResponseWriter, r request) error {
	file, err := strconv.Atoi(r.form.Get("file"))
	if err != nil {
		return dental.Errorf(dental.Invalid, "file", "must be a number")
	}
	name := r.PathValue("scenario")
	rows, err := p.scenarios().File(r.Context(), r.clinic, name, file, r.locale, p.act(r, "", "", ""))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+"-"+strconv.Itoa(file+1)+`.csv"`)
	_, _ = w.Write([]byte("\ufeff")) // by which spreadsheets know UTF-8
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i := range row {
			row[i] = harmless(row[i])
		}
		_ = out.Write(row) // the reader has gone if this fails
	}
	out.Flush()
	return nil
}

// harmless keeps a spreadsheet from reading a cell as a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
