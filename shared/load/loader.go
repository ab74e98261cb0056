package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Loader takes files in. An import is a noun of the clinic (dental.Import) and a
// job with a due key, so that whatever breaks off comes back; the queue is
// transport only, and a queue that loses everything costs minutes.
type Loader struct {
	Store *store.Store
	Files Files
	// Formats are by their media types.
	Formats map[string]Format
	// Learn takes objects in, as intake.Intake does. Load calls it from several
	// goroutines, and never with one patient in two of them.
	Learn func(ctx context.Context, cl *dental.Clinic, how intake.How, now time.Time, objects ...intake.Object) ([]intake.Outcome, error)
	// Phones says what is wrong with a number, for the report.
	Phones intake.Phones
	Queue  Queue
	Clock  func() time.Time
	// Rand names workers; Handle needs it.
	Rand io.Reader
	// Leaves reports whether a context leaves the time needed; nil always does.
	Leaves func(ctx context.Context, need time.Duration) bool
	Log    *slog.Logger
	// Workers is how many patients are taken in at once, and Chunk how many records
	// lie between two places to go on from; 0 is a number that suits both engines.
	Workers int
	Chunk   int
}

// Queue hands bodies over to whoever calls Handle.
type Queue interface {
	Enqueue(ctx context.Context, bodies ...string) error
}

const (
	workers = 64
	chunk   = 2000
	// Lease is how long an import is one worker's after the last sign of life, and
	// so how long after it another takes it up. It is longer than a function runs:
	// whoever had it is gone by then.
	Lease = 5 * time.Minute
	// stalled is after how long without a sign of life what was brought in so far comes to the figures.
	stalled = 30 * time.Minute
	// patience is how long an import waits for its file.
	patience = 24 * time.Hour
	// UploadLife is how long an upload URL holds.
	UploadLife = time.Hour
	// near is how much time one more chunk needs before the deadline.
	near = 25 * time.Second
)

// Order asks for an import.
type Order struct {
	// ID is the asker's own: the same one with an equal Body is the same import,
	// and with another a Conflict, for as long as deliveries are remembered.
	ID     string
	Body   string
	Format string // one of Formats
	Name   string // of the file, "" where nobody has said
	By     string // the member of staff, "" for a program
	// System is the one that the file is an export of, "" where nobody has said. It
	// is said of tables; FHIR says itself whose its ids are, and events are the clinic's.
	System string
	// Held: the import is begun by Start and not by its file's arrival.
	Held bool
	// Log is the line of the audit log that goes with it; zero for none.
	Log dental.LogEntry
}

// Begin takes in a file that has come as a whole.
func (l *Loader) Begin(ctx context.Context, cl *dental.Clinic, o Order, body []byte) (dental.Import, error) {
	imp, err := l.open(ctx, cl, o)
	if err != nil || imp.State != dental.ImportWaiting {
		return imp, err
	}
	if err := l.Files.Put(ctx, fileName(cl.ID, imp.ID), bytes.NewReader(body)); err != nil {
		return imp, fmt.Errorf("load: keep the file: %w", err)
	}
	if imp.Held {
		return imp, nil
	}
	return l.start(ctx, imp, dental.LogEntry{})
}

// Await opens an import whose file is yet to come, and says where to PUT it.
func (l *Loader) Await(ctx context.Context, cl *dental.Clinic, o Order) (imp dental.Import, upload string, err error) {
	if imp, err = l.open(ctx, cl, o); err != nil {
		return imp, "", err
	}
	if upload, err = l.Files.UploadURL(ctx, fileName(cl.ID, imp.ID), imp.Format, l.Clock().Add(UploadLife)); err != nil {
		return imp, "", fmt.Errorf("load: make an upload URL: %w", err)
	}
	return imp, upload, nil
}

// open writes an import that waits for its file, or finds the one that the order was for.
func (l *Loader) open(ctx context.Context, cl *dental.Clinic, o Order) (imp dental.Import, err error) {
	if _, known := l.Formats[o.Format]; !known {
		return imp, dental.Errorf(dental.Invalid, "format", "the format is none of those that can be read")
	}
	if o.System != "" && !slices.Contains(dental.Systems(), o.System) {
		return imp, dental.Errorf(dental.Invalid, "system", "must be one of %s", strings.Join(dental.Systems(), ", "))
	}
	if !FromSystem(o.Format, o.System) {
		return imp, dental.Errorf(dental.Invalid, "system", "is said of a table alone: this format says itself whose patients it is about")
	}
	now := l.Clock()
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		// No id of a delivery begins so: they have no full stop.
		seen, err := tx.Event(ctx, cl.ID, "import."+o.ID)
		if err != nil {
			return err
		}
		at := now
		if seen.ID != "" {
			if seen.Body != o.Body {
				return dental.Errorf(dental.Conflict, "", "this id was used for another file")
			}
			at = seen.At
		}
		id := importID(at, o.ID)
		if imp, err = tx.Import(ctx, cl.ID, id); err != nil || imp.ID != "" {
			return err
		}
		imp = dental.Import{Clinic: cl.ID, ID: id, Format: o.Format, Name: short(o.Name, 200), By: o.By, System: o.System, State: dental.ImportWaiting, Held: o.Held, Made: at}
		tx.Put(store.Event{Clinic: cl.ID, ID: "import." + o.ID, Body: o.Body, At: at})
		tx.Put(imp)
		tx.Put(job(imp, at.Add(time.Minute)))
		if o.Log.ID != "" {
			tx.Put(o.Log)
		}
		return tx.Commit(ctx)
	})
	if err != nil {
		return imp, fmt.Errorf("load: open an import: %w", err)
	}
	return imp, nil
}

