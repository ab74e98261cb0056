package staff

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/load"
)

// mostUpload is the most bytes of a file that a plain form sends: on Lambda a form
// travels as base64, of which 6 MB may come. A larger file goes to a URL of its
// own, by the page's script.
const mostUpload = 4_400_000

func (p *Pages) importRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/imports", get: p.importsPage, post: p.takeFile, least: dental.Manager, upload: mostUpload + maxBody},
		{path: "/desk/{clinic}/imports/upload", post: p.awaitFile, least: dental.Manager},
		{path: "/desk/{clinic}/imports/{import}", get: p.importPage, post: p.pressImport, least: dental.Manager},
	}
}

// Imports takes files in, as load.Loader does.
type Imports interface {
	Begin(ctx context.Context, cl *dental.Clinic, o load.Order, body []byte) (dental.Import, error)
	Await(ctx context.Context, cl *dental.Clinic, o load.Order) (imp dental.Import, upload string, err error)
	Start(ctx context.Context, clinic, id string, entry dental.LogEntry) (dental.Import, error)
	Discard(ctx context.Context, clinic, id string, entry dental.LogEntry) (dental.Import, error)
	Preview(ctx context.Context, cl *dental.Clinic, imp dental.Import) (p load.Preview, fields []string, ok bool, err error)
	ReportURL(ctx context.Context, imp dental.Import, until time.Time) (string, error)
}

var _ Imports = (*load.Loader)(nil)

// uploading is a page whose script sends files elsewhere.
type uploading struct{ To string }

// reaches is where the page's script may send to, beside this host.
func (u uploading) reaches() string { return u.To }

// importsPage is where a base is brought in, with the imports there were.
type importsPage struct {
	shell
	uploading
	quiet
	Press   string
	Imports []desk.ImportView
	Most    string // of a file that the form itself sends, in MB
	Can     bool
	Formats string
	From    []desk.Exporter // what a table may be an export of
}

// quiet is the promise of a page that an import sends nothing.
type quiet struct {
	Silent string
	Pauses bool // and a pause would keep it so
}

func silence(r request) (q quiet) {
	q.Silent, q.Pauses = desk.Quiet(r.clinic, r.locale)
	return q
}

func (p *Pages) importsPage(w http.ResponseWriter, r request) error {
	page, err := p.importsAt(r)
	if err != nil {
		return err
	}
	page.Said, page.Problem = r.noticed()
	p.render(w, r.Request, http.StatusOK, "imports", page)
	return nil
}

func (p *Pages) importsAt(r request) (importsPage, error) {
	list, err := desk.Imports(r.Context(), p.Store, r.clinic, r.locale)
	return importsPage{shell: p.shell(r, "/imports", "desk.import.title"), uploading: uploading{p.Uploads}, quiet: silence(r), Press: p.draw(), Imports: list,
		Most: strconv.Itoa(mostUpload / 1_000_000), Can: p.Imports != nil, Formats: load.Ends + ", .gz", From: desk.Exporters(r.clinic, r.locale)}, err
}

// order asks for an import by a press of this desk. Body tells one file from another.
func (p *Pages) order(r request, format, name, body string) load.Order {
	system := r.form.Get("system")
	return load.Order{ID: "desk." + r.form.Get("id"), Body: strings.TrimSuffix(body+"\x00"+system, "\x00"), Format: format, Name: name, By: r.me.Name, System: system, Held: true, Log: p.act(r, "import.file", "", name)}
}

// takeFile takes a file that stands in the form.
func (p *Pages) takeFile(w http.ResponseWriter, r request) error {
	name, wrong := r.form.Get(fileName), ""
	format, readable := load.FormatOf(name, r.file[:min(len(r.file), load.HeadBytes)])
	switch {
	case p.Imports == nil:
		return missing()
	case !dental.ValidID(r.form.Get("id")):
		return dental.Errorf(dental.Invalid, "id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")
	case r.file == nil && name != "":
		wrong = "desk.import.reason.empty-file"
	case r.file == nil:
		wrong = "desk.import.wrong.none"
	case len(r.file) > mostUpload:
		wrong = "desk.import.wrong.large"
	case !readable:
		wrong = "desk.import.wrong.format"
	case !load.FromSystem(format, r.form.Get("system")):
		wrong = "desk.import.wrong.system"
	}
	query := url.Values{}
	if wrong == "" {
		sum := sha256.Sum256(r.file)
		imp, err := p.Imports.Begin(r.Context(), r.clinic, p.order(r, format, name, hex.EncodeToString(sum[:])), r.file)
		if err == nil {
			return back(w, r, "/imports/"+url.PathEscape(imp.ID), query)
		}
		if dental.KindOf(err) != dental.Conflict {
			return err
		}
		wrong = "desk.wrong.changed"
	}
	p.wronged(w, r, query, r.locale.Text(wrong, map[string]string{"n": strconv.Itoa(mostUpload / 1_000_000)}))
	return back(w, r, "/imports", query)
}

// awaited is the answer to the page's script: where to PUT the file, with which
// content type, and the page of the import.
type awaited struct {
	Upload string `json:"upload"`
	Type   string `json:"type"`
	Page   string `json:"page"`
}

