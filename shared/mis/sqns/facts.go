package sqns

import (
	"cmp"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// visit is a record of the book, in a webhook as in the API.
type visit struct {
	ID         told.Text            `json:"id"`
	Resource   told.Text            `json:"resourceId"` // whose time it is: a member of staff
	Services   told.List[service]   `json:"services"`
	TotalCost  told.Text            `json:"totalCost"`
	TotalPrice told.Text            `json:"totalPrice"`
	Client     told.Text            `json:"client"`   // its id, in webhooks and lists
	ClientID   told.Text            `json:"clientId"` // the same, by the API's description
	ClientData told.Object[patient] `json:"clientData"`
	Datetime   told.Text            `json:"datetime"`
	Attendance told.Text            `json:"attendance"`
	Deleted    told.Text            `json:"deleted"`
	Updated    told.Text            `json:"update_date"`
	gone       bool                 // told by the type of the webhook
}

type service struct {
	Name  told.Text `json:"name"`
	Title told.Text `json:"title"`
}

// patient is a client's card.
type patient struct {
	ID         told.Text `json:"id"`
	Name       told.Text `json:"name"` // the whole one
	FirstName  told.Text `json:"firstname"`
	LastName   told.Text `json:"lastname"`
	Patronymic told.Text `json:"patronymic"`
	Phone      told.Text `json:"phone"`
	Additional told.Text `json:"additionalPhone"`
	Email      told.Text `json:"email"`
	Sex        told.Text `json:"sex"` // 1 male, 2 female, 0 not said
	BirthDate  told.Text `json:"birthDate"`
	Deleted    told.Text `json:"deleted"`
	IsDeleted  told.Text `json:"isDeleted"`
	gone       bool
}

// Bounds of what is kept of a document.
const (
	longestName = 200
	longestID   = 200
	// mostServices is how many services of one visit are read.
	mostServices = 100
)

// reader makes objects for one clinic of what was received at the time.
type reader struct {
	clinic   *dental.Clinic
	received time.Time
}

// visit is what a record says: the card of the client inside, and the record.
func (r reader) visit(v visit) ([]intake.Object, error) {
	id, err := r.id(v.ID)
	if err != nil {
		return nil, err
	}
	changed := r.instant(v.Updated)
	o := intake.Object{System: dental.SQNS, Kind: kindVisit, ID: id, Version: version(changed), At: changed}
	if v.gone || v.Deleted.True() {
		return []intake.Object{r.gone(o, changed)}, nil
	}
	a, err := r.appointment(v)
	if err != nil {
		return nil, err
	}
	receipt, err := told.Money(string(cmp.Or(v.TotalCost, v.TotalPrice)), r.clinic.Currency)
	if err != nil {
		return nil, dental.Errorf(dental.Invalid, "totalCost", "%s", err.Error())
	}
	owner := v.owner()
	if owner == "" { // nobody's time; whoever had it before has it no more
		o.Body = told.Body(o.ID)
		return []intake.Object{o}, nil
	}
	o.Facts = []intake.Event{{Type: told.TypeOf(a.Status), Appointment: &a}}
	if n, _ := v.attendance(); n == came {
		over := told.Over(a.Start, a.End, r.clinic.Location())
		took := dental.Visit{Clinic: a.Clinic, Patient: a.Patient, ID: a.ID, AppointmentID: a.ID, FinishedAt: over, Doctor: a.Doctor, Receipt: receipt}
		for _, s := range a.Services {
			took.Procedures = append(took.Procedures, dental.Procedure{Name: s.Name})
		}
		o.Facts = append(o.Facts, intake.Event{Type: intake.VisitCompleted, Visit: &took})
	}
	told.Hold(&o, told.Night(r.received, r.clinic.Location()))
	o.Body = told.Body([]any{o.Facts, receipt})
	objects := []intake.Object{o}
	if hint, ok := r.hint(v, owner); ok {
		objects = []intake.Object{hint, o}
	}
	return objects, nil
}

// owner is the number of the visit's client, "" where it is nobody's time.
func (v visit) owner() string {
	return cmp.Or(v.Client.ID(), v.ClientID.ID(), v.ClientData.Value.ID.ID())
}

// attendance is how the visit stands; ok is false where that is no such number.
func (v visit) attendance() (n int64, ok bool) {
	if v.Attendance == "" {
		return 0, true // new
	}
	n, ok = v.Attendance.Whole()
	return n, ok && n >= calledOff && n <= confirmed
}

// The attendances beside 0, which is booked.
const (
	calledOff = -1
	came      = 1
	confirmed = 2
)

// appointment is the time in the book, of whoever has it.
func (r reader) appointment(v visit) (dental.Appointment, error) {
	a := dental.Appointment{Clinic: r.clinic.ID, Patient: told.Patient(dental.SQNS, v.owner()), ID: told.ID("", v.ID.ID()), Start: r.instant(v.Datetime)}
	if a.Start.IsZero() {
		return a, dental.Errorf(dental.Invalid, "datetime", "must be a time as in 2024-11-03 12:30:00")
	}
	attendance, ok := v.attendance()
	if !ok {
		return a, dental.Errorf(dental.Invalid, "attendance", "must be -1, 0, 1 or 2")
	}
	switch attendance {
	case calledOff:
		a.Status = dental.Cancelled
	case confirmed:
		a.Status = dental.Confirmed
	default:
		a.Status = dental.Booked
	}
	if doctor := v.Resource.ID(); doctor != "" {
		a.Doctor.ID = told.ID("", doctor)
	}
	for _, s := range v.Services[:min(len(v.Services), mostServices)] {
		if name := told.Line(string(cmp.Or(s.Name, s.Title)), longestName); name != "" {
			a.Services = append(a.Services, dental.ServiceType{Name: name})
		}
	}
	return a, nil
}

// gone is an object that was deleted. Nothing told before it outdoes it.
func (r reader) gone(o intake.Object, changed time.Time) intake.Object {
	o.Gone, o.Facts = true, nil
	o.Version = max(version(changed), version(r.received))
	o.Body = told.Body("gone")
	return o
}

// hint is the card inside a record; ok is false where there is none of its owner.
func (r reader) hint(v visit, owner string) (o intake.Object, ok bool) {
	p := v.ClientData.Value
	if !v.ClientData.Set || cmp.Or(p.ID.ID(), owner) != owner {
		return intake.Object{}, false
	}
	card := r.card(p, owner)
	card.Says = intake.Hint
	return intake.Object{Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &card}}}, true
}

