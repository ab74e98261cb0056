// Package sheet reads a patient base from a table, a CSV or an XLSX file: a line
// of it is a patient, or a visit of one.
//
// What a column holds is found by its header, in Russian or English, by the table
// in headings.go, which the clinic's own Columns overrule. The headers stand in
// one of the first twenty rows, so that a title above them does no harm.
//
// A line comes to one object that is not remembered (intake.Object without a
// System), with up to six facts: the card, of which the line says only what
// stands in it (intake.Known), the visit, the first visit, the appointment ahead
// and the plan. Their ids follow from the line, so that the same line again is
// the same facts:
//
//   - a patient's id is that of the program which the file is an export of
//     (load.Options.System): its patient 5 is the one that it tells of itself, and
//     nobody else's 5. A file of no program named calls patients as the clinic
//     does, whose own program may tell of them by the same ids. The number of a
//     chart is no program's id: it has a space of its own, unless it is all by
//     which a file of no program named calls its patients. Whoever has a file
//     read as another program's makes other patients, proposed as twins;
//   - a patient without an id of their own gets one of the name and the birth
//     date, if family name, given name and date stand there: a phone that is
//     corrected leaves the patient who they are. Whom these do not tell gets one of
//     the last ten digits of the phone and what there is of name and date, else of
//     the e-mail and the name. Whoever changes any of that in the table makes
//     another patient, which is proposed as a twin of the first;
//   - a visit is named by its patient, its number, or else its day and time, and
//     what was done: code, name and tooth. So a sum, a doctor or a date to come
//     back by that is put right in the next file puts the visit right, and so does
//     a time, and a day where the number is the visit's own and not of a receipt or
//     another paper. Each service of a visit is a visit by itself, with its part of
//     the sum, and lines of a file that say the same are as many; in a list of each
//     patient's last visit they are one. Of two files the one brought in later
//     counts: no table says when it was written;
//   - the appointment of a "next visit" column is one for each patient, which
//     moves when the column does; a line of a timetable, whose own date lies
//     ahead, is named by patient and start;
//   - a plan is named by its patient, name and date, whatever it costs by now.
//
// Dates with strokes have one order in a table, which its first rows tell: the
// month is first where a second part is beyond 12 and no first one is. Where both
// occur, or neither in a table with English headers alone, 5/6/2026 is refused; in
// one with Russian headers the day is first, as in dates with points everywhere.
//
// A sum in a list of last visits is that visit's where its header says so ("последний
// чек"), or the clinic; another one may be of all visits ever, and is left out.
//
// A date of two digits for the year is of this century, except a birth date that
// would lie ahead, which is of the last. A visit without a time of day is at noon
// of the clinic's zone. An appointment without one is left out: a patient would be
// reminded of a wrong hour. A consent without a date proves nothing and is left
// out; a refusal without one counts, older than any decision with a date. A dash
// in a column of consents is a refusal, as a plus is a consent; an empty cell says
// nothing.
//
// Lines of totals and repeated headers are passed over; empty lines are no records.
//
// Sources: RFC 4180 for CSV, with the liberties that spreadsheets take (a "sep=;"
// line, quotes left as they are within a bare field, ="0123" for a text of
// digits); ECMA-376 for XLSX, its serial dates included. The headers are those
// seen in exports and import templates of Russian practice and booking systems,
// and in lists kept by hand; no vendor promises its own.
package sheet

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/load"
)

// The codes of what can be wrong. With a file as a whole:
const (
	NoColumns = "no-columns" // Detail: the headers found
	Empty     = "empty-file"
	NotText   = "not-text"
	NotXLSX   = "not-xlsx"
	OldExcel  = "old-excel"
	Locked    = "password"
	TooBig    = "too-big"
	Damaged   = "damaged-file"
	NoSheet   = "no-sheet" // Detail: its name
)

// With a line:
const (
	NUL       = "nul"
	OpenQuote = "open-quote"
	LongLine  = "long-line"
	WideLine  = "wide-line" // Detail: how many cells it has
	NoPatient = "no-patient"
	CutOff    = "cut-off" // Detail: the last row that there should be
)

