package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/report"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

// bureau is a reporter with all that it needs, and what came of it.
type bureau struct {
	t        *testing.T
	clock    *tabletest.Clock
	store    *store.Store
	reporter *report.Reporter
	log      bytes.Buffer
	queue    []string
	sent     []report.Letter
	// answer decides what the provider says; nil accepts.
	answer func(report.Letter) error
	weeks  report.Weeks
	ids    int
}

func date(t testing.TB, s string) dental.Date {
	t.Helper()
	d, err := dental.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// clinic is one of Moscow that opens at nine from Monday to Saturday.
func clinic() dental.Clinic {
	c := dental.Clinic{ID: "demo", Name: "Клиника Исток", TimeZone: "Europe/Moscow", Language: "ru", Currency: "RUB", Opening: dental.Opening{},
		HeardAt: time.Date(2026, 5, 18, 5, 0, 0, 0, time.UTC), Scenarios: map[string]dental.ScenarioSettings{}}
	for _, day := range dental.Weekdays()[1:] {
		c.Opening[day] = dental.Span{From: 9 * 60, To: 20 * 60}
	}
	for _, name := range scenario.Shipped().Names() {
		c.Scenarios[name] = dental.ScenarioSettings{On: true, HoldoutPercent: 10}
	}
	return c
}

// open sets a bureau up on Monday, 18 May 2026, 08:00 in Moscow.
func open(t *testing.T, change ...func(*dental.Clinic)) *bureau {
	t.Helper()
	b := &bureau{t: t, clock: tabletest.NewClock(time.Date(2026, 5, 18, 5, 0, 0, 0, time.UTC))}
	engine := tabletest.NewReference(b.clock.Now, rand.NewChaCha8([32]byte{1}))
	key := bytes.Repeat([]byte("k"), 32)
	var err error
	if b.store, err = store.New(engine, store.Keys{Contact: key, Link: key}, b.clock.Now); err != nil {
		t.Fatal(err)
	}
	b.reporter = &report.Reporter{
		Store: b.store, Catalogue: scenario.Shipped(), Base: "https://rp.example", Clock: b.clock.Now, Log: slog.New(slog.NewJSONHandler(&b.log, nil)), Queue: b,
		NewID:   func() string { b.ids++; return fmt.Sprintf("attempt-%d", b.ids) },
		Figures: func(context.Context, *dental.Clinic, time.Time) (report.Weeks, error) { return b.weeks, nil },
		Mail: func(_ context.Context, l report.Letter) error {
			b.sent = append(b.sent, l)
			if b.answer != nil {
				return b.answer(l)
			}
			return nil
		},
	}
	for i := range 13 {
		from := date(t, "2026-05-18").AddDays(7 * (i - 12))
		b.weeks.Series = append(b.weeks.Series, week(from, int64(i)))
	}
	b.weeks.Costs = []dental.Cost{{From: date(t, "2026-05-01"), To: date(t, "2026-05-31")}}
	cl := clinic()
	for _, c := range change {
		c(&cl)
	}
	b.settings(cl)
	b.staff("olga@example.com", dental.Owner, true)
	b.staff("irina@example.com", dental.Manager, true)
	b.staff("petr@example.com", dental.Administrator, false)
	return b
}

// week is one in which n came back.
func week(from dental.Date, n int64) measure.Figures {
	roubles := func(n int64) dental.Money { return dental.Money{Minor: n * 100, Currency: "RUB"} }
	return measure.Figures{Span: measure.Span{From: from, To: from.AddDays(6)}, Visits: 40 + n, RepeatVisits: measure.Share{Of: 10 + n, All: 40 + n},
		Revenue: roubles(200_000 + 1000*n), FromBase: roubles(60_000), Average: roubles(5000), Back: n, BackVisits: n, BackRevenue: roubles(6000 * n), NewPatients: 8,
		Promoters: 6, Passives: 2, Detractors: 1, Missed: 3}
}

func (b *bureau) put(nouns ...any) {
	b.t.Helper()
	tx := b.store.Begin()
	for _, n := range nouns {
		var err error
		switch v := n.(type) {
		case dental.Clinic:
			_, err = tx.Clinic(b.t.Context(), v.ID)
			if dental.KindOf(err) == dental.NotFound {
				err = nil
			}
		case dental.Staff:
			_, err = tx.Staff(b.t.Context(), v.Clinic, v.Key)
		case dental.Task:
			_, err = tx.Card(b.t.Context(), v.Clinic, v.Patient)
		}
		if err != nil {
			b.t.Fatal(err)
		}
		tx.Put(n)
	}
	if err := tx.Commit(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bureau) settings(cl dental.Clinic) { b.t.Helper(); b.put(cl) }

func (b *bureau) staff(address string, role dental.Role, reads bool) {
	b.t.Helper()
	b.put(dental.Staff{Clinic: "demo", Key: b.store.StaffKey(address), Email: dental.Email(address), Name: address, Role: role, Report: reads})
}

func (b *bureau) Enqueue(_ context.Context, bodies ...string) error {
	b.queue = append(b.queue, bodies...)
	return nil
}

// tick runs the schedule at the present time and works the queue off, each body twice.
func (b *bureau) tick() {
	b.t.Helper()
	if err := b.reporter.Tick(b.t.Context(), b.clock.Now()); err != nil {
		b.t.Fatal(err)
	}
	for _, body := range b.queue {
		for range 2 {
			if err := b.reporter.Handle(b.t.Context(), body); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.queue = nil
}

// to moves the clock on to a time of Moscow, a quarter of an hour at a time.
func (b *bureau) to(local string) {
	b.t.Helper()
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		b.t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", local, moscow)
	if err != nil {
		b.t.Fatal(err)
	}
	for b.clock.Now().Before(at) {
		b.tick()
		b.clock.Advance(15 * time.Minute)
	}
	b.tick()
}

func (b *bureau) readers() (out []string) {
	for _, l := range b.sent {
		out = append(out, l.Kind+" "+l.Anchor+" "+l.To)
	}
	slices.Sort(out)
	return out
}

func (b *bureau) notice(kind, anchor string) store.Notice {
	b.t.Helper()
	n, err := b.store.Begin().Notices(b.t.Context(), store.Notice{Clinic: "demo", Kind: kind, Anchor: anchor})
	if err != nil {
		b.t.Fatal(err)
	}
	return n[0]
}

func (b *bureau) wantReaders(want ...string) {
	b.t.Helper()
	if got := b.readers(); !slices.Equal(got, want) {
		b.t.Errorf("told were\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// heard says that the MIS tells something now, as it does all the time.
func (b *bureau) heard() {
	b.t.Helper()
	cl, err := b.store.Begin().Clinic(b.t.Context(), "demo")
	if err != nil {
		b.t.Fatal(err)
	}
	cl.HeardAt = b.clock.Now()
	b.settings(*cl)
}

func TestTheReportComesOnMondayAtNineToThoseWhoReadItOnce(t *testing.T) {
	b := open(t)
	b.to("2026-05-18 08:45")
	b.wantReaders()
	b.to("2026-05-18 09:00")
	told := []string{"week 2026-05-11 irina@example.com", "week 2026-05-11 olga@example.com"}
	b.wantReaders(told...)
	b.heard()
	b.to("2026-05-20 10:45")
	b.wantReaders(told...)
}

func TestTheReportWaitsForTheFirstOpenDayOfTheWeek(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*dental.Clinic)
		before string // nobody is told yet
		at     string
	}{
		"a holiday on Monday": {func(c *dental.Clinic) { c.Holidays = []dental.Date{{Year: 2026, Month: 5, Day: 18}} }, "2026-05-19 08:45", "2026-05-19 09:00"},
		"closed on Mondays":   {func(c *dental.Clinic) { delete(c.Opening, "mon") }, "2026-05-19 08:45", "2026-05-19 09:00"},
		"opens at eleven": {func(c *dental.Clinic) { c.Opening["mon"] = dental.Span{From: 11 * 60, To: 20 * 60} },
			"2026-05-18 10:45", "2026-05-18 11:00"},
		"opens at eight":           {func(c *dental.Clinic) { c.Opening["mon"] = dental.Span{From: 8 * 60, To: 20 * 60} }, "2026-05-18 08:45", "2026-05-18 09:00"},
		"has no opening hours set": {func(c *dental.Clinic) { c.Opening = nil }, "2026-05-18 08:45", "2026-05-18 09:00"},
		"lies five hours east":     {func(c *dental.Clinic) { c.TimeZone = "Asia/Irkutsk" }, "2026-05-18 08:00", "2026-05-18 08:15"},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, tt.change)
			if name == "lies five hours east" { // its nine o'clock has passed when the day begins here
				b.tick()
				if len(b.sent) != 2 {
					t.Errorf("%d letters", len(b.sent))
				}
				return
			}
			b.to(tt.before)
			b.wantReaders()
			b.to(tt.at)
			if len(b.sent) != 2 {
				t.Errorf("%d letters at %s", len(b.sent), tt.at)
			}
		})
	}
}

func TestAMissedMondayIsMadeUpForInTheSameWeek(t *testing.T) {
	b := open(t)
	b.clock.Advance(75 * time.Hour) // Thursday
	b.heard()
	b.tick()
	b.wantReaders("week 2026-05-11 irina@example.com", "week 2026-05-11 olga@example.com")
}

func TestAClinicThatIsClosedAllWeekIsToldTheWeekAfter(t *testing.T) {
	b := open(t, func(c *dental.Clinic) {
		for i := range 6 {
			c.Holidays = append(c.Holidays, dental.Date{Year: 2026, Month: 5, Day: 18 + i})
		}
	})
	b.weeks.Series = append(b.weeks.Series, week(date(t, "2026-05-25"), 1))
	b.clock.Advance(6 * 24 * time.Hour)
	b.heard()
	b.tick()
	b.wantReaders()
	b.clock.Advance(25 * time.Hour)
	b.tick()
	b.wantReaders("week 2026-05-18 irina@example.com", "week 2026-05-18 olga@example.com")
}

func TestNobodyIsToldOfAClinicWhoseSystemNeverToldAnything(t *testing.T) {
	b := open(t, func(c *dental.Clinic) { c.HeardAt = time.Time{} })
	b.to("2026-05-20 12:00")
	b.wantReaders()
}

func TestALetterWhoseAnswerIsLostIsNotSentAgain(t *testing.T) {
	b := open(t)
	lost := b.store.StaffKey("olga@example.com")
	b.answer = func(l report.Letter) error {
		if l.Person == lost {
			return errors.New("reset by peer")
		}
		return nil
	}
	b.to("2026-05-18 09:00")
	if l := b.notice(store.WeekNotice, "2026-05-11").Letters[lost]; l.State != store.LetterClaimed {
		t.Errorf("the letter is %+v", l)
	}
	b.to("2026-05-18 12:00")
	b.wantReaders("week 2026-05-11 irina@example.com", "week 2026-05-11 olga@example.com")
	n := b.notice(store.WeekNotice, "2026-05-11")
	if l := n.Letters[lost]; l.State != store.LetterUnknown || n.Done.IsZero() {
		t.Errorf("the letter is %+v, done %v", l, n.Done)
	}
	if !strings.Contains(b.log.String(), "nobody knows whether a letter has left") {
		t.Error("the log does not tell of it")
	}
	if strings.Contains(b.log.String(), "olga@") {
		t.Error("the log names an address")
	}
}

func TestARefusedLetterIsTriedAgainOnlyWhenTheProviderWouldTakeItLater(t *testing.T) {
	b := open(t)
	olga, irina := b.store.StaffKey("olga@example.com"), b.store.StaffKey("irina@example.com")
	b.answer = func(l report.Letter) error {
		if l.Person == olga {
			return fmt.Errorf("mail: %w", &report.Refusal{Code: "Throttling", Later: true})
		}
		return &report.Refusal{Code: "MessageRejected"}
	}
	b.to("2026-05-18 09:00")
	b.answer = nil
	b.to("2026-05-18 11:00")
	b.wantReaders("week 2026-05-11 irina@example.com", "week 2026-05-11 olga@example.com", "week 2026-05-11 olga@example.com")
	n := b.notice(store.WeekNotice, "2026-05-11")
	if o, i := n.Letters[olga], n.Letters[irina]; o.State != store.LetterSent || i.State != store.LetterRefused || i.Detail != "MessageRejected" {
		t.Errorf("they are %+v and %+v", o, i)
	}
}

func TestALetterThatIsPutOffForeverIsGivenUp(t *testing.T) {
	b := open(t)
	b.answer = func(report.Letter) error { return &report.Refusal{Code: "Throttling", Later: true} }
	b.to("2026-05-18 15:00")
	if n := b.notice(store.WeekNotice, "2026-05-11"); n.Done.IsZero() || len(b.sent) != 12 {
		t.Errorf("after %d calls it is done %v", len(b.sent), n.Done)
	}
}

func TestWhoJoinsLaterIsNotToldOfWhatWasBefore(t *testing.T) {
	b := open(t)
	b.to("2026-05-18 09:00")
	b.staff("new@example.com", dental.Manager, true)
	b.to("2026-05-18 12:00")
	b.wantReaders("week 2026-05-11 irina@example.com", "week 2026-05-11 olga@example.com")
}

func TestTwoWorkersOfOneNoticeSendEachLetterOnce(t *testing.T) {
	b := open(t)
	b.to("2026-05-18 08:45")
	b.clock.Advance(15 * time.Minute)
	if err := b.reporter.Tick(t.Context(), b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	body := b.queue[0]
	second := false
	b.answer = func(report.Letter) error {
		if !second { // while the first waits for its answer the queue delivers the message once more
			second = true
			return b.reporter.Handle(t.Context(), body)
		}
		return nil
	}
	if err := b.reporter.Handle(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	b.wantReaders("week 2026-05-11 irina@example.com", "week 2026-05-11 olga@example.com")
}

func TestOwnersAreToldOnceOfASystemThatHasFallenSilent(t *testing.T) {
	b := open(t)
	b.to("2026-05-18 12:00")
	b.heard() // for the last time: 24 opening hours later it is Wednesday, 14:00
	b.sent = nil
	b.to("2026-05-20 13:45")
	b.wantReaders()
	b.to("2026-05-20 14:00")
	b.wantReaders("silence 2026-05-18T09:00:00Z olga@example.com")
	b.to("2026-05-22 12:00")
	b.wantReaders("silence 2026-05-18T09:00:00Z olga@example.com")
	if n := strings.Count(b.log.String(), `"msg":"the MIS is silent"`); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	if l := b.sent[0]; !strings.Contains(l.Text, "в понедельник, 18 мая, в 12:00") || !strings.Contains(l.HTML, "https://rp.example/desk/demo/start") {
		t.Errorf("the letter says\n%s", l.Text)
	}
	b.heard()
	b.to("2026-05-23 12:00")
	b.wantReaders("silence 2026-05-18T09:00:00Z olga@example.com")
}

func TestASilenceThatHasEndedIsNotTold(t *testing.T) {
	b := open(t)
	b.to("2026-05-20 10:45") // it told something on Monday before nine: it will be silent on Wednesday at eleven
	b.sent = nil
	b.clock.Advance(15 * time.Minute)
	if err := b.reporter.Tick(t.Context(), b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if len(b.queue) != 1 {
		t.Fatalf("queued are %q", b.queue)
	}
	b.heard() // between the queue's taking the message and its giving it
	for _, body := range b.queue {
		if err := b.reporter.Handle(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	b.wantReaders()
}

func TestNextIsWhenTickFindsSomething(t *testing.T) {
	b := open(t)
	next := func() string {
		at, any, err := b.reporter.Next(t.Context(), b.clock.Now())
		if err != nil || !any {
			t.Fatalf("%v, %v", any, err)
		}
		return at.UTC().Format("2006-01-02 15:04")
	}
	if got := next(); got != "2026-05-18 06:00" {
		t.Errorf("before the report it is %s", got)
	}
	b.to("2026-05-18 09:00")
	if got := next(); got != "2026-05-20 08:00" {
		t.Errorf("after the report it is %s: when the system will be taken for silent", got)
	}
	b.clock.Advance(30 * time.Hour)
	b.heard()
	if got := next(); got != "2026-05-21 14:00" {
		t.Errorf("once it has told something it is %s", got)
	}
}

func TestWhatIsNoNoticeIsRefused(t *testing.T) {
	b := open(t)
	for _, body := range []string{"", "{}", `{"Notice":{"Clinic":"demo","Kind":"week","Anchor":"2026-05-12"}}`, `{"Notice":{"Clinic":"demo","Kind":"week","Anchor":"x"}}`, `{"Notice":{"Clinic":"demo","Kind":"dance"}}`} {
		if err := b.reporter.Handle(t.Context(), body); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestTheLetterShowsTheWeekInAPictureAndInWords(t *testing.T) {
	b := open(t)
	b.weeks.Lifts = []measure.Lift{{Enough: true, Caused: 0.5, CausedLow: 0.2, CausedHigh: 0.8}}
	b.to("2026-05-18 09:00")
	l := b.sent[0]
	if l.Subject != "Клиника Исток: Неделя с 11 по 17 мая 2026" || l.Sender != "Клиника Исток" || l.Locale != "ru" {
		t.Errorf("it is headed %q, from %q", l.Subject, l.Sender)
	}
	first := "За неделю по приглашениям вернулись 11 пациентов: 66\u00a0000\u00a0₽. Благодаря системе — около 6 (от 2 до 9)."
	for _, want := range []string{first, "Доля повторных визитов", "41,2\u00a0%", "+1,2 п. п.", "цель 35\u00a0% достигнута", "https://rp.example/desk/demo/report?week=2026-05-11"} {
		if !strings.Contains(l.Text, want) {
			t.Errorf("the text lacks %q", want)
		}
		if !strings.Contains(l.HTML, strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("the HTML lacks %q", want)
		}
	}
	if !strings.Contains(l.HTML, `<img src="cid:chart"`) || strings.Contains(l.HTML, "http://") {
		t.Error("the HTML does not show the chart that came with it, or loads something")
	}
	picture, err := png.DecodeConfig(bytes.NewReader(l.Chart))
	if err != nil || picture.Width != 1024 || len(l.Chart) > 40<<10 {
		t.Errorf("the chart is %d bytes, %d wide (%v)", len(l.Chart), picture.Width, err)
	}
	if t.Failed() {
		t.Log(l.Text)
	}
}

func TestTheFirstLineSaysNoMoreThanIsKnown(t *testing.T) {
	enough := measure.Lift{Enough: true, Caused: 0.5, CausedLow: -0.1, CausedHigh: 0.9}
	for name, tt := range map[string]struct {
		back   int64
		lifts  []measure.Lift
		first  string
		honest string
	}{
		"nobody was left alone": {3, nil, "За неделю по приглашениям вернулись 3 пациента: 18\u00a0000\u00a0₽.", "никого не оставляют"},
		"too few to compare":    {1, []measure.Lift{{}}, "За неделю по приглашениям вернулся 1 пациент: 6000\u00a0₽.", "мало данных"},
		"it may be chance":      {10, []measure.Lift{enough}, "За неделю по приглашениям вернулись 10 пациентов: 60\u00a0000\u00a0₽. Благодаря системе — около 5 (от 0 до 9).", "может быть случайной"},
		"nobody came":           {0, []measure.Lift{{}}, "За неделю по приглашениям пока никто не вернулся.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.weeks.Series[11], b.weeks.Lifts = week(date(t, "2026-05-11"), tt.back), tt.lifts
			cl := clinic()
			w, err := b.reporter.Week(t.Context(), &cl, date(t, "2026-05-11"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.ReplaceAll(w.First, "6\u00a0000", "6000") != strings.ReplaceAll(tt.first, "6\u00a0000", "6000") || !strings.Contains(w.Honest, tt.honest) || tt.honest == "" && w.Honest != "" {
				t.Errorf("it says %q and %q", w.First, w.Honest)
			}
		})
	}
}

func TestWhatIsToBeDoneFollowsItsRules(t *testing.T) {
	now := time.Date(2026, 5, 18, 6, 0, 0, 0, time.UTC)
	task := func(kind dental.TaskKind, i int, due time.Time) dental.Task {
		return dental.Task{Clinic: "demo", Patient: fmt.Sprintf("P-%d", i), Kind: kind, Anchor: "a", Due: due, ShowDay: dental.Date{Year: 2026, Month: 5, Day: 15}}
	}
	tasks := func(b *bureau, kind dental.TaskKind, n int) {
		for i := range n {
			b.put(task(kind, i, now.Add(-time.Hour)))
		}
	}
	for name, tt := range map[string]struct {
		set  func(*bureau)
		cl   func(*dental.Clinic)
		rule string // the first one
		says string
		path string
	}{
		"all is well":                        {},
		"a complaint is overdue":             {set: func(b *bureau) { tasks(b, dental.ComplaintTask, 1) }, rule: "complaints", says: "Жалоба ждёт дольше положенного: 1"},
		"a complaint has its hour":           {set: func(b *bureau) { b.put(task(dental.ComplaintTask, 1, now.Add(time.Hour))) }},
		"a batch waits":                      {set: func(b *bureau) { tasks(b, dental.ReleaseTask, 2) }, rule: "batches", says: "Списки сообщений ждут вашего разрешения: 2"},
		"a complaint goes before a batch":    {set: func(b *bureau) { tasks(b, dental.ReleaseTask, 1); tasks(b, dental.ComplaintTask, 2) }, rule: "complaints", says: "Жалобы ждут"},
		"more calls than a week has":         {cl: func(c *dental.Clinic) { c.CallsPerDay = 2 }, set: func(b *bureau) { tasks(b, dental.CallTask, 13) }, rule: "overflow", says: "Звонков накопилось 13, а за неделю клиника успевает 12", path: "/scenarios"},
		"as many calls as a week has":        {cl: func(c *dental.Clinic) { c.CallsPerDay = 2 }, set: func(b *bureau) { tasks(b, dental.CallTask, 12) }},
		"a scenario is off that has a stake": {cl: off("sleeping-12", "birthday"), set: func(b *bureau) { b.weeks.Series[11].Quiet12 = 40 }, rule: "off", says: "«Не были 12 месяцев» выключен", path: "/scenarios"},
		"of two that are off the dearer one": {cl: off("sleeping-12", "sleeping-6"), set: func(b *bureau) { b.weeks.Series[11].Quiet12, b.weeks.Series[11].Quiet6 = 40, 41 }, rule: "off", says: "«Не были 6 месяцев»"},
		"unfinished plans and their scenario off": {cl: off("plan"), set: func(b *bureau) {
			b.weeks.Series[11].Stalled, b.weeks.Series[11].OpenStages = 3, dental.Money{Minor: 900_000_00, Currency: "RUB"}
		}, rule: "off", says: "900\u00a0000\u00a0₽"},
		"a scenario is off that nobody waits for": {cl: off("sleeping-12")},
		"a doctor gives no dates":                 {set: doctor(3, 7), rule: "dates", says: "Ирина Соколова: с датой следующего визита уходят только 30", path: "/measures/doctors"},
		"a doctor gives dates to half":            {set: doctor(5, 5)},
		"a doctor of few visits":                  {set: doctor(0, 9)},
		"messages do not reach many":              {set: func(b *bureau) { tasks(b, dental.ContactTask, 5) }, rule: "addresses", says: "До 5 пациентов"},
		"messages do not reach a few":             {set: func(b *bureau) { tasks(b, dental.ContactTask, 4) }},
		"thirty days are over":                    {cl: func(c *dental.Clinic) { c.StartedAt = now.AddDate(0, 0, -31) }, rule: "review", says: "Прошло 30 дней"},
		"thirty days are over for long":           {cl: func(c *dental.Clinic) { c.StartedAt = now.AddDate(0, 0, -40) }},
		"no costs are entered for the month":      {set: func(b *bureau) { b.weeks.Costs = nil }, rule: "costs", path: "/measures/money#costs"},
		"nobody looked at the maps": {cl: func(c *dental.Clinic) { c.Maps = []dental.Map{{Name: "2ГИС"}} },
			set: func(b *bureau) { b.weeks.Ratings = []dental.MapRating{{On: date(b.t, "2026-04-18")}} }, rule: "ratings", path: "/measures/reviews#ratings"},
		"nobody is left alone": {cl: func(c *dental.Clinic) {
			for name := range c.Scenarios {
				c.Scenarios[name] = dental.ScenarioSettings{On: true}
			}
		}, rule: "holdout"},
		"the system is silent": {cl: func(c *dental.Clinic) { c.HeardAt = now.AddDate(0, 0, -9) }, set: func(b *bureau) { tasks(b, dental.ComplaintTask, 1) }, rule: "silent", path: "/start"},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.clock.Advance(time.Hour)
			if tt.set != nil {
				tt.set(b)
			}
			cl := clinic()
			if tt.cl != nil {
				tt.cl(&cl)
			}
			w, err := b.reporter.Week(t.Context(), &cl, date(t, "2026-05-11"))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.rule == "" && len(w.Todo) > 0:
				t.Errorf("to be done is %+v", w.Todo)
			case tt.rule == "":
			case len(w.Todo) == 0:
				t.Error("nothing is to be done")
			case w.Todo[0].Rule != tt.rule || !strings.Contains(w.Todo[0].Text, tt.says) || tt.path != "" && w.Todo[0].Path != tt.path || strings.HasPrefix(w.Todo[0].Button, "desk."):
				t.Errorf("to be done is %+v", w.Todo[0])
			}
		})
	}
}

func off(names ...string) func(*dental.Clinic) {
	return func(c *dental.Clinic) {
		for _, name := range names {
			c.Scenarios[name] = dental.ScenarioSettings{}
		}
	}
}

func doctor(with, without int64) func(*bureau) {
	return func(b *bureau) {
		b.weeks.Series[5].Doctors = []measure.Doctor{{ID: "D-1", Name: "Ирина Соколова", Compliance: measure.Share{Of: with, All: with + without}}}
	}
}

func TestNoMoreThanThreeThingsAreToBeDone(t *testing.T) {
	b := open(t)
	cl := clinic()
	cl.HeardAt, cl.Scenarios = cl.HeardAt.AddDate(0, 0, -9), nil
	b.weeks.Costs, b.weeks.Series[11].Quiet6 = nil, 10
	w, err := b.reporter.Week(t.Context(), &cl, date(t, "2026-05-11"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range w.Todo {
		names = append(names, a.Rule)
	}
	if !slices.Equal(names, []string{"silent", "off", "costs"}) {
		t.Errorf("to be done are %q", names)
	}
}

func TestTheHeadingOfWhatIsToBeDoneSaysHowMuchItIs(t *testing.T) {
	for n, want := range []string{"Дела на эту неделю", "Дело на эту неделю", "Два дела на эту неделю", "Три дела на эту неделю"} {
		w := report.Week{Todo: make([]report.Act, n)}
		if got := locale.Russian.Text("desk.report."+w.Headed(), nil); got != want {
			t.Errorf("%d things are headed %q, want %q", n, got, want)
		}
	}
}

func TestThePlainLetterSaysWhatAFigureIsHeldAgainst(t *testing.T) {
	b := open(t)
	rouble := func(n int64) measure.Cost { return measure.Cost{Total: dental.Money{Minor: n * 100, Currency: "RUB"}} }
	b.weeks.Series[10].Cost, b.weeks.Series[11].Cost = rouble(77), rouble(27)
	b.weeks.Costs = nil
	b.to("2026-05-18 09:00")
	for _, want := range []string{"Расходы на возврат пациентов: 27\u00a0₽ (неделей раньше 77\u00a0₽, изменение −50\u00a0₽)", "Вернулись за эту неделю: 11", "\n\nДело на эту неделю\n\n1. "} {
		if l := b.sent[0]; !strings.Contains(l.Text, want) {
			t.Errorf("the letter lacks %q:\n%s", want, l.Text)
		}
	}
}

func TestWhatWasNotDoneIsToldKindByKind(t *testing.T) {
	b := open(t)
	for i, due := range []string{"2026-05-13T09:00:00Z", "2026-05-12T09:00:00Z", "2026-05-18T09:00:00Z"} {
		at, _ := time.Parse(time.RFC3339, due)
		for _, kind := range []dental.TaskKind{dental.CallTask, dental.ComplaintTask} {
			b.put(dental.Task{Clinic: "demo", Patient: fmt.Sprint(i), Kind: kind, Anchor: "a", Due: at, ShowDay: dental.Date{Year: 2026, Month: 5, Day: 12}})
		}
	}
	cl := clinic()
	w, err := b.reporter.Week(t.Context(), &cl, date(t, "2026-05-11"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Разобрать жалобу: 2, самое давнее ждёт с 12 мая", "Позвонить: 2, самое давнее ждёт с 12 мая"}
	if !slices.Equal(w.Undone, want) {
		t.Errorf("not done were %q", w.Undone)
	}
}

func TestAReportIsKeptAsItWasTold(t *testing.T) {
	b := open(t)
	b.to("2026-05-18 09:00")
	b.weeks.Series[11] = week(date(t, "2026-05-11"), 99) // a correction of the MIS
	var kept report.Week
	if err := json.Unmarshal(b.notice(store.WeekNotice, "2026-05-11").Body, &kept); err != nil {
		t.Fatal(err)
	}
	if kept.Bars[11].N != 11 || kept.Monday != date(t, "2026-05-11") || len(kept.Rows) == 0 {
		t.Errorf("kept is %+v", kept)
	}
}
