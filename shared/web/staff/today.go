package staff

import (
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
)

func (p *Pages) todayRoutes() []route {
	return []route{
		{path: "/desk/{clinic}", get: p.today, least: dental.Administrator},
		{path: "/desk/{clinic}/today/version", get: p.todayVersion, least: dental.Administrator},
	}
}

func (p *Pages) list() *desk.List { return &desk.List{Store: p.Store, Catalogue: p.Catalogue} }

// todayPage is a page of the day's list.
type todayPage struct {
	shell
	desk.Today
	// Parts are the rows under their headings.
	Parts   []heap
	Pressed []undoRow
	// Batches lead to the messages that wait to be let go.
	Batches []batchLink
	// Reload is the path of this very page, and Further of the following one; "" for none.
	Reload, Further string
	// Digits are what was searched for last; the box on this page begins empty.
	Digits string
}

// batchLink leads to a batch that waits, and says how much is in it.
type batchLink struct{ Says, Path string }

// heap is the rows that stand under one heading.
type heap struct {
	Heading string
	Rows    []todayRow
}

// todayRow is one row with its presses, item by item.
type todayRow struct {
	desk.Row
	Items []todayItem
	// Several: there is more than one item, and Family says that these are of
	// several patients who are called at one number.
	Several bool
	Family  string
}

// todayItem is one task with its presses and the paths that it leads to.
type todayItem struct {
	desk.Item
	Presses presses
	// Again: the item before is about the same patient.
	Again bool
	Card  string // the path of the patient's card, "" for a task about nobody
	Path  string // the path of a release task's batch
}

// undoRow is one task whose press can be taken back.
type undoRow struct {
	Who     string
	Presses presses
}

// today shows the day's list.
func (p *Pages) today(w http.ResponseWriter, r request) error {
	from, _ := strconv.Atoi(r.URL.Query().Get("from")) // anything else is the beginning
	list, err := p.list().Today(r.Context(), r.clinic, r.me.Key, from, r.now)
	if err != nil {
		return err
	}
	if len(list.Rows) == 0 && list.From > 0 { // what stood here is done
		return back(w, r, "", nil)
	}
	page := todayPage{shell: p.shell(r, "", "desk.today.title"), Today: list, Reload: listPath(r, list.From)}
	page.Said, page.Problem = r.noticed()
	if list.Next > 0 {
		page.Further = listPath(r, list.Next)
	}
	var urgent, rest []todayRow
	for _, row := range list.Rows {
		out := p.todayRow(r, row, list.From)
		if row.Urgent {
			urgent = append(urgent, out)
		} else {
			rest = append(rest, out)
		}
	}
	if len(urgent) > 0 {
		page.Parts = append(page.Parts, heap{page.T("desk.today.urgent"), urgent})
	}
	if len(rest) > 0 {
		page.Parts = append(page.Parts, heap{page.T("desk.today.rest"), rest})
	}
	for _, it := range list.Batches {
		page.Batches = append(page.Batches, batchLink{it.Why, batchPath(r, it.Task.Scenario, it.Batch)})
	}
	for _, it := range list.Pressed {
		page.Pressed = append(page.Pressed, undoRow{it.Who, p.presses(r, it.Task, list.From)})
	}
	p.render(w, r.Request, http.StatusOK, "today", page)
	return nil
}

func listPath(r request, from int) string {
	if from == 0 {
		return r.home()
	}
	return r.home() + "?from=" + strconv.Itoa(from)
}

func (p *Pages) todayRow(r request, row desk.Row, from int) todayRow {
	out := todayRow{Row: row, Several: len(row.Items) > 1}
	called := map[string]bool{}
	for i, it := range row.Items {
		item := todayItem{Again: i > 0 && row.Items[i-1].Task.Patient == it.Task.Patient, Item: it, Presses: p.presses(r, it.Task, from)}
		switch {
		case it.Task.Kind == dental.LeadTask: // the card would be that of whoever recommends
		case it.Task.Patient != "":
			item.Card, called[it.Task.Patient] = cardPath(r, it.Task.Patient), true
		case !it.Batch.IsZero():
			item.Path = batchPath(r, it.Task.Scenario, it.Batch)
		}
		out.Items = append(out.Items, item)
	}
	if n := strconv.Itoa(len(called)); len(called) > 1 {
		out.Family = r.locale.Text("desk.today.family", map[string]string{"n": n})
	}
	return out
}

// cardPath is the path of a patient's card.
func cardPath(r request, patient string) string {
	return r.home() + "/patients/" + url.PathEscape(patient)
}

// batchPath is the path of a day's batch of a scenario.
func batchPath(r request, scenario string, day dental.Date) string {
	return r.home() + "/batches/" + url.PathEscape(scenario) + "/" + day.String()
}

// todayVersion tells the list's version, for the page to ask whether it has changed.
func (p *Pages) todayVersion(w http.ResponseWriter, r request) error {
	version, err := p.list().Version(r.Context(), r.clinic, r.now)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, version) // the reader has gone if this fails
	return nil
}