// FromSystem reports whether a file of the format may be said to be an export of
// the system: a table of any, FHIR of FHIR, and whatever it is of none named.
func FromSystem(format, system string) bool {
	switch format {
	case CSV, XLSX:
		return true
	case Bundle, NDJSON:
		return system == "" || system == dental.FHIR
	}
	return system == ""
}

// importID sorts by time, and tells two orders of one second apart.
func importID(at time.Time, order string) string {
	sum := sha256.Sum256([]byte(order))
	return at.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(sum[:6])
}

// job is what brings an import back; only its due key ever changes.
func job(imp dental.Import, wake time.Time) store.Job {
	return store.Job{Clinic: imp.Clinic, ID: jobID(imp.ID), Kind: store.ImportJob, Anchor: imp.ID, Made: imp.Made, Wake: wake}
}

func jobID(id string) string { return "import." + id }

// Start begins a held import, or another one whose file has come. One that has
// begun stays as it is; one without a file is a Conflict.
func (l *Loader) Start(ctx context.Context, clinic, id string, entry dental.LogEntry) (dental.Import, error) {
	imp, err := l.Import(ctx, clinic, id)
	if err != nil || imp.State != dental.ImportWaiting {
		return imp, err
	}
	return l.start(ctx, imp, entry)
}

// Discard drops an import that has not been begun, with its file. One that has
// begun stays as it is, and so does one whose file could not be deleted.
func (l *Loader) Discard(ctx context.Context, clinic, id string, entry dental.LogEntry) (dental.Import, error) {
	imp, err := l.Import(ctx, clinic, id)
	if err != nil || imp.State != dental.ImportWaiting {
		return imp, err
	}
	return l.drop(ctx, imp, discarded, entry)
}

// Why an import was dropped before anything was read of it.
const (
	noFile     = "no-file"
	notStarted = "not-started"
	discarded  = "discarded"
)

// byProgram is the line of the audit log of an import that nobody at the desk began.
func byProgram(cl *dental.Clinic, imp dental.Import, at time.Time) dental.LogEntry {
	return dental.LogEntry{Clinic: imp.Clinic, ID: "import." + imp.ID, At: at, By: locale.For(cl.Language).Text("desk.log.by.program", nil),
		Action: "import.start", Subject: imp.ID, Detail: imp.Name}
}

// start begins an import whose file has come; a zero entry is a program's.
func (l *Loader) start(ctx context.Context, imp dental.Import, entry dental.LogEntry) (dental.Import, error) {
	size, err := l.Files.Size(ctx, fileName(imp.Clinic, imp.ID))
	if dental.KindOf(err) == dental.NotFound {
		return imp, dental.Errorf(dental.Conflict, "", "the file has not come yet")
	}
	if err != nil {
		return imp, fmt.Errorf("load: look at the file: %w", err)
	}
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		var err error
		if imp, err = tx.Import(ctx, imp.Clinic, imp.ID); err != nil || imp.State != dental.ImportWaiting {
			return err
		}
		if imp.Worker == dropping && l.Clock().Before(imp.Until) {
			return dental.Errorf(dental.Conflict, "", "the file is being deleted")
		}
		cl, err := tx.Clinic(ctx, imp.Clinic)
		if err != nil {
			return err
		}
		imp.State, imp.Held, imp.Size = dental.ImportRunning, false, size
		imp.Worker, imp.Until = "", time.Time{}
		if _, table := l.Formats[imp.Format].(Previewer); table {
			imp.Columns = cl.Columns
		}
		tx.Put(imp)
		tx.Put(job(imp, l.Clock().Add(time.Minute))) // in case the queue loses it
		if entry.ID == "" {
			entry = byProgram(cl, imp, l.Clock())
		}
		tx.Put(entry)
		return tx.Commit(ctx)
	})
	if err != nil {
		return imp, fmt.Errorf("load: start an import: %w", err)
	}
	l.soon(ctx, imp)
	return imp, nil
}

