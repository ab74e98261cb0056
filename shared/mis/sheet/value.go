package sheet

import (
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// clean is a cell without what nobody sees: spaces around it, spaces in a row,
// signs without a width, control characters, the apostrophe by which a
// spreadsheet marks a text, and the formula ="0123" by which an export does.
func clean(cell string) string {
	v := strings.TrimSpace(cell)
	if inner, ok := strings.CutPrefix(v, `="`); ok && len(inner) > 0 && inner[len(inner)-1] == '"' {
		v = strings.TrimSpace(inner[:len(inner)-1])
	}
	v = strings.TrimPrefix(v, "'")
	if plain(v) {
		return v
	}
	var b strings.Builder
	space := false
	for _, r := range v {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain reports whether there is surely nothing to clean: letters of Latin and
// Cyrillic, and single spaces.
func plain(v string) bool {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == ' ' && i+1 < len(v) && v[i+1] == ' ', c < ' ', c == 0x7f, c >= 0xe0, c == 0xc2:
			return false
		}
	}
	return true
}

// cut shortens a text to as many bytes, without breaking a letter.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// digits are the digits of a text.
func digits(v string) string {
	var b []byte
	for i := range len(v) {
		if v[i] >= '0' && v[i] <= '9' {
			b = append(b, v[i])
		}
	}
	return string(b)
}

// number reads a whole number that a program wrote: "79160000000.0" and
// "7.916E+10". rounded: digits of it were lost, as in a spreadsheet's view of a
// long number, unless exact says that numbers are never shortened.
func number(v string, exact bool) (whole string, is, rounded bool) {
	mantissa, exponent, scientific := strings.Cut(strings.Replace(strings.ToUpper(v), ",", ".", 1), "E")
	units, fraction, _ := strings.Cut(mantissa, ".")
	if units == "" || !allDigits(units) || !allDigits(fraction) {
		return "", false, false
	}
	if !scientific {
		return units, strings.Trim(fraction, "0") == "", false
	}
	shift, err := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	if err != nil || shift < 0 || shift > 20 {
		return "", false, false
	}
	significant := strings.TrimRight(fraction, "0")
	if len(significant) > shift {
		return "", false, false
	}
	return units + significant + strings.Repeat("0", shift-len(significant)), true, !exact && len(fraction) < shift
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// when is a date with the time of day, if one was said.
type when struct {
	day   dental.Date
	time  dental.TimeOfDay
	timed bool
}

// century says what a year of two digits means.
type century func(dental.Date) dental.Date

// of2000 is right for what a clinic has done or plans.
func of2000(d dental.Date) dental.Date {
	d.Year += 2000
	return d
}

// born is the latest birth date that does not lie ahead of today.
func born(today dental.Date) century {
	return func(d dental.Date) dental.Date {
		if d.Year += 2000; d.After(today) {
			d.Year -= 100
		}
		return d
	}
}

// months are the beginnings of the months' names, in Russian and English, by the number.
var months = [12][]string{{"янв", "jan"}, {"фев", "feb"}, {"мар", "mar"}, {"апр", "apr"}, {"май", "мая", "may"}, {"июн", "jun"},
	{"июл", "jul"}, {"авг", "aug"}, {"сен", "sep"}, {"окт", "oct"}, {"ноя", "nov"}, {"дек", "dec"}}

func monthNamed(word string) int {
	word = strings.ToLower(word)
	for i, names := range months {
		for _, name := range names {
			if strings.HasPrefix(word, name) {
				return i + 1
			}
		}
	}
	return 0
}

// never are dates by which programs say that there is none: zero by the calendars
// of SQL, 1C, .NET, Delphi and Excel, and a form that nobody filled in.
func never(v string) bool {
	d := digits(v)
	switch {
	case d == "":
		return strings.Trim(v, " ./-_:") == ""
	case strings.Trim(d, "0") == "":
		return true
	}
	for _, zero := range []string{"01.01.0001", "0001-01-01", "30.12.1899", "1899-12-30", "00.01.1900", "1900-01-00"} {
		if strings.HasPrefix(v, zero) {
			return true
		}
	}
	return false
}

// order is what stands first in the dates of a table that have strokes.
type order uint8

const (
	unsure order = iota // 5/6/2026 may be either
	dayFirst
	monthFirst
)

// learnOrder finds the order in the first rows of the table: a part beyond 12 is
// the day. Where no date has one it is the day if a header is in Cyrillic.
func (t *table) learnOrder(rows [][]string) {
	days, months := false, false
	for _, cells := range rows {
		for i := range min(len(cells), len(t.fields)) {
			if !t.fields[i].dated() {
				continue
			}
			p := parser{clean(cells[i])}
			first, n1, _ := p.number()
			if p.separator() != '/' || n1 > 2 {
				continue
			}
			switch second, n2, ok := p.number(); {
			case !ok || n2 > 2:
			case first > 12 && second <= 12:
				days = true
			case second > 12 && first <= 12:
				months = true
			}
		}
	}
	cyrillic := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
	}
	switch {
	case days && months:
		t.order = unsure
	case months:
		t.order = monthFirst
	case days, slices.ContainsFunc(t.headers, cyrillic):
		t.order = dayFirst
	default:
		t.order = unsure
	}
}

// ordered gives the day and the month that stand on both sides of a stroke; ok is
// false where either may be either.
func (o order) ordered(first, second int) (day, month int, ok bool) {
	switch {
	case o == monthFirst, o == unsure && second > 12:
		return second, first, true
	case o == unsure && first <= 12 && first != second:
		return 0, 0, false
	}
	return first, second, true
}

// date reads a date in one of the forms DD.MM.YYYY, D.M.YY, D/M/YYYY or M/D/YYYY as
// the table has it, YYYY-MM-DD, YYYYMMDD, "12 марта 1985 г." or a serial number,
// with a time of day after it or without.
// fault is the code of why it cannot be; "" with the zero date is a cell that
// says that there is none.
func (t *table) date(v string, short century) (w when, fault string) {
	if never(v) || filler(v) {
		return when{}, ""
	}
	for _, year := range []string{"года", "год", "г.", "г"} {
		if cut, ok := strings.CutSuffix(v, year); ok {
			v = strings.TrimSpace(cut)
			break
		}
	}
	if w, fault, is := t.serial(v); is {
		return w, fault
	}
	p := parser{v}
	first, n1, ok := p.number()
	if !ok {
		return when{}, BadDate
	}
	stroke := p.separator() == '/'
	second, n2, ok := p.number()
	if !ok {
		if second = monthNamed(p.word()); second == 0 {
			return when{}, BadDate
		}
		n2, stroke = 2, false
	}
	p.separator()
	third, n3, ok := p.number()
	if !ok || n2 > 2 {
		return when{}, BadDate
	}
	if stroke && n1 <= 2 {
		if first, second, ok = t.order.ordered(first, second); !ok {
			return when{}, DateOrder
		}
	}
	switch {
	case n1 == 4 && n3 <= 2:
		w.day = dental.Date{Year: first, Month: time.Month(second), Day: third}
	case n1 <= 2 && n3 == 4:
		w.day = dental.Date{Year: third, Month: time.Month(second), Day: first}
	case n1 <= 2 && n3 == 2:
		if !exists(2000+third, second, first) && !exists(1900+third, second, first) {
			return when{}, BadDate
		}
		w.day = short(dental.Date{Year: third, Month: time.Month(second), Day: first})
	default:
		return when{}, BadDate
	}
	if !exists(w.day.Year, int(w.day.Month), w.day.Day) {
		return when{}, BadDate
	}
	if w.day.Year < 1900 || w.day.Year > 2100 {
		return when{}, DateRange
	}
	return t.timed(w, p.rest())
}

func exists(year, month, day int) bool {
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return month >= 1 && month <= 12 && day >= 1 && d.Day() == day
}

// serial reads what has no separators: YYYYMMDD, a bare year, or days since the
// beginning of a spreadsheet's calendar. ECMA-376 part 1, 18.17.4.1: day 1 is
// 1 January 1900 in a calendar that has a 29 February 1900, or day 0 is 1 January 1904.
func (t *table) serial(v string) (w when, fault string, is bool) {
	days, fraction, decimal := strings.Cut(v, ".")
	if days == "" || !allDigits(days) || !allDigits(fraction) || decimal && fraction == "" || len(days) > 8 {
		return when{}, "", false
	}
	n, _ := strconv.Atoi(days)
	switch {
	case len(days) == 8 && !decimal:
		year, month, day := n/10000, n/100%100, n%100
		switch {
		case !exists(year, month, day):
			return when{}, BadDate, true
		case year < 1900 || year > 2100:
			return when{}, DateRange, true
		}
		return when{day: dental.Date{Year: year, Month: time.Month(month), Day: day}}, "", true
	case len(days) == 4 && !decimal && n >= 1900 && n <= 2100:
		return when{}, YearOnly, true
	case !t.exact && len(days) != 5:
		return when{}, BadDate, !decimal // "12.2024" is left to the other forms
	}
	switch w = t.counted(n, fraction); {
	case w.day.IsZero() && n == 60:
		return when{}, BadDate, true
	case w.day.IsZero(), w.day.Year > 2100:
		return when{}, DateRange, true
	}
	return w, "", true
}

// counted is the day of a serial number, with the time of day that its fraction
// is; zero for 29 February 1900 and for what no spreadsheet shows as a date.
func (t *table) counted(n int, fraction string) (w when) {
	const last = 2_958_465 // 31 December 9999, at which spreadsheets end
	if n > last || n == 60 && !t.since1904 {
		return when{}
	}
	beginning := dental.Date{Year: 1899, Month: time.December, Day: 30}
	switch {
	case t.since1904:
		beginning = dental.Date{Year: 1904, Month: time.January, Day: 1}
	case n < 60:
		beginning.Day = 31
	}
	w.day = beginning.AddDays(n)
	if part, err := strconv.ParseFloat("0."+fraction, 64); err == nil && part > 0 {
		w.time, w.timed = dental.TimeOfDay(part*24*60+0.5)%(24*60), true
	}
	return w
}

// shown is a date as a sheet shows it, of the serial number that it keeps; all
// else, a year and YYYYMMDD too, stays as it is.
func (t *table) shown(v string) string {
	days, fraction, _ := strings.Cut(v, ".")
	n, err := strconv.Atoi(days)
	if err != nil || !allDigits(days) || !allDigits(fraction) || len(days) == 4 && n >= 1900 && n <= 2100 {
		return v
	}
	w := t.counted(n, fraction)
	if w.day.IsZero() {
		return v
	}
	out := fmt.Sprintf("%02d.%02d.%d", w.day.Day, w.day.Month, w.day.Year)
	if w.timed {
		out += " " + w.time.String()
	}
	return out
}

// timed adds the time of day that stands after a date, in the clinic's zone if
// the time names its own.
func (t *table) timed(w when, rest string) (when, string) {
	rest = strings.TrimLeft(rest, " ,Tt")
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "в "))
	if rest == "" {
		return w, ""
	}
	clock, zone := rest, ""
	if i := strings.IndexAny(rest, "Zz+-"); i > 0 && strings.Contains(rest[:i], ":") && (rest[i] == 'Z' || rest[i] == 'z' || allDigits(strings.Replace(rest[i+1:], ":", "", 1))) {
		clock, zone = rest[:i], rest[i:]
	}
	at, ok := timeOfDay(clock)
	if !ok {
		return when{}, BadDate
	}
	w.time, w.timed = at, true
	if zone == "" {
		return w, ""
	}
	for _, form := range []string{"Z07:00", "Z0700", "Z07"} {
		if z, err := time.Parse("15:04 "+form, at.String()+" "+strings.ToUpper(zone)); err == nil {
			local := time.Date(w.day.Year, w.day.Month, w.day.Day, z.Hour(), z.Minute(), 0, 0, z.Location()).In(t.zone)
			return when{dental.DateOf(local), dental.TimeOfDayOf(local), true}, ""
		}
	}
	return when{}, BadDate
}

