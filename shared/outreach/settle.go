package outreach

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// reportDeferred is a refusal that may be lifted soon; only the sender sees one.
const reportDeferred ReportKind = "deferred"

// Settler takes what providers say after the fact.
type Settler struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Clock     func() time.Time
}

// Settle applies a provider's report, any number of times and in any order. A
// report about nothing known is ignored and says so by found = false.
func (s *Settler) Settle(ctx context.Context, r Report) (found bool, err error) {
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		ref := r.Touch
		if ref == (TouchRef{}) && r.ProviderID != "" {
			id, err := tx.ProviderID(ctx, dental.Channel(r.Channel), r.ProviderID)
			if err != nil {
				return err
			}
			ref, r.Attempt = TouchRef{id.Clinic, id.Patient, id.Scenario, id.Step, id.Anchor}, id.Attempt
		}
		if found = ref.Clinic != "" && ref.Patient != ""; !found {
			return nil
		}
		sit, err := s.read(ctx, tx, ref)
		if found = sit != nil; err != nil || !found {
			return err
		}
		changed, err := s.apply(ctx, tx, sit, r)
		if err != nil || !changed {
			return err
		}
		return tx.Commit(ctx)
	})
	return found, err
}

// Heard settles a touch of unknown fate by what the patient has told staff; one
// that is settled already stays as it is.
func (s *Settler) Heard(ctx context.Context, t dental.Touch, arrived bool) error {
	last := t.Last()
	if last == nil {
		return nil
	}
	r := Report{Touch: RefOf(t), Attempt: last.ID, Channel: string(last.Channel), Kind: ReportDelivered, At: s.Clock()}
	if !arrived {
		r.Kind, r.Code = ReportUndelivered, "staff"
	}
	_, err := s.Settle(ctx, r)
	return err
}

func (s *Sender) settle(ctx context.Context, r Report) error {
	settler := &Settler{Store: s.Store, Catalogue: s.Catalogue, Clock: s.Clock}
	_, err := settler.Settle(ctx, r)
	return err
}

