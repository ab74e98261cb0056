package staff

import (
	"net/http"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/outreach"
)

// batchView is the page of a day's batch that waits for a person.
type batchView struct {
	shell
	desk.Batch
	Path string
	// Press makes the page's presses single, with the row's place behind it, and
	// Seen is the task about the batch as the page shows it.
	Press, Seen string
	// Whole: the batch can be let go as a whole.
	Whole bool
	// Undo is the press that lets the batch go while it can be taken back.
	Undo  []presses
	Items []batchItem
	Later string // the path of the following page, "" for none
}

// batchItem is one message of the batch.
type batchItem struct {
	desk.BatchRow
	Card, Press string
}

// forecaster says what would leave.
func (p *Pages) forecaster() *outreach.Forecaster {
	return &outreach.Forecaster{Store: p.Store, Catalogue: p.Catalogue, Base: p.Base}
}

// batchPage shows a day's batch with what each of its messages would say.
func (p *Pages) batchPage(w http.ResponseWriter, r request) error {
	day, err := dental.ParseDate(r.PathValue("day"))
	if err != nil {
		return missing()
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("from")) // anything else is the beginning
	batches := desk.Batches{Store: p.Store, Catalogue: p.Catalogue}
	b, err := batches.Page(r.Context(), r.clinic, r.PathValue("scenario"), day, from, r.now, p.forecaster().Preview)
	if err != nil {
		return err
	}
	page := batchView{shell: p.shell(r, "", "desk.batch.title"), Batch: b, Path: batchPath(r, b.Scenario, b.Day), Press: p.draw(), Seen: desk.Seen(b.Task)}
	page.Said, page.Problem = r.noticed()
	if b.Task.Pressed.ID != "" {
		page.Undo = []presses{p.presses(r, b.Task, 0)}
	} else {
		page.Whole = b.Task.Open() && b.Task.Kind != ""
	}
	for i, row := range b.Rows {
		page.Items = append(page.Items, batchItem{row, cardPath(r, row.Touch.Patient), page.Press + "." + strconv.Itoa(i)})
	}
	if b.Next > 0 {
		page.Later = page.Path + "?from=" + strconv.Itoa(b.Next)
	}
	p.render(w, r.Request, http.StatusOK, "batch", page)
	return nil
}
