package work_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
)

// sorts has the clinic's table laid over all that is stored, and gives what was found.
func sorts(s *stagetest.Stage, run string) (dental.Sorting, []dental.Unsorted) {
	s.T.Helper()
	tx := s.Store.Begin()
	if _, err := tx.Job(s.T.Context(), s.Clinic.ID, store.SortID); err != nil {
		s.T.Fatal(err)
	}
	tx.Put(store.Job{Clinic: s.Clinic.ID, ID: store.SortID, Kind: store.SortJob, Anchor: run, Wake: s.Now(), Made: s.Now()})
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
	s.Tick()
	s.Drain()
	return sortedOut(s)
}

func sortedOut(s *stagetest.Stage) (sum dental.Sorting, rows []dental.Unsorted) {
	s.T.Helper()
	read := func(page int, into any) {
		stored, err := s.Store.Begin().Result(s.T.Context(), s.Clinic.ID, store.SortID, page)
		if err != nil || len(stored.Body) == 0 {
			s.T.Fatalf("page %d: %v", page, err)
		}
		if err := json.Unmarshal(stored.Body, into); err != nil {
			s.T.Fatal(err)
		}
	}
	read(store.SortSum, &sum)
	for page := range sum.Pages {
		var some []dental.Unsorted
		read(store.SortRows+page, &some)
		rows = append(rows, some...)
	}
	return sum, rows
}

// done is a visit of which the source names what was done, and not its kind.
func done(names ...string) func(*dental.Visit) {
	return func(v *dental.Visit) {
		v.Procedures = nil
		for _, name := range names {
			v.Procedures = append(v.Procedures, dental.Procedure{Name: name})
		}
	}
}

func rules(s *stagetest.Stage, of ...dental.KindRule) {
	s.T.Helper()
	s.Settings(func(c *dental.Clinic) { c.Kinds = of })
}

func TestANewRuleReachesWhatIsStored(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("anna")
	s.Visit("v1", "anna", s.Now().Add(-time.Hour), done("Комплекс «Лёгкий»"), func(v *dental.Visit) { v.NextStep = dental.ServiceType{Name: "Комплекс «Лёгкий»"} })
	s.Appointment(intake.AppointmentBooked, "a1", "anna", s.Now().AddDate(0, 3, 0), func(a *dental.Appointment) {
		a.Services = []dental.ServiceType{{Name: "комплекс «лёгкий»"}}
	})
	s.Tell(intake.Event{Type: intake.PlanUpdated, Plan: &dental.Plan{Clinic: s.Clinic.ID, Patient: "anna", ID: "l1", PresentedAt: s.Now(),
		Stages: []dental.Stage{{ID: "1", Name: "Комплекс «Лёгкий»", Status: dental.StagePlanned}}}})
	if kind := s.Card("anna").Visits[0].Procedures[0].Kind; kind != dental.OtherKind {
		t.Fatalf("it was %s before", kind)
	}
	rules(s, dental.KindRule{Name: "комплекс «лёгкий»", Kind: dental.Implant})
	sum, _ := sorts(s, "run-1")
	if !sum.Done || sum.Looked != 1 || sum.Patients != 1 || sum.Unknown != 0 {
		t.Errorf("it ended as %+v", sum)
	}
	card := s.Card("anna")
	for what, kind := range map[string]dental.ProcedureKind{"the procedure": card.Visits[0].Procedures[0].Kind, "the next step": card.Visits[0].NextStep.Kind,
		"the service": card.Appointments[0].Services[0].Kind, "the stage": card.Plans[0].Stages[0].Kind} {
		if kind != dental.Implant {
			t.Errorf("%s is %s", what, kind)
		}
	}
	implanted := false
	for _, m := range card.Milestones {
		implanted = implanted || m.Kind == dental.LastImplant && m.Date == s.Clinic.Today(s.Now())
	}
	if !implanted {
		t.Errorf("no milestone knows of the implant: %+v", card.Milestones)
	}
	changes := card.Patient.Changes
	if sorts(s, "run-2"); s.Card("anna").Patient.Changes != changes {
		t.Error("a second sorting by the same table wrote again")
	}
}

