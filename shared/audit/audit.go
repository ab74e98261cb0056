// Package audit says how a clinic's base stands before anything is sent to it:
// how quiet it is, whose treatment stopped half way, who can be reached and with
// whose consent, and what is at stake. Each card gives its own Part (Of), parts
// are added up in any order (Plus), and the page is worked out from the sum
// alone (Part.Figures, Figures.AtStake). It is pure.
//
// # As of a day
//
// An audit is as of a day of the clinic's calendar, D. Visits after D are not
// counted; an appointment on D lies ahead. Two audits of one day over the same
// cards are the same.
//
//   - A card is one of a patient of whom anything was ever heard and who was not
//     erased. It is gone when it is archived, moved, deceased or excluded by
//     staff, by the first of these reasons in dental.Patient.Gone, and else
//     active. Everything below is about active cards. A bare one is active and
//     known from others' events alone: the card itself has not come.
//   - The last visit is the latest day, not after D, on which a visit was finished.
//     A visit of day v is n months old when v.AddMonths(n), in calendar months cut
//     to the end of a short month, is not after D: as the scenarios for sleeping
//     patients count. The segments are half-open: under 6 months, from 6 to before
//     12, from 12 to before 18, from 18 on, and never. A visit of 31 August is six
//     months old on 28 February, in a leap year on the 29th. (The measures count
//     back from D instead, and may differ by a few patients at a month's end.)
//   - Nothing booked: no appointment that stands (booked or confirmed), on D or
//     later, out of which no visit has come.
//   - Asleep: the last visit is six months old or more, and nothing is booked.
//   - A plan is open when a stage of it is planned or booked. Never begun: no stage
//     is done. Unfinished: one is done. Idle: no stage of it is booked, and the
//     patient has nothing booked. What is open of it is the sum of its open stages
//     that have a price; those without one are counted apart.
//   - The phone is exactly one of: mobile (of the clinic's country or of one that is
//     not known), foreign (mobile, of another country: no SMS goes there),
//     landline, none (no number was given), or one that cannot be used, by its
//     dental.Patient.PhoneIssue. A mobile that nothing is sent to is shared (it stands
//     in more cards than a family has members), dead (nothing can be delivered there)
//     or another's (its holder has said so). Usable is mobile alone. An e-mail address
//     is usable, shared, dead, another's or none. These are the card's own.
//   - The reader of messages about a card is the patient, or a child's guardian
//     (dental.Patient.Reader). By the reader's phone and address exactly one is
//     usable: both, phone alone, e-mail alone, neither; neither also while the
//     guardian's card is gone or has not come.
//   - A sleeping card can be reached when its reader can, but for a child without a
//     guardian, who gets nothing that calls back. It may be invited when the reader
//     has agreed to advertising on a way that reaches them; a minor never is.
//   - A consent of a class on a channel is the reader's: granted, refused, or silent
//     where nothing is recorded. The word of an address's holder, as STOP, is a refusal that holds
//     until a later consent (dental.Patient.Stand). What silence means follows from
//     the class and from the clinic's setting (dental.CareConsent.Allows).
//   - A minor is under 18 on D, and alone when the card names no guardian.
//   - A receipt is what a visit day brought (dental.Card.Net), when it is above nought
//     and not after D.
package audit

import (
	"cmp"
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
)

// The segments by the age of the last visit.
const (
	Never  = "never" // no visit up to the day
	Recent = "0"     // under 6 months ago
	From6  = "6"     // 6 to 12
	From12 = "12"
	From18 = "18"
)

// Segments lists them, from the freshest.
func Segments() []string { return []string{Recent, From6, From12, From18, Never} }

// SegmentOf is the segment of a last visit as of a day.
func SegmentOf(last, day dental.Date) string {
	old := func(months int) bool { return !last.AddMonths(months).After(day) }
	switch {
	case last.IsZero():
		return Never
	case old(18):
		return From18
	case old(12):
		return From12
	case old(6):
		return From6
	}
	return Recent
}

// The two kinds of open plan.
const (
	NeverBegun = "never-begun"
	Unfinished = "unfinished"
)

