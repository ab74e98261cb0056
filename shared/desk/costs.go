package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/store"
	"github.com/returnpoint/returnpoint/shared/table"
)

// Costs is where managers enter what nobody's system tells: what the clinic
// spends on advertising and on bringing patients back, and how the maps rate it;
// one by one, or by a file. Errors are Invalid and NotFound, each with its words
// for staff (InWords).
type Costs struct {
	Store *store.Store
	Rand  io.Reader // crypto/rand.Reader outside tests
}

// The actions of the audit log that are done on costs and ratings.
const (
	CostEntered   = "cost-entered"
	CostRemoved   = "cost-removed"
	RatingEntered = "rating-entered"
	RatingRemoved = "rating-removed"
)

// What a cost and a rating may be.
const (
	longestCost = 5 * 366 // days that a cost may be spread over
	leastRating = 10      // tenths
	mostRating  = 50
	mostReviews = 1_000_000
)

// Enter keeps a cost: its Kind, Amount, days and Note. The press's id is the
// cost's, so that a form that is sent twice is one cost.
func (c *Costs) Enter(ctx context.Context, p Press, cost dental.Cost, now time.Time) error {
	return c.write(ctx, p, now, func(tx *store.Tx, cl *dental.Clinic, p Press) error {
		cost.ID = p.ID
		return putCost(tx, cl, p, cost, now)
	})
}

