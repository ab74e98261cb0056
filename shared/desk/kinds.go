package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Kinds says by which rules a clinic's procedures are sorted, has them changed,
// and shows what no rule knows.
type Kinds struct{ Store *store.Store }

// KindsView is a clinic's table of kinds, ready to show.
type KindsView struct {
	Rules []KindLine
	Kinds []KindChoice
	// Running says that procedures are being sorted anew, Progress how far that has
	// come; Looked and Of are the same as numbers.
	Running    bool
	Progress   string
	Looked, Of int
	// Done: they have been, once. On says when, Sum how much was not known.
	Done bool
	On   string
	Sum  string
	Rows []UnsortedLine
	// Page counts from 0; Pages is how many there are.
	Page, Pages int
}

// KindLine is one rule of the clinic's.
type KindLine struct {
	What, Kind string
	// By, Of and As are the rule as a form sends it back.
	By, Of, As string
	First      bool
}

// KindChoice is one kind to choose.
type KindChoice struct{ As, Name string }

// UnsortedLine is a procedure that no rule knows.
type UnsortedLine struct {
	Name  string // its code and its name
	Count string
	// By and Of are the rule that names it, as a form sends it.
	By, Of string
}

// What a rule goes by.
const (
	ByCode = "code"
	ByName = "name"
)

// What a clinic's table has room for.
const (
	mostKindRules   = 200
	longestKindName = 200
)

// KindRule makes a rule of what a form sends.
func KindRule(by, of, as string) dental.KindRule {
	r := dental.KindRule{Kind: dental.ProcedureKind(as)}
	if of = strings.TrimSpace(of); by == ByCode {
		r.Code = of
	} else {
		r.Name = of
	}
	return r
}

// Add puts a rule at the end of the clinic's table; one that is there already
// stays where it is.
func (k *Kinds) Add(ctx context.Context, r dental.KindRule, entry dental.LogEntry, now time.Time) error {
	entry.Action = "kinds.added"
	of := strings.TrimPrefix(r.Code+r.Name, dental.WholeRule)
	switch {
	case strings.TrimSpace(of) == "":
		return refuse(dental.Invalid, "of", "desk.kinds.wrong.empty", nil)
	case len([]rune(of)) > longestKindName:
		return refuse(dental.Invalid, "of", "desk.kinds.wrong.long", nil)
	case !slices.Contains(dental.ProcedureKinds(), r.Kind):
		return refuse(dental.Invalid, "kind", "desk.kinds.wrong.kind", nil)
	}
	return k.change(ctx, r, entry, now, func(rules []dental.KindRule) ([]dental.KindRule, error) {
		switch {
		case slices.Contains(rules, r):
			return rules, nil
		case len(rules) >= mostKindRules:
			return nil, refuse(dental.Invalid, "of", "desk.kinds.wrong.many", nil)
		}
		return append(rules, r), nil
	})
}

// Remove takes a rule away.
func (k *Kinds) Remove(ctx context.Context, r dental.KindRule, entry dental.LogEntry, now time.Time) error {
	entry.Action = "kinds.removed"
	return k.change(ctx, r, entry, now, func(rules []dental.KindRule) ([]dental.KindRule, error) {
		return slices.DeleteFunc(rules, func(x dental.KindRule) bool { return x == r }), nil
	})
}

// Raise asks a rule before the one above it.
func (k *Kinds) Raise(ctx context.Context, r dental.KindRule, entry dental.LogEntry, now time.Time) error {
	entry.Action = "kinds.raised"
	return k.change(ctx, r, entry, now, func(rules []dental.KindRule) ([]dental.KindRule, error) {
		if i := slices.Index(rules, r); i > 0 {
			rules[i-1], rules[i] = rules[i], rules[i-1]
		}
		return rules, nil
	})
}

// change writes the clinic's table and has what is stored sorted by it, in one
// write. What changes nothing writes nothing.
func (k *Kinds) change(ctx context.Context, about dental.KindRule, entry dental.LogEntry, now time.Time, alter func([]dental.KindRule) ([]dental.KindRule, error)) error {
	entry.Detail = clip(about.Code+about.Name+" → "+string(about.Kind), reasonLength)
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := k.Store.Begin()
		cl, err := tx.Clinic(ctx, entry.Clinic)
		if err != nil {
			return err
		}
		rules, err := alter(slices.Clone(cl.Kinds))
		if err != nil || slices.Equal(rules, cl.Kinds) {
			return err
		}
		if cl.Kinds = rules; len(rules) == 0 {
			cl.Kinds = nil
		}
		tx.Put(*cl)
		return k.begin(ctx, tx, entry, now)
	})
}

