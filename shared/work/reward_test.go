package work_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

const friendPhone = "+79160000099"

func rub(roubles int64) dental.Money {
	return dental.Money{Minor: roubles * 100, Currency: "RUB"}
}

// referral is a stage on which the patient "anna" has recommended the clinic to
// a friend, who has left a number.
type referral struct {
	*stagetest.Stage
	lead time.Time
}

func newReferral(t testing.TB, change ...func(*dental.Clinic)) *referral {
	t.Helper()
	return onTable(stagetest.New(t, start, append([]func(*dental.Clinic){func(c *dental.Clinic) {
		c.Referral = dental.ReferralTerms{Reward: rub(500), Who: "both"}
	}}, change...)...))
}

func onTable(s *stagetest.Stage) *referral {
	s.T.Helper()
	r := &referral{Stage: s, lead: s.Now()}
	r.Patient("anna")
	r.leaves("anna", friendPhone)
	return r
}

// leaves is somebody who leaves a number on a patient's page.
func (r *referral) leaves(patient, phone string) {
	r.T.Helper()
	l := dental.Link{Purpose: dental.ReferralLink, Clinic: r.Clinic.ID, Patient: patient}
	code := r.Store.Token(l)
	l.Hash = store.TokenHash(code)
	tx := r.Store.Begin()
	tx.Put(l)
	if err := tx.Commit(r.T.Context()); err != nil {
		r.T.Fatal(err)
	}
	form := reply.LeadForm{Name: "Пётр", Phone: phone, Consent: true}
	if err := r.Desk.Recommend(r.T.Context(), code, form, stagetest.Phones, r.Now()); err != nil {
		r.T.Fatal(err)
	}
}

// comes is the friend's card.
func (r *referral) comes(id string, change ...func(*intake.Card)) {
	r.T.Helper()
	r.Patient(id, append([]func(*intake.Card){func(c *intake.Card) {
		c.Number, c.GivenName, c.FamilyName, c.BirthDate = friendPhone, "Пётр", "Иванов", dental.Date{Year: 1990, Month: 4, Day: 2}
	}}, change...)...)
}

// pays is a visit of the friend's with a receipt.
func (r *referral) pays(visit, patient string, finished time.Time, roubles int64) {
	r.T.Helper()
	r.Visit(visit, patient, finished, func(v *dental.Visit) { v.Receipt = rub(roubles) })
}

// money is a payment or a refund.
func (r *referral) money(id, visit, patient string, kind dental.PaymentKind, roubles int64) {
	r.T.Helper()
	r.Tell(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{Clinic: r.Clinic.ID, Patient: patient, ID: id, VisitID: visit,
		Amount: rub(roubles), At: r.Now(), Kind: kind, Source: dental.Source{Version: 1, Body: id}}})
}

// has is a patient's balance in roubles.
func (r *referral) has(patient string) int64 {
	r.T.Helper()
	return dental.PurseOn(r.Card(patient).Bonuses, r.Clinic.Today(r.Now())).Balance.Minor / 100
}

// want holds the balances of both and where the recommendation stands.
func (r *referral) want(state string, anna, friend int64) {
	r.T.Helper()
	if a, f := r.has("anna"), r.has("friend"); a != anna || f != friend {
		r.T.Errorf("the balances are %d and %d, want %d and %d", a, f, anna, friend)
	}
	if got := r.recommended().State(); got != state {
		r.T.Errorf("the recommendation stands at %q, want %q", got, state)
	}
}

func (r *referral) recommended() dental.Referral {
	r.T.Helper()
	card := r.Card("anna")
	if len(card.Referrals) != 1 {
		r.T.Fatalf("recommendations: %+v", card.Referrals)
	}
	return card.Referrals[0]
}

