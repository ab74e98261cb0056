package yclients

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// record is a time in a company's journal.
type record struct {
	ID              text                `json:"id"`
	StaffID         text                `json:"staff_id"`
	Staff           told.Object[staff]  `json:"staff"`
	Services        told.List[service]  `json:"services"`
	Goods           told.List[good]     `json:"goods_transactions"`
	Client          told.Object[client] `json:"client"`
	Date            text                `json:"date"`
	DateTime        text                `json:"datetime"`
	Attendance      *whole              `json:"attendance"`
	VisitAttendance *whole              `json:"visit_attendance"`
	Seance          *whole              `json:"seance_length"`
	Length          *whole              `json:"length"`
	Visit           text                `json:"visit_id"`
	Activity        text                `json:"activity_id"`
	Comment         text                `json:"comment"`
	Deleted         whole               `json:"deleted"`
	Paid            whole               `json:"paid_full"`
	Prepaid         whole               `json:"prepaid"`
	PrepaidSure     whole               `json:"prepaid_confirmed"`
	Changed         text                `json:"last_change_date"`
}

type staff struct {
	ID   text `json:"id"`
	Name text `json:"name"`
}

type service struct {
	ID        text `json:"id"`
	Title     text `json:"title"`
	Cost      text `json:"cost"`
	ToPay     text `json:"cost_to_pay"`
	FirstCost text `json:"first_cost"`
	Discount  text `json:"discount"`
	PerUnit   text `json:"cost_per_unit"`
	Amount    text `json:"amount"`
}

type good struct {
	ID text `json:"id"`
}

// client is a card: the fuller one of a client, or the one inside of a record.
// Altegio has gender_id and middle_name for sex_id and patronymic.
type client struct {
	ID         text  `json:"id"`
	Name       text  `json:"name"`
	Surname    text  `json:"surname"`
	Patronymic text  `json:"patronymic"`
	Middle     text  `json:"middle_name"`
	Phone      text  `json:"phone"`
	Email      text  `json:"email"`
	BirthDate  text  `json:"birth_date"`
	Birthday   text  `json:"birthday"`
	SexID      text  `json:"sex_id"`
	GenderID   text  `json:"gender_id"`
	Sex        text  `json:"sex"`
	NoSMS      whole `json:"sms_not"`
	Deleted    whole `json:"deleted"`
	Changed    text  `json:"last_change_date"`
}

// operation is a movement of money in a company's cash desks.
type operation struct {
	ID        text                 `json:"id"`
	Date      text                 `json:"date"`
	Amount    text                 `json:"amount"`
	Client    told.Object[client]  `json:"client"`
	ClientID  text                 `json:"client_id"`
	Record    text                 `json:"record_id"`
	Sold      text                 `json:"sold_item_type"`
	Expense   told.Object[expense] `json:"expense"`
	ExpenseID text                 `json:"expense_id"`
	Deleted   whole                `json:"deleted"`
	Changed   text                 `json:"last_change_date"`
}

type expense struct {
	ID text `json:"id"`
}

// rendered is the expense of what was paid for services.
const rendered = "5"

// mostServices is how many services of a record are told. Its sum is of all.
const mostServices = 50

// reader makes objects of what the vendor says to a clinic at a time.
type reader struct {
	clinic *dental.Clinic
	at     time.Time
}

// skew is how much a change time may run ahead of us by an offset that is wrong.
const skew = 26 * time.Hour

// gone is an object that was deleted, of which nothing more is known than when
// it last changed, if that. A deletion comes after all that was said before it,
// by whatever clock.
func (r reader) gone(kind, id string, changed time.Time) intake.Object {
	version := r.at
	if changed.IsZero() {
		version = r.at.Add(skew)
	} else if changed.After(version) {
		version = changed
	}
	o := intake.Object{System: dental.YClients, Kind: kind, ID: id, Version: version.UnixMilli(), At: changed, Gone: kind != clientKind, Body: told.Body("gone")}
	if kind == clientKind {
		card := intake.Card{Patient: dental.Patient{ID: told.Patient(dental.YClients, id), Status: dental.Archived}, Says: intake.Known}
		o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &card}}
	}
	return o
}

