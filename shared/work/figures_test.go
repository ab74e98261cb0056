package work_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// base brings an existing base of a hundred patients in, as an import does.
func base(s *stagetest.Stage) (patients []string) {
	s.T.Helper()
	for i := range 100 {
		p := fmt.Sprintf("P-%03d", i)
		patients = append(patients, p)
		object := intake.Object{Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &intake.Card{Number: fmt.Sprintf("+791600001%02d", i),
			Patient: dental.Patient{ID: p, GivenName: "Вера", Source: dental.Source{Body: "1"}}}}}}
		if i%7 > 0 { // the rest have never been
			object.Facts = append(object.Facts, intake.Event{Type: intake.VisitCompleted, Visit: &dental.Visit{Clinic: "demo", Patient: p, ID: "V-" + p,
				FinishedAt: s.Now().AddDate(0, 0, -11*i-1), Receipt: rub(int64(1000 + i)), Procedures: []dental.Procedure{{Name: "Гигиена", Kind: dental.Hygiene}}, Source: dental.Source{Body: "1"}}})
		}
		outcomes, err := s.Intake.Learn(s.T.Context(), &s.Clinic, intake.How{Quiet: true}, s.Now(), object)
		if err != nil || outcomes[0].Err != nil || !outcomes[0].News {
			s.T.Fatal(outcomes, err)
		}
	}
	return patients
}

func TestABaseThatWasBroughtInComesToTheFiguresByOneJob(t *testing.T) {
	s := stagetest.New(t, start)
	patients := base(s)
	faulty := tabletest.NewFaulty(s.Table, tabletest.Plan{Seed: 3, Chance: map[tabletest.Fault]float64{
		tabletest.LostBefore: .01, tabletest.LostAfter: .02, tabletest.LostLate: .02, tabletest.Contended: .02}})
	s.Worker.Store = stagetest.Join(s, faulty).Store
	due, any, err := s.Store.NextDue(t.Context())
	if err != nil || any {
		t.Fatalf("a quiet base left something due at %s, %v", due, err)
	}
	tx := s.Store.Begin()
	tx.Put(store.Figures("demo", s.Now(), time.Minute))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	quiet(s)
	agree(s, patients...)
	if sent := s.SentAs("after-visit", "thanks"); len(sent) > 0 {
		t.Errorf("%d messages left about visits of the past", len(sent))
	}
	s.Visit("V-new", "P-003", s.Now().Add(-time.Hour)) // and after it as ever
	quiet(s)
	agree(s, patients...)
}

// walked is a table that remembers whose last visits were asked for.
type walked struct {
	table.Table
	months []string
}

func (w *walked) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if _, month, is := strings.Cut(q.PK, "#last-visit#"); is {
		w.months = append(w.months, month)
	}
	return w.Table.Query(ctx, q)
}

func TestTheFiguresOfABaseGoOnFromTheirPlaceToThoseWhoNeverWere(t *testing.T) {
	s := stagetest.New(t, start)
	w := &walked{Table: s.Table}
	s.Worker.Store = stagetest.Join(s, w).Store
	for _, from := range []struct{ place, cursor, first string }{
		{"", "", "2026-04"}, {"2001-03", "", "2001-03"}, {store.NoVisit, "", store.NoVisit}, {"nowhere", "of another place", "2026-04"},
	} {
		w.months = nil
		j := store.Figures("demo", s.Now(), 0)
		j.Step, j.Cursor = from.place, from.cursor
		tx := s.Store.Begin()
		tx.Put(j)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Worker.Handle(t.Context(), `{"Job": {"Clinic": "demo", "ID": "figures"}}`); err != nil {
			t.Fatal(err)
		}
		latestFirst := slices.IsSortedFunc(w.months[:len(w.months)-1], func(a, b string) int { return strings.Compare(b, a) })
		if w.months[0] != from.first || w.months[len(w.months)-1] != store.NoVisit || !latestFirst || len(slices.Compact(w.months)) != len(w.months) {
			t.Errorf("from %q they come over %v", from.place, w.months)
		}
		j, err := s.Store.Begin().Job(t.Context(), "demo", "figures")
		if err != nil || j.Done.IsZero() {
			t.Errorf("from %q the job is %+v, %v", from.place, j, err)
		}
	}
}
