package yclients

import (
	"bytes"
	"cmp"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/mis/told"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

var (
	_ pull.System    = (*Client)(nil)
	_ pull.Confirmer = (*Client)(nil)
)

// Client is the way to all clinics' companies. It is safe for concurrent use.
type Client struct {
	calls *wire.Client
	pace  *wire.Pace
	hosts []string
}

// New makes it. hosts are the hosts, with their port if they have one, that an
// account may name beside the vendor's: a test server. They are the
// deployment's choice and never a clinic's.
func New(calls *wire.Client, pace *wire.Pace, hosts ...string) *Client {
	return &Client{calls: calls, pace: pace, hosts: hosts}
}

const (
	// perPage is what all three lists have been seen to give.
	perPage = 200
	// overlap is how many rows of a page are read again with the next one: what goes
	// from a list moves the rows after it up.
	overlap = 20
	// furthest bounds how far a list is read that does not come to an end, in rows.
	furthest = 4_000_000
	// longestAnswer is far above a page of records, each of some 5 KB.
	longestAnswer = 16 << 20
	// again is how far before the last question the next one reaches back: in
	// which zone the vendor reads changed_after is not said.
	again = 24 * time.Hour
	// Operations are listed by their dates and not by their changes: those of the
	// last days are read each time, those of the last weeks once a day.
	days, weeks, years = 3, 45, 3 * 366
)

// place is where in the lists a question begins: the clients first, so that
// patients are known by their cards before their records name them.
type place struct {
	list  string // "clients", "records", "operations"; "" before the first
	since int64  // Unix seconds, asked for what has changed since; 0 for all
	began int64  // when the first of these lists was asked
	size  int    // rows that a page of this list has
	seen  int    // rows of it so far
	last  string // the id of the last of these, "" for one that is not known
	back  int    // how far it was read when it was gone back in
}

// none stands for an id that is not known.
const none = "-"

func (p place) String() string {
	return fmt.Sprintf("%s %d %d %d %d %d %s", p.list, p.since, p.began, p.size, p.seen, p.back, cmp.Or(p.last, none))
}

// placed reads a cursor; one that cannot be read is a new beginning.
func placed(cursor string) place {
	var p place
	_, err := fmt.Sscanf(cursor, "%s %d %d %d %d %d %s", &p.list, &p.since, &p.began, &p.size, &p.seen, &p.back, &p.last)
	if err != nil || p.size < 1 || p.size > perPage || p.seen < 0 {
		return place{}
	}
	if p.last == none {
		p.last = ""
	}
	return p
}

// next is the list after p's, at its beginning.
func (p place) next() place {
	after := map[string]string{"clients": "records", "records": "operations", "operations": "done"}
	return place{list: after[p.list], since: p.since, began: p.began, size: perPage}
}

// window is the page to ask for: the one that begins some rows before what was not
// seen yet, or a little earlier, and brings the most rows after that. The API counts
// pages and no rows, so that where a page begins follows from how many rows it has.
func (p place) window() (page, count int) {
	from, most := max(0, p.seen-min(overlap, p.size/10)), 0
	for n := p.size; n > p.size/2; n-- {
		if news := n - from%n; news > most {
			page, count, most = from/n+1, n, news
		}
	}
	return page, count
}

// after is the place after a page of rows with these ids. That the last row seen
// before is among them proves that none was passed over.
func (p place) after(ids []string, said answer) place {
	page, count := p.window()
	start := (page - 1) * count
	end := start + len(ids)
	total, counted := said.total()
	switch {
	case p.last != "" && p.seen > p.back && !slices.Contains(ids, p.last):
		// Rows may have moved up by more than the overlap. Once for the same rows, lest
		// a list without any order never ends.
		p.back, p.seen, p.last = p.seen, max(0, p.seen-p.size), ""
		return p
	case counted && start == 0 && len(ids) > 0 && len(ids) < min(count, total):
		p.size, p.seen, p.last = len(ids), 0, "" // fewer than were asked for: begun anew with as many
		return p
	case end <= p.seen, counted && end >= total, !counted && len(ids) < count, end > furthest:
		return p.next()
	}
	p.seen, p.last = end, ids[len(ids)-1]
	return p
}

// Changed brings one page of one of three lists: clients, records, operations.
// A row that cannot be read stops no other: it comes as an object that is refused
// by its name.
func (c *Client) Changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (pull.Page, error) {
	page, err := c.changed(ctx, cl, account, cursor, now)
	if err != nil {
		return pull.Page{}, fmt.Errorf("yclients: ask what has changed: %w", err)
	}
	return page, nil
}

func (c *Client) changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (pull.Page, error) {
	at, err := c.open(account)
	if err != nil {
		return pull.Page{}, err
	}
	p := placed(cursor)
	switch p.list {
	case "clients", "records", "operations":
	case "done":
		p = place{list: "clients", since: p.began, began: now.Unix(), size: perPage}
	default:
		p = place{list: "clients", began: now.Unix(), size: perPage}
	}
	path, query, kind := p.question(cl, at.company)
	var rows told.List[stdjson.RawMessage]
	said, err := c.call(ctx, at, http.MethodGet, path, query, nil, &rows)
	if err != nil {
		return pull.Page{}, err
	}
	var page pull.Page
	var ids []string
	r := reader{clinic: cl, at: now}
	for _, row := range rows {
		ids = append(ids, nameOf(row))
		objects, err := r.object(kind, row, "", false)
		if err != nil {
			objects = []intake.Object{{System: dental.YClients, Kind: kind, ID: nameOf(row), Unreadable: err}}
		}
		page.Objects = append(page.Objects, objects...)
	}
	p = p.after(ids, said)
	page.Cursor, page.More = p.String(), p.list != "done"
	return page, nil
}

// nameOf is the number of a row, of one too that cannot be read otherwise; "" where
// it has none.
func nameOf(row []byte) string {
	var said struct {
		ID text `json:"id"`
	}
	if told.Decode(row, len(row), &said) != nil {
		return ""
	}
	if id, ok := number(said.ID); ok {
		return id
	}
	return ""
}

// question is how the place's list is asked for.
func (p place) question(cl *dental.Clinic, company string) (path string, query url.Values, kind string) {
	number, count := p.window()
	query = url.Values{"page": {strconv.Itoa(number)}, "count": {strconv.Itoa(count)}}
	began := time.Unix(p.began, 0).In(cl.Location())
	since := time.Unix(p.since, 0).In(cl.Location())
	if p.since != 0 {
		query.Set("changed_after", since.Add(-again).Format("2006-01-02T15:04:05"))
	}
	today := dental.DateOf(began)
	switch p.list {
	case "clients":
		return "/clients/" + company, query, clientKind
	case "records":
		// Both ends are given, lest the list begin with today by itself.
		query.Set("start_date", "2000-01-01")
		query.Set("end_date", today.AddDays(years).String())
		if p.since != 0 {
			query.Set("with_deleted", "1")
		}
		return "/records/" + company, query, recordKind
	}
	query.Del("changed_after")
	back := years
	switch {
	case p.since != 0 && dental.DateOf(since) == today:
		back = days
	case p.since != 0:
		back = max(weeks, today.DaysSince(dental.DateOf(since))+days)
	}
	query.Set("start_date", today.AddDays(-back).String())
	query.Set("end_date", today.AddDays(1).String())
	return "/transactions/" + company, query, operationKind
}

// Fetch reads one record, client or operation. Of what the vendor says that it
// is not there is known only that it is gone.
func (c *Client) Fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	objects, err := c.fetch(ctx, cl, account, ref, now)
	if err != nil {
		return nil, fmt.Errorf("yclients: read a %s: %w", ref.Kind, err)
	}
	return objects, nil
}

