package intake_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

func members(s *stagetest.Stage, address string) []string {
	s.T.Helper()
	contacts, err := s.Store.Begin().Contacts(s.T.Context(), &s.Clinic, address)
	if err != nil {
		s.T.Fatal(err)
	}
	var out []string
	for _, m := range contacts[address].Members {
		out = append(out, m.Patient)
	}
	slices.Sort(out)
	return out
}

func TestAVisitOfAStrangerWaitsForTheCard(t *testing.T) {
	s, _ := stage(t)
	s.Visit("V-1", "P-1", start.Add(-time.Hour))
	if p := s.Card("P-1").Patient; !p.Stub || p.ID != "P-1" {
		t.Errorf("the head is %+v", p)
	}
	s.To(start.Add(30 * time.Minute))
	if n := len(s.Sent()); n != 0 {
		t.Fatalf("%d messages to nobody", n)
	}
	s.Patient("P-1")
	s.To(s.Now().Add(time.Minute))
	if p := s.Card("P-1").Patient; p.Stub || p.GivenName != "Анна" {
		t.Errorf("the head is %+v", p)
	}
	if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
		t.Errorf("%d thanks once the card has come", n)
	}
	if days := milestones(s, dental.LastVisit); !slices.Equal(days, []string{"2026-03-10"}) {
		t.Errorf("last visit %v", days)
	}
}

func milestones(s *stagetest.Stage, kind dental.MilestoneKind) []string {
	s.T.Helper()
	var out []string
	for _, m := range s.Card("P-1").Milestones {
		if m.Kind == kind {
			out = append(out, m.Date.String())
		}
	}
	return out
}

func TestMilestonesFollowTheFacts(t *testing.T) {
	s, _ := stage(t)
	s.Tell(cardEvent(1, nil))
	for _, step := range []struct {
		what string
		tell func()
		want map[dental.MilestoneKind]string
	}{
		{"a card alone has no last visit, which is a milestone too", func() {}, map[dental.MilestoneKind]string{dental.LastVisit: "", dental.Birthday: "1985-03-14"}},
		{"an implant", func() { s.Tell(visitEvent(1, "V-1", start.AddDate(0, -6, 0), 100, dental.Implant)) },
			map[dental.MilestoneKind]string{dental.LastVisit: "2025-09-10", dental.LastImplant: "2025-09-10", dental.ReturnPoint: "2026-09-10"}},
		{"a later hygiene", func() { s.Tell(visitEvent(1, "V-2", start.Add(-time.Hour), 100, dental.Hygiene)) },
			map[dental.MilestoneKind]string{dental.LastVisit: "2026-03-10", dental.LastImplant: "2025-09-10", dental.ReturnPoint: "2026-09-10"}},
		{"an earlier visit that comes late", func() { s.Tell(visitEvent(1, "V-0", start.AddDate(-2, 0, 0), 100, dental.Orthodontics)) },
			map[dental.MilestoneKind]string{dental.LastVisit: "2026-03-10", dental.LastOrthodontics: "2024-03-10", dental.ReturnPoint: "2026-09-10"}},
		{"a correction: it was no implant", func() { s.Tell(visitEvent(2, "V-1", start.AddDate(0, -6, 0), 100, dental.Therapy)) },
			map[dental.MilestoneKind]string{dental.LastImplant: "none", dental.LastVisit: "2026-03-10"}},
		{"a plan with a stage to come", func() { s.Tell(planEvent(1, "L-1", start.AddDate(0, 0, -20), dental.StageDone, dental.StagePlanned)) },
			map[dental.MilestoneKind]string{dental.PlanActivity: "2026-02-19"}},
		{"the plan is finished", func() { s.Tell(planEvent(2, "L-1", start.AddDate(0, 0, -20), dental.StageDone, dental.StageDone)) },
			map[dental.MilestoneKind]string{dental.PlanActivity: "none"}},
		{"the card has no birthday any more", func() { s.Tell(cardEvent(2, func(c *intake.Card) { c.BirthDate = dental.Date{} })) },
			map[dental.MilestoneKind]string{dental.Birthday: "none"}},
	} {
		step.tell()
		for kind, want := range step.want {
			got := "none"
			if days := milestones(s, kind); len(days) == 1 {
				got = days[0]
			} else if len(days) > 1 {
				got = fmt.Sprint(days)
			}
			if got != want {
				t.Errorf("%s: %s is %s, want %s", step.what, kind, got, want)
			}
		}
	}
}

