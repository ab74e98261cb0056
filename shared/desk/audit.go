package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/audit"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Audits says how a clinic's quiet base stands, and has it counted anew.
type Audits struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
}

// AuditView is the audit of a clinic, ready to show: the last one that was
// finished, and how far the one under way has come.
type AuditView struct {
	Running bool
	// Progress is how far the one under way has come, in words; Looked and Of are the same as numbers.
	Progress   string
	Looked, Of int
	// Done: there is a finished one, of the day On.
	Done   bool
	On     string
	Groups []AuditGroup
	Stake  AuditStake
	// Found is what it has counted.
	Found audit.Figures
}

// AuditGroup is some figures under one heading.
type AuditGroup struct {
	Name  string // that tells it from the others
	Title string
	Note  string // how they are counted, "" where that is plain
	Lines []AuditLine
}

// AuditLine is one figure, as it is said and as a program reads it.
type AuditLine struct {
	Label string
	Shown string
	Share string // of the group's whole, in percent, "" for none
	// Cell is the figure without signs of a language, Percent the share.
	Cell, Percent string
}

// AuditStake is the range of the money at stake, with where it comes from.
type AuditStake struct {
	audit.Stake
	Range string // "" where there is nothing to reckon with
	Why   string // why there is none
	// Lower and Upper are the formula with its figures, Share where the share comes from.
	Lower, Upper, Share string
	// Agreed is how many of the lower bound's may be invited by a message.
	Agreed string
	// Assumed: the share is nobody's measurement.
	Assumed bool
	// From and To are the share as it is typed, in percent.
	From, To string
	// Plans is what is open of treatment plans, apart.
	Plans string
}

// Begin begins an audit as of today; one that is under way is left behind.
func (a *Audits) Begin(ctx context.Context, cl *dental.Clinic, entry dental.LogEntry, now time.Time) error {
	entry.Action = "audit"
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := a.Store.Begin()
		if _, err := tx.Job(ctx, cl.ID, store.AuditID); err != nil {
			return err
		}
		tx.Put(store.Job{Clinic: cl.ID, ID: store.AuditID, Kind: store.AuditJob, Anchor: entry.ID, Day: cl.Today(now), Wake: now, Made: now})
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}

// Assumption is the share of sleeping patients who are taken to come back, in
// percent as somebody typed it; "" and "" is the clinic's own experience, or what
// is assumed without one.
type Assumption struct{ Least, Most string }

// View shows the audit. An assumption that is none is Invalid.
func (a *Audits) View(ctx context.Context, cl *dental.Clinic, as Assumption, l locale.Locale, now time.Time) (AuditView, error) {
	var v AuditView
	tx := a.Store.Begin()
	job, err := tx.Job(ctx, cl.ID, store.AuditID)
	if err != nil {
		return v, err
	}
	run, err := a.read(ctx, tx, cl, store.AuditRun)
	if err != nil {
		return v, err
	}
	if job.ID != "" && job.Done.IsZero() {
		v.Running = true
		v.Progress = l.Text("desk.audit.counting", nil)
		if run.Run == job.Anchor && run.Looked > 0 {
			v.Looked, v.Of = run.Looked, run.Patients
			v.Progress = l.Text("desk.audit.running", map[string]string{"n": strconv.Itoa(run.Looked), "count": strconv.Itoa(run.Patients)})
		}
	}
	found, err := a.read(ctx, tx, cl, store.AuditFound)
	if err != nil || !found.Done {
		return v, err
	}
	v.Done, v.Found = true, found.Figures()
	v.On = l.Text("desk.audit.on", map[string]string{"day": l.DayYear(found.On)})
	v.Groups = groups(cl, v.Found, l)
	v.Stake, err = a.stake(ctx, cl, v.Found, as, l, now)
	return v, err
}

func (a *Audits) read(ctx context.Context, tx *store.Tx, cl *dental.Clinic, page int) (out audit.Audit, err error) {
	stored, err := tx.Result(ctx, cl.ID, store.AuditID, page)
	if err != nil || len(stored.Body) == 0 {
		return out, err
	}
	if err := json.Unmarshal(stored.Body, &out); err != nil {
		return out, fmt.Errorf("desk: read an audit: %w", err)
	}
	return out, nil
}

// grouping lays figures out.
type grouping struct {
	locale.Locale
	out []AuditGroup
}

func (g *grouping) t(key string, pairs ...string) string {
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return g.Text("desk.audit."+key, values)
}

