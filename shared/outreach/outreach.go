// Package outreach lets touches leave: at most once, and nothing silently.
//
// Dispatch hands what is due to a queue. Send reads everything about the
// patient, decides (Decide is pure), claims in one write that fails if any
// fact, consent or refusal has changed since the read, calls the provider once,
// and records what came of it. Settle takes what a provider says later.
//
// A claim is the only thing between a decision and the provider. Whatever ends
// after it without an answer stays claimed until its due key turns it into
// "unknown", which staff see; no code path sends a claimed touch again.
package outreach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/cadence"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Times of the protocol. A claim outlives the longest run of the sender (the
// function's time-out, at most two minutes) by more than five minutes of skew.
const (
	requeueAfter    = 15 * time.Minute // a queued touch that nobody claimed is queued again
	claimFor        = 10 * time.Minute // an unanswered claim becomes unknown
	providerTimeout = 20 * time.Second
	deferFor        = 2 * time.Minute // after "not just now", times the number of such answers
	mostDeferrals   = 6               // of one channel; then it is the next one's turn
)

// Sender claims touches and hands them to providers.
type Sender struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Channels  map[dental.Channel]Channel
	// Providers are those that a clinic has an account of its own with, by the
	// account's name: for SMS one that stands in the place of the deployment's.
	Providers map[string]Channel
	// Base is the URL under which patients' pages stand, as "https://rp.example".
	Base string
	// Clock tells the time, and NewID a fresh random attempt id.
	Clock func() time.Time
	NewID func() string
	Log   *slog.Logger
}

// Item is the body of a queue's message: one touch, or one job.
type Item struct {
	Touch *TouchRef `json:",omitempty"`
	Job   *JobRef   `json:",omitempty"`
}

// JobRef names a job.
type JobRef struct{ Clinic, ID string }

// RefOf names a touch.
func RefOf(t dental.Touch) TouchRef {
	return TouchRef{t.Clinic, t.Patient, t.Scenario, t.Step, t.Anchor}
}

// Handle sends the touch, or the trial, that a queue's message names. An error
// asks for the message again; what can never be read is Invalid.
func (s *Sender) Handle(ctx context.Context, body string) error {
	var it Item
	err := json.Unmarshal([]byte(body), &it)
	switch {
	case err == nil && it.Touch != nil:
		return s.Send(ctx, *it.Touch)
	case err == nil && it.Job != nil:
		return s.Try(ctx, *it.Job)
	}
	return dental.Errorf(dental.Invalid, "", "outreach: %.80q names no touch", body)
}

// Send takes one touch through its whole step: read, decide, claim, call, record.
func (s *Sender) Send(ctx context.Context, ref TouchRef) error {
	var held, tried *claimed
	attempt := s.NewID()
	err := store.Retry(ctx, func(ctx context.Context) (err error) {
		held, tried, err = s.step(ctx, ref, attempt, tried)
		return err
	})
	if err != nil || held == nil {
		return err
	}
	return s.call(ctx, held)
}

// claimed is a claim that this sender holds.
type claimed struct {
	tx      *store.Tx // that wrote it
	clinic  *dental.Clinic
	touch   dental.Touch
	message Message
}

// step reads and decides, and writes what the decision asks for. It returns
// the claim if it holds one, and the claim it tried to write in any case: when
// that write's answer was lost, the next run is given it back and finds out by
// the attempt's id whether it had happened.
func (s *Sender) step(ctx context.Context, ref TouchRef, attempt string, before *claimed) (held, tried *claimed, err error) {
	tx := s.Store.Begin()
	sit, err := s.read(ctx, tx, ref, s.Clock())
	if err != nil || sit == nil {
		return nil, before, err
	}
	if a := sit.Touch.Attempt(attempt); a != nil {
		if sit.Touch.State != dental.Claimed || !s.Clock().Before(a.Until) {
			return nil, before, nil
		}
		return before, before, nil
	}
	d := Decide(s.Catalogue, *sit)
	s.Log.DebugContext(ctx, "decided", "touch", ref, "act", d.Act, "reason", d.Reason)
	t := sit.Touch
	switch d.Act {
	case Drop:
		return nil, nil, nil
	case Wait:
		if err := t.To(dental.Planned, d.Reason); err != nil {
			return nil, nil, err
		}
		t.Wake = d.Wake
		tx.Put(t)
	case Skip, Cancel:
		state := dental.Skipped
		if d.Act == Cancel {
			state = dental.TouchCancelled
		}
		s.end(tx, sit, t, state, d)
	case Assign:
		s.assign(tx, sit, t, d)
	case Claim:
		if err := s.portrait(ctx, tx, sit, d); err != nil {
			return nil, nil, err
		}
		if tried, err = s.claim(tx, sit, t, d, attempt); err != nil {
			return nil, nil, err
		}
		if err := tx.Commit(ctx); err != nil {
			return nil, tried, err
		}
		return tried, tried, nil
	}
	tx.Check(sit.Card.Patient)
	tx.Check(sit.Person.Patient)
	return nil, nil, tx.Commit(ctx)
}

