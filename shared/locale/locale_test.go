package locale

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"pgregory.net/rapid"
)

func TestForTakesTheFirstLanguageThatTheProductSpeaks(t *testing.T) {
	for _, c := range []struct {
		tags []string
		want Locale
	}{
		{[]string{"ru"}, Russian},
		{[]string{"ru-RU"}, Russian},
		{[]string{"RU_ru"}, Russian},
		{[]string{"en-GB"}, English},
		{[]string{"", "ru"}, Russian},   // the patient has no wish, the clinic is Russian
		{[]string{"kk", "ru"}, Russian}, // the patient's is unknown
		{[]string{"en", "ru"}, English}, // the patient's own comes first
		{[]string{"fr", "de"}, English}, // neither is known
		{[]string{"rum"}, English},      // not a prefix match
		{nil, English},
	} {
		if got := For(c.tags...); got != c.want {
			t.Errorf("For(%q) = %v, want %v", c.tags, got, c.want)
		}
	}
}

func TestTheTagOfALocaleLeadsBackToIt(t *testing.T) {
	for _, l := range All() {
		if got := For(l.String()); got != l {
			t.Errorf("For(%q) = %v, want %v", l.String(), got, l)
		}
	}
	if Locale(200).String() != "en" {
		t.Error("a locale that does not exist does not speak English")
	}
}

func TestPluralFollowsCLDR(t *testing.T) {
	// Samples of CLDR's plural rules for whole numbers.
	for form, samples := range map[string][]int{
		"визит":   {1, 21, 31, 41, 101, 1001, -1},
		"визита":  {2, 3, 4, 22, 23, 24, 32, 102, 1002, -3},
		"визитов": {0, 5, 6, 10, 11, 12, 13, 14, 15, 19, 20, 25, 100, 111, 112, 114, 1000, 1011, 1000000},
	} {
		for _, n := range samples {
			if got := Russian.Plural(n, "визит", "визита", "визитов"); got != form {
				t.Errorf("%d %s, want %s", n, got, form)
			}
		}
	}
	for form, samples := range map[string][]int{"visit": {1}, "visits": {0, 2, 11, 21, 101}} {
		for _, n := range samples {
			if got := English.Plural(n, "visit", "visits"); got != form {
				t.Errorf("%d %s, want %s", n, got, form)
			}
		}
	}
}

func TestPluralWithTooFewFormsTakesTheLast(t *testing.T) {
	if got := Russian.Plural(5, "лет"); got != "лет" {
		t.Errorf("got %q", got)
	}
	if got := Russian.Plural(5); got != "" {
		t.Errorf("got %q of no forms", got)
	}
}

func TestDaysAreWrittenAsTheLanguageDoes(t *testing.T) {
	for _, c := range []struct {
		date                      string
		ruDay, ruWhen, ruYear     string
		enDay, enWhen, enYear     string
		ruMonth, enMonth, ruNamed string
	}{
		{"2026-03-12", "12 марта", "в четверг, 12 марта", "12 марта 2026", "March 12", "on Thursday, March 12", "March 12, 2026", "март 2026", "March 2026", "четверг"},
		{"2026-03-03", "3 марта", "во вторник, 3 марта", "3 марта 2026", "March 3", "on Tuesday, March 3", "March 3, 2026", "март 2026", "March 2026", "вторник"},
		{"2026-05-06", "6 мая", "в среду, 6 мая", "6 мая 2026", "May 6", "on Wednesday, May 6", "May 6, 2026", "май 2026", "May 2026", "среда"},
		{"2026-08-07", "7 августа", "в пятницу, 7 августа", "7 августа 2026", "August 7", "on Friday, August 7", "August 7, 2026", "август 2026", "August 2026", "пятница"},
		{"2026-12-05", "5 декабря", "в субботу, 5 декабря", "5 декабря 2026", "December 5", "on Saturday, December 5", "December 5, 2026", "декабрь 2026", "December 2026", "суббота"},
		{"2026-01-04", "4 января", "в воскресенье, 4 января", "4 января 2026", "January 4", "on Sunday, January 4", "January 4, 2026", "январь 2026", "January 2026", "воскресенье"},
		{"2024-02-29", "29 февраля", "в четверг, 29 февраля", "29 февраля 2024", "February 29", "on Thursday, February 29", "February 29, 2024", "февраль 2024", "February 2024", "четверг"},
		{"2026-11-30", "30 ноября", "в понедельник, 30 ноября", "30 ноября 2026", "November 30", "on Monday, November 30", "November 30, 2026", "ноябрь 2026", "November 2026", "понедельник"},
	} {
		d := date(t, c.date)
		for _, pair := range [][2]string{
			{Russian.Day(d), c.ruDay}, {Russian.DayWeekday(d), c.ruWhen}, {Russian.DayYear(d), c.ruYear},
			{Russian.Month(d), c.ruMonth}, {Russian.Weekday(d.Weekday()), c.ruNamed},
			{English.Day(d), c.enDay}, {English.DayWeekday(d), c.enWhen}, {English.DayYear(d), c.enYear}, {English.Month(d), c.enMonth},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s is %q, want %q", c.date, pair[0], pair[1])
			}
		}
	}
}

