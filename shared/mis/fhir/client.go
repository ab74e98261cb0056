package fhir

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// Client asks FHIR servers. It is safe for concurrent use.
type Client struct {
	calls *wire.Client
	hosts []string
}

var _ pull.System = (*Client)(nil)

// New makes it. hosts are the hosts, with their port if they have one, that may
// be asked beside those of the public network, and without TLS: a server in the
// clinic's own network, a test server. They are the deployment's choice.
func New(calls *wire.Client, hosts ...string) *Client { return &Client{calls: calls, hosts: hosts} }

const (
	// pageSize is how many resources a page is asked to have; servers may give fewer.
	pageSize = 100
	// longestPage bounds an answer, in bytes.
	longestPage = 16 << 20
	// overlap is how far back the next question begins before the last change that
	// was seen: servers index what they take in a little later, and out of order.
	overlap = 5 * time.Minute
	// fetchedAtOnce is how many resources that $events only names are read for one
	// page, or somewhat more where one event names them; the next page brings the
	// others, and the next round those of events without numbers.
	fetchedAtOnce = 20
	// maxAgain is how often a round reads a type from its beginning.
	maxAgain = 3
)

// cursor is where a round of questions is, and what the rounds before it saw.
// A round asks for each type in turn, page by page.
type cursor struct {
	// Since is the time of the last change seen of each type, by the server's clock.
	Since map[string]time.Time `json:"since,omitempty"`
	// Seen is the latest of the type that is being read.
	Seen time.Time `json:"seen,omitzero"`
	Type string    `json:"type,omitempty"`
	Next string    `json:"next,omitempty"` // the page to ask for, as the server named it
	// Again is how often in this round a page was not kept long enough.
	Again int `json:"again,omitempty"`
	// Refused are types that the server did not answer for in this round.
	Refused []string `json:"refused,omitempty"`
	// Event is the number of the Subscription's last event that was seen.
	Event int64 `json:"event,omitempty"`
	// Anew is how far at least the Subscription is read on that was begun anew in this
	// round: beyond the last event seen before. 0 where it was not.
	Anew int64 `json:"anew,omitempty"`
	// Turn is how many of the resources that events without numbers name were read.
	Turn int `json:"turn,omitempty"`
}

// Changed is pull.System's. A page is one of a search by _lastUpdated for one
// type of resource, or what the Subscription has told since ($events). A type
// that the server does not know, or does not show, is passed over, unless that
// is so of all. A resource that cannot be read stops no other: it comes as an
// object that is refused by its name.
func (c *Client) Changed(ctx context.Context, cl *dental.Clinic, a dental.Account, from string, now time.Time) (pull.Page, error) {
	page, err := c.changed(ctx, cl, a, from, now)
	if err != nil {
		return pull.Page{}, fmt.Errorf("fhir: ask what has changed: %w", err)
	}
	return page, nil
}

func (c *Client) changed(ctx context.Context, cl *dental.Clinic, a dental.Account, from string, now time.Time) (pull.Page, error) {
	s, err := c.session(cl, a, now)
	if err != nil {
		return pull.Page{}, err
	}
	var at cursor
	if from != "" {
		if err := json.Unmarshal([]byte(from), &at); err != nil {
			return pull.Page{}, dental.Errorf(dental.Invalid, "cursor", "is not one of a FHIR server")
		}
	}
	if at.Since == nil {
		at.Since = map[string]time.Time{}
	}
	var objects []intake.Object
	if at.Type == "" {
		var more bool
		if objects, more, err = s.events(ctx, a.Settings[SubscriptionSetting], &at); err != nil {
			return pull.Page{}, err
		}
		if more {
			return s.brought(objects, at, true)
		}
		at.Type = Types()[0]
	}
	address := at.Next
	if address == "" {
		address = s.query(at)
	}
	answer, err := s.get(ctx, address)
	switch {
	case err != nil:
		return pull.Page{}, err
	case answer.Status == http.StatusOK:
		found, next, err := s.page(answer.Body, at.Type)
		if err != nil {
			return pull.Page{}, err
		}
		for _, o := range found {
			if o.Kind == at.Type && o.At.After(at.Seen) {
				at.Seen = o.At
			}
		}
		objects = append(objects, found...)
		if at.Next = next; next != "" {
			break
		}
		if at.Seen.After(at.Since[at.Type]) {
			at.Since[at.Type] = at.Seen
		}
		at.turn()
	case at.Next != "" && answer.Status/100 == 4 && answer.Status != http.StatusUnauthorized && answer.Status != http.StatusTooManyRequests:
		// A page that the server does not keep any more: the type is read anew, but
		// not for ever.
		at.Next, at.Seen = "", time.Time{}
		if at.Again++; at.Again > maxAgain {
			at.Again = 0
			return s.brought(objects, at, false)
		}
	case slices.Contains(unsupported, answer.Status):
		if at.Refused = append(at.Refused, at.Type); len(at.Refused) == len(Types()) {
			return pull.Page{}, answer.refusal()
		}
		at.turn()
	default:
		return pull.Page{}, answer.refusal()
	}
	return s.brought(objects, at, at.Type != "")
}

