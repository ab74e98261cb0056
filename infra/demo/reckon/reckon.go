package reckon

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// margin is the demo clinic's, as a share.
func margin() *big.Rat { return big.NewRat(4, 10) }

// date is the clinic's calendar day of an instant.
func (b *Book) date(t time.Time) dental.Date { return dental.DateOf(t.In(b.loc)) }

// history is one patient's days with visits, in order, each with what it brought.
type history struct {
	patient string
	days    []dental.Date
	visits  map[dental.Date][]dental.Visit
	brought map[dental.Date]int64
}

func (b *Book) histories() []*history {
	byPatient := map[string]*history{}
	for _, v := range b.Visits() {
		h := byPatient[v.Patient]
		if h == nil {
			h = &history{patient: v.Patient, visits: map[dental.Date][]dental.Visit{}, brought: map[dental.Date]int64{}}
			byPatient[v.Patient] = h
		}
		day := b.date(v.FinishedAt)
		if len(h.visits[day]) == 0 {
			h.days = append(h.days, day)
		}
		h.visits[day] = append(h.visits[day], v)
		h.brought[day] += b.brought(v)
	}
	var out []*history
	for _, id := range slices.Sorted(maps.Keys(byPatient)) {
		out = append(out, byPatient[id])
	}
	return out
}

// brought is a visit's receipt, or without one what was paid, less what was given back.
func (b *Book) brought(v dental.Visit) int64 {
	paid, back := int64(0), int64(0)
	for _, p := range b.payments {
		if p.VisitID == v.ID {
			if p.Kind == dental.Refund {
				back += p.Amount.Minor
			} else {
				paid += p.Amount.Minor
			}
		}
	}
	if !v.Receipt.IsZero() {
		return v.Receipt.Minor - back
	}
	return paid - back
}

// last is the index of the last day not after another, -1 for none.
func (h *history) last(on dental.Date) int {
	at := -1
	for i, d := range h.days {
		if !d.After(on) {
			at = i
		}
	}
	return at
}

// within counts the days of the so many months up to a day: (that day less the months, the day].
func (h *history) within(months int, on dental.Date) (n int) {
	for _, d := range h.days {
		if !d.After(on) && d.After(on.AddMonths(-months)) {
			n++
		}
	}
	return n
}

// over is the first day of which so many months back lie at a day or after it.
func over(d dental.Date, months int) dental.Date {
	for t := d; ; t = t.AddDays(1) {
		if !t.AddMonths(-months).Before(d) {
			return t
		}
	}
}

// Figures works out the figures of the days from one to another, by name; money
// is in kopecks. The touches are those of the patients who are not erased.
func (b *Book) Figures(from, to dental.Date, touches []Touch) map[string]int64 {
	f := map[string]int64{}
	in := func(d dental.Date) bool { return !d.Before(from) && !d.After(to) }
	histories := b.histories()
	revenueEver, revenueYear := int64(0), int64(0)
	for _, h := range histories {
		for i, d := range h.days {
			if !d.After(to) {
				revenueEver += h.brought[d]
				if d.After(to.AddMonths(-12)) {
					revenueYear += h.brought[d]
				}
			}
			if in(d) {
				b.day(f, h, i)
			}
			b.closing(f, h, i, in)
		}
		b.standing(f, h, to)
	}
	f["average"] = divided(f["revenue"], f["visits"])
	f["LTV, year"] = worth(revenueYear, f["patients of the year"])
	f["LTV, life"] = worth(revenueEver, f["patients"])
	b.treatment(f, in, to)
	b.returns(f, histories, touches, in)
	b.messages(f, touches, in)
	return f
}

// day counts one day of a patient's visits.
func (b *Book) day(f map[string]int64, h *history, i int) {
	d := h.days[i]
	f["visits"]++
	f["revenue"] += h.brought[d]
	if i == 0 {
		f["new patients"]++
		f["revenue of new patients"] += h.brought[d]
	} else {
		f["repeat visits"]++
		f["revenue of the base"] += h.brought[d]
	}
	kinds, doctors := map[dental.ProcedureKind]bool{}, map[string]bool{}
	for _, v := range h.visits[d] {
		for _, p := range v.Procedures {
			kinds[p.Kind] = true
		}
		doctors[v.Doctor.ID] = true
		f["revenue of "+v.Doctor.ID] += b.brought(v)
	}
	for kind := range kinds {
		f["visits for "+string(kind)]++
		if i > 0 {
			f["repeat visits for "+string(kind)]++
		}
	}
	for id := range doctors {
		f["visits to "+id]++
	}
}

// closing counts what is decided so long after a visit.
func (b *Book) closing(f map[string]int64, h *history, i int, in func(dental.Date) bool) {
	d := h.days[i]
	var next dental.Date
	if i+1 < len(h.days) {
		next = h.days[i+1]
	}
	before := func(end dental.Date) bool { return !next.IsZero() && next.Before(end) }
	if i == 0 {
		for _, months := range []int{6, 12} {
			if end := over(d, months); in(end) {
				f[fmt.Sprintf("first visits %d months ago", months)]++
				if before(end) {
					f[fmt.Sprintf("returned in %d months", months)]++
				}
			}
		}
	}
	point := d.AddMonths(6)
	given := false
	for _, v := range h.visits[d] {
		if v.ReturnDate.After(d) && (!given || v.ReturnDate.Before(point)) {
			point, given = v.ReturnDate, true
		}
	}
	if end := point.AddDays(31); in(end) {
		f["return points"]++
		if before(end) {
			f["return points kept"]++
		}
	}
}

