package dental

import "slices"

// RefusalReason is why a patient would not come, as staff have heard it.
type RefusalReason string

// The reasons, in the order in which staff are offered them.
const (
	RefusedPrice        RefusalReason = "price"
	RefusedNoTime       RefusalReason = "no-time"
	RefusedNotNeeded    RefusalReason = "not-needed"
	RefusedFear         RefusalReason = "fear"
	RefusedNotSatisfied RefusalReason = "not-satisfied"
	RefusedAnother      RefusalReason = "another-clinic"
	RefusedMoved        RefusalReason = "moved-away"
	RefusedOther        RefusalReason = "other"
)

// RefusalReasons lists them.
func RefusalReasons() []RefusalReason {
	return []RefusalReason{RefusedPrice, RefusedNoTime, RefusedNotNeeded, RefusedFear, RefusedNotSatisfied, RefusedAnother, RefusedMoved, RefusedOther}
}

// Known reports whether it is one of the list.
func (r RefusalReason) Known() bool { return slices.Contains(RefusalReasons(), r) }

// Action is what a refusal for the reason amounts to: who does not need what
// was offered, and who is a patient elsewhere now, is not asked again; any other
// reason may pass, and ends this one offer.
func (r RefusalReason) Action() OfferAction {
	if r == RefusedNotNeeded || r.Gone() {
		return NeverOffer
	}
	return RefuseOffer
}

// Gone reports whether the patient is one of the clinic's no longer: then it is
// not this kind of offer alone that is not wanted.
func (r RefusalReason) Gone() bool { return r == RefusedAnother || r == RefusedMoved }

// ComplaintCause is what a complaint turned out to be about.
type ComplaintCause string

// The causes, in the order in which staff are offered them.
const (
	CauseTreatment ComplaintCause = "treatment"
	CausePain      ComplaintCause = "pain"
	CauseManner    ComplaintCause = "manner"
	CauseWaiting   ComplaintCause = "waiting"
	CausePrice     ComplaintCause = "price"
	CauseMistaken  ComplaintCause = "misunderstanding"
	CauseOther     ComplaintCause = "other"
)

// ComplaintCauses lists them.
func ComplaintCauses() []ComplaintCause {
	return []ComplaintCause{CauseTreatment, CausePain, CauseManner, CauseWaiting, CausePrice, CauseMistaken, CauseOther}
}

// Known reports whether it is one of the list.
func (c ComplaintCause) Known() bool { return slices.Contains(ComplaintCauses(), c) }
