// Import sends a file to a clinic, or every file of a folder one after another,
// and shows how it is taken in:
//
//	make import FILE=base.csv CLINIC=demo
//	make import FILE=clients.xlsx CLINIC=smile SYSTEM=yclients
//	RETURN_POINT_URL=https://rp.example WEBHOOK_SECRET=whsec_… make import FILE=exports/ CLINIC=smile
//
// A file is told by the end of its name: .csv or .txt, .xlsx, .json (a FHIR Bundle),
// .ndjson and .jsonl (FHIR resources or the product's own events), each also
// with .gz behind. SYSTEM says of which system a table is an export: yclients,
// sqns, renovatio, fhir, opendental or bitrix24. Its patients are then those whom
// that system tells of by itself. Without WEBHOOK_SECRET it asks the machine at the URL, which
// only one on loopback tells.
//
// It ends with 0 when every file was read to its end, 1 when one was not, and 2
// when it was called wrongly. What was refused or left out of a file stands in a
// report beside it, base.csv.report.csv, where there is any.
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
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/returnpoint/returnpoint/shared/load"
)

func main() {
	file := flag.String("file", os.Getenv("FILE"), "the file, or a folder of files (FILE)")
	clinic := flag.String("clinic", cmp.Or(os.Getenv("CLINIC"), "demo"), "the clinic's id (CLINIC)")
	url := flag.String("url", cmp.Or(os.Getenv("RETURN_POINT_URL"), "http://127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080")), "where the product is (RETURN_POINT_URL)")
	system := flag.String("system", os.Getenv("SYSTEM"), "the system that a table is an export of (SYSTEM)")
	detach := flag.Bool("detach", false, "upload, print the import's id and do not wait for it")
	flag.Parse()
	if *file == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "make import FILE=base.csv CLINIC=demo: FILE names a file, or a folder of files")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *file, *clinic, strings.TrimSuffix(*url, "/"), os.Getenv("WEBHOOK_SECRET"), *system, *detach, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run imports a file, or each file of a folder; one that fails stops no other.
func run(ctx context.Context, path, clinic, url, secret, system string, detach bool, out io.Writer) error {
	files, err := filesOf(path)
	if err != nil {
		return err
	}
	c, err := dial(ctx, url, clinic, secret)
	if err != nil {
		return err
	}
	var total standing
	var failed []error
	for i, f := range files {
		if len(files) > 1 {
			_, _ = fmt.Fprintf(out, "%d of %d: %s\n", i+1, len(files), filepath.Base(f))
		}
		s, err := c.send(ctx, f, system, detach, newBar(out))
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", f, err))
			if ctx.Err() != nil {
				break
			}
			continue
		}
		total.add(s)
	}
	if len(files) > 1 && !detach {
		_, _ = fmt.Fprintf(out, "%d files: %s\n", len(files)-len(failed), total)
	}
	return errors.Join(failed...)
}

// filesOf is a file, or the files of a folder that can be imported, by name.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	var out []string
	for _, e := range entries {
		if _, known := load.FormatOf(bare(e.Name()), nil); known && !e.IsDir() && !strings.HasSuffix(e.Name(), reportEnd) {
			out = append(out, filepath.Join(path, e.Name()))
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		return nil, fmt.Errorf("import: the name of no file of %s ends in one of %s", path, load.Ends)
	}
	return out, nil
}
