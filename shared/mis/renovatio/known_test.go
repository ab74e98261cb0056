package renovatio_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

func TestWhatTheVendorDoesNotKnowOfAPatientStaysAsItWas(t *testing.T) {
	const card = `{"patient_id":5,"last_name":"Ромашкина","first_name":"Вера","mobile":"+79160000001","is_deleted":"0","date_updated":"09.03.2026","time_updated":"14:35"}`
	t.Run("told by a notice", func(t *testing.T) {
		mistest.Keeps(t, clinic(), received, read(t, document("update_patient", card)).Objects[0])
	})
	t.Run("read from the API", func(t *testing.T) {
		b, client, a := start(t)
		b.Answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"error":0,"data":[%s]}`, card) })
		objects, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "patient", ID: "5"}, received)
		if err != nil {
			t.Fatal(err)
		}
		mistest.Keeps(t, clinic(), received, objects[0])
	})
}
