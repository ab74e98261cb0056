// Package renovatio reads what the medical information system Renovatio
// («Реновацио», rnova.org) tells of events, and asks its API what has changed.
//
// # What comes by itself
//
// A notice of an event is a form or a JSON document of two fields:
//
//	event=create_appointment&data={"id": 17, "time_start": "12.03.2026 12:30", …}
//	{"event": "update_appointment", "data": [{…}]}
//
// In a form data is JSON as a string, and in a document it may be too;
// update_appointment has an array. The event's name ends with what it is of:
// …appointment or …patient; of the verbs, cancel and delete say something that the
// data may not. Everything else is passed over. Nothing is signed, and nothing says
// whose clinic it is: the secret of the address does.
//
// # What becomes of it
//
//   - a patient is a card; a deleted one is archived;
//   - an appointment is one from time_start to time_end. Its status is "upcoming",
//     "refused" (5), which is cancelled, or "completed" (4), which is a visit too.
//     Whether somebody who was refused had called or had not come is not said. A
//     confirm_status of 1 is a confirmation;
//   - services are what it is for, and their prices times their counts the receipt
//     of the visit, in the clinic's currency;
//   - the patient's name, birth date and phone inside an appointment fill what the
//     card does not have.
//
// # Moves
//
// Renovatio moves nobody: it ends the old appointment as refused with moved_to, and
// makes a new one with moved_from, under another number and told in either order.
// The old one becomes a cancelled appointment with dental.Appointment.MovedTo: it
// asks for no kind word and no call, since nobody has cancelled, and what was
// planned for its time ends as rescheduled. The new one is an appointment like any
// other, with a reminder of its own. Of a move whose one half has come the other is
// read from the API, in case it was lost.
//
// # Order
//
// The version of an object is its date_updated, to the minute; of two states of one
// minute the later receipt wins, and the reconciler, which reads what has changed
// in the last hour again and again, ends the tie. A notice without that field, or
// without what makes an appointment, only names its object, which is then read from
// the API: the state that is read is never an old one.
//
// Times have no offset and are the clinic's. One that does not exist on the day on
// which clocks are put forward, or that occurs twice when they are put back, is
// what time.Date makes of it: right by one of the two offsets.
//
// # Sources, and what is not proven
//
// That there are notices, and that one is set up for each event with an address of
// its own, the vendor says at https://help.rnova.org (Интеграции, «Уведомления о
// событиях»); their bodies are described to customers alone. Methods of the API are
// named there under «Работа с API»; its fields are those of public programs that
// call it:
//
//	POST https://app.rnova.org/api/public/<method>, a form with api_key
//	{"error": 0, "data": …} or {"error": 1, "data": {"code": …, "desc": …}}
//	getAppointments: date_from, date_to, date_updated_from, date_updated_to
//	(DD.MM.YYYY HH:MM), appointment_id, show_patient_data=1
//	getPatient: id, date_updated_from, date_updated_to (DD.MM.YYYY)
//
// and, of an appointment, id, time_start, time_end, doctor_id, doctor, patient_id,
// patient_name, patient_birth_date, patient_gender, patient_phone, patient_email,
// date_created, date_updated, status, status_id (4 completed, 5 refused),
// confirm_status, moved_to, moved_from and services of title, price and count; of a
// patient, patient_id, last_name, first_name, third_name, birth_date, gender,
// mobile, phone, email, is_deleted, date_updated, time_updated.
//
// The first reading takes the cards of three years by their date_updated: that
// is_deleted moves it is not said, but a card whose archiving were no change could
// not be told of later either.
//
// An object that the API does not find by its number is asked for again and given up
// in the end: only a notice or is_deleted says that it was deleted. That such an
// answer is a list without rows is not documented, nor what else may come to one.
//
// Not proven: that notices use the same names as the API (id and appointment_id are
// both taken), which verbs there are beside create, update and cancel, whether a
// notice has date_updated, what confirm_status may be beside 0 and 1, how gender is
// coded, whether a lost notice is repeated (it is not relied on), and which codes
// errors have. The API confirms and cancels appointments too; whether a call that
// failed did nothing is not documented, and no answer is written back.
package renovatio

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

var _ intake.Reader = Read

const (
	// Largest bounds one delivery, in bytes.
	Largest = 1 << 20
	// most bounds how many objects one delivery may have.
	most = 500
)

// The kinds of objects.
const (
	kindAppointment = "appointment"
	kindPatient     = "patient"
)

// Read reads a notice. Of several objects one that cannot be read takes no other
// with it: the API is asked for it, or for all that has changed.
func Read(cl *dental.Clinic, _ dental.Account, d intake.Delivery) (intake.Heard, error) {
	event, data, err := open(d)
	if err != nil {
		return intake.Heard{}, err
	}
	verb, kind := split(event)
	if kind == "" {
		return intake.Heard{Silent: "other"}, nil
	}
	rows, err := rowsOf(data)
	if err != nil {
		return intake.Heard{}, err
	}
	if len(rows) == 0 || len(rows) > most {
		return intake.Heard{}, dental.Errorf(dental.Invalid, "data", "must be of 1 to %d objects", most)
	}
	r := reader{clinic: cl, received: d.At}
	var heard intake.Heard
	var wrong []error
	for _, raw := range rows {
		if err := r.notice(&heard, verb, kind, raw); err != nil {
			wrong = append(wrong, err)
			if id := nameOf(kind, raw); id != "" {
				heard.Fetch = with(heard.Fetch, kind, id)
			} else {
				heard.Gap = true
			}
		}
	}
	if len(wrong) == len(rows) {
		return intake.Heard{}, wrong[0]
	}
	return heard, nil
}

