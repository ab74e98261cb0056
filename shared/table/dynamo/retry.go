package dynamo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/returnpoint/returnpoint/shared/table"
)

const (
	// attempts is how often one call is sent at most. With the pauses between
	// them that is about two seconds of a service that answers at once.
	attempts = 8
	// firstPause and longestPause bound the random pause before a repetition;
	// the bound doubles each time.
	firstPause   = 40 * time.Millisecond
	longestPause = time.Second
	// attemptTime ends an attempt that gets no answer. DynamoDB answers in
	// milliseconds; what takes longer than this is lost.
	attemptTime = 5 * time.Second
)

// outcome is what the answer to one attempt says about it.
type outcome int

const (
	// done: the service did it.
	done outcome = iota
	// conflict: a condition was false and the attempt did nothing.
	conflict
	// busy: the service did nothing for load or for another write on the same
	// item, and may do it later.
	busy
	// unsent: the attempt did not leave this machine.
	unsent
	// lost: the attempt may have been done, or may yet be.
	lost
	// invalid: the service did nothing because it cannot take such a call.
	invalid
	// refused: the service did nothing for another reason.
	refused
)

// outcomeOf reads the error of one attempt. Whatever is not known to have done
// nothing counts as lost.
func outcomeOf(err error) outcome {
	if err == nil {
		return done
	}
	if errors.Is(err, errUnprocessed) {
		return busy
	}
	if canceled := (*types.TransactionCanceledException)(nil); errors.As(err, &canceled) {
		return outcomeOfCanceled(canceled.CancellationReasons)
	}
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return outcomeOfRefusal(err, api)
	}
	var (
		dial    *net.OpError
		name    *net.DNSError
		signing *v4.SigningError
	)
	if errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &name) || errors.As(err, &signing) {
		return unsent
	}
	return lost
}

func outcomeOfRefusal(err error, api smithy.APIError) outcome {
	switch api.ErrorCode() {
	case "ConditionalCheckFailedException":
		return conflict
	case "TransactionConflictException", "ReplicatedWriteConflictException",
		// The same transaction, sent before, is still at work.
		"TransactionInProgressException",
		"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return busy
	case "ValidationException":
		return invalid
	}
	response := (*smithyhttp.ResponseError)(nil)
	if errors.As(err, &response) {
		// Below 500 the service turned the request down; a time-out it reports
		// is the exception.
		if status := response.HTTPStatusCode(); status >= 400 && status < 500 && status != 408 {
			return refused
		}
		return lost
	}
	if api.ErrorFault() == smithy.FaultClient {
		return refused
	}
	return lost
}

// outcomeOfCanceled weighs the reasons of a cancelled transaction, one an
// operation. It did nothing whatever they are. A condition that was seen to be
// false stays so for this attempt, so it outweighs a passing reason beside it.
func outcomeOfCanceled(reasons []types.CancellationReason) outcome {
	worst := refused
	for _, reason := range reasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			return conflict
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			worst = invalid
		case "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError":
			if worst == refused {
				worst = busy
			}
		}
	}
	return worst
}

// retryRead sends a read until it is answered. Reads change nothing, so a lost
// answer is no more than a delay.
func (e *Engine) retryRead(ctx context.Context, send func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := attemptOnce(ctx, send)
		result := outcomeOf(err)
		switch {
		case result == done:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case result == invalid:
			return fmt.Errorf("%w: %w", table.ErrInvalid, err)
		case result == refused || result == conflict:
			return fmt.Errorf("the service refused it: %w", err)
		case attempt == attempts && result == busy:
			return fmt.Errorf("%w: gave up after %d attempts: %w", table.ErrContention, attempts, err)
		case attempt == attempts:
			return fmt.Errorf("no answer in %d attempts: %w", attempts, err)
		}
		if pauseErr := e.pause(ctx, attempt); pauseErr != nil {
			return fmt.Errorf("%w: %w", pauseErr, err)
		}
	}
}

func attemptOnce(ctx context.Context, send func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	return send(ctx)
}

// pause waits a random time before the repetition that follows attempt, or
// until the context ends.
func (e *Engine) pause(ctx context.Context, attempt int) error {
	most := min(firstPause<<(attempt-1), longestPause)
	var b [8]byte
	if _, err := io.ReadFull(e.rand, b[:]); err != nil {
		return fmt.Errorf("draw the pause before a repetition: %w", err)
	}
	timer := time.NewTimer(time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(most)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lockedReader lets concurrent calls draw from one source.
type lockedReader struct {
	mu     sync.Mutex
	reader io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.ReadFull(l.reader, p)
}
