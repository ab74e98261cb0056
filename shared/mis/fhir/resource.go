package fhir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/told"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// MaxResource is how many bytes one entry of a Bundle, or one line, may have.
const MaxResource = 4 << 20

// problem is why a resource comes to nothing.
type problem struct {
	load.Fault
	// broken says, for the sender, what is wrong with a document that is no
	// resource of R4. It is "" for a resource that is one, and says too little.
	broken string
	// again names a resource of which only a part was told.
	again intake.Ref
}

// decode reads one document strictly.
func decode(raw []byte, into any) *problem {
	err := strictjson.Decode(raw, MaxResource, into)
	if err == nil {
		return nil
	}
	bad, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return &problem{Fault: load.Fault{Code: "fhir-value"}, broken: "cannot be read"}
	}
	codes := map[strictjson.Kind]string{strictjson.TooLarge: "fhir-large", strictjson.NotJSON: "fhir-syntax", strictjson.BadUTF8: "fhir-utf8",
		strictjson.DuplicateKey: "fhir-duplicate", strictjson.TooDeep: "fhir-deep", strictjson.WrongValue: "fhir-value"}
	return &problem{Fault: load.Fault{Column: bad.Field, Code: codes[bad.Kind]}, broken: bad.Message}
}

// listener is what the reading of resources needs to know beside them.
type listener struct {
	clinic *dental.Clinic
	// everyPlan: each CarePlan is a treatment plan, whatever it is about.
	everyPlan bool
	// at is when it was told: the time of a deletion that says none.
	at time.Time
}

func listen(cl *dental.Clinic, account dental.Account, at time.Time) listener {
	return listener{clinic: cl, everyPlan: account.Settings[PlansSetting] == "all", at: at}
}

// entry is one of a Bundle: https://hl7.org/fhir/R4/bundle.html
type entry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
	Request  struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
	Response struct {
		LastModified string `json:"lastModified"`
		Etag         string `json:"etag"`
	} `json:"response"`
	Search struct {
		Mode string `json:"mode"`
	} `json:"search"`
}

func (e entry) empty() bool { return len(e.Resource) == 0 || string(e.Resource) == "null" }

// urn is the entry's own name within its Bundle, "" where it has an address.
func (e entry) urn() string {
	if base, kind, id, ok := literal(e.FullURL); ok && base == "" && kind == "" {
		return id
	}
	return ""
}

// head is what every resource has.
type head struct {
	ResourceType      string            `json:"resourceType"`
	ID                string            `json:"id"`
	Meta              meta              `json:"meta"`
	Extension         []extension       `json:"extension"`
	ModifierExtension []extension       `json:"modifierExtension"`
	Contained         []json.RawMessage `json:"contained"`
}

// reading is one resource while it is read.
type reading struct {
	listener
	raw  json.RawMessage
	head head
	id   string
	base string // of the server whose the resource is, "" where that is not said
}

// content is what a resource comes to.
type content struct {
	facts []intake.Event
	gone  bool
	at    time.Time // when it came to its state, where the resource's meta does not say
}

// kinds are the types of resource that anything follows from.
var kinds = map[string]func(*reading) (content, *problem){
	"Patient":               (*reading).card,
	"Appointment":           (*reading).appointment,
	"Encounter":             (*reading).visit,
	"Procedure":             (*reading).procedure,
	"Condition":             (*reading).diagnosis,
	"Invoice":               (*reading).invoice,
	"PaymentNotice":         (*reading).notice,
	"PaymentReconciliation": (*reading).reconciliation,
	"CarePlan":              (*reading).plan,
}

// Types lists the types of resource that are asked for, patients first.
func Types() []string {
	return []string{"Patient", "Appointment", "Encounter", "Procedure", "Condition", "Invoice", "PaymentNotice", "PaymentReconciliation", "CarePlan"}
}

// entry reads one entry of a Bundle: its resource, or that there is none any more.
func (l listener) entry(raw []byte) ([]intake.Object, *problem) {
	var e entry
	if p := decode(raw, &e); p != nil {
		return nil, p
	}
	return l.told(e)
}

