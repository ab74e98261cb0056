package tabletest_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func openReference(_ *testing.T, now func() time.Time) table.Table {
	return tabletest.NewReference(now, seeded(1))
}

func TestTheReferenceEngineKeepsToThePort(t *testing.T) {
	tabletest.Run(t, openReference)
}

func openEmbedded(t *testing.T, now func() time.Time) table.Table {
	t.Helper()
	e, err := embedded.Open(filepath.Join(t.TempDir(), "table.db"), now, seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestAllEnginesAnswerAlike(t *testing.T) {
	tabletest.Differential(t, map[string]tabletest.Factory{
		"embedded":          openEmbedded,
		"another reference": openReference,
	})
}
