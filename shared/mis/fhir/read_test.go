package fhir_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
)

// heard puts in words what a delivery says.
func heard(t *testing.T, a dental.Account, header http.Header, body string) string {
	t.Helper()
	h, err := fhir.Read(clinic(), a, intake.Delivery{Header: header, Body: []byte(body), At: now})
	if err != nil {
		if dental.KindOf(err) != dental.Invalid {
			t.Fatalf("the error is of the kind %q: %v", dental.KindOf(err), err)
		}
		return "refused: " + err.Error()
	}
	if !strings.Contains(string(h.Answer), `"resourceType":"OperationOutcome"`) {
		t.Errorf("the answer is %s", h.Answer)
	}
	var words []string
	if h.Silent != "" {
		words = append(words, "silent: "+h.Silent)
	}
	for _, o := range h.Objects {
		gone := ""
		if o.Gone {
			gone = " gone"
		}
		words = append(words, fmt.Sprintf("%s %s with %d%s", o.Kind, o.ID, len(o.Facts), gone))
	}
	for _, r := range h.Fetch {
		words = append(words, "ask for "+r.Kind+" "+r.ID)
	}
	if h.Gap {
		words = append(words, "gap")
	}
	return strings.Join(words, ", ")
}

// status is a notification of the Backport guide: what its Parameters say after
// its type, and its other entries.
func status(kind, parameters, entries string) string {
	if parameters != "" {
		parameters = "," + parameters
	}
	if entries != "" {
		entries = "," + entries
	}
	return `{"resourceType":"Bundle","id":"n","type":"history","timestamp":"2020-05-29T11:44:13.1882432-05:00","entry":[
		{"fullUrl":"urn:uuid:292d3c72-edc1-4d8a-afaa-d85e19c7f563","resource":{"resourceType":"Parameters","id":"292d3c72-edc1-4d8a-afaa-d85e19c7f563",
		"meta":{"profile":["http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"]},"parameter":[
		{"name":"subscription","valueReference":{"reference":"https://example.org/fhir/r4/Subscription/admission"}},{"name":"topic","valueCanonical":"http://example.org/FHIR/SubscriptionTopic/admission"},
		{"name":"type","valueCode":"` + kind + `"}` + parameters + `]},"request":{"method":"GET","url":"https://example.org/fhir/r4/Subscription/admission/$status"},"response":{"status":"200"}}` + entries + `]}`
}

func since(n int) string {
	return fmt.Sprintf(`{"name":"events-since-subscription-start","valueString":"%d"}`, n)
}

func event(n int, focus string) string {
	if focus != "" {
		focus = `,{"name":"focus","valueReference":{"reference":"https://example.org/fhir/r4/` + focus + `"}}`
	}
	return fmt.Sprintf(`{"name":"notification-event","part":[{"name":"event-number","valueString":"%d"},{"name":"timestamp","valueInstant":"2020-05-29T11:44:13.1882432-05:00"}%s]}`, n, focus)
}

const (
	ended = `{"fullUrl":"https://example.org/fhir/r4/Encounter/1","resource":{"resourceType":"Encounter","id":"1","status":"finished","period":{"end":"2026-05-20T10:00:00Z"},"subject":{"reference":"https://example.org/fhir/r4/Patient/2"}},
		"request":{"method":"POST","url":"Encounter"},"response":{"status":"201"}}`
	dropped = `{"fullUrl":"https://example.org/fhir/r4/Encounter/1","request":{"method":"DELETE","url":"Encounter/1"},"response":{"status":"204"}}`
)

