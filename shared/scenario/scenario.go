// Package scenario holds what the clinic promises its patients, as data, and
// the pure rules that turn facts into touches.
//
// A scenario is one file of catalogue/: what it hangs on, and its steps with
// their times, gates and texts. The files are compiled into this package by
// catalogue/compile (compiled.go), so that no cold start parses YAML.
//
// Reconcile is the heart: given a patient's card it says which touches the
// facts ask for now, and how the stored ones must change to match. It is used
// when a fact arrives, and Plan again when a touch is about to leave.
package scenario

//go:generate go run ./catalogue/compile

import (
	"cmp"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Catalogue is all scenarios, in the order of their names.
type Catalogue []Scenario

// Scenario is one journey.
type Scenario struct {
	Name  string
	Title map[string]string // by locale, for staff
	On    Trigger           // what it hangs on
	// Rank is the place in the arbiter's order of journeys, the lowest first:
	// what matters more leaves first, and the rest makes room for it.
	Rank int
	// Family joins scenarios that are one to the patient: a "never" to one of
	// them ends all, and who is held out of one is held out of all. "" is the scenario alone.
	Family string
	// Critical: nobody is held out of it for measuring.
	Critical bool
	// Benefit is what it offers where the clinic has set nothing.
	Benefit dental.Benefit
	// Audience are predicates that must all hold for the scenario to concern a patient.
	Audience []Gate
	Steps    []Step
}

// Trigger names the kind of fact that a scenario hangs on, and so the shape of
// its touches' anchors.
type Trigger string

// The triggers.
const (
	// OnVisitDay: a day with a completed visit. Anchor: the day. State: "". Times:
	// end, settled (a complaint about the day was closed).
	OnVisitDay Trigger = "visit-day"
	// OnAppointment: an appointment at one time. Anchor: AppointmentAnchor.
	// States: standing, missed, cancelled. Times: start, booked, change.
	OnAppointment Trigger = "appointment"
	// OnAnswer: what a patient said of a day. Anchor: the day.
	// States: happy, neutral, unhappy, unrated. Times: answer.
	OnAnswer Trigger = "answer"
	// OnClub: a visit day that changed the patient's standing in the club.
	// Anchor: the day. States: joined, earned. Times: end.
	OnClub Trigger = "club"
	// OnReturnDate: the date to come back by. Anchor: the date. States: open,
	// later (the patient asked to be offered again). Times: date, visit, later.
	OnReturnDate Trigger = "return-date"
	// OnPlan: the plan with the latest activity. Anchor: PlanAnchor, plan:day of it. Times: activity.
	OnPlan Trigger = "plan"
	// OnLastVisit: the last visit's day, which is the anchor. Times: visit.
	OnLastVisit Trigger = "last-visit"
	// OnLastImplant: the day of the last implant, which is the anchor. Times: visit.
	OnLastImplant Trigger = "last-implant"
	// OnLastOrthodontics: the day of the last orthodontic visit, which is the anchor. Times: visit.
	OnLastOrthodontics Trigger = "last-orthodontics"
	// OnBirthday: a birthday. Anchor: the year. Times: day.
	OnBirthday Trigger = "birthday"
	// OnSeason: a season of the year. Anchor: the year in which it begins.
	// Times: day, which is the patient's own of the season's days.
	OnSeason Trigger = "season"
)

// Step is one touch of a scenario: a message, or a staff task when Task is set.
type Step struct {
	Name  string
	Class dental.Class
	Task  dental.TaskKind
	// Off: the clinic must switch the step on.
	Off bool
	// Reminder of an own appointment: no ceiling holds it, it has a refusal of
	// its own, and one message speaks of all a household's appointments of the day.
	Reminder bool
	// Exempt from the weekly cap, as a birthday is.
	Exempt bool
	// Plain says the step in the variant "plain", as a service message, to whom
	// an advertisement may not be sent.
	Plain bool
	// Fallback is the task that staff get when no message may or can reach the patient.
	Fallback dental.TaskKind
	// Backlog is how long ago the step's day may be for it to be taken up later;
	// 0: what was missed is missed.
	Backlog Span
	// Only are predicates that must all hold for the step to concern a patient.
	Only []Gate
	// When lists the times by the state of the anchor; the first that fits counts.
	When []When
	// Fresh is how long after the first of the times the fact may reach us; a
	// fact that comes later is recorded as a touch skipped "late-event". 0: always.
	Fresh Span
	// Evening lets a message that follows hard upon its time leave after the sending hours.
	Evening Evening
	Unless  []Gate
	// Link is the page that {link} opens.
	Link dental.Purpose
	// Texts by locale, or "variant/locale" for a When with a Variant.
	Texts map[string]Text
	// Advice by locale and kind of procedure fills {advice}.
	Advice map[string]map[string]string
}

// Text is what one step says in one language.
type Text = dental.Text

// Plain is the variant of a text without its advertisement.
const Plain = "plain"

// BookingLink leads to the clinic's own booking page, which is no patient's link.
const BookingLink dental.Purpose = "booking"

// When is the time of a step.
type When struct {
	For      string // state of the anchor; "" is any
	From     string // name of a time of the trigger; "" is its first
	After    Span   // added to it; negative is before
	Deadline Span   // added to From: when it is too late
	// WorkingDayBefore moves the date to the last working day before it, and At sets the time of day.
	WorkingDayBefore bool
	At               string
	// Late is for what was booked after the time had passed.
	Late Late
	// Hours says where a time outside the sending hours goes: "later" (default),
	// "earlier" (to the evening before) or "any" (it does not matter: a task).
	Hours string
	// Follows keeps a distance from another step: at the earliest By after it left.
	Follows Follow
	// Season is the stretch of the year that the step is spread over.
	Season Season
	// Variant picks another text.
	Variant string
	// AfterRecall puts the step off until the return date has passed and the
	// recall's journey is over.
	AfterRecall bool
}

// Season begins on a day of the year and goes on for some of the clinic's
// working days. Each patient has one of them, by the day of the month of the last visit.
type Season struct {
	From string // MM-DD
	Over int
}

// Late is the rule for a booking that came after the step's time: not at all
// with less than Least left, else the later of After the booking and Before the start.
type Late struct {
	Least, After, Before Span
}

// Follow ties a step to another of the same scenario.
type Follow struct {
	Step string
	By   Span
}

// Evening lets a message leave until Until when it leaves within Within of its time.
type Evening struct {
	Within Span
	Until  string // HH:MM
}

// Gate is a predicate by name with its parameters. One that stands under
// "unless" keeps a touch from leaving; see gates.go for the names and which
// parameters each takes. One that stands under "audience" or "only" says whom
// a scenario or a step is for; see audience.go.
type Gate struct {
	Name   string
	Count  int
	Within Span
	From   Span
	To     Span
}

// Find gives the scenario of a name, or nil.
func (c Catalogue) Find(name string) *Scenario {
	i := slices.IndexFunc(c, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &c[i]
}

// ServiceOnly reports whether all that the scenario says is about visits that
// were or will be.
func (s *Scenario) ServiceOnly() bool {
	return !slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Class != dental.Service })
}

