package load_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/mis/fhir"
	"github.com/returnpoint/returnpoint/shared/mis/generic"
	"github.com/returnpoint/returnpoint/shared/mis/sheet"
	"github.com/returnpoint/returnpoint/shared/phone"
	"github.com/returnpoint/returnpoint/shared/stagetest"
	"github.com/returnpoint/returnpoint/shared/table"
	"github.com/returnpoint/returnpoint/shared/table/tabletest"
)

var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// files keeps files in memory. After so many writes it fails, for ever when left is not negative.
type files struct {
	mu   sync.Mutex
	all  map[string][]byte
	old  time.Duration // how long all of them have been as they are
	left *int          // writes until everything fails; nil never
	// sized is called with each file whose size is asked for; nil is nothing.
	sized func(name string)
}

func newFiles() *files { return &files{all: map[string][]byte{}, old: time.Hour} }

var errDown = &dental.Error{Kind: dental.Unavailable, Message: "the files are down"}

func (f *files) write() error {
	if f.left == nil {
		return nil
	}
	if *f.left--; *f.left < 0 {
		return errDown
	}
	return nil
}

func (f *files) Put(_ context.Context, name string, body io.Reader) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.write(); err != nil {
		return err
	}
	f.all[name] = raw
	return nil
}

func (f *files) get(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, ok := f.all[name]
	if !ok {
		return nil, dental.Errorf(dental.NotFound, "", "there is no such file")
	}
	return raw, nil
}

func (f *files) Open(_ context.Context, name string, from int64) (io.ReadCloser, error) {
	raw, err := f.get(name)
	return io.NopCloser(bytes.NewReader(raw[min(from, int64(len(raw))):])), err
}

func (f *files) Size(_ context.Context, name string) (int64, error) {
	f.mu.Lock()
	sized := f.sized
	f.mu.Unlock()
	if sized != nil {
		sized(name)
	}
	raw, err := f.get(name)
	return int64(len(raw)), err
}

func (f *files) List(_ context.Context, prefix string) (out []load.Stored, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.all)) {
		if strings.HasPrefix(name, prefix) {
			out = append(out, load.Stored{Name: name, Size: int64(len(f.all[name])), Mark: fmt.Sprint(len(f.all[name])), Still: f.old})
		}
	}
	return out, nil
}

func (f *files) Move(ctx context.Context, from, to string) error {
	raw, err := f.get(from)
	if err != nil {
		return err
	}
	if err := f.Put(ctx, to, bytes.NewReader(raw)); err != nil {
		return err
	}
	return f.Delete(ctx, from)
}

func (f *files) Delete(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.write(); err != nil {
		return err
	}
	delete(f.all, name)
	return nil
}

func (f *files) UploadURL(_ context.Context, name, kind string, until time.Time) (string, error) {
	return "put:" + name + ":" + kind, nil
}

func (f *files) DownloadURL(_ context.Context, name, as string, until time.Time) (string, error) {
	return "get:" + name, nil
}

func (f *files) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.all))
}

// queue keeps what it is given.
type queue struct {
	mu     sync.Mutex
	bodies []string
}

func (q *queue) Enqueue(_ context.Context, bodies ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bodies = append(q.bodies, bodies...)
	return nil
}

func (q *queue) take() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.bodies) == 0 {
		return ""
	}
	body := q.bodies[0]
	q.bodies = q.bodies[1:]
	return body
}

// site is a clinic that imports.
type site struct {
	*stagetest.Stage
	files  *files
	queue  *queue
	loader *load.Loader
}

// over makes a loader over a stage and files that others may have used before.
func over(s *stagetest.Stage, f *files) *site {
	out := &site{Stage: s, files: f, queue: &queue{}}
	out.loader = &load.Loader{Store: s.Store, Files: f, Formats: map[string]load.Format{load.JSONLines: generic.Lines{}, load.CSV: unreadable{}}, Learn: s.Intake.Learn,
		Phones: phone.Read, Queue: out.queue, Clock: s.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Workers: 3, Chunk: 4}
	return out
}

func open(t testing.TB, change ...func(*dental.Clinic)) *site {
	t.Helper()
	return over(stagetest.New(t, start, change...), newFiles())
}

// unreadable is a format that no file is of.
type unreadable struct{}

func (unreadable) Scan(context.Context, load.File, string, load.Options) (load.Scanner, error) {
	return nil, &load.Fault{Code: "event", Detail: "it is none"}
}

// card and visit are lines of a file.
func card(n int, number string) string {
	return fmt.Sprintf(`{"type":"patient.updated","timestamp":"2026-03-01T10:00:00+03:00","data":{"id":"P-%d","givenName":"Анна","phone":%q,"version":1}}`, n, number)
}

func visit(n, patient int) string {
	return fmt.Sprintf(`{"type":"visit.completed","timestamp":"2026-03-01T10:00:00+03:00","data":{"id":"V-%d","patientId":"P-%d","finishedAt":"2026-02-%02dT10:00:00+03:00",
"receipt":{"total":"5400.00","currency":"RUB"},"version":1}}`, n, patient, 1+n%27)
}

// base is a file with what files suffer from: an end in the middle of a word, a
// number with an extension, a foreign currency, a patient in several places.
func base(patients int) (file string, lines, refused int64) {
	var out []string
	for n := range patients {
		number := fmt.Sprintf("+7916000%04d", n)
		if n == 1 {
			number = "8 495 000-00-01 доб. 5"
		}
		out = append(out, card(n, number), oneLine(visit(n, n)))
		if n%3 == 2 {
			out = append(out, `=cmd|'/c calc'!A1`)
			refused++
		}
		if n%5 == 4 {
			out = append(out, strings.Replace(oneLine(visit(1000+n, n)), "RUB", "EUR", 1))
			refused++
		}
	}
	for n := range patients { // once more, far behind
		out = append(out, oneLine(visit(500+n, n)))
	}
	return strings.Join(out, "\n") + "\n", int64(len(out)), refused
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "") }

