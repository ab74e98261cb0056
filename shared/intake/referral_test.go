package intake_test

import (
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
)

const leftPhone = "+79160000099"

// leave notes that "anna" has recommended the clinic to whoever has the number.
func leave(t testing.TB, s *stagetest.Stage, at time.Time) (key string) {
	t.Helper()
	tx := s.Store.Begin()
	contacts, err := tx.Contacts(t.Context(), &s.Clinic, leftPhone)
	if err != nil {
		t.Fatal(err)
	}
	c := contacts[leftPhone]
	c.Lead = dental.Lead{Clinic: "demo", Patient: "anna", At: at}
	tx.Put(*c)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c.Key
}

func friend(change ...func(*intake.Card)) func(*intake.Card) {
	return func(c *intake.Card) {
		c.Number, c.GivenName = leftPhone, "Пётр"
		for _, ch := range change {
			ch(c)
		}
	}
}

// job is the one that brings a friend's rewards in line; the zero one is none.
func job(t testing.TB, s *stagetest.Stage, patient string) store.Job {
	t.Helper()
	j, err := s.Store.Begin().Job(t.Context(), "demo", "reward."+patient)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestACardWithANumberThatWasLeftSaysWhoRecommended(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name    string
		left    time.Duration // before now
		before  func(s *stagetest.Stage)
		card    func(*intake.Card)
		invited bool
	}{
		{"a new patient's", day, nil, friend(), true},
		{"one who was known by a booking alone", day, func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A-1", "P", s.Now().Add(5*day))
		}, friend(), true},
		{"one who was a card without a number", day, func(s *stagetest.Stage) { s.Patient("P", friend(func(c *intake.Card) { c.Number = "" })) }, friend(), true},
		{"one who came on the day itself", 2 * time.Hour, func(s *stagetest.Stage) { s.Visit("V-1", "P", s.Now().Add(-3*time.Hour)) }, friend(), true},
		{"one who had been here the day before", day, func(s *stagetest.Stage) { s.Visit("V-1", "P", s.Now().Add(-2*day)) }, friend(), false},
		{"on the last moment of 180 days", dental.LeadLife - 1, nil, friend(), true},
		{"after 180 days", dental.LeadLife, nil, friend(), false},
		{"another number", day, nil, friend(func(c *intake.Card) { c.Number = "+79160000098" }), false},
		{"a child reached by the number", day, func(s *stagetest.Stage) { s.Patient("mother", friend()) },
			friend(func(c *intake.Card) {
				c.Number, c.GuardianID, c.BirthDate = "", "mother", dental.Date{Year: 2018, Month: 1, Day: 1}
			}), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start)
			key := leave(t, s, s.Now().Add(-tt.left))
			if tt.before != nil {
				tt.before(s)
			}
			s.Patient("P", tt.card)
			p, j := s.Card("P").Patient, job(t, s, "P")
			if tt.invited && (p.InvitedBy != "anna" || p.Invitation != key || j.Kind != store.RewardJob || j.Patient != "P" || j.Referrer != "anna" || j.Contact != key) {
				t.Errorf("the card says %q, %q, and the job is %+v", p.InvitedBy, p.Invitation, j)
			}
			if !tt.invited && (p.InvitedBy != "" || p.Invitation != "" || j.ID != "") {
				t.Errorf("the card says %q, %q, and the job is %+v", p.InvitedBy, p.Invitation, j)
			}
		})
	}
	t.Run("the own number of whoever recommends", func(t *testing.T) {
		s := stagetest.New(t, start)
		leave(t, s, s.Now())
		s.Patient("anna", friend())
		if p := s.Card("anna").Patient; p.InvitedBy != "" {
			t.Errorf("invited by %q", p.InvitedBy)
		}
	})
}

func TestWhoRecommendedIsKeptWhateverLaterCardsSay(t *testing.T) {
	s := stagetest.New(t, start)
	key := leave(t, s, s.Now())
	s.Patient("P", friend())
	s.Set(s.Now().Add(time.Hour))
	s.Patient("P", friend(func(c *intake.Card) { c.Number, c.GivenName = "+79160000098", "Пётр" }))
	if p := s.Card("P").Patient; p.Phone != "+79160000098" || p.InvitedBy != "anna" || p.Invitation != key {
		t.Errorf("the card says %q, %q", p.InvitedBy, p.Invitation)
	}
}

func TestAFriendsMoneyWakesTheJobOfTheReward(t *testing.T) {
	for name, tell := range map[string]func(*stagetest.Stage){
		"a visit":        func(s *stagetest.Stage) { s.Visit("V-1", "P-1", s.Now()) },
		"a payment":      func(s *stagetest.Stage) { s.Tell(paymentEvent(1, "F-1", 100, dental.Paid)) },
		"a refund":       func(s *stagetest.Stage) { s.Tell(paymentEvent(1, "F-1", 100, dental.Refund)) },
		"the erasure":    func(s *stagetest.Stage) { s.Tell(deletion(1 << 60)) },
		"another's card": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s, w := stage(t)
			s.Patient("anna", func(c *intake.Card) { c.Number = "+79160000077" })
			key := leave(t, s, s.Now())
			s.Patient("P-1", friend())
			s.Tick()
			if job(t, s, "P-1").Done.IsZero() {
				t.Fatal("the job is not done")
			}
			s.Set(s.Now().Add(time.Minute))
			if tell == nil {
				s.Patient("Q", func(c *intake.Card) { c.Number = "+79160000078" })
				if j := job(t, s, "P-1"); j.Done.IsZero() {
					t.Errorf("the job is %+v", j)
				}
				return
			}
			reads, writes := w.count(func() { tell(s) })
			if j := job(t, s, "P-1"); !j.Done.IsZero() || !j.Wake.Equal(s.Now()) || j.Referrer != "anna" || j.Contact != key {
				t.Errorf("the job is %+v", j)
			}
			if reads > 3 || writes != 1 {
				t.Errorf("it costs %d reads and %d writes", reads, writes)
			}
		})
	}
}
