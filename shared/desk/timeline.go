package desk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Entry is one line of a patient's timeline.
type Entry struct {
	Kind EntryKind
	At   time.Time
	When string // the day, and the time of it where there is one
	Text string
	// Notes are further lines of ours, Quotes what people wrote: it is to be
	// shown as theirs, and escaped.
	Notes  []string
	Quotes []string
	// Tone is of the design: "right", "warm", "wrong", "brand" for what lies ahead, or "".
	Tone  string
	Ahead bool
}

// EntryKind sorts entries for whoever looks for one.
type EntryKind string

// The kinds of entry.
const (
	OfVisits   EntryKind = "visits"   // visits, appointments, plans, money
	OfMessages EntryKind = "messages" // what was written to the patient, or was not
	OfWords    EntryKind = "words"    // what the patient answered
	OfTasks    EntryKind = "tasks"
	OfGains    EntryKind = "gains" // bonuses, gifts, recommendations
	OfConsents EntryKind = "consents"
	OfStaff    EntryKind = "staff" // what staff did on the card
)

// EntryKinds lists the kinds.
func EntryKinds() []EntryKind {
	return []EntryKind{OfVisits, OfMessages, OfWords, OfTasks, OfGains, OfConsents, OfStaff}
}

// foreseen bounds what of the calendar is told in advance, and horizon is how
// far ahead it is looked for.
const (
	foreseen = 6
	horizon  = 400 * 24 * time.Hour
)

// Timeline tells a card as lines that a person reads: first what lies ahead,
// the soonest first, then what was, the newest first. It is pure.
func Timeline(r Record, l locale.Locale, now time.Time) []Entry {
	w := r.in(l, now)
	var out []Entry
	for _, of := range []func() []Entry{w.visits, w.plans, w.appointments, w.answers, w.responses, w.bonuses, w.gifts, w.referrals, w.touches, w.coming, w.tasks, w.consents, w.acts} {
		out = append(out, of()...)
	}
	slices.Reverse(out) // of one moment, what follows stands above what it follows from
	slices.SortStableFunc(out, func(a, b Entry) int {
		switch {
		case a.Ahead != b.Ahead && a.Ahead:
			return -1
		case a.Ahead != b.Ahead:
			return 1
		case a.Ahead:
			return a.At.Compare(b.At)
		}
		return b.At.Compare(a.At)
	})
	return out
}

// entry is a line of a moment.
func (w words) entry(kind EntryKind, at time.Time, text string) Entry {
	e := Entry{Kind: kind, At: at, When: w.t("desk.timeline.when", "day", w.dayOf(at), "time", w.clock(at)), Text: text, Ahead: at.After(w.now)}
	if e.Ahead {
		e.Tone = "brand"
	}
	return e
}

// whole is a line of a day.
func (w words) whole(kind EntryKind, d dental.Date, text string) Entry {
	e := w.entry(kind, d.At(0, w.Clinic.Location()), text)
	e.When = w.day(d)
	return e
}

// quote adds what somebody wrote.
func (e Entry) quote(s string) Entry {
	if s = strings.TrimSpace(s); s != "" {
		e.Quotes = append(e.Quotes, s)
	}
	return e
}

// note adds a line where there is one.
func (e Entry) note(s string) Entry {
	if s != "" {
		e.Notes = append(e.Notes, s)
	}
	return e
}

func (w words) visits() []Entry {
	var out []Entry
	for _, v := range w.Card.Visits {
		var done []string
		for _, p := range v.Procedures {
			done = append(done, cmp.Or(p.Name, w.l.Text("procedure."+string(cmp.Or(p.Kind, dental.OtherKind)), nil)))
		}
		key := "desk.timeline.visit"
		if v.Doctor.Name != "" {
			key += ".doctor"
		}
		e := w.entry(OfVisits, v.FinishedAt, w.t(key, "doctor", v.Doctor.Name))
		e.Tone = "right"
		e = e.note(w.l.Join(done)).note(w.receipt(v))
		if v.Complex {
			e = e.note(w.t("desk.timeline.visit.complex"))
		}
		if v.Day != w.Clinic.Today(v.FinishedAt) && !v.Day.IsZero() {
			e = e.note(w.t("desk.timeline.visit.corrected", "day", w.day(v.Day)))
		}
		if !v.ReturnDate.IsZero() {
			e = e.note(w.t("desk.timeline.visit.return", "day", w.day(v.ReturnDate)))
		}
		out = append(out, e.quote(v.Recommendations))
	}
	for _, p := range w.Card.Payments {
		key := "desk.timeline.payment"
		if p.Kind == dental.Refund {
			key = "desk.timeline.refund"
		}
		e := w.entry(OfVisits, p.At, w.t(key, "amount", w.l.Money(p.Amount)))
		if v := w.Card.Visit(p.VisitID); v != nil {
			e = e.note(w.t("desk.timeline.payment.of", "day", w.dayOf(v.FinishedAt)))
		}
		out = append(out, e)
	}
	return out
}