// awaitFile opens an import for a file that the page's script will send elsewhere.
func (p *Pages) awaitFile(w http.ResponseWriter, r request) error {
	name := r.form.Get("name")
	format, readable := load.FormatOf(name, []byte(r.form.Get("head")))
	switch {
	case p.Imports == nil:
		return missing()
	case !dental.ValidID(r.form.Get("id")), name == "", !readable:
		return dental.Errorf(dental.Invalid, "name", "the file is none that can be read")
	}
	imp, upload, err := p.Imports.Await(r.Context(), r.clinic, p.order(r, format, name, name+"\x00"+r.form.Get("size")))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return json.NewEncoder(w).Encode(awaited{Upload: upload, Type: format, Page: r.home() + "/imports/" + url.PathEscape(imp.ID)})
}

// importPage is one import: its columns before it is begun, then how far it is,
// then what came of it.
type importPage struct {
	shell
	quiet
	desk.ImportView
	Title   string
	Path    string
	Columns []importColumn
	Heads   []string // of the columns that the rows have
	Rows    [][]string
	Sheets  string // the names of those that are read, "" where there is one
	Unread  string // and of those that are not
	Groups  []importGroup
	Fault   string // why the file cannot be one
	Coming  bool   // the file has not come yet
	Report  string // where the report may be had
	Twins   bool
}

// Unnumbered says what patients are known by in a table without numbers of
// theirs, as package sheet has it: the key of the words, "" where there are
// numbers, or not enough at all.
func (p importPage) Unnumbered() string {
	has := func(field string) bool {
		return slices.ContainsFunc(p.Columns, func(c importColumn) bool { return c.Field == field })
	}
	whole := has("name") || has("family") && has("given")
	switch {
	case has("id"), has("card"):
	case whole && has("birth"):
		return "desk.import.columns.unnumbered.birth"
	case (whole || has("family") || has("given")) && (has("phone") || has("phone.other")):
		return "desk.import.columns.unnumbered.phone"
	}
	return ""
}

// importColumn is one of a table's.
type importColumn struct {
	N             int
	Header, Field string
	Sample        string
	Why           string // it is not read as what it could be
}

// importField is what a column can be read as, and importGroup those of one kind.
type (
	importField struct{ Name, Label string }
	importGroup struct {
		Label  string
		Fields []importField
	}
)

// groupOf is what a field is about, as the texts desk.import.group.<it> say.
func groupOf(field string) string {
	head, _, _ := strings.Cut(field, ".")
	switch head {
	case "visit", "service", "tooth", "sum", "return":
		return "visit"
	case "next", "consent", "plan":
		return head
	}
	if field == "doctor" {
		return "visit"
	}
	return "patient"
}

// groups are the kinds of fields in the order in which a form shows them.
func groups() []string { return []string{"patient", "visit", "next", "consent", "plan"} }

// sampled is how many of the first rows stand beside a column.
const sampled = 2

// reportLife is how long the page's link to a report holds.
const reportLife = time.Hour

func (p *Pages) importPage(w http.ResponseWriter, r request) error {
	imp, err := desk.ImportAt(r.Context(), p.Store, r.clinic.ID, r.PathValue("import"))
	if err != nil {
		return err
	}
	page := importPage{shell: p.shell(r, "/imports", "desk.import.title"), quiet: silence(r), ImportView: desk.ViewImport(r.clinic, imp, r.locale), Path: r.home() + "/imports/" + url.PathEscape(imp.ID)}
	page.Title = page.ImportView.Title
	page.Said, page.Problem = r.noticed()
	if p.Imports != nil {
		if imp.State == dental.ImportWaiting {
			if err := p.preview(r, imp, &page); err != nil {
				return err
			}
		}
		if imp.Parts > 0 { // an empty report is worth no click
			if page.Report, err = p.Imports.ReportURL(r.Context(), imp, r.now.Add(reportLife)); err != nil {
				return err
			}
		}
	}
	if desk.ReadsAgain(imp, r.now) || page.Coming && r.now.Sub(imp.Made) < reportLife {
		w.Header().Set("Refresh", reloads+"; url="+page.Path)
	}
	p.render(w, r.Request, http.StatusOK, "import", page)
	return nil
}

