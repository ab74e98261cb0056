package bitrix24

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/portal"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/ask"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

var _ pull.System = (*Client)(nil)

// Client reads contacts and deals by the account's incoming webhook, which needs
// the scope "crm". It is safe for concurrent use.
type Client struct {
	calls *wire.Client
	hosts []string
}

// New makes a client. hosts are the hosts, with their port if they have one, that
// may be called beside the portals of Bitrix24's cloud.
func New(calls *wire.Client, hosts ...string) *Client { return &Client{calls: calls, hosts: hosts} }

// Fetch reads one contact, or a deal with its products and its contact.
func (c *Client) Fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	if !number.MatchString(ref.ID) || ref.Kind != contacts && ref.Kind != deals {
		return nil, dental.Errorf(dental.Invalid, "kind", "Bitrix24 has no %.20q to read", ref.Kind)
	}
	objects, err := c.fetch(ctx, cl, account, ref, now)
	if said, ok := errors.AsType[*refusal](err); ok && said.gone() {
		return []intake.Object{removed(cl, ref)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bitrix24: read %s %s: %w", ref.Kind, ref.ID, err)
	}
	return objects, nil
}

func (c *Client) fetch(ctx context.Context, cl *dental.Clinic, account dental.Account, ref intake.Ref, now time.Time) ([]intake.Object, error) {
	if ref.Kind == contacts {
		var of contact
		if err := c.call(ctx, account, "crm.contact.get", params{"id": ref.ID}, &of); err != nil {
			return nil, err
		}
		return []intake.Object{of.object(cl)}, nil
	}
	var raw map[string]json.RawMessage
	if err := c.call(ctx, account, "crm.deal.get", params{"id": ref.ID}, &raw); err != nil {
		return nil, err
	}
	d, err := dealOf(account, raw)
	if err != nil {
		return nil, err
	}
	return c.deal(ctx, cl, account, d, true, now)
}

// deal makes objects of a deal: with its contact, so that a patient is known
// before what became of them, where that is wanted.
func (c *Client) deal(ctx context.Context, cl *dental.Clinic, account dental.Account, d deal, withContact bool, now time.Time) ([]intake.Object, error) {
	var out []intake.Object
	if withContact && number.MatchString(string(d.CONTACT_ID)) {
		some, err := c.fetch(ctx, cl, account, intake.Ref{Kind: contacts, ID: string(d.CONTACT_ID)}, now)
		if err != nil && !unseen(err) { // deleted, or out of the webhook's sight
			return nil, err
		}
		out = some
	}
	var products []product
	if err := c.call(ctx, account, "crm.deal.productrows.get", params{"id": string(d.ID)}, &products); err != nil {
		return nil, err
	}
	return append(out, d.object(cl, account, products, now)), nil
}

// dealOf is a deal as the API writes it.
func dealOf(account dental.Account, raw map[string]json.RawMessage) (deal, error) {
	var d deal
	whole, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(whole, &d)
	}
	if err != nil || !number.MatchString(string(d.ID)) {
		return deal{}, ask.Unavailable("Bitrix24's answer cannot be read", errors.New("a deal without a number"))
	}
	if field := account.Settings[StartSetting]; field != "" {
		_ = d.Start.UnmarshalJSON(raw[field]) // of another type it is none
	}
	return d, nil
}

// place is a cursor: what is being listed, and how far.
type place struct {
	List  string `json:"list"`
	After string `json:"after"` // the id of the last one
	// Since is from when on what was changed is asked for, and Next what it is the next time.
	Since string `json:"since,omitempty"`
	Next  string `json:"next,omitempty"`
}

const (
	listed  = 50 // rows a page of a list
	dealt   = 10 // deals, each of which has its products read
	overlap = 5 * time.Minute
)

// Changed lists what was changed since the last time, contacts before deals, by
// their ids: fifty contacts or ten deals a page.
func (c *Client) Changed(ctx context.Context, cl *dental.Clinic, account dental.Account, cursor string, now time.Time) (pull.Page, error) {
	at := place{}
	if json.Unmarshal([]byte(cursor), &at) != nil || at.List != contacts && at.List != deals || !number.MatchString(at.After) && at.After != "0" {
		at = place{List: contacts, After: "0"}
	}
	if at.Next == "" {
		at.Next = now.Add(-overlap).UTC().Format(time.RFC3339)
	}
	filter := params{">ID": at.After}
	if at.Since != "" {
		filter[">=DATE_MODIFY"] = at.Since
	}
	query := params{"order": params{"ID": "ASC"}, "filter": filter, "start": -1}
	page, full := pull.Page{More: true}, false
	switch at.List {
	case contacts:
		query["select"] = []string{"ID", "NAME", "SECOND_NAME", "LAST_NAME", "BIRTHDATE", "DATE_MODIFY", "PHONE", "EMAIL"}
		var rows []contact
		if err := c.call(ctx, account, "crm.contact.list", query, &rows); err != nil {
			return pull.Page{}, fmt.Errorf("bitrix24: list contacts: %w", err)
		}
		for _, r := range rows {
			if number.MatchString(string(r.ID)) {
				page.Objects, at.After = append(page.Objects, r.object(cl)), string(r.ID)
			}
		}
		full = len(rows) >= listed
	case deals:
		query["select"] = []string{"*", "UF_*"}
		var rows []map[string]json.RawMessage
		if err := c.call(ctx, account, "crm.deal.list", query, &rows); err != nil {
			return pull.Page{}, fmt.Errorf("bitrix24: list deals: %w", err)
		}
		full = len(rows) > dealt
		for _, raw := range rows[:min(len(rows), dealt)] {
			d, err := dealOf(account, raw)
			if err != nil {
				return pull.Page{}, fmt.Errorf("bitrix24: list deals: %w", err)
			}
			ref := intake.Ref{Kind: deals, ID: string(d.ID)}
			objects, err := c.deal(ctx, cl, account, d, false, now)
			said, refused := errors.AsType[*refusal](err)
			switch { // what became of it since it was listed stops no other
			case refused && said.gone():
				objects = []intake.Object{removed(cl, ref)}
			case unseen(err): // it is refused by its name
				objects = []intake.Object{{System: dental.Bitrix24, Kind: ref.Kind, ID: ref.ID, Unreadable: err}}
			case err != nil:
				return pull.Page{}, fmt.Errorf("bitrix24: list deals: %w", err)
			}
			page.Objects, at.After = append(page.Objects, objects...), ref.ID
		}
	}
	if !full {
		at.After = "0"
		if at.List == contacts {
			at.List = deals
		} else {
			at, page.More = place{List: contacts, After: "0", Since: at.Next}, false
		}
	}
	raw, err := json.Marshal(at)
	if err != nil {
		return pull.Page{}, fmt.Errorf("bitrix24: write the cursor: %w", err)
	}
	page.Cursor = string(raw)
	return page, nil
}

