package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// bar shows how far a file has come: one line that is written over where
// somebody looks, a line every few seconds where a file or a pipe does.
type bar struct {
	out      io.Writer
	terminal bool
	began    time.Time // of the taking in
	from     int64     // lines that were in already when it was first seen
	shown    time.Time
	open     bool // a line stands that is to be written over
}

// The widths and times of a bar.
const (
	width    = 30
	plainly  = 5 * time.Second
	smoothly = 200 * time.Millisecond
)

func newBar(out io.Writer) *bar {
	b := &bar{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		b.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return b
}

// reading shows how much of a file has been sent.
func (b *bar) reading(r io.Reader, size int64) io.Reader {
	var sent int64
	return readFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		sent += int64(n)
		b.show(false, "sending ", sent, size, "")
		return n, err
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// working shows how much of it has been taken in.
func (b *bar) working(s standing) {
	if b.began.IsZero() && s.State != "waiting" {
		b.began, b.from = time.Now(), s.Lines
	}
	b.show(s.State == "done", "taking in", s.Read, s.Bytes, fmt.Sprintf("  %d lines, %s", s.Lines, b.pace(s)))
}

// pace is how many lines a second it has been so far.
func (b *bar) pace(s standing) string {
	seconds := time.Since(b.began).Seconds()
	if b.began.IsZero() || seconds < 0.1 {
		return "at once"
	}
	return fmt.Sprintf("%.0f a second", float64(s.Lines-b.from)/seconds)
}

func (b *bar) show(now bool, what string, done, all int64, rest string) {
	pause := plainly
	if b.terminal {
		pause = smoothly
	}
	if !now && time.Since(b.shown) < pause {
		return
	}
	b.shown = time.Now()
	share := 0.0
	if all > 0 {
		share = min(1, float64(done)/float64(all))
	}
	line := fmt.Sprintf("%s %5.1f %%  %s%s", what, share*100, size(done), rest)
	if !b.terminal {
		_, _ = fmt.Fprintln(b.out, line)
		return
	}
	full := int(share * width)
	_, _ = fmt.Fprintf(b.out, "\r\x1b[K%s [%s%s]", line, strings.Repeat("#", full), strings.Repeat(".", width-full))
	b.open = true
}

// say writes a line that stays.
func (b *bar) say(line string) {
	if b.open {
		_, _ = fmt.Fprint(b.out, "\r\x1b[K")
		b.open = false
	}
	_, _ = fmt.Fprintln(b.out, line)
}

func size(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
