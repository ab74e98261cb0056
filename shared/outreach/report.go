package outreach

import (
	"time"
)

// Report is what a provider says later about a message it was given.
type Report struct {
	// Touch and Attempt are set when the report itself carries them (SES tags,
	// one machine's outbox); else ProviderID finds the touch.
	Touch      TouchRef
	Attempt    string
	Channel    string
	ProviderID string
	Kind       ReportKind
	// Code is the provider's own word for it, for the log and the timeline.
	Code string
	At   time.Time
}

// ReportKind is what a report proves.
type ReportKind string

// The kinds of report.
const (
	ReportAccepted    ReportKind = "accepted"    // the provider has it
	ReportDelivered   ReportKind = "delivered"   // it has arrived
	ReportUndelivered ReportKind = "undelivered" // it has not and will not: this time only
	ReportBadAddress  ReportKind = "bad-address" // it has not, and nothing ever will reach that address
	ReportComplaint   ReportKind = "complaint"   // the reader called it spam
	ReportRefused     ReportKind = "refused"     // the provider never took it
)
