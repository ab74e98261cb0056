package lambdaio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// scheduledEvent is the detail-type of what a schedule rule of EventBridge sends.
const scheduledEvent = "Scheduled Event"

// Schedule runs fn at the times of a schedule. scheduled is the time that the
// schedule meant, in UTC, however late the event came and however often it was
// tried: two runs for one time decide alike.
//
// It takes {"time": RFC 3339}, which EventBridge Scheduler sends when the
// Input of its target is {"time": "<aws.scheduler.scheduled-time>"}
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html),
// and the "Scheduled Event" of a rule, which has its time in the same place.
// Without a time that can be read it fails and does not run fn.
func Schedule(log *slog.Logger, fn func(ctx context.Context, scheduled time.Time) error) Handler {
	return handle(log, "schedule", func(ctx context.Context, payload []byte) ([]byte, error) {
		scheduled, err := readSchedule(payload)
		if err != nil {
			return nil, err
		}
		return []byte("null"), fn(ctx, scheduled)
	})
}

func readSchedule(payload []byte) (time.Time, error) {
	var event struct {
		Time       *string `json:"time"`
		DetailType string  `json:"detail-type"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return time.Time{}, fmt.Errorf("read the event: %w", err)
	}
	switch {
	case event.DetailType != "" && event.DetailType != scheduledEvent:
		return time.Time{}, fmt.Errorf("%q is not an event of a schedule", event.DetailType)
	case event.Time == nil:
		return time.Time{}, errors.New(`the event has no "time", so what is due cannot be told`)
	case strings.Contains(*event.Time, "aws.scheduler."):
		return time.Time{}, fmt.Errorf(`the scheduler did not fill in the "time" of the event: %q`, *event.Time)
	}
	scheduled, err := time.Parse(time.RFC3339, *event.Time)
	if err != nil {
		return time.Time{}, fmt.Errorf(`the "time" of the event is not RFC 3339: %q`, *event.Time)
	}
	return scheduled.UTC(), nil
}
