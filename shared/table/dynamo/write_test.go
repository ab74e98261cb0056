package dynamo

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/table"
)

var noon = time.Date(2040, 5, 17, 12, 0, 0, 0, time.UTC)

// scene is an engine on a service that misbehaves, with another engine on the
// same service that is never troubled: somebody else.
type scene struct {
	*testing.T
	*service
	engine *Engine
	now    time.Time

	others *Engine
}

func newScene(t *testing.T) *scene {
	s := &scene{T: t, service: newService(), now: noon}
	clock := func() time.Time { return s.now }
	s.engine = New(s.service, "test", clock, seeded(1))
	s.others = New(&untroubled{s.service}, "test", clock, seeded(2))
	return s
}

// untroubled is the same service without its trouble.
type untroubled struct{ *service }

func (u *untroubled) quiet(do func()) {
	trouble, before, calls, applied := u.trouble, u.before, u.calls, u.applied
	u.trouble, u.before = nil, nil
	do()
	u.trouble, u.before, u.calls, u.applied = trouble, before, calls, applied
}

// others writes as somebody else does, and must succeed.
func (s *scene) other(ops ...table.Op) {
	s.Helper()
	(&untroubled{s.service}).quiet(func() {
		if err := s.others.Write(context.Background(), ops...); err != nil {
			s.Fatalf("somebody else's write: %v", err)
		}
	})
}

func (s *scene) read(sk string) (item table.Item) {
	s.Helper()
	(&untroubled{s.service}).quiet(func() {
		items, err := s.others.Get(context.Background(), at(sk))
		if err != nil {
			s.Fatal(err)
		}
		item = items[0]
	})
	return item
}

// in puts the troubles before the first writing calls, one each.
func (s *scene) in(troubles ...trouble) {
	s.trouble = func(call string) trouble {
		if call == "GetItem" || call == "BatchGetItem" || len(troubles) == 0 {
			return none
		}
		now := troubles[0]
		troubles = troubles[1:]
		return now
	}
}

// always gives every writing call the same trouble.
func (s *scene) always(what trouble) {
	s.trouble = func(call string) trouble {
		if call == "GetItem" || call == "BatchGetItem" {
			return none
		}
		return what
	}
}

// atCall lets somebody else act ahead of the n-th call, the first being 1.
func (s *scene) atCall(n int, act func()) {
	s.before = func() {
		if n--; n == 0 {
			act()
		}
	}
}

func (s *scene) writes() int {
	return s.count("PutItem") + s.count("DeleteItem") + s.count("TransactWriteItems")
}

func at(sk string) table.Key { return table.Key{PK: "p", SK: sk} }

func item(sk, says string) table.Item {
	return table.Item{Key: at(sk), Attr: map[string]any{"says": says}}
}

var kinds = []error{table.ErrConflict, table.ErrContention, table.ErrAmbiguous, table.ErrInvalid}

// errNoKind stands for an error that is of none of the port's kinds.
var errNoKind = errors.New("an error of no kind")

// isOf reports whether the error is of this kind and no other; want may be nil
// and errNoKind too.
func isOf(err, want error) bool {
	if err == nil || want == nil {
		return err == nil && want == nil
	}
	for _, kind := range kinds {
		if errors.Is(err, kind) != (kind == want) {
			return false
		}
	}
	return true
}

