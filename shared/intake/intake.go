// Package intake turns what an MIS says into facts about a patient, and facts
// into milestones, first-day touches and cancellations, all in one write.
//
// It is where duplicates, reordering, corrections and deletions end: the
// delivery's id makes a repeat harmless, each object's own version makes the
// order of deliveries irrelevant, and a deleted patient stays deleted.
package intake

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Intake accepts events.
type Intake struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Phones    Phones
	Log       *slog.Logger
}

// Phones reads a number as it was spelled, in a country that numbers without a
// prefix belong to. issue is "" for a number, "empty" for nothing at all, else
// what stands in dental.Patient.PhoneIssue.
type Phones func(spelled, country string) (number dental.Phone, region string, mobile bool, issue string)

// Accept stores an event with all that follows from it, in one write, and
// reports whether it was a repeat of a delivery already accepted. The same id
// with another body is a Conflict, a fact that contradicts the clinic's
// settings is Invalid, and too much at once is Unavailable: nothing is stored
// then.
func (in *Intake) Accept(ctx context.Context, cl *dental.Clinic, ev Event, now time.Time) (repeat bool, err error) {
	if err := plausible(cl, ev, now); err != nil {
		return false, err
	}
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := in.Store.Begin()
		seen, err := tx.Event(ctx, cl.ID, ev.ID)
		if err != nil {
			return err
		}
		if repeat = seen.ID != ""; repeat {
			if seen.Body != ev.Body {
				return dental.Errorf(dental.Conflict, "webhook-id", "this webhook-id was used for another body")
			}
			return nil
		}
		card, err := tx.Card(ctx, cl.ID, ev.PatientID())
		if err != nil {
			return err
		}
		tx.Put(store.Event{Clinic: cl.ID, ID: ev.ID, Body: ev.Body, At: now})
		if err := heard(ctx, tx, cl, now); err != nil {
			return err
		}
		d := &draft{Intake: in, tx: tx, clinic: cl, card: card, now: now}
		if _, err := d.enter(ctx, ev); err != nil {
			return err
		}
		d.settle()
		return tx.Commit(ctx)
	})
	return repeat, err
}

// deaf is how long after an event the clinic is not noted to have been heard
// again: its item is not written with each one.
const deaf = 2 * time.Hour

// heard notes that the clinic's MIS has told something.
func heard(ctx context.Context, tx *store.Tx, cl *dental.Clinic, now time.Time) error {
	if now.Sub(cl.HeardAt) < deaf {
		return nil
	}
	fresh, err := tx.Clinic(ctx, cl.ID) // the one at hand may be older
	if err != nil {
		return err
	}
	if now.Sub(fresh.HeardAt) >= deaf {
		fresh.HeardAt = now
		tx.Put(*fresh)
	}
	return nil
}

// clockSkew is how far a sender's clock may be ahead of ours where a later time
// would win over what the patient says next.
const clockSkew = 5 * time.Minute

// plausible refuses what only the clinic's settings and the clock can tell to be wrong.
func plausible(cl *dental.Clinic, ev Event, now time.Time) error {
	const ahead = 24 * time.Hour
	currency := func(field string, m dental.Money) error {
		if !m.IsZero() && cl.Currency != "" && m.Currency != cl.Currency {
			return dental.Errorf(dental.Invalid, field, "the clinic's currency is %s, not %s", cl.Currency, m.Currency)
		}
		return nil
	}
	switch {
	case ev.Card != nil:
		for i, c := range ev.Card.Consents {
			if c.At.After(now.Add(clockSkew)) {
				return dental.Errorf(dental.Invalid, fmt.Sprintf("data.consents[%d].at", i), "a consent cannot have been given in the future")
			}
		}
	case ev.Visit != nil:
		if ev.Visit.FinishedAt.After(now.Add(ahead)) {
			return dental.Errorf(dental.Invalid, "data.finishedAt", "a visit cannot have finished in the future")
		}
		return currency("data.receipt.currency", ev.Visit.Receipt)
	case ev.Payment != nil:
		return currency("data.amount.currency", ev.Payment.Amount)
	case ev.Plan != nil:
		for i, s := range ev.Plan.Stages {
			if err := currency(fmt.Sprintf("data.stages[%d].price.currency", i), s.Price); err != nil {
				return err
			}
		}
	}
	return nil
}

