package staff

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/status"
)

// cardRoute is a patient's card; its acts stand below it.
const cardRoute = "/desk/{clinic}/patients/{patient}"

func (p *Pages) cardRoutes() []route {
	out := []route{
		{path: cardRoute, get: p.card, least: dental.Administrator},
		{path: cardRoute + "/more", get: p.cardMore, least: dental.Administrator},
		{path: cardRoute + "/export", post: p.export, least: dental.Manager},
	}
	for _, a := range cardActs() {
		out = append(out, route{path: cardRoute + "/" + a.name, post: p.cardAct(a), least: a.least})
	}
	return out
}

// cardAct is one thing that staff do on a card: a form of the card's page, or of
// the page of what is rare, which is more.
type cardAct struct {
	name  string
	least dental.Role
	more  bool
	// grave: the form asks whether one is sure, and without that nothing is done.
	grave bool
	do    func(ctx context.Context, p *Pages, r request, press desk.Press) error
}

func cardActs() []cardAct {
	turn := func(change func(*desk.Cards, context.Context, desk.Press, bool, request) error, to bool) func(context.Context, *Pages, request, desk.Press) error {
		return func(ctx context.Context, p *Pages, r request, press desk.Press) error {
			return change(p.cards(), ctx, press, to, r)
		}
	}
	exclude := func(c *desk.Cards, ctx context.Context, press desk.Press, to bool, r request) error {
		return c.Exclude(ctx, press, to, r.now)
	}
	deceased := func(c *desk.Cards, ctx context.Context, press desk.Press, to bool, r request) error {
		return c.Deceased(ctx, press, to, r.now)
	}
	dispute := func(c *desk.Cards, ctx context.Context, press desk.Press, to bool, r request) error {
		return c.Dispute(ctx, press, to, r.now)
	}
	return []cardAct{
		{name: "grant", least: dental.Administrator, do: grantBonus},
		{name: "spend", least: dental.Administrator, do: spendBonus},
		{name: "free-hygiene", least: dental.Administrator, do: useHygiene},
		{name: "gift", least: dental.Administrator, do: redeemGift},
		{name: "consent", least: dental.Administrator, more: true, do: takeConsent},
		{name: "exclude", least: dental.Administrator, more: true, grave: true, do: turn(exclude, true)},
		{name: "include", least: dental.Administrator, more: true, do: turn(exclude, false)},
		{name: "dispute", least: dental.Administrator, more: true, grave: true, do: turn(dispute, true)},
		{name: "settle", least: dental.Manager, more: true, do: turn(dispute, false)},
		{name: "deceased", least: dental.Administrator, more: true, grave: true, do: turn(deceased, true)},
		{name: "living", least: dental.Administrator, more: true, do: turn(deceased, false)},
		{name: "erase", least: dental.Owner, more: true, grave: true, do: erasePatient},
	}
}

func (p *Pages) cards() *desk.Cards {
	return &desk.Cards{Store: p.Store, Catalogue: p.Catalogue, Rand: p.Rand, Erasure: p.Erase}
}

func (p *Pages) till() *desk.Till {
	return &desk.Till{Store: p.Store, Catalogue: p.Catalogue, Rand: p.Rand}
}

// cardPage is a patient's card, or the page of what is seldom done with it.
type cardPage struct {
	shell
	Card    desk.Head
	Patient dental.Patient
	Path    string
	Press   string // makes each of the page's presses single
	// Sent is what a form that was refused had in it.
	Sent url.Values

	Ahead, Past     []desk.Entry
	Kinds           []place
	Newer, Earlier  string
	CanFree, CanPay bool

	Says              []desk.Say
	Classes, Channels []cardTick
	Today, Wording    string
	Typed             string // what is to be typed to erase the card
	Manager, Owner    bool
	Deceased          bool
}

// cardTick is one checkbox of a form.
type cardTick struct {
	Value, Name string
	Checked     bool
}

// SentIs reports whether a refused form had a value among those of a name.
func (c cardPage) SentIs(name, value string) bool {
	for _, v := range c.Sent[name] {
		if v == value {
			return true
		}
	}
	return false
}

