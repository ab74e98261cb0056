package outreach

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// Situation is all that deciding about a touch needs.
type Situation struct {
	Clinic *dental.Clinic
	Card   *dental.Card
	Touch  dental.Touch
	// Person is who would get the message: the patient, or a child's guardian.
	Person cadence.Person
	// Guardian says how it stands with a child's guardian: "" when the person is
	// the right one, else one of the constants.
	Guardian dental.Guardian
	// GuardianTasks are those of the guardian whom the message would go to.
	GuardianTasks []dental.Task
	// Family are the cards of others who share the person's household, for a
	// reminder that speaks of all.
	Family []*dental.Card
	// Elsewhere are the same person's cards in other clinics of the owner.
	Elsewhere []*dental.Card
	// Portrait is of the doctor whom the letter names, read once an e-mail is decided on.
	Portrait dental.Portrait
	Now      time.Time
}

// Act is what to do about a touch.
type Act string

// The acts.
const (
	Drop   Act = "drop"   // another worker has it, or it is settled
	Wait   Act = "wait"   // look again at Wake
	Skip   Act = "skip"   // a gate says no
	Cancel Act = "cancel" // the facts ask for it no longer
	Assign Act = "assign" // staff get a task
	Claim  Act = "claim"  // it leaves now
)

// Decision is what to do about a touch, and why.
type Decision struct {
	Act    Act
	Reason string
	Wake   time.Time
	// Mend: staff are asked to mend the patient's address.
	Mend bool
	// Fallback is the task that staff get in the message's place.
	Fallback dental.TaskKind
	// Want is the touch as it leaves: of another class than planned when it goes plain.
	Want scenario.Want
	// For a claim:
	Reach    *cadence.Reach
	Together []Other
}

// Other is a further appointment that a reminder speaks of.
type Other struct {
	Patient     dental.Patient
	Appointment dental.Appointment
}

// patience is how long a touch of a paused clinic, or of a patient whose card
// has not come, sleeps before it is looked at again; the card wakes it at once.
const patience = time.Hour

