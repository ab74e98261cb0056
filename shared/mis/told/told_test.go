package told

import (
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestPatientsOfTwoSystemsAreNeverOneCard(t *testing.T) {
	for _, id := range []string{"5", "a-1", "ё", "h:5", strings.Repeat("9", 62), strings.Repeat("9", 200), "5 5"} {
		seen := map[string]string{}
		for _, system := range append(dental.Systems(), "") {
			got := Patient(system, id)
			if other, taken := seen[got]; taken {
				t.Errorf("%.20q is %q of %q and of %q", id, got, system, other)
			}
			if seen[got] = system; !dental.ValidID(got) || got != Patient(system, id) {
				t.Errorf("%.20q of %q is %q", id, system, got)
			}
		}
	}
}

func TestAPatientOfNoSystemIsCalledAsTheClinicDoes(t *testing.T) {
	if got := Patient("", "5"); got != "5" {
		t.Errorf("got %q", got)
	}
}
