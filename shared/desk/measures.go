package desk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/measure"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Measures shows what a clinic's facts amount to. It reads totals alone, as many
// as the days, months and years that are shown, whatever the number of patients.
type Measures struct{ Store *store.Store }

// Step is how long each figure of a series is.
type Step string

// The steps. A week is one of ISO 8601, Monday to Sunday. ByYear are twelve
// months to date, and those before them; ForLife is all there ever was.
const (
	ByDay     Step = "day"
	ByWeek    Step = "week"
	ByMonth   Step = "month"
	ByQuarter Step = "quarter"
	ByYear    Step = "year"
	ForLife   Step = "life"
)

// Steps lists them from the shortest.
func Steps() []Step { return []Step{ByDay, ByWeek, ByMonth, ByQuarter, ByYear, ForLife} }

// Picture is what owners look at.
type Picture struct {
	By Step
	// Series are the periods one after another; the last is the present one, to
	// date. LTVYear is worked out for each, but for days and weeks for the last alone.
	Series []measure.Figures
	// Base is the year before the first scenario was switched on, as it was
	// known then, at BaseAt; nil before that.
	Base   *measure.Figures
	BaseAt time.Time
	// Lifts compare with those left alone, over the last two years.
	Lifts []measure.Lift
	// Ahead looks 30 and 90 days ahead.
	Ahead [2]measure.Forecast
	// Quarters are the last eight, the last one to date.
	Quarters []measure.Figures
	Ratings  []dental.MapRating
	Costs    []dental.Cost
	// AsOf is when anything of this month was added up last; zero for never.
	AsOf time.Time
}

// How far a picture looks back, and ahead.
const (
	quarters   = 8
	liftMonths = 24
	soon       = 30
)

// Picture reads the figures step by step up to today. An unknown step is Invalid.
func (m *Measures) Picture(ctx context.Context, clinic string, by Step, now time.Time) (Picture, error) {
	r, err := m.reading(ctx, clinic, now)
	if err != nil {
		return Picture{}, err
	}
	today := r.today
	spans, quarterly := r.spans(by, today), r.spans(ByQuarter, today)
	if spans == nil {
		return Picture{}, dental.Errorf(dental.Invalid, "by", "must be day, week, month, quarter, year or life")
	}
	year, ever := measure.YearTo(today), measure.Span{From: r.first, To: today}
	month := dental.Date{Year: today.Year, Month: today.Month, Day: 1}
	var months []measure.Span
	for i := range liftMonths {
		months = append(months, r.to(measure.Span{From: month.AddMonths(-i), To: month.AddMonths(1 - i).AddDays(-1)}))
	}
	ahead := [2]measure.Span{{From: today.AddDays(1), To: today.AddDays(soon)}, {From: today.AddDays(1), To: today.AddDays(measure.Foreseen)}}
	wanted := slices.Concat(spans, quarterly, months, ahead[:], []measure.Span{year, ever})
	for _, s := range slices.Concat(spans, quarterly) {
		wanted = append(wanted, measure.Span{From: r.first, To: s.From.AddDays(-1)})
		if by != ByDay && by != ByWeek || s.To == today {
			wanted = append(wanted, measure.YearTo(s.To))
		}
	}
	if err := r.read(ctx, wanted...); err != nil {
		return Picture{}, err
	}
	out := Picture{By: by, Series: r.series(spans, by != ByDay && by != ByWeek), Quarters: r.series(quarterly, true), Costs: r.costs, AsOf: r.asOf}
	lifts := make([]measure.Sums, len(months))
	for i, s := range months {
		lifts[i] = r.sum(s)
	}
	out.Lifts = measure.Compare(r.terms, lifts...)
	for i, s := range ahead {
		out.Ahead[i] = measure.Foresee(r.terms, s.Days(), r.sum(s), r.sum(year), r.sum(ever))
	}
	if !r.base.At.IsZero() {
		span := measure.YearTo(r.clinic.Today(r.base.At).AddDays(-1))
		sums, before := measure.Thaw(r.base.Sums)
		f := measure.Of(r.terms, span, sums, before, sums, r.costs)
		out.Base, out.BaseAt = &f, r.base.At
	}
	if out.Ratings, err = m.Store.Ratings(ctx, clinic); err != nil {
		return Picture{}, fmt.Errorf("desk: read the ratings: %w", err)
	}
	return out, nil
}

// Between works out the figures of any stretch of days. One that ends before it
// begins is Invalid.
func (m *Measures) Between(ctx context.Context, clinic string, span measure.Span, now time.Time) (measure.Figures, error) {
	if span.From.IsZero() || span.To.Before(span.From) {
		return measure.Figures{}, dental.Errorf(dental.Invalid, "to", "the days must begin before they end")
	}
	r, err := m.reading(ctx, clinic, now)
	if err != nil {
		return measure.Figures{}, err
	}
	if err := r.read(ctx, span, measure.Span{From: r.first, To: span.From.AddDays(-1)}, measure.YearTo(span.To)); err != nil {
		return measure.Figures{}, err
	}
	return r.series([]measure.Span{span}, true)[0], nil
}