func TestAHappyPatientAndTheFriendAreBothRewardedOnce(t *testing.T) {
	s := stagetest.New(t, start, func(c *dental.Clinic) { c.Referral = dental.ReferralTerms{Reward: rub(500), Who: "both"} })
	r := &referral{Stage: s}
	s.Patient("anna")
	s.Visit("V-1", "anna", s.Now())
	s.To(s.Now().Add(25 * time.Hour))
	form, err := reply.ParseAnswer("good", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Answer(t.Context(), s.Token("anna", dental.SurveyLink), form, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.ToLocal("2026-03-14 12:00")
	if n := len(s.SentAs("referral", "invite")); n != 1 {
		t.Fatalf("%d invitations have left", n)
	}
	code := s.Token("anna", dental.ReferralLink)
	s.ToLocal("2026-03-16 15:00")
	if err := s.Desk.Recommend(t.Context(), code, reply.LeadForm{Name: "Пётр", Phone: friendPhone, Consent: true}, stagetest.Phones, s.Now()); err != nil {
		t.Fatal(err)
	}
	if len(s.Tasks("anna", dental.LeadTask)) != 1 {
		t.Fatal("staff are not asked to call")
	}

	s.ToLocal("2026-03-16 15:30")
	r.comes("friend")
	s.To(s.Now().Add(time.Minute))
	if p := s.Card("friend").Patient; p.InvitedBy != "anna" || p.Invitation != r.recommended().Contact {
		t.Errorf("the friend's card says %q, %q", p.InvitedBy, p.Invitation)
	}
	if got := r.recommended(); got.Friend != "friend" || got.Phone != "" {
		t.Errorf("the recommendation is %+v", got)
	}
	if task := s.Card("anna").Task(dental.LeadTask, r.recommended().Contact); task.Open() || task.Outcome != "lead-card" {
		t.Errorf("the task is %+v", task)
	}
	r.want("card", 0, 0)

	s.ToLocal("2026-03-20 13:00")
	r.pays("V-2", "friend", s.Now(), 5400)
	heads := [2]int64{s.Card("anna").Patient.Changes, s.Card("friend").Patient.Changes}
	s.To(s.Now().Add(time.Minute))
	r.want("rewarded", 500, 500)
	rewarded := r.recommended().Rewarded
	if got := r.recommended(); got.VisitOn != (dental.Date{Year: 2026, Month: 3, Day: 20}) {
		t.Errorf("the first paid visit was on %v", got.VisitOn)
	}
	for i, patient := range []string{"anna", "friend"} {
		card := s.Card(patient)
		if len(card.Bonuses) != 1 || card.Patient.Changes <= heads[i] {
			t.Fatalf("%s has %+v, with %d changes", patient, card.Bonuses, card.Patient.Changes)
		}
		b := card.Bonuses[0]
		if b.Source != "referral."+r.recommended().Contact || b.Kind != dental.BonusReferral || b.On != (dental.Date{Year: 2026, Month: 3, Day: 20}) ||
			b.Until != (dental.Date{Year: 2027, Month: 3, Day: 20}) || b.Reason != "Рекомендация" {
			t.Errorf("%s has %+v", patient, b)
		}
	}
	for n := range 3 {
		s.To(s.Now().AddDate(0, 1, 0))
		r.pays(fmt.Sprint("V-", 3+n), "friend", s.Now(), 900)
	}
	s.To(s.Now().Add(time.Minute))
	r.want("rewarded", 500, 500)
	if at := r.recommended(); !at.Rewarded.Equal(rewarded) {
		t.Errorf("later visits reward it at %v, after %v", at.Rewarded, rewarded)
	}
	s.ToLocal("2027-03-20 23:00")
	r.want("rewarded", 500, 500)
	s.ToLocal("2027-03-21 00:00")
	r.want("rewarded", 0, 0)
}

func TestTheClinicSaysWhoGetsTheReward(t *testing.T) {
	for who, want := range map[string][2]int64{"referrer": {500, 0}, "friend": {0, 500}, "both": {500, 500}, "": {500, 500}} {
		t.Run("who: "+who, func(t *testing.T) {
			r := newReferral(t, func(c *dental.Clinic) { c.Referral.Who = who })
			r.comes("friend")
			r.pays("V", "friend", r.Now(), 1000)
			r.To(r.Now().Add(time.Minute))
			r.want("rewarded", want[0], want[1])
		})
	}
	t.Run("nothing where nothing is set", func(t *testing.T) {
		r := newReferral(t, func(c *dental.Clinic) { c.Referral.Reward = dental.Money{} })
		r.comes("friend")
		r.pays("V", "friend", r.Now(), 1000)
		r.To(r.Now().Add(time.Minute))
		r.want("rewarded", 0, 0)
	})
}

func TestOnlyTheFirstPaidVisitInTimeIsRewarded(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name  string
		comes time.Duration // after the lead
		pays  time.Duration
		sum   int64
		state string
		each  int64
	}{
		{"on the last moment of 180 days", 179 * day, 180 * day, 1000, "rewarded", 500},
		{"on the 181st day", 179 * day, 181 * day, 1000, "card", 0},
		{"a free visit", day, 2 * day, 0, "card", 0},
		{"a card on the 181st day", 181 * day, 181 * day, 1000, "lead", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReferral(t)
			r.To(r.lead.Add(tt.comes))
			r.comes("friend")
			r.To(r.lead.Add(tt.pays))
			r.pays("V", "friend", r.Now(), tt.sum)
			r.To(r.Now().Add(time.Minute))
			r.want(tt.state, tt.each, tt.each)
		})
	}
	t.Run("a paid visit after a free one", func(t *testing.T) {
		r := newReferral(t)
		r.comes("friend")
		r.pays("V-1", "friend", r.Now(), 0)
		r.To(r.Now().Add(30 * day))
		r.pays("V-2", "friend", r.Now(), 700)
		r.To(r.Now().Add(time.Minute))
		r.want("rewarded", 500, 500)
	})
	t.Run("a visit without a receipt, paid later", func(t *testing.T) {
		r := newReferral(t)
		r.comes("friend")
		r.Visit("V-1", "friend", r.Now(), func(v *dental.Visit) { v.Receipt = dental.Money{} })
		r.To(r.Now().Add(day))
		r.want("card", 0, 0)
		r.money("F-1", "V-1", "friend", dental.Paid, 800)
		r.To(r.Now().Add(time.Minute))
		r.want("rewarded", 500, 500)
	})
}

