package outreach_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// intruder lets something happen between two calls of a table.
type intruder struct {
	table.Table
	at     int // before the call of this number; 0 is never
	calls  int
	action func()
	// claims and acts are the order of what took effect.
	claimed, acted bool
	claimedAfter   bool
	inside         bool
}

func (i *intruder) step() {
	if i.inside {
		return
	}
	i.calls++
	if i.calls == i.at {
		i.inside = true
		i.action()
		i.inside, i.acted = false, true
	}
}

func (i *intruder) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	i.step()
	return i.Table.Get(ctx, keys...)
}

func (i *intruder) Query(ctx context.Context, q table.Query) (table.Page, error) {
	i.step()
	return i.Table.Query(ctx, q)
}

func (i *intruder) Write(ctx context.Context, ops ...table.Op) error {
	i.step()
	err := i.Table.Write(ctx, ops...)
	if err == nil && !i.inside && slices.ContainsFunc(ops, func(o table.Op) bool { return o.Item.Attr["state"] == string(dental.Claimed) }) {
		i.claimed, i.claimedAfter = true, i.acted
	}
	return err
}

func TestNothingIsClaimedAfterAnAcknowledgedChangeAtWhateverStepItComes(t *testing.T) {
	at := start.Add(8 * 24 * time.Hour)
	changes := []struct {
		name, scenario, step string
		change               func(*stagetest.Stage)
	}{
		{"a second STOP", "after-visit", "survey", func(s *stagetest.Stage) {
			for _, id := range []string{"in-1", "in-2"} {
				if _, err := s.Desk.Stop(t.Context(), &s.Clinic, "+79160000001", id, s.Now()); err != nil {
					t.Error(err)
				}
			}
		}},
		{"a cancellation", "appointment", "reminder", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentCancelled, "A", "P", at)
		}},
		{"a move", "appointment", "reminder", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentMoved, "A", "P", at.Add(72*time.Hour))
		}},
		{"a booking", "appointment", "missed", func(s *stagetest.Stage) {
			s.Appointment(intake.AppointmentBooked, "B", "P", at.Add(72*time.Hour))
		}},
		{"an answer", "after-visit", "survey", func(s *stagetest.Stage) {
			if _, err := s.Desk.Answer(t.Context(), s.Token("P", dental.SurveyLink), reply.AnswerForm{Rating: dental.Good, NPS: -1}, s.Now()); err != nil {
				t.Error(err)
			}
		}},
		{"a refusal on the page", "after-visit", "survey", func(s *stagetest.Stage) {
			s.Patient("P", func(c *intake.Card) {
				c.Consents = []dental.Consent{{Class: dental.Service, Channel: dental.SMS, At: s.Now()}, {Class: dental.Service, Channel: dental.Mail, At: s.Now()}}
			})
		}},
		{"an erasure", "after-visit", "survey", func(s *stagetest.Stage) {
			s.Tell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: "P", Version: 1}})
		}},
		{"an archived card", "after-visit", "survey", func(s *stagetest.Stage) {
			s.Patient("P", func(c *intake.Card) { c.Status = dental.Archived })
		}},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			steps, before, after := 0, 0, 0
			for k := 1; ; k++ {
				door := &intruder{}
				s := stagetest.New(t, start)
				door.Table = s.Table
				s = stagetest.On(t, door, start)
				ref := ready(s, c.scenario, c.step, at)
				n := len(s.Sent())
				door.at, door.calls, door.claimed = k, 0, false
				door.action = func() { c.change(s) }
				if err := s.Sender.Send(t.Context(), ref); err != nil {
					t.Fatal(err)
				}
				if door.calls < k {
					break
				}
				steps++
				sent := slices.ContainsFunc(s.Sent()[n:], func(m stagetest.Sent) bool { return m.Touch == ref })
				switch {
				case door.claimedAfter:
					t.Errorf("at step %d: claimed after the change was acknowledged", k)
				case sent != door.claimed:
					t.Errorf("at step %d: sent %t, claimed %t", k, sent, door.claimed)
				case door.claimed:
					after++
				default:
					before++
				}
			}
			if steps < 4 || before == 0 || after == 0 {
				t.Errorf("%d steps, of which the change prevented %d and came too late for %d: the test does not reach both sides", steps, before, after)
			}
		})
	}
}