func (s *site) clinic() *dental.Clinic {
	s.T.Helper()
	cl, err := s.Store.Begin().Clinic(s.T.Context(), s.Clinic.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	return cl
}

// begin begins an import of events.
func (s *site) begin(id, file string) dental.Import {
	s.T.Helper()
	imp, err := s.loader.Begin(s.T.Context(), s.clinic(), load.Order{ID: id, Body: file, Format: load.JSONLines}, []byte(file))
	if err != nil {
		s.T.Fatal(err)
	}
	return imp
}

// work handles what is queued until there is nothing more, and returns the import.
func (s *site) work(id string) dental.Import {
	s.T.Helper()
	for body := s.queue.take(); body != ""; body = s.queue.take() {
		if err := s.loader.Handle(s.T.Context(), body); err != nil {
			s.T.Fatal(err)
		}
	}
	return s.imported(id)
}

func (s *site) imported(id string) dental.Import {
	s.T.Helper()
	imp, err := s.loader.Import(s.T.Context(), s.Clinic.ID, id)
	if err != nil {
		s.T.Fatal(err)
	}
	return imp
}

func (s *site) report(imp dental.Import) string {
	s.T.Helper()
	raw, err := s.files.get("imports/" + imp.Clinic + "/" + imp.ID + "/report.csv")
	if err != nil {
		s.T.Fatal(err)
	}
	return string(raw)
}

// known says of each patient what is known, without versions.
func (s *site) known(patients int) string {
	s.T.Helper()
	var out strings.Builder
	for n := range patients {
		c := s.Card(fmt.Sprint("P-", n))
		_, _ = fmt.Fprintf(&out, "%s %q %s", c.Patient.ID, string(c.Patient.Phone), c.Patient.PhoneIssue)
		for _, v := range c.Visits {
			_, _ = fmt.Fprintf(&out, " %s %s %v", v.ID, v.Day, v.Receipt)
		}
		for _, t := range c.Touches {
			_, _ = fmt.Fprintf(&out, " %s/%s %s %s", t.Scenario, t.Step, t.State, t.Due)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// adds fails a test when an import's lines are not what became of them.
func adds(t testing.TB, imp dental.Import, lines, refused int64) {
	t.Helper()
	if imp.Lines != lines || imp.Accepted+imp.Unchanged+imp.Refused != lines || imp.Refused != refused {
		t.Errorf("of %d lines, %d of them wrong, it says: %d read, %d accepted, %d unchanged, %d refused", lines, refused, imp.Lines, imp.Accepted, imp.Unchanged, imp.Refused)
	}
}

func TestAFileComesInAndItsReportSaysWhatDidNot(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.work(s.begin("m1", file).ID)
	if imp.State != dental.ImportDone || imp.Read != int64(len(file)) || imp.Size != imp.Read || imp.Done.IsZero() {
		t.Errorf("it ends as %+v", imp)
	}
	adds(t, imp, lines, refused)
	if imp.Accepted != lines-refused || imp.Noted != 1 {
		t.Errorf("%d of %d are accepted, %d of them with a remark", imp.Accepted, lines-refused, imp.Noted)
	}
	want := "\uFEFFСтрока;Колонка;Причина;Значение\r\n" +
		"3;Телефон;Номер с добавочным: на него не придёт сообщение. Пациент загружен без телефона.;8 495 000-00-01 доб. 5\r\n" +
		"7;;Это не событие, которое можно прочитать: the document is not valid JSON;\r\n"
	got := s.report(imp)
	if !strings.HasPrefix(got, want[:strings.Index(want, "7;;")]) || !strings.Contains(got, "\r\n7;") || !strings.Contains(got, "\r\n12;data.receipt.currency;") {
		t.Errorf("the report is\n%s\nwant it to begin\n%s", got, want)
	}
	if n := strings.Count(got, "\r\n"); int64(n) != 2+refused {
		t.Errorf("the report has %d rows", n)
	}
	if got := s.files.names(); len(got) != 1 {
		t.Errorf("in the end there are the files %q", got)
	}
	if c := s.Card("P-1"); c.Patient.Phone != "" || c.Patient.PhoneIssue == "" || len(c.Visits) != 2 {
		t.Errorf("the patient with an extension has the issue %q and %d visits", c.Patient.PhoneIssue, len(c.Visits))
	}
}

func TestWhatContradictsTheClinicOrTheCalendarIsSaidInItsLanguage(t *testing.T) {
	const about = `"timestamp":"2026-03-01T10:00:00+03:00"`
	s := open(t)
	got := s.report(s.work(s.begin("m1", strings.Join([]string{
		`{"type":"visit.completed",` + about + `,"data":{"id":"V-1","patientId":"P-1","finishedAt":"2027-02-01T10:00:00+03:00"}}`,
		`{"type":"visit.completed",` + about + `,"data":{"id":"V-2","patientId":"P-1","finishedAt":"2026-02-01T10:00:00+03:00","receipt":{"total":"100.00","currency":"EUR"}}}`,
		`{"type":"patient.updated",` + about + `,"data":{"id":"P-1","givenName":"Анна","phone":"+79160000001","consents":[{"channel":"sms","class":"advertising","granted":true,"at":"2027-02-01T10:00:00+03:00","source":"paper"}]}}`,
	}, "\n")+"\n").ID))
	want := "\uFEFFСтрока;Колонка;Причина;Значение\r\n" +
		"1;data.finishedAt;\"Дата визита ещё не наступила, это не визит. Если пациент записан, впишите время приёма.\";\r\n" +
		"2;data.receipt.currency;Сумма в другой валюте: клиника считает в RUB. Пересчитайте сумму.;\r\n" +
		"3;data.consents[0].at;Дата согласия ещё не наступила. Проверьте её.;\r\n"
	if got != want {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
}

// records is a format whose files hold these, whatever their bytes.
type records []load.Record

func (f records) Scan(context.Context, load.File, string, load.Options) (load.Scanner, error) {
	return &f, nil
}

func (f *records) Next(context.Context) (load.Record, error) {
	if len(*f) == 0 {
		return load.Record{}, io.EOF
	}
	r := (*f)[0]
	*f = (*f)[1:]
	return r, nil
}

func (*records) Close() error { return nil }

func TestWhatIntakeRefusesIsSaidInTheClinicsLanguage(t *testing.T) {
	of := func(patient string, visits ...string) (o intake.Object) {
		for _, id := range visits {
			v := dental.Visit{Clinic: "demo", ID: id, Patient: patient, Day: dental.Date{Year: 2026, Month: 2, Day: 1}, FinishedAt: start.AddDate(0, -1, 0)}
			o.Facts = append(o.Facts, intake.Event{Type: "visit.completed", Visit: &v})
		}
		return o
	}
	many := make([]string, table.MaxWrite+1)
	for i := range many {
		many[i] = fmt.Sprint("V-", i)
	}
	two := of("P-1", "V-1")
	two.Facts = append(two.Facts, of("P-2", "V-2").Facts...)
	for _, c := range []struct {
		name           string
		object         intake.Object
		russian, other string
	}{
		{"an id that is none", of("P 1", "V-1"), `1;id;"Такой идентификатор не подходит: в нём должно быть от 1 до 64 латинских букв, цифр и знаков . _ : -";`,
			`1;id;"This id does not fit: it must have 1 to 64 of A-Z, a-z, 0-9 and . _ : -";`},
		{"two patients", two, "1;;Запись сразу о двух пациентах. Разделите её.;", "1;;The record is about two patients at once. Split it.;"},
		{"more than one write holds", of("P-1", many...), "1;;В одной записи слишком много сведений. Разделите её на части.;",
			"1;;One record says too much. Split it into parts.;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for language, want := range map[string]string{"ru": c.russian, "en": c.other} {
				s := open(t, func(cl *dental.Clinic) { cl.Language = language })
				s.loader.Formats[load.JSONLines] = records{{Line: 1, Objects: []intake.Object{c.object}}}
				imp := s.work(s.begin("m1", "x").ID)
				if _, row, _ := strings.Cut(s.report(imp), "\r\n"); imp.Refused != 1 || row != want+"\r\n" {
					t.Errorf("%d are refused, and the report in %s says %q, want %q", imp.Refused, language, row, want)
				}
			}
		})
	}
}

func TestTheSameFileASecondTimeChangesNothing(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	s.work(s.begin("m1", file).ID)
	before := s.known(6)
	imp := s.work(s.begin("m2", file).ID)
	adds(t, imp, lines, refused)
	if imp.Accepted != 0 || imp.Unchanged != lines-refused || imp.Noted != 1 {
		t.Errorf("%d are accepted again, %d unchanged, %d with a remark", imp.Accepted, imp.Unchanged, imp.Noted)
	}
	if after := s.known(6); after != before {
		t.Errorf("what is known was\n%s\nand is\n%s", before, after)
	}
}

func TestTheSameDeliveryIsTheSameImport(t *testing.T) {
	s := open(t)
	file, _, _ := base(2)
	first := s.begin("m1", file)
	if again := s.begin("m1", file); again.ID != first.ID {
		t.Errorf("again it is %s, was %s", again.ID, first.ID)
	}
	done := s.work(first.ID)
	if again := s.begin("m1", file); again.ID != done.ID || again.State != dental.ImportDone {
		t.Errorf("after its end it is %+v", again)
	}
	_, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: "m1", Body: "another", Format: load.JSONLines}, []byte("{}"))
	if dental.KindOf(err) != dental.Conflict {
		t.Errorf("another file under the same id: %v", err)
	}
	if _, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: "m2", Format: "image/png"}, nil); dental.KindOf(err) != dental.Invalid {
		t.Errorf("a format that nobody reads: %v", err)
	}
}

