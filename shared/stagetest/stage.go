// Package stagetest plays the whole engine for tests: the in-memory table, the
// shipped catalogue, a clock that is moved by hand, channels that keep what
// they are given and fail on demand. What a test tells it are facts; what it
// asks for is what the patient got.
package stagetest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/portrait"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/scan"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
	"github.com/returnpoint/returnpoint/shared/work"
)

// Stage is one clinic and its patients.
type Stage struct {
	T         testing.TB
	Table     table.Table
	Store     *store.Store
	Catalogue scenario.Catalogue
	Intake    *intake.Intake
	Sender    *outreach.Sender
	Settler   *outreach.Settler
	Dispatch  *outreach.Dispatcher
	Worker    *work.Worker
	Scans     []*scan.Scanner
	Desk      *reply.Desk
	Clinic    dental.Clinic
	// Provider decides what a channel answers; nil accepts.
	Provider func(outreach.Message) error
	// Photo is what there is at the URL of a doctor's photo; nil has none.
	Photo func(url string) ([]byte, error)

	mu    sync.Mutex
	now   time.Time
	sent  []Sent
	ids   int
	queue []string
}

// Sent is a message that reached a provider.
type Sent struct {
	outreach.Message
	At time.Time
}

// New sets the stage: a clinic with every shipped scenario on, at the instant.
// change may alter the clinic before it is stored.
func New(t testing.TB, start time.Time, change ...func(*dental.Clinic)) *Stage {
	t.Helper()
	s := &Stage{T: t, now: start, Catalogue: scenario.Shipped()}
	s.Table = tabletest.NewReference(s.Now, seeded())
	return s.set(change...)
}

// Of sets the stage with another catalogue, all of whose scenarios are on.
func Of(t testing.TB, catalogue scenario.Catalogue, start time.Time, change ...func(*dental.Clinic)) *Stage {
	t.Helper()
	s := &Stage{T: t, now: start, Catalogue: catalogue}
	s.Table = tabletest.NewReference(s.Now, seeded())
	on := func(c *dental.Clinic) {
		for _, name := range catalogue.Names() {
			c.Scenarios[name] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto}
		}
	}
	return s.set(append([]func(*dental.Clinic){on}, change...)...)
}

// On sets the stage on another table.
func On(t testing.TB, tb table.Table, start time.Time, change ...func(*dental.Clinic)) *Stage {
	t.Helper()
	s := &Stage{T: t, now: start, Catalogue: scenario.Shipped(), Table: tb}
	return s.set(change...)
}

// Join is another stage over a table that stands before this one's: the clinic
// is set already.
func Join(s *Stage, tb table.Table) *Stage {
	other := &Stage{T: s.T, now: s.Now(), Catalogue: s.Catalogue, Table: tb}
	return other.play(s.Clinic)
}

func seeded() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func (s *Stage) set(change ...func(*dental.Clinic)) *Stage {
	cl := Clinic()
	for _, c := range change {
		c(&cl)
	}
	s.play(cl)
	s.Settings(func(*dental.Clinic) {})
	return s
}

