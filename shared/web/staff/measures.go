package staff

import (
	"cmp"
	"context"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/chart"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/store"
)

// measuresTabs are the pages of figures, below /measures.
func measuresTabs() []string { return []string{"", "/scenarios", "/doctors", "/reviews", "/money"} }

func (p *Pages) measuresRoutes() []route {
	page := func(path string, build func(context.Context, *view) error) route {
		return route{path: "/desk/{clinic}/measures" + path, least: dental.Manager,
			get: func(w http.ResponseWriter, r request) error { return p.measures(w, r, path, build) }}
	}
	return append([]route{
		page("", p.overview), page("/scenarios", p.scenarioFigures), page("/doctors", p.doctorFigures), page("/reviews", p.reviewFigures), page("/money", p.moneyFigures),
		{path: "/desk/{clinic}/measures/table.csv", get: p.measuresCSV, least: dental.Manager},
		{path: "/desk/{clinic}/measures/decisions", post: p.decide, least: dental.Manager},
	}, p.entryRoutes()...)
}

// view is one of the pages of figures on its way.
type view struct {
	shell
	Tabs    []place
	Periods []place
	By      desk.Step
	AsOf    string
	// Now names the present period, and Was what it is held against.
	Now, Was string
	Tiles    []tile
	Parts    []panel
	Table    string // the path of the table as a file

	// Of single pages:
	Scenarios []place  // to look at one alone
	Reviews   []review // of the first months
	Costs     []costLine
	Ratings   []ratingLine
	Entry     entry

	r       request
	picture desk.Picture
	now     measure.Figures
	was     measure.Figures // as many days of the period before
}

// tile is one figure.
type tile struct {
	Name, Figure    string
	Was, Change     string
	Tone            string // "up" or "down" for better or worse, "" for neither
	Goal, Note, How string
	Met             bool // the goal is reached
}

// panel is a heading with a chart and the table behind it, or with a table alone.
type panel struct {
	ID, Title, Text string
	SVG             template.HTML
	Seen            string // the chart in a sentence
	Table           chart.Table
	How             string
	Open            bool // the table is the thing itself
}

// periods are the ones that can be chosen.
func periods() []desk.Step { return []desk.Step{desk.ByMonth, desk.ByQuarter, desk.ByYear} }

// measures shows one page of figures.
func (p *Pages) measures(w http.ResponseWriter, r request, path string, build func(context.Context, *view) error) error {
	v, err := p.figures(r, path)
	if err != nil {
		return err
	}
	if err := build(r.Context(), v); err != nil {
		return err
	}
	p.render(w, r.Request, http.StatusOK, "measures", v)
	return nil
}

// figures reads what every page shows some of.
func (p *Pages) figures(r request, path string) (*view, error) {
	v := &view{shell: p.shell(r, "/measures", "desk.measures.title"), r: r, By: desk.Step(r.URL.Query().Get("by"))}
	if v.By == "" {
		v.By = desk.ByMonth
	}
	if !slices.Contains(periods(), v.By) {
		return nil, dental.Errorf(dental.Invalid, "by", "must be month, quarter or year")
	}
	for _, by := range periods() {
		v.Periods = append(v.Periods, place{v.Home + "/measures" + path + "?by=" + string(by), v.T("desk.measures.by." + string(by)), by == v.By})
	}
	for _, tab := range measuresTabs() {
		name := strings.TrimPrefix(tab, "/")
		if name == "" {
			name = "overview"
		}
		v.Tabs = append(v.Tabs, place{v.Home + "/measures" + tab + "?by=" + string(v.By), v.T("desk.measures.tab." + name), tab == path})
	}
	v.Table = v.Home + "/measures/table.csv?by=" + string(v.By)
	measures := &desk.Measures{Store: p.Store}
	var err error
	if v.picture, err = measures.Picture(r.Context(), r.clinic.ID, v.By, r.now); err != nil {
		return nil, err
	}
	series := v.picture.Series
	v.now = series[len(series)-1]
	v.Now = v.days(v.now.Span)
	if len(series) > 1 {
		// The present period is not over: it is held against as many days of the one before.
		before := series[len(series)-2].Span
		if to := before.From.AddDays(v.now.Days() - 1); v.By != desk.ByYear && to.Before(before.To) {
			before.To = to
		}
		if v.was, err = measures.Between(r.Context(), r.clinic.ID, before, r.now); err != nil {
			return nil, err
		}
		v.Was = v.days(before)
	}
	if at := v.picture.AsOf; !at.IsZero() {
		local := at.In(r.clinic.Location())
		v.AsOf = v.T("desk.measures.asof", "date", v.locale.DayWeekday(dental.DateOf(local)), "time", v.locale.Time(dental.TimeOfDayOf(local)))
	}
	return v, nil
}

