package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type touch struct {
	Scenario, Step, State, Reason, Why, Channel string
	Due                                         time.Time
}

type message struct {
	Clinic, Scenario, Step, Channel string
	Parts                           int
	At                              time.Time
}

// report prints what came of it all, from start on.
func report(out io.Writer, box *box, t told, start time.Time, loc *time.Location, took time.Duration) error {
	var messages []message
	var touches []touch
	var tasks []struct{ Kind, State string }
	clinic := url.QueryEscape(box.clinic)
	for path, into := range map[string]any{"messages": &messages, "touches?clinic=" + clinic: &touches, "tasks?clinic=" + clinic: &tasks} {
		if err := box.read(http.MethodGet, "/_local/"+path, nil, into); err != nil {
			return err
		}
	}
	start = start.Truncate(time.Second)
	sent, parts := map[string]int{}, map[string]int{}
	total, totalParts := 0, 0
	for _, m := range messages {
		if m.Clinic != box.clinic || m.At.Before(start) {
			continue
		}
		key := strings.Join([]string{m.Scenario, m.Step, m.Channel}, "\t")
		sent[key]++
		total++
		if m.Channel == "sms" {
			parts[key] += m.Parts
			totalParts += m.Parts
		}
	}
	left := map[string]int{}
	why := map[string]string{}
	unknown, open := 0, 0
	for _, x := range touches {
		switch {
		case x.State == "unknown":
			unknown++
		case x.State == "skipped" || x.State == "cancelled" || x.State == "failed":
			if !x.Due.Before(start) {
				key := strings.Join([]string{x.State, x.Scenario, x.Step, x.Reason}, "\t")
				left[key]++
				why[key] = x.Why
			}
		case x.State != "sent":
			open++
		}
	}
	waiting := map[string]int{}
	for _, x := range tasks {
		waiting[x.Kind+"\t"+x.State]++
	}

	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(cells ...any) { _, _ = fmt.Fprintln(w, strings.TrimSuffix(fmt.Sprintln(cells...), "\n")) }
	line(fmt.Sprintf("%s to %s, clinic %s", start.In(loc).Format("2 January 2006"), box.now.In(loc).Format("2 January 2006"), box.clinic))

	line()
	line("EVENTS POSTED\t")
	for _, key := range order(t.events) {
		line(fmt.Sprintf("%s\t%d", key, t.events[key]))
	}
	line(fmt.Sprintf("told to wait\t%d", t.waits))

	line()
	line("MESSAGES SENT\tstep\tchannel\tmessages\tSMS parts")
	for _, key := range slices.Sorted(maps.Keys(sent)) {
		line(fmt.Sprintf("%s\t%d\t%s", key, sent[key], dash(parts[key])))
	}
	line(fmt.Sprintf("all\t\t\t%d\t%d", total, totalParts))

	line()
	line("NOT SENT\tscenario\tstep\treason\ttouches\t")
	for _, key := range slices.Sorted(maps.Keys(left)) {
		line(fmt.Sprintf("%s\t%d\t%s", key, left[key], why[key]))
	}
	line(fmt.Sprintf("still to come\t\t\t\t%d\t", open))
	line(fmt.Sprintf("unknown\t\t\t\t%d\t", unknown))

	line()
	line("WHAT PATIENTS DID\t")
	for _, key := range order(t.acts) {
		line(fmt.Sprintf("%s\t%d", key, t.acts[key]))
	}

	line()
	line("STAFF'S OPEN TASKS\tstate\ttasks")
	for _, key := range slices.Sorted(maps.Keys(waiting)) {
		line(fmt.Sprintf("%s\t%d", key, waiting[key]))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err := fmt.Fprintf(out, "\n%.1f s; the patients' phones are at %s/_local/messages\n", took.Seconds(), box.base)
	return err
}

// order lists what was counted by name.
func order(m map[string]int) []string {
	return slices.SortedFunc(maps.Keys(m), cmp.Compare[string])
}

func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
