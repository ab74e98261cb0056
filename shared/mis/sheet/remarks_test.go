package sheet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
)

// without reads a line of a table that has no column for a patient's number.
func without(t *testing.T, name, phone, mail, birth string) (id string) {
	t.Helper()
	r := one(t, []string{"ФИО", "Телефон", "E-mail", "Дата рождения"}, []string{name, phone, mail, birth})
	if r.Fault != nil {
		return r.Fault.Code
	}
	return r.Objects[0].Patient()
}

func TestACorrectedPhoneOrAddressMakesNoOtherPatient(t *testing.T) {
	const name, birth = "Петрова Анна Сергеевна", "14.11.1985"
	anna := without(t, name, "8 (916) 000-00-01", "anna@example.com", birth)
	for _, corrected := range [][2]string{{"+7 916 000-00-02", "anna@example.com"}, {"8-916-000-00-01 мама", ""}, {"12-34", ""}, {"", ""}, {"нет телефона", "a.petrova@example.com"}} {
		if got := without(t, name, corrected[0], corrected[1], birth); got != anna || !dental.ValidID(got) {
			t.Errorf("with the phone %q and the address %q the patient is %q, want %q", corrected[0], corrected[1], got, anna)
		}
	}
	seen := map[string]string{anna: "herself"}
	for _, other := range [][4]string{
		{"Петрова Анна Ивановна", "8 (916) 000-00-01", "anna@example.com", birth},
		{name, "8 (916) 000-00-01", "anna@example.com", "15.11.1985"},
		{name, "8 (916) 000-00-01", "anna@example.com", ""},
		{name, "8 (916) 000-00-02", "anna@example.com", ""},
		{name, "", "anna@example.com", ""},
		{"Петрова", "8 (916) 000-00-01", "", birth},        // a mother and
		{"Петрова", "8 (916) 000-00-01", "", "01.02.2015"}, // a child on one phone
	} {
		got := without(t, other[0], other[1], other[2], other[3])
		if twin, taken := seen[got]; taken || !dental.ValidID(got) {
			t.Errorf("%q is %q, as %s is", other, got, twin)
		}
		seen[got] = strings.Join(other[:], ", ")
	}
}

func TestADashWhereAPlusIsAYesIsARefusal(t *testing.T) {
	for _, dash := range []string{"-", "–", "—", "−", " - "} {
		for date, want := range map[string]string{"": "2000-01-01", "12.03.2026": "2026-03-11"} { // midnight in Moscow
			r := one(t, []string{"ID", "ФИО", "Согласие на рекламу", "Дата согласия"}, []string{"1", "Петрова Анна", dash, date})
			consents := card(t, r).Consents
			if len(consents) != len(dental.Channels()) || codes(r) != "" {
				t.Fatalf("%q makes %+v, notes %q", dash, consents, codes(r))
			}
			for _, c := range consents {
				if c.Granted || c.Class != dental.Advertising || c.At.Format(time.DateOnly) != want {
					t.Errorf("%q of %q makes %+v", dash, date, c)
				}
			}
		}
	}
	for _, empty := range []string{"", " ", "?", "---"} {
		r := one(t, []string{"ID", "ФИО", "Согласие на рекламу"}, []string{"1", "Петрова Анна", empty})
		if c := card(t, r).Consents; len(c) != 0 || codes(r) != "" {
			t.Errorf("%q makes %+v, notes %q", empty, c, codes(r))
		}
	}
}

func TestARemarkOnADateShowsTheDateAndNotItsSerialNumber(t *testing.T) {
	for _, c := range []struct {
		header  string
		cell    any
		want    string
		remarks string
	}{
		{"Последнее посещение", 48034, "05.07.2031", "Последнее посещение:visit-ahead"},
		{"Дата рождения", 48034, "05.07.2031", "Дата рождения:birth-ahead"},
		{"Следующий визит", 45000.5, "15.03.2023 12:00", "Следующий визит:appointment-past"},
		{"Дата рождения", 200000, "30.07.2447", "Дата рождения:date-range"},
		{"Дата рождения", 1985, "1985", "Дата рождения:year-only"},
		{"Дата рождения", "31.02.1985", "31.02.1985", "Дата рождения:bad-date"},
		{"Дата рождения", 99999999, "99999999", "Дата рождения:bad-date"},
		{"Пол", 48034, "48034", "Пол:bad-sex"},
	} {
		file := workbook(t, func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"ID", "ФИО", c.header}, []any{1, "Петрова Анна", c.cell})
		})
		r := scan(t, sheet.XLSX{}, memory(file), "", options())[0]
		if len(r.Notes) != 1 || codes(r) != c.remarks || r.Notes[0].Value != c.want {
			t.Errorf("%s %v: %q shows %+v, want %q", c.header, c.cell, codes(r), r.Notes, c.want)
		}
	}
	if r := with(t, "Дата рождения", "48034"); len(r.Notes) != 1 || r.Notes[0].Value != "48034" {
		t.Errorf("a number that stands in a CSV file as one is %+v", r.Notes)
	}
}

