package sheet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"

	"github.com/returnpoint/returnpoint/shared/load"
)

// CSV reads tables of text: UTF-8, Windows-1251, or UTF-16 with its mark, with a
// comma, a semicolon or a tab between the cells. Encoding, separator and headers
// are found in the first 64 KB; a Place is the offset and the number of the next
// line. Memory is one line's, and some bytes for each line of a table of visits,
// in which lines that are alike are counted: its beginning is read again to go on.
type CSV struct{}

// headBytes is how much of a file is looked at to learn what it is.
const headBytes = 64 << 10

// encoding is how a file writes letters.
type encoding string

const (
	ascii       encoding = "ascii" // no other letters in the head: a line that is no UTF-8 is Windows-1251
	utf8Letters encoding = "utf-8"
	windows1251 encoding = "windows-1251"
	utf16LE     encoding = "utf-16le"
	utf16BE     encoding = "utf-16be"
)

// String is the name for a Preview.
func (e encoding) String() string {
	switch e {
	case ascii:
		return string(utf8Letters)
	case utf16LE, utf16BE:
		return "utf-16"
	}
	return string(e)
}

// shape is how a CSV file is written.
type shape struct {
	encoding encoding
	mark     int64 // bytes of the byte order mark
	end      byte  // of a line: '\n', or '\r' where there is no other
	comma    byte  // between cells
}

// Scan implements load.Format.
func (CSV) Scan(ctx context.Context, f load.File, from string, o load.Options) (load.Scanner, error) {
	h, err := look(ctx, f, o)
	if err != nil {
		return nil, err
	}
	if !h.known {
		return nil, h.table.missing()
	}
	var after place
	if from != "" {
		if after, err = parsePlace(from); err != nil {
			return nil, err
		}
		if !h.table.counts() {
			h.start = after
		}
	}
	body, err := f.Open(ctx, h.start.offset)
	if err != nil {
		return nil, fmt.Errorf("sheet: open the file: %w", err)
	}
	s := &csvScanner{table: h.table, closer: body, lines: newLines(h.shape, h.reader(body), h.start, f.Size()-h.start.offset), size: f.Size()}
	for s.lines.at.offset < after.offset {
		switch _, err := s.Next(ctx); {
		case errors.Is(err, io.EOF):
			return s, nil
		case err != nil:
			return nil, errors.Join(err, body.Close())
		}
	}
	return s, nil
}

// Preview implements load.Previewer. A table whose headers are not enough has
// one as well: the clinic may say what its columns are.
func (CSV) Preview(ctx context.Context, f load.File, o load.Options) (load.Preview, error) {
	h, err := look(ctx, f, o)
	if err != nil {
		return load.Preview{}, err
	}
	return load.Preview{Encoding: h.encoding.String(), Separator: string(rune(h.comma)), Columns: h.table.preview(), Rows: h.rows}, nil
}

// place is where a line begins.
type place struct{ offset, line int64 }

func (p place) String() string {
	return strconv.FormatInt(p.offset, 10) + ":" + strconv.FormatInt(p.line, 10)
}

func parsePlace(s string) (p place, err error) {
	offset, line, ok := strings.Cut(s, ":")
	if p.offset, err = strconv.ParseInt(offset, 10, 64); err == nil {
		p.line, err = strconv.ParseInt(line, 10, 64)
	}
	if err != nil || !ok || p.offset < 0 || p.line < 1 {
		return place{}, fmt.Errorf("sheet: %q is no place in a CSV file", s)
	}
	return p, nil
}

// head is what the head of a file says.
type head struct {
	shape
	table *table
	rows  [][]string // after the headers
	start place      // of the first of them
	score int
	known bool // the headers are enough
}

