package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/store"
)

// errOvertaken ends a worker whose import another one has brought further.
var errOvertaken = errors.New("load: another worker is at this import")

// run reads on in an import's file, chunk after chunk, until the file ends or
// the deadline is near. What lies between two checkpoints may be taken in twice,
// and the second time changes nothing.
func (l *Loader) run(ctx context.Context, cl *dental.Clinic, imp dental.Import) error {
	file, err := l.file(ctx, imp)
	if dental.KindOf(err) == dental.NotFound {
		return l.finish(ctx, imp, &Fault{Code: noFile})
	}
	if err != nil {
		return err
	}
	as := *cl
	as.Columns = imp.Columns // and not those that were chosen for another file since
	scanner, err := l.Formats[imp.Format].Scan(ctx, file, imp.Place, Options{Clinic: &as, Now: l.Clock(), System: imp.System, Phones: l.Phones})
	if fault, ok := errors.AsType[*Fault](err); ok {
		return l.finish(ctx, imp, fault)
	}
	if err != nil {
		return fmt.Errorf("load: begin to read: %w", err)
	}
	chunks, stop := l.read(ctx, scanner)
	defer stop()
	for c := range chunks {
		if len(c.records) > 0 {
			if imp, err = l.chunk(ctx, cl, imp, c); err != nil {
				if errors.Is(err, errOvertaken) {
					l.Log.InfoContext(ctx, "an import is left to another worker", "clinic", cl.ID, "import", imp.ID)
					return nil
				}
				return err
			}
		}
		fault, broken := errors.AsType[*Fault](c.end)
		switch {
		case errors.Is(c.end, io.EOF):
			return l.finish(ctx, imp, nil)
		case broken:
			return l.finish(ctx, imp, fault)
		case c.end != nil:
			return fmt.Errorf("load: read on: %w", c.end)
		case imp.Worker == "":
			l.soon(ctx, imp)
			return nil
		}
	}
	return ctx.Err()
}

// records are a piece of the file, and what came after it: nil, or why there is no more.
type records struct {
	records []Record
	end     error
}

// read reads ahead of who takes in, by one chunk. stop ends it and waits.
func (l *Loader) read(ctx context.Context, s Scanner) (<-chan records, func()) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan records)
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(out)
		for {
			c := records{records: make([]Record, 0, l.chunkSize())}
			for len(c.records) < l.chunkSize() && c.end == nil {
				var r Record
				if r, c.end = s.Next(ctx); c.end == nil {
					c.records = append(c.records, r)
				}
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return
			}
			if c.end != nil {
				return
			}
		}
	})
	return out, func() {
		cancel()
		wait.Wait()
		_ = s.Close() // it was only read
	}
}

func (l *Loader) chunkSize() int { return cmp.Or(l.Chunk, chunk) }

// chunk takes records in, writes what is to be reported of them, and then the
// place to go on from. Near the deadline it lets the import go with that.
func (l *Loader) chunk(ctx context.Context, cl *dental.Clinic, imp dental.Import, c records) (dental.Import, error) {
	all := c.records
	verdicts, err := l.take(ctx, cl, all)
	if err != nil {
		return imp, fmt.Errorf("load: take records in: %w", err)
	}
	next := imp
	var rows bytes.Buffer
	for i, v := range verdicts {
		next.Lines++
		switch {
		case v.refused:
			next.Refused++
		case v.news:
			next.Accepted++
		default:
			next.Unchanged++
		}
		if len(v.faults) > 0 && !v.refused {
			next.Noted++
		}
		reportRows(&rows, cl, all[i], v.faults)
	}
	last := all[len(all)-1]
	next.Place, next.Read = last.Place, last.Read
	if rows.Len() > 0 {
		next.Parts++
		if err := l.Files.Put(ctx, partName(cl.ID, imp.ID, next.Parts), &rows); err != nil {
			return imp, fmt.Errorf("load: keep a part of the report: %w", err)
		}
	}
	next.Until = l.Clock().Add(Lease)
	again := next.Until
	if c.end == nil && l.Leaves != nil && !l.Leaves(ctx, near) {
		next.Worker, next.Until = "", time.Time{}
	}
	return next, l.checkpoint(ctx, imp, next, func(tx *store.Tx) {
		tx.Put(job(next, again))
		if next.Accepted > imp.Accepted {
			tx.Put(store.Figures(next.Clinic, l.Clock(), stalled))
		}
	})
}

// checkpoint writes an import one step further, if it is still where this worker
// left it, and still its own.
func (l *Loader) checkpoint(ctx context.Context, before, next dental.Import, also func(*store.Tx)) error {
	err := store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		now, err := tx.Import(ctx, next.Clinic, next.ID)
		switch {
		case err != nil:
			return err
		case same(now, next): // the write before this try was done
			return nil
		case !same(now, before):
			return errOvertaken
		}
		tx.Put(next)
		also(tx)
		return tx.Commit(ctx)
	})
	if err != nil && !errors.Is(err, errOvertaken) {
		return fmt.Errorf("load: write a checkpoint: %w", err)
	}
	return err
}

