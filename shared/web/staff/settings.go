package staff

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

func (p *Pages) settingsRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/settings", get: p.allSettings, least: dental.Owner},
		{path: "/desk/{clinic}/settings/{group}", get: p.settingsGroup, post: p.pressSettings, least: dental.Owner},
	}
}

// set is one group of settings: a page with one form.
type set struct {
	name   string
	fields func(cl *dental.Clinic, l locale.Locale) []setField
	// patch reads the form; it may look at how the clinic is set now.
	patch func(form url.Values, cl *dental.Clinic) map[string]any
}

// setField is one field of a form. Its name is the setting's path, so that a
// fault finds its field.
type setField struct {
	Name    string
	Label   string
	Hint    string
	Kind    string // of the input: text, number, time, url, password; or select, area, check, heading, pair, shown
	Value   string
	Options []setOption
	Least   int
	Most    int
	Wrong   string
	ID      string
	Pair    []setField // of a pair, which stands in one line under the label
}

type setOption struct {
	Value, Says string
	Here        bool
}

func sets() []set {
	return []set{
		{"clinic", clinicFields, clinicPatch},
		{"hours", hourFields, hourPatch},
		{"messages", messageFields, messagePatch},
		{"money", moneyFields, moneyPatch},
		{"maps", mapFields, mapPatch},
		{"gifts", giftFields, giftPatch},
		{"club", clubFields, clubPatch},
		{"recall", recallFields, recallPatch},
		{"advice", adviceFields, advicePatch},
		{"accounts", accountFields, accountPatch},
	}
}

// webhook is the group whose page is of its own kind.
const webhook = "webhook"

// label is the words of a setting: its path without what counts its place.
func label(l locale.Locale, name string) string { return l.Text("desk.settings.of."+name, nil) }

func textField(l locale.Locale, name, kind, value string) setField {
	f := setField{Name: name, Label: label(l, name), Kind: kind, Value: value}
	if key := "desk.settings.of." + name + ".hint"; l.Has(key) {
		f.Hint = l.Text(key, nil)
	}
	return f
}

func numberField(l locale.Locale, name string, value, least, most int) setField {
	f := textField(l, name, "number", strconv.Itoa(value))
	f.Least, f.Most = least, most
	return f
}

// choice is a list of options whose words stand below the setting's own.
func choice(l locale.Locale, name, value string, of ...string) setField {
	f := textField(l, name, "select", value)
	for _, v := range of {
		f.Options = append(f.Options, setOption{v, l.Text("desk.settings.of."+name+"."+v, nil), v == value})
	}
	return f
}

// plainPatch takes fields as they are.
func plainPatch(names ...string) func(url.Values, *dental.Clinic) map[string]any {
	return func(form url.Values, _ *dental.Clinic) map[string]any {
		out := map[string]any{}
		for _, name := range names {
			out[name] = strings.TrimSpace(form.Get(name))
		}
		if phone, has := out["phone"].(string); has {
			out["phone"] = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(phone)
		}
		return out
	}
}

func clinicFields(cl *dental.Clinic, l locale.Locale) []setField {
	out := []setField{
		textField(l, "name", "text", cl.Name), textField(l, "phone", "tel", string(cl.Phone)), textField(l, "address", "text", cl.Address),
		textField(l, "bookingUrl", "url", cl.BookingURL), choice(l, "language", cl.Language, "ru", "en"),
		textField(l, "timeZone", "text", cl.TimeZone), textField(l, "country", "text", cl.Country),
	}
	if cl.Group != "" {
		out = append(out, textField(l, "group", "shown", cl.Group))
	}
	return out
}

// clinicPatch takes along a group that was sent, which no form here asks for:
// the settings refuse it.
func clinicPatch(form url.Values, cl *dental.Clinic) map[string]any {
	names := []string{"name", "phone", "address", "bookingUrl", "language", "timeZone", "country"}
	if form.Has("group") {
		names = append(names, "group")
	}
	return plainPatch(names...)(form, cl)
}

