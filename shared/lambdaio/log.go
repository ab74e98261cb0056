package lambdaio

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Logger writes a line of JSON a record to w, which is os.Stdout in a function.
// The keys are those that Lambda's own JSON logs have (timestamp, level,
// message, requestId), so that one query finds both; requestId is there in
// every record logged with the context of an invocation.
func Logger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(requestLog{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: lambdacontext.ReplaceAttr})})
}

// requestLog adds the request id that the context carries. The logger of
// lambdacontext does so too, but writes text unless the platform is told
// otherwise, and to standard output only.
type requestLog struct{ slog.Handler }

func (l requestLog) Handle(ctx context.Context, r slog.Record) error {
	if id := requestID(ctx); id != "" {
		r.AddAttrs(slog.String("requestId", id))
	}
	return l.Handler.Handle(ctx, r)
}

func (l requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{l.Handler.WithAttrs(attrs)}
}

func (l requestLog) WithGroup(name string) slog.Handler {
	return requestLog{l.Handler.WithGroup(name)}
}