func (c *Client) fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	at, err := c.open(account)
	if err != nil {
		return nil, err
	}
	if _, ok := number(text(ref.ID)); !ok || !tells(ref.Kind) {
		return nil, dental.Errorf(dental.Invalid, "id", "names no object of this system")
	}
	path := map[string]string{recordKind: "/record/", clientKind: "/client/", operationKind: "/finance_transactions/"}[ref.Kind]
	r := reader{clinic: cl, at: now}
	var raw stdjson.RawMessage
	_, err = c.call(ctx, at, http.MethodGet, path+at.company+"/"+ref.ID, nil, nil, &raw)
	if said, is := errors.AsType[*refusal](err); is && said.status == http.StatusNotFound {
		return []intake.Object{r.gone(ref.Kind, ref.ID, time.Time{})}, nil
	}
	if err != nil {
		return nil, err
	}
	objects, err := r.object(ref.Kind, raw, text(ref.ID), false)
	if err != nil && nameOf(raw) == ref.ID {
		return []intake.Object{{System: dental.YClients, Kind: ref.Kind, ID: ref.ID, Unreadable: err}}, nil
	}
	if err != nil {
		return nil, ask.Unavailable("the answer cannot be read", err)
	}
	return objects, nil
}

// open reads an account that the API is to be asked with.
func (c *Client) open(account dental.Account) (access, error) {
	at, err := open(account, c.hosts)
	if err == nil && at.authorization == "" {
		err = dental.Errorf(dental.Invalid, "secrets."+UserSecret, "the tokens are missing: without them webhooks are all that is heard")
	}
	return at, ask.Account(err)
}