func TestAWriteWhoseAnswerWasLost(t *testing.T) {
	// Every case starts from the items "old" and "head" and the clock at noon.
	for _, c := range []struct {
		says    string
		arrange func(s *scene)
		ops     func(s *scene) []table.Op
		want    error // of the kinds, or nil
		sent    int   // how often the write was sent
		holds   map[string]any
	}{
		{
			says:    "is sent again when nothing was done: a put under a version",
			arrange: func(s *scene) { s.in(lostThere) },
			ops:     putOld, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says:    "is known by its write id when it was done: a put under a version",
			arrange: func(s *scene) { s.in(lostBack) },
			ops:     putOld, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says:    "is known by its write id after a 500 that came too late",
			arrange: func(s *scene) { s.in(serverErrorIn) },
			ops:     putOld, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says:    "is sent again after a 500",
			arrange: func(s *scene) { s.in(serverError, serverError) },
			ops:     putOld, sent: 3, holds: map[string]any{"old": "new"},
		},
		{
			says:    "is sent again when no answer comes in time",
			arrange: func(s *scene) { s.in(silent) },
			ops:     putOld, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says:    "is sent again when nothing was done: a put under Absent",
			arrange: func(s *scene) { s.in(lostThere) },
			ops:     putNew(table.Absent), sent: 2, holds: map[string]any{"new": "new"},
		},
		{
			says:    "is known by its write id when it was done: a put under Absent",
			arrange: func(s *scene) { s.in(lostBack) },
			ops:     putNew(table.Absent), sent: 2, holds: map[string]any{"new": "new"},
		},
		{
			says:    "is not sent again, but looked for and found: a put under no condition",
			arrange: func(s *scene) { s.in(lostBack) },
			ops:     putNew(table.None), sent: 1, holds: map[string]any{"new": "new"},
		},
		{
			says:    "is not sent again, and ambiguous when not found: a put under no condition",
			arrange: func(s *scene) { s.in(lostThere) },
			ops:     putNew(table.None), want: table.ErrAmbiguous, sent: 1, holds: map[string]any{"new": nil},
		},
		{
			says:    "is known by the id on any of its items: a transaction",
			arrange: func(s *scene) { s.in(lostBack) },
			ops:     several, sent: 2, holds: map[string]any{"old": "new", "new": "new", "head": nil},
		},
		{
			says:    "is not sent again when only a check beside it has a version",
			arrange: func(s *scene) { s.in(lostThere) },
			ops: func(s *scene) []table.Op {
				return []table.Op{table.Put(item("new", "new"), table.None), table.Check(at("head"), table.Version(s.read("head").Version))}
			},
			want: table.ErrAmbiguous, sent: 1, holds: map[string]any{"new": nil},
		},
		{
			says: "and whose item had expired by then conflicts",
			arrange: func(s *scene) {
				s.in(lostThere)
				s.now = noon.Add(time.Hour)
			},
			ops: func(s *scene) []table.Op {
				short := item("short", "first")
				short.Expires = noon.Add(time.Minute)
				s.other(table.Put(short, table.None))
				return []table.Op{table.Put(item("short", "new"), table.Version(s.read("short").Version))}
			},
			want: table.ErrConflict, sent: 2,
		},
		{
			says: "is known although somebody has replaced one of its items",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(2, func() { s.other(table.Put(item("old", "theirs"), table.Version(s.read("old").Version))) })
			},
			ops: several, sent: 2, holds: map[string]any{"old": "theirs", "new": "new"},
		},
		{
			says: "is known by the version that counts on from what it drew",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(2, func() { s.other(table.Put(item("new", "theirs"), table.Version(s.read("new").Version))) })
			},
			ops: putNew(table.Absent), sent: 2, holds: map[string]any{"new": "theirs"},
		},
		{
			says:    "is done once when the service remembers its token",
			arrange: func(s *scene) { s.tokens = true; s.in(lostBack) },
			ops:     several, sent: 2, holds: map[string]any{"old": "new", "new": "new"},
		},
		{
			says: "and met another's put under the same version conflicts",
			arrange: func(s *scene) {
				s.in(lostThere)
				s.atCall(2, func() { s.other(table.Put(item("old", "theirs"), table.Version(s.read("old").Version))) })
			},
			ops: putOld, want: table.ErrConflict, sent: 2, holds: map[string]any{"old": "theirs"},
		},
		{
			says: "and met another's new item conflicts",
			arrange: func(s *scene) {
				s.in(lostThere)
				s.atCall(2, func() { s.other(table.Put(item("new", "theirs"), table.Absent)) })
			},
			ops: putNew(table.Absent), want: table.ErrConflict, sent: 2, holds: map[string]any{"new": "theirs"},
		},
		{
			says: "and met a check that fails conflicts, since its put was not done and never will be",
			arrange: func(s *scene) {
				s.in(lostThere)
				s.atCall(2, func() { s.other(table.Put(item("head", "moved"), table.Version(s.read("head").Version))) })
			},
			ops: guarded, want: table.ErrConflict, sent: 2, holds: map[string]any{"old": "first", "head": "moved"},
		},
		{
			says: "and whose item has moved on by two is ambiguous: one of them may be ours",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(2, func() { s.other(table.Put(item("old", "theirs"), table.Version(s.read("old").Version))) })
			},
			ops: putOld, want: table.ErrAmbiguous, sent: 2, holds: map[string]any{"old": "theirs"},
		},
		{
			says: "and whose item has moved on by two is ambiguous, although what it only checks has not moved",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(2, func() { s.other(table.Put(item("old", "theirs"), table.Version(s.read("old").Version))) })
			},
			ops: guarded, want: table.ErrAmbiguous, sent: 2, holds: map[string]any{"old": "theirs"},
		},
		{
			says: "and that is done while it is looked for is not taken for a conflict",
			arrange: func(s *scene) {
				s.in(lostForNow, forbidden)
				// The items are read one by one, the last first. The request arrives
				// between the two of the second reading, and then what it checked moves.
				s.batch = 1
				s.atCall(6, func() {
					s.arrive()
					s.other(table.Put(item("head", "moved"), table.Version(s.read("head").Version)))
				})
			},
			ops: func(s *scene) []table.Op {
				ops := guarded(s)
				slices.Reverse(ops)
				return ops
			},
			want: table.ErrAmbiguous, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says: "and whose item is gone is ambiguous: ours may have been deleted",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(2, func() { s.other(table.Delete(at("new"), table.None), table.Put(item("head", "x"), table.None)) })
			},
			ops: func(s *scene) []table.Op {
				return []table.Op{table.Put(item("new", "new"), table.Absent), table.Check(at("head"), table.Version(s.read("head").Version))}
			},
			want: table.ErrAmbiguous, sent: 2, holds: map[string]any{"new": nil},
		},
		{
			says:    "is ambiguous when it deleted under a version: nobody signs a hole",
			arrange: func(s *scene) { s.in(lostBack) },
			ops:     deleteOld(true), want: table.ErrAmbiguous, sent: 2, holds: map[string]any{"old": nil},
		},
		{
			says:    "is sent again when nothing was done: a delete under a version",
			arrange: func(s *scene) { s.in(lostThere) },
			ops:     deleteOld(true), sent: 2, holds: map[string]any{"old": nil},
		},
		{
			says: "conflicts when the item to delete went on to the next version",
			arrange: func(s *scene) {
				s.in(lostThere)
				s.atCall(2, func() { s.other(table.Put(item("old", "theirs"), table.Version(s.read("old").Version))) })
			},
			ops: deleteOld(true), want: table.ErrConflict, sent: 2, holds: map[string]any{"old": "theirs"},
		},
		{
			says:    "needs no more when it deleted unconditionally and the item is gone",
			arrange: func(s *scene) { s.in(lostBack) },
			ops:     deleteOld(false), sent: 1, holds: map[string]any{"old": nil},
		},
		{
			says:    "is not sent again, and ambiguous, when it deletes unconditionally what is there",
			arrange: func(s *scene) { s.in(lostThere) },
			ops:     deleteOld(false), want: table.ErrAmbiguous, sent: 1, holds: map[string]any{"old": "first"},
		},
		{
			says:    "is sent again as often as need be when it only checks",
			arrange: func(s *scene) { s.in(lostBack, lostThere, serverError) },
			ops: func(s *scene) []table.Op {
				return []table.Op{table.Check(at("head"), table.Version(s.read("head").Version)), table.Check(at("new"), table.Absent)}
			},
			sent: 4,
		},
		{
			says: "conflicts when it only checks and the condition has become false",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(2, func() { s.other(table.Delete(at("head"), table.None)) })
			},
			ops: func(s *scene) []table.Op {
				return []table.Op{table.Check(at("head"), table.Version(s.read("head").Version))}
			},
			want: table.ErrConflict, sent: 2,
		},
		{
			says:    "is never ambiguous when it only checks, even if no answer ever comes",
			arrange: func(s *scene) { s.always(lostBack) },
			ops:     func(s *scene) []table.Op { return []table.Op{table.Check(at("new"), table.Absent)} },
			want:    errNoKind, sent: attempts,
		},
		{
			says:    "is ambiguous when it can neither be repeated to the end nor be found",
			arrange: func(s *scene) { s.always(lostThere) },
			ops:     putOld, want: table.ErrAmbiguous, sent: attempts, holds: map[string]any{"old": "first"},
		},
		{
			says: "is ambiguous, not contention, when the rest of the attempts were refused for load",
			arrange: func(s *scene) {
				s.in(append([]trouble{lostForNow}, slices.Repeat([]trouble{throttled}, attempts)...)...)
			},
			ops: putOld, want: table.ErrAmbiguous, sent: attempts, holds: map[string]any{"old": "first"},
		},
		{
			says:    "is found after the rest of the attempts were refused for load",
			arrange: func(s *scene) { s.in(append([]trouble{lostBack}, slices.Repeat([]trouble{throttled}, attempts)...)...) },
			ops:     putOld, sent: attempts, holds: map[string]any{"old": "new"},
		},
		{
			says:    "is found after permission was withdrawn from the repetition",
			arrange: func(s *scene) { s.in(lostBack, forbidden) },
			ops:     putOld, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says: "is ambiguous when it cannot be read back",
			arrange: func(s *scene) {
				s.in(lostBack)
				writing := s.trouble
				s.trouble = func(call string) trouble {
					if call == "GetItem" {
						return forbidden
					}
					return writing(call)
				}
			},
			ops: putOld, want: table.ErrAmbiguous, sent: 2, holds: map[string]any{"old": "new"},
		},
		{
			says: "is not taken for another's when ours has expired since",
			arrange: func(s *scene) {
				s.in(lostBack)
				s.atCall(3, func() { s.now = s.now.Add(time.Hour) })
			},
			ops: func(s *scene) []table.Op {
				short := item("new", "new")
				short.Expires = noon.Add(time.Minute)
				return []table.Op{table.Put(short, table.Absent)}
			},
			sent: 2,
		},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				s.other(table.Put(item("old", "first"), table.None), table.Put(item("head", "first"), table.None))
				ops := c.ops(s)
				c.arrange(s)
				err := s.engine.Write(t.Context(), ops...)
				if !isOf(err, c.want) {
					t.Errorf("the error is %v, want %v", err, c.want)
				}
				if got := s.writes(); got != c.sent {
					t.Errorf("sent %d times, want %d", got, c.sent)
				}
				for sk, says := range c.holds {
					if says == nil && sk == "head" {
						continue
					}
					if got := s.read(sk).Attr["says"]; got != says {
						t.Errorf("%s says %v, want %v", sk, got, says)
					}
				}
			})
		})
	}
}

