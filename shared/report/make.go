package report

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
)

// Figures works a clinic's weeks out, as they stand now.
type Figures func(ctx context.Context, cl *dental.Clinic, now time.Time) (Weeks, error)

// Weeks is what a report is made of.
type Weeks struct {
	// Series are weeks from Monday to Sunday, the last one to date.
	Series []measure.Figures
	// Lifts are as measure.Compare gives them: all together first; none, nobody was left alone.
	Lifts   []measure.Lift
	Costs   []dental.Cost
	Ratings []dental.MapRating
	AsOf    time.Time
}

// Week works out what is told of the week that begins on the Monday, as it
// stands now; of the present one so far. NotFound is a week that is not kept.
func (r *Reporter) Week(ctx context.Context, cl *dental.Clinic, monday dental.Date) (Week, error) {
	now := r.Clock()
	weeks, err := r.Figures(ctx, cl, now)
	if err != nil {
		return Week{}, fmt.Errorf("work the weeks out: %w", err)
	}
	at := -1
	for i, f := range weeks.Series {
		if f.From == monday {
			at = i
		}
	}
	if at < 0 {
		return Week{}, dental.Errorf(dental.NotFound, "week", "the week of %s is not among those that are kept", monday)
	}
	tasks, err := r.tasks(ctx, cl, now)
	if err != nil {
		return Week{}, fmt.Errorf("read the tasks: %w", err)
	}
	m := maker{locale: locale.For(cl.Language), clinic: cl, now: now, weeks: weeks, this: weeks.Series[at], tasks: tasks, catalogue: r.Catalogue}
	if at > 0 {
		m.before = &weeks.Series[at-1]
	}
	w := Week{Monday: monday, At: now, Title: m.title()}
	w.First, w.Honest = m.first()
	w.Rows = m.rows()
	for _, f := range weeks.Series[max(0, at-11) : at+1] {
		w.Bars = append(w.Bars, Bar{Label: strconv.Itoa(f.From.Day) + "." + fmt.Sprintf("%02d", int(f.From.Month)), N: f.Back, Shown: m.locale.Number(f.Back)})
	}
	w.Seen = m.seen(w.Bars)
	w.Todo, w.Undone = m.todo(), m.undone()
	return w, nil
}

// maker puts the figures into words.
type maker struct {
	locale    locale.Locale
	clinic    *dental.Clinic
	now       time.Time
	weeks     Weeks
	this      measure.Figures
	before    *measure.Figures
	tasks     []dental.Task
	catalogue catalogue
}

func (m maker) text(key string, pairs ...string) string {
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return m.locale.Text("desk.report."+key, values)
}

func (m maker) title() string {
	last := m.this.From.AddDays(6)
	if last.Month == m.this.From.Month {
		return m.text("title.month", "n", strconv.Itoa(m.this.From.Day), "day", m.locale.DayYear(last))
	}
	return m.text("title", "from", m.locale.Day(m.this.From), "day", m.locale.DayYear(last))
}

// first is the line that matters: how many came back by what they were sent, and
// how many of them because of it, with its bounds, as far as that is known.
func (m maker) first() (line, honest string) {
	back := m.this.Back
	n, amount := strconv.FormatInt(back, 10), m.locale.Money(m.this.BackRevenue)
	if back == 0 {
		return m.text("first.none"), "" // of nobody there is no part to be owed
	}
	if len(m.weeks.Lifts) == 0 || !m.weeks.Lifts[0].Enough {
		return m.text("first", "n", n, "amount", amount), m.unknown()
	}
	all := m.weeks.Lifts[0]
	of := func(share float64) string {
		return m.locale.Number(int64(math.Round(float64(back) * math.Max(share, 0))))
	}
	line = m.text("first.caused", "n", n, "amount", amount, "count", of(all.Caused), "least", of(all.CausedLow), "most", of(all.CausedHigh))
	if all.CausedLow <= 0 {
		return line, m.text("honest.chance")
	}
	return line, m.text("honest.how")
}

// unknown says why nobody can say how many came because of the system.
func (m maker) unknown() string {
	if len(m.weeks.Lifts) == 0 {
		return m.text("honest.nobody")
	}
	if m.weeks.Lifts[0].Enough {
		return ""
	}
	return m.text("honest.few")
}

