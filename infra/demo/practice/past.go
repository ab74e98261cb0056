package practice

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// past is what the practice's system tells when it is connected: the cards it
// has, their visits and plans, and the appointments of the days to come.
func (p *Practice) past() {
	for _, who := range p.patients {
		if who.standing != newcomer {
			p.know(who)
			p.lived(who)
		}
	}
	for _, who := range p.patients {
		if (who.standing == regular || who.standing == braced) && p.odds(isBooked) {
			p.book(who, p.wants(who), 1+p.random.IntN(12))
		}
	}
}

// lived tells the visits and the plan that a patient has had.
func (p *Practice) lived(who *patient) {
	switch who.standing {
	case regular:
		p.series(who, dental.Hygiene, 2+p.random.IntN(2), p.ago(8, 150), 170)
	case asleep:
		p.series(who, pick(p, []dental.ProcedureKind{dental.Hygiene, dental.Therapy, dental.Prosthetics}), 1+p.random.IntN(2), p.ago(183, 900), 150)
	case presented:
		at := p.ago(1, 60)
		p.visit(who, dental.Diagnostics, at, "")
		p.present(who, []dental.ProcedureKind{dental.Therapy, dental.Prosthetics}, at)
	case begun:
		at := p.ago(2, 50)
		p.visit(who, dental.Diagnostics, at.AddDate(0, 0, -12), "")
		p.present(who, []dental.ProcedureKind{dental.Therapy, dental.Therapy, dental.Prosthetics}, at.AddDate(0, 0, -12))
		p.visit(who, dental.Therapy, at, "")
		p.stageDone(who, at)
	case implanted:
		p.visit(who, dental.Implant, p.ago(270, 360), "")
		if p.odds(cleanedSince) {
			p.visit(who, dental.Hygiene, p.ago(60, 150), "")
		}
	case braced:
		// Who has come for something else since is reminded of the braces by themselves.
		if p.odds(lapsed) {
			p.series(who, dental.Orthodontics, 3, p.ago(110, 170), 40)
			p.visit(who, dental.Hygiene, p.ago(8, 60), "")
		} else {
			p.series(who, dental.Orthodontics, 3, p.ago(10, 60), 40)
		}
	case urgent:
		p.visit(who, dental.Surgery, p.ago(3, 40), "")
	}
}

// series tells visits of a kind, so many days from one to the next, the last of
// them when it says.
func (p *Practice) series(who *patient, kind dental.ProcedureKind, n int, last time.Time, apart int) {
	for ; n > 0; n-- {
		p.visit(who, kind, last.AddDate(0, 0, -(n-1)*apart), "")
	}
}

// ago is a time at which the practice was open, so many days ago.
func (p *Practice) ago(least, most int) time.Time {
	day := dental.DateOf(p.now.In(p.Loc)).AddDays(-least - p.random.IntN(most-least))
	if day.Weekday() == time.Sunday {
		day = day.AddDays(-1)
	}
	return day.At(dental.TimeOfDay(60*(opens+1)+30*p.random.IntN(2*(closes-opens)-4)), p.Loc)
}