func TestARefundTakesTheRewardBackFromBothAndAPaymentGivesItAnew(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.pays("V", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 500)
	r.money("F-1", "V", "friend", dental.Refund, 400)
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 500) // something of the day is paid
	r.money("F-2", "V", "friend", dental.Refund, 600)
	r.To(r.Now().Add(time.Hour))
	r.want("reversed", 0, 0)
	if got := r.Card("anna").Bonuses; len(got) != 2 || got[1].Source != got[0].Source+".reversed" || got[1].Of != got[0].Source || got[1].Kind != dental.BonusReversed {
		t.Errorf("the ledger is %+v", got)
	}
	r.To(r.Now().AddDate(0, 1, 0))
	r.pays("V-2", "friend", r.Now(), 300)
	r.To(r.Now().Add(time.Minute))
	r.want("rewarded", 500, 500)
	if got := r.Card("friend").Bonuses; len(got) != 3 || got[1].Source != got[0].Source+".2" && got[2].Source != got[0].Source+".2" {
		t.Errorf("the ledger is %+v", got)
	}
	r.money("F-3", "V-2", "friend", dental.Refund, 300)
	r.To(r.Now().Add(time.Minute))
	r.want("reversed", 0, 0)
}

func TestWhatWasSpentAndIsTakenBackIsADebt(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.pays("V", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	tx := r.Store.Begin()
	if _, err := tx.Card(t.Context(), "demo", "anna"); err != nil {
		t.Fatal(err)
	}
	tx.Put(dental.Bonus{Clinic: "demo", Patient: "anna", Source: "spent.1", Kind: dental.BonusSpent, Amount: rub(-200), At: r.Now(), On: r.Clinic.Today(r.Now())})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.money("F-1", "V", "friend", dental.Refund, 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("reversed", -200, 0)
}

func TestKinAndThoseWhoHadBeenHereAreNoFriends(t *testing.T) {
	day := 24 * time.Hour
	for name, tt := range map[string]struct {
		happens func(r *referral)
		state   string
	}{
		"a ward of the patient": {func(r *referral) { r.comes("friend", func(c *intake.Card) { c.GuardianID = "anna" }) }, "card"},
		"a household that has one phone by now": {func(r *referral) {
			r.comes("friend")
			r.comes("friend", func(c *intake.Card) { c.Number = "+79160000001" })
		}, "card"},
		"one who had been here, the visit known before the card": {func(r *referral) {
			r.pays("V-0", "friend", r.lead.Add(-400*day), 100)
			r.comes("friend")
		}, "lead"},
		"one who had been here, the visit told after the card": {func(r *referral) {
			r.comes("friend")
			r.pays("V-0", "friend", r.lead.Add(-400*day), 100)
		}, "card"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReferral(t)
			tt.happens(r)
			r.To(r.Now().Add(day))
			r.pays("V", "friend", r.Now(), 1000)
			r.To(r.Now().Add(time.Minute))
			r.want(tt.state, 0, 0)
		})
	}
	t.Run("an older visit that turns up takes the reward back", func(t *testing.T) {
		r := newReferral(t)
		r.comes("friend")
		r.pays("V", "friend", r.Now(), 1000)
		r.To(r.Now().Add(time.Minute))
		r.want("rewarded", 500, 500)
		r.pays("V-0", "friend", r.lead.Add(-day), 100)
		r.To(r.Now().Add(time.Minute))
		r.want("reversed", 0, 0)
	})
}

func TestAChildGetsNoBonusAndTheOtherPartyDoes(t *testing.T) {
	child := func(c *intake.Card) { c.BirthDate = dental.Date{Year: 2015, Month: 6, Day: 1} }
	r := newReferral(t)
	r.comes("friend", child)
	r.pays("V", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Minute))
	r.want("rewarded", 500, 0)
	r.money("F", "V", "friend", dental.Refund, 1000)
	r.To(r.Now().Add(time.Minute))
	r.want("reversed", 0, 0)

	r = newReferral(t)
	r.comes("friend")
	r.Patient("anna", func(c *intake.Card) { c.Status = dental.Deceased })
	r.pays("V", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Minute))
	r.want("rewarded", 0, 500)
}

