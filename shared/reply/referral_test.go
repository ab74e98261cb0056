package reply_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

const friendPhone = "+79160000099"

// friendly is a stage on which patient P has a code to pass on.
func friendly(t *testing.T, change ...func(*dental.Clinic)) (s *stagetest.Stage, code string) {
	t.Helper()
	s = stagetest.New(t, start, append([]func(*dental.Clinic){func(c *dental.Clinic) {
		c.Referral = dental.ReferralTerms{Reward: dental.Money{Minor: 500_00, Currency: "RUB"}, Who: "both"}
	}}, change...)...)
	s.Patient("P", func(c *intake.Card) { c.Language = "en" })
	return s, codeOf(s, "P")
}

// codeOf is a patient's code for life.
func codeOf(s *stagetest.Stage, patient string) string {
	s.T.Helper()
	l := dental.Link{Purpose: dental.ReferralLink, Clinic: s.Clinic.ID, Patient: patient}
	code := s.Store.Token(l)
	l.Hash = store.TokenHash(code)
	tx := s.Store.Begin()
	tx.Put(l)
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
	return code
}

// leaves is a friend who leaves name and phone.
func leaves(s *stagetest.Stage, code, phone string) error {
	return s.Desk.Recommend(s.T.Context(), code, reply.LeadForm{Name: "Пётр", Phone: phone, Consent: true}, stagetest.Phones, s.Now())
}

func contact(s *stagetest.Stage, phone string) *dental.Contact {
	s.T.Helper()
	contacts, err := s.Store.Begin().Contacts(s.T.Context(), &s.Clinic, phone)
	if err != nil {
		s.T.Fatal(err)
	}
	return contacts[phone]
}

