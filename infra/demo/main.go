// Demo lives a month of a dental practice against a running `make run`: it posts
// the events that the practice's own system would, signed, moves the clock
// through the days, does what patients do with the messages that reach them,
// and prints what came of it.
//
//	go run ./infra/demo [-days 30] [-patients 60] [-seed 1] [-clinic demo] [-url http://127.0.0.1:8080]
//
// PORT changes the port of the URL.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
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
	days := flags.Int("days", 30, "how many days to live through")
	patients := flags.Int("patients", 60, "how many patients the practice has")
	seed := flags.Uint64("seed", 1, "another number is another practice")
	clinic := flags.String("clinic", "demo", "the clinic to post for")
	base := flags.String("url", "http://127.0.0.1:"+cmp.Or(port, "8080"), "where `make run` answers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *days < 1 || *days > 3660 || *patients < 1 || *patients > 99_99 {
		return errors.New("days are 1 to 3660, patients 1 to 9999")
	}
	began := time.Now()
	box := &box{ctx: ctx, base: strings.TrimSuffix(*base, "/"), clinic: *clinic, client: &http.Client{
		Timeout: 10 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if err := box.open(); err != nil {
		return err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return fmt.Errorf("load the zone %s: %w", zone, err)
	}
	start := box.now
	life := practice.New(practice.Options{Seed: *seed, Patients: *patients, Start: start, Days: *days, Loc: loc})
	told, err := live(box, life, newBar(errs))
	if err != nil {
		return err
	}
	if err := box.moveTo(start.AddDate(0, 0, *days)); err != nil {
		return err
	}
	return report(out, box, told, start, loc, time.Since(began))
}

// told counts what the demo itself did.
type told struct {
	events map[string]int
	acts   map[string]int
	waits  int // events that were told to wait, by 429
}

// live does one happening after another, each at its time, and shows patients
// the messages that have left meanwhile.
func live(box *box, life *practice.Practice, bar *bar) (told, error) {
	t := told{events: map[string]int{}, acts: map[string]int{}}
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
		switch {
		case h.Event != nil:
			waited, err := box.post(*h.Event)
			if err != nil {
				return t, err
			}
			t.waits += waited
			t.events[string(h.Event.Type)]++
			continue
		case h.Act != nil:
			outcome, err := box.act(*h.Act)
			if err != nil {
				return t, err
			}
			t.acts[h.Act.What+outcome]++
			continue
		}
		messages, err := box.news()
		if err != nil {
			return t, err
		}
		for _, m := range messages {
			life.Show(m)
		}
	}
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