func TestADeliveryOfAServer(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"a handshake", status("handshake", since(0), ""), "silent: handshake"},
		{"a handshake after events, of a Subscription that was broken off", status("handshake", since(7), ""), "silent: handshake, gap"},
		{"a heartbeat", status("heartbeat", since(7), ""), "silent: heartbeat"},
		{"a heartbeat of a Subscription in error", status("heartbeat", `{"name":"status","valueCode":"error"}`, ""), "silent: heartbeat, gap"},
		{"an event in full", status("event-notification", since(2)+","+event(2, "Encounter/1"), ended), "Encounter 1 with 1"},
		{"an event of which only the id is said", status("event-notification", since(2)+","+event(2, "Encounter/1"), ""), "ask for Encounter 1"},
		{"an event of which only the id is said, in an entry too", status("event-notification", since(2)+","+event(2, "Encounter/1"), `{"fullUrl":"https://example.org/fhir/r4/Encounter/1","request":{"method":"POST","url":"Encounter"},"response":{"status":"201"}}`), "ask for Encounter 1"},
		{"an event of which nothing is said", status("event-notification", since(2)+","+event(2, ""), ""), "gap"},
		{"an event without so much as its number", status("event-notification", since(2), ""), "gap"},
		{"a deletion", status("event-notification", since(2)+","+event(2, "Encounter/1"), dropped), "Encounter 1 with 0 gone"},
		{"an event of what does not matter", status("event-notification", since(2)+","+event(2, "Observation/1"), ""), "silent: other"},
		{"several events", status("event-notification", since(3)+","+event(2, "Encounter/1")+","+event(3, "Patient/2"), ended), "Encounter 1 with 1, ask for Patient 2"},
		{"several events, of which one is missing", status("event-notification", since(4)+","+event(2, "Encounter/1")+","+event(4, "Patient/2"), ""), "ask for Encounter 1, ask for Patient 2, gap"},
		{"fewer events than there were", status("event-notification", since(5)+","+event(2, "Encounter/1"), ""), "ask for Encounter 1, gap"},
		{"events asked for", status("query-event", since(2)+","+event(1, "Encounter/1")+","+event(2, "Encounter/1"), ""), "ask for Encounter 1"},
		{"an event by R4B's resource", `{"resourceType":"Bundle","type":"history","entry":[{"resource":{"resourceType":"SubscriptionStatus","status":"active","type":"event-notification","eventsSinceSubscriptionStart":"2",
			"notificationEvent":[{"eventNumber":"2","focus":{"reference":"Encounter/1"}}]}}]}`, "ask for Encounter 1"},
		{"a handshake by R4B's resource", `{"resourceType":"Bundle","type":"history","entry":[{"resource":{"resourceType":"SubscriptionStatus","type":"handshake","eventsSinceSubscriptionStart":0}}]}`, "silent: handshake"},
		{"Parameters that are no status", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Parameters","parameter":[{"name":"x"}]}}]}`, "silent: other"},
		{"a plain Bundle", `{"resourceType":"Bundle","type":"transaction","entry":[` + ended + `,` + dropped + `]}`, "Encounter 1 with 1, Encounter 1 with 0 gone"},
		{"one resource", `{"resourceType":"Patient","id":"2"}`, "Patient 2 with 1"},
		{"one that does not matter", `{"resourceType":"Location","id":"2"}`, "silent: other"},
		{"one of which a part was left out", `{"resourceType":"Patient","id":"2","meta":{"tag":[{"code":"SUBSETTED"}]}}`, "ask for Patient 2"},
		{"an encounter without a time, which is no visit any more", `{"resourceType":"Encounter","id":"1","status":"finished","subject":{"reference":"Patient/2"}}`, "Encounter 1 with 0"},
		{"an empty Bundle", `{"resourceType":"Bundle","type":"collection"}`, "silent: other"},
		{"no body, of a Subscription without a payload", " \n", "gap"},
		{"XML", "<Patient/>", "refused: fhir: read: the document is XML: let the Subscription's payload be application/fhir+json"},
		{"a key twice", `{"resourceType":"Patient","id":"1","id":"2"}`, "refused: fhir: read: id: is given twice in one object"},
		{"a key twice in an entry", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1","id":"2"}}]}`, "refused: fhir: read: entry[0].resource.id: is given twice in one object"},
		{"no resource", `{"a":1}`, "refused: fhir: read: resourceType: must be the name of a type of resource"},
		{"an entry that is no resource", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"Patient","id":7}}]}`, "Patient 1 with 1, gap"},
		{"an entry that is no resource and has an address", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1"}},{"fullUrl":"https://example.org/fhir/Patient/7","resource":{"resourceType":"Patient","id":"7","name":7}}]}`, "Patient 1 with 1, ask for Patient 7"},
		{"an event whose resource cannot be read", status("event-notification", since(2)+","+event(2, "Encounter/1"), strings.Replace(ended, `"period"`, `"type":7,"period"`, 1)), "ask for Encounter 1"},
		{"entries that are all no resources", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":7}},7]}`, "refused: fhir: read: entry[0].resource.id: must be a string"},
		{"a resource without an id", `{"resourceType":"Patient"}`, "refused: fhir: read: Patient.id: must be there, and of at most 200 bytes"},
		{"a list", `[]`, "refused: fhir: read: the document must be an object"},
		{"nothing but null", `null`, "refused: fhir: read: the document must not be null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := heard(t, dental.Account{}, nil, c.body); got != c.want {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}

func TestADeliveryTooLongIsRefused(t *testing.T) {
	if got := heard(t, dental.Account{}, nil, strings.Repeat(" ", fhir.Largest)+`{"resourceType":"Patient","id":"1"}`); !strings.HasPrefix(got, "refused: ") {
		t.Errorf("it says %q", got)
	}
}

func TestASignatureIsAskedForWhereTheAccountHasAKey(t *testing.T) {
	const key, body = "0123456789abcdef", `{"resourceType":"Patient","id":"1"}`
	account := dental.Account{Secrets: map[string]dental.Secret{fhir.SignatureSecret: key}}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	right := hex.EncodeToString(mac.Sum(nil))
	for _, c := range []struct {
		name, header, value string
		ok                  bool
	}{
		{"WebSub's, right", "X-Hub-Signature", "sha256=" + right, true},
		{"in capitals", "X-Hub-Signature", "sha256=" + strings.ToUpper(right), true},
		{"Medplum's, right", "X-Signature", right, true},
		{"wrong", "X-Hub-Signature", "sha256=" + strings.Repeat("0", 64), false},
		{"cut", "X-Hub-Signature", "sha256=" + right[:62], false},
		{"of another algorithm", "X-Hub-Signature", "sha1=" + right, false},
		{"empty", "X-Hub-Signature", "sha256=", false},
		{"no hexadecimal", "X-Hub-Signature", "sha256=zz", false},
		{"missing", "X-Other", right, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := heard(t, account, http.Header{http.CanonicalHeaderKey(c.header): {c.value}}, body)
			if (got == "Patient 1 with 1") != c.ok {
				t.Errorf("it says %q", got)
			}
			if strings.Contains(got, right) || strings.Contains(got, key) {
				t.Errorf("%q gives away what it must not", got)
			}
		})
	}
}

func TestADeletionThatOnlyAHeaderTellsIsAskedFor(t *testing.T) {
	header := func(v string) http.Header { return http.Header{"X-Medplum-Deleted-Resource": {v}} }
	for value, want := range map[string]string{"Encounter/1": "ask for Encounter 1", "Observation/1": "silent: other", "nothing": "refused: fhir: read: resourceType: must be the name of a type of resource"} {
		if got := heard(t, dental.Account{}, header(value), "{}"); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}
