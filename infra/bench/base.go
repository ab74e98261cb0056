package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/settings"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/embedded"
)

// base is a clinic with many patients, and its desk.
type base struct {
	engine  *embedded.Engine
	counted *counted
	store   *store.Store
	clinic  dental.Clinic
	now     time.Time
	desk    http.Handler

	mu     sync.Mutex
	totals map[string]measure.Sums
}

// counted counts what is read.
type counted struct {
	table.Table
	calls, items atomic.Int64
}

func (c *counted) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	items, err := c.Table.Get(ctx, keys...)
	c.calls.Add(1)
	c.items.Add(int64(len(items)))
	return items, err
}

func (c *counted) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := c.Table.Query(ctx, q)
	c.calls.Add(1)
	c.items.Add(int64(len(page.Items)))
	return page, err
}

// owner is who looks at the pages.
const owner = "owner@example.com"

func open(path string, now time.Time) (*base, error) {
	b := &base{now: now, totals: map[string]measure.Sums{}, clinic: settings.Demo()}
	clock := func() time.Time { return b.now }
	var err error
	if b.engine, err = embedded.Open(path, clock, rand.Reader); err != nil {
		return nil, fmt.Errorf("open the table: %w", err)
	}
	b.counted = &counted{Table: b.engine}
	keys := store.Keys{Contact: make([]byte, 32), Link: make([]byte, 32)}
	_, _ = rand.Read(keys.Contact) // it never fails: it ends the program first
	_, _ = rand.Read(keys.Link)
	if b.store, err = store.New(b.counted, keys, clock); err != nil {
		return nil, err
	}
	b.desk = b.compose()
	return b, nil
}

// writers is how many patients are written at once: the engine commits what waits together.
const writers = 32

// fill writes the clinic, its owner, the patients and what they add up to.
func (b *base) fill(ctx context.Context, patients int) error {
	if _, err := (&settings.Keeper{Store: b.store, Rand: rand.Reader}).Create(ctx, b.clinic, b.now); err != nil {
		return err
	}
	tx := b.store.Begin()
	key := b.store.StaffKey(owner)
	if _, err := tx.Staff(ctx, b.clinic.ID, key); err != nil {
		return err
	}
	tx.Put(dental.Staff{Clinic: b.clinic.ID, Key: key, Email: owner, Name: "Вера Лунина", Role: dental.Owner, Since: b.now})
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < patients && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := b.patient(ctx, i); err != nil {
					cancel(fmt.Errorf("patient %d: %w", i, err))
				}
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return b.addUp(ctx)
}