func TestAnInterimStageOfAPlanLeavesALaterReturnDate(t *testing.T) {
	s, _ := stage(t)
	given := func(version int64, id string, finished time.Time, returnDate dental.Date) {
		ev := visitEvent(version, id, finished, 100, dental.Therapy)
		ev.Visit.ReturnDate = returnDate
		s.Tell(ev)
	}
	stands := func(what, want string) {
		t.Helper()
		if got := milestones(s, dental.ReturnPoint); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: the return date is %v, want %s", what, got, want)
		}
	}
	given(1, "V-1", start.AddDate(0, 0, -20), dental.Date{Year: 2027, Month: 1, Day: 15})
	given(1, "V-2", start.AddDate(0, 0, -10), dental.Date{Year: 2026, Month: 4, Day: 1})
	stands("a newer visit replaces it", "2026-04-01")
	s.Tell(planEvent(1, "L-1", start.AddDate(0, 0, -15), dental.StagePlanned))
	stands("the newer visit turns out to be an interim stage", "2027-01-15")
	given(1, "V-3", start.AddDate(0, 0, -1), dental.Date{Year: 2027, Month: 2, Day: 1})
	stands("an interim stage with a later date still", "2027-02-01")
	given(2, "V-3", start.AddDate(0, 0, -1), dental.Date{Year: 2026, Month: 5, Day: 1})
	stands("its date was a mistake", "2027-01-15")
	s.Tell(planEvent(2, "L-1", start.AddDate(0, 0, -15), dental.StageDone))
	stands("the plan is finished", "2026-05-01")
	s.Tell(planEvent(1, "L-2", start, dental.StagePlanned))
	stands("a plan presented since is no reason", "2026-05-01")
}

func TestAChangedPhoneOrAddressMovesTheMembership(t *testing.T) {
	s, _ := stage(t)
	const first, second, mail = "+79160000001", "+79160000002", "anna@example.com"
	for n, step := range []struct {
		phone, mail                    string
		atFirst, atSecond, atTheirMail int
	}{
		{first, mail, 1, 0, 1},
		{second, mail, 0, 1, 1},
		{second, "", 0, 1, 0},
		{"", mail, 0, 0, 1},
		{first, mail, 1, 0, 1},
		{"no number", "no address", 0, 0, 0},
	} {
		s.Tell(cardEvent(int64(n+1), func(c *intake.Card) { c.Number, c.Mail = step.phone, step.mail }))
		if a, b, c := len(members(s, first)), len(members(s, second)), len(members(s, mail)); a != step.atFirst || b != step.atSecond || c != step.atTheirMail {
			t.Errorf("with %q and %q the contacts have %d, %d and %d members", step.phone, step.mail, a, b, c)
		}
	}
	if p := s.Card("P-1").Patient; p.PhoneIssue != "malformed" || p.Phone != "" || p.Email != "" {
		t.Errorf("the head says %q, %q, %q", p.PhoneIssue, string(p.Phone), string(p.Email))
	}
}

func TestAFamilySharesOnePhone(t *testing.T) {
	s, _ := stage(t)
	for _, id := range []string{"P-1", "P-2", "P-3"} {
		s.Patient(id)
	}
	if got := members(s, "+79160000001"); !slices.Equal(got, []string{"P-1", "P-2", "P-3"}) {
		t.Errorf("the phone is shared by %v", got)
	}
	s.Set(s.Now().Add(time.Minute))
	s.Patient("P-2", func(c *intake.Card) { c.Number = "+79160000002" })
	if got := members(s, "+79160000001"); !slices.Equal(got, []string{"P-1", "P-3"}) {
		t.Errorf("after one has left it is shared by %v", got)
	}
	if got := members(s, "p-2@example.com"); !slices.Equal(got, []string{"P-2"}) {
		t.Errorf("the mail is of %v", got)
	}
}

func TestANewAddressClosesTheTaskThatAskedForOne(t *testing.T) {
	s, _ := stage(t)
	s.Patient("P-1", func(c *intake.Card) { c.Number, c.Mail = "", "" })
	s.Appointment(intake.AppointmentBooked, "A-1", "P-1", s.Local("2026-03-13 12:00"))
	s.ToLocal("2026-03-11 13:00")
	if n := len(s.Tasks("P-1", dental.ContactTask)); n != 1 {
		t.Fatalf("%d tasks ask for an address", n)
	}
	s.Patient("P-1", func(c *intake.Card) { c.Number, c.Mail, c.GivenName = "", "", "Анна-Мария" })
	if n := len(s.Tasks("P-1", dental.ContactTask)); n != 1 {
		t.Errorf("a card without one leaves %d tasks", n)
	}
	s.Set(s.Now().Add(time.Minute))
	s.Patient("P-1")
	if n := len(s.Tasks("P-1", dental.ContactTask)); n != 0 {
		t.Errorf("a new address leaves %d tasks", n)
	}
}

