package yclients_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/mistest"
	"github.com/returnpoint/returnpoint/shared/mis/yclients"
)

func clinic() *dental.Clinic {
	return &dental.Clinic{ID: "demo", TimeZone: "Europe/Moscow", Country: "RU", Language: "ru", Currency: "RUB"}
}

func account(url string) dental.Account {
	a := dental.Account{Settings: map[string]string{"company": "4564"},
		Secrets: map[string]dental.Secret{"callback": "0123456789abcdef", "partner": "partnertoken1", "user": "usertoken1"}}
	if url != "" {
		a.Settings["url"] = url
	}
	return a
}

// company is a YCLIENTS that a modelled office keeps its book in: it tells by
// webhooks, and its API answers of the office as it is. A cancelled record is
// deleted there, and one that is taken up again is another record.
type company struct {
	*httptest.Server
	mu     sync.Mutex
	office *mistest.Office
	ids    map[*mistest.Record][]deletion // of the records that a record has been
}

type deletion struct {
	at   time.Time
	over bool
}

func newCompany(t *testing.T) *company {
	c := &company{ids: map[*mistest.Record][]deletion{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *company) client() *yclients.Client {
	host := strings.TrimPrefix(c.URL, "http://")
	return yclients.New(wire.NewClient(wire.Options{}), pace(), host)
}

func pace() *wire.Pace {
	return yclients.NewPace(time.Now, func(context.Context, time.Duration) error { return nil })
}

// vendorTime is as the vendor writes times, in whole seconds.
func vendorTime(t time.Time) string { return t.Format("2006-01-02T15:04:05-0700") }

type object = map[string]any

// live gives a record the id that it has now, after its lives before.
func (c *company) live(r *mistest.Record) int {
	lives := c.ids[r]
	over := r.Deleted || r.Status == mistest.Cancelled
	if len(lives) == 0 || lives[len(lives)-1].over && !over {
		lives = append(lives, deletion{})
	}
	if last := &lives[len(lives)-1]; over && !last.over {
		*last = deletion{r.Changed, true}
	}
	c.ids[r] = lives
	return r.ID*100 + len(lives)
}

func (c *company) record(r *mistest.Record) object {
	id := c.live(r)
	o := object{"id": id, "company_id": 4564, "staff_id": 49, "client": c.inside(r.Patient, r.Version),
		"staff":    object{"id": 49, "name": "Орлова Дарья", "position": []any{}},
		"services": []object{{"id": r.Service.ID, "title": r.Service.Name, "cost": r.Service.Price, "cost_to_pay": r.Service.Price, "amount": 1, "first_cost": r.Service.Price}},
		"date":     r.Start.Format(time.DateTime), "datetime": r.Start.UTC().Format("2006-01-02T15:04:05+09:00"),
		"attendance":    map[mistest.Status]int{mistest.Waiting: 0, mistest.Confirmed: 2, mistest.Came: 1, mistest.Missed: -1, mistest.Cancelled: 0}[r.Status],
		"seance_length": r.Minutes * 60, "length": r.Minutes * 60, "visit_id": strconv.Itoa(id * 10), "activity_id": 0, "goods_transactions": []any{},
		"deleted": r.Deleted || r.Status == mistest.Cancelled, "last_change_date": vendorTime(r.Changed)}
	switch r.Version % 3 {
	case 1:
		o["datetime"], o["seance_length"] = r.Start.Unix(), strconv.Itoa(r.Minutes*60)
	case 2:
		o["staff"], o["deleted"] = []any{}, map[bool]int{true: 1}[o["deleted"].(bool)]
	}
	return o
}

// inside is the client as a record has it.
func (c *company) inside(p *mistest.Patient, version int64) object {
	o := object{"id": p.ID, "name": p.GivenName, "surname": p.FamilyName, "patronymic": "", "phone": p.Phone, "email": "", "birthday": ""}
	if version%2 == 0 {
		o["phone"], _ = strconv.Atoi(strings.TrimPrefix(p.Phone, "+"))
	}
	return o
}

func (c *company) card(p *mistest.Patient) object {
	o := c.inside(p, p.Version)
	o["birth_date"], o["sex_id"], o["categories"], o["last_change_date"] = p.BirthDate.String(), 0, []any{}, vendorTime(p.Changed)
	return o
}

func (c *company) operation(p *mistest.Payment) object {
	amount := float64(p.Roubles)
	if p.Refund {
		amount = -amount
	}
	o := object{"id": p.ID, "document_id": p.ID, "date": p.At.Format(time.DateTime), "amount": amount, "client": c.inside(p.Record.Patient, p.Version),
		"expense": object{"id": 5, "title": "Оказание услуг"}, "master": []any{}, "supplier": []any{}, "record_id": c.live(p.Record),
		"sold_item_type": "service", "last_change_date": vendorTime(p.Changed)}
	if p.Version%2 == 0 {
		o["amount"] = fmt.Sprintf("%.2f", amount)
	}
	return o
}

// say is the webhook of a change.
func (c *company) say(_ *mistest.Office, changed any) []intake.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	var hook object
	status := func(version int64, deleted bool) string {
		switch {
		case deleted:
			return "delete"
		case version == 1:
			return "create"
		}
		return "update"
	}
	var version int64
	switch x := changed.(type) {
	case *mistest.Patient:
		hook, version = object{"resource": "client", "status": status(x.Version, x.Deleted), "data": c.card(x)}, x.Version
	case *mistest.Record:
		data := c.record(x)
		hook, version = object{"resource": "record", "status": status(x.Version, x.Deleted || x.Status == mistest.Cancelled), "data": data}, x.Version
	case *mistest.Payment:
		hook, version = object{"resource": "finances_operation", "status": status(x.Version, x.Deleted), "data": c.operation(x)}, x.Version
		if x.Deleted {
			hook["data"], hook["resource_id"] = []any{}, x.ID
		}
	}
	if data, is := hook["data"].(object); is {
		hook["resource_id"] = data["id"]
	}
	hook["company_id"] = 4564
	if version%4 == 3 { // several at once
		return []intake.Delivery{body([]object{hook, {"company_id": "4564", "resource": "goods_operations_sale", "resource_id": 1, "status": "create", "data": object{}}})}
	}
	return []intake.Delivery{body(hook)}
}

func body(of any) intake.Delivery {
	raw, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	return intake.Delivery{Body: raw}
}

// ServeHTTP answers as the vendor's API does.
func (c *company) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer partnertoken1, User usertoken1" || r.Header.Get("Accept") != "application/vnd.yclients.v2+json" {
		answer(w, http.StatusUnauthorized, nil, nil)
		return
	}
	q := r.URL.Query()
	changedAfter, _ := time.ParseInLocation("2006-01-02T15:04:05", q.Get("changed_after"), c.office.Clinic.Location())
	var rows []object
	counted := true
	switch r.URL.Path {
	case "/api/v1/clients/4564":
		for _, p := range c.office.Patients {
			if !p.Deleted && !p.Changed.Before(changedAfter) {
				rows = append(rows, c.card(p))
			}
		}
	case "/api/v1/records/4564":
		for _, r := range c.office.Records {
			now := c.record(r)
			lives := c.ids[r]
			for i, life := range lives {
				row := object{}
				for k, v := range now {
					row[k] = v
				}
				if i < len(lives)-1 {
					row["id"], row["deleted"], row["last_change_date"] = r.ID*100+i+1, true, vendorTime(life.at)
				}
				deleted := row["deleted"] == true || row["deleted"] == 1
				if !r.Changed.Before(changedAfter) && (!deleted || q.Get("with_deleted") == "1") {
					rows = append(rows, row)
				}
			}
		}
	case "/api/v1/transactions/4564":
		counted = false
		for _, p := range c.office.Payments {
			if day := p.At.Format(time.DateOnly); !p.Deleted && day >= q.Get("start_date") && day <= q.Get("end_date") {
				rows = append(rows, c.operation(p))
			}
		}
	default:
		answer(w, http.StatusNotFound, nil, nil)
		return
	}
	page, size := whole(q, "page"), whole(q, "count")
	total := len(rows)
	rows = rows[min(total, (page-1)*size):min(total, page*size)]
	if counted {
		answer(w, http.StatusOK, rows, object{"page": page, "total_count": total})
	} else {
		answer(w, http.StatusOK, rows, []any{})
	}
}