// draft is what is said of one patient on its way into the state.
type draft struct {
	*Intake
	tx     *store.Tx
	clinic *dental.Clinic
	card   *dental.Card
	event  Event
	now    time.Time
	how    How
	// learned: what is entered are facts of an Object. remembered: of one whose
	// order is known already, so that no noun is judged again.
	learned    bool
	remembered bool
	// table: the object is a line of a table. handedOver: its facts go over to another patient.
	table      bool
	handedOver bool

	// What the events entered so far have changed.
	changed  bool
	wasStub  bool
	cards    int // of them that were a card
	proposed int // twins, for which the write needs room
	subjects []scenario.Subject
	gone     bool // and nothing more is to be settled
}

// most is how many touches and tasks one event settles by itself; what is
// beyond goes to a job, so that a write keeps within the table's limit.
const most = 8

// enter puts what one event says on the card and reports whether it was new.
func (d *draft) enter(ctx context.Context, ev Event) (news bool, err error) {
	d.event = ev
	if d.card.Patient.Erased {
		d.Log.InfoContext(ctx, "event about an erased patient ignored", "clinic", d.clinic.ID, "type", ev.Type)
		return false, nil
	}
	if ev.Gone != nil {
		d.gone = true
		return true, d.erase(ctx)
	}
	if !d.card.Known() {
		d.card.Patient = dental.Patient{Clinic: d.clinic.ID, ID: ev.PatientID(), Stub: true}
	}
	d.wasStub = d.wasStub || d.card.Patient.Stub
	subjects, news, err := d.fact(ctx)
	if ev.Card != nil {
		d.cards++
	}
	d.subjects, d.changed = append(d.subjects, subjects...), d.changed || news
	return news, err
}

// settle puts the head, once for all that was entered, and what follows.
func (d *draft) settle() {
	if !d.changed || d.gone {
		return
	}
	d.card.Patient.Changes++
	if d.how.Quiet {
		d.card.Patient.BroughtIn = d.now
	}
	d.tx.Put(d.card.Patient)
	d.reward(d.card.Patient)
	d.course().Dates()
	if !d.how.Quiet || d.clinic.Backlogs() { // of the quiet past a scenario asks as backlog alone
		d.subjects = append(d.subjects, scenario.Calendar(d.card, d.clinic.Today(d.now))...)
	}
	o := journey.Options{Subjects: d.subjects,
		Awaken: d.wasStub && !d.card.Patient.Stub, Limit: most - d.proposed}
	if d.learned {
		o.Limit = max(0, min(most, table.MaxWrite-2-d.tx.Size()))
	}
	if course := d.course(); course.Settle(o) {
		course.Defer()
	}
}

func (d *draft) course() journey.Course {
	return journey.Course{Tx: d.tx, Catalogue: d.Catalogue, Clinic: d.clinic, Card: d.card, Now: d.now, Quiet: d.how.Quiet}
}

