package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Till is where staff give out what patients have gathered: bonuses, the free
// hygienes of the club, gifts. Each press is one write under the version of the
// patient's head, which every other press and every reversal changes too: what
// two receptionists spend at the same moment is not the same money.
//
// Errors are Invalid for what was typed, NotFound for a patient or a code that
// is not there, and Conflict for what the patient does not have (any more).
type Till struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Rand      io.Reader // crypto/rand.Reader outside tests
}

// Press is one press of a button.
type Press struct {
	Clinic  string
	Patient string
	By      string // who pressed it
	// ID makes the press single, 1 to 64 of A-Z a-z 0-9 . _ : -: a form that is
	// sent twice counts once. Without one each press is its own.
	ID string
}

// reasonLength is the most runes of a reason.
const reasonLength = 200

// Grant gives a patient bonuses for a reason, to be spent within the clinic's
// BonusDays, and returns what there is then.
func (t *Till) Grant(ctx context.Context, p Press, amount dental.Money, reason string, now time.Time) (dental.Purse, error) {
	if tidy(reason) == "" {
		return dental.Purse{}, dental.Errorf(dental.Invalid, "reason", "must say what the bonuses are for")
	}
	return t.enter(ctx, p, amount, now, func(s *sale) (dental.Bonus, error) {
		return dental.Bonus{Kind: dental.BonusGrant, Amount: amount, Until: s.clinic.BonusUntil(s.today), Reason: tidy(reason)}, nil
	})
}

// Spend takes bonuses for something that the patient pays with them, from what
// expires first, and returns what is left. The reason may be empty.
func (t *Till) Spend(ctx context.Context, p Press, amount dental.Money, reason string, now time.Time) (dental.Purse, error) {
	return t.enter(ctx, p, amount, now, func(s *sale) (dental.Bonus, error) {
		purse := dental.PurseOn(s.card.Bonuses, s.today)
		if purse.Balance.Minor < amount.Minor {
			return dental.Bonus{}, dental.Errorf(dental.Conflict, "amount", "%s", left(purse))
		}
		return dental.Bonus{Kind: dental.BonusSpent, Amount: dental.Money{Minor: -amount.Minor, Currency: amount.Currency}, Reason: tidy(reason)}, nil
	})
}

// left says what a purse has, to whoever wanted more.
func left(p dental.Purse) string {
	l := locale.English
	if p.Balance.Minor <= 0 {
		return "there is nothing left to spend"
	}
	text, first := "only "+l.Money(p.Balance)+" left", p.Lots[0]
	switch {
	case first.Until.IsZero():
	case first.Left.Minor >= p.Balance.Minor:
		text += " until " + l.DayYear(first.Until)
	default:
		text += ", of which " + l.Money(first.Left) + " until " + l.DayYear(first.Until)
	}
	return text
}

// RedeemFreeHygiene uses a free hygiene that the club has earned the patient,
// from the day after it was earned, and returns the standing then.
func (t *Till) RedeemFreeHygiene(ctx context.Context, p Press, now time.Time) (dental.Club, error) {
	var club dental.Club
	err := t.sell(ctx, p, now, func(s *sale) error {
		if club = dental.ClubOf(s.clinic, s.card); s.has(s.source(dental.BonusFreeHygiene)) {
			return nil
		}
		earned := 0
		for _, day := range club.EarnedOn {
			if day.Before(s.today) {
				earned++
			}
		}
		switch {
		case s.card.Patient.Minor(s.today):
			return dental.Errorf(dental.Conflict, "", "the club is for patients of age")
		case club.Free() == 0:
			return dental.Errorf(dental.Conflict, "", "there is no free hygiene: %d of %d visits towards the next one", club.Towards(), club.Every)
		case earned <= club.Used:
			return dental.Errorf(dental.Conflict, "", "the free hygiene was earned today and can be used from the next visit on")
		}
		s.put(dental.Bonus{Kind: dental.BonusFreeHygiene})
		club = dental.ClubOf(s.clinic, s.card)
		return nil
	})
	return club, err
}

// RedeemGift gives out the gift that a patient has chosen, by its code, however
// that is spaced and in whatever case.
func (t *Till) RedeemGift(ctx context.Context, p Press, code string, now time.Time) (dental.GiftChoice, error) {
	var gift dental.GiftChoice
	wanted := bare(code)
	if wanted == "" {
		return gift, dental.Errorf(dental.Invalid, "code", "must be the code of a gift")
	}
	err := t.sell(ctx, p, now, func(s *sale) error {
		i := slices.IndexFunc(s.card.Gifts, func(g dental.GiftChoice) bool { return bare(g.Code) == wanted })
		if i < 0 {
			return dental.Errorf(dental.NotFound, "code", "the patient has no gift with this code")
		}
		gift = s.card.Gifts[i]
		switch {
		case s.lost && gift.RedeemedAt.Equal(now):
			return nil // it was this very press
		case gift.Redeemed():
			return dental.Errorf(dental.Conflict, "code", "the gift was given out on %s", locale.English.DayYear(gift.RedeemedOn))
		case !gift.Until.IsZero() && s.today.After(gift.Until):
			return dental.Errorf(dental.Conflict, "code", "the gift could be had until %s", locale.English.DayYear(gift.Until))
		}
		gift.RedeemedAt, gift.RedeemedOn = now, s.today
		s.card.Gifts[i] = gift
		s.tx.Put(gift)
		return nil
	})
	return gift, err
}

