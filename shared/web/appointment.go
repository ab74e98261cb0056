package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/reply"
	"github.com/returnpoint/returnpoint/shared/status"
)

// appointmentPage is the appointment in one of its states: open, answered,
// moved, cancelled.
type appointmentPage struct {
	shell
	Heading  string
	Said     []string
	Calm     bool // nothing to worry about: the heading may shine
	Ask      string
	Items    []appointmentItem
	Buttons  []actionButton
	Calendar string // path of the file, "" when nothing is to take place
	Urge     bool   // the phone is the way on
	Whose    bool   // it can be asked whose they are
}

type appointmentItem struct {
	At      string // RFC 3339, for programs
	Day     string // "четверг, 12 марта"
	Soon    string // "сегодня", "завтра" or ""
	Time    string
	Doctor  string
	Picture string // path of the doctor's, or ""
	Name    string // whose it is, once that was asked
	Mark    string // what has become of it, or ""
	Struck  bool   // it does not take place
	present bool
}

type actionButton struct {
	Value, Word string
	Main, Quiet bool
}

func (p *Pages) appointment(w http.ResponseWriter, r request) error {
	return p.showAppointment(w, r, false, nil)
}

// whoseField of a form asks whose appointments these are. The page says no name
// by itself: who has a link that was sent on learns nobody's by opening it.
const whoseField = "whose"

func (p *Pages) showAppointment(w http.ResponseWriter, r request, named bool, wrong error) error {
	a, err := p.Desk.Appointment(r.Context(), r.token, r.now)
	if err != nil {
		return err
	}
	page := lookAtAppointment(a, r.now)
	if page.Calendar != "" {
		page.Calendar = r.URL.EscapedPath() + "/" + calendarFile
	}
	for i := range page.Items {
		if x := a.Items[i]; a.Portrait != "" && x.Doctor.ID == a.Portrait && x.Standing() {
			page.Items[i].Picture = r.URL.EscapedPath() + "/" + portraitFile
		}
		if page.Whose = len(a.Given) > 0 && !named; named {
			page.Items[i].Name = a.Given[a.Items[i].Patient]
		}
	}
	code := http.StatusOK
	if wrong != nil {
		code, page.Problem = status.Of(wrong), page.wrong(wrong)
	}
	p.render(w, r.Request, code, "appointment", page)
	return nil
}

// act takes what the patient says of the appointment, or says whose it is.
func (p *Pages) act(w http.ResponseWriter, r request) error {
	if r.form.Has(whoseField) {
		if err := only(r.form, whoseField); err != nil {
			return err
		}
		if err := ticked(r.form, whoseField); err != nil {
			return err
		}
		return p.showAppointment(w, r, true, nil)
	}
	err := only(r.form, "action")
	if err == nil {
		_, err = p.Desk.Act(r.Context(), r.token, reply.Action(r.form.Get("action")), r.now)
	}
	if err != nil {
		return again(err, func() error { return p.showAppointment(w, r, false, err) })
	}
	return back(w, r, "")
}

func lookAtAppointment(a reply.Appointment, now time.Time) appointmentPage {
	page := appointmentPage{shell: around(a.Page, "page.appointment.title"), Heading: "page.appointment.heading"}
	if !slices.ContainsFunc(a.Items, func(x dental.Appointment) bool { return x.Start.After(now) }) {
		page.Heading, page.Said, page.Urge = page.T("page.appointment.passed"), []string{page.T("page.appointment.passed.text")}, true
		return page
	}
	for _, x := range a.Items {
		page.Items = append(page.Items, lookAtItem(a, x, now))
	}
	if slices.ContainsFunc(page.Items, func(x appointmentItem) bool { return x.present }) {
		page.Calendar = calendarFile
	}
	action, at := said(a)
	switch {
	case a.Open:
		page.offer(a, action, at, now)
	case a.Moved:
		page.Heading, page.Said, page.Urge = "page.appointment.moved", []string{page.T("page.appointment.moved.text")}, true
	case page.Calendar == "":
		page.Heading, page.Said, page.Urge = "page.appointment.cancelled", []string{page.T("page.appointment.cancelled.text")}, true
	default:
		page.Said, page.Urge = []string{page.T("page.appointment.phone")}, true
	}
	page.Heading = page.T(page.Heading)
	return page
}

