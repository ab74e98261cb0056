package intake

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Object is the state of one object of a system of record, and the facts that
// follow from it: all of them, so that what followed from an earlier state and
// no longer does is taken back. A record that is deleted, or whose patient was
// another's by mistake, needs no thought of its own in an adapter.
type Object struct {
	// System, Kind and ID name the object; ID is of any letters, up to 200 bytes.
	// An empty System is one that is not remembered: a line of a table, whose
	// facts are judged each by its own Source.
	System string
	Kind   string
	ID     string
	// Version orders the object's states: the higher wins, an equal one with an
	// equal Body is a repeat, and with another the later receipt wins. 0 where the
	// system counts none. Body is a hash of all that the facts are made of.
	Version int64
	Body    string
	// At is when it came to this state, by the sender's clock; zero where it does not say.
	At time.Time
	// Table: it is a line of a table, which names no visits and appointments: where
	// a system of record tells of them, its word stands.
	Table bool
	// Again is when it is to be read again, since it will say more then; zero for never.
	Again time.Time
	// Gone: it was deleted. It comes to no facts any more, nor does any later word.
	Gone bool
	// Facts are all of one patient. Their Type and noun are set; clinic, source and
	// event time are given to them by Learn.
	Facts []Event
	// Unreadable is why what was said of the object cannot be read, a dental.Invalid
	// that repeats none of it; nil of one that can be. Nothing but its name is looked
	// at then: it is refused, whatever is known of it, and what is known stands.
	Unreadable error
}

// Patient is whose card the object's facts stand on, "" where it has none.
func (o Object) Patient() string {
	if len(o.Facts) == 0 {
		return ""
	}
	return o.Facts[0].PatientID()
}

// Delivery is a request in which a system of record tells something, as it arrived.
type Delivery struct {
	Header http.Header
	Query  url.Values
	Body   []byte
	At     time.Time // of the receipt
}

// Heard is what a delivery says.
type Heard struct {
	Objects []Object
	// Fetch are objects that it names without saying how they are.
	Fetch []Ref
	// Gap: something before it was lost, and the system is to be asked soon.
	Gap bool
	// Silent says why it says nothing: "heartbeat", "handshake", "own" of a
	// change that we made, "other" of an object that does not matter here.
	Silent string
	// Answer is the body that the system expects with status 200; nil for the usual one.
	Answer []byte
}

// Ref names an object of a system of record.
type Ref struct{ Kind, ID string }

// Reader reads a delivery of one system of record. It is pure. What is not of
// the system's shape, or not proven to be its own, is dental.Invalid.
type Reader func(cl *dental.Clinic, account dental.Account, d Delivery) (Heard, error)

// Dialect is how one system of record tells.
type Dialect struct {
	Read Reader
	// Largest is how many bytes one of its deliveries may have.
	Largest int64
}

// How says how facts are taken in.
type How struct {
	// Quiet: they are of the past, as an import's. Nothing leaves because of them;
	// what lies ahead of them is planned as ever. Nor do they come to figures by
	// themselves: whoever brings them leaves store.Figures, once for all.
	Quiet bool
}

// Outcome is what became of one object.
type Outcome struct {
	// News: it changed something.
	News bool
	// Err is why it was refused, a dental.Invalid or dental.Conflict; nil when it was taken.
	Err error
}

// after is how many operations a write may come to after its objects: the head,
// the milestones, a reward's job and a deferred one, and the clinic's having been heard.
const after = 10

// cost is how many operations an object may come to by itself.
func (o Object) cost(origin dental.Origin) int {
	n := 1 + 2*len(origin.Facts) // the origin, and what is taken back
	for _, f := range o.Facts {
		switch {
		case f.Card != nil:
			n += 7 // two contacts left, two joined, the number's ending, a twin, the figures' job
		case f.Appointment != nil, f.Visit != nil, f.Piece != nil:
			n += 3 // a doctor's photo and a table's word on the day, or the visit of a piece
		default:
			n++
		}
	}
	return n
}

// atOnce bounds how many objects one write looks at.
const atOnce = 8

