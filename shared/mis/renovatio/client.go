package renovatio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/mis/told"
	"github.com/returnpoint/returnpoint/shared/pull"
)

// Client asks the API for clinics, each by its own account. It is safe for
// concurrent use. Its wire.Client wants the Timeout.
type Client struct {
	calls *wire.Client
	hosts []string
}

var _ pull.System = (*Client)(nil)

// New makes a client. hosts are allowed beside those of the public network: a
// test server.
func New(calls *wire.Client, hosts ...string) *Client { return &Client{calls: calls, hosts: hosts} }

// Timeout is what a call may take: a busy server needs some 20 seconds for a week
// of appointments.
const Timeout = time.Minute

const (
	// longestAnswer is far above a week of appointments.
	longestAnswer = 32 << 20
	// overlap is how much of what was asked last is asked again: a state that a late
	// notice has overwritten comes again, and so does the other of two of one minute.
	overlap = time.Hour
	// The API has no pages: what is asked for is cut by time. step is of changed
	// appointments, days of changed cards, week of the cards and the appointments of
	// the base.
	step = 3 * time.Hour
	days = 3
	week = 7
	// The first question has the past that matters and all that lies ahead.
	past, ahead = 3 * 366, 366 // days
)

// place is where the asking stands. The first round takes the cards and then the
// book week by week: who was archived is known so before an appointment names them,
// and would pass for a patient otherwise. Each later round takes the cards and then
// the appointments that have changed.
type place struct {
	// Done is when the last whole round began, in Unix seconds; 0 for never.
	Done int64 `json:"done,omitempty"`
	// Round is when the present round began, 0 between rounds.
	Round int64 `json:"round,omitempty"`
	// Of is what is asked for next: "book", "patient" or "appointment".
	Of string `json:"of,omitempty"`
	// From is where the next question begins: a day, or for appointments an instant.
	From string `json:"from,omitempty"`
	// Singly is for how many days more the cards are asked for day by day.
	Singly int `json:"singly,omitempty"`
}

const kindBook = "book"

// Changed brings what has changed in a stretch of time. Where the cards of several
// days are too many for one answer, they are asked for day by day; a day that has
// too many still, as where a whole base was brought over at once, is passed over as
// an object that is refused by the day, so that the book is read all the same.
func (c *Client) Changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (pull.Page, error) {
	at := place{}
	if cursor != "" && json.Unmarshal([]byte(cursor), &at) != nil {
		at = place{} // of another edition: begin anew
	}
	if at.Round == 0 {
		at = at.begin(cl, now)
	}
	method, query, next, more := at.question(cl)
	rows, err := c.call(ctx, account, method, query)
	out := pull.Page{More: more}
	switch {
	case err == nil:
	case at.Of != kindPatient || ctx.Err() != nil || !tooLarge(err):
		return pull.Page{}, err
	case at.Singly == 0:
		next = at
		next.Singly = at.stretch()
	case !c.answers(ctx, cl, account, now):
		return pull.Page{}, err
	default:
		out.Objects = []intake.Object{{System: dental.Renovatio, Kind: kindPatient, ID: at.From,
			Unreadable: &dental.Error{Kind: dental.Invalid, Field: "date_updated", Message: "the cards of the day are too many for one answer", Err: err}}}
	}
	kind := kindAppointment
	if at.Of == kindPatient {
		kind = kindPatient
	}
	for _, row := range rows {
		out.Objects = append(out.Objects, reader{cl, now, true}.row(kind, row)...)
	}
	written, err := json.Marshal(next)
	if err != nil {
		return pull.Page{}, fmt.Errorf("renovatio: write the cursor: %w", err)
	}
	out.Cursor = string(written)
	return out, nil
}

// errLong is in the error of an answer that is longer than longestAnswer.
var errLong = errors.New("too long")

// tooLarge reports whether an answer may be missing for its size: it is too long, or
// was not there in time although the question was.
func tooLarge(err error) bool {
	return errors.Is(err, errLong) || errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, pull.ErrNotWritten)
}

// answers reports whether the API answers what is small, the book of today: a server
// that answers nothing in time may be out of order, and gives its cards later.
func (c *Client) answers(ctx context.Context, cl *dental.Clinic, account dental.Account, now time.Time) bool {
	today := cl.Today(now)
	_, err := c.call(ctx, account, "getAppointments", inBook(today, today))
	return err == nil
}

