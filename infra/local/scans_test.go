package main

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func TestAYearRunsEachScanOnceAMorningOfAClinic(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for id, zone := range map[string]string{"petropavlovsk": "Asia/Kamchatka", "baltic": "Europe/Kaliningrad"} {
		s.send("PUT", "/_local/clinics/"+id, object{"timeZone": zone, "scenarios": object{"sleeping-6": object{"on": true}, "birthday": object{"on": true}, "recall": object{"on": true}}}, http.StatusCreated)
	}
	var ticks, clinics atomic.Int64
	for _, name := range []string{"scan-sleeping", "scan-birthdays", "scan-occasions"} {
		s.replace(name, func(own lambdaio.Handler) handlerFunc {
			return func(payload []byte) ([]byte, error) {
				if bytes.Contains(payload, []byte(`"Records"`)) {
					clinics.Add(1)
				} else {
					ticks.Add(1)
				}
				return own.Invoke(t.Context(), payload)
			}
		})
	}
	began := time.Now()
	s.advance("365d")
	t.Logf("a year of three clinics took %v: %d runs by the schedule, %d clinics scanned", time.Since(began), ticks.Load(), clinics.Load())
	// Three scans in three mornings a day; the queue brings some messages twice.
	if n := ticks.Load(); n < 9*365 || n > 9*366 {
		t.Errorf("the schedule ran %d times", n)
	}
	if n := clinics.Load(); n < 9*365 || n > 2*9*366 {
		t.Errorf("%d clinics were scanned", n)
	}
}

func TestTheCalendarIsLookedUpEachMorning(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	who := card("P1", 1)
	who["birthDate"] = "1985-07-04"
	s.event("demo", "patient.updated", who)
	s.event("demo", "visit.completed", visit("V1", "P1", s.now()))
	s.to("2026-07-04T09:59:00+03:00")
	if early := s.messages("P1", "birthday", "greeting"); len(early) != 0 {
		t.Errorf("before ten they were greeted by %+v", early)
	}
	s.to("2026-07-04T10:30:00+03:00")
	if greeting := s.messages("P1", "birthday", "greeting"); len(greeting) != 1 || !strings.Contains(greeting[0].Text, "/g/") {
		t.Errorf("greeted by %+v", greeting)
	}
	s.to("2026-09-10T12:00:00+03:00")
	for step, day := range map[string]string{"first": "2026-08-10", "second": "2026-08-27"} {
		got := s.messages("P1", "recall", step)
		if len(got) != 1 || got[0].At.Format(time.DateOnly) != day {
			t.Errorf("recall/%s: %+v, want one on %s", step, got, day)
		}
	}
	if calls := s.tasks("demo", "P1", "call"); len(calls) != 1 {
		t.Errorf("to be called: %+v", calls)
	}
	// A year after, with nothing booked in between.
	s.to("2027-03-10T12:00:00+03:00")
	if offers := s.messages("P1", "sleeping-12", "offer"); len(offers) != 1 {
		t.Errorf("offered %+v", offers)
	}
}
