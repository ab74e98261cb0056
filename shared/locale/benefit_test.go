package locale

import (
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

func TestABenefitIsSaidSoThatItCanStandInASentence(t *testing.T) {
	roubles := func(n int64) dental.Money { return dental.Money{Minor: n * 100, Currency: "RUB"} }
	for _, c := range []struct {
		benefit dental.Benefit
		ru, en  string
	}{
		{dental.Benefit{}, "", ""},
		{dental.Benefit{Kind: dental.Discount, Percent: 10}, "скидка 10 %", "10% off"},
		{dental.Benefit{Kind: dental.Discount, Percent: 10, Name: "лето"}, "скидка 10 %", "10% off"},
		{dental.Benefit{Kind: dental.Discount}, "", ""},
		{dental.Benefit{Kind: dental.BonusAmount, Amount: roubles(1500)}, "1 500 ₽ бонусами", "RUB 1,500 in bonuses"},
		{dental.Benefit{Kind: dental.BonusAmount}, "", ""},
		{dental.Benefit{Kind: dental.GiftService}, "подарок", "a gift"},
		{dental.Benefit{Kind: dental.GiftService, Name: " ирригатор "}, "ирригатор в подарок", "ирригатор as a gift"},
		{dental.Benefit{Kind: dental.GiftService, Name: "Oral-B"}, "Oral-B в подарок", "Oral-B as a gift"},
		{dental.Benefit{Kind: dental.GiftService, Name: "Подарочная карта"}, "Подарочная карта", "Подарочная карта"},
		{dental.Benefit{Kind: dental.FreeService}, "бесплатный осмотр", "a free check-up"},
		{dental.Benefit{Kind: dental.FreeService, Name: "   "}, "бесплатный осмотр", "a free check-up"},
		{dental.Benefit{Kind: dental.FreeService, Name: "консультация ортопеда"}, "консультация ортопеда бесплатно", "консультация ортопеда for free"},
		{dental.Benefit{Kind: dental.FreeService, Name: "Бесплатная консультация"}, "Бесплатная консультация", "Бесплатная консультация"},
		{dental.Benefit{Kind: dental.FreeService, Name: "a free scan"}, "a free scan", "a free scan"},
		{dental.Benefit{Kind: dental.FreeService, Name: "дарсонвализация"}, "дарсонвализация бесплатно", "дарсонвализация for free"},
		{dental.Benefit{Kind: "voucher", Name: "купон"}, "", ""},
	} {
		for l, want := range map[Locale]string{Russian: c.ru, English: c.en} {
			if got := strings.ReplaceAll(l.Benefit(c.benefit), noBreakSpace, " "); got != want {
				t.Errorf("%v %+v is %q, want %q", l, c.benefit, got, want)
			}
		}
	}
}

func TestANumberAndItsUnitStandOnOneLine(t *testing.T) {
	if got := Russian.Benefit(dental.Benefit{Kind: dental.Discount, Percent: 10}); got != "скидка 10"+noBreakSpace+"%" {
		t.Errorf("got %q", got)
	}
}

func TestARewardIsSaidToWhoRecommends(t *testing.T) {
	reward := dental.Money{Minor: 50000, Currency: "RUB"}
	for _, c := range []struct {
		terms  dental.ReferralTerms
		ru, en string
	}{
		{dental.ReferralTerms{Reward: reward, Who: "both"}, "по 500 ₽ вам и другу", "RUB 500 each for you and your friend"},
		{dental.ReferralTerms{Reward: reward, Who: "referrer"}, "500 ₽ вам", "RUB 500 for you"},
		{dental.ReferralTerms{Reward: reward, Who: "friend"}, "500 ₽ другу", "RUB 500 for your friend"},
		{dental.ReferralTerms{Who: "both"}, "", ""},
		{dental.ReferralTerms{Reward: reward}, "по 500 ₽ вам и другу", "RUB 500 each for you and your friend"},
		{dental.ReferralTerms{Reward: reward, Who: "nobody"}, "", ""},
	} {
		for l, want := range map[Locale]string{Russian: c.ru, English: c.en} {
			if got := strings.ReplaceAll(l.Referral(c.terms), noBreakSpace, " "); got != want {
				t.Errorf("%v %+v is %q, want %q", l, c.terms, got, want)
			}
		}
	}
}