// receipt is what a visit came to, with what was given back of it.
func (w words) receipt(v dental.Visit) string {
	var back int64
	for _, p := range w.Card.Payments {
		if p.VisitID == v.ID && p.Kind == dental.Refund && p.Amount.Currency == v.Receipt.Currency {
			back += p.Amount.Minor
		}
	}
	switch {
	case v.Receipt.IsZero():
		return ""
	case back == 0:
		return w.t("desk.timeline.receipt", "amount", w.l.Money(v.Receipt))
	}
	return w.t("desk.timeline.receipt.net", "amount", w.l.Money(v.Receipt), "what", w.l.Money(dental.Money{Minor: back, Currency: v.Receipt.Currency}))
}

func (w words) appointments() []Entry {
	var out []Entry
	for _, a := range w.Card.Appointments {
		if a.Standing() && a.Start.After(w.now) {
			e := w.entry(OfVisits, a.Start, w.appointment("desk.timeline.appointment", a))
			if a.Answered() == "confirm" {
				e = e.note(w.t("desk.timeline.appointment.sure"))
			}
			out = append(out, e)
		}
		if !a.BookedAt.IsZero() {
			key := "desk.timeline.booked"
			if w.moved(a) {
				key = "desk.timeline.moved"
			}
			out = append(out, w.entry(OfVisits, a.BookedAt, w.appointment(key, a)))
		}
		if key := "desk.timeline.reply." + a.Reply; a.Reply != "" && w.l.Has(key) {
			out = append(out, w.entry(OfWords, a.ReplyAt, w.t(key, "date", w.dated(a.ReplyFor), "time", w.clock(a.ReplyFor))))
		}
		if a.Status != dental.Booked && !a.ChangedAt.IsZero() && !w.Card.Attended(a.ID) {
			e := w.entry(OfVisits, a.ChangedAt, w.t("desk.timeline.became."+string(a.Status), "date", w.dated(a.Start), "time", w.clock(a.Start)))
			if a.Status == dental.Missed || a.Status == dental.Cancelled {
				e.Tone = "warm"
			}
			out = append(out, e)
		}
	}
	return out
}

// moved reports whether an appointment has stood at another time: of which only
// the touches that hung on it know.
func (w words) moved(a dental.Appointment) bool {
	own := dental.AppointmentAnchor(a)
	return slices.ContainsFunc(w.Card.Touches, func(t dental.Touch) bool {
		return dental.AppointmentOf(t.Anchor) == a.ID && t.Anchor != own
	})
}

func (w words) plans() []Entry {
	var out []Entry
	for _, p := range w.Card.Plans {
		if !p.PresentedAt.IsZero() {
			e := w.entry(OfVisits, p.PresentedAt, w.t("desk.timeline.plan"))
			for _, s := range p.Stages {
				e = e.note(w.t("desk.timeline.stage", "what", w.priced(s), "reason", w.t("desk.timeline.stage."+string(s.Status))))
			}
			out = append(out, e)
		}
		for _, s := range p.Stages {
			if s.Status == dental.StageDone && !s.DoneAt.IsZero() {
				e := w.entry(OfVisits, s.DoneAt, w.t("desk.timeline.done", "next", s.Name))
				e.Tone = "right"
				out = append(out, e)
			}
		}
	}
	return out
}

// step is what a step is called for staff: the words for it, else its scenario's title.
func (w words) step(scenario, step string) string {
	if key := "desk.timeline.step." + scenario + "." + step; w.l.Has(key) {
		return w.l.Text(key, nil)
	}
	return w.Catalogue.Called(scenario, w.l.String())
}