// offer fills in an open page: what was said, and what can be said.
func (page *appointmentPage) offer(a reply.Appointment, action reply.Action, at, now time.Time) {
	page.Ask = page.T("page.appointment.ask")
	if action != "" {
		page.Ask = page.T("page.appointment.ask.other")
		if page.Calm = action == reply.Confirm; page.Calm {
			page.Ask = page.T("page.appointment.ask.confirmed")
		}
		page.Said = []string{page.answered(a.Page, action, at, now)}
		page.Heading = "page.appointment.said." + string(action)
	}
	if a.Moved {
		page.Said = append(page.Said, page.T("page.appointment.moved.some"))
	}
	for _, other := range []reply.Action{reply.Confirm, reply.Reschedule, reply.Cancel, reply.Callback} {
		if other != action {
			page.Buttons = append(page.Buttons, actionButton{string(other), page.T("page.appointment." + string(other)), action == "" && other == reply.Confirm, false})
		}
	}
}

// answered is what the clinic says to an action: for those that ask to be
// called back, until when.
func (page *appointmentPage) answered(pg reply.Page, action reply.Action, at, now time.Time) string {
	key := "page.appointment.said." + string(action)
	if action == reply.Confirm {
		return page.T(key + ".text")
	}
	date, clock, ok := within(pg, pg.Clinic.AddWorking(at, time.Hour), now)
	if !ok {
		return page.T(key + ".past")
	}
	return page.T(key+".soon", "date", date, "time", clock)
}

// said is the last word on what still stands, and when it was given; the
// MIS's own confirmation counts where the patient has said nothing.
func said(a reply.Appointment) (action reply.Action, at time.Time) {
	confirmed := true
	for _, x := range a.Items {
		switch {
		case !x.Standing() || moved(a, x):
			continue
		case a.Action != "" && x.Answered() == string(a.Action) && x.ReplyAt.After(at):
			at = x.ReplyAt
		}
		confirmed = confirmed && x.Answered() == string(reply.Confirm)
	}
	if a.Action == "" && confirmed {
		return reply.Confirm, at
	}
	return a.Action, at
}

// moved reports whether an appointment stands at another time than the link
// was sent for.
func moved(a reply.Appointment, x dental.Appointment) bool {
	anchor := dental.AppointmentAnchor(x)
	return anchor != a.Link.Subject && !slices.ContainsFunc(a.Link.Also, func(also string) bool {
		_, other, _ := strings.Cut(also, "/")
		return other == anchor
	})
}

func lookAtItem(a reply.Appointment, x dental.Appointment, now time.Time) appointmentItem {
	l, local := a.Locale, x.Start.In(a.Clinic.Location())
	date, today := dental.DateOf(local), a.Clinic.Today(now)
	item := appointmentItem{
		At:     local.Format(time.RFC3339),
		Day:    l.Weekday(date.Weekday()) + ", " + day(a.Page, date, now),
		Time:   l.Time(dental.TimeOfDayOf(local)),
		Doctor: x.Doctor.Name,
		Struck: !x.Standing(),
	}
	item.present = takesPlace(x, now)
	if relative := l.Relative(date, today); relative != l.DayWeekday(date) && item.present {
		item.Soon = relative
	}
	switch {
	case item.Struck:
		item.Mark = l.Text("page.appointment.mark.cancelled", nil)
	case moved(a, x):
		item.Mark = l.Text("page.appointment.mark.moved", nil)
	}
	return item
}

// takesPlace reports whether an appointment is still to come.
func takesPlace(x dental.Appointment, now time.Time) bool { return x.Standing() && x.Start.After(now) }