func TestOfAHouseholdThatComesTogetherOneIsTheFriend(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.To(r.Now().Add(time.Minute))
	r.comes("daughter", func(c *intake.Card) {
		c.GivenName, c.BirthDate = "Мария", dental.Date{Year: 2000, Month: 1, Day: 5}
	})
	r.To(r.Now().Add(time.Hour))
	if got := r.recommended().Friend; got != "friend" {
		t.Errorf("the friend is %q", got)
	}
	r.pays("V-1", "daughter", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	if got := r.recommended().Friend; got != "daughter" || r.has("daughter") != 500 {
		t.Errorf("who has paid first is %q, with %d", got, r.has("daughter"))
	}
	r.want("rewarded", 500, 0)
	r.comes("friend", func(c *intake.Card) { c.Sex = "male" })
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 0) // who has not paid takes nothing back
	r.pays("V-2", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 0)
	r.money("F-1", "V-1", "daughter", dental.Refund, 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 500) // the other one has paid, too
	if r.has("daughter") != 0 {
		t.Errorf("the daughter keeps %d", r.has("daughter"))
	}
}

func TestOfTheHouseholdOnlyThoseCountWhomThePatientHasSent(t *testing.T) {
	r := newReferral(t)
	r.Patient("olga", func(c *intake.Card) { c.Number, c.GivenName = "+79160000003", "Ольга" })
	r.leaves("olga", "+79160000004")
	r.comes("friend")
	r.comes("hers", func(c *intake.Card) { c.Number, c.GivenName = "+79160000004", "Инна" })
	r.comes("hers", func(c *intake.Card) { c.GivenName = "Инна" }) // moves in with the friend
	r.pays("V-1", "hers", r.Now(), 1000)
	r.pays("V-2", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 500)
	r.money("F-1", "V-2", "friend", dental.Refund, 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("reversed", 0, 0)
	if r.has("olga") != 500 || r.has("hers") != 500 {
		t.Errorf("the other two have %d and %d", r.has("olga"), r.has("hers"))
	}
}

func TestTheDayOfTheFirstPaidVisitIsTheEarliestThatIsTold(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.To(r.Now().Add(9 * 24 * time.Hour))
	r.pays("V-2", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	r.pays("V-1", "friend", r.lead.Add(24*time.Hour), 1000)
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 500)
	if got := r.recommended().VisitOn; got != (dental.Date{Year: 2026, Month: 3, Day: 11}) {
		t.Errorf("it is %v", got)
	}
}

func TestAFriendMayComeToAnotherClinicOfTheGroup(t *testing.T) {
	r := newReferral(t, func(c *dental.Clinic) { c.Group = "istok" })
	north := r.Clinic
	north.ID, north.Name = "north", "Исток на Севере"
	tx := r.Store.Begin()
	_, _ = tx.Clinic(t.Context(), "north")
	tx.Put(north)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	there := &referral{Stage: stagetest.Join(r.Stage, r.Table)}
	there.Clinic = north
	there.comes("friend")
	there.pays("V", "friend", there.Now(), 1000)
	r.To(r.Now().Add(time.Minute))
	if p := there.Card("friend").Patient; p.InvitedBy != "demo/anna" {
		t.Errorf("the friend was invited by %q", p.InvitedBy)
	}
	if at := r.recommended(); at.Friend != "north/friend" || at.State() != "rewarded" || r.has("anna") != 500 || there.has("friend") != 500 {
		t.Errorf("the recommendation is %+v, the balances %d and %d", at, r.has("anna"), there.has("friend"))
	}
}

func TestAFriendWhoDoesNotComeIsForgotten(t *testing.T) {
	r := newReferral(t)
	r.To(r.lead.Add(dental.LeadLife - time.Second))
	if at := r.recommended(); at.Name != "Пётр" || at.Phone != friendPhone {
		t.Errorf("before the time it is %+v", at)
	}
	r.To(r.lead.Add(dental.LeadLife))
	if at := r.recommended(); at.Name != "" || at.Phone != "" || at.Contact == "" {
		t.Errorf("after it, %+v", at)
	}
	task := r.Card("anna").Task(dental.LeadTask, r.recommended().Contact)
	if task.Open() || task.Outcome != "deadline" || task.Note != "" || strings.Contains(task.Reason, "Пётр") {
		t.Errorf("the task is %+v", task)
	}
	t.Run("but not when the number was left once more", func(t *testing.T) {
		r := newReferral(t)
		r.Set(r.lead.Add(dental.LeadLife + time.Minute)) // before the job has run
		r.leaves("anna", friendPhone)
		r.To(r.Now().Add(time.Hour))
		if at := r.recommended(); at.Name != "Пётр" {
			t.Errorf("it is %+v", at)
		}
		r.To(r.Now().Add(dental.LeadLife))
		if at := r.recommended(); at.Name != "" {
			t.Errorf("in the end it is %+v", at)
		}
	})
	t.Run("nor when the job has waited in a queue meanwhile", func(t *testing.T) {
		r := newReferral(t)
		body := `{"Job":{"Clinic":"demo","ID":"lead.anna.` + r.recommended().Contact + `"}}`
		if err := r.Worker.Handle(t.Context(), body); err != nil {
			t.Fatal(err)
		}
		if at := r.recommended(); at.Name != "Пётр" {
			t.Errorf("it is %+v", at)
		}
		r.To(r.lead.Add(dental.LeadLife))
		if at := r.recommended(); at.Name != "" {
			t.Errorf("in the end it is %+v", at)
		}
	})
	t.Run("and of one who has come the name stays for whoever has recommended", func(t *testing.T) {
		r := newReferral(t)
		r.comes("friend")
		r.To(r.lead.Add(dental.LeadLife))
		if at := r.recommended(); at.Name != "Пётр" || at.Phone != "" {
			t.Errorf("it is %+v", at)
		}
		if task := r.Card("anna").Task(dental.LeadTask, r.recommended().Contact); task.Note != "" || !strings.Contains(task.Reason, "Пётр") || task.Outcome != "lead-card" {
			t.Errorf("the task is %+v", task)
		}
	})
}

// everything is all that the stage's table holds, written out.
func (w *remembering) everything(t testing.TB) (lines []string) {
	t.Helper()
	for key := range w.keys {
		items, err := w.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if items[0].Exists() {
			lines = append(lines, fmt.Sprintf("%s %v", key, items[0].Attr))
		}
	}
	return lines
}

func TestAnErasedFriendLeavesNothingWithWhoeverRecommended(t *testing.T) {
	for name, paid := range map[string]bool{"before a visit": false, "after the reward": true} {
		t.Run(name, func(t *testing.T) {
			w := &remembering{Table: tabletest.NewReference(func() time.Time { return start }, rand.NewChaCha8([32]byte{1})), keys: map[table.Key]bool{}}
			r := onTable(stagetest.On(t, w, start, func(c *dental.Clinic) { c.Referral = dental.ReferralTerms{Reward: rub(500), Who: "both"} }))
			r.comes("P-77")
			if paid {
				r.pays("V", "P-77", r.Now(), 1000)
			}
			r.To(r.Now().Add(time.Minute))
			r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P-77", Version: 1 << 60}})
			r.To(r.Now().Add(time.Hour))
			for _, line := range w.everything(t) {
				own := strings.HasPrefix(line, "P#demo#P-77") || strings.HasPrefix(line, "J#") || strings.HasPrefix(line, "E#")
				if !own && (strings.Contains(line, "Пётр") || strings.Contains(line, "9160000099") || strings.Contains(line, "P-77")) {
					t.Errorf("left is %s", line)
				}
			}
			card := r.Card("anna")
			want := map[bool]int{false: 0, true: 1}[paid]
			if len(card.Referrals) != want || len(card.Bonuses) != want || r.has("anna") != int64(want)*500 {
				t.Errorf("anna has %+v, %+v", card.Referrals, card.Bonuses)
			}
			r.leaves("anna", friendPhone)
			if got := len(r.Tasks("anna", dental.LeadTask)); got != 1-want {
				t.Errorf("when the number is left again there are %d tasks", got)
			}
		})
	}
}

func TestAnErasedReferrerIsForgottenByTheFriends(t *testing.T) {
	w := &remembering{Table: tabletest.NewReference(func() time.Time { return start }, rand.NewChaCha8([32]byte{1})), keys: map[table.Key]bool{}}
	r := onTable(stagetest.On(t, w, start, func(c *dental.Clinic) { c.Referral = dental.ReferralTerms{Reward: rub(500), Who: "both"} }))
	for n := range 5 { // who have not come
		r.leaves("anna", fmt.Sprint("+7916000020", n))
	}
	r.comes("friend")
	r.pays("V", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Minute))
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "anna", Version: 1 << 60}})
	r.To(r.Now().Add(time.Hour))
	for _, line := range w.everything(t) {
		// The code's link goes with the touch that carried it; here none did.
		own := strings.HasPrefix(line, "P#demo#anna / 0") || strings.HasPrefix(line, "J#") || strings.HasPrefix(line, "E#") || strings.HasPrefix(line, "L#")
		if !own && strings.Contains(line, "anna") {
			t.Errorf("left is %s", line)
		}
	}
	card := r.Card("friend")
	if card.Patient.InvitedBy != "" || card.Patient.Invitation != "" || r.has("friend") != 500 {
		t.Errorf("the friend is %q, %q, with %d", card.Patient.InvitedBy, card.Patient.Invitation, r.has("friend"))
	}
	r.money("F", "V", "friend", dental.Refund, 1000)
	r.To(r.Now().Add(time.Hour))
	if r.has("friend") != 500 {
		t.Errorf("without the recommendation a refund leaves %d", r.has("friend"))
	}
}

