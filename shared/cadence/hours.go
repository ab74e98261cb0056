// Package cadence decides whether and when a patient may be written to: the
// sending hours, consent by class, refusals of an address's holder, and how
// much one household may get. It is pure: facts and the time go in, a verdict
// comes out.
package cadence

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Margin is how long before the end of the sending hours the last message is
// claimed: a claim may take this long to reach the provider.
const Margin = 6 * time.Minute

// evening is how long before the end of sending a message leaves that was
// moved to the evening before.
const evening = time.Hour

// Hours is a stretch of local time of day, longer than Margin, in which messages may leave.
type Hours struct {
	From, To dental.TimeOfDay
	Loc      *time.Location
}

// HoursOf is the clinic's sending hours.
func HoursOf(c *dental.Clinic) Hours { return Hours{From: c.SendFrom, To: c.SendTo, Loc: c.Location()} }

// Open reports whether a message may be claimed at the instant.
func (h Hours) Open(at time.Time) bool {
	day := dental.DateOf(at.In(h.Loc))
	return !at.Before(day.At(h.From, h.Loc)) && !at.After(day.At(h.To, h.Loc).Add(-Margin))
}

// fewDays bounds the search for a day with hours in it. There is one each day,
// but where clocks have skipped a whole day.
const fewDays = 3

// Next is the instant itself if messages may leave then, else the next start of the hours.
func (h Hours) Next(at time.Time) time.Time {
	day := dental.DateOf(at.In(h.Loc))
	for range fewDays {
		if from := day.At(h.From, h.Loc); at.Before(from) {
			at = from
		}
		if h.Open(at) {
			break
		}
		day = day.AddDays(1)
	}
	return at
}

// EveningBefore is the instant itself if messages may leave then, else an hour
// before the last end of the hours that precedes it, or their start if they are
// as short as that: a reminder is better early than late.
func (h Hours) EveningBefore(at time.Time) time.Time {
	if h.Open(at) {
		return at
	}
	day := dental.DateOf(at.In(h.Loc))
	for range fewDays {
		from, late := day.At(h.From, h.Loc), day.At(h.To, h.Loc).Add(-evening)
		if late.Before(from) {
			late = from
		}
		if !late.After(at) && h.Open(late) {
			return late
		}
		day = day.AddDays(-1)
	}
	return at
}

// AfterHolidays is the instant itself, or the start of the sending hours of the
// first day that is none of the clinic's holidays.
func AfterHolidays(c *dental.Clinic, at time.Time) time.Time {
	day := c.Today(at)
	first := day
	for range len(c.Holidays) + 1 {
		if !slices.Contains(c.Holidays, day) {
			break
		}
		day = day.AddDays(1)
	}
	if day == first {
		return at
	}
	return day.At(c.SendFrom, c.Location())
}
