package fhir

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

type (
	// https://hl7.org/fhir/R4/appointment.html
	appointment struct {
		Status          string        `json:"status"`
		ServiceType     []concept     `json:"serviceType"`
		ReasonCode      []concept     `json:"reasonCode"`
		AppointmentType concept       `json:"appointmentType"`
		Start           string        `json:"start"`
		End             string        `json:"end"`
		Minutes         int64         `json:"minutesDuration"`
		Created         string        `json:"created"`
		Participant     []participant `json:"participant"`
	}
	participant struct {
		Type   []concept `json:"type"`
		Actor  reference `json:"actor"`
		Status string    `json:"status"`
	}
)

// agreed are the states in which a time is, or was, agreed on. Who has arrived
// has confirmed by that. A time that is only proposed, pending or waited for is
// no appointment yet.
var agreed = map[string]dental.AppointmentStatus{
	"booked": dental.Booked, "arrived": dental.Confirmed, "checked-in": dental.Confirmed, "fulfilled": dental.Confirmed,
	"cancelled": dental.Cancelled, "noshow": dental.Missed,
}

func (r *reading) appointment() (content, *problem) {
	var w appointment
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	zone := r.clinic.Location()
	created, _ := instant(w.Created, zone)
	if len(w.Created) == len(time.DateOnly) {
		created = time.Time{} // too vague to say since when a time has stood
	}
	if w.Status == inError {
		return withdrawn, nil
	}
	status, is := agreed[w.Status]
	if !is {
		return content{at: created}, nil
	}
	who, doctor, p := r.present(w.Participant)
	if p != nil {
		return content{}, p
	}
	start, ok := instant(w.Start, zone)
	if !ok || len(w.Start) == len(time.DateOnly) {
		return content{}, r.unusable("start", "fhir-time")
	}
	a := dental.Appointment{Clinic: r.clinic.ID, Patient: who, ID: told.ID("", r.id), Start: start, Doctor: doctor, Status: status}
	if end, ok := instant(w.End, zone); ok && end.After(start) {
		a.End = end
	} else if w.Minutes > 0 && w.Minutes <= 24*60 {
		a.End = start.Add(time.Duration(w.Minutes) * time.Minute)
	}
	a.Services = services(w.ServiceType)
	if len(a.Services) == 0 {
		a.Services = services(w.ReasonCode)
	}
	if len(a.Services) == 0 {
		a.Services = services([]concept{w.AppointmentType})
	}
	return content{facts: []intake.Event{{Type: intake.AppointmentBooked, Appointment: &a}}, at: created}, nil
}

// most bounds how many services, codes or stages of one resource are taken.
const most = 50

func services(of []concept) []dental.ServiceType {
	var out []dental.ServiceType
	for _, c := range of {
		if s := c.coded(ofNomenclature); s != (dental.Coded{}) && len(out) < most {
			out = append(out, dental.ServiceType{Code: s.Code, Name: s.Name})
		}
	}
	return out
}

// present finds the patient and the doctor among those who take part. Within a
// Bundle an actor may be named by urn:uuid alone, which does not say what it is:
// the only such one is the patient where no other is, unless it has a
// practitioner's part.
func (r *reading) present(of []participant) (who string, doctor dental.Doctor, p *problem) {
	var unknown []reference
	found := false
	for _, x := range of {
		if x.Status == "declined" {
			continue
		}
		if x.Actor.Reference == "" && x.Actor.Identifier.Value == "" {
			continue // a place that only has a name, or a part that nobody has yet
		}
		t := r.resolve(x.Actor, "Patient", "Practitioner", "PractitionerRole")
		switch {
		case t.kind == "Patient" && !found:
			if who, p = r.patient("participant.actor", x.Actor); p != nil {
				return "", dental.Doctor{}, p
			}
			found = true
		case t.kind == "Practitioner" || t.kind == "PractitionerRole" || t.kind == "" && x.treats():
			if doctor == (dental.Doctor{}) {
				doctor = r.doctor(x.Actor)
			}
		case t.kind == "" && t.id != "":
			unknown = append(unknown, x.Actor)
		}
	}
	switch {
	case found:
		return who, doctor, nil
	case len(unknown) == 1:
		who, p = r.patient("participant.actor", unknown[0])
		return who, doctor, p
	case len(unknown) > 1:
		return "", dental.Doctor{}, r.unusable("participant.actor", "fhir-actor")
	}
	return "", dental.Doctor{}, r.unusable("participant", "fhir-patient")
}

// treats reports whether the part is one that a practitioner has: attender,
// performer, secondary performer, consultant, admitter.
// https://hl7.org/fhir/R4/valueset-encounter-participant-type.html
func (x participant) treats() bool {
	for _, t := range x.Type {
		for _, c := range t.Coding {
			switch c.Code {
			case "ATND", "PPRF", "SPRF", "CON", "ADM":
				return true
			}
		}
	}
	return false
}