// fact puts the event's object on the card, unless a newer word about it
// stands. It reports the subjects to look at and whether anything is new.
func (d *draft) fact(ctx context.Context) (subjects []scenario.Subject, news bool, err error) {
	switch ev := d.event; {
	case ev.Card != nil:
		return d.patient(ctx)
	case ev.Appointment != nil:
		a := *ev.Appointment
		old := d.card.Appointment(a.ID)
		if a.Table = d.table; a.Table && (old == nil || !old.Table) && d.knownBetter(d.clinic.Today(a.Start)) {
			return nil, false, nil
		}
		if d.news(ctx, old == nil, func() dental.Source { return old.Source }, a.Source) {
			a = d.appointment(old, a)
		} else if a, news = d.since(*old, a); !news {
			return nil, false, nil
		}
		for i := range a.Services {
			d.sortKind(a.Services[i].Code, a.Services[i].Name, &a.Services[i].Kind, &a.Services[i].Sorted)
		}
		a.On = d.clinic.Today(a.Start)
		d.portrait(a.Doctor)
		d.tx.Put(a)
		d.card.Appointments = replace(d.card.Appointments, old, a)
		if !a.Table {
			d.replaceAppointments(a)
		}
		day := d.clinic.Today(a.Start).String()
		return []scenario.Subject{{On: scenario.OnAppointment, ID: a.ID}, {On: scenario.OnVisitDay, ID: day}}, true, nil
	case ev.Visit != nil:
		v := *ev.Visit
		old := d.card.Visit(v.ID)
		if !d.news(ctx, old == nil, func() dental.Source { return old.Source }, v.Source) {
			return nil, false, nil
		}
		v.Day, v.AcceptedAt, v.Quiet = d.clinic.Today(v.FinishedAt), d.now, d.how.Quiet
		if old != nil {
			v.Day, v.AcceptedAt, v.Quiet = old.Day, old.AcceptedAt, old.Quiet
		}
		if v.Table = d.table; v.Table && slices.ContainsFunc(d.card.VisitsOn(v.Day), func(x dental.Visit) bool { return !x.Table }) {
			return nil, false, nil // a system of record has told of the day
		}
		d.sortKinds(v.Procedures, &v.NextStep)
		d.fold(&v)
		d.portrait(v.Doctor)
		d.tx.Put(v)
		d.card.Visits = replace(d.card.Visits, old, v)
		if !v.Table {
			d.replaceVisits(v)
		}
		return visited(v), true, nil
	case ev.Piece != nil:
		p := *ev.Piece
		old := d.card.Piece(p.ID)
		if !d.news(ctx, old == nil, func() dental.Source { return old.Source }, p.Source) {
			return nil, false, nil
		}
		before := ""
		if old != nil {
			before = old.Visit
		}
		d.sortKind(p.Procedure.Code, p.Procedure.Name, &p.Procedure.Kind, &p.Procedure.Sorted)
		d.tx.Put(p)
		d.card.Pieces = replace(d.card.Pieces, old, p)
		if before != "" && before != p.Visit {
			d.refold(before)
		}
		d.refold(p.Visit)
		return nil, true, nil
	case ev.Plan != nil:
		p := *ev.Plan
		old := d.card.Plan(p.ID)
		if !d.news(ctx, old == nil, func() dental.Source { return old.Source }, p.Source) {
			return nil, false, nil
		}
		for i := range p.Stages {
			d.sortKind(p.Stages[i].Code, p.Stages[i].Name, &p.Stages[i].Kind, &p.Stages[i].Sorted)
		}
		d.tx.Put(p)
		d.card.Plans = replace(d.card.Plans, old, p)
		return nil, true, nil
	case ev.Payment != nil:
		p := *ev.Payment
		old := d.card.Payment(p.ID)
		if !d.news(ctx, old == nil, func() dental.Source { return old.Source }, p.Source) {
			return nil, false, nil
		}
		d.tx.Put(p)
		d.card.Payments = replace(d.card.Payments, old, p)
		if v := d.card.Visit(p.VisitID); v != nil { // money counts in the club
			return []scenario.Subject{{On: scenario.OnClub, ID: v.Day.String()}}, true, nil
		}
		return nil, true, nil
	}
	return nil, false, dental.Errorf(dental.Invalid, "type", "the event of type %q says nothing", d.event.Type)
}

// news judges an arriving object against the stored one; two bodies under one
// version are logged, and the later receipt wins.
func (d *draft) news(ctx context.Context, first bool, stored func() dental.Source, arriving dental.Source) bool {
	if first || d.remembered {
		return true
	}
	switch stored().Judge(arriving) {
	case dental.Repeat, dental.Outdated:
		return false
	case dental.Contradiction:
		d.Log.WarnContext(ctx, "two bodies under one version: the later receipt wins", "clinic", d.clinic.ID,
			"type", d.event.Type, "event", d.event.ID, "version", arriving.Version)
	}
	return true
}

// visited are the subjects that a visit touches.
func visited(v dental.Visit) []scenario.Subject {
	out := []scenario.Subject{{On: scenario.OnVisitDay, ID: v.Day.String()}, {On: scenario.OnClub, ID: v.Day.String()}}
	if v.AppointmentID != "" {
		out = append(out, scenario.Subject{On: scenario.OnAppointment, ID: v.AppointmentID})
	}
	return out
}

func replace[T any](list []T, old *T, v T) []T {
	if old != nil {
		*old = v
		return list
	}
	return append(list, v)
}

