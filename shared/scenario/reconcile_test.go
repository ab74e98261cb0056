package scenario_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/stagetest"
)

// reconcile says what changes: "step state (reason) due, looked at".
func (s *scene) reconcile(changed ...scenario.Subject) []string {
	var out []string
	for _, t := range scenario.Shipped().Reconcile(&s.clinic, &s.card, s.now, changed...) {
		line := t.Step + " " + string(t.State)
		if t.Reason != "" {
			line += " (" + t.Reason + ")"
		}
		if t.State.Open() {
			line += " due " + s.said(t.Due) + ", looked at " + s.said(t.Wake)
		}
		out = append(out, line)
		s.keep(t)
	}
	return out
}

// keep writes a touch onto the card.
func (s *scene) keep(t dental.Touch) { keep(&s.card, t) }

func keep(card *dental.Card, t dental.Touch) {
	if stored := card.Touch(t.Scenario, t.Step, t.Anchor); stored != nil {
		*stored = t
		return
	}
	card.Touches = append(card.Touches, t)
}

func TestTouchesFollowTheFacts(t *testing.T) {
	appointment := scenario.Subject{On: scenario.OnAppointment, ID: "A"}
	visitDay := scenario.Subject{On: scenario.OnVisitDay, ID: "2026-03-10"}
	s := newScene(t, "2026-03-02 12:00")
	s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
	same(t, "booked", s.reconcile(appointment),
		"reminder planned due 2026-03-17 14:30, looked at 2026-03-17 14:30", "confirm planned due 2026-03-18 10:00, looked at 2026-03-18 10:00")
	same(t, "told again", s.reconcile(appointment))
	same(t, "looked at without a change", s.reconcile())

	s.now = s.at("2026-03-05 12:00")
	a := &s.card.Appointments[0]
	a.Start, a.End, a.BookedAt = s.at("2026-03-20 08:00"), s.at("2026-03-20 08:30"), s.now
	same(t, "moved to an early hour", s.reconcile(appointment),
		"reminder planned due 2026-03-17 20:00, looked at 2026-03-17 20:00", "confirm planned due 2026-03-19 10:00, looked at 2026-03-19 10:00",
		"reminder cancelled (rescheduled)", "confirm cancelled (rescheduled)")
	a.Start, a.End = s.at("2026-03-19 14:30"), s.at("2026-03-19 15:00")
	same(t, "moved back", s.reconcile(appointment),
		"reminder planned due 2026-03-17 14:30, looked at 2026-03-17 14:30", "confirm planned due 2026-03-18 10:00, looked at 2026-03-18 10:00",
		"reminder cancelled (rescheduled)", "confirm cancelled (rescheduled)")
	s.clinic.Holidays = []dental.Date{on(t, "2026-03-18")}
	same(t, "a holiday set", s.reconcile(), "confirm planned due 2026-03-17 18:30, looked at 2026-03-17 18:30")
	s.clinic.SendTo = 14 * 60
	same(t, "the sending hours cut short", s.reconcile(), "reminder planned due 2026-03-17 13:00, looked at 2026-03-17 13:00", "confirm planned due 2026-03-17 17:00, looked at 2026-03-17 17:00")
	s.clinic.SendTo = 21 * 60
	same(t, "and set back", s.reconcile(), "reminder planned due 2026-03-17 14:30, looked at 2026-03-17 14:30", "confirm planned due 2026-03-17 18:30, looked at 2026-03-17 18:30")

	s.now = s.at("2026-03-06 12:00")
	a.Reply, a.ReplyFor = "confirm", a.Start
	same(t, "confirmed on the page", s.reconcile(appointment), "reminder cancelled (answered)", "confirm cancelled (answered)")
	same(t, "confirmed again", s.reconcile(appointment))
	a.Status, a.ChangedAt = dental.Cancelled, s.now
	same(t, "cancelled", s.reconcile(appointment), "missed planned due 2026-03-09 12:00, looked at 2026-03-09 12:00", "rebook planned due 2026-03-09 12:00, looked at 2026-03-09 12:00")
	s.appointment("B", "2026-04-02 12:00", "2026-03-06 13:00", dental.Booked)
	same(t, "booked anew", s.reconcile(scenario.Subject{On: scenario.OnAppointment, ID: "B"}),
		"reminder planned due 2026-03-31 12:00, looked at 2026-03-31 12:00", "confirm planned due 2026-04-01 10:00, looked at 2026-04-01 10:00",
		"missed cancelled (booked)", "rebook cancelled (booked)")

	s.now = s.at("2026-03-10 21:30")
	s.visit("V", "2026-03-10 20:00", "2026-03-10 21:30")
	same(t, "a visit", s.reconcile(visitDay), "thanks planned due 2026-03-10 21:30, looked at 2026-03-11 09:00", "survey planned due 2026-03-11 20:00, looked at 2026-03-11 20:00")
	s.answer("2026-03-10", "2026-03-10 22:00", dental.Good, -1)
	s.now = s.at("2026-03-10 22:00")
	same(t, "an answer", s.reconcile(visitDay, scenario.Subject{On: scenario.OnAnswer, ID: "2026-03-10"}), "survey cancelled (answered)", "invite planned due 2026-03-13 12:00, looked at 2026-03-13 12:00", "ask planned due 2026-03-11 22:00, looked at 2026-03-12 09:00")
	s.card.Answers[0].Rating = dental.Bad
	same(t, "another answer", s.reconcile(scenario.Subject{On: scenario.OnAnswer, ID: "2026-03-10"}), "ask cancelled (answer-changed)", "invite cancelled (answer-changed)")
	s.clinic.Scenarios["after-visit"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"thanks": false}}
	same(t, "a step switched off", s.reconcile(), "thanks cancelled (step-off)")
	s.card.Patient.Status = dental.Deceased
	same(t, "the patient has died", s.reconcile(), "reminder cancelled (deceased)", "confirm cancelled (deceased)")
	same(t, "and nothing comes of what is told then", s.reconcile(appointment, visitDay))
	for _, touch := range s.card.Touches {
		if touch.State.Final() && (touch.EndedAt.IsZero() || touch.EndedOn.IsZero()) {
			t.Errorf("%s/%s has ended, nobody knows when", touch.Scenario, touch.Step)
		}
	}
}