// look learns from the head of a file how it is written and what its columns are.
func look(ctx context.Context, f load.File, o load.Options) (head, error) {
	from, err := f.Open(ctx, 0)
	if err != nil {
		return head{}, fmt.Errorf("sheet: open the file: %w", err)
	}
	raw := make([]byte, min(headBytes, f.Size()+1))
	n, err := io.ReadFull(from, raw) // one byte more than the file has shows its end
	if closed := from.Close(); err == nil {
		err = closed
	}
	whole := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !whole {
		return head{}, fmt.Errorf("sheet: read the head of the file: %w", err)
	}
	s, fault := learn(raw[:n])
	if fault != nil {
		return head{}, fault
	}
	text, err := io.ReadAll(s.reader(bytes.NewReader(raw[s.mark:n])))
	if err != nil {
		return head{}, fmt.Errorf("sheet: decode the head of the file: %w", err)
	}
	start := place{s.mark, 1}
	s.end = '\n'
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') >= 0 {
		s.end = '\r'
	}
	commas := []byte(";,\t")
	first, rest, _ := bytes.Cut(text, []byte{s.end})
	if said, is := bytes.CutPrefix(bytes.Trim(bytes.ToLower(first), "\" \r"), []byte("sep=")); is && len(said) == 1 && bytes.Contains(commas, said) {
		start = place{start.offset + s.width(first) + s.width([]byte{s.end}), 2}
		commas, text = said, rest
	}
	known := newIndex(o.Clinic.Columns)
	var best head
	for _, comma := range commas {
		h := head{shape: s, table: newTable(o)}
		h.comma = comma
		if err := h.read(ctx, newLines(h.shape, bytes.NewReader(text), start, int64(len(text))), !whole, known); err != nil {
			return head{}, err
		}
		if best.table == nil || h.score > best.score {
			best = h
		}
	}
	return best, nil
}

// read finds the headers among the first lines, if the separator is the right one.
func (h *head) read(ctx context.Context, l *lines, partial bool, known index) error {
	l.partial = partial
	var rows [][]string
	var after []place
	for len(rows) < headRows+preview {
		cells, _, fault, err := l.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if fault != nil {
			cells = nil
		}
		rows, after = append(rows, slices.Clone(cells)), append(after, l.at)
	}
	at, enough := h.table.find(rows[:min(len(rows), headRows)], known)
	// The separator by which more columns are known is the right one, else the
	// one by which there are more columns.
	n, _ := h.table.score()
	h.score = n*(maxColumns+1) + min(len(h.table.headers), maxColumns)
	if h.known = enough; enough {
		h.score *= 2
		h.start = after[at]
	}
	h.table.learnOrder(rows[at+1:])
	for _, cells := range rows[at+1:] {
		if !blank(cells) && len(h.rows) < preview {
			h.rows = append(h.rows, cells)
		}
	}
	return nil
}

// learn finds the encoding, or why the file is no text.
func learn(raw []byte) (s shape, fault *load.Fault) {
	begins := func(with string) bool { return bytes.HasPrefix(raw, []byte(with)) }
	switch {
	case len(raw) == 0:
		return s, &load.Fault{Code: Empty}
	case begins(oleMark):
		return s, &load.Fault{Code: OldExcel}
	case begins("PK\x03\x04"), begins("%PDF"), begins("<"):
		return s, &load.Fault{Code: NotText}
	case begins("\xef\xbb\xbf"):
		return shape{encoding: utf8Letters, mark: 3}, nil
	case begins("\xff\xfe"):
		return shape{encoding: utf16LE, mark: 2}, nil
	case begins("\xfe\xff"):
		return shape{encoding: utf16BE, mark: 2}, nil
	case bytes.Count(raw, []byte{0}) > len(raw)/10:
		return s, &load.Fault{Code: NotText}
	}
	// Two bytes that could be one letter of UTF-8 are rare in Windows-1251, and a
	// letter that was cut in two is rare in UTF-8.
	letters, wrong := 0, 0
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		switch {
		case r == utf8.RuneError && n == 1 && utf8.FullRune(raw[i:]):
			wrong++
		case n > 1:
			letters++
		}
		i += n
	}
	switch {
	case letters == 0 && wrong == 0:
		s.encoding = ascii
	case letters > 8*wrong:
		s.encoding = utf8Letters
	default:
		s.encoding = windows1251
	}
	return s, nil
}

// reader gives the text of a file's bytes: as it is, except that UTF-16 becomes UTF-8.
func (s shape) reader(from io.Reader) io.Reader {
	switch s.encoding {
	case utf16LE:
		return transform.NewReader(from, utf16Text{order: binary.LittleEndian})
	case utf16BE:
		return transform.NewReader(from, utf16Text{order: binary.BigEndian})
	}
	return from
}

// width is how many bytes of the file the text is of. A letter of UTF-16 is of
// two, and of four where UTF-8 has four; the text may begin and end within one.
func (s shape) width(text []byte) int64 {
	if s.encoding != utf16LE && s.encoding != utf16BE {
		return int64(len(text))
	}
	n := int64(0)
	for _, b := range text {
		switch {
		case b >= 0xf0:
			n += 4
		case utf8.RuneStart(b):
			n += 2
		}
	}
	return n
}

// csvScanner is a load.Scanner.
type csvScanner struct {
	table  *table
	closer io.Closer
	lines  *lines
	size   int64
}

