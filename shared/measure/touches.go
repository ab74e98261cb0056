package measure

import (
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Attribution is how long before a booking a touch may have been its reason.
const Attribution = 30 * 24 * time.Hour

// Outcome is how many days after a touch fell due a visit still counts for the
// comparison with those left alone.
const Outcome = 90

// Steps of the funnel: each is a part of the one before it, but that an answer
// may come without a report of delivery.
const (
	Planned   = "planned"
	Sent      = "sent"
	Delivered = "delivered"
	Answered  = "answered"
	Booked    = "booked"
	Came      = "came"
	Paid      = "paid"
)

// reach is a moment at which a touch that can bring back reached the patient.
type reach struct {
	at    time.Time
	touch *dental.Touch
}

// touches counts what the clinic said and what came of it: the funnel is of
// messages, and tasks of staff are counted by their own name.
//
// A touch that has come to its end counts on the day of that: what is open is
// not counted yet. What followed from it counts on the same day, so that the
// steps of a funnel are about the same touches; the return itself, and its
// revenue, on the day of the visit.
func (t *tally) touches() {
	reached := t.reached()
	came, paid, booked := map[*dental.Touch]bool{}, map[*dental.Touch]bool{}, map[*dental.Touch]bool{}
	for _, a := range t.card.Appointments {
		if r := last(reached, a.BookedAt); r != nil {
			booked[r] = true
		}
	}
	for i, d := range t.days {
		if i == 0 {
			continue // who was never there cannot come back
		}
		r := last(reached, t.agreedAt(d))
		if r == nil {
			continue
		}
		if !came[r] {
			t.add(d.Date, 1, "back")
			t.add(d.Date, 1, "back", r.Scenario)
		}
		booked[r], came[r] = true, true
		paid[r] = paid[r] || d.net > 0
		t.add(d.Date, 1, "back-visits")
		t.add(d.Date, 1, "back-visits", r.Scenario)
		t.add(d.Date, d.net, "back-revenue")
		t.add(d.Date, d.net, "back-revenue", r.Scenario)
	}
	for i := range t.card.Touches {
		x := &t.card.Touches[i]
		if !x.State.Final() || x.EndedOn.IsZero() {
			continue
		}
		if x.Kind != "" { // a task of staff is no message: the funnel is of messages
			if x.State == dental.Sent {
				t.add(x.EndedOn, 1, "task", x.Scenario, x.Step)
				if x.Class != dental.Service {
					t.add(x.EndedOn, 1, "brings", x.Scenario)
				}
			}
			continue
		}
		count := func(step string) { t.add(x.EndedOn, 1, "touch", x.Scenario, x.Step, step) }
		count(Planned)
		t.paidFor(x)
		switch x.State {
		case dental.Skipped:
			t.add(x.EndedOn, 1, "skipped", x.Scenario, word(x.Reason))
		case dental.TouchCancelled, dental.Failed, dental.Unknown:
			count(string(x.State))
		case dental.Sent:
			count(Sent)
			if x.Class != dental.Service {
				t.add(x.EndedOn, 1, "brings", x.Scenario)
			}
			if delivered(x) {
				count(Delivered)
			}
			if t.answered(x) {
				count(Answered)
			}
			if a := t.card.Appointment(dental.AppointmentOf(x.Anchor)); a != nil && x.Class == dental.Service {
				if on, kept := t.keptOn(*a); kept {
					came[x], paid[x] = true, on.net > 0
				}
			}
			for step, did := range map[string]map[*dental.Touch]bool{Booked: booked, Came: came, Paid: paid} {
				if did[x] {
					count(step)
				}
			}
		}
	}
	t.compared()
}

// delivered reports whether it is proven that a message arrived: accepted is
// not delivered, and no report is no proof.
func delivered(x *dental.Touch) bool { return x.State == dental.Sent && !x.DeliveredAt.IsZero() }

// reached lists when touches reached the patient that bring back: care and
// advertising. A service message is about a visit that was or will be, and
// claims none. A call of staff has reached the patient when whoever closed its
// task says so; it counts from when it came onto their list, since the booking
// is made while they speak.
func (t *tally) reached() []reach {
	var out []reach
	for i := range t.card.Touches {
		x := &t.card.Touches[i]
		switch {
		case x.Class == dental.Service:
		case x.Kind == "" && delivered(x):
			out = append(out, reach{x.DeliveredAt, x})
		case x.Kind != "" && x.State == dental.Sent && spoken(t.card.Task(x.Kind, x.Anchor)):
			out = append(out, reach{x.SentAt, x})
		}
	}
	slices.SortStableFunc(out, func(a, b reach) int {
		if n := a.at.Compare(b.at); n != 0 {
			return n
		}
		return strings.Compare(a.touch.ID(), b.touch.ID())
	})
	return out
}

// spoken reports whether staff have spoken to the patient about a task.
func spoken(k *dental.Task) bool {
	return k != nil && !k.Open() && k.By != "" &&
		slices.Contains([]string{dental.PressBooked, dental.PressAgreed, dental.PressTalked, dental.PressLater, dental.PressRefused, dental.PressNever}, k.Outcome)
}

// last is the touch that reached the patient last, within Attribution before the instant, or nil.
func last(reached []reach, before time.Time) *dental.Touch {
	for _, r := range slices.Backward(reached) {
		if !r.at.After(before) {
			if before.Sub(r.at) > Attribution {
				return nil
			}
			return r.touch
		}
	}
	return nil
}

// agreedAt is when a day's visits were booked: the first of their appointments,
// and where that is not known, the end of the first of them.
func (t *tally) agreedAt(d day) time.Time {
	var first time.Time
	for _, v := range d.visits {
		a := t.card.Appointment(v.AppointmentID)
		if a != nil && !a.BookedAt.IsZero() && !a.BookedAt.After(v.FinishedAt) && (first.IsZero() || a.BookedAt.Before(first)) {
			first = a.BookedAt
		}
	}
	if first.IsZero() {
		return d.visits[0].FinishedAt
	}
	return first
}

// keptOn is the day on which an appointment was kept, if it was.
func (t *tally) keptOn(a dental.Appointment) (day, bool) {
	for _, d := range t.days {
		if slices.ContainsFunc(d.visits, func(v dental.Visit) bool { return v.AppointmentID == a.ID }) {
			return d, true
		}
	}
	return day{}, false
}

// answered reports whether the patient did something about a message on its page.
func (t *tally) answered(x *dental.Touch) bool {
	id := x.ID()
	return slices.ContainsFunc(t.card.Answers, func(a dental.Answer) bool { return a.Touch == id }) ||
		slices.ContainsFunc(t.card.Responses, func(r dental.Response) bool { return r.Touch == id }) ||
		slices.ContainsFunc(t.card.Gifts, func(g dental.GiftChoice) bool { return g.Touch == id }) ||
		slices.ContainsFunc(t.card.Appointments, func(a dental.Appointment) bool { return t.repliedTo(x, a) }) ||
		slices.ContainsFunc(t.card.Referrals, func(r dental.Referral) bool {
			return x.Scenario == referral && t.latest(r.At, func(y *dental.Touch) bool { return y.Scenario == referral }) == x
		})
}

// repliedTo reports whether an answer about an appointment was to this message:
// the last that was sent about its time.
func (t *tally) repliedTo(x *dental.Touch, a dental.Appointment) bool {
	if a.Reply == "" || dental.AppointmentOf(x.Anchor) != a.ID {
		return false
	}
	a.Start = a.ReplyFor
	anchor := dental.AppointmentAnchor(a)
	return t.latest(a.ReplyAt, func(y *dental.Touch) bool { return y.Anchor == anchor }) == x
}

// latest is the message of some that was sent last before the instant, or nil.
func (t *tally) latest(before time.Time, is func(*dental.Touch) bool) *dental.Touch {
	var out *dental.Touch
	for i := range t.card.Touches {
		y := &t.card.Touches[i]
		if y.Kind == "" && y.State == dental.Sent && !y.SentAt.After(before) && is(y) && (out == nil || y.SentAt.After(out.SentAt)) {
			out = y
		}
	}
	return out
}

// paidFor counts the parts and the price of a message on the day on which it left.
func (t *tally) paidFor(x *dental.Touch) {
	on := x.EndedOn
	if !x.SentAt.IsZero() {
		on = t.clinic.Today(x.SentAt)
	}
	if x.Channel == dental.SMS && x.State == dental.Sent {
		t.add(on, int64(x.Parts), "parts")
	}
	t.add(on, x.Price.Minor, "cost", "messages")
	t.add(on, x.Price.Minor, "cost", "messages", x.Scenario)
}

// spent counts gifts and bonuses on the day on which they were given out or
// spent, and free hygienes, whose price nobody tells, by their number.
func (t *tally) spent() {
	for _, g := range t.card.Gifts {
		if g.Redeemed() {
			t.add(g.RedeemedOn, 1, "gifts")
			t.add(g.RedeemedOn, g.Cost.Minor, "cost", "gifts")
			t.add(g.RedeemedOn, g.Cost.Minor, "cost", "gifts", g.Scenario)
		}
	}
	for _, b := range t.card.Bonuses {
		switch b.Kind {
		case dental.BonusSpent:
			t.add(b.On, -b.Amount.Minor, "cost", "bonuses")
		case dental.BonusReversed:
			for _, o := range t.card.Bonuses { // what is taken back corrects the day it was entered on
				switch {
				case o.Source != b.Of:
				case o.Kind == dental.BonusSpent:
					t.add(o.On, -b.Amount.Minor, "cost", "bonuses")
				default:
					t.add(o.On, b.Amount.Minor, "earned")
				}
			}
		case dental.BonusFreeHygiene:
			t.add(b.On, 1, "free-hygiene")
		default:
			t.add(b.On, b.Amount.Minor, "earned")
		}
	}
}

// compared counts, for each occasion of a scenario from which some are held out,
// whether the patient came within Outcome days of the day it fell due: of those
// held out and of all others, whatever became of their messages, for the two
// are alike but for the draw (intention to treat). It counts on the day after
// the last of these days, when nothing can change any more but by correction.
// A touch of a backlog falls due when its turn comes, and its lot is drawn then:
// one that ended before has been in neither arm.
func (t *tally) compared() {
	type occasion struct{ scenario, anchor string }
	first := map[occasion]*dental.Touch{}
	for i := range t.card.Touches {
		x := &t.card.Touches[i]
		if x.Class == dental.Service || x.Reason == dental.LateEvent || x.Due.IsZero() || x.Backlog {
			continue
		}
		at := occasion{x.Scenario, x.Anchor}
		if f := first[at]; f == nil || x.Due.Before(f.Due) || x.Due.Equal(f.Due) && x.Step < f.Step {
			first[at] = x
		}
	}
	for at, x := range first {
		if !x.State.Final() {
			continue
		}
		due, arm := t.clinic.Today(x.Due), "treated"
		if x.State == dental.Skipped && x.Reason == heldOut {
			arm = "left-alone"
		}
		closes := due.AddDays(Outcome + 1)
		t.add(closes, 1, "lift", at.scenario, arm)
		if t.cameBetween(due, closes.AddDays(-1)) {
			t.add(closes, 1, "lift", at.scenario, arm, "came")
		}
		for _, d := range t.days {
			if !d.Before(due) && d.Before(closes) {
				t.add(closes, d.net, "lift", at.scenario, arm, "revenue")
			}
		}
	}
}

// heldOut is the reason of a touch that was left out for measuring.
const heldOut = "holdout"
