package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// settled is how long a file of a watched folder must have been as it is: whoever
// writes it may still be writing.
const settled = time.Minute

// Tick takes what lies in the watched folders, inbox/<clinic>/, or
// inbox/<clinic>/<system>/ of an export of one of dental.Systems: what was laid
// there a minute ago or more begins an import under its own name. The same file
// laid there once more is imported once more, and changes nothing. What cannot
// be imported is moved to inbox-refused with a note beside it.
func (l *Loader) Tick(ctx context.Context, _ time.Time) error {
	found, err := l.Files.List(ctx, inbox)
	if err != nil {
		return fmt.Errorf("load: look into the watched folders: %w", err)
	}
	var failed []error
	for _, f := range found {
		if f.Still < settled || f.Size == 0 && strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := l.found(ctx, f); err != nil {
			failed = append(failed, fmt.Errorf("load: take a file of a watched folder: %w", err))
		}
	}
	return errors.Join(failed...)
}

// Waiting reports whether Tick would find something to do.
func (l *Loader) Waiting(ctx context.Context) (bool, error) {
	found, err := l.Files.List(ctx, inbox)
	if err != nil {
		return false, fmt.Errorf("load: look into the watched folders: %w", err)
	}
	for _, f := range found {
		if f.Still >= settled {
			return true, nil
		}
	}
	return false, nil
}

func (l *Loader) found(ctx context.Context, f Stored) error {
	clinic, name, inFolder := strings.Cut(strings.TrimPrefix(f.Name, inbox), "/")
	if !inFolder || !dental.ValidID(clinic) {
		return l.refuse(ctx, f, "it lies in no clinic's folder: inbox/<clinic>/<file>")
	}
	system := ""
	if of, file, deeper := strings.Cut(name, "/"); deeper {
		if !slices.Contains(dental.Systems(), of) || strings.Contains(file, "/") {
			return l.refuse(ctx, f, "a folder in a clinic's is named after the system that its files are exports of: one of "+strings.Join(dental.Systems(), ", "))
		}
		system, name = of, file
	}
	cl, err := l.Store.Begin().Clinic(ctx, clinic)
	if dental.KindOf(err) == dental.NotFound {
		return l.refuse(ctx, f, "there is no clinic of this folder's name")
	}
	if err != nil {
		return err
	}
	format, ok, err := l.formatOf(ctx, f.Name)
	if err != nil {
		return err
	}
	if !ok {
		return l.refuse(ctx, f, "its name ends in none of "+Ends+"; packed, with .gz behind, FHIR alone is read")
	}
	if !FromSystem(format, system) {
		return l.refuse(ctx, f, "it is no export of "+system+": this format says itself whose patients it is about")
	}
	sum := sha256.Sum256([]byte(f.Name + "\x00" + itoa(f.Size) + "\x00" + f.Mark))
	mark := hex.EncodeToString(sum[:])
	imp, err := l.open(ctx, cl, Order{ID: "inbox." + mark, Body: mark, Format: format, Name: name, System: system})
	if err != nil {
		return err
	}
	if imp.State != dental.ImportWaiting {
		return l.Files.Delete(ctx, f.Name) // it was moved, and its going was not kept
	}
	// A file that is not there any more was moved by another run of this minute.
	if err := l.Files.Move(ctx, f.Name, fileName(clinic, imp.ID)); err != nil && dental.KindOf(err) != dental.NotFound {
		return err
	}
	l.Log.InfoContext(ctx, "a file of a watched folder is imported", "clinic", clinic, "import", imp.ID, "bytes", f.Size)
	_, err = l.start(ctx, imp, dental.LogEntry{})
	return err
}

// refuse moves a file out of the watched folder and says why beside it.
func (l *Loader) refuse(ctx context.Context, f Stored, why string) error {
	to := refused + strings.TrimPrefix(f.Name, inbox)
	l.Log.WarnContext(ctx, "a file of a watched folder cannot be imported", "file", f.Name, "why", why)
	if err := l.Files.Put(ctx, to+".why.txt", strings.NewReader(why+"\n")); err != nil {
		return err
	}
	return l.Files.Move(ctx, f.Name, to)
}

// formatOf is FormatOf of a file that is there, whose head is read where it tells.
func (l *Loader) formatOf(ctx context.Context, name string) (format string, ok bool, err error) {
	if format, ok = FormatOf(name, nil); format != JSONLines && format != NDJSON {
		return format, ok, nil
	}
	f, err := l.Files.Open(ctx, name, 0)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = f.Close() }()
	head, err := io.ReadAll(io.LimitReader(f, HeadBytes))
	if err != nil {
		return "", false, fmt.Errorf("load: read the head of a file: %w", err)
	}
	format, ok = FormatOf(name, head)
	return format, ok, nil
}
