package intake_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

func born(number, date, given string, change ...func(*intake.Card)) func(*intake.Card) {
	return func(c *intake.Card) {
		c.Number, c.Mail, c.GivenName, c.BirthDate = number, "", given, dental.Date{}
		if date != "" {
			c.BirthDate, _ = dental.ParseDate(date)
		}
		for _, f := range change {
			f(c)
		}
	}
}

func twins(s *stagetest.Stage) (out []string) {
	s.T.Helper()
	list, _, err := s.Store.TwinsOf(s.T.Context(), "demo", table.MaxLimit, "")
	if err != nil {
		s.T.Fatal(err)
	}
	for _, t := range list {
		out = append(out, t.A+"="+t.B)
	}
	return out
}

func TestTwoCardsOfOnePhoneAndBirthDateAreProposedAsOnePerson(t *testing.T) {
	const phone, other, date = "+79160000001", "+79160000002", "1985-03-14"
	female := func(c *intake.Card) { c.Sex = "female" }
	male := func(c *intake.Card) { c.Sex = "male" }
	family := func(c *intake.Card) { c.FamilyName = "Новая" }
	gone := func(c *intake.Card) { c.Status = dental.Archived }
	for name, c := range map[string]struct {
		first, second func(*intake.Card)
		want          bool
	}{
		"the same given name":                   {born(phone, date, "Анна"), born(phone, date, "Анна"), true},
		"in other letters":                      {born(phone, date, "АЛЁНА"), born(phone, date, "Алена"), true},
		"an initial":                            {born(phone, date, "А."), born(phone, date, "Анна"), true},
		"a name that is not known":              {born(phone, date, ""), born(phone, date, "Анна"), true},
		"a new family name":                     {born(phone, date, "Анна"), born(phone, date, "Анна", family), true},
		"twins by birth":                        {born(phone, date, "Анна"), born(phone, date, "Алина"), false},
		"the beginning of a name is no initial": {born(phone, date, "Ал"), born(phone, date, "Алина"), false},
		"another's initial":                     {born(phone, date, "О."), born(phone, date, "Алина"), false},
		"brother and sister, Саша and Саша":     {born(phone, date, "Саша", female), born(phone, date, "Саша", male), false},
		"another day":                           {born(phone, date, "Анна"), born(phone, "1985-03-15", "Анна"), false},
		"another phone":                         {born(phone, date, "Анна"), born(other, date, "Анна"), false},
		"no birth date":                         {born(phone, "", "Анна"), born(phone, "", "Анна"), false},
		"no phone":                              {born("", date, "Анна"), born("", date, "Анна"), false},
		"one in the archive":                    {born(phone, date, "Анна", gone), born(phone, date, "Анна"), false},
	} {
		s, _ := stage(t)
		s.Patient("P-B", c.first)
		s.Patient("P-A", c.second)
		got := strings.Join(twins(s), " ")
		if want := map[bool]string{true: "P-A=P-B"}[c.want]; got != want {
			t.Errorf("%s: proposed %q, want %q", name, got, want)
		}
	}
}

func TestABirthDateThatIsToldLaterProposesToo(t *testing.T) {
	s, _ := stage(t)
	s.Patient("P-1", born("+79160000001", "1985-03-14", "Анна"))
	s.Patient("P-2", born("+79160000001", "", "Анна"))
	if got := twins(s); len(got) != 0 {
		t.Errorf("without a birth date: %v", got)
	}
	s.Patient("P-2", born("+79160000001", "1985-03-14", "Анна"))
	if got := twins(s); len(got) != 1 {
		t.Errorf("once the date is known: %v", got)
	}
}

func TestAVerdictOfStaffStandsWhateverIsToldAgain(t *testing.T) {
	s, _ := stage(t)
	for _, id := range []string{"P-1", "P-2"} {
		s.Patient(id, born("+79160000001", "1985-03-14", "Анна"))
	}
	tx := s.Store.Begin()
	list, err := tx.Twins(t.Context(), dental.Twin{Clinic: "demo", A: "P-1", B: "P-2"})
	if err != nil || list[0].Found.IsZero() {
		t.Fatal(list, err)
	}
	list[0].Verdict = "different"
	s.Set(s.Now().Add(time.Hour))
	tx.Put(list[0])
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Patient("P-2", born("+79160000009", "1985-03-14", "Анна"))
	s.Patient("P-2", born("+79160000001", "1985-03-14", "Анна"))
	again, _, err := s.Store.TwinsOf(t.Context(), "demo", table.MaxLimit, "")
	if err != nil || len(again) != 1 || again[0].Verdict != "different" || !again[0].Found.Equal(list[0].Found) {
		t.Errorf("%+v %v", again, err)
	}
}

func TestACrowdedNumberIsLookedIntoOnlySoFar(t *testing.T) {
	s, _ := stage(t)
	for _, id := range []string{"P-1", "P-2", "P-3", "P-4", "P-5", "P-6"} {
		s.Patient(id, born("+79160000001", "1985-03-14", "Анна"))
	}
	if n := len(twins(s)); n != 1+2+3+3+3 {
		t.Errorf("six cards of one number and date make %d pairs", n)
	}
}

// gets counts what is read item by item.
type gets struct {
	table.Table
	mu   sync.Mutex
	keys []table.Key
}

func (g *gets) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	g.mu.Lock()
	g.keys = append(g.keys, keys...)
	g.mu.Unlock()
	return g.Table.Get(ctx, keys...)
}

func TestNothingMoreIsReadWhereNobodyElseHasTheNumber(t *testing.T) {
	first, _ := stage(t)
	g := &gets{Table: first.Table}
	s := stagetest.Join(first, g)
	s.Patient("P-1", born("+79160000001", "1985-03-14", "Анна"))
	s.Patient("P-2", born("+79160000002", "1985-03-14", "Анна"))
	for _, key := range g.keys {
		if key.SK == "0" || strings.HasPrefix(key.SK, "TWIN") {
			t.Errorf("%s was read", key)
		}
	}
	if len(g.keys) == 0 {
		t.Error("nothing was read at all")
	}
}
