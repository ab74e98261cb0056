package reply

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Message is what somebody wrote to a clinic's number, or to the deployment's.
type Message struct {
	// ID is the provider's own, the same at each delivery.
	ID   string
	From dental.Phone // E.164
	Text string
	// At is when it was written; zero is now.
	At time.Time
	// Replies is the provider's id of the message that this one answers, "" where
	// the provider does not know.
	Replies string
}

// Format keeps the words and the number out of every verb.
func (m Message) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "message %s", m.ID) }

// LogValue keeps the words and the number out of logs.
func (m Message) LogValue() slog.Value { return slog.StringValue("message " + m.ID) }

// Heard is what came of a message.
type Heard string

// What may come of one.
const (
	HeardNobody  Heard = "nobody"  // the number is nobody's here, or nothing was written
	HeardStop    Heard = "stop"    // refused for the number
	HeardConfirm Heard = "confirm" // appointments are confirmed
	HeardCancel  Heard = "cancel"  // staff are asked to cancel appointments
	HeardAnswer  Heard = "answer"  // a visit is rated
	HeardTask    Heard = "task"    // staff read it
	HeardBefore  Heard = "before"  // it is the same message again
)

// Inbound takes what was written from a phone to a clinic, or to any clinic of
// its owner:
//
//   - STOP is one put on the number's contact (Stop);
//   - a thumb, after a survey, is its answer;
//   - a yes or a no is what the page of the last reminder would take: all the
//     appointments that it spoke of and that are still ahead;
//   - anything else is a callback for staff with the words in its note.
//
// A number has several people behind it: it is the one whom the last message
// sent to it was about, and nothing sent after the message was written counts.
//
// A message is taken once: its id is remembered for 8 days, and what a crash has
// left half done comes to the same when it is done again.
//
// A word presses the button behind the link of the message that it answers, so
// it does no more than that link would: where the link does not open any more
// (the time has come, the appointment was moved), the words go to staff.
func (d *Desk) Inbound(ctx context.Context, cl *dental.Clinic, m Message, now time.Time) (Heard, error) {
	word := Read(m.Text)
	heard, err := d.inbound(ctx, cl, m.from(now), word, now)
	if err != nil {
		return "", fmt.Errorf("reply: take message %s: %w", m.ID, err)
	}
	d.Log.InfoContext(ctx, "message taken", "clinic", cl.ID, "id", m.ID, "from", m.From, "word", word, "heard", heard)
	return heard, nil
}