// Remove takes a cost back. One that is not there is NotFound.
func (c *Costs) Remove(ctx context.Context, p Press, id string, now time.Time) error {
	return c.write(ctx, p, now, func(tx *store.Tx, cl *dental.Clinic, p Press) error {
		costs, err := c.Store.Costs(ctx, cl.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(costs, func(c dental.Cost) bool { return c.ID == id })
		if i < 0 {
			return refuse(dental.NotFound, "id", "desk.costs.wrong.gone", nil)
		}
		tx.Remove(costs[i])
		entry := p.entry(CostRemoved, now)
		entry.Subject, entry.Detail = id, spelled(cl, costs[i])
		tx.Put(entry)
		return nil
	})
}

// Rate keeps what a map showed on a day: its Map, On, Tenths and Reviews. The
// last word about a day counts.
func (c *Costs) Rate(ctx context.Context, p Press, r dental.MapRating, now time.Time) error {
	return c.write(ctx, p, now, func(tx *store.Tx, cl *dental.Clinic, p Press) error { return putRating(tx, cl, p, r, now) })
}

// Unrate takes a day's word about a map back. One that is not there is NotFound.
func (c *Costs) Unrate(ctx context.Context, p Press, of string, on dental.Date, now time.Time) error {
	return c.write(ctx, p, now, func(tx *store.Tx, cl *dental.Clinic, p Press) error {
		ratings, err := c.Store.Ratings(ctx, cl.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(ratings, func(r dental.MapRating) bool { return r.Map == of && r.On == on })
		if i < 0 {
			return refuse(dental.NotFound, "map", "desk.costs.wrong.gone", nil)
		}
		tx.Remove(ratings[i])
		entry := p.entry(RatingRemoved, now)
		entry.Subject, entry.Detail = of, rated(ratings[i])
		tx.Put(entry)
		return nil
	})
}

// write runs one press until it does not run into another's write.
func (c *Costs) write(ctx context.Context, p Press, now time.Time, do func(*store.Tx, *dental.Clinic, Press) error) error {
	id, err := pressID(p.ID, c.Rand)
	if err != nil {
		return err
	}
	p.ID, p.Patient = id, ""
	return store.Retry(ctx, func(ctx context.Context) error {
		tx := c.Store.Begin()
		cl, err := tx.Clinic(ctx, p.Clinic)
		if err != nil {
			return err
		}
		if err := do(tx, cl, p); err != nil {
			return err
		}
		return tx.Commit(ctx)
	})
}

func putCost(tx *store.Tx, cl *dental.Clinic, p Press, c dental.Cost, now time.Time) error {
	span := measure.Span{From: c.From, To: c.To}
	switch {
	case c.Kind != dental.Acquisition && c.Kind != dental.Retention:
		return refuse(dental.Invalid, "kind", "desk.costs.wrong.kind", nil)
	case c.Amount.Minor <= 0 || c.Amount.Currency != cl.Currency:
		return refuse(dental.Invalid, "amount", "desk.costs.wrong.amount", func(locale.Locale) map[string]string { return map[string]string{"word": cl.Currency} })
	case c.From.IsZero() || c.To.IsZero() || span.Days() == 0 || span.Days() > longestCost:
		return refuse(dental.Invalid, "to", "desk.costs.wrong.days", nil)
	}
	c.Clinic, c.Note, c.By, c.At = cl.ID, clip(c.Note, reasonLength), p.By, now
	tx.Put(c)
	entry := p.entry(CostEntered, now)
	entry.Subject, entry.Detail = c.ID, spelled(cl, c)
	tx.Put(entry)
	return nil
}

func putRating(tx *store.Tx, cl *dental.Clinic, p Press, r dental.MapRating, now time.Time) error {
	switch {
	case !slices.ContainsFunc(cl.Maps, func(m dental.Map) bool { return m.Name == r.Map }):
		return refuse(dental.Invalid, "map", "desk.costs.wrong.map", nil)
	case r.On.IsZero() || r.On.After(cl.Today(now)):
		return refuse(dental.Invalid, "on", "desk.costs.wrong.on", nil)
	case r.Tenths < leastRating || r.Tenths > mostRating:
		return refuse(dental.Invalid, "rating", "desk.costs.wrong.rating", nil)
	case r.Reviews < 0 || r.Reviews > mostReviews:
		return refuse(dental.Invalid, "reviews", "desk.costs.wrong.reviews", nil)
	}
	r.Clinic, r.By, r.At = cl.ID, p.By, now
	tx.Put(r)
	entry := p.entry(RatingEntered, now)
	entry.Subject, entry.Detail = r.Map, rated(r)
	tx.Put(entry)
	return nil
}

// spelled is a cost as the log tells it.
func spelled(cl *dental.Clinic, c dental.Cost) string {
	l := locale.For(cl.Language)
	return strings.TrimSpace(fmt.Sprintf("%s, %s – %s %s", l.Money(c.Amount), l.DayYear(c.From), l.DayYear(c.To), c.Note))
}

// rated is a rating as the log tells it.
func rated(r dental.MapRating) string {
	return fmt.Sprintf("%s: %d.%d (%d)", r.On, r.Tenths/10, r.Tenths%10, r.Reviews)
}

// Entered is what became of a file.
type Entered struct {
	Lines   int // with something in them, the header apart
	Entered int
	Refused []RefusedLine
}

// RefusedLine is a line that was not entered; Err says why, in words of InWords.
type RefusedLine struct {
	Line int // counted from 1, the header included
	Err  error
}

// What a file may be, and how many lines are written at once: each is two items.
const (
	MostFile  = 1 << 20 // bytes
	mostLines = 2000
	atOnce    = (table.MaxWrite - 1) / 2
)

// EnterCSV enters the costs of a file: UTF-8 or Windows-1251, with commas or semicolons and a
// header that names the columns kind, amount, from, to and note, or вид, сумма,
// с, по and примечание. A kind is acquisition or retention, привлечение,
// возврат or удержание; a day is 2026-05-22 or 22.05.2026. What can be read is entered, and
// the same line of the same file only once.
func (c *Costs) EnterCSV(ctx context.Context, p Press, file io.Reader, now time.Time) (Entered, error) {
	columns := [][]string{{"kind", "вид"}, {"amount", "сумма"}, {"from", "с"}, {"to", "по"}, {"note", "примечание"}}
	return c.enterCSV(ctx, p, file, columns, 4, now, func(tx *store.Tx, cl *dental.Clinic, p Press, cells []string) error {
		cost := dental.Cost{ID: p.ID, Note: cells[4]}
		switch strings.ToLower(cells[0]) {
		case string(dental.Acquisition), "привлечение":
			cost.Kind = dental.Acquisition
		case string(dental.Retention), "возврат", "удержание":
			cost.Kind = dental.Retention
		}
		cost.Amount, _ = dental.ParseMoney(dental.Typed(cells[1]), cl.Currency) // none is refused below
		cost.From, cost.To = date(cells[2]), date(cells[3])
		return putCost(tx, cl, p, cost, now)
	})
}

// RateCSV keeps the ratings of a file: as EnterCSV, with the columns map, date,
// rating and reviews, or карта, дата, рейтинг and отзывы.
func (c *Costs) RateCSV(ctx context.Context, p Press, file io.Reader, now time.Time) (Entered, error) {
	columns := [][]string{{"map", "карта"}, {"date", "дата"}, {"rating", "рейтинг"}, {"reviews", "отзывы"}}
	return c.enterCSV(ctx, p, file, columns, 4, now, func(tx *store.Tx, cl *dental.Clinic, p Press, cells []string) error {
		r := dental.MapRating{Map: cells[0], On: date(cells[1]), Reviews: -1}
		if f, err := strconv.ParseFloat(dental.Typed(cells[2]), 64); err == nil && f >= 0 && f < 100 {
			r.Tenths = int(f*10 + 0.5)
		}
		if n, err := strconv.Atoi(dental.Typed(cells[3])); err == nil {
			r.Reviews = n
		}
		return putRating(tx, cl, p, r, now)
	})
}

// enterCSV reads a file and enters its lines a few at a time. The first need of
// the columns, each with its names, must be there.
func (c *Costs) enterCSV(ctx context.Context, p Press, file io.Reader, columns [][]string, need int, now time.Time, put func(*store.Tx, *dental.Clinic, Press, []string) error) (Entered, error) {
	var out Entered
	lines, err := readLines(file, columns, need)
	if err != nil {
		return out, err
	}
	out.Lines = len(lines)
	for some := range slices.Chunk(lines, atOnce) {
		var refused []RefusedLine
		err := store.Retry(ctx, func(ctx context.Context) error {
			tx := c.Store.Begin()
			cl, err := tx.Clinic(ctx, p.Clinic)
			if err != nil {
				return err
			}
			refused = nil
			for _, l := range some {
				sum := sha256.Sum256([]byte(strings.Join(l.cells, "\x00")))
				p.ID, p.Patient = "csv-"+hex.EncodeToString(sum[:10]), ""
				if err := put(tx, cl, p, l.cells); err != nil {
					if dental.KindOf(err) != dental.Invalid {
						return err
					}
					refused = append(refused, RefusedLine{l.number, err})
				}
			}
			return tx.Commit(ctx)
		})
		if err != nil {
			return out, fmt.Errorf("desk: enter a file: %w", err)
		}
		out.Refused = append(out.Refused, refused...)
		out.Entered += len(some) - len(refused)
	}
	return out, nil
}

type csvLine struct {
	number int
	cells  []string // in the order of the columns
}

func readLines(file io.Reader, columns [][]string, need int) ([]csvLine, error) {
	unread := func(key string) error { return refuse(dental.Invalid, "file", key, nil) }
	raw, err := io.ReadAll(io.LimitReader(file, MostFile+1))
	if err != nil {
		return nil, fmt.Errorf("desk: read a file: %w", err)
	}
	if len(raw) > MostFile {
		return nil, unread("desk.costs.wrong.file-long")
	}
	if raw = bytes.TrimPrefix(raw, []byte("\ufeff")); !utf8.Valid(raw) {
		var is bool
		if raw, is = cyrillic(raw); !is {
			return nil, unread("desk.costs.wrong.file-utf8")
		}
	}
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	if bytes.ContainsRune(head, ';') {
		r.Comma = ';'
	}
	var at []int // where each column stands
	var out []csvLine
	for {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF) && at == nil:
			return nil, unread("desk.costs.wrong.file-header")
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, unread("desk.costs.wrong.file-csv")
		case at == nil:
			if at = placed(record, columns); slices.Contains(at[:need], -1) {
				return nil, unread("desk.costs.wrong.file-header")
			}
			continue
		case len(out) == mostLines:
			return nil, unread("desk.costs.wrong.file-long")
		}
		line, _ := r.FieldPos(0)
		cells := make([]string, len(columns))
		for i, n := range at {
			if n >= 0 && n < len(record) {
				cells[i] = strings.TrimSpace(record[n])
			}
		}
		if strings.Join(cells, "") != "" {
			out = append(out, csvLine{line, cells})
		}
	}
}

