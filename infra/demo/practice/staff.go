package practice

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// Hand puts a task before the staff, who work it off within the next hours:
// they call. One that they have seen before they leave alone.
func (p *Practice) Hand(t Task) {
	if p.handled[t.ID] {
		return
	}
	p.handled[t.ID] = true
	who := p.byID[t.Patient]
	if who == nil || who.gone {
		return
	}
	p.at(p.office(p.now.Add(p.between(5*time.Minute, 3*time.Hour))), func() { p.work(t, who) })
}

// work is one call of staff.
func (p *Practice) work(t Task, who *patient) {
	if who.gone {
		return
	}
	switch a := who.appointment; {
	case t.Kind == "confirm":
		if a != nil && a.Status == dental.Booked && p.now.Before(a.Start) && p.odds(staffConfirm) {
			p.say(a, intake.AppointmentConfirmed, dental.Confirmed)
		}
	case t.Kind == "contact":
		if who.card.Number == "" && who.card.Mail == "" || p.odds(staffMend) {
			who.card.Number = p.number(mobile)
			p.tellCard(who)
		}
	case t.Kind == "lead":
		p.callFriend(who)
	case t.Kind == "callback" && a != nil && p.now.Before(a.Start):
		switch a.Reply {
		case "cancel":
			p.cancel(a)
		case "reschedule":
			p.move(a)
		case "callback":
			p.say(a, intake.AppointmentConfirmed, dental.Confirmed)
		}
	case p.odds(staffBook[t.Kind]):
		p.book(who, p.wants(who), 1+p.random.IntN(9))
	}
}

// callFriend calls the first of a patient's friends who has not been called.
func (p *Practice) callFriend(who *patient) {
	if len(who.friends) == 0 {
		return
	}
	friend := who.friends[0]
	who.friends = who.friends[1:]
	if p.odds(staffBook["lead"]) {
		p.book(friend, pick(p, []dental.ProcedureKind{dental.Hygiene, dental.Diagnostics, dental.Therapy}), 1+p.random.IntN(9))
	}
}
