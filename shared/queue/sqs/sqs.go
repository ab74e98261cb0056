// Package sqs carries work over an Amazon SQS queue. SQS delivers at least once
// and in any order, so that handing a body over a second time is no harm, and
// whatever fails is repeated here and by the SDK.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

const (
	// maxBody is what outreach.Queue promises to carry.
	maxBody = 100 * 1024
	// SQS takes ten messages a call, and since August 2025 1 MiB of them; 256 KiB
	// was the limit before, and still is that of services compatible with it.
	maxEntries = 10
	maxBytes   = 256 * 1024
	// maxRounds bounds how often the messages that SQS did not take are handed
	// over, and maxPause the pause between the last two rounds.
	maxRounds  = 6
	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
)

// Queue is one SQS queue to send to.
type Queue struct {
	sqs    *sqs.Client
	url    string
	random func() float64
}

var _ outreach.Queue = (*Queue)(nil)

// New makes the queue from its URL. random gives numbers in [0, 1) to spread
// the rounds of many senders, and is called from any goroutine.
func New(cfg aws.Config, url string, random func() float64) *Queue {
	return &Queue{sqs: sqs.NewFromConfig(cfg), url: url, random: random}
}

// Enqueue hands over the bodies in as few calls as they fit in. A body that
// could never be taken is an error of the kind dental.Invalid before anything
// is sent; what SQS did not take in the end is dental.Unavailable, and the
// bodies may all be handed over again.
func (q *Queue) Enqueue(ctx context.Context, bodies ...string) error {
	for i, b := range bodies {
		if len(b) == 0 || len(b) > maxBody {
			return dental.Errorf(dental.Invalid, "", "sqs: body %d of %d has %d bytes, and 1 to %d are carried", i+1, len(bodies), len(b), maxBody)
		}
	}
	// A call that fails as a whole ends it, because the next one would fail
	// alike; messages that SQS refuses one by one do not keep back the rest.
	var errs []error
	for rest := bodies; len(rest) > 0; {
		n := fit(rest)
		down, err := q.send(ctx, rest[:n])
		if err != nil {
			errs = append(errs, err)
		}
		if down {
			break
		}
		rest = rest[n:]
	}
	if len(errs) == 0 {
		return nil
	}
	return &dental.Error{Kind: dental.Unavailable, Message: "sqs: not all messages were taken", Err: errors.Join(errs...)}
}

// fit is how many of the bodies go into one call, at least one.
func fit(bodies []string) int {
	size := 0
	for i, b := range bodies {
		if size += len(b); i == maxEntries || size > maxBytes {
			return i
		}
	}
	return len(bodies)
}

// send hands over what fits in one call. down says that the call itself failed.
func (q *Queue) send(ctx context.Context, bodies []string) (down bool, err error) {
	pending := make([]types.SendMessageBatchRequestEntry, len(bodies))
	for i, b := range bodies {
		pending[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(b)}
	}
	var refused []error
	for round := 0; len(pending) > 0; round++ {
		if round == maxRounds {
			refused = append(refused, fmt.Errorf("%d messages were not taken in %d rounds", len(pending), maxRounds))
			break
		}
		if round > 0 {
			if err := q.pause(ctx, round); err != nil {
				return true, errors.Join(append(refused, err)...)
			}
		}
		out, err := q.sqs.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(q.url), Entries: pending})
		if err != nil {
			return true, errors.Join(append(refused, fmt.Errorf("send a batch: %w", err))...)
		}
		settled := map[string]bool{}
		for _, s := range out.Successful {
			settled[aws.ToString(s.Id)] = true
		}
		for _, f := range out.Failed {
			if f.SenderFault {
				// It is the message, and stays so.
				settled[aws.ToString(f.Id)] = true
				refused = append(refused, fmt.Errorf("a message was refused: %s: %s", aws.ToString(f.Code), aws.ToString(f.Message)))
			}
		}
		// A message that the answer does not name was perhaps not taken.
		kept := pending[:0]
		for _, e := range pending {
			if !settled[aws.ToString(e.Id)] {
				kept = append(kept, e)
			}
		}
		pending = kept
	}
	return false, errors.Join(refused...)
}

// pause waits for a random part of a time that doubles with each round.
func (q *Queue) pause(ctx context.Context, round int) error {
	t := time.NewTimer(time.Duration(q.random() * float64(min(firstPause<<(round-1), maxPause))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
