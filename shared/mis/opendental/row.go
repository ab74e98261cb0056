package opendental

import (
	"cmp"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// row is one row of any of the tables: what is read of it. Its names are Open
// Dental's, of columns with a capital, of what it adds to them with a small letter.
type row struct {
	PatNum, AptNum, ProcNum, PayNum text

	// Of all but a payment, which has SecDateTEdit. A row of the history has its own.
	DateTStamp, SecDateTEdit, HistDateTStamp text

	// patient
	LName, FName, MiddleI, PatStatus, Gender, Birthdate text
	WirelessPhone, HmPhone, Email, Language             text
	Guarantor, PriProv, TxtMsgOk, PreferContactMethod   text

	// appointment
	AptStatus, AptDateTime, Pattern, ProcDescript text
	DateTimeDismissed                             text
	ProvNum, ProvHyg, IsHygiene                   text
	ConfirmedNum                                  text `json:"Confirmed"`
	ConfirmedName                                 text `json:"confirmed"`
	HistApptAction                                text

	// procedurelog
	ProcStatus, ProcDate, ProcTime, ProcTimeEnd, DateTP text
	ProcFee, Discount, UnitQty, BaseUnits, ToothNum     text
	ProcCode                                            text `json:"procCode"`
	Descript                                            text `json:"descript"`

	// payment
	PayAmt, PayDate text

	ServerDateTime text `json:"serverDateTime"`
}

// office is a clinic's database: what its rows are read by, when they were received.
type office struct {
	clinic   string
	received time.Time
	zone     *time.Location
	currency string
	doctors  map[string]string
	// confirmed are the names and the numbers of what the office calls a confirmation.
	confirmed func(name, number string) bool
}

func newOffice(cl *dental.Clinic, account dental.Account, received time.Time) office {
	return office{clinic: cl.ID, received: received, zone: cl.Location(), currency: cmp.Or(cl.Currency, "USD"), doctors: doctors(account), confirmed: confirmations(account)}
}

// number is the form of a key: Open Dental's are whole and above nought.
var number = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// key reads a key that has to be there.
func key(name string, t text) (string, error) {
	if s := strings.TrimSpace(string(t)); number.MatchString(s) {
		return s, nil
	}
	return "", dental.Errorf(dental.Invalid, name, "a row's number is missing or is none")
}

// foreign is a key that need not be there, "" where it is not.
func foreign(t text) string {
	if s := strings.TrimSpace(string(t)); number.MatchString(s) {
		return s
	}
	return ""
}

func within(row int, err error) error {
	return fmt.Errorf("row %d: %w", row+1, err)
}

// name is what a row is called by, read even of one that cannot be read otherwise.
type name struct {
	PatNum, AptNum, ProcNum, PayNum text
	ServerDateTime                  text `json:"serverDateTime"`
}

// nameOf is empty of what is no row, or has a number of another shape.
func nameOf(raw []byte) (n name) {
	if told.Decode(raw, Largest, &n) != nil {
		return name{}
	}
	return n
}

// ref names the row, of the table or of the one that its numbers speak for.
func (n name) ref(table string) intake.Ref {
	if table == "" {
		switch {
		case n.ProcNum != "":
			table = procedures
		case n.PayNum != "":
			table = payments
		case n.AptNum != "":
			table = appointments
		default:
			table = patients
		}
	}
	if table == deleted {
		table = appointments
	}
	num := map[string]text{patients: n.PatNum, appointments: n.AptNum, procedures: n.ProcNum, payments: n.PayNum}[table]
	return intake.Ref{Kind: table, ID: foreign(num)}
}

// read reads one row of the table, or of the one that it can only be of.
func (f office) read(table string, raw []byte) (intake.Object, error) {
	var r row
	if err := told.Decode(raw, Largest, &r); err != nil {
		return intake.Object{}, err
	}
	return f.object(table, r)
}

// object makes an object of a row of the table, or of the one that it can only be
// of. A row of none has the empty kind.
func (f office) object(table string, r row) (intake.Object, error) {
	if table == "" {
		switch {
		case r.HistApptAction == "Deleted":
			table = deleted
		case r.AptNum != "" && r.AptStatus != "":
			table = appointments
		case r.ProcNum != "":
			table = procedures
		case r.PayNum != "":
			table = payments
		case r.PatNum != "" && (r.LName != "" || r.FName != ""):
			table = patients
		default:
			return intake.Object{}, nil
		}
	}
	if table == deleted {
		return f.gone(r)
	}
	name, num, stamp := "PatNum", r.PatNum, r.DateTStamp
	switch table {
	case appointments:
		name, num = "AptNum", r.AptNum
	case procedures:
		name, num = "ProcNum", r.ProcNum
	case payments:
		name, num, stamp = "PayNum", r.PayNum, r.SecDateTEdit
	}
	id, err := key(name, num)
	if err != nil {
		return intake.Object{}, err
	}
	patient, err := key("PatNum", r.PatNum)
	if err != nil {
		return intake.Object{}, err
	}
	o := intake.Object{System: dental.OpenDental, Kind: table, ID: id}
	o.Version, o.At = f.version(stamp)
	who := told.Patient(dental.OpenDental, patient)
	switch table {
	case patients:
		o.Facts = f.patient(r, who, o.At)
	case appointments:
		o.Facts = f.appointment(r, who, told.ID("", id), o.At)
	case procedures:
		o.Facts = f.procedure(r, who, told.ID("", id))
	case payments:
		o.Facts = f.payment(r, who, told.ID("", id))
	}
	told.Hold(&o, told.Night(f.received, f.zone))
	o.Body = told.Body(o.Facts)
	return o, nil
}

// gone is an appointment that was deleted.
func (f office) gone(r row) (intake.Object, error) {
	id, err := key("AptNum", r.AptNum)
	if err != nil {
		return intake.Object{}, err
	}
	return f.removed(appointments, id, cmp.Or(r.HistDateTStamp, r.DateTStamp)), nil
}

// removed is a row that is no more there. Nothing told before it outdoes it, so
// that one without a stamp is as late as its receipt. Of a patient the card stays.
func (f office) removed(table, id string, stamp text) intake.Object {
	o := intake.Object{System: dental.OpenDental, Kind: table, ID: id, Gone: table != patients, Body: told.Body("gone")}
	o.Version, o.At = f.version(stamp)
	o.Version = max(o.Version, f.received.UnixMilli())
	if table == patients {
		o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &intake.Card{Says: intake.Known,
			Patient: dental.Patient{Clinic: f.clinic, ID: told.Patient(dental.OpenDental, id), Status: dental.Archived}}}}
	}
	return o
}

