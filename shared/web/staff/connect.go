package staff

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
)

func (p *Pages) connectRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/connect", get: p.connections, least: dental.Manager},
		{path: "/desk/{clinic}/connect/{system}", get: p.connection, post: p.pressConnection, least: dental.Manager, act: dental.Owner},
	}
}

// systemForm names what an account with a system of record has; what it means,
// and whether it will do, says the system's own package. The secret of the path
// is in none: it is drawn here.
func systemForm(system string) providerForm {
	switch system {
	case dental.YClients:
		return providerForm{system, []string{"company", "url"}, []string{"partner", "user"}}
	case dental.SQNS:
		return providerForm{system, []string{"org", "url"}, []string{"token"}}
	case dental.FHIR:
		return providerForm{system, []string{"url", "user", "subscription", "since", "careplans"}, []string{"token", "signature"}}
	case dental.OpenDental:
		return providerForm{system, []string{"doctors", "confirmed", "url"}, []string{"developer", "customer"}}
	case dental.Bitrix24:
		return providerForm{system, []string{"portal", "user", "responsible", "startField", "category", "stageConfirmed", "stageCame", "stageMissed", "stageLost"},
			[]string{"webhook", "application"}}
	case dental.Renovatio:
		return providerForm{system, []string{"url"}, []string{"key"}}
	}
	return providerForm{name: system}
}

type connectPage struct {
	shell
	Connections []desk.Connection
	Owner       bool
}

func (p *Pages) connections(w http.ResponseWriter, r request) error {
	all, err := desk.Connections(r.Context(), p.Store, r.clinic, r.now)
	if err != nil {
		return err
	}
	page := connectPage{shell: p.shell(r, "/settings", "desk.connect.title"), Connections: all, Owner: r.me.Role.May(dental.Owner)}
	p.render(w, r.Request, http.StatusOK, "connect", page)
	return nil
}

// systemPage is one system of record: how the clinic stands with it, its
// address and account, and how it is connected.
type systemPage struct {
	shell
	desk.Connection
	Owner  bool
	Fields []setField
	Rest   []string
	Steps  []string
	Cannot []string
	URL    string // to paste, with the secret in it; shown after a press alone
	Press  string // makes the press for another address single
	Unsure bool   // to disconnect was pressed without being sure of it
}

func (p *Pages) systemShell(r request) (systemPage, error) {
	system := r.PathValue("system")
	if !slices.Contains(dental.Systems(), system) {
		return systemPage{}, missing()
	}
	all, err := desk.Connections(r.Context(), p.Store, r.clinic, r.now)
	if err != nil {
		return systemPage{}, err
	}
	i := slices.IndexFunc(all, func(c desk.Connection) bool { return c.System == system })
	page := systemPage{shell: p.shell(r, "/settings", "desk.connect.title"), Connection: all[i], Owner: r.me.Role.May(dental.Owner), Press: p.draw()}
	page.Title = page.Name
	page.Steps, page.Cannot = paragraphs(r.locale, "desk.connect."+system+".step."), paragraphs(r.locale, "desk.connect."+system+".cannot.")
	page.Fields = numbered(systemFields(r.clinic, r.locale, system))
	return page, nil
}

// paragraphs are the texts below a key, which are counted from 1.
func paragraphs(l locale.Locale, key string) (out []string) {
	for n := 1; l.Has(key + strconv.Itoa(n)); n++ {
		out = append(out, l.Text(key+strconv.Itoa(n), nil))
	}
	return out
}

func systemFields(cl *dental.Clinic, l locale.Locale, system string) []setField {
	form, account := systemForm(system), cl.Accounts[system]
	at := "accounts." + system
	named := func(key string, f setField) setField {
		text := "desk.connect." + system + "." + key
		f.Label = l.Text(text, nil)
		if l.Has(text + ".hint") {
			f.Hint = l.Text(text+".hint", nil)
		}
		return f
	}
	var out []setField
	for _, key := range form.settings {
		out = append(out, named(key, setField{Name: at + ".settings." + key, Kind: "text", Value: account.Settings[key]}))
	}
	for _, key := range form.secrets {
		f := named(key, setField{Name: at + ".secrets." + key, Kind: "password"})
		if account.Secrets[key] != "" {
			f.Hint = strings.TrimSpace(f.Hint + " " + l.Text("desk.settings.secret.kept", nil))
		}
		out = append(out, f)
	}
	return out
}

