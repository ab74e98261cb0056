package practice

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// wayOut finds the link of an e-mail's footer.
var wayOut = regexp.MustCompile(`https?://\S+/u/[A-Za-z0-9_-]{16}`)

// kindOf is what is done under a kind of procedure.
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

var (
	women    = []string{"Анна", "Елена", "Ольга", "Наталья", "Мария", "Татьяна", "Светлана", "Алина", "Вера", "Ксения", "Дарья", "Полина"}
	men      = []string{"Александр", "Дмитрий", "Сергей", "Андрей", "Михаил", "Игорь", "Олег", "Роман", "Кирилл", "Глеб"}
	families = []string{"Вымыслов", "Небывалов", "Загадкин", "Выдумкин", "Безымянов", "Примеров", "Образцов", "Иванченко", "Сказочников", "Неведомов", "Тестов", "Случаев"}
)

// people makes the cards: singles, families who share a phone, children whose
// parent answers for them, and some of whom the practice has no good number.
func (p *Practice) people() {
	for len(p.patients) < p.Patients {
		family := pick(p, families)
		head := p.person(family, 25+p.random.IntN(50))
		if !p.odds(0.15) {
			continue
		}
		if spouse := p.person(family, 25+p.random.IntN(40)); p.odds(0.7) {
			spouse.card.Number = head.card.Number
		}
		for range 1 + p.random.IntN(2) {
			child := p.person(family, 6+p.random.IntN(11))
			child.card.GuardianID, child.card.Number, child.card.Mail = head.card.ID, head.card.Number, ""
		}
	}
}

func (p *Practice) person(family string, age int) *patient {
	n := len(p.patients) + 1
	who := &patient{doctor: p.random.IntN(len(p.doctors)), known: p.odds(0.8), impatient: p.odds(0.06)}
	c := &who.card
	c.ID, c.Sex, c.Language = fmt.Sprintf("P-%03d", n), "male", "ru"
	c.GivenName, c.FamilyName = pick(p, men), family
	if p.odds(0.55) {
		c.Sex, c.GivenName = "female", pick(p, women)
		if !strings.HasSuffix(family, "о") {
			c.FamilyName += "а"
		}
	}
	c.BirthDate = dental.DateOf(p.Start.In(p.Loc)).AddMonths(-12 * age).AddDays(-p.random.IntN(365))
	c.Number = fmt.Sprintf("+7 900 000-%02d-%02d", n/100, n%100)
	c.Mail = fmt.Sprintf("patient%03d@example.com", n)
	switch luck := p.random.Float64(); {
	case luck < 0.03:
		c.Number = "" // e-mail only
	case luck < 0.05:
		c.Number, c.Mail = fmt.Sprintf("8 (495) 000-%02d-%02d доб. 12", n/100, n%100), "" // nobody can be written to
	case luck < 0.30:
		c.Mail = ""
	}
	at := p.Start.AddDate(-1, 0, -p.random.IntN(100))
	for _, class := range dental.Classes() {
		for _, channel := range []dental.Channel{dental.SMS, dental.Mail} {
			granted := class == dental.Service || p.odds(0.8)
			c.Consents = append(c.Consents, dental.Consent{Class: class, Channel: channel, Granted: granted, At: at, Source: "paper", Text: "анкета 2025"})
		}
	}
	p.patients = append(p.patients, who)
	return who
}

// know tells a card before anything else is told of the patient.
func (p *Practice) know(who *patient) {
	if g := p.find(who.card.GuardianID); g != nil && g.card.Version == 0 {
		p.tellCard(g)
	}
	if who.card.Version == 0 {
		p.tellCard(who)
	}
}

func (p *Practice) tellCard(who *patient) {
	who.known, who.card.Version = true, p.now.Unix()
	told := who.card
	p.event(intake.Event{Type: intake.PatientUpdated, Card: &told})
}

func (p *Practice) find(id string) *patient {
	for _, who := range p.patients {
		if who.card.ID == id {
			return who
		}
	}
	return nil
}

// history is what the practice's system tells when it is connected: the cards it
// has, each one's last visit, and the appointments of the days to come.
func (p *Practice) history() {
	for _, who := range p.patients {
		if !who.known {
			continue
		}
		p.know(who)
		when := p.now.AddDate(0, 0, -10-p.random.IntN(500)).Truncate(time.Hour)
		p.visit(who, p.wants(who), when, "")
	}
	for _, who := range p.patients {
		if who.known && p.odds(0.3) {
			p.book(who, p.wants(who), 1+p.random.IntN(9))
		}
	}
}

