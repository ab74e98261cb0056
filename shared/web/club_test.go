package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// club is the link of the club's page.
func (s *surgery) club() string { return s.grant(dental.Link{Purpose: dental.ClubLink}) }

// comes puts paid hygiene visits, one a month, the first of them in January.
func (s *surgery) comes(times int) {
	s.t.Helper()
	for i := range times {
		at := friday.AddDate(0, i-8, 0)
		s.write(dental.Visit{Clinic: clinicID, Patient: patientID, ID: fmt.Sprintf("W-%d", i), FinishedAt: at, AcceptedAt: at, Day: dental.DateOf(at),
			Procedures: []dental.Procedure{{Kind: dental.Therapy}}, Receipt: dental.Money{Minor: 540000, Currency: "RUB"}})
	}
}

func TestTheClubShowsTheWayToTheFreeHygiene(t *testing.T) {
	every := func(s *surgery) { s.Clinic.ClubVisits, s.Visit.ID = 3, "" }
	s := offered(t, every)
	s.comes(5)
	page := s.get(s.club()).want(http.StatusOK).reads("h1", "Клуб пациентов «Улыбка»").says("Вы в клубе с 22 ноября 2025.").says("2 из 3").
		says("Ещё 1 визит, и следующая гигиена для вас бесплатна.").has(3, ".count .mark").has(2, ".count .full").has(0, "form").says("Есть противопоказания")
	page.saysNot("Вас ждёт бесплатная гигиена")
	s = offered(t, every)
	s.comes(6)
	s.get(s.club()).says("Вас ждёт бесплатная гигиена. Скажите о ней при записи.").says("0 из 3").has(0, ".count .full")
	s = offered(t, every)
	s.comes(9)
	s.get(s.club()).says("Вас ждут бесплатные визиты на гигиену: 2.")
	s = offered(t, every)
	s.comes(2)
	s.get(s.club()).says("В клуб приглашаем с третьего визита.").has(0, ".count")
}

func TestTheClubShowsBonusesWithTheirLastDay(t *testing.T) {
	s := offered(t, nil)
	s.get(s.club()).says("Пока бонусов нет.")
	bonus := func(source string, rubles int64, until dental.Date) dental.Bonus {
		return dental.Bonus{Clinic: clinicID, Patient: patientID, Source: source, Kind: dental.BonusGrant, Amount: dental.Money{Minor: rubles * 100, Currency: "RUB"},
			At: friday, On: dental.DateOf(friday), Until: until}
	}
	s.write(bonus("grant.1", 500, dental.Date{Year: 2027, Month: 5, Day: 1}), bonus("grant.2", 300, dental.Date{}), bonus("grant.3", 900, dental.Date{Year: 2026, Month: 5, Day: 21}),
		bonus("referral.key", 200, dental.Date{Year: 2027, Month: 6, Day: 1}))
	page := s.get(s.club()).reads(".sum", "1 000 ₽")
	page.says("500 ₽ от клиники — до 1 мая 2027").says("200 ₽ за рекомендацию — до 1 июня 2027").says("300 ₽ — без срока").saysNot("900")
}

func TestTheClubShowsTheOwnLinkAsTextAndAsCode(t *testing.T) {
	s := offered(t, func(s *surgery) {
		s.Clinic.Referral = dental.ReferralTerms{Reward: dental.Money{Minor: 50000, Currency: "RUB"}, Who: "both"}
	})
	s.get(s.club()).has(0, "svg").saysNot("Пригласите друга")
	path := s.grant(dental.Link{Purpose: dental.ReferralLink})
	page := s.get(s.club()).reads("a[href='"+path+"']", "https://rp.example"+path).says("За первый визит друга — по 500 ₽ вам и другу.").says("По вашей ссылке пока никого нет.").
		reads("footer p:first-child", "Москва, улица Примерная, 5").has(1, "svg.qr[role=img][aria-label='QR-код вашей ссылки']")
	if page.Body.Len() > 30<<10 {
		t.Errorf("the page has %d bytes", page.Body.Len())
	}
	s.write(dental.Referral{Clinic: clinicID, Patient: patientID, Contact: "c1", Name: "Пелагея Подругина", Phone: "+79160000009", At: friday},
		dental.Referral{Clinic: clinicID, Patient: patientID, Contact: "c2", Name: "Пелагея Подругина", Friend: "P-99", Rewarded: friday, At: friday})
	page = s.get(s.club()).says("Номер оставлен, созваниваемся: 1").says("Награда начислена: 1")
	for _, secret := range []string{"Пелагея", "Подругина", "9160000009", "P-99"} {
		if strings.Contains(page.Body.String(), secret) {
			t.Errorf("the page tells %q of a friend", secret)
		}
	}
}

func TestNothingCanBeSentToTheClub(t *testing.T) {
	s := offered(t, nil)
	if got := s.post(s.club(), "action", "book").want(http.StatusMethodNotAllowed).Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("allowed is %q", got)
	}
}
