package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var noon = time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)

// house is a store over some engine, with a clock that is moved by hand.
type house struct {
	*testing.T
	*store.Store
	table table.Table
	clock *tabletest.Clock
}

func keys(letter string) store.Keys {
	return store.Keys{Contact: []byte(strings.Repeat(letter, 32)), Link: []byte(strings.Repeat(letter+"l", 16))}
}

// everywhere runs a test over each engine.
func everywhere(t *testing.T, test func(h house)) {
	t.Helper()
	engines := map[string]func(t *testing.T, now func() time.Time) table.Table{
		"on the reference engine": func(_ *testing.T, now func() time.Time) table.Table {
			return tabletest.NewReference(now, rand.NewChaCha8([32]byte{}))
		},
		"on the embedded engine": func(t *testing.T, now func() time.Time) table.Table {
			e, err := embedded.Open(filepath.Join(t.TempDir(), "table"), now, rand.NewChaCha8([32]byte{}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
			return e
		},
	}
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			clock := tabletest.NewClock(noon)
			tb := open(t, clock.Now)
			s, err := store.New(tb, keys("k"), clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			test(house{t, s, tb, clock})
		})
	}
}

// do runs one step and commits it.
func (h house) do(step func(tx *store.Tx)) {
	h.Helper()
	tx := h.Begin()
	step(tx)
	if err := tx.Commit(h.Context()); err != nil {
		h.Fatal(err)
	}
}

func (h house) card(tx *store.Tx, patient string) *dental.Card {
	h.Helper()
	card, err := tx.Card(h.Context(), "c", patient)
	if err != nil {
		h.Fatal(err)
	}
	return card
}

// put reads a patient's card and puts nouns of it.
func (h house) put(patient string, nouns ...any) {
	h.Helper()
	h.do(func(tx *store.Tx) {
		h.card(tx, patient)
		for _, n := range nouns {
			tx.Put(n)
		}
	})
}

func head(p string) dental.Patient { return dental.Patient{Clinic: "c", ID: p} }

func touch(p, anchor string) dental.Touch {
	return dental.Touch{Clinic: "c", Patient: p, Scenario: "recall", Step: "first", Anchor: anchor, State: dental.Planned, Wake: noon}
}

func TestAStoreNeedsTwoLongKeys(t *testing.T) {
	tb := tabletest.NewReference(time.Now, rand.NewChaCha8([32]byte{}))
	long, short := make([]byte, 32), make([]byte, 31)
	for _, k := range []store.Keys{{}, {Contact: long}, {Link: long}, {Contact: short, Link: long}, {Contact: long, Link: short}} {
		if _, err := store.New(tb, k, time.Now); dental.KindOf(err) != dental.Invalid {
			t.Errorf("keys of %d and %d bytes: %v", len(k.Contact), len(k.Link), err)
		}
	}
}

