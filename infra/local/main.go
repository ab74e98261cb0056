// Local is the whole product on one machine, for trying it out, for tests and
// for a single practice: the second composition root beside functions/*. The
// very handlers of the Lambdas are called with the very JSON of their events,
// through lambdaio, over an embedded table, queues in memory that repeat and
// reorder, and an outbox in place of the providers. Their routes, schedules,
// queues and time-outs are read from template.yaml.
//
// The environment, everything with a default:
//
//	PORT        the port on 127.0.0.1 (8080); 0 takes any that is free
//	LOCAL_DIR   where the state is kept (.local)
//	LOCAL_NOW   RFC 3339: where the clock of a fresh LOCAL_DIR starts (real time)
//	LOCAL_ONLY  0 switches the paths under /_local off
//	BASE_URL    the URL that patients' links begin with and the desk stands under,
//	            behind a reverse proxy: https, or http on this machine
//	OPERATOR    the address of who may make clinics, and owns the first one where
//	            LOCAL_ONLY=0 (owner@example.com)
//	TEMPLATE    the path of template.yaml (template.yaml in the working folder)
//	LOG         debug, info, warn or error (error)
//	SMTP_HOST   the mail server that e-mail leaves by, in place of the outbox; it
//	            needs LOCAL_ONLY=0 and a clock that was never moved
//	SMTP_TLS    starttls, implicit, or none to a server on this machine (starttls)
//	SMTP_PORT   the server's port (587, 465 or 25, by SMTP_TLS)
//	SMTP_USER, SMTP_PASSWORD   the account there (none)
//	MAIL_FROM   the address that e-mail is from; SMTP_HOST needs it
//
// Under /_local are the patients' phones, the clock and what tools look at:
// GET /_local/measures?clinic=demo[&from=2026-03-10&to=2026-04-09] gives the
// desk's figures of some days, of the twelve months to date without them, in the
// fields of measure.Figures.
//
// LOCAL_DIR holds the state and nothing else does: table.db, outbox.jsonl (every
// message that left, but for e-mail by SMTP_HOST), keys.json (the secrets behind
// hashes and links), clock, receipts (how far the outbox's receipts were read),
// session.key (of the desk's sessions), files.key (of upload and download URLs),
// inbox (a folder for each clinic: what is laid there is imported), imports (files
// under way, and reports), and the identity provider's issuer.json
// (its signing key) and people.json (who has a password, hashed). kill -9 at any
// point loses nothing that was accepted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
	_ "time/tzdata" // the clinics' zones, where the machine has no zone files
)

func main() {
	// What lives on the heap is a few megabytes: collected at each doubling of
	// that, the moving of a clock would spend two fifths of its time on it.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	// An import of a million lines leaves much to collect: it is to fit a small box.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(160 << 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.LookupEnv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "It cannot run:\n%v\n", err)
		os.Exit(1)
	}
}

// run is the program until ctx ends.
func run(ctx context.Context, lookup func(string) (string, bool), out, errs io.Writer) error {
	p, err := prepare(lookup)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: p.level}))
	l, listenErr := listen(p.port)
	base := ""
	if l != nil {
		base = "http://" + l.Addr().String()
	}
	m, openErr := open(p, base, log)
	if err := errors.Join(listenErr, openErr); err != nil {
		if l != nil {
			_ = l.Close()
		}
		if openErr == nil {
			err = errors.Join(err, m.close())
		}
		return err
	}
	if err := m.greet(out, base); err != nil {
		return errors.Join(err, l.Close(), m.close())
	}
	return m.serve(ctx, l)
}

// listen takes the port, on this machine's own address alone.
func listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("PORT=%d: another program listens there; set PORT to another", port)
	}
	if err != nil {
		return nil, fmt.Errorf("PORT=%d: %w", port, err)
	}
	return l, nil
}

// greet prints where everything is.
func (m *machine) greet(out io.Writer, url string) error {
	secret, err := m.settings.Secret(m.work, demo, m.clock.Now())
	if err != nil {
		return err
	}
	lines := fmt.Sprintf("Return Point: %s, the clock shows %s\n\n  webhook   %s/v1/clinics/%s/events\n  secret    %s\n",
		url, m.clock.Now().In(m.shown().loc).Format(time.RFC3339), url, demo, string(secret))
	lines += fmt.Sprintf("  desk      %s/desk\n", m.parts.base)
	signIn, err := m.signInLines()
	if err != nil {
		return err
	}
	lines += signIn
	if m.plan.console {
		lines += fmt.Sprintf("  phones    %s/_local/messages\n", url)
	}
	if m.mail != nil {
		lines += fmt.Sprintf("  e-mail    leaves for real, by the %v\n", m.mailServer)
	}
	_, err = io.WriteString(out, lines+"\n")
	return err
}
