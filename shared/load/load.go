// Package load brings an existing base in from a file: it reads on in it, chunk
// by chunk, takes in what can be read, reports what cannot, and keeps its place,
// so that it can be broken off at any moment and nothing is lost or taken twice.
package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"path"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// The media types of the formats.
const (
	CSV       = "text/csv"
	XLSX      = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	Bundle    = "application/fhir+json"   // a FHIR R4 Bundle: transaction, batch, collection or searchset
	NDJSON    = "application/fhir+ndjson" // FHIR R4 resources, one a line
	JSONLines = "application/x-ndjson"    // generic events, one a line
)

// Ends are how the names of files end that FormatOf knows.
const Ends = ".csv, .txt, .xlsx, .json, .ndjson, .jsonl"

// FormatOf tells the format of a file by the end of its name; of lines of JSON,
// which FHIR and the product's own events share the ends of, by the first one
// where the head of the file is at hand. FHIR is read packed by gzip too, with
// .gz behind; of what else is packed, and of what cannot be read, ok is false.
func FormatOf(name string, head []byte) (format string, ok bool) {
	bare, packed := strings.CutSuffix(strings.ToLower(name), ".gz")
	if packed {
		head = unpacked(head)
	}
	switch path.Ext(bare) {
	case ".csv", ".txt":
		return CSV, !packed
	case ".xlsx":
		return XLSX, !packed
	case ".json":
		return Bundle, true
	case ".ndjson", ".jsonl":
		line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
		if packed && len(line) == 0 || bytes.Contains(line, []byte(`"resourceType"`)) {
			return NDJSON, true
		}
		return JSONLines, !packed
	}
	return "", false
}

// unpacked is what the head of a packed file unpacks to, nothing if it is none.
func unpacked(head []byte) []byte {
	zip, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(zip, HeadBytes)) // it ends in the middle
	return out
}

// HeadBytes are as much of a file as FormatOf needs.
const HeadBytes = 8 << 10

// File is a file to read from.
type File interface {
	// Open reads from an offset to the end.
	Open(ctx context.Context, from int64) (io.ReadCloser, error)
	Size() int64
}

// Options are what a reader needs to know of the clinic and the time.
type Options struct {
	Clinic *dental.Clinic
	Now    time.Time
	// System is the one that the file is an export of, of dental.Systems: its ids
	// are that system's. "" where nobody has said.
	System string
	// Phones reads a number: of several on one line a message is to reach one.
	Phones intake.Phones
}

// Format reads files of one format.
type Format interface {
	// Scan begins to read at a place, "" for the beginning, else the Place of a
	// Record read before. A *Fault as its error, or of Next, means that the file
	// as a whole cannot be one of the format: nothing more is read of it.
	Scan(ctx context.Context, f File, place string, o Options) (Scanner, error)
}

// Scanner reads one record after another; io.EOF comes after the last one.
type Scanner interface {
	Next(ctx context.Context) (Record, error)
	Close() error
}

// Record is a line of a table, an event, or a resource.
type Record struct {
	Line int64 // where it begins, from 1; in a Bundle the number of the entry
	// Sheet is the one that the line is of, where a file has several; else "".
	Sheet string
	// Objects are what it says, all of one patient; none for what does not matter
	// here, as a resource of a type that no scenario asks for.
	Objects []intake.Object
	// Fault is why nothing of it could be read; nil when it could. Notes are what
	// of it could not.
	Fault *Fault
	Notes []Fault
	// Place is where reading goes on after it, Read how many bytes of the file are behind.
	Place string
	Read  int64
}

// Fault is what is wrong with a record, or a whole file.
type Fault struct {
	Column string // its header, or the path of the field; "" for the whole
	// Code names the reason; its words are the locale's desk.import.reason.<Code>,
	// in which {detail} is the Detail.
	Code   string
	Detail string
	// Value is the cell as it stands in the file, for the clinic's own report; "" for none.
	Value string
}

func (f *Fault) Error() string { return "load: " + f.Column + ": " + f.Code + " " + f.Detail }

// Preview is what a table looks like before anything is taken in.
type Preview struct {
	Encoding  string // "utf-8" or "windows-1251"
	Separator string // "," ";" or a tab; "" of a sheet
	Columns   []Column
	Rows      [][]string // the first ones, cell by cell
	// Sheets are the names of those that are read, where there are several, and
	// Unread of those that are not, since their headers do not say whom they are about.
	Sheets, Unread []string
	// Fault is why none of it can be imported as it stands, nil when it can.
	Fault *Fault
}

// Column is one of a table's.
type Column struct {
	Header string
	Field  string // that it is read as, "" for none
	Why    string // the code of why it is not read as what it could be, as a Fault's; "" for no reason
}

// Previewer is a Format that can show what it makes of a file's columns.
type Previewer interface {
	Preview(ctx context.Context, f File, o Options) (Preview, error)
	// Fields are all that a column can be read as.
	Fields() []string
}
