// Package outbox is the provider of one machine: what it accepts stands in an
// append-only file of JSON lines, synced to the disk before Send answers. It
// gives receipts for it, as a provider does, so that a touch whose answer was
// lost with the process is settled after the restart.
//
// It keeps what it is handed, the same touch twice if it is handed twice:
// sending at most once is the engine's job, and the outbox is where one looks
// whether it was done.
package outbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// Options say how an outbox behaves.
type Options struct {
	// Now is the clock that messages are dated by.
	Now func() time.Time
	// Rules decide what becomes of a message, for demos and tests; nil lets
	// every message be accepted and delivered. They are asked before anything is
	// kept, perhaps by several senders at once, and may answer
	//
	//   nil               the message is accepted and delivered
	//   *outreach.Refusal it is refused, and not kept
	//   ErrAnswerLost     it is kept and delivered, and Send fails with the error
	//   *Fate             it is kept and accepted, and the receipt says Fate
	//   any other error   it is not kept, and Send fails with the error
	//
	// each of them wrapped or not.
	Rules func(outreach.Message) error
}

// ErrAnswerLost as the answer of Rules loses the answer to an accepted message.
var ErrAnswerLost = errors.New("the provider's answer was lost")

// Fate as the answer of Rules is what the receipt of an accepted message says
// in the place of delivered.
type Fate struct {
	Kind outreach.ReportKind
	Code string
}

func (f *Fate) Error() string { return "outbox: the message will be " + string(f.Kind) }

// Message is one kept message, in the form of GET /_local/messages.
type Message struct {
	ID       string         `json:"id"`
	Touch    string         `json:"touch"` // its public name, as dental.TouchID writes it
	Clinic   string         `json:"clinic"`
	Patient  string         `json:"patient"`
	Scenario string         `json:"scenario"`
	Step     string         `json:"step"`
	Channel  dental.Channel `json:"channel"`
	To       string         `json:"to"`
	Class    dental.Class   `json:"class"`
	Subject  string         `json:"subject"`
	Text     string         `json:"text"`
	Parts    int            `json:"parts"`
	Links    []string       `json:"links"`
	At       time.Time      `json:"at"`
	// Photo: the doctor's portrait was in it. The picture itself is not kept.
	Photo bool `json:"photo,omitempty"`
}

// line is one line of the file: the message, and what else was handed over.
type line struct {
	Message
	Anchor      string `json:"anchor"`
	Attempt     string `json:"attempt"`
	Locale      string `json:"locale,omitempty"`
	Sender      string `json:"sender,omitempty"`
	Unsubscribe string `json:"unsubscribe,omitempty"`
	HTML        string `json:"html,omitempty"`
	// Chart is the picture of figures inside of a letter, PNG.
	Chart    []byte              `json:"chart,omitempty"`
	Fate     outreach.ReportKind `json:"fate,omitempty"`
	FateCode string              `json:"fateCode,omitempty"`
}

// file is what the outbox needs of *os.File.
type file interface {
	io.ReaderAt
	io.Writer
	Sync() error
	Close() error
}

// Outbox is an open outbox. One process has it open at a time. It is safe for
// concurrent use.
type Outbox struct {
	options Options
	torn    int

	// turn is held by the one sender who writes for all that wait.
	turn sync.Mutex
	file file

	mu sync.Mutex
	// ends[i] is where line i ends in the file. Only what is synced is in it, and
	// only it is read, so that nothing is seen that a crash could take back.
	ends    []int64
	next    int // number of the next line handed in
	waiting []*entry
	broken  error
}

// entry is a line on its way to the disk.
type entry struct {
	bytes []byte
	done  bool
	err   error
}

// maxBatch bounds what one sync is for, so that the first who waits does not
// wait for the last who came.
const maxBatch = 256

var errClosed = errors.New("the outbox is closed")

// Open opens the outbox in the file, which is made if it is not there. A last
// line that was cut short by a crash was never answered for: it is cut off, and
// Torn says so. Any other line that cannot be read is an error.
func Open(path string, o Options) (*Outbox, error) {
	if o.Now == nil {
		return nil, dental.Errorf(dental.Invalid, "Options.Now", "outbox: there is no clock")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("outbox: open: %w", err)
	}
	b := &Outbox{options: o, file: f}
	if err := b.load(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("outbox: open %s: %w", filepath.Base(path), err)
	}
	// The file's name must survive too.
	if err := syncDir(filepath.Dir(path)); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("outbox: sync the folder: %w", err)
	}
	return b, nil
}