// Decide says what becomes of a touch that is due. It is pure.
func Decide(cat scenario.Catalogue, s Situation) Decision {
	t := s.Touch
	if !t.State.Open() || t.State == dental.Held {
		return Decision{Act: Drop}
	}
	w, wanted := cat.WantOf(s.Clinic, s.Card, t)
	if !wanted {
		return Decision{Act: Cancel, Reason: cat.Unwanted(s.Clinic, s.Card, t)}
	}
	if gone, isGone := s.Card.Patient.Gone(); isGone {
		return Decision{Act: Cancel, Reason: gone}
	}
	d := Decision{Want: w}
	wait := func(until time.Time, reason string) Decision {
		d.Act, d.Wake, d.Reason = Wait, until, reason
		if until.After(w.Touch.Deadline) {
			d.Wake = w.Touch.Deadline.Add(time.Second) // then it ends as too late
			if reason != "" {
				d.Act = Skip
			}
		}
		return d
	}
	skip := func(reason string) Decision {
		d.Act, d.Reason = Skip, reason
		return d
	}
	switch {
	case s.Now.After(w.Touch.Deadline):
		switch {
		case s.Card.Patient.Stub:
			d.Mend = true
			return skip("no-card")
		case s.Guardian == dental.GuardianAwaited && t.Kind == "":
			d.Mend = true
			return skip("no-guardian")
		case s.Clinic.Paused:
			return skip("paused")
		}
		return skip("deadline")
	case s.Now.Before(w.Touch.Due):
		return wait(scenario.Leave(s.Clinic, w, w.Touch.Due), "")
	case s.Clinic.Paused && t.Kind == "": // staff work on: somebody has to call whom no message reaches
		d = wait(s.Now.Add(patience), "")
		d.Reason = "paused"
		return d
	case hushing(s.Card.Tasks), hushing(s.GuardianTasks):
		return wait(s.Now.Add(dental.UndoFor), "")
	}
	if goesPlain(cat, s, w) {
		w = plain(w)
	}
	d.Want = w
	if reason := cat.Shut(s.Clinic, s.Card, w, s.Now); reason != "" {
		return skip(reason)
	}
	if reason := elsewhere(s, w); reason != "" {
		return skip(reason)
	}
	if t.Kind != "" {
		if leave := scenario.Leave(s.Clinic, w, s.Now); leave.After(s.Now) {
			return wait(leave, "holiday")
		}
		if home := s.Person.Home(); home != nil && t.Class != dental.Service {
			if _, refused := home.Refused(t.Class); refused {
				return skip("opted-out") // whoever asked us to stop is not called about it either
			}
		}
		d.Act = Assign
		return d
	}
	if s.Card.Patient.Stub || s.Guardian == dental.GuardianAwaited {
		return wait(s.Now.Add(patience), "")
	}
	if leave := scenario.Leave(s.Clinic, w, s.Now); leave.After(s.Now) {
		return wait(leave, "")
	}
	if s.Guardian == dental.GuardianGone || s.Guardian == dental.NoGuardian && w.Touch.Class != dental.Service {
		d.Mend = s.Guardian == dental.GuardianGone
		return skip("no-guardian")
	}
	if until := cat.MakesRoom(s.Clinic, s.Card, w, s.Now); !until.IsZero() {
		if until.After(cadence.Patience(w.Touch)) {
			return skip("outranked")
		}
		return wait(scenario.Leave(s.Clinic, w, until), "outranked")
	}
	verdict := judge(s, w)
	if unwanted := verdict.Reason == "no-consent" || verdict.Reason == "opted-out"; unwanted && w.Step.Plain && w.Touch.Class == dental.Advertising {
		w = plain(w)
		d.Want, verdict = w, judge(s, w)
	}
	switch {
	case verdict.Reach == nil && verdict.Wait.IsZero():
		d.Mend = verdict.NoWay
		if w.Step.Fallback != "" && s.Person.CallingAt() != "" && verdict.Reason != "opted-out" && verdict.Reason != "capped" {
			d.Mend, d.Fallback = false, w.Step.Fallback // a voice reaches whom no message may
		}
		return skip(verdict.Reason)
	case verdict.Reach == nil:
		return wait(verdict.Wait, verdict.Reason)
	}
	if w.Step.Reminder {
		if spokenOf(s, t) {
			return skip(dental.Combined)
		}
		d.Together = together(s, t, verdict.Reach)
	}
	d.Act, d.Reach = Claim, verdict.Reach
	return d
}

// hushing reports whether staff have pressed on one of a card's tasks that its
// patient is not to be contacted, or not on that number. The press can still be
// taken back, so it is no fact yet; until it is, or is none, nothing leaves.
func hushing(tasks []dental.Task) bool {
	return slices.ContainsFunc(tasks, func(t dental.Task) bool { return t.Pressed.Hushes() })
}

// judge asks the arbiter about the stored touch, with its attempts, as it would leave.
func judge(s Situation, w scenario.Want) cadence.Verdict {
	t := s.Touch
	t.Class = w.Touch.Class
	return cadence.Judge(s.Clinic, s.Person, cadence.Ask{Touch: t, Reminder: w.Step.Reminder, Exempt: w.Step.Exempt}, s.Now)
}

// goesPlain reports whether a touch that may go without its advertisement has
// to: whoever gets none now, a child, a patient with an open complaint or seen
// only in an emergency, is greeted all the same, and so is everybody on the
// clinic's holidays and where a clinic has no gift to give.
func goesPlain(cat scenario.Catalogue, s Situation, w scenario.Want) bool {
	if !w.Step.Plain {
		return false
	}
	return w.Step.Link == dental.GiftLink && len(s.Clinic.Gifts) == 0 || slices.Contains(s.Clinic.Holidays, s.Clinic.Today(s.Now)) ||
		cat.Shut(s.Clinic, s.Card, w, s.Now) != "" && cat.Shut(s.Clinic, s.Card, plain(w), s.Now) == ""
}

