package dental

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TouchState is where a touch stands on its way.
//
//	held ──► planned ──► queued ──► claimed ──► sent
//	   │        │           │          ├──────► failed
//	   └────────┴───────────┤          └──────► unknown ──► sent, failed
//	                        └──► skipped, cancelled
//
// Cancelled: a fact changed before the claim. Skipped: a gate said no at the
// claim. Unknown: the provider's answer was lost; it may settle once. All the
// moves there are:
//
//	held      → planned skipped cancelled
//	planned   → planned queued claimed sent skipped cancelled
//	queued    → planned queued claimed sent skipped cancelled
//	claimed   → sent failed unknown planned
//	unknown   → sent failed planned
//	sent      → failed planned
//	cancelled → planned held skipped
//	skipped   → planned held
//
// An open touch is planned again when its time changes, and sent without a
// claim when it becomes a task. A proven refusal or non-delivery leads back to
// planned, so that the next attempt is claimed like the first. What is
// cancelled or skipped comes back only if it was never claimed, and of the
// skipped only a LateEvent and what was Combined.
type TouchState string

// The states of a touch.
const (
	Held           TouchState = "held"
	Planned        TouchState = "planned"
	Queued         TouchState = "queued"
	Claimed        TouchState = "claimed"
	Sent           TouchState = "sent"
	Skipped        TouchState = "skipped"
	Failed         TouchState = "failed"
	TouchCancelled TouchState = "cancelled"
	Unknown        TouchState = "unknown"
)

// moves lists where a touch may go from each state, as TouchState's comment does.
var moves = map[TouchState][]TouchState{
	Held:           {Planned, Skipped, TouchCancelled},
	Planned:        {Planned, Queued, Claimed, Sent, Skipped, TouchCancelled},
	Queued:         {Planned, Queued, Claimed, Sent, Skipped, TouchCancelled},
	Claimed:        {Sent, Failed, Unknown, Planned},
	Unknown:        {Sent, Failed, Planned},
	Sent:           {Failed, Planned},
	TouchCancelled: {Planned, Held, Skipped},
	Skipped:        {Planned, Held},
}

// The reasons for skipping a touch that may be planned anew.
const (
	// LateEvent: its fact came too late for it. A fresher fact brings it back.
	LateEvent = "late-event"
	// Combined: another reminder speaks of its appointment. It comes back when that one fails.
	Combined = "combined"
)

// Open reports whether the touch may still leave.
func (s TouchState) Open() bool { return s == Held || s == Planned || s == Queued }

// Final reports whether nothing is due for the touch any more.
func (s TouchState) Final() bool { return !s.Open() && s != Claimed }

// Touch is one message, or one staff task, for one patient for one reason.
type Touch struct {
	Clinic   string
	Patient  string
	Scenario string
	Step     string
	// Anchor is the fact that the touch hangs on: a day, an appointment and its start.
	Anchor string
	Class  Class
	// Kind is the task a touch of staff becomes, "" for a message.
	Kind     TaskKind
	State    TouchState
	Reason   string // why it was skipped, cancelled or failed
	Priority int    // 0 leaves first among what is due at the same time
	// Due is when the touch should leave; Wake is when the machine looks at it
	// next: the due key. Deadline is when it is too late.
	Due      time.Time
	Wake     time.Time
	Deadline time.Time
	// PlannedAt is when the touch was first planned.
	PlannedAt time.Time
	// TakenUp is when a touch was taken up whose day had passed by more than the
	// days that are caught up by themselves: out of a backlog. Its times count from there.
	TakenUp time.Time
	// Backlog: held until its scenario's backlog comes to it, not for a person's release.
	Backlog bool
	// HeldOn is the clinic's date of the batch that a held touch belongs to, and
	// Value what is at stake with the patient: the order inside it.
	HeldOn   Date
	Value    Money
	Attempts []Attempt
	// What left:
	Channel     Channel
	SentAt      time.Time
	DeliveredAt time.Time
	Parts       int
	// Price is what the attempts cost that were accepted, at the clinic's price of that time.
	Price Money
	// EndedAt is when it came to its end, and EndedOn the clinic's date of it, for the ledger.
	EndedAt time.Time
	EndedOn Date
	// Links are the hashes of the links the message carries, so that they can be revoked.
	Links []string
	// Together names the appointments that one reminder speaks of, as patient/appointment.
	Together []string
}

