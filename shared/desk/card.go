package desk

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Cards are the patients' cards as staff see them, and what staff do on them.
//
// A card is a medical secret (323-FZ art. 13). Who has a post in the clinic may
// read it, as everybody at its reception may. Reading changes nothing, so it
// leaves no line in the audit log: the page that shows a card says so in the
// operator's log, by ids alone. An export is a press, and is in the audit log.
type Cards struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
	Rand      io.Reader // crypto/rand.Reader outside tests
	// Erasure takes a patient out of the state as the MIS's patient.deleted does,
	// with the entry of the audit log in the same write.
	Erasure func(ctx context.Context, cl *dental.Clinic, patient string, entry dental.LogEntry, now time.Time) error
}

// Record is all that a card's page is made of, as one request has read it.
type Record struct {
	Clinic    *dental.Clinic
	Catalogue scenario.Catalogue
	Card      *dental.Card
	// Contacts are those of the patient's own addresses.
	Contacts []dental.Contact
	Kin      []Kin
	// Acts are what staff have done about the patient, newest first.
	Acts []dental.LogEntry
}

// Kin is somebody else whose card has to do with this one, of the same clinic.
type Kin struct {
	Patient dental.Patient
	As      Relation
}

// Relation is what a Kin is to the patient.
type Relation string

// The relations.
const (
	Guardian  Relation = "guardian"
	Child     Relation = "child"
	SamePhone Relation = "same-phone"
	Inviter   Relation = "inviter" // who recommended the clinic
)

// actsShown bounds how many acts of staff a card shows.
const actsShown = 200

// Read gathers a patient's card. One that is unknown or erased is NotFound.
func (c *Cards) Read(ctx context.Context, clinic, patient string) (Record, error) {
	tx := c.Store.Begin()
	cl, err := tx.Clinic(ctx, clinic)
	if err != nil {
		return Record{}, err
	}
	card, err := tx.Card(ctx, clinic, patient)
	if err != nil {
		return Record{}, err
	}
	if !card.Known() || card.Patient.Erased {
		return Record{}, dental.Errorf(dental.NotFound, "patient", "there is no such patient")
	}
	r := Record{Clinic: cl, Catalogue: c.Catalogue, Card: card}
	p := card.Patient
	contacts, err := tx.Contacts(ctx, cl, string(p.Phone), string(p.Email))
	if err != nil {
		return Record{}, err
	}
	for _, address := range []string{string(p.Phone), string(p.Email)} {
		if contact := contacts[address]; contact != nil {
			r.Contacts = append(r.Contacts, *contact)
		}
	}
	if r.Kin, err = kin(ctx, tx, p, contacts[string(p.Phone)]); err != nil {
		return Record{}, err
	}
	r.Acts, _, err = c.Store.Acts(ctx, clinic, patient, actsShown, "")
	return r, err
}

// kin reads the heads of whoever has to do with a patient.
func kin(ctx context.Context, tx *store.Tx, p dental.Patient, phone *dental.Contact) ([]Kin, error) {
	me := dental.Member{Clinic: p.Clinic, Patient: p.ID}
	var members []dental.Member
	add := func(m dental.Member) {
		if m.Clinic == me.Clinic && m.Patient != "" && m != me && !slices.Contains(members, m) {
			members = append(members, m)
		}
	}
	add(dental.Member{Clinic: p.Clinic, Patient: p.GuardianID})
	add(dental.SeenMember(p.Clinic, p.InvitedBy))
	if phone != nil && !phone.Crowded {
		for _, m := range phone.Members {
			add(m)
		}
	}
	heads, err := tx.Heads(ctx, members...)
	if err != nil {
		return nil, err
	}
	var out []Kin
	for _, h := range heads {
		k := Kin{Patient: h, As: SamePhone}
		switch {
		case h.ID == "" || h.Erased:
			continue
		case h.ID == p.GuardianID:
			k.As = Guardian
		case h.GuardianID == p.ID:
			k.As = Child
		case h.ID == p.InvitedBy && (phone == nil || !slices.Contains(phone.Members, dental.Member{Clinic: h.Clinic, Patient: h.ID})):
			k.As = Inviter
		}
		out = append(out, k)
	}
	return out, nil
}

