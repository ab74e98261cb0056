package work_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// lagging is a table whose index of held touches, once it is told to, shows a
// batch as it was then, and whose items under a key cannot be read.
type lagging struct {
	table.Table
	shown   map[string]table.Page
	lags    int // how many more queries are answered by what was shown
	spoiled string
}

func (l *lagging) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if l.spoiled != "" && q.Index == table.Main && strings.HasSuffix(q.PK, l.spoiled) {
		return table.Page{}, errors.New("out of order")
	}
	if q.Index != table.GSI1 || !strings.HasPrefix(q.PK, "HELD#") {
		return l.Table.Query(ctx, q)
	}
	page, seen := l.shown[q.Cursor]
	if seen && l.lags > 0 {
		l.lags--
		return page, nil
	}
	page, err := l.Table.Query(ctx, q)
	if l.shown == nil {
		l.shown = map[string]table.Page{}
	}
	l.shown[q.Cursor] = page
	return page, err
}

// held sets a stage on which the offers to some patients wait for a person since
// the morning of 19 May 2026, and another over the same table that may lag behind.
func held(t *testing.T, patients int) (facts, s *stagetest.Stage, l *lagging, day dental.Date) {
	t.Helper()
	first := stagetest.New(t, start.AddDate(0, 2, 8), func(c *dental.Clinic) {
		for name := range c.Scenarios {
			c.Scenarios[name] = dental.ScenarioSettings{On: name == "sleeping-6", Release: dental.ReleaseStaff}
		}
	})
	for i := range patients {
		id := fmt.Sprintf("P%03d", i)
		first.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprintf("+7916000%04d", i), "" })
		first.Visit("V"+id, id, first.Local("2025-11-19 12:00"))
	}
	first.ToLocal("2026-05-19 12:00")
	l = &lagging{Table: first.Table}
	s = stagetest.Join(first, l)
	s.Set(first.Now())
	return first, s, l, dental.Date{Year: 2026, Month: 5, Day: 19}
}

// job puts a job and does it once.
func job(s *stagetest.Stage, kind string, day dental.Date) error {
	s.T.Helper()
	tx := s.Store.Begin()
	tx.Put(store.Job{Clinic: "demo", ID: "the-job", Kind: kind, Scenario: "sleeping-6", Day: day, Wake: s.Now(), Made: s.Now()})
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
	return s.Worker.Handle(s.T.Context(), `{"Job": {"Clinic": "demo", "ID": "the-job"}}`)
}

func states(s *stagetest.Stage, patients int) map[dental.TouchState]int {
	out := map[dental.TouchState]int{}
	for i := range patients {
		out[s.Touch(fmt.Sprintf("P%03d", i), "sleeping-6", "offer").State]++
	}
	return out
}

