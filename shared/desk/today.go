package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// List is the staff's list of the day.
//
// It costs what is shown: the open tasks that are to be done by today are read
// from their index, which has them in the list's order, and of the patients only
// those on the page. The base behind them is not looked at.
type List struct {
	Store     *store.Store
	Catalogue scenario.Catalogue
}

// Today is one page of the list, ready to show.
type Today struct {
	// Heading says how much there is and how long it takes.
	Heading string
	// Waiting says how many calls wait for another day, and More that there is
	// even more than the list takes in; "" for none.
	Waiting, More string
	// Batches are the tasks about messages that wait to be let go, wherever they stand in the list.
	Batches []Item
	// Version changes when anything on the list does.
	Version string
	// Pressed are the tasks with a press that can still be taken back.
	Pressed []Item
	Rows    []Row
	// From is the place of the page's first row, and Next of the following
	// page's; 0 for none.
	From, Next int
	// Done says what was closed today, the latest first, and DoneHeading how much of it.
	Done        []string
	DoneHeading string
}

// The bounds of the list.
const (
	// TasksShown is how many tasks a page has, or a few more where its last row is
	// a family's: with their scripts and buttons they fill the 30 KB that a page
	// may have. What is done makes room for what follows.
	TasksShown = 8
	// mostListed is how many open tasks the list takes in; a clinic that leaves
	// more undone works off the oldest first.
	mostListed = 500
	// mostDone is how many closed tasks are read, far more than a day has,
	// doneAPage how many at once, and doneShown how many are shown.
	mostDone  = 2000
	doneAPage = 200
	doneShown = 30
)

// minutesOf is how long a task of a kind takes, in minutes: an assumption, which
// the list's heading adds up. A call to make an appointment is three minutes of
// talk and one of writing down; who is unhappy is listened to.
func minutesOf(kind dental.TaskKind) int {
	switch kind {
	case dental.ComplaintTask:
		return 10
	case dental.PlanTask, dental.LeadTask, dental.FeedbackTask:
		return 5
	case dental.ConfirmTask, dental.ContactTask, dental.UnknownTask:
		return 2
	case dental.ReleaseTask:
		return 3
	}
	return 4
}

// capped reports whether tasks of a kind wait when there are more calls than
// the clinic makes a day: those that nobody was promised.
func capped(kind dental.TaskKind) bool {
	return kind == dental.CallTask || kind == dental.PlanTask || kind == dental.WakeTask
}

// Today reads a page of the list, the one that begins at the place from, as the
// member of staff of the key me sees it.
func (s *List) Today(ctx context.Context, cl *dental.Clinic, me string, from int, now time.Time) (Today, error) {
	k := lookAt(s.Store, s.Catalogue, cl, now)
	tasks, more, err := s.open(ctx, k)
	if err != nil {
		return Today{}, fmt.Errorf("desk: read the list of %s: %w", cl.ID, err)
	}
	closed, err := s.closed(ctx, k)
	if err != nil {
		return Today{}, fmt.Errorf("desk: read what was done at %s: %w", cl.ID, err)
	}
	made, err := s.made(ctx, k)
	if err != nil {
		return Today{}, fmt.Errorf("desk: count the calls of %s: %w", cl.ID, err)
	}
	a := arrange(k, tasks, made)
	page := Today{Version: version(k, tasks), From: max(from, 0)}
	page.Heading = a.heading(k)
	if more {
		page.More = k.text("desk.today.more", "n", strconv.Itoa(mostListed))
	}
	joined, err := a.page(ctx, k, &page, me)
	if err != nil {
		return Today{}, fmt.Errorf("desk: read the patients of the list of %s: %w", cl.ID, err)
	}
	if left := len(a.waiting) - joined; left > 0 {
		page.Waiting = k.text("desk.today.waiting", "n", strconv.Itoa(left), "count", strconv.Itoa(cl.CallsPerDay))
	}
	for _, t := range a.order {
		if t.Kind == dental.ReleaseTask {
			page.Batches = append(page.Batches, k.item(t, nil))
		}
	}
	if page.Done, err = s.done(ctx, k, closed); err != nil {
		return Today{}, fmt.Errorf("desk: name who was done at %s: %w", cl.ID, err)
	}
	if len(closed) > 0 {
		page.DoneHeading = k.text("desk.today.done", "n", strconv.Itoa(len(closed)))
	}
	return page, nil
}