// mortal is a table that answers no more after so many writes, as one that a
// killed process has called.
type mortal struct {
	table.Table
	mu   sync.Mutex
	left int
}

var errDead = errors.New("the process is dead")

func (m *mortal) Write(ctx context.Context, ops ...table.Op) error {
	m.mu.Lock()
	m.left--
	dead := m.left < 0
	m.mu.Unlock()
	if dead {
		return errDead
	}
	return m.Table.Write(ctx, ops...)
}

// TestBrokenOffAfterAnyWriteItGoesOnAndLosesNothing kills an import after each
// of its writes in turn, of the table or of files, and has another process go on.
func TestBrokenOffAfterAnyWriteItGoesOnAndLosesNothing(t *testing.T) {
	file, lines, refused := base(6)
	clean := open(t)
	want := clean.work(clean.begin("m1", file).ID)
	known, report := clean.known(6), clean.report(want)
	for _, of := range []string{"table", "files"} {
		for after := 0; ; after++ {
			s := stagetest.New(t, start)
			f := newFiles()
			behind := &mortal{Table: s.Table, left: 1 << 30}
			first := over(stagetest.Join(s, behind), f)
			left := after
			if of == "files" {
				f.left = &left
			} else {
				behind.left = after
			}
			cl := first.clinic()
			imp, err := first.loader.Begin(t.Context(), cl, load.Order{ID: "m1", Body: file, Format: load.JSONLines}, []byte(file))
			for body := first.queue.take(); body != "" && err == nil; body = first.queue.take() {
				err = first.loader.Handle(t.Context(), body)
			}
			whole := err == nil && (of == "files" && left >= 0 || of == "table" && behind.left >= 0)
			f.left = nil
			second := over(s, f)
			if imp = second.begin("m1", file); imp.ID == "" {
				t.Fatal("there is no import")
			}
			// What the queue has lost comes by the due key.
			s.Set(s.Now().Add(10 * time.Minute))
			if err := second.loader.Handle(t.Context(), `{"Job":{"Clinic":"`+imp.Clinic+`","ID":"import.`+imp.ID+`"}}`); err != nil {
				t.Fatalf("%s, broken off after %d writes: %v", of, after, err)
			}
			imp = second.work(imp.ID)
			if imp.State != dental.ImportDone {
				t.Fatalf("%s, broken off after %d writes: it is %+v", of, after, imp)
			}
			adds(t, imp, lines, refused)
			if got := second.known(6); got != known {
				t.Fatalf("%s, broken off after %d writes, it is known\n%s\nand not\n%s", of, after, got, known)
			}
			if got := second.report(imp); got != report {
				t.Fatalf("%s, broken off after %d writes, the report is\n%s\nand not\n%s", of, after, got, report)
			}
			if job, err := s.Store.Begin().Job(t.Context(), imp.Clinic, "import."+imp.ID); err != nil || job.Done.IsZero() {
				t.Fatalf("%s, broken off after %d writes, the job is %+v (%v)", of, after, job, err)
			}
			if whole {
				if after < 8 {
					t.Errorf("there were only %d writes of the %s", after, of)
				}
				break
			}
		}
	}
}

