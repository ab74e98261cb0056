package sqns_test

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
	"github.com/returnpoint/returnpoint/shared/mis/sqns"
)

// server is the vendor's API over an office. It gives few rows a page.
type server struct {
	mistest.Calls
	mu     sync.Mutex
	office *mistest.Office
}

const rowsOfAPage = 3

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if instead := s.Heard(r.Method + " " + r.URL.RequestURI()); instead != nil {
		instead(w, r)
		return
	}
	s.serve(w, r)
}

// serve answers as the API does.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+string(account().Secrets[sqns.TokenSecret]) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Invalid user token"}`)
		return
	}
	kind, id, one := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v2/"), "/")
	switch {
	case one:
		s.one(w, kind, id)
	case kind == "client":
		var rows []any
		for _, p := range s.office.Patients {
			rows = append(rows, clientRow(p))
		}
		s.page(w, r.URL.Query(), rows)
	case kind == "visit":
		var rows []any
		for _, x := range s.office.Records {
			if asked(s.office, x, r.URL.Query()) {
				rows = append(rows, visitRow(x))
			}
		}
		s.page(w, r.URL.Query(), rows)
	default:
		http.NotFound(w, r)
	}
}

// over puts the API over an office and returns the office's time.
func (s *server) over(o *mistest.Office) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.office = o
	return o.Now
}

// at lets the office's clock say a time.
func (s *server) at(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.office.Now = now
	return now
}

// asked reports whether a list has the record in it.
func asked(o *mistest.Office, x *mistest.Record, q url.Values) bool {
	day := dental.DateOf(x.Start.In(o.Clinic.Location())).String()
	if day < q.Get("dateFrom") || day > q.Get("dateTill") {
		return false
	}
	minutes, err := strconv.Atoi(q.Get("modificate"))
	return err != nil || !x.Changed.Before(o.Now.Add(-time.Duration(minutes)*time.Minute))
}

func (s *server) page(w http.ResponseWriter, q url.Values, rows []any) {
	n, _ := strconv.Atoi(q.Get("page"))
	last := max(1, (len(rows)+rowsOfAPage-1)/rowsOfAPage)
	from := min((n-1)*rowsOfAPage, len(rows))
	write(w, map[string]any{"data": rows[from:min(from+rowsOfAPage, len(rows))], "meta": map[string]any{"page": n, "lastPage": last, "maxPerPage": rowsOfAPage}})
}

