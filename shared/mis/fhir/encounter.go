package fhir

import (
	"cmp"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

type (
	// https://hl7.org/fhir/R4/encounter.html
	encounter struct {
		Status      string      `json:"status"`
		Type        []concept   `json:"type"`
		ServiceType concept     `json:"serviceType"`
		Subject     reference   `json:"subject"`
		Appointment []reference `json:"appointment"`
		Period      period      `json:"period"`
		Participant []struct {
			Type       []concept `json:"type"`
			Individual reference `json:"individual"`
		} `json:"participant"`
	}
	// https://hl7.org/fhir/R4/procedure.html
	procedure struct {
		Status          string    `json:"status"`
		Code            concept   `json:"code"`
		Subject         reference `json:"subject"`
		Encounter       reference `json:"encounter"`
		PerformedPeriod period    `json:"performedPeriod"`
		BodySite        []concept `json:"bodySite"`
	}
	// https://hl7.org/fhir/R4/condition.html
	condition struct {
		VerificationStatus concept   `json:"verificationStatus"`
		Code               concept   `json:"code"`
		Subject            reference `json:"subject"`
		Encounter          reference `json:"encounter"`
	}
)

// visit reads an encounter, which is a visit when it is finished, of whatever
// class it is. What was done is told by Procedures; until one is, a type of the
// encounter with a code of the nomenclature stands for it.
func (r *reading) visit() (content, *problem) {
	var w encounter
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	switch w.Status {
	case inError:
		return withdrawn, nil
	case "finished":
	default:
		return content{}, nil
	}
	who, p := r.patient("subject", w.Subject)
	if p != nil {
		return content{}, p
	}
	finished, ok := instant(cmp.Or(w.Period.End, w.Period.Start), r.clinic.Location())
	if !ok {
		return content{}, r.unusable("period", "fhir-time")
	}
	v := dental.Visit{Clinic: r.clinic.ID, Patient: who, ID: told.ID("", r.id), FinishedAt: finished}
	for _, a := range w.Appointment {
		if t := r.resolve(a, "Appointment"); t.id != "" && v.AppointmentID == "" {
			v.AppointmentID = told.ID("", t.id)
		}
	}
	main := false // whoever performs it comes before whoever is there as well
	for _, x := range w.Participant {
		t := r.resolve(x.Individual, "Practitioner", "PractitionerRole")
		if t.why == "fhir-reference" || main {
			continue // a relative
		}
		performs := participant{Type: x.Type}.treats()
		if d := r.doctor(x.Individual); d != (dental.Doctor{}) && (v.Doctor == (dental.Doctor{}) || performs) {
			v.Doctor, main = d, performs
		}
	}
	for _, t := range append([]concept{w.ServiceType}, w.Type...) {
		if c := t.coded(ofNomenclature); ours.MatchString(c.Code) && len(v.Procedures) < most {
			v.Procedures = append(v.Procedures, dental.Procedure{Code: c.Code, Name: c.Name})
		}
	}
	return content{facts: []intake.Event{{Type: intake.VisitCompleted, Visit: &v}}}, nil
}

// part is the piece of a visit that something belongs to, without what it is.
func (r *reading) part(prefix string, subject, of reference) (dental.Piece, *problem) {
	who, p := r.patient("subject", subject)
	if p != nil {
		return dental.Piece{}, p
	}
	visit, p := r.joined("encounter", of, "Encounter")
	if p == nil && visit == "" {
		p = r.unusable("encounter", "fhir-encounter")
	}
	return dental.Piece{Clinic: r.clinic.ID, Patient: who, Visit: visit, ID: told.ID(prefix, r.id)}, p
}

func pieced(p dental.Piece) content {
	return content{facts: []intake.Event{{Type: intake.VisitCompleted, Piece: &p}}}
}

// procedure reads what was done, once it is done.
func (r *reading) procedure() (content, *problem) {
	var w procedure
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	switch w.Status {
	case inError:
		return withdrawn, nil
	case "completed":
	default:
		return content{}, nil
	}
	piece, p := r.part("procedure", w.Subject, w.Encounter)
	if p != nil {
		return content{}, p
	}
	c := w.Code.coded(ofNomenclature)
	if c == (dental.Coded{}) {
		return content{}, r.unusable("code", "fhir-code")
	}
	piece.Procedure = dental.Procedure{Code: c.Code, Name: c.Name, Tooth: tooth(w.BodySite)}
	from, okFrom := instant(w.PerformedPeriod.Start, r.clinic.Location())
	to, okTo := instant(w.PerformedPeriod.End, r.clinic.Location())
	if long := to.Sub(from); okFrom && okTo && long > 0 && long <= 24*time.Hour {
		piece.Procedure.Minutes = int(long / time.Minute)
	}
	return pieced(piece), nil
}

// tooth is a site by ISO 3950, as the standard's own example list of oral sites
// has it; "" for another part of the body.
func tooth(sites []concept) string {
	for _, s := range sites {
		for _, c := range s.Coding {
			if fdi.MatchString(c.Code) {
				return c.Code
			}
		}
		if text := line(s.Text); fdi.MatchString(text) {
			return text
		}
	}
	return ""
}

// diagnosis reads what was found at a visit. What turned out not to be so is none.
func (r *reading) diagnosis() (content, *problem) {
	var w condition
	if p := r.read(&w); p != nil {
		return content{}, p
	}
	for _, c := range w.VerificationStatus.Coding {
		switch c.Code {
		case inError:
			return withdrawn, nil
		case "refuted":
			return content{}, nil
		}
	}
	piece, p := r.part("condition", w.Subject, w.Encounter)
	if p != nil {
		return content{}, p
	}
	if piece.Diagnosis = w.Code.coded(ofICD); piece.Diagnosis == (dental.Coded{}) {
		return content{}, r.unusable("code", "fhir-code")
	}
	return pieced(piece), nil
}
