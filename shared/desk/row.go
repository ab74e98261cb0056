package desk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Row is one call, or one thing to do without one: everything that staff have
// to do with whoever is reached at one number.
type Row struct {
	// ID names the row on the page: that of its first item.
	ID string
	// Phone is whom to call, as "+79160000001", and Shown the same for people; "" without a number.
	Phone, Shown string
	// Missing says that there is no number to call, or that it stands in the MIS alone; "" beside a Phone.
	Missing string
	// Call says who is called where that is not the patient: a child's guardian.
	Call string
	// Consent is one of the badges, "" where nobody is called; ConsentText says it.
	Consent, ConsentText string
	// Calling says that somebody is on the phone about it, "" when nobody is.
	Calling string
	// Mine: it is the reader of the list who is calling.
	Mine bool
	// Urgent: a patient is angry, a promised call is late, or an unconfirmed appointment is today.
	Urgent bool
	Items  []Item
}

// Item is one task of a row, in sentences.
type Item struct {
	Task dental.Task
	// Kind is the task's short name, and Who the patient with the age.
	Kind, Who string
	// Why says why today; About the doctor, the minutes and what is at stake;
	// Tried what was sent and who was called; When until when, and what suits
	// the patient; State who has it, and what comes if nobody does.
	Why, About, Tried, When, State string
	// Note is what the patient wrote.
	Note string
	// Script is what to say, line by line, and Aside what to mind while saying it.
	Script, Aside []string
	// Batch is the day of a release task's batch; zero in others.
	Batch dental.Date
}

// Says is the item without the name.
func (it Item) Says() string { return sentences(it.Why, it.About, it.Tried, it.When, it.State) }

// sentences puts parts of speech one after another, each to its full stop.
func sentences(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if !strings.ContainsAny(part[len(part)-1:], ".!?") {
			part += "."
		}
		said = append(said, part)
	}
	return strings.Join(said, " ")
}

// calling says who is on the phone about one of the tasks, to the member of staff of the key me.
func (k look) calling(tasks []dental.Task, me string) (says string, mine bool) {
	for _, t := range tasks {
		who, at := t.CallingNow(k.now), k.clock(t.CallingAt)
		switch {
		case who == "":
			continue
		case t.CallingKey == me:
			says, mine = k.text("desk.row.calling.me", "time", at), true
			continue
		}
		return k.text("desk.row.calling", "name", who, "time", at), false
	}
	return says, mine
}

// row makes a row of tasks about people of one number, in their order.
func (k look) row(tasks []dental.Task, people map[string]*person, me string) Row {
	first := tasks[0]
	r := Row{ID: first.ID()}
	r.Calling, r.Mine = k.calling(tasks, me)
	if p := people[first.Patient]; p != nil && first.Kind != dental.ReleaseTask {
		number := p.number()
		switch {
		case p.adult.ID != "":
			r.Call = k.text("desk.row.adult", "name", Called(p.adult))
		case p.card.Patient.Minor(k.today):
			r.Call = k.text("desk.row.adult.any")
		}
		if r.Consent = k.consent(p); first.Kind == dental.LeadTask {
			number, r.Call, r.Consent = "", "", ""
			if lead := p.card.Referral(first.Anchor); lead != nil {
				number = lead.Phone
			}
		}
		switch r.Phone, r.Shown = string(number), Spaced(string(number)); {
		case r.Phone != "":
		case p.elsewhere() != "" && first.Kind != dental.LeadTask:
			r.Missing = k.text("desk.row.number.elsewhere")
		default:
			r.Missing = k.text("desk.row.number.none")
		}
		if r.Consent != "" {
			r.ConsentText = k.text("desk.consent." + r.Consent)
		}
	}
	for _, t := range tasks {
		r.Urgent = r.Urgent || k.urgent(t)
		r.Items = append(r.Items, k.item(t, people[t.Patient]))
	}
	return r
}

// Spaced writes a Russian number as people read it, "+7 495 000-00-00", and
// any other as it is.
func Spaced(phone string) string {
	if len(phone) != 12 || !strings.HasPrefix(phone, "+7") {
		return phone
	}
	return phone[:2] + " " + phone[2:5] + " " + phone[5:8] + "-" + phone[8:10] + "-" + phone[10:]
}

// fullName is a person's name as a list has it, the family name first; "" of none.
func fullName(p dental.Patient) string {
	return strings.Join(strings.Fields(p.FamilyName+" "+p.GivenName+" "+p.MiddleName), " ")
}

// addressed is a person's name as one speaks to them.
func addressed(p dental.Patient) string {
	return strings.Join(strings.Fields(p.GivenName+" "+p.MiddleName), " ")
}

