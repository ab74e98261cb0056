package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// RehearsalState says how it stands with a scenario's rehearsal.
type RehearsalState struct {
	Running   bool
	Cancelled bool
	Done      bool
	Last      string // when the last one was, in words, "" for never
	// Progress is how far it has come, in words; Of and Looked are the same as numbers.
	Progress   string
	Looked, Of int
}

// RehearsalView is what a rehearsal has found out.
type RehearsalView struct {
	RehearsalState
	Name, Title string
	Answers     bool // see ScenarioView
	Sum         dental.Rehearsal
	Heading     string // which days it is about
	Cost        string // "" without a price of a part
	Waiting     string
	Days        []RehearsalDay
	Reasons     []RehearsalReason
	Rows        []RehearsalRow
	Caption     string
	// Page counts from 0; Pages is how many there are, and Files in how many the list can be had.
	Page, Pages, Files int
}

// RehearsalDay is one day's sums.
type RehearsalDay struct {
	Day string
	dental.RehearsedDay
	Cost string
}

// RehearsalReason is why so many patients are left out.
type RehearsalReason struct {
	Reason string
	N      int
}

// RehearsalRow is one message or task as it would be.
type RehearsalRow struct {
	Patient dental.Patient
	Who     string
	When    string
	How     string // the channel, or the task
	Subject string
	Text    string
	Parts   string
	Price   string
}

// Foresee says what would happen to a patient under the terms of a rehearsal,
// and writes nothing. A touch of the backlog is taken up at takenUp.
type Foresee func(ctx context.Context, cl *dental.Clinic, r dental.Rehearsal, patient string, takenUp time.Time) (dental.Forecast, error)

// cancelled is what stands in the place of a stopped job's cursor.
const cancelled = "cancelled"

// Rehearse begins a rehearsal of a scenario, with so many of its backlog a day;
// one that is under way is left behind.
func (s *Scenarios) Rehearse(ctx context.Context, cl *dental.Clinic, name string, backlog int, entry dental.LogEntry, now time.Time) error {
	if s.Catalogue.Find(name) == nil {
		return dental.Errorf(dental.NotFound, "", "there is no scenario %q", name)
	}
	if backlog < 0 || backlog > mostBacklog {
		return refuse(dental.Invalid, "backlog", "desk.settings.fault.whole", func(locale.Locale) map[string]string {
			return map[string]string{"least": "0", "most": strconv.Itoa(mostBacklog)}
		})
	}
	entry.Action, entry.Subject, entry.Detail = "rehearsal", name, s.Catalogue.Called(name, cl.Language)
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		if _, err := tx.Job(ctx, entry.Clinic, store.RehearsalID(name)); err != nil {
			return err
		}
		tx.Put(store.Job{Clinic: entry.Clinic, ID: store.RehearsalID(name), Kind: store.RehearseJob, Scenario: name,
			Step: strconv.Itoa(backlog), Anchor: entry.ID, Wake: now, Made: now})
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}

// mostBacklog is the highest rate of a backlog.
const mostBacklog = 1000

// CancelRehearsal stops a rehearsal that is under way.
func (s *Scenarios) CancelRehearsal(ctx context.Context, cl *dental.Clinic, name string, entry dental.LogEntry, now time.Time) error {
	entry.Action, entry.Subject, entry.Detail = "rehearsal-cancelled", name, s.Catalogue.Called(name, cl.Language)
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := s.Store.Begin()
		job, err := tx.Job(ctx, entry.Clinic, store.RehearsalID(name))
		if err != nil || job.ID == "" || !job.Done.IsZero() {
			return err
		}
		job.Done, job.Cursor = now, cancelled
		tx.Put(job)
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}

// rehearsed says how it stands with a scenario's rehearsal.
func (s *Scenarios) rehearsed(ctx context.Context, cl *dental.Clinic, name string, l locale.Locale) (RehearsalState, error) {
	_, _, state, err := s.sum(ctx, cl, name, l)
	return state, err
}

