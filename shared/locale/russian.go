package locale

import (
	"fmt"
	"strconv"
	"sync"
)

// russian follows CLDR's "ru". Weekdays stand in the accusative with their
// preposition, months beside a day in the genitive, and durations in the
// accusative, as "занимает 21 минуту" asks.
var russian = language{
	tag: "ru",
	months: [12]string{"январь", "февраль", "март", "апрель", "май", "июнь",
		"июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"},
	dayMonths: [12]string{"января", "февраля", "марта", "апреля", "мая", "июня",
		"июля", "августа", "сентября", "октября", "ноября", "декабря"},
	weekdays: [7]string{"воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота"},
	onWeekday: [7]string{"в воскресенье", "в понедельник", "во вторник", "в среду", "в четверг",
		"в пятницу", "в субботу"},
	day:       func(day int, month string) string { return strconv.Itoa(day) + " " + month },
	yearAfter: " ",
	clock:     func(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) },
	today:     "сегодня",
	tomorrow:  "завтра",
	and:       "и",
	forms:     3,
	form:      russianForm,
	hours:     []string{"час", "часа", "часов"},
	minutes:   []string{"минуту", "минуты", "минут"},
	group:     noBreakSpace,
	point:     ",",
	symbols:   map[string]string{"RUB": "₽", "USD": "$", "EUR": "€", "GBP": "£", "KZT": "₸"},
	money:     func(amount, symbol string, _ bool) string { return amount + noBreakSpace + symbol },
	free:      []string{"бесплатн", "подар", "даром"},
	common:    sync.OnceValue(func() map[string]string { return mustParse("texts/ru/[^d]*.json") }),
	desk:      sync.OnceValue(func() map[string]string { return mustParse("texts/ru/desk-*.json") }),
}

// russianForm is CLDR's rule for whole numbers in "ru": one (1, 21, 101), few
// (2-4, 22-24), many (0, 5-20, 25, 111).
func russianForm(n int) int {
	tens, ones := n%100/10, n%10
	switch {
	case tens == 1 || ones == 0 || ones >= 5:
		return 2
	case ones == 1:
		return 0
	}
	return 1
}