// soon asks for the import to be worked on now. Failing that its due key does.
func (l *Loader) soon(ctx context.Context, imp dental.Import) {
	body, err := json.Marshal(Item{Job: &JobRef{imp.Clinic, jobID(imp.ID)}})
	if err == nil {
		err = l.Queue.Enqueue(context.WithoutCancel(ctx), string(body))
	}
	if err != nil {
		l.Log.WarnContext(ctx, "an import is not queued and waits for its due key", "clinic", imp.Clinic, "import", imp.ID, "error", err)
	}
}

// Item is the body of a message: an import's job, as the dispatcher names jobs.
type Item struct{ Job *JobRef }

// JobRef names a job.
type JobRef struct{ Clinic, ID string }

// Import reads an import; one that there is not is NotFound.
func (l *Loader) Import(ctx context.Context, clinic, id string) (dental.Import, error) {
	imp, err := l.Store.Begin().Import(ctx, clinic, id)
	if err == nil && imp.ID == "" {
		err = dental.Errorf(dental.NotFound, "", "there is no such import")
	}
	if err != nil {
		return imp, fmt.Errorf("load: read an import: %w", err)
	}
	return imp, nil
}

// ReportURL is where the report of an import that is over may be had until the
// time; "" while it is not over, and of one that was never begun.
func (l *Loader) ReportURL(ctx context.Context, imp dental.Import, until time.Time) (string, error) {
	if !imp.Over() || imp.Size == 0 {
		return "", nil
	}
	u, err := l.Files.DownloadURL(ctx, reportName(imp.Clinic, imp.ID), "import-"+imp.ID+".csv", until)
	if err != nil {
		return "", fmt.Errorf("load: make a URL of the report: %w", err)
	}
	return u, nil
}

// Preview shows what the columns of a file that has come are read as, and what
// they could be read as; false: its format has none. What an import of it would
// fail of at once is in the Preview, or is the error where nothing can be shown.
func (l *Loader) Preview(ctx context.Context, cl *dental.Clinic, imp dental.Import) (p Preview, fields []string, ok bool, err error) {
	file, err := l.file(ctx, imp)
	if err != nil {
		return p, nil, false, err
	}
	o := Options{Clinic: cl, Now: l.Clock(), System: imp.System, Phones: l.Phones}
	previewer, ok := l.Formats[imp.Format].(Previewer)
	if ok {
		if p, err = previewer.Preview(ctx, file, o); err != nil {
			return p, nil, true, fmt.Errorf("load: preview: %w", err)
		}
		fields = previewer.Fields()
	}
	scanner, err := l.Formats[imp.Format].Scan(ctx, file, "", o)
	if fault, broken := errors.AsType[*Fault](err); broken {
		p.Fault = fault
		return p, fields, ok, nil
	}
	if err != nil {
		return p, fields, ok, fmt.Errorf("load: begin to read: %w", err)
	}
	_ = scanner.Close() // it was only tried
	return p, fields, ok, nil
}

func (l *Loader) file(ctx context.Context, imp dental.Import) (kept, error) {
	name := fileName(imp.Clinic, imp.ID)
	size, err := l.Files.Size(ctx, name)
	if err != nil {
		return kept{}, fmt.Errorf("load: look at the file: %w", err)
	}
	return kept{l.Files, name, size}, nil
}

// Handle starts the import that a message names, or works on it until it is over
// or the deadline is near: either has it queued again. The message is a
// dispatcher's, or a bucket's word that an upload has come. One whose import
// another worker is at is passed over: its due key comes when that one's lease
// ends. An error asks for it again; nothing is lost by it.
func (l *Loader) Handle(ctx context.Context, body string) error {
	refs, err := named(body)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := l.work(ctx, ref.Clinic, ref.ID); err != nil {
			return fmt.Errorf("load: import %s of %s: %w", ref.ID, ref.Clinic, err)
		}
	}
	return nil
}

// ref names an import.
type ref struct{ Clinic, ID string }

// named are the imports that a message speaks of.
func named(body string) ([]ref, error) {
	var m struct {
		Job     *JobRef
		Event   string // of the message by which a bucket tries the queue out
		Records []struct {
			S3 struct {
				Object struct {
					Key string `json:"key"`
				} `json:"object"`
			} `json:"s3"`
		}
	}
	err := json.Unmarshal([]byte(body), &m)
	switch {
	case err == nil && m.Job != nil:
		if id, ok := strings.CutPrefix(m.Job.ID, "import."); ok {
			return []ref{{m.Job.Clinic, id}}, nil
		}
	case err == nil && m.Records != nil:
		var out []ref
		for _, r := range m.Records {
			key, err := url.QueryUnescape(r.S3.Object.Key)
			parts := strings.Split(key, "/")
			if err == nil && len(parts) == 4 && parts[0]+"/" == imports && parts[3] == "file" {
				out = append(out, ref{parts[1], parts[2]})
			}
		}
		return out, nil
	case err == nil && m.Event == "s3:TestEvent":
		return nil, nil
	}
	return nil, dental.Errorf(dental.Invalid, "", "load: a message of %d bytes names no import", len(body))
}