// appointment carries over what the MIS does not know: since when the present
// time has been agreed on, and what the patient answered about it.
func (d *draft) appointment(old *dental.Appointment, a dental.Appointment) dental.Appointment {
	at := d.happened()
	a.BookedAt, a.ChangedAt = at, at
	if d.how.Quiet && at.After(a.Start) {
		a.ChangedAt = a.Start // what became of it long ago was not heard of until now
	}
	if old == nil {
		return a
	}
	if a.System == "" { // a file or an event that tells of it too is not where it is kept
		a.System = old.System
	}
	if old.Status == a.Status {
		a.ChangedAt = old.ChangedAt
	}
	if old.Start.Equal(a.Start) && (old.Standing() || !a.Standing()) {
		a.BookedAt, a.Reply, a.ReplyFor, a.ReplyAt = old.BookedAt, old.Reply, old.ReplyFor, old.ReplyAt
	}
	return a
}

// since takes from an outdated word on an appointment what is older than the
// newest: since when its time has stood, and its status. It reports whether
// there was anything to take.
func (d *draft) since(stands, outdated dental.Appointment) (dental.Appointment, bool) {
	news, at := false, d.happened()
	if outdated.Status == stands.Status && at.Before(stands.ChangedAt) {
		stands.ChangedAt, news = at, true
	}
	if outdated.Start.Equal(stands.Start) && (outdated.Standing() || !stands.Standing()) && at.Before(stands.BookedAt) {
		stands.BookedAt, news = at, true
	}
	return stands, news
}

// happened is the event's time, by a sender's clock that may be ahead of ours.
func (d *draft) happened() time.Time {
	if d.event.At.After(d.now) {
		return d.now
	}
	return d.event.At
}

// patient puts the card itself: contact data read, consents merged by their
// time, and the addresses' contacts told who shares them.
func (d *draft) patient(ctx context.Context) ([]scenario.Subject, bool, error) {
	was, p := d.card.Patient, d.event.Card.Patient
	says := d.event.Card.Says
	if d.table && !was.Stub && !was.Table {
		says = Hint
	}
	news := was.Stub || says == Hint || d.news(ctx, false, func() dental.Source { return was.Source }, p.Source)
	consents := decided(was, p.Consents, news)
	if !news {
		// Even an outdated card tells of decisions, each of which has its own time.
		d.card.Patient.Consents = consents
		return nil, !slices.Equal(consents, was.Consents), nil
	}
	p.Clinic, p.Changes, p.NotMe, p.Excluded = d.clinic.ID, was.Changes, was.NotMe, was.Excluded
	p.InvitedBy, p.Invitation = was.InvitedBy, was.Invitation
	p.BroughtIn, p.Table = was.BroughtIn, d.table && (was.Stub || was.Table)
	p.Disputed, p.ReturnOn, p.ReturnAgreed = was.Disputed, was.ReturnOn, was.ReturnAgreed
	switch unsaid := p.Status == ""; {
	case unsaid && says != Whole && !was.Stub: // who is gone is not back because a source does not know it
		p.Status, p.Told = was.Status, was.Told
	case unsaid:
		p.Status = dental.Active
		p.Succeed(was)
	default:
		p.Succeed(was)
	}
	p.Consents = consents
	p.Phone, p.PhoneRegion, p.Landline, p.PhoneIssue = "", "", false, ""
	switch number, region, mobile, issue := d.Phones(d.event.Card.Number, d.clinic.Country); issue {
	case "":
		p.Phone, p.PhoneRegion, p.Landline = number, region, !mobile
	case "empty":
	default:
		p.PhoneIssue = issue
	}
	p.Email = email(d.event.Card.Mail)
	if says != Whole {
		p = supplemented(was, p, says)
		if !was.Stub && slices.Equal(p.Consents, was.Consents) && alike(was, p) {
			return nil, false, nil
		}
	}
	if err := d.contacts(ctx, was, &p); err != nil {
		return nil, false, err
	}
	d.card.Patient = p
	d.ending()
	if p.Phone != "" && p.Phone != was.Phone || p.Email != "" && p.Email != was.Email {
		d.newAddress()
	}
	if _, back := was.Gone(); back {
		return scenario.Recent(d.clinic, d.card, d.now), true, nil
	}
	return nil, true, nil
}

