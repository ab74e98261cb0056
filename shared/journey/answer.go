package journey

import (
	"fmt"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// What a patient says is one thing, whether on a page or to staff on the phone:
// here is what each word changes on the card. Whoever has called these settles
// the course afterwards, with the head put.

// Respond records what the patient says to an offer and reports whether that
// is news: the last word counts, and the same again changes nothing. Another
// message of the same offer may be answered alike; that is a new word, for what
// has been planned since. FirstAt is when the present action was first said, so
// that a "later" counts its days from there.
func (c Course) Respond(r dental.Response) bool {
	r.Clinic, r.Patient, r.FirstAt, r.At, r.On = c.Clinic.ID, c.Card.Patient.ID, c.Now, c.Now, c.Clinic.Today(c.Now)
	before := c.Card.Response(r.Scenario, r.Anchor)
	if before != nil && before.Action == r.Action && before.By == r.By {
		if before.Step == r.Step && before.Weekday == r.Weekday && before.Part == r.Part && before.Cause == r.Cause {
			return false
		}
		r.FirstAt = before.FirstAt
	}
	c.Tx.Put(r)
	if before != nil {
		*before = r
	} else {
		c.Card.Responses = append(c.Card.Responses, r)
	}
	return true
}

// Reply records what the patient says of an appointment at its present time:
// "confirm", "reschedule", "cancel", "callback". A confirmation and a
// cancellation are left to a job, which tells the system that keeps the
// appointment, where that can be told.
func (c Course) Reply(a *dental.Appointment, action string) {
	a.Reply, a.ReplyFor, a.ReplyAt = action, a.Start, c.Now
	c.Tx.Put(*a)
	_, has := c.Clinic.Accounts[a.System]
	if has && dental.TakesAnswers(a.System) && (action == "confirm" || action == "cancel") {
		// One for all that a patient answers for by one press, whose write has no room for more.
		c.Tx.Put(store.Job{Clinic: c.Clinic.ID, ID: fmt.Sprintf("answer.%s.%s.%d", a.System, c.Card.Patient.ID, c.Now.UnixMilli()), Kind: store.AnswerJob,
			Patient: c.Card.Patient.ID, System: a.System, Step: action, Wake: c.Now, Made: c.Now})
	}
}

// Disown keeps the patient's messages and calls from an address that is
// somebody else's, by its contact's key, and asks staff for the right one. It
// reports whether that is news.
func (c Course) Disown(key string) bool {
	if key == "" || slices.Contains(c.Card.Patient.NotMe, key) {
		return false
	}
	c.Card.Patient.NotMe = append(c.Card.Patient.NotMe, key)
	c.Open(dental.Task{Kind: dental.ContactTask, Anchor: "address", Reason: locale.For(c.Clinic.Language).Text("task.contact.not-me", nil),
		Due: c.Clinic.EndOfWorkingDay(c.Now, 1)})
	return true
}

// Silence refuses every class, reminders too, on every channel, and calls.
func (c Course) Silence(source, by string) {
	for _, class := range append(dental.Classes(), dental.Reminders) {
		for _, ch := range append(dental.Channels(), dental.StaffTask) {
			c.Card.Patient.Record(dental.Consent{Class: class, Channel: ch, At: c.Now, Source: source, By: by})
		}
	}
}

// Agree fixes the date to come back by that was agreed on with the patient.
func (c Course) Agree(on dental.Date) {
	c.Card.Patient.ReturnOn, c.Card.Patient.ReturnAgreed = on, c.Now
	c.Dates()
}

// Dates brings the card's milestones in line with its facts: it writes those
// that have changed and takes away those that are no more.
func (c Course) Dates() {
	before, after := c.Card.Milestones, scenario.Milestones(c.Clinic, c.Card)
	for _, m := range after {
		if !slices.Contains(before, m) {
			c.Tx.Put(m)
		}
	}
	for _, m := range before {
		if !slices.ContainsFunc(after, func(x dental.Milestone) bool { return x.Kind == m.Kind && x.Plan == m.Plan }) {
			c.Tx.Remove(m)
		}
	}
	c.Card.Milestones = after
}
