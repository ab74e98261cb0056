package intake

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Type names what happened, as the contract does.
type Type string

// The types of the contract.
const (
	PatientUpdated       Type = "patient.updated"
	PatientDeleted       Type = "patient.deleted"
	AppointmentBooked    Type = "appointment.booked"
	AppointmentMoved     Type = "appointment.moved"
	AppointmentConfirmed Type = "appointment.confirmed"
	AppointmentCancelled Type = "appointment.cancelled"
	AppointmentMissed    Type = "appointment.missed"
	VisitCompleted       Type = "visit.completed"
	PlanUpdated          Type = "plan.updated"
	PaymentReceived      Type = "payment.received"
)

// Types lists the types of the contract.
func Types() []Type {
	return []Type{PatientUpdated, PatientDeleted, AppointmentBooked, AppointmentMoved, AppointmentConfirmed,
		AppointmentCancelled, AppointmentMissed, VisitCompleted, PlanUpdated, PaymentReceived}
}

// Event is one thing an MIS says, in the product's own nouns: what every
// adapter of shared/mis produces and Accept takes. Exactly one of Card, Gone,
// Appointment, Visit, Plan and Payment is set, as the Type asks.
type Event struct {
	Clinic string
	// ID is the delivery's own id and Body the hash of its bytes: the same two
	// again are a repeat, the same id with another body is refused.
	ID   string
	Body string
	Type Type
	// At is when it happened by the sender's clock.
	At time.Time

	Card        *Card
	Gone        *Deletion
	Appointment *dental.Appointment // its Status follows from Type
	Visit       *dental.Visit
	Plan        *dental.Plan
	Payment     *dental.Payment
	Piece       *dental.Piece // of an Object alone
}

// Card is a patient's card as the MIS tells it; consents add to those known.
type Card struct {
	dental.Patient
	// Says is what its empty fields say, and over what the others win.
	Says Saying
	// Number and Mail are the contact data as they were spelled. Accept turns
	// them into Phone and Email, or says on the card why it cannot.
	Number string
	Mail   string
}

// Saying is how much a card says.
type Saying string

// The ways in which a card is told.
const (
	Whole Saying = ""     // an absent field is an empty one
	Known Saying = "some" // an empty field says nothing: the source does not know of it
	Hint  Saying = "hint" // said in passing, beside another object: it fills what is not known, and no more
)

// Deletion asks for a patient's erasure.
type Deletion struct {
	ID      string
	Version int64
	// Log is the line of the audit log that goes with it, of an erasure that staff
	// have asked for; zero for the MIS's.
	Log dental.LogEntry
}

// PatientID is the patient the event is about.
func (e Event) PatientID() string {
	switch {
	case e.Card != nil:
		return e.Card.ID
	case e.Gone != nil:
		return e.Gone.ID
	case e.Appointment != nil:
		return e.Appointment.Patient
	case e.Visit != nil:
		return e.Visit.Patient
	case e.Plan != nil:
		return e.Plan.Patient
	case e.Payment != nil:
		return e.Payment.Patient
	case e.Piece != nil:
		return e.Piece.Patient
	}
	return ""
}