func (s *Stage) play(cl dental.Clinic) *Stage {
	var err error
	key := []byte(strings.Repeat("k", 32))
	if s.Store, err = store.New(s.Table, store.Keys{Contact: key, Link: key}, s.Now); err != nil {
		s.T.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s.Intake = &intake.Intake{Store: s.Store, Catalogue: s.Catalogue, Phones: Phones, Log: log}
	s.Sender = &outreach.Sender{Store: s.Store, Catalogue: s.Catalogue, Base: "https://rp.example", Clock: s.Now, Log: log,
		NewID:    s.id,
		Channels: map[dental.Channel]outreach.Channel{dental.SMS: provider{s}, dental.Mail: provider{s}}}
	s.Settler = &outreach.Settler{Store: s.Store, Catalogue: s.Catalogue, Clock: s.Now}
	s.Dispatch = &outreach.Dispatcher{Store: s.Store, Catalogue: s.Catalogue, Touches: (*queue)(s), Jobs: (*queue)(s), Log: log}
	s.Worker = &work.Worker{Store: s.Store, Catalogue: s.Catalogue, Photos: photos{s}, Portray: portrait.Make, Settler: s.Settler, Clock: s.Now, Log: log,
		Foresee: (&outreach.Forecaster{Store: s.Store, Catalogue: s.Catalogue, Base: s.Sender.Base}).Foresee}
	s.Desk = &reply.Desk{Store: s.Store, Catalogue: s.Catalogue, Log: log}
	for _, set := range []string{scenario.ScanSleeping, scenario.ScanBirthdays, scenario.ScanOccasions} {
		s.Scans = append(s.Scans, &scan.Scanner{Set: set, Store: s.Store, Catalogue: s.Catalogue, Queue: (*queue)(s), Clock: s.Now, Log: log})
	}
	s.Clinic = cl
	return s
}

// Clinic is a clinic of Moscow with everything on.
func Clinic() dental.Clinic {
	c := dental.Clinic{ID: "demo", Name: "Клиника Исток", Phone: "+74950000000", Address: "ул. Примерная, 1", Country: "RU", TimeZone: "Europe/Moscow",
		Language: "ru", SendFrom: 9 * 60, SendTo: 21 * 60, Channels: []dental.Channel{dental.SMS, dental.Mail}, Currency: "RUB", CapPerWeek: 1,
		CareConsent: dental.Presumed, Opening: dental.Opening{}, Scenarios: map[string]dental.ScenarioSettings{},
		Maps: []dental.Map{{Name: "Яндекс Карты", URL: "https://maps.example.com/ya", Ask: dental.AskHappy}}}
	for _, day := range dental.Weekdays()[1:] {
		c.Opening[day] = dental.Span{From: 9 * 60, To: 20 * 60}
	}
	for _, name := range scenario.Shipped().Names() {
		c.Scenarios[name] = dental.ScenarioSettings{On: true, Release: dental.ReleaseAuto}
	}
	return c
}

// Phones takes every number that begins with + for a mobile one: +7 is of
// Russia, anything else of Germany.
func Phones(spelled, _ string) (dental.Phone, string, bool, string) {
	switch {
	case spelled == "":
		return "", "", false, "empty"
	case !strings.HasPrefix(spelled, "+"):
		return "", "", false, "malformed"
	case strings.HasPrefix(spelled, "+7"):
		return dental.Phone(spelled), "RU", true, ""
	}
	return dental.Phone(spelled), "DE", true, ""
}

func (s *Stage) id() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("attempt-%d", s.ids)
}

// Now is the stage's time.
func (s *Stage) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Set puts the clock to an instant without anything happening in between.
func (s *Stage) Set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = at
}

// Local is an instant on the clinic's clock, "2026-03-10 11:00".
func (s *Stage) Local(at string) time.Time {
	s.T.Helper()
	t, err := time.ParseInLocation("2006-01-02 15:04", at, s.Clinic.Location())
	if err != nil {
		s.T.Fatal(err)
	}
	return t
}

// To moves the clock to an instant and lets everything happen that falls due
// until then, minute by minute, in order: the scans in each clinic's morning,
// and what is due.
func (s *Stage) To(at time.Time) {
	s.T.Helper()
	for range 100_000 {
		tick, any := s.next()
		if !any || tick.After(at) {
			s.Set(at)
			return
		}
		s.Set(tick)
		s.Tick()
	}
	s.T.Fatal("the clock does not come to rest: something is due again and again")
}

// next is the next minute, this one or later, in which there is something to do.
func (s *Stage) next() (tick time.Time, any bool) {
	s.T.Helper()
	now := s.Now()
	next, any, err := s.Store.NextDue(s.T.Context())
	for _, scan := range s.Scans {
		at, due, scanErr := scan.Next(s.T.Context(), now)
		if err = errors.Join(err, scanErr); due && (!any || at.Before(next)) {
			next, any = at, true
		}
	}
	if err != nil {
		s.T.Fatal(err)
	}
	if tick = next.Truncate(time.Minute); tick.Before(next) {
		tick = tick.Add(time.Minute)
	}
	if tick.Before(now) {
		tick = now
	}
	return tick, any
}

// ToLocal is To with a time on the clinic's clock.
func (s *Stage) ToLocal(at string) { s.T.Helper(); s.To(s.Local(at)) }

// Tick scans whom it is time to scan, dispatches what is due and works the
// queue off, each body twice.
func (s *Stage) Tick() {
	s.T.Helper()
	for _, scan := range s.Scans {
		if err := scan.Tick(s.T.Context(), s.Now()); err != nil {
			s.T.Fatal(err)
		}
	}
	s.Drain()
	if err := s.Dispatch.Dispatch(s.T.Context(), s.Now()); err != nil {
		s.T.Fatal(err)
	}
	s.Drain()
}

