package sheet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
	"github.com/returnpoint/returnpoint/shared/phone"
)

// memory is a load.File.
type memory []byte

func (m memory) Size() int64 { return int64(len(m)) }

func (m memory) Open(_ context.Context, from int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m[min(from, int64(len(m))):])), nil
}

// now is a Thursday noon in Moscow.
var now = time.Date(2026, time.May, 21, 9, 0, 0, 0, time.UTC)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

func options() load.Options { return load.Options{Clinic: clinic(), Now: now, Phones: phone.Read} }

// scan reads all records after a place.
func scan(t testing.TB, f load.Format, file load.File, place string, o load.Options) []load.Record {
	t.Helper()
	records, err := scanned(f, file, place, o)
	if err != nil {
		t.Fatalf("the file as a whole: %v", err)
	}
	return records
}

func scanned(f load.Format, file load.File, place string, o load.Options) (out []load.Record, err error) {
	ctx := context.Background()
	s, err := f.Scan(ctx, file, place, o)
	if err != nil {
		return nil, err
	}
	for {
		r, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, s.Close()
		}
		if err != nil {
			return out, errors.Join(err, s.Close())
		}
		out = append(out, r)
	}
}

// one reads a table of one line, given cell by cell.
func one(t testing.TB, headers, cells []string) load.Record {
	t.Helper()
	return oneOf(t, options(), headers, cells)
}

func oneOf(t testing.TB, o load.Options, headers, cells []string) load.Record {
	t.Helper()
	records := scan(t, sheet.CSV{}, memory(table(";", headers, cells)), "", o)
	if len(records) != 1 {
		t.Fatalf("%d records, want one: %+v", len(records), records)
	}
	return records[0]
}