func TestAFriendWhoPaysAfterTheReferrerWasErasedIsNotInvitedAnyMore(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.To(r.Now().Add(time.Minute))
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "anna", Version: 1 << 60}})
	r.pays("V", "friend", r.Now(), 1000)
	if err := r.Worker.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"reward.friend"}}`); err != nil { // before the job of the erasure
		t.Fatal(err)
	}
	if p, card := r.Card("friend").Patient, r.Card("anna"); p.InvitedBy != "" || len(card.Bonuses) > 0 {
		t.Errorf("the friend is invited by %q, and anna has %+v", p.InvitedBy, card.Bonuses)
	}
	r.To(r.Now().Add(time.Hour))
	if p := r.Card("friend").Patient; p.InvitedBy != "" || r.has("friend") != 0 {
		t.Errorf("the friend is invited by %q and has %d", p.InvitedBy, r.has("friend"))
	}
	if card := r.Card("anna"); !card.Patient.Erased || len(card.Bonuses) > 0 {
		t.Errorf("anna has %+v", card.Bonuses)
	}
}

func TestAnErasedFriendsHouseholdTakesNothingBack(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.pays("V", "friend", r.Now(), 1000)
	r.To(r.Now().Add(time.Minute))
	r.comes("daughter", func(c *intake.Card) {
		c.GivenName, c.BirthDate = "Мария", dental.Date{Year: 2000, Month: 1, Day: 5}
	})
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "friend", Version: 1 << 60}})
	r.To(r.Now().Add(time.Hour))
	r.comes("daughter", func(c *intake.Card) {
		c.GivenName, c.BirthDate = "Мария", dental.Date{Year: 2000, Month: 1, Day: 6}
	})
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 0)
	r.pays("V-2", "daughter", r.Now(), 1000)
	r.To(r.Now().Add(time.Hour))
	if r.want("rewarded", 500, 0); r.has("daughter") != 0 {
		t.Errorf("the daughter has %d", r.has("daughter"))
	}
}

func TestAnErasedRelativeOfTheFriendLeavesTheRecommendationAlone(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.To(r.Now().Add(time.Minute))
	r.comes("daughter", func(c *intake.Card) {
		c.GivenName, c.BirthDate = "Мария", dental.Date{Year: 2000, Month: 1, Day: 5}
	})
	r.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "daughter", Version: 1 << 60}})
	r.To(r.Now().Add(time.Hour))
	if at := r.recommended(); at.Friend != "friend" || at.Name != "Пётр" {
		t.Errorf("it is %+v", at)
	}
}

// remembering is a table that remembers every key ever put.
type remembering struct {
	table.Table
	mu   sync.Mutex
	keys map[table.Key]bool
}

func (w *remembering) Write(ctx context.Context, ops ...table.Op) error {
	w.mu.Lock()
	for _, op := range ops {
		w.keys[op.Item.Key] = true
	}
	w.mu.Unlock()
	return w.Table.Write(ctx, ops...)
}

// jobs does what is due now, each thing twice.
func (r *referral) jobs() {
	r.T.Helper()
	if err := r.Dispatch.Dispatch(r.T.Context(), r.Now()); err != nil {
		r.T.Fatal(err)
	}
	r.Drain()
}

// fact is one thing that is told of the friend.
type fact struct {
	name string
	tell func(*referral)
}

// paid is what the property's oracle knows of one visit.
type paid struct {
	day     int // after the lead
	receipt int64
	refund  int64
}

// earned says, by another way than the code's own, whether the visits reward.
func earned(visits []paid) bool {
	slices.SortFunc(visits, func(a, b paid) int { return cmp.Compare(a.day, b.day) })
	if len(visits) > 0 && visits[0].day < 0 {
		return false
	}
	for _, v := range visits {
		if v.receipt > v.refund {
			return v.day <= 180
		}
	}
	return false
}

func TestWhateverTheOrderTheBalanceFollowsFromTheFacts(test *testing.T) {
	rapid.Check(test, func(t *rapid.T) {
		r := newReferral(test, func(c *dental.Clinic) { c.Scenarios = nil }) // no message matters
		day := 24 * time.Hour
		var facts []fact
		var visits []paid
		late := rapid.SliceOfNDistinct(rapid.IntRange(-20, 219), 0, 4, rapid.ID).Draw(t, "days of visits")
		for n, d := range late {
			v := paid{day: d, receipt: rapid.SampledFrom([]int64{0, 700, 1000}).Draw(t, "receipt"), refund: rapid.SampledFrom([]int64{0, 0, 300, 1000}).Draw(t, "refund")}
			visits = append(visits, v)
			id := fmt.Sprint("V-", n)
			visit := dental.Visit{Clinic: "demo", Patient: "friend", ID: id, FinishedAt: r.lead.Add(time.Duration(d) * day), Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"}}
			wrong := visit
			wrong.Receipt, wrong.Source = rub(555), dental.Source{Version: 1, Body: "wrong"}
			visit.Receipt, visit.Source = rub(v.receipt), dental.Source{Version: 2, Body: "right"}
			facts = append(facts, fact{id, func(r *referral) { r.Tell(intake.Event{Type: intake.VisitCompleted, Visit: &visit}) }})
			if rapid.Bool().Draw(t, "was told wrongly") {
				facts = append(facts, fact{id + " wrongly", func(r *referral) { r.Tell(intake.Event{Type: intake.VisitCompleted, Visit: &wrong}) }})
			}
			if v.refund > 0 {
				facts = append(facts, fact{id + " refund", func(r *referral) { r.money("F-"+id, id, "friend", dental.Refund, v.refund) }})
			}
		}
		facts = append(facts, facts...) // each is told twice
		order := rapid.Permutation(facts).Draw(t, "order")
		r.comes("friend")
		r.Set(r.lead.Add(220 * day))
		for _, f := range order {
			f.tell(r)
			if rapid.Bool().Draw(t, "the job runs") {
				r.jobs()
			}
		}
		r.jobs()
		want := map[bool]int64{true: 500}[earned(visits)]
		if a, f := r.has("anna"), r.has("friend"); a != want || f != want {
			t.Fatalf("the balances are %d and %d, want %d of %+v", a, f, want, visits)
		}
		for _, patient := range []string{"anna", "friend"} {
			inForce := 0
			for _, b := range r.Card(patient).Bonuses {
				inForce += map[dental.BonusKind]int{dental.BonusReferral: 1, dental.BonusReversed: -1}[b.Kind]
			}
			if inForce != int(want/500) {
				t.Errorf("%d rewards of %s are in force", inForce, patient)
			}
		}
	})
}

func TestWorkersThatRaceRewardOnce(t *testing.T) {
	r := newReferral(t)
	r.comes("friend")
	r.pays("V", "friend", r.Now(), 1000)
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			if err := r.Worker.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"reward.friend"}}`); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { r.money(fmt.Sprint("F-", n), "V", "friend", dental.Refund, 10) })
	}
	all.Wait()
	r.To(r.Now().Add(time.Hour))
	r.want("rewarded", 500, 500)
	if a, f := len(r.Card("anna").Bonuses), len(r.Card("friend").Bonuses); a != 1 || f != 1 {
		t.Errorf("the ledgers have %d and %d entries", a, f)
	}
}

func TestARewardSurvivesFaultsOfTheTable(t *testing.T) {
	happened := map[tabletest.Fault]int{}
	for seed := range uint64(12) {
		r := newReferral(t)
		r.comes("friend")
		r.pays("V", "friend", r.Now(), 1000)
		faulty := tabletest.NewFaulty(r.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{tabletest.LostBefore: .15, tabletest.LostAfter: .2, tabletest.LostLate: .2, tabletest.Contended: .1}})
		worker := *r.Worker
		worker.Store = stagetest.Join(r.Stage, faulty).Store
		for range 4 {
			if err := worker.Handle(t.Context(), `{"Job":{"Clinic":"demo","ID":"reward.friend"}}`); err != nil {
				t.Fatal(err)
			}
		}
		faulty.Heal()
		for f, n := range faulty.Happened() {
			happened[f] += n
		}
		r.want("rewarded", 500, 500)
	}
	if happened[tabletest.LostAfter] == 0 || happened[tabletest.LostBefore] == 0 {
		t.Errorf("what happened is %v: the test tries nothing", happened)
	}
}
