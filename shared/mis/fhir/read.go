package fhir

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// Largest is how many bytes one delivery may have.
const Largest = 1 << 20

var _ intake.Reader = Read

// answered is what a FHIR client takes for an answer: HAPI's counts a delivery
// as failed whose answer is no resource.
const answered = `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}`

// Read reads what a FHIR server tells: a notification of a Subscription of the
// Backport guide, a Bundle of another kind, or one resource, as the plain
// Subscriptions of R4 send it. A delivery without a body, of a Subscription
// without a payload, only says that something has changed.
//
// An entry of a Bundle that cannot be read stops no other: the server is asked
// for it, or for all that has changed.
//
// Read remembers nothing, so a gap shows only within one notification: numbers
// that are missing among its events, a count of events beyond the last of them,
// an event of which nothing is said, a Subscription that is in error, or one
// that shakes hands again after events. For a notification that was lost
// altogether the server has to be asked now and then.
func Read(cl *dental.Clinic, a dental.Account, d intake.Delivery) (intake.Heard, error) {
	heard, err := read(cl, a, d)
	if err != nil {
		return intake.Heard{}, err
	}
	if heard.Answer = []byte(answered); len(heard.Objects) == 0 && len(heard.Fetch) == 0 && !heard.Gap && heard.Silent == "" {
		heard.Silent = "other"
	}
	return heard, nil
}

func read(cl *dental.Clinic, a dental.Account, d intake.Delivery) (intake.Heard, error) {
	if err := signed(a, d); err != nil {
		return intake.Heard{}, err
	}
	if kind, id, ok := deletedOf(d.Header); ok {
		// The header is not covered by the signature: the server itself is asked.
		if kinds[kind] == nil {
			return intake.Heard{Silent: "other"}, nil
		}
		return intake.Heard{Fetch: []intake.Ref{{Kind: kind, ID: id}}}, nil
	}
	body := strings.TrimSpace(string(d.Body[:min(len(d.Body), 64)]))
	switch {
	case body == "" && len(d.Body) <= 64:
		return intake.Heard{Gap: true}, nil
	case strings.HasPrefix(body, "<"):
		return intake.Heard{}, fmt.Errorf("fhir: read: %w", dental.Errorf(dental.Invalid, "", "the document is XML: let the Subscription's payload be application/fhir+json"))
	}
	var w struct {
		ResourceType string            `json:"resourceType"`
		Type         string            `json:"type"`
		Entry        []json.RawMessage `json:"entry"`
	}
	var kindOnly struct {
		ResourceType string `json:"resourceType"`
	}
	if err := whole(d.Body, &kindOnly); err != nil {
		return intake.Heard{}, err
	}
	l := listen(cl, a, d.At)
	if kindOnly.ResourceType != "Bundle" {
		objects, p := l.resource(d.Body, entry{})
		if p != nil && p.broken != "" {
			return intake.Heard{}, p.invalid("")
		}
		return intake.Heard{Objects: objects, Fetch: p.fetch()}, nil
	}
	if err := whole(d.Body, &w); err != nil {
		return intake.Heard{}, err
	}
	var status *notification
	entries := w.Entry
	if len(entries) > 0 {
		var err error
		if status, err = notifies(entries[0]); err != nil {
			return intake.Heard{}, err
		}
		if status != nil {
			entries = entries[1:]
		}
	}
	heard, wrong := l.entries(entries, len(w.Entry)-len(entries), status != nil)
	if wrong != nil && len(heard.Objects) == 0 && status == nil {
		return intake.Heard{}, wrong
	}
	if status != nil {
		heard = status.heard(heard)
	}
	return heard, nil
}

