package desk_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// counter is a stage with a till, at which P is served.
type counter struct {
	*stagetest.Stage
	till *desk.Till
}

func newCounter(t testing.TB, change ...func(*dental.Clinic)) *counter {
	t.Helper()
	s := stagetest.New(t, time.Date(2026, 3, 10, 11, 0, 0, 0, time.FixedZone("MSK", 3*3600)), change...)
	s.Patient("P")
	return &counter{s, &desk.Till{Store: s.Store, Catalogue: s.Catalogue, Rand: rand.Reader}}
}

func press() desk.Press { return desk.Press{Clinic: "demo", Patient: "P", By: "olga"} }

func (c *counter) grants(sum int64) dental.Purse {
	c.T.Helper()
	purse, err := c.till.Grant(c.T.Context(), press(), roubles(sum), "За ожидание", c.Now())
	if err != nil {
		c.T.Fatal(err)
	}
	return purse
}

func (c *counter) spends(sum int64) (dental.Purse, error) {
	return c.till.Spend(c.T.Context(), press(), roubles(sum), "Гигиена", c.Now())
}

func (c *counter) balance() int64 {
	c.T.Helper()
	return dental.PurseOn(c.Card("P").Bonuses, c.Clinic.Today(c.Now())).Balance.Minor / 100
}

func roubles(sum int64) dental.Money { return dental.Money{Minor: sum * 100, Currency: "RUB"} }

func TestStaffGrantBonusesForAReasonAndAPatientSpendsThem(t *testing.T) {
	c := newCounter(t, func(cl *dental.Clinic) { cl.BonusDays = 90 })
	changes := c.Card("P").Patient.Changes
	if purse := c.grants(500); purse.Balance != roubles(500) {
		t.Errorf("after the grant there are %v", purse.Balance)
	}
	card := c.Card("P")
	b := card.Bonuses[0]
	if b.Kind != dental.BonusGrant || b.Reason != "За ожидание" || b.By != "olga" || b.On != c.Clinic.Today(c.Now()) || b.Until != b.On.AddDays(90) ||
		!strings.HasPrefix(b.Source, "grant.") || card.Patient.Changes != changes+1 {
		t.Errorf("the entry is %+v, after %d changes", b, card.Patient.Changes-changes)
	}
	purse, err := c.spends(200)
	if err != nil || purse.Balance != roubles(300) || len(purse.Lots) != 1 || purse.Lots[0].Left != roubles(300) {
		t.Errorf("after spending 200 there are %+v (%v)", purse, err)
	}
	if card := c.Card("P"); len(card.Bonuses) != 2 || card.Patient.Changes != changes+2 {
		t.Errorf("the ledger is %+v", card.Bonuses)
	}
	c.Set(c.Now().AddDate(0, 0, 91))
	if c.balance() != 0 {
		t.Errorf("on the 91st day there are %d", c.balance())
	}
}

func TestWhoWantsMoreThanThereIsIsToldWhatThereIsAndUntilWhen(t *testing.T) {
	c := newCounter(t)
	refused := func(sum int64, says string) {
		t.Helper()
		before := c.Card("P").Patient.Changes
		_, err := c.spends(sum)
		if dental.KindOf(err) != dental.Conflict || strings.ReplaceAll(dental.MessageOf(err), "\u00a0", " ") != says {
			t.Errorf("spending %d: %v, want %q", sum, err, says)
		}
		if c.Card("P").Patient.Changes != before {
			t.Error("and something was written")
		}
	}
	refused(1, "there is nothing left to spend")
	c.grants(300)
	refused(301, "only RUB 300 left until March 10, 2027")
	c.Set(c.Now().AddDate(0, 1, 0))
	c.grants(500)
	refused(801, "only RUB 800 left, of which RUB 300 until March 10, 2027")
	c.Set(time.Date(2027, 3, 11, 12, 0, 0, 0, time.UTC))
	refused(501, "only RUB 500 left until April 10, 2027")
	if _, err := c.spends(500); err != nil {
		t.Error(err)
	}
	refused(1, "there is nothing left to spend")
}