// from gives the message its time.
func (m Message) from(now time.Time) Message {
	if m.At.IsZero() || m.At.After(now) {
		m.At = now
	}
	return m
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func (d *Desk) inbound(ctx context.Context, cl *dental.Clinic, m Message, word Word, now time.Time) (Heard, error) {
	switch {
	case m.ID == "":
		return "", dental.Errorf(dental.Invalid, "id", "a message without an id cannot be told from the same again")
	case !e164.MatchString(string(m.From)) || trim(m.Text) == "":
		return HeardNobody, nil // an operator's own short number, or a picture
	}
	tx := d.Store.Begin()
	contacts, err := tx.Contacts(ctx, cl, string(m.From))
	if err != nil {
		return "", err
	}
	contact := contacts[string(m.From)]
	if !known(contact) {
		return HeardNobody, nil
	}
	before, err := tx.Event(ctx, cl.ID, nameOf(m.ID))
	if err != nil {
		return "", err
	}
	if before.ID != "" {
		return HeardBefore, nil
	}
	heard, err := d.effect(ctx, cl, contact, m, word, now)
	if err != nil {
		return "", err
	}
	tx.Put(store.Event{Clinic: cl.ID, ID: nameOf(m.ID), Body: string(heard), At: now})
	if err := tx.Commit(ctx); err != nil && !errors.Is(err, table.ErrConflict) { // another delivery of it was as quick
		return "", err
	}
	return heard, nil
}

// effect is what the message brings about.
func (d *Desk) effect(ctx context.Context, cl *dental.Clinic, contact *dental.Contact, m Message, word Word, now time.Time) (Heard, error) {
	if word == WordStop {
		_, err := d.Stop(ctx, cl, m.From, m.ID, m.At)
		return HeardStop, err
	}
	box := &inbox{desk: d, contact: contact, at: m.At, cards: map[dental.Member]*dental.Card{}}
	var last *dental.Touch
	for t, err := range box.sent(ctx) {
		if last = t; err != nil {
			return "", err
		}
		break
	}
	heard, err := d.answered(ctx, box, last, m, word, now)
	if err != nil || heard != "" {
		return heard, err
	}
	return d.pass(ctx, box, last, m, now)
}

// known reports whether somebody stands behind a number. One that too many have
// in their cards is nobody's in particular.
func known(c *dental.Contact) bool {
	return !c.Crowded && len(c.Members) > 0 || len(c.Recent) > 0
}

// answered presses what the word answers; "" is nothing.
func (d *Desk) answered(ctx context.Context, box *inbox, last *dental.Touch, m Message, word Word, now time.Time) (Heard, error) {
	if last != nil && last.Scenario == "after-visit" && (last.Step == "survey" || last.Step == "settled") {
		if heard, err := d.rate(ctx, *last, m, word, now); err != nil || heard != "" {
			return heard, err
		}
	}
	switch word {
	case WordYes, WordGood:
		return d.press(ctx, box, Confirm, now)
	case WordNo:
		return d.press(ctx, box, Cancel, now)
	}
	return "", nil
}

// rate answers a survey by a thumb, with what else was written as its comment.
// A number is no thumb: 1 is the first of three, or the worst of five.
func (d *Desk) rate(ctx context.Context, survey dental.Touch, m Message, word Word, now time.Time) (Heard, error) {
	form := AnswerForm{NPS: -1}
	if word == WordOther {
		word, form.Comment = thumb(m.Text), trim(m.Text)
	}
	switch word {
	case WordGood:
		form.Rating = dental.Good
	case WordFair:
		form.Rating = dental.Fair
	case WordBad:
		form.Rating = dental.Bad
	default:
		return "", nil
	}
	token := d.Store.Token(dental.Link{Purpose: dental.SurveyLink, Clinic: survey.Clinic, Patient: survey.Patient, Subject: survey.Anchor})
	_, err := d.Answer(ctx, token, form, now)
	if closed(err) {
		return "", nil
	}
	return HeardAnswer, err
}

// press takes an action on the appointments of the last reminder that speaks
// of any that are still to come.
func (d *Desk) press(ctx context.Context, box *inbox, action Action, now time.Time) (Heard, error) {
	for t, err := range box.sent(ctx) {
		if err != nil {
			return "", err
		}
		if step := d.Catalogue.Step(t.Scenario, t.Step); step == nil || !step.Reminder {
			continue
		}
		token := d.Store.Token(dental.Link{Purpose: dental.AppointmentLink, Clinic: t.Clinic, Patient: t.Patient, Subject: t.Anchor})
		_, err := d.Act(ctx, token, action, now)
		switch {
		case closed(err):
		case err != nil:
			return "", err
		case action == Confirm:
			return HeardConfirm, nil
		default:
			return HeardCancel, nil
		}
	}
	return "", nil
}

// closed reports whether a page says that it takes nothing (more).
func closed(err error) bool {
	kind := dental.KindOf(err)
	return kind == dental.NotFound || kind == dental.Conflict
}

// inbox is what a number was sent.
type inbox struct {
	desk    *Desk
	contact *dental.Contact
	at      time.Time // when the message was written
	cards   map[dental.Member]*dental.Card
}

// ahead is by how much clocks may differ: a message may seem to answer one that
// left so much after it.
const ahead = time.Minute

// sent goes through the messages that left for the number itself before the
// inbound one was written, the last first. The contact also counts what the
// household got by e-mail: that is no message to the number.
func (b *inbox) sent(ctx context.Context) iter.Seq2[*dental.Touch, error] {
	return func(yield func(*dental.Touch, error) bool) {
		recent := slices.Clone(b.contact.Recent)
		slices.SortStableFunc(recent, func(x, y dental.Recent) int { return y.At.Compare(x.At) })
		for _, r := range recent {
			if r.At.After(b.at.Add(ahead)) {
				continue
			}
			card, err := b.card(ctx, dental.Member{Clinic: r.Clinic, Patient: r.Patient})
			if err != nil {
				yield(nil, err)
				return
			}
			i := slices.IndexFunc(card.Touches, func(t dental.Touch) bool { return t.ID() == r.Touch })
			if i >= 0 && b.reached(card.Touches[i]) && !yield(&card.Touches[i], nil) {
				return
			}
		}
	}
}

// reached reports whether the touch was handed to the number's operator, as far as is known.
func (b *inbox) reached(t dental.Touch) bool {
	return slices.ContainsFunc(t.Attempts, func(a dental.Attempt) bool {
		lost := a.Outcome == dental.Refused || a.Outcome == dental.Deferred || a.Outcome == dental.Undelivered
		return a.Address == b.contact.Key && !lost
	})
}

func (b *inbox) card(ctx context.Context, m dental.Member) (*dental.Card, error) {
	if b.cards[m] == nil {
		card, err := b.desk.Store.Begin().Card(ctx, m.Clinic, m.Patient)
		if err != nil {
			return nil, err
		}
		b.cards[m] = card
	}
	return b.cards[m], nil
}

// holder is who the message is from, as far as anybody can tell: whom the last
// message to the number was about, else the first of its members.
func (b *inbox) holder(ctx context.Context, last *dental.Touch) (holder dental.Member, found bool, err error) {
	members := b.contact.Members
	if last != nil {
		members = append([]dental.Member{{Clinic: last.Clinic, Patient: last.Patient}}, members...)
	}
	for _, m := range members {
		card, err := b.card(ctx, m)
		if err != nil {
			return m, false, err
		}
		if card.Known() && !card.Patient.Erased {
			return m, true, nil
		}
	}
	return holder, false, nil
}

// pass tells staff what was written, once a message.
func (d *Desk) pass(ctx context.Context, box *inbox, last *dental.Touch, m Message, now time.Time) (Heard, error) {
	holder, found, err := box.holder(ctx, last)
	if err != nil || !found {
		return HeardNobody, err
	}
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := d.Store.Begin()
		cl, err := tx.Clinic(ctx, holder.Clinic)
		if err != nil {
			return err
		}
		card, err := tx.Card(ctx, holder.Clinic, holder.Patient)
		if err != nil {
			return err
		}
		anchor := nameOf(m.ID)
		if card.Patient.Erased || card.Task(dental.CallbackTask, anchor) != nil {
			return nil
		}
		v := &visit{Page: Page{Clinic: cl}, tx: tx, card: card, now: now}
		l := v.staff()
		task := dental.Task{Kind: dental.CallbackTask, Anchor: anchor, Note: trim(m.Text), Due: cl.AddWorking(now, time.Hour), Reason: l.Text("task.callback.message", nil)}
		if last != nil {
			task.Scenario = last.Scenario
			task.Reason = l.Text("task.callback.reply", map[string]string{"scenario": d.Catalogue.Called(last.Scenario, l.String())})
		}
		d.course(v).Open(task)
		return tx.Commit(ctx)
	})
	return HeardTask, err
}

