package report_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/report"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// TestTheFirstMessageTicksItsStepsWithinTwoHours: and not with the month's end.
func TestTheFirstMessageTicksItsStepsWithinTwoHours(t *testing.T) {
	began := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	s := stagetest.New(t, began, func(c *dental.Clinic) { c.StartedAt = began })
	ticked := func() map[string]bool {
		t.Helper()
		plan, err := report.FirstDays(t.Context(), s.Store, &s.Clinic, s.Now())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, day := range plan.Days {
			for _, step := range day.Steps {
				out[step.Name] = step.State == report.StepDone
			}
		}
		return out
	}
	s.Patient("P-1")
	s.Visit("V-1", "P-1", s.Now())
	if now := ticked(); now["sender"] || now["delivered"] {
		t.Errorf("before anything has left, ticked are %v", now)
	}
	s.Tick()
	sent := s.Sent()
	if len(sent) != 1 {
		t.Fatalf("%d messages left", len(sent))
	}
	s.To(s.Now().Add(2 * time.Hour))
	if now := ticked(); !now["sender"] || now["delivered"] {
		t.Errorf("a message has left, and nobody knows whether it arrived: ticked are %v", now)
	}
	delivered := outreach.Report{Touch: sent[0].Touch, Attempt: sent[0].Attempt, Channel: string(sent[0].Channel), Kind: outreach.ReportDelivered, At: s.Now()}
	if found, err := s.Settler.Settle(t.Context(), delivered); err != nil || !found {
		t.Fatalf("its delivery was reported: %t, %v", found, err)
	}
	s.To(s.Now().Add(2 * time.Hour))
	if now := ticked(); !now["sender"] || !now["delivered"] {
		t.Errorf("it has arrived, and ticked are %v", now)
	}
}
