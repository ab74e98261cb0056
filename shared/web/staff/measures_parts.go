package staff

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/chart"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// heads are the headings of a table, by the texts' names.
func (v *view) heads(names ...string) (out []string) {
	for _, name := range names {
		out = append(out, v.T("desk.measures."+name))
	}
	return out
}

// title is a scenario's, in the clinic's language; "" is all of them.
func (p *Pages) title(v *view, name string) string {
	if name == "" {
		return v.T("desk.measures.all")
	}
	if sc := p.Catalogue.Find(name); sc != nil && sc.Title[v.locale.String()] != "" {
		return sc.Title[v.locale.String()]
	}
	return name
}

// scenarioFigures is the page of what each scenario has brought, attributed and caused side by side.
func (p *Pages) scenarioFigures(_ context.Context, v *view) error {
	chosen, sum, skipped := v.r.URL.Query().Get("scenario"), measure.Funnel{}, v.now.Skipped
	to := func(name string) place {
		query := url.Values{"by": {string(v.By)}}
		if name != "" {
			query.Set("scenario", name)
		}
		return place{v.Home + "/measures/scenarios?" + query.Encode() + "#funnel", p.title(v, name), name == chosen}
	}
	lifts := map[string]measure.Lift{}
	for _, l := range v.picture.Lifts {
		lifts[l.Scenario] = l
	}
	v.Scenarios = []place{to("")}
	brought := panel{ID: "brought", Open: true, Table: chart.Table{Caption: v.T("desk.measures.brought"), Head: v.heads("scenario", "step.sent", "back", "back.money", "lift", "romi")}}
	for _, s := range v.now.Scenarios {
		v.Scenarios = append(v.Scenarios, to(s.Name))
		if chosen == "" || chosen == s.Name {
			sum = plus(sum, s.Sum)
		}
		if chosen == s.Name {
			skipped = s.Skipped
		}
		cells := []string{p.title(v, s.Name), v.locale.Number(s.Sum.Sent), none, none, none, none}
		if p.brings(s.Name) {
			copy(cells[2:], []string{v.locale.Number(s.Back), v.money(s.BackRevenue).String(), v.lift(lifts[s.Name]), v.romi(s.ROMI).String()})
		}
		brought.Table.Rows = append(brought.Table.Rows, cells)
	}
	if len(v.now.Scenarios) == 0 {
		brought.Text = v.T("desk.measures.none")
	}
	v.add(brought)
	p.lifts(v)

	funnel := chart.Funnel{Words: chart.Words{Title: v.T("desk.measures.funnel"), Text: v.T("desk.measures.funnel.seen", "n", v.locale.Number(sum.Planned), "count", v.locale.Number(sum.Came)), Column: v.T("desk.measures.step")},
		Count: v.T("desk.measures.count"), Share: v.T("desk.measures.of-planned")}
	for _, step := range []struct {
		name string
		n    int64
	}{{measure.Planned, sum.Planned}, {measure.Sent, sum.Sent}, {measure.Delivered, sum.Delivered}, {measure.Answered, sum.Answered}, {measure.Booked, sum.Booked}, {measure.Came, sum.Came}, {measure.Paid, sum.Paid}} {
		r := chart.Row{Name: v.T("desk.measures.step." + step.name), Value: chart.Value{N: float64(step.n), Shown: v.locale.Number(step.n)}}
		if step.name != measure.Planned {
			r.Note = v.share(measure.Share{Of: step.n, All: sum.Planned}).shown
		}
		funnel.Rows = append(funnel.Rows, r)
	}
	v.draw(panel{ID: "funnel", Title: v.T("desk.measures.funnel.of", "scenario", p.title(v, chosen))}, funnel.Text, funnel)
	v.counts("skipped", skipped, v.locale.Reason)
	return nil
}

// brings reports whether a scenario is to bring patients back at all: one of
// service messages alone reaches those who come anyway.
func (p *Pages) brings(name string) bool {
	sc := p.Catalogue.Find(name)
	return sc == nil || slices.ContainsFunc(sc.Steps, func(s scenario.Step) bool { return s.Class != dental.Service && s.Task == "" })
}

