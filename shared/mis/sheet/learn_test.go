package sheet_test

import (
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func TestATableLearnedTwiceChangesNothingTheSecondTime(t *testing.T) {
	clock := func() time.Time { return now }
	st, err := store.New(tabletest.NewReference(clock, rand.Reader), store.Keys{Contact: []byte(strings.Repeat("c", 32)), Link: []byte(strings.Repeat("l", 32))}, clock)
	if err != nil {
		t.Fatal(err)
	}
	cl := clinic()
	tx := st.Begin()
	if _, err := tx.Clinic(t.Context(), cl.ID); dental.KindOf(err) != dental.NotFound {
		t.Fatal(err)
	}
	tx.Put(*cl)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := &intake.Intake{Store: st, Catalogue: scenario.Shipped(), Phones: phone.Read, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	file := table(";",
		[]string{"№ карты", "ФИО", "Телефон", "Дата визита", "Услуга", "Сумма", "Дата возврата", "Следующий визит", "План лечения", "Сумма плана", "Согласие на SMS", "Статус"},
		[]string{"1", "Петрова Анна", "+7 916 000-00-01", "12.03.2026", "Чистка", "5400", "12.09.2026", "", "", "", "нет", ""},
		[]string{"1", "Петрова Анна", "+7 916 000-00-01", "12.03.2026", "Пломба", "4100", "", "02.06.2026 10:30", "Коронка; Имплантат", "90 000", "нет", ""},
		[]string{"", "Иванов Пётр", "+7 916 000-00-02", "01.04.2025", "", "", "", "", "", "", "", "не пришёл"},
		[]string{"3", "Сидорова Инна", "", "01.02.2024", "Осмотр", "0", "", "", "План", "", "", ""})
	records := scan(t, sheet.CSV{}, memory(file), "", options())
	for round := range 2 {
		for _, r := range records {
			outcomes, err := in.Learn(t.Context(), cl, intake.How{Quiet: true}, now, r.Objects...)
			if err != nil || len(outcomes) != 1 || outcomes[0].Err != nil || outcomes[0].News != (round == 0) {
				t.Errorf("round %d, line %d: %+v, error %v", round, r.Line, outcomes, err)
			}
		}
	}
	c, err := st.Begin().Card(t.Context(), cl.ID, "1")
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
