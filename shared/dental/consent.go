package dental

import "time"

// Class is what a text is before the law; consent is asked for by class.
type Class string

// The classes, from what a patient always gets to what needs prior consent.
const (
	Service     Class = "service"     // about a visit that was or will be
	Care        Class = "care"        // about health, with no price or gift in it
	Advertising Class = "advertising" // a price, discount, gift, bonus or free service is in it
)

// Reminders is no class of texts. A Consent of this class says whether the
// patient wants to be reminded of an own appointment, which a refusal of
// service messages leaves alone.
const Reminders Class = "reminders"

// Classes lists them in rising need of consent.
func Classes() []Class { return []Class{Service, Care, Advertising} }

// UpTo lists what a reader refuses by refusing a message of the class: always
// care and advertising, with a service message those too, with a reminder
// reminders as well.
func UpTo(class Class) []Class {
	switch class {
	case Reminders:
		return []Class{Care, Advertising, Service, Reminders}
	case Service:
		return []Class{Care, Advertising, Service}
	}
	return []Class{Care, Advertising}
}

// Consent is one recorded decision of a patient about one class on one channel.
type Consent struct {
	Class   Class
	Channel Channel
	Granted bool
	At      time.Time
	Source  string // where it was given: "paper", "page", "one-click"
	Text    string // the wording agreed to, or its version
	By      string // the member of staff who took it down, for one on paper
}

// CareConsent says what silence about care texts means.
type CareConsent string

// The two readings of silence.
const (
	Presumed CareConsent = "presumed"
	Explicit CareConsent = "explicit"
)

// Allows reports whether a class of messages may go to those of whom no decision
// is recorded.
func (c CareConsent) Allows(class Class) bool {
	switch class {
	case Advertising:
		return false
	case Care:
		return c != Explicit
	}
	return true
}

// Consent finds the recorded decision for a class on a channel.
func (p Patient) Consent(class Class, ch Channel) (Consent, bool) {
	for _, c := range p.Consents {
		if c.Class == class && c.Channel == ch {
			return c, true
		}
	}
	return Consent{}, false
}

// Record keeps a decision unless a newer one for its class and channel stands.
func (p *Patient) Record(c Consent) {
	for i, old := range p.Consents {
		if old.Class == c.Class && old.Channel == c.Channel {
			if !c.At.Before(old.At) {
				p.Consents[i] = c
			}
			return
		}
	}
	p.Consents = append(p.Consents, c)
}

// Stand is how a patient stands to a class of messages on a channel: what is
// recorded of the patient, and what the holders of the addresses have said.
type Stand struct {
	Class Class
	// Consent is what is recorded; Recorded is false where nothing is.
	Consent  Consent
	Recorded bool
	// OptOut is the latest refusal by an address's holder, and OptedOut whether it
	// holds: a consent that was given after it ends it.
	OptOut   OptOut
	OptedOut bool
}

// Stand finds how the patient stands to a class on a channel. The contacts are
// those whose holders have a say in it; a nil one has none.
func (p Patient) Stand(class Class, ch Channel, contacts ...*Contact) Stand {
	s := Stand{Class: class}
	s.Consent, s.Recorded = p.Consent(class, ch)
	for _, c := range contacts {
		if c == nil {
			continue
		}
		o, out := c.Refused(class)
		if out && !(s.Recorded && s.Consent.Granted && s.Consent.At.After(o.At)) && !(s.OptedOut && s.OptOut.At.After(o.At)) {
			s.OptOut, s.OptedOut = o, true
		}
	}
	return s
}

// Allows reports whether such a message may be sent, in a clinic that reads
// silence about care so.
func (s Stand) Allows(silence CareConsent) bool {
	switch {
	case s.OptedOut:
		return false
	case s.Recorded:
		return s.Consent.Granted
	}
	return silence.Allows(s.Class)
}
