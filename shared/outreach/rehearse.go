package outreach

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Forecaster says what a scenario would bring to a patient. It reads what the
// sender reads, decides by the sender's own rules at the time at which each touch
// would leave, and writes nothing.
type Forecaster struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Base      string // the URL under which patients' pages stand, for their length
}

// Supposing is the clinic with a scenario switched on today, and so many of its
// backlog taken up a day. One that is on already stays as it is.
func Supposing(cl *dental.Clinic, name string, backlog int, now time.Time) *dental.Clinic {
	out := *cl
	out.Scenarios, out.Paused = maps.Clone(cl.Scenarios), false
	s := out.Scenarios[name]
	if !s.On {
		s.On, s.Since = true, cl.Today(now)
	}
	s.BacklogPerDay = backlog
	if out.Scenarios == nil {
		out.Scenarios = map[string]dental.ScenarioSettings{}
	}
	out.Scenarios[name] = s
	return &out
}

// Foresee gives the forecast for one patient of the clinic as it is, under the
// terms of the rehearsal. A touch of the backlog is taken up at takenUp. What a
// patient's household gets of others is not seen: each is looked at alone.
func (f *Forecaster) Foresee(ctx context.Context, cl *dental.Clinic, r dental.Rehearsal, patient string, takenUp time.Time) (dental.Forecast, error) {
	tx := f.Store.Begin() // its reads are its own, and nothing is put
	card, err := tx.Card(ctx, cl.ID, patient)
	if err != nil {
		return dental.Forecast{}, err
	}
	sc := f.Catalogue.Find(r.Scenario)
	if sc == nil || !card.Known() {
		return dental.Forecast{Reason: "no-fact"}, nil
	}
	unpress(card.Tasks)
	h := foresight{Forecaster: f, Rehearsal: r, clinic: Supposing(cl, r.Scenario, r.Backlog, r.At), scenario: sc, card: card, takenUp: takenUp}
	if h.asks() == 0 {
		return dental.Forecast{Reason: h.reason}, nil
	}
	reader := Sender{Store: f.Store, Catalogue: f.Catalogue}
	var failed error
	read := map[bool]*Situation{} // by whether the step is a reminder, whose family is read too
	h.situation = func(t dental.Touch, at time.Time) *Situation {
		step := f.Catalogue.Step(t.Scenario, t.Step)
		reminder := step != nil && step.Reminder
		sit := read[reminder]
		if sit == nil {
			if sit, err = reader.gather(ctx, tx, h.clinic, card, t, at); err != nil {
				failed = err
				return nil
			}
			unpress(sit.GuardianTasks)
			if other := read[!reminder]; other != nil {
				sit.Person = other.Person // what has been sent counts for both
			}
			read[reminder] = sit
		}
		sit.Touch, sit.Now = t, at
		return sit
	}
	out := h.foresee()
	return out, failed
}

// unpress leaves out of tasks what staff can still take back: it is a matter of
// seconds, and a rehearsal looks at days.
func unpress(tasks []dental.Task) {
	for i := range tasks {
		tasks[i].Pressed = dental.Press{}
	}
}

// foresight follows one patient's touches of one scenario through the days to come.
type foresight struct {
	*Forecaster
	dental.Rehearsal
	clinic    *dental.Clinic // with the scenario on
	takenUp   time.Time
	scenario  *scenario.Scenario
	card      *dental.Card
	situation func(t dental.Touch, at time.Time) *Situation
	wants     []planned
	reason    string
}

// planned is a touch as it would be planned, and when.
type planned struct {
	touch dental.Touch
	at    time.Time
}

// weight orders the reasons why nothing happens: the one that came nearest to
// something happening is told.
func weight(reason string) int {
	return slices.Index([]string{"", "no-fact", "audience", "passed", "long-past", "not-yet", "left-already"}, reason)
}

// because keeps the most telling reason.
func (h *foresight) because(reason string) {
	if reason == "" {
		return
	}
	if h.reason == "" || weight(h.reason) >= 0 && (weight(reason) < 0 || weight(reason) > weight(h.reason)) {
		h.reason = reason
	}
}