// version orders the states of a row, in Unix milliseconds, 0 where it has no stamp.
func (f office) version(stamp text) (int64, time.Time) {
	at := f.instant(stamp)
	if at.IsZero() {
		return 0, at
	}
	return at.UnixMilli(), at
}

// instant reads a time of the office's clocks: the zero time where there is none,
// which Open Dental writes as 0001-01-01, or none that can be read.
func (f office) instant(t text) time.Time {
	s := strings.Replace(strings.TrimSpace(string(t)), "T", " ", 1)
	for _, layout := range []string{"2006-01-02 15:04:05", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, f.zone); err == nil && at.Year() >= 1900 && at.Year() <= 2100 {
			return at
		}
	}
	return time.Time{}
}

// noon stands for a day whose hour nobody wrote down.
const noon dental.TimeOfDay = 12 * 60

// on is the instant of a day at a time of day, at noon where that is not said:
// Open Dental writes 00:00:00 then.
func (f office) on(d dental.Date, clock text) time.Time {
	at, err := time.Parse(time.TimeOnly, strings.TrimSpace(string(clock)))
	if err != nil || at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
		return d.At(noon, f.zone)
	}
	return d.At(dental.TimeOfDay(at.Hour()*60+at.Minute()), f.zone)
}

// amount is the form of an amount of money.
var amount = regexp.MustCompile(`^-?[0-9]{1,9}(\.[0-9]{1,12})?$`)

// money reads an amount, to the hundredth; nil where there is none.
func money(t text) *big.Rat {
	s := strings.TrimSpace(string(t))
	if !amount.MatchString(s) {
		return nil
	}
	n, _ := new(big.Rat).SetString(s)
	return n
}

// sum is an amount above nought in the clinic's currency, or nothing.
func (f office) sum(n *big.Rat) dental.Money {
	if n == nil || n.Sign() <= 0 {
		return dental.Money{}
	}
	m, err := dental.ParseMoney(n.FloatString(2), f.currency)
	if err != nil || m.Minor == 0 {
		return dental.Money{}
	}
	return m
}