// work brings one import further.
func (l *Loader) work(ctx context.Context, clinic, id string) error {
	tx := l.Store.Begin()
	imp, err := tx.Import(ctx, clinic, id)
	if err != nil || imp.ID == "" {
		return err // one that there is not has no job either
	}
	switch {
	case imp.State == dental.ImportWaiting:
		return l.wait(ctx, imp)
	case imp.Over():
		return l.close(ctx, imp)
	}
	cl, err := tx.Clinic(ctx, clinic)
	if err != nil {
		return err
	}
	imp, mine, err := l.claim(ctx, imp)
	if err != nil || !mine {
		return err
	}
	if err := l.run(ctx, cl, imp); err != nil {
		return errors.Join(err, l.release(context.WithoutCancel(ctx), imp))
	}
	return nil
}

// claim makes an import one worker's until its lease ends; false: it is
// another's, or over.
func (l *Loader) claim(ctx context.Context, imp dental.Import) (_ dental.Import, mine bool, err error) {
	name := make([]byte, 8)
	if _, err := io.ReadFull(l.Rand, name); err != nil {
		return imp, false, fmt.Errorf("load: name a worker: %w", err)
	}
	worker := hex.EncodeToString(name)
	err = store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		var err error
		if imp, err = tx.Import(ctx, imp.Clinic, imp.ID); err != nil {
			return err
		}
		now := l.Clock()
		if mine = imp.Worker == worker || free(imp, now); !mine || imp.Worker == worker { // the write before this try was done
			return nil
		}
		imp.Worker, imp.Until = worker, now.Add(Lease)
		tx.Put(imp)
		tx.Put(job(imp, imp.Until))
		return tx.Commit(ctx)
	})
	if err != nil {
		return imp, false, fmt.Errorf("load: claim an import: %w", err)
	}
	if !mine {
		l.Log.InfoContext(ctx, "an import is left to the worker that is at it", "clinic", imp.Clinic, "import", imp.ID)
	}
	return imp, mine, nil
}

// free reports whether an import may be worked on by whoever asks first.
func free(imp dental.Import, now time.Time) bool {
	return imp.State == dental.ImportRunning && (imp.Worker == "" || !now.Before(imp.Until))
}

// release ends the lease of an import's worker, if it still is that one's.
func (l *Loader) release(ctx context.Context, of dental.Import) error {
	err := store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		imp, err := tx.Import(ctx, of.Clinic, of.ID)
		if err != nil || imp.Worker == "" || imp.Worker != of.Worker {
			return err
		}
		imp.Worker, imp.Until = "", time.Time{}
		tx.Put(imp)
		tx.Put(job(imp, l.Clock().Add(time.Minute)))
		return tx.Commit(ctx)
	})
	if err != nil {
		return fmt.Errorf("load: let an import go: %w", err)
	}
	return nil
}

// Resume has an import worked on at once whose worker is known to be gone,
// whatever is left of its lease.
func (l *Loader) Resume(ctx context.Context, imp dental.Import) error {
	if err := l.release(ctx, imp); err != nil {
		return err
	}
	l.soon(ctx, imp)
	return nil
}

// wait starts an import whose file has come, gives up one whose file never came,
// and has any other looked at later, the less often the longer it waits.
func (l *Loader) wait(ctx context.Context, imp dental.Import) error {
	_, err := l.Files.Size(ctx, fileName(imp.Clinic, imp.ID))
	if err != nil && dental.KindOf(err) != dental.NotFound {
		return fmt.Errorf("load: look at the file: %w", err)
	}
	age := l.Clock().Sub(imp.Made)
	switch {
	case err == nil && !imp.Held:
		_, err := l.start(ctx, imp, dental.LogEntry{})
		return err
	case age > patience && err == nil:
		_, err := l.drop(ctx, imp, notStarted, dental.LogEntry{})
		return err
	case age > patience:
		_, err := l.drop(ctx, imp, noFile, dental.LogEntry{})
		return err
	}
	tx := l.Store.Begin()
	tx.Put(job(imp, l.Clock().Add(min(max(age, time.Minute), time.Hour))))
	if err := tx.Commit(ctx); err != nil && !errors.Is(err, context.Canceled) {
		l.Log.WarnContext(ctx, "a waiting import is looked at later than it might be", "import", imp.ID, "error", err)
	}
	return nil
}

// short cuts a text to so many bytes, at the end of a letter.
func short(s string, most int) string {
	if len(s) <= most {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:most], "")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
