package cadence

import (
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Ask is what would be sent, as far as the arbiter needs to know it.
type Ask struct {
	Touch dental.Touch
	// Reminder is a reminder of an own appointment: no ceiling holds it, and it
	// has a refusal of its own.
	Reminder bool
	// Exempt from the weekly cap, as a birthday is; it keeps its distance from
	// other advertisements instead.
	Exempt bool
}

// Person is who would get it: the patient, or the guardian of a child.
type Person struct {
	dental.Patient
	Contacts map[string]*dental.Contact // by address
}

// Home is the contact of the person's household: that of the phone, else of the
// e-mail. It is nil when the address is not theirs, because they have disowned
// it or it stands in too many cards.
func (p Person) Home() *dental.Contact {
	home := p.Contacts[p.Household()]
	if home == nil || home.Crowded || slices.Contains(p.NotMe, home.Key) {
		return nil
	}
	return home
}

// CallingAt is the number to call the person on, "" for none: one that is said
// to be somebody else's is not called.
func (p Person) CallingAt() dental.Phone {
	if c := p.Contacts[string(p.Phone)]; c != nil && slices.Contains(p.NotMe, c.Key) {
		return ""
	}
	return p.Phone
}

// Reach is the way a message takes.
type Reach struct {
	Channel dental.Channel
	Address string
	Contact *dental.Contact
	// Household is the contact that the caps are counted on; it may be Contact itself.
	Household *dental.Contact
}

// Verdict is the arbiter's answer: a way to send, or a time to ask again, or
// the reason why not. NoWay says that the reason is the want of a usable
// address, which staff can mend.
type Verdict struct {
	Reach  *Reach
	Wait   time.Time
	Reason string
	NoWay  bool
}

// Judge decides whether the message may leave now, and how.
func Judge(c *dental.Clinic, p Person, ask Ask, now time.Time) Verdict {
	reach, reason, noWay := route(c, p, ask)
	if reach == nil {
		return Verdict{Reason: reason, NoWay: noWay}
	}
	if ask.Exempt && ask.Touch.Class == dental.Advertising && (near(reach.Household, ask, now) || near(reach.Contact, ask, now)) {
		return Verdict{Reason: "near-advertisement"}
	}
	free, full := room(c, reach.Household, ask, now)
	if f, why := room(c, reach.Contact, ask, now); f.After(free) {
		free, full = f, why
	}
	if !free.After(now) {
		return Verdict{Reach: reach}
	}
	wait := HoursOf(c).Next(free)
	if wait.After(Patience(ask.Touch)) {
		return Verdict{Reason: full}
	}
	return Verdict{Wait: wait, Reason: full}
}

// route picks the first channel that reaches the person and that they allow,
// in the order the patient prefers and then the clinic. Without one it gives
// the most telling reason of all.
func route(c *dental.Clinic, p Person, ask Ask) (reach *Reach, reason string, noWay bool) {
	// The later in this list, the more the reason tells.
	rank := []string{"", "no-channel", "no-address", "not-me", "suppressed", "landline", "foreign-phone", "shared-phone", "tried", "no-consent", "opted-out"}
	worst := 0
	blame := func(r string) { worst = max(worst, slices.Index(rank, r)) }
	for _, ch := range order(c, p.Patient) {
		address := p.Address(ch)
		contact := p.Contacts[address]
		switch {
		case ch == dental.WhatsApp && c.Accounts[dental.WhatsAppAccount].Secrets == nil:
			blame("no-channel")
		case address == "" || contact == nil:
			blame("no-address")
		case ask.Touch.Tried(ch):
			blame("tried")
		case slices.Contains(p.NotMe, contact.Key):
			blame("not-me")
		case contact.Suppressed != "":
			blame("suppressed")
		case contact.Crowded:
			blame("shared-phone")
		case ch == dental.SMS && p.PhoneRegion != "" && c.Country != "" && p.PhoneRegion != c.Country:
			blame("foreign-phone")
		case ch == dental.SMS && p.Landline:
			blame("landline")
		default:
			household := p.Home()
			if household == nil {
				household = contact
			}
			if why := refused(c, p.Patient, ask, ch, contact, household); why != "" {
				blame(why)
				continue
			}
			return &Reach{Channel: ch, Address: address, Contact: contact, Household: household}, "", false
		}
	}
	if reason = rank[worst]; worst < 2 {
		reason = "no-address"
	}
	if reason == "no-address" && p.PhoneIssue != "" {
		reason = "phone-" + p.PhoneIssue
	}
	if reason == "tried" {
		reason = "all-channels-failed"
	}
	return nil, reason, reason != "no-consent" && reason != "opted-out"
}

func order(c *dental.Clinic, p dental.Patient) []dental.Channel {
	if !slices.Contains(c.Channels, p.Preferred) {
		return c.Channels
	}
	out := []dental.Channel{p.Preferred}
	for _, ch := range c.Channels {
		if ch != p.Preferred {
			out = append(out, ch)
		}
	}
	return out
}

// refused says why the person does not want the class on the channel, "" if
// nothing speaks against it. A recorded consent newer than a refusal of the
// address wins over it. Whoever refuses service messages is still reminded of
// an own appointment, unless reminders are refused too.
func refused(c *dental.Clinic, p dental.Patient, ask Ask, ch dental.Channel, contacts ...*dental.Contact) string {
	class := ask.Touch.Class
	if ask.Reminder {
		class = dental.Reminders
	}
	switch s := p.Stand(class, ch, contacts...); {
	case s.OptedOut:
		return "opted-out"
	case !s.Allows(c.CareConsent):
		return "no-consent"
	}
	return ""
}

// quota is one limit on what a household gets.
type quota struct {
	reason string
	counts func(dental.Recent) bool
	most   int
	within time.Duration
}

// Days of a cap are rolling stretches of 24 hours.
const day = 24 * time.Hour

func quotas(c *dental.Clinic, ask Ask) []quota {
	class := ask.Touch.Class
	if class == dental.Service {
		if ask.Reminder || ask.Exempt {
			return nil
		}
		service := func(r dental.Recent) bool { return r.Class == dental.Service && !r.Reminder }
		return []quota{{"ceiling", service, 2, day}, {"ceiling", service, 5, 7 * day}}
	}
	var out []quota
	if !ask.Exempt {
		out = append(out, quota{"capped", func(r dental.Recent) bool { return r.Class != dental.Service }, c.CapPerWeek, 7 * day})
	}
	if class == dental.Advertising {
		out = append(out, quota{"capped", func(r dental.Recent) bool { return r.Class == dental.Advertising }, 2, 30 * day})
	}
	return out
}

// Wants reports whether nothing speaks against telling the patient of their own
// appointment in a reminder that goes to a contact of their household.
func Wants(c *dental.Clinic, p dental.Patient, ch dental.Channel, contact *dental.Contact) bool {
	return !slices.Contains(p.NotMe, contact.Key) && refused(c, p, Ask{Reminder: true}, ch, contact) == ""
}

// room is the first instant, not before now, at which every quota lets one more through.
func room(c *dental.Clinic, household *dental.Contact, ask Ask, now time.Time) (free time.Time, reason string) {
	free = now
	for _, q := range quotas(c, ask) {
		var at []time.Time
		for _, r := range household.Recent {
			if r.Touch != ask.Touch.ID() && q.counts(r) && now.Sub(r.At) < q.within {
				at = append(at, r.At)
			}
		}
		if len(at) < max(q.most, 1) {
			continue
		}
		slices.SortFunc(at, time.Time.Compare)
		if f := at[len(at)-max(q.most, 1)].Add(q.within); f.After(free) {
			free, reason = f, q.reason
		}
	}
	return free, reason
}

// apart is how far a message exempt from the cap keeps from another advertisement.
const apart = 3 * day

// near reports whether another advertisement left for the contact just now.
func near(contact *dental.Contact, ask Ask, now time.Time) bool {
	return slices.ContainsFunc(contact.Recent, func(r dental.Recent) bool {
		return r.Class == dental.Advertising && r.Touch != ask.Touch.ID() && now.Sub(r.At) < apart
	})
}

// Patience is until when a touch waits for room: care ten days, advertising
// fourteen from when it was due, a service message until its own deadline.
func Patience(t dental.Touch) time.Time {
	switch t.Class {
	case dental.Care:
		return t.Due.Add(10 * day)
	case dental.Advertising:
		return t.Due.Add(14 * day)
	}
	return t.Deadline
}
