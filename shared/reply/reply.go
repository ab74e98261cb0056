// Package reply takes what patients say: a rating, a word on an appointment,
// what they want to receive, STOP. Each answer is a fact: it is written with
// the tasks that follow from it and with what it cancels, in one write that
// changes the patient's head, so that nothing decided before it can be claimed
// after it.
//
// Everything that a page shows is read without writing.
package reply

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/journey"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Desk takes patients' replies.
type Desk struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Log       *slog.Logger
}

// Page is what every patient's page knows.
type Page struct {
	Locale locale.Locale
	Clinic *dental.Clinic
	Link   dental.Link
	// Path is the page's own.
	Path string
	// Preferences is the path of the page on which the reader chooses what to
	// receive, "" where the message granted none and on the page for friends.
	Preferences string
}

// visit is one opened link with the patient's card behind it.
type visit struct {
	Page
	tx   *store.Tx
	card *dental.Card
	now  time.Time
}

// open follows a link to the patient's card. Whatever is wrong with it, a
// stranger learns only that there is no such link.
func (d *Desk) open(ctx context.Context, purpose dental.Purpose, token string, now time.Time) (*visit, error) {
	tx := d.Store.Begin()
	link, err := tx.Link(ctx, purpose, token, now)
	if err != nil {
		return nil, err
	}
	cl, err := tx.Clinic(ctx, link.Clinic)
	if err != nil {
		return nil, err
	}
	card, err := tx.Card(ctx, link.Clinic, link.Patient)
	if err != nil {
		return nil, err
	}
	if !card.Known() || card.Patient.Erased {
		return nil, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	l := locale.For(card.Patient.Language, cl.Language)
	page := Page{Locale: l, Clinic: cl, Link: link, Path: "/" + string(purpose) + "/" + token}
	if link.Reader != "" && purpose != dental.PreferencesLink && purpose != dental.ReferralLink { // a code is passed on to strangers
		own := dental.Link{Purpose: dental.PreferencesLink, Clinic: link.Clinic, Patient: link.Reader, Subject: link.Refusal}
		page.Preferences = "/" + string(own.Purpose) + "/" + d.Store.Token(own)
	}
	return &visit{Page: page, tx: tx, card: card, now: now}, nil
}

// most is how many touches and tasks an answer settles by itself.
const most = 2

// put writes the card's head one change later, with all that the changed
// subjects bring about.
func (d *Desk) put(v *visit, subjects ...scenario.Subject) { d.settle(v, most, subjects...) }

// settle is put with as much of it in this write as limit says. Nothing is lost
// by what is left to the job: whatever is sent is decided on anew.
func (d *Desk) settle(v *visit, limit int, subjects ...scenario.Subject) {
	v.card.Patient.Changes++
	v.tx.Put(v.card.Patient)
	if d.course(v).Settle(journey.Options{Subjects: subjects, Limit: limit}) {
		d.course(v).Defer()
	}
}

func (d *Desk) course(v *visit) journey.Course {
	return journey.Course{Tx: v.tx, Catalogue: d.Catalogue, Clinic: v.Clinic, Card: v.card, Now: v.now}
}

// staff is the language of the clinic's staff.
func (v *visit) staff() locale.Locale { return locale.For(v.Clinic.Language) }

// words bounds what a patient may write.
const words = 2000

// trim takes control characters and excess out of a patient's own words.
func trim(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(s), ""))
	if r := []rune(s); len(r) > words {
		return string(r[:words])
	}
	return s
}
