package store_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// jobs lists the jobs that are due by an instant, by their ids.
func (h house) jobs(until time.Time) map[string]store.Job {
	h.Helper()
	out := map[string]store.Job{}
	for shard := range store.Shards {
		due, _, err := h.Due(h.Context(), shard, until, 100, "")
		if err != nil {
			h.Fatal(err)
		}
		for _, d := range due {
			if d.Job != nil {
				out[d.Job.ID] = *d.Job
			}
		}
	}
	return out
}

// step reads a patient's card and writes what put puts.
func (h house) step(put func(tx *store.Tx, card *dental.Card)) {
	h.Helper()
	tx := h.Begin()
	card, err := tx.Card(h.Context(), "c", "p")
	if err != nil {
		h.Fatal(err)
	}
	put(tx, card)
	if err := tx.Commit(h.Context()); err != nil {
		h.Fatal(err)
	}
}

func TestAWriteThatChangesFiguresLeavesTheJobThatWorksThemOut(t *testing.T) {
	day := parse(t, "2026-05-22")
	person := dental.Patient{Clinic: "c", ID: "p", Status: dental.Active}
	touch := dental.Touch{Clinic: "c", Patient: "p", Scenario: "recall", Step: "first", Anchor: "a", State: dental.Planned, Wake: noon.Add(100 * time.Hour)}
	ended := touch
	ended.State, ended.EndedOn = dental.Sent, day
	task := dental.Task{Clinic: "c", Patient: "p", Kind: dental.CallTask, Anchor: "a", ShowDay: day}
	closed := task
	closed.ClosedAt, closed.ClosedOn = noon, day
	changed := func(change func(*dental.Patient)) func(tx *store.Tx, card *dental.Card) {
		return func(tx *store.Tx, card *dental.Card) { change(&card.Patient); tx.Put(card.Patient) }
	}
	put := func(noun any) func(*store.Tx, *dental.Card) {
		return func(tx *store.Tx, _ *dental.Card) { tx.Put(noun) }
	}
	for name, tt := range map[string]struct {
		before []any
		step   func(tx *store.Tx, card *dental.Card)
		marks  bool
	}{
		"a visit":                       {nil, put(dental.Visit{Clinic: "c", Patient: "p", ID: "V", Day: day}), true},
		"an appointment":                {nil, put(dental.Appointment{Clinic: "c", Patient: "p", ID: "A"}), true},
		"a plan":                        {nil, put(dental.Plan{Clinic: "c", Patient: "p", ID: "L"}), true},
		"a payment":                     {nil, put(dental.Payment{Clinic: "c", Patient: "p", ID: "F"}), true},
		"an answer":                     {nil, put(dental.Answer{Clinic: "c", Patient: "p", Day: day}), true},
		"an answer to an offer":         {nil, put(dental.Response{Clinic: "c", Patient: "p", Scenario: "recall", Anchor: "a", On: day}), true},
		"a gift":                        {nil, put(dental.GiftChoice{Clinic: "c", Patient: "p", Scenario: "birthday", Anchor: "2026"}), true},
		"a bonus":                       {nil, put(dental.Bonus{Clinic: "c", Patient: "p", Source: "g"}), true},
		"a friend":                      {nil, put(dental.Referral{Clinic: "c", Patient: "p", Contact: "k"}), true},
		"a date to come back by":        {nil, put(dental.Milestone{Clinic: "c", Patient: "p", Kind: dental.ReturnPoint, Date: day}), true},
		"another milestone":             {nil, put(dental.Milestone{Clinic: "c", Patient: "p", Kind: dental.Birthday, Date: day}), false},
		"a touch that has ended":        {nil, put(ended), true},
		"a touch that is planned":       {nil, put(touch), false},
		"a touch that is planned again": {[]any{ended}, put(touch), true},
		"a task that is closed":         {nil, put(closed), true},
		"a task that is open":           {nil, put(task), false},
		"a task that is opened again":   {[]any{closed}, put(task), true},
		"something of it taken away":    {[]any{dental.Bonus{Clinic: "c", Patient: "p", Source: "g"}}, func(tx *store.Tx, card *dental.Card) { tx.Remove(card.Bonuses[0]) }, true},
		"a new card":                    {nil, put(person), false},
		"a card of another name":        {[]any{person}, changed(func(p *dental.Patient) { p.GivenName = "Анна" }), false},
		"a patient who died":            {[]any{person}, changed(func(p *dental.Patient) { p.Status = dental.Deceased }), true},
		"a patient who is left out":     {[]any{person}, changed(func(p *dental.Patient) { p.Excluded = true }), true},
		"a patient whose age was wrong": {[]any{person}, changed(func(p *dental.Patient) { p.BirthDate = day }), true},
		"a date agreed on at the desk":  {[]any{person}, changed(func(p *dental.Patient) { p.ReturnOn = day }), true},
		"a patient who is to be erased": {[]any{person}, changed(func(p *dental.Patient) { p.Erased = true }), true},
		"a card read and found the same": {[]any{person}, func(tx *store.Tx, card *dental.Card) {
			tx.Check(card.Patient)
			tx.Put(store.Job{Clinic: "c", ID: "other"})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(h house) {
				if len(tt.before) > 0 {
					h.step(func(tx *store.Tx, _ *dental.Card) {
						for _, noun := range tt.before {
							tx.Put(noun)
						}
					})
					h.step(func(tx *store.Tx, _ *dental.Card) { // and its job is done
						tx.Put(store.Job{Clinic: "c", ID: "tally.p", Done: noon})
					})
				}
				h.step(tt.step)
				job, marked := h.jobs(noon.Add(time.Hour))["tally.p"]
				if marked != tt.marks {
					h.Fatalf("a job: %v, want %v", marked, tt.marks)
				}
				if marked && (job.Kind != store.TallyJob || job.Patient != "p" || !job.Wake.After(noon) || job.Wake.After(noon.Add(30*time.Minute))) {
					h.Errorf("the job is %+v, want it due within half an hour", job)
				}
			})
		})
	}
}