func TestThatThereIsNoPhoneIsNoSpellingOfOne(t *testing.T) {
	for _, cell := range []string{"нет телефона", "Нет  тел.", "телефона нет", "без телефона", "нет номера", "Номера нет", "нет мобильного", "телефон отсутствует", "не указан", "no phone"} {
		for _, header := range []string{"Телефон", "Домашний телефон"} {
			if r := with(t, header, cell); card(t, r).Number != "" || codes(r) != "" {
				t.Errorf("%s %q is the number %q, notes %q", header, cell, card(t, r).Number, codes(r))
			}
		}
	}
}

func TestAnUnclearConsentIsNotAskedForASumOfAPlan(t *testing.T) {
	consent := one(t, []string{"ID", "ФИО", "Согласие на рекламу"}, []string{"1", "Петрова Анна", "может быть"})
	plan := one(t, []string{"ID", "План лечения", "Дата плана", "Выполнено"}, []string{"1", "Имплантация", "12.03.2026", "почти"})
	percent := one(t, []string{"ID", "План лечения", "Дата плана", "Выполнено"}, []string{"1", "Имплантация", "12.03.2026", "200%"})
	if codes(consent) != "Согласие на рекламу:bad-answer" || codes(plan) != "Выполнено:bad-done" || codes(percent) != "Выполнено:bad-done" {
		t.Fatalf("the notes are %q, %q, %q", codes(consent), codes(plan), codes(percent))
	}
	for _, l := range []struct{ language, plan string }{{"ru", "план"}, {"en", "plan"}} {
		if says := load.Reason(&dental.Clinic{Language: l.language}, consent.Notes[0]); strings.Contains(says, l.plan) {
			t.Errorf("of a consent it is said: %s", says)
		}
	}
	for language, how := range map[string]string{"ru": "процент", "en": "per cent"} {
		if says := load.Reason(&dental.Clinic{Language: language}, plan.Notes[0]); !strings.Contains(says, how) {
			t.Errorf("of a plan it is said: %s", says)
		}
	}
}

func TestNoCellIsRemarkedOnTwice(t *testing.T) {
	for _, header := range []string{"Последнее посещение", "Первый визит", "Следующий визит"} {
		for _, cell := range []string{"22.05.2027", "22.05.2027 10:00", "22.05.2019", "31.02.2027", "1"} {
			for _, state := range []string{"", "Пришёл", "Ожидание", "Отменён"} {
				r := one(t, []string{"ID", "ФИО", header, "Статус"}, []string{"1", "Петрова Анна", cell, state})
				seen := map[string]bool{}
				for _, n := range r.Notes {
					if seen[n.Column] {
						t.Errorf("%s %q, %q: %q", header, cell, state, codes(r))
					}
					seen[n.Column] = true
				}
			}
		}
	}
}

func TestHeadersThatAreNotKnownAreNoPatient(t *testing.T) {
	rows := [][]any{{"Список"}, {"Кто", "Куда звонить", "Когда"}, {"Петрова Анна", "+7 916 000-00-01", "12.03.2026"}, {"Иванов Пётр", "+7 916 000-00-02", "13.03.2026"}}
	lines := []string{"Список", "Кто;Куда звонить;Когда", "Петрова Анна;+7 916 000-00-01;12.03.2026", "Иванов Пётр;+7 916 000-00-02;13.03.2026"}
	file := workbook(t, func(f *excelize.File) { put(t, f, "Sheet1", rows...) })
	for name, p := range map[string]func() (load.Preview, error){
		"a CSV file": func() (load.Preview, error) {
			return sheet.CSV{}.Preview(t.Context(), memory(strings.Join(lines, "\n")), options())
		},
		"a workbook": func() (load.Preview, error) { return sheet.XLSX{}.Preview(t.Context(), memory(file), options()) },
	} {
		seen, err := p()
		if err != nil || len(seen.Columns) != 3 || seen.Columns[1].Header != "Куда звонить" {
			t.Fatalf("%s: %+v, error %v", name, seen.Columns, err)
		}
		if len(seen.Rows) != 2 || seen.Rows[0][0] != "Петрова Анна" || seen.Rows[1][0] != "Иванов Пётр" {
			t.Errorf("%s: the first rows are %q", name, seen.Rows)
		}
	}
}