// Learn takes objects in, in their order: as many in one write as are of one
// patient and fit. An object that cannot be taken is reported in its Outcome
// and stops no other. The error is that no more could be done just now; all of
// it may be said again.
func (in *Intake) Learn(ctx context.Context, cl *dental.Clinic, how How, now time.Time, objects ...Object) ([]Outcome, error) {
	out := make([]Outcome, len(objects))
	for i := 0; i < len(objects); {
		n := 0
		some := func(last int) error {
			return store.Retry(ctx, func(ctx context.Context) (err error) {
				n, err = in.some(ctx, cl, how, now, objects[i:last], out[i:last])
				return err
			})
		}
		err := some(len(objects))
		if errors.Is(err, table.ErrInvalid) { // more than one write holds, by itself or with those after it
			if err = some(i + 1); errors.Is(err, table.ErrInvalid) {
				out[i], n, err = Outcome{Err: &dental.Error{Kind: dental.Invalid, Field: "facts", Message: "more of them than one write holds", Err: err}}, 1, nil
			}
		}
		if err != nil {
			return out, err
		}
		i += n
	}
	return out, nil
}

// some takes in as many of the first objects as go into one write, and says how
// many these were: none after a write that only took one back from a card.
func (in *Intake) some(ctx context.Context, cl *dental.Clinic, how How, now time.Time, objects []Object, out []Outcome) (int, error) {
	tx := in.Store.Begin()
	if how.Quiet {
		tx.LeaveFigures()
	}
	objects = objects[:min(len(objects), atOnce)]
	origins, err := originsOf(ctx, tx, cl.ID, objects)
	if err != nil {
		return 0, err
	}
	d := &draft{Intake: in, tx: tx, clinic: cl, now: now, how: how, learned: true}
	patient, n := "", 0
	for ; n < len(objects); n++ {
		o, origin := objects[n], origins[n]
		if out[n] = (Outcome{Err: o.Unreadable}); o.Unreadable != nil {
			continue
		}
		again := slices.ContainsFunc(objects[:n], func(x Object) bool { return x.System != "" && x.System == o.System && x.Kind == o.Kind && x.ID == o.ID })
		full := n > 0 && tx.Size()+o.cost(origin)+after > table.MaxWrite
		if full || again || d.cards > 0 && o.tellsCard() {
			break // what it follows is to be written first
		}
		if o.old(origin) {
			continue
		}
		if out[n].Err = plausibleObject(cl, o, now); out[n].Err != nil {
			continue
		}
		owner := cmp.Or(o.Patient(), origin.Patient)
		if owner != "" && patient != "" && owner != patient {
			break
		}
		moved := o.Patient() != "" && origin.Patient != "" && o.Patient() != origin.Patient
		if moved && n > 0 {
			break // it needs a write of its own
		}
		if d.handedOver = moved; moved { // taken back from whom it was first, and looked at again
			o, owner = Object{System: o.System}, origin.Patient
		}
		if patient = cmp.Or(patient, owner); patient != "" && d.card == nil {
			if d.card, err = tx.Card(ctx, cl.ID, patient); err != nil {
				return 0, err
			}
		}
		if d.card != nil {
			if out[n].News, err = d.object(ctx, o, origin); err != nil {
				return 0, err
			}
		}
		if o.System != "" {
			if origin.Patient, origin.Facts = o.Patient(), o.facts(); !moved {
				origin.Source, origin.Gone, origin.Seen = dental.Source{Version: o.Version, Body: o.Body}, o.Gone, now
			}
			tx.Put(origin)
		}
		if moved {
			break
		}
	}
	if tx.Size() == 0 && !d.changed { // a card's head is put at the end
		return n, nil
	}
	if !how.Quiet {
		if err := heard(ctx, tx, cl, now); err != nil {
			return 0, err
		}
	}
	if d.card != nil {
		d.settle()
	}
	return n, tx.Commit(ctx)
}