// rows sets the week beside the one before it.
func (m maker) rows() []Row {
	var out []Row
	add := func(name string, now, before string, change float64, text string, goodUp int) {
		row := Row{Name: m.text("row." + name), Now: now, Before: before}
		if before != "" && text != "" && change != 0 {
			row.Change = m.locale.Signed(change, text)
			switch {
			case change*float64(goodUp) > 0:
				row.Tone = "right"
			case change*float64(goodUp) < 0:
				row.Tone = "wrong"
			}
		}
		out = append(out, row)
	}
	count := func(name string, get func(measure.Figures) int64, goodUp int) {
		now, was, change := get(m.this), "", int64(0)
		if m.before != nil {
			was, change = m.locale.Number(get(*m.before)), now-get(*m.before)
		}
		add(name, m.locale.Number(now), was, float64(change), m.locale.Number(change), goodUp)
	}
	money := func(name string, get func(measure.Figures) dental.Money, goodUp int) {
		now := get(m.this)
		if now.IsZero() {
			return
		}
		was, change := "", dental.Money{}
		if m.before != nil && !get(*m.before).IsZero() {
			was, change = m.locale.Money(whole(get(*m.before))), dental.Money{Minor: whole(now).Minor - whole(get(*m.before)).Minor, Currency: now.Currency}
		}
		add(name, m.locale.Money(whole(now)), was, float64(change.Minor), m.locale.Money(change), goodUp)
	}
	m.share(&out)
	count("visits", func(f measure.Figures) int64 { return f.Visits }, 1)
	money("revenue", func(f measure.Figures) dental.Money { return f.Revenue }, 1)
	money("base", func(f measure.Figures) dental.Money { return f.FromBase }, 1)
	money("average", func(f measure.Figures) dental.Money { return f.Average }, 1)
	count("new", func(f measure.Figures) int64 { return f.NewPatients }, 1)
	if now := m.this.NPS(); now.Answers > 0 {
		was, change, text := "", 0.0, ""
		if m.before != nil && m.before.NPS().Answers > 0 {
			change = math.Round(now.Score) - math.Round(m.before.NPS().Score)
			was, text = m.locale.Decimal(m.before.NPS().Score, 0), m.locale.Decimal(change, 0)
		}
		add("nps", m.locale.Decimal(now.Score, 0), was, change, text, 1)
		out[len(out)-1].Goal = m.text("row.nps.of", "n", strconv.FormatInt(now.Answers, 10))
	}
	count("missed", func(f measure.Figures) int64 { return f.Missed }, -1)
	money("cost", func(f measure.Figures) dental.Money { return f.Cost.Total }, 0)
	return out
}

// whole is money without its smallest units, which nobody reads in a sum of weeks.
func whole(m dental.Money) dental.Money {
	return dental.Money{Minor: int64(math.Round(float64(m.Minor)/100)) * 100, Currency: m.Currency}
}

// share is the row of repeat visits, with the goal.
func (m maker) share(out *[]Row) {
	now, ok := m.this.RepeatVisits.Percent()
	if !ok {
		return
	}
	row := Row{Name: m.text("row.repeat"), Now: m.locale.Percent(now), Goal: m.text("goal.reached", "percent", m.locale.Percent(measure.Goal))}
	if now < measure.Goal {
		row.Goal = m.text("goal.short", "percent", m.locale.Percent(measure.Goal), "n", m.locale.Decimal(measure.Goal-now, 1))
	}
	if m.before != nil {
		if was, ok := m.before.RepeatVisits.Percent(); ok {
			change := math.Round(10*now)/10 - math.Round(10*was)/10
			row.Before = m.locale.Percent(was)
			row.Change = m.text("points", "n", m.locale.Signed(change, m.locale.Decimal(change, 1)))
			switch {
			case change > 0.05:
				row.Tone = "right"
			case change < -0.05:
				row.Tone = "wrong"
			}
		}
	}
	*out = append(*out, row)
}

// seen is the chart in a sentence.
func (m maker) seen(bars []Bar) string {
	if len(bars) < 2 {
		return m.text("seen.one", "n", strconv.FormatInt(m.this.Back, 10))
	}
	total := int64(0)
	for _, b := range bars[:len(bars)-1] {
		total += b.N
	}
	usual := float64(total) / float64(len(bars)-1)
	return m.text("seen", "n", strconv.FormatInt(m.this.Back, 10), "count", m.locale.Decimal(usual, 1))
}