func (l listener) told(e entry) ([]intake.Object, *problem) {
	switch e.Request.Method {
	case "GET", "HEAD":
		if e.empty() {
			return nil, nil
		}
	case "DELETE":
		_, kind, id, ok := literal(e.Request.URL)
		if !ok || kind == "" {
			return nil, &problem{Fault: load.Fault{Column: "request.url", Code: "fhir-identifier"}}
		}
		at, _ := instant(e.Response.LastModified, time.UTC)
		if at.IsZero() {
			at = l.at
		}
		return l.deleted(kind, id, at), nil
	case "PATCH":
		return nil, &problem{Fault: load.Fault{Column: "request.method", Code: "fhir-patch"}}
	}
	if e.empty() {
		if e.Response.Etag != "" || e.Response.LastModified != "" {
			return nil, nil // an answer to a transaction
		}
		return nil, &problem{Fault: load.Fault{Column: "resource", Code: "fhir-empty"}}
	}
	objects, p := l.resource(e.Resource, e)
	if p != nil && p.broken != "" {
		p.Column = strings.TrimSuffix("resource."+p.Column, ".")
	}
	return objects, p
}

// deleted is an object that is no more. Of a patient the card stays, so that
// what was done stays known: nothing is sent any more, and no later word but a
// card of its own brings it back.
func (l listener) deleted(kind, id string, at time.Time) []intake.Object {
	if kinds[kind] == nil {
		return nil
	}
	o := intake.Object{System: dental.FHIR, Kind: kind, ID: id, Version: at.UnixMilli(), Body: told.Body("gone"), At: at, Gone: true}
	if kind == "Patient" {
		who := told.Patient(dental.FHIR, id)
		o.Gone = false
		o.Facts = []intake.Event{{Type: intake.PatientUpdated,
			Card: &intake.Card{Patient: dental.Patient{Clinic: l.clinic.ID, ID: who, Status: dental.Archived}, Says: intake.Known}}}
	}
	return []intake.Object{o}
}

// resource reads one resource. Of one that is of R4 and yet comes to nothing
// there is a problem, and an object without facts all the same: what it said
// before stands no more.
func (l listener) resource(raw json.RawMessage, e entry) ([]intake.Object, *problem) {
	r := &reading{listener: l, raw: raw}
	if p := decode(raw, &r.head); p != nil {
		return nil, p
	}
	kind := r.head.ResourceType
	if !typeName.MatchString(kind) {
		return nil, &problem{Fault: load.Fault{Column: "resourceType", Code: "fhir-type"}, broken: "must be the name of a type of resource"}
	}
	if kind == "Bundle" {
		return nil, &problem{Fault: load.Fault{Code: "fhir-nested"}}
	}
	read := kinds[kind]
	if read == nil {
		return nil, nil
	}
	r.base, r.id = names(e, r.head)
	if r.id == "" || len(r.id) > 200 {
		return nil, &problem{Fault: load.Fault{Column: kind + ".id", Code: "fhir-id"}, broken: "must be there, and of at most 200 bytes"}
	}
	o := intake.Object{System: dental.FHIR, Kind: kind, ID: r.id, Version: version(r.head.Meta, e)}
	if at, ok := instant(cmp.Or(r.head.Meta.LastUpdated, e.Response.LastModified), time.UTC); ok {
		o.At = at
	}
	c, p := content{}, r.whole()
	if p != nil && p.again.ID != "" {
		return nil, p // a part takes nothing back
	}
	if p == nil {
		if c, p = read(r); p != nil && p.broken != "" {
			return nil, p
		}
	}
	if p != nil {
		c = content{}
	}
	if o.At.IsZero() {
		o.At = c.at
	}
	o.Gone, o.Facts = c.gone, c.facts
	o.Body = told.Body(struct {
		Gone  bool
		Facts []intake.Event
	}{c.gone, c.facts})
	return []intake.Object{o}, p
}

