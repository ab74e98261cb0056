package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// milestone is what a scan looks up for the trigger, "" for one that is planned
// as soon as its fact is known.
func (t Trigger) milestone() dental.MilestoneKind {
	switch t {
	case OnReturnDate:
		return dental.ReturnPoint
	case OnPlan:
		return dental.PlanActivity
	case OnLastVisit, OnSeason:
		return dental.LastVisit
	case OnLastImplant:
		return dental.LastImplant
	case OnLastOrthodontics:
		return dental.LastOrthodontics
	case OnBirthday:
		return dental.Birthday
	}
	return ""
}

// first is the time that counts when a When of the trigger names none.
func (t Trigger) first() string {
	switch t {
	case OnVisitDay, OnClub:
		return "end"
	case OnAppointment:
		return "start"
	case OnAnswer:
		return "answer"
	case OnReturnDate:
		return "date"
	case OnPlan:
		return "activity"
	case OnLastVisit, OnLastImplant, OnLastOrthodontics:
		return "visit"
	case OnBirthday, OnSeason:
		return "day"
	}
	return ""
}

// Scanned reports whether a trigger's touches are planned by a daily scan, on
// the day that each falls due, and not as soon as their fact is known.
func (t Trigger) Scanned() bool { return t.milestone() != "" }

// The daily scans, each of them a function of its own.
const (
	ScanSleeping  = "sleeping"
	ScanBirthdays = "birthdays"
	ScanOccasions = "occasions"
)

// Scan names the daily scan that looks up what hangs on the trigger; "" for
// what is planned as soon as its fact is known.
func (t Trigger) Scan() string {
	switch {
	case !t.Scanned():
		return ""
	case t == OnLastVisit:
		return ScanSleeping
	case t == OnBirthday:
		return ScanBirthdays
	}
	return ScanOccasions
}

// Calendar lists the subjects of a card that scans look up, as the facts have them on the day.
func Calendar(card *dental.Card, today dental.Date) []Subject {
	var out []Subject
	for _, m := range card.Milestones {
		out = append(out, subjects(m, today)...)
	}
	return out
}

// subjects are what a milestone is for the scans of a day.
func subjects(m dental.Milestone, today dental.Date) []Subject {
	day := m.Date.String()
	switch m.Kind {
	case dental.ReturnPoint:
		return []Subject{{OnReturnDate, day}}
	case dental.PlanActivity:
		return []Subject{{OnPlan, dental.PlanAnchor(m.Plan, m.Date)}}
	case dental.LastImplant:
		return []Subject{{OnLastImplant, day}}
	case dental.LastOrthodontics:
		return []Subject{{OnLastOrthodontics, day}}
	case dental.Birthday:
		return []Subject{{OnBirthday, strconv.Itoa(today.Year)}}
	case dental.LastVisit:
		if m.Date.IsZero() {
			return nil
		}
		return []Subject{{OnLastVisit, day}, {OnSeason, strconv.Itoa(today.Year)}, {OnSeason, strconv.Itoa(today.Year - 1)}}
	}
	return nil
}

// Lookup is one stretch of the calendar that a scan reads: the milestones of a
// kind whose dates lie from First to Last, both in one month.
type Lookup struct {
	Kind        dental.MilestoneKind
	First, Last dental.Date
	// On is the trigger, of which a milestone may be the subject of several.
	On Trigger
	// year is that of a season or a birthday.
	year int
}

// Subject is what a milestone found by the lookup is to the scenario.
func (l Lookup) Subject(m dental.Milestone) Subject {
	for _, s := range subjects(m, dental.Date{Year: l.year, Month: 1, Day: 1}) {
		if s.On == l.On {
			return s
		}
	}
	return Subject{}
}

// Falling lists what a scenario's scan of a day has to look up: the milestones
// that one of its steps lies as far from as it says. It is the exact inverse of
// the steps' times: a milestone stands in the lookups of one day a step, and of no other.
func (s *Scenario) Falling(cl *dental.Clinic, day dental.Date) []Lookup {
	var out []Lookup
	settings := cl.Scenario(s.Name)
	kind := s.On.milestone()
	for i := range s.Steps {
		step := &s.Steps[i]
		if kind == "" || !step.On(settings) {
			continue
		}
		for _, w := range step.When {
			var found []Lookup
			if w.Season != (Season{}) {
				found = w.seasonal(cl, s, step, day)
			} else if w.From == "" || w.From == s.On.first() {
				found = w.falling(day.AddDays(-settings.Offsets[step.Name]), s.On, kind)
			}
			for _, l := range found {
				if !slices.Contains(out, l) {
					out = append(out, l)
				}
			}
		}
	}
	return out
}