func putOld(s *scene) []table.Op {
	return []table.Op{table.Put(item("old", "new"), table.Version(s.read("old").Version))}
}

func putNew(cond table.Cond) func(s *scene) []table.Op {
	return func(*scene) []table.Op { return []table.Op{table.Put(item("new", "new"), cond)} }
}

func deleteOld(conditional bool) func(s *scene) []table.Op {
	return func(s *scene) []table.Op {
		if conditional {
			return []table.Op{table.Delete(at("old"), table.Version(s.read("old").Version))}
		}
		return []table.Op{table.Delete(at("old"), table.None)}
	}
}

func several(s *scene) []table.Op {
	return []table.Op{
		table.Put(item("old", "new"), table.Version(s.read("old").Version)),
		table.Put(item("new", "new"), table.Absent),
		table.Check(at("head"), table.Version(s.read("head").Version)),
	}
}

func guarded(s *scene) []table.Op {
	return []table.Op{
		table.Put(item("old", "new"), table.Version(s.read("old").Version)),
		table.Check(at("head"), table.Version(s.read("head").Version)),
	}
}

func TestAWriteThatWasAnswered(t *testing.T) {
	for _, c := range []struct {
		says    string
		arrange func(s *scene)
		ops     func(s *scene) []table.Op
		want    error
		sent    int
	}{
		{
			says:    "is sent again after contention and throttling, and done",
			arrange: func(s *scene) { s.in(disputed, throttled, disputed) },
			ops:     putOld, sent: 4,
		},
		{
			says:    "is sent again after contention of a transaction, and done",
			arrange: func(s *scene) { s.in(disputed, inProgress, throttled) },
			ops:     several, sent: 4,
		},
		{
			says:    "is contention when every attempt was refused for load",
			arrange: func(s *scene) { s.always(throttled) },
			ops:     putNew(table.None), want: table.ErrContention, sent: attempts,
		},
		{
			says:    "is contention when every attempt was in dispute",
			arrange: func(s *scene) { s.always(disputed) },
			ops:     several, want: table.ErrContention, sent: attempts,
		},
		{
			says:    "is sent again when there was no connection, also under no condition",
			arrange: func(s *scene) { s.in(noWay, noWay) },
			ops:     putNew(table.None), sent: 3,
		},
		{
			says:    "is of no kind when there never was a connection: nothing was written",
			arrange: func(s *scene) { s.always(noWay) },
			ops:     putNew(table.None), want: errNoKind, sent: attempts,
		},
		{
			says:    "is of no kind when it is forbidden",
			arrange: func(s *scene) { s.always(forbidden) },
			ops:     putOld, want: errNoKind, sent: 1,
		},
		{
			says:    "is invalid when the service says so",
			arrange: func(s *scene) { s.always(malformed) },
			ops:     putOld, want: table.ErrInvalid, sent: 1,
		},
		{
			says: "conflicts at once, without reading anything back",
			arrange: func(s *scene) {
				s.atCall(1, func() { s.other(table.Put(item("old", "theirs"), table.None)) })
			},
			ops: putOld, want: table.ErrConflict, sent: 1,
		},
		{
			says: "conflicts when the condition became false during contention",
			arrange: func(s *scene) {
				s.in(disputed)
				s.atCall(2, func() { s.other(table.Put(item("old", "theirs"), table.None)) })
			},
			ops: putOld, want: table.ErrConflict, sent: 2,
		},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				s.other(table.Put(item("old", "first"), table.None), table.Put(item("head", "first"), table.None))
				ops := c.ops(s)
				c.arrange(s)
				err := s.engine.Write(t.Context(), ops...)
				if !isOf(err, c.want) {
					t.Errorf("the error is %v, want %v", err, c.want)
				}
				if got := s.writes(); got != c.sent {
					t.Errorf("sent %d times, want %d", got, c.sent)
				}
				if reads := s.count("GetItem") + s.count("BatchGetItem"); reads != 0 {
					t.Errorf("read back %d times", reads)
				}
				if err != nil && s.applied != 0 {
					t.Errorf("the service did it %d times", s.applied)
				}
			})
		})
	}
}