func TestWhatIsTypedWronglyIsNamed(t *testing.T) {
	c := newCounter(t)
	ctx, now := t.Context(), c.Now()
	euros := dental.Money{Minor: 100, Currency: "EUR"}
	at := func(change func(*desk.Press)) desk.Press { p := press(); change(&p); return p }
	for name, tt := range map[string]struct {
		err   func() error
		kind  dental.ErrorKind
		field string
	}{
		"a grant without a reason": {func() error { _, err := c.till.Grant(ctx, press(), roubles(5), " \n", now); return err }, dental.Invalid, "reason"},
		"a grant of nothing":       {func() error { _, err := c.till.Grant(ctx, press(), roubles(0), "x", now); return err }, dental.Invalid, "amount"},
		"a grant of less":          {func() error { _, err := c.till.Grant(ctx, press(), roubles(-5), "x", now); return err }, dental.Invalid, "amount"},
		"another currency":         {func() error { _, err := c.till.Grant(ctx, press(), euros, "x", now); return err }, dental.Invalid, "amount"},
		"spending less than none":  {func() error { _, err := c.spends(-1); return err }, dental.Invalid, "amount"},
		"nobody": {func() error {
			_, err := c.till.Grant(ctx, at(func(p *desk.Press) { p.Patient = "Q" }), roubles(5), "x", now)
			return err
		}, dental.NotFound, "patient"},
		"no clinic": {func() error {
			_, err := c.till.Grant(ctx, at(func(p *desk.Press) { p.Clinic = "nowhere" }), roubles(5), "x", now)
			return err
		}, dental.NotFound, ""},
		"an id that is none": {func() error {
			_, err := c.till.Grant(ctx, at(func(p *desk.Press) { p.ID = "a b" }), roubles(5), "x", now)
			return err
		}, dental.Invalid, "id"},
		"no code":        {func() error { _, err := c.till.RedeemGift(ctx, press(), " - ", now); return err }, dental.Invalid, "code"},
		"another's code": {func() error { _, err := c.till.RedeemGift(ctx, press(), "7KXM-4R2P", now); return err }, dental.NotFound, "code"},
	} {
		t.Run(name, func(t *testing.T) {
			var err *dental.Error
			if !errors.As(tt.err(), &err) || err.Kind != tt.kind || err.Field != tt.field || err.Message == "" {
				t.Errorf("it is %+v", err)
			}
		})
	}
	if len(c.Card("P").Bonuses) > 0 {
		t.Error("something was written")
	}
	c.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P", Version: 1 << 60}})
	if _, err := c.till.Grant(ctx, press(), roubles(5), "x", now); dental.KindOf(err) != dental.NotFound {
		t.Errorf("of an erased patient: %v", err)
	}
}

func TestOnePressCountsOnceHoweverOftenItIsSent(t *testing.T) {
	c := newCounter(t)
	p := press()
	p.ID = "form-1"
	for range 3 {
		if purse, err := c.till.Grant(t.Context(), p, roubles(500), "x", c.Now()); err != nil || purse.Balance != roubles(500) {
			t.Errorf("granted are %v (%v)", purse.Balance, err)
		}
	}
	if _, err := c.till.Grant(t.Context(), p, roubles(600), "x", c.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("another sum under the same press: %v", err)
	}
	p.ID = "form-2"
	for range 3 {
		if purse, err := c.till.Spend(t.Context(), p, roubles(400), "", c.Now()); err != nil || purse.Balance != roubles(100) {
			t.Errorf("left are %v (%v)", purse.Balance, err)
		}
	}
}

// TestTheSameMoneyIsNotSpentTwice lets receptionists grant and spend at the same
// moment: what they were told is done adds up, and nobody got what was not there.
func TestTheSameMoneyIsNotSpentTwice(test *testing.T) {
	rapid.Check(test, func(t *rapid.T) {
		c := newCounter(test, func(cl *dental.Clinic) { cl.Scenarios = nil })
		c.grants(1000)
		type move struct{ grant, sum int64 }
		moves := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
			return move{rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "grants"), rapid.Int64Range(1, 900).Draw(t, "sum")}
		}), 2, 8).Draw(t, "moves")
		var all sync.WaitGroup
		var mu sync.Mutex
		granted, spent, refused := int64(1000), int64(0), int64(1<<40)
		for _, m := range moves {
			all.Go(func() {
				var err error
				if m.grant == 1 {
					_, err = c.till.Grant(test.Context(), press(), roubles(m.sum), "x", c.Now())
				} else {
					_, err = c.till.Spend(test.Context(), press(), roubles(m.sum), "", c.Now())
				}
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && m.grant == 1:
					granted += m.sum
				case err == nil:
					spent += m.sum
				case dental.KindOf(err) == dental.Conflict && m.grant == 0:
					refused = min(refused, m.sum)
				default:
					test.Error(err)
				}
			})
		}
		all.Wait()
		if left := granted - spent; left < 0 || c.balance() != left {
			t.Fatalf("granted %d, spent %d, and the balance is %d", granted, spent, c.balance())
		}
		onlySpent := !slices.ContainsFunc(moves, func(m move) bool { return m.grant == 1 })
		if onlySpent && refused <= c.balance() { // the balance has only fallen since
			t.Fatalf("%d were refused, and %d are left", refused, c.balance())
		}
	})
}

