package sesevent

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Parse reads one event of SES, as any of: the record itself, EventBridge's
// envelope around it, SNS's notification around it, or what SNS hands to a
// Lambda, which may hold several. Fields that are not needed are not looked at.
//
// It returns no report and no error for what proves nothing: an event of a type
// that is not known or does not matter (Open, Click, DeliveryDelay,
// Subscription), a notice of SES about itself, a bounce that may be an
// out-of-office reply. What is not JSON, is no event of SES, or lacks what its
// type needs, is an error of the kind dental.Invalid.
//
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
// https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html
func Parse(raw []byte) ([]outreach.Report, error) { return parse(raw, 0) }

// maxDepth is more envelopes than any way from SES to a function has.
const maxDepth = 4

// envelope is the outside of an event: of all these fields a form has its own.
type envelope struct {
	// The record itself. NotificationType is its older name.
	EventType        string `json:"eventType"`
	NotificationType string `json:"notificationType"`
	// EventBridge.
	Source string          `json:"source"`
	Detail json.RawMessage `json:"detail"`
	// SNS.
	Type    string  `json:"Type"`
	Message *string `json:"Message"`
	// SNS to a Lambda.
	Records []struct {
		Sns *struct{ Message *string }
	}
}

// selfTest begins the one text that SES writes to a topic and that is not JSON.
const selfTest = "Successfully validated SNS topic for Amazon SES event publishing"

func parse(raw []byte, depth int) ([]outreach.Report, error) {
	if depth == maxDepth {
		return nil, dental.Errorf(dental.Invalid, "", "an event of SES inside of too many envelopes")
	}
	if depth > 0 && strings.HasPrefix(string(raw), selfTest) {
		return nil, nil
	}
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Message: "an event of SES is not a JSON object", Err: err}
	}
	switch {
	case e.EventType != "":
		return record(raw, e.EventType)
	case e.NotificationType != "":
		return record(raw, e.NotificationType)
	case e.Detail != nil && e.Source == "aws.ses":
		return detail(e.Detail)
	case e.Type == "Notification" && e.Message != nil:
		return parse([]byte(*e.Message), depth+1)
	case len(e.Records) > 0:
		var all []outreach.Report
		for _, r := range e.Records {
			if r.Sns == nil || r.Sns.Message == nil {
				return nil, dental.Errorf(dental.Invalid, "Records", "a record is not one of SNS")
			}
			reports, err := parse([]byte(*r.Sns.Message), depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, reports...)
		}
		return all, nil
	}
	return nil, dental.Errorf(dental.Invalid, "", "neither an event of SES nor an envelope around one")
}