// Head is the top of a card, in words ready to show. A string that is empty is
// not there to be shown.
type Head struct {
	Name  string
	Age   string // "40 лет, родился…" is no sentence for every sex: "40 лет, 14 ноября 1985"
	Phone string // as people read it, or why there is none that can be used
	Dial  string // for tel:
	Mail  string // for mailto:
	// Doctor is the patient's own, else whom they saw last.
	Doctor string
	Marks  []Mark
	Kin    []KinLine
	Return string // the date to come back by
	Next   string // the next appointment
	Club   []string
	Purse  []string // the balance of bonuses, and what of it expires
	// Offers are what a message has promised that can still be taken up.
	Offers   []string
	Gifts    []GiftLine
	Plan     []string // the stages that are still to be done
	Tasks    []string // the open ones
	Consents string   // what the patient may be written of, where that is less than all
}

// Mark is a short word on how it stands with the patient, with a tone of the
// design: "right", "warm", "wrong" or "".
type Mark struct{ Text, Tone string }

// KinLine names a Kin.
type KinLine struct{ ID, Text string }

// GiftLine is a gift that waits for the patient.
type GiftLine struct{ Text, Code string }

// words makes lines in one language, of one record at one time.
type words struct {
	Record
	l     locale.Locale
	now   time.Time
	today dental.Date
}

func (r Record) in(l locale.Locale, now time.Time) words {
	return words{r, l, now, r.Clinic.Today(now)}
}

// t is a text of the catalogue with values given as name, value, name, value.
func (w words) t(key string, pairs ...string) string {
	values := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		values[pair[0]] = pair[1]
	}
	return w.l.Text(key, values)
}

// day is a date, with its year where that is not the present one.
func (w words) day(d dental.Date) string {
	if d.Year != w.today.Year {
		return w.l.DayYear(d)
	}
	return w.l.Day(d)
}

func (w words) dayOf(t time.Time) string { return w.day(w.Clinic.Today(t)) }

func (w words) clock(t time.Time) string {
	return w.l.Time(dental.TimeOfDayOf(t.In(w.Clinic.Location())))
}

// Called is a patient's name as staff look it up: the family name first, the id
// where the card has no name.
func Called(p dental.Patient) string {
	name := strings.Join(strings.Fields(p.FamilyName+" "+p.GivenName+" "+p.MiddleName), " ")
	return cmp.Or(name, p.ID)
}

// Top makes the head of the card's page.
func Top(r Record, l locale.Locale, now time.Time) Head {
	w, p := r.in(l, now), r.Card.Patient
	h := Head{Name: Called(p), Phone: Spaced(string(p.Phone)), Dial: string(p.Phone), Mail: string(p.Email), Marks: w.marks(), Doctor: w.doctor()}
	if !p.BirthDate.IsZero() {
		h.Age = w.t("desk.card.age", "n", strconv.Itoa(p.BirthDate.AgeOn(w.today)), "day", l.DayYear(p.BirthDate))
	}
	switch {
	case p.Phone != "" && p.Landline:
		h.Phone = w.t("desk.card.landline", "phone", h.Phone)
	case p.Phone == "" && p.PhoneIssue != "":
		h.Phone = l.Reason("phone-" + p.PhoneIssue)
	}
	for _, k := range r.Kin {
		h.Kin = append(h.Kin, KinLine{k.Patient.ID, w.t("desk.card.kin."+string(k.As), "name", Called(k.Patient))})
	}
	for _, m := range r.Card.Milestones {
		if m.Kind != dental.ReturnPoint || m.Date.IsZero() {
			continue
		}
		h.Return = w.t("desk.card.return", "day", w.day(m.Date))
		switch {
		case p.ReturnOn == m.Date:
			h.Return = w.t("desk.card.return.agreed", "day", w.day(m.Date))
		case m.Date.Before(w.today):
			h.Return = w.t("desk.card.return.past", "day", w.day(m.Date))
		}
	}
	if a := r.Card.NextAppointment(now); a != nil {
		h.Next = w.appointment("desk.card.next", *a)
	}
	w.gains(&h)
	for _, pl := range r.Card.Plans {
		for _, s := range pl.Stages {
			if s.Status == dental.StagePlanned || s.Status == dental.StageBooked {
				h.Plan = append(h.Plan, w.priced(s))
			}
		}
	}
	for _, k := range r.Card.Tasks {
		if k.Open() {
			h.Tasks = append(h.Tasks, w.t("desk.card.task", "name", l.Text("kind."+string(k.Kind), nil), "reason", k.Reason))
		}
	}
	h.Consents = w.unwilling()
	return h
}

