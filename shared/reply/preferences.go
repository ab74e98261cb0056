package reply

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Wording is the version of the words under which the page asks for consent;
// it is kept with every consent given there, and changes with them.
const Wording = "page-2026-11-2"

// Preferences is the page of what a patient wants to receive.
type Preferences struct {
	Page
	Choices []Choice
	// NoAddress: the card has neither a phone nor an e-mail yet. What is chosen
	// holds from the day on which it has.
	NoAddress bool
}

// Choice is one class on one channel: dental.Reminders, service, care or
// advertising.
type Choice struct {
	Class   dental.Class
	Channel dental.Channel
	Granted bool
}

// Field is the choice's name in the form: "advertising.sms".
func (c Choice) Field() string { return string(c.Class) + "." + string(c.Channel) }

// Preferences reads the page behind a token.
func (d *Desk) Preferences(ctx context.Context, token string, now time.Time) (Preferences, error) {
	v, err := d.open(ctx, dental.PreferencesLink, token, now)
	if err != nil {
		return Preferences{}, err
	}
	contacts, err := v.tx.Contacts(ctx, v.Clinic, string(v.card.Patient.Phone), string(v.card.Patient.Email))
	if err != nil {
		return Preferences{}, err
	}
	return v.preferences(contacts), nil
}

func (v *visit) preferences(contacts map[string]*dental.Contact) Preferences {
	page := Preferences{Page: v.Page}
	p := v.card.Patient
	page.NoAddress = p.Household() == ""
	for _, ch := range v.Clinic.Channels {
		if p.Address(ch) == "" && !page.NoAddress {
			continue
		}
		for _, class := range append([]dental.Class{dental.Reminders}, dental.Classes()...) {
			page.Choices = append(page.Choices, Choice{Class: class, Channel: ch, Granted: v.granted(class, ch, contacts)})
		}
	}
	return page
}

// granted is what holds now for a class on a channel.
func (v *visit) granted(class dental.Class, ch dental.Channel, contacts map[string]*dental.Contact) bool {
	p := v.card.Patient
	return p.Stand(class, ch, contacts[p.Address(ch)], contacts[p.Household()]).Allows(v.Clinic.CareConsent)
}

// Choose records the choices of the page. shown are the fields that the page had
// when it was loaded, nil for all that it has now: of a choice that has appeared
// since nothing was said. wanted holds the fields that were ticked.
func (d *Desk) Choose(ctx context.Context, token string, shown []string, wanted func(field string) bool, now time.Time) (Preferences, error) {
	var page Preferences
	err := store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.open(ctx, dental.PreferencesLink, token, now)
		if err != nil {
			return err
		}
		contacts, err := v.tx.Contacts(ctx, v.Clinic, string(v.card.Patient.Phone), string(v.card.Patient.Email))
		if err != nil {
			return err
		}
		changed := false
		for _, c := range v.preferences(contacts).Choices {
			unseen := shown != nil && !slices.Contains(shown, c.Field())
			if granted := wanted(c.Field()); granted != c.Granted && !unseen {
				changed = true
				v.card.Patient.Record(dental.Consent{Class: c.Class, Channel: c.Channel, Granted: granted, At: now, Source: "page", Text: Wording})
			}
		}
		page = v.preferences(contacts)
		if !changed {
			return nil
		}
		d.put(v)
		return v.tx.Commit(ctx)
	})
	return page, err
}

// OneClick is the POST of RFC 8058 that mail software sends by itself: it
// refuses, for the address the message went to, care and advertising and the
// class of that message; of a reminder, service messages and reminders. Any
// number of them is one.
func (d *Desk) OneClick(ctx context.Context, token string, now time.Time) error {
	return d.refuse(ctx, token, now, func(c *dental.Contact, class dental.Class) bool {
		classes := dental.UpTo(class)
		if !slices.ContainsFunc(classes, func(x dental.Class) bool { _, refused := c.Refused(x); return !refused }) {
			return false
		}
		c.Refuse(now, "one-click", classes...)
		return true
	})
}

// refuse changes the contact that a preferences link was sent to.
func (d *Desk) refuse(ctx context.Context, token string, now time.Time, change func(*dental.Contact, dental.Class) bool) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := d.Store.Begin()
		link, err := tx.Link(ctx, dental.PreferencesLink, token, now)
		if err != nil {
			return err
		}
		class, key, _ := strings.Cut(link.Subject, "/")
		if key == "" {
			return dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
		}
		contact, err := tx.ContactByKey(ctx, key)
		if err != nil {
			return err
		}
		if !change(contact, dental.Class(class)) {
			return nil
		}
		tx.Put(*contact)
		return tx.Commit(ctx)
	})
}

// NotMe says that the address a message went to is not this patient's: nothing
// more goes from this patient to it, and staff ask for the right one.
func (d *Desk) NotMe(ctx context.Context, token string, now time.Time) error {
	return store.Retry(ctx, func(ctx context.Context) error {
		v, err := d.open(ctx, dental.PreferencesLink, token, now)
		if err != nil {
			return err
		}
		_, key, _ := strings.Cut(v.Link.Subject, "/")
		if !d.course(v).Disown(key) {
			return nil
		}
		d.put(v)
		return v.tx.Commit(ctx)
	})
}

// Stop is the word STOP from a phone, in the inbound message of that id: one
// put on its contact. It returns the classes that the message refuses.
func (d *Desk) Stop(ctx context.Context, cl *dental.Clinic, phone dental.Phone, message string, now time.Time) ([]dental.Class, error) {
	var refused []dental.Class
	err := store.Retry(ctx, func(ctx context.Context) error {
		tx := d.Store.Begin()
		contacts, err := tx.Contacts(ctx, cl, string(phone))
		if err != nil {
			return err
		}
		contact := contacts[string(phone)]
		refused = contact.Stop(now, message)
		tx.Put(*contact)
		return tx.Commit(ctx)
	})
	return refused, err
}