// fee is what a procedure costs: its fee times its quantity, less its discount, as
// Open Dental's own procedures reckon (ProcFee times at least one of UnitQty and
// BaseUnits together).
func (f office) fee(r row) dental.Money {
	fee := money(r.ProcFee)
	if fee == nil {
		return dental.Money{}
	}
	quantity := new(big.Rat)
	for _, part := range []text{r.UnitQty, r.BaseUnits} {
		if n := money(part); n != nil && n.IsInt() {
			quantity.Add(quantity, n)
		}
	}
	if one := big.NewRat(1, 1); quantity.Cmp(one) > 0 && quantity.Cmp(big.NewRat(1000, 1)) < 0 {
		fee.Mul(fee, quantity)
	}
	if less := money(r.Discount); less != nil && less.Sign() > 0 {
		fee.Sub(fee, less)
	}
	return f.sum(fee)
}

// Bounds of texts, in letters.
const (
	longestName    = 200
	longestContact = 320
	longestCode    = 64
)

func (f office) patient(r row, id string, at time.Time) []intake.Event {
	p := dental.Patient{
		Clinic: f.clinic, ID: id, FamilyName: told.Line(r.LName, longestName), GivenName: told.Line(r.FName, longestName), MiddleName: told.Line(r.MiddleI, longestName),
		BirthDate: told.Day(r.Birthdate),
	}
	switch r.PatStatus {
	case "": // not said
	case "Inactive", "Archived", "Deleted":
		p.Status = dental.Archived
	case "Deceased":
		p.Status = dental.Deceased
	default:
		p.Status = dental.Active
	}
	switch r.Gender {
	case "Female":
		p.Sex = "female"
	case "Male":
		p.Sex = "male"
	}
	switch strings.ToLower(string(r.Language)) { // ISO 639-2, "" for the office's own
	case "eng":
		p.Language = "en"
	case "rus":
		p.Language = "ru"
	}
	switch r.PreferContactMethod {
	case "TextMessage", "WirelessPh":
		p.Preferred = dental.SMS
	case "Email":
		p.Preferred = dental.Mail
	}
	if doctor := foreign(r.PriProv); doctor != "" {
		p.DoctorID = told.ID("", doctor)
	}
	if guarantor := foreign(r.Guarantor); guarantor != "" && told.Patient(dental.OpenDental, guarantor) != id {
		p.GuardianID = told.Patient(dental.OpenDental, guarantor)
	}
	// That somebody may be texted is no proof of a wish: it lifts no refusal that the
	// patient has made here.
	if r.TxtMsgOk == "No" && !at.IsZero() {
		for _, class := range dental.Classes() {
			p.Consents = append(p.Consents, dental.Consent{Class: class, Channel: dental.SMS, At: at, Source: dental.OpenDental})
		}
	}
	// Families write several addresses into one field.
	mail, _, _ := strings.Cut(strings.ReplaceAll(string(r.Email), ";", ","), ",")
	card := intake.Card{Patient: p, Number: cmp.Or(told.Line(r.WirelessPhone, longestContact), told.Line(r.HmPhone, longestContact)), Mail: told.Line(mail, longestContact)}
	if r.PatStatus == "" || r.Guarantor == "" { // only some of the columns: what they leave open stays as it was
		card.Says = intake.Known
	}
	return []intake.Event{{Type: intake.PatientUpdated, Card: &card}}
}

// slot is what one letter of an appointment's pattern stands for.
const slot = 5 * time.Minute

// pattern is the form of an appointment's length: at most nine hours.
var pattern = regexp.MustCompile(`^[X/]{1,288}$`)

// complete is the status of an appointment whose visit took place.
const complete = "Complete"

func (f office) appointment(r row, patient, id string, changed time.Time) []intake.Event {
	start := f.instant(r.AptDateTime)
	if start.IsZero() {
		return nil
	}
	a := dental.Appointment{Clinic: f.clinic, Patient: patient, ID: id, Start: start, Doctor: f.doctor(r)}
	if pattern.MatchString(string(r.Pattern)) {
		a.End = start.Add(time.Duration(len(r.Pattern)) * slot)
	}
	for _, name := range strings.Split(string(r.ProcDescript), ",") {
		if name = told.Line(name, longestName); name != "" && len(a.Services) < 100 {
			a.Services = append(a.Services, dental.ServiceType{Name: name})
		}
	}
	switch r.AptStatus {
	case "Scheduled", "ASAP":
		a.Status = dental.Booked
		if f.confirmed(string(r.ConfirmedName), string(r.ConfirmedNum)) {
			a.Status = dental.Confirmed
		}
	case complete:
		a.Status = dental.Booked
	case "UnschedList":
		a.Status = dental.Cancelled
	case "Broken":
		a.Status = dental.Missed
		early := r.HistApptAction != "Missed" && !changed.IsZero() && changed.Before(start)
		if early || r.HistApptAction == "Cancelled" {
			a.Status = dental.Cancelled
		}
	default: // planned for some day, or a note in the book
		return nil
	}
	facts := []intake.Event{{Type: told.TypeOf(a.Status), Appointment: &a}}
	if r.AptStatus == complete {
		v := dental.Visit{Clinic: f.clinic, Patient: patient, ID: id, AppointmentID: id, FinishedAt: f.finished(r, a), Doctor: a.Doctor}
		facts = append(facts, intake.Event{Type: intake.VisitCompleted, Visit: &v})
	}
	return facts
}