// detail is the inside of an EventBridge event. SES tells there of more than
// mail; such a detail has no eventType.
func detail(raw json.RawMessage) ([]outreach.Report, error) {
	var d struct {
		EventType string `json:"eventType"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Field: "detail", Message: "is not a JSON object", Err: err}
	}
	if d.EventType == "" {
		return nil, nil
	}
	return record(raw, d.EventType)
}

// event is the part of a record that reports are made of.
type event struct {
	Mail struct {
		Timestamp string              `json:"timestamp"`
		MessageID string              `json:"messageId"`
		Tags      map[string][]string `json:"tags"`
	} `json:"mail"`
	Delivery struct {
		Timestamp string `json:"timestamp"`
	} `json:"delivery"`
	Bounce struct {
		Timestamp  string `json:"timestamp"`
		Type       string `json:"bounceType"`
		SubType    string `json:"bounceSubType"`
		Recipients []struct {
			Action string `json:"action"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Timestamp    string `json:"timestamp"`
		SubType      string `json:"complaintSubType"`
		FeedbackType string `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
}

// record reads one record of the type. A message has one reader, so that what
// is said of any recipient is said of the message.
func record(raw []byte, kind string) ([]outreach.Report, error) {
	var e event
	if !known(kind) {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Message: "an event of SES has another form than its type", Err: err}
	}
	f, err := e.finding(kind)
	if err != nil {
		return nil, err
	}
	if e.Mail.MessageID == "" {
		return nil, dental.Errorf(dental.Invalid, "mail.messageId", "is missing")
	}
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Field: f.field, Message: "is not a time", Err: err}
	}
	touch, attempt, err := ParseTags(e.Mail.Tags)
	if err != nil {
		return nil, err
	}
	if f.proves == "" {
		return nil, nil
	}
	return []outreach.Report{{
		Touch: touch, Attempt: attempt, Channel: string(dental.Mail), ProviderID: e.Mail.MessageID,
		Kind: f.proves, Code: f.code, At: at.UTC(),
	}}, nil
}

// finding is what an event proves, "" for nothing, and when it was.
type finding struct {
	proves outreach.ReportKind
	code   string
	at     string
	field  string // where at stands
}

// The types that matter.
const (
	typeSend      = "Send"
	typeDelivery  = "Delivery"
	typeBounce    = "Bounce"
	typeComplaint = "Complaint"
	typeReject    = "Reject"
	typeRendering = "Rendering Failure"
)

func known(kind string) bool {
	switch kind {
	case typeSend, typeDelivery, typeBounce, typeComplaint, typeReject, typeRendering:
		return true
	}
	return false
}

func (e *event) finding(kind string) (finding, error) {
	switch kind {
	case typeDelivery:
		return finding{outreach.ReportDelivered, kind, e.Delivery.Timestamp, "delivery.timestamp"}, nil
	case typeBounce:
		return e.bounce()
	case typeComplaint:
		return e.complaint(), nil
	case typeReject, typeRendering:
		// Both end a message that was accepted before.
		return finding{outreach.ReportUndelivered, code(kind, e.Reject.Reason), e.Mail.Timestamp, "mail.timestamp"}, nil
	}
	return finding{outreach.ReportAccepted, kind, e.Mail.Timestamp, "mail.timestamp"}, nil
}

func (e *event) bounce() (finding, error) {
	b := e.Bounce
	f := finding{code: code(typeBounce, b.Type, b.SubType), at: b.Timestamp, field: "bounce.timestamp"}
	switch b.Type {
	case "Permanent":
		f.proves = outreach.ReportBadAddress
	case "Transient", "Undetermined":
		if e.failed() {
			f.proves = outreach.ReportUndelivered
		}
	default:
		return finding{}, dental.Errorf(dental.Invalid, "bounce.bounceType", "is none of Permanent, Transient, Undetermined")
	}
	return f, nil
}

// failed reports whether a bounce that is not permanent proves that the message
// was not delivered. SES sorts out-of-office replies under Transient/General and
// what it cannot read under Undetermined: the message can have arrived, and a
// second one over another channel must not follow. There only a delivery status
// notification (RFC 3464) that says "failed" is proof. The other subtypes name
// what the receiving server objected to.
func (e *event) failed() bool {
	if e.Bounce.Type == "Transient" && e.Bounce.SubType != "General" && e.Bounce.SubType != "" {
		return true
	}
	for _, r := range e.Bounce.Recipients {
		if strings.EqualFold(r.Action, "failed") {
			return true
		}
	}
	return false
}

func (e *event) complaint() finding {
	c := e.Complaint
	f := finding{code: code(typeComplaint, c.SubType, c.FeedbackType), at: c.Timestamp, field: "complaint.timestamp"}
	switch {
	case c.SubType == "OnAccountSuppressionList":
		// Nobody has complained again: SES did not try, because of an earlier complaint.
		f.proves = outreach.ReportBadAddress
	case c.FeedbackType == "not-spam":
		// The reader took the message out of the spam.
	default:
		f.proves = outreach.ReportComplaint
	}
	return f
}

// code joins the provider's own words for a report: "Bounce/Permanent/NoEmail".
func code(words ...string) string {
	kept := words[:0]
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, "/")
}
