package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// referral is the patient's own code, for friends.
func (s *surgery) referral() string {
	return s.grant(dental.Link{Purpose: dental.ReferralLink})
}

// rewarding is a surgery that thanks for a recommendation.
func rewarding(t *testing.T, who string, change ...func(*surgery)) *surgery {
	t.Helper()
	return newSurgery(t, func(s *surgery) {
		s.Clinic.Referral = dental.ReferralTerms{Reward: dental.Money{Minor: 500_00, Currency: "RUB"}, Who: who}
		for _, c := range change {
			c(s)
		}
	})
}

var friend = []string{"name", "Пётр", "phone", "8 (916) 000-00-99", "consent", "on"}

func TestAFriendSeesTheClinicWhatAVisitBringsAndWhereToLeaveANumber(t *testing.T) {
	s := rewarding(t, "both", func(s *surgery) { s.Patient.Language = "en" })
	page := s.get(s.referral()).want(http.StatusOK).reads("h1", "Вам советуют: «Улыбка»").
		says("500 ₽ бонусами вам и столько же тому, кто вас рекомендует").says("в течение 180 дней").
		says("Есть противопоказания, нужен совет врача.").
		says("Даю согласие: «Улыбка» может обрабатывать мои имя и телефон").says("удаляются через 180 дней").
		has(1, "form[method=post]").has(1, "input[name=name][required]").has(1, "input[name=phone][type=tel][required]").
		has(1, "input[name=consent][value=on][required]").has(0, "input[checked]").has(0, "[role=alert]").has(0, "[role=status]")
	for _, mine := range []string{"Аглаида", "Непоказуева", "9160000001", patientID} {
		if strings.Contains(page.Body.String(), mine) {
			t.Errorf("the page tells of whoever recommends: %q", mine)
		}
	}
	for who, want := range map[string]string{"friend": "500 ₽ бонусами вам.", "referrer": "500 ₽ бонусами тому, кто вас рекомендует.", "": "и столько же тому"} {
		s := rewarding(t, who)
		s.get(s.referral()).says(want)
	}
	s = newSurgery(t, nil)
	s.get(s.referral()).want(http.StatusOK).saysNot("бонус").saysNot("Так будет").says("противопоказания")
	s = rewarding(t, "both", func(s *surgery) { s.Clinic.Language = "en" })
	s.get(s.referral()).reads("h1", "Улыбка was recommended to you").says("RUB 500 in bonuses for you")
}

func TestThePageForFriendsLeadsToNobodysPreferences(t *testing.T) {
	s := rewarding(t, "both")
	granted := dental.Link{Purpose: dental.ReferralLink, Reader: patientID, Refusal: "advertising/phone"}
	s.get(s.grant(granted)).want(http.StatusOK).has(0, "a[href^='/u/']")
	granted.Purpose = dental.ClubLink
	s.get(s.grant(granted)).want(http.StatusOK).has(1, "a[href^='/u/']")
}

func TestALeftNumberIsThankedForAndBecomesATask(t *testing.T) {
	s := rewarding(t, "both")
	s.does(s.referral(), friend...).want(http.StatusOK).reads("h1", "Спасибо! Мы позвоним").has(1, "[role=status]").has(0, "form").
		has(1, "a.button[href='tel:+74950000000']")
	card := s.card()
	if len(card.Referrals) != 1 || card.Referrals[0].Phone != "+79160000099" || card.Referrals[0].Name != "Пётр" || card.Referrals[0].Consent != reply.LeadWording {
		t.Errorf("recorded is %+v", card.Referrals)
	}
	if len(card.Tasks) != 1 || card.Tasks[0].Kind != dental.LeadTask {
		t.Errorf("staff are asked %+v", card.Tasks)
	}
	s = rewarding(t, "both", func(s *surgery) { s.Clinic.Phone = "" })
	s.does(s.referral(), friend...).saysNot("позвонить самостоятельно").has(0, "a")
}

func TestNobodyCanTellByTheAnswerWhoIsAPatient(t *testing.T) {
	s := rewarding(t, "both")
	path := s.referral()
	seen := s.post(path, friend...)
	thanks := s.get(seen.Header().Get("Location"))
	for name, phone := range map[string]string{"the patient's own": "+79160000001", "the same again": "+79160000099", "a stranger's": "+79160000098"} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.joins("+79160000001")
			a := s.post(path, "name", "Пётр", "phone", phone, "consent", "on")
			if a.Code != seen.Code || !bytes.Equal(a.Body.Bytes(), seen.Body.Bytes()) || !maps.EqualFunc(a.Header(), seen.Header(), slices.Equal) {
				t.Errorf("it is answered %d %v", a.Code, a.Header())
			}
			if page := s.get(a.Header().Get("Location")); !bytes.Equal(page.Body.Bytes(), thanks.Body.Bytes()) {
				t.Errorf("and leads to\n%s", page.Body)
			}
		})
	}
	s.t = t
	if n := len(s.card().Referrals); n != 2 {
		t.Errorf("%d recommendations", n)
	}
}