func TestAContextThatEndsDuringAWrite(t *testing.T) {
	for _, c := range []struct {
		says      string
		trouble   trouble
		ambiguous bool
	}{
		{"leaves it ambiguous after a lost answer", lostThere, true},
		{"leaves it ambiguous while an answer is due", silent, true},
		{"leaves nothing in doubt during contention", disputed, false},
		{"leaves nothing in doubt without a connection", noWay, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				s.other(table.Put(item("old", "first"), table.None))
				ops := putOld(s)
				s.always(c.trouble)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer cancel()
				err := s.engine.Write(ctx, ops...)
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, table.ErrAmbiguous) != c.ambiguous {
					t.Errorf("the error is %v", err)
				}
				if errors.Is(err, table.ErrContention) || errors.Is(err, table.ErrConflict) {
					t.Errorf("the error %v is of another kind too", err)
				}
			})
		})
	}
}

func TestPausesBetweenAttemptsAreRandomAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for seed := range byte(50) {
			s := newScene(t)
			s.engine = New(s.service, "test", func() time.Time { return noon }, seeded(seed))
			s.always(throttled)
			began := time.Now()
			if err := s.engine.Write(t.Context(), table.Put(item("a", "x"), table.None)); !isOf(err, table.ErrContention) {
				t.Fatal(err)
			}
			took := time.Since(began)
			if took > 5*time.Second {
				t.Errorf("seed %d: %v for %d attempts", seed, took, attempts)
			}
			seen[took] = true
		}
		if len(seen) < 45 {
			t.Errorf("50 calls took only %d different times", len(seen))
		}
	})
}