// nameOf is a message's name in the table: 128 bits of the hash of its id, since
// a provider's ids may be of any length. The dot keeps it apart from webhook-ids, which have none.
func nameOf(message string) string {
	sum := sha256.Sum256([]byte(message))
	return "message." + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Hear takes a message to a number of the whole deployment, where nothing but
// the sender's number says to which of its clinics: contacts are hashed under
// their owner, so the owners are asked one by one, each whether it knows the
// number. That is a read a hundred clinics and one an owner; the message that is
// answered, where the provider names it, usually saves all of it.
//
// Of several owners that know the number it is the one that wrote to it last:
// between owners nothing is shared, so the others hear nothing. STOP is heard
// by each that has written to it lately: whoever says it to the one number that
// all of them write from means all of them.
func (d *Desk) Hear(ctx context.Context, m Message, now time.Time) (Heard, error) {
	m = m.from(now)
	stop := Read(m.Text) == WordStop
	if m.Replies != "" && !stop {
		tx := d.Store.Begin()
		id, err := tx.ProviderID(ctx, dental.SMS, m.Replies)
		if err != nil {
			return "", fmt.Errorf("reply: find what message %s answers: %w", m.ID, err)
		}
		if id.Clinic != "" {
			heard, err := d.heardBy(ctx, id.Clinic, m, now)
			if err != nil || heard != HeardNobody {
				return heard, err
			}
		}
	}
	listeners, err := d.listeners(ctx, m)
	if err != nil {
		return "", fmt.Errorf("reply: find whom message %s is for: %w", m.ID, err)
	}
	if len(listeners) == 0 {
		d.Log.InfoContext(ctx, "message of nobody", "id", m.ID, "from", m.From)
		return HeardNobody, nil
	}
	heard := HeardNobody
	for i, l := range listeners {
		if i > 0 && (!stop || l.wrote.IsZero()) {
			break
		}
		if heard, err = d.heardBy(ctx, l.clinic, m, now); err != nil {
			return "", err
		}
	}
	return heard, nil
}

func (d *Desk) heardBy(ctx context.Context, clinic string, m Message, now time.Time) (Heard, error) {
	cl, err := d.Store.Begin().Clinic(ctx, clinic)
	if err != nil {
		return "", fmt.Errorf("reply: take message %s: %w", m.ID, err)
	}
	return d.Inbound(ctx, cl, m, now)
}

// listener is an owner that knows a number, by one of its clinics.
type listener struct {
	clinic string
	wrote  time.Time // last to the number, zero for not lately
}

// clinicsPage is how many clinics are read at once.
const clinicsPage = 100

// listeners finds the owners that know the number, whoever wrote last first.
func (d *Desk) listeners(ctx context.Context, m Message) ([]listener, error) {
	if !e164.MatchString(string(m.From)) {
		return nil, nil
	}
	var out []listener
	asked := map[string]bool{}
	for cursor := ""; ; {
		clinics, next, err := d.Store.Clinics(ctx, clinicsPage, cursor)
		if err != nil {
			return nil, err
		}
		var owners []*dental.Clinic // one clinic of each
		for i := range clinics {
			if owner := clinics[i].Owner(); !asked[owner] {
				asked[owner] = true
				owners = append(owners, &clinics[i])
			}
		}
		contacts, err := d.contacts(ctx, owners, m.From)
		if err != nil {
			return nil, err
		}
		for i, contact := range contacts {
			if known(contact) {
				out = append(out, listener{owners[i].ID, wrote(contact, m.At)})
			}
		}
		if cursor = next; cursor == "" {
			slices.SortStableFunc(out, func(a, b listener) int {
				return cmp.Or(b.wrote.Compare(a.wrote), cmp.Compare(a.clinic, b.clinic))
			})
			return out, nil
		}
	}
}

// wrote is when the number was written to last before the instant; zero is never lately.
func wrote(c *dental.Contact, at time.Time) (last time.Time) {
	for _, r := range c.Recent {
		if r.At.After(last) && !r.At.After(at.Add(ahead)) {
			last = r.At
		}
	}
	return last
}

// readsAtOnce is how many owners are asked at the same time.
const readsAtOnce = 16

// contacts reads what each of the clinics' owners knows of a number.
func (d *Desk) contacts(ctx context.Context, owners []*dental.Clinic, number dental.Phone) ([]*dental.Contact, error) {
	out, failed := make([]*dental.Contact, len(owners)), make([]error, len(owners))
	var all sync.WaitGroup
	free := make(chan struct{}, readsAtOnce)
	for i, cl := range owners {
		free <- struct{}{}
		all.Go(func() {
			out[i], failed[i] = d.Store.Begin().ContactByKey(ctx, d.Store.ContactKey(cl, string(number)))
			<-free
		})
	}
	all.Wait()
	return out, errors.Join(failed...)
}
