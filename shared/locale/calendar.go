package locale

import (
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Day is a date without its year: "12 марта", "March 12". The zero Date is "",
// here and below.
func (l Locale) Day(d dental.Date) string {
	if d.IsZero() {
		return ""
	}
	g := l.language()
	return g.day(d.Day, g.dayMonths[(int(d.Month)+11)%12])
}

// DayYear is a date with its year, for what lies far off: "12 марта 2026",
// "March 12, 2026".
func (l Locale) DayYear(d dental.Date) string {
	if d.IsZero() {
		return ""
	}
	return l.Day(d) + l.language().yearAfter + strconv.Itoa(d.Year)
}

// DayWeekday is a date as it answers "when": "в четверг, 12 марта", "во
// вторник, 3 марта"; "on Thursday, March 12".
func (l Locale) DayWeekday(d dental.Date) string {
	if d.IsZero() {
		return ""
	}
	return l.language().onWeekday[d.Weekday()] + ", " + l.Day(d)
}

// Relative is "сегодня" or "завтра" where that is what d is to today, else
// DayWeekday. It suits pages, which are read when they are made, and not
// messages, which may be read a day later.
func (l Locale) Relative(d, today dental.Date) string {
	switch {
	case d.IsZero():
		return ""
	case d == today:
		return l.language().today
	case d == today.AddDays(1):
		return l.language().tomorrow
	}
	return l.DayWeekday(d)
}

// Weekday is the name of a day of the week: "четверг", "Thursday".
func (l Locale) Weekday(w time.Weekday) string { return l.language().weekdays[(int(w)%7+7)%7] }

// Month is the month of a date with its year, for reports: "март 2026", "March 2026".
func (l Locale) Month(d dental.Date) string {
	if d.IsZero() {
		return ""
	}
	return l.language().months[(int(d.Month)+11)%12] + " " + strconv.Itoa(d.Year)
}

// Time is a time of day: "14:30" in Russian, "2:30 PM" in English.
func (l Locale) Time(t dental.TimeOfDay) string { return l.language().clock(int(t)/60, int(t)%60) }