// timeOfDay reads "9:00", "09:00:00.000", "15.30", "3:40 PM", the beginning of
// "15:40-16:10", and the part of a day that a spreadsheet keeps a time as.
func timeOfDay(v string) (dental.TimeOfDay, bool) {
	if part, err := strconv.ParseFloat(v, 64); err == nil && strings.HasPrefix(v, "0.") && len(v) > 4 && part < 1 {
		return dental.TimeOfDay(part*24*60+0.5) % (24 * 60), true
	}
	p := parser{v}
	hour, n, ok := p.number()
	if !ok || n > 2 || p.left == "" || !strings.ContainsAny(p.left[:1], ":.-") {
		return 0, false
	}
	p.left = p.left[1:]
	minute, n, ok := p.number()
	if !ok || n != 2 || hour > 23 || minute > 59 {
		return 0, false
	}
	if strings.HasPrefix(p.left, ":") { // seconds, and what is left of them
		p.left = p.left[1:]
		if second, n, ok := p.number(); !ok || n != 2 || second > 59 {
			return 0, false
		}
		if strings.HasPrefix(p.left, ".") {
			p.left = strings.TrimLeft(p.left[1:], "0123456789")
		}
	}
	switch rest := strings.ToLower(strings.TrimSpace(p.left)); {
	case rest == "pm" && hour < 12 && hour > 0:
		hour += 12
	case rest == "am" && hour == 12:
		hour = 0
	case rest == "", rest == "pm" && hour == 12, rest == "am" && hour < 12, strings.HasPrefix(rest, "-"), strings.HasPrefix(rest, "–"):
	default:
		return 0, false
	}
	return dental.TimeOfDay(hour*60 + minute), true
}

