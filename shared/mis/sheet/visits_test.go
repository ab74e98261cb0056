package sheet_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// learner takes files in, one after another.
type learner struct {
	store  *store.Store
	intake *intake.Intake
}

func newLearner(t testing.TB) learner {
	t.Helper()
	clock := func() time.Time { return now }
	st, err := store.New(tabletest.NewReference(clock, rand.Reader), store.Keys{Contact: []byte(strings.Repeat("c", 32)), Link: []byte(strings.Repeat("l", 32))}, clock)
	if err != nil {
		t.Fatal(err)
	}
	tx := st.Begin()
	if _, err := tx.Clinic(t.Context(), "demo"); dental.KindOf(err) != dental.NotFound {
		t.Fatal(err)
	}
	tx.Put(*clinic())
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return learner{st, &intake.Intake{Store: st, Catalogue: scenario.Shipped(), Phones: phone.Read, Log: slog.New(slog.DiscardHandler)}}
}

// takes takes records in and says how many were news.
func (l learner) takes(t testing.TB, records []load.Record) (news int) {
	t.Helper()
	for _, r := range records {
		if len(r.Objects) == 0 {
			continue
		}
		outcomes, err := l.intake.Learn(t.Context(), clinic(), intake.How{Quiet: true}, now, r.Objects...)
		if err != nil || outcomes[0].Err != nil {
			t.Fatalf("line %d: %+v, error %v", r.Line, outcomes, err)
		}
		if outcomes[0].News {
			news++
		}
	}
	return news
}

