package main

import (
	"crypto/rand"
	"net/http"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// bonusRequest is one press at the desk: {"do": "grant", "amount": "300.00",
// "reason": "…"}, "spend" with an amount, "free-hygiene", or "gift" with a code.
type bonusRequest struct {
	Do     string `json:"do"`
	Amount string `json:"amount"`
	Reason string `json:"reason"`
	Code   string `json:"code"`
	By     string `json:"by"`
	ID     string `json:"id"`
}

// purseAnswer is what the patient has then.
type purseAnswer struct {
	Balance      money     `json:"balance"`
	Lots         []lotLine `json:"lots"`
	FreeHygienes int       `json:"freeHygienes"`
	Gift         text      `json:"gift"` // that was given out
}

type lotLine struct {
	Left  string `json:"left"`
	Until text   `json:"until"`
}

// postBonus does what a press at the desk would.
func (m *machine) postBonus(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	var want bonusRequest
	if err := strictjson.Decode(raw, maxBody, &want); err != nil {
		return dental.Errorf(dental.Invalid, "", `the body is no JSON object such as {"do": "grant", "amount": "300.00", "reason": "a long wait"}: %v`, err)
	}
	ctx, now := r.Context(), m.clock.Now()
	till := &desk.Till{Store: m.store, Catalogue: m.catalogue, Rand: rand.Reader}
	press := desk.Press{Clinic: cl.ID, Patient: r.URL.Query().Get("patient"), By: want.By, ID: want.ID}
	var amount dental.Money
	if want.Do == "grant" || want.Do == "spend" {
		if amount, err = dental.ParseMoney(want.Amount, cl.Currency); err != nil {
			return dental.Errorf(dental.Invalid, "amount", "%v", err)
		}
	}
	var gift dental.GiftChoice
	switch want.Do {
	case "grant":
		_, err = till.Grant(ctx, press, amount, want.Reason, now)
	case "spend":
		_, err = till.Spend(ctx, press, amount, want.Reason, now)
	case "free-hygiene":
		_, err = till.RedeemFreeHygiene(ctx, press, now)
	case "gift":
		gift, err = till.RedeemGift(ctx, press, want.Code, now)
	default:
		err = dental.Errorf(dental.Invalid, "do", "is grant, spend, free-hygiene or gift")
	}
	if err != nil {
		return err
	}
	card, err := m.store.Begin().Card(ctx, cl.ID, press.Patient)
	if err != nil {
		return err
	}
	purse := dental.PurseOn(card.Bonuses, cl.Today(now))
	answer := purseAnswer{Balance: money{balance(cl, purse), cl.Currency}, Lots: []lotLine{}, FreeHygienes: dental.ClubOf(cl, card).Free(), Gift: text(gift.Name)}
	for _, l := range purse.Lots {
		answer.Lots = append(answer.Lots, lotLine{l.Left.Decimal(), text(l.Until.String())})
	}
	return respond(w, http.StatusOK, answer)
}

// balance is what a purse has, "0.00" for an empty one.
func balance(cl *dental.Clinic, p dental.Purse) string {
	if p.Balance.Currency == "" {
		p.Balance.Currency = cl.Currency
	}
	return p.Balance.Decimal()
}