func TestACardIsEverythingAboutOnePatientInTheOrderOfItsKeys(t *testing.T) {
	everywhere(t, func(h house) {
		day := dental.Date{Year: 2026, Month: 5, Day: 22}
		want := &dental.Card{
			Patient:      dental.Patient{Clinic: "c", ID: "p", GivenName: "Анна", Phone: "+79160000001", Changes: 3, Source: dental.Source{Version: 2, Body: "x"}},
			Appointments: []dental.Appointment{{Clinic: "c", Patient: "p", ID: "A-1", Start: noon}, {Clinic: "c", Patient: "p", ID: "A-2", Start: noon.Add(-time.Hour)}},
			Visits:       []dental.Visit{{Clinic: "c", Patient: "p", ID: "V-1", Day: day, FinishedAt: noon}},
			Plans:        []dental.Plan{{Clinic: "c", Patient: "p", ID: "L-1", Stages: []dental.Stage{{ID: "1", Status: dental.StageDone}}}},
			Payments:     []dental.Payment{{Clinic: "c", Patient: "p", ID: "F-1", Amount: dental.Money{Minor: 1, Currency: "RUB"}}},
			Answers:      []dental.Answer{{Clinic: "c", Patient: "p", Day: day, NPS: -1}},
			Milestones:   []dental.Milestone{{Clinic: "c", Patient: "p", Kind: dental.LastVisit, Date: day}},
			Touches:      []dental.Touch{touch("p", "1"), touch("p", "2")},
			Tasks:        []dental.Task{{Clinic: "c", Patient: "p", Kind: dental.CallTask, Anchor: "1", ShowDay: day}},
		}
		h.do(func(tx *store.Tx) {
			h.card(tx, "p")
			for _, n := range []any{want.Touches[1], want.Tasks[0], want.Appointments[1], want.Appointments[0], want.Visits[0], want.Plans[0], want.Payments[0],
				want.Answers[0], want.Milestones[0], want.Touches[0], want.Patient} {
				tx.Put(n)
			}
		})
		h.put("p2", head("p2"))
		if got := h.card(h.Begin(), "p"); !reflect.DeepEqual(got, want) {
			h.Errorf("it is\n%+v, want\n%+v", got, want)
		}
		if stranger := h.card(h.Begin(), "nobody"); stranger.Known() || !reflect.DeepEqual(stranger, &dental.Card{}) {
			h.Errorf("of a stranger is known %+v", stranger)
		}
		heads, err := h.Begin().Heads(h.Context(), dental.Member{Clinic: "c", Patient: "p2"}, dental.Member{Clinic: "c", Patient: "nobody"}, dental.Member{Clinic: "c", Patient: "p"})
		if err != nil || len(heads) != 3 || heads[0].ID != "p2" || heads[1].ID != "" || !reflect.DeepEqual(heads[2], want.Patient) {
			h.Errorf("the heads are %v (%v)", heads, err)
		}
		if heads, err := h.Begin().Heads(h.Context()); heads != nil || err != nil {
			h.Errorf("nobody's heads are %v (%v)", heads, err)
		}
	})
}

func TestACardOfAnySizeIsReadWhole(t *testing.T) {
	everywhere(t, func(h house) {
		n := table.MaxLimit + 130 // more than a page
		if _, slow := h.table.(*embedded.Engine); slow {
			n = 60 // each of its writes is synced
		}
		for i := 0; i < n; i += 24 {
			h.do(func(tx *store.Tx) {
				h.card(tx, "p")
				for j := i; j < min(i+24, n); j++ {
					tx.Put(dental.Payment{Clinic: "c", Patient: "p", ID: fmt.Sprint(j)})
				}
			})
		}
		if got := len(h.card(h.Begin(), "p").Payments); got != n {
			h.Errorf("%d of %d payments are read", got, n)
		}
	})
}

func TestAClinicIsFoundOrIsNot(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		if _, err := tx.Clinic(h.Context(), "c"); dental.KindOf(err) != dental.NotFound {
			h.Errorf("no clinic: %v", err)
		}
		cl := dental.Clinic{ID: "c", TimeZone: "Europe/Moscow", Opening: dental.Opening{"mon": {From: 540, To: 1200}}, Scenarios: map[string]dental.ScenarioSettings{"recall": {On: true}}}
		tx.Put(cl)
		if err := tx.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		got, err := h.Begin().Clinic(h.Context(), "c")
		if cl.Locate(); err != nil || !reflect.DeepEqual(*got, cl) {
			h.Errorf("it is %+v (%v)", got, err)
		}
	})
}

func TestWhatWasNotReadCannotBePut(t *testing.T) {
	everywhere(t, func(h house) {
		for name, noun := range map[string]any{
			"a patient": head("p"), "a touch": touch("p", "1"), "a visit": dental.Visit{Clinic: "c", Patient: "p", ID: "V"}, "a contact": dental.Contact{Key: "x"},
			"a clinic": dental.Clinic{ID: "c"}, "a delivery": store.Event{Clinic: "c", ID: "e"}, "a task": dental.Task{Clinic: "c", Patient: "p"},
		} {
			tx := h.Begin()
			tx.Put(noun)
			tx.Put(dental.Link{Hash: "h"})
			if err := tx.Commit(h.Context()); err == nil || !strings.Contains(err.Error(), "not read") {
				h.Errorf("%s: %v", name, err)
			}
		}
		if l, err := h.Begin().LinkByHash(h.Context(), "h"); err != nil || l.Hash != "" {
			h.Errorf("a step that failed has written %+v (%v)", l, err)
		}
		tx := h.Begin()
		tx.Put("a string")
		if err := tx.Commit(h.Context()); err == nil || !strings.Contains(err.Error(), "no place") {
			h.Errorf("something without a place: %v", err)
		}
		h.do(func(tx *store.Tx) { // their keys say all
			tx.Put(dental.Link{Hash: "h"})
			tx.Put(store.ProviderID{Channel: dental.SMS, ID: "x", At: noon, Patient: "p"})
			tx.Put(store.Job{Clinic: "c", ID: "j", Wake: noon})
		})
	})
}