// read gathers the situation: the clinic, the patient's card, for a child the
// guardian, the contacts, and for a reminder the family's cards. A touch that
// is no more is nil.
func (s *Sender) read(ctx context.Context, tx *store.Tx, ref TouchRef, now time.Time) (*Situation, error) {
	cl, err := tx.Clinic(ctx, ref.Clinic)
	if err != nil {
		if dental.KindOf(err) == dental.NotFound {
			return nil, nil
		}
		return nil, err
	}
	card, err := tx.Card(ctx, ref.Clinic, ref.Patient)
	if err != nil {
		return nil, err
	}
	t := card.Touch(ref.Scenario, ref.Step, ref.Anchor)
	if t == nil {
		return nil, nil
	}
	return s.gather(ctx, tx, cl, card, *t, now)
}

// gather reads what else there is to know about a touch of a card.
func (s *Sender) gather(ctx context.Context, tx *store.Tx, cl *dental.Clinic, card *dental.Card, t dental.Touch, now time.Time) (*Situation, error) {
	sit := &Situation{Clinic: cl, Card: card, Touch: t, Now: now, Person: cadence.Person{Patient: card.Patient}}
	if err := sit.guard(ctx, tx); err != nil {
		return nil, err
	}
	p := sit.Person.Patient
	var err error
	if sit.Person.Contacts, err = tx.Contacts(ctx, cl, string(p.Phone), string(p.Email)); err != nil {
		return nil, err
	}
	home := sit.Person.Home()
	if err := s.elsewhere(ctx, tx, sit, home); err != nil {
		return nil, err
	}
	if step := s.Catalogue.Step(t.Scenario, t.Step); step != nil && step.Reminder && home != nil {
		for _, m := range home.Members {
			if m.Clinic != cl.ID || m.Patient == card.Patient.ID {
				continue
			}
			other, err := tx.Card(ctx, m.Clinic, m.Patient)
			if err != nil {
				return nil, err
			}
			if reached(cl.Today(now), other.Patient, p) {
				sit.Family = append(sit.Family, other)
			}
		}
	}
	return sit, nil
}

// elsewhere reads the same person's cards in other clinics of one owner, for
// what a scan planned: there is one last visit for the group. The same person
// has the household's address, the given name and the birth date.
func (s *Sender) elsewhere(ctx context.Context, tx *store.Tx, sit *Situation, home *dental.Contact) error {
	sc, me := s.Catalogue.Find(sit.Touch.Scenario), sit.Card.Patient
	if sit.Clinic.Group == "" || home == nil || sc == nil || !sc.On.Scanned() || me.BirthDate.IsZero() {
		return nil
	}
	for _, m := range home.Members {
		if m.Clinic == sit.Clinic.ID {
			continue
		}
		other, err := tx.Card(ctx, m.Clinic, m.Patient)
		if err != nil {
			return err
		}
		if other.Patient.BirthDate == me.BirthDate && strings.EqualFold(other.Patient.GivenName, me.GivenName) {
			sit.Elsewhere = append(sit.Elsewhere, other)
		}
	}
	return nil
}

// reached reports whether messages about the member arrive at the person's household.
func reached(today dental.Date, member, person dental.Patient) bool {
	if member.GuardianID != "" {
		return member.Minor(today) && member.GuardianID == person.ID
	}
	return member.Phone != "" && member.Phone == person.Phone || member.Email != "" && member.Email == person.Email
}

