package work_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// watched is a table that remembers what is written to.
type watched struct {
	table.Table
	mu   sync.Mutex
	keys []table.Key
}

func (w *watched) Write(ctx context.Context, ops ...table.Op) error {
	w.mu.Lock()
	for _, op := range ops {
		w.keys = append(w.keys, op.Item.Key)
	}
	w.mu.Unlock()
	return w.Table.Write(ctx, ops...)
}

func (w *watched) written() []table.Key {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.keys
	w.keys = nil
	return out
}

// rehearsing is a stage on which a scenario is rehearsed that is off.
type rehearsing struct {
	*stagetest.Stage
	table *watched
}

func rehearseOn(t testing.TB, start time.Time, off ...string) *rehearsing {
	t.Helper()
	now := start
	w := &watched{}
	r := &rehearsing{table: w}
	w.Table = tabletest.NewReference(func() time.Time {
		if r.Stage != nil {
			return r.Now()
		}
		return now
	}, rand.NewChaCha8([32]byte{1}))
	r.Stage = stagetest.On(t, w, start, func(cl *dental.Clinic) {
		cl.PartPrice = dental.Money{Minor: 450, Currency: "RUB"}
		for _, name := range off {
			cl.Scenarios[name] = dental.ScenarioSettings{Release: dental.ReleaseAuto}
		}
	})
	return r
}

// rehearse puts a rehearsal and works it off.
func (r *rehearsing) rehearse(scenario string, backlog int) (dental.Rehearsal, []dental.Foreseen) {
	r.T.Helper()
	r.ask(scenario, backlog)
	r.finish(scenario)
	return r.read(scenario)
}

func (r *rehearsing) ask(scenario string, backlog int) {
	r.T.Helper()
	tx := r.Store.Begin()
	if _, err := tx.Job(r.T.Context(), "demo", store.RehearsalID(scenario)); err != nil {
		r.T.Fatal(err)
	}
	tx.Put(store.Job{Clinic: "demo", ID: store.RehearsalID(scenario), Kind: store.RehearseJob, Scenario: scenario, Step: fmt.Sprint(backlog),
		Anchor: fmt.Sprint("run", r.Now().Unix()), Wake: r.Now(), Made: r.Now()})
	if err := tx.Commit(r.T.Context()); err != nil {
		r.T.Fatal(err)
	}
}

func (r *rehearsing) finish(scenario string) {
	r.T.Helper()
	body, _ := json.Marshal(map[string]any{"Job": map[string]string{"Clinic": "demo", "ID": store.RehearsalID(scenario)}})
	for range 20 {
		if err := r.Worker.Handle(r.T.Context(), string(body)); err != nil {
			r.T.Fatal(err)
		}
		if job := r.job(scenario); !job.Done.IsZero() {
			return
		}
	}
	r.T.Fatal("the rehearsal comes to no end")
}

func (r *rehearsing) job(scenario string) store.Job {
	r.T.Helper()
	job, err := r.Store.Begin().Job(r.T.Context(), "demo", store.RehearsalID(scenario))
	if err != nil {
		r.T.Fatal(err)
	}
	return job
}

func (r *rehearsing) read(scenario string) (sum dental.Rehearsal, rows []dental.Foreseen) {
	r.T.Helper()
	pages, err := r.Store.Results(r.T.Context(), "demo", r.job(scenario).Results())
	if err != nil {
		r.T.Fatal(err)
	}
	for _, p := range pages {
		var page []dental.Foreseen
		switch {
		case p.N == store.RehearsalSum:
			err = json.Unmarshal(p.Body, &sum)
		case p.N < store.RehearsalFound:
			err = json.Unmarshal(p.Body, &page)
		}
		if err != nil {
			r.T.Fatal(err)
		}
		rows = append(rows, page...)
	}
	return sum, rows
}

// seen makes a patient whose only visit was so many months and days ago.
func (r *rehearsing) seen(id string, months, days int, change ...func(*dental.Visit)) {
	r.T.Helper()
	now := r.Now()
	at := r.Clinic.Today(now).AddMonths(-months).AddDays(-days).At(12*60, r.Clinic.Location())
	r.Patient(id, func(c *intake.Card) { c.Number = "+7916000" + fmt.Sprintf("%04d", len(id)*1000+int(id[len(id)-1])) })
	r.Visit("V-"+id, id, at, change...)
}

func paying(roubles int64) func(*dental.Visit) {
	return func(v *dental.Visit) { v.Receipt = dental.Money{Minor: roubles * 100, Currency: "RUB"} }
}