// Missed is the stretch of the calendar in which those lie whose day of a step
// that the clinic runs has passed, as far back as the steps' backlogs go.
func (s *Scenario) Missed(cl *dental.Clinic, today dental.Date) (kind dental.MilestoneKind, from, to dental.Date, any bool) {
	kind = s.On.milestone()
	settings := cl.Scenario(s.Name)
	for i := range s.Steps {
		step := &s.Steps[i]
		if step.Backlog.IsZero() || kind == "" || s.On == OnSeason || s.On == OnBirthday || !step.On(settings) {
			continue
		}
		passed := today.AddDays(-settings.Offsets[step.Name])
		for _, w := range step.When {
			// A day more on either side: months are not all of one length.
			first, last := back(back(passed, step.Backlog), w.After).AddDays(-1), back(passed, w.After).AddDays(1)
			if !any || first.Before(from) {
				from = first
			}
			if !any || last.After(to) {
				to = last
			}
			any = true
		}
	}
	return kind, from, to, any
}

// falling inverts a step's distance from a milestone.
func (w When) falling(day dental.Date, on Trigger, kind dental.MilestoneKind) []Lookup {
	day = day.AddDays(-w.After.Days)
	from, to, any := day.ReachedBy(w.After.Months)
	if !any {
		return nil
	}
	l := Lookup{Kind: kind, On: on, First: from, Last: to, year: day.Year}
	if on == OnBirthday && from.Month == time.February && from.Day == 28 && from.AddDays(1).Month == time.March {
		l.Last.Day = 29 // kept on the 28th in common years
	}
	return []Lookup{l}
}

// seasonal inverts a season: its day's share of each month of last visits.
func (w When) seasonal(cl *dental.Clinic, s *Scenario, step *Step, day dental.Date) []Lookup {
	var out []Lookup
	day = day.AddDays(-cl.Scenario(s.Name).Offsets[step.Name])
	for _, year := range []int{day.Year - 1, day.Year} {
		days := w.Season.days(cl, year)
		slot := slices.Index(days, day)
		if slot < 0 {
			continue
		}
		firstDay, lastDay := share(slot, len(days))
		seen := seasonWindow(s, step)
		begin := days[0]
		newest := back(begin, seen.From)
		for m := (dental.Date{Year: begin.Year, Month: begin.Month, Day: 1}).AddMonths(-seen.To.Months - 1); !m.After(newest); m = m.AddMonths(1) {
			if length := m.AddMonths(1).DaysSince(m); firstDay <= length {
				out = append(out, Lookup{Kind: dental.LastVisit, On: OnSeason, year: year,
					First: dental.Date{Year: m.Year, Month: m.Month, Day: firstDay},
					Last:  dental.Date{Year: m.Year, Month: m.Month, Day: min(lastDay, length)}})
			}
		}
	}
	return out
}

// seasonWindow is whom a season is for: the catalogue asks each to say so.
func seasonWindow(s *Scenario, step *Step) Gate {
	for _, g := range append(slices.Clone(s.Audience), step.Only...) {
		if g.Name == "last-seen" {
			return g
		}
	}
	return Gate{To: Span{Months: 18}}
}

// days are the clinic's working days of a season that begins in a year.
func (s Season) days(cl *dental.Clinic, year int) []dental.Date {
	var month, day int
	if _, err := fmt.Sscanf(s.From, "%d-%d", &month, &day); err != nil {
		return nil // the catalogue's check let only good ones in
	}
	at := dental.Date{Year: year, Month: time.Month(month), Day: day}
	var out []dental.Date
	for range 4*s.Over + 60 { // a clinic closed for longer has no season
		if len(out) == s.Over {
			break
		}
		if _, open := cl.OpenOn(at); open || len(cl.Opening) == 0 {
			out = append(out, at)
		}
		at = at.AddDays(1)
	}
	return out
}

// share is the days of a month, first to last, that belong to a slot of some.
func share(slot, of int) (first, last int) {
	return slot*31/of + 1, (slot + 1) * 31 / of
}

// slotOf is the slot that a day of the month belongs to.
func slotOf(day, of int) int {
	for slot := range of {
		if _, last := share(slot, of); day <= last {
			return slot
		}
	}
	return of - 1
}

