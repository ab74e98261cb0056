package mistest_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// plain is the state of one object of a system that says everything plainly.
type plain struct {
	Kind, ID, Patient     string
	Family, Given, Number string
	Birth                 string
	Start                 time.Time
	Status                string
	Service               mistest.Service
	Roubles               int
	Refund, Done, Deleted bool
	Visit                 string
	Version               int64
}

func say(_ *mistest.Office, object any) []intake.Delivery {
	raw, err := json.Marshal(state(object))
	if err != nil {
		panic(err)
	}
	return []intake.Delivery{{Body: raw}}
}

func state(object any) plain {
	switch x := object.(type) {
	case *mistest.Patient:
		return plain{Kind: "client", ID: strconv.Itoa(x.ID), Patient: strconv.Itoa(x.ID), Family: x.FamilyName, Given: x.GivenName, Number: x.Phone,
			Birth: x.BirthDate.String(), Deleted: x.Deleted, Version: x.Version}
	case *mistest.Record:
		status := []string{"waiting", "confirmed", "came", "missed", "cancelled"}[x.Status]
		return plain{Kind: "record", ID: strconv.Itoa(x.ID), Patient: strconv.Itoa(x.Patient.ID), Start: x.Start, Status: status, Service: x.Service, Deleted: x.Deleted, Version: x.Version}
	case *mistest.Payment:
		return plain{Kind: "payment", ID: strconv.Itoa(x.ID), Patient: strconv.Itoa(x.Record.Patient.ID), Visit: strconv.Itoa(x.Record.ID), Roubles: x.Roubles, Refund: x.Refund,
			Start: x.At, Deleted: x.Deleted, Version: x.Version}
	case *mistest.Stage:
		return plain{Kind: "stage", ID: strconv.Itoa(x.ID), Patient: strconv.Itoa(x.Patient.ID), Service: x.Service, Done: x.Done, Start: x.At, Deleted: x.Deleted, Version: x.Version}
	}
	panic("an object of no kind")
}

func (p plain) object(versions bool) intake.Object {
	o := intake.Object{System: "plain", Kind: p.Kind, ID: p.ID, Version: p.Version, Gone: p.Deleted}
	if !versions {
		o.Version, p.Version = 0, 0
	}
	o.Body = told.Body(p)
	if p.Deleted && p.Kind != "client" {
		return o
	}
	money := func(roubles int) dental.Money { return dental.Money{Minor: int64(roubles) * 100, Currency: "RUB"} }
	switch p.Kind {
	case "client":
		born, _ := dental.ParseDate(p.Birth)
		card := intake.Card{Patient: dental.Patient{ID: p.Patient, FamilyName: p.Family, GivenName: p.Given, BirthDate: born}, Number: p.Number}
		if p.Deleted {
			card.Status, o.Gone = dental.Archived, false
		}
		o.Facts = []intake.Event{{Type: intake.PatientUpdated, Card: &card}}
	case "record":
		status := map[string]dental.AppointmentStatus{"waiting": dental.Booked, "confirmed": dental.Confirmed, "came": dental.Booked, "missed": dental.Missed, "cancelled": dental.Cancelled}[p.Status]
		a := dental.Appointment{Clinic: "demo", Patient: p.Patient, ID: p.ID, Start: p.Start, Status: status, Services: []dental.ServiceType{{Code: p.Service.Code, Name: p.Service.Name}}}
		o.Facts = []intake.Event{{Type: intake.AppointmentBooked, Appointment: &a}}
		if p.Status == "came" {
			v := dental.Visit{Clinic: "demo", Patient: p.Patient, ID: p.ID, AppointmentID: p.ID, FinishedAt: p.Start.Add(time.Minute), Receipt: money(p.Service.Price),
				Procedures: []dental.Procedure{{Code: p.Service.Code, Name: p.Service.Name}}}
			o.Facts = append(o.Facts, intake.Event{Type: intake.VisitCompleted, Visit: &v})
		}
	case "payment":
		f := dental.Payment{Clinic: "demo", Patient: p.Patient, ID: p.ID, VisitID: p.Visit, Amount: money(p.Roubles), At: p.Start, Kind: dental.Paid}
		if p.Refund {
			f.Kind = dental.Refund
		}
		o.Facts = []intake.Event{{Type: intake.PaymentReceived, Payment: &f}}
	case "stage":
		stage := dental.Stage{ID: p.ID, Name: p.Service.Name, Status: dental.StagePlanned}
		if p.Done {
			stage.Status, stage.DoneAt = dental.StageDone, p.Start
		}
		plan := dental.Plan{Clinic: "demo", Patient: p.Patient, ID: p.ID, PresentedAt: p.Start, Stages: []dental.Stage{stage}}
		o.Facts = []intake.Event{{Type: intake.PlanUpdated, Plan: &plan}}
	}
	return o
}

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

func read(versions bool) intake.Reader {
	return func(_ *dental.Clinic, _ dental.Account, d intake.Delivery) (intake.Heard, error) {
		var p plain
		if err := json.Unmarshal(d.Body, &p); err != nil {
			return intake.Heard{}, err
		}
		return intake.Heard{Objects: []intake.Object{p.object(versions)}}, nil
	}
}

func all(o *mistest.Office, versions bool) (out []intake.Object) {
	for _, p := range o.Patients {
		out = append(out, state(p).object(versions))
	}
	for _, r := range o.Records {
		out = append(out, state(r).object(versions))
	}
	for _, p := range o.Payments {
		out = append(out, state(p).object(versions))
	}
	for _, s := range o.Stages {
		out = append(out, state(s).object(versions))
	}
	return out
}

var everything = mistest.Tells{BirthDates: true, Payments: true, Receipts: true, Stages: true, DeletedPatients: true}

func TestASystemWithVersionsNeedsNothingReadAgain(t *testing.T) {
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: "plain", Tells: everything, Ordered: true, Read: read(true), Say: say})
}

func TestASystemWithoutVersionsIsRightOnceItIsReadAgain(t *testing.T) {
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: "plain", Tells: everything, Read: read(false), Say: say,
		Reread: func(o *mistest.Office) []intake.Object { return all(o, false) }})
}

func TestASystemWithoutVersionsThatIsNeverReadAgainIsRightInItsOwnOrder(t *testing.T) {
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: "plain", Tells: everything, Read: read(false), Say: say})
}