func TestARehearsalTellsWhatTheScanAndTheSenderThenDo(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "sleeping-12", "sleeping-18", "recall", "season")
	r.seen("A", 5, 25)
	r.seen("B", 5, 10)
	r.seen("C", 2, 0)
	_, rows := r.rehearse("sleeping-6", 0)
	if len(rows) != 2 {
		t.Fatalf("%d rows were foreseen: %+v", len(rows), rows)
	}
	r.Settings(func(cl *dental.Clinic) {
		cl.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto, Since: cl.Today(r.Now())}
	})
	r.To(start.AddDate(0, 0, 30))
	sent := r.SentAs("sleeping-6", "offer")
	if len(sent) != len(rows) {
		t.Fatalf("%d left, %d were foreseen", len(sent), len(rows))
	}
	for _, m := range sent {
		i := slices.IndexFunc(rows, func(f dental.Foreseen) bool { return f.Patient == m.Touch.Patient })
		if i < 0 {
			t.Fatalf("%s was not foreseen", m.Touch)
		}
		token := m.Links[0][strings.LastIndexByte(m.Links[0], '/')+1:]
		if f := rows[i]; f.Text != strings.Replace(m.Text, token, "xxxxxxxxxxxxxxxx", 1) || f.Parts != m.Parts || !f.At.Equal(m.At) || f.Channel != m.Channel ||
			f.Price.Minor != int64(450*m.Parts) {
			t.Errorf("foreseen %+v\nleft %s in %d parts at %v", f, m.Text, m.Parts, m.At)
		}
	}
}

func TestARehearsalOfAScenarioThatIsOnTellsWhatItIsAboutToDo(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "sleeping-12", "sleeping-18", "season")
	r.seen("A", 4, 28) // the first invitation falls due, the second comes after the days looked at
	r.seen("B", 5, 14) // the second one, then the call
	sum, rows := r.rehearse("recall", 0)
	r.To(start.AddDate(0, 0, 30))
	var left, foreseen []string
	for _, id := range []string{"A", "B"} {
		for _, touch := range r.Card(id).Touches {
			if touch.Scenario == "recall" && touch.State == dental.Sent {
				left = append(left, fmt.Sprint(id, touch.Step, touch.SentAt.Unix()))
			}
		}
	}
	for _, row := range rows {
		foreseen = append(foreseen, fmt.Sprint(row.Patient, row.Step, row.At.Unix()))
	}
	slices.Sort(left)
	slices.Sort(foreseen)
	if !slices.Equal(left, foreseen) || len(left) < 3 || sum.Tasks == 0 {
		t.Errorf("foreseen were %q\nleft have %q", foreseen, left)
	}
}

func TestARehearsalWritesNothingButItsOwnItems(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.UTC)
	r := rehearseOn(t, start, "sleeping-6", "birthday", "appointment", "recall")
	for i := range 60 {
		r.seen(fmt.Sprintf("P%d", i), 3+i%9, i%28)
	}
	r.Appointment(intake.AppointmentBooked, "A-1", "P1", start.Add(5*24*time.Hour))
	r.table.written()
	sentBefore := len(r.Sent())
	for _, scenario := range []string{"sleeping-6", "birthday", "appointment", "recall"} {
		r.rehearse(scenario, 10)
	}
	keys := r.table.written()
	if len(keys) == 0 {
		t.Fatal("nothing was watched")
	}
	for _, k := range keys {
		if !strings.HasPrefix(k.PK, "J#demo#rehearse.") {
			t.Errorf("a rehearsal has written %s", k)
		}
	}
	if len(r.Sent()) != sentBefore {
		t.Error("a rehearsal has sent something")
	}
}

func TestWhoIsLeftOutIsCountedByTheReason(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "sleeping-12", "sleeping-18", "recall", "season")
	r.seen("due", 5, 20)
	r.Patient("no-consent", func(c *intake.Card) { c.Consents = nil })
	r.Visit("V-no", "no-consent", r.Clinic.Today(start).AddMonths(-5).AddDays(-20).At(12*60, r.Clinic.Location()))
	r.seen("later", 3, 0)
	r.seen("passed", 8, 0)
	r.seen("just-passed", 6, 3) // a scan makes up for it, but not for days before the switch
	r.seen("long-ago", 20, 0)
	r.Patient("new")
	r.seen("booked", 5, 20)
	r.Appointment(intake.AppointmentBooked, "A-1", "booked", start.AddDate(0, 0, 40))
	r.seen("gone", 5, 20)
	r.Patient("gone", func(c *intake.Card) { c.Status = dental.Archived })
	sum, rows := r.rehearse("sleeping-6", 0)
	want := map[string]int{"no-consent": 1, "not-yet": 1, "passed": 2, "long-past": 1, "no-fact": 1, "booked": 1, "archived": 1}
	got := fmt.Sprint(sum.Reasons)
	// Who gets no message for want of consent may be called instead: that is a task.
	if len(rows) == 2 && slices.ContainsFunc(rows, func(f dental.Foreseen) bool { return f.Patient == "no-consent" && f.Task == dental.WakeTask }) {
		delete(want, "no-consent")
	}
	if got != fmt.Sprint(want) {
		t.Errorf("the reasons are %v, want %v; rows %+v", got, want, rows)
	}
	if sum.Patients != 9 || sum.Looked != 9 || !sum.Done {
		t.Errorf("looked at %d of %d", sum.Looked, sum.Patients)
	}
	reached := 0
	for _, n := range sum.Reasons {
		reached += n
	}
	if reached+sum.Reached+sum.Waiting != sum.Patients {
		t.Errorf("%d reached, %d waiting, %d left out do not make %d", sum.Reached, sum.Waiting, reached, sum.Patients)
	}
}

