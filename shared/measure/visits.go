package measure

import (
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// year is how many months the rolling figures look back.
const year = 12

// visits counts visits, repeat visits and what they brought, whole and by kind,
// and the patients: ever, within a year, and those with two visits.
func (t *tally) visits() {
	seen := map[dental.ProcedureKind]int{}
	for i, d := range t.days {
		t.add(d.Date, 1, "visits")
		t.add(d.Date, d.net, "revenue")
		if d.net > 0 {
			t.add(d.Date, 1, "paid")
		}
		switch i {
		case 0:
			t.add(d.Date, 1, "patients")
			t.add(d.Date, d.net, "revenue", "new")
		case 1:
			t.add(d.Date, 1, "regulars")
		}
		if i > 0 {
			t.add(d.Date, 1, "repeat")
		}
		for _, kind := range kinds(d) {
			seen[kind]++
			t.add(d.Date, 1, "kind", string(kind), "visits")
			if i > 0 {
				t.add(d.Date, 1, "kind", string(kind), "repeat")
			}
			switch seen[kind] {
			case 1:
				t.add(d.Date, 1, "kind", string(kind), "patients")
			case 2:
				t.add(d.Date, 1, "kind", string(kind), "regulars")
			}
		}
		// A visit holds its patient among the year's until it lapses or the next one takes over.
		next := t.next(i)
		t.during(d.Date, earlier(lapse(d.Date, year), next), "year", "patients")
		if i > 0 {
			t.during(d.Date, earlier(lapse(t.days[i-1].Date, year), next), "year", "regulars")
		}
	}
}

// kinds lists the distinct kinds of what was done on a day.
func kinds(d day) []dental.ProcedureKind {
	var out []dental.ProcedureKind
	for _, v := range d.visits {
		for _, kind := range v.Kinds() {
			if kind != "" && !slices.Contains(out, kind) {
				out = append(out, kind)
			}
		}
	}
	return out
}

// earlier is the earlier of a day and another that may be none.
func earlier(d, o dental.Date) dental.Date {
	if by(o, d) {
		return o
	}
	return d
}

// retention counts, on the day on which it is decided, whether who came for the
// first time came again within half a year and a year; and who is quiet.
func (t *tally) retention() {
	_, gone := t.card.Patient.Gone()
	for i, d := range t.days {
		next := t.next(i)
		if i == 0 {
			for months, name := range map[int]string{6: "first6", 12: "first12"} {
				closes := lapse(d.Date, months)
				t.add(closes, 1, name)
				if !next.IsZero() && next.Before(closes) {
					t.add(closes, 1, name, "back")
				}
			}
		}
		for months, name := range map[int]string{6: "6", 12: "12", 18: "18"} {
			from := lapse(d.Date, months)
			if gone || by(next, from) {
				continue
			}
			until := next
			if months < 18 {
				until = earlier(lapse(d.Date, months+6), next)
			}
			t.during(from, until, "quiet", name)
		}
	}
}

// plans counts treatment plans on the day on which they were presented, and
// what they are worth.
func (t *tally) plans() {
	_, gone := t.card.Patient.Gone()
	for _, p := range t.card.Plans {
		if p.PresentedAt.IsZero() {
			continue
		}
		on, all, done := t.clinic.Today(p.PresentedAt), int64(0), int64(0)
		for _, s := range p.Stages {
			switch s.Status {
			case dental.StageCancelled:
				continue
			case dental.StageDone:
				done++
				t.add(on, s.Price.Minor, "plan", "done-value")
			case dental.StageBooked, dental.StagePlanned:
				if !gone {
					t.add(t.clinic.Today(p.LastActivity()), s.Price.Minor, "stages", string(s.Status))
				}
			}
			all++
			t.add(on, s.Price.Minor, "plan", "value")
		}
		if all == 0 {
			continue // given up
		}
		t.add(on, 1, "plan")
		t.add(on, all, "plan", "stages")
		t.add(on, done, "plan", "done")
		switch booked := slices.ContainsFunc(p.Stages, func(s dental.Stage) bool { return s.Status == dental.StageBooked }); {
		case done == all:
			t.add(on, 1, "plan", "completed")
			t.add(t.clinic.Today(p.LastActivity()), 1, "plan", "finished")
		case !booked && !gone:
			t.add(t.clinic.Today(p.LastActivity()).AddDays(stalls), 1, "stalled")
		}
	}
}

// stalls is after how many days without anything done or booked a plan is one
// whose next stage was not reached.
const stalls = 14

// answers counts what patients said of a day's visit, on that day.
func (t *tally) answers() {
	for _, a := range t.card.Answers {
		rating, score := a.OfVisit()
		if rating != "" {
			t.add(a.Day, 1, "rating", string(rating))
		}
		if group := npsGroup(score); group != "" {
			t.add(a.Day, 1, "nps", group)
		}
	}
}

// npsGroup is a promoter (9, 10), passive (7, 8) or detractor (0 to 6).
func npsGroup(score int) string {
	switch {
	case score < 0:
		return ""
	case score <= 6:
		return "detractors"
	case score <= 8:
		return "passives"
	}
	return "promoters"
}

// pointLasts is how many days after the date to come back by a return still counts as one.
const pointLasts = 30

// ahead counts what is known of the days to come: appointments that stand, dates
// to come back by; and, once it is known, whether they were kept.
func (t *tally) ahead() {
	_, gone := t.card.Patient.Gone()
	var last dental.Date
	if n := len(t.days); n > 0 {
		last = t.days[n-1].Date
	}
	booked := false
	for _, a := range t.card.Appointments {
		on := t.clinic.Today(a.Start)
		switch {
		case t.card.Attended(a.ID):
			t.add(on, 1, "appointments", "kept")
		case a.Status == dental.Missed:
			t.add(on, 1, "appointments", "missed")
		case a.Standing() && !gone:
			t.add(on, 1, "ahead", "booked")
			booked = booked || on.After(last)
		}
	}
	for _, m := range t.card.Milestones {
		if m.Kind == dental.ReturnPoint && m.Date.After(last) && !booked && !gone {
			t.add(m.Date, 1, "ahead", "returns")
		}
	}
	for i, d := range t.days {
		closes := point(d).AddDays(pointLasts + 1)
		t.add(closes, 1, "points")
		if n := t.next(i); !n.IsZero() && n.Before(closes) {
			t.add(closes, 1, "points", "back")
		}
	}
}

// point is the date to come back by that a day left: the earliest that was
// given, else half a year after it.
func point(d day) dental.Date {
	var out dental.Date
	for _, v := range d.visits {
		if r := v.ReturnDate; r.After(d.Date) && (out.IsZero() || r.Before(out)) {
			out = r
		}
	}
	if out.IsZero() {
		return d.AddMonths(6)
	}
	return out
}

// refusals counts why patients do not come back, as they or staff have said.
func (t *tally) refusals() {
	for _, r := range t.card.Responses {
		if r.Action == dental.NeverOffer || r.Action == dental.LaterOffer {
			t.add(r.On, 1, "why", string(r.Action))
		}
	}
	for _, k := range t.card.Tasks {
		if k.Open() || k.Cause == "" {
			continue
		}
		if k.Kind == dental.ComplaintTask {
			t.add(k.ClosedOn, 1, "complaint", word(k.Cause))
		} else {
			t.add(k.ClosedOn, 1, "why", word(k.Cause))
		}
	}
}
