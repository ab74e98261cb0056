package renovatio

import (
	"cmp"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// appointment is a time in the book, in a notice as in the API.
type appointment struct {
	ID            told.Text          `json:"id"`
	AppointmentID told.Text          `json:"appointment_id"` // the same, where there is no id
	Start         told.Text          `json:"time_start"`
	End           told.Text          `json:"time_end"`
	DoctorID      told.Text          `json:"doctor_id"`
	Doctor        told.Text          `json:"doctor"`
	Patient       told.Text          `json:"patient_id"`
	PatientName   told.Text          `json:"patient_name"`
	PatientBirth  told.Text          `json:"patient_birth_date"`
	PatientGender told.Text          `json:"patient_gender"`
	PatientPhone  told.Text          `json:"patient_phone"`
	PatientEmail  told.Text          `json:"patient_email"`
	Status        told.Text          `json:"status"`
	StatusID      told.Text          `json:"status_id"`
	Confirm       told.Text          `json:"confirm_status"`
	MovedTo       told.Text          `json:"moved_to"`
	MovedFrom     told.Text          `json:"moved_from"`
	Services      told.List[service] `json:"services"`
	Updated       told.Text          `json:"date_updated"`
	Deleted       told.Text          `json:"is_deleted"`
	gone, refused bool               // told by the event's verb
}

func (a appointment) id() string { return cmp.Or(a.ID.ID(), a.AppointmentID.ID()) }

type service struct {
	Code  told.Text `json:"code"`
	Title told.Text `json:"title"`
	Price told.Text `json:"price"`
	Count told.Text `json:"count"`
}

// patient is a card.
type patient struct {
	PatientID told.Text `json:"patient_id"`
	ID        told.Text `json:"id"` // the same, where there is no patient_id
	LastName  told.Text `json:"last_name"`
	FirstName told.Text `json:"first_name"`
	ThirdName told.Text `json:"third_name"`
	BirthDate told.Text `json:"birth_date"`
	Gender    told.Text `json:"gender"`
	Mobile    told.Text `json:"mobile"`
	Phone     told.Text `json:"phone"`
	Email     told.Text `json:"email"`
	Updated   told.Text `json:"date_updated"`
	UpdatedAt told.Text `json:"time_updated"`
	Deleted   told.Text `json:"is_deleted"`
	gone      bool
}

func (p patient) id() string { return cmp.Or(p.PatientID.ID(), p.ID.ID()) }

// The words and numbers of a status.
const (
	statusCompleted, completedID = "completed", "4"
	statusRefused, refusedID     = "refused", "5"
)

// Bounds of what is kept of a document.
const (
	longestName = 200
	longestID   = 200
	// mostServices is how many services of one appointment are read, mostOfOne how
	// many times one of them.
	mostServices = 100
	mostOfOne    = 100
)

// reader makes objects for one clinic of what was received at the time. fresh:
// they were read from the API just then.
type reader struct {
	clinic   *dental.Clinic
	received time.Time
	fresh    bool
}

// appointment is what an appointment says: the card of the patient inside, and
// the appointment. named: it says too little, and is to be read from the API.
func (r reader) appointment(a appointment) (objects []intake.Object, named bool, err error) {
	id := a.id()
	if id == "" || len(id) > longestID {
		return nil, false, dental.Errorf(dental.Invalid, "id", "must be the appointment's number")
	}
	changed := r.instant(string(a.Updated))
	o := intake.Object{System: dental.Renovatio, Kind: kindAppointment, ID: id, Version: r.version(changed), At: changed}
	if a.gone || a.Deleted.True() {
		o.Gone, o.Version, o.Body = true, max(o.Version, r.received.UnixMilli()), told.Body("gone")
		return []intake.Object{o}, false, nil
	}
	start, owner := r.instant(string(a.Start)), a.Patient.ID()
	if !r.fresh && (changed.IsZero() || start.IsZero() || owner == "") {
		return nil, true, nil
	}
	if owner == "" { // a time that is kept for nobody; whoever had it has it no more
		o.Body = told.Body(id)
		return []intake.Object{o}, false, nil
	}
	if start.IsZero() {
		return nil, false, dental.Errorf(dental.Invalid, "time_start", "must be a time as in 12.03.2026 12:30")
	}
	ap := dental.Appointment{Clinic: r.clinic.ID, Patient: told.Patient(dental.Renovatio, owner), ID: told.ID("", id), Start: start, Status: dental.Booked}
	if end := r.instant(string(a.End)); end.After(start) && end.Before(start.Add(24*time.Hour)) {
		ap.End = end
	}
	if doctor := a.DoctorID.ID(); doctor != "" {
		ap.Doctor = dental.Doctor{ID: told.ID("", doctor), Name: told.Line(string(a.Doctor), longestName)}
	}
	completed := strings.EqualFold(string(a.Status), statusCompleted) || a.StatusID == completedID
	switch {
	case a.MovedTo.ID() != "":
		ap.Status, ap.MovedTo, completed = dental.Cancelled, told.ID("", a.MovedTo.ID()), false
	case a.refused || strings.EqualFold(string(a.Status), statusRefused) || a.StatusID == refusedID:
		ap.Status, completed = dental.Cancelled, false
	case a.Confirm == "1" || a.Confirm == "true":
		ap.Status = dental.Confirmed
	}
	services, receipt, err := r.services(a.Services)
	if err != nil {
		return nil, false, err
	}
	for _, s := range services {
		ap.Services = append(ap.Services, dental.ServiceType{Code: s.Code, Name: s.Name})
	}
	o.Facts = []intake.Event{{Type: told.TypeOf(ap.Status), Appointment: &ap}}
	if completed {
		v := dental.Visit{Clinic: ap.Clinic, Patient: ap.Patient, ID: ap.ID, AppointmentID: ap.ID, FinishedAt: told.Over(ap.Start, ap.End, r.clinic.Location()), Doctor: ap.Doctor, Receipt: receipt}
		v.Procedures = append(v.Procedures, services...)
		o.Facts = append(o.Facts, intake.Event{Type: intake.VisitCompleted, Visit: &v})
	}
	told.Hold(&o, told.Night(r.received, r.clinic.Location()))
	o.Body = told.Body([]any{o.Facts, receipt})
	if hint, ok := r.hint(a, owner); ok {
		objects = append(objects, hint)
	}
	return append(objects, o), false, nil
}

// services reads what was done, and what it cost; no receipt where nothing has a price.
func (r reader) services(list told.List[service]) (out []dental.Procedure, receipt dental.Money, err error) {
	priced := false
	for _, s := range list[:min(len(list), mostServices)] {
		price, err := told.Money(string(s.Price), r.clinic.Currency)
		if err != nil {
			return nil, dental.Money{}, dental.Errorf(dental.Invalid, "services.price", "%s", err.Error())
		}
		count := int64(1)
		if n, ok := s.Count.Whole(); ok && n >= 0 && n <= mostOfOne {
			count = n
		}
		priced = priced || price.Currency != ""
		receipt.Minor += price.Minor * count
		if p := (dental.Procedure{Code: told.Line(string(s.Code), longestName), Name: told.Line(string(s.Title), longestName)}); p != (dental.Procedure{}) {
			out = append(out, p)
		}
	}
	if !priced {
		return out, dental.Money{}, nil
	}
	receipt.Currency = r.clinic.Currency
	return out, receipt, nil
}

// hint is the patient inside an appointment; ok is false where there is none.
func (r reader) hint(a appointment, owner string) (o intake.Object, ok bool) {
	family, given, middle := told.Name(string(a.PatientName))
	if family == "" && a.PatientPhone == "" {
		return intake.Object{}, false
	}
	p := patient{LastName: told.Text(family), FirstName: told.Text(given), ThirdName: told.Text(middle), BirthDate: a.PatientBirth, Gender: a.PatientGender,
		Mobile: a.PatientPhone, Email: a.PatientEmail}
	card := r.card(p, owner)
	card.Says = intake.Hint
	return intake.Object{Facts: []intake.Event{{Type: intake.PatientUpdated, Card: &card}}}, true
}

// patient is what a card says. A notice may leave out what the API has.
func (r reader) patient(p patient) (objects []intake.Object, named bool, err error) {
	id := p.id()
	if id == "" || len(id) > longestID {
		return nil, false, dental.Errorf(dental.Invalid, "patient_id", "must be the patient's number")
	}
	changed := r.instant(strings.TrimSpace(string(p.Updated) + " " + string(p.UpdatedAt)))
	if changed.IsZero() {
		changed = r.instant(string(p.Updated))
	}
	card := r.card(p, id)
	o := intake.Object{System: dental.Renovatio, Kind: kindPatient, ID: id, Version: r.version(changed), At: changed}
	switch {
	case p.gone || p.Deleted.True():
		// Whatever else is said of it comes too late.
		card.Status, o.Version = dental.Archived, max(o.Version, r.received.UnixMilli())
	case !r.fresh && (changed.IsZero() || card.FamilyName == "" && card.GivenName == ""):
		return nil, true, nil
	}
	o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &card}}
	o.Body = told.Body([]any{card.Patient, card.Number, card.Mail})
	return []intake.Object{o}, false, nil
}