func (p *Pages) connection(w http.ResponseWriter, r request) error {
	page, err := p.systemShell(r)
	if err != nil {
		return err
	}
	p.render(w, r.Request, http.StatusOK, "connection", page)
	return nil
}

// pressConnection keeps a system's account, closes it, or shows or renews the
// address that the system is given.
func (p *Pages) pressConnection(w http.ResponseWriter, r request) error {
	page, err := p.systemShell(r)
	if err != nil {
		return err
	}
	switch do := r.form.Get("do"); do {
	case "close":
		if r.form.Get("sure") != "on" {
			page.Unsure, page.Problem = true, r.locale.Text("desk.card.wrong.sure", nil)
			p.render(w, r.Request, http.StatusBadRequest, "connection", page)
			return nil
		}
		return p.keepConnection(w, r, page, do)
	case "save":
		return p.keepConnection(w, r, page, do)
	case "show", "renew":
		return p.showAddress(w, r, page, do)
	}
	return dental.Errorf(dental.Invalid, "do", "is save, close, show or renew")
}

func (p *Pages) keepConnection(w http.ResponseWriter, r request, page systemPage, do string) error {
	var account any
	if do == "save" {
		form, at := systemForm(page.System), "accounts."+page.System
		kept, secret := map[string]any{}, map[string]any{}
		for _, key := range form.settings {
			if v := strings.TrimSpace(r.form.Get(at + ".settings." + key)); v != "" {
				kept[key] = v
			}
		}
		for _, key := range form.secrets {
			if v := strings.TrimSpace(r.form.Get(at + ".secrets." + key)); v != "" {
				secret[key] = v
			}
		}
		if r.clinic.Accounts[page.System].Secrets[dental.CallbackSecret] == "" {
			drawn, err := p.Settings.PathSecret()
			if err != nil {
				return err
			}
			secret[dental.CallbackSecret] = string(drawn)
		}
		account = map[string]any{"settings": kept, "secrets": secret}
	}
	patch, err := json.Marshal(map[string]any{"accounts": map[string]any{page.System: account}})
	if err != nil {
		return err
	}
	if _, err := p.Settings.Press(r.Context(), patch, p.act(r, "connect-"+do, page.System, page.Name), r.now); err != nil {
		return p.refuseConnection(w, r, page, err)
	}
	query := url.Values{}
	p.said(w, r, query, r.locale.Text("desk.connect.done."+do, nil))
	return back(w, r, "/connect/"+url.PathEscape(page.System), query)
}

// refuseConnection shows the form again as it was sent, with what is wrong at each field.
func (p *Pages) refuseConnection(w http.ResponseWriter, r request, page systemPage, err error) error {
	wrong := accountFaults(r.locale, err, r.form)
	if wrong == nil {
		var ours bool
		if wrong, _, ours = faults(r.locale, err, "", func(string) bool { return true }); !ours {
			return err
		}
	}
	page.Problem = r.locale.Text("desk.scenarios.wrong", nil)
	for i := range page.Fields {
		f := &page.Fields[i]
		if f.Kind != "password" {
			f.Value = r.form.Get(f.Name)
		}
		f.Wrong = strings.Join(wrong[f.Name], "; ")
		delete(wrong, f.Name)
	}
	for _, says := range wrong {
		page.Rest = append(page.Rest, strings.Join(says, "; "))
	}
	slices.Sort(page.Rest)
	p.render(w, r.Request, http.StatusUnprocessableEntity, "connection", page)
	return nil
}

// showAddress shows the address to paste, which only the owner may see, having
// asked for it: whoever has it can tell things in the clinic's name.
func (p *Pages) showAddress(w http.ResponseWriter, r request, page systemPage, do string) error {
	secret := r.clinic.Accounts[page.System].Secrets[dental.CallbackSecret]
	switch {
	case do == "renew" || page.Open && secret == "":
		entry := p.act(r, "connect-renew", page.System, page.Name)
		entry.ID = r.form.Get("press")
		fresh, err := p.Settings.PressPath(r.Context(), page.System, entry, r.now, secretOverlap)
		if err != nil {
			return err
		}
		secret = fresh
		page.Said = r.locale.Text("desk.connect.done.renew", nil)
	case secret == "":
		return missing()
	}
	page.URL = strings.TrimSuffix(p.Base, "/") + "/v1/clinics/" + url.PathEscape(r.clinic.ID) + "/events/" + page.System + "/" + url.PathEscape(string(secret))
	p.render(w, r.Request, http.StatusOK, "connection", page)
	return nil
}
