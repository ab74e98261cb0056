package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// due walks all shards in pages of a size and names what it meets, shard by shard.
func (h house) due(now time.Time, page int) [][]string {
	h.Helper()
	out := make([][]string, store.Shards)
	for shard := range store.Shards {
		for cursor := ""; ; {
			list, next, err := h.Due(h.Context(), shard, now, page, cursor)
			if err != nil {
				h.Fatal(err)
			}
			for _, d := range list {
				if (d.Touch == nil) == (d.Job == nil) {
					h.Fatalf("an entry is %+v", d)
				}
				if d.Job != nil {
					out[shard] = append(out[shard], d.Job.ID)
				} else {
					out[shard] = append(out[shard], d.Touch.Patient+"/"+d.Touch.Anchor)
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return out
}

func TestWhatIsDueComesByTimeAndThenByPriorityPageByPage(t *testing.T) {
	everywhere(t, func(h house) {
		type entry struct {
			wake     time.Time
			priority int
			name     string
		}
		var all []entry
		dice := rand.New(rand.NewPCG(1, 2))
		for p := range 6 {
			patient := fmt.Sprint("p", p)
			h.do(func(tx *store.Tx) {
				h.card(tx, patient)
				for i := range 12 {
					t := touch(patient, fmt.Sprint(i))
					t.Wake, t.Priority = noon.Add(time.Duration(dice.IntN(40)-20)*time.Minute), dice.IntN(10)
					t.State = []dental.TouchState{dental.Planned, dental.Queued, dental.Claimed}[dice.IntN(3)]
					all = append(all, entry{t.Wake, t.Priority, patient + "/" + t.Anchor})
					tx.Put(t)
				}
				for i, state := range []dental.TouchState{dental.Held, dental.Sent, dental.Skipped, dental.Failed, dental.TouchCancelled, dental.Unknown} {
					t := touch(patient, fmt.Sprint("never", i))
					t.State, t.EndedOn = state, dental.DateOf(noon)
					tx.Put(t)
				}
				job := store.Job{Clinic: "c", ID: "job" + patient, Wake: noon.Add(time.Duration(dice.IntN(40)-20) * time.Minute)}
				all = append(all, entry{job.Wake, 9, job.ID})
				tx.Put(job)
				done := store.Job{Clinic: "c", ID: "done" + patient, Wake: noon, Done: noon}
				tx.Put(done)
			})
		}
		want := map[string]entry{}
		for _, e := range all {
			if !e.wake.After(noon) {
				want[e.name] = e
			}
		}
		for _, page := range []int{1, 3, 1000} {
			met := map[string]bool{}
			for shard, names := range h.due(noon, page) {
				for i, name := range names {
					if _, wanted := want[name]; !wanted || met[name] {
						h.Errorf("shard %d has %s, which is not due or was met before", shard, name)
					}
					met[name] = true
					if i == 0 {
						continue
					}
					if a, b := want[names[i-1]], want[name]; a.wake.After(b.wake) || a.wake.Equal(b.wake) && a.priority > b.priority {
						h.Errorf("%+v comes before %+v", a, b)
					}
				}
			}
			if len(met) != len(want) {
				h.Errorf("in pages of %d, %d of %d are met", page, len(met), len(want))
			}
		}
		first := slices.MinFunc(all, func(a, b entry) int { return a.wake.Compare(b.wake) })
		if next, any, err := h.NextDue(h.Context()); err != nil || !any || !next.Equal(first.wake) {
			h.Errorf("the next is due at %s (%t, %v), want %s", next, any, err, first.wake)
		}
	})
}

func TestNothingIsDueOfAnEmptyTable(t *testing.T) {
	everywhere(t, func(h house) {
		if next, any, err := h.NextDue(h.Context()); any || err != nil || !next.IsZero() {
			h.Errorf("%s, %t, %v", next, any, err)
		}
	})
}

func TestWhatIsDueInTheSameSecondIsDue(t *testing.T) {
	everywhere(t, func(h house) {
		v := touch("p", "1")
		v.Wake = noon.Add(900 * time.Millisecond)
		h.put("p", v)
		if got := slices.Concat(h.due(noon, 10)...); len(got) != 1 {
			h.Errorf("due are %v", got)
		}
		if got := slices.Concat(h.due(noon.Add(-time.Nanosecond), 10)...); len(got) != 0 {
			h.Errorf("a second earlier due are %v", got)
		}
	})
}

func TestADueEntryIsMovedOnInItsOwnStepUnlessTheIndexWasBehind(t *testing.T) {
	everywhere(t, func(h house) {
		h.put("p", touch("p", "1"))
		var entries []store.Due
		for shard := range store.Shards {
			list, _, err := h.Due(h.Context(), shard, noon, 10, "")
			if err != nil {
				h.Fatal(err)
			}
			entries = append(entries, list...)
		}
		if len(entries) != 1 {
			h.Fatalf("due are %+v", entries)
		}
		stale := entries[0]
		moved := *stale.Touch
		moved.State, moved.Wake = dental.Queued, noon.Add(time.Hour)
		tx := stale.Tx()
		tx.Put(moved)
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		if got := slices.Concat(h.due(noon, 10)...); len(got) != 0 {
			h.Errorf("moved on, it is due still: %v", got)
		}
		tx = stale.Tx()
		tx.Put(moved)
		if err := tx.Commit(h.Context()); !errors.Is(err, table.ErrConflict) {
			h.Errorf("an entry that the index showed too late ends with %v", err)
		}
	})
}

func TestTheOpenTasksComeInTheOrderOfTheListPageByPage(t *testing.T) {
	everywhere(t, func(h house) {
		day := dental.DateOf(noon)
		task := func(patient string, kind dental.TaskKind, shown int, value int64) dental.Task {
			return dental.Task{Clinic: "c", Patient: patient, Kind: kind, Anchor: "1", ShowDay: day.AddDays(shown), Value: dental.Money{Minor: value, Currency: "RUB"}}
		}
		want := []dental.Task{
			task("a", dental.WakeTask, -1, 0),
			task("b", dental.ComplaintTask, 0, 0),
			task("c", dental.ConfirmTask, 0, 900000),
			task("d", dental.CallbackTask, 0, 100000),
			task("e", dental.CallTask, 0, 540000),
			task("f", dental.CallTask, 0, 5400),
			task("g", dental.WakeTask, 0, 99_999_999),
			task("h", dental.ComplaintTask, 1, 0),
		}
		for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(len(want)) {
			closed := task(want[i].Patient, want[i].Kind, 0, 0)
			closed.Anchor, closed.ClosedAt, closed.ClosedOn = "closed", noon, day
			h.put(want[i].Patient, want[i], closed)
		}
		other := task("z", dental.ComplaintTask, -5, 0)
		other.Clinic = "other"
		h.do(func(tx *store.Tx) {
			if _, err := tx.Card(h.Context(), "other", "z"); err != nil {
				h.Fatal(err)
			}
			tx.Put(other)
		})
		for _, page := range []int{1, 3, 100} {
			var got []dental.Task
			for cursor := ""; ; {
				list, next, err := h.OpenTasks(h.Context(), "c", page, cursor)
				if err != nil {
					h.Fatal(err)
				}
				if got = append(got, list...); next == "" {
					break
				}
				cursor = next
			}
			if !reflect.DeepEqual(got, want) {
				h.Errorf("in pages of %d they are\n%+v, want\n%+v", page, got, want)
			}
		}
	})
}

func TestTheClinicsComeInTheOrderOfTheirZonesPageByPage(t *testing.T) {
	everywhere(t, func(h house) {
		for i, zone := range []string{"Europe/Moscow", "Asia/Kamchatka", "Europe/Moscow", "America/New_York"} {
			h.do(func(tx *store.Tx) {
				id := fmt.Sprint("c", i)
				if _, err := tx.Clinic(h.Context(), id); dental.KindOf(err) != dental.NotFound {
					h.Fatal(err)
				}
				tx.Put(dental.Clinic{ID: id, TimeZone: zone})
			})
		}
		var got []string
		for cursor := ""; ; {
			list, next, err := h.Clinics(h.Context(), 1, cursor)
			if err != nil {
				h.Fatal(err)
			}
			for _, c := range list {
				got = append(got, c.ID+" "+c.TimeZone)
			}
			if next == "" {
				break
			}
			cursor = next
		}
		if want := []string{"c3 America/New_York", "c1 Asia/Kamchatka", "c0 Europe/Moscow", "c2 Europe/Moscow"}; !slices.Equal(got, want) {
			h.Errorf("they are %q", got)
		}
	})
}

func TestTheBaseIsWalkedFromTheLatestVisitBackAndThenThoseWithoutOne(t *testing.T) {
	everywhere(t, func(h house) {
		lastVisit := func(patient, day string) {
			m := dental.Milestone{Clinic: "c", Patient: patient, Kind: dental.LastVisit}
			if day != "" {
				m.Date = parse(h.T, day)
			}
			birthday := dental.Milestone{Clinic: "c", Patient: patient, Kind: dental.Birthday, Date: parse(h.T, "1985-05-22")}
			h.put(patient, m, birthday)
		}
		lastVisit("old", "2023-12-31")
		lastVisit("first", "2024-01-01")
		lastVisit("late", "2026-05-31")
		lastVisit("early", "2026-05-01")
		lastVisit("stub", "")
		lastVisit("future", "2026-06-01")
		walk := func(fn func(string) error) ([]string, error) {
			var got []string
			err := h.Patients(h.Context(), "c", parse(h.T, "2024-01-31"), parse(h.T, "2026-05-10"), func(p string) error {
				got = append(got, p)
				return fn(p)
			})
			return got, err
		}
		got, err := walk(func(string) error { return nil })
		if want := []string{"early", "late", "first", "stub"}; err != nil || !slices.Equal(got, want) {
			h.Errorf("they are %q (%v), want %q", got, err, want)
		}
		enough := errors.New("enough")
		if got, err = walk(func(p string) error {
			if p == "late" {
				return enough
			}
			return nil
		}); !errors.Is(err, enough) || len(got) != 2 {
			h.Errorf("stopped, they are %q (%v)", got, err)
		}
	})
}

func TestAMonthOfMoreThanAPageIsWalkedWhole(t *testing.T) {
	clock := tabletest.NewClock(noon)
	tb := tabletest.NewReference(clock.Now, rand.NewChaCha8([32]byte{}))
	s, err := store.New(tb, keys("k"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := house{t, s, tb, clock}
	const patients = table.MaxLimit + 5
	for i := range patients {
		h.put(fmt.Sprint("p", i), dental.Milestone{Clinic: "c", Patient: fmt.Sprint("p", i), Kind: dental.LastVisit, Date: dental.DateOf(noon)})
	}
	seen := map[string]bool{}
	if err := h.Patients(t.Context(), "c", dental.DateOf(noon), dental.DateOf(noon), func(p string) error { seen[p] = true; return nil }); err != nil || len(seen) != patients {
		t.Errorf("%d of %d are met (%v)", len(seen), patients, err)
	}
}

func parse(t *testing.T, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestADeliveryIsRememberedForEightDaysAndAProvidersIdForThirty(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		if e, err := tx.Event(h.Context(), "c", "msg_1"); err != nil || e.ID != "" {
			h.Fatalf("one not seen yet is %+v (%v)", e, err)
		}
		tx.Put(store.Event{Clinic: "c", ID: "msg_1", Body: "hash", At: noon})
		tx.Put(store.ProviderID{Channel: dental.SMS, ID: "x/1", Clinic: "c", Patient: "p", Scenario: "recall", Step: "first", Anchor: "1", Attempt: "a", At: noon})
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		for _, tt := range []struct {
			days            int
			event, provider bool
		}{{0, true, true}, {7, true, true}, {1, false, true}, {21, false, true}, {1, false, false}} {
			h.clock.Advance(time.Duration(tt.days) * 24 * time.Hour)
			e, err := h.Begin().Event(h.Context(), "c", "msg_1")
			if err != nil || (e.Body == "hash") != tt.event {
				h.Errorf("on %s the delivery is %+v (%v)", h.clock.Now(), e, err)
			}
			p, err := h.Begin().ProviderID(h.Context(), dental.SMS, "x/1")
			if err != nil || (p.Attempt == "a" && p.Anchor == "1") != tt.provider {
				h.Errorf("on %s the provider's id is %+v (%v)", h.clock.Now(), p, err)
			}
		}
		if p, err := h.Begin().ProviderID(h.Context(), dental.Mail, "x/1"); err != nil || p.ID != "" {
			h.Errorf("the same id of another channel is %+v (%v)", p, err)
		}
	})
}

func TestAJobStaysUntilItIsDoneAndEightDaysAfter(t *testing.T) {
	everywhere(t, func(h house) {
		j := store.Job{Clinic: "c", ID: "erase.p", Kind: store.EraseJob, Patient: "p", Wake: noon, Made: noon}
		h.do(func(tx *store.Tx) { tx.Put(j) })
		h.clock.Advance(100 * 24 * time.Hour)
		tx := h.Begin()
		got, err := tx.Job(h.Context(), "c", "erase.p")
		if err != nil || !reflect.DeepEqual(got, j) {
			h.Fatalf("it is %+v (%v)", got, err)
		}
		got.Done = h.clock.Now()
		tx.Put(got)
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		if due := slices.Concat(h.due(h.clock.Now(), 10)...); len(due) != 0 {
			h.Errorf("done, it is due: %v", due)
		}
		if again, err := h.Begin().Job(h.Context(), "c", "erase.p"); err != nil || again.Done.IsZero() {
			h.Errorf("done, it is %+v (%v)", again, err)
		}
		h.clock.Advance(8 * 24 * time.Hour)
		if again, err := h.Begin().Job(h.Context(), "c", "erase.p"); err != nil || again.ID != "" {
			h.Errorf("eight days later it is %+v (%v)", again, err)
		}
	})
}

func TestErasureGoesOnUntilNothingButTheTombstoneIsLeft(t *testing.T) {
	everywhere(t, func(h house) {
		h.put("p", dental.Patient{Clinic: "c", ID: "p", GivenName: "Анна", Erased: true})
		h.put("other", head("other"), touch("other", "1"))
		linkToken := map[string]dental.Link{}
		for i := range 4 {
			h.do(func(tx *store.Tx) {
				h.card(tx, "p")
				for j := range 5 {
					v := touch("p", fmt.Sprint(i, "-", j))
					l := dental.Link{Purpose: dental.SurveyLink, Clinic: "c", Patient: "p", Subject: v.Anchor, Expires: noon.AddDate(1, 0, 0)}
					l.Hash = store.TokenHash(h.Token(l))
					linkToken[h.Token(l)] = l
					v.Links = []string{l.Hash}
					v.Attempts = []dental.Attempt{{ID: "a", Channel: dental.SMS, ProviderID: "sms-" + v.Anchor}, {ID: "b", Channel: dental.Mail}}
					tx.Put(v)
					tx.Put(l)
					tx.Put(store.ProviderID{Channel: dental.SMS, ID: "sms-" + v.Anchor, Patient: "p", At: noon})
				}
				tx.Put(dental.Payment{Clinic: "c", Patient: "p", ID: fmt.Sprint(i)})
				tx.Put(dental.Visit{Clinic: "c", Patient: "p", ID: fmt.Sprint(i), Day: dental.DateOf(noon)})
				tx.Put(dental.Task{Clinic: "c", Patient: "p", Kind: dental.CallTask, Anchor: fmt.Sprint(i)})
				tx.Put(dental.Milestone{Clinic: "c", Patient: "p", Kind: dental.LastVisit})
			})
		}
		strange := table.Item{Key: table.Key{PK: "P#c#p", SK: "Z#what-newer-code-has-made"}, Attr: map[string]any{"name": "Анна"}}
		if err := h.table.Write(h.Context(), table.Put(strange, table.None)); err != nil {
			h.Fatal(err)
		}
		steps := 0
		for left := true; left; steps++ {
			if steps > 20 {
				h.Fatal("it does not come to an end")
			}
			tx := h.Begin()
			left = tx.Erase(h.card(tx, "p"))
			if tx.Size() > table.MaxWrite-2 {
				h.Errorf("a step has %d operations, which leaves no room for the job", tx.Size())
			}
			tx.Put(store.Job{Clinic: "c", ID: "erase.p", Wake: noon})
			if err := tx.Commit(h.Context()); err != nil {
				h.Fatal(err)
			}
		}
		if steps < 3 {
			h.Errorf("it took %d steps: the test is too small", steps)
		}
		page, err := h.table.Query(h.Context(), table.Query{PK: "P#c#p"})
		if err != nil || len(page.Items) != 1 || page.Items[0].Key.SK != "0" {
			h.Errorf("left are %v (%v)", page.Items, err)
		}
		for token := range linkToken {
			if _, err := h.Begin().Link(h.Context(), dental.SurveyLink, token, noon); dental.KindOf(err) != dental.NotFound {
				h.Errorf("a link opens still: %v", err)
			}
		}
		if p, err := h.Begin().ProviderID(h.Context(), dental.SMS, "sms-0-0"); err != nil || p.Patient != "" {
			h.Errorf("a provider's id leads to %+v (%v)", p, err)
		}
		if other := h.card(h.Begin(), "other"); !other.Known() || len(other.Touches) != 1 {
			h.Errorf("of another patient is left %+v", other)
		}
		tx := h.Begin()
		if left := tx.Erase(h.card(tx, "p")); left || tx.Size() != 0 {
			h.Errorf("a second run has %d operations and more left: %t", tx.Size(), left)
		}
		tx = h.Begin()
		tx.Erase(h.card(tx, "other"))
		if err := tx.Commit(h.Context()); err == nil || !strings.Contains(err.Error(), "not marked erased") {
			h.Errorf("of one who is not erased: %v", err)
		}
	})
}
