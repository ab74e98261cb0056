package whatsapp

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

func TestOnlyMetasSignatureOfExactlyTheseBytesIsTaken(t *testing.T) {
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"text":"\u0441\u0442\u043e\u043f"}]}`)
	good := sign(body, cloudSecret)
	hex := strings.TrimPrefix(good, "sha256=")
	for name, k := range map[string]struct {
		body   []byte
		header string
		secret dental.Secret
		want   bool
	}{
		"the signature":                  {body, good, cloudSecret, true},
		"its digits in upper case":       {body, "sha256=" + strings.ToUpper(hex), cloudSecret, true},
		"an empty body":                  {nil, sign(nil, cloudSecret), cloudSecret, true},
		"no header":                      {body, "", cloudSecret, false},
		"no prefix":                      {body, hex, cloudSecret, false},
		"a prefix in upper case":         {body, "SHA256=" + hex, cloudSecret, false},
		"the prefix of the old header":   {body, "sha1=" + hex, cloudSecret, false},
		"the prefix alone":               {body, "sha256=", cloudSecret, false},
		"the prefix twice":               {body, "sha256=" + good, cloudSecret, false},
		"a digit less":                   {body, good[:len(good)-1], cloudSecret, false},
		"a byte less":                    {body, good[:len(good)-2], cloudSecret, false},
		"a byte more":                    {body, good + "00", cloudSecret, false},
		"a space before":                 {body, " " + good, cloudSecret, false},
		"a space after":                  {body, good + " ", cloudSecret, false},
		"no hexadecimal digits":          {body, "sha256=" + strings.Repeat("z", 64), cloudSecret, false},
		"two signatures":                 {body, good + "," + good, cloudSecret, false},
		"a wrong key":                    {body, sign(body, "another"), cloudSecret, false},
		"the key in another case":        {body, sign(body, strings.ToUpper(cloudSecret)), cloudSecret, false},
		"the same body written anew":     {[]byte(`{"object":"whatsapp_business_account","entry":[{"text":"стоп"}]}`), good, cloudSecret, false},
		"a body with a space more":       {append(slices.Clone(body), ' '), good, cloudSecret, false},
		"a signature by nobody's secret": {body, sign(body, ""), "", false},
		"no secret":                      {body, good, "", false},
	} {
		if got := Verify(k.body, k.header, k.secret); got != k.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheChallengeIsAnsweredToWhoeverKnowsTheToken(t *testing.T) {
	query := func(pairs ...string) url.Values {
		q := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {cloudVerify}, "hub.challenge": {"1158201444"}}
		for i := 0; i < len(pairs); i += 2 {
			q[pairs[i]] = nil
			if pairs[i+1] != "" {
				q[pairs[i]] = strings.Split(pairs[i+1], "&")
			}
		}
		return q
	}
	if answer, ok := Challenge(query(), cloudVerify); answer != "1158201444" || !ok {
		t.Errorf("got %q, %v", answer, ok)
	}
	for name, k := range map[string]struct {
		q     url.Values
		token string
	}{
		"an empty query":                {url.Values{}, cloudVerify},
		"a wrong token":                 {query("hub.verify_token", "another"), cloudVerify},
		"a part of the token":           {query("hub.verify_token", cloudVerify[:5]), cloudVerify},
		"no token":                      {query("hub.verify_token", ""), cloudVerify},
		"two tokens":                    {query("hub.verify_token", "another&"+cloudVerify), cloudVerify},
		"an account without a token":    {query("hub.verify_token", ""), ""},
		"an account without, and empty": {url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {""}, "hub.challenge": {"1"}}, ""},
		"another mode":                  {query("hub.mode", "unsubscribe"), cloudVerify},
		"no mode":                       {query("hub.mode", ""), cloudVerify},
		"no challenge":                  {query("hub.challenge", ""), cloudVerify},
		"two challenges":                {query("hub.challenge", "1&2"), cloudVerify},
		"a challenge that is a page":    {query("hub.challenge", "<script>"), cloudVerify},
		"a challenge too long":          {query("hub.challenge", strings.Repeat("1", 129)), cloudVerify},
	} {
		if answer, ok := Challenge(k.q, k.token); answer != "" || ok {
			t.Errorf("%s: %q, %v", name, answer, ok)
		}
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The ids of the fixtures' messages.
const (
	firstID  = "wamid.HBgLNzAwMDAwMDAwMDEVAgARGBIwMDAwMDAwMDAwMDAwMDAwMDEA"
	secondID = "wamid.HBgLNzAwMDAwMDAwMDIVAgARGBIwMDAwMDAwMDAwMDAwMDAwMDIA"
	thirdID  = "wamid.HBgLNzAwMDAwMDAwMDEVAgASGBQzQTAwMDAwMDAwMDAwMDAwMDAwMwA="
	fourthID = "wamid.HBgLNzAwMDAwMDAwMDIVAgASGBQzQTAwMDAwMDAwMDAwMDAwMDAwNAA="
)

// The instants of the fixtures.
func second(s int64) time.Time { return time.Unix(1779447600+s, 0).UTC() }

func report(kind outreach.ReportKind, code string, s int64) outreach.Report {
	return outreach.Report{Touch: message().Touch, Attempt: "a1.xyz", Channel: "whatsapp", ProviderID: ID(firstID), Kind: kind, Code: code, At: second(s)}
}

func untouched(r outreach.Report) outreach.Report {
	r.Touch, r.Attempt = outreach.TouchRef{}, ""
	return r
}

func TestEachUpdateSaysWhatItSaysAndNoMore(t *testing.T) {
	other := report(outreach.ReportUndelivered, "131026", 5)
	other.Touch = outreach.TouchRef{Clinic: "demo", Patient: "P-78", Scenario: "recall", Step: "first", Anchor: "2026-11-22"}
	other.Attempt, other.ProviderID = "b2", ID(secondID)
	text := Inbound{From: nobody, Text: "СТОП", ID: ID(thirdID), At: second(10)}
	button := Inbound{From: "+70000000002", Text: "Да, приду", ID: ID(fourthID), At: second(11)}
	cases := map[string]struct {
		reports []outreach.Report
		inbound []Inbound
	}{
		"sent":                   {[]outreach.Report{report(outreach.ReportAccepted, "sent", 0)}, nil},
		"delivered":              {[]outreach.Report{report(outreach.ReportDelivered, "delivered", 2)}, nil},
		"read":                   {[]outreach.Report{report(outreach.ReportDelivered, "read", 3)}, nil},
		"failed":                 {[]outreach.Report{report(outreach.ReportUndelivered, "131049", 4)}, nil},
		"failed-code-as-text":    {[]outreach.Report{report(outreach.ReportUndelivered, "132015", 4)}, nil},
		"failed-without-errors":  {[]outreach.Report{report(outreach.ReportUndelivered, "failed", 4)}, nil},
		"failed-without-a-code":  {[]outreach.Report{report(outreach.ReportUndelivered, "failed", 4)}, nil},
		"delivered-of-others":    {[]outreach.Report{untouched(report(outreach.ReportDelivered, "delivered", 2))}, nil},
		"delivered-without-data": {[]outreach.Report{untouched(report(outreach.ReportDelivered, "delivered", 2))}, nil},
		"played":                 {},
		"text":                   {nil, []Inbound{text}},
		"text-number-with-plus":  {nil, []Inbound{text}},
		"text-from-a-username":   {},
		"button":                 {nil, []Inbound{button}},
		"interactive":            {},
		"reaction":               {},
		"unsupported":            {},
		"account-error":          {},
		"user-preferences":       {},
		"template-status":        {},
		"another-object":         {},
		"no-entries":             {},
		"several": {[]outreach.Report{report(outreach.ReportDelivered, "delivered", 2), report(outreach.ReportAccepted, "sent", 0),
			other, report(outreach.ReportDelivered, "delivered", 2)}, []Inbound{text, button}},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			reports, inbound, err := Parse(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(reports, want.reports) {
				t.Errorf("got  %+v\nwant %+v", reports, want.reports)
			}
			// As values without methods, which would print alike.
			type bare struct{ From, Text, ID, At string }
			plain := func(all []Inbound) (out []bare) {
				for _, i := range all {
					out = append(out, bare{string(i.From), i.Text, i.ID, i.At.String()})
				}
				return out
			}
			if got, want := plain(inbound), plain(want.inbound); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	t.Run("every fixture is among these", func(t *testing.T) {
		files, err := filepath.Glob("testdata/*.json")
		if err != nil || len(files) != len(cases) {
			t.Errorf("%d fixtures, %d cases, %v", len(files), len(cases), err)
		}
	})
}

// changed is a fixture in which one text stands instead of another.
func changed(t *testing.T, name, from, to string) []byte {
	t.Helper()
	raw := string(fixture(t, name))
	if !strings.Contains(raw, from) {
		t.Fatalf("%s has no %s", name, from)
	}
	return []byte(strings.ReplaceAll(raw, from, to))
}

func TestABodyThatIsNoWebhookIsAnError(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing":         nil,
		"no JSON":         []byte("hello"),
		"a JSON text":     []byte(`"hello"`),
		"a JSON list":     []byte(`[]`),
		"null":            []byte(`null`),
		"an empty object": []byte(`{}`),
		"cut short":       fixture(t, "several")[:900],
		"two documents":   append(fixture(t, "text"), fixture(t, "sent")...),
		"entries as text": []byte(`{"object":"whatsapp_business_account","entry":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			reports, inbound, err := Parse(raw)
			if dental.KindOf(err) != dental.Invalid || reports != nil || inbound != nil {
				t.Errorf("got %+v, %+v, %v", reports, inbound, err)
			}
		})
	}
}

