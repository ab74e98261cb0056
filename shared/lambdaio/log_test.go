package lambdaio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/lambdaio"
)

func TestTheLogIsOneObjectALineWithTheRequestItBelongsTo(t *testing.T) {
	var out bytes.Buffer
	log := lambdaio.Logger(&out, slog.LevelInfo)
	ctx := lambdaio.WithRequestID(context.Background(), "req-1")
	log.With("clinic", "demo").InfoContext(ctx, "sent\nto many", "count", 3)
	log.Info("outside any request")

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), &out)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"level": "INFO", "message": "sent\nto many", "count": 3.0, "clinic": "demo", "requestId": "req-1"} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	if at, ok := got["timestamp"].(string); !ok {
		t.Errorf("no timestamp: %s", lines[0])
	} else if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
		t.Errorf("timestamp %s: %v", at, err)
	}
	if strings.Contains(lines[1], "requestId") {
		t.Errorf("a request id out of nothing: %s", lines[1])
	}
}

func TestTheLevelIsTheCallers(t *testing.T) {
	var out bytes.Buffer
	log := lambdaio.Logger(&out, slog.LevelWarn)
	log.Info("not shown")
	log.Warn("shown")
	if strings.Contains(out.String(), "not shown") || !strings.Contains(out.String(), `"shown"`) {
		t.Errorf("%s", &out)
	}
}

func TestAGroupKeepsTheRequest(t *testing.T) {
	var out bytes.Buffer
	lambdaio.Logger(&out, slog.LevelInfo).WithGroup("touch").InfoContext(lambdaio.WithRequestID(context.Background(), "req-1"), "x", "id", "t-1")
	if !strings.Contains(out.String(), `"requestId":"req-1"`) || !strings.Contains(out.String(), `"id":"t-1"`) {
		t.Errorf("%s", &out)
	}
}