// ending keeps what staff find the patient by in line with the number.
func (d *draft) ending() {
	ending := dental.PhoneEnding{Clinic: d.clinic.ID, Patient: d.card.Patient.ID, Digits: dental.EndingOf(d.card.Patient.Phone)}
	switch {
	case ending.Digits == d.card.Ending.Digits:
		return
	case ending.Digits == "":
		d.tx.Remove(d.card.Ending)
	default:
		d.tx.Put(ending)
	}
	d.card.Ending = ending
}

// decided adds decisions to those known. Of two at the same time the one on
// the newer card stands.
func decided(was dental.Patient, given []dental.Consent, news bool) []dental.Consent {
	was.Consents = slices.Clone(was.Consents)
	for _, c := range given {
		if old, known := was.Consent(c.Class, c.Channel); news || !known || c.At.After(old.At) {
			was.Record(c)
		}
	}
	return was.Consents
}

// contacts moves the patient's membership from the old addresses to the new. At
// a new one a recommendation may wait for the patient.
func (d *draft) contacts(ctx context.Context, was dental.Patient, p *dental.Patient) error {
	me := dental.Member{Clinic: p.Clinic, Patient: p.ID}
	before, err := d.reachedBy(ctx, was)
	if err != nil {
		return err
	}
	after, err := d.reachedBy(ctx, *p)
	if err != nil {
		return err
	}
	contacts, err := d.tx.Contacts(ctx, d.clinic, append(before, after...)...)
	if err != nil {
		return err
	}
	for address, c := range contacts {
		had, has := slices.Contains(c.Members, me), slices.Contains(after, address)
		switch {
		case has && !had:
			joined := c.Join(me)
			lead := c.Lead
			if d.invited(p, c); !joined && c.Lead == lead {
				continue // as everybody's reception number: not written once more for each
			}
		case had && !has:
			c.Leave(me)
		default:
			continue
		}
		d.tx.Put(*c)
	}
	if p.Phone != "" && (p.Phone != was.Phone || p.BirthDate != was.BirthDate) {
		return d.twins(ctx, *p, contacts[string(p.Phone)])
	}
	return nil
}

// reachedBy lists the addresses at which messages about the patient arrive:
// their own, or a child's guardian's as far as that card is known.
func (d *draft) reachedBy(ctx context.Context, p dental.Patient) ([]string, error) {
	if p.GuardianID != "" && p.Minor(d.clinic.Today(d.now)) {
		heads, err := d.tx.Heads(ctx, dental.Member{Clinic: p.Clinic, Patient: p.GuardianID})
		if err != nil {
			return nil, err
		}
		p = heads[0]
	}
	var out []string
	for _, a := range []string{string(p.Phone), string(p.Email)} {
		if a != "" {
			out = append(out, a)
		}
	}
	return out, nil
}

// newAddress closes the task that asked for one.
func (d *draft) newAddress() {
	for i := range d.card.Tasks {
		if t := d.card.Tasks[i]; t.Kind == dental.ContactTask && t.Open() {
			d.course().Close(t, "address-changed")
		}
	}
}

// erase leaves nothing of the person but the tombstone that keeps the id from
// coming back; the rest of the partition goes by a job.
func (d *draft) erase(ctx context.Context) error {
	was := d.card.Patient
	addresses, err := d.reachedBy(ctx, was)
	if err != nil {
		return err
	}
	contacts, err := d.tx.Contacts(ctx, d.clinic, append(addresses, string(was.Phone), string(was.Email))...)
	if err != nil {
		return err
	}
	id := d.event.Gone.ID
	for _, c := range contacts {
		if c.Forgotten(dental.Member{Clinic: d.clinic.ID, Patient: id}) {
			d.tx.Put(*c)
		}
	}
	d.tx.Put(dental.Patient{Clinic: d.clinic.ID, ID: id, Erased: true, ErasedAt: d.now, Changes: was.Changes + 1,
		Source: dental.Source{Version: d.event.Gone.Version, Body: d.event.Body}})
	if d.event.Gone.Log.ID != "" {
		d.tx.Put(d.event.Gone.Log)
	}
	d.tx.Put(store.Job{Clinic: d.clinic.ID, ID: "erase." + id, Kind: store.EraseJob, Patient: id, Wake: d.now, Made: d.now})
	d.reward(was)
	return nil
}
