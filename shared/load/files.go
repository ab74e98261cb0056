package load

import (
	"context"
	"io"
	"time"
)

// Files are where files are kept, on a disk or in a bucket. A name is of one or
// more segments between slashes, each of letters, digits and signs, none of them
// "." or ".."; what is no such name is dental.Invalid, and a file that is not
// there dental.NotFound.
type Files interface {
	// Put writes a whole file, or none of it, over whatever the name stood for.
	Put(ctx context.Context, name string, body io.Reader) error
	// Open reads a file from an offset to its end; from beyond the end, nothing.
	Open(ctx context.Context, name string, from int64) (io.ReadCloser, error)
	Size(ctx context.Context, name string) (int64, error)
	// List lists the files whose names begin with a prefix, by name, the first 1,000 at most.
	List(ctx context.Context, prefix string) ([]Stored, error)
	// Move gives a file another name, over whatever that stood for.
	Move(ctx context.Context, from, to string) error
	// Delete takes a file away; one that is not there is no error.
	Delete(ctx context.Context, name string) error
	// UploadURL is where a program without any other right may PUT a file of the
	// content type until the time; DownloadURL is where it may GET one, saved under
	// the name as.
	UploadURL(ctx context.Context, name, contentType string, until time.Time) (string, error)
	DownloadURL(ctx context.Context, name, as string, until time.Time) (string, error)
}

// Stored is a file as a list shows it.
type Stored struct {
	Name string
	Size int64
	// Mark is another one whenever the file is written again, and Still how long
	// it has been as it is, by the clock of where it is kept.
	Mark  string
	Still time.Duration
}

// The names of an import's files, and of the watched folders.
const (
	imports = "imports/"
	inbox   = "inbox/"
	refused = "inbox-refused/"
)

func folder(clinic, id string) string     { return imports + clinic + "/" + id + "/" }
func fileName(clinic, id string) string   { return folder(clinic, id) + "file" }
func reportName(clinic, id string) string { return folder(clinic, id) + "report.csv" }
func partName(clinic, id string, n int) string {
	const digits = "00000000"
	s := digits + itoa(int64(n))
	return folder(clinic, id) + "parts/" + s[len(s)-len(digits):]
}

// kept is a File of an import.
type kept struct {
	files Files
	name  string
	size  int64
}

func (k kept) Open(ctx context.Context, from int64) (io.ReadCloser, error) {
	return k.files.Open(ctx, k.name, from)
}
func (k kept) Size() int64 { return k.size }