// Next implements load.Scanner.
func (s *csvScanner) Next(ctx context.Context) (load.Record, error) {
	for {
		cells, line, fault, err := s.lines.next(ctx)
		if err != nil {
			return load.Record{}, err
		}
		r := load.Record{Line: line, Fault: fault}
		if fault == nil {
			if blank(cells) {
				continue
			}
			r.Objects, r.Fault, r.Notes = s.table.read(cells)
		}
		r.Place, r.Read = s.lines.at.String(), min(s.lines.at.offset, s.size)
		return r, nil
	}
}

// Close implements load.Scanner.
func (s *csvScanner) Close() error { return s.closer.Close() }

// lines takes a text apart into lines, and these into cells.
type lines struct {
	shape
	src io.Reader
	at  place // of the next line
	// partial: the text is a head, whose last line is not looked at.
	partial bool

	buf      []byte
	from, to int // what of buf has not been read yet
	ended    bool
	n        int64 // lines read
	spans    []span
	text     []byte
	offsets  []int
	cells    []string
}

// span is where a cell stands in the buffer, without its quotes.
type span struct {
	from, to int
	quotes   bool // there are two for each in it
}

// newLines reads a text of about a size, which is in UTF-8 by now.
func newLines(s shape, src io.Reader, at place, size int64) *lines {
	const least, most = 1 << 10, 128 << 10
	return &lines{shape: s, src: src, at: at, buf: make([]byte, max(least, min(size+1, most)))}
}

// verdict is what there is at the beginning of the buffer.
type verdict int

const (
	complete verdict = iota
	more             // the line goes on beyond the buffer
	open             // a quote in it is never closed
)

// next gives the cells of the next line, which are good until it is called
// again, and its number; or what is wrong with it. Then the next call goes on
// with the line after it. The error is io.EOF, or of the reading.
func (l *lines) next(ctx context.Context) (cells []string, number int64, fault *load.Fault, err error) {
	if l.n++; l.n%64 == 0 {
		if err := ctx.Err(); err != nil {
			return nil, 0, nil, err
		}
	}
	for {
		data := l.buf[l.from:l.to]
		number = l.at.line
		if len(data) == 0 && l.ended {
			return nil, 0, nil, io.EOF
		}
		n, breaks, v := 0, 0, more
		if len(data) > 0 {
			n, breaks, v = l.split(data, l.ended && !l.partial)
		}
		switch {
		case v == complete && n <= maxLine:
			if bytes.IndexByte(data[:n], 0) >= 0 {
				fault = &load.Fault{Code: NUL}
			} else if len(l.spans) > maxColumns {
				fault = &load.Fault{Code: WideLine, Detail: strconv.Itoa(len(l.spans))}
			} else {
				cells = l.strings(data)
			}
			l.pass(data[:n], int64(breaks)+1)
			return cells, number, fault, nil
		case v == open || len(data) > maxLine:
			// What is found must not hang on how much of the file the buffer holds.
			if end := bytes.IndexByte(data, l.end); end > maxLine || end < 0 && len(data) > maxLine {
				fault = &load.Fault{Code: LongLine, Detail: strconv.Itoa(maxLine >> 10)}
			} else {
				fault = &load.Fault{Code: OpenQuote}
			}
			return nil, number, fault, l.skip(ctx)
		case l.ended: // a head that breaks off here
			return nil, 0, nil, io.EOF
		}
		if err := l.fill(); err != nil {
			return nil, 0, nil, err
		}
	}
}

// pass goes on behind what was read.
func (l *lines) pass(read []byte, lines int64) {
	l.from += len(read)
	l.at = place{l.at.offset + l.width(read), l.at.line + lines}
}

// skip passes over the rest of a line that is too long to be kept.
func (l *lines) skip(ctx context.Context) error {
	for {
		data := l.buf[l.from:l.to]
		if end := bytes.IndexByte(data, l.end); end >= 0 {
			l.pass(data[:end+1], 1)
			return nil
		}
		l.pass(data, 0)
		if l.ended {
			l.at.line++
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.fill(); err != nil {
			return err
		}
	}
}

// fill reads on until the buffer is full.
func (l *lines) fill() error {
	if l.from > 0 {
		l.from, l.to = 0, copy(l.buf, l.buf[l.from:l.to])
	}
	if l.to == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := io.ReadFull(l.src, l.buf[l.to:])
	l.to += n
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		l.ended = true
	case err != nil:
		return fmt.Errorf("sheet: read the file: %w", err)
	}
	return nil
}

