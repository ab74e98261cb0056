package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// figures fills a base and asks for its pages.
func figures(t *testing.T, patients int) map[string]figure {
	t.Helper()
	b, err := open(filepath.Join(t.TempDir(), "table.db"), time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.engine.Close() }()
	if err := b.fill(t.Context(), patients); err != nil {
		t.Fatal(err)
	}
	out := map[string]figure{}
	for _, p := range b.pages(patients) {
		if out[p.name], err = b.ask(p, 20); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestAPageCostsWhatItShowsWhateverTheSizeOfTheBase(t *testing.T) {
	small, large := figures(t, 150), figures(t, 600)
	for _, page := range []string{"card", "measures", "search", "arrivals"} {
		if few, many := small[page], large[page]; many.Calls > few.Calls || many.Items > few.Items+few.Items/10 {
			t.Errorf("%s reads %d items in %d calls of 150 patients, and %d in %d of 600", page, few.Items, few.Calls, many.Items, many.Calls)
		}
	}
	if list := large["list"]; list.Calls == 0 || list.Items == 0 || list.Bytes < 1000 {
		t.Errorf("the list shows nothing: %+v", list)
	}
}

func TestTheReportIsATableOrJSON(t *testing.T) {
	var table, raw bytes.Buffer
	if err := run(t.Context(), []string{"-patients", "100", "-requests", "20"}, &table); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"100 patients", "p95 ms", "list", "card", "measures"} {
		if !strings.Contains(table.String(), words) {
			t.Errorf("the table does not say %q:\n%s", words, table.String())
		}
	}
	if err := run(t.Context(), []string{"-patients", "100", "-requests", "20", "-json"}, &raw); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(raw.Bytes(), &r); err != nil || r.Patients != 100 || len(r.Pages) < 3 {
		t.Errorf("%v: %s", err, raw.String())
	}
	if err := run(t.Context(), []string{"-patients", "0"}, &raw); err == nil {
		t.Error("a base of nobody was measured")
	}
}