func TestTheJobsOfAnImportDoNotAllFallDueAtOnceAndEachPatientsIsOneInHalfAnHour(t *testing.T) {
	everywhere(t, func(h house) {
		const patients = 60
		told := func() map[string]time.Time {
			for i := range patients {
				tx, p := h.Begin(), fmt.Sprint("p", i)
				if _, err := tx.Card(h.Context(), "c", p); err != nil {
					h.Fatal(err)
				}
				tx.Put(dental.Visit{Clinic: "c", Patient: p, ID: "V", Day: parse(h.T, "2026-05-22")})
				if err := tx.Commit(h.Context()); err != nil {
					h.Fatal(err)
				}
			}
			out := map[string]time.Time{}
			for id, job := range h.jobs(noon.Add(2 * time.Hour)) {
				out[id] = job.Wake
			}
			return out
		}
		first, at := told(), map[time.Time]int{}
		for _, wake := range first {
			at[wake]++
		}
		for wake, n := range at {
			if n > patients*2/3 {
				h.Errorf("%d of %d jobs are due at %s", n, patients, wake)
			}
		}
		h.clock.Advance(8 * time.Minute)
		second := told()
		if len(first) != patients || !maps.Equal(first, second) {
			h.Errorf("eight minutes later, before any of them was due, they are due at %v, before at %v", second, first)
		}
	})
}

func TestAPatientOfAnOddNameIsMarkedUnderThatName(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		if _, err := tx.Card(h.Context(), "c#1", "p%/ж"); err != nil {
			h.Fatal(err)
		}
		tx.Put(dental.Visit{Clinic: "c#1", Patient: "p%/ж", ID: "V", Day: parse(h.T, "2026-05-22")})
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		if job := h.jobs(noon.Add(time.Hour))["tally.p%/ж"]; job.Clinic != "c#1" || job.Patient != "p%/ж" {
			h.Errorf("the job is %+v", job)
		}
	})
}

func TestTheWriteThatBeginsAClinicLeavesTheJobOfItsBaselineOnce(t *testing.T) {
	everywhere(t, func(h house) {
		write := func(change func(*dental.Clinic)) {
			t.Helper()
			tx := h.Begin()
			cl, err := tx.Clinic(h.Context(), "c")
			if dental.KindOf(err) == dental.NotFound {
				cl, err = &dental.Clinic{ID: "c", TimeZone: "Europe/Moscow"}, nil
			}
			if err != nil {
				h.Fatal(err)
			}
			change(cl)
			tx.Put(*cl)
			if err := tx.Commit(h.Context()); err != nil {
				h.Fatal(err)
			}
		}
		write(func(*dental.Clinic) {})
		if jobs := h.jobs(noon.AddDate(1, 0, 0)); len(jobs) != 0 {
			h.Errorf("before it begins there is %v", jobs)
		}
		write(func(cl *dental.Clinic) { cl.StartedAt = noon })
		job := h.jobs(noon.AddDate(1, 0, 0))[store.BaselineJob]
		if job.Kind != store.BaselineJob || !job.Wake.Equal(noon.Add(2*time.Hour)) {
			h.Errorf("the job is %+v", job)
		}
		h.clock.Advance(time.Minute)
		write(func(cl *dental.Clinic) { cl.Name = "another" })
		if again := h.jobs(noon.AddDate(1, 0, 0))[store.BaselineJob]; !again.Made.Equal(job.Made) {
			h.Errorf("a later write has made it anew: %+v", again)
		}
	})
}