// answer is the envelope of every answer.
type answer struct {
	Success whole              `json:"success"`
	Data    stdjson.RawMessage `json:"data"`
	Meta    told.Object[meta]  `json:"meta"`
}

type meta struct {
	Total *whole `json:"total_count"`
}

// total is how many rows a list has in all its pages, where it says so.
func (a answer) total() (int, bool) {
	if a.Meta.Value.Total == nil {
		return 0, false
	}
	return int(*a.Meta.Value.Total), true
}

// refusal is an answer by which the vendor says, in its own shape, that it has
// not done what it was asked.
type refusal struct{ status int }

func (r *refusal) Error() string { return "HTTP " + strconv.Itoa(r.status) }

// call makes one request, after its turn, and reads the data of its answer. An
// error has a *refusal in it where the vendor itself has refused, and is
// ask.NotWritten where nothing was sent.
func (c *Client) call(ctx context.Context, at access, method, path string, query url.Values, body, into any) (answer, error) {
	if err := c.pace.Wait(ctx, at.host); err != nil {
		return answer{}, ask.NotWritten(ask.Unavailable("there was no time to ask", err))
	}
	var payload []byte
	if body != nil {
		raw, err := stdjson.Marshal(body)
		if err != nil {
			return answer{}, fmt.Errorf("write the request: %w", err)
		}
		payload = raw
	}
	address := at.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	said, err := ask.Do(ctx, c.calls, ask.Question{Vendor: "the system", Method: method, Address: address, Body: payload, Most: longestAnswer,
		Header: map[string]string{"Authorization": at.authorization, "Accept": at.accept, "Content-Type": "application/json"}})
	if err != nil {
		return answer{}, err
	}
	return read(said, into)
}

// read takes an answer apart.
func read(said ask.Answer, into any) (answer, error) {
	var a answer
	status := said.Status
	shaped := strictjson.Decode(said.Body, longestAnswer, &a)
	switch {
	case status/100 == 2 && len(bytes.TrimSpace(said.Body)) == 0: // 204 of a deletion
		return a, nil
	case status/100 == 2 && shaped == nil && a.Success != 0:
		if into == nil || told.Empty(a.Data) {
			return a, nil
		}
		if err := strictjson.Decode(a.Data, longestAnswer, into); err != nil {
			return a, ask.Unavailable("the answer cannot be read", &unread{status})
		}
		return a, nil
	case status/100 == 4 && shaped == nil && a.Success == 0 && a.Meta.Set:
		return a, judge(said)
	}
	return a, said.Later(ask.Unavailable("the answer cannot be read", &unread{status}))
}

// unread is an answer that proves nothing.
type unread struct{ status int }

func (u *unread) Error() string {
	return "HTTP " + strconv.Itoa(u.status) + " without an answer of the system's shape"
}

// judge says whose turn it is after a refusal.
func judge(answer ask.Answer) error {
	said := &refusal{answer.Status}
	switch said.status {
	case http.StatusUnauthorized:
		return ask.Invalid("", "the tokens are not accepted: a user who changes the password needs a new one", said)
	case http.StatusPaymentRequired:
		return ask.Invalid("", "the company's licence has run out", said)
	case http.StatusForbidden:
		return ask.Invalid("", "the user of the token has too few rights in this company", said)
	case http.StatusTooManyRequests:
		return answer.Later(ask.Unavailable("the system takes no more requests just now", said))
	case http.StatusNotFound:
		return ask.Refused("there is no such company, or nothing like this in it", said)
	}
	return ask.Unavailable("the system refused the question", said)
}
