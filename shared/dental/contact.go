package dental

import (
	"slices"
	"strings"
	"time"
)

// Contact is one phone or address inside one owner's clinics: who shares it,
// what its holder refused, and what was sent to it lately.
type Contact struct {
	// Key is the keyed hash that stands for the address; the address is nowhere in it.
	Key     string
	Members []Member
	// Crowded: more patients have the address than a family has members. It is
	// somebody's filler, and nothing is sent there.
	Crowded bool
	// OptOuts are refusals of whoever holds the address.
	OptOuts []OptOut
	// Suppressed says why nothing can be delivered there, "" if it can.
	Suppressed   string
	SuppressedAt time.Time
	// Recent are the claims of the last 30 days, for the caps.
	Recent []Recent
	// Lead is who recommended the clinic to the holder before the clinic knew
	// them; zero when nobody did.
	Lead Lead
}

// Lead is a recommendation that has arrived: the patient who made it, and when
// the friend left this address.
type Lead struct {
	Clinic  string
	Patient string
	At      time.Time
}

// Live reports whether somebody has recommended the clinic to the address's
// holder so lately that a first visit is still rewarded.
func (l Lead) Live(now time.Time) bool { return l.Patient != "" && now.Before(l.At.Add(LeadLife)) }

// By reports whether the patient is who made the recommendation.
func (l Lead) By(m Member) bool { return m == Member{l.Clinic, l.Patient} }

// Member is one patient who has the address.
type Member struct{ Clinic, Patient string }

// Seen names the patient to a clinic of the same owner: by the id, and before it
// by the clinic where that is another one ("north/P-77"); no id has a slash.
func (m Member) Seen(from string) string {
	if m.Clinic == from {
		return m.Patient
	}
	return m.Clinic + "/" + m.Patient
}

// SeenMember is the patient whom Seen has named to the clinic.
func SeenMember(from, name string) Member {
	if clinic, patient, other := strings.Cut(name, "/"); other {
		return Member{clinic, patient}
	}
	return Member{from, name}
}

// OptOut is a refusal of one class by an address's holder, on every channel.
type OptOut struct {
	Class  Class
	At     time.Time
	Source string // "stop", "one-click", "complaint"
	// Message is the id of the inbound message that said so, if one did: the
	// same message taken twice is one refusal.
	Message string
}

// Recent is one message claimed for the address.
type Recent struct {
	Touch    string
	Clinic   string
	Patient  string
	Class    Class
	Scenario string
	Step     string
	Reminder bool // of an own appointment: no ceiling counts it
	At       time.Time
}

// memory is how long claims are kept on a contact: the longest cap's period.
const memory = 30 * 24 * time.Hour

// family is how many patients may share an address before it is taken for a
// filler: the reception's own number, typed into every card.
const family = 12

// Join makes the patient a member, or marks the address as crowded when it has
// too many, and reports whether it has changed anything.
func (c *Contact) Join(m Member) bool {
	switch {
	case slices.Contains(c.Members, m), c.Crowded && len(c.Members) >= family:
		return false
	case len(c.Members) >= family:
		c.Crowded = true
	default:
		c.Members = append(c.Members, m)
	}
	return true
}

// Leave takes the patient out.
func (c *Contact) Leave(m Member) {
	c.Members = slices.DeleteFunc(c.Members, func(x Member) bool { return x == m })
}

// Refused finds the refusal of a class, if there is one.
func (c *Contact) Refused(class Class) (OptOut, bool) {
	for _, o := range c.OptOuts {
		if o.Class == class {
			return o, true
		}
	}
	return OptOut{}, false
}

// Refuse records the refusal of the classes; Reminders may be among them.
func (c *Contact) Refuse(at time.Time, source string, classes ...Class) {
	c.refuse(OptOut{At: at, Source: source}, classes)
}

func (c *Contact) refuse(o OptOut, classes []Class) {
	for _, o.Class = range classes {
		c.OptOuts = slices.DeleteFunc(c.OptOuts, func(x OptOut) bool { return x.Class == o.Class })
		c.OptOuts = append(c.OptOuts, o)
	}
}

// Stop is the word STOP in an inbound message: the first ends care and
// advertising, a second one ends everything, reminders included. The same
// message again is the same STOP. It returns what this message refuses.
func (c *Contact) Stop(at time.Time, message string) []Class {
	refused := []Class{Care, Advertising}
	first, again := c.Refused(Care)
	if again && first.Source == "stop" {
		if first.Message == message {
			refused = nil
			for _, o := range c.OptOuts {
				if o.Source == "stop" && o.Message == message {
					refused = append(refused, o.Class)
				}
			}
			return refused
		}
		refused = append(refused, Service, Reminders)
	}
	c.refuse(OptOut{At: at, Source: "stop", Message: message}, refused)
	return refused
}

// Note keeps a claim and forgets those that no cap looks at any more. One
// touch over two channels counts once.
func (c *Contact) Note(r Recent) {
	c.Recent = slices.DeleteFunc(c.Recent, func(x Recent) bool {
		return x.Touch == r.Touch || r.At.Sub(x.At) > memory
	})
	c.Recent = append(c.Recent, r)
}

// Forgotten takes a patient out, claims and all, and reports whether there was anything to take.
func (c *Contact) Forgotten(m Member) bool {
	before := len(c.Members) + len(c.Recent)
	c.Leave(m)
	c.Recent = slices.DeleteFunc(c.Recent, func(x Recent) bool { return x.Clinic == m.Clinic && x.Patient == m.Patient })
	return len(c.Members)+len(c.Recent) < before
}

// Forget takes a claim back, when it is proven that nothing was accepted.
func (c *Contact) Forget(touch string) {
	c.Recent = slices.DeleteFunc(c.Recent, func(x Recent) bool { return x.Touch == touch })
}
