package locale

import (
	"fmt"
	"strconv"
	"sync"
)

// english follows CLDR's "en". A time is written with AM or PM: it cannot be
// misread by a patient of any English-speaking country, while a 24-hour one can.
var english = language{
	tag: "en",
	months: [12]string{"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"},
	dayMonths: [12]string{"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"},
	weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	onWeekday: [7]string{"on Sunday", "on Monday", "on Tuesday", "on Wednesday", "on Thursday",
		"on Friday", "on Saturday"},
	day:       func(day int, month string) string { return month + " " + strconv.Itoa(day) },
	yearAfter: ", ",
	clock:     twelveHours,
	today:     "today",
	tomorrow:  "tomorrow",
	and:       "and",
	forms:     2,
	form:      englishForm,
	hours:     []string{"hour", "hours"},
	minutes:   []string{"minute", "minutes"},
	group:     ",",
	point:     ".",
	symbols:   map[string]string{"USD": "$", "EUR": "€", "GBP": "£"},
	money:     symbolFirst,
	free:      []string{"free", "gift", "complimentary"},
	common:    sync.OnceValue(func() map[string]string { return mustParse("texts/en/[^d]*.json") }),
	desk:      sync.OnceValue(func() map[string]string { return mustParse("texts/en/desk-*.json") }),
}

// englishForm is CLDR's rule for whole numbers in "en": one, other.
func englishForm(n int) int {
	if n == 1 {
		return 0
	}
	return 1
}

// twelveHours writes noon and midnight out, because "12:00 PM" is read both ways.
func twelveHours(hour, minute int) string {
	hour %= 24
	half := "AM"
	if hour >= 12 {
		half = "PM"
	}
	switch {
	case hour == 0 && minute == 0:
		half = "midnight"
	case hour == 12 && minute == 0:
		half = "noon"
	}
	if hour %= 12; hour == 0 {
		hour = 12
	}
	return fmt.Sprintf("%d:%02d %s", hour, minute, half)
}

func symbolFirst(amount, symbol string, isCode bool) string {
	if isCode {
		return symbol + noBreakSpace + amount
	}
	return symbol + amount
}
