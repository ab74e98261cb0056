package scenario

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// RecallMonths is the interval after which a patient is due again, by kind of
// procedure; a clinic can change each.
func RecallMonths(kind dental.ProcedureKind) int {
	switch kind {
	case dental.Implant, dental.Prosthetics:
		return 12
	case dental.Periodontics:
		return 3
	}
	return 6
}

// ReturnDate is when the patient should come back after a visit: the date the
// doctor set, else the shortest interval among the kinds done.
func ReturnDate(cl *dental.Clinic, v dental.Visit) dental.Date {
	if !v.ReturnDate.IsZero() {
		return v.ReturnDate
	}
	months := 0
	for _, kind := range v.Kinds() {
		m := RecallMonths(kind)
		if own, set := cl.RecallMonths[string(kind)]; set {
			m = own
		}
		if months == 0 || m > 0 && m < months {
			months = m
		}
	}
	if months == 0 {
		months = RecallMonths(dental.OtherKind)
	}
	return cl.Today(v.FinishedAt).AddMonths(months)
}

// Milestones lists the dates that a card's facts amount to now, one a kind and
// plan. They follow from the facts alone, in whatever order those arrived.
func Milestones(cl *dental.Clinic, card *dental.Card) []dental.Milestone {
	at := func(kind dental.MilestoneKind, d dental.Date) dental.Milestone {
		return dental.Milestone{Clinic: cl.ID, Patient: card.Patient.ID, Kind: kind, Date: d}
	}
	var last, implant, braces *dental.Visit
	visits := inTime(card.Visits)
	for i := range visits {
		v := &visits[i]
		last = v
		if slices.Contains(v.Kinds(), dental.Implant) {
			implant = v
		}
		if slices.Contains(v.Kinds(), dental.Orthodontics) {
			braces = v
		}
	}
	var out []dental.Milestone
	if last == nil {
		out = append(out, at(dental.LastVisit, dental.Date{}))
	} else {
		back := standing(cl, card.Plans, visits)
		if p := card.Patient; !p.ReturnOn.IsZero() && !last.FinishedAt.After(p.ReturnAgreed) {
			back = p.ReturnOn
		}
		out = append(out, at(dental.LastVisit, cl.Today(last.FinishedAt)), at(dental.ReturnPoint, back))
	}
	if implant != nil {
		out = append(out, at(dental.LastImplant, cl.Today(implant.FinishedAt)))
	}
	if braces != nil {
		out = append(out, at(dental.LastOrthodontics, cl.Today(braces.FinishedAt)))
	}
	if b := card.Patient.BirthDate; !b.IsZero() {
		out = append(out, at(dental.Birthday, b))
	}
	for _, p := range card.Plans {
		if p.Open() && !p.LastActivity().IsZero() {
			m := at(dental.PlanActivity, cl.Today(p.LastActivity()))
			m.Plan = p.ID
			out = append(out, m)
		}
	}
	return out
}

func inTime(visits []dental.Visit) []dental.Visit {
	return slices.SortedFunc(slices.Values(visits), func(a, b dental.Visit) int {
		return cmp.Or(a.FinishedAt.Compare(b.FinishedAt), cmp.Compare(a.ID, b.ID))
	})
}

// agreed is the day on which the return date was agreed on at the desk, zero
// where it follows from a visit.
func agreed(cl *dental.Clinic, card *dental.Card, back dental.Date) dental.Date {
	if p := card.Patient; p.ReturnOn == back && !p.ReturnAgreed.IsZero() && !visitedSince(card, p.ReturnAgreed) {
		return cl.Today(p.ReturnAgreed)
	}
	return dental.Date{}
}

// standing is the return date that stands after the visits, which are in the
// order of time: each sets its own, unless it is an interim stage of a plan and
// a later date stands.
func standing(cl *dental.Clinic, plans []dental.Plan, visits []dental.Visit) dental.Date {
	var due dental.Date
	for _, v := range visits {
		interim := slices.ContainsFunc(plans, func(p dental.Plan) bool {
			return p.Open() && !cl.Today(p.PresentedAt).After(cl.Today(v.FinishedAt))
		})
		if own := ReturnDate(cl, v); due.IsZero() || !interim || own.After(due) {
			due = own
		}
	}
	return due
}

// lost says why an appointment no longer takes place at the time that an anchor
// names, or "" while it stands.
func lost(card *dental.Card, a *dental.Appointment, anchor string) string {
	switch {
	case a == nil:
		return "appointment-cancelled"
	case card.Attended(a.ID):
		return "attended"
	case dental.AppointmentAnchor(*a) != anchor, moved(a):
		return "rescheduled"
	case a.Status == dental.Cancelled:
		return "appointment-cancelled"
	case a.Status == dental.Missed:
		return "appointment-missed"
	}
	return ""
}

// Uncalled reports whether the task is a call that the patient does not want.
// What the patient has asked for since, or complained of, is wanted; and the
// friend of a lead is somebody else.
func Uncalled(card *dental.Card, t dental.Task) bool {
	since, refused := card.Patient.Uncalled()
	if !refused {
		return false
	}
	switch t.Kind {
	case dental.LeadTask:
		return false
	case dental.ComplaintTask, dental.FeedbackTask, dental.CallbackTask:
		return !t.OpenedAt.After(since)
	}
	return true
}

// Moot says how an open task was settled by what has happened up to now, or "".
func (c Catalogue) Moot(cl *dental.Clinic, card *dental.Card, t dental.Task, now time.Time) string {
	if gone, isGone := card.Patient.Gone(); isGone && t.Kind != dental.LeadTask { // that one is about the friend
		return gone
	}
	if Uncalled(card, t) {
		return "no-contact"
	}
	switch t.Kind {
	case dental.ConfirmTask, dental.CallbackTask:
		a := card.Appointment(dental.AppointmentOf(t.Anchor))
		switch lost := lost(card, a, t.Anchor); {
		case a == nil:
			return c.overtaken(cl, card, t)
		case lost != "":
			return lost
		case t.Kind == dental.ConfirmTask && !now.Before(a.Start):
			return "appointment-over"
		case a.Answered() == "confirm", t.Kind == dental.ConfirmTask && a.Answered() != "":
			return "answered"
		}
	case dental.CallTask, dental.PlanTask, dental.WakeTask:
		if t.Kind == dental.CallTask && strings.HasPrefix(t.Anchor, GiftAnchor(t.Scenario, "")) {
			return given(cl, card, t, now)
		}
		return c.overtaken(cl, card, t)
	case dental.RebookTask:
		a := card.Appointment(dental.AppointmentOf(t.Anchor))
		switch {
		case card.NextAppointment(t.OpenedAt) != nil:
			return "booked"
		case a != nil && madeUp(card, a):
			return "attended"
		}
	}
	return ""
}
