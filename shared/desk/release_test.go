package desk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// batched is a stage on which the offers of a morning wait for a person: those
// of A and of B, who has more at stake, since 09:00 of 19 May 2026.
func batched(t *testing.T) (*stagetest.Stage, dental.Date) {
	s := stagetest.New(t, time.Date(2026, 5, 18, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600)), func(c *dental.Clinic) {
		c.Scenarios["sleeping-6"] = dental.ScenarioSettings{On: true, Release: dental.ReleaseStaff}
		c.Scenarios["recall"] = dental.ScenarioSettings{}
	})
	for i, id := range []string{"A", "B"} {
		s.Patient(id, func(c *intake.Card) { c.Number = "+7916000000" + string(rune('1'+i)) })
		s.Visit("V"+id, id, s.Local("2025-11-18 12:00"), func(v *dental.Visit) { v.Receipt.Minor *= int64(i + 1) })
	}
	s.ToLocal("2026-05-20 12:00")
	return s, s.Touch("A", "sleeping-6", "offer").HeldOn
}

// release presses the button of a day's batch.
func release(s *stagetest.Stage, name string, day dental.Date) error {
	presses := &desk.Presses{Store: s.Store, Catalogue: s.Catalogue}
	ref := desk.Ref{Clinic: s.Clinic.ID, Kind: dental.ReleaseTask, Anchor: dental.BatchAnchor(name, day)}
	form := desk.Form{ID: fmt.Sprint("release.", s.Now().Unix()), Outcome: dental.PressReleased}
	return presses.Press(s.T.Context(), ref, dental.Staff{Clinic: s.Clinic.ID, Name: "Мария", Role: dental.Manager}, form, s.Now())
}

func TestABatchWaitsForAPersonWhoIsToldOfIt(t *testing.T) {
	s, day := batched(t)
	if n := len(s.SentAs("sleeping-6", "offer")); n != 0 {
		t.Fatalf("%d offers left without a person", n)
	}
	tasks, _, err := s.Store.OpenTasks(t.Context(), "demo", 10, "")
	if err != nil || len(tasks) != 1 || tasks[0].Kind != dental.ReleaseTask || !strings.Contains(tasks[0].Reason, "2 сообщения ждут") {
		t.Fatalf("the staff's list: %+v, %v", tasks, err)
	}
	waiting, _, err := s.Store.Held(t.Context(), "demo", day, "sleeping-6", 10, "")
	if err != nil || len(waiting) != 2 || waiting[0].Touch.Patient != "B" {
		t.Fatalf("the batch: %+v, %v", waiting, err)
	}
	if err := release(s, "sleeping-6", day); err != nil {
		t.Fatal(err)
	}
	s.To(s.Now().Add(time.Hour))
	if err := release(s, "sleeping-6", day); dental.KindOf(err) != dental.Conflict {
		t.Errorf("what has left can be released again: %v", err)
	}
	s.To(s.Now().Add(time.Hour))
	if n := len(s.SentAs("sleeping-6", "offer")); n != 2 {
		t.Errorf("%d offers left, want 2", n)
	}
	if tasks, _, _ = s.Store.OpenTasks(t.Context(), "demo", 10, ""); len(tasks) != 0 {
		t.Errorf("the staff's list after it: %+v", tasks)
	}
}

func TestABatchThatNobodyReleasesEndsWithItsThirdDay(t *testing.T) {
	s, day := batched(t)
	s.To(day.AddDays(3).At(0, s.Clinic.Location()).Add(-time.Minute))
	if got := s.Touch("A", "sleeping-6", "offer").State; got != dental.Held {
		t.Fatalf("before the end of the third day it is %s", got)
	}
	s.To(s.Now().Add(2 * time.Minute))
	if touch := s.Touch("A", "sleeping-6", "offer"); touch.State != dental.Skipped || touch.Reason != "not-released" || touch.EndedOn != day.AddDays(3) {
		t.Errorf("after it the touch is %+v", touch)
	}
	if tasks, _, _ := s.Store.OpenTasks(t.Context(), "demo", 10, ""); len(tasks) != 0 {
		t.Errorf("the staff's list: %+v", tasks)
	}
	if err := release(s, "sleeping-6", day); dental.KindOf(err) != dental.Conflict {
		t.Errorf("it can still be released: %v", err)
	}
	s.To(s.Now().Add(24 * time.Hour))
	if n := len(s.SentAs("sleeping-6", "offer")); n != 0 {
		t.Errorf("released too late, %d offers left", n)
	}
}

func TestWhoBooksMeanwhileLeavesTheBatch(t *testing.T) {
	s, day := batched(t)
	s.Appointment(intake.AppointmentBooked, "X", "A", s.Local("2026-06-10 12:00"))
	if err := release(s, "sleeping-6", day); err != nil {
		t.Fatal(err)
	}
	s.To(s.Now().Add(time.Hour))
	if sent := s.SentAs("sleeping-6", "offer"); len(sent) != 1 || sent[0].Touch.Patient != "B" {
		t.Errorf("sent to %v", sent)
	}
	if touch := s.Touch("A", "sleeping-6", "offer"); touch.State != dental.TouchCancelled || touch.Reason != "booked" {
		t.Errorf("the touch of who booked: %+v", touch)
	}
}

func TestABatchOfNothingThatThereIsCannotBeReleased(t *testing.T) {
	s, day := batched(t)
	if err := release(s, "nothing", day); dental.KindOf(err) != dental.NotFound {
		t.Errorf("an unknown scenario: %v", err)
	}
	if err := release(s, "sleeping-6", day.AddDays(1)); dental.KindOf(err) != dental.NotFound {
		t.Errorf("another day: %v", err)
	}
}