func TestUnderFaultsOfTheTableNothingIsLostOrTakenTwice(t *testing.T) {
	file, lines, refused := base(9)
	clean := open(t)
	clean.work(clean.begin("m1", file).ID)
	known := clean.known(9)
	happened := map[tabletest.Fault]int{}
	for seed := range uint64(25) {
		s := stagetest.New(t, start)
		faulty := tabletest.NewFaulty(s.Table, tabletest.Plan{Seed: seed, Chance: map[tabletest.Fault]float64{
			tabletest.LostBefore: 0.04, tabletest.LostAfter: 0.04, tabletest.LostLate: 0.04, tabletest.Contended: 0.04, tabletest.FailedRead: 0.02}})
		site := over(stagetest.Join(s, faulty), newFiles())
		cl := over(s, site.files).clinic()
		var imp dental.Import
		var err error
		for try := 0; ; try++ {
			if imp, err = site.loader.Begin(t.Context(), cl, load.Order{ID: "m1", Body: file, Format: load.JSONLines}, []byte(file)); err == nil {
				break
			}
			if try == 50 {
				t.Fatal(err)
			}
		}
		for try := 0; ; try++ {
			err := site.loader.Handle(t.Context(), `{"Job":{"Clinic":"`+imp.Clinic+`","ID":"import.`+imp.ID+`"}}`)
			if now := over(s, site.files).imported(imp.ID); now.Over() && err == nil {
				break
			} else if err == nil { // who has it could not let it go: it comes by its due key
				site.Set(site.Now().Add(load.Lease))
			}
			if try == 200 {
				t.Fatalf("seed %d: it never ends: %v", seed, err)
			}
		}
		for f, n := range faulty.Happened() {
			happened[f] += n
		}
		faulty.Heal()
		healed := over(s, site.files)
		adds(t, healed.imported(imp.ID), lines, refused)
		if got := healed.known(9); got != known {
			t.Fatalf("seed %d: it is known\n%s\nand not\n%s", seed, got, known)
		}
	}
	for _, f := range []tabletest.Fault{tabletest.LostBefore, tabletest.LostAfter, tabletest.LostLate, tabletest.Contended, tabletest.FailedRead} {
		if happened[f] == 0 {
			t.Errorf("%q never happened", f)
		}
	}
}

func TestOfSeveralWorkersAtOneImportOneReadsAndEachLineCountsOnce(t *testing.T) {
	file, lines, refused := base(30)
	for range 5 {
		s := open(t)
		imp := s.begin("m1", file)
		body := s.queue.take()
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				if err := s.loader.Handle(t.Context(), body); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		imp = s.imported(imp.ID)
		if imp.State != dental.ImportDone || imp.Accepted != lines-refused || imp.Worker != "" {
			t.Fatalf("it is %+v", imp)
		}
		adds(t, imp, lines, refused)
	}
}

// body is the message of an import's due key.
func body(imp dental.Import) string {
	return `{"Job":{"Clinic":"` + imp.Clinic + `","ID":"import.` + imp.ID + `"}}`
}

// stuck is a worker that stands still when it is about to take something in.
type stuck struct {
	stands chan struct{}
	goes   chan struct{}
	over   chan error
}

// stick begins to work on an import and comes as far as its first Learn.
func (s *site) stick(imp dental.Import) stuck {
	s.T.Helper()
	w := stuck{make(chan struct{}), make(chan struct{}), make(chan error, 1)}
	other := over(s.Stage, s.files)
	other.loader.Workers, other.loader.Chunk = 1, s.loader.Chunk
	learn, once := other.loader.Learn, sync.Once{}
	other.loader.Learn = func(ctx context.Context, cl *dental.Clinic, how intake.How, now time.Time, objects ...intake.Object) ([]intake.Outcome, error) {
		once.Do(func() { close(w.stands); <-w.goes })
		return learn(ctx, cl, how, now, objects...)
	}
	go func() { w.over <- other.loader.Handle(context.Background(), body(imp)) }()
	<-w.stands
	return w
}

// ends lets it go on to its end.
func (w stuck) ends(t testing.TB) {
	t.Helper()
	close(w.goes)
	if err := <-w.over; err != nil {
		t.Error(err)
	}
}

func TestWhatAnotherWorkerIsAtIsLeftToItHoweverSlowItIs(t *testing.T) {
	s := open(t)
	event := func(kind string, status string) string {
		return fmt.Sprintf(`{"type":"appointment.%s","timestamp":"2026-03-01T10:00:00+03:00","data":{"id":"A-1","patientId":"P-1","start":"2026-05-22T10:00:00+03:00","status":%q}}`, kind, status)
	}
	s.loader.Chunk = 1
	imp := s.begin("m1", event("booked", "booked")+"\n"+event("cancelled", "cancelled")+"\n")
	slow := s.stick(imp)
	s.Set(s.Now().Add(load.Lease - time.Second))
	if now := s.work(imp.ID); now.Lines != 0 {
		t.Fatalf("another one has read %d lines beside it", now.Lines)
	}
	slow.ends(t)
	if imp = s.imported(imp.ID); imp.State != dental.ImportDone || imp.Accepted != 2 {
		t.Errorf("it is %+v", imp)
	}
	if c := s.Card("P-1"); len(c.Appointments) != 1 || c.Appointments[0].Standing() {
		t.Errorf("a cancelled appointment stands again: %+v", c.Appointments)
	}
}

func TestAWorkerWhoseLeaseHasEndedChangesNothingAnyMore(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.begin("m1", file)
	slow := s.stick(imp)
	s.Set(s.Now().Add(load.Lease))
	done := s.work(imp.ID)
	adds(t, done, lines, refused)
	report := s.report(done)
	slow.ends(t)
	if now := s.imported(imp.ID); now.Lines != lines || now.State != dental.ImportDone || !now.Done.Equal(done.Done) {
		t.Errorf("it was %+v and is %+v", done, now)
	}
	if got := s.report(done); got != report || strings.Count(got, "\r\n") != int(2+refused) {
		t.Errorf("the report was\n%s\nand is\n%s", report, got)
	}
}

func TestAWorkerWhoseLeaseHasEndedCountsNothingBesideTheNext(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.begin("m1", file)
	slow := s.stick(imp)
	s.Set(s.Now().Add(load.Lease))
	next := s.stick(imp)
	slow.ends(t)
	if now := s.imported(imp.ID); now.Lines != 0 {
		t.Errorf("it has counted %d lines", now.Lines)
	}
	next.ends(t)
	adds(t, s.imported(imp.ID), lines, refused)
}