func whole(q url.Values, name string) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		panic(err)
	}
	return n
}

func answer(w http.ResponseWriter, status int, data, meta any) {
	if meta == nil {
		meta = object{"message": "Нет"}
	}
	raw, err := json.Marshal(object{"success": status == http.StatusOK, "data": data, "meta": meta})
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// reread is what the reconciler brings: the whole base, and then what has
// changed since the office was opened.
func (c *company) reread(t *testing.T) func(o *mistest.Office) []intake.Object {
	client := c.client()
	return func(o *mistest.Office) (out []intake.Object) {
		c.mu.Lock()
		c.office = o
		c.mu.Unlock()
		cursor := ""
		for range 2 {
			objects, next, err := mistest.Round(t.Context(), client, o.Clinic, o.Account, cursor, o.Now)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, objects...)
			cursor = strings.Replace(next, strconv.FormatInt(o.Now.Unix(), 10), strconv.FormatInt(o.Now.AddDate(0, -1, 0).Unix(), 10), 1)
		}
		return out
	}
}

func TestTheCardsSayWhatTheJournalSays(t *testing.T) {
	c := newCompany(t)
	mistest.Run(t, clinic(), account(""), mistest.Vendor{Name: dental.YClients, Ordered: true, Read: yclients.Read, Say: c.say,
		Tells: mistest.Tells{BirthDates: true, Payments: true, Receipts: true, DeletedPatients: true}})
}

func TestWhatWebhooksHaveLostIsFoundByAsking(t *testing.T) {
	c := newCompany(t)
	// Of a deleted payment or client no list of the vendor tells.
	mistest.Run(t, clinic(), account(c.URL), mistest.Vendor{Name: dental.YClients, Ordered: true, Say: c.say, Reread: c.reread(t),
		Tells: mistest.Tells{BirthDates: true, Receipts: true},
		Read: func(cl *dental.Clinic, _ dental.Account, d intake.Delivery) (intake.Heard, error) {
			return yclients.Read(cl, account(""), d)
		}})
}