// originsOf reads what is remembered of the objects; nothing of those that are not,
// or cannot be read.
func originsOf(ctx context.Context, tx *store.Tx, clinic string, objects []Object) ([]dental.Origin, error) {
	out := make([]dental.Origin, len(objects))
	var asked []dental.Origin
	var at []int
	for i, o := range objects {
		if o.System != "" && o.Unreadable == nil {
			asked, at = append(asked, dental.Origin{Clinic: clinic, System: o.System, Kind: o.Kind, ID: o.ID}), append(at, i)
		}
	}
	known, err := tx.Origins(ctx, asked...)
	for i, origin := range known {
		out[at[i]] = origin
	}
	return out, err
}

// old reports whether nothing follows from the object: a later state of it has
// been heard, or this one.
func (o Object) old(origin dental.Origin) bool {
	if o.System == "" || origin.Seen.IsZero() {
		return false
	}
	switch origin.Judge(dental.Source{Version: o.Version, Body: o.Body}) {
	case dental.Outdated, dental.Repeat:
		return true
	}
	return origin.Gone
}

// facts names the nouns that follow from the object.
func (o Object) facts() []dental.Fact {
	var out []dental.Fact
	for _, f := range o.Facts {
		out = append(out, f.fact())
	}
	return out
}

func (o Object) tellsCard() bool {
	return slices.ContainsFunc(o.Facts, func(f Event) bool { return f.Card != nil })
}

// fact names the event's noun.
func (e Event) fact() dental.Fact {
	switch {
	case e.Appointment != nil:
		return dental.Fact{Kind: dental.AppointmentFact, ID: e.Appointment.ID}
	case e.Visit != nil:
		return dental.Fact{Kind: dental.VisitFact, ID: e.Visit.ID}
	case e.Plan != nil:
		return dental.Fact{Kind: dental.PlanFact, ID: e.Plan.ID}
	case e.Payment != nil:
		return dental.Fact{Kind: dental.PaymentFact, ID: e.Payment.ID}
	case e.Piece != nil:
		return dental.Fact{Kind: dental.PieceFact, ID: e.Piece.ID}
	}
	return dental.Fact{Kind: dental.CardFact, ID: e.PatientID()}
}

// plausibleObject refuses what no part of can be taken.
func plausibleObject(cl *dental.Clinic, o Object, now time.Time) error {
	for _, f := range o.Facts {
		if !dental.ValidID(f.PatientID()) || !dental.ValidID(f.fact().ID) {
			return dental.Errorf(dental.Invalid, "id", "an id has 1 to 64 of A-Z, a-z, 0-9 and . _ : -")
		}
		if f.PatientID() != o.Patient() {
			return dental.Errorf(dental.Invalid, "patient", "one object cannot be of two patients")
		}
		if err := plausible(cl, f, now); err != nil {
			return err
		}
	}
	return nil
}

// object puts one object's facts on the card and takes back what it said before
// and no longer does. It reports whether any of it is new.
func (d *draft) object(ctx context.Context, o Object, origin dental.Origin) (news bool, err error) {
	if d.card.Patient.Erased {
		return false, nil
	}
	for _, f := range origin.Facts {
		if !slices.Contains(o.facts(), f) && d.strike(f) {
			news = true
		}
	}
	for _, f := range o.Facts {
		if f.At = cmpTime(f.At, o.At); f.At.IsZero() {
			f.At = d.now
		}
		f.Clinic = d.clinic.ID
		if o.System != "" {
			f.source(dental.Source{Version: o.Version, Body: o.Body})
			if f.Appointment != nil {
				f.Appointment.System = o.System
			}
		}
		d.remembered, d.table = o.System != "", o.Table
		changed, err := d.enter(ctx, f)
		if err != nil {
			return false, err
		}
		news = news || changed
	}
	return news, nil
}

func cmpTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// source gives the event's noun the order of the object that it follows from.
func (e *Event) source(s dental.Source) {
	switch {
	case e.Card != nil:
		if e.Card.Says != Hint {
			e.Card.Source = s
		}
	case e.Appointment != nil:
		e.Appointment.Source = s
	case e.Visit != nil:
		e.Visit.Source = s
	case e.Plan != nil:
		e.Plan.Source = s
	case e.Payment != nil:
		e.Payment.Source = s
	case e.Piece != nil:
		e.Piece.Source = s
	}
}

