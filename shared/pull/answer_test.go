package pull_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
)

// mortal is a table under which the process dies at one of its writes: before
// it, or after it with the answer lost. What is dead does not come back by itself.
type mortal struct {
	table.Table
	writes int
	dies   int  // at which write, from 1; 0: never
	after  bool // the write was done
	dead   bool
}

var errDead = errors.New("the process has died")

func (m *mortal) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if m.dead {
		return nil, errDead
	}
	return m.Table.Get(ctx, keys...)
}

func (m *mortal) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if m.dead {
		return table.Page{}, errDead
	}
	return m.Table.Query(ctx, q)
}

func (m *mortal) Write(ctx context.Context, ops ...table.Op) error {
	if m.dead {
		return errDead
	}
	if m.writes++; m.writes == m.dies {
		m.dead = true
		if m.after {
			_ = m.Table.Write(ctx, ops...)
		}
		return errDead
	}
	return m.Table.Write(ctx, ops...)
}

// TestAnAnswerIsSaidOnceAtMostWhereverTheProcessDies kills the process at every
// write of an answer's way, before and after it, and lets the job come back.
func TestAnAnswerIsSaidOnceAtMostWhereverTheProcessDies(t *testing.T) {
	outcomes := map[string]int{}
	for dies := 1; dies <= 3; dies++ {
		for _, after := range []bool{false, true} {
			name := fmt.Sprintf("at write %d, after it %v", dies, after)
			s := newScene(t)
			token := booked(t, s)
			if _, err := s.Desk.Act(t.Context(), token, reply.Confirm, s.Now()); err != nil {
				t.Fatal(err)
			}
			s.Set(s.Now().Add(time.Minute))
			s.Tick() // the job is in the queue
			bodies := s.queue.bodies
			s.queue.bodies = nil
			if len(bodies) != 1 {
				t.Fatalf("queued are %q", bodies)
			}
			m := &mortal{Table: s.Table, dies: dies, after: after}
			dying := play(t, stagetest.Join(s.Stage, m))
			dying.office = s.office
			dying.puller.Systems[dental.YClients] = s.office
			_ = dying.puller.Handle(t.Context(), bodies[0])
			s.queue.bodies = append(s.queue.bodies, bodies...) // it was never acknowledged
			s.drain()
			for range 10 {
				s.due(20 * time.Minute)
			}
			told, tasks := len(s.office.told), len(s.Tasks("7", dental.CallbackTask))
			outcomes[fmt.Sprintf("told %d, tasks %d", told, tasks)]++
			switch {
			case told > 1:
				t.Errorf("%s: it was said %d times", name, told)
			case told == 0 && tasks == 0:
				t.Errorf("%s: nobody was told", name)
			case told == 1 && tasks == 0 && m.dead && dies == 2 && !after:
				t.Errorf("%s: the outcome was lost, and staff do not know", name)
			}
		}
	}
	if len(outcomes) < 2 {
		t.Errorf("the process died to no effect: %v", outcomes)
	}
}
