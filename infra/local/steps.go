package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/infra/local/latest"
	"github.com/returnpoint/returnpoint/infra/local/template"
	"github.com/returnpoint/returnpoint/shared/channel/outbox"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// errStopping ends what would go on for long when the machine is to stop.
var errStopping = errors.New("the machine is stopping")

// beat is how often the ticker looks whether the time of a step has come, and
// pause how long it waits after it could not even look.
const (
	beat  = 250 * time.Millisecond
	pause = 5 * time.Second
)

// tick runs steps as their times come, until the machine stops.
func (m *machine) tick() {
	for m.stopping.Err() == nil {
		m.turn.Lock()
		err := m.steps(m.clock.Now(), nil)
		m.turn.Unlock()
		wait := beat
		if err != nil && !errors.Is(err, errStopping) {
			m.log.Error("a step failed", "err", err)
			wait = pause
		}
		select {
		case <-m.stopping.Done():
		case <-time.After(wait):
		}
	}
}

// lastRounds bounds how often what is due at the end of an advance is dispatched:
// more than the channels that one message can fall through.
const lastRounds = 10

// advance moves the clock on to the instant and runs everything that falls due
// up to then, in order, each step at its own time. What comes in meanwhile is
// served, and what it makes due is run too.
func (m *machine) advance(target func(now time.Time) (time.Time, error)) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	m.real.Store(false)
	defer m.real.Store(true)
	to, err := target(m.clock.Now())
	if err != nil {
		return err
	}
	err = m.steps(to, m.clock.Hold)
	if err == nil {
		err = m.clock.Hold(to)
	}
	// A due time that is no time of the schedule would wait for the next one,
	// which lies behind the end.
	for round := 0; round < lastRounds && err == nil; round++ {
		var ran bool
		if ran, err = m.runDue(to); !ran {
			break
		}
	}
	return errors.Join(err, m.clock.Release())
}

// steps runs, in order, every step after the ones done and up to the instant.
// at, unless nil, is told the time of each before it is run. It is called with the turn.
func (m *machine) steps(until time.Time, at func(time.Time) error) error {
	m.foreseen.forget()
	m.drain() // what an earlier step, or an earlier process, has left
	for m.stopping.Err() == nil {
		step, functions, err := m.next(until)
		if err != nil {
			return err
		}
		if len(functions) == 0 {
			if until.After(m.done) {
				m.done = until
			}
			return nil
		}
		if at != nil {
			if err := at(step); err != nil {
				return err
			}
		}
		m.run(step, functions)
		m.done = step
	}
	return errStopping
}

// next is the next step up to the instant: its time, and the functions whose
// schedules have it. A function that can say when it will find something to do
// is not run before; else a day would have 1,440 minutes in which nothing happens.
func (m *machine) next(until time.Time) (step time.Time, functions []*function, err error) {
	for _, f := range m.functions {
		if len(f.Schedules) == 0 {
			continue
		}
		after := m.done
		if f.due != nil {
			due, any, err := m.due(f)
			if err != nil {
				return step, nil, fmt.Errorf("ask %s what is due: %w", f.Name, err)
			}
			if !any {
				continue
			}
			if before := due.Add(-time.Nanosecond); before.After(after) {
				after = before
			}
		}
		at := soonest(f.Schedules, after)
		switch {
		case at.IsZero() || at.After(until):
		case len(functions) == 0 || at.Before(step):
			step, functions = at, []*function{f}
		case at.Equal(step):
			functions = append(functions, f)
		}
	}
	return step, functions, nil
}

// foreseen remembers what functions have said of when they will next find
// something to do, those whose answer lasts: until they have run, until a clinic's
// settings change, or until the next advance at the latest. To work it out they
// read every clinic, and an advance of a year asks some thousand times.
type foreseen struct {
	mu      sync.Mutex
	answers map[string]foresight
	changes int // of what the answers rest on
}

type foresight struct {
	at  time.Time
	any bool
}

// forget has everybody asked anew.
func (p *foreseen) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = map[string]foresight{}
	p.changes++
}