// unsupported are the statuses by which servers say that they do not have a
// type, or do not search for it, or do not show it.
var unsupported = []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity, http.StatusNotImplemented}

// turn goes on to the next type; after the last one the round is over.
func (c *cursor) turn() {
	types := Types()
	i := slices.Index(types, c.Type)
	c.Seen, c.Next = time.Time{}, ""
	if i < 0 || i+1 == len(types) {
		c.Type, c.Refused, c.Again, c.Anew = "", nil, 0, 0
		return
	}
	c.Type = types[i+1]
}

func (s *session) brought(objects []intake.Object, at cursor, more bool) (pull.Page, error) {
	raw, err := json.Marshal(at)
	if err != nil {
		return pull.Page{}, fmt.Errorf("write the cursor: %w", err)
	}
	return pull.Page{Objects: objects, Cursor: string(raw), More: more}, nil
}

// Fetch is pull.System's.
func (c *Client) Fetch(ctx context.Context, cl *dental.Clinic, a dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	s, err := c.session(cl, a, now)
	if err == nil {
		var objects []intake.Object
		if objects, err = s.fetch(ctx, ref); err == nil {
			return objects, nil
		}
	}
	return nil, fmt.Errorf("fhir: read a %s again: %w", line(ref.Kind), err)
}

func (s *session) fetch(ctx context.Context, ref intake.Ref) ([]intake.Object, error) {
	if kinds[ref.Kind] == nil || ref.ID == "" {
		return nil, nil
	}
	answer, err := s.get(ctx, s.base+"/"+ref.Kind+"/"+url.PathEscape(ref.ID))
	if err != nil {
		return nil, err
	}
	switch {
	case answer.Status == http.StatusOK:
	case answer.Status == http.StatusGone, answer.Status == http.StatusNotFound && answer.outcome() != "":
		// A server that says so as FHIR does: the page that some other program
		// shows for a wrong address proves nothing.
		return s.deleted(ref.Kind, ref.ID, s.at), nil
	case answer.Status == http.StatusNotFound:
		return nil, ask.Invalid("settings."+URLSetting, "what answers at the address is no FHIR server", nil)
	case slices.Contains(unsupported, answer.Status):
		return nil, nil // it does not show such resources, which Changed passes over as well
	default:
		return nil, answer.refusal()
	}
	objects, p := s.resource(answer.Body, entry{})
	another := func(o intake.Object) bool { return o.Kind != ref.Kind || o.ID != ref.ID }
	switch {
	case named(answer.Body).Kind == "": // what some other program answers proves nothing
		return nil, dental.Errorf(dental.Unavailable, "", "the server's answer is no resource")
	case p != nil && len(objects) == 0:
		return unreadable(ref, p.invalid("")), nil
	case len(objects) == 0 || slices.ContainsFunc(objects, another):
		return unreadable(ref, dental.Errorf(dental.Invalid, "id", "the server answers with another resource")), nil
	}
	return objects, nil
}

// unreadable is a resource that is refused by its name.
func unreadable(ref intake.Ref, why error) []intake.Object {
	return []intake.Object{{System: dental.FHIR, Kind: ref.Kind, ID: ref.ID, Unreadable: why}}
}

// session is what is asked of one server at one time.
type session struct {
	listener
	calls  *wire.Client
	base   string
	header string // Authorization
	since  dental.Date
}

func (c *Client) session(cl *dental.Clinic, a dental.Account, now time.Time) (*session, error) {
	base := strings.TrimRight(a.Settings[URLSetting], "/")
	if base == "" {
		return nil, ask.Invalid("settings."+URLSetting, "the server's address is missing: it cannot be asked", nil)
	}
	if err := public(base, c.hosts); err != nil {
		return nil, ask.Invalid("settings."+URLSetting, err.Error(), nil)
	}
	s := &session{listener: listen(cl, a, now), calls: c.calls, base: base, since: day(a.Settings[SinceSetting])}
	switch token, user := string(a.Secrets[TokenSecret]), a.Settings[UserSetting]; {
	case user != "":
		s.header = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+token))
	case token != "":
		s.header = "Bearer " + token
	}
	return s, nil
}

