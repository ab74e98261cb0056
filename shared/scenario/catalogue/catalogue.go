// Package catalogue reads the scenario files, strictly: one error names
// everything that is wrong in all of them. The files beside it are the ones
// the product ships; catalogue/compile turns them into Go for package scenario.
package catalogue

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/message"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/wording"
)

//go:embed *.yaml
var files embed.FS

// Shipped reads the product's own scenarios.
func Shipped() (scenario.Catalogue, error) { return Read(files) }

// file is one scenario as it is written.
type file struct {
	Name     string            `yaml:"name"`
	Title    map[string]string `yaml:"title"`
	On       string            `yaml:"on"`
	Rank     int               `yaml:"rank"`
	Family   string            `yaml:"family"`
	Critical bool              `yaml:"critical"`
	Benefit  benefit           `yaml:"benefit"`
	Audience []gate            `yaml:"audience"`
	Steps    []step            `yaml:"steps"`
}

type benefit struct {
	Kind    string `yaml:"kind"`
	Percent int    `yaml:"percent"`
}

type step struct {
	Name     string                       `yaml:"name"`
	Class    string                       `yaml:"class"`
	Task     string                       `yaml:"task"`
	Off      bool                         `yaml:"off"`
	Reminder bool                         `yaml:"reminder"`
	Exempt   bool                         `yaml:"exempt"`
	Plain    bool                         `yaml:"plain"`
	Fallback string                       `yaml:"fallback"`
	Backlog  span                         `yaml:"backlog"`
	Only     []gate                       `yaml:"only"`
	When     []when                       `yaml:"when"`
	Fresh    span                         `yaml:"fresh"`
	Evening  evening                      `yaml:"evening"`
	Unless   []gate                       `yaml:"unless"`
	Link     string                       `yaml:"link"`
	Texts    map[string]text              `yaml:"texts"`
	Advice   map[string]map[string]string `yaml:"advice"`
}

type when struct {
	For              string `yaml:"for"`
	From             string `yaml:"from"`
	After            span   `yaml:"after"`
	Deadline         *span  `yaml:"deadline"`
	WorkingDayBefore bool   `yaml:"working-day-before"`
	At               string `yaml:"at"`
	Late             late   `yaml:"late"`
	Hours            string `yaml:"hours"`
	Follows          follow `yaml:"follows"`
	Variant          string `yaml:"variant"`
	Season           season `yaml:"season"`
	AfterRecall      bool   `yaml:"after-recall"`
}

type season struct {
	From string `yaml:"from"`
	Over int    `yaml:"over"`
}

type late struct {
	Least  span `yaml:"least"`
	After  span `yaml:"after"`
	Before span `yaml:"before"`
}

type follow struct {
	Step string `yaml:"step"`
	By   span   `yaml:"by"`
}

type evening struct {
	Within span   `yaml:"within"`
	Until  string `yaml:"until"`
}

// gate is a predicate under "unless" (gate) or under "audience" and "only" (is).
type gate struct {
	Gate   string `yaml:"gate"`
	Is     string `yaml:"is"`
	Count  int    `yaml:"count"`
	Within span   `yaml:"within"`
	From   span   `yaml:"from"`
	To     span   `yaml:"to"`
}

type text struct {
	SMS        string   `yaml:"sms"`
	Subject    string   `yaml:"subject"`
	Heading    string   `yaml:"heading"`
	Paragraphs []string `yaml:"paragraphs"`
	Button     string   `yaml:"button"`
}

type span scenario.Span

var spanForm = regexp.MustCompile(`^(-?\d{1,4})(mo|d|h|m)$`)

// UnmarshalYAML reads "1mo", "-2d", "24h", "90m".
func (s *span) UnmarshalYAML(n *yaml.Node) error {
	m := spanForm.FindStringSubmatch(n.Value)
	if m == nil || n.Kind != yaml.ScalarNode {
		// of this type the decoder gathers errors, of any other it stops at the first
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is not a span such as 1mo, -2d, 24h or 90m", n.Line, n.Value)}}
	}
	count, _ := strconv.Atoi(m[1])
	switch m[2] {
	case "mo":
		s.Months = count
	case "d":
		s.Days = count
	case "h":
		s.Exact = time.Duration(count) * time.Hour
	case "m":
		s.Exact = time.Duration(count) * time.Minute
	}
	return nil
}