func TestABatchIsReleasedWhollyHoweverFarTheIndexIsBehind(t *testing.T) {
	const patients = 120
	for _, lags := range []int{0, 1, 2, 5} {
		_, s, l, day := held(t, patients)
		// The pages of the batch as they are now are shown some more times.
		for cursor := ""; ; {
			_, next, err := s.Store.Held(t.Context(), "demo", day, "sleeping-6", 50, cursor)
			if err != nil {
				t.Fatal(err)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		l.lags = lags
		if err := job(s, store.ReleaseJob, day); err != nil {
			t.Fatal(err)
		}
		if got := states(s, patients); got[dental.Planned] != patients {
			t.Errorf("while the index lagged %d times the batch became %v", lags, got)
		}
	}
}

func TestATouchThatHasChangedSinceTheIndexShowedItIsReleasedAsItStands(t *testing.T) {
	facts, s, l, day := held(t, 3)
	if _, _, err := s.Store.Held(t.Context(), "demo", day, "sleeping-6", 50, ""); err != nil {
		t.Fatal(err)
	}
	l.lags = 1
	facts.Visit("VP000", "P000", s.Local("2025-11-19 10:00"), func(v *dental.Visit) { v.Receipt.Minor = 1 }) // a correction, which moves nothing
	facts.Appointment(intake.AppointmentBooked, "A", "P001", s.Local("2026-06-19 12:00"))
	tx := s.Store.Begin()
	card, err := tx.Card(t.Context(), "demo", "P002")
	if err != nil {
		t.Fatal(err)
	}
	touch := card.Touches[0]
	touch.Priority = 3 // some other attribute
	tx.Put(touch)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := job(s, store.ReleaseJob, day); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]dental.TouchState{"P000": dental.Planned, "P001": dental.TouchCancelled, "P002": dental.Planned} {
		if got := s.Touch(id, "sleeping-6", "offer").State; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	if got := s.Touch("P002", "sleeping-6", "offer").Priority; got != 3 {
		t.Errorf("what had changed is lost: %d", got)
	}
}

func TestOneTouchThatFailsStopsNoOtherOfItsBatch(t *testing.T) {
	_, s, l, day := held(t, 60)
	if _, _, err := s.Store.Held(t.Context(), "demo", day, "sleeping-6", 50, ""); err != nil {
		t.Fatal(err)
	}
	// The index is behind about one whose card cannot be read just now.
	tx := s.Store.Begin()
	card, err := tx.Card(t.Context(), "demo", "P007")
	if err != nil {
		t.Fatal(err)
	}
	touch := card.Touches[0]
	touch.Priority = 3
	tx.Put(touch)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.lags, l.spoiled = 1_000, "P007"
	if err := job(s, store.ReleaseJob, day); err == nil || !strings.Contains(err.Error(), "P007") {
		t.Errorf("the job says %v", err)
	}
	l.spoiled, l.lags = "", 0
	if got := states(s, 60); got[dental.Planned] != 59 || got[dental.Held] != 1 {
		t.Errorf("the batch became %v", got)
	}
	if err := s.Worker.Handle(t.Context(), `{"Job": {"Clinic": "demo", "ID": "the-job"}}`); err != nil { // it comes back
		t.Fatal(err)
	}
	if got := states(s, 60); got[dental.Planned] != 60 {
		t.Errorf("in the end the batch became %v", got)
	}
}

func TestATaskThatIsTakenStaysTakenWhenItsBatchGrows(t *testing.T) {
	s, _, _, day := held(t, 1)
	read := func() (dental.Task, *store.Tx) {
		tx := s.Store.Begin()
		k, err := tx.Task(t.Context(), "demo", dental.ReleaseTask, dental.BatchAnchor("sleeping-6", day))
		if err != nil {
			t.Fatal(err)
		}
		return k, tx
	}
	k, tx := read()
	k.TakenAt = s.Now()
	tx.Put(k)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Patient("Q", func(c *intake.Card) { c.Number, c.Mail = "+79160009999", "" })
	s.Visit("VQ", "Q", s.Local("2025-11-19 12:00"))
	s.To(s.Now().Add(time.Minute))
	if k, _ = read(); !k.TakenAt.Equal(s.Now().Add(-time.Minute)) || !strings.Contains(k.Reason, "2 сообщения") || k.State(s.Now()) != "taken" {
		t.Errorf("the task is %+v", k)
	}
}

func TestAPatientWhoFailsStopsNoBacklogAndComesBackByAJob(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) {
		for name := range c.Scenarios {
			c.Scenarios[name] = dental.ScenarioSettings{Release: dental.ReleaseAuto}
		}
	})
	for i := range 6 { // half a year since on 1 and 2 March
		id := fmt.Sprintf("P%03d", i)
		s.Patient(id, func(c *intake.Card) { c.Number, c.Mail = fmt.Sprintf("+7916000%04d", i), "" })
		s.Visit("V"+id, id, s.Local(fmt.Sprintf("2025-09-0%d 12:00", 1+i%2)))
	}
	s.Settings(func(c *dental.Clinic) {
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, BacklogPerDay: 10, Since: c.Today(s.Now())}
	})
	l := &lagging{Table: s.Table, spoiled: "P002"}
	broken := stagetest.Join(s, l)
	broken.Set(s.Now())
	if err := job(broken, store.BacklogJob, s.Clinic.Today(s.Now())); err != nil {
		t.Fatal(err)
	}
	backlog := func() (n int) {
		page, _, err := s.Store.Backlog(t.Context(), "demo", "sleeping-6", 100, "")
		if err != nil {
			t.Fatal(err)
		}
		return len(page)
	}
	if n := backlog(); n != 5 {
		t.Errorf("%d wait for their turn, want 5", n)
	}
	if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Drain()
	if n := backlog(); n != 6 {
		t.Errorf("%d wait for their turn in the end, want 6", n)
	}
}

