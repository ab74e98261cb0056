package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/returnpoint/returnpoint/shared/load"
)

// XLSX reads the sheets of a workbook, one after another and row by row, each by
// its own headers; a Place is the number of the sheet and that of the last row
// read. The cells are taken as they are stored, not as they are shown:
// formulas by the value they had when the file was saved, dates by their serial
// numbers, so that no format of a cell hides a part of it. Of merged cells the
// first has the value and the others are empty. Lines that are alike are counted
// in each sheet by itself: one sheet may repeat what another says.
//
// The archive is kept in memory and its sheets, once they are long, in temporary
// files; a row that a place lies behind is read again to be passed over.
type XLSX struct {
	// Sheet is the name of the sheet; "" for all visible ones with headers that are enough.
	Sheet string
}

// The bounds of an archive: what a hostile one could make of a few bytes.
const (
	maxArchive  = 64 << 20  // as it comes
	maxUnpacked = 512 << 20 // all of it, by its directory; no part is longer than that says
	maxOther    = 32 << 20  // what is neither a sheet nor its texts
	maxRatio    = 150       // of a part beyond ratioFrom; deflate could reach 1,032
	ratioFrom   = 4 << 20
	maxParts    = 5000
	maxRun      = 256 << 10 // bytes between two tags; a cell has 32,767 characters at most
	maxCells    = 2000      // of a row, empty ones with a format included
	inMemory    = 4 << 20   // of a sheet or its texts; a longer one goes to a temporary file
)

// oleMark begins the containers of Excel until 2003, and of encrypted workbooks.
// Source: [MS-CFB] 2.2.
const oleMark = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// The parts of a workbook that are asked for by name, and the beginning of its sheets'.
const (
	workbookPart = "xl/workbook.xml"
	linksPart    = "xl/_rels/workbook.xml.rels"
	textsPart    = "xl/sharedStrings.xml"
	sheetParts   = "xl/worksheets/sheet"
)

