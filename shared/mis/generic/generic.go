// Package generic reads and writes the product's own event format, which any
// practice system can post without an adapter of its own. event.schema.json
// describes the format; tests hold it to Decode.
//
// What Decode adds to the schema, because JSON Schema cannot say it:
//   - the document is one, at most MaxBytes long, valid UTF-8, at most 32 deep,
//     with no key twice in an object;
//   - an appointment does not end before it starts;
//   - the ids of a plan's stages differ;
//   - times lie in 2000 to 2100 in UTC too, not only as they are written.
//
// Everywhere a field that is null is an absent field, and so is an optional
// string that is empty. Unknown fields are allowed, so that a sender may say
// more than this release reads.
//
// version orders what is said of one object: the higher wins. A sender that
// counts no versions leaves it out, which is 0; of two different bodies of one
// version the later receipt wins.
package generic

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for Schema
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// Schema is the JSON Schema (2020-12) of one event. Its formats are meant to be asserted.
//
//go:embed event.schema.json
var Schema []byte

// MaxBytes is how long one event may be.
const MaxBytes = 256 << 10

// Decode reads one event of the clinic; deliveryID becomes Event.ID. Times come
// out in UTC. Clinic, Patient and Source of the noun are filled in; what only
// the receiver knows (Visit.Day, Appointment.BookedAt and the like) is left zero.
//
// Event.Body is the hex SHA-256 of raw. Source.Body is that of the object alone,
// so that the same object in another delivery, with its keys in another order,
// is seen to be the same. An appointment's status belongs to the object.
//
// Every error is a *dental.Error of kind Invalid, whose Field is the path of the
// bad field, or "" when the document as a whole is at fault. It repeats no
// value, since values are personal.
func Decode(clinic, deliveryID string, raw []byte) (intake.Event, error) {
	e, err := decode(clinic, raw)
	if err != nil {
		return intake.Event{}, err
	}
	e.Clinic, e.ID = clinic, deliveryID
	sum := sha256.Sum256(raw)
	e.Body = hex.EncodeToString(sum[:])
	return e, nil
}

func decode(clinic string, raw []byte) (intake.Event, error) {
	var w envelope
	if err := read(raw, "", &w); err != nil {
		return intake.Event{}, err
	}
	var c check
	e := intake.Event{
		Type: enum(&c, "type", required, w.Type, intake.Types()...),
		At:   c.time("timestamp", w.Timestamp),
	}
	if len(w.Data) == 0 || string(w.Data) == "null" {
		c.fault("data", missing)
	}
	if c.err != nil {
		return intake.Event{}, c.err
	}
	var err error
	switch e.Type {
	case intake.PatientUpdated:
		e.Card, err = object(w.Data, clinic, "", (*card).noun)
	case intake.PatientDeleted:
		e.Gone, err = object(w.Data, clinic, "", (*deletion).noun)
	case intake.VisitCompleted:
		e.Visit, err = object(w.Data, clinic, "", (*visit).noun)
	case intake.PlanUpdated:
		e.Plan, err = object(w.Data, clinic, "", (*plan).noun)
	case intake.PaymentReceived:
		e.Payment, err = object(w.Data, clinic, "", (*payment).noun)
	default:
		status := statuses[e.Type]
		e.Appointment, err = object(w.Data, clinic, status, (*appointment).noun)
		if err == nil {
			e.Appointment.Status = status
		}
	}
	return e, err
}

// statuses says what has become of an appointment by the type of its event.
var statuses = map[intake.Type]dental.AppointmentStatus{
	intake.AppointmentBooked:    dental.Booked,
	intake.AppointmentMoved:     dental.Booked,
	intake.AppointmentConfirmed: dental.Confirmed,
	intake.AppointmentCancelled: dental.Cancelled,
	intake.AppointmentMissed:    dental.Missed,
}

// object reads data as a W and makes the noun of it.
func object[W, N any](data []byte, clinic string, status dental.AppointmentStatus, noun func(*W, *check, origin) N) (*N, error) {
	var w W
	if err := read(data, "data", &w); err != nil {
		return nil, err
	}
	body, err := objectHash(data, status)
	if err != nil {
		return nil, err
	}
	var c check
	n := noun(&w, &c, origin{clinic: clinic, body: body})
	if c.err != nil {
		return nil, c.err
	}
	return &n, nil
}

// origin is what a noun takes over from around its own fields.
type origin struct{ clinic, body string }

func (o origin) source(version whole) dental.Source {
	return dental.Source{Version: int64(version), Body: o.body}
}

// objectHash is the hex SHA-256 of data in one spelling, whatever the order of
// its keys, its white space and its escapes, without members that are null. An
// appointment's status is hashed with it: it stands in the event's type, and a
// confirmation that repeats all the rest is not the booking again.
func objectHash(data []byte, status dental.AppointmentStatus) (string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a float64 would make different long numbers one
	var tree any
	if err := d.Decode(&tree); err != nil {
		return "", fmt.Errorf("generic: read data for its hash: %w", err)
	}
	dropNulls(tree)
	spelled, err := json.Marshal(tree) // sorts keys
	if err != nil {
		return "", fmt.Errorf("generic: write data for its hash: %w", err)
	}
	h := sha256.New()
	h.Write([]byte(status))
	h.Write(spelled)
	return hex.EncodeToString(h.Sum(nil)), nil
}

func dropNulls(tree any) {
	switch t := tree.(type) {
	case map[string]any:
		maps.DeleteFunc(t, func(_ string, v any) bool { return v == nil })
		for _, v := range t {
			dropNulls(v)
		}
	case []any:
		for _, v := range t {
			dropNulls(v)
		}
	}
}

// read decodes strictly; path is where raw stands in the event.
func read(raw []byte, path string, into any) error {
	err := strictjson.Decode(raw, MaxBytes, into)
	if err == nil {
		return nil
	}
	bad, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return fmt.Errorf("generic: read the event: %w", err)
	}
	field, message := bad.Field, bad.Message
	switch {
	case field == "":
		field = path
	case path != "" && field[0] != '[':
		field = path + "." + field
	default:
		field = path + field
	}
	if field == "" {
		message = "the document " + message
	}
	return dental.Errorf(dental.Invalid, field, "%s", message)
}
