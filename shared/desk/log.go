package desk

import (
	"cmp"
	"context"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// LogLine is one line of the audit log, ready to show.
type LogLine struct {
	At     time.Time
	When   string
	By     string
	Role   string
	What   string
	Detail string
	// Patient is the id, and Name what the card calls them; of an erased patient
	// there is the id alone.
	Patient string
	Name    string
}

// logPage is how many lines a page of the audit log has.
const logPage = 50

// monthForm is how a month is written: "2026-05".
const monthForm = "2006-01"

// MonthOf is the month of the log that an instant stands in: it is counted in UTC.
func MonthOf(at time.Time) string { return at.UTC().Format(monthForm) }

// Log reads a page of a clinic's audit log of a month, newest first. A month
// that is none, or a cursor of no page, is Invalid.
func Log(ctx context.Context, s *store.Store, c scenario.Catalogue, cl *dental.Clinic, month, cursor string, l locale.Locale, now time.Time) (lines []LogLine, next string, err error) {
	if _, err := time.Parse(monthForm, month); err != nil {
		return nil, "", dental.Errorf(dental.Invalid, "month", "must be a month of the form YYYY-MM")
	}
	entries, next, err := s.Log(ctx, cl.ID, month, logPage, cursor)
	if err != nil {
		return nil, "", err
	}
	heads, err := logged(ctx, s, entries)
	if err != nil {
		return nil, "", err
	}
	w := Record{Clinic: cl}.in(l, now)
	for _, e := range entries {
		line := LogLine{At: e.At, When: w.t("desk.timeline.when", "day", w.dayOf(e.At), "time", w.clock(e.At)), What: Acted(l, e.Action),
			By: cmp.Or(e.By, l.Text("desk.log.nobody", nil)), Detail: detail(l, c, e), Patient: e.Patient}
		if key := "desk.log.role." + string(e.Role); l.Has(key) {
			line.Role = l.Text(key, nil)
		}
		switch head := heads[e.Patient]; {
		case e.Patient == "":
		case head.Erased, head.ID == "":
			line.Detail = ""
		default:
			line.Name = Called(head)
		}
		lines = append(lines, line)
	}
	return lines, next, nil
}

// logged reads the heads of the patients that entries are about.
func logged(ctx context.Context, s *store.Store, entries []dental.LogEntry) (map[string]dental.Patient, error) {
	out := map[string]dental.Patient{}
	var members []dental.Member
	for _, e := range entries {
		if _, known := out[e.Patient]; e.Patient != "" && !known {
			out[e.Patient] = dental.Patient{}
			members = append(members, dental.Member{Clinic: e.Clinic, Patient: e.Patient})
		}
	}
	heads, err := s.Begin().Heads(ctx, members...)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		out[m.Patient] = heads[i]
	}
	return out, nil
}

// detail is what an entry adds in words: of what was pressed on the list the
// button's, of a scenario its title.
func detail(l locale.Locale, c scenario.Catalogue, e dental.LogEntry) string {
	if key := "desk.press." + e.Detail; e.Detail != "" && l.Has(key) {
		return l.Text(key, nil)
	}
	return c.Called(e.Detail, l.String())
}

// Acted is what an action of the audit log is called, as the beginning of a
// line; an unknown one is its code.
func Acted(l locale.Locale, action string) string {
	if key := "desk.log." + action; l.Has(key) {
		return capital(l.Text(key, nil))
	}
	return action
}

// capital begins a line with a capital letter.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