// Scan implements load.Format.
func (x XLSX) Scan(ctx context.Context, f load.File, place string, o load.Options) (load.Scanner, error) {
	var at cell
	if place != "" {
		var err error
		if at, err = parseCell(place); err != nil {
			return nil, err
		}
	}
	c, err := x.choose(ctx, f, o)
	if err != nil {
		return nil, err
	}
	if !c.known {
		return nil, closing(c.book, c.sheets[0].table.missing())
	}
	s := &xlsxScanner{book: c.book, left: c.sheets, several: len(c.sheets) > 1, size: f.Size()}
	for _, sheet := range c.sheets {
		s.all += sheet.last
	}
	for len(s.left) > 0 && (s.left[0].number < at.sheet || s.left[0].number == at.sheet && s.left[0].last > 0 && at.row >= s.left[0].last) {
		s.pass()
	}
	if len(s.left) > 0 {
		if s.left[0].number != at.sheet {
			at.row = 0
		}
		if err := s.begin(ctx, at.row); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// cell is a row of a sheet, both by their numbers.
type cell struct{ sheet, row int }

func (c cell) String() string { return strconv.Itoa(c.sheet) + ":" + strconv.Itoa(c.row) }

func parseCell(s string) (c cell, err error) {
	sheet, row, ok := strings.Cut(s, ":")
	if c.sheet, err = strconv.Atoi(sheet); err == nil {
		c.row, err = strconv.Atoi(row)
	}
	if err != nil || !ok || c.sheet < 1 || c.row < 1 {
		return cell{}, fmt.Errorf("sheet: %q is no place in an XLSX file", s)
	}
	return c, nil
}

// Preview implements load.Previewer, for any table as that of CSV. Dates are as the
// sheet shows them. The rows are of the first sheet, and its columns come before
// those that only others have.
func (x XLSX) Preview(ctx context.Context, f load.File, o load.Options) (load.Preview, error) {
	c, err := x.choose(ctx, f, o)
	if err != nil {
		return load.Preview{}, err
	}
	p := load.Preview{Encoding: string(utf8Letters), Rows: c.sheets[0].first, Unread: c.unread}
	for _, s := range c.sheets {
		for _, column := range s.table.preview() {
			i := slices.IndexFunc(p.Columns, func(known load.Column) bool { return known.Header == column.Header })
			switch {
			case i < 0 || s == c.sheets[0]:
				p.Columns = append(p.Columns, column)
			case p.Columns[i].Field == "" && p.Columns[i].Why == "":
				p.Columns[i] = column
			}
		}
		if len(c.sheets) > 1 {
			p.Sheets = append(p.Sheets, s.name)
		}
	}
	for _, cells := range p.Rows {
		for i := range min(len(cells), len(c.sheets[0].table.fields)) {
			if c.sheets[0].table.fields[i].dated() {
				cells[i] = c.sheets[0].table.shown(cells[i])
			}
		}
	}
	return p, closing(c.book, nil)
}

// closing closes the workbook and gives the error that it was closed for.
func closing(b *book, err error) error {
	if closed := b.file.Close(); err == nil && closed != nil {
		return fmt.Errorf("sheet: close the workbook: %w", closed)
	}
	return err
}

// chosen are the sheets to read.
type chosen struct {
	book   *book
	sheets []*page
	known  bool     // their headers are enough
	unread []string // the names of those whose headers are not, beside others
}

// page is a sheet with its headers.
type page struct {
	table  *table
	name   string
	number int        // among those that could be read, from 1
	last   int        // the number of the last row that there is, 0 where that is not known
	header int        // the number of the headers' row
	first  [][]string // the rows after it
}

// patients reports whether a sheet whose headers are enough is one of patients,
// as far as that can be told: codes with prices are a price list, and a list of the
// staff has names and phones too.
func (p *page) patients() bool {
	staff := []string{"врачи", "доктора", "специалисты", "сотрудники", "персонал", "doctors", "providers", "employees", "staff"}
	return !slices.Contains(staff, fold(strings.TrimSpace(p.name))) &&
		p.table.has(fullName, familyName, givenName, phone, otherPhone, email, birthDate, status, firstVisit, visitDate, returnDate, nextDate, planName, planDate, consentDate)
}

// choose opens the workbook and finds the sheets to read: the one named, else all
// visible ones whose headers are enough and that are of patients, else the first
// of the others, else the first with anything in it.
func (x XLSX) choose(ctx context.Context, f load.File, o load.Options) (c chosen, err error) {
	b, err := openBook(ctx, f)
	if err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			err = closing(b, err)
		}
	}()
	var names []string
	since1904 := false
	if err := guarded(func() error {
		names = b.file.GetSheetList()
		if x.Sheet == "" {
			names = slices.DeleteFunc(names, func(name string) bool {
				visible, err := b.file.GetSheetVisible(name)
				return err == nil && !visible
			})
		}
		p, err := b.file.GetWorkbookProps()
		since1904 = err == nil && p.Date1904 != nil && *p.Date1904
		return nil
	}); err != nil {
		return c, err
	}
	if x.Sheet != "" {
		if !slices.Contains(names, x.Sheet) {
			return c, &load.Fault{Code: NoSheet, Detail: cut(x.Sheet, maxDetail)}
		}
		names = []string{x.Sheet}
	}
	c.book = b
	index := newIndex(o.Clinic.Columns)
	var aside, others []*page
	for i, name := range names {
		tried := &page{table: newTable(o), name: name, number: i + 1, last: b.last[b.parts[name]]}
		tried.table.exact, tried.table.since1904 = true, since1904
		switch known, err := tried.read(b, index); {
		case err != nil:
			return c, err
		case known && x.Sheet == "" && !tried.patients():
			aside = append(aside, tried)
		case known:
			c.sheets = append(c.sheets, tried)
		case len(tried.table.headers) > 0:
			others = append(others, tried)
		}
	}
	if len(c.sheets) == 0 && len(aside) > 0 { // it is the best there is
		c.sheets, aside = aside[:1], aside[1:]
	}
	switch c.known = len(c.sheets) > 0; {
	case c.known:
		others = append(others, aside...)
		slices.SortFunc(others, func(a, b *page) int { return cmp.Compare(a.number, b.number) })
		for _, p := range others {
			c.unread = append(c.unread, p.name)
		}
	case len(others) > 0:
		c.sheets = others[:1]
	default:
		return c, &load.Fault{Code: Empty}
	}
	return c, nil
}

