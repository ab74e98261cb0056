package reply

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/scenario"
	"github.com/returnpoint/returnpoint/shared/store"
)

// Action is what a patient says of an appointment.
type Action string

// The actions of the page.
const (
	Confirm    Action = "confirm"
	Reschedule Action = "reschedule"
	Cancel     Action = "cancel"
	Callback   Action = "callback"
)

// Appointment is the appointment page. It speaks of one appointment, or of all
// that one reminder spoke of.
type Appointment struct {
	Page
	Items []dental.Appointment // as they stand now, earliest first
	// Given are the given names of their patients by id, where they are of several:
	// for whoever asks, since the page itself says nobody's name.
	Given map[string]string
	// Open: an action may be taken. It is not once the time has come, or when
	// the appointment was moved or cancelled since the link was sent.
	Open bool
	// Moved: at least one of them stands at another time than the link was sent for.
	Moved bool
	// Action is the last one taken, "" before the first.
	Action Action
	// Portrait is the id of the doctor whose picture Photo gives, "" without one.
	Portrait string
}

// subject is one appointment that a link speaks of.
type subject struct{ patient, anchor string }

func subjects(l dental.Link) []subject {
	out := []subject{{l.Patient, l.Subject}}
	for _, also := range l.Also {
		if patient, anchor, ok := strings.Cut(also, "/"); ok {
			out = append(out, subject{patient, anchor})
		}
	}
	return out
}

// Appointment reads the page behind a token.
func (d *Desk) Appointment(ctx context.Context, token string, now time.Time) (Appointment, error) {
	page, _, err := d.appointment(ctx, token, now)
	for _, a := range page.Items {
		if err == nil && a.ID == dental.AppointmentOf(page.Link.Subject) {
			var p dental.Portrait
			if p, err = d.portrait(ctx, page.Clinic, a.Doctor); p.Shown() {
				page.Portrait = p.Doctor
			}
		}
	}
	return page, err
}

// booking is one appointment of the page with the step's view of its patient.
type booking struct {
	visit *visit
	at    *dental.Appointment
}

func (d *Desk) appointment(ctx context.Context, token string, now time.Time) (Appointment, []booking, error) {
	v, err := d.open(ctx, dental.AppointmentLink, token, now)
	if err != nil {
		return Appointment{}, nil, err
	}
	page := Appointment{Page: v.Page}
	visits := map[string]*visit{v.card.Patient.ID: v}
	var all []booking
	for _, s := range subjects(v.Link) {
		own := visits[s.patient]
		if own == nil {
			card, err := v.tx.Card(ctx, v.Link.Clinic, s.patient)
			if err != nil {
				return page, nil, err
			}
			own = &visit{Page: v.Page, tx: v.tx, card: card, now: now}
			visits[s.patient] = own
		}
		a := own.card.Appointment(dental.AppointmentOf(s.anchor))
		if a == nil || own.card.Patient.Erased {
			continue
		}
		same := dental.AppointmentAnchor(*a) == s.anchor
		if same && a.Standing() && !own.card.Attended(a.ID) && now.Before(a.Start) {
			all = append(all, booking{own, a})
		}
		page.Moved = page.Moved || !same && a.Standing()
		page.Items = append(page.Items, *a)
		if a.Reply != "" && a.ReplyFor.Equal(a.Start) {
			page.Action = Action(a.Reply)
		}
	}
	if len(visits) > 1 {
		page.Given = map[string]string{}
		for id, own := range visits {
			page.Given[id] = own.card.Patient.GivenName
		}
	}
	if len(page.Items) == 0 {
		return page, nil, dental.Errorf(dental.NotFound, "", "there is no such link, or not any more")
	}
	slices.SortFunc(page.Items, func(a, b dental.Appointment) int { return a.Start.Compare(b.Start) })
	page.Open = len(all) > 0
	return page, all, nil
}

// Act records what the patient says of the appointments that the link was sent
// for and that still stand. A confirmation settles the staff's task; anything
// else becomes a callback and changes nothing until the MIS says so.
func (d *Desk) Act(ctx context.Context, token string, action Action, now time.Time) (Appointment, error) {
	if !slices.Contains([]Action{Confirm, Reschedule, Cancel, Callback}, action) {
		return Appointment{}, dental.Errorf(dental.Invalid, "action", "an action is confirm, reschedule, cancel or callback")
	}
	var page Appointment
	err := store.Retry(ctx, func(ctx context.Context) error {
		var all []booking
		var err error
		if page, all, err = d.appointment(ctx, token, now); err != nil {
			return err
		}
		if !page.Open {
			return dental.Errorf(dental.Conflict, "action", "the appointment has changed, or its time has come")
		}
		changed := map[*visit][]scenario.Subject{}
		var order []*visit
		var tx *store.Tx
		for _, b := range all {
			if b.at.Reply == string(action) && b.at.ReplyFor.Equal(b.at.Start) {
				continue
			}
			d.course(b.visit).Reply(b.at, string(action))
			if action != Confirm {
				d.callback(b.visit, *b.at, action)
			}
			if changed[b.visit] == nil {
				order = append(order, b.visit)
			}
			changed[b.visit] = append(changed[b.visit], scenario.Subject{On: scenario.OnAppointment, ID: b.at.ID})
			tx = b.visit.tx
		}
		limit := most
		if len(all) > 1 {
			limit = 0 // a whole family's press is one write: see outreach's mostTogether
		}
		for _, v := range order {
			d.settle(v, limit, changed[v]...)
		}
		page.Action = action
		if tx == nil {
			return nil
		}
		return tx.Commit(ctx)
	})
	return page, err
}

// callback asks staff to call about an appointment.
func (d *Desk) callback(v *visit, a dental.Appointment, action Action) {
	l, local := v.staff(), a.Start.In(v.Clinic.Location())
	key := "task.callback.appointment"
	if action != Callback {
		key = "task.callback." + string(action)
	}
	d.course(v).Open(dental.Task{Kind: dental.CallbackTask, Anchor: dental.AppointmentAnchor(a), Scenario: "appointment", Due: v.Clinic.AddWorking(v.now, time.Hour),
		Reason: l.Text(key, map[string]string{"date": l.DayWeekday(dental.DateOf(local)), "time": l.Time(dental.TimeOfDayOf(local))})})
}