// milestone finds the card's milestone of a kind, or nil.
func milestone(card *dental.Card, kind dental.MilestoneKind, plan string) *dental.Milestone {
	i := slices.IndexFunc(card.Milestones, func(m dental.Milestone) bool { return m.Kind == kind && m.Plan == plan })
	if i < 0 {
		return nil
	}
	return &card.Milestones[i]
}

// dated reads a subject of the calendar off the card.
func dated(cl *dental.Clinic, card *dental.Card, s Subject) (moment, bool) {
	loc := cl.Location()
	m := moment{anchor: s.ID, times: map[string]time.Time{}}
	switch s.On {
	case OnBirthday:
		year, err := strconv.Atoi(s.ID)
		b := card.Patient.BirthDate
		if err != nil || b.IsZero() || year <= b.Year {
			return m, false
		}
		m.times["day"] = b.AddMonths(12*(year-b.Year)).At(0, loc)
		return m, true
	case OnSeason:
		last := milestone(card, dental.LastVisit, "")
		if _, err := strconv.Atoi(s.ID); err != nil || last == nil || last.Date.IsZero() {
			return m, false
		}
		m.last = last.Date
		m.kind = need(card)
		return m, true // its day is the step's own: see base
	case OnPlan:
		plan := active(card)
		if plan == nil || s.ID != dental.PlanAnchor(plan.ID, cl.Today(plan.LastActivity())) {
			return m, false
		}
		m.times["activity"] = cl.Today(plan.LastActivity()).At(0, loc)
		return m, true
	}
	ms := milestone(card, s.On.milestone(), "")
	if ms == nil || ms.Date.IsZero() || ms.Date.String() != s.ID {
		return m, false
	}
	m.times[s.On.first()] = ms.Date.At(0, loc)
	switch s.On {
	case OnReturnDate:
		last := milestone(card, dental.LastVisit, "")
		if last == nil || last.Date.IsZero() {
			return m, false
		}
		m.last, m.state = last.Date, "open"
		m.times["visit"] = last.Date.At(0, loc)
		if day := agreed(cl, card, ms.Date); day.After(m.last) {
			m.last = day // short of the agreement nothing is to be said
		}
		if r := card.Response("recall", s.ID); r != nil && r.Action == dental.LaterOffer {
			m.state = "later"
			if r.By == "" { // else staff call again, on the day that was chosen
				m.times["later"] = r.FirstAt
			}
		}
		m.kind = recallKind(card, ms.Date)
	case OnLastVisit:
		m.last, m.kind = ms.Date, need(card)
	}
	return m, true
}

// active is the open plan with the latest activity, or nil.
func active(card *dental.Card) *dental.Plan {
	var out *dental.Plan
	for i := range card.Plans {
		p := &card.Plans[i]
		if p.Open() && !p.LastActivity().IsZero() && (out == nil || p.LastActivity().After(out.LastActivity())) {
			out = p
		}
	}
	return out
}

// besideRecall is how near an anniversary lies to a return date for the recall to speak of it.
const besideRecall = 45

// recallKind is what a recall speaks of: the anniversary that it stands for,
// else what the patient comes back for.
func recallKind(card *dental.Card, back dental.Date) string {
	if m := milestone(card, dental.LastImplant, ""); m != nil && near(m.Date.AddMonths(12), back) {
		return string(dental.Implant)
	}
	if m := milestone(card, dental.LastOrthodontics, ""); m != nil && near(m.Date.AddMonths(6), back) {
		return string(dental.Orthodontics)
	}
	return string(NextService(card).Kind)
}

func near(a, b dental.Date) bool { d := a.DaysSince(b); return d >= -besideRecall && d <= besideRecall }

// NextService is what the patient is to come back for: what the last visit
// names, else what was last done.
func NextService(card *dental.Card) dental.ServiceType {
	visits := inTime(card.Visits)
	if len(visits) == 0 {
		return dental.ServiceType{}
	}
	last := visits[len(visits)-1]
	if last.NextStep.Kind != "" || last.NextStep.Name != "" {
		return last.NextStep
	}
	kinds := last.Kinds()
	if len(kinds) == 0 {
		return dental.ServiceType{}
	}
	return dental.ServiceType{Kind: kinds[0]}
}

