package mistest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// Unread holds an API to a row that cannot be read any more, of an object of
// which something is known: in a list, and where it is read by itself, it is
// refused by its name with what is wrong with it, and what is known stands. tell
// has the system give its one row, whole or not.
func Unread(t *testing.T, clinic *dental.Clinic, account dental.Account, api pull.System, now time.Time, ref intake.Ref, says string, tell func(whole bool)) {
	t.Helper()
	own := *clinic
	own.HeardAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // the clinic has no item here that would be told
	in, st := newIntake(&Office{Clinic: &own, Now: now})
	learn := func(objects []intake.Object, err error) (refused int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		outcomes, err := in.Learn(t.Context(), &own, intake.How{}, now, objects...)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range outcomes {
			switch {
			case o.Err == nil:
				continue
			case objects[i].Kind != ref.Kind || objects[i].ID != ref.ID:
				t.Errorf("%s %q is refused: %v", objects[i].Kind, objects[i].ID, o.Err)
			case dental.KindOf(o.Err) != dental.Invalid || !strings.Contains(o.Err.Error(), says):
				t.Errorf("it is refused as %v, want %q", o.Err, says)
			}
			refused++
		}
		return refused
	}
	round := func() ([]intake.Object, error) {
		objects, _, err := Round(t.Context(), api, clinic, account, "", now)
		return objects, err
	}
	card := func(patient string) dental.Card {
		c, err := st.Begin().Card(t.Context(), own.ID, patient)
		if err != nil {
			t.Fatal(err)
		}
		return *c
	}

	tell(true)
	objects, err := round()
	i := slices.IndexFunc(objects, func(o intake.Object) bool { return o.Kind == ref.Kind && o.ID == ref.ID })
	if i < 0 || learn(objects, err) > 0 {
		t.Fatalf("the whole row brings %+v, %v", objects, err)
	}
	patient := objects[i].Patient()
	before := card(patient)
	if len(before.Appointments) != 1 {
		t.Fatalf("the whole row comes to %+v", before)
	}
	tell(false)
	if learn(round()) == 0 {
		t.Error("of a list it is passed over")
	}
	if learn(api.Fetch(t.Context(), clinic, account, ref, now)) == 0 {
		t.Error("read by itself it is passed over")
	}
	if after := card(patient); !reflect.DeepEqual(after, before) {
		t.Errorf("what was known is\n%+v\nand was\n%+v", after, before)
	}
}
