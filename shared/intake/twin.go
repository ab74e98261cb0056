package intake

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// twinsLooked is how many others with a patient's number are looked at: a family
// has few members, and who shares a number with more is nobody's twin.
const twinsLooked = 3

// twins proposes to staff that cards are of one person: another one of the clinic
// with the same phone and the same birth date, unless their names tell them
// apart. It reads nothing where nobody else has the number. What was proposed
// once, and what staff have decided, stays.
func (d *draft) twins(ctx context.Context, p dental.Patient, c *dental.Contact) error {
	if _, gone := p.Gone(); gone || p.BirthDate.IsZero() || c == nil {
		return nil
	}
	var others []dental.Member
	for _, m := range slices.Backward(c.Members) {
		if m.Clinic == p.Clinic && m.Patient != p.ID && len(others) < twinsLooked {
			others = append(others, m)
		}
	}
	heads, err := d.tx.Heads(ctx, others...)
	if err != nil {
		return err
	}
	var found []dental.Twin
	for _, o := range heads {
		if _, gone := o.Gone(); !gone && o.Phone == p.Phone && o.BirthDate == p.BirthDate && maybeOne(p, o) {
			found = append(found, dental.Twin{Clinic: p.Clinic, A: min(p.ID, o.ID), B: max(p.ID, o.ID)})
		}
	}
	known, err := d.tx.Twins(ctx, found...)
	if err != nil {
		return err
	}
	for _, t := range known {
		if t.Found.IsZero() {
			t.Found = d.now
			d.tx.Put(t)
			d.proposed++
		}
	}
	return nil
}

// maybeOne reports whether two patients of one number and one birth date may be
// one person. Twins, and a family's children whom the card system knows by one
// parent's number, have given names of their own: so these must be the same, or
// one of them the other's initial, or not known. A family name may have changed,
// and says nothing; of two sexes nobody is.
func maybeOne(a, b dental.Patient) bool {
	if a.Sex != "" && b.Sex != "" && a.Sex != b.Sex {
		return false
	}
	x, y := nameOf(a), nameOf(b)
	if utf8.RuneCountInString(x) > utf8.RuneCountInString(y) {
		x, y = y, x
	}
	return x == "" || x == y || utf8.RuneCountInString(x) == 1 && strings.HasPrefix(y, x)
}

// nameOf is the given name in small letters, ё as е, without the dot of an initial.
func nameOf(p dental.Patient) string {
	return strings.ReplaceAll(strings.ToLower(strings.Trim(p.GivenName, " .")), "ё", "е")
}