// Step gives the step of a name, or nil.
func (s *Scenario) Step(name string) *Step {
	i := slices.IndexFunc(s.Steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Steps[i]
}

// Step gives a step by both names, or nil.
func (c Catalogue) Step(scenario, step string) *Step {
	if s := c.Find(scenario); s != nil {
		return s.Step(step)
	}
	return nil
}

// AsksAgain reports whether the step asks a patient whose complaint was closed
// how it is now.
func (s *Step) AsksAgain() bool {
	return slices.ContainsFunc(s.When, func(w When) bool { return w.From == "settled" })
}

// Text gives the step's text in a locale, in a variant if there is one of it.
func (s *Step) Text(variant, locale string) Text { return s.TextOf(nil, variant, locale) }

// TextOf is Text with a clinic's own texts, ScenarioSettings.Texts, before the catalogue's.
func (s *Step) TextOf(own map[string]Text, variant, locale string) Text {
	key := locale
	if _, ok := s.Texts[variant+"/"+locale]; ok {
		key = variant + "/" + locale
	} else {
		variant = ""
	}
	if t, ok := own[dental.TextKey(s.Name, variant, locale)]; ok {
		return t
	}
	return s.Texts[key]
}

// Names lists the scenarios in the order of their rank.
func (c Catalogue) Names() []string {
	var out []string
	for _, s := range slices.SortedStableFunc(slices.Values(c), func(a, b Scenario) int { return cmp.Or(a.Rank-b.Rank, cmp.Compare(a.Name, b.Name)) }) {
		out = append(out, s.Name)
	}
	return out
}

// rank is a scenario's place, above all for one that is not known.
func (c Catalogue) rank(name string) int {
	if s := c.Find(name); s != nil {
		return s.Rank
	}
	return 1 << 16
}

// Called is the scenario's title in a language, its name when it is not known.
func (c Catalogue) Called(name, language string) string {
	if s := c.Find(name); s != nil {
		return cmp.Or(s.Title[language], name)
	}
	return name
}

// family is what the scenario is to the patient.
func (c Catalogue) family(name string) string {
	if s := c.Find(name); s != nil {
		return cmp.Or(s.Family, name)
	}
	return name
}

// On reports whether a clinic with the settings of the scenario runs the step.
func (s *Step) On(settings dental.ScenarioSettings) bool {
	if on, set := settings.Steps[s.Name]; set {
		return on
	}
	return !s.Off
}

// Span is a stretch of time: calendar months and days are counted on the
// clinic's calendar, the rest exactly. Written "1mo", "-2d", "24h", "90m".
type Span struct {
	Months, Days int
	Exact        time.Duration
}

// AddTo moves an instant by the span on the calendar of its location.
func (s Span) AddTo(t time.Time, loc *time.Location) time.Time {
	if s.Months != 0 || s.Days != 0 {
		t = dental.DateOf(t.In(loc)).AddMonths(s.Months).AddDays(s.Days).AtTimeOf(t, loc)
	}
	return t.Add(s.Exact)
}

// IsZero reports whether the span is nothing.
func (s Span) IsZero() bool { return s == Span{} }

// Follows is the step that this one keeps its distance from, or "".
func (s *Step) Follows() string {
	for _, w := range s.When {
		if w.Follows.Step != "" {
			return w.Follows.Step
		}
	}
	return ""
}