// TestAReportIsNotWrittenOverByAWorkerThatComesTooLate has one worker stand still
// before it looks for the file, until another has finished and cleared it away.
func TestAReportIsNotWrittenOverByAWorkerThatComesTooLate(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.begin("m1", file)
	stands, goes, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var asked atomic.Int32
	s.files.sized = func(string) {
		if asked.Add(1) == 1 {
			close(stands)
			<-goes
		}
	}
	go func() { ended <- s.loader.Handle(context.Background(), body(imp)) }()
	<-stands
	s.Set(s.Now().Add(load.Lease))
	done := s.work(imp.ID)
	adds(t, done, lines, refused)
	close(goes)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if now := s.imported(imp.ID); now.State != dental.ImportDone || now.Problem != "" {
		t.Errorf("it is %+v", now)
	}
	if got := s.report(done); strings.Count(got, "\r\n") != int(2+refused) {
		t.Errorf("the report is now\n%s", got)
	}
}

func TestAWorkerThatFailsLetsTheImportGo(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.begin("m1", file)
	learn, failures := s.loader.Learn, 1
	s.loader.Workers = 1
	s.loader.Learn = func(ctx context.Context, cl *dental.Clinic, how intake.How, now time.Time, objects ...intake.Object) ([]intake.Outcome, error) {
		if failures--; failures >= 0 {
			return nil, errDown
		}
		return learn(ctx, cl, how, now, objects...)
	}
	if err := s.loader.Handle(t.Context(), s.queue.take()); !errors.Is(err, errDown) {
		t.Fatalf("it failed with %v", err)
	}
	if err := s.loader.Handle(t.Context(), body(imp)); err != nil {
		t.Fatal(err)
	}
	adds(t, s.imported(imp.ID), lines, refused)
}

func TestAnImportWhoseWorkerIsKnownToBeGoneGoesOnAtOnce(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.begin("m1", file)
	gone := s.stick(imp)
	_ = s.queue.take() // it had this message, and is killed
	if err := s.loader.Resume(t.Context(), s.imported(imp.ID)); err != nil {
		t.Fatal(err)
	}
	imp = s.work(imp.ID)
	adds(t, imp, lines, refused)
	if imp.State != dental.ImportDone {
		t.Errorf("it is %+v", imp)
	}
	gone.ends(t)
}

func TestAFileThatIsNoneFailsWithItsReason(t *testing.T) {
	s := open(t)
	imp, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: "m1", Format: load.CSV}, []byte("\x00"))
	if err != nil {
		t.Fatal(err)
	}
	imp = s.work(imp.ID)
	if imp.State != dental.ImportFailed || imp.Problem != "desk.import.reason.event" || imp.About != "it is none" {
		t.Errorf("it is %+v", imp)
	}
	if got := s.report(imp); strings.Count(got, "\r\n") != 1 {
		t.Errorf("its report is %q", got)
	}
}