// name is what a patient is called in a list.
func (k look) name(p dental.Patient) string {
	return cmp.Or(fullName(p), k.text("desk.row.unnamed", "id", p.ID))
}

// oldestAge is the highest that a birth date is believed; beyond it nobody is
// told an age.
const oldestAge = 110

// who is a patient with the age: "Петрова Анна, 40 лет".
func (k look) who(p dental.Patient) string {
	name := k.name(p)
	if age := p.BirthDate.AgeOn(k.today); !p.BirthDate.IsZero() && age >= 0 && age <= oldestAge {
		return k.text("desk.row.who", "name", name, "n", strconv.Itoa(age))
	}
	return name
}

// clock is a time of day at the clinic.
func (k look) clock(t time.Time) string {
	return k.locale.Time(dental.TimeOfDayOf(t.In(k.clinic.Location())))
}

// on is a day at the clinic as it answers "when": "сегодня", "в четверг, 12 марта".
func (k look) on(t time.Time) string { return k.locale.Relative(k.clinic.Today(t), k.today) }

// day is a date, with its year where that is another one.
func (k look) day(d dental.Date) string {
	if d.Year != k.today.Year {
		return k.locale.DayYear(d)
	}
	return k.locale.Day(d)
}

// item tells one task.
func (k look) item(t dental.Task, p *person) Item {
	it := Item{Task: t, Kind: k.text("kind." + string(t.Kind)), Why: t.Reason, Note: t.Note}
	if t.Kind == dental.ReleaseTask {
		it.Batch, _ = dental.ParseDate(strings.TrimSuffix(t.Anchor, "."+t.Scenario))
		it.Who = it.Kind
		return it
	}
	it.Who = k.who(p.card.Patient)
	if t.Kind == dental.LeadTask {
		it.Who, it.About = k.lead(t, p)
		it.Note = "" // it has the number, which the row shows
		it.Tried, it.When = k.tried(t, nil), k.when(t, p)
		it.Script, it.Aside = k.script(t, p)
		return it
	}
	about := k.matter(t, p.card)
	it.About, it.When, it.State = k.about(about, t, p), k.when(t, p), k.state(t)
	switch t.Kind { // of the others the reason says all, or what was sent has nothing to do with it
	case dental.CallTask, dental.PlanTask, dental.WakeTask, dental.ConfirmTask, dental.RebookTask:
		it.Tried = k.tried(t, about.sent)
	default:
		it.Tried = k.tried(t, nil)
	}
	it.Script, it.Aside = k.script(t, p)
	return it
}

// lead is who left a number, and who recommends.
func (k look) lead(t dental.Task, p *person) (who, by string) {
	who = k.text("desk.row.lead")
	if lead := p.card.Referral(t.Anchor); lead != nil && lead.Name != "" {
		who = lead.Name
	}
	return who, k.text("desk.row.lead.by", "name", k.name(p.card.Patient))
}

// matter is what a task is about, as the card has it now.
type matter struct {
	appointment *dental.Appointment
	doctor      dental.Doctor
	left        bool // the doctor no longer works here
	minutes     int
	benefit     dental.Benefit // that still holds, and may be spoken of
	until       dental.Date    // its last day
	answer      *dental.Response
	sent        []dental.Touch // messages about the same thing
}

// matter finds out what a task is about.
func (k look) matter(t dental.Task, card *dental.Card) matter {
	anchor := strings.TrimPrefix(t.Anchor, scenario.OfferAnchor(t.Scenario, ""))
	m := matter{appointment: card.Appointment(dental.AppointmentOf(t.Anchor)), answer: card.Response(t.Scenario, anchor)}
	m.doctor = scenario.DoctorOf(card, dental.Touch{Scenario: t.Scenario, Anchor: anchor})
	m.left = m.doctor.ID != "" && slices.Contains(k.clinic.FormerDoctors, m.doctor.ID)
	switch a := m.appointment; {
	case a != nil:
		m.minutes = int(a.End.Sub(a.Start) / time.Minute)
	case t.Kind == dental.PlanTask:
		m.minutes = took(card, scenario.NextStage(card).Kind)
	case t.Kind != dental.ComplaintTask && t.Kind != dental.FeedbackTask:
		m.minutes = scenario.Minutes(card, scenario.NextService(card).Kind)
	}
	for _, touch := range card.Touches {
		same := touch.Kind == "" && touch.Scenario == t.Scenario && touch.Anchor == anchor || t.Kind == dental.UnknownTask && touch.ID() == t.Anchor
		if !same || touch.Last() == nil {
			continue
		}
		m.sent = append(m.sent, touch)
		offer, is := k.catalogue.OfferOf(k.clinic, card, touch.Scenario, touch.Step, touch.Anchor)
		if !is || m.appointment != nil {
			continue
		}
		if t.Kind != dental.PlanTask {
			m.minutes = cmp.Or(offer.Minutes, m.minutes)
		}
		if offer.Over == "" && offer.Benefit.Kind != "" && !offer.Until.IsZero() && !k.today.After(offer.Until) {
			m.benefit, m.until = offer.Benefit, offer.Until
		}
	}
	slices.SortFunc(m.sent, func(a, b dental.Touch) int { return a.Last().At.Compare(b.Last().At) })
	return m
}