// guard puts a child's guardian in the place of the child.
func (s *Situation) guard(ctx context.Context, tx *store.Tx) error {
	p, guardian := s.Card.Patient, &dental.Card{}
	if p.GuardianID != "" {
		var err error
		if guardian, err = tx.Card(ctx, s.Clinic.ID, p.GuardianID); err != nil {
			return err
		}
	}
	s.Person.Patient, s.Guardian = p.Reader(guardian.Patient, s.Clinic.Today(s.Now))
	if s.Person.ID != p.ID {
		s.GuardianTasks = guardian.Tasks
	}
	return nil
}

// claim puts the one thing that lets a message leave, under the condition
// that nothing has changed: the touch, the patient, whoever gets it, whoever is
// spoken of, and the contacts.
func (s *Sender) claim(tx *store.Tx, sit *Situation, t dental.Touch, d Decision, attempt string) (*claimed, error) {
	composed, err := Compose(*sit, d, s.Base, s.Store)
	if err != nil {
		return nil, err
	}
	now := sit.Now
	if err := t.To(dental.Claimed, ""); err != nil {
		return nil, err
	}
	t.Class = d.Want.Touch.Class
	try := dental.Attempt{ID: attempt, Channel: d.Reach.Channel, Address: d.Reach.Contact.Key, At: now, Until: now.Add(claimFor)}
	if d.Reach.Household != nil {
		try.Household = d.Reach.Household.Key
	}
	t.Attempts = append(slices.Clone(t.Attempts), try)
	t.Wake, t.Channel, t.Parts = now.Add(claimFor), d.Reach.Channel, composed.Message.Parts
	t.Together = []string{dental.About(t.Patient, t.Anchor)}
	for _, o := range d.Together {
		t.Together = append(t.Together, dental.About(o.Patient.ID, dental.AppointmentAnchor(o.Appointment)))
		tx.Check(o.Patient)
	}
	for i, l := range composed.Links {
		l.Hash = store.TokenHash(composed.Tokens[i])
		if l.Patient == t.Patient && !slices.Contains(t.Links, l.Hash) {
			t.Links = append(slices.Clone(t.Links), l.Hash)
		}
		tx.Put(l)
	}
	recent := dental.Recent{Touch: t.ID(), Clinic: t.Clinic, Patient: t.Patient, Class: t.Class, Scenario: t.Scenario, Step: t.Step,
		Reminder: d.Want.Step.Reminder, At: now}
	for _, contact := range []*dental.Contact{d.Reach.Household, d.Reach.Contact} {
		if contact != nil {
			contact.Note(recent)
			tx.Put(*contact)
		}
	}
	tx.Put(t)
	if channel, ok := s.channel(sit.Clinic, d.Reach.Channel); ok {
		if n, named := channel.(Namer); named {
			tx.Put(providerID(t, Report{Channel: string(d.Reach.Channel), ProviderID: n.MessageID(attempt), Attempt: attempt, At: now}))
		}
	}
	tx.Check(sit.Card.Patient)
	tx.Check(sit.Person.Patient)
	if composed.DoctorLeft {
		l := locale.For(sit.Clinic.Language)
		s.course(tx, sit).Open(dental.Task{Kind: dental.RebookTask, Anchor: "doctor-left", Scenario: t.Scenario, Due: sit.Clinic.EndOfWorkingDay(now, 1),
			Reason: l.Text("task.rebook.doctor-left", map[string]string{"doctor": scenario.DoctorOf(sit.Card, t).Name})})
	}
	composed.Message.Attempt, composed.Message.Account = attempt, sit.Clinic.Accounts[account(d.Reach.Channel)]
	return &claimed{tx: tx, clinic: sit.Clinic, touch: t, message: composed.Message}, nil
}

// call hands the claimed message to its provider, once, and records the answer.
func (s *Sender) call(ctx context.Context, c *claimed) error {
	channel, ok := s.channel(c.clinic, c.touch.Channel)
	if !ok {
		return s.record(ctx, c, "", &Refusal{Code: "no-channel", Err: fmt.Errorf("outreach: no %s channel is set up: %w", c.touch.Channel, ErrNotSent)})
	}
	calling, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	id, err := channel.Send(calling, c.message)
	// The answer is worth recording although the caller may have gone.
	recording, stop := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout)
	defer stop()
	return s.record(recording, c, id, err)
}

// channel is what takes the message: the clinic's own account with a provider,
// where it has one, else the deployment's.
func (s *Sender) channel(cl *dental.Clinic, ch dental.Channel) (Channel, bool) {
	if _, has := cl.Accounts[account(ch)]; has {
		if channel, ok := s.Providers[account(ch)]; ok {
			return channel, true
		}
	}
	channel, ok := s.Channels[ch]
	return channel, ok
}

