package renovatio_test

import (
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

func TestOneOfSeveralThatCannotBeReadTakesNoOtherWithIt(t *testing.T) {
	const card = `{"patient_id":5,"last_name":"Ромашкина","first_name":"Вера","date_updated":"09.03.2026","time_updated":"14:35"}`
	for says, c := range map[string]struct {
		event, good, bad string
		fetch            []intake.Ref
		gap              bool
	}{
		"a price in words: it is asked for":         {"update_appointment", example, with(`"id":17`, `"id":18`, `"5400.00"`, `"1 200,00 р"`), []intake.Ref{{Kind: "appointment", ID: "18"}}, false},
		"a value of another shape: it is asked for": {"update_appointment", example, with(`"id":17`, `"id":18`, `"Ромашкина Вера Павловна"`, `{"x":1}`), []intake.Ref{{Kind: "appointment", ID: "18"}}, false},
		"a card of another shape: it is asked for":  {"update_patient", card, `{"patient_id":18,"last_name":[1]}`, []intake.Ref{{Kind: "patient", ID: "18"}}, false},
		"no number: all that has changed is":        {"update_appointment", example, with(`"id":17`, `"id":0`), nil, true},
		"a word: all that has changed is":           {"update_patient", card, `"Ромашкина"`, nil, true},
	} {
		for order, list := range map[string]string{"before": c.bad + "," + c.good, "after": c.good + "," + c.bad} {
			t.Run(says+", "+order+" the good one", func(t *testing.T) {
				heard := read(t, document(c.event, "["+list+"]"))
				if n := len(heard.Objects); n == 0 || heard.Objects[n-1].Patient() == "" {
					t.Errorf("the good one says %+v", heard.Objects)
				}
				if !reflect.DeepEqual(heard.Fetch, c.fetch) || heard.Gap != c.gap {
					t.Errorf("it asks for %v, and for all: %v", heard.Fetch, heard.Gap)
				}
			})
		}
	}
}

func TestWhatIsNotFoundByItsNumberIsAskedForAgainAndIsNotGone(t *testing.T) {
	b, client, a := start(t)
	for says, body := range map[string]string{"an empty list": `{"error":0,"data":[]}`, "null": `{"error":0,"data":null}`, "false": `{"error":0,"data":false}`} {
		b.Answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		for _, ref := range []intake.Ref{{Kind: "appointment", ID: "17"}, {Kind: "patient", ID: "5"}} {
			if got, err := client.Fetch(t.Context(), clinic(), a, ref, received); dental.KindOf(err) != dental.Unavailable || len(got) > 0 {
				t.Errorf("%s: %v is %+v, %v", says, ref, got, err)
			}
		}
	}
	t.Run("but what is there and marked as deleted is", func(t *testing.T) {
		b.Answer(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"error":0,"data":[%s]}`, with(`"id":17`, `"id":17,"is_deleted":"1"`))
		})
		got, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "appointment", ID: "17"}, received)
		if err != nil || len(got) != 1 || !got[0].Gone {
			t.Errorf("it is %+v, %v", got, err)
		}
	})
}