// same compares how far two states of an import are, and whose they are; the
// clock that the store keeps may be coarser than the one that was written.
func same(a, b dental.Import) bool {
	return a.State == b.State && a.Worker == b.Worker && a.Place == b.Place && a.Read == b.Read && a.Lines == b.Lines && a.Accepted == b.Accepted &&
		a.Unchanged == b.Unchanged && a.Refused == b.Refused && a.Noted == b.Noted && a.Parts == b.Parts && a.Problem == b.Problem
}

// verdict is what became of a record.
type verdict struct {
	refused bool // nothing of it could be taken
	news    bool
	faults  []Fault // what the report says
}

// take takes records in: those of one patient one after another and by one
// goroutine, those of several at once.
func (l *Loader) take(ctx context.Context, cl *dental.Clinic, all []Record) ([]verdict, error) {
	verdicts := make([]verdict, len(all))
	var tasks [][]int // records of one patient, by their places in all
	of := make(map[string]int, len(all))
	for i, r := range all {
		if verdicts[i].faults = r.Notes; r.Fault != nil {
			verdicts[i] = verdict{refused: true, faults: append([]Fault{*r.Fault}, r.Notes...)}
			continue
		}
		if len(r.Objects) == 0 {
			continue
		}
		patient := r.Objects[0].Patient()
		if n, known := of[patient]; known {
			tasks[n] = append(tasks[n], i)
			continue
		}
		of[patient] = len(tasks)
		tasks = append(tasks, []int{i})
	}
	now := l.Clock()
	var next atomic.Int64
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	for range min(cmp.Or(l.Workers, workers), len(tasks)) {
		wait.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(tasks) {
					return
				}
				if err := l.patient(ctx, cl, now, all, verdicts, tasks[n]); err != nil {
					select {
					case failed <- err:
					default: // another one was the first
					}
					cancel()
					return
				}
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
		return verdicts, ctx.Err()
	}
}

// patient takes in the records of one patient, as many in one write as fit.
func (l *Loader) patient(ctx context.Context, cl *dental.Clinic, now time.Time, all []Record, verdicts []verdict, records []int) error {
	objects := make([]intake.Object, 0, len(records))
	for _, i := range records {
		objects = append(objects, all[i].Objects...)
		verdicts[i].faults = append(verdicts[i].faults, l.numbers(cl, all[i])...)
	}
	outcomes, err := l.Learn(ctx, cl, intake.How{Quiet: true}, now, objects...)
	if err != nil {
		return err
	}
	for _, i := range records {
		mine := outcomes[:len(all[i].Objects)]
		outcomes = outcomes[len(mine):]
		v := &verdicts[i]
		v.refused = true
		for _, o := range mine {
			v.news = v.news || o.News
			v.refused = v.refused && o.Err != nil
			if o.Err != nil {
				v.faults = append(v.faults, faultOf(cl, o.Err))
			}
		}
	}
	return nil
}

// numbers reports the numbers that no message can be sent to: the card goes in
// without them.
func (l *Loader) numbers(cl *dental.Clinic, r Record) (out []Fault) {
	for _, o := range r.Objects {
		for _, f := range o.Facts {
			if f.Card == nil || f.Card.Number == "" {
				continue
			}
			if _, _, _, issue := l.Phones(f.Card.Number, cl.Country); issue != "" && issue != "empty" {
				if issue == "malformed" && l.worded(f.Card.Number, cl.Country) {
					issue = "words"
				}
				out = append(out, Fault{Column: "phone", Code: "phone-" + issue, Value: f.Card.Number})
			}
		}
	}
	return out
}

// worded reports whether a number could be used but for the words beside it,
// which may say whose it is.
func (l *Loader) worded(spelled, country string) bool {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return -1
		}
		return r
	}, spelled)
	if bare == spelled {
		return false
	}
	_, _, _, issue := l.Phones(bare, country)
	return issue == ""
}

// faultOf is what intake says against an object. Its words are for programs, so
// the report says them in the clinic's language by what they are about.
func faultOf(cl *dental.Clinic, err error) Fault {
	known, ok := errors.AsType[*dental.Error](err)
	if !ok {
		return Fault{Code: "not-taken"}
	}
	switch f := known.Field; {
	case f == "id":
		return Fault{Column: f, Code: "unfit-id"}
	case f == "patient":
		return Fault{Code: "two-patients"}
	case f == "facts":
		return Fault{Code: "too-much"}
	case strings.HasSuffix(f, ".currency"):
		return Fault{Column: f, Code: "other-currency", Detail: cl.Currency}
	case f == "data.finishedAt":
		return Fault{Column: f, Code: "visit-ahead"}
	case strings.HasPrefix(f, "data.consents["):
		return Fault{Column: f, Code: "consent-ahead"}
	}
	return Fault{Column: known.Field, Code: "not-taken"}
}