// account is the provider that a clinic may have an account of its own with for
// a channel, "" where there is none.
func account(ch dental.Channel) string {
	switch ch {
	case dental.SMS:
		return dental.SMSGate
	case dental.WhatsApp:
		return dental.WhatsAppAccount
	}
	return ""
}

// record writes what the provider said. A lost answer is written nowhere: the
// claim's due key makes it unknown.
func (s *Sender) record(ctx context.Context, c *claimed, id string, sendErr error) error {
	attempt := c.message.Attempt
	report := Report{Touch: RefOf(c.touch), Attempt: attempt, Channel: string(c.touch.Channel), ProviderID: id, Kind: ReportAccepted, At: s.Clock()}
	var refusal *Refusal
	switch {
	case sendErr == nil:
		if s.accepted(ctx, c, report) == nil {
			return nil
		}
	case errors.As(sendErr, &refusal):
		report.Kind, report.Code = ReportRefused, refusal.Code
		if refusal.BadAddress {
			report.Kind = ReportBadAddress
		}
		if refusal.Later {
			report.Kind = reportDeferred
		}
		s.Log.WarnContext(ctx, "the provider refused", "touch", report.Touch, "channel", c.touch.Channel, "error", sendErr)
	default:
		s.Log.WarnContext(ctx, "the provider's answer is lost", "touch", report.Touch, "channel", c.touch.Channel, "error", sendErr)
		return nil
	}
	return s.settle(ctx, report)
}

// accepted is the common case: the touch stands one version after our claim,
// so no read is needed. Any error leaves it to settle, which reads.
func (s *Sender) accepted(ctx context.Context, c *claimed, r Report) error {
	tx := s.Store.Begin()
	tx.Expect(c.tx, c.touch)
	t := c.touch
	t.Attempts = slices.Clone(t.Attempts)
	markSent(c.clinic, &t, t.Attempt(r.Attempt), r)
	tx.Put(t)
	if r.ProviderID != "" {
		tx.Put(providerID(t, r))
	}
	return tx.Commit(ctx)
}

func providerID(t dental.Touch, r Report) store.ProviderID {
	return store.ProviderID{Channel: dental.Channel(r.Channel), ID: r.ProviderID, Clinic: t.Clinic, Patient: t.Patient, Scenario: t.Scenario,
		Step: t.Step, Anchor: t.Anchor, Attempt: r.Attempt, At: r.At}
}

// end closes a touch that does not leave, with the task that mends it, and
// brings what follows from it in line.
func (s *Sender) end(tx *store.Tx, sit *Situation, t dental.Touch, state dental.TouchState, d Decision) {
	t = scenario.End(sit.Clinic, t, state, d.Reason, sit.Now)
	tx.Put(t)
	if len(t.Attempts) > 0 {
		revive(tx, sit, t)
	}
	if d.Mend {
		s.mend(tx, sit, t, d.Reason)
	}
	if d.Fallback != "" {
		s.course(tx, sit).Open(dental.Task{Kind: d.Fallback, Anchor: t.Anchor, Scenario: t.Scenario, Due: sit.Clinic.EndOfWorkingDay(sit.Now, 1),
			Reason: locale.For(sit.Clinic.Language).Text("task."+string(d.Fallback), s.about(sit, t))})
	}
	s.follow(tx, sit, t)
}

// follow replans what hangs on a touch that has just ended: the confirm task
// comes at once when the reminder cannot be delivered.
func (s *Sender) follow(tx *store.Tx, sit *Situation, t dental.Touch) {
	if stored := sit.Card.Touch(t.Scenario, t.Step, t.Anchor); stored != nil {
		*stored = t
	}
	subject, ok := s.Catalogue.SubjectOf(t)
	if !ok {
		return
	}
	for _, changed := range s.Catalogue.Reconcile(sit.Clinic, sit.Card, sit.Now, subject) {
		same, _ := s.Catalogue.SubjectOf(changed)
		if same == subject && changed.ID() != t.ID() {
			tx.Put(changed)
		}
	}
}

