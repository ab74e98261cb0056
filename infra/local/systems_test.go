package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// company is a YCLIENTS of one record, on loopback: it says what it has, and
// keeps what it is told.
type company struct {
	mu     sync.Mutex
	record map[string]any
	told   []string
}

func (c *company) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var data, meta any = []any{}, map[string]any{"total_count": 0}
	switch {
	case r.Method == http.MethodPut:
		raw, _ := io.ReadAll(r.Body)
		var visit struct{ Attendance int }
		_ = json.Unmarshal(raw, &visit) // what cannot be read has no attendance
		c.told = append(c.told, fmt.Sprint(r.URL.Path, " ", visit.Attendance))
		c.record["attendance"] = visit.Attendance
	case r.URL.Path == "/api/v1/record/4564/70":
		data = c.record
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "data": data, "meta": meta})
}

func (c *company) hook() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := json.Marshal(map[string]any{"company_id": 4564, "resource": "record", "resource_id": 70, "status": "update", "data": c.record})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// TestAYClientsDeliveryBecomesAnAppointmentAndItsConfirmationGoesBack is a
// clinic on YCLIENTS from the webhook to the reminder, the patient's press and
// the one request that tells YCLIENTS of it.
func TestAYClientsDeliveryBecomesAnAppointmentAndItsConfirmationGoesBack(t *testing.T) {
	t.Parallel()
	vendor := &company{record: map[string]any{"id": 70, "company_id": 4564, "staff_id": 49, "staff": map[string]any{"id": 49, "name": "Орлова Дарья"},
		"client":   map[string]any{"id": 7, "name": "Анна", "surname": "Петрова", "phone": "+79160000001", "email": ""},
		"services": []any{map[string]any{"id": 1, "title": "Гигиена", "cost": 5400, "cost_to_pay": 5400, "amount": 1, "first_cost": 5400, "discount": 0}},
		"date":     "2026-03-12 15:00:00", "datetime": "2026-03-12T15:00:00+03:00", "seance_length": 3600, "length": 3600, "attendance": 0, "visit_id": 700,
		"activity_id": 0, "goods_transactions": []any{}, "deleted": false, "last_change_date": "2026-03-10T10:59:00+0300"}}
	api := httptest.NewServer(vendor)
	t.Cleanup(api.Close)
	host := strings.TrimPrefix(api.URL, "http://")
	s := startPlanned(t, t.TempDir(), func(p *plan) {
		unhurried := yclients.NewPace(time.Now, func(context.Context, time.Duration) error { return nil })
		p.systems = map[string]pull.System{dental.YClients: yclients.New(wire.NewClient(wire.Options{}), unhurried, host)}
	})
	tx := s.m.store.Begin()
	cl, err := tx.Clinic(t.Context(), demo)
	if err != nil {
		t.Fatal(err)
	}
	cl.Accounts = map[string]dental.Account{dental.YClients: {Settings: map[string]string{yclients.CompanySetting: "4564", yclients.URLSetting: api.URL},
		Secrets: map[string]dental.Secret{dental.CallbackSecret: "path-secret-example", yclients.PartnerSecret: "partnertoken1", yclients.UserSecret: "usertoken1"}}}
	tx.Put(*cl)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	const path = "/v1/clinics/demo/events/yclients/"
	deliver := func(to, body string) answer {
		t.Helper()
		return s.do("POST", to, http.Header{"Content-Type": {"application/json"}}, []byte(body))
	}
	if a := deliver(path+"wrong-secret-example", vendor.hook()); a.status != http.StatusNotFound {
		t.Fatalf("a stranger is answered %d", a.status)
	}
	for range 2 {
		if a := deliver(path+"path-secret-example", vendor.hook()); a.status != http.StatusOK || strings.Contains(a.body, "refused") {
			t.Fatalf("the delivery is answered %d %s", a.status, a.body)
		}
	}
	s.to("2026-03-10T16:00:00+03:00")
	sent := s.messages("yc.7", "appointment", "reminder")
	if len(sent) != 1 || sent[0].To != "+79160000001" || len(sent[0].Links) == 0 {
		t.Fatalf("the reminder is %+v", sent)
	}
	for range 2 {
		if a := s.form(sent[0].Links[0], "action", "confirm"); a.status != http.StatusSeeOther {
			t.Fatalf("the press is answered %d %s", a.status, a.body)
		}
	}
	s.advance("5m")
	if a := deliver(path+"path-secret-example", vendor.hook()); a.status != http.StatusOK { // the vendor tells us what we told it
		t.Fatalf("the echo is answered %d %s", a.status, a.body)
	}
	s.advance("1h")
	if want := []string{"/api/v1/visits/700/70 2"}; !slices.Equal(vendor.told, want) {
		t.Errorf("YCLIENTS was told %q, want %q", vendor.told, want)
	}
	card, err := s.m.store.Begin().Card(t.Context(), demo, "yc.7")
	if err != nil {
		t.Fatal(err)
	}
	if a := card.Appointment("70"); a == nil || a.Status != dental.Confirmed || a.Reply != "confirm" {
		t.Errorf("the appointment is %+v", a)
	}
	if got := s.tasks("demo", "yc.7", ""); len(got) != 0 {
		t.Errorf("staff are asked %+v", got)
	}
}

func TestASystemIsNeverAskedWhereTheClockCanBeMoved(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	if n := len(s.m.parts.systems.Clients); n != 0 {
		t.Errorf("a machine with the paths under /_local can ask %d systems", n)
	}
}
