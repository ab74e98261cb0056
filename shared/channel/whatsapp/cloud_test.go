package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// cloud is a Cloud API that behaves as its documents say: it knows one number,
// its token and templates, takes a template message or refuses it by a code,
// and tells of it in signed webhooks.
type cloud struct {
	*httptest.Server
	// spoil, if it is set, answers in the place of the API, after the whole
	// request has arrived.
	spoil http.HandlerFunc
	// absent are numbers that are not on WhatsApp.
	absent map[string]bool
	// refuse, if it is set, is the code of the answer to all that is well formed.
	refuse int
	// held lets the template's messages wait for its quality.
	held bool
	// mute loses the answers to messages that were accepted.
	mute bool

	mu       sync.Mutex
	requests int
	messages []cloudMessage
}

// cloudMessage is a message that was accepted.
type cloudMessage struct {
	wamid, to, callback, name, language, text string
}

const (
	cloudNumber = "555000555000555"
	cloudToken  = "EAAexampleTOKENexample"
	cloudSecret = "0123456789abcdef0123456789abcdef"
	cloudVerify = "verify-example"
)

// cloudTemplates are the approved templates and the words around their parameter.
var cloudTemplates = map[string]map[string]string{
	"visit_service": {"ru": "Клиника: {{1}} До встречи!", "en_US": "The clinic: {{1}} See you!"},
	"visit_care":    {"ru": "Клиника: {{1}} До встречи!"},
	"visit_offer":   {"ru": "Клиника: {{1}} До встречи!"},
}

func account() dental.Account {
	return dental.Account{
		Settings: map[string]string{
			PhoneNumberID: cloudNumber, VerifyToken: cloudVerify, "template.service": "visit_service",
			"template.care": "visit_care", "template.advertising": "visit_offer", "language.en": "en_US",
		},
		Secrets: map[string]dental.Secret{Token: cloudToken, AppSecret: cloudSecret, dental.CallbackSecret: "path-secret-example"},
	}
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	c.Server = httptest.NewUnstartedServer(c)
	c.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.Start()
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	c.requests++
	spoil := c.spoil
	c.mu.Unlock()
	if spoil != nil {
		spoil(w, r)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var m struct {
		Product       string `json:"messaging_product"`
		RecipientType string `json:"recipient_type"`
		To            string `json:"to"`
		Type          string `json:"type"`
		Callback      string `json:"biz_opaque_callback_data"`
		Template      struct {
			Name     string `json:"name"`
			Language struct {
				Code string `json:"code"`
			} `json:"language"`
			Components []struct {
				Type       string `json:"type"`
				Parameters []struct {
					Type string `json:"type"`
					Text string `json:"text"`
				} `json:"parameters"`
			} `json:"components"`
		} `json:"template"`
	}
	strict := json.NewDecoder(strings.NewReader(string(body)))
	strict.DisallowUnknownFields()
	switch {
	case r.Header.Get("Authorization") != "Bearer "+cloudToken:
		graphError(w, 190, "Error validating access token")
		return
	case r.Method != http.MethodPost || r.URL.Path != "/v25.0/"+cloudNumber+"/messages":
		graphError(w, 33, "Object does not exist")
		return
	case err != nil || r.Header.Get("Content-Type") != "application/json" || strict.Decode(&m) != nil,
		m.Product != "whatsapp", m.RecipientType != "individual", m.Type != "template", len(m.Callback) > 512:
		graphError(w, 100, "Invalid parameter")
		return
	}
	words, known := cloudTemplates[m.Template.Name][m.Template.Language.Code]
	components := m.Template.Components
	switch {
	case !known:
		graphError(w, 132001, "Template name does not exist in the translation")
		return
	case len(components) != 1 || components[0].Type != "body" || len(components[0].Parameters) != 1 || components[0].Parameters[0].Type != "text":
		graphError(w, 132000, "Number of parameters does not match the expected number of params")
		return
	}
	text := components[0].Parameters[0].Text
	whole := strings.Replace(words, "{{1}}", text, 1)
	switch {
	case strings.ContainsAny(text, "\n\r\t") || strings.Contains(text, "     "):
		graphError(w, 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
		return
	case utf8.RuneCountInString(whole) > 1024:
		graphError(w, 132005, "Template Hydrated Text Too Long")
		return
	case c.refuse != 0:
		graphError(w, c.refuse, "not for "+m.To+" with "+text)
		return
	case c.absent[m.To] || !regexp.MustCompile(`^\+[0-9]{7,15}$`).MatchString(m.To):
		graphError(w, 131026, "Message undeliverable")
		return
	}
	id := wamid(m.To, len(c.messages)+1)
	c.messages = append(c.messages, cloudMessage{id, m.To, m.Callback, m.Template.Name, m.Template.Language.Code, text})
	if c.mute {
		panic(http.ErrAbortHandler)
	}
	state := "accepted"
	if c.held {
		state = "held_for_quality_assessment"
	}
	accept(w, m.To, id, state)
}

// wamid is an id as Meta makes them, with the number inside.
func wamid(to string, n int) string {
	return "wamid." + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "\x1c\x18\x0b%s\x15\x02\x00\x11\x18\x12%018X\x00", strings.TrimPrefix(to, "+"), n))
}

func accept(w http.ResponseWriter, to, id, state string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"messaging_product":"whatsapp","contacts":[{"input":%q,"wa_id":%q}],"messages":[{"id":%q,"message_status":%q}]}`,
		to, strings.TrimPrefix(to, "+"), id, state)
}

// graphError answers with an error of the API, under the status that the
// reference once gave for the code.
func graphError(w http.ResponseWriter, code int, message string) {
	status := http.StatusBadRequest
	switch {
	case code == 0, code == 190:
		status = http.StatusUnauthorized
	case code == 10, code >= 200 && code <= 299, code == 368, code == 130497, code == 131005, code == 131031:
		status = http.StatusForbidden
	case code == 4, code == 80007, code == 130429, code == 131048, code == 131056:
		status = http.StatusTooManyRequests
	case code == 2, code == 133004:
		status = http.StatusServiceUnavailable
	case code == 3, code == 131000, code == 131016:
		status = http.StatusInternalServerError
	}
	answerError(w, status, strconv.Itoa(code), message)
}

// answerError writes an error whose code is any JSON.
func answerError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":%q,"type":"OAuthException","code":%s,"error_data":{"messaging_product":"whatsapp","details":%q},"fbtrace_id":"Az8or2yhqkZfEZ-_4Qn_Bam"}}`,
		message, code, message)
}

// count is how many requests have arrived.
func (c *cloud) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// last is the message that was accepted last.
func (c *cloud) last(t *testing.T) cloudMessage {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.messages) == 0 {
		t.Fatal("no message was accepted")
	}
	return c.messages[len(c.messages)-1]
}

// webhook is the signed POST that tells of a status of the message.
func (m cloudMessage) webhook(status string, code int) (body []byte, signature string) {
	errors := ""
	if code != 0 {
		errors = fmt.Sprintf(`,"errors":[{"code":%d,"title":"x","message":"x","error_data":{"details":"x"},"href":"/documentation"}]`, code)
	}
	body = fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":"70000000000","phone_number_id":%q},"statuses":[{"id":%q,"status":%q,"timestamp":"1779447660",`+
		`"recipient_id":%q,"biz_opaque_callback_data":%q%s}]},"field":"messages"}]}]}`,
		cloudNumber, m.wamid, status, strings.TrimPrefix(m.to, "+"), m.callback, errors)
	return body, sign(body, cloudSecret)
}

func sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
