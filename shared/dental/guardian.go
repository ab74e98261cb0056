package dental

// Guardian is what keeps a child's message from its guardian.
type Guardian string

// A child without guardianId gets service messages on its card's own address,
// which is a parent's; where one is named, everything goes to that one alone.
const (
	NoGuardian      Guardian = "none"    // the card names none
	GuardianAwaited Guardian = "awaited" // named, and that card has not come
	GuardianGone    Guardian = "gone"    // named, and that card is archived, erased, …
)

// Reader is who reads the messages about the patient on a day: a child's guardian,
// else the patient. Someone of age who still has a guardian's phone or address has
// none of their own. guardian is the card that GuardianID names, the zero Patient
// where there is none; kept says what stands between a child and its guardian, ""
// for nothing.
func (p Patient) Reader(guardian Patient, day Date) (reader Patient, kept Guardian) {
	minor := p.Minor(day)
	_, gone := guardian.Gone()
	switch {
	case p.GuardianID == "":
		if minor {
			kept = NoGuardian
		}
		return p, kept
	case !minor:
		if guardian.Phone == p.Phone {
			p.Phone = ""
		}
		if guardian.Email == p.Email {
			p.Email = ""
		}
		return p, ""
	case gone:
		return p, GuardianGone
	case guardian.ID == "" || guardian.Stub:
		return p, GuardianAwaited
	}
	return guardian, ""
}