// standing counts a patient where they stand on a day.
func (b *Book) standing(f map[string]int64, h *history, on dental.Date) {
	at := h.last(on)
	if at < 0 {
		return
	}
	f["patients"]++
	if at > 0 {
		f["repeat patients"]++
	}
	if n := h.within(12, on); n > 0 {
		f["patients of the year"]++
		if n > 1 {
			f["repeat patients of the year"]++
		}
	}
	if b.gone[h.patient] {
		return
	}
	switch {
	case h.within(6, on) > 0:
	case h.within(12, on) > 0:
		f["quiet for 6 months"]++
	case h.within(18, on) > 0:
		f["quiet for 12 months"]++
	default:
		f["quiet for 18 months"]++
	}
}

// treatment counts plans, by the day they were presented on, and what is open of them.
func (b *Book) treatment(f map[string]int64, in func(dental.Date) bool, on dental.Date) {
	for _, p := range b.plans {
		if b.erased[p.Patient] {
			continue
		}
		all, done, booked, open := int64(0), int64(0), false, int64(0)
		latest := p.PresentedAt
		for _, s := range p.Stages {
			if s.Status == dental.StageCancelled {
				continue
			}
			all++
			if s.Status == dental.StageDone {
				done++
				if s.DoneAt.After(latest) {
					latest = s.DoneAt
				}
				continue
			}
			open += s.Price.Minor
			booked = booked || s.Status == dental.StageBooked
		}
		if in(b.date(p.PresentedAt)) && all > 0 {
			f["plans"]++
			f["stages"] += all
			f["stages done"] += done
			if done == all {
				f["plans completed"]++
			}
		}
		if done < all && !b.gone[p.Patient] {
			if !b.date(latest).After(on) {
				f["open stages"] += open
			}
			if !booked && !b.date(latest).AddDays(14).After(on) {
				f["stalled plans"]++
			}
		}
	}
}

// returns credits visits to the last message of care or advertising that was
// delivered within thirty days before they were booked.
func (b *Book) returns(f map[string]int64, histories []*history, touches []Touch, in func(dental.Date) bool) {
	for _, h := range histories {
		credited := map[string]bool{}
		for i, d := range h.days {
			if i == 0 {
				continue
			}
			when := b.agreed(h.visits[d])
			var best *Touch
			for k := range touches {
				t := &touches[k]
				if t.Patient != h.patient || t.State != "sent" || t.Task != "" || t.Class == "service" || t.DeliveredAt.IsZero() ||
					t.DeliveredAt.After(when) || when.Sub(t.DeliveredAt) > 30*24*time.Hour {
					continue
				}
				if best == nil || t.DeliveredAt.After(best.DeliveredAt) {
					best = t
				}
			}
			if best == nil {
				continue
			}
			if in(d) {
				if !credited[best.ID] {
					f["came back"]++
					f["came back by "+best.Scenario]++
				}
				f["visits of the returned"]++
				f["revenue of the returned"] += h.brought[d]
				f["revenue returned by "+best.Scenario] += h.brought[d]
			}
			credited[best.ID] = true
		}
	}
}

// agreed is when a day's visits were booked; without a booking, when the first of them ended.
func (b *Book) agreed(visits []dental.Visit) time.Time {
	var booked []time.Time
	for _, v := range visits {
		if a, known := b.appointments[v.AppointmentID]; known && !a.booked.After(v.FinishedAt) {
			booked = append(booked, a.booked)
		}
	}
	if len(booked) > 0 {
		return slices.MinFunc(booked, time.Time.Compare)
	}
	return visits[0].FinishedAt
}

// messages counts what left, and what it cost.
func (b *Book) messages(f map[string]int64, touches []Touch, in func(dental.Date) bool) {
	for _, t := range touches {
		if !slices.Contains([]string{"sent", "skipped", "cancelled", "failed", "unknown"}, t.State) {
			continue
		}
		ended, err := dental.ParseDate(t.EndedOn)
		if err != nil {
			continue
		}
		if in(ended) && t.Task == "" {
			f["touches of "+t.Scenario]++
			if t.State == "sent" {
				f["sent by "+t.Scenario]++
				if !t.DeliveredAt.IsZero() {
					f["delivered by "+t.Scenario]++
				}
			}
			if t.State == "skipped" {
				f["skipped"]++
			}
		}
		left := ended
		if !t.SentAt.IsZero() {
			left = b.date(t.SentAt)
		}
		if in(left) {
			f["cost of messages"] += kopecks(t.Price)
			if t.State == "sent" && t.Channel == "sms" {
				f["parts"] += int64(t.Parts)
			}
		}
	}
}

// Said counts what patients have said, over all time.
func (b *Book) Said() map[string]int64 {
	f := map[string]int64{}
	for _, a := range b.answers {
		if b.erased[a.patient] {
			continue
		}
		if a.rating != "" {
			f["answers "+a.rating]++
		}
		switch {
		case a.nps < 0:
		case a.nps >= 9:
			f["promoters"]++
		case a.nps >= 7:
			f["passives"]++
		default:
			f["detractors"]++
		}
	}
	return f
}

// divided is a ÷ n to the nearest kopeck, halves up.
func divided(a, n int64) int64 {
	if n == 0 {
		return 0
	}
	return nearest(big.NewRat(a, n))
}

// worth is what a patient is worth: the margin of what each has brought.
func worth(revenue, patients int64) int64 {
	if patients == 0 {
		return 0
	}
	return nearest(new(big.Rat).Mul(big.NewRat(revenue, patients), margin()))
}

func nearest(r *big.Rat) int64 {
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	r = new(big.Rat).Add(r, half)
	return new(big.Int).Quo(r.Num(), r.Denom()).Int64()
}

// kopecks reads "12.50", with or without a currency behind it; what is not there is 0.
func kopecks(s string) int64 {
	s, _, _ = strings.Cut(s, " ")
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0
	}
	return nearest(r.Mul(r, big.NewRat(100, 1)))
}