func TestWhatTheTimeHasPassedIsPlannedNoMore(t *testing.T) {
	visitDay := scenario.Subject{On: scenario.OnVisitDay, ID: "2026-03-10"}
	tests := []struct {
		name, heard, now string
		want             []string
	}{
		{"a late event is recorded as such", "2026-03-11 00:30", "2026-03-11 00:30", []string{"thanks skipped (late-event)", "survey planned due 2026-03-11 11:00, looked at 2026-03-11 11:00"}},
		{"so is one that is days old", "2026-03-14 12:00", "2026-03-14 12:00", []string{"thanks skipped (late-event)", "survey skipped (late-event)"}},
		{"a week after its deadline it is backlog", "2026-03-18 11:01", "2026-03-18 11:01", []string{"survey skipped (late-event)"}},
		{"and an import plans nothing", "2026-04-10 12:00", "2026-04-10 12:00", nil},
		{"what was heard in time and lay about is not planned after its deadline", "2026-03-10 11:05", "2026-03-13 11:01", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, tt.now)
			s.visit("V", "2026-03-10 11:00", tt.heard)
			same(t, "changes", s.reconcile(visitDay), tt.want...)
			same(t, "and again", s.reconcile(visitDay))
		})
	}
	t.Run("a fresher visit of the same day brings a late one's touches back", func(t *testing.T) {
		s := newScene(t, "2026-03-10 22:30")
		s.visit("V", "2026-03-10 09:00", "2026-03-10 22:30")
		same(t, "the late one", s.reconcile(visitDay), "thanks skipped (late-event)", "survey planned due 2026-03-11 09:00, looked at 2026-03-11 09:00")
		s.now = s.at("2026-03-10 22:40")
		s.visit("V2", "2026-03-10 20:00", "2026-03-10 22:40")
		same(t, "the fresh one", s.reconcile(visitDay), "thanks planned due 2026-03-10 22:30, looked at 2026-03-11 09:00", "survey planned due 2026-03-11 20:00, looked at 2026-03-11 20:00")
	})
}