// params are the parameters of a method.
type params map[string]any

// longest is far above an answer of fifty rows.
const longest = 4 << 20

// call calls a method and reads what it returns.
func (c *Client) call(ctx context.Context, account dental.Account, method string, of params, result any) error {
	if err := Validate(account, c.hosts...); err != nil {
		return ask.Account(err)
	}
	at, err := portal.Open(account, c.hosts)
	if err != nil {
		return ask.Account(err)
	}
	body, err := json.Marshal(of)
	if err != nil {
		return fmt.Errorf("write the parameters of %s: %w", method, err)
	}
	said, err := ask.Do(ctx, c.calls, ask.Question{Vendor: "Bitrix24", Method: http.MethodPost, Address: at.Base + method, Secret: at.Secret, Body: body, Most: longest,
		Header: map[string]string{"Content-Type": "application/json", "Accept": "application/json"}})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return answer(method, said, result)
}

// answer takes an answer apart. That the key "error" is there tells an error, not
// its value and not the status: https://apidocs.bitrix24.com/error-codes.html
func answer(method string, from ask.Answer, result any) error {
	var a struct {
		Result      json.RawMessage `json:"result"`
		Error       *text           `json:"error"`
		Description text            `json:"error_description"`
	}
	status := from.Status
	said := &refusal{method: method, status: status}
	err := strictjson.Decode(from.Body, longest, &a)
	switch {
	case err != nil && (status/100 == 3 || status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound):
		return ask.Invalid("", "there is no Bitrix24 at the portal's address", said)
	case err != nil:
		return from.Later(ask.Unavailable("Bitrix24's answer cannot be read", said))
	case a.Error != nil:
		words := strings.ToLower(string(*a.Error) + " " + strings.TrimSpace(string(a.Description)))
		said.code, said.missing = string(*a.Error), strings.EqualFold(strings.TrimSpace(string(a.Description)), "Not found")
		said.denied = strings.Contains(words, "access denied") || strings.Contains(words, "access_denied")
		return said.judge(from)
	case status/100 != 2 || len(a.Result) == 0:
		return ask.Unavailable("Bitrix24's answer cannot be read", said)
	case json.Unmarshal(a.Result, result) != nil:
		return ask.Unavailable("Bitrix24's answer cannot be read", said)
	}
	return nil
}

// refusal is an error that the portal said. Its words are not kept: they may be a person's.
type refusal struct {
	method  string
	status  int
	code    string
	missing bool // it says "Not found"
	denied  bool // it says "Access denied"
}

func (r *refusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%s: HTTP %d %.40s", r.method, r.status, r.code))
}

// gone reports whether there is no such object: an error without a code, or with
// the one of newer methods.
func (r *refusal) gone() bool { return r.missing && (r.code == "" || r.code == "NOT_FOUND") }

// judge says whose turn it is. Of what the webhook's user may not see the portal
// says by the status 400 that access is denied, with a code or without one.
func (r *refusal) judge(from ask.Answer) error {
	invalid := func(message string) error { return ask.Invalid("", message, r) }
	switch {
	case r.gone():
		return ask.Refused("Bitrix24 has no such object", r)
	case r.code == "QUERY_LIMIT_EXCEEDED" || r.code == "OPERATION_TIME_LIMIT":
		return from.Later(ask.Unavailable("Bitrix24 takes no more calls just now", r))
	case r.code == "INTERNAL_SERVER_ERROR" || r.code == "ERROR_UNEXPECTED_ANSWER" || r.status >= 500 || r.status == http.StatusTooManyRequests:
		return from.Later(ask.Unavailable("Bitrix24 failed inside", r))
	case r.code == "NO_AUTH_FOUND" || r.code == "INVALID_CREDENTIALS" || r.code == "expired_token":
		return invalid("Bitrix24 knows no such webhook: check its user and its code, or make a new one")
	case r.code == "insufficient_scope" || r.code == "ERROR_METHOD_NOT_FOUND":
		return invalid("the webhook is allowed too little: it needs CRM (crm)")
	case r.status == http.StatusUnauthorized || r.status == http.StatusPaymentRequired || r.status == http.StatusForbidden:
		return invalid("Bitrix24 refused: check the portal's tariff and what the webhook's user may see")
	case r.denied:
		return ask.Refused("Bitrix24 refused: check what the webhook's user may see", r)
	}
	return from.Later(ask.Unavailable("Bitrix24 gave an answer that is not known here", r))
}

// unseen reports whether an error is of an object that the portal does not have
// or does not show.
func unseen(err error) bool {
	return dental.KindOf(err) == dental.Invalid && !errors.Is(err, pull.ErrAccount)
}
