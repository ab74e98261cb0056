package generic

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Encode writes the event so that Decode reads it again: the same Type, At and
// noun, with the noun's Version. Clinic, ID and the hashes travel outside the
// body, and what only the receiver knows is not part of the format. Times are
// written in UTC. A card's Phone and Email stand in for its Number and Mail
// where these are empty.
//
// An event that Decode would refuse is not written: the error is Decode's, a
// *dental.Error of kind Invalid.
func Encode(e intake.Event) ([]byte, error) {
	data, err := wire(e)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(struct {
		Type      intake.Type `json:"type"`
		Timestamp instant     `json:"timestamp"`
		Data      any         `json:"data"`
	}{e.Type, instant(e.At.UTC()), data})
	if err != nil {
		return nil, fmt.Errorf("generic: write the event: %w", err)
	}
	if _, err := Decode(e.Clinic, e.ID, raw); err != nil {
		return nil, fmt.Errorf("generic: the event cannot be written: %w", err)
	}
	return raw, nil
}

// wire makes the data of the one noun that is set; it must be its type's.
func wire(e intake.Event) (any, error) {
	var nouns []any
	want := false
	if e.Card != nil {
		nouns, want = append(nouns, wireCard(e.Card)), e.Type == intake.PatientUpdated
	}
	if e.Gone != nil {
		nouns, want = append(nouns, deletion{ID: id(e.Gone.ID), Version: whole(e.Gone.Version)}), e.Type == intake.PatientDeleted
	}
	if e.Appointment != nil {
		status, ok := statuses[e.Type]
		nouns, want = append(nouns, wireAppointment(e.Appointment)), ok && e.Appointment.Status == status
	}
	if e.Visit != nil {
		nouns, want = append(nouns, wireVisit(e.Visit)), e.Type == intake.VisitCompleted
	}
	if e.Plan != nil {
		nouns, want = append(nouns, wirePlan(e.Plan)), e.Type == intake.PlanUpdated
	}
	if e.Payment != nil {
		nouns, want = append(nouns, wirePayment(e.Payment)), e.Type == intake.PaymentReceived
	}
	if len(nouns) != 1 || !want {
		return nil, dental.Errorf(dental.Invalid, "data", "must be what the event's type asks for, and nothing else")
	}
	return nouns[0], nil
}

func wireCard(c *intake.Card) card {
	w := card{
		ID:               id(c.ID),
		FamilyName:       line(c.FamilyName),
		GivenName:        line(c.GivenName),
		MiddleName:       line(c.MiddleName),
		Phone:            contact(cmp.Or(c.Number, string(c.Phone))),
		Email:            contact(cmp.Or(c.Mail, string(c.Email))),
		BirthDate:        day(c.BirthDate),
		Sex:              c.Sex,
		Language:         language(c.Language),
		Status:           c.Status,
		DoctorID:         id(c.DoctorID),
		GuardianID:       id(c.GuardianID),
		PreferredChannel: c.Preferred,
		Version:          whole(c.Version),
	}
	for _, given := range c.Consents {
		w.Consents = append(w.Consents, &consent{Class: given.Class, Channel: given.Channel, Granted: &given.Granted,
			At: instant(given.At.UTC()), Source: line(given.Source), Text: text(given.Text)})
	}
	return w
}

func wireAppointment(a *dental.Appointment) appointment {
	w := appointment{ID: id(a.ID), PatientID: id(a.Patient), Start: instant(a.Start.UTC()), End: instant(a.End.UTC()),
		Doctor: wireDoctor(a.Doctor), Version: whole(a.Version)}
	for _, s := range a.Services {
		w.Services = append(w.Services, new(wireService(s)))
	}
	return w
}

func wireVisit(v *dental.Visit) visit {
	w := visit{
		ID:              id(v.ID),
		PatientID:       id(v.Patient),
		AppointmentID:   id(v.AppointmentID),
		FinishedAt:      instant(v.FinishedAt.UTC()),
		Doctor:          wireDoctor(v.Doctor),
		Receipt:         wireMoney(v.Receipt),
		Complex:         v.Complex,
		Recommendations: text(v.Recommendations),
		NextStep:        wireService(v.NextStep),
		ReturnDate:      day(v.ReturnDate),
		Version:         whole(v.Version),
	}
	for _, p := range v.Procedures {
		w.Procedures = append(w.Procedures, &procedure{Code: line(p.Code), Name: line(p.Name), Kind: p.Kind,
			Tooth: line(p.Tooth), Minutes: minutes(p.Minutes)})
	}
	for _, d := range v.Diagnoses {
		w.Diagnoses = append(w.Diagnoses, &diagnosis{Code: line(d.Code), Name: line(d.Name)})
	}
	return w
}

func wirePlan(p *dental.Plan) plan {
	w := plan{ID: id(p.ID), PatientID: id(p.Patient), PresentedAt: instant(p.PresentedAt.UTC()), Version: whole(p.Version)}
	for _, s := range p.Stages {
		w.Stages = append(w.Stages, &stage{ID: id(s.ID), Name: line(s.Name), Kind: s.Kind, Status: s.Status,
			Price: wireMoney(s.Price), DoneAt: instant(s.DoneAt.UTC())})
	}
	return w
}

func wirePayment(p *dental.Payment) payment {
	return payment{ID: id(p.ID), PatientID: id(p.Patient), VisitID: id(p.VisitID), Amount: wireMoney(p.Amount),
		At: instant(p.At.UTC()), Kind: p.Kind, Version: whole(p.Version)}
}

func wireDoctor(d dental.Doctor) doctor {
	return doctor{ID: id(d.ID), Name: line(d.Name), PhotoURL: link(d.PhotoURL)}
}

func wireService(s dental.ServiceType) service {
	return service{Code: line(s.Code), Name: line(s.Name), Kind: s.Kind}
}

func wireMoney(m dental.Money) *money {
	if m.IsZero() {
		return nil
	}
	return &money{Total: m.Decimal(), Currency: m.Currency}
}