// plain is the want without its advertisement.
func plain(w scenario.Want) scenario.Want {
	w.Touch.Class, w.Variant = dental.Service, scenario.Plain
	return w
}

// elsewhere says that the person has been to another clinic of the owner since
// the fact that the touch hangs on, or is booked there; "" if not.
func elsewhere(s Situation, w scenario.Want) string {
	for _, card := range s.Elsewhere {
		if card.NextAppointment(s.Now) != nil {
			return "booked"
		}
		for _, v := range card.Visits {
			if mine := s.Card.VisitDays(s.Clinic.Location()); len(mine) > 0 && s.Clinic.Today(v.FinishedAt).After(mine[len(mine)-1]) {
				return "visited-elsewhere"
			}
		}
	}
	return ""
}

// mostTogether is how many appointments one reminder speaks of, with their
// patients counted in. A press on its page asks staff to call back about each:
// that is three items an appointment and four a patient at most, the clinic's
// CRM and the system that keeps its appointments included, in one write of at most 25.
const mostTogether = 7

// spokenOf reports whether another reminder of the household has already
// spoken of this touch's appointment.
func spokenOf(s Situation, t dental.Touch) bool {
	for _, card := range append([]*dental.Card{s.Card}, s.Family...) {
		for _, other := range card.Touches {
			left := other.State == dental.Sent || other.State == dental.Claimed || other.State == dental.Unknown
			if left && other.Step == t.Step && other.Scenario == t.Scenario && slices.Contains(other.Together, dental.About(t.Patient, t.Anchor)) {
				return true
			}
		}
	}
	return false
}

// together lists the household's other appointments of the same day that
// still stand unanswered and that no reminder has spoken of, earliest first.
// An adult's appointment is told to another by name and time alone, and not at
// all when that adult has disowned the address or refused reminders.
func together(s Situation, t dental.Touch, reach *cadence.Reach) []Other {
	mine := s.Card.Appointment(dental.AppointmentOf(t.Anchor))
	if mine == nil {
		return nil
	}
	day := s.Clinic.Today(mine.Start)
	var out []Other
	for _, card := range append([]*dental.Card{s.Card}, s.Family...) {
		if _, gone := card.Patient.Gone(); gone || card.Patient.Stub || card.Patient.Clinic != s.Clinic.ID || hushing(card.Tasks) {
			continue
		}
		ward := card.Patient.GuardianID == s.Person.ID // whom the person answers for
		if card != s.Card && !ward && !cadence.Wants(s.Clinic, card.Patient, reach.Channel, reach.Contact) {
			continue
		}
		for _, a := range card.Appointments {
			same := a.Patient == mine.Patient && a.ID == mine.ID
			if same || !a.Standing() || a.Answered() != "" || card.Attended(a.ID) || s.Clinic.Today(a.Start) != day || !a.Start.After(s.Now) {
				continue
			}
			other := t
			other.Patient, other.Anchor = a.Patient, dental.AppointmentAnchor(a)
			if own := card.Touch(t.Scenario, t.Step, other.Anchor); own != nil && len(own.Attempts) > 0 || spokenOf(s, other) {
				continue
			}
			out = append(out, Other{Patient: card.Patient, Appointment: a})
		}
	}
	slices.SortFunc(out, func(a, b Other) int { return a.Appointment.Start.Compare(b.Appointment.Start) })
	people, spoken := []string{mine.Patient}, 1
	return slices.DeleteFunc(out, func(o Other) bool {
		more := 1
		if !slices.Contains(people, o.Patient.ID) {
			more = 2
		}
		if len(people)+spoken+more > mostTogether {
			return true
		}
		if spoken++; more == 2 {
			people = append(people, o.Patient.ID)
		}
		return false
	})
}