// entries reads the entries of a Bundle from the one at the index on. The error
// is the first of those that could not be read. An entry without a resource is
// named by its notification's status.
func (l listener) entries(raws []json.RawMessage, from int, named bool) (heard intake.Heard, wrong error) {
	for i, raw := range raws {
		var e entry
		p := decode(raw, &e)
		var objects []intake.Object
		switch {
		case p != nil:
		case named && e.empty() && e.Request.Method != "DELETE":
			continue
		default:
			objects, p = l.told(e)
		}
		if p != nil && p.broken != "" {
			wrong = cmp.Or(wrong, p.invalid(fmt.Sprintf("entry[%d]", from+i)))
			if ref := e.ref(); ref.ID != "" {
				heard.Fetch = append(heard.Fetch, ref)
			} else {
				heard.Gap = true
			}
			continue
		}
		heard.Objects, heard.Fetch = append(heard.Objects, objects...), append(heard.Fetch, p.fetch()...)
	}
	return heard, wrong
}

// ref names the resource that an entry says it has, by its address; the zero
// Ref where it does not, or where the resource does not matter.
func (e entry) ref() intake.Ref {
	for _, address := range []string{e.FullURL, e.Request.URL} {
		if _, kind, id, ok := literal(address); ok && kinds[kind] != nil {
			return intake.Ref{Kind: kind, ID: id}
		}
	}
	return intake.Ref{}
}

// notifies reads the status that a notification begins with; nil of another Bundle.
func notifies(raw json.RawMessage) (*notification, error) {
	var e entry
	if decode(raw, &e) != nil {
		return nil, nil // whatever it is, it is read as any entry
	}
	n, p := notified(e.Resource)
	if p != nil {
		return nil, p.invalid("entry[0].resource")
	}
	return n, nil
}

// fetch is the resource that is to be read as a whole, if there is one.
func (p *problem) fetch() []intake.Ref {
	if p == nil || p.again.ID == "" {
		return nil
	}
	return []intake.Ref{p.again}
}

// whole reads the body as one document.
func whole(body []byte, into any) error {
	err := strictjson.Decode(body, Largest, into)
	if bad, ok := errors.AsType[*strictjson.Error](err); ok {
		return (&problem{broken: bad.Message}).invalid(bad.Field)
	}
	if err != nil {
		return fmt.Errorf("fhir: read the delivery: %w", err)
	}
	return nil
}

// signed holds a delivery to its signature, where the account has a key:
// HMAC-SHA256 over the body as it came, in hexadecimal.
func signed(a dental.Account, d intake.Delivery) error {
	key := string(a.Secrets[SignatureSecret])
	if key == "" {
		return nil
	}
	given, is := strings.CutPrefix(d.Header.Get("X-Hub-Signature"), "sha256=")
	if !is {
		given = d.Header.Get("X-Signature")
	}
	got, err := hex.DecodeString(given)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(d.Body)
	if err != nil || given == "" || !hmac.Equal(got, mac.Sum(nil)) {
		return fmt.Errorf("fhir: read: %w", dental.Errorf(dental.Invalid, "X-Hub-Signature", "must be sha256= and the HMAC-SHA256 of the body by the key of the account"))
	}
	return nil
}

// deletedOf is what Medplum says of a deletion, beside a body of "{}".
func deletedOf(h http.Header) (kind, id string, ok bool) {
	base, kind, id, ok := literal(h.Get("X-Medplum-Deleted-Resource"))
	return kind, id, ok && base == "" && kind != ""
}

// notification is the status that a Subscription's notification begins with.
type notification struct {
	kind   string // handshake, heartbeat, event-notification, query-event …
	status string
	since  int64 // events since the Subscription began
	events []event
}

type event struct {
	number int64
	focus  []reference
}

// refs are the resources that the event names.
func (e event) refs() (out []intake.Ref) {
	for _, f := range e.focus {
		_, kind, id, ok := literal(f.Reference)
		if kind = cmp.Or(kind, f.Type); ok && kind != "" {
			out = append(out, intake.Ref{Kind: kind, ID: id})
		}
	}
	return out
}

