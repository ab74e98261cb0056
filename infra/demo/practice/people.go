package practice

import (
	"fmt"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/intake"
)

// patient is a card, what the practice knows of it, and what nobody knows.
type patient struct {
	card intake.Card
	standing
	doctor      int
	appointment *appointment // that stands
	plan        *dental.Plan
	stage       int
	visits      int
	freeHygiene bool // asked to use the one that was earned
	grumpy      bool // hard to please
	gone        bool // away for good
	friends     []*patient
}

// free reports whether the patient can be booked.
func (who *patient) free() bool { return who.appointment == nil && !who.gone }

var (
	women    = []string{"Анна", "Елена", "Ольга", "Наталья", "Мария", "Татьяна", "Светлана", "Алина", "Вера", "Ксения", "Дарья", "Полина"}
	men      = []string{"Александр", "Дмитрий", "Сергей", "Андрей", "Михаил", "Игорь", "Олег", "Роман", "Кирилл", "Глеб"}
	families = []string{"Вымыслов", "Небывалов", "Загадкин", "Выдумкин", "Безымянов", "Примеров", "Образцов", "Иванченко", "Сказочников", "Неведомов", "Тестов", "Случаев"}
)

const orthodontist = "D-4"

// people makes the cards: singles, families who share a phone, children whose
// parent answers for them, and some of whom the practice has no good number.
func (p *Practice) people() {
	for len(p.patients) < p.Patients {
		family := pick(p, families)
		head := p.person(family, 25+p.random.IntN(50))
		if !p.odds(bringsFamily) {
			continue
		}
		if len(p.patients) < p.Patients {
			if spouse := p.person(family, 25+p.random.IntN(40)); p.odds(oneNumber) {
				spouse.card.Number = head.card.Number
			}
		}
		for children := 1; children > 0 && len(p.patients) < p.Patients; children-- {
			child := p.person(family, 6+p.random.IntN(11))
			child.card.GuardianID, child.card.Number, child.card.Mail = head.card.ID, head.card.Number, ""
			child.standing = head.standing
			if p.odds(leftUnlinked) {
				child.card.GuardianID = ""
			}
			if child.standing == implanted || child.standing == presented {
				child.standing = regular
			}
			if p.odds(secondChild) {
				children++
			}
		}
	}
	// A birthday that comes once in four years is worth having among any number of people.
	p.patients[0].card.BirthDate = dental.Date{Year: 1984, Month: time.February, Day: 29}
}

// person makes the card of one of the practice's patients.
func (p *Practice) person(family string, age int) *patient {
	return p.card(fmt.Sprintf("P-%03d", len(p.patients)+1), family, age)
}

// card makes a card of somebody of that age.
func (p *Practice) card(id, family string, age int) *patient {
	who := &patient{doctor: p.random.IntN(len(p.doctors) - 1), grumpy: p.odds(impatient)}
	who.standing = p.stands()
	if who.standing == braced {
		who.doctor = len(p.doctors) - 1
	}
	c := &who.card
	c.ID, c.Sex, c.Language = id, "male", "ru"
	c.GivenName, c.FamilyName = pick(p, men), family
	if p.odds(female) {
		c.Sex, c.GivenName = "female", pick(p, women)
		if !strings.HasSuffix(family, "о") {
			c.FamilyName += "а"
		}
	}
	c.BirthDate = dental.DateOf(p.Start.In(p.Loc)).AddMonths(-12 * age).AddDays(-p.random.IntN(365))
	if p.odds(doubtfulBirth) {
		c.BirthDate = dental.Date{Year: 1900, Month: time.January, Day: 1}
	}
	c.Number, c.Mail = p.number(mobile), strings.ToLower(id)+"@example.com"
	switch p.draw(mailOnly, landline, unusable, phoneOnly) {
	case 0:
		c.Number = ""
	case 1:
		c.Number, c.Mail = p.number(fixed), ""
	case 2:
		c.Number, c.Mail = p.number(fixed)+" доб. 12", ""
	case 3:
		c.Mail = ""
	}
	p.agree(c)
	p.patients = append(p.patients, who)
	p.byID[c.ID] = who
	return who
}

// stands draws how somebody stands with the practice.
func (p *Practice) stands() standing {
	total := 0
	for _, m := range makeup {
		total += m.parts
	}
	n := p.random.IntN(total)
	for _, m := range makeup {
		if n -= m.parts; n < 0 {
			return m.standing
		}
	}
	return regular
}

// agree fills in what the patient agreed to, at some time before the first day.
func (p *Practice) agree(c *intake.Card) {
	if p.odds(neverAsked) {
		return
	}
	at, noService := p.Start.AddDate(-1, 0, -p.random.IntN(400)), p.odds(wantsNoService)
	for _, class := range dental.Classes() {
		for _, channel := range []dental.Channel{dental.SMS, dental.Mail} {
			granted := !noService
			switch class {
			case dental.Care:
				granted = granted && p.odds(wantsCare)
			case dental.Advertising:
				granted = granted && p.odds(wantsOffers)
			}
			c.Consents = append(c.Consents, dental.Consent{Class: class, Channel: channel, Granted: granted, At: at, Source: "paper", Text: "анкета 2025"})
		}
	}
}

// The prefixes of numbers that no operator has given out.
const (
	mobile = "+7 900 000"
	fixed  = "+7 495 000"
)

// number is one that nobody here has yet.
func (p *Practice) number(prefix string) string {
	p.numbers++
	return fmt.Sprintf("%s-%02d-%02d", prefix, p.numbers/100%100, p.numbers%100)
}

// know tells a card before anything else is told of the patient.
func (p *Practice) know(who *patient) {
	if g := p.byID[who.card.GuardianID]; g != nil && g.card.Version == 0 {
		p.tellCard(g)
	}
	if who.card.Version == 0 {
		p.tellCard(who)
	}
}

func (p *Practice) tellCard(who *patient) {
	who.card.Version = max(p.now.Unix(), who.card.Version+1)
	told := who.card
	p.event(intake.Event{Type: intake.PatientUpdated, Card: &told})
}

// leave is the end of a patient's time with the practice.
func (p *Practice) leave(who *patient, status dental.PatientStatus) {
	if who.gone || who.card.Version == 0 {
		return
	}
	p.drop(who)
	who.gone, who.card.Status = true, status
	p.tellCard(who)
}

// erase is a patient who wants to be forgotten.
func (p *Practice) erase(who *patient) {
	if who.gone || who.card.Version == 0 {
		return
	}
	p.drop(who)
	who.gone = true
	p.event(intake.Event{Type: intake.PatientDeleted, Gone: &intake.Deletion{ID: who.card.ID, Version: max(p.now.Unix(), who.card.Version+1)}})
}

// drop calls off what a patient who leaves had booked.
func (p *Practice) drop(who *patient) {
	if a := who.appointment; a != nil {
		p.say(a, intake.AppointmentCancelled, dental.Cancelled)
		who.appointment = nil
	}
}