// days names a stretch of days.
func (v *view) days(s measure.Span) string {
	from := v.locale.Day(s.From)
	if s.From.Year != s.To.Year {
		from = v.locale.DayYear(s.From)
	}
	return v.T("desk.measures.days", "from", from, "day", v.locale.DayYear(s.To))
}

// short names a period under an axis: "ноя 26", "4 кв. 26".
func (v *view) short(f measure.Figures) string {
	if v.By == desk.ByQuarter {
		return v.quarter(f)
	}
	month, _, _ := strings.Cut(v.locale.Month(f.To), " ")
	letters := []rune(month)
	return string(letters[:min(3, len(letters))]) + " " + strconv.Itoa(f.To.Year)[2:]
}

func (v *view) quarter(f measure.Figures) string {
	return v.T("desk.measures.quarter", "n", strconv.Itoa((int(f.From.Month)+2)/3), "day", strconv.Itoa(f.From.Year)[2:])
}

// figure is one figure in its own unit.
type figure struct {
	n     float64
	shown string // "" is not known
	early string // what is said where it is too early to know
	// change writes a difference of two such figures.
	change func(l locale.Locale, d float64) string
}

// none stands where there is no figure.
const none = "—"

func (f figure) String() string {
	return cmp.Or(f.shown, f.early, none)
}

// inPoints writes a difference of two shares.
func inPoints(places int) func(locale.Locale, float64) string {
	return func(l locale.Locale, d float64) string {
		return l.Text("desk.measures.unit.points", map[string]string{"n": l.Signed(d, l.Decimal(d, places))})
	}
}

func (v *view) share(s measure.Share) figure {
	n, ok := s.Percent()
	if !ok {
		return figure{}
	}
	return figure{n: math.Round(10*n) / 10, shown: v.locale.Percent(n), change: inPoints(1)}
}

// money is a sum without its smallest units, which nobody reads in sums of months.
func (v *view) money(m dental.Money) figure {
	if m.IsZero() {
		return figure{}
	}
	write := func(l locale.Locale, minor float64) string {
		return l.Money(dental.Money{Minor: int64(math.Round(minor/100)) * 100, Currency: m.Currency})
	}
	return figure{n: float64(m.Minor), shown: write(v.locale, float64(m.Minor)), change: func(l locale.Locale, d float64) string { return l.Signed(d, write(l, d)) }}
}

func (v *view) count(n int64) figure {
	return figure{n: float64(n), shown: v.locale.Number(n), change: func(l locale.Locale, d float64) string { return l.Signed(d, l.Number(int64(d))) }}
}

func (v *view) nps(n measure.NPS) figure {
	if n.Answers == 0 {
		return figure{}
	}
	score := math.Round(n.Score)
	return figure{n: score, shown: v.locale.Decimal(score, 0), change: func(l locale.Locale, d float64) string { return l.Signed(d, l.Decimal(d, 0)) }}
}

func (v *view) romi(r measure.ROMI) figure {
	if !r.Known {
		return figure{}
	}
	n := math.Round(100 * r.Ratio)
	return figure{n: n, shown: v.locale.Percent(n), change: inPoints(0)}
}