// plus adds two funnels.
func plus(a, b measure.Funnel) measure.Funnel {
	return measure.Funnel{Planned: a.Planned + b.Planned, Sent: a.Sent + b.Sent, Delivered: a.Delivered + b.Delivered, Answered: a.Answered + b.Answered, Booked: a.Booked + b.Booked, Came: a.Came + b.Came, Paid: a.Paid + b.Paid}
}

// lifts shows what scenarios change, each with its bounds.
func (p *Pages) lifts(v *view) {
	if len(v.picture.Lifts) == 0 {
		v.add(panel{ID: "lifts", Text: v.T("desk.measures.lift.nobody")})
		return
	}
	c := chart.Intervals{Words: chart.Words{Title: v.T("desk.measures.lifts"), Text: v.T("desk.measures.lift.few"), Column: v.T("desk.measures.scenario")},
		Estimate: v.T("desk.measures.lift"), Bounds: v.T("desk.measures.bounds"), Tick: func(n float64) string { return v.locale.Decimal(n, 1) }}
	for _, l := range v.picture.Lifts {
		r := chart.Range{Name: p.title(v, l.Scenario), Known: l.Enough, Low: l.Low, At: l.Points, High: l.High, Note: v.T("desk.measures.lift.few.short")}
		if l.Enough {
			r.Shown, r.Between = v.points(l.Points), v.between(l)
			if l.Scenario == "" {
				c.Text = v.T("desk.measures.lifts.seen", "n", r.Shown, "least", v.locale.Decimal(l.Low, 1), "most", v.locale.Decimal(l.High, 1))
			}
		}
		c.Rows = append(c.Rows, r)
	}
	table := v.draw(panel{ID: "lifts"}, c.Text, c)
	table.Head = append(table.Head, v.heads("arm.treated", "arm.alone")...)
	for i, l := range v.picture.Lifts {
		for _, arm := range []measure.Arm{l.Treated, l.LeftAlone} {
			table.Rows[i] = append(table.Rows[i], v.T("desk.measures.arm", "n", v.locale.Number(arm.Came.Of), "count", v.locale.Number(arm.Came.All)))
		}
	}
}

func (v *view) points(n float64) string { return inPoints(1)(v.locale, n) }

func (v *view) between(l measure.Lift) string {
	return v.T("desk.measures.between", "least", v.locale.Decimal(l.Low, 1), "most", v.locale.Decimal(l.High, 1))
}

// lift is what a scenario changes, with its bounds, in a cell.
func (v *view) lift(l measure.Lift) string {
	switch {
	case l.LeftAlone.Came.All == 0:
		return v.T("desk.measures.lift.nobody.short")
	case !l.Enough:
		return v.T("desk.measures.lift.few.short")
	}
	return v.points(l.Points) + " (" + v.between(l) + ")"
}

// counts is a table of codes in words, the most frequent first.
func (v *view) counts(id string, counts []measure.Count, words func(code string) string) {
	pt := panel{ID: id, Open: true, Table: chart.Table{Caption: v.T("desk.measures." + id), Head: v.heads("why", "count")}}
	for _, c := range counts {
		pt.Table.Rows = append(pt.Table.Rows, []string{words(c.Code), v.locale.Number(c.N)})
	}
	if len(counts) == 0 {
		pt.Text = v.T("desk.measures.none")
	}
	v.add(pt)
}

