package sms

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/channel/wire/wiretest"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// nobody cannot be anybody's: Russia has no numbers that begin with 000.
const nobody = "+70000000001"

func message() outreach.Message {
	return outreach.Message{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: "P-1", Scenario: "recall", Step: "first", Anchor: "2026-11-22"},
		Attempt: "a1", Channel: dental.SMS, To: nobody, Class: dental.Care, Locale: "ru",
		Text: "Анна, вас ждёт доктор Ирина",
	}
}

func open(cfg aws.Config, calls *wire.Client) (outreach.Channel, error) {
	return New(cfg, calls, Settings{})
}

func accept(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>%s</MessageId></PublishResult>`+
		`<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>`, id)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	var quoted strings.Builder
	_ = xml.EscapeText(&quoted, []byte(message))
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>`+
		`<RequestId>r-1</RequestId></ErrorResponse>`, code, quoted.String())
}

func TestSMSIsSentAtMostOnce(t *testing.T) {
	wiretest.Run(t, wiretest.Provider{Open: open, Message: message(), Accept: accept, Refuse: refuse, Refusals: refusals})
}

// published is what SNS was asked for by one Send.
func published(t *testing.T, s Settings, m outreach.Message) (form url.Values, attributes map[string]string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			form, err = url.ParseQuery(string(body))
		}
		if err != nil {
			t.Error(err)
		}
		accept(w, "id-1")
	}))
	defer srv.Close()
	ch, err := New(wiretest.Config(srv.URL), wire.NewClient(wire.Options{}), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	attributes = map[string]string{}
	for i := 1; ; i++ {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if !form.Has(entry + "Name") {
			return form, attributes
		}
		if kind := form.Get(entry + "Value.DataType"); kind != "String" {
			t.Errorf("attribute %d is a %q", i, kind)
		}
		attributes[form.Get(entry+"Name")] = form.Get(entry + "Value.StringValue")
	}
}

func TestSNSIsAskedToPublishTheTextToTheNumber(t *testing.T) {
	form, _ := published(t, Settings{}, message())
	for field, want := range map[string]string{"Action": "Publish", "PhoneNumber": nobody, "Message": message().Text, "TopicArn": "", "TargetArn": ""} {
		if got := form.Get(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
}

func TestOnlyAdvertisingTravelsAsPromotion(t *testing.T) {
	for class, want := range map[dental.Class]string{
		dental.Service: "Transactional", dental.Care: "Transactional", dental.Advertising: "Promotional",
	} {
		m := message()
		m.Class = class
		if _, a := published(t, Settings{}, m); a["AWS.SNS.SMS.SMSType"] != want {
			t.Errorf("%s travels as %q, want %q", class, a["AWS.SNS.SMS.SMSType"], want)
		}
	}
}

func TestTheSenderIsNamedWhenItIsSet(t *testing.T) {
	_, a := published(t, Settings{}, message())
	if len(a) != 1 {
		t.Errorf("nothing is set, and the attributes are %v", a)
	}
	_, a = published(t, Settings{SenderID: "Milan", OriginationNumber: "+70000000099"}, message())
	if a["AWS.SNS.SMS.SenderID"] != "Milan" || a["AWS.MM.SMS.OriginationNumber"] != "+70000000099" {
		t.Errorf("the attributes are %v", a)
	}
}

func TestWrongSettingsAreAllNamedAtOnce(t *testing.T) {
	for name, s := range map[string]Settings{
		"a space":       {SenderID: "Clinic 1"},
		"no letter":     {SenderID: "12345"},
		"too long":      {SenderID: "ClinicNumber"},
		"not Latin":     {SenderID: "Милан"},
		"not a number":  {OriginationNumber: "our number"},
		"a number's +s": {OriginationNumber: "++70000000099"},
	} {
		if _, err := New(wiretest.Config("http://127.0.0.1"), wire.NewClient(wire.Options{}), s); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(wiretest.Config("http://127.0.0.1"), wire.NewClient(wire.Options{}), Settings{SenderID: "12345", OriginationNumber: "x"})
	if err == nil || !strings.Contains(err.Error(), "SenderID") || !strings.Contains(err.Error(), "OriginationNumber") {
		t.Errorf("got %v", err)
	}
	for _, id := range []string{"Milan", "Dent24", "24Dent", "ClinicMilan"} {
		if _, err := New(wiretest.Config("http://127.0.0.1"), wire.NewClient(wire.Options{}), Settings{SenderID: id}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestWhatNoProviderCouldTakeIsRefusedUnsent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	defer srv.Close()
	ch, err := open(wiretest.Config(srv.URL), wire.NewClient(wire.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "89160000001", "+0000000001", "+7 000 0000001", "+7000000000123456", "anna@example.com"} {
		m := message()
		m.To = to
		_, err := ch.Send(t.Context(), m)
		var r *outreach.Refusal
		if !errors.As(err, &r) || !r.BadAddress || r.Later || !errors.Is(err, outreach.ErrNotSent) {
			t.Errorf("a message to %q: %v", to, err)
		}
	}
	m := message()
	m.Text = ""
	_, err = ch.Send(t.Context(), m)
	var r *outreach.Refusal
	if !errors.As(err, &r) || r.BadAddress || !errors.Is(err, outreach.ErrNotSent) {
		t.Errorf("a message without text: %v", err)
	}
}

// endpoints is a source of configuration as AWS_ENDPOINT_URL_SNS is.
type endpoints map[string]string

func (e endpoints) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	url, ok := e[id]
	return url, ok, nil
}

func TestAConfiguredEndpointIsCalled(t *testing.T) {
	called := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { called = true; accept(w, "id-1") }))
	defer srv.Close()
	cfg := wiretest.Config("http://provider.invalid")
	cfg.ConfigSources = []any{endpoints{"SNS": srv.URL}}
	ch, err := open(cfg, wire.NewClient(wire.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Send(t.Context(), message()); err != nil || !called {
		t.Errorf("called %v, error %v", called, err)
	}
}