func TestABacklogIsLookedForWhereTheClinicHasMovedTheStepTo(t *testing.T) {
	for offset, seen := range map[int]string{-60: "2025-10-20", 60: "2025-02-20"} { // five months ago, and thirteen
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			s := stagetest.New(t, start, func(c *dental.Clinic) {
				for name := range c.Scenarios {
					c.Scenarios[name] = dental.ScenarioSettings{Release: dental.ReleaseAuto}
				}
			})
			s.Patient("P000")
			s.Visit("V", "P000", s.Local(seen+" 12:00"))
			s.Settings(func(c *dental.Clinic) {
				c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, BacklogPerDay: 10, Since: c.Today(s.Now()), Offsets: map[string]int{"offer": offset}}
			})
			if err := job(s, store.BacklogJob, s.Clinic.Today(s.Now())); err != nil {
				t.Fatal(err)
			}
			if page, _, err := s.Store.Backlog(t.Context(), "demo", "sleeping-6", 100, ""); err != nil || len(page) != 1 {
				t.Errorf("%d wait for their turn, %v", len(page), err)
			}
		})
	}
}

func TestTheRowOfABatchThatIsBeingLetGoDoesNotComeBack(t *testing.T) {
	_, s, _, day := held(t, 3)
	shut := func() {
		tx := s.Store.Begin()
		task, err := tx.Task(t.Context(), "demo", dental.ReleaseTask, dental.BatchAnchor("sleeping-6", day))
		task.Close(&s.Clinic, "released", s.Now())
		tx.Put(task)
		if err := errors.Join(err, tx.Commit(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	open := func() bool {
		task, err := s.Store.Begin().Task(t.Context(), "demo", dental.ReleaseTask, dental.BatchAnchor("sleeping-6", day))
		if err != nil {
			t.Fatal(err)
		}
		return task.Open()
	}
	shut()
	if err := job(s, store.HoldJob, day); err != nil || !open() {
		t.Fatalf("what waits is told of again: open %v, %v", open(), err)
	}
	shut()
	tx := s.Store.Begin()
	tx.Put(journey.Release("demo", "sleeping-6", day, s.Now()))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := job(s, store.HoldJob, day); err != nil || open() {
		t.Errorf("while it is let go the row is open: %v, %v", open(), err)
	}
}

func TestABatchThatNobodyLetsGoIsEndedWhenItsThirdDayIsOver(t *testing.T) {
	const patients = 60 // more than one step ends
	_, s, _, day := held(t, patients)
	over := s.Local("2026-05-22 00:00")
	stands := func() (store.Job, dental.Task) {
		tx := s.Store.Begin()
		j, err := tx.Job(t.Context(), "demo", "the-job")
		task, err2 := tx.Task(t.Context(), "demo", dental.ReleaseTask, dental.BatchAnchor("sleeping-6", day))
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return j, task
	}
	s.Set(over.Add(-time.Minute))
	if err := job(s, store.HoldJob, day); err != nil {
		t.Fatal(err)
	}
	if j, task := stands(); !j.Done.IsZero() || !j.Wake.Equal(over) || !task.Open() || states(s, patients)[dental.Held] != patients {
		t.Errorf("before its end the job is %+v, the task %+v, the batch %v", j, task, states(s, patients))
	}
	s.Set(over)
	if err := job(s, store.HoldJob, day); err != nil {
		t.Fatal(err)
	}
	if j, task := stands(); j.Done.IsZero() || task.Open() || task.Outcome != "not-released" || states(s, patients)[dental.Skipped] != patients {
		t.Errorf("at its end the job is %+v, the task %+v, the batch %v", j, task, states(s, patients))
	}
}

func TestAJobOfAKindThatNobodyKnowsIsRefused(t *testing.T) {
	_, s, _, day := held(t, 0)
	if err := job(s, "dance", day); dental.KindOf(err) != dental.Invalid {
		t.Errorf("it gives %v", err)
	}
}
