package phone

import (
	"errors"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Read is Parse in the form that package intake asks for: the number with its
// region and whether an SMS can arrive, or the issue in one word.
func Read(spelled, country string) (number dental.Phone, region string, mobile bool, issue string) {
	n, err := Parse(spelled, country)
	var why Issue
	switch {
	case err == nil:
		return n.E164, n.Region, n.Mobile, ""
	case errors.As(err, &why):
		return "", "", false, string(why)
	}
	return "", "", false, string(Malformed)
}