// What there is of a phone number, where it is none of dental.Patient.PhoneIssue,
// and of an e-mail address.
const (
	Mobile   = "mobile"
	Usable   = "usable" // an e-mail address
	Shared   = "shared"
	Dead     = "dead"
	Others   = "others"
	Foreign  = "foreign"
	Landline = "landline"
	None     = "none"
)

// Phones lists what there may be of a phone number, the usable kind first.
func Phones() []string {
	return []string{Mobile, Shared, Dead, Others, Foreign, Landline, "malformed", "extension", "several", "toll-free", None}
}

// Mails lists what there may be of an e-mail address.
func Mails() []string { return []string{Usable, Shared, Dead, Others, None} }

// The ways in which a patient may be reached by a message.
const (
	ByBoth    = "both"
	ByPhone   = "phone"
	ByMail    = "email"
	ByNeither = "neither"
)

// Reaches lists them.
func Reaches() []string { return []string{ByBoth, ByPhone, ByMail, ByNeither} }

// Part is what some cards add to an audit: amounts by name, each a count or money
// in its minor unit, and the receipts by currency.
type Part struct {
	Sums     measure.Sums        `json:"sums,omitempty"`
	Receipts map[string]Receipts `json:"receipts,omitempty"`
}

// Plus adds another part. The order in which parts are added makes no difference.
func (p *Part) Plus(o Part) {
	if p.Sums == nil {
		p.Sums = measure.Sums{}
	}
	p.Sums.Plus(o.Sums)
	for currency, r := range o.Receipts {
		p.receipts(currency).Plus(r)
	}
}

func (p *Part) receipts(currency string) Receipts {
	if p.Receipts == nil {
		p.Receipts = map[string]Receipts{}
	}
	if p.Receipts[currency] == nil {
		p.Receipts[currency] = Receipts{}
	}
	return p.Receipts[currency]
}

// Of is what one card adds to an audit as of a day. One that is not known, or was
// erased, adds nothing. guardian is the card that the patient's GuardianID names,
// the zero Patient where there is none. The contacts are by address; of an address
// without one nothing is known.
func Of(cl *dental.Clinic, card *dental.Card, guardian dental.Patient, contacts map[string]*dental.Contact, day dental.Date) Part {
	p := Part{Sums: measure.Sums{}}
	if !card.Known() || card.Patient.Erased {
		return p
	}
	c := counting{Part: p, clinic: cl, card: card, contacts: contacts, day: day}
	c.reader, c.kept = card.Patient.Reader(guardian, day)
	c.one("cards")
	if reason, gone := card.Patient.Gone(); gone {
		c.one("gone/" + reason)
		return c.Part
	}
	c.one("active")
	if card.Patient.Stub {
		c.one("bare")
	}
	c.visits()
	c.plans()
	c.reached()
	c.agreed()
	if card.Patient.Minor(day) {
		c.one("minors")
		if card.Patient.GuardianID == "" {
			c.one("minors/alone")
		}
	}
	return c.Part
}

// counting is one card on its way into a part.
type counting struct {
	Part
	clinic   *dental.Clinic
	card     *dental.Card
	contacts map[string]*dental.Contact
	reader   dental.Patient
	kept     dental.Guardian
	day      dental.Date
	booked   bool
	asleep   bool
}

func (c *counting) one(name string)          { c.Sums.Add(name, 1) }
func (c *counting) add(name string, n int64) { c.Sums.Add(name, n) }

// visits counts how long ago the last one was, and the receipts.
func (c *counting) visits() {
	loc := c.clinic.Location()
	var last dental.Date
	for _, on := range c.card.VisitDays(loc) {
		if on.After(c.day) {
			continue
		}
		last = on
		if net := c.card.Net(on, loc); net.Minor > 0 {
			c.receipts(net.Currency).add(net.Minor)
		}
	}
	c.booked = slices.ContainsFunc(c.card.Appointments, func(a dental.Appointment) bool {
		return a.Standing() && !c.clinic.Today(a.Start).Before(c.day) && !c.card.Attended(a.ID)
	})
	segment := SegmentOf(last, c.day)
	c.one("seen/" + segment)
	if c.booked {
		return
	}
	c.one("unbooked/" + segment)
	c.asleep = segment == From6 || segment == From12 || segment == From18
}