// parser takes a text apart from its beginning.
type parser struct{ left string }

// number takes a number of at most four digits.
func (p *parser) number() (n, length int, ok bool) {
	for length < len(p.left) && p.left[length] >= '0' && p.left[length] <= '9' {
		length++
	}
	if length == 0 || length > 4 {
		return 0, length, false
	}
	n, _ = strconv.Atoi(p.left[:length])
	p.left = p.left[length:]
	return n, length, true
}

// separator takes the sign between the parts of a date, and spaces around it; 0 for none.
func (p *parser) separator() (sign byte) {
	p.left = strings.TrimLeft(p.left, " ")
	if p.left != "" && strings.ContainsAny(p.left[:1], "./-") {
		sign = p.left[0]
		p.left = strings.TrimLeft(p.left[1:], " ")
	}
	return sign
}

func (p *parser) word() string {
	i := strings.IndexFunc(p.left, func(r rune) bool { return !unicode.IsLetter(r) })
	if i < 0 {
		i = len(p.left)
	}
	word := p.left[:i]
	p.left = strings.TrimPrefix(p.left[i:], ".")
	return word
}

func (p *parser) rest() string { return p.left }

// currencies are the words and signs that stand beside sums.
var currencies = []struct{ sign, code string }{
	{"₽", "RUB"}, {"руб.", "RUB"}, {"рублей", "RUB"}, {"руб", "RUB"}, {"р.", "RUB"}, {"р", "RUB"}, {"rub", "RUB"}, {"rur", "RUB"},
	{"₸", "KZT"}, {"тенге", "KZT"}, {"тг.", "KZT"}, {"тг", "KZT"}, {"kzt", "KZT"}, {"byn", "BYN"}, {"br", "BYN"},
	{"₴", "UAH"}, {"грн.", "UAH"}, {"грн", "UAH"}, {"uah", "UAH"}, {"֏", "AMD"}, {"amd", "AMD"}, {"₾", "GEL"}, {"gel", "GEL"},
	{"сум", "UZS"}, {"uzs", "UZS"}, {"сом", "KGS"}, {"kgs", "KGS"},
	{"us$", "USD"}, {"$", "USD"}, {"usd", "USD"}, {"€", "EUR"}, {"eur", "EUR"}, {"евро", "EUR"}, {"£", "GBP"}, {"gbp", "GBP"},
}

