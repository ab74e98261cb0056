package lambdaio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Message is one message of a queue.
type Message struct {
	// ID is the queue's own, the same at each delivery.
	ID   string
	Body string
	// Attributes are the message attributes that hold text or a number.
	Attributes map[string]string
}

// Queue handles the batches of a standard Amazon SQS queue whose event source
// has FunctionResponseTypes: [ReportBatchItemFailures]: the messages for which
// fn fails or panics are delivered again, and they alone
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
//
// Messages are handled one after another. Each is given need: a message is not
// begun when less is left until the deadline, nor when ctx has ended, and it is
// returned as failed; that costs it one of its receives, so the batch size
// times need is best kept within the function's time-out.
//
// An event that is no batch, or that has a message without id, is an error, so
// that the whole batch comes again.
func Queue(log *slog.Logger, need time.Duration, fn func(ctx context.Context, m Message) error) Handler {
	return handle(log, "queue batch", func(ctx context.Context, payload []byte) ([]byte, error) {
		batch, err := readBatch(payload)
		if err != nil {
			return nil, err
		}
		failures := []events.SQSBatchItemFailure{}
		begun := 0
		for ; begun < len(batch) && Leaves(ctx, need); begun++ {
			m := batch[begun]
			err := protect(ctx, log, func() error { return fn(ctx, m) }, "message", m.ID)
			if err != nil {
				log.ErrorContext(ctx, "a message failed and will come again", "message", m.ID, "err", err)
				failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: m.ID})
			}
		}
		if rest := batch[begun:]; len(rest) > 0 {
			log.WarnContext(ctx, "no time for some messages, which will come again", "messages", len(rest))
			for _, m := range rest {
				failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: m.ID})
			}
		}
		return encode(events.SQSEventResponse{BatchItemFailures: failures})
	})
}

// Leaves reports whether ctx still leaves the time needed.
func Leaves(ctx context.Context, need time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) >= need
}

func readBatch(payload []byte) ([]Message, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if len(event.Records) == 0 {
		return nil, errors.New("not a batch of messages")
	}
	batch := make([]Message, len(event.Records))
	for i, record := range event.Records {
		if record.EventSource != "aws:sqs" || record.MessageId == "" {
			return nil, fmt.Errorf("record %d is not a message of SQS with an id (source %q)", i, record.EventSource)
		}
		batch[i] = Message{ID: record.MessageId, Body: record.Body}
		for name, attribute := range record.MessageAttributes {
			if attribute.StringValue == nil {
				continue
			}
			if batch[i].Attributes == nil {
				batch[i].Attributes = map[string]string{}
			}
			batch[i].Attributes[name] = *attribute.StringValue
		}
	}
	return batch, nil
}
