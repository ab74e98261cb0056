package sqns

import (
	"bytes"
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

// Client asks the API for clinics, each by its own account. It is safe for
// concurrent use.
type Client struct {
	calls *wire.Client
	hosts []string
}

var (
	_ pull.System    = (*Client)(nil)
	_ pull.Confirmer = (*Client)(nil)
)

// New makes a client. hosts are allowed as the API's beside the vendor's own: a
// test server.
func New(calls *wire.Client, hosts ...string) *Client { return &Client{calls: calls, hosts: hosts} }

const (
	// page is how many rows are asked for at once. The API gives a hundred at most,
	// and says itself which page is the last.
	page = 100
	// longestAnswer is far above a page of visits with their clients.
	longestAnswer = 8 << 20
	// modificate is the furthest that the API looks back by changes, in minutes.
	modificate = 24 * 60
	// overlap is how much of what was asked last is asked again: a row that moved
	// between pages, and a state that a late webhook has overwritten, come again.
	overlap = time.Hour
	// sweep is how often all cards are read: nothing says which have changed.
	sweep = 24 * time.Hour
	// The first question has the past that matters and all that lies ahead; one
	// after a longer break the visits of the break and a month before.
	past, ahead, before = 3 * 366, 366, 31 // days
)

// place is where the asking stands. A round asks for the cards, once a day, and
// then for the visits that have changed.
type place struct {
	// Done is when the last whole round began, Cards when the last one that read
	// the cards did, both as Unix seconds; 0 for never.
	Done  int64 `json:"done,omitempty"`
	Cards int64 `json:"cards,omitempty"`
	// Round is when the present round began, 0 between rounds.
	Round int64 `json:"round,omitempty"`
	// Of is what its page is of: "client" or "visit".
	Of   string `json:"of,omitempty"`
	Page int    `json:"page,omitempty"`
	// From is the first day of the visits of a round that cannot go by changes.
	From string `json:"from,omitempty"`
}

// Changed brings a page of cards or of visits.
func (c *Client) Changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (pull.Page, error) {
	at := place{}
	if cursor != "" && json.Unmarshal([]byte(cursor), &at) != nil {
		at = place{} // of another edition: begin anew
	}
	if at.Round == 0 {
		at = at.begin(cl, now)
	}
	query := url.Values{"page": {strconv.Itoa(at.Page)}, "perPage": {strconv.Itoa(page)}}
	if at.Of == kindVisit {
		today := cl.Today(now)
		query.Set("dateFrom", today.AddDays(-past).String())
		query.Set("dateTill", today.AddDays(ahead).String())
		if at.From != "" {
			query.Set("dateFrom", at.From)
		} else {
			query.Set("modificate", strconv.Itoa(at.minutes(now)))
		}
	}
	raw, err := c.get(ctx, account, "/api/v2/"+at.Of+"?"+query.Encode())
	if err != nil {
		return pull.Page{}, err
	}
	var list struct {
		Data told.List[json.RawMessage] `json:"data"`
		Meta told.Object[struct {
			Last told.Text `json:"lastPage"`
		}] `json:"meta"`
	}
	if err := told.Decode(raw, longestAnswer, &list); err != nil {
		return pull.Page{}, ask.Unavailable("1Denta's answer cannot be read", err)
	}
	out := pull.Page{}
	for _, row := range list.Data {
		out.Objects = append(out.Objects, reader{cl, now}.row(at.Of, row)...)
	}
	last, _ := list.Meta.Value.Last.Whole()
	at, out.More = at.next(int64(at.Page) < last && len(list.Data) > 0)
	next, err := json.Marshal(at)
	if err != nil {
		return pull.Page{}, fmt.Errorf("sqns: write the cursor: %w", err)
	}
	out.Cursor = string(next)
	return out, nil
}

// begin is the first page of the next round.
func (p place) begin(cl *dental.Clinic, now time.Time) place {
	p.Round, p.Of, p.Page, p.From = now.Unix(), kindVisit, 1, ""
	switch {
	case p.Done == 0:
		p.From = cl.Today(now).AddDays(-past).String()
	case p.minutes(now) > modificate:
		p.From = cl.Today(time.Unix(p.Done, 0)).AddDays(-before).String()
	}
	if now.Sub(time.Unix(p.Cards, 0)) >= sweep {
		p.Of = kindClient
	}
	return p
}

// minutes is how far back changes are asked for.
func (p place) minutes(now time.Time) int {
	return int((now.Sub(time.Unix(p.Done, 0))+overlap)/time.Minute) + 1
}

// next is the place after a page, and whether the round goes on.
func (p place) next(more bool) (place, bool) {
	switch {
	case more:
		p.Page++
		return p, true
	case p.Of == kindClient:
		p.Of, p.Page, p.Cards = kindVisit, 1, p.Round
		return p, true
	}
	return place{Done: p.Round, Cards: p.Cards}, false
}

// row reads one row of a list. One that cannot be read stops no other: it comes
// as an object that is refused by its name.
func (r reader) row(kind string, raw json.RawMessage) []intake.Object {
	var objects []intake.Object
	var name struct {
		ID told.Text `json:"id"`
	}
	err := told.Decode(raw, longestAnswer, &name)
	if err == nil {
		objects, err = r.object(kind, raw)
	}
	if err != nil {
		return []intake.Object{{System: dental.SQNS, Kind: kind, ID: told.Line(string(name.ID), longestID), Unreadable: err}}
	}
	return objects
}

// object reads one object of the API.
func (r reader) object(kind string, raw []byte) ([]intake.Object, error) {
	if kind == kindClient {
		var p patient
		if err := told.Decode(raw, longestAnswer, &p); err != nil {
			return nil, err
		}
		return r.client(p)
	}
	var v visit
	if err := told.Decode(raw, longestAnswer, &v); err != nil {
		return nil, err
	}
	return r.visit(v)
}

// Fetch reads one visit or client.
func (c *Client) Fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	if ref.Kind != kindVisit && ref.Kind != kindClient {
		return nil, dental.Errorf(dental.Invalid, "kind", "1Denta has no %.20q", ref.Kind)
	}
	r := reader{cl, now}
	raw, err := c.one(ctx, account, ref)
	if absent(err) {
		id := told.Text(ref.ID)
		if ref.Kind == kindClient {
			return r.client(patient{ID: id, gone: true})
		}
		return r.visit(visit{ID: id, gone: true})
	}
	if err != nil {
		return nil, err
	}
	objects := r.row(ref.Kind, raw)
	if o := objects[0]; o.Unreadable != nil && o.ID != ref.ID { // it may be another's page
		return nil, ask.Unavailable("1Denta's answer cannot be read", o.Unreadable)
	}
	return objects, nil
}