// named is the object's id and when it last changed; the zero time where that
// is not said.
func (r reader) named(own, hooks, changed text) (id string, at time.Time, err error) {
	id, ok := number(own)
	if own == "" {
		id, ok = number(hooks)
	}
	if !ok {
		return "", at, dental.Errorf(dental.Invalid, "data.id", "is not a number")
	}
	if changed != "" {
		if at, ok = instant(changed, r.clinic.Location()); !ok {
			return "", at, dental.Errorf(dental.Invalid, "data.last_change_date", "is not a date and time")
		}
	}
	return id, at, nil
}

// plain is an object in the order of its changes, without facts as yet; body is
// what they are made of.
func (r reader) plain(kind, id string, changed time.Time, body any) intake.Object {
	o := intake.Object{System: dental.YClients, Kind: kind, ID: id, At: changed, Body: told.Body(body)}
	if !changed.IsZero() {
		o.Version = changed.UnixMilli()
	}
	return o
}

// record is the appointment and the visit of a record, after a hint of who its client is.
func (r reader) record(x record, hooks text, deleted bool) ([]intake.Object, error) {
	id, changed, err := r.named(x.ID, hooks, x.Changed)
	if err != nil {
		return nil, err
	}
	if deleted || x.Deleted != 0 {
		o := r.gone(recordKind, id, changed)
		if !deleted && !changed.IsZero() { // a list says it later than it was
			o.Version = changed.UnixMilli()
		}
		return []intake.Object{o}, nil
	}
	if len(x.Services) > most {
		return nil, dental.Errorf(dental.Invalid, "data.services", "are more than %d", most)
	}
	whose, ok := number(x.Client.Value.ID)
	if !ok { // nobody whom anything could be sent to
		return []intake.Object{r.plain(recordKind, id, changed, "nobody")}, nil
	}
	a, err := r.appointment(x, id, whose)
	if err != nil {
		return nil, err
	}
	facts := []intake.Event{{Type: told.TypeOf(a.Status), Appointment: &a}}
	if attendance(x) == 1 {
		facts = append(facts, intake.Event{Type: intake.VisitCompleted, Visit: r.visit(x, a)})
	}
	held := intake.Object{Facts: facts}
	told.Hold(&held, told.Night(r.at, r.clinic.Location()))
	o := r.plain(recordKind, id, changed, []any{held.Facts, r.receipt(x)})
	o.Facts, o.Again = held.Facts, held.Again
	hint := r.card(x.Client.Value, whose)
	hint.Says = intake.Hint
	if hint.FamilyName+hint.GivenName+hint.MiddleName+hint.Number+hint.Mail == "" {
		return []intake.Object{o}, nil
	}
	return []intake.Object{{Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &hint, At: changed}}}, o}, nil
}

func attendance(x record) whole {
	switch {
	case x.Attendance != nil:
		return *x.Attendance
	case x.VisitAttendance != nil:
		return *x.VisitAttendance
	}
	return 0
}

func (r reader) appointment(x record, id, whose string) (dental.Appointment, error) {
	a := dental.Appointment{Clinic: r.clinic.ID, Patient: told.Patient(dental.YClients, whose), ID: told.ID("", id), Doctor: doctor(x)}
	switch attendance(x) {
	case 0:
		a.Status = dental.Booked
	case 1, 2:
		a.Status = dental.Confirmed
	case -1:
		a.Status = dental.Missed
	default:
		return a, dental.Errorf(dental.Invalid, "data.attendance", "is none of -1, 0, 1 and 2")
	}
	start, ok := x.Date, false
	if start == "" {
		start = x.DateTime
	}
	if a.Start, ok = wall(start, r.clinic.Location()); !ok {
		return a, dental.Errorf(dental.Invalid, "data.date", "is not a date and time")
	}
	length := x.Seance
	if length == nil || *length <= 0 {
		length = x.Length
	}
	if length != nil && *length > 0 && *length <= whole(7*24*time.Hour/time.Second) {
		a.End = a.Start.Add(time.Duration(*length) * time.Second)
	}
	for _, s := range x.Services[:min(len(x.Services), mostServices)] {
		code, name := coded(s.Title)
		a.Services = append(a.Services, dental.ServiceType{Code: code, Name: name})
	}
	return a, nil
}

func doctor(x record) dental.Doctor {
	id, ok := number(x.Staff.Value.ID)
	if !ok {
		id, ok = number(x.StaffID)
	}
	if !ok {
		return dental.Doctor{}
	}
	return dental.Doctor{ID: told.ID("", id), Name: told.Line(x.Staff.Value.Name, 200)}
}

