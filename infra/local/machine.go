package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/returnpoint/returnpoint/functions/pull/systems"
	"github.com/returnpoint/returnpoint/infra/local/clock"
	"github.com/returnpoint/returnpoint/infra/local/oidc"
	"github.com/returnpoint/returnpoint/infra/local/template"
	"github.com/returnpoint/returnpoint/shared/app"
	"github.com/returnpoint/returnpoint/shared/blob/dir"
	"github.com/returnpoint/returnpoint/shared/channel/outbox"
	"github.com/returnpoint/returnpoint/shared/channel/smsgate"
	"github.com/returnpoint/returnpoint/shared/channel/smtp"
	"github.com/returnpoint/returnpoint/shared/channel/whatsapp"
	"github.com/returnpoint/returnpoint/shared/channel/wire"
	"github.com/returnpoint/returnpoint/shared/crm/bitrix24"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/lambdaio"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/portrait/fetch"
	"github.com/returnpoint/returnpoint/shared/pull"
	"github.com/returnpoint/returnpoint/shared/queue/memory"
	"github.com/returnpoint/returnpoint/shared/scan"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/scenario/catalogue"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
)

// plan is what a machine needs to know before it touches its folder.
type plan struct {
	options
	functions []*function
	catalogue scenario.Catalogue
	// rules decide what becomes of a message, for tests; nil delivers it.
	rules func(outreach.Message) error
	// mail is where e-mail leaves for real; nil keeps it in the outbox.
	mail outreach.Channel
	// systems of record are asked and told for real only where a clinic's own
	// accounts are used; a test gives its own.
	systems map[string]pull.System
}

// prepare reads the environment, the template and the scenarios. One error
// names everything that is wrong in any of them.
func prepare(lookup func(string) (string, bool)) (plan, error) {
	var p plan
	var err, wrong error
	note := func(e error) { wrong = errors.Join(wrong, e) }
	p.options, err = readOptions(lookup)
	note(err)
	if p.mailServer != nil {
		// Letters bear the real time, as their readers' clocks show it.
		if mail, err := smtp.New(*p.mailServer, time.Now); err == nil {
			p.mail = mail
		} else {
			note(fmt.Errorf("SMTP_HOST, SMTP_PORT, SMTP_TLS, SMTP_USER, SMTP_PASSWORD, MAIL_FROM: %w", err))
		}
	}
	raw, err := os.ReadFile(p.template)
	if err != nil {
		note(fmt.Errorf("%w: run it from the repository's root, or set TEMPLATE to the path of template.yaml", err))
	} else if there, err := template.Read(raw); err != nil {
		note(err)
	} else {
		p.functions, err = match(lambdas(), there)
		note(err)
	}
	p.catalogue, err = catalogue.Shipped()
	note(err)
	return p, wrong
}

// machine is all functions on one machine, over one folder.
type machine struct {
	plan
	log      *slog.Logger
	table    *embedded.Engine
	clock    *clock.Clock
	outbox   *outbox.Outbox
	store    *store.Store
	settings *settings.Keeper
	people   *oidc.Provider
	parts    parts
	carriers []*carrier
	receipts *receipts
	files    *dir.Dir

	// work ends when nothing may go on any more; an invocation outlives the
	// request that caused it, as on Lambda.
	work    context.Context
	endWork context.CancelFunc
	// stopping ends when no further step is to be begun.
	stopping context.Context
	stop     context.CancelFunc
	chats    *whatsapp.Channel
	requests atomic.Int64

	// turn is held by whoever runs steps: the ticker, or one who moves the clock on.
	turn     sync.Mutex
	real     atomic.Bool // nobody is moving the clock on
	done     time.Time   // all steps up to then were run; guarded by turn
	foreseen foreseen
}

// carrier brings the messages of a queue to the function that works it off.
type carrier struct {
	queue *memory.Queue
	to    *function
	dead  int // dead letters that were told of
	// aside: its work lasts for minutes, and nothing else waits for it but who
	// moves the clock on. one is held by whoever carries.
	aside bool
	one   sync.Mutex
}

// mostDrift is how far a clock that nobody has moved may be from the real one:
// it waits where the machine's own was put back.
const mostDrift = time.Hour