// read finds the headers among the first rows and says whether they are enough.
func (p *page) read(b *book, known index) (enough bool, err error) {
	rows, err := b.rows(p.name)
	if err != nil {
		return false, err
	}
	defer rows.close()
	var read [][]string
	for len(read) < headRows+preview {
		cells, _, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if _, bad := errors.AsType[*load.Fault](err); err != nil && !bad {
			return false, err
		}
		if filled(cells) > maxColumns {
			cells = nil
		}
		read = append(read, cells)
	}
	at, enough := p.table.find(read[:min(len(read), headRows)], known)
	p.header = at + 1
	p.table.learnOrder(read[at+1:])
	for _, cells := range read[at+1:] {
		if !blank(cells) && len(p.first) < preview {
			p.first = append(p.first, cells)
		}
	}
	return enough, nil
}

// xlsxScanner is a load.Scanner.
type xlsxScanner struct {
	book    *book
	left    []*page // the one that is being read, and those after it
	rows    *rows   // of the first
	several bool    // there is more than one in the workbook
	size    int64
	all     int // rows of all sheets
	behind  int // of the sheets that have been read
}

// begin goes on in the first sheet left, behind a row.
func (s *xlsxScanner) begin(ctx context.Context, after int) (err error) {
	p := s.left[0]
	if s.rows, err = s.book.rows(p.name); err != nil {
		return err
	}
	if err := s.rows.pass(ctx, p.header, func([]string) {}); err != nil {
		return err
	}
	return s.rows.pass(ctx, after, func(cells []string) {
		if p.table.counts() {
			p.table.read(cells)
		}
	})
}

// pass goes on to the sheet after the first one left.
func (s *xlsxScanner) pass() {
	s.behind += s.left[0].last
	s.left = s.left[1:]
}

// Next implements load.Scanner.
func (s *xlsxScanner) Next(ctx context.Context) (load.Record, error) {
	for {
		if len(s.left) == 0 {
			return load.Record{}, io.EOF
		}
		if err := ctx.Err(); err != nil {
			return load.Record{}, err
		}
		p, behind := s.left[0], s.behind
		if s.rows == nil {
			if err := s.begin(ctx, 0); err != nil {
				return load.Record{}, err
			}
		}
		cells, number, err := s.rows.next()
		r := load.Record{Line: int64(number), Read: s.size}
		row := number
		switch fault, bad := errors.AsType[*load.Fault](err); {
		case errors.Is(err, io.EOF):
			s.rows.close()
			s.rows = nil
			s.pass()
			// The library ends a sheet where its XML does not go on, without a word.
			if number >= p.last {
				continue
			}
			r.Line++
			row = p.last
			r.Fault = &load.Fault{Code: CutOff, Detail: strconv.Itoa(p.last)}
		case bad:
			r.Fault = fault
		case err != nil:
			return load.Record{}, err
		case blank(cells):
			continue
		default:
			r.Objects, r.Fault, r.Notes = p.table.read(cells)
		}
		r.Place = cell{p.number, row}.String()
		if s.several {
			r.Sheet = p.name
		}
		if s.all > 0 {
			r.Read = s.size * int64(behind+min(row, p.last)) / int64(s.all)
		}
		return r, nil
	}
}

// Close implements load.Scanner.
func (s *xlsxScanner) Close() error {
	if s.rows != nil {
		s.rows.close()
	}
	return closing(s.book, nil)
}

// rows are those of a sheet, one after another, with those that are not stored as empty ones.
type rows struct {
	rows   *excelize.Rows
	number int // of the row read last
}

func (b *book) rows(sheet string) (*rows, error) {
	r := &rows{}
	err := guarded(func() (err error) {
		if r.rows, err = b.file.Rows(sheet); err != nil {
			return &load.Fault{Code: Damaged}
		}
		return nil
	})
	return r, err
}

