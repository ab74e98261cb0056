package embedded_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/table"
)

// BenchmarkWrite writes one small indexed item a time; one iteration is one
// write, whatever the number of callers. The disk's sync sets the pace.
func BenchmarkWrite(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			e := open(b, filepath.Join(b.TempDir(), "table.db"), time.Now, rand.Reader)
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for n := caller; n < b.N; n += callers {
						key := table.Key{PK: fmt.Sprintf("P#clinic#%d", n%5000), SK: fmt.Sprintf("V#%d", n)}
						if err := e.Write(b.Context(), table.Put(table.Item{
							Key:    key,
							Index2: table.Key{PK: "LED#clinic#2026-05-17", SK: key.String()},
							Attr:   map[string]any{"doctor": "D-7", "sum": int64(1_250_000), "kind": "hygiene"},
						}, table.Absent)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}

// BenchmarkQuery reads a partition of 40 items of a dozen attributes each, as a
// patient's card has them.
func BenchmarkQuery(b *testing.B) {
	e := open(b, filepath.Join(b.TempDir(), "table.db"), time.Now, rand.Reader)
	for n := range 40 {
		attr := map[string]any{"links": []any{"c29tZSBsaW5r"}, "attempts": []any{map[string]any{"id": "x", "channel": "sms", "at": "2026-05-17T12:00:00Z"}}}
		for i := range 10 {
			attr[fmt.Sprintf("attribute%d", i)] = fmt.Sprintf("the value of number %d", n)
		}
		if err := e.Write(b.Context(), table.Put(table.Item{Key: table.Key{PK: "P#clinic#1", SK: fmt.Sprintf("T#%d", n)}, Attr: attr}, table.None)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		page, err := e.Query(b.Context(), table.Query{PK: "P#clinic#1", Limit: table.MaxLimit})
		if err != nil || len(page.Items) != 40 {
			b.Fatalf("%d items, %v", len(page.Items), err)
		}
	}
}
