package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Render makes the message of a held touch as it would leave if it was let go
// at the instant, or says why it would not, by a code of reason.*. It writes nothing.
type Render func(ctx context.Context, cl *dental.Clinic, t dental.Touch, now time.Time) (seen dental.Foreseen, reason string, err error)

// rendered is what a touch would say.
type rendered struct {
	dental.Foreseen
	reason string
}

// Batch is one page of a day's batch, ready to show.
type Batch struct {
	Scenario string
	Day      dental.Date
	Heading  string
	// Sum says how many messages there are, in how many SMS parts and for how
	// much; of a batch of several pages how many there are, and the rest of the
	// messages on this one.
	Sum string
	// Until is the last day on which it can be let go.
	Until string
	Rows  []BatchRow
	// Task is the one about the batch, the zero Task before there is one.
	Task dental.Task
	// From is the place of the page's first row, and Next of the following page's; 0 for none.
	From, Next int
}

// BatchRow is one message of a batch.
type BatchRow struct {
	Touch dental.Touch
	Who   string
	// Why says what is known of the patient; Way by which channel the message
	// leaves, in how many parts and for how much.
	Why, Way string
	// Subject is of an e-mail, and Text the SMS or the e-mail's plain part.
	Subject, Text string
	// Stays says why the message would not leave, in words; "" when it would.
	Stays string
}

// The bounds of a batch's page.
const (
	batchShown = 15
	// mostHeld is how many messages of a batch are listed. One of a day has
	// fewer; a chain's season may have more.
	mostHeld = 200
)

// Page reads a page of a day's batch, the one that begins at the place from.
// One that is empty or of an unknown scenario is NotFound.
func (b *Batches) Page(ctx context.Context, cl *dental.Clinic, name string, day dental.Date, from int, now time.Time, render Render) (Batch, error) {
	sc := b.Catalogue.Find(name)
	held, more, err := b.held(ctx, cl.ID, day, name)
	if err != nil {
		return Batch{}, fmt.Errorf("desk: read the batch of %s on %s: %w", name, day, err)
	}
	if sc == nil || len(held) == 0 {
		return Batch{}, dental.Errorf(dental.NotFound, "batch", "there is no such batch")
	}
	v := lookAt(b.Store, b.Catalogue, cl, now)
	out := Batch{Scenario: name, Day: day, From: min(max(from, 0), len(held)),
		Heading: v.text("desk.batch.heading", "scenario", b.Catalogue.Called(name, v.locale.String()), "day", v.day(day))}
	if last := day.AddDays(dental.HeldDays - 1); last.After(v.today) {
		out.Until = v.text("desk.batch.until", "day", v.day(last))
	} else {
		out.Until = v.text("desk.batch.until.last")
	}
	if out.Task, err = b.Store.Begin().Task(ctx, cl.ID, dental.ReleaseTask, dental.BatchAnchor(name, day)); err != nil {
		return Batch{}, fmt.Errorf("desk: read the task about the batch of %s on %s: %w", name, day, err)
	}
	page := held[out.From:min(out.From+batchShown, len(held))]
	all, failed := make([]rendered, len(page)), make([]error, len(page))
	side(len(page), func(i int) { all[i].Foreseen, all[i].reason, failed[i] = render(ctx, cl, page[i], now) })
	if err := errors.Join(failed...); err != nil {
		return Batch{}, fmt.Errorf("desk: render the batch of %s on %s: %w", name, day, err)
	}
	out.Sum = v.sum(all, len(held), more)
	if next := out.From + len(page); next < len(held) {
		out.Next = next
	}
	var ids []string
	for _, t := range page {
		ids = append(ids, t.Patient)
	}
	people, err := v.people(ctx, ids)
	if err != nil {
		return Batch{}, fmt.Errorf("desk: read the patients of the batch of %s on %s: %w", name, day, err)
	}
	for i, t := range page {
		out.Rows = append(out.Rows, v.batchRow(t, people[t.Patient], all[i]))
	}
	return out, nil
}