func TestNoDateIsNoText(t *testing.T) {
	var none dental.Date
	for _, l := range All() {
		for _, got := range []string{l.Day(none), l.DayYear(none), l.DayWeekday(none), l.Month(none), l.Relative(none, none)} {
			if got != "" {
				t.Errorf("%v: got %q", l, got)
			}
		}
	}
}

func TestEveryDayOfAYearIsWrittenDifferently(t *testing.T) {
	for _, l := range All() {
		seen := map[string]dental.Date{}
		for d := date(t, "2026-01-01"); d.Year == 2026; d = d.AddDays(1) {
			text := l.DayWeekday(d)
			if other, again := seen[text]; again {
				t.Errorf("%v: %v and %v are both %q", l, d, other, text)
			}
			seen[text] = d
			if !strings.HasSuffix(text, ", "+l.Day(d)) {
				t.Errorf("%v: %q does not end in %q", l, text, l.Day(d))
			}
		}
	}
}

func TestRelativeNamesTodayAndTomorrowOnly(t *testing.T) {
	today := date(t, "2026-12-31")
	for _, c := range []struct {
		l     Locale
		other string
		want  string
	}{
		{Russian, "2026-12-31", "сегодня"},
		{Russian, "2027-01-01", "завтра"},
		{Russian, "2027-01-02", "в субботу, 2 января"},
		{Russian, "2026-12-30", "в среду, 30 декабря"},
		{English, "2026-12-31", "today"},
		{English, "2027-01-01", "tomorrow"},
		{English, "2027-01-02", "on Saturday, January 2"},
	} {
		if got := c.l.Relative(date(t, c.other), today); got != c.want {
			t.Errorf("%s: %q, want %q", c.other, got, c.want)
		}
	}
}

func TestWeekdaysOutsideTheWeekWrapAround(t *testing.T) {
	if got := English.Weekday(time.Weekday(-1)); got != "Saturday" {
		t.Errorf("got %q", got)
	}
}

