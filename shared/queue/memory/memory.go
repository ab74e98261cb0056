// Package memory is the queue of one machine and of tests. It does openly what
// a queue in the cloud does now and then: it delivers some messages twice, also
// after they were acknowledged, and in another order than they came in. All of
// it follows from a seed, and nothing from the clock: what was received and not
// acknowledged comes back when Reappear is called.
//
// What is in it ends with the process. That loses nothing, because all work has
// a due key in the table and is queued again.
package memory

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Faults say how much the queue does of what a queue may do.
type Faults struct {
	// Repeat is the share of messages, 0 to 1, that are delivered once more.
	Repeat float64
	// Reach is how many places a message may be delivered before its turn; 0
	// keeps the order.
	Reach int
	// MaxReceives is how often a message is received before it is put to the
	// dead letters; 0 is without end.
	MaxReceives int
}

// DefaultSeed is the seed of a local run.
const DefaultSeed = 1

// DefaultFaults are the faults of a local run: more than any real queue has, so
// that work that cannot bear them does not get far. Five receives are what the
// queues of the deployment have.
func DefaultFaults() Faults { return Faults{Repeat: 0.1, Reach: 8, MaxReceives: 5} }

// MaxBatch is the most messages a Receive gives, as SQS gives a function.
const MaxBatch = 10

// maxBody is what outreach.Queue promises to carry.
const maxBody = 100 * 1024

// Message is a delivery of a message.
type Message struct {
	// ID is the message's; a repeated delivery has the same.
	ID   string
	Body string
	// Receives counts the deliveries of this message, this one included.
	Receives int
}

// Queue is an in-process queue. It is safe for concurrent use; what it does is
// the same for the same seed when it is used by one goroutine.
type Queue struct {
	faults Faults

	mu     sync.Mutex
	random *rand.Rand
	count  int
	// ready are the deliveries to come. A message stands in it once, and once
	// more while a repeat of it is to come.
	ready []*message
	// flight are the messages received and neither acknowledged nor given back.
	flight map[string]*message
	dead   []Message
}

// message is a message and where it stands.
type message struct {
	Message
	number   int
	waiting  int  // how often it stands in ready
	repeated bool // its repeat is to come, or has come
	acked    bool
}

var _ outreach.Queue = (*Queue)(nil)

// New makes an empty queue.
func New(seed uint64, f Faults) *Queue {
	return &Queue{faults: f, random: rand.New(rand.NewPCG(seed, 0)), flight: map[string]*message{}}
}

// Enqueue takes all the bodies or, when one of them could not be carried or the
// context is done, none.
func (q *Queue) Enqueue(ctx context.Context, bodies ...string) error {
	if err := ctx.Err(); err != nil {
		return &dental.Error{Kind: dental.Unavailable, Message: "memory: enqueue", Err: err}
	}
	for i, b := range bodies {
		if len(b) == 0 || len(b) > maxBody {
			return dental.Errorf(dental.Invalid, "", "memory: body %d of %d has %d bytes, and 1 to %d are carried", i+1, len(bodies), len(b), maxBody)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, b := range bodies {
		q.count++
		q.push(&message{number: q.count, Message: Message{ID: "q" + strconv.Itoa(q.count), Body: b}})
	}
	return nil
}

// Receive gives up to max messages, MaxBatch at most, each once, and none that
// is in flight. Each is to be answered with Ack or Nack.
func (q *Queue) Receive(max int) []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []Message
	for len(batch) < min(max, MaxBatch) {
		m := q.take()
		if m == nil {
			break
		}
		m.Receives++
		q.flight[m.ID] = m
		batch = append(batch, m.Message)
		if !m.repeated && q.random.Float64() < q.faults.Repeat {
			m.repeated = true
			q.push(m)
		}
	}
	return batch
}

// take removes one of the first deliveries to come that is not in flight.
func (q *Queue) take() *message {
	var near []int
	for i, m := range q.ready {
		if q.flight[m.ID] == nil {
			if near = append(near, i); len(near) > q.faults.Reach {
				break
			}
		}
	}
	if len(near) == 0 {
		return nil
	}
	i := near[q.random.IntN(len(near))]
	m := q.ready[i]
	m.waiting--
	// The few before it move up, and not the many behind it.
	copy(q.ready[1:i+1], q.ready[:i])
	q.ready[0] = nil
	q.ready = q.ready[1:]
	return m
}

func (q *Queue) push(m *message) {
	m.waiting++
	q.ready = append(q.ready, m)
}

// Ack says that the message was worked on. A repeat of it may still come.
func (q *Queue) Ack(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := q.flight[id]; m != nil {
		delete(q.flight, id)
		m.acked = true
	}
}

// Nack says that the work failed: the message comes back, or goes to the dead
// letters when it was received often enough.
func (q *Queue) Nack(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := q.flight[id]; m != nil {
		q.giveBack(m)
	}
}

// Reappear gives back everything in flight, as if the time in which it had to
// be answered were over, and tells how many messages that were.
func (q *Queue) Reappear() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	back := slices.SortedFunc(maps.Values(q.flight), func(a, b *message) int { return a.number - b.number })
	for _, m := range back {
		q.giveBack(m)
	}
	return len(back)
}

// giveBack ends a flight without an acknowledgement. A message that was
// acknowledged before was only a repeat; one whose repeat is still to come has
// that for its next try.
func (q *Queue) giveBack(m *message) {
	delete(q.flight, m.ID)
	switch {
	case m.acked:
	case q.faults.MaxReceives > 0 && m.Receives >= q.faults.MaxReceives:
		q.dead = append(q.dead, m.Message)
		q.drop(m)
	case m.waiting == 0:
		q.push(m)
	}
}

// drop takes the message's repeat out of what is to come.
func (q *Queue) drop(m *message) {
	if m.waiting > 0 {
		m.waiting = 0
		q.ready = slices.DeleteFunc(q.ready, func(r *message) bool { return r == m })
	}
}

// Idle reports whether nothing is to come and nothing in flight.
func (q *Queue) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ready) == 0 && len(q.flight) == 0
}

// Dead lists the dead letters, oldest first.
func (q *Queue) Dead() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.dead)
}

// Drain works the queue off, one message after the other, what the worker
// enqueues meanwhile included. A message whose work fails comes back later, up
// to MaxReceives. Drain ends when nothing is to come or the context is done,
// whose error it returns; with MaxReceives 0, work that always fails never ends.
func (q *Queue) Drain(ctx context.Context, worker func(ctx context.Context, body string) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := q.Receive(1)
		if len(batch) == 0 {
			return nil
		}
		if err := worker(ctx, batch[0].Body); err != nil {
			q.Nack(batch[0].ID)
		} else {
			q.Ack(batch[0].ID)
		}
	}
}
