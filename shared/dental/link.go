package dental

import "time"

// Purpose is what a link opens: the first part of its path.
type Purpose string

// The purposes of links.
const (
	SurveyLink      Purpose = "s"
	AppointmentLink Purpose = "c"
	GiftLink        Purpose = "g"
	OfferLink       Purpose = "o"
	ReferralLink    Purpose = "r"
	PreferencesLink Purpose = "u"
	ClubLink        Purpose = "club"
)

// Link is one patient's way to one page. Its token is nowhere in it.
type Link struct {
	Hash    string // of the token, the key
	Purpose Purpose
	Clinic  string
	Patient string
	// Subject is what the page is about: a day for a survey, an appointment's anchor, a class and channel for preferences.
	Subject string
	// Also are further appointments that the page is about, as patient/anchor.
	Also    []string
	Touch   string
	Expires time.Time
}
