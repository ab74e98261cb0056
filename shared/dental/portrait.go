package dental

import (
	"slices"
	"time"
)

// Portrait is a clinic's own copy of one doctor's photo, so that neither a
// letter nor a page ever loads it from where the MIS has it.
type Portrait struct {
	Clinic string
	Doctor string // id
	// URL is where the photo was copied from, or is to be: the JPEG is of no other.
	URL  string
	JPEG []byte // square and small; nil while there is none
	// At is when the URL was last asked.
	At time.Time
	// Failed is why it gave no portrait then, in words for the log; "" when it did.
	Failed string
}

// The times after which a URL is asked again, and another one at all: an MIS
// that signs its URLs names another in every event.
const (
	portraitFresh = 90 * 24 * time.Hour
	portraitPause = 7 * 24 * time.Hour
	portraitPace  = time.Hour
)

// PortraitLife is how long a copy is kept that nobody has asked to be made again.
const PortraitLife = 365 * 24 * time.Hour

// Settled reports whether there is no reason to ask the URL at the instant: its
// photo was copied within 90 days, or could not be within 7, or another URL was
// asked within the hour.
func (p Portrait) Settled(url string, at time.Time) bool {
	patience := portraitFresh
	switch {
	case p.URL != url:
		patience = portraitPace
	case p.Failed != "":
		patience = portraitPause
	}
	return !p.At.IsZero() && at.Before(p.At.Add(patience))
}

// Shown reports whether there is a picture to show of the doctor.
func (p Portrait) Shown() bool { return len(p.JPEG) > 0 }

// Shows reports whether letters and pages may show the doctor's picture: the MIS
// names a photo with the doctor, who has not left.
func (c *Clinic) Shows(d Doctor) bool {
	return d.ID != "" && d.PhotoURL != "" && !slices.Contains(c.FormerDoctors, d.ID)
}