// Version changes when anything on the list does. It reads the open tasks alone.
func (s *List) Version(ctx context.Context, cl *dental.Clinic, now time.Time) (string, error) {
	k := lookAt(s.Store, s.Catalogue, cl, now)
	tasks, _, err := s.open(ctx, k)
	if err != nil {
		return "", fmt.Errorf("desk: read the list of %s: %w", cl.ID, err)
	}
	return version(k, tasks), nil
}

// open reads what is to be done by today, in the order of the index.
func (s *List) open(ctx context.Context, k look) (tasks []dental.Task, more bool, err error) {
	for cursor := ""; ; {
		some, next, err := s.Store.TasksUpTo(ctx, k.clinic.ID, k.today, mostListed-len(tasks), cursor)
		if err != nil {
			return nil, false, err
		}
		tasks = append(tasks, some...)
		if next == "" || len(tasks) >= mostListed {
			return tasks, next != "", nil
		}
		cursor = next
	}
}

// closed reads all that was closed today, the latest first: the index has them by
// the patient.
func (s *List) closed(ctx context.Context, k look) ([]dental.Task, error) {
	var tasks []dental.Task
	for cursor := ""; ; {
		some, next, err := s.Store.ClosedTasks(ctx, k.clinic.ID, k.today, min(doneAPage, mostDone-len(tasks)), cursor)
		if err != nil {
			return nil, err
		}
		if tasks = append(tasks, some...); next == "" || len(tasks) >= mostDone {
			break
		}
		cursor = next
	}
	slices.SortStableFunc(tasks, func(a, b dental.Task) int { return cmp.Or(b.ClosedAt.Compare(a.ClosedAt), cmp.Compare(a.ID(), b.ID())) })
	return tasks, nil
}

