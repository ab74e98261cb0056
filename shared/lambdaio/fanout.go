package lambdaio

import (
	"context"
	"encoding/json"
)

// FanOut serves a function whose schedule puts messages into a queue that the
// same function works off: a batch of the queue goes to batches, everything else
// to schedule. What is neither is for schedule to refuse.
func FanOut(schedule, batches Handler) Handler {
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var event struct{ Records json.RawMessage }
		// No event of a schedule has records; what cannot be read has none.
		if err := json.Unmarshal(payload, &event); err == nil && event.Records != nil {
			return batches.Invoke(ctx, payload)
		}
		return schedule.Invoke(ctx, payload)
	})
}