// begin begins a group; it has a note where the catalogue has one.
func (g *grouping) begin(name string) {
	group := AuditGroup{Name: name, Title: g.t("group." + name)}
	if note := "desk.audit.group." + name + ".note"; g.Has(note) {
		group.Note = g.Text(note, nil)
	}
	g.out = append(g.out, group)
}

// line adds a count, with its share of a whole where there is one.
func (g *grouping) line(label string, n, of int64) {
	line := AuditLine{Label: label, Shown: g.Number(n), Cell: strconv.FormatInt(n, 10)}
	if of > 0 {
		share := 100 * float64(n) / float64(of)
		line.Percent = g.decimal(strconv.FormatFloat(share, 'f', 1, 64))
		line.Share = g.t("percent", "percent", line.Percent) // to a tenth in each line, so that a column of them can be read
	}
	g.add(line)
}

// money adds an amount.
func (g *grouping) money(label string, m dental.Money) {
	g.add(AuditLine{Label: label, Shown: g.Money(m), Cell: g.decimal(m.Decimal())})
}

func (g *grouping) add(line AuditLine) {
	last := &g.out[len(g.out)-1]
	last.Lines = append(last.Lines, line)
}

// decimal is a decimal as spreadsheets of the language read it.
func (g *grouping) decimal(s string) string {
	if g.Locale == locale.Russian {
		return strings.ReplaceAll(s, ".", ",")
	}
	return s
}

// receipts heads the receipts of a currency, by its name where it has one here.
func (g *grouping) receipts(currency string) string {
	if named := "desk.audit.receipts." + currency; g.Has(named) {
		return g.Text(named, nil)
	}
	return g.t("receipts", "code", currency)
}

// groups lays the figures of an audit out.
func groups(cl *dental.Clinic, f audit.Figures, l locale.Locale) []AuditGroup {
	g := &grouping{Locale: l}
	g.begin("base")
	g.line(g.t("cards"), f.Cards, 0)
	g.line(g.t("active"), f.Active, f.Cards)
	for _, gone := range f.Gone {
		g.line(capital(l.Reason(gone.Code)), gone.N, f.Cards)
	}
	if f.Bare > 0 {
		g.line(g.t("bare"), f.Bare, f.Cards)
	}
	g.begin("seen")
	for _, s := range f.Segments {
		g.line(g.t("seen."+s.Name), s.Patients, f.Active)
	}
	g.begin("unbooked")
	g.line(g.t("unbooked.all"), f.Unbooked, f.Active)
	for _, s := range f.Segments {
		g.line(g.t("unbooked."+s.Name), s.Unbooked, s.Patients)
	}
	g.line(g.t("asleep"), f.Asleep, f.Active)
	g.line(g.t("asleep.reach"), f.Reachable, f.Asleep)
	g.line(g.t("asleep.agreed"), f.Agreed, f.Reachable)
	g.begin("plans")
	for _, p := range []struct {
		name string
		audit.Plans
	}{{audit.NeverBegun, f.NeverBegun}, {audit.Unfinished, f.Unfinished}} {
		g.line(g.t("plans."+p.name), p.Plans.Plans, 0)
		g.line(g.t("plans."+p.name+".idle"), p.Idle, p.Plans.Plans)
		g.line(g.t("plans."+p.name+".patients"), p.Patients, f.Active)
		for _, m := range p.Open {
			g.money(g.t("plans."+p.name+".open"), m)
		}
		if p.Unpriced > 0 {
			g.line(g.t("plans."+p.name+".unpriced"), p.Unpriced, 0)
		}
	}
	g.begin("reach")
	for _, c := range f.Reach {
		g.line(g.t("reach."+c.Code), c.N, f.Active)
	}
	g.begin("phones")
	for _, c := range f.Phones {
		label := "desk.audit.phone." + c.Code
		if !l.Has(label) { // an issue newer than the texts
			label = "desk.audit.phone.other"
		}
		g.line(l.Text(label, nil), c.N, f.Active)
	}
	g.begin("mails")
	for _, c := range f.Mails {
		g.line(g.t("mail."+c.Code), c.N, f.Active)
	}
	g.begin("consents")
	if !cl.CareConsent.Allows(dental.Care) {
		g.out[len(g.out)-1].Note = g.t("group.consents.explicit")
	}
	for _, c := range f.Consents {
		of := g.t("consent", "class", l.Text("class."+string(c.Class), nil), "channel", l.Text("channel."+string(c.Channel), nil))
		g.line(of+": "+g.t("consent.granted"), c.Granted, f.Active)
		g.line(of+": "+g.t("consent.refused"), c.Refused, f.Active)
		g.line(of+": "+g.t("consent.silent"), c.Silent, f.Active)
		g.line(of+": "+g.t("consent.allowed"), c.Allowed(cl.CareConsent), f.Active)
	}
	g.begin("minors")
	g.line(g.t("minors"), f.Minors, f.Active)
	g.line(g.t("minors.alone"), f.MinorsAlone, f.Minors)
	g.begin("receipts")
	for _, r := range f.Receipts {
		g.line(g.receipts(r.Median.Currency), r.N, 0)
		g.money(g.t("receipts.median"), r.Median)
		g.money(g.t("receipts.mean"), r.Mean)
	}
	if len(f.Receipts) == 0 {
		g.line(g.receipts(cl.Currency), 0, 0)
	}
	return g.out
}

