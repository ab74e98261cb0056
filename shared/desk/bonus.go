package desk

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
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
	Key     string // their Staff's Key
	Role    dental.Role
	// ID makes the press single, 1 to 64 of A-Z a-z 0-9 . _ : -: a form that is
	// sent twice counts once. Without one each press is its own.
	ID string
}

// mostGranted is the most of a grant, in main units of the currency: what is
// more was typed wrongly.
const mostGranted = "50000"

// reasonLength is the most runes of a reason.
const reasonLength = 200

// Grant gives a patient bonuses for a reason, no more than mostGranted at once, to be spent within the clinic's
// BonusDays, and returns what there is then.
func (t *Till) Grant(ctx context.Context, p Press, amount dental.Money, reason string, now time.Time) (dental.Purse, error) {
	if clip(reason, reasonLength) == "" {
		return dental.Purse{}, refuse(dental.Invalid, "reason", "desk.card.wrong.reason", nil)
	}
	if most, err := dental.ParseMoney(mostGranted, amount.Currency); err == nil && amount.Minor > most.Minor {
		return dental.Purse{}, refuse(dental.Invalid, "amount", "desk.card.wrong.amount.most", func(l locale.Locale) map[string]string {
			return map[string]string{"amount": l.Money(most)}
		})
	}
	return t.enter(ctx, p, amount, now, func(s *deed) (dental.Bonus, error) {
		s.log.Action = BonusGranted
		return dental.Bonus{Kind: dental.BonusGrant, Amount: amount, Until: s.clinic.BonusUntil(s.today), Reason: clip(reason, reasonLength)}, nil
	})
}

// Spend takes bonuses for something that the patient pays with them, from what
// expires first, and returns what is left. The reason may be empty.
func (t *Till) Spend(ctx context.Context, p Press, amount dental.Money, reason string, now time.Time) (dental.Purse, error) {
	return t.enter(ctx, p, amount, now, func(s *deed) (dental.Bonus, error) {
		purse := dental.PurseOn(s.card.Bonuses, s.today)
		if purse.Balance.Minor < amount.Minor {
			return dental.Bonus{}, left(purse)
		}
		s.log.Action = BonusSpent
		return dental.Bonus{Kind: dental.BonusSpent, Amount: dental.Money{Minor: -amount.Minor, Currency: amount.Currency}, Reason: clip(reason, reasonLength)}, nil
	})
}

// left says what a purse has, to whoever wanted more.
func left(p dental.Purse) error {
	if p.Balance.Minor <= 0 {
		return refuse(dental.Conflict, "amount", "desk.card.wrong.nothing", nil)
	}
	first := p.Lots[0]
	key := "desk.card.wrong.left.part"
	switch {
	case first.Until.IsZero():
		key = "desk.card.wrong.left"
	case first.Left.Minor >= p.Balance.Minor:
		key = "desk.card.wrong.left.until"
	}
	return refuse(dental.Conflict, "amount", key, func(l locale.Locale) map[string]string {
		return map[string]string{"amount": l.Money(p.Balance), "what": l.Money(first.Left), "day": l.DayYear(first.Until)}
	})
}

// RedeemFreeHygiene uses a free hygiene that the club has earned the patient,
// from the day after it was earned, and returns the standing then.
func (t *Till) RedeemFreeHygiene(ctx context.Context, p Press, now time.Time) (dental.Club, error) {
	var club dental.Club
	err := perform(ctx, t.Store, t.Catalogue, t.Rand, p, now, func(s *deed) error {
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
			return refuse(dental.Conflict, "", "desk.card.wrong.age", nil)
		case club.Free() == 0:
			return refuse(dental.Conflict, "", "desk.card.wrong.hygiene", func(locale.Locale) map[string]string {
				return map[string]string{"n": strconv.Itoa(club.Towards()), "every": strconv.Itoa(club.Every)}
			})
		case earned <= club.Used:
			return refuse(dental.Conflict, "", "desk.card.wrong.hygiene.today", nil)
		}
		s.log.Action = HygieneRedeemed
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
		return gift, refuse(dental.Invalid, "code", "desk.card.wrong.code", nil)
	}
	err := perform(ctx, t.Store, t.Catalogue, t.Rand, p, now, func(s *deed) error {
		i := slices.IndexFunc(s.card.Gifts, func(g dental.GiftChoice) bool { return bare(g.Code) == wanted })
		if i < 0 {
			return refuse(dental.NotFound, "code", "desk.card.wrong.gift", nil)
		}
		gift = s.card.Gifts[i]
		switch {
		case s.lost && gift.RedeemedAt.Equal(now):
			return nil // it was this very press
		case gift.Redeemed():
			return refuse(dental.Conflict, "code", "desk.card.wrong.gift.given", on(gift.RedeemedOn))
		case !gift.Until.IsZero() && s.today.After(gift.Until):
			return refuse(dental.Conflict, "code", "desk.card.wrong.gift.over", on(gift.Until))
		}
		gift.RedeemedAt, gift.RedeemedOn = now, s.today
		s.card.Gifts[i] = gift
		s.tx.Put(gift)
		s.log.Action, s.log.Subject = GiftRedeemed, gift.Gift
		return nil
	})
	return gift, err
}

// on fills {day}.
func on(d dental.Date) func(locale.Locale) map[string]string {
	return func(l locale.Locale) map[string]string { return map[string]string{"day": l.DayYear(d)} }
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

// source names the entry that the press makes, once.
func (s *deed) source(kind dental.BonusKind) string { return string(kind) + "." + s.ID }

func (s *deed) has(source string) bool {
	return slices.ContainsFunc(s.card.Bonuses, func(b dental.Bonus) bool { return b.Source == source })
}

// put adds an entry to the ledger.
func (s *deed) put(b dental.Bonus) {
	b.Clinic, b.Patient, b.Source, b.At, b.On, b.By = s.Clinic, s.Patient, s.source(b.Kind), s.now, s.today, s.By
	s.card.Bonuses = append(s.card.Bonuses, b)
	s.tx.Put(b)
	s.log.Subject, s.log.Detail = b.Source, locale.For(s.clinic.Language).Money(b.Amount)
}

// enter adds an entry of money. One that the same press has made stands.
func (t *Till) enter(ctx context.Context, p Press, amount dental.Money, now time.Time, entry func(*deed) (dental.Bonus, error)) (dental.Purse, error) {
	if amount.Minor <= 0 {
		return dental.Purse{}, WrongAmount()
	}
	var purse dental.Purse
	err := perform(ctx, t.Store, t.Catalogue, t.Rand, p, now, func(s *deed) error {
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
