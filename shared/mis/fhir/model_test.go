package fhir_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
)

type object = map[string]any

type list = []any

// server is a FHIR server with the office's resources.
type server struct {
	// deletes: what the office takes away is deleted, and not marked only.
	deletes bool
	// types: an encounter says what was done there. only: nothing else does.
	types, only bool
	events      int
}

// resource is one in its present state; one that is deleted has none.
type resource struct {
	kind, id string
	body     object
	changed  time.Time
}

func ref(kind string, id int) object { return object{"reference": kind + "/" + strconv.Itoa(id)} }

func instantOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// resources are those that an object of the office is kept as.
func (s *server) resources(of any) (out []resource) {
	add := func(kind string, id int, changed time.Time, gone bool, body object) {
		if gone && s.deletes {
			body = nil
		} else {
			body["resourceType"], body["id"], body["meta"] = kind, strconv.Itoa(id), object{"versionId": "7", "lastUpdated": instantOf(changed)}
		}
		out = append(out, resource{kind, strconv.Itoa(id), body, changed})
	}
	status := func(gone bool, otherwise string) string {
		if gone {
			return "entered-in-error"
		}
		return otherwise
	}
	switch x := of.(type) {
	case *mistest.Patient:
		add("Patient", x.ID, x.Changed, x.Deleted, object{
			"active": !x.Deleted, "birthDate": x.BirthDate.String(),
			"name":    list{object{"use": "maiden", "family": "Былая"}, object{"use": "official", "family": x.FamilyName, "given": list{x.GivenName}}},
			"telecom": list{object{"system": "phone", "use": "home", "value": "+74950000000"}, object{"system": "phone", "use": "mobile", "value": x.Phone}},
		})
	case *mistest.Record:
		code := object{"coding": list{object{"code": x.Service.Code}}, "text": x.Service.Name}
		came := func(done, not string) string {
			if x.Status != mistest.Came {
				done = not
			}
			return status(x.Deleted, done)
		}
		patient, visit := ref("Patient", x.Patient.ID), ref("Encounter", x.ID)
		add("Appointment", x.ID, x.Changed, x.Deleted, object{
			"status": status(x.Deleted, []string{"booked", "arrived", "fulfilled", "noshow", "cancelled"}[x.Status]),
			"start":  x.Start.Format(time.RFC3339), "minutesDuration": x.Minutes, "serviceType": list{code},
			"participant": list{object{"actor": ref("Practitioner", 1), "status": "accepted"}, object{"actor": patient, "status": "accepted"}},
		})
		encounter := object{
			"status": came("finished", "planned"), "class": object{"code": "AMB"}, "subject": patient, "appointment": list{ref("Appointment", x.ID)},
			"period": object{"start": x.Start.Format(time.RFC3339), "end": x.Start.Format(time.RFC3339)},
		}
		if s.types {
			encounter["type"] = list{code}
		}
		add("Encounter", x.ID, x.Changed, x.Deleted, encounter)
		if !s.only {
			add("Procedure", x.ID, x.Changed, x.Deleted, object{"status": came("completed", "preparation"), "subject": patient, "encounter": visit, "code": code})
		}
		add("Invoice", x.ID, x.Changed, x.Deleted, object{
			"status": came("balanced", "draft"), "subject": patient, "totalGross": object{"value": x.Service.Price, "currency": "RUB"},
			"extension": list{object{"url": "https://example.com/encounter", "valueReference": visit}},
		})
	case *mistest.Payment:
		sum := x.Roubles
		if x.Refund {
			sum = -sum
		}
		add("PaymentNotice", x.ID, x.Changed, x.Deleted, object{
			"status": status(x.Deleted, "active"), "created": x.At.Format(time.RFC3339), "amount": object{"value": sum, "currency": "RUB"},
			"payment": object{"display": "cash"}, "recipient": object{"display": "Улыбка"}, "request": ref("Encounter", x.Record.ID),
			"extension": list{object{"url": "https://example.com/payer", "valueReference": ref("Patient", x.Record.Patient.ID)}},
		})
	case *mistest.Stage:
		state := "not-started"
		if x.Done {
			state = "completed"
		}
		add("CarePlan", x.ID, x.Changed, x.Deleted, object{
			"status": status(x.Deleted, "active"), "intent": "plan", "subject": ref("Patient", x.Patient.ID), "created": x.At.Format(time.RFC3339),
			"category": list{object{"text": "План лечения у стоматолога"}},
			"activity": list{object{"detail": object{"status": state, "code": object{"text": x.Service.Name}}}},
		})
	default:
		panic("an object of no kind")
	}
	return out
}

// entry is the resource in a Bundle of what has happened.
func (r resource) entry() object {
	address := r.kind + "/" + r.id
	full := "https://fhir.example.com/r4/" + address
	if r.body == nil {
		return object{"fullUrl": full, "request": object{"method": "DELETE", "url": address}, "response": object{"status": "204", "lastModified": instantOf(r.changed)}}
	}
	return object{"fullUrl": full, "resource": r.body, "request": object{"method": "PUT", "url": address}, "response": object{"status": "200"}}
}

func delivery(body any) []intake.Delivery {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return []intake.Delivery{{Body: raw}}
}