func TestAStepFailsWhenWhatItReadHasChanged(t *testing.T) {
	existing := func(tx *store.Tx, h house) { h.card(tx, "p") }
	tests := []struct {
		name    string
		read    func(tx *store.Tx, h house)
		between func(h house)
		write   func(tx *store.Tx)
		stands  bool
	}{
		{"a touch that another has changed", existing, func(h house) { h.put("p", touch("p", "1")) }, func(tx *store.Tx) { tx.Put(touch("p", "1")) }, false},
		{"a touch beside one that another has changed", existing, func(h house) { h.put("p", touch("p", "1")) }, func(tx *store.Tx) { tx.Put(touch("p", "2")) }, true},
		{"a touch that another has made", existing, func(h house) { h.put("p", touch("p", "new")) }, func(tx *store.Tx) { tx.Put(touch("p", "new")) }, false},
		{"a touch that another has removed", existing, func(h house) {
			h.do(func(tx *store.Tx) { h.card(tx, "p"); tx.Remove(touch("p", "1")) })
		}, func(tx *store.Tx) { tx.Put(touch("p", "1")) }, false},
		{"a touch that another has removed and made again", existing, func(h house) {
			h.do(func(tx *store.Tx) { h.card(tx, "p"); tx.Remove(touch("p", "1")) })
			h.put("p", touch("p", "1"))
		}, func(tx *store.Tx) { tx.Put(touch("p", "1")) }, false},
		{"the removal of a touch that another has changed", existing, func(h house) { h.put("p", touch("p", "1")) }, func(tx *store.Tx) { tx.Remove(touch("p", "1")) }, false},
		{"anything under the check of a head that another has changed", existing, func(h house) { h.put("p", head("p")) }, func(tx *store.Tx) {
			tx.Check(head("p"))
			tx.Put(touch("p", "2"))
		}, false},
		{"anything under the check of a head that stands", existing, func(h house) { h.put("p", touch("p", "1")) }, func(tx *store.Tx) {
			tx.Check(head("p"))
			tx.Put(touch("p", "2"))
		}, true},
		{"a delivery that another has taken", func(tx *store.Tx, h house) {
			if _, err := tx.Event(h.Context(), "c", "e"); err != nil {
				h.Fatal(err)
			}
		}, func(h house) {
			h.do(func(tx *store.Tx) {
				if _, err := tx.Event(h.Context(), "c", "e"); err != nil {
					h.Fatal(err)
				}
				tx.Put(store.Event{Clinic: "c", ID: "e", At: noon})
			})
		}, func(tx *store.Tx) { tx.Put(store.Event{Clinic: "c", ID: "e", At: noon}) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, func(h house) {
				h.put("p", head("p"), touch("p", "1"))
				tx := h.Begin()
				tt.read(tx, h)
				tt.between(h)
				before := h.card(h.Begin(), "p")
				tt.write(tx)
				err := tx.Commit(h.Context())
				if tt.stands && err != nil || !tt.stands && !errors.Is(err, table.ErrConflict) {
					h.Errorf("the step ends with %v", err)
				}
				if after := h.card(h.Begin(), "p"); !tt.stands && !reflect.DeepEqual(after, before) {
					h.Errorf("and has changed the card from\n%+v to\n%+v", before, after)
				}
			})
		})
	}
}

func TestACheckNeedsAPatientThatWasReadAndIsThere(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		tx.Check(head("p"))
		if err := tx.Commit(h.Context()); err == nil || !strings.Contains(err.Error(), "not read") {
			h.Errorf("of one not read: %v", err)
		}
		tx = h.Begin()
		h.card(tx, "p")
		tx.Check(head("p"))
		if err := tx.Commit(h.Context()); err == nil || !strings.Contains(err.Error(), "absent") {
			h.Errorf("of one that is not there: %v", err)
		}
		h.put("p", head("p"))
		tx = h.Begin()
		if _, err := tx.Heads(h.Context(), dental.Member{Clinic: "c", Patient: "p"}); err != nil {
			h.Fatal(err)
		}
		tx.Check(head("p"))
		if err := tx.Commit(h.Context()); err != nil {
			h.Errorf("of one whose head was read: %v", err)
		}
	})
}

