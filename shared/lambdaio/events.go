package lambdaio

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Event is one report of a provider, such as a delivery or a bounce.
type Event struct {
	// ID is the platform's own, the same at each delivery of the event.
	ID string
	// Source is the service that made the event ("aws.ses"), the ARN of the
	// SNS topic, or the name of the log group that it came through.
	Source string
	// Type is EventBridge's detail-type ("Email Bounced"); "" for the others.
	Type string
	Time time.Time
	// Body is the report as the provider wrote it: EventBridge's detail, the
	// message of the topic, or the line of the log. It is valid JSON.
	Body json.RawMessage
}

// Events hands reports to fn one by one, whichever way they come:
//
//   - an event of EventBridge, which is how the events of Amazon SES are best
//     taken: its configuration set publishes to the default bus, a rule picks
//     the detail-types, and nothing needs to be subscribed or confirmed
//     (https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html);
//   - records of an SNS topic, for configuration sets that publish there;
//   - a CloudWatch Logs subscription, which is how Amazon SNS tells what
//     became of an SMS
//     (https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html).
//
// A report that fails does not stop the others; the event fails as a whole
// afterwards, the platform brings all of it again, and fn sees some reports
// twice. SES gives no promise of order or of delivery.
func Events(log *slog.Logger, fn func(ctx context.Context, e Event) error) Handler {
	return handle(log, "provider event", func(ctx context.Context, payload []byte) ([]byte, error) {
		reports, err := readEvents(payload)
		if err != nil {
			return nil, err
		}
		var failed []error
		for _, e := range reports {
			err := ctx.Err()
			if err == nil {
				err = protect(ctx, log, func() error { return fn(ctx, e) }, "report", e.ID)
			}
			if err != nil {
				log.ErrorContext(ctx, "a report failed and will come again", "report", e.ID, "type", e.Type, "err", err)
				failed = append(failed, fmt.Errorf("report %s: %w", e.ID, err))
			}
		}
		return []byte("null"), errors.Join(failed...)
	})
}

func readEvents(payload []byte) ([]Event, error) {
	var event struct {
		events.EventBridgeEvent
		Records []events.SNSEventRecord
		AWSLogs *events.CloudwatchLogsRawData `json:"awslogs"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	var reports []Event
	switch {
	case event.AWSLogs != nil:
		data, err := unpack(event.AWSLogs.Data)
		if err != nil {
			return nil, fmt.Errorf("unpack the log: %w", err)
		}
		if data.MessageType == "CONTROL_MESSAGE" {
			return nil, nil // CloudWatch Logs asks whether the function can be reached
		}
		for _, line := range data.LogEvents {
			reports = append(reports, Event{ID: line.ID, Source: data.LogGroup, Time: time.UnixMilli(line.Timestamp).UTC(), Body: json.RawMessage(line.Message)})
		}
	case len(event.Records) > 0:
		for i, record := range event.Records {
			if record.EventSource != "aws:sns" {
				return nil, fmt.Errorf("record %d is not of a topic (source %q)", i, record.EventSource)
			}
			reports = append(reports, Event{ID: record.SNS.MessageID, Source: record.SNS.TopicArn, Time: record.SNS.Timestamp.UTC(), Body: json.RawMessage(record.SNS.Message)})
		}
	case event.DetailType != "" && event.Source != "":
		reports = append(reports, Event{ID: event.ID, Source: event.Source, Type: event.DetailType, Time: event.Time.UTC(), Body: event.Detail})
	default:
		return nil, errors.New("neither an event of EventBridge, nor records of a topic, nor lines of a log")
	}
	for _, e := range reports {
		if !json.Valid(e.Body) {
			return nil, fmt.Errorf("report %s from %s is not JSON", e.ID, e.Source)
		}
	}
	return reports, nil
}

// maxUnpacked is how much JSON is taken out of one packed batch of a log. What
// CloudWatch Logs packs at once was put there in batches of 1 MB; little that is
// packed can be very much unpacked.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const maxUnpacked = 16 << 20

// unpack opens what a subscription delivers: JSON, packed by gzip, in base64.
func unpack(packed string) (data events.CloudwatchLogsData, err error) {
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
	if err != nil {
		return data, fmt.Errorf("it is not packed: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return data, fmt.Errorf("it is packed badly: %w", err)
	}
	if len(raw) > maxUnpacked {
		return data, fmt.Errorf("it has more than %d bytes", maxUnpacked)
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		return data, fmt.Errorf("it is not of a log: %w", err)
	}
	return data, nil
}