// held reads a batch, up to mostHeld, highest value first.
func (b *Batches) held(ctx context.Context, clinic string, day dental.Date, name string) (touches []dental.Touch, more bool, err error) {
	for cursor := ""; ; {
		waiting, next, err := b.Store.Held(ctx, clinic, day, name, mostHeld-len(touches), cursor)
		if err != nil && !errors.Is(err, store.ErrUnreadable) { // what cannot be read stays in the batch
			return nil, false, err
		}
		for _, w := range waiting {
			touches = append(touches, w.Touch)
		}
		if next == "" || len(touches) >= mostHeld {
			return touches, next != "", nil
		}
		cursor = next
	}
}

// sum adds up a page of a batch that has so many messages, or more.
func (k look) sum(all []rendered, of int, more bool) string {
	n, parts := 0, 0
	for _, r := range all {
		if r.reason == "" && r.Task == "" {
			n++
			parts += r.Parts
		}
	}
	key := "desk.batch.sum"
	price := k.price(parts)
	switch {
	case parts == 0:
		key += ".free"
	case price == "":
		key += ".parts"
	}
	says := ""
	if n > 0 {
		says = k.text(key, "n", strconv.Itoa(n), "count", strconv.Itoa(parts), "amount", price)
	}
	if left := len(all) - n; left > 0 {
		says = sentences(says, k.text("desk.batch.stay", "n", strconv.Itoa(left)))
	}
	switch {
	case more:
		says = sentences(k.text("desk.batch.whole.over", "n", strconv.Itoa(of)), says)
	case of > len(all):
		says = sentences(k.text("desk.batch.whole", "n", strconv.Itoa(of)), says)
	}
	return says
}

// price is what so many SMS parts cost, "" where the clinic has named no price.
func (k look) price(parts int) string {
	each := k.clinic.PartPrice
	if each.Minor == 0 {
		return ""
	}
	return k.locale.Money(dental.Money{Minor: each.Minor * int64(parts), Currency: each.Currency})
}

// batchRow tells one message of a batch.
func (k look) batchRow(t dental.Touch, p *person, r rendered) BatchRow {
	row := BatchRow{Touch: t, Who: k.who(p.card.Patient), Why: k.known(t, p), Subject: r.Subject, Text: r.Text}
	switch {
	case r.reason != "":
		row.Stays = k.text("desk.batch.stays", "reason", k.locale.Reason(r.reason))
		return row
	case r.Task != "":
		row.Stays = k.text("desk.batch.call", "name", k.text("kind."+string(r.Task)))
		return row
	}
	channel, parts, price := k.text("channel."+string(r.Channel)), strconv.Itoa(r.Parts), k.price(r.Parts)
	switch {
	case r.Parts == 0:
		row.Way = channel
	case price == "":
		row.Way = k.text("desk.batch.way.parts", "channel", channel, "n", parts)
	default:
		row.Way = k.text("desk.batch.way", "channel", channel, "n", parts, "amount", price)
	}
	return row
}

// known says what is known of the patient of a message: the last visit, the
// doctor, what is at stake.
func (k look) known(t dental.Touch, p *person) string {
	var said []string
	if last := lastVisit(p.card); last != nil {
		said = append(said, k.text("desk.batch.last", "day", k.day(k.clinic.Today(last.FinishedAt))))
	}
	if doctor := scenario.DoctorOf(p.card, t); doctor.Name != "" && !slices.Contains(k.clinic.FormerDoctors, doctor.ID) {
		said = append(said, k.text("desk.row.doctor", "doctor", doctor.Name))
	}
	return sentences(append(said, k.stake(p.card))...)
}

// lastVisit is the visit that was finished last, or nil.
func lastVisit(card *dental.Card) *dental.Visit {
	var last *dental.Visit
	for i := range card.Visits {
		if v := &card.Visits[i]; last == nil || v.FinishedAt.After(last.FinishedAt) {
			last = v
		}
	}
	return last
}
