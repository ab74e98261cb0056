package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// The actions of the audit log that are done on a card; each has its text under desk.log.
const (
	BonusGranted    = "bonus.grant"
	BonusSpent      = "bonus.spend"
	HygieneRedeemed = "bonus.free-hygiene"
	GiftRedeemed    = "gift.redeem"
	ConsentTaken    = "consent.paper"

	PatientExcluded = "patient.exclude"
	PatientIncluded = "patient.include"
	DeathMarked     = "patient.deceased"
	DeathTakenBack  = "patient.living"
	DisputeMarked   = "patient.dispute"
	DisputeLifted   = "patient.settle"
	PatientExported = "patient.export"
	PatientErased   = "patient.erase"
)

// WordingOfPaper is the version of what is signed on paper, unless the clinic names another.
const WordingOfPaper = "paper-2026-11"

// longestWording is the most runes of a wording's version.
const longestWording = 64

// Exclude has nothing sent to a patient any more, or lets it be again: every
// open touch and task is cancelled at once, relatives are untouched. What was
// cancelled and is still asked for by the facts comes back with the patient.
func (c *Cards) Exclude(ctx context.Context, p Press, exclude bool, now time.Time) error {
	return c.turn(ctx, p, now, exclude, PatientExcluded, PatientIncluded, func(h *dental.Patient) { h.Excluded = exclude })
}

// Dispute marks a disputed case, or lifts the mark. While it stands nothing
// courts the patient (advertising, reviews, recommendations) and no care text is
// sent; calls, reminders of own appointments and surveys stay. Lifting it is a
// person's decision, and counts at once.
func (c *Cards) Dispute(ctx context.Context, p Press, disputed bool, now time.Time) error {
	return c.turn(ctx, p, now, disputed, DisputeMarked, DisputeLifted, func(h *dental.Patient) { h.Disputed = disputed })
}

// Deceased marks a patient as deceased, or takes a mark of staff back: what the
// MIS itself says of it is changed there. The mark outlives the MIS's cards, as
// dental.Patient.Succeed has it.
func (c *Cards) Deceased(ctx context.Context, p Press, deceased bool, now time.Time) error {
	return c.turn(ctx, p, now, deceased, DeathMarked, DeathTakenBack, func(h *dental.Patient) {
		if deceased {
			h.MarkDeceased()
			return
		}
		h.MarkLiving()
	})
}

// turn changes something about the patient's head that is so or not so. What is
// as wanted already is left as it is, without a line in the log.
func (c *Cards) turn(ctx context.Context, p Press, now time.Time, is bool, to, back string, change func(*dental.Patient)) error {
	return perform(ctx, c.Store, c.Catalogue, c.Rand, p, now, func(d *deed) error {
		was := d.card.Patient
		_, wasGone := was.Gone()
		change(&d.card.Patient)
		if h := d.card.Patient; h.Excluded == was.Excluded && h.Disputed == was.Disputed && h.Status == was.Status {
			return nil
		}
		if d.log.Action = back; is {
			d.log.Action = to
		}
		if _, gone := d.card.Patient.Gone(); wasGone && !gone {
			d.subjects = scenario.Recent(d.clinic, d.card, now)
		}
		d.tx.Put(d.card.Patient)
		return nil
	})
}

// Paper is a decision that a patient, or a child's adult, has signed.
type Paper struct {
	Granted  bool
	Classes  []dental.Class // Reminders may be among them
	Channels []dental.Channel
	// Wording is the version of what was signed; "" is WordingOfPaper.
	Wording string
	// On is the day of the signature. An earlier one than today counts from its
	// beginning for what it grants and to its end for what it refuses: a consent
	// never outdoes a refusal of the same day.
	On dental.Date
}

// Consent records what was decided on paper. A child's card takes none: the
// adult's counts.
func (c *Cards) Consent(ctx context.Context, p Press, paper Paper, now time.Time) error {
	return perform(ctx, c.Store, c.Catalogue, c.Rand, p, now, func(d *deed) error {
		at, err := d.signed(paper)
		if err != nil {
			return err
		}
		wording := clip(paper.Wording, reasonLength)
		if wording == "" {
			wording = WordingOfPaper
		}
		before := slices.Clone(d.card.Patient.Consents)
		for _, class := range paper.Classes {
			for _, ch := range paper.Channels {
				d.card.Patient.Record(dental.Consent{Class: class, Channel: ch, Granted: paper.Granted, At: at, Source: "paper", Text: wording, By: p.By})
			}
		}
		if slices.Equal(before, d.card.Patient.Consents) {
			return nil
		}
		d.log.Action, d.log.Subject = ConsentTaken, wording
		d.tx.Put(d.card.Patient)
		return nil
	})
}

