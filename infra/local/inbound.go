package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/strictjson"
)

// inboundRequest is an SMS from a patient's phone to the number of this machine.
type inboundRequest struct {
	From string `json:"from"` // E.164
	Text string `json:"text"`
	// ID names the message; the same one twice is one. A new one is made of "".
	ID string `json:"id"`
}

var number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// postInbound hands an SMS to the function for reports as AWS End User Messaging
// would, and answers once it is taken.
func (m *machine) postInbound(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	var in inboundRequest
	form, isForm, err := formOf(r, raw)
	switch {
	case err != nil:
		return err
	case isForm:
		in = inboundRequest{From: form.Get("from"), Text: form.Get("text"), ID: form.Get("id")}
	default:
		if err := strictjson.Decode(raw, maxBody, &in); err != nil {
			return dental.Errorf(dental.Invalid, "", `the body is no JSON object such as {"from": "+79160000001", "text": "да"}: %v`, err)
		}
	}
	if !number.MatchString(in.From) {
		return dental.Errorf(dental.Invalid, "from", "must be a phone number such as +79160000001")
	}
	if in.ID == "" {
		in.ID = "in-" + rand.Text()
	}
	if err := m.giveInbound(in); err != nil {
		return fmt.Errorf("take the message: %w", err)
	}
	if isForm {
		http.Redirect(w, r, "/_local/messages?"+url.Values{"to": {in.From}}.Encode(), http.StatusSeeOther)
		return nil
	}
	return respond(w, http.StatusOK, map[string]string{"id": in.ID})
}

// formOf reads the body of a form. curl -d calls JSON a form too, and is not
// believed.
func formOf(r *http.Request, raw []byte) (form url.Values, isForm bool, err error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil, false, nil
	}
	if form, err = url.ParseQuery(string(raw)); err != nil {
		return nil, true, dental.Errorf(dental.Invalid, "", "the form cannot be read")
	}
	return form, true, nil
}

func (m *machine) giveInbound(in inboundRequest) error {
	body, err := json.Marshal(map[string]string{"originationNumber": in.From, "messageBody": in.Text, "inboundMessageId": in.ID})
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	payload, err := lambdaio.EventPayload(lambdaio.Event{ID: in.ID, Source: "local.phone", Type: "Inbound SMS", Time: m.clock.Now(), Body: body})
	if err != nil {
		return err
	}
	for _, f := range m.functions {
		if f.Reports {
			if _, err := m.invoke(f, payload); err != nil {
				return err
			}
		}
	}
	return nil
}
