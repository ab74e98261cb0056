package email

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"github.com/returnpoint/returnpoint/shared/channel/email/sesevent"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/channel/wire/wiretest"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

var settings = Settings{From: "clinic@example.com", ConfigurationSet: "returnpoint"}

func message() outreach.Message {
	return outreach.Message{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: "P-1", Scenario: "appointment", Step: "reminder", Anchor: "A-501@20260524T090000Z"},
		Attempt: "a.1", Channel: dental.Mail, To: "anna@example.com", Class: dental.Service, Locale: "ru",
		Subject: "Вас ждёт доктор Ирина", Text: "Ждём вас в воскресенье", HTML: "<p>Ждём вас в <b>воскресенье</b></p>",
		Unsubscribe: "https://rp.example.com/u/AAAAAAAAAAAAAAAA", Sender: "Клиника «Милан»",
	}
}

func open(cfg aws.Config, calls *wire.Client) (outreach.Channel, error) {
	return New(cfg, calls, settings)
}

func accept(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", "application/json")
	if id == "" {
		fmt.Fprint(w, `{}`)
		return
	}
	fmt.Fprintf(w, `{"MessageId": %q}`, id)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func TestEmailIsSentAtMostOnce(t *testing.T) {
	wiretest.Run(t, wiretest.Provider{Open: open, Message: message(), Accept: accept, Refuse: refuse, Refusals: refusals})
}

// request is the body of SendEmail as SES documents it.
type request struct {
	FromEmailAddress     string
	ConfigurationSetName string
	Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
	EmailTags            []struct{ Name, Value string }
	Content              struct {
		Simple struct {
			Subject content
			Body    struct{ Text, Html *content }
			Headers []struct{ Name, Value string }
			// RawContent is base64 in JSON.
			Attachments []struct {
				FileName, ContentType, ContentId, ContentDisposition, ContentTransferEncoding string
				RawContent                                                                    []byte
			}
		}
	}
}

type content struct{ Data, Charset string }

// asked is what SES was asked for by one Send.
func asked(t *testing.T, m outreach.Message) (got request) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/email/outbound-emails" {
			t.Errorf("the path is %s", r.URL.Path)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		accept(w, "id-1")
	}))
	defer srv.Close()
	ch, err := open(wiretest.Config(srv.URL), wire.NewClient(wire.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSESIsAskedToSendBothPartsToOneReader(t *testing.T) {
	got := asked(t, message())
	m := message()
	if !slices.Equal(got.Destination.ToAddresses, []string{m.To}) || got.Destination.CcAddresses != nil || got.Destination.BccAddresses != nil {
		t.Errorf("it goes to %+v", got.Destination)
	}
	if got.Content.Simple.Subject != (content{m.Subject, "UTF-8"}) {
		t.Errorf("the subject is %+v", got.Content.Simple.Subject)
	}
	if b := got.Content.Simple.Body; *b.Text != (content{m.Text, "UTF-8"}) || *b.Html != (content{m.HTML, "UTF-8"}) {
		t.Errorf("the parts are %+v and %+v", b.Text, b.Html)
	}
	if got.ConfigurationSetName != "returnpoint" {
		t.Errorf("the configuration set is %q", got.ConfigurationSetName)
	}

	m.HTML, m.Subject = "", "Вас ждёт\r\nBcc: x@example.com\tдоктор"
	got = asked(t, m)
	if got.Content.Simple.Body.Html != nil {
		t.Errorf("without HTML there is a part %+v", got.Content.Simple.Body.Html)
	}
	if s := got.Content.Simple.Subject.Data; s != "Вас ждёт Bcc: x@example.com доктор" {
		t.Errorf("a subject of several lines is %q", s)
	}
}

func TestThePortraitGoesInsideTheMessage(t *testing.T) {
	if all := asked(t, message()).Content.Simple.Attachments; all != nil {
		t.Errorf("without a portrait there are %d attachments", len(all))
	}
	m := message()
	m.HTML, m.Photo = `<img src="cid:doctor">`, []byte("\xff\xd8\xff a portrait")
	all := asked(t, m).Content.Simple.Attachments
	if len(all) != 1 {
		t.Fatalf("%d attachments", len(all))
	}
	a := all[0]
	if string(a.RawContent) != string(m.Photo) || a.ContentType != "image/jpeg" || a.FileName != "doctor.jpg" || a.ContentTransferEncoding != "BASE64" {
		t.Errorf("it is %q, %s, %s in %s", a.RawContent, a.ContentType, a.FileName, a.ContentTransferEncoding)
	}
	if "cid:"+a.ContentId != "cid:doctor" || a.ContentDisposition != "INLINE" {
		t.Errorf("the HTML part does not find it: %q, %s", a.ContentId, a.ContentDisposition)
	}
}

func TestAChartGoesInsideTheMessage(t *testing.T) {
	m := message()
	m.HTML, m.Chart = `<img src="cid:chart">`, []byte("\x89PNG a chart")
	all := asked(t, m).Content.Simple.Attachments
	if len(all) != 1 {
		t.Fatalf("%d attachments", len(all))
	}
	a := all[0]
	if string(a.RawContent) != string(m.Chart) || a.ContentType != "image/png" || a.FileName != "chart.png" || a.ContentTransferEncoding != "BASE64" || a.ContentId != "chart" || a.ContentDisposition != "INLINE" {
		t.Errorf("it is %q, %s, %s in %s, found by %q, %s", a.RawContent, a.ContentType, a.FileName, a.ContentTransferEncoding, a.ContentId, a.ContentDisposition)
	}
}

func TestTheTouchComesBackFromTheTags(t *testing.T) {
	tags := map[string][]string{}
	for _, tag := range asked(t, message()).EmailTags {
		tags[tag.Name] = append(tags[tag.Name], tag.Value)
	}
	touch, attempt, err := sesevent.ParseTags(tags)
	if err != nil || touch != message().Touch || attempt != message().Attempt {
		t.Errorf("got %+v %q, error %v", touch, attempt, err)
	}
}

func TestTheReaderCanUnsubscribeInOneClick(t *testing.T) {
	headers := asked(t, message()).Content.Simple.Headers
	if len(headers) != 2 || headers[0].Name != "List-Unsubscribe" || headers[0].Value != "<https://rp.example.com/u/AAAAAAAAAAAAAAAA>" ||
		headers[1].Name != "List-Unsubscribe-Post" || headers[1].Value != "List-Unsubscribe=One-Click" {
		t.Errorf("the headers are %+v", headers)
	}
	m := message()
	m.Unsubscribe = ""
	if headers := asked(t, m).Content.Simple.Headers; headers != nil {
		t.Errorf("without a link the headers are %+v", headers)
	}
}

func TestTheClinicIsNamedAsTheSender(t *testing.T) {
	long := strings.Repeat("Стоматология ", 40)
	for name, want := range map[string]string{
		"Клиника «Милан»":              "Клиника «Милан»",
		"Milan":                        "Milan",
		"Milan, dentists":              "Milan, dentists",
		`The "White" Tooth`:            `The "White" Tooth`,
		"Milan\r\nBcc: x@example.com":  "Milan Bcc: x@example.com",
		"":                             "",
		" \n":                          "",
		"Зуб 🦷":                        "Зуб 🦷",
		"=?utf-8?q?already_encoded?=":  "=?utf-8?q?already_encoded?=",
		"<other@example.com>":          "<other@example.com>",
		"Клиника <other@example.com>,": "Клиника <other@example.com>,",
	} {
		got := from(name, settings.From)
		a, err := mail.ParseAddress(got)
		if err != nil || a.Address != settings.From || a.Name != want {
			t.Errorf("%q became %q, which reads %+v, %v", name, got, a, err)
		}
	}
	got := from(long, settings.From)
	a, err := mail.ParseAddress(got)
	if err != nil || len(got) > 320 || len(a.Name) < 100 || !strings.HasPrefix(long, a.Name) {
		t.Errorf("a long name became %+v, %v", a, err)
	}
	m := message()
	if got := asked(t, m).FromEmailAddress; got != from(m.Sender, settings.From) {
		t.Errorf("SES is told %q", got)
	}
}

func TestAnyNameIsASenderThatSESTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(0, 400, -1).Draw(t, "name")
		got := from(name, settings.From)
		if len(got) > maxFrom || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q became %q", name, got)
		}
		a, err := mail.ParseAddress(got)
		if err != nil || a.Address != settings.From {
			t.Fatalf("%q became %q: %v", name, got, err)
		}
	})
}

