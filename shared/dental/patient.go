package dental

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Channel is a way to reach a patient.
type Channel string

// The channels.
const (
	SMS       Channel = "sms"
	Mail      Channel = "email"
	WhatsApp  Channel = "whatsapp"
	StaffTask Channel = "task" // not a message: staff act
)

// Channels lists the ways a message can take.
func Channels() []Channel { return []Channel{SMS, Mail, WhatsApp} }

// PatientStatus says whether the clinic still has the patient.
type PatientStatus string

// The states of a card. Everything but active ends all journeys at once.
const (
	Active   PatientStatus = "active"
	Archived PatientStatus = "archived"
	Moved    PatientStatus = "moved"
	Deceased PatientStatus = "deceased"
)

// Patient is the card's head: who it is, how to reach them and what they agreed to.
type Patient struct {
	Clinic string
	ID     string
	// Stub is set while only others' events have named the patient and no card has come.
	Stub       bool
	FamilyName string
	GivenName  string
	MiddleName string
	Phone      Phone
	// PhoneIssue says why the number the MIS gave cannot be used ("malformed",
	// "extension", "several", "toll-free"); Phone is empty then.
	PhoneIssue  string
	PhoneRegion string // ISO 3166-1 alpha-2 of the number, "RU"
	Landline    bool   // no SMS reaches the number
	Email       Email
	BirthDate   Date
	Sex         string // female, male or ""
	Language    string // "ru", "en" or "" for the clinic's
	Status      PatientStatus
	DoctorID    string
	GuardianID  string
	Consents    []Consent // at most one a class and channel, the newest
	Preferred   Channel
	// NotMe are addresses whose holder said that they are not this patient.
	NotMe    []string
	Excluded bool // by the desk
	// Told is what the MIS last said of the status where staff have marked a
	// patient as deceased; "" where the Status is the MIS's own word.
	Told PatientStatus
	// Disputed: staff have marked the case. Until they lift it there is no
	// advertising, no review, no invitation of friends, nor a care text.
	Disputed bool
	// ReturnOn is a date to come back by that was agreed on at the desk, at
	// ReturnAgreed: it stands until a later visit.
	ReturnOn     Date
	ReturnAgreed time.Time
	// InvitedBy is the patient who recommended the clinic, as Member.Seen names
	// one, and Invitation the key of the address that was left then: together
	// they name the Referral.
	InvitedBy  string
	Invitation string
	// Table: all that is known of the card is from imported tables, in which the
	// latest wins; what any other source has told, a table does not change.
	Table bool
	// BroughtIn is when facts of the past were last brought in for the patient:
	// what had opened by the morning before comes up as backlog or not at all.
	BroughtIn time.Time
	// Version and Body order the MIS's own cards: see Source.
	Source
	Erased   bool
	ErasedAt time.Time
	// Changes counts the facts and consents ever written for this patient.
	Changes int64
}

// Source orders what a system of record says about one object. The higher
// version wins; an equal one with an equal body is a repeat, with another body
// the later receipt wins.
type Source struct {
	Version int64
	Body    string // hash of the object as it was sent
}

// Judgement is what Source.Judge says of an arriving object.
type Judgement int

// An arriving object is news, the same again, outdated, or contradicts what
// was said under the same version (and wins, and is logged).
const (
	News Judgement = iota
	Repeat
	Outdated
	Contradiction
)

// Judge compares what arrives with what is stored. The zero stored Source is "nothing yet".
func (stored Source) Judge(arriving Source) Judgement {
	switch {
	case stored.Body == "" || arriving.Version > stored.Version:
		return News
	case arriving.Version < stored.Version:
		return Outdated
	case arriving.Body == stored.Body:
		return Repeat
	}
	return Contradiction
}

// Gone reports whether nothing may be sent to the patient any more, and why:
// "erased", "excluded", "archived", "moved" or "deceased".
func (p Patient) Gone() (reason string, gone bool) {
	switch {
	case p.Erased:
		return "erased", true
	case p.Excluded:
		return "excluded", true
	case p.Status != "" && p.Status != Active:
		return string(p.Status), true
	}
	return "", false
}

// MarkDeceased keeps a death that staff have heard of before the MIS has.
func (p *Patient) MarkDeceased() {
	if p.Status != Deceased {
		p.Told, p.Status = p.Status, Deceased
		if p.Told == "" {
			p.Told = Active
		}
	}
}

// MarkLiving takes MarkDeceased back. It does nothing to what the MIS itself says.
func (p *Patient) MarkLiving() {
	if p.Told != "" {
		p.Status, p.Told = p.Told, ""
	}
}

// Succeed carries a death that staff have marked over to a newer card of the
// MIS, which repeats its own status in each. The mark stands until the MIS
// knows of the death itself, or makes a patient active whom it has called
// archived or moved since.
func (p *Patient) Succeed(was Patient) {
	revived := p.Status == Active && was.Told != Active
	if was.Told != "" && p.Status != Deceased && !revived {
		p.Told, p.Status = p.Status, Deceased
	}
}

// Minor reports whether the patient is under 18 on the day.
func (p Patient) Minor(day Date) bool {
	return !p.BirthDate.IsZero() && p.BirthDate.AgeOn(day) < 18
}

// Uncalled reports whether the patient wants no calls, and since when: a refusal
// of care on the channel of staff.
func (p Patient) Uncalled() (since time.Time, refused bool) {
	c, recorded := p.Consent(Care, StaffTask)
	return c.At, recorded && !c.Granted
}

// Address is where a channel reaches the patient, "" when it cannot.
func (p Patient) Address(ch Channel) string {
	switch ch {
	case SMS, WhatsApp:
		return string(p.Phone)
	case Mail:
		return string(p.Email)
	}
	return ""
}

// Household is the address under which caps and family reminders are counted:
// the phone, else the e-mail, whichever channel is used.
func (p Patient) Household() string {
	if p.Phone != "" {
		return string(p.Phone)
	}
	return string(p.Email)
}

// Format keeps the person out of every verb.
func (p Patient) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "patient "+p.ID) }

// LogValue keeps the person out of logs.
func (p Patient) LogValue() slog.Value { return slog.StringValue("patient " + p.ID) }
