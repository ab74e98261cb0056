package mistest

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Keeps holds a card, as the adapter of a system that knows neither statuses nor
// guardians nor languages makes it, to what it leaves open: where another source
// has told these of the patient, they stand, and what the card does say is news.
func Keeps(t *testing.T, clinic *dental.Clinic, now time.Time, card intake.Object) {
	own := *clinic
	own.HeardAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // the clinic has no item here that would be told
	clinic = &own
	for _, status := range []dental.PatientStatus{dental.Deceased, dental.Archived} {
		t.Run("a card brings nobody back who is "+string(status), func(t *testing.T) {
			in, st := newIntake(&Office{Clinic: clinic, Now: now})
			other := intake.Card{Says: intake.Known, Patient: dental.Patient{Clinic: clinic.ID, ID: card.Patient(), GivenName: "Олег",
				Status: status, GuardianID: "P-9", Language: "en"}}
			before := intake.Object{Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &other}}}
			outcomes, err := in.Learn(t.Context(), clinic, intake.How{}, now, before, card)
			if err != nil || outcomes[0].Err != nil || outcomes[1].Err != nil || !outcomes[1].News {
				t.Fatalf("got %+v, %v", outcomes, err)
			}
			known, err := st.Begin().Card(t.Context(), clinic.ID, card.Patient())
			if err != nil {
				t.Fatal(err)
			}
			p := known.Patient
			if p.Status != status || p.GuardianID != "P-9" || p.Language != "en" {
				t.Errorf("the patient is %s, of the guardian %q, and speaks %q", p.Status, p.GuardianID, p.Language)
			}
			if p.GivenName != card.Facts[0].Card.GivenName {
				t.Errorf("the name is %q still", p.GivenName)
			}
		})
	}
}
