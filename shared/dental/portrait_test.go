package dental_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestAPhotoIsAskedForAgainAfterItsTime(t *testing.T) {
	const url, other = "https://clinic.example/irina.jpg", "https://clinic.example/irina-2.jpg"
	at := time.Date(2026, 5, 22, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		p       dental.Portrait
		url     string
		after   time.Duration
		settled bool
	}{
		{"at first", dental.Portrait{}, url, 0, false},
		{"when it was copied just now, not", dental.Portrait{URL: url, At: at, JPEG: []byte("x")}, url, 0, true},
		{"when it was copied not quite 90 days ago, not", dental.Portrait{URL: url, At: at, JPEG: []byte("x")}, url, 90*day - 1, true},
		{"when it was copied 90 days ago", dental.Portrait{URL: url, At: at, JPEG: []byte("x")}, url, 90 * day, false},
		{"when another was copied not quite an hour ago, not", dental.Portrait{URL: url, At: at, JPEG: []byte("x")}, other, time.Hour - 1, true},
		{"when another was copied an hour ago", dental.Portrait{URL: url, At: at, JPEG: []byte("x")}, other, time.Hour, false},
		{"when it failed just now, not", dental.Portrait{URL: url, At: at, Failed: "x"}, url, 0, true},
		{"when it failed not quite 7 days ago, not", dental.Portrait{URL: url, At: at, Failed: "x"}, url, 7*day - 1, true},
		{"when it failed 7 days ago", dental.Portrait{URL: url, At: at, Failed: "x"}, url, 7 * day, false},
		{"when it failed, and an older copy is there, after 7 days too", dental.Portrait{URL: url, At: at, Failed: "x", JPEG: []byte("x")}, url, 7 * day, false},
		{"when another failed not quite an hour ago, not", dental.Portrait{URL: url, At: at, Failed: "x"}, other, time.Hour - 1, true},
		{"when another failed an hour ago", dental.Portrait{URL: url, At: at, Failed: "x"}, other, time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.p.Settled(c.url, at.Add(c.after)); got != c.settled {
				t.Errorf("settled: %t", got)
			}
		})
	}
	if (dental.Portrait{Failed: "x"}).Shown() || !(dental.Portrait{JPEG: []byte("x"), Failed: "x"}).Shown() {
		t.Error("what is shown is not what there is a picture of")
	}
}

func TestAClinicShowsTheDoctorsItHasPhotosOf(t *testing.T) {
	cl := &dental.Clinic{FormerDoctors: []string{"D-9"}}
	for name, c := range map[string]struct {
		doctor dental.Doctor
		shown  bool
	}{
		"with a photo":           {dental.Doctor{ID: "D-3", PhotoURL: "https://clinic.example/a.jpg"}, true},
		"without one":            {dental.Doctor{ID: "D-3", Name: "Ирина"}, false},
		"without an id":          {dental.Doctor{Name: "Ирина", PhotoURL: "https://clinic.example/a.jpg"}, false},
		"with a photo, but gone": {dental.Doctor{ID: "D-9", PhotoURL: "https://clinic.example/a.jpg"}, false},
		"who is nobody":          {dental.Doctor{}, false},
	} {
		if got := cl.Shows(c.doctor); got != c.shown {
			t.Errorf("a doctor %s is shown: %t", name, got)
		}
	}
}