// ask gives the function's last answer, or else asks and remembers it, unless
// something has changed meanwhile.
func (p *foreseen) ask(function string, due func() (time.Time, bool, error)) (at time.Time, any bool, err error) {
	p.mu.Lock()
	said, known := p.answers[function]
	before := p.changes
	p.mu.Unlock()
	if known {
		return said.at, said.any, nil
	}
	if at, any, err = due(); err != nil {
		return at, any, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes == before {
		p.answers[function] = foresight{at, any}
	}
	return at, any, nil
}

// due is the earliest time at which a function would find something to do.
func (m *machine) due(f *function) (time.Time, bool, error) {
	ask := func() (time.Time, bool, error) { return f.due(m.parts, m.work) }
	if !f.lasts {
		return ask()
	}
	return m.foreseen.ask(f.Name, ask)
}

func soonest(schedules []template.Schedule, after time.Time) time.Time {
	var first time.Time
	for _, s := range schedules {
		if at := s.Next(after); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// runDue runs, between the times of their schedules, the functions that have
// something due at the instant.
func (m *machine) runDue(at time.Time) (ran bool, err error) {
	var functions []*function
	for _, f := range m.functions {
		if f.due == nil {
			continue
		}
		due, any, err := m.due(f)
		if err != nil {
			return false, fmt.Errorf("ask %s what is due: %w", f.Name, err)
		}
		if any && !due.After(at) {
			functions = append(functions, f)
		}
	}
	if len(functions) > 0 {
		m.run(at, functions)
	}
	return len(functions) > 0, nil
}

// run runs functions at a time of their schedules, then everything that came of
// it. What fails is logged and comes back by its due key, as it would elsewhere.
func (m *machine) run(at time.Time, functions []*function) {
	for _, f := range functions {
		payload, err := lambdaio.SchedulePayload(at)
		if err == nil {
			_, err = m.invoke(f, payload)
		}
		if err != nil {
			m.log.Error("a scheduled run failed", "function", f.Name, "time", at, "err", err)
		}
		if f.lasts {
			m.foreseen.forget()
		}
	}
	m.drain()
}

// drain works off the queues and hands on the outbox's receipts until there is
// nothing left of either, or the machine stops: what is in a queue then comes
// back by its due key.
func (m *machine) drain() {
	for worked := true; worked; {
		worked = false
		for _, c := range m.carriers {
			for m.stopping.Err() == nil && !(c.aside && m.real.Load()) && m.carry(c) {
				worked = true
			}
		}
		if m.stopping.Err() == nil && m.report() {
			worked = true
		}
	}
}

// carryAside works off what lasts long while the clock goes by itself, beside
// the steps: a base of a million lines keeps no reminder waiting.
func (m *machine) carryAside() {
	for m.stopping.Err() == nil {
		for _, c := range m.carriers {
			for m.stopping.Err() == nil && c.aside && m.carry(c) {
				continue
			}
		}
		select {
		case <-m.stopping.Done():
		case <-time.After(beat):
		}
	}
}

// carry gives the queue's function one batch and settles it; false: there was none.
func (m *machine) carry(c *carrier) bool {
	c.one.Lock()
	defer c.one.Unlock()
	received := c.queue.Receive(c.to.Queue.Batch)
	if len(received) == 0 {
		return false
	}
	if c.to.lasts {
		defer m.foreseen.forget()
	}
	batch := make([]lambdaio.Message, len(received))
	for i, r := range received {
		batch[i] = lambdaio.Message{ID: r.ID, Body: r.Body}
	}
	failed, err := m.giveBatch(c.to, batch)
	if err != nil {
		m.log.Error("a batch failed", "function", c.to.Name, "err", err)
	}
	back := map[string]bool{}
	for _, id := range failed {
		back[id] = true
	}
	for _, msg := range batch {
		if back[msg.ID] {
			c.queue.Nack(msg.ID)
		} else {
			c.queue.Ack(msg.ID)
		}
	}
	if dead := c.queue.Dead(); len(dead) > c.dead {
		for _, d := range dead[c.dead:] {
			m.log.Error("a message failed too often and was set aside; what it names comes back by its due key", "function", c.to.Name, "body", d.Body)
		}
		c.dead = len(dead)
	}
	return true
}

// giveBatch invokes the function with the batch and says which messages stay in the queue.
func (m *machine) giveBatch(f *function, batch []lambdaio.Message) (failed []string, err error) {
	for _, msg := range batch {
		failed = append(failed, msg.ID)
	}
	payload, err := lambdaio.QueuePayload(batch...)
	if err != nil {
		return failed, err
	}
	answer, err := m.invoke(f, payload)
	if err != nil {
		return failed, err
	}
	return lambdaio.QueueFailures(answer, batch)
}

// receipts remembers how far the outbox's receipts were handed on.
type receipts struct {
	file     *latest.File
	position outbox.Position
	tries    int // of the message that comes next
}

// mostTries is how often one message's receipts are handed on before they are given up.
const mostTries = 5

type receiptsLine struct {
	Position outbox.Position `json:"position"`
}

func openReceipts(path string, box *outbox.Outbox) (*receipts, error) {
	var line receiptsLine
	file, _, err := latest.Open(path, func(raw []byte) error { return json.Unmarshal(raw, &line) })
	if err != nil {
		return nil, fmt.Errorf("receipts: %w", err)
	}
	r := &receipts{file: file, position: line.Position}
	if _, _, err := box.Receipts(r.position); err != nil {
		r.position = 0 // the outbox is another one; to hand on a receipt twice does no harm
	}
	return r, nil
}

func (r *receipts) close() error { return r.file.Close() }

// move notes that everything before the position was handed on. A position that
// a loss of power sets back is one from which some receipts come once more, which
// does no harm: it is not worth a sync.
func (r *receipts) move(to outbox.Position) error {
	line, err := json.Marshal(receiptsLine{to})
	if err == nil {
		err = r.file.Note(line)
	}
	if err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	r.position, r.tries = to, 0
	return nil
}

// report hands the receipts of what the outbox has taken since to the function
// for reports, message by message; true: there were some. A message's receipts
// that fail stop those behind them until the next step, a few times.
func (m *machine) report() bool {
	reports, _, err := m.outbox.Receipts(m.receipts.position)
	if err != nil {
		m.log.Error("the outbox gives no receipts", "err", err)
		return false
	}
	if len(reports) == 0 {
		return false
	}
	to, handed := m.receipts.position, m.receipts.position
	for len(reports) > 0 && m.stopping.Err() == nil {
		n := 1
		for n < len(reports) && reports[n].ProviderID == reports[0].ProviderID {
			n++
		}
		news := reports[:n]
		if news[n-1].Kind == outreach.ReportDelivered {
			news = news[n-1:] // what has arrived was accepted: one of them tells both
		}
		if err := m.giveReports(news); err != nil {
			m.receipts.tries++
			m.log.Error("receipts failed", "message", reports[0].ProviderID, "try", m.receipts.tries, "err", err)
			if m.receipts.tries < mostTries {
				break
			}
			m.log.Error("the receipts of a message are given up", "message", reports[0].ProviderID)
		}
		m.receipts.tries = 0
		to++
		reports = reports[n:]
	}
	if to == handed {
		return false
	}
	if err := m.receipts.move(to); err != nil {
		m.log.Error("how far the receipts were read is not written down: some will come again", "err", err)
		m.receipts.position = to
	}
	return true
}

// giveReports hands the reports about one message on.
func (m *machine) giveReports(reports []outreach.Report) error {
	body, err := json.Marshal(reports)
	if err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	payload, err := lambdaio.EventPayload(lambdaio.Event{
		ID: "outbox-" + reports[0].ProviderID + "-" + strconv.Itoa(m.receipts.tries), Source: "local.outbox", Type: "Message Receipt",
		Time: m.clock.Now(), Body: body,
	})
	if err != nil {
		return err
	}
	for _, f := range m.functions {
		if f.Reports {
			_, err = m.invoke(f, payload)
		}
	}
	return err
}
