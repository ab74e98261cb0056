package fhir

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/mis/told"
)

// typeName is what the name of a type of resource looks like.
var typeName = regexp.MustCompile(`^[A-Z][A-Za-z]{1,63}$`)

// literal takes a literal reference apart: "Patient/1", "Patient/1/_history/2",
// either of them after a server's base, or "urn:uuid:…", which names no type.
func literal(s string) (base, kind, id string, ok bool) {
	for _, urn := range []string{"urn:uuid:", "urn:oid:"} {
		if rest, is := strings.CutPrefix(s, urn); is {
			return "", "", rest, rest != ""
		}
	}
	s, _, _ = strings.Cut(s, "/_history")
	parts := strings.Split(s, "/")
	n := len(parts)
	if n < 2 || !typeName.MatchString(parts[n-2]) || parts[n-1] == "" || len(parts[n-1]) > 200 {
		return "", "", "", false
	}
	return strings.Join(parts[:n-2], "/"), parts[n-2], parts[n-1], true
}

// sameBase compares the addresses of two servers, whatever their scheme.
func sameBase(a, b string) bool {
	x, errA := url.Parse(a)
	y, errB := url.Parse(b)
	return errA == nil && errB == nil && strings.EqualFold(x.Host, y.Host) && strings.TrimRight(x.Path, "/") == strings.TrimRight(y.Path, "/")
}

// target is what a reference leads to.
type target struct {
	kind string // "" where only the other side knows it, as of urn:uuid
	id   string
	// why is the code of a fault where it leads nowhere, "" with no id where there is no reference.
	why string
}

// resolve follows a reference without looking at any other resource: an object
// is one and the same whether it is read before or after what it names.
func (r *reading) resolve(ref reference, kinds ...string) target {
	s := strings.TrimSpace(ref.Reference)
	if s == "" {
		if ref.Identifier.Value != "" {
			return target{kind: ref.Type, why: "fhir-identifier"}
		}
		return target{}
	}
	if strings.HasPrefix(s, "#") {
		return target{kind: r.contained(s).kind, why: "fhir-contained"}
	}
	if name, _, conditional := strings.Cut(s, "?"); conditional {
		return target{kind: name, why: "fhir-identifier"}
	}
	base, kind, id, ok := literal(s)
	if kind == "" {
		kind = ref.Type
	}
	switch {
	case !ok:
		return target{why: "fhir-reference"}
	case kind != "" && !slices.Contains(kinds, kind):
		return target{kind: kind, why: "fhir-reference"}
	case base != "" && r.base != "" && !sameBase(base, r.base):
		return target{kind: kind, why: "fhir-server"}
	}
	return target{kind: kind, id: id}
}

// patient is whose the resource is.
func (r *reading) patient(field string, ref reference) (string, *problem) {
	t := r.resolve(ref, "Patient")
	switch {
	case t.why != "":
		return "", r.unusable(field, t.why)
	case t.id == "":
		return "", r.unusable(field, "fhir-patient")
	}
	return told.Patient(dental.FHIR, t.id), nil
}

// joined is the id of an encounter or appointment that the resource belongs to, "" for none.
func (r *reading) joined(field string, ref reference, kind string) (string, *problem) {
	t := r.resolve(ref, kind)
	switch {
	case t.why != "":
		return "", r.unusable(field, t.why)
	case t.id == "":
		return "", nil
	}
	return told.ID("", t.id), nil
}

// doctor is who treats. A practitioner's name stands in another resource, so
// the name is what the reference itself displays, or a contained practitioner's.
func (r *reading) doctor(ref reference) dental.Doctor {
	d := dental.Doctor{Name: line(ref.Display)}
	t := r.resolve(ref, "Practitioner", "PractitionerRole")
	within := r.contained(ref.Reference)
	switch {
	case t.id != "" && t.kind == "PractitionerRole":
		d.ID = told.ID("role", t.id)
	case t.id != "":
		d.ID = told.ID("", t.id)
	case ref.Identifier.Value != "":
		d.ID = told.ID("n", ref.Identifier.System+"|"+ref.Identifier.Value)
	case within.kind == "Practitioner" && len(within.Identifier) > 0 && within.Identifier[0].Value != "":
		d.ID = told.ID("n", within.Identifier[0].System+"|"+within.Identifier[0].Value)
	case t.why == "fhir-identifier":
		_, query, _ := strings.Cut(ref.Reference, "?")
		d.ID = told.ID("n", strings.TrimPrefix(query, "identifier="))
	}
	if d.Name == "" && within.kind == "Practitioner" {
		d.Name = within.name()
	}
	return d
}

// inner is what is read of a contained resource.
type inner struct {
	kind string
	raw  json.RawMessage

	Identifier []identifier `json:"identifier"`
	Name       []humanName  `json:"name"`
}

func (i inner) name() string {
	if len(i.Name) == 0 {
		return ""
	}
	n := i.Name[0]
	if n.Text != "" {
		return line(n.Text)
	}
	return line(strings.Join(append(slices.Clone(n.Given), n.Family), " "))
}

// contained finds a resource within this one, by "#id"; the zero one where there is none.
func (r *reading) contained(ref string) inner {
	id, is := strings.CutPrefix(ref, "#")
	if !is || id == "" {
		return inner{}
	}
	for _, raw := range r.head.Contained {
		var h struct {
			ResourceType string `json:"resourceType"`
			ID           string `json:"id"`
		}
		if decode(raw, &h) != nil || strings.TrimPrefix(h.ID, "#") != id {
			continue
		}
		out := inner{}
		if h.ResourceType == "Practitioner" && decode(raw, &out) != nil {
			out = inner{}
		}
		out.kind, out.raw = h.ResourceType, raw
		return out
	}
	return inner{}
}
