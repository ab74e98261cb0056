package dental

import "time"

// Press is one word of staff on a task. It takes effect when the time to take
// it back is over.
type Press struct {
	ID      string // of the press: the same one twice is one
	Outcome string // one of the outcomes below
	Cause   string // a RefusalReason, or a ComplaintCause
	Note    string // a complaint's decision
	Content string // whether it contented the patient: "yes" or "no"
	On      Date   // a date that was agreed on, or the day on which the task comes back
	By      string
	At      time.Time
}

// The outcomes that a press may have. Those that close a task are its Outcome then.
const (
	PressBooked      = "booked"        // the visit is in the MIS, or will be at once
	PressAgreed      = "agreed"        // a date to come back by was agreed on
	PressNoAnswer    = "no-answer"     // nobody answered
	PressLater       = "later"         // to be called again on a day
	PressRefused     = "refused"       // for a RefusalReason
	PressWrongNumber = "wrong-number"  // the number is somebody else's
	PressNever       = "never-contact" // neither messages nor calls
	PressConfirmed   = "confirmed"     // the appointment stands
	PressMove        = "move"          // the appointment is to be moved in the MIS
	PressCancel      = "cancel"        // the appointment is to be cancelled in the MIS
	PressTalked      = "talked"
	PressMended      = "mended"      // the card was put right in the MIS
	PressNotFound    = "not-found"   // there is no other way to reach the patient
	PressNotReached  = "not-reached" // given up
	PressArrived     = "arrived"     // the message had come
	PressNotArrived  = "not-arrived" // the message never came
	PressTaken       = "taken"       // somebody sees to a complaint
	PressCalled      = "called"      // the patient who complained was spoken to
	PressClosed      = "closed"      // the complaint is settled
	PressReleased    = "released"    // the batch may leave
)

// Hushes reports whether the press keeps messages from the patient, or from the
// number, once it has taken effect.
func (p Press) Hushes() bool { return p.Outcome == PressNever || p.Outcome == PressWrongNumber }

// UndoFor is how long a press can be taken back.
const UndoFor = 10 * time.Second

// CallingFor is how long a call that somebody has announced keeps the others off.
const CallingFor = 10 * time.Minute

// CallingNow is who is on the phone about the task at the instant, "" for nobody.
func (t Task) CallingNow(at time.Time) string {
	if t.Calling == "" || at.Sub(t.CallingAt) >= CallingFor {
		return ""
	}
	return t.Calling
}