// Sort has what is stored sorted anew.
func (k *Kinds) Sort(ctx context.Context, entry dental.LogEntry, now time.Time) error {
	entry.Action = "kinds.sorted"
	return store.Retry(ctx, func(ctx context.Context) error { return k.begin(ctx, k.Store.Begin(), entry, now) })
}

// begin leaves the job; a sorting that is under way is left behind.
func (k *Kinds) begin(ctx context.Context, tx *store.Tx, entry dental.LogEntry, now time.Time) error {
	if _, err := tx.Job(ctx, entry.Clinic, store.SortID); err != nil {
		return err
	}
	tx.Put(store.Job{Clinic: entry.Clinic, ID: store.SortID, Kind: store.SortJob, Anchor: entry.ID, Wake: now, Made: now})
	tx.Put(entry)
	return tx.Commit(ctx)
}

// View shows the table, how the sorting stands, and a page of what no rule knows.
func (k *Kinds) View(ctx context.Context, cl *dental.Clinic, page int, l locale.Locale) (KindsView, error) {
	tx := k.Store.Begin()
	fresh, err := tx.Clinic(ctx, cl.ID)
	if err != nil {
		return KindsView{}, err
	}
	v := KindsView{Page: page}
	for _, kind := range dental.ProcedureKinds() {
		v.Kinds = append(v.Kinds, KindChoice{string(kind), kindName(l, kind)})
	}
	for i, r := range fresh.Kinds {
		line := KindLine{Kind: kindName(l, r.Kind), By: ByName, Of: r.Name, As: string(r.Kind), First: i == 0}
		if r.Code != "" {
			line.By, line.Of = ByCode, r.Code
		}
		of, how := line.Of, "desk.kinds.by."+line.By
		if whole, ok := strings.CutPrefix(of, dental.WholeRule); ok {
			of, how = whole, how+".whole"
		}
		line.What = l.Text(how, map[string]string{"name": of})
		v.Rules = append(v.Rules, line)
	}
	job, err := tx.Job(ctx, cl.ID, store.SortID)
	if err != nil {
		return v, err
	}
	var run, sum dental.Sorting
	if err := k.read(ctx, tx, cl.ID, store.SortRun, &run); err != nil {
		return v, err
	}
	if v.Running = job.ID != "" && job.Done.IsZero(); v.Running {
		v.Progress = l.Text("desk.kinds.counting", nil)
		if run.Run == job.Anchor {
			v.Looked, v.Of = run.Looked, run.Patients
			v.Progress = l.Text("desk.kinds.running", map[string]string{"n": strconv.Itoa(run.Looked), "count": strconv.Itoa(run.Patients)})
		}
	}
	if err := k.read(ctx, tx, cl.ID, store.SortSum, &sum); err != nil || !sum.Done {
		return v, err
	}
	v.Done, v.Pages = true, sum.Pages
	at := sum.At.In(cl.Location())
	v.On = l.Text("desk.kinds.on", map[string]string{"day": l.DayYear(dental.DateOf(at)), "time": l.Time(dental.TimeOfDayOf(at))})
	if sum.Unknown == 0 {
		v.Sum = l.Text("desk.kinds.all", nil)
		return v, nil
	}
	v.Sum = l.Text("desk.kinds.unknown", map[string]string{"n": strconv.Itoa(sum.Names), "count": strconv.Itoa(sum.Unknown)})
	if page < 0 || page >= max(sum.Pages, 1) {
		return v, dental.Errorf(dental.NotFound, "", "the list has no page %d", page)
	}
	var rows []dental.Unsorted
	if err := k.read(ctx, tx, cl.ID, store.SortRows+page, &rows); err != nil {
		return v, err
	}
	for _, u := range rows {
		line := UnsortedLine{Name: strings.TrimSpace(u.Code + " " + u.Name), Count: l.Number(int64(u.N)), By: ByName, Of: dental.WholeRule + u.Name}
		if u.Code != "" {
			line.By, line.Of = ByCode, dental.WholeRule+u.Code
		}
		v.Rows = append(v.Rows, line)
	}
	return v, nil
}

func (k *Kinds) read(ctx context.Context, tx *store.Tx, clinic string, page int, into any) error {
	stored, err := tx.Result(ctx, clinic, store.SortID, page)
	if err != nil || len(stored.Body) == 0 {
		return err
	}
	if err := json.Unmarshal(stored.Body, into); err != nil {
		return fmt.Errorf("desk: read page %d of a sorting: %w", page, err)
	}
	return nil
}

// kindName is a kind as staff choose it.
func kindName(l locale.Locale, kind dental.ProcedureKind) string {
	return l.Text("desk.kinds.kind."+string(kind), nil)
}