func (s *server) one(w http.ResponseWriter, kind, id string) {
	for _, p := range s.office.Patients {
		if kind == "client" && strconv.Itoa(p.ID) == id {
			write(w, map[string]any{"client": clientRow(p)})
			return
		}
	}
	for _, x := range s.office.Records {
		if kind == "visit" && strconv.Itoa(x.ID) == id {
			write(w, map[string]any{"visit": visitRow(x)})
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"message":"Not found"}`)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// clientRow is a card as 1Denta writes it.
func clientRow(p *mistest.Patient) map[string]any {
	return map[string]any{"id": p.ID, "name": p.FamilyName + " " + p.GivenName, "firstname": p.GivenName, "lastname": p.FamilyName, "patronymic": "", "phone": p.Phone,
		"sex": 2, "birthDate": fmt.Sprintf("%02d.%02d.%04d", p.BirthDate.Day, p.BirthDate.Month, p.BirthDate.Year), "tags": []any{}, "email": "", "totalArrival": "0.00"}
}

// visitRow is a record as 1Denta writes it: money now as a string, now as a number.
func visitRow(x *mistest.Record) map[string]any {
	var cost any = fmt.Sprintf("%d.00", x.Service.Price)
	if x.ID%2 == 0 {
		cost = x.Service.Price
	}
	return map[string]any{"id": x.ID, "resourceId": 3, "client": x.Patient.ID, "clientData": clientRow(x.Patient), "deleted": x.Deleted,
		"services": []any{map[string]any{"id": x.Service.ID, "name": x.Service.Name, "paySum": cost, "price": cost, "discount": 0, "amount": 1}}, "totalPrice": cost, "totalCost": cost,
		"datetime": x.Start.Format("2006-01-02 15:04:05"), "update_date": x.Changed.Format("2006-01-02 15:04:05"), "create_date": x.Changed.Format("2006-01-02 15:04:05"),
		"attendance": map[mistest.Status]int{mistest.Waiting: 0, mistest.Confirmed: 2, mistest.Came: 1, mistest.Cancelled: -1}[x.Status]}
}

// say is the webhook of a change.
func say(_ *mistest.Office, object any) []intake.Delivery {
	hook := map[string]any{"type": "update", "orgId": "1234", "orgName": "Клиника", "product": "denta"}
	switch x := object.(type) {
	case *mistest.Patient:
		hook["object"], hook["client"] = "client", clientRow(x)
	case *mistest.Record:
		if x.Status == mistest.Missed { // 1Denta has no word for it: the reception cancels such a visit
			x.Status = mistest.Cancelled
		}
		hook["object"], hook["visit"] = "visit", visitRow(x)
		if x.Deleted {
			hook["type"] = "delete"
		}
	}
	raw, err := json.Marshal(hook)
	if err != nil {
		panic(err)
	}
	return []intake.Delivery{{Body: raw}}
}

// start serves an API and gives a client of it with an account for it.
func start(t *testing.T) (*server, *sqns.Client, dental.Account) {
	t.Helper()
	s := &server{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	calls := wire.NewClient(wire.Options{Timeout: 2 * time.Second})
	t.Cleanup(calls.CloseIdleConnections)
	a := account()
	a.Settings[sqns.URLSetting] = srv.URL
	return s, sqns.New(calls, strings.TrimPrefix(srv.URL, "http://")), a
}

func TestWhatTheOfficeKnowsStandsOnTheCards(t *testing.T) {
	s, client, a := start(t)
	cursors := map[*mistest.Office]string{}
	mistest.Run(t, clinic(), a, mistest.Vendor{Name: dental.SQNS, Tells: mistest.Tells{BirthDates: true, Receipts: true}, Read: sqns.Read, Say: say,
		Reread: func(o *mistest.Office) []intake.Object {
			s.over(o)
			objects, cursor, err := mistest.Round(context.Background(), client, o.Clinic, a, cursors[o], o.Now)
			if err != nil {
				panic(err)
			}
			cursors[o] = cursor
			return objects
		}})
}

func office() *mistest.Office {
	o := &mistest.Office{Clinic: clinic(), Now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	for i := range 7 {
		p := &mistest.Patient{ID: i + 1, FamilyName: "Васильков", GivenName: "Пётр", Phone: fmt.Sprintf("+791600000%02d", i), BirthDate: dental.Date{Year: 1980, Month: 3, Day: i + 1}}
		o.Patients = append(o.Patients, p)
		o.Records = append(o.Records, &mistest.Record{ID: 100 + i, Patient: p, Start: o.Now.Add(time.Duration(i) * 24 * time.Hour).In(o.Clinic.Location()), Service: mistest.Services()[0],
			Changed: o.Now.Add(time.Duration(-i) * 10 * time.Hour).In(o.Clinic.Location())})
	}
	return o
}

func names(objects []intake.Object) string {
	var out []string
	for _, o := range objects {
		if o.System != "" {
			out = append(out, o.Kind+" "+o.ID)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestTheFirstQuestionBringsAllAndTheNextWhatHasChanged(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	objects, cursor, err := mistest.Round(t.Context(), client, clinic(), a, "", now)
	if want := "client 1, client 2, client 3, client 4, client 5, client 6, client 7, visit 100, visit 101, visit 102, visit 103, visit 104, visit 105, visit 106"; err != nil || names(objects) != want {
		t.Fatalf("got %s, %v", names(objects), err)
	}
	if asked := s.Asked(); asked[0] != "GET /api/v2/client?page=1&perPage=100" || !strings.Contains(asked[len(asked)-1], "/visit?dateFrom=2023-03-08&dateTill=2027-03-11&page=3") || strings.Contains(strings.Join(asked, " "), "modificate") {
		t.Errorf("it was asked %q", asked)
	}
	s.Forget()
	objects, next, err := mistest.Round(t.Context(), client, clinic(), a, cursor, s.at(now.Add(15*time.Minute)))
	if asked := s.Asked(); err != nil || names(objects) != "visit 100" || len(asked) != 1 || !strings.Contains(asked[0], "modificate=76") {
		t.Errorf("a quarter of an hour later: %s, %v by %q", names(objects), err, asked)
	}
	s.Forget()
	_, _, err = mistest.Round(t.Context(), client, clinic(), a, next, s.at(now.Add(22*time.Hour)))
	if asked := s.Asked(); err != nil || len(asked) != 1 || !strings.Contains(asked[0], "modificate=1366") {
		t.Errorf("most of a day later: %v by %q", err, asked)
	}
	s.Forget()
	objects, _, err = mistest.Round(t.Context(), client, clinic(), a, next, s.at(now.Add(48*time.Hour)))
	if asked := s.Asked(); err != nil || !strings.HasPrefix(asked[0], "GET /api/v2/client?") || !strings.Contains(asked[len(asked)-1], "dateFrom=2026-02-07") || strings.Contains(strings.Join(asked, " "), "modificate") || len(objects) < 14 {
		t.Errorf("after two days the API cannot look back so far, and it was asked %q, %v", asked, err)
	}
}

func TestARoundThatBreaksOffGoesOnWhereItWas(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	first, err := client.Changed(t.Context(), clinic(), a, "", now)
	if err != nil || !first.More {
		t.Fatal(first, err)
	}
	s.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if _, err := client.Changed(t.Context(), clinic(), a, first.Cursor, now); dental.KindOf(err) != dental.Unavailable {
		t.Fatal(err)
	}
	s.Answer(nil)
	rest, _, err := mistest.Round(t.Context(), client, clinic(), a, first.Cursor, now.Add(time.Hour))
	if all := names(append(first.Objects, rest...)); err != nil || strings.Count(all, "client") != 7 || strings.Count(all, "visit") != 7 {
		t.Errorf("got %s, %v", all, err)
	}
}

func TestACursorThatIsNoneBeginsAnew(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	objects, _, err := mistest.Round(t.Context(), client, clinic(), a, "2026", now)
	if err != nil || strings.Count(names(objects), "visit") != 7 {
		t.Errorf("got %s, %v", names(objects), err)
	}
}

func TestARowThatCannotBeReadStopsNoOther(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	s.Answer(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[{"id":1,"lastname":"Ким"},{"id":2,"lastname":{"x":1}},"?",{"id":3,"lastname":"Ким"}],"meta":{"lastPage":1}}`)
	})
	page, err := client.Changed(t.Context(), clinic(), a, "", now)
	if err != nil || names(page.Objects) != "client , client 1, client 2, client 3" {
		t.Fatalf("got %s, %v", names(page.Objects), err)
	}
	for _, o := range page.Objects {
		if bad := o.ID == "2" || o.ID == ""; bad != (o.Patient() == "") || bad != (o.Unreadable != nil) {
			t.Errorf("client %q is %+v", o.ID, o.Facts)
		}
	}
}