// With a cell, while the rest of the line goes in:
const (
	BadDate        = "bad-date"
	DateOrder      = "date-order" // it may be D/M or M/D
	DateRange      = "date-range"
	YearOnly       = "year-only"
	BirthAhead     = "birth-ahead"
	BadTime        = "bad-time"
	BadMoney       = "bad-money"
	OtherCurrency  = "other-currency" // Detail: the clinic's
	BadSex         = "bad-sex"
	BadEmail       = "bad-email"
	BadAnswer      = "bad-answer"
	BadDone        = "bad-done" // of a plan
	BadStatus      = "bad-status"
	BadName        = "bad-name"
	Initials       = "initials"
	BadGuardian    = "bad-guardian"
	LongCell       = "long-cell"
	BadLetters     = "bad-letters"
	CellError      = "cell-error"
	Rounded        = "rounded-number"
	VisitAhead     = "visit-ahead"
	VisitUndated   = "visit-undated"
	NextPast       = "appointment-past"
	NextUntimed    = "appointment-untimed"
	ConsentUndated = "consent-undated"
	ConsentAhead   = "consent-ahead"
	PlanUndated    = "plan-undated"
	ReturnUnplaced = "return-unplaced"
)

// With a column of a Preview:
const SumUnplaced = "sum-unplaced"

// Codes lists all of them; each has its words in the locale's desk.import.reason.<code>.
func Codes() []string {
	return []string{NoColumns, Empty, NotText, NotXLSX, OldExcel, Locked, TooBig, Damaged, NoSheet,
		NUL, OpenQuote, LongLine, WideLine, NoPatient, CutOff,
		BadDate, DateOrder, DateRange, YearOnly, BirthAhead, BadTime, BadMoney, OtherCurrency, BadSex, BadEmail, BadAnswer, BadDone, BadStatus, BadName, Initials,
		BadGuardian, LongCell, BadLetters, CellError, Rounded, VisitAhead, VisitUndated, NextPast, NextUntimed, ConsentUndated, ConsentAhead,
		PlanUndated, ReturnUnplaced, SumUnplaced}
}

// Bounds of what is read.
const (
	maxColumns = 500
	maxLine    = 1 << 20 // bytes of a line of a CSV file, with all the line breaks that are quoted in it
	maxBreaks  = 100     // line breaks quoted in one line: beyond them a quote was never closed
	maxText    = 200     // letters of a name or a service
	maxValue   = 500     // letters of a cell that a Fault repeats
	maxDetail  = 1000    // bytes of the headers that a Fault names
	headRows   = 20      // in which the headers stand
	preview    = 20      // rows that a Preview shows
)

var (
	_ load.Previewer = CSV{}
	_ load.Previewer = XLSX{}
	_ load.Format    = CSV{}
	_ load.Format    = XLSX{}
)

// table is how the rows of a file are read.
type table struct {
	options  load.Options
	zone     *time.Location
	today    dental.Date
	currency string

	headers []string // as they stand
	fields  []field  // of each column; none for those left out
	columns [fields][]int
	// exact: a number is written in full, whatever its form. In a CSV file
	// 7.916E+10 is what a spreadsheet left of a phone number.
	exact bool
	// last: the visits are each patient's last, so that a line that is there twice
	// tells of one, and a sum that does not say of what may be of all of them.
	last     bool
	unplaced []int // the columns of such sums
	// named counts the lines read so far that name one visit, by a part of its name.
	named map[uint64]int
	// order is that of dates such as 5/6/2026.
	order order
	// since1904: serial dates count from 1 January 1904.
	since1904 bool
}

func newTable(o load.Options) *table {
	t := &table{options: o, zone: o.Clinic.Location(), today: o.Clinic.Today(o.Now), currency: o.Clinic.Currency}
	if t.currency == "" {
		t.currency = "RUB"
	}
	return t
}