// nomenclature is a code of the Russian nomenclature of services (order 804n)
// before a title; people type its letters in both alphabets.
var nomenclature = regexp.MustCompile(`^([ABАВ])([0-9]{2}(?:\.[0-9]{2,3}){1,3})[ .:–—-]+(.+)$`)

func coded(title text) (code, name string) {
	name = told.Line(title, 300)
	if m := nomenclature.FindStringSubmatch(name); m != nil {
		return strings.NewReplacer("А", "A", "В", "B").Replace(m[1]) + m[2], m[3]
	}
	return "", name
}

// visit is that of a record whose patient came.
func (r reader) visit(x record, a dental.Appointment) *dental.Visit {
	v := dental.Visit{Clinic: a.Clinic, Patient: a.Patient, ID: a.ID, AppointmentID: a.ID, Doctor: a.Doctor,
		FinishedAt: told.Over(a.Start, a.End, r.clinic.Location()), Receipt: r.receipt(x)}
	for _, s := range a.Services {
		v.Procedures = append(v.Procedures, dental.Procedure{Code: s.Code, Name: s.Name})
	}
	return &v
}

// receipt is what was to be paid for the services; no amount where that of any
// cannot be read, or none is said.
func (r reader) receipt(x record) dental.Money {
	var sum int64
	for _, s := range x.Services {
		cost := s.ToPay
		if cost == "" {
			cost = s.Cost
		}
		n, ok := minor(cost, r.clinic.Currency)
		if !ok || n < 0 {
			return dental.Money{}
		}
		sum += n
	}
	if len(x.Services) == 0 {
		return dental.Money{}
	}
	return dental.Money{Minor: sum, Currency: r.clinic.Currency}
}

// client is a card. A deleted one is archived.
func (r reader) client(x client, hooks text, deleted bool) ([]intake.Object, error) {
	id, changed, err := r.named(x.ID, hooks, x.Changed)
	if err != nil {
		return nil, err
	}
	card := r.card(x, id)
	o := r.plain(clientKind, id, changed, struct {
		Family, Given, Middle, Number, Mail, Sex string
		Born                                     dental.Date
		NoSMS                                    bool
	}{card.FamilyName, card.GivenName, card.MiddleName, card.Number, card.Mail, card.Sex, card.BirthDate, x.NoSMS != 0})
	switch {
	case deleted:
		o = r.gone(clientKind, id, changed)
	case x.Deleted != 0:
		o.Body = told.Body("gone")
		card = *r.gone(clientKind, id, changed).Facts[0].Card
	case x.NoSMS != 0:
		// When it was decided is not said: as late as it can have been, so that the
		// clinic's own word is not taken for older than it is.
		at := changed
		if at.IsZero() || at.After(r.at) {
			at = r.at
		}
		card.Consents = []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, At: at, Source: dental.YClients}}
	}
	if !deleted {
		o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &card}}
	}
	return []intake.Object{o}, nil
}

// card is what the vendor knows of a patient: of a death, a guardian or a
// language it knows nothing, so that what it leaves open stays as it was.
func (r reader) card(x client, id string) intake.Card {
	c := intake.Card{Patient: dental.Patient{ID: told.Patient(dental.YClients, id)}, Says: intake.Known, Number: dialled(x.Phone), Mail: told.Line(x.Email, 254)}
	c.FamilyName, c.GivenName, c.MiddleName = told.Line(x.Surname, 100), told.Line(x.Name, 100), told.Line(x.Patronymic, 100)
	if c.MiddleName == "" {
		c.MiddleName = told.Line(x.Middle, 100)
	}
	if c.FamilyName == "" && c.MiddleName == "" {
		c.FamilyName, c.GivenName, c.MiddleName = names(told.Line(x.Name, 100))
	}
	zone := r.clinic.Location()
	if c.BirthDate = birthday(x.BirthDate, zone); c.BirthDate.IsZero() {
		c.BirthDate = birthday(x.Birthday, zone)
	}
	for _, sex := range []text{x.SexID, x.GenderID, x.Sex} {
		switch sex {
		case "1":
			c.Sex = "male"
		case "2":
			c.Sex = "female"
		}
	}
	return c
}