// one asks for one visit or client. It stands in a field of its name, as the
// client does in the vendor's examples, in "data", or by itself.
func (c *Client) one(ctx context.Context, account dental.Account, ref intake.Ref) (json.RawMessage, error) {
	raw, err := c.get(ctx, account, "/api/v2/"+ref.Kind+"/"+url.PathEscape(ref.ID))
	if err != nil {
		return nil, err
	}
	var inside map[string]json.RawMessage
	if err := told.Decode(raw, longestAnswer, &inside); err != nil {
		return nil, ask.Unavailable("1Denta's answer cannot be read", err)
	}
	for _, field := range []string{"data", ref.Kind} {
		if bytes.HasPrefix(inside[field], []byte("{")) && inside["id"] == nil {
			raw = inside[field]
		}
	}
	return raw, nil
}

// absent reports whether 1Denta has no such object.
func absent(err error) bool {
	said, ok := errors.AsType[*refusal](err)
	return ok && said.status == http.StatusNotFound
}

// Confirm sets a visit's status. It looks at the visit first, and changes it in one
// call at most; one that was moved, given to another client, or that anything has
// come of meanwhile is left to staff. Above the pace of the API, with a bad token
// and with a visit that it does not find or will not change, nothing was written:
// these are refusals of its own, by their status. 1Denta changes no visit that has
// begun.
func (c *Client) Confirm(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) error {
	status, known := map[string]string{"confirm": "confirmed", "cancel": "cancel"}[action]
	if !known {
		return ask.NotWritten(dental.Errorf(dental.Invalid, "action", "1Denta cannot be told %.20q", action))
	}
	if !organisation.MatchString(a.ID) {
		return ask.NotWritten(dental.Errorf(dental.Invalid, "id", "is not the number of a visit in 1Denta"))
	}
	if done, err := c.ready(ctx, cl, account, a, action); done || err != nil {
		return ask.NotWritten(err)
	}
	body, err := json.Marshal(map[string]string{"status": status})
	if err != nil {
		return ask.NotWritten(fmt.Errorf("write the status: %w", err))
	}
	_, err = c.call(ctx, account, http.MethodPut, "/api/v2/visit/"+a.ID+"/status", body)
	if said, ok := errors.AsType[*refusal](err); ok {
		switch said.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, tooMany:
			return ask.NotWritten(err)
		case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity: // as often as it is tried
			return ask.NotWritten(ask.Refused("1Denta does not change this visit", said))
		}
	}
	return err
}

