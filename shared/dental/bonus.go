package dental

import (
	"cmp"
	"slices"
	"time"
)

// Bonus is one entry of a patient's ledger. Nothing in the ledger ever changes:
// a balance is a fold over it, and what was wrong is reversed by a further entry.
type Bonus struct {
	Clinic  string
	Patient string
	// Source names what the entry comes from and so makes it single: "referral.<contact>".
	Source string
	Kind   BonusKind
	// Amount is positive for what is earned, negative for what is spent or taken back.
	Amount Money
	At     time.Time
	On     Date
	// Until is the last day on which what was earned can be spent; zero: never.
	Until  Date
	Reason string
	By     string // who granted it, for a grant
	// Of is the Source of the entry that a reversal takes back.
	Of string
}

// BonusKind says why an entry stands in the ledger.
type BonusKind string

// The kinds of entry.
const (
	BonusReferral BonusKind = "referral"
	BonusGrant    BonusKind = "grant"
	BonusSpent    BonusKind = "spent"
	BonusReversed BonusKind = "reversed"
	// BonusFreeHygiene is no money: a free hygiene of the club that was redeemed at the desk.
	BonusFreeHygiene BonusKind = "free-hygiene"
)

// bonusDays is how long a bonus can be spent where the clinic has not said.
const bonusDays = 365

// BonusUntil is the last day on which what is earned on the day can be spent.
func (c *Clinic) BonusUntil(day Date) Date { return day.AddDays(cmp.Or(c.BonusDays, bonusDays)) }

// Purse is what a ledger amounts to on a day.
type Purse struct {
	Balance Money
	// Lots is what of each earning is left, the first to expire first.
	Lots []Lot
}

// Lot is the rest of one earning.
type Lot struct {
	Source string
	Left   Money
	Until  Date
}

// PurseOn folds a ledger: each spending takes from what expires first of what
// could be spent on its day, and what has expired by the day is gone. A balance
// is below zero when something spent was taken back.
func PurseOn(entries []Bonus, day Date) Purse {
	entries = slices.SortedStableFunc(slices.Values(entries), func(a, b Bonus) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source))
	})
	var lots []Lot
	var debt int64
	currency := ""
	first := func(a, b Lot) int {
		switch {
		case a.Until == b.Until:
			return 0
		case a.Until.IsZero(), !b.Until.IsZero() && b.Until.Before(a.Until):
			return 1
		}
		return -1
	}
	for _, e := range entries {
		if e.Amount.IsZero() || e.On.After(day) {
			continue
		}
		currency = e.Amount.Currency
		if e.Amount.Minor > 0 {
			left := e.Amount.Minor
			back := min(debt, left)
			debt, left = debt-back, left-back
			lots = append(lots, Lot{e.Source, Money{left, currency}, e.Until})
			slices.SortStableFunc(lots, first)
			continue
		}
		take := -e.Amount.Minor
		for i := range lots { // a reversal takes from what it reverses first
			if e.Of != "" && lots[i].Source == e.Of {
				n := min(take, lots[i].Left.Minor)
				lots[i].Left.Minor, take = lots[i].Left.Minor-n, take-n
			}
		}
		for i := range lots {
			if !lots[i].Until.IsZero() && lots[i].Until.Before(e.On) {
				continue
			}
			n := min(take, lots[i].Left.Minor)
			lots[i].Left.Minor, take = lots[i].Left.Minor-n, take-n
		}
		debt += take
	}
	out := Purse{}
	var sum int64
	for _, l := range lots {
		if l.Left.Minor > 0 && (l.Until.IsZero() || !l.Until.Before(day)) {
			out.Lots = append(out.Lots, l)
			sum += l.Left.Minor
		}
	}
	if currency != "" {
		out.Balance = Money{sum - debt, currency}
	}
	return out
}