func TestNothingGoesToANumberAfterTheMISHasToldAnother(t *testing.T) {
	for k := 1; ; k++ {
		door := &intruder{}
		door.Table = stagetest.New(t, start).Table
		s := stagetest.On(t, door, start)
		ref := ready(s, "after-visit", "survey", time.Time{})
		n := len(s.Sent())
		door.at, door.calls, door.claimed = k, 0, false
		door.action = func() { s.Patient("P", func(c *intake.Card) { c.Number = "+79160000002" }) }
		if err := s.Sender.Send(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if door.calls < k {
			break
		}
		sent := s.Sent()[n:]
		if len(sent) != 1 || door.claimedAfter == (sent[0].To == "+79160000001") {
			t.Errorf("at step %d: claimed after the change %t, sent to %v", k, door.claimedAfter, sent)
		}
	}
}

// ready brings a stage to where a touch of P is queued and may leave at once.
func ready(s *stagetest.Stage, scenario, step string, at time.Time) outreach.TouchRef {
	s.Patient("P")
	switch step {
	case "survey":
		s.Visit("V", "P", start, func(v *dental.Visit) { v.Recommendations = "Щётка с мягкой щетиной" })
		s.To(start.Add(time.Hour))
		s.Set(start.Add(25 * time.Hour))
	case "reminder":
		s.Appointment(intake.AppointmentBooked, "A", "P", at)
		s.Set(at.Add(-47 * time.Hour))
	case "missed":
		s.Set(at.Add(-200 * time.Hour))
		s.Appointment(intake.AppointmentBooked, "A", "P", at)
		s.Set(at.Add(3 * time.Hour))
		s.Appointment(intake.AppointmentMissed, "A", "P", at)
	}
	return outreach.RefOf(s.Touch("P", scenario, step))
}

func TestWhatTheProviderAnswersEndsInTheStateThatItProves(t *testing.T) {
	refusal := func(r outreach.Refusal) func(outreach.Message) error {
		return func(m outreach.Message) error {
			if m.Channel == dental.SMS {
				return &r
			}
			return nil
		}
	}
	tests := []struct {
		name     string
		provider func(outreach.Message) error
		after    time.Duration
		state    dental.TouchState
		reason   string
		channel  dental.Channel // that it left by
		task     dental.TaskKind
		capKept  bool // the household's cap still counts it
	}{
		{"accepted", nil, time.Minute, dental.Sent, "", dental.SMS, "", true},
		{"refused, and the next channel accepts", refusal(outreach.Refusal{Code: "X"}), 2 * time.Minute, dental.Sent, "", dental.Mail, "", true},
		{"refused on every channel", func(outreach.Message) error { return &outreach.Refusal{Code: "X"} }, 3 * time.Minute, dental.Failed, "provider-refused", "", dental.ContactTask, false},
		{"a bad address, and the next channel accepts", refusal(outreach.Refusal{Code: "Gone", BadAddress: true}), 2 * time.Minute, dental.Sent, "", dental.Mail, "", true},
		{"not just now, and later yes", onceThen(&outreach.Refusal{Code: "Throttled", Later: true}), 10 * time.Minute, dental.Sent, "", dental.SMS, "", true},
		{"an error that proves nothing, before its time is over", func(outreach.Message) error { return errors.New("EOF") }, 9 * time.Minute, dental.Claimed, "", "", "", true},
		{"an error that proves nothing", func(outreach.Message) error { return errors.New("EOF") }, 12 * time.Minute, dental.Unknown, "no-answer-from-provider", "", dental.UnknownTask, true},
		{"never a moment's peace", func(outreach.Message) error { return &outreach.Refusal{Code: "Throttled", Later: true} }, 20 * time.Hour, dental.Failed, "all-channels-failed", "", dental.ContactTask, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start)
			calls := 0
			s.Patient("P")
			s.Visit("V", "P", start)
			s.Provider = func(m outreach.Message) error {
				calls++
				if tt.provider == nil {
					return nil
				}
				return tt.provider(m)
			}
			s.To(start.Add(tt.after))
			touch := s.Touch("P", "after-visit", "thanks")
			if touch.State != tt.state || touch.Reason != tt.reason {
				t.Errorf("the touch is %s (%s) after %d calls, want %s (%s)", touch.State, touch.Reason, calls, tt.state, tt.reason)
			}
			sent := s.SentAs("after-visit", "thanks")
			if (len(sent) == 1) != (tt.channel != "") || len(sent) == 1 && sent[0].Channel != tt.channel {
				t.Errorf("left: %v, want by %q", left(s, "P"), tt.channel)
			}
			if tt.task != "" && len(s.Tasks("P", tt.task)) != 1 {
				t.Errorf("there is no task %s", tt.task)
			}
			contacts, err := s.Store.Begin().Contacts(t.Context(), &s.Clinic, "+79160000001")
			if err != nil {
				t.Fatal(err)
			}
			if kept := len(contacts["+79160000001"].Recent) == 1; kept != tt.capKept {
				t.Errorf("the cap counts it: %t, want %t", kept, tt.capKept)
			}
		})
	}
}

