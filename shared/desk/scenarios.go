package desk

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/wording"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Scenarios says what a clinic can promise its patients, what it does promise,
// and what a further promise would bring.
type Scenarios struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	// Foresee is asked for the texts that a rehearsal shows.
	Foresee Foresee
}

// ScenarioLine is one scenario in the list of all.
type ScenarioLine struct {
	Name  string
	Title string
	On    bool
	Since string // since when it is on, "" where that is not known
	Does  []string
	Week  string // what it did in the last seven days, "" where it is off and did nothing
}

// weekDays is how many days, with today, the list speaks of.
const weekDays = 7

// List lists all scenarios in the order of their rank.
func (s *Scenarios) List(ctx context.Context, cl *dental.Clinic, l locale.Locale, now time.Time) ([]ScenarioLine, error) {
	sums, err := s.week(ctx, cl, now)
	if err != nil {
		return nil, err
	}
	var out []ScenarioLine
	for _, name := range s.Catalogue.Names() {
		out = append(out, s.line(cl, s.Catalogue.Find(name), l, sums))
	}
	return out, nil
}

// week adds the last days' figures up.
func (s *Scenarios) week(ctx context.Context, cl *dental.Clinic, now time.Time) (measure.Sums, error) {
	var days []string
	for i := range weekDays {
		days = append(days, cl.Today(now).AddDays(-i).String())
	}
	totals, err := s.Store.Begin().Totals(ctx, cl.ID, days...)
	if err != nil {
		return nil, err
	}
	sums := measure.Sums{}
	for _, t := range totals {
		sums.Plus(t.Sums)
	}
	return sums, nil
}

func (s *Scenarios) line(cl *dental.Clinic, sc *scenario.Scenario, l locale.Locale, sums measure.Sums) ScenarioLine {
	set := cl.Scenario(sc.Name)
	line := ScenarioLine{Name: sc.Name, Title: cmp.Or(sc.Title[l.String()], sc.Name), On: set.On}
	if set.On && !set.Since.IsZero() {
		line.Since = l.Text("desk.scenarios.since", map[string]string{"day": l.DayYear(set.Since)})
	}
	for i := range sc.Steps {
		if sc.Steps[i].On(set) {
			line.Does = append(line.Does, Does(l, cl, sc, &sc.Steps[i]))
		}
	}
	sent, tasks := int64(0), int64(0)
	for _, st := range sc.Steps {
		sent += sums[strings.Join([]string{"touch", sc.Name, st.Name, measure.Sent}, "/")]
		tasks += sums[strings.Join([]string{"task", sc.Name, st.Name}, "/")]
	}
	var did []string
	for _, x := range []struct {
		key string
		n   int64
	}{{"sent", sent}, {"tasks", tasks}, {"back", sums["back/"+sc.Name]}} {
		if x.n > 0 {
			did = append(did, l.Text("desk.scenarios.week."+x.key, map[string]string{"n": strconv.FormatInt(x.n, 10)}))
		}
	}
	switch {
	case len(did) > 0:
		line.Week = l.Text("desk.scenarios.week", map[string]string{"list": l.Join(did)})
	case set.On:
		line.Week = l.Text("desk.scenarios.week.none", nil)
	}
	return line
}

// ScenarioView is one scenario with all that can be said of it and set.
type ScenarioView struct {
	ScenarioLine
	Who   []string // for whom it is
	Steps []StepView
	// Backlog: there are patients whose day has passed, who can be taken up.
	Backlog bool
	// Release: it sends offers, which can wait for staff. Holdout: patients may be left alone for comparison.
	Release, Holdout bool
	// Offers: it has a benefit to name. Shipped is the catalogue's, in words.
	Offers  bool
	Shipped string
	// Set is how the clinic runs it.
	Set dental.ScenarioSettings
	// Answers: it answers to events, and plans nothing by the calendar.
	Answers   bool
	Rehearsed RehearsalState
}

// StepView is one step of a scenario.
type StepView struct {
	Name   string
	Does   string
	On     bool
	Offset int
	Unless []string
	// Texts: it is a message, whose words can be changed.
	Texts bool
}

// One says everything about a scenario; one that is not known is NotFound.
func (s *Scenarios) One(ctx context.Context, cl *dental.Clinic, name string, l locale.Locale, now time.Time) (ScenarioView, error) {
	sc := s.Catalogue.Find(name)
	if sc == nil {
		return ScenarioView{}, dental.Errorf(dental.NotFound, "", "there is no scenario %q", name)
	}
	sums, err := s.week(ctx, cl, now)
	if err != nil {
		return ScenarioView{}, err
	}
	set := cl.Scenario(name)
	v := ScenarioView{ScenarioLine: s.line(cl, sc, l, sums), Set: set, Who: who(l, sc), Answers: !sc.On.Scanned(),
		Holdout: !sc.Critical && !sc.ServiceOnly(), Shipped: l.Benefit(sc.Benefit)}
	v.Set.Release = cmp.Or(set.Release, dental.ReleaseStaff)
	all := *cl // every step of it on, to see whether any has a backlog
	all.Scenarios = nil
	_, _, _, v.Backlog = sc.Missed(&all, cl.Today(now))
	for i := range sc.Steps {
		st := &sc.Steps[i]
		step := StepView{Name: st.Name, Does: Does(l, cl, sc, st), On: st.On(set), Offset: set.Offsets[st.Name], Texts: len(st.Texts) > 0}
		for _, g := range st.Unless {
			step.Unless = append(step.Unless, l.Text("desk.scenarios.unless."+g.Name, nil))
		}
		v.Steps = append(v.Steps, step)
		v.Release = v.Release || st.Class == dental.Advertising && st.Task == ""
		v.Offers = v.Offers || st.Class == dental.Advertising && st.Link != dental.GiftLink && st.Link != dental.ReferralLink
	}
	v.Rehearsed, err = s.rehearsed(ctx, cl, name, l)
	return v, err
}