// Read reads every *.yaml of a folder as a scenario and checks them all.
func Read(fsys fs.FS) (scenario.Catalogue, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("catalogue: list the files: %w", err)
	}
	var out scenario.Catalogue
	var faults []error
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		s, errs := parse(name, raw)
		out = append(out, s)
		for _, err := range errs {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	slices.SortFunc(out, func(a, b scenario.Scenario) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(out); i++ {
		if out[i].Name == out[i-1].Name && out[i].Name != "" {
			faults = append(faults, fmt.Errorf("two files describe the scenario %q", out[i].Name))
		}
	}
	if len(names) == 0 {
		faults = append(faults, errors.New("there is no scenario"))
	}
	if len(faults) > 0 {
		return nil, &dental.Error{Kind: dental.Invalid, Message: "the catalogue does not hold", Err: errors.Join(faults...)}
	}
	return out, nil
}

func parse(name string, raw []byte) (scenario.Scenario, []error) {
	var f file
	var c checker
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	var shape *yaml.TypeError
	switch err := dec.Decode(&f); {
	case errors.Is(err, io.EOF):
		return scenario.Scenario{}, []error{errors.New("the file is empty")}
	case errors.As(err, &shape): // the rest of the file was read
		for _, e := range shape.Errors {
			c.fault("%s", e)
		}
	case err != nil:
		return scenario.Scenario{}, []error{err}
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		c.fault("a file holds one scenario")
	}
	s := convert(f)
	c.s = &s
	if f.Name+path.Ext(name) != path.Base(name) {
		c.fault("the name %q is not the file's", f.Name)
	}
	c.scenario(f)
	return s, c.faults
}

func convert(f file) scenario.Scenario {
	s := scenario.Scenario{Name: f.Name, Title: f.Title, On: scenario.Trigger(f.On), Rank: f.Rank, Family: f.Family, Critical: f.Critical,
		Benefit:  dental.Benefit{Kind: dental.BenefitKind(f.Benefit.Kind), Percent: f.Benefit.Percent},
		Audience: gates(f.Audience)}
	for _, x := range f.Steps {
		st := scenario.Step{Name: x.Name, Class: dental.Class(x.Class), Task: dental.TaskKind(x.Task), Off: x.Off, Reminder: x.Reminder,
			Exempt: x.Exempt, Plain: x.Plain, Fallback: dental.TaskKind(x.Fallback), Backlog: scenario.Span(x.Backlog), Only: gates(x.Only), Unless: gates(x.Unless),
			Fresh: scenario.Span(x.Fresh), Evening: scenario.Evening{Within: scenario.Span(x.Evening.Within), Until: x.Evening.Until},
			Link: dental.Purpose(x.Link), Advice: x.Advice}
		for _, w := range x.When {
			if w.Deadline == nil {
				w.Deadline = new(span)
			}
			st.When = append(st.When, scenario.When{For: w.For, From: w.From, After: scenario.Span(w.After), Deadline: scenario.Span(*w.Deadline),
				WorkingDayBefore: w.WorkingDayBefore, At: w.At, Hours: w.Hours, Variant: w.Variant,
				Season: scenario.Season(w.Season), AfterRecall: w.AfterRecall,
				Late:    scenario.Late{Least: scenario.Span(w.Late.Least), After: scenario.Span(w.Late.After), Before: scenario.Span(w.Late.Before)},
				Follows: scenario.Follow{Step: w.Follows.Step, By: scenario.Span(w.Follows.By)}})
		}
		for key, t := range x.Texts {
			if st.Texts == nil {
				st.Texts = map[string]scenario.Text{}
			}
			st.Texts[key] = scenario.Text(t)
		}
		s.Steps = append(s.Steps, st)
	}
	return s
}

func gates(written []gate) []scenario.Gate {
	var out []scenario.Gate
	for _, g := range written {
		out = append(out, scenario.Gate{Name: g.Gate + g.Is, Count: g.Count, Within: scenario.Span(g.Within), From: scenario.Span(g.From), To: scenario.Span(g.To)})
	}
	return out
}

// triggers are what package scenario documents of each.
var triggers = map[scenario.Trigger]struct {
	times, states []string
	kinds         []string // variants that the facts themselves choose
}{
	scenario.OnVisitDay:         {times: []string{"end", "settled"}},
	scenario.OnAppointment:      {times: []string{"start", "booked", "change"}, states: []string{"standing", "missed", "cancelled"}},
	scenario.OnAnswer:           {times: []string{"answer"}, states: []string{"happy", "neutral", "unhappy", "unrated"}},
	scenario.OnClub:             {times: []string{"end"}, states: []string{"joined", "earned"}},
	scenario.OnReturnDate:       {times: []string{"date", "visit", "later"}, states: []string{"open", "later"}, kinds: kinds()},
	scenario.OnPlan:             {times: []string{"activity"}},
	scenario.OnLastVisit:        {times: []string{"visit"}, kinds: kinds()},
	scenario.OnLastImplant:      {times: []string{"visit"}},
	scenario.OnLastOrthodontics: {times: []string{"visit"}},
	scenario.OnBirthday:         {times: []string{"day"}},
	scenario.OnSeason:           {times: []string{"day"}, kinds: kinds()},
}

func kinds() []string {
	var out []string
	for _, k := range dental.ProcedureKinds() {
		out = append(out, string(k))
	}
	return out
}

var links = []dental.Purpose{"", dental.SurveyLink, dental.AppointmentLink, scenario.BookingLink, dental.OfferLink, dental.GiftLink, dental.ClubLink, dental.ReferralLink}

var tasks = []dental.TaskKind{dental.CallTask, dental.PlanTask, dental.ConfirmTask, dental.FeedbackTask, dental.RebookTask, dental.CallbackTask, dental.WakeTask}

var benefits = []dental.BenefitKind{"", dental.Discount, dental.FreeService}

// checker gathers the faults of one scenario.
type checker struct {
	s      *scenario.Scenario
	at     string
	faults []error
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, errors.New(c.at+fmt.Sprintf(format, args...)))
}

