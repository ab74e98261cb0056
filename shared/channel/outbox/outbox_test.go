package outbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// ticking is a clock that begins at noon; each look moves it on by a minute.
func ticking() func() time.Time {
	var n atomic.Int64
	noon := time.Date(2026, 5, 22, 12, 0, 0, 0, time.FixedZone("", 3*3600))
	return func() time.Time { return noon.Add(time.Duration(n.Add(1)-1) * time.Minute) }
}

func message(n int) outreach.Message {
	return outreach.Message{
		Touch:   outreach.TouchRef{Clinic: "demo", Patient: fmt.Sprintf("P-%d", n), Scenario: "recall", Step: "first", Anchor: "2026-11-22"},
		Attempt: fmt.Sprintf("a%d", n), Channel: dental.SMS, To: "+70000000001", Class: dental.Care, Locale: "ru",
		Text: "Вас ждёт доктор Ирина\nhttps://rp.example.com/o/AAAAAAAAAAAAAAAA", Parts: 2, Links: []string{"https://rp.example.com/o/AAAAAAAAAAAAAAAA"},
	}
}

func open(t testing.TB, path string, rules func(outreach.Message) error) *Outbox {
	t.Helper()
	b, err := Open(path, Options{Now: ticking(), Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func send(t testing.TB, b *Outbox, n int) string {
	t.Helper()
	id, err := b.Channel(dental.SMS).Send(t.Context(), message(n))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func messages(t testing.TB, b *Outbox) []Message {
	t.Helper()
	list, err := b.Messages()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// patients names whom the messages went to, oldest first.
func patients(t testing.TB, b *Outbox) (out []string) {
	t.Helper()
	for _, m := range slices.Backward(messages(t, b)) {
		out = append(out, m.Patient)
	}
	return out
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "outbox.jsonl") }

func TestMessagesHaveTheFormOfTheContractNewestFirst(t *testing.T) {
	b := open(t, newPath(t), nil)
	if got, _ := json.Marshal(messages(t, b)); string(got) != "[]" {
		t.Errorf("an empty outbox is %s", got)
	}
	send(t, b, 1)
	mail := message(2)
	mail.Channel, mail.To, mail.Class, mail.Subject, mail.HTML, mail.Links, mail.Parts = dental.Mail, "anna@example.com", dental.Service, "Приём", "<p>Ждём</p>", nil, 0
	if _, err := b.Channel(dental.Mail).Send(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(messages(t, b), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `[
 {
  "id": "m2",
  "touch": "` + dental.TouchID("demo", "P-2", "recall", "first", "2026-11-22") + `",
  "clinic": "demo",
  "patient": "P-2",
  "scenario": "recall",
  "step": "first",
  "channel": "email",
  "to": "anna@example.com",
  "class": "service",
  "subject": "Приём",
  "text": "Вас ждёт доктор Ирина\nhttps://rp.example.com/o/AAAAAAAAAAAAAAAA",
  "parts": 0,
  "links": [],
  "at": "2026-05-22T12:01:00+03:00"
 },
 {
  "id": "m1",
  "touch": "` + dental.TouchID("demo", "P-1", "recall", "first", "2026-11-22") + `",
  "clinic": "demo",
  "patient": "P-1",
  "scenario": "recall",
  "step": "first",
  "channel": "sms",
  "to": "+70000000001",
  "class": "care",
  "subject": "",
  "text": "Вас ждёт доктор Ирина\nhttps://rp.example.com/o/AAAAAAAAAAAAAAAA",
  "parts": 2,
  "links": [
   "https://rp.example.com/o/AAAAAAAAAAAAAAAA"
  ],
  "at": "2026-05-22T12:00:00+03:00"
 }
]`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMessagesAfterOneAreThoseKeptLater(t *testing.T) {
	b := open(t, newPath(t), nil)
	for n := range 4 {
		send(t, b, n)
	}
	for id, want := range map[string]string{"": "m4 m3 m2 m1", "m1": "m4 m3 m2", "m3": "m4", "m4": "", "m5": "m4 m3 m2 m1", "m0": "m4 m3 m2 m1", "m01": "m4 m3 m2 m1", "x": "m4 m3 m2 m1"} {
		list, err := b.MessagesAfter(id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range list {
			got = append(got, m.ID)
		}
		if strings.Join(got, " ") != want || list == nil {
			t.Errorf("after %q come %v, not %s", id, got, want)
		}
	}
}

func TestOfAPhotoItIsKeptThatThereWasOne(t *testing.T) {
	path := newPath(t)
	b := open(t, path, nil)
	m := message(1)
	m.Photo = bytes.Repeat([]byte("portrait"), 3000)
	if _, err := b.Channel(dental.Mail).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	send(t, b, 2)
	if got := messages(t, b); got[0].Photo || !got[1].Photo {
		t.Errorf("the photos are %t and %t", got[1].Photo, got[0].Photo)
	}
	raw, err := os.ReadFile(path)
	if err != nil || len(raw) > 4000 || bytes.Count(raw, []byte(`"photo":true`)) != 1 {
		t.Errorf("%d bytes are kept (%v)", len(raw), err)
	}
}

func TestTheHTMLPartIsHadByTheMessagesID(t *testing.T) {
	b := open(t, newPath(t), nil)
	plain := send(t, b, 1)
	m := message(2)
	m.HTML = `<p class="x">Ждём & ждём</p>`
	rich, err := b.Channel(dental.Mail).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if html, err := b.HTML(rich); html != m.HTML || err != nil {
		t.Errorf("got %q, %v", html, err)
	}
	if html, err := b.HTML(plain); html != "" || err != nil {
		t.Errorf("an SMS has HTML %q, %v", html, err)
	}
	for _, id := range []string{"", "m", "m0", "m3", "m-1", "m01", "2", "x2", "m2 "} {
		if _, err := b.HTML(id); dental.KindOf(err) != dental.NotFound {
			t.Errorf("message %q: %v", id, err)
		}
	}
}

func TestALetterIsShownWithTheChartThatCameInIt(t *testing.T) {
	path := newPath(t)
	b := open(t, path, nil)
	m := message(1)
	m.HTML, m.Chart = `<img src="cid:chart" alt="12">`, []byte("\x89PNG a chart")
	id, err := b.Channel(dental.Mail).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	html, err := open(t, path, nil).HTML(id)
	if want := `<img src="data:image/png;base64,iVBORyBhIGNoYXJ0" alt="12">`; html != want && err == nil {
		t.Errorf("it is shown as %q, want %q", html, want)
	} else if err != nil {
		t.Error(err)
	}
}

func TestAMessageHandedOverTwiceIsKeptTwice(t *testing.T) {
	b := open(t, newPath(t), nil)
	if one, two := send(t, b, 1), send(t, b, 1); one == two {
		t.Errorf("both are %s", one)
	}
	if got := patients(t, b); !slices.Equal(got, []string{"P-1", "P-1"}) {
		t.Errorf("kept: %v", got)
	}
}

func TestWhatWasKeptIsThereWhenTheOutboxIsOpenedAgain(t *testing.T) {
	path := newPath(t)
	b := open(t, path, nil)
	for n := range 3 {
		send(t, b, n)
	}
	before := messages(t, b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, path, nil)
	if got := messages(t, b); !reflect.DeepEqual(times(got), times(before)) {
		t.Errorf("got %+v, want %+v", got, before)
	}
	if b.Torn() != 0 {
		t.Errorf("%d bytes of a whole file were cut off", b.Torn())
	}
	if id := send(t, b, 3); id != "m4" {
		t.Errorf("the next message is %s", id)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is open to %v, %v", info.Mode(), err)
	}
}

// times makes the times comparable, which differ in the name of their zone.
func times(list []Message) []Message {
	list = slices.Clone(list)
	for i := range list {
		list[i].At = list[i].At.UTC()
	}
	return list
}

func TestAFileCutAnywhereKeepsEveryWholeLine(t *testing.T) {
	path := newPath(t)
	b := open(t, path, nil)
	for n := range 3 {
		send(t, b, n)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(whole))
	cutPath := newPath(t)
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(cutPath, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want, rest := 0, cut
		for _, l := range lines {
			// A line without its end of line is whole all the same.
			if rest < len(l)-1 {
				break
			}
			want++
			rest = max(0, rest-len(l))
		}
		c, err := Open(cutPath, Options{Now: ticking()})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got := c.count(); got != want || c.Torn() != rest {
			t.Fatalf("cut at %d: %d messages, want %d; %d bytes cut off, want %d", cut, got, want, c.Torn(), rest)
		}
		if id, err := c.Channel(dental.SMS).Send(t.Context(), message(9)); err != nil || id != fmt.Sprintf("m%d", want+1) {
			t.Fatalf("cut at %d: the next message is %q, %v", cut, id, err)
		}
		if got := patients(t, c); len(got) != want+1 || got[want] != "P-9" {
			t.Fatalf("cut at %d: kept %v", cut, got)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileThatIsDamagedElsewhereIsNotOpened(t *testing.T) {
	path := newPath(t)
	b := open(t, path, nil)
	for n := range 3 {
		send(t, b, n)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(whole))
	for name, raw := range map[string][][]byte{
		"a line in the middle is torn":   {lines[0], lines[1][:20], []byte("\n"), lines[2]},
		"a line in the middle is gone":   {lines[0], lines[2]},
		"a line stands there twice":      {lines[0], lines[0]},
		"a line is empty":                {lines[0], []byte("\n"), lines[1]},
		"it is a file of something else": {[]byte("{\"name\":\"x\"}\n")},
	} {
		damaged := bytes.Join(raw, nil)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{Now: ticking()}); dental.KindOf(err) != dental.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, damaged) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestRulesDecideWhatBecomesOfAMessage(t *testing.T) {
	path := newPath(t)
	strange := errors.New("a strange answer")
	b := open(t, path, func(m outreach.Message) error {
		switch m.Touch.Patient {
		case "P-1":
			return &outreach.Refusal{Code: "Throttled", Later: true}
		case "P-2":
			return fmt.Errorf("scripted: %w", ErrAnswerLost)
		case "P-3":
			return strange
		case "P-4":
			return &Fate{Kind: outreach.ReportBadAddress, Code: "user unknown"}
		}
		return nil
	})
	ch := b.Channel(dental.SMS)
	var refusal *outreach.Refusal

	if _, err := ch.Send(t.Context(), message(1)); !errors.As(err, &refusal) || refusal.Code != "Throttled" || !refusal.Later {
		t.Errorf("a refused message: %v", err)
	}
	if _, err := ch.Send(t.Context(), message(2)); !errors.Is(err, ErrAnswerLost) || errors.As(err, new(*outreach.Refusal)) {
		t.Errorf("a lost answer: %v", err)
	}
	if _, err := ch.Send(t.Context(), message(3)); !errors.Is(err, strange) {
		t.Errorf("a strange answer: %v", err)
	}
	for _, n := range []int{4, 5} {
		send(t, b, n)
	}
	if got := patients(t, b); !slices.Equal(got, []string{"P-2", "P-4", "P-5"}) {
		t.Errorf("kept: %v", got)
	}

	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	reports, _, err := open(t, path, nil).Receipts(0)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, r := range reports {
		said = append(said, fmt.Sprintf("%s %s %s", r.Touch.Patient, r.Kind, r.Code))
	}
	if want := []string{
		"P-2 accepted outbox", "P-2 delivered outbox",
		"P-4 accepted outbox", "P-4 bad-address user unknown",
		"P-5 accepted outbox", "P-5 delivered outbox",
	}; !slices.Equal(said, want) {
		t.Errorf("the receipts say %q, want %q", said, want)
	}
}

func TestReceiptsSettleATouchByItsAttempt(t *testing.T) {
	b := open(t, newPath(t), nil)
	id := send(t, b, 1)
	reports, next, err := b.Receipts(0)
	if err != nil || len(reports) != 2 || next != 1 {
		t.Fatalf("got %+v up to %d, %v", reports, next, err)
	}
	want := outreach.Report{
		Touch: message(1).Touch, Attempt: "a1", Channel: "sms", ProviderID: id,
		Kind: outreach.ReportAccepted, Code: "outbox", At: reports[0].At,
	}
	if reports[0] != want || !want.At.Equal(time.Date(2026, 5, 22, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("got  %+v\nwant %+v", reports[0], want)
	}
	want.Kind = outreach.ReportDelivered
	if reports[1] != want {
		t.Errorf("got  %+v\nwant %+v", reports[1], want)
	}
}

func TestReceiptsGoOnFromAPosition(t *testing.T) {
	path := newPath(t)
	b := open(t, path, nil)
	for n := range maxReceipts + 2 {
		send(t, b, n)
	}
	first, next, err := b.Receipts(0)
	if err != nil || len(first) != 2*maxReceipts || next != maxReceipts {
		t.Fatalf("%d receipts up to %d, %v", len(first), next, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, path, nil)
	rest, last, err := b.Receipts(next)
	if err != nil || len(rest) != 4 || last != maxReceipts+2 || rest[0].Touch.Patient != fmt.Sprintf("P-%d", maxReceipts) {
		t.Errorf("%+v up to %d, %v", rest, last, err)
	}
	if none, end, err := b.Receipts(last); err != nil || none != nil || end != last {
		t.Errorf("at the end: %+v up to %d, %v", none, end, err)
	}
	if again, _, err := b.Receipts(next); err != nil || !reflect.DeepEqual(again, rest) {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	for _, wrong := range []Position{-1, last + 1} {
		if _, _, err := b.Receipts(wrong); dental.KindOf(err) != dental.Invalid {
			t.Errorf("position %d: %v", wrong, err)
		}
	}
}

func TestACancelledMessageIsNotSent(t *testing.T) {
	b := open(t, newPath(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Channel(dental.SMS).Send(ctx, message(1))
	if !errors.As(err, new(*outreach.Refusal)) || !errors.Is(err, outreach.ErrNotSent) || b.count() != 0 {
		t.Errorf("%v, kept %d", err, b.count())
	}
}

func TestAClosedOutboxRefuses(t *testing.T) {
	b := open(t, newPath(t), nil)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := b.Channel(dental.SMS).Send(t.Context(), message(1))
	var r *outreach.Refusal
	if !errors.As(err, &r) || !r.Later || !errors.Is(err, outreach.ErrNotSent) {
		t.Errorf("got %v", err)
	}
}

func TestAnOutboxNeedsAClock(t *testing.T) {
	if _, err := Open(newPath(t), Options{}); dental.KindOf(err) != dental.Invalid {
		t.Errorf("got %v", err)
	}
}

// disk is a file in memory that counts, and fails where it is told to.
type disk struct {
	mu        sync.Mutex
	data      []byte
	synced    int
	syncs     int
	atSync    func()
	failWrite error
	failSync  error
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failWrite != nil {
		d.data = append(d.data, p[:len(p)/2]...)
		return len(p) / 2, d.failWrite
	}
	d.data = append(d.data, p...)
	return len(p), nil
}

func (d *disk) Sync() error {
	if d.atSync != nil {
		d.atSync()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.failSync == nil {
		d.synced = len(d.data)
	}
	return d.failSync
}

func (d *disk) ReadAt(p []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.NewReader(d.data).ReadAt(p, at)
}

func (d *disk) Close() error { return nil }

func TestAMessageIsAcceptedWhenItIsOnTheDiskAndNotBefore(t *testing.T) {
	d := &disk{}
	b := &Outbox{options: Options{Now: ticking()}, file: d}
	d.atSync = func() {
		if b.count() != 0 {
			t.Error("the message is seen before it is synced")
		}
	}
	send(t, b, 1)
	if d.synced != len(d.data) || d.synced == 0 {
		t.Errorf("%d of %d bytes are synced", d.synced, len(d.data))
	}
}

func TestMessagesUnderWayAtOnceShareASync(t *testing.T) {
	d := &disk{}
	b := &Outbox{options: Options{Now: ticking()}, file: d}
	first, release := make(chan struct{}), make(chan struct{})
	d.atSync = sync.OnceFunc(func() { close(first); <-release })
	const senders = 2*maxBatch + 1
	ids := make([]string, senders)
	var wg sync.WaitGroup
	sendOne := func(n int) {
		wg.Go(func() {
			var err error
			if ids[n], err = b.Channel(dental.SMS).Send(context.Background(), message(n)); err != nil {
				t.Error(err)
			}
		})
	}
	sendOne(0)
	<-first
	for n := 1; n < senders; n++ {
		sendOne(n)
	}
	for waiting := 0; waiting < senders-1; {
		runtime.Gosched()
		b.mu.Lock()
		waiting = len(b.waiting)
		b.mu.Unlock()
	}
	close(release)
	wg.Wait()

	// The first alone, and the rest in two batches as large as they may be.
	if d.syncs != 3 {
		t.Errorf("%d messages took %d syncs", senders, d.syncs)
	}
	kept := map[string]string{}
	for _, m := range messages(t, b) {
		kept[m.ID] = m.Patient
	}
	for n, id := range ids {
		if want := fmt.Sprintf("P-%d", n); kept[id] != want {
			t.Errorf("%s is the message to %q, want %q", id, kept[id], want)
		}
	}
}

func TestAfterAnErrorOfTheDiskNothingIsCertainAndNothingMoreIsSent(t *testing.T) {
	full := errors.New("no space left on device")
	for name, d := range map[string]*disk{
		"the write fails": {failWrite: full},
		"the sync fails":  {failSync: full},
	} {
		t.Run(name, func(t *testing.T) {
			b := &Outbox{options: Options{Now: ticking()}, file: d}
			_, err := b.Channel(dental.SMS).Send(t.Context(), message(1))
			if !errors.Is(err, full) || errors.As(err, new(*outreach.Refusal)) {
				t.Errorf("the message under way: %v", err)
			}
			d.failWrite, d.failSync = nil, nil
			size := len(d.data)
			_, err = b.Channel(dental.SMS).Send(t.Context(), message(2))
			if !errors.Is(err, full) || !errors.Is(err, outreach.ErrNotSent) || len(d.data) != size {
				t.Errorf("the message after it: %v, %d bytes more", err, len(d.data)-size)
			}
			if b.count() != 0 {
				t.Errorf("%d messages are seen", b.count())
			}
		})
	}
}

// child is set in the process that TestKill starts: the file to send into.
const child = "OUTBOX_TEST_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(child); path != "" {
		sendUntilKilled(path)
	}
	os.Exit(m.Run())
}

// sendUntilKilled sends from several goroutines and prints each accepted id.
func sendUntilKilled(path string) {
	b, err := Open(path, Options{Now: ticking()})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id, err := b.Channel(dental.SMS).Send(context.Background(), message(n))
				if err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println(id)
			}
		})
	}
	wg.Wait()
	os.Exit(1)
}

func TestKillLosesNothingThatWasAccepted(t *testing.T) {
	path := newPath(t)
	accepted := map[string]bool{}
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), child+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		for n := 0; in.Scan(); n++ {
			if strings.HasPrefix(in.Text(), "failed") {
				t.Error(in.Text())
			}
			if accepted[in.Text()] {
				t.Errorf("round %d: %s was accepted twice", round, in.Text())
			}
			accepted[in.Text()] = true
			if n == 20+7*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
	}
	if len(accepted) < 100 {
		t.Fatalf("only %d messages were accepted", len(accepted))
	}
	b := open(t, path, nil)
	kept := map[string]bool{}
	for _, m := range messages(t, b) {
		kept[m.ID] = true
	}
	for id := range accepted {
		if !kept[id] {
			t.Errorf("%s was accepted and is gone", id)
		}
	}
}
