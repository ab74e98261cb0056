package intake

import (
	"reflect"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// supplemented is a card of which only some is told, in line with what is known
// already: what is told wins over it, or with a Hint it wins.
func supplemented(was, told dental.Patient, says Saying) dental.Patient {
	winner, other, out := told, was, told
	if says == Hint {
		out.Source = was.Source // a hint has no place in the order of cards
		if !was.Stub {
			winner, other = was, told
		}
	}
	fill(&out.FamilyName, winner.FamilyName, other.FamilyName)
	fill(&out.GivenName, winner.GivenName, other.GivenName)
	fill(&out.MiddleName, winner.MiddleName, other.MiddleName)
	fill(&out.Email, winner.Email, other.Email)
	fill(&out.BirthDate, winner.BirthDate, other.BirthDate)
	fill(&out.Sex, winner.Sex, other.Sex)
	fill(&out.Language, winner.Language, other.Language)
	fill(&out.DoctorID, winner.DoctorID, other.DoctorID)
	fill(&out.GuardianID, winner.GuardianID, other.GuardianID)
	fill(&out.Preferred, winner.Preferred, other.Preferred)
	number := winner
	if winner.Phone == "" && (winner.PhoneIssue == "" || other.Phone != "") {
		number = other
	}
	out.Phone, out.PhoneRegion, out.Landline, out.PhoneIssue = number.Phone, number.PhoneRegion, number.Landline, number.PhoneIssue
	if says == Hint && !was.Stub {
		out.Status, out.Told = was.Status, was.Told
	}
	return out
}

// fill gives a field the winner's value, or where that is empty the other's.
func fill[T comparable](field *T, winner, other T) {
	var none T
	if *field = winner; winner == none {
		*field = other
	}
}

// alike reports whether two cards say the same, whoever said it.
func alike(a, b dental.Patient) bool {
	a.Source, b.Source = dental.Source{}, dental.Source{}
	a.Consents, b.Consents, a.NotMe, b.NotMe = nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}
