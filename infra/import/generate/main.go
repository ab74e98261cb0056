// Generate writes a base of so many lines, as a clinic might bring it, and
// beside it what an import of it comes to.
//
//	go run ./infra/import/generate -lines 1000000 -out base.csv -truth truth.json
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/returnpoint/returnpoint/infra/import/cardfile"
)

func main() {
	lines := flag.Int64("lines", 1_000_000, "how many lines")
	seed := flag.Uint64("seed", 1, "another seed is another base")
	today := flag.String("today", time.Now().Format(time.DateOnly), "the day after the last visit")
	out := flag.String("out", "base.csv", "the file")
	truth := flag.String("truth", "", "the file of what ought to come of it; none without")
	flag.Parse()
	if err := generate(*out, *truth, *lines, *seed, *today); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(out, truth string, lines int64, seed uint64, today string) error {
	day, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	f, err := os.Create(out)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	told, err := cardfile.Write(f, lines, seed, day)
	if err = errors.Join(err, f.Close()); err != nil || truth == "" {
		return err
	}
	raw, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	return os.WriteFile(truth, raw, 0o600)
}