func hourFields(cl *dental.Clinic, l locale.Locale) []setField {
	out := []setField{textField(l, "sendFrom", "time", cl.SendFrom.String()), textField(l, "sendTo", "time", cl.SendTo.String()),
		numberField(l, "callsPerDay", cl.CallsPerDay, 0, 500)}
	week := dental.Weekdays()
	for _, day := range append(slices.Clone(week[1:]), week[0]) {
		span, open := cl.Opening[day]
		from, to := "", ""
		if open {
			from, to = span.From.String(), span.To.String()
		}
		pair := setField{Name: "opening." + day, Kind: "pair", Label: l.Text("desk.settings.day."+day, nil)}
		for _, end := range []struct{ part, value string }{{"from", from}, {"to", to}} {
			pair.Pair = append(pair.Pair, setField{Name: pair.Name + "." + end.part, Kind: "time", Value: end.value, Label: l.Text("desk.settings.opening."+end.part, nil)})
		}
		out = append(out, pair)
	}
	var days []string
	for _, d := range cl.Holidays {
		days = append(days, d.String())
	}
	return append(out, textField(l, "holidays", "area", strings.Join(days, "\n")))
}

func hourPatch(form url.Values, _ *dental.Clinic) map[string]any {
	opening := map[string]any{}
	for _, day := range dental.Weekdays() {
		from, to := clock(form.Get("opening."+day+".from")), clock(form.Get("opening."+day+".to"))
		switch {
		case from == "" && to == "":
			opening[day] = nil
		case from == "" || to == "":
			opening[day] = []string{from + to}
		default:
			opening[day] = []string{from, to}
		}
	}
	return map[string]any{"sendFrom": clock(form.Get("sendFrom")), "sendTo": clock(form.Get("sendTo")), "callsPerDay": number(form.Get("callsPerDay")),
		"opening": opening, "holidays": lines(form.Get("holidays"))}
}

// clock is a time as it was typed: browsers add seconds where a step asks for them.
func clock(s string) string {
	s = strings.TrimSpace(s)
	if len(s) == len("09:00:00") {
		s = strings.TrimSuffix(s, ":00")
	}
	return s
}