// finish ends an import: its report becomes one file, then it is over, then what
// nobody needs any more is deleted. fault is why the whole file failed, nil when
// it was read. An import that another worker has brought further is left to it,
// and its report stays.
func (l *Loader) finish(ctx context.Context, imp dental.Import, fault *Fault) error {
	tx := l.Store.Begin()
	cl, err := tx.Clinic(ctx, imp.Clinic)
	if err != nil {
		return fmt.Errorf("load: read the clinic: %w", err)
	}
	if now, err := tx.Import(ctx, imp.Clinic, imp.ID); err != nil || !same(now, imp) {
		return err
	}
	if err := l.Files.Put(ctx, reportName(imp.Clinic, imp.ID), l.report(ctx, cl, imp)); err != nil {
		return fmt.Errorf("load: keep the report: %w", err)
	}
	next := over(imp, dental.ImportDone, l.Clock())
	if fault != nil {
		next.State, next.Problem, next.About = dental.ImportFailed, "desk.import.reason."+fault.Code, short(cmp.Or(fault.Detail, fault.Column), 500)
	} else {
		next.Read = next.Size
	}
	err = l.checkpoint(ctx, imp, next, func(tx *store.Tx) { done(tx, next) })
	if errors.Is(err, errOvertaken) {
		return nil
	}
	if err != nil {
		return err
	}
	l.Log.InfoContext(ctx, "import over", "clinic", next.Clinic, "import", next.ID, "state", next.State, "problem", next.Problem,
		"lines", next.Lines, "accepted", next.Accepted, "unchanged", next.Unchanged, "refused", next.Refused, "noted", next.Noted, "bytes", next.Read)
	l.clear(ctx, next)
	return nil
}

// over is an import that ends.
func over(imp dental.Import, as dental.ImportState, at time.Time) dental.Import {
	imp.State, imp.Done, imp.Held = as, at, false
	imp.Columns, imp.Worker, imp.Until = nil, "", time.Time{}
	return imp
}

// dropping is the worker of an import whose file is being deleted: nobody starts it.
const dropping = "dropping"

// drop deletes the file of an import that nothing was read of, and ends it. It is
// said to be deleted only once it is, and nobody begins to read it meanwhile.
func (l *Loader) drop(ctx context.Context, imp dental.Import, code string, entry dental.LogEntry) (dental.Import, error) {
	mine := imp
	mine.Worker, mine.Until = dropping, l.Clock().Add(Lease)
	err := l.checkpoint(ctx, imp, mine, func(*store.Tx) {})
	if err == nil {
		if err := l.Files.Delete(ctx, fileName(imp.Clinic, imp.ID)); err != nil {
			return imp, errors.Join(fmt.Errorf("load: delete the file: %w", err), l.release(context.WithoutCancel(ctx), mine))
		}
	}
	next := over(mine, dental.ImportFailed, l.Clock())
	next.Problem = "desk.import.reason." + code
	if err == nil {
		err = l.checkpoint(ctx, mine, next, func(tx *store.Tx) {
			done(tx, next)
			if entry.ID != "" {
				tx.Put(entry)
			}
		})
	}
	if errors.Is(err, errOvertaken) { // somebody has begun it just now, or has dropped it
		return l.Import(ctx, imp.Clinic, imp.ID)
	}
	if err != nil {
		return imp, err
	}
	l.Log.InfoContext(ctx, "import dropped", "clinic", next.Clinic, "import", next.ID, "problem", next.Problem)
	return next, nil
}

func done(tx *store.Tx, imp dental.Import) {
	j := job(imp, imp.Done)
	j.Done = imp.Done
	tx.Put(j)
	if imp.Accepted > 0 {
		tx.Put(store.Figures(imp.Clinic, imp.Done, 0))
	}
}

// close ends the job of an import that is over.
func (l *Loader) close(ctx context.Context, imp dental.Import) error {
	err := store.Retry(ctx, func(ctx context.Context) error {
		tx := l.Store.Begin()
		if j, err := tx.Job(ctx, imp.Clinic, jobID(imp.ID)); err != nil || j.ID == "" || !j.Done.IsZero() {
			return err
		}
		done(tx, imp)
		return tx.Commit(ctx)
	})
	if err != nil {
		return fmt.Errorf("load: end a job: %w", err)
	}
	return nil
}

// clear deletes the file that was read and the parts of the report: whose data
// it is has them. What is left by a break here goes with the age of its folder.
func (l *Loader) clear(ctx context.Context, imp dental.Import) {
	names := []string{fileName(imp.Clinic, imp.ID)}
	for n := 1; n <= imp.Parts; n++ {
		names = append(names, partName(imp.Clinic, imp.ID, n))
	}
	for _, name := range names {
		if err := l.Files.Delete(ctx, name); err != nil {
			l.Log.WarnContext(ctx, "a file of an import stays until its folder is cleared", "file", name, "error", err)
			return
		}
	}
}
