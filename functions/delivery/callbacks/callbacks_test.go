package callbacks

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/api"
	"github.com/returnpoint/returnpoint/shared/channel/whatsapp"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/reply"
)

var at = time.Date(2026, 5, 22, 12, 40, 0, 0, time.UTC)

// read takes a callback by the table's reader of a provider.
func read(t *testing.T, name string, a dental.Account, body string, header ...string) (api.Told, error) {
	t.Helper()
	p, ok := Providers()[name]
	if !ok {
		t.Fatalf("the table has no %s", name)
	}
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return p.Read(a, api.Callback{Header: h, Body: []byte(body), At: at})
}

func sign(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// update is a webhook of Meta's with the fields of a change's value.
func update(fields string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",` + fields + `}}]}]}`
}

const (
	delivered = `"statuses":[{"id":"wamid.A","status":"delivered","timestamp":"1779453600","recipient_id":"79160000001"}]`
	written   = `"messages":[{"id":"wamid.B","from":"79160000001","timestamp":"1779453600","type":"text","text":{"body":"Да"}}]`
)

var meta1 = dental.Account{Settings: map[string]string{whatsapp.VerifyToken: "token"}, Secrets: map[string]dental.Secret{whatsapp.AppSecret: "app-secret"}}

func TestAWebhookOfMetaTellsWhatItsSignatureProves(t *testing.T) {
	body := update(delivered + "," + written)
	told, err := read(t, dental.WhatsAppAccount, meta1, body, whatsapp.SignatureHeader, sign(body, "app-secret"))
	if err != nil || told.Note != "" {
		t.Fatalf("%+v, %v", told, err)
	}
	if len(told.Reports) != 1 || told.Reports[0].Kind != outreach.ReportDelivered || told.Reports[0].ProviderID != whatsapp.ID("wamid.A") {
		t.Errorf("the reports are %+v", told.Reports)
	}
	want := reply.Message{ID: whatsapp.ID("wamid.B"), From: "+79160000001", Text: "Да", At: at}
	if len(told.Messages) != 1 || told.Messages[0] != want {
		t.Errorf("the messages are %v", told.Messages)
	}
	for name, header := range map[string]string{"another's": sign(body, "other"), "none": ""} {
		if told, err := read(t, dental.WhatsAppAccount, meta1, body, whatsapp.SignatureHeader, header); !errors.Is(err, api.ErrForged) || len(told.Reports)+len(told.Messages) > 0 {
			t.Errorf("signed by %s: %+v, %v", name, told, err)
		}
	}
	if _, err := read(t, dental.WhatsAppAccount, dental.Account{}, body, whatsapp.SignatureHeader, sign(body, "")); !errors.Is(err, api.ErrForged) {
		t.Errorf("an account without a secret: %v", err)
	}
}

func TestWhatMetaHasSignedAndNobodyCanReadDoesNotComeAgain(t *testing.T) {
	for _, body := range []string{update(`"statuses":[{"status":"sent"}],` + written), `{"hello":1}`, "no JSON"} {
		told, err := read(t, dental.WhatsAppAccount, meta1, body, whatsapp.SignatureHeader, sign(body, "app-secret"))
		if err != nil || told.Note == "" {
			t.Errorf("%s: %+v, %v", body, told, err)
		}
	}
}

func TestTheChallengeOfMeta(t *testing.T) {
	challenge := Providers()[dental.WhatsAppAccount].Challenge
	for token, want := range map[string]bool{"token": true, "other": false, "": false} {
		said, ok := challenge(meta1, url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {token}, "hub.challenge": {"1158201444"}})
		if ok != want || ok && said != "1158201444" {
			t.Errorf("with the token %q: %q, %v", token, said, ok)
		}
	}
}

func TestACallOfTheGatewayTellsWhatItsDigestProves(t *testing.T) {
	account := dental.Account{Secrets: map[string]dental.Secret{"callbackSecret": "callbackcallbackcallback"}}
	form := func(key string, pairs ...string) string {
		values, text := url.Values{}, ""
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
			text += pairs[i+1] + ":"
		}
		values.Set("sha1", fmt.Sprintf("%x", sha1.Sum([]byte(text+key))))
		return values.Encode()
	}
	const key = "callbackcallbackcallback"
	told, err := read(t, dental.SMSGate, account, form(key, "id", "a1", "phone", "79160000001", "status", "1"))
	if err != nil || len(told.Reports) != 1 || told.Reports[0].Kind != outreach.ReportDelivered || told.Reports[0].ProviderID != "a1" {
		t.Errorf("a status: %+v, %v", told, err)
	}
	told, err = read(t, dental.SMSGate, account, form(key, "phone", "79160000001", "mes", "стоп", "to", "79160000099"))
	if err != nil || len(told.Messages) != 1 || told.Messages[0].From != "+79160000001" || told.Messages[0].Text != "стоп" || told.Messages[0].ID == "" || !told.Messages[0].At.Equal(at) {
		t.Errorf("a message: %v, %v", told.Messages, err)
	}
	if told, err = read(t, dental.SMSGate, account, form(key, "id", "a1", "phone", "79160000001", "status", "-2")); err != nil || told.Note == "" {
		t.Errorf("what proves nothing: %+v, %v", told, err)
	}
	if _, err = read(t, dental.SMSGate, account, form("other", "id", "a1", "phone", "79160000001", "status", "1")); !errors.Is(err, api.ErrForged) {
		t.Errorf("another's digest: %v", err)
	}
	if _, err = read(t, dental.SMSGate, account, "hello=1"); dental.KindOf(err) != dental.Invalid {
		t.Errorf("no call of the gateway's: %v", err)
	}
}
