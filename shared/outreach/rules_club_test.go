package outreach_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func TestWhoIsAskedToRecommendTheClinic(t *testing.T) {
	visit := func(id, at string) func(*stagetest.Stage) {
		return func(s *stagetest.Stage) { s.Visit(id, "P", s.Local(at)) }
	}
	first, now := visit("V0", "2026-02-01 12:00"), visit("V", "2026-06-01 12:00")
	to := func(at string) func(*stagetest.Stage) { return func(s *stagetest.Stage) { s.ToLocal(at) } }
	rated := func(rating dental.Rating) func(*stagetest.Stage) {
		return func(s *stagetest.Stage) { answerSurvey(t, s, "P", rating) }
	}
	type steps = []func(*stagetest.Stage)
	tests := []struct {
		name    string
		happens steps
		left    []string
	}{
		{"nobody after a first visit that was not rated", steps{now}, nil},
		{"who was happy with a first visit, three days after it", steps{now, to("2026-06-02 13:00"), rated(dental.Good)}, []string{"2026-06-04 12:00"}},
		{"who says so on the fifth day, at once", steps{now, to("2026-06-06 15:00"), rated(dental.Good)}, []string{"2026-06-06 15:00"}},
		{"nobody lukewarm", steps{first, now, to("2026-06-02 13:00"), rated(dental.Fair)}, nil},
		{"nobody unhappy", steps{first, now, to("2026-06-02 13:00"), rated(dental.Bad)}, nil},
		{"who has come a second time and rated neither", steps{first, now}, []string{"2026-06-04 12:00"}},
		{"once in 180 days, of which the last is 1 December", steps{first, now, to("2026-11-28 12:00"), visit("V2", "2026-11-28 12:00"), to("2026-12-02 11:00"), visit("V3", "2026-12-02 11:00")},
			[]string{"2026-06-04 12:00", "2026-12-05 12:00"}},
		{"nobody of whose visit the clinic hears after three days", steps{first, to("2026-06-10 12:00"), visit("V2", "2026-06-07 11:00")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := quiet(t, "2026-06-01 12:00", "after-visit", "referral")
			s.Patient("P")
			for _, happens := range tt.happens {
				happens(s)
			}
			s.To(s.Now().AddDate(0, 0, 25))
			want(t, "invitations", times(s, "P", "referral", "invite"), tt.left...)
		})
	}
}

func TestTheClubWelcomesAndGivesAndSaysWhichIsAnOffer(t *testing.T) {
	s := quiet(t, "2026-01-12 12:00", "club")
	s.Settings(func(c *dental.Clinic) { c.ClubVisits = 3 })
	s.Patient("P", agreed(true)) // to nothing in particular
	s.Patient("Q", func(c *intake.Card) { c.Number = "+79160000002" })
	s.Patient("KID", func(c *intake.Card) {
		c.Number, c.BirthDate, c.GuardianID = "", dental.Date{Year: 2015, Month: 5, Day: 1}, "Q"
	})
	s.Patient("OLD", func(c *intake.Card) { c.Number = "+79160000003" })
	for i := range 6 {
		s.Visit(fmt.Sprint("O", i), "OLD", s.Now().AddDate(0, -2*i-1, 0)) // imported
	}
	for i := range 6 {
		for _, id := range []string{"P", "Q", "KID"} {
			s.Visit(fmt.Sprint(id, i), id, s.Now())
		}
		s.To(s.Now().AddDate(0, 0, 20))
	}
	s.To(s.Now().AddDate(0, 0, 20))
	// The third visit is of 21 February, the sixth of 22 April.
	want(t, "who agreed to no offers", left(s, "P"), "club/welcome sms 2026-02-22 15:00")
	want(t, "who agreed to offers", left(s, "Q"), "club/welcome sms 2026-02-22 15:00", "club/free-hygiene sms 2026-04-24 12:00")
	want(t, "a child", left(s, "KID"))
	want(t, "who was imported", left(s, "OLD"))
	for _, m := range s.Sent() {
		if class := map[string]dental.Class{"welcome": dental.Care, "free-hygiene": dental.Advertising}[m.Touch.Step]; m.Class != class {
			t.Errorf("%s is %s", m.Touch.Step, m.Class)
		}
		if free := strings.Contains(strings.ToLower(m.Text), "бесплатн") || strings.Contains(strings.ToLower(m.Text), "подар"); free != (m.Touch.Step == "free-hygiene") {
			t.Errorf("%s says %q", m.Touch.Step, m.Text)
		}
	}
	if got := fate(s, "P", "club", "free-hygiene"); got != "skipped no-consent" {
		t.Errorf("the free hygiene of who agreed to no offers is %q", got)
	}
}
