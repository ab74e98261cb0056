// Package inbound reads the SMS that patients write to the deployment's own
// number, as AWS End User Messaging tells of them on the topic of two-way
// messaging.
//
// https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html
package inbound

import (
	"encoding/json"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
)

// maxMessage is more bytes than a message of the topic has: an SMS of ten parts
// with each of its characters escaped has ten thousand.
const maxMessage = 64 << 10

// message is the part of a message of the topic that matters. The keyword is
// left out: it is the first word of the body where the account has registered
// it, and the name of the account's default one where it has not.
type message struct {
	From    string `json:"originationNumber"`
	Text    string `json:"messageBody"`
	ID      string `json:"inboundMessageId"`
	Replies string `json:"previousPublishedMessageId"`
}

// Parse reads one message of the topic: what somebody wrote. The time is not in
// it; the topic's own is the caller's to add.
//
// What is not JSON or no message of the topic is an error of the kind
// dental.Invalid.
func Parse(raw []byte) ([]reply.Message, error) {
	if len(raw) > maxMessage {
		return nil, dental.Errorf(dental.Invalid, "", "an inbound SMS has at most %d bytes", maxMessage)
	}
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Message: "an inbound SMS is not a JSON object of its form", Err: err}
	}
	if m.From == "" {
		return nil, dental.Errorf(dental.Invalid, "originationNumber", "is missing: no inbound SMS")
	}
	if m.ID == "" {
		return nil, dental.Errorf(dental.Invalid, "inboundMessageId", "is missing")
	}
	return []reply.Message{{ID: m.ID, From: dental.Phone(m.From), Text: m.Text, Replies: m.Replies}}, nil
}
