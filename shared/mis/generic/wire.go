package generic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// envelope is the event around its data.
type envelope struct {
	Type      intake.Type     `json:"type"`
	Timestamp instant         `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// The data of the types, field by field as the contract names them. Elements of
// lists are pointers, so that a null among them is seen.

type card struct {
	ID               id                   `json:"id"`
	FamilyName       line                 `json:"familyName,omitempty"`
	GivenName        line                 `json:"givenName,omitempty"`
	MiddleName       line                 `json:"middleName,omitempty"`
	Phone            contact              `json:"phone,omitempty"`
	Email            contact              `json:"email,omitempty"`
	BirthDate        day                  `json:"birthDate,omitzero"`
	Sex              string               `json:"sex,omitempty"`
	Language         language             `json:"language,omitempty"`
	Status           dental.PatientStatus `json:"status,omitempty"`
	DoctorID         id                   `json:"doctorId,omitempty"`
	GuardianID       id                   `json:"guardianId,omitempty"`
	Consents         []*consent           `json:"consents,omitempty"`
	PreferredChannel dental.Channel       `json:"preferredChannel,omitempty"`
	Version          whole                `json:"version,omitempty"`
}

type consent struct {
	Class   dental.Class   `json:"class"`
	Channel dental.Channel `json:"channel"`
	Granted *bool          `json:"granted"`
	At      instant        `json:"at"`
	Source  line           `json:"source,omitempty"`
	Text    text           `json:"text,omitempty"`
}

type deletion struct {
	ID      id    `json:"id"`
	Version whole `json:"version,omitempty"`
}

type appointment struct {
	ID        id         `json:"id"`
	PatientID id         `json:"patientId"`
	Start     instant    `json:"start"`
	End       instant    `json:"end,omitzero"`
	Doctor    doctor     `json:"doctor,omitzero"`
	Services  []*service `json:"services,omitempty"`
	Version   whole      `json:"version,omitempty"`
}

type visit struct {
	ID              id           `json:"id"`
	PatientID       id           `json:"patientId"`
	AppointmentID   id           `json:"appointmentId,omitempty"`
	FinishedAt      instant      `json:"finishedAt"`
	Doctor          doctor       `json:"doctor,omitzero"`
	Procedures      []*procedure `json:"procedures,omitempty"`
	Diagnoses       []*diagnosis `json:"diagnoses,omitempty"`
	Receipt         *money       `json:"receipt,omitempty"`
	Complex         bool         `json:"complex,omitempty"`
	Recommendations text         `json:"recommendations,omitempty"`
	NextStep        service      `json:"nextStep,omitzero"`
	ReturnDate      day          `json:"returnDate,omitzero"`
	Version         whole        `json:"version,omitempty"`
}

type plan struct {
	ID          id       `json:"id"`
	PatientID   id       `json:"patientId"`
	PresentedAt instant  `json:"presentedAt"`
	Stages      []*stage `json:"stages,omitempty"`
	Version     whole    `json:"version,omitempty"`
}

type stage struct {
	ID     id                   `json:"id"`
	Name   line                 `json:"name,omitempty"`
	Kind   dental.ProcedureKind `json:"kind,omitempty"`
	Status dental.StageStatus   `json:"status"`
	Price  *money               `json:"price,omitempty"`
	DoneAt instant              `json:"doneAt,omitzero"`
}

type payment struct {
	ID        id                 `json:"id"`
	PatientID id                 `json:"patientId"`
	VisitID   id                 `json:"visitId,omitempty"`
	Amount    *money             `json:"amount"`
	At        instant            `json:"at"`
	Kind      dental.PaymentKind `json:"kind"`
	Version   whole              `json:"version,omitempty"`
}

type doctor struct {
	ID       id   `json:"id,omitempty"`
	Name     line `json:"name,omitempty"`
	PhotoURL link `json:"photoUrl,omitempty"`
}

type service struct {
	Code line                 `json:"code,omitempty"`
	Name line                 `json:"name,omitempty"`
	Kind dental.ProcedureKind `json:"kind,omitempty"`
}

type procedure struct {
	Code    line                 `json:"code,omitempty"`
	Name    line                 `json:"name,omitempty"`
	Kind    dental.ProcedureKind `json:"kind,omitempty"`
	Tooth   line                 `json:"tooth,omitempty"`
	Minutes minutes              `json:"minutes,omitempty"`
}

type diagnosis struct {
	Code line `json:"code,omitempty"`
	Name line `json:"name,omitempty"`
}

type money struct {
	Total    string `json:"total"`
	Currency string `json:"currency"`
}

// The readings of wire objects as nouns. Each looks at what one field alone
// cannot tell: what is required, which words a field knows, how long lists are.

func (w *card) noun(c *check, o origin) intake.Card {
	p := dental.Patient{
		Clinic:     o.clinic,
		ID:         c.id("data.id", w.ID),
		FamilyName: string(w.FamilyName),
		GivenName:  string(w.GivenName),
		MiddleName: string(w.MiddleName),
		BirthDate:  dental.Date(w.BirthDate),
		Sex:        enum(c, "data.sex", optional, w.Sex, "female", "male", "other", "unknown"),
		Language:   string(w.Language),
		Status: enum(c, "data.status", optional, w.Status,
			dental.Active, dental.Archived, dental.Moved, dental.Deceased),
		DoctorID:   string(w.DoctorID),
		GuardianID: string(w.GuardianID),
		Preferred:  enum(c, "data.preferredChannel", optional, w.PreferredChannel, dental.Channels()...),
		Source:     o.source(w.Version),
	}
	if p.Sex == "other" || p.Sex == "unknown" {
		p.Sex = "" // the product knows of sex what its grammar needs
	}
	if p.Status == "" {
		p.Status = dental.Active
	}
	if p.GuardianID == p.ID {
		p.GuardianID = "" // some systems make every adult their own payer
	}
	for _, given := range each(c, "data.consents", w.Consents, (*consent).noun) {
		p.Record(given)
	}
	return intake.Card{Patient: p, Number: string(w.Phone), Mail: string(w.Email)}
}

func (w *consent) noun(c *check, at string) dental.Consent {
	if w.Granted == nil {
		c.fault(at+".granted", missing)
		return dental.Consent{}
	}
	return dental.Consent{
		Class:   enum(c, at+".class", required, w.Class, dental.Classes()...),
		Channel: enum(c, at+".channel", required, w.Channel, dental.Channels()...),
		Granted: *w.Granted,
		At:      c.time(at+".at", w.At),
		Source:  string(w.Source),
		Text:    string(w.Text),
	}
}

func (w *deletion) noun(c *check, _ origin) intake.Deletion {
	return intake.Deletion{ID: c.id("data.id", w.ID), Version: int64(w.Version)}
}

func (w *appointment) noun(c *check, o origin) dental.Appointment {
	a := dental.Appointment{
		Clinic:   o.clinic,
		Patient:  c.id("data.patientId", w.PatientID),
		ID:       c.id("data.id", w.ID),
		Start:    c.time("data.start", w.Start),
		End:      time.Time(w.End),
		Doctor:   w.Doctor.noun(),
		Services: each(c, "data.services", w.Services, (*service).noun),
		Source:   o.source(w.Version),
	}
	if !a.End.IsZero() && a.End.Before(a.Start) {
		c.fault("data.end", "must not be before the start")
	}
	return a
}

func (w *visit) noun(c *check, o origin) dental.Visit {
	v := dental.Visit{
		Clinic:          o.clinic,
		Patient:         c.id("data.patientId", w.PatientID),
		ID:              c.id("data.id", w.ID),
		AppointmentID:   string(w.AppointmentID),
		FinishedAt:      c.time("data.finishedAt", w.FinishedAt),
		Doctor:          w.Doctor.noun(),
		Procedures:      each(c, "data.procedures", w.Procedures, (*procedure).noun),
		Diagnoses:       each(c, "data.diagnoses", w.Diagnoses, (*diagnosis).noun),
		Receipt:         w.Receipt.noun(c, "data.receipt"),
		Complex:         w.Complex,
		Recommendations: string(w.Recommendations),
		ReturnDate:      dental.Date(w.ReturnDate),
		Source:          o.source(w.Version),
	}
	if w.NextStep != (service{}) {
		v.NextStep = w.NextStep.noun(c, "data.nextStep")
	}
	return v
}

func (w *plan) noun(c *check, o origin) dental.Plan {
	p := dental.Plan{
		Clinic:      o.clinic,
		Patient:     c.id("data.patientId", w.PatientID),
		ID:          c.id("data.id", w.ID),
		PresentedAt: c.time("data.presentedAt", w.PresentedAt),
		Stages:      each(c, "data.stages", w.Stages, (*stage).noun),
		Source:      o.source(w.Version),
	}
	for i, s := range p.Stages {
		before := slices.IndexFunc(p.Stages[:i], func(other dental.Stage) bool { return other.ID == s.ID })
		if before >= 0 {
			c.fault(fmt.Sprintf("data.stages[%d].id", i), fmt.Sprintf("must differ from the id of stages[%d]", before))
		}
	}
	return p
}

func (w *stage) noun(c *check, at string) dental.Stage {
	return dental.Stage{
		ID:   c.id(at+".id", w.ID),
		Name: string(w.Name),
		Kind: c.kind(at+".kind", w.Kind, w.Name),
		Status: enum(c, at+".status", required, w.Status,
			dental.StagePlanned, dental.StageBooked, dental.StageDone, dental.StageCancelled),
		Price:  w.Price.noun(c, at+".price"),
		DoneAt: time.Time(w.DoneAt),
	}
}

func (w *payment) noun(c *check, o origin) dental.Payment {
	if w.Amount == nil {
		c.fault("data.amount", missing)
	}
	return dental.Payment{
		Clinic:  o.clinic,
		Patient: c.id("data.patientId", w.PatientID),
		ID:      c.id("data.id", w.ID),
		VisitID: string(w.VisitID),
		Amount:  w.Amount.noun(c, "data.amount"),
		At:      c.time("data.at", w.At),
		Kind:    enum(c, "data.kind", required, w.Kind, dental.Paid, dental.Refund),
		Source:  o.source(w.Version),
	}
}

func (w doctor) noun() dental.Doctor {
	return dental.Doctor{ID: string(w.ID), Name: string(w.Name), PhotoURL: string(w.PhotoURL)}
}

func (w *service) noun(c *check, at string) dental.ServiceType {
	return dental.ServiceType{Code: string(w.Code), Name: string(w.Name), Kind: c.kind(at+".kind", w.Kind, w.Code, w.Name)}
}

func (w *procedure) noun(c *check, at string) dental.Procedure {
	return dental.Procedure{Code: string(w.Code), Name: string(w.Name), Kind: c.kind(at+".kind", w.Kind, w.Code, w.Name),
		Tooth: string(w.Tooth), Minutes: int(w.Minutes)}
}

func (w *diagnosis) noun(*check, string) dental.Coded {
	return dental.Coded{Code: string(w.Code), Name: string(w.Name)}
}

func (w *money) noun(c *check, at string) dental.Money {
	if w == nil {
		return dental.Money{}
	}
	if w.Total == "" {
		c.fault(at+".total", missing)
	}
	if w.Currency == "" {
		c.fault(at+".currency", missing)
	}
	if _, err := dental.ParseMoney("0", w.Currency); err != nil {
		c.fault(at+".currency", "must be an ISO 4217 code of three capital letters, as in RUB")
	}
	m, err := dental.ParseMoney(w.Total, w.Currency)
	if err != nil {
		c.fault(at+".total", `must be a decimal string as in "5400.00", with at most 12 digits before the point and no more after it than the currency has`)
	}
	return m
}

// need says whether a field must be there.
type need bool

const (
	required need = true
	optional need = false
)

const missing = "is missing"

// check keeps the first fault of a document.
type check struct{ err *dental.Error }

func (c *check) fault(field, message string) {
	if c.err == nil {
		c.err = dental.Errorf(dental.Invalid, field, "%s", message)
	}
}

func (c *check) id(field string, v id) string {
	if v == "" {
		c.fault(field, missing)
	}
	return string(v)
}

func (c *check) time(field string, v instant) time.Time {
	if v.IsZero() {
		c.fault(field, missing)
	}
	return time.Time(v)
}

// kind is left open where the sender does not sort its procedures: the clinic's
// table does by what they are called. What has no name either is "other".
func (c *check) kind(field string, v dental.ProcedureKind, called ...line) dental.ProcedureKind {
	if v == "" && !slices.ContainsFunc(called, func(s line) bool { return s != "" }) {
		return dental.OtherKind
	}
	return enum(c, field, optional, v, dental.ProcedureKinds()...)
}

// enum lets the words of a field through.
func enum[T ~string](c *check, field string, n need, v T, words ...T) T {
	switch {
	case v == "" && n == required:
		c.fault(field, missing)
	case v != "" && !slices.Contains(words, v):
		known := make([]string, len(words))
		for i, word := range words {
			known[i] = string(word)
		}
		c.fault(field, "must be one of "+strings.Join(known, ", "))
	}
	return v
}

// each reads the elements of a list; at is the path of one.
func each[W, N any](c *check, field string, list []*W, noun func(w *W, c *check, at string) N) []N {
	if len(list) > maxItems {
		c.fault(field, fmt.Sprintf("must not have more than %d elements", maxItems))
	}
	var out []N
	for i, w := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		if w == nil {
			c.fault(at, "must be an object")
		}
		if c.err != nil {
			return nil
		}
		out = append(out, noun(w, c, at))
	}
	return out
}
