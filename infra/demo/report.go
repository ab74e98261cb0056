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

	"github.com/returnpoint/returnpoint/shared/dental"
)

type touch struct {
	Patient, Scenario, Step, State, Reason, Why, Channel string
	Due, SentAt                                          time.Time
}

type message struct {
	Clinic, Patient, Scenario, Step, Channel string
	Parts                                    int
	At                                       time.Time
}

// outcome is what the machine has to show for the time since start.
type outcome struct {
	messages []message
	touches  []touch
	open     []struct{ Kind, State string }
}

func look(box *box, start time.Time) (o outcome, err error) {
	clinic := url.QueryEscape(box.clinic)
	for path, into := range map[string]any{"messages": &o.messages, "touches?clinic=" + clinic: &o.touches, "tasks?clinic=" + clinic: &o.open} {
		if err := box.read(http.MethodGet, "/_local/"+path, nil, into); err != nil {
			return o, err
		}
	}
	o.messages = slices.DeleteFunc(o.messages, func(m message) bool { return m.Clinic != box.clinic || m.At.Before(start) })
	return o, nil
}

// report prints what came of it all, from start on.
func report(out io.Writer, box *box, t told, start time.Time, loc *time.Location) error {
	start = start.Truncate(time.Second)
	o, err := look(box, start)
	if err != nil {
		return err
	}
	p := printer{tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)}
	p.line(fmt.Sprintf("%s to %s, clinic %s", start.In(loc).Format("2 January 2006"), box.now.In(loc).Format("2 January 2006"), box.clinic))
	p.events(t)
	p.unsent(o, start)
	p.waiting(o)
	p.scenarios(o, t, start)
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printer prints tables; each has its own columns.
type printer struct{ w *tabwriter.Writer }

// line prints cells; a section's columns begin anew after an empty line.
func (p printer) line(cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = fmt.Sprint(c)
	}
	_, _ = fmt.Fprintln(p.w, strings.Join(text, "\t")) // Flush tells of errors
}

func (p printer) section(heads ...any) {
	p.line()
	p.line(heads...)
}

func (p printer) events(t told) {
	p.section("EVENTS POSTED", "")
	for _, kind := range slices.Sorted(maps.Keys(t.events)) {
		p.line(kind, t.events[kind])
	}
	p.line("told to wait", t.waits)
}

// unsent says what did not leave, and why.
func (p printer) unsent(o outcome, start time.Time) {
	type row struct{ state, scenario, step, reason, why string }
	counts := map[row]int{}
	unknown, open := 0, 0
	for _, x := range o.touches {
		switch {
		case x.State == "unknown":
			unknown++
		case x.State == "skipped" || x.State == "cancelled" || x.State == "failed":
			if !x.Due.Before(start) {
				counts[row{x.State, x.Scenario, x.Step, x.Reason, x.Why}]++
			}
		case x.State != "sent":
			open++
		}
	}
	p.section("NOT SENT", "scenario", "step", "reason", "touches", "")
	for _, r := range slices.SortedFunc(maps.Keys(counts), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.state, b.state), cmp.Compare(a.scenario, b.scenario), cmp.Compare(a.step, b.step), cmp.Compare(a.reason, b.reason))
	}) {
		p.line(r.state, r.scenario, r.step, r.reason, counts[r], r.why)
	}
	p.line("still to come", "", "", "", open, "")
	p.line("unknown", "", "", "", unknown, "")
}

func (p printer) waiting(o outcome) {
	type row struct{ kind, state string }
	counts := map[row]int{}
	for _, x := range o.open {
		counts[row{x.Kind, x.State}]++
	}
	p.section("STAFF'S OPEN TASKS", "state", "tasks")
	for _, r := range slices.SortedFunc(maps.Keys(counts), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.state, b.state))
	}) {
		p.line(r.kind, r.state, counts[r])
	}
}

// tally counts things by their names.
type tally map[string]int

