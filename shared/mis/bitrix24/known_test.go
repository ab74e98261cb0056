package bitrix24_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

func TestWhatAPortalDoesNotKnowOfAPatientStaysAsItWas(t *testing.T) {
	o := open(t)
	o.set(func() { o.contacts["7"] = person("7") })
	now := time.Date(2026, 5, 26, 12, 0, 0, 0, time.UTC)
	objects, err := o.client(t).Fetch(t.Context(), clinic(), account(o.host()), intake.Ref{Kind: "contact", ID: "7"}, now)
	if err != nil {
		t.Fatal(err)
	}
	mistest.Keeps(t, clinic(), now, objects[0])
}