// doctorFigures is the page of the doctors.
func (p *Pages) doctorFigures(_ context.Context, v *view) error {
	doctors := panel{ID: "doctors", Open: true, Table: chart.Table{Caption: v.T("desk.measures.doctors"), Head: v.heads("doctor", "visits", "compliance", "return", "nps", "revenue")}}
	mistakes := panel{ID: "mistakes", Open: true, Table: chart.Table{Caption: v.T("desk.measures.mistakes"), Head: v.heads("doctor")}}
	for _, m := range measure.Mistakes() {
		mistakes.Table.Head = append(mistakes.Table.Head, v.T("desk.measures.mistake."+m))
	}
	var now, was measure.Share
	for _, d := range v.was.Doctors {
		was.Of, was.All = was.Of+d.Compliance.Of, was.All+d.Compliance.All
	}
	for _, d := range v.now.Doctors {
		now.Of, now.All = now.Of+d.Compliance.Of, now.All+d.Compliance.All
		name := d.Name
		if name == "" {
			name = d.ID
		}
		doctors.Table.Rows = append(doctors.Table.Rows, []string{name, v.locale.Number(d.Visits), v.share(d.Compliance).String(), v.share(d.Return).String(), v.nps(d.NPS).String(), v.money(d.Revenue).String()})
		cells := []string{name}
		for _, m := range measure.Mistakes() {
			cells = append(cells, v.share(d.Mistakes[m]).String())
		}
		mistakes.Table.Rows = append(mistakes.Table.Rows, cells)
	}
	v.tile("compliance", v.share(now), v.share(was), 1)
	v.tile("points", v.share(v.now.PointsKept), v.share(v.was.PointsKept), 1)
	if len(v.now.Doctors) == 0 {
		doctors.Text, mistakes.Text = v.T("desk.measures.none"), v.T("desk.measures.none")
	}
	v.add(doctors)
	v.add(mistakes)
	return nil
}

// reviewFigures is the page of answers, ratings, reasons and complaints.
func (p *Pages) reviewFigures(_ context.Context, v *view) error {
	now, was := v.now, v.was
	v.tile("nps", v.nps(now.NPS()), v.nps(was.NPS()), 1).Note = v.answers(now)
	v.tile("good", v.count(now.Good), v.count(was.Good), 1)
	v.tile("bad", v.count(now.Bad), v.count(was.Bad), -1)
	over := v.over(v.T("desk.measures.nps-over"), v.picture.Series, v.short,
		series(v.T("desk.measures.nps"), v.picture.Series, func(f measure.Figures) figure { return v.nps(f.NPS()) }))
	table := v.draw(panel{ID: "nps-over"}, over.Text, chart.Line{Over: over})
	table.Head = append(table.Head, v.heads("good", "fair", "bad")...)
	for i, f := range v.picture.Series {
		table.Rows[i] = append(table.Rows[i], v.locale.Number(f.Good), v.locale.Number(f.Fair), v.locale.Number(f.Bad))
	}
	v.maps()
	v.counts("why-not", now.Why, func(code string) string { return v.words("desk.refusal."+code, code) })
	v.counts("complaints", now.Complaints, func(code string) string { return v.words("desk.cause."+code, code) })
	v.Entry = entry{Rating: true, Press: p.draw(), Today: v.Clinic.Today(v.r.now).String()}
	for _, m := range v.Clinic.Maps {
		v.Entry.Maps = append(v.Entry.Maps, m.Name)
	}
	v.Ratings = v.ratingLines(v.picture.Ratings)
	return nil
}

// words are a text, or the code that has none.
func (v *view) words(key, code string) string {
	if v.locale.Has(key) {
		return v.T(key)
	}
	return code
}

// mostRatings is how many ratings of a map a chart shows, the latest.
const mostRatings = 24