// label names a touch: "SMS «Приглашение на контроль»", and without the
// channel what has not left.
func (w words) label(t dental.Touch) string {
	if t.Kind != "" {
		return w.t("desk.timeline.task", "what", w.l.Text("kind."+string(t.Kind), nil))
	}
	ch := t.Channel
	if last := t.Last(); ch == "" && last != nil {
		ch = last.Channel
	}
	if ch == "" {
		return w.t("desk.timeline.message", "what", w.step(t.Scenario, t.Step))
	}
	return w.t("desk.timeline.message.by", "channel", w.channel(ch), "what", w.step(t.Scenario, t.Step))
}

// channel is the name of one at the beginning of a line.
func (w words) channel(ch dental.Channel) string {
	return capital(w.l.Text("channel."+string(ch), nil))
}

func (w words) touches() []Entry {
	var out []Entry
	for _, t := range w.Card.Touches {
		if t.Kind != "" && t.State == dental.Sent {
			continue // the task tells of itself
		}
		e := w.touch(t)
		if t.Kind != "" {
			e.Kind = OfTasks
		}
		for _, a := range t.Attempts {
			if len(t.Attempts) > 1 || a.Outcome == dental.Refused || a.Outcome == dental.Undelivered {
				e = e.note(w.attempt(a))
			}
		}
		if slices.ContainsFunc(t.Together, func(about string) bool { return !strings.HasPrefix(about, dental.About(w.Card.Patient.ID, "")) }) {
			e = e.note(w.t("desk.timeline.together"))
		}
		out = append(out, e)
	}
	return out
}

// touch is the one line on a touch: what it was, how it stands with it and why.
func (w words) touch(t dental.Touch) Entry {
	what, reason := w.label(t), w.because(t)
	task := ""
	if t.Kind != "" {
		task = ".task"
	}
	ended := t.EndedAt
	if ended.IsZero() {
		ended = t.SentAt
	}
	switch t.State {
	case dental.Held:
		key, when := "desk.timeline.held", t.Due
		if t.Backlog {
			key = "desk.timeline.backlog"
		}
		return w.ahead(when, w.t(key, "what", what))
	case dental.Planned, dental.Queued:
		if reason != "" {
			return w.ahead(t.Wake, w.t("desk.timeline.waits", "what", what, "reason", reason))
		}
		return w.ahead(laterOf(t.Due, t.Wake), w.t("desk.timeline.planned"+task, "what", what))
	case dental.Claimed:
		return w.entry(OfMessages, t.Last().At, w.t("desk.timeline.claimed", "what", what))
	case dental.Sent:
		if !t.SentAt.IsZero() {
			ended = t.SentAt
		}
		e := w.entry(OfMessages, ended, w.t("desk.timeline.sent", "what", what))
		if !t.DeliveredAt.IsZero() {
			e.Text, e.Tone = w.t("desk.timeline.delivered", "what", what), "right"
		}
		return e
	case dental.Unknown:
		e := w.entry(OfMessages, ended, w.t("desk.timeline.unknown", "what", what))
		e.Tone = "warm"
		return e
	case dental.Failed:
		key := "desk.timeline.failed"
		if reason == "" {
			key += ".bare"
		}
		e := w.entry(OfMessages, ended, w.t(key, "what", what, "reason", reason))
		e.Tone = "wrong"
		return e
	}
	return w.entry(OfMessages, ended, w.t("desk.timeline."+string(t.State)+task, "what", what, "reason", reason))
}

