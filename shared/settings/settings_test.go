package settings_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/signature"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var now = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

func keeper(t *testing.T, wrap func(table.Table) table.Table) *settings.Keeper {
	t.Helper()
	var tb table.Table = tabletest.NewReference(func() time.Time { return now }, rand.Reader)
	if wrap != nil {
		tb = wrap(tb)
	}
	key := []byte(strings.Repeat("k", 32))
	s, err := store.New(tb, store.Keys{Contact: key, Link: key}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &settings.Keeper{Store: s, Rand: rand.Reader}
}

func stored(t *testing.T, s *settings.Keeper, id string) *dental.Clinic {
	t.Helper()
	cl, err := s.Store.Begin().Clinic(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestANewClinicStartsWithRemindersAloneAndStaffRelease(t *testing.T) {
	cl := settings.New("c1")
	for _, name := range scenario.Shipped().Names() {
		s := cl.Scenario(name)
		if s.On != (name == "appointment") {
			t.Errorf("%s is on: %v", name, s.On)
		}
		if s.Release != dental.ReleaseStaff || s.BacklogPerDay != 0 || s.HoldoutPercent != 0 {
			t.Errorf("%s starts as %+v", name, s)
		}
	}
	if cl.CapPerWeek != 1 || cl.CareConsent != dental.Presumed || cl.EventsPerSecond != 500 || cl.Currency != "RUB" || cl.Country != "RU" ||
		cl.TimeZone != "Europe/Moscow" || cl.Language != "ru" || cl.SendFrom.String() != "09:00" || cl.SendTo.String() != "21:00" ||
		!slices.Equal(cl.Channels, []dental.Channel{dental.SMS, dental.Mail}) || len(cl.Gifts) != 0 {
		t.Errorf("a new clinic: %+v", cl)
	}
}

func TestTheDemoClinicHasEverythingOn(t *testing.T) {
	cl := settings.Demo()
	for _, name := range scenario.Shipped().Names() {
		if s := cl.Scenario(name); !s.On || s.Release != dental.ReleaseAuto || s.HoldoutPercent != 0 || s.BacklogPerDay != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if cl.ID != "demo" || cl.MarginPermille != 400 || cl.Paused {
		t.Errorf("the demo clinic: %+v", cl)
	}
	for _, m := range cl.Maps {
		if !strings.Contains(m.URL, ".example.com/") || m.Ask != dental.AskHappy {
			t.Errorf("map %+v", m)
		}
	}
}

func TestBothStartingClinicsAreOpenMondayToSaturdayFromNineToTwenty(t *testing.T) {
	for _, cl := range []dental.Clinic{settings.New("c1"), settings.Demo()} {
		for day := (dental.Date{Year: 2026, Month: 3, Day: 8}); day.Day < 15; day = day.AddDays(1) {
			span, open := cl.OpenOn(day)
			if open != (day.Weekday() != time.Sunday) || open && (span.From.String() != "09:00" || span.To.String() != "20:00") {
				t.Errorf("%s on %s: %v %v", cl.ID, day.Weekday(), span, open)
			}
		}
	}
}

func TestPutMakesAClinicThatCanSignAndThenChangesIt(t *testing.T) {
	s := keeper(t, nil)
	created, cl, err := s.Put(t.Context(), "c1", []byte(`{"name": "Клиника Исток"}`), now)
	if err != nil || !created || cl.Name != "Клиника Исток" {
		t.Fatalf("created %v, %+v, error %v", created, cl, err)
	}
	first, err := s.Secret(t.Context(), "c1", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signature.ParseSecret(string(first)); err != nil {
		t.Errorf("the new clinic's secret cannot sign: %v", err)
	}
	created, cl, err = s.Put(t.Context(), "c1", []byte(`{"capPerWeek": 2}`), now)
	if err != nil || created || cl.CapPerWeek != 2 || cl.Name != "Клиника Исток" {
		t.Fatalf("created %v, %+v, error %v", created, cl, err)
	}
	if again, err := s.Secret(t.Context(), "c1", now); err != nil || again != first {
		t.Error("a change of settings changed the secret")
	}
	if got := stored(t, s, "c1"); got.CapPerWeek != 2 || got.Name != "Клиника Исток" {
		t.Errorf("stored: %+v", got)
	}
}

func TestABadPatchMakesNoClinicAndChangesNone(t *testing.T) {
	s := keeper(t, nil)
	if _, _, err := s.Put(t.Context(), "c1", []byte(`{"capPerWeek": 9}`), now); dental.KindOf(err) != dental.Invalid {
		t.Errorf("error %v", err)
	}
	if _, err := s.Store.Begin().Clinic(t.Context(), "c1"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a clinic was made: %v", err)
	}
}

func TestAnIDThatNoClinicCanHaveIsRefused(t *testing.T) {
	s := keeper(t, nil)
	for _, id := range []string{"", "a b", "a/b", "клиника", strings.Repeat("x", 65)} {
		if _, _, err := s.Put(t.Context(), id, []byte(`{}`), now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%q: error %v", id, err)
		}
	}
}

func TestCreateLeavesAClinicThatExistsAsItIs(t *testing.T) {
	s := keeper(t, nil)
	if created, err := s.Create(t.Context(), settings.Demo(), now); err != nil || !created {
		t.Fatalf("created %v, error %v", created, err)
	}
	if _, _, err := s.Put(t.Context(), "demo", []byte(`{"name": "Другая"}`), now); err != nil {
		t.Fatal(err)
	}
	before := stored(t, s, "demo")
	if created, err := s.Create(t.Context(), settings.Demo(), now); err != nil || created {
		t.Fatalf("created %v, error %v", created, err)
	}
	if after := stored(t, s, "demo"); after.Name != "Другая" || !slices.Equal(after.Secrets, before.Secrets) {
		t.Errorf("the clinic was changed: %+v", after)
	}
}

func TestARotatedSecretSignsAtOnceAndTheOldOneVerifiesForTheOverlap(t *testing.T) {
	s := keeper(t, nil)
	if _, err := s.Create(t.Context(), settings.Demo(), now); err != nil {
		t.Fatal(err)
	}
	old, err := s.Secret(t.Context(), "demo", now)
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.RotateSecret(t.Context(), "demo", now, time.Hour)
	if err != nil || next == old {
		t.Fatalf("the same secret: %v, error %v", next == old, err)
	}
	if signing, err := s.Secret(t.Context(), "demo", now); err != nil || signing != next {
		t.Errorf("the new secret is not the one to sign with, error %v", err)
	}
	for _, tt := range []struct {
		after time.Duration
		both  bool
	}{{0, true}, {time.Hour - time.Second, true}, {time.Hour, false}} {
		active := stored(t, s, "demo").ActiveSecrets(now.Add(tt.after))
		if !slices.Contains(active, next) || slices.Contains(active, old) != tt.both {
			t.Errorf("after %v %d secrets verify", tt.after, len(active))
		}
	}
}

func TestASecondRotationDoesNotLengthenTheLifeOfTheFirst(t *testing.T) {
	s := keeper(t, nil)
	if _, err := s.Create(t.Context(), settings.Demo(), now); err != nil {
		t.Fatal(err)
	}
	old, err := s.Secret(t.Context(), "demo", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{0, 30 * time.Minute} {
		if _, err := s.RotateSecret(t.Context(), "demo", now.Add(at), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Contains(stored(t, s, "demo").ActiveSecrets(now.Add(time.Hour)), old) {
		t.Error("the first secret still verifies after its overlap")
	}
}

func TestRotationRefusesWhatIsNotThere(t *testing.T) {
	s := keeper(t, nil)
	if _, err := s.RotateSecret(t.Context(), "nobody", now, time.Hour); dental.KindOf(err) != dental.NotFound {
		t.Errorf("an unknown clinic: %v", err)
	}
	for _, overlap := range []time.Duration{-time.Second, 31 * 24 * time.Hour} {
		if _, err := s.RotateSecret(t.Context(), "nobody", now, overlap); dental.KindOf(err) != dental.Invalid {
			t.Errorf("an overlap of %v: %v", overlap, err)
		}
	}
	if _, err := s.Secret(t.Context(), "nobody", now); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the secret of nobody: %v", err)
	}
}

func TestChangesAtOnceAllLand(t *testing.T) {
	s := keeper(t, nil)
	patches := []string{`{"name": "Исток"}`, `{"capPerWeek": 3}`, `{"margin": 0.25}`, `{"language": "en"}`, `{"scenarios": {"recall": {"on": true}}}`,
		`{"scenarios": {"birthday": {"on": true}}}`, `{"recallMonths": {"hygiene": 4}}`, `{"recallMonths": {"implant": 10}}`}
	made := make(chan bool, len(patches))
	var group sync.WaitGroup
	for _, patch := range patches {
		group.Go(func() {
			created, _, err := s.Put(t.Context(), "c1", []byte(patch), now)
			if err != nil {
				t.Errorf("%s: %v", patch, err)
			}
			made <- created
		})
	}
	group.Wait()
	close(made)
	makers := 0
	for created := range made {
		if created {
			makers++
		}
	}
	cl := stored(t, s, "c1")
	if makers != 1 || len(cl.Secrets) != 1 {
		t.Errorf("%d made the clinic, which has %d secrets", makers, len(cl.Secrets))
	}
	if cl.Name != "Исток" || cl.CapPerWeek != 3 || cl.MarginPermille != 250 || cl.Language != "en" || !cl.Scenario("recall").On ||
		!cl.Scenario("birthday").On || cl.RecallMonths["hygiene"] != 4 || cl.RecallMonths["implant"] != 10 {
		t.Errorf("a change was lost: %+v", cl)
	}
}

// TestALostAnswerDoesNothingTwice loses the answer of every second write or so.
func TestALostAnswerDoesNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := 0
		for seed := range uint64(20) {
			var faulty *tabletest.Faulty
			s := keeper(t, func(tb table.Table) table.Table {
				faulty = tabletest.NewFaulty(tb, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{tabletest.LostAfter: 0.5}})
				return faulty
			})
			created, cl, err := s.Put(t.Context(), "c1", []byte(`{"name": "Исток"}`), now)
			if err != nil || !created || len(cl.Secrets) != 1 {
				t.Fatalf("seed %d: created %v, error %v", seed, created, err)
			}
			if created, err := s.Create(t.Context(), settings.Demo(), now); err != nil || !created {
				t.Fatalf("seed %d: the demo clinic created %v, error %v", seed, created, err)
			}
			secret, err := s.RotateSecret(t.Context(), "c1", now, time.Hour)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if got := stored(t, s, "c1").Secrets; len(got) != 2 || got[1].Secret != secret {
				t.Fatalf("seed %d: %d secrets after one rotation", seed, len(got))
			}
			lost += faulty.Happened()[tabletest.LostAfter]
		}
		if lost == 0 {
			t.Error("no answer was lost")
		}
	})
}

func TestWithoutRandomnessNoClinicIsMade(t *testing.T) {
	s := keeper(t, nil)
	s.Rand = bytes.NewReader(nil)
	if created, _, err := s.Put(t.Context(), "c1", []byte(`{}`), now); err == nil || created {
		t.Errorf("created %v, error %v", created, err)
	}
	if _, err := s.Store.Begin().Clinic(t.Context(), "c1"); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a clinic was made: %v", err)
	}
}

func TestAnUnreachableTableIsUnavailable(t *testing.T) {
	s := keeper(t, func(tb table.Table) table.Table {
		return tabletest.NewFaulty(tb, tabletest.Plan{Chance: map[tabletest.Fault]float64{tabletest.FailedRead: 1}})
	})
	if _, _, err := s.Put(context.WithoutCancel(t.Context()), "c1", []byte(`{}`), now); dental.KindOf(err) != dental.Unavailable {
		t.Errorf("error %v", err)
	}
}

func TestNoSecretShowsInTheLog(t *testing.T) {
	s := keeper(t, nil)
	_, cl, err := s.Put(t.Context(), "c1", []byte(`{}`), now)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "clinic", *cl, "err", errors.New("none"))
	if strings.Contains(log.String(), "whsec_") {
		t.Error("the secret stands in the log")
	}
}

func TestTheGroupCannotChangeOnceThereArePatientsWhoseRefusalsWouldBeForgotten(t *testing.T) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC))
	k := &settings.Keeper{Store: s.Store, Rand: rand.Reader}
	if _, _, err := k.Put(t.Context(), "demo", []byte(`{"group": "chain"}`), now); err != nil {
		t.Fatalf("before the first patient: %v", err)
	}
	s.Patient("P")
	_, _, err := k.Put(t.Context(), "demo", []byte(`{"group": "another"}`), now)
	if dental.KindOf(err) != dental.Invalid || !strings.Contains(err.Error(), "group") {
		t.Errorf("with a patient: %v", err)
	}
	if _, _, err := k.Put(t.Context(), "demo", []byte(`{"group": "chain", "name": "Исток"}`), now); err != nil {
		t.Errorf("the same group again: %v", err)
	}
}
