package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/load"
	"github.com/returnpoint/returnpoint/shared/signature"
)

// client speaks the outward contract for one clinic.
type client struct {
	http   *http.Client
	base   string
	clinic string
	secret signature.Secret
	// ahead is how far the clock of the machine is from this one's.
	ahead time.Duration
}

// dial proves that the clinic's secret is known: the one given, or that which a
// machine on loopback tells.
func dial(ctx context.Context, base, clinic, given string) (*client, error) {
	c := &client{http: &http.Client{}, base: base, clinic: clinic}
	if given == "" {
		var told struct {
			Secret string `json:"secret"`
		}
		if err := c.local(ctx, http.MethodPost, "/_local/webhook-secret?clinic="+clinic, &told); err != nil {
			return nil, fmt.Errorf("import: set WEBHOOK_SECRET, or run the machine at %s: %w", base, err)
		}
		given = told.Secret
		var clock struct {
			Now time.Time `json:"now"`
		}
		if err := c.local(ctx, http.MethodGet, "/_local/clock", &clock); err != nil {
			return nil, fmt.Errorf("import: ask for the time: %w", err)
		}
		c.ahead = time.Until(clock.Now)
	}
	secret, err := signature.ParseSecret(given)
	if err != nil {
		return nil, fmt.Errorf("import: WEBHOOK_SECRET: %w", err)
	}
	c.secret = secret
	return c, nil
}

func (c *client) local(ctx context.Context, method, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	_, err = c.do(r, into)
	return err
}

// signed asks the API.
func (c *client) signed(ctx context.Context, method, path string, body []byte, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+"/v1/clinics/"+c.clinic+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	if r.Header, err = signature.Sign("import_"+rand.Text(), time.Now().Add(c.ahead), body, c.secret); err != nil {
		return fmt.Errorf("sign a request: %w", err)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	_, err = c.do(r, into)
	return err
}

// do sends a request and reads the answer, which is JSON where into is not nil.
func (c *client) do(r *http.Request, into any) ([]byte, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", r.URL.Host, err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", r.URL.Host, err)
	}
	if answer.StatusCode >= 300 {
		return nil, &refusal{answer.StatusCode, strings.TrimSpace(string(raw))}
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			return nil, fmt.Errorf("read the answer of %s: %w", r.URL.Host, err)
		}
	}
	return raw, nil
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   string
}

func (r *refusal) Error() string { return fmt.Sprintf("it is answered %d: %.300s", r.status, r.body) }

// standing is how an import stands, in the API's words.
type standing struct {
	State     string `json:"state"`
	Lines     int64  `json:"lines"`
	Accepted  int64  `json:"accepted"`
	Unchanged int64  `json:"unchanged"`
	Refused   int64  `json:"refused"`
	Noted     int64  `json:"noted"`
	Bytes     int64  `json:"bytes"`
	Read      int64  `json:"read"`
	Report    string `json:"report"`
	Problem   string `json:"problem"`
}

func (s *standing) add(o standing) {
	s.Lines, s.Accepted, s.Unchanged = s.Lines+o.Lines, s.Accepted+o.Accepted, s.Unchanged+o.Unchanged
	s.Refused, s.Noted = s.Refused+o.Refused, s.Noted+o.Noted
}

func (s standing) String() string {
	said := fmt.Sprintf("%d lines: %d accepted, %d unchanged, %d refused", s.Lines, s.Accepted, s.Unchanged, s.Refused)
	if s.Noted > 0 {
		said += fmt.Sprintf("; %d taken in without a part of what they say", s.Noted)
	}
	return said
}

// bare is a file's name without the end of a packed one, which is unpacked here.
func bare(name string) string {
	if strings.EqualFold(filepath.Ext(name), ".gz") {
		return name[:len(name)-len(".gz")]
	}
	return name
}

// source is a file to send: what is in it, unpacked, and how long that is, -1 where nobody knows.
type source struct {
	io.Reader
	format string
	size   int64
	close  func() error
}