// need is what a patient who has not been for long may be offered: a free
// examination where an implant is still to be done, a check of an orthodontic
// treatment, else hygiene.
func need(card *dental.Card) string {
	for _, p := range card.Plans {
		for _, s := range p.Stages {
			if s.Kind == dental.Implant && (s.Status == dental.StagePlanned || s.Status == dental.StageBooked) {
				return string(dental.Implant)
			}
		}
	}
	visits := inTime(card.Visits)
	if n := len(visits); n > 0 && slices.Contains(visits[n-1].Kinds(), dental.Orthodontics) {
		return string(dental.Orthodontics)
	}
	return string(dental.Hygiene)
}

// Minutes is how long the next service takes: as long as the same kind took
// last time, else what is usual.
func Minutes(card *dental.Card, kind dental.ProcedureKind) int {
	visits := inTime(card.Visits)
	for i := len(visits) - 1; i >= 0; i-- {
		for _, p := range visits[i].Procedures {
			if p.Kind == kind && p.Minutes > 0 {
				return p.Minutes
			}
		}
	}
	return usualMinutes(kind)
}

// CheckUp is how many minutes a check-up takes.
const CheckUp = 30

// usualMinutes is how long a visit of a kind is said to take: the half hour of
// a hygiene visit is the sources' own figure, as is a check-up of the same
// length. Of what nobody has named the kind there is none to say.
func usualMinutes(kind dental.ProcedureKind) int {
	switch kind {
	case "":
		return 0
	case dental.Therapy:
		return 60
	case dental.Periodontics:
		return 45
	}
	return CheckUp
}

// season are the days of the season that a moment's anchor names by its year.
func (w When) season(cl *dental.Clinic, m moment) []dental.Date {
	year, _ := strconv.Atoi(m.anchor)
	return w.Season.days(cl, year)
}

// base is the time that a When counts from.
func (m moment) base(cl *dental.Clinic, w When, on Trigger) (time.Time, bool) {
	if w.Season != (Season{}) {
		days := w.season(cl, m)
		if len(days) == 0 {
			return time.Time{}, false
		}
		return days[slotOf(m.last.Day, len(days))].At(0, cl.Location()), true
	}
	t, ok := m.times[cmp.Or(w.From, on.first())]
	return t, ok
}

// recallEnd is how many days after the return date a recall's journey is over by itself.
const recallEnd = 30

// Recall is the stretch of days in which the patient's recall is open, by the
// facts and the clinic's settings: from the day of its first message, however
// short the interval, until 30 days after the return date, that day left out.
// any is false without a return date, where the clinic runs no recall, and after
// a "never" to it.
func (c Catalogue) Recall(cl *dental.Clinic, card *dental.Card) (from, to dental.Date, any bool) {
	m := milestone(card, dental.ReturnPoint, "")
	if m == nil || m.Date.IsZero() || !c.recalls(cl, card) {
		return dental.Date{}, dental.Date{}, false
	}
	begin := m.Date.AddMonths(-1).AddDays(cl.Scenario("recall").Offsets["first"])
	return begin, m.Date.AddDays(recallEnd), true
}

// recalls reports whether the patient is invited to come back by a date at all.
func (c Catalogue) recalls(cl *dental.Clinic, card *dental.Card) bool {
	return c.Find("recall") != nil && cl.Scenario("recall").On && !c.declined(card, "recall")
}

// declined reports whether the patient has said "never" to a scenario or one of
// its family, or to staff that the clinic is theirs no longer and has not come since.
func (c Catalogue) declined(card *dental.Card, name string) bool {
	return slices.ContainsFunc(card.Responses, func(r dental.Response) bool {
		gone := dental.RefusalReason(r.Cause).Gone() && !visitedSince(card, r.At)
		return r.Action == dental.NeverOffer && (gone || c.family(r.Scenario) == c.family(name))
	})
}

// Fact is the date that a touch of the scenario hangs on, as its anchor says it.
func (s *Scenario) Fact(card *dental.Card, anchor string) (dental.Date, bool) {
	switch s.On {
	case OnPlan:
		if i := strings.LastIndexByte(anchor, ':'); i >= 0 {
			anchor = anchor[i+1:]
		}
	case OnSeason, OnBirthday:
		if m := milestone(card, s.On.milestone(), ""); m != nil && !m.Date.IsZero() {
			return m.Date, true
		}
		return dental.Date{}, false
	}
	d, err := dental.ParseDate(anchor)
	return d, err == nil
}

// NextStage is the first stage of the active plan that is still to be booked; the zero Stage without one.
func NextStage(card *dental.Card) dental.Stage {
	if plan := active(card); plan != nil {
		for _, s := range plan.Stages {
			if s.Status == dental.StagePlanned {
				return s
			}
		}
	}
	return dental.Stage{}
}