// begin is the first question of the next round.
func (p place) begin(cl *dental.Clinic, now time.Time) place {
	p.Round = now.Unix()
	p.Of, p.From = kindPatient, cl.Today(now).AddDays(-past).String()
	if p.Done != 0 {
		p.From = cl.Today(time.Unix(p.Done, 0).Add(-overlap)).String()
	}
	return p
}

// question is what is asked at a place, and the place after it.
func (p place) question(cl *dental.Clinic) (method string, query url.Values, next place, more bool) {
	loc, round := cl.Location(), time.Unix(p.Round, 0)
	next = p
	switch p.Of {
	case kindAppointment:
		from, err := time.Parse(time.RFC3339, p.From)
		if err != nil {
			from = time.Unix(p.Done, 0).Add(-overlap)
		}
		to := from.Add(step)
		if more = to.Before(round); more {
			next.From = to.UTC().Format(time.RFC3339)
		} else {
			to, next = round, place{Done: p.Round}
		}
		return "getAppointments", url.Values{"date_updated_from": {minute(from, loc)}, "date_updated_to": {minute(to, loc)}, "show_patient_data": {"1"}}, next, more
	case kindPatient:
		from, today := told.Day(p.From), cl.Today(round)
		if from.IsZero() {
			from = today
		}
		to := from.AddDays(p.stretch() - 1)
		if p.Singly > 0 {
			to, next.Singly = from, p.Singly-1
		}
		switch {
		case to.Before(today):
			next.From = to.AddDays(1).String()
		case p.Done == 0:
			to = today
			next.Of, next.From, next.Singly = kindBook, today.AddDays(-past).String(), 0
		default:
			to = today
			next.Of, next.From, next.Singly = kindAppointment, time.Unix(p.Done, 0).Add(-overlap).UTC().Format(time.RFC3339), 0
		}
		return "getPatient", url.Values{"date_updated_from": {day(from)}, "date_updated_to": {day(to)}}, next, true
	}
	from := told.Day(p.From)
	if from.IsZero() {
		from = cl.Today(round).AddDays(-past)
	}
	to := from.AddDays(week - 1)
	next.From = to.AddDays(1).String()
	if more = to.Before(cl.Today(round).AddDays(ahead)); !more {
		next = place{Done: p.Round}
	}
	return "getAppointments", inBook(from, to), next, more
}

// stretch is of how many days the changed cards are asked for at once.
func (p place) stretch() int {
	if p.Done == 0 {
		return week
	}
	return days
}

// inBook asks for the appointments of some days.
func inBook(from, to dental.Date) url.Values {
	return url.Values{"date_from": {day(from) + " 00:00"}, "date_to": {day(to) + " 23:59"}, "show_patient_data": {"1"}}
}

// minute and day write times as the API reads them.
func minute(at time.Time, loc *time.Location) string { return at.In(loc).Format("02.01.2006 15:04") }
func day(d dental.Date) string                       { return fmt.Sprintf("%02d.%02d.%04d", d.Day, d.Month, d.Year) }

// row reads one row of an answer. One that cannot be read stops no other: it comes
// as an object that is refused by its name.
func (r reader) row(kind string, raw json.RawMessage) []intake.Object {
	var objects []intake.Object
	var err error
	if kind == kindPatient {
		var p patient
		if err = told.Decode(raw, longestAnswer, &p); err == nil {
			objects, _, err = r.patient(p)
		}
	} else {
		var a appointment
		if err = told.Decode(raw, longestAnswer, &a); err == nil {
			objects, _, err = r.appointment(a)
		}
	}
	if err != nil {
		return []intake.Object{{System: dental.Renovatio, Kind: kind, ID: nameOf(kind, raw), Unreadable: err}}
	}
	return objects
}

