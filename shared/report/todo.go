package report

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// What is to be done in a week is the first three of the rules below that hold.
// Their order is that of what cannot wait: the deaf system, the angry patient,
// what falls due this week; then what is worth most; then what the figures lack.
const most = 3

type rule struct {
	name  string
	holds func(maker) (act Act, does bool)
}

func rules() []rule {
	return []rule{
		{"silent", maker.silent},
		{"complaints", maker.complaints},
		{"batches", maker.batches},
		{"overflow", maker.overflow},
		{"off", maker.off},
		{"dates", maker.dates},
		{"addresses", maker.addresses},
		{"review", maker.review},
		{"costs", maker.costs},
		{"ratings", maker.ratings},
		{"holdout", maker.holdout},
	}
}

type catalogue = scenario.Catalogue

func (m maker) todo() []Act {
	var out []Act
	for _, r := range rules() {
		if act, does := r.holds(m); does && len(out) < most {
			act.Rule, act.Button = r.name, m.text("do."+r.name+".button")
			out = append(out, act)
		}
	}
	return out
}

// mostTasks bounds how many open tasks a report looks at: more than a team works off in a quarter.
const mostTasks = 5000

// tasks are a clinic's open ones that were to be shown by now.
func (r *Reporter) tasks(ctx context.Context, cl *dental.Clinic, now time.Time) ([]dental.Task, error) {
	var out []dental.Task
	for cursor := ""; len(out) < mostTasks; {
		page, next, err := r.Store.TasksUpTo(ctx, cl.ID, cl.Today(now), 500, cursor)
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			if t.Open() {
				out = append(out, t)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return out, nil
}

func (m maker) count(is func(dental.Task) bool) int {
	n := 0
	for _, t := range m.tasks {
		if is(t) {
			n++
		}
	}
	return n
}

// silent: the MIS has told nothing for 24 opening hours; all else rests on it.
func (m maker) silent() (Act, bool) {
	return Act{Text: m.text("do.silent"), Path: "/start"}, !m.clinic.SilentSince(m.now).IsZero()
}

// complaints: one is past its time.
func (m maker) complaints() (Act, bool) {
	n := m.count(func(t dental.Task) bool { return t.Kind == dental.ComplaintTask && t.Due.Before(m.now) })
	return Act{Text: m.text("do.complaints", "n", strconv.Itoa(n))}, n > 0
}

// batches: a day's advertising waits for a person, and is lost after three days.
func (m maker) batches() (Act, bool) {
	n := m.count(func(t dental.Task) bool { return t.Kind == dental.ReleaseTask })
	return Act{Text: m.text("do.batches", "n", strconv.Itoa(n))}, n > 0
}

// overflow: more calls are waiting than staff can make in a week.
func (m maker) overflow() (Act, bool) {
	if m.clinic.CallsPerDay == 0 {
		return Act{}, false
	}
	days := 0
	for i := range 7 {
		if _, open := m.clinic.OpenOn(Monday(m.clinic.Today(m.now)).AddDays(i)); open {
			days++
		}
	}
	n := m.count(func(t dental.Task) bool { return t.Kind != dental.ReleaseTask })
	can := days * m.clinic.CallsPerDay
	return Act{Text: m.text("do.overflow", "n", strconv.Itoa(n), "count", strconv.Itoa(can)), Path: "/scenarios"}, n > can
}

// off: a scenario is switched off for which patients are waiting. Of several it
// is the one with the most at stake.
func (m maker) off() (Act, bool) {
	var best dental.Money
	var which *scenario.Scenario
	for i := range m.catalogue {
		sc := &m.catalogue[i]
		if m.clinic.Scenario(sc.Name).On {
			continue
		}
		if at := m.stake(sc); at.Minor > best.Minor {
			best, which = at, sc
		}
	}
	if which == nil {
		return Act{}, false
	}
	title := which.Title[m.locale.String()]
	return Act{Text: m.text("do.off", "scenario", title, "amount", m.locale.Money(whole(best))), Path: "/scenarios"}, true
}

// stake is what those are worth for whom a scenario is: an average receipt each
// of those who have not been for as long as it waits; of unfinished plans their
// open stages. Of the others nothing is reckoned.
func (m maker) stake(sc *scenario.Scenario) dental.Money {
	switch sc.On {
	case scenario.OnPlan:
		if m.this.Stalled > 0 {
			return m.this.OpenStages
		}
	case scenario.OnLastVisit:
		quiet := map[int]int64{6: m.this.Quiet6, 12: m.this.Quiet12, 18: m.this.Quiet18}[months(sc)]
		return dental.Money{Minor: quiet * m.average().Minor, Currency: m.clinic.Currency}
	}
	return dental.Money{}
}

// months is how long a scenario waits after a last visit, 0 for not in months.
func months(sc *scenario.Scenario) int {
	for _, step := range sc.Steps {
		for _, w := range step.When {
			return w.After.Months
		}
	}
	return 0
}

// average is the receipt of the weeks that are kept: a single week may have none.
func (m maker) average() dental.Money {
	var revenue, visits int64
	for _, f := range m.weeks.Series {
		revenue, visits = revenue+f.Revenue.Minor, visits+f.Visits
	}
	if visits == 0 {
		return dental.Money{}
	}
	return dental.Money{Minor: revenue / visits, Currency: m.clinic.Currency}
}

// What a doctor's visits must amount to before anything is said of them.
const (
	fewestVisits  = 10
	leastWithDate = 50 // percent
)

// dates: patients leave a doctor without a date to come back by, of the quarter's
// visits more than half; of several doctors the one with the most such visits.
func (m maker) dates() (Act, bool) {
	of := map[string]*measure.Doctor{}
	for _, f := range m.weeks.Series {
		for _, d := range f.Doctors {
			if of[d.ID] == nil {
				of[d.ID] = &measure.Doctor{ID: d.ID}
			}
			sum := of[d.ID]
			sum.Name, sum.Compliance.Of, sum.Compliance.All = d.Name, sum.Compliance.Of+d.Compliance.Of, sum.Compliance.All+d.Compliance.All
		}
	}
	var worst *measure.Doctor
	for _, d := range of {
		share, _ := d.Compliance.Percent()
		without := d.Compliance.All - d.Compliance.Of
		if d.Compliance.All < fewestVisits || share >= leastWithDate || d.Name == "" {
			continue
		}
		if worst == nil || without > worst.Compliance.All-worst.Compliance.Of || without == worst.Compliance.All-worst.Compliance.Of && d.ID < worst.ID {
			worst = d
		}
	}
	if worst == nil {
		return Act{}, false
	}
	share, _ := worst.Compliance.Percent()
	return Act{Text: m.text("do.dates", "doctor", worst.Name, "percent", m.locale.Percent(share)), Path: "/measures/doctors"}, true
}

// fewestAddresses is how many cards without a usable number are worth an evening.
const fewestAddresses = 5

// addresses: nothing reaches a number of patients.
func (m maker) addresses() (Act, bool) {
	n := m.count(func(t dental.Task) bool { return t.Kind == dental.ContactTask })
	return Act{Text: m.text("do.addresses", "n", strconv.Itoa(n))}, n >= fewestAddresses
}

// review: the day to look back has come within the last week.
func (m maker) review() (Act, bool) {
	if m.clinic.StartedAt.IsZero() {
		return Act{}, false
	}
	since := m.clinic.Today(m.now).DaysSince(m.clinic.Today(m.clinic.StartedAt))
	for _, days := range dental.ReviewDays() {
		if since >= days && since < days+7 {
			return Act{Text: m.text("do.review", "n", strconv.Itoa(days)), Path: "/measures#review"}, true
		}
	}
	return Act{}, false
}

// costs: none is entered for the present month, so what a return costs is not known.
func (m maker) costs() (Act, bool) {
	today := m.clinic.Today(m.now)
	has := slices.ContainsFunc(m.weeks.Costs, func(c dental.Cost) bool { return !c.From.After(today) && !c.To.Before(today) })
	return Act{Text: m.text("do.costs"), Path: "/measures/money#costs"}, !has
}

// ratings: nobody has looked at the maps for a month.
func (m maker) ratings() (Act, bool) {
	month := m.clinic.Today(m.now).AddDays(-30)
	has := slices.ContainsFunc(m.weeks.Ratings, func(r dental.MapRating) bool { return r.On.After(month) })
	return Act{Text: m.text("do.ratings"), Path: "/measures/reviews#ratings"}, !has && len(m.clinic.Maps) > 0
}

// holdout: nobody is left alone, so nobody will ever know what the system changes.
func (m maker) holdout() (Act, bool) {
	for _, s := range m.clinic.Scenarios {
		if s.On && s.HoldoutPercent > 0 {
			return Act{}, false
		}
	}
	return Act{Text: m.text("do.holdout"), Path: "/scenarios"}, true
}

// undone is what was due before the week began and is open still, a line a kind,
// the most urgent kind first.
func (m maker) undone() []string {
	end := m.this.From.AddDays(7).At(0, m.clinic.Location())
	if m.now.Before(end) {
		end = m.now
	}
	type left struct {
		n      int
		oldest time.Time
	}
	kinds := map[dental.TaskKind]left{}
	for _, t := range m.tasks {
		if !t.Due.Before(end) {
			continue
		}
		l := kinds[t.Kind]
		if l.n++; l.oldest.IsZero() || t.Due.Before(l.oldest) {
			l.oldest = t.Due
		}
		kinds[t.Kind] = l
	}
	var out []string
	for _, kind := range order() {
		if l, any := kinds[kind]; any {
			out = append(out, m.text("undone.kind", "name", m.locale.Text("kind."+string(kind), nil), "n", strconv.Itoa(l.n), "day", m.locale.Day(m.clinic.Today(l.oldest))))
		}
	}
	return out
}

// order is that in which kinds are told.
func order() []dental.TaskKind {
	return []dental.TaskKind{dental.ComplaintTask, dental.CallbackTask, dental.LeadTask, dental.ConfirmTask, dental.RebookTask, dental.FeedbackTask,
		dental.UnknownTask, dental.ContactTask, dental.CallTask, dental.PlanTask, dental.WakeTask, dental.ReleaseTask}
}