// table writes a CSV file in which every cell is quoted.
func table(comma string, rows ...[]string) string {
	var b strings.Builder
	for _, cells := range rows {
		for i, c := range cells {
			if i > 0 {
				b.WriteString(comma)
			}
			b.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// with reads a line of a patient with one more column.
func with(t testing.TB, header, cell string) load.Record {
	t.Helper()
	return one(t, []string{"№ карты", "ФИО", header}, []string{"7", "Петрова Анна", cell})
}

func card(t testing.TB, r load.Record) intake.Card {
	t.Helper()
	for _, f := range facts(r) {
		if f.Card != nil {
			return *f.Card
		}
	}
	t.Fatalf("no card: %+v", r)
	return intake.Card{}
}

func facts(r load.Record) []intake.Event {
	if len(r.Objects) == 0 {
		return nil
	}
	return r.Objects[0].Facts
}

func visits(r load.Record) (out []dental.Visit) {
	for _, f := range facts(r) {
		if f.Visit != nil {
			out = append(out, *f.Visit)
		}
	}
	return out
}

func appointments(r load.Record) (out []dental.Appointment) {
	for _, f := range facts(r) {
		if f.Appointment != nil {
			out = append(out, *f.Appointment)
		}
	}
	return out
}

// codes are the faults of a record: its own, then its notes.
func codes(r load.Record) string {
	var out []string
	if r.Fault != nil {
		out = append(out, "fault:"+r.Fault.Code)
	}
	for _, n := range r.Notes {
		out = append(out, n.Column+":"+n.Code)
	}
	return strings.Join(out, " ")
}

func whole(t *testing.T, f load.Format, file []byte) *load.Fault {
	t.Helper()
	records, err := scanned(f, memory(file), "", options())
	fault, ok := errors.AsType[*load.Fault](err)
	if !ok {
		t.Fatalf("%d records and the error %v, want a fault of the whole file", len(records), err)
	}
	return fault
}

func day(s string) dental.Date {
	d, err := dental.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestEveryCodeHasItsWordsInEveryLanguage(t *testing.T) {
	for _, l := range locale.All() {
		for _, code := range sheet.Codes() {
			if !l.Has("desk.import.reason." + code) {
				t.Errorf("%v has no words for %s", l, code)
			}
		}
		for _, f := range (sheet.CSV{}).Fields() {
			if !l.Has("desk.import.field." + f) {
				t.Errorf("%v has no words for the field %s", l, f)
			}
		}
	}
}

func TestATableOfPatientsComesToCardsAndWhatIsKnownOfTheirVisits(t *testing.T) {
	r := one(t,
		[]string{"№ карты", "Ф.И.О.", "Телефон моб.", "E-mail", "Дата рожд.", "Пол", "Язык", "Статус", "Лечащий врач", "Последнее посещение", "Последний чек", "Врач", "Услуга", "Дата возврата", "Первый визит",
			"Записан на", "План лечения", "Дата плана", "Сумма плана", "Выполнено", "Согласие на рекламу", "Дата согласия", "Источник согласия", "№ карты родителя", "Примечание"},
		[]string{"ИБ-17", "Петрова Анна Сергеевна", "8 (916) 000-00-01", "Anna@Example.com", "14.11.1985", "жен.", "русский", "Активный", "Соколова И. П.", "12.03.2026 15:40", "12 400,50", "Соколова И. П.", "Чистка; Пломба", "12.09.2026", "01.02.2020",
			"02.06.2026 10:30", "Имплантация; Коронка", "12.03.2026", "120 000", "45 000", "да", "12.03.2026", "анкета", "9", "не звонить"})
	if codes(r) != "" {
		t.Fatalf("notes %q", codes(r))
	}
	c := card(t, r)
	id := c.ID
	if !dental.ValidID(id) || r.Objects[0].System != "" || c.Says != intake.Known || c.Source.Version != 0 || c.Source.Body == "" || c.Clinic != "demo" {
		t.Errorf("the object %+v, the card %+v of %q", r.Objects[0], c.Source, id)
	}
	if c.FamilyName != "Петрова" || c.GivenName != "Анна" || c.MiddleName != "Сергеевна" || c.Number != "8 (916) 000-00-01" || c.Mail != "Anna@Example.com" ||
		c.BirthDate != day("1985-11-14") || c.Sex != "female" || c.Language != "ru" || c.Status != dental.Active || c.GuardianID != "9" || c.DoctorID == "" {
		t.Errorf("the card is %+q %+v", []string{c.FamilyName, c.GivenName, c.MiddleName, c.Number, c.Mail, c.Sex, c.GuardianID}, c.BirthDate)
	}
	if len(c.Consents) != 3 {
		t.Fatalf("consents %+v", c.Consents)
	}
	for _, consent := range c.Consents {
		if consent.Class != dental.Advertising || !consent.Granted || !consent.At.Equal(time.Date(2026, 3, 11, 21, 0, 0, 0, time.UTC)) || consent.Source != "анкета" {
			t.Errorf("the consent %+v", consent)
		}
	}
	v := visits(r)
	if len(v) != 2 {
		t.Fatalf("%d visits", len(v))
	}
	if !v[0].FinishedAt.Equal(time.Date(2026, 3, 12, 12, 40, 0, 0, time.UTC)) || v[0].Receipt != (dental.Money{Minor: 1240050, Currency: "RUB"}) || v[0].Doctor.Name != "Соколова И. П." ||
		v[0].Doctor.ID != c.DoctorID || len(v[0].Procedures) != 2 || v[0].Procedures[1].Name != "Пломба" || v[0].ReturnDate != day("2026-09-12") || v[0].Patient != id || v[0].Clinic != "demo" {
		t.Errorf("the last visit is %+v", v[0])
	}
	if !v[1].FinishedAt.Equal(time.Date(2020, 2, 1, 9, 0, 0, 0, time.UTC)) || len(v[1].Procedures) != 0 {
		t.Errorf("the first visit is %+v, want noon in Moscow", v[1])
	}
	a := appointments(r)
	if len(a) != 1 || !a[0].Start.Equal(time.Date(2026, 6, 2, 7, 30, 0, 0, time.UTC)) || a[0].Status != dental.Booked || a[0].Patient != id {
		t.Errorf("appointments %+v", a)
	}
	p := facts(r)[len(facts(r))-1].Plan
	if p == nil || !p.PresentedAt.Equal(time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)) || len(p.Stages) != 2 {
		t.Fatalf("the plan is %+v", p)
	}
	want := []dental.Stage{{ID: "1", Name: "Имплантация", Status: dental.StageDone, Price: dental.Money{Minor: 4500000, Currency: "RUB"}, DoneAt: p.PresentedAt},
		{ID: "2", Name: "Коронка", Status: dental.StagePlanned, Price: dental.Money{Minor: 7500000, Currency: "RUB"}}}
	if !slices.Equal(p.Stages, want) {
		t.Errorf("the stages are %+v, want %+v", p.Stages, want)
	}
	for _, f := range facts(r) {
		if f.PatientID() != id || f.Type == "" {
			t.Errorf("the fact %+v is of %q", f, f.PatientID())
		}
	}
}

func TestATableOfVisitsComesToOneVisitALineOfPatientsWhoRepeat(t *testing.T) {
	file := table(",",
		[]string{"Client ID", "Client name", "Phone", "Date", "Time", "Procedure", "Procedure code", "Amount", "Status"},
		[]string{"5", "Anna Petrova", "+7 916 000-00-05", "2026-03-12", "09:30", "Scaling", "D1110", "3,200.00", "came"},
		[]string{"5", "Anna Petrova", "+7 916 000-00-05", "2026-03-12", "09:30", "X-ray", "D0220", "500", "came"},
		[]string{"5", "Anna Petrova", "+7 916 000-00-05", "2026-04-02", "", "Filling", "D2330", "4100", "no show"},
		[]string{"6", "Ivan Petrov", "+7 916 000-00-06", "2026-06-12", "11:00", "Scaling", "D1110", "", "confirmed"},
		[]string{"5", "Anna Petrova", "+7 916 000-00-05", "2026-03-12", "09:30", "Scaling", "D1110", "3,200.00", "came"})
	records := scan(t, sheet.CSV{}, memory(file), "", options())
	if len(records) != 5 {
		t.Fatalf("%d records", len(records))
	}
	for i, r := range records {
		if codes(r) != "" {
			t.Errorf("line %d: %s", i+2, codes(r))
		}
	}
	a, b, again := visits(records[0]), visits(records[1]), visits(records[4])
	if len(a) != 1 || len(b) != 1 || len(again) != 1 || a[0].ID == b[0].ID || a[0].ID == again[0].ID || a[0].Receipt != again[0].Receipt {
		t.Errorf("visits %+v, %+v, %+v: two services are two, and one that was done twice is two", a, b, again)
	}
	if a[0].Procedures[0].Code != "D1110" || a[0].Receipt.Minor != 320000 || !a[0].FinishedAt.Equal(time.Date(2026, 3, 12, 6, 30, 0, 0, time.UTC)) {
		t.Errorf("the visit is %+v", a[0])
	}
	if c := card(t, records[0]); c.GivenName != "Anna" || c.FamilyName != "Petrova" || c.Source != card(t, records[1]).Source {
		t.Errorf("the card is %q %q, and another one in the next line", c.GivenName, c.FamilyName)
	}
	if m := appointments(records[2]); len(m) != 1 || m[0].Status != dental.Missed || len(visits(records[2])) != 0 || facts(records[2])[1].Type != intake.AppointmentMissed {
		t.Errorf("who did not come has %+v", m)
	}
	if m := appointments(records[3]); len(m) != 1 || m[0].Status != dental.Confirmed || !m[0].Start.Equal(time.Date(2026, 6, 12, 8, 0, 0, 0, time.UTC)) || m[0].Services[0].Name != "Scaling" {
		t.Errorf("who is to come has %+v", m)
	}
}

func TestHeadersAreKnownByManySpellings(t *testing.T) {
	for header, field := range map[string]string{
		"Ф.И.О.": "name", "ФИО пациента": "name", " пациент ": "name", "Клиент": "name", "Фамилия, имя, отчество": "name", "Patient Name": "name", "LName": "family", "FName": "given", "Имя": "given", "ОТЧЕСТВО": "middle",
		"Телефон моб.": "phone", "Моб.телефон": "phone", "Телефон (мобильный)": "phone", "ТЕЛЕФОН\nКЛИЕНТА": "phone", "Сот. тел.": "phone", "mobile_phone": "phone", "WirelessPhone": "phone", "Телефон (для связи)": "phone", "Домашний телефон": "phone.other",
		"Дата рожд.": "birth", "Д.Р.": "birth", "BirthDate": "birth", "Дата рождения клиента": "birth", "Пол (м/ж)": "sex", "Эл. почта": "email", "E-Mail": "email",
		"Последнее посещение": "visit.date", "Дата последнего приёма": "visit.date", "Last Visit": "visit.date", "Первый визит": "visit.first", "Сумма": "sum", "Оплачено": "sum", "Сумма, руб.": "sum", "Врач": "doctor", "Услуга": "service", "Наименование услуги": "service",
		"№ карты": "card", "Номер амбулаторной карты": "card", "№ истории болезни": "card", "Номер клиента": "card", "ID": "id", "ID клиента": "id", "Код": "id", "PatNum": "id", "Код услуги": "service.code", "ProcCode": "service.code", "Следующий визит": "next.date", "План лечения": "plan",
		"Согласие на SMS": "consent.advertising.sms", "Согласие на рассылку": "consent.advertising", "№": "", "№ п/п": "", "Адрес": "", "Сумма всего": "", "": "", "Количество визитов": "",
	} {
		p, err := sheet.CSV{}.Preview(t.Context(), memory(table(";", []string{"x", header, "y"}, []string{"1", "2", "3"})), options())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Columns[1].Field; got != field {
			t.Errorf("%q is read as %q, want %q", header, got, field)
		}
	}
}

func TestTheClinicsOwnTableOfColumnsWins(t *testing.T) {
	o := options()
	o.Clinic.Columns = map[string]string{"примечание 1": "id", "телефон": "-", "связь": "phone", "фио": "unheard-of"}
	r := oneOf(t, o, []string{"Примечание №1", "Примечание 1", "Телефон", "Связь", "ФИО"}, []string{"a", "b", "+7 495 000-00-01", "+7 916 000-00-02", "Петрова Анна"})
	if c := card(t, r); c.ID != "b" || c.Number != "+7 916 000-00-02" || c.GivenName != "Анна" {
		t.Errorf("the card is %q with %q", c.ID, c.Number)
	}
}

func TestAPlainHeaderWinsOverOneThatMayMeanAnything(t *testing.T) {
	r := one(t, []string{"Код", "Наименование", "№ карты", "ФИО", "Цена", "Сумма", "Дата оплаты", "Дата визита"}, []string{"A16", "Чистка", "7", "Петрова Анна", "100", "300", "01.05.2026", "01.03.2026"})
	if v := visits(r); r.Objects[0].Patient() != "7" || card(t, r).GivenName != "Анна" || len(v) != 1 || v[0].Receipt.Minor != 30000 || v[0].FinishedAt.Month() != time.March {
		t.Errorf("patient %q, visits %+v", r.Objects[0].Patient(), v)
	}
	r = one(t, []string{"Код", "Наименование", "Цена", "Дата оплаты"}, []string{"7", "Петрова Анна", "100", "01.05.2026"})
	if v := visits(r); r.Objects[0].Patient() != "7" || card(t, r).GivenName != "Анна" || len(v) != 1 || v[0].Receipt.Minor != 10000 {
		t.Errorf("patient %q, visits %+v", r.Objects[0].Patient(), v)
	}
}

func TestADateAloneIsAVisitsOnlyInATableOfVisits(t *testing.T) {
	if r := one(t, []string{"ID", "Дата", "ФИО"}, []string{"1", "01.02.2020", "Петрова Анна"}); len(visits(r)) != 0 {
		t.Errorf("a date on a list of patients came to %+v", visits(r))
	}
	if r := one(t, []string{"ID", "Дата", "Сумма"}, []string{"1", "01.02.2020", "100"}); len(visits(r)) != 1 {
		t.Errorf("a date beside a sum came to %+v", facts(r))
	}
	r := one(t, []string{"ID", "Дата", "Дата визита", "Сумма"}, []string{"1", "01.02.2020", "03.02.2020", "100"})
	if v := visits(r); len(v) != 1 || v[0].FinishedAt.Day() != 3 {
		t.Errorf("a plain header lost against a common one: %+v", v)
	}
}

func TestOddDates(t *testing.T) {
	for cell, want := range map[string]string{
		"14.11.1985": "1985-11-14", "4.1.1985": "1985-01-04", "1985-11-14": "1985-11-14", "14/11/1985": "1985-11-14", "14-11-1985": "1985-11-14", "1985.11.14": "1985-11-14", " 14.11.1985 г. ": "1985-11-14", "19851114": "1985-11-14",
		"14.11.85": "1985-11-14", "14.11.25": "2025-11-14", "14.11.26": "1926-11-14", "21.05.26": "2026-05-21", "22.05.26": "1926-05-22", "14 ноября 1985": "1985-11-14", "14 ноября 1985 года": "1985-11-14", "14-Nov-1985": "1985-11-14", "1 мая 1985 г.": "1985-05-01",
		"14.11.1985 0:00:00": "1985-11-14", "1985-11-14T00:00:00": "1985-11-14", "1985-11-14 00:00:00.000": "1985-11-14", "31365": "1985-11-14", "31365.0": "1985-11-14", "29.02.2020": "2020-02-29", "01.01.1900": "1900-01-01",
		"1985-11-13T22:00:00Z": "1985-11-14", // by the clinic's clock, on which it was 1 in the morning of the next day
		"":                     "", "-": "", "  .  .    ": "", "00.00.0000": "", "0000-00-00": "", "01.01.0001 0:00:00": "", "30.12.1899": "", "нет": "", "не указана": "", "NULL": "", "0": "",
		"31.02.2020": "!bad-date", "29.02.2021": "!bad-date", "00.05.1985": "!bad-date", "32.05.1985": "!bad-date", "14.13.1985": "!bad-date", "11/31/1985": "!bad-date", "осенью": "!bad-date", "14.11": "!bad-date", "14.11.1985 в обед": "!bad-date", "12.2024": "!bad-date",
		"14.11.985": "!bad-date", "1985-1114": "!bad-date", "=1+1": "!bad-date", "14.11.1899": "!date-range", "14.11.2101": "!date-range", "99999999999": "!bad-date", "1985": "!year-only", "1985 г.": "!year-only", "14.11.2030": "!birth-ahead", "31.02.20": "!bad-date",
		"#Н/Д": "!cell-error", "########": "!cell-error", "14.11.1985 25:00": "!bad-date",
	} {
		r := with(t, "Дата рождения", cell)
		fault, bad := strings.CutPrefix(want, "!")
		if bad {
			want = ""
			if got := codes(r); got != "Дата рождения:"+fault {
				t.Errorf("%q: notes %q, want %s", cell, got, fault)
			} else if r.Notes[0].Value != cell {
				t.Errorf("%q stands in the note as %q", cell, r.Notes[0].Value)
			}
		} else if codes(r) != "" {
			t.Errorf("%q: notes %q", cell, codes(r))
		}
		if got := card(t, r); got.BirthDate.String() != want || got.GivenName != "Анна" {
			t.Errorf("%q is %v, want %s, and the rest is to go in", cell, got.BirthDate, want)
		}
	}
}

func TestATwoDigitYearOfAVisitIsOfThisCentury(t *testing.T) {
	if v := visits(with(t, "Дата визита", "14.11.25 9:05")); len(v) != 1 || !v[0].FinishedAt.Equal(time.Date(2025, 11, 14, 6, 5, 0, 0, time.UTC)) {
		t.Errorf("visits %+v", v)
	}
}

func TestOddTimesOfDay(t *testing.T) {
	for cell, want := range map[string]string{"9:00": "09:00", "09:00:30": "09:00", "15.40": "15:40", "15:40-16:10": "15:40", "15:40 – 16:10": "15:40", "3:40 PM": "15:40", "12:05 AM": "00:05", "0.65277777": "15:40", "12.03.2026 15:40": "15:40",
		"": "12:00", "нет": "12:00", "24:00": "!", "9": "!", "утро": "!", "9:60": "!"} {
		r := one(t, []string{"ID", "Дата визита", "Время визита"}, []string{"1", "12.03.2026", cell})
		if want == "!" {
			want = "12:00"
			if codes(r) != "Время визита:bad-time" {
				t.Errorf("%q: notes %q", cell, codes(r))
			}
		} else if codes(r) != "" {
			t.Errorf("%q: notes %q", cell, codes(r))
		}
		if v := visits(r); len(v) != 1 || v[0].FinishedAt.In(clinic().Location()).Format("15:04") != want {
			t.Errorf("%q came to %+v, want %s", cell, v, want)
		}
	}
}

func TestOddSums(t *testing.T) {
	for cell, want := range map[string]int64{
		"1234": 123400, "1 234,50": 123450, "1\u00a0234,50": 123450, "1\u202f234,50 ₽": 123450, "1234.50 ₽": 123450, "1,234.50": 123450, "1.234,50": 123450, "1'234.50": 123450, "1,234": 123400, "1.234": 123400, "12,5": 1250, "12.5": 1250, "1,234,567": 123456700, "1.234.567,89": 123456789,
		"5400 руб.": 540000, "5400р": 540000, "5 400 RUB": 540000, "RUB 5400": 540000, "1234.5000000001": 123450, "1234,500": 123450, "0": 0, "0,00": 0, "": 0, "-": 0, "нет": 0, "000100": 10000, "0.5": 50, "0,123": 12,
		"-500": -1, "пятьсот": -1, "1,23,4": -1, "1.2.3": -1, "1234567890123": -1, "12,3,4.5": -1, "1e5": -1, "=1+1": -1, ",": 0, "1,": 100, "5400-00": -1, "₽": 0, "₽₽5": -1, "Infinity": -1, "0x10": -1, "1,2345,678": -1,
	} {
		r := one(t, []string{"ID", "Дата визита", "Сумма"}, []string{"1", "12.03.2026", cell})
		v := visits(r)
		if len(v) != 1 {
			t.Fatalf("%q: the visit did not go in: %s", cell, codes(r))
		}
		if want < 0 && (codes(r) != "Сумма:bad-money" || !v[0].Receipt.IsZero()) || want >= 0 && (codes(r) != "" || v[0].Receipt.Minor != want) {
			t.Errorf("%q is %v with notes %q, want %d", cell, v[0].Receipt, codes(r), want)
		}
	}
	if r := one(t, []string{"ID", "Дата визита", "Сумма"}, []string{"1", "12.03.2026", "$100"}); codes(r) != "Сумма:other-currency" || r.Notes[0].Detail != "RUB" {
		t.Errorf("dollars in a clinic of roubles: %q %+v", codes(r), r.Notes)
	}
}

func TestOddNames(t *testing.T) {
	for cell, want := range map[string][3]string{
		"Петрова Анна Сергеевна": {"Петрова", "Анна", "Сергеевна"}, "  Петрова\u00a0 Анна  ": {"Петрова", "Анна"}, "Петрова": {"Петрова"}, "Анна Сергеевна Петрова": {"Петрова", "Анна", "Сергеевна"}, "Мамедов Рауф Али оглы": {"Мамедов", "Рауф", "Али оглы"},
		"Римская-Корсакова Анна": {"Римская-Корсакова", "Анна"}, "Петрова, Анна Сергеевна": {"Петрова", "Анна", "Сергеевна"}, "Anna Petrova": {"Petrova", "Anna"}, "Petrova, Anna": {"Petrova", "Anna"}, "John Q. Public": {"Public", "John", "Q."},
		"'Петрова Анна": {"Петрова", "Анна"}, `="Петрова Анна"`: {"Петрова", "Анна"}, "Пет\u200bрова Анна": {"Петрова", "Анна"}, "Ильич Анна Ильинична": {"Ильич", "Анна", "Ильинична"}, "=CMD|'/C calc'!A0": {"=CMD|'/C", "calc'!A0"},
	} {
		c := card(t, one(t, []string{"ID", "ФИО"}, []string{"1", cell}))
		if got := [3]string{c.FamilyName, c.GivenName, c.MiddleName}; got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
	for cell, code := range map[string]string{"Иванов И.И.": "initials", "12345": "bad-name", strings.Repeat("а", 201): "long-cell", "Пет\ufffdова": "bad-letters", "#REF!": "cell-error"} {
		r := one(t, []string{"ID", "ФИО", "Телефон"}, []string{"1", cell, "+7 916 000-00-01"})
		if codes(r) != "ФИО:"+code || card(t, r).GivenName != "" || card(t, r).Number == "" {
			t.Errorf("%q: notes %q, want %s", cell, codes(r), code)
		}
	}
}

func TestPhonesAreLeftAsTheyAreSpelled(t *testing.T) {
	for cell, want := range map[string]string{"+7 916 000-00-01": "+7 916 000-00-01", "89160000001": "89160000001", "+7 916 000-00-01, +7 495 000-00-02": "+7 916 000-00-01, +7 495 000-00-02", "8-495-000-00-01 доб. 12": "8-495-000-00-01 доб. 12", "79160000001.0": "79160000001",
		`="79160000001"`: "79160000001", "'+79160000001": "+79160000001", "7.9160000001E10": "79160000001", "7,9160000001E+10": "79160000001", "нет": "", "-": "", "мама": "мама"} {
		if c := card(t, with(t, "Телефон", cell)); c.Number != want {
			t.Errorf("%q is %q, want %q", cell, c.Number, want)
		}
	}
	if r := with(t, "Телефон", "7,916E+10"); codes(r) != "Телефон:rounded-number" || card(t, r).Number != "" {
		t.Errorf("a rounded number is %q with notes %q", card(t, r).Number, codes(r))
	}
}

func TestOfSeveralColumnsForAPhoneTheFirstMobileCounts(t *testing.T) {
	for _, c := range [][4]string{
		{"", "+7 916 000-00-02", "+7 495 000-00-03", "+7 916 000-00-02"},
		{"12-34", "+7 916 000-00-02", "", "+7 916 000-00-02"},
		{"+7 495 000-00-01", "+7 916 000-00-02", "", "+7 916 000-00-02"}, // the first column is the one of home
		{"+7 495 000-00-01", "", "", "+7 495 000-00-01"},
		{"", "12-34", "", "12-34"},
		{"да", "", "", ""},
		{"", "8 (495) 123-45-67", "8 916 123-45-67", "8 916 123-45-67"},
		{"8 916 123-45-67", "8 (495) 123-45-67", "", "8 916 123-45-67"},
		{"8 916 123-45-67", "8 916 000-00-02", "", "8 916 000-00-02"},
		{"", "8 (495) 123-45-67", "8 495 000-00-03", "8 (495) 123-45-67"},
		{"", "8 800 555-35-35", "8 916 123-45-67", "8 916 123-45-67"},
		{"", "8 800 555-35-35", "8 495 123-45-67", "8 495 123-45-67"},
		{"8 495 123-45-67", "+7 999 999-99-99", "", "8 495 123-45-67"},
		{"", "8 916 123-45-6", "8 800 555-35-35", "8 916 123-45-6"},
		{"", "8 916 1234567, 8 495 1234567", "8 916 123-45-67", "8 916 123-45-67"},
	} {
		r := one(t, []string{"ID", "ФИО", "Домашний телефон", "Телефон", "Мобильный телефон"}, []string{"1", "Петрова Анна", c[0], c[1], c[2]})
		if got := card(t, r).Number; got != c[3] {
			t.Errorf("%q is %q, want %q", c[:3], got, c[3])
		}
	}
}

func TestOddAddressesSexesStatusesAndGuardians(t *testing.T) {
	for _, c := range []struct {
		header, cell, notes string
		holds               func(intake.Card) bool
	}{
		{"E-mail", "anna@example.com", "", func(c intake.Card) bool { return c.Mail == "anna@example.com" }},
		{"E-mail", "анна@пример.рф", "", func(c intake.Card) bool { return c.Mail != "" }},
		{"E-mail", "anna@example", "E-mail:bad-email", func(c intake.Card) bool { return c.Mail == "" }},
		{"E-mail", "a@example.com, b@example.com", "E-mail:bad-email", func(c intake.Card) bool { return c.Mail == "" }},
		{"E-mail", "anna(at)example.com", "E-mail:bad-email", func(c intake.Card) bool { return c.Mail == "" }},
		{"E-mail", ".anna@example.com", "E-mail:bad-email", func(c intake.Card) bool { return c.Mail == "" }},
		{"E-mail", "нет", "", func(c intake.Card) bool { return c.Mail == "" }},
		{"Пол", "Ж", "", func(c intake.Card) bool { return c.Sex == "female" }},
		{"Пол", "male", "", func(c intake.Card) bool { return c.Sex == "male" }},
		{"Пол", "не указан", "", func(c intake.Card) bool { return c.Sex == "" }},
		{"Пол", "1", "Пол:bad-sex", func(c intake.Card) bool { return c.Sex == "" }},
		{"Статус", "В архиве", "", func(c intake.Card) bool { return c.Status == dental.Archived }},
		{"Статус", "Умер", "", func(c intake.Card) bool { return c.Status == dental.Deceased }},
		{"Статус", "переехала", "", func(c intake.Card) bool { return c.Status == dental.Moved }},
		{"Статус", "Золотой", "Статус:bad-status", func(c intake.Card) bool { return c.Status == "" }},
		{"Язык", "English", "", func(c intake.Card) bool { return c.Language == "en" }},
		{"Язык", "татарский", "", func(c intake.Card) bool { return c.Language == "" }},
		{"Представитель", "12", "", func(c intake.Card) bool { return c.GuardianID == "12" }},
		{"Представитель", "7", "", func(c intake.Card) bool { return c.GuardianID == "" }}, // their own card
		{"Представитель", "Петров Иван", "Представитель:bad-guardian", func(c intake.Card) bool { return c.GuardianID == "" }},
		{"Лечащий врач", "Соколова", "", func(c intake.Card) bool { return dental.ValidID(c.DoctorID) }},
		{"Врач", "Соколова", "", func(c intake.Card) bool { return dental.ValidID(c.DoctorID) }},
	} {
		r := with(t, c.header, c.cell)
		if codes(r) != c.notes || !c.holds(card(t, r)) {
			t.Errorf("%s %q: notes %q, want %q, and the card is %+v", c.header, c.cell, codes(r), c.notes, card(t, r).Sex)
		}
	}
}

func TestConsentsNeedADateAndRefusalsDoNot(t *testing.T) {
	read := func(cell, date string) (load.Record, []dental.Consent) {
		r := one(t, []string{"ID", "ФИО", "Согласие на SMS", "Дата согласия"}, []string{"1", "Петрова Анна", cell, date})
		return r, card(t, r).Consents
	}
	if _, c := read("да", "12.03.2026"); len(c) != 1 || c[0].Class != dental.Advertising || c[0].Channel != dental.SMS || !c[0].Granted {
		t.Errorf("a dated consent is %+v", c)
	}
	if r, c := read("да", ""); len(c) != 0 || codes(r) != "Согласие на SMS:consent-undated" {
		t.Errorf("an undated consent is %+v, notes %q", c, codes(r))
	}
	if r, c := read("нет", ""); len(c) != 1 || c[0].Granted || c[0].At.IsZero() || codes(r) != "" {
		t.Errorf("an undated refusal is %+v, notes %q", c, codes(r))
	}
	if r, c := read("да", "12.03.2027"); len(c) != 0 || codes(r) != "Согласие на SMS:consent-ahead" {
		t.Errorf("a consent of the future is %+v, notes %q", c, codes(r))
	}
	if r, c := read("может быть", ""); len(c) != 0 || codes(r) != "Согласие на SMS:bad-answer" {
		t.Errorf("no answer is %+v, notes %q", c, codes(r))
	}
	if r, c := read("", ""); len(c) != 0 || codes(r) != "" {
		t.Errorf("nothing is %+v, notes %q", c, codes(r))
	}
	r := one(t, []string{"ID", "Согласие на рекламу", "Согласие на WhatsApp", "Согласие на уведомления", "Дата согласия"}, []string{"1", "да", "нет", "да", "12.03.2026"})
	granted := map[string]bool{}
	for _, c := range card(t, r).Consents {
		granted[string(c.Class)+"/"+string(c.Channel)] = c.Granted
	}
	if len(granted) != 6 || !granted["advertising/sms"] || !granted["advertising/email"] || granted["advertising/whatsapp"] || !granted["care/whatsapp"] {
		t.Errorf("the consents are %v: a column of one channel overrules that of all", granted)
	}
}

func TestWhatLiesAheadAndBehind(t *testing.T) {
	for _, c := range []struct {
		name, header, cell, status, notes string
		visits, appointments              int
	}{
		{"a visit of yesterday", "Дата визита", "20.05.2026", "", "", 1, 0},
		{"a visit of today", "Дата визита", "21.05.2026", "", "", 1, 0},
		{"a visit of tomorrow with a time is an appointment", "Дата визита", "22.05.2026 10:00", "", "Дата визита:visit-ahead", 0, 1},
		{"a visit of tomorrow without one is none", "Дата визита", "22.05.2026", "", "Дата визита:visit-ahead", 0, 0},
		{"a booking of tomorrow without one is none either", "Дата визита", "22.05.2026", "Ожидание", "Дата визита:appointment-untimed", 0, 0},
		{"a booking of tomorrow", "Дата визита", "22.05.2026 10:00", "Ожидание", "", 0, 1},
		{"a booking of today", "Дата визита", "21.05.2026 18:00", "Подтверждён", "", 0, 1},
		{"a booking of last year", "Дата визита", "22.05.2025 10:00", "Ожидание", "Дата визита:appointment-past", 0, 0},
		{"a cancelled one", "Дата визита", "22.05.2025", "Отменён", "", 0, 1},
		{"one who came", "Дата визита", "22.05.2025", "Пришёл", "", 1, 0},
		{"the next visit tomorrow", "Следующий визит", "22.05.2026 10:00", "", "", 0, 1},
		{"the next visit this morning", "Следующий визит", "21.05.2026 10:00", "", "Следующий визит:appointment-past", 0, 0},
		{"the next visit without a time", "Следующий визит", "22.05.2026", "", "Следующий визит:appointment-untimed", 0, 0},
		{"the next visit last year", "Следующий визит", "22.05.2025", "", "Следующий визит:appointment-past", 0, 0},
		{"the first visit", "Первый визит", "22.05.2020", "", "", 1, 0},
		{"the first visit ahead", "Первый визит", "22.05.2027", "", "Первый визит:visit-ahead", 0, 0},
		{"a date to come back by without a visit", "Дата возврата", "22.05.2027", "", "Дата возврата:return-unplaced", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := one(t, []string{"ID", "ФИО", c.header, "Статус"}, []string{"1", "Петрова Анна", c.cell, c.status})
			if codes(r) != c.notes || len(visits(r)) != c.visits || len(appointments(r)) != c.appointments {
				t.Errorf("%d visits, %d appointments, notes %q; want %d, %d, %q", len(visits(r)), len(appointments(r)), codes(r), c.visits, c.appointments, c.notes)
			}
		})
	}
}

func TestTheNextVisitMovesWithItsColumn(t *testing.T) {
	read := func(cell string) dental.Appointment {
		return appointments(one(t, []string{"ID", "Следующий визит"}, []string{"1", cell}))[0]
	}
	if a, b := read("02.06.2026 10:30"), read("03.06.2026 10:30"); a.ID != b.ID || a.Source == b.Source {
		t.Errorf("%+v and %+v are to be one appointment that has moved", a, b)
	}
}

func TestAPlanIsTheSameWhateverIsPaidOfIt(t *testing.T) {
	read := func(total, done string) *dental.Plan {
		r := one(t, []string{"ID", "План лечения", "Дата плана", "Сумма плана", "Выполнено"}, []string{"1", "Имплантация", "12.03.2026", total, done})
		return facts(r)[0].Plan
	}
	stages := func(p *dental.Plan) (out []string) {
		for _, s := range p.Stages {
			out = append(out, fmt.Sprintf("%s %s", s.Status, s.Price.Decimal()))
		}
		return out
	}
	for _, c := range []struct{ total, done, want string }{
		{"1000", "", "planned 1000.00"}, {"1000", "нет", "planned 1000.00"}, {"1000", "да", "done 1000.00"}, {"1000", "1000", "done 1000.00"}, {"1000", "2000", "done 1000.00"}, {"1000", "400", "done 400.00, planned 600.00"}, {"1000", "25%", "done 250.00, planned 750.00"}, {"1000", "100 %", "done 1000.00"},
	} {
		p := read(c.total, c.done)
		if got := strings.Join(stages(p), ", "); got != c.want || p.ID != read("5", "").ID {
			t.Errorf("%s of %s: %s, want %s", c.done, c.total, got, c.want)
		}
	}
	if r := one(t, []string{"ID", "План лечения"}, []string{"1", "Имплантация"}); codes(r) != "План лечения:plan-undated" || facts(r)[0].Plan == nil {
		t.Errorf("an undated plan: %q", codes(r))
	}
}

func TestAPatientWithoutANumberIsNamedByNameAndBirthDateElseByThePhone(t *testing.T) {
	id := func(name, phone, birth string) string {
		r := one(t, []string{"ФИО", "Телефон", "Дата рождения"}, []string{name, phone, birth})
		if r.Fault != nil {
			return r.Fault.Code
		}
		return r.Objects[0].Patient()
	}
	anna := id("Петрова Анна", "8 (916) 000-00-01", "14.11.1985")
	if !dental.ValidID(anna) {
		t.Fatalf("the id %q", anna)
	}
	for _, same := range [][3]string{{"ПЕТРОВА  Анна", "+7 916 000 00 01", "1985-11-14"}} {
		if got := id(same[0], same[1], same[2]); got != anna {
			t.Errorf("%q is %q, want %q", same, got, anna)
		}
	}
	seen := map[string]bool{anna: true}
	for _, other := range [][3]string{{"Петров Иван", "8 (916) 000-00-01", "14.11.1985"}, {"Петрова Анна", "8 (916) 000-00-02", ""}, {"Петрова Анна", "8 (916) 000-00-01", ""}, {"Петрова", "", "14.11.1985"}, {"", "8 (916) 000-00-01", ""}} {
		if got := id(other[0], other[1], other[2]); seen[got] || !dental.ValidID(got) {
			t.Errorf("%q is %q", other, got)
		} else {
			seen[got] = true
		}
	}
	for _, nobody := range [][3]string{{"Петрова Анна", "", ""}, {"", "12", ""}, {"", "", "14.11.1985"}} {
		if got := id(nobody[0], nobody[1], nobody[2]); got != sheet.NoPatient {
			t.Errorf("%q is %q", nobody, got)
		}
	}
}

func TestRowsThatAreNoPatients(t *testing.T) {
	records := scan(t, sheet.CSV{}, memory("Список пациентов на 01.05.2026;;\n;;\n№ карты;ФИО;Телефон\n1;Петрова Анна;+7 916 000-00-01\n;;\n\n№ карты;ФИО;Телефон\n2;;\nИтого: 2;;\n;Всего пациентов;2\n;Терапия;\n3;Иванов Пётр;+7 916 000-00-03;;\n4;Иванов; Пётр;+7 916 000-00-04\n"), "", options())
	var got []string
	for _, r := range records {
		got = append(got, fmt.Sprintf("%d:%d%s", r.Line, len(r.Objects), codes(r)))
	}
	want := []string{"4:1", "7:0", "8:0fault:no-patient", "9:0", "10:0", "11:0fault:no-patient", "12:1", "13:0fault:wide-line"}
	if !slices.Equal(got, want) {
		t.Errorf("records %q, want %q", got, want)
	}
}

func TestATableThatSaysNotWhomItIsAboutIsRefusedWithTheColumnsFound(t *testing.T) {
	for file, want := range map[string]string{
		"Адрес;Примечание\nа;б\n": "Адрес, Примечание", "ФИО;Дата рождения\nа;б\n": "ФИО, Дата рождения", "Телефон\n1\n": "Телефон", "+79160000001;Анна\n": "+79160000001, Анна",
	} {
		if f := whole(t, sheet.CSV{}, []byte(file)); f.Code != sheet.NoColumns || f.Detail != want {
			t.Errorf("%q: %+v, want %q", file, f, want)
		}
	}
}

func TestFormulasInCellsAreData(t *testing.T) {
	r := one(t, []string{"ID", "ФИО", "Телефон", "Дата визита", "Сумма"}, []string{"1", "@SUM(A1) Анна", "+79160000001", "=1+2", "-5"})
	if c := card(t, r); c.Number != "+79160000001" || c.FamilyName != "@SUM(A1)" {
		t.Errorf("the card has %q %q", c.Number, c.FamilyName)
	}
	if codes(r) != "Дата визита:bad-date Сумма:visit-undated" || r.Notes[0].Value != "=1+2" {
		t.Errorf("notes %q %+v", codes(r), r.Notes)
	}
}