func TestTheLastWordAboutAnItemCounts(t *testing.T) {
	everywhere(t, func(h house) {
		h.put("p", head("p"), touch("p", "1"))
		second := touch("p", "1")
		second.Reason = "second"
		changed := head("p")
		changed.GivenName = "Анна"
		tests := []struct {
			name  string
			write func(tx *store.Tx)
			size  int
			given string
			left  []string
		}{
			{"of two puts", func(tx *store.Tx) { tx.Put(touch("p", "1")); tx.Put(second) }, 1, "", []string{"second"}},
			{"of a put and a removal", func(tx *store.Tx) { tx.Put(second); tx.Remove(touch("p", "1")) }, 1, "", nil},
			{"of a removal and a put", func(tx *store.Tx) { tx.Remove(second); tx.Put(second) }, 1, "", []string{"second"}},
			{"of a check and a put, the put", func(tx *store.Tx) { tx.Check(head("p")); tx.Put(changed) }, 1, "Анна", []string{"second"}},
			{"of a put and a check, the put", func(tx *store.Tx) { tx.Put(head("p")); tx.Check(head("p")) }, 1, "", []string{"second"}},
			{"of nothing", func(*store.Tx) {}, 0, "", []string{"second"}},
			{"of two items each its own", func(tx *store.Tx) { tx.Put(second); tx.Put(touch("p", "2")) }, 2, "", []string{"second", ""}},
		}
		for _, tt := range tests {
			tx := h.Begin()
			h.card(tx, "p")
			tt.write(tx)
			if tx.Size() != tt.size {
				h.Errorf("%s: %d operations, want %d", tt.name, tx.Size(), tt.size)
			}
			if err := tx.Commit(h.Context()); err != nil {
				h.Fatalf("%s: %v", tt.name, err)
			}
			card := h.card(h.Begin(), "p")
			var left []string
			for _, t := range card.Touches {
				left = append(left, t.Reason)
			}
			if card.Patient.GivenName != tt.given || !slices.Equal(left, tt.left) {
				h.Errorf("%s: the card has %q and touches %q, want %q and %q", tt.name, card.Patient.GivenName, left, tt.given, tt.left)
			}
		}
	})
}

func TestAStepLargerThanAWriteIsRefusedWhole(t *testing.T) {
	everywhere(t, func(h house) {
		tx := h.Begin()
		h.card(tx, "p")
		for i := range table.MaxWrite + 1 {
			tx.Put(touch("p", fmt.Sprint(i)))
		}
		if err := tx.Commit(h.Context()); !errors.Is(err, table.ErrInvalid) {
			h.Errorf("%d operations: %v", tx.Size(), err)
		}
		if n := len(h.card(h.Begin(), "p").Touches); n != 0 {
			h.Errorf("%d touches are written", n)
		}
	})
}

func TestWhatAStepHasWrittenItsCallerCanChangeAgainWithoutReadingIt(t *testing.T) {
	everywhere(t, func(h house) {
		h.put("p", touch("p", "1"))
		first := h.Begin()
		h.card(first, "p")
		claimed := touch("p", "1")
		claimed.State = dental.Claimed
		first.Put(claimed)
		if err := first.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		sent := claimed
		sent.State = dental.Sent
		second := h.Begin()
		second.Expect(first, claimed)
		second.Put(sent)
		if err := second.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		if got := h.card(h.Begin(), "p").Touches[0].State; got != dental.Sent {
			h.Errorf("it is %s", got)
		}
		third := h.Begin()
		third.Expect(first, claimed) // somebody has been there since
		third.Put(claimed)
		if err := third.Commit(h.Context()); !errors.Is(err, table.ErrConflict) {
			h.Errorf("after another's change: %v", err)
		}
		made := h.Begin()
		h.card(made, "p")
		made.Put(touch("p", "new"))
		if err := made.Commit(h.Context()); err != nil {
			h.Fatal(err)
		}
		fourth := h.Begin()
		fourth.Expect(made, touch("p", "new"))
		fourth.Put(touch("p", "new"))
		if err := fourth.Commit(h.Context()); err == nil || !strings.Contains(err.Error(), "not read") {
			h.Errorf("of what the step has made, its version is not known: %v", err)
		}
	})
}