// maps shows what the maps have shown over time, map by map.
func (v *view) maps() {
	by := map[string][]dental.MapRating{}
	var names []string
	for _, r := range v.picture.Ratings {
		if by[r.Map] == nil {
			names = append(names, r.Map)
		}
		by[r.Map] = append(by[r.Map], r)
	}
	for i, name := range names {
		all := by[name][max(0, len(by[name])-mostRatings):]
		o := chart.Over{Words: chart.Words{Title: name, Column: v.T("desk.measures.date")}, Series: []chart.Series{{Name: v.T("desk.measures.rating")}}}
		for _, r := range all {
			o.At = append(o.At, fmt.Sprintf("%d.%02d.%02d", r.On.Day, int(r.On.Month), r.On.Year%100))
			o.Series[0].Values = append(o.Series[0].Values, chart.Value{N: float64(r.Tenths) / 10, Shown: v.rating(r)})
		}
		o.Text = v.tells(o)
		last := all[len(all)-1]
		table := v.draw(panel{ID: "map-" + strconv.Itoa(i), Title: v.T("desk.measures.map", "name", name), Text: v.T("desk.measures.map.text", "amount", v.rating(last), "n", v.locale.Number(int64(last.Reviews)))}, o.Text, chart.Line{Over: o})
		table.Head = append(table.Head, v.T("desk.measures.map.reviews"))
		for k := range table.Rows {
			table.Rows[k] = append(table.Rows[k], v.locale.Number(int64(all[k].Reviews)))
		}
	}
	if len(names) == 0 {
		v.add(panel{ID: "maps", Text: v.T("desk.measures.maps.none")})
	}
}

func (v *view) rating(r dental.MapRating) string { return v.locale.Decimal(float64(r.Tenths)/10, 1) }

// moneyFigures is the page of what it costs and earns.
func (p *Pages) moneyFigures(_ context.Context, v *view) error {
	now, was := v.now, v.was
	v.tile("romi", v.romi(now.Cost.ROMI), v.romi(was.Cost.ROMI), 1)
	v.tile("per-returned", v.money(now.Cost.PerReturned), v.money(was.Cost.PerReturned), -1)
	v.perNew()
	v.tile("open-stages", v.money(now.OpenStages), v.money(was.OpenStages), 0).Note = v.T("desk.measures.stalled.note", "n", v.locale.Number(now.Stalled))

	both := v.over(v.T("desk.measures.base-new"), v.picture.Series, v.short,
		series(v.T("desk.measures.from-base"), v.picture.Series, func(f measure.Figures) figure { return v.money(f.FromBase) }),
		series(v.T("desk.measures.from-new"), v.picture.Series, func(f measure.Figures) figure { return v.money(f.FromNew) }))
	both.Tick = v.thousands
	v.draw(panel{ID: "base-new"}, both.Text, chart.Bars{Over: both})

	c := now.Cost
	spent := panel{ID: "spent", Open: true, Text: v.T("desk.measures.spent.parts", "n", v.locale.Number(c.Parts), "count", v.locale.Number(c.FreeHygienes)),
		Table: chart.Table{Caption: v.T("desk.measures.spent"), Head: v.heads("what", "sum")}}
	for _, line := range []struct {
		name string
		m    dental.Money
	}{{"messages", c.Messages}, {"gifts", c.Gifts}, {"bonuses", c.Bonuses}, {"retention", c.Retention}, {"total", c.Total}, {"acquisition", c.Acquisition}} {
		spent.Table.Rows = append(spent.Table.Rows, []string{v.T("desk.measures.cost." + line.name), v.money(line.m).String()})
	}
	v.add(spent)

	ahead := panel{ID: "forecast", Open: true, Table: chart.Table{Caption: v.T("desk.measures.forecast"), Head: v.heads("ahead", "ahead.booked", "ahead.returns", "ahead.revenue", "bounds")}}
	for _, f := range v.picture.Ahead {
		likely, bounds := v.T("desk.measures.lift.few.short"), none
		if f.Known {
			likely, bounds = v.money(f.Revenue).String(), v.T("desk.measures.between", "least", v.money(f.Low).String(), "most", v.money(f.High).String())
		}
		ahead.Table.Rows = append(ahead.Table.Rows, []string{v.T("desk.measures.ahead.days", "n", strconv.Itoa(f.Days)), v.locale.Number(f.Booked), v.locale.Number(f.Returns), likely, bounds})
	}
	if f := v.picture.Ahead[0]; !f.Likely.IsZero() {
		ahead.Text = v.T("desk.measures.forecast.stages", "amount", v.money(f.Stages).String(), "least", v.money(f.Likely).String())
	}
	v.add(ahead)

	kinds := panel{ID: "kinds", Open: true, Table: chart.Table{Caption: v.T("desk.measures.kinds"), Head: v.heads("kind", "visits", "repeat-visits", "repeat-patients")}}
	for _, k := range now.Kinds {
		kinds.Table.Rows = append(kinds.Table.Rows, []string{v.T("procedure." + string(k.Kind)), v.locale.Number(k.Visits), v.share(k.RepeatVisits).String(), v.share(k.RepeatPatients).String()})
	}
	if len(now.Kinds) == 0 {
		kinds.Text = v.T("desk.measures.none")
	}
	v.add(kinds)
	v.Entry = entry{Cost: true, Press: p.draw(), Today: v.Clinic.Today(v.r.now).String()}
	v.Costs = v.costLines(v.picture.Costs)
	return nil
}