// TestTheAnswerToAWriteIsTrue lets anything go wrong in any order while others
// write the same items, and holds every answer to what the service really did.
func TestTheAnswerToAWriteIsTrue(t *testing.T) {
	keys := []string{"a", "b", "c"}
	answers := map[string]int{}
	// Hidden in a struct, since a bubble forbids asking t for its deadline.
	check := func(t *testing.T, property func(*rapid.T)) {
		for range 20 {
			rapid.Check(quietly{t}, property)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		check(t, func(rt *rapid.T) {
			s := newScene(t)
			for _, sk := range keys {
				if rapid.Bool().Draw(rt, "there at first") {
					s.other(table.Put(item(sk, "first"), table.None))
				}
			}
			s.tokens = rapid.Bool().Draw(rt, "tokens")
			// Keys read one at a time show a table that changes in between.
			s.batch = rapid.IntRange(0, 1).Draw(rt, "keys a reading")

			var ops []table.Op
			versioned, absentPut, harmless := false, false, true
			for _, sk := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, 3, rapid.ID[string]).Draw(rt, "keys") {
				cond := rapid.SampledFrom([]table.Cond{table.None, table.Absent, table.Version(s.read(sk).Version)}).Draw(rt, "condition")
				_, isVersion := cond.IsVersion()
				switch rapid.IntRange(0, 2).Draw(rt, "kind") {
				case 0:
					ops = append(ops, table.Put(item(sk, "ours"), cond))
					versioned, absentPut, harmless = versioned || isVersion, absentPut || cond.IsAbsent(), false
				case 1:
					ops = append(ops, table.Delete(at(sk), cond))
					versioned, harmless = versioned || isVersion, harmless && cond.IsAbsent()
				case 2:
					if cond.IsNone() {
						cond = table.Absent
					}
					ops = append(ops, table.Check(at(sk), cond))
				}
			}

			troubles := []trouble{none, none, lostThere, lostBack, lostForNow, serverError, serverErrorIn, throttled, disputed, noWay, forbidden}
			s.trouble = func(string) trouble { return rapid.SampledFrom(troubles).Draw(rt, "trouble") }
			s.before = func() {
				if rapid.IntRange(0, 2).Draw(rt, "a late request arrives") == 0 {
					s.arrive()
				}
				sk := rapid.SampledFrom(keys).Draw(rt, "their key")
				read := s.read(sk)
				switch rapid.IntRange(0, 5).Draw(rt, "they") {
				case 0:
					s.other(table.Put(item(sk, "theirs"), table.Version(read.Version)))
				case 1:
					// What Write leaves open for a put under Absent.
					if !absentPut {
						s.other(table.Delete(at(sk), table.None))
					}
				case 2:
					if !absentPut {
						s.other(table.Put(item(sk, "theirs"), table.None))
					}
				}
			}
			err := s.engine.Write(t.Context(), ops...)
			s.before, s.trouble = nil, nil
			done := s.applied
			s.arrive()
			later := s.applied

			switch {
			case err == nil:
				gone := !slices.ContainsFunc(ops, func(op table.Op) bool { return op.Kind != table.OpDelete || !op.Cond.IsNone() })
				if done == 0 && !gone {
					rt.Fatalf("the write is said to be done and was not: %v", ops)
				}
				if versioned && later > 1 {
					rt.Fatalf("the write was done %d times: %v", later, ops)
				}
				answers["done"]++
			case errors.Is(err, table.ErrAmbiguous):
				if harmless {
					rt.Fatalf("a write without effect is ambiguous: %v", err)
				}
				answers["ambiguous"]++
			default:
				if later > 0 && !harmless {
					rt.Fatalf("the write was done %d times by now and %d times later, and its error is %v: %v", done, later, err, ops)
				}
				for _, kind := range kinds {
					if errors.Is(err, kind) {
						answers[kind.Error()]++
					}
				}
			}
		})
	})
	for _, answer := range []string{"done", "ambiguous", table.ErrConflict.Error()} {
		if answers[answer] == 0 {
			t.Errorf("no write was ever %s: %v", answer, answers)
		}
	}
}

// quietly is a test that does not log that it went well.
type quietly struct{ *testing.T }

func (quietly) Logf(string, ...any) {}