func (c *checker) scenario(f file) {
	s := c.s
	if !stepName.MatchString(s.Name) {
		c.fault("the name %q is not of the form a-z, 0-9 and -", s.Name)
	}
	if s.Rank < 1 || s.Rank > 99 {
		c.fault("rank: %d is not from 1, which leaves first, to 99", s.Rank)
	}
	if s.Family != "" && !stepName.MatchString(s.Family) {
		c.fault("family: %q is not of the form a-z, 0-9 and -", s.Family)
	}
	if b := s.Benefit; !slices.Contains(benefits, b.Kind) || (b.Kind == dental.Discount) != (b.Percent != 0) || b.Percent < 0 || b.Percent > 50 {
		c.fault("benefit: it is a discount with a percent up to 50, or a free-service")
	}
	c.audience("audience", f.Audience, s.Audience)
	if _, ok := triggers[s.On]; !ok {
		c.fault("on: %q is not one of %v", s.On, slices.Sorted(maps.Keys(triggers)))
	}
	c.locales("title", slices.Collect(maps.Keys(s.Title)))
	if len(s.Steps) == 0 {
		c.fault("there is no step")
	}
	for i := range s.Steps {
		c.at = fmt.Sprintf("step %q: ", s.Steps[i].Name)
		if s.Step(s.Steps[i].Name) != &s.Steps[i] {
			c.fault("the name stands twice")
		}
		for _, w := range f.Steps[i].When {
			if w.Deadline == nil {
				c.fault("when: there is no deadline")
			}
		}
		c.audience("only", f.Steps[i].Only, s.Steps[i].Only)
		for _, g := range f.Steps[i].Unless {
			if g.Is != "" {
				c.fault("unless: a gate is named by gate, not by is")
			}
		}
		c.step(&s.Steps[i], s.Steps[:i])
	}
}

// longer reports whether one span ends after another that begins with it.
func longer(a, b scenario.Span) bool {
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return a.AddTo(begin, time.UTC).After(b.AddTo(begin, time.UTC))
}

// suits are the triggers on which a predicate can be told; one that is not here
// can be told of any patient.
var suits = map[string][]scenario.Trigger{
	"complex":    {scenario.OnVisitDay, scenario.OnAnswer, scenario.OnClub},
	"recommends": {scenario.OnVisitDay, scenario.OnAnswer, scenario.OnClub},
	"last-seen":  {scenario.OnSeason},
	"interval":   {scenario.OnReturnDate},
	"apart":      {scenario.OnLastImplant, scenario.OnLastOrthodontics},
}

