package desk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Reception is what whoever sits at the entrance asks for: who is on the phone,
// and who comes today.
type Reception struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
}

// mostFound is how many patients a search shows.
const mostFound = 20

// Found is one patient whose number ends with the digits searched for.
type Found struct {
	Patient string
	Who     string
	// Last says when the last visit was, and Gone why the card is not in use; "" without.
	Last, Gone string
	// Gains is what is open to the patient, each with until when.
	Gains []string
}

// Search finds the patients whose number ends with four digits, and whether
// there are more than it gives. Anything but four digits is Invalid.
func (s *Reception) Search(ctx context.Context, cl *dental.Clinic, digits string, now time.Time) (found []Found, more bool, err error) {
	if digits = strings.TrimSpace(digits); len(digits) != 4 || strings.Trim(digits, "0123456789") != "" {
		return nil, false, dental.Errorf(dental.Invalid, "digits", "must be the last four digits of a number")
	}
	k := lookAt(s.Store, s.Catalogue, cl, now)
	endings, next, err := s.Store.ByEnding(ctx, cl.ID, digits, mostFound, "")
	if err != nil {
		return nil, false, fmt.Errorf("desk: find who has a number: %w", err)
	}
	cards, failed := make([]*dental.Card, len(endings)), make([]error, len(endings))
	side(len(endings), func(i int) { cards[i], failed[i] = s.Store.Begin().Card(ctx, cl.ID, endings[i].Patient) })
	if err := errors.Join(failed...); err != nil {
		return nil, false, fmt.Errorf("desk: read who was found: %w", err)
	}
	for _, card := range cards {
		p := card.Patient
		if p.Erased || dental.EndingOf(p.Phone) != digits { // the index was behind
			continue
		}
		f := Found{Patient: p.ID, Who: k.who(p), Last: k.text("desk.search.never"), Gains: k.gains(card)}
		if last := lastVisit(card); last != nil {
			f.Last = k.text("desk.search.last", "day", k.day(k.clinic.Today(last.FinishedAt)))
		}
		if reason, gone := p.Gone(); gone {
			f.Gone, f.Gains = k.locale.Reason(reason), nil
		}
		found = append(found, f)
	}
	return found, next != "", nil
}

// gains says what a patient can take up now, each with until when: bonuses, a
// chosen gift with its code, a free hygiene, what the last message offered.
func (k look) gains(card *dental.Card) []string {
	var out []string
	if purse := dental.PurseOn(card.Bonuses, k.today); purse.Balance.Minor > 0 {
		key, first := "desk.gain.bonus", purse.Lots[0]
		switch {
		case first.Until.IsZero():
		case first.Left.Minor >= purse.Balance.Minor:
			key += ".until"
		default:
			key += ".some"
		}
		out = append(out, k.text(key, "amount", k.locale.Money(purse.Balance), "day", k.day(first.Until)))
	}
	for _, g := range card.Gifts {
		if !g.Redeemed() && !k.today.After(g.Until) {
			out = append(out, k.text("desk.gain.gift", "name", g.Name, "code", g.Code, "day", k.day(g.Until)))
		}
	}
	if n := k.freeHygienes(card); n > 0 {
		out = append(out, k.text("desk.gain.hygiene", "n", strconv.Itoa(n)))
	}
	if t, offer := k.offered(card); t != nil {
		out = append(out, k.text("desk.gain.offer", "benefit", k.locale.Benefit(offer.Benefit), "day", k.day(offer.Until)))
	}
	return out
}

// freeHygienes is how many free hygienes can be used today: one that was earned
// today waits for the next visit.
func (k look) freeHygienes(card *dental.Card) int {
	if card.Patient.Minor(k.today) {
		return 0
	}
	club := dental.ClubOf(k.clinic, card)
	usable := 0
	for _, day := range club.EarnedOn {
		if day.Before(k.today) {
			usable++
		}
	}
	return max(usable-club.Used, 0)
}

// offered is the last message whose benefit still holds, nil without one.
func (k look) offered(card *dental.Card) (last *dental.Touch, offer scenario.Offer) {
	for i := range card.Touches {
		t := &card.Touches[i]
		if t.Kind != "" || t.State != dental.Sent || last != nil && !t.SentAt.After(last.SentAt) {
			continue
		}
		o, ok := k.catalogue.OfferOf(k.clinic, card, t.Scenario, t.Step, t.Anchor)
		if ok && o.Over == "" && k.locale.Benefit(o.Benefit) != "" && !o.Until.IsZero() && !k.today.After(o.Until) {
			last, offer = t, o
		}
	}
	return last, offer
}
