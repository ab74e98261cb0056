package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/channel/smtp"
)

// options are what the environment says. Everything has a default.
type options struct {
	port int    // PORT; 0 takes any that is free
	dir  string // LOCAL_DIR
	// start is where the clock of a fresh dir starts, LOCAL_NOW; zero is real time.
	start time.Time
	// console: the paths under /_local are served, unless LOCAL_ONLY=0.
	console bool
	// base is the URL under which patients' links stand, BASE_URL; "" is this
	// machine's own. A box behind a reverse proxy is told its public one.
	base     string
	template string // TEMPLATE, the path of template.yaml
	// operator is the address of who may make clinics, OPERATOR.
	operator string
	level    slog.Level // LOG
	// mailServer is what e-mail leaves by, SMTP_HOST and the others and MAIL_FROM;
	// nil keeps it in the outbox.
	mailServer *smtp.Settings
}

// readOptions reads the environment; one error names everything in it that is wrong.
func readOptions(lookup func(string) (string, bool)) (options, error) {
	var faults []error
	read := func(name, fallback string) string {
		if v, ok := lookup(name); ok && v != "" {
			return v
		}
		return fallback
	}
	judge := func(name string, ok bool, want string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s=%s: %s", name, read(name, ""), want))
		}
	}
	s := options{dir: read("LOCAL_DIR", ".local"), template: read("TEMPLATE", "template.yaml"), operator: strings.ToLower(read("OPERATOR", "owner@example.com")), level: slog.LevelError}
	var err error
	s.port, err = strconv.Atoi(read("PORT", "8080"))
	judge("PORT", err == nil && s.port >= 0 && s.port <= 65535, "must be a port, 0 to 65535")
	if now := read("LOCAL_NOW", ""); now != "" {
		s.start, err = time.Parse(time.RFC3339, now)
		judge("LOCAL_NOW", err == nil && plausible(s.start), "must be a time as in 2026-03-10T11:00:00+03:00, in the years 2000 to 2100")
	}
	only := read("LOCAL_ONLY", "1")
	s.console = only == "1"
	judge("LOCAL_ONLY", only == "0" || only == "1", "must be 1, or 0 to switch the paths under /_local off")
	if s.base = strings.TrimSuffix(read("BASE_URL", ""), "/"); s.base != "" {
		u, err := url.Parse(s.base)
		judge("BASE_URL", err == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Host)) && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "",
			"must be a URL as in https://rp.example, http on this machine alone")
	}
	_, domain, at := strings.Cut(s.operator, "@")
	judge("OPERATOR", at && domain != "" && !strings.ContainsAny(s.operator, " <>"), "must be an e-mail address as in owner@example.com")
	if level := read("LOG", ""); level != "" {
		judge("LOG", s.level.UnmarshalText([]byte(level)) == nil, "must be debug, info, warn or error")
	}
	s.mailServer, err = readMailServer(read)
	if faults = append(faults, err); s.mailServer != nil {
		// Whoever tries the product out moves its clock, and a year of messages with
		// it. None of them may reach a person because a variable was set somewhere.
		judge("SMTP_HOST", !s.console, "e-mail leaves for real only where LOCAL_ONLY=0 has switched the paths under /_local off")
		judge("SMTP_HOST", s.start.IsZero(), "e-mail leaves for real only by a real clock: take LOCAL_NOW away")
	}
	return s, errors.Join(faults...)
}

// readMailServer reads the settings of the mail server, nil without one. What is
// wrong with their values is smtp.New's to say.
func readMailServer(read func(name, fallback string) string) (*smtp.Settings, error) {
	s := &smtp.Settings{Host: read("SMTP_HOST", ""), TLS: smtp.TLS(read("SMTP_TLS", string(smtp.StartTLS))),
		User: read("SMTP_USER", ""), Password: read("SMTP_PASSWORD", ""), From: read("MAIL_FROM", "")}
	var faults []error
	if s.Host == "" {
		for _, name := range []string{"SMTP_PORT", "SMTP_TLS", "SMTP_USER", "SMTP_PASSWORD"} {
			if read(name, "") != "" {
				faults = append(faults, fmt.Errorf("%s is set and SMTP_HOST is not: there is no mail server to go with it", name))
			}
		}
		return nil, errors.Join(faults...)
	}
	if port := read("SMTP_PORT", ""); port != "" {
		var err error
		if s.Port, err = strconv.Atoi(port); err != nil || s.Port < 1 {
			return s, fmt.Errorf("SMTP_PORT=%s: must be a port, 1 to 65535", port)
		}
	}
	return s, nil
}

// plausible keeps the clock within the years that every date format takes.
func plausible(t time.Time) bool { return t.UTC().Year() >= 2000 && t.UTC().Year() <= 2100 }
