package locale

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Benefit is what a patient gets for coming, in the nominative, so that it can
// stand after a dash or between commas: "скидка 10 %", "500 ₽ бонусами",
// "ирригатор в подарок", "бесплатный осмотр". A gift or free service that the
// clinic named is called by that name. It is "" for none, and for one that
// lacks its percent or amount.
func (l Locale) Benefit(b dental.Benefit) string {
	name := strings.TrimSpace(b.Name)
	key := "benefit." + string(b.Kind)
	switch b.Kind {
	case dental.Discount:
		if b.Percent <= 0 {
			return ""
		}
	case dental.BonusAmount:
		if b.Amount.IsZero() {
			return ""
		}
	case dental.GiftService, dental.FreeService:
		if saysFree(name) {
			return name
		}
		if name != "" {
			key += ".named"
		}
	default:
		return ""
	}
	return l.Text(key, map[string]string{"percent": strconv.Itoa(b.Percent), "amount": l.Money(b.Amount), "name": name})
}

// Referral is what a recommendation brings, and whom: "по 500 ₽ вам и другу",
// said to the patient who recommends. It is for both where nothing else is
// set, and "" without a reward.
func (l Locale) Referral(terms dental.ReferralTerms) string {
	key := "benefit.referral." + cmp.Or(terms.Who, "both")
	if terms.Reward.IsZero() || !l.Has(key) {
		return ""
	}
	return l.Text(key, map[string]string{"amount": l.Money(terms.Reward)})
}

// saysFree reports whether a clinic's name for a benefit says already, in any
// language, that it costs nothing: "бесплатная консультация" needs no second word for it.
func saysFree(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' || r == '-' || r == ',' })
	return slices.ContainsFunc(All(), func(l Locale) bool {
		return slices.ContainsFunc(l.language().free, func(stem string) bool {
			return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(word, stem) })
		})
	})
}