// query asks for a type's changes, the oldest first.
func (s *session) query(at cursor) string {
	q := url.Values{"_sort": {"_lastUpdated"}, "_count": {strconv.Itoa(pageSize)}}
	switch since := at.Since[at.Type]; {
	case !since.IsZero():
		q.Set("_lastUpdated", "gt"+since.Add(-overlap).UTC().Format("2006-01-02T15:04:05.000Z"))
	case !s.since.IsZero():
		q.Set("_lastUpdated", "ge"+s.since.String())
	}
	return s.base + "/" + at.Type + "?" + q.Encode()
}

// page reads one page of a search for a type, and where the next one is.
func (s *session) page(body []byte, kind string) (objects []intake.Object, next string, err error) {
	var w struct {
		ResourceType string `json:"resourceType"`
		Link         []struct {
			Relation string `json:"relation"`
			URL      string `json:"url"`
		} `json:"link"`
		Entry []json.RawMessage `json:"entry"`
	}
	if err := strictjson.Decode(body, longestPage, &w); err != nil || w.ResourceType != "Bundle" {
		return nil, "", ask.Unavailable("the server's answer is no Bundle", err)
	}
	for _, raw := range w.Entry {
		found, p := s.entry(raw)
		if p != nil && len(found) == 0 {
			ref := called(raw)
			if ref.Kind == "" {
				ref.Kind = kind
			}
			if kinds[ref.Kind] != nil {
				found = unreadable(ref, p.invalid(""))
			}
		}
		objects = append(objects, found...)
	}
	for _, l := range w.Link {
		if l.Relation == "next" {
			next = l.URL
		}
	}
	if next == "" {
		return objects, "", nil
	}
	if next, err = s.own(next); err != nil {
		return nil, "", err
	}
	return objects, next, nil
}

// own is the address of the next page, which must be at the same server: the
// token goes with it.
func (s *session) own(address string) (string, error) {
	base, errBase := url.Parse(s.base + "/")
	next, err := url.Parse(address)
	if err != nil || errBase != nil {
		return "", dental.Errorf(dental.Unavailable, "link", "the server names a next page that is no address")
	}
	next = base.ResolveReference(next)
	if next.Scheme != base.Scheme || !strings.EqualFold(next.Host, base.Host) || next.User != nil {
		return "", dental.Errorf(dental.Invalid, "settings."+URLSetting,
			"the server names another host for its next page: give the address that it calls itself by")
	}
	return next.String(), nil
}