// tile shows a figure beside what it was; better is 1 where more is better, -1
// where less is, and 0 for neither.
func (v *view) tile(name string, now, was figure, better float64) *tile {
	t := tile{Name: v.T("desk.measures." + name), Figure: now.String(), How: v.T("desk.measures.how." + name)}
	if v.Was != "" && was.shown != "" {
		t.Was = v.T("desk.measures.was", "amount", was.shown)
		if d := now.n - was.n; now.shown != "" && d != 0 {
			t.Change = now.change(v.locale, d)
			switch {
			case d*better > 0:
				t.Tone = "up"
			case d*better < 0:
				t.Tone = "down"
			}
		}
	}
	v.Tiles = append(v.Tiles, t)
	return &v.Tiles[len(v.Tiles)-1]
}

// add adds a part, with the words that the catalogue has for it.
func (v *view) add(pt panel) {
	has := func(key string) string {
		if v.locale.Has(key) {
			return v.T(key)
		}
		return ""
	}
	if pt.Title == "" {
		pt.Title = v.T("desk.measures." + pt.ID)
	}
	if pt.Text == "" {
		pt.Text = has("desk.measures." + pt.ID + ".text")
	}
	if pt.How == "" {
		pt.How = has("desk.measures.how." + pt.ID)
	}
	v.Parts = append(v.Parts, pt)
}

// drawn is a chart.
type drawn interface {
	Draw(chart.Size) chart.Drawing
	Table() chart.Table
}

// draw adds a part with a chart; the table is the chart's, which may be added to.
func (v *view) draw(pt panel, seen string, c drawn) *chart.Table {
	pt.Seen, pt.SVG, pt.Table = seen, c.Draw(chart.Page).SVG("c-"+pt.ID), c.Table()
	v.add(pt)
	return &v.Parts[len(v.Parts)-1].Table
}

// over begins a chart of the periods.
func (v *view) over(title string, periods []measure.Figures, short func(measure.Figures) string, series ...chart.Series) chart.Over {
	o := chart.Over{Words: chart.Words{Title: title, Column: v.T("desk.measures.period")}, Series: series}
	for _, f := range periods {
		o.At = append(o.At, short(f))
	}
	o.Text = v.tells(o)
	return o
}

// series is the figures of the periods of one kind.
func series(name string, periods []measure.Figures, get func(measure.Figures) figure) chart.Series {
	s := chart.Series{Name: name}
	for _, f := range periods {
		g := get(f)
		s.Values = append(s.Values, chart.Value{N: g.n, Shown: g.shown})
	}
	return s
}

// tells says what a chart shows: the first figure and the last.
func (v *view) tells(o chart.Over) string {
	s, first, last := o.Series[0], -1, -1
	for i, value := range s.Values {
		if value.Known() {
			if last = i; first < 0 {
				first = i
			}
		}
	}
	switch {
	case first < 0:
		return v.T("desk.measures.seen.nothing")
	case first == last:
		return v.T("desk.measures.seen.one", "name", s.Name, "day", o.At[last], "amount", s.Values[last].Shown)
	}
	return v.T("desk.measures.seen", "name", s.Name, "from", o.At[first], "least", s.Values[first].Shown, "day", o.At[last], "amount", s.Values[last].Shown)
}

// thousands writes the figures of a scale of money shortly.
func (v *view) thousands(minor float64) string {
	n := minor / 100
	switch {
	case math.Abs(n) >= 1_000_000:
		return v.T("desk.measures.millions", "n", v.locale.Decimal(n/1_000_000, 1))
	case math.Abs(n) >= 1000:
		return v.T("desk.measures.thousands", "n", v.locale.Decimal(n/1000, 1))
	}
	return v.locale.Decimal(n, 0)
}