// load finds the lines and mends the end of the file.
func (b *Outbox) load(f *os.File) error {
	in := bufio.NewReaderSize(f, 1<<16)
	end := int64(0)
	for {
		raw, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("read: %w", err)
		}
		if len(raw) == 0 {
			break
		}
		last := err == io.EOF
		if !b.readable(raw) {
			if last {
				b.torn = len(raw)
				if err := f.Truncate(end); err != nil {
					return fmt.Errorf("cut off a torn line: %w", err)
				}
				break
			}
			return dental.Errorf(dental.Invalid, "", "line %d is not message %s of an outbox", len(b.ends)+1, id(len(b.ends)))
		}
		end += int64(len(raw))
		if last {
			// All of the line but its end was written, which is as good as all of it.
			if _, err := f.Write([]byte("\n")); err != nil {
				return fmt.Errorf("end the last line: %w", err)
			}
			end++
		}
		b.ends = append(b.ends, end)
		if last {
			break
		}
	}
	b.next = len(b.ends)
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// readable reports whether raw is the next line of the outbox.
func (b *Outbox) readable(raw []byte) bool {
	var l line
	return json.Unmarshal(raw, &l) == nil && l.ID == id(len(b.ends))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Torn is how many bytes of a torn last line Open has cut off, 0 for none.
func (b *Outbox) Torn() int { return b.torn }

// Close waits for what is being written and closes the file.
func (b *Outbox) Close() error {
	b.turn.Lock()
	defer b.turn.Unlock()
	b.mu.Lock()
	closed := errors.Is(b.broken, errClosed)
	b.broken = errClosed
	b.mu.Unlock()
	if closed {
		return nil
	}
	if err := b.file.Close(); err != nil {
		return fmt.Errorf("outbox: close: %w", err)
	}
	return nil
}

// Channel is the outbox as the provider of one channel.
func (b *Outbox) Channel(ch dental.Channel) outreach.Channel { return channel{b, ch} }

type channel struct {
	box *Outbox
	ch  dental.Channel
}

// Send keeps the message; see outreach.Channel for its errors.
func (c channel) Send(ctx context.Context, m outreach.Message) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", unsent("cancelled", err)
	}
	verdict := error(nil)
	if rules := c.box.options.Rules; rules != nil {
		verdict = rules(m)
	}
	l := newLine(c.ch, m, c.box.options.Now())
	var fate *Fate
	switch {
	case errors.As(verdict, &fate):
		l.Fate, l.FateCode, verdict = fate.Kind, fate.Code, nil
	case verdict != nil && !errors.Is(verdict, ErrAnswerLost):
		return "", fmt.Errorf("outbox: send: %w", verdict)
	}
	id, err := c.box.keep(l)
	if err != nil {
		return "", err
	}
	if verdict != nil {
		return "", fmt.Errorf("outbox: send: %w", verdict)
	}
	return id, nil
}

func newLine(ch dental.Channel, m outreach.Message, at time.Time) *line {
	t := m.Touch
	return &line{
		Message: Message{
			Touch:  dental.TouchID(t.Clinic, t.Patient, t.Scenario, t.Step, t.Anchor),
			Clinic: t.Clinic, Patient: t.Patient, Scenario: t.Scenario, Step: t.Step,
			Channel: ch, To: m.To, Class: m.Class, Subject: m.Subject, Text: m.Text, Parts: m.Parts,
			Links: append([]string{}, m.Links...), At: at, Photo: m.Photo != nil,
		},
		Anchor: t.Anchor, Attempt: m.Attempt, Locale: m.Locale, Sender: m.Sender, Unsubscribe: m.Unsubscribe, HTML: m.HTML, Chart: m.Chart,
	}
}

// unsent is a refusal of the machine itself, which passes.
func unsent(code string, err error) error {
	return fmt.Errorf("outbox: %w", &outreach.Refusal{Code: code, Later: true, Err: fmt.Errorf("%w: %w", outreach.ErrNotSent, err)})
}

// keep writes the line and returns the message's id once it is on the disk. An
// error of the disk leaves it unknown what stands in the file, so that it ends
// the outbox: the messages under way are unknown, later ones are refused, and
// Open finds out.
func (b *Outbox) keep(l *line) (string, error) {
	b.mu.Lock()
	if b.broken != nil {
		err := b.broken
		b.mu.Unlock()
		return "", unsent("outbox-closed", err)
	}
	l.ID = id(b.next)
	raw, err := json.Marshal(l)
	if err != nil {
		b.mu.Unlock()
		return "", unsent("outbox-encode", err)
	}
	b.next++
	e := &entry{bytes: append(raw, '\n')}
	b.waiting = append(b.waiting, e)
	b.mu.Unlock()

	// Whoever gets the turn writes for all that wait: under load many messages
	// share a sync, and without load a message waits for nobody.
	for done := false; !done; {
		b.turn.Lock()
		if done = e.done; !done {
			b.flush()
		}
		b.turn.Unlock()
	}
	if e.err != nil {
		return "", fmt.Errorf("outbox: keep the message: %w", e.err)
	}
	return l.ID, nil
}

