// Audit has a running clinic's quiet base counted, and shows what came of it: who
// has not been for long, whose treatment has stopped, who can be reached, and what
// that is worth. It asks a machine that make run has started, prints the figures
// and writes them as a table.
//
//	go run ./infra/audit -clinic demo -to audit.csv
package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"
	"unicode/utf8"
)

func main() {
	clinic := flag.String("clinic", "demo", "whose base")
	at := flag.String("at", "http://127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), "where make run says it is")
	to := flag.String("to", "audit.csv", "where the table goes; \"\" writes none")
	backlog := flag.Int("backlog", 10, "of those whose day has passed, how many a day the scenarios that are off would take up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *at, *clinic, *to, *backlog, time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
}

// answer is the console's.
type answer struct {
	Running  bool
	Progress string
	Table    [][]string
}

func run(ctx context.Context, out io.Writer, at, clinic, to string, backlog int, every time.Duration) error {
	path := strings.TrimSuffix(at, "/") + "/_local/audit?" + url.Values{"clinic": {clinic}, "backlog": {fmt.Sprint(backlog)}}.Encode()
	if err := ask(ctx, http.MethodPost, path, nil); err != nil {
		return err
	}
	var a answer
	for said := ""; ; {
		a = answer{}
		if err := ask(ctx, http.MethodGet, path, &a); err != nil {
			return err
		}
		if !a.Running {
			break
		}
		if a.Progress != said {
			said = a.Progress
			_, _ = fmt.Fprintln(out, said)
		}
		select {
		case <-ctx.Done():
			return errors.New("broken off; the counting goes on by itself")
		case <-time.After(every):
		}
	}
	if len(a.Table) == 0 {
		return errors.New("the machine has counted nothing")
	}
	show(out, a.Table)
	if to == "" {
		return nil
	}
	return write(to, a.Table)
}

// ask asks the machine, and reads its answer into an answer where there is one.
func ask(ctx context.Context, method, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, path, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("nothing answers; is make run up? %w", err)
	}
	defer func() { _ = got.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(got.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if got.StatusCode >= 300 {
		return fmt.Errorf("%s is answered %d: %.300s", method, got.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// show prints the table, section by section, in columns. What stands alone is a sentence.
func show(out io.Writer, table [][]string) {
	widest := 0
	for _, row := range table[1:] {
		if row[2] != "" {
			widest = max(widest, utf8.RuneCountInString(row[1]))
		}
	}
	section := ""
	for _, row := range table[1:] {
		switch {
		case row[1] == "":
			_, _ = fmt.Fprintln(out, row[0])
			continue
		case row[0] != section:
			section = row[0]
			_, _ = fmt.Fprintf(out, "\n%s\n", section)
		}
		if row[2] == "" {
			_, _ = fmt.Fprintf(out, "  %s\n", row[1])
			continue
		}
		share := row[3]
		if share != "" {
			share += " %"
		}
		_, _ = fmt.Fprintf(out, "  %s%s %14s %9s\n", row[1], strings.Repeat(" ", widest-utf8.RuneCountInString(row[1])), row[2], share)
	}
}

// write writes the table as the desk does: UTF-8 with a mark, semicolons, no cell a formula.
func write(to string, table [][]string) (err error) {
	f, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString("\ufeff"); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	w := csv.NewWriter(f)
	w.Comma, w.UseCRLF = ';', true
	for _, row := range table {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = cell; cell != "" && strings.ContainsRune("=+-@\t\r\n|", rune(cell[0])) {
				cells[i] = "'" + cell
			}
		}
		if err := w.Write(cells); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
	}
	w.Flush()
	return w.Error()
}
