package sheet_test

import (
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
)

func TestATableLearnedTwiceChangesNothingTheSecondTime(t *testing.T) {
	l := newLearner(t)
	file := table(";",
		[]string{"№ карты", "ФИО", "Телефон", "Дата визита", "Услуга", "Сумма", "Дата возврата", "Следующий визит", "План лечения", "Сумма плана", "Согласие на SMS", "Статус"},
		[]string{"1", "Петрова Анна", "+7 916 000-00-01", "12.03.2026", "Чистка", "5400", "12.09.2026", "", "", "", "нет", ""},
		[]string{"1", "Петрова Анна", "+7 916 000-00-01", "12.03.2026", "Пломба", "4100", "", "02.06.2026 10:30", "Коронка; Имплантат", "90 000", "нет", ""},
		[]string{"", "Иванов Пётр", "+7 916 000-00-02", "01.04.2025", "", "", "", "", "", "", "", "не пришёл"},
		[]string{"3", "Сидорова Инна", "", "01.02.2024", "Осмотр", "0", "", "", "План", "", "", ""})
	records := scan(t, sheet.CSV{}, memory(file), "", options())
	for round := range 2 {
		if news := l.takes(t, records); news != len(records)*(1-round) {
			t.Errorf("round %d: %d of %d lines are news", round, news, len(records))
		}
	}
	c, err := l.store.Begin().Card(t.Context(), "demo", "1")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Visits) != 2 || len(c.Appointments) != 1 || len(c.Plans) != 1 || c.Patient.Phone == "" || c.Patient.Stub || len(c.Touches) != 0 {
		t.Errorf("%d visits, %d appointments, %d plans, %d touches", len(c.Visits), len(c.Appointments), len(c.Plans), len(c.Touches))
	}
	if consent, known := c.Patient.Consent(dental.Advertising, dental.SMS); !known || consent.Granted {
		t.Errorf("the refusal is %+v", consent)
	}
}