// open opens the folder, or makes it, and composes the functions over it. base
// is this machine's own URL.
func open(p plan, base string, log *slog.Logger) (m *machine, err error) {
	m = &machine{plan: p, log: log}
	m.real.Store(true)
	m.work, m.endWork = context.WithCancel(context.Background())
	m.stopping, m.stop = context.WithCancel(m.work)
	defer func() {
		if err != nil {
			err = fmt.Errorf("LOCAL_DIR=%s: %w", p.dir, errors.Join(err, m.closeFiles()))
		}
	}()
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return m, err
	}
	in := func(name string) string { return filepath.Join(p.dir, name) }
	// The table comes first: its lock keeps a second process off all that follows.
	if m.table, err = embedded.Open(in("table.db"), func() time.Time { return m.clock.Now() }, rand.Reader); err != nil {
		return m, err
	}
	if m.clock, err = clock.Open(in("clock"), time.Now, p.start); err != nil {
		return m, err
	}
	if shown := m.clock.Now(); p.mail != nil && time.Until(shown).Abs() > mostDrift {
		return m, fmt.Errorf("its clock was moved and shows %s; e-mail leaves for real only by a real clock: take another folder, or take SMTP_HOST away", shown.Format(time.RFC3339))
	}
	if m.outbox, err = outbox.Open(in("outbox.jsonl"), outbox.Options{Now: m.clock.Now, Rules: p.rules}); err != nil {
		return m, err
	}
	if m.receipts, err = openReceipts(in("receipts"), m.outbox); err != nil {
		return m, err
	}
	if err := m.haveKeys(in("keys.json")); err != nil {
		return m, err
	}
	keys, err := openKeys(in("keys.json"))
	if err != nil {
		return m, err
	}
	if m.store, err = store.New(m.table, keys, m.clock.Now); err != nil {
		return m, err
	}
	m.settings = &settings.Keeper{Store: m.store, Rand: rand.Reader, Providers: map[string]func(dental.Account) error{
		dental.SMSGate: smsgate.Validate, dental.WhatsAppAccount: whatsapp.Validate}}
	maps.Copy(m.settings.Providers, systems.Accounts())
	if m.chats, err = whatsapp.New(wire.NewClient(wire.Options{}), whatsapp.Options{}); err != nil {
		return m, err
	}
	if m.base != "" {
		base = m.base
	}
	if err := m.openPeople(base); err != nil {
		return m, err
	}
	if err := m.openFiles(base); err != nil {
		return m, err
	}
	if err := m.compose(base); err != nil {
		return m, err
	}
	if _, err := m.settings.Create(m.work, settings.Demo(), m.clock.Now()); err != nil {
		return m, err
	}
	if err := m.staffDemo(m.work); err != nil {
		return m, err
	}
	m.resumeImports()
	// Whatever was due while nothing ran is found by the first step.
	m.done = m.clock.Now().Add(-time.Minute)
	return m, nil
}

// compose makes the handlers and the queues between them; base is the URL that
// everything stands under.
func (m *machine) compose(base string) error {
	m.parts = parts{
		Deps:     app.Deps{Store: m.store, Catalogue: m.catalogue, Clock: m.clock.Now, Rand: rand.Reader, Log: m.log},
		channels: map[dental.Channel]outreach.Channel{dental.SMS: m.outbox.Channel(dental.SMS), dental.Mail: m.outbox.Channel(dental.Mail)},
		photos:   fetch.New(fetch.Options{}),
		clinics:  map[string]scan.Queue{},
		files:    m.files,
		base:     base,
	}
	m.parts.channels[dental.WhatsApp] = m.outbox.Channel(dental.WhatsApp)
	if m.mail != nil {
		m.parts.channels[dental.Mail] = m.mail
	}
	if !m.plan.console { // for real: a clinic's own accounts are used
		calls := wire.NewClient(wire.Options{})
		m.parts.providers = map[string]outreach.Channel{dental.SMSGate: smsgate.New(calls, smsgate.Options{}), dental.WhatsAppAccount: m.chats}
		m.parts.systems.Clients = systems.Clients(calls, wire.NewClient(wire.Options{Timeout: systems.Patience}), time.Now)
		m.parts.crm = bitrix24.New(calls, bitrix24.NewPace(time.Now, wire.Sleep))
	}
	m.parts.systems.Opens = systems.Opens
	if m.plan.systems != nil {
		m.parts.systems.Clients = m.plan.systems
	}
	for i, f := range m.functions {
		if f.Queue == nil {
			continue
		}
		faults := memory.DefaultFaults()
		faults.MaxReceives = f.Queue.MaxReceives
		q := memory.New(memory.DefaultSeed+uint64(i), faults)
		m.carriers = append(m.carriers, &carrier{queue: q, to: f, aside: f.Name == "import"})
		switch f.Name {
		case "send":
			m.parts.queues.Touches = q
		case "work":
			m.parts.queues.Jobs = q
		case "import":
			m.parts.queues.Imports = q
		case "pull":
			m.parts.queues.Pulls = q
		default:
			m.parts.clinics[f.Name] = q
		}
	}
	if err := m.composeDesk(base); err != nil {
		return err
	}
	for _, f := range m.functions {
		f.composed = f.handler(m.parts)
	}
	return nil
}

