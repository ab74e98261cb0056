package reply_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func gifts(cl *dental.Clinic) {
	cl.Gifts = []dental.Gift{{ID: "brush", Name: "Ирригатор", Cost: dental.Money{Minor: 250000, Currency: "RUB"}}, {ID: "paste", Name: "Набор паст"}}
}

// greeted is a stage on which P, born on 14 March, has the greeting with the
// choice of a gift until 13 April, and its token.
func greeted(t *testing.T, change ...func(*intake.Card)) (*stagetest.Stage, string) {
	t.Helper()
	s := stagetest.New(t, start, gifts)
	s.Patient("P", append([]func(*intake.Card){func(c *intake.Card) { c.BirthDate = dental.Date{Year: 1985, Month: 3, Day: 14} }}, change...)...)
	s.ToLocal("2026-03-14 12:00")
	return s, s.Token("P", dental.GiftLink)
}

func choose(t *testing.T, s *stagetest.Stage, token, gift string) *dental.GiftChoice {
	t.Helper()
	if err := s.Desk.ChooseGift(t.Context(), token, gift, s.Now()); err != nil {
		t.Fatal(err)
	}
	return toChoose(t, s, token).Choice
}

func toChoose(t *testing.T, s *stagetest.Stage, token string) reply.Gift {
	t.Helper()
	page, err := s.Desk.Gift(t.Context(), token, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestAGiftIsChosenOnceAndCanBeRedeemedByItsCode(t *testing.T) {
	s, token := greeted(t)
	if page := toChoose(t, s, token); page.Choice != nil || len(page.Gifts) != 2 || page.Until.String() != "2026-04-13" || !page.Open() {
		t.Fatalf("before the choice: %+v", page)
	}
	g := choose(t, s, token, "brush")
	if g == nil || g.Name != "Ирригатор" || g.Cost.Minor != 250000 || g.Scenario != "birthday" || g.Anchor != "2026" || g.Until.String() != "2026-04-13" ||
		g.ChosenOn.String() != "2026-03-14" || g.Touch != s.Touch("P", "birthday", "greeting").ID() || g.Redeemed() {
		t.Fatalf("chosen is %+v", g)
	}
	if !regexp.MustCompile(`^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$`).MatchString(g.Code) {
		t.Errorf("the code %q can be misread", g.Code)
	}
	tasks := s.Tasks("P", dental.CallTask)
	if len(tasks) != 1 || tasks[0].Anchor != "gift.birthday.2026" || !strings.Contains(tasks[0].Reason, g.Code) || !strings.Contains(tasks[0].Reason, "Ирригатор") || !strings.Contains(tasks[0].Reason, "13 апреля 2026") {
		t.Errorf("the tasks are %+v", tasks)
	}
	before := s.Card("P").Patient.Changes
	s.Set(s.Now().Add(time.Hour))
	if again := choose(t, s, token, "brush"); again.Code != g.Code || !again.ChosenAt.Equal(g.ChosenAt) || s.Card("P").Patient.Changes != before {
		t.Errorf("the same again was a change: %+v", again)
	}
}

func TestAGiftCanBeChangedUntilItIsRedeemed(t *testing.T) {
	s, token := greeted(t)
	first := choose(t, s, token, "brush")
	s.Set(s.Now().Add(24 * time.Hour))
	other := choose(t, s, token, "paste")
	if other.Gift != "paste" || other.Code == first.Code || other.Until != first.Until || len(s.Card("P").Gifts) != 1 {
		t.Errorf("changed to %+v", other)
	}
	if tasks := s.Tasks("P", dental.CallTask); len(tasks) != 1 || !strings.Contains(tasks[0].Reason, other.Code) {
		t.Errorf("the tasks are %+v", tasks)
	}
	if back := choose(t, s, token, "brush"); back.Code != first.Code {
		t.Errorf("the same choice has the codes %s and %s", first.Code, back.Code)
	}
	tx := s.Store.Begin()
	card, err := tx.Card(t.Context(), "demo", "P")
	if err != nil {
		t.Fatal(err)
	}
	g := *card.Gift("birthday", "2026")
	g.RedeemedAt, g.RedeemedOn = s.Now(), s.Clinic.Today(s.Now())
	tx.Put(g)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page := toChoose(t, s, token); page.Open() || page.Choice.Gift != "brush" {
		t.Errorf("once redeemed it is %+v", page)
	}
	if err := s.Desk.ChooseGift(t.Context(), token, "paste", s.Now()); dental.KindOf(err) != dental.Conflict {
		t.Errorf("another gift after the first was given out: %v", err)
	}
	s.Patient("P", func(c *intake.Card) { c.FamilyName = "Иванова" }) // any further fact
	if k := s.Card("P").Task(dental.CallTask, "gift.birthday.2026"); k.Open() || k.Outcome != "redeemed" {
		t.Errorf("the call is %+v", k)
	}
}

func TestNobodyCanTellAnothersCode(t *testing.T) {
	s := stagetest.New(t, start, gifts)
	codes := map[string]string{}
	for _, id := range []string{"P", "Q"} {
		s.Patient(id, func(c *intake.Card) {
			c.Number = map[string]string{"P": "+79160000001", "Q": "+79160000002"}[id]
			c.BirthDate = dental.Date{Year: 1985, Month: 3, Day: 14}
		})
	}
	s.ToLocal("2026-03-14 12:00")
	for _, id := range []string{"P", "Q"} {
		for _, gift := range []string{"brush", "paste"} {
			code := choose(t, s, s.Token(id, dental.GiftLink), gift).Code
			if other, twice := codes[code]; twice {
				t.Errorf("%s of %s has the code of %s", gift, id, other)
			}
			codes[code] = gift + " of " + id
		}
	}
}

func TestAGiftThatTheClinicGivesNoMore(t *testing.T) {
	s, token := greeted(t)
	g := choose(t, s, token, "brush")
	s.Settings(func(cl *dental.Clinic) { cl.Gifts = cl.Gifts[1:] })
	if page := toChoose(t, s, token); page.Choice == nil || page.Choice.Name != "Ирригатор" || page.Choice.Code != g.Code || len(page.Gifts) != 1 {
		t.Errorf("what was chosen is %+v", page)
	}
	choose(t, s, token, "brush") // is still the same choice
	choose(t, s, token, "paste")
	for _, id := range []string{"brush", "", "car"} {
		if err := s.Desk.ChooseGift(t.Context(), token, id, s.Now()); dental.KindOf(err) != dental.Invalid {
			t.Errorf("choosing %q: %v", id, err)
		}
	}
}

func TestAGiftEndsWithItsLastDay(t *testing.T) {
	s, token := greeted(t)
	s.ToLocal("2026-04-13 23:59")
	g := choose(t, s, token, "paste")
	if g.Until.String() != "2026-04-13" {
		t.Errorf("it ends on %s", g.Until)
	}
	s.ToLocal("2026-04-14 00:01")
	if _, err := s.Desk.Gift(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the page on the day after: %v", err)
	}
	if k := s.Card("P").Task(dental.CallTask, "gift.birthday.2026"); k.Open() || k.Outcome != "gift-over" {
		t.Errorf("the call is %+v", k)
	}
}

func TestALaterLinkDoesNotProlongAChoice(t *testing.T) {
	s, token := greeted(t)
	choose(t, s, token, "paste")
	if again := grant(t, s, dental.Link{Purpose: dental.GiftLink, Patient: "P", Subject: dental.OfferSubject("birthday", "greeting", "2026"), Expires: s.Local("2026-05-01 00:00")}); again != token {
		t.Fatal("it is another link: this test looks at nothing")
	}
	if page := toChoose(t, s, token); page.Until.String() != "2026-04-13" || choose(t, s, token, "brush").Until != page.Until {
		t.Errorf("the choice lives until %s", page.Until)
	}
}

func TestTheCallAboutAGiftIsSettledByWhatItWasFor(t *testing.T) {
	for outcome, happens := range map[string]func(*stagetest.Stage){
		"booked": func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "A", "P", s.Local("2026-03-30 12:00"), func(a *dental.Appointment) { a.BookedAt = s.Now() })
		},
		"attended": func(s *stagetest.Stage) { s.Visit("V", "P", s.Now()) },
	} {
		t.Run(outcome, func(t *testing.T) {
			s, token := greeted(t)
			choose(t, s, token, "paste")
			s.Set(s.Now().Add(time.Hour))
			happens(s)
			if k := s.Card("P").Task(dental.CallTask, "gift.birthday.2026"); k.Open() || k.Outcome != outcome {
				t.Errorf("the call is %+v", k)
			}
		})
	}
}

func TestNoChildIsGivenAGift(t *testing.T) {
	s, token := greeted(t)
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 2010, Month: 3, Day: 14} }) // the MIS mends the date
	if _, err := s.Desk.Gift(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the page: %v", err)
	}
	if err := s.Desk.ChooseGift(t.Context(), token, "paste", s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the choice: %v", err)
	}
}
