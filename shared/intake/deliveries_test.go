package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// watched is a table that counts its calls and remembers every key ever put.
type watched struct {
	table.Table

	mu            sync.Mutex
	reads, writes int
	keys          map[table.Key]bool
}

func (w *watched) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	w.mu.Lock()
	w.reads++
	w.mu.Unlock()
	return w.Table.Get(ctx, keys...)
}

func (w *watched) Query(ctx context.Context, q table.Query) (table.Page, error) {
	w.mu.Lock()
	w.reads++
	w.mu.Unlock()
	return w.Table.Query(ctx, q)
}

func (w *watched) Write(ctx context.Context, ops ...table.Op) error {
	w.mu.Lock()
	w.writes++
	for _, op := range ops {
		w.keys[op.Item.Key] = true
	}
	w.mu.Unlock()
	return w.Table.Write(ctx, ops...)
}

// count is how many calls a step makes.
func (w *watched) count(step func()) (reads, writes int) {
	r, n := w.reads, w.writes
	step()
	return w.reads - r, w.writes - n
}

// items is all that the table holds.
func (w *watched) items(t testing.TB) []table.Item {
	t.Helper()
	var out []table.Item
	for key := range w.keys {
		items, err := w.Table.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if items[0].Exists() {
			items[0].Key = key
			out = append(out, items[0])
		}
	}
	return out
}

// stage is a stage with a watched table under it.
func stage(t testing.TB, change ...func(*dental.Clinic)) (*stagetest.Stage, *watched) {
	t.Helper()
	w := &watched{keys: map[table.Key]bool{}}
	now := func() time.Time { return start }
	w.Table = tabletest.NewReference(func() time.Time { return now() }, bytes.NewReader(bytes.Repeat([]byte("random"), 1<<16)))
	heard := func(cl *dental.Clinic) { cl.HeardAt = start } // once in a while an event notes that, and reads the clinic for it
	s := stagetest.On(t, w, start, append([]func(*dental.Clinic){heard}, change...)...)
	now = s.Now
	return s, w
}