// cyrillic reads Windows-1251, as Russian spreadsheets write CSV, as UTF-8: its
// letters and what people type beside them. ok is false for anything else.
func cyrillic(raw []byte) (out []byte, ok bool) {
	signs := map[byte]rune{0xA8: 'Ё', 0xB8: 'ё', 0xB9: '№', 0xAB: '«', 0xBB: '»', 0xA0: '\u00a0', 0x96: '–', 0x97: '—', 0x93: '“', 0x94: '”', 0x84: '„', 0x85: '…', 0x88: '€'}
	for _, b := range raw {
		sign, known := signs[b]
		switch {
		case b < utf8.RuneSelf:
			sign = rune(b)
		case b >= 0xC0:
			sign = 'А' + rune(b-0xC0) // the alphabet stands there in the order of Unicode
		case !known:
			return nil, false
		}
		out = utf8.AppendRune(out, sign)
	}
	return out, true
}

// placed finds the columns in a header, -1 for one that is not there.
func placed(header []string, columns [][]string) []int {
	at := make([]int, len(columns))
	for i, names := range columns {
		at[i] = slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
	}
	return at
}

// date reads 2026-05-22 or 22.05.2026; what is neither is no date.
func date(s string) dental.Date {
	if t, err := time.Parse("02.01.2006", s); err == nil {
		return dental.DateOf(t)
	}
	d, err := dental.ParseDate(s)
	if err != nil {
		return dental.Date{}
	}
	return d
}