// head makes the row of headers the table's own.
func (t *table) head(cells []string, known index) {
	t.headers, t.fields, t.columns = nil, nil, [fields][]int{}
	t.named, t.unplaced = map[uint64]int{}, nil
	var commons []int
	for i, cell := range cells {
		f, common := known.field(cell)
		if common {
			commons = append(commons, i)
		} else if f != none {
			t.columns[f] = append(t.columns[f], i)
		}
		t.headers, t.fields = append(t.headers, clean(cell)), append(t.fields, f)
	}
	take := func(i int, may bool) {
		f := t.fields[i]
		if f == patientID || f == chartNumber { // either says who a line is about
			may = !t.has(patientID, chartNumber)
		}
		if may && !t.has(f) {
			t.columns[f] = []int{i}
		} else {
			t.fields[i] = none
		}
	}
	dated := func(i int) bool { return t.fields[i] == visitDate || t.fields[i] == visitTime }
	for _, i := range commons {
		if !dated(i) {
			take(i, true)
		}
	}
	visits := t.has(receipt, serviceName, serviceCode, visitDoctor, visitNumber)
	for _, i := range commons {
		if dated(i) {
			take(i, visits)
		}
	}
	t.last = t.has(visitDate) && !slices.ContainsFunc(t.columns[visitDate], func(i int) bool { return !about(cells[i], lastOnes...) })
	if t.last {
		t.columns[receipt] = slices.DeleteFunc(t.columns[receipt], func(i int) bool {
			if known.said(cells[i]) || about(cells[i], oneVisits...) {
				return false
			}
			t.fields[i], t.unplaced = none, append(t.unplaced, i)
			return true
		})
	}
}

// again says how many lines before have named a visit so: "Анестезия" twice in
// one visit is two of them.
func (t *table) again(name string) int {
	part, _ := strconv.ParseUint(name[:16], 16, 64) // as much of a hash as is sure to differ
	t.named[part]++
	return t.named[part] - 1
}

// counts reports whether what a line says hangs on the lines before it.
func (t *table) counts() bool {
	return t.has(visitDate) && !t.last && t.has(receipt, serviceName, serviceCode, serviceKind)
}

// score is how many fields the headers give, and whether they say who a line is about.
func (t *table) score() (n int, enough bool) {
	for _, columns := range t.columns {
		n += min(len(columns), 1)
	}
	return n, t.has(patientID, chartNumber) || t.has(fullName, familyName, givenName) && t.has(phone, otherPhone)
}

// has reports whether there is a column of one of the fields.
func (t *table) has(fs ...field) bool {
	return slices.ContainsFunc(fs, func(f field) bool { return len(t.columns[f]) > 0 })
}

// find makes the best of the rows the table's header and says which it is, and
// whether it is enough. Where none is, the row with the most columns stands for
// the headers, so that a fault and a preview can show them; -1 is of no rows.
func (t *table) find(rows [][]string, known index) (at int, enough bool) {
	at, best := -1, 0
	widest := -1
	for i, cells := range rows {
		t.head(cells, known)
		if n, enough := t.score(); enough && n > best {
			at, best = i, n
		}
		if widest < 0 || filled(cells) > filled(rows[widest]) {
			widest = i
		}
	}
	if enough = at >= 0; !enough {
		at = widest
	}
	if at >= 0 {
		t.head(rows[at], known)
	}
	return at, enough
}

// missing is why a file without enough headers cannot be read.
func (t *table) missing() *load.Fault {
	var found []string
	for _, h := range t.headers {
		if h != "" {
			found = append(found, h)
		}
	}
	if len(found) == 0 {
		return &load.Fault{Code: Empty}
	}
	return &load.Fault{Code: NoColumns, Detail: cut(strings.Join(found, ", "), maxDetail)}
}

func (t *table) preview() []load.Column {
	var out []load.Column
	for i, h := range t.headers {
		c := load.Column{Header: h, Field: t.fields[i].String()}
		if slices.Contains(t.unplaced, i) {
			c.Why = SumUnplaced
		}
		out = append(out, c)
	}
	return out
}

// filled is how many cells of a row hold anything.
func filled(cells []string) (n int) {
	for _, c := range cells {
		if clean(c) != "" {
			n++
		}
	}
	return n
}

// blank reports whether nothing stands in a row.
func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// Fields implements load.Previewer.
func (CSV) Fields() []string { return fieldNames() }

// Fields implements load.Previewer.
func (XLSX) Fields() []string { return fieldNames() }
