package generic

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
)

var _ load.Format = Lines{}

// Lines reads JSON Lines of events (https://jsonlines.org): one event a line, of
// every type of the contract, deletions too. Lines end with LF or CRLF, the last
// one may end with the file; a byte order mark at the beginning is passed over,
// and so are empty lines. A line that is no event is a Fault of its record, and
// the next line is read as ever.
type Lines struct{}

// Scan implements load.Format. A place is the number of lines and of bytes
// behind, "12:3456".
func (Lines) Scan(ctx context.Context, f load.File, place string, o load.Options) (load.Scanner, error) {
	s := &lines{clinic: o.Clinic.ID}
	if place != "" {
		if n, err := fmt.Sscanf(place, "%d:%d", &s.line, &s.read); n != 2 || err != nil || s.line < 0 || s.read < 0 {
			return nil, fmt.Errorf("generic: %.40q is no place in lines of events", place)
		}
	}
	file, err := f.Open(ctx, s.read)
	if err != nil {
		return nil, fmt.Errorf("generic: open the lines: %w", err)
	}
	s.file, s.in = file, bufio.NewReaderSize(file, 64<<10)
	return s, nil
}

type lines struct {
	clinic string
	file   io.Closer
	in     *bufio.Reader
	line   int64 // lines behind
	read   int64 // bytes behind
	buffer []byte
}

func (s *lines) Close() error { return s.file.Close() }

// Next implements load.Scanner.
func (s *lines) Next(ctx context.Context) (load.Record, error) {
	for {
		if err := ctx.Err(); err != nil {
			return load.Record{}, err
		}
		raw, long, err := s.next()
		if err != nil {
			return load.Record{}, err
		}
		if s.line == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 && !long {
			continue
		}
		r := load.Record{Line: s.line, Place: strconv.FormatInt(s.line, 10) + ":" + strconv.FormatInt(s.read, 10), Read: s.read}
		switch {
		case long:
			r.Fault = &load.Fault{Code: "line-long"}
		case bytes.IndexByte(raw, 0) >= 0:
			r.Fault = &load.Fault{Code: "line-nul"}
		case !utf8.Valid(raw):
			r.Fault = &load.Fault{Code: "line-utf8"}
		default:
			ev, err := Decode(s.clinic, "", raw)
			if known, ok := errors.AsType[*dental.Error](err); ok {
				r.Fault = &load.Fault{Column: known.Field, Code: "event", Detail: known.Message}
			} else if err != nil {
				return load.Record{}, fmt.Errorf("generic: read line %d: %w", s.line, err)
			} else {
				r.Objects = []intake.Object{{At: ev.At, Facts: []intake.Event{ev}}}
			}
		}
		return r, nil
	}
}

// next reads one line into the buffer, of which a line that is too long is only
// counted. What comes after the last one is io.EOF.
func (s *lines) next() (raw []byte, long bool, err error) {
	s.buffer = s.buffer[:0]
	some := false
	for {
		piece, err := s.in.ReadSlice('\n')
		s.read += int64(len(piece))
		some = some || len(piece) > 0
		if len(s.buffer)+len(piece) > MaxBytes+2 { // and the end of the line
			long = true
		} else {
			s.buffer = append(s.buffer, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && !some:
			return nil, false, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, false, fmt.Errorf("generic: read the lines: %w", err)
		}
		s.line++
		return s.buffer, long, nil
	}
}
