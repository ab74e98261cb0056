package dental

import (
	"slices"
	"time"
)

// The systems of record that a clinic may have an account with, the keys of
// Clinic.Accounts: what they tell comes under their name.
const (
	YClients   = "yclients" // and Altegio, which is the same system abroad
	SQNS       = "sqns"     // 1Denta
	Renovatio  = "renovatio"
	FHIR       = "fhir" // HL7 FHIR R4
	OpenDental = "opendental"
)

// Systems lists the systems of record that the product knows by name, in the
// order in which a clinic chooses among them. Bitrix24 is one as well: it is
// told of tasks and tells of deals.
func Systems() []string { return []string{YClients, SQNS, Renovatio, FHIR, OpenDental, Bitrix24} }

// Fact names one noun on a patient's card.
type Fact struct {
	Kind FactKind
	ID   string
}

// FactKind is a kind of noun that an MIS tells of.
type FactKind string

// The kinds of fact.
const (
	CardFact        FactKind = "patient"
	AppointmentFact FactKind = "appointment"
	VisitFact       FactKind = "visit"
	PlanFact        FactKind = "plan"
	PaymentFact     FactKind = "payment"
	PieceFact       FactKind = "piece"
)

// Origin is what the product remembers of one object of a system of record:
// which state of it was last heard, and what followed from that. An object that
// comes to belong to another patient, or says less than before, so takes back
// what it had said.
type Origin struct {
	Clinic  string
	System  string // a name of Systems
	Kind    string // the vendor's word for such objects: "record", "client"
	ID      string
	Patient string // on whose card the Facts stand; "" for none
	Facts   []Fact
	// Gone: the object was deleted, and no later word brings it back.
	Gone bool
	// Seen is when its present state was heard.
	Seen time.Time
	Source
}

// Piece is a part of a visit that a system of record tells by itself, before or
// after the visit: what was done, what was found, what it cost. A visit has from
// pieces whichever of the three there are pieces of, and the others from itself.
type Piece struct {
	Clinic    string
	Patient   string
	Visit     string
	ID        string
	Procedure Procedure // one of the three is set
	Diagnosis Coded
	Amount    Money
	Source
}

// Pulled is how a clinic stands with a system of record: how far it has been
// asked what has changed, and when it last told something by itself.
type Pulled struct {
	Clinic string
	System string
	Cursor string // the adapter's own: where the next question begins
	At     time.Time
	// Problem is why it cannot be asked, since Failing; "" when it can. It is for
	// the log; Mend says that nothing but a change of the account will help.
	Problem string
	Failing time.Time
	Mend    bool
	// Next is when it is asked again, Tries how often it failed in a row.
	Next  time.Time
	Tries int
	// Heard is when it last told something by itself, to within a few minutes.
	Heard time.Time
	// Unread is what was wrong with the last delivery that could not be read, at UnreadAt.
	Unread   string
	UnreadAt time.Time
	// Refused is how many of the objects that it gave when it was last asked could
	// not be taken in, the last of them at RefusedAt; one given twice counts
	// twice. RefusedKind and RefusedID are the vendor's names of the first.
	Refused     int
	RefusedKind string
	RefusedID   string
	RefusedAt   time.Time
}

// SameBase reports whether two accounts with a system of record lead to the same
// patients: to one company, at one server. Where nothing but a key says whose
// base it opens, another key is another base.
func SameBase(system string, a, b Account) bool {
	var settings, secrets []string
	switch system {
	case YClients:
		settings = []string{"company", "url"}
	case SQNS:
		settings = []string{"org", "url"}
	case Renovatio:
		settings, secrets = []string{"url"}, []string{"key"}
	case FHIR:
		settings = []string{"url"}
	case OpenDental:
		settings, secrets = []string{"url"}, []string{"customer"}
	case Bitrix24:
		settings = []string{"portal"}
	}
	return !slices.ContainsFunc(settings, func(name string) bool { return a.Settings[name] != b.Settings[name] }) &&
		!slices.ContainsFunc(secrets, func(name string) bool { return a.Secrets[name] != b.Secrets[name] })
}

// TakesAnswers reports whether a system of record can be told what a patient
// has said of an appointment: whether its adapter is a pull.Confirmer.
func TakesAnswers(system string) bool {
	return system == YClients || system == SQNS || system == OpenDental
}

// KindRule says of what kind procedures are whose code begins with Code, or
// whose name has Name in it, whatever its case. After WholeRule either is the
// whole of it. The first rule that fits counts.
type KindRule struct {
	Code string
	Name string
	Kind ProcedureKind
}

// WholeRule stands before the Code or the Name of a KindRule that is the whole of
// what it is compared with: "=Зуб" is not every procedure with a tooth in its name.
const WholeRule = "="
