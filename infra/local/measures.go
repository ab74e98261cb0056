package main

import (
	"net/http"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/measure"
)

// getMeasures gives the figures of a stretch of days, in the fields of
// measure.Figures: the desk's own, for tools that hold them against another
// reckoning. Without from and to it is the twelve months to date. What was told
// within the last hour may be missing.
func (m *machine) getMeasures(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	span := measure.YearTo(cl.Today(m.clock.Now()))
	for field, into := range map[string]*dental.Date{"from": &span.From, "to": &span.To} {
		if text := r.URL.Query().Get(field); text != "" {
			if *into, err = dental.ParseDate(text); err != nil {
				return dental.Errorf(dental.Invalid, field, "must be a date, as in 2026-09-15")
			}
		}
	}
	figures, err := (&desk.Measures{Store: m.store}).Between(r.Context(), cl.ID, span, m.clock.Now())
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, figures)
}
