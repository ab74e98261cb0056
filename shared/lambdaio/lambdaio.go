// Package lambdaio stands between AWS Lambda and the use cases: it turns what
// Lambda delivers into what they take, and their answers back. It alone knows
// the shapes of Lambda's events.
//
// HTTP, Queue, Schedule and Events make a Handler of an ordinary function. On
// AWS, Start runs it. On one machine, Invoke runs the very same Handler over the
// very same JSON, which HTTPPayload, QueuePayload, SchedulePayload and
// EventPayload write; so nothing is true of one place only.
//
// Every Handler recovers a panic, logs it with its stack and fails as the event
// asks: a request by 500, a message of a batch alone, anything else as a whole.
package lambdaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Handler takes the JSON of one event and gives the JSON of its answer.
type Handler = lambda.Handler

// MaxPayload is how many bytes of JSON Lambda takes and gives in a synchronous
// call (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const MaxPayload = 6 << 20

// answerTime is kept back from the deadline of the use case, so that its answer
// still leaves before Lambda stops the process.
const answerTime = 300 * time.Millisecond

// errPanic stands for a panic in what is returned to Lambda; the log has the
// value and the stack.
var errPanic = errors.New("a panic, described in the log")

// Start runs the handler on AWS Lambda and does not return. Outside Lambda it
// ends the process with a message.
func Start(h Handler) { lambda.Start(h) }

// WithRequestID names the invocation in the log, as Lambda does by itself.
func WithRequestID(ctx context.Context, id string) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: id})
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// handle makes a Handler of fn that ends in time and survives a panic; what
// names the kind of event in the log.
func handle(log *slog.Logger, what string, fn handlerFunc) Handler {
	return handlerFunc(func(ctx context.Context, payload []byte) (answer []byte, err error) {
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
			defer cancel()
		}
		err = protect(ctx, log, func() error {
			answer, err = fn(ctx, payload)
			return err
		}, "event", what)
		if err != nil {
			return nil, fmt.Errorf("lambdaio: %s: %w", what, err)
		}
		return answer, nil
	})
}

// protect runs fn and turns a panic into a line of the log and an error. The
// further arguments are pairs for that line.
func protect(ctx context.Context, log *slog.Logger, fn func() error, args ...any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, log, v, args...)
			err = errPanic
		}
	}()
	return fn()
}

// logPanic is called where a panic was recovered, while its stack is there.
func logPanic(ctx context.Context, log *slog.Logger, value any, args ...any) {
	log.With(args...).ErrorContext(ctx, "panic", "value", fmt.Sprint(value), "stack", string(debug.Stack()))
}