// audience checks predicates that say whom something is for.
func (c *checker) audience(what string, written []gate, read []scenario.Gate) {
	takes := scenario.AudienceNames()
	for i, g := range read {
		switch t, ok := takes[g.Name]; {
		case written[i].Gate != "":
			c.fault("%s: a predicate is named by is, not by gate", what)
		case !ok:
			c.fault("%s: there is no %q, only %v", what, g.Name, slices.Sorted(maps.Keys(takes)))
		case !t.From && !g.From.IsZero(), !t.To && !g.To.IsZero(), t.From && g.From.IsZero(), g.Count != 0, !g.Within.IsZero():
			c.fault("%s: %q takes from: %t, to: %t", what, g.Name, t.From, t.To)
		case suits[g.Name] != nil && !slices.Contains(suits[g.Name], c.s.On):
			c.fault("%s: %q can be told on %v, not on %s", what, g.Name, suits[g.Name], c.s.On)
		case !g.From.IsZero() && !g.To.IsZero() && !longer(g.To, g.From):
			c.fault("%s: %q ends before it begins", what, g.Name)
		}
	}
}

var stepName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (c *checker) step(st *scenario.Step, before []scenario.Step) {
	if !stepName.MatchString(st.Name) {
		c.fault("the name is not of the form a-z, 0-9 and -")
	}
	if !slices.Contains(dental.Classes(), st.Class) {
		c.fault("class: %q is not one of %v", st.Class, dental.Classes())
	}
	if len(st.When) == 0 {
		c.fault("when: the step has no time")
	}
	for i, w := range st.When {
		c.when(st, w, st.When[:i], before)
	}
	c.scan(st)
	if e := st.Evening; (e.Until == "") != e.Within.IsZero() {
		c.fault("evening: within and until belong together")
	} else if e.Until != "" {
		c.hour("evening", e.Until)
	}
	takes := scenario.GateNames()
	for _, g := range st.Unless {
		switch t, ok := takes[g.Name]; {
		case !ok:
			c.fault("unless: there is no gate %q, only %v", g.Name, slices.Sorted(maps.Keys(takes)))
		case t.Count != (g.Count > 0), t.Within != !g.Within.IsZero(), !g.From.IsZero(), !g.To.IsZero():
			c.fault("unless: the gate %q takes count: %t, within: %t", g.Name, t.Count, t.Within)
		}
	}
	if !slices.Contains(links, st.Link) {
		c.fault("link: %q is not one of %q", st.Link, links[1:])
	}
	if st.Task != "" {
		if !slices.Contains(tasks, st.Task) {
			c.fault("task: %q is not one of %v", st.Task, tasks)
		}
		if len(st.Texts) > 0 || st.Link != "" || st.Plain || st.Fallback != "" {
			c.fault("a task has neither texts nor a link, and nothing to fall back to")
		}
		return
	}
	if st.Fallback != "" && !slices.Contains(tasks, st.Fallback) {
		c.fault("fallback: %q is not one of %v", st.Fallback, tasks)
	}
	if st.Plain && st.Class != dental.Advertising {
		c.fault("plain: only an advertisement may go without its offer")
	}
	c.texts(st)
	if len(st.Advice) > 0 {
		c.locales("advice", slices.Collect(maps.Keys(st.Advice)))
	}
	for _, loc := range slices.Sorted(maps.Keys(st.Advice)) {
		for _, kind := range slices.Sorted(maps.Keys(st.Advice[loc])) {
			if !slices.Contains(dental.ProcedureKinds(), dental.ProcedureKind(kind)) {
				c.fault("advice: %q is not a kind of procedure", kind)
			}
			c.words("advice/"+loc+"/"+kind, loc, st.Class, st.Advice[loc][kind])
		}
	}
}

// scan checks what a daily scan must know of a step.
func (c *checker) scan(st *scenario.Step) {
	switch {
	case st.Backlog.IsZero():
	case !c.s.On.Scanned():
		c.fault("backlog: only what a scan finds has one")
	case !longer(st.Backlog, scenario.Span{}):
		c.fault("backlog: it is written without a minus")
	}
	bounded := func(g scenario.Gate) bool { return g.Name == "last-seen" && !g.To.IsZero() }
	if c.s.On == scenario.OnSeason && !slices.ContainsFunc(slices.Concat(c.s.Audience, st.Only), bounded) {
		c.fault("season: last-seen, from and to, says whom it is for")
	}
}

