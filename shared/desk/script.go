package desk

import (
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// A script is what to say, made for one call: it greets by name, says why the
// clinic calls, who expects the patient and for how long, and asks about one
// day on which the clinic is open. It never says that a time is free: only the
// clinic's own schedule knows.
//
// Where others may answer the number it first asks who is speaking, and says
// why only then. What it says to a child's guardian is about the child.

// script is what to say about a task, line by line, and what to mind meanwhile.
func (k look) script(t dental.Task, p *person) (says, mind []string) {
	say := func(key string, pairs ...string) { says = append(says, k.text("desk.script."+key, pairs...)) }
	aside := func(key string) { mind = append(mind, k.text("desk.script.aside."+key)) }
	if t.Kind == dental.LeadTask {
		name := ""
		if lead := p.card.Referral(t.Anchor); lead != nil {
			name = lead.Name
		}
		k.greet(say, name, false)
		say("lead")
		k.ask(say, aside, k.openDay(k.today.AddDays(1), ""))
		return says, mind
	}
	if p.number() == "" && p.elsewhere() == "" {
		return nil, nil // nobody can be called
	}
	m := k.matter(t, p.card)
	child, name := p.card.Patient.Minor(k.today), addressed(p.spoken())
	if child && p.adult.ID == "" {
		name = "" // the adult who answers, whoever that is
	}
	k.greet(say, name, p.shared())
	if p.shared() {
		aside("shared")
	}
	if child {
		say("child", "name", addressed(p.card.Patient))
	}
	if days := k.reason(say, t, m, p); !days {
		if t.Kind == dental.ComplaintTask {
			aside("complaint")
		}
		return says, mind
	}
	k.expects(say, m)
	if benefit := k.locale.Benefit(m.benefit); benefit != "" && k.consent(p) == MayAdvertise {
		say("benefit", "benefit", benefit, "day", k.day(m.until))
	}
	from := k.today.AddDays(1)
	if back := p.card.ReturnDay(from); t.Kind == dental.CallTask && !back.IsZero() && back.DaysSince(k.today) <= nearDays {
		from = back
	}
	weekday := ""
	if m.answer != nil {
		weekday = m.answer.Weekday
	}
	k.ask(say, aside, k.openDay(from, weekday))
	return says, mind
}

// nearDays is how far ahead a return date may lie for a call to ask about that very day.
const nearDays = 31

// saying adds a line of the script: a key below desk.script and its values.
type saying func(key string, pairs ...string)

// greet opens the call.
func (k look) greet(say saying, name string, shared bool) {
	clinic := k.quoted()
	switch {
	case name == "":
		say("hello.nobody", "clinic", clinic)
	case shared:
		say("hello.shared", "name", name)
		say("hello.then", "clinic", clinic)
	default:
		say("hello", "name", name, "clinic", clinic)
	}
}

// quoted is the clinic's name for a Russian text, which puts it into quotation
// marks: its own become the inner ones.
func (k look) quoted() string {
	if k.locale != locale.Russian {
		return k.clinic.Name
	}
	return strings.NewReplacer("«", "„", "»", "“").Replace(k.clinic.Name)
}

// reason says why the clinic calls, and reports whether a day is to be asked about.
func (k look) reason(say saying, t dental.Task, m matter, p *person) (days bool) {
	var when []string
	if a := m.appointment; a != nil {
		when = []string{"date", k.on(a.Start), "time", k.clock(a.Start)}
	}
	switch t.Kind {
	case dental.CallTask:
		if g := k.gift(t, p.card); g != nil {
			say("gift", "name", g.Name, "day", k.day(g.Until))
			return true
		}
		say("call")
		return true
	case dental.PlanTask:
		say("plan")
		return true
	case dental.WakeTask:
		say("wake")
		return true
	case dental.ConfirmTask:
		if when == nil {
			say("confirm.any")
		} else {
			say("confirm", when...)
		}
		return false
	case dental.RebookTask:
		switch a := m.appointment; {
		case t.Anchor == "doctor-left":
			say("rebook.doctor")
		case a != nil && a.Status == dental.Missed:
			say("rebook.missed", when...)
		case a != nil && a.Status == dental.Cancelled:
			say("rebook.cancelled", when...)
		default:
			say("rebook")
		}
		return true
	case dental.CallbackTask:
		return k.called(say, t, m, when)
	case dental.ComplaintTask, dental.FeedbackTask, dental.ContactTask:
		say(string(t.Kind))
	case dental.UnknownTask:
		if len(m.sent) > 0 {
			say("unknown", "day", k.day(k.clinic.Today(m.sent[len(m.sent)-1].Last().At)))
		} else {
			say("unknown.any")
		}
	}
	return false
}

// called says why a patient who wanted to be called is called.
func (k look) called(say saying, t dental.Task, m matter, when []string) (days bool) {
	switch a, r := m.appointment, m.answer; {
	case a != nil && (a.Answered() == "reschedule" || a.Answered() == "cancel"):
		say("callback."+a.Answered(), when...)
		return true
	case a != nil:
		say("callback.appointment", when...)
		return false
	case r != nil && r.Action == dental.BookOffer:
		say("callback.book")
		return true
	case strings.HasPrefix(t.Anchor, "message."):
		say("callback.message")
		return false
	case t.Anchor == "referral":
		say("lead")
		return true
	}
	say("callback")
	return false
}

// gift is the chosen gift that a task is about, or nil.
func (k look) gift(t dental.Task, card *dental.Card) *dental.GiftChoice {
	anchor, is := strings.CutPrefix(t.Anchor, scenario.GiftAnchor(t.Scenario, ""))
	if !is {
		return nil
	}
	return card.Gift(t.Scenario, anchor)
}

// expects says who expects the patient, and for how long.
func (k look) expects(say saying, m matter) {
	minutes := k.locale.Minutes(m.minutes)
	switch {
	case (m.left || m.doctor.Name == "") && minutes == "":
	case m.left || m.doctor.Name == "":
		say("minutes", "minutes", minutes)
	case minutes == "":
		say("doctor", "doctor", m.doctor.Name)
	default:
		say("doctor.minutes", "doctor", m.doctor.Name, "minutes", minutes)
	}
}

// ask asks about a day, or in the open where the clinic has none.
func (k look) ask(say saying, aside func(string), day dental.Date) {
	if day.IsZero() {
		say("ask")
		return
	}
	say("ask.day", "date", k.locale.Relative(day, k.today))
	aside("schedule")
}

// searchDays is how far ahead an open day is looked for.
const searchDays = 21

// openDay is the first day from the one given on which the clinic is open, of
// the weekday wished for ("mon") where it is open on one; zero for none. A
// clinic without opening hours is open on every day of the working week.
func (k look) openDay(from dental.Date, weekday string) dental.Date {
	var first dental.Date
	for i := range searchDays {
		day := from.AddDays(i)
		_, open := k.clinic.OpenOn(day)
		name := dental.Weekdays()[day.Weekday()]
		if len(k.clinic.Opening) == 0 {
			open = name != "sat" && name != "sun" && !slices.Contains(k.clinic.Holidays, day)
		}
		switch {
		case !open:
		case weekday == "" || name == weekday:
			return day
		case first.IsZero():
			first = day
		}
	}
	return first
}