// bare is a code without what people put between its letters.
func bare(code string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, code)
}

// tidy is what staff wrote, as one line of bounded length.
func tidy(s string) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "))
	return string(r[:min(len(r), reasonLength)])
}

// sale is one press on its way into the state.
type sale struct {
	Press
	tx     *store.Tx
	clinic *dental.Clinic
	card   *dental.Card
	now    time.Time
	today  dental.Date
	lost   bool // an earlier try may have been written: its answer was lost
}

// source names the entry that the press makes, once.
func (s *sale) source(kind dental.BonusKind) string { return string(kind) + "." + s.ID }

func (s *sale) has(source string) bool {
	return slices.ContainsFunc(s.card.Bonuses, func(b dental.Bonus) bool { return b.Source == source })
}

// put adds an entry to the ledger.
func (s *sale) put(b dental.Bonus) {
	b.Clinic, b.Patient, b.Source, b.At, b.On, b.By = s.Clinic, s.Patient, s.source(b.Kind), s.now, s.today, s.By
	s.card.Bonuses = append(s.card.Bonuses, b)
	s.tx.Put(b)
}

// enter adds an entry of money. One that the same press has made stands.
func (t *Till) enter(ctx context.Context, p Press, amount dental.Money, now time.Time, entry func(*sale) (dental.Bonus, error)) (dental.Purse, error) {
	if amount.Minor <= 0 {
		return dental.Purse{}, dental.Errorf(dental.Invalid, "amount", "must be more than nothing")
	}
	var purse dental.Purse
	err := t.sell(ctx, p, now, func(s *sale) error {
		if s.clinic.Currency != "" && amount.Currency != s.clinic.Currency {
			return dental.Errorf(dental.Invalid, "amount", "the clinic's currency is %s, not %s", s.clinic.Currency, amount.Currency)
		}
		for _, b := range s.card.Bonuses {
			if b.Source != s.source(dental.BonusGrant) && b.Source != s.source(dental.BonusSpent) {
				continue
			}
			if max(b.Amount.Minor, -b.Amount.Minor) != amount.Minor {
				return dental.Errorf(dental.Conflict, "amount", "the same press was for %s", b.Amount)
			}
			purse = dental.PurseOn(s.card.Bonuses, s.today)
			return nil
		}
		b, err := entry(s)
		if err != nil {
			return err
		}
		s.put(b)
		purse = dental.PurseOn(s.card.Bonuses, s.today)
		return nil
	})
	return purse, err
}

// most is how many touches and tasks a press settles by itself.
const most = 8

// sell runs one press until it does not run into another's write. What do puts
// goes with the head; where it puts nothing, nothing is written.
func (t *Till) sell(ctx context.Context, p Press, now time.Time, do func(*sale) error) error {
	if p.ID == "" {
		draw := make([]byte, 16)
		if _, err := io.ReadFull(t.Rand, draw); err != nil {
			return fmt.Errorf("desk: draw the id of a press: %w", err)
		}
		p.ID = hex.EncodeToString(draw)
	} else if !dental.ValidID(p.ID) {
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	}
	lost := false
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := t.Store.Begin()
		cl, err := tx.Clinic(ctx, p.Clinic)
		if err != nil {
			return err
		}
		card, err := tx.Card(ctx, p.Clinic, p.Patient)
		if err != nil {
			return err
		}
		if !card.Known() || card.Patient.Erased {
			return dental.Errorf(dental.NotFound, "patient", "there is no patient %q", p.Patient)
		}
		if err := do(&sale{Press: p, tx: tx, clinic: cl, card: card, now: now, today: cl.Today(now), lost: lost}); err != nil || tx.Size() == 0 {
			return err
		}
		card.Patient.Changes++
		tx.Put(card.Patient)
		course := journey.Course{Tx: tx, Catalogue: t.Catalogue, Clinic: cl, Card: card, Now: now}
		if course.Settle(journey.Options{Limit: most}) {
			course.Defer()
		}
		err = tx.Commit(ctx)
		lost = lost || errors.Is(err, table.ErrAmbiguous)
		return err
	})
}
