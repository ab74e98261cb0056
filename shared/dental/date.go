package dental

import (
	"fmt"
	"strings"
	"time"
)

// Date is a calendar date without a zone, written YYYY-MM-DD. The zero Date is "no date".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads YYYY-MM-DD and refuses dates that no calendar has.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date of the form YYYY-MM-DD", s)
	}
	return DateOf(t), nil
}

// DateOf is the date that a clock in t's location shows.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays moves the date by n days.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// AddMonths moves the date by n calendar months; a day that the month does not
// have becomes its last one (31 August + 6 months = 28 or 29 February).
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// ReachedBy gives the first and the last of the dates that AddMonths(n) takes
// to d. They lie in one month; any is false when there is none, as no day of
// September is taken to 31 March by six months. Every date is reached by one.
func (d Date) ReachedBy(n int) (first, last Date, any bool) {
	month := Date{d.Year, d.Month, 1}.AddMonths(-n)
	days := month.AddMonths(1).DaysSince(month)
	first, last = Date{month.Year, month.Month, d.Day}, Date{month.Year, month.Month, d.Day}
	if d.AddDays(1).Month != d.Month { // its last day takes in what is cut off
		last.Day = days
	}
	return first, last, d.Day <= days
}

// Before reports whether d lies before e.
func (d Date) Before(e Date) bool { return d.utc().Before(e.utc()) }

// After reports whether d lies after e.
func (d Date) After(e Date) bool { return e.Before(d) }

// DaysSince is the number of days from e to d.
func (d Date) DaysSince(e Date) int { return int((d.utc().Unix() - e.utc().Unix()) / (24 * 60 * 60)) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// At is the first instant at which clocks in loc show this date and time of
// day, or a later one: in the gap of a change to summer time it is the end of
// the gap; of a repeated hour it is the first pass. So a later time of day is
// never an earlier instant, which time.Date does not promise.
func (d Date) At(t TimeOfDay, loc *time.Location) time.Time {
	return reached(time.Date(d.Year, d.Month, d.Day, 0, int(t), 0, 0, time.UTC), loc)
}

// AtTimeOf is At for the time of day, to the nanosecond, that clocks in loc
// show at the instant.
func (d Date) AtTimeOf(at time.Time, loc *time.Location) time.Time {
	at = at.In(loc)
	return reached(time.Date(d.Year, d.Month, d.Day, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC), loc)
}

// furthest is more than the clocks of any place have ever been away from UTC.
const furthest = 16 * time.Hour

// reached is the first instant at which clocks in loc show the wall time, which
// is given as if in UTC, or a later one.
func reached(wall time.Time, loc *time.Location) time.Time {
	from := wall.Add(-furthest).In(loc) // clocks show less there
	for {
		_, offset := from.Zone()
		shows := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		_, change := from.ZoneBounds()
		switch {
		case shows.Before(from):
			return from // the change leaps over it
		case change.IsZero() || shows.Before(change):
			return shows
		}
		from = change
	}
}

// MarshalText writes YYYY-MM-DD, or nothing for the zero Date.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(b))
	return err
}

// AgeOn is the number of full years lived on the given day; someone born on 29
// February turns a year older on 28 February of common years.
func (d Date) AgeOn(day Date) int {
	years := day.Year - d.Year
	if day.Before(d.AddMonths(12 * years)) {
		years--
	}
	return years
}

// TimeOfDay is minutes since local midnight, 0 to 1440, written HH:MM.
type TimeOfDay int

// ParseTimeOfDay reads HH:MM from 00:00 to 24:00.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	hours, minutes, _ := strings.Cut(s, ":")
	h, okH := twoDigits(hours)
	m, okM := twoDigits(minutes)
	if t := TimeOfDay(h*60 + m); okH && okM && m < 60 && t <= 24*60 {
		return t, nil
	}
	return 0, fmt.Errorf("%q is not a time of day of the form HH:MM", s)
}

func twoDigits(s string) (int, bool) {
	if len(s) != 2 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

// TimeOfDayOf is the time that a clock in t's location shows.
func TimeOfDayOf(t time.Time) TimeOfDay { return TimeOfDay(t.Hour()*60 + t.Minute()) }

func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText writes HH:MM.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads HH:MM.
func (t *TimeOfDay) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTimeOfDay(string(b))
	return err
}
