package main

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// ledger is what the practice's own system told of bookings, visits and money,
// and whom friends have brought.
type ledger struct {
	booked  map[string]time.Time // when an appointment was agreed on
	visits  map[string]*visit
	leads   map[string]reached // by the phone that was left on a page
	friends map[string]reached // who became patients, by their ids
}

// visit is one that was completed, with what it brought in the currency's
// smallest unit.
type visit struct {
	patient, appointment    string
	at                      time.Time
	receipt, paid, refunded int64
}

func newLedger() ledger {
	return ledger{booked: map[string]time.Time{}, visits: map[string]*visit{}, leads: map[string]reached{}, friends: map[string]reached{}}
}

// enter takes one event, told at the instant.
func (l ledger) enter(e intake.Event, at time.Time) {
	switch {
	case e.Card != nil:
		if lead, left := l.leads[e.Card.Number]; left {
			lead.patient = e.Card.ID
			l.friends[e.Card.ID] = lead
		}
	case e.Type == intake.AppointmentBooked:
		l.booked[e.Appointment.ID] = at
	case e.Visit != nil:
		v := l.visits[e.Visit.ID]
		if v == nil {
			v = &visit{patient: e.Visit.Patient, appointment: e.Visit.AppointmentID, at: e.Visit.FinishedAt}
			l.visits[e.Visit.ID] = v
		}
		v.receipt = e.Visit.Receipt.Minor
	case e.Payment != nil && l.visits[e.Payment.VisitID] != nil:
		v := l.visits[e.Payment.VisitID]
		if e.Payment.Kind == dental.Refund {
			v.refunded += e.Payment.Amount.Minor
		} else {
			v.paid += e.Payment.Amount.Minor
		}
	}
}

// lead notes that somebody left a phone on a page of the scenario.
func (l ledger) lead(phone, scenario string, at time.Time) {
	l.leads[phone] = reached{scenario: scenario, at: at}
}

// revenue of a visit is its receipt less its refunds; without a receipt, what was paid.
func (v visit) revenue() int64 { return cmp.Or(v.receipt, v.paid) - v.refunded }

// reached is one time at which a scenario reached a patient: a message that was
// delivered, a call of staff, or of a friend the phone left on a page.
type reached struct {
	patient, scenario string
	at                time.Time
}

// credit is what came back by a scenario.
type credit struct {
	patients map[string]bool
	visits   int
	revenue  int64
}

// window is how long before a booking a touch may have been its reason.
const window = 30 * 24 * time.Hour

// credits gives each visit since start to the scenario that reached its patient
// last, within the window before the visit was booked; where that is not known,
// before the visit itself. Visits that nothing went before are those of "".
func (l ledger) credits(start time.Time, touches []reached) map[string]*credit {
	of := map[string][]reached{}
	for _, r := range slices.AppendSeq(slices.Clone(touches), maps.Values(l.friends)) {
		of[r.patient] = append(of[r.patient], r)
	}
	for _, all := range of {
		slices.SortStableFunc(all, func(a, b reached) int { return a.at.Compare(b.at) })
	}
	out := map[string]*credit{}
	for _, v := range l.visits {
		if v.at.Before(start) {
			continue
		}
		booked, known := l.booked[v.appointment]
		if !known {
			booked = v.at
		}
		scenario := ""
		for _, r := range of[v.patient] {
			if !r.at.After(booked) && booked.Sub(r.at) <= window {
				scenario = r.scenario
			}
		}
		c := out[scenario]
		if c == nil {
			c = &credit{patients: map[string]bool{}}
			out[scenario] = c
		}
		c.patients[v.patient] = true
		c.visits++
		c.revenue += v.revenue()
	}
	return out
}