func TestATouchThatHasBegunToLeaveIsLeftAlone(t *testing.T) {
	appointment := scenario.Subject{On: scenario.OnAppointment, ID: "A"}
	for _, state := range []dental.TouchState{dental.Claimed, dental.Sent, dental.Skipped, dental.Failed, dental.Unknown} {
		t.Run(string(state), func(t *testing.T) {
			s := newScene(t, "2026-03-10 12:00")
			s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
			s.reconcile(appointment)
			for i := range s.card.Touches {
				s.card.Touches[i].State, s.card.Touches[i].Attempts, s.card.Touches[i].Reason = state, []dental.Attempt{{ID: "a"}}, "capped"
			}
			before := slices.Clone(s.card.Touches)
			for _, change := range []func(){
				func() {},
				func() {
					s.card.Appointments[0].Reply, s.card.Appointments[0].ReplyFor = "confirm", s.card.Appointments[0].Start
				},
				func() { s.card.Appointments[0].Status = dental.Cancelled },
				func() { s.clinic.Scenarios = nil },
				func() { s.card.Patient.Status = dental.Archived },
			} {
				change()
				for _, touch := range scenario.Shipped().Reconcile(&s.clinic, &s.card, s.now, appointment) {
					if slices.ContainsFunc(before, func(b dental.Touch) bool { return b.ID() == touch.ID() }) {
						t.Errorf("%s/%s goes to %s (%s)", touch.Scenario, touch.Step, touch.State, touch.Reason)
					}
				}
			}
		})
	}
}

func TestATouchThatWasClaimedOnceIsNotPlannedAnewWhenItsFactComesBack(t *testing.T) {
	appointment := scenario.Subject{On: scenario.OnAppointment, ID: "A"}
	s := newScene(t, "2026-03-10 12:00")
	s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
	s.reconcile(appointment)
	s.card.Touches[0].Attempts = []dental.Attempt{{ID: "a", Outcome: dental.Refused}} // and planned again for the next channel
	s.card.Appointments[0].Status = dental.Cancelled
	s.now = s.at("2026-03-10 13:00")
	s.reconcile(appointment)
	s.card.Appointments[0].Status = dental.Booked
	same(t, "booked again", s.reconcile(appointment), "confirm planned due 2026-03-18 10:00, looked at 2026-03-18 10:00", "rebook cancelled (booked)")
}

func TestAHeldTouchStaysHeldWhenItsTimeChanges(t *testing.T) {
	s := newScene(t, "2026-03-10 12:00")
	s.appointment("A", "2026-03-19 14:30", "2026-03-02 12:00", dental.Booked)
	s.reconcile(scenario.Subject{On: scenario.OnAppointment, ID: "A"})
	s.card.Touches[0].State, s.card.Touches[1].State = dental.Held, dental.Queued
	s.clinic.SendTo = 14 * 60
	same(t, "changes", s.reconcile(), "reminder held due 2026-03-17 13:00, looked at 2026-03-17 13:00")
	s.clinic.Holidays = []dental.Date{on(t, "2026-03-18")}
	same(t, "changes", s.reconcile(), "confirm planned due 2026-03-17 17:00, looked at 2026-03-17 17:00")
}

// drawn is a card on which anything may have happened around a day in spring.
type drawn struct {
	*rapid.T
	clinic   *dental.Clinic
	card     *dental.Card
	now      time.Time
	subjects []scenario.Subject
}

var statuses = []dental.AppointmentStatus{dental.Booked, dental.Confirmed, dental.Cancelled, dental.Missed}

