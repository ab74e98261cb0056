package sesevent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// report is what the fixtures say, beside what is named.
func report(kind outreach.ReportKind, code, at string) outreach.Report {
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return outreach.Report{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: "P-77", Scenario: "appointment", Step: "reminder", Anchor: "A-501@20260524T090000Z"},
		Attempt: "a1.xyz", Channel: "email", ProviderID: "0107018f0example-7c191be4-5e9a-4db9-a02f-94d12a87ddd0-000000",
		Kind: kind, Code: code, At: when,
	}
}

func untagged(r outreach.Report) outreach.Report {
	r.Touch, r.Attempt = outreach.TouchRef{}, ""
	return r
}

func TestEachEventProvesWhatItProvesAndNoMore(t *testing.T) {
	const sent, bounced, complained = "2026-05-22T12:40:00.123Z", "2026-05-22T12:41:02.669Z", "2026-05-22T13:41:02.669Z"
	delivered := report(outreach.ReportDelivered, "Delivery", "2026-05-22T12:40:11.133Z")
	cases := map[string][]outreach.Report{
		"send":     {report(outreach.ReportAccepted, "Send", sent)},
		"delivery": {delivered},

		"bounce-permanent":           {report(outreach.ReportBadAddress, "Bounce/Permanent/NoEmail", bounced)},
		"bounce-suppressed":          {report(outreach.ReportBadAddress, "Bounce/Permanent/OnAccountSuppressionList", bounced)},
		"bounce-mailbox-full":        {report(outreach.ReportUndelivered, "Bounce/Transient/MailboxFull", bounced)},
		"bounce-content-rejected":    {report(outreach.ReportUndelivered, "Bounce/Transient/ContentRejected", bounced)},
		"bounce-transient-failed":    {report(outreach.ReportUndelivered, "Bounce/Transient/General", bounced)},
		"bounce-undetermined-failed": {report(outreach.ReportUndelivered, "Bounce/Undetermined/Undetermined", bounced)},
		// The reader is away, and may have the message.
		"bounce-out-of-office": nil,
		"bounce-undetermined":  nil,

		"complaint":                {report(outreach.ReportComplaint, "Complaint/abuse", complained)},
		"complaint-without-report": {report(outreach.ReportComplaint, "Complaint", complained)},
		"complaint-suppressed":     {report(outreach.ReportBadAddress, "Complaint/OnAccountSuppressionList", complained)},
		"complaint-not-spam":       nil,

		"reject":            {report(outreach.ReportUndelivered, "Reject/Bad content", sent)},
		"rendering-failure": {report(outreach.ReportUndelivered, "Rendering Failure", sent)},
		"delivery-delay":    nil,
		"open":              nil,
		"click":             nil,
		"subscription":      nil,

		"delivery-of-others":           {untagged(delivered)},
		"notification-bounce":          {untagged(report(outreach.ReportBadAddress, "Bounce/Permanent/General", bounced))},
		"subscription-succeeded":       nil,
		"eventbridge-bounced":          {report(outreach.ReportBadAddress, "Bounce/Permanent/General", bounced)},
		"eventbridge-sending-disabled": nil,
		"sns-notification":             {delivered},
		"lambda-sns":                   {delivered, report(outreach.ReportComplaint, "Complaint/abuse", complained)},
		"lambda-sns-self-test":         nil,
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
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

func TestAnEventThatLacksWhatItsTypeNeedsIsAnError(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing":                        nil,
		"no JSON":                        []byte("hello"),
		"a JSON text":                    []byte(`"hello"`),
		"a JSON list":                    []byte(`[]`),
		"null":                           []byte(`null`),
		"an empty object":                []byte(`{}`),
		"cut short":                      fixture(t, "delivery")[:500],
		"two documents":                  append(fixture(t, "delivery"), fixture(t, "send")...),
		"no message id":                  changed(t, "delivery", `"messageId"`, `"id"`),
		"no time":                        changed(t, "delivery", `"timestamp": "2026-05-22T12:40:11.133Z"`, `"x": 1`),
		"a time that is none":            changed(t, "delivery", "2026-05-22T12:40:11.133Z", "yesterday"),
		"a type of bounce that is new":   changed(t, "bounce-permanent", "Permanent", "Eternal"),
		"tags of another form":           changed(t, "delivery", `"demo"`, `7`),
		"some of the tags":               changed(t, "delivery", "touch-anchor", "other"),
		"a tag that was not so written":  changed(t, "delivery", "a1_2Exyz", "a1.xyz"),
		"a tag with two values":          changed(t, "delivery", "touch-anchor\": [", "touch-anchor\": [\"x\","),
		"an event of another service":    changed(t, "eventbridge-bounced", "aws.ses", "aws.s3"),
		"a detail that is no object":     []byte(`{"source":"aws.ses","detail":[]}`),
		"a record that is not of SNS":    []byte(`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`),
		"a text in a record":             []byte(`{"Records":[{"Sns":{"Message":"hello"}}]}`),
		"one bad record among good ones": changed(t, "lambda-sns", `\"complaint\": {`, `\"complaint\": 7, \"x\": {`),
		"envelopes without an end":       nested(t, 5),
		"the self-test outside a topic":  []byte("Successfully validated SNS topic for Amazon SES event publishing."),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(raw)
			if dental.KindOf(err) != dental.Invalid || got != nil {
				t.Errorf("got %+v, error %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "anna@example.com") {
				t.Errorf("the address is in the error: %v", err)
			}
		})
	}
}

// nested is a delivery inside so many envelopes.
func nested(t *testing.T, depth int) []byte {
	t.Helper()
	raw := fixture(t, "delivery")
	for range depth {
		inner, err := json.Marshal(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		raw = []byte(`{"Type":"Notification","Message":` + string(inner) + `}`)
	}
	return raw
}

func TestEnvelopesWithinEachOtherAreOpened(t *testing.T) {
	got, err := Parse(nested(t, 2))
	if err != nil || len(got) != 1 || got[0].Kind != outreach.ReportDelivered {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestWhatIsNotNeededIsNotLookedAt(t *testing.T) {
	raw := changed(t, "delivery", `"smtpResponse": "250 2.6.0 Message received"`, `"smtpResponse": {"new": ["form"]}, "more": null`)
	if got, err := Parse(raw); err != nil || len(got) != 1 {
		t.Errorf("got %+v, error %v", got, err)
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
		reports, err := Parse(raw)
		if err != nil && (reports != nil || dental.KindOf(err) != dental.Invalid) {
			t.Fatalf("reports %+v with error %v", reports, err)
		}
		for _, r := range reports {
			if r.ProviderID == "" || r.Kind == "" || r.Channel != "email" {
				t.Fatalf("a report that says too little: %+v", r)
			}
		}
	})
}