// lines are the lines of a field that are not empty.
func lines(s string) []string {
	out := []string{}
	for _, line := range strings.Split(s, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func messageFields(cl *dental.Clinic, l locale.Locale) []setField {
	var out []setField
	for i := range dental.Channels() {
		value := ""
		if i < len(cl.Channels) {
			value = string(cl.Channels[i])
		}
		f := setField{Name: fmt.Sprintf("channels[%d]", i), Kind: "select", Value: value, Label: l.Text("desk.settings.channel", map[string]string{"n": strconv.Itoa(i + 1)})}
		if i > 0 {
			f.Options = append(f.Options, setOption{"", l.Text("desk.settings.channel.none", nil), value == ""})
		}
		for _, ch := range dental.Channels() {
			f.Options = append(f.Options, setOption{string(ch), l.Text("channel."+string(ch), nil), string(ch) == value})
		}
		out = append(out, f)
	}
	return append(out, numberField(l, "capPerWeek", cl.CapPerWeek, 1, 7),
		choice(l, "careConsent", string(cl.CareConsent), string(dental.Presumed), string(dental.Explicit)))
}

func messagePatch(form url.Values, _ *dental.Clinic) map[string]any {
	channels := []string{}
	for i := range dental.Channels() {
		if ch := form.Get(fmt.Sprintf("channels[%d]", i)); ch != "" {
			channels = append(channels, ch)
		}
	}
	return map[string]any{"channels": channels, "capPerWeek": number(form.Get("capPerWeek")), "careConsent": form.Get("careConsent")}
}

// typedMoney is an amount as it is typed, "" for none.
func typedMoney(m dental.Money) string {
	if m.IsZero() {
		return ""
	}
	return m.Decimal()
}

func moneyFields(cl *dental.Clinic, l locale.Locale) []setField {
	percent := strings.TrimSuffix(strconv.FormatFloat(float64(cl.MarginPermille)/10, 'f', 1, 64), ".0")
	return []setField{textField(l, "margin", "decimal", percent), textField(l, "partPrice", "decimal", typedMoney(cl.PartPrice)), textField(l, "currency", "text", cl.Currency),
		numberField(l, "bonusDays", cl.BonusDays, 30, 1095)}
}

func moneyPatch(form url.Values, cl *dental.Clinic) map[string]any {
	out := map[string]any{"partPrice": orNothing(dental.Typed(form.Get("partPrice"))), "bonusDays": number(form.Get("bonusDays")), "margin": share(form.Get("margin"))}
	if currency := strings.TrimSpace(form.Get("currency")); currency != cl.Currency {
		out["currency"] = currency
	}
	return out
}

func orNothing(amount string) string {
	if amount == "" {
		return "0"
	}
	return amount
}

// share is a percentage as the part of one that the setting is; what is none
// stays as it was typed, and is refused there.
func share(typed string) any {
	percent, err := strconv.ParseFloat(dental.Typed(typed), 64)
	if err != nil {
		return typed
	}
	return json.Number(strconv.FormatFloat(percent/100, 'f', -1, 64))
}

// spare is how many empty rows a list of things shows.
const spare = 2

func mapFields(cl *dental.Clinic, l locale.Locale) []setField {
	var out []setField
	for i := range len(cl.Maps) + spare {
		var m dental.Map
		if i < len(cl.Maps) {
			m = cl.Maps[i]
		}
		at := fmt.Sprintf("maps[%d].", i)
		out = append(out, setField{Kind: "heading", Label: l.Text("desk.settings.map", map[string]string{"n": strconv.Itoa(i + 1)})})
		for _, f := range []setField{textField(l, "maps.name", "text", m.Name), textField(l, "maps.url", "url", m.URL), choice(l, "maps.ask", m.Ask, dental.AskHappy, dental.AskEveryone)} {
			f.Name = at + strings.TrimPrefix(f.Name, "maps.")
			out = append(out, f)
		}
	}
	return out
}

// rows counts the rows of a list of things in a form.
const mostRows = 60

func mapPatch(form url.Values, _ *dental.Clinic) map[string]any {
	list := []any{}
	for i := range mostRows {
		at := fmt.Sprintf("maps[%d].", i)
		name, address := strings.TrimSpace(form.Get(at+"name")), strings.TrimSpace(form.Get(at+"url"))
		if name != "" || address != "" {
			list = append(list, map[string]any{"name": name, "url": address, "ask": form.Get(at + "ask")})
		}
	}
	return map[string]any{"maps": list}
}

func giftFields(cl *dental.Clinic, l locale.Locale) []setField {
	var out []setField
	for i := range len(cl.Gifts) + spare {
		var g dental.Gift
		if i < len(cl.Gifts) {
			g = cl.Gifts[i]
		}
		at := fmt.Sprintf("gifts[%d].", i)
		out = append(out, setField{Kind: "heading", Label: l.Text("desk.settings.gift", map[string]string{"n": strconv.Itoa(i + 1)})},
			setField{Name: at + "id", Kind: "hidden", Value: g.ID})
		for _, f := range []setField{textField(l, "gifts.name", "text", g.Name), textField(l, "gifts.cost", "decimal", typedMoney(g.Cost))} {
			f.Name = at + strings.TrimPrefix(f.Name, "gifts.")
			out = append(out, f)
		}
	}
	return out
}

func giftPatch(form url.Values, cl *dental.Clinic) map[string]any {
	list, taken := []any{}, map[string]bool{}
	for _, g := range cl.Gifts {
		taken[g.ID] = true
	}
	for i := range mostRows {
		at := fmt.Sprintf("gifts[%d].", i)
		name := strings.TrimSpace(form.Get(at + "name"))
		if name == "" && strings.TrimSpace(form.Get(at+"cost")) == "" {
			continue
		}
		id := form.Get(at + "id")
		for n := 1; id == ""; n++ { // a new gift is called by its number
			if own := "gift-" + strconv.Itoa(n); !taken[own] {
				id, taken[own] = own, true
			}
		}
		gift := map[string]any{"id": id, "name": name}
		if cost := dental.Typed(form.Get(at + "cost")); cost != "" {
			gift["cost"] = cost
		}
		list = append(list, gift)
	}
	return map[string]any{"gifts": list}
}

func clubFields(cl *dental.Clinic, l locale.Locale) []setField {
	return []setField{textField(l, "referral.reward", "decimal", typedMoney(cl.Referral.Reward)),
		choice(l, "referral.who", cl.Referral.Who, "both", "referrer", "friend"), numberField(l, "club.visits", cl.ClubVisits, 1, 20)}
}

func clubPatch(form url.Values, _ *dental.Clinic) map[string]any {
	return map[string]any{"club": map[string]any{"visits": number(form.Get("club.visits"))},
		"referral": map[string]any{"reward": orNothing(dental.Typed(form.Get("referral.reward"))), "who": form.Get("referral.who")}}
}

func recallFields(cl *dental.Clinic, l locale.Locale) []setField {
	var out []setField
	for _, kind := range dental.ProcedureKinds() {
		value := ""
		if n := cl.RecallMonths[string(kind)]; n > 0 {
			value = strconv.Itoa(n)
		}
		out = append(out, setField{Name: "recallMonths." + string(kind), Kind: "number", Value: value, Least: 1, Most: 24,
			Label: l.Text("procedure."+string(kind), nil),
			Hint:  l.Text("desk.settings.recall.default", map[string]string{"n": strconv.Itoa(scenario.RecallMonths(kind))})})
	}
	return out
}

func recallPatch(form url.Values, _ *dental.Clinic) map[string]any {
	months := map[string]any{}
	for _, kind := range dental.ProcedureKinds() {
		months[string(kind)] = nil
		if typed := form.Get("recallMonths." + string(kind)); strings.TrimSpace(typed) != "" {
			months[string(kind)] = number(typed)
		}
	}
	return map[string]any{"recallMonths": months}
}

func adviceFields(cl *dental.Clinic, l locale.Locale) []setField {
	return []setField{textField(l, "advice", "area", strings.Join(cl.Advice, "\n")), textField(l, "formerDoctors", "area", strings.Join(cl.FormerDoctors, "\n"))}
}

func advicePatch(form url.Values, _ *dental.Clinic) map[string]any {
	return map[string]any{"advice": lines(form.Get("advice")), "formerDoctors": lines(form.Get("formerDoctors"))}
}

// providerForm names what an account of a provider has; what it means, and
// whether it will do, says the provider's own package.
type providerForm struct {
	name              string
	settings, secrets []string
}

func providers() []providerForm {
	return []providerForm{
		{dental.SMSGate, []string{"sender", "login"}, []string{"apiKey", "password", dental.CallbackSecret, "callbackSecret"}},
		{dental.WhatsAppAccount, []string{"phoneNumberId", "template.service", "template.care", "template.advertising", "language.ru", "language.en", "verifyToken"},
			[]string{"token", "appSecret", dental.CallbackSecret}},
		{dental.Bitrix24, []string{"portal", "user", "responsible"}, []string{"webhook"}},
	}
}

func accountFields(cl *dental.Clinic, l locale.Locale) []setField {
	var out []setField
	for _, of := range providers() {
		account, has := cl.Accounts[of.name]
		at := "accounts." + of.name
		heading := setField{Kind: "heading", Label: l.Text("desk.settings."+at, nil), Hint: l.Text("desk.settings."+at+".about", nil), Name: at}
		out = append(out, heading)
		for _, key := range of.settings {
			out = append(out, setField{Name: at + ".settings." + key, Kind: "text", Value: account.Settings[key], Label: l.Text("desk.settings."+at+"."+key, nil)})
		}
		for _, key := range of.secrets {
			f := setField{Name: at + ".secrets." + key, Kind: "password", Label: l.Text("desk.settings."+at+"."+key, nil)}
			if account.Secrets[key] != "" {
				f.Hint = l.Text("desk.settings.secret.kept", nil)
			}
			out = append(out, f)
		}
		if has {
			out = append(out, setField{Name: at + ".close", Kind: "check", Label: l.Text("desk.settings.account.close", nil)})
		}
	}
	return out
}

func accountPatch(form url.Values, cl *dental.Clinic) map[string]any {
	all := map[string]any{}
	for _, of := range providers() {
		at := "accounts." + of.name
		if form.Has(at + ".close") {
			all[of.name] = nil
			continue
		}
		kept, secret := map[string]any{}, map[string]any{}
		for key, v := range cl.Accounts[of.name].Settings { // those of other pages stay
			if !slices.Contains(of.settings, key) {
				kept[key] = v
			}
		}
		for _, key := range of.settings {
			if v := strings.TrimSpace(form.Get(at + ".settings." + key)); v != "" {
				kept[key] = v
			}
		}
		for _, key := range of.secrets {
			if v := strings.TrimSpace(form.Get(at + ".secrets." + key)); v != "" {
				secret[key] = v
			}
		}
		if _, has := cl.Accounts[of.name]; has || len(kept)+len(secret) > 0 {
			all[of.name] = map[string]any{"settings": kept, "secrets": secret}
		}
	}
	return map[string]any{"accounts": all}
}

// settingsPage is the list of groups, or one of them.
type settingsPage struct {
	shell
	Title  string
	Groups []setLink
	Group  string
	About  string
	Fields []setField
	Rest   []string // what is wrong with none of the fields
	// Of the webhook:
	URL    string
	Secret string // a fresh one, shown once
	Press  string // makes the press for another one single
}

type setLink struct{ Path, Name, About string }

func (p *Pages) settingsShell(r request, group string) settingsPage {
	page := settingsPage{shell: p.shell(r, "/settings", "desk.settings.title"), Group: group}
	page.Title = r.locale.Text("desk.settings.title", nil)
	if group != "" {
		page.Title = r.locale.Text("desk.settings.group."+group, nil)
		page.About = r.locale.Text("desk.settings.group."+group+".about", nil)
	}
	return page
}

func (p *Pages) allSettings(w http.ResponseWriter, r request) error {
	page := p.settingsShell(r, "")
	link := func(path, name, about string) {
		page.Groups = append(page.Groups, setLink{r.home() + path, r.locale.Text(name, nil), r.locale.Text(about, nil)})
	}
	for _, s := range sets() {
		link("/settings/"+s.name, "desk.settings.group."+s.name, "desk.settings.group."+s.name+".about")
	}
	link("/settings/"+webhook, "desk.settings.group."+webhook, "desk.settings.group."+webhook+".about")
	link("/connect", "desk.connect.title", "desk.connect.about")
	link("/look", "desk.look.title", "desk.settings.look.about")
	link("/staff", "desk.staff.title", "desk.settings.staff.about")
	link("/scenarios", "desk.scenarios.title", "desk.settings.scenarios.about")
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "settings", page)
	return nil
}

// setOf finds a group of settings by the path.
func setOf(r request) (set, bool) {
	i := slices.IndexFunc(sets(), func(s set) bool { return s.name == r.PathValue("group") })
	if i < 0 {
		return set{}, false
	}
	return sets()[i], true
}

func (p *Pages) settingsGroup(w http.ResponseWriter, r request) error {
	if r.PathValue("group") == webhook {
		return p.showWebhook(w, r, "")
	}
	s, known := setOf(r)
	if !known {
		return missing()
	}
	page := p.settingsShell(r, s.name)
	page.Fields = numbered(s.fields(r.clinic, r.locale))
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "settings-group", page)
	return nil
}