type parameter struct {
	Name           string      `json:"name"`
	ValueString    string      `json:"valueString"`
	ValueCode      string      `json:"valueCode"`
	ValueReference reference   `json:"valueReference"`
	Part           []parameter `json:"part"`
}

// notified reads the status, where the resource is one; nil where it is not. In
// R4 it is a Parameters, in R4B a SubscriptionStatus.
func notified(raw json.RawMessage) (*notification, *problem) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var h struct {
		ResourceType string `json:"resourceType"`
	}
	if decode(raw, &h) != nil {
		return nil, nil
	}
	switch h.ResourceType {
	case "Parameters":
		return ofParameters(raw)
	case "SubscriptionStatus":
		return ofStatus(raw)
	}
	return nil, nil
}

func ofParameters(raw json.RawMessage) (*notification, *problem) {
	var w struct {
		Parameter []parameter `json:"parameter"`
	}
	if p := decode(raw, &w); p != nil {
		return nil, p
	}
	n := &notification{}
	for _, x := range w.Parameter {
		switch x.Name {
		case "type":
			n.kind = x.ValueCode
		case "status":
			n.status = x.ValueCode
		case "events-since-subscription-start":
			n.since = number(x.ValueString)
		case "notification-event":
			e := event{}
			for _, part := range x.Part {
				switch part.Name {
				case "event-number":
					e.number = number(part.ValueString)
				case "focus":
					e.focus = append(e.focus, part.ValueReference)
				case "additional-context":
					e.focus = append(e.focus, part.ValueReference)
				}
			}
			n.events = append(n.events, e)
		}
	}
	if n.kind == "" {
		return nil, nil // another use of Parameters
	}
	return n, nil
}

func ofStatus(raw json.RawMessage) (*notification, *problem) {
	var w struct {
		Type   string          `json:"type"`
		Status string          `json:"status"`
		Since  json.RawMessage `json:"eventsSinceSubscriptionStart"`
		Events []struct {
			Number  json.RawMessage `json:"eventNumber"`
			Focus   reference       `json:"focus"`
			Context []reference     `json:"additionalContext"`
		} `json:"notificationEvent"`
	}
	if p := decode(raw, &w); p != nil {
		return nil, p
	}
	n := &notification{kind: w.Type, status: w.Status, since: number(string(w.Since))}
	for _, e := range w.Events {
		n.events = append(n.events, event{number: number(string(e.Number)), focus: append([]reference{e.Focus}, e.Context...)})
	}
	return n, nil
}

// number is a count, which R4 writes as a string; 0 where it is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(strings.Trim(s, `"`), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// heard adds to the objects of a notification what its status says.
func (n *notification) heard(h intake.Heard) intake.Heard {
	switch n.kind {
	case "handshake":
		h.Silent, h.Gap = "handshake", n.since > 0 // it was broken off, and is begun again
		return h
	case "heartbeat":
		h.Silent, h.Gap = "heartbeat", n.status == "error"
		return h
	}
	numbers := make([]int64, 0, len(n.events))
	for _, e := range n.events {
		if e.number > 0 && !slices.Contains(numbers, e.number) {
			numbers = append(numbers, e.number)
		}
		refs := e.refs()
		for _, ref := range refs {
			said := slices.ContainsFunc(h.Objects, func(o intake.Object) bool { return o.Kind == ref.Kind && o.ID == ref.ID })
			if kinds[ref.Kind] != nil && !said && !slices.Contains(h.Fetch, ref) {
				h.Fetch = append(h.Fetch, ref)
			}
		}
		h.Gap = h.Gap || len(refs) == 0 && len(h.Objects) == 0
	}
	slices.Sort(numbers)
	for i := 1; i < len(numbers); i++ {
		h.Gap = h.Gap || numbers[i] != numbers[i-1]+1
	}
	if len(numbers) > 0 && n.since > numbers[len(numbers)-1] || len(n.events) == 0 && len(h.Objects) == 0 || n.status == "error" {
		h.Gap = true
	}
	return h
}