func (s *Scenarios) sum(ctx context.Context, cl *dental.Clinic, name string, l locale.Locale) (job store.Job, sum dental.Rehearsal, state RehearsalState, err error) {
	tx := s.Store.Begin()
	if job, err = tx.Job(ctx, cl.ID, store.RehearsalID(name)); err != nil || job.ID == "" {
		return job, sum, state, err
	}
	page, err := tx.Result(ctx, cl.ID, job.ID, store.RehearsalSum)
	if err != nil {
		return job, sum, state, err
	}
	if len(page.Body) > 0 {
		if err := json.Unmarshal(page.Body, &sum); err != nil {
			return job, sum, state, fmt.Errorf("desk: read a rehearsal: %w", err)
		}
		if sum.Run != job.Anchor { // an earlier one's, which goes when this one begins
			sum = dental.Rehearsal{}
		}
	}
	made := job.Made.In(cl.Location())
	state.Last = l.Text("desk.scenarios.rehearsal.last", map[string]string{"day": l.DayYear(dental.DateOf(made)), "time": l.Time(dental.TimeOfDayOf(made))})
	state.Looked, state.Of = sum.Looked, sum.Patients
	switch {
	case sum.Done:
		state.Done = true
	case job.Cursor == cancelled:
		state.Cancelled = true
	case !job.Done.IsZero(): // and its results are gone
		state.Last = ""
	default:
		state.Running = true
		switch {
		case sum.At.IsZero():
			state.Progress = l.Text("desk.scenarios.rehearsal.counting", nil)
		case sum.Looked >= sum.Patients:
			state.Progress = l.Text("desk.scenarios.rehearsal.ordering", nil)
		default:
			state.Progress = l.Text("desk.scenarios.rehearsal.running", map[string]string{"n": strconv.Itoa(sum.Looked), "count": strconv.Itoa(sum.Patients)})
		}
	}
	return job, sum, state, nil
}

// Rehearsal says what a scenario's rehearsal has found out, with one page of
// what would happen.
func (s *Scenarios) Rehearsal(ctx context.Context, cl *dental.Clinic, name string, page int, l locale.Locale) (RehearsalView, error) {
	sc := s.Catalogue.Find(name)
	if sc == nil {
		return RehearsalView{}, dental.Errorf(dental.NotFound, "", "there is no scenario %q", name)
	}
	job, sum, state, err := s.sum(ctx, cl, name, l)
	if err != nil {
		return RehearsalView{}, err
	}
	v := RehearsalView{RehearsalState: state, Name: name, Title: s.Catalogue.Called(name, l.String()), Answers: !sc.On.Scanned(), Sum: sum,
		Page: page, Pages: sum.Pages, Files: (sum.Pages + pagesAFile - 1) / pagesAFile}
	if !v.Done {
		return v, nil
	}
	if page < 0 || page > 0 && page >= sum.Pages {
		return v, dental.Errorf(dental.NotFound, "", "the rehearsal has no page %d", page)
	}
	v.Heading = l.Text("desk.scenarios.rehearsal.sum", map[string]string{"from": l.Day(sum.From), "day": l.Day(sum.To)})
	v.Cost = l.Money(sum.Cost)
	if sum.Waiting > 0 {
		v.Waiting = l.Text("desk.scenarios.rehearsal.waiting", map[string]string{"n": strconv.Itoa(sum.Waiting), "day": l.DayYear(sum.LastOn)})
	}
	for _, name := range slices.Sorted(maps.Keys(sum.Days)) {
		day, err := dental.ParseDate(name)
		if err != nil {
			return v, fmt.Errorf("desk: the day of a rehearsal: %w", err)
		}
		v.Days = append(v.Days, RehearsalDay{Day: l.Day(day), RehearsedDay: sum.Days[name]})
	}
	v.Reasons = reasons(l, sum.Reasons)
	v.Caption = l.Text("desk.scenarios.rehearsal.rows.caption", map[string]string{"n": strconv.Itoa(page + 1), "count": strconv.Itoa(sum.Pages)})
	if sum.Pages == 0 {
		return v, nil
	}
	body, err := s.Store.Begin().Result(ctx, cl.ID, job.ID, store.RehearsalRows+page)
	if err != nil {
		return v, err
	}
	v.Rows, err = s.rows(ctx, cl, sum, body, l)
	return v, err
}

