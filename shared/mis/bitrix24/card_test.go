package bitrix24_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/intake"
)

func TestAFieldOfAnotherTypeIsNothingAndTakesNoOtherWithIt(t *testing.T) {
	for _, value := range []any{[]string{"2026-05-25T15:00:00+03:00", "2026-05-26T15:00:00+03:00"}, map[string]any{"from": "2026-05-25T15:00:00+03:00"}, false, 7, nil} {
		o := open(t)
		o.set(func() {
			o.contacts["7"], o.deals["1"] = person("7"), booking("1", "STAGE_SEMANTIC_ID", "S")
			o.deals["1"][startField], o.deals["1"]["TITLE"] = value, " Запись\u00a0 Вера "
			o.contacts["7"]["SECOND_NAME"] = value
		})
		objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "deal", ID: "1"}, time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC))
		if err != nil || len(objects) != 2 {
			t.Fatalf("a field that is %v: %+v, %v", value, objects, err)
		}
		if got := objects[0].Facts[0].Card.MiddleName; got != "" && value != 7 {
			t.Errorf("a field that is %v is the name %q", value, got)
		}
		if got := words(objects[1]); got != "visit b24.1 25.05 16:00 of b24.7: Запись Вера, 5400.00 RUB" {
			t.Errorf("a field that is %v: %s", value, got)
		}
	}
}
