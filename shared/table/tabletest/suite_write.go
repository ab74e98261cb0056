package tabletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

var writing = []behaviour{
	{"under no condition makes the item", func(s *setting) {
		s.write(table.Put(item("p", "a", "hello"), table.None))
		s.stored(at("p", "a"), "hello")
	}},
	{"under no condition replaces the whole item", func(s *setting) {
		old := item("p", "a", "old")
		old.Attr["only"] = "here"
		old.Index1 = at("g", "1")
		old.Expires = start.Add(time.Hour)
		s.put(old)
		s.put(item("p", "a", "new"))
		found := s.stored(at("p", "a"), "new")
		if len(found.Attr) != 1 || found.Index1 != (table.Key{}) || !found.Expires.IsZero() {
			s.Errorf("something of the old item is left: %+v", found)
		}
	}},
	{"under Absent makes an item that is not there", func(s *setting) {
		s.write(table.Put(item("p", "a", "first"), table.Absent))
		s.stored(at("p", "a"), "first")
	}},
	{"under Absent conflicts with an item that is there, and leaves it", func(s *setting) {
		s.put(item("p", "a", "first"))
		s.refused(table.ErrConflict, table.Put(item("p", "a", "second"), table.Absent))
		s.stored(at("p", "a"), "first")
	}},
	{"under the version that was read replaces the item and counts on", func(s *setting) {
		s.put(item("p", "a", "first"))
		read := s.read(at("p", "a"))
		s.write(table.Put(item("p", "a", "second"), table.Version(read.Version)))
		if found := s.stored(at("p", "a"), "second"); found.Version != read.Version+1 {
			s.Errorf("version %d follows %d", found.Version, read.Version)
		}
	}},
	{"under a version that has passed conflicts", func(s *setting) {
		s.put(item("p", "a", "first"))
		read := s.read(at("p", "a"))
		s.write(table.Put(item("p", "a", "second"), table.Version(read.Version)))
		s.refused(table.ErrConflict, table.Put(item("p", "a", "third"), table.Version(read.Version)))
		s.stored(at("p", "a"), "second")
	}},
	{"under a version conflicts with an item that is not there", func(s *setting) {
		s.refused(table.ErrConflict, table.Put(item("p", "a", "x"), table.Version(1)))
		s.refused(table.ErrConflict, table.Delete(at("p", "a"), table.Version(1)))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Version(1)))
		s.absent(at("p", "a"))
	}},
	{"under version 0 is one under Absent", func(s *setting) {
		unread := s.read(at("p", "a"))
		s.write(table.Put(item("p", "a", "first"), table.Version(unread.Version)))
		s.refused(table.ErrConflict, table.Put(item("p", "a", "second"), table.Version(unread.Version)))
		s.stored(at("p", "a"), "first")
	}},
	{"pays no heed to the version inside the item", func(s *setting) {
		forged := item("p", "a", "first")
		forged.Version = 41
		s.put(forged)
		if found := s.stored(at("p", "a"), "first"); found.Version == 41 || found.Version == 42 {
			s.Errorf("the caller's version was stored: %d", found.Version)
		}
	}},
	{"of a new item draws a positive version below 2^53, another each time", func(s *setting) {
		seen := map[int64]bool{}
		for n := range 20 {
			cond := table.Absent
			if n%2 == 1 {
				cond = table.None
			}
			s.write(table.Put(item("p", fmt.Sprint(n), "new"), cond))
			v := s.read(at("p", fmt.Sprint(n))).Version
			if v < 1 || v >= 1<<53 || seen[v] {
				s.Errorf("item %d has version %d", n, v)
			}
			seen[v] = true
		}
	}},
	{"with an old version does not touch an item that was deleted and made again", func(s *setting) {
		s.put(item("p", "a", "first"))
		read := s.read(at("p", "a"))
		s.write(table.Delete(at("p", "a"), table.Version(read.Version)))
		s.write(table.Put(item("p", "a", "second"), table.Absent))
		s.refused(table.ErrConflict, table.Put(item("p", "a", "third"), table.Version(read.Version)))
		s.refused(table.ErrConflict, table.Delete(at("p", "a"), table.Version(read.Version)))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Version(read.Version)))
		s.stored(at("p", "a"), "second")
	}},
	{"under no condition gives an item a version that no reader holds", func(s *setting) {
		s.put(item("p", "a", "first"))
		read := s.read(at("p", "a"))
		s.put(item("p", "a", "second"))
		s.refused(table.ErrConflict, table.Put(item("p", "a", "third"), table.Version(read.Version)))
		s.stored(at("p", "a"), "second")
	}},
	{"that deletes removes the item", func(s *setting) {
		s.put(item("p", "a", "x"), item("p", "b", "y"))
		s.write(table.Delete(at("p", "a"), table.None))
		s.absent(at("p", "a"))
		s.stored(at("p", "b"), "y")
		s.write(table.Delete(at("p", "b"), table.Version(s.read(at("p", "b")).Version)))
		s.absent(at("p", "b"))
	}},
	{"that deletes what is not there is no error", func(s *setting) {
		s.write(table.Delete(at("p", "a"), table.None))
		s.write(table.Delete(at("p", "a"), table.Absent))
		s.absent(at("p", "a"))
	}},
	{"that deletes under a false condition conflicts and leaves the item", func(s *setting) {
		s.put(item("p", "a", "x"))
		read := s.read(at("p", "a"))
		s.refused(table.ErrConflict, table.Delete(at("p", "a"), table.Version(read.Version+1)))
		s.refused(table.ErrConflict, table.Delete(at("p", "a"), table.Absent))
		s.stored(at("p", "a"), "x")
	}},
	{"that only checks changes nothing", func(s *setting) {
		s.put(item("p", "a", "x"))
		read := s.read(at("p", "a"))
		s.write(table.Check(at("p", "a"), table.Version(read.Version)))
		s.write(table.Check(at("p", "b"), table.Absent))
		s.write(table.Check(at("p", "a"), table.Version(read.Version)), table.Check(at("p", "b"), table.Absent))
		if again := s.stored(at("p", "a"), "x"); again.Version != read.Version {
			s.Errorf("the check moved the version from %d to %d", read.Version, again.Version)
		}
		s.absent(at("p", "b"))
	}},
	{"that only checks conflicts when a condition is false", func(s *setting) {
		s.put(item("p", "a", "x"))
		read := s.read(at("p", "a"))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Absent))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Version(read.Version+1)))
		s.refused(table.ErrConflict, table.Check(at("p", "b"), table.Absent), table.Check(at("p", "a"), table.Absent))
	}},
	{"of several operations does them all", func(s *setting) {
		s.put(item("p", "old", "x"), item("p", "gone", "y"), item("p", "guard", "z"))
		s.write(
			table.Put(item("p", "new", "1"), table.Absent),
			table.Put(item("p", "old", "2"), table.Version(s.read(at("p", "old")).Version)),
			table.Delete(at("p", "gone"), table.Version(s.read(at("p", "gone")).Version)),
			table.Check(at("p", "guard"), table.Version(s.read(at("p", "guard")).Version)),
			table.Check(at("q", "nothing"), table.Absent),
			table.Put(item("q", "other partition", "3"), table.None),
		)
		s.stored(at("p", "new"), "1")
		s.stored(at("p", "old"), "2")
		s.absent(at("p", "gone"))
		s.stored(at("p", "guard"), "z")
		s.stored(at("q", "other partition"), "3")
	}},
	{"does nothing when one condition is false, wherever it stands", func(s *setting) {
		s.put(item("p", "kept", "x"), item("p", "replaced", "y"), item("p", "guard", "z"))
		for place := range 4 {
			ops := []table.Op{
				table.Put(item("p", "new", "1"), table.Absent),
				table.Put(item("p", "replaced", "2"), table.Version(s.read(at("p", "replaced")).Version)),
				table.Delete(at("p", "kept"), table.None),
			}
			ops = slices.Insert(ops, place, table.Check(at("p", "guard"), table.Absent))
			s.refused(table.ErrConflict, ops...)
			s.absent(at("p", "new"))
			s.stored(at("p", "kept"), "x")
			s.stored(at("p", "replaced"), "y")
		}
	}},
	{"is guarded by a check of an item that it does not change", func(s *setting) {
		s.put(item("p", "head", "1"))
		head := s.read(at("p", "head"))
		s.write(table.Put(item("p", "touch", "a"), table.Absent), table.Check(head.Key, table.Version(head.Version)))
		s.write(table.Put(item("p", "head", "2"), table.Version(head.Version)))
		s.refused(table.ErrConflict, table.Put(item("p", "touch", "b"), table.None), table.Check(head.Key, table.Version(head.Version)))
		s.stored(at("p", "touch"), "a")
	}},
	{"of no operations is no work", func(s *setting) {
		s.write()
	}},
	{"with a context that has ended writes nothing and is not ambiguous", func(s *setting) {
		ended, cancel := context.WithCancel(s.ctx)
		cancel()
		err := s.Write(ended, table.Put(item("p", "a", "x"), table.None))
		if !errors.Is(err, context.Canceled) || errors.Is(err, table.ErrAmbiguous) {
			s.Errorf("the error is %v", err)
		}
		s.absent(at("p", "a"))
		if _, err := s.Get(ended, at("p", "a")); !errors.Is(err, context.Canceled) {
			s.Errorf("the error of Get is %v", err)
		}
		if _, err := s.Query(ended, table.Query{PK: "p"}); !errors.Is(err, context.Canceled) {
			s.Errorf("the error of Query is %v", err)
		}
	}},
}