// read is the situation of a touch as far as settling needs it.
func (s *Settler) read(ctx context.Context, tx *store.Tx, ref TouchRef) (*Situation, error) {
	cl, err := tx.Clinic(ctx, ref.Clinic)
	if dental.KindOf(err) == dental.NotFound {
		return nil, nil
	}
	if err != nil {
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
	return &Situation{Clinic: cl, Card: card, Touch: *t, Now: s.Clock()}, nil
}

func (s *Settler) course(tx *store.Tx, sit *Situation) journey.Course {
	return journey.Course{Tx: tx, Catalogue: s.Catalogue, Clinic: sit.Clinic, Card: sit.Card, Now: sit.Now}
}

// apply moves the touch by what the report proves.
func (s *Settler) apply(ctx context.Context, tx *store.Tx, sit *Situation, r Report) (changed bool, err error) {
	t := sit.Touch
	t.Attempts = slices.Clone(t.Attempts)
	a := t.Attempt(r.Attempt)
	if a == nil {
		return false, nil
	}
	if r.Kind == ReportBadAddress {
		// Whatever attempt it is about, nothing will ever reach that address.
		if err := s.suppress(ctx, tx, sit, a, r); err != nil {
			return false, err
		}
	}
	latest := a == t.Last()
	open := a.Outcome == "" || a.Outcome == dental.Lost // claimed, or unknown
	switch r.Kind {
	case ReportAccepted, ReportDelivered:
		return s.arrived(tx, sit, &t, a, r, open, latest)
	case ReportComplaint:
		return s.complained(ctx, tx, sit, a, r)
	case reportDeferred:
		if !open || !latest {
			return false, nil
		}
		a.Outcome, a.Detail = dental.Deferred, r.Code
		deferred := 0
		for _, x := range t.Attempts {
			if x.Channel == a.Channel && x.Outcome == dental.Deferred {
				deferred++
			}
		}
		if deferred == mostDeferrals {
			a.Outcome = dental.Refused // the next channel's turn
			return true, s.fail(ctx, tx, sit, t, a, r)
		}
		t.State, t.Wake = dental.Planned, sit.Now.Add(deferFor*time.Duration(deferred))
		tx.Put(t)
		return true, s.forget(ctx, tx, sit, a, r)
	case ReportRefused, ReportUndelivered, ReportBadAddress:
		// A mail server may return what it has taken; a phone that has a message keeps
		// it, although another device of its owner's may fail to get it.
		late := a.Outcome == dental.Accepted || a.Outcome == dental.Delivered && a.Channel == dental.Mail
		if a.Outcome == dental.Refused || a.Outcome == dental.Undelivered || !latest || !open && !late {
			return tx.Size() > 0, nil
		}
		a.Outcome, a.Detail = dental.Refused, r.Code
		if late || r.Kind == ReportUndelivered {
			a.Outcome = dental.Undelivered
		}
		return true, s.fail(ctx, tx, sit, t, a, r)
	}
	return false, nil
}

// arrived settles a claimed or unknown touch as sent, and notes the proof of delivery.
func (s *Settler) arrived(tx *store.Tx, sit *Situation, t *dental.Touch, a *dental.Attempt, r Report, open, latest bool) (bool, error) {
	switch {
	case open && latest:
		markSent(sit.Clinic, t, a, r)
		if k := sit.Card.Task(dental.UnknownTask, t.ID()); k != nil && k.Open() {
			s.course(tx, sit).Close(*k, "arrived")
		}
	case a.Outcome == dental.Accepted && r.Kind == ReportDelivered:
		a.Outcome = dental.Delivered
		t.DeliveredAt = r.At
	default:
		return false, nil
	}
	tx.Put(*t)
	if r.ProviderID != "" {
		tx.Put(providerID(*t, r))
	}
	return true, nil
}

// markSent is the end of a touch whose message was accepted.
func markSent(cl *dental.Clinic, t *dental.Touch, a *dental.Attempt, r Report) {
	a.Outcome, a.ProviderID = dental.Accepted, r.ProviderID
	if r.Kind == ReportDelivered {
		a.Outcome, t.DeliveredAt = dental.Delivered, r.At
	}
	*t = scenario.End(cl, *t, dental.Sent, "", r.At)
	t.SentAt, t.Wake = a.At, time.Time{}
	if a.Channel == dental.SMS && cl.PartPrice.Minor > 0 {
		t.Price = dental.Money{Minor: t.Price.Minor + int64(t.Parts)*cl.PartPrice.Minor, Currency: cl.PartPrice.Currency}
	}
}

// fail frees the next channel after proof that this one did not deliver: the
// touch is planned again for at once, unless it is too late or no channel is
// left. Then it has failed, and staff get a task.
func (s *Settler) fail(ctx context.Context, tx *store.Tx, sit *Situation, t dental.Touch, a *dental.Attempt, r Report) error {
	if k := sit.Card.Task(dental.UnknownTask, t.ID()); k != nil && k.Open() {
		s.course(tx, sit).Close(*k, "not-arrived")
	}
	if err := s.forget(ctx, tx, sit, a, r); err != nil {
		return err
	}
	left := slices.ContainsFunc(sit.Clinic.Channels, func(ch dental.Channel) bool { return !t.Tried(ch) })
	gone, isGone := sit.Card.Patient.Gone()
	if left && !sit.Now.After(t.Deadline) && !isGone {
		t.State, t.Reason, t.Wake, t.SentAt, t.DeliveredAt, t.EndedAt, t.EndedOn = dental.Planned, "", sit.Now, time.Time{}, time.Time{}, time.Time{}, dental.Date{}
		tx.Put(t)
		return nil
	}
	reason := "all-channels-failed"
	if r.Kind == ReportRefused {
		reason = "provider-refused"
	}
	if isGone {
		reason = gone
	}
	sender := &Sender{Store: s.Store, Catalogue: s.Catalogue, Clock: s.Clock}
	sit.Touch = t
	sender.end(tx, sit, t, dental.Failed, Decision{Reason: reason, Mend: !isGone})
	return nil
}

// revive lets the appointments that a failed reminder spoke of be reminded of
// by themselves.
func revive(tx *store.Tx, sit *Situation, t dental.Touch) {
	for _, other := range t.Together {
		patient, anchor, ok := strings.Cut(other, "/")
		if !ok || other == dental.About(t.Patient, t.Anchor) {
			continue
		}
		tx.Put(store.Job{Clinic: t.Clinic, ID: "revive." + dental.TouchID(t.Clinic, patient, t.Scenario, t.Step, anchor) + "." + t.Last().ID,
			Kind: store.ReviveJob, Patient: patient, Scenario: t.Scenario, Step: t.Step, Anchor: anchor, Wake: sit.Now, Made: sit.Now})
	}
}

// suppress marks an address that will never work.
func (s *Settler) suppress(ctx context.Context, tx *store.Tx, sit *Situation, a *dental.Attempt, r Report) error {
	c, err := tx.ContactByKey(ctx, a.Address)
	if err != nil || c.Suppressed != "" {
		return err
	}
	spoil(c, r, sit.Now)
	tx.Put(*c)
	return nil
}

func spoil(c *dental.Contact, r Report, now time.Time) {
	if c.Suppressed == "" {
		c.Suppressed, c.SuppressedAt = cmp.Or(r.Code, string(r.Kind)), now
	}
}

// forget takes the claim off the contacts, since nothing was written to the
// patient after all.
func (s *Settler) forget(ctx context.Context, tx *store.Tx, sit *Situation, a *dental.Attempt, r Report) error {
	for _, key := range slices.Compact([]string{a.Address, a.Household}) {
		if key == "" {
			continue
		}
		c, err := tx.ContactByKey(ctx, key)
		if err != nil {
			return err
		}
		c.Forget(sit.Touch.ID())
		if r.Kind == ReportBadAddress && key == a.Address {
			spoil(c, r, sit.Now)
		}
		tx.Put(*c)
	}
	return nil
}

// complained refuses care and advertising, and the message's own class, on
// behalf of a reader who called it spam.
func (s *Settler) complained(ctx context.Context, tx *store.Tx, sit *Situation, a *dental.Attempt, r Report) (bool, error) {
	c, err := tx.ContactByKey(ctx, a.Address)
	if err != nil {
		return false, err
	}
	if o, done := c.Refused(sit.Touch.Class); done && o.Source == "complaint" {
		return false, nil
	}
	class := sit.Touch.Class
	if step := s.Catalogue.Step(sit.Touch.Scenario, sit.Touch.Step); step != nil && step.Reminder {
		class = dental.Reminders
	}
	c.Refuse(r.At, "complaint", dental.UpTo(class)...)
	tx.Put(*c)
	return true, nil
}

// lapse makes a claim unknown whose time to be answered is over, and tells staff.
func (s *Settler) lapse(ctx context.Context, ref TouchRef) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		sit, err := s.read(ctx, tx, ref)
		if err != nil || sit == nil {
			return err
		}
		t := sit.Touch
		if t.State != dental.Claimed || sit.Now.Before(t.Last().Until) {
			return nil
		}
		t.Attempts = slices.Clone(t.Attempts)
		t.Last().Outcome = dental.Lost
		tx.Put(scenario.End(sit.Clinic, t, dental.Unknown, "no-answer-from-provider", sit.Now))
		l := locale.For(sit.Clinic.Language)
		s.course(tx, sit).Open(dental.Task{Kind: dental.UnknownTask, Anchor: t.ID(), Scenario: t.Scenario, Due: sit.Clinic.EndOfWorkingDay(sit.Now, 1),
			Reason: l.Text("task.unknown", map[string]string{"scenario": s.Catalogue.Called(t.Scenario, l.String()), "channel": l.Text("channel."+string(t.Channel), nil),
				"day": l.Day(sit.Clinic.Today(t.Last().At))})})
		return tx.Commit(ctx)
	})
}
