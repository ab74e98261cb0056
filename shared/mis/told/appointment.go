package told

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// TypeOf is the event that an appointment of a state comes of.
func TypeOf(s dental.AppointmentStatus) intake.Type {
	switch s {
	case dental.Confirmed:
		return intake.AppointmentConfirmed
	case dental.Cancelled:
		return intake.AppointmentCancelled
	case dental.Missed:
		return intake.AppointmentMissed
	}
	return intake.AppointmentBooked
}

// Ready reports whether an appointment, as it was just read, says already what its
// patient has answered, "confirm" or "cancel", and with a dental.Conflict why that
// is not to be written back: it is no more what the patient has seen, and staff
// have to look. now is nil where it is gone; came: its visit has taken place.
func Ready(a dental.Appointment, now *dental.Appointment, came bool, action string) (done bool, err error) {
	gone := now == nil || now.Status == dental.Cancelled
	conflict := ""
	switch {
	case gone && action == "cancel":
		return true, nil
	case gone:
		conflict = "the appointment was cancelled or deleted meanwhile"
	case now.Patient != a.Patient:
		conflict = "the appointment is another patient's now, or nobody's"
	case !now.Start.Equal(a.Start):
		conflict = "the appointment was moved meanwhile"
	case came || now.Status == dental.Missed:
		conflict = "the appointment's visit has taken place or was missed"
	default:
		return action == "confirm" && now.Status == dental.Confirmed, nil
	}
	return false, dental.Errorf(dental.Conflict, "", "%s", conflict)
}

// assumedLength is how long an appointment without an end is taken to last.
const assumedLength = time.Hour

// Over is when the visit of an appointment was over: at its end, or an hour after
// its start where the end is zero, on the same day of the zone.
func Over(start, end time.Time, zone *time.Location) time.Time {
	if end.IsZero() {
		end = start.Add(assumedLength)
	}
	if last := Night(start, zone); end.After(last) {
		return last
	}
	return end
}

// Night is the end of the day of a time.
func Night(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 23, 59, 59, 0, zone)
}

// Hold keeps those visits of an object back that are over after the time until
// alone: they were marked as done ahead of their time. So far there is only the
// appointment; the object is read again when the visit is over.
//
// Where the patient was seen to come, until is the Night of the day: from then on
// it is a visit, whose end may be ahead of us by hours.
func Hold(o *intake.Object, until time.Time) {
	o.Facts = slices.DeleteFunc(o.Facts, func(f intake.Event) bool {
		ahead := f.Visit != nil && f.Visit.FinishedAt.After(until)
		if ahead {
			o.Again = f.Visit.FinishedAt
		}
		return ahead
	})
}
