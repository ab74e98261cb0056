package dental

import "time"

// Import is an existing base, or a part of it, on its way in from a file.
type Import struct {
	Clinic string
	ID     string // sorts by the time it was begun
	Format string // media type
	Name   string // of the file as somebody called it; "" where nobody did
	By     string // the member of staff, "" for a program
	System string // a name of Systems, whose export the file is; "" where nobody has said
	State  ImportState
	// Held: it waits for somebody to look at its columns and to start it, and not for its file alone.
	Held bool
	// Problem is why an import failed as a whole, as a key of the locale's
	// texts, with what it is about.
	Problem string
	About   string
	// Size is the file's length in bytes, Read how many of them were read: together the progress.
	Size int64
	Read int64
	// Place is where the reading goes on, the reader's own word.
	Place string
	// Columns are the clinic's, and no more than it keeps itself, as they were when a
	// table was started, so that all of it is read alike; nil once it is over.
	Columns map[string]string
	// Worker is who reads on in it, and nobody else does before Until; "" for nobody.
	Worker string
	Until  time.Time
	// Lines were read so far; each was accepted, unchanged or refused.
	Lines     int64
	Accepted  int64
	Unchanged int64
	Refused   int64
	// Noted of those that were not refused have something that was left out.
	Noted int64
	// Parts is how many parts the report has so far.
	Parts int
	Made  time.Time
	Done  time.Time
}

// ImportState is how far an import has come.
type ImportState string

// The states of an import.
const (
	ImportWaiting ImportState = "waiting" // for its file
	ImportRunning ImportState = "running"
	ImportDone    ImportState = "done"
	ImportFailed  ImportState = "failed" // nothing more is read: the file cannot be one
)

// Over reports whether nothing more will be read.
func (i Import) Over() bool { return i.State == ImportDone || i.State == ImportFailed }

// Twin proposes that two cards are of one person: they share a phone and a
// birth date. Nobody but staff says whether they are.
type Twin struct {
	Clinic string
	A, B   string // patients; A < B
	Found  time.Time
	// Verdict is "" while it is open, else "same" or "different".
	Verdict string
	By      string
	At      time.Time
}