func TestABadUpdateStopsNoOther(t *testing.T) {
	const status, message = "entry[0].changes[0].value.statuses[0]", "entry[0].changes[0].value.messages[0]"
	for name, k := range map[string]struct {
		raw   []byte
		where string
	}{
		"no id of the message":         {changed(t, "sent", `"id": "wamid`, `"x": "wamid`), status},
		"no time":                      {changed(t, "sent", `"timestamp"`, `"x"`), status},
		"a time that is none":          {changed(t, "sent", `"1779447600"`, `"yesterday"`), status},
		"a time of no year":            {changed(t, "sent", `"1779447600"`, `"177944760000"`), status},
		"a time of the beginning":      {changed(t, "sent", `"1779447600"`, `0`), status},
		"an id that is a number":       {changed(t, "sent", `"`+firstID+`"`, `70000000001`), status},
		"a status that is a number":    {changed(t, "sent", `"sent"`, `70000000001`), status},
		"a text without words":         {changed(t, "text", `"СТОП"`, `""`), message},
		"a text that is none":          {changed(t, "text", `"СТОП"`, `70000000001`), message},
		"no id":                        {changed(t, "text", `"id": "wamid`, `"x": "wamid`), message},
		"a number that is none":        {changed(t, "text", `"from": "70000000001"`, `"from": "anna"`), message},
		"a number as a number":         {changed(t, "text", `"from": "70000000001"`, `"from": 70000000001`), message},
		"a button without a word":      {changed(t, "button", `"button": {`, `"x": {`), message},
		"statuses that are no list":    {changed(t, "sent", `"statuses": [`, `"statuses": 7, "x": [`), "entry[0].changes[0].value"},
		"a change without a value":     {changed(t, "sent", `"value"`, `"x"`), "entry[0].changes[0]"},
		"a field that is a number":     {changed(t, "sent", `"field": "messages"`, `"field": 7`), "entry[0].changes[0]"},
		"changes that are no list":     {changed(t, "sent", `"changes": [`, `"changes": 7, "x": [`), "entry[0]"},
		"an update that is a number":   {changed(t, "sent", `"statuses": [`, `"statuses": [7,`), status},
		"an entry that is a number":    {changed(t, "sent", `"entry": [`, `"entry": [7,`), "entry[0]"},
		"a message that is a long one": {changed(t, "text", `"messages": [`, `"messages": [70000000001,`), message},
	} {
		t.Run(name, func(t *testing.T) {
			var both struct {
				Object string            `json:"object"`
				Entry  []json.RawMessage `json:"entry"`
			}
			for _, raw := range [][]byte{k.raw, fixture(t, "several")} {
				var one struct {
					Object string            `json:"object"`
					Entry  []json.RawMessage `json:"entry"`
				}
				if err := json.Unmarshal(raw, &one); err != nil {
					t.Fatal(err)
				}
				both.Object, both.Entry = one.Object, append(both.Entry, one.Entry...)
			}
			raw, err := json.Marshal(both)
			if err != nil {
				t.Fatal(err)
			}
			reports, inbound, err := Parse(raw)
			if len(reports) < 4 || len(inbound) < 2 {
				t.Errorf("%d reports and %d messages are left", len(reports), len(inbound))
			}
			if dental.KindOf(err) != dental.Invalid || !strings.HasPrefix(fmt.Sprint(err), k.where+":") || !strings.Contains(err.Error(), "1 such") {
				t.Errorf("got %v, want %s", err, k.where)
			}
			quotesNothing(t, err)
		})
	}
	t.Run("and they are counted", func(t *testing.T) {
		_, _, err := Parse(changed(t, "several", `"timestamp"`, `"x"`))
		if err == nil || !strings.Contains(err.Error(), "6 such") || !strings.HasPrefix(err.Error(), "entry[0].changes[0].value.statuses[0]:") {
			t.Errorf("got %v", err)
		}
	})
}

