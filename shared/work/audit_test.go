package work_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/audit"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
	"github.com/returnpoint/returnpoint/shared/work"
)

// auditing is a stage with a base that is audited.
type auditing struct{ *rehearsing }

func auditOn(t testing.TB) *auditing {
	return &auditing{rehearseOn(t, time.Date(2026, 9, 15, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600)))}
}

// base makes patients of all kinds and returns their ids.
func (a *auditing) base(n int) (ids []string) {
	a.T.Helper()
	for i := range n {
		id := fmt.Sprintf("P-%03d", i)
		ids = append(ids, id)
		if i%7 == 6 { // a card alone
			a.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916000%04d", i) })
			continue
		}
		a.seen(id, []int{1, 5, 6, 7, 12, 15, 18, 30}[i%8], i%3-1, paying(int64(1000+100*(i%9))))
	}
	return ids
}

// reads counts how often a patient's card is read.
type reads struct {
	table.Table
	mu    sync.Mutex
	cards int
}

func (r *reads) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if strings.HasPrefix(q.PK, "P#") {
		r.mu.Lock()
		r.cards++
		r.mu.Unlock()
	}
	return r.Table.Query(ctx, q)
}

func (a *auditing) ask(run string) {
	a.T.Helper()
	tx := a.Store.Begin()
	if _, err := tx.Job(a.T.Context(), "demo", store.AuditID); err != nil {
		a.T.Fatal(err)
	}
	tx.Put(store.Job{Clinic: "demo", ID: store.AuditID, Kind: store.AuditJob, Anchor: run, Day: a.Clinic.Today(a.Now()), Wake: a.Now(), Made: a.Now()})
	if err := tx.Commit(a.T.Context()); err != nil {
		a.T.Fatal(err)
	}
}

func auditBody() string {
	body, _ := json.Marshal(map[string]any{"Job": map[string]string{"Clinic": "demo", "ID": store.AuditID}})
	return string(body)
}

func (a *auditing) work(w *work.Worker) {
	a.T.Helper()
	for range 50 {
		if err := w.Handle(a.T.Context(), auditBody()); err != nil {
			a.T.Fatal(err)
		}
		job, err := a.Store.Begin().Job(a.T.Context(), "demo", store.AuditID)
		if err != nil {
			a.T.Fatal(err)
		}
		if !job.Done.IsZero() {
			return
		}
	}
	a.T.Fatal("the audit comes to no end")
}

func (a *auditing) found() audit.Audit {
	a.T.Helper()
	stored, err := a.Store.Begin().Result(a.T.Context(), "demo", store.AuditID, store.AuditFound)
	if err != nil {
		a.T.Fatal(err)
	}
	var out audit.Audit
	if len(stored.Body) > 0 {
		if err := json.Unmarshal(stored.Body, &out); err != nil {
			a.T.Fatal(err)
		}
	}
	return out
}

// counted is the base by hand: each card once.
func (a *auditing) counted(ids []string) (p audit.Part) {
	for _, id := range ids {
		card := a.Card(id)
		var guardian dental.Patient
		if card.Patient.GuardianID != "" {
			guardian = a.Card(card.Patient.GuardianID).Patient
		}
		contacts, err := a.Store.Begin().Contacts(a.T.Context(), &a.Clinic, string(card.Patient.Phone), string(card.Patient.Email), string(guardian.Phone), string(guardian.Email))
		if err != nil {
			a.T.Fatal(err)
		}
		p.Plus(audit.Of(&a.Clinic, card, guardian, contacts, a.Clinic.Today(a.Now())))
	}
	return p
}

func sameParts(a, b audit.Part) bool {
	return maps.Equal(a.Sums, b.Sums) && maps.EqualFunc(a.Receipts, b.Receipts, func(x, y audit.Receipts) bool { return maps.Equal(x, y) })
}

func TestAnAuditCountsEachPatientOnceAndTheSecondOneIsTheSame(t *testing.T) {
	a := auditOn(t)
	ids := a.base(30)
	for i := range 210 { // more of one month than one step has room for
		id := fmt.Sprintf("N-%03d", i)
		a.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916001%04d", i) })
		ids = append(ids, id)
	}
	a.ask("first")
	a.work(a.Worker)
	first := a.found()
	if want := a.counted(ids); !sameParts(first.Part, want) {
		t.Errorf("the audit is\n%v\nand the cards one by one come to\n%v", first.Sums, want.Sums)
	}
	if !first.Done || first.Patients != 240 || first.Looked != 240 || first.On.String() != "2026-09-15" || first.Run != "first" {
		t.Errorf("%+v", first)
	}
	a.ask("second")
	if got := a.found(); got.Run != "first" {
		t.Errorf("while it is counted anew, the earlier audit is %q", got.Run)
	}
	a.work(a.Worker)
	if second := a.found(); second.Run != "second" || !sameParts(second.Part, first.Part) {
		t.Errorf("the second audit differs:\n%v\n%v", second.Sums, first.Sums)
	}
}

func TestAnAuditReadsEachCardOnceAndWritesNothingOfAPatient(t *testing.T) {
	a := auditOn(t)
	a.base(40)
	a.table.written()
	r := &reads{Table: a.table.Table}
	a.table.Table = r
	a.ask("run")
	a.work(a.Worker)
	for _, key := range a.table.written() {
		if !strings.HasPrefix(key.PK, "J#demo#") {
			t.Errorf("it has written %s", key)
		}
	}
	if r.cards != 40 {
		t.Errorf("40 cards were read %d times", r.cards)
	}
}