func (c *checker) when(st *scenario.Step, w scenario.When, others []scenario.When, before []scenario.Step) {
	t := triggers[c.s.On]
	if w.For != "" && !slices.Contains(t.states, w.For) {
		c.fault("for: %q is not one of %v", w.For, t.states)
	}
	if slices.ContainsFunc(others, func(o scenario.When) bool { return o.For == "" || o.For == w.For }) {
		c.fault("for: %q comes after a time that is taken first", w.For)
	}
	if w.From != "" && !slices.Contains(t.times, w.From) {
		c.fault("from: %q is not one of %v", w.From, t.times)
	}
	if w.At != "" {
		c.hour("at", w.At)
	}
	if !slices.Contains([]string{"", "earlier"}, w.Hours) {
		c.fault("hours: %q is not \"earlier\"", w.Hours)
	}
	if s := w.Season; s != (scenario.Season{}) || c.s.On == scenario.OnSeason {
		if _, err := dental.ParseDate("2028-" + s.From); err != nil || s.Over < 1 || s.Over > 31 || c.s.On != scenario.OnSeason {
			c.fault("season: a step on a season has from: MM-DD and over: 1 to 31 working days")
		}
	}
	if w.AfterRecall && c.s.On != scenario.OnLastVisit {
		c.fault("after-recall: it is for what follows a last visit")
	}
	// The deadline counts from the fact; of what a scan finds, from the step's own day.
	fromStart := !c.s.On.Scanned() || w.From != ""
	if fromStart && longer(w.After, w.Deadline) || !fromStart && !longer(w.Deadline, scenario.Span{}) {
		c.fault("deadline: it is over before the step is due")
	}
	if w.Follows.Step != "" && !slices.ContainsFunc(before, func(s scenario.Step) bool { return s.Name == w.Follows.Step }) {
		c.fault("follows: there is no step %q before this one", w.Follows.Step)
	}
	if (w.Late.After.IsZero()) != (w.Late.Before.IsZero()) {
		c.fault("late: after and before belong together")
	}
	if w.Variant != "" && st.Task == "" {
		if _, ok := st.Texts[w.Variant+"/"+locale.Russian.String()]; !ok {
			c.fault("variant: there is no text %q", w.Variant)
		}
	}
}

func (c *checker) hour(what, s string) {
	if _, err := dental.ParseTimeOfDay(s); err != nil {
		c.fault("%s: %v", what, err)
	}
}

// locales holds a set of tags to all the product speaks.
func (c *checker) locales(what string, have []string) {
	var want []string
	for _, l := range locale.All() {
		want = append(want, l.String())
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		c.fault("%s: the languages are %v, not %v", what, have, want)
	}
}

func (c *checker) texts(st *scenario.Step) {
	variants := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(st.Texts)) {
		variant, loc, ok := strings.Cut(key, "/")
		if !ok {
			variant, loc = "", key
		}
		variants[variant] = append(variants[variant], loc)
		c.text(st, key, variant, loc)
	}
	if len(variants[""]) == 0 {
		c.fault("texts: there is none")
	}
	if st.Plain && len(variants[scenario.Plain]) == 0 {
		c.fault("texts: a step that may go plain needs one for that")
	}
	if st.Reminder && len(variants[wording.Several]) == 0 {
		c.fault("texts: a reminder needs one for %q appointments", wording.Several)
	}
	for _, variant := range slices.Sorted(maps.Keys(variants)) {
		c.locales("texts "+variant, variants[variant])
		used := variant == "" || st.Reminder && variant == wording.Several || st.Plain && variant == scenario.Plain || slices.Contains(triggers[c.s.On].kinds, variant) ||
			slices.ContainsFunc(st.When, func(w scenario.When) bool { return w.Variant == variant })
		if !used {
			c.fault("texts: nothing speaks in the variant %q", variant)
		}
	}
}

// text checks the SMS and the e-mail of one step in one language.
func (c *checker) text(st *scenario.Step, key, variant, loc string) {
	subject := wording.Subject{Scenario: c.s, Step: st, Variant: variant, Locale: locale.For(loc)}
	for _, f := range subject.Judge(st.Texts[key]) {
		c.fault("texts/%s/%s: %s", key, f.Part, f.Explain(locale.English))
	}
}

// words checks one text without values, that a text is given as a value.
func (c *checker) words(at, loc string, class dental.Class, source string) {
	template, err := message.Compile(source)
	switch {
	case strings.TrimSpace(source) == "":
		c.fault("%s: there is no text", at)
		return
	case err != nil:
		c.fault("%s: %v", at, err)
		return
	}
	for _, p := range message.Placeholders() {
		if template.Uses(p) {
			c.fault("%s: there is never a {%s} here", at, p)
		}
	}
	for _, f := range message.Check(locale.For(loc), class, dental.SMS, source) {
		c.fault("%s: %s", at, f.Explain(locale.English))
	}
}