func TestOneObjectIsRead(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	for _, c := range []struct {
		ref  intake.Ref
		want string
	}{
		{intake.Ref{Kind: "visit", ID: "102"}, "visit 102"},
		{intake.Ref{Kind: "client", ID: "3"}, "client 3"},
	} {
		objects, err := client.Fetch(t.Context(), clinic(), a, c.ref, now)
		if err != nil || names(objects) != c.want || objects[len(objects)-1].Gone {
			t.Errorf("%v is %v, %v", c.ref, objects, err)
		}
	}
	gone, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "visit", ID: "999"}, now)
	if err != nil || len(gone) != 1 || !gone[0].Gone || len(gone[0].Facts) != 0 || gone[0].Version != now.UnixMilli() {
		t.Errorf("a visit that is no more is %+v, %v", gone, err)
	}
	gone, err = client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "client", ID: "999"}, now)
	if err != nil || len(gone) != 1 || gone[0].Gone || gone[0].Facts[0].Card.Status != dental.Archived || gone[0].Facts[0].Card.Says != intake.Known {
		t.Errorf("a client that is no more is %+v, %v", gone, err)
	}
	if _, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "payment", ID: "1"}, now); dental.KindOf(err) != dental.Invalid {
		t.Errorf("a payment: %v", err)
	}
	for _, body := range []string{`{"data":{"id":102,"client":3,"datetime":"2026-03-12 12:30:00"}}`, `{"id":102,"client":3,"datetime":"2026-03-12 12:30:00"}`} {
		s.Answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		if objects, err := client.Fetch(t.Context(), clinic(), a, intake.Ref{Kind: "visit", ID: "102"}, now); err != nil || names(objects) != "visit 102" {
			t.Errorf("%s is %v, %v", body, objects, err)
		}
	}
}

func TestAVisitThatIsKnownAndCannotBeReadAnyMoreIsRefused(t *testing.T) {
	s, client, a := start(t)
	now := s.over(office())
	var hook struct {
		Visit json.RawMessage `json:"visit"`
	}
	mistest.Unread(t, clinic(), a, client, now, intake.Ref{Kind: "visit", ID: "1"}, "totalCost: ", func(whole bool) {
		body := visitHook()
		if !whole {
			body = visitHook(`"402.00"`, `"по договору"`, `14:35:20`, `14:40:20`)
		}
		if err := json.Unmarshal([]byte(body), &hook); err != nil {
			t.Fatal(err)
		}
		row := string(hook.Visit)
		s.Answer(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/api/v2/visit/"):
				fmt.Fprintf(w, `{"visit":%s}`, row)
			case r.URL.Path == "/api/v2/visit":
				fmt.Fprintf(w, `{"data":[%s],"meta":{"lastPage":1}}`, row)
			default:
				fmt.Fprint(w, `{"data":[],"meta":{"lastPage":1}}`)
			}
		})
	})
}
