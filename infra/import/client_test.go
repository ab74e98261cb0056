package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/returnpoint/returnpoint/shared/load"
)

func TestAFileIsSentUnpackedInTheFormatOfWhatIsInIt(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct{ name, body, format string }{
		{"base.csv", "ID;ФИО\n", load.CSV}, {"base.txt", "ID;ФИО\n", load.CSV}, {"base.csv.gz", "ID;ФИО\n", load.CSV}, {"base.json.gz", "{}", load.Bundle},
		{"a.ndjson", `{"resourceType":"Patient"}`, load.NDJSON}, {"b.ndjson.gz", `{"resourceType":"Patient"}`, load.NDJSON},
		{"c.jsonl", `{"type":"patient.updated"}`, load.JSONLines}, {"d.JSONL.GZ", `{"type":"patient.updated"}`, load.JSONLines}, {"base.mdb", "", ""},
	} {
		path, body := filepath.Join(folder, c.name), []byte(c.body)
		if bare(c.name) != c.name {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := w.Write(body); err != nil || w.Close() != nil {
				t.Fatal(err)
			}
			body = packed.Bytes()
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := open(path)
		if (err != nil) != (c.format == "") {
			t.Errorf("%s is opened with %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if got, err := io.ReadAll(s); err != nil || string(got) != c.body || s.format != c.format {
			t.Errorf("%s is sent as %q of %s (%v)", c.name, got, s.format, err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
	if files, err := filesOf(folder); err != nil || len(files) != 8 {
		t.Errorf("of the folder it takes %q (%v)", files, err)
	}
}
