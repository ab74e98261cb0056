package lambdaio

import (
	"context"
	"encoding/json"
)

// Either serves a function that is called in two ways: the requests of an HTTP
// API go to requests, everything else to others. What is neither is for others
// to refuse.
func Either(requests, others Handler) Handler {
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var event struct {
			Context *struct {
				HTTP json.RawMessage `json:"http"`
			} `json:"requestContext"`
		}
		// The context of a request alone tells of HTTP; what cannot be read has none.
		if err := json.Unmarshal(payload, &event); err == nil && event.Context != nil && event.Context.HTTP != nil {
			return requests.Invoke(ctx, payload)
		}
		return others.Invoke(ctx, payload)
	})
}