// perNew is what a new patient costs; where nobody has entered what was spent on
// advertising it is not known, rather than nothing.
func (v *view) perNew() {
	cost := func(c measure.Cost) figure {
		if c.Acquisition.Minor == 0 {
			return figure{}
		}
		return v.money(c.PerNew)
	}
	if t := v.tile("per-new", cost(v.now.Cost), cost(v.was.Cost), -1); v.now.Cost.Acquisition.Minor == 0 {
		t.Note = v.T("desk.measures.per-new.none")
	}
}

// measuresCSV is the periods as a table for a spreadsheet: plain numbers, in the
// manner that the spreadsheets of the clinic's language open as columns.
func (p *Pages) measuresCSV(w http.ResponseWriter, r request) error {
	v, err := p.figures(r, "")
	if err != nil {
		return err
	}
	share := func(s measure.Share) string {
		n, ok := s.Percent()
		if !ok {
			return ""
		}
		return strconv.FormatFloat(n, 'f', 2, 64)
	}
	money := func(m dental.Money) string {
		if m.IsZero() {
			return ""
		}
		return m.Decimal()
	}
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	rows := [][]string{{}}
	for _, column := range []string{"from", "to", "visits", "repeat_visits", "repeat_visits_percent", "year_repeat_patients_percent", "new_patients", "revenue", "revenue_base", "revenue_new", "average", "ltv_year", "ltv_life",
		"returned", "returned_revenue", "cost", "acquisition", "romi", "plans_completed_percent", "nps", "nps_answers", "good", "fair", "bad", "quiet_6", "quiet_12", "quiet_18", "missed"} {
		rows[0] = append(rows[0], v.T("desk.measures.csv."+column))
	}
	for _, f := range v.picture.Series {
		romi, nps := "", ""
		if f.Cost.ROMI.Known {
			romi = strconv.FormatFloat(f.Cost.ROMI.Ratio, 'f', 4, 64)
		}
		if f.NPS().Answers > 0 {
			nps = strconv.FormatFloat(f.NPS().Score, 'f', 1, 64)
		}
		rows = append(rows, []string{f.From.String(), f.To.String(), n(f.Visits), n(f.RepeatVisits.Of), share(f.RepeatVisits), share(f.YearRepeatPatients), n(f.NewPatients), money(f.Revenue), money(f.FromBase), money(f.FromNew),
			money(f.Average), money(f.LTVYear), money(f.LTVLife), n(f.Back), money(f.BackRevenue), money(f.Cost.Total), money(f.Cost.Acquisition), romi, share(f.Plans), nps, n(f.NPS().Answers), n(f.Good), n(f.Fair), n(f.Bad),
			n(f.Quiet6), n(f.Quiet12), n(f.Quiet18), n(f.Missed)})
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+r.clinic.ID+"-"+string(v.By)+`.csv"`)
	_, _ = w.Write([]byte("\ufeff")) // by which spreadsheets know UTF-8
	out := csv.NewWriter(w)
	if r.locale == locale.Russian {
		out.Comma = ';'
		for _, row := range rows[1:] {
			for i := range row {
				row[i] = strings.Replace(row[i], ".", ",", 1)
			}
		}
	}
	_ = out.WriteAll(rows) // the reader has gone if this fails
	return nil
}