// wants is what a patient comes for next.
func (p *Practice) wants(who *patient) dental.ProcedureKind {
	if who.plan != nil {
		return who.plan.Stages[who.stage].Kind
	}
	if who.doctor == 3 {
		return dental.Orthodontics
	}
	return pick(p, []dental.ProcedureKind{dental.Hygiene, dental.Hygiene, dental.Hygiene, dental.Therapy, dental.Therapy, dental.Surgery, dental.Prosthetics, dental.Diagnostics})
}

// treat is the end of an appointment that was kept: the visit, its payment, at
// times a plan, and for some the next appointment at once.
func (p *Practice) treat(a *appointment) {
	who := a.of
	v := p.visit(who, a.kind, p.now, a.ID)
	if !v.Receipt.IsZero() && p.odds(0.8) {
		p.serial++
		p.event(intake.Event{Type: intake.PaymentReceived, Payment: &dental.Payment{ID: fmt.Sprintf("F-%s-%d", p.now.In(p.Loc).Format("060102"), p.serial),
			Patient: who.card.ID, VisitID: v.ID, Amount: v.Receipt, At: p.now, Kind: dental.Paid, Source: dental.Source{Version: 1}}})
	}
	if p.odds(0.03) { // the receipt is corrected the day after
		p.at(p.office(p.now.Add(20*time.Hour)), func() {
			v.Receipt.Minor -= v.Receipt.Minor / 10
			v.Version = 2
			p.event(intake.Event{Type: intake.VisitCompleted, Visit: &v})
		})
	}
	p.plan(who, a.kind)
	if p.odds(0.35) {
		p.book(who, p.wants(who), 6+p.random.IntN(14))
	}
}

// visit tells a finished visit.
func (p *Practice) visit(who *patient, kind dental.ProcedureKind, finished time.Time, appointment string) dental.Visit {
	w := kinds[kind]
	p.serial++
	v := dental.Visit{
		ID: fmt.Sprintf("V-%s-%d", finished.In(p.Loc).Format("060102"), p.serial), Patient: who.card.ID, AppointmentID: appointment,
		FinishedAt: finished.Truncate(time.Second), Doctor: p.doctors[who.doctor], Complex: p.odds(0.04), Source: dental.Source{Version: 1},
		Procedures: []dental.Procedure{{Code: w.code, Name: w.name, Kind: kind, Minutes: w.minutes}},
		Receipt:    dental.Money{Minor: (w.price + w.price/10*int64(p.random.IntN(4))) * 100, Currency: "RUB"},
	}
	if p.odds(0.6) {
		v.Recommendations = w.advice
	}
	if p.odds(0.5) {
		v.NextStep = dental.ServiceType{Code: kinds[w.next].code, Name: kinds[w.next].name, Kind: w.next}
	}
	if p.odds(0.3) {
		v.ReturnDate = dental.DateOf(finished.In(p.Loc)).AddMonths(6)
	}
	told := v
	p.event(intake.Event{Type: intake.VisitCompleted, At: finished, Visit: &told})
	return v
}

// plan is what a visit means for the patient's plan of treatment: a stage is
// done, or a plan is presented.
func (p *Practice) plan(who *patient, kind dental.ProcedureKind) {
	switch {
	case who.plan != nil && who.plan.Stages[who.stage].Kind == kind:
		who.plan.Stages[who.stage].Status, who.plan.Stages[who.stage].DoneAt = dental.StageDone, p.now.Truncate(time.Second)
		p.tellPlan(who)
		if who.stage++; who.stage == len(who.plan.Stages) {
			who.plan = nil
		}
	case who.plan == nil && (kind == dental.Surgery || kind == dental.Diagnostics) && p.odds(0.6):
		stages := []dental.ProcedureKind{dental.Therapy, dental.Prosthetics}
		if kind == dental.Surgery {
			stages = []dental.ProcedureKind{dental.Implant, dental.Prosthetics}
		}
		p.serial++
		who.plan, who.stage = &dental.Plan{ID: fmt.Sprintf("L-%s-%d", p.now.In(p.Loc).Format("060102"), p.serial), Patient: who.card.ID, PresentedAt: p.now.Truncate(time.Second)}, 0
		for i, k := range stages {
			who.plan.Stages = append(who.plan.Stages, dental.Stage{ID: fmt.Sprintf("S-%d", i+1), Name: kinds[k].name, Kind: k, Status: dental.StagePlanned,
				Price: dental.Money{Minor: kinds[k].price * 100, Currency: "RUB"}})
		}
		p.tellPlan(who)
	}
}

func (p *Practice) tellPlan(who *patient) {
	who.plan.Version++
	told := *who.plan
	told.Stages = append([]dental.Stage(nil), who.plan.Stages...)
	p.event(intake.Event{Type: intake.PlanUpdated, Plan: &told})
}