// ready is told.Ready of the visit as 1Denta has it now.
func (c *Client) ready(ctx context.Context, cl *dental.Clinic, account dental.Account, a dental.Appointment, action string) (done bool, err error) {
	raw, err := c.one(ctx, account, intake.Ref{Kind: kindVisit, ID: a.ID})
	if absent(err) {
		return false, nil // the vendor describes no such question: what it says to the change is the proof
	}
	if err != nil {
		return false, err
	}
	var v visit
	if err := told.Decode(raw, longestAnswer, &v); err != nil {
		return false, ask.Unavailable("1Denta's answer cannot be read", err)
	}
	if v.Deleted.True() {
		return told.Ready(a, nil, false, action)
	}
	now, err := reader{clinic: cl}.appointment(v)
	if err != nil {
		return false, ask.Unavailable("1Denta's answer cannot be read", err)
	}
	attendance, _ := v.attendance()
	return told.Ready(a, &now, attendance == came, action)
}

// tooMany is the status of the API above its pace.
const tooMany = 444

// get asks for something.
func (c *Client) get(ctx context.Context, account dental.Account, path string) ([]byte, error) {
	return c.call(ctx, account, http.MethodGet, path, nil)
}

// call makes one request. Its errors name the method and the status, and quote
// neither the token nor the answer. One of which no byte has left is ask.NotWritten.
func (c *Client) call(ctx context.Context, account dental.Account, method, path string, body []byte) ([]byte, error) {
	base, err := base(account, c.hosts)
	if err != nil {
		return nil, ask.NotWritten(ask.Invalid("settings."+URLSetting, err.Error(), nil))
	}
	token := string(account.Secrets[TokenSecret])
	if token == "" {
		return nil, ask.NotWritten(ask.Invalid("secrets."+TokenSecret, "is missing", nil))
	}
	answer, err := ask.Do(ctx, c.calls, ask.Question{Vendor: "1Denta", Method: method, Address: base + path, Body: body, Most: longestAnswer,
		Header: map[string]string{"Authorization": "Bearer " + token, "Accept": "application/json", "Content-Type": "application/json"}})
	switch {
	case answer.Status != 0 && answer.Status/100 != 2:
		return nil, judge(method, answer)
	case err != nil:
		return nil, err
	case len(answer.Body) > longestAnswer:
		return nil, ask.Unavailable("1Denta's answer is too long", nil)
	}
	return answer.Body, nil
}

// refusal is an answer other than the one that was asked for.
type refusal struct {
	method string
	status int
}

func (r *refusal) Error() string { return r.method + ": HTTP " + strconv.Itoa(r.status) }

// judge says whose turn it is.
func judge(method string, answer ask.Answer) error {
	said := &refusal{method, answer.Status}
	switch s := answer.Status; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return ask.Invalid("secrets."+TokenSecret, "1Denta does not take the token: get a new one", said)
	case s/100 == 3:
		return ask.Invalid("settings."+URLSetting, "1Denta's API has another address", said)
	case s == tooMany, s == http.StatusTooManyRequests:
		return answer.Later(ask.Unavailable("1Denta takes no more calls just now", said))
	case s >= 500:
		return answer.Later(ask.Unavailable("1Denta failed inside", said))
	}
	return ask.Unavailable("1Denta refused the question", said)
}
