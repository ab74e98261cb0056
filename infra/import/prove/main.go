// Prove imports a base of so many lines on one machine, kills the machine with
// SIGKILL at a random point, starts it again, and holds what is in the end known
// of each patient to what the lines say. It prints how fast it was and how much
// anonymous memory the machine had at the most.
//
//	go run ./infra/import/prove -lines 1000000
//
// From a million lines on the limits of the product are held: 3,000 lines a
// second over the whole file and 200 MB. Below, where starting weighs more and
// other programs run beside, a sixth of the speed is asked for.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/returnpoint/returnpoint/infra/import/cardfile"
)

// The limits.
const (
	whole     = 1_000_000
	speed     = 3000 // lines a second over the whole file
	leastPart = 6    // that part of it is asked for of a smaller file, on a machine that may be busy
	memory    = 200  // MB, anonymous
)

func main() {
	lines := flag.Int64("lines", 60_000, "how many lines")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "what decides when it is killed, and the lines")
	kill := flag.Bool("kill", true, "kill it at a random point")
	flag.Parse()
	p := prover{lines: *lines, kill: *kill, random: rand.New(rand.NewPCG(*seed, 0)), seed: *seed}
	if err := p.run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "import: seed %d: %v\n", *seed, err)
		os.Exit(1)
	}
}

type prover struct {
	lines  int64
	kill   bool
	seed   uint64
	random *rand.Rand

	folder string
	port   string

	mu   sync.Mutex
	most int // KB of anonymous memory
}

func (p *prover) run(ctx context.Context) (err error) {
	if p.folder, err = os.MkdirTemp("", "import-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.folder)) }()
	local, tool := p.in("local"), p.in("import")
	for out, pkg := range map[string]string{local: "./infra/local", tool: "./infra/import"} {
		if said, err := exec.CommandContext(ctx, "go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
		}
	}
	truth, bytes, err := p.generate()
	if err != nil {
		return err
	}
	fmt.Printf("%d lines, %d MB, %d patients\n", truth.Lines, bytes>>20, truth.Patients)

	machine, err := p.start(ctx, local)
	if err != nil {
		return err
	}
	defer func() { machine.end() }()
	began := time.Now()
	sending := exec.CommandContext(ctx, tool)
	sending.Env = append(os.Environ(), "FILE="+p.in("base.csv"), "CLINIC=demo", "WEBHOOK_SECRET=", "RETURN_POINT_URL=http://127.0.0.1:"+p.port)
	sending.Stdout, sending.Stderr = os.Stdout, os.Stderr
	if err := sending.Start(); err != nil {
		return fmt.Errorf("start the import: %w", err)
	}
	over := make(chan error, 1)
	go func() { over <- sending.Wait() }()
	var away time.Duration
	if p.kill {
		// Somewhere in the first two thirds of what the limit of speed allows, of a small
		// file, which is quicker through, in the first quarter.
		span := 600
		if p.lines < whole {
			span = 200
		}
		point := time.Duration(p.lines) * time.Second / speed * time.Duration(50+p.random.IntN(span)) / 1000
		select {
		case err := <-over:
			return fmt.Errorf("the import was over before it could be killed, after %v (%v)", time.Since(began), err)
		case <-time.After(point):
		}
		machine.kill()
		killed := time.Now()
		fmt.Printf("killed after %.1f s\n", killed.Sub(began).Seconds())
		if machine, err = p.start(ctx, local); err != nil {
			return fmt.Errorf("start it again: %w", err)
		}
		away = time.Since(killed)
	}
	if err := <-over; err != nil {
		return fmt.Errorf("the import failed: %w", err)
	}
	took := time.Since(began) - away
	pace := float64(p.lines) / took.Seconds()
	p.mu.Lock()
	most := p.most >> 10
	p.mu.Unlock()
	fmt.Printf("%d lines in %.1f s: %.0f a second; at most %d MB of anonymous memory\n", p.lines, took.Seconds(), pace, most)
	if err := p.compare(ctx, truth); err != nil {
		return err
	}
	least := float64(speed)
	if p.lines < whole {
		least /= leastPart
	}
	if pace < least {
		err = errors.Join(err, fmt.Errorf("%.0f lines a second are less than %.0f", pace, least))
	}
	if most > memory {
		err = errors.Join(err, fmt.Errorf("%d MB of anonymous memory are more than %d", most, memory))
	}
	return err
}

func (p *prover) in(name string) string { return filepath.Join(p.folder, name) }

func (p *prover) generate() (truth cardfile.Truth, size int64, err error) {
	f, err := os.Create(p.in("base.csv"))
	if err != nil {
		return truth, 0, fmt.Errorf("make the file: %w", err)
	}
	truth, err = cardfile.Write(f, p.lines, p.seed, time.Now())
	info, statErr := f.Stat()
	if err = errors.Join(err, statErr, f.Close()); err != nil {
		return truth, 0, fmt.Errorf("make the file: %w", err)
	}
	return truth, info.Size(), nil
}

// process is a running machine.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{}
}

