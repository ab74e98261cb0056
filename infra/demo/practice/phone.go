package practice

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// wayOut finds the link of an e-mail's footer.
var wayOut = regexp.MustCompile(`https?://\S+/u/[A-Za-z0-9_-]{16}`)

// link is the message's link of a purpose, "s" for a survey; "" without one.
func (m Message) link(purpose string) string {
	for _, l := range m.Links {
		if u, err := url.Parse(l); err == nil && strings.HasPrefix(u.Path, "/"+purpose+"/") {
			return l
		}
	}
	return ""
}

// Show lets a patient see a message: what they do about it happens later.
func (p *Practice) Show(m Message) {
	who := p.byID[m.Patient]
	if who == nil || who.gone || p.enough(who, m) {
		return
	}
	switch m.Scenario + "/" + m.Step {
	case "after-visit/thanks":
		if p.odds(readsAdvice) {
			p.open(who, m, "s", "read")
		}
	case "after-visit/survey":
		p.survey(who, m)
	case "complex-visit/follow-up":
		if p.odds(answersBack) {
			p.press(who, m, "s", "good", url.Values{"answer": {"good"}})
		}
	case "review/ask":
		if p.odds(reviewsIf) {
			p.pick(who, m, "s", "map", "map followed")
		}
	case "appointment/reminder", "appointment/today":
		p.reminded(who, m)
	case "appointment/missed":
		if p.odds(rebooks) {
			p.calls(who)
		}
	case "birthday/greeting":
		switch p.draw(choosesGift, looksAtGift) {
		case 0:
			p.pick(who, m, "g", "gift", "gift chosen")
		case 1:
			p.open(who, m, "g", "looked")
		}
	case "club/welcome":
		if p.odds(looksAtClub) {
			p.open(who, m, "club", "looked")
		}
	case "club/free-hygiene":
		if p.odds(usesFree) {
			p.open(who, m, "club", "looked")
			who.freeHygiene = true
			p.calls(who)
		}
	case "referral/invite":
		if p.odds(recommends) {
			p.recommend(who, m)
		}
	default:
		p.offered(who, m)
	}
}

// enough is what people do who want no more of it; it reports whether that is
// all they do about the message.
func (p *Practice) enough(who *patient, m Message) bool {
	stops := share(0)
	switch m.Class {
	case string(dental.Advertising):
		stops = stopsOffers
	case string(dental.Care):
		stops = stopsCare
	}
	if leave := wayOut.FindString(m.Text); m.Channel == string(dental.Mail) && leave != "" && stops > 0 && p.odds(leavesMail) {
		p.do(who, m, Act{Link: leave, Form: url.Values{"List-Unsubscribe": {"One-Click"}}, What: "unsubscribed"})
		return true
	}
	if m.Channel == string(dental.SMS) && p.odds(stops) {
		p.do(who, m, Act{From: p.phoneOf(who), Text: "СТОП", What: "STOP"})
		return true
	}
	return false
}

// phoneOf is the mobile number that a patient's messages arrive at, in E.164; ""
// for none.
func (p *Practice) phoneOf(who *patient) string {
	spelled := who.card.Number
	if g := p.byID[who.card.GuardianID]; g != nil {
		spelled = g.card.Number
	}
	if !strings.HasPrefix(spelled, mobile) {
		return ""
	}
	return strings.NewReplacer(" ", "", "-", "").Replace(spelled)
}

// do plans what a patient does about a message: in a few minutes or hours, by day.
func (p *Practice) do(who *patient, m Message, act Act) time.Time {
	at := p.awake(p.now.Add(p.between(soonest, latest)))
	p.doAt(at, who, m, act)
	return at
}

func (p *Practice) doAt(at time.Time, who *patient, m Message, act Act) {
	act.Patient, act.Scenario, act.Step = who.card.ID, m.Scenario, m.Step
	if act.Link == "" && act.From == "" {
		return // the message leads nowhere
	}
	p.at(at, func() { p.tell(Happening{Act: &act}) })
}

// open, press and pick are the three things that one does on a page.
func (p *Practice) open(who *patient, m Message, purpose, what string) {
	p.do(who, m, Act{Link: m.link(purpose), What: what})
}

func (p *Practice) press(who *patient, m Message, purpose, what string, form url.Values) {
	p.do(who, m, Act{Link: m.link(purpose), Form: form, What: what})
}

