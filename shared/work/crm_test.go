package work_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// office is a CRM that keeps tasks by their ids, as Tell promises.
type office struct {
	open   map[string]string // title by id
	calls  int
	closed []string
	fail   func(calls int) error
}

func (o *office) Tell(_ context.Context, account dental.Account, t dental.Task, who dental.Patient, title, ref string) (string, error) {
	o.calls++
	if o.fail != nil {
		if err := o.fail(o.calls); err != nil {
			return "", err
		}
	}
	if account.Secrets["webhook"] != "s" || who.ID != t.Patient {
		return "", dental.Errorf(dental.Invalid, "", "not this clinic's, or not this patient's")
	}
	own := "crm-" + t.ID()
	if ref != "" && ref != own {
		return "", dental.Errorf(dental.Invalid, "", "told before as %q", ref)
	}
	if t.Open() {
		o.open[own] = title
	} else if _, had := o.open[own]; had {
		delete(o.open, own)
		o.closed = append(o.closed, own)
	}
	return own, nil
}

// withCRM is a stage whose clinic has a CRM.
func withCRM(t *testing.T) (*stagetest.Stage, *office) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600)), func(c *dental.Clinic) {
		c.Accounts = map[string]dental.Account{dental.Bitrix24: {Secrets: map[string]dental.Secret{"webhook": "s"}}}
	})
	o := &office{open: map[string]string{}}
	s.Worker.CRM = o
	s.Patient("P")
	return s, o
}

// unconfirmed makes a confirm task, which a confirmation by the MIS settles.
func unconfirmed(s *stagetest.Stage) {
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-13 15:00"))
	s.ToLocal("2026-03-12 10:30")
}

func TestATaskStandsInTheClinicsOwnCRMForAsLongAsItIsOpen(t *testing.T) {
	s, o := withCRM(t)
	unconfirmed(s)
	task := s.Tasks("P", dental.ConfirmTask)[0]
	if len(o.open) != 1 || o.open[task.CRM] != "Подтвердить приём" {
		t.Fatalf("the CRM has %v, the task knows it as %q", o.open, task.CRM)
	}
	s.Appointment(intake.AppointmentConfirmed, "A", "P", s.Local("2026-03-13 15:00"))
	s.To(s.Now().Add(2 * time.Minute))
	if len(o.open) != 0 || !slices.Equal(o.closed, []string{task.CRM}) {
		t.Errorf("after the confirmation the CRM has %v, closed %v", o.open, o.closed)
	}
}

func TestACRMThatDoesNotAnswerIsAskedAgainAndTheTaskIsThereOnce(t *testing.T) {
	s, o := withCRM(t)
	o.fail = func(calls int) error {
		if calls < 4 {
			return dental.Errorf(dental.Unavailable, "", "later")
		}
		return nil
	}
	unconfirmed(s)
	if o.calls < 3 || len(o.open) > 1 {
		t.Fatalf("asked %d times, it has %v", o.calls, o.open)
	}
	s.ToLocal("2026-03-12 12:00")
	if calls := o.calls; calls != 4 || len(o.open) != 1 {
		t.Errorf("asked %d times, it has %v", calls, o.open)
	}
	if got := s.Tasks("P", dental.ConfirmTask)[0].CRM; got == "" {
		t.Error("the task does not know what the CRM calls it")
	}
}

func TestNobodyAsksACRMForLongerThanThreeDays(t *testing.T) {
	s, o := withCRM(t)
	o.fail = func(int) error { return dental.Errorf(dental.Invalid, "", "the webhook is gone") }
	s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-04-13 15:00"))
	s.ToLocal("2026-03-10 13:00")
	before := o.calls
	s.Appointment(intake.AppointmentMissed, "A", "P", s.Local("2026-04-13 15:00"))
	s.ToLocal("2026-04-30 12:00")
	if asked := o.calls - before; asked < 5 || asked > 40 {
		t.Errorf("asked %d times over three days", asked)
	}
	last := o.calls
	s.ToLocal("2026-05-30 12:00")
	if o.calls != last {
		t.Errorf("asked %d times more a month later", o.calls-last)
	}
}

func TestAClinicWithoutACRMTellsNobody(t *testing.T) {
	s, o := withCRM(t)
	s.Settings(func(c *dental.Clinic) { c.Accounts = nil })
	unconfirmed(s)
	if o.calls != 0 {
		t.Errorf("%d calls", o.calls)
	}
}

func TestManyTasksOfOnePatientAreAllTold(t *testing.T) {
	s, o := withCRM(t)
	for i := range 6 {
		s.Appointment(intake.AppointmentBooked, fmt.Sprint("A", i), "P", s.Local(fmt.Sprintf("2026-03-13 1%d:00", i)))
	}
	s.ToLocal("2026-03-12 11:00")
	if n := len(s.Tasks("P", dental.ConfirmTask)); n == 0 || len(o.open) != n {
		t.Fatalf("%d tasks, the CRM has %d", n, len(o.open))
	}
	s.Patient("P", func(c *intake.Card) { c.Status = dental.Moved })
	s.To(s.Now().Add(10 * time.Minute))
	if len(o.open) != 0 {
		t.Errorf("after the patient has moved the CRM has %v", o.open)
	}
}
