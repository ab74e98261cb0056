package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/scenario"
)

func TestWhatAFunctionForeseesIsAskedForOnceUntilItChanges(t *testing.T) {
	var p foreseen
	var asked int
	noon := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	var failure error
	ask := func() time.Time {
		t.Helper()
		at, any, err := p.ask("scan", func() (time.Time, bool, error) { asked++; return noon.AddDate(0, 0, asked), true, failure })
		if !any || !errors.Is(err, failure) {
			t.Fatalf("it says %v, %v", any, err)
		}
		return at
	}
	p.forget()
	if first, second := ask(), ask(); asked != 1 || !first.Equal(second) || !first.Equal(noon.AddDate(0, 0, 1)) {
		t.Errorf("asked %d times it says %v, then %v", asked, first, second)
	}
	p.forget()
	if at := ask(); asked != 2 || !at.Equal(noon.AddDate(0, 0, 2)) {
		t.Errorf("after a change it says %v", at)
	}
	p.forget()
	failure = errors.New("no")
	if ask(); asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	failure = nil
	if at := ask(); asked != 4 || !at.Equal(noon.AddDate(0, 0, 4)) {
		t.Errorf("after a failure it says %v", at)
	}
	// What changes while the answer is worked out leaves it behind.
	p.forget()
	if _, _, err := p.ask("scan", func() (time.Time, bool, error) { p.forget(); return noon, true, nil }); err != nil {
		t.Fatal(err)
	}
	if at := ask(); !at.Equal(noon.AddDate(0, 0, 5)) {
		t.Errorf("an answer that was overtaken is believed: %v", at)
	}
}

// A scan that no clinic needs is found again when one switches it on, even while
// the clock is being moved.
func TestAClinicThatSwitchesAScanOnWhileTheClockMovesIsScanned(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	off := object{}
	for _, name := range scenario.Shipped().Names() {
		off[name] = object{"on": name == "appointment"}
	}
	s.send("PUT", "/_local/clinics/demo", object{"scenarios": off}, http.StatusOK)
	s.event("demo", "patient.updated", card("P1", 1))
	s.event("demo", "visit.completed", visit("V1", "P1", s.now().AddDate(-1, 0, 6)))
	// A reminder on the 14th is all that the machine comes to, and when it happens.
	s.event("demo", "patient.updated", card("P2", 2))
	s.event("demo", "appointment.booked", appointment("A1", "P2", "2026-03-16T15:00:00+03:00", 1))
	s.m.turn.Lock()
	switched := false
	for _, f := range s.m.functions {
		if f.Name != "dispatch" {
			continue
		}
		due := f.due
		f.due = func(p parts, ctx context.Context) (time.Time, bool, error) {
			if !switched && p.Clock().Day() == 14 {
				switched = true
				s.send("PUT", "/_local/clinics/demo", object{"scenarios": object{"sleeping-12": object{"on": true}}}, http.StatusOK)
			}
			return due(p, ctx)
		}
	}
	s.m.turn.Unlock()
	s.advance("10d")
	if got := s.messages("P1", "sleeping-12", "offer"); !switched || len(got) != 1 {
		t.Errorf("the offer is %+v, of %+v", got, s.touches("demo", "P1", "", ""))
	}
}