// version is a hash over what the list shows of its tasks.
func version(k look, tasks []dental.Task) string {
	h := sha256.New()
	fmt.Fprintln(h, k.today)
	for _, t := range tasks {
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s\x00%s\x00%d\x00%d\x00%s\x00%s\x00%t\n", t.ID(), t.Pressed.ID, t.CallingNow(k.now), t.CallingKey, t.TakenBy, t.Tries,
			t.Times, t.Reason, t.Note, k.urgent(t))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// arranged is a list in the order in which it is worked off.
type arranged struct {
	order   []dental.Task // what is to be done today
	waiting []dental.Task // calls that are beyond the clinic's capacity
	pressed []dental.Task // with a press that can still be taken back
	urgent  int           // of the first tasks of order
	of      map[string][]dental.Task
	first   map[string]int // place in order of a patient's first task
}

// arrange puts what is urgent first, and keeps the order of the index
// otherwise: the day, the band, the value. Of the calls that may wait those of
// the highest value are for today: as many as the clinic makes, less those that
// were made and those that were promised.
func arrange(k look, tasks []dental.Task, made int) arranged {
	a := arranged{of: map[string][]dental.Task{}, first: map[string]int{}}
	var urgent, rest, calls []dental.Task
	for _, t := range tasks {
		switch {
		case t.Pressed.ID != "":
			a.pressed = append(a.pressed, t)
		case capped(t.Kind):
			calls = append(calls, t)
		case byCall(t.Kind) && t.CalledAt.IsZero():
			made++
		}
	}
	slices.SortStableFunc(calls, func(x, y dental.Task) int { return cmp.Compare(y.Value.Minor, x.Value.Minor) })
	later := map[string]bool{}
	if most := k.clinic.CallsPerDay; most > 0 && len(calls) > max(most-made, 0) {
		a.waiting = calls[max(most-made, 0):]
		for _, t := range a.waiting {
			later[t.ID()] = true
		}
	}
	for _, t := range tasks {
		if t.Pressed.ID != "" {
			continue
		}
		if ownRow(t) {
			a.of[t.Patient] = append(a.of[t.Patient], t)
		}
		switch {
		case later[t.ID()]:
		case k.urgent(t):
			urgent = append(urgent, t)
		default:
			rest = append(rest, t)
		}
	}
	a.urgent, a.order = len(urgent), append(urgent, rest...)
	for i, t := range a.order {
		if _, known := a.first[t.Patient]; !known && ownRow(t) {
			a.first[t.Patient] = i
		}
	}
	return a
}

// ownRow reports whether a task is done by calling its patient, so that one row
// speaks of all such tasks of the patient and of the family.
func ownRow(t dental.Task) bool { return t.Kind != dental.LeadTask && t.Kind != dental.ReleaseTask }

// byCall reports whether a task of a kind that nobody puts off is done by a call.
func byCall(kind dental.TaskKind) bool {
	return kind != dental.ReleaseTask && kind != dental.ContactTask
}

// mostLogged is how many entries of the audit log are looked through for calls.
const mostLogged = 1000

// made counts the calls that staff have made today and not taken back, of
// whatever kind: what they have pressed stands in the audit log.
func (s *List) made(ctx context.Context, k look) (int, error) {
	if k.clinic.CallsPerDay == 0 {
		return 0, nil
	}
	start := k.today.At(0, k.clinic.Location())
	months := []string{MonthOf(k.now)}
	if before := MonthOf(start); before != months[0] { // the clinic's day began in UTC's month before
		months = append(months, before)
	}
	called, undone, read := map[string]bool{}, map[string]bool{}, 0
	for _, month := range months {
		for cursor := ""; read < mostLogged; {
			entries, next, err := s.Store.Log(ctx, k.clinic.ID, month, logPage, cursor)
			if err != nil {
				return 0, err
			}
			for _, e := range entries {
				switch {
				case e.At.Before(start):
					next = ""
				case e.Action == "press" && !silent(e.Detail):
					called[e.ID] = true
				case e.Action == "undo":
					undone[strings.TrimSuffix(e.ID, ".undo")] = true
				}
			}
			if read, cursor = read+len(entries), next; next == "" {
				break
			}
		}
	}
	for id := range undone {
		delete(called, id)
	}
	return len(called), nil
}

// silent reports whether a press tells of no call.
func silent(outcome string) bool {
	switch outcome {
	case dental.PressTaken, dental.PressClosed, dental.PressReleased, dental.PressMended, dental.PressNotFound:
		return true
	}
	return false
}

// roundUp is the step to which the time that a list takes is rounded up, in minutes.
const roundUp = 5

// heading says how much there is, what of it is urgent, and how long it takes.
func (a arranged) heading(k look) string {
	if len(a.order) == 0 {
		return k.text("desk.today.empty")
	}
	minutes := 0
	for _, t := range a.order {
		minutes += minutesOf(t.Kind)
	}
	minutes = (minutes + roundUp - 1) / roundUp * roundUp
	key := "desk.today.head"
	if a.urgent > 0 {
		key += ".urgent"
	}
	return k.text(key, "n", strconv.Itoa(len(a.order)), "count", strconv.Itoa(a.urgent), "minutes", k.locale.Minutes(minutes))
}

// page fills in the rows from page.From on, and what was pressed, and counts
// the waiting tasks that stand in a row of their family all the same.
func (a arranged) page(ctx context.Context, k look, page *Today, me string) (joined int, err error) {
	people := map[string]*person{}
	read := func(ids []string) error {
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" || people[id] != nil })
		more, err := k.people(ctx, ids)
		for id, p := range more {
			people[id] = p
		}
		return err
	}
	i := min(page.From, len(a.order))
	shown := 0
	for i < len(a.order) && shown < TasksShown {
		ahead := a.order[i:min(i+TasksShown-shown, len(a.order))]
		if err := read(patients(ahead)); err != nil {
			return 0, err
		}
		var rows [][]dental.Task
		var family []string
		for _, t := range ahead {
			if shown >= TasksShown {
				break
			}
			switch tasks := a.together(t, i, people[t.Patient]); {
			case !ownRow(t):
				rows, shown = append(rows, []dental.Task{t}), shown+1
			case len(tasks) > 0:
				rows, family, shown = append(rows, tasks), append(family, patients(tasks)...), shown+len(tasks)
			}
			i++
		}
		if err := read(family); err != nil {
			return 0, err
		}
		for _, tasks := range rows {
			page.Rows = append(page.Rows, k.row(tasks, people, me))
			for _, t := range tasks {
				if slices.ContainsFunc(a.waiting, func(w dental.Task) bool { return w.ID() == t.ID() }) {
					joined++
				}
			}
		}
	}
	if i < len(a.order) {
		page.Next = i
	}
	if err := read(patients(a.pressed)); err != nil {
		return 0, err
	}
	for _, t := range a.pressed {
		page.Pressed = append(page.Pressed, k.item(t, people[t.Patient]))
	}
	return joined, nil
}

// together lists the tasks of the row that begins with the task at a place: the
// patient's own and those of whoever is reached at the same number, a task that
// would wait included, because one call settles all. It is none when an earlier
// row has them.
func (a arranged) together(t dental.Task, place int, p *person) []dental.Task {
	if !ownRow(t) {
		return nil
	}
	var tasks []dental.Task
	for _, id := range p.sharers() {
		if first, has := a.first[id]; has && first < place {
			return nil
		}
		tasks = append(tasks, a.of[id]...)
	}
	slices.SortStableFunc(tasks, func(x, y dental.Task) int { return cmp.Compare(a.place(x), a.place(y)) })
	return tasks
}

// place is where a task stands in the order; what waits stands behind it.
func (a arranged) place(t dental.Task) int {
	if i := slices.IndexFunc(a.order, func(o dental.Task) bool { return o.ID() == t.ID() }); i >= 0 {
		return i
	}
	return len(a.order)
}

// patients lists whom tasks are about, each once.
func patients(tasks []dental.Task) []string {
	var out []string
	for _, t := range tasks {
		if !slices.Contains(out, t.Patient) {
			out = append(out, t.Patient)
		}
	}
	return out
}

// done says what was closed, the latest first: by whom, or that it closed itself.
func (s *List) done(ctx context.Context, k look, closed []dental.Task) ([]string, error) {
	closed = closed[:min(len(closed), doneShown)]
	tx := s.Store.Begin()
	var members []dental.Member
	for _, id := range patients(closed) {
		if id != "" {
			members = append(members, dental.Member{Clinic: k.clinic.ID, Patient: id})
		}
	}
	heads, err := tx.Heads(ctx, members...)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i, m := range members {
		heads[i].ID = m.Patient
		names[m.Patient] = k.name(heads[i])
	}
	var out []string
	for _, t := range closed {
		out = append(out, k.closedLine(t, cmp.Or(names[t.Patient], k.catalogue.Called(t.Scenario, k.locale.String()))))
	}
	return out, nil
}

// closedLine says how one task was closed.
func (k look) closedLine(t dental.Task, name string) string {
	at := k.clock(t.ClosedAt)
	key := "desk.done." + t.Outcome
	switch {
	case t.By != "":
		return k.text("desk.done.by", "name", name, "reason", Outcome(k.locale, t.Outcome), "who", t.By, "time", at)
	case k.locale.Has(key):
		return k.text(key, "name", name, "time", at)
	}
	return k.text("desk.done.other", "name", name, "reason", k.locale.Reason(t.Outcome), "time", at)
}