// who says for whom a scenario is.
func who(l locale.Locale, sc *scenario.Scenario) []string {
	out := []string{l.Text("desk.scenarios.for."+string(sc.On), nil)}
	for _, g := range sc.Audience {
		if said := audience(l, g); !slices.Contains(out, said) {
			out = append(out, said)
		}
	}
	return out
}

// audience is one condition in a sentence.
func audience(l locale.Locale, g scenario.Gate) string {
	key := "desk.scenarios.is." + g.Name
	if !g.To.IsZero() && l.Has(key+".bounded") {
		key += ".bounded"
	}
	return l.Text(key, map[string]string{"least": span(l, g.From, "of"), "most": span(l, g.To, "of")})
}

// Does is what a step does and when, in a sentence.
func Does(l locale.Locale, cl *dental.Clinic, sc *scenario.Scenario, st *scenario.Step) string {
	var times []string
	for _, w := range st.When {
		if said := when(l, sc, w); !slices.Contains(times, said) {
			times = append(times, said)
		}
	}
	word := strings.Join(times, "; ")
	if by := cl.Scenario(sc.Name).Offsets[st.Name]; by != 0 {
		key := "desk.scenarios.when.moved.later"
		if by < 0 {
			key = "desk.scenarios.when.moved.earlier"
		}
		word = l.Text(key, map[string]string{"word": word, "span": span(l, scenario.Span{Days: max(by, -by)}, "span")})
	}
	if st.Task != "" {
		return l.Text("desk.scenarios.does.task", map[string]string{"name": l.Text("kind."+string(st.Task), nil), "word": word})
	}
	return l.Text("desk.scenarios.does.message", map[string]string{"what": says(l, cl, sc, st), "class": l.Text("class."+string(st.Class), nil), "word": word})
}

// says is what a step's message is called on a card, and of one without such a
// name what its letter is headed, as an example of what it is about.
func says(l locale.Locale, cl *dental.Clinic, sc *scenario.Scenario, st *scenario.Step) string {
	if key := "desk.timeline.step." + sc.Name + "." + st.Name; l.Has(key) {
		return l.Text(key, nil)
	}
	subject := wording.Subject{Scenario: sc, Step: st, Locale: l}
	values := subject.Sample(cl, wording.Ordinary, "")
	values[message.Given] = ""
	template, err := message.Compile(st.TextOf(cl.Scenario(sc.Name).Texts, "", l.String()).Heading)
	if err != nil {
		return ""
	}
	return strings.TrimRight(template.Render(values, 0).Text, ".!")
}

// when is the time of a step in words.
func when(l locale.Locale, sc *scenario.Scenario, w scenario.When) string {
	event := ""
	for _, part := range []string{w.For, w.From} {
		if key := "desk.scenarios.event." + string(sc.On) + "." + part; part != "" && event == "" && l.Has(key) {
			event = l.Text(key, nil)
		}
	}
	event = cmp.Or(event, l.Text("desk.scenarios.event."+string(sc.On), nil))
	said := ""
	switch before, after := negative(w.After); {
	case w.Season != scenario.Season{}:
		begin, _ := dental.ParseDate("2028-" + w.Season.From)
		said = l.Text("desk.scenarios.when.season", map[string]string{"n": strconv.Itoa(w.Season.Over), "day": l.Day(begin)})
	case w.WorkingDayBefore:
		said = l.Text("desk.scenarios.when.working", map[string]string{"event": event})
	case sc.On == scenario.OnBirthday && w.After.IsZero():
		said = l.Text("desk.scenarios.when.birthday", nil)
	case w.After.IsZero():
		said = l.Text("desk.scenarios.when.at", map[string]string{"event": event})
	case before:
		said = l.Text("desk.scenarios.when.before", map[string]string{"span": span(l, after, "span"), "event": event})
	default:
		said = l.Text("desk.scenarios.when.after", map[string]string{"span": span(l, after, "span"), "event": event})
	}
	if w.At != "" {
		at, _ := dental.ParseTimeOfDay(w.At) // the catalogue's check let only good ones in
		said = l.Text("desk.scenarios.when.time", map[string]string{"word": said, "time": l.Time(at)})
	}
	return said
}

// negative reports whether a span leads back, and gives its length.
func negative(s scenario.Span) (back bool, length scenario.Span) {
	if s.Months < 0 || s.Days < 0 || s.Exact < 0 {
		return true, scenario.Span{Months: -s.Months, Days: -s.Days, Exact: -s.Exact}
	}
	return false, s
}

// span is a stretch of time in words, in the form that the prefix of its texts is for.
func span(l locale.Locale, s scenario.Span, form string) string {
	var parts []string
	add := func(unit string, n int) {
		if n != 0 {
			parts = append(parts, l.Text("desk.scenarios."+form+"."+unit, map[string]string{"n": strconv.Itoa(n)}))
		}
	}
	add("months", s.Months)
	add("days", s.Days)
	add("hours", int(s.Exact/time.Hour))
	return l.Join(parts)
}