// brought is what a patient's visits are: how many, and what they brought.
func (l learner) brought(t testing.TB, patient string) string {
	t.Helper()
	c, err := l.store.Begin().Card(t.Context(), "demo", patient)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	var days []string
	for _, v := range c.Visits {
		sum += v.Receipt.Minor / 100
		if d := v.FinishedAt.Format("02.01"); !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	return fmt.Sprintf("%d of %d on %s", len(c.Visits), sum, strings.Join(days, " "))
}

func nightly(headers string, lines ...string) memory {
	return memory(headers + "\n" + strings.Join(lines, "\n") + "\n")
}

func TestALineThatWasPutRightIsTheSameVisit(t *testing.T) {
	const numbered, plain, papers = "ID;ФИО;№ визита;Дата визита;Врач;Услуга;Зуб;Сумма", "ID;ФИО;Дата визита;Врач;Услуга;Зуб;Сумма", "ID;ФИО;№ чека;Дата визита;Сумма"
	for _, c := range []struct {
		name, headers string
		last, tonight []string
		want          string
	}{
		{"another sum", "ID;ФИО;№ визита;Дата визита;Сумма", []string{"5;Петрова Анна;1001;12.03.2026;5400"}, []string{"5;Петрова Анна;1001;12.03.2026;4900"}, "1 of 4900 on 12.03"},
		{"another sum of one service of two", numbered, []string{"5;Петрова Анна;1001;12.03.2026;Ким;Чистка;;5400", "5;Петрова Анна;1001;12.03.2026;Ким;Пломба;16;4100"}, []string{"5;Петрова Анна;1001;12.03.2026;Ким;Пломба;16;4000", "5;Петрова Анна;1001;12.03.2026;Ким;Чистка;;5400"}, "2 of 9400 on 12.03"},
		{"another doctor and time", numbered, []string{"5;Петрова Анна;1001;12.03.2026 10:00;Ким;Чистка;;5400"}, []string{"5;Петрова Анна;1001;12.03.2026 11:30;Ким О. В.;Чистка;;5400"}, "1 of 5400 on 12.03"},
		{"another day of the visit's number", numbered, []string{"5;Петрова Анна;1001;12.03.2026;Ким;Чистка;;5400"}, []string{"5;Петрова Анна;1001;13.03.2026;Ким;Чистка;;5400"}, "1 of 5400 on 13.03"},
		{"the number of a paper on another day is another paper", papers, []string{"5;Петрова Анна;17;12.03.2026;5400"}, []string{"5;Петрова Анна;17;14.04.2026;600"}, "2 of 6000 on 12.03 14.04"},
		{"a number that is nought is none", numbered, []string{"5;Петрова Анна;0;12.03.2026;Ким;Чистка;;5400"}, []string{"5;Петрова Анна;0;14.04.2026;Ким;Чистка;;600"}, "2 of 6000 on 12.03 14.04"},
		{"without a number another sum", plain, []string{"5;Петрова Анна;12.03.2026;Ким;Чистка;;5400"}, []string{"5;Петрова Анна;12.03.2026;Ким;Чистка;;4900"}, "1 of 4900 on 12.03"},
		{"without a number another spelling of the doctor", plain, []string{"5;Петрова Анна;12.03.2026;Ким;Чистка;;5400"}, []string{"5;Петрова Анна;12.03.2026;Ким О. В.;Чистка;;5400"}, "1 of 5400 on 12.03"},
		{"without a number or a service two doctors are two visits", plain, []string{"5;Петрова Анна;12.03.2026;Ким;;;5400"}, []string{"5;Петрова Анна;12.03.2026;Ли;;;600"}, "2 of 6000 on 12.03"},
		{"two teeth", plain, []string{"5;Петрова Анна;12.03.2026;Ким;Пломба;16;4100", "5;Петрова Анна;12.03.2026;Ким;Пломба;17;4100"}, []string{"5;Петрова Анна;12.03.2026;Ким;Пломба;17;4000", "5;Петрова Анна;12.03.2026;Ким;Пломба;16;4100"}, "2 of 8100 on 12.03"},
		{"a service done twice counts twice", numbered, []string{"5;Петрова Анна;1001;12.03.2026;Ким;Анестезия;;600", "5;Петрова Анна;1001;12.03.2026;Ким;Анестезия;;600"}, []string{"5;Петрова Анна;1001;12.03.2026;Ким;Анестезия;;600", "5;Петрова Анна;1001;12.03.2026;Ким;Анестезия;;700"}, "2 of 1300 on 12.03"},
		{"two payments of a day", "ID;ФИО;Дата визита;Сумма", []string{"5;Петрова Анна;12.03.2026;3000", "5;Петрова Анна;12.03.2026;2000"}, []string{"5;Петрова Анна;12.03.2026;2000", "5;Петрова Анна;12.03.2026;3000"}, "2 of 5000 on 12.03"},
		{"a patient twice in a list has one last visit", "ID;ФИО;Последний визит;Последний чек", []string{"5;Петрова Анна;12.03.2026;3000", "5;Петрова Анна;12.03.2026;3000"}, []string{"5;Петрова Анна;12.03.2026;3000"}, "1 of 3000 on 12.03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLearner(t)
			for night, lines := range [][]string{c.last, c.tonight} {
				records := scan(t, sheet.CSV{}, nightly(c.headers, lines...), "", options())
				l.takes(t, records)
				if n := l.takes(t, records); n != 0 {
					t.Errorf("night %d: %d lines are news the second time", night, n)
				}
			}
			if got := l.brought(t, "5"); got != c.want {
				t.Errorf("the visits are %s, want %s", got, c.want)
			}
		})
	}
}