// split finds the cells of the line at the beginning of data and says how long
// it is, with its end, and how many line breaks are quoted in it. ended: nothing
// comes after data.
func (l *lines) split(data []byte, ended bool) (n, breaks int, v verdict) {
	l.spans = l.spans[:0]
	end := bytes.IndexByte(data, l.end)
	first := data
	if n = len(data); end >= 0 {
		n, first = end+1, data[:end]
	}
	if bytes.IndexByte(first, '"') < 0 {
		if end < 0 && !ended {
			return 0, 0, more
		}
		first = l.bare(first)
		for at := 0; ; {
			to := bytes.IndexByte(first[at:], l.comma)
			if to < 0 {
				l.spans = append(l.spans, span{at, len(first), false})
				return n, 0, complete
			}
			l.spans = append(l.spans, span{at, at + to, false})
			at += to + 1
		}
	}
	for at := 0; ; {
		if at < len(data) && data[at] == '"' {
			c, to, inner, v := l.quoted(data, at, breaks > 0, ended)
			if breaks += inner; v != complete {
				return 0, breaks, v
			}
			if breaks > maxBreaks {
				return 0, breaks, open
			}
			l.spans = append(l.spans, c)
			at = to
		} else {
			to := at
			for to < len(data) && data[to] != l.comma && data[to] != l.end {
				to++
			}
			if to == len(data) && !ended {
				return 0, breaks, more
			}
			c := span{at, to, false}
			if to == len(data) || data[to] == l.end {
				c.to = at + len(l.bare(data[at:to]))
			}
			l.spans = append(l.spans, c)
			at = to
		}
		switch {
		case at >= len(data):
			return len(data), breaks, complete
		case data[at] == l.end:
			return at + 1, breaks, complete
		}
		at++ // the separator
		if at == len(data) && !ended {
			return 0, breaks, more
		}
	}
}

// bare is a line without the first half of its CRLF.
func (l *lines) bare(text []byte) []byte {
	if l.end == '\n' {
		return bytes.TrimSuffix(text, []byte{'\r'})
	}
	return text
}

// quoted reads the cell whose first quote is at from; to is where the separator
// or the end after it stands. A quote within that is neither doubled nor the
// last is one that somebody forgot to double, unless it begins the next cell or
// stands in another line: then it is this cell's that was never closed.
func (l *lines) quoted(data []byte, from int, several, ended bool) (c span, to, breaks int, v verdict) {
	c.from = from + 1
	for at := from + 1; ; {
		next := bytes.IndexByte(data[at:], '"')
		if next < 0 {
			next = len(data) - at
		}
		if breaks += bytes.Count(data[at:at+next], []byte{l.end}); breaks > maxBreaks {
			return c, 0, breaks, open
		}
		q := at + next
		if q == len(data) {
			if ended {
				return c, 0, breaks, open
			}
			return c, 0, breaks, more
		}
		after := data[q+1:]
		if len(after) < 2 && !ended && (len(after) == 0 || after[0] == '\r') {
			return c, 0, breaks, more
		}
		c.to = q
		switch {
		case len(after) == 0, after[0] == l.comma, after[0] == l.end:
			return c, q + 1, breaks, complete
		case after[0] == '\r' && (len(after) == 1 || after[1] == l.end):
			return c, q + 2, breaks, complete
		case after[0] == '"':
			c.quotes = true
			at = q + 2
		case several, breaks > 0, q > from+1 && data[q-1] == l.comma:
			return c, 0, breaks, open
		default:
			at = q + 1
		}
	}
}

// strings makes the cells of the spans, with one allocation for all of them.
func (l *lines) strings(data []byte) []string {
	l.cells, l.text, l.offsets = l.cells[:0], l.text[:0], l.offsets[:0]
	for _, s := range l.spans {
		l.text = l.decode(l.text, data[s.from:s.to], s.quotes)
		l.offsets = append(l.offsets, len(l.text))
	}
	text, from := string(l.text), 0
	for _, to := range l.offsets {
		l.cells = append(l.cells, text[from:to])
		from = to
	}
	return l.cells
}

// decode appends a cell as UTF-8; what is none becomes U+FFFD.
func (l *lines) decode(text, cell []byte, quotes bool) []byte {
	if quotes {
		cell = bytes.ReplaceAll(cell, []byte(`""`), []byte(`"`))
	}
	switch {
	case l.encoding == windows1251, l.encoding == ascii && !utf8.Valid(cell):
		for _, b := range cell {
			if b < utf8.RuneSelf {
				text = append(text, b)
			} else {
				text = utf8.AppendRune(text, charmap.Windows1251.DecodeByte(b))
			}
		}
		return text
	case utf8.Valid(cell):
		return append(text, cell...)
	}
	return append(text, bytes.ToValidUTF8(cell, []byte("\uFFFD"))...)
}
