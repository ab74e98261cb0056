// Package latest keeps one small value in a file so that it survives kill -9
// and, if it is worth a sync, a loss of power. Each value is a line at the
// file's end; the last whole line counts. Put syncs it, which costs one sync
// where replacing the file costs three; Note leaves that to whoever syncs next.
package latest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// limit is the size at which the file is written anew with its last line alone.
const limit = 256 << 10

// File is an open file. It is for one goroutine at a time.
type File struct {
	path   string
	file   *os.File
	size   int64
	broken error
}

// Open opens the file, which is made if it is not there, and hands its last
// whole line to read; found tells whether there was one. A line that read
// refuses was torn by a loss of power, and the one before it counts. A file
// that has something in it and no line that read takes is an error.
func Open(path string, read func(line []byte) error) (f *File, found bool, err error) {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, false, fmt.Errorf("latest: %w", err)
	}
	name := filepath.Base(path)
	lines := bytes.SplitAfter(content, []byte("\n"))
	var last []byte
	var refused error
	for i := len(lines) - 1; i >= 0 && last == nil; i-- {
		line, whole := bytes.CutSuffix(lines[i], []byte("\n"))
		if !whole {
			continue
		}
		if refused = read(line); refused == nil {
			last = lines[i]
		}
	}
	if refused != nil && last == nil {
		return nil, false, fmt.Errorf("latest: %s cannot be read: %w", name, refused)
	}
	f = &File{path: path}
	if err := f.rewrite(last); err != nil {
		return nil, false, err
	}
	return f, last != nil, nil
}

// Put makes line the value: it is on the disk when Put returns. It holds no
// line end. After an error the file takes nothing more, since what stands at
// its end is not known.
func (f *File) Put(line []byte) error { return f.put(line, true) }

// Note is Put without waiting for the disk. The value outlives the process; a
// loss of power may leave an earlier one in its place.
func (f *File) Note(line []byte) error { return f.put(line, false) }

func (f *File) put(line []byte, sync bool) error {
	if f.broken != nil {
		return f.broken
	}
	whole := append(bytes.Clone(line), '\n')
	if f.size > limit {
		if err := f.rewrite(whole); err != nil {
			f.broken = err
		}
		return f.broken
	}
	_, err := f.file.Write(whole)
	if err == nil && sync {
		err = f.file.Sync()
	}
	if err != nil {
		f.broken = fmt.Errorf("latest: write %s: %w", filepath.Base(f.path), err)
		return f.broken
	}
	f.size += int64(len(whole))
	return nil
}

// rewrite puts a file with this content alone in the place of the present one.
func (f *File) rewrite(content []byte) error {
	next, err := os.OpenFile(f.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("latest: %w", err)
	}
	if _, err = next.Write(content); err == nil {
		if err = next.Sync(); err == nil {
			err = os.Rename(next.Name(), f.path)
		}
	}
	if err == nil {
		err = syncFolder(filepath.Dir(f.path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("latest: write %s anew: %w", filepath.Base(f.path), err), next.Close())
	}
	if f.file != nil {
		_ = f.file.Close() // the old content, which is all on the disk
	}
	f.file, f.size = next, int64(len(content))
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close closes the file.
func (f *File) Close() error {
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("latest: close: %w", err)
	}
	return nil
}