func (w *watched) accept(t *testing.T, s *stagetest.Stage, ev intake.Event) (repeat bool) {
	t.Helper()
	repeat, err := s.Intake.Accept(t.Context(), &s.Clinic, ev, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return repeat
}

func delivered(id, body string, ev intake.Event) intake.Event {
	ev.Clinic, ev.ID, ev.Body, ev.At = "demo", id, body, start
	return ev
}

func TestADeliveryRepeatedIsOne(t *testing.T) {
	s, w := stage(t)
	ev := delivered("m1", "body", visitEvent(1, "V-1", start.Add(-time.Hour), 540000, dental.Hygiene))
	if w.accept(t, s, ev) {
		t.Error("the first is a repeat")
	}
	before := s.Card("P-1")
	_, writes := w.count(func() {
		if !w.accept(t, s, ev) {
			t.Error("the second is no repeat")
		}
	})
	if after := s.Card("P-1"); writes != 0 || after.Patient.Changes != before.Patient.Changes {
		t.Errorf("the repeat made %d writes, and %d changes", writes, after.Patient.Changes-before.Patient.Changes)
	}
}

func TestADeliveryWithAnotherBodyIsRefusedWhateverItSays(t *testing.T) {
	s, w := stage(t)
	w.accept(t, s, delivered("m1", "body", visitEvent(1, "V-1", start.Add(-time.Hour), 540000, dental.Hygiene)))
	for _, ev := range history() {
		_, writes := w.count(func() {
			_, err := s.Intake.Accept(t.Context(), &s.Clinic, delivered("m1", "another", ev), s.Now())
			if dental.KindOf(err) != dental.Conflict {
				t.Errorf("%s: error %v", ev.Type, err)
			}
		})
		if writes != 0 {
			t.Errorf("%s was written", ev.Type)
		}
	}
}

func TestADeliveryIsRememberedForEightDays(t *testing.T) {
	s, w := stage(t)
	w.accept(t, s, delivered("m1", "body", cardEvent(1, nil)))
	s.Set(start.Add(8*24*time.Hour - time.Second))
	if !w.accept(t, s, delivered("m1", "body", cardEvent(1, nil))) {
		t.Error("it is forgotten before")
	}
	s.Set(start.Add(8 * 24 * time.Hour))
	changes := s.Card("P-1").Patient.Changes
	if w.accept(t, s, delivered("m1", "body", cardEvent(1, nil))) {
		t.Error("it is remembered for longer")
	}
	if s.Card("P-1").Patient.Changes != changes {
		t.Error("the same card of the same version changed something")
	}
}

func TestAnEventIsOneWriteAndAtMostThreeReads(t *testing.T) {
	s, w := stage(t)
	events := append(history(), intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P-1"}}, cardEvent(9, nil))
	for i, ev := range events {
		if ev.At.IsZero() {
			ev.At = start
		}
		at := ev.At
		ev = delivered(fmt.Sprint("m", i), fmt.Sprint(i), ev)
		ev.At = at
		reads, writes := w.count(func() { w.accept(t, s, ev) })
		if reads > 3 || writes != 1 {
			t.Errorf("%s of version %d: %d reads, %d writes", ev.Type, i, reads, writes)
		}
	}
}

func TestTheClinicIsNotedToHaveBeenHeardOnceInAWhile(t *testing.T) {
	s, _ := stage(t)
	heard := func() time.Time {
		cl, err := s.Store.Begin().Clinic(t.Context(), s.Clinic.ID)
		if err != nil {
			t.Fatal(err)
		}
		return cl.HeardAt
	}
	for i, tt := range []struct{ after, noted time.Duration }{{time.Hour, 0}, {2 * time.Hour, 2 * time.Hour}, {3 * time.Hour, 2 * time.Hour}, {30 * time.Hour, 30 * time.Hour}} {
		s.Set(start.Add(tt.after))
		s.Patient("P-1", func(c *intake.Card) { c.Version = int64(i + 1) })
		if got := heard().Sub(start); got != tt.noted {
			t.Errorf("after %s it was heard %s after the start, want %s", tt.after, got, tt.noted)
		}
	}
}

// logged keeps what intake says.
func logged(s *stagetest.Stage) *bytes.Buffer {
	var b bytes.Buffer
	s.Intake.Log = slog.New(slog.NewTextHandler(&b, nil))
	return &b
}

func TestOfTwoBodiesUnderOneVersionTheLaterReceiptWinsAndIsLogged(t *testing.T) {
	s, _ := stage(t)
	log := logged(s)
	for _, version := range []int64{7, 0} { // 0: the sender counts none
		s.Tell(visitEvent(version, fmt.Sprint("V-", version), start.Add(-time.Hour), 100, dental.Hygiene))
		if log.Len() > 0 {
			t.Errorf("the first word is logged: %s", log)
		}
		other := visitEvent(version, fmt.Sprint("V-", version), start.Add(-time.Hour), 200, dental.Hygiene)
		other.Visit.Body = "another"
		s.Tell(other)
		if got := s.Card("P-1").Visit(other.Visit.ID).Receipt.Minor; got != 200 {
			t.Errorf("version %d: the receipt is %d", version, got)
		}
		if !strings.Contains(log.String(), "two bodies under one version") || !strings.Contains(log.String(), "type=visit.completed") {
			t.Errorf("version %d: the log says %q", version, log)
		}
		log.Reset()
		s.Tell(other)
		if log.Len() > 0 {
			t.Errorf("version %d: the same again is logged: %s", version, log)
		}
	}
}

func TestAnOlderVersionChangesNothing(t *testing.T) {
	s, _ := stage(t)
	for _, ev := range history() {
		s.Tell(ev)
	}
	before := facts(s)
	for _, ev := range history() {
		ev.At = start
		switch {
		case ev.Card != nil:
			ev.Card.GivenName, ev.Card.Number, ev.Card.Consents = "Другая", "+79160000009", nil
		case ev.Appointment != nil:
			ev.Appointment.Start = start.Add(99 * time.Hour)
		case ev.Visit != nil:
			ev.Visit.Receipt.Minor++
		case ev.Plan != nil:
			ev.Plan.Stages = nil
		case ev.Payment != nil:
			ev.Payment.Amount.Minor++
		}
		older := func(src *dental.Source) { src.Version, src.Body = src.Version-10, "older" }
		switch {
		case ev.Card != nil:
			older(&ev.Card.Source)
		case ev.Appointment != nil:
			older(&ev.Appointment.Source)
		case ev.Visit != nil:
			older(&ev.Visit.Source)
		case ev.Plan != nil:
			older(&ev.Plan.Source)
		case ev.Payment != nil:
			older(&ev.Payment.Source)
		}
		s.Tell(ev)
	}
	if after := facts(s); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestAnotherCurrencyIsRefusedByTheNameOfItsField(t *testing.T) {
	s, w := stage(t)
	euro := dental.Money{Minor: 100, Currency: "EUR"}
	visit := visitEvent(1, "V-1", start.Add(-time.Hour), 100, dental.Hygiene)
	visit.Visit.Receipt = euro
	payment := paymentEvent(1, "F-1", 100, dental.Paid)
	payment.Payment.Amount = euro
	plan := planEvent(1, "L-1", start, dental.StagePlanned, dental.StagePlanned)
	plan.Plan.Stages[0].Price, plan.Plan.Stages[1].Price = dental.Money{Minor: 100, Currency: "RUB"}, euro
	for field, ev := range map[string]intake.Event{"data.receipt.currency": visit, "data.amount.currency": payment, "data.stages[1].price.currency": plan} {
		_, writes := w.count(func() {
			err := s.TryTell(ev)
			if dental.KindOf(err) != dental.Invalid || !strings.HasPrefix(err.Error(), field+": ") {
				t.Errorf("%s: error %v, want one about %s", ev.Type, err, field)
			}
		})
		if writes != 0 {
			t.Errorf("%s was written", ev.Type)
		}
	}
}

func TestAVisitOfTheFutureIsRefused(t *testing.T) {
	s, _ := stage(t)
	if err := s.TryTell(visitEvent(1, "V-1", start.Add(24*time.Hour+time.Second), 100, dental.Hygiene)); dental.KindOf(err) != dental.Invalid ||
		!strings.HasPrefix(err.Error(), "data.finishedAt: ") {
		t.Errorf("error %v", err)
	}
	if err := s.TryTell(visitEvent(1, "V-1", start.Add(24*time.Hour), 100, dental.Hygiene)); err != nil {
		t.Errorf("a sender whose clock is a day ahead: %v", err)
	}
}

func TestAnEventThatSaysNothingIsRefused(t *testing.T) {
	s, w := stage(t)
	writes := w.writes
	if err := s.TryTell(intake.Event{Type: "visit.imagined"}); dental.KindOf(err) != dental.Invalid || w.writes != writes {
		t.Errorf("error %v, %d writes", err, w.writes-writes)
	}
}

func TestAClockAheadOfOursDoesNotBookInTheFuture(t *testing.T) {
	s, _ := stage(t)
	ev := appointmentEvent(intake.AppointmentBooked, 1, "A-1", start.Add(100*time.Hour), dental.Booked)
	ev.At = start.Add(3 * time.Hour)
	s.Tell(ev)
	if a := s.Card("P-1").Appointment("A-1"); !a.BookedAt.Equal(start) || !a.ChangedAt.Equal(start) {
		t.Errorf("booked at %v, changed at %v", a.BookedAt, a.ChangedAt)
	}
}