func TestWhatAVisitSaysItselfIsSortedWhileItsPiecesStandInItsPlace(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("anna")
	s.Visit("v1", "anna", s.Now().Add(-time.Hour), done("Чудо-процедура"))
	piece := intake.Object{System: "vendor", Kind: "procedure", ID: "1", Version: 1, Body: "told", Facts: []intake.Event{{Piece: &dental.Piece{Clinic: s.Clinic.ID,
		Patient: "anna", Visit: "v1", ID: "p1", Procedure: dental.Procedure{Name: "Комплекс"}}}}}
	learn := func() {
		t.Helper()
		if out, err := s.Intake.Learn(t.Context(), &s.Clinic, intake.How{}, s.Now(), piece); err != nil || out[0].Err != nil {
			t.Fatal(out, err)
		}
	}
	learn()
	rules(s, dental.KindRule{Name: "комплекс", Kind: dental.Hygiene}, dental.KindRule{Name: "чудо", Kind: dental.Therapy})
	sorts(s, "run-1")
	if p := s.Card("anna").Visits[0].Procedures; len(p) != 1 || p[0].Kind != dental.Hygiene {
		t.Errorf("with its piece it is %+v", p)
	}
	piece.Version, piece.Body, piece.Gone, piece.Facts = 2, "gone", true, nil
	learn()
	if p := s.Card("anna").Visits[0].Procedures; len(p) != 1 || p[0].Kind != dental.Therapy {
		t.Errorf("without it it is %+v", p)
	}
}

func TestWhatTheSourceHasSortedIsLeftAsItIs(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("anna")
	s.Visit("v1", "anna", s.Now().Add(-time.Hour), func(v *dental.Visit) {
		v.Procedures = []dental.Procedure{{Name: "Коронка", Kind: dental.Therapy}, {Name: "Нечто", Kind: dental.OtherKind}}
	})
	rules(s, dental.KindRule{Name: "коронка", Kind: dental.Prosthetics}, dental.KindRule{Name: "нечто", Kind: dental.Hygiene})
	if sum, _ := sorts(s, "run-1"); sum.Unknown != 0 {
		t.Errorf("it ended as %+v", sum)
	}
	if p := s.Card("anna").Visits[0].Procedures; p[0].Kind != dental.Therapy || p[1].Kind != dental.OtherKind {
		t.Errorf("they are %+v", p)
	}
}

func TestWhatNoRuleKnowsIsListedTheMostFrequentFirst(t *testing.T) {
	s := stagetest.New(t, start)
	for i := range 130 {
		id := fmt.Sprintf("p%03d", i)
		s.Patient(id)
		names := []string{"Чудо-процедура", "Коронка"}
		if i%2 == 0 {
			names = append(names, "чудо-процедура", fmt.Sprintf("Редкость %d", i))
		}
		s.Visit("v"+id, id, s.Now().Add(-time.Hour).AddDate(0, -i%5, 0), done(names...))
	}
	sum, rows := sorts(s, "run-1")
	if sum.Looked != 130 || sum.Unknown != 130+65+65 || sum.Names != 66 || len(rows) != 66 || sum.Pages != 2 {
		t.Errorf("it ended as %+v with %d rows", sum, len(rows))
	}
	if rows[0].N != 195 {
		t.Errorf("the first is %+v", rows[0])
	}
	rules(s, dental.KindRule{Name: "чудо", Kind: dental.Therapy}, dental.KindRule{Name: "редкость", Kind: dental.Surgery})
	if sum, rows = sorts(s, "run-2"); sum.Unknown != 0 || len(rows) != 0 || sum.Pages != 0 || sum.Run != "run-2" {
		t.Errorf("with rules for all it ended as %+v", sum)
	}
}

func TestACardOfManyVisitsIsSortedInSeveralWrites(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("anna")
	for i := range 40 {
		s.Visit(fmt.Sprintf("v%d", i), "anna", s.Now().AddDate(0, 0, -i), done("Комплекс"))
	}
	rules(s, dental.KindRule{Name: "комплекс", Kind: dental.Hygiene})
	sorts(s, "run-1")
	for _, v := range s.Card("anna").Visits {
		if v.Procedures[0].Kind != dental.Hygiene {
			t.Fatalf("%s is %s", v.ID, v.Procedures[0].Kind)
		}
	}
}