// marks say what is out of the ordinary.
func (w words) marks() []Mark {
	p := w.Card.Patient
	var out []Mark
	mark := func(is bool, name, tone string) {
		if is {
			out = append(out, Mark{w.t("desk.card.mark." + name), tone})
		}
	}
	mark(p.Stub, "stub", "warm")
	mark(p.Status == dental.Archived || p.Status == dental.Moved || p.Status == dental.Deceased, string(p.Status), "wrong")
	mark(p.Excluded, "excluded", "wrong")
	mark(p.Disputed, "disputed", "wrong")
	mark(slices.ContainsFunc(w.Card.Tasks, func(t dental.Task) bool { return t.Kind == dental.ComplaintTask && t.Open() }), "complaint", "wrong")
	mark(p.Minor(w.today), "minor", "warm")
	mark(slices.ContainsFunc(w.Contacts, func(c dental.Contact) bool { return c.Crowded }), "crowded", "warm")
	mark(slices.ContainsFunc(w.Contacts, func(c dental.Contact) bool { return c.Suppressed != "" }), "suppressed", "warm")
	mark(slices.ContainsFunc(w.Contacts, func(c dental.Contact) bool { return slices.Contains(p.NotMe, c.Key) }), "not-me", "warm")
	mark(!dental.ClubOf(w.Clinic, w.Card).JoinedOn.IsZero(), "club", "right")
	return out
}

// doctor is the patient's own by the card, else whom they saw last.
func (w words) doctor() string {
	name, last := "", time.Time{}
	for _, v := range w.Card.Visits {
		own := v.Doctor.ID == w.Card.Patient.DoctorID && v.Doctor.ID != ""
		if own {
			return v.Doctor.Name
		}
		if v.FinishedAt.After(last) {
			name, last = v.Doctor.Name, v.FinishedAt
		}
	}
	for _, a := range w.Card.Appointments {
		if name == "" || a.Doctor.ID == w.Card.Patient.DoctorID && a.Doctor.ID != "" {
			name = a.Doctor.Name
		}
	}
	return name
}

// appointment fills a text about one.
func (w words) appointment(key string, a dental.Appointment) string {
	if a.Doctor.Name != "" {
		key += ".doctor"
	}
	return w.t(key, "date", w.dated(a.Start), "time", w.clock(a.Start), "doctor", a.Doctor.Name)
}

// dated is a day as it answers "when", with its year where that is not the present one.
func (w words) dated(t time.Time) string {
	d := w.Clinic.Today(t)
	if d.Year != w.today.Year {
		return w.l.DayYear(d)
	}
	return w.l.DayWeekday(d)
}

// priced is a stage of a plan with its price.
func (w words) priced(s dental.Stage) string {
	if s.Price.IsZero() {
		return s.Name
	}
	return w.t("desk.card.stage", "next", s.Name, "amount", w.l.Money(s.Price))
}

// gains are the club, the bonuses, the offers and the gifts.
func (w words) gains(h *Head) {
	club := dental.ClubOf(w.Clinic, w.Card)
	if !club.JoinedOn.IsZero() {
		h.Club = append(h.Club, w.t("desk.card.club", "day", w.day(club.JoinedOn)),
			w.t("desk.card.club.towards", "n", strconv.Itoa(club.Towards()), "every", strconv.Itoa(club.Every)))
	}
	if n := club.Free(); n > 0 {
		h.Club = append(h.Club, w.t("desk.card.club.free", "n", strconv.Itoa(n)))
	}
	purse := dental.PurseOn(w.Card.Bonuses, w.today)
	if purse.Balance.Minor != 0 {
		h.Purse = append(h.Purse, w.l.Money(purse.Balance))
		for _, lot := range purse.Lots {
			switch {
			case lot.Until.IsZero():
			case lot.Left == purse.Balance:
				h.Purse = append(h.Purse, w.t("desk.card.lot.all", "day", w.day(lot.Until)))
			default:
				h.Purse = append(h.Purse, w.t("desk.card.lot", "amount", w.l.Money(lot.Left), "day", w.day(lot.Until)))
			}
		}
	}
	for _, t := range w.Card.Touches {
		o, ok := w.Catalogue.OfferOf(w.Clinic, w.Card, t.Scenario, t.Step, t.Anchor)
		if text := w.l.Benefit(o.Benefit); ok && t.State == dental.Sent && t.Kind == "" && o.Over == "" && text != "" && !o.Until.Before(w.today) {
			h.Offers = append(h.Offers, w.t("desk.card.offer", "benefit", text, "day", w.day(o.Until)))
		}
	}
	for _, g := range w.Card.Gifts {
		if !g.Redeemed() && !g.Until.Before(w.today) {
			h.Gifts = append(h.Gifts, GiftLine{w.t("desk.card.gift", "name", g.Name, "day", w.day(g.Until)), g.Code})
		}
	}
}

