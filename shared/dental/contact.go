package dental

import (
	"slices"
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
}

// Member is one patient who has the address.
type Member struct{ Clinic, Patient string }

// OptOut is a refusal of one class by an address's holder, on every channel.
type OptOut struct {
	Class  Class
	At     time.Time
	Source string // "stop", "one-click"
}

// Recent is one message claimed for the address.
type Recent struct {
	Touch    string
	Clinic   string
	Patient  string
	Class    Class
	Scenario string
	Step     string
	About    string // what it was about, as the day of the appointments in a reminder
	At       time.Time
}

// memory is how long claims are kept on a contact: the longest cap's period.
const memory = 30 * 24 * time.Hour

// family is how many patients may share an address before it is taken for a
// filler: the reception's own number, typed into every card.
const family = 12

// Join makes the patient a member, or marks the address as crowded when it has
// too many.
func (c *Contact) Join(m Member) {
	switch {
	case slices.Contains(c.Members, m):
	case len(c.Members) >= family:
		c.Crowded = true
	default:
		c.Members = append(c.Members, m)
	}
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

// Refuse records the refusal of the classes.
func (c *Contact) Refuse(at time.Time, source string, classes ...Class) {
	for _, class := range classes {
		c.OptOuts = slices.DeleteFunc(c.OptOuts, func(o OptOut) bool { return o.Class == class })
		c.OptOuts = append(c.OptOuts, OptOut{Class: class, At: at, Source: source})
	}
}

// Stop is the word STOP from the address: the first ends care and advertising,
// a second ends service messages too. It returns what is refused from now on.
func (c *Contact) Stop(at time.Time) []Class {
	refused := []Class{Care, Advertising}
	if o, again := c.Refused(Care); again && o.Source == "stop" {
		refused = append(refused, Service)
	}
	c.Refuse(at, "stop", refused...)
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

// Forget takes a claim back, when it is proven that nothing was accepted.
func (c *Contact) Forget(touch string) {
	c.Recent = slices.DeleteFunc(c.Recent, func(x Recent) bool { return x.Touch == touch })
}