func TestLostAnswersSpendNothingTwice(t *testing.T) {
	happened := 0
	for seed := range uint64(10) {
		c := newCounter(t, func(cl *dental.Clinic) { cl.Scenarios = nil })
		c.grants(1000)
		c.gift("7KXM-4R2P", dental.Date{Year: 2026, Month: 4, Day: 9})
		faulty := tabletest.NewFaulty(c.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{tabletest.LostBefore: .2, tabletest.LostAfter: .4}})
		till := *c.till
		till.Store = stagetest.Join(c.Stage, faulty).Store
		for range 3 {
			if _, err := till.Spend(t.Context(), press(), roubles(100), "", c.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := till.RedeemGift(t.Context(), press(), "7KXM-4R2P", c.Now()); err != nil {
			t.Error(err)
		}
		faulty.Heal()
		happened += faulty.Happened()[tabletest.LostAfter]
		if c.balance() != 700 {
			t.Errorf("left are %d", c.balance())
		}
	}
	if happened == 0 {
		t.Error("no answer was lost: the test tries nothing")
	}
}

// gift is one that P has chosen.
func (c *counter) gift(code string, until dental.Date) {
	c.T.Helper()
	tx := c.Store.Begin()
	if _, err := tx.Card(c.T.Context(), "demo", "P"); err != nil {
		c.T.Fatal(err)
	}
	tx.Put(dental.GiftChoice{Clinic: "demo", Patient: "P", Scenario: "birthday", Anchor: "2026", Gift: "brush", Name: "Набор", Cost: roubles(450), Code: code,
		ChosenAt: c.Now(), ChosenOn: c.Clinic.Today(c.Now()), Until: until})
	if err := tx.Commit(c.T.Context()); err != nil {
		c.T.Fatal(err)
	}
}

func TestAGiftIsGivenOutOnceByItsCodeUntilItsLastDay(t *testing.T) {
	until := dental.Date{Year: 2026, Month: 4, Day: 9}
	c := newCounter(t)
	c.gift("7KXM-4R2P", until)
	c.Set(c.Local("2026-04-09 20:00"))
	changes := c.Card("P").Patient.Changes
	g, err := c.till.RedeemGift(t.Context(), press(), " 7kxm 4r2p", c.Now())
	if err != nil || g.Name != "Набор" || !g.Redeemed() || g.RedeemedOn != until {
		t.Fatalf("it is %+v (%v)", g, err)
	}
	if card := c.Card("P"); !card.Gifts[0].Redeemed() || card.Patient.Changes != changes+1 {
		t.Errorf("stored is %+v", card.Gifts[0])
	}
	c.Set(c.Now().Add(time.Minute))
	if _, err := c.till.RedeemGift(t.Context(), press(), "7KXM-4R2P", c.Now()); dental.KindOf(err) != dental.Conflict || dental.MessageOf(err) != "the gift was given out on April 9, 2026" {
		t.Errorf("a second time: %v", err)
	}
	c = newCounter(t)
	c.gift("7KXM-4R2P", until)
	c.Set(c.Local("2026-04-10 09:00"))
	if _, err := c.till.RedeemGift(t.Context(), press(), "7KXM-4R2P", c.Now()); dental.KindOf(err) != dental.Conflict || dental.MessageOf(err) != "the gift could be had until April 9, 2026" {
		t.Errorf("a day late: %v", err)
	}
}

func TestOneGiftIsNotGivenOutByTwoAtOnce(t *testing.T) {
	c := newCounter(t)
	c.gift("7KXM-4R2P", dental.Date{Year: 2026, Month: 4, Day: 9})
	var all sync.WaitGroup
	var mu sync.Mutex
	given := 0
	for n := range 8 {
		all.Go(func() {
			_, err := c.till.RedeemGift(t.Context(), press(), "7KXM-4R2P", c.Now().Add(time.Duration(n)*time.Second))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				given++
			} else if dental.KindOf(err) != dental.Conflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if given != 1 {
		t.Errorf("it was given out %d times", given)
	}
}

// comes lets P come on as many days, the last one today.
func (c *counter) comes(days int) {
	c.T.Helper()
	for n := range days {
		if n > 0 {
			c.Set(c.Now().AddDate(0, 0, 7))
		}
		c.Visit(fmt.Sprint("V-", c.Now().Unix()), "P", c.Now(), func(v *dental.Visit) {
			v.Procedures = []dental.Procedure{{Code: "1", Name: "Осмотр", Kind: dental.Therapy}}
		})
	}
}

func TestAFreeHygieneOfTheClubIsUsedFromTheNextVisitOnAndOnce(t *testing.T) {
	c := newCounter(t, func(cl *dental.Clinic) { cl.ClubVisits = 3 })
	redeem := func(p desk.Press) (dental.Club, error) {
		return c.till.RedeemFreeHygiene(t.Context(), p, c.Now())
	}
	c.comes(5) // a member by the third
	if _, err := redeem(press()); dental.KindOf(err) != dental.Conflict || dental.MessageOf(err) != "there is no free hygiene: 2 of 3 visits towards the next one" {
		t.Errorf("before it is earned: %v", err)
	}
	c.Set(c.Now().AddDate(0, 0, 7))
	c.comes(1)
	if _, err := redeem(press()); dental.KindOf(err) != dental.Conflict || !strings.Contains(dental.MessageOf(err), "earned today") {
		t.Errorf("on the day itself: %v", err)
	}
	c.Set(c.Now().AddDate(0, 0, 1))
	p := press()
	p.ID = "form-1"
	for range 2 { // the same press twice
		if club, err := redeem(p); err != nil || club.Free() != 0 || club.Used != 1 {
			t.Errorf("the club stands at %+v (%v)", club, err)
		}
	}
	if _, err := redeem(press()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("a second one: %v", err)
	}
	card := c.Card("P")
	if len(card.Bonuses) != 1 || card.Bonuses[0].Kind != dental.BonusFreeHygiene || !card.Bonuses[0].Amount.IsZero() || card.Bonuses[0].By != "olga" || c.balance() != 0 {
		t.Errorf("the ledger is %+v", card.Bonuses)
	}
}

func TestTwoReceptionistsDoNotUseOneFreeHygieneTwice(t *testing.T) {
	c := newCounter(t, func(cl *dental.Clinic) { cl.ClubVisits = 3 })
	c.comes(6)
	c.Set(c.Now().AddDate(0, 0, 1))
	var all sync.WaitGroup
	var mu sync.Mutex
	used := 0
	for range 6 {
		all.Go(func() {
			if _, err := c.till.RedeemFreeHygiene(t.Context(), press(), c.Now()); err == nil {
				mu.Lock()
				defer mu.Unlock()
				used++
			}
		})
	}
	all.Wait()
	if used != 1 {
		t.Errorf("it was used %d times", used)
	}
}

func TestAChildHasNoClub(t *testing.T) {
	c := newCounter(t, func(cl *dental.Clinic) { cl.ClubVisits = 3 })
	c.comes(6)
	c.Patient("P", func(card *intake.Card) { card.BirthDate = dental.Date{Year: 2015, Month: 1, Day: 1} })
	c.Set(c.Now().AddDate(0, 0, 1))
	if _, err := c.till.RedeemFreeHygiene(t.Context(), press(), c.Now()); dental.KindOf(err) != dental.Conflict || !strings.Contains(dental.MessageOf(err), "of age") {
		t.Errorf("%v", err)
	}
}

func TestNoMoreThanFiftyThousandIsGrantedAtOnce(t *testing.T) {
	c := newCounter(t)
	if purse := c.grants(50_000); purse.Balance != roubles(50_000) {
		t.Errorf("of fifty thousand there are %v", purse.Balance)
	}
	for _, much := range []dental.Money{{Minor: 50_000_01, Currency: "RUB"}, {Minor: 99_999_999_00, Currency: "RUB"}, {Minor: 50_001, Currency: "JPY"}} {
		if _, err := c.till.Grant(t.Context(), press(), much, "x", c.Now()); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%v is granted: %v", much, err)
		}
	}
}