func onceThen(err error) func(outreach.Message) error {
	n := 0
	return func(outreach.Message) error {
		if n++; n == 1 {
			return err
		}
		return nil
	}
}

func TestALateReportSettlesWhatIsClaimedOrUnknownOnceAndAProvenNonDeliveryTakesTheNextChannel(t *testing.T) {
	lost := func(outreach.Message) error { return errors.New("lost") }
	tests := []struct {
		name    string
		report  outreach.ReportKind
		attempt string // "" is the touch's own
		after   time.Duration
		state   dental.TouchState
		channel dental.Channel
		tasks   int // open tasks about the unknown fate
	}{
		{"delivered settles a claim as sent", outreach.ReportDelivered, "", 2 * time.Minute, dental.Sent, dental.SMS, 0},
		{"delivered settles an unknown as sent and closes its task", outreach.ReportDelivered, "", 30 * time.Minute, dental.Sent, dental.SMS, 0},
		{"undelivered frees the next channel", outreach.ReportUndelivered, "", 30 * time.Minute, dental.Sent, dental.Mail, 0},
		{"undelivered after the deadline is the end", outreach.ReportUndelivered, "", 25 * time.Hour, dental.Failed, dental.SMS, 0},
		{"another attempt's report changes nothing", outreach.ReportDelivered, "attempt-of-somebody", 30 * time.Minute, dental.Unknown, dental.SMS, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stagetest.New(t, start)
			s.Patient("P")
			s.Visit("V", "P", start)
			s.Settings(func(c *dental.Clinic) {
				c.Scenarios["after-visit"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"survey": false}}
			})
			s.Provider = lost
			s.To(start.Add(tt.after))
			s.Provider = nil
			touch := s.Touch("P", "after-visit", "thanks")
			r := outreach.Report{Touch: outreach.RefOf(touch), Attempt: touch.Last().ID, Channel: "sms", ProviderID: "prov-1", Kind: tt.report, Code: "x", At: s.Now()}
			if tt.attempt != "" {
				r.Attempt = tt.attempt
			}
			for range 3 {
				if _, err := s.Settler.Settle(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			s.To(s.Now().Add(2 * time.Minute))
			touch = s.Touch("P", "after-visit", "thanks")
			if touch.State != tt.state || touch.Channel != tt.channel {
				t.Errorf("the touch is %s (%s) by %s, want %s by %s", touch.State, touch.Reason, touch.Channel, tt.state, tt.channel)
			}
			if n := len(s.Tasks("P", dental.UnknownTask)); n != tt.tasks {
				t.Errorf("%d open tasks about an unknown fate, want %d", n, tt.tasks)
			}
			if tt.state == dental.Sent && tt.channel == dental.SMS {
				byID := outreach.Report{Channel: "sms", ProviderID: "prov-1", Kind: outreach.ReportBadAddress, Code: "gone", At: s.Now()}
				if found, err := s.Settler.Settle(t.Context(), byID); err != nil || !found {
					t.Fatalf("a report by the provider's id found the touch: %t, %v", found, err)
				}
				s.To(s.Now().Add(2 * time.Minute))
				if touch := s.Touch("P", "after-visit", "thanks"); touch.State != dental.Sent || len(s.SentAs("after-visit", "thanks")) != 0 {
					t.Errorf("what a phone has is sent again: %s, %v", touch.State, left(s, "P"))
				}
				c, _ := s.Store.Begin().Contacts(t.Context(), &s.Clinic, "+79160000001")
				if c["+79160000001"].Suppressed != "gone" {
					t.Error("the number is not suppressed")
				}
			}
		})
	}
}

