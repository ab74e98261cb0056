package inbound

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAMessageOfTheTopicIsWhatSomebodyWrote(t *testing.T) {
	for name, want := range map[string]reply.Message{
		"message": {ID: "cae173d2-66b9-564c-8309-21f858e9fb84", From: "+79160000001", Text: "Да, приду!", Replies: "34d9b400-c6dd-5444-820d-fbeb0f1f54cf"},
		"first":   {ID: "cae173d2-66b9-564c-8309-21f858e9fb85", From: "+79160000001", Text: "STOP"},
	} {
		got, err := Parse(fixture(t, name))
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q %q %q %q, error %v", name, got[0].ID, string(got[0].From), got[0].Text, got[0].Replies, err)
		}
	}
}

func TestAMessageWithoutWordsIsStillOne(t *testing.T) {
	got, err := Parse([]byte(`{"originationNumber":"+79160000001","inboundMessageId":"m"}`))
	if err != nil || len(got) != 1 || got[0].Text != "" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWhatIsNoMessageOfTheTopicIsAnError(t *testing.T) {
	const good = `{"originationNumber":"+79160000001","messageBody":"да","inboundMessageId":"m"}`
	for name, raw := range map[string]string{
		"nothing":                "",
		"no JSON":                "hello",
		"null":                   "null",
		"a list":                 "[]",
		"an empty object":        "{}",
		"cut short":              good[:30],
		"two messages":           good + good,
		"no sender":              strings.Replace(good, "originationNumber", "from", 1),
		"no id":                  strings.Replace(good, "inboundMessageId", "id", 1),
		"a text of another form": strings.Replace(good, `"да"`, `["да"]`, 1),
		"more than an SMS":       strings.Replace(good, "да", strings.Repeat("да", 40_000), 1),
		"a line of SNS's log":    `{"notification":{"messageId":"m","timestamp":"2026-05-22 12:40:34.558"},"delivery":{"providerResponse":"x"},"status":"SUCCESS"}`,
		"an event of Amazon SES": `{"eventType":"Delivery","mail":{"messageId":"m"},"delivery":{"timestamp":"2026-05-22T12:40:34Z"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(raw))
			if dental.KindOf(err) != dental.Invalid || got != nil {
				t.Errorf("got %v, error %v", got, err)
			}
			if err != nil && (strings.Contains(err.Error(), "79160000001") || strings.Contains(err.Error(), "да")) {
				t.Errorf("the error tells what was written, or by whom: %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fixture(f, "message"))
	f.Add(fixture(f, "first"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		messages, err := Parse(raw)
		if err != nil && (messages != nil || dental.KindOf(err) != dental.Invalid) {
			t.Fatalf("messages %v with error %v", messages, err)
		}
		for _, m := range messages {
			if m.ID == "" || m.From == "" {
				t.Fatalf("a message that says too little: %v", m)
			}
		}
	})
}