func TestAChildIsReachedByWayOfItsGuardian(t *testing.T) {
	a := auditOn(t)
	for i := range 210 { // more than one read has room for
		mother, child := fmt.Sprintf("M-%03d", i), fmt.Sprintf("C-%03d", i)
		a.Patient(mother, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916001%04d", i) })
		a.Patient(child, func(c *intake.Card) {
			c.BirthDate, c.GuardianID = dental.Date{Year: 2016, Month: 4, Day: 1}, mother
			c.Number, c.Mail = "", ""
		})
	}
	a.ask("run")
	a.work(a.Worker)
	if s := a.found().Sums; s["reach/both"] != 420 || s["phone/none"] != 210 || s["mail/none"] != 210 || s["minors"] != 210 || s["minors/alone"] != 0 {
		t.Errorf("%v", s)
	}
}

func TestANumberThatStandsInTooManyCardsReachesNobodyInAnAudit(t *testing.T) {
	a := auditOn(t)
	for i := range 15 { // the reception's own number, typed into each card
		a.Patient(fmt.Sprintf("P-%03d", i), func(c *intake.Card) {
			c.Number, c.Mail = "+79160000001", fmt.Sprintf("p%d@example.com", i)
		})
	}
	a.Patient("Q", func(c *intake.Card) { c.Number = "+79160000002" })
	a.ask("run")
	a.work(a.Worker)
	if s := a.found().Sums; s["phone/shared"] != 15 || s["phone/mobile"] != 1 || s["reach/email"] != 15 || s["reach/both"] != 1 {
		t.Errorf("%v", s)
	}
}

func TestAnErasedPatientLeavesNoTraceInAnAudit(t *testing.T) {
	a := auditOn(t)
	ids := a.base(30)
	a.ask("before")
	a.work(a.Worker)
	a.Tell(intake.Event{Type: intake.PatientDeleted, At: a.Now(), Gone: &intake.Deletion{ID: ids[3], Version: 9}})
	a.ask("at once") // the rest of the erasure is still to come
	a.work(a.Worker)
	if got, want := a.found(), a.counted(ids); !sameParts(got.Part, want) || got.Sums["cards"] != 29 {
		t.Errorf("%v", got.Sums)
	}
	a.To(a.Now().Add(2 * time.Hour))
	a.ask("later")
	a.work(a.Worker)
	if got := a.found(); got.Sums["cards"] != 29 || got.Patients != 29 {
		t.Errorf("%d of %d", got.Sums["cards"], got.Patients)
	}
	results, err := a.Store.Results(t.Context(), "demo", store.AuditID)
	if err != nil || len(results) != 2 {
		t.Fatal(len(results), err)
	}
	for _, page := range results {
		for _, id := range ids {
			if strings.Contains(string(page.Body), id) {
				t.Errorf("page %d names %s: %s", page.N, id, page.Body)
			}
		}
	}
}

func TestAnAuditOfAnEmptyBaseIsOneOfNothing(t *testing.T) {
	a := auditOn(t)
	a.ask("run")
	a.work(a.Worker)
	if got := a.found(); !got.Done || got.Patients != 0 || len(got.Sums) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAnAuditIsCountedRightWhateverFailsOnTheWay(t *testing.T) {
	happened := map[tabletest.Fault]int{}
	for seed := range uint64(4) {
		a := auditOn(t)
		ids := a.base(60)
		faulty := tabletest.NewFaulty(a.table.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{tabletest.LostBefore: 0.2, tabletest.LostAfter: 0.2,
			tabletest.LostLate: 0.2, tabletest.Contended: 0.2, tabletest.FailedRead: 0.002}})
		broken := stagetest.Join(a.Stage, faulty)
		a.ask("run")
		var wait sync.WaitGroup
		for range 2 { // the queue delivers it twice
			wait.Go(func() {
				for range 400 {
					err := broken.Worker.Handle(t.Context(), auditBody())
					job, failed := a.Store.Begin().Job(t.Context(), "demo", store.AuditID)
					if failed == nil && !job.Done.IsZero() {
						return
					}
					if err != nil && dental.KindOf(err) != dental.Unavailable {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		if got, want := a.found(), a.counted(ids); !got.Done || !sameParts(got.Part, want) || got.Looked != 60 {
			t.Errorf("seed %d: %d of %d looked at:\n%v\nwant\n%v", seed, got.Looked, got.Patients, got.Sums, want.Sums)
		}
		happened[tabletest.LostAfter] += faulty.Happened()[tabletest.LostAfter]
		happened[tabletest.FailedRead] += faulty.Happened()[tabletest.FailedRead]
	}
	if happened[tabletest.LostAfter] == 0 || happened[tabletest.FailedRead] == 0 {
		t.Errorf("too little went wrong to show anything: %v", happened)
	}
}

func TestAnErasedPatientIsNobodysTwin(t *testing.T) {
	a := auditOn(t)
	born := func(c *intake.Card) {
		c.Number, c.BirthDate = "+79160000001", dental.Date{Year: 1985, Month: 3, Day: 14}
	}
	for _, id := range []string{"P-1", "P-2", "P-3"} {
		a.Patient(id, born)
	}
	twins := func() int {
		list, _, err := a.Store.TwinsOf(t.Context(), "demo", table.MaxLimit, "")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if n := twins(); n != 3 {
		t.Fatalf("three cards of one person make %d pairs", n)
	}
	a.Tell(intake.Event{Type: intake.PatientDeleted, At: a.Now(), Gone: &intake.Deletion{ID: "P-2", Version: 9}})
	a.To(a.Now().Add(2 * time.Hour))
	if n := twins(); n != 1 {
		t.Errorf("%d pairs are left", n)
	}
}