func TestAnotherVersionsAttributesSurviveAStep(t *testing.T) {
	everywhere(t, func(h house) {
		h.put("p", head("p"), touch("p", "1"))
		add := func(key table.Key) {
			items, err := h.table.Get(h.Context(), key)
			if err != nil || !items[0].Exists() {
				h.Fatal(err, items)
			}
			item := items[0]
			item.Key = key
			item.Attr["addedLater"] = []any{"kept", int64(7)}
			if err := h.table.Write(h.Context(), table.Put(item, table.Version(item.Version))); err != nil {
				h.Fatal(err)
			}
		}
		head0, touch1 := table.Key{PK: "P#c#p", SK: "0"}, table.Key{PK: "P#c#p", SK: "T#recall#first#1"}
		add(head0)
		add(touch1)
		h.do(func(tx *store.Tx) {
			card := h.card(tx, "p")
			card.Patient.GivenName, card.Touches[0].State = "Анна", dental.Queued
			tx.Put(card.Patient)
			tx.Put(card.Touches[0])
		})
		items, err := h.table.Get(h.Context(), head0, touch1)
		if err != nil {
			h.Fatal(err)
		}
		for _, it := range items {
			if !reflect.DeepEqual(it.Attr["addedLater"], []any{"kept", int64(7)}) {
				h.Errorf("left is %v", it.Attr)
			}
		}
		if items[0].Attr["givenName"] != "Анна" || items[1].Attr["state"] != "queued" {
			h.Errorf("written is %v and %v", items[0].Attr, items[1].Attr)
		}
		gone := head("p")
		gone.Erased = true
		h.put("p", gone)
		if items, err = h.table.Get(h.Context(), head0); err != nil || items[0].Attr["addedLater"] != nil || items[0].Attr["givenName"] != nil {
			h.Errorf("of an erased person is left %v (%v)", items[0].Attr, err)
		}
	})
}

func TestAnItemThatThisCodeCannotReadIsNamed(t *testing.T) {
	everywhere(t, func(h house) {
		bad := table.Item{Key: table.Key{PK: "P#c#p", SK: "V#V-1"}, Attr: map[string]any{"finishedAt": "yesterday"}}
		strange := table.Item{Key: table.Key{PK: "P#c#q", SK: "Z#1"}, Attr: map[string]any{"finishedAt": "yesterday"}}
		if err := h.table.Write(h.Context(), table.Put(bad, table.None), table.Put(strange, table.None)); err != nil {
			h.Fatal(err)
		}
		if _, err := h.Begin().Card(h.Context(), "c", "p"); err == nil || !strings.Contains(err.Error(), "V#V-1") || !strings.Contains(err.Error(), "finishedAt") {
			h.Errorf("%v", err)
		}
		if card := h.card(h.Begin(), "q"); card.Known() {
			h.Errorf("a kind of item that newer code has made is read as %+v", card)
		}
	})
}

// broken is a table that cannot be reached.
type broken struct{ table.Table }

var errDown = errors.New("down")

func (broken) Get(context.Context, ...table.Key) ([]table.Item, error) { return nil, errDown }
func (broken) Query(context.Context, table.Query) (table.Page, error)  { return table.Page{}, errDown }
func (broken) Write(context.Context, ...table.Op) error                { return errDown }

