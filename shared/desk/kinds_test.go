package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// sorting is a clinic at which a visit was named in words that nobody knows.
type sorting struct {
	*stagetest.Stage
	kinds *desk.Kinds
	n     int
}

func newSorting(t testing.TB) *sorting {
	s := stagetest.New(t, time.Date(2026, 5, 22, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600)))
	s.Patient("anna")
	s.Visit("v1", "anna", s.Now().Add(-time.Hour), func(v *dental.Visit) {
		v.Procedures = []dental.Procedure{{Name: "Зуб"}, {Name: "Зуб временный"}, {Code: "12", Name: "Комплекс"}, {Name: "Коронка"}}
	})
	return &sorting{Stage: s, kinds: &desk.Kinds{Store: s.Store}}
}

func (s *sorting) entry() dental.LogEntry {
	s.n++
	return dental.LogEntry{Clinic: s.Clinic.ID, ID: "press-" + string(rune('a'+s.n)), At: s.Now(), By: "Мария", Role: dental.Manager}
}

func (s *sorting) press(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
	s.Tick()
	s.Drain()
}

func (s *sorting) view() desk.KindsView {
	s.T.Helper()
	v, err := s.kinds.View(s.T.Context(), &s.Clinic, 0, locale.Russian)
	if err != nil {
		s.T.Fatal(err)
	}
	return v
}

// rows are what no rule knows, in words.
func rows(v desk.KindsView) string {
	var out []string
	for _, r := range v.Rows {
		out = append(out, r.Name+" "+r.Count)
	}
	return strings.Join(out, ", ")
}

func (s *sorting) rules() string {
	var out []string
	for _, r := range s.view().Rules {
		out = append(out, r.What+": "+r.Kind)
	}
	return strings.Join(out, "; ")
}

func (s *sorting) kindsDone() (out []dental.ProcedureKind) {
	for _, p := range s.Card("anna").Visits[0].Procedures {
		out = append(out, p.Kind)
	}
	return out
}

func TestWhatCouldNotBeSortedIsNamedByOnePress(t *testing.T) {
	s := newSorting(t)
	if v := s.view(); v.Done || v.Running || len(v.Kinds) != 9 {
		t.Errorf("before anything it is %+v", v)
	}
	s.press(s.kinds.Sort(t.Context(), s.entry(), s.Now()))
	v := s.view()
	if !v.Done || v.Running || rows(v) != "12 Комплекс 1, Зуб 1, Зуб временный 1" && rows(v) != "Зуб 1, Зуб временный 1, 12 Комплекс 1" || !strings.Contains(v.Sum, "3") {
		t.Fatalf("after the first sorting it is %q, %q", v.Sum, rows(v))
	}
	for _, row := range v.Rows {
		if row.Name == "Зуб" {
			s.press(s.kinds.Add(t.Context(), desk.KindRule(row.By, row.Of, "surgery"), s.entry(), s.Now()))
		}
		if row.Name == "12 Комплекс" {
			s.press(s.kinds.Add(t.Context(), desk.KindRule(row.By, row.Of, "hygiene"), s.entry(), s.Now()))
		}
	}
	if got := rows(s.view()); got != "Зуб временный 1" {
		t.Errorf("what is left is %q", got)
	}
	if got, want := s.rules(), "Код целиком: 12: Гигиена; Название целиком: «Зуб»: Хирургия"; got != want && got != "Название целиком: «Зуб»: Хирургия; Код целиком: 12: Гигиена" {
		t.Errorf("the rules are %q, want %q", got, want)
	}
	kinds := s.kindsDone()
	if kinds[0] != dental.Surgery || kinds[1] != dental.OtherKind || kinds[2] != dental.Hygiene || kinds[3] != dental.Prosthetics {
		t.Errorf("on the card they are %v", kinds)
	}
}

func TestRulesAreAskedInTheOrderThatStaffGiveThem(t *testing.T) {
	s := newSorting(t)
	wide, narrow := desk.KindRule(desk.ByName, " зуб ", "therapy"), desk.KindRule(desk.ByName, "зуб временный", "surgery")
	s.press(s.kinds.Add(t.Context(), wide, s.entry(), s.Now()))
	s.press(s.kinds.Add(t.Context(), narrow, s.entry(), s.Now()))
	if kinds := s.kindsDone(); kinds[0] != dental.Therapy || kinds[1] != dental.Therapy {
		t.Errorf("at first they are %v", kinds)
	}
	s.press(s.kinds.Raise(t.Context(), narrow, s.entry(), s.Now()))
	if kinds := s.kindsDone(); kinds[0] != dental.Therapy || kinds[1] != dental.Surgery {
		t.Errorf("with the narrow one above they are %v", kinds)
	}
	s.press(s.kinds.Remove(t.Context(), wide, s.entry(), s.Now()))
	if kinds := s.kindsDone(); kinds[0] != dental.OtherKind || kinds[1] != dental.Surgery {
		t.Errorf("without the wide one they are %v", kinds)
	}
	if got := s.rules(); got != "В названии есть «зуб временный»: Хирургия" {
		t.Errorf("the rules are %q", got)
	}
}

func TestAChangeIsOneWriteWithItsEntryAndARepeatIsNone(t *testing.T) {
	s := newSorting(t)
	r := desk.KindRule(desk.ByCode, "A16.07.051", "hygiene")
	s.press(s.kinds.Add(t.Context(), r, s.entry(), s.Now()))
	acts := func() (out []string) {
		list, _, err := s.Store.Log(t.Context(), s.Clinic.ID, "2026-05", 100, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			out = append(out, e.Action+" "+e.Detail)
		}
		return out
	}
	want := "kinds.added A16.07.051 → hygiene"
	if got := acts(); len(got) != 1 || got[0] != want {
		t.Errorf("the log says %q", got)
	}
	s.press(s.kinds.Add(t.Context(), r, s.entry(), s.Now()))
	s.press(s.kinds.Raise(t.Context(), r, s.entry(), s.Now()))
	s.press(s.kinds.Remove(t.Context(), desk.KindRule(desk.ByCode, "B", "hygiene"), s.entry(), s.Now()))
	if got := acts(); len(got) != 1 {
		t.Errorf("what changed nothing was logged: %q", got)
	}
}

func TestARuleThatCannotBeOneIsRefusedInWords(t *testing.T) {
	s := newSorting(t)
	for name, r := range map[string]dental.KindRule{
		"of nothing": desk.KindRule(desk.ByName, "  ", "hygiene"), "of a whole nothing": desk.KindRule(desk.ByCode, "=", "hygiene"),
		"of no kind": desk.KindRule(desk.ByName, "зуб", "magic"), "too long": desk.KindRule(desk.ByName, strings.Repeat("зуб", 100), "hygiene"),
	} {
		err := s.kinds.Add(t.Context(), r, s.entry(), s.Now())
		if dental.KindOf(err) != dental.Invalid || desk.InWords(locale.Russian, err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.view().Rules) != 0 {
		t.Error("one was taken")
	}
}
