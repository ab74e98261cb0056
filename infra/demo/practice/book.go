package practice

import (
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// work is what is done under a kind of procedure.
type work struct {
	code, name string
	minutes    int
	price      int64 // roubles
	advice     string
	next       dental.ProcedureKind
}

var kinds = map[dental.ProcedureKind]work{
	dental.Hygiene:      {"A16.07.051", "Профессиональная гигиена", 60, 5400, "", dental.Hygiene},
	dental.Therapy:      {"A16.07.002", "Восстановление зуба пломбой", 60, 7800, "Чувствительность пройдёт за три-четыре дня. Если нет, приходите без записи.", dental.Hygiene},
	dental.Surgery:      {"A16.07.001", "Удаление зуба", 45, 6500, "Холод на щёку сегодня, полоскать с завтрашнего дня.", dental.Implant},
	dental.Implant:      {"A16.07.054", "Установка имплантата", 90, 42000, "Три дня только мягкая еда, на этой стороне не жевать.", dental.Implant},
	dental.Orthodontics: {"A16.07.028", "Коррекция брекет-системы", 30, 3900, "", dental.Orthodontics},
	dental.Prosthetics:  {"A16.07.004", "Установка коронки", 60, 28000, "Первые сутки без твёрдого и липкого.", dental.Hygiene},
	dental.Diagnostics:  {"B01.065.001", "Осмотр и план лечения", 30, 1500, "", dental.Therapy},
}

// appointment is one in the book, with what its patient has asked for.
type appointment struct {
	dental.Appointment
	of      *patient
	kind    dental.ProcedureKind
	version int64
}

// wants is what a patient comes for next.
func (p *Practice) wants(who *patient) dental.ProcedureKind {
	switch {
	case who.plan != nil:
		return who.plan.Stages[who.stage].Kind
	case who.freeHygiene:
		return dental.Hygiene
	case who.standing == braced:
		return dental.Orthodontics
	}
	return pick(p, []dental.ProcedureKind{dental.Hygiene, dental.Hygiene, dental.Hygiene, dental.Hygiene, dental.Therapy, dental.Therapy, dental.Diagnostics})
}

// book agrees on an appointment some days ahead: a day on which the doctor has time.
func (p *Practice) book(who *patient, kind dental.ProcedureKind, days int) {
	if !who.free() {
		return
	}
	doctor := p.doctors[who.doctor]
	at, ok := p.slot(doctor, days)
	if !ok {
		return
	}
	p.know(who)
	w := kinds[kind]
	a := &appointment{of: who, kind: kind, version: 1, Appointment: dental.Appointment{
		ID: p.id("A"), Patient: who.card.ID, Start: at, End: at.Add(time.Duration(w.minutes) * time.Minute),
		Doctor: doctor, Services: []dental.ServiceType{{Code: w.code, Name: w.name, Kind: kind}},
	}}
	who.appointment = a
	p.say(a, intake.AppointmentBooked, dental.Booked)
	if who.plan != nil && who.plan.Stages[who.stage].Kind == kind {
		who.plan.Stages[who.stage].Status = dental.StageBooked
		p.tellPlan(who)
	}
	p.follow(a)
}

// slot finds a free half hour of the doctor, as many days ahead or soon after.
func (p *Practice) slot(doctor dental.Doctor, days int) (time.Time, bool) {
	for ahead := days; ahead < days+14; ahead++ {
		day := dental.DateOf(p.now.In(p.Loc)).AddDays(ahead)
		if day.Weekday() == time.Sunday {
			continue
		}
		for range 8 {
			at := day.At(dental.TimeOfDay(opens*60+30*p.random.IntN(2*(closes-opens-1))), p.Loc)
			if key := doctor.ID + at.String(); !p.taken[key] {
				p.taken[key] = true
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// say tells what has become of an appointment.
func (p *Practice) say(a *appointment, kind intake.Type, status dental.AppointmentStatus) {
	a.Status, a.Version = status, a.version
	a.version++
	told := a.Appointment
	p.event(intake.Event{Type: kind, Appointment: &told})
}

// follow plans what becomes of an appointment that was just agreed on; what is
// planned is void once it is moved or cancelled.
func (p *Practice) follow(a *appointment) {
	start := a.Start
	stands := func(do func()) func() {
		return func() {
			if a.of.appointment == a && a.Start.Equal(start) && a.Standing() {
				do()
			}
		}
	}
	if left := start.Sub(p.now); left > 30*time.Hour {
		change := p.office(p.now.Add(p.between(4*time.Hour, left-20*time.Hour)))
		switch p.draw(moves, cancels) {
		case 0:
			p.at(change, stands(func() { p.move(a) }))
		case 1:
			p.at(change, stands(func() { p.cancel(a) }))
		}
	}
	p.at(start.Add(20*time.Minute), stands(func() {
		risk := misses
		if a.Status == dental.Confirmed || a.Reply == "confirm" {
			risk = missesAfter
		}
		if p.odds(risk) {
			p.say(a, intake.AppointmentMissed, dental.Missed)
			a.of.appointment = nil
			p.unbook(a)
		}
	}))
	p.at(a.End.Add(p.between(2*time.Minute, 15*time.Minute)), stands(func() {
		a.of.appointment = nil
		p.treat(a)
	}))
}

func (p *Practice) move(a *appointment) {
	at, ok := p.slot(a.Doctor, 1+p.random.IntN(7))
	if !ok {
		return
	}
	length := a.End.Sub(a.Start)
	a.Start, a.End, a.Reply = at, at.Add(length), ""
	p.say(a, intake.AppointmentMoved, dental.Booked)
	p.follow(a)
}

func (p *Practice) cancel(a *appointment) {
	p.say(a, intake.AppointmentCancelled, dental.Cancelled)
	a.of.appointment = nil
	p.unbook(a)
	if p.odds(comesBack) {
		p.at(p.office(p.now.Add(p.between(24*time.Hour, 72*time.Hour))), func() { p.book(a.of, a.kind, 2+p.random.IntN(6)) })
	}
}

// unbook takes the plan's stage back that the appointment was for.
func (p *Practice) unbook(a *appointment) {
	if plan := a.of.plan; plan != nil && plan.Stages[a.of.stage].Status == dental.StageBooked {
		plan.Stages[a.of.stage].Status = dental.StagePlanned
		p.tellPlan(a.of)
	}
}

// treat is the end of an appointment that was kept: the visit, its payment, at
// times a plan, and for some the next appointment at once.
func (p *Practice) treat(a *appointment) {
	who := a.of
	v := p.visit(who, a.kind, p.now, a.ID)
	if v.Receipt.Minor > 0 && p.odds(paysAtOnce) {
		p.pay(v, dental.Paid)
	}
	switch p.draw(corrected, refunded) {
	case 0: // the receipt, the day after
		p.at(p.office(p.now.Add(20*time.Hour)), func() {
			if !who.gone {
				v.Receipt.Minor -= v.Receipt.Minor / 10
				v.Version = 2
				p.event(intake.Event{Type: intake.VisitCompleted, Visit: &v})
			}
		})
	case 1:
		p.at(p.office(p.now.Add(90*time.Hour)), func() {
			if !who.gone && v.Receipt.Minor > 0 {
				p.pay(v, dental.Refund)
			}
		})
	}
	p.advance(who, a.kind)
	again := booksAtOnce
	if who.plan != nil {
		again = goesOn
	}
	if p.odds(again) {
		ahead := 6 + p.random.IntN(14)
		switch {
		case who.standing == braced:
			ahead = 30 + p.random.IntN(15)
		case who.plan == nil:
			ahead = 120 + p.random.IntN(60)
		}
		p.book(who, p.wants(who), ahead)
	}
}

// pay tells that a visit was paid for, or its money given back.
func (p *Practice) pay(v dental.Visit, kind dental.PaymentKind) {
	p.event(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{ID: p.id("F"), Patient: v.Patient, VisitID: v.ID, Amount: v.Receipt,
		At: p.now, Kind: kind, Source: dental.Source{Version: 1}}})
}

// visit tells a finished visit.
func (p *Practice) visit(who *patient, kind dental.ProcedureKind, finished time.Time, appointment string) dental.Visit {
	w := kinds[kind]
	v := dental.Visit{
		ID: p.id("V"), Patient: who.card.ID, AppointmentID: appointment,
		FinishedAt: finished.Truncate(time.Second), Doctor: p.doctors[who.doctor], Complex: p.odds(complexOnes), Source: dental.Source{Version: 1},
		Procedures: []dental.Procedure{{Code: w.code, Name: w.name, Kind: kind, Minutes: w.minutes}},
		Receipt:    dental.Money{Minor: (w.price + w.price/10*int64(p.random.IntN(4))) * 100, Currency: "RUB"},
	}
	if kind == dental.Hygiene && who.freeHygiene {
		v.Receipt.Minor, who.freeHygiene = 0, false
	}
	if p.odds(advised) {
		v.Recommendations = w.advice
	}
	if p.odds(nextNamed) {
		v.NextStep = dental.ServiceType{Code: kinds[w.next].code, Name: kinds[w.next].name, Kind: w.next}
	}
	if p.odds(dated) {
		v.ReturnDate = dental.DateOf(finished.In(p.Loc)).AddMonths(6)
	}
	who.visits++
	told := v
	p.event(intake.Event{Type: intake.VisitCompleted, At: finished, Visit: &told})
	return v
}

// advance is what a visit means for the patient's plan of treatment: a stage is
// done, or a plan is presented.
func (p *Practice) advance(who *patient, kind dental.ProcedureKind) {
	switch {
	case who.plan != nil && who.plan.Stages[who.stage].Kind == kind:
		p.stageDone(who, p.now)
	case who.plan == nil && (kind == dental.Surgery || kind == dental.Diagnostics) && p.odds(presents):
		stages := []dental.ProcedureKind{dental.Therapy, dental.Prosthetics}
		if kind == dental.Surgery {
			stages = []dental.ProcedureKind{dental.Implant, dental.Prosthetics}
		}
		p.present(who, stages, p.now)
	}
}

// present shows a patient a plan.
func (p *Practice) present(who *patient, stages []dental.ProcedureKind, at time.Time) {
	who.plan, who.stage = &dental.Plan{ID: p.id("L"), Patient: who.card.ID, PresentedAt: at.Truncate(time.Second)}, 0
	for i, k := range stages {
		who.plan.Stages = append(who.plan.Stages, dental.Stage{ID: "S-" + string(rune('1'+i)), Name: kinds[k].name, Kind: k, Status: dental.StagePlanned,
			Price: dental.Money{Minor: kinds[k].price * 100, Currency: "RUB"}})
	}
	p.tellPlan(who)
}

// stageDone ends the stage that a patient's plan has come to, and the plan with its last one.
func (p *Practice) stageDone(who *patient, at time.Time) {
	who.plan.Stages[who.stage].Status, who.plan.Stages[who.stage].DoneAt = dental.StageDone, at.Truncate(time.Second)
	p.tellPlan(who)
	if who.stage++; who.stage == len(who.plan.Stages) {
		who.plan = nil
	}
}

func (p *Practice) tellPlan(who *patient) {
	who.plan.Version++
	told := *who.plan
	told.Stages = append([]dental.Stage(nil), who.plan.Stages...)
	p.event(intake.Event{Type: intake.PlanUpdated, Plan: &told})
}