func open(path string) (s source, err error) {
	if _, known := load.FormatOf(bare(path), nil); !known {
		return s, errors.New("its name ends in none of " + load.Ends)
	}
	f, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("open it: %w", err)
	}
	s.close = f.Close
	info, err := f.Stat()
	if err != nil {
		return s, errors.Join(fmt.Errorf("look at it: %w", err), f.Close())
	}
	s.Reader, s.size = f, info.Size()
	if bare(path) != path {
		if s.Reader, err = gzip.NewReader(f); err != nil {
			return s, errors.Join(fmt.Errorf("unpack it: %w", err), f.Close())
		}
		s.size = -1
	}
	in := bufio.NewReaderSize(s.Reader, 64<<10)
	head, err := in.Peek(load.HeadBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return s, errors.Join(fmt.Errorf("read it: %w", err), f.Close())
	}
	s.Reader = in
	s.format, _ = load.FormatOf(bare(path), head)
	return s, nil
}

// reportEnd is what the report beside a file is called.
const reportEnd = ".report.csv"

// every is how often an import is asked for.
const every = 500 * time.Millisecond

// send imports one file and waits until it is over.
func (c *client) send(ctx context.Context, path, system string, detach bool, b *bar) (standing, error) {
	in, err := open(path)
	if err != nil {
		return standing{}, err
	}
	defer func() { _ = in.close() }() // it was only read
	wish, err := json.Marshal(struct {
		Format string `json:"format"`
		Name   string `json:"name"`
		System string `json:"system,omitempty"`
	}{in.format, filepath.Base(path), system})
	if err != nil {
		return standing{}, fmt.Errorf("ask for an import: %w", err)
	}
	var begun struct{ ID, Upload string }
	if err := c.signed(ctx, http.MethodPost, "/imports", wish, &begun); err != nil {
		return standing{}, fmt.Errorf("ask for an import: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, begun.Upload, io.NopCloser(b.reading(in, in.size)))
	if err != nil {
		return standing{}, fmt.Errorf("upload it: %w", err)
	}
	r.Header.Set("Content-Type", in.format)
	if r.ContentLength = in.size; in.size < 0 { // a bucket takes no upload without its length
		raw, err := io.ReadAll(in)
		if err != nil {
			return standing{}, fmt.Errorf("unpack it: %w", err)
		}
		r.Body, r.ContentLength = io.NopCloser(b.reading(bytes.NewReader(raw), int64(len(raw)))), int64(len(raw))
	}
	if _, err := c.do(r, nil); err != nil {
		return standing{}, fmt.Errorf("upload it: %w", err)
	}
	if detach {
		b.say("import " + begun.ID)
		return standing{}, nil
	}
	s, err := c.follow(ctx, begun.ID, b)
	if err != nil {
		return s, err
	}
	b.say(fmt.Sprintf("%s, %s", s, b.pace(s)))
	if err := c.report(ctx, s, path, b); err != nil {
		return s, err
	}
	if s.State == "failed" {
		return s, fmt.Errorf("it cannot be imported: %s", s.Problem)
	}
	return s, nil
}

// patience is how long an answer that is no answer is borne: a machine may be started again meanwhile.
const patience = 2 * time.Minute

// follow asks how an import stands until it is over.
func (c *client) follow(ctx context.Context, id string, b *bar) (s standing, err error) {
	last := time.Now()
	for {
		err := c.signed(ctx, http.MethodGet, "/imports/"+id, nil, &s)
		refused, answered := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			last = time.Now()
			if b.working(s); s.State == "done" || s.State == "failed" {
				return s, nil
			}
		case answered && refused.status < 500 && refused.status != http.StatusTooManyRequests, time.Since(last) > patience:
			return s, fmt.Errorf("ask how it stands: %w", err)
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("it goes on without this program, as the import %s: %w", id, ctx.Err())
		case <-time.After(every):
		}
	}
}

// report saves what there is to be said of single lines beside the file.
func (c *client) report(ctx context.Context, s standing, path string, b *bar) error {
	if s.Report == "" {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Report, nil)
	if err != nil {
		return fmt.Errorf("get the report: %w", err)
	}
	raw, err := c.do(r, nil)
	if err != nil {
		return fmt.Errorf("get the report: %w", err)
	}
	if lines := bytes.Count(raw, []byte("\n")); lines < 2 { // its head alone
		return nil
	}
	if err := os.WriteFile(path+reportEnd, raw, 0o600); err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	b.say("what was refused or left out, line by line: " + path + reportEnd)
	return nil
}