func TestTheBacklogIsSpreadByItsRateTheHighestValueFirst(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "sleeping-12", "sleeping-18", "recall", "season")
	for i := range 70 {
		r.seen(fmt.Sprintf("P%02d", i), 8, i%20, paying(int64(1000+i)))
	}
	sum, rows := r.rehearse("sleeping-6", 2)
	if sum.Waiting != 10 || len(rows) != 60 || sum.LastOn != sum.From.AddDays(34) {
		t.Fatalf("%d rows, %d waiting, the last on %v", len(rows), sum.Waiting, sum.LastOn)
	}
	days := map[dental.Date]int{}
	for i, row := range rows {
		days[r.Clinic.Today(row.At)]++
		if i > 0 && row.Value.Minor > rows[i-1].Value.Minor {
			t.Errorf("row %d is worth more than the one before it", i)
		}
		until := dental.DateOf(row.At.In(r.Clinic.Location())).AddDays(30)
		if word := fmt.Sprint(until.Day, " "); !strings.Contains(row.Text, "до "+word) {
			t.Errorf("what leaves on %v does not hold until %v: %s", row.At, until, row.Text)
		}
	}
	for day, n := range days {
		if n > 2 {
			t.Errorf("%d on %v", n, day)
		}
	}
}

func TestARehearsalThatIsBrokenOffGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, brokenOff) // in which waiting for another try takes no time
}

func brokenOff(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	all := []string{"sleeping-6", "sleeping-12", "sleeping-18", "recall", "season"}
	whole := rehearseOn(t, start, all...)
	broken := rehearseOn(t, start, all...)
	for _, r := range []*rehearsing{whole, broken} {
		for i := range 130 {
			r.seen(fmt.Sprintf("P%03d", i), 5+i%2, i%9, paying(int64(1000+i%7))) // more in a month than one step looks at
		}
	}
	want, wantRows := whole.rehearse("sleeping-6", 3)
	if want.Looked != 130 || want.Patients != 130 {
		t.Errorf("%d of %d were looked at", want.Looked, want.Patients)
	}
	broken.ask("sleeping-6", 3)
	faulty := tabletest.NewFaulty(broken.table.Table, tabletest.Plan{Seed: 7, Chance: map[tabletest.Fault]float64{tabletest.LostBefore: 0.1, tabletest.LostAfter: 0.2, tabletest.LostLate: 0.1, tabletest.FailedRead: 0.002}})
	broken.table.Table = faulty
	body, _ := json.Marshal(map[string]any{"Job": map[string]string{"Clinic": "demo", "ID": store.RehearsalID("sleeping-6")}})
	for range 200 {
		_ = broken.Worker.Handle(t.Context(), string(body))
		if job, err := broken.Store.Begin().Job(t.Context(), "demo", store.RehearsalID("sleeping-6")); err == nil && !job.Done.IsZero() {
			break
		}
	}
	faulty.Heal()
	if got, rows := broken.read("sleeping-6"); fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(rows) != fmt.Sprint(wantRows) {
		t.Errorf("broken off it finds\n%+v\nand else\n%+v", got, want)
	}
}

func TestAnErasedPatientIsTakenOutOfWhatWasFound(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "recall", "season")
	r.seen("A", 5, 20)
	r.seen("B", 5, 20)
	if _, rows := r.rehearse("sleeping-6", 0); len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "A", Version: start.UnixMilli() + 1}})
	r.To(start.Add(time.Hour))
	pages, err := r.Store.Results(t.Context(), "demo", r.job("sleeping-6").Results())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if strings.Contains(string(p.Body), `"Patient":"A"`) {
			t.Errorf("page %d still tells of the erased patient", p.N)
		}
	}
}