// TestUnderFaultsOfEveryKindNoMessageIsAcceptedTwiceAndNoneVanishes runs small
// clinics through a week with lost answers, contention, late writes, stale
// indexes and a provider that fails in every way, by seed.
func TestUnderFaultsOfEveryKindNoMessageIsAcceptedTwiceAndNoneVanishes(t *testing.T) {
	const runs = 40
	faults, accepted, unknown := map[tabletest.Fault]int{}, 0, 0
	for seed := range uint64(runs) {
		a, u := simulate(t, seed, faults)
		accepted, unknown = accepted+a, unknown+u
	}
	t.Logf("%d seeds: %d messages accepted, %d unknown, faults %v", runs, accepted, unknown, faults)
	for _, f := range []tabletest.Fault{tabletest.LostBefore, tabletest.LostAfter, tabletest.LostLate, tabletest.Contended, tabletest.StaleIndex} {
		if faults[f] == 0 {
			t.Errorf("the fault %q never happened", f)
		}
	}
	if accepted == 0 || unknown == 0 {
		t.Error("nothing was accepted, or nothing ended unknown: the faults do not bite")
	}
}

func simulate(t *testing.T, seed uint64, faults map[tabletest.Fault]int) (accepted, unknown int) {
	dice := rand.New(rand.NewPCG(seed, 1))
	calm := stagetest.New(t, start)
	faulty := tabletest.NewFaulty(calm.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{
		tabletest.LostBefore: 0.02, tabletest.LostAfter: 0.04, tabletest.LostLate: 0.02, tabletest.Contended: 0.03, tabletest.StaleIndex: 0.05}})
	s := stagetest.Join(calm, faulty)
	took := map[string]int{} // acceptances a touch, by what the provider knows
	refused := map[string]bool{}
	s.Provider = func(m outreach.Message) error {
		key := m.Touch.String()
		switch p := dice.Float64(); {
		case p < 0.05:
			refused[key] = true
			return &outreach.Refusal{Code: "no"}
		case p < 0.10:
			took[key]++
			return errors.New("accepted, and the answer lost")
		case p < 0.13:
			return errors.New("not accepted, and the answer lost")
		}
		took[key]++
		return nil
	}
	for i := range 6 {
		id := fmt.Sprintf("P%d", i)
		s.Patient(id, func(c *intake.Card) { c.Number = fmt.Sprintf("+7916000010%d", i) })
		s.Visit("V"+id, id, start)
		s.Appointment(intake.AppointmentBooked, "A"+id, id, start.Add(time.Duration(70+i)*time.Hour))
	}
	end := start.Add(5 * 24 * time.Hour)
	for now := start; now.Before(end); now = now.Add(20 * time.Minute) {
		s.Set(now)
		_ = s.Dispatch.Dispatch(t.Context(), now) // what fails comes back
		bodies := s.Queued()
		dice.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
		for _, b := range bodies {
			for range 1 + dice.IntN(2) {
				_ = s.Work(t.Context(), b)
			}
		}
		if now.Sub(start) == 30*time.Hour {
			s.Appointment(intake.AppointmentMoved, "AP0", "P0", start.Add(96*time.Hour))
			s.Appointment(intake.AppointmentCancelled, "AP1", "P1", start.Add(71*time.Hour))
		}
	}
	faulty.Heal()
	s.To(end.Add(24 * time.Hour))
	for f, n := range faulty.Happened() {
		faults[f] += n
	}
	for key, n := range took {
		accepted += n
		if n > 1 {
			t.Errorf("seed %d: %s was accepted %d times", seed, key, n)
		}
	}
	for i := range 6 {
		for _, touch := range s.Card(fmt.Sprintf("P%d", i)).Touches {
			key := outreach.RefOf(touch).String()
			switch {
			case !touch.State.Final():
				t.Errorf("seed %d: %s is still %s", seed, key, touch.State)
			case touch.State == dental.Unknown:
				unknown++
				if len(s.Tasks(touch.Patient, dental.UnknownTask)) == 0 {
					t.Errorf("seed %d: %s is unknown, and no task says so", seed, key)
				}
			case touch.State == dental.Sent && touch.Kind == "" && took[key] != 1:
				t.Errorf("seed %d: %s is sent, and the provider took %d", seed, key, took[key])
			case touch.State != dental.Sent && touch.Reason == "":
				t.Errorf("seed %d: %s is %s without a reason", seed, key, touch.State)
			case touch.State == dental.Skipped && took[key] > 0, touch.State == dental.TouchCancelled && took[key] > 0:
				t.Errorf("seed %d: %s is %s, and the provider took %d", seed, key, touch.State, took[key])
			}
		}
	}
	return accepted, unknown
}