// joins makes the patient a member of a phone's contact, as intake does.
func (s *surgery) joins(phone string) {
	s.t.Helper()
	tx := s.store.Begin()
	contacts, err := tx.Contacts(context.Background(), &s.Clinic, phone)
	if err != nil {
		s.t.Fatal(err)
	}
	contacts[phone].Join(dental.Member{Clinic: clinicID, Patient: patientID})
	tx.Put(*contacts[phone])
	if err := tx.Commit(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatIsWrongIsSaidAndWhatWasWrittenStays(t *testing.T) {
	s := rewarding(t, "both")
	path := s.referral()
	writes := s.table.writes
	for name, tt := range map[string]struct {
		form []string
		says string
		kept string
	}{
		"no name":    {[]string{"phone", "8 916 000-00-99", "consent", "on"}, "Напишите, как к вам обращаться.", "input[name=consent][checked]"},
		"no phone":   {[]string{"name", "Пётр «Первый»", "consent", "on"}, "Проверьте телефон: по этому номеру нам не дозвониться.", "input[name=name][value='Пётр «Первый»']"},
		"two phones": {[]string{"name", "Пётр", "phone", "89160000099, 89160000098", "consent", "on"}, "Проверьте телефон: по этому номеру нам не дозвониться.", "input[name=phone][value='89160000099, 89160000098']"},
		"no consent": {[]string{"name", "Пётр", "phone", "8 916 000-00-99"}, "Чтобы мы могли позвонить, отметьте согласие.", "input[name=phone][value='8 916 000-00-99']"},
		"markup":     {[]string{"name", `"><script>alert(1)</script>`, "phone", "x", "consent", "on"}, "Проверьте телефон: по этому номеру нам не дозвониться.", `input[name=name][value='"><script>alert(1)</script>']`},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.post(path, tt.form...).want(http.StatusBadRequest).reads("[role=alert]", tt.says).has(1, tt.kept).has(1, "form").has(0, "script")
		})
	}
	for _, body := range []string{"name=a&name=b&phone=1&consent=on", "name=a&phone=1&consent=yes", "name=a&phone=1&consent=on&more=1"} {
		s.t = t
		s.send(formRequest(path, body)).want(http.StatusBadRequest).reads("[role=alert]", "Не получилось прочитать форму. Попробуйте ещё раз на этой странице.")
	}
	if s.table.writes != writes {
		t.Error("something was written")
	}
}

func TestLookingAtARecommendationChangesNothing(t *testing.T) {
	s := rewarding(t, "both")
	path := s.referral()
	writes := s.table.writes
	for _, query := range []string{"", "?sent", "?name=a&phone=%2B79160000099&consent=on"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := formRequest(path+query, "name=a&phone=%2B79160000099&consent=on")
			r.Method = method
			s.send(r).want(http.StatusOK)
		}
	}
	if s.table.writes != writes || len(s.card().Referrals) > 0 {
		t.Error("something was written")
	}
}

func TestADeadCodeLooksLikeAnyDeadLink(t *testing.T) {
	s := rewarding(t, "both")
	path := s.referral()
	seen := s.get("/s/AAAAAAAAAAAAAAAA").want(http.StatusNotFound)
	s.Patient.Excluded = true
	s.put()
	for _, r := range []*http.Request{httptest.NewRequest(http.MethodGet, path, nil), formRequest(path, "name=a&phone=%2B79160000099&consent=on"), formRequest(path, "nonsense=1"),
		httptest.NewRequest(http.MethodGet, "/r/AAAAAAAAAAAAAAAA?sent", nil), httptest.NewRequest(http.MethodGet, "/r/", nil),
		httptest.NewRequest(http.MethodGet, strings.Replace(s.survey(), "/s/", "/r/", 1), nil)} {
		if a := s.send(r); a.Code != seen.Code || !bytes.Equal(a.Body.Bytes(), seen.Body.Bytes()) || !maps.EqualFunc(a.Header(), seen.Header(), slices.Equal) {
			t.Errorf("%s %s is answered %d\n%s", r.Method, r.URL, a.Code, a.Body)
		}
	}
}

// The words beside the box are what a friend consents to, and each
// recommendation keeps their version. Whoever changes them gives
// reply.LeadWording a new value and adds a line here; an old line stays, it is
// the proof of what was agreed to.
func TestTheWordingOfAFriendsConsentHasItsVersion(t *testing.T) {
	versions := map[string]string{
		"referral-2026-11":   "62e0473b060a5f5a",
		"referral-2026-11-2": "58f508a9d04c3a96",
	}
	var words []string
	for _, l := range locale.All() {
		for _, key := range []string{"lead", "name", "phone", "consent", "consent.about"} {
			words = append(words, l.Text("page.referral."+key, map[string]string{"clinic": "Улыбка", "n": "180"}))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	if got := hex.EncodeToString(sum[:8]); got != versions[reply.LeadWording] {
		t.Errorf("the words of %s have the sum %s, want %s", reply.LeadWording, got, versions[reply.LeadWording])
	}
}