// ahead is a line on a message that is still to leave. One whose time has come
// and that waits for its minute is ahead all the same.
func (w words) ahead(at time.Time, text string) Entry {
	e := w.entry(OfMessages, at, text)
	e.Ahead, e.Tone = true, "brand"
	return e
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// because is why a touch stands as it does, "" for no reason. Of the caps it
// says what they counted.
func (w words) because(t dental.Touch) string {
	if t.Reason == "" {
		return ""
	}
	if t.Reason == "capped" || t.Reason == "near-advertisement" {
		at := t.EndedAt
		if at.IsZero() {
			at = w.now
		}
		if text := w.before(t, at); text != "" {
			return text
		}
	}
	return w.l.Reason(t.Reason)
}

// capDays is how far back the caps look: that of a week, and that of advertisements.
func capDays(class dental.Class) int {
	if class == dental.Advertising {
		return 30
	}
	return 7
}

// before says which message of the days before kept a touch from leaving: one
// to the patient, else one to somebody else on the same phone.
func (w words) before(t dental.Touch, at time.Time) string {
	var own, family time.Time
	var last dental.Touch
	for _, o := range w.Card.Touches {
		if o.Kind == "" && o.Class != dental.Service && !o.SentAt.After(at) && o.SentAt.After(own) && o.ID() != t.ID() {
			own, last = o.SentAt, o
		}
	}
	for _, c := range w.Contacts {
		for _, r := range c.Recent {
			if r.Class != dental.Service && !r.At.After(at) && r.At.After(family) && (r.Patient != w.Card.Patient.ID || r.Clinic != w.Clinic.ID) {
				family = r.At
			}
		}
	}
	newest, key := own, "desk.timeline.capped.own"
	if family.After(own) {
		newest, key = family, "desk.timeline.capped.family"
	}
	days := w.Clinic.Today(at).DaysSince(w.Clinic.Today(newest))
	switch {
	case newest.IsZero() || days > capDays(t.Class):
		return ""
	case days == 0:
		key += ".today"
	}
	what := ""
	if newest.Equal(own) {
		what = w.step(last.Scenario, last.Step)
	}
	return w.t(key, "n", strconv.Itoa(days), "what", what)
}

// attempt is one try of a provider.
func (w words) attempt(a dental.Attempt) string {
	outcome := cmp.Or(string(a.Outcome), "claimed")
	text := w.t("desk.timeline.attempt."+outcome, "channel", w.channel(a.Channel), "day", w.dayOf(a.At), "time", w.clock(a.At))
	if a.Detail != "" {
		text += " (" + a.Detail + ")"
	}
	return text
}

// coming is what the calendar will ask for, as far as the facts of today tell:
// the scans plan it on its day.
func (w words) coming() []Entry {
	var out []Entry
	if _, gone := w.Card.Patient.Gone(); !gone {
		var subjects []scenario.Subject
		for _, day := range []dental.Date{w.today, w.today.AddMonths(12)} {
			for _, s := range scenario.Calendar(w.Card, day) {
				if !slices.Contains(subjects, s) {
					subjects = append(subjects, s)
				}
			}
		}
		for _, s := range subjects {
			for _, want := range w.Catalogue.Plan(w.Clinic, w.Card, s) {
				if t := want.Touch; w.isComing(want) {
					e := w.whole(OfMessages, w.Clinic.Today(t.Due), w.t("desk.timeline.expected", "what", w.label(t)))
					e.Ahead, e.Tone = true, "brand"
					out = append(out, e)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.At.Compare(b.At) })
	out = out[:min(len(out), foreseen)]
	for _, m := range w.Card.Milestones {
		if m.Kind == dental.ReturnPoint && m.Date.After(w.today) {
			out = append(out, w.whole(OfVisits, m.Date, w.t("desk.timeline.return")))
		}
	}
	return out
}

// isComing reports whether a wanted touch is one that a scan has still to plan.
func (w words) isComing(want scenario.Want) bool {
	t := want.Touch
	return !want.Opens.IsZero() && want.Opens.After(w.today) && t.Due.After(w.now) && t.Due.Before(w.now.Add(horizon)) &&
		w.Card.Touch(t.Scenario, t.Step, t.Anchor) == nil && !w.Catalogue.HeldOut(w.Clinic, w.Card, t) &&
		w.Catalogue.Over(w.Clinic, w.Card, want, w.now) == ""
}

func (w words) answers() []Entry {
	var out []Entry
	for _, a := range w.Card.Answers {
		e := w.entry(OfWords, a.At, w.t("desk.timeline.answer", "day", w.day(a.Day), "answer", w.rating(a)))
		switch a.Mood() {
		case dental.Happy:
			e.Tone = "right"
		case dental.Unhappy:
			e.Tone = "wrong"
		case dental.Neutral:
			e.Tone = "warm"
		}
		if a.Changes > 1 {
			e = e.note(w.t("desk.timeline.answer.changed", "day", w.dayOf(a.FirstAt)))
		}
		if len(a.Maps) > 0 {
			e = e.note(w.t("desk.timeline.answer.maps", "what", w.l.Join(a.Maps)))
		}
		out = append(out, e.quote(a.Comment))
	}
	return out
}

// rating is the verdict of an answer.
func (w words) rating(a dental.Answer) string {
	n := strconv.Itoa(a.NPS)
	switch {
	case a.Rating == "" && a.NPS < 0:
		return w.t("desk.timeline.answer.none")
	case a.Rating == "":
		return w.t("answer.nps", "n", n)
	case a.NPS < 0:
		return w.t("answer." + string(a.Rating))
	}
	return w.t("answer.rated", "answer", w.t("answer."+string(a.Rating)), "n", n)
}

func (w words) responses() []Entry {
	var out []Entry
	for _, r := range w.Card.Responses {
		e := w.entry(OfWords, r.At, w.t("desk.timeline.response."+string(r.Action), "what", w.step(r.Scenario, r.Step)))
		var wish []string
		if i := slices.Index(dental.Weekdays(), r.Weekday); i >= 0 {
			wish = append(wish, w.l.Weekday(time.Weekday(i)))
		}
		if r.Part != "" {
			wish = append(wish, w.l.Text("part."+r.Part, nil))
		}
		if len(wish) > 0 {
			e = e.note(w.t("task.callback.wish", "wish", strings.Join(wish, ", ")))
		}
		if r.By != "" {
			e = e.note(w.t("desk.timeline.response.by", "who", r.By))
		}
		if r.Cause != "" {
			e = e.note(cause(w.l, dental.CallTask, r.Cause))
		}
		if r.Action == dental.BookOffer || r.Action == dental.CallbackOffer {
			e.Tone = "right"
		}
		out = append(out, e)
	}
	return out
}

func (w words) tasks() []Entry {
	var out []Entry
	for _, t := range w.Card.Tasks {
		name := w.l.Text("kind."+string(t.Kind), nil)
		e := w.entry(OfTasks, t.OpenedAt, w.t("desk.timeline.task.opened", "what", name))
		if t.Kind == dental.ComplaintTask {
			e.Tone = "wrong"
		}
		out = append(out, e.note(t.Reason).quote(t.Note))
		if !t.TakenAt.IsZero() {
			out = append(out, w.entry(OfTasks, t.TakenAt, w.by("desk.timeline.task.taken", t.TakenBy, "what", name)))
		}
		if !t.CalledAt.IsZero() {
			out = append(out, w.entry(OfTasks, t.CalledAt, w.t("desk.timeline.task.called", "what", name)))
		}
		if t.Tries > 0 && !t.TriedAt.IsZero() {
			out = append(out, w.entry(OfTasks, t.TriedAt, w.t("desk.timeline.task.tried", "what", name, "n", strconv.Itoa(t.Tries))))
		}
		if t.Open() {
			continue
		}
		e = w.entry(OfTasks, t.ClosedAt, w.by("desk.timeline.task.closed", t.By, "what", name, "reason", w.outcome(t)))
		if t.Decision != "" {
			e = e.note(w.t("desk.timeline.task.decision", "reason", t.Decision))
		}
		if key := "desk.timeline.task.content." + t.Content; t.Content != "" && w.l.Has(key) {
			e = e.note(w.t(key))
		}
		out = append(out, e)
	}
	return out
}

// by is a text, of two, that says who did it where that is known.
func (w words) by(key, name string, pairs ...string) string {
	if name != "" {
		return w.t(key+".by", append(pairs, "who", name)...)
	}
	return w.t(key, pairs...)
}

// outcome is how a task was closed, with the cause where it has one.
func (w words) outcome(t dental.Task) string {
	outcome := Outcome(w.l, t.Outcome)
	if t.Cause == "" {
		return outcome
	}
	return w.t("desk.timeline.outcome", "what", outcome, "reason", cause(w.l, t.Kind, t.Cause))
}

// cause is why a task was closed so: what a complaint was about, or the reason
// for not coming. A code that nobody has words for is told as it is.
func cause(l locale.Locale, of dental.TaskKind, code string) string {
	key := "desk.refusal." + code
	if of == dental.ComplaintTask {
		key = "desk.cause." + code
	}
	if l.Has(key) {
		return l.Text(key, nil)
	}
	return code
}

func (w words) bonuses() []Entry {
	var out []Entry
	for _, b := range w.Card.Bonuses {
		amount := b.Amount
		if amount.Minor < 0 {
			amount.Minor = -amount.Minor
		}
		e := w.entry(OfGains, b.At, w.by("desk.timeline.bonus."+string(b.Kind), b.By, "amount", w.l.Money(amount)))
		if !b.Until.IsZero() {
			e = e.note(w.t("desk.timeline.bonus.until", "day", w.day(b.Until)))
			if left := leftOn(w.Card.Bonuses, b.Source, b.Until); left.Minor > 0 {
				key := "desk.timeline.bonus.expired"
				if !b.Until.Before(w.today) {
					key = "desk.timeline.bonus.expires"
				}
				out = append(out, w.whole(OfGains, b.Until.AddDays(1), w.t(key, "amount", w.l.Money(left))))
			}
		}
		out = append(out, e.quote(b.Reason))
	}
	return out
}

// leftOn is what is left of one earning at the end of a day.
func leftOn(entries []dental.Bonus, source string, day dental.Date) dental.Money {
	for _, lot := range dental.PurseOn(entries, day).Lots {
		if lot.Source == source {
			return lot.Left
		}
	}
	return dental.Money{}
}

func (w words) gifts() []Entry {
	var out []Entry
	for _, g := range w.Card.Gifts {
		e := w.entry(OfGains, g.ChosenAt, w.t("desk.timeline.gift", "name", g.Name)).note(w.t("desk.timeline.gift.code", "code", g.Code, "day", w.day(g.Until)))
		out = append(out, e)
		switch {
		case g.Redeemed():
			e := w.entry(OfGains, g.RedeemedAt, w.t("desk.timeline.gift.redeemed", "name", g.Name))
			e.Tone = "right"
			out = append(out, e)
		case g.Until.Before(w.today):
			out = append(out, w.whole(OfGains, g.Until.AddDays(1), w.t("desk.timeline.gift.over", "name", g.Name)))
		}
	}
	return out
}

func (w words) referrals() []Entry {
	var out []Entry
	for _, r := range w.Card.Referrals {
		name := cmp.Or(r.Name, w.t("desk.timeline.friend"))
		e := w.entry(OfGains, r.At, w.t("desk.timeline.referral", "name", name))
		if r.State() == "card" {
			e = e.note(w.t("desk.timeline.referral.card"))
		}
		out = append(out, e)
		if !r.Rewarded.IsZero() {
			e := w.entry(OfGains, r.Rewarded, w.t("desk.timeline.referral.rewarded", "name", name))
			e.Tone = "right"
			out = append(out, e)
		}
		if !r.Reversed.IsZero() {
			out = append(out, w.entry(OfGains, r.Reversed, w.t("desk.timeline.referral.reversed", "name", name)))
		}
	}
	return out
}

// consents are one line a decision: what was decided at one time in one way is one.
func (w words) consents() []Entry {
	type decision struct {
		at     int64
		yes    bool
		class  dental.Class
		source string
		text   string
		by     string
	}
	var order []decision
	channels := map[decision][]string{}
	for _, c := range w.Card.Patient.Consents {
		d := decision{c.At.UnixNano(), c.Granted, c.Class, c.Source, c.Text, c.By}
		if channels[d] == nil {
			order = append(order, d)
		}
		channels[d] = append(channels[d], w.l.Text("channel."+string(c.Channel), nil))
	}
	var out []Entry
	for _, d := range order {
		key, tone := "desk.timeline.consent.no", "warm"
		if d.yes {
			key, tone = "desk.timeline.consent.yes", "right"
		}
		at := time.Unix(0, d.at)
		e := w.entry(OfConsents, at, w.t(key, "what", w.class(d.class), "channel", w.l.Join(channels[d])))
		e.Tone = tone
		out = append(out, e.note(w.proof(dental.Consent{At: at, Source: d.source, Text: d.text, By: d.by})))
	}
	for _, c := range w.Contacts {
		for _, o := range c.OptOuts {
			e := w.entry(OfConsents, o.At, w.t("desk.timeline.opted-out", "what", w.class(o.Class), "reason", w.source(o.Source)))
			e.Tone = "warm"
			out = append(out, e)
		}
	}
	return out
}

// told are the acts of staff of which another line tells already.
func told(action string) bool {
	return slices.Contains([]string{BonusGranted, BonusSpent, HygieneRedeemed, GiftRedeemed, ConsentTaken}, action)
}

func (w words) acts() []Entry {
	var out []Entry
	for _, a := range w.Acts {
		if told(a.Action) {
			continue
		}
		e := w.entry(OfStaff, a.At, w.t("desk.timeline.act", "what", Acted(w.l, a.Action), "who", cmp.Or(a.By, w.t("desk.log.nobody"))))
		out = append(out, e.note(detail(w.l, w.Catalogue, a)))
	}
	return out
}