// overview is the owner's first page.
func (p *Pages) overview(ctx context.Context, v *view) error {
	now, was := v.now, v.was
	t := v.tile("repeat-visits", v.share(now.RepeatVisits), v.share(was.RepeatVisits), 1)
	if share, ok := now.RepeatVisits.Percent(); ok {
		goal := v.locale.Percent(measure.Goal)
		t.Goal, t.Met = v.T("desk.measures.goal.short", "percent", goal, "n", v.locale.Decimal(measure.Goal-share, 1)), share >= measure.Goal
		if t.Met {
			t.Goal = v.T("desk.measures.goal.reached", "percent", goal)
		}
	}
	v.tile("repeat-patients", v.share(now.YearRepeatPatients), v.share(was.YearRepeatPatients), 1).Note = v.note("repeat-patients.ever", v.share(now.RepeatPatients))
	v.tile("ltv", v.money(now.LTVYear), v.money(was.LTVYear), 1).Note = strings.TrimSpace(v.factors(now) + " " + v.note("ltv.life", v.money(now.LTVLife)))
	v.tile("average", v.money(now.Average), v.money(was.Average), 1).Note = v.note("average.paid", v.money(now.AveragePaid))
	v.tile("back", v.count(now.Back), v.count(was.Back), 1).Note = v.caused(now)
	v.tile("revenue", v.money(now.Revenue), v.money(was.Revenue), 1).Note = v.T("desk.measures.revenue.note", "amount", v.money(now.FromBase).String(), "least", v.money(now.FromNew).String())
	v.tile("plans", v.share(now.Plans), v.share(was.Plans), 1).Note = v.note("plans.stages", v.share(now.Stages))
	v.tile("nps", v.nps(now.NPS()), v.nps(was.NPS()), 1).Note = v.answers(now)
	v.tile("new", v.count(now.NewPatients), v.count(was.NewPatients), 1)
	v.tile("returned-6", v.share(now.Returned6), v.share(was.Returned6), 1)
	v.tile("returned-12", v.share(now.Returned12), v.share(was.Returned12), 1)
	v.tile("quiet", v.count(now.Quiet6+now.Quiet12), v.count(was.Quiet6+was.Quiet12), -1).Note = v.T("desk.measures.quiet.note", "n", v.locale.Number(now.Quiet6), "count", v.locale.Number(now.Quiet12), "most", v.locale.Number(now.Quiet18))

	share := v.over(v.T("desk.measures.share"), v.picture.Series, v.short,
		series(v.T("desk.measures.repeat-visits"), v.picture.Series, func(f measure.Figures) figure { return v.share(f.RepeatVisits) }))
	share.Goal, share.Tick = chart.Goal{N: measure.Goal, Name: v.T("desk.measures.goal", "percent", v.locale.Percent(measure.Goal))}, v.locale.Percent
	v.draw(panel{ID: "share"}, share.Text, chart.Line{Over: share})

	ltv := v.over(v.T("desk.measures.ltv-quarters"), v.picture.Quarters, v.quarter,
		series(v.T("desk.measures.ltv"), v.picture.Quarters, func(f measure.Figures) figure { return v.money(f.LTVYear) }))
	ltv.Tick = v.thousands
	table := v.draw(panel{ID: "ltv-quarters"}, ltv.Text, chart.Line{Over: ltv})
	table.Head = append(table.Head, v.T("desk.measures.average"), v.T("desk.measures.ltv.life.name"))
	for i, f := range v.picture.Quarters {
		table.Rows[i] = append(table.Rows[i], v.money(f.Average).String(), v.money(f.LTVLife).String())
	}
	if err := p.baseline(ctx, v); err != nil {
		return err
	}
	return p.lookBack(ctx, v)
}

// note is a sentence about a further figure, "" where there is none.
func (v *view) note(key string, f figure) string {
	if f.shown == "" {
		return ""
	}
	return v.T("desk.measures."+key, "amount", f.shown)
}

func (v *view) answers(f measure.Figures) string {
	return v.T("desk.measures.answers", "n", strconv.FormatInt(f.NPS().Answers, 10))
}

// factors are the three of LTV: average receipt × visits a patient × margin.
func (v *view) factors(f measure.Figures) string {
	margin := v.Clinic.MarginPermille
	if margin == 0 {
		return v.T("desk.measures.no-margin")
	}
	if f.LTVYear.Minor == 0 || f.Average.Minor == 0 {
		return ""
	}
	visits := float64(f.LTVYear.Minor) * 1000 / float64(margin) / float64(f.Average.Minor)
	return v.T("desk.measures.factors", "amount", v.money(f.Average).shown, "n", v.locale.Decimal(visits, 2), "percent", v.locale.Percent(float64(margin)/10))
}

