package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// picture is what the tests take for a portrait.
var picture = []byte("\xff\xd8\xff a portrait of Irina")

// pictured is a surgery whose doctor has a portrait.
func pictured(t *testing.T, change func(*surgery)) *surgery {
	t.Helper()
	s := newSurgery(t, func(s *surgery) {
		s.Next.Doctor.PhotoURL = "https://clinic.example/irina.jpg"
		if change != nil {
			change(s)
		}
	})
	s.paint("D-3", picture)
	return s
}

// paint puts a doctor's portrait.
func (s *surgery) paint(doctor string, jpeg []byte) {
	s.t.Helper()
	tx := s.store.Begin()
	p, err := tx.Portrait(context.Background(), clinicID, doctor)
	if err != nil {
		s.t.Fatal(err)
	}
	p.JPEG, p.At = jpeg, s.clock.Now()
	tx.Put(p)
	if err := tx.Commit(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func TestTheAppointmentShowsTheDoctorsOwnCopiedPicture(t *testing.T) {
	s := pictured(t, nil)
	path := s.appointment()
	page := s.get(path).want(http.StatusOK).says("Врач: Ирина Соколова").has(1, "img").has(1, ".visit img[width='96'][height='96'][alt='']")
	src := attr(page.all("img")[0], "src")
	if src != path+"/doctor.jpg" || strings.Contains(page.Body.String(), "clinic.example") {
		t.Errorf("the picture is loaded from %s", src)
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "; img-src 'self';") {
		t.Errorf("the policy is %q", policy)
	}
	a := s.get(src).want(http.StatusOK)
	if !bytes.Equal(a.Body.Bytes(), picture) {
		t.Errorf("the picture is %q", a.Body)
	}
	for header, want := range map[string]string{"Content-Type": "image/jpeg", "Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := a.Header().Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if policy := a.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the picture's policy is %q", policy)
	}
	head := s.send(httptest.NewRequest(http.MethodHead, src, nil)).want(http.StatusOK)
	if head.Header().Get("Content-Length") != a.Header().Get("Content-Length") {
		t.Error("HEAD answers otherwise than GET")
	}
	if got := s.post(src, "action", "confirm").want(http.StatusMethodNotAllowed).Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("a form may be sent by %q", got)
	}
	s.does(path, "action", "confirm").has(1, "img")
	if strings.Contains(s.log.String(), strings.TrimPrefix(path, "/c/")) {
		t.Error("the token is in the log")
	}
}

func TestWithoutAPortraitToShowThePageHasNoPicture(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*surgery)
		after  func(*surgery)
	}{
		"the doctor has none yet":                    {func(s *surgery) { s.Next.Doctor.ID = "D-4" }, nil},
		"it could not be copied":                     {nil, func(s *surgery) { s.paint("D-3", nil) }},
		"the clinic's system tells of none any more": {func(s *surgery) { s.Next.Doctor.PhotoURL = "" }, nil},
		"the doctor has no id":                       {func(s *surgery) { s.Next.Doctor.ID = "" }, nil},
		"the doctor has left":                        {func(s *surgery) { s.Clinic.FormerDoctors = []string{"D-3"} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := pictured(t, c.change)
			if c.after != nil {
				c.after(s)
			}
			path := s.appointment()
			s.get(path).want(http.StatusOK).says("Врач: Ирина Соколова").has(0, "img")
			s.get(path+"/doctor.jpg").want(http.StatusNotFound).reads("h1", "Эта ссылка не открывается")
		})
	}
}

func TestThePictureGoesWithItsLink(t *testing.T) {
	s := pictured(t, nil)
	path := s.appointment() + "/doctor.jpg"
	s.get(strings.Replace(path, "/c/", "/s/", 1)).want(http.StatusNotFound)
	s.get("/c/AAAAAAAAAAAAAAAA/doctor.jpg").want(http.StatusNotFound)
	s.get(path).want(http.StatusOK)
	s.clock.Advance(s.Next.Start.Sub(friday))
	s.get(path).want(http.StatusNotFound)
}

func TestOfSeveralAppointmentsThoseWithThePicturedDoctorShowIt(t *testing.T) {
	s := pictured(t, nil)
	second, third := s.Next, s.Next
	second.ID, second.Patient, second.Start = "A-502", "P-78", s.Next.Start.Add(time.Hour)
	third.ID, third.Patient, third.Start, third.Doctor = "A-503", "P-79", s.Next.Start.Add(2*time.Hour), dental.Doctor{ID: "D-4", Name: "Павел", PhotoURL: "https://clinic.example/pavel.jpg"}
	s.paint("D-4", []byte("\xff\xd8\xff a portrait of Pavel"))
	s.also(second)
	s.also(third)
	path := s.grant(dental.Link{Purpose: dental.AppointmentLink, Subject: dental.AppointmentAnchor(s.Next),
		Also: []string{dental.About("P-78", dental.AppointmentAnchor(second)), dental.About("P-79", dental.AppointmentAnchor(third))}, Expires: third.Start})
	s.get(path).want(http.StatusOK).has(3, ".visit").has(2, ".visit img")
	if got := s.get(path + "/doctor.jpg").Body.Bytes(); !bytes.Equal(got, picture) {
		t.Errorf("the picture is %q", got)
	}
	s.becomes(func(a *dental.Appointment) { a.Status = dental.Cancelled })
	s.get(path).want(http.StatusOK).has(1, ".visit img").has(0, ".struck img")
}
