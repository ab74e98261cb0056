package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/returnpoint/returnpoint/infra/demo/practice"
	"github.com/returnpoint/returnpoint/infra/demo/reckon"
	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// settled is when, after an instant, the desk's figures have taken everything in:
// at four in the morning of the day after the next, when what lies ahead has been
// added up and nothing has left since the evening.
func settled(at time.Time, loc *time.Location) time.Time {
	return dental.DateOf(at.In(loc)).AddDays(2).At(4*60, loc)
}

// audit holds the desk's figures against another reckoning of all that was
// posted. Before it some of what was posted is put right, given back and
// erased, since that must change the figures of days long past.
type audit struct {
	box  *box
	book *reckon.Book
	loc  *time.Location
	// others: the clinic had patients before, of whom the book knows nothing.
	others bool
	serial int
}

// newAudit is one of a clinic as the box finds it.
func newAudit(box *box, loc *time.Location) (*audit, error) {
	a := &audit{box: box, book: reckon.NewBook(loc), loc: loc}
	var touches []reckon.Touch
	if err := box.read(http.MethodGet, "/_local/touches?clinic="+url.QueryEscape(box.clinic), nil, &touches); err != nil {
		return nil, err
	}
	desk, err := a.desk(always, dental.DateOf(box.now.In(loc)).AddDays(1))
	a.others = len(touches) > 0 || desk.Patients > 0
	return a, err
}

// always is before all that is told of.
var always = dental.Date{Year: 2000, Month: 1, Day: 1}

// desk asks for the desk's figures of some days.
func (a *audit) desk(from, to dental.Date) (d reckon.Desk, err error) {
	query := url.Values{"clinic": {a.box.clinic}, "from": {from.String()}, "to": {to.String()}}
	return d, a.box.read(http.MethodGet, "/_local/measures?"+query.Encode(), nil, &d)
}

// answered enters what a patient has pressed on a survey's page.
func (a *audit) answered(act practice.Act) {
	rating, nps := act.Form.Get("answer"), -1
	if n, err := strconv.Atoi(act.Form.Get("nps")); err == nil {
		nps = n
	}
	if rating != "" || nps >= 0 {
		a.book.Answer(act.Patient, act.Link, rating, nps)
	}
}

// post posts an event of the book's own and enters it.
func (a *audit) post(e intake.Event) error {
	a.serial++
	e.ID, e.At = fmt.Sprintf("demo_audit_%d_%d", a.box.now.Unix(), a.serial), a.box.now
	if _, err := a.box.post(e); err != nil {
		return err
	}
	a.book.Post(e)
	return nil
}

// mend puts receipts right, moves a visit to the day before, gives money back
// and erases patients: of the oldest visits, of the newest and of some between.
func (a *audit) mend() (events int, err error) {
	visits := a.book.Visits()
	if len(visits) < 20 {
		return 0, nil
	}
	at := func(share int) dental.Visit { return visits[(len(visits)-1)*share/100] }
	var told []intake.Event
	for i, share := range []int{0, 33, 66, 100} {
		v := at(share)
		v.Version += 100
		v.Receipt.Minor += 1234_56 + int64(i)
		told = append(told, intake.Event{Type: intake.VisitCompleted, Visit: &v})
	}
	moved := at(50)
	moved.Version += 200
	moved.FinishedAt = moved.FinishedAt.AddDate(0, 0, -1)
	told = append(told, intake.Event{Type: intake.VisitCompleted, Visit: &moved})
	for i, share := range []int{5, 45, 95} {
		v := at(share)
		told = append(told, intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{ID: fmt.Sprintf("F-audit-%d-%d", a.box.now.Unix(), i), Patient: v.Patient,
			VisitID: v.ID, Amount: dental.Money{Minor: 100_01, Currency: "RUB"}, At: a.box.now, Kind: dental.Refund, Source: dental.Source{Version: 1}}})
	}
	for _, share := range []int{20, 80} {
		told = append(told, intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: at(share).Patient, Version: a.box.now.Unix() + 1}})
	}
	for _, e := range told {
		if err := a.post(e); err != nil {
			return 0, err
		}
	}
	return len(told), nil
}

// report mends, waits until the desk has taken it in, and prints whether the
// two reckonings agree: over all time, the last twelve months and each of these.
func (a *audit) report(out io.Writer) error {
	if a.others {
		_, err := fmt.Fprintln(out, "\nThe clinic had patients before: its figures are not held against another reckoning.")
		return err
	}
	mended, err := a.mend()
	if err != nil {
		return err
	}
	if err := a.box.moveTo(settled(a.box.now, a.loc)); err != nil {
		return err
	}
	defer a.box.timed("reckoning", time.Now())
	var touches []reckon.Touch
	if err := a.box.read(http.MethodGet, "/_local/touches?clinic="+url.QueryEscape(a.box.clinic), nil, &touches); err != nil {
		return err
	}
	today := dental.DateOf(a.box.now.In(a.loc))
	month := dental.Date{Year: today.Year, Month: today.Month, Day: 1}
	spans := [][2]dental.Date{{always, today}, {today.AddMonths(-12).AddDays(1), today}}
	for i := range 12 {
		spans = append(spans, [2]dental.Date{month.AddMonths(-i - 1), month.AddMonths(-i).AddDays(-1)})
	}
	agree, all := 0, 0
	var differ []string
	for i, s := range spans {
		desk, err := a.desk(s[0], s[1])
		if err != nil {
			return err
		}
		pairs := [][2]map[string]int64{{a.book.Figures(s[0], s[1], touches), desk.Figures()}}
		if i == 0 { // what was said is known without its day
			pairs = append(pairs, [2]map[string]int64{a.book.Said(), desk.Said()})
		}
		for _, p := range pairs {
			n, of, not := reckon.Compare(p[0], p[1])
			agree, all = agree+n, all+of
			for _, line := range not {
				differ = append(differ, fmt.Sprintf("%s to %s, %s", s[0], s[1], line))
			}
		}
	}
	if _, err := fmt.Fprintf(out, "\nFigures agree: %d of %d, reckoned a second time from what was posted, %d late corrections, refunds and erasures among it.\n", agree, all, mended); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, line := range differ {
		if _, err := fmt.Fprintln(out, "  "+line); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}