// took is how many minutes the last procedure of a kind took, 0 where the card
// has none: a stage of a treatment is no check-up, whose length is known.
func took(card *dental.Card, kind dental.ProcedureKind) int {
	done := func(v dental.Visit) bool { return slices.Contains(v.Kinds(), kind) }
	if !slices.ContainsFunc(card.Visits, done) {
		return 0
	}
	return scenario.Minutes(card, kind)
}

// about says who treats, for how long, and what is at stake.
func (k look) about(m matter, t dental.Task, p *person) string {
	var said []string
	minutes := k.locale.Minutes(m.minutes)
	switch {
	case t.Kind == dental.ContactTask || t.Kind == dental.UnknownTask:
	case m.left:
		said = append(said, k.text("desk.row.doctor.left"))
	case m.doctor.Name != "" && minutes != "":
		said = append(said, k.text("desk.row.doctor.minutes", "doctor", m.doctor.Name, "minutes", minutes))
	case m.doctor.Name != "":
		said = append(said, k.text("desk.row.doctor", "doctor", m.doctor.Name))
	case minutes != "":
		said = append(said, k.text("desk.row.minutes", "minutes", minutes))
	}
	switch t.Kind {
	case dental.CallTask, dental.PlanTask, dental.WakeTask, dental.RebookTask, dental.CallbackTask, dental.ConfirmTask:
		said = append(said, k.stake(p.card))
	}
	if benefit := k.locale.Benefit(m.benefit); benefit != "" {
		said = append(said, k.text("desk.row.benefit", "benefit", benefit, "day", k.day(m.until)))
	}
	return sentences(said...)
}

// stake says what is at stake with a patient: the stage that comes next, else
// the plan's, else the average receipt.
func (k look) stake(card *dental.Card) string {
	stake, stage := card.Stake(), scenario.NextStage(card)
	switch amount := k.locale.Money(stake); {
	case stake.Minor == 0:
		return ""
	case stage.Price == stake && stage.Name != "":
		return k.text("desk.row.stake.stage", "next", stage.Name, "amount", amount)
	case planned(card):
		return k.text("desk.row.stake.plan", "amount", amount)
	default:
		return k.text("desk.row.stake.receipt", "amount", amount)
	}
}

// planned reports whether a plan with a price is open, so that the stake is its stage.
func planned(card *dental.Card) bool {
	return slices.ContainsFunc(card.Plans, func(p dental.Plan) bool {
		return slices.ContainsFunc(p.Stages, func(s dental.Stage) bool {
			return (s.Status == dental.StagePlanned || s.Status == dental.StageBooked) && s.Price.Minor > 0
		})
	})
}

// tried says what has left about the matter, and who was called in vain.
func (k look) tried(t dental.Task, sent []dental.Touch) string {
	var said, items []string
	for _, touch := range sent {
		last := touch.Last()
		key := "desk.row.sent.item"
		switch {
		case !touch.DeliveredAt.IsZero():
			key += ".delivered"
		case touch.State == dental.Failed || last.Outcome == dental.Refused || last.Outcome == dental.Undelivered:
			key += ".failed"
		case touch.State == dental.Unknown:
			key += ".unknown"
		}
		items = append(items, k.text(key, "channel", k.text("channel."+string(last.Channel)), "day", k.day(k.clinic.Today(last.At))))
	}
	if len(items) > 0 {
		said = append(said, k.text("desk.row.sent", "list", k.locale.Join(items)))
	}
	switch {
	case t.Tries > 0:
		said = append(said, k.text("desk.row.tries", "n", strconv.Itoa(t.Tries), "date", k.on(t.TriedAt), "time", k.clock(t.TriedAt)))
	case t.ShowDay.Before(k.today):
		said = append(said, k.text("desk.row.carried", "day", k.day(t.ShowDay)))
	}
	return strings.Join(said, " ")
}

// promised reports whether a patient was told until when staff will call.
func promised(kind dental.TaskKind) bool {
	return kind == dental.CallbackTask || kind == dental.LeadTask
}

