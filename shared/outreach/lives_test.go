package outreach_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func TestTheLinkLivesUntilTheLastAppointmentItSpeaksOf(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("A", func(c *intake.Card) { c.GivenName, c.Mail = "Анна", "" })
	s.Patient("B", func(c *intake.Card) { c.GivenName, c.Mail = "Борис", "" })
	s.Appointment(intake.AppointmentBooked, "A-A", "A", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A-B", "B", s.Local("2026-03-19 17:00"))
	s.ToLocal("2026-03-19 10:30")
	if _, err := s.Desk.Act(t.Context(), s.Token("A", dental.AppointmentLink), reply.Cancel, s.Now()); err != nil {
		t.Errorf("B's appointment is in six hours and its only link says: %v", err)
	}
}

func TestBadAddressAfterUndeliveredSuppresses(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P", func(c *intake.Card) { c.Mail = "" })
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	m := s.Sent()[0]
	for _, k := range []outreach.ReportKind{outreach.ReportUndelivered, outreach.ReportBadAddress} {
		if _, err := s.Settler.Settle(t.Context(), outreach.Report{Touch: m.Touch, Attempt: m.Attempt, Kind: k, Code: "x", At: s.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	s.To(start.Add(26 * time.Hour))
	if n := len(s.SentAs("after-visit", "survey")); n != 0 {
		t.Errorf("survey left to a dead number")
	}
}

func TestPartsAreRecordedWhicheverWayTheAnswerComes(t *testing.T) {
	s := stagetest.New(t, start)
	s.Provider = func(m outreach.Message) error { return fmt.Errorf("lost") }
	s.Patient("P")
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	a := s.Touch("P", "after-visit", "thanks")
	_, _ = s.Settler.Settle(t.Context(), outreach.Report{Touch: outreach.RefOf(a), Attempt: a.Last().ID, Kind: outreach.ReportDelivered, At: s.Now()})
	if got := s.Touch("P", "after-visit", "thanks"); got.State != dental.Sent || got.Parts == 0 {
		t.Errorf("%s with %d parts", got.State, got.Parts)
	}
}

func TestABigFamilyGetsNoAppointmentTwice(t *testing.T) {
	s := stagetest.New(t, start)
	for i := range 12 {
		s.Patient(fmt.Sprintf("P%02d", i), func(c *intake.Card) { c.Mail = "" })
	}
	// the last two of twelve
	s.Appointment(intake.AppointmentBooked, "A1", "P11", s.Local("2026-03-19 10:00"))
	s.Appointment(intake.AppointmentBooked, "A2", "P10", s.Local("2026-03-19 12:00"))
	s.ToLocal("2026-03-18 09:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders", n)
	}
}

func TestContactTaskStaysWhenTheNumberGetsWorse(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	m := func() stagetest.Sent { x := s.Sent(); return x[len(x)-1] }
	s.Visit("V", "P", start)
	s.To(start.Add(time.Minute))
	for range 2 {
		x := m()
		_, _ = s.Settler.Settle(t.Context(), outreach.Report{Touch: x.Touch, Attempt: x.Attempt, Kind: outreach.ReportBadAddress, Code: "x", At: s.Now()})
		s.To(s.Now().Add(2 * time.Minute))
	}
	if len(s.Tasks("P", dental.ContactTask)) != 1 {
		t.Fatal("no task")
	}
	s.Patient("P", func(c *intake.Card) { c.Number = "" })
	if n := len(s.Tasks("P", dental.ContactTask)); n != 1 {
		t.Errorf("closed although neither address works")
	}
}

func TestLivesByChanceComeToRestWithAReasonForEachMessageThatDidNotLeave(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := stagetest.New(t, start)
		s.Provider = func(m outreach.Message) error {
			switch r.IntN(10) {
			case 0:
				return &outreach.Refusal{Code: "x", Later: true}
			case 1:
				return &outreach.Refusal{Code: "x", BadAddress: r.IntN(2) == 0}
			case 2:
				return fmt.Errorf("lost")
			}
			return nil
		}
		pats := []string{"A", "B", "C"}
		types := []intake.Type{intake.AppointmentBooked, intake.AppointmentMoved, intake.AppointmentCancelled, intake.AppointmentMissed, intake.AppointmentConfirmed}
		for range 60 {
			p := pats[r.IntN(3)]
			switch r.IntN(8) {
			case 0:
				s.Patient(p, func(c *intake.Card) {
					if r.IntN(4) == 0 {
						c.Number = ""
					}
					if r.IntN(4) == 0 {
						c.Mail = ""
					}
					if r.IntN(6) == 0 {
						c.Status = dental.Archived
					}
					if p == "C" {
						c.BirthDate, c.GuardianID = dental.Date{Year: 2010, Month: 1, Day: 1}, "A"
					}
				})
			case 1, 2:
				s.Visit(fmt.Sprintf("V%d", r.IntN(4)), p, s.Now().Add(-time.Duration(r.IntN(80))*time.Hour))
			case 3, 4, 5:
				s.Appointment(types[r.IntN(5)], fmt.Sprintf("%s%d", p, r.IntN(4)), p, s.Now().Truncate(time.Hour).Add(time.Duration(r.IntN(140)-20)*time.Hour))
			case 6:
				for _, m := range s.Sent() {
					if r.IntN(5) == 0 {
						_, err := s.Settler.Settle(t.Context(), outreach.Report{Touch: m.Touch, Attempt: m.Attempt, Channel: string(m.Channel), Kind: []outreach.ReportKind{outreach.ReportDelivered, outreach.ReportUndelivered, outreach.ReportBadAddress, outreach.ReportComplaint}[r.IntN(4)], Code: "x", At: s.Now()})
						if err != nil {
							t.Fatal(err)
						}
					}
				}
			case 7:
				if sent := s.Sent(); len(sent) > 0 {
					m := sent[r.IntN(len(sent))]
					for _, l := range m.Links {
						if len(l) < 16 {
							continue
						}
						tok := l[len(l)-16:]
						switch r.IntN(3) {
						case 0:
							f, _ := reply.ParseAnswer([]string{"good", "bad", "fair"}[r.IntN(3)], "", "")
							_, _ = s.Desk.Answer(t.Context(), tok, f, s.Now())
						case 1:
							_, _ = s.Desk.Act(t.Context(), tok, []reply.Action{reply.Confirm, reply.Cancel}[r.IntN(2)], s.Now())
						}
					}
				}
			}
			s.To(s.Now().Add(time.Duration(r.IntN(600)) * time.Minute))
		}
		s.To(s.Now().AddDate(0, 0, 60))
		seen := map[string]int{}
		for _, p := range pats {
			for _, x := range s.Card(p).Touches {
				if !x.State.Final() {
					t.Errorf("seed %d: %s/%s of %s is %s (%s) for ever, wake %s", seed, x.Scenario, x.Step, p, x.State, x.Reason, x.Wake)
				}
				if x.State == dental.Skipped && x.Reason == "" || x.State == dental.TouchCancelled && x.Reason == "" {
					t.Errorf("no reason")
				}
			}
		}
		for _, m := range s.Sent() {
			seen[m.Touch.String()+string(m.Channel)]++
			if seen[m.Touch.String()+string(m.Channel)] > 1 {
				t.Errorf("seed %d: %s twice by %s", seed, m.Touch, m.Channel)
			}
		}
	}
}