// nameOf is the number of what cannot be read otherwise, "" where it has none.
func nameOf(kind string, raw json.RawMessage) string {
	var said struct {
		ID            told.Text `json:"id"`
		AppointmentID told.Text `json:"appointment_id"`
		PatientID     told.Text `json:"patient_id"`
	}
	if told.Decode(raw, longestAnswer, &said) != nil {
		return ""
	}
	id := appointment{ID: said.ID, AppointmentID: said.AppointmentID}.id()
	if kind == kindPatient {
		id = patient{ID: said.ID, PatientID: said.PatientID}.id()
	}
	if len(id) > longestID {
		return ""
	}
	return id
}

// notice adds what one object of a delivery says.
func (r reader) notice(heard *intake.Heard, verb, kind string, raw json.RawMessage) error {
	var objects []intake.Object
	var named bool
	var id string
	if kind == kindPatient {
		var p patient
		err := told.Decode(raw, Largest, &p)
		if p.gone = verb == verbDelete; err == nil {
			objects, named, err = r.patient(p)
		}
		if err != nil {
			return told.Under("data", err)
		}
		id = p.id()
	} else {
		var a appointment
		err := told.Decode(raw, Largest, &a)
		if a.gone, a.refused = verb == verbDelete, verb == verbCancel; err == nil {
			objects, named, err = r.appointment(a)
		}
		if err != nil {
			return told.Under("data", err)
		}
		id = a.id()
		// The other half of a move may have been lost.
		if to := a.MovedTo.ID(); to != "" {
			heard.Fetch = with(heard.Fetch, kindAppointment, to)
		}
		if from := a.MovedFrom.ID(); from != "" && verb == "create" {
			heard.Fetch = with(heard.Fetch, kindAppointment, from)
		}
	}
	heard.Objects = append(heard.Objects, objects...)
	if named {
		heard.Fetch = with(heard.Fetch, kind, id)
	}
	return nil
}

// with adds a ref that is not in the list yet.
func with(refs []intake.Ref, kind, id string) []intake.Ref {
	if ref := (intake.Ref{Kind: kind, ID: id}); len(id) <= longestID && !slices.Contains(refs, ref) {
		return append(refs, ref)
	}
	return refs
}

// The verbs of events that say what the data may not.
const (
	verbCancel = "cancel"
	verbDelete = "delete"
)

// split takes an event's name apart; kind is "" for what does not matter here.
func split(event string) (verb, kind string) {
	verb, noun, _ := strings.Cut(strings.ToLower(event), "_")
	switch noun {
	case kindAppointment, kindPatient:
		kind = noun
	case "appointments", "patients":
		kind = strings.TrimSuffix(noun, "s")
	}
	switch verb {
	case "refuse", "reject":
		verb = verbCancel
	case "remove":
		verb = verbDelete
	}
	return verb, kind
}

// open gives the event and the data of a delivery, a form or a JSON document.
func open(d intake.Delivery) (event string, data json.RawMessage, err error) {
	body := bytes.TrimLeft(d.Body, " \t\r\n\ufeff")
	if len(body) == 0 {
		return "", nil, dental.Errorf(dental.Invalid, "", "the document is empty")
	}
	if body[0] == '{' || strings.Contains(strings.ToLower(d.Header.Get("Content-Type")), "json") {
		var doc struct {
			Event told.Text       `json:"event"`
			Data  json.RawMessage `json:"data"`
		}
		if err := told.Decode(d.Body, Largest, &doc); err != nil {
			return "", nil, err
		}
		event, data = string(doc.Event), doc.Data
	} else {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", nil, dental.Errorf(dental.Invalid, "", "is neither JSON nor a form")
		}
		if len(form["event"]) > 1 || len(form["data"]) > 1 {
			return "", nil, dental.Errorf(dental.Invalid, "event", "a field of the form is given twice")
		}
		event, data = strings.TrimSpace(form.Get("event")), json.RawMessage(form.Get("data"))
	}
	if event == "" {
		return "", nil, dental.Errorf(dental.Invalid, "event", "is missing")
	}
	return event, data, nil
}

// rowsOf gives the objects of the data: one, a list, or either as a string.
func rowsOf(data json.RawMessage) ([]json.RawMessage, error) {
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '"' {
		var inner string
		if err := told.Decode(data, Largest, &inner); err != nil {
			return nil, told.Under("data", err)
		}
		data = bytes.TrimSpace([]byte(inner))
	}
	var checked json.RawMessage
	if err := told.Decode(data, Largest, &checked); err != nil {
		return nil, told.Under("data", err)
	}
	switch data[0] {
	case '{':
		return []json.RawMessage{data}, nil
	case '[':
		var rows []json.RawMessage
		err := told.Decode(data, Largest, &rows)
		return rows, told.Under("data", err)
	}
	return nil, dental.Errorf(dental.Invalid, "data", "must be an object or a list")
}
