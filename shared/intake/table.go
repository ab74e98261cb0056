package intake

import (
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// A table of an existing base names its patients and not their visits and
// appointments: these are known by their day. Where a system of record, or the
// clinic's own events, tell of the day too, theirs are the visits and
// appointments, and the table's go; told after them the table's do not come.

// knownBetter reports whether anybody but tables tells of an appointment or a visit on the day.
func (d *draft) knownBetter(day dental.Date) bool {
	return slices.ContainsFunc(d.card.Appointments, func(a dental.Appointment) bool { return !a.Table && a.On == day }) ||
		slices.ContainsFunc(d.card.VisitsOn(day), func(v dental.Visit) bool { return !v.Table })
}

// replaceAppointments takes a table's appointments of the day back: nobody has cancelled them.
func (d *draft) replaceAppointments(by dental.Appointment) {
	for i := range d.card.Appointments {
		a := &d.card.Appointments[i]
		if !a.Table || a.On != by.On || a.Status == dental.Cancelled {
			continue
		}
		a.Status, a.MovedTo, a.ChangedAt = dental.Cancelled, by.ID, d.now
		d.tx.Put(*a)
		d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnAppointment, ID: a.ID})
	}
}

// replaceVisits takes a table's visits of the day away.
func (d *draft) replaceVisits(by dental.Visit) {
	for _, v := range d.card.VisitsOn(by.Day) {
		if v.Table && v.ID != by.ID {
			d.tx.Remove(v)
			d.card.Visits = slices.DeleteFunc(d.card.Visits, func(x dental.Visit) bool { return x.ID == v.ID })
		}
	}
}