// client is what a card says.
func (r reader) client(p patient) ([]intake.Object, error) {
	id, err := r.id(p.ID)
	if err != nil {
		return nil, err
	}
	card := r.card(p, id)
	o := intake.Object{System: dental.SQNS, Kind: kindClient, ID: id}
	if p.gone || p.Deleted.True() || p.IsDeleted.True() {
		// Whatever else is said of it comes too late.
		card.Status, o.Version = dental.Archived, version(r.received)
	}
	o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &card}}
	o.Body = told.Body([]any{card.Patient, card.Number, card.Mail})
	return []intake.Object{o}, nil
}

// card is what 1Denta knows of a patient: of a death, a guardian or a language it
// knows nothing, so that what it leaves open stays as it was.
func (r reader) card(p patient, id string) intake.Card {
	family, given, middle := p.LastName, p.FirstName, p.Patronymic
	if family == "" && given == "" {
		f, g, m := told.Name(string(p.Name))
		family, given, middle = told.Text(f), told.Text(g), told.Text(m)
	}
	card := intake.Card{
		Patient: dental.Patient{Clinic: r.clinic.ID, ID: told.Patient(dental.SQNS, id), FamilyName: told.Line(string(family), longestName),
			GivenName: told.Line(string(given), longestName), MiddleName: told.Line(string(middle), longestName), BirthDate: told.Day(string(p.BirthDate))},
		Says:   intake.Known,
		Number: told.Line(string(cmp.Or(p.Phone, p.Additional)), longestName), Mail: told.Line(string(p.Email), 2*longestName),
	}
	switch p.Sex {
	case "1":
		card.Sex = "male"
	case "2":
		card.Sex = "female"
	}
	return card
}

func (r reader) id(t told.Text) (string, error) {
	id := t.ID()
	if id == "" || len(id) > longestID {
		return "", dental.Errorf(dental.Invalid, "id", "must be the object's number")
	}
	return id, nil
}

// instant reads a time: without an offset it is the clinic's own. What is none,
// as 0000-00-00 00:00:00, is the zero time.
func (r reader) instant(t told.Text) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, string(t), r.clinic.Location()); err == nil {
			return plausible(at)
		}
	}
	if at, err := time.Parse(time.RFC3339, string(t)); err == nil {
		return plausible(at)
	}
	return time.Time{}
}

// plausible is the time, or none where its year cannot be right.
func plausible(at time.Time) time.Time {
	if at.Year() < 1990 || at.Year() > 2100 {
		return time.Time{}
	}
	return at
}

func version(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}