// long is what no error may hold: it could be somebody's number.
var long = regexp.MustCompile(`[0-9]{7}`)

func quotesNothing(t testing.TB, err error) {
	t.Helper()
	if err != nil && (long.MatchString(err.Error()) || strings.Contains(err.Error(), "СТОП") || strings.Contains(err.Error(), "wamid")) {
		t.Errorf("the error quotes what was sent: %v", err)
	}
}

func TestWhatIsNotNeededIsNotLookedAt(t *testing.T) {
	for name, raw := range map[string][]byte{
		"a contact of a new form":    changed(t, "text", `"profile": {"name": "Анна"}`, `"profile": ["new"]`),
		"a price of a new form":      changed(t, "delivered", `"pricing": {`, `"pricing": 7, "old": {`),
		"errors of a new form":       changed(t, "failed", `"errors": [`, `"errors": "x", "old": [`),
		"data of a new form":         changed(t, "sent", `"biz_opaque_callback_data": "`, `"biz_opaque_callback_data": 7, "old": "`),
		"an unknown status, broken":  changed(t, "played", `"timestamp"`, `"x"`),
		"an unknown message, broken": changed(t, "reaction", `"timestamp"`, `"x"`),
		"no value of another field":  changed(t, "template-status", `"value"`, `"x"`),
	} {
		if _, _, err := Parse(raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyAMessageOfThePlatformIsAMessage(t *testing.T) {
	if _, inbound, err := Parse(changed(t, "text", `"whatsapp_business_account"`, `"page"`)); len(inbound) != 0 || err != nil {
		t.Errorf("got %v, %v", inbound, err)
	}
}

func TestAButtonWithoutALabelHasItsPayload(t *testing.T) {
	_, inbound, err := Parse(changed(t, "button", `Да, приду`, ``))
	if err != nil || len(inbound) != 1 || inbound[0].Text != "confirm" {
		t.Errorf("got %d messages, %v", len(inbound), err)
	}
}

func TestACodeTooLongForOneIsNotKept(t *testing.T) {
	reports, _, err := Parse(changed(t, "failed", `131049`, strings.Repeat("1", 40)))
	if err != nil || len(reports) != 1 || reports[0].Code != "failed" {
		t.Errorf("got %+v, %v", reports, err)
	}
}

// The whole way: what was sent is known again in every status, whether the
// answer to the request has come or not.
func TestAStatusFindsItsAttemptAlthoughTheAnswerWasLost(t *testing.T) {
	c := newCloud(t)
	id, err := open(t, c.URL).Send(t.Context(), message())
	if err != nil {
		t.Fatal(err)
	}
	accepted := c.last(t)
	c.mute = true
	m := message()
	m.Attempt = "a2"
	if lost, err := open(t, c.URL).Send(t.Context(), m); err == nil {
		t.Fatalf("the lost answer is %q", lost)
	}
	for _, k := range []struct {
		message cloudMessage
		attempt string
		id      string
	}{{accepted, "a1.xyz", id}, {c.last(t), "a2", ID(c.last(t).wamid)}} {
		for status, kind := range map[string]outreach.ReportKind{
			"sent": outreach.ReportAccepted, "delivered": outreach.ReportDelivered, "read": outreach.ReportDelivered, "failed": outreach.ReportUndelivered,
		} {
			code := 0
			if status == "failed" {
				code = 131026
			}
			body, signature := k.message.webhook(status, code)
			if !Verify(body, signature, account().Secrets[AppSecret]) {
				t.Fatal("the webhook is not signed")
			}
			reports, inbound, err := Parse(body)
			if err != nil || len(reports) != 1 || len(inbound) != 0 {
				t.Fatalf("%s: %+v, %+v, %v", status, reports, inbound, err)
			}
			if r := reports[0]; r.Touch != m.Touch || r.Attempt != k.attempt || r.ProviderID != k.id || r.Kind != kind {
				t.Errorf("%s of %s: %+v", status, k.attempt, r)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		reports, inbound, err := Parse(raw)
		if err != nil && dental.KindOf(err) != dental.Invalid {
			t.Fatalf("the error is %v", err)
		}
		quotesNothing(t, err)
		for _, r := range reports {
			whole := r.Touch.Clinic != "" && r.Touch.Patient != "" && r.Touch.Scenario != "" && r.Touch.Step != "" && r.Touch.Anchor != "" && r.Attempt != ""
			if !whole && (r.Touch != outreach.TouchRef{} || r.Attempt != "") {
				t.Fatalf("half a touch: %+v", r)
			}
			if len(r.ProviderID) != 22 || r.Kind == "" || r.Code == "" || r.Channel != "whatsapp" || r.At.IsZero() {
				t.Fatalf("a report that says too little: %+v", r)
			}
			if _, err := r.At.MarshalJSON(); err != nil {
				t.Fatalf("a time that cannot be written: %v", err)
			}
		}
		for _, i := range inbound {
			if !e164.MatchString(string(i.From)) || i.Text == "" || len(i.ID) != 22 || i.At.IsZero() {
				t.Fatalf("a message that says too little: %v", i)
			}
		}
		again, more, _ := Parse(raw)
		if !reflect.DeepEqual(again, reports) || !reflect.DeepEqual(more, inbound) {
			t.Fatal("the same body says something else the second time")
		}
	})
}