// Scan runs every scan of the clinic up to a day of its calendar, now, as far as
// that has not been done.
func (s *Stage) Scan(day dental.Date) {
	s.T.Helper()
	for _, scan := range s.Scans {
		if err := scan.Clinic(s.T.Context(), s.Clinic.ID, day); err != nil {
			s.T.Fatal(err)
		}
	}
}

// Drain works the queue off, each body twice, as a queue may deliver it.
func (s *Stage) Drain() {
	s.T.Helper()
	for _, body := range s.Queued() {
		for range 2 {
			if err := s.Work(s.T.Context(), body); err != nil {
				s.T.Fatal(err)
			}
		}
	}
}

// Queued takes what is in the queue.
func (s *Stage) Queued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	bodies := s.queue
	s.queue = nil
	return bodies
}

// Work hands one body to its worker.
func (s *Stage) Work(ctx context.Context, body string) error {
	switch {
	case strings.HasPrefix(body, `{"Job"`) && !strings.Contains(body, `"ID":"`+store.TrialJob+"."):
		return s.Worker.Handle(ctx, body)
	case strings.HasPrefix(body, `{"Scan"`):
		for _, scan := range s.Scans {
			if strings.Contains(body, `"Set":"`+scan.Set+`"`) {
				return scan.Handle(ctx, body)
			}
		}
	}
	return s.Sender.Handle(ctx, body)
}

type queue Stage

func (q *queue) Enqueue(_ context.Context, bodies ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, bodies...)
	return nil
}

type provider struct{ s *Stage }