// Fetch reads one appointment or patient. An answer without it is no proof that it
// is no more: it is asked for again.
func (c *Client) Fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	r := reader{cl, now, true}
	var rows []json.RawMessage
	var err error
	switch ref.Kind {
	case kindAppointment:
		rows, err = c.call(ctx, account, "getAppointments", url.Values{"appointment_id": {ref.ID}, "show_patient_data": {"1"}})
	case kindPatient:
		rows, err = c.call(ctx, account, "getPatient", url.Values{"id": {ref.ID}})
	default:
		return nil, dental.Errorf(dental.Invalid, "kind", "Renovatio has no %.20q", ref.Kind)
	}
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for _, o := range r.row(ref.Kind, row) {
			if o.Kind == ref.Kind && o.ID == ref.ID { // the filter was understood
				return r.row(ref.Kind, row), nil
			}
		}
	}
	if len(rows) > 0 {
		return nil, ask.Unavailable("Renovatio gave others than what it was asked for", nil)
	}
	return nil, ask.Unavailable("Renovatio does not find what it was asked for", nil)
}

// call makes one request and gives the rows of its answer. Its errors quote
// neither the key nor what the server said, but its code.
func (c *Client) call(ctx context.Context, account dental.Account, method string, query url.Values) ([]json.RawMessage, error) {
	base, err := base(account, c.hosts)
	if err != nil {
		return nil, ask.Invalid("settings."+URLSetting, err.Error(), nil)
	}
	key := string(account.Secrets[KeySecret])
	if key == "" {
		return nil, ask.Invalid("secrets."+KeySecret, "is missing", nil)
	}
	query.Set("api_key", key)
	answer, err := ask.Do(ctx, c.calls, ask.Question{Vendor: "Renovatio", Method: http.MethodPost, Address: base + "/api/public/" + method, Body: []byte(query.Encode()), Most: longestAnswer,
		Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}})
	switch {
	case answer.Status != 0 && answer.Status/100 != 2:
		return nil, judge(method, answer)
	case err != nil:
		return nil, err
	case len(answer.Body) > longestAnswer:
		return nil, ask.Unavailable("Renovatio's answer is too long", errLong)
	}
	return rowsIn(method, answer.Body)
}

var errorCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// rowsIn takes an answer apart: data is a list, one object or nothing.
func rowsIn(method string, raw []byte) ([]json.RawMessage, error) {
	var answer struct {
		Error told.Text       `json:"error"`
		Data  json.RawMessage `json:"data"`
	}
	if err := told.Decode(raw, longestAnswer, &answer); err != nil {
		return nil, ask.Unavailable("Renovatio's answer cannot be read", err)
	}
	if answer.Error.ID() != "" {
		var said struct {
			Code told.Text `json:"code"`
		}
		code := ""
		if json.Unmarshal(answer.Data, &said) == nil && errorCode.MatchString(string(said.Code)) {
			code = string(said.Code)
		}
		cause := errors.New(strings.TrimSpace(method + ": error " + code))
		for _, word := range []string{"KEY", "AUTH", "ACCESS", "TOKEN"} {
			if strings.Contains(strings.ToUpper(code), word) {
				return nil, ask.Invalid("secrets."+KeySecret, "Renovatio does not take the key", cause)
			}
		}
		return nil, ask.Unavailable("Renovatio refused the question", cause)
	}
	data := strings.TrimSpace(string(answer.Data))
	switch {
	case strings.HasPrefix(data, "{"):
		return []json.RawMessage{answer.Data}, nil
	case strings.HasPrefix(data, "["):
		var rows []json.RawMessage
		if err := told.Decode(answer.Data, longestAnswer, &rows); err != nil {
			return nil, ask.Unavailable("Renovatio's answer cannot be read", err)
		}
		return rows, nil
	case data == "null", data == `""`, data == "false":
		return nil, nil
	}
	return nil, ask.Unavailable("Renovatio's answer cannot be read", nil)
}

// judge says whose turn it is.
func judge(method string, answer ask.Answer) error {
	said := errors.New(method + ": HTTP " + strconv.Itoa(answer.Status))
	switch s := answer.Status; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return ask.Invalid("secrets."+KeySecret, "Renovatio does not take the key", said)
	case s == http.StatusNotFound, s/100 == 3:
		return ask.Invalid("settings."+URLSetting, "there is no Renovatio at this address", said)
	case s == http.StatusTooManyRequests:
		return answer.Later(ask.Unavailable("Renovatio takes no more calls just now", said))
	case s >= 500:
		return answer.Later(ask.Unavailable("Renovatio failed inside", said))
	}
	return ask.Unavailable("Renovatio refused the question", said)
}