// signed judges a paper, and says from when its decision counts.
func (d *deed) signed(paper Paper) (time.Time, error) {
	classes := ConsentClasses()
	switch {
	case d.card.Patient.Minor(d.today):
		return time.Time{}, refuse(dental.Conflict, "", "desk.card.wrong.minor", nil)
	case len(paper.Classes) == 0 || slices.ContainsFunc(paper.Classes, func(c dental.Class) bool { return !slices.Contains(classes, c) }):
		return time.Time{}, refuse(dental.Invalid, "class", "desk.card.wrong.class", nil)
	case len(paper.Channels) == 0 || slices.ContainsFunc(paper.Channels, func(c dental.Channel) bool { return !slices.Contains(dental.Channels(), c) }):
		return time.Time{}, refuse(dental.Invalid, "channel", "desk.card.wrong.channel", nil)
	case len([]rune(paper.Wording)) > longestWording:
		return time.Time{}, refuse(dental.Invalid, "wording", "desk.card.wrong.wording", nil)
	case paper.On.After(d.today):
		return time.Time{}, WrongDay()
	case paper.On.IsZero() || paper.On == d.today:
		return d.now, nil
	case paper.Granted:
		return paper.On.At(0, d.clinic.Location()), nil
	}
	return paper.On.AddDays(1).At(0, d.clinic.Location()).Add(-time.Second), nil
}

// Erase takes a patient out for good, as the MIS's patient.deleted does: at once
// the person, within the hour whatever there is of them. typed is what the
// presser typed to confirm it: the last four digits of the card's number, or the
// patient's id. The audit log keeps who did it, when, and the id.
func (c *Cards) Erase(ctx context.Context, p Press, typed string, now time.Time) error {
	if c.Erasure == nil {
		return errNoErasure
	}
	tx := c.Store.Begin()
	cl, err := tx.Clinic(ctx, p.Clinic)
	if err != nil {
		return err
	}
	heads, err := tx.Heads(ctx, dental.Member{Clinic: p.Clinic, Patient: p.Patient})
	if err != nil {
		return err
	}
	if heads[0].ID == "" || heads[0].Erased {
		return dental.Errorf(dental.NotFound, "patient", "there is no such patient")
	}
	typed = strings.TrimSpace(typed)
	if digits := dental.EndingOf(heads[0].Phone); typed != p.Patient && (digits == "" || typed != digits) {
		return refuse(dental.Invalid, "typed", "desk.card.wrong.typed", nil)
	}
	if p.ID, err = pressID(p.ID, c.Rand); err != nil {
		return err
	}
	return c.Erasure(ctx, cl, p.Patient, p.entry(PatientErased, now), now)
}

// deed is one press on a card on its way into the state.
type deed struct {
	Press
	tx     *store.Tx
	clinic *dental.Clinic
	card   *dental.Card
	now    time.Time
	today  dental.Date
	lost   bool // an earlier try may have been written: its answer was lost
	// log is the line that goes with what is put. Its Detail is no place for what
	// people wrote: that stands on the card, and goes with it.
	log dental.LogEntry
	// subjects are the facts that count again.
	subjects []scenario.Subject
}

// entry is the press's line of the audit log.
func (p Press) entry(action string, now time.Time) dental.LogEntry {
	return dental.LogEntry{Clinic: p.Clinic, ID: p.ID, At: now, By: p.By, Key: p.Key, Role: p.Role, Action: action, Patient: p.Patient}
}

// pressID is the id that makes a press single: the form's, or one that is drawn.
func pressID(given string, rand io.Reader) (string, error) {
	if given != "" {
		if !dental.ValidID(given) {
			return "", dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
		}
		return given, nil
	}
	draw := make([]byte, 16)
	if _, err := io.ReadFull(rand, draw); err != nil {
		return "", fmt.Errorf("desk: draw the id of a press: %w", err)
	}
	return hex.EncodeToString(draw), nil
}

// most is how many touches and tasks a press settles by itself.
const most = 8

// perform runs one press until it does not run into another's write. What do
// puts goes with the head and with the press's line in the audit log; where it
// puts nothing, nothing is written.
func perform(ctx context.Context, s *store.Store, c scenario.Catalogue, rand io.Reader, p Press, now time.Time, do func(*deed) error) error {
	id, err := pressID(p.ID, rand)
	if err != nil {
		return err
	}
	p.ID = id
	lost := false
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Begin()
		cl, err := tx.Clinic(ctx, p.Clinic)
		if err != nil {
			return err
		}
		card, err := tx.Card(ctx, p.Clinic, p.Patient)
		if err != nil {
			return err
		}
		if !card.Known() || card.Patient.Erased {
			return dental.Errorf(dental.NotFound, "patient", "there is no patient %q", p.Patient)
		}
		d := &deed{Press: p, tx: tx, clinic: cl, card: card, now: now, today: cl.Today(now), lost: lost, log: p.entry("", now)}
		if err := do(d); err != nil || tx.Size() == 0 {
			return err
		}
		card.Patient.Changes++
		tx.Put(card.Patient)
		tx.Put(d.log)
		course := journey.Course{Tx: tx, Catalogue: c, Clinic: cl, Card: card, Now: now}
		if course.Settle(journey.Options{Subjects: d.subjects, Limit: most}) {
			course.Defer()
		}
		err = tx.Commit(ctx)
		lost = lost || errors.Is(err, table.ErrAmbiguous)
		return err
	})
}

// WrongAmount is the error of an amount that was typed wrongly.
func WrongAmount() error { return refuse(dental.Invalid, "amount", "desk.card.wrong.amount", nil) }

// WrongDecision is the error of a paper of which nobody said what it decides.
func WrongDecision() error {
	return refuse(dental.Invalid, "granted", "desk.card.wrong.decision", nil)
}

// WrongDay is the error of a day that is none, or has not come.
func WrongDay() error { return refuse(dental.Invalid, "on", "desk.card.wrong.on", nil) }
