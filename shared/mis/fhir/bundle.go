package fhir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
	"github.com/returnpoint/returnpoint/shared/load"
)

// BundleFormat reads a file with one Bundle, of whatever type, entry by entry:
// it holds one entry at a time, and one that cannot be read stops no other. A
// file with a single resource is read as a Bundle of it. Either may be packed
// by gzip.
type BundleFormat struct{}

// Scan is load.Format's.
func (BundleFormat) Scan(ctx context.Context, f load.File, from string, o load.Options) (load.Scanner, error) {
	b := &bundleScanner{file: f, listener: listen(o.Clinic, account(o.Clinic), o.Now), seen: map[string]bool{}}
	if from == atEnd {
		b.done = true
		return b, nil
	}
	var err error
	if from != "" {
		var at int64
		if at, b.n, err = placed(from); err != nil {
			return nil, err
		}
		if b.stream, err = open(ctx, f, at); err != nil {
			return nil, err
		}
		b.seen["entry"], b.isBundle = true, true
		return b, nil
	}
	if b.stream, err = open(ctx, f, 0); err != nil {
		return nil, err
	}
	if err := b.begin(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// account is the clinic's with its FHIR server, the zero one where it has none.
func account(cl *dental.Clinic) dental.Account { return cl.Accounts[dental.FHIR] }

// atEnd is the place after all.
const atEnd = "end"

type bundleScanner struct {
	listener
	file   load.File
	stream *stream
	n      int64 // entries read
	seen   map[string]bool
	// isBundle: its type was said. single: it is a resource by itself.
	isBundle, single, done bool
}

func (b *bundleScanner) Close() error {
	if b.stream == nil {
		return nil
	}
	return b.stream.Close()
}

// begin reads on to the first entry.
func (b *bundleScanner) begin() error {
	if head, _ := b.stream.Peek(3); string(head) == "\ufeff" {
		_, _ = b.stream.Discard(3)
		b.stream.at += 3
	}
	if c, err := b.stream.next(); err != nil {
		return b.broken(err)
	} else if c != '{' {
		return &load.Fault{Code: "fhir-no-document"}
	}
	if _, err := b.stream.take(); err != nil {
		return b.broken(err)
	}
	entries, err := b.members()
	if err != nil {
		return err
	}
	b.done = !entries && !b.single
	return nil
}

// members reads the Bundle's own members, up to the entries or its end.
func (b *bundleScanner) members() (entries bool, err error) {
	for {
		c, err := b.stream.next()
		if err != nil {
			return false, b.broken(err)
		}
		switch c {
		case ',':
			_, _ = b.stream.take()
			continue
		case '}':
			_, _ = b.stream.take()
			if !b.isBundle {
				return false, &load.Fault{Column: "resourceType", Code: "fhir-not-bundle"}
			}
			return false, b.alone()
		case '"':
		default:
			return false, b.syntax()
		}
		raw, _, err := b.stream.value(1 << 10)
		if err != nil {
			return false, b.broken(err)
		}
		var name string
		if json.Unmarshal(raw, &name) != nil {
			return false, b.syntax()
		}
		if b.seen[name] {
			return false, &load.Fault{Column: line(name), Code: "fhir-duplicate"}
		}
		if b.seen[name] = true; len(b.seen) > 100 {
			return false, &load.Fault{Code: "fhir-not-bundle"}
		}
		if c, err = b.stream.next(); err != nil {
			return false, b.broken(err)
		} else if c != ':' {
			return false, b.syntax()
		}
		_, _ = b.stream.take()
		if c, err = b.stream.next(); err != nil {
			return false, b.broken(err)
		}
		if name == "entry" && c == '[' {
			_, err := b.stream.take()
			return true, err
		}
		if raw, _, err = b.stream.value(1 << 10); err != nil {
			return false, b.broken(err)
		}
		if name == "resourceType" {
			var kind string
			if json.Unmarshal(raw, &kind) != nil || !typeName.MatchString(kind) {
				return false, &load.Fault{Column: "resourceType", Code: "fhir-not-bundle"}
			}
			if b.isBundle = kind == "Bundle"; !b.isBundle {
				if b.n > 0 || b.seen["entry"] {
					return false, &load.Fault{Column: "resourceType", Code: "fhir-not-bundle"}
				}
				b.single = true
				return false, nil
			}
		}
	}
}

// alone refuses what follows the document.
func (b *bundleScanner) alone() error {
	c, err := b.stream.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return b.broken(err)
	case c == 0x1a && b.stream.zip == nil: // the mark with which old programs end a text
		return nil
	}
	return b.syntax()
}

func (b *bundleScanner) where() string { return fmt.Sprintf("entry[%d]", b.n) }

// syntax says that the file is no JSON from here on, and broken why it could
// not be read on.
func (b *bundleScanner) syntax() error {
	return &load.Fault{Column: b.where(), Code: "fhir-not-json", Detail: strconv.FormatInt(b.stream.at+1, 10)}
}

func (b *bundleScanner) broken(err error) error {
	err = b.stream.fault(err)
	if f, is := errors.AsType[*load.Fault](err); is {
		f.Column = b.where()
	}
	return err
}

// Next is load.Scanner's.
func (b *bundleScanner) Next(ctx context.Context) (load.Record, error) {
	if b.done {
		return load.Record{}, io.EOF
	}
	if err := ctx.Err(); err != nil {
		return load.Record{}, fmt.Errorf("fhir: read the file: %w", err)
	}
	if b.single {
		return b.resource(ctx)
	}
	c, err := b.stream.next()
	if err == nil && c == ',' && b.n > 0 {
		_, _ = b.stream.take()
		c, err = b.stream.next()
		if err == nil && c == ']' {
			return load.Record{}, b.syntax()
		}
	} else if err == nil && c != ']' && b.n > 0 {
		return load.Record{}, b.syntax()
	}
	switch {
	case err != nil:
		return load.Record{}, b.broken(err)
	case c == ']':
		_, _ = b.stream.take()
		if _, err := b.members(); err != nil {
			return load.Record{}, err
		}
		b.done = true
		return load.Record{}, io.EOF
	case c == ',' || c == '}' || c == ':':
		return load.Record{}, b.syntax()
	}
	raw, long, err := b.stream.value(MaxResource)
	if err != nil {
		return load.Record{}, b.broken(err)
	}
	b.n++
	r := load.Record{Line: b.n, Place: place(b.stream.at, b.n), Read: b.stream.behind()}
	if long {
		r.Fault = tooLarge()
		return r, nil
	}
	objects, p := b.entry(raw)
	return record(r, objects, p), nil
}

// record says what a resource comes to.
func record(r load.Record, objects []intake.Object, p *problem) load.Record {
	if p != nil {
		r.Fault = &p.Fault
		return r
	}
	r.Objects = objects
	return r
}

func tooLarge() *load.Fault {
	return &load.Fault{Code: "fhir-large", Detail: strconv.Itoa(MaxResource >> 20)}
}

// resource reads the whole file as one resource.
func (b *bundleScanner) resource(ctx context.Context) (load.Record, error) {
	if err := b.stream.Close(); err != nil {
		return load.Record{}, fmt.Errorf("fhir: close the file: %w", err)
	}
	s, err := open(ctx, b.file, 0)
	if err != nil {
		return load.Record{}, err
	}
	b.stream, b.done = s, true
	if head, _ := s.Peek(3); string(head) == "\ufeff" {
		_, _ = s.Discard(3)
	}
	if _, err := s.next(); err != nil {
		return load.Record{}, b.broken(err)
	}
	raw, long, err := s.value(MaxResource)
	if err != nil {
		return load.Record{}, b.broken(err)
	}
	r := load.Record{Line: 1, Place: atEnd, Read: s.behind()}
	if long {
		r.Fault = tooLarge()
		return r, nil
	}
	if err := b.alone(); err != nil {
		return load.Record{}, err
	}
	objects, p := b.listener.resource(raw, entry{})
	return record(r, objects, p), nil
}