// flush writes the first of those that wait. It is called with the turn.
func (b *Outbox) flush() {
	b.mu.Lock()
	batch := b.waiting[:min(len(b.waiting), maxBatch)]
	b.waiting = b.waiting[len(batch):]
	var err error
	if b.broken != nil {
		err = unsent("outbox-closed", b.broken)
	}
	b.mu.Unlock()

	var all []byte
	for _, e := range batch {
		all = append(all, e.bytes...)
	}
	if err == nil {
		if _, err = b.file.Write(all); err == nil {
			err = b.file.Sync()
		}
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range batch {
		e.done, e.err = true, err
		if err == nil {
			b.ends = append(b.ends, b.end()+int64(len(e.bytes)))
		}
	}
	if err != nil && b.broken == nil {
		b.broken = err
	}
}

// end is where the next line begins. It is called with mu.
func (b *Outbox) end() int64 { return b.start(len(b.ends)) }

// start is where line i begins. It is called with mu.
func (b *Outbox) start(i int) int64 {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

// id is the provider's id of line i, counted from 0.
func id(i int) string { return "m" + strconv.Itoa(i+1) }

// Messages lists what was kept, newest first, never nil.
func (b *Outbox) Messages() ([]Message, error) { return b.MessagesAfter("") }

// MessagesAfter is Messages without the message of the id and those before it;
// an id of no message leaves none out. It reads only what it lists.
func (b *Outbox) MessagesAfter(messageID string) ([]Message, error) {
	count := b.count()
	from := number(messageID, count)
	lines, err := b.read(from, count)
	if err != nil {
		return nil, err
	}
	out := make([]Message, len(lines))
	for i, l := range lines {
		out[len(lines)-1-i] = l.Message
	}
	return out, nil
}

// HTML is the HTML part of a message, "" if it has none, with the chart that came
// inside of the message in its place. An id of no message is dental.NotFound.
func (b *Outbox) HTML(messageID string) (string, error) {
	n := number(messageID, b.count())
	if n == 0 {
		return "", dental.Errorf(dental.NotFound, "", "there is no such message")
	}
	lines, err := b.read(n-1, n)
	if err != nil {
		return "", err
	}
	html := lines[0].HTML
	if chart := lines[0].Chart; len(chart) > 0 {
		html = strings.ReplaceAll(html, "cid:chart", "data:image/png;base64,"+base64.StdEncoding.EncodeToString(chart))
	}
	return html, nil
}

// number is which of the first count messages the id names, from 1; 0 is none of them.
func number(messageID string, count int) int {
	n, err := strconv.Atoi(strings.TrimPrefix(messageID, "m"))
	if err != nil || n < 1 || n > count || id(n-1) != messageID {
		return 0
	}
	return n
}

// Position is how far the receipts of an outbox were read; 0 is the beginning.
// It stays valid when the outbox is opened again.
type Position int

// maxReceipts is how many messages one call of Receipts tells of.
const maxReceipts = 500

// Receipts are the reports about the messages after the position: accepted, and
// delivered or the message's Fate. They may be asked for again and again, and
// come in the order in which the messages were kept; next equals after when
// there are no more.
func (b *Outbox) Receipts(after Position) (reports []outreach.Report, next Position, err error) {
	from, count := int(after), b.count()
	if from < 0 || from > count {
		return nil, after, dental.Errorf(dental.Invalid, "", "the outbox has %d messages and no position %d", count, after)
	}
	lines, err := b.read(from, min(count, from+maxReceipts))
	if err != nil {
		return nil, after, err
	}
	for _, l := range lines {
		r := outreach.Report{
			Touch:   outreach.TouchRef{Clinic: l.Clinic, Patient: l.Patient, Scenario: l.Scenario, Step: l.Step, Anchor: l.Anchor},
			Attempt: l.Attempt, Channel: string(l.Channel), ProviderID: l.ID,
			Kind: outreach.ReportAccepted, Code: "outbox", At: l.At,
		}
		end := r
		end.Kind = outreach.ReportDelivered
		if l.Fate != "" {
			end.Kind, end.Code = l.Fate, l.FateCode
		}
		reports = append(reports, r, end)
	}
	return reports, after + Position(len(lines)), nil
}

func (b *Outbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ends)
}

// read reads the lines [from, to).
func (b *Outbox) read(from, to int) ([]line, error) {
	b.mu.Lock()
	start := b.start(from)
	size := b.start(to) - start
	b.mu.Unlock()
	raw := make([]byte, size)
	if _, err := b.file.ReadAt(raw, start); err != nil && (err != io.EOF || size > 0) {
		return nil, fmt.Errorf("outbox: read: %w", err)
	}
	lines := make([]line, 0, to-from)
	for one := range bytes.Lines(raw) {
		var l line
		if err := json.Unmarshal(one, &l); err != nil {
			return nil, fmt.Errorf("outbox: read message %s: %w", id(from+len(lines)), err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}