// openCard reads the card that a request is about. Whoever looks at one is named in
// the operator's log, by ids alone: a GET writes nothing else.
func (p *Pages) openCard(r request) (desk.Record, cardPage, error) {
	record, err := p.cards().Read(r.Context(), r.clinic.ID, r.PathValue("patient"))
	if err != nil {
		return record, cardPage{}, err
	}
	p.Log.InfoContext(r.Context(), "card read", "clinic", r.clinic.ID, "patient", record.Card.Patient.ID, "by", r.me.Key)
	page := cardPage{shell: p.shell(r, "/patients", "desk.card.title"), Card: desk.Top(record, r.locale, r.now), Patient: record.Card.Patient,
		Path: cardPath(r, record.Card.Patient.ID), Press: p.draw(), Today: r.clinic.Today(r.now).String(),
		Manager: r.me.Role.May(dental.Manager), Owner: r.me.Role.May(dental.Owner)}
	page.Title = page.Card.Name
	page.CanPay = len(page.Card.Purse) > 0
	page.CanFree = dental.ClubOf(r.clinic, record.Card).Free() > 0
	page.Said, page.Problem = r.noticed()
	return record, page, nil
}

func (p *Pages) card(w http.ResponseWriter, r request) error {
	return p.showCard(w, r, "", http.StatusOK)
}

// entriesShown and bytesShown bound what of a timeline stands on one page.
const (
	entriesShown = 60
	bytesShown   = 14 << 10
)

// showCard answers with the card, and with what was wrong with a form.
func (p *Pages) showCard(w http.ResponseWriter, r request, problem string, code int) error {
	record, page, err := p.openCard(r)
	if err != nil {
		return err
	}
	if page.Sent = r.form; problem != "" {
		page.Said, page.Problem = "", problem
	}
	query := r.URL.Query()
	kind := desk.EntryKind(query.Get("kind"))
	from, _ := strconv.Atoi(query.Get("from")) // what is no number is the beginning
	var past []desk.Entry
	for _, e := range desk.Timeline(record, r.locale, r.now) {
		switch {
		case kind != "" && e.Kind != kind:
		case e.Ahead:
			page.Ahead = append(page.Ahead, e)
		default:
			past = append(past, e)
		}
	}
	from = min(max(from, 0), len(past))
	shown := cardFits(past[from:])
	page.Past = past[from : from+shown]
	at := func(kind desk.EntryKind, from int) string {
		q := url.Values{}
		if kind != "" {
			q.Set("kind", string(kind))
		}
		if from > 0 {
			q.Set("from", strconv.Itoa(from))
		}
		if len(q) == 0 {
			return page.Path
		}
		return page.Path + "?" + q.Encode()
	}
	if from > 0 {
		page.Ahead, page.Newer = nil, at(kind, 0)
	}
	if from+shown < len(past) {
		page.Earlier = at(kind, from+shown)
	}
	page.Kinds = []place{{at("", 0), r.locale.Text("desk.timeline.of.all", nil), kind == ""}}
	for _, k := range desk.EntryKinds() {
		page.Kinds = append(page.Kinds, place{at(k, 0), r.locale.Text("desk.timeline.of."+string(k), nil), k == kind})
	}
	p.render(w, r.Request, code, "card", page)
	return nil
}

// cardFits is how many of the entries a page takes: at least one, where there is any.
func cardFits(entries []desk.Entry) int {
	const markup = 90 // bytes around an entry
	n, bytes := 0, 0
	for _, e := range entries {
		bytes += markup + len(e.Text) + len(e.When) + len(strings.Join(e.Notes, "")) + len(strings.Join(e.Quotes, ""))
		if n == entriesShown || n > 0 && bytes > bytesShown {
			break
		}
		n++
	}
	return n
}

func (p *Pages) cardMore(w http.ResponseWriter, r request) error {
	return p.showMore(w, r, "", http.StatusOK)
}

// showMore answers with the page of what is seldom done.
func (p *Pages) showMore(w http.ResponseWriter, r request, problem string, code int) error {
	record, page, err := p.openCard(r)
	if err != nil {
		return err
	}
	if page.Sent = r.form; problem != "" {
		page.Said, page.Problem = "", problem
	}
	page.Says = desk.Says(record, r.locale, r.now)
	for _, class := range desk.ConsentClasses() {
		page.Classes = append(page.Classes, cardTick{string(class), desk.ClassName(r.locale, class), page.SentIs("class", string(class))})
	}
	for _, ch := range r.clinic.Channels {
		page.Channels = append(page.Channels, cardTick{string(ch), r.locale.Text("channel."+string(ch), nil), page.SentIs("channel", string(ch))})
	}
	page.Wording = r.form.Get("wording")
	page.Deceased = page.Patient.Status == dental.Deceased
	page.Typed = r.locale.Text("desk.card.erase.id", map[string]string{"code": page.Patient.ID})
	if dental.EndingOf(page.Patient.Phone) != "" {
		page.Typed = r.locale.Text("desk.card.erase.digits", nil)
	}
	p.render(w, r.Request, code, "card-more", page)
	return nil
}

