// Demo lives a year of a dental practice against a running `make run`: it posts
// the events that the practice's own system would, signed, moves the clock
// through the days, does what patients do with the messages that reach them and
// what staff do about their tasks, and prints what came of it by scenario. In the
// end it reckons the desk's figures a second time and says whether they agree.
//
//	go run ./infra/demo [-days 365] [-patients 200] [-seed 1] [-clinic demo] [-url http://127.0.0.1:8080]
//
// PORT changes the port of the URL. Who the patients are and how they behave is
// imagined: infra/demo/practice/odds.go says how.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
	_ "time/tzdata" // the clinic's zone, where the machine has no zone files

	"github.com/returnpoint/returnpoint/infra/demo/practice"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv("PORT"), os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
		os.Exit(1)
	}
}

// zone is the one that the demo clinic works in.
const zone = "Europe/Moscow"

func run(ctx context.Context, args []string, port string, out, errs io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(errs)
	days := flags.Int("days", 365, "how many days to live through")
	patients := flags.Int("patients", 200, "how many patients the practice has")
	seed := flags.Uint64("seed", 1, "another number is another practice")
	clinic := flags.String("clinic", "demo", "the clinic to post for")
	base := flags.String("url", "http://127.0.0.1:"+cmp.Or(port, "8080"), "where `make run` answers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *days < 1 || *days > 3660 || *patients < 1 || *patients > 5000 {
		return errors.New("days are 1 to 3660, patients 1 to 5000")
	}
	began := time.Now()
	box := newBox(ctx, strings.TrimSuffix(*base, "/"), *clinic)
	if err := box.open(); err != nil {
		return err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return fmt.Errorf("load the zone %s: %w", zone, err)
	}
	start := box.now
	life := practice.New(practice.Options{Seed: *seed, Patients: *patients, Start: start, Days: *days, Loc: loc})
	audit, err := newAudit(box, loc)
	if err != nil {
		return err
	}
	told, err := live(box, life, audit, newBar(errs))
	if err != nil {
		return err
	}
	if err := box.moveTo(start.AddDate(0, 0, *days)); err != nil {
		return err
	}
	if err := told.tasks.see(box, nil); err != nil {
		return err
	}
	if err := report(out, box, told, start, loc); err != nil {
		return err
	}
	if err := audit.report(out); err != nil {
		return err
	}
	return box.bill(out, *days, *patients, time.Since(began))
}

// told is what the demo itself did and saw.
type told struct {
	events map[string]int
	acts   map[deed]int
	tasks  seen
	ledger ledger
	waits  int // events that were told to wait, by 429
	audit  *audit
}

// deed is a kind of thing that patients do about a message; without effect when
// it came too late.
type deed struct{ scenario, step, what, late string }

// seen are the tasks that stood on the staff's list, by id.
type seen map[string]practice.Task

// see reads the staff's list and hands it to them.
func (s seen) see(box *box, life *practice.Practice) error {
	tasks, err := box.tasks()
	if err != nil {
		return err
	}
	for _, t := range tasks {
		s[t.ID] = t
		if life != nil {
			life.Hand(t)
		}
	}
	return nil
}

// live does one happening after another, each at its time.
func live(box *box, life *practice.Practice, audit *audit, bar *bar) (told, error) {
	t := told{events: map[string]int{}, acts: map[deed]int{}, tasks: seen{}, ledger: newLedger(), audit: audit}
	defer bar.clear()
	for {
		h, ok := life.Next()
		if !ok {
			return t, nil
		}
		bar.show(life.Share(), box.now)
		if err := box.moveTo(h.At); err != nil {
			return t, err
		}
		if err := t.do(box, life, h); err != nil {
			return t, err
		}
	}
}

// do does one of them.
func (t *told) do(box *box, life *practice.Practice, h practice.Happening) error {
	switch {
	case h.Event != nil:
		waited, err := box.post(*h.Event)
		if err != nil {
			return err
		}
		t.waits += waited
		t.events[string(h.Event.Type)]++
		t.ledger.enter(*h.Event, h.At)
		t.audit.book.Post(*h.Event)
	case h.Act != nil:
		late, err := box.act(*h.Act)
		if err != nil {
			return err
		}
		t.acts[deed{h.Act.Scenario, h.Act.Step, h.Act.What, late}]++
		if late == "" {
			t.audit.answered(*h.Act)
		}
		if phone := h.Act.Form.Get("phone"); phone != "" && late == "" {
			t.ledger.lead(phone, h.Act.Scenario, h.At)
		}
	case h.Phones:
		messages, err := box.news()
		if err != nil {
			return err
		}
		for _, m := range messages {
			life.Show(m)
		}
	case h.Desk:
		return t.tasks.see(box, life)
	}
	return nil
}

// bar shows progress on a terminal, and nothing anywhere else.
type bar struct {
	out   io.Writer // nil for nothing
	shown int
}

func newBar(out io.Writer) *bar {
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &bar{out: out, shown: -1}
		}
	}
	return &bar{}
}

const barWidth = 40

func (b *bar) show(share float64, now time.Time) {
	full := int(share * barWidth)
	if b.out == nil || full == b.shown {
		return
	}
	b.shown = full
	_, _ = fmt.Fprintf(b.out, "\r[%s%s] %s ", strings.Repeat("#", full), strings.Repeat(".", max(0, barWidth-full)), now.Format(time.DateOnly))
}

func (b *bar) clear() {
	if b.out != nil {
		_, _ = fmt.Fprint(b.out, "\r", strings.Repeat(" ", barWidth+16), "\r")
	}
}