// card is what Renovatio knows of a patient: of a death, a guardian or a language
// it knows nothing, so that what it leaves open stays as it was.
func (r reader) card(p patient, id string) intake.Card {
	card := intake.Card{
		Patient: dental.Patient{Clinic: r.clinic.ID, ID: told.Patient(dental.Renovatio, id), FamilyName: told.Line(string(p.LastName), longestName),
			GivenName: told.Line(string(p.FirstName), longestName), MiddleName: told.Line(string(p.ThirdName), longestName), BirthDate: told.Day(string(p.BirthDate))},
		Says:   intake.Known,
		Number: told.Line(string(cmp.Or(p.Mobile, p.Phone)), longestName), Mail: told.Line(string(p.Email), 2*longestName),
	}
	switch g := []rune(strings.ToLower(string(p.Gender))); {
	case len(g) == 0:
	case g[0] == 'м' || g[0] == 'm':
		card.Sex = "male"
	case g[0] == 'ж' || g[0] == 'f':
		card.Sex = "female"
	}
	return card
}

// version orders an object's states. What was just read is the newest there is.
func (r reader) version(changed time.Time) int64 {
	switch {
	case !changed.IsZero():
		return changed.UnixMilli()
	case r.fresh:
		return r.received.UnixMilli()
	}
	return 0
}

// instant reads a time of the clinic; what is none is the zero time.
func (r reader) instant(s string) time.Time {
	for _, layout := range []string{"02.01.2006 15:04", "02.01.2006 15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "02.01.2006", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, r.clinic.Location()); err == nil {
			if at.Year() < 1990 || at.Year() > 2100 {
				return time.Time{}
			}
			return at
		}
	}
	return time.Time{}
}
