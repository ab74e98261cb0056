package bitrix24

import (
	"context"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// contactType is a contact among the types of CRM objects:
// https://apidocs.bitrix24.com/api-reference/crm/data-types.html#object_type
const contactType = 3

// contact finds the contact whose card a to-do about the patient belongs on, 0
// if there is none. Of several that have the phone, as a family has, it is the
// one whose name is the patient's, else the first.
//
// The method takes at most 20 values and answers with at most 20 contacts:
// https://apidocs.bitrix24.com/api-reference/crm/duplicates/crm-duplicate-find-by-comm.html
// https://apidocs.bitrix24.com/api-reference/crm/contacts/crm-contact-list.html
func (p *caller) contact(ctx context.Context, who dental.Patient) (number, error) {
	forms := phoneForms(who.Phone)
	if len(forms) == 0 {
		return 0, nil
	}
	var found struct {
		Contacts numbers `json:"CONTACT"`
	}
	err := p.call(ctx, "crm.duplicate.findbycomm", object{"type": "PHONE", "entity_type": "CONTACT", "values": forms}, &found)
	if err != nil || len(found.Contacts) == 0 {
		return 0, err
	}
	ids := slices.Compact(slices.Sorted(slices.Values(found.Contacts)))
	if len(ids) == 1 {
		return ids[0], nil
	}
	var cards []struct {
		ID     number `json:"ID"`
		Given  string `json:"NAME"`
		Family string `json:"LAST_NAME"`
	}
	err = p.call(ctx, "crm.contact.list", object{"filter": object{"@ID": ids}, "select": []string{"ID", "NAME", "LAST_NAME"}, "order": object{"ID": "ASC"}}, &cards)
	if err != nil {
		return 0, err
	}
	best, likeness := ids[0], 0
	for _, card := range cards {
		// The family name tells less than the given one: families share phones.
		alike := 0
		if sameName(card.Given, who.GivenName) {
			alike += 2
		}
		if sameName(card.Family, who.FamilyName) {
			alike++
		}
		if alike > likeness {
			best, likeness = card.ID, alike
		}
	}
	return best, nil
}

func sameName(a, b string) bool {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "ё", "е") }
	return fold(a) != "" && fold(a) == fold(b)
}

// phoneForms are the ways in which a number stands on cards that people typed.
// The portal compares digits; the national forms of Russia and Kazakhstan leave
// the country's out or have the trunk's in its place.
func phoneForms(p dental.Phone) []string {
	if p == "" {
		return nil
	}
	forms := []string{string(p)}
	if national, ok := strings.CutPrefix(string(p), "+7"); ok && len(national) == 10 {
		forms = append(forms, "8"+national, national)
	}
	return forms
}