// mend opens the task that asks staff for a usable address, once a patient.
func (s *Sender) mend(tx *store.Tx, sit *Situation, t dental.Touch, reason string) {
	l := locale.For(sit.Clinic.Language)
	s.course(tx, sit).Open(dental.Task{Kind: dental.ContactTask, Anchor: "address", Scenario: t.Scenario,
		Reason: l.Text("task.contact", map[string]string{"reason": l.Reason(reason)}), Due: sit.Clinic.EndOfWorkingDay(sit.Now, 1)})
}

// assign turns a step of staff into its task.
func (s *Sender) assign(tx *store.Tx, sit *Situation, t dental.Touch, d Decision) {
	task := dental.Task{Kind: t.Kind, Anchor: t.Anchor, Scenario: t.Scenario, Due: sit.Clinic.AddWorking(sit.Now, time.Hour)}
	task.Reason = s.why(sit, t, d)
	s.course(tx, sit).Open(task)
	if a := sit.Card.Appointment(dental.AppointmentOf(t.Anchor)); t.Kind == dental.ConfirmTask && a != nil {
		// At its start there is nothing left to confirm, whether or not the MIS says what became of it.
		tx.Put(store.Job{Clinic: t.Clinic, ID: "over." + t.ID(), Kind: store.SettleJob, Patient: t.Patient, Wake: a.Start, Made: sit.Now})
	}
	t.Channel, t.SentAt = dental.StaffTask, sit.Now
	tx.Put(scenario.End(sit.Clinic, t, dental.Sent, "", sit.Now))
}

// why is the task's sentence.
func (s *Sender) why(sit *Situation, t dental.Touch, d Decision) string {
	l := locale.For(sit.Clinic.Language)
	key, values := "task."+string(t.Kind), s.about(sit, t)
	if a := sit.Card.Appointment(dental.AppointmentOf(t.Anchor)); a != nil && (a.Status == dental.Missed || a.Status == dental.Cancelled) {
		key += "." + string(a.Status)
	}
	if r := sit.Card.Touch(t.Scenario, d.Want.Step.Follows(), t.Anchor); r != nil && (r.State == dental.Failed || r.State == dental.Skipped && scenario.Undeliverable(r.Reason)) {
		key, values["reason"] = key+".undelivered", l.Reason(r.Reason)
	}
	switch {
	case t.Kind == dental.CallTask:
		if sit.Person.CallingAt() == "" {
			key += ".no-phone"
		} else if reason := unheard(sit.Card, t); reason != "" {
			key, values["reason"] = key+".no-channel", l.Reason(reason)
		}
	case t.Kind == dental.WakeTask && sit.Card.Patient.Phone != "" && t.Step == "long-ago":
		key += ".long-ago"
	}
	return l.Text(key, values)
}

// unheard is why none of the messages before a call has left, "" if one has.
func unheard(card *dental.Card, call dental.Touch) string {
	reason := ""
	for _, t := range card.Touches {
		if t.Scenario != call.Scenario || t.Anchor != call.Anchor || t.Kind != "" {
			continue
		}
		if t.State != dental.Skipped && t.State != dental.Failed {
			return ""
		}
		reason = t.Reason
	}
	return reason
}

// about are the values of a task's sentence.
func (s *Sender) about(sit *Situation, t dental.Touch) map[string]string {
	l, values := locale.For(sit.Clinic.Language), map[string]string{}
	if a := sit.Card.Appointment(dental.AppointmentOf(t.Anchor)); a != nil {
		local := a.Start.In(sit.Clinic.Location())
		values["date"], values["time"] = l.DayWeekday(dental.DateOf(local)), l.Time(dental.TimeOfDayOf(local))
		return values
	}
	sc := s.Catalogue.Find(t.Scenario)
	if sc == nil || !sc.On.Scanned() {
		return values
	}
	day := sit.Clinic.Today(sit.Now)
	if fact, ok := sc.Fact(sit.Card, t.Anchor); ok {
		day = fact
	}
	values["day"], values["next"] = l.DayYear(day), scenario.NextStage(sit.Card).Name
	return values
}

func (s *Sender) course(tx *store.Tx, sit *Situation) journey.Course {
	return journey.Course{Tx: tx, Catalogue: s.Catalogue, Clinic: sit.Clinic, Card: sit.Card, Now: sit.Now}
}

// String is for logs and queue bodies: clinic/patient/scenario/step/anchor.
func (r TouchRef) String() string {
	return strings.Join([]string{r.Clinic, r.Patient, r.Scenario, r.Step, r.Anchor}, "/")
}