// next is the next row with its number. A *load.Fault means that this row cannot
// be read; the next one can be asked for.
func (r *rows) next() (cells []string, number int, err error) {
	before := r.number
	err = guarded(func() error {
		if !r.rows.Next() {
			return io.EOF
		}
		r.number++
		if cells, err = r.rows.Columns(excelize.Options{RawCellValue: true}); err != nil {
			return &load.Fault{Code: Damaged}
		}
		return nil
	})
	if err != nil && r.number == before {
		err = io.EOF // also where looking for a row broke off: it would do so for ever
	}
	return cells, r.number, err
}

// pass goes on behind a row, and shows those that can be read on the way. It takes
// each as the first reading did: what the library makes of a row that is not
// well-formed hangs on whether the cells of the one before were asked for.
func (r *rows) pass(ctx context.Context, number int, see func(cells []string)) error {
	for r.number < number {
		cells, at, err := r.next()
		switch _, bad := errors.AsType[*load.Fault](err); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !bad:
			return err
		case err == nil:
			see(cells)
		}
		if at%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (r *rows) close() { _ = guarded(r.rows.Close) } // a temporary file that was only read

// guarded runs what the library does with a file that anybody may have made: its
// panic is a damaged file and not the end of the process.
func guarded(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &load.Fault{Code: Damaged}
		}
	}()
	return do()
}

// book is an open workbook.
type book struct {
	file  *excelize.File
	parts map[string]string // the part of each sheet, by the sheet's name
	last  map[string]int    // the number of its last row, by the part's
}

// openBook opens a workbook once it is known to be none that would burst.
func openBook(ctx context.Context, f load.File) (*book, error) {
	if f.Size() > maxArchive {
		return nil, &load.Fault{Code: TooBig}
	}
	from, err := f.Open(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("sheet: open the file: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxArchive+1))
	if closed := from.Close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("sheet: read the file: %w", err)
	case len(raw) == 0:
		return nil, &load.Fault{Code: Empty}
	case len(raw) > maxArchive:
		return nil, &load.Fault{Code: TooBig}
	}
	b := &book{last: map[string]int{}}
	if fault := b.inspect(raw); fault != nil {
		return nil, fault
	}
	err = guarded(func() (err error) {
		b.file, err = excelize.OpenReader(bytes.NewReader(raw), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: inMemory})
		return err
	})
	if err != nil {
		if b.file != nil {
			_ = b.file.Close() // it is given up; what it leaves behind is a temporary file
		}
		return nil, &load.Fault{Code: Damaged}
	}
	return b, nil
}