func (d *drawn) instant(what string, from, to time.Duration) time.Time {
	return d.now.Add(time.Duration(rapid.IntRange(int(from.Minutes()), int(to.Minutes())).Draw(d.T, what)) * time.Minute)
}

func (d *drawn) pick(what string, n int) int { return rapid.IntRange(0, n-1).Draw(d.T, what) }

// happen lets one thing happen to the patient, or the time pass.
func (d *drawn) happen() {
	ids := []string{"A", "B"}
	switch d.pick("what happens", 12) {
	case 0, 1, 2:
		id := ids[d.pick("appointment", 2)]
		a := d.card.Appointment(id)
		if a == nil {
			d.card.Appointments = append(d.card.Appointments, dental.Appointment{Clinic: d.clinic.ID, Patient: "P", ID: id})
			a = d.card.Appointment(id)
		}
		a.Start, a.BookedAt, a.ChangedAt = d.instant("start", -3*day, 10*day).Truncate(time.Minute), d.instant("booked", -12*day, 0), d.instant("changed", -5*day, 0)
		a.End, a.Status = a.Start.Add(30*time.Minute), statuses[d.pick("status", 4)]
		d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnAppointment, ID: id}, scenario.Subject{On: scenario.OnVisitDay, ID: d.clinic.Today(a.Start).String()})
	case 3:
		if len(d.card.Appointments) > 0 {
			a := &d.card.Appointments[d.pick("answered", len(d.card.Appointments))]
			a.Reply, a.ReplyFor = "confirm", a.Start
			d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnAppointment, ID: a.ID})
		}
	case 4, 5:
		v := dental.Visit{Clinic: d.clinic.ID, Patient: "P", ID: fmt.Sprint("V", len(d.card.Visits)), FinishedAt: d.instant("finished", -4*day, 0), AcceptedAt: d.now, Complex: d.pick("complex", 3) == 0}
		v.Day, v.Procedures = d.clinic.Today(v.FinishedAt), done(dental.Hygiene)
		if d.pick("of an appointment", 2) == 0 {
			v.AppointmentID = ids[d.pick("which", 2)]
			d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnAppointment, ID: v.AppointmentID})
		}
		d.card.Visits = append(d.card.Visits, v)
		d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnVisitDay, ID: v.Day.String()})
	case 6, 7:
		if len(d.card.Visits) > 0 {
			day := d.card.Visits[d.pick("rated", len(d.card.Visits))].Day
			a := dental.Answer{Clinic: d.clinic.ID, Patient: "P", Day: day, Rating: []dental.Rating{dental.Good, dental.Fair, dental.Bad}[d.pick("rating", 3)], NPS: -1, At: d.now}
			if stored := d.card.Answer(day); stored != nil {
				*stored = a
			} else {
				d.card.Answers = append(d.card.Answers, a)
			}
			d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnAnswer, ID: day.String()}, scenario.Subject{On: scenario.OnVisitDay, ID: day.String()})
		}
	case 8, 9:
		d.now = d.now.Add(time.Duration(rapid.IntRange(0, 3*24*60).Draw(d.T, "minutes pass")) * time.Minute)
	case 10:
		if len(d.card.Touches) > 0 { // the sender does its work
			t := &d.card.Touches[d.pick("touch", len(d.card.Touches))]
			to := []dental.TouchState{dental.Queued, dental.Claimed, dental.Sent, dental.Skipped, dental.Failed, dental.Unknown}[d.pick("goes to", 6)]
			if t.State.Open() || t.State == dental.Claimed {
				if t.To(to, "capped") == nil && to != dental.Queued && to != dental.Skipped {
					t.Attempts = append(t.Attempts, dental.Attempt{ID: "a", At: d.now})
					if to == dental.Sent {
						t.SentAt = d.now
					}
				}
				if to == dental.Failed || to == dental.Skipped {
					t.EndedAt = d.now
				}
			}
		}
	case 11:
		switch d.pick("settings", 5) {
		case 0:
			d.card.Patient.Excluded = !d.card.Patient.Excluded
		case 1:
			on := d.clinic.Scenarios["appointment"]
			on.On = !on.On
			d.clinic.Scenarios["appointment"] = on
		case 2:
			d.clinic.Scenarios["appointment"] = dental.ScenarioSettings{On: true, Steps: map[string]bool{"today": true, "booked": true}}
		case 3:
			d.clinic.SendTo = dental.TimeOfDay(15+d.pick("send to", 7)) * 60
		case 4:
			d.clinic.Holidays = append(d.clinic.Holidays, d.clinic.Today(d.now.Add(time.Duration(d.pick("holiday", 5))*day)))
		}
	}
}