// numbered gives the fields their ids.
func numbered(fields []setField) []setField {
	for i := range fields {
		fields[i].ID = "f" + strconv.Itoa(i)
		for n := range fields[i].Pair {
			fields[i].Pair[n].ID = fields[i].ID + "-" + strconv.Itoa(n)
		}
	}
	return fields
}

func (p *Pages) showWebhook(w http.ResponseWriter, r request, secret dental.Secret) error {
	page := p.settingsShell(r, webhook)
	page.URL = strings.TrimSuffix(p.Base, "/") + "/v1/clinics/" + url.PathEscape(r.clinic.ID) + "/events"
	page.Secret, page.Press = string(secret), p.draw()
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "settings-webhook", page)
	return nil
}

// secretOverlap is how long the secret before a fresh one goes on verifying:
// time enough to take the new one to the MIS.
const secretOverlap = 24 * time.Hour

// pressSettings keeps one group of settings.
func (p *Pages) pressSettings(w http.ResponseWriter, r request) error {
	if r.PathValue("group") == webhook {
		entry := p.act(r, "secret-rotated", "", "")
		entry.ID = r.form.Get("press")
		secret, err := p.Settings.PressRotate(r.Context(), entry, r.now, secretOverlap)
		if err != nil {
			return err
		}
		return p.showWebhook(w, r, secret)
	}
	s, known := setOf(r)
	if !known {
		return missing()
	}
	patch, err := json.Marshal(s.patch(r.form, r.clinic))
	if err != nil {
		return err
	}
	if _, err := p.Settings.Press(r.Context(), patch, p.act(r, "settings-changed", s.name, r.locale.Text("desk.settings.group."+s.name, nil)), r.now); err != nil {
		return p.refuseSettings(w, r, s, err)
	}
	query := url.Values{}
	p.said(w, r, query, r.locale.Text("desk.settings.saved", nil))
	return back(w, r, "/settings/"+url.PathEscape(s.name), query)
}

