package desk

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Columns says how a clinic has the columns of its tables read.
type Columns struct{ Store *store.Store }

// NoField is what a column is read as that is passed over.
const NoField = "-"

// What a clinic's table of columns has room for.
const (
	mostColumns   = 500
	longestHeader = 200
)

// Read has columns be read as fields from now on, by their headers; NoField is
// none of them. The rest of the clinic's table stays. fields are all that there are.
func (c *Columns) Read(ctx context.Context, clinic string, as map[string]string, fields []string, entry dental.LogEntry) error {
	entry.Action = "import.columns"
	changes, headers := map[string]string{}, []string{}
	for _, header := range slices.Sorted(maps.Keys(as)) {
		field, key := as[header], strings.ToLower(strings.TrimSpace(header))
		if key == "" || len([]rune(key)) > longestHeader || field != NoField && !slices.Contains(fields, field) {
			return refuse(dental.Invalid, "field", "desk.import.wrong.column", nil)
		}
		changes[key], headers = field, append(headers, strings.TrimSpace(header))
	}
	entry.Detail = clip(strings.Join(headers, ", "), reasonLength)
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := c.Store.Begin()
		cl, err := tx.Clinic(ctx, clinic)
		if err != nil {
			return err
		}
		columns := maps.Clone(cl.Columns)
		if columns == nil {
			columns = map[string]string{}
		}
		maps.Copy(columns, changes)
		if maps.Equal(columns, cl.Columns) {
			return nil
		}
		if len(columns) > mostColumns {
			return refuse(dental.Invalid, "field", "desk.import.wrong.many", nil)
		}
		cl.Columns = columns
		tx.Put(*cl)
		tx.Put(entry)
		return tx.Commit(ctx)
	})
}

// Quiet says that an import sends nothing, and what may follow it: scenarios that
// are on write to whom it brings in as to anybody. ends reports whether a pause would hold them.
func Quiet(cl *dental.Clinic, l locale.Locale) (says string, ends bool) {
	on := false
	for _, s := range cl.Scenarios {
		on = on || s.On
	}
	switch {
	case on && cl.Paused:
		return l.Text("desk.import.silent.paused", nil), true
	case on:
		return l.Text("desk.import.silent.on", nil), true
	}
	return l.Text("desk.import.silent", nil), false
}

// ImportView is an import, ready to show.
type ImportView struct {
	dental.Import
	Title   string // the file's name, or what it is
	From    string // the system whose export it is, "" where nobody has said
	When    string
	Status  string // how far it has come, in a word
	Sum     string // what became of the lines, "" before any was read
	Trouble string // why it failed, "" if it did not
	// Dropped: it was over before anything was read of its file.
	Dropped bool
	// Percent is how much of the file has been read.
	Percent int
}

// ViewImport makes an import ready to show.
func ViewImport(cl *dental.Clinic, imp dental.Import, l locale.Locale) ImportView {
	made := imp.Made.In(cl.Location())
	v := ImportView{Import: imp, Title: imp.Name, Status: l.Text("desk.import.state."+string(imp.State), nil),
		When: l.Text("desk.import.when", map[string]string{"day": l.DayYear(dental.DateOf(made)), "time": l.Time(dental.TimeOfDayOf(made))})}
	if imp.System != "" {
		v.From = l.Text("desk.import.from.said", map[string]string{"name": systemName(l, imp.System)})
	}
	if v.Title == "" {
		v.Title = l.Text("desk.import.unnamed", nil)
	}
	if imp.Lines > 0 {
		n := l.Number
		v.Sum = l.Text("desk.import.sum", map[string]string{"n": n(imp.Lines), "count": n(imp.Accepted), "least": n(imp.Unchanged), "most": n(imp.Refused)})
		if imp.Noted > 0 {
			v.Sum += " " + l.Text("desk.import.sum.noted", map[string]string{"n": n(imp.Noted)})
		}
	}
	if v.Dropped = imp.State == dental.ImportFailed && imp.Size == 0; v.Dropped {
		v.Status = l.Text("desk.import.state.dropped", nil)
	}
	if imp.Problem != "" {
		v.Trouble = l.Text(imp.Problem, map[string]string{"detail": imp.About})
	}
	if imp.Size > 0 {
		v.Percent = int(100 * min(imp.Read, imp.Size) / imp.Size)
	}
	return v
}

// Exporter is a system that a clinic's table may be an export of.
type Exporter struct{ System, Name string }

// Exporters are the systems that a clinic has an account with, in the order in
// which it chooses among them.
func Exporters(cl *dental.Clinic, l locale.Locale) (out []Exporter) {
	for _, system := range dental.Systems() {
		if _, open := cl.Accounts[system]; open {
			out = append(out, Exporter{system, systemName(l, system)})
		}
	}
	return out
}

// Imports lists a clinic's latest imports.
func Imports(ctx context.Context, s *store.Store, cl *dental.Clinic, l locale.Locale) ([]ImportView, error) {
	list, _, err := s.Imports(ctx, cl.ID, importsShown, "")
	if err != nil {
		return nil, err
	}
	var out []ImportView
	for _, imp := range list {
		out = append(out, ViewImport(cl, imp, l))
	}
	return out, nil
}

// importsShown is how many of the latest imports are listed.
const importsShown = 20

// ImportAt reads an import; one that there is not is NotFound.
func ImportAt(ctx context.Context, s *store.Store, clinic, id string) (dental.Import, error) {
	if !dental.ValidID(id) {
		return dental.Import{}, dental.Errorf(dental.NotFound, "", "there is no such import")
	}
	imp, err := s.Begin().Import(ctx, clinic, id)
	if err == nil && imp.ID == "" {
		err = dental.Errorf(dental.NotFound, "", "there is no such import")
	}
	return imp, err
}

// ReadsAgain reports whether a page that shows the import is worth loading again:
// it goes on by itself.
func ReadsAgain(imp dental.Import, now time.Time) bool {
	return imp.State == dental.ImportRunning || imp.State == dental.ImportWaiting && !imp.Held && now.Sub(imp.Made) < time.Hour
}
