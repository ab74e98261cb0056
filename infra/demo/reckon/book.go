// Package reckon works a clinic's main figures out a second time, in the
// plainest way there is: by looking through everything that was posted for the
// clinic, patient by patient, for each figure anew. It has none of the code that
// works the desk's figures out (shared/measure), and its own reading of the
// rules, so that a mistake would have to be made twice to go unseen.
package reckon

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Book is what was posted for one clinic, and what its patients have said.
type Book struct {
	loc          *time.Location
	visits       map[string]dental.Visit
	appointments map[string]appointment
	plans        map[string]dental.Plan
	payments     map[string]dental.Payment
	gone         map[string]bool // archived, moved, deceased
	erased       map[string]bool
	answers      map[string]answer // by the link they were given on
}

// appointment is one with the time at which its present time was agreed on.
type appointment struct {
	dental.Appointment
	booked time.Time
}

type answer struct {
	patient, rating string
	nps             int
}

// NewBook is an empty book of a clinic in a zone.
func NewBook(loc *time.Location) *Book {
	return &Book{loc: loc, visits: map[string]dental.Visit{}, appointments: map[string]appointment{}, plans: map[string]dental.Plan{},
		payments: map[string]dental.Payment{}, gone: map[string]bool{}, erased: map[string]bool{}, answers: map[string]answer{}}
}

// Post enters an event that was accepted. Events come in the order of their versions.
func (b *Book) Post(e intake.Event) {
	switch {
	case e.Card != nil:
		b.gone[e.Card.ID] = e.Card.Status != "" && e.Card.Status != dental.Active
	case e.Gone != nil:
		b.erased[e.Gone.ID] = true
	case e.Appointment != nil:
		a := appointment{*e.Appointment, e.At}
		if was, known := b.appointments[a.ID]; known && was.Start.Equal(a.Start) {
			a.booked = was.booked
		}
		b.appointments[a.ID] = a
	case e.Visit != nil:
		b.visits[e.Visit.ID] = *e.Visit
	case e.Plan != nil:
		p := *e.Plan
		p.Stages = slices.Clone(p.Stages)
		b.plans[p.ID] = p
	case e.Payment != nil:
		b.payments[e.Payment.ID] = *e.Payment
	}
}

// Answer enters what a patient has said on a survey's page: a thumb, "" for
// none, and a score, -1 for none.
func (b *Book) Answer(patient, link, rating string, nps int) {
	a, known := b.answers[link]
	if !known {
		a = answer{nps: -1}
	}
	a.patient = patient
	if rating != "" {
		a.rating = rating
	}
	if nps >= 0 {
		a.nps = nps
	}
	b.answers[link] = a
}

// Visits lists the visits of patients who are not erased, the earliest first.
func (b *Book) Visits() []dental.Visit {
	var out []dental.Visit
	for _, v := range b.visits {
		if !b.erased[v.Patient] {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(x, y dental.Visit) int {
		if n := x.FinishedAt.Compare(y.FinishedAt); n != 0 {
			return n
		}
		return slices.Compare([]string{x.ID}, []string{y.ID})
	})
	return out
}

// Touch is what the machine shows of a touch, under the names it shows it by.
type Touch struct {
	ID, Patient, Scenario, Step, State, Class, Task, EndedOn, Price, Channel string
	SentAt, DeliveredAt                                                      time.Time
	Parts                                                                    int
}
