package renovatio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/renovatio"
)

// entry is an appointment as Renovatio has it. A record that is moved is another
// entry each time; the one before is refused.
type entry struct {
	id, movedTo, movedFrom int
	start, changed         time.Time
	record                 *mistest.Record
}

// book is Renovatio over an office: it keeps entries, tells of them, and is its API.
type book struct {
	mistest.Calls
	mu      sync.Mutex
	office  *mistest.Office
	entries map[*mistest.Record][]*entry
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	key := r.PostForm.Get("api_key")
	r.PostForm.Del("api_key")
	method := strings.TrimPrefix(r.URL.Path, "/api/public/")
	if instead := b.Heard(method + "?" + r.PostForm.Encode()); instead != nil {
		instead(w, r)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if key != string(account().Secrets[renovatio.KeySecret]) {
		write(w, map[string]any{"error": 1, "data": map[string]any{"code": "INVALID_API_KEY", "desc": "Неверный ключ " + key}})
		return
	}
	rows := []any{}
	switch method {
	case "getPatient":
		for _, p := range b.office.Patients {
			if id := r.PostForm.Get("id"); id == strconv.Itoa(p.ID) || id == "" && between(p.Changed, r.PostForm, "date_updated_", "02.01.2006", b.office) {
				rows = append(rows, patientRow(p, true))
			}
		}
	case "getAppointments":
		for _, x := range b.office.Records {
			for _, e := range b.entries[x] {
				if id := r.PostForm.Get("appointment_id"); id == strconv.Itoa(e.id) ||
					id == "" && (between(e.changed, r.PostForm, "date_updated_", "02.01.2006 15:04", b.office) || between(e.start, r.PostForm, "date_", "02.01.2006 15:04", b.office)) {
					rows = append(rows, b.row(e, true))
				}
			}
		}
	default:
		http.NotFound(w, r)
		return
	}
	if len(rows) == 0 && method == "getPatient" {
		write(w, map[string]any{"error": 0, "data": nil})
		return
	}
	if len(rows) == 1 && method == "getPatient" { // it writes one as it is
		write(w, map[string]any{"error": 0, "data": rows[0]})
		return
	}
	write(w, map[string]any{"error": 0, "data": rows})
}

// over puts the book over an office.
func (b *book) over(o *mistest.Office) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.office = o
}

