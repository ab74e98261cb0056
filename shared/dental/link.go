package dental

import (
	"strings"
	"time"
)

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
	// Subject is what the page is about: a day for a survey, an appointment's
	// anchor, an OfferSubject, a class and the contact's key for preferences.
	Subject string
	// Also are further appointments that the page is about, as patient/anchor.
	Also    []string
	Touch   string
	Expires time.Time
	// Reader is the patient whom the message went to, a child's guardian for one,
	// and Refusal the Subject of that message's preferences link: by them each of
	// its pages leads to the one on which messages are chosen.
	Reader  string
	Refusal string
}

// OfferSubject names the touch whose offer or gift a page is about.
func OfferSubject(scenario, step, anchor string) string { return scenario + "/" + step + "/" + anchor }

// Offer takes an OfferSubject apart; no scenario's and no step's name has a slash.
func (l Link) Offer() (scenario, step, anchor string) {
	scenario, rest, _ := strings.Cut(l.Subject, "/")
	step, anchor, _ = strings.Cut(rest, "/")
	return scenario, step, anchor
}