// owed reports whether the task's due time is told: it was promised, or whoever
// is not content waits. The due times of the others say when they came up.
func owed(kind dental.TaskKind) bool {
	return promised(kind) || kind == dental.ComplaintTask || kind == dental.FeedbackTask
}

// when says when to call: by when it was promised, else while the clinic is
// open, and what suits the patient.
func (k look) when(t dental.Task, p *person) string {
	var said []string
	switch {
	case owed(t.Kind) && !t.CalledAt.IsZero():
	case owed(t.Kind) && !t.Due.IsZero() && !k.now.Before(t.Due):
		said = append(said, k.text("desk.row.due.over", "date", k.on(t.Due), "time", k.clock(t.Due)))
	case owed(t.Kind) && !t.Due.IsZero():
		said = append(said, k.text("desk.row.due", "date", k.on(t.Due), "time", k.clock(t.Due)))
	case p.elsewhere() != "":
		said = append(said, k.text("desk.row.no-number.elsewhere", "reason", k.locale.Reason(p.elsewhere())))
	case p.number() == "":
		said = append(said, k.text("desk.row.no-number"))
	default:
		said = append(said, k.hours())
	}
	anchor := strings.TrimPrefix(t.Anchor, scenario.OfferAnchor(t.Scenario, ""))
	if r := p.card.Response(t.Scenario, anchor); r != nil {
		if wish := k.wish(*r); wish != "" && !strings.Contains(t.Note, wish) {
			said = append(said, k.text("task.callback.wish", "wish", wish))
		}
	}
	return strings.TrimSpace(strings.Join(said, " "))
}

// wish is the weekday and the part of the day that suit a patient: "пятница, вечер"; "" for any.
func (k look) wish(r dental.Response) string {
	var words []string
	if i := slices.Index(dental.Weekdays(), r.Weekday); i >= 0 {
		words = append(words, k.locale.Weekday(time.Weekday(i)))
	}
	if key := "part." + r.Part; r.Part != "" && k.locale.Has(key) {
		words = append(words, k.text(key))
	}
	return strings.Join(words, ", ")
}

// hours says when the clinic can call: today until it closes, else from when it
// opens next; "" for a clinic without opening hours.
func (k look) hours() string {
	at := dental.TimeOfDayOf(k.now.In(k.clinic.Location()))
	span, open := k.clinic.OpenOn(k.today)
	switch {
	case len(k.clinic.Opening) == 0:
		return ""
	case open && at < span.From:
		return k.text("desk.row.hours.from", "time", k.locale.Time(span.From))
	case open && at < span.To:
		return k.text("desk.row.hours", "time", k.locale.Time(span.To))
	}
	if day := k.openDay(k.today.AddDays(1), ""); !day.IsZero() {
		span, _ = k.clinic.OpenOn(day)
		return k.text("desk.row.hours.closed", "date", k.locale.Relative(day, k.today), "time", k.locale.Time(span.From))
	}
	return ""
}

// state says who has a task, and for a complaint what comes if nobody does.
func (k look) state(t dental.Task) string {
	var said []string
	switch taken := !t.TakenAt.IsZero(); {
	case taken && t.TakenBy != "":
		said = append(said, k.text("desk.row.taken.by", "name", t.TakenBy, "date", k.on(t.TakenAt), "time", k.clock(t.TakenAt)))
	case taken:
		said = append(said, k.text("desk.row.taken", "date", k.on(t.TakenAt), "time", k.clock(t.TakenAt)))
	case t.Kind != dental.ComplaintTask || t.Escalates.IsZero():
	case t.State(k.now) == "escalated":
		said = append(said, k.text("desk.row.escalated"))
	default:
		said = append(said, k.text("desk.row.escalates", "date", k.on(t.Escalates), "time", k.clock(t.Escalates)))
	}
	if !t.CalledAt.IsZero() {
		said = append(said, k.text("desk.row.called", "date", k.on(t.CalledAt), "time", k.clock(t.CalledAt)))
	}
	return strings.Join(said, " ")
}

// urgent reports whether a task goes before all others: a complaint, a call
// that was promised and is late, or an appointment of today that nobody has confirmed.
func (k look) urgent(t dental.Task) bool {
	late := promised(t.Kind) && !t.Due.IsZero() && !k.now.Before(t.Due)
	start := dental.StartOf(t.Anchor)
	soon := t.Kind == dental.ConfirmTask && k.now.Before(start) && k.clinic.Today(start) == k.today
	return t.CalledAt.IsZero() && (t.Kind == dental.ComplaintTask || late || soon)
}