// dialled is a number as it is dialled from abroad, where it comes as the bare
// digits that the vendor keeps.
func dialled(t text) string {
	s := told.Line(t, 100)
	bare := s != "" && strings.Trim(s, "0123456789") == ""
	if bare && len(s) >= 11 && len(s) <= 15 && s[0] != '0' && (s[0] != '8' || len(s) != 11) {
		return "+" + s
	}
	return s
}

// names takes a whole name apart, as older cards have it in one field: with a
// patronymic its place tells the rest; two words are as the vendor's examples
// have them, the given name first, unless the first can only be a family name.
func names(all string) (family, given, middle string) {
	words := strings.Fields(all)
	switch len(words) {
	case 0:
		return "", "", ""
	case 1:
		return "", words[0], ""
	case 2:
		switch {
		case patronymic(words[1]):
			return "", words[0], words[1]
		case familial(words[0]) && !familial(words[1]):
			return words[0], words[1], ""
		}
		return words[1], words[0], ""
	case 3:
		switch {
		case patronymic(words[2]):
			return words[0], words[1], words[2]
		case patronymic(words[1]):
			return words[2], words[0], words[1]
		}
	}
	return strings.Join(words[1:], " "), words[0], ""
}

func patronymic(word string) bool {
	return ends(word, "ович", "евич", "ьич", "мич", "нич", "кич", "лыч", "овна", "евна", "ична", "инична", "оглы", "кызы")
}

func familial(word string) bool {
	return ends(word, "ов", "ова", "ев", "ева", "ёв", "ёва", "ский", "ская", "цкий", "цкая", "енко", "чук", "швили", "дзе", "ян") && !ends(word, "ьян")
}

// ends reports whether a word has one of the ends, after two letters at least:
// Лев and Ева are given names.
func ends(word string, with ...string) bool {
	word = strings.ToLower(word)
	for _, end := range with {
		if rest, is := strings.CutSuffix(word, end); is && utf8.RuneCountInString(rest) >= 2 {
			return true
		}
	}
	return false
}

// operation is the payment of an operation that is for services and has a
// client. One that is neither comes to nothing, and takes back what it was.
func (r reader) operation(x operation, hooks text, deleted bool) ([]intake.Object, error) {
	id, changed, err := r.named(x.ID, hooks, x.Changed)
	if err != nil {
		return nil, err
	}
	if deleted || x.Deleted != 0 {
		return []intake.Object{r.gone(operationKind, id, changed)}, nil
	}
	whose, ok := number(x.Client.Value.ID)
	if !ok {
		whose, ok = number(x.ClientID)
	}
	if !ok || !forServices(x) {
		return []intake.Object{r.plain(operationKind, id, changed, "no payment")}, nil
	}
	amount, ok := minor(x.Amount, r.clinic.Currency)
	if !ok {
		return nil, dental.Errorf(dental.Invalid, "data.amount", "is not an amount of the clinic's currency")
	}
	p := dental.Payment{Clinic: r.clinic.ID, Patient: told.Patient(dental.YClients, whose), ID: told.ID("", id), Kind: dental.Paid,
		Amount: dental.Money{Minor: amount, Currency: r.clinic.Currency}}
	if amount < 0 {
		p.Kind, p.Amount.Minor = dental.Refund, -amount
	}
	if p.At, ok = wall(x.Date, r.clinic.Location()); !ok {
		return nil, dental.Errorf(dental.Invalid, "data.date", "is not a date and time")
	}
	if visit, ok := number(x.Record); ok { // a visit has the id of its record
		p.VisitID = told.ID("", visit)
	}
	o := r.plain(operationKind, id, changed, p)
	if amount != 0 {
		o.Facts = []intake.Event{{Type: intake.PaymentReceived, Payment: &p}}
	}
	return []intake.Object{o}, nil
}

// forServices reports whether an operation is money for what was done at a
// visit, or such money given back, whatever the clinic calls that.
func forServices(x operation) bool {
	kind := x.Expense.Value.ID
	if kind == "" {
		kind = x.ExpenseID
	}
	_, ofRecord := number(x.Record)
	switch {
	case x.Sold != "":
		return x.Sold == "service"
	case kind == "" || kind == "0":
		return ofRecord
	}
	return kind == rendered || ofRecord && strings.HasPrefix(string(x.Amount), "-")
}