func (p *Practice) pick(who *patient, m Message, purpose, field, what string) {
	p.do(who, m, Act{Link: m.link(purpose), Form: url.Values{}, Pick: field, Nth: p.random.IntN(6), What: what})
}

// calls is a patient who rings the desk up, and books.
func (p *Practice) calls(who *patient) {
	p.at(p.office(p.now.Add(p.between(soonest, 2*24*time.Hour))), func() { p.book(who, p.wants(who), 1+p.random.IntN(9)) })
}

// offered is what people do about an invitation.
func (p *Practice) offered(who *patient, m Message) {
	r, ok := offered[m.Scenario+"/"+m.Step]
	if !ok {
		r = offered[""]
	}
	actions := []string{"book", "callback", "later", "never"}
	switch n := p.draw(r.book, r.callback, r.later, r.never, r.phones, r.looks); n {
	case 0, 1, 2, 3: // a wish to come becomes a task of staff
		p.press(who, m, "o", actions[n], url.Values{"action": {actions[n]}})
	case 4:
		p.calls(who)
	case 5:
		p.open(who, m, "o", "looked")
	}
}

// survey is what people say: most who answer are content.
func (p *Practice) survey(who *patient, m Message) {
	switch p.draw(rates, peeksOnly) {
	case 1:
		p.open(who, m, "s", "looked")
		return
	case -1:
		return
	}
	act := Act{Link: m.link("s"), Form: url.Values{}, What: "good"}
	unhappy := bad
	if who.grumpy {
		unhappy = badGrumpy
	}
	switch p.draw(unhappy, fair) {
	case 0:
		act.What = "bad"
		if p.odds(says) {
			act.Form.Set("comment", pick(p, []string{"Ждала сорок минут", "Было больно, врач торопился", "Цена в итоге другая"}))
		}
	case 1:
		act.What = "fair"
	}
	act.Form.Set("answer", act.What)
	at := p.do(who, m, act)
	if act.What != "good" {
		return
	}
	if p.odds(scores) {
		p.doAt(at.Add(time.Minute), who, m, Act{Link: act.Link, Form: url.Values{"nps": {pick(p, []string{"8", "9", "9", "10", "10", "10"})}}, What: "scored"})
	}
	if p.odds(reviews) {
		p.doAt(at.Add(2*time.Minute), who, m, Act{Link: act.Link, Form: url.Values{}, Pick: "map", Nth: p.random.IntN(6), What: "map followed"})
	}
}

// reminded is what people do about a reminder. What they ask for is a task of staff.
func (p *Practice) reminded(who *patient, m Message) {
	a := who.appointment
	if a == nil || !p.odds(reacts) {
		return
	}
	start := a.Start
	action := "confirm"
	switch p.draw(callOff, reschedule, askBack) {
	case 0:
		action = "cancel"
	case 1:
		action = "reschedule"
	case 2:
		action = "callback"
	}
	act := Act{Link: m.link("c"), Form: url.Values{"action": {action}}, What: action}
	if from := p.phoneOf(who); action == "confirm" && m.Channel == string(dental.SMS) && p.odds(byWord) {
		act = Act{From: from, Text: "Да", What: "confirm by SMS"}
	}
	at := p.do(who, m, act)
	p.at(at, func() {
		if who.appointment == a && a.Start.Equal(start) {
			a.Reply = action
		}
	})
}

// recommend is a patient who passes the link on to a friend, who leaves a phone some days later.
func (p *Practice) recommend(who *patient, m Message) {
	friend := p.friend()
	p.do(who, m, Act{Link: m.link("r"), What: "link passed on"})
	if !p.odds(friendOpens) {
		return
	}
	at := p.awake(p.now.Add(p.between(24*time.Hour, 9*24*time.Hour)))
	p.doAt(at, who, m, Act{Link: m.link("r"), What: "friend left a phone",
		Form: url.Values{"name": {friend.card.GivenName}, "phone": {friend.card.Number}, "consent": {"on"}}})
	p.at(at, func() { who.friends = append(who.friends, friend) })
}

// friend is somebody whom the practice does not know yet.
func (p *Practice) friend() *patient {
	friend := p.card(p.id("P"), pick(p, families), 22+p.random.IntN(40))
	friend.standing, friend.doctor, friend.card.Number = newcomer, p.random.IntN(len(p.doctors)-1), p.number(mobile)
	return friend
}
