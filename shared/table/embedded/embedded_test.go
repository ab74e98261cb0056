package embedded_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

func open(t testing.TB, path string, now func() time.Time) *embedded.Engine {
	t.Helper()
	e, err := embedded.Open(path, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

func TestTheEmbeddedEngineKeepsToThePort(t *testing.T) {
	tabletest.Run(t, func(t *testing.T, now func() time.Time) table.Table {
		return open(t, filepath.Join(t.TempDir(), "table.db"), now)
	})
}