// strike takes a fact back: an appointment is cancelled, so that it is still
// seen that there was one, and the rest goes.
func (d *draft) strike(f dental.Fact) bool {
	switch f.Kind {
	case dental.AppointmentFact:
		a := d.card.Appointment(f.ID)
		if a == nil || a.Status == dental.Cancelled {
			return false
		}
		a.Status, a.ChangedAt, a.Source = dental.Cancelled, d.now, dental.Source{}
		if d.handedOver || !a.Start.After(d.now) {
			a.MovedTo = a.ID // the patient has cancelled nothing
		}
		d.tx.Put(*a)
		d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnAppointment, ID: a.ID}, scenario.Subject{On: scenario.OnVisitDay, ID: a.On.String()})
	case dental.VisitFact:
		v := d.card.Visit(f.ID)
		if v == nil {
			return false
		}
		d.tx.Remove(*v)
		d.subjects = append(d.subjects, visited(*v)...)
		d.card.Visits = slices.DeleteFunc(d.card.Visits, func(x dental.Visit) bool { return x.ID == f.ID })
	case dental.PlanFact:
		p := d.card.Plan(f.ID)
		if p == nil {
			return false
		}
		d.tx.Remove(*p)
		d.card.Plans = slices.DeleteFunc(d.card.Plans, func(x dental.Plan) bool { return x.ID == f.ID })
	case dental.PaymentFact:
		p := d.card.Payment(f.ID)
		if p == nil {
			return false
		}
		d.tx.Remove(*p)
		if v := d.card.Visit(p.VisitID); v != nil {
			d.subjects = append(d.subjects, scenario.Subject{On: scenario.OnClub, ID: v.Day.String()})
		}
		d.card.Payments = slices.DeleteFunc(d.card.Payments, func(x dental.Payment) bool { return x.ID == f.ID })
	case dental.PieceFact:
		p := d.card.Piece(f.ID)
		if p == nil {
			return false
		}
		d.tx.Remove(*p)
		visit := p.Visit
		d.card.Pieces = slices.DeleteFunc(d.card.Pieces, func(x dental.Piece) bool { return x.ID == f.ID })
		d.refold(visit)
	default: // who a patient is stays known; that a card is gone, its system says as a status
		return false
	}
	d.changed = true
	return true
}

// refold brings a visit in line with its pieces.
func (d *draft) refold(id string) {
	v := d.card.Visit(id)
	if v == nil {
		return
	}
	d.fold(v)
	d.tx.Put(*v)
	d.subjects = append(d.subjects, visited(*v)...)
}

// fold gives a visit what its pieces say, and what it says itself where no piece
// says it.
func (d *draft) fold(v *dental.Visit) {
	if !v.Pieced {
		v.Own = dental.VisitContent{Procedures: v.Procedures, Diagnoses: v.Diagnoses, Receipt: v.Receipt}
	}
	v.Pieced, v.Procedures, v.Diagnoses, v.Receipt = false, nil, nil, dental.Money{}
	for _, p := range d.card.Pieces {
		if p.Visit != v.ID {
			continue
		}
		v.Pieced = true
		switch {
		case p.Procedure != dental.Procedure{}:
			v.Procedures = append(v.Procedures, p.Procedure)
		case p.Diagnosis != dental.Coded{}:
			v.Diagnoses = append(v.Diagnoses, p.Diagnosis)
		case v.Receipt.IsZero() || v.Receipt.Currency == p.Amount.Currency:
			v.Receipt = dental.Money{Minor: v.Receipt.Minor + p.Amount.Minor, Currency: p.Amount.Currency}
		}
	}
	if len(v.Procedures) == 0 {
		v.Procedures = slices.Clone(v.Own.Procedures)
	}
	if len(v.Diagnoses) == 0 {
		v.Diagnoses = slices.Clone(v.Own.Diagnoses)
	}
	if v.Receipt.IsZero() {
		v.Receipt = v.Own.Receipt
	}
	if !v.Pieced {
		v.Own = dental.VisitContent{}
	}
}