func TestAQueueThatRepeatsAndWorkersThatRaceClaimOnce(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", start)
	if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	bodies := s.Queued()
	if len(bodies) != 1 || !strings.Contains(bodies[0], "thanks") {
		t.Fatalf("queued: %v", bodies)
	}
	done := make(chan error)
	for range 20 {
		go func() { done <- s.Sender.Handle(t.Context(), bodies[0]) }()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := len(s.Sent()); n != 1 {
		t.Errorf("%d messages left", n)
	}
}

func TestADueTouchIsQueuedOnceAndAgainOnlyAfterAQuarterOfAnHour(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", start)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Minute, 0}, {14 * time.Minute, 0}, {15 * time.Minute, 1}, {16 * time.Minute, 0}} {
		s.Set(start.Add(step.after))
		if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
			t.Fatal(err)
		}
		touches := slices.DeleteFunc(s.Queued(), func(body string) bool { return !strings.HasPrefix(body, `{"Touch"`) })
		if n := len(touches); n != step.want {
			t.Errorf("%s after the first time %d were queued, want %d", step.after, n, step.want)
		}
	}
}

func TestAJobOfFiguresThatWaitsInTheQueueIsQueuedAgainOnlyAfterAnHour(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	s.Visit("V", "P", start)
	due := start.Add(30 * time.Minute)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {20 * time.Minute, 0}, {59 * time.Minute, 0}, {time.Hour, 1}} {
		s.Set(due.Add(step.after))
		if err := s.Dispatch.Dispatch(t.Context(), s.Now()); err != nil {
			t.Fatal(err)
		}
		jobs := slices.DeleteFunc(s.Queued(), func(body string) bool { return !strings.Contains(body, `"tally.P"`) })
		if n := len(jobs); n != step.want {
			t.Errorf("%s after the first time %d were queued, want %d", step.after, n, step.want)
		}
	}
}

// forgetful loses the answer to the first write of a claim, after or before it happened.
type forgetful struct {
	table.Table
	happens bool
	lost    int
}

func (f *forgetful) Write(ctx context.Context, ops ...table.Op) error {
	claim := slices.ContainsFunc(ops, func(o table.Op) bool { return o.Item.Attr["state"] == string(dental.Claimed) })
	if !claim || f.lost > 0 {
		return f.Table.Write(ctx, ops...)
	}
	f.lost++
	if f.happens {
		if err := f.Table.Write(ctx, ops...); err != nil {
			return err
		}
	}
	return table.ErrAmbiguous
}

func TestAClaimWhoseAnswerIsLostIsFoundAgainByItsAttemptAndSentOnce(t *testing.T) {
	for _, happens := range []bool{true, false} {
		t.Run(fmt.Sprintf("had happened: %t", happens), func(t *testing.T) {
			f := &forgetful{Table: stagetest.New(t, start).Table, happens: happens}
			s := stagetest.On(t, f, start)
			s.Patient("P")
			s.Visit("V", "P", start)
			s.To(start.Add(time.Minute))
			touch := s.Touch("P", "after-visit", "thanks")
			if len(s.Sent()) != 1 || touch.State != dental.Sent || f.lost != 1 || len(touch.Attempts) != 1 {
				t.Errorf("%d messages left, the touch is %s after %d attempts", len(s.Sent()), touch.State, len(touch.Attempts))
			}
		})
	}
}

