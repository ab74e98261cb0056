package scenario

import (
	"slices"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// member is one predicate that an audience may name.
type member struct {
	from, to bool // which parameters it takes
	holds    func(s Scene, m moment, g Gate) bool
}

// audiences are the predicates by name.
//
//	complex        a visit of the day was marked complex
//	recommends     the day was answered happily, or is a second or later day that nobody has rated
//	last-seen      the last visit lies from {from} to {to} before the season's first day
//	interval       the return date lies more than {from} after the visit, and not more than {to} if that is given
//	apart          the anniversary lies further than 45 days from the return date, whose recall else speaks of it
//	adult          the patient is of age, or of an age nobody knows
var audiences = map[string]member{
	"complex": {holds: func(s Scene, _ moment, _ Gate) bool { return s.complex() }},
	"recommends": {holds: func(s Scene, _ moment, _ Gate) bool {
		if a := s.answer(); a != nil && a.Mood() != dental.Unrated {
			return a.Mood() == dental.Happy
		}
		return !s.firstVisit()
	}},
	"last-seen": {from: true, to: true, holds: func(s Scene, m moment, g Gate) bool {
		days := s.Want.When.season(s.Clinic, m)
		return len(days) > 0 && !m.last.After(back(days[0], g.From)) && !m.last.Before(back(days[0], g.To))
	}},
	"interval": {from: true, to: true, holds: func(s Scene, m moment, g Gate) bool {
		due := s.Clinic.Today(m.times["date"])
		return due.After(ahead(m.last, g.From)) && (g.To.IsZero() || !due.After(ahead(m.last, g.To)))
	}},
	"apart": {holds: func(s Scene, m moment, _ Gate) bool {
		point := milestone(s.Card, dental.ReturnPoint, "")
		recall := point != nil && !point.Date.IsZero() && s.Catalogue.recalls(s.Clinic, s.Card)
		return !recall || !near(s.Clinic.Today(s.Want.When.After.AddTo(s.Want.Base, s.Clinic.Location())), point.Date)
	}},
	"adult": {holds: func(s Scene, _ moment, _ Gate) bool {
		return !s.Card.Patient.Minor(s.Clinic.Today(s.Want.Touch.Due))
	}},
}

// AudienceNames lists the predicates, and which parameters each takes.
func AudienceNames() map[string]struct{ From, To bool } {
	out := map[string]struct{ From, To bool }{}
	for name, a := range audiences {
		out[name] = struct{ From, To bool }{a.from, a.to}
	}
	return out
}

// concerns reports whether all the predicates hold.
func concerns(s Scene, m moment, gates ...[]Gate) bool {
	return !slices.ContainsFunc(slices.Concat(gates...), func(g Gate) bool { return !audiences[g.Name].holds(s, m, g) })
}

func back(d dental.Date, s Span) dental.Date  { return d.AddMonths(-s.Months).AddDays(-s.Days) }
func ahead(d dental.Date, s Span) dental.Date { return d.AddMonths(s.Months).AddDays(s.Days) }
