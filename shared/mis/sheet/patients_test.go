package sheet_test

import (
	"reflect"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

func exported(system string) load.Options {
	o := options()
	o.System = system
	return o
}

func TestALineIsOfThePatientWhomItsProgramCallsSo(t *testing.T) {
	id, chart, both := []string{"ID клиента", "ФИО"}, []string{"№ карты", "ФИО"}, []string{"№ карты", "ID клиента", "ФИО"}
	for _, c := range []struct {
		name    string
		system  string
		headers []string
		cells   []string
		want    string
	}{
		{"an id of YCLIENTS is its own client's", dental.YClients, id, []string{"5", "Петрова Анна"}, "yc.5"},
		{"an id of Open Dental is its own patient's", dental.OpenDental, []string{"PatNum", "ФИО"}, []string{"5", "Петрова Анна"}, "od.5"},
		{"an id of no program named is as the clinic says it", "", id, []string{"5", "Петрова Анна"}, "5"},
		{"the number of a chart is no id of the program", dental.YClients, chart, []string{"5", "Петрова Анна"}, "yc-card.5"},
		{"the number of a case history is none either", dental.Renovatio, []string{"№ истории болезни", "ФИО"}, []string{"5", "Петрова Анна"}, "rn-card.5"},
		{"the number of a chart is what a clinic calls its patients by", "", chart, []string{"5", "Петрова Анна"}, "5"},
		{"an id wins over the number of a chart", "", both, []string{"7", "5", "Петрова Анна"}, "5"},
		{"an id wins over the number of a chart in an export too", dental.SQNS, both, []string{"7", "5", "Петрова Анна"}, "sq.5"},
		{"a chart beside other people's ids is no id", "", both, []string{"5", "", "Петрова Анна"}, "card.5"},
		{"a chart beside other people's ids is no id of the program", dental.SQNS, both, []string{"5", "", "Петрова Анна"}, "sq-card.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := oneOf(t, exported(c.system), c.headers, c.cells)
			if got := r.Objects[0].Patient(); got != c.want || card(t, r).ID != c.want {
				t.Errorf("the patient is %q, want %q", got, c.want)
			}
			if again := oneOf(t, exported(c.system), c.headers, c.cells); !reflect.DeepEqual(again.Objects, r.Objects) {
				t.Errorf("the same line says another thing the second time: %+v", again.Objects)
			}
		})
	}
}

func TestAGuardianIsOfTheSameProgram(t *testing.T) {
	for _, c := range []struct{ system, table, guardian, want string }{
		{"", "ID", "ID родителя", "9"},
		{dental.YClients, "ID", "ID родителя", "yc.9"},
		{dental.YClients, "ID", "Представитель", "yc.9"},
		{dental.YClients, "ID", "№ карты родителя", "yc-card.9"},
		{"", "ID", "№ карты родителя", "card.9"},
		{dental.YClients, "№ карты", "№ карты родителя", "yc-card.9"},
		{dental.YClients, "№ карты", "Представитель", "yc-card.9"},
		{dental.YClients, "№ карты", "ID родителя", "yc.9"},
		{"", "№ карты", "№ карты родителя", "9"},
	} {
		r := oneOf(t, exported(c.system), []string{c.table, "ФИО", c.guardian}, []string{"7", "Петрова Анна", "9"})
		if got := card(t, r).GuardianID; got != c.want {
			t.Errorf("in a table of %s by %q, %q 9 is %q, want %q", c.system, c.table, c.guardian, got, c.want)
		}
		r = oneOf(t, exported(c.system), []string{c.table, "ФИО", c.guardian}, []string{"9", "Петрова Анна", "9"})
		if got := card(t, r).GuardianID; got == card(t, r).ID {
			t.Errorf("in a table by %q with %q a patient is their own guardian", c.table, c.guardian)
		}
	}
}