// inspect looks through the archive: at its directory before anything is
// unpacked, then at each sheet once, from end to end and with its checksum.
func (b *book) inspect(raw []byte) *load.Fault {
	switch {
	case bytes.HasPrefix(raw, []byte(oleMark)):
		// The names of streams in a container are UTF-16. Source: [MS-OFFCRYPTO] 2.3.4.4.
		if bytes.Contains(raw, wide("EncryptedPackage")) || bytes.Contains(raw, wide("EncryptionInfo")) {
			return &load.Fault{Code: Locked}
		}
		return &load.Fault{Code: OldExcel}
	case !bytes.HasPrefix(raw, []byte("PK")):
		return &load.Fault{Code: NotXLSX}
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return &load.Fault{Code: Damaged}
	}
	byName := make(map[string]*zip.File, len(archive.File))
	var all, other uint64
	for _, part := range archive.File {
		size := part.UncompressedSize64
		if all += size; size > maxUnpacked || all > maxUnpacked || size > ratioFrom && size/maxRatio > part.CompressedSize64 {
			return &load.Fault{Code: TooBig}
		}
		if part.Flags&1 != 0 {
			return &load.Fault{Code: Locked}
		}
		name := strings.ReplaceAll(part.Name, `\`, "/")
		if !heavy(name) {
			other += size
		}
		byName[name] = part
	}
	switch {
	case len(archive.File) > maxParts || other > maxOther:
		return &load.Fault{Code: TooBig}
	case byName["xl/workbook.bin"] != nil:
		return &load.Fault{Code: OldExcel}
	case byName[workbookPart] == nil && byName["[Content_Types].xml"] == nil:
		return &load.Fault{Code: NotXLSX}
	}
	if b.parts, err = sheets(byName); err != nil {
		return &load.Fault{Code: Damaged}
	}
	for _, part := range archive.File {
		name := strings.ReplaceAll(part.Name, `\`, "/")
		if !heavy(name) || part.FileInfo().IsDir() {
			continue
		}
		last, fault := survey(part)
		if fault != nil {
			return fault
		}
		b.last[name] = last
	}
	return nil
}

// heavy reports whether a part may be long: a sheet, or the texts of all.
func heavy(name string) bool {
	return strings.HasPrefix(strings.ToLower(name), sheetParts) || strings.EqualFold(name, textsPart)
}

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// sheets finds the part of each sheet: the workbook names sheets with ids of
// links, and the links have the parts. Source: ECMA-376 part 1, 12.3.23 and 18.2.19.
func sheets(parts map[string]*zip.File) (map[string]string, error) {
	var workbook struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		Links []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if parts[workbookPart] == nil || parts[linksPart] == nil {
		return nil, nil // under other names, which only the library looks up
	}
	for name, into := range map[string]any{workbookPart: &workbook, linksPart: &links} {
		from, err := parts[name].Open()
		if err != nil {
			return nil, fmt.Errorf("sheet: open %s: %w", name, err)
		}
		err = xml.NewDecoder(from).Decode(into)
		if closed := from.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, fmt.Errorf("sheet: read %s: %w", name, err)
		}
	}
	out := map[string]string{}
	for _, s := range workbook.Sheets {
		for _, l := range links.Links {
			if l.ID != s.ID {
				continue
			}
			if out[s.Name] = path.Join("xl", l.Target); strings.HasPrefix(l.Target, "/") {
				out[s.Name] = l.Target[1:]
			}
		}
	}
	return out, nil
}

// survey reads a part from end to end and gives the number of its last row.
func survey(part *zip.File) (last int, fault *load.Fault) {
	from, err := part.Open()
	if err != nil {
		return 0, &load.Fault{Code: Damaged}
	}
	defer from.Close() //nolint:errcheck // memory
	tags := bufio.NewReaderSize(from, int(min(part.UncompressedSize64+1, maxRun)))
	cells, closed := 0, false
	for {
		// Each piece is a tag without its "<", and the text after it.
		piece, err := tags.ReadSlice('<')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, &load.Fault{Code: TooBig}
		}
		bare, end := bytes.CutPrefix(piece, []byte("/"))
		name := bare[:max(0, bytes.IndexAny(bare, " />\t\r\n"))]
		if end {
			name = append([]byte("/"), name[bytes.IndexByte(name, ':')+1:]...)
		}
		switch string(name[bytes.IndexByte(name, ':')+1:]) {
		case "worksheet", "sst":
			tag, _, _ := bytes.Cut(piece, []byte(">"))
			closed = bytes.HasSuffix(tag, []byte("/"))
		case "/worksheet", "/sst":
			closed = true
		case "row":
			last, cells = last+1, 0
			if n, ok := rowNumber(piece); ok {
				last = n
			}
		case "c":
			if cells++; cells > maxCells {
				return 0, &load.Fault{Code: TooBig}
			}
		}
		switch {
		case errors.Is(err, io.EOF) && closed:
			return last, nil
		case err != nil:
			return 0, &load.Fault{Code: Damaged}
		}
	}
}

// rowNumber is the number that a row's tag gives it.
func rowNumber(tag []byte) (int, bool) {
	tag, _, _ = bytes.Cut(tag, []byte(">"))
	for _, attribute := range bytes.Fields(tag) {
		if value, is := bytes.CutPrefix(attribute, []byte("r=")); is && len(value) > 2 {
			n, err := strconv.Atoi(strings.Trim(string(value), `"'/`))
			return n, err == nil && n > 0 && n <= excelize.TotalRows
		}
	}
	return 0, false
}