// String is "good 12, bad 1", the most frequent first.
func (t tally) String() string {
	var words []string
	for _, name := range slices.SortedFunc(maps.Keys(t), func(a, b string) int { return cmp.Or(t[b]-t[a], cmp.Compare(a, b)) }) {
		words = append(words, fmt.Sprintf("%s %d", name, t[name]))
	}
	return strings.Join(words, ", ")
}

// row is what is told of a scenario, or of one of its steps.
type row struct {
	messages, parts  int
	reactions, tasks tally
}

// scenarios prints what each scenario did, what came of it, and what it brought.
func (p printer) scenarios(o outcome, t told, start time.Time) {
	rows := map[[2]string]*row{}
	at := func(scenario, step string) *row {
		key := [2]string{scenario, step}
		if rows[key] == nil {
			rows[key] = &row{reactions: tally{}, tasks: tally{}}
		}
		return rows[key]
	}
	var all row
	var touches []reached
	for _, m := range o.messages {
		parts := 0
		if m.Channel == string(dental.SMS) {
			parts = m.Parts
		}
		for _, r := range []*row{at(m.Scenario, ""), at(m.Scenario, m.Step), &all} {
			r.messages++
			r.parts += parts
		}
		touches = append(touches, reached{m.Patient, m.Scenario, m.At})
	}
	for _, x := range o.touches {
		if x.State == "sent" && x.Channel == string(dental.StaffTask) && !x.SentAt.Before(start) {
			touches = append(touches, reached{x.Patient, x.Scenario, x.SentAt})
		}
	}
	late := 0
	for d, n := range t.acts {
		if d.late == "" {
			at(d.scenario, d.step).reactions[d.what] += n
		} else {
			late += n
		}
	}
	for _, task := range t.tasks {
		at(cmp.Or(task.Scenario, elsewhere), "").tasks[task.Kind]++
	}
	credits := t.ledger.credits(start, touches)
	for scenario := range credits {
		at(cmp.Or(scenario, elsewhere), "")
	}

	p.section("SCENARIO", "step", "messages", "SMS parts", "what patients did", "staff's tasks", "came back", "visits", "revenue, RUB")
	visits, revenue := 0, int64(0)
	for _, key := range slices.SortedFunc(maps.Keys(rows), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		r := rows[key]
		if key[1] != "" {
			p.line("", key[1], dash(r.messages), dash(r.parts), r.reactions, "", "", "", "")
			continue
		}
		c := credits[strings.TrimPrefix(key[0], elsewhere)]
		if c == nil {
			c = &credit{}
		}
		visits += c.visits
		revenue += c.revenue
		p.line(key[0], "", dash(r.messages), dash(r.parts), "", r.tasks, dash(len(c.patients)), dash(c.visits), roubles(c.revenue))
	}
	p.line("all", "", all.messages, all.parts, fmt.Sprintf("%d too late for their page", late), len(t.tasks), "", visits, roubles(revenue))
	p.line()
	p.line("Came back: patients with a visit that was booked within 30 days after the scenario reached them, if it was the last to do so;")
	p.line("a friend is reached by leaving a phone on the page of a recommendation.")
}

// elsewhere is the row of what no scenario is behind; it is sorted behind all of them.
const elsewhere = "~ none"

func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func roubles(minor int64) string {
	if minor == 0 {
		return "-"
	}
	return dental.Money{Minor: minor, Currency: "RUB"}.Decimal()
}

// bill prints what it took.
func (b *box) bill(out io.Writer, days, patients int, took time.Duration) error {
	var parts []string
	for _, on := range slices.Sorted(maps.Keys(b.spent)) {
		parts = append(parts, fmt.Sprintf("%s %.1f s", on, b.spent[on].Seconds()))
	}
	_, err := fmt.Fprintf(out, "\n%d days of %d patients in %.1f s (%s); the patients' phones are at %s/_local/messages\n",
		days, patients, took.Seconds(), strings.Join(parts, ", "), b.base)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
