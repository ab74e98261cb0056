package dental

import (
	"strings"
	"time"
)

// TaskKind says what staff are asked to do.
type TaskKind string

// The kinds of the contract.
const (
	CallTask      TaskKind = "call"
	PlanTask      TaskKind = "plan"
	ConfirmTask   TaskKind = "confirm"
	ComplaintTask TaskKind = "complaint"
	FeedbackTask  TaskKind = "feedback"
	RebookTask    TaskKind = "rebook"
	CallbackTask  TaskKind = "callback"
	ContactTask   TaskKind = "contact"
	LeadTask      TaskKind = "lead"
	WakeTask      TaskKind = "wake"
	ReleaseTask   TaskKind = "release"
	UnknownTask   TaskKind = "unknown"
)

// Band is the first order of the staff's list: complaints, then what has a
// time, then calls, then whom to wake.
func (k TaskKind) Band() int {
	switch k {
	case ComplaintTask:
		return 0
	case ConfirmTask, CallbackTask, RebookTask, FeedbackTask, UnknownTask, ContactTask:
		return 1
	case WakeTask, ReleaseTask:
		return 3
	}
	return 2
}

// Task is one thing for staff to do about one patient.
type Task struct {
	Clinic   string
	Patient  string
	Kind     TaskKind
	Anchor   string // what it is about; one open task a kind and anchor
	Scenario string
	// Reason says why, in words staff understand.
	Reason string
	// Note is what the patient wrote, if anything.
	Note     string
	OpenedAt time.Time
	Due      time.Time
	// Escalates is when the manager is to know, unless somebody has taken the task.
	Escalates time.Time
	TakenAt   time.Time
	ShowDay   Date
	Value     Money // what is at stake, for the order of the list
	ClosedAt  time.Time
	ClosedOn  Date   // the clinic's date of it, for the ledger
	Outcome   string // how it was closed
	// Cause says why, where the outcome has reasons: a RefusalReason, or what a complaint was about.
	Cause string
	// By is who closed it, "" when it closed by itself.
	By string
	// Pressed is what a member of staff has just said of it, and may still take back.
	Pressed Press
	// Tries counts the calls that nobody answered, and TriedAt is the last of them.
	Tries   int
	TriedAt time.Time
	// Calling is who is on the phone about it, since CallingAt, so that the others
	// are not: the name to show, and the Staff's Key to tell them by.
	Calling    string
	CallingKey string
	CallingAt  time.Time
	// TakenBy is who took it, at TakenAt. CalledAt is when the patient was spoken to.
	TakenBy  string
	CalledAt time.Time
	// Decision is what was promised to a patient who complained, and Content
	// whether that contented them: "yes", "no" or "".
	Decision string
	Content  string
	// Times counts what joined it: 2 is a second bad answer.
	Times int
	// CRM is what the clinic's own CRM calls the task; "" while it has none there.
	CRM string
}

// HeldDays is how many days a batch waits for a person; then it is not sent any more.
const HeldDays = 3

// BatchAnchor names a day's batch of a scenario, as a task about it does.
func BatchAnchor(scenario string, day Date) string { return day.String() + "." + scenario }

// BatchOf takes a BatchAnchor apart.
func BatchOf(anchor string) (day Date, scenario string, ok bool) {
	on, scenario, ok := strings.Cut(anchor, ".")
	day, err := ParseDate(on)
	return day, scenario, ok && err == nil
}

// ID is the task's public name.
func (t Task) ID() string { return TouchID(t.Clinic, t.Patient, "task", string(t.Kind), t.Anchor) }

// Open reports whether it is still to be done.
func (t Task) Open() bool { return t.ClosedAt.IsZero() }

// State is what the list shows: open, taken, escalated or closed.
func (t Task) State(now time.Time) string {
	switch {
	case !t.Open():
		return "closed"
	case !t.TakenAt.IsZero():
		return "taken"
	case !t.Escalates.IsZero() && !now.Before(t.Escalates):
		return "escalated"
	}
	return "open"
}

// Close ends the task with how it was settled; a closed one stays as it is.
func (t *Task) Close(cl *Clinic, outcome string, at time.Time) {
	if t.Open() {
		t.ClosedAt, t.ClosedOn, t.Outcome = at, cl.Today(at), outcome
	}
}
