package fhir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/returnpoint/returnpoint/shared/load"
)

// NDJSONFormat reads a file with one resource a line, as Bulk Data Access
// exports them (https://hl7.org/fhir/uv/bulkdata/), packed by gzip or not.
type NDJSONFormat struct{}

// Scan is load.Format's.
func (NDJSONFormat) Scan(ctx context.Context, f load.File, from string, o load.Options) (load.Scanner, error) {
	l := &lineScanner{listener: listen(o.Clinic, account(o.Clinic), o.Now)}
	var at int64
	var err error
	if from != "" {
		if at, l.n, err = placed(from); err != nil {
			return nil, err
		}
	}
	if l.stream, err = open(ctx, f, at); err != nil {
		return nil, err
	}
	return l, nil
}

type lineScanner struct {
	listener
	stream *stream
	n      int64 // lines read
	done   bool
}

func (l *lineScanner) Close() error { return l.stream.Close() }

// Next is load.Scanner's. Empty lines are counted, and are no records.
func (l *lineScanner) Next(ctx context.Context) (load.Record, error) {
	for !l.done {
		if err := ctx.Err(); err != nil {
			return load.Record{}, fmt.Errorf("fhir: read the file: %w", err)
		}
		start := l.n == 0 && l.stream.at == 0
		raw, long, err := l.stream.line(MaxResource)
		if err != nil && !errors.Is(err, io.EOF) {
			return load.Record{}, l.stream.fault(err)
		}
		l.done = err != nil
		l.n++
		if start {
			raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 && !long {
			continue
		}
		if s := string(raw); start && (s == "{" || s == "[" || strings.HasPrefix(s, "<")) {
			return load.Record{}, &load.Fault{Code: "fhir-not-ndjson"} // a document over many lines
		}
		r := load.Record{Line: l.n, Place: place(l.stream.at, l.n), Read: l.stream.behind()}
		if long {
			r.Fault = tooLarge()
			return r, nil
		}
		objects, p := l.resource(raw, entry{})
		return record(r, objects, p), nil
	}
	return load.Record{}, io.EOF
}
