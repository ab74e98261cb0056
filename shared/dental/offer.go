package dental

import "time"

// Response is what a patient answered to an offer or a recall: one a scenario
// and anchor, the last word counts.
type Response struct {
	Clinic   string
	Patient  string
	Scenario string
	Anchor   string
	Step     string // whose message was answered
	Touch    string
	Action   OfferAction
	// By is the member of staff to whom it was said, "" of an answer on a page,
	// and Cause the RefusalReason of a refusal.
	By    string
	Cause string
	// Weekday ("mon") and Part ("morning", "day", "evening") are wishes, empty for any.
	Weekday string
	Part    string
	FirstAt time.Time
	At      time.Time
	On      Date // the clinic's date of it, for the ledger
}

// OfferAction is an answer to an offer.
type OfferAction string

// The answers of the contract, and RefuseOffer, which is said to staff alone: no
// to this one offer, and to nothing after it.
const (
	BookOffer     OfferAction = "book"
	CallbackOffer OfferAction = "callback"
	LaterOffer    OfferAction = "later"
	NeverOffer    OfferAction = "never"
	RefuseOffer   OfferAction = "refuse"
)

// GiftChoice is the gift that a patient chose, redeemable by its code.
type GiftChoice struct {
	Clinic   string
	Patient  string
	Scenario string
	Anchor   string // the occasion: the year of a birthday
	Gift     string // id of the clinic's Gift
	Name     string
	Cost     Money
	Code     string
	Touch    string
	ChosenAt time.Time
	ChosenOn Date
	// Until is the last day on which it can be redeemed.
	Until      Date
	RedeemedAt time.Time
	RedeemedOn Date
	VisitID    string // at which it was redeemed, if that is known
}

// Redeemed reports whether the gift was given out: it can be changed no more.
func (g GiftChoice) Redeemed() bool { return !g.RedeemedAt.IsZero() }

// Referral is one friend whom a patient sent: it stands on the patient's card
// under the key of the friend's address.
type Referral struct {
	Clinic  string
	Patient string // who recommended
	Contact string // key of the friend's address
	Name    string // as the friend wrote it
	Phone   Phone
	At      time.Time
	// Consent is the version of the wording that the friend agreed to.
	Consent string
	// Friend is the friend's own card, as Member.Seen names one, once the MIS has sent it.
	Friend string
	// VisitOn is the day of the first paid visit, and Rewarded when both got
	// theirs; Reversed is when a refund took it back.
	VisitOn  Date
	Rewarded time.Time
	Reversed time.Time
}

// State is where a recommendation stands: "lead", "card", "rewarded", "reversed".
func (r Referral) State() string {
	switch {
	case !r.Reversed.IsZero():
		return "reversed"
	case !r.Rewarded.IsZero():
		return "rewarded"
	case r.Friend != "":
		return "card"
	}
	return "lead"
}

// LeadLife is how long after a friend left the number a first paid visit is rewarded.
const LeadLife = 180 * 24 * time.Hour

// Kin reports whether two cards are of one household, by phone or guardian.
// Nobody is rewarded for recommending the clinic to the own household.
func (p Patient) Kin(o Patient) bool {
	same := func(x, y string) bool { return x != "" && x == y }
	if p.Clinic == o.Clinic && (same(p.ID, o.ID) || same(p.GuardianID, o.ID) || same(p.ID, o.GuardianID) || same(p.GuardianID, o.GuardianID)) {
		return true
	}
	return same(string(p.Phone), string(o.Phone))
}

// Gift finds the choice made for an occasion, or nil.
func (c *Card) Gift(scenario, anchor string) *GiftChoice {
	return find(c.Gifts, func(g *GiftChoice) bool { return g.Scenario == scenario && g.Anchor == anchor })
}

// Response finds the answer to an offer, or nil.
func (c *Card) Response(scenario, anchor string) *Response {
	return find(c.Responses, func(r *Response) bool { return r.Scenario == scenario && r.Anchor == anchor })
}

// Referral finds the recommendation to an address, or nil.
func (c *Card) Referral(contact string) *Referral {
	return find(c.Referrals, func(r *Referral) bool { return r.Contact == contact })
}