// permille is the largest share, in thousandths.
const permille = 1000

// stake works out what is at stake.
func (a *Audits) stake(ctx context.Context, cl *dental.Clinic, f audit.Figures, as Assumption, l locale.Locale, now time.Time) (AuditStake, error) {
	g := &grouping{Locale: l}
	returns, measured, err := a.returns(ctx, cl, now)
	if err != nil {
		return AuditStake{}, err
	}
	key := "share.assumed"
	if measured {
		key = "share.measured"
	}
	if as.Least != "" || as.Most != "" {
		low, good := perMille(as.Least)
		high, fine := perMille(as.Most)
		if !good || !fine || low > high {
			return AuditStake{}, refuse(dental.Invalid, "least", "desk.audit.wrong.share", nil)
		}
		returns, measured, key = audit.Returns{Low: low, High: high}, false, "share.own"
	}
	v := AuditStake{Stake: f.AtStake(returns, cl.Currency), Assumed: !measured, From: typed(l, returns.Low), To: typed(l, returns.High)}
	least, most := l.Percent(float64(returns.Low)/10), l.Percent(float64(returns.High)/10)
	v.Share = g.t(key, "least", least, "most", most, "n", strconv.FormatInt(returns.Measured.Of, 10), "count", strconv.FormatInt(returns.Measured.All, 10))
	var open []string
	sums := map[string]int64{}
	for _, m := range slices.Concat(f.NeverBegun.Open, f.Unfinished.Open) {
		sums[m.Currency] += m.Minor
	}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		open = append(open, l.Money(dental.Money{Minor: sums[currency], Currency: currency}))
	}
	if len(open) > 0 {
		v.Plans = g.t("stake.plans", "amount", l.Join(open))
	}
	switch {
	case !v.Known:
		v.Why = g.t("stake.no-receipts")
	case v.Asleep == 0:
		v.Why = g.t("stake.nobody")
	default:
		v.Range = g.t("stake.range", "least", l.Money(audit.About(v.Lowest)), "most", l.Money(audit.About(v.Highest)))
		v.Lower = g.t("stake.lower", "n", l.Number(v.Reachable), "percent", least, "amount", l.Money(v.Receipt), "what", l.Money(v.Lowest))
		v.Agreed = g.t("stake.agreed", "n", l.Number(f.Agreed))
		v.Upper = g.t("stake.upper", "n", l.Number(v.Asleep), "percent", most, "amount", l.Money(v.Stake.Most), "what", l.Money(v.Highest))
	}
	return v, nil
}

// returns is the share of sleeping patients who come back: of those to whom the
// scenarios for them wrote in the twelve months to date, as far as there are
// enough of them, else what is assumed.
func (a *Audits) returns(ctx context.Context, cl *dental.Clinic, now time.Time) (audit.Returns, bool, error) {
	today := cl.Today(now)
	totals, err := a.Store.Begin().Totals(ctx, cl.ID, measure.YearTo(today).Periods(today)...)
	if err != nil {
		return audit.Returns{}, false, err
	}
	sums := measure.Sums{}
	for _, t := range totals {
		sums.Plus(t.Sums)
	}
	sent, came := int64(0), int64(0)
	for _, sc := range a.Catalogue {
		if sc.On.Scan() != scenario.ScanSleeping {
			continue
		}
		for _, st := range sc.Steps {
			of := strings.Join([]string{"touch", sc.Name, st.Name, ""}, "/")
			sent, came = sent+sums[of+measure.Sent], came+sums[of+measure.Came]
		}
	}
	if r, known := audit.MeasuredOf(came, sent); known {
		return r, true, nil
	}
	return audit.Assumed(), false, nil
}

