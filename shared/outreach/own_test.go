package outreach_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func TestAPatientReadsTheClinicsOwnTextWhereItHasOne(t *testing.T) {
	for name, tt := range map[string]struct {
		key, want string
	}{
		"its own":                          {"thanks/ru", "Рады были вас видеть"},
		"the shipped one beside another's": {"survey/ru", "спасибо за визит"},
		"the shipped one in its language":  {"thanks/en", "спасибо за визит"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600))
			s := stagetest.New(t, start, func(cl *dental.Clinic) {
				set := cl.Scenarios["after-visit"]
				set.Texts = map[string]dental.Text{tt.key: {SMS: "Рады были вас видеть[, {given}]!", Subject: "Спасибо", Heading: "Спасибо", Paragraphs: []string{"Спасибо."}, Button: "Советы"}}
				cl.Scenarios["after-visit"] = set
			})
			s.Patient("P")
			s.Visit("V", "P", start)
			s.To(start.Add(time.Hour))
			sent := s.SentAs("after-visit", "thanks")
			if len(sent) != 1 || !strings.Contains(sent[0].Text, tt.want) {
				t.Errorf("what left is %v", sent)
			}
		})
	}
}

// tried puts a trial as the desk does.
func tried(t *testing.T, s *stagetest.Stage, trial dental.Trial) outreach.JobRef {
	t.Helper()
	body, err := json.Marshal(trial)
	if err != nil {
		t.Fatal(err)
	}
	tx := s.Store.Begin()
	tx.Put(store.Job{Clinic: "demo", ID: "trial.2026-03-10.0", Kind: store.TrialJob, Scenario: "recall", Step: "first", Wake: s.Now(), Made: s.Now()})
	tx.Put(store.Result{Clinic: "demo", Job: "trial.2026-03-10.0", Body: body, Until: s.Now().AddDate(0, 0, 1)})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return outreach.JobRef{Clinic: "demo", ID: "trial.2026-03-10.0"}
}

func TestATrialLeavesOnceAndIsNoTouch(t *testing.T) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC))
	ref := tried(t, s, dental.Trial{Channel: dental.SMS, To: "+79160000009", Class: dental.Care, Text: "Пора на осмотр"})
	s.Tick()
	for range 3 {
		if err := s.Sender.Try(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	sent := s.Sent()
	if len(sent) != 1 || sent[0].To != "+79160000009" || sent[0].Text != "Пора на осмотр" {
		t.Fatalf("%d left: %v", len(sent), sent)
	}
	if job, err := s.Store.Begin().Job(t.Context(), "demo", ref.ID); err != nil || job.Done.IsZero() || job.Cursor != "sent" {
		t.Errorf("the job is %+v, %v", job, err)
	}
	if card := s.Card("trial"); len(card.Touches) > 0 || card.Known() {
		t.Error("it is on a card")
	}
}

func TestATrialOfAClinicThatIsPausedWaits(t *testing.T) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC))
	s.Settings(func(cl *dental.Clinic) { cl.Paused = true })
	tried(t, s, dental.Trial{Channel: dental.Mail, To: "owner@example.com", Subject: "x", Text: "y"})
	s.Tick()
	if sent := s.Sent(); len(sent) != 0 {
		t.Fatalf("%v left", sent)
	}
	s.Settings(func(cl *dental.Clinic) { cl.Paused = false })
	s.To(s.Now().Add(2 * time.Hour))
	if sent := s.Sent(); len(sent) != 1 {
		t.Errorf("when it is not any more, %d left", len(sent))
	}
}

func TestATrialIsNeverSentTwiceWhateverTheTableLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which waiting for another try takes no time
		for seed := range uint64(40) {
			once(t, seed)
		}
	})
}

func once(t *testing.T, seed uint64) {
	t.Helper()
	first := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC))
	ref := tried(t, first, dental.Trial{Channel: dental.SMS, To: "+79160000009", Text: "Пора"})
	faulty := tabletest.NewFaulty(first.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{
		tabletest.LostBefore: 0.3, tabletest.LostAfter: 0.3, tabletest.LostLate: 0.2, tabletest.FailedRead: 0.1}})
	s := stagetest.Join(first, faulty)
	for range 6 {
		_ = s.Sender.Try(t.Context(), ref) // what fails comes back by the queue
	}
	if n := len(s.Sent()); n > 1 {
		t.Fatalf("seed %d: it was sent %d times", seed, n)
	}
}

func TestWhatBecameOfATrialIsKept(t *testing.T) {
	for want, answer := range map[string]error{
		"sent":    nil,
		"refused": &outreach.Refusal{Code: "bad"},
		"lost":    t.Context().Err(),
	} {
		if want == "lost" {
			answer = errLost{}
		}
		t.Run(want, func(t *testing.T) {
			s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC))
			s.Provider = func(outreach.Message) error { return answer }
			ref := tried(t, s, dental.Trial{Channel: dental.Mail, To: "owner@example.com", Subject: "x", Text: "y"})
			if err := s.Sender.Try(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
			if job, err := s.Store.Begin().Job(t.Context(), "demo", ref.ID); err != nil || job.Cursor != want {
				t.Errorf("it is %q, %v", job.Cursor, err)
			}
		})
	}
}

type errLost struct{}

func (errLost) Error() string { return "the line went dead" }