func TestWhatTheDeskAndThePatientSaidOutlivesANewCard(t *testing.T) {
	s, _ := stage(t)
	s.Tell(cardEvent(1, nil))
	tx := s.Store.Begin()
	card, err := tx.Card(t.Context(), "demo", "P-1")
	if err != nil {
		t.Fatal(err)
	}
	card.Patient.Excluded, card.Patient.NotMe = true, []string{"key"}
	card.Patient.Record(dental.Consent{Class: dental.Care, Channel: dental.SMS, At: start.Add(time.Hour), Source: "page"})
	tx.Put(card.Patient)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Tell(cardEvent(2, func(c *intake.Card) { c.Consents = []dental.Consent{consent(dental.Care, true, start)} }))
	p := s.Card("P-1").Patient
	if !p.Excluded || !slices.Equal(p.NotMe, []string{"key"}) {
		t.Errorf("excluded %v, not me %v", p.Excluded, p.NotMe)
	}
	if c, _ := p.Consent(dental.Care, dental.SMS); c.Granted || c.Source != "page" {
		t.Errorf("the newer refusal has become %+v", c)
	}
}

// TestADecisionOnAnOutdatedCardCounts: the card is older, the decision is not.
func TestADecisionOnAnOutdatedCardCounts(t *testing.T) {
	with := func(version int64, given ...dental.Consent) intake.Event {
		return cardEvent(version, func(c *intake.Card) { c.Consents = given })
	}
	for name, tt := range map[string]struct {
		events  []intake.Event
		granted bool
	}{
		"a refusal that comes late is a refusal": {[]intake.Event{with(2, consent(dental.Care, true, start.Add(-2*time.Hour))), with(1, consent(dental.Care, false, start.Add(-time.Hour)))}, false},
		"a consent that was withdrawn stays so":  {[]intake.Event{with(2, consent(dental.Care, false, start.Add(-time.Hour))), with(1, consent(dental.Care, true, start.Add(-2*time.Hour)))}, false},
		"of two at one time the newer card's stands": {[]intake.Event{with(2, consent(dental.Care, false, start.Add(-time.Hour))),
			with(1, consent(dental.Care, true, start.Add(-time.Hour)))}, false},
		"and so it does in the other order": {[]intake.Event{with(1, consent(dental.Care, true, start.Add(-time.Hour))),
			with(2, consent(dental.Care, false, start.Add(-time.Hour)))}, false},
		"a decision of another class is added": {[]intake.Event{with(2), with(1, consent(dental.Care, true, start.Add(-time.Hour)))}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := stage(t)
			for _, ev := range tt.events {
				s.Tell(ev)
			}
			if c, known := s.Card("P-1").Patient.Consent(dental.Care, dental.SMS); !known || c.Granted != tt.granted {
				t.Errorf("care by SMS is %+v", c)
			}
			if p := s.Card("P-1").Patient; p.Version != 2 {
				t.Errorf("the card has become version %d", p.Version)
			}
		})
	}
}

// busy is a patient with open touches and tasks: an appointment unconfirmed,
// a complaint, a survey to come.
func busy(s *stagetest.Stage, id, number string) {
	s.T.Helper()
	s.Patient(id, func(c *intake.Card) { c.Number = number })
	s.Visit("V-"+id, id, s.Now().Add(-time.Hour))
	s.Appointment(intake.AppointmentBooked, "A-"+id, id, s.Local("2026-03-16 12:00"))
	s.Appointment(intake.AppointmentBooked, "B-"+id, id, s.Local("2026-04-13 12:00"))
}

func open(c *dental.Card) (touches, tasks int) {
	for _, t := range c.Touches {
		if t.State.Open() {
			touches++
		}
	}
	for _, t := range c.Tasks {
		if t.Open() {
			tasks++
		}
	}
	return touches, tasks
}