// preview lays out what the columns of a table are read as.
func (p *Pages) preview(r request, imp dental.Import, page *importPage) error {
	seen, fields, table, err := p.Imports.Preview(r.Context(), r.clinic, imp)
	fault, broken := errors.AsType[*load.Fault](err)
	switch {
	case dental.KindOf(err) == dental.NotFound:
		page.Coming = true
		return nil
	case broken:
		page.Fault = load.Reason(r.clinic, *fault)
		return nil
	case err != nil:
		return err
	}
	if seen.Fault != nil {
		page.Fault = load.Reason(r.clinic, *seen.Fault)
	}
	if !table {
		return nil
	}
	page.Rows, page.Sheets, page.Unread = seen.Rows, r.locale.Join(seen.Sheets), r.locale.Join(seen.Unread)
	for i, c := range seen.Columns {
		column := importColumn{N: i, Header: c.Header, Field: c.Field}
		if c.Why != "" {
			column.Why = load.Reason(r.clinic, load.Fault{Code: c.Why})
		}
		var sample []string
		for _, row := range seen.Rows {
			if i < len(row) && row[i] != "" && len(sample) < sampled {
				sample = append(sample, row[i])
			}
		}
		column.Sample = strings.Join(sample, " · ")
		page.Columns = append(page.Columns, column)
		if len(seen.Sheets) == 0 || slices.ContainsFunc(seen.Rows, func(row []string) bool { return i < len(row) }) {
			page.Heads = append(page.Heads, c.Header)
		}
	}
	for _, name := range groups() {
		group := importGroup{Label: r.locale.Text("desk.import.group."+name, nil)}
		for _, f := range fields {
			if groupOf(f) != name {
				continue
			}
			label := f
			if key := "desk.import.field." + f; r.locale.Has(key) { // a reader newer than the texts says its own name
				label = r.locale.Text(key, nil)
			}
			group.Fields = append(group.Fields, importField{f, label})
		}
		slices.SortStableFunc(group.Fields, func(a, b importField) int { return strings.Compare(a.Label, b.Label) })
		page.Groups = append(page.Groups, group)
	}
	return nil
}

// pressImport has columns read otherwise, begins the import with the columns as
// they stand in the form, or deletes its file.
func (p *Pages) pressImport(w http.ResponseWriter, r request) error {
	imp, err := desk.ImportAt(r.Context(), p.Store, r.clinic.ID, r.PathValue("import"))
	if err != nil {
		return err
	}
	if p.Imports == nil {
		return missing()
	}
	said, query := "", url.Values{}
	switch r.form.Get("do") {
	case "columns":
		said, err = "desk.import.columns.saved", p.readColumns(r, imp)
	case "start":
		var begun bool
		if begun, err = p.startImport(r, imp); begun {
			said = "desk.import.started"
		}
	case "discard":
		imp, err = p.Imports.Discard(r.Context(), r.clinic.ID, imp.ID, p.act(r, "import.discard", imp.ID, imp.Name))
		switch {
		case err == nil && imp.State == dental.ImportFailed:
			p.said(w, r, query, r.locale.Text("desk.import.discarded", nil))
			return back(w, r, "/imports", query)
		case dental.KindOf(err) == dental.Unavailable:
			p.Log.ErrorContext(r.Context(), "a file is not deleted", "clinic", r.clinic.ID, "import", imp.ID, "err", err)
			p.wronged(w, r, query, r.locale.Text("desk.import.wrong.discard", nil))
			return back(w, r, "/imports/"+url.PathEscape(r.PathValue("import")), query)
		} // else it has begun meanwhile, as its page shows
	default:
		return dental.Errorf(dental.Invalid, "do", "is no press of this page")
	}
	if err != nil {
		says := desk.InWords(r.locale, err)
		if says == "" {
			return err
		}
		p.wronged(w, r, query, says)
	} else if said != "" {
		p.said(w, r, query, r.locale.Text(said, nil))
	}
	return back(w, r, "/imports/"+url.PathEscape(imp.ID), query)
}

// startImport begins an import with the columns that the form says. Why it cannot
// be begun yet stands on its page.
func (p *Pages) startImport(r request, imp dental.Import) (begun bool, err error) {
	if imp.State != dental.ImportWaiting {
		return false, nil // another press was first
	}
	if err := p.readColumns(r, imp); err != nil {
		return false, err
	}
	cl, err := p.Store.Begin().Clinic(r.Context(), r.clinic.ID)
	if err != nil {
		return false, err
	}
	if seen, _, _, err := p.Imports.Preview(r.Context(), cl, imp); err != nil || seen.Fault != nil {
		return false, err
	}
	_, err = p.Imports.Start(r.Context(), r.clinic.ID, imp.ID, p.act(r, "import.start", imp.ID, imp.Name))
	return err == nil, err
}

// readColumns keeps what was chosen for the columns whose reading was changed.
func (p *Pages) readColumns(r request, imp dental.Import) error {
	seen, fields, table, err := p.Imports.Preview(r.Context(), r.clinic, imp)
	if fault, broken := errors.AsType[*load.Fault](err); broken && fault.Code != "" {
		return dental.Errorf(dental.Invalid, "file", "the file cannot be read")
	}
	if err != nil || !table {
		return err
	}
	as := map[string]string{}
	for i, c := range seen.Columns {
		n := strconv.Itoa(i)
		chosen := r.form.Get("field." + n)
		// A form of another file, or one of another reading, changes nothing.
		if c.Header == "" || r.form.Get("header."+n) != c.Header || !r.form.Has("field."+n) || chosen == c.Field {
			continue
		}
		if as[c.Header] = chosen; chosen == "" {
			as[c.Header] = desk.NoField
		}
	}
	return (&desk.Columns{Store: p.Store}).Read(r.Context(), r.clinic.ID, as, fields, p.act(r, "", "", ""))
}