// money reads a sum as people and programs write one: "1 234,50", "1234.50 ₽",
// "1,234.50", "1'234". Of a comma and a point the last is the decimal sign; one
// that three digits follow, with at most three before, parts thousands, for sums
// have no third decimal, except that a point in a number of a spreadsheet never
// does. Nought is no sum.
func (t *table) money(v string) (m dental.Money, fault string) {
	s := strings.ToLower(strings.ReplaceAll(v, " ", ""))
	for _, c := range currencies {
		bare, ok := strings.CutSuffix(s, c.sign)
		if !ok {
			bare, ok = strings.CutPrefix(s, c.sign)
		}
		if ok && bare != "" {
			if c.code != t.currency {
				return dental.Money{}, OtherCurrency
			}
			s = bare
			break
		}
	}
	s = without(s, "'’_")
	if strings.IndexByte(s, 'e') >= 0 { // as a spreadsheet keeps very small and very large numbers
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !t.exact || f < 0 || f >= 1e12 {
			return dental.Money{}, BadMoney
		}
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	units, fraction := s, ""
	comma, point := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	last := max(comma, point)
	if last >= 0 {
		sign := s[last : last+1]
		several := strings.Count(s, sign) > 1
		thousands := len(s)-last-1 == 3 && last >= 1 && last <= 3 && s[0] != '0' && min(comma, point) < 0 && !(t.exact && last == point)
		if several && min(comma, point) < 0 || thousands {
			units = s
		} else if several {
			return dental.Money{}, BadMoney
		} else {
			units, fraction = s[:last], s[last+1:]
		}
	}
	grouped := units
	units = without(units, ",.")
	if !groups(grouped) || !allDigits(fraction) || units == "" || !allDigits(units) {
		return dental.Money{}, BadMoney
	}
	_, decimals, _ := strings.Cut(dental.Money{Currency: t.currency}.Decimal(), ".")
	amount := units
	switch {
	case len(fraction) > len(decimals): // what binary numbers leave behind
		f, err := strconv.ParseFloat(units+"."+fraction, 64)
		if err != nil {
			return dental.Money{}, BadMoney
		}
		amount = strconv.FormatFloat(f, 'f', len(decimals), 64)
	case fraction != "":
		amount += "." + fraction
	}
	m, err := dental.ParseMoney(amount, t.currency)
	if err != nil {
		return dental.Money{}, BadMoney
	}
	if m.Minor == 0 {
		return dental.Money{}, ""
	}
	return m, ""
}

// without leaves signs out of a text.
func without(s, signs string) string {
	if !strings.ContainsAny(s, signs) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(signs, r) {
			return -1
		}
		return r
	}, s)
}

