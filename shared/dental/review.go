package dental

import "time"

// Review is what a clinic has decided when it looked back some days after its
// start: the meeting's words, as they were last written.
type Review struct {
	Clinic    string
	Days      int // since the start: 30, 60 or 90
	Decisions string
	By        string
	At        time.Time
}

// ReviewDays are the days after its start at which a clinic looks back.
func ReviewDays() []int { return []int{30, 60, 90} }

// FirstSteps is what a clinic's people have said of the first steps that no fact
// shows to be done: that the doctors know what to say, that the intervals were looked at.
type FirstSteps struct {
	Clinic string
	Done   map[string]time.Time // by the step's name
}

// SilentSince is since when the clinic's MIS has told nothing, once that is for
// more than a day and a night of opening hours; the zero time is that it is not
// silent, or was never heard at all.
func (c *Clinic) SilentSince(now time.Time) time.Time {
	if c.HeardAt.IsZero() || now.Before(c.SilentAt()) {
		return time.Time{}
	}
	return c.HeardAt
}

// mostSilence is how many opening hours an MIS may tell nothing.
const mostSilence = 24 * time.Hour

// SilentAt is when the MIS will be taken for silent, unless it tells something
// before; of one that was never heard it means nothing.
func (c *Clinic) SilentAt() time.Time { return c.AddWorking(c.HeardAt, mostSilence) }
