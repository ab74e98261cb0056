package reply_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// regular is a stage on which P has come so many times, a month apart, and the
// token of the club's page, which the welcome after the third visit brought.
func regular(t *testing.T, visits int, change ...func(*dental.Clinic)) (*stagetest.Stage, string) {
	t.Helper()
	s := stagetest.New(t, start, append([]func(*dental.Clinic){func(cl *dental.Clinic) { cl.ClubVisits = 3 }}, change...)...)
	s.Patient("P")
	for i := range visits {
		s.To(start.AddDate(0, i, 0))
		s.Visit(fmt.Sprintf("V%d", i), "P", s.Now())
	}
	s.To(s.Now().Add(15 * 24 * time.Hour))
	return s, s.Token("P", dental.ClubLink)
}

func club(t *testing.T, s *stagetest.Stage, token string) reply.Club {
	t.Helper()
	page, err := s.Desk.Club(t.Context(), token, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestTheClubsPageCountsTheVisitsTowardsTheFreeHygiene(t *testing.T) {
	for _, tt := range []struct{ visits, towards, free int }{{3, 0, 0}, {4, 1, 0}, {5, 2, 0}, {6, 0, 1}, {7, 1, 1}} {
		s, token := regular(t, tt.visits)
		page := club(t, s, token)
		if page.Standing.JoinedOn.String() != "2026-05-10" || page.Standing.Towards() != tt.towards || page.Standing.Free() != tt.free || page.Standing.Every != 3 {
			t.Errorf("after %d visits the page has %+v", tt.visits, page.Standing)
		}
	}
}

func TestTheClubsPageShowsBonusesThatCanStillBeSpent(t *testing.T) {
	s, token := regular(t, 3)
	tx := s.Store.Begin()
	if _, err := tx.Card(t.Context(), "demo", "P"); err != nil {
		t.Fatal(err)
	}
	today := s.Clinic.Today(s.Now())
	for source, until := range map[string]dental.Date{"grant.1": today.AddDays(30), "grant.2": today, "grant.3": {}} {
		tx.Put(dental.Bonus{Clinic: "demo", Patient: "P", Source: source, Kind: dental.BonusGrant, Amount: dental.Money{Minor: 50000, Currency: "RUB"}, At: s.Now(), On: today, Until: until})
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page := club(t, s, token); page.Purse.Balance.Minor != 150000 || len(page.Purse.Lots) != 3 || page.Purse.Lots[0].Until != today {
		t.Errorf("today the purse is %+v", page.Purse)
	}
	s.Set(s.Now().Add(24 * time.Hour))
	if page := club(t, s, token); page.Purse.Balance.Minor != 100000 || len(page.Purse.Lots) != 2 {
		t.Errorf("tomorrow it is %+v", page.Purse)
	}
}

func TestTheClubsPageHasTheOwnLinkForFriendsAndTheirStateAlone(t *testing.T) {
	s, token := regular(t, 3)
	page := club(t, s, token)
	own := dental.Link{Purpose: dental.ReferralLink, Clinic: "demo", Patient: "P"}
	if page.Referral != s.Store.Token(own) {
		t.Fatalf("the link is %q", page.Referral)
	}
	link, err := s.Store.Begin().Link(t.Context(), dental.ReferralLink, page.Referral, s.Now().AddDate(20, 0, 0))
	if err != nil || link.Patient != "P" {
		t.Errorf("the link shown opens %+v, %v", link, err)
	}
	tx := s.Store.Begin()
	if _, err := tx.Card(t.Context(), "demo", "P"); err != nil {
		t.Fatal(err)
	}
	for i, r := range []dental.Referral{{}, {}, {Friend: "Q"}, {Friend: "R", Rewarded: s.Now()}, {Friend: "S", Rewarded: s.Now(), Reversed: s.Now()}} {
		r.Clinic, r.Patient, r.Contact, r.At = "demo", "P", fmt.Sprintf("c%d", i), s.Now()
		tx.Put(r)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := club(t, s, token).Friends, map[string]int{"lead": 2, "card": 1, "rewarded": 1, "reversed": 1}; !maps.Equal(got, want) {
		t.Errorf("the friends are %v", got)
	}
	s.Settings(func(cl *dental.Clinic) { cl.Scenarios["referral"] = dental.ScenarioSettings{} })
	if page := club(t, s, token); page.Referral != "" {
		t.Errorf("a clinic that rewards no recommendation shows the link %q", page.Referral)
	}
}

func TestTheLinkForFriendsIsThereThoughNoInvitationEverLeft(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { // who wants no offers
		for i := range c.Consents {
			c.Consents[i].Granted = c.Consents[i].Class != dental.Advertising
		}
	})
	for i := range 3 {
		s.To(start.AddDate(0, i, 0))
		s.Visit(fmt.Sprintf("V%d", i), "P", s.Now())
	}
	s.To(s.Now().Add(15 * 24 * time.Hour))
	if page := club(t, s, s.Token("P", dental.ClubLink)); page.Referral == "" || len(s.SentAs("referral", "invite")) != 0 {
		t.Errorf("the link is %q, and %d invitations left", page.Referral, len(s.SentAs("referral", "invite")))
	}
}

func TestALinkForFriendsThatDoesNotOpenIsNotShown(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	token := grant(t, s, dental.Link{Purpose: dental.ClubLink, Patient: "P", Expires: s.Now().Add(time.Hour)})
	if page := club(t, s, token); page.Referral != "" || !page.Standing.JoinedOn.IsZero() {
		t.Errorf("of somebody who has not come yet the page is %+v", page)
	}
}

func TestThereIsNoClubForChildren(t *testing.T) {
	s, token := regular(t, 3)
	s.Patient("P", func(c *intake.Card) { c.BirthDate = dental.Date{Year: 2015, Month: 1, Day: 1} })
	if _, err := s.Desk.Club(t.Context(), token, s.Now()); dental.KindOf(err) != dental.NotFound {
		t.Errorf("the page: %v", err)
	}
}
