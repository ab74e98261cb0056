package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// settings is what the environment says. Everything has a default.
type settings struct {
	port int    // PORT; 0 takes any that is free
	dir  string // LOCAL_DIR
	// start is where the clock of a fresh dir starts, LOCAL_NOW; zero is real time.
	start time.Time
	// console: the paths under /_local are served, unless LOCAL_ONLY=0.
	console bool
	// base is the URL under which patients' links stand, BASE_URL; "" is this
	// machine's own. A box behind a reverse proxy is told its public one.
	base     string
	template string     // TEMPLATE, the path of template.yaml
	level    slog.Level // LOG
}

// readSettings reads the environment; one error names everything in it that is wrong.
func readSettings(lookup func(string) (string, bool)) (settings, error) {
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
	s := settings{dir: read("LOCAL_DIR", ".local"), template: read("TEMPLATE", "template.yaml"), level: slog.LevelError}
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
		judge("BASE_URL", err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "",
			"must be a URL as in https://rp.example")
	}
	if level := read("LOG", ""); level != "" {
		judge("LOG", s.level.UnmarshalText([]byte(level)) == nil, "must be debug, info, warn or error")
	}
	return s, errors.Join(faults...)
}

// plausible keeps the clock within the years that every date format takes.
func plausible(t time.Time) bool { return t.UTC().Year() >= 2000 && t.UTC().Year() <= 2100 }
