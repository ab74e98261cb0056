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
			for kind, of := range map[string]func(system, id string) string{"patient": Patient, "chart": Chart} {
				got, named := of(system, id), kind+" of "+system
				if other, taken := seen[got]; taken {
					t.Errorf("%.20q is %q as %s and as %s", id, got, named, other)
				}
				if seen[got] = named; !dental.ValidID(got) || got != of(system, id) {
					t.Errorf("%.20q is %q as %s", id, got, named)
				}
			}
		}
	}
}

func TestAPatientOfNoSystemIsCalledAsTheClinicDoes(t *testing.T) {
	if got := Patient("", "5"); got != "5" {
		t.Errorf("got %q", got)
	}
}