func TestAnImportWaitsForItsFileAndThenBegins(t *testing.T) {
	s := open(t)
	file, lines, refused := base(3)
	imp, upload, err := s.loader.Await(t.Context(), s.clinic(), load.Order{ID: "m1", Body: "b", Format: load.JSONLines, Name: "base.jsonl"})
	if err != nil || imp.State != dental.ImportWaiting || upload != "put:imports/"+imp.Clinic+"/"+imp.ID+"/file:application/x-ndjson" {
		t.Fatalf("it is %+v, to %s (%v)", imp, upload, err)
	}
	name := strings.Split(upload, ":")[1]
	told := `{"Records":[{"eventSource":"aws:s3","s3":{"object":{"key":"` + strings.ReplaceAll(name, "/", "%2F") + `"}}}]}`
	if err := s.loader.Handle(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	if imp = s.imported(imp.ID); imp.State != dental.ImportWaiting {
		t.Fatalf("without a file it is %+v", imp)
	}
	if err := s.files.Put(t.Context(), name, strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if err := s.loader.Handle(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	if imp = s.imported(imp.ID); imp.State != dental.ImportRunning || imp.Lines != 0 || len(s.queue.bodies) != 1 {
		t.Fatalf("the bucket's word alone makes it %+v, and %q are queued", imp, s.queue.bodies)
	}
	imp = s.work(imp.ID)
	if imp.State != dental.ImportDone || imp.Name != "base.jsonl" {
		t.Errorf("it is %+v", imp)
	}
	adds(t, imp, lines, refused)
}

func TestAnImportWhoseFileNeverComesIsGivenUp(t *testing.T) {
	s := open(t)
	imp, _, err := s.loader.Await(t.Context(), s.clinic(), load.Order{ID: "m1", Format: load.JSONLines})
	if err != nil {
		t.Fatal(err)
	}
	body := `{"Job":{"Clinic":"` + imp.Clinic + `","ID":"import.` + imp.ID + `"}}`
	for range 30 {
		s.Set(s.Now().Add(time.Hour))
		if err := s.loader.Handle(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	if imp = s.imported(imp.ID); imp.State != dental.ImportFailed || imp.Problem != "desk.import.reason.no-file" {
		t.Errorf("it is %+v", imp)
	}
}

// held is an import that waits for somebody to begin it.
func (s *site) held(file string) dental.Import {
	s.T.Helper()
	imp, err := s.loader.Begin(s.T.Context(), s.clinic(), load.Order{ID: "press-1", Format: load.JSONLines, Name: "base.jsonl", Held: true}, []byte(file))
	if err != nil {
		s.T.Fatal(err)
	}
	return imp
}

// dropped fails a test unless nothing is left of an import but the word why.
func (s *site) dropped(imp dental.Import, problem string) {
	s.T.Helper()
	if imp.State != dental.ImportFailed || imp.Problem != "desk.import.reason."+problem || imp.Held || imp.Done.IsZero() {
		s.T.Errorf("it is %+v", imp)
	}
	if names := s.files.names(); len(names) != 0 {
		s.T.Errorf("there are still the files %q", names)
	}
	if u, err := s.loader.ReportURL(s.T.Context(), imp, s.Now().Add(time.Hour)); u != "" || err != nil {
		s.T.Errorf("its report is at %q (%v), and nothing was read", u, err)
	}
	if j, err := s.Store.Begin().Job(s.T.Context(), imp.Clinic, "import."+imp.ID); err != nil || j.Done.IsZero() {
		s.T.Errorf("its job is %+v (%v)", j, err)
	}
}

func TestAFileThatNobodyBeginsIsDeletedAndItIsSaidSo(t *testing.T) {
	s := open(t)
	file, _, _ := base(2)
	imp := s.held(file)
	for range 30 {
		s.Set(s.Now().Add(time.Hour))
		if err := s.loader.Handle(t.Context(), `{"Job":{"Clinic":"`+imp.Clinic+`","ID":"import.`+imp.ID+`"}}`); err != nil {
			t.Fatal(err)
		}
	}
	s.dropped(s.imported(imp.ID), "not-started")
}

func TestAFileThatCannotBeDeletedStaysToBeDeletedAgain(t *testing.T) {
	s := open(t)
	file, _, _ := base(2)
	imp := s.held(file)
	entry := dental.LogEntry{Clinic: imp.Clinic, ID: "press-2", At: s.Now(), Action: "import.discard"}
	s.files.left = new(int)
	if _, err := s.loader.Discard(t.Context(), imp.Clinic, imp.ID, entry); !errors.Is(err, errDown) {
		t.Errorf("where nothing can be deleted it says %v", err)
	}
	if now := s.imported(imp.ID); now.State != dental.ImportWaiting || !now.Held || len(s.log()) != 0 {
		t.Errorf("it is %+v, and the log has %+v", now, s.log())
	}
	s.files.left = nil
	if _, err := s.loader.Discard(t.Context(), imp.Clinic, imp.ID, entry); err != nil {
		t.Fatal(err)
	}
	s.dropped(s.imported(imp.ID), "discarded")
}

// deleting are files of which something happens before one is deleted.
type deleting struct {
	load.Files
	before func()
}

func (d deleting) Delete(ctx context.Context, name string) error {
	d.before()
	return d.Files.Delete(ctx, name)
}

func TestAnImportWhoseFileIsBeingDeletedIsNotBegun(t *testing.T) {
	s := open(t)
	file, _, _ := base(2)
	imp := s.held(file)
	s.loader.Files = deleting{s.files, func() {
		_, err := s.loader.Start(t.Context(), imp.Clinic, imp.ID, dental.LogEntry{Clinic: imp.Clinic, ID: "press-1", At: s.Now(), Action: "import.start"})
		if dental.KindOf(err) != dental.Conflict {
			t.Errorf("begun meanwhile it says %v", err)
		}
	}}
	if _, err := s.loader.Discard(t.Context(), imp.Clinic, imp.ID, dental.LogEntry{Clinic: imp.Clinic, ID: "press-2", At: s.Now(), Action: "import.discard"}); err != nil {
		t.Fatal(err)
	}
	s.dropped(s.imported(imp.ID), "discarded")
}

func TestATableIsReadToItsEndAsItsColumnsWereWhenItWasStarted(t *testing.T) {
	s := open(t)
	s.loader.Formats[load.CSV] = sheet.CSV{}
	s.loader.Leaves = func(_ context.Context, need time.Duration) bool { return need <= 10*time.Second }
	read := func(as map[string]string) {
		t.Helper()
		tx := s.Store.Begin()
		cl, err := tx.Clinic(t.Context(), s.Clinic.ID)
		if err != nil {
			t.Fatal(err)
		}
		cl.Columns = as
		tx.Put(*cl)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	file := "Шифр;ФИО;Телефон\n"
	for n := range 12 {
		file += fmt.Sprintf("%d;Петрова Анна;+7916000%04d\n", 100+n, n)
	}
	read(map[string]string{"шифр": "id"})
	imp, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: "m1", Body: file, Format: load.CSV}, []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.loader.Handle(t.Context(), s.queue.take()); err != nil {
		t.Fatal(err)
	}
	if now := s.imported(imp.ID); now.Lines != 4 || len(now.Columns) != 1 {
		t.Fatalf("after one run it is %+v", now)
	}
	read(map[string]string{"шифр": "-"}) // of another file
	imp = s.work(imp.ID)
	adds(t, imp, 12, 0)
	for n := range 12 {
		if c := s.Card(fmt.Sprint(100 + n)); !c.Known() {
			t.Errorf("the patient %d is another one", 100+n)
		}
	}
	if imp.Columns != nil {
		t.Errorf("over, it still has the columns %v", imp.Columns)
	}
}

func TestAFileThatWasTheWrongOneIsDroppedBeforeItIsBegunAndNeverAfter(t *testing.T) {
	s := open(t)
	file, lines, refused := base(2)
	imp := s.held(file)
	entry := dental.LogEntry{Clinic: imp.Clinic, ID: "press-2", At: s.Now(), Action: "import.discard"}
	for range 2 {
		if _, err := s.loader.Discard(t.Context(), imp.Clinic, imp.ID, entry); err != nil {
			t.Fatal(err)
		}
		s.dropped(s.imported(imp.ID), "discarded")
	}
	if entries := s.log(); len(entries) != 1 || entries[0].Action != "import.discard" {
		t.Errorf("the log has %+v", entries)
	}
	begun := s.begin("m1", file)
	if got, err := s.loader.Discard(t.Context(), begun.Clinic, begun.ID, entry); err != nil || got.State != dental.ImportRunning {
		t.Fatalf("one under way is dropped: %+v (%v)", got, err)
	}
	adds(t, s.work(begun.ID), lines, refused)
}

func (s *site) log() []dental.LogEntry {
	s.T.Helper()
	entries, _, err := s.Store.Log(s.T.Context(), s.Clinic.ID, s.Now().UTC().Format("2006-01"), 50, "")
	if err != nil {
		s.T.Fatal(err)
	}
	return entries
}

func TestAnImportThatAProgramBeginsIsInTheLogOnceAsAPrograms(t *testing.T) {
	s := open(t)
	file, _, _ := base(2)
	for range 2 {
		if _, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: "m1", Body: file, Format: load.JSONLines, Name: "base.jsonl"}, []byte(file)); err != nil {
			t.Fatal(err)
		}
	}
	entries := s.log()
	if len(entries) != 1 {
		t.Fatalf("the log has %+v", entries)
	}
	if e := entries[0]; e.Action != "import.start" || e.By != "программа" || e.Role != "" || e.Detail != "base.jsonl" || e.Subject == "" {
		t.Errorf("the log says %+v", e)
	}
}

func TestWhatAFileWouldFailOfIsToldBeforeItIsBegun(t *testing.T) {
	s := open(t)
	for format, fault := range map[string]string{load.CSV: "event", load.JSONLines: ""} {
		imp, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: format[:4], Format: format, Held: true}, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		seen, _, table, err := s.loader.Preview(t.Context(), s.clinic(), imp)
		if err != nil || table {
			t.Fatalf("%s: a table %v (%v)", format, table, err)
		}
		if got := seen.Fault; (got == nil) != (fault == "") || got != nil && got.Code != fault {
			t.Errorf("%s would fail of %+v, want %q", format, got, fault)
		}
	}
}

func TestAHeldImportBeginsWhenSomebodySaysSo(t *testing.T) {
	s := open(t)
	file, lines, refused := base(3)
	entry := dental.LogEntry{Clinic: s.Clinic.ID, ID: "press-1", At: s.Now(), Action: "import.file"}
	imp, err := s.loader.Begin(t.Context(), s.clinic(), load.Order{ID: "press-1", Format: load.JSONLines, Held: true, By: "Ольга", Log: entry}, []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	body := `{"Job":{"Clinic":"` + imp.Clinic + `","ID":"import.` + imp.ID + `"}}`
	if err := s.loader.Handle(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	if imp = s.work(imp.ID); imp.State != dental.ImportWaiting || !imp.Held {
		t.Fatalf("nobody has said so, and it is %+v", imp)
	}
	entry.ID, entry.Action = "press-2", "import.start"
	if _, err := s.loader.Start(t.Context(), imp.Clinic, imp.ID, entry); err != nil {
		t.Fatal(err)
	}
	imp = s.work(imp.ID)
	adds(t, imp, lines, refused)
	if imp.State != dental.ImportDone || imp.By != "Ольга" {
		t.Errorf("it is %+v", imp)
	}
}

func TestAnImportSendsNothing(t *testing.T) {
	s := open(t)
	var lines []string
	for n := range 40 {
		lines = append(lines, card(n, fmt.Sprintf("+7916000%04d", n)), oneLine(visit(n, n)))
		// Of today as well, for which an event would thank and ask at once.
		lines = append(lines, strings.Replace(oneLine(visit(700+n, n)), fmt.Sprintf("2026-02-%02d", 1+(700+n)%27), "2026-03-10", 1))
	}
	imp := s.work(s.begin("m1", strings.Join(lines, "\n")).ID)
	if imp.Accepted != 120 {
		t.Fatalf("it is %+v", imp)
	}
	s.To(s.Now().Add(time.Minute))
	if sent := s.Sent(); len(sent) > 0 {
		t.Errorf("%d messages left, the first for %s of %s", len(sent), sent[0].Touch.Scenario, sent[0].Touch.Patient)
	}
}

func TestWhatLiesInAWatchedFolderIsImported(t *testing.T) {
	s := open(t)
	file, lines, refused := base(3)
	lay := func(name, body string) {
		t.Helper()
		if err := s.files.Put(t.Context(), name, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	tick := func() {
		t.Helper()
		if err := s.loader.Tick(t.Context(), s.Now()); err != nil {
			t.Fatal(err)
		}
		s.work0()
	}
	folder := "inbox/" + s.Clinic.ID + "/"
	lay(folder+"night.jsonl", file)
	s.files.old = 59 * time.Second
	tick()
	if got := s.files.names(); !slices.Equal(got, []string{folder + "night.jsonl"}) {
		t.Fatalf("what is still written is taken: %q", got)
	}
	s.files.old = time.Minute
	for _, name := range []string{folder + "base.mdb", "inbox/nobody/base.csv", "inbox/base.csv"} {
		lay(name, "x")
	}
	tick()
	imports, _, err := s.Store.Imports(t.Context(), s.Clinic.ID, 10, "")
	if err != nil || len(imports) != 1 {
		t.Fatalf("there are %v (%v)", imports, err)
	}
	adds(t, imports[0], lines, refused)
	var left []string
	for _, name := range s.files.names() {
		if !strings.HasPrefix(name, "imports/") {
			left = append(left, name)
		}
	}
	at := "inbox-refused/"
	if want := []string{at + "base.csv", at + "base.csv.why.txt", at + s.Clinic.ID + "/base.mdb", at + s.Clinic.ID + "/base.mdb.why.txt", at + "nobody/base.csv", at + "nobody/base.csv.why.txt"}; !slices.Equal(left, slices.Sorted(slices.Values(want))) {
		t.Errorf("there are left %q", left)
	}
	// The next night's export holds the same and one line more.
	s.Set(s.Now().Add(24 * time.Hour))
	lay(folder+"night.jsonl", file+card(77, "+79160000077")+"\n")
	tick()
	imports, _, err = s.Store.Imports(t.Context(), s.Clinic.ID, 10, "")
	if err != nil || len(imports) != 2 || imports[0].Accepted != 1 || imports[0].Lines != lines+1 {
		t.Errorf("there are %+v (%v)", imports, err)
	}
}

// packed is a text as gzip packs it.
func packed(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAFormatIsToldByTheEndOfANameAndOfLinesByTheFirst(t *testing.T) {
	resource, events := `{"resourceType":"Patient"}`+"\n{}", `{"type":"patient.updated"}`+"\n"+`{"resourceType":1}`
	long := events + strings.Repeat(" \n"+events, 10_000)
	for _, c := range []struct{ name, head, want string }{
		{"База.CSV", "", load.CSV}, {"a.txt", "", load.CSV}, {"a.xlsx", "", load.XLSX}, {"a.json", "", load.Bundle},
		{"a.NDJSON", resource, load.NDJSON}, {"a.jsonl", "\n" + resource, load.NDJSON}, {"a.ndjson", events, load.JSONLines}, {"a.jsonl", "", load.JSONLines},
		{"a.xls", "", ""}, {"csv", "", ""}, {"a.gz", "", ""}, {"", "", ""},
		{"a.json.gz", packed(t, "{}"), load.Bundle}, {"a.Json.GZ", "", load.Bundle},
		{"a.ndjson.gz", packed(t, resource), load.NDJSON}, {"a.jsonl.gz", "", load.NDJSON},
		{"a.ndjson.gz", "\x1f\uFFFD\b", load.NDJSON}, // as a browser's text shows it
		// Their readers unpack nothing.
		{"a.csv.gz", "", ""}, {"a.txt.gz", "", ""}, {"a.xlsx.gz", "", ""}, {"a.jsonl.gz", packed(t, events), ""}, {"a.jsonl.gz", packed(t, long)[:200], ""},
	} {
		format, ok := load.FormatOf(c.name, []byte(c.head))
		if ok != (c.want != "") || ok && format != c.want {
			t.Errorf("%s of %.20q is read as %q, %v, and not as %q", c.name, c.head, format, ok, c.want)
		}
	}
}

func TestWhatIsPackedInAWatchedFolderIsTakenWhereItsReaderUnpacksIt(t *testing.T) {
	s := open(t)
	s.loader.Formats[load.NDJSON], s.loader.Formats[load.Bundle] = fhir.NDJSONFormat{}, fhir.BundleFormat{}
	folder := "inbox/" + s.Clinic.ID + "/"
	for name, body := range map[string]string{
		"night.ndjson.gz": packed(t, `{"resourceType":"Patient","id":"7","name":[{"family":"Петрова"}]}`),
		"events.jsonl.gz": packed(t, card(1, "+79160000001")),
		"base.csv.gz":     packed(t, "id;name\n7;Анна\n"),
	} {
		if err := s.files.Put(t.Context(), folder+name, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.loader.Tick(t.Context(), s.Now()); err != nil {
		t.Fatal(err)
	}
	s.work0()
	imports, _, err := s.Store.Imports(t.Context(), s.Clinic.ID, 10, "")
	if err != nil || len(imports) != 1 || imports[0].Format != load.NDJSON || imports[0].Accepted != 1 {
		t.Errorf("there are %+v (%v)", imports, err)
	}
	for _, name := range []string{"events.jsonl.gz", "base.csv.gz"} {
		if why, err := s.files.get("inbox-refused/" + s.Clinic.ID + "/" + name + ".why.txt"); err != nil || !strings.Contains(string(why), "FHIR alone") {
			t.Errorf("of %s it says %q, %v", name, why, err)
		}
	}
}

func TestAWatchedFolderOfASystemSaysWhoseExportsLieInIt(t *testing.T) {
	s := open(t)
	folder := "inbox/" + s.Clinic.ID + "/"
	for name, body := range map[string]string{
		folder + "yclients/night.csv":    "id;name\n7;Анна\n",
		folder + "yclients/night.jsonl":  card(1, "+79160000001"),
		folder + "yclient/night.csv":     "id;name\n8;Олег\n",
		folder + "yclients/2026/old.csv": "id;name\n9;Иван\n",
	} {
		if err := s.files.Put(t.Context(), name, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.loader.Tick(t.Context(), s.Now()); err != nil {
			t.Fatal(err)
		}
	}
	imports, _, err := s.Store.Imports(t.Context(), s.Clinic.ID, 10, "")
	if err != nil || len(imports) != 1 || imports[0].System != "yclients" || imports[0].Name != "night.csv" {
		t.Errorf("there are %+v (%v)", imports, err)
	}
	for name, want := range map[string]string{
		"yclients/night.jsonl":  "it is no export of yclients: this format says itself whose patients it is about\n",
		"yclient/night.csv":     "a folder in a clinic's is named after the system that its files are exports of: one of yclients, sqns, renovatio, fhir, opendental, bitrix24\n",
		"yclients/2026/old.csv": "a folder in a clinic's is named after the system that its files are exports of: one of yclients, sqns, renovatio, fhir, opendental, bitrix24\n",
	} {
		if why, err := s.files.get("inbox-refused/" + s.Clinic.ID + "/" + name + ".why.txt"); err != nil || string(why) != want {
			t.Errorf("of %s it says %q, %v", name, why, err)
		}
	}
}

// work0 handles what is queued.
func (s *site) work0() {
	s.T.Helper()
	for body := s.queue.take(); body != ""; body = s.queue.take() {
		if err := s.loader.Handle(s.T.Context(), body); err != nil {
			s.T.Fatal(err)
		}
	}
}

func TestAMessageThatNamesNoImportIsRefused(t *testing.T) {
	s := open(t)
	for body, want := range map[string]dental.ErrorKind{
		"":                                   dental.Invalid,
		"{}":                                 dental.Invalid,
		`{"Job":{"Clinic":"demo","ID":"x"}}`: dental.Invalid,
		`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"files"}`: "",
		`{"Job":{"Clinic":"demo","ID":"import.never"}}`:                   "",
		`{"Records":[{"s3":{"object":{"key":"inbox/demo/x"}}}]}`:          "",
	} {
		if err := s.loader.Handle(t.Context(), body); dental.KindOf(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestNearTheDeadlineTheRestIsLeftToTheQueue(t *testing.T) {
	s := open(t)
	file, lines, refused := base(6)
	imp := s.begin("m1", file)
	s.loader.Leaves = func(_ context.Context, need time.Duration) bool { return need <= 10*time.Second }
	rounds := 0
	for body := s.queue.take(); body != ""; body = s.queue.take() {
		rounds++
		before := s.imported(imp.ID).Lines
		if err := s.loader.Handle(t.Context(), body); err != nil {
			t.Fatal(err)
		}
		if now := s.imported(imp.ID); now.Lines-before > 4 {
			t.Fatalf("a run near the deadline read %d lines", now.Lines-before)
		}
	}
	imp = s.imported(imp.ID)
	adds(t, imp, lines, refused)
	if imp.State != dental.ImportDone || rounds < 3 {
		t.Errorf("after %d rounds it is %s", rounds, imp.State)
	}
}

func TestOnePatientIsTakenInByOneAtATimeAndInTheOrderOfTheLines(t *testing.T) {
	s := open(t)
	s.loader.Chunk = 100
	var lines []string
	for n := range 30 { // three patients, whose lines alternate
		lines = append(lines, oneLine(visit(n, n%3)))
	}
	var mu sync.Mutex
	at := map[string]bool{}
	order := map[string][]string{}
	s.loader.Learn = func(_ context.Context, _ *dental.Clinic, _ intake.How, _ time.Time, objects ...intake.Object) ([]intake.Outcome, error) {
		mu.Lock()
		patient := objects[0].Patient()
		if at[patient] {
			t.Errorf("two are at %s", patient)
		}
		at[patient] = true
		for _, o := range objects {
			order[patient] = append(order[patient], o.Facts[0].Visit.ID)
		}
		mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		at[patient] = false
		return make([]intake.Outcome, len(objects)), nil
	}
	if imp := s.work(s.begin("m1", strings.Join(lines, "\n")).ID); imp.Unchanged != 30 {
		t.Errorf("it is %+v", imp)
	}
	for patient, got := range order {
		for i, id := range got {
			if want := fmt.Sprintf("V-%d", i*3+int(patient[2]-'0')); id != want {
				t.Errorf("of %s the visit %s comes where %s ought to", patient, id, want)
			}
		}
	}
}