// names gives the resource its id, and the server that it is of. Where a Bundle
// names its entries by urn:uuid, as one that is yet to be stored does, the
// references in it are by that name, and the resource's id is to be ignored:
// https://hl7.org/fhir/R4/http.html#create
func names(e entry, h head) (base, id string) {
	urn := e.urn()
	stored := e.Request.Method == "PUT" && !strings.Contains(e.Request.URL, "?") || e.Search.Mode != "" || e.Response.Etag != "" || e.Response.LastModified != ""
	if urn != "" && (!stored || h.ID == "") {
		id = urn
	}
	if at, kind, own, ok := literal(e.FullURL); ok && kind == h.ResourceType {
		base = at
		id = cmp.Or(id, h.ID, own)
	}
	if _, kind, own, ok := literal(e.Request.URL); ok && kind == h.ResourceType && e.Request.Method == "PUT" {
		id = cmp.Or(id, h.ID, own)
	}
	return base, cmp.Or(id, h.ID)
}

// named is what a resource calls itself, of one too that cannot be read
// otherwise; the zero Ref of what is no resource.
func named(raw []byte) intake.Ref {
	var h struct {
		ResourceType string `json:"resourceType"`
		ID           string `json:"id"`
	}
	_ = json.Unmarshal(raw, &h) // as far as it goes
	if !typeName.MatchString(h.ResourceType) {
		return intake.Ref{}
	}
	return intake.Ref{Kind: h.ResourceType, ID: line(h.ID)}
}

// called is what an entry calls its resource, as named is.
func called(raw []byte) intake.Ref {
	var e struct {
		FullURL  string          `json:"fullUrl"`
		Resource json.RawMessage `json:"resource"`
	}
	_ = json.Unmarshal(raw, &e) // as far as it goes
	if _, kind, id, ok := literal(e.FullURL); ok && kind != "" {
		return intake.Ref{Kind: kind, ID: id}
	}
	return named(e.Resource)
}

// version orders the states of a resource: by the time of the last change, in
// milliseconds, else by the server's own count, else not at all.
func version(m meta, e entry) int64 {
	for _, s := range []string{m.LastUpdated, e.Response.LastModified} {
		if t, ok := instant(s, time.UTC); ok {
			return max(0, t.UnixMilli())
		}
	}
	for _, s := range []string{m.VersionID, strings.Trim(strings.TrimPrefix(e.Response.Etag, "W/"), `"`)} {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// whole refuses a resource that must not be taken for what it seems: one of
// which a search has left parts out, and one with an extension that changes its
// meaning, which a reader that does not know it must not pass over.
// https://hl7.org/fhir/R4/extensibility.html#modifierExtension
func (r *reading) whole() *problem {
	for _, tag := range r.head.Meta.Tag {
		if tag.Code == "SUBSETTED" {
			p := r.unusable("meta.tag", "fhir-partial")
			p.again = intake.Ref{Kind: r.head.ResourceType, ID: r.id}
			return p
		}
	}
	if len(r.head.ModifierExtension) > 0 {
		return r.unusable("modifierExtension", "fhir-modifier")
	}
	return nil
}

// read decodes the resource as its type has it.
func (r *reading) read(into any) *problem { return decode(r.raw, into) }

// unusable says why a resource of R4 comes to nothing.
func (r *reading) unusable(field, code string) *problem {
	return &problem{Fault: load.Fault{Column: r.head.ResourceType + "." + field, Code: code}}
}

// withdrawn is what an entry made in error comes to.
var withdrawn = content{gone: true}

const inError = "entered-in-error"

// invalid is the error of a document that is no resource of R4.
func (p *problem) invalid(path string) error {
	field := strings.Trim(path+"."+p.Column, ".")
	message := cmp.Or(p.broken, "cannot be taken: "+p.Code)
	if field == "" {
		message = "the document " + message
	}
	return fmt.Errorf("fhir: read: %w", dental.Errorf(dental.Invalid, field, "%s", message))
}