// reading is the totals that one answer is worked out of.
type reading struct {
	tx     *store.Tx
	clinic *dental.Clinic
	terms  measure.Terms
	costs  []dental.Cost
	today  dental.Date
	first  dental.Date // of the first year in which anything is counted
	base   store.Total
	totals map[string]measure.Sums
	asOf   time.Time
}

func (m *Measures) reading(ctx context.Context, clinic string, now time.Time) (*reading, error) {
	r := &reading{tx: m.Store.Begin(), totals: map[string]measure.Sums{}}
	var err error
	if r.clinic, err = r.tx.Clinic(ctx, clinic); err != nil {
		return nil, err
	}
	r.terms, r.today = measure.TermsOf(r.clinic), r.clinic.Today(now)
	if r.costs, err = m.Store.Costs(ctx, clinic); err != nil {
		return nil, fmt.Errorf("desk: read the costs: %w", err)
	}
	years, err := m.Store.Years(ctx, clinic)
	if err != nil {
		return nil, fmt.Errorf("desk: read the years: %w", err)
	}
	for i, y := range years {
		r.totals[y.Period] = y.Sums
		if i == 0 {
			if r.first, err = dental.ParseDate(y.Period + "-01-01"); err != nil {
				return nil, dental.Errorf(dental.Invalid, "period", "a year of the totals is called %q", y.Period)
			}
		}
	}
	if r.first.IsZero() {
		r.first = dental.Date{Year: 2000, Month: 1, Day: 1}
	}
	base, err := r.tx.Totals(ctx, clinic, store.Baseline)
	if err != nil {
		return nil, fmt.Errorf("desk: read the baseline: %w", err)
	}
	r.base = base[0]
	return r, nil
}

// read gets the totals of spans that it does not have yet.
func (r *reading) read(ctx context.Context, spans ...measure.Span) error {
	missing := map[string]bool{}
	for _, s := range spans {
		if s.From.Before(r.first) {
			s.From = r.first // nothing is counted before it
		}
		for _, period := range s.Periods(r.today) {
			if _, has := r.totals[period]; !has {
				missing[period] = true
			}
		}
	}
	totals, err := r.tx.Totals(ctx, r.clinic.ID, slices.Sorted(maps.Keys(missing))...)
	if err != nil {
		return fmt.Errorf("desk: read the totals: %w", err)
	}
	for _, t := range totals {
		r.totals[t.Period] = t.Sums
		if t.At.After(r.asOf) {
			r.asOf = t.At
		}
	}
	return nil
}

// sum adds the totals of a span up, all of them or those of the names.
func (r *reading) sum(s measure.Span, names ...string) measure.Sums {
	if s.From.Before(r.first) {
		s.From = r.first
	}
	out := measure.Sums{}
	for _, period := range s.Periods(r.today) {
		if len(names) == 0 {
			out.Plus(r.totals[period])
		}
		for _, name := range names {
			out.Add(name, r.totals[period][name])
		}
	}
	return out
}

// series works out spans that lie side by side.
func (r *reading) series(spans []measure.Span, yearly bool) []measure.Figures {
	ever := r.sum(measure.Span{From: r.first, To: spans[0].From.AddDays(-1)})
	out := make([]measure.Figures, len(spans))
	for i, s := range spans {
		sums := r.sum(s)
		ever.Plus(sums)
		var year measure.Sums
		if yearly || i == len(spans)-1 {
			year = r.sum(measure.YearTo(s.To), measure.OfYear()...)
		}
		out[i] = measure.Of(r.terms, s, sums, ever, year, r.costs)
	}
	return out
}

// spans are the periods that a step shows, the earliest first, up to the day; nil for no step.
func (r *reading) spans(by Step, today dental.Date) []measure.Span {
	first, next, n := today, func(d dental.Date, n int) dental.Date { return d.AddDays(n) }, 1
	month := dental.Date{Year: today.Year, Month: today.Month, Day: 1}
	monthly := func(months int) func(dental.Date, int) dental.Date {
		return func(d dental.Date, n int) dental.Date { return d.AddMonths(months * n) }
	}
	switch by {
	case ByDay:
		n = 14
	case ByWeek:
		first, n = today.AddDays(-(int(today.Weekday())+6)%7), 13
		next = func(d dental.Date, n int) dental.Date { return d.AddDays(7 * n) }
	case ByMonth:
		first, next, n = month, monthly(1), 13
	case ByQuarter:
		first, next, n = month.AddMonths(-((int(month.Month) - 1) % 3)), monthly(3), quarters
	case ByYear:
		var out []measure.Span
		for i := range 3 {
			out = append(out, measure.YearTo(today.AddMonths(-12*(2-i))))
		}
		return out
	case ForLife:
		return []measure.Span{{From: r.first, To: today}}
	default:
		return nil
	}
	var out []measure.Span
	for i := n - 1; i >= 0; i-- {
		out = append(out, r.to(measure.Span{From: next(first, -i), To: next(first, 1-i).AddDays(-1)}))
	}
	return out
}

// to ends a span today.
func (r *reading) to(s measure.Span) measure.Span {
	if s.To.After(r.today) {
		s.To = r.today
	}
	return s
}