// caused says what the returns brought, and how many of them are owed to the
// system, as far as that is known.
func (v *view) caused(f measure.Figures) string {
	revenue, lifts := v.T("desk.measures.back.revenue", "amount", v.money(f.BackRevenue).String()), v.picture.Lifts
	switch {
	case f.Back == 0:
		return revenue
	case len(lifts) == 0:
		return revenue + " " + v.T("desk.measures.lift.nobody")
	case !lifts[0].Enough:
		return revenue + " " + v.T("desk.measures.lift.few")
	}
	of := func(share float64) string {
		return v.locale.Number(int64(math.Round(float64(f.Back) * math.Max(share, 0))))
	}
	return revenue + " " + v.T("desk.measures.back.caused", "n", of(lifts[0].Caused), "least", of(lifts[0].CausedLow), "most", of(lifts[0].CausedHigh))
}

// baseline sets the time since the start beside the year before it.
func (p *Pages) baseline(ctx context.Context, v *view) error {
	base, pt := v.picture.Base, panel{ID: "baseline", Open: true}
	began, today := v.Clinic.Today(v.Clinic.StartedAt), v.Clinic.Today(v.r.now)
	if base == nil || v.Clinic.StartedAt.IsZero() || began.After(today) {
		pt.Text = v.T("desk.measures.baseline.none")
		v.add(pt)
		return nil
	}
	since, err := (&desk.Measures{Store: p.Store}).Between(ctx, v.Clinic.ID, measure.Span{From: began, To: today}, v.r.now)
	if err != nil {
		return err
	}
	pt.Text = v.T("desk.measures.baseline.since", "day", v.locale.DayYear(began))
	pt.Table = chart.Table{Caption: v.T("desk.measures.baseline"), Head: []string{v.T("desk.measures.figure"), v.T("desk.measures.baseline.before"), v.T("desk.measures.baseline.after"), v.T("desk.measures.change")}}
	line := func(name string, before, after figure) {
		change := none
		if before.shown != "" && after.shown != "" {
			change = after.change(v.locale, after.n-before.n)
		}
		pt.Table.Rows = append(pt.Table.Rows, []string{v.T("desk.measures." + name), before.String(), after.String(), change})
	}
	monthly := func(f measure.Figures, m dental.Money) figure {
		return v.money(dental.Money{Minor: m.Minor * 30 / int64(max(f.Days(), 1)), Currency: v.Clinic.Currency})
	}
	line("repeat-visits", v.share(base.RepeatVisits), v.share(since.RepeatVisits))
	// What looks back over months says something of the time since the start only when they are over.
	after := func(months int, f figure) figure {
		if began.AddMonths(months).After(today) {
			return figure{early: v.T("desk.measures.baseline.early")}
		}
		return f
	}
	line("repeat-patients", v.share(base.YearRepeatPatients), after(12, v.share(since.YearRepeatPatients)))
	line("average", v.money(base.Average), v.money(since.Average))
	line("ltv", v.money(base.LTVYear), after(12, v.money(since.LTVYear)))
	line("revenue.monthly", monthly(*base, base.Revenue), monthly(since, since.Revenue))
	line("base.monthly", monthly(*base, base.FromBase), monthly(since, since.FromBase))
	line("plans", v.share(base.Plans), v.share(since.Plans))
	line("returned-6", v.share(base.Returned6), after(6, v.share(since.Returned6)))
	line("points", v.share(base.PointsKept), v.share(since.PointsKept))
	line("quiet", v.count(base.Quiet6+base.Quiet12), v.count(since.Quiet6+since.Quiet12))
	line("stalled", v.count(base.Stalled), v.count(since.Stalled))
	v.add(pt)
	return nil
}

// review is what was decided some days after the start, or is to be.
type review struct {
	Days, Title string
	When        string // the day on which it is due
	Decisions   string
	By          string
	Seen        string // which words the page shows
	Draft       string // what stands in the field
	Due, Open   bool
}