// events asks a Subscription for what it has told since the last event that was
// read, deletions among it, moves the cursor to the last one now, and says whether
// there are more. A server that cannot be asked so is none the worse: the types are
// asked for in any case, which is also all that a gap among the events asks for.
//
// One that has told of fewer events than were read counts anew, or from the
// question on: it is read from its beginning, but once in a round. There are more
// only while the number grows, so that the types have their turn in every round,
// however a server counts.
func (s *session) events(ctx context.Context, subscription string, at *cursor) (objects []intake.Object, more bool, err error) {
	if subscription == "" {
		return nil, false, nil
	}
	last := at.Event
	q := url.Values{"eventsSinceNumber": {strconv.FormatInt(last+1, 10)}, "content": {"full-resource"}}
	answer, err := s.get(ctx, s.base+"/Subscription/"+url.PathEscape(subscription)+"/$events?"+q.Encode())
	if err != nil {
		return nil, false, err
	}
	var w struct {
		Entry []json.RawMessage `json:"entry"`
	}
	if answer.Status != http.StatusOK || strictjson.Decode(answer.Body, longestPage, &w) != nil || len(w.Entry) == 0 {
		if answer.Status == http.StatusUnauthorized {
			return nil, false, answer.refusal()
		}
		return nil, false, nil
	}
	status, err := notifies(w.Entry[0])
	if err != nil || status == nil {
		return nil, false, nil
	}
	if status.since > 0 && status.since < last && at.Anew == 0 {
		at.Event, at.Anew = 0, last+1
		return s.events(ctx, subscription, at)
	}
	if at.Anew > 0 {
		at.Anew = max(at.Anew, status.since)
	}
	status.events = slices.DeleteFunc(status.events, func(e event) bool { return e.number > 0 && e.number <= last })
	heard, _ := s.entries(w.Entry[1:], 1, true)
	heard = status.heard(heard)
	objects, read := heard.Objects, last
	first := map[intake.Ref]int64{} // of the events that name it, 0 where one has no number
	for _, e := range status.events {
		read = max(read, e.number)
		for _, ref := range e.refs() {
			if n, named := first[ref]; !named || e.number < n {
				first[ref] = e.number
			}
		}
	}
	by := func(ref intake.Ref) int64 { return cmp.Or(first[ref], read) }
	slices.SortStableFunc(heard.Fetch, func(a, b intake.Ref) int { return cmp.Compare(by(a), by(b)) })
	var once, again []intake.Ref // no number says of the latter that they were read: each answer names them
	for _, ref := range heard.Fetch {
		if n, named := first[ref]; n == 0 && (named || read == last) {
			again = append(again, ref)
		} else {
			once = append(once, ref)
		}
	}
	if at.Turn >= len(again) {
		at.Turn = 0
	}
	again = again[at.Turn:min(at.Turn+fetchedAtOnce, len(again))]
	told := max(at.Anew, status.since)
	for i, ref := range slices.Concat(once, again) {
		if i >= fetchedAtOnce && i < len(once) && by(ref) > by(once[0]) {
			at.Event = by(ref) - 1
			return objects, told == 0 || told > at.Event, nil
		}
		found, err := s.fetch(ctx, ref)
		if said, is := errors.AsType[*dental.Error](err); is && said.Kind == dental.Invalid && said.Field != "secrets."+TokenSecret {
			found, err = unreadable(ref, err), nil // the server has answered just now: it does not give this one
		}
		if err != nil {
			return nil, false, err
		}
		objects = append(objects, found...)
	}
	at.Event, at.Turn = read, at.Turn+len(again)
	return objects, told > read && read > last, nil
}

// answer is what a server said.
type answer struct{ ask.Answer }

// get asks for one address.
func (s *session) get(ctx context.Context, address string) (answer, error) {
	header := map[string]string{"Accept": "application/fhir+json"}
	if s.header != "" {
		header["Authorization"] = s.header
	}
	said, err := ask.Do(ctx, s.calls, ask.Question{Vendor: "the FHIR server", Method: http.MethodGet, Address: address, Header: header, Most: longestPage})
	if err != nil {
		return answer{}, err
	}
	if len(said.Body) > longestPage {
		return answer{}, dental.Errorf(dental.Unavailable, "", "the FHIR server's answer is longer than %d MB", longestPage>>20)
	}
	return answer{said}, nil
}

// outcome is the first code of an OperationOutcome, "" where the answer is none.
func (a answer) outcome() string {
	var w struct {
		ResourceType string `json:"resourceType"`
		Issue        []struct {
			Code string `json:"code"`
		} `json:"issue"`
	}
	if decode(a.Body, &w) != nil || w.ResourceType != "OperationOutcome" {
		return ""
	}
	if len(w.Issue) == 0 {
		return "unknown"
	}
	return cmp.Or(line(w.Issue[0].Code), "unknown")
}

// refusal is the error of an answer that is not the one asked for. What the
// server says in words may be personal, so that only its code is repeated.
func (a answer) refusal() error {
	said := fmt.Sprintf("status %d", a.Status)
	if code := a.outcome(); code != "" {
		said += ", " + code
	}
	switch {
	case a.Status == http.StatusUnauthorized:
		return ask.Invalid("secrets."+TokenSecret, "the FHIR server does not accept the token ("+said+")", nil)
	case a.Status == http.StatusForbidden:
		return dental.Errorf(dental.Invalid, "secrets."+TokenSecret, "the FHIR server shows nothing to this token (%s)", said)
	case a.Status/100 == 3:
		return ask.Invalid("settings."+URLSetting, "the FHIR server has another address now ("+said+")", nil)
	case a.Status == http.StatusTooManyRequests || a.Status == http.StatusRequestTimeout || a.Status/100 == 5 && a.Status != http.StatusNotImplemented:
		return a.Later(dental.Errorf(dental.Unavailable, "", "the FHIR server cannot answer now (%s)", said))
	}
	return dental.Errorf(dental.Invalid, "settings."+URLSetting, "the FHIR server does not answer such questions (%s)", said)
}