func TestAChildsMessageGoesToTheGuardianByTheGuardiansConsentAndAFamilyGetsOneReminder(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("MOM", func(c *intake.Card) { c.GivenName = "Ольга" })
	s.Patient("KID", func(c *intake.Card) {
		c.GivenName, c.Number, c.Mail, c.GuardianID = "Пётр", "", "", "MOM"
		c.BirthDate, c.Consents = dental.Date{Year: 2016, Month: 5, Day: 1}, nil
	})
	s.Patient("DAD", func(c *intake.Card) { c.GivenName = "Иван" }) // the same phone
	s.Patient("ALONE", func(c *intake.Card) { c.GivenName, c.Number = "Юрий", "+79160000009" })
	day := "2026-03-19"
	for id, at := range map[string]string{"MOM": "10:00", "DAD": "12:30", "ALONE": "11:00"} {
		s.Appointment(intake.AppointmentBooked, "A-"+id, id, s.Local(day+" "+at))
	}
	s.Visit("V", "KID", start)
	s.ToLocal("2026-03-18 20:00")

	if kid := s.SentAs("after-visit", "thanks"); len(kid) != 1 || kid[0].To != "+79160000001" || !strings.HasPrefix(kid[0].Text, "Пётр, ") {
		t.Errorf("thanks for the child: %v", left(s, "KID"))
	}
	reminders := s.SentAs("appointment", "reminder")
	if len(reminders) != 2 {
		t.Fatalf("%d reminders left, want one for the family and one for the stranger", len(reminders))
	}
	for _, m := range reminders {
		if m.Touch.Patient == "ALONE" {
			continue
		}
		if m.Touch.Patient != "MOM" || !strings.Contains(m.Text, "Ольга 10:00 и Иван 12:30") {
			t.Errorf("the family's reminder, to %s: %q", m.Touch.Patient, m.Text)
		}
	}
	if touch := s.Touch("DAD", "appointment", "reminder"); touch.State != dental.Skipped || touch.Reason != "combined" {
		t.Errorf("the other reminder is %s (%s)", touch.State, touch.Reason)
	}
	if _, err := s.Desk.Act(t.Context(), s.Token("MOM", dental.AppointmentLink), reply.Confirm, s.Now()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"MOM", "DAD"} {
		if a := s.Card(id).Appointment("A-" + id); a.Answered() != "confirm" {
			t.Errorf("one press confirms for the family; %s is %q", id, a.Answered())
		}
	}
}

func TestServiceMessagesHaveACeilingThatRemindersDoNotCountAgainst(t *testing.T) {
	s := stagetest.New(t, start)
	s.Settings(func(c *dental.Clinic) {
		c.Scenarios["after-visit"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"survey": false}}
	})
	for _, id := range []string{"P1", "P2", "P3"} {
		s.Patient(id) // one phone
		s.Visit("V"+id, id, start)
	}
	s.Appointment(intake.AppointmentBooked, "A", "P1", s.Local("2026-03-12 11:30"))
	s.To(start.Add(3 * time.Hour))
	if n, r := len(s.SentAs("after-visit", "thanks")), len(s.SentAs("appointment", "reminder")); n != 2 || r != 1 {
		t.Errorf("%d thanks and %d reminders on one day, want 2 and 1", n, r)
	}
	s.To(start.Add(24 * time.Hour))
	waiting := 0
	for _, id := range []string{"P1", "P2", "P3"} {
		if touch := s.Touch(id, "after-visit", "thanks"); touch.State == dental.Sent {
			continue
		} else if waiting++; touch.Reason != "ceiling" {
			t.Errorf("the third is %s (%s)", touch.State, touch.Reason)
		}
	}
	if waiting > 1 {
		t.Errorf("%d thanks did not leave", waiting)
	}
}

func TestStopEndsCareAndAdvertisingAndASecondOneServiceToo(t *testing.T) {
	s := stagetest.New(t, start)
	s.Patient("P")
	for range 2 { // a message may be delivered twice
		if _, err := s.Desk.Stop(t.Context(), &s.Clinic, "+79160000001", "in-1", s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.Desk.Stop(t.Context(), &s.Clinic, "+79160000001", "in-1", s.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.Visit("V", "P", start)
	s.To(start.Add(time.Hour))
	if len(s.Sent()) != 1 {
		t.Errorf("after one STOP %d service messages left, want 1", len(s.Sent()))
	}
	second, err := s.Desk.Stop(t.Context(), &s.Clinic, "+79160000001", "in-2", s.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.To(start.Add(30 * time.Hour))
	if touch := s.Touch("P", "after-visit", "survey"); touch.State != dental.Skipped || touch.Reason != "opted-out" {
		t.Errorf("after a second STOP the survey is %s (%s)", touch.State, touch.Reason)
	}
	if len(first) != 2 || len(second) != 4 {
		t.Errorf("refused by the first STOP %v, by the second %v", first, second)
	}
	s.Set(start.Add(40 * 24 * time.Hour))
	s.Patient("P", func(c *intake.Card) {
		for i := range c.Consents {
			c.Consents[i].At = s.Now()
		}
	})
	s.Visit("V2", "P", s.Now())
	s.To(s.Now().Add(time.Hour))
	if len(s.SentAs("after-visit", "thanks")) != 2 {
		t.Error("a consent given after the STOP does not count")
	}
}