// plans counts the open ones.
func (c *counting) plans() {
	patient := map[string]bool{}
	for _, p := range c.card.Plans {
		if !p.Open() {
			continue
		}
		of, idle := NeverBegun, !c.booked
		for _, s := range p.Stages {
			switch s.Status {
			case dental.StageDone:
				of = Unfinished
			case dental.StageBooked:
				idle = false
			}
		}
		for _, s := range p.Stages {
			switch {
			case s.Status != dental.StagePlanned && s.Status != dental.StageBooked:
			case s.Price.Minor > 0:
				c.add("open/"+of+"/"+s.Price.Currency, s.Price.Minor)
			default:
				c.one("unpriced/" + of)
			}
		}
		c.one("plans/" + of)
		if idle {
			c.one("idle/" + of)
		}
		if !patient[of] {
			patient[of] = true
			c.one("planned/" + of)
		}
	}
}

// phone says what there is of somebody's number.
func (c *counting) phone(p dental.Patient) string {
	switch {
	case p.PhoneIssue != "":
		return p.PhoneIssue
	case p.Phone == "":
		return None
	case p.Landline:
		return Landline
	case p.PhoneRegion != "" && c.clinic.Country != "" && p.PhoneRegion != c.clinic.Country:
		return Foreign
	}
	return cmp.Or(c.history(p, string(p.Phone)), Mobile)
}

// mail says what there is of somebody's e-mail address.
func (c *counting) mail(p dental.Patient) string {
	if p.Email == "" {
		return None
	}
	return cmp.Or(c.history(p, string(p.Email)), Usable)
}

// history says what an address's own history has against it as somebody's, "" for
// nothing.
func (c *counting) history(p dental.Patient, address string) string {
	switch contact := c.contacts[address]; {
	case contact == nil:
		return ""
	case slices.Contains(p.NotMe, contact.Key):
		return Others
	case contact.Suppressed != "":
		return Dead
	case contact.Crowded:
		return Shared
	}
	return ""
}

// reached counts how the reader can be.
func (c *counting) reached() {
	c.one("phone/" + c.phone(c.card.Patient))
	c.one("mail/" + c.mail(c.card.Patient))
	phone, mail := c.phone(c.reader), c.mail(c.reader)
	way := ByNeither
	switch {
	case c.kept == dental.GuardianAwaited, c.kept == dental.GuardianGone:
	case mail == Usable && phone == Mobile:
		way = ByBoth
	case phone == Mobile:
		way = ByPhone
	case mail == Usable:
		way = ByMail
	}
	c.one("reach/" + way)
	if c.asleep {
		c.one("asleep")
		if way != ByNeither && c.kept == "" {
			c.one("asleep/reach")
		}
		agreed := func(ch dental.Channel) bool { return c.stand(dental.Advertising, ch) == granted }
		byPhone, byMail := phone == Mobile && (agreed(dental.SMS) || agreed(dental.WhatsApp)), mail == Usable && agreed(dental.Mail)
		if (byPhone || byMail) && !c.card.Patient.Minor(c.day) {
			c.one("asleep/agreed")
		}
	}
}

// agreed counts the consents.
func (c *counting) agreed() {
	for _, class := range dental.Classes() {
		for _, ch := range dental.Channels() {
			c.one("consent/" + string(class) + "/" + string(ch) + "/" + c.stand(class, ch))
		}
	}
}

// How a reader stands to a class of messages on a channel.
const (
	granted = "granted"
	refused = "refused"
	silent  = "silent"
)

func (c *counting) stand(class dental.Class, ch dental.Channel) string {
	p := c.reader
	switch s := p.Stand(class, ch, c.holder(p.Address(ch)), c.holder(p.Household())); {
	case s.OptedOut, s.Recorded && !s.Consent.Granted:
		return refused
	case s.Recorded:
		return granted
	}
	return silent
}

// holder is who has a say for the reader at an address, nil for nobody.
func (c *counting) holder(address string) *dental.Contact {
	switch c.history(c.reader, address) {
	case Shared, Others:
		return nil
	}
	return c.contacts[address]
}