// notification tells of resources as the Backport guide has it.
func (s *server) notification(of []resource, full bool) object {
	status := list{object{"name": "subscription", "valueReference": object{"reference": "https://fhir.example.com/r4/Subscription/1"}},
		object{"name": "status", "valueCode": "active"}, object{"name": "type", "valueCode": "event-notification"}}
	var entries list
	for _, r := range of {
		s.events++
		status = append(status, object{"name": "notification-event", "part": list{
			object{"name": "event-number", "valueString": strconv.Itoa(s.events)},
			object{"name": "timestamp", "valueInstant": instantOf(r.changed)},
			object{"name": "focus", "valueReference": object{"reference": "https://fhir.example.com/r4/" + r.kind + "/" + r.id}},
		}})
		if full {
			entries = append(entries, r.entry())
		}
	}
	status = append(status, object{"name": "events-since-subscription-start", "valueString": strconv.Itoa(s.events)})
	first := object{
		"fullUrl": "urn:uuid:2d5afc69-6ef2-420f-a8d1-8500c99eb96c",
		"resource": object{"resourceType": "Parameters", "parameter": status,
			"meta": object{"profile": list{"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"}}},
		"request":  object{"method": "GET", "url": "https://fhir.example.com/r4/Subscription/1/$status"},
		"response": object{"status": "200"},
	}
	return object{"resourceType": "Bundle", "type": "history", "entry": append(list{first}, entries...)}
}

func (s *server) bundle(kind string, of []resource) object {
	var entries list
	for _, r := range of {
		entries = append(entries, r.entry())
	}
	return object{"resourceType": "Bundle", "type": kind, "entry": entries}
}

func read(o *mistest.Office, body any) []intake.Object {
	d := delivery(body)[0]
	d.At = o.Now
	heard, err := fhir.Read(o.Clinic, o.Account, d)
	if err != nil {
		panic(err)
	}
	return heard.Objects
}

// all are the office's resources.
func (s *server) all(o *mistest.Office) (out []resource) {
	for _, p := range o.Patients {
		out = append(out, s.resources(p)...)
	}
	for _, r := range o.Records {
		out = append(out, s.resources(r)...)
	}
	for _, p := range o.Payments {
		out = append(out, s.resources(p)...)
	}
	for _, x := range o.Stages {
		out = append(out, s.resources(x)...)
	}
	return out
}

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

var everything = mistest.Tells{BirthDates: true, Payments: true, Receipts: true, Stages: true, DeletedPatients: true}

func TestAServerThatNotifiesInFullIsRightWithoutAnyQuestion(t *testing.T) {
	s := &server{deletes: true}
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: dental.FHIR, Tells: everything, Ordered: true, Read: fhir.Read,
		Say: func(_ *mistest.Office, of any) []intake.Delivery {
			return delivery(s.notification(s.resources(of), true))
		}})
}

func TestAnEncounterSaysItselfWhatWasDoneWhereNoProcedureDoes(t *testing.T) {
	for name, s := range map[string]*server{"no procedures": {deletes: true, types: true, only: true}, "procedures too": {deletes: true, types: true}} {
		t.Run(name, func(t *testing.T) {
			mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: dental.FHIR, Tells: everything, Ordered: true, Read: fhir.Read,
				Say: func(_ *mistest.Office, of any) []intake.Delivery {
					return delivery(s.notification(s.resources(of), true))
				}})
		})
		marked := &server{types: true, only: s.only}
		t.Run(name+", and all is read again", func(t *testing.T) {
			mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: dental.FHIR, Tells: everything, Ordered: true, Read: fhir.Read,
				Say: func(_ *mistest.Office, of any) (out []intake.Delivery) {
					for _, r := range marked.resources(of) {
						out = append(out, delivery(r.body)...)
					}
					return out
				},
				Reread: func(o *mistest.Office) []intake.Object { return read(o, marked.bundle("searchset", marked.all(o))) }})
		})
	}
}

func TestAServerThatOnlyNamesWhatHasChangedIsRightOnceThatIsRead(t *testing.T) {
	s := &server{deletes: true}
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: dental.FHIR, Tells: everything, Ordered: true, Read: fhir.Read,
		Say: func(_ *mistest.Office, of any) []intake.Delivery {
			return delivery(s.notification(s.resources(of), false))
		},
		Fetch: func(o *mistest.Office, ref intake.Ref) []intake.Object {
			for _, r := range s.all(o) {
				if r.kind == ref.Kind && r.id == ref.ID {
					return read(o, s.bundle("history", []resource{r}))
				}
			}
			panic(fmt.Sprintf("there is no %s %s", ref.Kind, ref.ID))
		}})
}

func TestPlainBundlesAreAsGoodAsNotifications(t *testing.T) {
	s := &server{deletes: true}
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: dental.FHIR, Tells: everything, Ordered: true, Read: fhir.Read,
		Say: func(_ *mistest.Office, of any) []intake.Delivery {
			return delivery(s.bundle("transaction", s.resources(of)))
		}})
}

func TestWhatWasLostIsRightOnceAllIsReadAgainWhereNothingIsDeletedButMarked(t *testing.T) {
	s := &server{}
	mistest.Run(t, clinic(), dental.Account{}, mistest.Vendor{Name: dental.FHIR, Tells: everything, Ordered: true, Read: fhir.Read,
		Say: func(_ *mistest.Office, of any) (out []intake.Delivery) {
			for _, r := range s.resources(of) {
				out = append(out, delivery(r.body)...) // one by one, as plain Subscriptions do
			}
			return out
		},
		Reread: func(o *mistest.Office) []intake.Object { return read(o, s.bundle("searchset", s.all(o))) }})
}