func byID(list []dental.Touch) []dental.Touch {
	return slices.SortedFunc(slices.Values(list), func(a, b dental.Touch) int { return strings.Compare(a.ID(), b.ID()) })
}

func TestWhateverHappensTouchesAreInLineWithTheFactsAfterOneLook(t *testing.T) {
	cat := scenario.Shipped()
	zones := []string{"Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kamchatka"}
	counts := map[dental.TouchState]int{}
	rapid.Check(t, func(t *rapid.T) {
		cl := stagetest.Clinic()
		cl.TimeZone = zones[rapid.IntRange(0, len(zones)-1).Draw(t, "zone")]
		d := &drawn{T: t, clinic: &cl, card: &dental.Card{Patient: dental.Patient{Clinic: "demo", ID: "P"}}, now: time.Date(2026, 3, 24, 9, 0, 0, 0, time.UTC)}
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			d.subjects = nil
			d.happen()
			before := *d.card
			before.Touches = slices.Clone(d.card.Touches)
			changes := cat.Reconcile(d.clinic, d.card, d.now, d.subjects...)
			if !reflect.DeepEqual(before.Touches, d.card.Touches) {
				t.Fatal("the card's own touches were changed")
			}

			// The same facts known in another order, told twice, ask for the same.
			other := before
			other.Touches = rapid.Permutation(before.Touches).Draw(t, "touches")
			other.Appointments = rapid.Permutation(before.Appointments).Draw(t, "appointments")
			other.Visits = rapid.Permutation(before.Visits).Draw(t, "visits")
			other.Answers = rapid.Permutation(before.Answers).Draw(t, "answers")
			again := cat.Reconcile(d.clinic, &other, d.now, rapid.Permutation(append(slices.Clone(d.subjects), d.subjects...)).Draw(t, "subjects")...)
			if !reflect.DeepEqual(byID(changes), byID(again)) {
				t.Fatalf("in another order\n%+v\nis\n%+v", byID(changes), byID(again))
			}

			// The due time of a touch does not depend on when somebody looks.
			for _, later := range cat.Reconcile(d.clinic, &before, d.now.Add(hour), d.subjects...) {
				for _, c := range changes {
					if c.ID() == later.ID() && c.State.Open() && later.State.Open() && (!c.Due.Equal(later.Due) || !c.Deadline.Equal(later.Deadline)) {
						t.Fatalf("%s/%s is due %s, and an hour later %s", c.Scenario, c.Step, c.Due, later.Due)
					}
				}
			}

			for i, c := range changes {
				counts[c.State]++
				for _, o := range changes[:i] {
					if o.ID() == c.ID() {
						t.Fatalf("%s/%s changes twice: %+v and %+v", c.Scenario, c.Step, o, c)
					}
				}
				if stored := before.Touch(c.Scenario, c.Step, c.Anchor); stored != nil {
					move := *stored
					if err := move.To(c.State, c.Reason); err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(c.Attempts, stored.Attempts) {
						t.Fatalf("attempts %+v become %+v", stored.Attempts, c.Attempts)
					}
				} else if c.State != dental.Planned && c.Reason != dental.LateEvent {
					t.Fatalf("a new touch is %s (%s)", c.State, c.Reason)
				}
				switch {
				case c.State.Open():
					hours := cadence.HoursOf(d.clinic)
					evening := hours
					evening.To = 22 * 60
					leaves := c.Wake.Before(c.Deadline) // else it is looked at to be ended
					if leaves && c.Wake.Before(c.Due) || c.Wake.Before(d.now) || leaves && c.Kind == "" && !hours.Open(c.Wake) && !evening.Open(c.Wake) {
						t.Fatalf("%s/%s, due %s, is looked at %s; it is %s", c.Scenario, c.Step, c.Due, c.Wake, d.now)
					}
					if c.Reason != "" && c.State == dental.Planned && before.Touch(c.Scenario, c.Step, c.Anchor) == nil {
						t.Fatalf("a planned touch has the reason %q", c.Reason)
					}
				case c.EndedAt.IsZero(), c.EndedOn != d.clinic.Today(d.now):
					t.Fatalf("%s/%s ended %s on %s", c.Scenario, c.Step, c.EndedAt, c.EndedOn)
				default:
					for _, l := range locale.All() {
						if !l.Has("reason." + c.Reason) {
							t.Fatalf("%s/%s is %s (%s), for which there is no word", c.Scenario, c.Step, c.State, c.Reason)
						}
					}
				}
				keep(d.card, c)
			}

			// Once written, the facts ask for nothing more.
			for _, subjects := range [][]scenario.Subject{nil, d.subjects, scenario.Recent(d.clinic, d.card, d.now)[:min(1, len(scenario.Recent(d.clinic, d.card, d.now)))]} {
				for _, c := range cat.Reconcile(d.clinic, d.card, d.now, subjects...) {
					subject, _ := cat.SubjectOf(c)
					if slices.Contains(d.subjects, subject) || before.Touch(c.Scenario, c.Step, c.Anchor) != nil && before.Touch(c.Scenario, c.Step, c.Anchor).State.Open() {
						t.Fatalf("after one look another one brings %s/%s %s (%s) due %s", c.Scenario, c.Step, c.State, c.Reason, c.Due)
					}
				}
			}
		}
	})
	t.Logf("changes by state: %v", counts)
	for _, state := range []dental.TouchState{dental.Planned, dental.TouchCancelled, dental.Skipped} {
		if counts[state] < 5 {
			t.Errorf("only %d touches became %s: what happens is too tame", counts[state], state)
		}
	}
}