func TestTimesCannotBeMisread(t *testing.T) {
	for _, c := range []struct{ at, ru, en string }{
		{"00:00", "00:00", "12:00 midnight"},
		{"00:05", "00:05", "12:05 AM"},
		{"09:00", "09:00", "9:00 AM"},
		{"11:59", "11:59", "11:59 AM"},
		{"12:00", "12:00", "12:00 noon"},
		{"12:30", "12:30", "12:30 PM"},
		{"14:30", "14:30", "2:30 PM"},
		{"23:45", "23:45", "11:45 PM"},
		{"24:00", "24:00", "12:00 midnight"},
	} {
		at, err := dental.ParseTimeOfDay(c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Russian.Time(at); got != c.ru {
			t.Errorf("%s: %q, want %q", c.at, got, c.ru)
		}
		if got := English.Time(at); got != c.en {
			t.Errorf("%s: %q, want %q", c.at, got, c.en)
		}
	}
}

func TestMinutesAgreeWithTheirNumber(t *testing.T) {
	for _, c := range []struct {
		n      int
		ru, en string
	}{
		{-5, "", ""},
		{0, "", ""},
		{1, "1 минуту", "1 minute"},
		{2, "2 минуты", "2 minutes"},
		{11, "11 минут", "11 minutes"},
		{21, "21 минуту", "21 minutes"},
		{30, "30 минут", "30 minutes"},
		{44, "44 минуты", "44 minutes"},
		{60, "1 час", "1 hour"},
		{80, "1 час 20 минут", "1 hour 20 minutes"},
		{121, "2 часа 1 минуту", "2 hours 1 minute"},
		{300, "5 часов", "5 hours"},
		{1260, "21 час", "21 hours"},
	} {
		if got := Russian.Minutes(c.n); got != c.ru {
			t.Errorf("%d: %q, want %q", c.n, got, c.ru)
		}
		if got := English.Minutes(c.n); got != c.en {
			t.Errorf("%d: %q, want %q", c.n, got, c.en)
		}
	}
}

func TestMoneyIsWrittenAsTheLanguageDoes(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency string
		ru, en   string
	}{
		{0, "", "", ""},
		{0, "RUB", "0 ₽", "RUB 0"},
		{5, "RUB", "0,05 ₽", "RUB 0.05"},
		{50000, "RUB", "500 ₽", "RUB 500"},
		{540000, "RUB", "5 400 ₽", "RUB 5,400"},
		{540050, "RUB", "5 400,50 ₽", "RUB 5,400.50"},
		{123456789, "USD", "1 234 567,89 $", "$1,234,567.89"},
		{-540000, "RUB", "−5 400 ₽", "−RUB 5,400"},
		{99900, "EUR", "999 €", "€999"},
		{100000, "GBP", "1 000 £", "£1,000"},
		{540000, "KZT", "5 400 ₸", "KZT 5,400"},
		{540000, "BYN", "5 400 BYN", "BYN 5,400"},
		{5400, "JPY", "5 400 JPY", "JPY 5,400"},
		{5400500, "KWD", "5 400,500 KWD", "KWD 5,400.500"},
	} {
		m := dental.Money{Minor: c.minor, Currency: c.currency}
		space := func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }
		if got := Russian.Money(m); got != space(c.ru) {
			t.Errorf("%v: %q, want %q", m, got, space(c.ru))
		}
		if got := English.Money(m); got != space(c.en) {
			t.Errorf("%v: %q, want %q", m, got, space(c.en))
		}
	}
}

func TestMoneyLosesNoDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := dental.Money{
			Minor:    rapid.Int64Range(-1e14, 1e14).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]string{"RUB", "USD", "JPY", "KWD", "BYN"}).Draw(t, "currency"),
		}
		for _, l := range All() {
			g := l.language()
			digits := strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' || r == '-' {
					return r
				}
				return -1
			}, strings.NewReplacer(g.point, ".", "−", "-").Replace(l.Money(m)))
			want := strings.ReplaceAll(m.Decimal(), ".", "")
			if _, fraction, _ := strings.Cut(m.Decimal(), "."); strings.Trim(fraction, "0") == "" {
				want = strings.TrimSuffix(want, fraction)
			}
			if digits != want {
				t.Fatalf("%v: %q has the digits %s, want %s", l, l.Money(m), digits, want)
			}
		}
	})
}

func TestJoinListsAsASentenceDoes(t *testing.T) {
	for _, c := range []struct {
		items  []string
		ru, en string
	}{
		{nil, "", ""},
		{[]string{"a"}, "a", "a"},
		{[]string{"a", "b"}, "a и b", "a and b"},
		{[]string{"a", "", "b", "c"}, "a, b и c", "a, b and c"},
	} {
		if got := Russian.Join(c.items); got != c.ru {
			t.Errorf("%q: %q, want %q", c.items, got, c.ru)
		}
		if got := English.Join(c.items); got != c.en {
			t.Errorf("%q: %q, want %q", c.items, got, c.en)
		}
	}
}

func date(t *testing.T, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ExampleLocale_Plural() {
	for _, n := range []int{1, 3, 11} {
		fmt.Println(n, Russian.Plural(n, "визит", "визита", "визитов"))
	}
	// Output:
	// 1 визит
	// 3 визита
	// 11 визитов
}