// addUp writes the totals of all days and months.
func (b *base) addUp(ctx context.Context) error {
	for period, sums := range maps.Clone(b.totals) {
		month := b.totals[period[:7]]
		if month == nil {
			month = measure.Sums{}
			b.totals[period[:7]] = month
		}
		month.Plus(sums)
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(b.totals)), table.MaxWrite) {
		tx := b.store.Begin()
		totals, err := tx.Totals(ctx, b.clinic.ID, some...)
		if err != nil {
			return err
		}
		for _, t := range totals {
			t.Sums, t.At = b.totals[t.Period], b.now
			tx.Put(t)
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// patient writes the i-th patient: some visits over two years, messages about
// them, a task of today for one in fifty.
func (b *base) patient(ctx context.Context, i int) error {
	c, id := b.clinic.ID, patientID(i)
	tx := b.store.Begin()
	card, err := tx.Card(ctx, c, id)
	if err != nil {
		return err
	}
	today := b.clinic.Today(b.now)
	card.Patient = dental.Patient{Clinic: c, ID: id, FamilyName: "Примерова", GivenName: "Анна", Phone: dental.Phone(fmt.Sprintf("+7916%07d", i)),
		PhoneRegion: "RU", BirthDate: dental.Date{Year: 1950 + i%55, Month: time.Month(1 + i%12), Day: 1 + i%28}, Status: dental.Active, Changes: 1,
		Consents: []dental.Consent{{Class: dental.Advertising, Channel: dental.SMS, Granted: i%3 > 0, At: b.now.AddDate(-2, 0, 0), Source: "paper", Text: "2024-1"}}}
	card.Ending = dental.PhoneEnding{Clinic: c, Patient: id, Digits: dental.EndingOf(card.Patient.Phone)}
	for n := range 1 + i%4 {
		day := today.AddDays(-(7 + i%180 + 170*n))
		at := day.At(dental.TimeOfDay(600+i%480), b.clinic.Location())
		v := dental.Visit{Clinic: c, Patient: id, ID: fmt.Sprintf("V-%d-%d", i, n), FinishedAt: at, Day: day, AcceptedAt: at,
			Doctor:     dental.Doctor{ID: fmt.Sprintf("D-%d", i%8), Name: "Ирина Соколова"},
			Procedures: []dental.Procedure{{Code: "A16.07.051", Name: "Профессиональная гигиена", Kind: dental.Hygiene, Minutes: 30}},
			Receipt:    dental.Money{Minor: int64(3_000_00 + i%70*100_00), Currency: "RUB"}}
		card.Visits = append(card.Visits, v)
		card.Touches = append(card.Touches, dental.Touch{Clinic: c, Patient: id, Scenario: "after-visit", Step: "thanks", Anchor: day.String(),
			Class: dental.Service, State: dental.Sent, Due: at, Channel: dental.SMS, SentAt: at, DeliveredAt: at, Parts: 2, EndedAt: at, EndedOn: day, PlannedAt: at})
	}
	card.Milestones = scenario.Milestones(&b.clinic, card)
	if i%50 == 0 {
		kind := []dental.TaskKind{dental.CallTask, dental.WakeTask, dental.PlanTask, dental.ConfirmTask}[i/50%4]
		card.Tasks = append(card.Tasks, dental.Task{Clinic: c, Patient: id, Kind: kind, Anchor: today.String(), Scenario: "recall", Reason: "Пора на осмотр",
			OpenedAt: b.now, Due: b.now, ShowDay: today.AddDays(i / 50 % 5), Value: card.Stake(), Times: 1})
	}
	for _, noun := range b.nouns(card) {
		tx.Put(noun)
	}
	return tx.Commit(ctx)
}

// nouns are all that a card is written as, with what it adds to the figures.
func (b *base) nouns(card *dental.Card) []any {
	out := []any{card.Patient, card.Ending}
	for _, v := range card.Visits {
		out = append(out, v)
	}
	for _, t := range card.Touches {
		out = append(out, t)
	}
	for _, t := range card.Tasks {
		out = append(out, t)
	}
	for _, m := range card.Milestones {
		out = append(out, m)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for day, sums := range measure.Tallies(&b.clinic, card) {
		period := day.String()
		if b.totals[period] == nil {
			b.totals[period] = measure.Sums{}
		}
		b.totals[period].Plus(sums)
	}
	return out
}

func patientID(i int) string { return fmt.Sprintf("P-%06d", i) }

// page is one that is asked for; path gives the n-th request's.
type page struct {
	name string
	path func(n int) string
}

// pages are those that the promise is about, and what leads to a card.
func (b *base) pages(patients int) []page {
	home := "/desk/" + b.clinic.ID
	same := func(path string) func(int) string { return func(int) string { return home + path } }
	return []page{
		{"list", same("")},
		{"card", func(n int) string { return home + "/patients/" + patientID(n*7919%patients) }},
		{"measures", same("/measures")},
		{"search", func(n int) string {
			return home + "/search?digits=" + fmt.Sprintf("%04d", n*7919%min(patients, 10_000))
		}},
		{"arrivals", same("/arrivals")},
	}
}

// warm is how often a page is asked for before it counts.
const warm = 10

func (b *base) ask(p page, requests int) (figure, error) {
	f := figure{Page: p.name}
	var took []time.Duration
	for n := range warm + requests {
		r := httptest.NewRequest(http.MethodGet, p.path(n), nil)
		w := httptest.NewRecorder()
		calls, items := b.counted.calls.Load(), b.counted.items.Load()
		began := time.Now()
		b.desk.ServeHTTP(w, r)
		if n >= warm {
			took = append(took, time.Since(began))
		}
		if w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
			return f, fmt.Errorf("%s: %s answered %d", p.name, p.path(n), w.Code)
		}
		f.Bytes = max(f.Bytes, w.Body.Len())
		f.Calls, f.Items = max(f.Calls, int(b.counted.calls.Load()-calls)), max(f.Items, int(b.counted.items.Load()-items))
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	at := func(share float64) float64 {
		return float64(took[int(math.Ceil(share*float64(len(took))))-1].Microseconds()) / 1000
	}
	f.P50, f.P95, f.Max = at(0.5), at(0.95), at(1)
	return f, nil
}