// perMille reads a percentage of 0 to 100, to a tenth, as thousandths.
func perMille(percent string) (int64, bool) {
	m, err := dental.ParseMoney(strings.TrimSuffix(dental.Typed(percent), "%"), "RUB") // hundredths, exactly
	if err != nil || m.Minor%10 != 0 || m.Minor/10 > permille {
		return 0, false
	}
	return m.Minor / 10, true
}

// typed is thousandths as a percentage that is typed.
func typed(l locale.Locale, share int64) string { return l.Decimal(float64(share)/10, 1) }

// Table is the audit as rows of cells, the first of which are headings: every
// figure that the page shows, and the formula.
func (v AuditView) Table(l locale.Locale, scenarios []Ahead) [][]string {
	g := &grouping{Locale: l}
	out := [][]string{{g.t("csv.group"), g.t("csv.figure"), g.t("csv.value"), g.t("csv.percent")}}
	out = append(out, []string{v.On, "", "", ""})
	for _, group := range v.Groups {
		for _, line := range group.Lines {
			out = append(out, []string{group.Title, line.Label, line.Cell, line.Percent})
		}
	}
	title := g.t("stake")
	if v.Stake.Range != "" {
		out = append(out, []string{title, g.t("csv.lower"), g.decimal(v.Stake.Lowest.Decimal()), ""}, []string{title, g.t("csv.upper"), g.decimal(v.Stake.Highest.Decimal()), ""})
	}
	for _, said := range []string{v.Stake.Why, v.Stake.Lower, v.Stake.Agreed, v.Stake.Upper, v.Stake.Share, v.Stake.Plans} {
		if said != "" {
			out = append(out, []string{title, said, "", ""})
		}
	}
	for _, s := range scenarios {
		if s.Said != "" {
			out = append(out, []string{g.t("scenarios"), s.Title + ": " + s.Said, "", ""})
		}
	}
	return out
}

// Ahead is what switching on one scenario would do in the coming days, as its
// rehearsal has it.
type Ahead struct {
	Name, Title string
	RehearsalState
	// Said is what the rehearsal came to, in words; "" without one.
	Said string
}

// Ahead says it of every scenario that is off.
func (s *Scenarios) Ahead(ctx context.Context, cl *dental.Clinic, l locale.Locale) ([]Ahead, error) {
	var out []Ahead
	for _, name := range s.Catalogue.Names() {
		if cl.Scenario(name).On {
			continue
		}
		_, sum, state, err := s.sum(ctx, cl, name, l)
		if err != nil {
			return nil, err
		}
		row := Ahead{Name: name, Title: s.Catalogue.Called(name, l.String()), RehearsalState: state}
		if state.Done {
			values := map[string]string{"n": strconv.Itoa(sum.Messages), "count": strconv.Itoa(sum.Reached), "least": strconv.Itoa(sum.Tasks), "amount": l.Money(sum.Cost)}
			key := "desk.audit.ahead"
			if sum.Cost.Minor > 0 {
				key = "desk.audit.ahead.cost"
			}
			row.Said = l.Text(key, values)
		}
		out = append(out, row)
	}
	return out, nil
}

// RehearseAll begins the rehearsal of every scenario that is off, in one write,
// each with so many of its backlog a day where it has one; one that is under way
// is left behind. It reports how many there are.
func (s *Scenarios) RehearseAll(ctx context.Context, cl *dental.Clinic, backlog int, entry dental.LogEntry, now time.Time) (n int, err error) {
	entry.Action = "rehearsal-all"
	var off []string
	for _, name := range s.Catalogue.Names() {
		if !cl.Scenario(name).On {
			off = append(off, name)
		}
	}
	if len(off) == 0 {
		return 0, nil
	}
	all := *cl // every step of it on, to see whether any has a backlog
	all.Scenarios = nil
	return len(off), store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		for _, name := range off {
			if _, err := tx.Job(ctx, cl.ID, store.RehearsalID(name)); err != nil {
				return err
			}
			rate := 0
			if _, _, _, has := s.Catalogue.Find(name).Missed(&all, cl.Today(now)); has {
				rate = backlog
			}
			tx.Put(store.Job{Clinic: cl.ID, ID: store.RehearsalID(name), Kind: store.RehearseJob, Scenario: name, Step: strconv.Itoa(rate), Anchor: entry.ID, Wake: now, Made: now})
		}
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}
