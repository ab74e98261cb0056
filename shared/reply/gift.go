package reply

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Gift is the page of gifts to choose from.
type Gift struct {
	Page
	// Gifts are those that the clinic gives now.
	Gifts []dental.Gift
	// Choice is the gift chosen, nil before the first tap. It stays what it was
	// when the clinic gives it no more.
	Choice *dental.GiftChoice
	// Until is the last day on which a gift can be chosen and redeemed.
	Until dental.Date
}

// Open reports whether a gift may be chosen, or another one.
func (g Gift) Open() bool { return g.Choice == nil || !g.Choice.Redeemed() }

// Gift reads the page behind a token. A child's opens nothing: a child is given
// no gift.
func (d *Desk) Gift(ctx context.Context, token string, now time.Time) (Gift, error) {
	v, err := d.open(ctx, dental.GiftLink, token, now)
	if err != nil {
		return Gift{}, err
	}
	return d.gift(v)
}

func (d *Desk) gift(v *visit) (Gift, error) {
	name, step, anchor := v.Link.Offer()
	if d.Catalogue.Step(name, step) == nil || v.card.Patient.Minor(v.Clinic.Today(v.now)) {
		return Gift{}, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	// The link ends with its last day, and a choice lives as long as the link that it was made by.
	page := Gift{Page: v.Page, Gifts: v.Clinic.Gifts, Choice: v.card.Gift(name, anchor), Until: v.Clinic.Today(v.Link.Expires.Add(-time.Second))}
	if page.Choice != nil {
		page.Until = page.Choice.Until
	}
	return page, nil
}

// ChooseGift records the choice of a gift, with the code that staff know it by,
// and asks them to invite the patient. There is one choice an occasion, and so one
// a year of a birthday; until it is redeemed another one takes its place.
func (d *Desk) ChooseGift(ctx context.Context, token, id string, now time.Time) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.open(ctx, dental.GiftLink, token, now)
		if err != nil {
			return err
		}
		page, err := d.gift(v)
		if err != nil {
			return err
		}
		if !page.Open() {
			return dental.Errorf(dental.Conflict, "gift", "the gift has been given out")
		}
		if page.Choice != nil && page.Choice.Gift == id {
			return nil
		}
		i := slices.IndexFunc(page.Gifts, func(g dental.Gift) bool { return g.ID == id })
		if i < 0 {
			return dental.Errorf(dental.Invalid, "gift", "there is no such gift")
		}
		choice := d.choice(v, page, page.Gifts[i])
		v.tx.Put(choice)
		if page.Choice != nil {
			*page.Choice = choice
		} else {
			v.card.Gifts = append(v.card.Gifts, choice)
		}
		d.invite(v, choice)
		d.put(v)
		return v.tx.Commit(ctx)
	})
}

func (d *Desk) choice(v *visit, page Gift, g dental.Gift) dental.GiftChoice {
	name, _, anchor := v.Link.Offer()
	return dental.GiftChoice{Clinic: v.Clinic.ID, Patient: v.card.Patient.ID, Scenario: name, Anchor: anchor, Gift: g.ID, Name: g.Name, Cost: g.Cost,
		Code: d.code(v.Link, g.ID), Touch: v.Link.Touch, ChosenAt: v.now, ChosenOn: v.Clinic.Today(v.now), Until: page.Until}
}

// letters are those of a code: what people take for one another when they read
// it out or write it down is left out, 0 and O, 1 and I. There are 32, five bits each.
const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// code names one choice in eight letters, "7KXM-4R2P": 40 bits of a hash of what
// the store's link key makes of the patient, the occasion and the gift. The same
// choice has the same code each time, and nobody guesses another's.
func (d *Desk) code(l dental.Link, gift string) string {
	name, _, anchor := l.Offer()
	sum := sha256.Sum256([]byte(d.Store.Token(dental.Link{Purpose: "gift-code", Clinic: l.Clinic, Patient: l.Patient,
		Subject: strings.Join([]string{name, anchor, gift}, "/")})))
	code := make([]byte, 8)
	for i := range code {
		code[i] = letters[int(sum[i])%len(letters)]
	}
	return string(code[:4]) + "-" + string(code[4:])
}

// invite asks staff to call about the gift, and has the call forgotten with its last day.
func (d *Desk) invite(v *visit, g dental.GiftChoice) {
	l := v.staff()
	anchor := scenario.GiftAnchor(g.Scenario, g.Anchor)
	d.course(v).Open(dental.Task{Kind: dental.CallTask, Anchor: anchor, Scenario: g.Scenario, Due: v.Clinic.EndOfWorkingDay(v.now, 1),
		Reason: l.Text("task.call.gift", map[string]string{"scenario": d.Catalogue.Called(g.Scenario, l.String()), "name": g.Name, "code": g.Code, "day": l.DayYear(g.Until)})})
	v.tx.Put(store.Job{Clinic: v.Clinic.ID, ID: fmt.Sprintf("over.%s.%s", v.card.Patient.ID, anchor), Kind: store.SettleJob, Patient: v.card.Patient.ID,
		Wake: g.Until.AddDays(1).At(0, v.Clinic.Location()), Made: v.now})
}
