package staff

import (
	"net/http"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/report"
)

func (p *Pages) startRoutes() []route {
	return []route{{path: "/desk/{clinic}/start", get: p.start, post: p.pressStep, least: dental.Manager}}
}

// starting reports whether a clinic is in its first month, in which the plan of
// the first days is linked from everywhere; later the report leads to it.
func starting(cl *dental.Clinic, now time.Time) bool {
	return cl.StartedAt.IsZero() || now.Before(cl.StartedAt.AddDate(0, 0, dental.ReviewDays()[0]))
}

// startPage is the plan of the first seven days.
type startPage struct {
	shell
	report.Start
	Progress string
}

func (p *Pages) start(w http.ResponseWriter, r request) error {
	plan, err := report.FirstDays(r.Context(), p.Store, r.clinic, r.now)
	if err != nil {
		return err
	}
	page := startPage{shell: p.shell(r, "/start", "desk.start.title"), Start: plan}
	page.Progress = page.T("desk.start.progress", "n", page.locale.Number(int64(plan.Done)), "count", page.locale.Number(int64(plan.All)))
	p.render(w, r.Request, http.StatusOK, "start", page)
	return nil
}

// May reports whether the reader may open a place of the desk.
func (page startPage) May(path string) bool {
	return path != "" && (page.Me.Role.May(dental.Owner) || !strings.HasPrefix(path, "/settings") && path != "/staff")
}

func (p *Pages) pressStep(w http.ResponseWriter, r request) error {
	entry := dental.LogEntry{Clinic: r.clinic.ID, ID: p.draw(), At: r.now, By: r.me.Name, Key: r.me.Key, Role: r.me.Role}
	if err := report.PressStep(r.Context(), p.Store, r.form.Get("step"), r.form.Get("done") == "yes", entry); err != nil {
		return err
	}
	return back(w, r, "/start", nil)
}
