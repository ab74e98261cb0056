package outreach_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// gallery is a table that counts, and can refuse, the reading of portraits.
type gallery struct {
	table.Table
	reads  int
	closed bool
}

func (g *gallery) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if strings.HasPrefix(keys[0].SK, "IMG#") {
		g.reads++
		if g.closed {
			return nil, errors.New("no route to the table")
		}
	}
	return g.Table.Get(ctx, keys...)
}

// photographed is a stage where the doctor of every visit and appointment has a photo.
func photographed(t *testing.T, change ...func(*dental.Clinic)) (*stagetest.Stage, *gallery) {
	t.Helper()
	g := &gallery{}
	var s *stagetest.Stage
	g.Table = tabletest.NewReference(func() time.Time { return s.Now() }, rand.NewChaCha8([32]byte{1}))
	s = stagetest.Join(stagetest.New(t, start, change...), g)
	s.Settings(func(*dental.Clinic) {})
	s.Photo = func(string) ([]byte, error) {
		var b bytes.Buffer
		err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64)))
		return b.Bytes(), err
	}
	return s, g
}

func booked(s *stagetest.Stage, id, patient, start string, change ...func(*dental.Appointment)) {
	s.Appointment(intake.AppointmentBooked, id, patient, s.Local(start), append([]func(*dental.Appointment){func(a *dental.Appointment) {
		a.Doctor.PhotoURL = "https://clinic.example/irina.jpg"
	}}, change...)...)
}

func TestALetterThatNamesTheDoctorShowsThePortrait(t *testing.T) {
	s, g := photographed(t)
	s.Patient("P", func(c *intake.Card) { c.Number = "" })
	booked(s, "A", "P", "2026-03-20 12:00")
	s.ToLocal("2026-03-17 00:00")
	g.reads = 0
	s.ToLocal("2026-03-18 13:00")
	all := s.SentAs("appointment", "reminder")
	if len(all) != 1 {
		t.Fatalf("%d reminders", len(all))
	}
	m := all[0]
	if _, err := jpeg.Decode(bytes.NewReader(m.Photo)); err != nil {
		t.Errorf("the letter carries %d bytes: %v", len(m.Photo), err)
	}
	if strings.Count(m.HTML, "<img") != 1 || !strings.Contains(m.HTML, `<img src="cid:doctor" width="96" height="96" alt="Ирина Соколова"`) {
		t.Errorf("the letter shows %s", m.HTML)
	}
	if strings.Contains(m.HTML+m.Text, "clinic.example") {
		t.Error("the letter leads to where the photo was")
	}
	if g.reads != 1 {
		t.Errorf("the portrait was read %d times", g.reads)
	}
}

func TestALetterWithoutAPortraitToShowHasNoHoleForIt(t *testing.T) {
	for name, change := range map[string]func(*stagetest.Stage){
		"when it could not be copied": func(s *stagetest.Stage) { s.Photo = nil },
		"when the doctor has left":    func(s *stagetest.Stage) { s.Settings(func(c *dental.Clinic) { c.FormerDoctors = []string{"D-3"} }) },
		"when the doctor has no name": func(s *stagetest.Stage) {
			rename(s, dental.Doctor{ID: "D-3", PhotoURL: "https://clinic.example/irina.jpg"})
		},
		"when there is a photo no more": func(s *stagetest.Stage) { rename(s, dental.Doctor{ID: "D-3", Name: "Ирина Соколова"}) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := photographed(t)
			s.Patient("P", func(c *intake.Card) { c.Number = "" })
			booked(s, "A", "P", "2026-03-20 12:00")
			change(s)
			s.ToLocal("2026-03-18 13:00")
			all := s.SentAs("appointment", "reminder")
			if len(all) != 1 || all[0].Photo != nil || strings.Contains(all[0].HTML, "<img") {
				t.Errorf("%d reminders: %+v", len(all), all)
			}
		})
	}
}

// rename tells the appointment again, with another doctor.
func rename(s *stagetest.Stage, d dental.Doctor) {
	s.ToLocal("2026-03-11 12:00")
	booked(s, "A", "P", "2026-03-20 12:00", func(a *dental.Appointment) { a.Doctor = d })
}

func TestWhatShowsNoDoctorReadsNoPortrait(t *testing.T) {
	t.Run("a text message", func(t *testing.T) {
		s, g := photographed(t)
		s.Patient("P")
		booked(s, "A", "P", "2026-03-20 12:00")
		s.ToLocal("2026-03-17 00:00")
		g.reads = 0
		s.ToLocal("2026-03-18 13:00")
		if all := s.SentAs("appointment", "reminder"); len(all) != 1 || all[0].Channel != dental.SMS || all[0].Photo != nil || g.reads != 0 {
			t.Errorf("%d reminders, the portrait was read %d times", len(all), g.reads)
		}
	})
	t.Run("a letter that speaks of several appointments", func(t *testing.T) {
		s, g := photographed(t)
		s.Patient("P", func(c *intake.Card) { c.Number = "" })
		booked(s, "A", "P", "2026-03-20 12:00")
		booked(s, "B", "P", "2026-03-20 15:00", func(a *dental.Appointment) { a.Doctor.ID, a.Doctor.Name = "D-4", "Павел" })
		s.ToLocal("2026-03-17 00:00")
		g.reads = 0
		s.ToLocal("2026-03-18 16:00")
		if all := s.SentAs("appointment", "reminder"); len(all) != 1 || all[0].Photo != nil || g.reads != 0 {
			t.Errorf("%d reminders, portraits were read %d times", len(all), g.reads)
		}
	})
}

func TestNothingLeavesWhileThePortraitCannotBeRead(t *testing.T) {
	s, g := photographed(t)
	s.Patient("P", func(c *intake.Card) { c.Number = "" })
	booked(s, "A", "P", "2026-03-20 12:00")
	s.ToLocal("2026-03-18 11:59")
	g.closed = true
	s.Set(s.Local("2026-03-18 12:00"))
	if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	for _, body := range s.Queued() {
		if err := s.Work(t.Context(), body); dental.KindOf(err) != dental.Unavailable {
			t.Errorf("the step ends with %v", err)
		}
	}
	if touch := s.Touch("P", "appointment", "reminder"); touch.State != dental.Queued || len(touch.Attempts) != 0 {
		t.Errorf("the reminder is %s after %d attempts", touch.State, len(touch.Attempts))
	}
	g.closed = false
	s.ToLocal("2026-03-18 13:00")
	if all := s.SentAs("appointment", "reminder"); len(all) != 1 || all[0].Photo == nil {
		t.Errorf("afterwards %d reminders have left", len(all))
	}
}