// refuseSettings shows the form again as it was sent, with what is wrong at each field.
func (p *Pages) refuseSettings(w http.ResponseWriter, r request, s set, err error) error {
	wrong, _, ours := faults(r.locale, err, "", func(string) bool { return true })
	if !ours {
		if wrong = accountFaults(r.locale, err, r.form); wrong == nil {
			return err
		}
	}
	page := p.settingsShell(r, s.name)
	page.Problem = r.locale.Text("desk.scenarios.wrong", nil)
	page.Fields = numbered(s.fields(r.clinic, r.locale))
	for i := range page.Fields {
		f := &page.Fields[i]
		if f.Kind != "password" && f.Kind != "heading" && f.Kind != "shown" && r.form.Has(f.Name) {
			f.Value = r.form.Get(f.Name)
			for o := range f.Options {
				f.Options[o].Here = f.Options[o].Value == f.Value
			}
		}
		for n := range f.Pair {
			f.Pair[n].Value = r.form.Get(f.Pair[n].Name)
		}
		for _, path := range slices.Sorted(maps.Keys(wrong)) {
			if f.Name != "" && within(path, f.Name) {
				f.Wrong = strings.Join(wrong[path], "; ")
				delete(wrong, path)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(wrong)) {
		page.Rest = append(page.Rest, strings.Join(wrong[path], "; "))
	}
	p.render(w, r.Request, http.StatusUnprocessableEntity, "settings-group", page)
	return nil
}

// within reports whether a fault's path is the field's, or leads into it: a
// field of several lines is a list, and that of a day has two ends.
func within(path, field string) bool { return path == field || strings.HasPrefix(path, field+"[") }

// accountFaults sorts what a provider's package refuses of an account by its
// fields; nil when the error is of no account.
func accountFaults(l locale.Locale, err error, form url.Values) faulty {
	var top *dental.Error
	if !errors.As(err, &top) || !strings.HasPrefix(top.Field, "accounts.") {
		return nil
	}
	out := faulty{}
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
			return
		case *dental.Error:
			if e != top && e.Field != "" {
				name, key := top.Field+"."+e.Field, "desk.settings.account.wrong"
				field := e.Field[strings.LastIndex(e.Field, ".")+1:]
				if own := "desk.connect." + strings.TrimPrefix(top.Field, "accounts.") + "." + field + ".wrong"; l.Has(own) {
					key = own
				}
				if strings.TrimSpace(form.Get(name)) == "" {
					key = "desk.settings.fault.missing"
				}
				out[name] = append(out[name], l.Text(key, nil))
				return
			}
		}
		if inner := errors.Unwrap(err); inner != nil {
			walk(inner)
		}
	}
	walk(err)
	if len(out) == 0 {
		out[top.Field] = []string{l.Text("desk.settings.account.wrong", nil)}
	}
	return out
}