// groups reports whether the signs between thousands stand where they should.
func groups(s string) bool {
	if allDigits(s) {
		return true
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '.' })
	if len(parts) <= 1 {
		return true
	}
	for i, part := range parts {
		if i == 0 && len(part) > 3 || i > 0 && len(part) != 3 {
			return false
		}
	}
	return true
}

// The words of cells, folded.
var (
	female = []string{"ж", "жен", "женский", "женщина", "жен пол", "f", "female", "woman", "w", "девочка"}
	male   = []string{"м", "муж", "мужской", "мужчина", "m", "male", "man", "мальчик"}

	yes = []string{"да", "д", "yes", "y", "true", "истина", "1", "есть", "согласен", "согласна", "согласие", "согласенна", "дал", "дала", "дано", "получено", "подписано", "подписан", "подписана", "разрешено", "разрешил", "разрешила", "можно", "granted", "given", "on", "x", "v", "выполнено", "выполнен", "завершено", "завершен", "сделано", "done", "completed", "ок", "ok"}
	no  = []string{"нет", "н", "no", "n", "false", "ложь", "0", "отказ", "отказался", "отказалась", "несогласен", "несогласна", "нельзя", "запрещено", "запретил", "запретила", "отозвано", "отозвал", "отозвала", "отписан", "отписана", "отписался", "отписалась", "недано", "неполучено", "неподписано", "denied", "refused", "revoked", "withdrawn", "off", "optout", "невыполнено", "невыполнен", "незавершено", "незавершен"}

	// noPhone says in a column for phones that there is none, beside the fillers.
	noPhone = []string{"неттелефона", "неттел", "телефонанет", "телнет", "безтелефона", "безтел", "телефонотсутствует", "телефоннеуказан", "нетномера", "номеранет", "безномера", "нетмобильного", "мобильногонет", "нетсотового", "сотовогонет", "nophone", "nomobile", "notelephone"}

	patientStates = map[string]dental.PatientStatus{
		"активный": dental.Active, "активная": dental.Active, "активен": dental.Active, "активна": dental.Active, "активно": dental.Active, "действующий": dental.Active, "действующая": dental.Active, "действует": dental.Active,
		"постоянный": dental.Active, "постоянная": dental.Active, "новый": dental.Active, "новая": dental.Active, "первичный": dental.Active, "повторный": dental.Active, "первичная": dental.Active, "повторная": dental.Active, "налечении": dental.Active, "лечится": dental.Active, "спящий": dental.Active,
		"active": dental.Active, "current": dental.Active, "new": dental.Active, "patient": dental.Active,
		"архив": dental.Archived, "вархиве": dental.Archived, "архивный": dental.Archived, "архивная": dental.Archived, "закрыт": dental.Archived, "закрыта": dental.Archived, "удален": dental.Archived, "удалена": dental.Archived, "неактивный": dental.Archived, "неактивная": dental.Archived, "неактивен": dental.Archived, "неактивна": dental.Archived,
		"выбыл": dental.Archived, "выбыла": dental.Archived, "черныйсписок": dental.Archived, "archived": dental.Archived, "inactive": dental.Archived, "deleted": dental.Archived, "closed": dental.Archived, "blacklist": dental.Archived,
		"переехал": dental.Moved, "переехала": dental.Moved, "переезд": dental.Moved, "moved": dental.Moved,
		"умер": dental.Deceased, "умерла": dental.Deceased, "умерший": dental.Deceased, "умершая": dental.Deceased, "скончался": dental.Deceased, "скончалась": dental.Deceased, "смерть": dental.Deceased, "deceased": dental.Deceased, "dead": dental.Deceased, "died": dental.Deceased,
	}
	// visitStates say what became of a line's appointment; came is no state of one.
	visitStates = map[string]dental.AppointmentStatus{
		"пришел": came, "пришла": came, "пришели": came, "пришли": came, "явка": came, "явился": came, "явилась": came, "состоялся": came, "состоялась": came, "состоялось": came, "завершен": came, "завершена": came, "завершено": came, "выполнен": came, "выполнена": came, "выполнено": came,
		"оплачен": came, "оплачена": came, "оплачено": came, "закончен": came, "закончена": came, "принят": came, "принята": came, "пролечен": came, "пролечена": came, "clientcame": came, "came": came, "arrived": came, "completed": came, "complete": came, "finished": came, "done": came, "paid": came, "attended": came, "fulfilled": came, "checkedout": came,
		"непришел": dental.Missed, "непришла": dental.Missed, "неявка": dental.Missed, "неявился": dental.Missed, "неявилась": dental.Missed, "пропущен": dental.Missed, "пропущена": dental.Missed, "пропуск": dental.Missed, "noshow": dental.Missed, "missed": dental.Missed, "broken": dental.Missed, "didnotcome": dental.Missed,
		"отменен": dental.Cancelled, "отменена": dental.Cancelled, "отменено": dental.Cancelled, "отмена": dental.Cancelled, "отказ": dental.Cancelled, "отказался": dental.Cancelled, "отказалась": dental.Cancelled, "cancelled": dental.Cancelled, "canceled": dental.Cancelled,
		"подтвержден": dental.Confirmed, "подтверждена": dental.Confirmed, "подтверждено": dental.Confirmed, "подтвердил": dental.Confirmed, "подтвердила": dental.Confirmed, "confirmed": dental.Confirmed,
		"ожидание": dental.Booked, "ожидает": dental.Booked, "ожидаем": dental.Booked, "ожидаетвизита": dental.Booked, "запланирован": dental.Booked, "запланирована": dental.Booked, "запланировано": dental.Booked, "записан": dental.Booked, "записана": dental.Booked, "назначен": dental.Booked, "назначена": dental.Booked, "неподтвержден": dental.Booked, "неподтверждена": dental.Booked,
		"предстоит": dental.Booked, "booked": dental.Booked, "scheduled": dental.Booked, "planned": dental.Booked, "pending": dental.Booked, "waiting": dental.Booked, "unconfirmed": dental.Booked,
	}
	kinds = map[string]dental.ProcedureKind{
		"гигиена": dental.Hygiene, "профгигиена": dental.Hygiene, "профессиональнаягигиена": dental.Hygiene, "гигиенист": dental.Hygiene, "профилактика": dental.Hygiene, "hygiene": dental.Hygiene, "чистка": dental.Hygiene,
		"имплантация": dental.Implant, "имплантология": dental.Implant, "импланты": dental.Implant, "имплант": dental.Implant, "имплантолог": dental.Implant, "implant": dental.Implant, "implants": dental.Implant, "implantology": dental.Implant,
		"ортодонтия": dental.Orthodontics, "ортодонт": dental.Orthodontics, "брекеты": dental.Orthodontics, "элайнеры": dental.Orthodontics, "orthodontics": dental.Orthodontics,
		"терапия": dental.Therapy, "терапевт": dental.Therapy, "терапевтия": dental.Therapy, "терапевтическая": dental.Therapy, "терапевтическаястоматология": dental.Therapy, "эндодонтия": dental.Therapy, "therapy": dental.Therapy, "restorative": dental.Therapy, "endodontics": dental.Therapy,
		"хирургия": dental.Surgery, "хирург": dental.Surgery, "хирургическая": dental.Surgery, "хирургическаястоматология": dental.Surgery, "удаление": dental.Surgery, "surgery": dental.Surgery, "oralsurgery": dental.Surgery,
		"ортопедия": dental.Prosthetics, "ортопед": dental.Prosthetics, "протезирование": dental.Prosthetics, "ортопедическая": dental.Prosthetics, "ортопедическаястоматология": dental.Prosthetics, "prosthetics": dental.Prosthetics, "prosthodontics": dental.Prosthetics,
		"пародонтология": dental.Periodontics, "парадонтология": dental.Periodontics, "пародонтолог": dental.Periodontics, "periodontics": dental.Periodontics,
		"диагностика": dental.Diagnostics, "консультация": dental.Diagnostics, "консультации": dental.Diagnostics, "осмотр": dental.Diagnostics, "рентген": dental.Diagnostics, "рентгенология": dental.Diagnostics, "рентгенодиагностика": dental.Diagnostics, "кт": dental.Diagnostics, "diagnostics": dental.Diagnostics, "diagnostic": dental.Diagnostics,
		"прочее": dental.OtherKind, "другое": dental.OtherKind, "разное": dental.OtherKind, "other": dental.OtherKind,
	}
	languages = map[string]string{"ru": "ru", "rus": "ru", "ruru": "ru", "русский": "ru", "рус": "ru", "russian": "ru", "en": "en", "eng": "en", "enus": "en", "engb": "en", "английский": "en", "англ": "en", "english": "en"}
)

