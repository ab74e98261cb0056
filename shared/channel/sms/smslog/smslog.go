// Package smslog reads what Amazon SNS writes to its SMS delivery log: one line
// of JSON a message, told by a CloudWatch Logs subscription. It links no client,
// so that a function that only listens does not pay for one.
//
// The subscription itself, packed and with lines of its own, is opened by
// lambdaio, which bounds what it unpacks.
//
// https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html
package smslog

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// maxLine is more bytes than any line of the log has; the documented one has 400.
const maxLine = 64 << 10

// line is the part of a line that a report is made of.
type line struct {
	Notification struct {
		MessageID string `json:"messageId"`
		Timestamp string `json:"timestamp"` // of the publication, in UTC: "2016-06-28 00:40:34.558"
	} `json:"notification"`
	Delivery *struct {
		Response string `json:"providerResponse"`
		// Milliseconds after the publication: to the hand-over to the carrier, and to
		// its last word.
		Dwell      int64 `json:"dwellTimeMs"`
		DwellToAck int64 `json:"dwellTimeMsUntilDeviceAck"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// The states of a message.
const (
	success = "SUCCESS"
	failure = "FAILURE"
)

// Parse reads one line of the log. SUCCESS is delivered: it is the most that
// SNS ever says, by the receipt of the phone where its carrier passes that on
// and by the carrier's acceptance where it does not; Code tells the two apart.
// FAILURE is undelivered, or says that the number itself is no good.
//
// The line has no touch in it: the report's ProviderID is the message id that
// Publish gave. Messages of other senders of the account, in the log too, have
// ids that nobody knows.
//
// What is not JSON, is no line of this log, or lacks what a report needs, is an
// error of the kind dental.Invalid.
func Parse(raw []byte) ([]outreach.Report, error) {
	if len(raw) > maxLine {
		return nil, dental.Errorf(dental.Invalid, "", "a line of the SMS delivery log has at most %d bytes", maxLine)
	}
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, &dental.Error{Kind: dental.Invalid, Message: "a line of the SMS delivery log is not a JSON object of its form", Err: err}
	}
	if l.Delivery == nil {
		return nil, dental.Errorf(dental.Invalid, "delivery", "is missing: no line of the SMS delivery log")
	}
	if l.Notification.MessageID == "" {
		return nil, dental.Errorf(dental.Invalid, "notification.messageId", "is missing")
	}
	at, err := time.Parse("2006-01-02 15:04:05.999", l.Notification.Timestamp)
	if err != nil {
		return nil, dental.Errorf(dental.Invalid, "notification.timestamp", "is not a time as in 2016-06-28 00:40:34.558")
	}
	r := outreach.Report{Channel: string(dental.SMS), ProviderID: l.Notification.MessageID, Code: code(l.Delivery.Response),
		At: at.Add(dwell(l.Delivery.Dwell, l.Delivery.DwellToAck))}
	switch l.Status {
	case success:
		r.Kind = outreach.ReportDelivered
	case failure:
		r.Kind = outreach.ReportUndelivered
		if forGood(l.Delivery.Response) {
			r.Kind = outreach.ReportBadAddress
		}
	default:
		return nil, dental.Errorf(dental.Invalid, "status", "is neither %s nor %s", success, failure)
	}
	return []outreach.Report{r}, nil
}

// forGood reports whether a failure is the number's own, so that nothing sent
// there later would arrive either. The documented rest is about this message or
// this moment, and what is not documented is taken so too: the number is asked
// again another time.
//
//	Blocked as spam by phone carrier                    this message
//	Destination is on a blocked list                    the number
//	Invalid phone number                                the number
//	Message body is invalid                             this message
//	Phone carrier has blocked this message              this message
//	Phone carrier is currently unreachable/unavailable  this moment
//	Phone has blocked SMS                               the number
//	Phone is on a blocked list                          the number
//	Phone is currently unreachable/unavailable          this moment
//	Phone number is opted out                           the number
//	This delivery would exceed max price                this message
//	Unknown error attempting to reach phone             this moment
func forGood(response string) bool {
	switch strings.TrimRight(strings.TrimSpace(response), ".") {
	case "Destination is on a blocked list", "Invalid phone number", "Phone has blocked SMS", "Phone is on a blocked list", "Phone number is opted out":
		return true
	}
	return false
}

// longest is how late a carrier's last word may be: the log has lines of up to
// 72 hours ago.
const longest = 72 * time.Hour

// dwell is how long after the publication the line's news is from.
func dwell(handed, acknowledged int64) time.Duration {
	ms := min(max(handed, acknowledged, 0), longest.Milliseconds())
	return time.Duration(ms) * time.Millisecond
}

// maxCode bounds what a provider's words take in the timeline.
const maxCode = 120

// code is the carrier's word for it, on one line.
func code(response string) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(response, "")), " "))
	return string(r[:min(len(r), maxCode)])
}
