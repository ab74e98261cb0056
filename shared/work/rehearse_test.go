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
	all  []table.Key
	// after, if set, is told what has been written to; results counts the reads of all results.
	after   func(table.Key)
	results int
}

func (w *watched) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if strings.HasPrefix(q.PK, "J#demo#rehearse.") && strings.HasPrefix(q.From, "R#") {
		w.mu.Lock()
		w.results++
		w.mu.Unlock()
	}
	return w.Table.Query(ctx, q)
}

func (w *watched) Write(ctx context.Context, ops ...table.Op) error {
	w.mu.Lock()
	for _, op := range ops {
		w.keys = append(w.keys, op.Item.Key)
		w.all = append(w.all, op.Item.Key)
	}
	w.mu.Unlock()
	err := w.Table.Write(ctx, ops...)
	for _, op := range ops {
		if w.after != nil && err == nil {
			w.after(op.Item.Key)
		}
	}
	return err
}

// ever is every key that was written to, once.
func (w *watched) ever() []table.Key {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[table.Key]bool{}
	return slices.DeleteFunc(slices.Clone(w.all), func(k table.Key) bool {
		known := seen[k]
		seen[k] = true
		return known
	})
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
	pages, err := r.Store.Results(r.T.Context(), "demo", store.RehearsalID(scenario))
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
	for i, row := range rows { // the texts are made when they are shown
		f, err := r.Worker.Foresee(r.T.Context(), &r.Clinic, sum, row.Patient, row.TakenUp)
		if err != nil {
			r.T.Fatal(err)
		}
		for _, now := range f.Foreseen {
			if now.Step == row.Step && now.Anchor == row.Anchor {
				rows[i].Subject, rows[i].Text = now.Subject, now.Text
			}
		}
	}
	return sum, rows
}

// kept is all that the rehearsals of a scenario have left in the table.
func (r *rehearsing) kept(scenario string) string {
	r.T.Helper()
	var out strings.Builder
	for _, key := range r.table.ever() {
		if !strings.HasPrefix(key.PK, "J#demo#"+store.RehearsalID(scenario)) || !strings.HasPrefix(key.SK, "R#") {
			continue
		}
		items, err := r.table.Get(r.T.Context(), key)
		if err != nil {
			r.T.Fatal(err)
		}
		if items[0].Exists() {
			fmt.Fprintf(&out, "%s %s %s\n", key.PK, key.SK, items[0].Attr["body"])
		}
	}
	return out.String()
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
	pages, err := r.Store.Results(t.Context(), "demo", store.RehearsalID("sleeping-6"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if strings.Contains(string(p.Body), `"Patient":"A"`) {
			t.Errorf("page %d still tells of the erased patient", p.N)
		}
	}
}

func TestNoPageOfARehearsalKeepsATextOrAName(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "recall", "season")
	r.seen("A", 5, 20)
	_, rows := r.rehearse("sleeping-6", 0)
	if len(rows) != 1 || rows[0].Text == "" {
		t.Fatalf("it foresees %+v", rows)
	}
	given, kept := r.Card("A").Patient.GivenName, r.kept("sleeping-6")
	if given == "" || kept == "" || strings.Contains(kept, given) || strings.Contains(kept, rows[0].Text[:40]) {
		t.Errorf("of %q it keeps\n%s", given, kept)
	}
}

func TestANewRehearsalLeavesNothingOfTheOneBefore(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "recall", "season")
	for i := range 70 {
		r.seen(fmt.Sprintf("P%02d", i), 5, 15+i%10)
	}
	if _, rows := r.rehearse("sleeping-6", 0); len(rows) != 70 {
		t.Fatalf("%d rows", len(rows))
	}
	r.To(start.Add(time.Hour))
	for i := range 69 {
		r.Patient(fmt.Sprintf("P%02d", i), func(c *intake.Card) { c.Status = dental.Archived })
	}
	sum, rows := r.rehearse("sleeping-6", 0)
	if len(rows) != 1 || sum.Pages != 1 || rows[0].Patient != "P69" {
		t.Fatalf("the second finds %+v in %+v", rows, sum)
	}
	if kept := r.kept("sleeping-6"); strings.Contains(kept, "P00") || strings.Count(kept, "\n") != 2 {
		t.Errorf("there are the pages\n%s", kept)
	}
}

func TestWhoIsErasedWhileARehearsalIsUnderWayIsPassedOverAndNobodyElse(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "recall", "season")
	for i := range 300 {
		r.seen(fmt.Sprintf("P%03d", i), 5, 15+i%10, paying(int64(9000-i)))
	}
	r.ask("sleeping-6", 0)
	ctx, stop := context.WithCancel(t.Context())
	r.table.after = func(k table.Key) {
		if k.SK == "R#000001" { // the first of the ordered ones stand
			stop()
		}
	}
	body, _ := json.Marshal(map[string]any{"Job": map[string]string{"Clinic": "demo", "ID": store.RehearsalID("sleeping-6")}})
	if err := r.Worker.Handle(ctx, string(body)); err != nil || !r.job("sleeping-6").Done.IsZero() {
		t.Fatalf("it was not broken off: %v", err)
	}
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P000", Version: start.UnixMilli() + 1}})
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P299", Version: start.UnixMilli() + 1}})
	r.Tick()
	r.finish("sleeping-6")
	_, rows := r.read("sleeping-6")
	found := map[string]bool{}
	for _, row := range rows {
		found[row.Patient] = true
	}
	for i := range 300 {
		if id := fmt.Sprintf("P%03d", i); found[id] != (i != 0 && i != 299) {
			t.Errorf("%s is there: %t", id, found[id])
		}
	}
}

func TestWhatARehearsalHasFoundIsNotReadAnewAtEachStep(t *testing.T) {
	start := time.Date(2026, 9, 10, 9, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r := rehearseOn(t, start, "sleeping-6", "recall", "season")
	for i := range 900 {
		r.seen(fmt.Sprintf("P%03d", i), 5, 15+i%10)
	}
	r.table.results = 0
	if sum, _ := r.rehearse("sleeping-6", 0); sum.Rows != 900 {
		t.Fatalf("%d rows", sum.Rows)
	}
	// Once before it begins, once to put them in order, once to remove what is done with, and
	// once by this test.
	if r.table.results > 4 {
		t.Errorf("all results were read %d times", r.table.results)
	}
}