// cardAct answers the POST of one form: by the page it stands on, which says
// what was done, or with what was wrong.
func (p *Pages) cardAct(a cardAct) handler {
	return func(w http.ResponseWriter, r request) error {
		show, to := p.showCard, "/patients/"+url.PathEscape(r.PathValue("patient"))
		if a.more {
			show, to = p.showMore, to+"/more"
		}
		if a.grave && r.form.Get("sure") != "on" {
			return show(w, r, r.locale.Text("desk.card.wrong.sure", nil), http.StatusBadRequest)
		}
		err := a.do(r.Context(), p, r, r.cardPress(a.name))
		if words := desk.InWords(r.locale, err); err != nil && words != "" {
			return show(w, r, words, status.Of(err))
		}
		if err != nil {
			return err
		}
		if a.name == "erase" {
			to = "/log"
		}
		query := url.Values{}
		p.said(w, r, query, r.locale.Text("desk.card.said."+a.name, nil))
		return back(w, r, to, query)
	}
}

// cardPress is the press of a form; the forms of one page share an id, which the act tells apart.
func (r request) cardPress(act string) desk.Press {
	press := desk.Press{Clinic: r.clinic.ID, Patient: r.PathValue("patient"), By: r.me.Name, Key: r.me.Key, Role: r.me.Role}
	if id := r.form.Get("press"); id != "" {
		press.ID = id + "." + act
	}
	return press
}

// money reads an amount as people type it: "1 500", "99,50".
func (r request) money(field string) (dental.Money, error) {
	m, err := dental.ParseMoney(dental.Typed(r.form.Get(field)), r.clinic.Currency)
	if err != nil {
		return m, desk.WrongAmount()
	}
	return m, nil
}

func grantBonus(ctx context.Context, p *Pages, r request, press desk.Press) error {
	amount, err := r.money("amount")
	if err != nil {
		return err
	}
	_, err = p.till().Grant(ctx, press, amount, r.form.Get("reason"), r.now)
	return err
}

func spendBonus(ctx context.Context, p *Pages, r request, press desk.Press) error {
	amount, err := r.money("pay")
	if err != nil {
		return err
	}
	_, err = p.till().Spend(ctx, press, amount, r.form.Get("for"), r.now)
	return err
}

func useHygiene(ctx context.Context, p *Pages, r request, press desk.Press) error {
	_, err := p.till().RedeemFreeHygiene(ctx, press, r.now)
	return err
}

func redeemGift(ctx context.Context, p *Pages, r request, press desk.Press) error {
	_, err := p.till().RedeemGift(ctx, press, r.form.Get("code"), r.now)
	return err
}

func takeConsent(ctx context.Context, p *Pages, r request, press desk.Press) error {
	paper := desk.Paper{Granted: r.form.Get("granted") == "yes", Wording: r.form.Get("wording")}
	if !paper.Granted && r.form.Get("granted") != "no" {
		return desk.WrongDecision()
	}
	for _, c := range r.form["class"] {
		paper.Classes = append(paper.Classes, dental.Class(c))
	}
	for _, c := range r.form["channel"] {
		paper.Channels = append(paper.Channels, dental.Channel(c))
	}
	if on := r.form.Get("on"); on != "" {
		day, err := dental.ParseDate(on)
		if err != nil {
			return desk.WrongDay()
		}
		paper.On = day
	}
	return p.cards().Consent(ctx, press, paper, r.now)
}

func erasePatient(ctx context.Context, p *Pages, r request, press desk.Press) error {
	return p.cards().Erase(ctx, press, r.form.Get("typed"), r.now)
}

// export answers a POST with the file: it is a press, which the audit log knows of.
func (p *Pages) export(w http.ResponseWriter, r request) error {
	file, err := p.cards().Export(r.Context(), r.cardPress("export"), r.now)
	if err != nil {
		return err
	}
	name := strings.NewReplacer(":", "_").Replace(r.PathValue("patient"))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="patient-`+name+`.json"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(file)))
	_, _ = w.Write(file) // the reader has gone if this fails
	return nil
}
