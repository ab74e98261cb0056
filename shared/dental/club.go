package dental

import (
	"slices"
	"time"
)

// Club is where a patient stands in the club of regular patients.
type Club struct {
	// JoinedOn is the day of the visit that made the patient a member; zero: no member.
	JoinedOn Date
	// Counted are the days that count towards a free hygiene, in order.
	Counted []Date
	// EarnedOn are the days on which a free hygiene was earned, and Used how many were redeemed.
	EarnedOn []Date
	Used     int
	// Every is how many counted visits earn one.
	Every int
}

// Free is how many free hygienes can be used.
func (c Club) Free() int { return max(0, len(c.EarnedOn)-c.Used) }

// Towards is how many of Every have been gathered since the last one earned.
func (c Club) Towards() int { return len(c.Counted) - len(c.EarnedOn)*c.Every }

// regular is the visit that makes a member.
const regular = 3

// told is how late a visit may be told and still be one that happened under our
// eyes: what comes later is history, imported.
const told = 7 * 24 * time.Hour

// Net is what a day brought: the receipts of its visits, for a visit without
// one its payments, less the refunds of them.
func (c *Card) Net(day Date, loc *time.Location) Money {
	var sum Money
	add := func(m Money, sign int64) {
		if m.Currency != "" {
			sum = Money{sum.Minor + sign*m.Minor, m.Currency}
		}
	}
	for _, v := range c.Visits {
		if DateOf(v.FinishedAt.In(loc)) != day {
			continue
		}
		add(v.Receipt, 1)
		for _, p := range c.Payments {
			switch {
			case p.VisitID != v.ID:
			case p.Kind == Refund:
				add(p.Amount, -1)
			case v.Receipt.IsZero():
				add(p.Amount, 1)
			}
		}
	}
	return sum
}

// ClubOf folds a card into the patient's standing in the club. The third day of
// completed visits makes a member, if it was told as it happened. After it a
// day counts when it brought money; the days of one plan's stages count once;
// every cl.ClubVisits-th counted day earns a free hygiene. One is used by a press at the
// desk, or by a later hygiene that cost nothing, and that day does not count.
func ClubOf(cl *Clinic, card *Card) Club {
	loc := cl.Location()
	club := Club{Every: max(cl.ClubVisits, 1)}
	var pressed []Date // when the desk redeemed one, those still to come
	for _, b := range card.Bonuses {
		if b.Kind == BonusFreeHygiene {
			pressed = append(pressed, b.On)
		}
	}
	slices.SortFunc(pressed, Date.DaysSince)
	byHand := slices.Clone(pressed) // the hygiene of such a day is the one that was redeemed
	var plans []string              // whose stage has been counted
	for i, day := range card.VisitDays(loc) {
		for len(pressed) > 0 && !pressed[0].After(day) {
			club.Used, pressed = club.Used+1, pressed[1:]
		}
		live := slices.ContainsFunc(card.Visits, func(v Visit) bool {
			return DateOf(v.FinishedAt.In(loc)) == day && v.AcceptedAt.Sub(v.FinishedAt) <= told
		})
		if club.JoinedOn.IsZero() {
			if i+1 >= regular && live {
				club.JoinedOn = day
			}
			continue
		}
		if card.freeHygiene(day, loc) {
			switch {
			case slices.Contains(byHand, day):
				continue
			case club.Free() > 0:
				club.Used++
				continue
			}
		}
		if !live || card.Net(day, loc).Minor <= 0 {
			continue
		}
		if plan := card.stageOn(day, loc); plan != "" {
			if slices.Contains(plans, plan) {
				continue
			}
			plans = append(plans, plan)
		}
		club.Counted = append(club.Counted, day)
		if len(club.Counted)%club.Every == 0 {
			club.EarnedOn = append(club.EarnedOn, day)
		}
	}
	club.Used += len(pressed)
	return club
}

// freeHygiene reports whether a hygiene of the day was told to have cost nothing.
func (c *Card) freeHygiene(day Date, loc *time.Location) bool {
	return slices.ContainsFunc(c.Visits, func(v Visit) bool {
		return DateOf(v.FinishedAt.In(loc)) == day && slices.Contains(v.Kinds(), Hygiene) && !v.Receipt.IsZero() && v.Receipt.Minor == 0
	})
}

// stageOn is the plan of which a stage was done on the day while others were
// still to be done, "" without one.
func (c *Card) stageOn(day Date, loc *time.Location) string {
	for _, p := range c.Plans {
		last := DateOf(p.LastActivity().In(loc))
		for _, s := range p.Stages {
			if s.Status == StageDone && DateOf(s.DoneAt.In(loc)) == day && (p.Open() || last != day) {
				return p.ID
			}
		}
	}
	return ""
}