// asks finds what the facts ask of the scenario from now to the last day: as the
// scans and the news of facts would plan it, each on its day. It says how many
// touches that is, and otherwise why it is none.
func (h *foresight) asks() int {
	if gone, is := h.card.Patient.Gone(); is {
		h.reason = gone
		return 0
	}
	subjects := h.subjects()
	if len(subjects) == 0 {
		h.reason = "no-fact"
		return 0
	}
	for _, s := range subjects {
		h.subject(s)
	}
	if len(h.wants) == 0 && h.reason == "" {
		h.reason = "audience"
	}
	return len(h.wants)
}

// subjects are the facts of the card that the scenario hangs on.
func (h *foresight) subjects() []scenario.Subject {
	all := scenario.Recent(h.clinic, h.card, h.At)
	if h.scenario.On.Scanned() { // a birthday or a season of the year that the days end in
		all = append(all, scenario.Calendar(h.card, h.To)...)
	}
	var out []scenario.Subject
	for _, s := range all {
		if s.On == h.scenario.On && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (h *foresight) subject(s scenario.Subject) {
	asked := false
	var ahead []scenario.Want
	days := []dental.Date{h.clinic.Today(h.At)}
	for _, w := range h.Catalogue.Plan(h.clinic, h.card, s) {
		if w.Scenario.Name != h.Scenario {
			continue
		}
		asked = true
		switch stored := h.card.Touch(h.Scenario, w.Touch.Step, w.Touch.Anchor); {
		case stored != nil && stored.State.Open():
			h.wants = append(h.wants, planned{*stored, h.At})
		case stored != nil && stored.State == dental.Skipped:
			h.because(stored.Reason)
		case stored != nil && stored.State != dental.TouchCancelled:
			h.because("left-already")
		case w.Opens.After(h.To), w.Opens.IsZero() && h.clinic.Today(w.Touch.Due).After(h.To):
			h.because("not-yet")
		case w.Opens.After(h.clinic.Today(h.At)):
			ahead = append(ahead, w)
			if !slices.Contains(days, w.Opens) {
				days = append(days, w.Opens)
			}
		default:
			h.missed(w)
		}
	}
	if !asked {
		h.because("audience")
	}
	slices.SortFunc(days, func(a, b dental.Date) int { return a.DaysSince(b) })
	for i, day := range days {
		at := h.At
		if i > 0 {
			at = day.At(min(h.clinic.SendFrom, morning), h.clinic.Location())
		}
		for _, t := range h.Catalogue.Reconcile(h.clinic, h.card, at, s) {
			known := slices.ContainsFunc(h.wants, func(p planned) bool { return p.touch.ID() == t.ID() })
			switch {
			case t.Scenario != h.Scenario || known:
			case t.State.Final():
				h.because(t.Reason)
			default:
				h.wants = append(h.wants, planned{t, at})
			}
		}
		for _, w := range ahead {
			if w.Opens == day {
				h.because(h.Catalogue.Over(h.clinic, h.card, w, at))
			}
		}
	}
}

// morning is when the scans look a day's patients up.
const morning dental.TimeOfDay = 6 * 60

// missed says why what should have been planned by now would not be: it is told
// only where planning finds nothing after all.
func (h *foresight) missed(w scenario.Want) {
	today := h.clinic.Today(h.At)
	switch over := h.Catalogue.Over(h.clinic, h.card, w, h.At); {
	case over != "":
		h.because(over)
	case !w.Opens.IsZero() && !w.Step.Backlog.IsZero() && w.Opens.Before(today.AddMonths(-w.Step.Backlog.Months).AddDays(-w.Step.Backlog.Days)):
		h.because("long-past")
	case w.Opens.Before(today), h.At.After(w.Touch.Deadline):
		h.because("passed")
	}
}

// foresee lets each touch come to its time, in order, and what leaves count for
// what comes after it.
func (h *foresight) foresee() dental.Forecast {
	var out dental.Forecast
	slices.SortStableFunc(h.wants, func(a, b planned) int { return a.touch.Due.Compare(b.touch.Due) })
	for _, p := range h.wants {
		if seen, reason := h.follow(p); reason == "" {
			out.Foreseen = append(out.Foreseen, seen)
		} else {
			h.because(reason)
		}
	}
	if len(out.Foreseen) == 0 {
		out.Reason = h.reason
	}
	return out
}

// mostWaits bounds how often a touch is asked about that waits again and again.
const mostWaits = 12

// follow takes one touch to its end: what would leave, or the reason why not.
func (h *foresight) follow(p planned) (dental.Foreseen, string) {
	t, at := p.touch, p.at
	backlog := t.Backlog
	if backlog {
		at = h.takenUp
		taken, ok := h.Catalogue.TakeUp(h.clinic, h.card, t, at)
		if !ok {
			return dental.Foreseen{}, taken.Reason
		}
		t = taken
	}
	t.State = dental.Planned // whoever releases a batch does it in time
	h.keep(t)
	if t.Wake.After(at) {
		at = t.Wake
	}
	last := h.To.AddDays(1).At(0, h.clinic.Location())
	for range mostWaits {
		if !at.Before(last) {
			return dental.Foreseen{}, "not-yet"
		}
		sit := h.situation(t, at)
		if sit == nil {
			return dental.Foreseen{}, "no-fact"
		}
		d := Decide(h.Catalogue, *sit)
		switch d.Act {
		case Wait:
			if !d.Wake.After(at) || sit.Card.Patient.Stub {
				return dental.Foreseen{}, cmp.Or(d.Reason, "no-card")
			}
			at = d.Wake
			continue
		case Assign:
			return h.seen(t, at, backlog, dental.Foreseen{Task: t.Kind, Channel: dental.StaffTask}), ""
		case Claim:
			return h.claim(*sit, d, t, at, backlog)
		case Skip:
			if d.Fallback != "" {
				return h.seen(t, at, backlog, dental.Foreseen{Task: d.Fallback, Channel: dental.StaffTask}), ""
			}
		}
		return dental.Foreseen{}, cmp.Or(d.Reason, "no-fact")
	}
	return dental.Foreseen{}, "not-yet"
}

// claim composes what would leave, and lets it have left.
func (h *foresight) claim(sit Situation, d Decision, t dental.Touch, at time.Time, backlog bool) (dental.Foreseen, string) {
	composed, err := Compose(sit, d, h.Base, blank{})
	if err != nil {
		return dental.Foreseen{}, "no-text"
	}
	m := composed.Message
	out := h.seen(t, at, backlog, dental.Foreseen{Channel: m.Channel, Subject: m.Subject, Text: cut(m.Text), Parts: m.Parts})
	out.Class = m.Class
	if m.Channel == dental.SMS {
		out.Price = dental.Money{Minor: h.clinic.PartPrice.Minor * int64(m.Parts), Currency: h.clinic.PartPrice.Currency}
	}
	t.State, t.Class, t.Channel, t.SentAt, t.EndedAt = dental.Sent, m.Class, m.Channel, at, at
	t.Attempts = []dental.Attempt{{ID: "rehearsed", Channel: m.Channel, At: at, Outcome: dental.Accepted}}
	h.keep(t)
	recent := dental.Recent{Touch: t.ID(), Clinic: t.Clinic, Patient: t.Patient, Class: m.Class, Scenario: t.Scenario, Step: t.Step, Reminder: d.Want.Step.Reminder, At: at}
	for _, contact := range []*dental.Contact{d.Reach.Household, d.Reach.Contact} {
		if contact != nil {
			contact.Note(recent)
		}
	}
	return out, ""
}

func (h *foresight) seen(t dental.Touch, at time.Time, backlog bool, what dental.Foreseen) dental.Foreseen {
	what.Patient, what.Step, what.Anchor, what.Class, what.At, what.Backlog, what.TakenUp, what.Value = t.Patient, t.Step, t.Anchor, t.Class, at, backlog, h.takenUp, t.Value
	return what
}

// keep has the touch on the card, as its later ones find it there.
func (h *foresight) keep(t dental.Touch) {
	h.card.Touches = append(slices.DeleteFunc(slices.Clone(h.card.Touches), func(o dental.Touch) bool { return o.ID() == t.ID() }), t)
}

// longest is how many characters of a letter are kept.
const longest = 300

func cut(text string) string {
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest]) + "…"
}

// blank mints tokens that open nothing, as long as real ones.
type blank struct{}

func (blank) Token(dental.Link) string { return "xxxxxxxxxxxxxxxx" }
