package opendental

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/mis/told"
	"github.com/returnpoint/returnpoint/shared/pull"
)

var (
	_ pull.System    = (*Client)(nil)
	_ pull.Confirmer = (*Client)(nil)
)

// Client is the way to the API. It makes one request at a time and repeats none:
// Open Dental answers one in five seconds, or in one, depending on what the
// office's key may do, and lets the next wait for its turn by itself. It is safe
// for concurrent use.
//
// To confirm or break an appointment the keys need the permission "Comm"; to read,
// "Read All" is enough.
type Client struct {
	calls *wire.Client
	hosts []string
}

// New makes a client. hosts are those of Validate.
func New(calls *wire.Client, hosts ...string) *Client { return &Client{calls: calls, hosts: hosts} }

const (
	// pageOf is how many rows a page has: a fuller one may be followed by another.
	pageOf = 100
	// past is how far the first question goes back: nobody whose last visit is
	// longer ago is written to.
	past = -36 // months
	// overlap is asked for again each time, so that a row that was being written
	// when the last question was answered is not passed over.
	overlap = time.Minute
)

// listed is one list of the API, in the order in which they are asked for: who
// there is before what became of them.
type listed struct {
	table, path, since string
	daily              bool // since is a date
}

func lists() []listed {
	return []listed{
		{table: patients, path: "/patients/Simple", since: "DateTStamp"},
		{table: appointments, path: "/appointments", since: "DateTStamp"},
		{table: procedures, path: "/procedurelogs", since: "DateTStamp"},
		{table: payments, path: "/payments", since: "DateEntry", daily: true},
	}
}

// place is a cursor: which list is being read, and how far each was read before.
type place struct {
	List   int      `json:"list"`
	Offset int      `json:"offset,omitempty"`
	Next   string   `json:"next,omitempty"`  // the office's clock when the list was begun
	Since  []string `json:"since,omitempty"` // by list; "" for one that was never read
}

func placeOf(cursor string) place {
	p, n := place{}, len(lists())
	if json.Unmarshal([]byte(cursor), &p) != nil || p.List < 0 || p.List >= n || p.Offset < 0 || len(p.Since) != n {
		return place{Since: make([]string, n)} // from the beginning
	}
	return p
}

// single is where one row of a table is read, "" where it cannot be.
func single(table string) string {
	return map[string]string{patients: "/patients/", appointments: "/appointments/", procedures: "/procedurelogs/"}[table]
}

// Changed reads one page of one list. Patients are all read the first time, of the
// rest the last three years. A row that cannot be read is refused by its name.
func (c *Client) Changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (pull.Page, error) {
	at := placeOf(cursor)
	list := lists()[at.List]
	office := newOffice(cl, account, now)
	query := url.Values{}
	if since := office.since(list, at.Since[at.List], now); since != "" {
		query.Set(list.since, since)
	}
	if at.Offset > 0 {
		query.Set("Offset", strconv.Itoa(at.Offset))
	}
	body, err := c.call(ctx, account, http.MethodGet, list.path, query, nil)
	if err != nil {
		return pull.Page{}, fmt.Errorf("opendental: list %s: %w", list.table, err)
	}
	var rows []json.RawMessage
	if err := told.Decode(body, Largest, &rows); err != nil {
		return pull.Page{}, fmt.Errorf("opendental: list %s: %w", list.table, ask.Unavailable("Open Dental's answer cannot be read", err))
	}
	page := pull.Page{More: true}
	begun := ""
	for _, raw := range rows {
		begun = cmp.Or(begun, string(nameOf(raw).ServerDateTime))
		page.Objects = append(page.Objects, office.row(list.table, raw))
	}
	if at.Offset == 0 && len(rows) > 0 {
		at.Next = begun
	}
	if len(rows) >= pageOf {
		at.Offset += len(rows)
	} else {
		if begun := office.instant(text(at.Next)); !begun.IsZero() {
			at.Since[at.List] = begun.Add(-overlap).Format(time.DateTime)
		}
		at.Offset, at.Next = 0, ""
		at.List = (at.List + 1) % len(lists())
		page.More = at.List != 0
	}
	raw, err := json.Marshal(at)
	if err != nil {
		return pull.Page{}, fmt.Errorf("opendental: write the cursor: %w", err)
	}
	page.Cursor = string(raw)
	return page, nil
}

// row reads one row. One that cannot be read stops no other: it is refused by its name.
func (f office) row(table string, raw json.RawMessage) intake.Object {
	o, err := f.read(table, raw)
	if err != nil {
		return intake.Object{System: dental.OpenDental, Kind: table, ID: nameOf(raw).ref(table).ID, Unreadable: err}
	}
	return o
}

// since is from when on a list is asked for, as its parameter wants it.
func (f office) since(l listed, stored string, now time.Time) string {
	from := f.instant(text(stored))
	if from.IsZero() {
		if l.table == patients {
			return ""
		}
		from = dental.DateOf(now.In(f.zone)).AddMonths(past).At(0, f.zone)
	}
	if l.daily {
		return from.Format(time.DateOnly)
	}
	return from.Format(time.DateTime)
}