func TestADayOfAFirstOrLastVisitTakesNothingFromWhatWasPaidThatDay(t *testing.T) {
	journal := nightly("ID;Дата визита;Сумма;Врач", "5;01.02.2026;5000;Ким", "5;12.03.2026;900;Ким", "5;12.03.2026;100;Ким")
	patients := nightly("ID;ФИО;Первый визит;Последний визит;Врач", "5;Петрова Анна;01.02.2026;12.03.2026;Ким")
	both := nightly("ID;ФИО;Дата визита;Сумма;Первый визит", "5;Петрова Анна;01.02.2026;5000;01.02.2026", "5;Петрова Анна;12.03.2026;900;01.02.2026", "5;Петрова Анна;12.03.2026;100;01.02.2026")
	for name, files := range map[string][]memory{"the journal, then the patients": {journal, patients}, "the patients, then the journal": {patients, journal},
		"the journal with the first visit beside": {both}} {
		l := newLearner(t)
		for range 2 {
			for _, file := range files {
				l.takes(t, scan(t, sheet.CSV{}, file, "", options()))
			}
		}
		for _, file := range files {
			if n := l.takes(t, scan(t, sheet.CSV{}, file, "", options())); n != 0 {
				t.Errorf("%s: %d lines are news the third time", name, n)
			}
		}
		if got := l.brought(t, "5"); !strings.HasSuffix(got, " of 6000 on 01.02 12.03") {
			t.Errorf("%s: the visits are %s", name, got)
		}
	}
}

func TestWhatLinesOfVisitsComeToHangsNeitherOnTheirOrderNorOnWhereReadingBreaksOff(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		headers := rapid.SampledFrom([]string{"ID;№ визита;Дата визита;Услуга;Сумма", "ID;№ чека;Дата визита;Услуга;Сумма", "ID;Примечание;Дата визита;Услуга;Сумма"}).Draw(r, "headers")
		var lines []string
		sum := 0
		for range rapid.IntRange(1, 8).Draw(r, "lines") {
			price := rapid.IntRange(1, 3).Draw(r, "price") * 100
			sum += price
			lines = append(lines, fmt.Sprintf("5;%d;1%d.03.2026;%s;%d", rapid.IntRange(0, 2).Draw(r, "number"), rapid.IntRange(0, 1).Draw(r, "day"), rapid.SampledFrom([]string{"", "Анестезия", "Пломба"}).Draw(r, "service"), price))
		}
		l := newLearner(t)
		file := nightly(headers, lines...)
		l.takes(t, scan(t, sheet.CSV{}, file, "", options()))
		all := scan(t, sheet.CSV{}, file, "", options())
		if n := l.takes(t, all); n != 0 {
			r.Fatalf("%d lines are news the second time", n)
		}
		all = scan(t, sheet.CSV{}, file, "", options())
		broken := rapid.IntRange(0, len(all)-1).Draw(r, "broken off after")
		if rest := scan(t, sheet.CSV{}, file, all[broken].Place, options()); !reflect.DeepEqual(rest, all[broken+1:]) && len(rest)+len(all[broken+1:]) > 0 {
			r.Fatalf("after %d lines there is %+v, want %+v", broken+1, rest, all[broken+1:])
		}
		l.takes(t, scan(t, sheet.CSV{}, nightly(headers, rapid.Permutation(lines).Draw(r, "order")...), "", options()))
		if got, want := l.brought(t, "5"), fmt.Sprintf("%d of %d on", len(lines), sum); !strings.HasPrefix(got, want) {
			r.Fatalf("%q came to %s, want %s", lines, got, want)
		}
	})
}

