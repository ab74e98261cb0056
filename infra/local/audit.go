package main

import (
	"net/http"
	"strconv"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/locale"
	"github.com/returnpoint/returnpoint/shared/outreach"
	"github.com/returnpoint/returnpoint/shared/scenario"
)

// auditAnswer is the audit of a clinic's quiet base: how far the one under way
// is, and the last one that was finished, as the rows of its table.
type auditAnswer struct {
	Running  bool       `json:"running"`
	Progress text       `json:"progress"`
	Table    [][]string `json:"table"` // null before the first
}

func (m *machine) audits() (*desk.Audits, *desk.Scenarios) {
	shipped := scenario.Shipped()
	foresee := &outreach.Forecaster{Store: m.store, Catalogue: shipped, Base: m.parts.base}
	return &desk.Audits{Store: m.store, Catalogue: shipped}, &desk.Scenarios{Store: m.store, Catalogue: shipped, Foresee: foresee.Foresee}
}

// postAudit begins an audit, and the rehearsals of all scenarios that are off:
// with ?backlog= so many of those whose day has passed a day.
func (m *machine) postAudit(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	backlog := 0
	if typed := r.URL.Query().Get("backlog"); typed != "" {
		if backlog, err = strconv.Atoi(typed); err != nil || backlog < 0 {
			return dental.Errorf(dental.Invalid, "backlog", "must be a number of patients a day")
		}
	}
	now, by := m.clock.Now(), locale.For(cl.Language).Text("desk.log.by.console", nil)
	entry := func(name string) dental.LogEntry {
		return dental.LogEntry{Clinic: cl.ID, ID: "console." + name + "." + strconv.FormatInt(now.UnixNano(), 10), At: now, By: by}
	}
	audits, scenarios := m.audits()
	if err := audits.Begin(r.Context(), cl, entry("audit"), now); err != nil {
		return err
	}
	if _, err := scenarios.RehearseAll(r.Context(), cl, backlog, entry("rehearsals"), now); err != nil {
		return err
	}
	return respond(w, http.StatusAccepted, map[string]string{"clinic": cl.ID})
}

// getAudit shows the audit.
func (m *machine) getAudit(w http.ResponseWriter, r *http.Request) error {
	cl, err := m.clinic(r)
	if err != nil {
		return err
	}
	audits, scenarios := m.audits()
	l := locale.For(cl.Language)
	view, err := audits.View(r.Context(), cl, desk.Assumption{}, l, m.clock.Now())
	if err != nil {
		return err
	}
	ahead, err := scenarios.Ahead(r.Context(), cl, l)
	if err != nil {
		return err
	}
	answer := auditAnswer{Running: view.Running, Progress: text(view.Progress)}
	for _, a := range ahead {
		if a.Running && !answer.Running {
			answer.Running, answer.Progress = true, text(a.Title+": "+a.Progress)
		}
	}
	if view.Done {
		answer.Table = view.Table(l, ahead)
	}
	return respond(w, http.StatusOK, answer)
}