// Attempt is one try to hand a touch to one channel's provider.
type Attempt struct {
	ID         string
	Channel    Channel
	Address    string // the contact's key, never the address itself
	Household  string // the key of the contact that the caps are counted on
	At         time.Time
	Until      time.Time // when an unanswered claim becomes unknown
	Outcome    Outcome
	Detail     string
	ProviderID string
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes. Empty is "claimed, not answered yet".
const (
	Accepted    Outcome = "accepted"
	Refused     Outcome = "refused"     // proven not accepted
	Deferred    Outcome = "deferred"    // proven not accepted just now: the same channel may take it later
	Lost        Outcome = "lost"        // nobody knows
	Delivered   Outcome = "delivered"   // proven to have arrived
	Undelivered Outcome = "undelivered" // accepted, and proven not to have arrived
)

// TouchID is the public name of a touch: the first 128 bits of
// SHA-256(clinic, patient, scenario, step, anchor), base64url.
func TouchID(clinic, patient, scenario, step, anchor string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{clinic, patient, scenario, step, anchor}, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// ID is the touch's public name.
func (t Touch) ID() string { return TouchID(t.Clinic, t.Patient, t.Scenario, t.Step, t.Anchor) }

// To moves the touch to a state, with the reason for it, or explains why it cannot.
func (t *Touch) To(state TouchState, reason string) error {
	ended := t.State == TouchCancelled || t.State == Skipped
	forGood := len(t.Attempts) > 0 || t.State == Skipped && t.Reason != LateEvent && t.Reason != Combined
	if ended && forGood || !slices.Contains(moves[t.State], state) {
		return Errorf(Conflict, "", "touch %s/%s cannot go from %s to %s", t.Scenario, t.Step, t.State, state)
	}
	t.State, t.Reason = state, reason
	return nil
}

// Attempt finds an attempt by its id, or nil.
func (t *Touch) Attempt(id string) *Attempt {
	return find(t.Attempts, func(a *Attempt) bool { return a.ID == id })
}

// Last is the latest attempt, or nil.
func (t *Touch) Last() *Attempt {
	if len(t.Attempts) == 0 {
		return nil
	}
	return &t.Attempts[len(t.Attempts)-1]
}

// Tried reports whether a channel was already claimed for this touch, and not
// merely asked to wait.
func (t *Touch) Tried(ch Channel) bool {
	return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.Channel == ch && a.Outcome != Deferred })
}

// anchorTime is how an AppointmentAnchor spells its start, in UTC.
const anchorTime = "20060102T150405Z"

// AppointmentAnchor ties a touch to one appointment at one time.
func AppointmentAnchor(a Appointment) string {
	return fmt.Sprintf("%s@%s", a.ID, a.Start.UTC().Format(anchorTime))
}

// About names one patient's appointment at its time, in Touch.Together and Link.Also.
func About(patient, anchor string) string { return patient + "/" + anchor }

// AppointmentOf is the id inside an AppointmentAnchor, "" in any other anchor:
// no id has an "@" in it, and no anchor but this one.
func AppointmentOf(anchor string) string {
	i := strings.LastIndexByte(anchor, '@')
	if i < 0 {
		return ""
	}
	return anchor[:i]
}

// StartOf is the start inside an AppointmentAnchor, zero in any other anchor.
func StartOf(anchor string) time.Time {
	start, err := time.Parse(anchorTime, anchor[strings.LastIndexByte(anchor, '@')+1:])
	if err != nil {
		return time.Time{}
	}
	return start
}

// PlanAnchor ties a touch to a plan as it stands after its last activity.
func PlanAnchor(plan string, day Date) string { return plan + ":" + day.String() }
