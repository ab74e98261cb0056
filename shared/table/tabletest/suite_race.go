package tabletest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/returnpoint/returnpoint/shared/table"
)

// at32 runs 32 callers at once and returns their errors in order. A caller that
// meets contention comes again, as the port asks.
func (s *setting) at32(write func(n int) error) []error {
	errs := make([]error, 32)
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for n := range errs {
		wg.Go(func() {
			<-begin
			for range 50 {
				if errs[n] = write(n); !errors.Is(errs[n], table.ErrContention) {
					return
				}
			}
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

// oneWins asserts that one caller succeeded and the others met a conflict.
func (s *setting) oneWins(errs []error) (winner int) {
	s.Helper()
	winner = -1
	for n, err := range errs {
		switch {
		case err != nil:
			s.is(err, table.ErrConflict)
		case winner >= 0:
			s.Fatalf("callers %d and %d both won", winner, n)
		default:
			winner = n
		}
	}
	if winner < 0 {
		s.Fatal("nobody won")
	}
	return winner
}

var racing = []behaviour{
	{"that replace one version: exactly one wins", func(s *setting) {
		s.put(item("p", "a", "start"))
		read := s.read(at("p", "a"))
		winner := s.oneWins(s.at32(func(n int) error {
			return s.Write(s.ctx, table.Put(item("p", "a", fmt.Sprint(n)), table.Version(read.Version)))
		}))
		if found := s.stored(at("p", "a"), fmt.Sprint(winner)); found.Version != read.Version+1 {
			s.Errorf("version %d follows %d", found.Version, read.Version)
		}
	}},
	{"that make one item: exactly one wins", func(s *setting) {
		winner := s.oneWins(s.at32(func(n int) error {
			return s.Write(s.ctx, table.Put(item("p", "a", fmt.Sprint(n)), table.Absent))
		}))
		s.stored(at("p", "a"), fmt.Sprint(winner))
	}},
	{"that delete one version: exactly one wins", func(s *setting) {
		s.put(item("p", "a", "start"))
		read := s.read(at("p", "a"))
		s.oneWins(s.at32(func(int) error { return s.Write(s.ctx, table.Delete(at("p", "a"), table.Version(read.Version))) }))
		s.absent(at("p", "a"))
	}},
	{"that claim one item in writes of several: exactly one wins, and the rest leave no trace", func(s *setting) {
		s.put(item("p", "lock", "free"))
		read := s.read(at("p", "lock"))
		winner := s.oneWins(s.at32(func(n int) error {
			return s.Write(s.ctx,
				table.Put(item("p", fmt.Sprintf("trace%02d", n), "x"), table.None),
				table.Put(item("p", "lock", fmt.Sprint(n)), table.Version(read.Version)))
		}))
		s.stored(at("p", "lock"), fmt.Sprint(winner))
		s.lists(table.Query{PK: "p", From: "trace"}, fmt.Sprintf("trace%02d", winner))
	}},
	{"on items of their own all succeed", func(s *setting) {
		for n, err := range s.at32(func(n int) error {
			return s.Write(s.ctx, table.Put(indexed("p", fmt.Sprintf("%02d", n), fmt.Sprintf("%02d", n)), table.Absent))
		}) {
			if err != nil {
				s.Errorf("caller %d: %v", n, err)
			}
		}
		s.shows(first, "all 32", func(items []table.Item) bool { return len(items) == 32 })
	}},
	{"that read and write again lose no update", func(s *setting) {
		counter := table.Item{Key: at("p", "counter"), Attr: map[string]any{"n": int64(0)}}
		s.put(counter)
		for n, err := range s.at32(func(int) error {
			for {
				items, err := s.Get(s.ctx, counter.Key)
				if err != nil {
					return err
				}
				next := items[0]
				next.Attr["n"] = next.Attr["n"].(int64) + 1
				err = s.Write(s.ctx, table.Put(next, table.Version(next.Version)))
				if !errors.Is(err, table.ErrConflict) && !errors.Is(err, table.ErrContention) {
					return err
				}
			}
		}) {
			if err != nil {
				s.Errorf("caller %d: %v", n, err)
			}
		}
		if got := s.read(counter.Key).Attr["n"]; got != int64(32) {
			s.Errorf("32 callers counted to %v", got)
		}
	}},
}