// finished is when somebody left the chair, else when the appointment was to end:
// on the day on which it began, for that is the day of the visit.
func (f office) finished(r row, a dental.Appointment) time.Time {
	if at := f.instant(r.DateTimeDismissed); at.After(a.Start) && dental.DateOf(at.In(f.zone)) == dental.DateOf(a.Start) {
		return at
	}
	return told.Over(a.Start, a.End, f.zone)
}

// doctor is who treats: the hygienist of a hygiene appointment. Open Dental's own
// short name, "DOC1", is for its staff; a patient is told the name of the settings.
func (f office) doctor(r row) dental.Doctor {
	num := foreign(r.ProvNum)
	if hygienist := foreign(r.ProvHyg); hygienist != "" && strings.EqualFold(string(r.IsHygiene), "true") {
		num = hygienist
	}
	if num == "" {
		return dental.Doctor{}
	}
	return dental.Doctor{ID: told.ID("", num), Name: f.doctors[num]}
}

// notDone are codes that are written down as procedures and are none.
func notDone(code string) bool {
	return code == "D9986" || code == "D9987" || strings.HasPrefix(code, "~")
}

func (f office) procedure(r row, patient, id string) []intake.Event {
	code := told.Line(r.ProcCode, longestCode)
	name := cmp.Or(told.Line(r.Descript, longestName), code)
	if notDone(code) || name == "" {
		return nil
	}
	planned, done := told.Day(r.DateTP), told.Day(r.ProcDate)
	stage := dental.Stage{ID: id, Code: code, Name: name, Status: dental.StagePlanned, Price: f.fee(r)}
	plan := func() intake.Event {
		p := dental.Plan{Clinic: f.clinic, Patient: patient, ID: id, Stages: []dental.Stage{stage}}
		if !planned.IsZero() {
			p.PresentedAt = planned.At(noon, f.zone)
		}
		return intake.Event{Type: intake.PlanUpdated, Plan: &p}
	}
	switch {
	case r.ProcStatus == "TP":
		return []intake.Event{plan()}
	case r.ProcStatus != "C" || done.IsZero():
		return nil
	}
	at := f.on(done, text(cmp.Or(strings.TrimPrefix(string(r.ProcTimeEnd), "00:00:00"), string(r.ProcTime))))
	p := dental.Procedure{Code: code, Name: name, Tooth: told.Line(r.ToothNum, 32)}
	var facts []intake.Event
	if !planned.IsZero() && planned.Before(done) {
		stage.Status, stage.DoneAt = dental.StageDone, at
		facts = append(facts, plan())
	}
	visit := foreign(r.AptNum)
	if visit == "" {
		v := dental.Visit{Clinic: f.clinic, Patient: patient, ID: told.ID("proc", string(r.ProcNum)), FinishedAt: at, Doctor: f.doctor(r), Procedures: []dental.Procedure{p}, Receipt: f.fee(r)}
		return append(facts, intake.Event{Type: intake.VisitCompleted, Visit: &v})
	}
	of := dental.Piece{Clinic: f.clinic, Patient: patient, Visit: told.ID("", visit), ID: id, Procedure: p}
	facts = append(facts, intake.Event{Piece: &of})
	if fee := f.fee(r); !fee.IsZero() {
		facts = append(facts, intake.Event{Piece: &dental.Piece{Clinic: f.clinic, Patient: patient, Visit: of.Visit, ID: told.ID("fee", id), Amount: fee}})
	}
	return facts
}

func (f office) payment(r row, patient, id string) []intake.Event {
	n := money(r.PayAmt)
	if n == nil {
		return nil
	}
	p := dental.Payment{Clinic: f.clinic, Patient: patient, ID: id, Kind: dental.Paid}
	if n.Sign() < 0 {
		p.Kind = dental.Refund
	}
	p.Amount = f.sum(n.Abs(n))
	d := told.Day(r.PayDate)
	if p.Amount.IsZero() || d.IsZero() { // a transfer between two accounts of a family
		return nil
	}
	p.At = d.At(noon, f.zone)
	return []intake.Event{{Type: intake.PaymentReceived, Payment: &p}}
}