// lookBack lists the reviews of the first months.
func (p *Pages) lookBack(ctx context.Context, v *view) error {
	written, err := p.Store.Reviews(ctx, v.Clinic.ID)
	if err != nil || v.Clinic.StartedAt.IsZero() {
		return err
	}
	began, today := v.Clinic.Today(v.Clinic.StartedAt), v.Clinic.Today(v.r.now)
	for _, days := range dental.ReviewDays() {
		on := began.AddDays(days)
		rv := review{Days: strconv.Itoa(days), Title: v.T("desk.measures.review.after", "n", strconv.Itoa(days)), When: v.locale.DayYear(on), Due: !on.After(today)}
		for _, w := range written {
			if w.Days == days {
				rv.Decisions, rv.Draft, rv.Seen = w.Decisions, w.Decisions, wroteAt(w)
				rv.By = v.T("desk.measures.review.by", "name", w.By, "day", v.locale.DayYear(v.Clinic.Today(w.At)))
			}
		}
		v.Reviews = append(v.Reviews, rv)
	}
	return nil
}

// mostDecisions is how many letters the decisions of a review may have.
const mostDecisions = 4000

// wroteAt names the words of a review by when they were written, "" for none.
func wroteAt(w dental.Review) string {
	if w.At.IsZero() {
		return ""
	}
	return w.At.UTC().Format(time.RFC3339Nano)
}

// undecided shows what somebody else has written of a review meanwhile, with what
// was to be kept in the field.
func (p *Pages) undecided(w http.ResponseWriter, r request, meanwhile dental.Review, said string) error {
	v, err := p.figures(r, "")
	if err != nil {
		return err
	}
	if err := p.overview(r.Context(), v); err != nil {
		return err
	}
	for i := range v.Reviews {
		if v.Reviews[i].Days == strconv.Itoa(meanwhile.Days) {
			v.Reviews[i].Draft, v.Reviews[i].Open = said, true
		}
	}
	v.Problem = v.T("desk.measures.review.meanwhile", "name", meanwhile.By)
	p.render(w, r.Request, http.StatusConflict, "measures", v)
	return nil
}

// decide keeps what was decided at a review. Words that somebody else has written
// since the page was opened are not written over.
func (p *Pages) decide(w http.ResponseWriter, r request) error {
	days, err := strconv.Atoi(r.form.Get("days"))
	said := strings.TrimSpace(r.form.Get("decisions"))
	query := url.Values{}
	switch began := r.clinic.StartedAt; {
	case err != nil || !slices.Contains(dental.ReviewDays(), days) || began.IsZero() || r.clinic.Today(began).AddDays(days).After(r.clinic.Today(r.now)):
		return dental.Errorf(dental.Invalid, "days", "there is no such review yet")
	case said == "" || len([]rune(said)) > mostDecisions:
		p.wronged(w, r, query, r.locale.Text("desk.measures.review.long", map[string]string{"most": r.locale.Number(mostDecisions)}))
		return back(w, r, "/measures", query)
	}
	press, meanwhile := p.draw(), dental.Review{}
	err = store.Retry(r.Context(), func(ctx context.Context) error {
		tx := p.Store.Begin()
		was, err := tx.Review(ctx, r.clinic.ID, days)
		if err != nil || was.Decisions == said {
			return err // in the latter case there is nothing to keep
		}
		if wroteAt(was) != r.form.Get("seen") {
			meanwhile = was
			return nil
		}
		tx.Put(dental.Review{Clinic: r.clinic.ID, Days: days, Decisions: said, By: r.me.Name, At: r.now})
		tx.Put(dental.LogEntry{Clinic: r.clinic.ID, ID: press, At: r.now, By: r.me.Name, Key: r.me.Key, Role: r.me.Role, Action: "review", Subject: strconv.Itoa(days), Detail: beginning(said, 200)})
		return tx.Commit(ctx)
	})
	if err != nil {
		return err
	}
	if meanwhile.Decisions != "" {
		return p.undecided(w, r, meanwhile, said)
	}
	p.said(w, r, query, r.locale.Text("desk.measures.review.kept", nil))
	return back(w, r, "/measures", query)
}

// beginning is that of a text.
func beginning(s string, most int) string {
	letters := []rune(s)
	if len(letters) <= most {
		return s
	}
	return string(letters[:most]) + "…"
}