func TestWhatNoProviderCouldTakeIsRefusedUnsent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	defer srv.Close()
	ch, err := open(wiretest.Config(srv.URL), wire.NewClient(wire.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, badAddress bool, change func(*outreach.Message)) {
		t.Helper()
		m := message()
		change(&m)
		_, err := ch.Send(t.Context(), m)
		var r *outreach.Refusal
		if !errors.As(err, &r) || r.BadAddress != badAddress || r.Later || !errors.Is(err, outreach.ErrNotSent) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, to := range []string{"", "anna", "anna@", "anna@example.com, b@example.com", "Anna <anna@example.com>", "анна@example.com",
		"anna@пример.рф", "anna@example.com\r\nBcc: b@example.com", " anna@example.com", `"a b"@example.com`, strings.Repeat("a", 250) + "@example.com"} {
		refused("a message to "+to, true, func(m *outreach.Message) { m.To = to })
	}
	refused("no subject", false, func(m *outreach.Message) { m.Subject = "" })
	refused("no text", false, func(m *outreach.Message) { m.Text = "" })
	refused("a touch too long for a tag", false, func(m *outreach.Message) { m.Touch.Anchor = strings.Repeat("я", 100) })
	for _, link := range []string{"http://rp.example.com/u/A", "https:///u/A", "mailto:a@example.com", "https://rp.example.com/u/A>, <https://evil.example.com",
		"https://rp.example.com/u/A\r\nX: y", "https://rp.example.com/" + strings.Repeat("a", 1000)} {
		refused("the link "+link, false, func(m *outreach.Message) { m.Unsubscribe = link })
	}
}

func TestOnlyASuppressedAddressIsHeldAgainstTheAddress(t *testing.T) {
	for said, want := range map[string]bool{
		"Address blacklisted.":                                          true,
		"Address anna@example.com is on the suppression list":           true,
		"Email address is not verified. anna@example.com failed":        false,
		"Message contains a virus":                                      false,
		"Sending paused for this account. For more, check the console.": false,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, 400, "MessageRejected", said) }))
		ch, err := open(wiretest.Config(srv.URL), wire.NewClient(wire.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ch.Send(t.Context(), message())
		var r *outreach.Refusal
		if !errors.As(err, &r) || r.BadAddress != want {
			t.Errorf("%q: %+v", said, err)
		}
		if strings.Contains(fmt.Sprint(err), "anna@example.com") {
			t.Errorf("the address is in the error: %v", err)
		}
		srv.Close()
	}
}

func TestWrongSettingsAreAllNamedAtOnce(t *testing.T) {
	for name, s := range map[string]Settings{
		"nothing":                     {},
		"a name in the address":       {From: "Clinic <clinic@example.com>", ConfigurationSet: "returnpoint"},
		"no domain":                   {From: "clinic", ConfigurationSet: "returnpoint"},
		"no configuration set":        {From: "clinic@example.com"},
		"a name that is none for SES": {From: "clinic@example.com", ConfigurationSet: "return point"},
	} {
		if _, err := New(wiretest.Config("http://127.0.0.1"), wire.NewClient(wire.Options{}), s); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(wiretest.Config("http://127.0.0.1"), wire.NewClient(wire.Options{}), Settings{})
	if err == nil || !strings.Contains(err.Error(), "From") || !strings.Contains(err.Error(), "ConfigurationSet") {
		t.Errorf("got %v", err)
	}
}