func TestWhoIsGoneHasNothingOpenAtOnceAndRelativesKeepTheirs(t *testing.T) {
	for _, status := range []dental.PatientStatus{dental.Archived, dental.Moved, dental.Deceased} {
		t.Run(string(status), func(t *testing.T) {
			s, w := stage(t)
			busy(s, "P-1", "+79160000001")
			busy(s, "P-2", "+79160000001")
			s.ToLocal("2026-03-11 13:00")
			form, err := reply.ParseAnswer("bad", "", "")
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"P-1", "P-2"} {
				if _, err := s.Desk.Answer(t.Context(), s.Token(id, dental.SurveyLink), form, s.Now()); err != nil {
					t.Fatal(err)
				}
			}
			s.ToLocal("2026-03-14 17:00")
			touches, tasks := open(s.Card("P-1"))
			if touches == 0 || tasks < 2 {
				t.Fatalf("before, %d touches and %d tasks are open: the test shows nothing", touches, tasks)
			}
			theirs := fmt.Sprint(open(s.Card("P-2")))
			_, writes := w.count(func() {
				s.Patient("P-1", func(c *intake.Card) { c.Status = status })
			})
			if writes != 1 {
				t.Errorf("%d writes", writes)
			}
			card := s.Card("P-1")
			if touches, tasks := open(card); touches != 0 || tasks != 0 {
				t.Errorf("%d touches and %d tasks are open", touches, tasks)
			}
			for _, touch := range card.Touches {
				if touch.State == dental.TouchCancelled && touch.Reason != string(status) && touch.EndedAt.Equal(s.Now()) {
					t.Errorf("%s/%s is cancelled because %q", touch.Scenario, touch.Step, touch.Reason)
				}
			}
			for _, task := range card.Tasks {
				if task.ClosedAt.Equal(s.Now()) && task.Outcome != string(status) {
					t.Errorf("the task %s is closed as %q", task.Kind, task.Outcome)
				}
			}
			if len(card.Visits) != 1 || card.Patient.Phone == "" {
				t.Error("facts were taken away: it is no erasure")
			}
			if now := fmt.Sprint(open(s.Card("P-2"))); now != theirs {
				t.Errorf("the relative's touches and tasks were %s and are %s", theirs, now)
			}
			sent := len(s.Sent())
			s.To(s.Now().AddDate(0, 2, 0))
			for _, m := range s.Sent()[sent:] {
				if m.Touch.Patient == "P-1" {
					t.Errorf("%s/%s was sent to who is %s", m.Touch.Scenario, m.Touch.Step, status)
				}
			}
		})
	}
}

func TestWhoComesBackIsRemindedAgain(t *testing.T) {
	s, _ := stage(t)
	s.Patient("P-1")
	s.Appointment(intake.AppointmentBooked, "A-1", "P-1", s.Local("2026-03-20 12:00"))
	s.Patient("P-1", func(c *intake.Card) { c.Status, c.Source = dental.Archived, of(start.UnixMilli()+1, "archived") })
	s.Patient("P-1", func(c *intake.Card) { c.Source = of(start.UnixMilli()+2, "back") })
	s.ToLocal("2026-03-18 13:00")
	if n := len(s.SentAs("appointment", "reminder")); n != 1 {
		t.Errorf("%d reminders", n)
	}
}

// TestMoreThanOneWriteHoldsIsSettledByTheJob: an event that ends more touches
// than fit beside it leaves the rest to a job that is due at once.
func TestMoreThanOneWriteHoldsIsSettledByTheJob(t *testing.T) {
	for _, appointments := range []int{5, 12, 40} {
		t.Run(fmt.Sprint(appointments, " appointments"), func(t *testing.T) {
			s, w := stage(t)
			s.Patient("P-1")
			for n := range appointments {
				s.Appointment(intake.AppointmentBooked, fmt.Sprint("A-", n), "P-1", s.Local("2026-04-01 12:00").AddDate(0, 0, n))
			}
			before, _ := open(s.Card("P-1"))
			if before < 2*appointments {
				t.Fatalf("%d touches are open before", before)
			}
			_, writes := w.count(func() {
				s.Patient("P-1", func(c *intake.Card) { c.Status, c.Source = dental.Archived, of(start.UnixMilli()+1, "archived") })
			})
			at, _ := open(s.Card("P-1"))
			if writes != 1 || before-at != 8 {
				t.Errorf("the event's own write, one of %d, has ended %d touches", writes, before-at)
			}
			s.Tick() // the clock stands still: the job is due now
			if left, _ := open(s.Card("P-1")); left != 0 {
				t.Errorf("%d touches are open after the job", left)
			}
			next, any, err := s.Store.NextDue(t.Context())
			if err != nil || any && !next.After(start.Add(time.Minute)) { // the figures are added up later
				t.Errorf("something is still due at %v, error %v", next, err)
			}
		})
	}
}

// TestANewTouchIsNeverCrowdedOut: what the event itself asks for comes before
// what it ends.
func TestANewTouchIsNeverCrowdedOut(t *testing.T) {
	s, _ := stage(t)
	for n := range 12 { // touches that wait for a card
		s.Appointment(intake.AppointmentBooked, fmt.Sprint("A-", n), "P-1", s.Local("2026-04-01 12:00").AddDate(0, 0, n))
	}
	s.Visit("V-1", "P-1", start.Add(-time.Hour))
	s.Patient("P-1")
	s.To(start.Add(time.Minute))
	if n := len(s.SentAs("after-visit", "thanks")); n != 1 {
		t.Errorf("%d thanks", n)
	}
	for _, name := range []string{"reminder", "confirm"} {
		n := 0
		for _, touch := range s.Card("P-1").Touches {
			if touch.Step == name && touch.State.Open() {
				n++
			}
		}
		if n != 12 {
			t.Errorf("%d touches %s of 12 appointments", n, name)
		}
	}
}
