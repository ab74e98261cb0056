package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

const irina = "https://clinic.example/irina.jpg"

// portraits lists the due jobs that are to copy a photo, and does them.
func portraits(s *stagetest.Stage) (jobs []store.Job) {
	s.T.Helper()
	for shard := range store.Shards {
		due, _, err := s.Store.Due(s.T.Context(), shard, s.Now(), table.MaxLimit, "")
		if err != nil {
			s.T.Fatal(err)
		}
		for _, d := range due {
			if d.Job != nil && d.Job.Kind == store.PortraitJob {
				jobs = append(jobs, *d.Job)
				if err := s.Worker.Handle(s.T.Context(), fmt.Sprintf(`{"Job":{"Clinic":%q,"ID":%q}}`, d.Job.Clinic, d.Job.ID)); err != nil {
					s.T.Fatal(err)
				}
			}
		}
	}
	return jobs
}

func TestADoctorsPhotoIsAskedForWhenACardFirstNamesIt(t *testing.T) {
	begin := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	doctor := dental.Doctor{ID: "D-3", Name: "Ирина Соколова", PhotoURL: irina}
	visit := func(s *stagetest.Stage, id, patient string, d dental.Doctor) {
		s.Set(s.Now().Add(time.Minute))
		s.Visit(id, patient, begin, func(v *dental.Visit) { v.Doctor = d })
	}
	appointment := func(s *stagetest.Stage, typ intake.Type, id, patient string, d dental.Doctor) {
		s.Set(s.Now().Add(time.Minute))
		s.Appointment(typ, id, patient, begin.AddDate(0, 0, 9), func(a *dental.Appointment) { a.Doctor = d })
	}
	for _, c := range []struct {
		name   string
		before func(*stagetest.Stage)
		tell   func(*stagetest.Stage)
		asked  bool
	}{
		{"by a visit", nil, func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) }, true},
		{"by an appointment", nil, func(s *stagetest.Stage) { appointment(s, intake.AppointmentBooked, "A-1", "P-1", doctor) }, true},
		{"not by the next visit", func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) },
			func(s *stagetest.Stage) { visit(s, "V-2", "P-1", doctor) }, false},
		{"not by the same visit, corrected", func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) },
			func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) }, false},
		{"not by the same appointment, moved", func(s *stagetest.Stage) { appointment(s, intake.AppointmentBooked, "A-1", "P-1", doctor) },
			func(s *stagetest.Stage) { appointment(s, intake.AppointmentMoved, "A-1", "P-1", doctor) }, false},
		{"not by the visit that an appointment led to", func(s *stagetest.Stage) { appointment(s, intake.AppointmentBooked, "A-1", "P-1", doctor) },
			func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) }, false},
		{"by a visit after which another photo is told", func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) },
			func(s *stagetest.Stage) {
				visit(s, "V-1", "P-1", dental.Doctor{ID: "D-3", PhotoURL: "https://clinic.example/irina-2.jpg"})
			}, true},
		{"by a visit to another doctor", func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) },
			func(s *stagetest.Stage) { visit(s, "V-2", "P-1", dental.Doctor{ID: "D-4", PhotoURL: irina}) }, true},
		{"by another patient's visit", func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) },
			func(s *stagetest.Stage) { visit(s, "V-2", "P-2", doctor) }, true},
		{"not of a doctor without a photo", nil, func(s *stagetest.Stage) { visit(s, "V-1", "P-1", dental.Doctor{ID: "D-3"}) }, false},
		{"not of a doctor without an id", nil, func(s *stagetest.Stage) { visit(s, "V-1", "P-1", dental.Doctor{Name: "Ирина", PhotoURL: irina}) }, false},
		{"not of a doctor who has left", func(s *stagetest.Stage) { s.Settings(func(c *dental.Clinic) { c.FormerDoctors = []string{"D-3"} }) },
			func(s *stagetest.Stage) { visit(s, "V-1", "P-1", doctor) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w := stage(t)
			s.Patient("P-1")
			s.Patient("P-2")
			if c.before != nil {
				c.before(s)
			}
			portraits(s)
			reads, writes := w.count(func() { c.tell(s) })
			if reads > 3 || writes != 1 {
				t.Errorf("the event took %d reads and %d writes", reads, writes)
			}
			jobs := portraits(s)
			if len(jobs) > 1 || (len(jobs) == 1) != c.asked {
				t.Fatalf("the jobs are %+v", jobs)
			}
			if len(jobs) == 1 && (jobs[0].Doctor == "" || !strings.HasPrefix(jobs[0].URL, "https://clinic.example/") || jobs[0].Patient != "") {
				t.Errorf("the job is %+v", jobs[0])
			}
		})
	}
}

func TestPatientsOfOneDoctorAskByOneJob(t *testing.T) {
	s, _ := stage(t)
	tell := func(from, to int) {
		for i := from; i < to; i++ {
			s.Visit("V-1", fmt.Sprint("P-", i), s.Now(), func(v *dental.Visit) { v.Doctor.PhotoURL = irina })
		}
	}
	tell(0, 5)
	if jobs := portraits(s); len(jobs) != 1 {
		t.Errorf("%d jobs", len(jobs))
	}
	tell(5, 9)
	if jobs := portraits(s); len(jobs) != 1 {
		t.Errorf("%d jobs afterwards", len(jobs))
	}
}

func TestAnOutdatedWordOnAnAppointmentAsksForNoPhoto(t *testing.T) {
	s, _ := stage(t)
	at := s.Now().AddDate(0, 0, 9)
	tell := func(version int64, d dental.Doctor) {
		s.Appointment(intake.AppointmentBooked, "A-1", "P-1", at, func(a *dental.Appointment) { a.Doctor, a.Version = d, version })
	}
	tell(2, dental.Doctor{ID: "D-3", PhotoURL: irina})
	portraits(s)
	tell(1, dental.Doctor{ID: "D-3", PhotoURL: "https://clinic.example/old.jpg"})
	if jobs := portraits(s); len(jobs) != 0 {
		t.Errorf("the jobs are %+v", jobs)
	}
}