// came is what a line says of an appointment that a visit came of.
const came dental.AppointmentStatus = "came"

// dash reports whether a cell is one dash, of whatever kind.
func dash(v string) bool {
	r, n := utf8.DecodeRuneInString(v)
	return n == len(v) && (r == '−' || unicode.Is(unicode.Pd, r))
}

// answer reads a yes or a no; a plus or a tick is a yes, and a dash a no.
func answer(v string) (granted, ok bool) {
	if dash(v) {
		return false, true
	}
	switch v {
	case "+", "✓", "✔", "☑", "✅":
		return true, true
	case "☐", "✗", "✘", "❌":
		return false, true
	}
	folded := fold(v)
	for _, word := range yes {
		if folded == word {
			return true, true
		}
	}
	for _, word := range no {
		if folded == word {
			return false, true
		}
	}
	return false, false
}

// plausibleEmail reports whether mail could reach an address: what intake makes
// nothing of is noted here.
func plausibleEmail(v string) bool {
	at := strings.LastIndexByte(v, '@')
	if at < 1 || len(v) > 254 || !strings.Contains(v[at+1:], ".") {
		return false
	}
	usual := func(s, also string) bool {
		for i := range len(s) {
			c := s[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(also, c) < 0 {
				return false
			}
			if c == '.' && (i == 0 || i == len(s)-1 || s[i-1] == '.') {
				return false
			}
		}
		return s != ""
	}
	if usual(v[:at], "._-+%") && usual(v[at+1:], ".-") {
		return true
	}
	lower := strings.ToLower(v)
	a, err := mail.ParseAddress(lower)
	return err == nil && a.Address == lower
}

// patronymic reports whether a word is a father's name.
func patronymic(word string) bool {
	word = strings.ToLower(word)
	for _, ending := range []string{"вич", "ьич", "мич", "вна", "чна", "шна", "оглы", "кызы", "улы"} {
		if strings.HasSuffix(word, ending) {
			return true
		}
	}
	return false
}

// split takes a full name apart. Names of Cyrillic letters have the family name
// first unless the second word is a father's name and the third is none; others
// have it last, unless a comma follows it.
func split(full string) (family, given, middle string) {
	if before, after, comma := strings.Cut(full, ","); comma {
		given, middle, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(after, ",", " ")), " ")
		return strings.TrimSpace(before), given, middle
	}
	words := strings.Fields(full)
	n := len(words)
	first := []rune(words[0])[0]
	switch {
	case n == 1:
		return words[0], "", ""
	case unicode.Is(unicode.Latin, first):
		return words[n-1], words[0], strings.Join(words[1:n-1], " ")
	case n == 3 && patronymic(words[1]) && !patronymic(words[2]):
		return words[2], words[0], words[1]
	}
	return words[0], words[1], strings.Join(words[2:], " ")
}

// initials reports whether a name is only letters with full stops: "И.", "И.И.".
func initials(name string) bool {
	letters := 0
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == ' ' }) {
		if utf8.RuneCountInString(part) > 1 {
			return false
		}
		letters++
	}
	return letters > 0
}

// named reports whether there is a letter in it.
func named(v string) bool { return strings.IndexFunc(v, unicode.IsLetter) >= 0 }