// between reports whether a time is in what a form asks for.
func between(at time.Time, form url.Values, field, layout string, o *mistest.Office) bool {
	from, to := form.Get(field+"from"), form.Get(field+"to")
	if from == "" || to == "" {
		return false
	}
	loc := o.Clinic.Location()
	first, err := time.ParseInLocation(layout, from, loc)
	if err != nil {
		panic(err)
	}
	last, err := time.ParseInLocation(layout, to, loc)
	if err != nil {
		panic(err)
	}
	shown, err := time.ParseInLocation(layout, at.In(loc).Format(layout), loc) // to the minute, or the day
	if err != nil {
		panic(err)
	}
	return !shown.Before(first) && !shown.After(last)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// patientRow is a card; in a notice without the time of its change for some.
func patientRow(p *mistest.Patient, whole bool) map[string]any {
	row := map[string]any{"patient_id": p.ID, "number": p.ID, "last_name": p.FamilyName, "first_name": p.GivenName, "third_name": "", "birth_date": fmt.Sprintf("%02d.%02d.%04d", p.BirthDate.Day, p.BirthDate.Month, p.BirthDate.Year),
		"gender": "Ж", "mobile": p.Phone, "phone": "", "email": nil, "is_deleted": p.Deleted}
	if whole || p.ID%3 != 0 {
		row["date_updated"], row["time_updated"] = p.Changed.Format("02.01.2006"), p.Changed.Format("15:04")
	}
	return row
}

// row is an entry; in a notice without the time of its change for some.
func (b *book) row(e *entry, whole bool) map[string]any {
	x := e.record
	var price any = x.Service.Price
	if x.ID%2 == 0 {
		price = fmt.Sprintf("%d.00", x.Service.Price)
	}
	row := map[string]any{"id": e.id, "time_start": e.start.Format("02.01.2006 15:04"), "time_end": e.start.Add(time.Duration(x.Minutes) * time.Minute).Format("02.01.2006 15:04"),
		"clinic_id": 1, "doctor_id": 4, "doctor": "Смирнова А. П.", "patient_id": x.Patient.ID, "patient_name": x.Patient.FamilyName + " " + x.Patient.GivenName, "patient_phone": x.Patient.Phone,
		"patient_birth_date": fmt.Sprintf("%02d.%02d.%04d", x.Patient.BirthDate.Day, x.Patient.BirthDate.Month, x.Patient.BirthDate.Year), "status": "upcoming", "status_id": 1, "confirm_status": 0,
		"moved_to": e.movedTo, "moved_from": e.movedFrom, "services": []any{map[string]any{"title": x.Service.Name, "price": price, "count": "1"}}}
	switch {
	case e.movedTo != 0 || x.Status == mistest.Cancelled || x.Deleted:
		row["status"], row["status_id"] = "refused", 5
	case x.Status == mistest.Came:
		row["status"], row["status_id"] = "completed", "4"
	case x.Status == mistest.Confirmed:
		row["confirm_status"] = "1"
	}
	if whole || x.ID%5 != 0 {
		row["date_updated"] = e.changed.Format("02.01.2006 15:04")
	}
	return row
}

// say is the notices of a change: a form for one patient, JSON for the next.
func (b *book) say(_ *mistest.Office, object any) []intake.Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch x := object.(type) {
	case *mistest.Patient:
		verb := "update_patient"
		if x.Deleted {
			verb = "delete_patient"
		}
		return []intake.Delivery{notice(x.ID, verb, patientRow(x, false))}
	case *mistest.Record:
		if x.Status == mistest.Missed { // Renovatio refuses it
			x.Status = mistest.Cancelled
		}
		known := b.entries[x]
		if len(known) == 0 {
			b.entries[x] = []*entry{{id: x.ID * 100, start: x.Start, changed: x.Changed, record: x}}
			return []intake.Delivery{notice(x.Patient.ID, "create_appointment", b.row(b.entries[x][0], false))}
		}
		e := known[len(known)-1]
		e.changed = x.Changed
		if !e.start.Equal(x.Start) {
			next := &entry{id: e.id + 1, movedFrom: e.id, start: x.Start, changed: x.Changed, record: x}
			e.movedTo, b.entries[x] = next.id, append(known, next)
			out := []intake.Delivery{notice(x.Patient.ID, "cancel_appointment", b.row(e, false)), notice(x.Patient.ID, "create_appointment", b.row(next, false))}
			if x.ID%2 == 0 {
				slices.Reverse(out)
			}
			return out
		}
		if x.Deleted {
			return []intake.Delivery{notice(x.Patient.ID, "cancel_appointment", b.row(e, false))}
		}
		return []intake.Delivery{notice(x.Patient.ID, "update_appointment", []any{b.row(e, false)})}
	}
	return nil
}

func notice(n int, event string, data any) intake.Delivery {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	if n%2 == 0 {
		return intake.Delivery{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(url.Values{"event": {event}, "data": {string(raw)}}.Encode())}
	}
	body, err := json.Marshal(map[string]any{"event": event, "data": json.RawMessage(raw)})
	if err != nil {
		panic(err)
	}
	return intake.Delivery{Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// start serves the API and gives a client of it with an account for it.
func start(t *testing.T) (*book, *renovatio.Client, dental.Account) {
	t.Helper()
	b := &book{entries: map[*mistest.Record][]*entry{}}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	a := account()
	a.Settings[renovatio.URLSetting] = srv.URL
	return b, renovatio.New(calls(t), strings.TrimPrefix(srv.URL, "http://")), a
}

func calls(t *testing.T) *wire.Client {
	c := wire.NewClient(wire.Options{Timeout: 2 * time.Second})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestWhatTheOfficeKnowsStandsOnTheCards(t *testing.T) {
	b, client, a := start(t)
	cursors := map[*mistest.Office]string{}
	mistest.Run(t, clinic(), a, mistest.Vendor{Name: dental.Renovatio, Tells: mistest.Tells{BirthDates: true, Receipts: true, DeletedPatients: true}, Read: renovatio.Read, Say: b.say,
		Fetch: func(o *mistest.Office, ref intake.Ref) []intake.Object {
			b.over(o)
			objects, err := client.Fetch(context.Background(), o.Clinic, a, ref, o.Now)
			if err != nil {
				panic(err)
			}
			return objects
		},
		Reread: func(o *mistest.Office) []intake.Object {
			b.over(o)
			cursor := cursors[o]
			if cursor == "" { // the clinic was connected when the model began
				cursor = fmt.Sprintf(`{"done":%d}`, time.Date(2026, 3, 10, 9, 0, 0, 0, clinic().Location()).Unix())
			}
			objects, cursor, err := mistest.Round(context.Background(), client, o.Clinic, a, cursor, o.Now)
			if err != nil {
				panic(err)
			}
			cursors[o] = cursor
			return objects
		}})
}