func TestASumInAListOfLastVisitsIsOfOneOnlyWhereItSaysSo(t *testing.T) {
	for _, c := range []struct {
		day, sum string
		want     int64
	}{
		{"Последний визит", "Сумма", 0}, {"Последний визит", "Оплачено", 0}, {"Дата последнего посещения", "Выручка", 0}, {"Last visit", "Amount", 0}, {"Был(а)", "Стоимость", 0},
		{"Последний визит", "Последний чек", 90_000}, {"Последний визит", "Сумма последней оплаты", 90_000}, {"Последний визит", "Сумма чека", 90_000}, {"Last visit", "Receipt", 90_000},
		{"Дата визита", "Сумма", 90_000}, {"Дата визита", "Выручка", 90_000},
	} {
		file := memory(table(";", []string{"ID", "ФИО", "Первый визит", c.day, c.sum}, []string{"7", "Петрова Анна", "01.02.2020", "12.03.2026", "90000"}))
		r := scan(t, sheet.CSV{}, file, "", options())[0]
		v := visits(r)
		if len(v) != 2 || v[0].Receipt.Minor != c.want*100 || !v[1].Receipt.IsZero() || codes(r) != "" {
			t.Errorf("%q beside %q: the visits are %+v, notes %q", c.sum, c.day, v, codes(r))
		}
		p, err := sheet.CSV{}.Preview(t.Context(), file, options())
		want := load.Column{Header: c.sum, Field: "sum"}
		if c.want == 0 {
			want.Field, want.Why = "", sheet.SumUnplaced
		}
		if err != nil || p.Columns[4] != want {
			t.Errorf("%q beside %q is shown as %+v, error %v", c.sum, c.day, p.Columns[4], err)
		}
	}
	o := options()
	o.Clinic.Columns = map[string]string{"сумма": "sum"}
	if v := visits(oneOf(t, o, []string{"ID", "Последний визит", "Сумма"}, []string{"7", "12.03.2026", "900"})); len(v) != 1 || v[0].Receipt.Minor != 90_000 {
		t.Errorf("a column that the clinic says is the receipt came to %+v", v)
	}
}

func TestDatesWithStrokesHaveOneOrderThatTheFirstRowsTell(t *testing.T) {
	const refused = "!" + sheet.DateOrder
	for _, c := range []struct {
		name, header string
		cells        []string
		want         []string
	}{
		{"of the United States", "Birth date", []string{"5/6/1980", "5/22/1980", "1/2/85 0:00:00", "12.03.1980"}, []string{"1980-05-06", "1980-05-22", "1985-01-02", "1980-03-12"}},
		{"of the United States, with one beyond the first rows that is not", "Birth date", append(slices.Repeat([]string{"5/22/1980"}, 60), "22/5/1980", "5/6/1980"), append(slices.Repeat([]string{"1980-05-22"}, 60), "!bad-date", "1980-05-06")},
		{"of both kinds", "Дата рождения", []string{"5/6/1980", "22/5/1980", "5/22/1980"}, []string{refused, "1980-05-22", "1980-05-22"}},
		{"of Europe", "Birth date", []string{"5/6/1980", "22/5/1980", "31/5/1980"}, []string{"1980-06-05", "1980-05-22", "1980-05-31"}},
		{"that nothing tells in an English table", "Birth date", []string{"5/6/1980", "5/5/1980", "1980/05/06", "5.6.1980"}, []string{refused, "1980-05-05", "1980-05-06", "1980-06-05"}},
		{"that nothing tells in a Russian table", "Дата рождения", []string{"5/6/1980"}, []string{"1980-06-05"}},
		{"of the United States in a Russian table", "Дата рождения", []string{"5/6/1980", "5/22/1980"}, []string{"1980-05-06", "1980-05-22"}},
	} {
		rows := [][]string{{"ID", c.header}}
		for i, cell := range c.cells {
			rows = append(rows, []string{fmt.Sprint(i + 1), cell})
		}
		file := memory(table(",", rows...))
		all := scan(t, sheet.CSV{}, file, "", options())
		for i, r := range all {
			var got string
			if r.Fault != nil { // a line of an id alone
				got = "!" + r.Notes[0].Code
			} else {
				got = card(t, r).BirthDate.String()
			}
			if got != c.want[i] {
				t.Errorf("%s: %q is %s, want %s", c.name, c.cells[i], got, c.want[i])
			}
			if rest := scan(t, sheet.CSV{}, file, r.Place, options()); !reflect.DeepEqual(rest, all[i+1:]) && len(rest) > 0 {
				t.Errorf("%s: read on after line %d it is %+v, want %+v", c.name, r.Line, rest, all[i+1:])
			}
		}
	}
}