// Say is what one class on one channel stands at, and by which proof.
type Say struct {
	Class   dental.Class
	Channel dental.Channel
	Name    string // "реклама, SMS"
	Granted bool
	State   string // "да", "нет"
	Proof   string // where it comes from
}

// Says lists what the patient may be written of, by class and channel, from
// what the law asks most for to what it asks least.
func Says(r Record, l locale.Locale, now time.Time) []Say {
	w := r.in(l, now)
	var out []Say
	for _, class := range ConsentClasses() {
		for _, ch := range r.Clinic.Channels {
			out = append(out, w.say(class, ch))
		}
	}
	return out
}

// ConsentClasses are the classes that a patient decides on, as forms list them.
func ConsentClasses() []dental.Class {
	return []dental.Class{dental.Advertising, dental.Care, dental.Service, dental.Reminders}
}

func (w words) say(class dental.Class, ch dental.Channel) Say {
	s := Say{Class: class, Channel: ch, Name: w.t("desk.card.say", "what", w.class(class), "channel", w.l.Text("channel."+string(ch), nil))}
	contacts := make([]*dental.Contact, len(w.Contacts))
	for i := range w.Contacts {
		contacts[i] = &w.Contacts[i]
	}
	stand := w.Card.Patient.Stand(class, ch, contacts...)
	s.Granted = stand.Allows(w.Clinic.CareConsent)
	switch {
	case stand.OptedOut:
		s.Proof = w.t("desk.card.proof.opted-out", "day", w.dayOf(stand.OptOut.At), "reason", w.source(stand.OptOut.Source))
	case stand.Recorded:
		s.Proof = w.proof(stand.Consent)
	default:
		s.Proof = w.t("desk.card.proof.none")
	}
	s.State = w.t("desk.card.no")
	if s.Granted {
		s.State = w.t("desk.card.yes")
	}
	return s
}

// ClassName is what a class of messages is called, dental.Reminders among them.
func ClassName(l locale.Locale, c dental.Class) string {
	if c == dental.Reminders {
		return l.Text("desk.card.class.reminders", nil)
	}
	return l.Text("class."+string(c), nil)
}

func (w words) class(c dental.Class) string { return ClassName(w.l, c) }

// source says where a decision was made; one that nobody has words for is told as it is.
func (w words) source(code string) string {
	if key := "desk.card.source." + code; w.l.Has(key) {
		return w.l.Text(key, nil)
	}
	return code
}

// proof is where, when and under which wording a decision was made.
func (w words) proof(c dental.Consent) string {
	parts := []string{w.t("desk.card.proof", "day", w.dayOf(c.At), "reason", w.source(c.Source))}
	if version := w.wording(c.Text); version != "" {
		parts = append(parts, w.t("desk.card.proof.wording", "version", version))
	}
	if c.By != "" {
		parts = append(parts, w.t("desk.card.proof.by", "who", c.By))
	}
	return strings.Join(parts, ", ")
}

// wording is what staff call the version of what was agreed to: that of the
// patient's page has a month, and of paper that nobody named there is nothing to say.
func (w words) wording(version string) string {
	if version == WordingOfPaper {
		return ""
	}
	if month, page := strings.CutPrefix(version, "page-"); page {
		if d, err := dental.ParseDate(month + "-01"); err == nil {
			return w.t("desk.card.proof.wording.page", "date", w.l.Month(d))
		}
	}
	return version
}

// unwilling says which classes the patient may not be written of on any channel, "" for none.
func (w words) unwilling() string {
	var out []string
	for _, class := range ConsentClasses() {
		if !slices.ContainsFunc(w.Clinic.Channels, func(ch dental.Channel) bool { return w.say(class, ch).Granted }) {
			out = append(out, w.class(class))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return w.t("desk.card.unwilling", "what", w.l.Join(out))
}

// errNoErasure is a composition's mistake.
var errNoErasure = errors.New("desk: nothing to erase a patient with")