func (p provider) Send(_ context.Context, m outreach.Message) (string, error) {
	if p.s.Provider != nil {
		if err := p.s.Provider(m); err != nil {
			return "", err
		}
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.sent = append(p.s.sent, Sent{m, p.s.now})
	return fmt.Sprintf("id-%d", len(p.s.sent)), nil
}

type photos struct{ s *Stage }

func (p photos) Fetch(_ context.Context, url string) ([]byte, error) {
	if p.s.Photo == nil {
		return nil, dental.Errorf(dental.Unavailable, "", "stagetest: there is no photo")
	}
	return p.s.Photo(url)
}

// Sent lists what has left, oldest first.
func (s *Stage) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// SentAs lists what has left of one step.
func (s *Stage) SentAs(scenario, step string) []Sent {
	var out []Sent
	for _, m := range s.Sent() {
		if m.Touch.Scenario == scenario && m.Touch.Step == step {
			out = append(out, m)
		}
	}
	return out
}

// Settings changes the clinic.
func (s *Stage) Settings(change func(*dental.Clinic)) {
	s.T.Helper()
	change(&s.Clinic)
	tx := s.Store.Begin()
	if _, err := tx.Clinic(s.T.Context(), s.Clinic.ID); err != nil && dental.KindOf(err) != dental.NotFound {
		s.T.Fatal(err)
	}
	tx.Put(s.Clinic)
	if err := tx.Commit(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

// Tell gives an event to intake now.
func (s *Stage) Tell(ev intake.Event) {
	s.T.Helper()
	if err := s.TryTell(ev); err != nil {
		s.T.Fatal(err)
	}
}

// Erase takes a patient out as a press of staff does, with its line of the audit log.
func (s *Stage) Erase(_ context.Context, _ *dental.Clinic, patient string, entry dental.LogEntry, _ time.Time) error {
	return s.TryTell(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: patient, Log: entry}})
}

// TryTell is Tell for events that may be refused.
func (s *Stage) TryTell(ev intake.Event) error {
	if ev.ID == "" {
		ev.ID = "m" + s.id()
	}
	ev.Clinic = s.Clinic.ID
	if ev.At.IsZero() {
		ev.At = s.Now()
	}
	raw, _ := json.Marshal([]any{ev.Type, ev.At, ev.Card, ev.Gone, ev.Appointment, ev.Visit, ev.Plan, ev.Payment})
	sum := sha256.Sum256(raw)
	ev.Body = cmp.Or(ev.Body, hex.EncodeToString(sum[:]))
	_, err := s.Intake.Accept(s.T.Context(), &s.Clinic, ev, s.Now())
	return err
}

// source orders successive tellings of one object when a test does not care.
func (s *Stage) source(given dental.Source) dental.Source {
	if given.Version == 0 {
		given.Version = s.Now().UnixMilli()
	}
	if given.Body == "" {
		given.Body = s.id()
	}
	return given
}

// Patient tells a card: change fills in what differs from a patient with a
// phone, an e-mail and every consent.
func (s *Stage) Patient(id string, change ...func(*intake.Card)) {
	s.T.Helper()
	card := intake.Card{Number: "+79160000001", Mail: strings.ToLower(id) + "@example.com", Patient: dental.Patient{Clinic: s.Clinic.ID, ID: id,
		FamilyName: "Петрова", GivenName: "Анна", BirthDate: dental.Date{Year: 1985, Month: 11, Day: 14}, Language: "ru", Status: dental.Active}}
	for _, class := range dental.Classes() {
		for _, ch := range []dental.Channel{dental.SMS, dental.Mail} {
			card.Consents = append(card.Consents, dental.Consent{Class: class, Channel: ch, Granted: true, At: s.Now().AddDate(-1, 0, 0), Source: "paper"})
		}
	}
	for _, c := range change {
		c(&card)
	}
	card.Source = s.source(card.Source)
	s.Tell(intake.Event{Type: intake.PatientUpdated, Card: &card})
}

// Visit tells a finished hygiene visit.
func (s *Stage) Visit(id, patient string, finished time.Time, change ...func(*dental.Visit)) {
	s.T.Helper()
	v := dental.Visit{Clinic: s.Clinic.ID, Patient: patient, ID: id, FinishedAt: finished, Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"},
		Procedures: []dental.Procedure{{Code: "A16.07.051", Name: "Профессиональная гигиена", Kind: dental.Hygiene, Minutes: 30}},
		Receipt:    dental.Money{Minor: 540000, Currency: "RUB"}}
	for _, c := range change {
		c(&v)
	}
	v.Source = s.source(v.Source)
	s.Tell(intake.Event{Type: intake.VisitCompleted, Visit: &v})
}

// Appointment tells an appointment of half an hour.
func (s *Stage) Appointment(typ intake.Type, id, patient string, start time.Time, change ...func(*dental.Appointment)) {
	s.T.Helper()
	status := map[intake.Type]dental.AppointmentStatus{intake.AppointmentBooked: dental.Booked, intake.AppointmentMoved: dental.Booked,
		intake.AppointmentConfirmed: dental.Confirmed, intake.AppointmentCancelled: dental.Cancelled, intake.AppointmentMissed: dental.Missed}[typ]
	a := dental.Appointment{Clinic: s.Clinic.ID, Patient: patient, ID: id, Start: start, End: start.Add(30 * time.Minute), Status: status,
		Doctor: dental.Doctor{ID: "D-3", Name: "Ирина Соколова"}}
	for _, c := range change {
		c(&a)
	}
	a.Source = s.source(a.Source)
	s.Tell(intake.Event{Type: typ, Appointment: &a})
}

// Card reads a patient's card.
func (s *Stage) Card(patient string) *dental.Card {
	s.T.Helper()
	card, err := s.Store.Begin().Card(s.T.Context(), s.Clinic.ID, patient)
	if err != nil {
		s.T.Fatal(err)
	}
	return card
}

// Touch reads the one touch of a step, whatever its anchor; several are an error.
func (s *Stage) Touch(patient, scenario, step string) dental.Touch {
	s.T.Helper()
	var found []dental.Touch
	for _, t := range s.Card(patient).Touches {
		if t.Scenario == scenario && t.Step == step {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		s.T.Fatalf("%d touches %s/%s of %s, want one", len(found), scenario, step, patient)
	}
	return found[0]
}

// Tasks lists a patient's open tasks of a kind.
func (s *Stage) Tasks(patient string, kind dental.TaskKind) []dental.Task {
	s.T.Helper()
	var out []dental.Task
	for _, t := range s.Card(patient).Tasks {
		if t.Kind == kind && t.Open() {
			out = append(out, t)
		}
	}
	return out
}

// Token is the token of the last link of a purpose that a patient was sent.
func (s *Stage) Token(patient string, purpose dental.Purpose) string {
	s.T.Helper()
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if sent[i].Touch.Patient != patient {
			continue
		}
		for _, l := range append(slices.Clone(sent[i].Links), sent[i].Unsubscribe) {
			if _, token, ok := strings.Cut(l, "/"+string(purpose)+"/"); ok {
				return token
			}
		}
	}
	s.T.Fatalf("%s was sent no link of purpose %s", patient, purpose)
	return ""
}
