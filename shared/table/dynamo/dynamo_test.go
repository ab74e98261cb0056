package dynamo

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func TestTheEngineKeepsToThePort(t *testing.T) {
	tabletest.Run(t, func(_ *testing.T, now func() time.Time) table.Table {
		return New(newService(), "test", now, seeded(1))
	})
}

func TestTheEngineKeepsToThePortWhenBatchesComeInPieces(t *testing.T) {
	tabletest.Run(t, func(_ *testing.T, now func() time.Time) table.Table {
		s := newService()
		s.batch = 3
		return New(s, "test", now, seeded(1))
	})
}