func (p process) kill() { _ = p.cmd.Process.Kill(); <-p.gone } // it may have gone by itself

func (p process) end() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.gone:
	case <-time.After(20 * time.Second):
		p.kill()
	}
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:([0-9]+)`)

// start starts a machine over the folder, on the same port as before, and waits until it answers.
func (p *prover) start(ctx context.Context, binary string) (process, error) {
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "LOCAL_DIR="+p.in("state"), "LOCAL_NOW=", "LOCAL_ONLY=1", "BASE_URL=", "SMTP_HOST=", "PORT="+cmp.Or(p.port, "0"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return process{}, fmt.Errorf("start the machine: %w", err)
	}
	m := process{cmd, make(chan struct{})}
	told := make(chan string, 1)
	go func() {
		defer close(m.gone)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := address.FindStringSubmatch(lines.Text()); found != nil && len(told) == 0 {
				select {
				case told <- found[1]:
				default:
				}
			}
		}
		_ = cmd.Wait()
	}()
	select {
	case p.port = <-told:
	case <-m.gone:
		return m, errors.New("the machine ended by itself")
	case <-time.After(time.Minute):
		m.kill()
		return m, errors.New("the machine does not say where it is")
	}
	go p.watch(m)
	return m, nil
}

var anonymous = regexp.MustCompile(`RssAnon:\s+([0-9]+) kB`)

// watch notes how much anonymous memory the machine has, four times a second.
func (p *prover) watch(m process) {
	for {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
		if found := anonymous.FindSubmatch(raw); err == nil && found != nil {
			n, _ := strconv.Atoi(string(found[1])) // digits alone
			p.mu.Lock()
			p.most = max(p.most, n)
			p.mu.Unlock()
		}
		select {
		case <-m.gone:
			return
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// compare holds what the machine knows to what the lines say.
func (p *prover) compare(ctx context.Context, truth cardfile.Truth) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+p.port+"/_local/patients?clinic=demo", nil)
	if err != nil {
		return fmt.Errorf("ask for the patients: %w", err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("ask for the patients: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	got := cardfile.Truth{Lines: truth.Lines}
	lines := json.NewDecoder(answer.Body)
	for {
		var one struct {
			Phone   *string
			Visits  int64
			Revenue struct{ Total string }
		}
		if err := lines.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read the patients: %w", err)
		}
		got.Patients++
		got.Visits += one.Visits
		if one.Phone != nil && *one.Phone != "" {
			got.Phones++
		}
		kopecks, err := strconv.ParseInt(strings.Replace(one.Revenue.Total, ".", "", 1), 10, 64)
		if err != nil {
			return fmt.Errorf("read the patients: %w", err)
		}
		got.Kopecks += kopecks
	}
	report, err := os.ReadFile(p.in("base.csv.report.csv"))
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	got.Refused = int64(bytes.Count(report, []byte("\r\n")) - 1 - bytes.Count(report, []byte("доб. ")))
	if got != truth {
		return fmt.Errorf("the lines come to %+v, and it is known %+v", truth, got)
	}
	fmt.Printf("as the lines say: %d patients, %d visits, %d lines refused\n", got.Patients, got.Visits, got.Refused)
	return nil
}
