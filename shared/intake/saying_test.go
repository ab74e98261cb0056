package intake_test

import (
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// knownCard is a card of a source that knows a name and nothing of a status.
func knownCard(status dental.PatientStatus) intake.Object {
	return intake.Object{Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &intake.Card{Says: intake.Known,
		Patient: dental.Patient{ID: "P-1", GivenName: "Анна", MiddleName: "Павловна", Status: status, Source: of(9, "known")}}}}}
}

func TestASourceThatKnowsNoStatusLeavesWhoIsGoneGone(t *testing.T) {
	for _, status := range []dental.PatientStatus{dental.Archived, dental.Moved, dental.Deceased, dental.Active} {
		t.Run(string(status), func(t *testing.T) {
			s := stagetest.New(t, start)
			learn(s, intake.How{}, intake.Object{Facts: []intake.Event{cardEvent(1, func(c *intake.Card) { c.Status = status })}})
			learn(s, intake.How{}, knownCard(""))
			if p := s.Card("P-1").Patient; p.Status != status || p.MiddleName != "Павловна" {
				t.Errorf("the card of who was %s is %s, with the middle name %q", status, p.Status, p.MiddleName)
			}
		})
	}
	t.Run("but one that knows it is believed", func(t *testing.T) {
		s := stagetest.New(t, start)
		learn(s, intake.How{}, intake.Object{Facts: []intake.Event{cardEvent(1, func(c *intake.Card) { c.Status = dental.Archived })}})
		learn(s, intake.How{}, knownCard(dental.Active))
		if p := s.Card("P-1").Patient; p.Status != dental.Active {
			t.Errorf("the card is %s", p.Status)
		}
	})
	t.Run("and a stranger of no status is a patient", func(t *testing.T) {
		s := stagetest.New(t, start)
		learn(s, intake.How{}, knownCard(""))
		if p := s.Card("P-1").Patient; p.Status != dental.Active || p.Stub {
			t.Errorf("the card is %s", p.Status)
		}
	})
}
