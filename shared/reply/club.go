package reply

import (
	"context"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Club is a patient's own page of the club of regular patients.
type Club struct {
	Page
	// Standing is where the patient stands, and Purse the bonuses of today.
	Standing dental.Club
	Purse    dental.Purse
	// Referral is the token of the patient's own link for friends, "" where the
	// clinic rewards no recommendations or no message has brought the link into being.
	Referral string
	// Friends counts those who came by it, by dental.Referral.State: of the
	// friends themselves the page tells nothing.
	Friends map[string]int
}

// Club reads the page behind a token. A child's opens nothing: there is no club
// for children.
func (d *Desk) Club(ctx context.Context, token string, now time.Time) (Club, error) {
	v, err := d.open(ctx, dental.ClubLink, token, now)
	if err != nil {
		return Club{}, err
	}
	today := v.Clinic.Today(now)
	if v.card.Patient.Minor(today) {
		return Club{}, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	page := Club{Page: v.Page, Standing: dental.ClubOf(v.Clinic, v.card), Purse: dental.PurseOn(v.card.Bonuses, today), Friends: map[string]int{}}
	for _, r := range v.card.Referrals {
		page.Friends[r.State()]++
	}
	if !v.Clinic.Scenario("referral").On {
		return page, nil
	}
	own := d.Store.Token(dental.Link{Purpose: dental.ReferralLink, Clinic: v.Clinic.ID, Patient: v.card.Patient.ID})
	link, err := v.tx.LinkByHash(ctx, store.TokenHash(own))
	if err != nil {
		return page, err
	}
	if link.Purpose == dental.ReferralLink {
		page.Referral = own
	}
	return page, nil
}
