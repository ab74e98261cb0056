package staff

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/desk"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/web/qr"
)

func (p *Pages) arrivalsRoutes() []route {
	return []route{
		{path: "/desk/{clinic}/arrivals", get: p.arrivals, least: dental.Administrator},
		{path: "/desk/{clinic}/arrivals/{patient}/consent", get: p.consentPage, post: p.consentMade, least: dental.Administrator},
	}
}

// arrivalsPage is who comes on a day.
type arrivalsPage struct {
	shell
	desk.Arrivals
	Items []arrivalItem
	// Before and After are the paths of the days beside this one, and Later of the
	// day's following page.
	Before, After, Later string
	Checklist            []string
}

// arrivalItem is one appointment with the paths that it leads to.
type arrivalItem struct {
	desk.Arrival
	Card, Consent string
}

// checks is how many lines the doctor's checklist has.
const checks = 6

// arrivals shows who comes on a day, today unless another one is asked for.
func (p *Pages) arrivals(w http.ResponseWriter, r request) error {
	day := r.clinic.Today(r.now)
	if asked := r.URL.Query().Get("day"); asked != "" {
		var err error
		if day, err = dental.ParseDate(asked); err != nil {
			return dental.Errorf(dental.Invalid, "day", "must be a date, as in 2026-05-22")
		}
	}
	list, err := p.reception().Arrivals(r.Context(), r.clinic, day, r.URL.Query().Get("cursor"), r.now)
	if err != nil {
		return err
	}
	page := arrivalsPage{shell: p.shell(r, "/arrivals", "desk.arrivals.title"), Arrivals: list,
		Before: arrivalsPath(r, day.AddDays(-1), ""), After: arrivalsPath(r, day.AddDays(1), "")}
	if list.Cursor != "" {
		page.Later = arrivalsPath(r, day, list.Cursor)
	}
	for _, a := range list.Rows {
		page.Items = append(page.Items, arrivalItem{a, cardPath(r, a.Appointment.Patient), consentPath(r, a.Appointment.Patient)})
	}
	for n := range checks {
		page.Checklist = append(page.Checklist, page.T(fmt.Sprintf("desk.arrivals.check.%d", n+1)))
	}
	p.render(w, r.Request, http.StatusOK, "arrivals", page)
	return nil
}

func arrivalsPath(r request, day dental.Date, cursor string) string {
	query := url.Values{"day": {day.String()}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return r.home() + "/arrivals?" + query.Encode()
}

func consentPath(r request, patient string) string {
	return r.home() + "/arrivals/" + url.PathEscape(patient) + "/consent"
}

// consentView is the page from which a patient opens their own choice of messages.
type consentView struct {
	shell
	Path string        // of this page, to which the press is sent
	Code template.HTML // "" before the press
	Link string
}

// consentPage shows the code that opens the patient's own page on the patient's
// own phone, once a press has made the link.
func (p *Pages) consentPage(w http.ResponseWriter, r request) error {
	patient := r.PathValue("patient")
	page := consentView{shell: p.shell(r, "/arrivals", "desk.arrivals.consent.title"), Path: consentPath(r, patient)}
	page.Said, page.Problem = r.noticed()
	path, err := p.replies().ConsentPath(r.Context(), r.clinic.ID, patient, r.now)
	switch {
	case dental.KindOf(err) == dental.Conflict:
		page.Problem = page.T("desk.arrivals.consent.child")
	case err != nil:
		return err
	case path != "":
		page.Link = strings.TrimSuffix(p.Base, "/") + path
		if page.Code, err = qr.SVG(page.Link, page.T("desk.arrivals.consent.code")); err != nil {
			return fmt.Errorf("staff: draw a link: %w", err)
		}
	}
	p.render(w, r.Request, http.StatusOK, "consent", page)
	return nil
}

// consentMade makes the link and leads back to its code.
func (p *Pages) consentMade(w http.ResponseWriter, r request) error {
	patient := r.PathValue("patient")
	note := dental.LogEntry{Clinic: r.clinic.ID, ID: p.draw(), At: r.now, By: r.me.Name, Key: r.me.Key, Role: r.me.Role, Action: "consent-link", Patient: patient}
	if _, err := p.replies().ConsentLink(r.Context(), r.clinic.ID, patient, r.now, note); err != nil && dental.KindOf(err) != dental.Conflict {
		return err
	}
	return back(w, r, strings.TrimPrefix(consentPath(r, patient), r.home()), nil)
}

func (p *Pages) replies() *reply.Desk {
	return &reply.Desk{Store: p.Store, Catalogue: p.Catalogue, Log: p.Log}
}