func TestTheSubjectsOfACardThatMayStillAskForATouch(t *testing.T) {
	s := newScene(t, "2026-03-19 12:00")
	s.appointment("ahead", "2026-05-19 14:30", "2026-03-02 12:00", dental.Booked)
	s.appointment("lately", "2026-03-06 14:30", "2026-03-02 12:00", dental.Missed)
	s.appointment("long-ago", "2026-03-01 14:30", "2026-02-02 12:00", dental.Missed)
	s.appointment("cancelled-now", "2026-03-01 14:30", "2026-02-02 12:00", dental.Cancelled, func(a *dental.Appointment) { a.ChangedAt = s.at("2026-03-18 12:00") })
	s.visit("V1", "2026-03-10 11:00", "2026-03-10 11:05")
	s.visit("V2", "2026-03-10 15:00", "2026-03-10 15:05")
	s.visit("V3", "2026-03-01 15:00", "2026-03-01 15:05")
	s.answer("2026-03-10", "2026-03-11 18:00", dental.Good, -1)
	s.answer("2026-02-10", "2026-02-11 18:00", dental.Good, -1)
	want := []scenario.Subject{{On: scenario.OnAppointment, ID: "ahead"}, {On: scenario.OnAppointment, ID: "lately"}, {On: scenario.OnAppointment, ID: "cancelled-now"},
		{On: scenario.OnVisitDay, ID: "2026-03-10"}, {On: scenario.OnClub, ID: "2026-03-10"}, {On: scenario.OnAnswer, ID: "2026-03-10"}}
	if got := scenario.Recent(&s.clinic, &s.card, s.now); !slices.Equal(got, want) {
		t.Errorf("they are %v, want %v", got, want)
	}
}