func TestThePageOfARecommendationSpeaksForTheClinicAlone(t *testing.T) {
	s, code := friendly(t)
	page, err := s.Desk.Referral(t.Context(), code, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	if page.Clinic.Name != s.Clinic.Name || page.Terms != s.Clinic.Referral || page.Days != 180 {
		t.Errorf("the page is %+v", page)
	}
	if page.Locale != locale.Russian {
		t.Error("the page is in the language of whoever recommends")
	}
}

func TestAFriendsNumberIsACallForStaffWithinAWorkingHour(t *testing.T) {
	s, code := friendly(t)
	changes := s.Card("P").Patient.Changes
	s.Set(s.Local("2026-03-14 19:30")) // Saturday, half an hour before closing
	err := s.Desk.Recommend(t.Context(), code, reply.LeadForm{Name: " Пётр\n \u202eИванов ", Phone: friendPhone, Consent: true}, stagetest.Phones, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	card, c := s.Card("P"), contact(s, friendPhone)
	if len(card.Referrals) != 1 {
		t.Fatalf("recommendations: %+v", card.Referrals)
	}
	want := dental.Referral{Clinic: "demo", Patient: "P", Contact: c.Key, Name: "Пётр Иванов", Phone: friendPhone, At: s.Now(), Consent: reply.LeadWording}
	if got := card.Referrals[0]; !got.At.Equal(want.At) || got.State() != "lead" {
		t.Errorf("it is %+v", got)
	} else if got.At = want.At; got != want {
		t.Errorf("it is %+v, want %+v", got, want)
	}
	if c.Lead.Clinic != "demo" || c.Lead.Patient != "P" || !c.Lead.At.Equal(s.Now()) || len(c.Members) != 0 {
		t.Errorf("the number's contact is %+v", c)
	}
	tasks := s.Tasks("P", dental.LeadTask)
	if len(tasks) != 1 || at(s, tasks[0].Due) != "2026-03-16 09:30" || !strings.Contains(tasks[0].Reason, "Пётр Иванов") ||
		!strings.Contains(tasks[0].Note, friendPhone) || !strings.Contains(tasks[0].Note, reply.LeadWording) || tasks[0].Anchor != c.Key {
		t.Errorf("tasks: %+v", tasks)
	}
	if card.Patient.Changes != changes+1 {
		t.Errorf("the head went from %d to %d changes", changes, card.Patient.Changes)
	}
}

func TestWhatAFriendHasToMendIsNamed(t *testing.T) {
	s, code := friendly(t)
	good := reply.LeadForm{Name: "Пётр", Phone: friendPhone, Consent: true}
	for name, tt := range map[string]struct {
		change func(*reply.LeadForm)
		field  string
	}{
		"no consent":                  {func(f *reply.LeadForm) { f.Consent = false }, "consent"},
		"no phone":                    {func(f *reply.LeadForm) { f.Phone = "" }, "phone"},
		"a phone that is none":        {func(f *reply.LeadForm) { f.Phone = "позвоните мне" }, "phone"},
		"no name":                     {func(f *reply.LeadForm) { f.Name = " \u200b\n" }, "name"},
		"a name without letters":      {func(f *reply.LeadForm) { f.Name = "12345" }, "name"},
		"nothing at all":              {func(f *reply.LeadForm) { *f = reply.LeadForm{} }, "name"},
		"consent given, phone absent": {func(f *reply.LeadForm) { f.Phone = " " }, "phone"},
	} {
		t.Run(name, func(t *testing.T) {
			form := good
			tt.change(&form)
			err := s.Desk.Recommend(t.Context(), code, form, stagetest.Phones, s.Now())
			if e, ok := err.(*dental.Error); !ok || e.Kind != dental.Invalid || e.Field != tt.field || strings.Contains(e.Error(), friendPhone) {
				t.Errorf("it is %v", err)
			}
		})
	}
	if card := s.Card("P"); len(card.Referrals) > 0 || len(card.Tasks) > 0 {
		t.Errorf("left are %+v and %+v", card.Referrals, card.Tasks)
	}
}

func TestANameIsCutToWhatALineHolds(t *testing.T) {
	s, code := friendly(t)
	form := reply.LeadForm{Name: strings.Repeat("Ъ", 500), Phone: friendPhone, Consent: true}
	if err := s.Desk.Recommend(t.Context(), code, form, stagetest.Phones, s.Now()); err != nil {
		t.Fatal(err)
	}
	if got := s.Card("P").Referrals[0].Name; got != strings.Repeat("Ъ", 80) {
		t.Errorf("the name is %q", got)
	}
}

// nothing holds that a number leaves the referrer's card as it was.
func nothing(t *testing.T, s *stagetest.Stage, code, phone string) {
	t.Helper()
	before := s.Card("P")
	if err := leaves(s, code, phone); err != nil {
		t.Errorf("the friend is told %v", err)
	}
	if after := s.Card("P"); !reflect.DeepEqual(before, after) {
		t.Errorf("the card has gone from\n%+v to\n%+v", before, after)
	}
}

func TestAPhoneThatTheGroupKnowsIsNoFriendAndTheAnswerDoesNotTell(t *testing.T) {
	t.Run("the patient's own", func(t *testing.T) {
		s, code := friendly(t)
		nothing(t, s, code, "+79160000001")
		if tasks := s.Tasks("P", dental.CallbackTask); len(tasks) > 0 {
			t.Errorf("staff are told %+v", tasks)
		}
	})
	t.Run("one of the patient's household", func(t *testing.T) {
		s, code := friendly(t)
		s.Patient("mother", func(c *intake.Card) { c.Number, c.GuardianID = "+79160000002", "" })
		s.Patient("P", func(c *intake.Card) {
			c.BirthDate, c.GuardianID = dental.Date{Year: 2007, Month: 3, Day: 1}, "mother"
		})
		nothing(t, s, code, "+79160000002")
		if tasks := s.Tasks("mother", dental.CallbackTask); len(tasks) > 0 {
			t.Errorf("staff are told %+v", tasks)
		}
	})
	t.Run("a stranger's to the patient: staff call the one back whom they know", func(t *testing.T) {
		s, code := friendly(t)
		s.Patient("Q", func(c *intake.Card) { c.Number, c.GivenName = "+79160000003", "Ольга" })
		nothing(t, s, code, "+79160000003")
		tasks := s.Tasks("Q", dental.CallbackTask)
		if len(tasks) != 1 || at(s, tasks[0].Due) != "2026-03-10 12:00" || strings.Contains(tasks[0].Reason+tasks[0].Note, "Пётр") {
			t.Fatalf("staff are told %+v", tasks)
		}
		nothing(t, s, code, "+79160000003")
		if again := s.Tasks("Q", dental.CallbackTask); !reflect.DeepEqual(again, tasks) {
			t.Errorf("a second time: %+v", again)
		}
	})
	t.Run("staff hear of a patient once in 30 days", func(t *testing.T) {
		s, code := friendly(t)
		s.Patient("Q", func(c *intake.Card) { c.Number, c.GivenName = "+79160000003", "Ольга" })
		nothing(t, s, code, "+79160000003")
		s.Set(s.Now().Add(31 * 24 * time.Hour))
		nothing(t, s, code, "+79160000003")
		if tasks := s.Tasks("Q", dental.CallbackTask); len(tasks) != 1 || tasks[0].Times != 1 || !tasks[0].OpenedAt.Equal(start) {
			t.Errorf("while the task is open: %+v", tasks)
		}
		closed := func() {
			tx := s.Store.Begin()
			card, err := tx.Card(t.Context(), "demo", "Q")
			if err != nil {
				t.Fatal(err)
			}
			card.Tasks[0].Close(&s.Clinic, "called", s.Now())
			tx.Put(card.Tasks[0])
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		closed()
		nothing(t, s, code, "+79160000003")
		if tasks := s.Tasks("Q", dental.CallbackTask); len(tasks) != 1 {
			t.Errorf("31 days after they were told: %+v", tasks)
		}
		closed()
		s.Set(s.Now().Add(29 * 24 * time.Hour))
		nothing(t, s, code, "+79160000003")
		if tasks := s.Tasks("Q", dental.CallbackTask); len(tasks) != 0 {
			t.Errorf("29 days after they were told: %+v", tasks)
		}
	})
	t.Run("of a child alone, or of too many for a family: nobody is told", func(t *testing.T) {
		s, code := friendly(t)
		s.Patient("child", func(c *intake.Card) {
			c.Number, c.GivenName, c.BirthDate = "+79160000003", "Ольга", dental.Date{Year: 2015, Month: 1, Day: 1}
		})
		nothing(t, s, code, "+79160000003")
		for n := range 13 {
			s.Patient(fmt.Sprint("filler-", n), func(c *intake.Card) {
				c.Number, c.GivenName, c.BirthDate = "+79160000004", fmt.Sprint("Ольга ", n), dental.Date{}
			})
		}
		nothing(t, s, code, "+79160000004")
		tasks, _, err := s.Store.OpenTasks(t.Context(), "demo", 10, "")
		if err != nil || len(tasks) > 0 {
			t.Errorf("staff are told %+v (%v)", tasks, err)
		}
	})
	t.Run("of one with whom the clinic is through: nobody is told", func(t *testing.T) {
		s, code := friendly(t)
		s.Patient("Q", func(c *intake.Card) { c.Number, c.GivenName, c.Status = "+79160000003", "Ольга", dental.Archived })
		nothing(t, s, code, "+79160000003")
		if tasks := s.Card("Q").Tasks; len(tasks) > 0 {
			t.Errorf("staff are told %+v", tasks)
		}
	})
	t.Run("a patient's of another clinic of the group", func(t *testing.T) {
		s, code := friendly(t, func(c *dental.Clinic) { c.Group = "istok" })
		north := s.Clinic
		north.ID = "north"
		tx := s.Store.Begin()
		_, _ = tx.Clinic(t.Context(), "north")
		tx.Put(north)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := stagetest.Join(s, s.Table)
		other.Clinic = north
		other.Patient("Q", func(c *intake.Card) { c.Number, c.GivenName = "+79160000003", "Ольга" })
		nothing(t, s, code, "+79160000003")
		if tasks := other.Tasks("Q", dental.CallbackTask); len(tasks) != 1 {
			t.Errorf("the other clinic is told %+v", tasks)
		}
	})
}

func TestANumberThatWaitsForItsVisitIsNoSecondFriend(t *testing.T) {
	s, code := friendly(t)
	s.Patient("Q", func(c *intake.Card) { c.Number, c.GivenName = "+79160000003", "Ольга" })
	theirs := codeOf(s, "Q")
	if err := leaves(s, theirs, friendPhone); err != nil {
		t.Fatal(err)
	}
	nothing(t, s, code, friendPhone)
	s.Set(s.Now().Add(dental.LeadLife - time.Second))
	nothing(t, s, code, friendPhone)
	nothing(t, s, theirs, friendPhone)
	s.Set(s.Now().Add(time.Second))
	if err := leaves(s, code, friendPhone); err != nil {
		t.Fatal(err)
	}
	if len(s.Card("P").Referrals) != 1 || contact(s, friendPhone).Lead.Patient != "P" {
		t.Error("after 180 days the number is still somebody else's")
	}
}

func TestAFriendWhoHasComeIsNoSecondOneUnderTheSameNumber(t *testing.T) {
	s, code := friendly(t)
	if err := leaves(s, code, friendPhone); err != nil {
		t.Fatal(err)
	}
	s.Patient("friend", func(c *intake.Card) { c.Number, c.GivenName = friendPhone, "Пётр" })
	s.To(s.Now().Add(time.Minute))
	s.Patient("friend", func(c *intake.Card) { c.Number, c.GivenName = "+79160000098", "Пётр" })
	s.To(s.Now().Add(dental.LeadLife))
	if c := contact(s, friendPhone); len(c.Members) > 0 || c.Lead.Live(s.Now()) {
		t.Fatalf("the number is not free: %+v", c)
	}
	nothing(t, s, code, friendPhone)
}

func TestTwentyFriendsAMonthAreMore(t *testing.T) {
	s, code := friendly(t)
	for n := range 21 {
		if err := leaves(s, code, fmt.Sprintf("+791600001%02d", n)); err != nil {
			t.Fatal(err)
		}
		s.Set(s.Now().Add(time.Minute))
	}
	if n, tasks := len(s.Card("P").Referrals), len(s.Tasks("P", dental.LeadTask)); n != 20 || tasks != 20 {
		t.Errorf("%d recommendations and %d tasks", n, tasks)
	}
	if c := contact(s, "+79160000120"); c.Lead.Patient != "" {
		t.Errorf("the number over the limit has %+v", c.Lead)
	}
	s.Set(start.Add(30 * 24 * time.Hour))
	if err := leaves(s, code, friendPhone); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Card("P").Referrals); n != 21 {
		t.Errorf("30 days after the first there are %d", n)
	}
}

func TestTheSameNumberSentManyTimesAtOnceIsOneFriend(t *testing.T) {
	s, code := friendly(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := leaves(s, code, friendPhone); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if card := s.Card("P"); len(card.Referrals) != 1 || len(card.Tasks) != 1 || card.Tasks[0].Times != 1 {
		t.Errorf("recommendations %+v, tasks %+v", card.Referrals, card.Tasks)
	}
}

func TestACodeOpensWhateverBecomesOfThePatientButForThoseWhoAreGoneForGood(t *testing.T) {
	for name, tt := range map[string]struct {
		becomes func(*stagetest.Stage)
		opens   bool
	}{
		"archived":    {func(s *stagetest.Stage) { s.Patient("P", func(c *intake.Card) { c.Status = dental.Archived }) }, true},
		"moved":       {func(s *stagetest.Stage) { s.Patient("P", func(c *intake.Card) { c.Status = dental.Moved }) }, true},
		"years later": {func(s *stagetest.Stage) { s.Set(s.Now().AddDate(9, 0, 0)) }, true},
		"deceased":    {func(s *stagetest.Stage) { s.Patient("P", func(c *intake.Card) { c.Status = dental.Deceased }) }, false},
		"erased": {func(s *stagetest.Stage) {
			s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P"}})
		}, false},
		"excluded": {func(s *stagetest.Stage) {
			tx := s.Store.Begin()
			card, err := tx.Card(s.T.Context(), "demo", "P")
			if err != nil {
				s.T.Fatal(err)
			}
			card.Patient.Excluded = true
			tx.Put(card.Patient)
			if err := tx.Commit(s.T.Context()); err != nil {
				s.T.Fatal(err)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, code := friendly(t)
			tt.becomes(s)
			_, err := s.Desk.Referral(t.Context(), code, s.Now())
			sent := leaves(s, code, friendPhone)
			if tt.opens && (err != nil || sent != nil) || !tt.opens && (dental.KindOf(err) != dental.NotFound || dental.KindOf(sent) != dental.NotFound) {
				t.Errorf("the page: %v, the form: %v", err, sent)
			}
			if tt.opens {
				s.Patient("P", func(c *intake.Card) { c.Status = dental.Moved }) // a change of the card settles its tasks
				if len(s.Tasks("P", dental.LeadTask)) != 1 {
					t.Error("the friend is not called: the task has gone with the patient")
				}
			}
		})
	}
	s, _ := friendly(t)
	if _, err := s.Desk.Referral(t.Context(), "AAAAAAAAAAAAAAAA", s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("a code of nobody: %v", err)
	}
}

func TestALostAnswerMakesNoSecondFriend(t *testing.T) {
	s, code := friendly(t)
	lossy := &losing{Table: s.Table, n: 1}
	d := *s.Desk
	d.Store = stagetest.Join(s, lossy).Store
	if err := d.Recommend(t.Context(), code, reply.LeadForm{Name: "Пётр", Phone: friendPhone, Consent: true}, stagetest.Phones, s.Now()); err != nil {
		t.Fatal(err)
	}
	if card := s.Card("P"); lossy.n != 0 || len(card.Referrals) != 1 || card.Tasks[0].Times != 1 {
		t.Errorf("%d answers to lose, recommendations %+v", lossy.n, card.Referrals)
	}
}

// losing loses the answers to its first n writes, which are done.
type losing struct {
	table.Table
	n int
}

func (l *losing) Write(ctx context.Context, ops ...table.Op) error {
	err := l.Table.Write(ctx, ops...)
	if l.n > 0 && err == nil {
		l.n--
		return fmt.Errorf("losing: %w", table.ErrAmbiguous)
	}
	return err
}
