package dental_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestAPatientIsNamedToItsOwnClinicByTheIdAndToOthersWithTheClinic(t *testing.T) {
	m := dental.Member{Clinic: "north", Patient: "P-77"}
	for from, want := range map[string]string{"north": "P-77", "south": "north/P-77"} {
		if got := m.Seen(from); got != want || dental.SeenMember(from, got) != m {
			t.Errorf("to %s it is %q, which is %v", from, got, dental.SeenMember(from, got))
		}
	}
}

func TestALeadLivesFor180Days(t *testing.T) {
	at := time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC)
	lead := dental.Lead{Clinic: "demo", Patient: "P-1", At: at}
	if !lead.Live(at) || !lead.Live(at.AddDate(0, 0, 180).Add(-1)) || lead.Live(at.AddDate(0, 0, 180)) {
		t.Error("it lives for another time")
	}
	if (dental.Lead{At: at}).Live(at) {
		t.Error("a lead of nobody lives")
	}
	if !lead.By(dental.Member{Clinic: "demo", Patient: "P-1"}) || lead.By(dental.Member{Clinic: "north", Patient: "P-1"}) {
		t.Error("it is by somebody else")
	}
}

func TestAHouseholdHasAPhoneOrAGuardianInCommon(t *testing.T) {
	anna := dental.Patient{Clinic: "demo", ID: "anna", Phone: "+79160000001", GivenName: "Анна"}
	for name, tt := range map[string]struct {
		other dental.Patient
		kin   bool
	}{
		"herself":                          {anna, true},
		"one with her phone":               {dental.Patient{Clinic: "demo", ID: "P", Phone: "+79160000001"}, true},
		"one with her phone elsewhere":     {dental.Patient{Clinic: "north", ID: "P", Phone: "+79160000001"}, true},
		"her ward":                         {dental.Patient{Clinic: "demo", ID: "P", GuardianID: "anna"}, true},
		"another":                          {dental.Patient{Clinic: "demo", ID: "P", Phone: "+79160000002"}, false},
		"one of her name":                  {dental.Patient{Clinic: "demo", ID: "P", Phone: "+79160000002", GivenName: "Анна"}, false},
		"the same id in another clinic":    {dental.Patient{Clinic: "north", ID: "anna", Phone: "+79160000002"}, false},
		"one of whom there is no phone":    {dental.Patient{Clinic: "demo", ID: "P"}, false},
		"the ward of another's namesake":   {dental.Patient{Clinic: "north", ID: "P", GuardianID: "anna"}, false},
		"nobody that anything is known of": {dental.Patient{}, false},
	} {
		if anna.Kin(tt.other) != tt.kin || tt.other.Kin(anna) != tt.kin {
			t.Errorf("%s: %v", name, !tt.kin)
		}
	}
	brother, sister := dental.Patient{Clinic: "demo", ID: "A", GuardianID: "mother"}, dental.Patient{Clinic: "demo", ID: "B", GuardianID: "mother"}
	if !brother.Kin(sister) {
		t.Error("brother and sister are strangers")
	}
}

func TestABonusLastsAsLongAsTheClinicSaysElseAYear(t *testing.T) {
	day := dental.Date{Year: 2026, Month: 3, Day: 10}
	for days, want := range map[int]dental.Date{0: {Year: 2027, Month: 3, Day: 10}, 90: {Year: 2026, Month: 6, Day: 8}} {
		if got := (&dental.Clinic{BonusDays: days}).BonusUntil(day); got != want {
			t.Errorf("of %d days the last is %v", days, got)
		}
	}
}
