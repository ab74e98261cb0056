package tabletest

import (
	"fmt"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// until is an item that expires and stands in both indexes.
func until(sk string, expires time.Time) table.Item {
	i := indexed("p", sk, sk)
	i.Expires = expires
	return i
}

var expiring = []behaviour{
	{"ends an item at its second, not before", func(s *setting) {
		s.put(until("a", start.Add(10*time.Second)))
		s.clock.Advance(10*time.Second - time.Nanosecond)
		s.stored(at("p", "a"), "a")
		s.clock.Advance(time.Nanosecond)
		s.absent(at("p", "a"))
	}},
	{"is kept in whole seconds of UTC", func(s *setting) {
		s.put(until("a", start.Add(90*time.Second+999*time.Millisecond).In(time.FixedZone("east", 5*3600))))
		if got, want := s.read(at("p", "a")).Expires, start.Add(90*time.Second); got != want {
			s.Errorf("read %v, want %v", got, want)
		}
	}},
	{"in the past makes an item that is never seen", func(s *setting) {
		s.put(until("a", start.Add(-time.Hour)), until("b", start))
		s.absent(at("p", "a"), at("p", "b"))
		s.lists(table.Query{PK: "p"})
	}},
	{"takes an item out of queries of the table and of the indexes", func(s *setting) {
		s.put(until("a", start.Add(time.Minute)), until("b", time.Time{}), until("c", start.Add(time.Hour)), until("d", start.Add(time.Minute)))
		s.lists(table.Query{PK: "p"}, "a", "b", "c", "d")
		s.lists(first, "a", "b", "c", "d")
		s.clock.Advance(time.Minute)
		for _, q := range []table.Query{{PK: "p"}, first, second} {
			for _, limit := range []int{0, 1, 3} {
				q.Limit = limit
				q.Reverse = false
				s.lists(q, "b", "c")
				q.Reverse = true
				s.lists(q, "c", "b")
			}
		}
	}},
	{"makes the item absent to every condition", func(s *setting) {
		s.put(until("a", start.Add(time.Minute)))
		read := s.read(at("p", "a"))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Absent))
		s.clock.Advance(time.Minute)
		s.refused(table.ErrConflict, table.Put(item("p", "a", "x"), table.Version(read.Version)))
		s.refused(table.ErrConflict, table.Delete(at("p", "a"), table.Version(read.Version)))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Version(read.Version)))
		s.refused(table.ErrConflict, table.Check(at("p", "a"), table.Version(read.Version)), table.Put(item("p", "b", "x"), table.None))
		s.absent(at("p", "b"))
		s.write(table.Check(at("p", "a"), table.Absent))
		s.write(table.Check(at("p", "a"), table.Absent), table.Put(item("p", "b", "x"), table.None))
		s.write(table.Put(item("p", "a", "new"), table.Absent))
		s.stored(at("p", "a"), "new")
		s.lists(first)
	}},
	{"is no hindrance to a put or a delete under no condition", func(s *setting) {
		s.put(until("a", start.Add(time.Minute)), until("b", start.Add(time.Minute)), until("c", start.Add(time.Minute)))
		s.clock.Advance(time.Hour)
		s.put(item("p", "a", "new"))
		s.write(table.Delete(at("p", "b"), table.None))
		s.write(table.Delete(at("p", "c"), table.Absent))
		s.stored(at("p", "a"), "new")
		s.absent(at("p", "b"), at("p", "c"))
	}},
	{"can be moved on, taken away and given by a put", func(s *setting) {
		s.put(until("later", start.Add(time.Minute)), until("never", start.Add(time.Minute)), until("soon", time.Time{}))
		for sk, expires := range map[string]time.Time{"later": start.Add(time.Hour), "never": {}, "soon": start.Add(time.Second)} {
			read := s.read(at("p", sk))
			read.Expires = expires
			s.write(table.Put(read, table.Version(read.Version)))
		}
		s.clock.Advance(time.Minute)
		s.lists(table.Query{PK: "p"}, "later", "never")
		s.clock.Advance(time.Hour)
		s.lists(table.Query{PK: "p"}, "never")
		s.lists(first, "never")
	}},
	{"of many items leaves the others alone, whatever is written meanwhile", func(s *setting) {
		const many = 200
		var keep []string
		for n := range many {
			sk := fmt.Sprintf("%03d", n)
			if n%10 == 0 {
				s.put(until(sk, time.Time{}))
				keep = append(keep, sk)
				continue
			}
			s.put(until(sk, start.Add(time.Duration(n)*time.Second)))
		}
		s.clock.Advance(many * time.Second)
		for n := range 8 {
			s.put(item("other", fmt.Sprint(n), "x"))
			s.lists(table.Query{PK: "p"}, keep...)
			s.lists(second, keep...)
		}
	}},
}
