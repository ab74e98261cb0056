package desk

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Twins are the pairs of cards that may be of one person. Nothing is merged: a
// card is the clinic's MIS's, and two of them become one there. Here staff say
// whether it is one person, and then one of the two gets nothing any more, so
// that nothing is sent twice.
type Twins struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Rand      io.Reader
}

// The actions of the audit log, and the verdicts of a dental.Twin.
const (
	TwinsOne = "twins.one"
	TwinsTwo = "twins.two"

	OnePerson = "same"
	TwoPeople = "different"
)

// TwinPair is one open proposal, ready to show.
type TwinPair struct {
	A, B  string
	Cards [2]TwinCard
}

// TwinCard is what one of the two cards has.
type TwinCard struct {
	ID, Name string
	Lines    []TwinLine
}

// TwinLine is one thing that a card has.
type TwinLine struct{ Label, Value string }

// twinsAPage is how many pairs a page shows: each is two cards to read.
const twinsAPage = 10

// Open lists the first of the clinic's open proposals, the earliest found first
// among those read, and how many there are. One of whose cards is gone meanwhile
// is none.
func (t *Twins) Open(ctx context.Context, cl *dental.Clinic, l locale.Locale, now time.Time) (pairs []TwinPair, all int, err error) {
	for cursor := ""; ; {
		twins, next, err := t.Store.TwinsOf(ctx, cl.ID, table.MaxGet/2, cursor)
		if err != nil {
			return nil, 0, err
		}
		var members []dental.Member
		for _, tw := range twins {
			members = append(members, dental.Member{Clinic: cl.ID, Patient: tw.A}, dental.Member{Clinic: cl.ID, Patient: tw.B})
		}
		heads, err := t.Store.Begin().Heads(ctx, members...)
		if err != nil {
			return nil, 0, err
		}
		for i, tw := range twins {
			_, goneA := heads[2*i].Gone()
			_, goneB := heads[2*i+1].Gone()
			if tw.Verdict != "" || goneA || goneB {
				continue
			}
			if all++; len(pairs) == twinsAPage {
				continue
			}
			pair := TwinPair{A: tw.A, B: tw.B}
			for j, id := range []string{tw.A, tw.B} {
				card, err := t.Store.Begin().Card(ctx, cl.ID, id)
				if err != nil {
					return nil, 0, err
				}
				pair.Cards[j] = twinCard(cl, card, l, now)
			}
			pairs = append(pairs, pair)
		}
		if cursor = next; cursor == "" {
			return pairs, all, nil
		}
	}
}

// twinCard says what a card has, so that two of them can be held against each other.
func twinCard(cl *dental.Clinic, card *dental.Card, l locale.Locale, now time.Time) TwinCard {
	p := card.Patient
	none := l.Text("desk.twins.none", nil)
	count := func(key string, n int) string {
		return l.Text("desk.twins."+key, map[string]string{"n": strconv.Itoa(n)})
	}
	out := TwinCard{ID: p.ID, Name: cmp.Or(strings.Join(strings.Fields(p.FamilyName+" "+p.GivenName+" "+p.MiddleName), " "), l.Text("desk.twins.unnamed", nil))}
	add := func(key, value string) {
		out.Lines = append(out.Lines, TwinLine{l.Text("desk.twins.has."+key, nil), cmp.Or(value, none)})
	}
	add("id", p.ID)
	add("birth", l.DayYear(p.BirthDate))
	add("phone", Spaced(string(p.Phone)))
	add("email", string(p.Email))
	days := card.VisitDays(cl.Location())
	visits := ""
	if n := len(days); n > 0 {
		visits = l.Text("desk.twins.visits", map[string]string{"n": strconv.Itoa(n), "day": l.DayYear(days[n-1])})
	}
	add("visits", visits)
	ahead := ""
	if a := card.NextAppointment(now); a != nil {
		ahead = l.DayYear(cl.Today(a.Start))
	}
	add("ahead", ahead)
	open := 0
	for _, plan := range card.Plans {
		if plan.Open() {
			open++
		}
	}
	plans := ""
	if open > 0 {
		plans = count("plans", open)
	}
	add("plans", plans)
	agreed := ""
	if n := len(p.Consents); n > 0 {
		agreed = count("consents", n)
	}
	add("consents", agreed)
	return out
}

// One says that two cards are of one person. The card that staff drop gets nothing
// any more: what is open on it is cancelled at once, as an exclusion does, with the
// verdict in the same write.
func (t *Twins) One(ctx context.Context, p Press, a, b, drop string, now time.Time) error {
	if drop != a && drop != b {
		return refuse(dental.Invalid, "drop", "desk.twins.wrong.drop", nil)
	}
	p.Patient = drop
	return perform(ctx, t.Store, t.Catalogue, t.Rand, p, now, func(d *deed) error {
		twin, err := judged(ctx, d.tx, p, a, b, OnePerson, now)
		if err != nil || twin.Verdict == "" {
			return err
		}
		other := a
		if drop == a {
			other = b
		}
		d.card.Patient.Excluded = true
		d.log.Action, d.log.Subject = TwinsOne, other
		d.tx.Put(twin)
		return nil
	})
}

// Two says that two cards are of different people: they are never proposed again.
func (t *Twins) Two(ctx context.Context, p Press, a, b string, now time.Time) error {
	id, err := pressID(p.ID, t.Rand)
	if err != nil {
		return err
	}
	p.ID, p.Patient = id, min(a, b)
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := t.Store.Begin()
		twin, err := judged(ctx, tx, p, a, b, TwoPeople, now)
		if err != nil || twin.Verdict == "" {
			return err
		}
		entry := p.entry(TwinsTwo, now)
		entry.Subject = max(a, b)
		tx.Put(twin)
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}

// judged reads a proposal and gives it a verdict; it is the zero Twin where the
// same verdict stands already. One that was never made is NotFound, and another
// verdict a Conflict.
func judged(ctx context.Context, tx *store.Tx, p Press, a, b, verdict string, now time.Time) (dental.Twin, error) {
	if !dental.ValidID(a) || !dental.ValidID(b) || a == b {
		return dental.Twin{}, dental.Errorf(dental.NotFound, "", "there is no such pair")
	}
	twins, err := tx.Twins(ctx, dental.Twin{Clinic: p.Clinic, A: min(a, b), B: max(a, b)})
	if err != nil {
		return dental.Twin{}, err
	}
	twin := twins[0]
	switch {
	case twin.Found.IsZero():
		return dental.Twin{}, dental.Errorf(dental.NotFound, "", "there is no such pair")
	case twin.Verdict == verdict:
		return dental.Twin{}, nil
	case twin.Verdict != "":
		return dental.Twin{}, refuse(dental.Conflict, "", "desk.twins.wrong.decided", nil)
	}
	twin.Verdict, twin.By, twin.At = verdict, p.By, now
	return twin, nil
}