func TestATableThatCannotBeReachedIsUnavailable(t *testing.T) {
	s, err := store.New(broken{}, keys("k"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cl := t.Context(), &dental.Clinic{ID: "c"}
	for name, call := range map[string]func() error{
		"a clinic":        func() error { _, err := s.Begin().Clinic(ctx, "c"); return err },
		"a card":          func() error { _, err := s.Begin().Card(ctx, "c", "p"); return err },
		"heads":           func() error { _, err := s.Begin().Heads(ctx, dental.Member{}); return err },
		"contacts":        func() error { _, err := s.Begin().Contacts(ctx, cl, "+7"); return err },
		"a contact":       func() error { _, err := s.Begin().ContactByKey(ctx, "x"); return err },
		"a delivery":      func() error { _, err := s.Begin().Event(ctx, "c", "e"); return err },
		"a provider's id": func() error { _, err := s.Begin().ProviderID(ctx, dental.SMS, "x"); return err },
		"a job":           func() error { _, err := s.Begin().Job(ctx, "c", "j"); return err },
		"a link":          func() error { _, err := s.Begin().Link(ctx, "s", strings.Repeat("a", 16), noon); return err },
		"what is due":     func() error { _, _, err := s.Due(ctx, 0, noon, 10, ""); return err },
		"the next due":    func() error { _, _, err := s.NextDue(ctx); return err },
		"the tasks":       func() error { _, _, err := s.OpenTasks(ctx, "c", 10, ""); return err },
		"the clinics":     func() error { _, _, err := s.Clinics(ctx, 10, ""); return err },
		"the base": func() error {
			return s.Patients(ctx, "c", dental.Date{Year: 2026, Month: 1, Day: 1}, dental.Date{Year: 2026, Month: 1, Day: 1}, func(string) error { return nil })
		},
		"a write": func() error {
			tx := s.Begin()
			tx.Put(dental.Link{Hash: "h"})
			return tx.Commit(ctx)
		},
	} {
		if err := call(); dental.KindOf(err) != dental.Unavailable || !errors.Is(err, errDown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStepIsRunAgainUntilItDoesNotRunIntoAnothersWrite(t *testing.T) {
	for name, cause := range map[string]error{"a conflict": table.ErrConflict, "contention": table.ErrContention, "a lost answer": table.ErrAmbiguous} {
		t.Run("after "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs, start := 0, time.Now()
				err := store.Retry(t.Context(), func(context.Context) error {
					if runs++; runs < 4 {
						return fmt.Errorf("store: write: %w", cause)
					}
					return nil
				})
				if took := time.Since(start); err != nil || runs != 4 || took == 0 || took > time.Second {
					t.Errorf("%d runs in %s: %v", runs, took, err)
				}
			})
		})
	}
	t.Run("but not after an error of another kind", func(t *testing.T) {
		for _, cause := range []error{dental.Errorf(dental.Invalid, "", "no"), table.ErrInvalid, errDown, context.Canceled} {
			runs := 0
			if err := store.Retry(t.Context(), func(context.Context) error { runs++; return cause }); runs != 1 || !errors.Is(err, cause) {
				t.Errorf("%v: %d runs, %v", cause, runs, err)
			}
		}
	})
	t.Run("and in the end it is unavailable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			err := store.Retry(t.Context(), func(context.Context) error { return table.ErrConflict })
			if took := time.Since(start); dental.KindOf(err) != dental.Unavailable || !errors.Is(err, table.ErrConflict) || took < 4*time.Second || took > 15*time.Second {
				t.Errorf("after %s: %v", took, err)
			}
		})
	})
	t.Run("and it is unavailable at once when the caller has gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start, runs := time.Now(), 0
			err := store.Retry(ctx, func(context.Context) error { runs++; return table.ErrContention })
			if took := time.Since(start); dental.KindOf(err) != dental.Unavailable || !errors.Is(err, context.DeadlineExceeded) || took > 100*time.Millisecond || runs == 0 {
				t.Errorf("after %s and %d runs: %v", took, runs, err)
			}
		})
	})
}

func TestStepsThatRaceAllCountOnce(t *testing.T) {
	everywhere(t, func(h house) {
		h.put("p", head("p"))
		const racers = 12
		done := make(chan error)
		for range racers {
			go func() {
				done <- store.Retry(h.Context(), func(ctx context.Context) error {
					tx := h.Begin()
					card, err := tx.Card(ctx, "c", "p")
					if err != nil {
						return err
					}
					card.Patient.Changes++
					tx.Put(card.Patient)
					return tx.Commit(ctx)
				})
			}()
		}
		for range racers {
			if err := <-done; err != nil {
				h.Error(err)
			}
		}
		if got := h.card(h.Begin(), "p").Patient.Changes; got != racers {
			h.Errorf("%d of %d changes count", got, racers)
		}
	})
}
