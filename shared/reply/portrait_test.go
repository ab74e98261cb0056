package reply_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
)

// granted lets a token open a page of P's.
func granted(t *testing.T, s *stagetest.Stage, purpose dental.Purpose, subject string) (token string) {
	t.Helper()
	l := dental.Link{Purpose: purpose, Clinic: s.Clinic.ID, Patient: "P", Subject: subject, Expires: s.Now().AddDate(0, 1, 0)}
	token = s.Store.Token(l)
	l.Hash = store.TokenHash(token)
	tx := s.Store.Begin()
	tx.Put(l)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestThePhotoIsOfTheDoctorWhomThePageNames(t *testing.T) {
	s := stagetest.New(t, time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC))
	shades := map[string]uint8{"irina": 40, "pavel": 220}
	s.Photo = func(url string) ([]byte, error) {
		m := image.NewGray(image.Rect(0, 0, 64, 64))
		for i := range m.Pix {
			m.Pix[i] = shades[url[len("https://clinic.example/"):len(url)-len(".jpg")]]
		}
		var b bytes.Buffer
		err := png.Encode(&b, m)
		return b.Bytes(), err
	}
	s.Patient("P")
	by := func(id, name string) func(*dental.Visit) {
		return func(v *dental.Visit) {
			v.Doctor = dental.Doctor{ID: id, Name: name, PhotoURL: "https://clinic.example/" + name + ".jpg"}
		}
	}
	s.Visit("V-1", "P", s.Now().AddDate(0, 0, -3), by("D-3", "irina"))
	s.Visit("V-2", "P", s.Now(), by("D-4", "pavel"))
	s.Tick()
	portrait := func(doctor string) []byte {
		p, err := s.Store.Begin().Portrait(t.Context(), s.Clinic.ID, doctor)
		if err != nil || !p.Shown() {
			t.Fatalf("%s has no portrait: %+v (%v)", doctor, p, err)
		}
		return p.JPEG
	}
	irina, pavel := portrait("D-3"), portrait("D-4")
	for name, c := range map[string]struct {
		purpose dental.Purpose
		subject string
		want    []byte
	}{
		"of a day's survey":               {dental.SurveyLink, "2026-03-07", irina},
		"of another day's survey":         {dental.SurveyLink, "2026-03-10", pavel},
		"of a recall":                     {dental.OfferLink, dental.OfferSubject("recall", "first", "2026-09-10"), pavel},
		"of an offer about the last day":  {dental.OfferLink, dental.OfferSubject("sleeping-6", "offer", "2026-03-10"), pavel},
		"of an offer about an earlier":    {dental.OfferLink, dental.OfferSubject("implant-year", "check", "2026-03-07"), irina},
		"of an offer about nothing known": {dental.OfferLink, "", pavel},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Desk.Photo(t.Context(), c.purpose, granted(t, s, c.purpose, c.subject), s.Now())
			if err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes (%v), want %d", len(got), err, len(c.want))
			}
		})
	}
	recall := granted(t, s, dental.OfferLink, dental.OfferSubject("recall", "first", "2026-09-10"))
	refused := func(name string, purpose dental.Purpose, token string, at time.Time) {
		t.Helper()
		if got, err := s.Desk.Photo(t.Context(), purpose, token, at); got != nil || dental.KindOf(err) != dental.NotFound {
			t.Errorf("%s: %d bytes (%v)", name, len(got), err)
		}
	}
	refused("another purpose", dental.SurveyLink, recall, s.Now())
	refused("no link", dental.OfferLink, "AAAAAAAAAAAAAAAA", s.Now())
	refused("an expired link", dental.OfferLink, recall, s.Now().AddDate(0, 2, 0))
	s.Settings(func(c *dental.Clinic) { c.FormerDoctors = []string{"D-4"} })
	refused("a doctor who has left", dental.OfferLink, recall, s.Now())
}
