package mistest

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Ends holds what an adapter makes of a deletion to its end: the appointment that
// it told of before stands no more.
func Ends(t *testing.T, clinic *dental.Clinic, now time.Time, booked intake.Object, deleted []intake.Object) {
	t.Helper()
	own := *clinic
	own.HeardAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // the clinic has no item here that would be told
	in, st := newIntake(&Office{Clinic: &own, Now: now})
	for _, objects := range [][]intake.Object{{booked}, deleted} {
		outcomes, err := in.Learn(t.Context(), &own, intake.How{}, now, objects...)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range outcomes {
			if o.Err != nil || !o.News {
				t.Errorf("%+v comes to %+v", objects[i], o)
			}
		}
	}
	card, err := st.Begin().Card(t.Context(), own.ID, booked.Patient())
	if err != nil {
		t.Fatal(err)
	}
	if len(card.Appointments) != 1 || card.Appointments[0].Standing() {
		t.Errorf("the appointments are %+v", card.Appointments)
	}
}