// rows reads one page of what would happen, with the names as they are now and the
// texts as they would be now. Who is gone since is in none.
func (s *Scenarios) rows(ctx context.Context, cl *dental.Clinic, sum dental.Rehearsal, page store.Result, l locale.Locale) ([]RehearsalRow, error) {
	var seen []dental.Foreseen
	if len(page.Body) > 0 {
		if err := json.Unmarshal(page.Body, &seen); err != nil {
			return nil, fmt.Errorf("desk: read page %d of a rehearsal: %w", page.N, err)
		}
	}
	heads := map[string]dental.Patient{}
	var members []dental.Member
	for _, f := range seen {
		if _, known := heads[f.Patient]; !known {
			heads[f.Patient] = dental.Patient{}
			members = append(members, dental.Member{Clinic: cl.ID, Patient: f.Patient})
		}
	}
	read, err := s.Store.Begin().Heads(ctx, members...)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		heads[m.Patient] = read[i]
	}
	seen = slices.DeleteFunc(seen, func(f dental.Foreseen) bool {
		_, gone := heads[f.Patient].Gone()
		return gone || heads[f.Patient].ID == ""
	})
	if err := s.say(ctx, cl, sum, seen, l); err != nil {
		return nil, fmt.Errorf("desk: render page %d of a rehearsal: %w", page.N, err)
	}
	var out []RehearsalRow
	for _, f := range seen {
		p := heads[f.Patient]
		at := f.At.In(cl.Location())
		row := RehearsalRow{Patient: p, Subject: f.Subject, Text: f.Text, Price: l.Money(f.Price),
			Who: cmp.Or(strings.TrimSpace(p.FamilyName+" "+p.GivenName), l.Text("desk.scenarios.rehearsal.unnamed", map[string]string{"id": p.ID})),
			// A no-break space keeps the time beside its day.
			When: l.Day(dental.DateOf(at)) + ", " + l.Time(dental.TimeOfDayOf(at)), How: l.Text("channel."+string(f.Channel), nil)}
		if f.Task != "" {
			row.How = l.Text("desk.scenarios.rehearsal.task", map[string]string{"name": l.Text("kind."+string(f.Task), nil)})
		} else if f.Parts > 0 {
			row.Parts = l.Text("desk.scenarios.rehearsal.parts.of", map[string]string{"n": strconv.Itoa(f.Parts)})
		}
		out = append(out, row)
	}
	return out, nil
}

// say puts the texts of messages to what was foreseen.
func (s *Scenarios) say(ctx context.Context, cl *dental.Clinic, sum dental.Rehearsal, seen []dental.Foreseen, l locale.Locale) error {
	failed := make([]error, len(seen))
	side(len(seen), func(i int) {
		f := &seen[i]
		if f.Task != "" {
			return
		}
		now, err := s.Foresee(ctx, cl, sum, f.Patient, f.TakenUp)
		failed[i] = err
		f.Text = l.Text("desk.scenarios.rehearsal.changed", nil)
		for _, x := range now.Foreseen {
			if x.Step == f.Step && x.Anchor == f.Anchor && x.Task == "" {
				f.Subject, f.Text = x.Subject, x.Text
			}
		}
	})
	return errors.Join(failed...)
}

// reasons says why patients are left out, the most frequent first.
func reasons(l locale.Locale, counts map[string]int) []RehearsalReason {
	var out []RehearsalReason
	for code, n := range counts {
		out = append(out, RehearsalReason{l.Reason(code), n})
	}
	slices.SortFunc(out, func(a, b RehearsalReason) int { return cmp.Or(b.N-a.N, strings.Compare(a.Reason, b.Reason)) })
	return out
}

// pagesAFile keeps a file of the list, whose texts are made as it is asked for,
// to a few seconds: 1,000 rows.
const pagesAFile = 20

// File writes one file of a rehearsal's list, counted from 0, as rows of cells,
// the first of which are headings. The press is logged in entry.
func (s *Scenarios) File(ctx context.Context, cl *dental.Clinic, name string, file int, l locale.Locale, entry dental.LogEntry) ([][]string, error) {
	job, sum, state, err := s.sum(ctx, cl, name, l)
	if err != nil {
		return nil, err
	}
	if !state.Done || file < 0 || file*pagesAFile >= max(sum.Pages, 1) {
		return nil, dental.Errorf(dental.NotFound, "", "there is no such list")
	}
	head := func(key string) string { return l.Text("desk.scenarios.rehearsal."+key, nil) }
	out := [][]string{{head("csv.id"), head("patient"), head("csv.phone"), head("when"), head("csv.channel"), head("csv.subject"), head("csv.text"), head("parts"), head("price")}}
	for n := file * pagesAFile; n < min((file+1)*pagesAFile, sum.Pages); n++ {
		page, err := s.Store.Begin().Result(ctx, cl.ID, job.ID, store.RehearsalRows+n)
		if err != nil {
			return nil, err
		}
		rows, err := s.rows(ctx, cl, sum, page, l)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, []string{r.Patient.ID, r.Who, string(r.Patient.Phone), r.When, r.How, r.Subject, r.Text, r.Parts, r.Price})
		}
	}
	entry.Action, entry.Subject, entry.Detail = "rehearsal-csv", name, s.Catalogue.Called(name, l.String())
	tx := s.Store.Begin()
	tx.Put(entry)
	return out, tx.Commit(ctx)
}
