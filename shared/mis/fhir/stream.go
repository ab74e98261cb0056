package fhir

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/returnpoint/returnpoint/shared/load"
)

// What a packed file may unpack to: as much in all, and so many times its own
// length once it is longer than a first part. Resources shrink to a tenth or a
// thirtieth of their length.
const (
	maxUnpacked = 16 << 30
	maxRatio    = 200
	freeOfRatio = 64 << 20
)

// stream reads on in a file, packed by gzip or not, and knows where it is.
type stream struct {
	*bufio.Reader
	file *counted
	zip  *gzip.Reader // nil of a file that is not packed
	at   int64        // bytes read, of what the file unpacks to
	out  int64        // bytes unpacked
}

// counted is the file itself, and what went wrong with it.
type counted struct {
	io.ReadCloser
	read int64
	err  error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

var errBomb = errors.New("unpacks to too much")

// Read reads what the file unpacks to.
func (s *stream) Read(p []byte) (int, error) {
	if s.zip == nil {
		return s.file.Read(p)
	}
	n, err := s.zip.Read(p)
	s.out += int64(n)
	if s.out > maxUnpacked || s.out > freeOfRatio && s.out > maxRatio*s.file.read {
		return n, errBomb
	}
	return n, err
}

// open begins to read at an offset of what the file unpacks to.
func open(ctx context.Context, f load.File, from int64) (*stream, error) {
	s := &stream{}
	body, err := f.Open(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("fhir: open the file: %w", err)
	}
	s.file = &counted{ReadCloser: body}
	raw := bufio.NewReader(s.file)
	magic, _ := raw.Peek(2)
	switch {
	case len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		if s.zip, err = gzip.NewReader(raw); err != nil {
			return nil, s.fault(errors.Join(err, s.Close()))
		}
		s.Reader = bufio.NewReaderSize(readerOf{s}, 64<<10)
		if _, err := io.CopyN(io.Discard, s.Reader, from); err != nil {
			return nil, s.fault(errors.Join(err, s.Close()))
		}
	default:
		if s.file.err != nil {
			return nil, s.fault(errors.Join(s.file.err, s.Close()))
		}
		if err := s.Close(); err != nil {
			return nil, fmt.Errorf("fhir: close the file: %w", err)
		}
		if body, err = f.Open(ctx, from); err != nil {
			return nil, fmt.Errorf("fhir: open the file: %w", err)
		}
		s.file = &counted{ReadCloser: body, read: from}
		s.Reader = bufio.NewReaderSize(readerOf{s}, 64<<10)
	}
	s.at = from
	return s, nil
}

// readerOf keeps a stream's own Read apart from that of its buffer.
type readerOf struct{ s *stream }

func (r readerOf) Read(p []byte) (int, error) { return r.s.Read(p) }

func (s *stream) Close() error { return s.file.Close() }

// behind is how many bytes of the file itself were read.
func (s *stream) behind() int64 {
	if s.zip == nil {
		return s.at
	}
	return s.file.read
}

// fault says what an error of reading means: that the file cannot be one, or
// that it could not be read just now.
func (s *stream) fault(err error) error {
	switch {
	case s.file.err != nil:
		return fmt.Errorf("fhir: read the file: %w", s.file.err)
	case errors.Is(err, errBomb):
		return &load.Fault{Code: "fhir-bomb", Detail: strconv.FormatInt(s.file.read, 10)}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &load.Fault{Code: "fhir-gzip"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &load.Fault{Code: "fhir-truncated"}
	}
	return &load.Fault{Code: "fhir-gzip"} // deflate's own complaints have no name
}

// next is the next byte, which is not white space; it stays to be read.
func (s *stream) next() (byte, error) {
	for {
		c, err := s.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, s.UnreadByte()
		}
		s.at++
	}
}

// take reads one byte.
func (s *stream) take() (byte, error) {
	c, err := s.ReadByte()
	if err == nil {
		s.at++
	}
	return c, err
}

// value reads the JSON value that begins with the next byte, as far as brackets
// and quotes tell where it ends: whether it is one is judged by who decodes it,
// so that one broken entry stops no other. Of a longer one than most only the
// end is found.
func (s *stream) value(most int) (raw []byte, over bool, err error) {
	depth, quoted, escaped := 0, false, false
	first := true
	for {
		c, err := s.take()
		if errors.Is(err, io.EOF) && depth == 0 && !quoted && !first {
			return raw, over, nil // a number at the end of what there is
		}
		if err != nil {
			return nil, false, err
		}
		scalar := depth == 0 && !quoted
		if scalar && !first && strings.IndexByte(",]} \n\r\t:", c) >= 0 {
			s.at--
			return raw, over, s.UnreadByte()
		}
		if over = over || len(raw) == most; over {
			raw = nil
		} else {
			raw = append(raw, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return raw, over, nil
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth <= 0 {
				return raw, over, nil
			}
		}
		first = false
	}
}

// line reads up to the end of the line, without it. Of a longer one than most
// only the end is found. io.EOF comes with the last line, or none.
func (s *stream) line(most int) (raw []byte, over bool, err error) {
	for {
		part, err := s.ReadSlice('\n')
		s.at += int64(len(part))
		if over = over || len(raw)+len(part) > most+2; over {
			raw = nil
		} else {
			raw = append(raw, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return []byte(strings.TrimRight(string(raw), "\r\n")), over, err
		}
	}
}

// place is where reading goes on: after so many bytes and records.
func place(at, n int64) string { return strconv.FormatInt(at, 10) + ":" + strconv.FormatInt(n, 10) }

func placed(s string) (at, n int64, err error) {
	a, b, _ := strings.Cut(s, ":")
	at, errA := strconv.ParseInt(a, 10, 64)
	n, errB := strconv.ParseInt(b, 10, 64)
	if errA != nil || errB != nil || at < 0 || n < 0 {
		return 0, 0, &load.Fault{Code: "fhir-place"}
	}
	return at, n, nil
}
