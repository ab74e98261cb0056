package told

import (
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

// assumedLength is how long an appointment without an end is taken to last.
const assumedLength = time.Hour

// Over is when the visit of an appointment was over: at its end, or an hour after
// its start where the end is zero, on the same day of the zone.
func Over(start, end time.Time, zone *time.Location) time.Time {
	if end.IsZero() {
		end = start.Add(assumedLength)
	}
	local := start.In(zone)
	if last := time.Date(local.Year(), local.Month(), local.Day(), 23, 59, 59, 0, zone); end.After(last) {
		return last
	}
	return end
}
