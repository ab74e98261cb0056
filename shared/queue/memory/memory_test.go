package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// orderly is a queue without faults, beside what is named.
func orderly(maxReceives int) *Queue { return New(DefaultSeed, Faults{MaxReceives: maxReceives}) }

func enqueue(t testing.TB, q *Queue, n int) (bodies []string) {
	t.Helper()
	for i := range n {
		bodies = append(bodies, fmt.Sprintf("body %d", i))
	}
	if err := q.Enqueue(t.Context(), bodies...); err != nil {
		t.Fatal(err)
	}
	return bodies
}

// drained are the bodies that a worker who never fails was given.
func drained(t testing.TB, q *Queue) (bodies []string) {
	t.Helper()
	err := q.Drain(t.Context(), func(_ context.Context, body string) error {
		bodies = append(bodies, body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bodies
}

func TestTheDefaultQueueRepeatsAndReordersSomeMessages(t *testing.T) {
	q := New(DefaultSeed, DefaultFaults())
	sent := enqueue(t, q, 100)
	got := drained(t, q)
	if len(got) <= 100 || len(got) > 130 {
		t.Errorf("100 messages were delivered %d times", len(got))
	}
	if slices.IsSortedFunc(got, func(a, b string) int { return slices.Index(sent, a) - slices.Index(sent, b) }) {
		t.Error("they came in order")
	}
	once := slices.Compact(slices.Sorted(slices.Values(got)))
	if !slices.Equal(once, slices.Sorted(slices.Values(sent))) {
		t.Errorf("%d different messages came", len(once))
	}
	if !q.Idle() || len(q.Dead()) != 0 {
		t.Errorf("idle %v, dead %v", q.Idle(), q.Dead())
	}
}

func TestTheSameSeedDoesTheSame(t *testing.T) {
	run := func(seed uint64) []string {
		q := New(seed, DefaultFaults())
		enqueue(t, q, 100)
		return drained(t, q)
	}
	if !slices.Equal(run(7), run(7)) {
		t.Error("two runs of one seed differ")
	}
	if slices.Equal(run(7), run(8)) {
		t.Error("two seeds do the same")
	}
}

func TestWithoutFaultsEachMessageComesOnceInOrder(t *testing.T) {
	q := orderly(5)
	if want, got := enqueue(t, q, 30), drained(t, q); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestARepeatMayComeAfterTheAcknowledgementAndNeverInTheSameBatch(t *testing.T) {
	q := New(DefaultSeed, Faults{Repeat: 1, MaxReceives: 5})
	enqueue(t, q, 3)
	for round, want := range []int{3, 3, 0} {
		batch := q.Receive(MaxBatch)
		if len(batch) != want {
			t.Fatalf("round %d gave %d messages, want %d", round, len(batch), want)
		}
		ids := map[string]bool{}
		for _, m := range batch {
			if ids[m.ID] {
				t.Errorf("%s is twice in a batch", m.ID)
			}
			ids[m.ID] = true
			if m.Receives != round+1 {
				t.Errorf("%s was received %d times in round %d", m.ID, m.Receives, round)
			}
			q.Ack(m.ID)
		}
	}
	if !q.Idle() {
		t.Error("the queue is not idle")
	}
}

func TestAMessageInFlightIsNotDeliveredAgain(t *testing.T) {
	q := New(DefaultSeed, Faults{Repeat: 1, MaxReceives: 5})
	enqueue(t, q, 1)
	first := q.Receive(1)
	if again := q.Receive(1); len(first) != 1 || len(again) != 0 {
		t.Errorf("received %v, then %v", first, again)
	}
	q.Ack(first[0].ID)
	if again := q.Receive(1); len(again) != 1 || again[0].ID != first[0].ID {
		t.Errorf("the repeat is %v", again)
	}
}

func TestTheRepeatOfAFailedMessageIsItsNextTry(t *testing.T) {
	q := New(DefaultSeed, Faults{Repeat: 1, MaxReceives: 5})
	enqueue(t, q, 1)
	tries := 0
	err := q.Drain(t.Context(), func(context.Context, string) error {
		if tries++; tries == 1 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestABatchHasAtMostTenMessages(t *testing.T) {
	q := orderly(5)
	enqueue(t, q, 25)
	for _, c := range []struct{ ask, want int }{{0, 0}, {3, 3}, {100, MaxBatch}, {MaxBatch, MaxBatch}, {MaxBatch, 2}, {MaxBatch, 0}} {
		if got := len(q.Receive(c.ask)); got != c.want {
			t.Errorf("asked for %d, got %d, want %d", c.ask, got, c.want)
		}
	}
}

func TestPartOfABatchCanFail(t *testing.T) {
	q := orderly(5)
	enqueue(t, q, 4)
	batch := q.Receive(MaxBatch)
	q.Ack(batch[0].ID)
	q.Nack(batch[1].ID)
	q.Ack(batch[2].ID)
	q.Nack(batch[3].ID)
	var back []string
	for _, m := range q.Receive(MaxBatch) {
		back = append(back, m.Body)
		q.Ack(m.ID)
	}
	if !slices.Equal(back, []string{"body 1", "body 3"}) || !q.Idle() {
		t.Errorf("came back: %v, idle %v", back, q.Idle())
	}
}

func TestWhatFailsTooOftenGoesToTheDeadLetters(t *testing.T) {
	for name, repeat := range map[string]float64{"": 0, " though it is repeated": 1} {
		t.Run("after its last receive"+name, func(t *testing.T) {
			q := New(DefaultSeed, Faults{Repeat: repeat, MaxReceives: 3})
			enqueue(t, q, 2)
			tries := map[string]int{}
			err := q.Drain(t.Context(), func(_ context.Context, body string) error {
				if tries[body]++; body == "body 1" {
					return errors.New("cannot be done")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if tries["body 1"] != 3 || !q.Idle() {
				t.Errorf("it was tried %d times, idle %v", tries["body 1"], q.Idle())
			}
			if dead := q.Dead(); len(dead) != 1 || dead[0].Body != "body 1" || dead[0].Receives != 3 {
				t.Errorf("dead: %+v", dead)
			}
		})
	}
	t.Run("and never when there is no limit", func(t *testing.T) {
		q := orderly(0)
		enqueue(t, q, 1)
		tries := 0
		err := q.Drain(t.Context(), func(context.Context, string) error {
			if tries++; tries < 1000 {
				return errors.New("not yet")
			}
			return nil
		})
		if err != nil || tries != 1000 || len(q.Dead()) != 0 {
			t.Errorf("%d tries, %v, dead %v", tries, err, q.Dead())
		}
	})
}

func TestWhatWasNotAnsweredComesBackWhenItReappears(t *testing.T) {
	q := orderly(2)
	enqueue(t, q, 3)
	batch := q.Receive(MaxBatch)
	q.Ack(batch[1].ID)
	if q.Idle() {
		t.Error("the queue is idle with messages in flight")
	}
	if n := q.Reappear(); n != 2 {
		t.Errorf("%d messages reappeared", n)
	}
	var back []string
	for _, m := range q.Receive(MaxBatch) {
		back = append(back, fmt.Sprintf("%s (%d)", m.Body, m.Receives))
	}
	if !slices.Equal(back, []string{"body 0 (2)", "body 2 (2)"}) {
		t.Errorf("came back: %v", back)
	}
	if q.Reappear(); len(q.Dead()) != 2 || !q.Idle() {
		t.Errorf("dead: %v, idle %v", q.Dead(), q.Idle())
	}
}

func TestAnAnswerToWhatIsNotInFlightChangesNothing(t *testing.T) {
	q := orderly(1)
	enqueue(t, q, 1)
	for _, id := range []string{"", "q1", "q2"} {
		q.Ack(id)
		q.Nack(id)
	}
	m := q.Receive(1)
	q.Ack(m[0].ID)
	q.Nack(m[0].ID)
	if !q.Idle() || len(q.Dead()) != 0 {
		t.Errorf("idle %v, dead %v", q.Idle(), q.Dead())
	}
}

func TestDrainWorksOffWhatTheWorkerEnqueues(t *testing.T) {
	q := orderly(5)
	enqueue(t, q, 1)
	var got []string
	err := q.Drain(t.Context(), func(ctx context.Context, body string) error {
		if got = append(got, body); len(got) < 3 {
			return q.Enqueue(ctx, body+"+")
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"body 0", "body 0+", "body 0++"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	q := orderly(5)
	enqueue(t, q, 3)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := q.Drain(ctx, func(context.Context, string) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n != 1 || q.Idle() {
		t.Errorf("%v after %d messages, idle %v", err, n, q.Idle())
	}
	if err := q.Enqueue(ctx, "late"); !errors.Is(err, context.Canceled) || dental.KindOf(err) != dental.Unavailable {
		t.Errorf("enqueue with a context that is done: %v", err)
	}
}

func TestABodyThatCannotBeCarriedIsRefusedWithAllBesideIt(t *testing.T) {
	q := orderly(5)
	for _, bad := range []string{"", strings.Repeat("x", maxBody+1)} {
		if err := q.Enqueue(t.Context(), "good", bad); dental.KindOf(err) != dental.Invalid || !q.Idle() {
			t.Errorf("a body of %d bytes: %v, idle %v", len(bad), err, q.Idle())
		}
	}
}

func TestWhateverTheWorkersDoEveryMessageIsDeliveredAndAcknowledgedOnesStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		faults := Faults{
			Repeat:      rapid.Float64Range(0, 1).Draw(t, "repeat"),
			Reach:       rapid.IntRange(0, 12).Draw(t, "reach"),
			MaxReceives: rapid.IntRange(1, 6).Draw(t, "max receives"),
		}
		q := New(rapid.Uint64().Draw(t, "seed"), faults)
		count := 0
		deliveries := map[string]int{}
		afterAck := map[string]int{}
		acked := map[string]bool{}
		flight := map[string]string{} // id → body

		receive := func(max int) {
			for _, m := range q.Receive(max) {
				if _, twice := flight[m.ID]; twice {
					t.Fatalf("%s is in flight twice", m.ID)
				}
				flight[m.ID] = m.Body
				deliveries[m.Body]++
				if m.Receives != deliveries[m.Body] {
					t.Fatalf("%s says %d receives, and has had %d", m.ID, m.Receives, deliveries[m.Body])
				}
				if acked[m.Body] {
					afterAck[m.Body]++
				}
			}
		}
		answer := func(ok bool) {
			ids := make([]string, 0, len(flight))
			for id := range flight {
				ids = append(ids, id)
			}
			if len(ids) == 0 {
				return
			}
			slices.Sort(ids)
			id := rapid.SampledFrom(ids).Draw(t, "id")
			if ok {
				q.Ack(id)
				acked[flight[id]] = true
			} else {
				q.Nack(id)
			}
			delete(flight, id)
		}
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": func(t *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(t, "n") {
					if err := q.Enqueue(context.Background(), fmt.Sprint(count)); err != nil {
						t.Fatal(err)
					}
					count++
				}
			},
			"receive":  func(t *rapid.T) { receive(rapid.IntRange(1, 12).Draw(t, "max")) },
			"ack":      func(*rapid.T) { answer(true) },
			"nack":     func(*rapid.T) { answer(false) },
			"reappear": func(*rapid.T) { q.Reappear(); clear(flight) },
		})
		// From here on every worker succeeds.
		q.Reappear()
		clear(flight)
		for rounds := 0; !q.Idle(); rounds++ {
			if rounds > 10*(count+1) {
				t.Fatal("the queue does not come to rest")
			}
			receive(MaxBatch)
			for id, body := range flight {
				q.Ack(id)
				acked[body] = true
				delete(flight, id)
			}
		}
		dead := map[string]bool{}
		for _, m := range q.Dead() {
			if dead[m.Body] || acked[m.Body] || m.Receives < faults.MaxReceives {
				t.Fatalf("a dead letter that should be none: %+v", m)
			}
			dead[m.Body] = true
		}
		for i := range count {
			body := fmt.Sprint(i)
			if deliveries[body] == 0 || acked[body] == dead[body] {
				t.Fatalf("message %s: %d deliveries, acknowledged %v, dead %v", body, deliveries[body], acked[body], dead[body])
			}
			if afterAck[body] > 1 {
				t.Fatalf("message %s came %d times after it was acknowledged", body, afterAck[body])
			}
		}
	})
}

func BenchmarkTheQueueWithAHundredThousandMessages(b *testing.B) {
	for b.Loop() {
		q := New(DefaultSeed, DefaultFaults())
		for range 100_000 {
			if err := q.Enqueue(context.Background(), "body"); err != nil {
				b.Fatal(err)
			}
		}
		if err := q.Drain(context.Background(), func(context.Context, string) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