// invoke runs a function once, as Lambda would.
func (m *machine) invoke(f *function, payload []byte) ([]byte, error) {
	ctx := lambdaio.WithRequestID(m.work, "local-"+strconv.FormatInt(m.requests.Add(1), 10))
	answer, err := lambdaio.Invoke(ctx, f.composed, payload, f.Timeout)
	if p, ok := errors.AsType[*lambdaio.Panic](err); ok {
		m.log.Error("a panic got through a handler", "function", f.Name, "value", fmt.Sprint(p.Value), "stack", string(p.Stack))
	}
	return answer, err
}

// keyFile is keys.json: the secrets behind hashed addresses and links.
type keyFile struct {
	Contact string `json:"contact"`
	Link    string `json:"link"`
}

// haveKeys refuses to make new keys beside a table that old ones were used for:
// neither an opt-out nor a cap would be found again.
func (m *machine) haveKeys(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	used := errors.New("used")
	if err := m.table.Each("", func(table.Item) error { return used }); errors.Is(err, used) {
		return fmt.Errorf("keys: %s is gone, and the table was written with it: put it back", filepath.Base(path))
	}
	return nil
}

// openKeys reads the keys, or makes them, once.
func openKeys(path string) (store.Keys, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = json.Marshal(keyFile{newKey(), newKey()}); err == nil {
			err = writeOnce(path, raw)
		}
	}
	if err != nil {
		return store.Keys{}, fmt.Errorf("keys: %w", err)
	}
	var f keyFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return store.Keys{}, fmt.Errorf("keys: %s is not what this program wrote: %w", filepath.Base(path), err)
	}
	contact, err1 := base64.StdEncoding.DecodeString(f.Contact)
	link, err2 := base64.StdEncoding.DecodeString(f.Link)
	if err := errors.Join(err1, err2); err != nil {
		return store.Keys{}, fmt.Errorf("keys: %s is not what this program wrote: %w", filepath.Base(path), err)
	}
	return store.Keys{Contact: contact, Link: link}, nil
}

func newKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails: it ends the program first
	return base64.StdEncoding.EncodeToString(b)
}

// writeOnce makes a whole file at once, for its owner only, on the disk.
func writeOnce(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// The limits of the HTTP server. Lambda's own bound of 6 MB a request stands in lambdaio.
const (
	headerTime  = 10 * time.Second
	requestTime = 60 * time.Second
	answerTime  = 2 * time.Minute // longer than any function may run; moving the clock lifts it
	idleTime    = 2 * time.Minute
	maxHeader   = 32 << 10
	// lastTime is how long a request may take once the machine is to stop.
	lastTime = 4 * time.Second
)

// serve answers on the listener and runs what falls due until ctx ends; then it
// finishes the requests and the step under way, and closes the files.
func (m *machine) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: m.handler(), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
	}
	ticking := make(chan struct{})
	go func() {
		defer close(ticking)
		var aside sync.WaitGroup
		aside.Go(m.carryAside)
		aside.Go(m.tidyFiles)
		m.tick()
		aside.Wait()
	}()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	m.stop()
	last, cancel := context.WithTimeout(context.Background(), lastTime)
	defer cancel()
	if late := server.Shutdown(last); late != nil {
		_ = server.Close() // whoever still waits would wait in vain
	}
	select {
	case <-ticking:
	case <-last.Done():
	}
	m.endWork()
	<-ticking
	return errors.Join(err, m.close())
}

// close closes the files, once the requests have ended.
func (m *machine) close() error {
	m.stop()
	m.endWork()
	return m.closeFiles()
}

func (m *machine) closeFiles() error {
	var failed []error
	if m.files != nil {
		failed = append(failed, m.files.Close())
	}
	if m.receipts != nil {
		failed = append(failed, m.receipts.close())
	}
	if m.outbox != nil {
		failed = append(failed, m.outbox.Close())
	}
	if m.table != nil {
		failed = append(failed, m.table.Close())
	}
	if m.clock != nil {
		failed = append(failed, m.clock.Close())
	}
	return errors.Join(failed...)
}