// Fetch reads one row. Payments have no address of their own.
func (c *Client) Fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	path := single(ref.Kind)
	if path == "" || !number.MatchString(ref.ID) {
		return nil, dental.Errorf(dental.Invalid, "kind", "Open Dental has no single %.20q to read", ref.Kind)
	}
	office := newOffice(cl, account, now)
	body, err := c.call(ctx, account, http.MethodGet, path+ref.ID, nil, nil)
	if absent(err) {
		return []intake.Object{office.removed(ref.Kind, ref.ID, "")}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opendental: read %s %s: %w", ref.Kind, ref.ID, err)
	}
	o := office.row(ref.Kind, body)
	if o.Unreadable != nil && o.ID != ref.ID {
		return nil, fmt.Errorf("opendental: read %s %s: %w", ref.Kind, ref.ID, ask.Unavailable("Open Dental's answer cannot be read", o.Unreadable))
	}
	return []intake.Object{o}, nil
}

// absent reports whether Open Dental has no such row.
func absent(err error) bool {
	said, ok := errors.AsType[*refusal](err)
	return ok && said.status == http.StatusNotFound
}

// Confirm writes a confirmation, or breaks the appointment and puts it on the
// Unscheduled List, where the office sees that a new time is wanted. It looks at the
// appointment first, and changes it by one request at most: one that was moved,
// given to another patient, or that anything has come of meanwhile is left to staff.
func (c *Client) Confirm(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) error {
	var path, body string
	switch {
	case !number.MatchString(a.ID):
		return fmt.Errorf("opendental: the appointment is not Open Dental's: %w", pull.ErrNotWritten)
	case action == "confirm":
		path, body = "/appointments/"+a.ID+"/Confirm", `{"confirmVal":"Confirmed"}`
	case action == "cancel":
		path, body = "/appointments/"+a.ID+"/Break", `{"sendToUnscheduledList":"true"}`
	default:
		return fmt.Errorf("opendental: nothing is written for %.20q: %w", action, pull.ErrNotWritten)
	}
	done, err := c.ready(ctx, cl, account, a, action)
	if err != nil {
		return fmt.Errorf("opendental: look at appointment %s: %w", a.ID, ask.NotWritten(err))
	}
	if done {
		return nil
	}
	if _, err := c.call(ctx, account, http.MethodPut, path, nil, []byte(body)); err != nil {
		return fmt.Errorf("opendental: %s appointment %s: %w", action, a.ID, err)
	}
	return nil
}

// ready is told.Ready of the appointment as the office has it now.
func (c *Client) ready(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) (done bool, err error) {
	body, err := c.call(ctx, account, http.MethodGet, single(appointments)+a.ID, nil, nil)
	if absent(err) {
		return told.Ready(a, nil, false, action)
	}
	if err != nil {
		return false, err
	}
	var r row
	if err := told.Decode(body, Largest, &r); err != nil {
		return false, ask.Unavailable("Open Dental's answer cannot be read", err)
	}
	o, err := newOffice(cl, account, time.Time{}).object(appointments, r)
	if err != nil || o.ID != a.ID {
		return false, ask.Unavailable("Open Dental's answer cannot be read", err)
	}
	now := &dental.Appointment{} // without a time it is none
	if len(o.Facts) > 0 {
		now = o.Facts[0].Appointment
	}
	return told.Ready(a, now, r.AptStatus == complete, action)
}

// call makes one request and returns the body of an answer 200 or 201. The error
// of a request that proves to have changed nothing is pull.ErrNotWritten.
func (c *Client) call(ctx context.Context, account dental.Account, method, path string, query url.Values, body []byte) ([]byte, error) {
	if err := Validate(account, c.hosts...); err != nil {
		return nil, ask.NotWritten(ask.Account(err))
	}
	address, err := base(account, c.hosts)
	if err != nil {
		return nil, ask.NotWritten(ask.Account(err))
	}
	if address += path; len(query) > 0 {
		address += "?" + query.Encode()
	}
	answer, err := ask.Do(ctx, c.calls, ask.Question{Vendor: "Open Dental", Method: method, Address: address, Body: body, Most: Largest, Header: map[string]string{
		"Authorization": "ODFHIR " + string(account.Secrets[DeveloperSecret]) + "/" + string(account.Secrets[CustomerSecret]),
		"Content-Type":  "application/json", // asked for of every request, with a body or without
	}})
	switch answer.Status {
	case 0, http.StatusOK, http.StatusCreated:
		return answer.Body, err
	}
	return nil, judge(answer)
}

// refusal is an answer that is none. What it says in words is not kept: it may
// quote a patient's name.
type refusal struct{ status int }

func (r *refusal) Error() string { return "HTTP " + strconv.Itoa(r.status) }

// judge says whose turn it is. The statuses are those of
// https://www.opendental.com/site/apiimplementation.html, of which 400 covers both
// a request that was refused and one whose answer from the office was too late.
func judge(answer ask.Answer) error {
	r := &refusal{answer.Status}
	nothing := ask.NotWritten(r)
	switch {
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		return ask.Invalid("", "Open Dental does not know the keys, or they may not do this: look at Setup, Advanced Setup, API", nothing)
	case r.status == http.StatusNotFound || r.status == http.StatusGone:
		return ask.Refused("Open Dental has no such thing: the address of the API is wrong, the version of the office too old, or the row gone", nothing)
	case r.status == http.StatusTooManyRequests:
		return answer.Later(ask.Unavailable("Open Dental takes no more requests just now", nothing))
	case r.status == http.StatusBadRequest:
		return ask.Unavailable("Open Dental could not ask the office: is its eConnector running?", r)
	case r.status/100 == 3:
		return ask.Invalid("", "the API has another address now", nothing)
	}
	return answer.Later(ask.Unavailable("Open Dental failed inside", r))
}
