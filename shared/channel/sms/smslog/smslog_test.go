package smslog

import (
	"bytes"
	"fmt"
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

func changed(t *testing.T, name, from, to string) []byte {
	t.Helper()
	raw := string(fixture(t, name))
	if !strings.Contains(raw, from) {
		t.Fatalf("%s has no %s", name, from)
	}
	return []byte(strings.ReplaceAll(raw, from, to))
}

func TestEachLineSaysWhatBecameOfItsMessage(t *testing.T) {
	published := time.Date(2026, 5, 22, 12, 40, 34, 0, time.UTC)
	report := func(id string, kind outreach.ReportKind, code string, after time.Duration) []outreach.Report {
		return []outreach.Report{{Channel: "sms", ProviderID: id, Kind: kind, Code: code, At: published.Add(after)}}
	}
	cases := map[string][]outreach.Report{
		"success":       report("34d9b400-c6dd-5444-820d-fbeb0f1f54cf", outreach.ReportDelivered, "Message has been accepted by phone carrier", (558+1344)*time.Millisecond),
		"success-phone": report("34d9b400-c6dd-5444-820d-fbeb0f1f54cf", outreach.ReportDelivered, "Message has been accepted by phone", (558+602876)*time.Millisecond),
		"failure":       report("1077257a-92f3-5ca3-bc97-6a915b310625", outreach.ReportUndelivered, "Unknown error attempting to reach phone", (559+1692)*time.Millisecond),
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
	if files, err := filepath.Glob("testdata/*.json"); err != nil || len(files) != len(cases) {
		t.Errorf("%d fixtures, %d cases, %v", len(files), len(cases), err)
	}
}

// TestAFailureIsTheNumbersOwnOrOfThisTime holds every reason that SNS documents.
func TestAFailureIsTheNumbersOwnOrOfThisTime(t *testing.T) {
	for response, want := range map[string]outreach.ReportKind{
		"Blocked as spam by phone carrier":                   outreach.ReportUndelivered,
		"Destination is on a blocked list":                   outreach.ReportBadAddress,
		"Invalid phone number":                               outreach.ReportBadAddress,
		"Message body is invalid":                            outreach.ReportUndelivered,
		"Phone carrier has blocked this message":             outreach.ReportUndelivered,
		"Phone carrier is currently unreachable/unavailable": outreach.ReportUndelivered,
		"Phone has blocked SMS":                              outreach.ReportBadAddress,
		"Phone is on a blocked list":                         outreach.ReportBadAddress,
		"Phone is currently unreachable/unavailable":         outreach.ReportUndelivered,
		"Phone number is opted out":                          outreach.ReportBadAddress,
		"This delivery would exceed max price":               outreach.ReportUndelivered,
		"Unknown error attempting to reach phone":            outreach.ReportUndelivered,
		"Phone number is opted out.":                         outreach.ReportBadAddress,
		"A reason of next year":                              outreach.ReportUndelivered,
		"":                                                   outreach.ReportUndelivered,
	} {
		got, err := Parse(changed(t, "failure", "Unknown error attempting to reach phone", response))
		if err != nil || len(got) != 1 || got[0].Kind != want || got[0].Code != response {
			t.Errorf("%q: %+v, %v", response, got, err)
		}
	}
	t.Run("and what was delivered says nothing against the number", func(t *testing.T) {
		got, err := Parse(changed(t, "success", "Message has been accepted by phone carrier", "Phone number is opted out"))
		if err != nil || got[0].Kind != outreach.ReportDelivered {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestTheTimeIsOfTheCarriersLastWord(t *testing.T) {
	published := time.Date(2026, 5, 22, 12, 40, 34, 0, time.UTC)
	for _, tt := range []struct {
		name, from, to string
		want           time.Time
	}{
		{"without fractions", "12:40:34.558", "12:40:34", published.Add(1344 * time.Millisecond)},
		{"without an acknowledgement", `,"dwellTimeMsUntilDeviceAck":1344`, "", published.Add((558 + 599) * time.Millisecond)},
		{"with neither", `,"dwellTimeMs":599,"dwellTimeMsUntilDeviceAck":1344`, "", published.Add(558 * time.Millisecond)},
		{"before the publication", "1344", "-1344", published.Add((558 + 599) * time.Millisecond)},
		{"and both of them", `599,"dwellTimeMsUntilDeviceAck":1344`, `-599,"dwellTimeMsUntilDeviceAck":-1344`, published.Add(558 * time.Millisecond)},
		{"later than any line is", "1344", "9223372036854775807", published.Add(558*time.Millisecond + 72*time.Hour)},
	} {
		got, err := Parse(changed(t, "success", tt.from, tt.to))
		if err != nil || len(got) != 1 || !got[0].At.Equal(tt.want) {
			t.Errorf("%s: %+v, want %v, error %v", tt.name, got, tt.want, err)
		}
	}
}

func TestWordsOfAnyLengthAreKeptShort(t *testing.T) {
	got, err := Parse(changed(t, "failure", "Unknown error attempting to reach phone", strings.Repeat("ой\\n", 5000)))
	if err != nil || len([]rune(got[0].Code)) != 120 || strings.ContainsAny(got[0].Code, "\n") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestALineThatLacksWhatAReportNeedsIsAnError(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing":                   nil,
		"no JSON":                   []byte("hello"),
		"null":                      []byte("null"),
		"a list":                    []byte("[]"),
		"an empty object":           []byte("{}"),
		"cut short":                 fixture(t, "success")[:200],
		"two lines":                 append(fixture(t, "success"), fixture(t, "failure")...),
		"no message id":             changed(t, "success", "messageId", "id"),
		"no time":                   changed(t, "success", `"timestamp"`, `"at"`),
		"a time that is none":       changed(t, "success", "2026-05-22", "2026-15-22"),
		"a time with a zone":        changed(t, "success", "12:40:34.558", "12:40:34.558+03:00"),
		"no status":                 changed(t, "success", `"status"`, `"state"`),
		"a status that is new":      changed(t, "success", "SUCCESS", "MAYBE"),
		"an id that is a number":    changed(t, "success", `"34d9b400-c6dd-5444-820d-fbeb0f1f54cf"`, "34"),
		"a push to an application":  []byte(`{"notification":{"messageId":"m","timestamp":"2026-05-22 12:40:34.558"},"status":"SUCCESS"}`),
		"an event of Amazon SES":    []byte(`{"eventType":"Delivery","mail":{"messageId":"m"},"delivery":{"timestamp":"2026-05-22T12:40:34Z"}}`),
		"an inbound SMS":            []byte(`{"originationNumber":"+79160000001","messageBody":"да","inboundMessageId":"m"}`),
		"more than any line":        changed(t, "success", "My Phone Carrier", strings.Repeat("x", 70_000)),
		"the whole of a log packed": []byte(`{"awslogs":{"data":"e30="}}`),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(raw)
			if dental.KindOf(err) != dental.Invalid || got != nil {
				t.Errorf("got %+v, error %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "79160000001") {
				t.Errorf("the number is in the error: %v", err)
			}
		})
	}
}

func TestWhatIsNotNeededIsNotLookedAt(t *testing.T) {
	raw := changed(t, "success", `"priceInUSD":0.00645`, `"priceInUSD":{"new":["form"]},"more":null`)
	if got, err := Parse(raw); err != nil || len(got) != 1 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"success", "success-phone", "failure"} {
		f.Add(fixture(f, name))
		f.Add(bytes.ReplaceAll(fixture(f, name), []byte("timestamp"), []byte("status")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		reports, err := Parse(raw)
		if err != nil && (reports != nil || dental.KindOf(err) != dental.Invalid) {
			t.Fatalf("reports %+v with error %v", reports, err)
		}
		for _, r := range reports {
			if r.ProviderID == "" || r.Kind == "" || r.Channel != "sms" || r.At.IsZero() || r.Touch != (outreach.TouchRef{}) {
				t.Fatalf("a report that says too little: %s", fmt.Sprintf("%+v", r))
			}
		}
	})
}
